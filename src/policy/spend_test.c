/*
 * spend: what is reserved and settled, at every budget there is; what has no
 * price; what ended in between.
 */
#include "base/testing.h"

#include <stdlib.h>

#include "policy/spend.h"

#define TOP                                                                    \
	"bulkhead: 1\nmode: enforce\nsources: {}\ncapabilities: {}\nbudgets: "

static const struct spend_price price = { .known = true,
					  .input = 3000000,
					  .cache_read = 300000,
					  .cache_write = 3750000,
					  .output = 15000000 };

struct world {
	struct policy *p;
	struct policy_state *s;
	struct state_taken t[2];
	char why[SPEND_WHY];
};

static void begin(struct world *w, const char *budgets)
{
	static const struct state_clock c = { .wall_s = 1000000,
					      .boot_id = { 1 } };
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf errs;

	*w = (struct world){ 0 };
	buf_init(&text, 4096);
	buf_init(&errs, 4096);
	buf_printf(&text, TOP "%s\n", budgets);
	if (policy_load("p", buf_view(&text), NULL, &w->p, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
	w->s = policy_state_new();
	assert_non_null(w->s);
	assert_int_equal(policy_state_now(w->s, &c), 0);
}

static void end(struct world *w)
{
	policy_free(w->p);
	policy_state_free(w->s);
}

static bool reserve(struct world *w, uint64_t task, uint64_t tokens,
		    uint64_t usd)
{
	const struct spend_amount a = { tokens, usd, false };

	w->t[0] = (struct state_taken){ 0 };
	return spend_reserve(w->p, w->s, task, &a, &w->t[0], w->why);
}

static void settle(struct world *w, uint64_t task, uint64_t tokens,
		   uint64_t usd)
{
	const struct spend_amount a = { tokens, usd, false };

	assert_true(spend_settle(w->p, w->s, task, &a, &w->t[0]));
}

static void test_cost(void **state)
{
	const struct spend_used one = { .output = 1 },
				some = { 1000, 2000, 400, 100 },
				most = { SPEND_TOKENS, SPEND_TOKENS,
					 SPEND_TOKENS, SPEND_TOKENS };
	const struct spend_price dear = { true, SPEND_PRICE_MAX,
					  SPEND_PRICE_MAX, SPEND_PRICE_MAX,
					  SPEND_PRICE_MAX };
	struct spend_amount a;

	(void)state;
	a = spend_of(&one, &price);
	assert_int_equal(a.tokens, 1);
	assert_int_equal(a.usd, 15);
	a = spend_of(&some, &price);
	assert_int_equal(a.tokens, 3500);
	assert_int_equal(a.usd, 3000 + 600 + 1500 + 1500);
	/* A part of a millionth is one. */
	a = spend_of(&(struct spend_used){ .cache_read = 1 }, &price);
	assert_int_equal(a.usd, 1);
	a = spend_of(&most, &dear);
	assert_int_equal(a.usd, 4ull * SPEND_TOKENS * 10000);
	a = spend_most(1000, 100, &price);
	assert_int_equal(a.tokens, 601);
	assert_int_equal(a.usd, (501 * 3750 + 100 * 15000 + 999) / 1000);
	a = spend_most(UINT64_MAX, UINT64_MAX, &dear);
	assert_int_equal(a.tokens, 2ull * SPEND_TOKENS);
}

/* Each budget by itself: what it takes, what not, and which one is named. */
static void test_each(void **state)
{
	static const struct {
		const char *budgets, *why;
		bool usd, task, call;
	} rows[] = {
		{ "{llm_tokens: 1000/hour}",
		  "the budget llm_tokens of 1000/hour has no room for this "
		  "request now",
		  false, false, false },
		{ "{llm_tokens: [1000/day, 2000/week]}",
		  "the budget llm_tokens of 1000/day has no room for this "
		  "request now",
		  false, false, false },
		{ "{llm_usd: 0.001/day}",
		  "the budget llm_usd of 0.001/day has no room for this "
		  "request now",
		  true, false, false },
		{ "{task_tokens: 1K}",
		  "the budget task_tokens of 1K has no room for this request",
		  false, true, false },
		{ "{task_usd: 0.001}",
		  "the budget task_usd of 0.001 has no room for this request",
		  true, true, false },
		{ "{call_tokens: 1000}",
		  "the budget call_tokens of 1000 has no room for this request",
		  false, false, true },
		{ "{call_usd: 0.001}",
		  "the budget call_usd of 0.001 has no room for this request",
		  true, false, true },
	};
	struct world w;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint64_t usd = rows[i].usd, tokens = !usd;

		begin(&w, rows[i].budgets);
		assert_int_equal(policy_has_usd(w.p), rows[i].usd);
		assert_false(reserve(&w, 7, 1001 * tokens, 1001 * usd));
		assert_string_equal(w.why, rows[i].why);
		assert_true(reserve(&w, 7, 1000 * tokens, 1000 * usd));
		/* What another task has used counts, or not. */
		assert_int_equal(reserve(&w, 8, tokens, usd),
				 rows[i].task || rows[i].call);
		assert_int_equal(reserve(&w, 7, tokens, usd), rows[i].call);
		end(&w);
	}
}

/* What one budget has no room for takes nothing of the others. */
static void test_all_or_nothing(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "{llm_tokens: 1000/day, task_tokens: 100}");
	assert_false(reserve(&w, 7, 101, 0));
	assert_true(reserve(&w, 7, 100, 0));
	assert_true(reserve(&w, 8, 100, 0));
	assert_int_equal(
		policy_state_used(w.s, SPAN_LIT("86400 llm tokens"), 86400),
		200);
	end(&w);
}

static void test_settle(void **state)
{
	const struct span day = SPAN_LIT("86400 llm tokens"),
			  task = SPAN_LIT("task 7 llm tokens");
	struct world w;

	(void)state;
	begin(&w, "{llm_tokens: 1000/day, task_tokens: 900}");
	assert_true(reserve(&w, 7, 900, 0));
	settle(&w, 7, 30, 0);
	assert_int_equal(policy_state_used(w.s, day, 86400), 30);
	assert_int_equal(policy_state_used(w.s, task, 0), 30);
	/* More than there was: it counts all the same. */
	assert_true(reserve(&w, 7, 800, 0));
	settle(&w, 7, 2000, 0);
	assert_int_equal(policy_state_used(w.s, day, 86400), 2030);
	assert_false(reserve(&w, 7, 1, 0));
	assert_false(reserve(&w, 8, 1, 0));
	end(&w);
}

/* A task that has ended has no row any more, and gets none. */
static void test_settle_late(void **state)
{
	struct world w;

	(void)state;
	begin(&w, "{llm_tokens: 1000/day, task_tokens: 900}");
	assert_true(reserve(&w, 7, 900, 0));
	policy_state_forget(w.s, SPAN_LIT("task 7 "));
	settle(&w, 0, 50, 0);
	assert_int_equal(
		policy_state_used(w.s, SPAN_LIT("86400 llm tokens"), 86400),
		50);
	assert_int_equal(
		policy_state_used(w.s, SPAN_LIT("task 7 llm tokens"), 0), 0);
	end(&w);
}

static void test_no_price(void **state)
{
	const struct spend_amount a = { 1, 0, true };
	struct world w;

	(void)state;
	begin(&w, "{task_usd: 1}");
	assert_false(spend_reserve(w.p, w.s, 7, &a, &w.t[0], w.why));
	assert_string_equal(w.why, "there is a budget of money, and the model "
				   "has no price");
	end(&w);
	begin(&w, "{task_tokens: 10}");
	assert_true(spend_reserve(w.p, w.s, 7, &a, &w.t[0], w.why));
	end(&w);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_cost),
		cmocka_unit_test(test_each),
		cmocka_unit_test(test_all_or_nothing),
		cmocka_unit_test(test_settle),
		cmocka_unit_test(test_settle_late),
		cmocka_unit_test(test_no_price),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
