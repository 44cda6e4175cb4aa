/*
 * think: see think.h.
 * #syscalls:porter socketpair int0=AF_UNIX
 */
#include "think.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/jcur.h"
#include "base/log.h"
#include "base/str.h"

enum { NOT_FOUND = 404, BAD_GATEWAY = 502, TOO_MANY = 429 };

static void step(struct think *t);

static void row_init(struct think *t, struct thinks *all)
{
	*t = (struct think){ .s = all->s, .all = all, .socket = -1 };
	buf_init(&t->in, HEAD_MAX + LLM_BODY);
	buf_init(&t->out, LLM_ANSWER + HEAD_MAX);
	buf_init(&t->body, LLM_ANSWER);
	llm_request_init(&t->request);
}

void think_init(struct thinks *ts, struct session *s)
{
	size_t i;

	*ts = (struct thinks){ .s = s };
	ts->bind = calloc(1, sizeof(*ts->bind));
	if (!ts->bind)
		die("vm=%s out of memory", s->name);
	for (i = 0; i < THINK_STREAMS; i++)
		row_init(&ts->rows[i], ts);
}

static void drop_socket(struct think *t)
{
	if (t->watched)
		loop_del(&t->s->loop, t->socket);
	t->watched = false;
	fd_close(&t->socket);
}

static void row_done(struct think *t)
{
	drop_socket(t);
	buf_done(&t->in);
	buf_done(&t->out);
	buf_done(&t->body);
	llm_request_done(&t->request);
	llm_answer_done(&t->answer);
}

void think_done(struct thinks *ts)
{
	size_t i;

	for (i = 0; ts->s && i < THINK_STREAMS; i++)
		row_done(&ts->rows[i]);
	free(ts->bind);
}

/* --- to the VM ----------------------------------------------------------- */

/* Moves on what is to go out; true when there is nothing (any more). */
static bool flushed(struct think *t)
{
	if (t->stream)
		t->out_sent += link_send(&t->s->link, t->stream,
					 span_of(t->out.p + t->out_sent,
						 t->out.n - t->out_sent));
	if (t->out_sent < t->out.n && t->stream)
		return false;
	buf_reset(&t->out);
	t->out_sent = 0;
	return true;
}

/* The VM's words as a value in quotes: nothing of them ends it, or looks like a
 * key of its own. */
static void log_words(char *dst, size_t cap, const char *words)
{
	size_t i;

	for (i = 0; i + 1 < cap && words[i]; i++) {
		dst[i] = words[i];
		if (strchr("\"=\\", words[i]))
			dst[i] = '?';
	}
	dst[i] = 0;
}

/* Whether there is room for another line on what the VM asked for. */
static bool may_log(struct thinks *ts)
{
	if (ts->logged < THINK_LINES)
		ts->logged++;
	else if (ts->logged++ == THINK_LINES)
		log_warn("model-refused",
			 "vm=%s why=\"no more of it is logged\"", ts->s->name);
	return ts->logged <= THINK_LINES;
}

static void refuse(struct think *t, int status, uint32_t retry_s,
		   const char *path, const char *why)
{
	char words[LLM_PATH];

	log_words(words, sizeof(words), path);
	if (may_log(t->all))
		log_info("model-refused",
			 "vm=%s status=%d path=\"%s\" why=\"%s\"", t->s->name,
			 status, words, why);
	llm_head_error(&t->out, t->api, status, retry_s, path, why);
}

static void next(struct think *t)
{
	drop_socket(t);
	t->state = t->head.closes ? THINK_OVER : THINK_HEAD;
	t->begun = t->done = false;
	t->status_n = 0;
	buf_reset(&t->body);
}

/* --- what the model asks for -------------------------------------------------
 */

uint8_t think_bound(const struct thinks *ts, const struct m_call *c)
{
	if (!ts->s->binding || bind_knows(ts->bind, c))
		return CALL_BOUND;
	return ts->s->binding;
}

/* The calls that are whole now. */
static void take_calls(struct think *t)
{
	size_t i;

	for (i = 0; i < t->answer.n_calls; i++) {
		const struct llm_call *c = &t->answer.calls[i];

		if (!c->done || t->seen & (uint64_t)1 << i)
			continue;
		t->seen |= (uint64_t)1 << i;
		bind_asked(t->all->bind, c->name, buf_view(&c->args));
	}
}

static void hears_begin(struct think *t)
{
	llm_answer_done(&t->answer);
	llm_answer_init(&t->answer, t->api, t->request.stream);
	t->reads = true;
	t->seen = 0;
}

static void hears(struct think *t, struct span bytes)
{
	t->reads = t->reads && llm_answer_feed(&t->answer, bytes);
	take_calls(t);
}

static void hears_end(struct think *t)
{
	if (t->reads)
		(void)llm_answer_end(&t->answer);
	t->reads = false;
	take_calls(t);
}

/* --- the answer ---------------------------------------------------------- */

static bool is_object(struct span s)
{
	struct jval v;

	return jval_parse(s, &v) && v.kind == JVAL_OBJECT;
}

/* What a stream says that ends before its end, as its API would. */
static void put_cut(struct think *t)
{
	CLEAN_BUF struct buf b, quoted;

	buf_init(&b, 1024);
	buf_init(&quoted, 1024);
	json_quote(&quoted, span_str(t->why));
	if (t->api == LLM_MESSAGES)
		buf_printf(&b,
			   "event: error\ndata: {\"type\":\"error\",\"error\":{"
			   "\"type\":\"api_error\",\"message\":%s}}\n\n",
			   buf_cstr(&quoted));
	else if (t->api == LLM_CHAT)
		buf_printf(&b,
			   "data: {\"error\":{\"type\":\"api_error\","
			   "\"message\":%s}}\n\n",
			   buf_cstr(&quoted));
	else
		buf_printf(&b,
			   "event: error\ndata: {\"type\":\"error\",\"code\":"
			   "\"api_error\",\"message\":%s,\"param\":null}\n\n",
			   buf_cstr(&quoted));
	llm_head_chunk(&t->out, buf_view(&b));
}

static int status_of(const struct think *t)
{
	return t->status[0] | t->status[1] << 8;
}

/* All of it is here, and what the broker says of it. */
static void conclude(struct think *t)
{
	const bool good = t->end.state == L_ANSWERED && t->status_n == 2;
	/* An error of the provider's goes on as it is, if it is none of ours to
	 * word. */
	const bool theirs = t->end.state == L_REFUSED && status_of(t) >= 400 &&
			    status_of(t) <= 599;
	int status = theirs ? status_of(t) : (int)t->end.status;

	hears_end(t);
	if (status < 400 || status > 599)
		status = BAD_GATEWAY;
	if (t->begun) {
		if (!good)
			put_cut(t);
		llm_head_last(&t->out);
	} else if (good || (theirs && is_object(buf_view(&t->body)))) {
		llm_head_answer(&t->out, status_of(t), t->end.retry_s,
				buf_view(&t->body));
	} else {
		refuse(t, status, t->end.retry_s, "", t->why);
	}
	next(t);
}

static void take_piece(struct think *t, struct span bytes)
{
	while (t->status_n < 2 && bytes.n) {
		t->status[t->status_n++] = bytes.p[0];
		bytes = span_of(bytes.p + 1, bytes.n - 1);
	}
	if (!bytes.n)
		return;
	if (status_of(t) == 200)
		hears(t, bytes);
	if (status_of(t) != 200 || !t->request.stream) {
		buf_span(&t->body, bytes);
		return;
	}
	if (!t->begun)
		llm_head_chunked(&t->out, 200, true);
	t->begun = true;
	llm_head_chunk(&t->out, bytes);
}

static void on_socket(void *arg, int fd, short)
{
	struct think *t = arg;
	uint8_t chunk[THINK_PIECE];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		take_piece(t, span_of(chunk, (size_t)n));
	else
		drop_socket(t);
	step(t);
}

/* Reads on only while the VM has taken what was read. */
static void listen_on(struct think *t, bool on)
{
	if (t->socket >= 0 && t->watched)
		loop_events(&t->s->loop, t->socket, on ? POLLIN : 0);
}

/* The row that waits for the end of that call; NULL: none does. */
static struct think *row_of_call(struct thinks *ts, uint64_t call)
{
	size_t i;

	for (i = 0; i < THINK_STREAMS; i++)
		if (ts->rows[i].state == THINK_ANSWER && !ts->rows[i].done &&
		    ts->rows[i].call == call)
			return &ts->rows[i];
	return NULL;
}

bool think_ended(struct thinks *ts, const struct m_l_done *d)
{
	struct think *t = row_of_call(ts, d->call);

	/* Its agent has left before it came. */
	if (!t && ts->left && d->call && d->call <= ts->calls) {
		ts->left--;
		return true;
	}
	if (!t || d->state == 0 || d->state >= L_STATE_MAX ||
	    str_copy(t->why, sizeof(t->why), d->why) < 0)
		return false;
	t->end = *d;
	t->end.why = span_of(NULL, 0);
	t->done = true;
	step(t);
	return true;
}

/* --- a request ----------------------------------------------------------- */

static void ask(struct think *t)
{
	struct msg m = { .type = MSG_L_CALL };
	int fds[2], pair[2];

	fds[0] = memfd_sealed("request", buf_view(&t->request.body));
	if (fds[0] < 0 ||
	    socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0) {
		fd_close(&fds[0]);
		refuse(t, BAD_GATEWAY, 0, "", "out of descriptors");
		next(t);
		return;
	}
	fds[1] = pair[1];
	t->socket = pair[0];
	t->call = ++t->all->calls;
	m.l_call = (struct m_l_call){
		.call = t->call,
		.api = (uint8_t)t->api,
		.stream = t->request.stream,
		.tokens = t->request.tokens,
		.size = (uint32_t)t->request.body.n,
		.model = span_str(t->request.model),
	};
	t->state = THINK_ANSWER;
	hears_begin(t);
	if (fd_nonblock(t->socket, true) < 0 ||
	    loop_add(&t->s->loop, t->socket, POLLIN, on_socket, t) < 0) {
		fd_close(&fds[0]);
		fd_close(&fds[1]);
		session_fail(t->s, WIRE_HANGUP, "too many descriptors");
		return;
	}
	t->watched = true;
	session_ask(t->s, &m, fds, 2);
}

void think_may_ask(struct thinks *ts)
{
	size_t i;

	for (i = 0; i < THINK_STREAMS && !ts->s->asking && !ts->s->over; i++) {
		struct think *t = &ts->rows[(ts->turn + i) % THINK_STREAMS];

		if (t->state != THINK_ASKS)
			continue;
		ts->turn = (ts->turn + i + 1) % THINK_STREAMS;
		ask(t);
		return;
	}
}

static void on_body(struct think *t, struct span body)
{
	struct llm_request *r = &t->request;
	char words[LLM_DROPPED];

	if (!t->api) {
		refuse(t, NOT_FOUND, 0, t->head.path, "is no API that is here");
		next(t);
	} else if (t->all->calls >= THINK_CALLS) {
		refuse(t, TOO_MANY, 0, "", "too many requests in one task");
		next(t);
	} else if (!llm_rebuild(t->api, body, (uint32_t)t->s->tokens, r)) {
		refuse(t, 400, 0, r->path, r->why);
		next(t);
	} else if (strcmp(r->model, t->s->model) != 0) {
		refuse(t, NOT_FOUND, 0, "model",
		       "is not the one of the configuration");
		next(t);
	} else {
		if (r->dropped.n && may_log(t->all)) {
			log_words(words, sizeof(words), buf_cstr(&r->dropped));
			log_info("model-dropped", "vm=%s fields=\"%s\"",
				 t->s->name, words);
		}
		t->state = THINK_ASKS;
		think_may_ask(t->all);
	}
}

static void on_head(struct think *t)
{
	t->api = llm_api_of(t->head.path);
	if (t->head.get) {
		if (!strcmp(t->head.path, "/v1/models"))
			llm_head_models(&t->out, t->s->model, t->s->messages);
		else
			refuse(t, NOT_FOUND, 0, t->head.path,
			       "is no API that is here");
		next(t);
		return;
	}
	if (t->head.expects)
		buf_str(&t->out, "HTTP/1.1 100 Continue\r\n\r\n");
	t->state = THINK_BODY;
}

/* What was read is done with: its window is given back. */
static void consumed(struct think *t, size_t n)
{
	buf_drop(&t->in, n);
}

static bool read_head(struct think *t)
{
	int n = llm_head_read(buf_view(&t->in), &t->head);

	if (n < 0) {
		t->api = (enum llm_api)0;
		t->head.closes = true;
		refuse(t, -n, 0, "",
		       "the request is none of HTTP/1.1 with a "
		       "length");
		next(t);
	} else if (n > 0) {
		consumed(t, (size_t)n);
		on_head(t);
	}
	return n != 0;
}

static bool read_body(struct think *t)
{
	if (t->in.n < t->head.length)
		return false;
	on_body(t, span_of(t->in.p, t->head.length));
	consumed(t, t->head.length);
	return true;
}

/* A request is read as it comes; what comes behind it waits in the window. */
static void give_back(struct think *t)
{
	if ((t->state != THINK_HEAD && t->state != THINK_BODY) || !t->stream)
		return;
	link_consumed(&t->s->link, t->stream, t->unconsumed);
	t->unconsumed = 0;
}

/* Goes on as far as the VM and the answer let it. */
static void step(struct think *t)
{
	bool more = true;

	while (more && !t->s->over && flushed(t)) {
		more = false;
		if (t->state == THINK_HEAD)
			more = t->in.n && read_head(t);
		else if (t->state == THINK_BODY)
			more = read_body(t);
		else if (t->state == THINK_ANSWER && t->done && t->socket < 0) {
			conclude(t);
			more = true;
		}
	}
	if (t->s->over)
		return;
	if (!buf_ok(&t->out) || !buf_ok(&t->body)) {
		session_fail(t->s, WIRE_TOO_MUCH, "no memory for an answer");
		return;
	}
	/* No request will be whole any more; one that is has its answer. */
	if (t->said && (t->state == THINK_HEAD || t->state == THINK_BODY))
		t->state = THINK_OVER;
	if (t->state == THINK_OVER && !t->finished && flushed(t)) {
		t->finished = true;
		link_fin(&t->s->link, t->stream);
	}
	listen_on(t, t->out.n == 0);
	give_back(t);
}

/* --- the stream ---------------------------------------------------------- */

/* The stream's row; of NULL a free one. */
static struct think *row_of(struct thinks *ts, const struct mux_stream *m)
{
	size_t i;

	for (i = 0; i < THINK_STREAMS; i++)
		if (ts->rows[i].stream == m)
			return &ts->rows[i];
	return NULL;
}

void think_opened(struct thinks *ts, struct mux_stream *m)
{
	struct think *t = row_of(ts, NULL);

	/* The wire's rule has no more streams than there are rows. */
	if (!t)
		die("vm=%s more llm streams than may be", ts->s->name);
	row_done(t);
	row_init(t, ts);
	t->stream = m;
}

void think_data(struct thinks *ts, struct mux_stream *m, struct span bytes)
{
	struct think *t = row_of(ts, m);

	if (!t)
		return;
	buf_span(&t->in, bytes);
	t->unconsumed += bytes.n;
	if (!buf_ok(&t->in))
		session_fail(t->s, WIRE_TOO_MUCH, "a request over %d bytes",
			     LLM_BODY);
	else
		step(t);
}

void think_end(struct thinks *ts, struct mux_stream *m)
{
	struct think *t = row_of(ts, m);

	if (!t)
		return;
	t->said = true;
	step(t);
}

/* An answer that is under way has nobody any more: its socket says so. */
void think_closed(struct thinks *ts, struct mux_stream *m)
{
	struct think *t = row_of(ts, m);

	if (!t)
		return;
	ts->left += t->state == THINK_ANSWER && !t->done;
	t->stream = NULL;
	t->finished = true;
	t->state = THINK_OVER;
	drop_socket(t);
}

void think_room(struct thinks *ts, struct mux_stream *m)
{
	struct think *t = row_of(ts, m);

	if (t)
		step(t);
}
