/* Tests of origins: a log of records by hand, and what is found in it. */
#include "cli/origins.h"

#include "base/str.h"
#include "base/testing.h"

/* Lea has sent items 3 and 5, somebody else 4. */
static const char *const log_of[] = {
	"{\"kind\":\"item.envelope\",\"item\":3,\"from\":\"Lea@example.org\"}",
	"{\"kind\":\"item.envelope\",\"item\":4,\"from\":\"eve@example.net\"}",
	"{\"kind\":\"item.envelope\",\"item\":5,\"from\":\"lea@example.org\"}",
	/* 3: of her task, of no argument that is known */
	"{\"kind\":\"decision\",\"item\":3,\"verdict\":\"allow\",\"effect\":1,"
	"\"args\":1,\"arg.0.name\":\"text\",\"time\":\"2026-11-20T10:00:00Z\","
	"\"aside\":\"00\"}",
	/* 4: in the task of 4, with a text of 5 */
	"{\"kind\":\"decision\",\"item\":4,\"verdict\":\"allow\",\"effect\":2,"
	"\"args\":2,\"arg.0.name\":\"to\",\"arg.0.from\":"
	"\"config from=config readers=public\",\"arg.1.name\":\"body\","
	"\"arg.1.from\":\"external from=imap/mail/4/body,imap/mail/5 "
	"readers=secret\",\"time\":\"2026-11-21T10:00:00Z\"}",
	"{\"kind\":\"outcome\",\"decision\":3,\"outcome\":\"unknown\"}",
	"{\"kind\":\"outcome\",\"decision\":4,\"outcome\":\"done\"}",
	"{\"kind\":\"outcome\",\"decision\":3,\"outcome\":\"settled\"}",
	/* 8: who knows */
	"{\"kind\":\"decision\",\"item\":9,\"verdict\":\"deny\",\"args\":2,"
	"\"arg.0.name\":\"a\",\"arg.0.from\":\"external from=many:x/y/9 "
	"readers=secret\",\"arg.1.name\":\"b\",\"arg.1.from\":\"(long)\","
	"\"time\":\"2026-11-22T10:00:00Z\"}",
	/* 9: not of anybody here */
	"{\"kind\":\"decision\",\"item\":9,\"verdict\":\"allow\",\"effect\":3,"
	"\"args\":1,\"arg.0.name\":\"a\",\"arg.0.from\":"
	"\"known from=imap/mail/9/body,imap/mail/55,x/3/y readers=public\","
	"\"time\":\"2026-11-22T10:00:00Z\"}",
	"no JSON",
	"{\"kind\":\"outcome\"}",
	/* 12: more than are named */
	"{\"kind\":\"decision\",\"item\":9,\"verdict\":\"allow\",\"effect\":4,"
	"\"args\":1,\"arg.0.name\":\"a\",\"arg.0.from\":"
	"\"known from=imap/mail/9/body,+3 readers=public\","
	"\"time\":\"2026-11-22T10:00:00Z\"}",
	/* 13: what a planner who had read 4 wanted of the next one */
	"{\"kind\":\"task.fork\",\"item\":9,\"args\":1,"
	"\"others\":\"70,71\",\"arg.0.name\":\"goal\",\"arg.0.from\":"
	"\"external "
	"from=imap/mail/4 readers=secret\",\"aside\":\"01\","
	"\"time\":\"2026-11-22T10:00:00Z\"}",
};

static const char *names(const json_t *list)
{
	static char text[64];
	const json_t *v;
	size_t i, n = 0;

	text[0] = 0;
	json_array_foreach(list, i, v)
	{
		int more = str_printf(text + n, sizeof(text) - n, "%s",
				      json_string_value(v));

		n += more > 0 ? (size_t)more : 0;
	}
	return text;
}

/* "3t settled, 4:body done": t of the task, ? possible */
static void tell(const struct origins *o, char *dst, size_t cap)
{
	const json_t *row;
	size_t i, n = 0;

	dst[0] = 0;
	json_array_foreach(o->found, i, row)
	{
		const char *outcome =
			json_string_value(json_object_get(row, "outcome"));
		int more = str_printf(
			dst + n, cap - n, "%s%lld%s:%s", i ? ", " : "",
			(long long)json_integer_value(
				json_object_get(row, "index")),
			json_is_true(json_object_get(row, "task")) ? "t" : "",
			names(json_object_get(row, "arguments")));

		n += more > 0 ? (size_t)more : 0;
		more = str_printf(dst + n, cap - n, "?%s %s",
				  names(json_object_get(row, "possible")),
				  outcome ? outcome : "-");
		n += more > 0 ? (size_t)more : 0;
	}
}

static void found(void **)
{
	static const struct {
		const char *what, *since, *want;
	} rows[] = {
		{ "lea@example.org", NULL,
		  "3t:? settled, 4:body? done, 8:?ab -, 12:?a -" },
		{ "LEA@EXAMPLE.ORG", "2026-11-21",
		  "4:body? done, 8:?ab -, 12:?a -" },
		{ "eve@example.net", "2026-11-21T09",
		  "4t:body? done, 8:?ab -, 12:?a -, 13:goal? -" },
		{ "nobody@example.net", "2026-11-23", "" },
		{ "nobody@example.net", NULL, "8:?ab -, 12:?a -" },
		{ "item:5", NULL, "4:body? done, 8:?ab -, 12:?a -" },
		{ "item:71", "2026-11-22", "8:?ab -, 12:?a -, 13t:? -" },
		{ "item:7", "2026-11-22", "8:?ab -, 12:?a -" },
		{ "item:3", "2026-11-20", "3t:? settled, 8:?ab -, 12:?a -" },
		{ "item:55", "2026-11-22", "8:?ab -, 9:a? -, 12:?a -" },
	};
	char text[200];
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct origins o;

		assert_int_equal(origins_init(&o, rows[i].what, rows[i].since),
				 0);
		for (k = 0; k < ARRAY_SIZE(log_of); k++)
			assert_int_equal(
				origins_record(&o, k, span_str(log_of[k])), 0);
		tell(&o, text, sizeof(text));
		assert_string_equal(text, rows[i].want);
		origins_done(&o);
	}
}

static void not_asked_so(void **)
{
	static const char *const what[] = { "", "item:", "item:0", "item:x",
					    "lea" };
	struct origins o;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(what); i++) {
		assert_int_equal(origins_init(&o, what[i], NULL), -1);
		origins_done(&o);
	}
	assert_int_equal(origins_init(&o, "item:1", "yesterday"), -1);
	origins_done(&o);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found),
		cmocka_unit_test(not_asked_so),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
