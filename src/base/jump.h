/*
 * jump: notices that somebody set the wall clock. No deadline, rate or back-off
 * of bulkhead looks at that clock, so a jump harms none; but records carry it,
 * and whoever reads them has to know.
 */
#ifndef BASE_JUMP_H
#define BASE_JUMP_H

#include <stdbool.h>
#include <stdint.h>

enum { JUMP_MS = 2000 }; /* the least that is told */

/* Zeroed before its first use. */
struct jump {
	bool known;
	int64_t apart_ms; /* wall clock minus time since boot, last seen */
};

/*
 * By how much the wall clock has jumped since the last call, forward or (less
 * than 0) back, in milliseconds; 0 if by JUMP_MS or less. A clock that is led
 * slowly to another time does not jump. boot_ms counts through a suspend.
 */
int64_t jump_seen(struct jump *j, int64_t wall_ms, int64_t boot_ms);

/* The same with the clocks as they are now. */
int64_t jump_now(struct jump *j);

#endif
