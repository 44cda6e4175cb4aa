/*
 * down: asks the monitor, through control, to stop everything, and waits until
 * it is gone: it holds the lock in the state directory as long as it lives. Who
 * supervises it ends with it; where there is no monitor just then, it is asked
 * by a signal.
 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/supervisor.h"

enum { DOWN_WAIT_MS = 60000, DOWN_POLL_MS = 50 };

/* True once nobody holds the lock. */
static bool is_down(const struct conf *conf)
{
	char path[CONF_PATH_MAX + 16];
	CLEAN_FD int fd = -1;

	if (str_printf(path, sizeof(path), "%s/lock", conf->state) < 0)
		return true;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 || flock(fd, LOCK_SH | LOCK_NB) == 0;
}

static int wait_down(const struct conf *conf)
{
	const struct timespec pause = { .tv_nsec = DOWN_POLL_MS * 1000000L };
	uint64_t end = now_ms() + DOWN_WAIT_MS;

	while (!is_down(conf) || supervisor_pid(conf)) {
		if (now_ms() >= end) {
			cli_error("it was asked to stop, but is still there "
				  "after %d s",
				  DOWN_WAIT_MS / 1000);
			return CLI_TIMEOUT;
		}
		(void)nanosleep(&pause, NULL);
	}
	return CLI_OK;
}

/* Whoever would start a monitor, and has none. */
static int stop_supervisor(pid_t pid)
{
	if (kill(pid, SIGTERM) == 0 || errno == ESRCH)
		return CLI_OK;
	cli_error("process %d, which starts bulkhead again, cannot be ended: "
		  "%s",
		  (int)pid, strerror(errno));
	return CLI_NO;
}

/* The monitor, where it can be asked; else who would start the next. */
static int stop(const struct conf *conf)
{
	struct msg ask = { .type = MSG_C_DOWN };
	pid_t supervisor = supervisor_pid(conf);
	CLEAN_FD int running = client_connect(conf->socket);
	int rc;

	if (running < 0 && supervisor)
		return stop_supervisor(supervisor);
	fd_close(&running);
	rc = client_ask(conf, &ask, NULL, NULL);
	if (rc == CLI_OK)
		return rc;
	supervisor = supervisor_pid(conf);
	return supervisor ? stop_supervisor(supervisor) : rc;
}

int cmd_down(int argc, char **argv, const struct cli *cli)
{
	struct conf conf;
	int rc;

	if (cli_options(&argc, argv, NULL, 0) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("down", "it takes no operand");
	if (cli_conf(cli, &conf) != 0)
		return CLI_USAGE;
	rc = stop(&conf);
	if (rc == CLI_OK)
		rc = wait_down(&conf);
	if (rc == CLI_OK)
		(void)fputs("bulkhead is down.\n", stderr);
	return rc;
}
