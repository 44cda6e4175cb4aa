/*
 * pace: how often one VM may ask, as a token bucket; and refusals that are all
 * the same, counted instead of recorded one by one. Pure: the caller has the
 * clock and the log.
 */
#ifndef HOST_BROKER_PACE_H
#define HOST_BROKER_PACE_H

#include <stdbool.h>
#include <stdint.h>

#include "policy/decide.h"

enum {
	PACE_RATE = 20,	      /* requests a second that a VM may make, */
	PACE_BURST = 40,      /* and so many at once */
	PACE_HELD_MS = 30000, /* held back for so long in all, it is ended */
	REFUSALS_MS = 1000,   /* equal ones are recorded so often at most */
};

struct pace {
	uint64_t tokens_us; /* 1000000 / PACE_RATE each */
	uint64_t at_us;	    /* they are as of then; 0: never used */
	uint64_t since_us;  /* held back since then; 0: is not */
	uint64_t held_ms;   /* in all */
};

/* How many milliseconds until it may ask; 0: now, and a token is taken. */
uint64_t pace_wait_ms(struct pace *p, uint64_t now_us);

/* True once it has been held back for PACE_HELD_MS. */
bool pace_is_over(const struct pace *p);

/* A run of equal refusals. The first of them has its own record. */
struct refusals {
	char capability[LIMIT_NAME + 1];
	char clause[sizeof(((struct decision *)0)->clause)];
	char reason[sizeof(((struct decision *)0)->reason)];
	bool any;	   /* there was a first one */
	uint64_t index;	   /* of its record */
	uint64_t more;	   /* since then, and not recorded yet */
	uint64_t first_us; /* the first and the last of those */
	uint64_t last_us;
};

/* One more that equals those before: counted, true. */
bool refusals_more(struct refusals *r, struct span capability,
		   const struct decision *d, uint64_t now_us);

/* A refusal that was recorded, from which on equal ones are counted. */
void refusals_begin(struct refusals *r, struct span capability,
		    const struct decision *d, uint64_t index);

#endif
