/* items: what happened to each message, from the broker through control. */
#include <string.h>
#include <time.h>

#include "base/loop.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/story.h"

enum {
	POLL_MS = 500,
	WAIT_MAX_S = 86400,
	LEAST_MAX = 10000,
	PRINT_MAX = 64 << 20
};

static int fetch(const struct conf *conf, struct story *s)
{
	struct msg ask = { .type = MSG_C_ITEMS };

	return client_ask(conf, &ask, story_add, s);
}

/* Asks again until there are enough items and each has its verdict. */
static int fetch_settled(const struct conf *conf, struct story *s,
			 uint64_t wait_s, uint64_t least)
{
	const struct timespec pause = { .tv_nsec = POLL_MS * 1000000L };
	uint64_t end = now_ms() + wait_s * 1000;
	int rc;

	for (;;) {
		rc = fetch(conf, s);
		if (rc != CLI_OK || wait_s == 0 ||
		    (story_items(s) >= least && story_pending(s) == 0))
			return rc;
		if (now_ms() >= end)
			return CLI_TIMEOUT;
		(void)nanosleep(&pause, NULL);
		story_done(s);
	}
}

static int print(const struct story *s, const struct cli *cli)
{
	struct show how = show_for(stdout);
	CLEAN_BUF struct buf b;
	json_t *json;
	int rc;

	buf_init(&b, PRINT_MAX);
	if (cli->json) {
		json = story_json(s);
		rc = cli_json(stdout, json);
		json_decref(json);
		return rc;
	}
	story_print(&b, &how, s);
	if (!buf_ok(&b) || fwrite(b.p, 1, b.n, stdout) != b.n ||
	    fflush(stdout) != 0) {
		cli_error("cannot write the output");
		return CLI_NO;
	}
	return CLI_OK;
}

int cmd_items(int argc, char **argv, const struct cli *cli)
{
	const char *wait = NULL;
	const char *least = NULL;
	const struct cli_opt opts[] = { { "--wait", NULL, &wait },
					{ "--least", NULL, &least } };
	CLEAN_STORY struct story s = { 0 };
	uint64_t wait_s = 0, least_n = 1;
	struct conf conf;
	int rc, shown;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("items", "it takes no operand");
	if (wait && num_parse(span_str(wait), 0, WAIT_MAX_S, &wait_s) < 0)
		return cli_usage("items", "--wait takes seconds, at most %d",
				 (int)WAIT_MAX_S);
	if (least && num_parse(span_str(least), 0, LEAST_MAX, &least_n) < 0)
		return cli_usage("items", "--least takes a number, at most %d",
				 (int)LEAST_MAX);
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	rc = fetch_settled(&conf, &s, wait_s, least_n);
	if (rc != CLI_OK && rc != CLI_TIMEOUT)
		return rc;
	shown = print(&s, cli);
	if (rc == CLI_TIMEOUT)
		cli_error("after %s s there are %zu items of %llu, %zu of them "
			  "without a verdict; `bulkhead status` shows whether "
			  "it works",
			  wait, story_items(&s), (unsigned long long)least_n,
			  story_pending(&s));
	return rc == CLI_OK ? shown : rc;
}
