/*
 * rearm: takes a kill latch away. Only at a terminal and with a typed word, so
 * that nothing which merely runs as the owner does it by accident. The latch of
 * all only while bulkhead is down: a running monitor keeps its own. A narrower
 * one the monitor takes away, where one runs.
 */
#include <string.h>
#include <unistd.h>

#include "base/fd.h"
#include "cli/client.h"
#include "cli/latches.h"

/* Shows why it was set; foreign text, a tripwire may have written it. */
static void show_reason(const char *name, const char *words)
{
	(void)printf("The latch is set (%s): ", name);
	cli_show(stdout, span_str(words));
	(void)fputs("\nType rearm to let effects happen again: ", stdout);
	(void)fflush(stdout);
}

static bool typed_word(void)
{
	char line[32];

	return fgets(line, sizeof(line), stdin) && !strcmp(line, "rearm\n");
}

/* The owner at a terminal says so. */
static bool confirmed(const struct latches *d, const struct latch *l)
{
	char name[LATCH_FILE], words[LATCH_WORDS];

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		cli_error("the latch stays set: call rearm at a terminal, "
			  "it asks for a typed word");
		return false;
	}
	latch_name(l, name);
	latch_words(d, l, words);
	show_reason(name, words);
	if (typed_word())
		return true;
	(void)puts("Nothing changed.");
	return false;
}

static int ask_monitor(const struct conf *conf, const struct latch *l)
{
	struct msg ask = { .type = MSG_C_REARM };
	int rc;

	ask.latch = (struct m_latch){ .level = (uint8_t)l->level,
				      .capability = span_str(l->capability),
				      .task = l->task };
	rc = client_ask(conf, &ask, NULL, NULL);
	if (rc == CLI_OK)
		(void)puts("Re-armed.");
	return rc;
}

static int take_away(const struct latches *d, const struct latch *l)
{
	int r = latch_clear_aside(d, l);

	if (r < 0) {
		cli_error("the latch cannot be removed: %s", strerror(-r));
		return CLI_NO;
	}
	(void)puts("Re-armed. `bulkhead up` starts it.");
	return CLI_OK;
}

/* The lease is no latch: nothing of it is a file, and its owner is heard of by
 * what he types. */
static int renew(const struct conf *conf)
{
	const struct msg ask = { .type = MSG_C_LEASE };
	int rc;

	if (!isatty(STDIN_FILENO) || !isatty(STDOUT_FILENO)) {
		cli_error("the lease stays as it is: call rearm at a terminal, "
			  "it asks for a typed word");
		return CLI_NO;
	}
	(void)fputs("Type rearm to let the agent go on without you: ", stdout);
	(void)fflush(stdout);
	if (!typed_word()) {
		(void)puts("Nothing changed.");
		return CLI_NO;
	}
	rc = client_ask(conf, &ask, NULL, NULL);
	if (rc == CLI_OK)
		(void)puts("The lease begins again.");
	return rc;
}

static int rearm(const struct conf *conf, const struct latches *d,
		 const struct latch *l)
{
	CLEAN_FD int running = client_connect(conf->socket);

	if (running >= 0 && l->level >= LATCH_ALL) {
		cli_error("bulkhead is running: `bulkhead down` first, then "
			  "rearm, then `bulkhead up`");
		return CLI_NO;
	}
	if (!latch_is_set(d, l)) {
		(void)puts("The latch is not set; nothing to do.");
		return CLI_OK;
	}
	if (!confirmed(d, l))
		return CLI_NO;
	return running >= 0 ? ask_monitor(conf, l) : take_away(d, l);
}

int cmd_rearm(int argc, char **argv, const struct cli *cli)
{
	struct latches d;
	struct conf conf;
	struct latch l;
	bool lease;
	int r;

	if (latch_asked("rearm", &argc, argv, &l, &lease) != CLI_OK)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("rearm", "it takes no operand");
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	if (lease)
		return renew(&conf);
	r = latches_at(&conf, &d);
	if (r < 0) {
		cli_error("%s: %s", conf.state, strerror(-r));
		return CLI_NO;
	}
	r = rearm(&conf, &d, &l);
	latches_left(&d);
	return r;
}
