/*
 * landlock: the little of it that we need. Debian 12's header ends at ABI 2,
 * so the numbers of later ABIs stand in landlock.c.
 */
#ifndef PRIVSEP_LANDLOCK_H
#define PRIVSEP_LANDLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* The ABI of the running kernel, 0 where Landlock is absent or disabled. */
int landlock_abi(void);

/*
 * From here on this process and its children open, make and remove files only
 * beneath the directories of these fds, bind or connect no TCP port, and (ABI
 * 6) signal nobody and connect to no abstract socket outside. Needs
 * no_new_privs. With `connects` TCP ports may be connected. Restricts as far as
 * the kernel's ABI goes; without Landlock it does nothing and returns 0:
 * `doctor` says so. 0 or -errno.
 */
[[nodiscard]] int landlock_only_beneath(const int *dir_fds, size_t n,
					bool connects);

/*
 * The same for a jailed program: beneath root it may read what is there, it may
 * run the programs alone (and the loader that they need, which is one of them),
 * and open for writing nothing but what is beneath dev (-1: nothing). The fds
 * may be O_PATH. 0 or -errno.
 */
struct landlock_jail {
	int root, dev;
	const int *programs;
	size_t n_programs;
};

[[nodiscard]] int landlock_jail(const struct landlock_jail *j);

/* What a kernel of this ABI is asked to take away: all it knows. */
struct landlock_rights {
	uint64_t fs;	 /* access to files */
	uint64_t net;	 /* TCP: bind, connect */
	uint64_t scoped; /* abstract sockets and signals to the outside */
	size_t size;	 /* of what such a kernel takes of the three above */
};

struct landlock_rights landlock_rights(int abi);

#endif
