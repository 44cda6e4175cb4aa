/*
 * think_test: a planner's llm stream in a whole porter session (porter_rig.h):
 * what reaches the broker, what comes back to the VM, and what a hostile one
 * can try.
 */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fd.h"
#include "llm/llm.h"
#include "porter_rig.h"
#include "think.h"

#define THINKER                                                                \
	"workload=planner-llm deadline_ms=20000 model=m tokens=50 "            \
	"api=messages binding="
#define BODY                                                                   \
	"{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","  \
	"\"content\":\"hi\"}]}"
#define STREAM                                                                 \
	"{\"model\":\"m\",\"max_tokens\":9,\"stream\":true,\"messages\":[{"    \
	"\"role\":\"user\",\"content\":\"hi\"}]}"

static struct rig r;
static struct mux_stream *llm;
static int out; /* where the answer is written */
static uint64_t call;

static int begin(void **state)
{
	out = -1;
	rig_start(&r, *state ? *state : THINKER "enforce", -1);
	rig_work(&r, -1, 0);
	guest_open(&r);
	llm = mux_open(&r.mux, WIRE_LLM);
	assert_non_null(llm);
	guest_sync(&r);
	return 0;
}

static int end(void **state)
{
	(void)state;
	fd_close(&out);
	return 0;
}

static void post(const char *path, const char *body)
{
	char text[1024];

	(void)snprintf(text, sizeof(text),
		       "POST %s HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n"
		       "X-Api-Key: mine\r\n\r\n%s",
		       path, strlen(body), body);
	guest_send(&r, llm, span_str(text));
}

/* The request as the broker has it. */
static void asked(const char *body, bool stream)
{
	CLEAN_FD int fd = -1;
	char text[1024];
	struct msg m;
	ssize_t n;

	rig_hear(&r.broker, MSG_L_CALL, &m);
	fd = chan_take_fd(&r.broker, 0);
	fd_close(&out);
	out = chan_take_fd(&r.broker, 1);
	assert_true(fd >= 0 && out >= 0);
	assert_int_equal(m.l_call.api, LLM_MESSAGES);
	assert_int_equal(m.l_call.stream, stream);
	assert_true(span_is(m.l_call.model, "m"));
	assert_int_equal(m.l_call.tokens, 9);
	assert_int_equal(m.l_call.size, strlen(body));
	n = pread(fd, text, sizeof(text) - 1, 0);
	assert_int_equal(n, strlen(body));
	text[n] = 0;
	assert_string_equal(text, body);
	assert_true(fcntl(fd, F_GET_SEALS) & F_SEAL_WRITE);
	call = m.l_call.call;
}

static void write_out(const char *head, size_t n, const char *text)
{
	assert_int_equal(fd_write_all(out, span_of(head, n)), 0);
	assert_int_equal(fd_write_all(out, span_str(text)), 0);
}

static void ended_after(enum l_state state, const char *why, uint32_t retry_s)
{
	struct msg m = { .type = MSG_L_DONE, .ids = { .task = RIG_TASK } };

	fd_close(&out);
	m.l_done = (struct m_l_done){ .call = call,
				      .state = (uint8_t)state,
				      .retry_s = retry_s,
				      .why = span_str(why) };

	assert_int_equal(chan_send(&r.broker, &m, NULL, 0), 0);
}

static void ended(enum l_state state, const char *why)
{
	ended_after(state, why, 0);
}

/* Reads until the text has come, and takes all up to its end. */
static void comes(const char *text)
{
	const uint8_t *at;

	while (!(at = r.got.n ? memmem(r.got.p, r.got.n, text, strlen(text))
			      : NULL))
		assert_true(guest_pump(&r));
	buf_drop(&r.got, (size_t)(at - r.got.p) + strlen(text));
}

static void over(void)
{
	guest_exit(&r, 0, 0);
	(void)rig_stop(&r);
}

static void whole(void **state)
{
	int i;

	(void)state;
	for (i = 0; i < 3; i++) {
		post("/v1/messages?beta=true", BODY);
		asked(BODY, false);
		write_out("\xc8\0", 2, "{\"a\":1}");
		ended(L_ANSWERED, "");
		comes("HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
		      "Content-Length: 7\r\n\r\n{\"a\":1}");
		assert_int_equal(r.got.n, 0);
	}
	over();
}

/* Byte by byte. */
static void pieces(void **state)
{
	char text[512];
	const char *c;

	(void)state;
	(void)snprintf(text, sizeof(text),
		       "POST /v1/messages HTTP/1.1\r\nContent-Length: %zu\r\n"
		       "Expect: 100-continue\r\n\r\n" BODY,
		       strlen(BODY));
	for (c = text; *c; c++)
		guest_send(&r, llm, span_of(c, 1));
	asked(BODY, false);
	comes("HTTP/1.1 100 Continue\r\n\r\n");
	over();
}

static void streams(void **state)
{
	(void)state;
	post("/v1/messages", STREAM);
	post("/v1/messages", BODY);
	asked(STREAM, true);
	write_out("\xc8", 1, "");
	write_out("\0", 1, "data: 1\n\n");
	comes("HTTP/1.1 200 OK\r\nContent-Type: text/event-stream; "
	      "charset=utf-8\r\nCache-Control: no-cache\r\n"
	      "Transfer-Encoding: chunked\r\n\r\n9\r\ndata: 1\n\n\r\n");
	write_out("", 0, "data: 2\n\n");
	comes("9\r\ndata: 2\n\n\r\n");
	ended(L_CUT, "the stream was cut short");
	comes("event: error\ndata: {\"type\":\"error\",\"error\":{\"type\":"
	      "\"api_error\",\"message\":\"the stream was cut short\"}}\n\n\r\n"
	      "0\r\n\r\n");
	asked(BODY, false);
	ended(L_FAILED, "no \"way\"");
	comes("HTTP/1.1 502 Bad Gateway\r\n");
	comes("{\"type\":\"error\",\"error\":{\"message\":\"bulkhead: no "
	      "\\\"way\\\"\",\"type\":\"api_error\"}}");
	over();
}

static void errors(void **state)
{
	(void)state;
	post("/v1/messages", BODY);
	asked(BODY, false);
	write_out("\x11\x02", 2, "{\"type\":\"error\"}");
	ended(L_REFUSED, "the provider answers 529");
	comes("HTTP/1.1 529 Overloaded\r\nContent-Type: application/json\r\n"
	      "Content-Length: 16\r\n\r\n{\"type\":\"error\"}");
	/* how long it is to be left alone comes along */
	post("/v1/messages", BODY);
	asked(BODY, false);
	write_out("\x11\x02", 2, "{\"type\":\"error\"}");
	ended_after(L_REFUSED, "the provider answers 529", 30);
	comes("HTTP/1.1 529 Overloaded\r\nContent-Type: application/json\r\n"
	      "Retry-After: 30\r\nContent-Length: 16\r\n\r\n");
	post("/v1/messages", BODY);
	asked(BODY, false);
	write_out("\x11\x02", 2, "<html>");
	ended(L_REFUSED, "the provider answers 529");
	comes("HTTP/1.1 529 Overloaded\r\n");
	comes("overloaded_error");
	over();
}

/* What does not get as far as the broker. */
static void refused(void **state)
{
	static const struct {
		const char *path, *body, *answer;
	} rows[] = {
		{ "/v1/files", "{}", "HTTP/1.1 404 Not Found\r\n" },
		{ "/v1/messages", "{", "HTTP/1.1 400 Bad Request\r\n" },
		{ "/v1/messages",
		  "{\"model\":\"m\",\"messages\":[],\"tools\":[{\"type\":"
		  "\"web_search_20250305\"}]}",
		  "HTTP/1.1 400 Bad Request\r\n" },
		{ "/v1/messages", "{\"model\":\"other\",\"messages\":[]}",
		  "HTTP/1.1 404 Not Found\r\n" },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		post(rows[i].path, rows[i].body);
		comes(rows[i].answer);
		comes("}}");
	}
	guest_send(&r, llm, SPAN_LIT("GET /v1/models HTTP/1.1\r\n\r\n"));
	comes("\"id\":\"m\"");
	comes("\"api\":\"messages\"");
	comes("}");
	post("/v1/messages", BODY);
	asked(BODY, false);
	write_out("\xc8\0", 2, "{}");
	ended(L_ANSWERED, "");
	comes("\r\n\r\n{}");
	/* What is no HTTP ends the connection, and nothing else. */
	guest_send(&r, llm, SPAN_LIT("PUT / HTTP/1.1\r\n\r\n"));
	comes("HTTP/1.1 405 Method Not Allowed\r\n");
	while (!r.got_end)
		assert_true(guest_pump(&r));
	over();
}

static int begin_logged(void **state)
{
	rig_log = memfd_create("log", MFD_CLOEXEC);
	assert_true(rig_log >= 0);
	return begin(state);
}

static size_t lines(const char *text, const char *with)
{
	size_t n = 0;

	for (; (text = strstr(text, with)); text += strlen(with))
		n++;
	return n;
}

/* A VM can ask for what is refused as often as it likes: the log has some of
 * that, and no key that the VM made. */
static void logs(void **state)
{
	static char text[64 << 10];
	ssize_t n;
	int i;

	(void)state;
	for (i = 0; i < THINK_LINES + 9; i++) {
		post("/v1/x\"key=\\", "{}");
		comes("HTTP/1.1 404 Not Found\r\n");
		comes("}}");
	}
	over();
	n = pread(rig_log, text, sizeof(text) - 1, 0);
	assert_true(n > 0);
	text[n] = 0;
	assert_int_equal(lines(text, " path=\"/v1/x?key??\" why="),
			 THINK_LINES);
	assert_int_equal(lines(text, "no more of it is logged"), 1);
	assert_int_equal(lines(text, "model-refused"), THINK_LINES + 1);
	fd_close(&rig_log);
}

/* What has been asked, as asked() has left it; taken up again by others. */
struct under_way {
	int out;
	uint64_t call;
};

static struct under_way put_aside(void)
{
	const struct under_way u = { out, call };

	out = -1;
	return u;
}

static void take_up(const struct under_way *u)
{
	fd_close(&out);
	out = u->out;
	call = u->call;
}

/* Two streams ask at once, and the second has its answer first; one that ends
 * makes room for another. */
static void at_once(void **state)
{
	struct under_way first;
	struct mux_stream *one = llm;
	int i;

	(void)state;
	post("/v1/messages", BODY);
	asked(BODY, false);
	first = put_aside();
	llm = mux_open(&r.mux, WIRE_LLM);
	assert_non_null(llm);
	post("/v1/messages", STREAM);
	asked(STREAM, true);
	assert_int_not_equal(call, first.call);
	write_out("\xc8\0", 2, "data: {\"second\":1}\n\n");
	comes("{\"second\":1}");
	ended(L_ANSWERED, "");
	comes("0\r\n\r\n");
	take_up(&first);
	write_out("\xc8\0", 2, "{\"first\":1}");
	ended(L_ANSWERED, "");
	comes("{\"first\":1}");
	mux_reset(&r.mux, one);
	for (i = 0; i < THINK_STREAMS + 2; i++) {
		mux_reset(&r.mux, llm);
		llm = mux_open(&r.mux, WIRE_LLM);
		assert_non_null(llm);
		post("/v1/messages", BODY);
		asked(BODY, false);
		write_out("\xc8\0", 2, "{}");
		ended(L_ANSWERED, "");
		comes("\r\n\r\n{}");
	}
	for (i = 1; i < THINK_STREAMS; i++)
		assert_non_null(mux_open(&r.mux, WIRE_LLM));
	assert_null(mux_open(&r.mux, WIRE_LLM));
	guest_sync(&r);
	over();
}

/* Who says no more has the answers to what it asked, and then the end. */
static void says_no_more(void **state)
{
	(void)state;
	post("/v1/messages", BODY);
	mux_end(&r.mux, llm);
	asked(BODY, false);
	write_out("\xc8\0", 2, "{\"last\":1}");
	ended(L_ANSWERED, "");
	comes("{\"last\":1}");
	while (!r.got_end)
		assert_true(guest_pump(&r));
	r.got_end = false;
	llm = mux_open(&r.mux, WIRE_LLM);
	guest_send(&r, llm, SPAN_LIT("POST /v1/mess"));
	mux_end(&r.mux, llm);
	while (!r.got_end)
		assert_true(guest_pump(&r));
	over();
}

/* An end of a call that nobody has made ends the session. */
static void no_call(void **state)
{
	struct msg m;

	(void)state;
	post("/v1/messages", BODY);
	asked(BODY, false);
	call++;
	ended(L_ANSWERED, "");
	rig_hear(&r.monitor, MSG_VM_READY, &m);
	rig_hear(&r.monitor, MSG_VM_FAIL, &m);
	(void)rig_stop(&r);
}

/* It leaves while its answer comes: that ends the call, not the session. */
static void leaves(void **state)
{
	(void)state;
	post("/v1/messages", STREAM);
	asked(STREAM, true);
	mux_reset(&r.mux, llm);
	guest_sync(&r);
	ended(L_CUT, "who asked is gone");
	guest_sync(&r);
	over();
}

static void calls(const char *args, unsigned bound)
{
	char line[256];
	struct msg m;

	(void)snprintf(
		line, sizeof(line),
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","
		"\"params\":{\"name\":\"email.send\",\"arguments\":%s}}\n",
		args);
	guest_say(&r, span_str(line));
	rig_hear(&r.broker, MSG_CALL, &m);
	assert_int_equal(m.call.bound, bound);
	m = (struct msg){ .type = MSG_CALL_RESULT,
			  .ids = { .task = RIG_TASK },
			  .call_result = { .call = m.call.call,
					   .verdict = VERDICT_DENY,
					   .clause = SPAN_LIT("x"),
					   .reason = SPAN_LIT("y") } };
	assert_int_equal(chan_send(&r.broker, &m, NULL, 0), 0);
	comes("\"isError\":true");
	comes("}\n");
}

/* A call that the model asked for is told from one that it did not: in a
 * stream as soon as it is whole, and in an answer that is whole. */
static void bound(void **state)
{
	const unsigned not_asked =
		strstr(*state ? *state : THINKER "enforce", "observe")
			? CALL_UNBOUND_LOG
			: CALL_UNBOUND;

	guest_say(&r, SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":0,\"method\":"
			       "\"initialize\",\"params\":{\"protocolVersion\":"
			       "\"2025-06-18\"}}\n"));
	comes("\"serverInfo\"");
	comes("}\n");
	calls("{\"to\":[\"a@b.example\"]}", not_asked);
	post("/v1/messages", BODY);
	asked(BODY, false);
	write_out("\xc8\0", 2,
		  "{\"content\":[{\"type\":\"tool_use\",\"id\":\"t\",\"name\":"
		  "\"email_send\",\"input\":{\"to\":[\"a@b.example\"]}}]}");
	ended(L_ANSWERED, "");
	comes("a@b.example");
	comes("}]}");
	calls("{\"to\":[\"a@b.example\"]}", CALL_BOUND);
	calls("{\"to\":[\"c@b.example\"]}", not_asked);
	post("/v1/messages", STREAM);
	asked(STREAM, true);
	write_out(
		"\xc8\0", 2,
		"data: {\"type\":\"content_block_start\",\"index\":0,"
		"\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\","
		"\"name\":\"mcp__bulkhead__email_send\",\"input\":{}}}\n\n"
		"data: {\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
		"{\"type\":\"input_json_delta\",\"partial_json\":\"{\\\"to\\\":"
		"[\\\"c@b.example\\\"]}\"}}\n\n");
	comes("c@b.example");
	comes("\r\n");
	calls("{\"to\":[\"c@b.example\"]}", not_asked);
	write_out("", 0,
		  "data: {\"type\":\"content_block_stop\",\"index\":0}"
		  "\n\n");
	comes("content_block_stop");
	comes("\r\n");
	calls("{\"to\":[\"c@b.example\"]}", CALL_BOUND);
	ended(L_CUT, "cut");
	comes("0\r\n\r\n");
	over();
}

#define INIT                                                                   \
	SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":7,\"method\":\"initialize\","    \
		 "\"params\":{\"protocolVersion\":\"2025-06-18\"}}\n")

/* An agent's client of MCP ends, and another begins: once by a word, and once
 * in the middle of a call, whose result nobody gets. */
static void mcp_again(void **state)
{
	struct msg m;

	(void)state;
	guest_say(&r, INIT);
	comes("\"serverInfo\"");
	comes("}\n");
	mux_end(&r.mux, r.mcp);
	while (r.mcp)
		assert_true(guest_pump(&r));
	guest_say(&r, INIT);
	comes("\"serverInfo\"");
	comes("}\n");
	guest_say(&r, SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
			       "\"tools/call\",\"params\":{\"name\":\"x\","
			       "\"arguments\":{}}}\n"));
	rig_hear(&r.broker, MSG_CALL, &m);
	mux_reset(&r.mux, r.mcp);
	r.mcp = NULL;
	guest_say(&r, INIT);
	guest_sync(&r);
	m = (struct msg){ .type = MSG_CALL_RESULT,
			  .ids = { .task = RIG_TASK },
			  .call_result = { .call = m.call.call,
					   .verdict = VERDICT_DENY,
					   .clause = SPAN_LIT("x"),
					   .reason = SPAN_LIT("stale") } };
	assert_int_equal(chan_send(&r.broker, &m, NULL, 0), 0);
	comes("\"id\":7");
	assert_null(r.got.n ? memmem(r.got.p, r.got.n, "stale", 5) : NULL);
	comes("}\n");
	over();
}

static char observe[] = THINKER "observe";

#define ROW(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(whole),
		ROW(pieces),
		ROW(streams),
		ROW(errors),
		ROW(refused),
		cmocka_unit_test_setup_teardown(logs, begin_logged, end),
		ROW(at_once),
		ROW(says_no_more),
		ROW(no_call),
		ROW(leaves),
		ROW(bound),
		ROW(mcp_again),
		cmocka_unit_test_prestate_setup_teardown(bound, begin, end,
							 observe),
	};

	return cmocka_run_group_tests_name("porter/think", tests, NULL, NULL);
}
