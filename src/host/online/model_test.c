/*
 * model_test: requests to a model between a scripted provider, over real
 * libcurl and loopback, and a scripted broker: what goes, what of the answer
 * comes to who asked, and what the broker is told.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/testing.h"
#include "label/canary.h"
#include "llm/answer.h"
#include "run.h"

static struct {
	struct online o;
	struct chan netd, broker; /* the other ends */
	struct msg m;
	int server; /* the provider's end of the connection */
	struct buf asked, came;
	struct span answer;
	size_t answered; /* bytes of it */
	bool stays;	 /* the connection, behind the answer */
	int in;		 /* where the answer comes to us */
	bool end, done, killed, slow;
	struct m_l_done told;
	char why[256];
	char value[LIMIT_VALUE + 1]; /* that the broker is told */
	uint32_t most;		     /* of a question's; 0: it is none */
	unsigned link;
} w;

void online_tell(struct online *o, struct chan *to, int fd)
{
	assert_ptr_equal(to, &o->broker);
	assert_int_equal(fd, -1);
	assert_int_equal(o->msg.type, MSG_L_DONE);
	assert_false(w.done);
	w.done = true;
	w.told = o->msg.l_done;
	(void)snprintf(w.value, sizeof(w.value), "%.*s", (int)w.told.value.n,
		       (const char *)w.told.value.p);
	(void)snprintf(w.why, sizeof(w.why), "%.*s", (int)w.told.why.n,
		       (const char *)w.told.why.p);
}

void online_link(struct online *, enum account_state state, const char *,
		 uint64_t)
{
	w.link = state;
}

bool online_killed(const struct online *, struct span, uint64_t)
{
	return w.killed;
}

static void server_write(void)
{
	const size_t left = w.answer.n - w.answered;
	ssize_t n = send(w.server, w.answer.p + w.answered, left,
			 MSG_NOSIGNAL | MSG_DONTWAIT);

	if (n > 0)
		w.answered += (size_t)n;
	loop_events(&w.o.loop, w.server,
		    w.answered < w.answer.n ? POLLIN | POLLOUT : POLLIN);
	if (w.answered == w.answer.n && !w.stays)
		assert_int_equal(shutdown(w.server, SHUT_WR), 0);
}

/* The whole request is there: its head, and as much as that says. */
static bool is_whole(void)
{
	const char *s = buf_cstr(&w.asked);
	const char *end = strstr(s, "\r\n\r\n");
	const char *length = strstr(s, "Content-Length: ");

	return end && length &&
	       w.asked.n >=
		       (size_t)(end + 4 - s) + strtoul(length + 16, NULL, 10);
}

static void on_server(void *, int fd, short revents)
{
	uint8_t chunk[4096];
	ssize_t n = 1;

	if (revents & POLLIN) {
		n = recv(fd, chunk, sizeof(chunk), 0);
		if (n > 0)
			buf_put(&w.asked, chunk, (size_t)n);
	}
	if (n <= 0)
		loop_del(&w.o.loop, fd);
	else if (is_whole())
		server_write();
}

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
	assert_int_equal(syscall(SYS_connect, pair[0], &at, n), 0);
	pair[1] = accept(l, NULL, NULL);
	assert_true(pair[1] >= 0);
	assert_int_equal(fd_nonblock(pair[0], true), 0);
}

static void on_dial(void *, int, short)
{
	const struct msg m = { .type = MSG_DIALED,
			       .text = { SPAN_LIT("127.0.0.1") } };
	CLEAN_FD int ours = -1;
	const char *why;
	int pair[2];

	assert_true(chan_recv(&w.netd, &w.m, &why) > 0);
	assert_true(span_is(w.m.dial.host, "api.example"));
	tcp_pair(pair);
	ours = pair[0];
	if (w.server >= 0)
		loop_del(&w.o.loop, w.server);
	fd_close(&w.server);
	w.server = pair[1];
	assert_int_equal(loop_add(&w.o.loop, w.server, POLLIN, on_server, NULL),
			 0);
	assert_int_equal(chan_send(&w.netd, &m, &ours, 1), 0);
}

static void on_in(void *, int fd, short)
{
	uint8_t chunk[1000];
	ssize_t n = recv(fd, chunk, w.slow ? 100 : sizeof(chunk), 0);

	if (n > 0)
		buf_put(&w.came, chunk, (size_t)n);
	else
		w.end = true;
	if (n <= 0)
		loop_del(&w.o.loop, fd);
}

static int begin(void **)
{
	int pair[2];

	memset(&w, 0, sizeof(w));
	w.server = w.in = -1;
	buf_init(&w.asked, 1 << 20);
	buf_init(&w.came, 8 << 20);
	loop_init(&w.o.loop);
	assert_int_equal(net_prepare(&w.o.net), 0);
	assert_int_equal(chan_pair(pair), 0);
	assert_int_equal(chan_init(&w.netd, pair[1]), 0);
	assert_int_equal(net_start(&w.o.net, &w.o.loop, pair[0]), 0);
	assert_int_equal(chan_pair(pair), 0);
	assert_int_equal(chan_init(&w.broker, pair[0]), 0);
	assert_int_equal(chan_init(&w.o.broker, pair[1]), 0);
	w.o.set = (struct settings){ .kind = "model",
				     .hosts = { { "api.example", 80 } },
				     .n_hosts = 1,
				     .models = "small large",
				     .secret = true,
				     .anthropic = true,
				     .private = true,
				     .plain = true };
	assert_int_equal(secret_set(&w.o.secret, SPAN_LIT("key-1")), 0);
	assert_int_equal(model_kind.start(&w.o), 0);
	return loop_add(&w.o.loop, w.netd.fd, POLLIN, on_dial, NULL);
}

static int end(void **)
{
	model_kind.stop(&w.o);
	net_stop(&w.o.net);
	secret_wipe(&w.o.secret);
	chan_done(&w.netd);
	chan_done(&w.broker);
	chan_done(&w.o.broker);
	fd_close(&w.server);
	fd_close(&w.in);
	buf_done(&w.asked);
	buf_done(&w.came);
	return 0;
}

#define REQUEST                                                                \
	"{\"model\":\"small\",\"max_tokens\":9,\"messages\":[{\"role\":"       \
	"\"user\",\"content\":\"hi\"}]}"
#define STREAM                                                                 \
	"{\"model\":\"small\",\"max_tokens\":9,\"stream\":true,\"messages\":[" \
	"{\"role\":\"user\",\"content\":\"hi\"}]}"

#define RUN  "bcdfghjklmnpqrstuvwx"
#define TASK "0123456789bbccddffgg"

/* Gives it a request, and an end of a socket for the answer. */
static void ask(const char *body, bool stream, const char *model)
{
	struct msg m = { .type = MSG_L_CALL };
	CLEAN_FD int fd = memfd_sealed("request", span_str(body));
	const char *why;
	int pair[2], fds[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	fds[0] = fd;
	fds[1] = pair[1];
	m.l_call = (struct m_l_call){ .call = 5,
				      .api = LLM_MESSAGES,
				      .stream = stream,
				      .tokens = 9,
				      .size = (uint32_t)strlen(body),
				      .model = span_str(model),
				      .canaries = SPAN_LIT(RUN " " TASK),
				      .value = w.most };
	m.ids.task = 7;
	assert_int_equal(chan_send(&w.broker, &m, fds, w.most ? 1 : 2), 0);
	(void)close(pair[1]);
	fd_close(&w.in);
	if (w.most)
		(void)close(pair[0]);
	else
		w.in = pair[0];
	w.done = w.end = false;
	buf_reset(&w.asked);
	buf_reset(&w.came);
	if (w.in >= 0)
		assert_int_equal(loop_add(&w.o.loop, w.in, POLLIN, on_in, NULL),
				 0);
	assert_true(chan_recv(&w.o.broker, &w.o.in, &why) > 0);
	model_kind.model(&w.o);
}

static void on_tick(void *)
{
	if (w.done && (w.end || w.in < 0))
		loop_stop(&w.o.loop);
	else
		assert_true(loop_timer(&w.o.loop, 2, on_tick, NULL) >= 0);
}

static void answered(const char *answer)
{
	w.answer = span_str(answer);
	w.answered = 0;
	w.o.loop.stop = false;
	on_tick(NULL);
	assert_int_equal(loop_run(&w.o.loop), 0);
	if (w.in >= 0 && w.end)
		fd_close(&w.in);
}

static void came(unsigned status, const char *body)
{
	assert_true(w.came.n >= 2);
	assert_int_equal(w.came.p[0] | w.came.p[1] << 8, status);
	assert_string_equal(buf_cstr(&w.came) + 2, body);
}

/* An answer of that type that says it is n bytes longer than its body. */
static const char *ok(const char *type, const char *body, size_t n)
{
	static char text[2048];

	(void)snprintf(text, sizeof(text),
		       "HTTP/1.1 200 OK\r\nContent-Type: %s\r\n"
		       "Content-Length: %zu\r\n\r\n%s",
		       type, strlen(body) + n, body);
	return text;
}

#define EVENTS                                                                 \
	"data: {\"type\":\"message_start\",\"message\":{\"usage\":{"           \
	"\"input_tokens\":3,\"output_tokens\":1}}}\n\n"                        \
	"data: {\"type\":\"message_delta\",\"usage\":{\"output_tokens\":7}}"   \
	"\n\ndata: {\"type\":\"message_stop\"}\n\n"
#define WHOLE                                                                  \
	"{\"content\":[],\"usage\":{\"input_tokens\":3,\"output_tokens\":7}}"

static void sum_is(const uint8_t sum[SHA256_LEN], const char *text)
{
	uint8_t want[SHA256_LEN];
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, span_str(text));
	sha256_final(&h, want);
	assert_memory_equal(sum, want, sizeof(want));
}

static void whole(void **)
{
	ask(REQUEST, false, "small");
	answered(ok("application/json", WHOLE, 0));
	came(200, WHOLE);
	assert_string_equal(w.why, "");
	assert_int_equal(w.told.state, L_ANSWERED);
	assert_int_equal(w.told.call, 5);
	assert_int_equal(w.told.status, 200);
	assert_int_equal(w.told.input, 3);
	assert_int_equal(w.told.output, 7);
	assert_int_equal(w.told.told, 1);
	assert_int_equal(w.told.went, 1);
	sum_is(w.told.asked, REQUEST);
	sum_is(w.told.got, WHOLE);
	assert_int_equal(w.link, ACCOUNT_UP);
	assert_non_null(
		strstr(buf_cstr(&w.asked), "POST /v1/messages HTTP/1.1\r\n"));
	assert_non_null(strstr(buf_cstr(&w.asked), "\r\nx-api-key: key-1\r\n"));
	assert_non_null(strstr(buf_cstr(&w.asked),
			       "\r\nanthropic-version: 2023-06-01\r\n"));
	assert_non_null(strstr(buf_cstr(&w.asked), "\r\n\r\n" REQUEST));
	assert_null(strstr(buf_cstr(&w.asked), "Authorization"));
}

/* As it comes, by a connection that stays; what is cut says so. */
static void streams(void **)
{
	w.stays = true;
	ask(STREAM, true, "small");
	answered(ok("text/event-stream", EVENTS, 0));
	came(200, EVENTS);
	assert_string_equal(w.why, "");
	assert_int_equal(w.told.state, L_ANSWERED);
	assert_int_equal(w.told.output, 7);
	ask(STREAM, true, "small");
	answered(ok("text/event-stream",
		    "data: {\"type\":\"message_start\",\"message\":{"
		    "\"usage\":{\"input_tokens\":3,\"output_tokens\":1}}}"
		    "\n\n",
		    0));
	assert_int_equal(w.told.state, L_CUT);
	assert_string_equal(w.why, "the stream was cut short");
	assert_int_equal(w.told.input, 3);
	assert_int_equal(w.told.told, 0);
	w.stays = false;
	ask(STREAM, true, "small");
	answered(ok("text/event-stream",
		    "data: {\"type\":"
		    "\"message_start\"}\n\n",
		    500));
	assert_int_equal(w.told.state, L_CUT);
	assert_int_equal(w.link, ACCOUNT_WAITING);
}

/* What the model says is looked at: a canary that is cut in two by events, in
 * the arguments of a call, or as base64. */
static void canaries(void **)
{
	static const struct {
		const char *answer;
		unsigned zone;
	} rows[] = {
		{ "data: "
		  "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
		  "{\"type\":\"text_delta\",\"text\":\"It is bcdfghjklm\"}}\n\n"
		  "data: "
		  "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
		  "{\"type\":\"text_delta\",\"text\":\"npqrstuvwx.\"}}\n\n",
		  CANARY_RUN },
		{ "data: {\"type\":\"content_block_start\",\"index\":0,"
		  "\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\","
		  "\"name\":"
		  "\"n\",\"input\":{}}}\n\n"
		  "data: "
		  "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
		  "{\"type\":\"input_json_delta\",\"partial_json\":\"{"
		  "\\\"a\\\":"
		  "\\\"" TASK "\\\"}\"}}\n\n"
		  "data: {\"type\":\"content_block_stop\",\"index\":0}\n\n",
		  CANARY_TASK },
		/* its letters as JSON may spell them, in a string of JSON */
		{ "data: {\"type\":\"content_block_start\",\"index\":0,"
		  "\"content_block\":{\"type\":\"tool_use\",\"id\":\"t\","
		  "\"name\":\"n\",\"input\":{}}}\n\n"
		  "data: {\"type\":\"content_block_delta\",\"index\":0,"
		  "\"delta\":{\"type\":\"input_json_delta\",\"partial_json\":"
		  "\"{\\\"a\\\":\\\"\\\\u0030\\\\u0031\\\\u00323\\\\u0034"
		  "\\\\u0035\\\\u0036\\\\u0037\\\"}\"}}\n\n",
		  CANARY_TASK },
		{ "data: "
		  "{\"type\":\"content_block_delta\",\"index\":0,\"delta\":"
		  "{\"type\":\"text_delta\",\"text\":\"nothing of it\"}}\n\n",
		  0 },
	};
	char text[1024];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)snprintf(text, sizeof(text), "%s" EVENTS, rows[i].answer);
		ask(STREAM, true, "small");
		answered(ok("text/event-stream", text, 0));
		assert_int_equal(w.told.state, L_ANSWERED);
		assert_int_equal(w.told.canary, rows[i].zone);
		assert_int_equal(w.told.canary_task,
				 rows[i].zone == CANARY_TASK ? 7 : 0);
	}
}

/* An error in the middle of a stream, and an answer of more than was asked
 * for, of an upstream of one's own. */
static void not_answers(void **)
{
	static char text[160 << 10], all[180 << 10];
	size_t n;

	ask(STREAM, true, "small");
	answered(ok("text/event-stream",
		    "data: {\"type\":\"error\",\"error\":{\"type\":"
		    "\"overloaded_error\"}}\n\n",
		    0));
	assert_int_equal(w.told.state, L_CUT);
	assert_string_equal(w.why, "the provider told an error in it");
	n = (size_t)snprintf(text, sizeof(text),
			     "data: {\"type\":\"content_block_delta\","
			     "\"index\":0,\"delta\":{\"type\":\"text_delta\","
			     "\"text\":\"%0*d\"}}\n\n" EVENTS,
			     130000, 1);
	assert_true(n < sizeof(text));
	(void)snprintf(all, sizeof(all),
		       "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n"
		       "Content-Length: %zu\r\n\r\n%s",
		       n, text);
	ask(STREAM, true, "small");
	answered(all);
	assert_int_equal(w.told.state, L_CUT);
	assert_string_equal(w.why, "it is longer than the model was asked for");
	w.o.set.private = false;
	ask(STREAM, true, "small");
	answered(all);
	assert_int_equal(w.told.state, L_ANSWERED);
}

static void errors(void **)
{
	ask(REQUEST, false, "small");
	answered("HTTP/1.1 429 Too Many\r\nRetry-After: 7\r\n"
		 "Content-Length: 2\r\n\r\nno");
	came(429, "no");
	assert_int_equal(w.told.state, L_REFUSED);
	assert_int_equal(w.told.retry_s, 7);
	assert_int_equal(w.told.status, 429);
	ask(REQUEST, false, "small");
	answered("HTTP/1.1 401 No\r\nContent-Length: 0\r\n\r\n");
	came(401, "");
	assert_int_equal(w.link, ACCOUNT_REFUSED);
	ask(REQUEST, false, "small");
	answered("HTTP/1.1 302 Found\r\nLocation: http://b.example/\r\n"
		 "Content-Length: 0\r\n\r\n");
	came(302, "");
	ask(REQUEST, false, "small");
	answered(ok("text/html", "<html>", 0));
	assert_string_equal(w.why, "it is no JSON object");
	assert_int_equal(w.told.state, L_CUT);
	ask(REQUEST, false, "small");
	answered("");
	assert_int_equal(w.told.state, L_FAILED);
	assert_int_equal(w.came.n, 0);
}

static void not(const char *body, const char *model, const char *why)
{
	ask(body, false, model);
	answered("");
	assert_int_equal(w.told.state, L_FAILED);
	assert_string_equal(w.why, why);
	assert_int_equal(w.asked.n, 0);
	assert_int_equal(w.server, -1);
}

/* What a porter that was taken over could send. */
static void not_rebuilt(void **)
{
	static const char why[] = "the request is not as it would be rebuilt";

	not(" " REQUEST, "small", why);
	not(REQUEST, "large", why);
	not(STREAM, "small", why);
	not("{\"model\":\"small\",\"max_tokens\":9,\"messages\":[],\"tools\":[{"
	    "\"type\":\"web_search_20250305\"}]}",
	    "small", why);
	not("{\"model\":\"small\",\"max_tokens\":99,\"messages\":[]}", "small",
	    why);
	not("{\"model\":\"other\",\"max_tokens\":9,\"messages\":[]}", "other",
	    "the model is none of its own in the configuration");
	not("{\"model\":\"smal\",\"max_tokens\":9,\"messages\":[]}", "smal",
	    "the model is none of its own in the configuration");
}

static void killed(void **)
{
	w.killed = true;
	ask(REQUEST, false, "small");
	answered("");
	assert_int_equal(w.told.state, L_FAILED);
	assert_string_equal(w.why, "stopped before it was sent");
	assert_int_equal(w.told.went, 0);
	assert_int_equal(w.asked.n, 0);
}

static void on_leave(void *)
{
	loop_del(&w.o.loop, w.in);
	fd_close(&w.in);
}

/* Who asked is gone: the call ends, and is told. */
static void gone(void **)
{
	ask(STREAM, true, "small");
	assert_true(loop_timer(&w.o.loop, 20, on_leave, NULL) >= 0);
	w.stays = true;
	answered(ok("text/event-stream",
		    "data: {\"type\":"
		    "\"message_start\"}\n\n",
		    500));
	assert_int_equal(w.told.state, L_CUT);
	assert_string_equal(w.why, "who asked is gone");
	assert_int_equal(w.o.net.n_jobs, 0);
}

/* A long answer to one that reads slowly: all of it, in order, and held back.
 */
static void held_back(void **)
{
	CLEAN_BUF struct buf b;
	CLEAN_BUF struct buf head;
	size_t i;

	buf_init(&b, 4 << 20);
	buf_init(&head, 5 << 20);
	for (i = 0; b.n < 1 << 20; i++)
		buf_printf(&b,
			   "data: {\"type\":\"content_block_delta\",\"index\":"
			   "0,\"delta\":{\"type\":\"text_delta\",\"text\":"
			   "\"%zu\"}}\n\n",
			   i);
	buf_str(&b, "data: {\"type\":\"message_stop\"}\n\n");
	buf_printf(&head, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n",
		   b.n);
	buf_span(&head, buf_view(&b));
	w.slow = true;
	ask(STREAM, true, "small");
	answered(buf_cstr(&head));
	assert_int_equal(w.told.state, L_ANSWERED);
	assert_int_equal(w.came.n, b.n + 2);
	assert_memory_equal(w.came.p + 2, b.p, b.n);
}

#define CALL(name, input)                                                      \
	"{\"type\":\"tool_use\",\"id\":\"t\",\"name\":\"" name                 \
	"\",\"input\":" input "}"
#define SAYS(content)                                                          \
	"{\"content\":[" content                                               \
	"],\"usage\":{\"input_tokens\":3,\"output_tokens\":7}}"

/* A question's answer is the value of its one call, in the word of its end, and
 * goes nowhere else. */
static void questions(void **)
{
	static const struct {
		const char *answer, *value; /* NULL: none */
	} rows[] = {
		{ SAYS(CALL("answer", "{\"value\":\"low\"}")), "low" },
		{ SAYS(CALL("answer", "{\"value\":true}")), "true" },
		{ SAYS(CALL("answer", "{\"value\":\"0123456789\"}")),
		  "0123456789" },
		{ SAYS(CALL("answer", "{\"value\":\"0123456789a\"}")), NULL },
		{ SAYS(CALL("answer", "{\"value\":null}")), NULL },
		{ SAYS(CALL("answer", "{}")), NULL },
		{ SAYS(CALL("send", "{\"value\":true}")), NULL },
		{ SAYS(CALL("answer", "{\"value\":true}") "," CALL(
			  "answer", "{\"value\":true}")),
		  NULL },
		{ SAYS("{\"type\":\"text\",\"text\":\"true\"}"), NULL },
		{ SAYS(""), NULL },
	};
	size_t i;

	w.most = 10;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		ask(REQUEST, false, "small");
		answered(ok("application/json", rows[i].answer, 0));
		assert_int_equal(w.told.state, L_ANSWERED);
		assert_int_equal(w.told.has_value, rows[i].value != NULL);
		assert_string_equal(w.value,
				    rows[i].value ? rows[i].value : "");
		assert_int_equal(w.told.output, 7);
		sum_is(w.told.got, rows[i].answer);
	}
	assert_int_equal(w.came.n, 0);
}

/* Of what is no whole answer there is no value, whatever is in it. */
static void no_answers(void **)
{
	static const char good[] = SAYS(CALL("answer", "{\"value\":true}"));
	CLEAN_BUF struct buf b;

	w.most = 10;
	ask(REQUEST, false, "small");
	answered(ok("application/json", good, 1));
	assert_int_equal(w.told.state, L_CUT);
	assert_int_equal(w.told.has_value, 0);
	ask(REQUEST, false, "small");
	answered(ok("application/json", "{\"content\":[" CALL("answer", "1"),
		    0));
	assert_int_equal(w.told.state, L_CUT);
	ask(REQUEST, false, "small");
	answered("HTTP/1.1 529 Busy\r\nContent-Length: 2\r\n\r\nno");
	assert_int_equal(w.told.state, L_REFUSED);
	assert_int_equal(w.told.status, 529);
	assert_int_equal(w.told.has_value, 0);
	buf_init(&b, 1 << 20);
	buf_str(&b, "HTTP/1.1 200 OK\r\nContent-Length: 300000\r\n\r\n");
	buf_str(&b, good);
	while (b.n < 300100)
		buf_u8(&b, ' ');
	ask(REQUEST, false, "small");
	answered(buf_cstr(&b));
	assert_int_equal(w.told.state, L_CUT);
	assert_int_equal(w.told.has_value, 0);
	w.killed = true;
	ask(REQUEST, false, "small");
	answered("");
	assert_int_equal(w.told.state, L_FAILED);
	w.killed = false;
	w.most = LIMIT_VALUE + 1;
	ask(REQUEST, false, "small");
	answered("");
	assert_int_equal(w.told.state, L_FAILED);
	assert_string_equal(w.why, "there is nobody to answer to");
	assert_int_equal(w.came.n, 0);
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = {
		ROW(whole),	  ROW(streams),	    ROW(errors),
		ROW(not_answers), ROW(not_rebuilt), ROW(canaries),
		ROW(killed),	  ROW(gone),	    ROW(held_back),
		ROW(questions),	  ROW(no_answers),
	};

	log_init("model_test", LOG_LV_ERROR);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
