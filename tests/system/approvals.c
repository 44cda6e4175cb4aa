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
#include <stdio.h>
#include <stdlib.h>
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
	"    limits: {rate: 50/day}\n" approve

#define ASK(more)                                                              \
	"    approve: {who: owner, via: [cli], ttl: 1h, remember: "            \
	"constrained" more "}\n"

static const char policy_text[] =
	"bulkhead: 1\n"
	"mode: enforce\n"
	"sources:\n"
	"  mail: {reader: email, connector: inbox, integrity: external, "
	"audience: thread, reveal: text}\n"
	"capabilities:\n" CAP("note.ask", "none", "ask", ASK(""))
		CAP("note.code", "none", "ask", ASK(", confirm: code"))
			CAP("note.hold", "{window: 2s}", "allow", "");

static const char *libexec;

static struct world {
	char dir[32];
	pid_t auditd, broker, store;
	struct chan auditd_monitor, store_monitor, monitor, control;
	struct chan planner, outbox;
	struct gate *gate;
	uint64_t next, calls;
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
	assert_int_equal(chan_pair(s), 0);
	assert_int_equal(chan_pair(kept), 0);
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
	(void)waitpid(w.broker, NULL, 0);
	(void)waitpid(w.store, NULL, 0);
	(void)waitpid(w.auditd, NULL, 0);
	chan_done(&w.monitor);
	chan_done(&w.control);
	chan_done(&w.auditd_monitor);
	chan_done(&w.store_monitor);
	chan_done(&w.outbox);
	chan_done(&w.planner);
	w.planner.fd = -1;
}

static int setup(void **)
{
	w = (struct world){ .dir = "/tmp/bhap-XXXXXX", .next = 1 };
	w.planner.fd = -1;
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
	chan_limited(&w.planner, pair[0]);
	out.vm_new = (struct m_vm_new){ w.next++, VM_PLANNER, 0 };
	out.ids.task = in.task_start.task;
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
	out.effect_done = (struct m_effect_done){ effect, 1, SPAN_LIT("ok") };
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
	assert_int_equal(one(2, NULL).state, APPROVAL_REFUSED);
	assert_int_equal(call("note.ask", "three", "aaaaaa")->verdict,
			 VERDICT_DENY);
	assert_int_equal(call("note.hold", "four", "aaaaaa")->verdict,
			 VERDICT_DENY);
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

/* N times: the same target, whatever the text; then it is asked again. */
static void test_times(void **)
{
	task();
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
	assert_true(yes(1, 2, false, ""));
	carried_out("one");
	out.call = (struct m_call){ .call = ++w.calls,
				    .capability = SPAN_LIT("note.ask"),
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
	assert_int_equal(call("note.ask", "three", "aaaaaa")->verdict,
			 VERDICT_ASK);
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
	task();
	assert_int_equal(call("note.ask", "one", "aaaaaa")->ticket, 1);
	end();
	begin(policy_text);
	nothing_done(200);
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

/* Whatever is killed, a yes is not taken before it is re-armed, and what was
 * allowed before the kill and is held does not happen. */
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
	assert_int_equal(call("note.hold", "last", "aaaaaa")->ticket,
			 ticket + 1);
	assert_int_equal(gate_shut(w.gate, &rows[2]), 0);
	nothing_done(HOLD_MS + 1500);
	gate_open(w.gate, &rows[2]);
	nothing_done(100);
	assert_int_equal(one(ticket + 1, NULL).state, APPROVAL_REFUSED);
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

static void test_held_over_a_restart(void **)
{
	task();
	assert_int_equal(call("note.hold", "one", "aaaaaa")->ticket, 1);
	end();
	begin(policy_text);
	carried_out("one");
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
	};

	if (argc < 2)
		return 2;
	libexec = argv[1];
	(void)umask(077);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
