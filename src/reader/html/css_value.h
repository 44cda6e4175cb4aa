/*
 * css_value: declarations to checked values. Private to html/.
 */
#ifndef READER_HTML_CSS_VALUE_H
#define READER_HTML_CSS_VALUE_H

#include "reader/html/css.h"

/* One declaration may set several properties (margin, font). */
enum { CSS_SET_MAX = 2 };

struct css_set {
	enum css_prop prop[CSS_SET_MAX];
	struct css_value value[CSS_SET_MAX];
	size_t n;
};

/* Indexes the names below, once. */
void css_value_init(void);

/*
 * Name and value, trimmed, without !important and comments. Nothing is set
 * for what is unknown here or invalid.
 */
void css_declaration(struct span name, struct span value, struct css_set *ret);

/* One value for one property; false if it is not valid. */
bool css_value_parse(enum css_prop p, struct span s, struct css_value *ret);

/* A colour as HTML attributes write it too (ff0000, red). */
bool css_color_parse(struct span s, bool attribute, uint32_t *ret);

struct span css_trim(struct span s);
bool css_word_is(struct span s, const char *word);

#endif
