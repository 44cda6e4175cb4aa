/*
 * writer: runs of text to lines, white space collapsed as a browser does it.
 * Private to html/.
 */
#ifndef READER_HTML_WRITER_H
#define READER_HTML_WRITER_H

#include "base/buf.h"

enum {
	WRITER_QUOTE_MAX = 8,  /* "> " marks before a line */
	WRITER_BREAKS_MAX = 4, /* line feeds in a row */
};

struct writer {
	struct buf *out;
	unsigned int breaks; /* line feeds due before the next text */
	unsigned int quote;
	bool space;    /* a blank is due */
	bool cell;     /* a tab is due */
	bool any;      /* something was written */
	char mark[16]; /* of a list item, due before its text */
};

/* Text as it stands in the document; pre keeps its blanks and lines. */
void writer_text(struct writer *w, struct span s, bool pre);

/* At least n line feeds before what follows. */
void writer_block(struct writer *w, unsigned int n);

/* One line feed more (br). */
void writer_break(struct writer *w);

/* A cell of a table row begins. */
void writer_cell(struct writer *w);

#endif
