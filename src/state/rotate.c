/* rotate: see rotate.h. */
#include "state/rotate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"

static const char name[] = "bulkhead.log";
static const char aside[] = "bulkhead.log.tmp";

static bool is_due(int log_fd, struct stat *st)
{
	return fstat(log_fd, st) == 0 && S_ISREG(st->st_mode) &&
	       st->st_size > ROTATE_BYTES;
}

/* The rest of one file behind the other, as far as it goes now. */
static int copy_rest(int in, int out)
{
	uint8_t chunk[64 << 10];
	ssize_t n;
	int r = 0;

	while (r == 0 && (n = fd_read_all(in, chunk, sizeof(chunk))) != 0)
		r = n < 0 ? (int)n
			  : fd_write_all(out, span_of(chunk, (size_t)n));
	return r;
}

int rotate_log(int state_dir, int log_fd)
{
	CLEAN_FD int dir = -1, in = -1, out = -1;
	struct stat st, here;
	int r;

	if (!is_due(log_fd, &st))
		return 0;
	dir = openat(state_dir, "log",
		     O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	if (dir >= 0)
		in = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	if (in < 0 || fstat(in, &here) < 0)
		return -errno;
	if (st.st_dev != here.st_dev || st.st_ino != here.st_ino)
		return 0;
	out = openat(dir, aside,
		     O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		     0600);
	r = out < 0 ? -errno : copy_rest(in, out);
	if (r < 0)
		/* No room for a copy: then the log goes on without one. */
		return ftruncate(log_fd, 0) < 0 ? -errno : r;
	if (renameat(dir, "bulkhead.log.1", dir, "bulkhead.log.2") < 0 &&
	    errno != ENOENT)
		return -errno;
	if (renameat(dir, aside, dir, "bulkhead.log.1") < 0)
		return -errno;
	r = copy_rest(in, out);
	if (ftruncate(log_fd, 0) < 0)
		return -errno;
	return r < 0 ? r : 1;
}
