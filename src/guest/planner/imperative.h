/*
 * imperative: finds sentences in a text that tell its reader to do something,
 * with a small grammar of English. It is what the planner `gullible` obeys,
 * so it is tolerant; yet it takes orders only, not reports: "We never send
 * passwords to anyone." asks for nothing.
 *
 *	use CAPABILITY to send WHAT to TARGET
 *	send WHAT to TARGET [using CAPABILITY]
 *	using CAPABILITY, send WHAT to TARGET
 *	call CAPABILITY with NAME=VALUE, NAME=VALUE
 *	reply [to TARGET] with WHAT
 *	delete WHAT
 *
 * An order stands at the start of a sentence or clause, or after "please",
 * "you must", "could you" and the like. Words are taken literally from the
 * text; nothing here knows any capability or address.
 */
#ifndef PLANNER_IMPERATIVE_H
#define PLANNER_IMPERATIVE_H

#include "base/span.h"

enum {
	IMPERATIVE_MAX = 16,	     /* orders in one text */
	IMPERATIVE_WORDS = 400,	     /* words of one sentence; more is cut */
	IMPERATIVE_PAIRS = 8,	     /* NAME=VALUE of one order */
	IMPERATIVE_TEXT = 256 << 10, /* bytes looked at */
};

struct imperative_pair {
	struct span name;
	struct span value;
};

/* Whatever is not said is the empty span. All borrow from the text. */
struct imperative {
	struct span verb;
	struct span capability;
	struct span what;
	struct span target;
	size_t n_pairs;
	struct imperative_pair pairs[IMPERATIVE_PAIRS];
};

/* Fills ret (IMPERATIVE_MAX rows); returns how many were found. */
size_t imperative_find(struct span text, struct imperative *ret);

/* True if two spans are the same but for ASCII case. */
bool span_same(struct span a, const char *b);

#endif
