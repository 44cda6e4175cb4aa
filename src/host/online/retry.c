/* retry: see retry.h. */
#include "retry.h"

#include <sys/random.h>

#include "base/backoff.h"

uint64_t retry_failed(struct retry *r, uint64_t least_ms)
{
	uint64_t ms;
	uint32_t draw = 0;

	if (r->failures < UINT32_MAX)
		r->failures++;
	ms = backoff_ms(r->failures, RETRY_LONGEST_MS);
	/* Without randomness it is the whole wait. */
	if (getrandom(&draw, sizeof(draw), GRND_NONBLOCK) !=
	    (ssize_t)sizeof(draw))
		draw = 0;
	ms -= draw % (ms / 2 + 1);
	return ms > least_ms ? ms : least_ms;
}

void retry_worked(struct retry *r)
{
	r->failures = 0;
}
