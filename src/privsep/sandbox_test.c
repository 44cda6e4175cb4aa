/*
 * sandbox_test: what a sandboxed process cannot do any more, seen from inside
 * it, for every row of the table.
 */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/audit.h>
#include <seccomp.h>

#include "base/testing.h"
#include "base/span.h"
#include "privsep/bpf_sim.h"
#include "privsep/sandbox.h"

enum {
	SYSCALLS = 460,
	NOT_KILLED = 7,
	/* The kernel's own trampolines: seccomp never sees them (Linux 6.12),
	 * and whoever else calls them gets SIGILL. */
	NR_URETPROBE = 335,
	NR_UPROBE = 336,
};

/* What row p's filter answers to a call with these arguments. */
static uint32_t answer(enum proc p, int nr, uint64_t arg0)
{
	static struct bpf_insn insns[BPF_MAX];
	const struct seccomp_data d = { .nr = nr,
					.arch = AUDIT_ARCH_X86_64,
					.args = { arg0 } };
	int n = bpf_fill(&graph_row(p)->filter, (uint32_t)getpid(), insns);

	assert_true(n > 0);
	return bpf_run(insns, (size_t)n, &d);
}

static bool has_filter(enum proc p)
{
	return graph_row(p)->filter.insns != NULL;
}

/* Runs fn in a child and gives its wait status. */
static int in_child(void (*fn)(void *), void *arg)
{
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)alarm(30);
		fn(arg);
		_exit(0);
	}
	assert_true(pid > 0);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	return status;
}

struct one_call {
	enum proc proc;
	int nr;
};

static void call_after_seccomp(void *arg)
{
	const struct one_call *c = arg;
	struct err err = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    sandbox_seccomp(c->proc, &err) < 0)
		_exit(1);
	(void)syscall(c->nr, -1, 0, 0, 0, 0, 0);
	_exit(NOT_KILLED);
}

/* Every system call that is not in a row's list kills the process. */
static void test_seccomp_lists(void **state)
{
	enum proc p;
	int nr;

	(void)state;
	for (p = 0; p < PROC_MAX; p++)
		for (nr = 0; has_filter(p) && nr < SYSCALLS; nr++) {
			struct one_call c = { p, nr };
			int status;

			if (answer(p, nr, (uint64_t)-1) == SECCOMP_RET_ALLOW ||
			    nr == NR_URETPROBE || nr == NR_UPROBE)
				continue;
			status = in_child(call_after_seccomp, &c);
			if (!WIFSIGNALED(status) || WTERMSIG(status) != SIGSYS)
				fail_msg("%s: system call %d: status %x",
					 graph_row(p)->name, nr,
					 (unsigned)status);
		}
}

struct signalling {
	enum proc proc;
	bool is_fcntl;
	int cmd;      /* of fcntl */
	bool to_self; /* tgkill */
};

static void signal_after_seccomp(void *arg)
{
	const struct signalling *s = arg;
	pid_t to = s->to_self ? getpid() : getppid();
	struct err err = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    sandbox_seccomp(s->proc, &err) < 0)
		_exit(1);
	if (s->is_fcntl)
		(void)fcntl(STDIN_FILENO, s->cmd, to);
	else
		(void)syscall(SYS_tgkill, to, to, 0);
	_exit(NOT_KILLED);
}

/* A process that an attacker owns cannot signal others of its uid. */
static void test_no_signals_to_others(void **state)
{
	static const struct {
		struct signalling s;
		bool killed;
	} rows[] = {
		{ { .to_self = true }, false },
		{ { .to_self = false }, true },
		{ { .is_fcntl = true, .cmd = F_GETFL }, false },
		{ { .is_fcntl = true, .cmd = F_SETOWN }, true },
		{ { .is_fcntl = true, .cmd = F_SETOWN_EX }, true },
		{ { .is_fcntl = true, .cmd = F_SETSIG }, true },
		{ { .is_fcntl = true, .cmd = F_NOTIFY }, true },
	};
	enum proc p;
	size_t i;

	(void)state;
	for (p = 0; p < PROC_MAX; p++)
		for (i = 0; has_filter(p) && i < ARRAY_SIZE(rows); i++) {
			struct signalling s = rows[i].s;
			int status;
			bool killed;

			s.proc = p;
			status = in_child(signal_after_seccomp, &s);
			killed = WIFSIGNALED(status) &&
				 WTERMSIG(status) == SIGSYS;
			if (killed != rows[i].killed ||
			    (!killed && WEXITSTATUS(status) != NOT_KILLED))
				fail_msg("%s: row %zu: status %x",
					 graph_row(p)->name, i,
					 (unsigned)status);
		}
}

static void shift_too_far(void)
{
	volatile int bits = 32;
	/* Undefined on purpose: the sanitizer is to say so.
	 * NOLINTNEXTLINE(clang-analyzer-core.UndefinedBinaryOperatorResult) */
	volatile int n = 1 << bits;

	(void)n;
	_exit(NOT_KILLED);
}

static void read_too_far(void)
{
	char *volatile p = calloc(1, 8);

	_exit(p && p[8] ? NOT_KILLED : NOT_KILLED + 1);
}

static void blunder_after_seccomp(void *arg)
{
	void (*const *blunder)(void) = arg;
	struct err err = { 0 };

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
	    dup2(open("/dev/null", O_WRONLY), STDERR_FILENO) < 0 ||
	    sandbox_seccomp(PROC_ENVELOPE, &err) < 0)
		_exit(2);
	(*blunder)();
}

/* Where there are sanitizers, they can tell their findings from a sandbox. */
static void test_sanitizer_reports(void **state)
{
	static void (*blunders[])(void) = { shift_too_far, read_too_far };
	size_t i;

	(void)state;
#ifndef BULKHEAD_SANITIZED
	skip();
#endif
	for (i = 0; i < ARRAY_SIZE(blunders); i++) {
		int status = in_child(blunder_after_seccomp, &blunders[i]);

		if (!WIFEXITED(status) || WEXITSTATUS(status) != 1)
			fail_msg("blunder %zu: status %x", i, (unsigned)status);
	}
}

/* No list holds what would undo the sandbox or make a socket, but netd's, which
 * makes and connects them; nor does it wait on one for others. */
static void test_lists_hold_nothing_forbidden(void **state)
{
	static const char *const never[] = {
		"socket",
		"connect",
		"bind",
		"listen",
		"execve",
		"fork",
		"vfork",
		"clone",
		"clone3",
		"ptrace",
		"mount",
		"unshare",
		"setns",
		"pivot_root",
		"chroot",
		"setuid",
		"kill",
		"keyctl",
		"bpf",
		"io_uring_setup",
		"process_vm_readv",
		"perf_event_open",
		"userfaultfd",
	};
	enum proc p;
	size_t i;

	(void)state;
	for (p = 0; p < PROC_MAX; p++)
		for (i = 0; has_filter(p) && i < ARRAY_SIZE(never); i++)
			if (!(graph_row(p)->rights & RIGHT_SOCKETS && i < 2) &&
			    answer(p, seccomp_syscall_resolve_name(never[i]),
				   0) == SECCOMP_RET_ALLOW)
				fail_msg("%s keeps %s", graph_row(p)->name,
					 never[i]);
}

/* The rule of two: hostile parser, secret or policy state, network. */
static void test_rule_of_two(void **state)
{
	const unsigned two = RIGHT_HOSTILE | RIGHT_SECRET | RIGHT_NETWORK;
	enum proc p;

	(void)state;
	for (p = 0; p < PROC_MAX; p++)
		if (__builtin_popcount(graph_row(p)->rights & two) > 1)
			fail_msg("%s holds two", graph_row(p)->name);
}

/* One process makes sockets of a network, and knows nothing else. */
static void test_one_makes_sockets(void **state)
{
	enum proc p;

	(void)state;
	for (p = 0; p < PROC_MAX; p++)
		if (graph_row(p)->rights & RIGHT_SOCKETS && p != PROC_NETD)
			fail_msg("%s makes sockets", graph_row(p)->name);
	assert_int_equal(graph_row(PROC_NETD)->rights,
			 RIGHT_NETWORK | RIGHT_SOCKETS);
}

static void stages_but_seccomp(void *arg)
{
	struct err err = { 0 };
	char byte;
	int fd;

	(void)arg;
	/* The envelope's fds: two ends of nothing. */
	if (dup2(STDIN_FILENO, 3) < 0 || dup2(STDIN_FILENO, 4) < 0)
		_exit(2);
	/* An inherited seccomp list would kill the checks below; the stages
	 * before it are what is looked at, so they are entered alone. */
	if (sandbox_namespaces(PROC_ENVELOPE, &err) < 0)
		_exit(3);
	fd = open("/etc/passwd", O_RDONLY);
	if (fd >= 0 || errno != ENOENT)
		_exit(4);
	if (open("/x", O_CREAT | O_RDWR, 0600) >= 0)
		_exit(5);
	if (socket(AF_INET, SOCK_STREAM, 0) >= 0) {
		/* A socket may exist, but there is no interface to use. */
		struct sockaddr_storage a = { .ss_family = AF_INET };

		if (connect(3, (struct sockaddr *)&a, sizeof(a)) == 0)
			_exit(6);
	}
	if (unshare(CLONE_NEWUSER) == 0 &&
	    prctl(PR_CAPBSET_READ, 21, 0, 0, 0) == 1 &&
	    prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) != 1)
		_exit(7);
	if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) != 0)
		_exit(8);
	if (kill(getppid(), 0) == 0 && geteuid() != getuid())
		_exit(9);
	if (read(3, &byte, 1) > 0)
		_exit(10);
}

static void test_no_files_no_dump(void **state)
{
	int status = in_child(stages_but_seccomp, NULL);

	(void)state;
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

struct stranger {
	int to_parent;
	pid_t other; /* whom to signal; 0: nobody, wait */
};

static void meet(void *arg)
{
	const struct stranger *s = arg;
	struct err err = { 0 };
	uid_t uid;

	if (sandbox_namespaces(PROC_ENVELOPE, &err) < 0)
		_exit(3);
	uid = getuid();
	if (write(s->to_parent, &uid, sizeof(uid)) != sizeof(uid))
		_exit(4);
	if (s->other && (kill(s->other, 0) == 0 || errno != EPERM))
		_exit(5);
	if (!s->other)
		(void)pause();
}

/* As root, two processes of one row have two uids, and without any list of
 * system calls they cannot signal each other. */
static void test_strangers(void **state)
{
	uid_t uids[2];
	int pipefd[2], status;
	struct stranger s;
	pid_t first;

	(void)state;
	if (geteuid() != 0)
		skip();
	assert_int_equal(pipe(pipefd), 0);
	s = (struct stranger){ .to_parent = pipefd[1] };
	first = fork();
	assert_true(first >= 0);
	if (first == 0) {
		(void)alarm(20);
		meet(&s);
		_exit(0);
	}
	assert_int_equal(read(pipefd[0], &uids[0], sizeof(uid_t)),
			 sizeof(uid_t));
	s.other = first;
	status = in_child(meet, &s);
	assert_int_equal(kill(first, SIGKILL), 0);
	assert_int_equal(waitpid(first, NULL, 0), first);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
	assert_int_equal(read(pipefd[0], &uids[1], sizeof(uid_t)),
			 sizeof(uid_t));
	assert_true(uids[0] != uids[1]);
	(void)close(pipefd[0]);
	(void)close(pipefd[1]);
}

static void test_fd_numbers(void **state)
{
	(void)state;
	assert_int_equal(graph_fd(PROC_PORTER, FD_MONITOR), 3);
	assert_int_equal(graph_fd(PROC_PORTER, FD_QMP), 6);
	assert_int_equal(graph_fd(PROC_PORTER, FD_POLICY), -1);
	assert_int_equal(graph_fd(PROC_PORTER, FD_NONE), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rule_of_two),
		cmocka_unit_test(test_one_makes_sockets),
		cmocka_unit_test(test_fd_numbers),
		cmocka_unit_test(test_lists_hold_nothing_forbidden),
		cmocka_unit_test(test_no_files_no_dump),
		cmocka_unit_test(test_strangers),
		cmocka_unit_test(test_no_signals_to_others),
		cmocka_unit_test(test_seccomp_lists),
		cmocka_unit_test(test_sanitizer_reports),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
