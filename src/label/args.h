/*
 * args: the arguments of a call as the policy decides on them.
 *
 * What a planner sends for a value is a literal, {"$ref": "@15"}, or
 * {"$tmpl": "Hi {0}", "args": [{"$ref": "@13.name"}]} (template.h); the porter
 * makes rows of it (msg.h: ARG_REF, ARG_TEMPLATE, ARG_FILL), so no JSON comes
 * here. Resolving gives the bytes in canonical form, where they came from and
 * who may read them:
 *
 *	a reference has the label that the table has for it;
 *	a literal that is a member of the policy's list, of the owner's words or
 *	of an envelope, compared as a value of its type, has the label of that;
 *	any other literal has the label of all that the planner has seen (pc)
 *	and, where it is a copy, of what it was copied from, too;
 *	a template has the labels of all its parts.
 *
 * Substitution is done once, and the type is checked behind it.
 */
#ifndef LABEL_ARGS_H
#define LABEL_ARGS_H

#include "label/gram.h"
#include "label/handles.h"
#include "label/tokens.h"
#include "proto/msg.h"

enum {
	ARGS_PARTS = 192,		 /* of one call */
	ARGS_BYTES = LIMIT_MSG,		 /* of one call, canonical */
	ARG_VALUE_MAX = LIMIT_ARG_BYTES, /* of one value, canonical */
};

/* What the executor got from a provider: a value that may be named. */
struct arg_fact {
	enum arg_type type;
	struct span value; /* canonical */
	const struct label *label;
	uint64_t item; /* that it is the envelope of */
};

/* What a call is resolved against; all borrowed. */
struct arg_context {
	const struct handles *handles; /* NULL: there are none */
	const struct tokens *owner;    /* NULL: the task has no owner's text */
	const struct label *owner_label;
	const struct label *pc;
	const struct arg_fact *facts;
	size_t n_facts;
	struct gram *gram; /* NULL: nothing is compared */
};

/* What the policy says of one argument. */
struct arg_want {
	enum arg_type type;
	bool lines;	/* texts: more than one line */
	bool names;	/* it names whom or what: target, command, selector */
	struct span of; /* TYPE_HANDLE: of this kind; empty: of any */
	/* True if the policy has this canonical value for this argument. */
	bool (*in_config)(const void *config, enum arg_type t,
			  struct span canonical);
	const void *config;
};

/*
 * Bytes of one origin. The parts of a text lie one behind the other; of any
 * other type each of them stands for the whole value.
 */
struct arg_part {
	size_t at, n;	  /* in the value */
	unsigned origins; /* enum origin, any of which it can be taken for */
	const struct handle *handle; /* NULL: the planner's own */
	uint32_t copied;	     /* per mille; gram.h */
	enum gram_form form;
	struct label label;
};

struct arg_value {
	size_t at, n;	 /* in bytes: the canonical value */
	unsigned member; /* CONFIG, OWNER, ENVELOPE: of which it is one */
	const struct arg_fact *fact; /* ENVELOPE: the one */
	const struct handle *handle; /* it is this handle, or its value */
	/* A decision on its bytes tells the planner of bytes that he has not
	 * seen. */
	bool hidden;
	size_t first, n_parts; /* at least one */
	struct label label;    /* of all parts */
};

/* A whole call; large, so the caller keeps one. */
struct args {
	struct buf bytes;
	size_t n, n_parts;
	struct arg_value values[LIMIT_ARGS];
	struct arg_part parts[ARGS_PARTS];
};

/* Why an argument was not resolved. */
struct arg_fault {
	size_t row;	 /* the value's */
	const char *why; /* our own words; follows the argument's name */
	/* It depends on bytes that the planner has not seen: to tell him costs
	 * a bit of influence and taints. */
	bool hidden;
};

void args_init(struct args *a);
void args_done(struct args *a);

/* Empties it for the next call. */
void args_reset(struct args *a);

/*
 * Resolves all rows of one argument and appends its values, one a row or row
 * with fills; an empty list has none. 0, or -1 with *fault; the values of this
 * argument are not there then.
 */
[[nodiscard]] int args_resolve(struct args *a, const struct arg_context *c,
			       const struct arg_want *w,
			       const struct m_arg *rows, size_t n,
			       struct arg_fault *fault);

/*
 * Compares what the planner wrote of a text with what readers brought in, and
 * labels what was copied. args_resolve has done so for a context with a gram;
 * without one it is left to whoever finds that it matters, for it takes its
 * time. Before parts are moved. 0, or -ENOMEM: it is not known.
 */
[[nodiscard]] int args_copied(struct args *a, struct arg_value *v,
			      struct gram *g);

struct span arg_bytes(const struct args *a, const struct arg_value *v);

#endif
