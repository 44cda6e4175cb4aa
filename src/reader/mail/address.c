/* address: see address.h. */
#include "reader/mail/address.h"

#include "reader/mail/word.h"

void address_init(struct address_rd *r, struct span field)
{
	r->l = (struct lex){ field, 0 };
	r->name_n = r->angle[0] = r->angle[1] = 0;
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

/*
 * What is in <>, without blanks, comments and a route (@a,@b:). A comma that
 * is not in a route ends it: another address follows.
 */
static void angle(struct address_rd *r, struct buf *addr)
{
	struct lex *l = &r->l;

	l->pos++;
	lex_skip(l, NULL);
	while (!lex_end(l) && lex_peek(l) != '>') {
		uint8_t c = lex_peek(l);
		bool route = addr->n && addr->p[0] == '@';

		if (c == ',' && addr->n && !route)
			return;
		if (c == '"') {
			size_t from = l->pos;

			lex_quoted(l, NULL);
			buf_put(addr, l->s.p + from, l->pos - from);
		} else if (c == '<') {
			buf_reset(addr);
			l->pos++;
		} else {
			if (c == ':' && route)
				buf_reset(addr);
			else
				buf_u8(addr, c);
			l->pos++;
		}
		lex_skip(l, NULL);
	}
	l->pos += !lex_end(l);
}

static bool has_at(const struct address_rd *r)
{
	return r->bare.n && memchr(r->bare.p, '@', r->bare.n);
}

/*
 * Whether an address in <> follows before any byte of stops. What was found
 * is remembered, so that a long field is not looked through again and again.
 */
static bool angle_ahead(struct address_rd *r, const char *stops, size_t *found)
{
	struct lex l = r->l;

	if (l.pos < *found)
		return true;
	for (lex_skip(&l, NULL); !lex_end(&l); lex_skip(&l, NULL)) {
		uint8_t c = lex_peek(&l);

		if (c == '<') {
			*found = l.pos;
			return true;
		}
		if (c && strchr(stops, c))
			return false;
		if (c == '"')
			lex_quoted(&l, NULL);
		else
			l.pos++;
	}
	return false;
}

/* At a comma behind words that are no address: do they go on with a name? */
static bool names_more(struct address_rd *r)
{
	bool more;

	if (has_at(r))
		return false;
	r->l.pos++;
	more = angle_ahead(r, "@;:", &r->angle[0]);
	r->l.pos -= !more;
	return more;
}

/*
 * At a word. It goes on with a bare address only behind a dot or an @, or
 * with one of them. Else what was there is part of a name, unless it is a
 * whole address that nothing in <> follows: then true.
 */
static bool bare_full(struct address_rd *r)
{
	uint8_t last = r->bare.n ? r->bare.p[r->bare.n - 1] : '.';
	uint8_t next = lex_peek(&r->l);

	if (last == '.' || last == '@' || next == '.' || next == '@' ||
	    !lex_is_blank(r->l.s.p[r->l.pos - 1]))
		return false;
	if (has_at(r) && !angle_ahead(r, ",;:", &r->angle[1]))
		return true;
	buf_reset(&r->bare);
	r->name_n = r->phrase.n;
	return false;
}

static void words_reset(struct address_rd *r)
{
	buf_reset(&r->phrase);
	buf_reset(&r->bare);
	buf_reset(&r->comment);
	r->name_n = 0;
}

/* What was read so far as a bare address; its name is in a comment, or what
 * stood before it. */
static bool bare_end(struct address_rd *r, struct buf *name, struct buf *addr,
		     uint32_t *flaws)
{
	bool any = r->bare.n > 0;

	if (any) {
		buf_span(addr, buf_view(&r->bare));
		words_decode(lex_trim(r->comment.n ? buf_view(&r->comment)
						   : buf_part(&r->phrase, 0,
							      r->name_n)),
			     name, flaws);
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
	words_decode(lex_trim(buf_view(r->phrase.n ? &r->phrase : &r->comment)),
		     name, flaws);
	/* "<Undisclosed-Recipient:;>" */
	if (addr->n && !memchr(addr->p, '@', addr->n) &&
	    memchr(addr->p, ':', addr->n))
		buf_reset(addr);
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
			continue;
		}
		if (c == ',' || c == ';') {
			r->l.pos++;
			if (bare_end(r, name, addr, flaws))
				return true;
			continue;
		}
		if (c == ':')
			words_reset(r);
		if (c == ':' || c == '>' || c == ')')
			r->l.pos++;
		else if (bare_full(r))
			return bare_end(r, name, addr, flaws);
		else if (c == '"')
			quoted(r);
		else
			atom(r);
	}
	return bare_end(r, name, addr, flaws);
}
