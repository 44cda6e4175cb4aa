/*
 * b64: base64 (RFC 4648), strictly: the canonical spelling alone is taken, so
 * that no two texts are the same bytes.
 */
#ifndef VAULT_B64_H
#define VAULT_B64_H

#include <sys/types.h>

#include "base/buf.h"

enum { B64_PAD = 1 << 0 }; /* with the '=' signs that fill the last four */

/* Appends the text of the bytes. */
void b64_encode(struct buf *b, struct span bytes, int flags);

/* The bytes of a text into dst; how many, or -1: it is none, or more than cap.
 */
[[nodiscard]] ssize_t b64_decode(uint8_t *dst, size_t cap, struct span text,
				 int flags);

#endif
