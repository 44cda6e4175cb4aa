/*
 * hostile_peers: the real broker, auditd and store in their sandboxes; the
 * test plays everybody else: the monitor, control, and porters and envelopes
 * that an attacker owns. Whatever those say, both processes live on and answer
 * the owner soon. The argument is the folder of the bulkhead-* binaries.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
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
#include "policy/policy.h"
#include "privsep/chan.h"
#include "privsep/spawn.h"
#include "proto/message.h"
#include "proto/message_sample.h"
#include "tlog/tlog.h"

enum {
	FEW_FDS = 80,
	HEAR_SECONDS = 8,
	SOON_MS = 3000,
	FLOOD = 20000,
	ENDED_MS = 90000,
	RECORDED_MS = 20000,
};

static const char *libexec;

static struct world {
	char dir[32];
	pid_t auditd, broker, store;
	struct chan auditd_monitor, store_monitor, monitor, control;
	uint64_t next;
} w;

static struct msg out, in;
static char letters[LIMIT_ARG_BYTES + 1];

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

/* Whether the other end has been closed. */
static bool closed(struct chan *c)
{
	const char *why;
	int r;

	do
		r = chan_recv(c, &in, &why);
	while (r == 1);
	return r == 0;
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

static int world_start(void **)
{
	int a[2], audit[2], m[2], c[2], s[2], kept[2];
	CLEAN_FD int dir = -1;
	CLEAN_FD int queue = -1;
	CLEAN_FD int tip = -1;
	CLEAN_FD int policy = -1;

	w = (struct world){ .dir = "/tmp/bhp-XXXXXX", .next = 1 };
	assert_non_null(mkdtemp(w.dir));
	dir = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	policy = memfd_sealed("policy", span_str(policy_default_text()));
	assert_int_equal(mkdirat(dir, "store", 0700), 0);
	queue = openat(dir, "store", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(mkdirat(dir, "tip", 0700), 0);
	tip = openat(dir, "tip", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0 && queue >= 0 && tip >= 0 && policy >= 0);
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
		PROC_BROKER, (int[]){ m[1], audit[0], c[1], policy, kept[0] },
		5);
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
	out.hello = (struct m_hello){ span_str("auditd"), span_str("boot") };
	say(&w.auditd_monitor, MSG_HELLO, -1);
	out.hello = (struct m_hello){ span_str("store"),
				      span_str("items=1000 bytes=100000000 "
					       "per_source=1000 reserve=0 "
					       "history=1000 last=none") };
	say(&w.store_monitor, MSG_HELLO, -1);
	out.hello = (struct m_hello){ span_str("p.yaml"),
				      span_str("triage\nTell me.") };
	say(&w.monitor, MSG_HELLO, -1);
	hear(&w.monitor, MSG_READY);
	return 0;
}

static int world_stop(void **)
{
	chan_done(&w.monitor);
	chan_done(&w.control);
	chan_done(&w.auditd_monitor);
	chan_done(&w.store_monitor);
	(void)kill(w.broker, SIGKILL);
	(void)kill(w.auditd, SIGKILL);
	(void)kill(w.store, SIGKILL);
	(void)waitpid(w.broker, NULL, 0);
	(void)waitpid(w.store, NULL, 0);
	(void)waitpid(w.auditd, NULL, 0);
	(void)nftw(w.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	return 0;
}

/* The owner asks, and is answered soon: nobody has been harmed. */
static void alive(void)
{
	uint64_t start = now_ms();

	out.empty = (struct m_empty){ 0 };
	say(&w.control, MSG_C_ITEMS, -1);
	hear(&w.control, MSG_C_OK);
	assert_true(now_ms() - start < SOON_MS);
	assert_int_equal(waitpid(w.broker, NULL, WNOHANG), 0);
	assert_int_equal(waitpid(w.auditd, NULL, WNOHANG), 0);
	assert_int_equal(waitpid(w.store, NULL, WNOHANG), 0);
}

/* What a connector gave, kept, and taken out again to be worked on. */
static void through_store(const char *key, struct m_item_new *ret)
{
	static unsigned serial;
	CLEAN_FD int fd = memfd_sealed("item", SPAN_LIT("x"));
	char unique[64];
	struct sha256 h;

	(void)str_printf(unique, sizeof(unique), "%u", ++serial);
	out.q_put = (struct m_q_put){ .source = SPAN_LIT("inbox"),
				      .key = span_str(unique),
				      .size = 1 };
	sha256_init(&h);
	sha256_add(&h, SPAN_LIT("x"));
	sha256_final(&h, out.q_put.sha256);
	say(&w.store_monitor, MSG_Q_PUT, fd);
	out.empty = (struct m_empty){ 0 };
	say(&w.store_monitor, MSG_Q_NEXT, -1);
	hear(&w.store_monitor, MSG_Q_ITEM);
	*ret = (struct m_item_new){ .item = in.q_item.item,
				    .source = span_str("inbox"),
				    .key = span_str(key),
				    .task = in.q_item.task,
				    .attempt = 1 };
}

/* What the monitor does with a new item; the envelope's end in *envelope. */
static uint64_t new_item(const char *key, struct chan *envelope)
{
	struct m_item_new item;
	int pair[2];

	assert_int_equal(chan_pair(pair), 0);
	chan_limited(envelope, pair[0]);
	through_store(key, &item);
	out.item_new = item;
	say(&w.monitor, MSG_ITEM_NEW, pair[1]);
	fd_close(&pair[1]);
	return item.item;
}

static uint64_t new_vm(enum vm_kind kind, uint64_t item, struct chan *porter)
{
	int pair[2];

	assert_int_equal(chan_pair(pair), 0);
	chan_limited(porter, pair[0]);
	out.vm_new = (struct m_vm_new){ w.next++, (uint8_t)kind, item };
	say(&w.monitor, MSG_VM_NEW, pair[1]);
	fd_close(&pair[1]);
	return w.next - 1;
}

static void vm_gone(uint64_t vm, const char *reason)
{
	out.vm_gone = (struct m_vm_gone){ vm, span_str(reason) };
	say(&w.monitor, MSG_VM_GONE, -1);
}

static int record_memfd(void)
{
	const struct message m = message_sample();
	CLEAN_BUF struct buf b;
	int fd;

	buf_init(&b, LIMIT_RECORD);
	message_encode(&b, &m);
	fd = memfd_sealed("record", buf_view(&b));
	assert_true(fd >= 0);
	return fd;
}

/* An item whose record and envelope are there, and its planner's porter. */
static uint64_t planner_of_item(struct chan *planner, uint64_t *vm)
{
	CLEAN_FD int record = record_memfd();
	struct chan envelope, reader;
	uint64_t item = new_item("1.mail", &envelope);
	uint64_t reader_vm = new_vm(VM_READER, item, &reader);

	out.envelope = (struct m_envelope){ .ok = 1 };
	say(&envelope, MSG_ENVELOPE, -1);
	out.empty = (struct m_empty){ 0 };
	say(&reader, MSG_RECORD, record);
	hear(&w.monitor, MSG_TASK_START);
	vm_gone(reader_vm, "done");
	*vm = new_vm(VM_PLANNER, item, planner);
	chan_done(&envelope);
	chan_done(&reader);
	return item;
}

static void call(struct chan *planner, const char *capability, uint32_t n)
{
	out.call.call = 1;
	out.call.capability = span_str(capability);
	out.call.n = n;
	say(planner, MSG_CALL, -1);
}

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

/* What nobody can carry out is refused, and uses up no rate. */
static void test_no_connector_no_rate(void **)
{
	struct chan planner, outbox;
	uint64_t vm, effect;
	int pair[2];
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
	assert_int_equal(chan_pair(pair), 0);
	chan_limited(&outbox, pair[0]);
	out.connector = (struct m_connector){ span_str("drafts"), 2 };
	say(&w.monitor, MSG_CONNECTOR, pair[1]);
	fd_close(&pair[1]);
	alive();
	/* A second request while the first is being carried out. */
	out.call.args[0] = text("text", 1);
	call(&planner, "notes.append", 1);
	hear(&outbox, MSG_EFFECT);
	effect = in.effect.effect;
	out.call.args[0] = text("text", 1);
	call(&planner, "notes.append", 1);
	out.effect_done = (struct m_effect_done){ effect, 1, span_str("done") };
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

/* More requests than a task has: refused, and the log does not grow. */
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

int main(int argc, char **argv)
{
#define WORLD_TEST(f)                                                          \
	cmocka_unit_test_setup_teardown(f, world_start, world_stop)
	const struct CMUnitTest tests[] = {
		WORLD_TEST(test_awkward_requests),
		WORLD_TEST(test_words_that_are_no_text),
		WORLD_TEST(test_never_reads),
		WORLD_TEST(test_reads_slowly),
		WORLD_TEST(test_no_connector_no_rate),
		WORLD_TEST(test_out_of_turn),
		WORLD_TEST(test_bad_records),
		WORLD_TEST(test_endless_requests),
		WORLD_TEST(test_asks_without_end),
		WORLD_TEST(test_bad_envelopes),
		cmocka_unit_test_setup_teardown(test_no_descriptors,
						world_start_few, world_stop),
	};

	if (argc != 2)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	libexec = argv[1];
	return cmocka_run_group_tests(tests, NULL, NULL);
}
