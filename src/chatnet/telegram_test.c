/* telegram_test: requests byte by byte, answers, and who says what. */
#include "chatnet/telegram.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static void answers(void **state)
{
	struct telegram_update u[TELEGRAM_UPDATES];
	struct telegram_answer a;

	(void)state;
	assert_true(telegram_answer(
		SPAN_LIT("{\"ok\":true,\"result\":[{\"update_id\":7,\"a\":1},"
			 "{\"update_id\":9}]}"),
		&a));
	assert_true(a.ok);
	assert_int_equal(telegram_updates(a.result, u), 2);
	assert_true(u[0].id == 7 && u[1].id == 9);
	assert_true(span_is(u[0].raw, "{\"update_id\":7,\"a\":1}"));
	assert_true(telegram_answer(
		SPAN_LIT("{\"ok\":false,\"error_code\":429,\"description\":"
			 "\"Too \\u0007\\\"Many\",\"parameters\":"
			 "{\"retry_after\":31}}"),
		&a));
	assert_false(a.ok);
	assert_int_equal(a.error, 429);
	assert_int_equal(a.retry_after_s, 31);
	assert_string_equal(a.description, "Too ??Many");
}

static void bad_answers(void **state)
{
	static const char *const bodies[] = {
		"",
		"[]",
		"{}",
		"<html>502</html>",
		"{\"ok\":1,\"result\":[]}",
		"{\"ok\":true}",
		"{\"ok\":true,\"ok\":true,\"result\":[]}",
		"{\"ok\":true,\"result\":[],\"result\":[]}",
	};
	struct telegram_answer a;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bodies); i++)
		assert_false(telegram_answer(span_str(bodies[i]), &a));
}

static int updates_of(const char *json)
{
	struct telegram_update u[TELEGRAM_UPDATES];
	struct jval v;

	assert_true(jval_parse(span_str(json), &v));
	return telegram_updates(v, u);
}

static void bad_updates(void **state)
{
	char many[(TELEGRAM_UPDATES + 1) * 24 + 2];
	size_t n, at;

	(void)state;
	assert_int_equal(updates_of("[]"), 0);
	assert_int_equal(updates_of("{}"), -1);
	assert_int_equal(updates_of("[{}]"), -1);
	assert_int_equal(updates_of("[{\"update_id\":-1}]"), -1);
	assert_int_equal(updates_of("[{\"update_id\":\"1\"}]"), -1);
	assert_int_equal(updates_of("[{\"update_id\":1,\"update_id\":2}]"), -1);
	assert_int_equal(updates_of("[{\"update_id\":2},{\"update_id\":2}]"),
			 -1);
	assert_int_equal(updates_of("[{\"update_id\":2},{\"update_id\":1}]"),
			 -1);
	for (n = TELEGRAM_UPDATES - 1; n <= TELEGRAM_UPDATES + 1; n++) {
		size_t i;

		at = 0;
		for (i = 0; i < n; i++)
			at += (size_t)snprintf(many + at, sizeof(many) - at,
					       "%c{\"update_id\":%zu}",
					       i ? ',' : '[', i);
		(void)snprintf(many + at, sizeof(many) - at, "]");
		assert_int_equal(updates_of(many),
				 n > TELEGRAM_UPDATES ? -1 : (int)n);
	}
}

static void tokens(void **state)
{
	char bot[24];

	(void)state;
	assert_true(telegram_token_ok(SPAN_LIT("123:aB-_9"), bot, sizeof(bot)));
	assert_string_equal(bot, "123");
	assert_false(telegram_token_ok(SPAN_LIT("123:"), bot, sizeof(bot)));
	assert_false(telegram_token_ok(SPAN_LIT("123"), bot, sizeof(bot)));
	assert_false(telegram_token_ok(SPAN_LIT(":abc"), bot, sizeof(bot)));
	assert_false(telegram_token_ok(SPAN_LIT("x:abc"), bot, sizeof(bot)));
	assert_false(telegram_token_ok(SPAN_LIT("1:a/b"), bot, sizeof(bot)));
	assert_false(telegram_token_ok(SPAN_LIT("1:a\r\n"), bot, sizeof(bot)));
}

/* What a request is, or "" where it is refused. */
static const char *sent(const struct chat_send *s)
{
	static struct buf b;

	buf_done(&b);
	buf_init(&b, CHATNET_REQUEST);
	if (!telegram_send_message(&b, s))
		buf_reset(&b);
	return buf_cstr(&b);
}

static void requests(void **state)
{
	const struct m_button buttons[] = {
		{ SPAN_LIT("Yes"), SPAN_LIT("y:1") },
		{ SPAN_LIT("No\""), SPAN_LIT("n:1") },
	};
	struct chat_send s = { .chat = SPAN_LIT("-100123"),
			       .text = SPAN_LIT("a\"\\\n\x7f") };
	CLEAN_BUF struct buf b;

	(void)state;
	assert_string_equal(sent(&s),
			    "{\"chat_id\":-100123,\"text\":\"a\\\"\\\\\\u000a"
			    "\\u007f\",\"link_preview_options\":"
			    "{\"is_disabled\":true}}");
	s.thread = SPAN_LIT("5");
	s.reply = SPAN_LIT("17");
	s.text = SPAN_LIT("\xf0\x9f\x98\x80!");
	s.fixed = true;
	s.buttons = buttons;
	s.n_buttons = 2;
	assert_string_equal(
		sent(&s),
		"{\"chat_id\":-100123,\"message_thread_id\":5,"
		"\"reply_parameters\":{\"message_id\":17,"
		"\"allow_sending_without_reply\":true},"
		"\"text\":\"\xf0\x9f\x98\x80!\",\"entities\":[{\"type\":"
		"\"pre\",\"offset\":0,\"length\":3}],"
		"\"link_preview_options\":{\"is_disabled\":true},"
		"\"reply_markup\":{\"inline_keyboard\":[[{\"text\":\"Yes\","
		"\"callback_data\":\"y:1\"}],[{\"text\":\"No\\\"\","
		"\"callback_data\":\"n:1\"}]]}}");
	buf_init(&b, CHATNET_REQUEST);
	telegram_get_updates(&b, 8, 50, false);
	assert_string_equal(buf_cstr(&b),
			    "{\"offset\":8,\"timeout\":50,\"limit\":32,"
			    "\"allowed_updates\":[\"message\","
			    "\"edited_message\",\"channel_post\","
			    "\"edited_channel_post\"]}");
	buf_reset(&b);
	assert_true(
		telegram_answer_press(&b, SPAN_LIT("4\"2"), SPAN_LIT("done")));
	assert_string_equal(buf_cstr(&b), "{\"callback_query_id\":\"4\\\"2\","
					  "\"text\":\"done\"}");
	buf_reset(&b);
	s = (struct chat_send){ .chat = SPAN_LIT("1"), .text = SPAN_LIT("x") };
	assert_true(telegram_edit_message(&b, SPAN_LIT("9"), &s));
	assert_string_equal(buf_cstr(&b),
			    "{\"chat_id\":1,\"message_id\":9,\"text\":\"x\","
			    "\"link_preview_options\":{\"is_disabled\":true}}");
}

static void bad_requests(void **state)
{
	static char long_text[TELEGRAM_TEXT + 2];
	struct chat_send s = { .text = SPAN_LIT("x") };
	size_t n;

	(void)state;
	s.chat = SPAN_LIT("@name");
	assert_string_equal(sent(&s), "");
	s.chat = SPAN_LIT("1,\"a\":2");
	assert_string_equal(sent(&s), "");
	s.chat = SPAN_LIT("");
	assert_string_equal(sent(&s), "");
	s.chat = SPAN_LIT("1");
	s.thread = SPAN_LIT("-5");
	assert_string_equal(sent(&s), "");
	s.thread = SPAN_LIT("");
	s.reply = SPAN_LIT("x");
	assert_string_equal(sent(&s), "");
	s.reply = SPAN_LIT("");
	s.text = SPAN_LIT("");
	assert_string_equal(sent(&s), "");
	s.text = SPAN_LIT("\xff");
	assert_string_equal(sent(&s), "");
	memset(long_text, 'x', sizeof(long_text));
	for (n = TELEGRAM_TEXT - 1; n <= TELEGRAM_TEXT + 1; n++) {
		s.text = span_of(long_text, n);
		assert_int_equal(*sent(&s) != 0, n <= TELEGRAM_TEXT);
	}
}

static void parts(void **state)
{
	size_t units;
	struct span p;

	(void)state;
	p = chat_part(SPAN_LIT("abcdef"), 4, &units);
	assert_true(span_is(p, "abcd") && units == 4);
	p = chat_part(SPAN_LIT("abc def"), 4, &units);
	assert_true(span_is(p, "abc ") && units == 4);
	p = chat_part(SPAN_LIT("abc def"), 7, &units);
	assert_true(span_is(p, "abc def") && units == 7);
	/* No character of two units is cut. */
	p = chat_part(SPAN_LIT("\xf0\x9f\x98\x80\xf0\x9f\x98\x80"), 3, &units);
	assert_true(p.n == 4 && units == 2);
}

/* Members of a message in the place of %s. */
#define UPDATE(m)                                                              \
	"{\"update_id\":5,\"message\":{\"message_id\":3,\"date\":1700000000,"  \
	"\"from\":{\"id\":11122233,\"is_bot\":false,\"first_name\":\"A\"},"    \
	"\"chat\":{\"id\":11122233,\"type\":\"private\"}" m "}}"

static const struct {
	const char *json;
	enum facts_fault want;
	uint8_t flags;
	const char *sender, *chat, *text;
} updates[] = {
	{ UPDATE(",\"text\":\"hi \\u00e9\""), FACTS_OK, CHAT_DIRECT, "11122233",
	  "11122233", "hi \xc3\xa9" },
	{ UPDATE(",\"text\":\"/a "
		 "b\",\"entities\":[{\"type\":\"bot_command\"}]"),
	  FACTS_OK, CHAT_DIRECT, "11122233", "11122233", "/a b" },
	{ UPDATE(",\"text\":\"a\",\"entities\":[{\"type\":\"text_link\","
		 "\"url\":\"http://e\"}]"),
	  FACTS_OK, CHAT_DIRECT | CHAT_MORE, "11122233", "11122233", "a" },
	{ UPDATE(",\"text\":\"a\",\"entities\":[{\"type\":\"spoiler\"}]"),
	  FACTS_OK, CHAT_DIRECT | CHAT_MORE, "11122233", "11122233", "a" },
	{ UPDATE(",\"text\":\"a\",\"reply_to_message\":{}"), FACTS_OK,
	  CHAT_DIRECT | CHAT_MORE, "11122233", "11122233", "a" },
	{ UPDATE(",\"text\":\"a\",\"something_new\":1"), FACTS_OK,
	  CHAT_DIRECT | CHAT_MORE, "11122233", "11122233", "a" },
	{ UPDATE(",\"text\":\"a\",\"forward_origin\":{\"type\":\"user\"}"),
	  FACTS_OK, CHAT_DIRECT | CHAT_FORWARD | CHAT_MORE, "11122233",
	  "11122233", "a" },
	{ UPDATE(",\"text\":\"a\",\"via_bot\":{}"), FACTS_OK,
	  CHAT_DIRECT | CHAT_BOT | CHAT_MORE, "11122233", "11122233", "a" },
	{ UPDATE(",\"caption\":\"a\",\"photo\":[]"), FACTS_OK,
	  CHAT_DIRECT | CHAT_MORE, "11122233", "11122233", "" },
	{ UPDATE(",\"text\":\"a\\u0000b\""), FACTS_OK, CHAT_DIRECT | CHAT_MORE,
	  "11122233", "11122233", "" },
	/* In the name of a channel it is not the user who speaks. */
	{ UPDATE(",\"text\":\"a\",\"sender_chat\":{\"id\":-1007}"), FACTS_OK,
	  CHAT_DIRECT, "-1007", "11122233", "a" },
	{ "{\"update_id\":5,\"edited_message\":{\"message_id\":3,\"date\":1,"
	  "\"from\":{\"id\":1,\"is_bot\":true},\"chat\":{\"id\":-2,\"type\":"
	  "\"group\"},\"text\":\"a\",\"edit_date\":2}}",
	  FACTS_OK, CHAT_EDITED | CHAT_BOT, "1", "-2", "a" },
	{ UPDATE(",\"text\":1"), FACTS_BAD_FIELD, 0, "", "", "" },
	{ UPDATE(",\"text\":\"a\",\"text\":\"b\""), FACTS_BAD_FIELD, 0, "", "",
	  "" },
	{ UPDATE(",\"from\":{\"id\":2,\"is_bot\":false}"), FACTS_BAD_FIELD, 0,
	  "", "", "" },
	{ UPDATE(",\"chat\":{\"id\":2}"), FACTS_BAD_FIELD, 0, "", "", "" },
	{ UPDATE(",\"sender_chat\":{}"), FACTS_BAD_FIELD, 0, "", "", "" },
	{ "{\"update_id\":5,\"message\":{\"message_id\":3,\"date\":1,"
	  "\"from\":{\"id\":1},\"chat\":{\"id\":1}}}",
	  FACTS_BAD_FIELD, 0, "", "", "" },
	{ "{\"update_id\":5,\"message\":{},\"channel_post\":{}}", FACTS_TWO, 0,
	  "", "", "" },
	{ "{\"update_id\":5,\"message\":{},\"message\":{}}", FACTS_TWO, 0, "",
	  "", "" },
	{ "{\"update_id\":5,\"poll\":{}}", FACTS_NO_MESSAGE, 0, "", "", "" },
	{ "[]", FACTS_BAD_JSON, 0, "", "", "" },
	{ "{\"update_id\":5", FACTS_BAD_JSON, 0, "", "", "" },
};

static void facts(void **state)
{
	struct chat_facts f;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(updates); i++) {
		enum facts_fault r =
			telegram_facts(span_str(updates[i].json), &f);

		if (r != updates[i].want || f.flags != updates[i].flags)
			print_error("row %zu: %s, flags %#x\n", i,
				    facts_fault_text(r), f.flags);
		assert_int_equal(r, updates[i].want);
		assert_int_equal(f.flags, updates[i].flags);
		assert_string_equal(f.sender, updates[i].sender);
		assert_string_equal(f.chat, updates[i].chat);
		assert_string_equal(f.text, updates[i].text);
		if (r != FACTS_OK)
			assert_string_equal(f.ref, "");
	}
	assert_int_equal(telegram_facts(span_str(updates[0].json), &f),
			 FACTS_OK);
	assert_string_equal(f.ref, "3");
	assert_string_equal(f.date, "2023-11-14T22:13:20Z");
	assert_string_equal(f.thread, "");
}

#define PRESS(from, more)                                                      \
	"{\"update_id\":6,\"callback_query\":{\"id\":\"77\",\"from\":" from    \
	",\"message\":{\"message_id\":4,\"date\":0,\"chat\":{\"id\":1,"        \
	"\"type\":\"private\"}}" more "}}"
#define OWNER "{\"id\":1,\"is_bot\":false}"

static void heard(void **state)
{
	static const char *const bad[] = {
		PRESS(OWNER, ""),
		PRESS("{\"id\":1}", ",\"data\":\"x\""),
		PRESS("{\"is_bot\":false}", ",\"data\":\"x\""),
		PRESS(OWNER, ",\"data\":\"x\",\"data\":\"y\""),
		PRESS(OWNER, ",\"data\":\"x\",\"message\":{}"),
		PRESS(OWNER, ",\"data\":\"12345678901234567890123456789012"
			     "345678901234567890123456789012345\""),
		"{\"callback_query\":{}}",
		"{\"update_id\":6}",
	};
	struct chat_heard h;
	size_t i;

	(void)state;
	assert_int_equal(
		telegram_heard(span_str(PRESS(OWNER, ",\"data\":\"a:b\"")), &h),
		FACTS_OK);
	assert_int_equal(h.kind, HEARD_BUTTON);
	assert_int_equal(h.flags, CHAT_DIRECT);
	assert_string_equal(h.id, "6");
	assert_string_equal(h.sender, "1");
	assert_string_equal(h.message, "4");
	assert_string_equal(h.press, "77");
	assert_string_equal(h.data, "a:b");
	assert_int_equal(
		telegram_heard(span_str(UPDATE(",\"text\":\"/kill\"")), &h),
		FACTS_OK);
	assert_int_equal(h.kind, HEARD_TEXT);
	assert_string_equal(h.text, "/kill");
	assert_string_equal(h.sender, "11122233");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_not_equal(telegram_heard(span_str(bad[i]), &h),
				     FACTS_OK);
		assert_string_equal(h.sender, "");
	}
}

static void too_big(void **state)
{
	char *text = malloc(CHATNET_ITEM + 1);
	struct chat_facts f;

	(void)state;
	assert_non_null(text);
	memset(text, ' ', CHATNET_ITEM + 1);
	memcpy(text, updates[0].json, strlen(updates[0].json));
	assert_int_equal(telegram_facts(span_of(text, CHATNET_ITEM), &f),
			 FACTS_OK);
	assert_int_equal(telegram_facts(span_of(text, CHATNET_ITEM + 1), &f),
			 FACTS_BIG);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),     cmocka_unit_test(bad_answers),
		cmocka_unit_test(bad_updates), cmocka_unit_test(tokens),
		cmocka_unit_test(requests),    cmocka_unit_test(bad_requests),
		cmocka_unit_test(parts),       cmocka_unit_test(facts),
		cmocka_unit_test(heard),       cmocka_unit_test(too_big),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
