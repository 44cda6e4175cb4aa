/*
 * import_test: directories of OpenClaw, Moltbot and Clawdbot as they are, and
 * what comes of them: tests/data/cli/import*.txt. Links lead nowhere.
 */
#include "cli/import.h"

#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/testing.h"
#include "cli/golden.h"
#include "conf/conf.h"
#include "policy/policy.h"

static struct openclaw o;

static int read_files(const struct openclaw_file *files, size_t n, bool tasks,
		      struct err *e)
{
	openclaw_done(&o);
	openclaw_init(&o);
	e->code = 0;
	return openclaw_read(&o, files, n, tasks, e);
}

/* Everything that is written, and names of secrets; and both files load. */
static void golden(const char *name)
{
	CLEAN_BUF struct buf all, errs;
	struct policy *p = NULL;
	struct conf c;
	size_t i;

	buf_init(&all, 1 << 16);
	buf_init(&errs, 1 << 16);
	buf_printf(&all, "%s\n--- bulkhead.yaml\n%s", buf_cstr(&o.report),
		   buf_cstr(&o.conf));
	buf_printf(&all, "\n--- assistant.yaml\n%s\n--- secrets\n",
		   buf_cstr(&o.policy));
	for (i = 0; i < o.n_secrets; i++)
		buf_printf(&all, "%s for %s at %s\n", o.secrets[i].name,
			   o.secrets[i].connector, o.secrets[i].hosts);
	compare_golden(name, buf_cstr(&all));
	if (conf_parse("bulkhead.yaml", buf_view(&o.conf), "/b", "/h", &c,
		       &errs) < 0 ||
	    policy_load("assistant.yaml", buf_view(&o.policy), NULL, &p,
			&errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
	policy_free(p);
}

/* No byte of a secret in what is shown. */
static void no_secret(void)
{
	static const char *const marks[] = { "123456:AAE", "xoxb-1",  "xapp-1",
					     "sk-ant-1",   "hunter2", "rt-9" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		assert_null(strstr(buf_cstr(&o.report), marks[i]));
		assert_null(strstr(buf_cstr(&o.conf), marks[i]));
		assert_null(strstr(buf_cstr(&o.policy), marks[i]));
	}
}

static const char full[] =
	"// written by the wizard\n"
	"{\n"
	"  commands: {ownerAllowFrom: ['telegram:11122233']},\n"
	"  channels: {\n"
	"    telegram: {\n"
	"      botToken: '123456:AAE-secret',\n"
	"      dmPolicy: 'allowlist',\n"
	"      allowFrom: ['tg:11122233', 44455566, '@mallory', '*'],\n"
	"      groups: {\n"
	"        '*': {requireMention: true},\n"
	"        '-1001234567890': {allowFrom: [77788899]},\n"
	"        '-1009': {groupPolicy: 'open'},\n"
	"        '-1008': {enabled: false},\n"
	"      },\n"
	"    },\n"
	"    slack: {\n"
	"      botToken: 'xoxb-1', appToken: '${SLACK_APP_TOKEN}',\n"
	"      dmPolicy: 'open', allowFrom: ['*', 'U0ABCDEF'],\n"
	"      groupPolicy: 'open',\n"
	"      channels: {C0ENG123: {allow: true, users: ['U0BCDEFG']},\n"
	"                 '#general': {allow: true}},\n"
	"    },\n"
	"    whatsapp: {allowFrom: ['+15555550123']},\n"
	"    discord: {enabled: false, token: 'hunter2'},\n"
	"  },\n"
	"  tools: {exec: {security: 'full'}},\n"
	"  gateway: {auth: {token: 'hunter2'}},\n"
	"}\n";

static const char jobs[] =
	"{\"version\":1,\"jobs\":["
	"{\"id\":\"1\",\"name\":\"Morning\",\"enabled\":true,\"schedule\":"
	"{\"kind\":\"cron\",\"expr\":\"30 7 * * *\"},\"payload\":"
	"{\"kind\":\"agentTurn\",\"message\":\"Say \\\"good\\\" day\\nand "
	"more: gr\xc3\xbc\xc3\x9f.\"}},\n"
	"{\"id\":\"2\",\"name\":\"Often\",\"enabled\":true,\"schedule\":"
	"{\"kind\":\"every\",\"everyMs\":60000},\"payload\":"
	"{\"kind\":\"systemEvent\",\"text\":\"x\"}},\n"
	"{\"id\":\"3\",\"name\":\"Zone\",\"enabled\":true,\"schedule\":"
	"{\"kind\":\"cron\",\"expr\":\"0 9 * * *\",\"tz\":\"Asia/Tokyo\"},"
	"\"payload\":{\"kind\":\"agentTurn\",\"message\":\"x\"}},\n"
	"{\"id\":\"5\",\"name\":\"Hides\",\"enabled\":true,\"schedule\":"
	"{\"kind\":\"cron\",\"expr\":\"0 9 * * *\"},\"payload\":"
	"{\"kind\":\"agentTurn\",\"message\":\"x\xe2\x80\xaey\"}},\n"
	"{\"id\":\"4\",\"name\":\"Off\",\"enabled\":false}]}";

static const char profiles[] =
	"{\"version\":1,\"profiles\":{"
	"\"anthropic:default\":{\"type\":\"api_key\",\"provider\":"
	"\"anthropic\",\"key\":\"sk-ant-1\"},\n"
	"\"openai:login\":{\"type\":\"oauth\",\"provider\":\"openai\","
	"\"access\":\"rt-9\",\"refresh\":\"rt-9\"},\n"
	"\"elsewhere:x\":{\"type\":\"api_key\",\"provider\":\"elsewhere\","
	"\"key\":\"hunter2\"},\n"
	"\"groq:ref\":{\"type\":\"api_key\",\"provider\":\"groq\","
	"\"keyRef\":{\"source\":\"env\",\"id\":\"X\"}}}}";

static const struct {
	const char *name, *text;
} files[] = {
	{ "openclaw.json", full },
	{ ".env", "# mine\nSLACK_APP_TOKEN=\"xapp-1\"\nHOME=/x\r\n"
		  "export SMTP_PASSWORD=hunter2\n" },
	{ "cron/jobs.json", jobs },
	{ "credentials/telegram-allowFrom.json",
	  "{\"version\":1,\"allowFrom\":[\"99900011\",\"*\"]}" },
	{ "credentials/oauth.json", "{\"a\":{\"refresh\":\"rt-9\"" },
	{ "agents/main/agent/auth-profiles.json", profiles },
	{ "exec-approvals.json", "{}" },
};

static int read_whole(bool tasks, struct err *e)
{
	struct openclaw_file f[ARRAY_SIZE(files)];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(files); i++)
		f[i] = (struct openclaw_file){ files[i].name,
					       span_str(files[i].text) };
	return read_files(f, ARRAY_SIZE(files), tasks, e);
}

static void whole(void **)
{
	struct err e;

	if (read_whole(false, &e) < 0)
		fail_msg("%s", e.msg);
	golden("import.txt");
	no_secret();
	assert_int_equal(o.n_secrets, 3);
	assert_string_equal(o.secrets[0].value, "123456:AAE-secret");
	assert_string_equal(o.secrets[1].value, "xoxb-1\nxapp-1");
	assert_string_equal(o.secrets[2].value, "sk-ant-1");
}

static void with_tasks(void **)
{
	struct err e;

	assert_int_equal(read_whole(true, &e), 0);
	golden("import_tasks.txt");
}

/* An early Clawdbot: chats at the top, several accounts, no token. */
static void early(void **)
{
	static const char text[] =
		"{\"telegram\": {\"dmPolicy\": \"disabled\", \"allowFrom\": "
		"[\"1\"], \"accounts\": {\"Work Bot\": {\"tokenFile\": "
		"\"/run/secrets/tg\", \"groups\": {\"-5\": {}}}, \"off\": "
		"{\"enabled\": false}, \"home\": {\"dmPolicy\": \"pairing\", "
		"\"botToken\": {\"source\": \"exec\"}}}},\n"
		"\"discord\": {\"token\": \"hunter2\"}}";
	const struct openclaw_file f[] = {
		{ "clawdbot.json", span_str(text) },
		{ "credentials/telegram-home-allowFrom.json",
		  SPAN_LIT("{\"allowFrom\":[\"22200011\"]}") },
		{ "credentials/telegram-allowFrom.json",
		  SPAN_LIT("{\"allowFrom\":[\"99900011\"]}") },
	};
	struct err e;

	if (read_files(f, ARRAY_SIZE(f), false, &e) < 0)
		fail_msg("%s", e.msg);
	golden("import_early.txt");
	no_secret();
	assert_int_equal(o.n_secrets, 0);
}

static void nothing(void **)
{
	const struct openclaw_file f = { "moltbot.json", SPAN_LIT("{}") };
	struct err e;

	assert_int_equal(read_files(&f, 1, false, &e), 0);
	golden("import_nothing.txt");
}

static void refused(void **)
{
	static const struct {
		const char *text, *why;
	} rows[] = {
		{ "{$include: './base.json5'}", "$include of \"./base.json5\" "
						"is not followed" },
		{ "{channels: {x: [{\n$include: ['a']}]}}",
		  "openclaw.json:2: $include" },
		{ "[]", "an object belongs here" },
		{ "{a: 1, a: 2}", "openclaw.json:1:9: the key stands twice" },
		{ "", "the text ends" },
	};
	struct err e;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const struct openclaw_file f = { "openclaw.json",
						 span_str(rows[i].text) };

		if (read_files(&f, 1, false, &e) != -EINVAL ||
		    !strstr(e.msg, rows[i].why))
			fail_msg("%s: %s", rows[i].text, e.msg);
	}
	assert_int_equal(read_files(NULL, 0, false, &e), -EINVAL);
	assert_non_null(strstr(e.msg, "there is no openclaw.json"));
}

/* a directory */

static void put(const char *dir, const char *name, const char *text)
{
	CLEAN_FD int fd = -1;
	char path[256];

	assert_true(str_printf(path, sizeof(path), "%s/%s", dir, name) > 0);
	fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, span_str(text)), 0);
}

static void make_dir(const char *dir, const char *name)
{
	char path[256];

	assert_true(str_printf(path, sizeof(path), "%s/%s", dir, name) > 0);
	assert_int_equal(mkdir(path, 0700), 0);
}

static void make_link(const char *dir, const char *name, const char *to)
{
	char path[256];

	assert_true(str_printf(path, sizeof(path), "%s/%s", dir, name) > 0);
	assert_int_equal(symlink(to, path), 0);
}

static void has(const struct import_dir *d, const char *name)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (!strcmp(d->files[i].name, name) &&
		    span_is(d->files[i].bytes, "{}"))
			return;
	fail_msg("%s is not there", name);
}

static int remove_one(const char *path, const struct stat *, int, struct FTW *)
{
	return remove(path);
}

static void directory(void **)
{
	char top[] = "/tmp/import_test.XXXXXX", dir[64], outside[96];
	struct import_dir d;
	struct err e = { 0 };

	assert_non_null(mkdtemp(top));
	make_dir(top, "in");
	(void)str_printf(dir, sizeof(dir), "%s/in", top);
	(void)str_printf(outside, sizeof(outside), "%s/outside.json", top);
	put(top, "outside.json", "{\"allowFrom\":[\"666\"]}");
	put(dir, "openclaw.json", "{}");
	make_dir(dir, "credentials");
	put(dir, "credentials/telegram-allowFrom.json", "{}");
	put(dir, "credentials/readme.txt", "no");
	make_link(dir, "credentials/slack-allowFrom.json", outside);
	make_link(dir, "credentials/x-allowFrom.json", "../openclaw.json");
	make_link(dir, "cron", top);
	make_dir(dir, "agents");
	make_dir(dir, "agents/main");
	make_dir(dir, "agents/main/agent");
	put(dir, "agents/main/agent/auth-profiles.json", "{}");
	make_link(dir, "agents/other", top);
	make_dir(dir, "state");
	put(dir, "state/openclaw.sqlite", "SQLite");

	assert_int_equal(import_dir_read(dir, &d, &e), 0);
	assert_int_equal(d.n, 3);
	has(&d, "openclaw.json");
	has(&d, "credentials/telegram-allowFrom.json");
	has(&d, "agents/main/agent/auth-profiles.json");
	assert_string_equal(
		buf_cstr(&d.warnings),
		"warning: cron/jobs.json: not read: a link, or behind one: not "
		"followed\n"
		"warning: credentials/slack-allowFrom.json: not read: a link, "
		"or behind one: not followed\n"
		"warning: credentials/x-allowFrom.json: not read: a link, or "
		"behind one: not followed\n"
		"warning: agents/other/agent/auth-profiles.json: not read: a "
		"link, or behind one: not followed\n"
		"warning: agents/other/agent/auth.json: not read: a link, or "
		"behind one: not followed\n"
		"warning: agents/other/agent/models.json: not read: a link, or "
		"behind one: not followed\n"
		"warning: state/openclaw.sqlite: not read: what newer versions "
		"keep in it, schedule and keys among it, is not taken over\n");
	import_dir_done(&d);
	assert_int_equal(nftw(top, remove_one, 8, FTW_DEPTH | FTW_PHYS), 0);
	assert_int_equal(import_dir_read(dir, &d, &e), -ENOENT);
	import_dir_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole),   cmocka_unit_test(with_tasks),
		cmocka_unit_test(early),   cmocka_unit_test(nothing),
		cmocka_unit_test(refused), cmocka_unit_test(directory),
	};
	int failed;

	openclaw_init(&o);
	failed = cmocka_run_group_tests(tests, NULL, NULL);
	openclaw_done(&o);
	return failed;
}
