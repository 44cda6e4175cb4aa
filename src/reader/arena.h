/*
 * arena: memory of one message, freed at once. A reader lives for one message,
 * so nothing in it is freed earlier, and the hard maximum is what bounds a
 * hostile one.
 */
#ifndef READER_ARENA_H
#define READER_ARENA_H

#include "base/span.h"

struct arena_chunk;

struct arena {
	struct arena_chunk *chunks; /* owned, newest first */
	size_t used;		    /* bytes handed out and reserved */
	size_t max;
};

void arena_init(struct arena *a, size_t max);
void arena_done(struct arena *a);

/* n bytes, zeroed, aligned for any type; NULL over the maximum. */
[[nodiscard]] void *arena_alloc(struct arena *a, size_t n);

/*
 * The same, not zeroed: what nobody touches costs no page, which counts in a
 * VM that is a private copy of another.
 */
[[nodiscard]] void *arena_raw(struct arena *a, size_t n);

/* A copy of s that lives as long as the arena; empty when it did not fit. */
struct span arena_copy(struct arena *a, struct span s);

#endif
