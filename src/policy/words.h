/*
 * words: parts of a policy in words, the same wherever a person reads of them:
 * differences, worst cases, suggestions.
 */
#ifndef POLICY_WORDS_H
#define POLICY_WORDS_H

#include "policy/model.h"

enum { WORDS_VALUES = 4 }; /* of a closed list; the rest is counted */

const char *outcome_word(enum outcome o);
const char *effect_word(enum effect e);
const char *role_word(enum arg_role r);
const char *links_word(enum links l);
const char *audience_word(enum audience a);
const char *reveal_word(enum reveal r);
const char *trip_word(enum trip_action t);
const char *remember_word(enum remember r);
const char *show_word(enum show s);

/* "config, owner"; "nothing" */
void origins_words(struct buf *out, unsigned from);

/* "set family (2)", "a, b and 5 more" */
void values_words(struct buf *out, const struct values *v);

/* "telegram 1, email a@b"; "nobody" */
void principal_words(struct buf *out, const struct principal *p);

/* "to in set family (2), not tainted"; "always" */
void row_words(struct buf *out, const struct row *r);

/* A number of the argument's type, as a file has it. */
void number_words(struct buf *out, const struct arg *a, int64_t v);

/* "EUR 12.50" */
void money_words(struct buf *out, struct span currency, int64_t minor);

/* "90s", "12h" */
void duration_words(struct buf *out, uint64_t seconds);

/* "512", "48KiB": rounded down to what is not more than it. */
void size_words(struct buf *out, uint64_t bytes);

#endif
