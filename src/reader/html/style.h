/*
 * style: from the values that won to whether text is seen. Private to html/.
 */
#ifndef READER_HTML_STYLE_H
#define READER_HTML_STYLE_H

#include "proto/message.h"
#include "reader/html/css.h"

enum style_box { BOX_INLINE, BOX_BLOCK, BOX_OTHER };

struct style {
	enum message_removed_kind hide; /* the whole subtree, 0 if it shows */
	bool invisible; /* visibility, which children may undo */
	bool away;	/* text-indent moved it out */
	bool pre;
	enum style_box box;
	double opacity;
	double font_px;
	double line_px;
	bool clips;   /* this box, or one around it, cuts off lines */
	bool has_ink; /* ink instead of color */
	uint32_t ink;
	uint32_t color; /* 0xrrggbbaa; of no opacity where it is unknown */
	uint32_t back;	/* what is behind the text, opaque */
};

/* What the root inherits. */
extern const struct style style_initial;

/*
 * The style of an element: parent's, its default box, whether its box can
 * shrink below its content (not table cells), and the values that apply; NULL
 * for none.
 */
struct style style_compute(const struct style *parent, enum style_box box,
			   bool shrinks, const struct css_value *v);

/* Why text of this style cannot be seen, 0 if it can. */
enum message_removed_kind style_hides(const struct style *s);

#endif
