/*
 * calls: what a planner asks for, from request to recorded outcome.
 *
 * The order is the product: decide, plan the effect in the store, make intent
 * and decision durable in the log, start it in the store, execute, make the
 * outcome durable in both, answer. A refusal is recorded the same way.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/broker/broker.h"
#include "proto/message.h"

enum { FROM_MAX = 28 << 10 }; /* labels in one record */

/* The record as the planner may see it: without evidence. */
static int shown_record(struct broker *b, const struct item *it)
{
	CLEAN_FREE uint8_t *text = NULL;
	static struct message m;
	CLEAN_BUF struct buf shown;
	const char *why;
	ssize_t n;
	int fd;

	buf_init(&shown, LIMIT_RECORD);
	n = memfd_sealed_size(it->record_fd, LIMIT_RECORD);
	text = malloc((size_t)(n > 0 ? n : 0) + 1);
	if (!text || n < 0 ||
	    fd_pread_all(it->record_fd, text, (size_t)n, 0) != n ||
	    message_decode(span_of(text, (size_t)n), &m, &why) < 0)
		die("own record of an item cannot be read");
	message_without_evidence(&m);
	message_encode(&shown, &m);
	fd = memfd_or_forget(b, buf_view(&shown));
	if (!buf_ok(&shown) || fd < 0)
		die("record for a planner: out of memory");
	return fd;
}

void call_task_get(struct broker *b, struct peer *p)
{
	struct item *it = item_find(b, p->item);

	if (!it || it->record_fd < 0 || it->verdict != ITEM_PENDING)
		return;
	/* Made once: asking again costs no memory, however often. */
	if (it->shown_fd < 0)
		it->shown_fd = shown_record(b, it);
	b->out.type = MSG_TASK;
	b->out.ids = item_ids(b, it);
	b->out.task = (struct m_task){ span_str(b->instruction), 1 };
	peer_send(b, p, &it->shown_fd, 1);
}

void call_tools_get(struct broker *b, struct peer *p)
{
	size_t i;

	b->out.ids = b->in.ids;
	for (i = 0;
	     p->kind != PEER_NONE && policy_tool(b->policy, i, &b->out.tool);
	     i++) {
		b->out.type = MSG_TOOL;
		peer_send(b, p, NULL, 0);
	}
	b->out.type = MSG_TOOLS_END;
	b->out.empty = (struct m_empty){ 0 };
	if (p->kind != PEER_NONE)
		peer_send(b, p, NULL, 0);
}

/* The record of the call at hand will have its arguments as they came. */
static void begin_raw(struct broker *b)
{
	static struct record_arg rows[LIMIT_ARGS];
	const struct m_call *call = &b->in.call;
	uint32_t i;

	for (i = 0; i < call->n; i++)
		rows[i] = (struct record_arg){ .name = call->args[i].name,
					       .value = call->args[i].value };
	aside_begin(b, rows, call->n);
}

/* Where each argument comes from, one behind the other in b->from; lengths. */
static void label_texts(struct broker *b, const struct atoms *atoms,
			size_t lengths[LIMIT_ARGS])
{
	const struct decision *d = &b->decision;
	uint32_t i;

	buf_done(&b->from);
	buf_init(&b->from, FROM_MAX);
	for (i = 0; i < d->n; i++) {
		size_t at = b->from.n;
		size_t k = d->args[i].value_index;

		label_text(&b->from, &d->resolved.values[k].label, atoms);
		if (!buf_ok(&b->from)) {
			/* More than a record holds: it says so of this one. */
			buf_cut(&b->from, at);
			b->from.bad = false;
			buf_str(&b->from, "(long)");
		}
		lengths[i] = b->from.n - at;
	}
}

/* The same as they were decided on, while the atoms of their labels are there;
 * a call that is refused may have none of that. */
static void begin_decided(struct broker *b, const struct atoms *atoms)
{
	static struct record_arg rows[LIMIT_ARGS];
	const struct decision *d = &b->decision;
	size_t lengths[LIMIT_ARGS];
	size_t at = 0;
	uint32_t i;

	if (d->n == 0) {
		begin_raw(b);
		return;
	}
	label_texts(b, atoms, lengths);
	for (i = 0; i < d->n; i++) {
		rows[i] = (struct record_arg){
			.name = d->args[i].name,
			.value = d->args[i].value,
			.origin = span_str(d->args[i].chip),
			.from = buf_part(&b->from, at, lengths[i]),
		};
		at += lengths[i];
	}
	aside_begin(b, rows, d->n);
}

static void audit_decision(struct broker *b, const struct request_of *q,
			   const struct decision *d, uint64_t effect,
			   struct m_audit_ok *ok)
{
	const struct m_call *call = &b->in.call;
	struct msg_ids ids = b->ids;
	char hash[65];

	/* A refusal is on record also where its arguments cannot be kept. */
	(void)aside_keep(b);
	ids.task = q->task;
	ids.span = q->item;
	hex_encode(hash, policy_hash(b->policy), 32);
	audit_begin(&b->record, "decision", &ids);
	audit_int(&b->record, "item", q->item);
	audit_str(&b->record, "capability",
		  utf8_valid(call->capability) ? call->capability
					       : SPAN_LIT("(not text)"));
	aside_record(b);
	audit_str(&b->record, "verdict",
		  d->verdict == VERDICT_ALLOW ? SPAN_LIT("allow")
					      : SPAN_LIT("deny"));
	audit_str(&b->record, "clause", span_str(d->clause));
	audit_str(&b->record, "reason", span_str(d->reason));
	audit_str(&b->record, "policy", span_str(hash));
	if (effect)
		audit_int(&b->record, "effect", effect);
	if (q->repeats)
		audit_int(&b->record, "repeats", q->repeats);
	(void)broker_audit(b, ok);
}

/* Keeps what the owner will want to see of this request. */
static void remember(struct broker *b, struct item *it,
		     const struct m_call *call, const struct decision *d,
		     uint64_t index)
{
	CLEAN_BUF struct buf out;
	struct request *q;

	if (it->n_requests == BROKER_REQUESTS)
		return;
	buf_init(&out, LIMIT_MSG);
	b->out.type = MSG_C_REQUEST;
	b->out.ids = item_ids(b, it);
	b->out.c_request = (struct m_c_request){
		.item = it->id,
		.task = it->task,
		.capability = call->capability,
		.n = call->n,
		.verdict = (uint8_t)d->verdict,
		.clause = span_str(d->clause),
		.reason = span_str(d->reason),
		.audit_index = index,
	};
	memcpy(b->out.c_request.args, call->args,
	       call->n * sizeof(call->args[0]));
	msg_encode(&out, &b->out);
	if (!buf_ok(&out) || out.n > BROKER_REQUEST_BYTES - it->request_bytes)
		return;
	it->request_bytes += out.n;
	q = &it->requests[it->n_requests++];
	q->n = out.n;
	q->datagram = out.p;
	out.p = NULL; /* handed over to the item */
}

/* What a planner is told of its call. */
struct result {
	uint64_t call;
	enum verdict verdict;
	bool executed;
	const char *clause, *reason;
	uint64_t index;
};

static void reply(struct broker *b, struct peer *p, const struct result *r)
{
	b->out.type = MSG_CALL_RESULT;
	b->out.ids = b->ids;
	b->out.call_result = (struct m_call_result){
		.call = r->call,
		.verdict = (uint8_t)r->verdict,
		.executed = r->executed,
		.clause = span_str(r->clause),
		.reason = span_str(r->reason),
		.audit_index = r->index,
	};
	peer_send(b, p, NULL, 0);
}

static void refuse(struct decision *d, const char *clause, const char *reason)
{
	d->verdict = VERDICT_DENY;
	(void)str_printf(d->clause, sizeof(d->clause), "%s", clause);
	(void)str_printf(d->reason, sizeof(d->reason), "%s", reason);
}

static const char full[] =
	"the disk is full: nothing new is done until there is room";

/* What no policy can allow just now, after the policy allowed it. */
static struct peer *executor(struct broker *b, struct decision *d)
{
	struct peer *c = NULL;

	if (d->verdict != VERDICT_ALLOW)
		return NULL;
	c = peer_of_connector(b, d->connector);
	if (audit_poll(&b->audit, &b->record) < 0)
		die("the audit log cannot be written; nothing executes");
	if (b->killed)
		refuse(d, "kill latch", "the kill latch is set");
	else if (b->record.room.full)
		refuse(d, "disk full", full);
	else if (!c || !c->outbound)
		refuse(d, "no connector", "the connector is not running");
	else if (c->effect)
		refuse(d, "busy connector", "the connector is busy");
	if (d->verdict == VERDICT_ALLOW)
		return c;
	/* Not the policy's refusal: it takes nothing of the call's limits. */
	limits_give_back(b);
	return NULL;
}

/* An effect that the policy allows, in the store: its number, or 0, and the
 * decision is none any more. */
static uint64_t plan(struct broker *b, const struct request_of *q,
		     struct decision *d)
{
	static struct m_e_plan m;
	char why[300];
	uint64_t effect;

	m = (struct m_e_plan){ .item = q->item,
			       .task = q->task,
			       .repeats = q->repeats,
			       .capability = b->in.call.capability,
			       .connector = span_str(d->connector),
			       .n = d->n };
	memcpy(m.args, d->rows, d->n * sizeof(d->rows[0]));
	/* What it takes is used up before anything can come of it. */
	effect = aside_keep(b) && limits_keep(b) ? keep_plan(b, &m) : 0;
	if (effect)
		return effect;
	(void)str_printf(why, sizeof(why), "%s", b->keep_why);
	utf8_trim(why);
	refuse(d, "store", why);
	limits_give_back(b);
	return 0;
}

static void audit_outcome(struct broker *b, const struct peer *c,
			  enum effect_state s, struct span detail)
{
	struct outcome o = { .effect = c->effect,
			     .index = c->effect_index,
			     .state = s,
			     .detail = detail,
			     .ids = b->ids };

	o.ids.task = c->effect_task;
	o.ids.span = c->effect_item;
	(void)str_printf(o.connector, sizeof(o.connector), "%s", c->name);
	outcome_audit(b, &o);
	keep_recorded(b, MSG_E_RECORDED, c->effect);
}

/* In the store first, then in the log: what a restart finds in the store and
 * not recorded, it records. Where the store has no room, a restart will say
 * that it is unknown, or, of one only planned, that it never was; the log says
 * what it was. */
static void effect_is(struct broker *b, struct peer *c, enum effect_state s,
		      struct span detail)
{
	bool kept = keep_outcome(b, c->effect, s, detail);

	observed_effect(b, c, s);
	audit_outcome(b, c, s, detail);
	if (!kept)
		log_warn("outcome-not-kept", "effect=%llu",
			 (unsigned long long)c->effect);
}

/*
 * The last point at which it has not happened; from here on it may. That the
 * disk is full may have become known with the record of the decision.
 */
static bool start(struct broker *b, struct peer *c, struct decision *d)
{
	const bool no_room = b->record.room.full;
	struct span why = no_room ? SPAN_LIT("the disk was full")
				  : SPAN_LIT("its start could not be kept");

	if (!no_room && keep_started(b, c->effect, c->effect_index))
		return true;
	if (no_room) {
		refuse(d, "disk full", full);
		limits_give_back(b);
	} else {
		refuse(d, "store",
		       "not executed: the store cannot keep its start");
	}
	effect_is(b, c, EFFECT_NOT_EXECUTED, why);
	c->effect = 0;
	return false;
}

static void execute(struct broker *b, struct peer *c,
		    const struct request_of *q, const struct decision *d)
{
	(void)str_printf(c->effect_clause, sizeof(c->effect_clause), "%s",
			 d->clause);
	b->out.type = MSG_EFFECT;
	b->out.ids = b->ids;
	b->out.ids.task = q->task;
	b->out.ids.span = q->item;
	b->out.effect.effect = c->effect;
	b->out.effect.capability = b->in.call.capability;
	b->out.effect.n = d->n;
	memcpy(b->out.effect.args, d->rows, d->n * sizeof(d->rows[0]));
	b->acting = true;
	planners_listen(b, false);
	peer_send(b, c, NULL, 0);
}

void refusals_flush(struct broker *b, struct peer *p)
{
	struct refusals *r = &p->refusals;
	struct item *it = r->more ? item_find(b, p->item) : NULL;
	struct msg_ids ids = it ? item_ids(b, it) : b->ids;

	if (!r->more)
		return;
	audit_begin(&b->record, "decision.repeated", &ids);
	audit_int(&b->record, "decision", r->index);
	audit_int(&b->record, "vm", p->vm);
	audit_int(&b->record, "item", p->item);
	audit_str(&b->record, "capability", span_str(r->capability));
	audit_str(&b->record, "verdict", SPAN_LIT("deny"));
	audit_str(&b->record, "clause", span_str(r->clause));
	audit_int(&b->record, "count", r->more);
	audit_int(&b->record, "first_us", r->first_us);
	audit_int(&b->record, "last_us", r->last_us);
	r->more = 0;
	broker_audit_later(b);
}

static void on_refusals(void *arg)
{
	struct broker *b = arg;
	size_t i;

	b->refusals_timer = -1;
	for (i = 0; i < BROKER_PEERS; i++)
		refusals_flush(b, &b->peers[i]);
}

/*
 * Records a decision: one that is refused as the one before it was only counted
 * for now. True: it has a record of its own.
 */
static bool record(struct broker *b, const struct request_of *q,
		   const struct decision *d, uint64_t effect,
		   struct m_audit_ok *ok)
{
	struct refusals *r = q->vm ? &q->vm->refusals : NULL;
	const struct span capability = b->in.call.capability;

	if (r && !effect && refusals_more(r, capability, d, now_us())) {
		*ok = (struct m_audit_ok){ .index = r->index };
		if (b->refusals_timer < 0)
			b->refusals_timer = loop_timer(&b->loop, REFUSALS_MS,
						       on_refusals, b);
		if (b->refusals_timer < 0)
			refusals_flush(b, q->vm);
		return false;
	}
	if (r)
		refusals_flush(b, q->vm);
	audit_decision(b, q, d, effect, ok);
	if (r && !effect)
		refusals_begin(r, capability, d, ok->index);
	else if (r)
		r->any = false;
	return true;
}

/* What there is to know of who asks: the text of the item has been read. */
static void policy_says(struct broker *b, const struct request_of *q)
{
	static struct label owner, pc;
	static struct arg_context context = { .owner_label = &owner,
					      .pc = &pc };
	struct decide_in in = { .call = &b->in.call,
				.context = &context,
				.task = q->task,
				.task_item = q->item,
				.session = SESSION_TAINTED };

	owner = label_of(ATOM_OWNER, INTEGRITY_OWNER);
	pc = label_of(ATOM_NONE, INTEGRITY_EXTERNAL);
	in.atoms = atoms_new(0);
	in.wall_s = limits_now(b);
	policy_decide(b->policy, b->limits, &in, &b->decision);
	begin_decided(b, in.atoms);
	atoms_free(in.atoms);
}

/* Nobody can be asked yet. */
static void refuse_ask(struct broker *b, struct decision *d)
{
	if (d->verdict != VERDICT_ASK)
		return;
	limits_give_back(b);
	d->verdict = VERDICT_DENY;
	(void)str_printf(d->reason, sizeof(d->reason),
			 "approvals are not built yet");
}

/* Decides the call at hand, and records that; who executes it, its effect
 * started, or NULL. */
static struct peer *decide(struct broker *b, const struct request_of *q,
			   struct decision *d, struct m_audit_ok *ok)
{
	struct observe_time since = observe_now();
	uint64_t effect = 0;
	struct peer *c;
	bool own;

	policy_says(b, q);
	refuse_ask(b, d);
	c = executor(b, d);
	if (c)
		effect = plan(b, q, d);
	own = record(b, q, d, effect, ok);
	observed_decision(b, q, d, own ? ok->index : 0, since);
	if (q->it && own)
		remember(b, q->it, &b->in.call, d, ok->index);
	if (!effect)
		return NULL;
	c->effect = effect;
	c->effect_index = ok->index;
	c->effect_item = q->item;
	c->effect_task = q->task;
	c->effect_vm = c->effect_call = 0;
	c->effect_since = observe_now();
	if (str_copy(c->effect_capability, sizeof(c->effect_capability),
		     b->in.call.capability) < 0)
		c->effect_capability[0] = 0;
	return start(b, c, d) ? c : NULL;
}

void call_capability(struct broker *b, struct peer *p)
{
	struct decision *d = &b->decision;
	struct item *it = item_find(b, p->item);
	struct request_of q = { 0 };
	struct m_audit_ok ok;
	struct peer *c;

	if (!it || it->verdict != ITEM_PENDING)
		return;
	q = (struct request_of){
		.item = it->id, .task = it->task, .it = it, .vm = p
	};
	if (it->calls++ >= BROKER_CALLS) {
		begin_raw(b);
		refuse(d, "task limit", "too many requests in this task");
		if (!record(b, &q, d, 0, &ok))
			observed_decision(b, &q, d, 0, observe_now());
		else
			observed_decision(b, &q, d, ok.index, observe_now());
		reply(b, p,
		      &(struct result){ b->in.call.call, d->verdict, false,
					d->clause, d->reason, ok.index });
		return;
	}
	c = decide(b, &q, d, &ok);
	if (!c) {
		reply(b, p,
		      &(struct result){ b->in.call.call, d->verdict, false,
					d->clause, d->reason, ok.index });
		return;
	}
	c->effect_vm = p->vm;
	c->effect_call = b->in.call.call;
	execute(b, c, &q, d);
}

uint64_t call_repeat(struct broker *b, const struct request_of *q)
{
	struct decision *d = &b->decision;
	struct m_audit_ok ok;
	struct peer *c;
	uint64_t effect;

	c = decide(b, q, d, &ok);
	if (!c) {
		(void)str_printf(b->keep_why, sizeof(b->keep_why),
				 "refused: %s (%s)", d->reason, d->clause);
		return 0;
	}
	effect = c->effect;
	execute(b, c, q, d);
	return effect;
}

void outcome_audit(struct broker *b, const struct outcome *o)
{
	audit_begin(&b->record, "outcome", &o->ids);
	if (o->index != OUTCOME_NO_INDEX)
		audit_int(&b->record, "decision", o->index);
	audit_int(&b->record, "effect", o->effect);
	audit_str(&b->record, "connector", span_str(o->connector));
	audit_str(&b->record, "outcome", span_str(effect_state_name(o->state)));
	if (utf8_valid(o->detail))
		audit_str(&b->record, "detail", o->detail);
	if (o->again)
		audit_bool(&b->record, "again", true);
	(void)broker_audit(b, NULL);
	observed_outcome(b, o->state);
}

/* Marks the owner's copy of the request as carried out. */
static void remember_done(struct broker *b, struct peer *c)
{
	struct item *it = item_find(b, c->effect_item);
	const char *why;
	uint32_t i;

	for (i = 0; it && i < it->n_requests; i++) {
		struct request *q = &it->requests[i];
		struct buf out;

		if (msg_decode(span_of(q->datagram, q->n), &b->out, &why) < 0 ||
		    b->out.c_request.audit_index != c->effect_index)
			continue;
		b->out.c_request.executed = 1;
		buf_init(&out, LIMIT_MSG);
		msg_encode(&out, &b->out);
		if (!buf_ok(&out))
			return;
		free(q->datagram);
		q->datagram = out.p;
		q->n = out.n;
	}
}

static void effect_end(struct broker *b, struct peer *c, bool done,
		       const char *reason)
{
	/* None, where the owner repeats one. */
	struct peer *p = c->effect_vm ? peer_of_vm(b, c->effect_vm) : NULL;

	if (done)
		remember_done(b, c);
	c->effect = 0;
	if (p && p->kind == PEER_PLANNER)
		reply(b, p,
		      &(struct result){ c->effect_call, VERDICT_ALLOW, done,
					c->effect_clause, reason,
					c->effect_index });
	b->acting = false;
	planners_listen(b, true);
}

void effect_done(struct broker *b, struct peer *c,
		 const struct m_effect_done *m)
{
	bool ok = m->ok;

	if (!c->effect || m->effect != c->effect)
		return;
	effect_is(b, c, ok ? EFFECT_DONE : EFFECT_FAILED, m->detail);
	effect_end(b, c, ok, ok ? "done" : "the connector failed");
}

void effect_lost(struct broker *b, struct peer *c)
{
	effect_is(b, c, EFFECT_UNKNOWN, SPAN_LIT("the connector died"));
	effect_end(b, c, false, "outcome unknown: it will not be repeated");
}

void call_answer(struct broker *b, struct peer *p)
{
	struct item *it = item_find(b, p->item);
	struct span text = b->in.text.text;
	struct msg_ids ids;

	if (!it || it->verdict != ITEM_PENDING || it->answer)
		return;
	if (!utf8_valid(text))
		text = SPAN_LIT("(the answer was not text)");
	it->answer = malloc(text.n + 1);
	if (!it->answer)
		die("out of memory");
	memcpy(it->answer, text.p, text.n);
	it->answer_n = text.n;
	ids = item_ids(b, it);
	refusals_flush(b, p);
	audit_begin(&b->record, "task.answer", &ids);
	audit_int(&b->record, "item", it->id);
	audit_int(&b->record, "bytes", text.n);
	audit_int(&b->record, "calls", it->calls);
	(void)broker_audit(b, NULL);
	b->out.type = MSG_ANSWER_OK;
	b->out.ids = ids;
	b->out.empty = (struct m_empty){ 0 };
	peer_send(b, p, NULL, 0);
	item_finish(b, it, ITEM_READ, "");
}
