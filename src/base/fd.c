/* fd: see fd.h. */
#include "base/fd.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#define ALL_SEALS (F_SEAL_WRITE | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL)

void fd_close(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		(void)close(*fd);
	*fd = -1;
	errno = saved;
}

void free_ptr(void *p)
{
	void **ptr = p;

	free(*ptr);
	*ptr = NULL;
}

ssize_t fd_read_all(int fd, void *p, size_t n)
{
	uint8_t *dst = p;
	size_t got = 0;

	while (got < n) {
		ssize_t r = read(fd, dst + got, n - got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

ssize_t fd_pread_all(int fd, void *p, size_t n, off_t off)
{
	uint8_t *dst = p;
	size_t got = 0;

	while (got < n) {
		ssize_t r = pread(fd, dst + got, n - got, off + (off_t)got);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		if (r == 0)
			break;
		got += (size_t)r;
	}
	return (ssize_t)got;
}

int fd_write_all(int fd, struct span s)
{
	size_t done = 0;

	while (done < s.n) {
		ssize_t r = write(fd, s.p + done, s.n - done);

		if (r < 0 && errno == EINTR)
			continue;
		if (r < 0)
			return -errno;
		done += (size_t)r;
	}
	return 0;
}

/* The kernel waits a moment for whoever holds a page (one that moves memory,
 * say), and then says EBUSY: nobody but us can write to it yet. */
enum { SEAL_TRIES = 20 };

static int memfd_seal(int fd)
{
	int i, r = -1;

	for (i = 0; i < SEAL_TRIES && r < 0; i++) {
		r = fcntl(fd, F_ADD_SEALS, ALL_SEALS);
		if (r < 0 && errno != EBUSY)
			break;
	}
	return r < 0 ? -errno : 0;
}

int memfd_sealed(const char *name, struct span s)
{
	CLEAN_FD int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, s);
	if (r == 0)
		r = memfd_seal(fd);
	return r < 0 ? r : take_fd(&fd);
}

/* Copies the rest of src and seals. */
static int memfd_fill(int fd, int src, size_t max)
{
	uint8_t chunk[65536];
	size_t total = 0;
	int r;

	for (;;) {
		ssize_t n = fd_read_all(src, chunk, sizeof(chunk));

		if (n < 0)
			return (int)n;
		if (n == 0)
			return memfd_seal(fd);
		total += (size_t)n;
		if (total > max)
			return -EFBIG;
		r = fd_write_all(fd, span_of(chunk, (size_t)n));
		if (r < 0)
			return r;
	}
}

int memfd_from_fd(const char *name, int src, size_t max)
{
	CLEAN_FD int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r = fd < 0 ? -errno : memfd_fill(fd, src, max);

	return r < 0 ? r : take_fd(&fd);
}

/* Since Linux 6.3 a host may ask for this flag; older ones do not know it. */
#ifndef MFD_EXEC
#define MFD_EXEC 0x10u
#endif

int memfd_program_from_fd(const char *name, int src, size_t max)
{
	const unsigned flags = MFD_CLOEXEC | MFD_ALLOW_SEALING;
	CLEAN_FD int fd = memfd_create(name, flags | MFD_EXEC);
	int r;

	if (fd < 0 && errno == EINVAL)
		fd = memfd_create(name, flags);
	if (fd < 0)
		return errno == EACCES ? -ENOEXEC : -errno;
	r = memfd_fill(fd, src, max);
	return r < 0 ? r : take_fd(&fd);
}

/* #syscalls:* fcntl int1=F_GET_SEALS */
ssize_t memfd_sealed_size(int fd, size_t max)
{
	int seals = fcntl(fd, F_GET_SEALS);
	struct stat st;

	if (seals < 0 || (seals & ALL_SEALS) != ALL_SEALS)
		return -EPERM;
	if (fstat(fd, &st) < 0)
		return -errno;
	if (st.st_size < 0 || (uint64_t)st.st_size > max)
		return -EFBIG;
	return st.st_size;
}

/* #syscalls:* fcntl int1=F_GETFL,F_SETFL */
int fd_nonblock(int fd, bool on)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0)
		return -errno;
	flags = on ? flags | O_NONBLOCK : flags & ~O_NONBLOCK;
	return fcntl(fd, F_SETFL, flags) < 0 ? -errno : 0;
}
