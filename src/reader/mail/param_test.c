/* param_test: parameters, plain, in pieces, of other charsets, twice. */
#include "reader/mail/param.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reader/mail/flaw.h"

static void check(const char *field, bool words, const char *want)
{
	CLEAN_BUF struct buf out = { .max = 10000 };
	uint32_t flaws = 0;
	bool got = param_get(span_str(field), "name", words, &out, &flaws);

	if (got != (want != NULL) || (got && strcmp(buf_cstr(&out), want) != 0))
		fail_msg("%s: %s", field, got ? buf_cstr(&out) : "none");
}

static void test_get(void **)
{
	static const char *const rows[][2] = {
		{ "", NULL },
		{ "a/b", NULL },
		{ "a/b; name", NULL },
		{ "a/b; name=", "" },
		{ "a/b; name=x", "x" },
		{ "a/b;NAME=x", "x" },
		{ "a/b;; name=x;", "x" },
		{ "a/b; other=y; name=x", "x" },
		{ "a/b; name = x ", "x" },
		{ "a/b; name=x y (comment)", "x y" },
		{ "a/b; name=x(y)", "x(y)" },
		{ "a/b; name=\"x;y\"; z=1", "x;y" },
		{ "a/b; name=\"x\\\"y\"", "x\"y" },
		{ "a/b; name=\"x\" junk; z=1", "x" },
		{ "a/b; name=\"x", "x" },
		{ "a/b; (c) name=x", "x" },
		{ "a/b;\r\n\tname=x\r\n\ty", "x\ty" },
		{ "a/b; name=x; name=y", "x" },
		{ "a/b; name*=utf-8'de'%C3%A9", "\xc3\xa9" },
		{ "a/b; name*=iso-8859-1''%E9%zz%", "\xc3\xa9%zz%" },
		{ "a/b; name*=%41", "A" },
		{ "a/b; name*=''%41", "A" },
		{ "a/b; name*0=x; name*1=y", "xy" },
		{ "a/b; name*1=y; name*0=x", "xy" },
		{ "a/b; name*0=x; name*2=z", "x" },
		{ "a/b; name*1=y", NULL },
		{ "a/b; name*0*=utf-8''%C3; name*1*=%A9; name*2=%41",
		  "\xc3\xa9%41" },
		{ "a/b; name=plain; name*=''ext", "ext" },
		{ "a/b; name*x=y", NULL },
		{ "a/b; names=y", NULL },
		{ "a/b; name*99999999999=y", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i][0], false, rows[i][1]);
	check("a; name=\"=?utf-8?q?=C3=A9?=\"", true, "\xc3\xa9");
	check("a; name=\"=?utf-8?q?=C3=A9?=\"", false, "=?utf-8?q?=C3=A9?=");
}

static void test_value(void **)
{
	static const char *const rows[][2] = {
		{ "text/plain; a=b", "text/plain" },
		{ " (c) text/plain(c);", "text/plain" },
		{ "text/plain charset", "text/plain" },
		{ "", "" },
		{ ";", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(
			span_is(param_value(span_str(rows[i][0])), rows[i][1]));
}

static void test_check(void **)
{
	static const struct {
		const char *field;
		uint32_t flaws;
	} rows[] = {
		{ "a/b; x=1; y=1", 0 },
		{ "a/b; x=1; x=1", 1u << FLAW_DUPLICATE_PARAMETER },
		{ "a/b; x=1; X=\"1\"", 1u << FLAW_DUPLICATE_PARAMETER },
		{ "a/b; x=1; x=2", 1u << FLAW_CONFLICTING_PARAMETER },
		{ "a/b; x*0=1; x*1=2", 0 },
		{ "a/b; x=1; y=2; x=1; y=3",
		  1u << FLAW_DUPLICATE_PARAMETER |
			  1u << FLAW_CONFLICTING_PARAMETER },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t flaws = 0;

		params_check(span_str(rows[i].field), &flaws);
		if (flaws != rows[i].flaws)
			fail_msg("%s: %x", rows[i].field, flaws);
	}
}

static void test_limits(void **)
{
	for (int n = PARAM_MAX - 2; n <= PARAM_MAX; n++) {
		CLEAN_BUF struct buf b = { .max = 10000 };
		CLEAN_BUF struct buf out = { .max = 10000 };
		uint32_t flaws = 0;

		buf_str(&b, "a/b");
		for (int i = 0; i < n; i++)
			buf_printf(&b, i % 2 ? "; p%d" : "; p%d=1", i);
		buf_str(&b, "; name=x");
		assert_int_equal(
			param_get(buf_view(&b), "name", false, &out, &flaws),
			n < PARAM_MAX);
		params_check(buf_view(&b), &flaws);
		assert_int_equal(
			flaws,
			n < PARAM_MAX ? 0 : 1 << FLAW_CONFLICTING_PARAMETER);
	}
	for (size_t n = PARAM_PIECES_MAX - 1; n <= PARAM_PIECES_MAX + 1; n++) {
		CLEAN_BUF struct buf b = { .max = 10000 };
		CLEAN_BUF struct buf out = { .max = 10000 };
		uint32_t flaws = 0;

		buf_str(&b, "a/b");
		for (size_t i = 0; i < n; i++)
			buf_printf(&b, "; name*%zu=x", i);
		assert_true(
			param_get(buf_view(&b), "name", false, &out, &flaws));
		assert_int_equal(out.n,
				 n < PARAM_PIECES_MAX ? n : PARAM_PIECES_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_get),
		cmocka_unit_test(test_value),
		cmocka_unit_test(test_check),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
