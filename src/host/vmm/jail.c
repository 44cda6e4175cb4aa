/*
 * jail: see jail.h.
 *
 * Theory of operation. Two user namespaces. The outer one has the right to
 * mount: as root it is the one we are in, rootless it is made first, with our
 * own uid as its root. In it a child with new mount and pid namespaces builds
 * the root out of bind mounts and pivots into it, so that every mount belongs
 * to the outer namespace. Then the child enters the inner user namespace,
 * together with new mount, net, ipc, uts and cgroup namespaces: there, the
 * mounts are locked (no right that a program could gain inside can undo one),
 * and one unprivileged uid is all that exists. The parent writes its uid map,
 * because only a process of the outer namespace may map a foreign uid.
 *
 *	parent                          child
 *	[rootless: unshare user]
 *	clone(pid, mnt) ------------->  build root, pivot, proc, dev
 *	                                unshare(user, mnt, net, ipc, uts,
 *cgroup)
 *	          <------------- 'm' --
 *	write uid_map, gid_map
 *	          -- 'g' ------------>  setresuid, no capabilities, limits
 *	        [held: <------ 'h' --   wait for a word to the program]
 *	                                filter, exec
 *	          <-------- end of file (close-on-exec), or an error text
 */
#include "host/vmm/jail.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <linux/securebits.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/span.h"
#include "base/str.h"
#include "privsep/landlock.h"
#include "privsep/sandbox.h"

enum { MAPPED_IDS_MAX = 340, OPEN_FILES = 128, SYNC_MAX = 512, PROGRAMS = 4 };

static const char userns_advice[] =
	" (user namespaces are refused here: a container's seccomp profile, "
	"AppArmor's restriction of unprivileged user namespaces, or "
	"user.max_user_namespaces; run 'bulkhead doctor')";

static const char kernel_advice[] = " (Linux 5.12 or newer is needed)";

static const char proc_advice[] =
	" (a container that masks /proc forbids a new one: run on the host, or "
	"with an unmasked /proc)";

static int fail(struct err *err, const char *step, const char *advice)
{
	int e = errno ? errno : EPERM;

	return err_set(err, -e, "jail: %s: %s%s", step, strerror(e), advice);
}

static int write_file(const char *path, const char *text)
{
	CLEAN_FD int fd = open(path, O_WRONLY | O_CLOEXEC);
	int r;

	if (fd < 0)
		return -1;
	r = fd_write_all(fd, span_str(text));
	if (r < 0)
		errno = -r;
	return r < 0 ? -1 : 0;
}

/* --- the child: build the root ------------------------------------------ */

/* Makes the parent folders of a path that is relative to the new root. */
static int make_parents(const char *path)
{
	char part[CLOSURE_PATH];
	const char *slash = path;

	while ((slash = strchr(slash, '/')) != NULL) {
		if (str_copy(part, sizeof(part),
			     span_of(path, (size_t)(slash - path))) < 0) {
			errno = ENAMETOOLONG;
			return -1;
		}
		if (mkdir(part, 0755) < 0 && errno != EEXIST)
			return -1;
		slash++;
	}
	return 0;
}

static int make_file(const char *path)
{
	return mknod(path, S_IFREG | 0444, 0);
}

static size_t folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');

	return slash ? (size_t)(slash - path) : 0;
}

static int bind_files(const struct closure *c, struct err *err)
{
	const char *made = ""; /* most lie in one folder, one after another */
	size_t i;

	for (i = 0; i < c->n; i++) {
		const char *dst = c->files[i].dst + 1;
		size_t n = folder_of(dst);

		if ((n != folder_of(made) || memcmp(dst, made, n) != 0) &&
		    make_parents(dst) < 0)
			return fail(err, dst, "");
		made = dst;
		if (make_file(dst) < 0 ||
		    mount(c->files[i].src, dst, NULL, MS_BIND, NULL) < 0)
			return fail(err, c->files[i].src, "");
	}
	return 0;
}

static int lock_mounts(const char *path, uint64_t attr, struct err *err)
{
	struct mount_attr a = { .attr_set = attr };

	if (mount_setattr(AT_FDCWD, path, AT_RECURSIVE, &a, sizeof(a)) < 0)
		return fail(err, "read-only root", kernel_advice);
	return 0;
}

/*
 * /dev/kvm under the jail's uid: a node of our own where we may make one, so
 * that the owner and mode of the host's do not matter to root; else the
 * host's, which rootless our group must be able to open.
 */
static int add_kvm(uid_t uid, struct err *err)
{
	struct stat st;

	if (stat("/dev/kvm", &st) < 0)
		return fail(err, "/dev/kvm",
			    " (load the module kvm_intel or "
			    "kvm_amd)");
	if (geteuid() == 0 &&
	    mknod("dev/kvm", S_IFCHR | 0600, st.st_rdev) == 0) {
		if (chown("dev/kvm", uid, uid) < 0)
			return fail(err, "owner of /dev/kvm", "");
		return 0;
	}
	if (access("/dev/kvm", R_OK | W_OK) < 0)
		return fail(err, "/dev/kvm",
			    " (add this user to the group kvm)");
	if (make_file("dev/kvm") < 0 ||
	    mount("/dev/kvm", "dev/kvm", NULL, MS_BIND, NULL) < 0)
		return fail(err, "/dev/kvm", "");
	return 0;
}

static int add_dev(const struct jail *j, uid_t uid, struct err *err)
{
	int r = 0;

	if (!j->kvm)
		return 0;
	if (mount("dev", "dev", "tmpfs", MS_NOSUID | MS_NOEXEC,
		  "size=4k,nr_inodes=4,mode=755") < 0)
		return fail(err, "/dev", "");
	r = add_kvm(uid, err);
	return r < 0 ? r
		     : lock_mounts("dev",
				   MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					   MOUNT_ATTR_NOEXEC,
				   err);
}

/* Any folder serves to mount on, if no file of the closure lies in it. */
static int new_root(struct err *err)
{
	static const char *const places[] = { "/sys", "/mnt", "/srv", "/run",
					      "/tmp" };
	size_t i;

	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(err, "private mounts", "");
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (mount("jail", places[i], "tmpfs", MS_NOSUID | MS_NODEV,
			  "size=64k,nr_inodes=512,mode=755") == 0)
			break;
	if (i == ARRAY_SIZE(places) || chdir(places[i]) < 0)
		return fail(err, "empty root", "");
	if (mkdir("proc", 0555) < 0 || mkdir("dev", 0755) < 0)
		return fail(err, "folders of the root", "");
	return 0;
}

static int build_root(const struct jail *j, uid_t uid, struct err *err)
{
	int r = new_root(err);

	if (r == 0)
		r = bind_files(j->files, err);
	if (r == 0)
		r = lock_mounts(".",
				MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID |
					MOUNT_ATTR_NODEV,
				err);
	if (r == 0)
		r = add_dev(j, uid, err);
	if (r < 0)
		return r;
	if (mount("proc", "proc", "proc",
		  MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC,
		  "subset=pid") < 0)
		return fail(err, "/proc", proc_advice);
	if (syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return fail(err, "pivot_root", "");
	return 0;
}

/* --- the child: give up everything --------------------------------------- */

static int set_limit(int what, uint64_t n)
{
	const struct rlimit l = { n, n };

	return setrlimit((__rlimit_resource_t)what, &l);
}

static int set_limits(const struct jail *j, struct err *err)
{
	if (set_limit(RLIMIT_CORE, 0) < 0 || set_limit(RLIMIT_MEMLOCK, 0) < 0 ||
	    set_limit(RLIMIT_MSGQUEUE, 0) < 0 ||
	    set_limit(RLIMIT_NOFILE, OPEN_FILES) < 0 ||
	    set_limit(RLIMIT_FSIZE, j->max_file) < 0 ||
	    (j->max_data && set_limit(RLIMIT_DATA, j->max_data) < 0) ||
	    set_limit(RLIMIT_NPROC, j->max_threads) < 0 ||
	    set_limit(RLIMIT_CPU, j->max_cpu_s) < 0)
		return fail(err, "limits", "");
	return 0;
}

/* Asks the parent for the uid map and waits until it is written. */
static int get_mapped(int sync, struct err *err)
{
	char c = 'm';

	if (send(sync, &c, 1, MSG_NOSIGNAL) != 1 || recv(sync, &c, 1, 0) != 1 ||
	    c != 'g')
		return fail(err, "uid map", "");
	return 0;
}

static int enter_inner(int sync, struct err *err)
{
	const uid_t id = JAIL_INNER_ID;
	int r;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWIPC |
		    CLONE_NEWUTS | CLONE_NEWCGROUP) < 0)
		return fail(err, "namespaces", userns_advice);
	r = get_mapped(sync, err);
	if (r < 0)
		return r;
	if (setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
		return fail(err, "unprivileged uid", "");
	if (sethostname("vm", 2) < 0 || setdomainname("", 0) < 0)
		return fail(err, "host name", "");
	return 0;
}

/* The program itself and its loader, which the kernel opens for it; of a memfd
 * Landlock knows nothing, for no path leads to it. */
static bool is_run(const struct jail *j, const struct closure_file *f)
{
	const char *slash = strrchr(f->dst, '/');

	return strcmp(f->dst, j->argv[0]) == 0 ||
	       (slash && strncmp(slash, "/ld-", 4) == 0);
}

static size_t open_programs(const struct jail *j, int ret[PROGRAMS])
{
	size_t i, n = 0;

	for (i = 0; i < j->files->n && n < PROGRAMS; i++) {
		if (!is_run(j, &j->files->files[i]))
			continue;
		ret[n] = open(j->files->files[i].dst, O_PATH | O_CLOEXEC);
		n += ret[n] >= 0;
	}
	return n;
}

/* Nothing but /dev/kvm can be opened for writing, and nothing but the program
 * be run; this also takes TCP away and, with a new kernel, signals and abstract
 * sockets. */
static int restrict_files(const struct jail *j, struct err *err)
{
	CLEAN_FD int root = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FD int dev = open("/dev", O_PATH | O_DIRECTORY | O_CLOEXEC);
	int programs[PROGRAMS];
	struct landlock_jail l = { .root = root,
				   .dev = j->kvm ? dev : -1,
				   .programs = programs };
	int r;

	if (root < 0 || dev < 0)
		return fail(err, "root", "");
	l.n_programs = open_programs(j, programs);
	r = landlock_jail(&l);
	while (l.n_programs)
		fd_close(&programs[--l.n_programs]);
	errno = -r;
	return r < 0 ? fail(err, "landlock", "") : 0;
}

/* A dead parent would never read the wire's end: nobody may outlive it. */
static int die_with_parent(int sync, struct err *err)
{
	struct pollfd p = { .fd = sync };

	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return fail(err, "parent death signal", "");
	if (poll(&p, 1, 0) != 0)
		return err_set(err, -ESRCH, "jail: the parent is gone");
	return 0;
}

/*
 * All is done that takes time, and nothing is left to do it with. Who has a
 * word for the program wants it to run; who hangs up wants nothing more.
 */
static int hold(const struct jail *j, int sync, struct err *err)
{
	struct pollfd p = { .fd = j->hold_fd, .events = POLLIN };

	if (j->hold_fd == 0)
		return 0;
	if (send(sync, "h", 1, MSG_NOSIGNAL) != 1)
		return fail(err, "hold", "");
	while (poll(&p, 1, -1) < 0)
		if (errno != EINTR)
			return fail(err, "hold", "");
	/* A socket whose other end is closed is readable, too. */
	if (p.revents != POLLIN)
		return err_set(err, -EPIPE, "jail: nobody wants it any more");
	return 0;
}

/* Last: it also holds for the little that is left to do here. */
static int load_filter(const struct jail *j, struct err *err)
{
	int r = j->filter ? bpf_load(j->filter) : 0;

	errno = -r;
	return r < 0 ? fail(err, "seccomp filter", "") : 0;
}

static int drop_all(const struct jail *j, int sync, struct err *err)
{
	int r = set_limits(j, err);

	if (r == 0)
		r = sandbox_drop_capabilities(err);
	if (r == 0 && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		r = fail(err, "no_new_privs", "");
	if (r == 0)
		r = restrict_files(j, err);
	if (r == 0)
		r = die_with_parent(sync, err);
	if (r == 0 && syscall(SYS_close_range, JAIL_FIRST_FD + j->n_fds, ~0u,
			      CLOSE_RANGE_CLOEXEC) < 0)
		r = fail(err, "close_range", "");
	if (r == 0)
		r = hold(j, sync, err);
	return r == 0 ? load_filter(j, err) : r;
}

/* Only root has other groups to lose; rootless, the kernel forbids it and
 * the group kvm is wanted. */
static int child_steps(const struct jail *j, uid_t uid, int sync,
		       struct err *err)
{
	int r;

	umask(022);
	if (write_file("/proc/self/oom_score_adj", "1000") < 0)
		return fail(err, "oom_score_adj", "");
	if (uid != geteuid() && setgroups(0, NULL) < 0)
		return fail(err, "groups", "");
	r = build_root(j, uid, err);
	if (r == 0)
		r = enter_inner(sync, err);
	if (r == 0)
		r = drop_all(j, sync, err);
	return r;
}

/* With no environment; returns if it fails. */
static void run(const struct jail *j)
{
	char *const *argv = (char *const *)(uintptr_t)j->argv;
	char *const none[] = { NULL };
	char *const *envp = j->env ? (char *const *)(uintptr_t)j->env : none;

	if (j->program_fd)
		(void)execveat(j->program_fd, "", argv, envp, AT_EMPTY_PATH);
	else
		(void)execve(j->argv[0], argv, envp);
}

_Noreturn static void child(const struct jail *j, uid_t uid, int sync,
			    int stderr_fd)
{
	struct err err = { 0 };

	if (dup2(stderr_fd, STDERR_FILENO) < 0)
		(void)fail(&err, "stderr", "");
	else if (child_steps(j, uid, sync, &err) == 0) {
		run(j);
		(void)fail(&err, j->argv[0], "");
	}
	(void)send(sync, err.msg, strlen(err.msg), MSG_NOSIGNAL);
	_exit(127);
}

/* --- the parent ------------------------------------------------------------
 */

/* True if the uid exists in our user namespace (a container has few). */
static bool uid_mapped(uid_t uid)
{
	FILE *f = fopen("/proc/self/uid_map", "re");
	unsigned long inner, outer, count;
	bool found = false;
	int i;

	if (!f)
		return false;
	for (i = 0; i < MAPPED_IDS_MAX && !found; i++) {
		/* The kernel writes this file; its numbers fit. */
		if (fscanf(f, "%lu %lu %lu", /* NOLINT(cert-err34-c) */
			   &inner, &outer, &count) != 3)
			break;
		found = uid >= inner && uid - inner < count;
	}
	(void)fclose(f);
	return found;
}

/* As root, an unprivileged uid that no other jail has at the same time. */
static int choose_uid(uid_t *ret, struct err *err)
{
	uid_t own = JAIL_UID_BASE + (uid_t)getpid();

	if (geteuid() != 0)
		*ret = 0; /* our own, which enter_outer calls 0 */
	else if (uid_mapped(own))
		*ret = own;
	else if (uid_mapped(65534))
		*ret = 65534;
	else
		return err_set(err, -EPERM,
			       "jail: no unprivileged uid: this container maps "
			       "root only; start bulkhead as another user");
	return 0;
}

/* Rootless: a user namespace in which we may mount. */
static int enter_outer(struct err *err)
{
	char uids[64], gids[64];

	(void)str_printf(uids, sizeof(uids), "0 %u 1", geteuid());
	(void)str_printf(gids, sizeof(gids), "0 %u 1", getegid());
	if (unshare(CLONE_NEWUSER) < 0)
		return fail(err, "user namespace", userns_advice);
	if (write_file("/proc/self/setgroups", "deny") < 0 ||
	    write_file("/proc/self/uid_map", uids) < 0 ||
	    write_file("/proc/self/gid_map", gids) < 0)
		return fail(err, "user namespace: uid map", userns_advice);
	return 0;
}

static int write_maps(pid_t pid, uid_t id, struct err *err)
{
	char map[64], path[64];

	(void)str_printf(map, sizeof(map), "%d %u 1", JAIL_INNER_ID, id);
	(void)str_printf(path, sizeof(path), "/proc/%d/setgroups", pid);
	if (write_file(path, "deny") < 0)
		return fail(err, "setgroups", "");
	(void)str_printf(path, sizeof(path), "/proc/%d/uid_map", pid);
	if (write_file(path, map) < 0)
		return fail(err, "uid map", "");
	(void)str_printf(path, sizeof(path), "/proc/%d/gid_map", pid);
	if (write_file(path, map) < 0)
		return fail(err, "gid map", "");
	return 0;
}

/* The parent's half of the conversation above, until the child has exec'd, or
 * is held. */
static int guide_child(pid_t pid, uid_t map_to, int sync, struct err *err)
{
	char text[SYNC_MAX] = "";
	ssize_t n = recv(sync, text, sizeof(text) - 1, 0);
	int r;

	if (n == 1 && text[0] == 'm') {
		r = write_maps(pid, map_to, err);
		if (r < 0)
			return r;
		if (send(sync, "g", 1, MSG_NOSIGNAL) != 1)
			return fail(err, "uid map", "");
		n = recv(sync, text, sizeof(text) - 1, 0);
		if (n == 0 || (n == 1 && text[0] == 'h'))
			return (int)n;
	}
	if (n <= 1)
		return err_set(err, -EPROTO, "jail: it died half-built");
	text[n] = 0;
	return err_set(err, -EPERM, "%s", text);
}

static pid_t clone_child(int *pidfd)
{
	struct clone_args a = {
		.flags = CLONE_NEWPID | CLONE_NEWNS | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	return (pid_t)syscall(SYS_clone3, &a, sizeof(a));
}

static int start_child(const struct jail *j, uid_t map_to, struct jail_proc *p,
		       struct err *err)
{
	CLEAN_FD int sync = -1;
	CLEAN_FD int theirs = -1;
	CLEAN_FD int stderr_fd = -1;
	int pair[2];
	int r;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return fail(err, "socketpair", "");
	sync = pair[0];
	theirs = pair[1];
	if (pipe2(pair, O_CLOEXEC) < 0)
		return fail(err, "pipe", "");
	p->stderr_fd = pair[0];
	stderr_fd = pair[1];
	p->pid = clone_child(&p->pidfd);
	if (p->pid < 0)
		return fail(err, "clone", userns_advice);
	if (p->pid == 0) {
		fd_close(&sync);
		child(j, map_to, theirs, stderr_fd);
	}
	fd_close(&theirs);
	r = guide_child(p->pid, map_to, sync, err);
	if (r < 0) {
		(void)jail_kill(p);
		(void)waitpid(p->pid, NULL, 0);
	} else if (r > 0) {
		p->sync_fd = take_fd(&sync);
	}
	return r < 0 ? r : 0;
}

int jail_start(const struct jail *j, struct jail_proc *ret, struct err *err)
{
	struct jail_proc p = {
		.pid = -1, .pidfd = -1, .stderr_fd = -1, .sync_fd = -1
	};
	bool root = geteuid() == 0;
	int r = choose_uid(&p.uid, err);

	/* The maps can be written by and for a dumpable process only. */
	if (r == 0 && prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		r = fail(err, "dumpable", "");
	if (r == 0 && !root)
		r = enter_outer(err);
	if (r == 0)
		r = start_child(j, p.uid, &p, err);
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0 && r == 0)
		r = fail(err, "dumpable", "");
	if (r < 0) {
		fd_close(&p.pidfd);
		fd_close(&p.stderr_fd);
		fd_close(&p.sync_fd);
		return r;
	}
	*ret = p;
	return 0;
}

int jail_leave_rights(const struct jail_proc *p, struct err *err)
{
	pid_t parent = getppid();
	int r = 0;

	/* Without it the change of uid would take the right to empty the
	 * bounding set. */
	if (prctl(PR_SET_SECUREBITS, SECBIT_NO_SETUID_FIXUP, 0, 0, 0) < 0)
		return fail(err, "securebits", "");
	if (p->uid != 0 &&
	    (setgroups(0, NULL) < 0 || setresgid(p->uid, p->uid, p->uid) < 0 ||
	     setresuid(p->uid, p->uid, p->uid) < 0))
		return fail(err, "the waiting process's uid", "");
	r = sandbox_drop_capabilities(err);
	if (r == 0 && prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		r = fail(err, "parent death signal", "");
	if (r == 0 && getppid() != parent)
		r = err_set(err, -ESRCH, "jail: the parent is gone");
	return r;
}

int jail_kill(const struct jail_proc *p)
{
	return syscall(SYS_pidfd_send_signal, p->pidfd, SIGKILL, NULL, 0) < 0
		       ? -errno
		       : 0;
}
