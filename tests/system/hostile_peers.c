/*
 * hostile_peers: the real broker, auditd and store in their sandboxes; the
 * test plays everybody else: the monitor, control, and porters and envelopes
 * that an attacker owns. Whatever those say, both processes live on and answer
 * the owner soon. The argument is the folder of the bulkhead-* binaries.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/testing.h"
#include "label/canary.h"
#include "peers_rig.h"
#include "policy/policy.h"
#include "privsep/chan.h"
#include "privsep/gate.h"
#include "privsep/spawn.h"
#include "proto/aside.h"
#include "proto/message.h"
#include "proto/message_sample.h"
#include "tlog/tlog.h"

enum {
	FEW_FDS = 80,
	SOON_MS = 3000,
	FLOOD = 20000,
	ENDED_MS = 90000,
	RECORDED_MS = 20000,
};

static char letters[LIMIT_ARG_BYTES + 1];

static struct m_arg text(const char *name, size_t n)
{
	return (struct m_arg){ .name = span_str(name),
			       .json = ARG_STRING,
			       .value = span_of(letters, n) };
}

/* Requests whose names and texts are as awkward for a record as can be. */
static void test_awkward_requests(void **)
{
	static char name[LIMIT_ARGS][LIMIT_NAME + 1];
	static const struct {
		char fill, value;
		size_t name, bytes;
		uint32_t n;
	} rows[] = {
		{ 'a', 'x', LIMIT_NAME, 1, 1 },
		{ 'a', 'x', LIMIT_NAME, 1024, LIMIT_ARGS },
		{ 'a', 'x', LIMIT_NAME - 7, 1000, LIMIT_ARGS },
		{ 'a', '\1', 10, 1024, LIMIT_ARGS },
		{ 'a', '"', LIMIT_NAME, 1024, LIMIT_ARGS },
		{ 'A', 'x', LIMIT_NAME, 1, LIMIT_ARGS },
		{ '\n', '\n', LIMIT_NAME, 1024, LIMIT_ARGS },
		{ 'a', '\xff', 3, 1024, LIMIT_ARGS },
		{ 'a', '\0', 3, 1024, LIMIT_ARGS },
		{ 'a', 'x', 0, 0, LIMIT_ARGS },
		{ 'a', '\1', 3, LIMIT_ARG_BYTES, 2 },
	};
	struct chan planner;
	uint64_t vm;
	uint32_t i;
	size_t r;

	(void)planner_of_item(&planner, &vm);
	for (r = 0; r < ARRAY_SIZE(rows); r++) {
		memset(letters, rows[r].value, sizeof(letters));
		for (i = 0; i < rows[r].n; i++) {
			memset(name[i], rows[r].fill, rows[r].name);
			name[i][rows[r].name] = 0;
			out.call.args[i] = text(name[i], rows[r].bytes);
		}
		call(&planner, r % 2 ? "email.send" : "\1\"\xc3\xa4",
		     rows[r].n);
		hear(&planner, MSG_CALL_RESULT);
		assert_int_equal(in.call_result.verdict, VERDICT_DENY);
		alive();
	}
	chan_done(&planner);
}

/* A file's name is not text; an envelope's and a porter's words are not. */
static void test_words_that_are_no_text(void **)
{
	struct chan envelope, reader;
	uint64_t item = new_item("\xff\xfe\1.mail", &envelope);
	char many[400];

	(void)new_vm(VM_READER, item, &reader);
	memset(many, 0xff, sizeof(many));
	out.envelope = (struct m_envelope){ .ok = 7,
					    .fault = span_of(many, 400),
					    .from = span_of(many, 300) };
	say(&envelope, MSG_ENVELOPE, -1);
	out.text.text = span_of(many, sizeof(many));
	say(&reader, MSG_REFUSED, -1);
	hear(&w.monitor, MSG_ITEM_VERDICT);
	out.empty = (struct m_empty){ 0 };
	say(&w.control, MSG_C_ITEMS, -1);
	hear(&w.control, MSG_C_ITEM);
	assert_true(utf8_valid(in.c_item.fault));
	assert_int_equal(in.c_item.envelope_from.n, 0);
	hear(&w.control, MSG_C_OK);
	alive();
	chan_done(&envelope);
	chan_done(&reader);
}

/* Sends without waiting, as often as the channel takes it. */
static void flood(struct chan *c, enum msg_type t)
{
	int i;

	assert_int_equal(fd_nonblock(c->fd, true), 0);
	out.type = t;
	out.empty = (struct m_empty){ 0 };
	for (i = 0; i < FLOOD; i++) {
		int r = chan_send(c, &out, NULL, 0);

		if (r == -EPIPE || r == -ECONNRESET)
			break;
		if (r < 0)
			(void)usleep(100);
	}
	assert_int_equal(fd_nonblock(c->fd, false), 0);
}

/* A porter that asks and never takes an answer holds nobody up for long. */
static void test_never_reads(void **)
{
	static const enum msg_type asks[] = { MSG_TASK_GET, MSG_TOOLS_GET };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(asks); i++) {
		struct chan planner;
		uint64_t vm;

		(void)planner_of_item(&planner, &vm);
		flood(&planner, asks[i]);
		alive();
		vm_gone(vm, "deadline");
		hear(&w.monitor, MSG_ITEM_VERDICT);
		assert_int_equal(in.item_verdict.verdict, ITEM_TASK_FAILED);
		alive();
		chan_done(&planner);
	}
}

/* Takes one answer whenever the broker is about to lose patience. */
static void test_reads_slowly(void **)
{
	struct chan planner;
	uint64_t vm, start;
	const char *why;
	int i;

	(void)planner_of_item(&planner, &vm);
	flood(&planner, MSG_TOOLS_GET);
	start = now_ms();
	for (i = 0; i < 8 && now_ms() - start < 6000; i++) {
		(void)usleep(300000);
		(void)chan_recv(&planner, &in, &why);
	}
	alive();
	assert_true(closed(&planner));
	vm_gone(vm, "deadline");
	alive();
	chan_done(&planner);
}

static void new_outbox(struct chan *outbox)
{
	int pair[2];

	assert_int_equal(chan_pair(pair), 0);
	chan_limited(outbox, pair[0]);
	out.connector = (struct m_connector){ span_str("drafts"), 2 };
	say(&w.monitor, MSG_CONNECTOR, pair[1]);
	fd_close(&pair[1]);
	alive();
}

/* What nobody can carry out is refused, and uses up no rate. */
static void test_no_connector_no_rate(void **)
{
	struct chan planner, outbox;
	uint64_t vm, effect;
	int i;

	(void)planner_of_item(&planner, &vm);
	letters[0] = 'x';
	for (i = 0; i < 40; i++) {
		out.call.args[0] = text("text", 1);
		call(&planner, "notes.append", 1);
		hear(&planner, MSG_CALL_RESULT);
		assert_int_equal(in.call_result.verdict, VERDICT_DENY);
		assert_true(span_is(in.call_result.clause, "no connector"));
	}
	new_outbox(&outbox);
	/* A second request while the first is being carried out. */
	out.call.args[0] = text("text", 1);
	call(&planner, "notes.append", 1);
	hear(&outbox, MSG_EFFECT);
	effect = in.effect.effect;
	out.call.args[0] = text("text", 1);
	call(&planner, "notes.append", 1);
	out.effect_done = (struct m_effect_done){ effect, EFFECT_DONE,
						 span_str("done") };
	say(&outbox, MSG_EFFECT_DONE, -1);
	hear(&planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.executed, 1);
	/* It waited, and has its turn now. */
	hear(&outbox, MSG_EFFECT);
	/* Dies in the middle: known to nobody, and said so. */
	chan_done(&outbox);
	hear(&planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.executed, 0);
	alive();
	chan_done(&planner);
}

static void call_note(struct chan *planner)
{
	letters[0] = 'x';
	out.call.args[0] = text("text", 1);
	call(planner, "notes.append", 1);
}

static bool is_quiet(const struct chan *c)
{
	struct pollfd p = { c->fd, POLLIN, 0 };

	return poll(&p, 1, 200) == 0;
}

/* What the gate shuts the broker refuses, by a store to memory alone: that it
 * is told nothing changes nothing. What is open again goes through. */
static void test_gate(void **)
{
	static const char *const words[] = { "capability", "task", "agent",
					     "all" };
	struct chan planner, outbox;
	struct gate_row rows[4] = { { .capability = SPAN_LIT("notes.append") },
				    { .task = 1 },
				    { .agent = true },
				    { .all = true } };
	uint64_t vm;
	size_t i;

	(void)planner_of_item(&planner, &vm);
	rows[1].task = in.task_start.task;
	new_outbox(&outbox);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(gate_shut(w.gate, &rows[i]), 0);
		call_note(&planner);
		hear(&planner, MSG_CALL_RESULT);
		assert_int_equal(in.call_result.verdict, VERDICT_DENY);
		assert_true(span_is(in.call_result.clause, "kill latch"));
		assert_non_null(memmem(in.call_result.reason.p,
				       in.call_result.reason.n, words[i],
				       strlen(words[i])));
		assert_true(is_quiet(&outbox));
		gate_open(w.gate, &rows[i]);
	}
	/* Other capabilities, other tasks: nothing to do with this one. */
	assert_int_equal(gate_shut(w.gate,
				   &(struct gate_row){
					   .capability = SPAN_LIT("email.send"),
					   .task = rows[1].task + 1 }),
			 0);
	call_note(&planner);
	hear(&outbox, MSG_EFFECT);
	chan_done(&outbox);
	chan_done(&planner);
}

/* With tripwires, and an owner who has to be heard of. */
#define GUARDED(lease)                                                         \
	"bulkhead: 1\n"                                                        \
	"profile: guarded\nmode: enforce\n"                                    \
	"sources:\n"                                                           \
	"  mail: {reader: email, connector: inbox, integrity: external,\n"     \
	"         audience: thread, reveal: text}\n"                           \
	"capabilities:\n"                                                      \
	"  notes.append:\n"                                                    \
	"    connector: drafts\n"                                              \
	"    effect: internal\n"                                               \
	"    undo: none\n"                                                     \
	"    args:\n"                                                          \
	"      text: {type: text, max: 2000, role: content, from: "            \
	"[planner]}\n"                                                         \
	"    decide: [{allow: {}}]\n"                                          \
	"    limits: {rate: 30/hour}\n"                                        \
	"decoys: [vault.export_all]\n"                                         \
	"lease: {autonomy: " lease ", on_expiry: deny}\n"                      \
	"trip: {canary: kill, decoy: freeze}\n"

static char guarded[] = GUARDED("1h");
static char forgotten[] = GUARDED("1s");

static void hear_any(struct chan *c)
{
	const char *why;

	if (chan_recv(c, &in, &why) != 1)
		fail_msg("nothing came");
}

/* A decoy is listed like any other, and refused like what is not there; the
 * monitor is told to freeze the task, and nothing of it is done from then on,
 * whether the monitor has come to it or not. */
static void test_decoy(void **)
{
	struct chan planner, outbox;
	bool listed = false;
	uint64_t vm, task;

	(void)planner_of_item(&planner, &vm);
	task = in.task_start.task;
	new_outbox(&outbox);
	out.empty = (struct m_empty){ 0 };
	say(&planner, MSG_TOOLS_GET, -1);
	do {
		hear_any(&planner);
		listed |= in.type == MSG_TOOL &&
			  span_is(in.tool.name, "vault.export_all");
	} while (in.type != MSG_TOOLS_END);
	assert_true(listed);
	call(&planner, "vault.export_all", 0);
	hear(&planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.verdict, VERDICT_DENY);
	assert_null(memmem(in.call_result.reason.p, in.call_result.reason.n,
			   "decoy", 5));
	assert_null(memmem(in.call_result.clause.p, in.call_result.clause.n,
			   "decoy", 5));
	hear(&w.monitor, MSG_LATCH);
	assert_int_equal(in.latch.level, LATCH_TASK);
	assert_int_equal(in.latch.task, task);
	assert_true(span_is(in.latch.by, "decoy"));
	call_note(&planner);
	hear(&planner, MSG_CALL_RESULT);
	assert_true(span_is(in.call_result.clause, "kill latch"));
	assert_true(is_quiet(&outbox));
	chan_done(&outbox);
	chan_done(&planner);
}

/* The canaries of a task: what it is shown beside its instruction. */
static void canaries_of(struct chan *planner, char ret[256])
{
	out.empty = (struct m_empty){ 0 };
	say(planner, MSG_TASK_GET, -1);
	hear(planner, MSG_TASK);
	assert_int_equal(str_copy(ret, 256, in.task.canaries), 0);
	assert_int_equal(strlen(ret), 3 * CANARY_LEN + 2);
}

/* Half of one, in hexadecimal, is enough; the record says where it was. */
static void test_canary(void **)
{
	char canaries[256], hex[64];
	struct chan planner, outbox;
	uint64_t vm;

	(void)planner_of_item(&planner, &vm);
	new_outbox(&outbox);
	canaries_of(&planner, canaries);
	hex_encode(hex, (uint8_t *)canaries + (size_t)2 * (CANARY_LEN + 1), 10);
	out.call.args[0] = (struct m_arg){ .name = SPAN_LIT("text"),
					   .json = ARG_STRING,
					   .value = span_str(hex) };
	call(&planner, "notes.append", 1);
	hear(&w.monitor, MSG_LATCH);
	assert_int_equal(in.latch.level, LATCH_ALL);
	assert_true(span_is(in.latch.by, "canary"));
	hear(&planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.verdict, VERDICT_DENY);
	assert_null(memmem(in.call_result.reason.p, in.call_result.reason.n,
			   "canary", 6));
	assert_true(is_quiet(&outbox));
	chan_done(&outbox);
	chan_done(&planner);
}

/* It does not reach the owner in an answer, either. */
static void test_canary_in_answer(void **)
{
	char canaries[256];
	struct chan planner;
	uint64_t vm;

	(void)planner_of_item(&planner, &vm);
	canaries_of(&planner, canaries);
	canaries[12] = 0;
	out.text.text = span_str(canaries);
	say(&planner, MSG_ANSWER, -1);
	hear(&w.monitor, MSG_LATCH);
	assert_true(span_is(in.latch.by, "canary"));
	assert_true(is_quiet(&planner));
	chan_done(&planner);
}

/* What the owner does begins it anew. */
static void test_lease(void **)
{
	const uint64_t now = clock_ns(CLOCK_BOOTTIME) / 1000000;

	out.empty = (struct m_empty){ 0 };
	say(&w.control, MSG_C_LEASE, -1);
	hear(&w.control, MSG_C_OK);
	hear(&w.monitor, MSG_LEASE);
	assert_int_equal(in.lease.autonomy_s, 3600);
	assert_true(in.lease.until_ms >= now + UINT64_C(3600) * 1000);
	/* Only to look is no sign of him. */
	alive();
	assert_true(is_quiet(&w.monitor));
}

/* When the owner has not been heard of for so long, the monitor knows, and
 * nothing is done. */
static void test_lease_over(void **)
{
	struct chan planner, outbox;
	uint64_t vm;

	(void)planner_of_item(&planner, &vm);
	new_outbox(&outbox);
	do
		hear(&w.monitor, MSG_LEASE);
	while (in.lease.until_ms);
	call_note(&planner);
	hear(&planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.verdict, VERDICT_DENY);
	assert_non_null(memmem(in.call_result.reason.p, in.call_result.reason.n,
			       "not been heard of", 17));
	assert_true(is_quiet(&outbox));
	chan_done(&outbox);
	chan_done(&planner);
}

/* A task that is killed while it waits for its machine ends all the same. */
static void test_killed_waiting(void **)
{
	CLEAN_FD int record = record_memfd();
	struct chan envelope, reader;
	uint64_t item = new_item("1.mail", &envelope);
	uint64_t vm = new_vm(VM_READER, item, &reader);

	out.envelope = (struct m_envelope){ .ok = 1 };
	say(&envelope, MSG_ENVELOPE, -1);
	out.empty = (struct m_empty){ 0 };
	say(&reader, MSG_RECORD, record);
	hear(&w.monitor, MSG_TASK_START);
	vm_gone(vm, "done");
	out.latch = (struct m_latch){ .level = LATCH_TASK,
				      .set = 1,
				      .task = in.task_start.task };
	say(&w.monitor, MSG_LATCH, -1);
	hear(&w.monitor, MSG_ITEM_VERDICT);
	assert_int_equal(in.item_verdict.verdict, ITEM_TASK_FAILED);
	alive();
	chan_done(&envelope);
	chan_done(&reader);
}

/* Out of turn, twice, after the end. */
static void test_out_of_turn(void **)
{
	struct chan planner;
	uint64_t vm;

	(void)planner_of_item(&planner, &vm);
	call(&planner, "no.such", 0);
	hear(&planner, MSG_CALL_RESULT);
	out.text.text = span_str("one");
	say(&planner, MSG_ANSWER, -1);
	out.text.text = span_str("two");
	say(&planner, MSG_ANSWER, -1);
	call(&planner, "no.such", 0);
	out.empty = (struct m_empty){ 0 };
	say(&planner, MSG_TASK_GET, -1);
	hear(&w.monitor, MSG_ITEM_VERDICT);
	assert_int_equal(in.item_verdict.verdict, ITEM_READ);
	out.empty = (struct m_empty){ 0 };
	say(&w.control, MSG_C_ITEMS, -1);
	hear(&w.control, MSG_C_ITEM);
	assert_true(span_is(in.c_item.answer, "one"));
	hear(&w.control, MSG_C_OK);
	/* What a planner may not say ends its channel. */
	say(&planner, MSG_RECORD, -1);
	assert_true(closed(&planner));
	vm_gone(vm, "done");
	alive();
	chan_done(&planner);
}

/* Records that are none, each of an item of its own. */
static void test_bad_records(void **)
{
	enum { NONE, UNSEALED, HUGE, EMPTY, SOCKET, NOISE, KINDS };
	int k;

	for (k = 0; k < KINDS; k++) {
		struct chan envelope, reader;
		uint64_t item = new_item("1.mail", &envelope);
		CLEAN_FD int fd = -1;

		(void)new_vm(VM_READER, item, &reader);
		if (k == UNSEALED) {
			fd = memfd_create("x", MFD_CLOEXEC);
		} else if (k == HUGE) {
			fd = memfd_create("x", MFD_CLOEXEC | MFD_ALLOW_SEALING);
			assert_int_equal(ftruncate(fd, 1L << 40), 0);
			assert_int_equal(fcntl(fd, F_ADD_SEALS, 0xf), 0);
		} else if (k == EMPTY) {
			fd = memfd_sealed("x", span_str(""));
		} else if (k == SOCKET) {
			fd = dup(reader.fd);
		} else if (k == NOISE) {
			fd = memfd_sealed("x", span_str("{\"kind\":1}"));
		}
		out.empty = (struct m_empty){ 0 };
		say(&reader, MSG_RECORD, fd);
		hear(&w.monitor, MSG_ITEM_VERDICT);
		assert_int_equal(in.item_verdict.verdict, ITEM_REFUSED);
		/* Another one changes nothing. */
		fd_close(&fd);
		fd = record_memfd();
		out.empty = (struct m_empty){ 0 };
		say(&reader, MSG_RECORD, fd);
		alive();
		chan_done(&envelope);
		chan_done(&reader);
	}
}

/* Whether the words, as they are or in part, are in a record. */
static int has_words(void *arg, uint64_t, struct span record)
{
	struct buf *found = arg;

	if (memmem(record.p, record.n, "lea.secret", 10))
		buf_span(found, record);
	return 0;
}

static void no_words_in_log(void)
{
	CLEAN_FD int dir = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_BUF struct buf found;
	struct tlog_state s;
	struct err err = { 0 };

	buf_init(&found, 1 << 20);
	(void)tlog_settle(dir);
	if (tlog_walk(dir, has_words, &found, &s, &err) < 0)
		fail_msg("%s", err.msg);
	if (found.n)
		fail_msg("in the log: %s", buf_cstr(&found));
}

/* What a planner says, where nothing can be erased any more: not one word. */
static void test_words_in_log(void **)
{
	static const char words[] = "lea.secret@example.org";
	struct chan planner;
	uint64_t vm;

	(void)planner_of_item(&planner, &vm);
	call(&planner, words, 0);
	hear(&planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.verdict, VERDICT_DENY);
	out.call.args[0] = (struct m_arg){ .name = span_str(words),
					   .json = ARG_STRING,
					   .value = span_str(words) };
	call(&planner, "notes.append", 1);
	hear(&planner, MSG_CALL_RESULT);
	/* He himself is told. */
	assert_non_null(memmem(in.call_result.reason.p, in.call_result.reason.n,
			       words, strlen(words)));
	out.call.args[0].name = SPAN_LIT("goal");
	call(&planner, "task.fork", 1);
	hear(&w.monitor, MSG_TASK_END);
	vm_gone(vm, "task done");
	alive();
	no_words_in_log();
	chan_done(&planner);
}

/* What the log says of an item's refusals. */
struct refused {
	uint64_t item, refusals, records, bad_peers;
};

static uint64_t number_in(struct span record, const char *key)
{
	const uint8_t *at = memmem(record.p, record.n, key, strlen(key));

	return at ? strtoull((const char *)at + strlen(key), NULL, 10) : 0;
}

static int count_refused(void *arg, uint64_t, struct span record)
{
	struct refused *r = arg;

	if (number_in(record, "\"item\":") != r->item)
		return 0;
	if (memmem(record.p, record.n, "\"peer.bad\"", 10))
		r->bad_peers++;
	if (memmem(record.p, record.n, "\"decision\",", 11) &&
	    memmem(record.p, record.n, "\"deny\"", 6)) {
		r->refusals++;
		r->records++;
	}
	if (memmem(record.p, record.n, "\"decision.repeated\"", 19)) {
		r->refusals += number_in(record, "\"count\":");
		r->records++;
	}
	return 0;
}

/* Nobody waits for the last of them: until there are that many, if they come.
 */
static void refused(uint64_t item, uint64_t want, struct refused *ret)
{
	uint64_t start = now_ms();
	struct tlog_state s;
	struct err err = { 0 };
	CLEAN_FD int dir = -1;

	dir = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	do {
		(void)usleep(300000);
		(void)tlog_settle(dir);
		*ret = (struct refused){ .item = item };
		if (tlog_walk(dir, count_refused, ret, &s, &err) < 0)
			fail_msg("%s", err.msg);
	} while (ret->refusals < want && now_ms() - start < RECORDED_MS);
}

/* More requests than a task has: refused, and the log does not grow. */
static void test_endless_requests(void **)
{
	struct refused sum = { 0 };
	struct chan planner;
	uint64_t first = 0, last = 0;
	uint64_t item, vm;
	int i;

	item = planner_of_item(&planner, &vm);
	for (i = 0; i < 100; i++) {
		call(&planner, "no.such", 0);
		hear(&planner, MSG_CALL_RESULT);
		assert_int_equal(in.call_result.verdict, VERDICT_DENY);
		last = in.call_result.audit_index;
		if (i == 0)
			first = last;
		/* Those that are refused alike share the first one's record, up
		 * to the limit of a task and from there on. */
		assert_true(i < 64 ? last == first : last > first);
	}
	alive();
	vm_gone(vm, "done");
	hear(&w.monitor, MSG_ITEM_VERDICT);
	refused(item, 100, &sum);
	assert_int_equal(sum.refusals, 100);
	assert_in_range(sum.records, 4, 4 + 8);
	chan_done(&planner);
}

/* Asks on and on: it is held back, then ended, and each of its refusals is in
 * the log, though few are their records. */
static void test_asks_without_end(void **)
{
	struct refused sum = { 0 };
	struct chan planner;
	uint64_t start = now_ms();
	uint64_t item, vm, heard = 0;
	const char *why;

	item = planner_of_item(&planner, &vm);
	planner.send_no_wait = true;
	do {
		out.call.call = 1;
		out.call.capability = SPAN_LIT("no.such");
		out.call.n = 0;
		out.type = MSG_CALL;
		while (chan_send(&planner, &out, NULL, 0) == 0)
			;
		if (chan_recv(&planner, &in, &why) != 1)
			break;
		heard += in.type == MSG_CALL_RESULT;
	} while (now_ms() - start < ENDED_MS);
	assert_in_range(now_ms() - start, ENDED_MS / 3, ENDED_MS - 1);
	/* 20 a second, and 40 at once. */
	assert_in_range(heard, 500, 40 + 20 * (now_ms() - start) / 1000);
	alive();
	vm_gone(vm, "its porter died");
	hear(&w.monitor, MSG_ITEM_VERDICT);
	refused(item, heard, &sum);
	assert_int_equal(sum.refusals, heard);
	assert_in_range(sum.records, 2, 2 + 2 * ENDED_MS / 1000);
	assert_int_equal(sum.bad_peers, 1);
	chan_done(&planner);
}

/* An envelope process that dies, or says what it may not. */
static void test_bad_envelopes(void **)
{
	struct chan envelope;

	(void)new_item("1.mail", &envelope);
	chan_done(&envelope);
	alive();
	(void)new_item("2.mail", &envelope);
	out.empty = (struct m_empty){ 0 };
	say(&envelope, MSG_RECORD, envelope.fd);
	assert_true(closed(&envelope));
	alive();
	chan_done(&envelope);
}

/* Few descriptors, as they are handed down to the processes. */
static void few_descriptors(rlim_t n)
{
	struct rlimit l;

	assert_int_equal(getrlimit(RLIMIT_NOFILE, &l), 0);
	l.rlim_cur = n < l.rlim_max ? n : l.rlim_max;
	assert_int_equal(setrlimit(RLIMIT_NOFILE, &l), 0);
}

static int world_start_few(void **state)
{
	int r;

	few_descriptors(FEW_FDS);
	r = world_start(state);
	few_descriptors(RLIM_INFINITY);
	return r;
}

/* What ended makes room for what is at work; nobody ends for it. */
static void test_no_descriptors(void **)
{
	struct chan planner[8];
	uint64_t vm;
	size_t i;

	for (i = 0; i < FEW_FDS; i++) {
		(void)planner_of_item(&planner[0], &vm);
		out.text.text = SPAN_LIT("done");
		say(&planner[0], MSG_ANSWER, -1);
		hear(&w.monitor, MSG_ITEM_VERDICT);
		vm_gone(vm, "done");
		chan_done(&planner[0]);
	}
	for (i = 0; i < ARRAY_SIZE(planner); i++)
		(void)planner_of_item(&planner[i], &vm);
	for (i = 0; i < ARRAY_SIZE(planner); i++) {
		out.empty = (struct m_empty){ 0 };
		say(&planner[i], MSG_TASK_GET, -1);
		hear(&planner[i], MSG_TASK);
	}
	assert_int_equal(waitpid(w.broker, NULL, WNOHANG), 0);
	for (i = 0; i < ARRAY_SIZE(planner); i++)
		chan_done(&planner[i]);
}

/* --- what lies aside of a record ------------------------------------------ */

static void read_record(uint64_t index, struct buf *ret)
{
	CLEAN_FD int dir = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FREE uint8_t *p = NULL;
	struct err err;
	size_t n = 0;

	(void)tlog_settle(dir);
	if (tlog_read(dir, index, &p, &n, &err) < 0)
		fail_msg("record %llu: %s", (unsigned long long)index, err.msg);
	buf_init(ret, LIMIT_AUDIT_RECORD);
	buf_put(ret, p, n);
}

static bool holds(const struct buf *b, const char *text)
{
	return memmem(b->p, b->n, text, strlen(text)) != NULL;
}

/* The id that a record has for what lies aside. */
static void id_of(const struct buf *record, uint8_t id[ASIDE_ID])
{
	static const char key[] = "\"aside\":\"";
	const uint8_t *at = memmem(record->p, record->n, key, strlen(key));
	size_t left;

	assert_non_null(at);
	at += strlen(key);
	left = (size_t)(record->p + record->n - at);
	assert_true(left > (size_t)2 * ASIDE_ID);
	assert_true(hex_decode(id, ASIDE_ID,
			       span_of(at, (size_t)2 * ASIDE_ID)) >= 0);
}

/* What the owner is shown of it: how many rows, all in b. */
static unsigned fetch(const uint8_t id[ASIDE_ID], struct buf *b)
{
	unsigned n = 0;
	const char *why;

	buf_init(b, ASIDE_MAX);
	out.c_aside = (struct m_c_aside){ .ids = span_of(id, ASIDE_ID) };
	say(&w.control, MSG_C_ASIDE, -1);
	while (chan_recv(&w.control, &in, &why) == 1 &&
	       in.type == MSG_C_ASIDE_ROW) {
		buf_span(b, in.r_row.value);
		n++;
	}
	assert_int_equal(in.type, MSG_C_OK);
	return n;
}

static void verify_log(void)
{
	CLEAN_FD int dir = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	struct tlog_state s;
	struct err err;

	if (tlog_verify(dir, &s, &err) < 0)
		fail_msg("the log does not verify: %s", err.msg);
}

/*
 * A kill that comes while the record of an allowed call is written: it was
 * allowed, and is not sent. That the broker had come so far its record says; it
 * is given longer until it has.
 */
static void test_killed_while_recorded(void **)
{
	const struct gate_row all = { .all = true };
	struct chan planner, outbox;
	bool allowed = false;
	struct buf record;
	useconds_t us;
	uint64_t vm;

	(void)planner_of_item(&planner, &vm);
	new_outbox(&outbox);
	for (us = 50000; !allowed; us *= 2) {
		assert_true(us < 10000000);
		assert_int_equal(kill(w.auditd, SIGSTOP), 0);
		call_note(&planner);
		(void)usleep(us);
		assert_int_equal(gate_shut(w.gate, &all), 0);
		assert_int_equal(kill(w.auditd, SIGCONT), 0);
		hear(&planner, MSG_CALL_RESULT);
		assert_int_equal(in.call_result.verdict, VERDICT_DENY);
		assert_true(span_is(in.call_result.clause, "kill latch"));
		assert_true(is_quiet(&outbox));
		gate_open(w.gate, &all);
		read_record(in.call_result.audit_index, &record);
		allowed = holds(&record, "\"verdict\":\"allow\"");
		buf_done(&record);
	}
	chan_done(&outbox);
	chan_done(&planner);
}

/* A refused request with an argument of so many bytes: its record. */
static void request(struct chan *planner, const char *capability, size_t bytes,
		    uint32_t n, struct buf *record)
{
	uint32_t i;

	memset(letters, 'Z', sizeof(letters));
	for (i = 0; i < n; i++)
		out.call.args[i] = text("body", bytes);
	call(planner, capability, n);
	hear(planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.verdict, VERDICT_DENY);
	read_record(in.call_result.audit_index, record);
	assert_false(holds(record, "ZZZZ"));
	assert_true(holds(record, "\"arg.0.hash\":\""));
}

static void erase(const uint8_t *ids, size_t n)
{
	out.c_aside = (struct m_c_aside){ .item = 7,
					  .ids = span_of(ids, n * ASIDE_ID) };
	say(&w.control, MSG_C_ERASE, -1);
	hear(&w.control, MSG_C_OK);
}

/*
 * No argument is in the log; the owner gets each as it came, and it fits its
 * hash; erased, it is gone, and the log verifies as before, with the erasure on
 * record.
 */
static void test_aside(void **)
{
	static struct aside_arg args[LIMIT_ARGS];
	uint8_t ids[2][ASIDE_ID], sum[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];
	struct buf record[2], bytes;
	struct chan planner;
	uint64_t vm;

	(void)planner_of_item(&planner, &vm);
	request(&planner, "no.such", 4000, 1, &record[0]);
	id_of(&record[0], ids[0]);
	assert_int_equal(fetch(ids[0], &bytes), 1);
	assert_int_equal(aside_decode(buf_view(&bytes), args), 1);
	assert_true(span_is(args[0].name, "body"));
	assert_int_equal(args[0].value.n, 4000);
	aside_hash(&args[0], sum);
	hex_encode(hex, sum, sizeof(sum));
	assert_true(holds(&record[0], hex));
	buf_done(&bytes);
	/* More than one row holds. */
	request(&planner, "no.other", 8000, 9, &record[1]);
	id_of(&record[1], ids[1]);
	assert_int_equal(fetch(ids[1], &bytes), 2);
	assert_int_equal(aside_decode(buf_view(&bytes), args), 9);
	buf_done(&bytes);
	verify_log();
	erase(ids[0], 1);
	assert_int_equal(fetch(ids[0], &bytes), 0);
	assert_int_equal(fetch(ids[1], &bytes), 2);
	buf_done(&bytes);
	/* Both, one of them once more. */
	erase(ids[0], 2);
	assert_int_equal(fetch(ids[1], &bytes), 0);
	verify_log();
	/* What are no ids harms nobody. */
	out.c_aside = (struct m_c_aside){ .ids = span_of(ids[0], 5) };
	say(&w.control, MSG_C_ERASE, -1);
	hear(&w.control, MSG_C_FAIL);
	alive();
	chan_done(&planner);
	buf_done(&record[0]);
	buf_done(&record[1]);
}

int main(int argc, char **argv)
{
#define WORLD_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, world_start, world_stop)
#define GUARDED_TEST(f)                                                        \
	cmocka_unit_test_prestate_setup_teardown(f, world_start, world_stop,   \
						 guarded)
#define FORGOTTEN_TEST(f)                                                      \
	cmocka_unit_test_prestate_setup_teardown(f, world_start, world_stop,   \
						 forgotten)
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_awkward_requests),
		WORLD_TEST(test_words_that_are_no_text),
		WORLD_TEST(test_never_reads),
		WORLD_TEST(test_reads_slowly),
		WORLD_TEST(test_no_connector_no_rate),
		WORLD_TEST(test_gate),
		WORLD_TEST(test_killed_waiting),
		GUARDED_TEST(test_decoy),
		GUARDED_TEST(test_canary),
		GUARDED_TEST(test_canary_in_answer),
		GUARDED_TEST(test_lease),
		FORGOTTEN_TEST(test_lease_over),
		WORLD_TEST(test_killed_while_recorded),
		WORLD_TEST(test_out_of_turn),
		WORLD_TEST(test_bad_records),
		WORLD_TEST(test_words_in_log),
		WORLD_TEST(test_endless_requests),
		WORLD_TEST(test_asks_without_end),
		WORLD_TEST(test_bad_envelopes),
		WORLD_TEST(test_aside),
		cmocka_unit_test_setup_teardown(test_no_descriptors,
						world_start_few, world_stop),
	};

	if (argc != 2)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	libexec = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
