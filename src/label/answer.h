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

#include <stdbool.h>
#include <stdint.h>

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

enum { ANSWER_WORDS = 64, ANSWER_SETS = 256, ANSWER_NONE = 1 };

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

#endif
