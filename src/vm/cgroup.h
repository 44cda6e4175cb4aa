/*
 * cgroup: what one virtual machine may take of the host, held from outside by
 * the kernel: memory, processes, processor time.
 *
 * Theory of operation. Where bulkhead is started, a part of a cgroup tree may
 * be its own to shape: version 2 if it is delegated (systemd-run --scope -p
 * Delegate=yes, a service with Delegate=yes, a container with a private tree)
 * or we are root in it; version 1 if we are root and its memory, pids and cpu
 * hierarchies are mounted writable. Beneath our own group stands one group for
 * each run, and in it one for each machine:
 *
 *	our own group/
 *	  supervisor/           v2: the monitor and all but the machines, for
 *	                        a group with controllers holds no process
 *	  bulkhead-RUN/         locked (flock) as long as its monitor lives
 *	    vm-1/  vm-2/ ...    bulkhead-vmm, QEMU and bulkhead-porter
 *
 * A machine's processes join by themselves before they read a foreign byte
 * (privsep/groups.h). The kernel refuses to remove a group with a process in
 *it, and a killed QEMU needs a moment to be gone: what cannot be removed yet is
 * remembered and tried again. Groups of runs that died are found by their lock.
 * Without any of it there are resource limits only, and that is said.
 */
#ifndef VM_CGROUP_H
#define VM_CGROUP_H

#include <stddef.h>
#include <stdint.h>

#include "vm/vm.h"

enum cgroup_kind { CGROUP_NONE = 0, CGROUP_V1, CGROUP_V2 };

enum cgroup_controller { CGROUP_MEMORY, CGROUP_PIDS, CGROUP_CPU, CGROUP_MAX };

enum {
	CGROUP_TREES = CGROUP_MAX, /* v1: a hierarchy each; v2: one */
	CGROUP_NAME = 64,
	CGROUP_DYING = 256,  /* remembered; the rest goes at the end of the run,
				or at the next start */
	CGROUP_WEIGHT = 100, /* of a machine that works as it should */
	CGROUP_WEIGHT_SLOW = 10, /* of one that has worked for long: whoever
				    came after it goes before it */
	CGROUP_STALE = 4096,	 /* groups of dead runs removed at one start */
};

/* Where the kernel says what there is; a test has its own files. */
struct cgroup_source {
	const char *own;    /* /proc/self/cgroup */
	const char *mounts; /* /proc/self/mountinfo */
};

extern const struct cgroup_source cgroup_proc;

struct cgroups {
	enum cgroup_kind kind;
	char why[240]; /* in words, for status, doctor and the log */
	char run[CGROUP_NAME];
	size_t n;
	struct cgroup_tree {
		unsigned has;	/* bits by enum cgroup_controller */
		char path[512]; /* of our own group */
		int base_fd;	/* the same; owned, -1 before cgroups_start */
		int run_fd;	/* bulkhead-RUN; owned, likewise */
	} trees[CGROUP_TREES];
	char dying[CGROUP_DYING][CGROUP_NAME];
	size_t n_dying;
};

/* "none", "v1", "v2" */
const char *cgroup_kind_name(enum cgroup_kind k);

/* Finds out what there is; changes nothing. Always sets kind and why. */
void cgroups_find(struct cgroups *ret, const struct cgroup_source *from);

/*
 * The directory of our own group in the hierarchy of a controller ("": version
 * 2's), whoever may shape it. 0, -ENOENT or -ENAMETOOLONG.
 */
[[nodiscard]] int cgroup_directory(const struct cgroup_source *from,
				   const char *controller, char *dst,
				   size_t cap);

/*
 * After cgroups_find: removes the groups of dead runs and makes ours; with v2,
 * moves the processes of our group into the leaf `supervisor` first: all of
 * them where the group was delegated, else this one and its parent (`bulkhead
 * up`). When that fails, kind is CGROUP_NONE and
 * why says what to do. run: letters and digits.
 */
void cgroups_start(struct cgroups *g, const char *run);

/*
 * Ends the run's groups and the run: waits at most wait_ms for the last
 * processes to be gone. Returns how many groups had to be left. Idempotent.
 */
size_t cgroups_stop(struct cgroups *g, uint64_t wait_ms);

/* What one machine may take. */
struct cgroup_limits {
	uint64_t memory;      /* bytes, swap none */
	uint32_t pids;	      /* processes and threads */
	uint32_t cpu_percent; /* of one processor */
	uint32_t weight;      /* 1 to 1000 against other machines; 100 */
};

/* Those of a machine of ours. */
void cgroup_limits_of(const struct vm_spec *spec, struct cgroup_limits *ret);

/*
 * Makes the group of a machine, e.g. "vm-17", and opens its cgroup.procs in
 * each hierarchy into fds, the caller's: writing "0" there joins. Returns how
 * many, 0 without cgroups, or a negative errno and then nothing is left.
 */
[[nodiscard]] int cgroup_make(struct cgroups *g, const char *name,
			      const struct cgroup_limits *l,
			      int fds[CGROUP_TREES], struct err *err);

/* Another weight for a machine that runs; without the cpu controller nothing.
 */
void cgroup_reweigh(struct cgroups *g, const char *name, uint32_t weight);

/* Ends what still runs in it (v2) and removes it, now or in cgroups_sweep. */
void cgroup_end(struct cgroups *g, const char *name);

/* Tries those again that could not be removed; how many are left. */
size_t cgroups_sweep(struct cgroups *g);

#endif
