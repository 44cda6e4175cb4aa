/*
 * load: what the loaders of bulkhead's files share: schema tables with
 * setters, scalars, words out of a list, and the count of errors. A setter
 * reports its own errors and goes on, so that one pass shows all of them.
 */
#ifndef CONF_LOAD_H
#define CONF_LOAD_H

#include "conf/yaml.h"

enum { LOAD_WORDS_MAX = 16, LOAD_WORDS_TEXT = 256 };

struct load {
	const struct yaml *y;
	struct buf *errs;
	size_t errors; /* in all; errs may be full, this counts on */
};

/* A word that a scalar may be; those with later set are refused by name. */
struct load_word {
	const char *name;
	int value; /* >= 0 */
	bool later;
};

/* A row of a schema: a key and what takes its value. The checks, the setters
 * and the manual work from the same rows. */
struct load_rule {
	struct yaml_field field;
	void (*set)(void *ctx, const struct yaml_node *value); /* not later */
	const struct load_word *words; /* what its value is one of, or NULL */
	size_t n_words;
};

/* A table and its length: words of a rule, rules of a schema. */
#define LOAD_TABLE(table) (table), ARRAY_SIZE(table)

/* One map of a file, for the manual: "agents.NAME.planner." and its keys. */
struct load_schema {
	const char *prefix;
	const struct load_rule *rules;
	size_t n;
};

void load_fault(struct load *l, struct yaml_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* "a, b, c": the words of a rule that are enforced, or those that come later;
 * cut where cap ends. */
void load_words(const struct load_rule *r, bool later, char *dst, size_t cap);

/*
 * Checks the map against the table (n <= YAML_FIELDS_MAX) and calls the setter
 * of each key that is there, in the order of the table.
 */
void load_map(struct load *l, const struct yaml_node *map,
	      const struct load_rule *rules, size_t n, void *ctx);

/* The text of a scalar that is not empty; NULL after a fault. */
const char *load_scalar(struct load *l, const struct yaml_node *n);

/* The value of the word, or -1 after a fault; n <= LOAD_WORDS_MAX. */
int load_choose(struct load *l, const struct yaml_node *n,
		const struct load_word *words, size_t count);

#endif
