/*
 * jail: turns a child of init into the workload. The order matters: what needs
 * root comes before the uid goes, what needs a capability before those go, and
 * the system call filter last. Any failure is final.
 */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"

enum { FD_LOG = 2, FD_SOCK = 3, FD_MODEL = 4, FD_HIGH = 16 };

/*
 * The status descriptor becomes the one behind the last, close-on-exec: that it
 * closes is how init knows that the program started. Out of the way first: any
 * of them may be sitting on a number that another is to get.
 */
static int fds_arrange(int sock_fd, int model_fd, int log_fd, int *status_fd)
{
	const int last = model_fd < 0 ? FD_SOCK : FD_MODEL;
	int sock = fcntl(sock_fd, F_DUPFD, FD_HIGH);
	int log = fcntl(log_fd, F_DUPFD, FD_HIGH);
	int status = fcntl(*status_fd, F_DUPFD, FD_HIGH);
	int model = model_fd < 0 ? -1 : fcntl(model_fd, F_DUPFD, FD_HIGH);

	if (sock < 0 || log < 0 || status < 0 || dup2(log, FD_LOG) < 0 ||
	    dup2(sock, FD_SOCK) < 0 ||
	    (model_fd >= 0 && dup2(model, FD_MODEL) < 0) ||
	    dup2(status, last + 1) < 0 ||
	    fcntl(last + 1, F_SETFD, FD_CLOEXEC) < 0)
		return -errno;
	*status_fd = last + 1;
	if (syscall(SYS_close_range, last + 2, ~0U, 0) < 0)
		return -errno;
	return 0;
}

static int limits_set(const struct workload *w)
{
	const struct {
		int what;
		rlim_t value;
	} rows[] = {
		{ RLIMIT_CORE, 0 },
		{ RLIMIT_FSIZE, 0 },
		{ RLIMIT_MEMLOCK, 0 },
		{ RLIMIT_MSGQUEUE, 0 },
		{ RLIMIT_NICE, 0 },
		{ RLIMIT_RTPRIO, 0 },
		{ RLIMIT_NOFILE, 32 },
		{ RLIMIT_SIGPENDING, 64 },
		{ RLIMIT_STACK, 8 << 20 },
		{ RLIMIT_NPROC, w->processes },
		{ RLIMIT_AS, w->address_space },
		{ RLIMIT_DATA, w->data },
		{ RLIMIT_CPU, w->cpu_s },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rlimit rl = { rows[i].value, rows[i].value };

		if (setrlimit(rows[i].what, &rl) < 0)
			return -errno;
	}
	return 0;
}

/* No way back to a capability: not by exec, not by uid, not by inheritance. */
static int bounds_drop(void)
{
	unsigned long cap;

	if (prctl(PR_SET_SECUREBITS, (unsigned long)SYS_SECBITS_LOCKED, 0UL,
		  0UL, 0UL) < 0)
		return -errno;
	for (cap = 0; cap < SYS_CAP_MAX; cap++) {
		if (prctl(PR_CAPBSET_DROP, cap, 0UL, 0UL, 0UL) < 0)
			break;
	}
	if (cap == 0 || errno != EINVAL)
		return -errno;
	if (prctl(PR_CAP_AMBIENT, (unsigned long)PR_CAP_AMBIENT_CLEAR_ALL, 0UL,
		  0UL, 0UL) < 0)
		return -errno;
	return 0;
}

static int uid_drop(void)
{
	if (setgroups(0, NULL) < 0 ||
	    setresgid(GUEST_UID, GUEST_UID, GUEST_UID) < 0 ||
	    setresuid(GUEST_UID, GUEST_UID, GUEST_UID) < 0)
		return -errno;
	return 0;
}

/* Sets none, and looks whether that is what there is. */
static int caps_drop(void)
{
	struct cap_head head = { .version = SYS_CAP_VERSION_3 };
	struct cap_word none[SYS_CAP_WORDS] = { 0 }, got[SYS_CAP_WORDS];

	if (syscall(SYS_capset, &head, none) < 0 ||
	    syscall(SYS_capget, &head, got) < 0)
		return -errno;
	if (memcmp(none, got, sizeof(got)) != 0)
		return -EPERM;
	if (prctl(PR_SET_NO_NEW_PRIVS, 1UL, 0UL, 0UL, 0UL) < 0)
		return -errno;
	return 0;
}

/* Everything that this kernel can deny, up to the ABI known here. */
static int landlock_new(void)
{
	long abi = syscall(SYS_landlock_create_ruleset, NULL, 0,
			   SYS_LANDLOCK_VERSION);
	struct landlock_ruleset rs = { .fs = SYS_LANDLOCK_FS_ABI1 };
	long fd;

	if (abi < 1)
		return -ENOSYS;
	if (abi >= 2)
		rs.fs = SYS_LANDLOCK_FS_ABI2;
	if (abi >= 3)
		rs.fs = SYS_LANDLOCK_FS_ABI3;
	if (abi >= 4)
		rs.net = SYS_LANDLOCK_NET_ABI4;
	if (abi >= 5)
		rs.fs = SYS_LANDLOCK_FS_ABI5;
	if (abi >= 6)
		rs.scope = SYS_LANDLOCK_SCOPE_ABI6;
	fd = syscall(SYS_landlock_create_ruleset, &rs, sizeof(rs), 0);
	return fd < 0 ? -errno : (int)fd;
}

/* Reading and executing below path; a path that is not there is no error. */
static int landlock_allow(int rules, const char *path)
{
	CLEAN_FD int fd = open(path, O_PATH | O_CLOEXEC);
	struct landlock_path rule = {
		.access = SYS_LANDLOCK_EXECUTE | SYS_LANDLOCK_READ_FILE,
		.fd = fd,
	};

	if (fd < 0)
		return errno == ENOENT ? 0 : -errno;
	if (syscall(SYS_landlock_add_rule, rules, SYS_LANDLOCK_RULE_PATH, &rule,
		    0) < 0)
		return -errno;
	return 0;
}

static int landlock_set(const struct workload *w)
{
	CLEAN_FD int rules = landlock_new();
	int r;

	if (rules < 0)
		return rules;
	/* the program itself: most are static, and open nothing */
	r = landlock_allow(rules, w->path);
	if (r == 0 && w->dynamic)
		r = landlock_allow(rules, "/lib");
	if (r == 0 && w->dynamic)
		r = landlock_allow(rules, "/lib64");
	if (r < 0)
		return r;
	if (syscall(SYS_landlock_restrict_self, rules, 0) < 0)
		return -errno;
	return 0;
}

static int filter_set(const struct workload *w)
{
	if (syscall(SYS_seccomp, SYS_SECCOMP_MODE_FILTER, 0, &w->filter) < 0)
		return -errno;
	return 0;
}

/* init blocked a signal for itself; a mask survives exec. */
static int signals_reset(void)
{
	sigset_t none;

	(void)sigemptyset(&none);
	return sigprocmask(SIG_SETMASK, &none, NULL) < 0 ? -errno : 0;
}

/* What the steps are about. */
struct jail {
	const struct workload *w;
	int sock_fd, model_fd, log_fd;
	int *status_fd;
};

static int step_fds(const struct jail *j)
{
	return fds_arrange(j->sock_fd, j->model_fd, j->log_fd, j->status_fd);
}

static int step_signals(const struct jail *)
{
	return signals_reset();
}

static int step_directory(const struct jail *)
{
	return chdir("/") < 0 ? -errno : 0;
}

static int step_limits(const struct jail *j)
{
	return limits_set(j->w);
}

static int step_bounds(const struct jail *)
{
	return bounds_drop();
}

static int step_uid(const struct jail *)
{
	return uid_drop();
}

static int step_caps(const struct jail *)
{
	return caps_drop();
}

static int step_landlock(const struct jail *j)
{
	return j->w->bare ? 0 : landlock_set(j->w);
}

static int step_filter(const struct jail *j)
{
	return j->w->bare ? 0 : filter_set(j->w);
}

static int step_exec(const struct jail *j)
{
	const char *argv[] = { j->w->path, NULL };

	(void)execve(j->w->path, (char *const *)(uintptr_t)argv,
		     (char *const *)(uintptr_t)j->w->env);
	return -errno;
}

static const struct {
	const char *name;
	int (*fn)(const struct jail *j);
} steps[] = {
	{ "descriptors", step_fds },
	{ "signals", step_signals },
	{ "working directory", step_directory },
	{ "limits", step_limits },
	{ "bounding set", step_bounds },
	{ "uid", step_uid },
	{ "capabilities", step_caps },
	{ "landlock", step_landlock },
	{ "seccomp", step_filter },
	{ "exec", step_exec },
};

int jail_exec(const struct workload *w, int sock_fd, int model_fd, int log_fd,
	      int *status_fd, const char **step)
{
	const struct jail j = { w, sock_fd, model_fd, log_fd, status_fd };
	size_t i;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(steps) && r == 0; i++) {
		*step = steps[i].name;
		r = steps[i].fn(&j);
	}
	return r;
}
