/*
 * decode: what a value may say in another alphabet, for the matcher. Nothing
 * here is strict: separators are passed over and padding is not asked for.
 *
 * An alphabet is read into symbols of a few bits first; nobody knows where in
 * the symbols of a value an encoded passage begins, so they are made into bytes
 * once for each place in a group (variant).
 */
#ifndef LABEL_DECODE_H
#define LABEL_DECODE_H

#include "base/buf.h"

enum {
	DECODE_URL_ROUNDS = 3,
	DECODE_BREAK = 0xff, /* among symbols: a passage ends */
	HEX_BITS = 4,
	HEX_VARIANTS = 2,
	BASE64_BITS = 6,
	BASE64_VARIANTS = 4,
	BASE32_BITS = 5,
	BASE32_VARIANTS = 8,
};

enum decode_alphabet {
	DECODE_HEX,
	DECODE_BASE64,
	DECODE_BASE32,
	DECODE_ALPHABETS
};

/* %XX, again and again; nothing if there is none. */
void decode_url(struct buf *out, struct span s);

/*
 * A text as it was before it was written as a string of JSON, as part of a
 * string again, and so on: a run of backslashes counts as one, however deep,
 * and a line's end is a blank. Always all of s; never longer than it.
 */
void decode_json(struct buf *out, struct span s);

/* Of each alphabet: passages that stand for `least` bytes or more. */

/* The digits of passages, whatever stands between them but letters. */
void symbols_hex(struct buf *out, struct span s, size_t least);

/* Both alphabets, all of the value in a row. */
void symbols_base64(struct buf *out, struct span s, size_t least);

/* All capitals in a row; and long words of small letters. */
void symbols_base32(struct buf *out, struct span s, size_t least);

/* The bytes that the symbols stand for, after the first `skip` of each passage;
 * a break gives a 0. */
void decode_symbols(struct buf *out, struct span symbols, unsigned bits,
		    unsigned skip);

/* --- a value, form by form ------------------------------------------------ */

/* What a value says in the form that was asked for last, folded (fold.h). */
struct decoder {
	struct buf text;
	struct buf symbols, bytes;
	bool failed; /* no room in one of the forms: there may be more */
};

/* max: bytes of each buffer. */
void decoder_init(struct decoder *d, size_t max);
void decoder_done(struct decoder *d);

/* As it is written. Forgets the failure of the value before: the first form. */
void decoder_plain(struct decoder *d, struct span value);

/* With its %XX decoded: the runs of `least` characters or more, or with 0 all
 * of it as one text. */
void decoder_url(struct decoder *d, struct span value, size_t least);

/* The passages of an alphabet, in all variants: what is text in one of them is
 * not in the others. */
void decoder_alphabet(struct decoder *d, struct span value,
		      enum decode_alphabet a, size_t least);

#endif
