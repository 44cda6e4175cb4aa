/* task_row_test: rows come back as they went, and nothing else is one. */
#include "base/testing.h"

#include <stdlib.h>
#include <string.h>

#include "host/broker/task_row.h"

static const struct m_c_task sample = {
	.task = 0x0102030405060708,
	.item = 17,
	.state = TASK_DONE,
	.own = 1,
	.created_s = 1,
	.ended_s = 2,
	.calls = 3,
	.forks = 4,
	.bits = 5,
	.label = { (const uint8_t *)"owner", 5 },
	.text = { (const uint8_t *)"Do it.", 6 },
	.answer = { (const uint8_t *)"Done.", 5 },
	.fault = { (const uint8_t *)"why", 3 },
};

static int decode(struct span value, struct m_c_task *ret)
{
	uint8_t key[TASK_KEY];

	task_row_key(key, sample.task);
	return task_row_decode(span_of(key, sizeof(key)), value, ret);
}

static void test_round(void **)
{
	struct m_c_task t;
	CLEAN_BUF struct buf b;

	buf_init(&b, LIMIT_ROW);
	task_row_encode(&b, &sample);
	assert_int_equal(decode(buf_view(&b), &t), 0);
	assert_int_equal(t.task, sample.task);
	assert_int_equal(t.item, 17);
	assert_int_equal(t.state, TASK_DONE);
	assert_int_equal(t.own, 1);
	assert_int_equal(t.created_s, 1);
	assert_int_equal(t.ended_s, 2);
	assert_int_equal(t.calls, 3);
	assert_int_equal(t.forks, 4);
	assert_int_equal(t.bits, 5);
	assert_true(span_is(t.label, "owner"));
	assert_true(span_is(t.text, "Do it."));
	assert_true(span_is(t.answer, "Done."));
	assert_true(span_is(t.fault, "why"));
}

/* The longest that there can be is a row, too. */
static void test_largest(void **)
{
	struct m_c_task t = sample, got;
	uint8_t *big = calloc(1, LIMIT_ANSWER);
	CLEAN_BUF struct buf b;

	assert_non_null(big);
	buf_init(&b, LIMIT_ROW);
	t.label = span_of(big, LIMIT_TASK_LABEL);
	t.text = span_of(big, LIMIT_INSTRUCTION);
	t.answer = span_of(big, LIMIT_ANSWER);
	t.fault = span_of(big, LIMIT_TASK_FAULT);
	task_row_encode(&b, &t);
	assert_true(buf_ok(&b));
	assert_int_equal(decode(buf_view(&b), &got), 0);
	t.text.n++;
	buf_reset(&b);
	task_row_encode(&b, &t);
	assert_int_equal(decode(buf_view(&b), &got), -1);
	free(big);
}

static void test_refused(void **)
{
	struct m_c_task t;
	CLEAN_BUF struct buf b;
	uint8_t key[TASK_KEY + 1] = { 0 };
	size_t i;

	buf_init(&b, LIMIT_ROW);
	task_row_encode(&b, &sample);
	for (i = 0; i < b.n; i++)
		assert_int_equal(decode(span_of(b.p, i), &t), -1);
	/* no number, half a key, one byte more */
	assert_int_equal(
		task_row_decode(span_of(key, TASK_KEY), buf_view(&b), &t), -1);
	key[TASK_KEY - 1] = 1;
	assert_int_equal(
		task_row_decode(span_of(key, TASK_KEY), buf_view(&b), &t), 0);
	assert_int_equal(task_row_decode(span_of(key + 1, TASK_KEY - 1),
					 buf_view(&b), &t),
			 -1);
	assert_int_equal(
		task_row_decode(span_of(key, TASK_KEY + 1), buf_view(&b), &t),
		-1);
	b.p[1] = TASK_STATE_MAX;
	assert_int_equal(decode(buf_view(&b), &t), -1);
	b.p[1] = 0;
	assert_int_equal(decode(buf_view(&b), &t), -1);
	b.p[1] = TASK_QUEUED;
	b.p[0]++;
	assert_int_equal(decode(buf_view(&b), &t), -1);
	b.p[0]--;
	buf_u8(&b, 0);
	assert_int_equal(decode(buf_view(&b), &t), -1);
}

static void test_order(void **)
{
	static const uint64_t numbers[] = { 1,	 2,	255,	 256,
					    257, 65536, 1 << 24, UINT64_MAX };
	uint8_t a[TASK_KEY], b[TASK_KEY];
	size_t i;

	for (i = 1; i < ARRAY_SIZE(numbers); i++) {
		task_row_key(a, numbers[i - 1]);
		task_row_key(b, numbers[i]);
		assert_true(memcmp(a, b, TASK_KEY) < 0);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_order),
	};

	return cmocka_run_group_tests_name("broker/task_row", tests, NULL,
					   NULL);
}
