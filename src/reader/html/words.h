/*
 * words: which name of a table a text is, without regard to the case of its
 * letters. An index is made once, in the template of all readers; a look-up
 * hashes the text and compares one or two names. Private to html/.
 */
#ifndef READER_HTML_WORDS_H
#define READER_HTML_WORDS_H

#include "base/span.h"

enum {
	WORDS_SLOTS = 512,
	WORDS_ROWS_MAX = 250,
};

struct words {
	const char *rows;	   /* each begins with a pointer to its name */
	size_t step;		   /* from row to row */
	uint8_t slot[WORDS_SLOTS]; /* the row's number + 1, 0 where none is */
};

/* Names are lower case, at most WORDS_ROWS_MAX, and live as long as w. */
void words_index(struct words *w, const void *rows, size_t step, size_t n);

/* The row of the name s, or -1. */
int words_find(const struct words *w, struct span s);

#endif
