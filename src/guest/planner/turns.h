/*
 * turns: a conversation with a model, whatever its provider's format: an array
 * of turns as JSON, oldest first.
 *
 *	{"say": TEXT}				what the model is told
 *	{"text": TEXT, "calls": [{"id", "name", "arguments", "bad"}]}	what it
 *				answered; bad: its arguments were no JSON object
 *	{"results": [{"id", "text", "error": BOOL}]}	what came of its calls
 *
 * One adapter a format makes requests of it and reads answers into it.
 */
#ifndef PLANNER_TURNS_H
#define PLANNER_TURNS_H

#include <jansson.h>

#include "base/span.h"

enum { TURNS_TOKENS = 4096 }; /* of an answer */

struct adapter {
	const char *path;
	/*
	 * A request: system is the text before all turns, tools an array of
	 * {"name", "description", "inputSchema"}. All borrowed; NULL: out of
	 * memory.
	 */
	json_t *(*request)(const char *model, const char *system,
			   const json_t *turns, const json_t *tools);
	/* The turn that an answer is, a new reference; NULL: it is none. */
	json_t *(*answer)(const json_t *body);
};

/*
 * Who answers: a model behind the host (llm.c), or one in this machine
 * (local.c).
 */
struct mind {
	void *ctx;
	/* The next turn, a new reference; NULL: why says why. */
	json_t *(*ask)(void *ctx, const char *system, const json_t *turns,
		       const json_t *tools);
	const char *why; /* borrowed; its bytes change */
	/* Bytes of a conversation, as JSON, that it may have; a longer one
	 * goes on from the model's own summary of it. */
	size_t context;
};

extern const struct adapter messages_adapter, chat_adapter;

#endif
