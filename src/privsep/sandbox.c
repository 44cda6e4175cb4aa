/*
 * sandbox: see sandbox.h. Theory of operation: each stage takes away what the
 * next one no longer needs, and none can be undone. After stage 3 no path names
 * anything, after stage 4 no capability could bring one back, after stage 5 a
 * directory descriptor opens only what lies beneath it, and stage 6 removes the
 * system calls that would be needed to try.
 *
 * libc's own needs, in every process; nothing becomes executable any more:
 * #syscalls:* brk munmap mremap madvise exit exit_group
 * #syscalls:* mmap arg2&PROT_EXEC=0
 * #syscalls:* mprotect arg2&PROT_EXEC=0
 * #syscalls:* rt_sigreturn rt_sigprocmask rt_sigaction restart_syscall
 * #syscalls:* tgkill int0=SELF
 * #syscalls:* futex read write writev poll ppoll clock_gettime clock_nanosleep
 * #syscalls:* getpid gettid getrandom fstat newfstatat
 *
 * What the runtime of a sanitizer needs beside it, in builds that have one:
 * #syscalls:sanitizer sigaltstack readlink open getrusage
 * #syscalls:sanitizer sched_getaffinity prctl sysinfo prlimit64
 * #syscalls:sanitizer fcntl int1=F_SETFD
 * and, where the process itself may not open files for reading:
 * #syscalls:sanitizer-open openat
 */
#include "privsep/sandbox.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/securebits.h>
#include <sched.h>
#include <signal.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "privsep/landlock.h"
#include "privsep/bpf.h"

/*
 * Outer uids of the processes without files, when started as root: far above
 * what useradd and systemd's dynamic users hand out, and one for each process,
 * so that the porter of one VM is a stranger to that of another: the row's
 * share of the numbers, of which a process id takes at most PID_BITS.
 */
enum { OUTER_UID_BASE = 1800000000, PID_BITS = 22, NOBODY = 65534 };

/* For the processes that parse what an attacker wrote, see limit_resources. */
enum {
	PARSER_DATA = 256 << 20, /* heap; a reader's JSON takes a tenth */
	PARSER_FILE = 8 << 20,	 /* a memfd; a record has at most 2 MiB */
	PARSER_FDS = 64,
	PARSER_CPU_S = 60, /* hours of its life are spent waiting */
};

/* From stage 1 on a process has no leak check at its end: that one needs
 * ptrace, which no process keeps. A sanitizer's runtime asks for it by name. */
static int no_leak_check;

#ifdef BULKHEAD_SANITIZED
enum { SANITIZED = 1 };

/* No colours: asking the terminal for them is a system call as well. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "color=never";
}

const char *__ubsan_default_options(void);
const char *__ubsan_default_options(void)
{
	return "color=never:print_stacktrace=1";
}

int __lsan_is_turned_off(void);
int __lsan_is_turned_off(void)
{
	return no_leak_check;
}
#else
enum { SANITIZED = 0 };
#endif

static int fail(struct err *err, const char *step)
{
	int e = errno ? errno : EPERM;

	return err_set(err, -e, "sandbox: %s: errno %d%s", step, e,
		       e == EPERM || e == ENOSPC
			       ? " (user namespaces refused? run 'bulkhead "
				 "doctor')"
			       : "");
}

int sandbox_basic(struct err *err)
{
	const struct rlimit none = { 0, 0 };

	umask(077);
	no_leak_check = 1;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fail(err, "dumpable");
	if (setrlimit(RLIMIT_CORE, &none) < 0)
		return fail(err, "core limit");
	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return fail(err, "no_new_privs");
	return 0;
}

/*
 * What an owned parser may use up: the host's memory and descriptors are not
 * its to take. A sanitizer's shadow memory counts as data, so such a build goes
 * without.
 */
static int limit_resources(enum proc p, struct err *err)
{
	static const struct {
		unsigned resource;
		rlim_t most;
	} limits[] = {
		{ RLIMIT_DATA, PARSER_DATA },
		{ RLIMIT_FSIZE, PARSER_FILE },
		{ RLIMIT_NOFILE, PARSER_FDS },
		{ RLIMIT_CPU, PARSER_CPU_S },
	};
	size_t i;

	if (!(graph_row(p)->rights & RIGHT_HOSTILE) || SANITIZED)
		return 0;
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		const struct rlimit l = { limits[i].most, limits[i].most };

		if (setrlimit(limits[i].resource, &l) < 0)
			return fail(err, "resource limits");
	}
	return 0;
}

static int become_nobody(enum proc p, struct err *err)
{
	uid_t id = OUTER_UID_BASE + ((uid_t)p << PID_BITS) + (uid_t)getpid();

	if (geteuid() != 0 || (graph_row(p)->rights & RIGHT_FILES))
		return 0;
	if (setgroups(0, NULL) < 0)
		return fail(err, "groups");
	/* A container may have few uids. */
	if (setresgid(id, id, id) < 0 && errno == EINVAL)
		id = NOBODY;
	if (setresgid(id, id, id) < 0 || setresuid(id, id, id) < 0)
		return fail(err, "unprivileged uid");
	return 0;
}

static int write_proc(const char *path, const char *text)
{
	CLEAN_FD int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return fd_write_all(fd, span_str(text)) < 0 ? -1 : 0;
}

static int map_self(uid_t uid, gid_t gid, struct err *err)
{
	char uids[64], gids[64];

	(void)str_printf(uids, sizeof(uids), "%u %u 1", uid, uid);
	(void)str_printf(gids, sizeof(gids), "%u %u 1", gid, gid);
	if (write_proc("/proc/self/setgroups", "deny") < 0 ||
	    write_proc("/proc/self/uid_map", uids) < 0 ||
	    write_proc("/proc/self/gid_map", gids) < 0)
		return fail(err, "uid map");
	return 0;
}

static int enter_namespaces(enum proc p, bool user, struct err *err)
{
	const int own_net =
		graph_row(p)->rights & RIGHT_SOCKETS ? 0 : CLONE_NEWNET;
	const int flags = CLONE_NEWNS | own_net | CLONE_NEWIPC | CLONE_NEWUTS |
			  CLONE_NEWCGROUP;
	uid_t uid = geteuid();
	gid_t gid = getegid();

	/* The maps can be written by a dumpable process only. */
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return fail(err, "dumpable");
	if (unshare(flags | (user ? CLONE_NEWUSER : 0)) < 0)
		return fail(err, "namespaces");
	if (user && map_self(uid, gid, err) < 0)
		return err->code;
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fail(err, "dumpable");
	return 0;
}

static int empty_root(struct err *err)
{
	/* Any directory serves as the place to mount on. */
	static const char *const places[] = { "/tmp", "/run", "/proc" };
	const unsigned long flags =
		MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC;
	size_t i;

	if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return fail(err, "private mounts");
	for (i = 0; i < ARRAY_SIZE(places); i++)
		if (mount("none", places[i], "tmpfs", flags,
			  "size=4k,nr_inodes=2,mode=555") == 0)
			break;
	if (i == ARRAY_SIZE(places) || chdir(places[i]) < 0 ||
	    syscall(SYS_pivot_root, ".", ".") < 0 ||
	    umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
		return fail(err, "empty root");
	return 0;
}

static int bound_capabilities(struct err *err)
{
	const unsigned long bits =
		SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
		SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
		SECBIT_NO_CAP_AMBIENT_RAISE |
		SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
	unsigned long cap;

	for (cap = 0; cap < 64; cap++)
		if (prctl(PR_CAPBSET_DROP, cap, 0, 0, 0) < 0 && errno != EINVAL)
			return fail(err, "bounding set");
	if (prctl(PR_SET_SECUREBITS, bits, 0, 0, 0) < 0)
		return fail(err, "securebits");
	return 0;
}

static int drop_capabilities(struct err *err)
{
	struct __user_cap_header_struct head = { _LINUX_CAPABILITY_VERSION_3,
						 0 };
	struct __user_cap_data_struct none[2] = { 0 };

	if (syscall(SYS_capset, &head, none) < 0)
		return fail(err, "capabilities");
	/* A change of credentials may have made it dumpable again. */
	if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
		return fail(err, "dumpable");
	return 0;
}

int sandbox_drop_capabilities(struct err *err)
{
	int r = bound_capabilities(err);

	return r == 0 ? drop_capabilities(err) : r;
}

static int restrict_files(enum proc p, struct err *err)
{
	int dirs[GRAPH_FDS];
	size_t n = 0;
	int r;

	if (graph_fd(p, FD_DIR) >= 0)
		dirs[n++] = graph_fd(p, FD_DIR);
	if (graph_fd(p, FD_STATE) >= 0)
		dirs[n++] = graph_fd(p, FD_STATE);
	r = landlock_only_beneath(dirs, n,
				  graph_row(p)->rights & RIGHT_SOCKETS);
	if (r < 0) {
		errno = -r;
		return fail(err, "landlock");
	}
	return 0;
}

/*
 * Two calls that can signal other processes, and the kernel lets them where the
 * uid is the same, as it is for all of us when an ordinary user starts
 * bulkhead: tgkill, which abort() needs for itself, and fcntl, whose F_SETOWN
 * and F_SETSIG make the kernel send. Both are kept for what is needed alone.
 */
int sandbox_seccomp(enum proc p, struct err *err)
{
	const struct bpf_filter *f = &graph_row(p)->filter;
	int r = f->insns ? bpf_load(f) : -ENOENT;

	if (r < 0) {
		errno = -r;
		return fail(err, "seccomp");
	}
	return 0;
}

/* A change of credentials clears the signal that spawn asked for. */
static int die_with_parent(pid_t parent, struct err *err)
{
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
		return fail(err, "parent death signal");
	if (getppid() != parent)
		return err_set(err, -ESRCH, "sandbox: the parent is gone");
	return 0;
}

int sandbox_namespaces(enum proc p, struct err *err)
{
	/* Root can leave the user namespace as it is; others cannot make the
	 * other namespaces without one, and see no uid but their own in it. */
	bool user = geteuid() != 0 || !(graph_row(p)->rights & RIGHT_PEERS);
	pid_t parent = getppid();
	int r = sandbox_basic(err);

	if (r == 0 && user)
		r = become_nobody(p, err);
	if (r == 0)
		r = enter_namespaces(p, user, err);
	if (r == 0)
		r = empty_root(err);
	if (r == 0)
		r = bound_capabilities(err);
	if (r == 0 && !user)
		r = become_nobody(p, err);
	if (r == 0)
		r = drop_capabilities(err);
	if (r == 0)
		r = restrict_files(p, err);
	if (r == 0)
		r = limit_resources(p, err);
	if (r == 0)
		r = die_with_parent(parent, err);
	return r;
}

int sandbox_enter(enum proc p, struct err *err)
{
	int r = sandbox_namespaces(p, err);

	return r == 0 ? sandbox_seccomp(p, err) : r;
}

void process_start(enum proc p)
{
	const struct proc_row *row = graph_row(p);
	struct err err = { 0 };
	int i;

	log_init(row->name, LOG_LV_INFO);
	(void)signal(SIGPIPE, SIG_IGN);
	for (i = 0; i < GRAPH_FDS && row->fds[i] != FD_NONE; i++)
		if (fcntl(GRAPH_FD_BASE + i, F_GETFD) < 0)
			die("fd %d (%s) is missing: started by hand?",
			    GRAPH_FD_BASE + i, fd_role_name(row->fds[i]));
	if (sandbox_enter(p, &err) < 0)
		die("%s", err.msg);
}
