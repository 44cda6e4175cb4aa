/*
 * auditd_faults: goal of this test: whatever system call of auditd's append
 * path fails, is cut short, or is the last one, what was acknowledged is in the
 * log, nothing half is, and auditd never acknowledges behind an error.
 *
 * The real auditd runs in its sandbox under ptrace. A run without a fault lists
 * the calls from the moment its seccomp list is loaded; then one run for each
 * call and each fault it may have: an error in the place of the call, half of a
 * write, SIGKILL before or after it. After each, auditd is started once more on
 * what is there, takes a record, and the whole log is verified, by the chain of
 * its keys.
 * usage: auditd_faults LIBEXEC [EVERY]: only every EVERYth of the faults
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "privsep/rpc.h"
#include "tlog/tlog.h"
#include "tlog/wal.h"

enum {
	CALLS_MAX = 4096,
	PARTS = 2, /* of a scenario, at the same time: most of it is waiting */
	IDS = 28,  /* records that a run asks for */
	PATH_BYTES = 256,
	HANG_S = 120,
	AUDITD_FDS = 4,
	FD_FIRST = 3,
	HIGH_FD = 100,
};

enum fault {
	FAULT_EIO,
	FAULT_ENOSPC,
	FAULT_EDQUOT,
	FAULT_EINTR,
	FAULT_SHORT,
	FAULT_KILL_BEFORE,
	FAULT_KILL_AFTER,
	FAULT_MAX
};

static const struct {
	const char *name;
	int error;
} faults[] = {
	[FAULT_EIO] = { "EIO", EIO },
	[FAULT_ENOSPC] = { "ENOSPC", ENOSPC },
	[FAULT_EDQUOT] = { "EDQUOT", EDQUOT },
	[FAULT_EINTR] = { "EINTR", EINTR },
	[FAULT_SHORT] = { "half of it", 0 },
	[FAULT_KILL_BEFORE] = { "kill before", 0 },
	[FAULT_KILL_AFTER] = { "kill after", 0 },
};

#define ERRORS                                                                 \
	(1 << FAULT_EIO | 1 << FAULT_ENOSPC | 1 << FAULT_EDQUOT |              \
	 1 << FAULT_EINTR)
#define WAITS (1 << FAULT_KILL_BEFORE | 1 << FAULT_EINTR)
#define KILLS (1 << FAULT_KILL_BEFORE | 1 << FAULT_KILL_AFTER)

/* The calls that can fail, and how. */
static const struct {
	long nr;
	const char *name;
	unsigned faults;
} calls[] = {
	{ SYS_openat, "openat", ERRORS | KILLS },
	{ SYS_newfstatat, "newfstatat", ERRORS | KILLS },
	{ SYS_fstat, "fstat", ERRORS | KILLS },
	{ SYS_pread64, "pread64", ERRORS | KILLS },
	{ SYS_write, "write", ERRORS | KILLS | 1 << FAULT_SHORT },
	{ SYS_fsync, "fsync", ERRORS | KILLS },
	{ SYS_fdatasync, "fdatasync", ERRORS | KILLS },
	{ SYS_rename, "rename", ERRORS | KILLS },
	{ SYS_renameat, "renameat", ERRORS | KILLS },
	{ SYS_mkdir, "mkdir", ERRORS | KILLS },
	{ SYS_mkdirat, "mkdirat", ERRORS | KILLS },
	{ SYS_unlink, "unlink", ERRORS | KILLS },
	{ SYS_unlinkat, "unlinkat", ERRORS | KILLS },
	{ SYS_getdents64, "getdents64", ERRORS | KILLS },
	{ SYS_flock, "flock", ERRORS | KILLS },
	{ SYS_fallocate, "fallocate", ERRORS | KILLS },
	{ SYS_ftruncate, "ftruncate", ERRORS | KILLS },
	{ SYS_close, "close", 1 << FAULT_KILL_BEFORE },
	{ SYS_recvmsg, "recvmsg", WAITS },
	{ SYS_sendmsg, "sendmsg", WAITS | 1 << FAULT_KILL_AFTER },
	{ SYS_poll, "poll", WAITS },
	{ SYS_ppoll, "ppoll", WAITS },
};

/* Shared with the tracer. */
struct report {
	int n;		       /* calls seen */
	uint8_t of[CALLS_MAX]; /* their rows in the table */
	bool well;	       /* auditd ended with 0 */
	int hit;	       /* row of the call that got the fault, or -1 */
};

static struct report *report;
static const char *libexec;
static char work[PATH_BYTES];
static int runs, failures, missed;
static bool asks_key; /* the scenario has a change of keys in it */

static _Noreturn void fatal(const char *what)
{
	(void)fprintf(stderr, "auditd_faults: %s: %s\n", what, strerror(errno));
	exit(1);
}

/* ---- the tracer ---- */

static int call_row(const struct user_regs_struct *regs)
{
	size_t i;

	/* Its words on stderr are not the log. */
	if ((long)regs->orig_rax == SYS_write && regs->rdi == STDERR_FILENO)
		return -1;
	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (calls[i].nr == (long)regs->orig_rax)
			return (int)i;
	return -1;
}

static bool loads_filter(const struct user_regs_struct *regs)
{
	return (long)regs->orig_rax == SYS_seccomp ||
	       ((long)regs->orig_rax == SYS_prctl &&
		regs->rdi == PR_SET_SECCOMP);
}

/* Runs until the next stop at a call; false when the process is gone. */
static bool next_stop(pid_t pid, int *status)
{
	int signal_nr = 0;

	for (;;) {
		if (ptrace(PTRACE_SYSCALL, pid, 0, signal_nr) < 0 ||
		    waitpid(pid, status, 0) != pid || !WIFSTOPPED(*status))
			return false;
		if (WSTOPSIG(*status) == (SIGTRAP | 0x80))
			return true;
		signal_nr =
			WSTOPSIG(*status) == SIGTRAP ? 0 : WSTOPSIG(*status);
	}
}

/* What is done at the entry; getpid takes the place of a call that fails,
 * for the filter judges what stands there. */
static void inject(pid_t pid, struct user_regs_struct *regs, enum fault f)
{
	if (f == FAULT_KILL_BEFORE) {
		(void)kill(pid, SIGKILL);
	} else if (f == FAULT_SHORT) {
		regs->rdx = regs->rdx > 1 ? regs->rdx / 2 : regs->rdx;
		(void)ptrace(PTRACE_SETREGS, pid, 0, regs);
	} else if (faults[f].error) {
		regs->orig_rax = SYS_getpid;
		(void)ptrace(PTRACE_SETREGS, pid, 0, regs);
	}
}

static void after(pid_t pid, enum fault f)
{
	struct user_regs_struct regs;

	if (f == FAULT_KILL_AFTER) {
		(void)kill(pid, SIGKILL);
	} else if (faults[f].error) {
		(void)ptrace(PTRACE_GETREGS, pid, 0, &regs);
		regs.rax = (unsigned long long)-(long long)faults[f].error;
		(void)ptrace(PTRACE_SETREGS, pid, 0, &regs);
	}
}

/* One call, from its entry to its end: counted, and given the fault if it is
 * the first from number `at` on that can have it. */
static bool one_call(pid_t pid, int *status, bool *counting, int at,
		     enum fault f)
{
	struct user_regs_struct regs;
	bool now;
	int row;

	if (ptrace(PTRACE_GETREGS, pid, 0, &regs) < 0)
		return false;
	row = *counting ? call_row(&regs) : -1;
	if (row >= 0 && report->n < CALLS_MAX)
		report->of[report->n++] = (uint8_t)row;
	now = row >= 0 && f < FAULT_MAX && report->hit < 0 && report->n > at &&
	      (calls[row].faults & 1U << f);
	if (now) {
		report->hit = row;
		inject(pid, &regs, f);
	}
	*counting = *counting || loads_filter(&regs);
	if (!next_stop(pid, status))
		return false;
	if (now)
		after(pid, f);
	return true;
}

static _Noreturn void trace(pid_t pid, int at, enum fault f)
{
	bool counting = false;
	int status = 0;

	if (waitpid(pid, &status, 0) != pid ||
	    ptrace(PTRACE_SETOPTIONS, pid, 0,
		   PTRACE_O_TRACESYSGOOD | PTRACE_O_EXITKILL) < 0)
		_exit(1);
	while (next_stop(pid, &status) &&
	       one_call(pid, &status, &counting, at, f))
		;
	while (WIFSTOPPED(status) && waitpid(pid, &status, 0) == pid)
		if (WIFSTOPPED(status))
			(void)ptrace(PTRACE_CONT, pid, 0, 0);
	report->well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
	_exit(0);
}

/* ---- auditd and its two peers ---- */

struct peers {
	pid_t pid; /* of auditd, or of its tracer */
	struct chan chan[2];
	bool gone[2];
	bool refused; /* a record was */
};

static int open_dir(const char *name)
{
	char path[PATH_BYTES];
	int fd;

	(void)str_printf(path, sizeof(path), "%s/%s", work, name);
	if (mkdir(path, 0700) < 0 && errno != EEXIST)
		fatal(path);
	fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fatal(path);
	return fd;
}

static _Noreturn void become_auditd(const int fds[AUDITD_FDS], bool traced)
{
	char path[PATH_BYTES];
	char *const argv[] = { path, NULL };
	char *const env[] = { NULL };
	int i;

	(void)str_printf(path, sizeof(path), "%s/bulkhead-auditd", libexec);
	for (i = 0; i < AUDITD_FDS; i++)
		(void)dup2(fds[i], HIGH_FD + i);
	for (i = 0; i < AUDITD_FDS; i++)
		(void)dup2(HIGH_FD + i, FD_FIRST + i);
	(void)close_range(FD_FIRST + AUDITD_FDS, ~0U, 0);
	(void)dup2(open("/dev/null", O_RDWR), STDIN_FILENO);
	if (!getenv("AUDITD_FAULTS_LOG"))
		(void)dup2(STDIN_FILENO, STDERR_FILENO);
	(void)close_range(FD_FIRST + AUDITD_FDS, ~0U, 0);
	if (traced) {
		(void)ptrace(PTRACE_TRACEME, 0, 0, 0);
		(void)raise(SIGSTOP);
	}
	(void)execve(path, argv, env);
	_exit(127);
}

static pid_t start_traced(const int fds[AUDITD_FDS], int at, enum fault f)
{
	pid_t tracer = fork();
	pid_t pid;

	if (tracer != 0)
		return tracer;
	pid = fork();
	if (pid == 0)
		become_auditd(fds, true);
	/* The channels are auditd's alone: its end must be seen. */
	(void)close_range(FD_FIRST, ~0U, 0);
	trace(pid, at, f);
}

static void start(struct peers *p, bool traced, int at, enum fault f)
{
	const struct timeval limit = { .tv_sec = HANG_S };
	struct msg m = { .type = MSG_HELLO };
	int a[2], b[2];
	int fds[AUDITD_FDS];
	size_t i;

	*p = (struct peers){ 0 };
	if (chan_pair(a) < 0 || chan_pair(b) < 0)
		fatal("channels");
	fds[0] = a[1];
	fds[1] = b[1];
	fds[2] = open_dir("audit");
	fds[3] = open_dir("tip");
	p->pid = traced ? start_traced(fds, at, f) : fork();
	if (p->pid < 0)
		fatal("fork");
	if (p->pid == 0)
		become_auditd(fds, false);
	for (i = 0; i < AUDITD_FDS; i++)
		(void)close(fds[i]);
	if (chan_init(&p->chan[0], a[0]) < 0 ||
	    chan_init(&p->chan[1], b[0]) < 0)
		fatal("channels");
	for (i = 0; i < 2; i++)
		(void)setsockopt(p->chan[i].fd, SOL_SOCKET, SO_RCVTIMEO, &limit,
				 sizeof(limit));
	m.hello.name = SPAN_LIT("auditd");
	m.hello.arg = SPAN_LIT("boot reserve=1048576");
	if (chan_send(&p->chan[0], &m, NULL, 0) < 0)
		p->gone[0] = true;
}

static void stop(struct peers *p)
{
	struct msg m = { .type = MSG_STOP };
	int status;

	if (!p->gone[0])
		(void)chan_send(&p->chan[0], &m, NULL, 0);
	if (waitpid(p->pid, &status, 0) != p->pid)
		fatal("waitpid");
	chan_done(&p->chan[0]);
	chan_done(&p->chan[1]);
}

static void ask(struct peers *p, size_t peer, uint64_t id)
{
	static struct audit_record r;
	const struct msg_ids ids = { .task = id };

	audit_begin(&r, "test", &ids);
	audit_int(&r, "n", id);
	r.msg.type = MSG_AUDIT;
	if (!p->gone[peer] && chan_send(&p->chan[peer], &r.msg, NULL, 0) < 0)
		p->gone[peer] = true;
}

static void ask_key(struct peers *p)
{
	struct msg m = { .type = MSG_AUDIT_KEY };

	if (!p->gone[0] && chan_send(&p->chan[0], &m, NULL, 0) < 0)
		p->gone[0] = true;
}

/* What came of the records; index of each acknowledged one. */
struct outcome {
	bool acked[IDS];
	uint64_t index[IDS];
	const char *lie;
};

static void hear(struct peers *p, size_t peer, struct outcome *o)
{
	static struct msg m;
	const char *why;
	int r;

	if (p->gone[peer])
		return;
	/* That it can work, or what it says of its reserve, is no answer, and
	 * must not be taken for one: those behind it would be heard too late.
	 */
	do
		r = chan_recv(&p->chan[peer], &m, &why);
	while (r == 1 && (m.type == MSG_READY || m.type == MSG_AUDIT_ROOM));
	if (r == -EAGAIN)
		o->lie = "it hangs";
	if (r <= 0) {
		p->gone[peer] = true;
	} else if (m.type == MSG_AUDIT_OK && m.ids.task < IDS) {
		if (p->refused)
			o->lie = "it acknowledges behind an error";
		o->acked[m.ids.task] = true;
		o->index[m.ids.task] = m.audit_ok.index;
	} else if (m.type == MSG_AUDIT_FAIL) {
		p->refused = true;
	} else {
		o->lie = "it says what it may not";
	}
}

static void pause_ms(long ms)
{
	const struct timespec t = { .tv_nsec = ms * 1000000 };

	(void)nanosleep(&t, NULL);
}

/*
 * Single records, then batches, with quiet between them. A batch's answers are
 * heard of one peer after the other, so what one was told says nothing of the
 * order in which the other was: `refused` begins to count with the next ask.
 */
static void scenario(struct peers *p, struct outcome *o)
{
	uint64_t id = 0;
	uint64_t n;
	bool refused;

	for (; id < 6; id++) {
		ask(p, id % 2, id);
		hear(p, id % 2, o);
		if (id == 2)
			pause_ms(5);
		if (id == 3 && asks_key)
			ask_key(p);
	}
	while (id < IDS - 1) {
		uint64_t first = id;

		n = id < 14 ? 8 : 13;
		for (; id < first + n && id < IDS - 1; id++)
			ask(p, id % 2, id);
		refused = p->refused;
		while (first < id) {
			bool before = p->refused;

			p->refused = refused;
			hear(p, first % 2, o);
			p->refused = p->refused || before;
			first++;
		}
		pause_ms(5);
	}
}

/* ---- directories ---- */

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void run(const char *command, const char *from, const char *to)
{
	char line[3 * PATH_BYTES];

	(void)str_printf(line, sizeof(line), "%s %s %s", command, from, to);
	/* Both paths are ours, without a blank. */
	if (system(line) != 0) /* NOLINT(cert-env33-c) */
		fatal(line);
}

static void fresh_work(const char *template)
{
	(void)nftw(work, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	if (template)
		run("cp -r", template, work);
	else if (mkdir(work, 0700) < 0)
		fatal(work);
}

/* A log of so many records of so many bytes. */
static struct tlog *grow(uint64_t records, size_t bytes)
{
	static uint8_t text[65535];
	CLEAN_FD int dir = open_dir("audit");
	CLEAN_FD int tip = open_dir("tip");
	struct tlog *t = NULL;
	struct err err;
	uint64_t index;

	memset(text, ' ', sizeof(text));
	if (tlog_open_tip(dup(dir), dup(tip), NULL, &t, &err) < 0)
		fatal(err.msg);
	for (; tlog_size(t) < records;)
		if (tlog_add(t, span_of(text, bytes), &index) < 0 ||
		    tlog_commit(t) < 0)
			fatal("growing a log");
	return t;
}

static void make_fresh(void)
{
}

/* The next bundle is nearly full. */
static void make_edge(void)
{
	struct tlog *t = grow(250, 300);

	if (tlog_publish(t) < 0)
		fatal("publish");
	tlog_close(t);
}

/* As a crash leaves it: records that no checkpoint covers, and a torn batch. */
static void make_crash(void)
{
	CLEAN_FD int dir = open_dir("audit");
	struct tlog *t;
	int wal;

	make_edge();
	t = grow(253, 300);
	wal = openat(dir, "wal", O_WRONLY | O_APPEND | O_CLOEXEC);
	if (wal < 0 || write(wal, "btch\1\0\0\0", 8) != 8)
		fatal("wal");
	(void)close(wal);
	tlog_close(t);
}

/* Nearly long enough for the wal to begin anew. */
static void make_long(void)
{
	struct tlog *t = grow(254, WAL_LONG_BYTES / 250);

	if (tlog_publish(t) < 0)
		fatal("publish");
	tlog_close(t);
}

/* Its key has changed before. */
static void make_keys(void)
{
	static struct tlog_key k;
	struct tlog *t = grow(250, 300);
	char text[400];
	uint64_t index;

	if (tlog_key_new(t, &k) < 0 ||
	    str_printf(text, sizeof(text), "%s %s", k.vkey, k.sig) < 0 ||
	    tlog_add(t, span_str(text), &index) < 0 || tlog_commit(t) < 0 ||
	    tlog_key_take(t) < 0)
		fatal("changing the key");
	tlog_close(t);
	asks_key = true;
}

/* ---- what must hold afterwards ---- */

struct check {
	const struct outcome *o;
	const char *why;
	uint64_t base; /* of the first record that a run asked for */
	uint8_t seen[IDS];
};

static int check_record(void *arg, uint64_t index, struct span record)
{
	static const char mark[] = "\"n\":";
	struct check *c = arg;
	const uint8_t *at = memmem(record.p, record.n, mark, strlen(mark));
	uint64_t id = 0;

	if (!at)
		return 0;
	for (at += strlen(mark);
	     at < record.p + record.n && *at >= '0' && *at <= '9'; at++)
		id = id * 10 + (uint64_t)(*at - '0');
	if (id >= IDS || c->seen[id]++)
		c->why = "a record is there twice";
	else if (c->o->acked[id] && c->o->index[id] != index)
		c->why = "a record is at another index than was said";
	return 0;
}

static size_t read_key(char key[PATH_BYTES])
{
	CLEAN_FD int dir = open_dir("audit");
	CLEAN_FD int fd = openat(dir, "key", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : fd_pread_all(fd, key, PATH_BYTES, 0);

	return n > 0 ? (size_t)n : 0;
}

/* Starts auditd once more, without faults: it must come up and go on. */
static const char *restart(struct outcome *o)
{
	struct peers p;

	start(&p, false, 0, FAULT_MAX);
	ask(&p, 1, IDS - 1);
	hear(&p, 1, o);
	stop(&p);
	return o->acked[IDS - 1] ? o->lie : "it does not go on";
}

static const char *check_log(struct outcome *o)
{
	static char text[600];
	CLEAN_FD int dir = open_dir("audit");
	CLEAN_FD int tip = open_dir("tip");
	struct check c = { .o = o };
	struct tlog_state s;
	struct err err;
	size_t i;

	if (tlog_walk(dir, check_record, &c, &s, &err) < 0 ||
	    tlog_verify_tip(dir, tip, &s, &err) < 0) {
		(void)str_printf(text, sizeof(text), "%s", err.msg);
		return text;
	}
	for (i = 0; i < IDS && !c.why; i++)
		if (o->acked[i] && !c.seen[i])
			c.why = "an acknowledged record is not in the log";
	return c.why;
}

/*
 * An error of the disk is never passed over: somebody is refused, or auditd
 * ends with an error. But a full disk it meets with its reserve, where
 * that is there already (auditd/reserve, system/disk-full). And what is no
 * error, a call that was interrupted or did half, harms nobody.
 */
static const char *check_answer(const struct peers *p, enum fault f)
{
	bool well = !p->refused && report->well;
	long nr = report->hit < 0 ? -1 : calls[report->hit].nr;
	bool retried = nr == SYS_write || nr == SYS_fsync ||
		       nr == SYS_fdatasync || nr == SYS_pread64 ||
		       nr == SYS_recvmsg || nr == SYS_sendmsg ||
		       nr == SYS_poll || nr == SYS_ppoll;

	if (f == FAULT_MAX || f == FAULT_SHORT || (f == FAULT_EINTR && retried))
		return well ? NULL : "a record is refused without need";
	if ((f == FAULT_ENOSPC || f == FAULT_EDQUOT) &&
	    (nr == SYS_write || nr == SYS_fsync))
		return NULL;
	if (faults[f].error && retried && well)
		return "an error is passed over";
	return NULL;
}

static bool any_acked(const struct outcome *o)
{
	size_t i;

	for (i = 0; i < IDS; i++)
		if (o->acked[i])
			return true;
	return false;
}

/* One run with one fault; NULL, or what is wrong. */
static const char *try(const char *template, int at, enum fault f)
{
	char before[PATH_BYTES], now[PATH_BYTES];
	struct outcome o = { 0 };
	const char *why;
	struct peers p;
	bool must_stay;
	size_t n;

	fresh_work(template);
	report->n = 0;
	report->hit = -1;
	report->well = false;
	start(&p, true, at, f);
	scenario(&p, &o);
	stop(&p);
	if (o.lie)
		return o.lie;
	why = check_answer(&p, f);
	if (why)
		return why;
	must_stay = !asks_key && (template || any_acked(&o));
	n = read_key(before);
	why = restart(&o);
	if (!why && must_stay &&
	    (n == 0 || read_key(now) != n || memcmp(before, now, n) != 0))
		why = "the key is another one";
	return why ? why : check_log(&o);
}

static void tell(const char *name, int at, enum fault f, const char *why)
{
	if (report->hit < 0 && f < FAULT_MAX)
		missed++;
	if (!why)
		return;
	failures++;
	(void)printf("failed: %s: call %d (%s): %s: %s\n", name, at,
		     report->hit < 0 ? "-" : calls[report->hit].name,
		     f < FAULT_MAX ? faults[f].name : "no fault", why);
}

/* This part's calls of a scenario, each with all its faults; every EVERYth of
 * them. */
static int sweep(const char *name, void (*make)(void), int every, int part)
{
	static uint8_t of[CALLS_MAX];
	char template[PATH_BYTES];
	const char *base = NULL;
	int turn = 0;
	int n, i, f;

	fresh_work(NULL);
	if (make != make_fresh) {
		make();
		(void)str_printf(template, sizeof(template), "%s-template",
				 work);
		run("mv", work, template);
		base = template;
	}
	tell(name, 0, FAULT_MAX, try(base, 0, FAULT_MAX));
	n = report->n;
	memcpy(of, report->of, sizeof(of));
	for (i = part; i < n; i += PARTS)
		for (f = 0; f < FAULT_MAX; f++) {
			if (!(calls[of[i]].faults & 1U << f) || turn++ % every)
				continue;
			runs++;
			tell(name, i, (enum fault)f,
			     try(base, i, (enum fault)f));
		}
	(void)printf(
		"%s, part %d of %d: %d calls, %d faults, %d failed, %d came "
		"too late to be met\n",
		name, part + 1, PARTS, n, runs, failures, missed);
	return failures || runs == 0 || missed > runs / 4 ? 1 : 0;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*make)(void);
	} scenarios[] = {
		{ "a new log", make_fresh },
		{ "a bundle that fills", make_edge },
		{ "after a crash", make_crash },
		{ "a wal that begins anew", make_long },
		{ "a change of keys", make_keys },
	};
	char base[] = "/dev/shm/auditd-faults-XXXXXX";
	pid_t pids[PARTS * ARRAY_SIZE(scenarios)];
	uint64_t every = 1;
	int status, rc = 0;
	size_t i;

	if (argc < 2 || argc > 3 ||
	    (argc == 3 && num_parse(span_str(argv[2]), 1, 10000, &every) < 0))
		fatal("usage: auditd_faults LIBEXEC [EVERY]");
	libexec = argv[1];
	(void)signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(base))
		fatal(base);
	for (i = 0; i < ARRAY_SIZE(pids); i++) {
		pids[i] = fork();
		if (pids[i] != 0)
			continue;
		/* A tracer shares its report with nobody else's. */
		report = mmap(NULL, sizeof(*report), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
		if (report == MAP_FAILED)
			fatal("report");
		(void)str_printf(work, sizeof(work), "%s/%zu", base, i);
		return sweep(scenarios[i / PARTS].name,
			     scenarios[i / PARTS].make, (int)every,
			     (int)(i % PARTS));
	}
	for (i = 0; i < ARRAY_SIZE(pids); i++)
		if (pids[i] < 0 || waitpid(pids[i], &status, 0) != pids[i] ||
		    !WIFEXITED(status) || WEXITSTATUS(status) != 0)
			rc = 1;
	(void)nftw(base, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return rc;
}
