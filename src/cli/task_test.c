/* Tests of task: what the owner sees of tasks, against golden text. */

#include "base/str.h"
#include "base/testing.h"
#include "cli/golden.h"
#include "cli/task.h"

/* A constant, unlike SPAN_LIT. */
#define S(s)                                                                   \
	{                                                                      \
		(const uint8_t *)(s), sizeof(s) - 1                            \
	}

static const struct m_c_task rows[] = {
	{ .task = 7,
	  .state = TASK_QUEUED,
	  .own = 1,
	  .created_s = 1795334041,
	  .text = S("Write to lea@example.org.") },
	{ .task = 8,
	  .item = 41,
	  .state = TASK_DONE,
	  .own = 1,
	  .created_s = 1795334041,
	  .ended_s = 1795334042,
	  .calls = 2,
	  .forks = 1,
	  .bits = 12,
	  .label = S("owner from=owner readers=public"),
	  .text = S("Answer it, and say that we come by train at eight o'clock "
		    "in the morning.\nNothing else."),
	  .answer = S("Done.\nTask 9: failed\x1b[2J\n") },
	{ .task = 9,
	  .item = 42,
	  .state = TASK_FAILED,
	  .text = S("Tell me what is new."),
	  .fault = S("deadline") },
	{ .task = 123456, .state = TASK_STATE_MAX },
};

static void test_text(void **)
{
	static const struct show how = { 0 };
	CLEAN_BUF struct buf b;
	size_t i;

	buf_init(&b, 1 << 16);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		task_line(&b, &how, &rows[i]);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_u8(&b, '\n');
		task_full(&b, &how, &rows[i]);
	}
	assert_true(buf_ok(&b));
	compare_golden("task.txt", buf_cstr(&b));
}

static void test_json(void **)
{
	CLEAN_BUF struct buf b;
	json_t *all = json_array();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
			json_array_append_new(all, task_json(&rows[i])), 0);
	buf_init(&b, 1 << 16);
	show_json(&b, all, false);
	json_decref(all);
	assert_true(buf_ok(&b));
	compare_golden("task.json", buf_cstr(&b));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests_name("cli/task", tests, NULL, NULL);
}
