/* init_ask: see init_ask.h. */
#include "cli/init_ask.h"

#include <stdio.h>
#include <string.h>

#include "base/str.h"
#include "cli/cli.h"
#include "cli/vault_box.h"

int ask(const char *question, const char *none, char *answer)
{
	char line[ANSWER_MAX];
	size_t n;

	(void)printf("%s [%s]: ", question, answer[0] ? answer : none);
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

bool plain_text(const char *s)
{
	for (; *s; s++)
		if ((unsigned char)*s < 0x20 || *s == 0x7f || *s == '"' ||
		    *s == '\\')
			return false;
	return true;
}

/* One that goes into the configuration, between quotes. */
static int ask_plain(const char *question, const char *none, char *answer)
{
	if (ask(question, none, answer) == 0 && plain_text(answer))
		return CLI_OK;
	cli_error("an answer that is too long, or has quotes, backslashes or "
		  "control characters: nothing was written");
	return CLI_USAGE;
}

static int ask_secret(struct accounts *a, enum accounts_secret which,
		      const char *question, bool may_miss)
{
	uint8_t *p = box_answer(question, &a->secrets[which].n);

	a->secrets[which].p = p;
	if (!p)
		return CLI_NO;
	if (a->secrets[which].n || may_miss)
		return CLI_OK;
	cli_error("it cannot do without: nothing was written");
	return CLI_USAGE;
}

static int ask_mailbox(struct accounts *a)
{
	int r = ask_plain("Server that mail is read from (IMAP; HOST or "
			  "HOST:PORT)",
			  "none: a Maildir", a->imap);

	if (r != CLI_OK || !a->imap[0])
		return r;
	r = ask_plain("Your user name there", "", a->imap_user);
	if (r == CLI_OK)
		r = ask_secret(a, OF_IMAP, "Your password there", false);
	return r;
}

/* What it does not say is as it is for the mailbox. */
static int ask_sending(struct accounts *a)
{
	int r = ask_plain("Server that mail is sent by (SMTP; HOST or "
			  "HOST:PORT)",
			  "none: a Maildir", a->smtp);

	if (r != CLI_OK || !a->smtp[0])
		return r;
	memcpy(a->smtp_user, a->imap_user, sizeof(a->smtp_user));
	r = ask_plain("Your user name there", "", a->smtp_user);
	if (r == CLI_OK && strchr(a->smtp_user, '@'))
		memcpy(a->from, a->smtp_user, sizeof(a->from));
	if (r == CLI_OK)
		r = ask_plain("The address that mail is from", "", a->from);
	if (r == CLI_OK)
		r = ask_secret(a, OF_SMTP,
			       a->imap[0] ? "Your password there (nothing: the "
					    "same)"
					  : "Your password there",
			       a->imap[0]);
	return r;
}

static int ask_bots(struct accounts *a)
{
	uint64_t id;
	int r = ask_plain("Your numeric id at Telegram, to approve by a bot",
			  "no bot", a->owner);

	if (r != CLI_OK || !a->owner[0])
		return r;
	if (num_parse(span_str(a->owner), 1, (uint64_t)1 << 52, &id) < 0) {
		cli_error("an id at Telegram is a number (a bot like "
			  "@userinfobot says it): nothing was written");
		return CLI_USAGE;
	}
	r = ask_secret(a, OF_CARDS, "Token of the bot that asks you", false);
	if (r == CLI_OK)
		r = ask_secret(a, OF_AGENT,
			       "Token of another one, to talk to the agent "
			       "(nothing: none)",
			       true);
	return r;
}

int accounts_ask(struct accounts *a)
{
	int r;

	/* No secret of a pipe is to stay in stdio's memory. */
	(void)setvbuf(stdin, NULL, _IONBF, 0);
	r = ask_mailbox(a);
	if (r == CLI_OK)
		r = ask_sending(a);
	if (r == CLI_OK)
		r = ask_bots(a);
	return r;
}

void accounts_done(struct accounts *a)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(a->secrets); i++)
		box_free_line(a->secrets[i].p);
}
