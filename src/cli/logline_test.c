/* Tests of logline: taking lines apart, and choosing among them. */
#include "cli/logline.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/buf.h"

static void test_next(void **)
{
	static const struct {
		const char *line, *want; /* key:value; for each */
	} rows[] = {
		{ "", "" },
		{ "level=info event=up", "level:info;event:up;" },
		{ "  a=1   b=", "a:1;b:;" },
		{ "why=\"two words\" x=1", "why:two words;x:1;" },
		/* A quote at the end of a word ends the value: then no more. */
		{ "why=\"a \"quoted\" word\" x=1", "why:a \"quoted;" },
		{ "why=\"no end", "why:no end;" },
		{ "vm=3 text=hello vm=4 \"x", "vm:3;text:hello vm=4 \"x;" },
		{ "no pairs here", "" },
		{ "a=1 word b=2", "a:1;" },
		{ "=1", "" },
		{ "a==1", "a:=1;" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct span rest = span_str(rows[i].line), k, v;
		CLEAN_BUF struct buf got;

		buf_init(&got, 1024);
		while (logline_next(&rest, &k, &v)) {
			buf_span(&got, k);
			buf_u8(&got, ':');
			buf_span(&got, v);
			buf_u8(&got, ';');
		}
		assert_string_equal(buf_cstr(&got), rows[i].want);
	}
}

#define LINE(level, rest)                                                      \
	"time=2026-11-22T07:30:00.125Z level=" level " process=porter "        \
	"event=guest " rest

static bool chosen(const struct logline_filter *f, const char *line)
{
	bool last = false;

	return logline_chosen(f, span_str(line), &last);
}

static void test_chosen(void **)
{
	const struct logline_filter all = { .level = LOG_LV_DEBUG };
	const struct logline_filter bad = { .level = LOG_LV_WARN };
	const struct logline_filter vm = { .vm = "17" };
	const struct logline_filter item = { .item = "3" };
	const struct logline_filter late = { .since = "2026-11-22T07:30:00.2" };
	const struct logline_filter then = { .since = "2026-11-22T07:30:00" };
	bool last = true;

	assert_true(chosen(&all, LINE("info", "vm=17 text=a")));
	assert_false(chosen(&bad, LINE("info", "vm=17 text=a")));
	assert_true(chosen(&bad, LINE("error", "vm=17 text=a")));
	assert_true(chosen(&vm, LINE("info", "vm=17 text=a")));
	assert_false(chosen(&vm, LINE("info", "vm=1 text=a")));
	/* A guest's words choose nothing, and the first of a key counts. */
	assert_false(chosen(&vm, LINE("info", "vm=1 text=a vm=17")));
	assert_false(chosen(&vm, LINE("info", "vm=1 why=\"x\" vm=17")));
	assert_false(chosen(&vm, LINE("info", "text=vm=17")));
	assert_true(chosen(&item, LINE("info", "item=3")));
	assert_false(chosen(&item, LINE("info", "item=33")));
	assert_false(chosen(&late, LINE("info", "")));
	assert_true(chosen(&then, LINE("info", "")));
	assert_false(chosen(&then, "level=info process=x event=y"));
	/* What is no line of ours goes with the one before. */
	assert_false(
		logline_chosen(&vm, span_str(LINE("info", "vm=1")), &last));
	assert_false(logline_chosen(&vm, SPAN_LIT("==1==ERROR"), &last));
	assert_true(
		logline_chosen(&vm, span_str(LINE("info", "vm=17")), &last));
	assert_true(logline_chosen(&vm, SPAN_LIT("==1==ERROR"), &last));
	assert_true(logline_chosen(&vm, SPAN_LIT("level=odd"), &last));
}

static void test_since(void **)
{
	static const struct {
		const char *text, *want; /* NULL: refused */
	} rows[] = {
		{ "10s", "2000-02-29T00:00:00.000" },
		{ "1d", "2000-02-28T00:00:10.000" },
		{ "2026-11-22", "2026-11-22" },
		{ "2026-11-22T07:30", "2026-11-22T07:30" },
		{ "2026-11-22T07:30:00Z", "2026-11-22T07:30:00" },
		{ "2026-11-22T07:30:00.125Z", "2026-11-22T07:30:00.125" },
		{ "2026-11-22T07:30:00.1255", NULL },
		{ "2026-11", NULL },
		{ "2026/11/22", NULL },
		{ "yesterday", NULL },
		{ "", NULL },
		{ "Z", NULL },
		{ "10", NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char got[LOG_TIME];
		int r = logline_since(rows[i].text, 951782410, got);

		assert_int_equal(r, rows[i].want ? 0 : -1);
		if (rows[i].want)
			assert_string_equal(got, rows[i].want);
	}
}

static void test_words(void **)
{
	assert_string_equal(logline_number("17", "vm-"), "17");
	assert_string_equal(logline_number("vm-17", "vm-"), "17");
	assert_null(logline_number("vm-", "vm-"));
	assert_null(logline_number("reader", "vm-"));
	assert_null(logline_number("017", ""));
	assert_int_equal(logline_level("warn"), LOG_LV_WARN);
	assert_int_equal(logline_level("warning"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_next),
		cmocka_unit_test(test_chosen),
		cmocka_unit_test(test_since),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests_name("cli/logline", tests, NULL, NULL);
}
