/*
 * groups: the cgroups of a VM, joined by its processes themselves. Joining
 * the first after a pause costs the kernel 5 to 15 ms, in which a process that
 * has begun its work goes on; so each is given the groups' cgroup.procs as
 * descriptors behind its row and joins when it has nothing better to do, but
 * before it reads the first foreign byte.
 */
#ifndef PRIVSEP_GROUPS_H
#define PRIVSEP_GROUPS_H

#include <sys/types.h>

#include "base/err.h"
#include "privsep/graph.h"

enum { GROUPS_MAX = 3 }; /* cgroup v1 has a tree for each kind of limit */

/*
 * Puts the process child (unless it is 0) and then this one into the n groups,
 * and closes them: whoever holds one could put any process there. 0, or
 * -errno: it must not go on.
 */
[[nodiscard]] int groups_join(enum proc self, unsigned n, pid_t child,
			      struct err *err);

#endif
