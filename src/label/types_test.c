/*
 * types: canonical forms, and what has none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "label/types.h"

#define A16 "aaaaaaaaaaaaaaaa"
#define A63 A16 A16 A16 "aaaaaaaaaaaaaaa"

static const struct {
	enum arg_type type;
	bool lines;
	const char *in;
	const char *want; /* NULL: refused */
} rows[] = {
	{ TYPE_TEXT, false, "", "" },
	{ TYPE_TEXT, false, "a b", "a b" },
	{ TYPE_TEXT, false, "\xc3\xa9\xf0\x9f\x98\x80",
	  "\xc3\xa9\xf0\x9f\x98\x80" },
	{ TYPE_TEXT, false, "a\nb", NULL },
	{ TYPE_TEXT, false, "a\rb", NULL },
	{ TYPE_TEXT, false, "a\tb", NULL },
	{ TYPE_TEXT, false, "a\x7f", NULL },
	{ TYPE_TEXT, false, "a\x1b[31m", NULL },
	{ TYPE_TEXT, false,
	  "a\xc2\x85"
	  "b",
	  NULL },
	{ TYPE_TEXT, false,
	  "a\xc2\xa0"
	  "b",
	  "a\xc2\xa0"
	  "b" },
	{ TYPE_TEXT, false,
	  "a\xe2\x80\xa8"
	  "b",
	  NULL },
	{ TYPE_TEXT, false, "\xe2\x80\xa9", NULL },
	{ TYPE_TEXT, false, "\xc3", NULL },
	{ TYPE_TEXT, false, "\xc0\x8a", NULL },
	{ TYPE_TEXT, false, "\xed\xa0\x80", NULL },
	{ TYPE_TEXT, true, "a\nb\tc", "a\nb\tc" },
	{ TYPE_TEXT, true, "a\r\nb", NULL },
	{ TYPE_TEXT, true, "a\x08", NULL },
	{ TYPE_TEXT, true,
	  "a\xe2\x80\xa8"
	  "b",
	  "a\xe2\x80\xa8"
	  "b" },

	{ TYPE_EMAIL, false, "lea@example.org", "lea@example.org" },
	{ TYPE_EMAIL, false, "Lea@EXAMPLE.Org", "Lea@example.org" },
	{ TYPE_EMAIL, false, "a.b+c@x-y.example", "a.b+c@x-y.example" },
	{ TYPE_EMAIL, false, "a@xn--bcher-kva.example",
	  "a@xn--bcher-kva.example" },
	{ TYPE_EMAIL, false, "a@localhost", "a@localhost" },
	{ TYPE_EMAIL, false,
	  "a@b\xc3\xbc"
	  "cher.example",
	  NULL },
	{ TYPE_EMAIL, false, "", NULL },
	{ TYPE_EMAIL, false, "lea", NULL },
	{ TYPE_EMAIL, false, "@example.org", NULL },
	{ TYPE_EMAIL, false, "lea@", NULL },
	{ TYPE_EMAIL, false, "lea@@example.org", NULL },
	{ TYPE_EMAIL, false, "a@b@example.org", NULL },
	{ TYPE_EMAIL, false, ".a@example.org", NULL },
	{ TYPE_EMAIL, false, "a.@example.org", NULL },
	{ TYPE_EMAIL, false, "a..b@example.org", NULL },
	{ TYPE_EMAIL, false, "\"a b\"@example.org", NULL },
	{ TYPE_EMAIL, false, "a b@example.org", NULL },
	{ TYPE_EMAIL, false, " a@example.org", NULL },
	{ TYPE_EMAIL, false, "a@example.org ", NULL },
	{ TYPE_EMAIL, false, "a@example.org\n", NULL },
	{ TYPE_EMAIL, false, "a@example.org\r\nBcc: e@evil.example", NULL },
	{ TYPE_EMAIL, false, "Lea <lea@example.org>", NULL },
	{ TYPE_EMAIL, false, "a@[192.0.2.1]", NULL },
	{ TYPE_EMAIL, false, "a@.example.org", NULL },
	{ TYPE_EMAIL, false, "a@example..org", NULL },
	{ TYPE_EMAIL, false, "a@example.org.", NULL },
	{ TYPE_EMAIL, false, "a@-example.org", NULL },
	{ TYPE_EMAIL, false, "a@example-.org", NULL },
	{ TYPE_EMAIL, false, "a@example.org-", NULL },
	{ TYPE_EMAIL, false, "a@exa_mple.org", NULL },
	{ TYPE_EMAIL, false, "a@x.com,b@y.com", NULL },
	{ TYPE_EMAIL, false, A63 "a@x.org", A63 "a@x.org" },
	{ TYPE_EMAIL, false, A63 "aa@x.org", NULL },
	{ TYPE_EMAIL, false, "a@" A63 ".org", "a@" A63 ".org" },
	{ TYPE_EMAIL, false, "a@" A63 "a.org", NULL },

	{ TYPE_ID, false, "slack:C0ENG", "slack:C0ENG" },
	{ TYPE_ID, false, "", NULL },
	{ TYPE_ID, false, "a b", NULL },
	{ TYPE_ID, false, "a\n", NULL },
	{ TYPE_ID, false, "\xc3\xa9", NULL },
	{ TYPE_ENUM, false, "on", "on" },
	{ TYPE_ENUM, false, "", NULL },

	{ TYPE_INT, false, "0", "0" },
	{ TYPE_INT, false, "-7", "-7" },
	{ TYPE_INT, false, "999999999999999", "999999999999999" },
	{ TYPE_INT, false, "-999999999999999", "-999999999999999" },
	{ TYPE_INT, false, "1000000000000000", NULL },
	{ TYPE_INT, false, "99999999999999999999999", NULL },
	{ TYPE_INT, false, "-0", NULL },
	{ TYPE_INT, false, "+1", NULL },
	{ TYPE_INT, false, "01", NULL },
	{ TYPE_INT, false, "1.0", NULL },
	{ TYPE_INT, false, "1e3", NULL },
	{ TYPE_INT, false, "", NULL },
	{ TYPE_INT, false, "-", NULL },
	{ TYPE_INT, false, "0x10", NULL },
	{ TYPE_INT, false, " 1", NULL },

	{ TYPE_NUMBER, false, "23.5", "23.5" },
	{ TYPE_NUMBER, false, "23.50", "23.5" },
	{ TYPE_NUMBER, false, "23.0", "23" },
	{ TYPE_NUMBER, false, "-0", "0" },
	{ TYPE_NUMBER, false, "-0.0", "0" },
	{ TYPE_NUMBER, false, "-0.5", "-0.5" },
	{ TYPE_NUMBER, false, "999999999.999999999", "999999999.999999999" },
	{ TYPE_NUMBER, false, "1000000000", NULL },
	{ TYPE_NUMBER, false, "0.0000000001", NULL },
	{ TYPE_NUMBER, false, "1e2", NULL },
	{ TYPE_NUMBER, false, "1.", NULL },
	{ TYPE_NUMBER, false, ".5", NULL },
	{ TYPE_NUMBER, false, "00.5", NULL },
	{ TYPE_NUMBER, false, "1.2.3", NULL },
	{ TYPE_NUMBER, false, "NaN", NULL },
	{ TYPE_NUMBER, false, "", NULL },

	{ TYPE_BOOL, false, "true", "true" },
	{ TYPE_BOOL, false, "false", "false" },
	{ TYPE_BOOL, false, "yes", NULL },
	{ TYPE_BOOL, false, "", NULL },
};

static void canonical_forms(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf out;
		const char *why;

		buf_init(&out, 1 << 12);
		why = type_canon(rows[i].type, rows[i].lines,
				 span_str(rows[i].in), &out);
		if (!rows[i].want && !why)
			fail_msg("%s \"%s\" passed", type_name(rows[i].type),
				 rows[i].in);
		if (!rows[i].want)
			continue;
		if (why)
			fail_msg("%s \"%s\" %s", type_name(rows[i].type),
				 rows[i].in, why);
		assert_string_equal(buf_cstr(&out), rows[i].want);
	}
}

/* A canonical form is its own canonical form. */
static void canonical_twice(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf out;

		if (!rows[i].want)
			continue;
		buf_init(&out, 1 << 12);
		assert_null(type_canon(rows[i].type, rows[i].lines,
				       span_str(rows[i].want), &out));
		assert_string_equal(buf_cstr(&out), rows[i].want);
	}
}

static void text_with_a_nul(void **)
{
	CLEAN_BUF struct buf out;

	buf_init(&out, 64);
	assert_non_null(type_canon(TYPE_TEXT, true, SPAN_LIT("a\0b"), &out));
	assert_non_null(
		type_canon(TYPE_EMAIL, true, SPAN_LIT("a\0@x.org"), &out));
	assert_non_null(type_canon(TYPE_ID, true, SPAN_LIT("a\0"), &out));
}

/* n bytes 'a' as an id, or as a domain of 60-letter labels. */
static bool id_passes(size_t n)
{
	CLEAN_BUF struct buf out;
	uint8_t text[ID_MAX + 2];

	buf_init(&out, 1 << 12);
	memset(text, 'a', sizeof(text));
	return !type_canon(TYPE_ID, false, span_of(text, n), &out);
}

static bool address_passes(size_t n)
{
	CLEAN_BUF struct buf out;
	uint8_t text[EMAIL_MAX + 2];
	size_t i;

	buf_init(&out, 1 << 12);
	for (i = 0; i < n; i++)
		text[i] = i % 60 == 59 && i + 1 < n ? '.' : 'a';
	text[1] = '@';
	return !type_canon(TYPE_EMAIL, false, span_of(text, n), &out);
}

static void lengths(void **)
{
	assert_true(id_passes(ID_MAX - 1));
	assert_true(id_passes(ID_MAX));
	assert_false(id_passes(ID_MAX + 1));
	assert_true(address_passes(EMAIL_MAX - 1));
	assert_true(address_passes(EMAIL_MAX));
	assert_false(address_passes(EMAIL_MAX + 1));
}

static void numbers(void **)
{
	static const struct {
		enum arg_type type;
		const char *text;
		int64_t want;
	} n[] = {
		{ TYPE_INT, "0", 0 },
		{ TYPE_INT, "-999999999999999", -INT_LIMIT },
		{ TYPE_NUMBER, "23.5", 23500000000 },
		{ TYPE_NUMBER, "-0.5", -500000000 },
		{ TYPE_NUMBER, "7", 7000000000 },
		{ TYPE_NUMBER, "999999999.999999999", 999999999999999999 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(n); i++)
		assert_int_equal(type_number(n[i].type, span_str(n[i].text)),
				 n[i].want);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_forms),
		cmocka_unit_test(canonical_twice),
		cmocka_unit_test(text_with_a_nul),
		cmocka_unit_test(lengths),
		cmocka_unit_test(numbers),
	};

	return cmocka_run_group_tests_name("label/types", tests, NULL, NULL);
}
