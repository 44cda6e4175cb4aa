/*
 * backoff: how long to wait before what has failed is tried again: a second,
 * twice as long after each further failure, never longer than the longest.
 */
#ifndef BASE_BACKOFF_H
#define BASE_BACKOFF_H

#include <stdint.h>

enum { BACKOFF_FIRST_MS = 1000 };

/* After that many failures in a row; 0 after none. */
uint64_t backoff_ms(uint32_t failures, uint64_t longest_ms);

#endif
