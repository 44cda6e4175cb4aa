/*
 * lex: the cursor through which header fields are read (RFC 5322, 3.2): blanks,
 * comments, quoted strings. Fields are still folded: CR and LF count as blanks
 * and are never copied. No function moves behind the end, and what is not
 * closed ends there.
 */
#ifndef READER_MAIL_LEX_H
#define READER_MAIL_LEX_H

#include "base/buf.h"

struct lex {
	struct span s;
	size_t pos; /* <= s.n */
};

static inline bool lex_end(const struct lex *l)
{
	return l->pos >= l->s.n;
}

/* The next byte, 0 at the end. */
static inline uint8_t lex_peek(const struct lex *l)
{
	return lex_end(l) ? 0 : l->s.p[l->pos];
}

static inline bool lex_is_blank(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

static inline uint8_t lex_lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 0x20 : c;
}

static inline bool lex_is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static inline bool lex_is_alpha(uint8_t c)
{
	return (c | 0x20) >= 'a' && (c | 0x20) <= 'z';
}

/* Equal but for the case of ASCII letters; word is lower-case. */
bool lex_same(struct span s, const char *word);

/* The same of two texts of a mail. */
bool lex_equal(struct span a, struct span b);

/* Without the blanks around it. */
struct span lex_trim(struct span s);

/*
 * Skips blanks and comments, however nested. Where comment is not NULL, it
 * then holds the text of the last one, if there was any.
 */
void lex_skip(struct lex *l, struct buf *comment);

/* At a double quote: skips the quoted string, and appends what it means. */
void lex_quoted(struct lex *l, struct buf *out);

/* Moves behind the next <...> and returns what is in it; false at the end. */
bool lex_angle(struct lex *l, struct span *ret);

#endif
