/* json5_test: what is JSON5 and what it says; what is none; each limit. */
#include "json5/json5.h"

#include <errno.h>
#include <stdlib.h>

#include "base/buf.h"
#include "base/str.h"
#include "base/testing.h"

/* A scalar, or what opens an array or object. */
static void show_head(struct buf *b, const struct json5 *j,
		      const struct json5_node *n)
{
	switch (json5_kind(n)) {
	case JSON5_NULL:
		buf_str(b, "null");
		break;
	case JSON5_FALSE:
		buf_str(b, "false");
		break;
	case JSON5_TRUE:
		buf_str(b, "true");
		break;
	case JSON5_NUMBER:
		buf_span(b, json5_text(j, n));
		break;
	case JSON5_STRING:
		buf_str(b, "<");
		buf_span(b, json5_text(j, n));
		buf_str(b, ">");
		break;
	case JSON5_ARRAY:
	case JSON5_OBJECT:
		buf_str(b, json5_kind(n) == JSON5_OBJECT ? "{" : "[");
		break;
	}
}

static void show_end(struct buf *b, const struct json5_node *n)
{
	buf_str(b, json5_kind(n) == JSON5_OBJECT ? "}" : "]");
}

/* The tree in one line, as JSON but for numbers, which stay as written. */
static void show(struct buf *b, const struct json5 *j,
		 const struct json5_node *top)
{
	const struct json5_node *open[JSON5_DEPTH + 1] = { 0 };
	const struct json5_node *n = top;
	size_t depth = 0;

	while (n) {
		bool in = json5_kind(n) == JSON5_OBJECT ||
			  json5_kind(n) == JSON5_ARRAY;

		if (depth && json5_kind(open[depth - 1]) == JSON5_OBJECT) {
			buf_span(b, json5_key(j, n));
			buf_str(b, ":");
		}
		show_head(b, j, n);
		if (in && json5_first(j, n)) {
			open[depth++] = n;
			n = json5_first(j, n);
			continue;
		}
		if (in)
			show_end(b, n);
		for (;;) {
			const struct json5_node *next =
				depth ? json5_next(j, n) : NULL;

			if (next) {
				buf_str(b, ",");
				n = next;
				break;
			}
			if (!depth)
				return;
			n = open[--depth];
			show_end(b, n);
		}
	}
}

static void good(void **)
{
	static const struct {
		const char *text, *want;
	} rows[] = {
		{ "null", "null" },
		{ "\xef\xbb\xbf true // the end", "true" },
		{ "/* a */ false /**/", "false" },
		{ "{}", "{}" },
		{ "[]", "[]" },
		{ "[[],{},]", "[[],{}]" },
		{ "{a:1,'b':2,\"c d\":3,$_9:4,}", "{a:1,b:2,c d:3,$_9:4}" },
		{ "[1,-2,+3,.5,5.,1e3,1.5E-7,0xFf,-Infinity,NaN,0]",
		  "[1,-2,+3,.5,5.,1e3,1.5E-7,0xFf,-Infinity,NaN,0]" },
		{ "'it''s'", NULL },
		{ "'a\\'b\"c'", "<a'b\"c>" },
		{ "\"\\b\\f\\n\\r\\t\\v\\q\\/\\x41\\u00e9\"",
		  "<\b\f\n\r\t\vq/A\xc3\xa9>" },
		{ "'\\ud83e\\udd9e'", "<\xf0\x9f\xa6\x9e>" },
		{ "'one \\\ntwo \\\r\nthree \\\xe2\x80\xa9"
		  "four'",
		  "<one two three four>" },
		{ "'a\xe2\x80\xa8"
		  "b'",
		  "<a\xe2\x80\xa8"
		  "b>" },
		{ "\xc2\xa0\xe3\x80\x80[\v\f1\xe2\x80\xa8,2]", "[1,2]" },
		{ "{a:{b:[{c:null}]},d:[[[1]]]}",
		  "{a:{b:[{c:null}]},d:[[[1]]]}" },
		{ "{a:1 // one\n,/* two */b:2\r}", "{a:1,b:2}" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_JSON5 struct json5 *j = NULL;
		CLEAN_BUF struct buf b;
		struct err e = { 0 };
		int rc = json5_parse("f", span_str(rows[i].text), &j, &e);

		buf_init(&b, 4096);
		if (!rows[i].want) {
			assert_int_equal(rc, -EINVAL);
			continue;
		}
		if (rc < 0)
			fail_msg("%s: %s", rows[i].text, e.msg);
		show(&b, j, json5_root(j));
		if (strcmp(buf_cstr(&b), rows[i].want) != 0)
			fail_msg("%s: %s", rows[i].text, buf_cstr(&b));
	}
}

static void bad(void **)
{
	static const struct {
		const char *text, *where;
	} rows[] = {
		{ "", "f:1:1: the text ends" },
		{ "// nothing", "f:1:11: the text ends" },
		{ "{a:1", "f:1:5: a comma or }" },
		{ "[1,\n 2", "f:2:3: a comma or ]" },
		{ "[1,\r\n 2}", "f:2:3: a comma or ]" },
		{ "[,]", "f:1:2: no number" },
		{ "[1,,]", "f:1:4: no number" },
		{ "{,}", "f:1:2: a key" },
		{ "{a}", "f:1:3: a colon" },
		{ "{1:2}", "f:1:2: a key" },
		{ "{\xc3\xa9:1}", "f:1:2: a key belongs here: put it in quo" },
		{ "{a:1,a:2}", "f:1:7: the key stands twice" },
		{ "{a:1,'\\x61':2}", "f:1:12: the key stands twice" },
		{ "1 2", "f:1:3: something stands behind" },
		{ "{} }", "f:1:4: something stands behind" },
		{ "01", "f:1:3: no number" },
		{ "0x", "f:1:2: no number" },
		{ "0x.5", "f:1:2: no number" },
		{ ".", "f:1:2: no number" },
		{ "1e", "f:1:3: no number" },
		{ "1.2.3", "f:1:4: no number" },
		{ "- 1", "f:1:2: no number" },
		{ "nul", "f:1:1: no number" },
		{ "truer", "f:1:1: no number" },
		{ "undefined", "f:1:1: no number" },
		{ "'a", "f:1:3: the string has no end" },
		{ "'a\nb'", "f:1:3: the string has no end" },
		{ "'a\\", "f:1:4: the string has no end" },
		{ "'\\1'", "f:1:3: no escape" },
		{ "'\\01'", "f:1:4: no escape" },
		{ "'\\xg0'", "f:1:4: a hexadecimal" },
		{ "'\\u12'", "f:1:6: a hexadecimal" },
		{ "'\\ud800'", "f:1:8: half of" },
		{ "'\\ud800\\u0041'", "f:1:14: half of" },
		{ "'\\udc00'", "f:1:8: half of" },
		{ "/* a", "f:1:5: the comment has no end" },
		{ "/ 1", "f:1:1: a value or a comment" },
		{ "'\xff'", "f: bytes that are no UTF-8" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_JSON5 struct json5 *j = NULL;
		struct err e = { 0 };

		if (json5_parse("f", span_str(rows[i].text), &j, &e) !=
			    -EINVAL ||
		    strncmp(e.msg, rows[i].where, strlen(rows[i].where)) != 0)
			fail_msg("%s: %s", rows[i].text, e.msg);
		assert_null(j);
	}
}

static void repeat(struct buf *b, const char *s, size_t n)
{
	while (n--)
		buf_str(b, s);
}

static int parse_rc(const struct buf *b)
{
	CLEAN_JSON5 struct json5 *j = NULL;
	struct err e = { 0 };

	assert_true(buf_ok(b));
	return json5_parse("f", buf_view(b), &j, &e);
}

/* Each limit: at it, and one above. */
static void limits(void **)
{
	CLEAN_BUF struct buf b;
	size_t over, i;

	buf_init(&b, 4 << 20);
	for (over = 0; over < 2; over++) {
		int want = over ? -E2BIG : 0;

		buf_reset(&b);
		repeat(&b, "[", JSON5_DEPTH + over);
		repeat(&b, "]", JSON5_DEPTH + over);
		assert_int_equal(parse_rc(&b), want);

		buf_reset(&b);
		buf_str(&b, "[");
		repeat(&b, "1,", JSON5_NODES - 1 + over);
		buf_str(&b, "]");
		assert_int_equal(parse_rc(&b), want);

		buf_reset(&b);
		buf_str(&b, "{");
		for (i = 0; i < JSON5_KEYS + over; i++)
			buf_printf(&b, "k%zu:0,", i);
		buf_str(&b, "}");
		assert_int_equal(parse_rc(&b), want);

		buf_reset(&b);
		buf_str(&b, "'");
		repeat(&b, "a", JSON5_TEXT + over);
		buf_str(&b, "'");
		assert_int_equal(parse_rc(&b), want);

		buf_reset(&b);
		repeat(&b, "1", JSON5_DIGITS + over);
		assert_int_equal(parse_rc(&b), want);

		buf_reset(&b);
		buf_str(&b, "1");
		repeat(&b, " ", JSON5_BYTES - 1 + over);
		assert_int_equal(parse_rc(&b), want);
	}
}

static void access_of_parts(void **)
{
	static const char text[] = "{a: -1001234567890, b: 9007199254740991,\n"
				   "c: 9007199254740992, d: 1.0, e: '7',\n"
				   "f: {g: [true]}}";
	CLEAN_JSON5 struct json5 *j = NULL;
	const struct json5_node *root, *f;
	struct err e = { 0 };
	int64_t v;

	assert_int_equal(json5_parse("name", span_str(text), &j, &e), 0);
	root = json5_root(j);
	assert_string_equal(json5_name(j), "name");
	assert_true(json5_int(j, json5_get(j, root, "a"), &v));
	assert_true(v == INT64_C(-1001234567890));
	assert_true(json5_int(j, json5_get(j, root, "b"), &v));
	assert_true(v == INT64_C(9007199254740991));
	assert_false(json5_int(j, json5_get(j, root, "c"), &v));
	assert_false(json5_int(j, json5_get(j, root, "d"), &v));
	assert_false(json5_int(j, json5_get(j, root, "e"), &v));
	assert_null(json5_get(j, root, "z"));
	assert_null(json5_get(j, json5_get(j, root, "z"), "y"));
	assert_int_equal(json5_kind(NULL), 0);
	assert_int_equal(json5_text(j, NULL).n, 0);
	assert_null(json5_first(j, NULL));
	assert_int_equal(json5_line(json5_get(j, root, "c")), 2);
	f = json5_get(j, json5_get(j, root, "f"), "g");
	assert_int_equal(json5_kind(json5_first(j, f)), JSON5_TRUE);
	assert_null(json5_next(j, json5_first(j, f)));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad),
		cmocka_unit_test(limits),
		cmocka_unit_test(access_of_parts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
