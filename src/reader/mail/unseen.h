/*
 * unseen: what an alternative of a mail says that the shown one does not.
 */
#ifndef READER_MAIL_UNSEEN_H
#define READER_MAIL_UNSEEN_H

#include "base/buf.h"

enum {
	UNSEEN_WORDS_MAX = 1 << 18, /* of the shown text */
	UNSEEN_LINE_WORDS = 3,	    /* that make a line contradict */
};

/*
 * Appends the lines of other that hold words which shown has nowhere, and
 * returns how many such lines there are. Addresses do not count: a text part
 * spells out what the other one links.
 */
uint32_t unseen_lines(struct span shown, struct span other, struct buf *out);

#endif
