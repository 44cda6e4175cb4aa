/*
 * bind_test: which calls are what a model asked for: names as agents spell
 * them, arguments in another order and spelling, and all that is not the same.
 */
#include "base/testing.h"

#include <stdlib.h>

#include "base/str.h"
#include "bind.h"
#include "mcp.h"

static struct bind *b;

static int begin(void **)
{
	b = calloc(1, sizeof(*b));
	return b ? 0 : -1;
}

static int end(void **)
{
	free(b);
	return 0;
}

static bool knows(const char *name, const char *args)
{
	struct mcp_request r;
	bool ret;

	assert_true(mcp_arguments(span_str(args), &r));
	r.call.capability = span_str(name);
	ret = bind_knows(b, &r.call);
	mcp_request_done(&r);
	return ret;
}

static void asked(const char *name, const char *args)
{
	bind_asked(b, name, span_str(args));
}

static void names(void **)
{
	asked("email_send", "{}");
	asked("mcp__bulkhead__notes_append", "{}");
	asked("task-x", "");
	assert_true(knows("email.send", "{}"));
	assert_true(knows("notes.append", "{}"));
	assert_true(knows("task-x", "{}"));
	assert_false(knows("email.sent", "{}"));
	assert_false(knows("email", "{}"));
	assert_false(knows("send", "{}"));
	assert_false(knows("task.x", "{}"));
}

static void arguments(void **)
{
	asked("a", "{\"to\": [\"x@y.example\", \"z\"], \"n\": 1.50, \"s\": "
		   "\"\\u00e9\", \"t\": true}");
	assert_true(knows("a", "{\"t\":true,\"s\":\"\xc3\xa9\",\"n\":1.5,"
			       "\"to\":[\"x@y.example\",\"z\"]}"));
	assert_false(knows("a", "{\"t\":true,\"s\":\"\xc3\xa9\",\"n\":1.5,"
				"\"to\":[\"z\",\"x@y.example\"]}"));
	assert_false(knows("a", "{\"t\":true,\"s\":\"\xc3\xa9\",\"n\":1.5,"
				"\"to\":[\"x@y.example\"]}"));
	assert_false(knows("a", "{\"t\":\"true\",\"s\":\"\xc3\xa9\",\"n\":1.5,"
				"\"to\":[\"x@y.example\",\"z\"]}"));
	assert_false(knows("a", "{\"t\":true,\"s\":\"e\",\"n\":1.5,"
				"\"to\":[\"x@y.example\",\"z\"]}"));
	assert_false(knows("b", "{\"t\":true,\"s\":\"\xc3\xa9\",\"n\":1.5,"
				"\"to\":[\"x@y.example\",\"z\"]}"));
	assert_false(knows("a", "{}"));
	/* A name and a value next to each other are not the other way round. */
	asked("c", "{\"ab\":\"c\"}");
	assert_false(knows("c", "{\"a\":\"bc\"}"));
}

/* What no call could be is not one that was asked for. */
static void no_calls(void **)
{
	static const char *const rows[] = { "[]", "{", "{\"a\":[1]}", "1",
					    "{\"a\":1,\"a\":2}",
					    "{\"a\":null}" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		asked("a", rows[i]);
	assert_int_equal(b->n, 0);
}

/* The oldest is forgotten for the newest. */
static void many(void **)
{
	char args[32];
	int i;

	for (i = 0; i <= BIND_CALLS; i++) {
		(void)str_printf(args, sizeof(args), "{\"n\":%d}", i);
		asked("a", args);
	}
	assert_false(knows("a", "{\"n\":0}"));
	assert_true(knows("a", "{\"n\":1}"));
	assert_true(knows("a", "{\"n\":1024}"));
}

#define ROW(f) cmocka_unit_test_setup_teardown(f, begin, end)

int main(void)
{
	const struct CMUnitTest tests[] = { ROW(names), ROW(arguments),
					    ROW(no_calls), ROW(many) };

	return cmocka_run_group_tests_name("porter/bind", tests, NULL, NULL);
}
