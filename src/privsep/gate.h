/*
 * gate: the latches as broker and connectors see them at the moment at which
 * they act. Memory that the monitor writes and they can only read: a kill is
 * there with the monitor's store, whatever they wait for, and is looked at
 * right before an effect goes to its connector, and there right before it
 * happens.
 *
 * Theory of operation. A row is written before the count, or the mark, that
 * makes it valid; a latch that is taken away leaves a free row. Both sides look
 * at the marks atomically, so a reader sees a latch whole or not yet.
 */
#ifndef PRIVSEP_GATE_H
#define PRIVSEP_GATE_H

#include "base/span.h"
#include "proto/limits.h"

enum {
	GATE_CAPABILITIES = 256, /* latched at once; more: all of the agent */
	GATE_TASKS = 4096,	 /* likewise */
};

struct gate;

/* What is shut; task 0 and an empty capability: nothing of that kind. */
struct gate_row {
	struct span capability;
	uint64_t task;
	bool agent, all;
};

/*
 * Makes it, all open, and the descriptor that the readers get: sealed, so that
 * only this mapping can ever write. 0 or -errno.
 */
[[nodiscard]] int gate_make(struct gate **ret, int *ret_fd);

/* Shuts a row; -ENOSPC: there is no room for it, and now the agent is shut. */
[[nodiscard]] int gate_shut(struct gate *g, const struct gate_row *row);
void gate_open(struct gate *g, const struct gate_row *row);

/* Whether every part of this very row is shut. */
bool gate_is_shut(const struct gate *g, const struct gate_row *row);

/* A reader's end: maps it for reading. -EPERM for what is not sealed as it
 * should be; or -errno. The descriptor stays the caller's. */
[[nodiscard]] int gate_map(int fd, const struct gate **ret);

/* What shuts this call: "all", "agent", "task", "capability"; NULL: nothing. */
const char *gate_why(const struct gate *g, struct span capability,
		     uint64_t task);

#endif
