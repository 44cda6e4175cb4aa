/* pace_test: the bucket at, below and above its bounds; sums of refusals. */
#include "host/broker/pace.h"

#include "base/str.h"
#include "base/testing.h"

enum { SECOND_US = 1000000, TOKEN_US = SECOND_US / PACE_RATE };

static uint32_t burst(struct pace *p, uint64_t at)
{
	uint32_t n = 0;

	while (n < 10 * PACE_BURST && pace_wait_ms(p, at) == 0)
		n++;
	return n;
}

static void bursts(void **)
{
	struct pace p = { 0 };
	uint64_t t = 5;

	assert_int_equal(burst(&p, t), PACE_BURST);
	/* A token, and not a moment earlier. */
	assert_int_equal(burst(&p, t + TOKEN_US - 1), 0);
	assert_int_equal(burst(&p, t + TOKEN_US), 1);
	t += TOKEN_US;
	assert_int_equal(burst(&p, t + SECOND_US), PACE_RATE);
	t += SECOND_US;
	/* However long it was quiet, there are no more than these. */
	assert_int_equal(burst(&p, t + UINT64_C(1000) * SECOND_US), PACE_BURST);
}

/* Whoever waits as long as it is told gets its turn. */
static void waits(void **)
{
	struct pace p = { 0 };
	uint64_t t = 5;
	uint32_t asked, ms = 0;

	for (asked = 0; asked < 1000; asked++) {
		uint64_t wait = pace_wait_ms(&p, t);

		t += wait * 1000;
		ms += (uint32_t)wait;
		if (wait)
			assert_int_equal(pace_wait_ms(&p, t), 0);
	}
	assert_in_range(ms, (1000 - PACE_BURST) * 1000 / PACE_RATE,
			(1000 - PACE_BURST) * (1000 / PACE_RATE + 1));
	assert_int_equal(p.held_ms, ms);
	assert_true(pace_is_over(&p));
}

static void held(void **)
{
	struct pace p = { 0 };

	assert_int_equal(burst(&p, 5), PACE_BURST);
	(void)pace_wait_ms(&p, 5);
	p.held_ms = PACE_HELD_MS - 2;
	(void)pace_wait_ms(&p, 5 + 1000);
	assert_false(pace_is_over(&p));
	(void)pace_wait_ms(&p, 5 + 2000);
	assert_true(pace_is_over(&p));
}

/* A clock that stands, or goes back, gives nothing. */
static void clock_back(void **)
{
	struct pace p = { 0 };

	assert_int_equal(burst(&p, SECOND_US), PACE_BURST);
	assert_int_equal(burst(&p, SECOND_US), 0);
	assert_int_equal(burst(&p, 0), 0);
}

static struct decision decisions[3]; /* large */

static const struct decision *deny(size_t i, const char *clause,
				   const char *reason)
{
	struct decision *d = &decisions[i];

	d->verdict = VERDICT_DENY;
	(void)str_printf(d->clause, sizeof(d->clause), "%s", clause);
	(void)str_printf(d->reason, sizeof(d->reason), "%s", reason);
	return d;
}

static void equal(void **)
{
	const struct decision *d = deny(0, "a:1:1 deny", "no");
	const struct decision *other[] = { deny(1, "a:1:2 deny", "no"),
					   deny(2, "a:1:1 deny", "NO") };
	const struct span cap = SPAN_LIT("email.send");
	struct refusals r = { 0 };

	assert_false(refusals_more(&r, cap, d, 1));
	refusals_begin(&r, cap, d, 7);
	assert_int_equal(r.index, 7);
	assert_true(refusals_more(&r, cap, d, 10));
	assert_true(refusals_more(&r, cap, d, 12));
	assert_int_equal(r.more, 2);
	assert_int_equal(r.first_us, 10);
	assert_int_equal(r.last_us, 12);
	assert_false(refusals_more(&r, SPAN_LIT("email.sen"), d, 13));
	assert_false(refusals_more(&r, cap, other[0], 13));
	assert_false(refusals_more(&r, cap, other[1], 13));
	assert_int_equal(r.more, 2);
}

/* Names that no record could hold as they are never count as equal. */
static void awkward_names(void **)
{
	static const uint8_t not_text[] = { 'a', 0xff };
	static char lengthy[LIMIT_NAME + 1];
	const struct decision *d = deny(0, "default deny", "no");
	struct refusals r = { 0 };

	refusals_begin(&r, span_of(not_text, sizeof(not_text)), d, 1);
	assert_false(
		refusals_more(&r, span_of(not_text, sizeof(not_text)), d, 2));
	memset(lengthy, 'x', sizeof(lengthy));
	refusals_begin(&r, span_of(lengthy, sizeof(lengthy)), d, 1);
	assert_false(
		refusals_more(&r, span_of(lengthy, sizeof(lengthy)), d, 2));
	refusals_begin(&r, span_of(lengthy, LIMIT_NAME), d, 1);
	assert_true(refusals_more(&r, span_of(lengthy, LIMIT_NAME), d, 2));
}

/* 10,000 refusals, a record a second and one at each change: no number of them
 * gets lost. */
static void sums(void **)
{
	enum { ALL = 10000, EACH = 20 };
	const struct decision *d[] = { deny(0, "a", "no"), deny(1, "b", "no") };
	const struct span cap = SPAN_LIT("x");
	struct refusals r = { 0 };
	uint64_t told = 0, records = 0, t;

	for (t = 0; t < ALL; t++) {
		const struct decision *now = d[t / 2500 % 2];

		if (t % EACH == 0 && r.more) {
			told += r.more;
			records++;
			r.more = 0;
		}
		if (refusals_more(&r, cap, now, t * SECOND_US / EACH))
			continue;
		told += r.more + 1;
		records += (r.more != 0) + 1;
		refusals_begin(&r, cap, now, t);
	}
	assert_int_equal(told + r.more, ALL);
	assert_in_range(records, ALL / EACH - 10, ALL / EACH + 10);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(bursts), cmocka_unit_test(waits),
		cmocka_unit_test(held),	  cmocka_unit_test(clock_back),
		cmocka_unit_test(equal),  cmocka_unit_test(awkward_names),
		cmocka_unit_test(sums),
	};

	return cmocka_run_group_tests_name("broker/pace", tests, NULL, NULL);
}
