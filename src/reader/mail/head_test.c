/* head_test: lines and fields of a header. */
#include "reader/mail/head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/buf.h"
#include "reader/mail/flaw.h"

static void test_lines(void **)
{
	static const struct {
		const char *line;
		enum head_line want;
	} rows[] = {
		{ "", HEAD_LINE_END },		{ "\r", HEAD_LINE_END },
		{ "a:", HEAD_LINE_FIELD },	{ "a:b\r", HEAD_LINE_FIELD },
		{ "a :b", HEAD_LINE_FIELD },	{ "a b:c", HEAD_LINE_BAD },
		{ ":", HEAD_LINE_BAD },		{ "a", HEAD_LINE_BAD },
		{ " a:b", HEAD_LINE_MORE },	{ "\t", HEAD_LINE_MORE },
		{ "\xc3\xa9:", HEAD_LINE_BAD }, { "--b", HEAD_LINE_BAD },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (head_line(span_str(rows[i].line)) != rows[i].want)
			fail_msg("%s", rows[i].line);
	}
}

static void test_fields(void **)
{
	struct span head = SPAN_LIT("Subject: a\r\n b\r\nbad\r\n more\r\n"
				    "X-Other:c\nTO :\t d \nCc:");
	struct head_field f;
	size_t pos = 0;

	assert_true(head_next(head, &pos, &f));
	assert_int_equal(f.id, HEAD_SUBJECT);
	assert_true(span_is(f.value, "a\r\n b"));
	assert_true(head_next(head, &pos, &f));
	assert_int_equal(f.id, HEAD_OTHER);
	assert_true(head_next(head, &pos, &f));
	assert_int_equal(f.id, HEAD_TO);
	assert_true(span_is(f.value, "d"));
	assert_true(head_next(head, &pos, &f));
	assert_int_equal(f.id, HEAD_CC);
	assert_true(span_is(f.value, ""));
	assert_false(head_next(head, &pos, &f));
}

static void test_read(void **)
{
	struct head h;
	uint32_t flaws = 0;

	head_read(SPAN_LIT("Subject: a\nTo: b\nX: 1\nX: 2\n"), &h, &flaws);
	assert_int_equal(flaws, 0);
	assert_true(span_is(h.value[HEAD_SUBJECT], "a"));
	assert_int_equal(h.value[HEAD_CC].n, 0);
	head_read(SPAN_LIT("Subject: a\nSUBJECT: a\n"), &h, &flaws);
	assert_int_equal(flaws, 1u << FLAW_DUPLICATE_HEADER);
	flaws = 0;
	head_read(SPAN_LIT("Subject: a\nSubject: b\n"), &h, &flaws);
	assert_int_equal(flaws, 1u << FLAW_CONFLICTING_HEADER);
	assert_true(span_is(h.value[HEAD_SUBJECT], "b"));
}

static void test_limits(void **)
{
	for (size_t n = HEAD_VALUE_MAX - 1; n <= HEAD_VALUE_MAX + 1; n++) {
		CLEAN_BUF struct buf b = { .max = 1 << 20 };
		struct head_field f;
		size_t pos = 0;

		buf_str(&b, "To:");
		for (size_t i = 0; i < n; i++)
			buf_u8(&b, 'a');
		buf_str(&b, "\nCc: b\n");
		assert_true(head_next(buf_view(&b), &pos, &f));
		assert_int_equal(f.value.n,
				 n < HEAD_VALUE_MAX ? n : HEAD_VALUE_MAX);
		assert_true(head_next(buf_view(&b), &pos, &f));
		assert_int_equal(f.id, HEAD_CC);
	}
	for (size_t n = HEAD_NAME_MAX - 1; n <= HEAD_NAME_MAX + 1; n++) {
		CLEAN_BUF struct buf b = { .max = 1 << 20 };

		for (size_t i = 0; i < n; i++)
			buf_u8(&b, 'a');
		buf_str(&b, ":");
		assert_int_equal(head_line(buf_view(&b)),
				 n <= HEAD_NAME_MAX ? HEAD_LINE_FIELD
						    : HEAD_LINE_BAD);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_fields),
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
