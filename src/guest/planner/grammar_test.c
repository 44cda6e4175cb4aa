/* Tests of grammar: schemas to rules, and what is too much. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fd.h"
#include "grammar.h"

/* A schema as the one argument "a" of a tool "t", and its rule. */
static const struct {
	const char *schema, *rule;
} rows[] = {
	{ "{\"type\":\"string\"}", "text" },
	{ "{\"type\":\"string\",\"maxLength\":9999}", "text" },
	{ "{\"type\":\"string\",\"maxLength\":65}", "text" },
	{ "{\"type\":\"string\",\"maxLength\":64}",
	  "\"\\\"\" char{0,64} \"\\\"\"" },
	{ "{\"type\":\"string\",\"maxLength\":0}",
	  "\"\\\"\" char{0,0} \"\\\"\"" },
	{ "{\"type\":\"boolean\"}", "truth" },
	{ "{\"type\":\"integer\"}", "\"-\"? digits" },
	{ "{\"type\":\"integer\",\"minimum\":0}", "digits" },
	{ "{\"type\":\"integer\",\"minimum\":-1,\"maximum\":1}",
	  "\"-\"? digits" },
	{ "{\"type\":\"integer\",\"maximum\":-1}", "\"-\" digits" },
	{ "{\"type\":\"number\",\"minimum\":0.5}",
	  "digits (\".\" [0-9]{1,9})?" },
	{ "{\"type\":\"string\",\"enum\":[\"a\",\"b\\\"c\\\\d\",\"\\n\"]}",
	  "\"\\\"a\\\"\" | \"\\\"b\\\\\\\"c\\\\\\\\d\\\"\" | "
	  "\"\\\"\\\\n\\\"\"" },
	{ "{\"type\":\"integer\",\"enum\":[1,-2,0.5]}",
	  "\"1\" | \"-2\" | \"0.5\"" },
	{ "{\"type\":\"array\"}", "list" },
	{ "{\"type\":\"array\",\"items\":{},\"maxItems\":0}", "\"[]\"" },
	{ "{\"type\":\"array\",\"items\":{}}",
	  "\"[\" (v2 (\", \" v2){0,})? \"]\"" },
	{ "{\"type\":\"array\",\"items\":{},\"minItems\":1,\"maxItems\":3}",
	  "\"[\" v2 (\", \" v2){0,2} \"]\"" },
	{ "{\"type\":\"array\",\"items\":{},\"minItems\":1,\"maxItems\":1}",
	  "\"[\" v2 \"]\"" },
	{ "{\"type\":\"array\",\"items\":{},\"minItems\":2,\"maxItems\":65}",
	  "\"[\" v2 (\", \" v2){1,} \"]\"" },
	{ "{\"type\":\"object\"}", "object" },
	{ "{\"type\":\"object\",\"additionalProperties\":false}", "\"{}\"" },
	{ "{\"type\":\"object\",\"properties\":{\"$ref\":{\"type\":"
	  "\"string\"}},\"required\":[\"$ref\"],\"additionalProperties\":"
	  "false}",
	  "\"{\" \"\\\"$ref\\\": \" v2 \"}\"" },
	{ "{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{},\"c\":{}},"
	  "\"required\":[\"b\"]}",
	  "\"{\" \"\\\"b\\\": \" v2 (\", \" \"\\\"a\\\": \" v3)? (\", \" "
	  "\"\\\"c\\\": \" v4)? \"}\"" },
	{ "{\"type\":\"object\",\"properties\":{\"a\":{},\"b\":{}}}",
	  "\"{\" (\"\\\"a\\\": \" v2 (\", \" \"\\\"b\\\": \" v3)? | "
	  "\"\\\"b\\\": \" v3)? \"}\"" },
	{ "{\"anyOf\":[{\"type\":\"string\"},{\"type\":\"object\"}]}",
	  "v2 | v3" },
	{ "{}", "any" },
	{ "{\"type\":\"else\"}", "any" },
};

static json_t *tools_of(const char *schema)
{
	json_t *s = json_loads(schema, JSON_DECODE_ANY, NULL);

	assert_non_null(s);
	return json_pack("[{s:s, s:{s:s, s:{s:o}, s:[s]}}]", "name", "t",
			 "inputSchema", "type", "object", "properties", "a", s,
			 "required", "a");
}

static void test_rows(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *tools = tools_of(rows[i].schema);
		CLEAN_BUF struct buf b;
		char line[600];

		buf_init(&b, GRAMMAR_BYTES);
		assert_int_equal(grammar_make(tools, &b), 0);
		(void)snprintf(line, sizeof(line), "\nv1 ::= %s\n",
			       rows[i].rule);
		if (!strstr(buf_cstr(&b), line))
			fail_msg("%s: got %s", rows[i].schema, buf_cstr(&b));
		json_decref(tools);
	}
}

/* The one way out without a tool, and no other name than those declared. */
static void test_names(void **)
{
	static const char want[] =
		"root ::= \"{\\\"answer\\\": \" text \"}\" |\n"
		"\t\"{\\\"call\\\": \\\"email_send\\\", \\\"arguments\\\": \" "
		"v0 \"}\" |\n"
		"\t\"{\\\"call\\\": \\\"x\\\\\\\"y\\\", \\\"arguments\\\": \" "
		"object \"}\"\n"
		"v0 ::= \"{\" \"\\\"to\\\": \" v1 \"}\"\n"
		"v1 ::= truth\n"
		"text ::= ";
	json_t *tools = json_loads(
		"[{\"name\":\"email_send\",\"inputSchema\":{\"type\":"
		"\"object\",\"properties\":{\"to\":{\"type\":\"boolean\"}},"
		"\"required\":[\"to\"]}},{\"name\":\"x\\\"y\"}]",
		0, NULL);
	json_t *none = json_array();
	CLEAN_BUF struct buf b;

	buf_init(&b, GRAMMAR_BYTES);
	assert_int_equal(grammar_make(tools, &b), 0);
	if (strncmp(buf_cstr(&b), want, sizeof(want) - 1) != 0)
		fail_msg("got %s", buf_cstr(&b));
	buf_reset(&b);
	assert_int_equal(grammar_make(none, &b), 0);
	assert_null(strstr(buf_cstr(&b), "call"));
	json_decref(tools);
	json_decref(none);
}

static void refused(json_t *tools, int why)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, GRAMMAR_BYTES);
	assert_non_null(tools);
	assert_int_equal(grammar_make(tools, &b), why);
	json_decref(tools);
}

static void test_refused(void **)
{
	refused(json_loads("[{}]", 0, NULL), -EINVAL);
	refused(json_loads("[7]", 0, NULL), -EINVAL);
	refused(json_loads("[{\"name\":\"\"}]", 0, NULL), -EINVAL);
	refused(tools_of("7"), -EINVAL);
	refused(tools_of("{\"enum\":[]}"), -EINVAL);
	refused(tools_of("{\"enum\":{\"a\":1}}"), -EINVAL);
	refused(tools_of("{\"anyOf\":[]}"), -EINVAL);
	refused(tools_of("{\"anyOf\":[7]}"), -EINVAL);
	refused(tools_of("{\"type\":\"array\",\"items\":{\"enum\":7}}"),
		-EINVAL);
}

/* An object of n members, each of them needed. */
static json_t *wide(size_t n)
{
	json_t *properties = json_object();
	char key[32];

	while (n--) {
		(void)snprintf(key, sizeof(key), "k%zu", n);
		(void)json_object_set_new(properties, key, json_object());
	}
	return json_pack("{s:s, s:o}", "type", "object", "properties",
			 properties);
}

static json_t *words(size_t n)
{
	json_t *list = json_array();

	while (n--)
		(void)json_array_append_new(list, json_integer((int)n));
	return json_pack("{s:o}", "enum", list);
}

/* n tools whose schema has 64 members: 65 rules each. */
static json_t *many(size_t n)
{
	json_t *tools = json_array();

	while (n--)
		(void)json_array_append_new(tools,
					    json_pack("{s:s, s:o}", "name", "t",
						      "inputSchema", wide(64)));
	return tools;
}

static json_t *named(size_t n)
{
	char name[GRAMMAR_NAME + 2];

	memset(name, 'n', n);
	name[n] = 0;
	return json_pack("[{s:s}]", "name", name);
}

static json_t *with(json_t *schema)
{
	return json_pack("[{s:s, s:{s:{s:o}}}]", "name", "t", "inputSchema",
			 "properties", "a", schema);
}

static void test_limits(void **)
{
	CLEAN_BUF struct buf small;

	refused(with(wide(GRAMMAR_MEMBERS)), 0);
	refused(with(wide(GRAMMAR_MEMBERS + 1)), -E2BIG);
	refused(with(words(GRAMMAR_MEMBERS)), 0);
	refused(with(words(GRAMMAR_MEMBERS + 1)), -E2BIG);
	refused(named(GRAMMAR_NAME), 0);
	refused(named(GRAMMAR_NAME + 1), -E2BIG);
	refused(many(GRAMMAR_RULES / 65 + 1), -E2BIG);
	buf_init(&small, 300);
	assert_int_equal(grammar_make(json_null(), &small), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
