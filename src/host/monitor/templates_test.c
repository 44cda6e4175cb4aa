/*
 * Tests of templates: each rule of retirement at, one below and one above its
 * limit, the back-off, and what a storm of crashes costs.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/backoff.h"
#include "base/span.h"
#include "base/str.h"
#include "host/monitor/templates.h"

enum { T0 = 5000000, DAY_MS = 24 * 3600 * 1000 };

static struct template ready_at(uint64_t now)
{
	struct template t = { .wanted = true };

	assert_true(template_due(&t, now - 900));
	template_begin(&t, now - 900);
	assert_string_equal(template_state(&t, now), "building");
	template_built(&t, now);
	assert_string_equal(template_state(&t, now), "ready");
	assert_int_equal(t.build_ms, 900);
	return t;
}

static void backs_off(void **)
{
	static const struct {
		uint32_t failures;
		uint64_t ms;
	} rows[] = { { 0, 0 },	   { 1, 1000 },	  { 2, 2000 },
		     { 3, 4000 },  { 6, 32000 },  { 7, 60000 },
		     { 8, 60000 }, { 64, 60000 }, { UINT32_MAX, 60000 } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(backoff_ms(rows[i].failures, BACKOFF_MAX_MS),
				 rows[i].ms);
}

static void deadline_by_load(void **)
{
	assert_int_equal(template_deadline_ms(0), TEMPLATE_BUILD_MS);
	assert_int_equal(template_deadline_ms(1), TEMPLATE_BUILD_MS);
	assert_int_equal(template_deadline_ms(2.5), 75000);
	assert_int_equal(template_deadline_ms(10), 10 * TEMPLATE_BUILD_MS);
	assert_int_equal(template_deadline_ms(1e9), 10 * TEMPLATE_BUILD_MS);
	assert_int_equal(template_deadline_ms(-1), TEMPLATE_BUILD_MS);
	assert_int_equal(template_deadline_ms(__builtin_nan("")),
			 TEMPLATE_BUILD_MS);
}

static void not_wanted(void **)
{
	const struct template t = { 0 };

	assert_false(template_due(&t, T0));
	assert_int_equal(template_next_ms(&t, T0), UINT64_MAX);
	assert_int_equal(template_way(&t, T0), TEMPLATE_COLD);
	assert_string_equal(template_state(&t, T0), "off");
}

/* The first messages wait for the first build, then get clones. */
static void first_build(void **)
{
	struct template t = { .wanted = true };

	assert_string_equal(template_state(&t, T0), "none");
	assert_int_equal(template_way(&t, T0), TEMPLATE_WAIT);
	template_begin(&t, T0);
	assert_false(template_due(&t, T0 + 1));
	assert_int_equal(template_way(&t, T0 + 1), TEMPLATE_WAIT);
	template_built(&t, T0 + 900);
	assert_int_equal(template_way(&t, T0 + 900), TEMPLATE_CLONE);
	assert_int_equal(t.number, 1);
}

/* One that takes its time is not waited for. */
static void slow_build(void **)
{
	struct template t = { .wanted = true };
	uint64_t late = T0 + TEMPLATE_WAIT_MS;

	template_begin(&t, T0);
	assert_int_equal(template_way(&t, late - 1), TEMPLATE_WAIT);
	assert_int_equal(template_next_ms(&t, T0), late);
	assert_int_equal(template_way(&t, late), TEMPLATE_COLD);
	assert_int_equal(template_next_ms(&t, late), UINT64_MAX);
	template_built(&t, late + 1);
	assert_int_equal(template_way(&t, late + 1), TEMPLATE_CLONE);
}

static void by_clones(void **)
{
	struct template t = ready_at(T0);
	int i;

	for (i = 0; i < TEMPLATE_RENEW_CLONES - 1; i++)
		template_cloned(&t);
	assert_false(template_due(&t, T0));
	template_cloned(&t); /* 900 */
	assert_true(template_due(&t, T0));
	for (i = TEMPLATE_RENEW_CLONES; i < TEMPLATE_CLONES - 1; i++)
		template_cloned(&t);
	assert_int_equal(t.clones, 999);
	assert_null(template_expired(&t, T0));
	assert_int_equal(template_way(&t, T0), TEMPLATE_CLONE);
	template_cloned(&t);
	assert_string_equal(template_expired(&t, T0),
			    "it had its 1,000 clones");
	assert_int_equal(template_way(&t, T0), TEMPLATE_WAIT);
	template_cloned(&t);
	assert_non_null(template_expired(&t, T0));
	template_retire(&t, template_expired(&t, T0));
	assert_int_equal(t.retired, 1);
	assert_string_equal(t.why, "it had its 1,000 clones");
	assert_true(template_due(&t, T0)); /* without a back-off */
}

static void by_age(void **)
{
	struct template t = ready_at(T0);

	assert_false(template_due(&t, T0 + TEMPLATE_RENEW_MS - 1));
	assert_int_equal(template_next_ms(&t, T0), T0 + TEMPLATE_RENEW_MS);
	assert_true(template_due(&t, T0 + TEMPLATE_RENEW_MS));
	assert_int_equal(template_next_ms(&t, T0 + TEMPLATE_RENEW_MS),
			 T0 + DAY_MS);
	assert_null(template_expired(&t, T0 + DAY_MS - 1));
	assert_string_equal(template_expired(&t, T0 + DAY_MS),
			    "it was a day old");
	assert_non_null(template_expired(&t, T0 + DAY_MS + 1));
	assert_int_equal(template_way(&t, T0 + DAY_MS), TEMPLATE_WAIT);
}

/* While its successor is built the old one serves; then it is gone. */
static void successor(void **)
{
	struct template t = ready_at(T0);

	t.clones = TEMPLATE_RENEW_CLONES;
	template_begin(&t, T0 + 10);
	assert_string_equal(template_state(&t, T0 + 10), "renewing");
	assert_int_equal(template_way(&t, T0 + 10), TEMPLATE_CLONE);
	/* It fails, and is tried again by the back-off alone. */
	template_failed(&t, T0 + 20, "no");
	assert_int_equal(template_way(&t, T0 + 20), TEMPLATE_CLONE);
	assert_false(template_due(&t, T0 + 20 + BACKOFF_FIRST_MS - 1));
	assert_int_equal(template_next_ms(&t, T0 + 20),
			 T0 + 20 + BACKOFF_FIRST_MS);
	assert_true(template_due(&t, T0 + 20 + BACKOFF_FIRST_MS));
	template_begin(&t, T0 + 2000);
	template_built(&t, T0 + 3000);
	assert_int_equal(t.number, 2);
	assert_int_equal(t.clones, 0);
	assert_int_equal(t.retired, 1);
	assert_int_equal(t.failures, 0);
	assert_null(template_expired(&t, T0 + 3000));
	/* A clone of the old one that dies now says nothing of the new. */
	assert_false(template_crashed(&t, 1, T0 + 3001, "died"));
	assert_true(t.ready);
}

/* A machine on which nothing can be built: cold boots, and no hot loop. */
static void broken(void **)
{
	static const uint64_t waits[] = { 1000,	 2000,	4000,  8000,
					  16000, 32000, 60000, 60000 };
	struct template t = { .wanted = true };
	uint64_t now = T0;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(waits); i++) {
		assert_true(template_due(&t, now));
		template_begin(&t, now);
		/* Only the first build is waited for. */
		assert_int_equal(template_way(&t, now),
				 i ? TEMPLATE_COLD : TEMPLATE_WAIT);
		now += 50;
		template_failed(&t, now, "QEMU said no");
		assert_string_equal(template_state(&t, now), "broken");
		assert_int_equal(template_way(&t, now), TEMPLATE_COLD);
		assert_int_equal(template_next_ms(&t, now), now + waits[i]);
		assert_false(template_due(&t, now + waits[i] - 1));
		now += waits[i];
	}
	template_begin(&t, now);
	template_built(&t, now + 1);
	assert_int_equal(t.failures, 0);
	assert_int_equal(template_way(&t, now + 1), TEMPLATE_CLONE);
}

static void crash(void **)
{
	struct template t = ready_at(T0);

	assert_true(template_crashed(&t, 1, T0 + 5, "hangup"));
	assert_string_equal(t.why, "hangup");
	assert_int_equal(t.retired, 1);
	/* The first one is built again at once, and waited for. */
	assert_true(template_due(&t, T0 + 5));
	assert_int_equal(template_way(&t, T0 + 5), TEMPLATE_WAIT);
	/* Another clone of the same one. */
	assert_false(template_crashed(&t, 1, T0 + 6, "hangup"));
	assert_int_equal(t.retired, 1);
	template_begin(&t, T0 + 6);
	template_built(&t, T0 + 900);
	/* The second one soon after has to rest; mails are cold-booted. */
	assert_true(template_crashed(&t, 2, T0 + 1000, "hangup"));
	assert_string_equal(template_state(&t, T0 + 1000), "resting");
	assert_int_equal(template_way(&t, T0 + 1000), TEMPLATE_COLD);
	assert_false(template_due(&t, T0 + 1999));
	assert_int_equal(template_next_ms(&t, T0 + 1000), T0 + 2000);
	assert_true(template_due(&t, T0 + 2000));
}

/* One that served for long starts the back-off anew. */
static void calm(void **)
{
	static const struct {
		uint64_t age;
		uint64_t rest;
	} rows[] = { { TEMPLATE_CALM_MS - 1, 2000 },
		     { TEMPLATE_CALM_MS, 0 },
		     { TEMPLATE_CALM_MS + 1, 0 } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct template t = ready_at(T0);

		t.crashes = 2;
		assert_true(
			template_crashed(&t, 1, T0 + rows[i].age, "deadline"));
		assert_int_equal(t.retry_ms, T0 + rows[i].age + rows[i].rest);
	}
}

/* A mail that crashes its reader, again and again for an hour: a build takes
 * a second, the next crash comes at once. */
static void storm(void **)
{
	struct template t = { .wanted = true };
	uint64_t now = T0;
	uint64_t builds = 0;

	while (now < T0 + 3600 * 1000) {
		if (!template_due(&t, now)) {
			assert_int_equal(template_way(&t, now), TEMPLATE_COLD);
			now = template_next_ms(&t, now);
			continue;
		}
		template_begin(&t, now);
		now += 1000;
		template_built(&t, now);
		builds++;
		assert_true(template_crashed(&t, t.number, now, "hangup"));
	}
	assert_in_range(builds, 60, 66);
	assert_int_equal(t.retired, builds);
}

/* A reason is cut between characters, wherever that is. */
static void reason_is_text(void **)
{
	struct template t = { .wanted = true };
	char why[2 * TEMPLATE_WHY];
	size_t i, n;

	for (i = 0; i < 2; i++) {
		n = i;
		memset(why, 'x', i);
		while (n + 2 < sizeof(why)) {
			why[n++] = '\xc3';
			why[n++] = '\xa9';
		}
		why[n] = 0;
		template_begin(&t, T0);
		template_failed(&t, T0, why);
		assert_true(utf8_valid(span_str(t.why)));
		assert_in_range(strlen(t.why), TEMPLATE_WHY - 2,
				TEMPLATE_WHY - 1);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(backs_off),
		cmocka_unit_test(deadline_by_load),
		cmocka_unit_test(not_wanted),
		cmocka_unit_test(first_build),
		cmocka_unit_test(slow_build),
		cmocka_unit_test(by_clones),
		cmocka_unit_test(by_age),
		cmocka_unit_test(successor),
		cmocka_unit_test(broken),
		cmocka_unit_test(crash),
		cmocka_unit_test(calm),
		cmocka_unit_test(storm),
		cmocka_unit_test(reason_is_text),
	};

	return cmocka_run_group_tests_name("host/monitor/templates", tests,
					   NULL, NULL);
}
