/*
 * parse: a document to a tree, by MyHTML, and what a hostile one may cost.
 *
 * Some of the parser's work grows with the square of what stands open, or of
 * the attributes it compares; so it is stopped at the first token over a limit.
 * What came before is the tree. The rest is cut off, tags and text alike, up to
 * the document's end: text whose style nobody computes must not pass for
 * visible, and where what is cut would end only the parser knows.
 *
 * One parser for the whole process, made once, for its tables are the larger
 * part of a small document's cost. Its strings and nodes live until the next
 * document. Private to html/.
 */
#ifndef READER_HTML_PARSE_H
#define READER_HTML_PARSE_H

#include <myhtml/myhtml.h>

#include "base/span.h"

enum {
	PARSE_INPUT_MAX = 2 << 20,   /* bytes of one document */
	PARSE_DEPTH_MAX = 400,	     /* open elements below body */
	PARSE_FORMATTING_MAX = 64,   /* b, i, font... to be opened again */
	PARSE_ATTRS_MAX = 256,	     /* of one tag */
	PARSE_ROOT_ATTRS_MAX = 1024, /* of all html and body tags together */
	PARSE_TAGS_MAX = 256,	     /* names that HTML does not have */
	PARSE_MEMORY_CUT = 40 << 20, /* from here on the rest is cut */
	PARSE_MEMORY_MAX = 48 << 20, /* one token that needs more is the end */
	PARSE_MEMORY_KEPT = 4 << 20, /* for the next document */
	PARSE_MS_MAX = 3000,
};

struct parsed {
	myhtml_tree_t *tree; /* NULL where there is none */
	size_t end;	     /* how many bytes it stands for */
};

/* The tables and the first memory; what parse_html does where it is missing. */
void parse_init(void);

/*
 * html is valid UTF-8, and html.p[html.n] is 0. Where ret->end < html.n, the
 * rest is over a limit.
 */
void parse_html(struct span html, struct parsed *ret);

#endif
