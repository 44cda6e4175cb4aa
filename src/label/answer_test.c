/* answer_test: what answers cost, and when there is nothing left. */
#include "base/testing.h"

#include "base/span.h"
#include "label/answer.h"

static void test_bits(void **)
{
	static const struct {
		uint64_t outcomes;
		uint32_t bits;
	} rows[] = {
		{ 0, 0 },	    { 1, 0 },
		{ 2, 1 },	    { 3, 2 },
		{ 4, 2 },	    { 5, 3 },
		{ 8, 3 },	    { 9, 4 },
		{ 1 << 20, 20 },    { (1 << 20) + 1, 21 },
		{ 1ULL << 63, 63 }, { (1ULL << 63) + 1, 64 },
		{ UINT64_MAX, 64 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(bits_of(rows[i].outcomes), rows[i].bits);
}

static const struct {
	struct answer_want want;
	int bits;
} costs[] = {
	{ { ANSWER_BOOL, 0, 0, 0 }, 1 },
	{ { ANSWER_ENUM, 1, 0, 0 }, -1 },
	{ { ANSWER_ENUM, 2, 0, 0 }, 1 },
	{ { ANSWER_ENUM, 3, 0, 0 }, 2 },
	{ { ANSWER_ENUM, 64, 0, 0 }, 6 },
	{ { ANSWER_ENUM, 65, 0, 0 }, -1 },
	{ { ANSWER_INT, 0, 5, 5 }, -1 },
	{ { ANSWER_INT, 0, 5, 4 }, -1 },
	{ { ANSWER_INT, 0, 1, 2 }, 1 },
	{ { ANSWER_INT, 0, 0, 100 }, 7 },
	{ { ANSWER_INT, 0, -128, 127 }, 8 },
	{ { ANSWER_INT, 0, -128, 128 }, 9 },
	{ { ANSWER_INT, 0, INT64_MIN, INT64_MAX - 1 }, 64 },
	{ { ANSWER_INT, 0, INT64_MIN, INT64_MAX }, -1 },
	{ { ANSWER_DATE, 0, 20000, 20365 }, 9 },
	{ { ANSWER_DATE, 0, 20000, 20255 }, 8 },
	{ { ANSWER_MEMBER, 0, 0, 0 }, -1 },
	{ { ANSWER_MEMBER, 1, 0, 0 }, 1 },
	{ { ANSWER_MEMBER, 3, 0, 0 }, 2 },
	{ { ANSWER_MEMBER, 256, 0, 0 }, 9 },
	{ { ANSWER_MEMBER, 257, 0, 0 }, -1 },
	{ { ANSWER_TEXT, 0, 0, 0 }, 0 },
	{ { ANSWER_MAX, 0, 0, 0 }, -1 },
};

static void test_cost(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(costs); i++)
		assert_int_equal(answer_bits(&costs[i].want), costs[i].bits);
}

/* No answer is a choice, too, and costs a bit. */
static void test_budget(void **)
{
	const struct answer_want yes = { .type = ANSWER_BOOL },
				 none = { .type = ANSWER_ENUM };
	struct answer_budget b = { .most = 4 };

	assert_non_null(answer_take(&b, &none));
	assert_int_equal(b.spent, 0);
	assert_null(answer_take(&b, &yes));
	assert_int_equal(b.spent, 2);
	b.most = 3;
	assert_non_null(answer_take(&b, &yes));
	assert_int_equal(b.spent, 2);
	b.most = 4;
	assert_null(answer_take(&b, &yes));
	assert_int_equal(b.spent, 4);
	assert_non_null(answer_take(&b, &yes));
	b = (struct answer_budget){ .most = 0 };
	assert_non_null(answer_take(&b, &yes));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_bits),
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_budget),
	};

	return cmocka_run_group_tests_name("label/answer", tests, NULL, NULL);
}
