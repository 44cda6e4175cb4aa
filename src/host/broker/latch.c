/*
 * latch: what is killed, as the broker sees it. The latches themselves are the
 * monitor's: it shuts the gate, a page of memory that is only read here, and is
 * looked at twice, when a call is decided and right before its effect is sent.
 */
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "host/broker/broker.h"
#include "privsep/sandbox.h"

void latch_map(struct broker *b)
{
	int r = gate_map(graph_fd(PROC_BROKER, FD_GATE), &b->gate);

	if (r < 0)
		die("the gate cannot be mapped: %s", strerror(-r));
}

const char *latch_why(const struct broker *b, struct span capability,
		      uint64_t task)
{
	size_t i;

	for (i = 0; task && i < BROKER_FROZEN; i++)
		if (b->frozen[i] == task)
			return "task";
	return b->killed ? "all" : gate_why(b->gate, capability, task);
}

void latch_ask(struct broker *b, enum latch_level level, uint64_t task,
	       const char *by, const char *reason)
{
	latch_ask_of(b, level, task, (struct span){ NULL, 0 }, by, reason);
}

void latch_ask_of(struct broker *b, enum latch_level level, uint64_t task,
		  struct span capability, const char *by, const char *reason)
{
	struct peer *monitor = peer_of_kind(b, PEER_MONITOR);

	b->out.type = MSG_LATCH;
	b->out.ids = b->ids;
	b->out.latch = (struct m_latch){
		.level = (uint8_t)level,
		.set = 1,
		.task = task,
		.capability = capability,
		.by = span_str(by),
		.reason = span_str(reason),
	};
	if (level >= LATCH_ALL)
		b->killed = true;
	if (level == LATCH_TASK)
		b->frozen[b->next_frozen++ % BROKER_FROZEN] = task;
	if (monitor)
		peer_send(b, monitor, NULL, 0);
}

/* A task that has no machine yet would wait for it for ever. */
static void task_killed(struct broker *b, uint64_t task)
{
	struct task *t = task_find(b, task);

	if (t && t->state <= TASK_RUNNING && !peer_of_task(b, task))
		task_failed(b, t, "killed");
}

void latch_told(struct broker *b)
{
	const struct m_latch *m = &b->in.latch;
	const uint64_t task = m->set && m->level == LATCH_TASK ? m->task : 0;
	size_t i;

	log_warn("latch", "level=%s task=%llu set=%d",
		 latch_level_name(m->level), (unsigned long long)m->task,
		 m->set);
	task_killed(b, task);
	if (m->set)
		approvals_latched(b, m);
	/* What was shut may be open again. */
	tasks_plan(b);
	if (m->set)
		return;
	/* The owner at a terminal: it is open again, and he is there. */
	for (i = 0; i < BROKER_FROZEN; i++)
		if (b->frozen[i] == m->task)
			b->frozen[i] = 0;
	lease_renew(b);
}
