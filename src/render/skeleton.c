/* skeleton: see skeleton.h. The tables are made at build time. */
#include "render/skeleton.h"

#include <stdlib.h>
#include <string.h>

#include <utf8proc.h>

#include "base/str.h"
#include "render/render.h"

struct prototype {
	uint32_t point;
	uint32_t first, n; /* in prototype_points */
};

struct script_run {
	uint32_t first;
	uint32_t set;
};

#include "confusables.h"

enum { POINTS_MAX = 8 * SKELETON_MAX, SET_BYTES = sizeof(script_sets[0]) };

static int by_point(const void *key, const void *row)
{
	const uint32_t *c = key;
	const struct prototype *p = row;

	return *c < p->point ? -1 : *c > p->point;
}

static void put_utf8(struct buf *out, uint32_t c)
{
	utf8proc_uint8_t bytes[4];
	utf8proc_ssize_t n = utf8proc_encode_char((utf8proc_int32_t)c, bytes);

	buf_put(out, bytes, (size_t)n);
}

static void put_prototype(struct buf *out, uint32_t c)
{
	const struct prototype *p =
		bsearch(&c, prototypes, ARRAY_SIZE(prototypes),
			sizeof(prototypes[0]), by_point);
	uint32_t i;

	if (!p) {
		put_utf8(out, c);
		return;
	}
	for (i = 0; i < p->n; i++)
		put_utf8(out, prototype_points[p->first + i]);
}

/* The parts of text, each as it is or as its prototype. */
static bool put_parts(struct buf *out, struct span text, int options, bool map)
{
	static utf8proc_int32_t points[POINTS_MAX];
	utf8proc_ssize_t n, i;

	n = utf8proc_decompose(text.p, (utf8proc_ssize_t)text.n, points,
			       POINTS_MAX, (utf8proc_option_t)options);
	if (n < 0 || n > POINTS_MAX)
		return false;
	for (i = 0; i < n; i++) {
		if (map)
			put_prototype(out, (uint32_t)points[i]);
		else
			put_utf8(out, (uint32_t)points[i]);
	}
	return true;
}

bool skeleton_put(struct buf *out, struct span text, bool fold)
{
	const int apart = UTF8PROC_STABLE | UTF8PROC_DECOMPOSE;
	CLEAN_BUF struct buf mapped;

	buf_init(&mapped, (size_t)4 * POINTS_MAX);
	if (text.n > SKELETON_MAX || !utf8_valid(text))
		return false;
	return put_parts(&mapped, text,
			 apart | UTF8PROC_IGNORE |
				 (fold ? UTF8PROC_CASEFOLD : 0),
			 true) &&
	       buf_ok(&mapped) &&
	       put_parts(out, buf_view(&mapped),
			 apart | (fold ? UTF8PROC_CASEFOLD : 0), false);
}

static bool same(struct span a, struct span b, bool fold)
{
	CLEAN_BUF struct buf x;
	CLEAN_BUF struct buf y;

	buf_init(&x, (size_t)4 * POINTS_MAX);
	buf_init(&y, (size_t)4 * POINTS_MAX);
	return skeleton_put(&x, a, fold) && skeleton_put(&y, b, fold) &&
	       buf_ok(&x) && buf_ok(&y) && span_eq(buf_view(&x), buf_view(&y));
}

bool skeleton_alike(struct span a, struct span b)
{
	/* A capital I looks like an l, as a small i does not. */
	return !span_eq(a, b) && (same(a, b, false) || same(a, b, true));
}

static const uint8_t *set_of(uint32_t c)
{
	size_t low = 0, high = ARRAY_SIZE(script_runs);

	while (high - low > 1) {
		size_t mid = low + (high - low) / 2;

		if (script_runs[mid].first <= c)
			low = mid;
		else
			high = mid;
	}
	return script_sets[script_runs[low].set];
}

bool skeleton_mixed(struct span text)
{
	uint8_t left[SET_BYTES];
	size_t at, n, i;
	unsigned any;
	uint32_t c;

	memset(left, 0xff, sizeof(left));
	for (at = 0; at < text.n; at += n) {
		const uint8_t *set;

		n = render_decode(span_of(text.p + at, text.n - at), &c);
		if (!n)
			return true;
		set = set_of(c);
		any = 0;
		for (i = 0; i < SET_BYTES; i++)
			any |= (unsigned)(left[i] &= set[i]);
		if (!any)
			return true;
	}
	return false;
}
