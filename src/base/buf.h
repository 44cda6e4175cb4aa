/*
 * buf: a growing byte buffer with a hard maximum.
 *
 * Like rd, the first failure (over the maximum, out of memory) sticks, so an
 * encoder writes its fields in order and checks once with buf_ok().
 */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include "base/span.h"

struct buf {
	uint8_t *p; /* owned; NULL while empty */
	size_t n;   /* bytes written */
	size_t cap;
	size_t max; /* never grows past this */
	bool bad;
};

void buf_init(struct buf *b, size_t max);

/* Frees the bytes and leaves an empty buffer with the same maximum. */
void buf_done(struct buf *b);

/* Empties the buffer, keeps its memory, clears the failure. */
void buf_reset(struct buf *b);

/* Cuts the buffer to its first n bytes; n <= b->n. */
void buf_cut(struct buf *b, size_t n);

/* Removes the first n bytes; n <= b->n. */
void buf_drop(struct buf *b, size_t n);

void buf_put(struct buf *b, const void *p, size_t n);
void buf_span(struct buf *b, struct span s);
void buf_str(struct buf *b, const char *s);
void buf_u8(struct buf *b, uint8_t v);
void buf_u16(struct buf *b, uint16_t v); /* little-endian, as the rest */
void buf_u32(struct buf *b, uint32_t v);
void buf_u64(struct buf *b, uint64_t v);
void buf_blob(struct buf *b, struct span s); /* u32 length, then the bytes */
void buf_printf(struct buf *b, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* Room for n more bytes, counted as written; NULL when it failed. */
[[nodiscard]] uint8_t *buf_extend(struct buf *b, size_t n);

struct span buf_view(const struct buf *b);

/* n bytes from at on, or as many of them as there are. */
struct span buf_part(const struct buf *b, size_t at, size_t n);
[[nodiscard]] bool buf_ok(const struct buf *b);

/* The text so far as a C string (a NUL is kept behind it), "" if empty. */
const char *buf_cstr(struct buf *b);

#define CLEAN_BUF __attribute__((cleanup(buf_done)))

#endif
