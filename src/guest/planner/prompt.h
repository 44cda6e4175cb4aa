/*
 * prompt: a conversation (turns.h) as a model in this machine is told it, and
 * what it says (grammar.h) as a turn.
 */
#ifndef PLANNER_PROMPT_H
#define PLANNER_PROMPT_H

#include "base/buf.h"
#include "turns.h"

enum { PROMPT_BYTES = 4 << 20 }; /* of one text */

/*
 * Messages, an array of {"role", "text"}: the system's, with what the tools are
 * and how to call them, then one for each turn. NULL: out of memory.
 */
json_t *prompt_messages(const char *system, const json_t *turns,
			const json_t *tools);

/*
 * The turn that a line is; number is for its call's id. What in it is no UTF-8,
 * as a model can make of bytes, becomes '?'. NULL: it is none.
 */
json_t *prompt_turn(struct span said, unsigned int number);

#endif
