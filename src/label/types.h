/*
 * types: the argument types of a policy, their canonical forms and what makes
 * two values the same. Policy values and the planner's values go through the
 * same functions, then bytes are compared; nothing is ever matched by pattern.
 */
#ifndef LABEL_TYPES_H
#define LABEL_TYPES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum arg_type {
	TYPE_TEXT = 1,
	TYPE_EMAIL,
	TYPE_ID,
	TYPE_ENUM,
	TYPE_INT,
	TYPE_NUMBER,
	TYPE_BOOL,
	TYPE_MAX
};

enum {
	EMAIL_MAX = 254,
	EMAIL_LOCAL_MAX = 64,
	EMAIL_LABEL_MAX = 63,
	ID_MAX = 128,
	NUMBER_DIGITS = 9,	 /* before the point, and behind it */
	NUMBER_ONE = 1000000000, /* numbers are kept in units of 1e-9 */
	TEXT_LINE_MAX = 1024,	 /* a text this short is one line */
};

/* Integers have at most 15 digits: exact in JSON's doubles everywhere. */
#define INT_LIMIT INT64_C(999999999999999)

const char *type_name(enum arg_type t);

/*
 * Appends the canonical form of v to out. NULL, or why it has none: our own
 * words, the same for every value with that fault. What is appended on
 * failure is not defined.
 *
 *	text    well-formed UTF-8 without control characters; LF and TAB where
 *		lines is true
 *	email   one @, dot-atom local part as it is, domain in lower case
 *	id      1 to 128 visible ASCII characters, as they are
 *	enum    as id
 *	int     decimal, no plus, no leading zeros, no -0
 *	number  decimal without exponent; no trailing zeros, no -0
 *	bool    true or false
 */
[[nodiscard]] const char *type_canon(enum arg_type t, bool lines, struct span v,
				     struct buf *out);

/* The value of a canonical int (as it is) or number (in units of 1e-9). */
int64_t type_number(enum arg_type t, struct span canonical);

#endif
