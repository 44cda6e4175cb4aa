/*
 * model: a loaded policy as the loader builds it and the decision reads it.
 *
 * Names and places are borrowed from the parsed file, which the policy owns.
 * Every closed list is kept as sorted canonical values, so that membership is
 * a binary search over bytes, however long the list is.
 */
#ifndef POLICY_MODEL_H
#define POLICY_MODEL_H

#include "conf/yaml.h"
#include "policy/policy.h"
#include "label/types.h"

enum {
	POLICY_CAPS = 256,
	POLICY_ARGS = 24, /* of one capability */
	POLICY_ROWS = 64, /* of one decide */
	POLICY_SETS = 256,
	POLICY_SOURCES = 32,
	POLICY_MANY = 32,    /* elements of one list argument */
	POLICY_RATE = 10000, /* calls in one window */
	POLICY_NAME_MAX = 64,
	POLICY_HASH = 32,
};

/* A closed list of one type, sorted by bytes. */
struct values {
	struct values *next;	      /* every list of the policy */
	const struct yaml_node *from; /* the list it was made of */
	const char *set; /* its name, NULL for one written in place */
	enum arg_type type;
	bool lines;
	size_t n;
	struct span *v; /* borrowed from mem */
	struct buf mem;
};

enum arg_role {
	ROLE_TARGET = 1,
	ROLE_COMMAND,
	ROLE_CONTENT,
	ROLE_SELECTOR,
	ROLE_CONTROL,
};

enum { FROM_CONFIG = 1, FROM_PLANNER = 2 };

enum outcome { OUTCOME_ALLOW = 1, OUTCOME_ASK, OUTCOME_DENY };

struct arg {
	const char *name;
	struct yaml_place at;
	enum arg_type type;
	enum arg_role role;
	unsigned from;	    /* FROM_ bits; 0: nothing was written */
	enum outcome floor; /* of a value of another origin */
	bool optional;
	bool lines;		     /* texts: more than one line */
	uint32_t many;		     /* most elements; 0: a scalar */
	uint32_t max_bytes;	     /* texts */
	struct span prefix;	     /* texts */
	int64_t min, max;	     /* int, number: type_number */
	const struct values *closed; /* in or values; NULL: none */
	/* what the file says, until the argument is whole */
	const struct yaml_node *n_in, *n_values, *n_max, *n_min, *n_prefix,
		*n_many, *n_else;
};

struct cond {
	const struct arg *arg;
	const struct values *in; /* {is: V} is a list of one */
	struct yaml_place at;
};

struct row {
	enum outcome outcome;
	struct yaml_place at;
	size_t n; /* none: unconditional */
	struct cond conds[POLICY_ARGS];
};

/*
 * Rate: the times of the last `most` allowed calls. One more is allowed when
 * there are fewer, or the oldest is a whole window ago: never more than `most`
 * in any window, wherever it begins.
 */
struct rate {
	struct yaml_place at;
	const char *text; /* "6/hour" */
	uint32_t most;
	uint32_t window_s;
	uint64_t *ring;
	uint32_t n, oldest;
};

struct cap {
	const char *name;
	struct yaml_place at;
	const char *connector;
	struct yaml_place connector_at;
	const char *effect;
	size_t n_args;
	struct arg args[POLICY_ARGS];
	size_t n_rows;
	struct row *rows;
	struct rate rate;
	char *description; /* what the planner sees */
	char *schema;
};

struct source {
	struct policy_source row;
	struct yaml_place connector_at;
};

struct set {
	const char *name;
	const struct yaml_node *list;
};

struct policy {
	struct yaml *y;
	const char *profile;
	uint8_t hash[POLICY_HASH];
	size_t n_sets, n_sources, n_caps;
	struct set sets[POLICY_SETS];
	struct source sources[POLICY_SOURCES];
	struct cap *caps[POLICY_CAPS];
	struct values *lists;
	uint64_t last_s; /* the latest time seen: the clock never goes back */
	/* What the last decision took, for policy_give_back. */
	struct rate *taken; /* NULL: nothing */
	bool taken_grew;
	uint64_t taken_over; /* the time that stood in its place */
};

bool values_has(const struct values *in, struct span canonical);

/* True if a canonical value keeps to the argument's own bounds; else *why. */
bool arg_fits(const struct arg *a, struct span canonical, const char **why);

/* The argument of that name, NULL if there is none. */
const struct arg *cap_arg(const struct cap *c, struct span name);

/* Rows and origins that can never work (lint.c); errors go to l. */
struct load;
void lint_cap(struct load *l, const struct cap *c);

/* Description and JSON Schema (tool.c). 0 or -ENOMEM. */
[[nodiscard]] int tool_make(struct cap *c);

#endif
