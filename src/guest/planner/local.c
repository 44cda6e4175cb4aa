/*
 * local: the planner whose model is in this machine: the same loop as llm's
 * (agent.h), with no provider and no stream to one. The model is a disk of the
 * machine's; what it says is bound by a grammar of the tools that there are.
 *
 * SECURITY. Runs in the planner VM as an unprivileged process, with the stream
 * to its porter and the disk, open for reading; besides it can read its own
 * libraries. The model's file is the owner's choice, but what it makes of a
 * hostile message is as hostile as that, and nothing outside of the VM trusts
 * it: the grammar keeps a model from errors, the host's decision from harm.
 */
#include <errno.h>
#include <stdio.h>

#include "agent.h"
#include "engine.h"
#include "grammar.h"
#include "mcp_client.h"
#include "prompt.h"

enum {
	DISK_FD = 4,
	/* Of text, three bytes a token at the least: what is left of
	 * ENGINE_CONTEXT is for the tools and an answer. */
	CONTEXT = 12 << 10,
};

#define BACKENDS "/lib/llama"

struct local {
	struct engine *engine;
	struct err err;
	unsigned int calls;
};

static int say(struct local *l, const char *system, const json_t *turns,
	       const json_t *tools, struct buf *said)
{
	json_t *messages = prompt_messages(system, turns, tools);
	CLEAN_BUF struct buf grammar;
	int r;

	buf_init(&grammar, GRAMMAR_BYTES);
	if (!messages || grammar_make(tools, &grammar) < 0)
		r = err_set(&l->err, -1,
			    "the tools are more than a grammar holds");
	else
		r = engine_say(l->engine, messages, buf_cstr(&grammar), said,
			       &l->err);
	json_decref(messages);
	return r;
}

/* How many tokens a text has is its model's: of a conversation that is too long
 * it is told the task, and what of the rest it has room for, the newest. */
static json_t *ask(void *ctx, const char *system, const json_t *turns,
		   const json_t *tools)
{
	struct local *l = ctx;
	json_t *kept = json_copy((json_t *)(uintptr_t)turns), *turn = NULL;
	CLEAN_BUF struct buf said;
	int r;

	buf_init(&said, PROMPT_BYTES);
	*l->err.msg = 0;
	while ((r = say(l, system, kept, tools, &said)) == -E2BIG &&
	       json_array_size(kept) > 3) {
		/* What it asked for, and what came of it. */
		(void)json_array_remove(kept, 1);
		(void)json_array_remove(kept, 1);
	}
	if (r == 0) {
		*l->err.msg = 0;
		turn = prompt_turn(buf_view(&said), ++l->calls);
	}
	if (!turn && !*l->err.msg)
		(void)err_set(&l->err, -1, "what it said is no JSON");
	json_decref(kept);
	return turn;
}

int main(int argc, char **argv)
{
	/* Tests have the libraries elsewhere. */
	const struct engine_options o = { .fd = DISK_FD,
					  .backends = argc > 1 ? argv[1]
							       : BACKENDS };
	struct local l = { 0 };
	struct mind mind = {
		.ctx = &l, .ask = ask, .why = l.err.msg, .context = CONTEXT
	};
	struct client c;
	bool ok;

	if (client_open(&c, CLIENT_FD) != CLIENT_OK)
		return 1;
	l.engine = engine_open(&o, &l.err);
	if (!l.engine)
		(void)fprintf(stderr, "no model: %s\n", l.err.msg);
	ok = l.engine && agent_run(&c, &mind);
	engine_close(l.engine);
	client_close(&c);
	return ok ? 0 : 1;
}
