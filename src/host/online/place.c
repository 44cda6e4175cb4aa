/* place: see place.h. */
#include "place.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

/* #syscalls:online openat lseek */
int place_load(int dir, const char *name, struct buf *ret)
{
	CLEAN_FD int fd = openat(dir, name, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	uint8_t *p;
	ssize_t n;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	if (!S_ISREG(st.st_mode) || st.st_size > PLACE_MAX)
		return -EFBIG;
	p = buf_extend(ret, (size_t)st.st_size);
	if (!p)
		return st.st_size ? -ENOMEM : 0;
	n = fd_read_all(fd, p, (size_t)st.st_size);
	if (n < 0)
		return (int)n;
	return n == st.st_size ? 0 : -EIO;
}

/* #syscalls:online fsync unlinkat unlink renameat renameat2 rename */
int place_save(int dir, const char *name, struct span bytes)
{
	CLEAN_FD int fd = -1;
	char aside[64];
	int r;

	if (str_printf(aside, sizeof(aside), "%s.new", name) < 0)
		return -ENAMETOOLONG;
	fd = openat(dir, aside,
		    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, bytes);
	if (r == 0 && fsync(fd) < 0)
		r = -errno;
	if (r == 0 && renameat(dir, aside, dir, name) < 0)
		r = -errno;
	if (r < 0) {
		(void)unlinkat(dir, aside, 0);
		return r;
	}
	return fsync(dir) < 0 ? -errno : 0;
}
