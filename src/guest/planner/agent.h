/* agent: the loop of a planner that asks a model: see llm.c. */
#ifndef PLANNER_AGENT_H
#define PLANNER_AGENT_H

#include "mcp_client.h"
#include "model.h"

enum {
	AGENT_ROUNDS = 40,	 /* answers of the model for one task */
	AGENT_CALLS = 16,	 /* of one answer that are carried out */
	AGENT_RESULT = 64 << 10, /* bytes of what comes of one */
	/* Bytes of a conversation, as JSON; a longer one goes on from the
	 * model's own summary of it. */
	AGENT_CONTEXT = 256 << 10,
};

/* Does the task. False: the host could not be told an answer. */
[[nodiscard]] bool agent_run(struct client *c, struct model *m);

#endif
