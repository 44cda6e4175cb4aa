/*
 * supervisor: see supervisor.h.
 *
 * It holds a lock in the state directory, by which `bulkhead down` finds it
 * where there is no monitor just then. It reads nothing but what the monitor
 * says to who starts it, and keeps nothing: whoever kills it leaves a monitor
 * that nobody starts again.
 */
#include "cli/supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/signalfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/backoff.h"
#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"
#include "cli/cli.h"
#include "cli/place.h"
#include "state/state.h"

enum { READ_MAX = 1024 };

struct supervisor {
	const struct conf *conf;
	supervisor_fn start;
	void *arg;
	int ready_fd;  /* of who started us; -1: told */
	int signal_fd; /* owned, like the lock */
	int lock_fd;
	sigset_t before; /* the signals of the monitor */
	pid_t pid;	 /* of the monitor; 0: there is none */
	int from;	 /* what it says to who started it; owned */
	int status;	 /* of its end */
	bool was_ready;	 /* any of them */
	bool stopping;
	uint32_t failures;
	uint64_t since_ms;
	char last[8]; /* the end of what was said */
};

static int lock_path(const struct conf *conf, char *dst, size_t cap)
{
	return str_printf(dst, cap, "%s/supervisor", conf->state);
}

pid_t supervisor_pid(const struct conf *conf)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[CONF_PATH_MAX + 16];
	CLEAN_FD int fd = -1;

	if (lock_path(conf, path, sizeof(path)) < 0)
		return 0;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (fd < 0 || fcntl(fd, F_GETLK, &l) < 0 || l.l_type == F_UNLCK)
		return 0;
	return l.l_pid;
}

static int take_lock(struct supervisor *s)
{
	struct flock l = { .l_type = F_WRLCK, .l_whence = SEEK_SET };
	char path[CONF_PATH_MAX + 16];

	if (lock_path(s->conf, path, sizeof(path)) < 0)
		return -ENAMETOOLONG;
	s->lock_fd =
		open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (s->lock_fd < 0 || fcntl(s->lock_fd, F_SETLK, &l) < 0)
		return -errno;
	return 0;
}

static int take_signals(struct supervisor *s)
{
	sigset_t set;

	(void)sigemptyset(&set);
	(void)sigaddset(&set, SIGTERM);
	(void)sigaddset(&set, SIGINT);
	(void)sigaddset(&set, SIGHUP);
	(void)sigaddset(&set, SIGCHLD);
	(void)signal(SIGPIPE, SIG_IGN);
	if (sigprocmask(SIG_BLOCK, &set, &s->before) < 0)
		return -errno;
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	return s->signal_fd < 0 ? -errno : 0;
}

static bool latch_is_set(const struct conf *conf)
{
	char path[CONF_PATH_MAX + 16];

	return place_latch(conf, path, sizeof(path)) < 0 ||
	       access(path, F_OK) == 0 || errno != ENOENT;
}

/* --- one monitor --------------------------------------------------------- */

static int start_one(struct supervisor *s)
{
	int pair[2];

	if (pipe2(pair, O_CLOEXEC) < 0)
		return -errno;
	s->from = pair[0];
	s->since_ms = now_ms();
	s->pid = fork();
	if (s->pid == 0) {
		(void)sigprocmask(SIG_SETMASK, &s->before, NULL);
		(void)signal(SIGPIPE, SIG_DFL);
		s->start(s->arg, pair[1]);
		_exit(CLI_NO);
	}
	(void)close(pair[1]);
	if (s->pid < 0) {
		s->pid = 0;
		return -errno;
	}
	return 0;
}

/* What it says goes to who started us, until it is ready. */
static void on_words(struct supervisor *s)
{
	static const char word[] = "ready\n";
	const size_t len = sizeof(word) - 1;
	char text[sizeof(s->last) + READ_MAX];
	size_t had = strlen(s->last);
	ssize_t n;

	memcpy(text, s->last, had);
	n = read(s->from, text + had, READ_MAX);
	if (n <= 0) {
		fd_close(&s->from);
		return;
	}
	if (s->ready_fd >= 0)
		(void)fd_write_all(s->ready_fd, span_of(text + had, (size_t)n));
	had += (size_t)n;
	if (had < len || memcmp(text + had - len, word, len) != 0) {
		n = had < len ? (ssize_t)had : (ssize_t)len - 1;
		memcpy(s->last, text + had - (size_t)n, (size_t)n);
		s->last[n] = 0;
		return;
	}
	s->was_ready = true;
	s->last[0] = 0;
	fd_close(&s->ready_fd);
}

static void on_signals(struct supervisor *s)
{
	struct signalfd_siginfo si;

	while (read(s->signal_fd, &si, sizeof(si)) == (ssize_t)sizeof(si)) {
		if (si.ssi_signo == SIGCHLD)
			continue;
		s->stopping = true;
		if (s->pid)
			(void)kill(s->pid, SIGTERM);
	}
	if (s->pid && waitpid(s->pid, &s->status, WNOHANG) == s->pid)
		s->pid = 0;
}

/* Until it has ended, or for ms. */
static void wait_for(struct supervisor *s, uint64_t ms)
{
	uint64_t end = now_ms() + ms;

	while (s->pid || (!s->stopping && now_ms() < end)) {
		struct pollfd p[] = { { s->signal_fd, POLLIN, 0 },
				      { s->from, POLLIN, 0 } };
		uint64_t now = now_ms();
		int timeout = s->pid || now >= end ? -1 : (int)(end - now);

		(void)poll(p, ARRAY_SIZE(p), timeout);
		if (p[1].revents)
			on_words(s);
		if (p[0].revents)
			on_signals(s);
	}
}

static void log_end(const struct supervisor *s, uint64_t again_ms)
{
	if (WIFSIGNALED(s->status))
		log_error("monitor-gone", "signal=%d again_in_ms=%llu",
			  WTERMSIG(s->status), (unsigned long long)again_ms);
	else
		log_error("monitor-gone", "code=%d again_in_ms=%llu",
			  WEXITSTATUS(s->status), (unsigned long long)again_ms);
}

/* True: another one is to be started. */
static bool ended(struct supervisor *s)
{
	const struct conf_supervision *c = &s->conf->supervision;
	uint64_t wait;

	while (s->from >= 0)
		on_words(s);
	if (s->stopping || (WIFEXITED(s->status) && !WEXITSTATUS(s->status)))
		return false;
	if (!s->was_ready)
		return false;
	if (WIFEXITED(s->status) &&
	    WEXITSTATUS(s->status) == MONITOR_EXIT_OWNER) {
		log_error("monitor-gone",
			  "code=%d why=\"it is not started "
			  "again: see its last words\"",
			  MONITOR_EXIT_OWNER);
		return false;
	}
	if (now_ms() - s->since_ms >= c->healthy_s * UINT64_C(1000))
		s->failures = 0;
	s->failures++;
	wait = backoff_ms(s->failures, c->backoff_s * UINT64_C(1000));
	log_end(s, wait);
	wait_for(s, wait);
	return !s->stopping;
}

static int run(struct supervisor *s)
{
	do {
		if (latch_is_set(s->conf)) {
			log_warn("latch", "what=\"nothing is started\"");
			return CLI_NO;
		}
		if (start_one(s) < 0) {
			log_error("start", "error=%s", strerrorname_np(errno));
			return CLI_NO;
		}
		wait_for(s, 0);
	} while (ended(s));
	return s->was_ready && (s->stopping || WIFEXITED(s->status)) ? CLI_OK
								     : CLI_NO;
}

int supervisor_run(const struct conf *conf, supervisor_fn start, void *arg,
		   int ready_fd)
{
	struct supervisor s = { .conf = conf,
				.start = start,
				.arg = arg,
				.ready_fd = ready_fd,
				.signal_fd = -1,
				.lock_fd = -1,
				.from = -1 };
	int r;

	log_init("supervisor", LOG_LV_INFO);
	r = take_lock(&s);
	if (r == 0)
		r = take_signals(&s);
	if (r < 0)
		log_error("start",
			  "error=%s why=\"%s/supervisor cannot be "
			  "locked, or no signals can be had\"",
			  strerrorname_np(-r), conf->state);
	r = r < 0 ? CLI_NO : run(&s);
	fd_close(&s.from);
	fd_close(&s.signal_fd);
	fd_close(&s.lock_fd);
	return r;
}
