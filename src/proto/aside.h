/*
 * aside: the arguments of a decision, as they are kept beside the audit log. A
 * record has of each argument how long it is and SHA-256 over a salt and its
 * bytes; salt and bytes lie in the store, under an id that the record names.
 * Without the salt the hash says nothing about the bytes, so what lies aside
 * can be erased and the log still holds.
 *
 *	u8	version, 1
 *	u32	arguments, at most LIMIT_ARGS
 *		each: 16 bytes of salt, name, value (u32 length, bytes)
 */
#ifndef PROTO_ASIDE_H
#define PROTO_ASIDE_H

#include "base/buf.h"
#include "base/rd.h"
#include "base/sha256.h"
#include "proto/limits.h"

enum {
	ASIDE_ID = 16, /* the time in microseconds, then random */
	ASIDE_SALT = 16,
	ASIDE_CHUNK = 60 << 10, /* of it in one row: id and number of chunk */
	ASIDE_CHUNKS = 2,
	ASIDE_MAX = ASIDE_CHUNK * ASIDE_CHUNKS,
};

struct aside_arg {
	uint8_t salt[ASIDE_SALT];
	struct span name, value; /* decoded: borrowed */
};

/* Appends all of them; b is bad where they are too much. */
void aside_encode(struct buf *b, const struct aside_arg *args, uint32_t n);

/* How many, at most LIMIT_ARGS; -1 for bytes that aside_encode does not make.
 */
[[nodiscard]] int aside_decode(struct span bytes,
			       struct aside_arg ret[LIMIT_ARGS]);

/* What the record has. */
void aside_hash(const struct aside_arg *a, uint8_t ret[SHA256_LEN]);

#endif
