/*
 * init: a first bulkhead.yaml and assistant.yaml from a few questions. Never
 * overwrites; both files are checked before they are written.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/newfile.h"
#include "cli/place.h"
#include "conf/yaml.h"
#include "policy/policy.h"

enum { ANSWER_MAX = 512, TEXT_MAX = 64 << 10, RECIPIENTS = 32 };

struct answers {
	char maildir[ANSWER_MAX];
	char outbox[ANSWER_MAX];
	char planner[ANSWER_MAX];
	char recipients[ANSWER_MAX]; /* "a@b, c@d", or "" */
};

/* One question; an empty line, or no line any more, takes the default. */
static int ask(const char *question, char *answer, bool yes)
{
	char line[ANSWER_MAX];
	size_t n;

	if (yes)
		return 0;
	(void)printf("%s [%s]: ", question, answer[0] ? answer : "nobody");
	(void)fflush(stdout);
	if (!fgets(line, sizeof(line), stdin) || line[0] == '\n')
		return 0;
	n = strlen(line);
	if (line[n - 1] == '\n')
		line[--n] = 0;
	else if (n + 1 == sizeof(line))
		return -1;
	return str_copy(answer, ANSWER_MAX, span_of(line, n));
}

/* What may stand between double quotes in YAML as it is. */
static bool plain_text(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f || *s == '"' ||
		    *s == '\\')
			return false;
	return true;
}

static bool address(struct span s)
{
	static const char others[] = "abcdefghijklmnopqrstuvwxyz"
				     "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				     "0123456789.-_+";
	size_t i, ats = 0;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '@')
			ats += i > 0 && i + 1 < s.n;
		else if (!s.p[i] || !strchr(others, s.p[i]))
			return false;
	}
	return ats == 1;
}

/* "a@b, c@d" with each an address; at most RECIPIENTS. */
static bool addresses(const char *list)
{
	size_t count = 0;

	while (*list) {
		size_t n = strcspn(list, ",");
		struct span one = span_of(list, n);

		while (one.n && one.p[0] == ' ')
			one = span_of(one.p + 1, one.n - 1);
		while (one.n && one.p[one.n - 1] == ' ')
			one.n--;
		if (!address(one) || ++count > RECIPIENTS)
			return false;
		list += n + (list[n] == ',');
	}
	return true;
}

static int ask_all(struct answers *a, bool yes)
{
	if (ask("Maildir that mail comes in", a->maildir, yes) < 0 ||
	    ask("Maildir for what would be sent", a->outbox, yes) < 0 ||
	    ask("Planner (triage needs no model; gullible is for tests; none "
		"only reads)",
		a->planner, yes) < 0 ||
	    ask("Whom may the agent mail (a@b, c@d)", a->recipients, yes) < 0) {
		cli_error("the answer is too long: write it into "
			  "bulkhead.yaml by hand");
		return CLI_USAGE;
	}
	if (!plain_text(a->maildir) || !plain_text(a->outbox)) {
		cli_error("a path with quotes, backslashes or control "
			  "characters: write it into bulkhead.yaml by hand");
		return CLI_USAGE;
	}
	if (strcmp(a->planner, "triage") != 0 &&
	    strcmp(a->planner, "gullible") != 0 &&
	    strcmp(a->planner, "none") != 0) {
		cli_error("the planner is triage, gullible or none");
		return CLI_USAGE;
	}
	if (!addresses(a->recipients)) {
		cli_error("whom to mail: addresses with commas between, at "
			  "most %d",
			  (int)RECIPIENTS);
		return CLI_USAGE;
	}
	return 0;
}

/* Copies text with the first `from` replaced; b->bad if there is none. */
static void replace(struct buf *b, const char *text, const char *from,
		    const char *to)
{
	const char *at = strstr(text, from);

	if (!at) {
		b->bad = true;
		return;
	}
	buf_put(b, text, (size_t)(at - text));
	buf_str(b, to);
	buf_str(b, at + strlen(from));
}

/* The task of the embedded defaults, which a planner needs. */
static const char task_lines[] =
	"    tasks:\n"
	"      - {on: mail, say: \"Tell me what is new and what needs an "
	"answer.\"}\n";

/* The embedded defaults with the answers in their places. */
static void make_conf(struct buf *b, const struct answers *a)
{
	char word[2 * ANSWER_MAX];
	CLEAN_BUF struct buf one, two, three;

	buf_init(&one, TEXT_MAX);
	buf_init(&two, TEXT_MAX);
	buf_init(&three, TEXT_MAX);
	(void)str_printf(word, sizeof(word), "kind: maildir, path: \"%s\"",
			 a->maildir);
	replace(&one, conf_default_text(), "kind: maildir, path: ~/Maildir",
		word);
	(void)str_printf(word, sizeof(word), "kind: outbox, path: \"%s\"",
			 a->outbox);
	replace(&two, buf_cstr(&one), "kind: outbox, path: ~/bulkhead-outbox",
		word);
	(void)str_printf(word, sizeof(word), "kind: %s", a->planner);
	replace(&three, buf_cstr(&two), "kind: triage", word);
	replace(b, buf_cstr(&three), task_lines,
		strcmp(a->planner, "none") != 0 ? task_lines : "");
	b->bad |= one.bad || two.bad || three.bad;
}

static const char policy_head[] =
	"# What the assistant may do. Whatever stands here is allowed, and\n"
	"# nothing else. Check your changes with `bulkhead policy check`.\n"
	"bulkhead: 1\n"
	"mode: enforce\n\n";

static const char policy_sources[] =
	"# What is read, each message in a virtual machine of its own. What "
	"the\n"
	"# agent writes after reading a mail may go to you, and to the mail's\n"
	"# own sender if your mail server vouches for it (`authserv` of the\n"
	"# inbox), to nobody else.\n"
	"sources:\n"
	"  mail:\n"
	"    reader: email\n"
	"    connector: inbox\n"
	"    integrity: external\n"
	"    audience: thread\n"
	"    reveal: text\n\n"
	"# What the agent may ask for. Each row of `decide` is tried in "
	"order;\n"
	"# where no row matches the answer is no.\n"
	"capabilities:\n";

static const char policy_mail[] =
	"  # A mail to the people above; the agent chooses among them only.\n"
	"  email.send:\n"
	"    connector: drafts\n"
	"    effect: external\n"
	"    undo: none\n"
	"    args:\n"
	"      to: {type: email, many: 5, role: target, from: [config], "
	"in: people}\n"
	"      subject: {type: text, max: 200, role: content, "
	"from: [planner]}\n"
	"      body: {type: text, max: 8KiB, role: content, from: [planner]}\n"
	"    decide:\n"
	"      - allow: {}\n"
	"    limits: {rate: 6/hour}\n\n";

static const char policy_notes[] =
	"  # A note to you.\n"
	"  notes.append:\n"
	"    connector: drafts\n"
	"    effect: internal\n"
	"    undo: none\n"
	"    args:\n"
	"      text: {type: text, max: 2000, role: content, from: [planner]}\n"
	"    decide:\n"
	"      - allow: {}\n"
	"    limits: {rate: 30/hour}\n";

static void make_policy(struct buf *b, const struct answers *a)
{
	buf_str(b, policy_head);
	if (a->recipients[0])
		buf_printf(b,
			   "# Whom the agent may mail. Only you extend it.\n"
			   "sets:\n  people: [%s]\n\n",
			   a->recipients);
	buf_str(b, policy_sources);
	if (a->recipients[0])
		buf_str(b, policy_mail);
	buf_str(b, policy_notes);
}

static int check(const char *dir, const struct buf *conf,
		 const struct buf *policy)
{
	CLEAN_BUF struct buf errs;
	struct policy *loaded = NULL;
	struct conf parsed;
	int rc;

	buf_init(&errs, TEXT_MAX);
	rc = conf_parse("bulkhead.yaml", buf_view(conf), dir, cli_home(),
			&parsed, &errs);
	if (rc == 0)
		rc = policy_load("assistant.yaml", buf_view(policy), NULL,
				 &loaded, &errs);
	policy_free(loaded);
	if (rc < 0) {
		cli_error("these answers make no valid configuration:");
		cli_show_lines(stderr, buf_view(&errs));
		return CLI_USAGE;
	}
	return 0;
}

static int write_both(const char *dir, bool elsewhere, const struct answers *a)
{
	CLEAN_BUF struct buf conf, policy;
	int rc, kept;

	buf_init(&conf, TEXT_MAX);
	buf_init(&policy, TEXT_MAX);
	make_conf(&conf, a);
	make_policy(&policy, a);
	if (!buf_ok(&conf) || !buf_ok(&policy)) {
		cli_error("the built-in files do not fit the answers");
		return CLI_NO;
	}
	if (check(dir, &conf, &policy) != 0)
		return CLI_USAGE;
	rc = place_make(dir);
	kept = rc;
	if (rc == 0)
		kept = rc = newfile_write(dir, "bulkhead.yaml", &conf);
	if (rc >= 0)
		rc = newfile_write(dir, "assistant.yaml", &policy);
	if (rc < 0) {
		cli_error("%s: %s: name another directory with --dir", dir,
			  strerror(-rc));
		return CLI_NO;
	}
	if (rc > 0 || kept > 0)
		return CLI_NO;
	if (elsewhere)
		(void)printf("It is used with BULKHEAD_CONFIG=%s/bulkhead.yaml "
			     "or --config of the same.\n",
			     dir);
	(void)printf("Next: `bulkhead doctor` checks this machine, `bulkhead "
		     "up` starts.\n");
	return CLI_OK;
}

int cmd_init(int argc, char **argv, const struct cli *)
{
	struct answers a = { .maildir = "~/Maildir",
			     .outbox = "~/bulkhead-outbox",
			     .planner = "triage" };
	const char *dir = NULL;
	bool yes = false;
	const struct cli_opt opts[] = { { "--yes", &yes, NULL },
					{ "--dir", NULL, &dir } };
	char path[CONF_PATH_MAX];
	int rc;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("init", "it takes no operand");
	if (newfile_dir(dir, path, sizeof(path)) < 0) {
		cli_error("the directory's path is too long: name another "
			  "with --dir");
		return CLI_USAGE;
	}
	rc = ask_all(&a, yes);
	return rc != 0 ? rc : write_both(path, dir != NULL, &a);
}
