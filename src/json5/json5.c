/*
 * json5: see json5.h.
 *
 * One pass over the bytes. What is open is a stack of at most JSON5_DEPTH
 * nodes; nodes lie in one array and name each other by index, so the array may
 * move as it grows. Texts are decoded into one buffer, one behind the other.
 */
#include "json5/json5.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"

struct json5_node {
	enum json5_kind kind;
	uint32_t line;
	uint32_t key, key_n;   /* in texts */
	uint32_t text, text_n; /* likewise */
	uint32_t first, next;  /* nodes; 0: none, for 0 is the root */
	uint32_t last, count;  /* of an object or array */
};

struct json5 {
	char name[128];
	struct json5_node *nodes;
	uint32_t n, cap;
	struct buf texts;
};

struct parser {
	struct json5 *j;
	struct err *e;
	const uint8_t *p;
	size_t n, pos;
	size_t line_at; /* where the line begins */
	uint32_t line;
	uint32_t open[JSON5_DEPTH];
	size_t depth;
	/* Of the value that comes next, in an object. */
	uint32_t key, key_n;
};

enum { END = -1 };

static int fail(struct parser *p, int code, const char *what)
{
	if (!p->e->code)
		(void)err_set(p->e, code, "%s:%u:%zu: %s", p->j->name, p->line,
			      p->pos - p->line_at + 1, what);
	return -1;
}

static int peek(const struct parser *p)
{
	return p->pos < p->n ? p->p[p->pos] : END;
}

static bool digit(int c)
{
	return c >= '0' && c <= '9';
}

static int hex_value(int c)
{
	if (digit(c))
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

static bool word_start(int c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' ||
	       c == '$';
}

static bool word_part(int c)
{
	return word_start(c) || digit(c);
}

/* How many bytes of a line's end begin here: LF, CR, CRLF, and U+2028 and
 * U+2029, which are E2 80 A8 and E2 80 A9. */
static size_t line_end(const struct parser *p)
{
	const uint8_t *at = p->p + p->pos;
	size_t left = p->n - p->pos;

	if (!left)
		return 0;
	if (at[0] == '\n')
		return 1;
	if (at[0] == '\r')
		return left > 1 && at[1] == '\n' ? 2 : 1;
	return left > 2 && at[0] == 0xe2 && at[1] == 0x80 &&
			       (at[2] == 0xa8 || at[2] == 0xa9)
		       ? 3
		       : 0;
}

static bool take_line_end(struct parser *p)
{
	size_t n = line_end(p);

	p->pos += n;
	if (n) {
		p->line++;
		p->line_at = p->pos;
	}
	return n > 0;
}

/* Blanks of more than one byte: U+00A0, U+FEFF and the category Zs. */
static size_t wide_blank(const struct parser *p)
{
	static const char *const blanks[] = {
		"\xc2\xa0",	"\xef\xbb\xbf", "\xe1\x9a\x80", "\xe2\x80\x80",
		"\xe2\x80\x81", "\xe2\x80\x82", "\xe2\x80\x83", "\xe2\x80\x84",
		"\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
		"\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xaf", "\xe2\x81\x9f",
		"\xe3\x80\x80",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(blanks); i++) {
		size_t n = strlen(blanks[i]);

		if (p->n - p->pos >= n &&
		    memcmp(p->p + p->pos, blanks[i], n) == 0)
			return n;
	}
	return 0;
}

static int skip_comment(struct parser *p)
{
	bool block = p->pos + 1 < p->n && p->p[p->pos + 1] == '*';

	if (!block && !(p->pos + 1 < p->n && p->p[p->pos + 1] == '/'))
		return fail(p, -EINVAL, "a value or a comment belongs here");
	p->pos += 2;
	while (p->pos < p->n) {
		if (block && p->p[p->pos] == '*' && p->pos + 1 < p->n &&
		    p->p[p->pos + 1] == '/') {
			p->pos += 2;
			return 0;
		}
		if (take_line_end(p)) {
			if (!block)
				return 0;
			continue;
		}
		p->pos++;
	}
	return block ? fail(p, -EINVAL, "the comment has no end: write */") : 0;
}

/* Blanks, line ends and comments. */
static int skip(struct parser *p)
{
	for (;;) {
		int c = peek(p);
		size_t n;

		if (c == ' ' || c == '\t' || c == '\v' || c == '\f') {
			p->pos++;
		} else if (take_line_end(p)) {
			continue;
		} else if (c == '/') {
			if (skip_comment(p) < 0)
				return -1;
		} else {
			n = c == END ? 0 : wide_blank(p);
			if (!n)
				return 0;
			p->pos += n;
		}
	}
}

/* texts */

static void put_rune(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_u8(b, (uint8_t)c);
	} else if (c < 0x800) {
		buf_u8(b, (uint8_t)(0xc0 | c >> 6));
		buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else if (c < 0x10000) {
		buf_u8(b, (uint8_t)(0xe0 | c >> 12));
		buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		buf_u8(b, (uint8_t)(0xf0 | c >> 18));
		buf_u8(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

static int hex_digits(struct parser *p, size_t n, uint32_t *ret)
{
	*ret = 0;
	for (; n; n--) {
		int v = hex_value(peek(p));

		if (v < 0)
			return fail(p, -EINVAL,
				    "a hexadecimal digit belongs here");
		*ret = *ret << 4 | (uint32_t)v;
		p->pos++;
	}
	return 0;
}

/* Behind \u: four digits, and for the first half of a pair the second. */
static int unicode_escape(struct parser *p)
{
	uint32_t c, low;

	if (hex_digits(p, 4, &c) < 0)
		return -1;
	if (c >= 0xd800 && c <= 0xdbff) {
		if (p->n - p->pos < 2 || p->p[p->pos] != '\\' ||
		    p->p[p->pos + 1] != 'u')
			return fail(p, -EINVAL, "half of a surrogate pair");
		p->pos += 2;
		if (hex_digits(p, 4, &low) < 0)
			return -1;
		if (low < 0xdc00 || low > 0xdfff)
			return fail(p, -EINVAL, "half of a surrogate pair");
		c = 0x10000 + ((c - 0xd800) << 10) + (low - 0xdc00);
	} else if (c >= 0xdc00 && c <= 0xdfff) {
		return fail(p, -EINVAL, "half of a surrogate pair");
	}
	put_rune(&p->j->texts, c);
	return 0;
}

static int escape(struct parser *p)
{
	static const char from[] = "bfnrtv", to[] = "\b\f\n\r\t\v";
	struct buf *b = &p->j->texts;
	const char *at;
	uint32_t v;
	int c;

	if (take_line_end(p))
		return 0;
	c = peek(p);
	if (c == END)
		return fail(p, -EINVAL, "the string has no end");
	if (digit(c) && c != '0')
		return fail(p, -EINVAL, "no escape: a digit after a backslash");
	p->pos++;
	if (c == 'u')
		return unicode_escape(p);
	if (c == 'x') {
		if (hex_digits(p, 2, &v) < 0)
			return -1;
		put_rune(b, v);
		return 0;
	}
	if (c == '0') {
		if (digit(peek(p)))
			return fail(p, -EINVAL, "no escape: a digit after \\0");
		buf_u8(b, 0);
		return 0;
	}
	at = strchr(from, c);
	buf_u8(b, (uint8_t)(at ? to[at - from] : c));
	return 0;
}

static int string(struct parser *p, uint32_t *at, uint32_t *n)
{
	struct buf *b = &p->j->texts;
	int quote = peek(p);

	*at = (uint32_t)b->n;
	p->pos++;
	for (;;) {
		int c = peek(p);
		size_t wide;

		if (c == END || c == '\n' || c == '\r')
			return fail(p, -EINVAL, "the string has no end");
		if (b->n - *at > JSON5_TEXT)
			return fail(p, -E2BIG, "the string is too long");
		wide = line_end(p);
		if (wide) {
			/* U+2028 and U+2029 may stand in a string. */
			buf_put(b, p->p + p->pos, wide);
			(void)take_line_end(p);
			continue;
		}
		p->pos++;
		if (c == quote)
			break;
		if (c != '\\')
			buf_u8(b, (uint8_t)c);
		else if (escape(p) < 0)
			return -1;
	}
	*n = (uint32_t)(b->n - *at);
	return 0;
}

static struct span text_at(const struct json5 *j, uint32_t at, uint32_t n)
{
	return buf_part(&j->texts, at, n);
}

/* numbers, words */

static bool take_word(struct parser *p, const char *word)
{
	size_t n = strlen(word);

	if (p->n - p->pos < n || memcmp(p->p + p->pos, word, n) != 0 ||
	    (p->n - p->pos > n && word_part(p->p[p->pos + n])))
		return false;
	p->pos += n;
	return true;
}

static size_t digits(struct parser *p)
{
	size_t at = p->pos;

	while (digit(peek(p)))
		p->pos++;
	return p->pos - at;
}

static bool hex_number(struct parser *p)
{
	size_t at;

	if (p->n - p->pos < 2 || p->p[p->pos] != '0' ||
	    (p->p[p->pos + 1] != 'x' && p->p[p->pos + 1] != 'X'))
		return false;
	for (at = p->pos + 2; at < p->n && hex_value(p->p[at]) >= 0; at++)
		;
	if (at == p->pos + 2)
		return false;
	p->pos = at;
	return true;
}

static bool decimal_number(struct parser *p)
{
	bool zero = peek(p) == '0';
	size_t whole = digits(p), part = 0;

	if (zero && whole > 1)
		return false;
	if (peek(p) == '.') {
		p->pos++;
		part = digits(p);
	}
	if (!whole && !part)
		return false;
	if (peek(p) == 'e' || peek(p) == 'E') {
		p->pos++;
		if (peek(p) == '+' || peek(p) == '-')
			p->pos++;
		if (!digits(p))
			return false;
	}
	return true;
}

static int number(struct parser *p, struct json5_node *n)
{
	size_t at = p->pos;
	bool ok;

	if (peek(p) == '+' || peek(p) == '-')
		p->pos++;
	ok = take_word(p, "Infinity") || take_word(p, "NaN") || hex_number(p) ||
	     decimal_number(p);
	if (!ok || word_part(peek(p)) || peek(p) == '.')
		return fail(p, -EINVAL, "no number, no word, no string");
	if (p->pos - at > JSON5_DIGITS)
		return fail(p, -E2BIG, "the number is too long");
	n->kind = JSON5_NUMBER;
	n->text = (uint32_t)p->j->texts.n;
	n->text_n = (uint32_t)(p->pos - at);
	buf_put(&p->j->texts, p->p + at, p->pos - at);
	return 0;
}

static int scalar(struct parser *p, struct json5_node *n)
{
	static const struct {
		const char *word;
		enum json5_kind kind;
	} words[] = {
		{ "null", JSON5_NULL },
		{ "true", JSON5_TRUE },
		{ "false", JSON5_FALSE },
	};
	int c = peek(p);
	size_t i;

	if (c == '"' || c == '\'') {
		n->kind = JSON5_STRING;
		return string(p, &n->text, &n->text_n);
	}
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (take_word(p, words[i].word)) {
			n->kind = words[i].kind;
			return 0;
		}
	if (c == END)
		return fail(p, -EINVAL, "the text ends where a value belongs");
	return number(p, n);
}

/* the tree */

static int room(struct json5 *j)
{
	uint32_t cap = j->cap ? 2 * j->cap : 256;
	struct json5_node *more;

	if (j->n < j->cap)
		return 0;
	more = reallocarray(j->nodes, cap, sizeof(*more));
	if (!more)
		return -1;
	j->nodes = more;
	j->cap = cap;
	return 0;
}

/* Adds the node behind the last one of what is open. */
static int add(struct parser *p, const struct json5_node *n)
{
	struct json5 *j = p->j;
	struct json5_node *up;

	if (j->n == JSON5_NODES)
		return fail(p, -E2BIG, "too many values");
	if (room(j) < 0)
		return fail(p, -ENOMEM, "out of memory");
	j->nodes[j->n] = *n;
	if (p->depth) {
		up = &j->nodes[p->open[p->depth - 1]];
		if (up->last)
			j->nodes[up->last].next = j->n;
		else
			up->first = j->n;
		up->last = j->n;
		up->count++;
	}
	j->n++;
	return 0;
}

static int value(struct parser *p)
{
	int c = peek(p);
	struct json5_node n = {
		.line = p->line,
		.key = p->key,
		.key_n = p->key_n,
	};

	if (c == '{' || c == '[') {
		n.kind = c == '{' ? JSON5_OBJECT : JSON5_ARRAY;
		if (p->depth == JSON5_DEPTH)
			return fail(p, -E2BIG, "too deep");
		p->pos++;
	} else if (scalar(p, &n) < 0) {
		return -1;
	}
	if (add(p, &n) < 0)
		return -1;
	if (n.kind == JSON5_OBJECT || n.kind == JSON5_ARRAY)
		p->open[p->depth++] = p->j->n - 1;
	return 0;
}

static bool in_object(const struct parser *p)
{
	return p->j->nodes[p->open[p->depth - 1]].kind == JSON5_OBJECT;
}

static int key_once(struct parser *p)
{
	const struct json5 *j = p->j;
	const struct json5_node *up = &j->nodes[p->open[p->depth - 1]];
	struct span key = text_at(j, p->key, p->key_n);
	uint32_t i;

	if (up->count == JSON5_KEYS)
		return fail(p, -E2BIG, "too many keys in one object");
	for (i = up->first; i; i = j->nodes[i].next)
		if (span_eq(text_at(j, j->nodes[i].key, j->nodes[i].key_n),
			    key))
			return fail(p, -EINVAL,
				    "the key stands twice in this object");
	return 0;
}

/* A key and the colon behind it. */
static int key(struct parser *p)
{
	int c = peek(p);

	if (c == '"' || c == '\'') {
		if (string(p, &p->key, &p->key_n) < 0)
			return -1;
	} else if (word_start(c)) {
		p->key = (uint32_t)p->j->texts.n;
		for (; word_part(peek(p)); p->pos++)
			buf_u8(&p->j->texts, p->p[p->pos]);
		p->key_n = (uint32_t)(p->j->texts.n - p->key);
	} else {
		return fail(p, -EINVAL, "a key belongs here: put it in quotes");
	}
	if (key_once(p) < 0 || skip(p) < 0)
		return -1;
	if (peek(p) != ':')
		return fail(p, -EINVAL, "a colon belongs here");
	p->pos++;
	return skip(p);
}

/* After a value: ends what ends here. Returns 1 if a further value comes, 0 at
 * the end of the root. */
static int after(struct parser *p)
{
	for (;;) {
		int c;

		if (!p->depth)
			return 0;
		if (skip(p) < 0)
			return -1;
		c = peek(p);
		if (c == ',') {
			p->pos++;
			return 1;
		}
		if (c != (in_object(p) ? '}' : ']'))
			return fail(p, -EINVAL,
				    in_object(p) ? "a comma or } belongs here"
						 : "a comma or ] belongs here");
		p->pos++;
		p->depth--;
	}
}

/* At the beginning of what was opened, or behind a comma. */
static bool closes(const struct parser *p)
{
	return p->depth && peek(p) == (in_object(p) ? '}' : ']');
}

static int tree(struct parser *p)
{
	int rc;

	for (;;) {
		if (skip(p) < 0)
			return -1;
		if (!closes(p)) {
			size_t depth = p->depth;

			p->key = p->key_n = 0;
			if (depth && in_object(p) && key(p) < 0)
				return -1;
			if (value(p) < 0)
				return -1;
			if (p->depth > depth)
				continue;
		}
		rc = after(p);
		if (rc <= 0)
			break;
	}
	if (rc < 0 || skip(p) < 0)
		return -1;
	if (p->pos < p->n)
		return fail(p, -EINVAL, "something stands behind the value");
	if (!buf_ok(&p->j->texts))
		return fail(p, -ENOMEM, "out of memory");
	return 0;
}

int json5_parse(const char *name, struct span text, struct json5 **ret,
		struct err *e)
{
	CLEAN_JSON5 struct json5 *j = calloc(1, sizeof(*j));
	struct parser p = {
		.j = j, .e = e, .p = text.p, .n = text.n, .line = 1
	};

	e->code = 0;
	if (!j)
		return err_set(e, -ENOMEM, "%.100s: out of memory", name);
	(void)str_printf(j->name, sizeof(j->name), "%s", name);
	buf_init(&j->texts, JSON5_BYTES + 1);
	if (text.n > JSON5_BYTES)
		return err_set(e, -E2BIG, "%s: longer than %d bytes", j->name,
			       (int)JSON5_BYTES);
	if (!utf8_valid(text))
		return err_set(e, -EINVAL, "%s: bytes that are no UTF-8",
			       j->name);
	/* Nothing gets longer by being decoded. What is asked for at once does
	 * not move, so that texts that are secret are in one place. */
	if (!buf_extend(&j->texts, text.n + 1))
		return err_set(e, -ENOMEM, "%s: out of memory", j->name);
	buf_cut(&j->texts, 0);
	if (tree(&p) < 0)
		return e->code;
	*ret = j;
	j = NULL;
	return 0;
}

void json5_free(struct json5 *j)
{
	if (!j)
		return;
	if (j->texts.p)
		explicit_bzero(j->texts.p, j->texts.cap);
	buf_done(&j->texts);
	free(j->nodes);
	free(j);
}

void json5_freep(struct json5 **j)
{
	json5_free(*j);
}

const char *json5_name(const struct json5 *j)
{
	return j->name;
}

const struct json5_node *json5_root(const struct json5 *j)
{
	return j->nodes;
}

enum json5_kind json5_kind(const struct json5_node *n)
{
	return n ? n->kind : 0;
}

uint32_t json5_line(const struct json5_node *n)
{
	return n ? n->line : 0;
}

struct span json5_text(const struct json5 *j, const struct json5_node *n)
{
	if (!n || (n->kind != JSON5_STRING && n->kind != JSON5_NUMBER))
		return (struct span){ 0 };
	return text_at(j, n->text, n->text_n);
}

struct span json5_key(const struct json5 *j, const struct json5_node *n)
{
	return n ? text_at(j, n->key, n->key_n) : (struct span){ 0 };
}

static const struct json5_node *at(const struct json5 *j, uint32_t i)
{
	return i ? &j->nodes[i] : NULL;
}

const struct json5_node *json5_first(const struct json5 *j,
				     const struct json5_node *n)
{
	return n ? at(j, n->first) : NULL;
}

const struct json5_node *json5_next(const struct json5 *j,
				    const struct json5_node *n)
{
	return n ? at(j, n->next) : NULL;
}

const struct json5_node *json5_get(const struct json5 *j,
				   const struct json5_node *n, const char *key)
{
	const struct json5_node *c;

	if (json5_kind(n) != JSON5_OBJECT)
		return NULL;
	for (c = json5_first(j, n); c; c = json5_next(j, c))
		if (span_is(json5_key(j, c), key))
			return c;
	return NULL;
}

bool json5_int(const struct json5 *j, const struct json5_node *n, int64_t *ret)
{
	struct span t = json5_text(j, n);
	bool minus = t.n && t.p[0] == '-';
	uint64_t v;

	if (json5_kind(n) != JSON5_NUMBER)
		return false;
	if (minus)
		t = span_of(t.p + 1, t.n - 1);
	if (num_parse(t, 0, (UINT64_C(1) << 53) - 1, &v) < 0)
		return false;
	*ret = minus ? -(int64_t)v : (int64_t)v;
	return true;
}
