/*
 * model: an account at a provider of models (llmgate): requests that were
 * rebuilt go there, what is answered goes to who asked, as it comes.
 *
 * SECURITY. A request comes from the broker as a sealed memfd and is read here
 * again: one that is not exactly what rebuilding it gives (llm/llm.h), or is
 * for a model that the configuration does not name, does not go. The key, the
 * host, the path and every header are ours. Of an answer its usage and its
 * bounds are read in passing; the bytes go to a socket whose other end is a
 * porter's, who reads them again. The answer to a question of the broker's own
 * goes nowhere: the one value that it is, a few bytes, is in the word of its
 * end. No redirection, no compression, one host.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "label/canary.h"
#include "label/decode.h"
#include "llm/ask.h"
#include "run.h"

enum {
	CALLS = NET_KEPT,
	CALL_MS = 900 * 1000,	/* a call as a whole */
	ASK_MS = 60 * 1000,	/* one that is a question */
	ASK_BYTES = 256 << 10,	/* of its answer */
	QUIET_MS = 180 * 1000,	/* without a byte */
	ERROR_BYTES = 64 << 10, /* of an answer that is an error */
	HEAD = 2,
	SAID = 64 << 10, /* of what is said, looked at at once */
	WAITING = CURL_MAX_WRITE_SIZE + HEAD,
	LINE = LIMIT_SECRET + 64,
	LATE_MS = 60 * 1000,   /* for who asked to read the last of it */
	TOKEN_BYTES = 32,      /* said for a token, hardly ever more */
	ROOM_BYTES = 64 << 10, /* beside those */
};

struct call {
	struct model *model;
	uint64_t number; /* the broker's */
	struct msg_ids ids;
	char name[LLM_MODEL_NAME + 1];
	bool live;	/* else a free row */
	int out;	/* owned; -1: nobody is told of it before its end */
	uint32_t value; /* of a question: most bytes of what it answers */
	struct net_job *job;
	struct llm_answer answer;
	struct buf waits;  /* that out has not taken yet */
	struct sha256 got; /* of the answer, so far */
	struct buf said;   /* not looked at yet, and a bit more */
	uint64_t seen;	   /* bit i: what answer.calls[i] says is in said */
	bool went;	   /* the request may have */
	bool head;	   /* the status went out */
	bool paused;	   /* libcurl holds what comes */
	bool over;	   /* done; what waits is the last */
	int late;	   /* timer for that; -1 */
	uint64_t room;	   /* bytes that may be said; 0: any */
	struct m_l_done done;
	char why[256];
	char said_value[LIMIT_VALUE];
};

struct model {
	struct online *o;
	enum account_state link;   /* that was told last */
	struct canaries *canaries; /* of all calls */
	struct call calls[CALLS];
};

static void tell_link(struct model *m, enum account_state state,
		      const char *why)
{
	if (state == ACCOUNT_UP && m->link == ACCOUNT_UP)
		return;
	m->link = state;
	online_link(m->o, state, why, 0);
}

static void free_call(struct call *c)
{
	net_cancel(c->job);
	loop_timer_del(&c->model->o->loop, c->late);
	if (c->out >= 0)
		loop_del(&c->model->o->loop, c->out);
	fd_close(&c->out);
	llm_answer_done(&c->answer);
	buf_done(&c->waits);
	buf_done(&c->said);
	*c = (struct call){ .model = c->model, .out = -1, .late = -1 };
}

static void tell(struct model *m, const struct msg_ids *ids,
		 const struct m_l_done *done)
{
	struct msg_ids own = m->o->msg.ids;

	m->o->msg.type = MSG_L_DONE;
	m->o->msg.ids = *ids;
	m->o->msg.l_done = *done;
	online_tell(m->o, &m->o->broker, -1);
	m->o->msg.ids = own;
}

/* --- canaries ------------------------------------------------------------ */

/* What has no reason to be said, of the broker: words of CANARY_LEN. */
static void take_canaries(struct call *c, struct span words)
{
	enum canary_zone zone = CANARY_RUN;
	char word[CANARY_LEN + 1];
	size_t i;

	for (i = 0; i + CANARY_LEN <= words.n && zone < CANARY_ZONE_MAX;
	     i += CANARY_LEN + 1, zone++) {
		const struct canary_tag tag = {
			.zone = zone,
			.task = zone == CANARY_RUN ? 0 : c->ids.task,
			.item = zone == CANARY_ITEM ? c->ids.span : 0,
		};

		memcpy(word, words.p + i, CANARY_LEN);
		word[CANARY_LEN] = 0;
		canary_add(c->model->canaries, word, &tag);
	}
}

/* The end is looked at once more, with what comes behind it. */
static void look(struct call *c)
{
	struct canary_match m = { 0 };
	const size_t n = c->said.n;

	/* What there was no room for was not looked at. */
	if (!c->done.canary &&
	    (!buf_ok(&c->said) ||
	     canary_scan(c->model->canaries, buf_view(&c->said), &m))) {
		c->done.canary = CANARY_RUN;
		if (m.tag.zone)
			c->done.canary = (uint8_t)m.tag.zone;
		c->done.form = (uint8_t)m.form;
		c->done.canary_task = m.tag.task;
		c->done.canary_item = m.tag.item;
	}
	buf_drop(&c->said, n > SAID / 2 ? n - SAID / 2 : 0);
}

static void says(void *arg, struct span text)
{
	struct call *c = arg;

	while (text.n && buf_ok(&c->said)) {
		const size_t room = SAID - c->said.n;
		const size_t n = text.n < room ? text.n : room;

		buf_span(&c->said, span_of(text.p, n));
		text = span_of(text.p + n, text.n - n);
		if (n == room)
			look(c);
	}
}

/* Arguments are JSON, and may spell each letter as it likes. */
static void says_json(struct call *c, struct span json)
{
	struct buf text CLEAN_BUF = { .max = json.n };

	decode_json(&text, json);
	c->said.bad |= !buf_ok(&text);
	says(c, buf_view(&text));
	says(c, SPAN_LIT("\n"));
}

/* In the arguments of calls, too; at last of those that were cut. */
static void say_calls(struct call *c, bool last)
{
	size_t i;

	for (i = 0; i < c->answer.n_calls; i++) {
		const struct llm_call *k = &c->answer.calls[i];

		if ((!k->done && !last) || c->seen & (uint64_t)1 << i)
			continue;
		c->seen |= (uint64_t)1 << i;
		says_json(c, buf_view(&k->args));
	}
}

/* The answer to a question is the one value of its one call, and none of an
 * answer that is not whole. */
static void take_value(struct call *c)
{
	c->done.has_value = c->value && c->done.state == L_ANSWERED &&
			    llm_ask_value(&c->answer, c->said_value, c->value,
					  &c->done.value);
}

/* What was used holds however it ended. */
static void tell_call(struct call *c)
{
	const struct llm_used *u = &c->answer.used;

	say_calls(c, true);
	look(c);
	take_value(c);
	c->done.call = c->number;
	c->done.went = c->went;
	c->done.why = span_str(c->why);
	c->done.told = u->told;
	c->done.input = u->input;
	c->done.cache_read = u->cache_read;
	c->done.cache_write = u->cache_write;
	c->done.output = u->output;
	c->done.said = (uint32_t)c->answer.said;
	sha256_final(&c->got, c->done.got);
	tell(c->model, &c->ids, &c->done);
	free_call(c);
}

/* What waits, as far as the socket takes it. False: nobody is there. */
static bool flush(struct call *c)
{
	ssize_t n;

	while (c->waits.n) {
		n = send(c->out, c->waits.p, c->waits.n, MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return errno == EAGAIN;
		buf_drop(&c->waits, (size_t)n);
	}
	return true;
}

static void ended(struct call *c, enum l_state state, const char *why)
{
	if (!c->done.state)
		c->done.state = (uint8_t)state;
	if (!c->why[0])
		(void)str_printf(c->why, sizeof(c->why), "%s", why);
}

static void watch(struct call *c)
{
	if (c->out >= 0)
		loop_events(&c->model->o->loop, c->out,
			    c->waits.n ? POLLOUT : 0);
}

/* The socket takes more again, or its other end is gone. */
static void on_out(void *arg, int, short revents)
{
	struct call *c = arg;
	struct net_job *job = c->job;

	if (revents & (POLLERR | POLLHUP | POLLNVAL) || !flush(c)) {
		ended(c, L_CUT, "who asked is gone");
		tell_call(c);
		return;
	}
	watch(c);
	if (c->waits.n)
		return;
	if (c->over) {
		tell_call(c);
	} else if (c->paused) {
		c->paused = false;
		net_resume(job);
	}
}

static void put(struct call *c, struct span bytes)
{
	sha256_add(&c->got, bytes);
	if (c->out >= 0)
		buf_span(&c->waits, bytes);
}

static void put_head(struct call *c, uint32_t status)
{
	if (c->head)
		return;
	c->head = true;
	c->done.status = status;
	if (c->out >= 0)
		buf_u16(&c->waits, (uint16_t)status);
}

static bool on_piece(void *arg, struct span bytes)
{
	struct call *c = arg;

	if (c->waits.n) {
		c->paused = true;
		return false;
	}
	/* What is no answer is read to its end and goes nowhere. */
	if (c->done.state)
		return true;
	if (!llm_answer_feed(&c->answer, bytes)) {
		ended(c, L_CUT, c->answer.why);
		return true;
	}
	if (c->room && c->answer.said > c->room) {
		ended(c, L_CUT, "it is longer than the model was asked for");
		return true;
	}
	say_calls(c, false);
	put_head(c, 200);
	put(c, bytes);
	if (!buf_ok(&c->waits))
		ended(c, L_CUT, "out of memory");
	/* That nobody is there the loop will say. */
	(void)flush(c);
	watch(c);
	return true;
}

static void refused(struct call *c, const struct net_answer *a)
{
	char why[64];

	(void)str_printf(why, sizeof(why), "the provider answers %ld",
			 a->status);
	ended(c, L_REFUSED, why);
	c->done.retry_s = a->retry_after_s < UINT32_MAX
				  ? (uint32_t)a->retry_after_s
				  : UINT32_MAX;
	put_head(c, (uint32_t)a->status);
	if (a->body.n <= ERROR_BYTES)
		put(c, a->body);
	if (a->status == 401 || a->status == 403)
		tell_link(c->model, ACCOUNT_REFUSED,
			  "the provider does not take its key");
}

static void on_late(void *arg)
{
	struct call *c = arg;

	c->late = -1;
	ended(c, L_CUT, "who asked does not read the answer");
	tell_call(c);
}

static void on_done(void *arg, const struct net_answer *a)
{
	struct call *c = arg;

	c->job = NULL;
	if (a->why) {
		ended(c, c->head ? L_CUT : L_FAILED, a->why);
		tell_link(c->model, ACCOUNT_WAITING, a->why);
	} else if (a->status < 200 || a->status > 299) {
		refused(c, a);
	} else {
		if (!llm_answer_end(&c->answer))
			ended(c, c->head ? L_CUT : L_FAILED, c->answer.why);
		if (c->answer.failed)
			ended(c, L_CUT, "the provider told an error in it");
		ended(c, L_ANSWERED, "");
		tell_link(c->model, ACCOUNT_UP, "");
	}
	c->over = true;
	if (flush(c) && c->waits.n)
		c->late = loop_timer(&c->model->o->loop, LATE_MS, on_late, c);
	if (c->late < 0)
		tell_call(c);
	else
		watch(c);
}

/* Right before it goes. */
static bool may_go(void *arg)
{
	struct call *c = arg;
	const bool go =
		!online_killed(c->model->o, SPAN_LIT("model"), c->ids.task);

	/* A connection that was idle may have taken it before. */
	c->went = c->went || go;
	return go;
}

/* --- a request ----------------------------------------------------------- */

static bool named(const char *list, const char *model)
{
	const size_t n = strlen(model);
	const char *at;

	for (at = list; *at; at += *at == ' ') {
		size_t word = strcspn(at, " ");

		if ((word == n && memcmp(at, model, n) == 0) ||
		    (word == 3 && memcmp(at, "any", 3) == 0))
			return true;
		at += word;
	}
	return false;
}

/* The request's bytes into b, if they are what rebuilding them gives. NULL, or
 * why not. */
static const char *read_request(const struct settings *set, int fd,
				const struct m_l_call *in, struct buf *b)
{
	const ssize_t n = memfd_sealed_size(fd, LLM_BODY);
	struct llm_request r;
	const char *why = NULL;
	uint8_t *p;

	if (n <= 0 || (size_t)n != in->size)
		return "the request is no sealed one of its size";
	p = buf_extend(b, (size_t)n);
	if (!p || fd_pread_all(fd, p, (size_t)n, 0) != n)
		return "the request cannot be read";
	llm_request_init(&r);
	if (!llm_rebuild((enum llm_api)in->api, buf_view(b),
			 in->tokens ? in->tokens : 1, &r) ||
	    !span_eq(buf_view(b), buf_view(&r.body)) ||
	    !span_is(in->model, r.model) || r.stream != (in->stream == 1) ||
	    r.tokens != in->tokens)
		why = "the request is not as it would be rebuilt";
	else if (!named(set->models, r.model))
		why = "the model is none of its own in the configuration";
	llm_request_done(&r);
	return why;
}

/* The line with the key; -errno. What holds it is wiped by the caller. */
static int put_key(struct online *o, struct buf *b)
{
	const struct span key = secret_view(&o->secret);
	size_t i;

	for (i = 0; i < key.n; i++)
		if (key.p[i] <= 0x20 || key.p[i] >= 0x7f)
			return -EINVAL;
	if (!buf_extend(b, LINE))
		return -ENOMEM;
	buf_reset(b);
	buf_str(b, o->set.anthropic ? "x-api-key: " : "Authorization: Bearer ");
	buf_span(b, key);
	return buf_ok(b) ? 0 : -ENOMEM;
}

static int send_request(struct call *c, struct span body, bool stream)
{
	struct online *o = c->model->o;
	struct buf key = { 0 };
	struct net_call q = {
		.scheme = o->set.plain ? "http" : "https",
		.host = o->set.hosts[0].name,
		.port = o->set.hosts[0].port,
		.method = "POST",
		.path = llm_path(c->answer.api),
		.body = body,
		.limit_ms = c->value ? ASK_MS : CALL_MS,
		.quiet_ms = QUIET_MS,
		.limit_bytes = c->value ? ASK_BYTES : LLM_ANSWER,
		.go = may_go,
		.piece = on_piece,
		.keep = true,
		.done = on_done,
		.arg = c,
	};
	int r = 0;

	buf_init(&key, LINE);
	if (o->set.secret) {
		r = put_key(o, &key);
		q.headers[q.n_headers++] = buf_cstr(&key);
	}
	q.headers[q.n_headers++] = "Content-Type: application/json";
	q.headers[q.n_headers++] = stream ? "Accept: text/event-stream"
					  : "Accept: application/json";
	q.headers[q.n_headers++] = "User-Agent: bulkhead";
	/* Nobody waits for "100 Continue". */
	q.headers[q.n_headers++] = "Expect:";
	if (o->set.anthropic)
		q.headers[q.n_headers++] = "anthropic-version: 2023-06-01";
	if (r == 0)
		r = net_call(&o->net, &q, &c->job);
	secret_wipe_buf(&key);
	buf_done(&key);
	return r;
}

static void sha256_of(struct span bytes, uint8_t ret[SHA256_LEN])
{
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, bytes);
	sha256_final(&h, ret);
}

static struct call *free_row(struct model *m)
{
	size_t i;

	for (i = 0; i < CALLS; i++)
		if (!m->calls[i].live)
			return &m->calls[i];
	return NULL;
}

static void fail(struct model *m, const struct m_l_call *in, const char *why)
{
	const struct m_l_done done = { .call = in->call,
				       .state = L_FAILED,
				       .why = span_str(why) };

	tell(m, &m->o->in.ids, &done);
}

static const char *begin(struct model *m, const struct m_l_call *in, int *out)
{
	CLEAN_FD int fd = chan_take_fd(&m->o->broker, 0);
	CLEAN_BUF struct buf body;
	struct call *c = free_row(m);
	const char *why;

	buf_init(&body, LLM_BODY);
	if (fd < 0 || in->value > LIMIT_VALUE ||
	    (in->value != 0) == (*out >= 0) ||
	    (*out >= 0 && fd_nonblock(*out, true) < 0))
		return "there is nobody to answer to";
	if (!c)
		return "too many are under way";
	why = read_request(&m->o->set, fd, in, &body);
	if (why)
		return why;
	if (*out >= 0 && loop_add(&m->o->loop, *out, 0, on_out, c) < 0)
		return "too many are under way";
	c->live = true;
	c->out = take_fd(out);
	c->value = in->value;
	buf_init(&c->said, SAID);
	c->number = in->call;
	c->ids = m->o->in.ids;
	sha256_of(buf_view(&body), c->done.asked);
	sha256_init(&c->got);
	buf_init(&c->waits, WAITING + ERROR_BYTES);
	llm_answer_init(&c->answer, (enum llm_api)in->api, in->stream == 1);
	c->answer.text = says;
	c->answer.arg = c;
	/* Local servers know the limit by more than one name. */
	if (m->o->set.private)
		c->room = (uint64_t)in->tokens * TOKEN_BYTES + ROOM_BYTES;
	take_canaries(c, in->canaries);
	if (send_request(c, buf_view(&body), in->stream == 1) == 0)
		return NULL;
	free_call(c);
	return "the request could not be begun";
}

static void model_call(struct online *o)
{
	const struct m_l_call *in = &o->in.l_call;
	struct model *m = o->own;
	CLEAN_FD int out = chan_take_fd(&o->broker, 1);
	const char *why = begin(m, in, &out);

	if (why)
		fail(m, in, why);
}

static void model_stop(struct online *o)
{
	struct model *m = o->own;
	size_t i;

	if (!m)
		return;
	for (i = 0; i < CALLS; i++)
		if (m->calls[i].live)
			free_call(&m->calls[i]);
	canaries_free(m->canaries);
	free(m);
	o->own = NULL;
}

/* #syscalls:online pread64 fstat */
static int model_start(struct online *o)
{
	struct model *m = calloc(1, sizeof(*m));
	size_t i;

	if (!m)
		return -ENOMEM;
	m->canaries = canaries_new();
	if (!m->canaries) {
		free(m);
		return -ENOMEM;
	}
	o->own = m;
	m->o = o;
	for (i = 0; i < CALLS; i++) {
		m->calls[i].model = m;
		m->calls[i].out = m->calls[i].late = -1;
	}
	if (!o->set.models[0])
		return -EINVAL;
	tell_link(m, ACCOUNT_UP, "");
	return 0;
}

const struct online_kind model_kind = {
	.name = "model",
	.start = model_start,
	.stop = model_stop,
	.model = model_call,
};
