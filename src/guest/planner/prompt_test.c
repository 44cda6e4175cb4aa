/* Tests of prompt: turns to messages, and what a model says to a turn. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "prompt.h"

static json_t *json(const char *text)
{
	json_t *v = json_loads(text, 0, NULL);

	assert_non_null(v);
	return v;
}

static const struct {
	const char *said, *turn; /* turn NULL: it is none */
} rows[] = {
	{ "{\"answer\": \"done\"}", "{\"text\":\"done\",\"calls\":[]}" },
	{ "{\"answer\": \"\"}", "{\"text\":\"\",\"calls\":[]}" },
	{ "{\"call\": \"a_b\", \"arguments\": {\"x\": [1]}}",
	  "{\"text\":\"\",\"calls\":[{\"id\":\"7\",\"name\":\"a_b\","
	  "\"arguments\":{\"x\":[1]}}]}" },
	{ "{\"answer\": \"a\xc3(\xff\xf0\x9f\x98\x80\xe2\x82\"}",
	  "{\"text\":\"a?(?\xf0\x9f\x98\x80??\",\"calls\":[]}" },
	{ "{\"answer\": \"\xed\xa0\x80 \xc0\xaf\"}",
	  "{\"text\":\"??? ??\",\"calls\":[]}" },
	{ "{\"call\": \"a_b\"}", NULL },
	{ "{\"call\": \"a_b\", \"arguments\": 7}", NULL },
	{ "{\"answer\": 7}", NULL },
	{ "{\"answer\": \"do", NULL },
	{ "[]", NULL },
	{ "", NULL },
};

static void test_said(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		json_t *turn = prompt_turn(span_str(rows[i].said), 7);
		json_t *want = rows[i].turn ? json(rows[i].turn) : NULL;

		if (turn != want && !json_equal(turn, want))
			fail_msg("%s: got %s", rows[i].said,
				 turn ? json_dumps(turn, 0) : "none");
		json_decref(turn);
		json_decref(want);
	}
}

static void is(const json_t *messages, size_t i, const char *role,
	       const char *text)
{
	const json_t *m = json_array_get(messages, i);

	assert_string_equal(json_string_value(json_object_get(m, "role")),
			    role);
	assert_string_equal(json_string_value(json_object_get(m, "text")),
			    text);
}

static void test_messages(void **)
{
	json_t *turns = json(
		"[{\"say\":\"Do it\"},{\"text\":\"\",\"calls\":[{\"id\":\"1\","
		"\"name\":\"t\",\"arguments\":{\"x\":1}}]},{\"results\":[{"
		"\"id\":\"1\",\"text\":\"fine\",\"error\":false}]},{\"text\":"
		"\"\",\"calls\":[{\"id\":\"2\",\"name\":\"t\",\"arguments\":"
		"{}}]},{\"results\":[{\"id\":\"2\",\"text\":\"no\",\"error\":"
		"true}]},{\"text\":\"so be it\",\"calls\":[]}]");
	json_t *tools = json("[{\"name\":\"t\",\"description\":\"Only reads."
			     "\",\"inputSchema\":{\"type\":\"object\"}}]");
	json_t *m = prompt_messages("You are it.", turns, tools);
	const char *system = json_string_value(
		json_object_get(json_array_get(m, 0), "text"));

	assert_int_equal(json_array_size(m), 7);
	assert_int_equal(strncmp(system, "You are it.\n", 12), 0);
	assert_non_null(strstr(system, "{\"answer\": TEXT}"));
	assert_non_null(
		strstr(system, "\nt: Only reads.\n{\"type\":\"object\"}\n"));
	is(m, 1, "user", "Do it");
	is(m, 2, "assistant", "{\"call\": \"t\", \"arguments\": {\"x\": 1}}");
	is(m, 3, "user", "What came of the call:\nfine\n");
	is(m, 4, "assistant", "{\"call\": \"t\", \"arguments\": {}}");
	is(m, 5, "user", "The call failed:\nno\n");
	is(m, 6, "assistant", "{\"answer\": \"so be it\"}");
	json_decref(m);
	json_decref(turns);
	json_decref(tools);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_said),
		cmocka_unit_test(test_messages),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
