/*
 * users: the uids that may ask at a socket of ours. Which they are the monitor
 * says when it starts a process; who asks, the kernel.
 */
#ifndef PRIVSEP_USERS_H
#define PRIVSEP_USERS_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/span.h"

enum { USERS_MAX = 16 };

struct users {
	size_t n;
	uid_t uids[USERS_MAX];
};

/* Adds "0,1000": decimal, a comma between. 0, or -EPROTO for anything else or
 * too many. */
[[nodiscard]] int users_take(struct users *u, struct span list);

/* Whether the peer of a connected Unix socket is one of them; *ret_uid is its
 * uid, 0 where the kernel does not say. */
[[nodiscard]] bool users_have_peer(const struct users *u, int fd,
				   uid_t *ret_uid);

#endif
