/*
 * html: a document to the text that a person would see.
 *
 * The tree comes from MyHTML (HTML5); what each element's style says is
 * computed by css and style. Hidden text, scripts, comments and trackers are
 * accounted for in the draft, visible links are added to it.
 */
#ifndef READER_HTML_HTML_H
#define READER_HTML_HTML_H

#include "reader/draft.h"

enum {
	HTML_MEMORY_MAX = 32
			  << 20, /* text, styles and rules, beside the tree */
	HTML_FRAMES_MAX = 1024,	 /* depth of the walk */
};

/* What html_to_text makes the first time, and every time needs. */
void html_init(void);

/*
 * html is valid UTF-8. The text is appended to out; where a limit is passed,
 * what nobody could check is left out of it and counted as truncated.
 */
void html_to_text(struct span html, struct draft *d, struct buf *out);

#endif
