/* arena: see arena.h. UNSAFE: the pointer arithmetic here is the bound. */
#include "reader/arena.h"

#include <stdlib.h>

enum {
	CHUNK = 64 << 10,
	ALIGN = 16,
};

struct arena_chunk {
	struct arena_chunk *next;
	size_t cap;
	size_t n;
	uint8_t pad[8];
	uint8_t bytes[];
};

void arena_init(struct arena *a, size_t max)
{
	*a = (struct arena){ .max = max };
}

void arena_done(struct arena *a)
{
	while (a->chunks) {
		struct arena_chunk *c = a->chunks;

		a->chunks = c->next;
		free(c);
	}
	a->used = 0;
}

static struct arena_chunk *arena_grow(struct arena *a, size_t n)
{
	size_t cap = n > CHUNK ? n : CHUNK;
	struct arena_chunk *c;

	if (cap > a->max - a->used)
		return NULL;
	c = malloc(sizeof(*c) + cap);
	if (!c)
		return NULL;
	c->cap = cap;
	c->n = 0;
	c->next = a->chunks;
	a->chunks = c;
	a->used += cap;
	return c;
}

void *arena_raw(struct arena *a, size_t n)
{
	struct arena_chunk *c = a->chunks;
	void *p;

	if (n > a->max)
		return NULL;
	n = (n + ALIGN - 1) / ALIGN * ALIGN;
	if (!c || n > c->cap - c->n) {
		c = arena_grow(a, n);
		if (!c)
			return NULL;
	}
	p = c->bytes + c->n;
	c->n += n;
	return p;
}

void *arena_alloc(struct arena *a, size_t n)
{
	void *p = arena_raw(a, n);

	if (p)
		memset(p, 0, n);
	return p;
}

struct span arena_copy(struct arena *a, struct span s)
{
	uint8_t *p;

	if (!s.n)
		return (struct span){ NULL, 0 };
	p = arena_raw(a, s.n);
	if (!p)
		return (struct span){ NULL, 0 };
	memcpy(p, s.p, s.n);
	return span_of(p, s.n);
}
