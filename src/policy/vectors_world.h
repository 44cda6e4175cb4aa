/*
 * vectors_world: what the broker would know when the call of a vector comes.
 * Private to the files of vectors.
 */
#ifndef POLICY_VECTORS_WORLD_H
#define POLICY_VECTORS_WORLD_H

#include "conf/yaml.h"
#include "policy/decide.h"
#include "policy/model.h"

enum { WORLD_ITEMS = 32, WORLD_FACTS = 64 };

struct world_item {
	const char *id;
	const struct source *source;
	struct label label, fact;
};

struct world {
	const struct policy *policy;
	const struct yaml *y;
	struct buf *errs;
	bool bad;	/* something is wrong, and told */
	struct buf mem; /* canonical senders; never moves */
	struct policy_state *state;
	struct atoms *atoms;
	struct handles *handles;
	struct tokens owner;
	struct label owner_label, pc;
	struct arg_context context;
	struct arg_fact facts[WORLD_FACTS];
	struct world_item rows[WORLD_ITEMS];
	struct decide_item items[WORLD_ITEMS];
	struct link_set links; /* of the owner's text */
	struct m_call call;
	struct decide_in in;
	struct decision d;
};

/* The world of a map {call, args, given}; NULL when out of memory. What is
 * wrong with it is told in errs, and makes it bad. */
struct world *world_new(const struct policy *p, const struct yaml *y,
			const struct yaml_node *n, struct buf *errs);
void world_free(struct world *w);

/* Something of the vectors is wrong. */
void world_fault(struct world *w, const struct yaml_node *n, const char *fmt,
		 ...) __attribute__((format(printf, 3, 4)));

#endif
