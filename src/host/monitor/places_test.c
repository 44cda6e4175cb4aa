/* Tests of places: no kind and no number of hogs takes them all; the pool is
 * refilled when nothing else is to be done, and not otherwise. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/span.h"
#include "host/monitor/places.h"

enum { T0 = 5000000 };

static void by_cores(void **)
{
	static const struct {
		long cores;
		uint32_t places;
	} rows[] = { { -1, 2 }, { 0, 2 },  { 1, 2 },  { 2, 4 },
		     { 7, 14 }, { 8, 16 }, { 9, 16 }, { 4096, 16 } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(places_of(rows[i].cores), rows[i].places);
}

static void frees(void **)
{
	static const struct {
		uint32_t all, readers, slow_readers, tasks, slow_tasks;
		bool planners, reader, planner; /* may start */
	} rows[] = {
		{ 4, 0, 0, 0, 0, true, true, true },
		{ 4, 2, 0, 0, 0, true, true, true },
		/* Each kind leaves one to the other, */
		{ 4, 3, 0, 0, 0, true, false, true },
		{ 4, 0, 0, 3, 0, true, true, false },
		{ 4, 3, 0, 1, 0, true, false, false },
		{ 4, 2, 0, 2, 0, true, false, false },
		/* if there is another. */
		{ 4, 3, 0, 0, 0, false, true, false },
		{ 4, 4, 0, 0, 0, false, false, false },
		{ 2, 1, 0, 0, 0, true, false, true },
		{ 2, 1, 0, 1, 0, true, false, false },
		/* Hogs that were at work for long hold none, */
		{ 4, 3, 2, 0, 0, true, true, true },
		{ 4, 4, 4, 0, 0, true, true, true },
		{ 4, 6, 4, 1, 0, true, true, true },
		{ 4, 6, 4, 2, 0, true, false, false },
		/* as many as there are places; the rest hold one each, */
		{ 4, 5, 5, 0, 0, true, true, true },
		{ 4, 6, 6, 1, 0, true, true, true },
		{ 4, 6, 6, 2, 0, true, false, false },
		/* and never the last one of the other kind. */
		{ 4, 7, 7, 0, 0, true, false, true },
		{ 4, 0, 0, 7, 7, true, true, false },
		{ 4, 0, 0, 6, 6, true, true, true },
		{ 4, 8, 8, 0, 0, false, false, false },
		{ 4, 7, 7, 0, 0, false, true, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct places p = {
			.all = rows[i].all,
			.working = { 0, rows[i].readers, rows[i].tasks },
			.slow = { 0, rows[i].slow_readers, rows[i].slow_tasks },
			.planners = rows[i].planners,
		};

		assert_int_equal(place_free(&p, VM_READER), rows[i].reader);
		if (rows[i].planners)
			assert_int_equal(place_free(&p, VM_PLANNER),
					 rows[i].planner);
	}
}

static const struct pool_need quiet = {
	.have = 0, .place = true, .template = true, .worked_ms = T0
};

static void refills(void **)
{
	const struct pool p = { .want = 2 };
	uint64_t at = T0 + POOL_REFILL_MS;
	struct pool_need n = quiet;

	assert_false(pool_due(&p, &n, at - 1));
	assert_int_equal(pool_next_ms(&p, &n, T0), at);
	assert_true(pool_due(&p, &n, at));
	assert_int_equal(pool_next_ms(&p, &n, at + 7), at + 7);
	n.have = 1;
	assert_true(pool_due(&p, &n, at));
	n.have = 2;
	assert_false(pool_due(&p, &n, at));
	assert_int_equal(pool_next_ms(&p, &n, at), UINT64_MAX);
}

static void has_time(void **)
{
	const struct pool p = { .want = 2 };
	uint64_t at = T0 + POOL_REFILL_MS;
	struct pool_need n;

	n = quiet;
	n.parking = true;
	assert_false(pool_due(&p, &n, at));
	n = quiet;
	n.waiting = true;
	assert_false(pool_due(&p, &n, at));
	n = quiet;
	n.place = false;
	assert_false(pool_due(&p, &n, at));
	n = quiet;
	n.template = false;
	assert_false(pool_due(&p, &n, at));
	assert_int_equal(pool_next_ms(&p, &n, at), UINT64_MAX);
}

static void dies(void **)
{
	struct pool p = { .want = 1 };
	uint64_t now = T0 + 1000;

	assert_false(pool_failed(&p, now));
	assert_false(pool_due(&p, &quiet, now + 999));
	assert_int_equal(pool_next_ms(&p, &quiet, now), now + 1000);
	assert_true(pool_due(&p, &quiet, now + 1000));
	assert_false(pool_failed(&p, now));
	assert_int_equal(pool_next_ms(&p, &quiet, now), now + 2000);
	/* One that lived to be parked ends the series. */
	pool_parked(&p);
	assert_false(pool_failed(&p, now));
	assert_false(pool_failed(&p, now));
	assert_true(pool_failed(&p, now));
	assert_int_equal(p.died, 5);
	/* The template is told; the next one begins anew. */
	assert_false(pool_failed(&p, now));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(by_cores), cmocka_unit_test(frees),
		cmocka_unit_test(refills),  cmocka_unit_test(has_time),
		cmocka_unit_test(dies),
	};

	return cmocka_run_group_tests_name("host/monitor/places", tests, NULL,
					   NULL);
}
