/*
 * template: "Hi {0}, your {1} ...": a planner's text with places for values
 * that it does not see. {N} stands for the argument with that number, from 0;
 * {{ and }} are the braces themselves; any other brace is an error. The places
 * are filled with bytes, which are never read as a template again.
 */
#ifndef LABEL_TEMPLATE_H
#define LABEL_TEMPLATE_H

#include "base/span.h"

enum {
	TEMPLATE_ARGS = 16,
	TEMPLATE_PIECES = 64, /* of one template, runs of text included */
};

enum template_kind { TEMPLATE_END, TEMPLATE_TEXT, TEMPLATE_ARG, TEMPLATE_BAD };

struct template_piece {
	enum template_kind kind;
	struct span text; /* TEMPLATE_TEXT: a part of the template */
	unsigned arg;	  /* TEMPLATE_ARG: below TEMPLATE_ARGS */
};

/* Takes the next piece off the front of *rest. Two runs of text may follow one
 * another: a brace is a run of its own. */
struct template_piece template_next(struct span *rest);

#endif
