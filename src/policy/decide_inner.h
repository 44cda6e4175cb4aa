/*
 * decide_inner: one decision on its way; what the files of decide share, nobody
 * else includes it. decide.c says in which order they are called.
 */
#ifndef POLICY_DECIDE_INNER_H
#define POLICY_DECIDE_INNER_H

#include "policy/decide.h"
#include "policy/model.h"

enum { QUOTE_MAX = 200 };

/* One value of the call. */
struct given {
	const struct arg *arg;
	const struct m_arg *raw; /* what the planner sent */
	size_t index;		 /* in resolved.values */
	struct span v;		 /* canonical; of a handle what it stands for */
	bool edited;		 /* what leaves is in mem: */
	size_t at, n;
	uint32_t edits;
};

/* What stands so far: the strictest, and of equals the first. */
struct standing {
	enum outcome outcome;
	enum decided_by by;
	uint32_t row;
	const char *what;
	struct yaml_place at; /* line 0: the clause's text is `what` */
	const char *word;     /* the clause's last: "deny", "limit" */
};

struct deciding {
	const struct policy *p;
	struct policy_state *s;
	const struct decide_in *in;
	struct decision *d;
	const struct cap *cap;
	size_t n;
	struct given given[LIMIT_ARGS];
	struct standing stands;
	bool failed; /* a bug or no memory: deny, whatever else is said */
};

static inline struct arg_value *value_of(const struct deciding *d,
					 const struct given *g)
{
	return &d->d->resolved.values[g->index];
}

static inline bool is_refused(const struct deciding *d)
{
	return d->failed || d->stands.outcome == OUTCOME_DENY;
}

/* decide.c */
/* Takes s if it is stricter than what stands; the reason is the planner's. */
void stand(struct deciding *d, struct standing s, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

#define refuse_arg(d, a, ...)                                                  \
	stand(d,                                                               \
	      (struct standing){ .outcome = OUTCOME_DENY,                      \
				 .by = DECIDED_ARG,                            \
				 .what = (a)->name,                            \
				 .at = (a)->at },                              \
	      __VA_ARGS__)

/* Over the call as a whole. */
#define refuse_call(d, ...)                                                    \
	stand(d,                                                               \
	      (struct standing){ .outcome = OUTCOME_DENY,                      \
				 .by = DECIDED_ARG,                            \
				 .at = (d)->cap->at },                         \
	      __VA_ARGS__)

void explain(const struct deciding *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* A planner's word inside our sentence: visible ASCII, quoted and cut. */
const char *quote(char dst[QUOTE_MAX], struct span s);

/* The same of a value, unless the planner does not know it. */
const char *quote_given(char dst[QUOTE_MAX], const struct deciding *d,
			const struct given *g);

/* decide_args.c: every value, resolved and within its bounds. */
void take_args(struct deciding *d);

/* decide_text.c: what of texts leaves: links and mentions broken up. */
void edit_texts(struct deciding *d);

/* decide_origin.c */
/* True if the policy names the value for its argument. */
bool policy_names(const void *want, enum arg_type t, struct span canonical);

/* What arg_want.config points to, for that. */
struct named {
	const struct deciding *d;
	const struct arg *arg;
};

/* True if no content is of an origin that is not permitted. */
bool content_permitted(struct deciding *d);

/* Values of an origin that is not permitted. */
void apply_floors(struct deciding *d);

/* True if the envelope of this item may be written to: its sender is known, or
 * this is the answer to that very item. */
bool may_answer(const struct deciding *d, const struct given *g,
		const struct label *l, uint64_t item);

/* The origins that the value as a whole has here. */
unsigned origins_of(const struct deciding *d, const struct given *g);

const struct decide_item *item_of(const struct deciding *d, uint64_t item);

/* The handle that an answer goes to the item of; NULL: it is no answer. */
const struct handle *answered(const struct deciding *d);

/* decide_rows.c */
void apply_deny_rows(struct deciding *d);
void apply_rows(struct deciding *d);

/* decide_flow.c */
/* The provider whose ids the capability's connector takes: that of a source of
 * the same connector. NULL: not known. */
const char *cap_space(const struct deciding *d);

/* The value is an identity of the owner, with the provider that it goes to. */
bool names_owner(const struct deciding *d, const struct arg *a, struct span v);

void apply_flows(struct deciding *d);

/* decide_limit.c: of an allowed call all places are taken, of one that asks its
 * place among the questions. Counts the call. */
void count_call(struct deciding *d);
void apply_limits(struct deciding *d);
void count_allowed(struct deciding *d);
void count_refusal(struct deciding *d);

/* decide_out.c: what the caller gets of an allowed call, or one that asks. */
void hand_out(struct deciding *d);

/* True if the owner has remembered this: what asks is allowed. */
bool apply_clauses(struct deciding *d);

#endif
