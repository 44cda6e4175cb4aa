/*
 * yaml: the strict YAML subset that bulkhead's own files are written in, over
 * libfyaml: one document; no anchors, aliases, tags, merge keys or duplicate
 * keys; on/off/yes/no are strings; bounded size and depth. Errors carry
 * file:line:column and are collected, not stopped at.
 */
#ifndef CONF_YAML_H
#define CONF_YAML_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/span.h"

enum {
	YAML_FILE_MAX = 1 << 20,
	YAML_DEPTH_MAX = 24,	/* open lists and maps */
	YAML_NODES_MAX = 65536, /* values in one file */
	YAML_KEYS_MAX = 1024,	/* keys of one map */
	YAML_WORD_MAX = 64,	/* longest key that gets a suggestion */
	YAML_FIELDS_MAX = 40,	/* rows of one schema table */
};

struct yaml;	  /* a parsed file; owns every node and text */
struct yaml_node; /* borrowed from its file */

enum yaml_kind { YAML_SCALAR, YAML_LIST, YAML_MAP };

struct yaml_place {
	uint32_t line;	 /* from 1 */
	uint32_t column; /* from 1 */
};

/* 0, or -EINVAL with a line an error in errs. */
[[nodiscard]] int yaml_parse(const char *name, struct span text,
			     struct yaml **ret, struct buf *errs);
void yaml_free(struct yaml *y);
void yaml_freep(struct yaml **y);

#define CLEAN_YAML __attribute__((cleanup(yaml_freep)))

/* The name given to yaml_parse. */
const char *yaml_name(const struct yaml *y);
const struct yaml_node *yaml_root(const struct yaml *y);
enum yaml_kind yaml_kind(const struct yaml_node *n);
struct yaml_place yaml_place(const struct yaml_node *n);

/* Scalars: the text, and whether it was quoted. */
const char *yaml_text(const struct yaml_node *n);
bool yaml_quoted(const struct yaml_node *n);

/* Lists and maps, in written order. */
size_t yaml_count(const struct yaml_node *n);
const struct yaml_node *yaml_at(const struct yaml_node *n, size_t i);
const char *yaml_key(const struct yaml_node *n, size_t i);
struct yaml_place yaml_key_place(const struct yaml_node *n, size_t i);
const struct yaml_node *yaml_get(const struct yaml_node *n, const char *key);

/* Appends "name:line:column: text\n". */
void yaml_error(const struct yaml *y, struct buf *errs, struct yaml_place at,
		const char *fmt, ...) __attribute__((format(printf, 4, 5)));

/*
 * Checks a map's keys against a table: unknown keys are errors with the
 * nearest known one named; keys with later set are "known, but not enforced by
 * this version". Returns the number of errors added.
 */
struct yaml_field {
	const char *name;
	bool required;
	bool later;	  /* known to the schema, not enforced yet: refused */
	const char *help; /* what it is, for errors and the manual */
	/* For the manual alone. */
	const char *value; /* what it may be, where no words are listed */
	const char *def;   /* what holds without it, NULL: nothing to say */
};

size_t yaml_check_map(const struct yaml *y, const struct yaml_node *map,
		      const struct yaml_field *fields, size_t n,
		      struct buf *errs);

/* True if a character of this text (UTF-8) hides what a file says: no file of
 * ours has any, written out or escaped. */
bool yaml_hides(struct span text);

/*
 * The one of n words nearest to word, by edits, if it is near enough to be
 * what was meant; else NULL. NULL words are passed over.
 */
const char *yaml_nearest(const char *word, const char *const *words, size_t n);

#endif
