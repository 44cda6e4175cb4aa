/*
 * str: text into fixed buffers, numbers out of text.
 */
#ifndef BASE_STR_H
#define BASE_STR_H

#include "base/span.h"

/*
 * Formats into dst, always NUL-terminated. Returns the length written, or -1
 * if the text did not fit (dst then holds its beginning).
 */
int str_printf(char *dst, size_t cap, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* Copies s and a NUL; -1 and dst "" if it does not fit or holds a NUL. */
[[nodiscard]] int str_copy(char *dst, size_t cap, struct span s);

/*
 * A whole decimal number without sign, blanks or leading zeros (but "0"),
 * within [min, max]. Returns 0 or -1.
 */
[[nodiscard]] int num_parse(struct span s, uint64_t min, uint64_t max,
			    uint64_t *ret);

/* Lower-case hexadecimal of n bytes and a NUL; dst holds 2n + 1. */
void hex_encode(char *dst, const uint8_t *p, size_t n);

/* 2n lower-case hexadecimal digits into n bytes. Returns 0 or -1. */
[[nodiscard]] int hex_decode(uint8_t *dst, size_t n, struct span hex);

/* True if the bytes are well-formed UTF-8 (RFC 3629: no surrogates). */
bool utf8_valid(struct span s);

/* Takes off what is left of a last character that was cut between its bytes:
 * the beginning of a well-formed text is then one, too. */
void utf8_trim(char *s);

#endif
