/*
 * Tests of init: the files it writes are valid, hold the answers, and are
 * never overwritten. Runs the command itself, with its questions answered from
 * a pipe.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "cli/cli.h"
#include "conf/yaml.h"
#include "policy/policy.h"

static char dir[64];

static int run_init(const char *answers)
{
	char name[] = "init", option[] = "--dir", yes[] = "--yes";
	char *argv[] = { name, option, dir, answers ? NULL : yes, NULL };
	const struct cli cli = { 0 };
	FILE *in = tmpfile();
	int saved = dup(STDIN_FILENO), rc;

	assert_non_null(in);
	assert_true(fputs(answers ? answers : "", in) >= 0);
	rewind(in);
	assert_true(dup2(fileno(in), STDIN_FILENO) == STDIN_FILENO);
	clearerr(stdin);
	rc = cmd_init(answers ? 3 : 4, argv, &cli);
	assert_true(dup2(saved, STDIN_FILENO) == STDIN_FILENO);
	(void)close(saved);
	(void)fclose(in);
	(void)fflush(stdout);
	return rc;
}

static void file_of(const char *name, struct buf *text)
{
	CLEAN_BUF struct buf errs;
	char path[128];

	buf_init(&errs, 4096);
	assert_true(str_printf(path, sizeof(path), "%s/%s", dir, name) > 0);
	assert_int_equal(conf_read_file(path, text, &errs), 0);
}

static void remove_files(void)
{
	static const char *const names[] = { "bulkhead.yaml",
					     "assistant.yaml" };
	char path[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (str_printf(path, sizeof(path), "%s/%s", dir, names[i]) > 0)
			(void)unlink(path);
}

static void load(struct conf *conf, bool may_mail)
{
	CLEAN_BUF struct buf errs, text;
	struct policy *policy = NULL;
	struct m_tool tool;
	bool found = false;
	char path[128];
	size_t i;

	buf_init(&errs, 1 << 16);
	buf_init(&text, YAML_FILE_MAX);
	assert_true(str_printf(path, sizeof(path), "%s/bulkhead.yaml", dir) >
		    0);
	assert_int_equal(conf_load(path, "/home/owner", conf, &errs), 0);
	file_of("assistant.yaml", &text);
	assert_int_equal(policy_load("assistant.yaml", buf_view(&text), NULL,
				     &policy, &errs),
			 0);
	for (i = 0; policy_tool(policy, i, &tool); i++)
		found |= span_is(tool.name, "email.send");
	assert_int_equal(found, may_mail);
	policy_free(policy);
}

static void test_defaults(void **)
{
	struct conf conf;

	assert_int_equal(run_init(NULL), CLI_OK);
	load(&conf, false);
	assert_string_equal(conf.connectors[0].path, "/home/owner/Maildir");
	assert_int_equal(conf.planner, PLANNER_TRIAGE);
	remove_files();
}

static void test_answers(void **)
{
	struct conf conf;

	assert_int_equal(run_init("/var/mail/me and you\n/tmp/out # x\n"
				  "gullible\nlea@example.org, "
				  "max@example.org\n"),
			 CLI_OK);
	load(&conf, true);
	assert_string_equal(conf.connectors[0].path, "/var/mail/me and you");
	assert_string_equal(conf.connectors[1].path, "/tmp/out # x");
	assert_int_equal(conf.planner, PLANNER_GULLIBLE);
	remove_files();
}

static void test_no_planner(void **)
{
	struct conf conf;

	assert_int_equal(run_init("/m\n/o\nnone\n\n"), CLI_OK);
	load(&conf, false);
	assert_int_equal(conf.planner, PLANNER_NONE);
	assert_int_equal(conf.n_tasks, 0);
	remove_files();
	assert_int_equal(run_init("/m\n/o\nnon\n\n"), CLI_USAGE);
}

static void test_never_overwrites(void **)
{
	CLEAN_BUF struct buf before, after;

	buf_init(&before, YAML_FILE_MAX);
	buf_init(&after, YAML_FILE_MAX);
	assert_int_equal(run_init(NULL), CLI_OK);
	file_of("bulkhead.yaml", &before);
	assert_int_equal(run_init("/other\n\ngullible\n\n"), CLI_NO);
	file_of("bulkhead.yaml", &after);
	assert_true(span_eq(buf_view(&before), buf_view(&after)));
	remove_files();
}

/* Goal: answers that are no paths, planners or addresses write nothing. */
static void test_bad_answers(void **)
{
	static const char *const rows[] = {
		"/a\"b\n\n\n\n",     "/a\\b\n\n\n\n",  "\n/a\x7f\n\n\n",
		"\n\nclever\n\n",    "\n\n\nnobody\n", "\n\n\n@example.org\n",
		"\n\n\na@\n",	     "\n\n\na@b@c\n",  "\n\n\na@b], x: [c\n",
		"\n\n\na@b, ,c@d\n",
	};
	char path[128];
	struct stat st;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (run_init(rows[i]) != CLI_USAGE)
			fail_msg("row %zu was taken", i);
		assert_true(str_printf(path, sizeof(path), "%s/bulkhead.yaml",
				       dir) > 0);
		assert_int_equal(stat(path, &st), -1);
	}
}

static int make_dir(void **)
{
	(void)str_printf(dir, sizeof(dir), "/tmp/bulkhead-init-XXXXXX");
	return mkdtemp(dir) ? 0 : -1;
}

static int remove_dir(void **)
{
	remove_files();
	return rmdir(dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_defaults),
		cmocka_unit_test(test_no_planner),
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_never_overwrites),
		cmocka_unit_test(test_bad_answers),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
