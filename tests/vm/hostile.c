/* hostile: see hostile.h. */
#include "hostile.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
	MEMORY_STEP = 16 << 20,
	MEMORY_STEPS = 32, /* half a GiB */
	THREADS = 64,
	FORKS = 64,
	X32_BIT = 0x40000000,
	I386_GETPID = 20,
};

struct target {
	pid_t pid;	    /* outside */
	const char *dir;    /* outside, writable for its uid */
	const char *socket; /* outside, abstract */
	char path[256];	    /* in dir */
};

static void say(const char *name, const char *outcome)
{
	char line[128];
	int n = snprintf(line, sizeof(line), "%s: %s\n", name, outcome);

	if (n > 0)
		(void)!write(HOSTILE_OUT, line, (size_t)n);
}

static void say_count(const char *name, unsigned n)
{
	char text[32];

	(void)snprintf(text, sizeof(text), "%u", n);
	say(name, text);
}

/* --- files --------------------------------------------------------------- */

static long open_outside(struct target *)
{
	return open("/etc/passwd", O_RDONLY | O_CLOEXEC);
}

static long open_dir(struct target *)
{
	return open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
}

static long create_file(struct target *t)
{
	return open(t->path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long create_anywhere(struct target *)
{
	return open("new", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
}

static long make_dir(struct target *t)
{
	return mkdir(t->path, 0700);
}

static long make_memfd(struct target *)
{
	return memfd_create("x", 0);
}

static long exec_other(struct target *)
{
	char name[] = "/bin/true";
	char *argv[] = { name, NULL };

	return execve(name, argv, argv + 1);
}

/* --- other processes ----------------------------------------------------- */

static long see_process(struct target *t)
{
	char path[64];

	(void)snprintf(path, sizeof(path), "/proc/%d/status", t->pid);
	return open(path, O_RDONLY | O_CLOEXEC);
}

static long signal_process(struct target *t)
{
	return kill(t->pid, 0);
}

static long signal_thread(struct target *t)
{
	return syscall(SYS_tgkill, t->pid, t->pid, 0);
}

static long signal_by_fcntl(struct target *t)
{
	return fcntl(HOSTILE_OUT, F_SETOWN, t->pid);
}

static long open_pidfd(struct target *t)
{
	return syscall(SYS_pidfd_open, t->pid, 0);
}

static long trace_process(struct target *t)
{
	long r = ptrace(PTRACE_SEIZE, t->pid, 0, 0);

	if (r == 0)
		(void)ptrace(PTRACE_DETACH, t->pid, 0, 0);
	return r;
}

static long read_memory(struct target *t)
{
	char byte;
	struct iovec iov = { &byte, 1 };

	/* Of a process that forked us the stack is where ours is; EFAULT is
	 * the kernel's leave to try. */
	return process_vm_readv(t->pid, &iov, 1, &iov, 1, 0) < 0 &&
			       errno == EFAULT
		       ? 0
		       : -(errno != 0);
}

static long limit_process(struct target *t)
{
	struct rlimit l;

	return prlimit(t->pid, RLIMIT_NOFILE, NULL, &l);
}

/* --- the outside world --------------------------------------------------- */

static long connect_to(int family, const void *address, socklen_t n)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -1 : connect(fd, address, n);
}

static long connect_inet(struct target *)
{
	const struct sockaddr_in a = {
		.sin_family = AF_INET,
		.sin_port = htons(HOSTILE_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};

	return connect_to(AF_INET, &a, sizeof(a));
}

static long connect_abstract(struct target *t)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	size_t n = strlen(t->socket);

	memcpy(a.sun_path + 1, t->socket, n);
	return connect_to(
		AF_UNIX, &a,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n));
}

static long make_socket(struct target *)
{
	return socket(AF_UNIX, SOCK_DGRAM, 0);
}

static long make_vsock(struct target *)
{
	return socket(AF_VSOCK, SOCK_STREAM, 0);
}

static long make_netlink(struct target *)
{
	return socket(AF_NETLINK, SOCK_RAW, 0);
}

/* --- rights -------------------------------------------------------------- */

static long new_user_namespace(struct target *)
{
	return unshare(CLONE_NEWUSER);
}

static long new_net_namespace(struct target *)
{
	return unshare(CLONE_NEWNET);
}

static long clone_namespace(struct target *)
{
	long pid = syscall(SYS_clone, CLONE_NEWUSER | SIGCHLD, 0, 0, 0, 0);

	if (pid == 0)
		_exit(0);
	return pid;
}

static long mount_something(struct target *t)
{
	return mount("none", t->dir, "tmpfs", 0, NULL);
}

static long change_root(struct target *t)
{
	return chroot(t->dir);
}

static long become_root(struct target *)
{
	return setuid(0);
}

static long ring(struct target *)
{
	char params[256] = { 0 };

	return syscall(SYS_io_uring_setup, 1, params);
}

static long push_keys(struct target *)
{
	return ioctl(HOSTILE_TTY, TIOCSTI, "x");
}

/* In an int's upper half, which a filter may forget to mask. */
static long push_keys_disguised(struct target *)
{
	return syscall(SYS_ioctl, HOSTILE_TTY, TIOCSTI | (1ul << 32), "x");
}

static long call_x32(struct target *)
{
	return syscall(X32_BIT | SYS_getpid);
}

static long call_i386(struct target *)
{
	int r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(I386_GETPID) : "memory");
	errno = -r;
	return r > 0 ? 0 : -1;
}

static long writable_code(struct target *)
{
	return mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED
		       ? -1
		       : 0;
}

static long dump_core(struct target *)
{
	struct rlimit l = { RLIM_INFINITY, RLIM_INFINITY };

	(void)signal(SIGSEGV, SIG_DFL);
	if (setrlimit(RLIMIT_CORE, &l) < 0)
		say("core", strerrorname_np(errno));
	__asm__ volatile("hlt");
	return 0;
}

static const struct {
	const char *name;
	long (*fn)(struct target *t);
} attempts[] = {
	{ "open-outside", open_outside },
	{ "open-dir", open_dir },
	{ "create-file", create_file },
	{ "create-anywhere", create_anywhere },
	{ "make-dir", make_dir },
	{ "make-memfd", make_memfd },
	{ "exec-other", exec_other },
	{ "see-process", see_process },
	{ "signal-process", signal_process },
	{ "signal-thread", signal_thread },
	{ "signal-by-fcntl", signal_by_fcntl },
	{ "open-pidfd", open_pidfd },
	{ "trace-process", trace_process },
	{ "read-memory", read_memory },
	{ "limit-process", limit_process },
	{ "connect-inet", connect_inet },
	{ "connect-abstract", connect_abstract },
	{ "make-socket", make_socket },
	{ "make-vsock", make_vsock },
	{ "make-netlink", make_netlink },
	{ "new-user-namespace", new_user_namespace },
	{ "new-net-namespace", new_net_namespace },
	{ "clone-namespace", clone_namespace },
	{ "mount-something", mount_something },
	{ "change-root", change_root },
	{ "become-root", become_root },
	{ "ring", ring },
	{ "push-keys", push_keys },
	{ "push-keys-disguised", push_keys_disguised },
	{ "call-x32", call_x32 },
	{ "call-i386", call_i386 },
	{ "writable-code", writable_code },
	{ "dump-core", dump_core },
};

/* --- how much of it ------------------------------------------------------ */

/* In MiB. */
static void take_memory(void)
{
	unsigned i;

	for (i = 0; i < MEMORY_STEPS; i++) {
		char *p = mmap(NULL, MEMORY_STEP, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		size_t at;

		if (p == MAP_FAILED)
			break;
		for (at = 0; at < MEMORY_STEP; at += 4096)
			p[at] = 1;
	}
	say_count("take-memory", i * (MEMORY_STEP >> 20));
}

_Noreturn static void *idle(void *)
{
	for (;;)
		(void)pause();
}

static void take_threads(void)
{
	pthread_t t;
	unsigned i;

	for (i = 0; i < THREADS; i++)
		if (pthread_create(&t, NULL, idle, NULL) != 0)
			break;
	say_count("take-threads", i);
	_exit(0);
}

static void take_processes(void)
{
	pid_t pids[FORKS];
	unsigned i, n;

	for (n = 0; n < FORKS; n++) {
		pids[n] = (pid_t)syscall(SYS_fork);
		if (pids[n] == 0)
			(void)idle(NULL);
		if (pids[n] < 0)
			break;
	}
	for (i = 0; i < n; i++)
		(void)kill(pids[i], SIGKILL);
	say_count("take-processes", n);
}

static void take_files(void)
{
	unsigned n = 0;

	while (n < 100000 && dup(0) >= 0)
		n++;
	say_count("take-files", n);
}

_Noreturn static void take_time(void)
{
	for (;;)
		__asm__ volatile("");
}

static const struct {
	const char *name;
	void (*fn)(void);
} hogs[] = {
	{ "take-memory", take_memory },	      { "take-threads", take_threads },
	{ "take-processes", take_processes }, { "take-files", take_files },
	{ "take-time", take_time },
};

int hostile_main(int argc, char **argv)
{
	struct target t = { 0 };
	size_t i;

	if (argc != 5)
		return 2;
	t.pid = (pid_t)strtol(argv[2], NULL, 10);
	t.dir = argv[3];
	t.socket = argv[4];
	(void)snprintf(t.path, sizeof(t.path), "%s/new", t.dir);
	for (i = 0; i < sizeof(hogs) / sizeof(hogs[0]); i++)
		if (strcmp(argv[1], hogs[i].name) == 0)
			hogs[i].fn();
	for (i = 0; i < sizeof(attempts) / sizeof(attempts[0]); i++)
		if (strcmp(argv[1], attempts[i].name) == 0) {
			errno = 0;
			say(argv[1], attempts[i].fn(&t) < 0
					     ? strerrorname_np(errno)
					     : "done");
		}
	if (strcmp(argv[1], "stay") == 0) {
		say("stay", "here");
		(void)idle(NULL);
	}
	return 0;
}
