/*
 * bind: whether what a planner's machine calls is what its model asked for. The
 * model's words pass through here on their way to the VM, so a call that the
 * model has not asked for in this session is the VM's own: somebody who is in
 * it, not the model, is talking.
 *
 * A call is known by its name and its arguments as the broker gets them
 * (mcp_arguments), whatever order or spelling of JSON they came in. Agents give
 * tools names that providers take, so of a name only letters, digits and '-'
 * are compared, and not what stands before the last "__" ("mcp__bulkhead__").
 * A word of a model counts as often as it is called.
 */
#ifndef PORTER_BIND_H
#define PORTER_BIND_H

#include "base/sha256.h"
#include "llm/answer.h"
#include "proto/msg.h"

enum { BIND_CALLS = 1024 /* remembered: the newest */ };

struct bind {
	uint8_t sums[BIND_CALLS][SHA256_LEN];
	uint64_t n; /* in all */
};

/* The model has asked for this, with the JSON of its arguments; what no call
 * could be is passed over. */
void bind_asked(struct bind *b, const char *name, struct span args);

/* Whether it has asked for that. */
[[nodiscard]] bool bind_knows(const struct bind *b, const struct m_call *c);

#endif
