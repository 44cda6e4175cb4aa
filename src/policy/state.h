/*
 * state: what has been used up of the limits of a policy.
 *
 * A window is kept as slots of a fixed part of its length; a slot falls out
 * when all of it is a window ago. So there is never more than `most` in any
 * window, wherever it begins, and what one window takes in memory and in the
 * store is the same however large `most` is. The price is that a place may come
 * free one slot late.
 *
 * Time is the state's own: seconds that only grow, by the monotonic clock
 * while a boot lasts. A wall clock that is set counts for nothing. Over a
 * reboot the wall clock is all there is: what it says has passed counts, at
 * most STATE_AWAY_S, and a step back counts as none.
 *
 * Every change makes rows dirty; the broker writes them to the store before
 * the effect that caused them, so a restart never refills a bucket. No I/O
 * here.
 */
#ifndef POLICY_STATE_H
#define POLICY_STATE_H

#include "base/buf.h"
#include "base/span.h"

enum {
	STATE_SLOTS = 60,
	STATE_KEYS = 16384, /* rows; more, and what needs one is refused */
	STATE_KEY_MAX = 400,
	STATE_ROW_MAX = 640, /* bytes of a row, without its key */
	STATE_AWAY_S = 24 * 3600,
	STATE_TAKEN = 224,	      /* places that one decision can take */
	STATE_WINDOW_S = 366 * 86400, /* longest window */
};

struct policy_state;

struct state_clock {
	uint64_t boot_ms; /* CLOCK_BOOTTIME */
	uint64_t wall_s;  /* CLOCK_REALTIME, since 1970 */
	uint8_t boot_id[16];
};

/* NULL when out of memory. */
struct policy_state *policy_state_new(void);
void policy_state_free(struct policy_state *s);

/* Brings the state's own time up to now, which it returns; before anything
 * else, once the rows are there. */
uint64_t policy_state_now(struct policy_state *s, const struct state_clock *c);

/*
 * A row as the store gave it back. 0, or -EPROTO for bytes that this file does
 * not write, a key that is there already, or one row too many: then nothing may
 * be decided on the state, for a bucket could have been full. -ENOMEM:
 * likewise.
 */
[[nodiscard]] int policy_state_load(struct policy_state *s, struct span key,
				    struct span row);

/* The next row that has changed since it was last asked for: key and row (an
 * empty row: forget the key). False: there are no more. A buffer without room
 * is bad then, and the row is asked for again. */
bool policy_state_dirty(struct policy_state *s, struct buf *key,
			struct buf *row);

/* The store did not take what it was told: everything is told again. */
void policy_state_again(struct policy_state *s);

/* One place: so much of `most` in a window. window_s 0: for ever, or until
 * policy_state_forget of the task whose key it is. A key belongs to one
 * window: its length is part of it. */
struct state_place {
	struct span key; /* "rate 3600 email.send" */
	uint64_t amount, most;
	uint32_t window_s;
};

/* What one decision took; an owner of none is all zeros. */
struct state_taken {
	uint32_t n;
	struct {
		uint32_t row, age;
		uint64_t slot, amount;
	} v[STATE_TAKEN];
};

/* Whether there is room. */
bool policy_state_open(const struct policy_state *s,
		       const struct state_place *p);

/* What of the window is used now; 0 for a key that was never used. */
uint64_t policy_state_used(const struct policy_state *s, struct span key,
			   uint32_t window_s);

/* Takes it, open or not (a settlement may be over); -ENOSPC: no row left or no
 * room in t, -EINVAL: the key has another window, -ENOMEM. */
[[nodiscard]] int policy_state_take(struct policy_state *s,
				    const struct state_place *p,
				    struct state_taken *t);

/* A number that is kept until it is forgotten: the last value of an argument.
 * False: there is none. */
bool policy_state_number(const struct policy_state *s, struct span key,
			 int64_t *ret);

/* Sets it; t knows what it was before. Errors as of policy_state_take. */
[[nodiscard]] int policy_state_set(struct policy_state *s, struct span key,
				   int64_t v, struct state_taken *t);

/* All that was taken is free again, each number what it was: the call did not
 * take place. */
void policy_state_give_back(struct policy_state *s, struct state_taken *t);

/* Forgets what began with that prefix ("task 17 "): the task has ended. */
void policy_state_forget(struct policy_state *s, struct span prefix);

#endif
