/*
 * cap: what a hostile document may cost, decided before it is parsed. The
 * parser's work grows with the square of the nesting depth, so deeper content
 * is cut out, tags and text alike: text whose style nobody computes must not
 * pass for visible. And a character reference of more digits than fit the
 * parser's integer becomes what it stands for, U+FFFD.
 */
#ifndef READER_HTML_CAP_H
#define READER_HTML_CAP_H

#include "base/buf.h"

enum {
	HTML_DEPTH_MAX = 400,		/* open elements */
	HTML_DEEP_MAX = 4096,		/* open elements in what is cut */
	HTML_INPUT_MAX = 2 << 20,	/* bytes of one document */
	HTML_ATTR_BYTES_MAX = 64 << 10, /* of one tag */
	HTML_REF_DIGITS_MAX = 7,	/* of &#...; without zeros in front */
};

/*
 * Copies html without what is nested too deep, and its rest beyond the input
 * limit. The cut parts go to cut, as far as they fit there. Returns how many
 * parts were cut.
 */
uint32_t html_cap(struct span html, struct buf *out, struct buf *cut);

#endif
