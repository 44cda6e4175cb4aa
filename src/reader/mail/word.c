/* word: see word.h. */
#include "reader/mail/word.h"

#include "reader/mail/charset.h"
#include "reader/mail/flaw.h"
#include "reader/mail/lex.h"
#include "reader/mail/transfer.h"

struct word {
	struct span charset;
	struct span text;
	bool base64;
	size_t end; /* behind it */
};

/* Bytes of one charset, collected until another one follows. */
struct run {
	struct buf bytes;
	struct span charset;
	bool words; /* of encoded words, not of plain text */
	struct buf *out;
	uint32_t *flaws;
};

/* What stands before the next question mark; false if nothing does. */
static bool until_mark(struct span s, size_t *pos, size_t max, struct span *ret)
{
	size_t left = s.n - *pos;
	const uint8_t *to =
		left ? memchr(s.p + *pos, '?', left < max ? left : max) : NULL;

	if (!to)
		return false;
	*ret = span_of(s.p + *pos, (size_t)(to - s.p) - *pos);
	*pos += ret->n + 1;
	return true;
}

/* Where the next "?=" stands; s.n if there is none. */
static size_t end_find(struct span s, size_t pos)
{
	struct span piece;

	while (until_mark(s, &pos, s.n, &piece)) {
		if (pos < s.n && s.p[pos] == '=')
			return pos - 1;
	}
	return s.n;
}

/*
 * The text of a word may hold question marks; it ends with "?=". Where the next
 * one stands is remembered, so that what begins many words and ends none is not
 * looked through for each.
 */
static bool word_text(struct span s, size_t pos, size_t *end, struct word *ret)
{
	if (*end < pos)
		*end = end_find(s, pos);
	if (*end == s.n || *end - pos >= WORD_TEXT_MAX)
		return false;
	ret->text = span_of(s.p + pos, *end - pos);
	ret->end = *end + 2;
	return true;
}

/* =?charset?Q?text?= at s.p[i]; the charset may bring a language behind *. */
static bool word_at(struct span s, size_t i, size_t *end, struct word *ret)
{
	size_t pos = i + 2;
	const uint8_t *star;
	struct span how;

	if (s.n - i < 2 || s.p[i] != '=' || s.p[i + 1] != '?')
		return false;
	if (!until_mark(s, &pos, CHARSET_NAME_MAX + 1, &ret->charset) ||
	    !until_mark(s, &pos, 2, &how) || how.n != 1)
		return false;
	ret->base64 = lex_lower(how.p[0]) == 'b';
	if (!ret->base64 && lex_lower(how.p[0]) != 'q')
		return false;
	star = ret->charset.n ? memchr(ret->charset.p, '*', ret->charset.n)
			      : NULL;
	if (star)
		ret->charset.n = (size_t)(star - ret->charset.p);
	return word_text(s, pos, end, ret);
}

static void run_flush(struct run *r)
{
	charset_to_utf8(buf_view(&r->bytes), r->charset, r->out, r->flaws);
	buf_reset(&r->bytes);
}

static void run_begin(struct run *r, bool words, struct span charset)
{
	if (r->words == words && lex_equal(r->charset, charset))
		return;
	run_flush(r);
	r->words = words;
	r->charset = charset;
}

static void text_add(struct run *r, struct span s)
{
	if (!s.n)
		return;
	run_begin(r, false, span_of(NULL, 0));
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] != '\r' && s.p[i] != '\n')
			buf_u8(&r->bytes, s.p[i]);
	}
}

static void word_add(struct run *r, const struct word *w)
{
	size_t from;
	size_t n;
	uint8_t *dst;

	run_begin(r, true, w->charset);
	from = r->bytes.n;
	dst = w->text.n ? buf_extend(&r->bytes, w->text.n) : NULL;
	if (!dst)
		return;
	n = w->base64 ? base64_decode(w->text, dst, r->flaws)
		      : quoted_decode(w->text, true, dst);
	buf_cut(&r->bytes, from + n);
}

void words_decode(struct span s, struct buf *out, uint32_t *flaws)
{
	struct run r = { .out = out, .flaws = flaws };
	size_t from = 0; /* of text that was not added yet */
	size_t end = 0;	 /* see word_text() */
	size_t i = 0;
	struct word w;

	buf_init(&r.bytes, s.n);
	while (i < s.n) {
		const uint8_t *p = memchr(s.p + i, '=', s.n - i);
		struct span text;

		if (!p)
			break;
		i = (size_t)(p - s.p);
		if (!word_at(s, i, &end, &w)) {
			i++;
			continue;
		}
		text = span_of(s.p + from, i - from);
		if (!r.words || lex_trim(text).n)
			text_add(&r, text);
		word_add(&r, &w);
		i = from = w.end;
	}
	if (from < s.n)
		text_add(&r, span_of(s.p + from, s.n - from));
	run_flush(&r);
	buf_done(&r.bytes);
}
