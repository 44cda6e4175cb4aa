/* Tests of what the commands share: options, table, exit codes, JSON. */
#include "cli/cli.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"

enum { WORDS = 8 };

static const struct {
	const char *argv[WORDS]; /* after the name */
	int want;		 /* what cli_options returns */
	bool flag;
	const char *value;
	const char *rest[WORDS];
} rows[] = {
	{ { NULL }, 0, false, NULL, { NULL } },
	{ { "a", "b" }, 0, false, NULL, { "a", "b" } },
	{ { "--json" }, 0, true, NULL, { NULL } },
	{ { "--json", "a" }, 0, true, NULL, { "a" } },
	{ { "a", "--json" }, 0, true, NULL, { "a" } },
	{ { "--wait", "7", "a" }, 0, false, "7", { "a" } },
	{ { "--wait=7", "a" }, 0, false, "7", { "a" } },
	{ { "--wait=", "a" }, 0, false, "", { "a" } },
	{ { "--wait", "--json" }, 0, false, "--json", { NULL } },
	{ { "-" }, 0, false, NULL, { "-" } },
	{ { "--", "--json" }, 0, false, NULL, { "--json" } },
	{ { "--json", "--", "-x" }, 0, true, NULL, { "-x" } },
	{ { "--wait" }, CLI_USAGE, false, NULL, { NULL } },
	{ { "--json=1" }, CLI_USAGE, false, NULL, { NULL } },
	{ { "--jsons" }, CLI_USAGE, false, NULL, { NULL } },
	{ { "--wai" }, CLI_USAGE, false, NULL, { NULL } },
	{ { "-x" }, CLI_USAGE, false, NULL, { NULL } },
};

static void test_options(void **)
{
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		char words[WORDS][32], *argv[WORDS + 2];
		const char *value = NULL;
		bool flag = false;
		const struct cli_opt opts[] = { { "--json", &flag, NULL },
						{ "--wait", NULL, &value } };
		int argc = 1;

		argv[0] = (char[]){ "items" };
		for (k = 0; rows[i].argv[k]; k++, argc++) {
			(void)snprintf(words[k], sizeof(words[k]), "%s",
				       rows[i].argv[k]);
			argv[argc] = words[k];
		}
		argv[argc] = NULL;
		assert_int_equal(cli_options(&argc, argv, opts, 2),
				 rows[i].want);
		if (rows[i].want)
			continue;
		assert_int_equal(flag, rows[i].flag);
		if (rows[i].value)
			assert_string_equal(value, rows[i].value);
		else
			assert_null(value);
		for (k = 0; rows[i].rest[k]; k++)
			assert_string_equal(argv[1 + k], rows[i].rest[k]);
		assert_int_equal(argc, 1 + (int)k);
		assert_null(argv[argc]);
	}
}

static void test_commands(void **)
{
	const struct cli_command *c;

	for (c = cli_commands; c->name; c++) {
		assert_ptr_equal(cli_find(c->name), c);
		assert_true(c->brief[0]);
	}
	assert_null(cli_find("nothing"));
	assert_null(cli_find(""));
}

static void test_exit_texts(void **)
{
	int code;

	for (code = 0; code < CLI_EXIT_MAX; code++)
		assert_non_null(cli_exit_text((enum cli_exit)code));
	assert_null(cli_exit_text(CLI_EXIT_MAX));
}

static void test_conf_path(void **)
{
	struct cli cli = { .config_path = "given.yaml" };
	char path[32];

	(void)setenv("XDG_CONFIG_HOME", "/nonexistent", 1);
	(void)setenv("BULKHEAD_CONFIG", "env.yaml", 1);
	assert_int_equal(cli_conf_path(&cli, path, sizeof(path)), 0);
	assert_string_equal(path, "given.yaml");
	cli.config_path = NULL;
	assert_int_equal(cli_conf_path(&cli, path, sizeof(path)), 0);
	assert_string_equal(path, "env.yaml");
	(void)unsetenv("BULKHEAD_CONFIG");
	assert_int_equal(cli_conf_path(&cli, path, sizeof(path)), -1);
	(void)setenv("XDG_CONFIG_HOME", "/none", 1);
	{
		char longer[64];

		assert_int_equal(cli_conf_path(&cli, longer, sizeof(longer)),
				 0);
		assert_string_equal(longer, "");
	}
}

/* Goal: JSON out is printable and reads back as the same value. */
static void test_json(void **)
{
	char text[4096] = { 0 };
	json_t *in, *out;
	FILE *f = tmpfile();

	assert_non_null(f);
	in = json_pack("{s:s,s:[i,b,n,{}],s:f}", "t",
		       "a\x7f\x1b\xe2\x80\xae\xf3\xa0\x81\x81 \"\\\n\xc3\xbc",
		       "l", -3, 1, "r", 0.5);
	assert_non_null(in);
	assert_int_equal(cli_json(f, in), CLI_OK);
	rewind(f);
	assert_true(fread(text, 1, sizeof(text) - 1, f) > 0);
	assert_non_null(strstr(text, "a\\u007f\\u001b\\u202e\\udb40\\udc41 "
				     "\\\"\\\\\\n\xc3\xbc"));
	out = json_loads(text, 0, NULL);
	assert_true(json_equal(in, out));
	json_decref(in);
	json_decref(out);
	assert_int_equal(cli_json(f, NULL), CLI_NO);
	(void)fclose(f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_options),
		cmocka_unit_test(test_commands),
		cmocka_unit_test(test_exit_texts),
		cmocka_unit_test(test_conf_path),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
