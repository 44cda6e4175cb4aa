/* gate: see gate.h. */
#include "privsep/gate.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

enum {
	GATE_SEALS =
		F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_FUTURE_WRITE | F_SEAL_SEAL,
};

struct gate {
	_Atomic uint32_t all, agent;
	_Atomic uint32_t n_capabilities, n_tasks; /* rows ever used */
	struct {
		_Atomic uint32_t shut;
		char name[LIMIT_NAME + 1];
	} capabilities[GATE_CAPABILITIES];
	_Atomic uint64_t tasks[GATE_TASKS]; /* 0: free */
};

static_assert(ATOMIC_LLONG_LOCK_FREE == 2, "no lock is shared");

int gate_make(struct gate **ret, int *ret_fd)
{
	CLEAN_FD int fd =
		memfd_create("latches", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	void *p;

	if (fd < 0 || ftruncate(fd, sizeof(struct gate)) < 0)
		return -errno;
	p = mmap(NULL, sizeof(struct gate), PROT_READ | PROT_WRITE, MAP_SHARED,
		 fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, GATE_SEALS) < 0) {
		int r = -errno;

		(void)munmap(p, sizeof(struct gate));
		return r;
	}
	*ret = p;
	*ret_fd = take_fd(&fd);
	return 0;
}

static struct span name_of(const struct gate *g, uint32_t i)
{
	return span_of(g->capabilities[i].name,
		       strnlen(g->capabilities[i].name, LIMIT_NAME));
}

/* The row of a capability that is shut; GATE_CAPABILITIES: there is none. */
static uint32_t find_capability(const struct gate *g, struct span name)
{
	uint32_t n = atomic_load(&g->n_capabilities), i;

	for (i = 0; i < n && i < GATE_CAPABILITIES; i++)
		if (atomic_load(&g->capabilities[i].shut) &&
		    span_eq(name_of(g, i), name))
			return i;
	return GATE_CAPABILITIES;
}

static uint32_t find_task(const struct gate *g, uint64_t task)
{
	uint32_t n = atomic_load(&g->n_tasks), i;

	for (i = 0; i < n && i < GATE_TASKS; i++)
		if (atomic_load(&g->tasks[i]) == task)
			return i;
	return GATE_TASKS;
}

static bool shut_capability(struct gate *g, struct span name)
{
	uint32_t n = atomic_load(&g->n_capabilities), i;

	if (find_capability(g, name) < GATE_CAPABILITIES)
		return true;
	for (i = 0; i < n && atomic_load(&g->capabilities[i].shut); i++)
		;
	if (i == GATE_CAPABILITIES ||
	    str_copy(g->capabilities[i].name, sizeof(g->capabilities[i].name),
		     name) < 0)
		return false;
	atomic_store(&g->capabilities[i].shut, 1);
	if (i == n)
		atomic_store(&g->n_capabilities, n + 1);
	return true;
}

static bool shut_task(struct gate *g, uint64_t task)
{
	uint32_t n = atomic_load(&g->n_tasks), i;

	if (find_task(g, task) < GATE_TASKS)
		return true;
	for (i = 0; i < n && atomic_load(&g->tasks[i]); i++)
		;
	if (i == GATE_TASKS)
		return false;
	atomic_store(&g->tasks[i], task);
	if (i == n)
		atomic_store(&g->n_tasks, n + 1);
	return true;
}

int gate_shut(struct gate *g, const struct gate_row *row)
{
	bool fits = true;

	if (row->all)
		atomic_store(&g->all, 1);
	if (row->agent)
		atomic_store(&g->agent, 1);
	if (row->capability.n)
		fits = shut_capability(g, row->capability);
	if (row->task)
		fits = shut_task(g, row->task) && fits;
	if (fits)
		return 0;
	atomic_store(&g->agent, 1);
	return -ENOSPC;
}

void gate_open(struct gate *g, const struct gate_row *row)
{
	uint32_t i;

	if (row->all)
		atomic_store(&g->all, 0);
	if (row->agent)
		atomic_store(&g->agent, 0);
	if (row->capability.n) {
		i = find_capability(g, row->capability);
		if (i < GATE_CAPABILITIES)
			atomic_store(&g->capabilities[i].shut, 0);
	}
	if (row->task) {
		i = find_task(g, row->task);
		if (i < GATE_TASKS)
			atomic_store(&g->tasks[i], 0);
	}
}

bool gate_is_shut(const struct gate *g, const struct gate_row *row)
{
	if (row->all && !atomic_load(&g->all))
		return false;
	if (row->agent && !atomic_load(&g->agent))
		return false;
	if (row->task && find_task(g, row->task) == GATE_TASKS)
		return false;
	return !row->capability.n ||
	       find_capability(g, row->capability) < GATE_CAPABILITIES;
}

/* #syscalls:broker fcntl int1=F_GET_SEALS
 * #syscalls:connector fcntl int1=F_GET_SEALS */
int gate_map(int fd, const struct gate **ret)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;
	void *p;

	if (seals < 0 || fstat(fd, &st) < 0)
		return -errno;
	if ((seals & GATE_SEALS) != GATE_SEALS ||
	    st.st_size != (off_t)sizeof(struct gate))
		return -EPERM;
	p = mmap(NULL, sizeof(struct gate), PROT_READ, MAP_SHARED, fd, 0);
	if (p == MAP_FAILED)
		return -errno;
	*ret = p;
	return 0;
}

const char *gate_why(const struct gate *g, struct span capability,
		     uint64_t task)
{
	if (atomic_load(&g->all))
		return "all";
	if (atomic_load(&g->agent))
		return "agent";
	if (task && find_task(g, task) < GATE_TASKS)
		return "task";
	if (find_capability(g, capability) < GATE_CAPABILITIES)
		return "capability";
	return NULL;
}
