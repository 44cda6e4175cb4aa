/* slack_test: requests byte by byte, answers, envelopes, and who says what. */
#include "chatnet/slack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static void answers(void **state)
{
	struct slack_answer a;

	(void)state;
	assert_true(slack_answer(
		SPAN_LIT("{\"ok\":true,\"ts\":\"1.2\",\"team_id\":\"T1\","
			 "\"user_id\":\"U9\",\"bot_id\":\"B9\","
			 "\"url\":\"wss://a/b\"}"),
		&a));
	assert_true(a.ok);
	assert_string_equal(a.ts, "1.2");
	assert_string_equal(a.team, "T1");
	assert_string_equal(a.user, "U9");
	assert_string_equal(a.bot, "B9");
	assert_string_equal(a.url, "wss://a/b");
	assert_true(slack_answer(
		SPAN_LIT("{\"ok\":false,\"error\":\"invalid_auth\"}"), &a));
	assert_false(a.ok);
	assert_string_equal(a.error, "invalid_auth");
	assert_true(slack_answer(SPAN_LIT("{\"ok\":false,\"error\":\"a\\nb\"}"),
				 &a));
	assert_string_equal(a.error, "");
	assert_false(slack_answer(SPAN_LIT("{}"), &a));
	assert_false(slack_answer(SPAN_LIT("{\"ok\":1}"), &a));
	assert_false(slack_answer(SPAN_LIT("{\"ok\":true,\"ok\":true}"), &a));
	assert_false(slack_answer(SPAN_LIT("no"), &a));
}

static void tokens(void **state)
{
	struct span app, bot;

	(void)state;
	assert_true(slack_tokens(SPAN_LIT("xapp-1-A xoxb-2-b"), &app, &bot));
	assert_true(span_is(app, "xapp-1-A") && span_is(bot, "xoxb-2-b"));
	assert_true(slack_tokens(SPAN_LIT("xoxb-2 xapp-1"), &app, &bot));
	assert_true(span_is(app, "xapp-1") && span_is(bot, "xoxb-2"));
	assert_true(slack_tokens(SPAN_LIT("xoxb-2"), &app, &bot));
	assert_true(app.n == 0);
	assert_false(slack_tokens(SPAN_LIT(""), &app, &bot));
	assert_false(slack_tokens(SPAN_LIT("xoxb-"), &app, &bot));
	assert_false(slack_tokens(SPAN_LIT("xoxb-1 xoxb-2"), &app, &bot));
	assert_false(slack_tokens(SPAN_LIT("xoxp-1"), &app, &bot));
	assert_false(slack_tokens(SPAN_LIT("xoxb-1\r\nA: b"), &app, &bot));
	assert_false(slack_tokens(SPAN_LIT("xapp-1  xoxb-2"), &app, &bot));
}

static const struct {
	const char *url;
	bool ok;
	const char *host;
	uint32_t port;
	const char *path;
} urls[] = {
	{ "wss://wss-primary.slack.com/link/?ticket=1&a=2", true,
	  "wss-primary.slack.com", 443, "/link/?ticket=1&a=2" },
	{ "wss://a.example:8443/x", true, "a.example", 8443, "/x" },
	{ "ws://a.example/x", false, NULL, 0, NULL },
	{ "https://a.example/x", false, NULL, 0, NULL },
	{ "wss://", false, NULL, 0, NULL },
	{ "wss:///x", false, NULL, 0, NULL },
	{ "wss://a.example", false, NULL, 0, NULL },
	{ "wss://u@a.example/x", false, NULL, 0, NULL },
	{ "wss://a.example:0/x", false, NULL, 0, NULL },
	{ "wss://a.example:65536/x", false, NULL, 0, NULL },
	{ "wss://a.example:/x", false, NULL, 0, NULL },
	{ "wss://[::1]/x", false, NULL, 0, NULL },
	{ "wss://a.example/x y", false, NULL, 0, NULL },
	{ "wss://a.example/x\r\nHost: b", false, NULL, 0, NULL },
	{ "wss://a.example/x#y", false, NULL, 0, NULL },
	{ "wss://a.example?x", false, NULL, 0, NULL },
};

static void links(void **state)
{
	struct slack_url u;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(urls); i++) {
		bool ok = slack_url(span_str(urls[i].url), &u);

		if (ok != urls[i].ok)
			print_error("%s\n", urls[i].url);
		assert_int_equal(ok, urls[i].ok);
		if (!ok)
			continue;
		assert_string_equal(u.host, urls[i].host);
		assert_int_equal(u.port, urls[i].port);
		assert_true(span_is(u.path, urls[i].path));
	}
}

static void envelopes(void **state)
{
	struct slack_envelope e;
	CLEAN_BUF struct buf b;

	(void)state;
	assert_true(slack_envelope(
		SPAN_LIT("{\"type\":\"events_api\",\"envelope_id\":\"ab-1\","
			 "\"payload\":{\"a\":[1]}}"),
		&e));
	assert_int_equal(e.kind, SLACK_EVENT);
	assert_string_equal(e.id, "ab-1");
	assert_true(span_is(e.payload, "{\"a\":[1]}"));
	buf_init(&b, 256);
	slack_ack(&b, e.id);
	assert_string_equal(buf_cstr(&b), "{\"envelope_id\":\"ab-1\"}");
	assert_true(slack_envelope(SPAN_LIT("{\"type\":\"hello\"}"), &e));
	assert_int_equal(e.kind, SLACK_HELLO);
	assert_true(slack_envelope(SPAN_LIT("{\"type\":\"disconnect\"}"), &e));
	assert_int_equal(e.kind, SLACK_DISCONNECT);
	assert_true(slack_envelope(
		SPAN_LIT("{\"type\":\"slash_commands\",\"envelope_id\":\"c\","
			 "\"payload\":{}}"),
		&e));
	assert_int_equal(e.kind, SLACK_OTHER);
	assert_true(e.payload.n == 0);
	assert_false(slack_envelope(SPAN_LIT("{}"), &e));
	assert_false(slack_envelope(SPAN_LIT("{\"type\":\"events_api\","
					     "\"payload\":{}}"),
				    &e));
	assert_false(slack_envelope(SPAN_LIT("{\"type\":\"events_api\","
					     "\"envelope_id\":\"a\","
					     "\"payload\":[]}"),
				    &e));
	assert_false(slack_envelope(SPAN_LIT("{\"type\":\"hello\","
					     "\"type\":\"events_api\"}"),
				    &e));
}

#define TAIL                                                                   \
	",\"mrkdwn\":false,\"parse\":\"none\",\"link_names\":false,"           \
	"\"unfurl_links\":false,\"unfurl_media\":false"

static const char *posted(const struct chat_send *s)
{
	static struct buf b;

	buf_done(&b);
	buf_init(&b, CHATNET_REQUEST);
	if (!slack_post(&b, s))
		buf_reset(&b);
	return buf_cstr(&b);
}

static void requests(void **state)
{
	const struct m_button button = { SPAN_LIT("Yes"), SPAN_LIT("y:1") };
	struct chat_send s = { .chat = SPAN_LIT("C0ENG"),
			       .reply = SPAN_LIT("1.2"),
			       .text = SPAN_LIT("a <!here> & \"b\"") };
	CLEAN_BUF struct buf b;

	(void)state;
	assert_string_equal(posted(&s),
			    "{\"thread_ts\":\"1.2\",\"channel\":\"C0ENG\","
			    "\"text\":\"a &lt;!here&gt; &amp; \\\"b\\\"\"" TAIL
			    "}");
	s.reply = SPAN_LIT("");
	s.thread = SPAN_LIT("3.4");
	s.text = SPAN_LIT("<x>");
	s.fixed = true;
	s.buttons = &button;
	s.n_buttons = 1;
	assert_string_equal(
		posted(&s),
		"{\"thread_ts\":\"3.4\",\"channel\":\"C0ENG\","
		"\"text\":\"&lt;x&gt;\"" TAIL
		",\"blocks\":[{\"type\":\"rich_text\",\"elements\":[{\"type\":"
		"\"rich_text_preformatted\",\"elements\":[{\"type\":\"text\","
		"\"text\":\"<x>\"}]}]},{\"type\":\"actions\",\"elements\":["
		"{\"type\":\"button\",\"action_id\":\"b0\",\"text\":{\"type\":"
		"\"plain_text\",\"text\":\"Yes\"},\"value\":\"y:1\"}]}]}");
	buf_init(&b, CHATNET_REQUEST);
	s = (struct chat_send){ .chat = SPAN_LIT("C1"), .text = SPAN_LIT("x") };
	assert_true(slack_update(&b, SPAN_LIT("5.6"), &s));
	assert_string_equal(buf_cstr(&b), "{\"ts\":\"5.6\",\"channel\":\"C1\","
					  "\"text\":\"x\"" TAIL "}");
	buf_reset(&b);
	assert_true(slack_tell(&b, SPAN_LIT("U1"), &s));
	assert_string_equal(buf_cstr(&b), "{\"user\":\"U1\",\"channel\":\"C1\","
					  "\"text\":\"x\"" TAIL "}");
	assert_false(slack_update(&b, SPAN_LIT("5\"6"), &s));
	assert_false(slack_tell(&b, SPAN_LIT(""), &s));
	s.chat = SPAN_LIT("#general");
	assert_string_equal(posted(&s), "");
	s.chat = SPAN_LIT("C1");
	s.thread = SPAN_LIT("1 2");
	assert_string_equal(posted(&s), "");
	s.thread = SPAN_LIT("");
	s.text = SPAN_LIT("");
	assert_string_equal(posted(&s), "");
	s.text = SPAN_LIT("\xff");
	assert_string_equal(posted(&s), "");
}

static void long_texts(void **state)
{
	static char text[SLACK_TEXT + 1];
	struct chat_send s = { .chat = SPAN_LIT("C1") };
	size_t n;

	(void)state;
	memset(text, 'x', sizeof(text));
	for (n = SLACK_TEXT - 1; n <= SLACK_TEXT + 1; n++) {
		s.text = span_of(text, n);
		assert_int_equal(*posted(&s) != 0, n <= SLACK_TEXT);
	}
}

#define EVENT(m)                                                               \
	"{\"type\":\"event_callback\",\"team_id\":\"T1\",\"event\":{\"type\":" \
	"\"message\",\"channel\":\"C1\",\"ts\":\"1355517523.000005\"" m "}}"
#define USER ",\"user\":\"U1\""

static const struct {
	const char *json;
	enum facts_fault want;
	uint8_t flags;
	const char *sender, *text, *key;
} events[] = {
	{ EVENT(USER ",\"text\":\"hi\""), FACTS_OK, 0, "U1", "hi",
	  "T1/C1/1355517523.000005" },
	{ "{\"type\":\"event_callback\",\"team_id\":\"T1\",\"event\":{\"type\":"
	  "\"app_mention\",\"channel\":\"C1\",\"user\":\"U1\",\"text\":\"hi\","
	  "\"ts\":\"1355517523.000005\",\"event_ts\":\"2.0\"}}",
	  FACTS_OK, 0, "U1", "hi", "T1/C1/1355517523.000005" },
	{ EVENT(USER ",\"text\":\"a &amp;lt; &lt;b&gt;\",\"channel_type\":"
		     "\"im\""),
	  FACTS_OK, CHAT_DIRECT, "U1", "a &lt; <b>",
	  "T1/C1/1355517523.000005" },
	{ EVENT(USER ",\"text\":\"<http://evil|http://good>\""), FACTS_OK,
	  CHAT_MORE, "U1", "<http://evil|http://good>",
	  "T1/C1/1355517523.000005" },
	{ EVENT(USER ",\"text\":\"a\",\"blocks\":[{\"type\":\"rich_text\"}]"),
	  FACTS_OK, 0, "U1", "a", "T1/C1/1355517523.000005" },
	{ EVENT(USER ",\"text\":\"a\",\"blocks\":[{\"type\":\"section\"}]"),
	  FACTS_OK, CHAT_MORE, "U1", "a", "T1/C1/1355517523.000005" },
	{ EVENT(USER ",\"text\":\"a\",\"bot_id\":\"B1\",\"blocks\":[{\"type\":"
		     "\"rich_text\"}]"),
	  FACTS_OK, CHAT_BOT | CHAT_MORE, "U1", "a",
	  "T1/C1/1355517523.000005" },
	{ EVENT(",\"subtype\":\"bot_message\",\"bot_id\":\"B1\",\"text\":"
		"\"a\""),
	  FACTS_OK, CHAT_BOT | CHAT_MORE, "B1", "a",
	  "T1/C1/1355517523.000005" },
	{ EVENT(USER ",\"subtype\":\"file_share\",\"files\":[],\"text\":"
		     "\"a\""),
	  FACTS_OK, CHAT_MORE, "U1", "a", "T1/C1/1355517523.000005" },
	{ EVENT(USER ",\"text\":\"a\",\"attachments\":[]"), FACTS_OK,
	  CHAT_MORE | CHAT_FORWARD, "U1", "a", "T1/C1/1355517523.000005" },
	{ EVENT(",\"subtype\":\"message_changed\",\"event_ts\":\"9.9\","
		"\"message\":{\"type\":\"message\",\"user\":\"U2\",\"ts\":"
		"\"7.7\",\"text\":\"new\"},\"previous_message\":{}"),
	  FACTS_OK, CHAT_EDITED, "U2", "new", "T1/C1/7.7/9.9" },
	{ EVENT(USER ",\"subtype\":\"channel_join\""), FACTS_NO_MESSAGE, 0, "",
	  "", "" },
	{ "{\"type\":\"event_callback\",\"event\":{\"type\":\"reaction_added\""
	  "}}",
	  FACTS_NO_MESSAGE, 0, "", "", "" },
	{ EVENT(",\"subtype\":\"message_changed\""), FACTS_BAD_FIELD, 0, "", "",
	  "" },
	{ EVENT(USER ",\"user\":\"U2\",\"text\":\"a\""), FACTS_BAD_FIELD, 0, "",
	  "", "T1/C1/1355517523.000005" },
	{ EVENT(",\"user\":\"U 1\",\"text\":\"a\""), FACTS_BAD_FIELD, 0, "", "",
	  "T1/C1/1355517523.000005" },
	{ EVENT(USER ",\"text\":1"), FACTS_BAD_FIELD, 0, "", "",
	  "T1/C1/1355517523.000005" },
	{ EVENT(USER ",\"channel\":\"C2\""), FACTS_BAD_FIELD, 0, "", "", "" },
	{ EVENT(USER ",\"subtype\":1"), FACTS_BAD_FIELD, 0, "", "", "" },
	{ "{\"type\":\"event_callback\",\"event\":[]}", FACTS_BAD_FIELD, 0, "",
	  "", "" },
	{ "[]", FACTS_BAD_JSON, 0, "", "", "" },
};

static void facts(void **state)
{
	char key[4 * LIMIT_CHAT_ID + 4];
	struct chat_facts f;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(events); i++) {
		enum facts_fault r = slack_facts(span_str(events[i].json), &f);
		bool keyed = slack_key(span_str(events[i].json), key,
				       sizeof(key)) == FACTS_OK;

		if (r != events[i].want || f.flags != events[i].flags)
			print_error("row %zu: %s, flags %#x\n", i,
				    facts_fault_text(r), f.flags);
		assert_int_equal(r, events[i].want);
		assert_int_equal(f.flags, events[i].flags);
		assert_string_equal(f.sender, events[i].sender);
		assert_string_equal(f.text, events[i].text);
		assert_string_equal(keyed ? key : "", events[i].key);
	}
	assert_int_equal(
		slack_facts(span_str(EVENT(USER ",\"thread_ts\":\"1.1\"")), &f),
		FACTS_OK);
	assert_string_equal(f.thread, "1.1");
	assert_string_equal(f.ref, "1355517523.000005");
	assert_string_equal(f.date, "2012-12-14T20:38:43Z");
}

#define PRESS(container, actions)                                              \
	"{\"type\":\"block_actions\",\"user\":{\"id\":\"U1\"},\"container\":"  \
	"{\"type\":\"" container "\",\"channel_id\":\"C1\",\"message_ts\":"    \
	"\"1.2\"},\"actions\":[" actions "]}"
#define BUTTON "{\"type\":\"button\",\"value\":\"y:1\",\"action_ts\":\"3.4\"}"

static void heard(void **state)
{
	static const char *const bad[] = {
		PRESS("view", BUTTON),
		PRESS("message", ""),
		PRESS("message", BUTTON "," BUTTON),
		PRESS("message", "{\"type\":\"static_select\",\"value\":\"x\","
				 "\"action_ts\":\"3.4\"}"),
		PRESS("message", "{\"type\":\"button\",\"action_ts\":\"3\"}"),
		"{\"type\":\"block_actions\"}",
		"{\"type\":\"view_submission\"}",
	};
	struct chat_heard h;
	size_t i;

	(void)state;
	assert_int_equal(slack_heard(span_str(PRESS("message", BUTTON)), &h),
			 FACTS_OK);
	assert_int_equal(h.kind, HEARD_BUTTON);
	assert_string_equal(h.id, "U1/3.4");
	assert_string_equal(h.sender, "U1");
	assert_string_equal(h.chat, "C1");
	assert_string_equal(h.message, "1.2");
	assert_string_equal(h.press, "U1");
	assert_string_equal(h.data, "y:1");
	assert_int_equal(slack_heard(span_str(events[0].json), &h), FACTS_OK);
	assert_int_equal(h.kind, HEARD_TEXT);
	assert_string_equal(h.text, "hi");
	assert_string_equal(h.id, "T1/C1/1355517523.000005");
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_int_not_equal(slack_heard(span_str(bad[i]), &h),
				     FACTS_OK);
		assert_string_equal(h.sender, "");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(answers),  cmocka_unit_test(tokens),
		cmocka_unit_test(links),    cmocka_unit_test(envelopes),
		cmocka_unit_test(requests), cmocka_unit_test(long_texts),
		cmocka_unit_test(facts),    cmocka_unit_test(heard),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
