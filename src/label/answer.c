/* answer: see answer.h. */
#include "label/answer.h"

#include <stddef.h>

uint32_t bits_of(uint64_t outcomes)
{
	uint32_t bits = 0;

	while (bits < 64 && (UINT64_C(1) << bits) < outcomes) {
		if (bits == 63)
			return 64;
		bits++;
	}
	return bits;
}

/* How many there are from..to; 0: there are none, or all of 64 bits. */
static uint64_t count(int64_t from, int64_t to)
{
	return from > to ? 0 : (uint64_t)to - (uint64_t)from + 1;
}

int answer_bits(const struct answer_want *w)
{
	switch (w->type) {
	case ANSWER_BOOL:
		return 1;
	case ANSWER_ENUM:
		return w->n >= 2 && w->n <= ANSWER_WORDS ? (int)bits_of(w->n)
							 : -1;
	case ANSWER_INT:
	case ANSWER_DATE:
		return count(w->from, w->to) >= 2
			       ? (int)bits_of(count(w->from, w->to))
			       : -1;
	case ANSWER_MEMBER:
		return w->n >= 1 && w->n <= ANSWER_SETS
			       ? (int)bits_of((uint64_t)w->n + 1)
			       : -1;
	case ANSWER_TEXT:
		return 0;
	case ANSWER_MAX:
		break;
	}
	return -1;
}

const char *answer_take(struct answer_budget *b, const struct answer_want *w)
{
	const int bits = answer_bits(w);

	if (bits < 0)
		return "such an answer has no size: a word of 2 to 64, a "
		       "number "
		       "or a day between two bounds, a set of at most 256";
	if (b->spent > b->most ||
	    (uint32_t)bits + ANSWER_NONE > b->most - b->spent)
		return "this task has no bits left for such an answer";
	b->spent += (uint32_t)bits + ANSWER_NONE;
	return NULL;
}
