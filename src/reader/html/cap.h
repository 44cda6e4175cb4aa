/*
 * cap: what a hostile document may cost, decided before it is parsed. The
 * parser's work grows with the square of the nesting depth, so from the first
 * element too deep, or tag too large, the rest is cut off, tags and text alike:
 * text whose style nobody computes must not pass for visible. An img that holds
 * its picture itself is not the end, it alone is left out. And a character
 * reference of more digits than fit the parser's integer becomes what it stands
 * for, U+FFFD.
 */
#ifndef READER_HTML_CAP_H
#define READER_HTML_CAP_H

#include "base/buf.h"

enum {
	HTML_DEPTH_MAX = 400,		/* open elements */
	HTML_INPUT_MAX = 2 << 20,	/* bytes of one document */
	HTML_ATTR_BYTES_MAX = 64 << 10, /* of one tag */
	HTML_REF_DIGITS_MAX = 7,	/* of &#...; without zeros in front */
};

/*
 * Copies html up to what is over a limit. The rest goes to cut, as far as it
 * fits there, unless it is beyond the input limit. Returns how many limits
 * were reached.
 */
uint32_t html_cap(struct span html, struct buf *out, struct buf *cut);

#endif
