/* Tests of show: nothing foreign reaches the margin, nothing is too wide. */
#include "cli/show.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "render/render.h"

enum { INDENT = 8 };

/* Each line but the first begins with the indent; none is too wide. */
static void assert_in_column(const char *text)
{
	size_t column = INDENT;
	const char *p = text;
	uint32_t c;

	while (*p) {
		if (*p == '\n') {
			size_t i;

			for (i = 1; i <= INDENT; i++)
				assert_int_equal(p[i], ' ');
			p += INDENT + 1;
			column = INDENT;
			continue;
		}
		p += render_decode(span_str(p), &c);
		column += (size_t)utf8proc_charwidth((int32_t)c);
		assert_in_range(column, 0, SHOW_WIDTH);
	}
}

static const char *const hostile[] = {
	"short",
	"line\nItem 9 from inbox: READ\n  verdict   ALLOWED",
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	"a",
	"words and words and words and words and words and words and words and "
	"words and words and words and words and words and words and words "
	"and ",
	"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc"
	"\xa2"
	"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc"
	"\xa2"
	"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc"
	"\xa2"
	"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc"
	"\xa2"
	"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc"
	"\xa2"
	"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc"
	"\xa2"
	"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc"
	"\xa2"
	"\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc\xa2\xe6\xbc"
	"\xa2",
	"\x1b[H\x1b[2J\r\n\xff\xfe\xe2\x80\xae gnp.exe\xe2\x80\xac",
	"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"
	"\\"
	"\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\\"
	"\\",
	"tail of spaces                                                        "
	"                                                                      "
	"x",
};

static void test_text_stays_in_column(void **)
{
	static const struct show how = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hostile); i++) {
		CLEAN_BUF struct buf b;

		buf_init(&b, 1 << 20);
		show_text(&b, &how, span_str(hostile[i]), INDENT, INDENT);
		assert_true(buf_ok(&b));
		assert_in_column(buf_cstr(&b));
	}
}

/* Goal: every byte value repeated many times, with and without ASCII. */
static void test_bytes_stay_in_column(void **)
{
	unsigned byte;

	for (byte = 0; byte < 256; byte++) {
		struct show how = { .ascii = byte & 1 };
		CLEAN_BUF struct buf b;
		uint8_t text[500];

		memset(text, (int)byte, sizeof(text));
		buf_init(&b, 1 << 20);
		show_text(&b, &how, span_of(text, sizeof(text)), INDENT,
			  INDENT);
		assert_in_column(buf_cstr(&b));
	}
}

static void test_json_stays_in_column(void **)
{
	static const struct show how = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hostile); i++) {
		CLEAN_BUF struct buf b;
		json_t *j = json_pack("{s:s,s:[s,s,s]}", "key", "x", "list",
				      "y", "z", "w");

		assert_non_null(j);
		(void)json_object_set_new(j, "foreign",
					  json_string(hostile[i]));
		(void)json_array_append_new(json_object_get(j, "list"),
					    json_string(hostile[i]));
		buf_init(&b, 1 << 20);
		show_json_wide(&b, &how, j, INDENT, INDENT);
		assert_true(buf_ok(&b));
		assert_in_column(buf_cstr(&b));
		json_decref(j);
	}
}

static const struct {
	const char *json, *want;
} layouts[] = {
	{ "{}", "{}" },
	{ "[]", "[]" },
	{ "{\"a\": [1, true, null, \"x\"]}",
	  "{\"a\": [1, true, null, \"x\"]}" },
	{ "{\"k\": \"0123456789012345678901234567890123456789012345678901234567"
	  "89\", \"l\": [\"012345678901234567890123456789\", 2]}",
	  "{\n          \"k\": "
	  "\"01234567890123456789012345678901234567890123456"
	  "7890123456789\",\n          \"l\": [\"012345678901234567890123456789"
	  "\", 2]\n        }" },
	{ "[\"one line\\nand 012345678901234567890123456789012345678901234567"
	  "89 0123456789012345678901234567\\nend\\n\"]",
	  "[\n          \"one line\\n\n           and 0123456789012345678901234"
	  "5678901234567890123456789 0123456789012345678901234567\\n\n"
	  "           end\\n\"\n        ]" },
};

static void test_json_layout(void **)
{
	static const struct show how = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(layouts); i++) {
		json_t *j = json_loads(layouts[i].json, 0, NULL);
		CLEAN_BUF struct buf b;

		assert_non_null(j);
		buf_init(&b, 1 << 20);
		show_json_wide(&b, &how, j, INDENT, INDENT);
		assert_string_equal(buf_cstr(&b), layouts[i].want);
		json_decref(j);
	}
}

static void test_long_text_is_cut(void **)
{
	static const struct show how = { 0 };
	size_t n;

	for (n = SHOW_TEXT_MAX - 1; n <= SHOW_TEXT_MAX + 1; n++) {
		CLEAN_BUF struct buf b;
		char *text = malloc(n);

		assert_non_null(text);
		memset(text, 'a', n);
		buf_init(&b, 1 << 20);
		show_text(&b, &how, span_of(text, n), 0, 0);
		assert_int_equal(strstr(buf_cstr(&b), "left out") != NULL,
				 n > SHOW_TEXT_MAX);
		free(text);
	}
}

/* Goal: text from right to left is isolated on every line of it. */
static void test_rtl_is_isolated(void **)
{
	static const struct show how = { 0 };
	CLEAN_BUF struct buf b;

	buf_init(&b, 1 << 20);
	show_text(&b, &how, SPAN_LIT("\xd7\x90\n\xd7\x91"), 0, 2);
	assert_string_equal(buf_cstr(&b), "\xe2\x81\xa8\xd7\x90\xe2\x81\xa9\n"
					  "  \xe2\x81\xa8\xd7\x91\xe2\x81\xa9");
}

static void test_count(void **)
{
	static const struct {
		uint64_t n;
		const char *want;
	} rows[] = { { 0, "0" },
		     { 999, "999" },
		     { 1000, "1,000" },
		     { 123456, "123,456" },
		     { UINT64_MAX, "18,446,744,073,709,551,615" } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf b;

		buf_init(&b, 64);
		show_count(&b, rows[i].n);
		assert_string_equal(buf_cstr(&b), rows[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_text_stays_in_column),
		cmocka_unit_test(test_bytes_stay_in_column),
		cmocka_unit_test(test_json_stays_in_column),
		cmocka_unit_test(test_json_layout),
		cmocka_unit_test(test_long_text_is_cut),
		cmocka_unit_test(test_rtl_is_isolated),
		cmocka_unit_test(test_count),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
