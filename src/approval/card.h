/*
 * card: what the owner sees of a request, as lines of plain text, the same on
 * every way that it takes to him; its hash goes into the log. Everything that
 * is not ours goes through render_text.
 *
 * Each argument has its chip: where its value came from. A name (an address, a
 * URL) has the registered part of its domain before it, in letters and as it is
 * written; it is said when its letters are of several scripts, and when it
 * looks like one that the owner has in a set and is not.
 *
 * What is long comes first, and what the call is comes behind it, where nothing
 * scrolls it away; no line is so long that a terminal would break it.
 *
 * What the agent has to say for itself is not there: no capability takes it.
 */
#ifndef APPROVAL_CARD_H
#define APPROVAL_CARD_H

#include "approval/approval.h"

enum {
	CARD_BYTES = 512 << 10,
	CARD_CONTENT = 600,  /* bytes of a content that are shown */
	CARD_MEMBERS = 4096, /* of the owner's sets that are compared with */
	CARD_COLUMNS = 72,   /* of a line, whoever shows it */
	CARD_WORDS = 40,
	CARD_SEED = 3,
};

struct card_opts {
	const char *words;	     /* of this installation, see card_words */
	const struct policy *policy; /* whose sets are compared with */
	bool full;		     /* all of each content */
};

/* Appends the card of one request. */
void card_text(struct buf *out, const struct approval *a,
	       const struct card_opts *o);

/* SHA-256 of the card that is not `full`. */
void card_hash(const struct approval *a, const struct card_opts *o,
	       uint8_t ret[32]);

/* Two words and a picture that no zone but ours ever sees: a card without them
 * is none of ours. */
void card_words(const uint8_t seed[CARD_SEED], char ret[CARD_WORDS]);

#endif
