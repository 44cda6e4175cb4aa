/*
 * spawn: see spawn.h. A child gets named fds only. It runs in our memory until
 * it execs, and we wait for that anyway: a copy of the monitor's page tables,
 * and of each page that it touches next, costs more than all the rest. So the
 * child writes to nothing but its stack, and never returns from child().
 */
#include "privsep/spawn.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"

enum { SPAWN_ARGS = 16, SPAWN_HIGH_FD = 64 };

static size_t row_fds(const struct proc_row *row)
{
	size_t n = 0;

	while (n < GRAPH_FDS && row->fds[n] != FD_NONE)
		n++;
	return n;
}

/*
 * Puts the fds at 3.. in order: first all of them high, so that none is
 * overwritten while it is still needed, then down.
 */
static int place_fds(const struct spawn *s, size_t n, int *error_fd)
{
	int high[GRAPH_FDS + SPAWN_MORE_FDS];
	size_t all = n + s->n_more_fds;
	size_t i;

	if (s->n_more_fds > SPAWN_MORE_FDS) {
		errno = E2BIG;
		return -1;
	}
	*error_fd = fcntl(*error_fd, F_DUPFD_CLOEXEC, SPAWN_HIGH_FD);
	if (*error_fd < 0)
		return -1;
	for (i = 0; i < all; i++) {
		high[i] = fcntl(i < n ? s->fds[i] : s->more_fds[i - n],
				F_DUPFD_CLOEXEC, SPAWN_HIGH_FD);
		if (high[i] < 0)
			return -1;
	}
	for (i = 0; i < all; i++)
		if (dup2(high[i], GRAPH_FD_BASE + (int)i) < 0)
			return -1;
	/* What is above and not close-on-exec goes too, but the error pipe. */
	return (int)syscall(SYS_close_range, GRAPH_FD_BASE + (unsigned)all, ~0u,
			    CLOSE_RANGE_CLOEXEC);
}

static int null_stdio(void)
{
	CLEAN_FD int fd = open("/dev/null", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		return -1;
	return dup2(fd, STDIN_FILENO) < 0 || dup2(fd, STDOUT_FILENO) < 0 ? -1
									 : 0;
}

/* More than what started it has anybody may give himself. Where it cannot be
 * set the kernel chooses as it likes. */
static void take_oom(unsigned score)
{
	CLEAN_FD int fd = -1;
	char text[16];

	if (!score)
		return;
	fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);
	if (fd >= 0 && str_printf(text, sizeof(text), "%u", score) > 0)
		(void)fd_write_all(fd, span_str(text));
}

_Noreturn static void child(const struct spawn *s, const char *path,
			    pid_t parent, int error_fd)
{
	const struct proc_row *row = graph_row(s->proc);
	const char *argv[SPAWN_ARGS + 2] = { path };
	char log[LOG_ENV_MAX];
	char *const envp[] = { log, NULL };
	sigset_t none;
	size_t i;

	for (i = 0; s->args && s->args[i] && i < SPAWN_ARGS; i++)
		argv[1 + i] = s->args[i];
	(void)log_env(log, sizeof(log), s->ids);
	take_oom(row->oom);
	(void)sigemptyset(&none);
	(void)sigprocmask(SIG_SETMASK, &none, NULL);
	if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) == 0 &&
	    getppid() == parent && null_stdio() == 0 &&
	    place_fds(s, row_fds(row), &error_fd) == 0)
		(void)execve(path, (char *const *)(uintptr_t)argv, envp);
	i = (size_t)errno;
	(void)fd_write_all(error_fd, span_of(&i, sizeof(i)));
	_exit(127);
}

pid_t spawn_process(const struct spawn *s, int *ret_pidfd, struct err *err)
{
	CLEAN_FD int from_child = -1;
	CLEAN_FD int to_parent = -1;
	char path[4096];
	size_t child_errno = 0;
	pid_t parent = getpid();
	pid_t pid;
	int pipefd[2];

	if (str_printf(path, sizeof(path), "%s/bulkhead-%s", s->libexec,
		       graph_row(s->proc)->name) < 0)
		return err_set(err, -ENAMETOOLONG, "libexec path too long");
	if (pipe2(pipefd, O_CLOEXEC) < 0)
		return err_set(err, -errno, "pipe: errno %d", errno);
	from_child = pipefd[0];
	to_parent = pipefd[1];
	pid = vfork(); /* NOLINT(clang-analyzer-security.insecureAPI.vfork) */
	if (pid < 0)
		return err_set(err, -errno, "vfork: errno %d", errno);
	/* In a frame of its own, which ends by execve or _exit.
	 * NOLINTBEGIN(clang-analyzer-unix.Vfork) */
	if (pid == 0)
		child(s, path, parent, to_parent);
	/* NOLINTEND(clang-analyzer-unix.Vfork) */
	fd_close(&to_parent);
	if (fd_read_all(from_child, &child_errno, sizeof(child_errno)) > 0) {
		(void)waitpid(pid, NULL, 0);
		return err_set(err, -(int)child_errno,
			       "%s: cannot start: %s: install all of bulkhead "
			       "again",
			       path, strerror((int)child_errno));
	}
	*ret_pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	if (*ret_pidfd < 0) {
		int e = errno;

		(void)kill(pid, SIGKILL);
		(void)waitpid(pid, NULL, 0);
		return err_set(err, -e, "pidfd_open: errno %d", e);
	}
	return pid;
}
