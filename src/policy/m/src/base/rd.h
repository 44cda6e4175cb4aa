/*
 * rd: the cursor through which foreign bytes are read.
 *
 * Every getter checks the bound before it moves. The first failure sticks:
 * later getters return zero or the empty span, so a decoder reads like its
 * grammar and checks once, with rd_end(), which also insists that every byte
 * was consumed.
 */
#ifndef BASE_RD_H
#define BASE_RD_H

#include "base/span.h"

struct rd {
	const uint8_t *p;
	size_t n;   /* bytes in all */
	size_t pos; /* next unread byte, pos <= n */
	bool bad;   /* a getter ran out of bytes, or a limit was passed */
};

void rd_init(struct rd *rd, struct span bytes);

/* Little-endian integers. */
uint8_t rd_u8(struct rd *rd);
uint16_t rd_u16(struct rd *rd);
uint32_t rd_u32(struct rd *rd);
uint64_t rd_u64(struct rd *rd);

/* Exactly n bytes, borrowed from the input. */
struct span rd_bytes(struct rd *rd, size_t n);

/* Copies exactly n bytes to dst; dst is zeroed when they are not there. */
void rd_copy(struct rd *rd, void *dst, size_t n);

/* A u32 length and that many bytes, at most max of them; else bad. */
struct span rd_blob(struct rd *rd, size_t max);

/* A u32 count, at most max; else bad and 0. */
uint32_t rd_count(struct rd *rd, uint32_t max);

/* Unread bytes. */
size_t rd_left(const struct rd *rd);

/* True if nothing failed and every byte was consumed. */
[[nodiscard]] bool rd_end(const struct rd *rd);

#endif
