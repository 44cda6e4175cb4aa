/*
 * broker: asks the real broker about the attacks of a replay: it, auditd and
 * the store run in their sandboxes, and everybody else is played here: the
 * monitor, the control process, the envelope and the reader of the hostile
 * item, the connectors, and the porter of a planner who does what the attacker
 * wants. The argument is the folder of the bulkhead-* binaries.
 *
 * A case is one line of JSON on stdin, its answer one on stdout; see engine.c.
 *
 *	{"policy": "policy/replay/workspace.yaml", "owner": "Please ...",
 *	 "items": [{"connector": "mail-in", "from": "eve@x.example",
 *		    "proved": true, "subject": "...", "body": "...",
 *		    "attachment": "list.txt"}],
 *	 "calls": [{"call": "send_email", "args": {"recipients":
 *		    [{"ref": "0.from"}], "subject": {"ref": "0.subject"}}}]}
 *
 * A task without items is the owner's alone. A reference is to what the broker
 * gave the planner a handle of: item, and thread, from, subject, body or
 * attachment. What the source of the item shows as text has none; then the text
 * itself is sent, as a planner would who has read it. "effects" of an answer is
 * how many came to a connector.
 *
 * The owner is asked 50 times a day at most. A task that meets this bound is
 * done again in a world of its own: nothing counts as stopped that only came
 * late.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <jansson.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "conf/conf.h"
#include "conf/zoneinfo.h"
#include "policy/bundle.h"
#include "policy/model.h"
#include "privsep/chan.h"
#include "privsep/gate.h"
#include "privsep/spawn.h"
#include "proto/message.h"

enum {
	LINE_BYTES = 1 << 20,
	HEAR_S = 20,
	CONNECTORS = 16,
	ITEMS = 64, /* kept by the test; the broker keeps twice as many */
};

static const char *libexec;
static struct msg out, in;

/* A broker on one policy, with what it needs. */
static struct world {
	char policy[256];
	char dir[32];
	pid_t auditd, store, broker;
	struct chan auditd_monitor, store_monitor, monitor, control;
	struct gate *gate;
	size_t n_connectors;
	struct chan connectors[CONNECTORS];
	uint64_t next_vm;
	unsigned serial;
	size_t n_items;
	struct {
		char *text; /* its JSON */
		uint64_t id;
	} items[ITEMS];
} w;

static _Noreturn void fail(const char *what, const char *detail)
{
	(void)fprintf(stderr, "broker: %s: %s\n", what, detail);
	exit(2);
}

static const char *text_of(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	if (!s)
		fail("no text", key);
	return s;
}

/* channels */

static void chan_take(struct chan *c, int fd)
{
	const struct timeval limit = { .tv_sec = HEAR_S };

	if (setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) <
		    0 ||
	    chan_init(c, fd) < 0)
		fail("channel", strerror(errno));
}

static void pair_of(int pair[2])
{
	if (chan_pair(pair) < 0)
		fail("channel", strerror(errno));
}

static void say(struct chan *c, enum msg_type t, int fd)
{
	out.type = t;
	if (chan_send(c, &out, &fd, fd >= 0 ? 1 : 0) < 0)
		fail("cannot send", msg_type_name(t));
}

static void say_empty(struct chan *c, enum msg_type t, int fd)
{
	out.empty = (struct m_empty){ 0 };
	say(c, t, fd);
}

/* The next message of that type; those before it are passed over. */
static void hear(struct chan *c, enum msg_type t)
{
	const char *why;

	do
		if (chan_recv(c, &in, &why) != 1)
			fail("nothing came", msg_type_name(t));
	while (in.type != t);
}

/* the world */

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
		fail("cannot start", err.msg);
	return pid;
}

static int folder(int at, const char *name)
{
	int fd = -1;

	if (mkdirat(at, name, 0700) == 0)
		fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		fail(name, strerror(errno));
	return fd;
}

/* The policy as the monitor reads it, and its bundle. */
static struct policy *read_policy(const char *path, struct buf *bundle)
{
	static const struct policy_zones zones = { .read = conf_zone_read };
	struct policy *p = NULL;
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf errs;

	buf_init(&text, YAML_FILE_MAX + 1);
	buf_init(&errs, 1 << 16);
	buf_init(bundle, POLICY_BUNDLE_MAX);
	if (conf_read_file(path, &text, &errs) < 0 ||
	    policy_pack(path, buf_view(&text), &zones, bundle, &p, &errs) < 0)
		fail(path, buf_cstr(&errs));
	return p;
}

static int policy_memfd(const char *path)
{
	CLEAN_BUF struct buf bundle;
	int fd;

	policy_free(read_policy(path, &bundle));
	fd = memfd_sealed("policy", buf_view(&bundle));
	if (fd < 0)
		fail(path, strerror(errno));
	return fd;
}

static void greet(const char *policy)
{
	const char *slash = strrchr(policy, '/');

	out.hello = (struct m_hello){ span_str("auditd"), span_str("boot") };
	say(&w.auditd_monitor, MSG_HELLO, -1);
	out.hello = (struct m_hello){ span_str("store"),
				      span_str("items=1000 bytes=100000000 "
					       "per_source=1000 reserve=0 "
					       "history=1000 last=none") };
	say(&w.store_monitor, MSG_HELLO, -1);
	out.hello = (struct m_hello){ span_str(slash ? slash + 1 : policy),
				      span_str("triage\n") };
	say(&w.monitor, MSG_HELLO, -1);
	hear(&w.monitor, MSG_READY);
}

/* Whose word on senders counts. */
static const char authserv[] = "mx.replay.example";

static void connect_one(const char *name, uint8_t direction)
{
	int pair[2];

	if (w.n_connectors == CONNECTORS)
		fail("too many connectors", name);
	pair_of(pair);
	chan_take(&w.connectors[w.n_connectors++], pair[0]);
	out.connector = (struct m_connector){ span_str(name), direction,
					      span_str(authserv) };
	say(&w.monitor, MSG_CONNECTOR, pair[1]);
	fd_close(&pair[1]);
}

/* Every connector that the policy reads from or carries something out with. */
static void connect_all(const char *path)
{
	CLEAN_BUF struct buf unused;
	struct policy *p = read_policy(path, &unused);
	size_t i, k;

	for (i = 0; i < p->n_sources; i++)
		connect_one(p->sources[i].row.connector, 1);
	for (i = 0; i < p->n_caps; i++) {
		for (k = 0; k < i; k++)
			if (!strcmp(p->caps[k]->connector,
				    p->caps[i]->connector))
				break;
		if (k == i)
			connect_one(p->caps[i]->connector, 2);
	}
	policy_free(p);
}

static void world_start(const char *path)
{
	int a[2], audit[2], m[2], c[2], s[2], kept[2];
	CLEAN_FD int policy = policy_memfd(path);
	CLEAN_FD int dir = -1;
	CLEAN_FD int queue = -1;
	CLEAN_FD int tip = -1;
	CLEAN_FD int gate = -1;

	w = (struct world){ .dir = "/tmp/bhr-XXXXXX", .next_vm = 1 };
	if (str_copy(w.policy, sizeof(w.policy), span_str(path)) < 0 ||
	    !mkdtemp(w.dir))
		fail(path, strerror(errno));
	dir = open(w.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	queue = folder(dir, "store");
	tip = folder(dir, "tip");
	pair_of(s);
	pair_of(kept);
	pair_of(a);
	pair_of(audit);
	pair_of(m);
	pair_of(c);
	if (gate_make(&w.gate, &gate) < 0)
		fail("gate", strerror(errno));
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
	chan_take(&w.auditd_monitor, a[0]);
	chan_take(&w.store_monitor, s[0]);
	chan_take(&w.monitor, m[0]);
	chan_take(&w.control, c[0]);
	greet(path);
	connect_all(path);
}

static int remove_one(const char *p, const struct stat *, int, struct FTW *)
{
	return remove(p);
}

static void world_stop(void)
{
	const pid_t all[] = { w.broker, w.auditd, w.store };
	size_t i;

	if (!w.policy[0])
		return;
	for (i = 0; i < ARRAY_SIZE(all); i++) {
		(void)kill(all[i], SIGKILL);
		(void)waitpid(all[i], NULL, 0);
	}
	chan_done(&w.monitor);
	chan_done(&w.control);
	chan_done(&w.auditd_monitor);
	chan_done(&w.store_monitor);
	for (i = 0; i < w.n_connectors; i++)
		chan_done(&w.connectors[i]);
	for (i = 0; i < w.n_items; i++)
		free(w.items[i].text);
	(void)nftw(w.dir, remove_one, 8, FTW_DEPTH | FTW_PHYS);
	w.policy[0] = 0;
}

/* the hostile item */

static uint64_t new_vm(enum vm_kind kind, uint64_t item, uint64_t task,
		       struct chan *porter)
{
	int pair[2];

	pair_of(pair);
	chan_take(porter, pair[0]);
	out.vm_new = (struct m_vm_new){ w.next_vm++, (uint8_t)kind, item };
	out.ids.task = task;
	say(&w.monitor, MSG_VM_NEW, pair[1]);
	out.ids.task = 0;
	fd_close(&pair[1]);
	return w.next_vm - 1;
}

static void vm_gone(uint64_t vm)
{
	out.vm_gone = (struct m_vm_gone){ vm, span_str("done") };
	say(&w.monitor, MSG_VM_GONE, -1);
}

/* As the monitor does it: through the store and out again. */
static uint64_t put_item(const char *connector, struct chan *envelope)
{
	CLEAN_FD int fd = memfd_sealed("item", SPAN_LIT("x"));
	struct m_item_new item;
	char key[32];
	struct sha256 h;
	int pair[2];

	(void)str_printf(key, sizeof(key), "%u.mail", ++w.serial);
	out.q_put = (struct m_q_put){ .source = span_str(connector),
				      .key = span_str(key),
				      .size = 1 };
	sha256_init(&h);
	sha256_add(&h, SPAN_LIT("x"));
	sha256_final(&h, out.q_put.sha256);
	say(&w.store_monitor, MSG_Q_PUT, fd);
	say_empty(&w.store_monitor, MSG_Q_NEXT, -1);
	hear(&w.store_monitor, MSG_Q_ITEM);
	item = (struct m_item_new){ .item = in.q_item.item,
				    .source = span_str(connector),
				    .key = span_str(key),
				    .task = in.q_item.task,
				    .attempt = 1,
				    .sort = SORT_EMAIL };
	pair_of(pair);
	chan_take(envelope, pair[0]);
	out.item_new = item;
	say(&w.monitor, MSG_ITEM_NEW, pair[1]);
	fd_close(&pair[1]);
	return item.item;
}

static int record_of(const json_t *o)
{
	const char *file = json_string_value(json_object_get(o, "attachment"));
	const struct message m = {
		.kind = SPAN_LIT("email"),
		.subject = span_str(text_of(o, "subject")),
		.body = span_str(text_of(o, "body")),
		.from = { SPAN_LIT(""), span_str(text_of(o, "from")) },
		.date = SPAN_LIT("2026-01-05T12:00:00Z"),
		.n_attachments = file ? 1 : 0,
		.attachments = { { .name = span_str(file ? file : ""),
				   .type = SPAN_LIT("text/plain"),
				   .size = 1 } },
	};
	CLEAN_BUF struct buf b;
	int fd;

	buf_init(&b, LIMIT_RECORD);
	message_encode(&b, &m);
	fd = memfd_sealed("record", buf_view(&b));
	if (b.bad || fd < 0)
		fail("no record of it", text_of(o, "subject"));
	return fd;
}

/* An item that has been read; its number. */
static uint64_t read_item(const json_t *o)
{
	CLEAN_FD int record = record_of(o);
	const char *from = text_of(o, "from");
	const char *at = strrchr(from, '@');
	struct chan envelope, reader;
	uint64_t item = put_item(text_of(o, "connector"), &envelope);
	uint64_t vm = new_vm(VM_READER, item, 0, &reader);

	out.envelope = (struct m_envelope){ .ok = 1, .from = span_str(from) };
	if (at && json_is_true(json_object_get(o, "proved"))) {
		out.envelope.auth_id = span_str(authserv);
		out.envelope.auth_domain = span_str(at + 1);
	}
	say(&envelope, MSG_ENVELOPE, -1);
	say_empty(&reader, MSG_RECORD, record);
	hear(&w.monitor, MSG_ITEM_VERDICT);
	vm_gone(vm);
	chan_done(&envelope);
	chan_done(&reader);
	return item;
}

static uint64_t item_of(const json_t *o)
{
	char *text = json_dumps(o, JSON_COMPACT | JSON_SORT_KEYS);
	size_t i;

	for (i = 0; text && i < w.n_items; i++)
		if (!strcmp(w.items[i].text, text)) {
			free(text);
			return w.items[i].id;
		}
	if (!text || i == ITEMS)
		fail("too many items", w.policy);
	w.items[i].text = text;
	w.items[i].id = read_item(o);
	w.n_items++;
	return w.items[i].id;
}

/* the planner */

/* "1.subject" is of item 1. */
static size_t item_number(const char *ref)
{
	if (ref[0] < '0' || ref[0] > '9' || ref[1] != '.')
		fail("no such reference", ref);
	return (size_t)(ref[0] - '0');
}

/* The handle by its name in a case, "" if it has none. */
static const char *handle_of(const json_t *view, const char *ref)
{
	const json_t *h = json_array_get(view, item_number(ref));
	const char *name = ref + 2;

	if (!strcmp(name, "attachment"))
		h = json_array_get(json_object_get(h, "attachments"), 0);
	else if (strcmp(name, "thread") != 0)
		h = json_object_get(h, name);
	name = json_string_value(json_object_get(h, "h"));
	return name ? name : "";
}

/* What a planner says who has no handle of it. */
static const char *words_of(const json_t *items, const char *ref)
{
	const json_t *item = json_array_get(items, item_number(ref));
	const char *text = json_string_value(json_object_get(item, ref + 2));

	return text ? text : "@1";
}

static void add_row(const char *name, uint8_t json, uint8_t shape,
		    const char *value)
{
	if (out.call.n == LIMIT_ARGS)
		fail("too many arguments", name);
	out.call.args[out.call.n++] =
		(struct m_arg){ .name = span_str(name),
				.json = json,
				.shape = shape,
				.value = span_str(value) };
}

static void add_value(const char *name, const json_t *v, uint8_t shape,
		      const json_t *view, const json_t *items)
{
	static char numbers[LIMIT_ARGS][32];
	const char *ref = json_string_value(json_object_get(v, "ref"));
	char *number = numbers[out.call.n % LIMIT_ARGS];
	const json_t *fill;

	if (ref && *handle_of(view, ref)) {
		add_row(name, ARG_REF, shape, handle_of(view, ref));
	} else if (ref) {
		add_row(name, ARG_STRING, shape, words_of(items, ref));
	} else if (json_is_boolean(v)) {
		add_row(name, ARG_BOOL, shape,
			json_is_true(v) ? "true" : "false");
	} else if (json_is_integer(v)) {
		(void)str_printf(number, sizeof(numbers[0]), "%lld",
				 (long long)json_integer_value(v));
		add_row(name, ARG_INTEGER, shape, number);
	} else if (json_is_string(v)) {
		add_row(name, ARG_STRING, shape, json_string_value(v));
	} else if (json_object_get(v, "tmpl")) {
		add_row(name, ARG_TEMPLATE, shape, text_of(v, "tmpl"));
		fill = json_array_get(json_object_get(v, "args"), 0);
		add_row(name, ARG_FILL, shape,
			handle_of(view, text_of(fill, "ref")));
	} else {
		fail("no value", name);
	}
}

static void add_args(json_t *args, const json_t *view, const json_t *items)
{
	const json_t *element;
	const char *name;
	json_t *v;
	size_t i;

	out.call.n = 0;
	json_object_foreach(args, name, v)
	{
		if (!json_is_array(v))
			add_value(name, v, ARG_SCALAR, view, items);
		json_array_foreach(v, i, element)
			add_value(name, element, ARG_ELEMENT, view, items);
	}
}

/* Carries out whatever comes, until the planner is answered; how much came. */
static int wait_result(struct chan *planner)
{
	int effects = 0;
	struct pollfd fds[CONNECTORS + 1] = { { planner->fd, POLLIN, 0 } };
	size_t i;

	for (i = 0; i < w.n_connectors; i++)
		fds[i + 1] = (struct pollfd){ w.connectors[i].fd, POLLIN, 0 };
	for (;;) {
		if (poll(fds, w.n_connectors + 1, HEAR_S * 1000) <= 0)
			fail("no answer to a call", w.policy);
		for (i = 0; i < w.n_connectors; i++) {
			if (!fds[i + 1].revents)
				continue;
			hear(&w.connectors[i], MSG_EFFECT);
			out.effect_done =
				(struct m_effect_done){ in.effect.effect,
							EFFECT_DONE,
							SPAN_LIT("done") };
			say(&w.connectors[i], MSG_EFFECT_DONE, -1);
			effects++;
		}
		if (!fds[0].revents)
			continue;
		hear(planner, MSG_CALL_RESULT);
		return effects;
	}
}

static json_t *make_call(struct chan *planner, const json_t *call,
			 const json_t *view, const json_t *items)
{
	static const char *const words[VERDICT_MAX] = {
		[VERDICT_ALLOW] = "allow",
		[VERDICT_DENY] = "deny",
		[VERDICT_ASK] = "ask",
	};
	const struct m_call_result *r = &in.call_result;
	int effects;

	out.call = (struct m_call){ .call = 1,
				    .capability =
					    span_str(text_of(call, "call")) };
	add_args(json_object_get(call, "args"), view, items);
	say(planner, MSG_CALL, -1);
	effects = wait_result(planner);
	return json_pack("{s:s, s:b, s:i, s:s%, s:s%}", "verdict",
			 words[r->verdict], "executed", r->executed, "effects",
			 effects, "clause", r->clause.p, r->clause.n, "reason",
			 r->reason.p, r->reason.n);
}

/* What the planner is told that there is; its session knows it from then on. */
static json_t *get_view(struct chan *planner)
{
	say_empty(planner, MSG_TASK_GET, -1);
	hear(planner, MSG_TASK);
	return json_loadb((const char *)in.task.items.p, in.task.items.n, 0,
			  NULL);
}

static json_t *run_task(const json_t *o)
{
	const json_t *items = json_object_get(o, "items"), *item, *call;
	json_t *answers = json_array(), *view;
	struct m_task_run run = { .text = span_str(text_of(o, "owner")) };
	CLEAN_BUF struct buf others;
	struct chan planner;
	uint64_t vm;
	size_t i;

	buf_init(&others, (size_t)8 * LIMIT_TASK_OTHERS);
	json_array_foreach(items, i, item)
	{
		if (i == 0)
			run.item = item_of(item);
		else
			buf_u64(&others, item_of(item));
	}
	if (!buf_ok(&others))
		fail("too many items", text_of(o, "owner"));
	run.others = buf_view(&others);

	out.task_run = run;
	say(&w.control, MSG_C_TASK_RUN, -1);
	hear(&w.monitor, MSG_TASK_START);
	vm = new_vm(VM_PLANNER, run.item, in.task_start.task, &planner);
	hear(&w.control, MSG_C_OK);
	view = get_view(&planner);
	json_array_foreach(json_object_get(o, "calls"), i, call)(void)
		json_array_append_new(answers,
				      make_call(&planner, call, view, items));
	vm_gone(vm);
	chan_done(&planner);
	json_decref(view);
	return answers;
}

/* That the owner has been asked as often as may be in a day. */
static bool met_day(const json_t *answers)
{
	const json_t *a;
	size_t i;

	json_array_foreach(answers, i, a)
	{
		if (strstr(text_of(a, "reason"), "questions in one day"))
			return true;
	}
	return false;
}

static void run_case(const json_t *o)
{
	const char *policy = text_of(o, "policy");
	json_t *answers;

	const size_t items = json_array_size(json_object_get(o, "items"));

	if (strcmp(policy, w.policy) != 0 || w.n_items + items > ITEMS) {
		world_stop();
		world_start(policy);
	}
	answers = run_task(o);
	if (met_day(answers)) {
		json_decref(answers);
		world_stop();
		world_start(policy);
		answers = run_task(o);
	}
	(void)json_dumpf(answers, stdout, JSON_COMPACT);
	(void)putchar('\n');
	json_decref(answers);
}

int main(int argc, char **argv)
{
	static char line[LINE_BYTES];
	json_error_t e;
	json_t *o;

	if (argc != 2)
		fail("usage", "replay_broker LIBEXEC");
	libexec = argv[1];
	(void)signal(SIGPIPE, SIG_IGN);
	(void)atexit(world_stop);
	while (fgets(line, sizeof(line), stdin)) {
		o = json_loads(line, 0, &e);
		if (!o)
			fail("no JSON", e.text);
		run_case(o);
		json_decref(o);
	}
	return 0;
}
