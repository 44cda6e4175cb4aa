/*
 * planner: the porter's side of a planner VM: an MCP server whose tools are
 * the broker's capabilities.
 *
 * One request at a time: a line is taken up when the one before it was
 * answered by the broker and its reply is on its way to the VM. Only then is
 * its place in the stream's window given back, so that the VM waits, and what
 * is held here is bounded: one window, one reply.
 * #syscalls:porter pread64 fstat
 */
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "mcp.h"
#include "session.h"
#include "think.h"

enum {
	PLANNER_TOOLS_BYTES = 4 << 20,
	PLANNER_LINGER_MS = 5000, /* from the answer to the exit */
};

struct planner {
	struct mcp mcp;
	struct mux_stream *stream; /* mcp, NULL before and after */
	bool opened;
	bool said;     /* the VM says no more on it */
	bool stale;    /* what is waited for is for one that was before it */
	struct buf in; /* never more than the stream's window */
	size_t seen;   /* bytes of in without a newline */
	struct mcp_request request; /* the one being answered */
	enum msg_type waiting_for;  /* the broker's answer, MSG_NONE: none */
	struct buf reply;
	size_t reply_sent;
	json_t *tools; /* the broker's, NULL before they came */
	bool tools_whole;
	size_t tools_bytes;
	uint32_t requests;
	bool answered;
	bool stepping; /* what is queued calls back, perhaps to here */
	bool exited;
	struct wire_exit how;
	struct thinks think;
};

static void *planner_start(struct session *s)
{
	struct planner *p = calloc(1, sizeof(*p));

	if (!p)
		die("vm=%s out of memory", s->name);
	buf_init(&p->in, MUX_WINDOW);
	buf_init(&p->reply, MCP_REPLY_MAX);
	think_init(&p->think, s);
	return p;
}

static void planner_done(void *state)
{
	struct planner *p = state;

	mcp_request_done(&p->request);
	json_decref(p->tools);
	buf_done(&p->in);
	buf_done(&p->reply);
	think_done(&p->think);
	free(p);
}

/* --- to the broker ----------------------------------------------------- */

static void ask(struct session *s, struct msg *m, enum msg_type answer)
{
	struct planner *p = s->state;

	if (++p->requests > PLANNER_REQUESTS_MAX) {
		session_fail(s, WIRE_TOO_MUCH, "more than %d requests",
			     PLANNER_REQUESTS_MAX);
		return;
	}
	p->waiting_for = answer;
	session_ask(s, m, NULL, 0);
}

static void ask_tools(struct session *s)
{
	struct planner *p = s->state;
	struct msg m = { .type = MSG_TOOLS_GET };

	if (p->tools_whole) {
		mcp_reply_tools(&p->reply, &p->request, p->tools);
		return;
	}
	p->tools = json_array();
	ask(s, &m, MSG_TOOLS_END);
}

static void ask_call(struct session *s)
{
	struct planner *p = s->state;
	struct msg m = { .type = MSG_CALL };

	p->request.call.call = p->requests + 1;
	m.call = p->request.call;
	m.call.bound = think_bound(&p->think, &m.call);
	ask(s, &m, MSG_CALL_RESULT);
}

static void ask_wait(struct session *s)
{
	struct planner *p = s->state;
	struct msg m = { .type = MSG_WAIT };

	p->request.call.call = p->requests + 1;
	m.wait = p->request.wait;
	m.wait.call = p->request.call.call;
	ask(s, &m, MSG_CALL_RESULT);
}

static void ask_answer(struct session *s)
{
	struct planner *p = s->state;
	struct msg m = { .type = MSG_ANSWER };

	m.text.text = p->request.answer;
	ask(s, &m, MSG_ANSWER_OK);
}

static void ask_task(struct session *s)
{
	struct msg m = { .type = MSG_TASK_GET };

	ask(s, &m, MSG_TASK);
}

static void on_request(struct session *s)
{
	struct planner *p = s->state;

	if (p->answered && p->request.kind >= MCP_TASK) {
		mcp_reply_refusal(&p->reply, &p->request,
				  "the task has been answered");
		return;
	}
	switch (p->request.kind) {
	case MCP_NOTHING:
	case MCP_REPLY:
		break;
	case MCP_TOOLS:
		ask_tools(s);
		break;
	case MCP_TASK:
		ask_task(s);
		break;
	case MCP_ANSWER:
		ask_answer(s);
		break;
	case MCP_WAIT:
	case MCP_TICKET:
		ask_wait(s);
		break;
	case MCP_CALL:
		ask_call(s);
		break;
	}
}

/* --- lines from the VM, replies to it ---------------------------------- */

/* Moves the reply on; true when there is none (any more). */
static bool reply_gone(struct session *s)
{
	struct planner *p = s->state;

	if (p->stream)
		p->reply_sent += link_send(&s->link, p->stream,
					   span_of(p->reply.p + p->reply_sent,
						   p->reply.n - p->reply_sent));
	/* Nobody is left to read it. */
	if (p->reply_sent < p->reply.n && p->stream && !p->exited)
		return false;
	buf_reset(&p->reply);
	p->reply_sent = 0;
	return true;
}

/* The next whole line, taken out of in by take_line after its use. */
static bool next_line(struct session *s, struct span *ret)
{
	struct planner *p = s->state;
	const uint8_t *newline = NULL;

	if (p->in.n > p->seen)
		newline = memchr(p->in.p + p->seen, '\n', p->in.n - p->seen);
	p->seen = newline ? (size_t)(newline - p->in.p) : p->in.n;
	if (p->seen > LIMIT_MCP_LINE) {
		session_fail(s, WIRE_BAD_PAYLOAD, "an MCP line over %d bytes",
			     LIMIT_MCP_LINE);
		return false;
	}
	*ret = span_of(p->in.p, p->seen);
	return newline != NULL;
}

static void on_line(struct session *s, struct span line)
{
	struct planner *p = s->state;

	mcp_request_done(&p->request);
	mcp_read(&p->mcp, line, &p->request, &p->reply);
	if (p->stream)
		link_consumed(&s->link, p->stream, line.n + 1);
	buf_drop(&p->in, line.n + 1);
	p->seen = 0;
	if (p->mcp.errors > MCP_ERRORS_MAX)
		session_fail(s, WIRE_BAD_PAYLOAD,
			     "more than %d malformed MCP lines",
			     MCP_ERRORS_MAX);
	else
		on_request(s);
	if (!buf_ok(&p->reply))
		session_fail(s, WIRE_TOO_MUCH, "no memory for a reply");
}

static void end_of_work(struct session *s)
{
	const struct planner *p = s->state;

	if (p->answered)
		session_done(s);
	else
		session_fail(s, WIRE_HANGUP,
			     "the planner ended without an answer: code %u",
			     p->how.status);
}

/* Goes on as far as the broker and the VM let it. */
static void step(struct session *s)
{
	struct planner *p = s->state;
	bool idle = false;
	struct span line;

	if (p->stepping || !s->has_work)
		return;
	p->stepping = true;
	while (!s->over) {
		idle = reply_gone(s) && p->waiting_for == MSG_NONE &&
		       !s->asking;
		if (!idle || !next_line(s, &line))
			break;
		on_line(s, line);
	}
	p->stepping = false;
	if (!s->over && idle && p->exited)
		end_of_work(s);
	else if (!s->over && idle && p->said && p->stream)
		link_fin(&s->link, p->stream);
}

/* One conversation at a time. Who asks a model may begin another, as an agent
 * does that starts its client anew; what the last one waited for is dropped. */
static void planner_opened(struct session *s, struct mux_stream *m)
{
	struct planner *p = s->state;

	if (m->service == WIRE_LLM) {
		think_opened(&p->think, m);
		return;
	}
	if (p->opened && s->mode != &thinker_mode) {
		link_cut(&s->link, WIRE_BAD_ORDER, "mcp opened twice");
		return;
	}
	p->opened = true;
	p->stream = m;
	p->said = false;
	p->stale = p->waiting_for != MSG_NONE;
	p->mcp.version = (enum mcp_version)0;
	p->seen = p->reply_sent = 0;
	buf_reset(&p->in);
	buf_reset(&p->reply);
}

static void planner_data(struct session *s, struct mux_stream *m,
			 struct span bytes)
{
	struct planner *p = s->state;

	if (m->service == WIRE_LLM) {
		think_data(&p->think, m, bytes);
		return;
	}
	buf_span(&p->in, bytes);
	if (!buf_ok(&p->in))
		session_fail(s, WIRE_TOO_MUCH, "an MCP backlog over %d bytes",
			     MUX_WINDOW);
	else
		step(s);
}

static void planner_room(struct session *s, struct mux_stream *m)
{
	struct planner *p = s->state;

	if (m->service == WIRE_LLM)
		think_room(&p->think, m);
	step(s);
}

static void planner_work(struct session *s)
{
	step(s);
}

/* It may yet hear the answers to what it asked, until EXIT; a connection to its
 * model is over with the last of them. */
static void planner_end(struct session *s, struct mux_stream *m)
{
	struct planner *p = s->state;

	if (m->service == WIRE_LLM)
		think_end(&p->think, m);
	else
		p->said = true;
	step(s);
}

static void planner_closed(struct session *s, struct mux_stream *m)
{
	struct planner *p = s->state;

	if (m->service == WIRE_LLM)
		think_closed(&p->think, m);
	else
		p->stream = NULL;
	step(s);
}

static void planner_exited(struct session *s, const struct wire_exit *e)
{
	struct planner *p = s->state;

	p->exited = true;
	p->how = *e;
	step(s);
}

/* --- from the broker --------------------------------------------------- */

static void on_linger(void *arg)
{
	struct session *s = arg;

	s->timer = -1;
	session_done(s);
}

static bool add_tool(struct planner *p, const struct m_tool *t)
{
	json_t *v = mcp_tool(t);

	p->tools_bytes += t->schema.n + t->description.n + t->name.n;
	if (p->tools_bytes > PLANNER_TOOLS_BYTES ||
	    json_array_size(p->tools) >= MCP_TOOLS_MAX) {
		json_decref(v);
		return false;
	}
	return v && json_array_append_new(p->tools, v) == 0;
}

/* A task's message: checked here again, and without what was hidden in it. */
static bool reply_task(struct session *s, const struct m_task *t)
{
	struct planner *p = s->state;
	CLEAN_FD int fd = chan_take_fd(&s->broker, 0);
	CLEAN_FREE uint8_t *bytes = NULL;
	struct message m;
	const char *why;
	ssize_t n;

	if (!t->has_item) {
		mcp_reply_task(&p->reply, &p->request, t, NULL);
		return true;
	}
	n = memfd_sealed_size(fd, LIMIT_RECORD);
	if (n <= 0)
		return false;
	bytes = malloc((size_t)n);
	if (!bytes || fd_pread_all(fd, bytes, (size_t)n, 0) != n ||
	    message_decode(span_of(bytes, (size_t)n), &m, &why) < 0)
		return false;
	message_without_evidence(&m);
	mcp_reply_task(&p->reply, &p->request, t, &m);
	return true;
}

static bool reply_call(struct planner *p, const struct m_call_result *r)
{
	if (r->call != p->request.call.call || r->verdict < VERDICT_ALLOW ||
	    r->verdict >= VERDICT_MAX)
		return false;
	mcp_reply_call(&p->reply, &p->mcp, &p->request, r,
		       clock_ns(CLOCK_REALTIME) / 1000000000);
	return true;
}

static bool on_answer_ok(struct session *s)
{
	struct planner *p = s->state;

	p->answered = true;
	mcp_reply_answer(&p->reply, &p->request);
	session_timer(s, PLANNER_LINGER_MS, on_linger);
	return true;
}

/* What the awaited message brings; false if it is not as agreed. */
static bool on_awaited(struct session *s, const struct msg *m)
{
	struct planner *p = s->state;

	if (m->type == MSG_TASK)
		return reply_task(s, &m->task);
	if (m->type == MSG_CALL_RESULT)
		return reply_call(p, &m->call_result);
	if (m->type == MSG_ANSWER_OK)
		return on_answer_ok(s);
	p->tools_whole = true;
	mcp_reply_tools(&p->reply, &p->request, p->tools);
	return true;
}

static void planner_broker(struct session *s, const struct msg *m)
{
	struct planner *p = s->state;
	bool ok = false;

	if (m->type == MSG_L_DONE) {
		ok = think_ended(&p->think, &m->l_done);
	} else if (m->type == MSG_TOOL && p->waiting_for == MSG_TOOLS_END) {
		ok = add_tool(p, &m->tool);
	} else if (m->type == p->waiting_for) {
		p->waiting_for = MSG_NONE;
		ok = on_awaited(s, m) && buf_ok(&p->reply);
		if (p->stale)
			buf_reset(&p->reply);
		p->stale = false;
	}
	if (!ok)
		session_fail(s, WIRE_HANGUP, "the broker's %s is not as agreed",
			     msg_type_name(m->type));
	else
		step(s);
}

static void planner_sent(struct session *s)
{
	struct planner *p = s->state;

	think_may_ask(&p->think);
	step(s);
}

#define PLANNER_OPS                                                            \
	.start = planner_start, .done = planner_done, .work = planner_work,    \
	.opened = planner_opened, .data = planner_data, .end = planner_end,    \
	.closed = planner_closed, .room = planner_room,                        \
	.exited = planner_exited, .sent = planner_sent,                        \
	.broker = planner_broker

const struct mode planner_mode = {
	.limits = { PLANNER_BYTES, PLANNER_FRAMES, PLANNER_OPENS },
	.template_limits = { PLANNER_BYTES, PLANNER_FRAMES, PLANNER_OPENS },
	PLANNER_OPS,
};

const struct mode thinker_mode = {
	.limits = { THINKER_BYTES, THINKER_FRAMES, THINKER_OPENS },
	.template_limits = { THINKER_BYTES, THINKER_FRAMES, THINKER_OPENS },
	PLANNER_OPS,
};
