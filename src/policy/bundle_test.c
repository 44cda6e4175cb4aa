/*
 * bundle: what a broker without files has of the policy is what the monitor
 * read: the same bytes, the same hash, and the times of the zone.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>

#include "policy/bundle.h"
#include "policy/model.h"
#include "policy/zone_sample.h"

#define REST "mode: enforce\nsources: {}\ncapabilities: {}\n"

static int read_zone(void *ctx, const char *name, struct buf *out)
{
	if (ctx)
		return -EACCES;
	return sample_zone(ctx, name, out);
}

static int pack(struct span yaml, void *ctx, struct buf *bundle,
		struct policy **p)
{
	const struct policy_zones zones = { .read = read_zone, .ctx = ctx };
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 4096);
	buf_init(bundle, POLICY_BUNDLE_MAX);
	return policy_pack("p", yaml, &zones, bundle, p, &errs);
}

static int unpack(struct span bundle, struct policy **p)
{
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 4096);
	return policy_unpack("p", bundle, p, &errs);
}

static void zone_goes_with_it(void **)
{
	struct policy *was = NULL, *is = NULL;
	CLEAN_BUF struct buf bundle;

	assert_int_equal(
		pack(SPAN_LIT("bulkhead: 1\n" REST "timezone: Europe/Paris\n"),
		     NULL, &bundle, &was),
		0);
	assert_int_equal(unpack(buf_view(&bundle), &is), 0);
	assert_memory_equal(policy_hash(was), policy_hash(is), POLICY_HASH);
	assert_string_equal(policy_timezone(is), "Europe/Paris");
	/* the hour before and the hour of the change in March 2026, and the
	 * same in October */
	assert_int_equal(zone_offset(is->zone, 1774745999), 3600);
	assert_int_equal(zone_offset(is->zone, 1774746000), 7200);
	assert_int_equal(zone_offset(is->zone, 1792889999), 7200);
	assert_int_equal(zone_offset(is->zone, 1792890000), 3600);
	policy_free(was);
	policy_free(is);
}

static void text_alone(void **)
{
	static const char *const texts[] = {
		"bulkhead: 1\n" REST,
		"bulkhead: 1\n" REST "timezone: UTC\n",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct policy *was = NULL, *is = NULL;
		CLEAN_BUF struct buf bundle;

		assert_int_equal(pack(span_str(texts[i]), NULL, &bundle, &was),
				 0);
		assert_true(span_is(buf_view(&bundle), texts[i]));
		assert_int_equal(unpack(buf_view(&bundle), &is), 0);
		policy_free(was);
		policy_free(is);
	}
}

/* A NUL in the owner's file is no end of it: it is no policy at all. */
static void nul_in_the_text(void **)
{
	static const char text[] = "bulkhead: 1\n" REST "\0sets: {}\n";
	struct policy *p = NULL;
	CLEAN_BUF struct buf bundle;

	assert_int_equal(
		pack(span_of(text, sizeof(text) - 1), NULL, &bundle, &p),
		-EINVAL);
	assert_null(p);
}

/* A broker without the bytes of its zone, or with half of them, has no policy.
 */
static void zone_is_missing(void **)
{
	struct policy *was = NULL, *is = NULL;
	CLEAN_BUF struct buf bundle;
	CLEAN_BUF struct buf none;
	size_t n,
		text = strlen("bulkhead: 1\n" REST "timezone: Europe/Paris\n");

	assert_int_equal(
		pack(SPAN_LIT("bulkhead: 1\n" REST "timezone: Europe/Paris\n"),
		     NULL, &bundle, &was),
		0);
	assert_true(bundle.n > text + 1);
	for (n = text - 1; n < bundle.n; n++)
		assert_int_equal(unpack(buf_part(&bundle, 0, n), &is), -EINVAL);
	assert_null(is);
	policy_free(was);
	was = NULL;
	assert_int_equal(
		pack(SPAN_LIT("bulkhead: 1\n" REST "timezone: Europe/Paris\n"),
		     &was, &none, &was),
		-EINVAL);
	assert_null(was);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(zone_goes_with_it),
		cmocka_unit_test(text_alone),
		cmocka_unit_test(nul_in_the_text),
		cmocka_unit_test(zone_is_missing),
	};

	return cmocka_run_group_tests_name("policy/bundle", tests, NULL, NULL);
}
