/*
 * hostile_test: goal of this test: a program that an attacker owns cannot get
 * out of QEMU's jail, with and without the list of system calls, nor out of the
 * porter's sandbox, as root and rootless; and the same program can do these
 * things outside, or a row would prove nothing. Each attempt is one run.
 * argv[1] and argv[2] are hostile_plain and hostile_porter; with a third
 * argument, the table of what was seen is printed.
 */
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <netinet/in.h>
#include <poll.h>
#include <sched.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "host/vmm/jail.h"
#include "host/vmm/qemu.h"
#include "hostile.h"
#include "privsep/sandbox.h"
#include "privsep/spawn.h"

enum {
	OTHER_UID = 4242,
	SEEN = 64,
	ARGS = 5,
	JAIL_DATA_MIB = 64,
	JAIL_THREADS = 4,
	PATIENCE_MS = 20000,
	TTY_OTHER = 200,
};

/* Where the program runs. */
enum where {
	OUTSIDE,
	BARE_JAIL, /* without the list of system calls */
	JAIL,
	PORTER,
	WHERE_MAX
};

static const char *const where_names[] = { "outside", "jail, no list", "jail",
					   "porter" };

struct row {
	const char *attempt;
	/* What is seen, alternatives by '|'; NULL: it does not matter. */
	const char *want[WHERE_MAX];
	bool root_only; /* outside, an ordinary user cannot either */
};

/* SIGSYS: killed by the list; ENOENT, ESRCH: there is no such thing in here. */
static const struct row rows[] = {
	{ "open-outside", { "done", "ENOENT", "ENOENT", "SIGSYS" } },
	{ "open-dir", { "done", NULL, NULL, "SIGSYS" } },
	{ "create-file", { "done", "ENOENT", "EPERM", "SIGSYS" } },
	{ "create-anywhere", { NULL, "EROFS", "EPERM", "SIGSYS" } },
	{ "make-dir", { "done", "ENOENT", "EPERM", "SIGSYS" } },
	{ "make-memfd", { "done", "done", "EPERM", "done" } },
	{ "exec-other", { NULL, "ENOENT", "ENOENT", "SIGSYS" } },
	{ "see-process", { "done", "ENOENT", "ENOENT", "SIGSYS" } },
	{ "signal-process", { "done", "ESRCH", "EPERM", "SIGSYS" } },
	{ "signal-thread", { "done", "ESRCH", "EPERM", "SIGSYS" } },
	{ "signal-by-fcntl", { NULL, "ESRCH", "EPERM", "SIGSYS" } },
	{ "open-pidfd", { "done", "ESRCH", "EPERM", "SIGSYS" } },
	{ "trace-process", { "done", "ESRCH", "EPERM", "SIGSYS" } },
	{ "read-memory", { "done", "ESRCH", "EPERM", "SIGSYS" } },
	{ "limit-process", { "done", "ESRCH", "EPERM", "SIGSYS" } },
	{ "connect-inet", { "done", "ENETUNREACH|EACCES", "EPERM", "SIGSYS" } },
	{ "connect-abstract",
	  { "done", "ECONNREFUSED|EPERM", "EPERM", "SIGSYS" } },
	{ "make-socket", { "done", "done", "EPERM", "SIGSYS" } },
	{ "make-vsock", { NULL, NULL, "EPERM", "SIGSYS" } },
	{ "make-netlink", { "done", "done", "EPERM", "SIGSYS" } },
	{ "new-user-namespace", { "done", NULL, "EPERM", "SIGSYS" } },
	{ "new-net-namespace", { "done", "EPERM", "EPERM", "SIGSYS" }, true },
	{ "clone-namespace", { "done", NULL, "EPERM", "SIGSYS" } },
	{ "mount-something",
	  { "done", "EPERM|ENOENT", "EPERM", "SIGSYS" },
	  true },
	{ "change-root", { "done", "EPERM|ENOENT", "EPERM", "SIGSYS" }, true },
	{ "become-root", { "done", "EINVAL|EPERM", "EPERM", "SIGSYS" }, true },
	{ "ring", { NULL, NULL, "EPERM", "SIGSYS" } },
	{ "push-keys", { "done", NULL, "EPERM", "SIGSYS" }, true },
	{ "push-keys-disguised", { "done", NULL, "EPERM", "SIGSYS" }, true },
	{ "call-x32", { "ENOSYS|done", NULL, "SIGSYS", "SIGSYS" } },
	{ "call-i386", { "done|SIGSEGV", NULL, "SIGSYS", "SIGSYS" } },
	{ "writable-code", { "done", "done", "EPERM", "SIGSYS" } },
	{ "dump-core", { NULL, "EPERM+SIGSEGV", "EPERM+SIGSEGV", "SIGSYS" } },
	{ "take-memory",
	  { "512", "0|16|32|48", "0|16|32|48",
	    "128|144|160|176|192|208|224|240" } },
	{ "take-threads", { "64", "0|1|2|3", "0|1|2|3", "SIGSYS" } },
	{ "take-processes", { "64", "0|1|2|3", "0", "SIGSYS" } },
	{ "take-files", { NULL, NULL, "0", "SIGSYS" } },
	{ "take-time", { NULL, "SIGKILL", "SIGKILL", NULL } },
};

static const char *plain_src, *porter_src;
static char dir[] = "/tmp/bulkhead-hostile-XXXXXX";
static char plain[64], victim_pid[16], socket_name[64], inside[64];
static bool as_user, show;
static pid_t victim;
static int inet_fd = -1, abstract_fd = -1;

/* --- one run ------------------------------------------------------------- */

static void become_user(void)
{
	if (as_user && geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 ||
	     setresgid(OTHER_UID, OTHER_UID, OTHER_UID) < 0 ||
	     setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0))
		_exit(99);
}

/* A terminal of its own on HOSTILE_TTY, so that one could push keys into it. */
static void own_terminal(void)
{
	int fd = posix_openpt(O_RDWR | O_NOCTTY);
	int tty;

	/* The other end stays open, or the terminal would hang up. */
	fd = fcntl(fd, F_DUPFD_CLOEXEC, TTY_OTHER);
	if (fd != TTY_OTHER || grantpt(fd) < 0 || unlockpt(fd) < 0 ||
	    setsid() < 0)
		_exit(94);
	tty = open(ptsname(fd), O_RDWR); /* NOLINT(concurrency-mt-unsafe) */
	if (tty < 0 || dup2(tty, HOSTILE_TTY) < 0)
		_exit(93);
}

static void exit_as(const siginfo_t *si)
{
	if (si->si_code == CLD_EXITED)
		_exit(0);
	/* What would have dumped has not. */
	_exit(si->si_code == CLD_DUMPED ? 90 : 128 + si->si_status);
}

static void run_outside(char **args)
{
	char *const envp[] = { NULL };
	siginfo_t si = { 0 };
	pid_t pid;

	if (geteuid() == 0 &&
	    (unshare(CLONE_NEWNS) < 0 ||
	     mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0))
		_exit(92);
	become_user();
	pid = fork();
	if (pid == 0) {
		(void)execve(plain, args, envp);
		_exit(91);
	}
	if (waitid(P_PID, (id_t)pid, &si, WEXITED) < 0)
		_exit(96);
	exit_as(&si);
}

static void run_jail(char **args, bool filtered)
{
	static struct closure c;
	struct vm_spec kvm = { .backend = VM_QEMU_KVM, .start = VM_CLONE };
	struct bpf_filter filter = qemu_filter(&kvm);
	const char *argv[ARGS + 1] = { "/hostile" };
	struct jail j = { .files = &c,
			  .argv = argv,
			  .filter = filtered ? &filter : NULL,
			  .n_fds = 2,
			  .max_file = 1 << 20,
			  .max_data = (uint64_t)JAIL_DATA_MIB << 20,
			  .max_threads = JAIL_THREADS,
			  .max_cpu_s = 1 };
	struct jail_proc p;
	struct err err = { 0 };
	siginfo_t si = { 0 };
	size_t i;

	for (i = 1; i < ARGS; i++)
		argv[i] = args[i];
	become_user();
	if (sandbox_basic(&err) < 0 ||
	    closure_add(&c, plain, "/hostile", &err) < 0 ||
	    jail_start(&j, &p, &err) < 0 || jail_leave_rights(&p, &err) < 0) {
		(void)dprintf(STDERR_FILENO, "%s\n", err.msg);
		_exit(98);
	}
	if (strcmp(args[1], "stay") == 0)
		(void)dprintf(HOSTILE_OUT, "pid: %d\n", p.pid);
	(void)close(HOSTILE_OUT);
	if (waitid(P_PIDFD, (id_t)p.pidfd, &si, WEXITED) < 0)
		_exit(96);
	exit_as(&si);
}

static void run_porter(char **args)
{
	struct spawn s = {
		.proc = PROC_PORTER,
		.libexec = dir,
		.fds = { HOSTILE_OUT, HOSTILE_TTY, HOSTILE_TTY, HOSTILE_TTY },
		.args = (const char *const *)(uintptr_t)(args + 1),
	};
	struct err err = { 0 };
	siginfo_t si = { 0 };
	int pidfd = -1;

	become_user();
	if (spawn_process(&s, &pidfd, &err) < 0) {
		(void)dprintf(STDERR_FILENO, "%s\n", err.msg);
		_exit(98);
	}
	if (waitid(P_PIDFD, (id_t)pidfd, &si, WEXITED) < 0)
		_exit(96);
	exit_as(&si);
}

_Noreturn static void run(enum where w, const char *attempt, int out)
{
	char name[32], path[64];
	char *args[] = { plain, name, victim_pid, path, socket_name, NULL };

	(void)str_printf(name, sizeof(name), "%s", attempt);
	(void)str_printf(path, sizeof(path), "%s", inside);
	if (dup2(out, HOSTILE_OUT) < 0)
		_exit(95);
	own_terminal();
	(void)close_range(HOSTILE_TTY + 1, TTY_OTHER - 1, 0);
	(void)close_range(TTY_OTHER + 1, ~0u, 0);
	if (w == OUTSIDE)
		run_outside(args);
	if (w == PORTER)
		run_porter(args);
	run_jail(args, w == JAIL);
	_exit(1);
}

/* "name: X\nname: Y\n" as "X+Y", and by which signal it ended. */
static void outcome(char *text, int status, char ret[SEEN])
{
	char *line = text;
	size_t n = 0;
	int code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;

	ret[0] = 0;
	while (*line) {
		size_t len = strcspn(line, "\n");
		char *colon = memchr(line, ':', len);

		if (colon && n + len < SEEN - 16)
			n += (size_t)snprintf(
				ret + n, SEEN - n, "%s%.*s", n ? "+" : "",
				(int)(line + len - colon - 2), colon + 2);
		line += len + (line[len] == '\n');
	}
	if (code > 128)
		(void)snprintf(ret + n, SEEN - n, "%sSIG%s", n ? "+" : "",
			       sigabbrev_np(code - 128));
	else if (code != 0)
		(void)snprintf(ret + n, SEEN - n, "%sfailed %d", n ? "+" : "",
			       code);
}

static void attempt(enum where w, const char *name, char ret[SEEN])
{
	char text[512];
	ssize_t n;
	int out[2], status;
	pid_t pid;

	/* Numbers above those that the run gives to others. */
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		run(w, name, out[1]);
	fd_close(&out[1]);
	n = fd_read_all(out[0], text, sizeof(text) - 1);
	fd_close(&out[0]);
	assert_true(n >= 0);
	text[n] = 0;
	assert_int_equal(waitpid(pid, &status, 0), pid);
	outcome(text, status, ret);
	(void)rmdir(inside);
	(void)str_printf(text, sizeof(text), "%s/new", inside);
	(void)unlink(text);
	(void)rmdir(text);
	assert_true(mkdir(inside, 0777) == 0 || errno == EEXIST);
	assert_int_equal(chmod(inside, 0777), 0);
}

/* --- the table ----------------------------------------------------------- */

static bool is_one_of(const char *seen, const char *want)
{
	while (*want) {
		size_t n = strcspn(want, "|");

		if (span_is(span_of(want, n), seen))
			return true;
		want += n + (want[n] == '|');
	}
	return false;
}

static void check_row(const struct row *r)
{
	enum where w;

	for (w = OUTSIDE; w < WHERE_MAX; w++) {
		char seen[SEEN];

		if (!r->want[w] || (w == OUTSIDE && r->root_only && as_user))
			continue;
		attempt(w, r->attempt, seen);
		if (show)
			printf("%-22s %-14s %-9s %s\n", r->attempt,
			       where_names[w], as_user ? "rootless" : "root",
			       seen);
		if (!is_one_of(seen, r->want[w]))
			fail_msg("%s, %s, %s: saw \"%s\", want %s", r->attempt,
				 where_names[w], as_user ? "rootless" : "root",
				 seen, r->want[w]);
	}
}

static void check_all(void)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		check_row(&rows[i]);
}

/* The process to be seen and signalled has the uid of the one who tries. */
static void victim_start(void)
{
	int ready[2];
	char c;

	assert_int_equal(pipe2(ready, O_CLOEXEC), 0);
	victim = fork();
	assert_true(victim >= 0);
	if (victim == 0) {
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		become_user();
		(void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
		(void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0);
		fd_close(&ready[1]);
		for (;;)
			(void)pause();
	}
	(void)str_printf(victim_pid, sizeof(victim_pid), "%d", victim);
	fd_close(&ready[1]);
	/* Until it has become that. */
	(void)!read(ready[0], &c, 1);
	fd_close(&ready[0]);
}

static void victim_end(void)
{
	(void)kill(victim, SIGKILL);
	(void)waitpid(victim, NULL, 0);
}

static void as_root(void **)
{
	if (geteuid() != 0)
		skip();
	as_user = false;
	victim_start();
	check_all();
	victim_end();
}

static void rootless(void **)
{
	as_user = true;
	victim_start();
	check_all();
	victim_end();
}

/* --- the end of it ------------------------------------------------------- */

static bool gone(pid_t pid)
{
	uint64_t end = now_ms() + PATIENCE_MS;

	while (now_ms() < end) {
		if (kill(pid, 0) < 0 && errno == ESRCH)
			return true;
		(void)poll(NULL, 0, 10);
	}
	return false;
}

/* Neither what runs in the jail nor its keeper outlives who started them. */
static void dies_with_its_parent(void **)
{
	char text[128];
	const char *word;
	int out[2], status;
	ssize_t n = 0;
	pid_t keeper, inner;

	as_user = geteuid() != 0;
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	keeper = fork();
	assert_true(keeper >= 0);
	if (keeper == 0)
		run(JAIL, "stay", out[1]);
	fd_close(&out[1]);
	do {
		ssize_t k =
			read(out[0], text + n, sizeof(text) - 1 - (size_t)n);

		assert_true(k > 0);
		n += k;
		text[n] = 0;
	} while (!strstr(text, "stay: here") || !strstr(text, "pid: "));
	word = strstr(text, "pid: ");
	inner = (pid_t)strtol(word + 5, NULL, 10);
	assert_true(inner > 0 && kill(inner, 0) == 0);
	assert_int_equal(kill(keeper, SIGKILL), 0);
	assert_int_equal(waitpid(keeper, &status, 0), keeper);
	assert_true(gone(inner));
	fd_close(&out[0]);
}

/* --- set-up -------------------------------------------------------------- */

static int copy(const char *from, const char *to)
{
	CLEAN_FD int src = open(from, O_RDONLY | O_CLOEXEC);
	CLEAN_FD int dst =
		open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	uint8_t chunk[4096];
	ssize_t n;

	while ((n = fd_read_all(src, chunk, sizeof(chunk))) > 0)
		if (fd_write_all(dst, span_of(chunk, (size_t)n)) < 0)
			return -1;
	return n < 0 || fchmod(dst, 0755) < 0 ? -1 : 0;
}

static int listen_at(int family, const void *address, socklen_t n)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	return bind(fd, address, n) < 0 || listen(fd, 64) < 0 ? -1 : fd;
}

static int listeners(void)
{
	const struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons(HOSTILE_PORT),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct sockaddr_un un = { .sun_family = AF_UNIX };
	size_t n;

	(void)str_printf(socket_name, sizeof(socket_name), "bulkhead-%d",
			 getpid());
	n = strlen(socket_name);
	memcpy(un.sun_path + 1, socket_name, n);
	inet_fd = listen_at(AF_INET, &in, sizeof(in));
	abstract_fd = listen_at(
		AF_UNIX, &un,
		(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + n));
	return inet_fd < 0 || abstract_fd < 0 ? -1 : 0;
}

static int setup(void **)
{
	char porter[64];

	if (!mkdtemp(dir) || chmod(dir, 0755) < 0 ||
	    str_printf(plain, sizeof(plain), "%s/plain", dir) < 0 ||
	    str_printf(porter, sizeof(porter), "%s/bulkhead-porter", dir) < 0 ||
	    str_printf(inside, sizeof(inside), "%s/inside", dir) < 0)
		return -1;
	if (copy(plain_src, plain) < 0 || copy(porter_src, porter) < 0 ||
	    mkdir(inside, 0777) < 0 || chmod(inside, 0777) < 0)
		return -1;
	return listeners();
}

static int teardown(void **)
{
	char porter[64];

	fd_close(&inet_fd);
	fd_close(&abstract_fd);
	(void)str_printf(porter, sizeof(porter), "%s/bulkhead-porter", dir);
	(void)unlink(porter);
	(void)unlink(plain);
	(void)rmdir(inside);
	return rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_root),
		cmocka_unit_test(rootless),
		cmocka_unit_test(dies_with_its_parent),
	};

	if (argc < 3)
		return 2;
	plain_src = argv[1];
	porter_src = argv[2];
	show = argc > 3;
	return cmocka_run_group_tests(tests, setup, teardown);
}
