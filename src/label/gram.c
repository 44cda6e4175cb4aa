/* gram: see gram.h. A slot holds a position divided by GRAM_STRIDE, plus one,
 * and some bits of the hash, so that most of what does not match is seen
 * without looking at the text. */
#include "label/gram.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "label/decode.h"
#include "label/fold.h"
#include "label/hash.h"

enum {
	GRAM = 8, /* characters that are looked up */
	GRAM_STRIDE = 4,
	GRAM_SAME = 4,	    /* equal grams kept */
	GRAM_PROBES = 32,   /* slots looked at, whatever is in them */
	POSITION_BITS = 20, /* of a slot; above them the tag */
	FIRST_SLOTS = 1 << 12,
	PACKED_MAX = 4 * GRAM_VALUE_MAX,
};

static_assert(GRAM_FORM_MAX - GRAM_HEX == (int)DECODE_ALPHABETS, "the same");
static_assert(GRAM + GRAM_STRIDE - 1 <= GRAM_MIN, "every passage is met");
static_assert(GRAM_TEXT_MAX / GRAM_STRIDE + 1 < 1 << POSITION_BITS,
	      "a slot has room for every position");

struct source {
	uint32_t end; /* in text */
	struct label label;
};

struct gram {
	uint64_t seed;
	struct buf text; /* folded, a 0 behind each source */
	uint32_t *slots;
	uint32_t n_slots, n_grams;
	struct source *sources;
	uint32_t n_sources, cap_sources;
	struct decoder value; /* that is looked at */
};

const char *gram_form_name(enum gram_form f)
{
	static const char *const names[] = {
		[GRAM_PLAIN] = "plain",	  [GRAM_REVERSED] = "reversed",
		[GRAM_URL] = "url",	  [GRAM_HEX] = "hex",
		[GRAM_BASE64] = "base64", [GRAM_BASE32] = "base32",
	};

	static_assert(ARRAY_SIZE(names) == GRAM_FORM_MAX, "a name for each");
	return f < ARRAY_SIZE(names) ? names[f] : "?";
}

struct gram *gram_new(uint64_t seed)
{
	struct gram *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	g->seed = seed;
	g->n_slots = FIRST_SLOTS;
	g->slots = calloc(g->n_slots, sizeof(*g->slots));
	if (!g->slots) {
		free(g);
		return NULL;
	}
	buf_init(&g->text, GRAM_TEXT_MAX);
	decoder_init(&g->value, PACKED_MAX);
	return g;
}

void gram_free(struct gram *g)
{
	if (!g)
		return;
	buf_done(&g->text);
	decoder_done(&g->value);
	free(g->slots);
	free(g->sources);
	free(g);
}

/* --- the table --------------------------------------------------------- */

static uint64_t load(const uint8_t *p)
{
	uint64_t v;

	memcpy(&v, p, sizeof(v));
	return v;
}

static uint32_t hash_of(const struct gram *g, uint64_t v)
{
	return (uint32_t)(hash_mix(hash_mix(g->seed, v), g->seed) >> 16);
}

static uint32_t slot_of(uint32_t hash, uint32_t position)
{
	return (hash & ~((1u << POSITION_BITS) - 1)) |
	       (position / GRAM_STRIDE + 1);
}

static uint32_t position_of(uint32_t slot)
{
	return ((slot & ((1u << POSITION_BITS) - 1)) - 1) * GRAM_STRIDE;
}

static bool same_tag(uint32_t slot, uint32_t hash)
{
	return (slot ^ hash) >> POSITION_BITS == 0;
}

static void insert(struct gram *g, uint32_t position)
{
	uint64_t v = load(g->text.p + position);
	uint32_t hash = hash_of(g, v), mask = g->n_slots - 1, i, same = 0;

	for (i = 0; i < GRAM_PROBES; i++) {
		uint32_t *slot = &g->slots[(hash + i) & mask];

		if (!*slot) {
			*slot = slot_of(hash, position);
			g->n_grams++;
			return;
		}
		if (same_tag(*slot, hash) &&
		    load(g->text.p + position_of(*slot)) == v &&
		    ++same == GRAM_SAME)
			return;
	}
}

/* Never more than half full. */
static bool grow(struct gram *g)
{
	uint32_t n = g->n_slots, i, *old = g->slots;
	uint32_t *slots = calloc((size_t)n * 2, sizeof(*slots));

	if (!slots)
		return false;
	g->slots = slots;
	g->n_slots = n * 2;
	g->n_grams = 0;
	for (i = 0; i < n; i++)
		if (old[i])
			insert(g, position_of(old[i]));
	free(old);
	return true;
}

static int index_text(struct gram *g, size_t from)
{
	size_t i = (from + GRAM_STRIDE - 1) / GRAM_STRIDE * GRAM_STRIDE;

	for (; i + GRAM <= g->text.n; i += GRAM_STRIDE) {
		if (g->n_grams >= g->n_slots / 2 && !grow(g))
			return -ENOMEM;
		if (!memchr(g->text.p + i, 0, GRAM))
			insert(g, (uint32_t)i);
	}
	return 0;
}

static int add_source(struct gram *g, const struct label *l)
{
	struct source *s;
	uint32_t cap = g->cap_sources ? g->cap_sources * 2 : 16;

	if (g->n_sources == GRAM_SOURCES)
		return -ENOSPC;
	if (g->n_sources == g->cap_sources) {
		s = reallocarray(g->sources, cap, sizeof(*s));
		if (!s)
			return -ENOMEM;
		g->sources = s;
		g->cap_sources = cap;
	}
	g->sources[g->n_sources++] =
		(struct source){ .end = (uint32_t)g->text.n, .label = *l };
	return 0;
}

/* The whole text or, where there is no room for it, its beginning. */
int gram_add(struct gram *g, struct span text, const struct label *l)
{
	struct buf folded CLEAN_BUF = { .max = GRAM_TEXT_MAX };
	size_t from = g->text.n, n;
	int r;

	if (g->n_sources == GRAM_SOURCES || GRAM_TEXT_MAX - from < GRAM_MIN)
		return -ENOSPC;
	fold_text(&folded, text);
	n = GRAM_TEXT_MAX - from - 1;
	buf_span(&g->text, buf_part(&folded, 0, n));
	buf_u8(&g->text, 0);
	if (!buf_ok(&g->text)) {
		g->text.bad = false;
		buf_cut(&g->text, from);
		return -ENOMEM;
	}
	r = add_source(g, l);
	if (r < 0) {
		buf_cut(&g->text, from);
		return r;
	}
	r = index_text(g, from);
	if (r < 0)
		return r;
	return folded.n > n || !buf_ok(&folded) ? -ENOSPC : 0;
}

/* --- looking ----------------------------------------------------------- */

/* One pass over a folded value. */
struct pass {
	const struct gram *g;
	struct span v;
	size_t upto;	/* covered so far */
	size_t covered; /* characters */
	uint32_t last;	/* source that was joined last, plus one */
	bool quotes;	/* long ones alone count */
	struct label label;
};

static const struct source *source_at(const struct gram *g, uint32_t position)
{
	uint32_t low = 0, n = g->n_sources;

	while (n > low) {
		uint32_t mid = low + (n - low) / 2;

		if (g->sources[mid].end <= position)
			low = mid + 1;
		else
			n = mid;
	}
	return &g->sources[low];
}

/* Whether a passage of n characters, from there on in a source, counts. */
static bool counts(const struct pass *p, size_t from, size_t n)
{
	const uint8_t *text = p->g->text.p;

	if (!p->quotes)
		return n >= GRAM_MIN;
	return n >= GRAM_QUOTE || (n >= GRAM_WHOLE && !text[from + n] &&
				   (from == 0 || !text[from - 1]));
}

/* How far the value at q and the text at t agree, to both sides. A 0 is at the
 * end of each source and between the runs of a value: it ends a passage. */
static void extend(const struct pass *p, size_t q, size_t t, size_t *from,
		   size_t *to)
{
	const uint8_t *v = p->v.p, *text = p->g->text.p;
	size_t back = 0, ahead = GRAM;

	while (back < q && back < t && v[q - back - 1] &&
	       v[q - back - 1] == text[t - back - 1])
		back++;
	while (ahead < p->v.n - q && t + ahead < p->g->text.n && v[q + ahead] &&
	       v[q + ahead] == text[t + ahead])
		ahead++;
	*from = q - back;
	*to = q + ahead;
}

static void meet(struct pass *p, size_t q, uint32_t position)
{
	const struct source *s;
	size_t from, to;

	extend(p, q, position, &from, &to);
	if (!counts(p, position - (q - from), to - from))
		return;
	s = source_at(p->g, position);
	if (p->last != (uint32_t)(s - p->g->sources) + 1) {
		p->last = (uint32_t)(s - p->g->sources) + 1;
		label_join(&p->label, &s->label);
	}
	if (from < p->upto)
		from = p->upto;
	if (to > from) {
		p->covered += to - from;
		p->upto = to;
	}
}

static void look(struct pass *p, size_t q)
{
	const struct gram *g = p->g;
	uint64_t v = load(p->v.p + q);
	uint32_t hash = hash_of(g, v), mask = g->n_slots - 1, i;

	for (i = 0; i < GRAM_PROBES; i++) {
		uint32_t slot = g->slots[(hash + i) & mask];

		if (!slot)
			return;
		if (same_tag(slot, hash) &&
		    load(g->text.p + position_of(slot)) == v)
			meet(p, q, position_of(slot));
	}
}

static size_t characters(struct span v)
{
	size_t i, n = 0;

	for (i = 0; i < v.n; i++)
		n += v.p[i] != 0;
	return n;
}

static void look_over(struct pass *p)
{
	size_t q;

	for (q = 0; q + GRAM <= p->v.n; q++) {
		/* inside of a passage there is nothing new to meet, but near
		 * its end another one may begin */
		if (q + GRAM < p->upto)
			q = p->upto - GRAM;
		look(p, q);
	}
}

/* Adds what one form of the value shows. */
static void look_all(const struct gram *g, struct span v, enum gram_form form,
		     struct gram_match *ret)
{
	struct pass p = { .g = g, .v = v, .label = label_empty() };
	size_t n;
	uint32_t cover;

	look_over(&p);
	n = characters(v);
	if (!p.covered || !n)
		return;
	cover = (uint32_t)(p.covered * 1000 / n);
	if (cover >= GRAM_COVER && ret->cover >= GRAM_COVER)
		label_join(&ret->label, &p.label);
	else if (cover > ret->cover)
		ret->label = p.label;
	if (cover > ret->cover) {
		ret->cover = cover;
		ret->form = form;
	}
}

static void reverse(struct buf *b)
{
	size_t i;

	for (i = 0; i < b->n / 2; i++) {
		uint8_t c = b->p[i];

		b->p[i] = b->p[b->n - 1 - i];
		b->p[b->n - 1 - i] = c;
	}
}

void gram_match(struct gram *g, struct span value, struct gram_match *ret)
{
	unsigned a;

	*ret = (struct gram_match){ .label = label_empty() };
	if (value.n > GRAM_VALUE_MAX)
		value.n = GRAM_VALUE_MAX;
	if (!g->n_sources)
		return;
	decoder_plain(&g->value, value);
	look_all(g, buf_view(&g->value.text), GRAM_PLAIN, ret);
	reverse(&g->value.text);
	look_all(g, buf_view(&g->value.text), GRAM_REVERSED, ret);
	decoder_url(&g->value, value, GRAM_MIN);
	look_all(g, buf_view(&g->value.text), GRAM_URL, ret);
	for (a = 0; a < DECODE_ALPHABETS; a++) {
		decoder_alphabet(&g->value, value, a, GRAM_MIN);
		look_all(g, buf_view(&g->value.text), GRAM_HEX + a, ret);
	}
	/* What was not looked at could have been a copy. */
	ret->failed = g->value.failed;
}

bool gram_quotes(const struct gram *g, struct span json, struct label *l)
{
	struct buf text CLEAN_BUF = { .max = json.n },
			folded CLEAN_BUF = { .max = 2 * json.n };
	struct pass p = { .g = g, .quotes = true, .label = label_empty() };

	if (!g->n_sources)
		return true;
	decode_json(&text, json);
	fold_text(&folded, buf_view(&text));
	p.v = buf_view(&folded);
	look_over(&p);
	label_join(l, &p.label);
	return buf_ok(&text) && buf_ok(&folded);
}
