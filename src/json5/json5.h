/*
 * json5: a bounded reader of JSON5 (json5.org, version 1.0.0) for files of
 * other programs that are taken over.
 *
 * The whole text becomes a tree. It is stricter than the format in what two
 * readers could understand in two ways: a key that stands twice in one object,
 * a lone surrogate, bytes that are no UTF-8 are errors; and in what nobody
 * writes: keys without quotes are of ASCII. Nothing recurses; each limit has a
 * name below.
 */
#ifndef JSON5_JSON5_H
#define JSON5_JSON5_H

#include "base/err.h"
#include "base/span.h"

enum {
	JSON5_BYTES = 2 << 20,	/* of one text */
	JSON5_DEPTH = 48,	/* objects and arrays that are open */
	JSON5_NODES = 65536,	/* values in all */
	JSON5_KEYS = 2048,	/* of one object */
	JSON5_TEXT = 256 << 10, /* of one string */
	JSON5_DIGITS = 64,	/* of one number, as written */
};

enum json5_kind {
	JSON5_NULL = 1,
	JSON5_FALSE,
	JSON5_TRUE,
	JSON5_NUMBER,
	JSON5_STRING,
	JSON5_ARRAY,
	JSON5_OBJECT,
};

struct json5;	   /* a tree; owns its nodes and their texts */
struct json5_node; /* borrowed from its tree */

/* 0, or -EINVAL, -E2BIG, -ENOMEM with "name:line:column: ..." in e. */
[[nodiscard]] int json5_parse(const char *name, struct span text,
			      struct json5 **ret, struct err *e);
void json5_free(struct json5 *j);
void json5_freep(struct json5 **j);

#define CLEAN_JSON5 __attribute__((cleanup(json5_freep)))

/* The name given to json5_parse. */
const char *json5_name(const struct json5 *j);
const struct json5_node *json5_root(const struct json5 *j);

/* All of these take a node that is NULL, for what is not there: kind 0, empty
 * texts, no children. */
enum json5_kind json5_kind(const struct json5_node *n);
uint32_t json5_line(const struct json5_node *n);

/* The bytes of a string, or a number as it is written. */
struct span json5_text(const struct json5 *j, const struct json5_node *n);

/* The key under which it stands in its object; empty in an array. */
struct span json5_key(const struct json5 *j, const struct json5_node *n);

/* The value of a key; NULL if it is not there, or n is no object. */
const struct json5_node *json5_get(const struct json5 *j,
				   const struct json5_node *n, const char *key);

/* What is in an array or object, in written order; NULL at its end. */
const struct json5_node *json5_first(const struct json5 *j,
				     const struct json5_node *n);
const struct json5_node *json5_next(const struct json5 *j,
				    const struct json5_node *n);

/* A whole number that is written in decimal digits, a minus before them or
 * not. False if it is none, or larger than 2^53 - 1. */
[[nodiscard]] bool json5_int(const struct json5 *j, const struct json5_node *n,
			     int64_t *ret);

#endif
