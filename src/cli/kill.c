/*
 * kill: the owner's stop. Asks the monitor, through control; where nobody
 * answers, the latch is written here: a monitor that control cannot reach sees
 * it there, and the next `up` stays stopped.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/place.h"

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
static int write_latch(const struct conf *conf, struct span reason)
{
	char path[CONF_PATH_MAX + 16];
	CLEAN_FD int fd = -1;
	CLEAN_FD int dir = -1;
	int rc = place_make(conf->state);

	if (rc < 0 || place_latch(conf, path, sizeof(path)) < 0)
		return rc < 0 ? rc : -ENAMETOOLONG;
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		  0600);
	if (fd < 0)
		return -errno;
	if (fd_write_all(fd, reason) < 0)
		cli_error("the kill latch lacks its reason");
	dir = open(conf->state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return fsync(fd) < 0 || dir < 0 || fsync(dir) < 0 ? -errno : 0;
}

/* Not for long: who does not answer sees the latch. */
static int ask_monitor(const struct conf *conf, struct span reason)
{
	const struct timeval limit = { .tv_sec = PATIENCE_S };
	struct msg ask = { .type = MSG_C_KILL };
	struct chan ch;
	int rc = client_open(conf, &ch);

	if (rc != CLI_OK)
		return rc;
	ask.text.text = reason;
	(void)setsockopt(ch.fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
	rc = client_exchange(&ch, &ask, NULL, NULL);
	chan_done(&ch);
	return rc;
}

int cmd_kill(int argc, char **argv, const struct cli *cli)
{
	CLEAN_BUF struct buf reason;
	struct conf conf;
	int rc, latch;

	buf_init(&reason, 1 << 20);
	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	join(&reason, argc, argv);
	if (!buf_ok(&reason))
		return cli_usage("kill", "the reason is too long");
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	rc = ask_monitor(&conf, buf_view(&reason));
	if (rc != CLI_OK) {
		latch = write_latch(&conf, buf_view(&reason));
		if (latch == 0)
			cli_error("the kill latch is set all the same: what "
				  "runs stops when it sees it, and `up` "
				  "starts nothing until `bulkhead rearm`");
		else
			cli_error("the kill latch cannot be written in %s: %s",
				  conf.state, strerror(-latch));
		return rc;
	}
	(void)puts("Killed: every effect is stopped, until `bulkhead rearm`.");
	return CLI_OK;
}
