/*
 * state_fuzz: rows as a store that has been damaged might give them back. What
 * loads is written again as it was read, and takes no time back.
 */
#include "policy/state.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct policy_state *s = policy_state_new();
	struct state_clock c = { .boot_ms = 1 };
	struct state_place place = { SPAN_LIT("k"), 1, 10, 60 };
	CLEAN_BUF struct buf key = { .max = STATE_KEY_MAX };
	CLEAN_BUF struct buf row = { .max = STATE_ROW_MAX };
	struct state_taken t = { 0 };
	bool clock = n && p[0] & 1;
	uint64_t now;

	if (s && n &&
	    policy_state_load(s, clock ? SPAN_LIT("clock") : SPAN_LIT("k"),
			      span_of(p + 1, n - 1)) == 0) {
		now = policy_state_now(s, &c);
		(void)policy_state_take(s, &place, &t);
		policy_state_give_back(s, &t);
		while (policy_state_dirty(s, &key, &row))
			if (!buf_ok(&key) || !buf_ok(&row))
				__builtin_trap();
		if (policy_state_now(s, &c) < now)
			__builtin_trap();
	}
	policy_state_free(s);
	return 0;
}
