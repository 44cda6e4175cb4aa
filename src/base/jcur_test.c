/* jcur_test: what is JSON and what is not, and what it says. */
#include "base/jcur.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>

static const struct {
	const char *text;
	enum jval_kind want; /* JVAL_NONE: refused */
} texts[] = {
	{ "{}", JVAL_OBJECT },
	{ " [ ] \r\n\t", JVAL_ARRAY },
	{ "[1,[2,{\"a\":[]}],{}]", JVAL_ARRAY },
	{ "{\"a\" : 1 , \"b\":{\"c\":null}}", JVAL_OBJECT },
	{ "\"\"", JVAL_STRING },
	{ "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\\uD83D\"", JVAL_STRING },
	{ "true", JVAL_TRUE },
	{ "false", JVAL_FALSE },
	{ "null", JVAL_NULL },
	{ "0", JVAL_NUMBER },
	{ "-0.5e+10", JVAL_NUMBER },
	{ "12E3", JVAL_NUMBER },
	{ "", JVAL_NONE },
	{ " ", JVAL_NONE },
	{ "{", JVAL_NONE },
	{ "[1,]", JVAL_NONE },
	{ "[,1]", JVAL_NONE },
	{ "[1 2]", JVAL_NONE },
	{ "[1}", JVAL_NONE },
	{ "{\"a\":1,}", JVAL_NONE },
	{ "{\"a\" 1}", JVAL_NONE },
	{ "{\"a\":}", JVAL_NONE },
	{ "{a:1}", JVAL_NONE },
	{ "{1:1}", JVAL_NONE },
	{ "[1]]", JVAL_NONE },
	{ "1 2", JVAL_NONE },
	{ "'a'", JVAL_NONE },
	{ "\"a", JVAL_NONE },
	{ "\"\n\"", JVAL_NONE },
	{ "\"\\x\"", JVAL_NONE },
	{ "\"\\u12g4\"", JVAL_NONE },
	{ "\"\\u12", JVAL_NONE },
	{ "\"\xff\"", JVAL_NONE },
	{ "\"\xed\xa0\x80\"", JVAL_NONE },
	{ "\xef\xbb\xbf{}", JVAL_NONE },
	{ "01", JVAL_NONE },
	{ "+1", JVAL_NONE },
	{ ".5", JVAL_NONE },
	{ "1.", JVAL_NONE },
	{ "1e", JVAL_NONE },
	{ "-", JVAL_NONE },
	{ "nul", JVAL_NONE },
	{ "nulls", JVAL_NONE },
	{ "NaN", JVAL_NONE },
	{ "/**/1", JVAL_NONE },
};

static void whole(void **state)
{
	struct jval v;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		enum jval_kind kind = JVAL_NONE;

		if (jval_parse(span_str(texts[i].text), &v))
			kind = v.kind;
		if (kind != texts[i].want)
			print_error("%s: %d\n", texts[i].text, (int)kind);
		assert_int_equal(kind, texts[i].want);
	}
	assert_false(jval_parse(SPAN_LIT("\"a\0b\""), &v));
	assert_false(jval_parse(SPAN_LIT("1\0"), &v));
}

static bool nested(size_t depth, char open, char close)
{
	char text[2 * (JCUR_DEPTH + 1)];
	struct jval v;

	memset(text, open, depth);
	memset(text + depth, close, depth);
	return jval_parse(span_of(text, 2 * depth), &v);
}

static void depth(void **state)
{
	(void)state;
	assert_true(nested(JCUR_DEPTH - 1, '[', ']'));
	assert_true(nested(JCUR_DEPTH, '[', ']'));
	assert_false(nested(JCUR_DEPTH + 1, '[', ']'));
}

static struct jval of(const char *text)
{
	struct jval v = { 0 };

	assert_true(jval_parse(span_str(text), &v));
	return v;
}

static void members(void **state)
{
	struct jval o = of("{ \"a\" : [ 1 , \"x\" ] , \"b\":2,\"\\u0063\":3,"
			   "\"d\":4,\"\\u0064\":5,\"e\":null}");
	struct jiter it;
	struct jval key, v;
	int64_t n = 0;

	(void)state;
	it = jiter_of(jval_get(o, "a"));
	assert_true(jiter_next(&it, &key, &v));
	assert_int_equal(key.kind, JVAL_NONE);
	assert_true(span_is(v.raw, "1"));
	assert_true(jiter_next(&it, NULL, &v));
	assert_true(jval_is(v, "x"));
	assert_false(jiter_next(&it, NULL, &v));
	assert_true(jval_int(jval_get(o, "b"), &n) && n == 2);
	/* A name may be written in more than one way, and twice all the same.
	 */
	assert_true(jval_int(jval_get(o, "c"), &n) && n == 3);
	assert_int_equal(jval_get(o, "d").kind, JVAL_TWICE);
	assert_int_equal(jval_get(o, "e").kind, JVAL_NULL);
	assert_int_equal(jval_get(o, "f").kind, JVAL_NONE);
	assert_int_equal(jval_get(of("[1]"), "f").kind, JVAL_NONE);
	it = jiter_of(of("[\t]"));
	assert_false(jiter_next(&it, NULL, &v));
	assert_int_equal(it.left.n, 0);
	it = jiter_of(of("1"));
	assert_false(jiter_next(&it, NULL, &v));
}

static const struct {
	const char *text;
	const char *want;
} strings[] = {
	{ "\"\"", "" },
	{ "\"a\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "a\"\\/\b\f\n\r\t" },
	{ "\"\\u00e9\\u20AC\\u0041\"", "\xc3\xa9\xe2\x82\xac"
				       "A" },
	{ "\"\\ud83d\\ude00\"", "\xf0\x9f\x98\x80" },
	{ "\"\xf0\x9f\x98\x80\"", "\xf0\x9f\x98\x80" },
	{ "\"\\ud83dx\"", "\xef\xbf\xbdx" },
	{ "\"\\ud83d\\u0041\"", "\xef\xbf\xbd"
				"A" },
	{ "\"\\ude00\\ud83d\"", "\xef\xbf\xbd\xef\xbf\xbd" },
};

static void characters(void **state)
{
	char text[64];
	struct span s;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(strings); i++) {
		struct jval v = of(strings[i].text);
		size_t n = strlen(strings[i].want);

		assert_true(jval_cstr(v, text, sizeof(text)));
		assert_string_equal(text, strings[i].want);
		assert_true(jval_is(v, strings[i].want));
		assert_true(jval_text(v, text, n, &s));
		assert_int_equal(s.n, n);
		assert_false(n && jval_text(v, text, n - 1, &s));
		assert_true(jval_cstr(v, text, n + 1));
		assert_false(n && jval_cstr(v, text, n));
	}
	assert_true(jval_text(of("\"\\u0000\""), text, 1, &s) && s.n == 1);
	assert_false(jval_cstr(of("\"\\u0000\""), text, sizeof(text)));
	assert_false(jval_text(of("1"), text, sizeof(text), &s));
	assert_false(jval_is(of("\"ab\""), "a"));
	assert_false(jval_is(of("\"a\""), "ab"));
	assert_false(jval_is(of("1"), "1"));
}

static const struct {
	const char *text;
	bool ok;
	int64_t want;
} numbers[] = {
	{ "0", true, 0 },
	{ "-1001234567890", true, -1001234567890 },
	{ "9223372036854775807", true, INT64_MAX },
	{ "-9223372036854775807", true, -INT64_MAX },
	{ "9223372036854775808", false, 0 },
	{ "1.0", false, 0 },
	{ "1e3", false, 0 },
	{ "\"1\"", false, 0 },
};

static void integers(void **state)
{
	int64_t n = 0;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(numbers); i++) {
		bool ok = jval_int(of(numbers[i].text), &n);

		assert_int_equal(ok, numbers[i].ok);
		assert_true(!ok || n == numbers[i].want);
	}
}

/* Every beginning of a text is read without a fault of memory, and is no text.
 */
static void prefixes(void **state)
{
	static const char text[] =
		"{\"a\":[1,-2.5e3,true,null,\"\\ud83d\\ude00\"]}";
	struct jval v;
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(text); n++) {
		char *copy = malloc(n ? n : 1);

		assert_non_null(copy);
		memcpy(copy, text, n);
		assert_int_equal(jval_parse(span_of(copy, n), &v),
				 n == sizeof(text) - 1);
		free(copy);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),    cmocka_unit_test(depth),
		cmocka_unit_test(members),  cmocka_unit_test(characters),
		cmocka_unit_test(integers), cmocka_unit_test(prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
