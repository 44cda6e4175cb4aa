/*
 * latch: what is killed, as the broker sees it. The latches themselves are the
 * monitor's: it shuts the gate, a page of memory that is only read here, and is
 * looked at twice, when a call is decided and right before its effect is sent.
 */
#include <string.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/broker/broker.h"
#include "privsep/sandbox.h"

void latch_map(struct broker *b)
{
	int fd = graph_fd(PROC_BROKER, FD_GATE);
	int r = gate_map(fd, &b->gate);

	if (r < 0)
		die("the gate cannot be mapped: %s", strerror(-r));
	fd_close(&fd);
}

const char *latch_why(const struct broker *b, struct span capability,
		      uint64_t task)
{
	return b->killed ? "all" : gate_why(b->gate, capability, task);
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

	log_warn("latch", "level=%s task=%llu set=%d",
		 latch_level_name(m->level), (unsigned long long)m->task,
		 m->set);
	task_killed(b, task);
	/* What was shut may be open again. */
	tasks_plan(b);
}
