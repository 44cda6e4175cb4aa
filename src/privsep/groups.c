/* groups: see groups.h. */
#include "privsep/groups.h"

#include <errno.h>

#include "base/fd.h"
#include "base/str.h"

static int first_fd(enum proc p)
{
	const struct proc_row *row = graph_row(p);
	int n = 0;

	while (n < GRAPH_FDS && row->fds[n] != FD_NONE)
		n++;
	return GRAPH_FD_BASE + n;
}

/* "0" is whoever writes it. */
static int join(int fd, pid_t child)
{
	char pid[16];
	int r = 0;

	if (child > 0) {
		(void)str_printf(pid, sizeof(pid), "%d", child);
		r = fd_write_all(fd, span_str(pid));
	}
	return r < 0 ? r : fd_write_all(fd, SPAN_LIT("0"));
}

int groups_join(enum proc self, unsigned n, pid_t child, struct err *err)
{
	unsigned i;
	int r = n > GROUPS_MAX ? -E2BIG : 0;

	for (i = 0; i < n && r == 0; i++) {
		CLEAN_FD int fd = first_fd(self) + (int)i;

		r = join(fd, child);
	}
	return r < 0 ? err_set(err, r, "cgroup %u: %s", i, strerror(-r)) : 0;
}
