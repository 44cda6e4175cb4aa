/*
 * testing: cmocka, with what it wants included before it, and what several
 * tests need. Tests include this one.
 */
#ifndef BASE_TESTING_H
#define BASE_TESTING_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include <cmocka.h>

/* Ends the test once that many seconds were computed, however busy the machine
 * is; 0: does not. */
static inline void cpu_limit(time_t seconds)
{
	const struct itimerval t = { .it_value.tv_sec = seconds };

	assert_int_equal(setitimer(ITIMER_PROF, &t, NULL), 0);
}

#endif
