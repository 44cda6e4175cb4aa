/*
 * show: text for people: JSON laid out to a width, and long text wrapped into
 * its column, so that no foreign line ever begins where our own words begin.
 */
#ifndef CLI_SHOW_H
#define CLI_SHOW_H

#include <jansson.h>

#include "base/buf.h"

enum { SHOW_WIDTH = 100, SHOW_JSON_DEPTH = 16, SHOW_TEXT_MAX = 3000 };

struct show {
	bool colour;
	bool ascii; /* the terminal is not UTF-8 */
};

/* For a stream: colours and ASCII as terminal, NO_COLOR and locale say. */
struct show show_for(FILE *out);

enum show_style { SHOW_PLAIN, SHOW_BOLD, SHOW_GOOD, SHOW_BAD, SHOW_DIM };

/* Own words in a style. */
void show_put(struct buf *b, const struct show *how, enum show_style style,
	      const char *own);

/*
 * Foreign text as lines of at most SHOW_WIDTH columns, from the column that
 * the caller is in to lines that begin at column indent; cut to head and tail
 * over SHOW_TEXT_MAX bytes. No newline at the end.
 */
void show_text(struct buf *b, const struct show *how, struct span foreign,
	       size_t column, size_t indent);

/* JSON for a program: two spaces a level, each string whole. */
void show_json(struct buf *b, const json_t *json, bool ascii);

/* JSON for a person: what fits is on one line, long strings are wrapped and
 * cut as by show_text. Column and indent as there. */
void show_json_wide(struct buf *b, const struct show *how, const json_t *json,
		    size_t column, size_t indent);

/* 1234567 as "1,234,567". */
void show_count(struct buf *b, uint64_t n);

#endif
