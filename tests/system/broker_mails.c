/*
 * broker_mails: what a mail's header can make of its label. Raw mails go
 * through the real envelope process into the real broker, each in its sandbox,
 * with the test as everybody else. The argument is the folder of the bulkhead-*
 * binaries.
 */
#include <jansson.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>

#include "base/fd.h"
#include "base/str.h"
#include "peers_rig.h"

#define LEA    "From: Lea <lea@example.org>\r\n"
#define EVE    "From: Eve <eve@evil.example>\r\n"
#define AUTH   "Authentication-Results: "
#define OURS   AUTH "mx.example.org; "
#define PASS   "dmarc=pass header.from=example.org\r\n"
#define NOBODY "external", "secret"
#define IS_LEA "known", "=email/lea@example.org"
#define IS_EVE "external", "=email/eve@evil.example"

/* The source may be known; whether an item of it is, is its sender's doing. */
static char text[] =
	"bulkhead: 1\n"
	"mode: enforce\n"
	"sets: {family: [lea@example.org, max@example.org]}\n"
	"sources:\n"
	"  mail: {reader: email, connector: inbox, integrity: known,\n"
	"    audience: thread, reveal: text}\n"
	"capabilities:\n"
	"  reply: {connector: outbox, effect: external, undo: none, args: {\n"
	"      thread: {type: handle, of: mail.thread, role: selector,\n"
	"               from: [handle], else: deny},\n"
	"      body: {type: text, max: 2KiB, role: content,\n"
	"             from: [planner, handle]}},\n"
	"    flow: {body: audience},\n"
	"    decide: [{allow: {thread: {sender_in: family}}}],\n"
	"    limits: {rate: 100/hour}}\n"
	"  send: {connector: outbox, effect: external, undo: none, args: {\n"
	"      to: {type: email, role: target, in: family},\n"
	"      body: {type: text, max: 2KiB, role: content}},\n"
	"    flow: {body: audience}, decide: [{allow: {}}],\n"
	"    limits: {rate: 100/hour}}\n";

static const struct {
	const char *what, *header;
	const char *integrity, *readers;
	const char *set; /* that the planner is told; NULL: none */
} mails[] = {
	{ "proved", OURS PASS LEA, IS_LEA, "family" },
	{ "proved, in capitals and folded",
	  "AUTHENTICATION-RESULTS:\r\n MX.Example.Org;\r\n\tspf=pass;\r\n"
	  " DMARC=Pass (p=none)\r\n header.from=EXAMPLE.ORG\r\n" LEA,
	  IS_LEA, "family" },
	{ "a stranger with valid DMARC",
	  OURS "dmarc=pass header.from=evil.example\r\n" EVE, IS_EVE, NULL },
	{ "nobody says anything", LEA, NOBODY, NULL },
	{ "another server", AUTH "mx.evil.example; " PASS LEA, NOBODY, NULL },
	{ "a server that only begins so",
	  AUTH "mx.example.org.evil.example; " PASS LEA, NOBODY, NULL },
	{ "ours below another one", AUTH "mx.evil.example; " PASS OURS PASS LEA,
	  NOBODY, NULL },
	{ "a second one of ours",
	  OURS "dmarc=fail header.from=example.org\r\n" OURS PASS LEA, NOBODY,
	  NULL },
	{ "a second one where the first says nothing",
	  OURS "spf=pass\r\n" OURS PASS LEA, NOBODY, NULL },
	{ "a result in a comment",
	  OURS "dmarc=fail (dmarc=pass header.from=example.org)\r\n" LEA,
	  NOBODY, NULL },
	{ "a result in a string",
	  OURS "dmarc=fail reason=\"; dmarc=pass "
	       "header.from=example.org\"\r\n" LEA,
	  NOBODY, NULL },
	{ "a comment without an end", OURS "(" PASS LEA, NOBODY, NULL },
	{ "two results", OURS "dmarc=fail header.from=example.org; " PASS LEA,
	  NOBODY, NULL },
	{ "another method", OURS "dkim=pass header.d=example.org\r\n" LEA,
	  NOBODY, NULL },
	{ "ARC", "ARC-Authentication-Results: i=1; mx.example.org; " PASS LEA,
	  NOBODY, NULL },
	{ "another domain", OURS "dmarc=pass header.from=evil.example\r\n" LEA,
	  NOBODY, NULL },
	{ "a domain above", OURS "dmarc=pass header.from=org\r\n" LEA, NOBODY,
	  NULL },
	{ "two of From", OURS PASS LEA EVE, NOBODY, NULL },
	{ "one From of two",
	  OURS PASS "From: lea@example.org, eve@evil.example\r\n", NOBODY,
	  NULL },
	{ "her address as a name",
	  OURS "dmarc=pass header.from=evil.example\r\n"
	       "From: \"lea@example.org\" <eve@evil.example>\r\n",
	  IS_EVE, NULL },
	{ "all that a stranger can name",
	  OURS "dmarc=pass header.from=evil.example\r\n" EVE
	       "Sender: lea@example.org\r\nReply-To: lea@example.org\r\n"
	       "Cc: lea@example.org\r\nReferences: <1@example.org>\r\n"
	       "In-Reply-To: <1@example.org>\r\n",
	  IS_EVE, NULL },
	{ "the server in the body", LEA "\r\n" OURS PASS, NOBODY, NULL },
};

static void connect_one(struct m_connector m, struct chan *c)
{
	int pair[2];

	assert_int_equal(chan_pair(pair), 0);
	chan_limited(c, pair[0]);
	out.connector = m;
	say(&w.monitor, MSG_CONNECTOR, pair[1]);
	fd_close(&pair[1]);
}

/* With the server whose word counts for its mails. */
static void connect_inbox(void)
{
	struct chan inbox;

	connect_one((struct m_connector){ SPAN_LIT("inbox"), 1,
					  SPAN_LIT("mx.example.org") },
		    &inbox);
	chan_done(&inbox);
}

static json_t *first_item(void)
{
	json_t *v = json_loadb((const char *)in.task.items.p, in.task.items.n,
			       0, NULL);
	json_t *first = json_incref(json_array_get(v, 0));

	json_decref(v);
	assert_non_null(first);
	return first;
}

static void is_told(size_t i, const json_t *item)
{
	const json_t *from = json_object_get(item, "from");
	const char *set = json_string_value(json_object_get(from, "set"));
	const bool proved = strcmp(mails[i].readers, "secret") != 0;

	if (json_is_true(json_object_get(from, "proved")) != proved ||
	    !set != !mails[i].set || (set && strcmp(set, mails[i].set) != 0))
		fail_msg("%s: from is not told as it should be", mails[i].what);
}

static void reply(struct chan *planner, const json_t *item)
{
	static char thread[32];

	(void)str_printf(thread, sizeof(thread), "%s",
			 json_string_value(json_object_get(item, "h")));
	out.call.args[0] = (struct m_arg){ SPAN_LIT("thread"), ARG_REF,
					   ARG_SCALAR, span_str(thread) };
	out.call.args[1] = (struct m_arg){ SPAN_LIT("body"), ARG_STRING,
					   ARG_SCALAR, SPAN_LIT("Hi") };
	call(planner, "reply", 2);
}

/* Its answer goes to whoever is proved, and a set has him. */
static void reply_is(size_t i, struct chan *planner, const json_t *item)
{
	reply(planner, item);
	hear(planner, MSG_CALL_RESULT);
	/* allowed, but for the connector, which is not there */
	if (span_is(in.call_result.clause, "no connector") != !!mails[i].set)
		fail_msg("%s: an answer to it is refused with %.*s",
			 mails[i].what, (int)in.call_result.clause.n,
			 (const char *)in.call_result.clause.p);
}

/* What a planner writes who has read the mail may go to its proved sender, and
 * to nobody else, whoever of the family it is. */
static void flow_is(size_t i, struct chan *planner)
{
	static const char *const to[] = { "lea@example.org",
					  "max@example.org" };
	const bool hers = !strcmp(mails[i].readers, "=email/lea@example.org");
	size_t k;

	for (k = 0; k < ARRAY_SIZE(to); k++) {
		out.call.args[0] =
			(struct m_arg){ SPAN_LIT("to"), ARG_STRING, ARG_SCALAR,
					span_str(to[k]) };
		out.call.args[1] = (struct m_arg){ SPAN_LIT("body"), ARG_STRING,
						   ARG_SCALAR, SPAN_LIT("Hi") };
		call(planner, "send", 2);
		hear(planner, MSG_CALL_RESULT);
		if (span_is(in.call_result.clause, "no connector") !=
		    (hers && k == 0))
			fail_msg("%s: a mail to %s comes to %.*s",
				 mails[i].what, to[k],
				 (int)in.call_result.clause.n,
				 (const char *)in.call_result.clause.p);
	}
}

/* Of what its planner has been shown. */
static void label_is(size_t i, uint64_t task)
{
	char label[512], readers[128];

	out.s_ref.id = task;
	say(&w.control, MSG_C_TASKS, -1);
	hear(&w.control, MSG_C_TASK);
	assert_int_equal(str_copy(label, sizeof(label), in.c_task.label), 0);
	hear(&w.control, MSG_C_OK);
	(void)str_printf(readers, sizeof(readers), " readers=%s",
			 mails[i].readers);
	if (strncmp(label, mails[i].integrity, strlen(mails[i].integrity)) !=
		    0 ||
	    strcmp(label + strlen(label) - strlen(readers), readers) != 0)
		fail_msg("%s: label is %s", mails[i].what, label);
}

static void test_headers(void **)
{
	size_t i;

	connect_inbox();
	for (i = 0; i < ARRAY_SIZE(mails); i++) {
		struct chan planner;
		uint64_t vm, task;
		json_t *item;

		(void)planner_of_mail(mails[i].header, &planner, &vm);
		task = in.task_start.task;
		out.empty = (struct m_empty){ 0 };
		say(&planner, MSG_TASK_GET, -1);
		hear(&planner, MSG_TASK);
		item = first_item();
		is_told(i, item);
		reply_is(i, &planner, item);
		flow_is(i, &planner);
		json_decref(item);
		out.text.text = SPAN_LIT("read");
		say(&planner, MSG_ANSWER, -1);
		hear(&planner, MSG_ANSWER_OK);
		vm_gone(vm, "done");
		label_is(i, task);
		chan_done(&planner);
	}
	alive();
}

/* While nobody says whose word counts, nobody's does. */
static void test_no_authserv(void **)
{
	struct chan planner;
	uint64_t vm;
	json_t *item;

	(void)planner_of_mail(OURS PASS LEA, &planner, &vm);
	out.empty = (struct m_empty){ 0 };
	say(&planner, MSG_TASK_GET, -1);
	hear(&planner, MSG_TASK);
	item = first_item();
	assert_true(json_is_false(
		json_object_get(json_object_get(item, "from"), "proved")));
	json_decref(item);
	chan_done(&planner);
}

/* An answer whose outcome nobody knows is not given again by itself, nor by the
 * owner's word: whom it answers only its task knew. He is told so. */
static void test_repeated_answer(void **)
{
	const struct m_connector drafts = { SPAN_LIT("outbox"),
					    2,
					    { NULL, 0 } };
	struct chan planner, outbox;
	uint64_t vm, effect;
	json_t *item;

	connect_inbox();
	connect_one(drafts, &outbox);
	(void)planner_of_mail(OURS PASS LEA, &planner, &vm);
	out.empty = (struct m_empty){ 0 };
	say(&planner, MSG_TASK_GET, -1);
	hear(&planner, MSG_TASK);
	item = first_item();
	reply(&planner, item);
	json_decref(item);
	hear(&outbox, MSG_EFFECT);
	effect = in.effect.effect;
	assert_int_equal(in.effect.n, 3);
	assert_true(span_is(in.effect.args[2].name, "to"));
	assert_true(span_is(in.effect.args[2].value, "lea@example.org"));
	chan_done(&outbox);
	hear(&planner, MSG_CALL_RESULT);
	assert_int_equal(in.call_result.executed, 0);
	assert_true(span_is(in.call_result.reason,
			    "outcome unknown: it will not be repeated"));
	connect_one(drafts, &outbox);
	out.s_ref.id = effect;
	say(&w.control, MSG_C_REPEAT, -1);
	hear(&w.control, MSG_C_FAIL);
	assert_non_null(memmem(in.text.text.p, in.text.text.n,
			       "by a handle of its task", 23));
	alive();
	chan_done(&planner);
	chan_done(&outbox);
}

static int start(void **state)
{
	*state = text;
	return world_start(state);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_headers, start,
						world_stop),
		cmocka_unit_test_setup_teardown(test_no_authserv, start,
						world_stop),
		cmocka_unit_test_setup_teardown(test_repeated_answer, start,
						world_stop),
	};

	if (argc != 2)
		return 2;
	(void)signal(SIGPIPE, SIG_IGN);
	libexec = argv[1];
	return cmocka_run_group_tests_name("broker/mails", tests, NULL, NULL);
}
