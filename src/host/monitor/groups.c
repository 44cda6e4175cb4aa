/*
 * groups: the cgroup of each machine, from before its first process to after
 * its last: see vm/cgroup.h. Where there are none the machines run all the
 * same, under resource limits, and the log, `bulkhead status` and the audit
 * record of the start say so.
 */
#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

/* A killed QEMU gives its memory back; then its group can be removed. */
enum { GROUPS_SWEEP_MS = 200, GROUPS_STOP_MS = 3000 };

void groups_start(struct monitor *m)
{
	char run[2 * MSG_RUN + 1];

	hex_encode(run, m->ids.run, MSG_RUN);
	m->groups_timer = -1;
	cgroups_find(&m->groups, &cgroup_proc);
	cgroups_start(&m->groups, run);
	if (m->groups.kind == CGROUP_NONE)
		log_warn("no-cgroups", "why=\"%s\"", m->groups.why);
	else
		log_info("cgroups", "what=\"%s\"", m->groups.why);
}

int groups_launch(struct monitor *m, struct vm_launch *l, struct vm_procs *ret,
		  struct err *err)
{
	struct cgroup_limits limits;
	int fds[CGROUP_TREES];
	int n, i, r;

	cgroup_limits_of(&l->spec, &limits);
	n = cgroup_make(&m->groups, l->name, &limits, fds, err);
	if (n < 0)
		return n;
	l->cgroup_fds = fds;
	l->n_cgroup_fds = (size_t)n;
	r = vm_launch(l, ret, err);
	l->cgroup_fds = NULL;
	l->n_cgroup_fds = 0;
	for (i = 0; i < n; i++)
		fd_close(&fds[i]);
	if (r < 0)
		groups_leave(m, l->name);
	return r;
}

void groups_slow(struct monitor *m, const struct mvm *v)
{
	char name[CGROUP_NAME];

	(void)str_printf(name, sizeof(name), "vm-%llu",
			 (unsigned long long)v->id);
	cgroup_reweigh(&m->groups, name, CGROUP_WEIGHT_SLOW);
}

static void on_sweep(void *arg);

static void sweep_later(struct monitor *m)
{
	if (m->groups_timer < 0 && m->groups.n_dying)
		m->groups_timer =
			loop_timer(&m->loop, GROUPS_SWEEP_MS, on_sweep, m);
}

static void on_sweep(void *arg)
{
	struct monitor *m = arg;

	m->groups_timer = -1;
	(void)cgroups_sweep(&m->groups);
	sweep_later(m);
}

void groups_leave(struct monitor *m, const char *name)
{
	cgroup_end(&m->groups, name);
	sweep_later(m);
}

void groups_end(struct monitor *m)
{
	size_t left;

	loop_timer_del(&m->loop, m->groups_timer);
	m->groups_timer = -1;
	left = cgroups_stop(&m->groups, GROUPS_STOP_MS);
	if (left)
		log_warn("cgroups-left", "hierarchies=%zu", left);
}
