/*
 * trips: what shows that a planner does what nobody asked it to. Decoys and
 * what counts refusals are the policy's (decide.h); canaries are made here,
 * stand beside what a task is shown, and are looked for in all that its planner
 * says. What follows is in the policy's `trip`: the task's latch or that of
 * all, set by the monitor; a planner that asks meanwhile is refused by us. It
 * is told what it would be told of any refusal.
 *
 * #syscalls:broker getrandom
 */
#include <assert.h>
#include <string.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "host/broker/broker.h"
#include "host/broker/session.h"
#include "privsep/sandbox.h"

void trips_init(struct broker *b)
{
	b->canaries = canaries_new();
	if (!b->canaries)
		die("out of memory");
	if (getrandom(b->canary_key, sizeof(b->canary_key), 0) !=
	    (ssize_t)sizeof(b->canary_key))
		die("no random bytes");
}

/* The same whenever it is asked for: what it is for and the key of this run
 * are all that it is made of. */
static void canary_of(struct broker *b, const struct canary_tag *tag,
		      char ret[CANARY_LEN + 1])
{
	uint8_t sum[SHA256_LEN];
	struct sha256 h;

	static_assert((int)SHA256_LEN == CANARY_RANDOM, "as many as it takes");
	sha256_init(&h);
	sha256_add(&h, span_of(b->canary_key, sizeof(b->canary_key)));
	sha256_add(&h, span_str(canary_zone_name(tag->zone)));
	sha256_add(&h, span_of(&tag->task, sizeof(tag->task)));
	sha256_add(&h, span_of(&tag->item, sizeof(tag->item)));
	sha256_final(&h, sum);
	canary_make(sum, ret);
	canary_add(b->canaries, ret, tag);
}

void trip_canaries(struct broker *b, uint64_t task, uint64_t item,
		   char ret[TRIP_CANARIES])
{
	const struct canary_tag tags[] = {
		{ CANARY_RUN, 0, 0 },
		{ CANARY_TASK, task, 0 },
		{ CANARY_ITEM, task, item },
	};
	char one[CANARY_LEN + 1];
	size_t n = 0, i;

	ret[0] = 0;
	for (i = 0; i < ARRAY_SIZE(tags) - (item == 0); i++) {
		canary_of(b, &tags[i], one);
		n += (size_t)str_printf(ret + n, TRIP_CANARIES - n, "%s%s",
					i ? " " : "", one);
	}
}

/* --- what follows -------------------------------------------------------- */

static const char *action_name(enum trip_action a)
{
	return a == TRIP_KILL ? "kill" : a == TRIP_FREEZE ? "freeze" : "refuse";
}

struct trip_of {
	const char *by; /* "decoy" */
	enum trip_action action;
	uint64_t task, item;
	struct span capability;
	const struct canary_match *canary; /* NULL: none */
};

static void record(struct broker *b, const struct trip_of *t)
{
	struct msg_ids ids = b->ids;

	ids.task = t->task;
	ids.span = t->item;
	audit_begin(&b->record, "trip", &ids);
	audit_str(&b->record, "by", span_str(t->by));
	audit_str(&b->record, "action", span_str(action_name(t->action)));
	audit_int(&b->record, "item", t->item);
	if (t->capability.n)
		audit_str(&b->record, "capability", aside_name(t->capability));
	if (t->canary) {
		const struct canary_match *m = t->canary;

		audit_str(&b->record, "canary",
			  span_str(canary_zone_name(m->tag.zone)));
		audit_int(&b->record, "canary_task", m->tag.task);
		audit_int(&b->record, "canary_item", m->tag.item);
		audit_str(&b->record, "form",
			  span_str(gram_form_name(m->form)));
	}
	(void)broker_audit(b, NULL);
}

/* What follows first, what is written about it then. The owner may let the task
 * go on, but not as if nothing had been. */
static void trip(struct broker *b, const struct trip_of *t)
{
	struct task *own = task_find(b, t->task);
	const enum latch_level level = t->action == TRIP_KILL	  ? LATCH_ALL
				       : t->action == TRIP_FREEZE ? LATCH_TASK
								  : 0;
	char reason[200];

	(void)str_printf(reason, sizeof(reason), "task %llu, %.*s",
			 (unsigned long long)t->task, (int)t->capability.n,
			 (const char *)t->capability.p);
	latch_ask(b, level, t->task, t->by, reason);
	approvals_tripped(b, t->task);
	if (own && own->session)
		session_trip(own->session);
	log_warn("trip", "by=%s action=%s task=%llu", t->by,
		 action_name(t->action), (unsigned long long)t->task);
	record(b, t);
}

void trip_decided(struct broker *b, const struct request_of *q)
{
	static const char *const names[] = { [TRIP_DECOY] = "decoy",
					     [TRIP_DENIALS] = "denials",
					     [TRIP_LIMITS] = "limits" };
	const struct trip *says = policy_trip(b->policy);
	const enum decide_trip what = b->decision.trip;
	struct trip_of t = { .task = q->task,
			     .item = q->item,
			     .capability = b->in.call.capability };

	/* One that is tripped already has been told of. */
	if (what == TRIP_NONE || q->repeats ||
	    latch_why(b, b->in.call.capability, q->task))
		return;
	t.by = names[what];
	t.action = what == TRIP_DECOY	  ? says->decoy
		   : what == TRIP_DENIALS ? says->denials
					  : says->limits;
	trip(b, &t);
}

/* All that a call says, one behind the other, as it came and as it would go
 * out: a canary that is cut in two by arguments is whole again. */
static bool scan_call(struct broker *b, struct canary_match *m)
{
	static struct buf all = { .max = (size_t)4 * LIMIT_MSG };
	const struct m_call *call = &b->in.call;
	const struct decision *d = &b->decision;
	uint32_t i;

	buf_reset(&all);
	for (i = 0; i < call->n; i++)
		buf_span(&all, call->args[i].value);
	buf_u8(&all, '\n');
	for (i = 0; i < call->n; i++)
		buf_span(&all, call->args[i].name);
	buf_u8(&all, '\n');
	for (i = 0; i < d->n; i++)
		buf_span(&all, d->rows[i].value);
	if (!buf_ok(&all))
		return true;
	return canary_scan(b->canaries, buf_view(&all), m);
}

bool trip_in_call(struct broker *b, const struct request_of *q)
{
	struct canary_match m = { 0 };
	const struct trip_of t = { .by = "canary",
				   .action = policy_trip(b->policy)->canary,
				   .task = q->task,
				   .item = q->item,
				   .capability = b->in.call.capability,
				   .canary = &m };

	if (q->repeats || !scan_call(b, &m))
		return false;
	if (!latch_why(b, b->in.call.capability, q->task))
		trip(b, &t);
	return true;
}

void trip_unbound(struct broker *b, const struct request_of *q)
{
	const struct trip_of t = { .by = "binding",
				   .action = TRIP_FREEZE,
				   .task = q->task,
				   .item = q->item,
				   .capability = b->in.call.capability };

	if (!latch_why(b, t.capability, q->task))
		trip(b, &t);
}

void trip_model(struct broker *b, const struct task *own,
		const struct m_l_done *d)
{
	const struct canary_match m = {
		.tag = { .zone = (enum canary_zone)d->canary,
			 .task = d->canary_task,
			 .item = d->canary_item },
		.form = (enum gram_form)d->form,
	};
	const struct trip_of t = { .by = "canary",
				   .action = policy_trip(b->policy)->canary,
				   .task = own->id,
				   .item = own->item,
				   .capability = SPAN_LIT("model"),
				   .canary = &m };

	if (!latch_why(b, t.capability, own->id))
		trip(b, &t);
}

void trip_budget(struct broker *b, uint64_t task, uint64_t item)
{
	const struct trip_of t = { .by = "limits",
				   .action = policy_trip(b->policy)->limits,
				   .task = task,
				   .item = item,
				   .capability = SPAN_LIT("model") };

	if (t.action != TRIP_REFUSE && !latch_why(b, t.capability, task))
		trip(b, &t);
}

bool trip_in_answer(struct broker *b, uint64_t task, uint64_t item,
		    struct span text)
{
	struct canary_match m = { 0 };
	const struct trip_of t = { .by = "canary",
				   .action = policy_trip(b->policy)->canary,
				   .task = task,
				   .item = item,
				   .capability = SPAN_LIT("task.answer"),
				   .canary = &m };

	if (!canary_scan(b->canaries, text, &m))
		return false;
	trip(b, &t);
	return true;
}
