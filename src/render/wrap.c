/*
 * wrap: see render.h. A piece is what stays on one line: a code point, or an
 * escape of render.c.
 */
#include <string.h>

#include <utf8proc.h>

#include "render/render.h"

/* What stands between U+2068 and U+2069 keeps its direction to itself. */
static const uint8_t isolate[] = { 0xe2, 0x81, 0xa8 };
static const uint8_t isolate_end[] = { 0xe2, 0x81, 0xa9 };

enum { ISOLATE_POINT = 0x2068, ISOLATE_END_POINT = 0x2069 };

struct wrap {
	struct buf *out;
	const char *prefix;
	size_t columns, column;
	bool open; /* within an isolate */
	/* Where out had a blank last, on this line and in this isolate. */
	size_t blank, blank_column; /* 0: none */
};

static bool begins_with(struct span s, const char *text)
{
	size_t n = strlen(text);

	return s.n >= n && memcmp(s.p, text, n) == 0;
}

/* Bytes of the escape that s begins with; 0: it is none. */
static size_t escape(struct span s)
{
	const uint8_t *end;

	if (s.n < 2 || s.p[0] != '\\')
		return 0;
	if (s.p[1] == '\\')
		return 2;
	end = memchr(s.p, '}', s.n);
	return end ? (size_t)(end - s.p) + 1 : 0;
}

/* Bytes of the next piece, its columns and its code point. */
static size_t piece(struct span s, size_t *columns, uint32_t *c)
{
	size_t n = escape(s);

	*c = 0;
	*columns = n;
	if (n)
		return n;
	n = render_decode(s, c);
	*columns = n ? (size_t)utf8proc_charwidth((utf8proc_int32_t)*c) : 1;
	return n ? n : 1;
}

/* A new line: the isolate ends with the one before and begins behind the
 * prefix, which keeps its place. */
static void line(struct wrap *w, bool prefix)
{
	buf_put(w->out, isolate_end, w->open ? sizeof(isolate_end) : 0);
	buf_u8(w->out, '\n');
	if (prefix)
		buf_str(w->out, w->prefix);
	buf_put(w->out, isolate, w->open ? sizeof(isolate) : 0);
	w->column = prefix ? strlen(w->prefix) : 0;
	w->blank = 0;
}

/* A line has no room for a piece: what stands behind its last blank goes on
 * with it, where one line has room for that. */
static void full(struct wrap *w, size_t piece)
{
	const size_t columns = w->column - w->blank_column;
	const size_t at = w->blank;
	CLEAN_BUF struct buf word;

	buf_init(&word, w->out->n);
	if (!at || strlen(w->prefix) + columns + piece > w->columns) {
		line(w, true);
		return;
	}
	buf_span(&word, buf_part(w->out, at, w->out->n - at));
	buf_cut(w->out, at);
	line(w, true);
	buf_span(w->out, buf_view(&word));
	w->column += columns;
	w->out->bad |= !buf_ok(&word);
}

static void put(struct wrap *w, struct span piece, size_t columns, uint32_t c)
{
	if (c == ISOLATE_POINT || c == ISOLATE_END_POINT) {
		w->open = c == ISOLATE_POINT;
		w->blank = 0;
	} else if (w->column + columns > w->columns) {
		full(w, columns);
	}
	buf_span(w->out, piece);
	w->column += columns;
	if (c == ' ' && w->column > strlen(w->prefix)) {
		w->blank = w->out->n;
		w->blank_column = w->column;
	}
}

void render_wrap(struct buf *out, struct span text, size_t columns,
		 const char *prefix)
{
	struct wrap w = { .out = out, .prefix = prefix, .columns = columns };
	size_t i = 0, n, width;
	struct span rest;
	uint32_t c;

	for (; i < text.n; i += n) {
		rest = span_of(text.p + i, text.n - i);
		n = piece(rest, &width, &c);
		if (c != '\n') {
			put(&w, span_of(rest.p, n), width, c);
			continue;
		}
		rest = span_of(rest.p + 1, rest.n - 1);
		if (w.open && begins_with(rest, prefix)) {
			line(&w, true);
			n += strlen(prefix);
		} else {
			line(&w, false);
		}
	}
}
