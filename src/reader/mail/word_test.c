/* word_test: encoded words, whole, split and broken. */
#include "reader/mail/word.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/testing.h"
#include "proto/limits.h"
#include "reader/mail/charset.h"
#include "reader/mail/flaw.h"

static void check(const char *in, const char *want)
{
	CLEAN_BUF struct buf out = { .max = 100000 };
	uint32_t flaws = 0;

	words_decode(span_str(in), &out, &flaws);
	if (strcmp(buf_cstr(&out), want) != 0)
		fail_msg("%s: %s for %s", in, buf_cstr(&out), want);
	assert_int_equal(flaws & ~(1u << FLAW_BASE64), 0);
}

static void test_words(void **)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "plain text", "plain text" },
		{ "a\r\n b\n\tc", "a b\tc" },
		{ "=?utf-8?q?a_b=20c?=", "a b c" },
		{ "=?UTF-8?B?w6k=?=", "\xc3\xa9" },
		{ "=?iso-8859-1?Q?=E9?=", "\xc3\xa9" },
		{ "=?utf-8*de?q?x?=", "x" },
		{ "a =?utf-8?q?b?= c", "a b c" },
		{ "=?utf-8?q?a?= =?utf-8?q?b?=", "ab" },
		{ "=?utf-8?q?a?=\r\n\t=?iso-8859-1?q?=E9?=", "a\xc3\xa9" },
		{ "=?utf-8?q?a?= b =?utf-8?q?c?=", "a b c" },
		{ "=?utf-8?q?a?==?utf-8?q?b?=", "ab" },
		{ "x=?utf-8?q?a?=y", "xay" },
		/* a character in two words, of one encoding or of two */
		{ "=?utf-8?q?=C3?= =?utf-8?q?=A9?=", "\xc3\xa9" },
		{ "=?utf-8?q?=C3?= =?UTF-8?b?qQ==?=", "\xc3\xa9" },
		{ "=?utf-8?b?ww==?= =?utf-8?b?qQ==?=", "\xc3\xa9" },
		/* not of two charsets */
		{ "=?utf-8?q?=C3?= =?iso-8859-1?q?=A9?=",
		  "\xef\xbf\xbd\xc2\xa9" },
		{ "=?utf-8?q?a b c?=", "a b c" },
		{ "=?utf-8?q?a?b?=", "a?b" },
		{ "=?utf-8?q?=C3=A9", "=?utf-8?q?=C3=A9" },
		{ "=?utf-8?q?a", "=?utf-8?q?a" },
		{ "=?utf-8?x?a?=", "=?utf-8?x?a?=" },
		{ "=?utf-8?qq?a?=", "=?utf-8?qq?a?=" },
		{ "=?utf-8?q?"
		  "?=",
		  "" },
		{ "=??q?=E9?=", "\xc3\xa9" },
		{ "=?", "=?" },
		{ "=?utf-8", "=?utf-8" },
		{ "= =?utf-8?q?a?=", "= a" },
		{ "\xc3\xa9 \xe9", "\xc3\x83\xc2\xa9 \xc3\xa9" },
		{ "\xc3\xa9", "\xc3\xa9" },
		{ "=?iso-2022-jp?b?GyRCRnxLXBsoQg==?=",
		  "\xe6\x97\xa5\xe6\x9c\xac" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i][0], rows[i][1]);
}

/* The text of a word, its question mark included, at the limit and over. */
static void test_limits(void **)
{
	for (size_t n = WORD_TEXT_MAX - 2; n <= WORD_TEXT_MAX; n++) {
		CLEAN_BUF struct buf in = { .max = 10000 };
		CLEAN_BUF struct buf out = { .max = 100000 };
		uint32_t flaws = 0;

		buf_str(&in, "=?utf-8?q?");
		for (size_t i = 0; i < n; i++)
			buf_u8(&in, 'a');
		buf_str(&in, "?=");
		words_decode(buf_view(&in), &out, &flaws);
		assert_int_equal(out.n, n < WORD_TEXT_MAX ? n : in.n);
	}
	for (size_t n = CHARSET_NAME_MAX - 1; n <= CHARSET_NAME_MAX + 1; n++) {
		CLEAN_BUF struct buf in = { .max = 10000 };
		CLEAN_BUF struct buf out = { .max = 100000 };
		uint32_t flaws = 0;

		buf_str(&in, "=?");
		for (size_t i = 0; i < n; i++)
			buf_u8(&in, 'a');
		buf_str(&in, "?q?x?=");
		words_decode(buf_view(&in), &out, &flaws);
		assert_int_equal(out.n, n <= CHARSET_NAME_MAX ? 1 : in.n);
	}
}

/* Beginnings without ends, as many as an item holds: the look for an end is
 * made once, so all is done at once, not in half a minute. */
static void test_many(void **)
{
	CLEAN_BUF struct buf in = { .max = LIMIT_ITEM };
	CLEAN_BUF struct buf out = { .max = LIMIT_ITEM };
	uint32_t flaws = 0;

	for (size_t i = 0; i < LIMIT_ITEM / 7; i++)
		buf_str(&in, "=?a?q? ");
	cpu_limit(10);
	words_decode(buf_view(&in), &out, &flaws);
	cpu_limit(0);
	assert_true(span_eq(buf_view(&in), buf_view(&out)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_words),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
