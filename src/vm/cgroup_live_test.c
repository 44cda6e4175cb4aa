/*
 * Goal of this test: the kernel holds what cgroup.c asks for: a process in a
 * group takes no more memory, processes or processor time than its limits, and
 * nothing is left behind. Skipped where no cgroup is ours to shape.
 */
#include "vm/cgroup.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"

enum { MIB = 1 << 20, MEMORY_MIB = 64, PIDS = 6, SPIN_MS = 1000 };

static struct cgroups g;

static void need(bool cond, const char *what)
{
	if (cond) {
		(void)printf("ok: %s\n", what);
		return;
	}
	(void)printf("FAILED: %s\n", what);
	(void)cgroups_stop(&g, 2000);
	exit(1);
}

/* Touches that much; killed, if the group has less. */
static int hog_memory(void)
{
	size_t i, n = (size_t)2 * MEMORY_MIB * MIB;
	uint8_t *p = mmap(NULL, n, PROT_READ | PROT_WRITE,
			  MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (i = 0; p != MAP_FAILED && i < n; i += 4096)
		p[i] = 1;
	return 0;
}

/* How many children it could have at once. */
static int hog_pids(void)
{
	int n;

	for (n = 0; n < 4 * PIDS; n++) {
		pid_t pid = fork();

		if (pid == 0) {
			(void)pause();
			_exit(0);
		}
		if (pid < 0)
			break;
	}
	return n;
}

/* Per cent of a processor that it got. */
static int hog_cpu(void)
{
	uint64_t end = now_ms() + SPIN_MS;
	struct rusage u;
	long ms;

	while (now_ms() < end)
		;
	if (getrusage(RUSAGE_SELF, &u) < 0)
		return 127;
	ms = u.ru_utime.tv_sec * 1000 + u.ru_utime.tv_usec / 1000 +
	     u.ru_stime.tv_sec * 1000 + u.ru_stime.tv_usec / 1000;
	return (int)(100 * ms / SPIN_MS);
}

/* Its wait status, in a group with these limits. */
static int run_in_group(const char *name, int (*fn)(void))
{
	static const struct cgroup_limits l = { .memory = (uint64_t)MEMORY_MIB *
							  MIB,
						.pids = PIDS,
						.cpu_percent = 50,
						.weight = 100 };
	int fds[CGROUP_TREES];
	struct err err = { 0 };
	int status = 0;
	int n = cgroup_make(&g, name, &l, fds, &err);
	pid_t pid;
	int i;

	need(n > 0, err.code ? err.msg : "its group is made");
	pid = fork();
	if (pid == 0) {
		(void)setpgid(0, 0);
		for (i = 0; i < n; i++)
			if (write(fds[i], "0", 1) != 1)
				_exit(126);
		_exit(fn());
	}
	for (i = 0; i < n; i++)
		fd_close(&fds[i]);
	need(pid > 0 && waitpid(pid, &status, 0) == pid, "it ended");
	(void)kill(-pid, SIGKILL);
	cgroup_end(&g, name);
	return status;
}

/* A monitor that dies without a word. */
static void die_with_a_group(void)
{
	static const struct cgroup_limits l = { MIB, 1, 100, 100 };
	struct err err = { 0 };
	int fds[CGROUP_TREES];
	pid_t pid = fork();

	if (pid == 0) {
		cgroups_find(&g, &cgroup_proc);
		cgroups_start(&g, "livedead");
		_exit(cgroup_make(&g, "vm-1", &l, fds, &err) > 0 ? 0 : 1);
	}
	need(pid > 0, "fork");
	{
		int status = 1;

		(void)waitpid(pid, &status, 0);
		need(status == 0, "another run left a group behind");
	}
}

static bool exists(const char *run)
{
	char path[1024];
	size_t i;

	for (i = 0; i < g.n; i++)
		if (str_printf(path, sizeof(path), "%s/bulkhead-%s",
			       g.trees[i].path, run) > 0 &&
		    access(path, F_OK) == 0)
			return true;
	return false;
}

static unsigned what_there_is(void)
{
	unsigned has = 0;
	size_t i;

	for (i = 0; i < g.n; i++)
		has |= g.trees[i].has;
	return has;
}

int main(void)
{
	char run[32];
	unsigned has;
	uint64_t end;
	int status;

	(void)str_printf(run, sizeof(run), "live%d", getpid());
	cgroups_find(&g, &cgroup_proc);
	if (g.kind != CGROUP_NONE) {
		die_with_a_group();
		cgroups_start(&g, run);
	}
	(void)printf("%s\n", g.why);
	if (g.kind == CGROUP_NONE)
		return 77;
	need(!exists("livedead"), "the dead run's groups are gone");
	has = what_there_is();
	if (has & 1u << CGROUP_MEMORY) {
		status = run_in_group("vm-1", hog_memory);
		need(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL,
		     "more memory than allowed: killed");
	}
	if (has & 1u << CGROUP_PIDS) {
		status = run_in_group("vm-2", hog_pids);
		need(WIFEXITED(status) && WEXITSTATUS(status) == PIDS - 1,
		     "no more processes than allowed");
	}
	if (has & 1u << CGROUP_CPU) {
		status = run_in_group("vm-3", hog_cpu);
		need(WIFEXITED(status) && WEXITSTATUS(status) <= 75,
		     "half a processor is about half a processor");
	}
	end = now_ms() + 5000;
	while (cgroups_sweep(&g) > 0 && now_ms() < end)
		(void)usleep(10000);
	need(g.n_dying == 0, "every group is removed");
	need(cgroups_stop(&g, 2000) == 0 && !exists(run), "and the run's");
	return 0;
}
