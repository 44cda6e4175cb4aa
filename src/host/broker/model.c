/*
 * model: what a planner asks its model, on its way to the connector that has
 * the provider's key, and the word of its end on the way back. The request is a
 * sealed memfd and the answer goes by a socket from the connector to the
 * porter. What is known of them is on record. Of the request nothing is parsed:
 * it is compared with the texts of its task (session_asks), whatever it is.
 *
 * What a request may cost at most is taken from the budgets, durably, before it
 * goes, and settled by what the provider says; where it says nothing, though
 * the request may have been there, that stays taken.
 *
 * A question of reader.ask (ask.c) is a request of ours among them: the same
 * budgets, the same records, and no socket.
 */
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/broker/broker.h"
#include "host/broker/session.h"
#include "llm/llm.h"

static struct model_call *call_of(struct broker *b, uint64_t number)
{
	size_t i;

	for (i = 0; i < BROKER_MODEL_CALLS; i++)
		if (b->models[i].number == number)
			return &b->models[i];
	return NULL;
}

static struct peer *model_peer(struct broker *b)
{
	size_t i;

	for (i = 0; i < BROKER_PEERS; i++)
		if (b->peers[i].kind == PEER_CONNECTOR &&
		    b->peers[i].ways & WAY_MODEL)
			return &b->peers[i];
	return NULL;
}

static const char *state_name(unsigned s)
{
	static const char *const names[] = { [L_ANSWERED] = "answered",
					     [L_REFUSED] = "refused",
					     [L_CUT] = "cut",
					     [L_FAILED] = "failed" };

	return s && s < ARRAY_SIZE(names) ? names[s] : "unknown";
}

static bool hashed(const struct m_l_done *d)
{
	static const uint8_t none[SHA256_LEN];

	return memcmp(d->asked, none, SHA256_LEN) != 0;
}

static void transcribe(struct task *t, const struct m_l_done *d)
{
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, span_of(t->transcript, SHA256_LEN));
	sha256_add(&h, span_of(d->asked, SHA256_LEN));
	sha256_add(&h, span_of(d->got, SHA256_LEN));
	sha256_final(&h, t->transcript);
}

static void record_end(struct broker *b, const struct msg_ids *ids,
		       uint64_t number, const struct m_l_done *d,
		       const struct spend_amount *a)
{
	struct task *t = task_find(b, ids->task);
	char hex[3][2 * SHA256_LEN + 1]; /* until the record is written */

	audit_begin(&b->record, "model.done", ids);
	audit_int(&b->record, "request", number);
	audit_str(&b->record, "state", span_str(state_name(d->state)));
	audit_int(&b->record, "status", d->status);
	audit_str(&b->record, "why", d->why);
	audit_int(&b->record, "input", d->input);
	audit_int(&b->record, "cache_read", d->cache_read);
	audit_int(&b->record, "cache_write", d->cache_write);
	audit_int(&b->record, "output", d->output);
	audit_bool(&b->record, "told", d->told == 1);
	/* Nobody knows them when the connector has ended. */
	if (hashed(d)) {
		hex_encode(hex[0], d->asked, SHA256_LEN);
		audit_str(&b->record, "request_sha256", span_str(hex[0]));
		hex_encode(hex[1], d->got, SHA256_LEN);
		audit_str(&b->record, "answer_sha256", span_str(hex[1]));
	}
	if (t) {
		if (hashed(d))
			transcribe(t, d);
		hex_encode(hex[2], t->transcript, SHA256_LEN);
		audit_str(&b->record, "transcript", span_str(hex[2]));
	}
	if (b->model_price.known)
		audit_int(&b->record, "cost_millionths", a->usd);
	broker_audit_later(b);
}

/* To the porter that asked, if it is there. */
static void tell(struct broker *b, struct peer *p, uint64_t call,
		 const struct m_l_done *d)
{
	b->out.type = MSG_L_DONE;
	b->out.ids = b->ids;
	b->out.l_done = *d;
	b->out.l_done.call = call;
	peer_send(b, p, NULL, 0);
}

enum {
	FORBIDDEN = 403,
	OVER_BUDGET = 402,
	QUOTED_TEXT = 4 << 10, /* of a label, for people */
};

static void refuse(struct broker *b, struct peer *p, uint64_t call,
		   uint32_t status, const char *why)
{
	const struct m_l_done d = { .state = L_FAILED,
				    .status = status,
				    .why = span_str(why) };

	tell(b, p, call, &d);
}

/* --- budgets ------------------------------------------------------------- */

/* Takes the most that it can cost. 0; else it does not go: a status, and
 * b->keep_why says why. */
static uint32_t reserve(struct broker *b, struct model_call *m,
			const struct m_l_call *in, const struct msg_ids *ids)
{
	char why[SPEND_WHY];
	bool ok;

	m->taken = calloc(1, sizeof(*m->taken));
	if (!m->taken)
		die("out of memory");
	/* To count is for nothing. */
	if (in->api != LLM_COUNT)
		m->most = spend_most(in->size, in->tokens, &b->model_price);
	(void)limits_now(b);
	ok = spend_reserve(b->policy, b->limits, m->task, &m->most, m->taken,
			   why);
	if (ok && limits_keep(b))
		return 0;
	if (ok) {
		policy_state_give_back(b->limits, m->taken);
		return FORBIDDEN;
	}
	audit_begin(&b->record, "model.refused", ids);
	audit_str(&b->record, "model", in->model);
	audit_int(&b->record, "size", in->size);
	audit_int(&b->record, "tokens", in->tokens);
	audit_str(&b->record, "why", span_str(why));
	broker_audit_later(b);
	(void)str_printf(b->keep_why, sizeof(b->keep_why), "%s", why);
	return OVER_BUDGET;
}

static uint32_t at_most(uint32_t n)
{
	return n < SPEND_TOKENS ? n : SPEND_TOKENS;
}

/* What it has cost, as far as one can know. */
static struct spend_amount cost_of(const struct broker *b,
				   const struct model_call *m,
				   const struct m_l_done *d)
{
	const struct spend_used used = { .input = at_most(d->input),
					 .cache_read = at_most(d->cache_read),
					 .cache_write = at_most(d->cache_write),
					 .output = at_most(d->output) };

	if (!m->most.tokens)
		return (struct spend_amount){ 0 };
	if (d->told == 1)
		return spend_of(&used, &b->model_price);
	/* Nobody bills what was refused, or was not there. */
	if (d->state == L_REFUSED || d->went != 1)
		return (struct spend_amount){ 0 };
	return m->most;
}

static void settle(struct broker *b, struct model_call *m,
		   const struct spend_amount *a)
{
	const struct task *t = task_find(b, m->task);
	const bool lives =
		(t && t->state <= TASK_RUNNING) || approvals_wait(b, m->task);

	(void)limits_now(b);
	if (!spend_settle(b->policy, b->limits, lives ? m->task : 0, a,
			  m->taken) ||
	    !limits_keep(b))
		log_warn("model", "why=\"a budget cannot be settled\"");
}

static void drop_call(struct model_call *m)
{
	free(m->taken);
	ask_free(m->ask);
	*m = (struct model_call){ 0 };
}

void model_connected(struct broker *b)
{
	const struct m_connector *c = &b->in.connector;

	b->model_price = (struct spend_price){ .known = c->priced == 1,
					       .input = c->input,
					       .output = c->output,
					       .cache_read = c->cache_read,
					       .cache_write = c->cache_write };
	if (c->input > SPEND_PRICE_MAX || c->output > SPEND_PRICE_MAX ||
	    c->cache_read > SPEND_PRICE_MAX || c->cache_write > SPEND_PRICE_MAX)
		die("a price is too large");
	if (c->model.n && (str_copy(b->model, sizeof(b->model), c->model) < 0 ||
			   !c->api || c->api >= LLM_API_MAX))
		die("a model has no name or no format");
	b->model_api = c->api;
}

/* --- requests ------------------------------------------------------------ */

static struct model_call *new_call(struct broker *b, const struct peer *p,
				   uint64_t call, uint64_t task)
{
	struct model_call *m = call_of(b, 0);
	size_t i, own = 0;

	for (i = 0; i < BROKER_MODEL_CALLS; i++)
		own += b->models[i].number && b->models[i].vm == p->vm;
	if (!m || own >= BROKER_MODEL_OWN)
		return NULL;
	*m = (struct model_call){ .number = ++b->model_number,
				  .vm = p->vm,
				  .call = call,
				  .task = task };
	return m;
}

static void record_call(struct broker *b, const struct msg_ids *ids,
			const struct peer *to, const struct m_l_call *in,
			const struct model_call *m)
{
	audit_begin(&b->record, "model.call", ids);
	audit_int(&b->record, "request", m->number);
	audit_str(&b->record, "upstream", span_str(to->name));
	audit_str(&b->record, "model", in->model);
	audit_int(&b->record, "size", in->size);
	audit_int(&b->record, "tokens", in->tokens);
	audit_bool(&b->record, "stream", in->stream == 1);
	audit_int(&b->record, "reserved", m->most.tokens);
	if (m->ask)
		audit_str(&b->record, "for", SPAN_LIT(TOOL_ASK));
	broker_audit_later(b);
}

/* Goes on, on record. fds: the request and, of a planner's own, where its
 * answer goes. */
static void send_call(struct broker *b, const struct task *t, struct peer *to,
		      const struct m_l_call *in, const struct model_call *m,
		      const int *fds)
{
	const struct msg_ids ids = task_ids(b, t);
	char canaries[TRIP_CANARIES];

	record_call(b, &ids, to, in, m);
	b->out.type = MSG_L_CALL;
	b->out.ids = ids;
	b->out.l_call = *in;
	b->out.l_call.call = m->number;
	trip_canaries(b, t->id, t->item, canaries);
	b->out.l_call.canaries = span_str(canaries);
	peer_send(b, to, fds, m->ask ? 1 : 2);
}

/*
 * What the request quotes of the task's texts, its planner has seen. False: it
 * cannot be read.
 */
static bool look_at(struct broker *b, struct task *t, int body,
		    const struct m_l_call *in)
{
	const struct msg_ids ids = task_ids(b, t);
	const ssize_t n = memfd_sealed_size(body, LLM_BODY);
	CLEAN_BUF struct buf request;
	struct buf text CLEAN_BUF = { .max = QUOTED_TEXT };
	struct label quoted;
	uint8_t *p;

	buf_init(&request, LLM_BODY);
	p = n >= 0 && (size_t)n == in->size ? buf_extend(&request, (size_t)n)
					    : NULL;
	if (!p || fd_pread_all(body, p, (size_t)n, 0) != n)
		return false;
	if (!session_asks(t->session, &request, now_ms(), &quoted))
		return true;
	label_text(&text, &quoted, session_atoms(t->session));
	audit_begin(&b->record, "model.seen", &ids);
	audit_str(&b->record, "quoted",
		  buf_ok(&text) ? buf_view(&text) : SPAN_LIT("(long)"));
	broker_audit_later(b);
	return true;
}

static const char too_many[] = "too many requests are under way",
		  not_running[] = "the connector of the model is not running";

void model_call(struct broker *b, struct peer *p)
{
	struct m_l_call in = b->in.l_call;
	CLEAN_FD int body = chan_take_fd(&p->chan, 0);
	CLEAN_FD int out = chan_take_fd(&p->chan, 1);
	struct task *t = task_at_work(b, p);
	struct peer *to = model_peer(b);
	struct model_call *m;
	struct msg_ids ids;
	const int fds[2] = { body, out };
	uint32_t status;

	if (!t || body < 0 || out < 0 ||
	    latch_why(b, SPAN_LIT("model"), t->id)) {
		refuse(b, p, in.call, FORBIDDEN,
		       "no task of its own is at work");
		return;
	}
	if (!look_at(b, t, body, &in)) {
		refuse(b, p, in.call, FORBIDDEN,
		       "the request is no sealed one of its size");
		return;
	}
	m = to ? new_call(b, p, in.call, t->id) : NULL;
	if (!m) {
		refuse(b, p, in.call, FORBIDDEN, to ? too_many : not_running);
		return;
	}
	ids = task_ids(b, t);
	status = reserve(b, m, &in, &ids);
	if (!status) {
		/* That the answer has a value is asked for here alone. */
		in.value = 0;
		send_call(b, t, to, &in, m, fds);
		return;
	}
	refuse(b, p, in.call, status, b->keep_why);
	if (status == OVER_BUDGET)
		trip_budget(b, t->id, ids.span);
	drop_call(m);
}

const char *model_why(struct broker *b, const struct peer *p, uint64_t task)
{
	size_t i;

	if (!b->model[0])
		return "there is no model to ask: the planner has no upstream";
	if (latch_why(b, SPAN_LIT("model"), task))
		return "the kill latch is set: no model is asked";
	for (i = 0; i < BROKER_MODEL_CALLS; i++)
		if (b->models[i].number && b->models[i].ask &&
		    b->models[i].vm == p->vm)
			return "the question before this one has no answer yet";
	return model_peer(b) ? NULL : not_running;
}

const char *model_ask(struct broker *b, struct peer *p, struct task *t,
		      int body, const struct m_l_call *in, struct ask *ask)
{
	const struct msg_ids ids = task_ids(b, t);
	struct peer *to = model_peer(b);
	struct model_call *m = to ? new_call(b, p, in->call, t->id) : NULL;
	char why[SPEND_WHY];
	uint32_t status;

	if (!m) {
		ask_free(ask);
		return to ? too_many : not_running;
	}
	m->ask = ask;
	status = reserve(b, m, in, &ids);
	if (!status) {
		send_call(b, t, to, in, m, &body);
		return NULL;
	}
	drop_call(m);
	if (status == OVER_BUDGET) {
		(void)str_printf(why, sizeof(why), "%s", b->keep_why);
		trip_budget(b, t->id, ids.span);
		(void)str_printf(b->keep_why, sizeof(b->keep_why), "%s", why);
	}
	return b->keep_why;
}

static void end(struct broker *b, struct model_call *m,
		const struct m_l_done *d)
{
	struct peer *p = peer_of_vm(b, m->vm);
	const struct spend_amount a = cost_of(b, m, d);
	const struct task *t = task_find(b, m->task);
	struct msg_ids ids = t ? task_ids(b, t) : b->ids;

	ids.task = m->task;
	settle(b, m, &a);
	record_end(b, &ids, m->number, d, &a);
	if (t && d->canary && d->canary < CANARY_ZONE_MAX &&
	    d->form < GRAM_FORM_MAX)
		trip_model(b, t, d);
	if (m->ask)
		ask_done(b, m, d);
	else if (p)
		tell(b, p, m->call, d);
	drop_call(m);
}

void model_done(struct broker *b, struct peer *)
{
	const struct m_l_done d = b->in.l_done;
	struct model_call *m = d.call ? call_of(b, d.call) : NULL;

	if (m)
		end(b, m, &d);
	else
		log_warn("model", "why=\"an end of no request\"");
}

void model_lost(struct broker *b)
{
	const struct m_l_done d = {
		.state = L_CUT,
		.went = 1,
		.why = SPAN_LIT("the connector of the model ended"),
	};
	size_t i;

	for (i = 0; i < BROKER_MODEL_CALLS; i++)
		if (b->models[i].number)
			end(b, &b->models[i], &d);
}
