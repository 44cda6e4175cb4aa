/*
 * grammar: what a model in this machine can say, as a grammar of llama.cpp's
 * (GBNF), made of the tools that the host declares. The model's output is one
 * line of JSON, a call of a tool or the last word:
 *
 *	{"call": NAME, "arguments": {...}}	NAME and arguments of one tool
 *	{"answer": TEXT}
 *
 * Every name is a literal in it, so there is no way to utter a call of what was
 * not declared. The arguments follow the JSON Schemas that the host makes
 * (src/policy/tool.c): type, properties, required, additionalProperties, items,
 * minItems, maxItems, enum, minimum, maximum, maxLength, anyOf. What a schema
 * says beyond that, and what it bounds too widely to be counted, the grammar
 * leaves open, and the host decides.
 *
 * A text in it has no \u escapes, since half of one is no character: what needs
 * none is said as it is.
 */
#ifndef PLANNER_GRAMMAR_H
#define PLANNER_GRAMMAR_H

#include <jansson.h>

#include "base/buf.h"

enum {
	GRAMMAR_BYTES = 1 << 20,
	GRAMMAR_RULES = 4096,  /* values in all schemas */
	GRAMMAR_MEMBERS = 64,  /* of one object, or of one list of words */
	GRAMMAR_REPEATED = 64, /* longer texts and lists are not counted */
	GRAMMAR_NAME = 128,    /* bytes of a tool's name, and of a member's */
};

/*
 * Appends the grammar, whose first rule is "root", to out. tools is an array of
 * {"name", "inputSchema"}. 0; -EINVAL: a tool without a name, or a schema that
 * is none; -E2BIG: more than the limits above, or than out takes.
 */
[[nodiscard]] int grammar_make(const json_t *tools, struct buf *out);

#endif
