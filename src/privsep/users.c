/* users: see users.h. */
#include "privsep/users.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

#include "base/str.h"

int users_take(struct users *u, struct span list)
{
	while (list.n) {
		const uint8_t *comma = memchr(list.p, ',', list.n);
		size_t n = comma ? (size_t)(comma - list.p) : list.n;
		uint64_t uid;

		if (u->n == USERS_MAX ||
		    num_parse(span_of(list.p, n), 0, UINT32_MAX - 1, &uid) < 0)
			return -EPROTO;
		u->uids[u->n++] = (uid_t)uid;
		n += comma ? 1 : 0;
		list = span_of(list.p + n, list.n - n);
	}
	return 0;
}

/* #syscalls:control getsockopt int1=SOL_SOCKET int2=SO_PEERCRED */
/* #syscalls:telemetry getsockopt int1=SOL_SOCKET int2=SO_PEERCRED */
bool users_have_peer(const struct users *u, int fd, uid_t *ret_uid)
{
	struct ucred cred = { 0 };
	socklen_t n = sizeof(cred);
	size_t i;

	*ret_uid = 0;
	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0)
		return false;
	*ret_uid = cred.uid;
	for (i = 0; i < u->n; i++)
		if (u->uids[i] == cred.uid)
			return true;
	return false;
}
