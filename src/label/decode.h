/*
 * decode: what a value may say in another alphabet, for the matcher. Nothing
 * here is strict: separators are passed over, padding is not asked for, and as
 * nobody knows where an encoded passage begins in the symbols of a value, each
 * encoding has a variant for every place in a group.
 */
#ifndef LABEL_DECODE_H
#define LABEL_DECODE_H

#include "base/buf.h"

enum {
	DECODE_URL_ROUNDS = 3,
	DECODE_HEX_VARIANTS = 2,
	DECODE_BASE64_VARIANTS = 4,
	DECODE_BASE32_VARIANTS = 8,
};

/* %XX, again and again; nothing if there is none. */
void decode_url(struct buf *out, struct span s, unsigned variant);

/* Passages of 24 digits and more, whatever stands between them but letters. */
void decode_hex(struct buf *out, struct span s, unsigned variant);

/* Both alphabets, all symbols of the value in a row. */
void decode_base64(struct buf *out, struct span s, unsigned variant);

/* All capitals in a row; and long words of small letters. */
void decode_base32(struct buf *out, struct span s, unsigned variant);

#endif
