/*
 * Tests of init: the files it writes are valid, hold the answers, and are
 * never overwritten. Runs the command itself, with its questions answered from
 * a pipe.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/str.h"
#include "cli/cli.h"
#include "conf/yaml.h"
#include "policy/policy.h"

static char dir[64];
static const struct rlimit *limit; /* of a file's size, for the command alone */

static int run(const char *answers, char *option)
{
	char name[] = "init", where[] = "--dir";
	char *argv[] = { name, where, dir, option, NULL };
	const struct cli cli = { 0 };
	FILE *in = tmpfile();
	int saved = dup(STDIN_FILENO), rc;

	assert_non_null(in);
	assert_true(fputs(answers ? answers : "", in) >= 0);
	rewind(in);
	assert_true(dup2(fileno(in), STDIN_FILENO) == STDIN_FILENO);
	clearerr(stdin);
	if (limit)
		assert_int_equal(setrlimit(RLIMIT_FSIZE, limit), 0);
	rc = cmd_init(option ? 4 : 3, argv, &cli);
	assert_true(dup2(saved, STDIN_FILENO) == STDIN_FILENO);
	(void)close(saved);
	(void)fclose(in);
	(void)fflush(stdout);
	return rc;
}

static int run_init(const char *answers)
{
	char yes[] = "--yes";

	return run(answers, answers ? NULL : yes);
}

static int run_accounts(const char *answers)
{
	char accounts[] = "--accounts";

	return run(answers, accounts);
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
	static const char *const names[] = { "bulkhead.yaml", "assistant.yaml",
					     "secrets.age", "identity.txt" };
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

#define MAILBOX "imap.example.org\nme@example.org\nof the inbox\n"
#define SENDING "smtp.example.org:587\n\n\nof sending\n"
#define BOTS	"4711\n1:cards\n2:agent\n"
#define REST	"triage\nlea@example.org\n"

/* What is asked for makes connectors, and each has its own secret: no file but
 * the vault has a byte of one. */
static void test_accounts(void **)
{
	static const char *const secrets[] = { "of the inbox", "of sending",
					       "1:cards", "2:agent" };
	static const char *const names[] = { "bulkhead.yaml", "assistant.yaml",
					     "secrets.age", "identity.txt" };
	CLEAN_BUF struct buf text;
	struct conf conf;
	struct stat st;
	char path[128];
	size_t i, k;

	assert_int_equal(run_accounts(MAILBOX SENDING BOTS REST), CLI_OK);
	load(&conf, true);
	assert_int_equal(conf.n_connectors, 4);
	assert_int_equal(conf.connectors[0].kind, CONNECTOR_IMAP);
	assert_int_equal(conf.connectors[0].hosts[0].port, 993);
	assert_int_equal(conf.connectors[1].kind, CONNECTOR_SMTP);
	assert_int_equal(conf.connectors[1].hosts[0].port, 587);
	assert_string_equal(conf.connectors[1].from, "me@example.org");
	assert_true(conf.connectors[2].approvals);
	assert_false(conf.connectors[3].approvals);
	assert_int_equal(conf.vault.n_files, 1);
	buf_init(&text, YAML_FILE_MAX);
	for (i = 0; i < ARRAY_SIZE(names); i++) {
		assert_true(str_printf(path, sizeof(path), "%s/%s", dir,
				       names[i]) > 0);
		assert_int_equal(stat(path, &st), 0);
		assert_int_equal(st.st_mode & 0777, 0600);
		if (i < 2)
			file_of(names[i], &text);
	}
	for (k = 0; k < ARRAY_SIZE(secrets); k++)
		assert_null(strstr(buf_cstr(&text), secrets[k]));
	remove_files();
}

/* Each part can be left out. */
static void test_some_accounts(void **)
{
	struct conf conf;

	assert_int_equal(run_accounts(MAILBOX "\n\n/tmp/out\n" REST), CLI_OK);
	load(&conf, true);
	assert_int_equal(conf.n_connectors, 2);
	assert_int_equal(conf.connectors[1].kind, CONNECTOR_OUTBOX);
	remove_files();
	assert_int_equal(run_accounts("\n\n4711\n1:cards\n\n\n\n" REST),
			 CLI_OK);
	load(&conf, true);
	assert_int_equal(conf.n_connectors, 3);
	assert_int_equal(conf.connectors[0].kind, CONNECTOR_MAILDIR);
	remove_files();
}

/* Goal: nothing is half made, whichever answer is wrong or missing. */
static void test_no_accounts(void **)
{
	static const char *const rows[] = {
		"imap.example.org\nme\n\n",
		"imap.example.org\nme\n",
		"imap.exa mple.org\nme\npw\n\n\n\n" REST,
		"imap.example.org:0\nme\npw\n\n\n\n" REST,
		"a\"b\nme\npw\n\n\n\n" REST,
		MAILBOX "smtp.example.org\n\nno address\n\n\n" REST,
		MAILBOX SENDING "me\n1:cards\n\n" REST,
		MAILBOX SENDING "0\n1:cards\n\n" REST,
		MAILBOX SENDING "4711\n\n\n" REST,
		MAILBOX SENDING "4711\n",
		MAILBOX SENDING BOTS "clever\n\n",
		"imap.example.org\nme@a.example\n\xff\xfe\n" SENDING "\n" REST,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (run_accounts(rows[i]) == CLI_OK)
			fail_msg("row %zu was taken", i);
		/* Nothing is in it. */
		assert_int_equal(rmdir(dir), 0);
		assert_int_equal(mkdir(dir, 0700), 0);
	}
}

/* One file that is there keeps all of them from being written. */
static void test_accounts_beside(void **)
{
	static const char *const names[] = { "bulkhead.yaml", "assistant.yaml",
					     "secrets.age", "identity.txt" };
	char path[128];
	size_t i;
	FILE *f;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		assert_true(str_printf(path, sizeof(path), "%s/%s", dir,
				       names[i]) > 0);
		f = fopen(path, "w");
		assert_non_null(f);
		assert_int_equal(fclose(f), 0);
		assert_int_equal(run_accounts(MAILBOX SENDING BOTS REST),
				 CLI_NO);
		assert_int_equal(unlink(path), 0);
		assert_int_equal(rmdir(dir), 0);
		assert_int_equal(mkdir(dir, 0700), 0);
	}
}

/* Goal: a disk that is full at any of the files leaves none of them. */
static void test_no_room(void **)
{
	static const rlim_t sizes[] = { 1, 100, 300, 1000, 1400 };
	struct rlimit was, is;
	size_t i;

	assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
	assert_true(signal(SIGXFSZ, SIG_IGN) != SIG_ERR);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		int r;

		is = was;
		is.rlim_cur = sizes[i];
		limit = &is;
		r = run_accounts(MAILBOX SENDING BOTS REST);
		limit = NULL;
		assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
		assert_int_equal(r, CLI_NO);
		assert_int_equal(rmdir(dir), 0);
		assert_int_equal(mkdir(dir, 0700), 0);
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
		cmocka_unit_test(test_accounts),
		cmocka_unit_test(test_some_accounts),
		cmocka_unit_test(test_no_accounts),
		cmocka_unit_test(test_accounts_beside),
		cmocka_unit_test(test_no_room),
	};

	return cmocka_run_group_tests(tests, make_dir, remove_dir);
}
