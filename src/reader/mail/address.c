/* address: see address.h. */
#include "reader/mail/address.h"

#include "reader/mail/word.h"

void address_init(struct address_rd *r, struct span field)
{
	r->l = (struct lex){ field, 0 };
	buf_init(&r->phrase, field.n + 1);
	buf_init(&r->bare, field.n + 1);
	buf_init(&r->comment, field.n + 1);
}

void address_done(struct address_rd *r)
{
	buf_done(&r->phrase);
	buf_done(&r->bare);
	buf_done(&r->comment);
}

/* A quoted string: its meaning is for the name, its bytes for the address. */
static void quoted(struct address_rd *r)
{
	size_t from = r->l.pos;

	lex_quoted(&r->l, &r->phrase);
	buf_put(&r->bare, r->l.s.p + from, r->l.pos - from);
}

/* Up to the byte that ends a word; brackets and what is in them are in it. */
static void atom(struct address_rd *r)
{
	static const char ends[] = "\"(),:;<>";
	size_t from = r->l.pos;
	bool domain = false;

	while (!lex_end(&r->l)) {
		uint8_t c = lex_peek(&r->l);

		if (lex_is_blank(c) || (!domain && c && strchr(ends, c)))
			break;
		domain = c == '[' || (domain && c != ']');
		r->l.pos++;
	}
	buf_put(&r->phrase, r->l.s.p + from, r->l.pos - from);
	buf_put(&r->bare, r->l.s.p + from, r->l.pos - from);
}

/* What is in <>, without blanks, comments and a route (@a,@b:). */
static void angle(struct address_rd *r, struct buf *addr)
{
	struct lex *l = &r->l;

	l->pos++;
	lex_skip(l, NULL);
	while (!lex_end(l) && lex_peek(l) != '>') {
		uint8_t c = lex_peek(l);

		if (c == '"') {
			size_t from = l->pos;

			lex_quoted(l, NULL);
			buf_put(addr, l->s.p + from, l->pos - from);
		} else if (c == '<') {
			buf_reset(addr);
			l->pos++;
		} else {
			if (c == ':' && addr->n && addr->p[0] == '@')
				buf_reset(addr);
			else
				buf_u8(addr, c);
			l->pos++;
		}
		lex_skip(l, NULL);
	}
	l->pos += !lex_end(l);
}

/*
 * At a comma behind words that are no address: whether an address in <>
 * follows before any other, so that they belong to its name.
 */
static bool names_more(struct address_rd *r)
{
	struct lex l = r->l;

	if (r->bare.n && memchr(r->bare.p, '@', r->bare.n))
		return false;
	for (l.pos++; !lex_end(&l); lex_skip(&l, NULL)) {
		uint8_t c = lex_peek(&l);

		if (c == '"')
			lex_quoted(&l, NULL);
		else
			l.pos++;
		if (c == '<')
			return true;
		if (c == '@' || c == ';' || c == ':')
			return false;
	}
	return false;
}

static void words_reset(struct address_rd *r)
{
	buf_reset(&r->phrase);
	buf_reset(&r->bare);
	buf_reset(&r->comment);
}

/* What was read so far as a bare address; its name is in a comment. */
static bool bare_end(struct address_rd *r, struct buf *name, struct buf *addr,
		     uint32_t *flaws)
{
	bool any = r->bare.n > 0;

	if (any) {
		buf_span(addr, buf_view(&r->bare));
		words_decode(buf_view(&r->comment), name, flaws);
	}
	words_reset(r);
	return any;
}

static bool angle_end(struct address_rd *r, struct buf *name, struct buf *addr,
		      uint32_t *flaws)
{
	bool any;

	angle(r, addr);
	lex_skip(&r->l, &r->comment);
	words_decode(buf_view(r->phrase.n ? &r->phrase : &r->comment), name,
		     flaws);
	any = addr->n || name->n;
	words_reset(r);
	return any;
}

/* Blanks and comments between two words are one blank. */
static void gap(struct address_rd *r)
{
	size_t from = r->l.pos;

	lex_skip(&r->l, &r->comment);
	if (r->l.pos > from && r->phrase.n)
		buf_u8(&r->phrase, ' ');
}

bool address_next(struct address_rd *r, struct buf *name, struct buf *addr,
		  uint32_t *flaws)
{
	buf_reset(name);
	buf_reset(addr);
	for (gap(r); !lex_end(&r->l); gap(r)) {
		uint8_t c = lex_peek(&r->l);

		if (c == '<') {
			if (angle_end(r, name, addr, flaws))
				return true;
			continue;
		}
		if (c == ',' && r->phrase.n && names_more(r)) {
			buf_u8(&r->phrase, ',');
			r->l.pos++;
			continue;
		}
		if (c == ',' || c == ';') {
			r->l.pos++;
			if (bare_end(r, name, addr, flaws))
				return true;
			continue;
		}
		if (c == '"') {
			quoted(r);
			continue;
		}
		if (c == ':')
			words_reset(r);
		if (c == ':' || c == '>' || c == ')')
			r->l.pos++;
		else
			atom(r);
	}
	return bare_end(r, name, addr, flaws);
}
