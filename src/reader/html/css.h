/*
 * css: as much of CSS as decides whether text can be seen. Sheets are parsed
 * into rules whose values are checked at once, since an invalid declaration
 * must lose to a valid one before it; selectors are matched right to left.
 *
 * Where this cannot know (an unknown pseudo-class or part of a selector, an
 * unknown media feature, @supports, @layer, names that differ in case, var()),
 * the rule is `uncertain`: it may hide, but never show. Its values are kept
 * beside the certain ones, and text that either set hides counts as hidden. An
 * unknown part of a selector counts as matching, and makes the whole list it
 * is in uncertain, since a browser would drop that.
 */
#ifndef READER_HTML_CSS_H
#define READER_HTML_CSS_H

#include "base/span.h"
#include "reader/arena.h"

enum {
	CSS_RULES_MAX = 8192,
	CSS_DECLS_MAX = 65536,
	CSS_SHEET_MAX = 1 << 20,
	CSS_COMPOUNDS_MAX = 8,	   /* in one selector */
	CSS_NAMES_MAX = 4,	   /* classes in one compound */
	CSS_CLASSES_MAX = 128,	   /* of one element */
	CSS_TEXT_MAX = 256,	   /* of the value in [name=value] */
	CSS_NEST_MAX = 16,	   /* rules and at-rules in each other */
	CSS_NESTED_MAX = 64 << 10, /* a nested rule's selectors, spelled out */
	/* selectors tried against elements: their classes and attributes */
	CSS_WORK_MAX = 10 * 1000 * 1000,
};

enum css_prop {
	CSS_DISPLAY,
	CSS_VISIBILITY,
	CSS_OPACITY,
	CSS_FONT_SIZE,
	CSS_COLOR,
	CSS_INK, /* -webkit-text-fill-color: over color */
	CSS_BACKGROUND,
	CSS_WIDTH,
	CSS_HEIGHT,
	CSS_MAX_WIDTH,
	CSS_MAX_HEIGHT,
	CSS_OVERFLOW,
	CSS_POSITION,
	CSS_LEFT,
	CSS_TOP,
	CSS_RIGHT,
	CSS_BOTTOM,
	CSS_TEXT_INDENT,
	CSS_MARGIN_LEFT,
	CSS_MARGIN_TOP,
	CSS_TRANSFORM,
	CSS_CLIP,
	CSS_WHITE_SPACE,
	CSS_LINE_HEIGHT,
	CSS_TRICK, /* set where one of many other properties hides */
	CSS_PROP_MAX
};

enum css_unit {
	CSS_PX,
	CSS_EM,
	CSS_REM,
	CSS_PERCENT,
	CSS_VW,
	CSS_VH,
	CSS_KEYWORD,
	CSS_RGBA,
	CSS_INHERIT,
	CSS_INITIAL,
};

/* Keywords that matter; every other valid keyword is CSS_K_OTHER. */
enum css_keyword {
	CSS_K_OTHER,
	CSS_K_AUTO,
	CSS_K_NONE,
	CSS_K_BLOCK,
	CSS_K_INLINE,
	CSS_K_HIDDEN, /* also collapse; overflow: clip, auto, scroll */
	CSS_K_VISIBLE,
	CSS_K_ABSOLUTE, /* also fixed */
	CSS_K_RELATIVE,
	CSS_K_PRE,
	CSS_K_ZERO,    /* transform: scale(0); clip: nothing left */
	CSS_K_AWAY,    /* transform: moved out of sight */
	CSS_K_UNKNOWN, /* var(): may be anything */
	CSS_K_SAME,    /* currentcolor */
};

struct css_value {
	uint64_t weight; /* 0: not set. The greater wins, the later if equal */
	double num;	 /* length, number, or enum css_keyword */
	uint32_t rgba;
	enum css_unit unit;
};

/* What the rules say about one element, certain and perhaps. */
struct css_values {
	struct css_value sure[CSS_PROP_MAX];
	struct css_value maybe[CSS_PROP_MAX];
	uint32_t set; /* a bit for each property that either has */
	bool any_maybe;
};

_Static_assert(CSS_PROP_MAX <= 32, "a bit for each property");

/* An element as selectors see it; borrows from the parsed document. */
struct css_elem {
	const struct css_elem *parent;
	const struct css_elem *prev; /* the element before it, same parent */
	struct span tag;	     /* lower case */
	struct span id;
	const struct span *cls;
	uint32_t n_cls;
	uint32_t n_attrs;
	const void *node; /* for css_attr_fn */
};

/* The attribute's value; false if it is not there. */
typedef bool css_attr_fn(const void *node, struct span name, struct span *ret);

struct css_sheet;

/* Indexes the names that are known here; before anything else. */
void css_init(void);

/* Makes them empty again, of which all was zero once. */
void css_values_reset(struct css_values *v);

/* Lives in the arena; NULL when that is full. */
struct css_sheet *css_sheet_new(struct arena *a, css_attr_fn *attr);

/*
 * Adds the rules of one <style>; media is its attribute of that name, or
 * empty. Returns 0, or -1 over a limit.
 */
[[nodiscard]] int css_sheet_add(struct css_sheet *s, struct span text,
				struct span media);

/* Whether there is anything to match. */
bool css_sheet_has_rules(const struct css_sheet *s);

/* Adds the values for e. Returns 0, or -1 when the work limit is passed. */
[[nodiscard]] int css_match(struct css_sheet *s, const struct css_elem *e,
			    struct css_values *v);

/* Adds the declarations of a style attribute; -1 when memory is out. */
[[nodiscard]] int css_inline(struct css_sheet *s, struct span text,
			     struct css_values *v);

/* A presentational attribute (width, bgcolor...), weaker than any rule. */
void css_attribute(struct css_values *v, enum css_prop p, struct span text);

#endif
