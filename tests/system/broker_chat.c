/*
 * broker_chat: approvals, talk, schedules and the digest by chat, through the
 * real broker, auditd and store in their sandboxes; the test is the monitor,
 * the connectors of the two bots, planners and whoever writes to the bots. The
 * argument is the folder of the bulkhead-* binaries.
 */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "approval/approval.h"
#include "base/fd.h"
#include "base/str.h"
#include "peers_rig.h"
#include "policy/bundle.h"
#include "policy/policy.h"

#define OWNER_ID "11122233"
#define MEI_ID	 "44455566"
#define EVE_ID	 "99988877"

#define CAP(name, undo, approve)                                               \
	"  " name ":\n"                                                        \
	"    connector: drafts\n"                                              \
	"    effect: internal\n"                                               \
	"    undo: " undo "\n"                                                 \
	"    args:\n"                                                          \
	"      text: {type: text, max: 30000, role: content, "                 \
	"from: [planner]}\n"                                                   \
	"      to: {type: id, role: target, from: [planner],\n"                \
	"           in: [\"aaaaaa\"]}\n"                                       \
	"    decide:\n"                                                        \
	"      - ask: {}\n"                                                    \
	"    limits: {rate: 50/day}\n"                                         \
	"    approve: {" approve "}\n"

#define POLICY_OF(zone)                                                        \
	"bulkhead: 1\n"                                                        \
	"mode: enforce\n"                                                      \
	"timezone: " zone "\n"                                                 \
	"owner: {telegram: " OWNER_ID ", slack: U0OWNER, approvals: "          \
	"{telegram_bot: cards, chat: " OWNER_ID ", slack_bot: scards, "        \
	"channel: D0OWNER, cli: true}}\n"                                      \
	"principals: {mei: {approvals: {telegram_bot: cards, chat: " MEI_ID    \
	"}}}\n"                                                                \
	"sources:\n"                                                           \
	"  tg: {reader: telegram, connector: inbox, integrity: known, "        \
	"audience: thread, reveal: text}\n"                                    \
	"capabilities:\n" CAP(                                                 \
		"note.ask", "reversible",                                      \
		"who: owner, via: [telegram], ttl: 1h, "                       \
		"remember: task") CAP("note.cli", "reversible",                \
				      "who: owner, via: [cli], ttl: 1h")       \
		CAP("note.two", "reversible",                                  \
		    "who: [owner, mei], quorum: 2, via: [telegram], "          \
		    "ttl: 1h") CAP("note.code", "reversible",                  \
				   "who: owner, via: [telegram, cli], "        \
				   "ttl: 1h, confirm: code")                   \
			CAP("note.long", "none",                               \
			    "who: owner, via: [telegram], "                    \
			    "ttl: 1h") CAP("note.slack", "reversible",         \
					   "who: owner, via: "                 \
					   "[slack], ttl: 1h")

static char policy_text[] = POLICY_OF("UTC");

static struct chan cards, agent, drafts, planner;
static uint64_t calls, heard;

static void connect_to(const char *name, const char *kind, uint8_t ways,
		       struct chan *ret)
{
	int pair[2];

	assert_int_equal(chan_pair(pair), 0);
	chan_limited(ret, pair[0]);
	out.connector = (struct m_connector){ .name = span_str(name),
					      .kind = span_str(kind),
					      .ways = ways };
	say(&w.monitor, MSG_CONNECTOR, pair[1]);
	fd_close(&pair[1]);
}

static void connect_all(void)
{
	connect_to("cards", "telegram", WAY_APPROVALS, &cards);
	connect_to("inbox", "telegram", WAY_IN | WAY_OUT | WAY_CHAT, &agent);
	connect_to("drafts", "outbox", WAY_OUT, &drafts);
}

static int start(void **state)
{
	*state = policy_text;
	if (world_start(state) < 0)
		return -1;
	connect_all();
	calls = heard = 0;
	planner.fd = -1;
	return 0;
}

static int stop(void **)
{
	chan_done(&cards);
	chan_done(&agent);
	chan_done(&drafts);
	chan_done(&planner);
	return world_stop(NULL);
}

static uint64_t task(void)
{
	uint64_t number;

	out.task_run = (struct m_task_run){ .text = SPAN_LIT("write") };
	say(&w.control, MSG_C_TASK_RUN, -1);
	hear(&w.control, MSG_C_OK);
	hear(&w.monitor, MSG_TASK_START);
	number = in.task_start.task;
	(void)new_vm(VM_PLANNER, 0, &planner);
	return number;
}

static uint64_t ask(const char *capability, const char *text)
{
	out.call = (struct m_call){ .call = ++calls,
				    .capability = span_str(capability),
				    .n = 2 };
	out.call.args[0] = (struct m_arg){ .name = SPAN_LIT("text"),
					   .json = ARG_STRING,
					   .value = span_str(text) };
	out.call.args[1] = (struct m_arg){ .name = SPAN_LIT("to"),
					   .json = ARG_STRING,
					   .value = SPAN_LIT("aaaaaa") };
	say(&planner, MSG_CALL, -1);
	hear(&planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.verdict, VERDICT_ASK);
	return in.call_result.ticket;
}

/* What was said last. */
static struct {
	uint8_t kind;
	char chat[64], message[64], text[LIMIT_SAY + 1];
	uint32_t n;
	char label[LIMIT_BUTTONS][40], data[LIMIT_BUTTONS][65];
} said;

/* The next that is said there, and that it was, under that id. */
static void listen(struct chan *c, const char *id)
{
	const struct m_say *m = &in.say;
	uint64_t number;
	uint32_t i;

	hear(c, MSG_SAY);
	said.kind = m->kind;
	said.n = m->n;
	assert_true(str_copy(said.chat, sizeof(said.chat), m->chat) >= 0);
	assert_true(str_copy(said.message, sizeof(said.message), m->message) >=
		    0);
	assert_true(str_copy(said.text, sizeof(said.text), m->text) >= 0);
	for (i = 0; i < m->n; i++) {
		assert_true(str_copy(said.label[i], sizeof(said.label[i]),
				     m->buttons[i].label) >= 0);
		assert_true(str_copy(said.data[i], sizeof(said.data[i]),
				     m->buttons[i].data) >= 0);
	}
	number = m->number;
	out.said = (struct m_said){ .number = number,
				    .state = EFFECT_DONE,
				    .message = span_str(id) };
	say(c, MSG_SAID, -1);
}

static const char *button(const char *label)
{
	uint32_t i;

	for (i = 0; i < said.n; i++)
		if (!strcmp(said.label[i], label))
			return said.data[i];
	return NULL;
}

/* The ticket of the call behind it has its card, under that id. */
static void shown(const char *id, const char *chat)
{
	listen(&cards, id);
	assert_int_equal(said.kind, SAY_CARD);
	assert_string_equal(said.chat, chat);
}

static void word(uint8_t kind, const char *who, const char *chat,
		 const char *message, const char *data, uint8_t flags)
{
	char id[32];

	(void)str_printf(id, sizeof(id), "w%d", (int)++heard);
	out.heard = (struct m_heard){
		.number = heard,
		.kind = kind,
		.flags = flags,
		.id = span_str(id),
		.sender = span_str(who),
		.chat = span_str(chat),
		.message = span_str(message),
		.press = span_str(kind == HEARD_BUTTON ? id : ""),
		.data = span_str(kind == HEARD_BUTTON ? data : ""),
		.text = span_str(kind == HEARD_TEXT ? data : ""),
	};
	say(&cards, MSG_HEARD, -1);
}

static void heard_ok(void)
{
	hear(&cards, MSG_HEARD_OK);
	assert_int_equal(in.heard_ok.number, heard);
}

/* The very next thing is that it was heard: nobody was answered. */
static void ignored(void)
{
	const char *why;

	assert_int_equal(chan_recv(&cards, &in, &why), 1);
	assert_int_equal(in.type, MSG_HEARD_OK);
}

static struct m_c_approval one(uint64_t ticket, char code[16])
{
	struct m_c_approval a;

	out.c_approvals = (struct m_c_approvals){ .ticket = ticket, .code = 1 };
	say(&w.control, MSG_C_APPROVALS, -1);
	hear(&w.control, MSG_C_APPROVAL);
	a = in.c_approval;
	if (code)
		assert_true(str_copy(code, 16, a.code) >= 0);
	hear(&w.control, MSG_C_OK);
	return a;
}

static void carried_out(void)
{
	uint64_t effect;

	hear(&drafts, MSG_EFFECT);
	effect = in.effect.effect;
	out.effect_done = (struct m_effect_done){ .effect = effect,
						  .state = EFFECT_DONE,
						  .detail = SPAN_LIT("ok") };
	say(&drafts, MSG_EFFECT_DONE, -1);
}

static void nothing_done(void)
{
	struct pollfd p = { .fd = drafts.fd, .events = POLLIN };

	alive();
	assert_int_equal(poll(&p, 1, 50), 0);
}

static void test_yes(void **)
{
	char data[65];
	uint64_t q;

	(void)task();
	q = ask("note.ask", "one");
	shown("77", OWNER_ID);
	assert_non_null(strstr(said.text, "q1, log "));
	assert_non_null(strstr(said.text, "note.ask"));
	assert_non_null(button("Refuse"));
	assert_non_null(button("Refuse and freeze"));
	assert_non_null(button("Approve 3 times"));
	assert_null(button("Always"));
	(void)str_printf(data, sizeof(data), "%s", button("Approve"));
	/* Somebody else; in another chat; a bot; edited; forwarded. */
	word(HEARD_BUTTON, EVE_ID, OWNER_ID, "77", data, 0);
	ignored();
	word(HEARD_BUTTON, MEI_ID, OWNER_ID, "77", data, 0);
	ignored();
	word(HEARD_BUTTON, OWNER_ID, EVE_ID, "77", data, 0);
	ignored();
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "77", data, CHAT_BOT);
	ignored();
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "77", data, CHAT_FORWARD);
	ignored();
	assert_int_equal(one(q, NULL).state, APPROVAL_PENDING);
	/* The owner, with a button of his own making; of another message. */
	data[strlen(data) - 1] ^= 1;
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "77", data, 0);
	listen(&cards, "");
	assert_int_equal(said.kind, SAY_TOAST);
	heard_ok();
	data[strlen(data) - 1] ^= 1;
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "78", data, 0);
	listen(&cards, "");
	heard_ok();
	assert_int_equal(one(q, NULL).state, APPROVAL_PENDING);
	nothing_done();
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "77", data, 0);
	listen(&cards, "");
	assert_int_equal(said.kind, SAY_TOAST);
	assert_string_equal(said.text, "approved");
	carried_out();
	listen(&cards, "");
	assert_int_equal(said.kind, SAY_CHANGE);
	assert_string_equal(said.message, "77");
	assert_int_equal(said.n, 0);
	assert_int_equal(one(q, NULL).state, APPROVAL_FIRED);
	/* Once is once. */
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "77", data, 0);
	listen(&cards, "");
	nothing_done();
}

static void test_no_and_freeze(void **)
{
	uint64_t q, number = task();
	char data[65];

	q = ask("note.ask", "one");
	shown("1", OWNER_ID);
	(void)str_printf(data, sizeof(data), "%s", button("Refuse"));
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "1", data, 0);
	listen(&cards, "");
	listen(&cards, "");
	assert_int_equal(said.kind, SAY_CHANGE);
	assert_int_equal(one(q, NULL).state, APPROVAL_REFUSED);
	(void)ask("note.ask", "two");
	shown("2", OWNER_ID);
	(void)str_printf(data, sizeof(data), "%s", button("Refuse and freeze"));
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "2", data, 0);
	hear(&w.monitor, MSG_LATCH);
	assert_int_equal(in.latch.level, LATCH_TASK);
	assert_int_equal(in.latch.task, number);
	nothing_done();
}

static void test_quorum(void **)
{
	char data[65];
	uint64_t q;

	(void)task();
	q = ask("note.two", "one");
	shown("1", OWNER_ID);
	(void)str_printf(data, sizeof(data), "%s", button("Approve"));
	shown("2", MEI_ID);
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "1", data, 0);
	listen(&cards, "");
	listen(&cards, "");
	assert_int_equal(said.kind, SAY_CHANGE);
	assert_string_equal(said.message, "1");
	/* The same word again is not another one's. */
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "1", data, 0);
	listen(&cards, "");
	assert_int_equal(one(q, NULL).state, APPROVAL_PENDING);
	nothing_done();
	word(HEARD_BUTTON, MEI_ID, MEI_ID, "2", data, 0);
	carried_out();
	/* An approver who is not the owner stops nothing else. */
	word(HEARD_TEXT, MEI_ID, MEI_ID, "", "/kill", 0);
	alive();
}

/* What the policy asks on one way is said on no other, and counts on none. */
static void test_via(void **)
{
	struct m_c_approval a;
	uint64_t cli, chat;

	(void)task();
	cli = ask("note.cli", "one");
	chat = ask("note.ask", "two");
	shown("1", OWNER_ID);
	assert_non_null(strstr(said.text, "q2, log "));
	a = one(chat, NULL);
	out.c_approve = (struct m_c_approve){ .ticket = chat, .times = 1 };
	memcpy(out.c_approve.hash, a.hash, 32);
	say(&w.control, MSG_C_APPROVE, -1);
	hear(&w.control, MSG_C_FAIL);
	a = one(cli, NULL);
	out.c_approve = (struct m_c_approve){ .ticket = cli, .times = 1 };
	memcpy(out.c_approve.hash, a.hash, 32);
	say(&w.control, MSG_C_APPROVE, -1);
	hear(&w.control, MSG_C_OK);
	carried_out();
}

static void test_slack(void **)
{
	struct chan slack, telegram;
	char data[65];

	(void)task();
	(void)ask("note.slack", "one");
	connect_to("scards", "slack", WAY_APPROVALS, &slack);
	listen(&slack, "1.5");
	assert_int_equal(said.kind, SAY_CARD);
	assert_string_equal(said.chat, "D0OWNER");
	(void)str_printf(data, sizeof(data), "%s", button("Approve"));
	/* The right button, by the id of another provider. */
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "1.5", data, 0);
	alive();
	nothing_done();
	telegram = cards;
	cards = slack;
	word(HEARD_BUTTON, "U0EVE", "D0OWNER", "1.5", data, 0);
	ignored();
	word(HEARD_BUTTON, "U0OWNER", "D0OWNER", "1.5", data, 0);
	carried_out();
	slack = cards;
	cards = telegram;
	chan_done(&slack);
}

static void test_code(void **)
{
	char code[16], text[64];
	uint64_t q;

	(void)task();
	q = ask("note.code", "one");
	shown("1", OWNER_ID);
	assert_null(button("Approve"));
	assert_non_null(button("Refuse"));
	(void)one(q, code);
	assert_int_equal(strlen(code), APPROVAL_CODE);
	assert_null(strstr(said.text, code));
	(void)str_printf(text, sizeof(text), "/yes q%d %c%s", (int)q,
			 code[0] == '9' ? '0' : code[0] + 1, code + 1);
	word(HEARD_TEXT, OWNER_ID, OWNER_ID, "", text, 0);
	listen(&cards, "");
	assert_int_equal(one(q, NULL).state, APPROVAL_PENDING);
	(void)str_printf(text, sizeof(text), "/yes q%d %s", (int)q, code);
	word(HEARD_TEXT, EVE_ID, OWNER_ID, "", text, 0);
	nothing_done();
	word(HEARD_TEXT, OWNER_ID, OWNER_ID, "", text, 0);
	carried_out();
}

/* The buttons are under the last part, and are not said before the others. */
static void test_long(void **)
{
	static char text[16001];
	char data[65];
	unsigned parts = 1;

	memset(text, 'x', 12000);
	(void)task();
	(void)ask("note.long", text);
	for (;;) {
		shown("5", OWNER_ID);
		assert_true(strlen(said.text) <= 4096);
		if (said.n)
			break;
		parts++;
	}
	assert_true(parts >= 4);
	(void)str_printf(data, sizeof(data), "%s", button("Approve"));
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "5", data, 0);
	carried_out();
	/* What nobody can be shown all of is not approved there. */
	memset(text, 0xc2, sizeof(text) - 1);
	for (parts = 1; parts < sizeof(text) - 1; parts += 2)
		text[parts] = (char)0xad;
	(void)ask("note.long", text);
	do
		listen(&cards, "6");
	while (said.kind != SAY_CARD || !said.n);
	assert_null(button("Approve"));
	assert_non_null(button("Refuse"));
}

/* What was said stays said, and its buttons stay good. */
static void test_restart(void **)
{
	struct pollfd p;
	char data[65];

	(void)task();
	(void)ask("note.ask", "one");
	shown("77", OWNER_ID);
	(void)str_printf(data, sizeof(data), "%s", button("Approve"));
	(void)one(1, NULL);
	alive();
	chan_done(&cards);
	chan_done(&agent);
	chan_done(&drafts);
	world_end();
	world_begin();
	connect_all();
	alive();
	p = (struct pollfd){ .fd = cards.fd, .events = POLLIN };
	assert_int_equal(poll(&p, 1, 50), 0);
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "77", data, 0);
	carried_out();
}

/* A part that was not said is none that he has seen. */
static void test_not_said(void **)
{
	char data[65];

	(void)task();
	(void)ask("note.ask", "one");
	hear(&cards, MSG_SAY);
	assert_true(str_copy(data, sizeof(data), in.say.buttons[0].data) >= 0);
	out.said = (struct m_said){ .number = in.say.number,
				    .state = EFFECT_UNKNOWN };
	say(&cards, MSG_SAID, -1);
	word(HEARD_BUTTON, OWNER_ID, OWNER_ID, "77", data, 0);
	listen(&cards, "");
	assert_int_equal(said.kind, SAY_TOAST);
	nothing_done();
}

static void test_commands(void **)
{
	word(HEARD_TEXT, EVE_ID, EVE_ID, "", "/kill", 0);
	ignored();
	word(HEARD_TEXT, OWNER_ID, OWNER_ID, "", "/status", 0);
	listen(&cards, "");
	assert_int_equal(said.kind, SAY_TEXT);
	assert_non_null(strstr(said.text, "at work"));
	assert_non_null(strstr(said.text, "log "));
	word(HEARD_TEXT, OWNER_ID, OWNER_ID, "", "/tasks", 0);
	listen(&cards, "");
	assert_non_null(strstr(said.text, "no tasks"));
	word(HEARD_TEXT, OWNER_ID, OWNER_ID, "", "hello", 0);
	listen(&cards, "");
	assert_non_null(strstr(said.text, "/kill"));
	word(HEARD_TEXT, OWNER_ID, OWNER_ID, "", "/kill task 7", 0);
	hear(&w.monitor, MSG_LATCH);
	assert_int_equal(in.latch.level, LATCH_TASK);
	assert_int_equal(in.latch.task, 7);
	word(HEARD_TEXT, OWNER_ID, OWNER_ID, "", "/kill capability note.ask",
	     0);
	hear(&w.monitor, MSG_LATCH);
	assert_int_equal(in.latch.level, LATCH_CAPABILITY);
	assert_true(span_is(in.latch.capability, "note.ask"));
	/* What is not understood stops everything. */
	word(HEARD_TEXT, OWNER_ID, OWNER_ID, "", "/kill evrything", 0);
	hear(&w.monitor, MSG_LATCH);
	assert_int_equal(in.latch.level, LATCH_ALL);
	assert_true(span_is(in.latch.by, "owner"));
}

/* The same word again, as a connector says it that was ended in between. */
static void test_heard_once(void **)
{
	word(HEARD_TEXT, OWNER_ID, OWNER_ID, "", "/status", 0);
	listen(&cards, "");
	heard_ok();
	heard--;
	word(HEARD_TEXT, OWNER_ID, OWNER_ID, "", "/status", 0);
	ignored();
}

/* --- talk ----------------------------------------------------------------- */

static uint64_t update(const char *who, const char *chat, uint8_t flags,
		       const char *text)
{
	CLEAN_FD int record = record_memfd();
	struct chan envelope, reader;
	uint64_t item = new_item("u1", &envelope), vm;

	out.envelope = (struct m_envelope){ .ok = 1,
					    .chat_flags = flags,
					    .sender = span_str(who),
					    .chat = span_str(chat),
					    .chat_ref = SPAN_LIT("5"),
					    .text = span_str(text) };
	say(&envelope, MSG_ENVELOPE, -1);
	vm = new_vm(VM_READER, item, &reader);
	out.empty = (struct m_empty){ 0 };
	say(&reader, MSG_RECORD, record);
	(void)vm;
	chan_done(&envelope);
	chan_done(&reader);
	return item;
}

static void test_talk(void **)
{
	uint64_t item = update(OWNER_ID, OWNER_ID, CHAT_DIRECT, "Do it.");
	uint64_t number;

	hear(&w.monitor, MSG_TASK_START);
	number = in.task_start.task;
	assert_int_equal(in.task_start.item, 0);
	(void)new_vm(VM_PLANNER, 0, &planner);
	hear(&w.monitor, MSG_ITEM_VERDICT);
	assert_int_equal(in.item_verdict.item, item);
	assert_int_equal(in.item_verdict.verdict, ITEM_READ);
	out.empty = (struct m_empty){ 0 };
	say(&planner, MSG_TASK_GET, -1);
	hear(&planner, MSG_TASK);
	assert_true(span_is(in.task.instruction, "Do it."));
	assert_int_equal(in.task.has_item, 0);
	out.text.text = SPAN_LIT("Done\x1b[2J.");
	say(&planner, MSG_ANSWER, -1);
	hear(&planner, MSG_ANSWER_OK);
	assert_int_equal(in.ids.task, number);
	listen(&agent, "9");
	assert_int_equal(said.kind, SAY_TEXT);
	assert_string_equal(said.chat, OWNER_ID);
	assert_string_equal(said.text, "Done\\u{1B}[2J.");
}

/* Nobody else gives orders, and the owner none in words that are not his. */
static void test_talk_of_others(void **)
{
	static const struct {
		const char *who, *chat;
		uint8_t flags;
	} rows[] = {
		{ EVE_ID, EVE_ID, CHAT_DIRECT },
		{ MEI_ID, MEI_ID, CHAT_DIRECT },
		{ OWNER_ID, "-100123", 0 },
		{ OWNER_ID, OWNER_ID, CHAT_DIRECT | CHAT_FORWARD },
		{ OWNER_ID, OWNER_ID, CHAT_DIRECT | CHAT_MORE },
		{ OWNER_ID, OWNER_ID, CHAT_DIRECT | CHAT_EDITED },
		{ OWNER_ID, OWNER_ID, CHAT_DIRECT | CHAT_BOT },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *why;

		(void)update(rows[i].who, rows[i].chat, rows[i].flags,
			     "Do it.");
		assert_int_equal(chan_recv(&w.monitor, &in, &why), 1);
		while (in.type == MSG_LEASE)
			assert_int_equal(chan_recv(&w.monitor, &in, &why), 1);
		assert_int_equal(in.type, MSG_ITEM_VERDICT);
	}
}

/* --- by the clock --------------------------------------------------------- */

static int west_or_east(void *ctx, const char *name, struct buf *to)
{
	static const uint8_t types[] = { 0, 0, 0, 1, 0, 0, 0, 4 };
	const bool west = !strcmp(name, "Etc/West");
	const int32_t offset = west ? -12 * 3600 : 14 * 3600;
	static const uint8_t none[15];
	int block;

	(void)ctx;
	for (block = 0; block < 2; block++) {
		buf_str(to, "TZif2");
		buf_put(to, none, 15);
		buf_put(to, none, 12);
		buf_put(to, none, 4);
		buf_put(to, types, sizeof(types));
		buf_u8(to, (uint8_t)((uint32_t)offset >> 24));
		buf_u8(to, (uint8_t)((uint32_t)offset >> 16));
		buf_u8(to, (uint8_t)((uint32_t)offset >> 8));
		buf_u8(to, (uint8_t)offset);
		buf_put(to, "\0\0XXX", 6);
	}
	buf_str(to, west ? "\nXXX12\n" : "\nXXX-14\n");
	return 0;
}

static void in_zone(const char *text, struct buf *bundle)
{
	const struct policy_zones zones = { .read = west_or_east };
	struct policy *p;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	buf_init(bundle, POLICY_BUNDLE_MAX);
	if (policy_pack("p", span_str(text), &zones, bundle, &p, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
	policy_free(p);
	w.bundle = buf_view(bundle);
}

static void again(void)
{
	chan_done(&cards);
	chan_done(&agent);
	chan_done(&drafts);
	world_end();
	world_begin();
	connect_all();
	alive();
}

/* From the west of the date line to its east it is another day: what is done
 * every midnight is due, and once, however many days were missed. */
static void test_every_day(void **)
{
	CLEAN_BUF struct buf west = { 0 };
	CLEAN_BUF struct buf east = { 0 };
	const char *why;

	w.tasks = "triage\n@0\x1fGive me the day's summary.\x1e#0\x1f\x1e";
	in_zone(POLICY_OF("Etc/West"), &west);
	again();
	in_zone(POLICY_OF("Etc/East"), &east);
	again();
	hear(&w.monitor, MSG_TASK_START);
	assert_int_equal(in.task_start.item, 0);
	(void)new_vm(VM_PLANNER, 0, &planner);
	out.empty = (struct m_empty){ 0 };
	say(&planner, MSG_TASK_GET, -1);
	hear(&planner, MSG_TASK);
	assert_true(span_is(in.task.instruction, "Give me the day's summary."));
	listen(&cards, "3");
	assert_int_equal(said.kind, SAY_TEXT);
	assert_string_equal(said.chat, OWNER_ID);
	assert_non_null(strstr(said.text, "audit "));
	assert_non_null(strstr(said.text, " records, root "));
	assert_non_null(strstr(said.text, "requests wait for a word"));
	out.text.text = SPAN_LIT("All is well.");
	say(&planner, MSG_ANSWER, -1);
	listen(&agent, "4");
	assert_string_equal(said.text, "All is well.");
	again();
	while (poll(&(struct pollfd){ .fd = w.monitor.fd, .events = POLLIN }, 1,
		    50) > 0) {
		assert_int_equal(chan_recv(&w.monitor, &in, &why), 1);
		assert_int_not_equal(in.type, MSG_TASK_START);
	}
	assert_int_equal(
		poll(&(struct pollfd){ .fd = cards.fd, .events = POLLIN }, 1,
		     50),
		0);
}

/* Nobody but a chat of approvals is heard. */
static void test_unasked(void **)
{
	struct chan mine = cards;

	cards = agent;
	word(HEARD_TEXT, OWNER_ID, OWNER_ID, "", "/kill", 0);
	agent = cards;
	cards = mine;
	alive();
	word(HEARD_TEXT, OWNER_ID, OWNER_ID, "", "/status", 0);
	listen(&cards, "");
	assert_non_null(strstr(said.text, "at work"));
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, start, stop)

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		T(yes),
		T(no_and_freeze),
		T(quorum),
		T(via),
		T(slack),
		T(code),
		T(long),
		T(restart),
		T(not_said),
		T(commands),
		T(heard_once),
		T(talk),
		T(talk_of_others),
		T(every_day),
		T(unasked),
	};

	if (argc != 2)
		return 2;
	libexec = argv[1];
	(void)signal(SIGPIPE, SIG_IGN);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
