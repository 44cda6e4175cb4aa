/*
 * observe: what the broker tells telemetry: each decision and each effect as it
 * ends, and how many of each there were; never a word of a mail or a planner. A
 * capability has its name only where the policy knows it.
 */
#include <assert.h>

#include "base/log.h"
#include "base/str.h"
#include "host/broker/broker.h"

enum { SAMPLES_MS = 1000 };

static const char *const by_names[] = {
	[BY_NOBODY] = "none",
	[BY_POLICY] = "policy",
	[BY_RATE] = "rate",
	[BY_LATCH] = "kill-latch",
	[BY_NO_CONNECTOR] = "no-connector",
	[BY_BUSY] = "busy-connector",
	[BY_STORE] = "store",
	[BY_DISK] = "disk-full",
	[BY_TASK_LIMIT] = "task-limit",
	[BY_OWNER] = "owner",
	[BY_ASK] = "owner",
};

static_assert(ARRAY_SIZE(by_names) == BY_MAX, "a name each");

static void on_samples(void *arg);

/* The numbers, soon: many changes make one message. */
static void samples_later(struct broker *b)
{
	if (b->observe_timer < 0 && b->observe.chan.fd >= 0)
		b->observe_timer =
			loop_timer(&b->loop, SAMPLES_MS, on_samples, b);
}

static void on_samples(void *arg)
{
	struct broker *b = arg;
	unsigned i;

	b->observe_timer = -1;
	observe_samples(&b->observe, &b->ids);
	for (i = BY_NOBODY; i < BY_MAX; i++)
		observe_sample(&b->observe, METRIC_DECISIONS,
			       i == BY_NOBODY ? "allow"
			       : i == BY_ASK  ? "ask"
					      : "deny",
			       by_names[i], b->decisions[i]);
	for (i = EFFECT_DONE; i < EFFECT_STATE_MAX; i++)
		observe_sample(&b->observe, METRIC_EFFECTS,
			       effect_state_name(i), NULL, b->effects[i]);
	/* The next finds room again, or is told of by a new channel. */
	if (!observe_samples_end(&b->observe))
		samples_later(b);
}

void observed_start(struct broker *b)
{
	observe_init(&b->observe, OBSERVER_BROKER);
	b->observe_timer = -1;
}

void observed_to(struct broker *b, int fd)
{
	if (observe_to(&b->observe, fd) < 0)
		log_warn("telemetry", "why=\"out of memory\"");
	samples_later(b);
}

static enum refused_by by_of(const struct decision *d)
{
	static const struct {
		const char *clause;
		enum refused_by by;
	} rows[] = { { "kill latch", BY_LATCH },
		     { "no connector", BY_NO_CONNECTOR },
		     { "busy connector", BY_BUSY },
		     { "store", BY_STORE },
		     { "disk full", BY_DISK },
		     { "approval", BY_OWNER },
		     { "task limit", BY_TASK_LIMIT } };
	size_t i;

	if (d->verdict == VERDICT_ALLOW)
		return BY_NOBODY;
	if (d->verdict == VERDICT_ASK)
		return BY_ASK;
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(d->clause, rows[i].clause))
			return rows[i].by;
	return d->limited ? BY_RATE : BY_POLICY;
}

/* The name, if it is one of the policy's; else it is a planner's word. */
static struct span known_name(struct broker *b, struct span name)
{
	static struct m_tool tool;
	size_t i;

	for (i = 0; policy_tool(b->policy, i, &tool); i++)
		if (span_eq(tool.name, name))
			return tool.name;
	return SPAN_LIT("(undeclared)");
}

void observed_decision(struct broker *b, const struct request_of *q,
		       const struct decision *d, uint64_t index,
		       struct observe_time since)
{
	enum refused_by by = by_of(d);
	struct msg_ids ids = b->ids;
	uint64_t vm = q->vm ? q->vm->vm : 0;

	b->decisions[by]++;
	samples_later(b);
	if (b->observe.chan.fd < 0 || !index)
		return;
	ids.task = q->task;
	ids.span = q->item;
	observe_span(
		&b->observe, &ids, since,
		(struct m_span){
			.stage = STAGE_DECISION,
			.number = index,
			/* The owner's repetitions hang below nothing: the
			 * item's trace may be that of an older run. */
			.parent_stage = vm ? STAGE_PLANNER : STAGE_NONE,
			.parent_number = vm,
			.outcome = by && by != BY_ASK ? SPAN_REFUSED : SPAN_OK,
			.vm = vm,
			.name = known_name(b, b->in.call.capability),
			.what = by ? span_str(by_names[by]) : SPAN_LIT(""),
		});
}

void observed_effect(struct broker *b, const struct peer *c,
		     enum effect_state s)
{
	struct msg_ids ids = b->ids;

	ids.task = c->effect_task;
	ids.span = c->effect_item;
	observe_span(
		&b->observe, &ids, c->effect_since,
		(struct m_span){
			.stage = STAGE_EFFECT,
			.number = c->effect,
			.parent_stage = STAGE_DECISION,
			.parent_number = c->effect_index,
			.outcome = s == EFFECT_DONE ? SPAN_OK : SPAN_FAILED,
			.vm = c->effect_vm,
			.name = span_str(c->effect_capability),
			.what = span_str(effect_state_name(s)),
		});
}

void observed_outcome(struct broker *b, enum effect_state s)
{
	if (s < EFFECT_STATE_MAX)
		b->effects[s]++;
	samples_later(b);
}
