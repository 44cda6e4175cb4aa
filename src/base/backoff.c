/* backoff: see backoff.h. */
#include "base/backoff.h"

uint64_t backoff_ms(uint32_t failures, uint64_t longest_ms)
{
	uint64_t ms = failures ? BACKOFF_FIRST_MS : 0;

	while (failures > 1 && ms < longest_ms) {
		ms *= 2;
		failures--;
	}
	return ms < longest_ms ? ms : longest_ms;
}
