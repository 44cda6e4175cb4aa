/*
 * spawn: fork and exec of one of our own processes with exactly the
 * descriptors of its row.
 */
#ifndef PRIVSEP_SPAWN_H
#define PRIVSEP_SPAWN_H

#include <sys/types.h>

#include "base/err.h"
#include "privsep/graph.h"

enum { SPAWN_MORE_FDS = 4 };

struct spawn {
	enum proc proc;
	const char *libexec; /* directory of the bulkhead-* binaries */
	int fds[GRAPH_FDS];  /* in the order of the row; stay the caller's */
	const char *const *args; /* NULL-terminated, after argv[0]; may be NULL.
				    Never secrets, never foreign bytes. */
	/* What its log lines are about, "vm=vm-17", or NULL. */
	const char *ids;
	/* Behind those of the row, at most SPAWN_MORE_FDS; the caller's. */
	const int *more_fds;
	size_t n_more_fds;
};

/*
 * Starts it: stdin and stdout /dev/null, stderr ours, PDEATHSIG SIGKILL,
 * nothing in the environment but how it is to log (base/log.h). Returns the pid
 * and, in *ret_pidfd, its pidfd (the caller's), or a negative errno.
 */
[[nodiscard]] pid_t spawn_process(const struct spawn *s, int *ret_pidfd,
				  struct err *err);

#endif
