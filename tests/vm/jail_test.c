/*
 * jail_test: goal of this test: a program in the jail finds nothing but the
 * files it was given. A curious program runs in QEMU's place, as root and
 * rootless, with and without the list of system calls, and tells what it saw.
 * argv[1] is that program.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <grp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/buf.h"
#include "base/fd.h"
#include "base/str.h"
#include "host/vmm/jail.h"
#include "host/vmm/qemu.h"
#include "privsep/sandbox.h"

enum { OTHER_UID = 4242, REPORT_MAX = 64 << 10 };

static const char *curious_src;
static char dir[] = "/tmp/bulkhead-jail-XXXXXX";
static char curious[64];

struct setup {
	bool rootless;
	bool filtered;
	bool wait; /* the program waits until the jail's owner kills it */
};

struct report {
	struct buf text;
	int status;	 /* of the program, as waitid has it; -1: no start */
	uid_t outer_uid; /* of the program, as the jail's caller sees it */
	char said[512];	 /* on its stderr */
};

/* In the forked process: becomes the jail's caller and waits for it. */
_Noreturn static void run_jail(const struct setup *s, int out_fd, int uid_fd)
{
	static struct closure c;
	char pid[16];
	const char *argv[] = { "/curious", pid, NULL };
	struct jail j = { .files = &c,
			  .argv = argv,
			  .n_fds = 1,
			  .max_file = 1 << 20,
			  .max_threads = 4,
			  .max_cpu_s = 20 };
	struct bpf_filter filter =
		qemu_filter(&(struct vm_spec){ .backend = VM_QEMU_TCG });
	struct jail_proc p;
	struct err err = { 0 };
	siginfo_t si = { 0 };
	struct stat st;
	char proc[64];

	if (s->wait)
		(void)str_printf(pid, sizeof(pid), "wait");
	else
		(void)str_printf(pid, sizeof(pid), "%d", getpid());
	if (s->filtered)
		j.filter = &filter;
	if (s->rootless && geteuid() == 0 &&
	    (setgroups(0, NULL) < 0 ||
	     setresgid(OTHER_UID, OTHER_UID, OTHER_UID) < 0 ||
	     setresuid(OTHER_UID, OTHER_UID, OTHER_UID) < 0))
		_exit(99);
	/* Two more descriptors that must not be inherited. */
	if (sandbox_basic(&err) < 0 || dup2(out_fd, JAIL_FIRST_FD) < 0 ||
	    dup2(0, 40) < 0 || closure_add(&c, curious, "/curious", &err) < 0 ||
	    jail_start(&j, &p, &err) < 0) {
		dprintf(STDERR_FILENO, "%s\n", err.msg);
		_exit(98);
	}
	(void)close(JAIL_FIRST_FD);
	(void)close(out_fd);
	(void)str_printf(proc, sizeof(proc), "/proc/%d", p.pid);
	if (stat(proc, &st) == 0)
		(void)fd_write_all(uid_fd,
				   span_of(&st.st_uid, sizeof(st.st_uid)));
	if (jail_leave_rights(&p, &err) < 0) {
		dprintf(STDERR_FILENO, "%s\n", err.msg);
		_exit(97);
	}
	if (s->wait && jail_kill(&p) < 0)
		_exit(95);
	if (waitid(P_PIDFD, (id_t)p.pidfd, &si, WEXITED) < 0)
		_exit(96);
	_exit(si.si_code == CLD_EXITED ? si.si_status : 128 + si.si_status);
}

static void jail_run(const struct setup *s, struct report *ret)
{
	int out[2], uid[2];
	ssize_t n;
	pid_t pid;
	int status;

	buf_init(&ret->text, REPORT_MAX);
	/* High numbers, so that fd 3 is free for the jail's. */
	assert_int_equal(pipe2(out, O_CLOEXEC), 0);
	assert_int_equal(pipe2(uid, O_CLOEXEC), 0);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		int o = fcntl(out[1], F_DUPFD_CLOEXEC, 100);
		int u = fcntl(uid[1], F_DUPFD_CLOEXEC, 100);

		(void)close_range(3, 99, 0);
		run_jail(s, o, u);
	}
	fd_close(&out[1]);
	fd_close(&uid[1]);
	do {
		uint8_t *p = buf_extend(&ret->text, 4096);

		assert_non_null(p);
		n = read(out[0], p, 4096);
		buf_cut(&ret->text,
			ret->text.n - 4096 + (n > 0 ? (size_t)n : 0));
	} while (n > 0);
	ret->outer_uid = (uid_t)-1;
	(void)!fd_read_all(uid[0], &ret->outer_uid, sizeof(uid_t));
	fd_close(&out[0]);
	fd_close(&uid[0]);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	ret->status = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* How many lines are exactly "name=value" (value NULL: any value). */
static int lines(struct report *r, const char *name, const char *value)
{
	const char *p = buf_cstr(&r->text);
	size_t k = strlen(name);
	int n = 0;

	while (*p) {
		size_t len = strcspn(p, "\n");

		if (len > k && memcmp(p, name, k) == 0 && p[k] == '=' &&
		    (!value || span_is(span_of(p + k + 1, len - k - 1), value)))
			n++;
		p += len + (p[len] == '\n');
	}
	return n;
}

static void expect(struct report *r, const char *name, const char *value)
{
	if (lines(r, name, value) != 1)
		fail_msg("want %s=%s, got:\n%s", name, value,
			 buf_cstr(&r->text));
}

/* What holds in every setup. */
static void expect_common(struct report *r)
{
	static const char *const rows[][2] = {
		{ "end", "yes" },
		{ "etc", "ENOENT" },
		{ "exec", "ENOENT" },
		{ "pid", "1" },
		{ "getpid", "1" },
		{ "uid", "1" },
		{ "gid", "1" },
		{ "env", "empty" },
		{ "limit_core", "0" },
		{ "limit_files", "128" },
		{ "limit_fsize", "1048576" },
		{ "limit_nproc", "4" },
		{ "limit_cpu", "20" },
		{ "file", "/curious" },
		{ "status", "CapInh:\t0000000000000000" },
		{ "status", "CapPrm:\t0000000000000000" },
		{ "status", "CapEff:\t0000000000000000" },
		{ "status", "CapBnd:\t0000000000000000" },
		{ "status", "CapAmb:\t0000000000000000" },
		{ "status", "NoNewPrivs:\t1" },
		{ "mount", "EPERM" },
		{ "remount", "EPERM" },
		{ "umount", "EPERM" },
		{ "setuid", NULL },
		{ "chroot", "EPERM" },
		{ "sethostname", "EPERM" },
	};
	size_t i;

	assert_int_equal(r->status, 7);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		expect(r, rows[i][0], rows[i][1]);
	/* Exactly its own file, in a root of three folders, and fds 0 to 3. */
	assert_int_equal(lines(r, "file", NULL), 1);
	assert_int_equal(lines(r, "dir", NULL), 2);
	assert_int_equal(lines(r, "pid", NULL), 1);
	assert_int_equal(lines(r, "fd", NULL), 4);
	/* lo and two lines of heading. */
	assert_int_equal(lines(r, "net", NULL), 3);
	assert_int_equal(lines(r, "setuid", "done"), 0);
	assert_int_equal(lines(r, "open_self_rw", "done"), 0);
	assert_int_equal(lines(r, "mkdir", "done"), 0);
	assert_int_equal(lines(r, "unlink", "done"), 0);
	assert_int_equal(lines(r, "chmod", "done"), 0);
	assert_int_equal(lines(r, "mknod", "done"), 0);
	assert_int_equal(lines(r, "oom", "done"), 0);
	assert_int_equal(lines(r, "bpf", "done"), 0);
	assert_int_equal(lines(r, "setns", "done"), 0);
}

/* The other layers alone, without the list of system calls. */
static void expect_unfiltered(struct report *r)
{
	expect(r, "create", "EROFS");
	expect(r, "create_dev", "EROFS");
	expect(r, "getppid", "0");
	expect(r, "kill", "ESRCH");
	expect(r, "ptrace", "ESRCH");
	expect(r, "pidfd_open", "ESRCH");
	expect(r, "socket", "done");
	expect(r, "lo_up", "no");
	expect(r, "to_loopback", "ENETUNREACH");
	expect(r, "to_world", "ENETUNREACH");
}

static void expect_filtered(struct report *r)
{
	static const char *const refused[] = {
		"kill",	  "ptrace",  "pidfd_open", "fork",
		"socket", "unshare", "mkdir",	   "mknod",
		"bpf",	  "create",  "create_dev"
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(refused); i++)
		expect(r, refused[i], "EPERM");
	expect(r, "status", "Seccomp:\t2");
}

static void check(const struct setup *s)
{
	struct report r = { 0 };

	jail_run(s, &r);
	expect_common(&r);
	if (s->filtered)
		expect_filtered(&r);
	else
		expect_unfiltered(&r);
	if (s->rootless)
		assert_int_equal(r.outer_uid, 0);
	else
		assert_in_range(r.outer_uid, JAIL_UID_BASE,
				JAIL_UID_BASE + (1 << 22));
	buf_done(&r.text);
}

static void as_root(void **)
{
	if (geteuid() != 0)
		skip();
	check(&(struct setup){ .rootless = false, .filtered = false });
	check(&(struct setup){ .rootless = false, .filtered = true });
}

static void rootless(void **)
{
	check(&(struct setup){ .rootless = true, .filtered = false });
	check(&(struct setup){ .rootless = true, .filtered = true });
}

/* What is left of the caller can do nothing more, but still this. */
static void can_be_killed(void **)
{
	struct report r = { 0 };

	jail_run(&(struct setup){ .rootless = true, .wait = true }, &r);
	assert_int_equal(r.status, 128 + SIGKILL);
	buf_done(&r.text);
	if (geteuid() != 0)
		return;
	jail_run(&(struct setup){ .wait = true }, &r);
	assert_int_equal(r.status, 128 + SIGKILL);
	buf_done(&r.text);
}

/* The caller of a jail whose program is run by a byte on fd 3; where whoever
 * would have a byte for it is gone, it is not run and says why. */
static int hold(bool left)
{
	static struct closure c;
	const char *argv[] = { "/curious", "wait", NULL };
	struct jail j = { .files = &c,
			  .argv = argv,
			  .n_fds = 1,
			  .hold_fd = JAIL_FIRST_FD,
			  .max_file = 1 << 20,
			  .max_threads = 4,
			  .max_cpu_s = 20 };
	struct jail_proc p;
	struct err err = { 0 };
	struct pollfd sync = { .events = POLLIN };
	char text[200];
	int word[2];
	ssize_t n;

	if (pipe2(word, O_CLOEXEC) < 0 || dup2(word[0], JAIL_FIRST_FD) < 0 ||
	    (left && close(word[1]) < 0) || sandbox_basic(&err) < 0 ||
	    closure_add(&c, curious, "/curious", &err) < 0 ||
	    jail_start(&j, &p, &err) < 0)
		return 1;
	sync.fd = p.sync_fd;
	if (!left && (poll(&sync, 1, 200) != 0 || write(word[1], "x", 1) != 1))
		return 2;
	n = read(p.sync_fd, text, sizeof(text));
	if (jail_kill(&p) < 0 || waitpid(p.pid, NULL, 0) != p.pid)
		return 3;
	return left == (n > 1) ? 0 : 4;
}

static void held(void **)
{
	int left, status;

	for (left = 0; left < 2; left++) {
		pid_t pid = fork();

		assert_true(pid >= 0);
		if (pid == 0)
			_exit(hold(left));
		assert_int_equal(waitpid(pid, &status, 0), pid);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

/* A file that is not there: an error that names it, and no process left. */
static void missing_file(void **)
{
	static struct closure c;
	const char *argv[] = { "/curious", NULL };
	struct jail j = { .files = &c, .argv = argv, .n_fds = 0 };
	struct jail_proc p;
	struct err err = { 0 };
	pid_t pid = fork();
	int status;

	assert_true(pid >= 0);
	if (pid == 0) {
		if (closure_add(&c, "/nonexistent/x", "/curious", &err) < 0 ||
		    jail_start(&j, &p, &err) == 0)
			_exit(1);
		_exit(strstr(err.msg, "/nonexistent/x") &&
				      waitpid(-1, NULL, 0) < 0 &&
				      errno == ECHILD
			      ? 0
			      : 2);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_true(WIFEXITED(status));
	assert_int_equal(WEXITSTATUS(status), 0);
}

/* The jail's caller: the program is held for a word on wire. It is stopped
 * while main says what it has to say, which it asks for with a byte on main_fd.
 * 0, or which step went wrong. */
static int hold_socket(int wire, int main_fd)
{
	static struct closure c;
	const char *argv[] = { "/curious", "wait", NULL };
	struct jail j = { .files = &c,
			  .argv = argv,
			  .n_fds = 2,
			  .hold_fd = JAIL_FIRST_FD + 1,
			  .max_file = 1 << 20,
			  .max_threads = 4,
			  .max_cpu_s = 20 };
	struct jail_proc p;
	struct err err = { 0 };
	siginfo_t si = { 0 };
	char text[256] = "";

	if (dup2(STDERR_FILENO, JAIL_FIRST_FD) < 0 ||
	    dup2(wire, JAIL_FIRST_FD + 1) < 0 || sandbox_basic(&err) < 0 ||
	    closure_add(&c, curious, "/curious", &err) < 0 ||
	    jail_start(&j, &p, &err) < 0)
		return 11;
	if (p.sync_fd < 0 ||
	    syscall(SYS_pidfd_send_signal, p.pidfd, SIGSTOP, NULL, 0) < 0 ||
	    write(main_fd, "h", 1) != 1 || read(main_fd, text, 1) != 1 ||
	    syscall(SYS_pidfd_send_signal, p.pidfd, SIGCONT, NULL, 0) < 0)
		return 12;
	if (read(p.sync_fd, text, sizeof(text) - 1) <= 0)
		return 13; /* it runs */
	if (!strstr(text, "nobody wants it any more"))
		return 14;
	if (waitid(P_PIDFD, (id_t)p.pidfd, &si, WEXITED) < 0)
		return 15;
	return si.si_code == CLD_EXITED && si.si_status != 0 ? 0 : 16;
}

/*
 * A held program's other end says nothing and hangs up, or says a word and,
 * before that is heard, hangs up: in neither case is anything run.
 */
static void nobody_wants_it(void **)
{
	static const char *const words[] = { "", "HELLO" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		int wire[2], talk[2], status;
		char c;
		pid_t pid;

		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, wire), 0);
		assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, talk), 0);
		pid = fork();
		assert_true(pid >= 0);
		if (pid == 0) {
			int w = fcntl(wire[1], F_DUPFD_CLOEXEC, 100);
			int t = fcntl(talk[1], F_DUPFD_CLOEXEC, 100);

			(void)close_range(3, 99, 0);
			_exit(hold_socket(w, t));
		}
		fd_close(&wire[1]);
		fd_close(&talk[1]);
		assert_int_equal(read(talk[0], &c, 1), 1);
		assert_int_equal(fd_write_all(wire[0], span_str(words[i])), 0);
		fd_close(&wire[0]);
		assert_int_equal(write(talk[0], "c", 1), 1);
		assert_int_equal(waitpid(pid, &status, 0), pid);
		fd_close(&talk[0]);
		assert_true(WIFEXITED(status));
		assert_int_equal(WEXITSTATUS(status), 0);
	}
}

/* The program's copy must be readable for the rootless uid, too. */
static int copy_program(void **)
{
	CLEAN_FD int src = open(curious_src, O_RDONLY | O_CLOEXEC);
	CLEAN_FD int dst = -1;
	uint8_t chunk[4096];
	ssize_t n;

	if (!mkdtemp(dir) || chmod(dir, 0755) < 0 ||
	    str_printf(curious, sizeof(curious), "%s/curious", dir) < 0)
		return -1;
	dst = open(curious, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0755);
	while ((n = fd_read_all(src, chunk, sizeof(chunk))) > 0)
		if (fd_write_all(dst, span_of(chunk, (size_t)n)) < 0)
			return -1;
	return n < 0 || fchmod(dst, 0755) < 0 ? -1 : 0;
}

static int remove_program(void **)
{
	(void)unlink(curious);
	return rmdir(dir);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(as_root),
		cmocka_unit_test(rootless),
		cmocka_unit_test(can_be_killed),
		cmocka_unit_test(held),
		cmocka_unit_test(missing_file),
		cmocka_unit_test(nobody_wants_it),
	};

	if (argc != 2)
		return 2;
	curious_src = argv[1];
	return cmocka_run_group_tests(tests, copy_program, remove_program);
}
