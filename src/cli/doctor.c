/*
 * doctor: what this machine and this installation have, and what to do where
 * something is missing. Each check is a row of one table; none changes
 * anything.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/place.h"
#include "cli/status.h"
#include "conf/yaml.h"
#include "conf/zoneinfo.h"
#include "policy/policy.h"
#include "privsep/landlock.h"
#include "vm/cgroup.h"
#include "vm/launch.h"

enum {
	FREE_MIB_MIN = 512,
	RESERVE_SLACK_MIB = 4, /* auditd wants beside its reserve */
	KERNEL_MIN = 511,      /* 5.11 */
};

enum state { GOOD, WARN, BAD };

struct check {
	enum state state;
	char found[600];
	const char *todo; /* own words, or NULL */
};

struct doctor {
	const struct cli *cli;
	const char *images;
	struct conf conf;
	bool have_conf;
};

static void found(struct check *c, enum state state, const char *todo,
		  const char *fmt, ...) __attribute__((format(printf, 4, 5)));

static void found(struct check *c, enum state state, const char *todo,
		  const char *fmt, ...)
{
	va_list ap;

	c->state = state;
	c->todo = todo;
	va_start(ap, fmt);
	(void)vsnprintf(c->found, sizeof(c->found), fmt, ap);
	va_end(ap);
}

/* The beginning of a small file as text; "" if it cannot be read. */
static void slurp(const char *path, char *dst, size_t cap)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : fd_read_all(fd, dst, cap - 1);

	dst[n > 0 ? n : 0] = 0;
}

static void check_cpu(struct doctor *, struct check *c)
{
	struct utsname u;

	if (uname(&u) < 0 || strcmp(u.machine, "x86_64") != 0)
		found(c, BAD, "run bulkhead on an x86-64 machine", "%s",
		      u.machine);
	else
		found(c, GOOD, NULL, "x86-64");
}

static void check_kernel(struct doctor *, struct check *c)
{
	unsigned major = 0, minor = 0;
	struct utsname u = { 0 };

	(void)uname(&u);
	if (sscanf(u.release, "%3u.%3u", &major, &minor) != 2 || /* NOLINT */
	    major * 100 + minor < KERNEL_MIN)
		found(c, BAD, "run Linux 5.11 or newer (Debian 12 has 6.1)",
		      "Linux %s", u.release);
	else
		found(c, GOOD, NULL, "Linux %s", u.release);
}

static void check_kvm(struct doctor *, struct check *c)
{
	CLEAN_FD int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);

	if (fd >= 0)
		found(c, GOOD, NULL,
		      "/dev/kvm can be opened; the probe of the first start "
		      "shows whether a guest really runs");
	else if (errno == EACCES)
		found(c, WARN,
		      "add yourself to the group kvm and log in again, or "
		      "live with slow VMs",
		      "/dev/kvm may not be opened: emulation (TCG), slow");
	else
		found(c, WARN,
		      "switch virtualisation on in the firmware, or nested "
		      "virtualisation on the host; or live with slow VMs",
		      "no /dev/kvm (%s): emulation (TCG), slow",
		      strerror(errno));
}

/* In a child: the namespaces of a process's sandbox. 0 or an errno. */
static int try_namespaces(void)
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET |
			      CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWPID) < 0
			      ? errno & 0xff
			      : 0);
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return errno;
	return WIFEXITED(status) ? WEXITSTATUS(status) : EINTR;
}

static bool reads_as(const char *path, char value)
{
	char text[32];

	slurp(path, text, sizeof(text));
	return text[0] == value;
}

/* A process whose root is no mount point was put there by chroot. */
static bool in_chroot(void)
{
	char line[4096];
	bool root = false;
	FILE *f = fopen("/proc/self/mountinfo", "re");

	if (!f)
		return false;
	while (!root && fgets(line, sizeof(line), f))
		root = strstr(line, " / / ") != NULL;
	(void)fclose(f);
	return !root;
}

static bool under_seccomp(void)
{
	char text[8192];
	const char *at;

	slurp("/proc/self/status", text, sizeof(text));
	at = strstr(text, "\nSeccomp:\t");
	return at && at[10] == '2';
}

/* Root alone in its user namespace: then no uid is left for the jails. */
static bool root_alone(void)
{
	char map[64];
	unsigned long inner, outer, count;

	slurp("/proc/self/uid_map", map, sizeof(map));
	return geteuid() == 0 &&
	       sscanf(map, "%lu %lu %lu", /* NOLINT(cert-err34-c) */
		      &inner, &outer, &count) == 3 &&
	       count == 1 && strchr(map, '\n') && !strchr(map, '\n')[1];
}

static void check_namespaces(struct doctor *, struct check *c)
{
	int e = try_namespaces();

	if (e == 0 && root_alone()) {
		found(c, BAD,
		      "start bulkhead as another user, or map more than one "
		      "uid into this container",
		      "can be made, but root is the only user here");
		return;
	}
	if (e == 0) {
		found(c, GOOD, NULL, "can be made");
		return;
	}
	if (reads_as("/proc/sys/kernel/unprivileged_userns_clone", '0'))
		found(c, BAD, "sysctl kernel.unprivileged_userns_clone=1",
		      "switched off by kernel.unprivileged_userns_clone");
	else if (reads_as("/proc/sys/user/max_user_namespaces", '0'))
		found(c, BAD, "sysctl user.max_user_namespaces=15000",
		      "switched off by user.max_user_namespaces");
	else if (reads_as("/proc/sys/kernel/apparmor_restrict_unprivileged_"
			  "userns",
			  '1'))
		found(c, BAD,
		      "give bulkhead an AppArmor profile with `userns,`, or "
		      "sysctl kernel.apparmor_restrict_unprivileged_userns=0",
		      "refused by AppArmor");
	else if (in_chroot())
		found(c, BAD,
		      "start it outside of the chroot, or with pivot_root "
		      "instead",
		      "refused in a chroot");
	else if (under_seccomp())
		found(c, BAD,
		      "allow unshare and clone with new namespaces in the "
		      "container's seccomp profile, or run it outside",
		      "refused by the container's seccomp filter");
	else
		found(c, BAD, "allow user namespaces in this environment",
		      "refused: %s", strerror(e));
}

static void check_landlock(struct doctor *, struct check *c)
{
	int abi = landlock_abi();

	if (abi > 0)
		found(c, GOOD, NULL, "ABI %d", abi);
	else
		found(c, WARN,
		      "boot with lsm=landlock,... to have this layer too",
		      "not there; the empty root of each process and seccomp "
		      "remain");
}

/* What a start from here would find; it changes nothing. */
static void check_cgroups(struct doctor *, struct check *c)
{
	struct cgroups g;

	cgroups_find(&g, &cgroup_proc);
	if (g.kind != CGROUP_NONE)
		found(c, GOOD, NULL, "%s", g.why);
	else
		found(c, WARN,
		      geteuid() == 0
			      ? "mount the cgroup tree writable, or start it "
				"with systemd-run --scope -p Delegate=yes"
			      : "start it with systemd-run --user --scope -p "
				"Delegate=yes bulkhead up, or as a service "
				"with Delegate=yes",
		      "%s", g.why);
}

static void check_seccomp(struct doctor *, struct check *c)
{
	unsigned action = SECCOMP_RET_KILL_PROCESS;

	if (syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0)
		found(c, GOOD, NULL, "filters can end a process");
	else
		found(c, BAD, "run a kernel with CONFIG_SECCOMP_FILTER",
		      "no seccomp filters: %s", strerror(errno));
}

static void check_memfd(struct doctor *, struct check *c)
{
	CLEAN_FD int fd = memfd_sealed("doctor", SPAN_LIT("x"));

	if (fd >= 0 && memfd_sealed_size(fd, 1) == 1)
		found(c, GOOD, NULL, "can be sealed");
	else
		found(c, BAD, "run a kernel with CONFIG_MEMFD_CREATE",
		      "no sealed memory: %s", strerror(fd < 0 ? -fd : EPERM));
}

/* The first line that a program prints with --version. 0 or -1. */
static int version_of(const char *program, char *dst, size_t cap)
{
	CLEAN_FD int from = -1;
	int pipefd[2], status;
	ssize_t n;
	pid_t pid;
	char *end;

	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return -1;
	from = pipefd[0];
	pid = fork();
	if (pid == 0) {
		char *const envp[] = { NULL };

		if (dup2(pipefd[1], 1) >= 0)
			(void)execle(program, program, "--version",
				     (char *)NULL, envp);
		_exit(127);
	}
	(void)close(pipefd[1]);
	n = fd_read_all(from, dst, cap - 1);
	dst[n > 0 ? n : 0] = 0;
	end = strchr(dst, '\n');
	if (end)
		*end = 0;
	if (pid < 0 || waitpid(pid, &status, 0) < 0)
		return -1;
	return WIFEXITED(status) && WEXITSTATUS(status) == 0 && n > 0 ? 0 : -1;
}

/* The QEMU of the images folder, and the firmware, which is the host's. */
static void check_own_qemu(const struct vm_images *images, struct check *c)
{
	char version[200], path[64];

	(void)str_printf(path, sizeof(path), "/proc/self/fd/%d",
			 images->qemu_fd);
	if (version_of(path, version, sizeof(version)) < 0)
		found(c, BAD, "make, or install bulkhead again",
		      "bulkhead's own does not run");
	else if (access("/usr/share/qemu/qboot.rom", R_OK) < 0)
		found(c, BAD, "apt install qemu-system-data",
		      "there is no /usr/share/qemu/qboot.rom");
	else
		found(c, GOOD, NULL, "bulkhead's own: %s", version);
}

static void check_host_qemu(struct check *c)
{
	char version[200];

	if (version_of("/usr/bin/qemu-system-x86_64", version,
		       sizeof(version)) < 0)
		found(c, BAD, "apt install qemu-system-x86",
		      "/usr/bin/qemu-system-x86_64 does not run");
	else if (access("/usr/bin/qemu-system-x86_64-microvm", X_OK) < 0)
		found(c, WARN, "apt install qemu-system-x86 of Debian 12",
		      "%s; no qemu-system-x86_64-microvm, which KVM needs",
		      version);
	else
		found(c, WARN,
		      "make builds bulkhead's own, which is smaller to attack "
		      "and starts faster (vm.memfd_noexec must not be 2)",
		      "the host's: %s", version);
}

static void check_qemu(struct doctor *d, struct check *c)
{
	struct vm_images images = { .qemu_fd = -1 };
	char dir[CONF_PATH_MAX];
	struct err err = { 0 };

	if (place_images(d->images, dir, sizeof(dir), &err) < 0 ||
	    vm_images_load(dir, &images, &err) < 0) {
		check_host_qemu(c);
		return;
	}
	if (images.qemu_fd < 0)
		check_host_qemu(c);
	else
		check_own_qemu(&images, c);
	vm_images_done(&images);
}

static void check_images(struct doctor *d, struct check *c)
{
	char dir[CONF_PATH_MAX];
	struct vm_images images;
	struct err err = { 0 };

	if (place_images(d->images, dir, sizeof(dir), &err) < 0 ||
	    vm_images_load(dir, &images, &err) < 0) {
		found(c, BAD,
		      "make images, or install bulkhead again (and see "
		      "--images)",
		      "%s", err.msg);
		return;
	}
	vm_images_done(&images);
	found(c, GOOD, NULL, "%s: all there, as their sums say", dir);
}

static void check_processes(struct doctor *, struct check *c)
{
	char dir[CONF_PATH_MAX];
	struct err err = { 0 };

	if (place_libexec(dir, sizeof(dir), &err) < 0)
		found(c, BAD, "make, or install all of bulkhead", "%s",
		      err.msg);
	else
		found(c, GOOD, NULL, "in %s", dir);
}

static void check_conf(struct doctor *d, struct check *c)
{
	CLEAN_BUF struct buf errs;
	char path[CONF_PATH_MAX] = "";
	int rc;

	buf_init(&errs, 1 << 20);
	if (cli_conf_path(d->cli, path, sizeof(path)) < 0) {
		found(c, BAD, "choose a shorter one", "path too long");
		return;
	}
	rc = conf_load(path, cli_home(), &d->conf, &errs);
	d->have_conf = rc == 0;
	if (rc < 0)
		found(c, BAD, "bulkhead config check tells it line by line",
		      "%.500s", errs.n ? buf_cstr(&errs) : strerror(-rc));
	else
		found(c, GOOD, NULL, "%s",
		      path[0] ? path : "the built-in defaults");
}

static void check_policy(struct doctor *d, struct check *c)
{
	static const struct policy_zones zones = { .read = conf_zone_read };
	CLEAN_BUF struct buf errs, text;
	struct policy *policy = NULL;

	buf_init(&errs, 1 << 20);
	buf_init(&text, YAML_FILE_MAX);
	if (!d->have_conf) {
		found(c, WARN, NULL, "not looked at without a configuration");
		return;
	}
	if (!d->conf.policy[0]) {
		found(c, GOOD, NULL, "the built-in default");
		return;
	}
	if (conf_read_file(d->conf.policy, &text, &errs) < 0 ||
	    policy_load(d->conf.policy, buf_view(&text), &zones, &policy,
			&errs) < 0 ||
	    policy_check_conf(policy, &d->conf, &errs) < 0)
		found(c, BAD, "bulkhead config check tells it line by line",
		      "%.500s", buf_cstr(&errs));
	else
		found(c, GOOD, NULL, "%s", d->conf.policy);
	policy_free(policy);
}

/* The nearest directory above that is there. */
static void existing(char *path)
{
	while (path[0] && access(path, F_OK) < 0) {
		char *slash = strrchr(path, '/');

		if (!slash)
			return;
		slash[slash == path ? 1 : 0] = 0;
		if (slash == path)
			return;
	}
}

/* What the log's reserve is short of; nothing before the first start. */
static unsigned long long reserve_lacks_mib(const struct conf *conf)
{
	char path[CONF_PATH_MAX];
	struct stat st = { 0 };
	uint64_t have;

	if (str_printf(path, sizeof(path), "%s/audit", conf->state) < 0 ||
	    stat(path, &st) < 0)
		return 0;
	if (str_printf(path, sizeof(path), "%s/audit/reserve", conf->state) <
		    0 ||
	    stat(path, &st) < 0 || st.st_size < 0)
		st = (struct stat){ 0 };
	have = (uint64_t)st.st_blocks * 512;
	return have < conf->audit_reserve
		       ? ((conf->audit_reserve - have) >> 20) + 1
		       : 0;
}

static void check_state(struct doctor *d, struct check *c)
{
	char path[CONF_PATH_MAX];
	struct statvfs fs;
	struct stat st;
	unsigned long long mib, lacks;

	if (!d->have_conf) {
		found(c, WARN, NULL, "not looked at without a configuration");
		return;
	}
	if (stat(d->conf.state, &st) == 0 &&
	    (st.st_uid != geteuid() || (st.st_mode & 077))) {
		found(c, BAD, "chown it to yourself, chmod 700 it",
		      "%s: not yours alone", d->conf.state);
		return;
	}
	(void)str_copy(path, sizeof(path), span_str(d->conf.state));
	existing(path);
	if (statvfs(path, &fs) < 0) {
		found(c, BAD, "check the path", "%s: %s", path,
		      strerror(errno));
		return;
	}
	mib = (unsigned long long)fs.f_bavail * fs.f_frsize >> 20;
	lacks = reserve_lacks_mib(&d->conf);
	if (lacks && mib < lacks + RESERVE_SLACK_MIB) {
		found(c, BAD,
		      "make room: what was begun is recorded, but nothing new "
		      "is executed until the reserve is whole (audit.reserve)",
		      "%s: %llu MiB free, %llu MiB of the audit log's reserve "
		      "are not there",
		      d->conf.state, mib, lacks);
		return;
	}
	found(c, mib < FREE_MIB_MIN ? BAD : GOOD,
	      mib < FREE_MIB_MIN ? "make room: an audit log that cannot be "
				   "written stops every effect"
				 : NULL,
	      "%s: %llu MiB free", d->conf.state, mib);
}

/* `up` makes the last directory of a path, none above it. */
static bool up_makes(const char *path)
{
	char parent[CONF_PATH_MAX];
	char *slash;

	if (str_copy(parent, sizeof(parent), span_str(path)) < 0)
		return false;
	slash = strrchr(parent, '/');
	if (!slash)
		return false;
	slash[slash == parent ? 1 : 0] = 0;
	return access(parent, W_OK | X_OK) == 0;
}

/* The files that an account's connector is given. */
static void check_account_files(struct check *c,
				const struct conf_connector *cc)
{
	const char *const files[] = { cc->ca, cc->requests };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		if (*files[i] && access(files[i], R_OK) < 0)
			found(c, BAD,
			      "name a file that is there in "
			      "bulkhead.yaml",
			      "%s: %s: %s", cc->name, files[i],
			      strerror(errno));
}

/* Keys that others may read are no secret any more. */
static bool keys_are_open(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && st.st_mode & 077;
}

static void check_vault(struct doctor *d, struct check *c)
{
	const struct conf_vault *v = &d->conf.vault;
	uint32_t i;

	if (!d->have_conf || !v->n_files) {
		found(c, GOOD, NULL, "none is configured");
		return;
	}
	found(c, GOOD, NULL, "its files are there");
	for (i = 0; i < v->n_files; i++)
		if (access(v->files[i], R_OK) < 0)
			found(c, BAD, "`bulkhead vault init` makes it",
			      "%s: %s", v->files[i], strerror(errno));
	if (*v->identity && access(v->identity, R_OK) < 0)
		found(c, BAD, "`bulkhead vault init` makes it", "%s: %s",
		      v->identity, strerror(errno));
	else if (*v->identity && keys_are_open(v->identity))
		found(c, BAD,
		      "chmod 600, and make new keys if others may have "
		      "read it",
		      "%s: others may read it", v->identity);
}

/* What netd asks when an account names a host. */
static void check_names(struct doctor *d, struct check *c)
{
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf errs;
	bool accounts = false;
	uint32_t i;

	buf_init(&text, 64 << 10);
	buf_init(&errs, 1024);
	for (i = 0; d->have_conf && i < d->conf.n_connectors; i++)
		accounts |= conf_is_account(&d->conf.connectors[i]);
	if (!accounts)
		found(c, GOOD, NULL, "there is no account that needs any");
	else if (conf_read_file("/etc/resolv.conf", &text, &errs) == 0 &&
		 strstr(buf_cstr(&text), "nameserver"))
		found(c, GOOD, NULL, "/etc/resolv.conf has a name server");
	else
		found(c, WARN,
		      "accounts whose hosts are names need one: add a line "
		      "\"nameserver ADDRESS\"",
		      "/etc/resolv.conf has no name server");
}

static void check_connectors(struct doctor *d, struct check *c)
{
	uint32_t i;

	if (!d->have_conf) {
		found(c, WARN, NULL, "not looked at without a configuration");
		return;
	}
	found(c, GOOD, NULL, "%u, the Maildirs are there",
	      d->conf.n_connectors);
	for (i = 0; i < d->conf.n_connectors && c->state != BAD; i++) {
		const struct conf_connector *cc = &d->conf.connectors[i];
		CLEAN_FD int dir =
			open(cc->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		int e = errno;

		if (conf_is_account(cc)) {
			check_account_files(c, cc);
			continue;
		}
		if (dir >= 0 && access(cc->path, W_OK | X_OK) == 0)
			continue;
		e = dir < 0 ? e : errno;
		if (e == ENOENT && up_makes(cc->path))
			found(c, WARN,
			      "nothing if it is meant: `bulkhead up` makes it; "
			      "else name another in bulkhead.yaml",
			      "%s: %s is not there yet", cc->name, cc->path);
		else
			found(c, BAD,
			      "make the Maildir, or name another in "
			      "bulkhead.yaml",
			      "%s: %s: %s", cc->name, cc->path, strerror(e));
	}
}

static void check_latch(struct doctor *d, struct check *c)
{
	char path[CONF_PATH_MAX + 16];

	if (!d->have_conf)
		found(c, WARN, NULL, "not looked at without a configuration");
	else if (place_latch(&d->conf, path, sizeof(path)) == 0 &&
		 access(path, F_OK) == 0)
		found(c, BAD, "bulkhead rearm shows why, and clears it",
		      "SET: nothing starts");
	else
		found(c, GOOD, NULL, "clear");
}

static void check_socket(struct doctor *d, struct check *c)
{
	CLEAN_FD int fd = -1;

	if (!d->have_conf) {
		found(c, WARN, NULL, "not looked at without a configuration");
		return;
	}
	fd = client_connect(d->conf.socket);
	if (fd >= 0)
		found(c, GOOD, NULL, "bulkhead is running");
	else if (fd == -ENOENT || fd == -ECONNREFUSED)
		found(c, GOOD, NULL, "bulkhead is not running");
	else
		found(c, BAD, "check its owner and the users in bulkhead.yaml",
		      "%s: %s", d->conf.socket, strerror(-fd));
}

static bool is_good(const char *state)
{
	return strcmp(state, "broken") != 0 && strcmp(state, "resting") != 0;
}

static const char *text_of(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "unknown";
}

/* "reader ready, planner building"; and of one that is not good, why. */
static void template_states(const json_t *list, struct check *c)
{
	CLEAN_BUF struct buf b;
	const json_t *t;
	bool good = true;
	size_t i;

	buf_init(&b, sizeof(c->found) - 1);
	json_array_foreach(list, i, t)
	{
		const char *state = text_of(t, "state");

		buf_printf(&b, "%s%s %s", i ? ", " : "", text_of(t, "kind"),
			   state);
		if (is_good(state))
			continue;
		good = false;
		buf_printf(&b, ", so that its VMs boot cold: %s",
			   text_of(t, "why"));
	}
	found(c, good ? GOOD : WARN,
	      good ? NULL
		   : "nothing at once: it works, only slower, and it tries "
		     "again; if it stays so, the log has more",
	      "%s", buf_ok(&b) ? buf_cstr(&b) : "too much to tell");
}

/* The one thing that only a running bulkhead knows. */
static void check_templates(struct doctor *d, struct check *c)
{
	CLEAN_FD int fd = d->have_conf ? client_connect(d->conf.socket) : -1;
	json_t *all;

	if (fd < 0) {
		found(c, GOOD, NULL, "nothing to see while it is not running");
		return;
	}
	all = json_object();
	if (!all || status_fetch(&d->conf, all) != CLI_OK)
		found(c, WARN, "bulkhead status tells more",
		      "bulkhead does not say");
	else
		template_states(json_object_get(all, "templates"), c);
	json_decref(all);
}

static const struct {
	const char *name;
	void (*run)(struct doctor *d, struct check *c);
} checks[] = {
	{ "processor", check_cpu },
	{ "kernel", check_kernel },
	{ "KVM", check_kvm },
	{ "namespaces", check_namespaces },
	{ "Landlock", check_landlock },
	{ "seccomp", check_seccomp },
	{ "cgroups", check_cgroups },
	{ "memfd", check_memfd },
	{ "QEMU", check_qemu },
	{ "processes", check_processes },
	{ "images", check_images },
	{ "config", check_conf }, /* before those that look into it */
	{ "policy", check_policy },
	{ "state", check_state },
	{ "connectors", check_connectors },
	{ "vault", check_vault },
	{ "names", check_names },
	{ "latch", check_latch },
	{ "control", check_socket },
	{ "templates", check_templates },
};

static void print_check(const struct show *how, const char *name,
			const struct check *c)
{
	static const struct {
		enum show_style style;
		const char *word;
	} look[] = { [GOOD] = { SHOW_GOOD, "ok  " },
		     [WARN] = { SHOW_BOLD, "note" },
		     [BAD] = { SHOW_BAD, "BAD " } };
	CLEAN_BUF struct buf b;
	struct span text = span_str(c->found);

	while (text.n && text.p[text.n - 1] == '\n')
		text.n--;
	buf_init(&b, 1 << 20);
	show_put(&b, how, look[c->state].style, look[c->state].word);
	buf_printf(&b, "  %-11s ", name);
	show_text(&b, how, text, 18, 18);
	if (c->todo) {
		buf_str(&b, "\n                  to do: ");
		show_text(&b, how, span_str(c->todo), 25, 25);
	}
	buf_u8(&b, '\n');
	(void)fwrite(b.p, 1, b.n, stdout);
}

static json_t *check_json(const char *name, const struct check *c)
{
	static const char *const words[] = {
		[GOOD] = "ok", [WARN] = "note", [BAD] = "bad"
	};

	return json_pack("{s:s,s:s,s:s,s:s*}", "check", name, "state",
			 words[c->state], "found", c->found, "todo", c->todo);
}

int cmd_doctor(int argc, char **argv, const struct cli *cli)
{
	struct doctor d = { .cli = cli };
	const struct cli_opt opts[] = { { "--images", NULL, &d.images } };
	struct show how = show_for(stdout);
	json_t *list;
	bool bad = false;
	size_t i;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("doctor", "it takes no operand");
	list = json_array();
	for (i = 0; i < ARRAY_SIZE(checks); i++) {
		struct check c = { 0 };

		checks[i].run(&d, &c);
		bad |= c.state == BAD;
		if (cli->json)
			(void)json_array_append_new(
				list, check_json(checks[i].name, &c));
		else
			print_check(&how, checks[i].name, &c);
	}
	if (cli->json && cli_json(stdout, list) != CLI_OK)
		bad = true;
	json_decref(list);
	return bad ? CLI_NO : CLI_OK;
}
