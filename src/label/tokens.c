/* tokens: see tokens.h. Every candidate goes through type_canon of every type
 * it may be of; what has a canonical form is a token. */
#include "label/tokens.h"

#include <errno.h>
#include <stdlib.h>

#include "base/str.h"

/* What a character is to the words around it. */
enum class {
	CLASS_WORD,
	CLASS_EDGE,  /* not part of a word at its beginning or end */
	CLASS_SPLIT, /* likewise, and divides a list into its pieces */
	CLASS_SPACE,
};

struct range {
	uint32_t first, last;
};

static bool in_ranges(uint32_t c, const struct range *r, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (c >= r[i].first && c <= r[i].last)
			return true;
	return false;
}

static enum class class_ascii(uint8_t c) {
	if (c <= ' ' || c == 0x7f) return CLASS_SPACE;
	if (strchr(",;:<>\"()[]{}|`", c)) return CLASS_SPLIT;
	return strchr(".!?'*_", c) ? CLASS_EDGE : CLASS_WORD;
}

static enum class class_wide(uint32_t c)
{
	static const struct range spaces[] = {
		{ 0x80, 0xa0 },	    { 0x1680, 0x1680 }, { 0x2000, 0x200a },
		{ 0x2028, 0x2029 }, { 0x202f, 0x202f }, { 0x205f, 0x205f },
		{ 0x3000, 0x3000 },
	};
	static const struct range splits[] = {
		{ 0xab, 0xab },	    { 0xbb, 0xbb },	{ 0x2013, 0x2014 },
		{ 0x201c, 0x201f }, { 0x2026, 0x2026 }, { 0x2039, 0x203a },
		{ 0x3001, 0x3002 }, { 0x3008, 0x3011 }, { 0xff01, 0xff01 },
		{ 0xff08, 0xff09 }, { 0xff0c, 0xff0c }, { 0xff1a, 0xff1b },
		{ 0xff1f, 0xff1f },
	};

	if (in_ranges(c, spaces, ARRAY_SIZE(spaces)))
		return CLASS_SPACE;
	if (in_ranges(c, splits, ARRAY_SIZE(splits)))
		return CLASS_SPLIT;
	/* The apostrophes also stand inside of names. */
	return c >= 0x2018 && c <= 0x201b ? CLASS_EDGE : CLASS_WORD;
}

/* The class of the character at p of well-formed UTF-8, and its length. */
static enum class class_at(const uint8_t *p, size_t *n) {
	if (p[0] < 0x80){ *n = 1; return class_ascii(p[0]); }
if (p[0] < 0xe0)
{
	*n = 2;
	return class_wide((p[0] & 0x1fu) << 6 | (p[1] & 0x3fu));
}
if (p[0] < 0xf0) {
	*n = 3;
	return class_wide((p[0] & 0xfu) << 12 | (p[1] & 0x3fu) << 6 |
			  (p[2] & 0x3fu));
}
*n = 4;
return CLASS_WORD;
}

/* --- collecting -------------------------------------------------------- */

/* Before they are sorted. */
struct collect {
	struct tokens *t;
	size_t cap;
	int error;
};

static struct span token_bytes(const struct tokens *t, const struct token *k)
{
	return buf_part(&t->mem, k->at, k->n);
}

/* Without a shape of its own a short value is no token. */
static bool is_shapeless(enum arg_type type)
{
	return type == TYPE_ID || type == TYPE_ENUM || type == TYPE_REF ||
	       type == TYPE_TEXT;
}

static bool room(struct collect *c)
{
	struct token *v;

	if (c->t->n >= TOKENS_MAX || c->error)
		return false;
	if (c->t->n < c->cap)
		return true;
	c->cap = c->cap ? c->cap * 2 : 64;
	v = reallocarray(c->t->v, c->cap, sizeof(*v));
	if (!v) {
		c->error = -ENOMEM;
		return false;
	}
	c->t->v = v;
	return true;
}

static void offer(struct collect *c, enum arg_type type, struct span word)
{
	struct tokens *t = c->t;
	size_t at = t->mem.n;

	if (!word.n || !room(c))
		return;
	if (type_canon(type, true, word, &t->mem) || !buf_ok(&t->mem) ||
	    (is_shapeless(type) && t->mem.n - at < TOKEN_SHORT)) {
		buf_cut(&t->mem, at);
		t->mem.bad = false;
		return;
	}
	t->v[t->n++] = (struct token){ .type = type,
				       .at = (uint32_t)at,
				       .n = (uint32_t)(t->mem.n - at) };
}

/* --- words ------------------------------------------------------------- */

/* The word without what only surrounds it. */
static struct span trimmed(struct span w)
{
	size_t i, n, from = w.n, to = 0;

	for (i = 0; i < w.n; i += n) {
		if (class_at(w.p + i, &n) != CLASS_WORD)
			continue;
		if (from == w.n)
			from = i;
		to = i + n;
	}
	return from < to ? span_of(w.p + from, to - from) : (struct span){ 0 };
}

static bool contains(struct span s, const char *what)
{
	return s.n && memmem(s.p, s.n, what, strlen(what));
}

static bool starts(struct span s, const char *with)
{
	size_t n = strlen(with);

	return s.n >= n && memcmp(s.p, with, n) == 0;
}

static size_t count(struct span s, uint8_t c)
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

/* A URL as it stands and without the sentence around it; one bracket more is
 * its own if it was opened inside: .../Name_(thing) */
static void offer_url(struct collect *c, struct span chunk)
{
	struct span word = trimmed(chunk);

	offer(c, TYPE_URL, chunk);
	offer(c, TYPE_URL, word);
	if (word.n && count(word, '(') > count(word, ')') &&
	    word.p + word.n < chunk.p + chunk.n && word.p[word.n] == ')')
		offer(c, TYPE_URL, span_of(word.p, word.n + 1));
}

/* example.org/page, but neither a mail address nor host:port. */
static void offer_host(struct collect *c, struct span word)
{
	struct buf url CLEAN_BUF = { .max = URL_MAX };
	const uint8_t *slash = word.n ? memchr(word.p, '/', word.n) : NULL;
	size_t host = slash ? (size_t)(slash - word.p) : word.n;

	if (!contains(span_of(word.p, host), ".") || contains(word, "@") ||
	    contains(word, ":"))
		return;
	buf_str(&url, "https://");
	buf_span(&url, word);
	if (buf_ok(&url))
		offer(c, TYPE_URL, buf_view(&url));
}

/* What may be a piece of a list, too. */
static void offer_word(struct collect *c, struct span word)
{
	static const enum arg_type types[] = { TYPE_EMAIL, TYPE_ID, TYPE_ENUM,
					       TYPE_REPO, TYPE_REF };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(types); i++)
		offer(c, types[i], word);
	offer_host(c, word);
	if (word.n > 2 && word.p[word.n - 1] == 's' &&
	    word.p[word.n - 2] == '\'')
		offer(c, TYPE_EMAIL, span_of(word.p, word.n - 2));
}

/* A number, without the sign of what it counts. */
static void offer_number(struct collect *c, struct span word)
{
	while (word.n && (word.p[0] == '$' || word.p[0] == '#'))
		word = span_of(word.p + 1, word.n - 1);
	if (word.n && word.p[word.n - 1] == '%')
		word.n--;
	offer(c, TYPE_INT, word);
	offer(c, TYPE_NUMBER, word);
}

static void offer_money(struct collect *c, struct span code, struct span amount)
{
	char text[64];
	int n = str_printf(text, sizeof(text), "%.*s %.*s", (int)code.n,
			   (const char *)code.p, (int)amount.n,
			   (const char *)amount.p);

	if (n > 0)
		offer(c, TYPE_MONEY, span_of(text, (size_t)n));
}

/* One word, or two of them: EUR 12.50, 12.50 EUR; and the sign of the euro,
 * the one that means a single currency. */
static void offer_sum(struct collect *c, struct span before, struct span word)
{
	static const char euro[] = "\xe2\x82\xac";

	if (word.n > 32 || before.n > 32)
		return;
	offer_money(c, before, word);
	offer_money(c, word, before);
	if (starts(word, euro))
		offer_money(c, SPAN_LIT("EUR"),
			    span_of(word.p + 3, word.n - 3));
	else if (word.n > 3 && memcmp(word.p + word.n - 3, euro, 3) == 0)
		offer_money(c, SPAN_LIT("EUR"), span_of(word.p, word.n - 3));
}

static void read_pieces(struct collect *c, struct span chunk)
{
	size_t i, n, from = 0;

	for (i = 0; i < chunk.n; i += n) {
		if (class_at(chunk.p + i, &n) != CLASS_SPLIT)
			continue;
		offer_word(c, trimmed(span_of(chunk.p + from, i - from)));
		from = i + n;
	}
	if (from)
		offer_word(c, trimmed(span_of(chunk.p + from, chunk.n - from)));
}

/* Nothing but a blank stands between the words of the two. */
static bool touch(struct span before, struct span chunk)
{
	struct span a = trimmed(before), b = trimmed(chunk);

	return a.n && b.n && a.p + a.n == before.p + before.n && b.p == chunk.p;
}

static void read_chunk(struct collect *c, struct span before, struct span chunk)
{
	struct span word = trimmed(chunk);

	if (contains(chunk, "://")) {
		offer_url(c, chunk);
		return;
	}
	offer_word(c, chunk);
	if (!span_eq(word, chunk))
		offer_word(c, word);
	offer_number(c, word);
	offer(c, TYPE_DATETIME, word);
	offer_sum(c,
		  touch(before, chunk) ? trimmed(before) : (struct span){ 0 },
		  word);
	read_pieces(c, chunk);
}

static void read_words(struct collect *c, struct span text)
{
	struct span before = { 0 };
	size_t i, n, from = 0;

	for (i = 0; i <= text.n; i += n) {
		bool end = i == text.n;

		n = 1;
		if (!end && class_at(text.p + i, &n) != CLASS_SPACE)
			continue;
		if (i > from) {
			struct span chunk = span_of(text.p + from, i - from);

			read_chunk(c, before, chunk);
			before = chunk;
		}
		from = i + n;
	}
}

/* --- numbers of accounts and telephones -------------------------------- */

enum { IBAN_MIN = 15, IBAN_MAX = 34, PHONE_MIN = 8, PHONE_MAX = 15 };

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

static bool is_upper(uint8_t c)
{
	return c >= 'A' && c <= 'Z';
}

/* ISO 13616: the first four behind the rest, letters as 10 to 35, modulo 97. */
static bool iban_ok(const uint8_t *p, size_t n)
{
	unsigned sum = 0;
	size_t i;

	for (i = 0; i < n; i++) {
		uint8_t c = p[(i + 4) % n];

		if (is_digit(c))
			sum = (sum * 10 + (c - '0')) % 97;
		else
			sum = (sum * 100 + (c - 'A' + 10u)) % 97;
	}
	return sum == 1;
}

/* One that begins at p: up to the first place where the check digits fit. */
static void read_iban(struct collect *c, struct span s)
{
	uint8_t compact[IBAN_MAX];
	size_t i, n = 0;

	for (i = 0; i < s.n && n < IBAN_MAX; i++) {
		bool end;

		if (s.p[i] == ' ' && n >= 4)
			continue;
		if (n < 2 ? !is_upper(s.p[i])
			  : !is_digit(s.p[i]) && (n < 4 || !is_upper(s.p[i])))
			return;
		compact[n++] = s.p[i];
		end = i + 1 == s.n || class_ascii(s.p[i + 1]) != CLASS_WORD;
		if (n >= IBAN_MIN && end && iban_ok(compact, n)) {
			offer(c, TYPE_ID, span_of(compact, n));
			return;
		}
	}
}

/* One that begins with its plus: all digits up to another kind of character. */
static void read_phone(struct collect *c, struct span s)
{
	uint8_t compact[PHONE_MAX + 1] = { '+' };
	size_t i, n = 1;

	for (i = 1; i < s.n; i++) {
		if (!is_digit(s.p[i])) {
			if (!strchr(" ()./-", s.p[i]) || !s.p[i])
				break;
			continue;
		}
		if (n == sizeof(compact))
			return;
		compact[n++] = s.p[i];
	}
	if (i < s.n && class_ascii(s.p[i]) == CLASS_WORD)
		return;
	if (n > PHONE_MIN)
		offer(c, TYPE_ID, span_of(compact, n));
}

static void read_numbers(struct collect *c, struct span text)
{
	bool start = true;
	size_t i, n;

	for (i = 0; i < text.n; i += n) {
		struct span rest = span_of(text.p + i, text.n - i);

		if (start && text.p[i] == '+')
			read_phone(c, rest);
		else if (start && is_upper(text.p[i]))
			read_iban(c, rest);
		start = class_at(text.p + i, &n) != CLASS_WORD;
	}
}

/* --- passages ---------------------------------------------------------- */

static void read_quoted(struct collect *c, struct span text, const char *open,
			const char *close)
{
	size_t n_open = strlen(open), n_close = strlen(close);
	const uint8_t *p = text.p, *end = text.p + text.n, *q;

	while (p < end && (p = memmem(p, (size_t)(end - p), open, n_open))) {
		p += n_open;
		q = memmem(p, (size_t)(end - p), close, n_close);
		if (!q)
			return;
		offer(c, TYPE_TEXT, span_of(p, (size_t)(q - p)));
		p = q + n_close;
	}
}

/* A mark that is an apostrophe as well opens only before a word that nothing
 * stands in front of, and closes only behind one that ends there. */
static bool mark_opens(struct span text, size_t at)
{
	size_t n;

	return (!at || strchr(" \n\t([", text.p[at - 1])) && at + 1 < text.n &&
	       class_at(text.p + at + 1, &n) == CLASS_WORD;
}

static bool mark_closes(struct span text, size_t at)
{
	return text.p[at] == '\'' &&
	       (at + 1 == text.n || strchr(" \n\t)].,;:!?", text.p[at + 1]));
}

static void read_single(struct collect *c, struct span text)
{
	size_t open, i;

	for (open = 0; open < text.n; open++) {
		if (text.p[open] != '\'' || !mark_opens(text, open))
			continue;
		for (i = open + 1; i < text.n && !mark_closes(text, i); i++)
			;
		if (i == text.n)
			return;
		offer(c, TYPE_TEXT, span_of(text.p + open + 1, i - open - 1));
		open = i;
	}
}

static void read_lines(struct collect *c, struct span text)
{
	size_t i, from = 0;

	for (i = 0; i <= text.n; i++) {
		if (i < text.n && text.p[i] != '\n')
			continue;
		offer(c, TYPE_TEXT, span_of(text.p + from, i - from));
		from = i + 1;
	}
}

static void read_passages(struct collect *c, struct span text)
{
	static const char *const marks[][2] = {
		{ "\"", "\"" },
		{ "`", "`" },
		{ "\xe2\x80\x9c", "\xe2\x80\x9d" }, /* U+201C U+201D */
		{ "\xe2\x80\x9e", "\xe2\x80\x9c" }, /* U+201E U+201C */
		{ "\xc2\xab", "\xc2\xbb" },	    /* U+AB U+BB */
	};
	size_t i;

	offer(c, TYPE_TEXT, text);
	read_lines(c, text);
	for (i = 0; i < ARRAY_SIZE(marks); i++)
		read_quoted(c, text, marks[i][0], marks[i][1]);
	read_single(c, text);
}

/* --- the table --------------------------------------------------------- */

static int compare(const struct tokens *t, const struct token *k,
		   enum arg_type type, struct span bytes)
{
	struct span own = token_bytes(t, k);
	int d;

	if (k->type != type)
		return k->type < type ? -1 : 1;
	if (own.n != bytes.n)
		return own.n < bytes.n ? -1 : 1;
	d = own.n ? memcmp(own.p, bytes.p, own.n) : 0;
	return d;
}

static int compare_tokens(const void *a, const void *b, void *arg)
{
	const struct token *kb = b;
	const struct tokens *t = arg;

	return compare(t, a, kb->type, token_bytes(t, kb));
}

void tokens_done(struct tokens *t)
{
	buf_done(&t->mem);
	free(t->v);
	*t = (struct tokens){ .mem = { .max = TOKENS_BYTES } };
}

int tokens_read(struct tokens *t, struct span text)
{
	struct collect c = { .t = t };

	*t = (struct tokens){ .mem = { .max = TOKENS_BYTES } };
	if (text.n > TOKENS_TEXT_MAX)
		return -EFBIG;
	if (!utf8_valid(text))
		return -EILSEQ;
	read_passages(&c, text);
	read_numbers(&c, text);
	read_words(&c, text);
	if (c.error) {
		tokens_done(t);
		return c.error;
	}
	if (t->n)
		qsort_r(t->v, t->n, sizeof(*t->v), compare_tokens, t);
	return 0;
}

int tokens_add(struct tokens *t, enum arg_type type, struct span canonical)
{
	struct token *v;

	if (t->n >= TOKENS_MAX)
		return -ENOSPC;
	v = reallocarray(t->v, t->n + 1, sizeof(*v));
	if (!v)
		return -ENOMEM;
	t->v = v;
	t->mem.max = TOKENS_BYTES;
	v[t->n] = (struct token){ .type = type,
				  .at = (uint32_t)t->mem.n,
				  .n = (uint32_t)canonical.n };
	buf_span(&t->mem, canonical);
	if (!buf_ok(&t->mem))
		return -ENOSPC;
	t->n++;
	qsort_r(t->v, t->n, sizeof(*t->v), compare_tokens, t);
	return 0;
}

bool tokens_has(const struct tokens *t, enum arg_type type,
		struct span canonical, enum token_use use)
{
	size_t low = 0, high = t->n;

	if (use == TOKEN_NAME && canonical.n < TOKEN_SHORT &&
	    (type == TYPE_INT || type == TYPE_NUMBER))
		return false;
	while (low < high) {
		size_t mid = low + (high - low) / 2;
		int d = compare(t, &t->v[mid], type, canonical);

		if (d == 0)
			return true;
		if (d < 0)
			low = mid + 1;
		else
			high = mid;
	}
	return false;
}
