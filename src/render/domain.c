/* domain: see domain.h. The list of suffixes is made at build time. */
#include "render/domain.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/str.h"
#include "suffixes.h"

enum { LABEL_MAX = 63 };

/* RFC 3492, section 5 */
enum {
	BASE = 36,
	T_MIN = 1,
	T_MAX = 26,
	SKEW = 38,
	DAMP = 700,
	BIAS = 72,
	FIRST = 128
};

static uint32_t adapt(uint32_t delta, uint32_t points, bool first)
{
	uint32_t k = 0;

	delta = first ? delta / DAMP : delta / 2;
	delta += delta / points;
	while (delta > (BASE - T_MIN) * T_MAX / 2) {
		delta /= BASE - T_MIN;
		k += BASE;
	}
	return k + (BASE - T_MIN + 1) * delta / (delta + SKEW);
}

static uint32_t digit(uint8_t c)
{
	if (c >= 'a' && c <= 'z')
		return c - (uint32_t)'a';
	if (c >= '0' && c <= '9')
		return c - (uint32_t)'0' + 26;
	return BASE;
}

/* One number of variable length; false: there is none. */
static bool get_delta(const uint8_t **p, const uint8_t *end, uint32_t bias,
		      uint32_t *i)
{
	uint32_t w = 1, k;

	for (k = BASE;; k += BASE) {
		uint32_t t = k <= bias		 ? T_MIN
			     : k >= bias + T_MAX ? T_MAX
						 : k - bias;
		uint32_t d = *p < end ? digit(*(*p)++) : BASE;

		if (d >= BASE || d > (UINT32_MAX - *i) / w)
			return false;
		*i += d * w;
		if (d < t)
			return true;
		if (w > UINT32_MAX / (BASE - t))
			return false;
		w *= BASE - t;
	}
}

static bool is_point(uint32_t c)
{
	return c >= FIRST && c <= 0x10ffff && (c < 0xd800 || c > 0xdfff);
}

/* What follows "xn--"; the code points, at most LABEL_MAX; 0: it is none. */
static size_t decode(struct span s, uint32_t ret[LABEL_MAX])
{
	const uint8_t *p = s.p, *end = s.p + s.n;
	uint32_t c = FIRST, i = 0, bias = BIAS;
	size_t n = 0, k;

	for (k = s.n; k > 0 && s.p[k - 1] != '-'; k--)
		;
	if (s.n == 0 || s.n > LABEL_MAX)
		return 0;
	for (; n + 1 < k; n++)
		ret[n] = s.p[n];
	p += k;
	while (p < end) {
		uint32_t before = i;

		if (n == LABEL_MAX || !get_delta(&p, end, bias, &i))
			return 0;
		bias = adapt(i - before, (uint32_t)n + 1, before == 0);
		if (i / (n + 1) > 0x10ffff - c)
			return 0;
		c += i / (uint32_t)(n + 1);
		i %= (uint32_t)(n + 1);
		if (!is_point(c))
			return 0;
		memmove(ret + i + 1, ret + i, (n - i) * sizeof(*ret));
		ret[i++] = c;
		n++;
	}
	return n;
}

static bool put_label(struct buf *out, struct span label)
{
	uint32_t points[LABEL_MAX];
	size_t n = 0, i;

	if (label.n > 4 && memcmp(label.p, "xn--", 4) == 0)
		n = decode(span_of(label.p + 4, label.n - 4), points);
	if (!n) {
		buf_span(out, label);
		return false;
	}
	for (i = 0; i < n; i++) {
		utf8proc_uint8_t bytes[4];
		utf8proc_ssize_t k = utf8proc_encode_char(
			(utf8proc_int32_t)points[i], bytes);

		buf_put(out, bytes, (size_t)k);
	}
	return true;
}

bool domain_letters(struct buf *out, struct span ascii)
{
	bool other = false;
	size_t at = 0, i;

	for (i = 0; i <= ascii.n; i++) {
		if (i < ascii.n && ascii.p[i] != '.')
			continue;
		if (at)
			buf_u8(out, '.');
		other |= put_label(out, span_of(ascii.p + at, i - at));
		at = i + 1;
	}
	return other;
}

static int compare(const void *key, const void *row)
{
	const char *k = key;
	const char *const *r = row;

	return strcmp(k, *r);
}

static bool is_rule(const char *mark, struct span name)
{
	char rule[DOMAIN_MAX + 4];

	return str_printf(rule, sizeof(rule), "%s%.*s", mark, (int)name.n,
			  (const char *)name.p) > 0 &&
	       bsearch(rule, suffixes, ARRAY_SIZE(suffixes),
		       sizeof(suffixes[0]), compare);
}

/* The label behind the one at `at`; ascii.n: there is none. */
static size_t next_label(struct span ascii, size_t at)
{
	const uint8_t *dot =
		at < ascii.n ? memchr(ascii.p + at, '.', ascii.n - at) : NULL;

	return dot ? (size_t)(dot - ascii.p) + 1 : ascii.n;
}

/* Where the longest suffix that a rule has begins. */
static size_t suffix_of(struct span ascii)
{
	size_t at, next, last = 0;

	for (at = 0; at < ascii.n; at = next) {
		struct span name = span_of(ascii.p + at, ascii.n - at);
		struct span rest;

		next = next_label(ascii, at);
		rest = span_of(ascii.p + next, ascii.n - next);
		if (is_rule("!", name))
			return next;
		if (is_rule("", name) || (rest.n && is_rule("*.", rest)))
			return at;
		last = at;
	}
	return last; /* the list's own last rule: "*" */
}

static bool is_name(struct span ascii)
{
	size_t i, last = 0;

	if (!ascii.n || ascii.n > DOMAIN_MAX)
		return false;
	for (i = 0; i < ascii.n; i++) {
		if (ascii.p[i] == '.' && (i == last || i + 1 == ascii.n))
			return false;
		if (ascii.p[i] == '.')
			last = i + 1;
		if (ascii.p[i] == ':' || ascii.p[i] == '[')
			return false;
	}
	/* The last label of an address is a number. */
	return ascii.p[last] < '0' || ascii.p[last] > '9';
}

size_t domain_registered(struct span ascii)
{
	size_t suffix, at = 0, before = ascii.n;

	if (!is_name(ascii))
		return ascii.n;
	suffix = suffix_of(ascii);
	for (; at < suffix; at = next_label(ascii, at))
		before = at;
	return suffix == 0 ? ascii.n : before;
}
