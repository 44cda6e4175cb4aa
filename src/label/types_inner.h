/*
 * types_inner: what the files of types share; nobody else includes it.
 */
#ifndef LABEL_TYPES_INNER_H
#define LABEL_TYPES_INNER_H

#include "label/types.h"

static inline bool is_alnum(uint8_t c)
{
	return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') ||
	       (c >= 'A' && c <= 'Z');
}

static inline uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? (uint8_t)(c | 0x20) : c;
}

static inline struct span skip(struct span v, size_t n)
{
	return span_of(v.p + n, v.n - n);
}

static inline void put_lower(struct buf *out, struct span v)
{
	size_t i;

	for (i = 0; i < v.n; i++)
		buf_u8(out, lower(v.p[i]));
}

/* How many of the first bytes are decimal digits. */
size_t type_digits(struct span v);

/* Letters, digits, hyphens inside: host names and A-labels, no literals. */
bool type_domain_ok(struct span v);

/* One line of well-formed UTF-8 without controls or line separators. */
bool type_line_ok(struct span v);

/* See type_canon. */
const char *canon_url(struct span v, struct buf *out);
const char *canon_repo(struct span v, struct buf *out);
const char *canon_ref(struct span v, struct buf *out);
const char *canon_handle(struct span v, struct buf *out);
const char *canon_file(struct span v, struct buf *out);
const char *canon_datetime(struct span v, struct buf *out);
const char *canon_money(struct span v, struct buf *out);

/* See type_number. */
int64_t datetime_seconds(struct span canonical);
int64_t money_minor(struct span canonical);

#endif
