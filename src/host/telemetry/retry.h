/*
 * retry: what an answer of the collector means, and when it is asked again,
 * as OTLP/HTTP has it: 429, 502, 503, 504 and what is no answer are tried
 * again, later and later, not earlier than it says itself; all other errors are
 * final for what was sent.
 */
#ifndef TELEMETRY_RETRY_H
#define TELEMETRY_RETRY_H

#include "base/backoff.h"
#include "metrics.h"

enum {
	RETRY_FIRST_MS = BACKOFF_FIRST_MS,
	RETRY_MOST_MS = 60000,
	RETRY_ASKED_MOST_S = 300, /* of what the collector asks for */
};

struct retry {
	uint32_t failures; /* in a row */
	uint64_t until_ms; /* not before then */
};

/* A status; 0: there was no answer, or none that is HTTP. */
enum post_result retry_judge(int status);

/* It went well. */
void retry_clear(struct retry *b);

/*
 * It did not: the pause doubles from one failure to the next, and is between
 * half of that and all of it, as random says, so that many who were turned away
 * together do not come back together.
 */
void retry_more(struct retry *b, uint64_t now_ms, uint64_t asked_s,
		uint32_t random);

#endif
