/* http_test: the collector's answer at every split and every limit, the heads
 * of requests, and a request to the collector from end to end. */
#include <errno.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/testing.h"
#include "post.h"
#include "request.h"

struct want {
	enum reply_state state; /* after the end */
	int status;
	uint64_t retry_s, rejected;
};

/* As it is in two pieces and a byte at a time. */
static void check(const char *text, size_t n, const struct want *w)
{
	size_t cut;

	for (cut = 0; cut <= n + 1; cut++) {
		static struct reply r;
		size_t i;

		reply_init(&r);
		if (cut <= n) {
			(void)reply_feed(&r, span_of(text, cut));
			(void)reply_feed(&r, span_of(text + cut, n - cut));
		} else {
			for (i = 0; i < n; i++)
				(void)reply_feed(&r, span_of(text + i, 1));
		}
		assert_int_equal(reply_eof(&r), w->state);
		if (w->state != REPLY_DONE)
			continue;
		assert_int_equal(r.status, w->status);
		assert_int_equal(r.retry_after_s, w->retry_s);
		assert_int_equal(r.rejected, w->rejected);
	}
}

static void replies(void **)
{
	static const struct {
		const char *text;
		struct want want;
	} rows[] = {
		{ "HTTP/1.1 200 OK\r\n\r\n", { REPLY_DONE, 200, 0, 0 } },
		{ "HTTP/1.0 200\n\n", { REPLY_DONE, 200, 0, 0 } },
		{ "HTTP/1.1 204 No Content\r\n\r\nmore",
		  { REPLY_DONE, 204, 0, 0 } },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}more",
		  { REPLY_DONE, 200, 0, 0 } },
		{ "HTTP/1.1 200 OK\r\ncontent-length:0\r\n\r\n",
		  { REPLY_DONE, 200, 0, 0 } },
		{ "HTTP/1.1 503 X\r\nRetry-After: 7 \r\n\r\nbusy",
		  { REPLY_DONE, 503, 7, 0 } },
		{ "HTTP/1.1 429 X\r\nrEtRy-aFtEr:\t120\r\n\r\n",
		  { REPLY_DONE, 429, 120, 0 } },
		{ "HTTP/1.1 503 X\r\nRetry-After: Fri, 31 Dec\r\n\r\n",
		  { REPLY_DONE, 503, 0, 0 } },
		{ "HTTP/1.1 503 X\r\nRetry-After: -1\r\n\r\n",
		  { REPLY_DONE, 503, 0, 0 } },
		{ "HTTP/1.1 503 X\r\nRetry-After: 99999999999\r\n\r\n",
		  { REPLY_DONE, 503, 0, 0 } },
		{ "HTTP/1.1 200 OK\r\n\r\n{\"partialSuccess\":"
		  "{\"rejectedSpans\":\"12\",\"errorMessage\":\"\"}}",
		  { REPLY_DONE, 200, 0, 12 } },
		{ "HTTP/1.1 200 OK\r\n\r\n{\"partialSuccess\":"
		  "{\"rejectedDataPoints\" : 3}}",
		  { REPLY_DONE, 200, 0, 3 } },
		{ "HTTP/1.1 200 OK\r\n\r\n{\"rejectedLogRecords\":\"x\"}",
		  { REPLY_DONE, 200, 0, 0 } },
		{ "HTTP/1.1 200 OK\r\n\r\n{\"rejectedLogRecords\"",
		  { REPLY_DONE, 200, 0, 0 } },
		{ "HTTP/1.1 100 Continue\r\nRetry-After: 9\r\n\r\n"
		  "HTTP/1.1 200 OK\r\n\r\n",
		  { REPLY_DONE, 200, 0, 0 } },
		{ "", { REPLY_BAD, 0, 0, 0 } },
		{ "\r\n\r\n", { REPLY_BAD, 0, 0, 0 } },
		{ "HTTP/1.1 200 OK\r\n", { REPLY_BAD, 0, 0, 0 } },
		{ "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n{}",
		  { REPLY_BAD, 0, 0, 0 } },
		{ "HTTP/2 200 OK\r\n\r\n", { REPLY_BAD, 0, 0, 0 } },
		{ "HTTP/1.1 99 X\r\n\r\n", { REPLY_BAD, 0, 0, 0 } },
		{ "HTTP/1.1 600 X\r\n\r\n", { REPLY_BAD, 0, 0, 0 } },
		{ "HTTP/1.1 2000 X\r\n\r\n", { REPLY_BAD, 0, 0, 0 } },
		{ "HTTP/1.1 +20 X\r\n\r\n", { REPLY_BAD, 0, 0, 0 } },
		{ "SSH-2.0-OpenSSH_9.2\r\n", { REPLY_BAD, 0, 0, 0 } },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i].text, strlen(rows[i].text), &rows[i].want);
}

static enum reply_state fed(struct reply *r, const char *head, size_t pad,
			    const char *tail)
{
	static char text[REPLY_TOTAL + 4096];

	memset(text, 'x', pad);
	reply_init(r);
	(void)reply_feed(r, span_str(head));
	(void)reply_feed(r, span_of(text, pad));
	return reply_feed(r, span_str(tail));
}

static void reply_limits(void **)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nX: ";
	static const char body[] = "HTTP/1.1 200 OK\r\n\r\n";
	const size_t room = REPLY_HEAD - strlen(head) - 4;
	static struct reply r;
	char interim[REPLY_INTERIM + 2][32];
	size_t i;

	/* The head; a line of it may be longer than what is looked at. */
	assert_int_equal(fed(&r, head, room - 1, "\r\n\r\n"), REPLY_MORE);
	assert_int_equal(fed(&r, head, room, "\r\n\r\n"), REPLY_MORE);
	assert_int_equal(reply_eof(&r), REPLY_DONE);
	assert_int_equal(fed(&r, head, room + 1, "\r\n\r\n"), REPLY_BAD);
	assert_int_equal(fed(&r, "HTTP/1.1 200 ", REPLY_LINE - 14, "\r\n\r\n"),
			 REPLY_MORE);
	assert_int_equal(fed(&r, "HTTP/1.1 200 ", REPLY_LINE, "\r\n\r\n"),
			 REPLY_BAD);
	/* The body. */
	assert_int_equal(fed(&r, body, REPLY_TOTAL - 1, ""), REPLY_MORE);
	assert_int_equal(fed(&r, body, REPLY_TOTAL, ""), REPLY_DONE);
	assert_int_equal(fed(&r, body, REPLY_TOTAL + 1, ""), REPLY_DONE);
	assert_int_equal(r.body_n, REPLY_TOTAL);
	assert_int_equal(fed(&r, body, REPLY_BODY, "\"rejectedSpans\":5"),
			 REPLY_MORE);
	assert_int_equal(reply_eof(&r), REPLY_DONE);
	assert_int_equal(r.rejected, 0);
	assert_int_equal(r.kept, REPLY_BODY);
	/* Interim answers. */
	reply_init(&r);
	for (i = 0; i <= REPLY_INTERIM; i++) {
		(void)str_printf(interim[i], sizeof(interim[i]),
				 "HTTP/1.1 10%zu X\r\n\r\n", i % 4);
		assert_int_equal(reply_feed(&r, span_str(interim[i])),
				 i < REPLY_INTERIM ? REPLY_MORE : REPLY_BAD);
	}
}

static void requests(void **)
{
	static const struct {
		const char *text;
		int status;
		enum request_target target;
	} rows[] = {
		{ "", 0, TARGET_NONE },
		{ "GET /metrics HTTP/1.1\r\n", 0, TARGET_NONE },
		{ "GET /metrics HTTP/1.1\r\n\r\n", 200, TARGET_TEXT },
		{ "GET /metrics HTTP/1.1\r\nHost: x\r\n\r\nmore", 200,
		  TARGET_TEXT },
		{ "GET / HTTP/1.0\n\n", 200, TARGET_TEXT },
		{ "GET /metrics?a=b HTTP/1.1\r\n\r\n", 200, TARGET_TEXT },
		{ "GET /metrics.json HTTP/1.1\r\n\r\n", 200, TARGET_JSON },
		{ "GET /metrics/ HTTP/1.1\r\n\r\n", 404, TARGET_NONE },
		{ "HEAD /metrics HTTP/1.1\r\n\r\n", 405, TARGET_NONE },
		{ "GET /metrics HTTP/1.2\r\n\r\n", 505, TARGET_NONE },
		{ "GET /metrics\r\n\r\n", 505, TARGET_NONE },
		{ "GET  HTTP/1.1\r\n\r\n", 400, TARGET_NONE },
		{ "GET metrics HTTP/1.1\r\n\r\n", 400, TARGET_NONE },
		{ "\r\n\r\n", 400, TARGET_NONE },
		{ "x\n\n", 400, TARGET_NONE },
	};
	static char text[REQUEST_MAX + 2];
	enum request_target t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		assert_int_equal(request_read(span_str(rows[i].text), &t),
				 rows[i].status);
		assert_int_equal(t, rows[i].target);
		assert_true(*request_reason(rows[i].status));
	}
	memset(text, 'x', sizeof(text));
	assert_int_equal(request_read(span_of(text, REQUEST_MAX - 1), &t), 0);
	assert_int_equal(request_read(span_of(text, REQUEST_MAX), &t), 0);
	assert_int_equal(request_read(span_of(text, REQUEST_MAX + 1), &t), 431);
}

/* --- post ---------------------------------------------------------------- */

struct rig {
	struct loop loop;
	struct post post;
	int theirs, asked, ended, status;
	const char
		*answer; /* written when it has asked; NULL: closed at once */
	bool no_socket;
};

static void on_ask(void *arg)
{
	struct rig *r = arg;
	int pair[2];

	r->asked++;
	if (r->no_socket) {
		post_socket(&r->post, -1);
		return;
	}
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	r->theirs = pair[1];
	if (r->answer)
		assert_int_equal(fd_write_all(pair[1], span_str(r->answer)), 0);
	else
		fd_close(&r->theirs);
	post_socket(&r->post, pair[0]);
}

static void on_ended(void *arg, const struct reply *reply)
{
	struct rig *r = arg;

	r->ended++;
	r->status = reply->status;
	loop_stop(&r->loop);
}

static void post_of(struct rig *r)
{
	*r = (struct rig){ .theirs = -1,
			   .answer = r->answer,
			   .no_socket = r->no_socket };
	loop_init(&r->loop);
	r->post.loop = &r->loop;
	r->post.ask = on_ask;
	r->post.ended = on_ended;
	r->post.arg = r;
	r->post.host = "127.0.0.1:4318";
	post_init(&r->post);
	post_begin(&r->post, "/v1/traces", SPAN_LIT("{}"));
	if (!r->ended)
		assert_int_equal(loop_run(&r->loop), 0);
	assert_int_equal(r->asked, 1);
	assert_int_equal(r->ended, 1);
	assert_int_equal(r->post.state, POST_IDLE);
	assert_int_equal(r->post.fd, -1);
}

static void posted(void **)
{
	static const char want[] =
		"POST /v1/traces HTTP/1.1\r\nHost: 127.0.0.1:4318\r\n"
		"User-Agent: bulkhead/" BULKHEAD_VERSION "\r\n"
		"Content-Type: application/json\r\nContent-Length: 2\r\n"
		"Connection: close\r\n\r\n{}";
	static struct rig r;
	char got[512] = "";
	ssize_t n;

	r.answer = "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n";
	post_of(&r);
	/* It answered before it had read anything: that counts. */
	assert_int_equal(r.status, 200);
	fd_close(&r.theirs);
	buf_done(&r.post.out);
	/* What goes out, to one who reads. */
	r.answer = "";
	r.no_socket = false;
	r = (struct rig){ .answer = "" };
	loop_init(&r.loop);
	r.post.loop = &r.loop;
	r.post.ask = on_ask;
	r.post.ended = on_ended;
	r.post.arg = &r;
	r.post.host = "127.0.0.1:4318";
	post_init(&r.post);
	post_begin(&r.post, "/v1/traces", SPAN_LIT("{}"));
	(void)loop_timer(&r.loop, 20, (loop_timer_fn)loop_stop, &r.loop);
	assert_int_equal(loop_run(&r.loop), 0);
	n = read(r.theirs, got, sizeof(got) - 1);
	assert_int_equal(n, (ssize_t)strlen(want));
	assert_string_equal(got, want);
	assert_int_equal(r.post.state, POST_READING);
	fd_close(&r.theirs);
	r.loop.stop = false;
	assert_int_equal(loop_run(&r.loop), 0);
	assert_int_equal(r.ended, 1);
	assert_int_equal(r.status, 0);
	buf_done(&r.post.out);
}

static void not_posted(void **)
{
	static struct rig r;

	r.no_socket = true;
	post_of(&r);
	assert_int_equal(r.status, 0);
	buf_done(&r.post.out);
	/* Closed at once, and nonsense. */
	r.no_socket = false;
	r.answer = NULL;
	post_of(&r);
	assert_int_equal(r.status, 0);
	buf_done(&r.post.out);
	r.answer = "nonsense\r\n\r\n";
	post_of(&r);
	assert_int_equal(r.status, 0);
	fd_close(&r.theirs);
	buf_done(&r.post.out);
	/* A socket that comes too late is closed. */
	post_socket(&r.post, dup(0));
	assert_int_equal(r.post.state, POST_IDLE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(replies),    cmocka_unit_test(reply_limits),
		cmocka_unit_test(requests),   cmocka_unit_test(posted),
		cmocka_unit_test(not_posted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
