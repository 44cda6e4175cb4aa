/*
 * landlock: the little of it that we need. Debian 12's header ends at ABI 2,
 * so the numbers of later ABIs stand in landlock.c.
 */
#ifndef PRIVSEP_LANDLOCK_H
#define PRIVSEP_LANDLOCK_H

#include <stddef.h>

/* The ABI of the running kernel, 0 where Landlock is absent or disabled. */
int landlock_abi(void);

/*
 * From here on this process and its children open, make and remove files only
 * beneath the directories of these fds, bind or connect no TCP port, and (ABI
 * 6) signal nobody and connect to no abstract socket outside. Needs
 * no_new_privs. Restricts as far as the kernel's ABI goes; without Landlock it
 * does nothing and returns 0: `doctor` says so. 0 or -errno.
 */
[[nodiscard]] int landlock_only_beneath(const int *dir_fds, size_t n);

/*
 * The same for a jailed program: beneath dir_fd it may run, read and write
 * what is there, and make or remove nothing. 0 or -errno.
 */
[[nodiscard]] int landlock_run_beneath(int dir_fd);

#endif
