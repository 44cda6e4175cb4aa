/*
 * fresh: see fresh.h. UNSAFE: writes where the C library keeps the canary of
 * x86-64 (the word at %fs:0x28, which compiled code reads) and where the
 * kernel has put the AT_RANDOM bytes, on the first page of the stack.
 */
#include "base/fresh.h"

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/random.h>

enum { AT_RANDOM_BYTES = 16 };

/* As glibc does: the lowest byte is zero, so that no string reaches past. */
static uint64_t canary_of(uint64_t random)
{
	return random & ~(uint64_t)0xff;
}

/*
 * Its own prologue may not have saved the old canary. Everything it calls
 * returns before the new one stands.
 */
FRESH_CALLER int fresh_draw(void)
{
	struct {
		uint64_t canary;
		uint8_t at_random[AT_RANDOM_BYTES];
	} fresh;
	void *at = (void *)(uintptr_t)getauxval(AT_RANDOM);
	ssize_t n = getrandom(&fresh, sizeof(fresh), 0);

	if (n != (ssize_t)sizeof(fresh))
		return n < 0 ? -errno : -EIO;
	if (at)
		memcpy(at, fresh.at_random, sizeof(fresh.at_random));
	__asm__ volatile("movq %0, %%fs:0x28"
			 :
			 : "r"(canary_of(fresh.canary))
			 : "memory");
	explicit_bzero(&fresh, sizeof(fresh));
	return 0;
}
