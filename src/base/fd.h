/*
 * fd: file descriptors and heap that clean themselves, whole reads and
 * writes, sealed memfds.
 */
#ifndef BASE_FD_H
#define BASE_FD_H

#include <sys/types.h>

#include "base/span.h"

/* Closes *fd if it is open (>= 0) and sets it to -1; errno is kept. */
void fd_close(int *fd);

/* Frees *(void **)p and sets it to NULL. */
void free_ptr(void *p);

#define CLEAN_FD   __attribute__((cleanup(fd_close)))
#define CLEAN_FREE __attribute__((cleanup(free_ptr)))

/* Hands an fd over: returns it and leaves -1 behind. */
static inline int take_fd(int *fd)
{
	int v = *fd;

	*fd = -1;
	return v;
}

/* Reads up to n bytes until EOF. Returns the count or -errno. */
[[nodiscard]] ssize_t fd_read_all(int fd, void *p, size_t n);

/* As fd_read_all, from an offset; the file position does not move. */
[[nodiscard]] ssize_t fd_pread_all(int fd, void *p, size_t n, off_t off);

/* Writes all n bytes. Returns 0 or -errno. */
[[nodiscard]] int fd_write_all(int fd, struct span s);

/*
 * A memfd with these bytes, sealed against every change (F_SEAL_WRITE, SHRINK,
 * GROW, SEAL), close-on-exec. Returns the fd, the caller's, or -errno.
 */
[[nodiscard]] int memfd_sealed(const char *name, struct span s);

/* Copies the rest of src into a sealed memfd, at most max bytes (-EFBIG). */
[[nodiscard]] int memfd_from_fd(const char *name, int src, size_t max);

/* The same, with bytes that are a program; -ENOEXEC where this host lets
 * nobody run a memfd (vm.memfd_noexec=2). */
[[nodiscard]] int memfd_program_from_fd(const char *name, int src, size_t max);

/*
 * The size of a memfd that carries all four seals; -EPERM if one is missing,
 * -EFBIG if it is larger than max. Whoever gets a memfd from another process
 * calls this first, so that its bytes cannot change under the reader.
 */
[[nodiscard]] ssize_t memfd_sealed_size(int fd, size_t max);

/* Sets or clears O_NONBLOCK. Returns 0 or -errno. */
[[nodiscard]] int fd_nonblock(int fd, bool on);

#endif
