/* lex_test: blanks, comments, quoted strings, and never behind the end. */
#include "reader/mail/lex.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_skip(void **)
{
	static const struct {
		const char *in;
		size_t pos;
		const char *comment;
	} rows[] = {
		{ "", 0, "" },
		{ "a", 0, "" },
		{ " \t\r\n a", 5, "" },
		{ "(c)a", 3, "c" },
		{ "(a(b)c)d", 7, "a(b)c" },
		{ "(a) (b) c", 8, "b" },
		{ "(a\\)b)c", 6, "a)b" },
		{ "(a\\(b)c", 6, "a(b" },
		{ "((((", 4, "(((" },
		{ "(a", 2, "a" },
		{ "(a\\", 3, "a\\" },
		{ ")", 0, "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf comment = { .max = 100 };
		struct lex l = { span_str(rows[i].in), 0 };

		lex_skip(&l, &comment);
		if (l.pos != rows[i].pos)
			fail_msg("%s: at %zu", rows[i].in, l.pos);
		assert_string_equal(buf_cstr(&comment), rows[i].comment);
	}
}

static void test_quoted(void **)
{
	static const struct {
		const char *in;
		size_t pos;
		const char *text;
	} rows[] = {
		{ "\"\"", 2, "" },
		{ "\"a b\"c", 5, "a b" },
		{ "\"a\\\"b\"", 6, "a\"b" },
		{ "\"a\\\\\"", 5, "a\\" },
		{ "\"a\r\n b\"", 7, "a b" },
		{ "\"a", 2, "a" },
		{ "\"", 1, "" },
		{ "\"\\", 2, "\\" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf out = { .max = 100 };
		struct lex l = { span_str(rows[i].in), 0 };

		lex_quoted(&l, &out);
		if (l.pos != rows[i].pos)
			fail_msg("%s: at %zu", rows[i].in, l.pos);
		assert_string_equal(buf_cstr(&out), rows[i].text);
	}
}

static void test_angle(void **)
{
	struct lex l = { SPAN_LIT("a <b> <> c<d e> <f"), 0 };
	struct span s;

	assert_true(lex_angle(&l, &s) && span_is(s, "b"));
	assert_true(lex_angle(&l, &s) && span_is(s, ""));
	assert_true(lex_angle(&l, &s) && span_is(s, "d e"));
	assert_false(lex_angle(&l, &s));
	assert_false(lex_angle(&l, &s));
}

static void test_words(void **)
{
	assert_true(lex_same(SPAN_LIT("TeXt"), "text"));
	assert_true(lex_same(SPAN_LIT(""), ""));
	assert_false(lex_same(SPAN_LIT("text"), "tex"));
	assert_false(lex_same(SPAN_LIT("tex"), "text"));
	assert_true(lex_equal(SPAN_LIT("aB"), SPAN_LIT("Ab")));
	assert_false(lex_equal(SPAN_LIT("a"), SPAN_LIT("ab")));
	assert_true(span_is(lex_trim(SPAN_LIT(" \r\n a b\t")), "a b"));
	assert_int_equal(lex_trim(SPAN_LIT("  ")).n, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_skip),
		cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_angle),
		cmocka_unit_test(test_words),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
