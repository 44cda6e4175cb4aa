/* jcur: see jcur.h. */
#include "base/jcur.h"

#include "base/str.h"

/* What is being walked over, and which brackets are open. */
struct scan {
	struct span s;
	size_t at;
	unsigned depth;
	bool object[JCUR_DEPTH];
};

static int peek(const struct scan *c)
{
	return c->at < c->s.n ? c->s.p[c->at] : -1;
}

static bool take(struct scan *c, char want)
{
	if (peek(c) != want)
		return false;
	c->at++;
	return true;
}

static void skip_blank(struct scan *c)
{
	int b = peek(c);

	while (b == ' ' || b == '\t' || b == '\n' || b == '\r') {
		c->at++;
		b = peek(c);
	}
}

static bool skip_word(struct scan *c, const char *word)
{
	const size_t n = strlen(word);

	if (n > c->s.n - c->at || memcmp(c->s.p + c->at, word, n) != 0)
		return false;
	c->at += n;
	return true;
}

static bool skip_digits(struct scan *c)
{
	const size_t start = c->at;

	while (peek(c) >= '0' && peek(c) <= '9')
		c->at++;
	return c->at > start;
}

static bool skip_number(struct scan *c)
{
	(void)take(c, '-');
	if (!take(c, '0') && !skip_digits(c))
		return false;
	if (take(c, '.') && !skip_digits(c))
		return false;
	if (peek(c) == 'e' || peek(c) == 'E') {
		c->at++;
		if (!take(c, '+'))
			(void)take(c, '-');
		return skip_digits(c);
	}
	return true;
}

static int hex_value(int b)
{
	if (b >= '0' && b <= '9')
		return b - '0';
	b |= 0x20;
	return b >= 'a' && b <= 'f' ? b - 'a' + 10 : -1;
}

static bool skip_escape(struct scan *c)
{
	int b = peek(c);
	unsigned i;

	if (b < 0 || !strchr("\"\\/bfnrtu", b) || b == 0)
		return false;
	c->at++;
	for (i = 0; b == 'u' && i < 4; i++, c->at++)
		if (hex_value(peek(c)) < 0)
			return false;
	return true;
}

static bool skip_string(struct scan *c)
{
	int b;

	if (!take(c, '"'))
		return false;
	while ((b = peek(c)) >= 0x20) {
		c->at++;
		if (b == '"')
			return true;
		if (b == '\\' && !skip_escape(c))
			return false;
	}
	return false;
}

/* Up to a member's value. */
static bool skip_key(struct scan *c)
{
	skip_blank(c);
	if (!skip_string(c))
		return false;
	skip_blank(c);
	return take(c, ':');
}

static bool skip_scalar(struct scan *c)
{
	switch (peek(c)) {
	case '"':
		return skip_string(c);
	case 't':
		return skip_word(c, "true");
	case 'f':
		return skip_word(c, "false");
	case 'n':
		return skip_word(c, "null");
	default:
		return skip_number(c);
	}
}

/* A bracket opens. *more: what comes next is a value, and not its end. */
static bool open_bracket(struct scan *c, bool *more)
{
	const bool object = peek(c) == '{';

	if (c->depth == JCUR_DEPTH)
		return false;
	c->at++;
	skip_blank(c);
	*more = !take(c, object ? '}' : ']');
	if (!*more)
		return true;
	c->object[c->depth++] = object;
	return !object || skip_key(c);
}

/* Behind a value: closes what ends there, and says if one more comes. */
static bool go_on(struct scan *c, bool *more)
{
	*more = false;
	while (c->depth && !*more) {
		const bool object = c->object[c->depth - 1];

		skip_blank(c);
		if (take(c, object ? '}' : ']'))
			c->depth--;
		else if (take(c, ','))
			*more = true;
		else
			return false;
		if (*more && object && !skip_key(c))
			return false;
	}
	return true;
}

/* One value with all that is in it. */
static bool skip_value(struct scan *c)
{
	bool more = true;

	while (more) {
		skip_blank(c);
		if (peek(c) == '{' || peek(c) == '[') {
			if (!open_bracket(c, &more))
				return false;
			if (more)
				continue;
		} else if (!skip_scalar(c)) {
			return false;
		}
		if (!go_on(c, &more))
			return false;
	}
	return true;
}

static enum jval_kind kind_of(uint8_t first)
{
	switch (first) {
	case '{':
		return JVAL_OBJECT;
	case '[':
		return JVAL_ARRAY;
	case '"':
		return JVAL_STRING;
	case 't':
		return JVAL_TRUE;
	case 'f':
		return JVAL_FALSE;
	case 'n':
		return JVAL_NULL;
	default:
		return JVAL_NUMBER;
	}
}

/* The value at the cursor, blanks before it skipped. */
static bool take_value(struct scan *c, struct jval *ret)
{
	size_t start;

	skip_blank(c);
	start = c->at;
	if (!skip_value(c))
		return false;
	*ret = (struct jval){ span_of(c->s.p + start, c->at - start),
			      kind_of(c->s.p[start]) };
	return true;
}

bool jval_parse(struct span text, struct jval *ret)
{
	struct scan c = { .s = text };
	struct jval v;

	if (!utf8_valid(text) || !take_value(&c, &v))
		return false;
	skip_blank(&c);
	if (c.at != text.n)
		return false;
	*ret = v;
	return true;
}

struct jiter jiter_of(struct jval v)
{
	struct jiter it = { .object = v.kind == JVAL_OBJECT };

	if (it.object || v.kind == JVAL_ARRAY)
		it.left = span_of(v.raw.p + 1, v.raw.n - 2);
	return it;
}

bool jiter_next(struct jiter *it, struct jval *key, struct jval *v)
{
	struct scan c = { .s = it->left };
	struct jval name = { 0 };

	skip_blank(&c);
	if (peek(&c) < 0) {
		it->left.n = 0;
		return false;
	}
	if (it->object) {
		if (!take_value(&c, &name))
			return false;
		skip_blank(&c);
		if (!take(&c, ':'))
			return false;
	}
	if (!take_value(&c, v))
		return false;
	skip_blank(&c);
	(void)take(&c, ',');
	it->left = span_of(c.s.p + c.at, c.s.n - c.at);
	if (key)
		*key = name;
	return true;
}

struct jval jval_get(struct jval object, const char *name)
{
	struct jiter it = jiter_of(object);
	struct jval found = { 0 };
	struct jval key, v;

	if (!it.object)
		return found;
	while (jiter_next(&it, &key, &v))
		if (jval_is(key, name)) {
			if (found.kind != JVAL_NONE)
				return (struct jval){ .kind = JVAL_TWICE };
			found = v;
		}
	return found;
}

/* Four hexadecimal digits that were looked at before. */
static uint32_t unit_at(const uint8_t *p)
{
	uint32_t u = 0;
	unsigned i;

	for (i = 0; i < 4; i++)
		u = u << 4 | (uint32_t)hex_value(p[i]);
	return u;
}

/* The character of "\uXXXX" at p, n bytes there; how many it takes. */
static size_t take_unit(const uint8_t *p, size_t n, uint32_t *ret)
{
	uint32_t low;

	*ret = unit_at(p + 2);
	if (*ret < 0xd800 || *ret > 0xdfff)
		return 6;
	if (*ret < 0xdc00 && n >= 12 && p[6] == '\\' && p[7] == 'u') {
		low = unit_at(p + 8);
		if (low >= 0xdc00 && low <= 0xdfff) {
			*ret = 0x10000 + ((*ret & 0x3ff) << 10) + (low & 0x3ff);
			return 12;
		}
	}
	*ret = 0xfffd;
	return 6;
}

static uint32_t plain_escape(uint8_t b)
{
	switch (b) {
	case 'b':
		return '\b';
	case 'f':
		return '\f';
	case 'n':
		return '\n';
	case 'r':
		return '\r';
	case 't':
		return '\t';
	default:
		return b;
	}
}

static size_t utf8_put(uint8_t dst[4], uint32_t c)
{
	if (c < 0x80) {
		dst[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		dst[0] = (uint8_t)(0xc0 | c >> 6);
		dst[1] = (uint8_t)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		dst[0] = (uint8_t)(0xe0 | c >> 12);
		dst[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		dst[2] = (uint8_t)(0x80 | (c & 0x3f));
		return 3;
	}
	dst[0] = (uint8_t)(0xf0 | c >> 18);
	dst[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
	dst[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
	dst[3] = (uint8_t)(0x80 | (c & 0x3f));
	return 4;
}

/* The next bytes of a string's inside, as they are meant. */
static size_t take_char(struct span *in, uint8_t dst[4])
{
	size_t used = 1, n = 1;
	uint32_t c;

	if (in->p[0] != '\\') {
		dst[0] = in->p[0];
	} else if (in->p[1] == 'u') {
		used = take_unit(in->p, in->n, &c);
		n = utf8_put(dst, c);
	} else {
		used = 2;
		n = utf8_put(dst, plain_escape(in->p[1]));
	}
	*in = span_of(in->p + used, in->n - used);
	return n;
}

static struct span inside(struct jval string)
{
	return span_of(string.raw.p + 1, string.raw.n - 2);
}

bool jval_is(struct jval string, const char *text)
{
	struct span want = span_str(text);
	struct span in;
	uint8_t c[4];
	size_t n;

	if (string.kind != JVAL_STRING)
		return false;
	in = inside(string);
	while (in.n) {
		n = take_char(&in, c);
		if (n > want.n || memcmp(want.p, c, n) != 0)
			return false;
		want = span_of(want.p + n, want.n - n);
	}
	return want.n == 0;
}

bool jval_text(struct jval string, char *dst, size_t cap, struct span *ret)
{
	size_t n, at = 0;
	struct span in;
	uint8_t c[4];

	if (string.kind != JVAL_STRING)
		return false;
	in = inside(string);
	while (in.n) {
		n = take_char(&in, c);
		if (n > cap - at)
			return false;
		memcpy(dst + at, c, n);
		at += n;
	}
	*ret = span_of(dst, at);
	return true;
}

bool jval_cstr(struct jval string, char *dst, size_t cap)
{
	struct span text;

	if (!jval_text(string, dst, cap - 1, &text) ||
	    (text.n && memchr(text.p, 0, text.n))) {
		dst[0] = 0;
		return false;
	}
	dst[text.n] = 0;
	return true;
}

bool jval_int(struct jval number, int64_t *ret)
{
	struct span s = number.raw;
	bool minus;
	uint64_t v;

	if (number.kind != JVAL_NUMBER)
		return false;
	minus = s.p[0] == '-';
	if (minus)
		s = span_of(s.p + 1, s.n - 1);
	if (num_parse(s, 0, INT64_MAX, &v) < 0)
		return false;
	*ret = minus ? -(int64_t)v : (int64_t)v;
	return true;
}

void json_quote(struct buf *b, struct span text)
{
	size_t i;

	buf_u8(b, '"');
	for (i = 0; i < text.n; i++) {
		uint8_t c = text.p[i];

		if (c == '\n') {
			buf_str(b, "\\n");
		} else if (c < 0x20 || c == 0x7f) {
			buf_printf(b, "\\u%04x", c);
		} else {
			if (c == '"' || c == '\\')
				buf_u8(b, '\\');
			buf_u8(b, c);
		}
	}
	buf_u8(b, '"');
}
