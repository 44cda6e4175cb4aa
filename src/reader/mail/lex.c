/* lex: see lex.h. */
#include "reader/mail/lex.h"

bool lex_same(struct span s, const char *word)
{
	size_t i = 0;

	while (i < s.n && word[i] && lex_lower(s.p[i]) == (uint8_t)word[i])
		i++;
	return i == s.n && !word[i];
}

bool lex_equal(struct span a, struct span b)
{
	if (a.n != b.n)
		return false;
	for (size_t i = 0; i < a.n; i++) {
		if (lex_lower(a.p[i]) != lex_lower(b.p[i]))
			return false;
	}
	return true;
}

struct span lex_trim(struct span s)
{
	while (s.n && lex_is_blank(s.p[0]))
		s = span_of(s.p + 1, s.n - 1);
	while (s.n && lex_is_blank(s.p[s.n - 1]))
		s.n--;
	return s;
}

/* A byte of a comment or quoted string: what a backslash stands before is
 * itself. False at the end, and for a byte that closes or opens something. */
static bool text_byte(struct lex *l, const char *special, struct buf *out)
{
	uint8_t c = lex_peek(l);

	if (lex_end(l) || (c && strchr(special, c)))
		return false;
	l->pos++;
	if (c == '\\' && !lex_end(l))
		c = l->s.p[l->pos++];
	if (out && c != '\r' && c != '\n')
		buf_u8(out, c);
	return true;
}

/* At an opening parenthesis. */
static void comment_skip(struct lex *l, struct buf *out)
{
	size_t depth = 0;

	if (out)
		buf_reset(out);
	do {
		uint8_t c = lex_peek(l);

		depth += c == '(';
		depth -= c == ')';
		if (out && (c == ')' ? depth > 0 : depth > 1))
			buf_u8(out, c);
		l->pos++;
		while (depth && text_byte(l, "()", out))
			;
	} while (depth && !lex_end(l));
}

void lex_skip(struct lex *l, struct buf *comment)
{
	while (!lex_end(l)) {
		uint8_t c = lex_peek(l);

		if (c == '(')
			comment_skip(l, comment);
		else if (lex_is_blank(c))
			l->pos++;
		else
			return;
	}
}

void lex_quoted(struct lex *l, struct buf *out)
{
	l->pos++;
	while (text_byte(l, "\"", out))
		;
	l->pos += !lex_end(l);
}

bool lex_angle(struct lex *l, struct span *ret)
{
	const uint8_t *from;
	const uint8_t *to;

	if (lex_end(l))
		return false;
	from = memchr(l->s.p + l->pos, '<', l->s.n - l->pos);
	if (!from)
		return false;
	l->pos = (size_t)(from - l->s.p) + 1;
	to = l->s.n > l->pos ? memchr(from + 1, '>', l->s.n - l->pos) : NULL;
	if (!to)
		return false;
	*ret = span_of(from + 1, (size_t)(to - from) - 1);
	l->pos = (size_t)(to - l->s.p) + 1;
	return true;
}
