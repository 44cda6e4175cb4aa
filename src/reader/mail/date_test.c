/* date_test: dates as they are meant, and what is none. */
#include "reader/mail/date.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void test_dates(void **)
{
	static const char *const rows[][2] = {
		{ "Sat, 21 Nov 2026 23:59:59 -0330",
		  "2026-11-21T23:59:59-03:30" },
		{ "21 Nov 2026 23:59 GMT", "2026-11-21T23:59:00+00:00" },
		{ "Sat, 21 Nov 26 1:02:03 EST", "2026-11-21T01:02:03-05:00" },
		{ "Sat, 21 Nov 99 01:02:03 +0000",
		  "1999-11-21T01:02:03+00:00" },
		{ "Sat Nov 21 23:59:59 2026", "2026-11-21T23:59:59+00:00" },
		{ "Sat Nov 21 23:59:59 PST 2026", "2026-11-21T23:59:59-08:00" },
		{ "21-Nov-2026 23:59:59 +0100", "2026-11-21T23:59:59+01:00" },
		{ "2026-11-21 23:59:59 +0100", "2026-11-21T23:59:59+01:00" },
		{ "2026-11-21T23:59:59+01:30", "2026-11-21T23:59:59+01:30" },
		{ "Sat, 21 November 2026 11:59:59 PM",
		  "2026-11-21T23:59:59+00:00" },
		{ "21 Nov 2026 12:00:00 AM", "2026-11-21T00:00:00+00:00" },
		{ "21 Nov 2026 12:00:00 PM", "2026-11-21T12:00:00+00:00" },
		{ "21 Nov 2026 00:00:60 -0000", "2026-11-21T00:00:59+00:00" },
		{ "Sat, 21 Nov 2026 01:02:03 +-0500",
		  "2026-11-21T01:02:03-05:00" },
		{ "Fri, 21 Nov 1997 09(c):   55  :  06 -0600",
		  "1997-11-21T09:55:06-06:00" },
		{ "29 Feb 2024 00:00:00 +0000", "2024-02-29T00:00:00+00:00" },
		{ "21 Nov 2026 00:00:00 +9999", "2026-11-21T00:00:00+00:00" },
		{ "29 Feb 2026 00:00:00 +0000", NULL },
		{ "31 Apr 2026 00:00:00 +0000", NULL },
		{ "0 Nov 2026 00:00:00 +0000", NULL },
		{ "21 Nov 2026 24:00:00 +0000", NULL },
		{ "21 Nov 2026 23:60:00 +0000", NULL },
		{ "21 Nov 2026", NULL },
		{ "21 Nov 999999 00:00:00", NULL },
		{ "21 Xyz 2026 00:00:00", NULL },
		{ "", NULL },
		{ "yesterday", NULL },
		{ "(((", NULL },
		{ "1:", NULL },
		{ "21 Nov 2026 1:2: ", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t text[DATE_TEXT + 1] = { 0 };
		bool got = date_rfc3339(span_str(rows[i][0]), text);

		if (got != (rows[i][1] != NULL) ||
		    (got && strcmp((const char *)text, rows[i][1]) != 0))
			fail_msg("%s: %s", rows[i][0],
				 got ? (const char *)text : "none");
	}
}

static void test_limits(void **)
{
	for (size_t n = DATE_TOKENS_MAX - 6; n <= DATE_TOKENS_MAX - 4; n++) {
		char in[200] = "";
		uint8_t text[DATE_TEXT];
		size_t at = 0;

		while (at < n)
			in[at++] = '!';
		memcpy(in + at, "21 Nov 2026 1:2", 16);
		assert_int_equal(date_rfc3339(span_str(in), text),
				 n + 4 <= DATE_TOKENS_MAX);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
