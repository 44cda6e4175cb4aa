/*
 * blast: the worst that a hostile planner can do in an hour and in a day, from
 * the policy alone: a sum over its limits.
 *
 * He may say whatever a row lets through, as often as the limits let him, to
 * as many as the bounds of an argument let him name, as much as fits. Nothing
 * is taken off for what he would have to be told first, for flows, for times of
 * day, or for what one task leaves over for the next: whatever the policy
 * leaves open counts as without bound. Bounds of one task bound nothing here,
 * for there can be any number of tasks.
 */
#ifndef POLICY_BLAST_H
#define POLICY_BLAST_H

#include "policy/policy.h"

#define BLAST_NO_BOUND UINT64_MAX

enum { BLAST_HOUR, BLAST_DAY, BLAST_WINDOWS };

enum { BLAST_CURRENCIES = 8 };

struct blast_money {
	struct span currency;	      /* the policy's */
	uint64_t most[BLAST_WINDOWS]; /* minor units */
};

struct blast {
	const char *name; /* of the capability; NULL: the sum */
	const char *effect;
	/* Whether a call can go through that nobody was asked about. What only
	 * goes through with the owner's yes counts as asks, and nothing else.
	 */
	bool alone, asks;
	uint64_t calls[BLAST_WINDOWS];
	uint64_t targets[BLAST_WINDOWS]; /* distinct; 0 if it has none */
	uint64_t bytes[BLAST_WINDOWS];	 /* of what leaves */
	uint64_t asked[BLAST_WINDOWS];
	size_t n_money;
	struct blast_money money[BLAST_CURRENCIES];
	bool more_money; /* of currencies that found no room */
};

/* Capability i from 0; false past the last. What only reads has no more than
 * its calls. */
bool policy_blast(const struct policy *p, size_t i, struct blast *ret);

/* All together: what acts by itself adds up, asks as far as budgets let them. */
void policy_blast_sum(const struct policy *p, struct blast *ret);

#endif
