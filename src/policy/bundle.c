/* bundle: see bundle.h. */
#include "policy/bundle.h"

#include <assert.h>
#include <errno.h>

#include "policy/zone.h"

static_assert(POLICY_BUNDLE_MAX == POLICY_TEXT_MAX + 1 + ZONE_BYTES,
	      "a zone of any size fits");

/* The zones of somebody else, and what they gave last. */
struct noted {
	const struct policy_zones *from;
	struct buf tzif;
};

static int read_noted(void *ctx, const char *name, struct buf *out)
{
	struct noted *z = ctx;
	int r;

	buf_reset(&z->tzif);
	r = z->from->read(z->from->ctx, name, &z->tzif);
	if (r < 0)
		return r;
	buf_span(out, buf_view(&z->tzif));
	return buf_ok(&z->tzif) ? 0 : -EFBIG;
}

int policy_pack(const char *name, struct span yaml,
		const struct policy_zones *zones, struct buf *out,
		struct policy **ret, struct buf *errs)
{
	struct noted noted = { .from = zones };
	const struct policy_zones through = { .ctx = &noted,
					      .read = read_noted };
	struct policy *p = NULL;
	int r;

	buf_init(&noted.tzif, ZONE_BYTES);
	r = policy_load(name, yaml, &through, &p, errs);
	buf_span(out, yaml);
	if (r == 0 && noted.tzif.n) {
		buf_u8(out, 0);
		buf_span(out, buf_view(&noted.tzif));
	}
	buf_done(&noted.tzif);
	if (r == 0 && !buf_ok(out)) {
		policy_free(p);
		return -ENOMEM;
	}
	if (r == 0)
		*ret = p;
	return r;
}

static int give_zone(void *ctx, const char *, struct buf *out)
{
	const struct span *tzif = ctx;

	buf_span(out, *tzif);
	return tzif->n ? 0 : -ENOENT;
}

int policy_unpack(const char *name, struct span bundle, struct policy **ret,
		  struct buf *errs)
{
	const uint8_t *end = bundle.n ? memchr(bundle.p, 0, bundle.n) : NULL;
	const size_t n = end ? (size_t)(end - bundle.p) : bundle.n;
	struct span tzif = { 0 };
	const struct policy_zones zones = { .ctx = &tzif, .read = give_zone };

	if (end)
		tzif = span_of(end + 1, bundle.n - n - 1);
	return policy_load(name, span_of(bundle.p, n), &zones, ret, errs);
}
