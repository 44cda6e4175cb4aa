/*
 * render: see render.h. Output is built from three kinds of pieces: a code
 * point that is printable as it stands, an escape that begins with a
 * backslash, and the newline mark. A backslash of the input is doubled and a
 * mark of the input is escaped, so that pieces are told apart.
 */
#include "render/render.h"

#include <utf8proc.h>

/* U+21B5, as UTF-8 */
#define NEWLINE_MARK  "\xe2\x86\xb5"
#define NEWLINE_POINT 0x21b5u
#define BRAILLE_BLANK 0x2800u

static const struct render_opts defaults = { .newline = RENDER_MARK };

struct state {
	struct buf *out;
	const struct render_opts *opts;
	struct render_count *count;
	size_t spaces; /* seen and not yet written */
	bool base;     /* a letter stands before, that a mark may sit on */
	size_t marks;  /* on that letter */
};

size_t render_decode(struct span text, uint32_t *ret)
{
	utf8proc_int32_t c;
	utf8proc_ssize_t n;

	/* With length 0 utf8proc reports U+FFFFFFFF and no bytes. */
	n = utf8proc_iterate(text.p, (utf8proc_ssize_t)text.n, &c);
	if (n <= 0 || c < 0)
		return 0;
	*ret = (uint32_t)c;
	return (size_t)n;
}

bool render_hides(uint32_t c)
{
	const utf8proc_property_t *p;

	if (c == ' ')
		return false;
	if (c > 0x10ffff || c == BRAILLE_BLANK)
		return true;
	p = utf8proc_get_property((utf8proc_int32_t)c);
	switch ((utf8proc_category_t)p->category) {
	case UTF8PROC_CATEGORY_CN:
	case UTF8PROC_CATEGORY_CC:
	case UTF8PROC_CATEGORY_CF:
	case UTF8PROC_CATEGORY_CS:
	case UTF8PROC_CATEGORY_CO:
	case UTF8PROC_CATEGORY_ZS:
	case UTF8PROC_CATEGORY_ZL:
	case UTF8PROC_CATEGORY_ZP:
		return true;
	case UTF8PROC_CATEGORY_LU:
	case UTF8PROC_CATEGORY_LL:
	case UTF8PROC_CATEGORY_LT:
	case UTF8PROC_CATEGORY_LM:
	case UTF8PROC_CATEGORY_LO:
	case UTF8PROC_CATEGORY_MN:
	case UTF8PROC_CATEGORY_MC:
	case UTF8PROC_CATEGORY_ME:
	case UTF8PROC_CATEGORY_ND:
	case UTF8PROC_CATEGORY_NL:
	case UTF8PROC_CATEGORY_NO:
	case UTF8PROC_CATEGORY_PC:
	case UTF8PROC_CATEGORY_PD:
	case UTF8PROC_CATEGORY_PS:
	case UTF8PROC_CATEGORY_PE:
	case UTF8PROC_CATEGORY_PI:
	case UTF8PROC_CATEGORY_PF:
	case UTF8PROC_CATEGORY_PO:
	case UTF8PROC_CATEGORY_SM:
	case UTF8PROC_CATEGORY_SC:
	case UTF8PROC_CATEGORY_SK:
	case UTF8PROC_CATEGORY_SO:
		return p->ignorable;
	}
	return true;
}

static bool is_mark(uint32_t c)
{
	utf8proc_category_t k = utf8proc_category((utf8proc_int32_t)c);

	return k == UTF8PROC_CATEGORY_MN || k == UTF8PROC_CATEGORY_MC ||
	       k == UTF8PROC_CATEGORY_ME;
}

bool render_is_rtl(struct span text)
{
	size_t i = 0;

	while (i < text.n) {
		uint32_t c;
		size_t n = render_decode(span_of(text.p + i, text.n - i), &c);
		utf8proc_propval_t class;

		if (!n) {
			i++;
			continue;
		}
		class = utf8proc_get_property((utf8proc_int32_t)c)->bidi_class;
		if (class == UTF8PROC_BIDI_CLASS_R ||
		    class == UTF8PROC_BIDI_CLASS_AL ||
		    class == UTF8PROC_BIDI_CLASS_AN)
			return true;
		i += n;
	}
	return false;
}

static void put_escape(struct state *s, uint32_t c)
{
	s->base = false;
	if (!s->opts->json)
		buf_printf(s->out, "\\u{%X}", c);
	else if (c < 0x10000)
		buf_printf(s->out, "\\u%04x", c);
	else
		buf_printf(s->out, "\\u%04x\\u%04x",
			   0xd800 + ((c - 0x10000) >> 10),
			   0xdc00 + ((c - 0x10000) & 0x3ff));
}

static void put_invalid(struct state *s, uint8_t byte)
{
	s->base = false;
	s->count->invalid++;
	if (s->opts->json)
		buf_str(s->out, "\\ufffd");
	else
		buf_printf(s->out, "\\x{%02X}", byte);
}

static void flush_spaces(struct state *s)
{
	if (s->spaces > RENDER_SPACES)
		buf_printf(s->out, "\\{%zu spaces}", s->spaces);
	else
		buf_put(s->out, "   ", s->spaces);
	s->spaces = 0;
}

static void put_newline(struct state *s)
{
	s->base = false;
	if (s->opts->json ||
	    (s->opts->ascii && s->opts->newline == RENDER_MARK)) {
		buf_str(s->out, "\\n");
	} else if (s->opts->newline == RENDER_BREAK) {
		buf_u8(s->out, '\n');
		if (s->opts->indent)
			buf_str(s->out, s->opts->indent);
	} else {
		buf_str(s->out, NEWLINE_MARK);
	}
}

/* True if this mark may be drawn on the letter before it. */
static bool mark_sits(struct state *s)
{
	return s->base && s->marks++ < RENDER_MARKS;
}

static void put_point(struct state *s, uint32_t c, struct span raw)
{
	bool mark, hide;

	if (c == ' ') {
		s->base = false;
		if (s->opts->json)
			buf_u8(s->out, ' ');
		else
			s->spaces++;
		return;
	}
	flush_spaces(s);
	if (c == '\n') {
		put_newline(s);
		return;
	}
	mark = is_mark(c);
	hide = render_hides(c) || (mark && !mark_sits(s));
	s->count->hidden += hide;
	if (hide || (c == NEWLINE_POINT && !s->opts->json) ||
	    (s->opts->ascii && c > 0x7e)) {
		put_escape(s, c);
		return;
	}
	if (c == '\\' || (c == '"' && s->opts->json))
		buf_u8(s->out, '\\');
	buf_span(s->out, raw);
	if (!mark) {
		s->base = true;
		s->marks = 0;
	}
}

static void put_run(struct state *s, struct span text)
{
	size_t i = 0;

	s->base = false;
	while (i < text.n) {
		uint32_t c;
		size_t n = render_decode(span_of(text.p + i, text.n - i), &c);

		if (n) {
			put_point(s, c, span_of(text.p + i, n));
			i += n;
			continue;
		}
		flush_spaces(s);
		put_invalid(s, text.p[i++]);
	}
	flush_spaces(s);
}

static bool continues(uint8_t byte)
{
	return (byte & 0xc0) == 0x80;
}

/* Head and tail of a text over the maximum, each ending between two code
 * points; a code point has at most three bytes that continue it. */
static void put_cut(struct state *s, struct span text, size_t max)
{
	size_t head = max / 2 + max % 2, tail = text.n - max / 2, i;

	for (i = 0; i < 3 && head && continues(text.p[head]); i++)
		head--;
	for (i = 0; i < 3 && tail < text.n && continues(text.p[tail]); i++)
		tail++;
	put_run(s, span_of(text.p, head));
	s->count->cut = tail - head;
	buf_printf(s->out, "\\{%zu bytes left out}", s->count->cut);
	put_run(s, span_of(text.p + tail, text.n - tail));
}

void render_text(struct buf *out, struct span text,
		 const struct render_opts *opts, struct render_count *ret)
{
	struct render_count count = { 0 };
	struct state s = { .out = out,
			   .opts = opts ? opts : &defaults,
			   .count = &count };

	if (s.opts->max && text.n > s.opts->max)
		put_cut(&s, text, s.opts->max);
	else
		put_run(&s, text);
	if (ret)
		*ret = count;
}
