/* answer: see answer.h. */
#include "label/answer.h"

#include "base/str.h"
#include "label/types.h"

enum { DAY_S = 86400, DAY_TEXT = sizeof("2026-11-20") - 1 };

uint32_t bits_of(uint64_t outcomes)
{
	uint32_t bits = 0;

	while (bits < 64 && (UINT64_C(1) << bits) < outcomes) {
		if (bits == 63)
			return 64;
		bits++;
	}
	return bits;
}

/* How many there are from..to; 0: there are none, or all of 64 bits. */
static uint64_t count(int64_t from, int64_t to)
{
	return from > to ? 0 : (uint64_t)to - (uint64_t)from + 1;
}

int answer_bits(const struct answer_want *w)
{
	switch (w->type) {
	case ANSWER_BOOL:
		return 1;
	case ANSWER_ENUM:
		return w->n >= 2 && w->n <= ANSWER_WORDS ? (int)bits_of(w->n)
							 : -1;
	case ANSWER_INT:
	case ANSWER_DATE:
		return count(w->from, w->to) >= 2
			       ? (int)bits_of(count(w->from, w->to))
			       : -1;
	case ANSWER_MEMBER:
		return w->n >= 1 && w->n <= ANSWER_SETS
			       ? (int)bits_of((uint64_t)w->n + 1)
			       : -1;
	case ANSWER_TEXT:
		return 0;
	case ANSWER_MAX:
		break;
	}
	return -1;
}

const char *answer_take(struct answer_budget *b, const struct answer_want *w)
{
	const int bits = answer_bits(w);

	if (bits < 0)
		return "such an answer has no size: a word of 2 to 64, a "
		       "number "
		       "or a day between two bounds, a set of at most 256";
	if (b->spent > b->most ||
	    (uint32_t)bits + ANSWER_NONE > b->most - b->spent)
		return "this task has no bits left for such an answer";
	b->spent += (uint32_t)bits + ANSWER_NONE;
	return NULL;
}

static bool word_ok(struct span s)
{
	size_t i;

	if (!s.n || s.n > ANSWER_WORD || !utf8_valid(s) ||
	    span_is(s, ANSWER_NO_SET))
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
		if (s.p[i] == 0xc2 && i + 1 < s.n && s.p[i + 1] < 0xa0)
			return false;
	}
	return true;
}

static bool find_word(const struct span *words, uint32_t n, struct span s,
		      int64_t *ret)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		if (!span_eq(words[i], s))
			continue;
		*ret = i;
		return true;
	}
	return false;
}

bool answer_words(const struct span *words, uint32_t n)
{
	int64_t at;
	uint32_t i;

	for (i = 0; i < n; i++)
		if (!word_ok(words[i]) || find_word(words, i, words[i], &at))
			return false;
	return true;
}

bool answer_day(struct span text, int64_t *ret)
{
	CLEAN_BUF struct buf time, canon;

	buf_init(&time, 64);
	buf_init(&canon, 64);
	if (text.n != DAY_TEXT)
		return false;
	buf_span(&time, text);
	buf_str(&time, "T00:00:00Z");
	if (type_canon(TYPE_DATETIME, false, buf_view(&time), &canon) ||
	    !buf_ok(&canon))
		return false;
	*ret = type_number(TYPE_DATETIME, buf_view(&canon)) / DAY_S;
	return true;
}

static bool read_number(struct span s, int64_t *ret)
{
	const bool minus = s.n && s.p[0] == '-';
	uint64_t n;

	if (num_parse(span_of(s.p + minus, s.n - minus), minus, INT64_MAX, &n) <
	    0)
		return false;
	*ret = minus ? -(int64_t)n : (int64_t)n;
	return true;
}

bool answer_read(const struct answer_want *w, const struct span *words,
		 struct span said, int64_t *ret)
{
	int64_t which = 0;
	bool ok = false;

	switch (w->type) {
	case ANSWER_BOOL:
		which = span_is(said, "true");
		ok = which || span_is(said, "false");
		break;
	case ANSWER_ENUM:
		ok = find_word(words, w->n, said, &which);
		break;
	case ANSWER_INT:
	case ANSWER_DATE:
		ok = w->type == ANSWER_INT ? read_number(said, &which)
					   : answer_day(said, &which);
		ok = ok && which >= w->from && which <= w->to;
		break;
	case ANSWER_MEMBER:
		which = w->n;
		ok = span_is(said, ANSWER_NO_SET) ||
		     find_word(words, w->n, said, &which);
		break;
	case ANSWER_TEXT:
	case ANSWER_MAX:
		break;
	}
	if (ok)
		*ret = which;
	return ok;
}

void answer_put(struct buf *out, const struct answer_want *w,
		const struct span *words, int64_t which)
{
	const size_t at = out->n;

	switch (w->type) {
	case ANSWER_BOOL:
		buf_str(out, which ? "true" : "false");
		break;
	case ANSWER_ENUM:
	case ANSWER_MEMBER:
		if (which >= 0 && which < w->n)
			buf_span(out, words[which]);
		else
			buf_str(out, ANSWER_NO_SET);
		break;
	case ANSWER_INT:
		buf_printf(out, "%lld", (long long)which);
		break;
	case ANSWER_DATE:
		type_put_datetime(out, which * DAY_S);
		if (buf_ok(out))
			buf_cut(out, at + DAY_TEXT);
		break;
	case ANSWER_TEXT:
	case ANSWER_MAX:
		break;
	}
}
