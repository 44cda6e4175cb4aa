/*
 * up: starts the monitor, which starts everything else.
 *
 * The monitor gets one descriptor beyond its standard ones, a pipe on which it
 * says "ready", or why not before it ends. Without --foreground it becomes a
 * daemon whose log is STATE/log/bulkhead.log. With --supervise it is the child
 * of a process that starts it again when it dies.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "cli/client.h"
#include "cli/place.h"
#include "cli/supervisor.h"
#include "state/state.h"

enum {
	READY_S = 60,
	READY_READ = 1024,
	READY_MAX = 64 << 10,
	NOTICE_MS = 2000
};

struct up {
	struct conf conf;
	char config[CONF_PATH_MAX];
	char libexec[CONF_PATH_MAX];
	char images[CONF_PATH_MAX];
	bool foreground, supervise, detach;
	int ready_fd; /* the monitor's end, as long as it is ours */
};

/*
 * An older state is brought up to this version while nobody runs on it. Where
 * the lock cannot be had, the monitor tells why.
 */
static int upgrade_state(const struct up *u)
{
	CLEAN_FD int dir =
		open(u->conf.state, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	CLEAN_FD int lock =
		dir < 0 ? -1
			: openat(dir, "lock",
				 O_CREAT | O_RDWR | O_CLOEXEC | O_NOFOLLOW,
				 0600);
	struct err err = { 0 };
	unsigned from;

	if (lock < 0 || flock(lock, LOCK_EX | LOCK_NB) < 0)
		return CLI_OK;
	if (state_upgrade(dir, &from, &err) < 0) {
		cli_error("%s/%s", u->conf.state, err.msg);
		return CLI_NO;
	}
	if (from && from < STATE_VERSION)
		(void)fprintf(stderr,
			      "%s: brought up from version %u to %d; the old "
			      "one is in upgrade/version-%u.tar\n",
			      u->conf.state, from, STATE_VERSION, from);
	return CLI_OK;
}

/* Refuses to start twice, and with the latch set tells how to clear it. */
static int check_state(const struct up *u)
{
	char latch[CONF_PATH_MAX + 16];
	CLEAN_FD int running = client_connect(u->conf.socket);
	int rc;

	if (running < 0 && supervisor_pid(&u->conf)) {
		cli_error("`up --supervise` is about to start bulkhead here; "
			  "`bulkhead down` ends it");
		return CLI_NO;
	}
	if (running >= 0) {
		cli_error("bulkhead is running already (%s): `bulkhead "
			  "status` shows it, `bulkhead down` ends it",
			  u->conf.socket);
		return CLI_NO;
	}
	if (place_latch(&u->conf, latch, sizeof(latch)) == 0 &&
	    access(latch, F_OK) == 0) {
		cli_error("the kill latch is set; `bulkhead rearm` clears it");
		return CLI_NO;
	}
	rc = place_make(u->conf.state);
	if (rc < 0) {
		cli_error("%s: %s: check the owners of the directories in "
			  "it, or name another state directory in "
			  "bulkhead.yaml",
			  u->conf.state, strerror(-rc));
		return CLI_NO;
	}
	return upgrade_state(u);
}

/* STATE/log/bulkhead.log as stderr, nothing as stdin and stdout. */
static int daemon_stdio(const struct up *u)
{
	char path[CONF_PATH_MAX + 32];
	CLEAN_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEAN_FD int log = -1;

	if (str_printf(path, sizeof(path), "%s/log", u->conf.state) < 0 ||
	    place_make(path) < 0 ||
	    str_printf(path, sizeof(path), "%s/log/bulkhead.log",
		       u->conf.state) < 0)
		return -1;
	log = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW,
		   0600);
	if (log < 0 || null < 0)
		return -1;
	return dup2(null, 0) < 0 || dup2(null, 1) < 0 || dup2(log, 2) < 0 ? -1
									  : 0;
}

_Noreturn static void exec_monitor(const struct up *u)
{
	char path[CONF_PATH_MAX + 32], ready[16];
	const char *argv[] = { path,	   "--config", u->config, "--libexec",
			       u->libexec, "--images", u->images, "--ready-fd",
			       ready,	   NULL };
	static const char *const keep[] = { "PATH", "HOME", "NO_COLOR",
					    /* of a service manager */
					    "NOTIFY_SOCKET", "WATCHDOG_USEC",
					    "WATCHDOG_PID", "JOURNAL_STREAM",
					    "CREDENTIALS_DIRECTORY" };
	const char *envp[ARRAY_SIZE(keep) + 1] = { 0 };
	char text[ARRAY_SIZE(keep)][CONF_PATH_MAX];
	size_t i, n = 0;

	for (i = 0; i < ARRAY_SIZE(keep); i++) {
		const char *v = getenv(keep[i]);

		if (v && str_printf(text[n], sizeof(text[n]), "%s=%s", keep[i],
				    v) > 0) {
			envp[n] = text[n];
			n++;
		}
	}
	if (str_printf(path, sizeof(path), "%s/bulkhead-monitor", u->libexec) >
		    0 &&
	    str_printf(ready, sizeof(ready), "%d", u->ready_fd) > 0 &&
	    fcntl(u->ready_fd, F_SETFD, 0) == 0)
		(void)execve(path, (char *const *)(uintptr_t)argv,
			     (char *const *)(uintptr_t)envp);
	(void)dprintf(u->ready_fd, "%s: %s: install all of bulkhead again\n",
		      path, strerror(errno));
	_exit(CLI_NO);
}

static void supervised(void *arg, int ready_fd)
{
	struct up *u = arg;

	u->ready_fd = ready_fd;
	exec_monitor(u);
}

_Noreturn static void child(struct up *u)
{
	(void)umask(077);
	if (!u->foreground && (setsid() < 0 || daemon_stdio(u) < 0)) {
		(void)dprintf(u->ready_fd,
			      "cannot open the log in %s/log: %s: check its "
			      "owner, or move it away\n",
			      u->conf.state, strerror(errno));
		_exit(CLI_NO);
	}
	if (u->supervise)
		_exit(supervisor_run(&u->conf, supervised, u, u->ready_fd));
	exec_monitor(u);
}

/* What the monitor said before it ended, a line each. */
static void tell_failure(const struct buf *in)
{
	struct span rest = buf_view(in);

	if (!rest.n)
		cli_error("the monitor ended before it was ready: the end of "
			  "its log says why");
	while (rest.n) {
		const uint8_t *end = memchr(rest.p, '\n', rest.n);
		size_t n = end ? (size_t)(end - rest.p) : rest.n;

		if (n) {
			(void)fputs("bulkhead: ", stderr);
			cli_show(stderr, span_of(rest.p, n));
			(void)fputc('\n', stderr);
		}
		n += end ? 1 : 0;
		rest = span_of(rest.p + n, rest.n - n);
	}
}

/* Reads what is there; 0 while it goes on, 1 or -1 at the end. */
static int ready_read(int fd, struct buf *in)
{
	static const char word[] = "ready\n";
	size_t len = sizeof(word) - 1;
	uint8_t *p = buf_extend(in, READY_READ);
	ssize_t n;

	if (!p) {
		cli_error("the monitor says too much: install all of "
			  "bulkhead again");
		return -1;
	}
	n = read(fd, p, READY_READ);
	buf_cut(in, in->n - READY_READ + (n > 0 ? (size_t)n : 0));
	if (n <= 0) {
		tell_failure(in);
		return -1;
	}
	return in->n >= len && !memcmp(in->p + in->n - len, word, len) ? 1 : 0;
}

/* Waits for the ready line. 1 or -1. */
static int wait_ready(int fd)
{
	uint64_t start = now_ms(), end = start + READY_S * 1000ULL;
	CLEAN_BUF struct buf in;
	bool told = false;
	int rc = 0;

	buf_init(&in, READY_MAX);
	while (rc == 0) {
		struct pollfd p = { fd, POLLIN, 0 };

		if (now_ms() >= end) {
			cli_error("not ready after %d s: the end of its log "
				  "says how far it came",
				  (int)READY_S);
			return -1;
		}
		if (poll(&p, 1, 500) > 0)
			rc = ready_read(fd, &in);
		if (rc == 0 && !told && now_ms() - start > NOTICE_MS) {
			(void)fputs("still starting; the first start probes "
				    "the accelerator with a real guest ...\n",
				    stderr);
			told = true;
		}
	}
	return rc;
}

static int start(struct up *u)
{
	CLEAN_FD int ready = -1;
	int pipefd[2], rc;
	pid_t pid;

	if (pipe2(pipefd, O_CLOEXEC) < 0) {
		cli_error("pipe: %s", strerror(errno));
		return CLI_NO;
	}
	ready = pipefd[0];
	u->ready_fd = pipefd[1];
	pid = fork();
	if (pid == 0)
		child(u);
	(void)close(u->ready_fd);
	if (pid < 0) {
		cli_error("fork: %s", strerror(errno));
		return CLI_NO;
	}
	rc = wait_ready(ready);
	if (rc > 0) {
		(void)fprintf(stderr,
			      "bulkhead is up; its log is "
			      "%s/log/bulkhead.log\n",
			      u->conf.state);
		return CLI_OK;
	}
	(void)kill(pid, SIGTERM);
	cli_error("not started; more may be in %s/log/bulkhead.log",
		  u->conf.state);
	return CLI_NO;
}

/*
 * Tells when it is ready, from a process of its own, that is nobody's child:
 * the monitor, which takes our place, must only have children of its making.
 */
static int start_teller(int ready, int other)
{
	pid_t pid = fork();

	if (pid < 0)
		return -errno;
	if (pid > 0)
		return waitpid(pid, NULL, 0) < 0 ? -errno : 0;
	(void)close(other);
	if (fork() == 0 && wait_ready(ready) > 0)
		(void)fputs("bulkhead is up.\n", stderr);
	_exit(0);
}

/* The monitor in our place. */
static int foreground(struct up *u)
{
	int pipefd[2];
	int rc;

	if (pipe2(pipefd, O_CLOEXEC) < 0) {
		cli_error("pipe: %s", strerror(errno));
		return CLI_NO;
	}
	rc = start_teller(pipefd[0], pipefd[1]);
	if (rc < 0) {
		cli_error("fork: %s", strerror(-rc));
		return CLI_NO;
	}
	u->ready_fd = pipefd[1];
	child(u);
}

/* The monitor may run elsewhere: a path from here must hold there. */
static int absolute(char *path, size_t cap)
{
	char here[CONF_PATH_MAX], full[2 * CONF_PATH_MAX];

	if (!path[0] || path[0] == '/')
		return 0;
	if (!getcwd(here, sizeof(here)) ||
	    str_printf(full, sizeof(full), "%s/%s", here, path) < 0)
		return -1;
	return str_copy(path, cap, span_str(full));
}

int cmd_up(int argc, char **argv, const struct cli *cli)
{
	const char *images = NULL;
	struct up u = { 0 };
	const struct cli_opt opts[] = {
		{ "--foreground", &u.foreground, NULL },
		{ "--supervise", &u.supervise, NULL },
		{ "--detach", &u.detach, NULL },
		{ "--images", NULL, &images },
	};
	struct err err;

	if (cli_options(&argc, argv, opts, ARRAY_SIZE(opts)) != 0)
		return CLI_USAGE;
	if (argc > 1)
		return cli_usage("up", "it takes no operand");
	if (u.detach && u.foreground)
		return cli_usage("up", "--detach or --foreground, not both");
	u.foreground |= u.supervise && !u.detach;
	if (cli_conf(cli, &u.conf) != 0 ||
	    cli_conf_path(cli, u.config, sizeof(u.config)) < 0 ||
	    absolute(u.config, sizeof(u.config)) < 0)
		return CLI_USAGE;
	if (place_libexec(u.libexec, sizeof(u.libexec), &err) < 0 ||
	    place_images(images, u.images, sizeof(u.images), &err) < 0) {
		cli_error("%s", err.msg);
		return CLI_NO;
	}
	if (absolute(u.images, sizeof(u.images)) < 0 ||
	    check_state(&u) != CLI_OK)
		return CLI_NO;
	return u.foreground ? foreground(&u) : start(&u);
}
