/* jump_test: what is a jump of the wall clock, and what is none. */
#include "base/jump.h"

#include "base/span.h"
#include "base/testing.h"

/* Of the wall clock, beside that of the boot. */
enum { DAY_MS = 86400 * 1000, AT = 1000 };

static void jumps(void **)
{
	static const struct {
		int64_t wall_ms, boot_ms, want;
	} rows[] = {
		{ AT, 0, 0 },		      /* the first look */
		{ AT + 2000, 2000, 0 },	      /* both went on */
		{ AT + 6000, 4000, 0 },	      /* 2 s is no jump, */
		{ AT + 10001, 6000, 2001 },   /* more is */
		{ AT + 12001, 8000, 0 },      /* told once */
		{ AT + 12000, 10000, -2001 }, /* back */
		{ AT + 12000, 12000, 0 },
		{ AT + 14000 + DAY_MS, 14000, DAY_MS },
		{ AT + 16000 - DAY_MS, 16000, INT64_C(-2) * DAY_MS },
	};
	struct jump j = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (jump_seen(&j, rows[i].wall_ms, rows[i].boot_ms) !=
		    rows[i].want)
			fail_msg("row %zu", i);
}

/* Sped up by half a thousandth, as a clock that is led slowly is. */
static void slewed(void **)
{
	struct jump j = { 0 };
	int64_t t;

	for (t = 0; t < INT64_C(30) * DAY_MS; t += 60000)
		assert_int_equal(jump_seen(&j, t + t / 2000, t), 0);
}

static void asleep(void **)
{
	struct jump j = { 0 };

	assert_int_equal(jump_seen(&j, AT, 0), 0);
	assert_int_equal(jump_seen(&j, AT + DAY_MS, DAY_MS), 0);
}

static void now(void **)
{
	struct jump j = { 0 };

	assert_int_equal(jump_now(&j), 0);
	assert_int_equal(jump_now(&j), 0);
	j.apart_ms -= DAY_MS;
	assert_in_range(jump_now(&j), DAY_MS - 100, DAY_MS + 100);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(jumps),
		cmocka_unit_test(slewed),
		cmocka_unit_test(asleep),
		cmocka_unit_test(now),
	};

	return cmocka_run_group_tests_name("base/jump", tests, NULL, NULL);
}
