/* Tests of effects: what the owner sees of them, against golden text. */

#include "base/str.h"
#include "base/testing.h"
#include "cli/effects.h"
#include "cli/golden.h"

/* A constant, unlike SPAN_LIT. */
#define S(s)                                                                   \
	{                                                                      \
		(const uint8_t *)(s), sizeof(s) - 1                            \
	}

static const struct m_e_row rows[] = {
	{ .effect = 3,
	  .item = 41,
	  .task = 52,
	  .state = EFFECT_DONE,
	  .recorded = 1,
	  .have_index = 1,
	  .index = 1234,
	  .planned_s = 1795334041,
	  .ended_s = 1795334042,
	  .capability = S("email.send"),
	  .connector = S("drafts"),
	  .detail = S("effect-3.ab.bulkhead"),
	  .n = 2,
	  .args = { { S("to"), ARG_STRING, ARG_ELEMENT, S("lea@example.org") },
		    { S("body"), ARG_STRING, ARG_SCALAR,
		      S("Yes.\nEffect 9: done\x1b[2J") } } },
	{ .effect = 4,
	  .item = 42,
	  .task = 53,
	  .repeats = 2,
	  .state = EFFECT_UNKNOWN,
	  .have_index = 1,
	  .index = 0,
	  .capability = S("email.send"),
	  .connector = S("drafts"),
	  .detail = S("the connector died") },
	{ .effect = 5,
	  .item = 42,
	  .task = 53,
	  .state = EFFECT_NOT_EXECUTED,
	  .capability = S("email.send"),
	  .connector = S("drafts") },
	{ .effect = 123456,
	  .item = 42,
	  .state = EFFECT_STATE_MAX,
	  .capability = S("x"),
	  .connector = S("y") },
};

static void test_text(void **)
{
	static const struct show how = { 0 };
	CLEAN_BUF struct buf b;
	size_t i;

	buf_init(&b, 1 << 16);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		effects_line(&b, &how, &rows[i]);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_u8(&b, '\n');
		effects_full(&b, &how, &rows[i]);
	}
	assert_true(buf_ok(&b));
	compare_golden("effects.txt", buf_cstr(&b));
}

static void test_json(void **)
{
	CLEAN_BUF struct buf b;
	json_t *all = json_array();
	size_t i;

	buf_init(&b, 1 << 16);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(
			json_array_append_new(all, effects_json(&rows[i])), 0);
	show_json(&b, all, true);
	buf_u8(&b, '\n');
	json_decref(all);
	compare_golden("effects.json", buf_cstr(&b));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
