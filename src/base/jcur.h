/*
 * jcur: JSON that somebody else wrote, read in place (RFC 8259).
 *
 * jval_parse looks at every byte once and accepts strict JSON alone: UTF-8, no
 * trailing comma, no comment, nothing behind the value. What it gives is a
 * range of the input; members and elements are ranges of it in turn, found by
 * walking over it. Nothing is copied or allocated, nothing recurses.
 *
 * Two readers must not take two meanings from one text: a member that stands
 * there twice is JVAL_TWICE, which is no kind that anybody asks for.
 */
#ifndef BASE_JCUR_H
#define BASE_JCUR_H

#include "base/buf.h"

enum { JCUR_DEPTH = 64 }; /* arrays and objects in one another */

enum jval_kind {
	JVAL_NONE, /* there is no such member */
	JVAL_NULL,
	JVAL_FALSE,
	JVAL_TRUE,
	JVAL_NUMBER,
	JVAL_STRING,
	JVAL_ARRAY,
	JVAL_OBJECT,
	JVAL_TWICE /* more than one member of the name */
};

/* A value: its own bytes, quotes and brackets included. */
struct jval {
	struct span raw;
	enum jval_kind kind;
};

/* All of the text as one value. False, and *ret untouched, if it is none. */
[[nodiscard]] bool jval_parse(struct span text, struct jval *ret);

/* Over the members of an object, or the elements of an array. */
struct jiter {
	struct span left;
	bool object;
};

/* Of a value that jval_parse or jiter_next gave; of any other kind there is
 * nothing to be met. */
struct jiter jiter_of(struct jval v);

/* The next one; *key is the name of a member, in quotes, and empty for an
 * element; NULL where it is not asked for. False at the end. */
bool jiter_next(struct jiter *it, struct jval *key, struct jval *v);

/* The member of that name, which is ASCII; JVAL_NONE of what is no object. */
struct jval jval_get(struct jval object, const char *name);

/* The string's characters are these. */
bool jval_is(struct jval string, const char *text);

/*
 * The characters of a string as UTF-8, at most cap bytes into dst, without a
 * NUL behind them; half of a surrogate pair becomes U+FFFD. *ret borrows dst.
 * False if it is no string or does not fit; it always fits into raw.n bytes.
 */
[[nodiscard]] bool jval_text(struct jval string, char *dst, size_t cap,
			     struct span *ret);

/* The same as a C string of cap bytes with its NUL; false, and dst "", if there
 * is a NUL in it, too. */
[[nodiscard]] bool jval_cstr(struct jval string, char *dst, size_t cap);

/* A whole number without fraction and exponent that fits. */
[[nodiscard]] bool jval_int(struct jval number, int64_t *ret);

/* The way back: appends well-formed UTF-8 as a string, in its quotes; control
 * characters are escaped. */
void json_quote(struct buf *b, struct span text);

#endif
