/* agent: the loop of a planner that asks a model: see llm.c, local.c. */
#ifndef PLANNER_AGENT_H
#define PLANNER_AGENT_H

#include "mcp_client.h"
#include "turns.h"

enum {
	AGENT_ROUNDS = 40,	 /* answers of the model for one task */
	AGENT_CALLS = 16,	 /* of one answer that are carried out */
	AGENT_RESULT = 64 << 10, /* bytes of what comes of one */
	AGENT_ANSWER = 4 << 20,	 /* of one before it is cut, of a summary */
};

/* Does the task. False: the host could not be told an answer. */
[[nodiscard]] bool agent_run(struct client *c, struct mind *m);

#endif
