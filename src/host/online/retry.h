/*
 * retry: when an account tries again what has failed: the doubling waits of
 * base/backoff, a random half of each taken off, so that accounts that lost one
 * server at the same moment do not come back at the same moment.
 */
#ifndef ONLINE_RETRY_H
#define ONLINE_RETRY_H

#include <stdint.h>

enum { RETRY_LONGEST_MS = 300000 };

struct retry {
	uint32_t failures; /* in a row */
};

/* Counts a failure. Returns how long to wait: from half of the wait to all of
 * it; at least `least_ms`, which the server may have asked for. */
uint64_t retry_failed(struct retry *r, uint64_t least_ms);

/* It works: the next failure is the first. */
void retry_worked(struct retry *r);

#endif
