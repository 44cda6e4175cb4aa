/* chan: see chan.h. #syscalls:* sendmsg recvmsg close */
#include "privsep/chan.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

int chan_pair(int ret[2])
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ret) < 0)
		return -errno;
	return 0;
}

int chan_init(struct chan *c, int fd)
{
	*c = (struct chan){ .fd = fd };
	buf_init(&c->out, LIMIT_MSG);
	c->in = malloc(LIMIT_MSG);
	return c->in ? 0 : -ENOMEM;
}

static void close_received(struct chan *c)
{
	size_t i;

	for (i = 0; i < c->n_fds; i++)
		fd_close(&c->fds[i]);
	c->n_fds = 0;
}

void chan_done(struct chan *c)
{
	close_received(c);
	fd_close(&c->fd);
	free(c->in);
	c->in = NULL;
	buf_done(&c->out);
}

/* Keeps up to LIMIT_MSG_FDS descriptors; the kernel made no others. */
static void take_control(struct chan *c, struct msghdr *mh)
{
	struct cmsghdr *cm;

	for (cm = CMSG_FIRSTHDR(mh); cm; cm = CMSG_NXTHDR(mh, cm)) {
		size_t n, i;

		if (cm->cmsg_level != SOL_SOCKET || cm->cmsg_type != SCM_RIGHTS)
			continue;
		n = (cm->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (i = 0; i < n; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(cm) + i * sizeof(int),
			       sizeof(fd));
			if (c->n_fds < LIMIT_MSG_FDS)
				c->fds[c->n_fds++] = fd;
			else
				(void)close(fd);
		}
	}
}

bool chan_spare(int *spare)
{
	if (*spare < 0)
		*spare = fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 0);
	return *spare >= 0;
}

int chan_recv(struct chan *c, struct msg *ret, const char **why)
{
	union {
		struct cmsghdr align;
		char raw[CMSG_SPACE(sizeof(int) * LIMIT_MSG_FDS)];
	} control;
	struct iovec iov = { c->in, LIMIT_MSG };
	struct msghdr mh = { .msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = &control,
			     .msg_controllen = sizeof(control) };
	ssize_t n;

	close_received(c);
	*why = NULL;
	if (c->spare && !chan_spare(c->spare))
		return -EMFILE;
	if (c->spare)
		fd_close(c->spare);
	/* A peer that ended with something unread is told as ECONNRESET, once,
	 * before what it said itself: that comes behind. */
	do
		n = recvmsg(c->fd, &mh,
			    MSG_CMSG_CLOEXEC | (c->no_wait ? MSG_DONTWAIT : 0));
	while (n < 0 && (errno == EINTR || errno == ECONNRESET));
	n = n < 0 ? -errno : n;
	if (n >= 0)
		take_control(c, &mh);
	if (c->spare)
		(void)chan_spare(c->spare);
	if (n < 0)
		return (int)n;
	if (n == 0)
		return 0;
	if (mh.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) {
		*why = "message or its descriptors over the limit";
		return -EPROTO;
	}
	if (msg_decode(span_of(c->in, (size_t)n), ret, why) < 0)
		return -EPROTO;
	return 1;
}

int chan_take_fd(struct chan *c, size_t i)
{
	return i < c->n_fds ? take_fd(&c->fds[i]) : -1;
}

int chan_send_bytes(struct chan *c, struct span datagram, const int *fds,
		    size_t n_fds)
{
	union {
		struct cmsghdr align;
		char raw[CMSG_SPACE(sizeof(int) * LIMIT_MSG_FDS)];
	} control = { 0 };
	/* sendmsg only reads it. */
	struct iovec iov = { (void *)(uintptr_t)datagram.p, datagram.n };
	struct msghdr mh = { .msg_iov = &iov, .msg_iovlen = 1 };
	ssize_t n;

	if (n_fds > LIMIT_MSG_FDS)
		return -EINVAL;
	if (n_fds) {
		struct cmsghdr *cm = &control.align;

		mh.msg_control = &control;
		mh.msg_controllen = CMSG_SPACE(sizeof(int) * n_fds);
		cm->cmsg_level = SOL_SOCKET;
		cm->cmsg_type = SCM_RIGHTS;
		cm->cmsg_len = CMSG_LEN(sizeof(int) * n_fds);
		memcpy(CMSG_DATA(cm), fds, sizeof(int) * n_fds);
	}
	do
		n = sendmsg(c->fd, &mh,
			    MSG_NOSIGNAL |
				    (c->send_no_wait ? MSG_DONTWAIT : 0));
	while (n < 0 && errno == EINTR);
	return n < 0 ? -errno : 0;
}

int chan_send(struct chan *c, const struct msg *m, const int *fds, size_t n_fds)
{
	if (n_fds > LIMIT_MSG_FDS)
		return -EINVAL;
	buf_reset(&c->out);
	msg_encode(&c->out, m);
	if (!buf_ok(&c->out))
		return -EMSGSIZE;
	return chan_send_bytes(c, buf_view(&c->out), fds, n_fds);
}
