/* header: see header.h. The grammar is RFC 5322, without its obsolete half. */
#include "header.h"

#include <assert.h>
#include <strings.h>

#include "base/str.h"

const char *header_fault_text(enum header_fault f)
{
	static const char *const texts[] = {
		[HEADER_OK] = "ok",
		[HEADER_TOO_LONG] = "the header is too long",
		[HEADER_BAD_LINE] = "a header line is not a field",
		[HEADER_BAD_BYTE] = "the header holds a NUL or a bare CR",
		[HEADER_NO_FROM] = "there is no From field",
		[HEADER_TWO_FROM] = "there is more than one From field",
		[HEADER_BAD_FROM] = "the From field is not a mailbox",
		[HEADER_MANY_FROM] = "the From field names more than one",
		[HEADER_LONG_FROM] = "the From address is too long",
		[HEADER_TWO_ID] = "there is more than one Message-ID",
		[HEADER_BAD_ID] = "the Message-ID is not printable ASCII",
		[HEADER_TWO_DATE] = "there is more than one Date",
		[HEADER_BAD_DATE] = "the Date is not printable ASCII",
	};

	static_assert(ARRAY_SIZE(texts) == HEADER_FAULT_MAX, "one a fault");
	return f < HEADER_FAULT_MAX ? texts[f] : "unknown";
}

/* A cursor over one field's value, which may be folded over lines. */
struct cursor {
	struct span s;
	size_t at;
};

/* The byte at the cursor, -1 at the end. */
static int peek(const struct cursor *c)
{
	return c->at < c->s.n ? c->s.p[c->at] : -1;
}

static bool is_blank(int b)
{
	return b == ' ' || b == '\t' || b == '\r' || b == '\n';
}

/* Letters, digits and the marks that RFC 5322 calls atext. */
static bool is_atext(int b)
{
	if ((b >= 'a' && b <= 'z') || (b >= 'A' && b <= 'Z') ||
	    (b >= '0' && b <= '9'))
		return true;
	return b > 0 && b < 0x80 && strchr("!#$%&'*+-/=?^_`{|}~", b);
}

/* "(" ... ")", nested by counting; false if it does not end. */
static bool skip_comment(struct cursor *c)
{
	int depth = 0;

	for (; peek(c) >= 0; c->at++) {
		if (peek(c) == '\\')
			c->at++;
		else if (peek(c) == '(' && ++depth > HEADER_COMMENT_DEPTH)
			return false;
		else if (peek(c) == ')' && --depth == 0)
			break;
	}
	if (peek(c) != ')')
		return false;
	c->at++;
	return true;
}

static bool skip_cfws(struct cursor *c)
{
	for (;;) {
		if (is_blank(peek(c)))
			c->at++;
		else if (peek(c) != '(')
			return true;
		else if (!skip_comment(c))
			return false;
	}
}

/* Past a quoted string; false if it does not end. */
static bool skip_quoted(struct cursor *c)
{
	for (c->at++; peek(c) >= 0 && peek(c) != '"'; c->at++)
		if (peek(c) == '\\')
			c->at++;
	if (peek(c) != '"')
		return false;
	c->at++;
	return true;
}

/* 1*atext *("." 1*atext) */
static bool skip_dot_atom(struct cursor *c)
{
	do {
		size_t start = c->at;

		while (is_atext(peek(c)))
			c->at++;
		if (c->at == start)
			return false;
	} while (peek(c) == '.' && ++c->at);
	return true;
}

/* Nothing that an address needs: blanks only inside a quoted local part. */
static bool printable(struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++)
		if (s.p[i] < 0x20 || s.p[i] > 0x7e)
			return false;
	return true;
}

/* "[" ... "]" of printable ASCII without brackets, backslashes, blanks. */
static bool skip_literal(struct cursor *c)
{
	for (c->at++; peek(c) > ' ' && peek(c) < 0x7f; c->at++) {
		if (peek(c) == ']') {
			c->at++;
			return true;
		}
		if (peek(c) == '[' || peek(c) == '\\')
			return false;
	}
	return false;
}

/* local-part "@" domain, without blanks or comments in between. */
static enum header_fault addr_spec(struct cursor *c, struct span *ret)
{
	size_t start = c->at;
	size_t local;
	bool ok;

	ok = peek(c) == '"' ? skip_quoted(c) : skip_dot_atom(c);
	local = c->at - start;
	if (!ok || peek(c) != '@')
		return HEADER_BAD_FROM;
	c->at++;
	ok = peek(c) == '[' ? skip_literal(c) : skip_dot_atom(c);
	if (!ok)
		return HEADER_BAD_FROM;
	*ret = span_of(c->s.p + start, c->at - start);
	if (!printable(*ret))
		return HEADER_BAD_FROM;
	if (local > HEADER_LOCAL_MAX || ret->n > HEADER_FROM_MAX)
		return HEADER_LONG_FROM;
	return HEADER_OK;
}

/* What stands after a mailbox, or in its place: nothing, a list, nonsense. */
static enum header_fault rest(struct cursor *c)
{
	if (!skip_cfws(c))
		return HEADER_BAD_FROM;
	if (peek(c) < 0)
		return HEADER_OK;
	return peek(c) == ',' || peek(c) == ':' || peek(c) == ';'
		       ? HEADER_MANY_FROM
		       : HEADER_BAD_FROM;
}

/* The words of a name: atoms, dots, 8-bit text, quoted strings, comments. */
static bool skip_phrase(struct cursor *c)
{
	for (;;) {
		if (!skip_cfws(c))
			return false;
		if (peek(c) == '"') {
			if (!skip_quoted(c))
				return false;
		} else if (is_atext(peek(c)) || peek(c) == '.' ||
			   peek(c) >= 0x80) {
			c->at++;
		} else {
			return true;
		}
	}
}

/* mailbox = [phrase] "<" addr-spec ">" / addr-spec */
static enum header_fault mailbox(struct span value, struct span *ret)
{
	struct cursor c = { value, 0 };
	enum header_fault f;
	size_t start;

	if (!skip_cfws(&c))
		return HEADER_BAD_FROM;
	start = c.at;
	f = addr_spec(&c, ret);
	if (f != HEADER_BAD_FROM)
		return f == HEADER_OK ? rest(&c) : f;
	c.at = start;
	if (!skip_phrase(&c))
		return HEADER_BAD_FROM;
	if (peek(&c) != '<')
		return rest(&c) == HEADER_MANY_FROM ? HEADER_MANY_FROM
						    : HEADER_BAD_FROM;
	c.at++;
	if (!skip_cfws(&c))
		return HEADER_BAD_FROM;
	f = addr_spec(&c, ret);
	if (f != HEADER_OK)
		return f;
	if (!skip_cfws(&c) || peek(&c) != '>')
		return HEADER_BAD_FROM;
	c.at++;
	return rest(&c);
}

static struct span trim(struct span s)
{
	while (s.n && is_blank(s.p[0]))
		s = span_of(s.p + 1, s.n - 1);
	while (s.n && is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* One line of text, as written; folded or 8-bit ones are refused. */
static bool plain_line(struct span value, char *dst, size_t cap)
{
	value = trim(value);
	return printable(value) && str_copy(dst, cap, value) == 0;
}

/* A field whose absence is no fault: folds become blanks; what is not printable
 * ASCII leaves it empty. */
static void unfold(struct span value, char *dst, size_t cap)
{
	size_t i, n = 0;

	value = trim(value);
	for (i = 0; i < value.n && n < cap - 1; i++) {
		const uint8_t c = value.p[i];

		if (c == '\r' || c == '\n')
			continue;
		if (c != '\t' && (c < ' ' || c > 0x7e)) {
			n = 0;
			break;
		}
		dst[n++] = (char)(c == '\t' ? ' ' : c);
	}
	dst[n] = 0;
}

/* The last ids of References that have room, whole ones. */
static void take_refs(struct span value, char *dst, size_t cap)
{
	size_t skip;

	value = trim(value);
	if (value.n >= cap) {
		skip = value.n - (cap - 1);
		while (skip < value.n && value.p[skip] != '<')
			skip++;
		value = span_of(value.p + skip, value.n - skip);
	}
	unfold(value, dst, cap);
}

/* The fields that are looked at, once each. */
struct seen {
	bool from, id, date, auth;
	unsigned refs, subject; /* how often */
};

/* True if the field is one of those that only an answer needs. */
static bool take_for_answer(struct span name, struct span value,
			    struct seen *seen, struct header_facts *h)
{
	if (name.n == 10 &&
	    !strncasecmp((const char *)name.p, "references", 10)) {
		take_refs(value, h->refs, sizeof(h->refs));
		if (seen->refs++)
			h->refs[0] = 0;
		return true;
	}
	if (name.n == 7 && !strncasecmp((const char *)name.p, "subject", 7)) {
		unfold(value, h->subject, sizeof(h->subject));
		if (seen->subject++)
			h->subject[0] = 0;
		return true;
	}
	return false;
}

static const char auth_field[] = "authentication-results";

static enum header_fault take_field(struct span name, struct span value,
				    struct seen *seen, struct header_facts *h)
{
	enum header_fault f = HEADER_OK;
	struct span addr;

	if (take_for_answer(name, value, seen, h))
		return HEADER_OK;
	if (name.n == 4 && !strncasecmp((const char *)name.p, "from", 4)) {
		if (seen->from)
			return HEADER_TWO_FROM;
		seen->from = true;
		f = mailbox(value, &addr);
		if (f == HEADER_OK &&
		    str_copy(h->from, sizeof(h->from), addr) < 0)
			f = HEADER_BAD_FROM;
	} else if (name.n == 10 &&
		   !strncasecmp((const char *)name.p, "message-id", 10)) {
		if (seen->id)
			return HEADER_TWO_ID;
		seen->id = true;
		if (!plain_line(value, h->id, sizeof(h->id)))
			f = HEADER_BAD_ID;
	} else if (name.n == 4 &&
		   !strncasecmp((const char *)name.p, "date", 4)) {
		if (seen->date)
			return HEADER_TWO_DATE;
		seen->date = true;
		if (!plain_line(value, h->date, sizeof(h->date)))
			f = HEADER_BAD_DATE;
	} else if (name.n == sizeof(auth_field) - 1 &&
		   !strncasecmp((const char *)name.p, auth_field, name.n) &&
		   !seen->auth) {
		/* Those below it came with the mail, or may have. */
		seen->auth = true;
		auth_read(value, &h->auth);
	}
	return f;
}

/* The line that an mbox file puts before each mail; "From :" is none. */
static bool is_mbox_line(struct span line)
{
	size_t i = 5;

	if (line.n < 6 || memcmp(line.p, "From ", 5) != 0)
		return false;
	while (i < line.n && is_blank(line.p[i]))
		i++;
	return i < line.n && line.p[i] != ':';
}

/* Takes a line off the front, without its LF or CRLF. False at the end. */
static bool next_line(struct span *left, struct span *line)
{
	const uint8_t *end;
	size_t n;

	if (left->n == 0)
		return false;
	end = memchr(left->p, '\n', left->n);
	n = end ? (size_t)(end - left->p) : left->n;
	*line = span_of(left->p, n);
	n += end != NULL;
	*left = span_of(left->p + n, left->n - n);
	if (end && line->n && line->p[line->n - 1] == '\r')
		line->n--;
	return true;
}

/* A field: its first line and those that begin with a blank after it. */
static enum header_fault next_field(struct span *left, struct span line,
				    struct span *name, struct span *value)
{
	const uint8_t *colon = line.n ? memchr(line.p, ':', line.n) : NULL;
	const uint8_t *end = line.p + line.n;
	struct span more;
	size_t i;

	if (!colon || colon == line.p)
		return HEADER_BAD_LINE;
	*name = span_of(line.p, (size_t)(colon - line.p));
	for (i = 0; i < name->n; i++)
		if (name->p[i] <= ' ' || name->p[i] > 0x7e)
			return HEADER_BAD_LINE;
	while (left->n && (left->p[0] == ' ' || left->p[0] == '\t')) {
		if (!next_line(left, &more))
			break;
		end = more.p + more.n;
	}
	*value = span_of(colon + 1, (size_t)(end - colon - 1));
	return HEADER_OK;
}

/* Cuts the header block out, its empty line excluded. */
static enum header_fault header_block(struct span mail, struct span *ret)
{
	struct span left =
		span_of(mail.p, mail.n > HEADER_MAX ? HEADER_MAX : mail.n);
	struct span line = { NULL, 0 };
	bool ended = false;
	size_t i;

	while (!ended && next_line(&left, &line))
		ended = line.n == 0;
	if (!ended && mail.n > HEADER_MAX)
		return HEADER_TOO_LONG;
	*ret = span_of(mail.p, ended ? (size_t)(line.p - mail.p) : mail.n);
	for (i = 0; i < ret->n; i++)
		if (ret->p[i] == 0 ||
		    (ret->p[i] == '\r' &&
		     (i + 1 == ret->n || ret->p[i + 1] != '\n')))
			return HEADER_BAD_BYTE;
	return HEADER_OK;
}

enum header_fault header_parse(struct span mail, struct header_facts *ret)
{
	struct header_facts h = { 0 };
	struct seen seen = { 0 };
	struct span left, line, name, value;
	enum header_fault f;
	bool first = true;

	f = header_block(mail, &left);
	while (f == HEADER_OK && next_line(&left, &line)) {
		if (first && is_mbox_line(line)) {
			first = false;
			continue;
		}
		first = false;
		f = next_field(&left, line, &name, &value);
		if (f == HEADER_OK)
			f = take_field(name, value, &seen, &h);
	}
	if (f == HEADER_OK && !seen.from)
		f = HEADER_NO_FROM;
	if (f == HEADER_OK)
		*ret = h;
	return f;
}
