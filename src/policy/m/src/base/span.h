/*
 * span: borrowed bytes. A span never owns what it points to and is never
 * stored past the call that received it unless the header of the receiver
 * says whose memory it borrows.
 */
#ifndef BASE_SPAN_H
#define BASE_SPAN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct span {
	const uint8_t *p;
	size_t n;
};

/* The bytes of a string literal, without its NUL. */
#define SPAN_LIT(s) ((struct span){ (const uint8_t *)("" s), sizeof(s) - 1 })

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

static inline struct span span_of(const void *p, size_t n)
{
	return (struct span){ p, n };
}

/* The bytes of a NUL-terminated string; NULL gives the empty span. */
static inline struct span span_str(const char *s)
{
	return (struct span){ (const uint8_t *)s, s ? strlen(s) : 0 };
}

static inline bool span_eq(struct span a, struct span b)
{
	return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool span_is(struct span a, const char *s)
{
	return span_eq(a, span_str(s));
}

#endif
