/*
 * render: the one function that shows foreign text to a person.
 *
 * Whatever a reader VM, a planner or a stranger wrote goes through here before
 * a terminal, a card or a log sees it. The rules are those of the policy
 * model, section 4.2: every code point in Cc, Cf, Zl, Zp, Co, Cs, Cn, every
 * Default_Ignorable, the Braille blank, and every space but U+0020 becomes
 * \u{HEX}; bytes that are not UTF-8 become \x{HH}; a backslash is doubled so
 * that nothing can pretend to be an escape; more than three spaces in a row are
 * shown as their number, \{12 spaces}; a newline becomes a visible mark inside
 * a value. A combining mark without a letter before it, or the ninth on one
 * letter, is escaped too: it would be drawn over text that is not its own.
 * With opts.json the same is written as the inside of a JSON string.
 *
 * Two different inputs never give the same output (with max 0).
 */
#ifndef RENDER_RENDER_H
#define RENDER_RENDER_H

#include <stdbool.h>

#include "base/buf.h"

enum { RENDER_SPACES = 3, RENDER_MARKS = 8 };

enum render_newline {
	RENDER_MARK,  /* a visible mark, one line stays one line */
	RENDER_BREAK, /* a line break followed by opts.indent: for long bodies
		       */
};

struct render_opts {
	enum render_newline newline;
	const char *indent; /* RENDER_BREAK: own text put after each break */
	size_t max;	    /* input bytes shown (head and tail), 0: all */
	bool ascii;	    /* escape everything but printable ASCII too */
	bool json;	    /* the escapes of a JSON string; spaces are kept, so
			       that reading it back gives the text again */
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

/*
 * Appends rendered text, none of whose lines is longer than so many columns
 * (more than the prefix has): one that is goes on behind the prefix, so that
 * whoever shows it need not break it, where something else's line could seem to
 * begin. An isolate (see render_is_rtl) ends with its line and goes on behind
 * the prefix of the next. No escape is broken.
 */
void render_wrap(struct buf *out, struct span text, size_t columns,
		 const char *prefix);

/* True for a code point that render_text escapes wherever it stands. */
bool render_hides(uint32_t c);

/* The first code point of text; returns its bytes, 0 if it is not UTF-8. */
size_t render_decode(struct span text, uint32_t *ret);

/* True if text holds letters that are written from right to left; the caller
 * then isolates the field, so that nothing around it is reordered. */
bool render_is_rtl(struct span text);

#endif
