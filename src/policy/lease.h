/*
 * lease: for how long the agent acts without a word of its owner. What is kept
 * is when he was heard of last, by the clocks of that moment.
 *
 * While a boot lasts the time since then is what CLOCK_BOOTTIME says, however
 * the wall clock is set; over a reboot the wall clock is all there is. A wall
 * clock that is before that moment then says nothing, and the lease is over:
 * here, other than with limits, time that has passed unseen is what must not
 * be.
 */
#ifndef POLICY_LEASE_H
#define POLICY_LEASE_H

#include "policy/state.h"

enum { LEASE_ROW = 16 + 8 + 8 };

void lease_encode(const struct state_clock *heard, uint8_t ret[LEASE_ROW]);

/* 0, or -1 for bytes that lease_encode does not write. */
[[nodiscard]] int lease_decode(struct span row, struct state_clock *ret);

/* How much is left of it, in milliseconds; 0: it is over. */
uint64_t lease_left_ms(const struct state_clock *heard,
		       const struct state_clock *now, uint64_t autonomy_s);

#endif
