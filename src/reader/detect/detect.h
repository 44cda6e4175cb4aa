/*
 * detect: phrases of prompt injection in a message. It informs and decides
 * nothing; rules.txt describes what it looks for and says how scores add up.
 */
#ifndef READER_DETECT_DETECT_H
#define READER_DETECT_DETECT_H

#include "reader/draft.h"

enum {
	DETECT_WINDOW = 96,	 /* tokens whose hits count together */
	DETECT_SLOTS_MAX = 12,	 /* of one rule */
	DETECT_SPAN_TOKENS = 60, /* that one hit may cover */
	DETECT_TOKENS_MAX = 200 * 1000,
	DETECT_HITS_MAX = 4096,
	DETECT_REPORT_MIN = 50, /* windows below are not reported */
	/* rows of one message that a person reads */
	DETECT_SUBJECT_ROWS = 4,
	DETECT_BODY_ROWS = 12,
	DETECT_REMOVED_ROWS = 12,
};

struct detect_hit {
	const char *rule;
	uint8_t weight; /* of the rule */
	uint8_t score;	/* of the best window it is in, at most 100 */
	uint32_t start; /* byte span in the text */
	uint32_t end;
};

/*
 * The hits of one valid UTF-8 text whose window scores DETECT_REPORT_MIN or
 * more, best first, at most max. Hits of one family (the rule's id before its
 * point) that overlap or touch are one, under the heaviest rule's id. Returns
 * how many.
 */
size_t detect_text(struct span s, struct detect_hit *ret, size_t max);

/* Subject, body and removed texts of a finished draft to m.findings. */
void detect_message(struct draft *d);

#endif
