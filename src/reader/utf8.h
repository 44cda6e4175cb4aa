/*
 * utf8: code points of texts that are known to be valid UTF-8.
 */
#ifndef READER_UTF8_H
#define READER_UTF8_H

#include "base/span.h"

/* The code point at s.p[*pos]; moves *pos behind it. *pos < s.n. */
static inline uint32_t utf8_next(struct span s, size_t *pos)
{
	uint8_t lead = s.p[(*pos)++];
	unsigned int more = lead < 0xc0	  ? 0
			    : lead < 0xe0 ? 1
			    : lead < 0xf0 ? 2
					  : 3;
	uint32_t c = more ? lead & (0x3fu >> more) : lead;

	for (; more && *pos < s.n; more--)
		c = c << 6 | (s.p[(*pos)++] & 0x3fu);
	return c;
}

/* The longest n <= max that ends no character in its middle. */
static inline size_t utf8_cut(struct span s, size_t max)
{
	size_t n = s.n;

	if (n <= max)
		return n;
	n = max;
	while (n && (s.p[n] & 0xc0) == 0x80)
		n--;
	return n;
}

#endif
