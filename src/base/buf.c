/* buf: see buf.h. UNSAFE: the pointer arithmetic of this file is the bound. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

void buf_init(struct buf *b, size_t max)
{
	*b = (struct buf){ .max = max };
}

void buf_done(struct buf *b)
{
	free(b->p);
	*b = (struct buf){ .max = b->max };
}

void buf_reset(struct buf *b)
{
	b->n = 0;
	b->bad = false;
}

void buf_cut(struct buf *b, size_t n)
{
	if (n < b->n)
		b->n = n;
}

void buf_drop(struct buf *b, size_t n)
{
	if (n > b->n)
		n = b->n;
	if (n)
		memmove(b->p, b->p + n, b->n - n);
	b->n -= n;
}

/* One byte more than asked is always reserved, for buf_cstr's NUL. */
static bool buf_room(struct buf *b, size_t n)
{
	uint8_t *p;
	size_t cap;

	if (b->bad || n > b->max - b->n) {
		b->bad = true;
		return false;
	}
	if (b->p && n < b->cap - b->n)
		return true;
	cap = b->cap ? b->cap : 64;
	while (cap - b->n <= n)
		cap *= 2;
	p = realloc(b->p, cap);
	if (!p) {
		b->bad = true;
		return false;
	}
	b->p = p;
	b->cap = cap;
	return true;
}

uint8_t *buf_extend(struct buf *b, size_t n)
{
	uint8_t *p;

	if (!buf_room(b, n))
		return NULL;
	p = b->p + b->n;
	b->n += n;
	return p;
}

void buf_put(struct buf *b, const void *p, size_t n)
{
	if (!n || !buf_room(b, n))
		return;
	memcpy(b->p + b->n, p, n);
	b->n += n;
}

void buf_span(struct buf *b, struct span s)
{
	buf_put(b, s.p, s.n);
}

void buf_str(struct buf *b, const char *s)
{
	buf_put(b, s, strlen(s));
}

static void buf_le(struct buf *b, uint64_t v, size_t n)
{
	uint8_t raw[8];
	size_t i;

	for (i = 0; i < n; i++)
		raw[i] = (uint8_t)(v >> (8 * i));
	buf_put(b, raw, n);
}

void buf_u8(struct buf *b, uint8_t v)
{
	buf_le(b, v, 1);
}

void buf_u16(struct buf *b, uint16_t v)
{
	buf_le(b, v, 2);
}

void buf_u32(struct buf *b, uint32_t v)
{
	buf_le(b, v, 4);
}

void buf_u64(struct buf *b, uint64_t v)
{
	buf_le(b, v, 8);
}

void buf_blob(struct buf *b, struct span s)
{
	if (s.n > UINT32_MAX) {
		b->bad = true;
		return;
	}
	buf_u32(b, (uint32_t)s.n);
	buf_span(b, s);
}

void buf_printf(struct buf *b, const char *fmt, ...)
{
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	if (n < 0) {
		b->bad = true;
		return;
	}
	if (!buf_room(b, (size_t)n))
		return;
	va_start(ap, fmt);
	(void)vsnprintf((char *)b->p + b->n, (size_t)n + 1, fmt, ap);
	va_end(ap);
	b->n += (size_t)n;
}

struct span buf_view(const struct buf *b)
{
	return span_of(b->p, b->n);
}

struct span buf_part(const struct buf *b, size_t at, size_t n)
{
	if (at >= b->n)
		return span_of(NULL, 0);
	return span_of(b->p + at, n < b->n - at ? n : b->n - at);
}

bool buf_ok(const struct buf *b)
{
	return !b->bad;
}

const char *buf_cstr(struct buf *b)
{
	if (!b->p)
		return "";
	b->p[b->n] = 0;
	return (const char *)b->p;
}
