/* places: see places.h. */
#include "host/monitor/places.h"

#include "base/backoff.h"
#include "host/monitor/templates.h"

uint32_t places_of(long cores)
{
	if (cores < 1)
		cores = 1;
	if (cores > PLACES_MAX / PLACES_PER_CORE)
		return PLACES_MAX;
	return (uint32_t)cores * PLACES_PER_CORE;
}

/* What is left of a number, if anything is. */
static uint32_t beyond(uint32_t n, uint32_t room)
{
	return n > room ? n - room : 0;
}

bool place_free(const struct places *p, enum vm_kind kind)
{
	uint32_t left = p->planners ? 1 : 0; /* to the other kind */
	uint32_t held[VM_KIND_MAX] = { 0 };
	uint32_t slow = 0, all = 0, k;

	for (k = VM_READER; k < VM_KIND_MAX; k++) {
		held[k] = p->working[k] - p->slow[k];
		all += held[k];
		slow += p->slow[k];
	}
	/* The slow ones of one kind alone never fill the other's last place:
	 * all of a kind are fewer than the places and their room together. */
	return all + beyond(slow, p->all) < p->all &&
	       held[kind] + left < p->all &&
	       p->working[kind] + left < 2 * p->all;
}

/* Whether one more is wanted, and could be had if the time were right. */
static bool pool_lacks(const struct pool *p, const struct pool_need *n)
{
	return n->have < p->want && !n->parking && !n->waiting && n->place &&
	       n->template;
}

bool pool_due(const struct pool *p, const struct pool_need *n, uint64_t now)
{
	return pool_lacks(p, n) && now >= p->retry_ms &&
	       now >= n->worked_ms + POOL_REFILL_MS;
}

uint64_t pool_next_ms(const struct pool *p, const struct pool_need *n,
		      uint64_t now)
{
	uint64_t next = n->worked_ms + POOL_REFILL_MS;

	if (!pool_lacks(p, n))
		return UINT64_MAX;
	if (p->retry_ms > next)
		next = p->retry_ms;
	return next > now ? next : now;
}

void pool_parked(struct pool *p)
{
	p->failures = 0;
}

bool pool_failed(struct pool *p, uint64_t now)
{
	p->died++;
	p->failures++;
	p->retry_ms = now + backoff_ms(p->failures, BACKOFF_MAX_MS);
	if (p->failures < POOL_FAILURES_MAX)
		return false;
	p->failures = 0;
	return true;
}
