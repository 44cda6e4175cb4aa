/* param: see param.h. */
#include "reader/mail/param.h"

#include "reader/mail/charset.h"
#include "reader/mail/flaw.h"
#include "reader/mail/lex.h"
#include "reader/mail/word.h"

enum { WHOLE = -1 }; /* the section of what is in one piece */

/* name*SECTION*=value; a star at the end of the name makes it extended. */
struct piece {
	int section;
	bool extended;
	size_t from; /* its text in struct param */
	size_t n;
};

struct param {
	struct buf text; /* of all pieces */
	struct piece pieces[PARAM_PIECES_MAX];
	size_t n;
};

static bool is_name(uint8_t c)
{
	return c > ' ' && c < 0x7f && c != '=' && c != ';' && c != '(';
}

struct span param_value(struct span field)
{
	struct lex l = { field, 0 };
	size_t from;

	lex_skip(&l, NULL);
	from = l.pos;
	while (is_name(lex_peek(&l)))
		l.pos++;
	return l.pos > from ? span_of(field.p + from, l.pos - from)
			    : span_of(NULL, 0);
}

/* An unquoted value goes to the next semicolon, blanks and all. */
static void bare_value(struct lex *l, struct buf *out)
{
	size_t from = l->pos;
	size_t to = from;

	while (!lex_end(l) && lex_peek(l) != ';') {
		bool blank = lex_is_blank(lex_peek(l));

		l->pos++;
		if (!blank)
			to = l->pos;
		else if (lex_peek(l) == '(')
			lex_skip(l, NULL);
	}
	for (size_t i = from; i < to; i++) {
		if (l->s.p[i] != '\r' && l->s.p[i] != '\n')
			buf_u8(out, l->s.p[i]);
	}
}

/* The section of "name*N", "name*" or "name"; -2 if it is not that name. */
static int name_section(struct span got, const char *name, bool *extended)
{
	size_t len = strlen(name);
	int section = 0;
	size_t i;

	*extended = got.n && got.p[got.n - 1] == '*';
	got.n -= *extended;
	if (got.n < len || !lex_same(span_of(got.p, len), name))
		return -2;
	if (got.n == len)
		return WHOLE;
	if (got.p[len] != '*' || got.n == len + 1)
		return -2;
	for (i = len + 1; i < got.n; i++) {
		if (!lex_is_digit(got.p[i]) || section > PARAM_PIECES_MAX)
			return -2;
		section = section * 10 + (got.p[i] - '0');
	}
	return section;
}

static struct span piece_text(const struct param *p, size_t i)
{
	return buf_part(&p->text, p->pieces[i].from, p->pieces[i].n);
}

static const struct piece *piece_find(const struct param *p, int section,
				      bool extended, size_t *ret)
{
	for (size_t i = 0; i < p->n; i++) {
		if (p->pieces[i].section != section ||
		    p->pieces[i].extended != extended)
			continue;
		*ret = i;
		return &p->pieces[i];
	}
	return NULL;
}

/* The first of two pieces of the same name and section stays. */
static void piece_add(struct param *p, struct piece new)
{
	size_t old;

	new.n = p->text.n - new.from;
	if (piece_find(p, new.section, new.extended, &old))
		buf_cut(&p->text, new.from);
	else if (p->n < PARAM_PIECES_MAX)
		p->pieces[p->n++] = new;
}

/*
 * The parameter at the cursor, which moves to the semicolon behind it. Its
 * value is appended; false if it has none.
 */
static bool param_next(struct lex *l, struct span *name, struct buf *value)
{
	size_t from;
	bool has;

	while (lex_peek(l) == ';')
		l->pos++;
	lex_skip(l, NULL);
	from = l->pos;
	while (is_name(lex_peek(l)))
		l->pos++;
	*name = span_of(l->s.p + from, l->pos - from);
	lex_skip(l, NULL);
	has = lex_peek(l) == '=';
	if (has) {
		l->pos++;
		lex_skip(l, NULL);
		if (lex_peek(l) == '"')
			lex_quoted(l, value);
		else
			bare_value(l, value);
	}
	while (!lex_end(l) && lex_peek(l) != ';')
		l->pos++;
	return has;
}

/* The cursor before the first parameter. */
static struct lex params_begin(struct span field)
{
	struct lex l = { field, 0 };

	while (!lex_end(&l) && lex_peek(&l) != ';')
		l.pos++;
	return l;
}

static void params_scan(struct span field, const char *name, struct param *p)
{
	struct lex l = params_begin(field);

	for (size_t i = 0; i < PARAM_MAX && !lex_end(&l); i++) {
		struct piece new = { .from = p->text.n };
		bool has;
		struct span got;

		has = param_next(&l, &got, &p->text);
		new.section = name_section(got, name, &new.extended);
		if (has && new.section >= WHOLE)
			piece_add(p, new);
		else
			buf_cut(&p->text, new.from);
	}
}

void params_check(struct span field, uint32_t *flaws)
{
	CLEAN_BUF struct buf text = { .max = field.n };
	struct lex l = params_begin(field);
	struct {
		struct span name;
		size_t from;
	} rows[PARAM_MAX + 1];
	size_t n = 0;

	rows[0].from = 0;
	for (size_t looked = 0; looked < PARAM_MAX && !lex_end(&l); looked++) {
		struct span value;

		if (!param_next(&l, &rows[n].name, &text))
			continue;
		value = buf_part(&text, rows[n].from, text.n);
		for (size_t i = 0; i < n; i++) {
			struct span old =
				buf_part(&text, rows[i].from,
					 rows[i + 1].from - rows[i].from);

			if (lex_equal(rows[i].name, rows[n].name))
				flaw_add(flaws,
					 span_eq(old, value)
						 ? FLAW_DUPLICATE_PARAMETER
						 : FLAW_CONFLICTING_PARAMETER);
		}
		rows[++n].from = text.n;
	}
	/* what nobody compared, and only others read */
	if (!lex_end(&l))
		flaw_add(flaws, FLAW_CONFLICTING_PARAMETER);
}

static int hex_value(uint8_t c)
{
	if (lex_is_digit(c))
		return c - '0';
	c = lex_lower(c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

static void percent_decode(struct span s, struct buf *out)
{
	for (size_t i = 0; i < s.n; i++) {
		int hi = -1;
		int lo = -1;

		if (s.p[i] == '%' && s.n - i > 2) {
			hi = hex_value(s.p[i + 1]);
			lo = hex_value(s.p[i + 2]);
		}
		if (hi < 0 || lo < 0) {
			buf_u8(out, s.p[i]);
			continue;
		}
		buf_u8(out, (uint8_t)(hi << 4 | lo));
		i += 2;
	}
}

/* charset'language'text of a first extended piece; the text is returned. */
static struct span charset_split(struct span s, struct span *charset)
{
	const uint8_t *one = s.n ? memchr(s.p, '\'', s.n) : NULL;
	size_t at = one ? (size_t)(one - s.p) + 1 : 0;
	const uint8_t *two = at < s.n ? memchr(s.p + at, '\'', s.n - at) : NULL;

	if (!one || !two)
		return s;
	*charset = span_of(s.p, at - 1);
	return span_of(two + 1, s.n - (size_t)(two + 1 - s.p));
}

/* The pieces from section on, in their order; false if there is none. */
static bool pieces_join(const struct param *p, int section, struct buf *out,
			uint32_t *flaws)
{
	CLEAN_BUF struct buf bytes = { .max = p->text.n + 1 };
	struct span charset = { NULL, 0 };
	bool any = false;
	size_t i;

	for (; section < PARAM_PIECES_MAX; section++) {
		bool ext = piece_find(p, section, true, &i) != NULL;
		struct span s;

		if (!ext && !piece_find(p, section, false, &i))
			break;
		s = piece_text(p, i);
		if (ext && !any)
			s = charset_split(s, &charset);
		if (ext)
			percent_decode(s, &bytes);
		else
			buf_span(&bytes, s);
		any = true;
		if (section == WHOLE)
			break;
	}
	if (any)
		charset_to_utf8(buf_view(&bytes), charset, out, flaws);
	return any;
}

/* The plain form, unless the extended one is there; that two differ is noted
 * by the caller. */
static bool plain_get(const struct param *p, bool words, struct buf *out,
		      uint32_t *flaws)
{
	struct span s;
	size_t i;

	if (!piece_find(p, WHOLE, false, &i))
		return false;
	s = piece_text(p, i);
	if (words)
		words_decode(s, out, flaws);
	else
		buf_span(out, s);
	return true;
}

bool param_get(struct span field, const char *name, bool words, struct buf *out,
	       uint32_t *flaws)
{
	struct param p;
	CLEAN_BUF struct buf plain = { .max = 3 * field.n + 1 };
	size_t from = out->n;
	bool have, extended;
	size_t i;

	p.n = 0;
	buf_init(&p.text, field.n);
	params_scan(field, name, &p);
	have = plain_get(&p, words, &plain, flaws);
	extended = p.n > have &&
		   pieces_join(&p, piece_find(&p, WHOLE, true, &i) ? WHOLE : 0,
			       out, flaws);
	buf_done(&p.text);
	if (!extended)
		buf_span(out, buf_view(&plain));
	else if (have &&
		 !span_eq(buf_part(out, from, out->n - from), buf_view(&plain)))
		flaw_add(flaws, FLAW_CONFLICTING_PARAMETER);
	return have || extended;
}
