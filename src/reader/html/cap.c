/*
 * cap: see cap.h. A tokenizer that knows tags, comments and raw text, and
 * keeps the stack of open elements as hashes of their names. It closes
 * elements less eagerly than a parser, never more, but for what a parser
 * re-opens by itself (formatting elements); the memory limit of the parser is
 * the net below that.
 */
#include "reader/html/cap.h"

#include <strings.h>

struct cap {
	struct span in;
	size_t pos;
	struct buf *out;
	struct buf *cut;
	uint32_t stack[HTML_DEPTH_MAX];
	size_t depth;
	bool over; /* the rest is cut */
	uint32_t cuts;
};

static const char *const voids[] = {
	"area",	  "base",     "br",	 "col",	  "embed",  "hr",    "img",
	"input",  "link",     "meta",	 "param", "source", "track", "wbr",
	"keygen", "basefont", "bgsound", "frame", "image",
};

/* Opening one of these closes an open one of the same name on top. */
static const char *const siblings[] = {
	"p",	   "li",       "td",	"th",	 "tr",	   "dt",
	"dd",	   "option",   "tbody", "thead", "tfoot",  "optgroup",
	"caption", "colgroup", "a",	"nobr",	 "button",
};

static const char *const raws[] = {
	"script",  "style", "xmp",	"iframe",
	"noembed", "title", "textarea", "noframes",
};

static bool listed(const char *const *list, size_t n, struct span name)
{
	for (size_t i = 0; i < n; i++) {
		if (name.n == strlen(list[i]) &&
		    strncasecmp((const char *)name.p, list[i], name.n) == 0)
			return true;
	}
	return false;
}

static uint32_t name_hash(struct span s)
{
	uint32_t h = 2166136261u;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c >= 'A' && c <= 'Z')
			c |= 32;
		h = (h ^ c) * 16777619u;
	}
	return h;
}

static bool is_digit(uint8_t c, bool hex)
{
	return (c >= '0' && c <= '9') ||
	       (hex && (c | 32) >= 'a' && (c | 32) <= 'f');
}

/*
 * Where the character reference at s.p[i] (its &#) ends, if it has more digits
 * than the parser's integer holds; else 0.
 */
static size_t huge_ref_end(struct span s, size_t i)
{
	bool hex;
	size_t from;

	i += 2;
	hex = i < s.n && (s.p[i] | 32) == 'x';
	i += hex;
	while (i < s.n && s.p[i] == '0')
		i++;
	from = i;
	while (i < s.n && is_digit(s.p[i], hex))
		i++;
	if (i - from <= HTML_REF_DIGITS_MAX)
		return 0;
	return i + (i < s.n && s.p[i] == ';');
}

/* A number that no character has is U+FFFD (HTML), however many digits. */
static void put_with_refs(struct buf *out, struct span s)
{
	size_t i = 0;

	while (i < s.n) {
		const uint8_t *ref = memmem(s.p + i, s.n - i, "&#", 2);
		size_t at = ref ? (size_t)(ref - s.p) : s.n;
		size_t end = ref ? huge_ref_end(s, at) : 0;

		if (ref && !end)
			at += 2;
		buf_put(out, s.p + i, at - i);
		if (end)
			buf_str(out, "&#xFFFD;");
		i = end ? end : at;
	}
}

static void emit(struct cap *c, size_t from, size_t to)
{
	struct span s = span_of(c->in.p + from, to - from);

	if (!c->over) {
		put_with_refs(c->out, s);
		return;
	}
	if (s.n > c->cut->max - c->cut->n)
		s.n = c->cut->max - c->cut->n;
	buf_span(c->cut, s);
}

/* Behind the > that ends the tag at from, quotes respected. */
static size_t tag_end(struct span s, size_t from)
{
	uint8_t quote = 0;
	size_t i = from;

	for (; i < s.n; i++) {
		uint8_t ch = s.p[i];

		if (quote) {
			if (ch == quote)
				quote = 0;
		} else if ((ch == '"' || ch == '\'') && i &&
			   (s.p[i - 1] == '=' || s.p[i - 1] == ' ')) {
			quote = ch;
		} else if (ch == '>') {
			return i + 1;
		}
	}
	return s.n;
}

static size_t find_end(struct span s, size_t from, const char *what)
{
	const uint8_t *at =
		from < s.n ? memmem(s.p + from, s.n - from, what, strlen(what))
			   : NULL;

	return at ? (size_t)(at - s.p) + strlen(what) : s.n;
}

/* Where the raw text of this element ends: at its end tag. */
static size_t raw_end(struct span s, size_t from, struct span name)
{
	size_t i = from;

	while (i < s.n) {
		const uint8_t *lt = memchr(s.p + i, '<', s.n - i);

		if (!lt)
			break;
		i = (size_t)(lt - s.p) + 1;
		if (i < s.n && s.p[i] == '/' && s.n - i - 1 >= name.n &&
		    strncasecmp((const char *)s.p + i + 1, (const char *)name.p,
				name.n) == 0)
			return i - 1;
	}
	return s.n;
}

/*
 * Where what is cut ends is the parser's to know, which does not see it: end
 * tags in wrong places, quotes, comments and scripts all have their own ways.
 * Whoever guesses shows what is hidden, or joins two halves to markup that
 * nobody else sees. So it ends with the document.
 */
static void cut_rest(struct cap *c)
{
	c->over = true;
	c->cuts++;
}

static void element_open(struct cap *c, uint32_t hash, bool sibling)
{
	if (sibling && c->depth && c->stack[c->depth - 1] == hash)
		return;
	if (c->depth == HTML_DEPTH_MAX) {
		cut_rest(c);
		return;
	}
	c->stack[c->depth++] = hash;
}

static void element_close(struct cap *c, uint32_t hash)
{
	for (size_t i = c->depth; i > 0; i--) {
		if (c->stack[i - 1] == hash) {
			c->depth = i - 1;
			return;
		}
	}
}

static struct span tag_name(struct span s, size_t from)
{
	size_t n = 0;

	while (from + n < s.n && s.p[from + n] != '>' && s.p[from + n] != '/' &&
	       s.p[from + n] > ' ')
		n++;
	return span_of(s.p + from, n);
}

static bool is_space(uint8_t ch)
{
	return ch == ' ' || ch == '\t' || ch == '\n' || ch == '\r';
}

/*
 * Behind one attribute, name="value", whose value has no quote, < or > in it;
 * 0 if it is written in another way.
 */
static size_t plain_attribute(struct span s, size_t i)
{
	size_t from = i;
	uint8_t quote;

	while (i < s.n && (((s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z') ||
			   s.p[i] == '-'))
		i++;
	if (i == from || s.n - i < 2 || s.p[i] != '=')
		return 0;
	quote = s.p[i + 1];
	if (quote != '"' && quote != '\'')
		return 0;
	for (i += 2; i < s.n && s.p[i] != quote; i++)
		if (s.p[i] == '<' || s.p[i] == '>' || s.p[i] == '"' ||
		    s.p[i] == '\'')
			return 0;
	return i < s.n ? i + 1 : 0;
}

/*
 * Behind the > of an img whose attributes are all so plain that every reader
 * of HTML agrees where it ends; else 0.
 */
static size_t plain_img_end(struct span s, size_t from)
{
	size_t i = from + 4;

	if (s.n - from < 5 ||
	    strncasecmp((const char *)s.p + from, "<img", 4) != 0)
		return 0;
	while (i && i < s.n) {
		size_t spaces = i;

		while (i < s.n && is_space(s.p[i]))
			i++;
		if (s.n - i >= 2 && s.p[i] == '/' && s.p[i + 1] == '>')
			return i + 2;
		if (i < s.n && s.p[i] == '>')
			return i + 1;
		i = i == spaces ? 0 : plain_attribute(s, i);
	}
	return 0;
}

/*
 * A tag that is too large. An image with its bytes in itself is common, has
 * no content and hides nothing but itself: it alone is left out.
 */
static void large_tag(struct cap *c, size_t from, size_t end)
{
	if (plain_img_end(c->in, from) != end) {
		cut_rest(c);
		return;
	}
	if (!c->over)
		buf_str(c->out, "<img>");
	c->cuts++;
}

static void start_tag(struct cap *c, size_t from)
{
	struct span name = tag_name(c->in, from + 1);
	size_t end = tag_end(c->in, from + 1);
	size_t raw;

	c->pos = end;
	if (end - from > HTML_ATTR_BYTES_MAX) {
		large_tag(c, from, end);
		return;
	}
	if (listed(voids, ARRAY_SIZE(voids), name)) {
		emit(c, from, end);
		return;
	}
	if (listed(raws, ARRAY_SIZE(raws), name)) {
		raw = raw_end(c->in, end, name);
		c->pos = tag_end(c->in, raw);
		emit(c, from, c->pos);
		return;
	}
	element_open(c, name_hash(name),
		     listed(siblings, ARRAY_SIZE(siblings), name));
	emit(c, from, end);
}

static void end_tag(struct cap *c, size_t from)
{
	size_t end = tag_end(c->in, from + 2);
	struct span name = tag_name(c->in, from + 2);

	emit(c, from, end);
	element_close(c, name_hash(name));
	c->pos = end;
}

/* At a <: a tag, a comment, or a plain character. */
static void markup(struct cap *c)
{
	size_t from = c->pos;
	uint8_t next = from + 1 < c->in.n ? c->in.p[from + 1] : 0;

	if ((next | 32) >= 'a' && (next | 32) <= 'z') {
		start_tag(c, from);
	} else if (next == '/') {
		end_tag(c, from);
	} else if (next == '!' && c->in.n - from >= 4 &&
		   memcmp(c->in.p + from, "<!--", 4) == 0) {
		c->pos = find_end(c->in, from + 2, "-->");
		emit(c, from, c->pos);
	} else if (next == '!' || next == '?') {
		c->pos = find_end(c->in, from, ">");
		emit(c, from, c->pos);
	} else {
		c->pos = from + 1;
		emit(c, from, c->pos);
	}
}

uint32_t html_cap(struct span html, struct buf *out, struct buf *cut)
{
	struct cap c = { .in = html, .out = out, .cut = cut };

	if (html.n > HTML_INPUT_MAX) {
		c.in.n = HTML_INPUT_MAX;
		c.cuts = 1;
	}
	while (c.pos < c.in.n) {
		const uint8_t *lt = memchr(c.in.p + c.pos, '<', c.in.n - c.pos);
		size_t to = lt ? (size_t)(lt - c.in.p) : c.in.n;

		if (to > c.pos)
			emit(&c, c.pos, to);
		c.pos = to;
		if (lt)
			markup(&c);
		if (c.over) {
			emit(&c, c.pos, c.in.n);
			break;
		}
	}
	return c.cuts;
}
