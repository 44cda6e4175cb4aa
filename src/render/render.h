/*
 * render: the one function that shows foreign text to a person.
 *
 * Whatever a reader VM, a planner or a stranger wrote goes through here before
 * a terminal, a card or a log sees it. The rules are those of the policy
 * model, section 4.2: every code point in Cc, Cf, Zl, Zp, Co, Cs, Cn, every
 * Default_Ignorable, the Braille blank, and every space but U+0020 becomes
 * \u{HEX}; bytes that are not UTF-8 become \x{HH}; a backslash is doubled so
 * that nothing can pretend to be an escape; more than three spaces in a row are
 * shown as their number; a newline becomes a visible mark inside a value.
 */
#ifndef RENDER_RENDER_H
#define RENDER_RENDER_H

#include <stdbool.h>

#include "base/buf.h"

enum render_newline {
	RENDER_MARK,  /* a visible mark, one line stays one line */
	RENDER_BREAK, /* a line break followed by opts.indent: for long bodies
		       */
};

struct render_opts {
	enum render_newline newline;
	const char *indent; /* RENDER_BREAK: own text put before each line */
	size_t max;	    /* input bytes shown (head and tail), 0: all */
	bool ascii;	    /* escape everything but printable ASCII too */
};

struct render_count {
	size_t hidden;	/* code points escaped as invisible or unassigned */
	size_t invalid; /* bytes that were not UTF-8 */
	size_t cut;	/* input bytes left out for opts.max */
};

/* Appends the printable form of text. Never emits a control character but
 * the line break of RENDER_BREAK. opts and ret may be NULL. */
void render_text(struct buf *out, struct span text,
		 const struct render_opts *opts, struct render_count *ret);

#endif
