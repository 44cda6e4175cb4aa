/*
 * approvals: the real broker, auditd and store in their sandboxes; the test
 * plays the monitor, the owner at the control socket, a planner's porter and a
 * connector. Goal: what the policy asks about waits for the owner's word over
 * a restart of everything, happens once, as he saw it, and not at all after his
 * no; what has an undo window is held and can be taken back. The argument is
 * the folder of the bulkhead-* binaries.
 */
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "approval/approval.h"
#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "base/testing.h"
#include "privsep/chan.h"
#include "privsep/gate.h"
#include "privsep/spawn.h"

enum { HEAR_SECONDS = 10, HOLD_MS = 2000 };

#define CAP(name, undo, decide, approve)                                       \
	CAP_OF(name, undo, decide, "50/day", approve)

#define CAP_OF(name, undo, decide, rate, approve)                              \
	"  " name ":\n"                                                        \
	"    connector: drafts\n"                                              \
	"    effect: internal\n"                                               \
	"    undo: " undo "\n"                                                 \
	"    args:\n"                                                          \
	"      text: {type: text, max: 100, role: content, from: [planner]}\n" \
	"      to: {type: id, role: target, from: [planner],\n"                \
	"           in: [\"aaaaaa\", \"bbbbbb\"]}\n"                           \
	"    decide:\n"                                                        \
	"      - " decide ": {}\n"                                             \
	"    limits: {rate: " rate "}\n" approve

#define ASK_OF(how) "    approve: {who: owner, via: [cli], " how "}\n"
#define ASK(more)   ASK_OF("ttl: 1h, remember: constrained" more)

/* clang-format off */
static const char policy_text[] =
	"bulkhead: 1\n"
	"mode: enforce\n"
	"lease: {autonomy: 1h, on_expiry: deny}\n"
	"sources:\n"
	"  mail: {reader: email, connector: inbox, integrity: external, "
	"audience: thread, reveal: text}\n"
	"capabilities:\n"
	CAP("note.ask", "none", "ask", ASK(""))
	CAP("note.code", "none", "ask", ASK(", confirm: code"))
	CAP("note.hold", "{window: 2s}", "allow", "")
	CAP("note.short", "none", "ask", ASK_OF("ttl: 1s"))
	CAP("note.slow", "none", "ask", ASK(", delay: 30s"))
	CAP("note.task", "none", "ask", ASK_OF("ttl: 1h, remember: task"))
	CAP("note.trip", "none", "deny: {session: {tripped: true}}\n      - ask",
	    ASK_OF("ttl: 1h"))
	CAP_OF("note.few", "{window: 2s}", "allow", "50/day, total: 1/task", "")
	"decoys: [vault.open]\n"
	"trip: {decoy: freeze}\n";
/* clang-format on */

static const char *libexec;

static struct world {
	char dir[32];
	pid_t auditd, broker, store, cutter;
	struct chan auditd_monitor, store_monitor, monitor, control;
	struct chan planner, outbox;
	struct chan earlier; /* the planner of the task before: at work, too */
	struct gate *gate;
	uint64_t next, calls;
	uint64_t task;			       /* the last one */
	char clause[80], card[LIMIT_CARD + 1]; /* the last ones */
	const struct gate_row *shut;	       /* NULL: nothing */
	/* The write of the broker that ends it, once *armed; 0: none. */
	unsigned cut;
	atomic_bool *armed; /* shared with the cutter */
} w;

static struct msg out, in;

static int remove_one(const char *p, const struct stat *, int, struct FTW *)
{
	return remove(p);
}

static void chan_limited(struct chan *c, int fd)
{
	const struct timeval limit = { .tv_sec = HEAR_SECONDS };

	assert_int_equal(
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)),
		0);
	assert_int_equal(chan_init(c, fd), 0);
}

static void say(struct chan *c, enum msg_type t, int fd)
{
	out.type = t;
	assert_int_equal(chan_send(c, &out, &fd, fd >= 0 ? 1 : 0), 0);
}

/* The next message of that type; those before it are passed over. */
static void hear(struct chan *c, enum msg_type t)
{
	const char *why;

	do
		if (chan_recv(c, &in, &why) != 1)
			fail_msg("no %s came", msg_type_name(t));
	while (in.type != t);
}

static pid_t start_process(enum proc p, const int *fds, size_t n)
{
	struct spawn s = { .proc = p, .libexec = libexec };
	struct err err = { 0 };
	CLEAN_FD int pidfd = -1;
	pid_t pid;
	size_t i;

	for (i = 0; i < n; i++)
		s.fds[i] = fds[i];
	pid = spawn_process(&s, &pidfd, &err);
	if (pid < 0)
		fail_msg("%s", err.msg);
	return pid;
}

static int folder(int dir, const char *name)
{
	int fd;

	(void)mkdirat(dir, name, 0700);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

static void connect_outbox(void)
{
	int pair[2];

	assert_int_equal(chan_pair(pair), 0);
	chan_limited(&w.outbox, pair[0]);
	out.connector = (struct m_connector){ span_str("drafts"), 2 };
	say(&w.monitor, MSG_CONNECTOR, pair[1]);
	fd_close(&pair[1]);
}

static void hellos(void)
{
	out.hello = (struct m_hello){ span_str("auditd"), span_str("boot") };
	say(&w.auditd_monitor, MSG_HELLO, -1);
	out.hello = (struct m_hello){ span_str("store"),
				      span_str("items=1000 bytes=100000000 "
					       "per_source=1000 reserve=0 "
					       "history=1000 last=none") };
	say(&w.store_monitor, MSG_HELLO, -1);
	out.hello =
		(struct m_hello){ span_str("p.yaml"),
				  span_str("triage\nmail\x1fTell me.\x1e") };
	say(&w.monitor, MSG_HELLO, -1);
	hear(&w.monitor, MSG_READY);
}

static bool is_write(enum msg_type t)
{
	return t != MSG_R_NEXT && t != MSG_E_GET && t != MSG_I_GET;
}

/* Between broker and store: passes on what they say, but ends when the broker
 * wants to write for that time, and the broker is alone. */
static void cut_off(struct chan *broker, struct chan *store)
{
	struct pollfd p[] = { { .fd = broker->fd, .events = POLLIN },
			      { .fd = store->fd, .events = POLLIN } };
	unsigned writes = 0;
	const char *why;

	for (;;) {
		if (poll(p, 2, -1) < 0)
			_exit(1);
		if (p[1].revents && (chan_recv(store, &in, &why) != 1 ||
				     chan_send(broker, &in, NULL, 0) < 0))
			_exit(1);
		if (!p[0].revents)
			continue;
		if (chan_recv(broker, &in, &why) != 1 ||
		    (*w.armed && is_write(in.type) && ++writes == w.cut) ||
		    chan_send(store, &in, NULL, 0) < 0)
			_exit(0);
	}
}

/* The broker's end of the store's channel, cut off at its time. */
static int cut_later(int store)
{
	struct chan to_broker, to_store;
	int pair[2];

	if (!w.cut)
		return take_fd(&store);
	w.armed = mmap(NULL, sizeof(*w.armed), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	assert_true(w.armed != MAP_FAILED);
	assert_int_equal(chan_pair(pair), 0);
	w.cutter = fork();
	assert_true(w.cutter >= 0);
	if (w.cutter == 0) {
		if (dup2(pair[0], 3) < 0 || dup2(store, 4) < 0 ||
		    close_range(5, ~0U, 0) < 0 ||
		    chan_init(&to_broker, 3) < 0 || chan_init(&to_store, 4) < 0)
			_exit(2);
		cut_off(&to_broker, &to_store);
	}
	fd_close(&pair[0]);
	fd_close(&store);
	return pair[1];
}

/* All of it, on what an earlier one may have left in the directory. */
static void begin(const char *policy_is)
{
	int a[2], audit[2], m[2], c[2], s[2], kept[2];
	CLEAN_FD int dir = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FD int queue = folder(dir, "store");
	CLEAN_FD int tip = folder(dir, "tip");
	CLEAN_FD int policy = memfd_sealed("policy", span_str(policy_is));
	CLEAN_FD int gate = -1;

	assert_int_equal(gate_make(&w.gate, &gate), 0);
	if (w.shut)
		assert_int_equal(gate_shut(w.gate, w.shut), 0);
	assert_int_equal(chan_pair(s), 0);
	assert_int_equal(chan_pair(kept), 0);
	kept[0] = cut_later(kept[0]);
	assert_int_equal(chan_pair(a), 0);
	assert_int_equal(chan_pair(audit), 0);
	assert_int_equal(chan_pair(m), 0);
	assert_int_equal(chan_pair(c), 0);
	w.auditd = start_process(PROC_AUDITD,
				 (int[]){ a[1], audit[1], dir, tip }, 4);
	w.store = start_process(PROC_STORE, (int[]){ s[1], kept[1], queue }, 3);
	w.broker = start_process(
		PROC_BROKER,
		(int[]){ m[1], audit[0], c[1], policy, kept[0], gate }, 6);
	fd_close(&s[1]);
	fd_close(&kept[0]);
	fd_close(&kept[1]);
	fd_close(&a[1]);
	fd_close(&audit[0]);
	fd_close(&audit[1]);
	fd_close(&m[1]);
	fd_close(&c[1]);
	chan_limited(&w.auditd_monitor, a[0]);
	chan_limited(&w.store_monitor, s[0]);
	chan_limited(&w.monitor, m[0]);
	chan_limited(&w.control, c[0]);
	hellos();
	connect_outbox();
}

/* Killed, all at once. */
static void end(void)
{
	(void)kill(w.broker, SIGKILL);
	(void)kill(w.auditd, SIGKILL);
	(void)kill(w.store, SIGKILL);
	if (w.cutter > 0) {
		(void)kill(w.cutter, SIGKILL);
		(void)waitpid(w.cutter, NULL, 0);
		(void)munmap(w.armed, sizeof(*w.armed));
		w.cutter = 0;
	}
	(void)waitpid(w.broker, NULL, 0);
	(void)waitpid(w.store, NULL, 0);
	(void)waitpid(w.auditd, NULL, 0);
	chan_done(&w.monitor);
	chan_done(&w.control);
	chan_done(&w.auditd_monitor);
	chan_done(&w.store_monitor);
	chan_done(&w.outbox);
	chan_done(&w.planner);
	chan_done(&w.earlier);
	w.planner.fd = w.earlier.fd = -1;
}

static int setup(void **)
{
	w = (struct world){ .dir = "/tmp/bhap-XXXXXX", .next = 1 };
	w.planner.fd = w.earlier.fd = -1;
	assert_non_null(mkdtemp(w.dir));
	begin(policy_text);
	return 0;
}

static int teardown(void **)
{
	end();
	(void)nftw(w.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* A planner at work on what the owner wants. */
static void task(void)
{
	int pair[2];

	out.task_run =
		(struct m_task_run){ .text = SPAN_LIT("write to aaaaaa") };
	say(&w.control, MSG_C_TASK_RUN, -1);
	hear(&w.control, MSG_C_OK);
	hear(&w.monitor, MSG_TASK_START);
	assert_int_equal(chan_pair(pair), 0);
	assert_int_equal(w.earlier.fd, -1);
	w.earlier = w.planner;
	chan_limited(&w.planner, pair[0]);
	out.vm_new = (struct m_vm_new){ w.next++, VM_PLANNER, 0 };
	w.task = out.ids.task = in.task_start.task;
	say(&w.monitor, MSG_VM_NEW, pair[1]);
	out.ids.task = 0;
	fd_close(&pair[1]);
}

static const struct m_call_result *call(const char *capability,
					const char *text, const char *to)
{
	out.call = (struct m_call){ .call = ++w.calls,
				    .capability = span_str(capability),
				    .n = 2 };
	out.call.args[0] = (struct m_arg){ .name = SPAN_LIT("text"),
					   .json = ARG_STRING,
					   .value = span_str(text) };
	out.call.args[1] = (struct m_arg){ .name = SPAN_LIT("to"),
					   .json = ARG_STRING,
					   .value = span_str(to) };
	say(&w.planner, MSG_CALL, -1);
	hear(&w.planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.call, w.calls);
	assert_true(str_copy(w.clause, sizeof(w.clause),
			     in.call_result.clause) >= 0);
	return &in.call_result;
}

static const struct m_call_result *wait_for(uint64_t ticket, uint32_t seconds)
{
	out.wait = (struct m_wait){ ++w.calls, ticket, seconds };
	say(&w.planner, MSG_WAIT, -1);
	hear(&w.planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.call, w.calls);
	return &in.call_result;
}

/* How many there are; the last in `in`. */
static unsigned listed(const struct m_c_approvals *q, struct m_c_approval *last,
		       char code[16])
{
	const char *why;
	unsigned n = 0;

	out.c_approvals = *q;
	say(&w.control, MSG_C_APPROVALS, -1);
	for (;;) {
		assert_int_equal(chan_recv(&w.control, &in, &why), 1);
		if (in.type != MSG_C_APPROVAL)
			break;
		if (last)
			*last = in.c_approval;
		assert_true(str_copy(w.card, sizeof(w.card),
				     in.c_approval.text) >= 0);
		if (code && str_copy(code, 16, in.c_approval.code) < 0)
			code[0] = 0;
		n++;
	}
	assert_true(in.type == MSG_C_OK || in.type == MSG_C_FAIL);
	return n;
}

static struct m_c_approval one(uint64_t ticket, char code[16])
{
	const struct m_c_approvals q = { .ticket = ticket, .code = 1 };
	struct m_c_approval a = { 0 };

	assert_int_equal(listed(&q, &a, code), 1);
	return a;
}

/* The owner's yes to the card as it is; whether it was taken. */
static bool yes(uint64_t ticket, uint32_t times, bool always, const char *code)
{
	struct m_c_approval a = one(ticket, NULL);

	out.c_approve = (struct m_c_approve){ .ticket = ticket,
					      .times = times,
					      .always = always,
					      .code = span_str(code) };
	memcpy(out.c_approve.hash, a.hash, 32);
	say(&w.control, MSG_C_APPROVE, -1);
	do
		assert_int_equal(
			chan_recv(&w.control, &in, &(const char *){ NULL }), 1);
	while (in.type != MSG_C_OK && in.type != MSG_C_FAIL);
	return in.type == MSG_C_OK;
}

static bool no(uint64_t ticket, bool freeze)
{
	out.c_decline =
		(struct m_c_decline){ .ticket = ticket, .freeze = freeze };
	say(&w.control, MSG_C_DECLINE, -1);
	do
		assert_int_equal(
			chan_recv(&w.control, &in, &(const char *){ NULL }), 1);
	while (in.type != MSG_C_OK && in.type != MSG_C_FAIL);
	return in.type == MSG_C_OK;
}

/* The connector carries out what comes; its text is that one. */
static void carried_out(const char *text)
{
	uint64_t effect;

	hear(&w.outbox, MSG_EFFECT);
	assert_true(span_is(in.effect.args[0].value, text));
	effect = in.effect.effect;
	out.effect_done = (struct m_effect_done){ effect, EFFECT_DONE,
						 SPAN_LIT("ok") };
	say(&w.outbox, MSG_EFFECT_DONE, -1);
}

/* Nothing has come to the connector for so long. */
static void nothing_done(int ms)
{
	struct pollfd p = { .fd = w.outbox.fd, .events = POLLIN };

	assert_int_equal(poll(&p, 1, ms), 0);
}

static void test_asked_and_approved(void **)
{
	uint64_t ticket;

	task();
	ticket = call("note.ask", "one", "aaaaaa")->ticket;
	assert_int_equal(in.call_result.verdict, VERDICT_ASK);
	assert_int_equal(ticket, 1);
	assert_int_equal(wait_for(ticket, 0)->verdict, VERDICT_ASK);
	nothing_done(100);
	assert_true(yes(ticket, 1, false, ""));
	carried_out("one");
	assert_int_equal(wait_for(ticket, 5)->verdict, VERDICT_ALLOW);
	assert_int_equal(in.call_result.executed, 1);
	/* Once is once. */
	assert_int_equal(one(ticket, NULL).state, APPROVAL_FIRED);
	assert_false(yes(ticket, 1, false, ""));
	assert_int_equal(call("note.ask", "one", "aaaaaa")->verdict,
			 VERDICT_ASK);
	assert_int_equal(in.call_result.ticket, 2);
	nothing_done(100);
}

static void test_same_request_same_ticket(void **)
{
	task();
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
	assert_int_equal(call("note.ask", "two", "aaaaaa")->ticket, 2);
	assert_int_equal(listed(&(struct m_c_approvals){ 0 }, NULL, NULL), 2);
}

static void test_ask_flooding(void **)
{
	char text[8];
	unsigned i, asked = 0;

	task();
	for (i = 0; i < 40; i++) {
		(void)str_printf(text, sizeof(text), "t%u", i);
		asked += call("note.ask", text, "aaaaaa")->ticket != 0;
	}
	assert_true(asked > 0 && asked <= ASKS_A_TASK);
	assert_int_equal(listed(&(struct m_c_approvals){ 0 }, NULL, NULL),
			 asked);
}

static void test_deny_after_refusal(void **)
{
	task();
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
	assert_true(no(1, false));
	assert_false(no(1, false));
	assert_false(yes(1, 1, false, ""));
	assert_int_equal(wait_for(1, 5)->verdict, VERDICT_DENY);
	assert_int_equal(call("note.ask", "one", "aaaaaa")->verdict,
			 VERDICT_DENY);
	assert_int_equal(in.call_result.ticket, 0);
	nothing_done(100);
}

static void test_refuse_and_freeze(void **)
{
	task();
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
	assert_int_equal(call("note.ask", "two", "aaaaaa")->ticket, 2);
	assert_true(no(1, true));
	hear(&w.monitor, MSG_LATCH);
	assert_int_equal(in.latch.level, LATCH_TASK);
	assert_int_equal(in.latch.task, w.task);
	assert_int_equal(in.latch.set, 1);
	assert_int_equal(one(2, NULL).state, APPROVAL_REFUSED);
	assert_int_equal(call("note.ask", "three", "aaaaaa")->verdict,
			 VERDICT_DENY);
	assert_int_equal(call("note.hold", "four", "aaaaaa")->verdict,
			 VERDICT_DENY);
	assert_string_equal(w.clause, "kill latch");
}

/* A ticket is its own task's. */
static void test_other_task_waits(void **)
{
	task();
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
	task();
	assert_int_equal(wait_for(1, 0)->verdict, VERDICT_DENY);
	assert_int_equal(in.call_result.ticket, 0);
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 2);
}

/* What is frozen is frozen also where the ticket itself is over. */
static void test_freeze_late(void **)
{
	task();
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
	assert_int_equal(call("note.ask", "two", "aaaaaa")->ticket, 2);
	assert_true(no(1, false));
	assert_true(no(1, true));
	hear(&w.monitor, MSG_LATCH);
	assert_int_equal(one(2, NULL).state, APPROVAL_REFUSED);
}

/* A latch that the monitor keeps holds in a broker that is started again: what
 * it finds approved and held is not done, and no word counts. */
static void test_approve_after_kill(void **)
{
	struct gate_row row = { .task = 0, .all = true };

	task();
	assert_int_equal(call("note.hold", "one", "aaaaaa")->ticket, 1);
	assert_int_equal(call("note.ask", "two", "aaaaaa")->ticket, 2);
	row = (struct gate_row){ .task = w.task };
	end();
	w.shut = &row;
	begin(policy_text);
	assert_int_equal(one(1, NULL).state, APPROVAL_REFUSED);
	assert_false(yes(2, 1, false, ""));
	assert_int_equal(one(2, NULL).state, APPROVAL_PENDING);
	nothing_done(HOLD_MS + 500);
}

/* The owner's kill ends what is held, and a re-arm does not bring it back. */
static void test_kill_and_rearm(void **)
{
	task();
	assert_int_equal(call("note.hold", "one", "aaaaaa")->ticket, 1);
	out.text.text = SPAN_LIT("stop");
	say(&w.monitor, MSG_KILL, -1);
	assert_int_equal(one(1, NULL).state, APPROVAL_REFUSED);
	end();
	begin(policy_text);
	nothing_done(HOLD_MS + 500);
}

/* Nothing more is under way to the monitor. */
static void monitor_quiet(void)
{
	struct pollfd p = { .fd = w.monitor.fd, .events = POLLIN };
	const char *why;

	while (poll(&p, 1, 0) > 0)
		assert_int_equal(chan_recv(&w.monitor, &in, &why), 1);
}

/* Either word is a sign of him; to look is none. */
static void test_word_renews_lease(void **)
{
	task();
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
	assert_int_equal(call("note.slow", "two", "aaaaaa")->ticket, 2);
	(void)one(1, NULL);
	monitor_quiet();
	assert_true(yes(1, 1, false, ""));
	hear(&w.monitor, MSG_LEASE);
	(void)one(2, NULL);
	monitor_quiet();
	assert_true(no(2, false));
	hear(&w.monitor, MSG_LEASE);
}

/* Only the card that was seen. */
static void test_other_card(void **)
{
	task();
	(void)call("note.ask", "one", "aaaaaa");
	out.c_approve = (struct m_c_approve){ .ticket = 1, .times = 1 };
	say(&w.control, MSG_C_APPROVE, -1);
	hear(&w.control, MSG_C_FAIL);
	nothing_done(100);
	assert_int_equal(one(1, NULL).state, APPROVAL_PENDING);
}

static void test_confirm_code(void **)
{
	char code[16];

	task();
	assert_int_equal(call("note.code", "one", "aaaaaa")->ticket, 1);
	assert_false(yes(1, 1, false, ""));
	assert_false(yes(1, 1, false, "abcdef"));
	(void)one(1, code);
	assert_int_equal(strlen(code), APPROVAL_CODE);
	assert_true(yes(1, 1, false, code));
	carried_out("one");
}

static void test_code_is_not_tried(void **)
{
	char code[16];
	unsigned i;

	task();
	assert_int_equal(call("note.code", "one", "aaaaaa")->ticket, 1);
	(void)one(1, code);
	for (i = 0; i < APPROVAL_TRIES; i++) {
		assert_int_equal(one(1, NULL).state, APPROVAL_PENDING);
		assert_false(yes(1, 1, false, "abcdef"));
	}
	assert_int_equal(one(1, NULL).state, APPROVAL_REFUSED);
	assert_false(yes(1, 1, false, code));
	nothing_done(100);
}

static void test_delay(void **)
{
	task();
	assert_int_equal(call("note.slow", "one", "aaaaaa")->ticket, 1);
	assert_false(yes(1, 1, false, ""));
	end();
	begin(policy_text);
	assert_false(yes(1, 1, false, ""));
	assert_int_equal(one(1, NULL).state, APPROVAL_PENDING);
	nothing_done(100);
}

static void until_state(uint64_t ticket, enum approval_state s)
{
	uint64_t limit = now_ms() + UINT64_C(1000) * HEAR_SECONDS;

	while (one(ticket, NULL).state != s) {
		assert_true(now_ms() < limit);
		(void)poll(NULL, 0, 50);
	}
}

/* Nobody answers: it ends, no word counts any more, and when it is asked again
 * its card says so. */
static void test_expired_and_asked_again(void **)
{
	task();
	assert_int_equal(call("note.short", "one", "aaaaaa")->ticket, 1);
	until_state(1, APPROVAL_EXPIRED);
	assert_false(yes(1, 1, false, ""));
	assert_int_equal(call("note.short", "one", "aaaaaa")->ticket, 2);
	(void)one(2, NULL);
	assert_non_null(strstr(w.card, "the same was asked 1 times before"));
	until_state(2, APPROVAL_EXPIRED);
	nothing_done(100);
}

/* N times: the same target, whatever the text; then it is asked again. */
static void times(const char *capability)
{
	task();
	assert_int_equal(call(capability, "one", "aaaaaa")->ticket, 1);
	assert_true(yes(1, 2, false, ""));
	carried_out("one");
	out.call = (struct m_call){ .call = ++w.calls,
				    .capability = span_str(capability),
				    .n = 2 };
	out.call.args[0] = (struct m_arg){ .name = SPAN_LIT("text"),
					   .json = ARG_STRING,
					   .value = SPAN_LIT("two") };
	out.call.args[1] = (struct m_arg){ .name = SPAN_LIT("to"),
					   .json = ARG_STRING,
					   .value = SPAN_LIT("aaaaaa") };
	say(&w.planner, MSG_CALL, -1);
	carried_out("two");
	hear(&w.planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.executed, 1);
	assert_int_equal(call(capability, "three", "aaaaaa")->verdict,
			 VERDICT_ASK);
	/* Another task has nothing of it. */
	task();
	assert_int_equal(call(capability, "four", "aaaaaa")->verdict,
			 VERDICT_ASK);
}

static void test_times(void **)
{
	times("note.ask");
}

static void test_times_of_a_task_only(void **)
{
	times("note.task");
	assert_false(yes(3, 1, true, ""));
}

static void test_always(void **)
{
	task();
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
	assert_true(yes(1, 1, true, ""));
	carried_out("one");
	(void)wait_for(1, 5);
	end();
	begin(policy_text);
	task();
	/* Another target is asked about, the same is not. */
	assert_int_equal(call("note.ask", "x", "bbbbbb")->verdict, VERDICT_ASK);
	out.call.call = ++w.calls;
	out.call.args[0].value = SPAN_LIT("two");
	out.call.args[1].value = SPAN_LIT("aaaaaa");
	say(&w.planner, MSG_CALL, -1);
	carried_out("two");
}

static void test_restart_of_everything(void **)
{
	uint64_t index;

	task();
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
	index = one(1, NULL).audit_index;
	assert_true(index > 0);
	end();
	begin(policy_text);
	nothing_done(200);
	/* Its record in the log is known, and what the log was. */
	assert_int_equal(one(1, NULL).audit_index, index);
	assert_non_null(strstr(w.card, "q1, log "));
	assert_null(strstr(w.card, ", log 0 "));
	assert_int_equal(listed(&(struct m_c_approvals){ 0 }, NULL, NULL), 1);
	assert_true(yes(1, 1, false, ""));
	hear(&w.outbox, MSG_EFFECT);
	/* It ends while the effect is under way: nobody knows, and it is never
	 * done by itself once more. */
	end();
	begin(policy_text);
	nothing_done(200);
	assert_int_equal(one(1, NULL).state, APPROVAL_FIRED);
	out.s_get = (struct m_s_get){ .which = S_ALL };
	say(&w.control, MSG_C_EFFECTS, -1);
	hear(&w.control, MSG_C_EFFECT);
	assert_int_equal(in.e_row.state, EFFECT_UNKNOWN);
	assert_int_equal(in.e_row.ticket, 1);
	hear(&w.control, MSG_C_OK);
}

static void test_other_policy(void **)
{
	char other[sizeof(policy_text) + 16];

	task();
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
	end();
	(void)str_printf(other, sizeof(other), "%s# other\n", policy_text);
	begin(other);
	assert_int_equal(one(1, NULL).state, APPROVAL_SUPERSEDED);
	assert_false(yes(1, 1, false, ""));
	nothing_done(100);
}

/* Whatever of it is killed, a yes is not taken before that is re-armed. */
static void test_killed(void **)
{
	const struct gate_row rows[] = {
		{ .capability = SPAN_LIT("note.ask") },
		{ .task = 1 },
		{ .agent = true },
		{ .all = true },
	};
	uint64_t ticket;
	size_t i;

	task();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char text[] = { (char)('a' + i), 0 };

		ticket = call("note.ask", text, "aaaaaa")->ticket;
		assert_int_equal(in.call_result.verdict, VERDICT_ASK);
		assert_int_equal(gate_shut(w.gate, &rows[i]), 0);
		assert_false(yes(ticket, 1, false, ""));
		nothing_done(100);
		assert_int_equal(one(ticket, NULL).state, APPROVAL_PENDING);
		gate_open(w.gate, &rows[i]);
		assert_true(yes(ticket, 1, false, ""));
		carried_out(text);
		assert_int_equal(wait_for(ticket, 5)->executed, 1);
	}
}

static void test_held_and_done(void **)
{
	uint64_t start = now_ms();

	task();
	assert_int_equal(call("note.hold", "one", "aaaaaa")->verdict,
			 VERDICT_ALLOW);
	assert_int_equal(in.call_result.executed, 0);
	assert_int_equal(in.call_result.ticket, 1);
	assert_int_equal(
		listed(&(struct m_c_approvals){ .held = 1 }, NULL, NULL), 1);
	carried_out("one");
	assert_true(now_ms() - start >= HOLD_MS - 1000);
	assert_int_equal(wait_for(1, 5)->executed, 1);
}

static void test_held_and_cancelled(void **)
{
	task();
	assert_int_equal(call("note.hold", "one", "aaaaaa")->ticket, 1);
	end();
	begin(policy_text);
	assert_true(no(1, false));
	nothing_done(HOLD_MS + 1500);
	assert_int_equal(one(1, NULL).state, APPROVAL_REFUSED);
}

/* The id under which the arguments of the last decision lie; its record is in
 * the file of the log that is written now. */
static uint8_t aside_id[ASIDE_ID];

static int find_aside(const char *path, const struct stat *st, int type,
		      struct FTW *)
{
	static const char key[] = "\"aside\":\"";
	static char text[1 << 20];
	CLEAN_FD int fd = type == FTW_F ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	ssize_t n = fd >= 0 ? read(fd, text, sizeof(text)) : 0;
	const char *p = text;

	(void)st;
	while (n > 0 &&
	       (p = memmem(p, (size_t)(text + n - p), key, sizeof(key) - 1))) {
		p += sizeof(key) - 1;
		(void)hex_decode(
			aside_id, ASIDE_ID,
			span_of((const uint8_t *)p, (size_t)2 * ASIDE_ID));
	}
	return 0;
}

/* What its owner has erased is on no card, and in no clause, and nothing comes
 * of it. */
static void test_erased(void **)
{
	task();
	assert_int_equal(call("note.ask", "secret", "aaaaaa")->ticket, 1);
	(void)one(1, NULL);
	assert_non_null(strstr(w.card, "secret"));
	assert_int_equal(nftw(w.dir, find_aside, 8, FTW_PHYS), 0);
	out.c_aside = (struct m_c_aside){
		.item = 1, .ids = span_of(aside_id, sizeof(aside_id))
	};
	say(&w.control, MSG_C_ERASE, -1);
	hear(&w.control, MSG_C_OK);
	assert_int_equal(one(1, NULL).state, APPROVAL_REFUSED);
	assert_null(strstr(w.card, "secret"));
	end();
	begin(policy_text);
	(void)one(1, NULL);
	assert_null(strstr(w.card, "secret"));
	assert_false(yes(1, 1, false, ""));
	nothing_done(100);
}

/* What the owner asked is answered, or the broker is gone; *ret_done is set
 * where an effect was told of that is done. True: it is there. */
static bool answered(bool *ret_done)
{
	const char *why;

	do {
		if (chan_recv(&w.control, &in, &why) != 1)
			return false;
		*ret_done |= in.type == MSG_C_EFFECT &&
			     in.e_row.state == EFFECT_DONE;
	} while (in.type != MSG_C_OK && in.type != MSG_C_FAIL);
	return true;
}

/* The connector does what it is asked for. False: the broker is gone. */
static bool do_effect(bool *ret_asked)
{
	struct pollfd p[] = { { .fd = w.outbox.fd, .events = POLLIN },
			      { .fd = w.control.fd, .events = POLLIN } };
	const char *why;

	assert_true(poll(p, 2, HEAR_SECONDS * 1000) > 0);
	if (!(p[0].revents & POLLIN) || chan_recv(&w.outbox, &in, &why) != 1 ||
	    in.type != MSG_EFFECT)
		return false;
	*ret_asked = true;
	out.effect_done =
		(struct m_effect_done){ in.effect.effect, EFFECT_DONE,
					SPAN_LIT("ok") };
	out.type = MSG_EFFECT_DONE;
	return chan_send(&w.outbox, &out, NULL, 0) == 0;
}

/* The owner's yes, the effect, its end, as far as the broker comes with them.
 * Whether the connector was asked for it. */
static bool approve_and_cut(void)
{
	const struct m_c_approval a = one(1, NULL);
	bool asked = false, done = false;

	*w.armed = true;
	out.c_approve = (struct m_c_approve){ .ticket = 1, .times = 1 };
	memcpy(out.c_approve.hash, a.hash, 32);
	say(&w.control, MSG_C_APPROVE, -1);
	if (!answered(&done) || !do_effect(&asked))
		return asked;
	while (!done) {
		out.type = MSG_C_EFFECTS;
		out.s_get = (struct m_s_get){ .which = S_ALL };
		if (chan_send(&w.control, &out, NULL, 0) < 0 ||
		    !answered(&done))
			break;
	}
	return asked;
}

/* What a broker that was cut off has left: it is done now, or was done, or
 * still waits for a word; whichever, it is done once at most. */
static void check_once(bool asked)
{
	struct m_c_approval a = one(1, NULL);

	if (a.state == APPROVAL_APPROVED) {
		assert_false(asked);
		carried_out("one");
		until_state(1, APPROVAL_FIRED);
	} else if (a.state != APPROVAL_FIRED) {
		assert_int_equal(a.state, APPROVAL_PENDING);
		assert_false(asked);
	}
	nothing_done(200);
}

/* Whichever write the broker does not come to any more. */
static void test_cut_at_every_write(void **)
{
	unsigned cut = 0;
	bool cut_off = true;

	while (cut_off) {
		bool asked;

		(void)teardown(NULL);
		(void)setup(NULL);
		task();
		assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
		end();
		w.cut = ++cut;
		begin(policy_text);
		asked = approve_and_cut();
		cut_off = waitpid(w.cutter, NULL, WNOHANG) == w.cutter;
		end();
		w.cut = 0;
		begin(policy_text);
		check_once(asked);
	}
	/* The word, the plan, that it fired, its start, its end. */
	assert_true(cut > 5);
}

static void test_held_over_a_restart(void **)
{
	task();
	assert_int_equal(call("note.hold", "one", "aaaaaa")->ticket, 1);
	end();
	begin(policy_text);
	carried_out("one");
}

/* The latch is there and gone before the broker looks, or was taken away while
 * it did not run: what it is for, and that alone, is not done any more. */
static void test_latch_heard_late(void **)
{
	const struct m_latch latches[] = {
		{ .level = LATCH_CAPABILITY,
		  .capability = SPAN_LIT("note.hold") },
		{ .level = LATCH_TASK, .task = 1 },
		{ .level = LATCH_AGENT },
		{ .level = LATCH_ALL },
	};
	const struct m_latch other[] = {
		{ .level = LATCH_CAPABILITY,
		  .capability = SPAN_LIT("note.ask") },
		{ .level = LATCH_TASK, .task = 2 },
	};
	size_t i;

	task();
	for (i = 0; i < ARRAY_SIZE(latches); i++) {
		const char text[] = { (char)('a' + i), 0 };
		const uint64_t ticket =
			call("note.hold", text, "aaaaaa")->ticket;

		out.latch = latches[i];
		out.latch.set = 1;
		say(&w.monitor, MSG_LATCH, -1);
		assert_int_equal(one(ticket, NULL).state, APPROVAL_REFUSED);
	}
	(void)call("note.hold", "kept", "aaaaaa");
	for (i = 0; i < ARRAY_SIZE(other); i++) {
		out.latch = other[i];
		out.latch.set = 1;
		say(&w.monitor, MSG_LATCH, -1);
	}
	carried_out("kept");
	nothing_done(HOLD_MS);
}

/* What waits of a task that has set off a tripwire is decided as of one that
 * has, also by a broker that is started again. */
static void test_tripped_while_it_waits(void **)
{
	task();
	assert_int_equal(call("note.trip", "one", "aaaaaa")->ticket, 1);
	assert_int_equal(call("vault.open", "x", "aaaaaa")->verdict,
			 VERDICT_DENY);
	end();
	begin(policy_text);
	assert_true(yes(1, 1, false, ""));
	until_state(1, APPROVAL_REFUSED);
	nothing_done(100);
}

/* What is held is one more of the same when it is due. */
static void test_held_again_and_again(void **)
{
	unsigned i;

	task();
	for (i = 0; i <= BREAK_REPEATS; i++)
		assert_int_equal(call("note.hold", "one", "aaaaaa")->ticket,
				 i + 1);
	for (i = 0; i < BREAK_REPEATS; i++)
		carried_out("one");
	until_state(BREAK_REPEATS + 1, APPROVAL_REFUSED);
	nothing_done(100);
}

/* Of what a task may do once, what is held does not come on top when it is
 * over. */
static void test_held_past_its_task(void **)
{
	task();
	assert_int_equal(call("note.few", "one", "aaaaaa")->ticket, 1);
	(void)poll(NULL, 0, HOLD_MS / 2);
	assert_int_equal(call("note.few", "two", "aaaaaa")->ticket, 2);
	carried_out("one");
	assert_int_equal(wait_for(1, 5)->executed, 1);
	out.text.text = SPAN_LIT("done");
	say(&w.planner, MSG_ANSWER, -1);
	hear(&w.planner, MSG_ANSWER_OK);
	until_state(2, APPROVAL_REFUSED);
	nothing_done(100);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(asked_and_approved),
		T(same_request_same_ticket),
		T(ask_flooding),
		T(deny_after_refusal),
		T(refuse_and_freeze),
		T(other_card),
		T(confirm_code),
		T(times),
		T(always),
		T(restart_of_everything),
		T(other_policy),
		T(killed),
		T(held_and_done),
		T(held_and_cancelled),
		T(held_over_a_restart),
		T(word_renews_lease),
		T(other_task_waits),
		T(freeze_late),
		T(approve_after_kill),
		T(kill_and_rearm),
		T(code_is_not_tried),
		T(delay),
		T(expired_and_asked_again),
		T(times_of_a_task_only),
		T(erased),
		T(cut_at_every_write),
		T(latch_heard_late),
		T(tripped_while_it_waits),
		T(held_again_and_again),
		T(held_past_its_task),
	};

	if (argc < 2)
		return 2;
	libexec = argv[1];
	(void)umask(077);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
