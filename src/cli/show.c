/*
 * show: see show.h.
 *
 * Text is first rendered (render_text), so that from there on it is printable
 * code points and escapes; then it is laid out. Layout never splits an escape.
 */
#include "cli/show.h"

#include <langinfo.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <utf8proc.h>

#include "cli/cli.h"
#include "render/render.h"

enum { PIECE_MAX = 4 << 20, OUT_MAX = 64 << 20 };

/* U+2068 and U+2069: our own isolation around text from right to left. */
static const uint8_t isolate[] = { 0xe2, 0x81, 0xa8 };
static const uint8_t isolate_end[] = { 0xe2, 0x81, 0xa9 };

struct show show_for(FILE *out)
{
	const char *no = getenv("NO_COLOR");
	struct show how = { 0 };

	if (!isatty(fileno(out)))
		return how;
	how.colour = !no || !no[0];
	(void)setlocale(LC_CTYPE, "");
	how.ascii = strcmp(nl_langinfo(CODESET), "UTF-8") != 0;
	return how;
}

void show_put(struct buf *b, const struct show *how, enum show_style style,
	      const char *own)
{
	static const char *const start[] = {
		[SHOW_PLAIN] = "",	    [SHOW_BOLD] = "\x1b[1m",
		[SHOW_GOOD] = "\x1b[1;32m", [SHOW_BAD] = "\x1b[1;31m",
		[SHOW_DIM] = "\x1b[2m",
	};

	if (how->colour && style != SHOW_PLAIN)
		buf_printf(b, "%s%s\x1b[0m", start[style], own);
	else
		buf_str(b, own);
}

void show_count(struct buf *b, uint64_t n)
{
	char digits[32];
	size_t len, i;

	(void)snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
	len = strlen(digits);
	for (i = 0; i < len; i++) {
		if (i && (len - i) % 3 == 0)
			buf_u8(b, ',');
		buf_u8(b, (uint8_t)digits[i]);
	}
}

/* Length of the escape or code point at the start of rendered text; *columns
 * is what it takes on the terminal. */
static size_t token(struct span t, size_t *columns)
{
	uint32_t c;
	size_t n;

	if (t.p[0] == '\\' && t.n > 1) {
		const uint8_t *end;

		if (t.p[1] == 'u' && t.n > 2 && t.p[2] != '{')
			n = t.n < 6 ? t.n : 6;
		else if (t.p[1] != '\\' &&
			 (t.p[1] == '{' || (t.n > 2 && t.p[2] == '{')) &&
			 (end = memchr(t.p, '}', t.n)))
			n = (size_t)(end - t.p) + 1;
		else
			n = 2;
		*columns = n;
		return n;
	}
	n = render_decode(t, &c);
	*columns = n ? (size_t)utf8proc_charwidth((utf8proc_int32_t)c) : 1;
	return n ? n : 1;
}

struct layout {
	struct buf *b;
	size_t column;
	size_t indent;
	size_t width;
	bool rtl;
	bool escapes; /* JSON: a line also breaks behind each \n escape */
};

/* The space at which a line breaks is not shown. */
static void drop_space(struct layout *l)
{
	if (l->b->n && l->b->p[l->b->n - 1] == ' ')
		buf_cut(l->b, l->b->n - 1);
}

static void line_end(struct layout *l)
{
	if (l->rtl)
		buf_put(l->b, isolate_end, sizeof(isolate_end));
	buf_printf(l->b, "\n%*s", (int)l->indent, "");
	if (l->rtl)
		buf_put(l->b, isolate, sizeof(isolate));
	l->column = l->indent;
}

static bool newline_escape(const struct layout *l, struct span t)
{
	return l->escapes && t.n >= 2 && !memcmp(t.p, "\\n", 2);
}

/* The columns of the word at the start of t, its trailing space not counted;
 * looks no further than one line. */
static size_t word_columns(const struct layout *l, struct span t)
{
	size_t i = 0, sum = 0, columns;
	bool end = false;

	while (i < t.n && sum <= l->width && t.p[i] != ' ' && t.p[i] != '\n' &&
	       !end) {
		struct span rest = span_of(t.p + i, t.n - i);

		end = newline_escape(l, rest);
		i += token(rest, &columns);
		sum += columns;
	}
	return sum;
}

/*
 * Puts rendered text. A line breaks before a word that does not fit any more,
 * inside of a word only if that is longer than a line.
 */
static void put_wrapped(struct layout *l, struct span t)
{
	size_t i = 0, columns, n, word;
	bool start = true;

	if (l->rtl)
		buf_put(l->b, isolate, sizeof(isolate));
	while (i < t.n) {
		struct span rest = span_of(t.p + i, t.n - i);

		n = token(rest, &columns);
		if (rest.p[0] == '\n') {
			line_end(l);
			start = true;
			i++;
			continue;
		}
		word = start ? word_columns(l, rest) : columns;
		if (l->column > l->indent && l->column + word > l->width &&
		    (word <= l->width - l->indent ||
		     l->column + columns > l->width)) {
			drop_space(l);
			line_end(l);
			if (rest.p[0] == ' ') {
				start = true;
				i += n;
				continue;
			}
		}
		buf_put(l->b, rest.p, n);
		l->column += columns;
		start = rest.p[0] == ' ';
		i += n;
		if (newline_escape(l, rest) && i < t.n && t.p[i] != '"')
			line_end(l);
	}
	if (l->rtl)
		buf_put(l->b, isolate_end, sizeof(isolate_end));
}

void show_text(struct buf *b, const struct show *how, struct span foreign,
	       size_t column, size_t indent)
{
	struct render_opts opts = { .newline = RENDER_BREAK,
				    .max = SHOW_TEXT_MAX,
				    .ascii = how->ascii };
	struct layout l = { b, column, indent, SHOW_WIDTH, false, false };
	CLEAN_BUF struct buf text;

	buf_init(&text, PIECE_MAX);
	render_text(&text, foreign, &opts, NULL);
	l.rtl = render_is_rtl(buf_view(&text));
	put_wrapped(&l, buf_view(&text));
}

/* JSON. Own values only: depth and size were bounded where they were made. */

static void json_string_put(struct buf *b, struct span s, bool ascii,
			    size_t max)
{
	struct render_opts opts = { .json = true, .ascii = ascii, .max = max };

	buf_u8(b, '"');
	render_text(b, s, &opts, NULL);
	buf_u8(b, '"');
}

static struct span string_span(const json_t *j)
{
	return span_of(json_string_value(j), json_string_length(j));
}

static void scalar_put(struct buf *b, const json_t *j, bool ascii, size_t max)
{
	switch (json_typeof(j)) {
	case JSON_STRING:
		json_string_put(b, string_span(j), ascii, max);
		break;
	case JSON_INTEGER:
		buf_printf(b, "%lld", (long long)json_integer_value(j));
		break;
	case JSON_REAL:
		buf_printf(b, "%.17g", json_real_value(j));
		break;
	case JSON_TRUE:
		buf_str(b, "true");
		break;
	case JSON_FALSE:
		buf_str(b, "false");
		break;
	case JSON_NULL:
	case JSON_OBJECT:
	case JSON_ARRAY:
		buf_str(b, "null");
		break;
	}
}

struct json_out {
	struct buf *b;
	bool ascii;
	size_t max;    /* of a string, 0: whole */
	bool wide;     /* lay out to the width */
	unsigned flat; /* > 0: everything on one line */
	size_t column; /* wide: where the next byte goes */
	unsigned depth;
};

static void value_put(struct json_out *o, const json_t *j, size_t indent);

static void json_line(struct json_out *o, size_t indent)
{
	if (o->flat)
		return;
	buf_printf(o->b, "\n%*s", (int)indent, "");
	o->column = indent;
}

static void key_put(struct json_out *o, const char *key)
{
	size_t before = o->b->n;

	json_string_put(o->b, span_str(key), o->ascii, 0);
	buf_str(o->b, ": ");
	o->column += o->b->n - before;
}

static void members_put(struct json_out *o, const json_t *j, size_t indent)
{
	json_t *object = (json_t *)(uintptr_t)j; /* jansson's iterators */
	const char *key, *comma = "";
	json_t *value;
	size_t i;

	if (json_is_object(j)) {
		json_object_foreach(object, key, value)
		{
			buf_str(o->b, comma);
			json_line(o, indent + 2);
			key_put(o, key);
			value_put(o, value, indent + 2);
			comma = o->flat ? ", " : ",";
		}
		return;
	}
	json_array_foreach(j, i, value)
	{
		buf_str(o->b, comma);
		json_line(o, indent + 2);
		value_put(o, value, indent + 2);
		comma = o->flat ? ", " : ",";
	}
}

/* True if it was short enough for the rest of the line, and is written. */
static bool flat_put(struct json_out *o, const json_t *j)
{
	size_t start = o->b->n, i = 0, sum = 0, columns;

	o->flat++;
	value_put(o, j, 0);
	o->flat--;
	while (i < o->b->n - start && sum <= SHOW_WIDTH) {
		i += token(span_of(o->b->p + start + i, o->b->n - start - i),
			   &columns);
		sum += columns;
	}
	if (o->column + sum < SHOW_WIDTH)
		return true;
	buf_cut(o->b, start);
	return false;
}

static void container_put(struct json_out *o, const json_t *j, size_t indent)
{
	bool object = json_is_object(j);
	size_t n = object ? json_object_size(j) : json_array_size(j);

	if (n == 0 || o->depth >= SHOW_JSON_DEPTH) {
		buf_str(o->b, object ? "{}" : "[]");
		return;
	}
	o->depth++;
	if (o->flat || !o->wide || !flat_put(o, j)) {
		buf_u8(o->b, object ? '{' : '[');
		members_put(o, j, indent);
		json_line(o, indent);
		buf_u8(o->b, object ? '}' : ']');
	}
	o->depth--;
}

static void long_string_put(struct json_out *o, const json_t *j)
{
	/* One column stays free for the comma. */
	struct layout l = { o->b,	    o->column, o->column + 1,
			    SHOW_WIDTH - 1, false,     true };
	CLEAN_BUF struct buf text;

	/* A key that leaves too little room: continue near the margin. */
	if (l.indent > SHOW_WIDTH / 2)
		l.indent = SHOW_WIDTH / 2;
	buf_init(&text, PIECE_MAX);
	json_string_put(&text, string_span(j), o->ascii, o->max);
	l.rtl = render_is_rtl(buf_view(&text));
	put_wrapped(&l, buf_view(&text));
}

static void value_put(struct json_out *o, const json_t *j, size_t indent)
{
	if (json_is_object(j) || json_is_array(j)) {
		container_put(o, j, indent);
		return;
	}
	if (json_is_string(j) && o->wide && !o->flat)
		long_string_put(o, j);
	else
		scalar_put(o->b, j, o->ascii, o->max);
}

void show_json(struct buf *b, const json_t *json, bool ascii)
{
	struct json_out o = { .b = b, .ascii = ascii };

	value_put(&o, json, 0);
}

void show_json_wide(struct buf *b, const struct show *how, const json_t *json,
		    size_t column, size_t indent)
{
	struct json_out o = { .b = b,
			      .ascii = how->ascii,
			      .max = SHOW_TEXT_MAX,
			      .wide = true,
			      .column = column };

	value_put(&o, json, indent);
}

int cli_json(FILE *out, const json_t *json)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, OUT_MAX);
	if (!json) {
		cli_error("out of memory");
		return CLI_NO;
	}
	show_json(&b, json, isatty(fileno(out)));
	buf_u8(&b, '\n');
	if (!buf_ok(&b) || fwrite(b.p, 1, b.n, out) != b.n ||
	    fflush(out) != 0) {
		cli_error("cannot write the output");
		return CLI_NO;
	}
	return CLI_OK;
}
