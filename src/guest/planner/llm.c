/*
 * llm: the planner that asks a model. It tells the model its task and its
 * tools, does what the model asks for, as far as the host lets it, tells it
 * what came of that, and gives the model's last words as its answer.
 *
 * The loop knows no wire format: a turn is texts, calls of tools and their
 * results (turns.h), and one adapter makes requests of them and reads answers.
 *
 * SECURITY. Runs in the planner VM as an unprivileged process; what it reads of
 * the model is as hostile as the message in its task, and nothing outside of
 * the VM trusts it.
 */
#include <stdio.h>

#include "agent.h"
#include "mcp_client.h"
#include "model.h"

enum { CONTEXT = 256 << 10 };

static json_t *ask(void *ctx, const char *system, const json_t *turns,
		   const json_t *tools)
{
	return model_ask(ctx, system, turns, tools);
}

int main(void)
{
	struct client c;
	struct model m;
	struct mind mind = {
		.ctx = &m, .ask = ask, .why = m.why, .context = CONTEXT
	};
	int r = 1;

	if (client_open(&c, CLIENT_FD) != CLIENT_OK)
		return 1;
	if (model_open(&m, MODEL_FD) == 0)
		r = agent_run(&c, &mind) ? 0 : 1;
	else
		(void)fprintf(stderr, "no model: %s\n", m.why);
	model_close(&m);
	client_close(&c);
	return r;
}
