/* imap_read: see imap_read.h. */
#include "imap_read.h"

#include <strings.h>

#include "base/rd.h"
#include "base/str.h"

void imap_reader_init(struct imap_reader *r)
{
	*r = (struct imap_reader){ 0 };
	buf_init(&r->line, IMAP_LINE);
	buf_init(&r->literal, LIMIT_ITEM);
}

void imap_reader_done(struct imap_reader *r)
{
	buf_done(&r->line);
	buf_done(&r->literal);
}

static struct span from(struct span s, size_t at)
{
	/* Nothing has no place to count from. */
	return at ? span_of(s.p + at, s.n - at) : s;
}

/* The N of a "{N}" or "{N+}" that ends the line; its place. */
static bool literal_at_end(struct span line, uint64_t *ret, size_t *at)
{
	size_t end, i;

	if (line.n < 3 || line.p[line.n - 1] != '}')
		return false;
	end = line.n - 1;
	if (line.p[end - 1] == '+')
		end--;
	for (i = end; i > 0 && line.p[i - 1] >= '0' && line.p[i - 1] <= '9';
	     i--)
		;
	if (i == 0 || i == end || line.p[i - 1] != '{')
		return false;
	*at = i - 1;
	return num_parse(span_of(line.p + i, end - i), 0, UINT32_MAX, ret) == 0;
}

static bool ends_with(struct span s, const char *word)
{
	size_t n = strlen(word);

	return s.n >= n &&
	       strncasecmp((const char *)s.p + s.n - n, word, n) == 0;
}

/* A literal begins: is it to be kept, is it too long? IMAP_MORE: read on. */
static enum imap_got begin_literal(struct imap_reader *r, uint64_t n, size_t at)
{
	struct span before = span_of(r->line.p, at);

	r->keep =
		ends_with(before, " BODY[] ") || ends_with(before, "(BODY[] ");
	r->left = n;
	if (r->keep) {
		if (r->have_literal)
			return IMAP_BAD_LITERAL;
		if (n > LIMIT_ITEM)
			return IMAP_TOO_LARGE;
		r->have_literal = true;
		return IMAP_MORE;
	}
	if (n > IMAP_DROPPED - r->dropped)
		return IMAP_BAD_LITERAL;
	r->dropped += n;
	return IMAP_MORE;
}

static enum imap_got take_literal(struct imap_reader *r, struct span *in)
{
	size_t n = in->n < r->left ? in->n : (size_t)r->left;

	if (r->keep)
		buf_put(&r->literal, in->p, n);
	r->left -= n;
	*in = from(*in, n);
	return buf_ok(&r->literal) ? IMAP_MORE : IMAP_BAD_LITERAL;
}

/* The line has an end: CRLF, or a bare LF. */
static enum imap_got end_line(struct imap_reader *r)
{
	uint64_t n;
	size_t at;

	if (r->line.n && r->line.p[r->line.n - 1] == '\r')
		buf_cut(&r->line, r->line.n - 1);
	if (r->line.n && (memchr(r->line.p, 0, r->line.n) ||
			  memchr(r->line.p, '\r', r->line.n)))
		return IMAP_BAD_LINE;
	if (literal_at_end(buf_view(&r->line), &n, &at))
		return begin_literal(r, n, at);
	r->ended = true;
	return IMAP_RESPONSE;
}

static void clear(struct imap_reader *r)
{
	buf_cut(&r->line, 0);
	/* The memory of a large mail is not kept for the small ones. */
	if (r->literal.cap > IMAP_LINE)
		buf_done(&r->literal);
	else
		buf_cut(&r->literal, 0);
	r->have_literal = r->ended = false;
	r->dropped = 0;
}

enum imap_got imap_reader_next(struct imap_reader *r, struct span *in)
{
	if (r->ended)
		clear(r);
	while (in->n) {
		enum imap_got got = IMAP_MORE;
		const uint8_t *end;
		size_t n;

		if (r->left) {
			got = take_literal(r, in);
			if (got != IMAP_MORE)
				return got;
			continue;
		}
		end = memchr(in->p, '\n', in->n);
		n = end ? (size_t)(end - in->p) : in->n;
		buf_put(&r->line, in->p, n);
		if (!buf_ok(&r->line))
			return IMAP_BAD_LINE;
		*in = from(*in, n + (end != NULL));
		if (end)
			got = end_line(r);
		if (got != IMAP_MORE)
			return got;
	}
	return IMAP_MORE;
}

/* --- one response --- */

static bool is_case(struct span s, const char *word)
{
	return s.n == strlen(word) &&
	       strncasecmp((const char *)s.p, word, s.n) == 0;
}

/* Up to a blank, which is taken, too. */
static struct span take_word(struct span *s)
{
	const uint8_t *end = s->n ? memchr(s->p, ' ', s->n) : NULL;
	struct span w = *s;

	if (!end) {
		*s = from(*s, s->n);
		return w;
	}
	w.n = (size_t)(end - s->p);
	*s = from(*s, w.n + 1);
	return w;
}

static enum imap_status status_of(struct span w)
{
	static const struct {
		const char *word;
		enum imap_status status;
	} rows[] = {
		{ "OK", IMAP_OK },	     { "NO", IMAP_NO },
		{ "BAD", IMAP_BAD },	     { "BYE", IMAP_BYE },
		{ "PREAUTH", IMAP_PREAUTH },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (is_case(w, rows[i].word))
			return rows[i].status;
	return IMAP_NONE;
}

static void take_code(struct imap_response *ret, struct span s)
{
	const uint8_t *end = s.n ? memchr(s.p, ']', s.n) : NULL;

	ret->text = s;
	if (!s.n || s.p[0] != '[' || !end)
		return;
	ret->code = span_of(s.p + 1, (size_t)(end - s.p) - 1);
	ret->text = from(s, ret->code.n + 2);
}

/* A quoted string at the cursor; what is between the quotes, escaped still. */
static struct span take_quoted(struct rd *rd)
{
	size_t start;

	(void)rd_u8(rd);
	start = rd->pos;
	while (!rd->bad) {
		uint8_t c = rd_u8(rd);

		if (c == '\\')
			(void)rd_u8(rd);
		else if (c == '"')
			return span_of(rd->p + start, rd->pos - start - 1);
	}
	return span_of(rd->p, 0);
}

static uint8_t peek(const struct rd *rd)
{
	return !rd->bad && rd_left(rd) ? rd->p[rd->pos] : 0;
}

/* Characters up to a blank or a closing parenthesis; those in brackets, of
 * BODY[HEADER.FIELDS (X)], count as one. */
static struct span take_atom(struct rd *rd)
{
	size_t start = rd->pos;
	bool bracket = false;

	while (!rd->bad && rd_left(rd)) {
		uint8_t c = peek(rd);

		if (c == '[')
			bracket = true;
		else if (c == ']')
			bracket = false;
		else if (!bracket &&
			 (c == ' ' || c == '(' || c == ')' || c == '"'))
			break;
		(void)rd_u8(rd);
	}
	return span_of(rd->p + start, rd->pos - start);
}

/* Over a value: an atom, a quoted string, or a list of them. */
static void skip_value(struct rd *rd)
{
	int depth = 0;

	do {
		uint8_t c = peek(rd);

		if (c == '(') {
			depth++;
			(void)rd_u8(rd);
		} else if (c == ')') {
			depth--;
			(void)rd_u8(rd);
		} else if (c == '"') {
			(void)take_quoted(rd);
		} else if (c == ' ' && depth) {
			(void)rd_u8(rd);
		} else if (!take_atom(rd).n) {
			rd->bad = true;
		}
		if (depth < 0 || depth > IMAP_DEPTH)
			rd->bad = true;
	} while (depth > 0 && !rd->bad);
}

static void take_number(struct rd *rd, uint64_t max, uint64_t *ret)
{
	if (num_parse(take_atom(rd), 0, max, ret) < 0)
		rd->bad = true;
}

static void take_body(struct rd *rd, bool have_literal,
		      struct imap_response *ret)
{
	struct span atom;

	if (ret->have_body)
		rd->bad = true;
	ret->have_body = true;
	if (peek(rd) == '"') {
		ret->body = take_quoted(rd);
		return;
	}
	atom = take_atom(rd);
	ret->body_literal = atom.n && atom.p[0] == '{';
	/* NIL is a body without bytes. */
	if (ret->body_literal ? !have_literal : !is_case(atom, "NIL"))
		rd->bad = true;
}

static int parse_fetch(struct span list, bool have_literal,
		       struct imap_response *ret)
{
	struct rd rd;
	uint64_t n = 0;

	rd_init(&rd, list);
	if (rd_u8(&rd) != '(')
		return -1;
	while (!rd.bad && peek(&rd) != ')') {
		struct span name = take_atom(&rd);

		if (!name.n || rd_u8(&rd) != ' ')
			return -1;
		if (is_case(name, "UID")) {
			take_number(&rd, UINT32_MAX, &n);
			ret->uid = (uint32_t)n;
		} else if (is_case(name, "RFC822.SIZE")) {
			take_number(&rd, UINT64_MAX, &ret->size);
			ret->have_size = true;
		} else if (is_case(name, "BODY[]")) {
			take_body(&rd, have_literal, ret);
		} else {
			skip_value(&rd);
		}
		if (peek(&rd) == ' ')
			(void)rd_u8(&rd);
	}
	(void)rd_u8(&rd);
	return rd_end(&rd) ? 0 : -1;
}

static int parse_data(struct span s, bool have_literal,
		      struct imap_response *ret)
{
	struct span w = take_word(&s);
	uint64_t n;

	ret->status = status_of(w);
	if (ret->status != IMAP_NONE) {
		take_code(ret, s);
		return 0;
	}
	if (num_parse(w, 0, UINT32_MAX, &n) == 0) {
		ret->number = (uint32_t)n;
		ret->have_number = true;
		w = take_word(&s);
	}
	ret->name = w;
	ret->text = s;
	if (!w.n)
		return -1;
	if (ret->have_number && is_case(w, "FETCH"))
		return parse_fetch(s, have_literal, ret);
	return 0;
}

int imap_parse(struct span line, bool have_literal, struct imap_response *ret)
{
	struct imap_response r = { .kind = IMAP_UNTAGGED };
	struct span w;

	if (line.n && line.p[0] == '+') {
		r.kind = IMAP_CONTINUE;
		r.text = from(line, line.n > 1 && line.p[1] == ' ' ? 2 : 1);
		*ret = r;
		return 0;
	}
	w = take_word(&line);
	if (!w.n)
		return -1;
	if (span_is(w, "*")) {
		if (parse_data(line, have_literal, &r) < 0)
			return -1;
		*ret = r;
		return 0;
	}
	r.kind = IMAP_TAGGED;
	r.tag = w;
	r.status = status_of(take_word(&line));
	if (r.status != IMAP_OK && r.status != IMAP_NO && r.status != IMAP_BAD)
		return -1;
	take_code(&r, line);
	*ret = r;
	return 0;
}

bool imap_code_number(struct span code, const char *word, uint32_t *ret)
{
	uint64_t n;

	if (!is_case(take_word(&code), word) ||
	    num_parse(code, 0, UINT32_MAX, &n) < 0)
		return false;
	*ret = (uint32_t)n;
	return true;
}

bool imap_has_word(struct span list, const char *word)
{
	while (list.n)
		if (is_case(take_word(&list), word))
			return true;
	return false;
}
