/*
 * init: a first bulkhead.yaml and assistant.yaml from a few questions, and a
 * vault with the secrets of accounts where it is told of some. Never
 * overwrites; the files are checked before they are written, and are all
 * written or none.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/first.h"
#include "cli/init_ask.h"
#include "cli/newfile.h"
#include "cli/vault_box.h"
#include "conf/yaml.h"
#include "policy/policy.h"

enum { TEXT_MAX = 64 << 10, RECIPIENTS = 32 };

struct answers {
	char maildir[ANSWER_MAX];
	char outbox[ANSWER_MAX];
	char planner[ANSWER_MAX];
	char recipients[ANSWER_MAX]; /* "a@b, c@d", or "" */
	struct accounts *accounts;   /* NULL: folders alone */
};

static const char conf_name[] = "bulkhead.yaml";
static const char policy_name[] = "assistant.yaml";

static bool has_mailbox(const struct answers *a)
{
	return a->accounts && a->accounts->imap[0];
}

static bool has_sending(const struct answers *a)
{
	return a->accounts && a->accounts->smtp[0];
}

static bool has_bots(const struct answers *a)
{
	return a->accounts && a->accounts->owner[0];
}

static bool has_chat(const struct answers *a)
{
	return has_bots(a) && a->accounts->secrets[OF_AGENT].n;
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

static int ask_all(struct answers *a)
{
	int r = a->accounts ? accounts_ask(a->accounts) : CLI_OK;

	if (r != CLI_OK)
		return r;
	if ((!has_mailbox(a) &&
	     ask("Maildir that mail comes in", "", a->maildir) < 0) ||
	    (!has_sending(a) &&
	     ask("Maildir for what would be sent", "", a->outbox) < 0) ||
	    ask("Planner (triage needs no model; gullible is for tests; none "
		"only reads)",
		"", a->planner) < 0 ||
	    ask("Whom may the agent mail (a@b, c@d)", "nobody", a->recipients) <
		    0) {
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

/* "hosts: [...], ..." of an account; a port where the answer has none. */
static void put_server(struct buf *b, const struct accounts *a,
		       const char *host, const char *port)
{
	buf_printf(b, "hosts: [\"%s%s\"]", host, strchr(host, ':') ? "" : port);
	if (a->ca)
		buf_printf(b, ", ca: \"%s\"", a->ca);
}

static void put_inbox(struct buf *b, const struct answers *a)
{
	if (!has_mailbox(a)) {
		buf_printf(b, "kind: maildir, path: \"%s\"", a->maildir);
		return;
	}
	buf_str(b, "kind: imap, ");
	put_server(b, a->accounts, a->accounts->imap, ":993");
	buf_printf(b, ", user: \"%s\", secret: imap", a->accounts->imap_user);
}

static void put_bot(struct buf *b, const struct accounts *a, const char *name,
		    const char *role)
{
	buf_printf(b, "\n  %s: {kind: telegram, ", name);
	put_server(b, a, a->api, ":443");
	buf_printf(b, ", secret: %s%s}", name, role);
}

static void put_drafts(struct buf *b, const struct answers *a)
{
	const struct accounts *own = a->accounts;

	if (has_sending(a)) {
		buf_str(b, "kind: smtp, ");
		put_server(b, a->accounts, a->accounts->smtp, ":465");
		buf_printf(b,
			   ", user: \"%s\", secret: smtp, from: \"%s\"}    "
			   "# mail out",
			   a->accounts->smtp_user, a->accounts->from);
	} else {
		buf_printf(b,
			   "kind: outbox, path: \"%s\"}    # what would be "
			   "sent",
			   a->outbox);
	}
	if (own && has_bots(a))
		put_bot(b, own, "cards", ", role: approvals");
	if (own && has_chat(a))
		put_bot(b, own, "agent", "");
}

/* The embedded defaults with the answers in their places. */
static void make_conf(struct buf *b, const struct answers *a)
{
	char word[ANSWER_MAX];
	CLEAN_BUF struct buf in, out, one, two, three;

	buf_init(&in, TEXT_MAX);
	buf_init(&out, TEXT_MAX);
	buf_init(&one, TEXT_MAX);
	buf_init(&two, TEXT_MAX);
	buf_init(&three, TEXT_MAX);
	put_inbox(&in, a);
	put_drafts(&out, a);
	replace(&one, conf_default_text(), "kind: maildir, path: ~/Maildir",
		buf_cstr(&in));
	replace(&two, buf_cstr(&one),
		"kind: outbox, path: ~/bulkhead-outbox}    # what would be "
		"sent",
		buf_cstr(&out));
	(void)str_printf(word, sizeof(word), "kind: %s", a->planner);
	replace(&three, buf_cstr(&two), "kind: triage", word);
	replace(b, buf_cstr(&three), task_lines,
		strcmp(a->planner, "none") != 0 ? task_lines : "");
	if (a->accounts)
		buf_str(b, VAULT_NEW_CONF);
	b->bad |= in.bad || out.bad || one.bad || two.bad || three.bad;
}

static const char policy_head[] =
	"# What the assistant may do. Whatever stands here is allowed, and\n"
	"# nothing else. Check your changes with `bulkhead policy check`.\n"
	"bulkhead: 1\n"
	"mode: enforce\n";

static const char policy_owner[] =
	"\n# Who you are at Telegram: nobody else approves, or gives a task.\n"
	"owner: {telegram: %s, approvals: {telegram_bot: cards, chat: %s}}\n";

static const char policy_sources[] =
	"\n# What is read, each message in a virtual machine of its own. What "
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
	"    reveal: text\n";

static const char policy_chat[] =
	"  # What is written to the agent's bot; your own words are tasks.\n"
	"  chat:\n"
	"    reader: telegram\n"
	"    connector: agent\n"
	"    integrity: known\n"
	"    audience: thread\n"
	"    reveal: text\n";

static const char policy_wants[] =
	"\n# What the agent may ask for. Each row of `decide` is tried in "
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
	"      - %s: {}\n"
	"    limits: {rate: 6/hour}\n%s\n";

/* What goes to others by a server is shown first, where there is a way. */
static const char policy_ask[] =
	"    approve: {who: owner, via: [telegram], ttl: 4h}\n";

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
	bool asks = has_bots(a) && has_sending(a);

	buf_str(b, policy_head);
	if (has_bots(a))
		buf_printf(b, policy_owner, a->accounts->owner,
			   a->accounts->owner);
	if (a->recipients[0])
		buf_printf(b,
			   "\n# Whom the agent may mail. Only you extend it.\n"
			   "sets:\n  people: [%s]\n",
			   a->recipients);
	buf_str(b, policy_sources);
	if (has_chat(a))
		buf_str(b, policy_chat);
	buf_str(b, policy_wants);
	if (a->recipients[0])
		buf_printf(b, policy_mail, asks ? "ask" : "allow",
			   asks ? policy_ask : "");
	buf_str(b, policy_notes);
}

static int check(const char *dir, const struct buf *text,
		 const struct buf *policy, struct conf *ret)
{
	CLEAN_BUF struct buf errs;
	struct policy *loaded = NULL;
	int rc;

	buf_init(&errs, TEXT_MAX);
	rc = conf_parse(conf_name, buf_view(text), dir, cli_home(), ret, &errs);
	if (rc == 0)
		rc = policy_load(policy_name, buf_view(policy), NULL, &loaded,
				 &errs);
	policy_free(loaded);
	if (rc < 0) {
		cli_error("these answers make no valid configuration:");
		cli_show_lines(stderr, buf_view(&errs));
		return CLI_USAGE;
	}
	return 0;
}

/* The secrets that there are; their number. */
static size_t secrets_of(const struct accounts *a,
			 struct vault_new_secret ret[OF_ACCOUNTS])
{
	static const struct vault_new_secret rows[] = {
		[OF_IMAP] = { .name = "imap", .connector = "inbox" },
		[OF_SMTP] = { .name = "smtp", .connector = "drafts" },
		[OF_CARDS] = { .name = "cards", .connector = "cards" },
		[OF_AGENT] = { .name = "agent", .connector = "agent" },
	};
	size_t i, n = 0;

	for (i = 0; i < OF_ACCOUNTS; i++) {
		/* Where sending has no password of its own, it is the same. */
		size_t from = i == OF_SMTP && a->smtp[0] && !a->secrets[i].n
				      ? OF_IMAP
				      : i;

		if (!a->secrets[from].n)
			continue;
		ret[n] = rows[i];
		ret[n++].value =
			span_of(a->secrets[from].p, a->secrets[from].n);
	}
	return n;
}

static int write_answers(const char *dir, bool elsewhere,
			 const struct answers *a)
{
	static struct conf conf; /* large */
	struct vault_new_secret secrets[OF_ACCOUNTS];
	size_t n = a->accounts ? secrets_of(a->accounts, secrets) : 0;
	CLEAN_BUF struct buf text, policy;
	int r;

	buf_init(&text, TEXT_MAX);
	buf_init(&policy, TEXT_MAX);
	make_conf(&text, a);
	make_policy(&policy, a);
	if (!buf_ok(&text) || !buf_ok(&policy)) {
		cli_error("the built-in files do not fit the answers");
		return CLI_NO;
	}
	if (check(dir, &text, &policy, &conf) != 0)
		return CLI_USAGE;
	r = first_write(dir, &text, &policy, &conf,
			a->accounts ? secrets : NULL, n);
	if (r != CLI_OK)
		return r;
	if (elsewhere)
		(void)printf("It is used with BULKHEAD_CONFIG=%s/bulkhead.yaml "
			     "or --config of the same.\n",
			     dir);
	(void)printf("Next: `bulkhead doctor` checks this machine, `bulkhead "
		     "up` starts.\n");
	return CLI_OK;
}

static int questions(struct answers *a, const char *dir, bool elsewhere)
{
	int r = a->accounts ? box_prepare() : CLI_OK;

	if (r == CLI_OK)
		r = ask_all(a);
	return r == CLI_OK ? write_answers(dir, elsewhere, a) : r;
}

int cmd_init(int argc, char **argv, const struct cli *)
{
	struct accounts accounts = { .api = "api.telegram.org:443" };
	struct answers a = { .maildir = "~/Maildir",
			     .outbox = "~/bulkhead-outbox",
			     .planner = "triage" };
	const char *dir = NULL;
	bool yes = false, wanted = false;
	const struct cli_opt opts[] = {
		{ "--accounts", &wanted, NULL },
		{ "--bot-api", NULL, &accounts.api },
		{ "--ca", NULL, &accounts.ca },
		{ "--yes", &yes, NULL },
		{ "--dir", NULL, &dir },
	};
	char path[CONF_PATH_MAX];
	int rc;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("init", "it takes no operand");
	if (yes && wanted)
		return cli_usage("init", "--accounts has to ask");
	if (!plain_text(accounts.api) ||
	    (accounts.ca &&
	     (accounts.ca[0] != '/' || !plain_text(accounts.ca))))
		return cli_usage("init", "--ca takes an absolute path, without "
					 "quotes or backslashes");
	if (newfile_dir(dir, path, sizeof(path)) < 0) {
		cli_error("the directory's path is too long: name another "
			  "with --dir");
		return CLI_USAGE;
	}
	if (wanted)
		a.accounts = &accounts;
	rc = yes ? write_answers(path, dir != NULL, &a)
		 : questions(&a, path, dir != NULL);
	accounts_done(&accounts);
	return rc;
}
