/*
 * answer: how much of a hidden text an answer about it can tell, in bits.
 *
 * Whoever wrote the text chooses the answer, out of as many as its type has. So
 * an answer that one of n can be given to brings at most log2 n bits of his
 * into the planner's context, rounded up; and one more where none was given,
 * for that, too, was his choice. A task has a budget of them.
 */
#ifndef LABEL_ANSWER_H
#define LABEL_ANSWER_H

#include "base/buf.h"

enum answer_type {
	ANSWER_BOOL = 1,
	ANSWER_ENUM,   /* one of n words of the planner's */
	ANSWER_INT,    /* a whole number, from..to */
	ANSWER_DATE,   /* a day, from..to, in days since 1970 */
	ANSWER_MEMBER, /* in which of n sets, or in none */
	ANSWER_TEXT,   /* always a handle: nothing of it is told */
	ANSWER_MAX
};

struct answer_want {
	enum answer_type type;
	uint32_t n;	  /* ENUM, MEMBER */
	int64_t from, to; /* INT, DATE */
};

enum {
	ANSWER_WORDS = 64,
	ANSWER_SETS = 256,
	ANSWER_NONE = 1,
	ANSWER_WORD = 64,   /* bytes of a word, or of a set's name */
	ANSWER_SAID = 4096, /* of a text, and so of whatever is said */
};

/* What is said of a value that is in no set. */
#define ANSWER_NO_SET "none"

/* log2 of that many outcomes, rounded up; 0 for one, and for none. */
uint32_t bits_of(uint64_t outcomes);

/* What an answer costs; -1: such a question cannot be asked. */
[[nodiscard]] int answer_bits(const struct answer_want *w);

/* Bits that a task has spent, of those that it may. */
struct answer_budget {
	uint32_t most, spent;
};

/* Takes what the answer to w may cost at most, its absence included. NULL, or
 * why not, in our words: then nothing is taken. */
[[nodiscard]] const char *answer_take(struct answer_budget *b,
				      const struct answer_want *w);

/* Names of words, or of sets, that can be told apart and shown: well-formed, of
 * 1 to ANSWER_WORD bytes without control characters, none of them twice, nor
 * ANSWER_NO_SET. */
[[nodiscard]] bool answer_words(const struct span *words, uint32_t n);

/* "2026-11-20" as a day since 1970, of the years 1 to 9999. */
[[nodiscard]] bool answer_day(struct span text, int64_t *ret);

/*
 * What was said, as one of the answers to w: to the byte true or false, one of
 * the w->n words, a number without plus and leading zeros, a day as answer_day
 * takes it, the name of a set or ANSWER_NO_SET. *ret is which: 0 or 1, the
 * place of the word (w->n: in no set), the number, the day. False: it is none
 * of them, as everything is for a text.
 */
[[nodiscard]] bool answer_read(const struct answer_want *w,
			       const struct span *words, struct span said,
			       int64_t *ret);

/* Appends that answer as it is shown: of w, of the words and of which it is,
 * and of no byte that was said. */
void answer_put(struct buf *out, const struct answer_want *w,
		const struct span *words, int64_t which);

#endif
