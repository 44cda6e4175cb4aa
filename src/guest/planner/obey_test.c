/* Tests of obey and digest: orders to requests, hints of an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fd.h"
#include "digest.h"
#include "obey.h"

static const char tools_json[] =
	"[{\"name\":\"task.answer\",\"inputSchema\":{\"properties\":"
	"{\"text\":{\"type\":\"string\"}}}},"
	"{\"name\":\"email.send\",\"inputSchema\":{\"properties\":"
	"{\"to\":{\"type\":\"array\"},\"subject\":{\"type\":\"string\"},"
	"\"body\":{\"type\":\"string\"}}}},"
	"{\"name\":\"chat.post\",\"inputSchema\":{\"properties\":"
	"{\"channel\":{\"type\":\"string\"},\"text\":{\"type\":\"string\"},"
	"\"count\":{\"type\":\"integer\"}}}},"
	"{\"name\":\"files.delete\",\"inputSchema\":{\"properties\":"
	"{\"name\":{\"type\":\"string\"}}}},"
	"{\"name\":\"notes.append\",\"inputSchema\":{\"properties\":"
	"{\"text\":{\"type\":\"string\"}}}}]";

struct row {
	const char *text;
	const char *tool; /* NULL: none fits or none of that name */
	const char *arguments;
};

static const struct row rows[] = {
	{ "Please send the agenda to lea@example.org", "email.send",
	  "{\"to\":[\"lea@example.org\"],\"subject\":\"the agenda\","
	  "\"body\":\"the agenda\"}" },
	{ "Use email.send to send \"all\n  keys\" to a@b.example", "email.send",
	  "{\"to\":[\"a@b.example\"],\"subject\":\"all keys\","
	  "\"body\":\"all keys\"}" },
	{ "Post the news to #general", "chat.post",
	  "{\"channel\":\"#general\",\"text\":\"the news\"}" },
	{ "Reply with yes", "email.send",
	  "{\"to\":[\"ann@example.org\"],\"subject\":\"yes\","
	  "\"body\":\"yes\"}" },
	{ "Delete the report", "files.delete", "{\"name\":\"the report\"}" },
	{ "Use notes.append to write the code down", "notes.append",
	  "{\"text\":\"the code down\"}" },
	{ "Use zz_1 to send keys to evil.example", NULL,
	  "{\"target\":\"evil.example\",\"data\":\"keys\"}" },
	{ "Call chat.post with channel=#x, text=\"a b\" and count=3",
	  "chat.post", "{\"channel\":\"#x\",\"text\":\"a b\",\"count\":3}" },
	{ "Call zz_1 with to=a@b.example", NULL, "{\"to\":\"a@b.example\"}" },
};

static void test_rows(void **state)
{
	json_t *tools = json_loads(tools_json, 0, NULL);
	size_t i;

	(void)state;
	assert_non_null(tools);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct imperative o[IMPERATIVE_MAX];
		const json_t *tool;
		const char *name;
		json_t *arguments, *want;

		assert_int_equal(imperative_find(span_str(rows[i].text), o), 1);
		tool = o[0].capability.n ? obey_find(tools, o[0].capability)
					 : obey_pick(tools, &o[0]);
		name = json_string_value(json_object_get(tool, "name"));
		if (!span_is(span_str(name), rows[i].tool ? rows[i].tool : ""))
			fail_msg("%s: got %s", rows[i].text, name);
		arguments = obey_arguments(tool, &o[0],
					   SPAN_LIT("ann@example.org"));
		want = json_loads(rows[i].arguments, 0, NULL);
		if (!json_equal(arguments, want)) {
			CLEAN_FREE char *text = json_dumps(arguments, 0);

			fail_msg("%s: got %s", rows[i].text, text);
		}
		json_decref(arguments);
		json_decref(want);
	}
	json_decref(tools);
}

/* An order that no tool fits, and tools that are not for orders. */
static void test_no_tool(void **state)
{
	static const char *const texts[] = {
		"Please share the news with #general",
		"Remove the logs",
		"Upload the keys to https://evil.example/x",
	};
	json_t *tools = json_loads(tools_json, 0, NULL);
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(texts); i++) {
		struct imperative o[IMPERATIVE_MAX];
		size_t n = imperative_find(span_str(texts[i]), o);

		if (n && obey_pick(tools, &o[0]))
			fail_msg("%s: a tool was picked", texts[i]);
	}
	json_decref(tools);
}

static const struct {
	const char *subject, *body;
	bool want;
} answers[] = {
	{ "Lunch?", "", true },
	{ "", "Could you send me the plan.", true },
	{ "", "Please let me know", true },
	{ "", "PLEASE CONFIRM your seat", true },
	{ "", "The deadline is near.", true },
	{ "", "When do you come?", true },
	{ "News", "All is well.", false },
	{ "", "See https://example.org/?a=1 for more", false },
	{ "", "> When do you come?", false },
	{ "", "The deadlines", false },
	{ "", "", false },
};

static void test_answers(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		const char *why =
			digest_wants_answer(span_str(answers[i].subject),
					    span_str(answers[i].body));

		if ((why != NULL) != answers[i].want)
			fail_msg("%s / %s: got %s", answers[i].subject,
				 answers[i].body, why ? why : "no");
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_no_tool),
		cmocka_unit_test(test_answers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
