/* css_value: see css_value.h. */
#include "reader/html/css_value.h"

#include <assert.h>
#include <strings.h>

#include "reader/html/words.h"

/* An edge of clip that is no edge. */
#define FAR_EDGE_PX 1e6

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

struct span css_trim(struct span s)
{
	while (s.n && is_space(s.p[0]))
		s = span_of(s.p + 1, s.n - 1);
	while (s.n && is_space(s.p[s.n - 1]))
		s.n--;
	return s;
}

bool css_word_is(struct span s, const char *word)
{
	return s.n == strlen(word) &&
	       (s.n == 0 || strncasecmp((const char *)s.p, word, s.n) == 0);
}

static bool word_starts(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n && strncasecmp((const char *)s.p, word, n) == 0;
}

/* Index of word in s without regard to case, or s.n. Values are short. */
static size_t word_find(struct span s, const char *word)
{
	for (size_t i = 0; i < s.n; i++) {
		if (word_starts(span_of(s.p + i, s.n - i), word))
			return i;
	}
	return s.n;
}

/* The next token: up to white space or comma outside parentheses. */
static struct span token_next(struct span s, size_t *pos)
{
	size_t from;
	int depth = 0;

	while (*pos < s.n && (is_space(s.p[*pos]) || s.p[*pos] == ','))
		(*pos)++;
	from = *pos;
	for (; *pos < s.n; (*pos)++) {
		uint8_t c = s.p[*pos];

		if (c == '(')
			depth++;
		else if (c == ')')
			depth--;
		else if (depth <= 0 && (is_space(c) || c == ','))
			break;
	}
	return span_of(s.p + from, *pos - from);
}

/* A decimal number at the start of s; returns the bytes it took, 0 if none. */
static size_t number_parse(struct span s, double *ret)
{
	size_t i = 0;
	size_t digits = 0;
	double v = 0;
	double scale = 1;
	bool minus = false;

	if (i < s.n && (s.p[i] == '-' || s.p[i] == '+'))
		minus = s.p[i++] == '-';
	for (; i < s.n && is_digit(s.p[i]); i++, digits++)
		v = v < 1e12 ? v * 10 + (s.p[i] - '0') : v;
	if (i + 1 < s.n && s.p[i] == '.' && is_digit(s.p[i + 1])) {
		for (i++; i < s.n && is_digit(s.p[i]); i++, digits++) {
			scale /= 10;
			v += scale * (s.p[i] - '0');
		}
	}
	if (!digits)
		return 0;
	/* 1e-9, but not 1em */
	if (i + 2 < s.n && (s.p[i] | 32) == 'e' && s.p[i + 1] == '-' &&
	    is_digit(s.p[i + 2])) {
		v = 0;
		for (i += 2; i < s.n && is_digit(s.p[i]); i++)
			;
	}
	*ret = minus ? -v : v;
	return i;
}

static const struct {
	const char *name;
	enum css_unit unit;
	double scale;
} units[] = {
	{ "px", CSS_PX, 1 },	     { "", CSS_PX, 1 }, /* quirk, attributes */
	{ "em", CSS_EM, 1 },	     { "rem", CSS_REM, 1 },
	{ "%", CSS_PERCENT, 1 },     { "pt", CSS_PX, 4.0 / 3 },
	{ "pc", CSS_PX, 16 },	     { "in", CSS_PX, 96 },
	{ "cm", CSS_PX, 96 / 2.54 }, { "mm", CSS_PX, 96 / 25.4 },
	{ "q", CSS_PX, 96 / 101.6 }, { "ex", CSS_EM, 0.5 },
	{ "ch", CSS_EM, 0.5 },	     { "vw", CSS_VW, 1 },
	{ "vh", CSS_VH, 1 },	     { "vmin", CSS_VH, 1 },
	{ "vmax", CSS_VW, 1 },	     { "lh", CSS_EM, 1.2 },
	{ "rlh", CSS_REM, 1.2 },     { "cap", CSS_EM, 0.7 },
	{ "ic", CSS_EM, 1 },	     { "rcap", CSS_REM, 0.7 },
	{ "dvw", CSS_VW, 1 },	     { "dvh", CSS_VH, 1 },
	{ "svw", CSS_VW, 1 },	     { "svh", CSS_VH, 1 },
	{ "lvw", CSS_VW, 1 },	     { "lvh", CSS_VH, 1 },
	{ "cqw", CSS_VW, 1 },	     { "cqh", CSS_VH, 1 },
	{ "cqi", CSS_VW, 1 },	     { "cqb", CSS_VH, 1 },
	{ "vi", CSS_VW, 1 },	     { "vb", CSS_VH, 1 },
};

static struct words unit_words;

static bool length_parse(struct span s, struct css_value *ret)
{
	struct span unit;
	size_t n;
	int row;

	if (s.n && !is_digit(s.p[0]) &&
	    (word_starts(s, "calc(") || word_starts(s, "min(") ||
	     word_starts(s, "max(") || word_starts(s, "clamp("))) {
		/* the first number stands for the whole */
		while (s.n && !is_digit(s.p[0]) && s.p[0] != '-')
			s = span_of(s.p + 1, s.n - 1);
		n = 0;
		while (n < s.n && !is_space(s.p[n]) && s.p[n] != ')' &&
		       s.p[n] != ',' && s.p[n] != '*')
			n++;
		s.n = n;
	}
	n = number_parse(s, &ret->num);
	if (!n)
		return false;
	unit = span_of(s.p + n, s.n - n);
	row = words_find(&unit_words, unit);
	if (row < 0)
		return false;
	ret->unit = units[row].unit;
	ret->num *= units[row].scale;
	return true;
}

/* Keywords by property; a name not listed is invalid. */
static const struct {
	enum css_prop prop;
	enum css_keyword keyword;
	const char *name;
} keywords[] = {
	{ CSS_DISPLAY, CSS_K_NONE, "none" },
	{ CSS_DISPLAY, CSS_K_BLOCK, "block" },
	{ CSS_DISPLAY, CSS_K_BLOCK, "flow-root" },
	{ CSS_DISPLAY, CSS_K_BLOCK, "flex" },
	{ CSS_DISPLAY, CSS_K_BLOCK, "grid" },
	{ CSS_DISPLAY, CSS_K_BLOCK, "list-item" },
	{ CSS_DISPLAY, CSS_K_INLINE, "inline" },
	{ CSS_DISPLAY, CSS_K_INLINE, "contents" },
	{ CSS_DISPLAY, CSS_K_OTHER, "inline-block" },
	{ CSS_DISPLAY, CSS_K_OTHER, "inline-flex" },
	{ CSS_DISPLAY, CSS_K_OTHER, "inline-grid" },
	{ CSS_DISPLAY, CSS_K_OTHER, "inline-table" },
	{ CSS_DISPLAY, CSS_K_OTHER, "table" },
	{ CSS_DISPLAY, CSS_K_OTHER, "table-cell" },
	{ CSS_DISPLAY, CSS_K_OTHER, "table-row" },
	{ CSS_DISPLAY, CSS_K_OTHER, "table-row-group" },
	{ CSS_DISPLAY, CSS_K_OTHER, "table-header-group" },
	{ CSS_DISPLAY, CSS_K_OTHER, "table-footer-group" },
	{ CSS_DISPLAY, CSS_K_OTHER, "table-caption" },
	{ CSS_DISPLAY, CSS_K_NONE, "table-column" },
	{ CSS_DISPLAY, CSS_K_NONE, "table-column-group" },
	{ CSS_VISIBILITY, CSS_K_VISIBLE, "visible" },
	{ CSS_VISIBILITY, CSS_K_HIDDEN, "hidden" },
	{ CSS_VISIBILITY, CSS_K_HIDDEN, "collapse" },
	{ CSS_OVERFLOW, CSS_K_VISIBLE, "visible" },
	{ CSS_OVERFLOW, CSS_K_HIDDEN, "hidden" },
	{ CSS_OVERFLOW, CSS_K_HIDDEN, "clip" },
	{ CSS_OVERFLOW, CSS_K_HIDDEN, "scroll" },
	{ CSS_OVERFLOW, CSS_K_HIDDEN, "auto" },
	{ CSS_POSITION, CSS_K_OTHER, "static" },
	{ CSS_POSITION, CSS_K_RELATIVE, "relative" },
	{ CSS_POSITION, CSS_K_OTHER, "sticky" },
	{ CSS_POSITION, CSS_K_ABSOLUTE, "absolute" },
	{ CSS_POSITION, CSS_K_ABSOLUTE, "fixed" },
	{ CSS_WHITE_SPACE, CSS_K_OTHER, "normal" },
	{ CSS_WHITE_SPACE, CSS_K_OTHER, "nowrap" },
	{ CSS_WHITE_SPACE, CSS_K_PRE, "pre" },
	{ CSS_WHITE_SPACE, CSS_K_PRE, "pre-wrap" },
	{ CSS_WHITE_SPACE, CSS_K_PRE, "pre-line" },
	{ CSS_WHITE_SPACE, CSS_K_PRE, "break-spaces" },
	{ CSS_TRANSFORM, CSS_K_OTHER, "none" },
	{ CSS_CLIP, CSS_K_OTHER, "none" },
	{ CSS_CLIP, CSS_K_OTHER, "auto" },
};

static const struct {
	const char *name;
	double px;
} font_sizes[] = {
	{ "xx-small", 9 },  { "x-small", 10 },	 { "small", 13 },
	{ "medium", 16 },   { "large", 18 },	 { "x-large", 24 },
	{ "xx-large", 32 }, { "xxx-large", 48 }, { "smaller", 13 },
	{ "larger", 19 },
};

static bool keyword_parse(enum css_prop p, struct span s, struct css_value *ret)
{
	for (size_t i = 0; i < ARRAY_SIZE(keywords); i++) {
		if (keywords[i].prop == p && css_word_is(s, keywords[i].name)) {
			ret->unit = CSS_KEYWORD;
			ret->num = keywords[i].keyword;
			return true;
		}
	}
	return false;
}

static bool font_size_parse(struct span s, struct css_value *ret)
{
	bool number = s.n && (is_digit(s.p[0]) || s.p[0] == '.');

	for (size_t i = 0; i < ARRAY_SIZE(font_sizes) && !number; i++) {
		if (css_word_is(s, font_sizes[i].name)) {
			ret->unit = CSS_PX;
			ret->num = font_sizes[i].px;
			return true;
		}
	}
	return length_parse(s, ret) && ret->num >= 0;
}

static bool size_parse(struct span s, struct css_value *ret)
{
	if (css_word_is(s, "auto") || css_word_is(s, "none") ||
	    word_starts(s, "min-content") || word_starts(s, "max-content") ||
	    word_starts(s, "fit-content")) {
		ret->unit = CSS_KEYWORD;
		ret->num = CSS_K_AUTO;
		return true;
	}
	return length_parse(s, ret);
}

static bool opacity_parse(struct span s, struct css_value *ret)
{
	if (word_starts(s, "calc(") || word_starts(s, "0e")) {
		ret->unit = CSS_KEYWORD;
		ret->num = CSS_K_UNKNOWN;
		return true;
	}
	if (!length_parse(s, ret))
		return false;
	if (ret->unit == CSS_PERCENT)
		ret->num /= 100;
	else if (ret->unit != CSS_PX)
		return false;
	ret->unit = CSS_PX;
	return true;
}

/* The arguments of the first fn( in s, or false. */
static bool function_args(struct span s, const char *fn, struct span *ret)
{
	size_t at = word_find(s, fn);
	size_t n = 0;

	if (at == s.n)
		return false;
	at += strlen(fn);
	while (at + n < s.n && s.p[at + n] != ')')
		n++;
	*ret = span_of(s.p + at, n);
	return true;
}

/* A length that moves a box out of every window. */
static bool far_away(const struct css_value *v)
{
	double px = v->num;

	if (v->unit == CSS_KEYWORD || v->unit == CSS_INHERIT ||
	    v->unit == CSS_INITIAL)
		return false;
	if (v->unit == CSS_EM || v->unit == CSS_REM)
		px *= 16;
	else if (v->unit != CSS_PX)
		px *= 10;
	return px <= -500 || px >= 5000;
}

/* matrix(a, b, c, d, e, f): flat, or moved away. */
static bool matrix_hides(struct span args)
{
	struct css_value v[6] = { 0 };
	size_t pos = 0;
	double flat;

	for (size_t i = 0; i < ARRAY_SIZE(v); i++) {
		if (!length_parse(token_next(args, &pos), &v[i]))
			return false;
	}
	flat = v[0].num * v[3].num - v[1].num * v[2].num;
	return (flat > -0.002 && flat < 0.002) || far_away(&v[4]) ||
	       far_away(&v[5]);
}

/* rotateX(90deg) and the like: seen from its edge. */
static bool edge_on(struct span s)
{
	static const char *const turns[] = { "rotatex(", "rotatey(" };
	struct span args;
	double deg;

	for (size_t i = 0; i < ARRAY_SIZE(turns); i++) {
		size_t n;

		if (!function_args(s, turns[i], &args))
			continue;
		args = css_trim(args);
		n = number_parse(args, &deg);
		args = span_of(args.p + n, args.n - n);
		if (css_word_is(args, "turn"))
			deg *= 360;
		else if (css_word_is(args, "rad"))
			deg *= 57.29578;
		deg = deg < 0 ? -deg : deg;
		if (n && deg < 1e6) {
			deg -= 180.0 * (double)(int64_t)(deg / 180);
			if (deg > 85 && deg < 95)
				return true;
		}
	}
	return false;
}

static bool transform_parse(struct span s, struct css_value *ret)
{
	static const char *const scales[] = { "scale(", "scalex(", "scaley(",
					      "scale3d(" };
	static const char *const moves[] = { "translate(", "translatex(",
					     "translatey(", "translate3d(" };
	struct css_value v = { 0 };
	struct span args;

	ret->unit = CSS_KEYWORD;
	ret->num = CSS_K_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(scales); i++) {
		size_t pos = 0;

		if (!function_args(s, scales[i], &args))
			continue;
		while (pos < args.n) {
			if (length_parse(token_next(args, &pos), &v) &&
			    v.num > -0.05 && v.num < 0.05)
				ret->num = CSS_K_ZERO;
		}
	}
	for (size_t i = 0; i < ARRAY_SIZE(moves); i++) {
		size_t pos = 0;

		if (!function_args(s, moves[i], &args))
			continue;
		while (pos < args.n) {
			if (length_parse(token_next(args, &pos), &v) &&
			    far_away(&v))
				ret->num = CSS_K_AWAY;
		}
	}
	if (function_args(s, "matrix(", &args) && matrix_hides(args))
		ret->num = CSS_K_ZERO;
	if (edge_on(s))
		ret->num = CSS_K_ZERO;
	return true;
}

/* inset(): 1 to 4 parts; nothing left where two that face meet. */
static bool clip_inset_zero(struct span args)
{
	struct css_value v[4] = { 0 };
	size_t pos = 0;
	size_t n = 0;
	double h;
	double w;

	while (n < 4 && length_parse(token_next(args, &pos), &v[n])) {
		if (v[n].unit != CSS_PERCENT)
			v[n].num = far_away(&v[n]) ? 100 : 0;
		n++;
	}
	if (!n)
		return false;
	h = v[0].num + v[n > 2 ? 2 : 0].num;
	w = v[n > 1 ? 1 : 0].num + v[n > 3 ? 3 : n > 1 ? 1 : 0].num;
	return h >= 100 || w >= 100;
}

/* polygon(): all points on one line, across or down. */
static bool clip_polygon_zero(struct span args)
{
	struct css_value v = { 0 };
	double lo[2] = { FAR_EDGE_PX, FAR_EDGE_PX };
	double hi[2] = { -FAR_EDGE_PX, -FAR_EDGE_PX };
	size_t pos = 0;
	size_t n = 0;

	while (pos < args.n) {
		struct span t = token_next(args, &pos);
		double *l = &lo[n & 1];
		double *h = &hi[n & 1];

		if (!t.n || !length_parse(t, &v))
			continue;
		*l = v.num < *l ? v.num : *l;
		*h = v.num > *h ? v.num : *h;
		n++;
	}
	return hi[0] - lo[0] < 1 || hi[1] - lo[1] < 1;
}

/* rect(): top right bottom left; nothing left if an edge meets its pair. */
static bool clip_rect_zero(struct span args)
{
	struct css_value edge[4] = { 0 };
	size_t pos = 0;
	size_t n = 0;

	while (pos < args.n && n < 4) {
		struct span t = token_next(args, &pos);

		if (css_word_is(t, "auto"))
			edge[n].num = n == 1 || n == 2 ? FAR_EDGE_PX : 0;
		else if (!t.n || !length_parse(t, &edge[n]))
			return false;
		n++;
	}
	return n == 4 && (edge[2].num - edge[0].num <= 1 ||
			  edge[1].num - edge[3].num <= 1);
}

static bool clip_parse(struct span s, struct css_value *ret)
{
	struct css_value v = { 0 };
	struct span args;
	size_t pos = 0;

	if (keyword_parse(CSS_CLIP, s, ret))
		return true;
	ret->unit = CSS_KEYWORD;
	ret->num = CSS_K_OTHER;
	if (function_args(s, "rect(", &args) && clip_rect_zero(args))
		ret->num = CSS_K_ZERO;
	if (function_args(s, "inset(", &args) && clip_inset_zero(args))
		ret->num = CSS_K_ZERO;
	if (function_args(s, "polygon(", &args) && clip_polygon_zero(args))
		ret->num = CSS_K_ZERO;
	if (function_args(s, "ellipse(", &args) &&
	    length_parse(token_next(args, &pos), &v) && v.num <= 0)
		ret->num = CSS_K_ZERO;
	/* shapes that nobody measures here */
	if (word_starts(s, "url(") || word_starts(s, "path(") ||
	    word_starts(s, "shape(") || word_starts(s, "xywh("))
		ret->num = CSS_K_ZERO;
	pos = 0;
	if (function_args(s, "circle(", &args) &&
	    length_parse(token_next(args, &pos), &v) && v.num <= 0)
		ret->num = CSS_K_ZERO;
	return true;
}

/* Colours by name; one not listed is not applied. */
static const struct {
	const char *name;
	uint32_t rgb;
} colors[] = {
	{ "white", 0xffffff },
	{ "black", 0x000000 },
	{ "red", 0xff0000 },
	{ "green", 0x008000 },
	{ "blue", 0x0000ff },
	{ "yellow", 0xffff00 },
	{ "gray", 0x808080 },
	{ "grey", 0x808080 },
	{ "silver", 0xc0c0c0 },
	{ "maroon", 0x800000 },
	{ "purple", 0x800080 },
	{ "fuchsia", 0xff00ff },
	{ "magenta", 0xff00ff },
	{ "lime", 0x00ff00 },
	{ "olive", 0x808000 },
	{ "navy", 0x000080 },
	{ "teal", 0x008080 },
	{ "aqua", 0x00ffff },
	{ "cyan", 0x00ffff },
	{ "orange", 0xffa500 },
	{ "whitesmoke", 0xf5f5f5 },
	{ "snow", 0xfffafa },
	{ "ivory", 0xfffff0 },
	{ "azure", 0xf0ffff },
	{ "ghostwhite", 0xf8f8ff },
	{ "floralwhite", 0xfffaf0 },
	{ "mintcream", 0xf5fffa },
	{ "aliceblue", 0xf0f8ff },
	{ "lavenderblush", 0xfff0f5 },
	{ "seashell", 0xfff5ee },
	{ "honeydew", 0xf0fff0 },
	{ "oldlace", 0xfdf5e6 },
	{ "linen", 0xfaf0e6 },
	{ "beige", 0xf5f5dc },
	{ "lightyellow", 0xffffe0 },
	{ "lightcyan", 0xe0ffff },
	{ "lavender", 0xe6e6fa },
	{ "gainsboro", 0xdcdcdc },
	{ "lightgray", 0xd3d3d3 },
	{ "lightgrey", 0xd3d3d3 },
	{ "darkgray", 0xa9a9a9 },
	{ "darkgrey", 0xa9a9a9 },
	{ "dimgray", 0x696969 },
	{ "dimgrey", 0x696969 },
	{ "pink", 0xffc0cb },
	{ "brown", 0xa52a2a },
	{ "gold", 0xffd700 },
	{ "darkblue", 0x00008b },
	{ "darkred", 0x8b0000 },
	{ "darkgreen", 0x006400 },
	{ "lightblue", 0xadd8e6 },
	{ "lightgreen", 0x90ee90 },
	{ "tomato", 0xff6347 },
	{ "crimson", 0xdc143c },
	{ "royalblue", 0x4169e1 },
	{ "steelblue", 0x4682b4 },
	{ "indigo", 0x4b0082 },
	{ "violet", 0xee82ee },
	{ "khaki", 0xf0e68c },
	{ "coral", 0xff7f50 },
	{ "salmon", 0xfa8072 },
	{ "tan", 0xd2b48c },
	{ "slategray", 0x708090 },
	{ "darkorange", 0xff8c00 },
	{ "midnightblue", 0x191970 },
	{ "forestgreen", 0x228b22 },
	{ "cornsilk", 0xfff8dc },
	{ "lightgoldenrodyellow", 0xfafad2 },
	{ "lemonchiffon", 0xfffacd },
	{ "papayawhip", 0xffefd5 },
	{ "antiquewhite", 0xfaebd7 },
	{ "mistyrose", 0xffe4e1 },
	{ "blanchedalmond", 0xffebcd },
	{ "bisque", 0xffe4c4 },
	{ "aquamarine", 0x7fffd4 },
	{ "blueviolet", 0x8a2be2 },
	{ "burlywood", 0xdeb887 },
	{ "cadetblue", 0x5f9ea0 },
	{ "chartreuse", 0x7fff00 },
	{ "chocolate", 0xd2691e },
	{ "darkcyan", 0x008b8b },
	{ "darkgoldenrod", 0xb8860b },
	{ "darkkhaki", 0xbdb76b },
	{ "darkmagenta", 0x8b008b },
	{ "darkolivegreen", 0x556b2f },
	{ "darkorchid", 0x9932cc },
	{ "darksalmon", 0xe9967a },
	{ "darkseagreen", 0x8fbc8f },
	{ "darkslateblue", 0x483d8b },
	{ "darkslategray", 0x2f4f4f },
	{ "darkslategrey", 0x2f4f4f },
	{ "darkturquoise", 0x00ced1 },
	{ "darkviolet", 0x9400d3 },
	{ "deeppink", 0xff1493 },
	{ "deepskyblue", 0x00bfff },
	{ "dodgerblue", 0x1e90ff },
	{ "firebrick", 0xb22222 },
	{ "goldenrod", 0xdaa520 },
	{ "greenyellow", 0xadff2f },
	{ "hotpink", 0xff69b4 },
	{ "indianred", 0xcd5c5c },
	{ "lawngreen", 0x7cfc00 },
	{ "lightcoral", 0xf08080 },
	{ "lightpink", 0xffb6c1 },
	{ "lightsalmon", 0xffa07a },
	{ "lightseagreen", 0x20b2aa },
	{ "lightskyblue", 0x87cefa },
	{ "lightslategray", 0x778899 },
	{ "lightslategrey", 0x778899 },
	{ "lightsteelblue", 0xb0c4de },
	{ "limegreen", 0x32cd32 },
	{ "mediumaquamarine", 0x66cdaa },
	{ "mediumblue", 0x0000cd },
	{ "mediumorchid", 0xba55d3 },
	{ "mediumpurple", 0x9370db },
	{ "mediumseagreen", 0x3cb371 },
	{ "mediumslateblue", 0x7b68ee },
	{ "mediumspringgreen", 0x00fa9a },
	{ "mediumturquoise", 0x48d1cc },
	{ "mediumvioletred", 0xc71585 },
	{ "moccasin", 0xffe4b5 },
	{ "navajowhite", 0xffdead },
	{ "olivedrab", 0x6b8e23 },
	{ "orangered", 0xff4500 },
	{ "orchid", 0xda70d6 },
	{ "palegoldenrod", 0xeee8aa },
	{ "palegreen", 0x98fb98 },
	{ "paleturquoise", 0xafeeee },
	{ "palevioletred", 0xdb7093 },
	{ "peachpuff", 0xffdab9 },
	{ "peru", 0xcd853f },
	{ "plum", 0xdda0dd },
	{ "powderblue", 0xb0e0e6 },
	{ "rebeccapurple", 0x663399 },
	{ "rosybrown", 0xbc8f8f },
	{ "saddlebrown", 0x8b4513 },
	{ "sandybrown", 0xf4a460 },
	{ "seagreen", 0x2e8b57 },
	{ "sienna", 0xa0522d },
	{ "skyblue", 0x87ceeb },
	{ "slateblue", 0x6a5acd },
	{ "slategrey", 0x708090 },
	{ "springgreen", 0x00ff7f },
	{ "thistle", 0xd8bfd8 },
	{ "turquoise", 0x40e0d0 },
	{ "wheat", 0xf5deb3 },
	{ "yellowgreen", 0x9acd32 },
	{ "canvas", 0xffffff },
	{ "window", 0xffffff },
	{ "canvastext", 0x000000 },
	{ "windowtext", 0x000000 },
};

static int hex_value(uint8_t c)
{
	if (is_digit(c))
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* 3, 4, 6 or 8 digits. */
static bool hex_color(struct span s, uint32_t *ret)
{
	uint32_t v = 0;
	bool one = s.n == 3 || s.n == 4;

	if (!one && s.n != 6 && s.n != 8)
		return false;
	for (size_t i = 0; i < s.n; i++) {
		int d = hex_value(s.p[i]);

		if (d < 0)
			return false;
		v = v << 4 | (uint32_t)d;
		if (one)
			v = v << 4 | (uint32_t)d;
	}
	if (s.n == 3 || s.n == 6)
		v = v << 8 | 0xff;
	*ret = v;
	return true;
}

static uint32_t byte_of(double v)
{
	return v <= 0 ? 0 : v >= 255 ? 255 : (uint32_t)(v + 0.5);
}

/* One sixth of the hue circle's ramp, as CSS Color 3 gives it. */
static double hue_byte(double m1, double m2, double h)
{
	if (h < 0)
		h += 1;
	if (h > 1)
		h -= 1;
	if (h * 6 < 1)
		return 255 * (m1 + (m2 - m1) * h * 6);
	if (h * 2 < 1)
		return 255 * m2;
	if (h * 3 < 2)
		return 255 * (m1 + (m2 - m1) * (2.0 / 3 - h) * 6);
	return 255 * m1;
}

static void hsl_to_rgb(const double *in, double *rgb)
{
	double h = in[0] / 360;
	double s = in[1] / 100;
	double l = in[2] / 100;
	double m2 = l <= 0.5 ? l * (s + 1) : l + s - l * s;
	double m1 = l * 2 - m2;

	h -= (double)(int64_t)h;
	if (h < 0)
		h += 1;
	rgb[0] = hue_byte(m1, m2, h + 1.0 / 3);
	rgb[1] = hue_byte(m1, m2, h);
	rgb[2] = hue_byte(m1, m2, h - 1.0 / 3);
}

/* rgb(), rgba(), hsl(), hsla(), commas or blanks, / alpha. */
static bool function_color(struct span s, uint32_t *ret)
{
	bool hsl = word_starts(s, "hsl");
	double v[4] = { 0, 0, 0, 1 };
	size_t n = 0;
	size_t i = 0;

	while (i < s.n && s.p[i] != '(')
		i++;
	while (i < s.n && n < 4) {
		size_t used = number_parse(span_of(s.p + i, s.n - i), &v[n]);

		if (!used) {
			i++;
			continue;
		}
		i += used;
		if (i < s.n && s.p[i] == '%' && n == 3)
			v[n] /= 100;
		else if (i < s.n && s.p[i] == '%' && !hsl)
			v[n] *= 2.55;
		n++;
	}
	if (n < 3)
		return false;
	if (hsl) {
		double in[3] = { v[0], v[1], v[2] };

		hsl_to_rgb(in, v);
	}
	*ret = byte_of(v[0]) << 24 | byte_of(v[1]) << 16 | byte_of(v[2]) << 8 |
	       byte_of(v[3] * 255);
	return true;
}

static struct words color_words;

bool css_color_parse(struct span s, bool attribute, uint32_t *ret)
{
	int row;

	if (s.n && s.p[0] == '#')
		return hex_color(span_of(s.p + 1, s.n - 1), ret);
	if (css_word_is(s, "transparent")) {
		*ret = 0;
		return true;
	}
	row = words_find(&color_words, s);
	if (row >= 0) {
		*ret = colors[row].rgb << 8 | 0xff;
		return true;
	}
	if (word_starts(s, "rgb") || word_starts(s, "hsl"))
		return function_color(s, ret);
	return attribute && hex_color(s, ret);
}

/* A way to write colours that is not computed here: any colour at all. */
static bool color_unknown(struct span s)
{
	static const char *const functions[] = {
		"lab(",	  "lch(", "oklab(",	 "oklch(",	 "color(",
		"color-", "hwb(", "light-dark(", "device-cmyk(",
	};

	for (size_t i = 0; i < ARRAY_SIZE(functions); i++) {
		if (word_starts(s, functions[i]))
			return true;
	}
	return false;
}

static bool color_value(struct span s, struct css_value *ret)
{
	bool plain = s.n && (s.p[0] == '#' || words_find(&color_words, s) >= 0);

	if (!plain && (color_unknown(s) || css_word_is(s, "currentcolor"))) {
		ret->unit = CSS_KEYWORD;
		ret->num = color_unknown(s) ? CSS_K_UNKNOWN : CSS_K_SAME;
		return true;
	}
	if (!css_color_parse(s, false, &ret->rgba))
		return false;
	ret->unit = CSS_RGBA;
	return true;
}

/* The colour among the parts of a background; a gradient gives its first. */
static bool background_parse(struct span s, struct css_value *ret)
{
	size_t pos = 0;
	size_t open = word_find(s, "gradient(");

	while (pos < s.n) {
		if (color_value(token_next(s, &pos), ret))
			return true;
	}
	if (open == s.n) {
		/* valid without a colour: nothing is painted */
		ret->unit = CSS_RGBA;
		ret->rgba = 0;
		return true;
	}
	pos = open + sizeof("gradient(") - 1;
	while (pos < s.n) {
		struct span t = token_next(s, &pos);

		while (t.n && t.p[t.n - 1] == ')' && t.p[0] == '#')
			t.n--;
		if (color_value(t, ret))
			return true;
	}
	return false;
}

/* What every property can be. */
static bool is_wide(struct span s)
{
	uint8_t c = s.n ? s.p[0] | 32 : 0;

	return (c == 'i' || c == 'u' || c == 'r') &&
	       (css_word_is(s, "inherit") || css_word_is(s, "initial") ||
		css_word_is(s, "unset") || css_word_is(s, "revert"));
}

bool css_value_parse(enum css_prop p, struct span s, struct css_value *ret)
{
	size_t pos = 0;

	if (is_wide(s)) {
		ret->unit =
			css_word_is(s, "inherit") ? CSS_INHERIT : CSS_INITIAL;
		return true;
	}
	if (s.n && memchr(s.p, '(', s.n) && word_find(s, "var(") != s.n) {
		ret->unit = CSS_KEYWORD;
		ret->num = CSS_K_UNKNOWN;
		return p == CSS_DISPLAY || p == CSS_VISIBILITY ||
		       p == CSS_OPACITY || p == CSS_FONT_SIZE ||
		       p == CSS_COLOR || p == CSS_INK;
	}
	switch (p) {
	case CSS_DISPLAY:
	case CSS_VISIBILITY:
	case CSS_POSITION:
	case CSS_WHITE_SPACE:
		return keyword_parse(p, s, ret);
	case CSS_OVERFLOW:
		/* one axis that clips makes the other one do it */
		while (pos < s.n &&
		       keyword_parse(p, token_next(s, &pos), ret)) {
			if ((int)ret->num == CSS_K_HIDDEN)
				return true;
		}
		return ret->unit == CSS_KEYWORD;
	case CSS_TRICK:
		ret->unit = CSS_KEYWORD;
		ret->num = CSS_K_ZERO;
		return true;
	case CSS_LINE_HEIGHT:
		if (css_word_is(s, "normal")) {
			ret->unit = CSS_EM;
			ret->num = 1.2;
			return true;
		}
		if (!length_parse(s, ret))
			return false;
		/* a bare number is of the font's size */
		if (is_digit(s.p[s.n - 1]))
			ret->unit = CSS_EM;
		return true;
	case CSS_OPACITY:
		return opacity_parse(s, ret);
	case CSS_FONT_SIZE:
		return font_size_parse(s, ret);
	case CSS_COLOR:
	case CSS_INK:
		return color_value(s, ret);
	case CSS_BACKGROUND:
		return background_parse(s, ret);
	case CSS_WIDTH:
	case CSS_HEIGHT:
	case CSS_MAX_WIDTH:
	case CSS_MAX_HEIGHT:
	case CSS_LEFT:
	case CSS_TOP:
	case CSS_RIGHT:
	case CSS_BOTTOM:
	case CSS_TEXT_INDENT:
	case CSS_MARGIN_LEFT:
	case CSS_MARGIN_TOP:
		return size_parse(s, ret);
	case CSS_TRANSFORM:
		return transform_parse(s, ret);
	case CSS_CLIP:
		return clip_parse(s, ret);
	case CSS_PROP_MAX:
		break;
	}
	return false;
}

static void set_add(struct css_set *ret, enum css_prop p, struct span s)
{
	struct css_value v = { 0 };

	if (ret->n == CSS_SET_MAX || !css_value_parse(p, s, &v))
		return;
	ret->prop[ret->n] = p;
	ret->value[ret->n++] = v;
}

/* font: the size is the part before a slash, or the first with a unit. */
static void set_font(struct css_set *ret, struct span s)
{
	size_t pos = 0;

	while (pos < s.n && !ret->n) {
		struct span t = token_next(s, &pos);
		struct css_value v = { 0 };
		size_t n = 0;
		bool slash;

		while (n < t.n && t.p[n] != '/')
			n++;
		slash = n < t.n;
		t.n = n;
		if (!font_size_parse(t, &v))
			continue;
		/* a bare number is a weight, but for 0 and before a slash */
		if (t.n && is_digit(t.p[t.n - 1]) && !slash && v.num > 0)
			continue;
		set_add(ret, CSS_FONT_SIZE, t);
	}
}

static double number_of(struct span s)
{
	double v = 1;
	size_t n = number_parse(s, &v);

	return n < s.n && s.p[n] == '%' ? v / 100 : v;
}

static bool filter_hides(struct span s)
{
	struct span args;

	if (function_args(s, "contrast(", &args) &&
	    number_of(css_trim(args)) < 0.1)
		return true;
	if (function_args(s, "brightness(", &args) &&
	    number_of(css_trim(args)) > 5)
		return true;
	return function_args(s, "blur(", &args) &&
	       number_of(css_trim(args)) >= 8;
}

static bool is_far(struct span s)
{
	struct css_value v = { 0 };

	return length_parse(s, &v) && far_away(&v);
}

/* scale, zoom: a factor near nothing. */
static bool is_scaled_away(struct span s)
{
	struct css_value v = { 0 };
	size_t pos = 0;

	while (pos < s.n) {
		if (length_parse(token_next(s, &pos), &v) && v.num > -0.05 &&
		    v.num < 0.05)
			return true;
	}
	return false;
}

static bool translate_far(struct span s)
{
	size_t pos = 0;

	while (pos < s.n) {
		if (is_far(token_next(s, &pos)))
			return true;
	}
	return false;
}

/* Letters on top of each other. */
static bool is_squeezed(struct span s)
{
	struct css_value v = { 0 };

	return length_parse(s, &v) &&
	       v.num <= (v.unit == CSS_EM || v.unit == CSS_REM ? -0.5 : -8);
}

static bool is_other_than_none(struct span s)
{
	return !css_word_is(s, "none") && !css_word_is(s, "normal") &&
	       !css_word_is(s, "initial") && !css_word_is(s, "inherit") &&
	       !css_word_is(s, "unset");
}

static bool is_nought(struct span s)
{
	return is_digit(s.n ? s.p[0] : 0) && number_of(s) <= 0;
}

/* overflow-y: visible beside a clipping axis clips, too: only that counts. */
static void set_overflow_axis(struct css_set *ret, struct span value)
{
	struct css_value v = { 0 };

	if (keyword_parse(CSS_OVERFLOW, value, &v) &&
	    (int)v.num == CSS_K_HIDDEN)
		set_add(ret, CSS_OVERFLOW, value);
}

/* margin: 1 to 4 parts; top is the first, left the fourth, second or first. */
static void set_margin(struct css_set *ret, struct span s)
{
	struct span t[4] = { { NULL, 0 } };
	size_t pos = 0;
	size_t n = 0;

	while (pos < s.n && n < 4) {
		t[n] = token_next(s, &pos);
		if (t[n].n)
			n++;
	}
	if (!n)
		return;
	set_add(ret, CSS_MARGIN_TOP, t[0]);
	set_add(ret, CSS_MARGIN_LEFT, n == 4 ? t[3] : n > 1 ? t[1] : t[0]);
}

static void set_filter(struct css_set *ret, struct span value)
{
	struct span args;

	if (function_args(value, "opacity(", &args))
		set_add(ret, CSS_OPACITY, css_trim(args));
}

static void set_contain(struct css_set *ret, struct span value)
{
	if (!css_word_is(value, "none") && !css_word_is(value, "layout"))
		set_add(ret, CSS_OVERFLOW, SPAN_LIT("hidden"));
}

static void set_content(struct css_set *ret, struct span value)
{
	if (css_word_is(value, "hidden"))
		set_add(ret, CSS_DISPLAY, SPAN_LIT("none"));
}

/*
 * Properties that are looked at alone and only for hiding. What would take
 * them back is not followed: mail has no use for them but this one.
 */
static const struct {
	const char *name;
	void (*set)(struct css_set *ret, struct span value);
	bool (*hides)(struct span value);
	enum css_prop prop;
} names[] = {
	{ .name = "display", .prop = CSS_DISPLAY },
	{ .name = "visibility", .prop = CSS_VISIBILITY },
	{ .name = "opacity", .prop = CSS_OPACITY },
	{ .name = "font-size", .prop = CSS_FONT_SIZE },
	{ .name = "color", .prop = CSS_COLOR },
	{ .name = "-webkit-text-fill-color", .prop = CSS_INK },
	{ .name = "background", .prop = CSS_BACKGROUND },
	{ .name = "background-color", .prop = CSS_BACKGROUND },
	{ .name = "width", .prop = CSS_WIDTH },
	{ .name = "height", .prop = CSS_HEIGHT },
	{ .name = "max-width", .prop = CSS_MAX_WIDTH },
	{ .name = "max-height", .prop = CSS_MAX_HEIGHT },
	{ .name = "overflow", .prop = CSS_OVERFLOW },
	{ .name = "block-size", .prop = CSS_HEIGHT },
	{ .name = "inline-size", .prop = CSS_WIDTH },
	{ .name = "max-block-size", .prop = CSS_MAX_HEIGHT },
	{ .name = "max-inline-size", .prop = CSS_MAX_WIDTH },
	{ .name = "line-height", .prop = CSS_LINE_HEIGHT },
	{ .name = "position", .prop = CSS_POSITION },
	{ .name = "left", .prop = CSS_LEFT },
	{ .name = "top", .prop = CSS_TOP },
	{ .name = "inset-inline-start", .prop = CSS_LEFT },
	{ .name = "inset-block-start", .prop = CSS_TOP },
	{ .name = "margin-inline-start", .prop = CSS_MARGIN_LEFT },
	{ .name = "margin-block-start", .prop = CSS_MARGIN_TOP },
	{ .name = "right", .prop = CSS_RIGHT },
	{ .name = "bottom", .prop = CSS_BOTTOM },
	{ .name = "text-indent", .prop = CSS_TEXT_INDENT },
	{ .name = "margin-left", .prop = CSS_MARGIN_LEFT },
	{ .name = "margin-top", .prop = CSS_MARGIN_TOP },
	{ .name = "transform", .prop = CSS_TRANSFORM },
	{ .name = "-webkit-transform", .prop = CSS_TRANSFORM },
	{ .name = "clip", .prop = CSS_CLIP },
	{ .name = "clip-path", .prop = CSS_CLIP },
	{ .name = "-webkit-clip-path", .prop = CSS_CLIP },
	{ .name = "white-space", .prop = CSS_WHITE_SPACE },
	{ .name = "filter", .set = set_filter, .hides = filter_hides },
	{ .name = "-webkit-filter", .set = set_filter, .hides = filter_hides },
	{ .name = "mask", .hides = is_other_than_none },
	{ .name = "mask-image", .hides = is_other_than_none },
	{ .name = "-webkit-mask", .hides = is_other_than_none },
	{ .name = "-webkit-mask-image", .hides = is_other_than_none },
	{ .name = "mix-blend-mode", .hides = is_other_than_none },
	{ .name = "-webkit-text-security", .hides = is_other_than_none },
	{ .name = "scale", .hides = is_scaled_away },
	{ .name = "zoom", .hides = is_scaled_away },
	{ .name = "translate", .hides = translate_far },
	{ .name = "rotate", .hides = is_other_than_none },
	{ .name = "letter-spacing", .hides = is_squeezed },
	{ .name = "font-size-adjust", .hides = is_nought },
	{ .name = "inset", .hides = translate_far },
	{ .name = "margin-right", .hides = is_far },
	{ .name = "padding-left", .hides = is_far },
	{ .name = "padding-top", .hides = is_far },
	{ .name = "font", .set = set_font },
	{ .name = "margin", .set = set_margin },
	{ .name = "overflow-x", .set = set_overflow_axis },
	{ .name = "overflow-y", .set = set_overflow_axis },
	{ .name = "contain", .set = set_contain },
	{ .name = "content-visibility", .set = set_content },
};

static struct words name_words;

void css_value_init(void)
{
	if (name_words.rows)
		return;
	words_index(&unit_words, units, sizeof(units[0]), ARRAY_SIZE(units));
	words_index(&color_words, colors, sizeof(colors[0]),
		    ARRAY_SIZE(colors));
	words_index(&name_words, names, sizeof(names[0]), ARRAY_SIZE(names));
}

void css_declaration(struct span name, struct span value, struct css_set *ret)
{
	int row = words_find(&name_words, name);

	ret->n = 0;
	if (row < 0)
		return;
	if (names[row].set)
		names[row].set(ret, value);
	else if (!names[row].hides)
		set_add(ret, names[row].prop, value);
	if (names[row].hides && names[row].hides(value))
		set_add(ret, CSS_TRICK, value);
}
