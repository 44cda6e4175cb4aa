/*
 * kill: the owner's stop. Asks the monitor, through control; where nobody
 * answers, the latch is written here: a monitor that control cannot reach sees
 * it there, and the next `up` finds it.
 */
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/latches.h"

enum { REASON_MAX = 400, PATIENCE_S = 5 };

/* The operands as one line, cut; "by the owner" if there are none. */
static void join(struct buf *b, int argc, char **argv)
{
	int i;

	for (i = 1; i < argc; i++) {
		if (i > 1)
			buf_u8(b, ' ');
		buf_str(b, argv[i]);
	}
	if (!b->n)
		buf_str(b, "by the owner");
	if (b->n > REASON_MAX)
		buf_cut(b, REASON_MAX);
}

/* It is set by being there: on a full disk it may lack its words. */
static int write_latch(const struct conf *conf, const struct latch *l,
		       struct span reason)
{
	struct latches d;
	int r = latches_at(conf, &d);

	if (r < 0)
		return r;
	r = latch_set(&d, l, SPAN_LIT(""), reason);
	if (r > 0)
		cli_error("the kill latch lacks its reason");
	latches_left(&d);
	return r < 0 ? r : 0;
}

/* Not for long: who does not answer sees the latch. */
static int ask_monitor(const struct conf *conf, const struct latch *l,
		       struct span reason)
{
	const struct timeval limit = { .tv_sec = PATIENCE_S };
	struct msg ask = { .type = MSG_C_KILL };
	struct chan ch;
	int rc = client_open(conf, &ch);

	if (rc != CLI_OK)
		return rc;
	ask.latch = (struct m_latch){ .level = (uint8_t)l->level,
				      .set = 1,
				      .capability = span_str(l->capability),
				      .task = l->task,
				      .reason = reason };
	(void)setsockopt(ch.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	rc = client_exchange(&ch, &ask, NULL, NULL);
	chan_done(&ch);
	return rc;
}

static void tell_killed(const struct latch *l)
{
	char name[LATCH_FILE];

	latch_name(l, name);
	if (l->level < LATCH_ALL) {
		(void)printf("Killed: %s, until `bulkhead rearm --%s`.\n", name,
			     name);
		return;
	}
	(void)puts("Killed: every effect is stopped, until `bulkhead rearm`.");
	if (l->level == LATCH_REVOKE)
		(void)puts("Connectors are asked to revoke their credentials: "
			   "`bulkhead status` shows what each one says.");
}

static int kill_now(const struct conf *conf, const struct latch *l,
		    struct span reason)
{
	int rc = ask_monitor(conf, l, reason);
	int latch;

	if (rc == CLI_OK) {
		tell_killed(l);
		return rc;
	}
	latch = write_latch(conf, l, reason);
	if (latch == 0)
		cli_error(l->level < LATCH_ALL
				  ? "the kill latch is set all the same: a "
				    "bulkhead that runs stops it when it sees "
				    "that, one that starts finds it"
				  : "the kill latch is set all the same: what "
				    "runs stops when it sees it, and `up` "
				    "starts nothing until `bulkhead rearm`");
	else
		cli_error("the kill latch cannot be written in %s: %s",
			  conf->state, strerror(-latch));
	return rc;
}

int cmd_kill(int argc, char **argv, const struct cli *cli)
{
	CLEAN_BUF struct buf reason;
	struct latch l;
	struct conf conf;

	buf_init(&reason, 1 << 20);
	if (latch_asked("kill", &argc, argv, &l) != CLI_OK)
		return CLI_USAGE;
	join(&reason, argc, argv);
	if (!buf_ok(&reason))
		return cli_usage("kill", "the reason is too long");
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	return kill_now(&conf, &l, buf_view(&reason));
}
