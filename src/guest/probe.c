/*
 * probe: the workload of the kernel's and the jail's tests. It tries what a
 * hostile workload would try and says what happened. Two ways to be started:
 *
 *  - as /bin/probe, without seccomp and Landlock, with /proc, /sys and /dev
 *    there read-only: then it serves the door on fd 3 as a reader does, and
 *    for each connection makes every attempt, each in a child, and looks
 *    around, so that the KERNEL is what refuses; a JSON object says it. A
 *    connection on which the host says "brief" gets what tells two copies of
 *    a machine apart, and nothing else. Images of this kind are for tests,
 *    and for finding out which accelerator boots a guest at all.
 *  - under the name of another workload and so in that one's jail: then it
 *    reads names of attempts, on fd 3 or the first connection from its door,
 *    makes them, and says the errno of each that does not kill it; or does one
 *    act, with which init's relay is tried.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/auxv.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"
#include "guest/sys.h"
#include "base/door.h"
#include "base/fresh.h"

enum {
	PROBE_FD = 3,
	PROBE_AT_RANDOM = 16,
	PROBE_OUT = 256 << 10,
	PROBE_FAMILIES = 46,
	PROBE_ENTRIES = 512, /* of one directory */
	PROBE_X32 = 0x40000000,
	PROBE_CHUNK = 100'000,
	PROBE_LOG_LINES = 5'000, /* of 100 bytes */
};

/* Where it speaks: fd 3, or what came out of it. */
static int talk_fd = PROBE_FD;

/* ---- attempts: 0 if it worked, else errno */

static int tried(long r)
{
	return r < 0 ? errno : 0;
}

/* By openat, which the jails know, and musl's open() is not. */
static int tried_open(const char *path, int flags)
{
	return tried(syscall(SYS_openat, AT_FDCWD, path, flags, 0600));
}

static int try_getpid(void)
{
	return tried(syscall(SYS_getpid));
}

static int try_init_module(void)
{
	return tried(syscall(SYS_init_module, "", 0UL, ""));
}

static int try_finit_module(void)
{
	return tried(syscall(SYS_finit_module, PROBE_FD, "", 0));
}

static int try_delete_module(void)
{
	return tried(syscall(SYS_delete_module, "x", 0));
}

static int try_kexec_load(void)
{
	return tried(syscall(SYS_kexec_load, 0UL, 0UL, NULL, 0UL));
}

static int try_kexec_file_load(void)
{
	return tried(syscall(SYS_kexec_file_load, 0, 0, 0UL, "", 0UL));
}

static int try_io_uring(void)
{
	uint8_t params[120] = { 0 };

	return tried(syscall(SYS_io_uring_setup, 1, params));
}

static int try_userfaultfd(void)
{
	return tried(syscall(SYS_userfaultfd, 1 /* USER_MODE_ONLY */));
}

static int try_newuser(void)
{
	return tried(unshare(CLONE_NEWUSER));
}

static int try_newnet(void)
{
	return tried(unshare(CLONE_NEWNET));
}

static int try_newns(void)
{
	return tried(unshare(CLONE_NEWNS));
}

static int try_perf(void)
{
	uint32_t attr[32] = { 1, sizeof(attr) }; /* PERF_TYPE_SOFTWARE */

	return tried(syscall(SYS_perf_event_open, attr, 0, -1, -1, 0UL));
}

static int try_ptrace(void)
{
	return tried(ptrace(PTRACE_TRACEME, 0, NULL, NULL));
}

static int try_bpf(void)
{
	uint32_t attr[32] = { 2, 4, 4, 1 }; /* an array map of one */

	return tried(syscall(SYS_bpf, 0, attr, sizeof(attr)));
}

static int try_keyctl(void)
{
	return tried(syscall(SYS_keyctl, 0, -3, 1));
}

static int try_add_key(void)
{
	return tried(syscall(SYS_add_key, "user", "x", "x", 1UL, -3));
}

static int try_mount(void)
{
	return tried(mount("x", "/bin", "tmpfs", 0, NULL));
}

static int try_reboot(void)
{
	return tried(syscall(SYS_reboot, 0, 0, 0, NULL));
}

static int try_iopl(void)
{
	return tried(syscall(SYS_iopl, 3));
}

static int try_ioperm(void)
{
	return tried(syscall(SYS_ioperm, 0UL, 8UL, 1));
}

static int try_modify_ldt(void)
{
	uint8_t entry[16] = { 0 };

	return tried(syscall(SYS_modify_ldt, 0, entry, sizeof(entry)));
}

static int try_swapon(void)
{
	return tried(syscall(SYS_swapon, "/bin", 0));
}

static int try_settime(void)
{
	struct timespec ts = { .tv_sec = 1 };

	return tried(clock_settime(CLOCK_REALTIME, &ts));
}

static int try_setuid(void)
{
	return tried(syscall(SYS_setuid, 0));
}

static int try_kill_init(void)
{
	return tried(kill(1, SIGTERM));
}

static int try_memfd(void)
{
	return tried(syscall(SYS_memfd_create, "x", 0U));
}

static int try_fork(void)
{
	pid_t pid = fork();

	if (pid == 0)
		_exit(0);
	return tried(pid);
}

static int try_socket_unix(void)
{
	return tried(socket(AF_UNIX, SOCK_STREAM, 0));
}

static int try_socket_inet(void)
{
	return tried(socket(AF_INET, SOCK_STREAM, 0));
}

static int try_map_exec(void)
{
	void *p = mmap(NULL, 4096, PROT_READ | PROT_WRITE | PROT_EXEC,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	return p == MAP_FAILED ? errno : 0;
}

static int try_exec_other(void)
{
	char *argv[] = { NULL };

	return tried(execve("/init", argv, argv));
}

static int try_read_init(void)
{
	return tried_open("/init", O_RDONLY);
}

static int try_list_root(void)
{
	return tried_open("/", O_RDONLY | O_DIRECTORY);
}

static int try_create_root(void)
{
	return tried_open("/new", O_WRONLY | O_CREAT);
}

static int try_create_bin(void)
{
	return tried_open("/bin/new", O_WRONLY | O_CREAT);
}

static int try_overwrite_self(void)
{
	return tried_open("/init", O_WRONLY);
}

static int try_mkdir(void)
{
	return tried(mkdir("/new", 0700));
}

static int try_dev_mem(void)
{
	return tried_open("/dev/mem", O_RDONLY);
}

static int try_port(void)
{
	return tried_open("/dev/vport0p1", O_RDWR | O_NONBLOCK);
}

static int try_x32(void)
{
	return tried(syscall(PROBE_X32 + SYS_getpid));
}

/* A system call by its i386 number: 20 is getpid there, writev here. */
static int try_i386(void)
{
	long r;

	__asm__ volatile("int $0x80" : "=a"(r) : "a"(20L) : "memory");
	return r < 0 ? (int)-r : 0;
}

static const struct {
	const char *name;
	int (*fn)(void);
} attempts[] = {
	{ "getpid", try_getpid },
	{ "init_module", try_init_module },
	{ "finit_module", try_finit_module },
	{ "delete_module", try_delete_module },
	{ "kexec_load", try_kexec_load },
	{ "kexec_file_load", try_kexec_file_load },
	{ "io_uring", try_io_uring },
	{ "userfaultfd", try_userfaultfd },
	{ "newuser", try_newuser },
	{ "newnet", try_newnet },
	{ "newns", try_newns },
	{ "perf", try_perf },
	{ "ptrace", try_ptrace },
	{ "bpf", try_bpf },
	{ "keyctl", try_keyctl },
	{ "add_key", try_add_key },
	{ "mount", try_mount },
	{ "reboot", try_reboot },
	{ "iopl", try_iopl },
	{ "ioperm", try_ioperm },
	{ "modify_ldt", try_modify_ldt },
	{ "swapon", try_swapon },
	{ "settime", try_settime },
	{ "setuid", try_setuid },
	{ "kill_init", try_kill_init },
	{ "memfd", try_memfd },
	{ "fork", try_fork },
	{ "socket_unix", try_socket_unix },
	{ "socket_inet", try_socket_inet },
	{ "map_exec", try_map_exec },
	{ "exec_other", try_exec_other },
	{ "read_init", try_read_init },
	{ "list_root", try_list_root },
	{ "create_root", try_create_root },
	{ "create_bin", try_create_bin },
	{ "overwrite_self", try_overwrite_self },
	{ "mkdir", try_mkdir },
	{ "dev_mem", try_dev_mem },
	{ "port", try_port },
	{ "x32", try_x32 },
	{ "i386", try_i386 },
};

/* ---- the JSON: only its own words and names made harmless */

static void put_text(struct buf *b, const char *s)
{
	buf_u8(b, '"');
	for (; *s; s++) {
		bool plain = *s >= ' ' && *s <= '~' && *s != '"' && *s != '\\';

		buf_u8(b, plain ? (uint8_t)*s : '?');
	}
	buf_u8(b, '"');
}

static void put_key(struct buf *b, const char *key)
{
	buf_str(b, b->n > 1 ? "," : "");
	put_text(b, key);
	buf_u8(b, ':');
}

static void put_int(struct buf *b, const char *key, long long v)
{
	put_key(b, key);
	buf_printf(b, "%lld", v);
}

static void put_dir(struct buf *b, const char *key, const char *path)
{
	DIR *d = opendir(path);
	const struct dirent *e;
	int n;

	put_key(b, key);
	if (!d) {
		buf_str(b, "null");
		return;
	}
	buf_u8(b, '[');
	for (n = 0; n < PROBE_ENTRIES && (e = readdir(d));) {
		if (e->d_name[0] == '.')
			continue;
		buf_str(b, n++ ? "," : "");
		put_text(b, e->d_name);
	}
	buf_u8(b, ']');
	(void)closedir(d);
}

static void put_file(struct buf *b, const char *key, const char *path)
{
	CLEAN_FD int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[4096];
	ssize_t n = fd < 0 ? -1 : fd_read_all(fd, text, sizeof(text) - 1);

	put_key(b, key);
	text[n < 0 ? 0 : n] = 0;
	put_text(b, text);
}

/* ---- what it finds */

static bool family_works(int family)
{
	static const int types[] = { SOCK_STREAM, SOCK_DGRAM, SOCK_RAW,
				     SOCK_SEQPACKET };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++) {
		CLEAN_FD int fd = socket(family, types[i], 0);

		if (fd >= 0)
			return true;
	}
	return false;
}

static void put_families(struct buf *b)
{
	int family, n = 0;

	put_key(b, "families");
	buf_u8(b, '[');
	for (family = 0; family < PROBE_FAMILIES; family++) {
		if (family_works(family))
			buf_printf(b, "%s%d", n++ ? "," : "", family);
	}
	buf_u8(b, ']');
}

/* In a child, for what would not leave this process as it is. */
static int attempt_apart(int (*fn)(void))
{
	pid_t pid = fork();
	int status;

	if (pid == 0)
		_exit(fn() & 0xff);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	if (WIFSIGNALED(status))
		return 1000 + WTERMSIG(status);
	return WEXITSTATUS(status);
}

static void put_attempts(struct buf *b)
{
	size_t i;

	put_key(b, "attempts");
	buf_u8(b, '{');
	for (i = 0; i < ARRAY_SIZE(attempts); i++)
		buf_printf(b, "%s\"%s\":%d", i ? "," : "", attempts[i].name,
			   attempt_apart(attempts[i].fn));
	buf_u8(b, '}');
}

static const char *const create_in[] = {
	"/", "/bin", "/lib", "/tmp", "/dev", "/dev/shm", "/proc", "/sys",
};

static void put_creates(struct buf *b)
{
	size_t i;

	put_key(b, "create");
	buf_u8(b, '{');
	for (i = 0; i < ARRAY_SIZE(create_in); i++) {
		char path[64];

		(void)str_printf(path, sizeof(path), "%s/new", create_in[i]);
		buf_str(b, i ? "," : "");
		put_text(b, create_in[i]);
		buf_printf(b, ":%d",
			   tried(open(path, O_WRONLY | O_CREAT, 0600)));
	}
	buf_u8(b, '}');
}

static void put_caps(struct buf *b)
{
	struct cap_head head = { .version = SYS_CAP_VERSION_3 };
	struct cap_word caps[SYS_CAP_WORDS] = { 0 };
	unsigned long cap, bound = 0, ambient = 0;

	if (syscall(SYS_capget, &head, caps) < 0)
		caps[0].effective = UINT32_MAX;
	for (cap = 0; cap < SYS_CAP_MAX; cap++) {
		bound += prctl(PR_CAPBSET_READ, cap, 0UL, 0UL, 0UL) == 1;
		ambient += prctl(PR_CAP_AMBIENT,
				 (unsigned long)PR_CAP_AMBIENT_IS_SET, cap, 0UL,
				 0UL) == 1;
	}
	put_int(b, "caps",
		(long long)(caps[0].effective | caps[0].permitted |
			    caps[0].inheritable | caps[1].effective |
			    caps[1].permitted | caps[1].inheritable));
	put_int(b, "caps_bounding", (long long)bound);
	put_int(b, "caps_ambient", (long long)ambient);
}

static void put_self(struct buf *b)
{
	uid_t u[3] = { 0 };
	gid_t g[3] = { 0 };

	(void)getresuid(&u[0], &u[1], &u[2]);
	(void)getresgid(&g[0], &g[1], &g[2]);
	put_key(b, "uids");
	buf_printf(b, "[%u,%u,%u]", u[0], u[1], u[2]);
	put_key(b, "gids");
	buf_printf(b, "[%u,%u,%u]", g[0], g[1], g[2]);
	put_int(b, "groups", getgroups(0, NULL));
	put_int(b, "pid", getpid());
	put_int(b, "no_new_privs",
		prctl(PR_GET_NO_NEW_PRIVS, 0UL, 0UL, 0UL, 0UL));
	put_int(b, "securebits", prctl(PR_GET_SECUREBITS, 0UL, 0UL, 0UL, 0UL));
	put_int(b, "seccomp", prctl(PR_GET_SECCOMP, 0UL, 0UL, 0UL, 0UL));
	put_int(b, "landlock_abi",
		syscall(SYS_landlock_create_ruleset, NULL, 0UL,
			SYS_LANDLOCK_VERSION));
	put_caps(b);
}

static void put_env(struct buf *b, char **envp)
{
	int i;

	put_key(b, "env");
	buf_u8(b, '[');
	for (i = 0; envp[i]; i++) {
		buf_str(b, i ? "," : "");
		put_text(b, envp[i]);
	}
	buf_u8(b, ']');
}

static void put_clock(struct buf *b, const char *key, clockid_t id)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(id, &ts);
	put_int(b, key, ts.tv_sec * 1'000'000'000LL + ts.tv_nsec);
}

static void put_hex(struct buf *b, const char *key, const void *p, size_t n)
{
	const uint8_t *bytes = p;
	char hex[2 * 32 + 1];

	put_key(b, key);
	if (n > (sizeof(hex) - 1) / 2)
		n = (sizeof(hex) - 1) / 2;
	hex_encode(hex, bytes, n);
	put_text(b, hex);
}

static uint64_t canary(void)
{
	uint64_t v;

	__asm__ volatile("movq %%fs:0x28, %0" : "=r"(v));
	return v;
}

/* What two copies of one template have to have of their own. */
static void put_time_and_random(struct buf *b)
{
	const uint8_t *at = (const uint8_t *)(uintptr_t)getauxval(AT_RANDOM);
	uint64_t guard = canary();
	uint8_t random[32] = { 0 };

	put_clock(b, "clock_ns", CLOCK_REALTIME);
	put_clock(b, "monotonic_ns", CLOCK_MONOTONIC);
	put_clock(b, "boottime_ns", CLOCK_BOOTTIME);
	if (getrandom(random, sizeof(random), 0) == (ssize_t)sizeof(random))
		put_hex(b, "random", random, sizeof(random));
	if (at)
		put_hex(b, "at_random", at, PROBE_AT_RANDOM);
	put_hex(b, "canary", &guard, sizeof(guard));
}

static void put_root(struct buf *b)
{
	struct statvfs fs = { 0 };

	(void)statvfs("/", &fs);
	put_int(b, "root_readonly", (fs.f_flag & ST_RDONLY) != 0);
	put_dir(b, "root", "/");
	put_file(b, "mounts", "/proc/mounts");
	put_file(b, "filesystems", "/proc/filesystems");
}

static void look_around(struct buf *b, char **envp)
{
	struct utsname uts = { 0 };

	(void)uname(&uts);
	put_key(b, "kernel");
	put_text(b, uts.release);
	put_file(b, "cmdline", "/proc/cmdline");
	put_dir(b, "fds", "/proc/self/fd");
	put_dir(b, "namespaces", "/proc/self/ns");
	put_self(b);
	put_env(b, envp);
	put_families(b);
	put_dir(b, "block", "/sys/class/block");
	put_file(b, "partitions", "/proc/partitions");
	put_dir(b, "netdevs", "/sys/class/net");
	put_dir(b, "modules", "/sys/module");
	put_file(b, "proc_modules", "/proc/modules");
	put_dir(b, "dev", "/dev");
	put_root(b);
	put_attempts(b);
	put_creates(b);
	put_time_and_random(b);
	put_file(b, "meminfo", "/proc/meminfo");
}

/* ---- in another workload's jail */

/* Back what comes, until its end. */
static int echo(struct span rest)
{
	static uint8_t chunk[PROBE_CHUNK];
	ssize_t n;

	if (fd_write_all(talk_fd, rest) < 0)
		return 1;
	while ((n = read(talk_fd, chunk, sizeof(chunk))) > 0) {
		if (fd_write_all(talk_fd, span_of(chunk, (size_t)n)) < 0)
			return 1;
	}
	return n < 0;
}

/* More than init passes on; it must neither block nor drown the host. */
static int chatter(struct span)
{
	char line[100];
	int i;

	memset(line, 'x', sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (i = 0; i < PROBE_LOG_LINES; i++) {
		if (fd_write_all(STDERR_FILENO, span_of(line, sizeof(line))) <
		    0)
			return 1;
	}
	return 0;
}

/* Until the kernel says no, which it must: the guest outlives it. */
static int eat(struct span)
{
	size_t n = 1 << 20;

	for (;;) {
		void *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
			       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

		if (p == MAP_FAILED)
			return 42;
		memset(p, 1, n);
	}
}

/* And takes nothing off its hands. */
static int sleep_on(struct span)
{
	return poll(NULL, 0, -1) < 0;
}

static int leave(struct span)
{
	return 7;
}

static int crash(struct span)
{
	__builtin_trap();
}

static const struct {
	const char *name;
	int (*fn)(struct span rest);
} acts[] = {
	{ "echo", echo },   { "chatter", chatter }, { "eat", eat },
	{ "leave", leave }, { "crash", crash },	    { "sleep", sleep_on },
};

/* One attempt and its errno, in a line of its own: the next may kill. */
static void attempt_named(struct span name)
{
	CLEAN_BUF struct buf b;
	size_t i;

	buf_init(&b, PROBE_OUT);
	for (i = 0; i < ARRAY_SIZE(attempts); i++) {
		if (!span_is(name, attempts[i].name))
			continue;
		buf_printf(&b, "%s %d\n", attempts[i].name, attempts[i].fn());
		(void)!fd_write_all(talk_fd, buf_view(&b));
	}
}

/* The first line is an act, or every line an attempt. */
static int obey(void)
{
	char text[512];
	ssize_t n = read(talk_fd, text, sizeof(text));
	struct span rest = span_of(text, n > 0 ? (size_t)n : 0);
	size_t i;

	while (rest.n) {
		const uint8_t *nl = memchr(rest.p, '\n', rest.n);
		size_t len = nl ? (size_t)(nl - rest.p) : rest.n;
		struct span name = span_of(rest.p, len);

		rest = span_of(rest.p + len + (nl ? 1 : 0),
			       rest.n - len - (nl ? 1 : 0));
		for (i = 0; i < ARRAY_SIZE(acts); i++) {
			if (span_is(name, acts[i].name))
				return acts[i].fn(rest);
		}
		attempt_named(name);
	}
	return 0;
}

/* ---- in none */

/* The answer to one connection, which says what is wanted by its first bytes
 * and ends. */
static int report(char **envp)
{
	CLEAN_BUF struct buf b = { 0 };
	char want[16] = { 0 };

	if (fd_read_all(talk_fd, want, sizeof(want) - 1) < 0)
		return 1;
	buf_init(&b, PROBE_OUT);
	buf_u8(&b, '{');
	if (strcmp(want, "brief") == 0)
		put_time_and_random(&b);
	else
		look_around(&b, envp);
	buf_str(&b, "}\n");
	buf_u8(&b, 0);
	if (!buf_ok(&b))
		return 1;
	return fd_write_all(talk_fd, buf_view(&b)) < 0;
}

static int report_and_close(int fd, char **envp)
{
	int r;

	talk_fd = fd;
	r = report(envp);
	(void)close(fd);
	return r;
}

/* As a reader does it. */
static FRESH_CALLER _Noreturn void serve_door(char **envp)
{
	int r = 0;

	while (r == 0) {
		int fd = door_take(PROBE_FD);

		if (fd == -EPIPE)
			break;
		if (fd >= 0)
			door_wait(fd);
		r = fd < 0 || fresh_draw() < 0 || report_and_close(fd, envp);
	}
	_exit(r);
}

/* In a reader's jail there is a door as well. */
static int obey_at_door(void)
{
	talk_fd = door_take(PROBE_FD);
	return talk_fd < 0 ? 1 : obey();
}

FRESH_CALLER int main(int, char **argv, char **envp)
{
	if (argv[0] && strcmp(argv[0], "/bin/probe") == 0)
		serve_door(envp);
	if (argv[0] && strcmp(argv[0], "/bin/reader-email") == 0)
		return obey_at_door();
	return obey();
}
