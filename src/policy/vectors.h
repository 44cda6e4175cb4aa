/*
 * vectors: calls written down with what is known at the time and what has to
 * become of each (docs/policy.md, Test vectors), decided by the engine that
 * decides in the broker. A vector has a world of its own: no call of one is in
 * the history of another.
 */
#ifndef POLICY_VECTORS_H
#define POLICY_VECTORS_H

#include "conf/yaml.h"
#include "policy/decide.h"

enum { VECTOR_CLAUSE = 160 };

struct vectors;

/* Reads a file of vectors; name stands before line:column in errors. 0 or
 * -EINVAL with lines in errs. */
[[nodiscard]] int vectors_load(const char *name, struct span yaml,
			       struct vectors **ret, struct buf *errs);
void vectors_free(struct vectors *v);

/* The file of the policy, as the vectors name it. */
const char *vectors_policy(const struct vectors *v);
size_t vectors_count(const struct vectors *v);

struct vector_result {
	const char *name, *call; /* of the vector */
	struct yaml_place at;
	const char *want, *clause; /* what it says */
	const char *verdict;	   /* what came of it: "allow" */
	char got[VECTOR_CLAUSE];   /* "decide 2", "args to", "default" */
	char reason[400];
	bool ok;
};

/* Runs the i-th. 0; -EINVAL (it says what the policy has not: a line in errs)
 * or -ENOMEM. */
[[nodiscard]] int vectors_run(const struct vectors *v, const struct policy *p,
			      size_t i, struct vector_result *ret,
			      struct buf *errs);

/*
 * One request, {call, args, given} in YAML or JSON, with each step of its
 * decision as a line in trace. Errors as of vectors_run.
 */
[[nodiscard]] int vectors_explain(const char *name, struct span yaml,
				  const struct policy *p, struct buf *trace,
				  struct vector_result *ret, struct buf *errs);

#endif
