/* slack_test: events are acknowledged when they are durable, and no sooner; two
 * events of one message are one item; no message is sent twice. The test is the
 * server of the WebSocket. */
#include "chat_rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "ws.h"

#define SECRET "xapp-1 xoxb-2"
#define TEST                                                                   \
	"call https://api.example:443/api/auth.test "                          \
	"Authorization: Bearer xoxb-2 {}\n"
#define OPEN                                                                   \
	"call https://api.example:443/api/apps.connections.open "              \
	"Authorization: Bearer xapp-1 {}\n"
#define POST(text)                                                             \
	"call https://api.example:443/api/chat.postMessage "                   \
	"Authorization: Bearer xoxb-2 {\"channel\":\"C7\",\"text\":\"" text    \
	"\",\"mrkdwn\":false,\"parse\":\"none\",\"link_names\":false,"         \
	"\"unfurl_links\":false,\"unfurl_media\":false}\n"

/* The server's answer to the upgrade that was sent. */
static void upgrade(void)
{
	const char *key = strstr(buf_cstr(&rig.sent), "Sec-WebSocket-Key: ");
	uint8_t sum[EVP_MAX_MD_SIZE];
	unsigned n = sizeof(sum);
	char text[128], accept[64], head[256];

	assert_non_null(key);
	(void)snprintf(text, sizeof(text), "%.24s%s", key + 19,
		       "258EAFA5-E914-47DA-95CA-C5AB0DC85B11");
	assert_int_equal(
		EVP_Digest(text, strlen(text), sum, &n, EVP_sha1(), NULL), 1);
	(void)EVP_EncodeBlock((unsigned char *)accept, sum, (int)n);
	(void)snprintf(head, sizeof(head),
		       "HTTP/1.1 101 Switching Protocols\r\nUpgrade: WebSocket"
		       "\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: %s"
		       "\r\n\r\n",
		       accept);
	buf_reset(&rig.sent);
	rig.link.bytes(rig.link.arg, span_str(head));
}

/* A text of the server's; byte by byte, as the network may have it. */
static void server_says(const char *text)
{
	const size_t n = strlen(text);
	uint8_t frame[4096];
	size_t i, head = 4;

	frame[0] = 0x81;
	if (n < 126) {
		frame[1] = (uint8_t)n;
		head = 2;
	} else {
		frame[1] = 126;
		frame[2] = (uint8_t)(n >> 8);
		frame[3] = (uint8_t)n;
	}
	for (i = 0; i < n; i++)
		frame[head + i] = (uint8_t)text[i];
	for (i = 0; i < head + n; i++)
		rig.link.bytes(rig.link.arg, span_of(frame + i, 1));
}

/* What the client has sent: texts of less than 126 bytes, a line each. */
static void client_said(const char *want)
{
	struct span left = buf_view(&rig.sent);
	char have[1024] = "";
	size_t at = 0, i;

	while (left.n >= 6) {
		const size_t n = left.p[1] & 0x7f;

		assert_int_equal(left.p[0], 0x81);
		assert_true(left.p[1] & 0x80);
		for (i = 0; i < n; i++)
			have[at++] = (char)(left.p[6 + i] ^ left.p[2 + i % 4]);
		have[at++] = '\n';
		left = span_of(left.p + 6 + n, left.n - 6 - n);
	}
	assert_string_equal(have, want);
	buf_reset(&rig.sent);
}

static void begin_silent(bool approvals)
{
	rig_start(&slack_kind, SECRET, approvals, false);
	rig_is("link connecting \n");
	rig_timers();
	rig_is(TEST);
	rig_answer(200, 0,
		   "{\"ok\":true,\"team_id\":\"T1\",\"user_id\":\"U0BOT\","
		   "\"bot_id\":\"B0BOT\"}");
	rig_is(OPEN);
	rig_answer(
		200, 0,
		"{\"ok\":true,\"url\":\"wss://wss.example/link/?ticket=1\"}");
	rig_is("open https://wss.example:443\n");
	rig.link.up(rig.link.arg);
	assert_non_null(strstr(buf_cstr(&rig.sent),
			       "GET /link/?ticket=1 HTTP/1.1\r\nHost: "
			       "wss.example\r\n"));
	upgrade();
}

static void begin(bool approvals)
{
	begin_silent(approvals);
	server_says("{\"type\":\"hello\"}");
	rig_is("link up \n");
}

/* A server that does not say that it is up is given up soon; one that has may
 * be silent for longer. */
static void silence(void **state)
{
	(void)state;
	begin_silent(false);
	rig_timers_in(WS_UP_MS + 100);
	rig_is("link waiting the server has been silent for too long\n");
	rig_done();
	begin(false);
	rig_timers_in(WS_UP_MS + 100);
	rig_is("");
	rig_timers_in(WS_QUIET_MS + 100);
	rig_is("link waiting the server has been silent for too long\n");
	rig_done();
}

#define MESSAGE(type, user, ts)                                                \
	"{\"type\":\"event_callback\",\"team_id\":\"T1\",\"event\":{\"type\":" \
	"\"" type "\",\"channel\":\"C1\",\"user\":\"" user                     \
	"\",\"text\":\"hi\",\"ts\":\"" ts "\"}}"
#define EVENT(id, payload)                                                     \
	"{\"type\":\"events_api\",\"envelope_id\":\"" id                       \
	"\",\"payload\":" payload "}"
#define ACK(id) "{\"envelope_id\":\"" id "\"}\n"

static void item_kept(const char *key)
{
	rig.o.kind->item_kept(&rig.o, span_str(key));
}

static void items(void **state)
{
	(void)state;
	begin(false);
	server_says(EVENT("e1", MESSAGE("message", "U1", "1.1")));
	rig_is("item T1/C1/1.1 " MESSAGE("message", "U1", "1.1") "\n");
	/* The same message as another event, and the same envelope again. */
	server_says(EVENT("e2", MESSAGE("app_mention", "U1", "1.1")));
	server_says(EVENT("e1", MESSAGE("message", "U1", "1.1")));
	server_says(EVENT("e3", MESSAGE("message", "U1", "1.2")));
	rig_is("item T1/C1/1.2 " MESSAGE("message", "U1", "1.2") "\n");
	client_said("");
	item_kept("T1/C1/1.1");
	client_said(ACK("e1") ACK("e2"));
	item_kept("T1/C1/1.1");
	client_said("");
	item_kept("T1/C1/1.2");
	client_said(ACK("e3"));
	rig_is("");
	rig_done();
}

/* What is no item is acknowledged at once: what the bot said itself, what is
 * nobody's message, what is of no use here. */
static void no_items(void **state)
{
	(void)state;
	begin(false);
	server_says(EVENT("e1", MESSAGE("message", "U0BOT", "1.1")));
	server_says(EVENT("e2", "{\"type\":\"event_callback\",\"event\":"
				"{\"type\":\"reaction_added\"}}"));
	server_says("{\"type\":\"interactive\",\"envelope_id\":\"e3\","
		    "\"payload\":{\"type\":\"block_actions\"}}");
	server_says("{\"type\":\"slash_commands\",\"envelope_id\":\"e4\"}");
	client_said(ACK("e1") ACK("e2") ACK("e3") ACK("e4"));
	rig_is("");
	/* A message of which there is no place: that it was there is on record.
	 */
	server_says(EVENT("e5", "{\"type\":\"event_callback\",\"event\":"
				"{\"type\":\"message\",\"ts\":\"1.1\"}}"));
	rig_is("skipped e5 a field is not as its provider has it\n");
	client_said(ACK("e5"));
	server_says("{\"type\":\"events_api\"}");
	server_says("nonsense");
	client_said("");
	rig_is("");
	rig_done();
}

/* What was not acknowledged on a connection that is lost, is on the next. */
static void lost(void **state)
{
	(void)state;
	begin(false);
	server_says(EVENT("e1", MESSAGE("message", "U1", "1.1")));
	buf_reset(&rig.log);
	rig.link.down(rig.link.arg, "cut", true);
	rig_is("link waiting cut\n");
	item_kept("T1/C1/1.1");
	rig_timers();
	rig_is(OPEN);
	rig_answer(200, 0, "{\"ok\":true,\"url\":\"wss://wss.example/l\"}");
	rig.link.up(rig.link.arg);
	upgrade();
	server_says("{\"type\":\"hello\"}");
	rig_is("open https://wss.example:443\nlink up \n");
	server_says(EVENT("e9", MESSAGE("message", "U1", "1.1")));
	rig_is("item T1/C1/1.1 " MESSAGE("message", "U1", "1.1") "\n");
	item_kept("T1/C1/1.1");
	client_said(ACK("e9"));
	server_says("{\"type\":\"disconnect\"}");
	rig_timers_in(1000);
	rig_is(OPEN);
	rig_done();
}

static void approvals(void **state)
{
	(void)state;
	begin(true);
	server_says("{\"type\":\"interactive\",\"envelope_id\":\"e1\","
		    "\"payload\":{\"type\":\"block_actions\",\"user\":{\"id\":"
		    "\"U1\"},\"container\":{\"type\":\"message\","
		    "\"channel_id\":\"D1\",\"message_ts\":\"1.2\"},\"actions\":"
		    "[{\"type\":\"button\",\"value\":\"y:1\",\"action_ts\":"
		    "\"3.4\"}]}}");
	server_says(EVENT("e2", MESSAGE("message", "U1", "1.1")));
	server_says(EVENT("e3", MESSAGE("message", "U0BOT", "1.3")));
	rig_is("heard press of U1: y:1\nheard text of U1: hi\n");
	client_said(ACK("e3"));
	rig.o.in.heard_ok.number = 1;
	rig.o.kind->heard_ok(&rig.o);
	client_said(ACK("e1"));
	rig.o.in.heard_ok.number = 2;
	rig.o.kind->heard_ok(&rig.o);
	client_said(ACK("e2"));
	rig.o.kind->heard_ok(&rig.o);
	rig_is("end -71\n");
	rig_done();
}

static void bad_servers(void **state)
{
	static const char *const heads[] = {
		"HTTP/1.1 200 OK\r\n\r\n",
		"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n\r\n",
		"HTTP/1.1 101 X\r\nUpgrade: websocket\r\n"
		"Sec-WebSocket-Accept: AAAAAAAAAAAAAAAAAAAAAAAAAAA=\r\n\r\n",
	};
	size_t i;

	(void)state;
	rig_start(&slack_kind, "xapp-1", false, false);
	rig_timers();
	for (i = 0; i < ARRAY_SIZE(heads); i++) {
		rig_answer(200, 0,
			   "{\"ok\":true,\"url\":\"wss://wss.example/l\"}");
		rig.link.up(rig.link.arg);
		buf_reset(&rig.log);
		rig.link.bytes(rig.link.arg, span_str(heads[i]));
		rig_is("link waiting it does not speak WebSocket\n");
		assert_null(rig.link.scheme);
		rig_timers();
	}
	rig_answer(200, 0, "{\"ok\":true,\"url\":\"wss://wss.example/l\"}");
	rig.link.up(rig.link.arg);
	upgrade();
	buf_reset(&rig.log);
	/* A frame with bits that mean nothing. */
	rig.link.bytes(rig.link.arg, SPAN_LIT("\xf1\x01x"));
	rig_is("link waiting its frames break the rules\n");
	rig_timers();
	rig_answer(200, 0, "{\"ok\":true,\"url\":\"ws://wss.example/l\"}");
	rig_is("call https://api.example:443/api/apps.connections.open "
	       "Authorization: Bearer xapp-1 {}\n"
	       "link waiting it names no address for events\n");
	rig_timers();
	rig_answer(200, 0, "{\"ok\":false,\"error\":\"invalid_auth\"}");
	rig_is("call https://api.example:443/api/apps.connections.open "
	       "Authorization: Bearer xapp-1 {}\n"
	       "link refused Slack says: invalid_auth\n");
	rig_done();
}

/* Each end of a call, and what is said of the effect then. */
static void ends(void **state)
{
	static const struct {
		long status;
		const char *body;
		const char *says;
	} rows[] = {
		{ 200, "{\"ok\":true,\"ts\":\"5.6\"}", "done 5.6" },
		{ 200, "<html>", "unknown the answer is none of Slack's" },
		{ 500, "", "unknown the answer is none of Slack's" },
		{ 200, "{\"ok\":false,\"error\":\"internal_error\"}",
		  "unknown Slack says: internal_error" },
		{ 200, "{\"ok\":false,\"error\":\"channel_not_found\"}",
		  "failed Slack says: channel_not_found" },
	};
	char want[512];
	size_t i;

	(void)state;
	begin(false);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		rig_effect(i + 1, "channel", "slack:C7", "hi");
		rig_answer(rows[i].status, 0, rows[i].body);
		(void)snprintf(want, sizeof(want),
			       POST("hi") "effect %zu of 9 %s\n", i + 1,
			       rows[i].says);
		rig_is(want);
		assert_false(rig.held);
	}
	rig_effect(6, "channel", "C7", "hi");
	rig_fail(true);
	rig_is(POST("hi") "effect 6 of 9 unknown no answer\n");
	rig_effect(7, "channel", "C7", "hi");
	rig_fail(false);
	rig_is(POST("hi") "effect 7 of 9 failed no answer\n");
	rig_done();
}

/* What Slack did not take is sent again, as often as is said. */
static void put_off(void **state)
{
	size_t i;

	(void)state;
	rig_start(&slack_kind, "xoxb-2", false, false);
	rig_timers();
	rig_answer(200, 0, "{\"ok\":true,\"user_id\":\"U0BOT\"}");
	rig_is("link connecting \n" TEST "link up \n");
	rig_effect(1, "channel", "C7", "hi");
	for (i = 0; i < 3; i++) {
		rig_answer(429, 1, "");
		rig_is(POST("hi"));
		rig_timers();
	}
	rig_answer(429, 1, "");
	rig_is(POST(
		"hi") "effect 1 of 9 failed Slack says: too many requests\n");
	rig_timers();
	rig_is("");
	rig_done();
}

static void killed(void **state)
{
	(void)state;
	begin(false);
	rig_effect(1, "channel", "C7", "hi");
	rig.killed = true;
	rig_answer(200, 0, "{\"ok\":true,\"ts\":\"5.6\"}");
	rig_is(POST("hi") "effect 1 of 9 failed killed before it was done\n");
	rig_effect(2, "channel", "#general", "hi");
	rig_is("effect 2 of 9 failed it is no message of Slack's\n");
	rig_done();
}

static void revoke(void **state)
{
	(void)state;
	begin(false);
	rig.o.kind->revoke(&rig.o);
	rig_answer(200, 0, "{\"ok\":true,\"revoked\":true}");
	rig_is("call https://api.example:443/api/auth.revoke Authorization: "
	       "Bearer xoxb-2 {}\n"
	       "revoked revoked the bot's token; the app's is taken back by "
	       "hand\n");
	rig.o.kind->revoke(&rig.o);
	rig_answer(200, 0, "{\"ok\":false,\"error\":\"invalid_auth\"}");
	rig_is("call https://api.example:443/api/auth.revoke Authorization: "
	       "Bearer xoxb-2 {}\nrevoked failed invalid_auth\n");
	rig_done();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(silence),   cmocka_unit_test(items),
		cmocka_unit_test(no_items),  cmocka_unit_test(lost),
		cmocka_unit_test(approvals), cmocka_unit_test(bad_servers),
		cmocka_unit_test(ends),	     cmocka_unit_test(put_off),
		cmocka_unit_test(killed),    cmocka_unit_test(revoke),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
