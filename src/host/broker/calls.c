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
#include "host/broker/approvals.h"
#include "host/broker/fields.h"
#include "host/broker/memory.h"
#include "host/broker/session.h"
#include "proto/message.h"

enum {
	AUDIT_SEEN_MAX = 4 << 10, /* the label of what a planner has seen */
	FROM_MAX = 28 << 10,	  /* labels in one record */
};

static const char fork_schema[] =
	"{\"type\":\"object\",\"properties\":{"
	"\"goal\":{\"type\":\"string\",\"maxLength\":4096},"
	"\"refs\":{\"type\":\"array\",\"maxItems\":16,\"items\":{"
	"\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\","
	"\"properties\":{\"$ref\":{\"type\":\"string\"}},"
	"\"required\":[\"$ref\"],\"additionalProperties\":false}]}}},"
	"\"required\":[\"goal\"],\"additionalProperties\":false}";

static const char fork_words[] =
	"Ends this machine and goes on in a clean one, which has seen nothing "
	"but the goal, and has the handles named in refs. If the goal is the "
	"owner's instruction, byte for byte, what was read before counts no "
	"more; any other goal is taken for a copy of what was read.";

void call_tools_get(struct broker *b, struct peer *p)
{
	const struct m_tool fork_tool = { SPAN_LIT(TOOL_FORK),
					  span_str(fork_words),
					  span_str(fork_schema) };
	size_t i;

	b->out.ids = b->in.ids;
	b->out.type = MSG_TOOL;
	b->out.tool = fork_tool;
	peer_send(b, p, NULL, 0);
	if (p->kind != PEER_NONE && ask_tool(b, &b->out.tool))
		peer_send(b, p, NULL, 0);
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

/* What the record of the call at hand will have of its arguments. */
static void begin_args(struct broker *b, const struct m_call *call)
{
	static struct record_arg rows[LIMIT_ARGS];
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
		begin_args(b, &b->in.call);
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

static const char *verdict_word(enum verdict v)
{
	if (v == VERDICT_ALLOW)
		return "allow";
	return v == VERDICT_ASK ? "ask" : "deny";
}

static void audit_decision(struct broker *b, const struct request_of *q,
			   const struct decision *d, uint64_t effect,
			   struct m_audit_ok *ok)
{
	const struct m_call *call = &b->in.call;
	struct msg_ids ids = b->ids;
	CLEAN_BUF struct buf seen;
	char hash[65], words[ASIDE_REASON], why[ASIDE_REASON];

	/* A refusal is on record also where its arguments cannot be kept. */
	(void)aside_keep(b);
	ids.task = q->task;
	ids.span = q->item;
	hex_encode(hash, policy_hash(b->policy), 32);
	audit_begin(&b->record, "decision", &ids);
	if (q->own)
		task_audit_items(b, q->own);
	else
		audit_int(&b->record, "item", q->item);
	audit_str(&b->record, "capability", aside_name(call->capability));
	aside_record(b);
	buf_init(&seen, AUDIT_SEEN_MAX);
	if (q->own) {
		label_text(&seen, session_pc(q->own->session),
			   session_atoms(q->own->session));
		audit_str(&b->record, "seen",
			  buf_ok(&seen) ? buf_view(&seen) : SPAN_LIT("many"));
		audit_int(&b->record, "influence",
			  session_influence(q->own->session));
	}
	if (q->judged) {
		audit_bool(&b->record, "tainted", q->session & SESSION_TAINTED);
		audit_bool(&b->record, "private", q->session & SESSION_PRIVATE);
	}
	audit_str(&b->record, "verdict", span_str(verdict_word(d->verdict)));
	audit_str(&b->record, "clause",
		  span_str(aside_reason(words, d->clause)));
	audit_str(&b->record, "reason", span_str(aside_reason(why, d->reason)));
	audit_str(&b->record, "policy", span_str(hash));
	if (effect)
		audit_int(&b->record, "effect", effect);
	if (q->repeats)
		audit_int(&b->record, "repeats", q->repeats);
	if (q->ticket)
		audit_int(&b->record, "ticket", q->ticket);
	if (q->rehearsed)
		audit_bool(&b->record, "rehearsed", true);
	(void)broker_audit(b, ok);
}

/* Keeps what the owner will want to see of this request. */
static void remember(struct broker *b, struct task *t,
		     const struct m_call *call, const struct decision *d,
		     uint64_t index)
{
	CLEAN_BUF struct buf out = { 0 };
	struct request *q;

	if (t->n_requests == BROKER_REQUESTS)
		return;
	buf_init(&out, LIMIT_MSG);
	b->out.type = MSG_C_REQUEST;
	b->out.ids = task_ids(b, t);
	b->out.c_request = (struct m_c_request){
		.item = t->item,
		.task = t->id,
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
	if (!buf_ok(&out) || out.n > BROKER_REQUEST_BYTES - t->request_bytes)
		return;
	t->request_bytes += out.n;
	q = &t->requests[t->n_requests++];
	q->n = out.n;
	q->datagram = out.p;
	out.p = NULL; /* handed over to the task */
}

/* What a planner is told of its call. */
struct result {
	uint64_t call;
	enum verdict verdict;
	bool executed;
	const char *clause, *reason;
	uint64_t index;
	uint64_t ticket;
	struct span text; /* that it gets besides */
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
		.ticket = r->ticket,
		.text = r->text,
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

/* A latch of any level is set: not the policy's refusal. */
static bool is_killed(struct broker *b, const struct request_of *q,
		      struct decision *d)
{
	const char *level = latch_why(b, b->in.call.capability, q->task);
	char why[80];

	if (!level)
		return false;
	(void)str_printf(why, sizeof(why), "the kill latch is set: %s", level);
	refuse(d, "kill latch", why);
	return true;
}

/* What no policy can allow just now, after the policy allowed it. */
static struct peer *executor(struct broker *b, const struct request_of *q,
			     struct decision *d)
{
	struct peer *c = NULL;

	if (d->verdict != VERDICT_ALLOW)
		return NULL;
	c = peer_of_connector(b, d->connector);
	if (audit_poll(&b->audit, &b->record) < 0)
		die("the audit log cannot be written; nothing executes");
	if (is_killed(b, q, d))
		;
	else if (b->record.room.full)
		refuse(d, "disk full", full);
	else if (q->memory)
		return NULL;
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

/* The arguments as the connector gets them, and whom an answer goes to: the
 * planner names a thread, never a recipient. */
static uint32_t effect_rows(const struct decision *d,
			    struct m_arg ret[LIMIT_ARGS])
{
	uint32_t n = d->n;

	memcpy(ret, d->rows, n * sizeof(ret[0]));
	if (d->recipient.n && n < LIMIT_ARGS)
		ret[n++] = (struct m_arg){ .name = SPAN_LIT("to"),
					   .json = ARG_STRING,
					   .shape = ARG_ELEMENT,
					   .value = d->recipient };
	return n;
}

/* What the owner had remembered counts when it lets something happen. */
static bool use_clause(struct broker *b, const struct decision *d)
{
	return d->by != DECIDED_CLAUSE || approval_clause_used(b, d->clause_id);
}

/* What it takes of limits is used up, and what was asked for is kept, before
 * anything can come of it. */
static bool settle(struct broker *b, const struct decision *d)
{
	return limits_keep(b) && aside_keep(b) && use_clause(b, d);
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
			       .ticket = q->fires ? q->ticket : 0,
			       .capability = b->in.call.capability,
			       .connector = span_str(d->connector) };
	m.n = effect_rows(d, m.args);
	effect = settle(b, d) ? keep_plan(b, &m) : 0;
	if (effect && (!q->fires || approval_fired(b, q->fires, effect)))
		return effect;
	(void)str_printf(why, sizeof(why), "%s", b->keep_why);
	utf8_trim(why);
	refuse(d, "store", why);
	limits_give_back(b);
	/* Planned, and nothing more: a restart says so, too. */
	if (effect && !keep_outcome(b, effect, EFFECT_NOT_EXECUTED,
				    SPAN_LIT("its approval could not be kept")))
		log_warn("outcome-not-kept", "effect=%llu",
			 (unsigned long long)effect);
	return 0;
}

/* Of memory nothing is planned; and who is not a task's planner has none. */
static void plan_memory(struct broker *b, const struct request_of *q,
			struct decision *d)
{
	char why[300];

	if (q->own && settle(b, d))
		return;
	(void)str_printf(why, sizeof(why), "%s",
			 q->own ? b->keep_why : "of a task alone");
	utf8_trim(why);
	refuse(d, "store", why);
	limits_give_back(b);
}

static void audit_outcome(struct broker *b, const struct peer *c,
			  enum effect_state s, struct span detail)
{
	struct effect_outcome o = { .effect = c->effect,
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
	if (c->effect_ticket)
		approval_outcome(b, c->effect_ticket, s);
	if (!kept)
		log_warn("outcome-not-kept", "effect=%llu",
			 (unsigned long long)c->effect);
}

/*
 * The last point at which it has not happened; from here on it may. That the
 * disk is full may have become known with the record of the decision; and a
 * kill may have come while record and start were written.
 */
static bool start(struct broker *b, struct peer *c, const struct request_of *q,
		  struct decision *d)
{
	const bool no_room = b->record.room.full;
	struct span why = no_room ? SPAN_LIT("the disk was full")
				  : SPAN_LIT("its start could not be kept");

	if (!no_room && keep_started(b, c->effect, c->effect_index)) {
		if (!is_killed(b, q, d))
			return true;
		why = SPAN_LIT("killed before it was sent");
		limits_give_back(b);
	} else if (no_room) {
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

/* What an answer has of what it answers, if that is still known: facts of its
 * envelope, which the planner has no hand in. */
static void put_reply(struct broker *b, uint64_t item, struct m_effect *m)
{
	const struct item *it = item_find(b, item);

	if (!it)
		return;
	m->reply_id = span_str(it->reply_id);
	m->reply_refs = span_str(it->reply_refs);
	m->reply_subject = span_str(it->reply_subject);
	m->reply_thread = span_str(it->chat_thread);
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
	b->out.effect = (struct m_effect){
		.effect = c->effect,
		.capability = b->in.call.capability,
	};
	b->out.effect.n = effect_rows(d, b->out.effect.args);
	put_reply(b, d->answers, &b->out.effect);
	b->acting = true;
	planners_listen(b, false);
	peer_send(b, c, NULL, 0);
}

void refusals_flush(struct broker *b, struct peer *p)
{
	struct refusals *r = &p->refusals;
	const struct task *t = r->more ? task_find(b, p->task) : NULL;
	struct msg_ids ids = t ? task_ids(b, t) : b->ids;
	char words[ASIDE_REASON];

	if (!r->more)
		return;
	audit_begin(&b->record, "decision.repeated", &ids);
	audit_int(&b->record, "decision", r->index);
	audit_int(&b->record, "vm", p->vm);
	audit_int(&b->record, "item", p->item);
	audit_str(&b->record, "capability",
		  aside_name(span_str(r->capability)));
	audit_str(&b->record, "verdict", SPAN_LIT("deny"));
	audit_str(&b->record, "clause",
		  span_str(aside_reason(words, r->clause)));
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
	const bool acts = effect || q->ticket || q->rehearsed ||
			  d->verdict == VERDICT_ALLOW;

	if (r && !acts && refusals_more(r, capability, d, now_us())) {
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
	if (r && !acts)
		refusals_begin(r, capability, d, ok->index);
	else if (r)
		r->any = false;
	return true;
}

/* What a decision is made of; live until context_done. */
struct context {
	struct label owner, pc;
	struct arg_context args;
	struct decide_in in;
	struct decide_grant grant;
	struct decide_clause clauses[DECIDE_CLAUSES];
	struct atoms *atoms; /* ours; NULL: the session's */
};

/* What is refused because of a canary is refused as anything else. */
static void refuse_canaries(struct broker *b, const struct request_of *q,
			    struct decision *d)
{
	if (!trip_in_call(b, q))
		return;
	if (d->verdict == VERDICT_ALLOW || d->verdict == VERDICT_ASK)
		limits_give_back(b);
	refuse(d, "default deny", "no row of the policy allows this call");
}

/* The owner repeats a call whose task is over: of what its planner had seen
 * nothing is left, so it counts as from everywhere. It is his own word that
 * brings it here once more. */
static void context_again(struct broker *b, const struct request_of *q,
			  struct context *c)
{
	c->owner = label_of(ATOM_OWNER, INTEGRITY_OWNER);
	c->pc = label_of(ATOM_NONE, INTEGRITY_EXTERNAL);
	c->args =
		(struct arg_context){ .owner_label = &c->owner, .pc = &c->pc };
	c->grant = (struct decide_grant){ .floors = true, .seen = true };
	c->atoms = atoms_new(0);
	c->in = (struct decide_in){ .call = &b->in.call,
				    .context = &c->args,
				    .atoms = c->atoms,
				    .task = q->task,
				    .task_item = q->item,
				    .session = SESSION_TAINTED,
				    .grant = &c->grant };
}

static void context_of(struct broker *b, const struct request_of *q,
		       struct context *c)
{
	c->atoms = NULL;
	if (!q->own) {
		context_again(b, q, c);
		return;
	}
	session_decide_in(q->own->session, &b->in.call, &c->in);
	c->in.task_s = (now_ms() - q->own->start_ms) / 1000;
	c->in.clauses = c->clauses;
	c->in.n_clauses = approval_clauses(b, q->task, c->clauses);
}

static void context_done(struct context *c)
{
	atoms_free(c->atoms);
}

/* It fires only as what the owner, or the policy, has let happen. */
static void check_bytes(struct broker *b, const struct request_of *q,
			struct decision *d)
{
	uint8_t bind[APPROVAL_HASH];

	if (d->verdict == VERDICT_DENY)
		return;
	decision_bind(d, b->in.call.capability, policy_hash(b->policy), 0,
		      bind);
	if (d->verdict == VERDICT_ALLOW &&
	    memcmp(bind, q->fires->request, sizeof(bind)) == 0)
		return;
	limits_give_back(b);
	if (d->verdict == VERDICT_ASK)
		refuse(d, d->clause, "the policy would ask now");
	else
		refuse(d, "approval", "it is not what was approved any more");
}

/* An undo window begins; it has not, where one is over. */
static bool is_to_hold(const struct request_of *q, const struct decision *d)
{
	return d->verdict == VERDICT_ALLOW && d->hold_s && !q->repeats &&
	       !(q->fires && q->fires->due_s);
}

/* True: it waits from now on, or, where it cannot, is refused. */
static bool wait_for(struct broker *b, struct request_of *q,
		     const struct decide_in *in, struct decision *d)
{
	const bool hold = is_to_hold(q, d);

	if (d->verdict != VERDICT_ASK && !hold)
		return false;
	if (is_killed(b, q, d)) {
		limits_give_back(b);
		return true;
	}
	/* What it takes of the limits it takes when it fires. */
	if (hold)
		limits_give_back(b);
	if (q->fires && approval_held(b, q->fires, d->hold_s))
		return true;
	if (!q->fires && limits_keep(b) && use_clause(b, d))
		q->ticket = approval_park(b, q, in);
	if (q->ticket && !q->fires)
		return true;
	limits_give_back(b);
	refuse(d, "approval", b->keep_why);
	return true;
}

/*
 * A rehearsal: what it takes is taken and it is on record as it would be, but
 * nobody is asked and nothing leaves. The planner is told what a connector
 * would have said. True: it was one.
 */
static bool rehearse(struct broker *b, struct request_of *q, struct decision *d)
{
	const size_t n = strlen(d->clause);

	if (!d->rehearsed || d->verdict == VERDICT_DENY)
		return false;
	if (is_killed(b, q, d) || !limits_keep(b)) {
		limits_give_back(b);
		if (d->verdict != VERDICT_DENY)
			refuse(d, "store", b->keep_why);
		return true;
	}
	q->rehearsed = true;
	(void)str_printf(d->clause + n, sizeof(d->clause) - n, ", rehearsed");
	(void)str_printf(d->reason, sizeof(d->reason), "done");
	return true;
}

/* Decides the call at hand: who is to execute it, or NULL. */
static struct peer *judge(struct broker *b, struct request_of *q,
			  struct decision *d)
{
	static struct context c;
	struct decide_in *in = q->again ? q->again : &c.in;
	struct peer *ret = NULL;

	if (!q->again)
		context_of(b, q, &c);
	in->wall_s = limits_now(b);
	in->lease_over = lease_is_over(b);
	in->under_way = approvals_under_way(b, b->in.call.capability);
	if (latch_why(b, b->in.call.capability, q->task))
		in->session |= SESSION_TRIPPED;
	q->judged = true;
	q->session = in->session;
	q->memory = memory_op(b->in.call.capability) != MEMORY_NONE;
	policy_decide(b->policy, b->limits, in, d);
	begin_decided(b, in->atoms);
	/* He is about to be told of what he has not seen. */
	if (q->own && d->hidden)
		session_hidden(q->own->session, &b->in.call);
	if (q->fires)
		check_bytes(b, q, d);
	refuse_canaries(b, q, d);
	q->refused = d->verdict == VERDICT_DENY;
	if (!rehearse(b, q, d) && !wait_for(b, q, in, d))
		ret = executor(b, q, d);
	if (!q->again)
		context_done(&c);
	return ret;
}

/* Decides the call at hand, and records that; who executes it, its effect
 * started, or NULL. */
static struct peer *decide(struct broker *b, struct request_of *q,
			   struct decision *d, struct m_audit_ok *ok)
{
	struct observe_time since = observe_now();
	uint64_t effect = 0;
	struct peer *c;
	bool own;

	c = judge(b, q, d);
	if (c)
		effect = plan(b, q, d);
	else if (q->memory && d->verdict == VERDICT_ALLOW && !q->rehearsed)
		plan_memory(b, q, d);
	own = record(b, q, d, effect, ok);
	trip_decided(b, q);
	observed_decision(b, q, d, own ? ok->index : 0, since);
	if (q->own && own)
		remember(b, q->own, &b->in.call, d, ok->index);
	if (!effect)
		return NULL;
	c->effect = effect;
	c->effect_index = ok->index;
	c->effect_item = q->item;
	c->effect_task = q->task;
	c->effect_ticket = q->fires ? q->ticket : 0;
	c->effect_vm = c->effect_call = 0;
	c->effect_since = observe_now();
	if (str_copy(c->effect_capability, sizeof(c->effect_capability),
		     b->in.call.capability) < 0)
		c->effect_capability[0] = 0;
	return start(b, c, q, d) ? c : NULL;
}

/* What the planner is told of a call that is not carried out at once. */
static const char *waits(const struct decision *d, const struct request_of *q)
{
	if (!q->ticket)
		return d->reason;
	return d->verdict == VERDICT_ASK
		       ? "the owner has been asked: bulkhead.wait tells what "
			 "becomes of it"
		       : "allowed, and held for a while in which the owner may "
			 "take it back";
}

/* The call at hand, refused. */
static void call_refused(struct broker *b, struct peer *p,
			 const struct request_of *q)
{
	const uint64_t call = b->in.call.call;
	const struct decision *d = &b->decision;
	struct m_audit_ok ok;

	begin_args(b, &b->in.call);
	(void)record(b, q, d, 0, &ok);
	reply(b, p,
	      &(struct result){ call, d->verdict, false, d->clause, d->reason,
				ok.index });
}

/* A question goes when it is on record, and is answered when the model is. */
static void call_asks(struct broker *b, struct peer *p, struct task *t,
		      const struct request_of *q)
{
	const uint64_t call = b->in.call.call;
	struct decision *d = &b->decision;
	struct ask *ask = NULL;
	const char *why = model_why(b, p, t->id);
	struct m_audit_ok ok;

	if (!why)
		why = ask_read(b, t, &ask);
	if (why) {
		refuse(d, TOOL_ASK, why);
		call_refused(b, p, q);
		return;
	}
	d->verdict = VERDICT_ALLOW;
	(void)str_printf(d->clause, sizeof(d->clause), "%s", TOOL_ASK);
	(void)str_printf(d->reason, sizeof(d->reason), "within answer_bits");
	begin_args(b, &b->in.call);
	(void)record(b, q, d, 0, &ok);
	remember(b, t, &b->in.call, d, ok.index);
	/* A full disk may have become known with the record; a kill the
	 * connector looks at once more. */
	if (b->record.room.full) {
		ask_free(ask);
		why = full;
	} else {
		why = ask_send(b, p, t, ask, call, ok.index);
	}
	if (why)
		reply(b, p,
		      &(struct result){ call, VERDICT_DENY, false, TOOL_ASK,
					why, ok.index });
}

/* Not the policy's to decide: nothing leaves but what a planner's own requests
 * to its model may say as well. True: it was one of these. */
static bool call_own(struct broker *b, struct peer *p, struct task *t,
		     const struct request_of *q)
{
	struct decision *d = &b->decision;
	const bool fork = span_is(b->in.call.capability, TOOL_FORK);
	const char *why;

	if (!fork && !span_is(b->in.call.capability, TOOL_ASK))
		return false;
	/* One that is killed gets no machine by beginning again. */
	if (is_killed(b, q, d)) {
		call_refused(b, p, q);
		return true;
	}
	if (!fork) {
		call_asks(b, p, t, q);
		return true;
	}
	why = task_fork(b, p, t);
	if (why) {
		refuse(d, TOOL_FORK, why);
		call_refused(b, p, q);
	}
	return true;
}

/* A call that the task's model did not ask for: on record, and what follows is
 * the configuration's. True: it goes on. */
static bool call_is_bound(struct broker *b, struct peer *p,
			  const struct request_of *q)
{
	struct decision *d = &b->decision;
	struct msg_ids ids = b->ids;
	struct m_audit_ok ok = { 0 };

	if (b->in.call.bound == CALL_UNBOUND_LOG) {
		ids.task = q->task;
		ids.span = q->item;
		audit_begin(&b->record, "model.unbound", &ids);
		audit_str(&b->record, "capability",
			  aside_name(b->in.call.capability));
		broker_audit_later(b);
		return true;
	}
	begin_args(b, &b->in.call);
	refuse(d, "binding", "the model did not ask for this");
	(void)record(b, q, d, 0, &ok);
	observed_decision(b, q, d, ok.index, observe_now());
	trip_unbound(b, q);
	reply(b, p,
	      &(struct result){ b->in.call.call, d->verdict, false, d->clause,
				d->reason, ok.index });
	return false;
}

/* Marks the owner's copy of the request as carried out. */
static void remember_done(struct broker *b, uint64_t task, uint64_t index)
{
	struct task *t = task_find(b, task);
	const char *why;
	uint32_t i;

	for (i = 0; t && i < t->n_requests; i++) {
		struct request *q = &t->requests[i];
		struct buf out;

		if (msg_decode(span_of(q->datagram, q->n), &b->out, &why) < 0 ||
		    b->out.c_request.audit_index != index)
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

/* The call at hand, which is allowed and on record. */
static void call_memory(struct broker *b, struct peer *p,
			const struct request_of *q, uint64_t index)
{
	const struct span capability = b->in.call.capability;
	struct decision *d = &b->decision;
	struct task *t = q->own;
	struct memory_result r = { 0 };

	/* As of any effect: a kill, or a full disk, may have become known with
	 * the record. */
	if (b->record.room.full)
		refuse(d, "disk full", full);
	if (b->record.room.full || is_killed(b, q, d)) {
		limits_give_back(b);
		reply(b, p,
		      &(struct result){ .call = b->in.call.call,
					.verdict = VERDICT_DENY,
					.clause = d->clause,
					.reason = d->reason,
					.index = index });
		return;
	}
	memory_do(b, t, memory_op(capability), index, &r);
	if (r.done)
		remember_done(b, t->id, index);
	reply(b, p,
	      &(struct result){ .call = b->in.call.call,
				.verdict = VERDICT_ALLOW,
				.executed = r.done,
				.clause = d->clause,
				.reason = r.why,
				.index = index,
				.text = buf_view(&r.text) });
	buf_done(&r.text);
}

void call_capability(struct broker *b, struct peer *p)
{
	struct decision *d = &b->decision;
	const uint64_t call = b->in.call.call;
	struct task *t = task_at_work(b, p);
	struct request_of q = { 0 };
	struct m_audit_ok ok;
	struct peer *c;

	if (!t)
		return;
	q = (struct request_of){
		.item = t->item, .task = t->id, .own = t, .vm = p
	};
	if (t->calls++ >= BROKER_CALLS) {
		begin_args(b, &b->in.call);
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
	if (b->in.call.bound && !call_is_bound(b, p, &q))
		return;
	if (call_own(b, p, t, &q))
		return;
	c = decide(b, &q, d, &ok);
	if (q.memory && d->verdict == VERDICT_ALLOW && !q.rehearsed) {
		call_memory(b, p, &q, ok.index);
		return;
	}
	if (!c) {
		reply(b, p,
		      &(struct result){
			      call, q.rehearsed ? VERDICT_ALLOW : d->verdict,
			      q.rehearsed, d->clause, waits(d, &q), ok.index,
			      q.ticket });
		return;
	}
	c->effect_vm = p->vm;
	c->effect_call = call;
	execute(b, c, &q, d);
}

bool call_fire(struct broker *b, struct request_of *q)
{
	struct decision *d = &b->decision;
	struct m_audit_ok ok;
	struct peer *c;

	q->ticket = q->fires->ticket;
	c = decide(b, q, d, &ok);
	if (c) {
		execute(b, c, q, d);
		return true;
	}
	(void)str_printf(b->keep_why, sizeof(b->keep_why), "%.150s (%.40s)",
			 d->reason, d->clause);
	return false;
}

uint64_t call_repeat(struct broker *b, struct request_of *q)
{
	struct decision *d = &b->decision;
	struct m_audit_ok ok;
	struct peer *c;
	uint64_t effect;

	c = decide(b, q, d, &ok);
	limits_end_task(b, q->task);
	if (!c) {
		(void)str_printf(b->keep_why, sizeof(b->keep_why),
				 "refused: %s (%s)", d->reason, d->clause);
		return 0;
	}
	effect = c->effect;
	execute(b, c, q, d);
	return effect;
}

void outcome_audit(struct broker *b, const struct effect_outcome *o)
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

void call_answered(struct broker *b, struct peer *p, uint64_t call,
		   const char *clause, const char *text, uint64_t index)
{
	remember_done(b, p->task, index);
	reply(b, p,
	      &(struct result){ call, VERDICT_ALLOW, true, clause, text,
				index });
}

static void effect_end(struct broker *b, struct peer *c, bool done,
		       const char *reason)
{
	/* None, where the owner repeats one. */
	struct peer *p = c->effect_vm ? peer_of_vm(b, c->effect_vm) : NULL;

	if (done)
		remember_done(b, c->effect_task, c->effect_index);
	c->effect = 0;
	if (p && p->kind == PEER_PLANNER)
		reply(b, p,
		      &(struct result){ c->effect_call, VERDICT_ALLOW, done,
					c->effect_clause, reason,
					c->effect_index });
	b->acting = false;
	planners_listen(b, true);
	approvals_soon(b);
}

void effect_done(struct broker *b, struct peer *c,
		 const struct m_effect_done *m)
{
	if (!c->effect || m->effect != c->effect)
		return;
	if (m->state == EFFECT_DONE) {
		struct task *t = task_find(b, c->effect_task);
		char text[FIELDS_TEXT] = "done";

		if (!fields_take(t ? t->session : NULL, span_str(c->name), m,
				 text))
			log_warn("fields-refused", "connector=%s effect=%llu",
				 c->name, (unsigned long long)c->effect);
		effect_is(b, c, EFFECT_DONE, m->detail);
		effect_end(b, c, true, text);
	} else if (m->state == EFFECT_FAILED) {
		effect_is(b, c, EFFECT_FAILED, m->detail);
		effect_end(b, c, false, "the connector failed");
	} else {
		/* Whatever else it says: nobody knows. */
		effect_is(b, c, EFFECT_UNKNOWN, m->detail);
		effect_end(b, c, false,
			   "outcome unknown: it will not be repeated");
	}
}

void effect_lost(struct broker *b, struct peer *c)
{
	effect_is(b, c, EFFECT_UNKNOWN, SPAN_LIT("the connector died"));
	effect_end(b, c, false, "outcome unknown: it will not be repeated");
}
