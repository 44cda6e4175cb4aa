/*
 * yaml: what the subset refuses, with the exact line a person gets, and where
 * each node of a good file stands.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf/value.h"
#include "conf/yaml.h"

static const struct {
	const char *text;
	const char *errors;
} bad[] = {
	{ "", "f:1:1: the file is empty: `bulkhead init` writes one\n" },
	{ "# nothing\n",
	  "f:1:1: the file is empty: `bulkhead init` writes one\n" },
	{ "a: &x 1\nb: *x\n",
	  "f:1:5: anchors are not allowed: write the value out\n"
	  "f:2:5: aliases are not allowed: write the value out\n" },
	{ "a: !!str 1\n", "f:1:4: tags are not allowed: remove it, the schema "
			  "knows each type\n" },
	{ "a: !x {b: 1}\n", "f:1:4: tags are not allowed: remove it, the "
			    "schema knows each type\n" },
	{ "a: ! b\n", "f:1:4: tags are not allowed: remove it, the schema "
		      "knows each type\n" },
	{ "l: &l [1]\n",
	  "f:1:5: anchors are not allowed: write the value out\n" },
	{ "<<: {a: 1}\n",
	  "f:1:1: merge keys are not allowed: write the keys out\n" },
	{ "a: 1\nb: 2\na: 3\n",
	  "f:3:1: duplicate key \"a\", first at line 1: remove one\n" },
	{ "a: 1\n\"a\": 3\n",
	  "f:2:1: duplicate key \"a\", first at line 1: remove one\n" },
	{ "x: {a: 1, b: {c: 1, c: 2}, a: 2}\n",
	  "f:1:21: duplicate key \"c\", first at line 1: remove one\n"
	  "f:1:28: duplicate key \"a\", first at line 1: remove one\n" },
	{ "a: 1\n---\nb: 2\n",
	  "f:2:1: a second document: one document a file; remove it\n" },
	{ "%YAML 1.2\n---\na: 1\n",
	  "f:1:1: % directives are not allowed: remove them\n" },
	{ "? [a]\n: 1\n", "f:1:3: a key must be a plain word: write it so\n" },
	{ "? {a: b}\n: 1\n",
	  "f:1:3: a key must be a plain word: write it so\n" },
	{ "a: \"x\\0y\"\n",
	  "f:1:4: an escaped control or hidden character: remove it\n" },
	{ "a: \"\\u202e\"\n",
	  "f:1:4: an escaped control or hidden character: remove it\n" },
	{ "a: 1\nb: \xc3\n",
	  "f:2:4: not UTF-8: byte 0xc3: save the file as UTF-8\n" },
	{ "a: \xed\xa0\x80\n",
	  "f:1:4: not UTF-8: byte 0xed: save the file as UTF-8\n" },
	{ "a: 1 # \xe2\x80\xae\n",
	  "f:1:8: hidden character U+202E: remove it, what the file says must "
	  "be visible\n" },
	{ "\xef\xbb\xbf"
	  "a: 1\n",
	  "f:1:1: hidden character U+FEFF: remove it, what the file says must "
	  "be visible\n" },
	{ "a: \x07\n",
	  "f:1:4: hidden character U+0007: remove it, what the file says must "
	  "be visible\n" },
};

static void expect_errors(struct span text, const char *want)
{
	CLEAN_YAML struct yaml *y = NULL;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	assert_int_equal(yaml_parse("f", text, &y, &errs), -22);
	assert_null(y);
	assert_string_equal(buf_cstr(&errs), want);
}

static void refuses(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		expect_errors(span_str(bad[i].text), bad[i].errors);
	expect_errors(SPAN_LIT("a: \0b\n"),
		      "f:1:4: hidden character U+0000: remove it, what the "
		      "file says must be visible\n");
}

/* Syntax errors are libfyaml's words: only the place is ours to promise. */
static void syntax(void **)
{
	static const struct {
		const char *text;
		const char *place;
	} rows[] = {
		{ "a: [1, 2\n", "f:" },	    { "a: \"x\n", "f:" },
		{ "a: b: c\n", "f:1:" },    { "a: 1\n b: 2\n", "f:1:4:" },
		{ "a: 1\n\tb: 2\n", "f:" }, { "a: 1\n}\n", "f:" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_YAML struct yaml *y = NULL;
		CLEAN_BUF struct buf errs;

		buf_init(&errs, 1 << 16);
		assert_int_equal(
			yaml_parse("f", span_str(rows[i].text), &y, &errs),
			-22);
		assert_memory_equal(buf_cstr(&errs), rows[i].place,
				    strlen(rows[i].place));
	}
}

static void is_at(const struct yaml_node *n, uint32_t line, uint32_t column)
{
	assert_int_equal(yaml_place(n).line, line);
	assert_int_equal(yaml_place(n).column, column);
}

static void reads(void **)
{
	static const char text[] = "a: on\n"
				   "b: {c: 'no', \"d\": [1, \"2\", x y]}\n"
				   "e:\n"
				   "  - |\n"
				   "    two\n"
				   "    lines\n"
				   "  - \xc3\xa9t\xc3\xa9: ~\n"
				   "f:\n";
	CLEAN_YAML struct yaml *y = NULL;
	CLEAN_BUF struct buf errs;
	const struct yaml_node *root, *b, *d, *e;

	buf_init(&errs, 1 << 16);
	assert_int_equal(yaml_parse("f", span_str(text), &y, &errs), 0);
	root = yaml_root(y);
	assert_int_equal(yaml_kind(root), YAML_MAP);
	assert_int_equal(yaml_count(root), 4);
	assert_string_equal(yaml_text(yaml_get(root, "a")), "on");
	assert_false(yaml_quoted(yaml_get(root, "a")));
	is_at(yaml_get(root, "a"), 1, 4);
	b = yaml_get(root, "b");
	is_at(b, 2, 4);
	assert_true(yaml_quoted(yaml_get(b, "c")));
	assert_string_equal(yaml_key(b, 1), "d");
	assert_int_equal(yaml_key_place(b, 1).column, 14);
	d = yaml_get(b, "d");
	assert_int_equal(yaml_kind(d), YAML_LIST);
	assert_int_equal(yaml_count(d), 3);
	assert_string_equal(yaml_text(yaml_at(d, 2)), "x y");
	is_at(yaml_at(d, 1), 2, 23);
	e = yaml_get(root, "e");
	assert_string_equal(yaml_text(yaml_at(e, 0)), "two\nlines\n");
	assert_string_equal(yaml_text(yaml_at(yaml_at(e, 1), 0)), "~");
	is_at(yaml_at(yaml_at(e, 1), 0), 7, 10);
	assert_string_equal(yaml_text(yaml_get(root, "f")), "");
	is_at(yaml_get(root, "f"), 8, 1);
	assert_null(yaml_get(root, "g"));
	assert_null(yaml_at(root, 4));
}

/* depth lists in each other; the innermost is empty. */
static int parse_nested(size_t depth, struct buf *errs)
{
	CLEAN_YAML struct yaml *y = NULL;
	char text[256];
	size_t i;

	for (i = 0; i < depth; i++) {
		text[i] = '[';
		text[depth + i] = ']';
	}
	return yaml_parse("f", span_of(text, 2 * depth), &y, errs);
}

/* A quoted scalar of many pieces: "''" is one, and all are put together. */
static void pieces(void **)
{
	enum { PIECES = 200 };
	CLEAN_YAML struct yaml *y = NULL;
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf errs;
	const char *got;

	buf_init(&errs, 1 << 16);
	buf_init(&text, 1 << 16);
	buf_str(&text, "a: '");
	for (int i = 0; i < PIECES; i++)
		buf_str(&text, "''");
	buf_str(&text, "'\n");
	assert_int_equal(yaml_parse("f", buf_view(&text), &y, &errs), 0);
	got = yaml_text(yaml_get(yaml_root(y), "a"));
	assert_int_equal(strlen(got), PIECES);
	assert_int_equal(strspn(got, "'"), PIECES);
}

static void depth(void **)
{
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	assert_int_equal(parse_nested(YAML_DEPTH_MAX - 1, &errs), 0);
	assert_int_equal(parse_nested(YAML_DEPTH_MAX, &errs), 0);
	assert_int_equal(parse_nested(YAML_DEPTH_MAX + 1, &errs), -22);
	assert_string_equal(
		buf_cstr(&errs),
		"f:1:25: nested deeper than 24 levels: flatten it\n");
}

/* A list or map with n values, or a comment of n bytes. */
static int parse_many(const char *fmt, size_t n, struct buf *errs)
{
	CLEAN_YAML struct yaml *y = NULL;
	CLEAN_BUF struct buf text;
	size_t i;

	buf_init(&text, 4 << 20);
	for (i = 0; i < n; i++) {
		if (strchr(fmt, '%'))
			buf_printf(&text, "k%zu: 1\n", i);
		else
			buf_str(&text, fmt);
	}
	assert_true(buf_ok(&text));
	return yaml_parse("f", buf_view(&text), &y, errs);
}

static void sizes(void **)
{
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	assert_int_equal(parse_many("%", YAML_KEYS_MAX - 1, &errs), 0);
	assert_int_equal(parse_many("%", YAML_KEYS_MAX, &errs), 0);
	assert_int_equal(parse_many("%", YAML_KEYS_MAX + 1, &errs), -22);
	assert_string_equal(
		buf_cstr(&errs),
		"f:1025:1: more than 1024 keys in one map: shorten it\n");
	buf_reset(&errs);
	/* the list itself is a value */
	assert_int_equal(parse_many("- a\n", YAML_NODES_MAX - 2, &errs), 0);
	assert_int_equal(parse_many("- a\n", YAML_NODES_MAX - 1, &errs), 0);
	assert_int_equal(parse_many("- a\n", YAML_NODES_MAX, &errs), -22);
	assert_string_equal(
		buf_cstr(&errs),
		"f:65536:3: more than 65536 values in one file: shorten it\n");
	buf_reset(&errs);
	assert_int_equal(parse_many("a", YAML_FILE_MAX - 1, &errs), 0);
	assert_int_equal(parse_many("a", YAML_FILE_MAX, &errs), 0);
	assert_int_equal(parse_many("a", YAML_FILE_MAX + 1, &errs), -22);
	assert_string_equal(
		buf_cstr(&errs),
		"f:1:1: the file is larger than 1048576 bytes: shorten it\n");
}

static void check_map(void **)
{
	static const struct yaml_field fields[] = {
		{ "memory", true, false, "how much" },
		{ "cpus", false, false, "how many" },
		{ "pool", false, true, "how many wait" },
	};
	static const char want[] =
		"f:1:1: unknown key \"memry\": did you mean \"memory\"?\n"
		"f:2:1: \"pool\" is known, but not enforced by this version: "
		"remove it\n"
		"f:3:1: unknown key \"colour\": remove it\n"
		"f:1:1: \"memory\" is missing: how much\n";
	CLEAN_YAML struct yaml *y = NULL;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	assert_int_equal(yaml_parse("f",
				    SPAN_LIT("memry: 1\npool: 2\ncolour: 3\n"),
				    &y, &errs),
			 0);
	assert_int_equal(yaml_check_map(y, yaml_root(y), fields,
					ARRAY_SIZE(fields), &errs),
			 4);
	assert_string_equal(buf_cstr(&errs), want);
	buf_reset(&errs);
	assert_int_equal(yaml_check_map(y, yaml_at(yaml_root(y), 0), fields,
					ARRAY_SIZE(fields), &errs),
			 1);
	assert_string_equal(buf_cstr(&errs),
			    "f:1:8: a map (key: value) belongs here\n");
}

static void nearest(void **)
{
	static const char *const words[] = { "allow", "deny", NULL, "ask" };
	static const struct {
		const char *word;
		const char *want;
	} rows[] = {
		{ "alow", "allow" },  { "allows", "allow" },
		{ "aloow", "allow" }, { "denny", "deny" },
		{ "aks", NULL },      { "as", "ask" },
		{ "permit", NULL },   { "", NULL },
		{ "a", NULL },
	};
	char longest[YAML_WORD_MAX + 1] = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *got = yaml_nearest(rows[i].word, words, 4);

		if (!rows[i].want)
			assert_null(got);
		else
			assert_string_equal(got, rows[i].want);
	}
	memset(longest, 'a', YAML_WORD_MAX);
	assert_null(yaml_nearest(longest, words, 4));
}

static void values(void **)
{
	static const struct {
		const char *text;
		int64_t size, duration;
	} rows[] = {
		{ "0", 0, -1 },
		{ "512", 512, -1 },
		{ "8KiB", 8192, -1 },
		{ "128MiB", 128 << 20, -1 },
		{ "4GiB", 4LL << 30, -1 },
		{ "4GB", -1, -1 },
		{ "8 KiB", -1, -1 },
		{ "08KiB", -1, -1 },
		{ "-1", -1, -1 },
		{ "", -1, -1 },
		{ "KiB", -1, -1 },
		{ "18446744073709551615KiB", -1, -1 },
		{ "10s", -1, 10 },
		{ "30m", -1, 1800 },
		{ "12h", -1, 43200 },
		{ "7d", -1, 604800 },
		{ "1h30m", -1, -1 },
		{ "s", -1, -1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint64_t size = 7, duration = 7;
		int r = value_size(rows[i].text, &size);

		assert_int_equal(r, rows[i].size < 0 ? -1 : 0);
		if (!r)
			assert_int_equal(size, rows[i].size);
		r = value_duration(rows[i].text, &duration);
		assert_int_equal(r, rows[i].duration < 0 ? -1 : 0);
		if (!r)
			assert_int_equal(duration, rows[i].duration);
	}
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(refuses),   cmocka_unit_test(syntax),
		cmocka_unit_test(reads),     cmocka_unit_test(pieces),
		cmocka_unit_test(depth),     cmocka_unit_test(sizes),
		cmocka_unit_test(check_map), cmocka_unit_test(nearest),
		cmocka_unit_test(values),
	};

	return cmocka_run_group_tests_name("conf/yaml", tests, NULL, NULL);
}
