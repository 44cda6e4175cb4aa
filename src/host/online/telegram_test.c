/* telegram_test: no update is lost and none doubled; no message is sent twice.
 */
#include "chat_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdio.h>

#define API "call https://api.example:443/bot123:abc/"
/* Nothing is waited for until it is known to be up. */
#define FIRST(offset) ASK(offset, "0")
#define POLL(offset)  ASK(offset, "50")
#define ASK(offset, wait)                                                      \
	API "getUpdates  {\"offset\":" offset ",\"timeout\":" wait             \
	    ",\"limit\":32,\"allowed_updates\":[\"message\","                  \
	    "\"edited_message\",\"channel_post\",\"edited_channel_post\"]}\n"
#define ASK_APPROVALS(offset, wait)                                            \
	API "getUpdates  {\"offset\":" offset ",\"timeout\":" wait             \
	    ",\"limit\":32,\"allowed_updates\":[\"message\","                  \
	    "\"callback_query\"]}\n"
#define SEND(text)                                                             \
	API "sendMessage  {\"chat_id\":7,\"text\":\"" text                     \
	    "\",\"link_preview_options\":{\"is_disabled\":true}}\n"
#define OK(result) "{\"ok\":true,\"result\":" result "}"
#define U(id)	   "{\"update_id\":" id "}"

static void start(bool approvals, bool again)
{
	rig_start(&telegram_kind, "123:abc", approvals, again);
	rig_is("link connecting \n");
	rig_timers();
}

static void item_kept(const char *key)
{
	rig.o.kind->item_kept(&rig.o, span_str(key));
}

/* The server hears of later ones when all of an answer's are durable here; and
 * what is durable, is so over a restart. */
static void offset(void **state)
{
	(void)state;
	start(false, false);
	rig_is(FIRST("0"));
	rig_answer(200, 0, OK("[" U("5") "," U("8") "]"));
	rig_is("link up \nitem 123/5 {\"update_id\":5}\n"
	       "item 123/8 {\"update_id\":8}\n");
	item_kept("123/8");
	rig_timers();
	rig_is("");
	item_kept("123/5");
	rig_timers();
	rig_is(POLL("9"));
	rig_answer(200, 0, OK("[]"));
	rig_timers();
	rig_is(POLL("9"));
	rig_answer(200, 0, OK("[" U("9") "]"));
	rig_stop();
	start(false, true);
	rig_is(FIRST("9"));
	rig_done();
}

/* More than may be on their way, and a host that is short of something. */
static void few_at_once(void **state)
{
	(void)state;
	start(false, false);
	rig.no_room = -EMFILE;
	rig_answer(
		200, 0,
		OK("[" U("1") "," U("2") "," U("3") "," U("4") "," U("5") "]"));
	rig_is(FIRST("0") "link up \n");
	rig.no_room = 0;
	rig_timers();
	rig_is("item 123/1 {\"update_id\":1}\nitem 123/2 {\"update_id\":2}\n"
	       "item 123/3 {\"update_id\":3}\nitem 123/4 {\"update_id\":4}\n");
	item_kept("123/9");
	rig_is("");
	item_kept("123/2");
	rig_is("item 123/5 {\"update_id\":5}\n");
	item_kept("123/1");
	item_kept("123/3");
	item_kept("123/4");
	item_kept("123/4");
	rig_timers();
	rig_is("");
	item_kept("123/5");
	rig_timers();
	rig_is(POLL("6"));
	rig_done();
}

/* Faults of the server move nothing. */
static void faults(void **state)
{
	static const struct {
		long status;
		const char *body;
		const char *says;
	} rows[] = {
		{ 200, "{}", "waiting the answer is none of the Bot API" },
		{ 502, "<html>", "waiting the answer is none of the Bot API" },
		{ 200, OK("{}"), "waiting its updates are not as documented" },
		{ 200, OK("[" U("6") "," U("5") "]"),
		  "waiting its updates are not as documented" },
		{ 401,
		  "{\"ok\":false,\"error_code\":401,\"description\":"
		  "\"Unauthorized\"}",
		  "refused the server says: 401 Unauthorized" },
		{ 409,
		  "{\"ok\":false,\"error_code\":409,\"description\":\"C\"}",
		  "waiting the server says: 409 C" },
		{ 429,
		  "{\"ok\":false,\"error_code\":429,\"description\":\"T\","
		  "\"parameters\":{\"retry_after\":3}}",
		  "waiting the server says: 429 T" },
	};
	char want[256];
	size_t i;

	(void)state;
	start(false, false);
	rig_is(FIRST("0"));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		rig_answer(rows[i].status, 0, rows[i].body);
		(void)snprintf(want, sizeof(want), "link %s\n", rows[i].says);
		rig_is(want);
		rig_timers();
		rig_is(FIRST("0"));
	}
	rig_fail(true);
	rig_is("link waiting no answer\n");
	rig_timers();
	rig_is(FIRST("0"));
	rig_answer(200, 0, OK("[]"));
	rig_is("link up \n");
	rig_done();
}

#define TEXT_UPDATE(id, text)                                                  \
	"{\"update_id\":" id ",\"message\":{\"message_id\":3,\"date\":1,"      \
	"\"from\":{\"id\":7,\"is_bot\":false},\"chat\":{\"id\":7},\"text\":"   \
	"\"" text "\"}}"

/* One word at a time, in their order, and only people's. */
static void approvals(void **state)
{
	(void)state;
	start(true, false);
	rig_is(ASK_APPROVALS("0", "0"));
	rig_answer(200, 0,
		   OK("[" U("4") "," TEXT_UPDATE(
			   "5", "/kill") ","
					 "{\"update_id\":6,\"callback_query\":{"
					 "\"id\":\"77\","
					 "\"from\":{\"id\":7,\"is_bot\":false},"
					 "\"message\":"
					 "{\"message_id\":4,\"chat\":{\"id\":7}"
					 "},\"data\":\"y\"}}]"));
	rig_is("link up \nheard text of 7: /kill\n");
	rig.o.in.heard_ok.number = 5;
	rig.o.kind->heard_ok(&rig.o);
	rig_is("heard press of 7: y\n");
	rig_timers();
	rig_is("");
	rig.o.in.heard_ok.number = 6;
	rig.o.kind->heard_ok(&rig.o);
	rig_timers();
	rig_is(ASK_APPROVALS("7", "50"));
	rig.o.kind->heard_ok(&rig.o);
	rig_is("end -71\n");
	rig_done();
}

/* The poll is answered first, so that what is sent is all that waits. */
static void quiet(void)
{
	start(false, false);
	rig_answer(200, 0, OK("[" U("1") "]"));
	buf_reset(&rig.log);
}

/* Each end of a call, and what is said of the effect then. */
static void ends(void **state)
{
	static const struct {
		long status;
		const char *body;
		const char *says;
	} rows[] = {
		{ 200, OK("{\"message_id\":44}"), "done 44" },
		{ 200, OK("{}"), "unknown the answer names no message" },
		{ 200, "", "unknown the answer is none of the Bot API" },
		{ 502, "{\"ok\":false}",
		  "unknown the answer is none of the Bot API" },
		{ 403,
		  "{\"ok\":false,\"error_code\":403,\"description\":\"F\"}",
		  "failed the server says: 403 F" },
		{ 429,
		  "{\"ok\":false,\"error_code\":429,\"description\":\"T\","
		  "\"parameters\":{\"retry_after\":61}}",
		  "failed the server says: 429 T" },
	};
	char want[512];
	size_t i;

	(void)state;
	quiet();
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		rig_effect(i + 1, "chat", "telegram:7", "hi");
		assert_true(rig.held);
		rig_answer(rows[i].status, 0, rows[i].body);
		(void)snprintf(want, sizeof(want),
			       SEND("hi") "effect %zu of 9 %s\n", i + 1,
			       rows[i].says);
		rig_is(want);
		assert_false(rig.held);
		rig_timers();
		rig_is("");
	}
	rig_effect(7, "chat", "7", "hi");
	rig_fail(true);
	rig_is(SEND("hi") "effect 7 of 9 unknown no answer\n");
	rig_effect(8, "chat", "7", "hi");
	rig_fail(false);
	rig_is(SEND("hi") "effect 8 of 9 failed no answer\n");
	rig_effect(9, "chat", "7", "hi");
	rig.killed = true;
	rig_answer(200, 0, OK("{\"message_id\":44}"));
	rig_is(SEND("hi") "effect 9 of 9 failed killed before it was done\n");
	rig_done();
}

/* What the server did not take is sent again, as often as is said. */
static void put_off(void **state)
{
	static const char busy[] =
		"{\"ok\":false,\"error_code\":429,\"description\":\"T\","
		"\"parameters\":{\"retry_after\":1}}";
	size_t i;

	(void)state;
	quiet();
	rig_effect(1, "chat", "7", "hi");
	for (i = 0; i < 3; i++) {
		rig_answer(429, 0, busy);
		rig_is(SEND("hi"));
		assert_true(rig.held);
		rig_timers();
	}
	rig_answer(429, 0, busy);
	rig_is(SEND("hi") "effect 1 of 9 failed the server says: 429 T\n");
	rig_timers();
	rig_is("");
	rig_done();
}

static void bad_effects(void **state)
{
	static char text[4098];

	(void)state;
	quiet();
	rig_effect(1, "chat", "@name", "hi");
	rig_is("effect 1 of 9 failed it is no message of Telegram's\n");
	rig_effect(2, "to", "7", "hi");
	rig_is("effect 2 of 9 failed an argument is none of chat, channel and "
	       "text\n");
	rig_effect(3, "chat", "7", "");
	rig_is("effect 3 of 9 failed there is no chat, or no text\n");
	memset(text, 'x', 4097);
	rig_effect(4, "chat", "7", text);
	rig_is("effect 4 of 9 failed the text is longer than one message may "
	       "be\n");
	assert_false(rig.held);
	rig_done();
}

/* A long answer to the owner goes in parts; one that fails behind the first is
 * neither done nor failed. */
static void says(void **state)
{
	static char text[5001];

	(void)state;
	quiet();
	rig_say(1, SAY_CARD, "", "card");
	rig_answer(200, 0, OK("{\"message_id\":45}"));
	rig_is(API
	       "sendMessage  {\"chat_id\":7,\"text\":\"card\",\"entities\":["
	       "{\"type\":\"pre\",\"offset\":0,\"length\":4}],"
	       "\"link_preview_options\":{\"is_disabled\":true},"
	       "\"reply_markup\":{\"inline_keyboard\":[[{\"text\":\"Yes\","
	       "\"callback_data\":\"y:1\"}]]}}\nsaid 1 done 45\n");
	rig_say(2, SAY_TOAST, "77", "ok");
	rig_answer(200, 0, OK("true"));
	rig_is(API "answerCallbackQuery  {\"callback_query_id\":\"77\","
		   "\"text\":\"ok\"}\nsaid 2 done \n");
	rig_say(3, SAY_CHANGE, "45", "done");
	rig_answer(200, 0, OK("true"));
	rig_is(API "editMessageText  {\"chat_id\":7,\"message_id\":45,"
		   "\"text\":\"done\",\"entities\":[{\"type\":\"pre\","
		   "\"offset\":0,\"length\":4}],\"link_preview_options\":"
		   "{\"is_disabled\":true}}\n"
		   "said 3 done \n");
	memset(text, 'x', 5000);
	rig_say(4, SAY_TEXT, "", text);
	rig_answer(200, 0, OK("{\"message_id\":46}"));
	buf_reset(&rig.log);
	rig_answer(403, 0, "{\"ok\":false}");
	rig_is("said 4 unknown 46the server says: 0 \n");
	rig_done();
}

static void bad_token(void **state)
{
	(void)state;
	rig_start(&telegram_kind, "secret", false, false);
	rig_is("link refused its secret is no token of a bot, 123456:ABC...\n");
	rig_timers();
	rig_effect(1, "chat", "7", "hi");
	rig_is("effect 1 of 9 failed its secret is no token of a bot, "
	       "123456:ABC...\n");
	rig_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(offset),      cmocka_unit_test(few_at_once),
		cmocka_unit_test(faults),      cmocka_unit_test(approvals),
		cmocka_unit_test(ends),	       cmocka_unit_test(put_off),
		cmocka_unit_test(bad_effects), cmocka_unit_test(says),
		cmocka_unit_test(bad_token),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
