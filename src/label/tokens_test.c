/* tokens_test: what counts as the owner's, and what merely looks like it. */
#include "base/testing.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"
#include "label/tokens.h"

struct row {
	const char *text;
	enum arg_type type;
	const char *value;
	bool want;
};

static const struct row rows[] = {
	/* mail addresses */
	{ "write to lea@example.org", TYPE_EMAIL, "lea@example.org", true },
	{ "Write to Lea@EXAMPLE.org.", TYPE_EMAIL, "Lea@example.org", true },
	{ "to <lea@example.org>, now", TYPE_EMAIL, "lea@example.org", true },
	{ "a@x.org,b@y.org;c@z.org", TYPE_EMAIL, "b@y.org", true },
	{ "(lea@example.org)!", TYPE_EMAIL, "lea@example.org", true },
	{ "mailto:lea@example.org", TYPE_EMAIL, "lea@example.org", true },
	{ "see lea@example.org's mail", TYPE_EMAIL, "lea@example.org", true },
	{ "o'brien@example.org", TYPE_EMAIL, "o'brien@example.org", true },
	{ "o'brien@example.org", TYPE_EMAIL, "brien@example.org", false },
	{ "o\xe2\x80\x99"
	  "brien@example.org",
	  TYPE_EMAIL, "brien@example.org", false },
	{ "\xe2\x80\x9clea@example.org\xe2\x80\x9d", TYPE_EMAIL,
	  "lea@example.org", true },
	{ "\xe3\x80\x8clea@example.org\xe3\x80\x8d", TYPE_EMAIL,
	  "lea@example.org", true },
	{ "xlea@example.org", TYPE_EMAIL, "lea@example.org", false },
	{ "lea@example.org.evil.io", TYPE_EMAIL, "lea@example.org", false },
	{ "lea@example.orgx", TYPE_EMAIL, "lea@example.org", false },
	{ "lea@example.org\xc3\xa9", TYPE_EMAIL, "lea@example.org", false },
	{ "\xc3\xa9lea@example.org", TYPE_EMAIL, "lea@example.org", false },
	{ "lea@exa\xe2\x80\x8bmple.org", TYPE_EMAIL, "lea@example.org", false },
	{ "lea at example.org", TYPE_EMAIL, "lea@example.org", false },
	{ "https://x.org/?to=lea@example.org", TYPE_EMAIL, "lea@example.org",
	  false },
	{ "https://x.org/,lea@example.org", TYPE_EMAIL, "lea@example.org",
	  false },
	/* ids: short ones never count */
	{ "post in slack:C0ENG", TYPE_ID, "slack:C0ENG", true },
	{ "post in slack:C0ENG", TYPE_ID, "C0ENG", false },
	{ "to 12345", TYPE_ID, "12345", false },
	{ "to 123456", TYPE_ID, "123456", true },
	{ "to 1234567", TYPE_ID, "123456", false },
	{ "open light.kitchen.", TYPE_ID, "light.kitchen", true },
	{ "lock.front,cover.garage", TYPE_ID, "cover.garage", true },
	{ "set urgent", TYPE_ENUM, "urgent", true },
	{ "set low", TYPE_ENUM, "low", false },
	/* accounts and telephones */
	{ "pay DE89 3704 0044 0532 0130 00 today", TYPE_ID,
	  "DE89370400440532013000", true },
	{ "pay DE89370400440532013000.", TYPE_ID, "DE89370400440532013000",
	  true },
	{ "pay DE88 3704 0044 0532 0130 00", TYPE_ID, "DE88370400440532013000",
	  false },
	{ "pay GB82 WEST 1234 5698 7654 32", TYPE_ID, "GB82WEST12345698765432",
	  true },
	{ "call +49 (151) 1234-5678.", TYPE_ID, "+4915112345678", true },
	{ "call +49 151 12345678x", TYPE_ID, "+4915112345678", false },
	{ "call 1+4915112345678", TYPE_ID, "+4915112345678", false },
	{ "call +4915", TYPE_ID, "+4915", false },
	/* URLs are whole */
	{ "read https://Example.org/a?b=1.", TYPE_URL,
	  "https://example.org/a?b=1", true },
	{ "(https://example.org/a)", TYPE_URL, "https://example.org/a", true },
	{ "(see https://example.org/X_(y))", TYPE_URL,
	  "https://example.org/X_(y)", true },
	{ "https://example.org/X_(y)", TYPE_URL, "https://example.org/X_",
	  false },
	{ "https://example.org/a,b", TYPE_URL, "https://example.org/a", false },
	{ "https://example.org/ab", TYPE_URL, "https://example.org/a", false },
	{ "go to www.example.org/a", TYPE_URL, "https://www.example.org/a",
	  true },
	{ "go to example.org!", TYPE_URL, "https://example.org/", true },
	{ "go to example.org", TYPE_URL, "http://example.org/", false },
	{ "lea@example.org", TYPE_URL, "https://example.org/", false },
	/* repositories, refs */
	{ "in raoul/API, please", TYPE_REPO, "raoul/api", true },
	{ "in raoul/api2", TYPE_REPO, "raoul/api", false },
	{ "on agent/fix-1", TYPE_REF, "agent/fix-1", true },
	{ "on main", TYPE_REF, "main", false },
	/* numbers, sums, times */
	{ "at most 20 of 100%", TYPE_INT, "20", true },
	{ "at most 20 of 100%", TYPE_INT, "100", true },
	{ "1,000 of them", TYPE_INT, "1", false },
	{ "set 21.50", TYPE_NUMBER, "21.5", true },
	{ "pay EUR 12.50", TYPE_MONEY, "EUR 12.50", true },
	{ "(EUR 12.50), not more", TYPE_MONEY, "EUR 12.50", true },
	{ "pay 50 EUR. 2000 is too much", TYPE_MONEY, "EUR 50.00", true },
	{ "pay 50 EUR. 2000 is too much", TYPE_MONEY, "EUR 2000.00", false },
	{ "pay 12.50 EUR.", TYPE_MONEY, "EUR 12.50", true },
	{ "pay 12.50\xe2\x82\xac", TYPE_MONEY, "EUR 12.50", true },
	{ "pay \xe2\x82\xac"
	  "12.50",
	  TYPE_MONEY, "EUR 12.50", true },
	{ "pay 112.50 EUR", TYPE_MONEY, "EUR 12.50", false },
	{ "pay 12.50 USD", TYPE_MONEY, "EUR 12.50", false },
	{ "at 2026-11-20T10:14:00+01:00", TYPE_DATETIME, "2026-11-20T09:14:00Z",
	  true },
	/* texts */
	{ "say \"good night\" to all", TYPE_TEXT, "good night", true },
	{ "say good night to all", TYPE_TEXT, "good night", false },
	{ "say \"hi\"", TYPE_TEXT, "hi", false },
	{ "say 'good night'.", TYPE_TEXT, "good night", true },
	{ "'good night' to all", TYPE_TEXT, "good night", true },
	{ "say ('it's good')", TYPE_TEXT, "it's good", true },
	{ "I don't say good night, he doesn't", TYPE_TEXT,
	  "t say good night, he doesn", false },
	{ "the boys' night, the girls' day", TYPE_TEXT, " night, the girls",
	  false },
	{ "say 'good night", TYPE_TEXT, "good night", false },
	{ "say 'good night'you", TYPE_TEXT, "good night", false },
	{ "say \xc2\xabgood night\xc2\xbb", TYPE_TEXT, "good night", true },
	{ "first line\nsecond line", TYPE_TEXT, "second line", true },
	{ "first line\nsecond line", TYPE_TEXT, "first line\nsecond line",
	  true },
};

static void test_rows(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct row *r = &rows[i];
		struct tokens t;

		assert_int_equal(tokens_read(&t, span_str(r->text)), 0);
		if (tokens_has(&t, r->type, span_str(r->value), TOKEN_VALUE) !=
		    r->want)
			fail_msg("\"%s\" in \"%s\": want %d", r->value, r->text,
				 r->want);
		tokens_done(&t);
	}
}

/* A number that names something has to be as long as any other id. */
static void test_use(void **)
{
	struct tokens t;

	assert_int_equal(tokens_read(&t, SPAN_LIT("mails 13 and 123456")), 0);
	assert_true(tokens_has(&t, TYPE_INT, SPAN_LIT("13"), TOKEN_VALUE));
	assert_false(tokens_has(&t, TYPE_INT, SPAN_LIT("13"), TOKEN_NAME));
	assert_true(tokens_has(&t, TYPE_INT, SPAN_LIT("123456"), TOKEN_NAME));
	tokens_done(&t);
}

static void test_refused(void **)
{
	char *text = malloc(TOKENS_TEXT_MAX + 1);
	struct tokens t;

	assert_non_null(text);
	memset(text, 'a', TOKENS_TEXT_MAX + 1);
	assert_int_equal(tokens_read(&t, span_of(text, TOKENS_TEXT_MAX + 1)),
			 -EFBIG);
	assert_false(tokens_has(&t, TYPE_ID, SPAN_LIT("aaaaaa"), TOKEN_NAME));
	tokens_done(&t);
	assert_int_equal(tokens_read(&t, span_of(text, TOKENS_TEXT_MAX)), 0);
	tokens_done(&t);
	assert_int_equal(tokens_read(&t, SPAN_LIT("lea@example.org \xff")),
			 -EILSEQ);
	assert_int_equal(t.n, 0);
	tokens_done(&t);
	free(text);
}

/* More words than there is room for: the first count, the rest do not. */
static void test_added(void **)
{
	struct tokens t = { 0 };

	assert_int_equal(tokens_add(&t, TYPE_EMAIL, SPAN_LIT("z@example.org")),
			 0);
	assert_int_equal(tokens_add(&t, TYPE_EMAIL, SPAN_LIT("a@example.org")),
			 0);
	assert_int_equal(tokens_add(&t, TYPE_ID, SPAN_LIT("abcdefg")), 0);
	assert_true(tokens_has(&t, TYPE_EMAIL, SPAN_LIT("a@example.org"),
			       TOKEN_NAME));
	assert_true(tokens_has(&t, TYPE_EMAIL, SPAN_LIT("z@example.org"),
			       TOKEN_NAME));
	assert_true(tokens_has(&t, TYPE_ID, SPAN_LIT("abcdefg"), TOKEN_NAME));
	assert_false(
		tokens_has(&t, TYPE_ID, SPAN_LIT("a@example.org"), TOKEN_NAME));
	tokens_done(&t);
}

static void test_many(void **)
{
	char *text = malloc(TOKENS_TEXT_MAX);
	struct tokens t;
	size_t n = 0;
	int i;

	assert_non_null(text);
	for (i = 100000; n < TOKENS_TEXT_MAX - 16; i++, n += 7)
		str_printf(text + n, 8, "%d ", i);
	assert_int_equal(tokens_read(&t, span_of(text, n)), 0);
	assert_int_equal(t.n, TOKENS_MAX);
	assert_true(tokens_has(&t, TYPE_ID, SPAN_LIT("100000"), TOKEN_NAME));
	assert_false(
		tokens_has(&t, TYPE_ID, span_of(text + n - 7, 6), TOKEN_NAME));
	tokens_done(&t);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),	cmocka_unit_test(test_use),
		cmocka_unit_test(test_refused), cmocka_unit_test(test_added),
		cmocka_unit_test(test_many),
	};

	return cmocka_run_group_tests_name("label/tokens", tests, NULL, NULL);
}
