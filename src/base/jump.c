/* jump: see jump.h. */
#include "base/jump.h"

#include <time.h>

static int64_t clock_ms(clockid_t id)
{
	struct timespec t = { 0 };

	(void)clock_gettime(id, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
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
