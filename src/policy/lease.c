/* lease: see lease.h. */
#include "policy/lease.h"

static void put_u64(uint8_t *to, uint64_t v)
{
	size_t i;

	for (i = 0; i < 8; i++)
		to[i] = (uint8_t)(v >> 8 * i);
}

static uint64_t get_u64(const uint8_t *p)
{
	uint64_t v = 0;
	size_t i;

	for (i = 8; i > 0; i--)
		v = v << 8 | p[i - 1];
	return v;
}

void lease_encode(const struct state_clock *heard, uint8_t ret[LEASE_ROW])
{
	memcpy(ret, heard->boot_id, 16);
	put_u64(ret + 16, heard->boot_ms);
	put_u64(ret + 24, heard->wall_s);
}

int lease_decode(struct span row, struct state_clock *ret)
{
	if (row.n != LEASE_ROW)
		return -1;
	memcpy(ret->boot_id, row.p, 16);
	ret->boot_ms = get_u64(row.p + 16);
	ret->wall_s = get_u64(row.p + 24);
	return 0;
}

uint64_t lease_left_ms(const struct state_clock *heard,
		       const struct state_clock *now, uint64_t autonomy_s)
{
	const bool same = !memcmp(heard->boot_id, now->boot_id, 16);
	uint64_t then = same ? heard->boot_ms / 1000 : heard->wall_s;
	uint64_t at = same ? now->boot_ms / 1000 : now->wall_s;

	if (at < then || at - then >= autonomy_s)
		return 0;
	if (!same)
		return (autonomy_s - (at - then)) * 1000;
	return heard->boot_ms + autonomy_s * 1000 - now->boot_ms;
}
