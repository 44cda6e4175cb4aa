/* jump: see jump.h. */
#include "base/jump.h"

#include <time.h>

#include "base/loop.h"

static int64_t clock_ms(clockid_t id)
{
	return (int64_t)(clock_ns(id) / 1000000);
}

int64_t jump_seen(struct jump *j, int64_t wall_ms, int64_t boot_ms)
{
	int64_t apart = wall_ms - boot_ms;
	int64_t by = j->known ? apart - j->apart_ms : 0;

	j->known = true;
	j->apart_ms = apart;
	return by > JUMP_MS || by < -JUMP_MS ? by : 0;
}

int64_t jump_now(struct jump *j)
{
	int64_t boot = clock_ms(CLOCK_BOOTTIME);

	return jump_seen(j, clock_ms(CLOCK_REALTIME), boot);
}
