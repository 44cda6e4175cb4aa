/* diff_inner: what the parts of diff share. */
#ifndef POLICY_DIFF_INNER_H
#define POLICY_DIFF_INNER_H

#include "policy/diff.h"
#include "policy/model.h"

enum change { CHANGE_ADDED, CHANGE_REMOVED, CHANGE_UNCLEAR };

struct diff {
	const struct policy *was, *is;
	struct buf *out;
	struct policy_diff *count;
	const char *subject;		 /* "email.send" */
	struct yaml_place at_was, at_is; /* of the clause at hand */
};

/* A line about the clause at hand. */
void diff_line(struct diff *d, enum change c, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A clause with a rank, more of which permits more, and its two words. */
void diff_rank(struct diff *d, const char *what, uint64_t was, uint64_t is,
	       const char *was_word, const char *is_word);

/* Which of two sets of bits have more; `words` gives the bits that are new. */
void diff_bits(struct diff *d, const char *what, unsigned was, unsigned is,
	       void (*words)(struct buf *out, unsigned bits));

/* "most a window"; none is no limit. */
void diff_limit(struct diff *d, const char *what, const struct limit *was,
		const struct limit *is);

/* Something is different, and neither is the more. */
void diff_words(struct diff *d, const char *what, const char *was,
		const char *is);

/* Two closed lists; NULL is no list, so everything. */
void diff_values(struct diff *d, const char *what, const struct values *was,
		 const struct values *is);

/* A capability that both have. */
void diff_cap(struct diff *d, const struct cap *was, const struct cap *is);
void diff_rows(struct diff *d, const struct cap *was, const struct cap *is);

/* One that only one of them has. */
void diff_whole_cap(struct diff *d, enum change c, const struct cap *cap);

#endif
