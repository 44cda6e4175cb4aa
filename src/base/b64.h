/*
 * b64: base64 (RFC 4648 section 4), strict: padding as it must be, or, in the
 * bare form, none; no blanks, no stray bits, so that one value has one
 * spelling.
 */
#ifndef BASE_B64_H
#define BASE_B64_H

#include "base/buf.h"

/* Characters of n encoded bytes, without a NUL. */
#define B64_LEN(n) (((n) + 2) / 3 * 4)

/* dst holds B64_LEN(s.n) + 1. */
void b64_encode(char *dst, struct span s);

/* Appends the text, bare or padded. */
void b64_put(struct buf *b, struct span s, bool bare);

/* At most cap bytes. Returns how many, or -1. */
[[nodiscard]] int b64_decode(uint8_t *dst, size_t cap, struct span text);
[[nodiscard]] int b64_decode_bare(uint8_t *dst, size_t cap, struct span text);

#endif
