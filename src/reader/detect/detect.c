/*
 * detect: see detect.h. A text becomes a row of tokens, each with the ids of
 * the rule words it equals or begins with. A rule is tried only where its
 * first slot stands; from there the set of places at which slot k can end is
 * a 64-bit mask, so a rule costs slots x gap steps and never backtracks.
 */
#include "reader/detect/detect.h"

#include <stdlib.h>
#include <utf8proc.h>

#include "reader/utf8.h"

struct slot {
	uint16_t first; /* in slot_words */
	uint8_t n;
	uint8_t gap; /* tokens that may stand before it */
};

struct rule {
	const char *id;
	uint8_t weight;
	uint16_t first; /* in slots */
	uint8_t n;
};

#include "rules.inc"

enum {
	TOKEN_BYTES_MAX = 40, /* folded; a longer one equals no word */
	TOKEN_IDS = 3,
	NO_WORD = 0xffff,
	N_RULES = ARRAY_SIZE(rules),
	MERGE_BACK = 16, /* rows that a hit is compared with */
};

struct token {
	uint32_t start;
	uint32_t end;
	uint16_t id[TOKEN_IDS];
};

/* A hit while windows are being judged. */
struct found {
	struct detect_hit hit;
	uint32_t token; /* first and last of the place */
	uint32_t last;
	uint16_t rule;
};

/* Latin letters by their look, for words that mix scripts. */
static uint32_t look_alike(uint32_t c)
{
	static const struct {
		uint16_t from;
		char to;
	} rows[] = {
		{ 0x0430, 'a' }, { 0x0435, 'e' }, { 0x043e, 'o' },
		{ 0x0440, 'p' }, { 0x0441, 'c' }, { 0x0443, 'y' },
		{ 0x0445, 'x' }, { 0x0456, 'i' }, { 0x0455, 's' },
		{ 0x0458, 'j' }, { 0x04bb, 'h' }, { 0x0501, 'd' },
		{ 0x03b1, 'a' }, { 0x03bf, 'o' }, { 0x03c1, 'p' },
		{ 0x03b9, 'i' }, { 0x03bd, 'v' }, { 0x0131, 'i' },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (rows[i].from == c)
			return (uint8_t)rows[i].to;
	}
	return c;
}

/* A character that is a word by itself: Han and Kana. */
static bool is_ideograph(uint32_t c)
{
	return (c >= 0x3040 && c <= 0x30ff) || (c >= 0x3400 && c <= 0x9fff) ||
	       (c >= 0xf900 && c <= 0xfaff) || (c >= 0x20000 && c <= 0x3ffff);
}

static bool is_word(uint32_t c)
{
	utf8proc_category_t cat;

	if (c < 0x80)
		return (c >= '0' && c <= '9') ||
		       ((c | 32) >= 'a' && (c | 32) <= 'z');
	cat = utf8proc_category((utf8proc_int32_t)c);
	return (cat >= UTF8PROC_CATEGORY_LU && cat <= UTF8PROC_CATEGORY_NO) ||
	       cat == UTF8PROC_CATEGORY_SO; /* circled letters */
}

/* One code point, folded, onto out. */
static size_t fold_char(uint32_t c, bool mixed, utf8proc_uint8_t *out)
{
	utf8proc_int32_t dst[24];
	size_t n = 0;
	int last = 0;
	utf8proc_ssize_t got;

	if (c < 0x80) {
		out[0] = (uint8_t)(c >= 'A' && c <= 'Z' ? c | 32 : c);
		return 1;
	}
	got = utf8proc_decompose_char(
		(utf8proc_int32_t)c, dst, (utf8proc_ssize_t)ARRAY_SIZE(dst),
		UTF8PROC_COMPAT | UTF8PROC_DECOMPOSE | UTF8PROC_CASEFOLD |
			UTF8PROC_STRIPMARK | UTF8PROC_IGNORE,
		&last);
	for (utf8proc_ssize_t i = 0; i < got && i < 4; i++) {
		utf8proc_int32_t d = dst[i];

		if (mixed)
			d = (utf8proc_int32_t)look_alike((uint32_t)d);
		n += (size_t)utf8proc_encode_char(d, out + n);
	}
	return n;
}

/* Folds the token s; 0 if it is longer than any word. */
static size_t fold(struct span s, uint8_t *out)
{
	bool ascii = false;
	bool other = false;
	size_t n = 0;
	size_t pos = 0;

	for (size_t i = 0; i < s.n; i++) {
		ascii |= (s.p[i] | 32) >= 'a' && (s.p[i] | 32) <= 'z';
		other |= s.p[i] >= 0x80;
	}
	while (pos < s.n) {
		utf8proc_uint8_t one[16];
		size_t k = fold_char(utf8_next(s, &pos), ascii && other, one);

		if (n + k > TOKEN_BYTES_MAX)
			return 0;
		memcpy(out + n, one, k);
		n += k;
	}
	return n;
}

/* The words from *lo to *hi agree in i bytes: those that have c behind them. */
static void words_narrow(size_t *lo, size_t *hi, size_t i, uint8_t c)
{
	while (*lo < *hi && (uint8_t)words[*lo][i] < c)
		(*lo)++;
	while (*lo < *hi && (uint8_t)words[*hi - 1][i] > c)
		(*hi)--;
}

/* The words among which the one is that n bytes of a token begin. */
static void words_of(const uint8_t *folded, size_t n, size_t *lo, size_t *hi)
{
	unsigned int a = folded[0] - 'a';
	unsigned int b = n > 1 ? folded[1] - 'a' : 26;

	if (a < 26 && b < 26) {
		*lo = pair_words[a * 26 + b];
		*hi = *lo + pair_count[a * 26 + b];
	} else {
		*lo = byte_words[folded[0]];
		*hi = byte_words[folded[0] + 1];
	}
}

/*
 * The word that equals the token, then those that it begins with, the longest
 * first. Words are sorted: one walk narrows them byte by byte, and is over
 * soon for the many tokens that are like none. Of the words that agree in i
 * bytes the one that ends there is the first, and the one with a * behind,
 * which sorts below all letters, the next.
 */
static void token_ids(struct token *t, const uint8_t *folded, size_t n)
{
	uint16_t prefix[TOKEN_BYTES_MAX + 1];
	size_t lo = 0;
	size_t hi = 0;
	size_t n_prefix = 0;
	size_t k = 0;

	for (size_t i = 0; i < TOKEN_IDS; i++)
		t->id[i] = NO_WORD;
	if (n)
		words_of(folded, n, &lo, &hi);
	for (size_t i = 1; lo < hi; i++) {
		size_t at = lo;

		if (!words[at][i]) {
			if (i == n)
				t->id[k++] = (uint16_t)at;
			at++;
		}
		if (i >= 3 && at < hi && words[at][i] == '*' &&
		    !words[at][i + 1])
			prefix[n_prefix++] = (uint16_t)at;
		if (i == n)
			break;
		words_narrow(&lo, &hi, i, folded[i]);
	}
	while (n_prefix && k < TOKEN_IDS)
		t->id[k++] = prefix[--n_prefix];
}

/* Behind the word at from, of which any character is known to be one. */
static size_t word_end(struct span s, size_t from)
{
	size_t pos = from;
	uint32_t c = utf8_next(s, &pos);

	while (!is_ideograph(c) && pos < s.n) {
		size_t next = pos;

		c = utf8_next(s, &next);
		if (!is_word(c) || is_ideograph(c))
			break;
		pos = next;
	}
	return pos;
}

/*
 * The same for one of ASCII alone, folded on the way; false if it is not, with
 * what may follow it. *n is 0 if it is longer than any word.
 */
static bool ascii_word(struct span s, size_t *pos, uint8_t *folded, size_t *n)
{
	size_t from = *pos;
	size_t i = from;

	for (; i < s.n && s.p[i] < 0x80 && ascii_fold[s.p[i]]; i++) {
		if (i - from < TOKEN_BYTES_MAX)
			folded[i - from] = ascii_fold[s.p[i]];
	}
	if (i == from || (i < s.n && s.p[i] >= 0x80))
		return false;
	*n = i - from <= TOKEN_BYTES_MAX ? i - from : 0;
	*pos = i;
	return true;
}

/* Splits s; apostrophes vanish (don't, l'instruction stay one word). */
static size_t tokenise(struct span s, struct token *out, size_t max)
{
	uint8_t folded[TOKEN_BYTES_MAX + 1];
	size_t pos = 0;
	size_t n = 0;

	while (pos < s.n && n < max) {
		size_t from = pos;
		size_t len;

		if (s.p[pos] < 0x80 && !ascii_fold[s.p[pos]]) {
			pos++;
			continue;
		}
		if (!ascii_word(s, &pos, folded, &len)) {
			if (!is_word(utf8_next(s, &pos)))
				continue;
			pos = word_end(s, from);
			len = fold(span_of(s.p + from, pos - from), folded);
		}
		out[n].start = (uint32_t)from;
		out[n].end = (uint32_t)pos;
		token_ids(&out[n++], folded, len);
	}
	return n;
}

static bool slot_is(const struct slot *sl, const struct token *t)
{
	for (size_t i = 0; i < TOKEN_IDS && t->id[i] != NO_WORD; i++) {
		for (size_t k = 0; k < sl->n; k++) {
			if (slot_words[sl->first + k] == t->id[i])
				return true;
		}
	}
	return false;
}

/*
 * Tries r at t[0], of which slot 0 is known to match. Returns the number of
 * tokens to the nearest end, or 0.
 */
static size_t rule_try(const struct rule *r, const struct token *t, size_t left)
{
	size_t window = left < DETECT_SPAN_TOKENS ? left : DETECT_SPAN_TOKENS;
	uint64_t at = 1;

	for (size_t k = 1; k < r->n && at; k++) {
		const struct slot *sl = &slots[r->first + k];
		uint64_t reach = 0;
		uint64_t next = 0;

		for (size_t g = 1; g <= (size_t)sl->gap + 1; g++)
			reach |= at << g;
		for (size_t i = 1; i < window; i++) {
			if (reach >> i & 1 && slot_is(sl, &t[i]))
				next |= (uint64_t)1 << i;
		}
		at = next;
	}
	return at ? (size_t)__builtin_ctzll(at) + 1 : 0;
}

static size_t hits_find(const struct token *t, size_t n, struct found *out)
{
	size_t hits = 0;

	for (size_t i = 0; i < n; i++) {
		for (size_t k = 0; k < TOKEN_IDS && t[i].id[k] != NO_WORD;
		     k++) {
			uint16_t w = t[i].id[k];

			for (size_t j = word_rules[w]; j < word_rules[w + 1];
			     j++) {
				const struct rule *r = &rules[start_rules[j]];
				size_t len = rule_try(r, t + i, n - i);

				if (!len || hits == DETECT_HITS_MAX)
					continue;
				out[hits++] = (struct found){
					.hit = { .rule = r->id,
						 .weight = r->weight,
						 .start = t[i].start,
						 .end = t[i + len - 1].end },
					.token = (uint32_t)i,
					.last = (uint32_t)(i + len - 1),
					.rule = start_rules[j],
				};
			}
		}
	}
	return hits;
}

/* Each window begins at a hit; a rule counts once in it. */
static void windows_score(struct found *f, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		uint8_t seen[N_RULES] = { 0 };
		unsigned int sum = 0;
		size_t end = i;

		for (; end < n && f[end].token - f[i].token < DETECT_WINDOW;
		     end++) {
			if (!seen[f[end].rule])
				sum += f[end].hit.weight;
			seen[f[end].rule] = 1;
		}
		if (sum > 100)
			sum = 100;
		for (size_t k = i; k < end; k++) {
			if (f[k].hit.score < sum)
				f[k].hit.score = (uint8_t)sum;
		}
	}
}

static size_t family_len(const char *id)
{
	const char *dot = strchr(id, '.');

	return dot ? (size_t)(dot - id) : strlen(id);
}

static bool same_family(const char *a, const char *b)
{
	size_t n = family_len(a);

	return n == family_len(b) && memcmp(a, b, n) == 0;
}

/* Of one place, or with nothing but blanks and points between them. */
static bool touches(const struct found *a, const struct found *b)
{
	return b->token <= a->last + 1 && a->token <= b->last + 1;
}

/* b becomes part of a, which keeps its rule. */
static void found_merge(struct found *a, const struct found *b)
{
	if (b->hit.start < a->hit.start) {
		a->hit.start = b->hit.start;
		a->token = b->token;
	}
	if (b->hit.end > a->hit.end) {
		a->hit.end = b->hit.end;
		a->last = b->last;
	}
	if (b->hit.score > a->hit.score)
		a->hit.score = b->hit.score;
}

/*
 * A person wants to read of one phrase once: hits of one family that overlap
 * or touch become one row, under the id of the heaviest rule. Scores are made
 * before this and stay. Looks back over few rows only: hits come by place.
 */
static size_t hits_merge(struct found *f, size_t n)
{
	size_t kept = 0;

	for (size_t i = 0; i < n; i++) {
		size_t from = kept > MERGE_BACK ? kept - MERGE_BACK : 0;
		size_t k = kept;

		while (k > from &&
		       !(same_family(f[k - 1].hit.rule, f[i].hit.rule) &&
			 touches(&f[k - 1], &f[i])))
			k--;
		if (k == from) {
			f[kept++] = f[i];
			continue;
		}
		if (f[i].hit.weight > f[k - 1].hit.weight) {
			f[k - 1].hit.rule = f[i].hit.rule;
			f[k - 1].hit.weight = f[i].hit.weight;
		}
		found_merge(&f[k - 1], &f[i]);
	}
	return kept;
}

/* Best score first, then the heavier rule, then the earlier place. */
static int found_order(const void *a, const void *b)
{
	const struct detect_hit *x = &((const struct found *)a)->hit;
	const struct detect_hit *y = &((const struct found *)b)->hit;

	if (x->score != y->score)
		return y->score - x->score;
	if (x->weight != y->weight)
		return y->weight - x->weight;
	return x->start < y->start ? -1 : x->start > y->start;
}

/* As detect_text(), with room for the tokens of s and for all hits. */
static size_t text_judge(struct span s, struct token *tokens, size_t room,
			 struct found *found, struct detect_hit *ret,
			 size_t max)
{
	size_t hits = hits_find(tokens, tokenise(s, tokens, room), found);
	size_t n = 0;

	windows_score(found, hits);
	hits = hits_merge(found, hits);
	qsort(found, hits, sizeof(found[0]), found_order);
	for (size_t i = 0; i < hits && n < max; i++) {
		if (found[i].hit.score >= DETECT_REPORT_MIN)
			ret[n++] = found[i].hit;
	}
	return n;
}

/*
 * Two tokens take two bytes of ASCII or more: what stands between them, or the
 * bytes of an ideograph. Neither array is zeroed, for a page that a short text
 * does not touch costs nothing.
 */
size_t detect_text(struct span s, struct detect_hit *ret, size_t max)
{
	size_t room = s.n / 2 + 1 < DETECT_TOKENS_MAX ? s.n / 2 + 1
						      : DETECT_TOKENS_MAX;
	struct token *tokens = malloc(room * sizeof(*tokens));
	struct found *found = malloc(DETECT_HITS_MAX * sizeof(*found));
	size_t n = 0;

	if (tokens && found)
		n = text_judge(s, tokens, room, found, ret, max);
	free(found);
	free(tokens);
	return n;
}

static void findings_add(struct draft *d, struct span text,
			 enum message_where where, size_t max)
{
	struct detect_hit hits[MESSAGE_FINDINGS];
	struct message *m = &d->m;
	size_t n = detect_text(text, hits, max);

	for (size_t i = 0; i < n && m->n_findings < MESSAGE_FINDINGS; i++) {
		const struct detect_hit *h = &hits[i];
		struct span words_hit =
			span_of(text.p + h->start, h->end - h->start);

		m->findings[m->n_findings++] = (struct message_finding){
			.rule = span_str(h->rule),
			.score = h->score,
			.where = (uint8_t)where,
			.start = h->start,
			.end = h->end,
			.text = draft_line(d, words_hit, MESSAGE_SPAN_TEXT_MAX),
		};
	}
}

void detect_message(struct draft *d)
{
	CLEAN_BUF struct buf removed;

	buf_init(&removed,
		 (size_t)MESSAGE_REMOVED * (MESSAGE_EVIDENCE_MAX + 1));
	for (uint32_t i = 0; i < d->m.n_removed; i++) {
		buf_span(&removed, d->m.removed[i].text);
		buf_u8(&removed, '\n');
	}
	findings_add(d, d->m.subject, WHERE_SUBJECT, DETECT_SUBJECT_ROWS);
	findings_add(d, d->m.body, WHERE_BODY, DETECT_BODY_ROWS);
	findings_add(d, buf_view(&removed), WHERE_REMOVED, DETECT_REMOVED_ROWS);
}
