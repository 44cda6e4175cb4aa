/*
 * net_test: libcurl over a socket that somebody else has connected: calls and
 * links in plain text over connections of loopback, with the test as netd and
 * as server. TLS, and servers that are real, are in tests/system/accounts.py.
 */
#include "net.h"

#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "base/testing.h"

enum { AT_ONCE = 6 };

static struct {
	struct net net;
	struct loop loop;
	struct chan netd; /* the other end */
	struct msg m;
	int server;	       /* the other end of the socket */
	bool refuse, stays;    /* stays: the connection does, after an answer */
	bool mail, server_end; /* of SMTP; the other side has ended */
	bool many;	       /* servers at once, each of which answers all */
	int servers[AT_ONCE];
	size_t ends[AT_ONCE];
	const char *answer;
	char asked[4096]; /* what the server got */
	size_t n_asked;
	size_t dials;
	/* of a call */
	char why[128], body[256], pieces[256];
	struct net_job *job;
	size_t pauses; /* to come */
	long status;
	bool done, sent, go;
	/* of a link */
	struct net_job *link;
	char came[256];
	bool down;
	int broken;
} w;

/* A server of SMTP (RFC 5321), as far as the beginning of a mail. */
static void mail_server(int fd, const char *came)
{
	static const struct {
		const char *asks, *says;
	} rows[] = {
		{ "EHLO", "250 a.example\r\n" },
		{ "MAIL FROM", "250 ok\r\n" },
		{ "RCPT TO", "250 ok\r\n" },
		{ "DATA\r\n", "354 go on\r\n" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strncmp(came, rows[i].asks, strlen(rows[i].asks)))
			assert_int_equal(
				fd_write_all(fd, span_str(rows[i].says)), 0);
	if (strstr(came, "First line\r\n"))
		loop_stop(&w.loop);
}

static void on_server(void *, int fd, short)
{
	const char *now = w.asked + w.n_asked;
	ssize_t n = recv(fd, w.asked + w.n_asked,
			 sizeof(w.asked) - 1 - w.n_asked, 0);

	if (n <= 0) {
		loop_del(&w.loop, fd);
		w.server_end = true;
		if (w.mail)
			loop_stop(&w.loop);
		return;
	}
	w.n_asked += (size_t)n;
	w.asked[w.n_asked] = 0;
	if (w.mail)
		mail_server(fd, now);
	if (w.answer && strstr(w.asked, "\r\n\r\n")) {
		assert_int_equal(fd_write_all(fd, span_str(w.answer)), 0);
		w.answer = NULL;
		if (!w.stays)
			assert_int_equal(shutdown(fd, SHUT_WR), 0);
	}
}

#define CHUNKED "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* One of many: a request comes in one piece. */
static void on_one(void *, int fd, short)
{
	char text[4096];
	ssize_t n = recv(fd, text, sizeof(text), 0);

	if (n <= 0)
		loop_del(&w.loop, fd);
	else
		assert_int_equal(
			fd_write_all(fd,
				     SPAN_LIT(CHUNKED "2\r\nab\r\n0\r\n\r\n")),
			0);
}

static void keep_server(int fd)
{
	assert_true(w.dials <= AT_ONCE);
	w.servers[w.dials - 1] = fd;
	assert_int_equal(loop_add(&w.loop, fd, POLLIN, on_one, NULL), 0);
}

/* Two ends of a connection of TCP: libcurl uses no other a second time. */
static void tcp_pair(int pair[2])
{
	struct sockaddr_in at = { .sin_family = AF_INET,
				  .sin_addr = { htonl(INADDR_LOOPBACK) } };
	CLEAN_FD int l = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	socklen_t n = sizeof(at);

	assert_int_equal(bind(l, (struct sockaddr *)&at, n), 0);
	assert_int_equal(listen(l, 1), 0);
	assert_int_equal(getsockname(l, (struct sockaddr *)&at, &n), 0);
	pair[0] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	/* net.c has a connect() of its own, which makes none. */
	assert_int_equal(syscall(SYS_connect, pair[0], &at, n), 0);
	pair[1] = accept(l, NULL, NULL);
	assert_true(pair[1] >= 0);
	assert_int_equal(fd_nonblock(pair[0], true), 0);
}

/* What netd does. */
static void on_dial(void *, int, short)
{
	struct msg m = { .type = MSG_DIAL_FAIL };
	CLEAN_FD int ours = -1;
	const char *why;
	int pair[2];

	if (chan_recv(&w.netd, &w.m, &why) <= 0) {
		loop_del(&w.loop, w.netd.fd);
		return;
	}
	assert_int_equal(w.m.type, MSG_DIAL);
	assert_true(span_is(w.m.dial.host, "a.example"));
	assert_int_equal(w.m.dial.port, 80);
	w.dials++;
	m.text.text = SPAN_LIT("not in the table");
	if (!w.refuse) {
		tcp_pair(pair);
		ours = pair[0];
		if (w.many) {
			keep_server(pair[1]);
		} else {
			if (w.server >= 0)
				loop_del(&w.loop, w.server);
			fd_close(&w.server);
			w.server = pair[1];
			assert_int_equal(loop_add(&w.loop, w.server, POLLIN,
						  on_server, NULL),
					 0);
			if (w.mail)
				assert_int_equal(
					fd_write_all(w.server,
						     SPAN_LIT("220 hi\r\n")),
					0);
		}
		m.type = MSG_DIALED;
		m.text.text = SPAN_LIT("198.51.100.7");
	}
	assert_int_equal(chan_send(&w.netd, &m, &ours, ours >= 0 ? 1 : 0), 0);
}

static void on_broken(void *, int error)
{
	w.broken = error;
	loop_stop(&w.loop);
}

static int begin(void **)
{
	int pair[2];

	memset(&w, 0, sizeof(w));
	w.server = -1;
	w.go = true;
	loop_init(&w.loop);
	assert_int_equal(net_prepare(&w.net), 0);
	assert_int_equal(chan_pair(pair), 0);
	assert_int_equal(chan_init(&w.netd, pair[1]), 0);
	assert_int_equal(net_start(&w.net, &w.loop, pair[0]), 0);
	w.net.broken = on_broken;
	return loop_add(&w.loop, w.netd.fd, POLLIN, on_dial, NULL);
}

static int end(void **)
{
	net_stop(&w.net);
	if (w.netd.fd >= 0)
		chan_done(&w.netd);
	fd_close(&w.server);
	return 0;
}

static bool on_go(void *)
{
	return w.go;
}

static void on_done(void *, const struct net_answer *a)
{
	assert_false(w.done);
	w.done = true;
	w.sent = a->sent;
	w.status = a->status;
	(void)snprintf(w.why, sizeof(w.why), "%s", a->why ? a->why : "");
	(void)snprintf(w.body, sizeof(w.body), "%.*s", (int)a->body.n,
		       (const char *)a->body.p);
	loop_stop(&w.loop);
}

static void call(const char *answer, size_t limit)
{
	const struct net_call c = {
		.scheme = "http",
		.host = "a.example",
		.port = 80,
		.method = "POST",
		.path = "/x?y",
		.body = SPAN_LIT("{}"),
		.headers = { "Authorization: Bearer z" },
		.n_headers = 1,
		.limit_bytes = limit,
		.go = on_go,
		.done = on_done,
	};

	w.answer = answer;
	assert_int_equal(net_call(&w.net, &c, NULL), 0);
	assert_false(w.done);
	w.loop.stop = false;
	assert_int_equal(loop_run(&w.loop), 0);
	assert_true(w.done);
}

static void a_call(void **)
{
	call("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", 0);
	assert_string_equal(w.why, "");
	assert_int_equal(w.status, 200);
	assert_string_equal(w.body, "hi");
	assert_true(w.sent);
	assert_non_null(strstr(w.asked, "POST /x?y HTTP/1.1\r\n"));
	assert_non_null(strstr(w.asked, "\r\nHost: a.example"));
	assert_non_null(strstr(w.asked, "\r\nAuthorization: Bearer z\r\n"));
	assert_non_null(strstr(w.asked, "\r\n\r\n{}"));
}

/* Where a server sends one to, nobody goes. */
static void no_redirection(void **)
{
	call("HTTP/1.1 302 Found\r\nLocation: http://b.example/\r\n"
	     "Content-Length: 0\r\n\r\n",
	     0);
	assert_int_equal(w.status, 302);
	assert_int_equal(w.dials, 1);
}

static void too_long(void **)
{
	call("HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\n1234", 3);
	assert_string_equal(w.why, "the answer is too long");
	assert_true(w.sent);
}

static void no_answer(void **)
{
	call("", 0);
	assert_true(w.why[0]);
	assert_true(w.sent);
}

/* A latch that is set when the connection stands: not a byte goes. */
static void stopped(void **)
{
	w.go = false;
	call("", 0);
	assert_string_equal(w.why, "stopped before it was sent");
	assert_false(w.sent);
	assert_int_equal(w.n_asked, 0);
}

static void refused(void **)
{
	w.refuse = true;
	call("", 0);
	assert_string_equal(w.why, "not in the table");
	assert_false(w.sent);
}

static void bound(void **)
{
	const struct net_call c = { .scheme = "http",
				    .host = "a.example",
				    .port = 80,
				    .done = on_done };
	int i;

	for (i = 0; i < NET_CALLS + NET_LINKS; i++)
		assert_int_equal(net_call(&w.net, &c, NULL), 0);
	assert_true(net_call(&w.net, &c, NULL) < 0);
}

/* A line, and then what never comes. */
static size_t read_mail(char *p, size_t size, size_t n, void *arg)
{
	static const char line[] = "First line\r\n";
	bool *read = arg;

	if (*read)
		return CURL_READFUNC_PAUSE;
	*read = true;
	assert_true(size * n >= sizeof(line));
	memcpy(p, line, sizeof(line) - 1);
	return sizeof(line) - 1;
}

static CURLcode set_mail(void *arg, CURL *easy)
{
	static char whom[] = "b@a.example";
	static struct curl_slist to = { .data = whom };
	CURLcode r =
		curl_easy_setopt(easy, CURLOPT_USE_SSL, (long)CURLUSESSL_NONE);

	if (!r)
		r = curl_easy_setopt(easy, CURLOPT_UPLOAD, 1L);
	if (!r)
		r = curl_easy_setopt(easy, CURLOPT_READFUNCTION, read_mail);
	if (!r)
		r = curl_easy_setopt(easy, CURLOPT_READDATA, arg);
	if (!r)
		r = curl_easy_setopt(easy, CURLOPT_MAIL_FROM, "a@a.example");
	return r ? r : curl_easy_setopt(easy, CURLOPT_MAIL_RCPT, &to);
}

/* A mail that is taken away in the middle ends without the dot that would send
 * what there is of it. */
static void half_a_mail(void **)
{
	bool read = false;
	const struct net_call c = { .scheme = "smtp",
				    .host = "a.example",
				    .port = 80,
				    .go = on_go,
				    .set = set_mail,
				    .done = on_done,
				    .arg = &read };

	w.mail = true;
	assert_int_equal(net_call(&w.net, &c, &w.job), 0);
	assert_int_equal(loop_run(&w.loop), 0);
	assert_false(w.done);
	assert_non_null(strstr(w.asked, "First line\r\n"));
	net_cancel(w.job);
	w.loop.stop = false;
	assert_int_equal(loop_run(&w.loop), 0);
	assert_true(w.server_end);
	assert_null(strstr(w.asked, "\r\n.\r\n"));
	assert_null(strstr(w.asked, "QUIT"));
}

static void on_later(void *)
{
	net_resume(w.job);
}

static bool on_piece(void *, struct span s)
{
	size_t n = strlen(w.pieces);

	if (w.pauses) {
		w.pauses--;
		assert_true(loop_timer(&w.loop, 10, on_later, NULL) >= 0);
		return false;
	}
	(void)snprintf(w.pieces + n, sizeof(w.pieces) - n, "%.*s", (int)s.n,
		       (const char *)s.p);
	return true;
}

static void stream(const char *answer, size_t limit)
{
	const struct net_call c = {
		.scheme = "http",
		.host = "a.example",
		.port = 80,
		.method = "POST",
		.body = SPAN_LIT("{}"),
		.limit_bytes = limit,
		.quiet_ms = 60000,
		.keep = true,
		.go = on_go,
		.piece = on_piece,
		.done = on_done,
	};

	w.answer = answer;
	w.n_asked = 0;
	w.done = w.loop.stop = false;
	w.pieces[0] = 0;
	assert_int_equal(net_call(&w.net, &c, &w.job), 0);
	assert_false(w.done);
	assert_int_equal(loop_run(&w.loop), 0);
	assert_true(w.done);
}

/* Pieces as they come, held back where they are not taken; the second request
 * goes by the connection of the first, and by a new one where that is over. */
static void pieces(void **)
{
	w.stays = true;
	w.pauses = 2;
	stream(CHUNKED "2\r\nab\r\n3\r\ncde\r\n0\r\n\r\n", 0);
	assert_string_equal(w.why, "");
	assert_int_equal(w.pauses, 0);
	assert_string_equal(w.pieces, "abcde");
	assert_string_equal(w.body, "");
	assert_int_equal(w.dials, 1);
	stream(CHUNKED "1\r\nx\r\n0\r\n\r\n", 0);
	assert_string_equal(w.pieces, "x");
	assert_int_equal(w.dials, 1);
	loop_del(&w.loop, w.server);
	fd_close(&w.server);
	stream(CHUNKED "1\r\ny\r\n0\r\n\r\n", 0);
	assert_string_equal(w.why, "");
	assert_string_equal(w.pieces, "y");
	assert_int_equal(w.dials, 2);
}

/* An error is no piece; what is too long ends; so does what is cut. */
static void no_pieces(void **)
{
	w.stays = true;
	stream("HTTP/1.1 429 Too Many\r\nContent-Length: 2\r\n"
	       "Retry-After: 7\r\n\r\nno",
	       0);
	assert_int_equal(w.status, 429);
	assert_string_equal(w.body, "no");
	assert_string_equal(w.pieces, "");
	stream(CHUNKED "5\r\nabcde\r\n0\r\n\r\n", 4);
	assert_string_equal(w.why, "the answer is too long");
	/* Also what was held back in the meantime. */
	w.pauses = 1;
	stream(CHUNKED "3\r\nabc\r\n3\r\ndef\r\n0\r\n\r\n", 4);
	assert_string_equal(w.why, "the answer is too long");
	w.stays = false;
	stream(CHUNKED "2\r\nab\r\n", 0);
	assert_true(w.why[0] && w.sent);
	assert_string_equal(w.pieces, "ab");
}

static void on_end(void *arg, const struct net_answer *a)
{
	size_t *ends = arg;

	(*ends)++;
	assert_null(a->why);
	assert_int_equal(a->status, 200);
	if (w.net.n_jobs == 1)
		loop_stop(&w.loop);
}

/* One, then some under way at once, of which the first has its connection and
 * the others want one, then all by what there is: each comes to its own end,
 * once. */
static void at_once(void **)
{
	static const size_t calls[] = { 1, AT_ONCE, AT_ONCE };
	size_t i, round;

	w.many = true;
	for (round = 0; round < ARRAY_SIZE(calls); round++) {
		for (i = 0; i < calls[round]; i++) {
			const struct net_call c = { .scheme = "http",
						    .host = "a.example",
						    .port = 80,
						    .method = "POST",
						    .body = SPAN_LIT("{}"),
						    .keep = true,
						    .piece = on_piece,
						    .done = on_end,
						    .arg = &w.ends[i] };

			assert_int_equal(net_call(&w.net, &c, NULL), 0);
		}
		w.loop.stop = false;
		assert_int_equal(loop_run(&w.loop), 0);
		for (i = 0; i < AT_ONCE; i++)
			assert_int_equal(w.ends[i], round + (i == 0));
	}
	assert_true(w.dials <= AT_ONCE);
	for (i = 0; i < w.dials; i++)
		fd_close(&w.servers[i]);
}

static void on_up(void *)
{
	assert_int_equal(net_send(w.link, SPAN_LIT("ping\r\n\r\n")), 0);
}

static void on_bytes(void *, struct span s)
{
	size_t n = strlen(w.came);

	(void)snprintf(w.came + n, sizeof(w.came) - n, "%.*s", (int)s.n,
		       (const char *)s.p);
}

static void on_bytes_cancel(void *, struct span)
{
	net_cancel(w.link);
	loop_stop(&w.loop);
}

static void on_down(void *, const char *why, bool trusted)
{
	w.down = true;
	assert_true(trusted);
	(void)snprintf(w.why, sizeof(w.why), "%s", why);
	loop_stop(&w.loop);
}

static void run_link(void (*bytes)(void *arg, struct span s))
{
	const struct net_link l = { .scheme = "http",
				    .host = "a.example",
				    .port = 80,
				    .up = on_up,
				    .bytes = bytes,
				    .down = on_down };

	w.answer = "pong";
	assert_int_equal(net_link(&w.net, &l, &w.link), 0);
	assert_int_equal(loop_run(&w.loop), 0);
}

static void a_link(void **)
{
	run_link(on_bytes);
	assert_string_equal(w.asked, "ping\r\n\r\n");
	assert_string_equal(w.came, "pong");
	assert_true(w.down);
	assert_string_equal(w.why, "the server closed the connection");
}

/* In the middle of its own callback; nothing comes after that. */
static void cancelled(void **)
{
	run_link(on_bytes_cancel);
	assert_false(w.down);
	assert_int_equal(w.net.n_jobs, 0);
}

static void netd_gone(void **)
{
	loop_del(&w.loop, w.netd.fd);
	chan_done(&w.netd);
	w.netd.fd = -1;
	assert_int_equal(loop_run(&w.loop), 0);
	assert_true(w.broken < 0);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(pieces),	ROW(no_pieces),	     ROW(a_call),
		ROW(at_once),	ROW(no_redirection), ROW(too_long),
		ROW(no_answer), ROW(stopped),	     ROW(refused),
		ROW(bound),	ROW(half_a_mail),    ROW(a_link),
		ROW(cancelled), ROW(netd_gone),
	};

	log_init("net_test", LOG_LV_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
