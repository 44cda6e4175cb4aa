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
	TYPE_HANDLE,
	TYPE_URL,
	TYPE_REPO,
	TYPE_REF,
	TYPE_FILE,
	TYPE_DATETIME,
	TYPE_MONEY,
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
	HOST_MAX = 253,
	HANDLE_DIGITS = 9,
	HANDLE_FIELD_MAX = 32,
	URL_MAX = 2048, /* as written, and in canonical form */
	REPO_OWNER_MAX = 39,
	REPO_NAME_MAX = 100,
	REF_MAX = 200,
	FILE_NAME_MAX = 128,
	FILE_HASH_HEX = 64,
	FILE_PATH_MAX = 1024, /* of one path in a bundle, and of a glob */
	MONEY_DIGITS = 12,    /* before the point */
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
 *	handle  @12 or @12.field: a number from 1 on, a field in lower case
 *	url     http or https; host in lower case; no user name, no port that is
 *		the scheme's own; dot segments resolved, %XX decoded where it
 *		hides an unreserved character; no encoded slash or control
 *	repo    owner/name in lower case
 *	ref     a short branch or tag name as git check-ref-format takes it, in
 *		visible ASCII; neither refs/... nor HEAD nor an object's id
 *	file    sha256:HEX:SIZE:NAME; NAME is one path component
 *	datetime  RFC 3339, turned into UTC: 2026-11-20T09:14:00Z
 *	money   ISO 4217 code, blank, amount with all of its minor units:
 *		EUR 12.50
 */
[[nodiscard]] const char *type_canon(enum arg_type t, bool lines, struct span v,
				     struct buf *out);

/* The value of a canonical int (as it is), number (in units of 1e-9), money
 * (in minor units) or datetime (seconds since 1970, whole). */
int64_t type_number(enum arg_type t, struct span canonical);

/* Appends the canonical form of that many seconds since 1970, without what
 * ends it: 2026-11-20T09:14:00. */
void type_put_datetime(struct buf *out, int64_t seconds);

/* The currency of a canonical money value. */
struct span type_currency(struct span canonical);

/* How many digits the currency, or a money value's own, has behind the point;
 * -1: there is no such currency. */
int type_minor_digits(struct span code);

/* True if the type's values are written as numbers between bounds. */
bool type_is_number(enum arg_type t);

/*
 * The matching rule: a value is the entry of a list if the bytes are the same.
 * An entry of type url that ends in "/" stands for everything below it, too.
 */
bool type_matches(enum arg_type t, struct span entry, struct span value);

/* True if an entry of type url stands for what is below it. */
bool url_is_tree(struct span canonical);

/* Globs of refs, "agent" "/" and one star: what begins so and goes on. The
 * first says why the glob is none (NULL: it is one), the second asks. */
const char *ref_glob_bad(struct span glob);
bool ref_under(struct span glob, struct span ref);

struct type_file {
	struct span hash; /* 64 hexadecimal digits */
	struct span name;
	uint64_t size;
};

/* The parts of a canonical file value; false if it is none. */
[[nodiscard]] bool type_file(struct span canonical, struct type_file *ret);

/*
 * Paths inside a bundle: relative, parts by "/", none of them empty, "." or
 * "..", well-formed UTF-8 without controls. A glob has * for any part of a
 * component and ** for any number of whole components; one without a slash
 * counts at every depth. It matches a path or a folder above it, whatever the
 * case of ASCII letters: these globs forbid, so they match too much, not too
 * little.
 */
[[nodiscard]] bool path_ok(struct span path);
bool path_matches(struct span glob, struct span path);

#endif
