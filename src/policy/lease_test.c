/* lease_test: time since the owner was heard of, over restarts, reboots and
 * clocks that are set: what cannot be known is over. */
#include "policy/lease.h"

#include "base/testing.h"

enum { DAY = 86400 };

static struct state_clock at(uint8_t boot, uint64_t boot_s, uint64_t wall_s)
{
	return (struct state_clock){ .boot_id = { boot },
				     .boot_ms = boot_s * 1000,
				     .wall_s = wall_s };
}

static void test_left(void **)
{
	static const struct {
		uint8_t boot;
		uint64_t boot_s, wall_s, left_s;
	} rows[] = {
		{ 1, 100, 1000000, DAY },
		{ 1, 101, 1000001, DAY - 1 },
		{ 1, 100 + DAY - 1, 1000000, 1 },
		{ 1, 100 + DAY, 1000000, 0 },
		{ 1, 100 + DAY, 5, 0 },
		/* the wall clock counts for nothing in the same boot */
		{ 1, 200, 9000000, DAY - 100 },
		{ 1, 200, 1, DAY - 100 },
		/* time does not go back in one */
		{ 1, 99, 1000000, 0 },
		/* over a reboot it is all there is */
		{ 2, 1, 1000000, DAY },
		{ 2, 900000, 1000050, DAY - 50 },
		{ 2, 1, 1000000 + DAY, 0 },
		{ 2, 1, 1000000 + DAY - 1, 1 },
		/* and a step back is no answer */
		{ 2, 1, 999999, 0 },
		{ 2, 1, 0, 0 },
		{ 2, 1, UINT64_MAX, 0 },
	};
	const struct state_clock heard = at(1, 100, 1000000);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct state_clock now =
			at(rows[i].boot, rows[i].boot_s, rows[i].wall_s);

		assert_int_equal(lease_left_ms(&heard, &now, DAY),
				 rows[i].left_s * 1000);
	}
}

static void test_row(void **)
{
	const struct state_clock heard = at(7, 0x010203, 0x0405060708090a0b);
	struct state_clock back = { 0 };
	uint8_t row[LEASE_ROW + 1];

	lease_encode(&heard, row);
	assert_int_equal(lease_decode(span_of(row, LEASE_ROW), &back), 0);
	assert_memory_equal(&back, &heard, sizeof(back));
	assert_int_equal(lease_decode(span_of(row, LEASE_ROW - 1), &back), -1);
	assert_int_equal(lease_decode(span_of(row, LEASE_ROW + 1), &back), -1);
	assert_int_equal(lease_decode(span_of(row, 0), &back), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_left),
		cmocka_unit_test(test_row),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
