/* Tests of supervise: back-off, health, giving up, and signs of life, at each
 * limit, one below and one above. */
#include "host/monitor/supervise.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "base/backoff.h"
#include "base/span.h"

static const struct sup_rules rules = { .backoff_ms = 60000,
					.healthy_ms = 60000,
					.restarts = 8 };

static void test_backoff(void **)
{
	static const struct {
		uint32_t failures;
		uint64_t longest, want;
	} rows[] = {
		{ 0, 60000, 0 },
		{ 1, 60000, 1000 },
		{ 2, 60000, 2000 },
		{ 3, 60000, 4000 },
		{ 6, 60000, 32000 },
		{ 7, 60000, 60000 },
		{ 8, 60000, 60000 },
		{ 1000, 60000, 60000 },
		{ UINT32_MAX, 60000, 60000 },
		{ UINT32_MAX, UINT64_MAX / 4, UINT64_MAX / 4 },
		{ 1, 1000, 1000 },
		{ 2, 1000, 1000 },
		{ 1, 999, 999 },
		{ 2, 1999, 1999 },
		{ 2, 2000, 2000 },
		{ 2, 2001, 2000 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(backoff_ms(rows[i].failures, rows[i].longest),
				 rows[i].want);
}

/* One that is started, is up for a while or not at all, and fails; again. */
static void test_failures(void **)
{
	static const struct {
		uint64_t up_ms; /* UINT64_MAX: it never is */
		uint64_t wait;
		uint32_t failures;
		uint64_t restarts; /* as it fails */
	} rows[] = {
		{ UINT64_MAX, 1000, 1, 0 }, { UINT64_MAX, 2000, 2, 1 },
		{ 0, 4000, 3, 2 },	    { 59999, 8000, 4, 3 },
		{ 60000, 1000, 1, 4 },	    { 59999, 2000, 2, 5 },
		{ 60001, 1000, 1, 6 },	    { UINT64_MAX, 2000, 2, 7 },
	};
	static struct sup s;
	uint64_t now = 5;
	size_t i;

	s = (struct sup){ 0 };
	assert_true(sup_due(&s, 0));
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		sup_starting(&s, now);
		assert_int_equal(s.state, SUP_STARTING);
		assert_false(sup_due(&s, now + 100000));
		if (rows[i].up_ms != UINT64_MAX) {
			sup_up(&s, now);
			assert_false(sup_due(&s, now + 100000));
			now += rows[i].up_ms;
		}
		sup_failed(&s, &rules, now, "why");
		assert_string_equal(s.cause, "why");
		assert_int_equal(s.state, SUP_DOWN);
		assert_int_equal(s.since_ms, now);
		assert_int_equal(s.retry_ms - now, rows[i].wait);
		assert_int_equal(s.failures, rows[i].failures);
		assert_int_equal(s.restarts, rows[i].restarts);
		assert_int_equal(s.was_up, i >= 2);
		assert_false(sup_due(&s, s.retry_ms - 1));
		assert_true(sup_due(&s, s.retry_ms));
		assert_true(sup_due(&s, s.retry_ms + 1));
		now = s.retry_ms;
	}
}

/* What ends with another has not failed, and waits for that alone. */
static void test_ended(void **)
{
	static struct sup s;

	s = (struct sup){ 0 };
	sup_starting(&s, 1);
	sup_up(&s, 2);
	sup_ended(&s, 10, "ended with auditd");
	assert_int_equal(s.failures, 0);
	assert_int_equal(s.n_ends, 0);
	assert_true(sup_due(&s, 10));
	sup_starting(&s, 11);
	assert_int_equal(s.restarts, 1);
	sup_up(&s, 12);
	sup_failed(&s, &rules, 13, "x");
	assert_int_equal(s.failures, 1);
}

/* A cause may be anybody's words: cut, and still text. */
static void test_cause(void **)
{
	static struct sup s;
	char text[2 * SUP_CAUSE];
	size_t i;

	for (i = 0; i + 2 < sizeof(text); i += 2)
		memcpy(text + i, "\xc3\xa9", 2);
	text[i] = 0;
	s = (struct sup){ 0 };
	sup_ended(&s, 1, text);
	assert_true(strlen(s.cause) >= SUP_CAUSE - 3);
	assert_int_equal(strlen(s.cause) % 2, 0);
}

static bool fails(struct sup *s, const struct sup_rules *r, uint64_t *now,
		  uint64_t after)
{
	sup_starting(s, *now);
	sup_up(s, *now);
	*now += after;
	sup_failed(s, r, *now, "x");
	return sup_hopeless(s, r, *now);
}

static void test_hopeless(void **)
{
	static const struct {
		uint32_t restarts;
		uint64_t every_ms;
		uint32_t at; /* the failure that is one too many; 0: none is */
	} rows[] = {
		{ 0, 1, 1 },
		{ 1, 1, 2 },
		{ 8, 1, 9 },
		{ 8, 60000, 9 },
		/* Nine of them span eight times that. */
		{ 8, SUP_WINDOW_MS / 8 - 1, 9 },
		{ 8, SUP_WINDOW_MS / 8, 0 },
		{ 8, SUP_WINDOW_MS / 8 + 1, 0 },
		{ 1, SUP_WINDOW_MS - 1, 2 },
		{ 1, SUP_WINDOW_MS, 0 },
		{ SUP_RESTARTS_MAX, 1, SUP_RESTARTS_MAX + 1 },
		{ SUP_RESTARTS_MAX, SUP_WINDOW_MS / SUP_RESTARTS_MAX, 0 },
	};
	static struct sup s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct sup_rules r = { 60000, 60000, rows[i].restarts };
		uint64_t now = 1;
		uint32_t n = 1;

		s = (struct sup){ 0 };
		while (!fails(&s, &r, &now, rows[i].every_ms) &&
		       n < 4 * SUP_RESTARTS_MAX)
			n++;
		assert_int_equal(n, rows[i].at ? rows[i].at
					       : 4 * SUP_RESTARTS_MAX);
	}
}

/* A start that fails is tried for ever: nothing was up that could be lost. */
static void test_never_up(void **)
{
	static struct sup s;
	int i;

	s = (struct sup){ 0 };
	for (i = 0; i < 1000; i++) {
		sup_starting(&s, 1);
		sup_failed(&s, &rules, 1, "x");
		assert_false(sup_hopeless(&s, &rules, 1));
	}
}

/* Asked at a time, looked at so much later. */
static void test_watch(void **)
{
	static const struct {
		uint64_t limit, period;
	} rows[] = {
		{ 15000, 5000 }, { 60000, 5000 }, { 14999, 4999 }, { 2000, 666 }
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint64_t limit = rows[i].limit;
		struct sup_watch w = { 0 };
		uint64_t now = 1000, number;

		sup_alive(&w, now, limit);
		assert_int_equal(sup_watch_next(&w, limit),
				 now + rows[i].period);
		now += rows[i].period;
		assert_int_equal(sup_watch(&w, now - 1, limit), WATCH_WAIT);
		assert_int_equal(sup_watch(&w, now, limit), WATCH_ASK);
		number = sup_asked(&w, now);
		assert_int_equal(sup_watch_next(&w, limit), now + limit);
		assert_int_equal(sup_watch(&w, now + limit - 1, limit),
				 WATCH_WAIT);
		assert_int_equal(sup_watch(&w, now + limit, limit), WATCH_DEAD);
		assert_true(sup_heard(&w, now + limit - 1, number, limit));
		assert_int_equal(sup_watch(&w, now + limit, limit), WATCH_WAIT);
	}
}

static void test_numbers(void **)
{
	struct sup_watch w = { 0 };
	uint64_t first, second;

	sup_alive(&w, 1, 15000);
	assert_false(sup_heard(&w, 2, 0, 15000));
	assert_false(sup_heard(&w, 2, 1, 15000));
	first = sup_asked(&w, 10);
	assert_false(sup_heard(&w, 11, first + 1, 15000));
	sup_alive(&w, 12, 15000); /* it showed otherwise that it lives */
	second = sup_asked(&w, 20);
	assert_true(second != first);
	/* Late, and for the one before: no sign that it has come to this. */
	assert_true(sup_heard(&w, 21, first, 15000));
	assert_int_equal(sup_watch(&w, 20 + 15000, 15000), WATCH_DEAD);
	assert_true(sup_heard(&w, 22, second, 15000));
	assert_int_equal(sup_watch(&w, 22 + 4999, 15000), WATCH_WAIT);
}

static void test_names(void **)
{
	assert_string_equal(sup_state_name(SUP_DOWN), "down");
	assert_string_equal(sup_state_name(SUP_STATE_MAX), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_backoff),
		cmocka_unit_test(test_failures),
		cmocka_unit_test(test_ended),
		cmocka_unit_test(test_cause),
		cmocka_unit_test(test_hopeless),
		cmocka_unit_test(test_never_up),
		cmocka_unit_test(test_watch),
		cmocka_unit_test(test_numbers),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
