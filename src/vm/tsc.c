/*
 * tsc: see tsc.h. Measured, not asked of CPUID: a guest under TCG sees the
 * counter as it runs, and hypervisors are known to say something else. x86-64
 * only.
 */
#include "vm/tsc.h"

#include <stdlib.h>
#include <time.h>

#include "base/loop.h"

enum { ROUNDS = 5, ROUND_NS = 6'000'000, TRIES = 8 };

struct mark {
	uint64_t ns;
	uint64_t tsc;
	uint64_t slack; /* counts between the two reads around ns */
};

/* Both clocks at one moment: the tightest of a few tries, so that being
 * scheduled away in between does not count. */
static struct mark take_mark(void)
{
	struct mark best = { .slack = UINT64_MAX };
	int i;

	for (i = 0; i < TRIES; i++) {
		uint64_t before = __builtin_ia32_rdtsc();
		uint64_t ns = clock_ns(CLOCK_MONOTONIC);
		uint64_t after = __builtin_ia32_rdtsc();

		if (after - before < best.slack)
			best = (struct mark){ ns, before + (after - before) / 2,
					      after - before };
	}
	return best;
}

static uint64_t measure_khz(void)
{
	const struct timespec pause = { .tv_nsec = ROUND_NS };
	struct mark a = take_mark();
	struct mark b;

	(void)nanosleep(&pause, NULL);
	b = take_mark();
	if (b.ns <= a.ns || b.tsc <= a.tsc)
		return 0;
	return (b.tsc - a.tsc) * 1'000'000u / (b.ns - a.ns);
}

static int by_size(const void *a, const void *b)
{
	const uint64_t *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

uint32_t vm_tsc_khz(void)
{
	uint64_t khz[ROUNDS];
	int i;

	for (i = 0; i < ROUNDS; i++)
		khz[i] = measure_khz();
	qsort(khz, ROUNDS, sizeof(khz[0]), by_size);
	return khz[ROUNDS / 2] > UINT32_MAX ? 0 : (uint32_t)khz[ROUNDS / 2];
}
