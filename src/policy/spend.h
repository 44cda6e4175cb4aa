/*
 * spend: what requests to models use up of the budgets of a policy, in tokens
 * and in money: for one request, of a task, of every hour, day and week.
 *
 * What a request may cost at most is reserved before it goes, as all or
 * nothing, and settled by what its answer says that it has cost. What is in
 * between when the broker ends stays reserved: never is less counted than was
 * used. Windows slide and rows are kept as those of other limits (state.h).
 */
#ifndef POLICY_SPEND_H
#define POLICY_SPEND_H

#include "policy/policy.h"
#include "policy/state.h"

enum {
	SPEND_TOKENS = 1 << 28, /* most of one number of a request's */
	/* Bytes of a request that are at least one token, on average: what is
	 * more is counted when its answer says so. */
	SPEND_TOKEN_BYTES = 2,
};

/* Most millionths of a dollar for a million tokens. */
#define SPEND_PRICE_MAX 10000000000u

/* Millionths of a dollar for a million tokens, at most SPEND_PRICE_MAX. */
struct spend_price {
	bool known; /* else no budget of money permits anything */
	uint64_t input, cache_read, cache_write, output;
};

/* Tokens; each at most SPEND_TOKENS. */
struct spend_used {
	uint64_t input, cache_read, cache_write, output;
};

struct spend_amount {
	uint64_t tokens, usd; /* usd in millionths */
	bool unpriced;	      /* what it costs is not known */
};

/* What it has cost, rounded up. */
struct spend_amount spend_of(const struct spend_used *used,
			     const struct spend_price *price);

/* The most that a request of so many bytes costs whose answer has at most that
 * many tokens. */
struct spend_amount spend_most(uint64_t bytes, uint64_t tokens,
			       const struct spend_price *price);

enum { SPEND_WHY = 160 };

/*
 * Takes the amount from every budget that there is, if all have room: true. t,
 * all zeros before, has it until it is settled. False: `why` says, in our
 * words, which one is used up, and nothing was taken.
 */
[[nodiscard]] bool spend_reserve(const struct policy *p, struct policy_state *s,
				 uint64_t task, const struct spend_amount *a,
				 struct state_taken *t, char why[SPEND_WHY]);

/* Gives t back and takes the amount instead, whether there is room or not.
 * task 0: it has ended, and has no budget any more. False: out of memory, or of
 * rows: what was reserved stays. */
[[nodiscard]] bool spend_settle(const struct policy *p, struct policy_state *s,
				uint64_t task, const struct spend_amount *a,
				struct state_taken *t);

/* Whether the policy has a budget of money. */
bool policy_has_usd(const struct policy *p);

#endif
