/*
 * seen: what the decision records of a log say of a policy: what of it nothing
 * ever met, and the narrowest rows that would allow what was rehearsed or
 * approved.
 *
 * Records are handed in one by one. Rows are counted for records of this very
 * file alone, for a clause is a place in it; capabilities and members by name.
 */
#ifndef POLICY_SEEN_H
#define POLICY_SEEN_H

#include "policy/policy.h"

enum {
	SEEN_VALUES = 64, /* of one argument: more make no list to suggest */
	SEEN_SHAPES = 16, /* of one capability: which arguments were there */
};

/* One decision record; all borrowed. */
struct seen_call {
	struct span capability;
	struct span clause;	  /* "assistant.yaml:31:9 allow" */
	const uint8_t *policy;	  /* its hash; NULL: not known */
	bool refused;		  /* the verdict was deny */
	bool rehearsed, approved; /* it counts for a suggestion */
	/* SESSION_ bits, where the record has them. */
	bool has_session;
	unsigned session;
	/* The values, where they could be had: they lie beside the log. */
	bool has_args;
	size_t n;
	struct {
		struct span name, value;
	} args[LIMIT_ARGS];
};

struct seen;

/* NULL when out of memory. The policy has to outlive it. */
struct seen *seen_new(const struct policy *p);
void seen_free(struct seen *s);

/* 0 or -ENOMEM. */
[[nodiscard]] int seen_add(struct seen *s, const struct seen_call *c);

/* A line for each capability, row and member of a set that no record met, and
 * what could not be told. How many. */
size_t seen_unused(const struct seen *s, struct buf *out);

/* Rows for capabilities that were rehearsed or approved, as YAML with comments.
 * How many rows. */
size_t seen_suggest(const struct seen *s, struct buf *out);

#endif
