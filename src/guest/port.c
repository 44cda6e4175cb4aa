/*
 * port: the guest's end of the wire, a virtio-serial port.
 *
 * Two things about that device decide how it is used. Its node is the image's,
 * and opens nothing until the driver has found the device, which may be after
 * init has started: a kernel event on a netlink socket tells when. And
 * while the host's end is closed, poll() says POLLHUP and read() says 0 at
 * once, whether the host has gone or has not come yet; so the wait for the
 * host is a wait for SIGIO, which the driver sends when that changes, and any
 * POLLHUP afterwards is the end.
 */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

#define PORT_PATH "/dev/vport0p1"

/* linux/netlink.h */
enum { SYS_AF_NETLINK = 16, SYS_NETLINK_KOBJECT_UEVENT = 15 };

struct netlink_addr {
	unsigned short family;
	unsigned short pad;
	uint32_t pid;
	uint32_t groups;
};

static int64_t clock_ms(void)
{
	struct timespec ts = { 0 };

	(void)clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000 + ts.tv_nsec / 1'000'000;
}

static int uevent_open(void)
{
	struct netlink_addr addr = { .family = SYS_AF_NETLINK, .groups = 1 };
	CLEAN_FD int fd = socket(SYS_AF_NETLINK,
				 SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
				 SYS_NETLINK_KOBJECT_UEVENT);

	if (fd < 0 || bind(fd, (const struct sockaddr *)(const void *)&addr,
			   sizeof(addr)) < 0)
		return -errno;
	return take_fd(&fd);
}

/* Waits until some device has changed, and forgets which. */
static int uevent_wait(int fd, int64_t until_ms)
{
	struct pollfd pfd = { .fd = fd, .events = POLLIN };
	int64_t left = until_ms - clock_ms();
	char event[4096];

	if (left <= 0 || poll(&pfd, 1, (int)left) == 0)
		return -ETIMEDOUT;
	(void)recv(fd, event, sizeof(event), 0);
	return 0;
}

static int node_open(int64_t until_ms)
{
	CLEAN_FD int events = uevent_open();

	if (events < 0)
		return events;
	for (;;) {
		int fd = open(PORT_PATH, O_RDWR | O_CLOEXEC | O_NONBLOCK);
		int r;

		if (fd >= 0)
			return fd;
		if (errno != ENOENT && errno != ENXIO && errno != ENODEV)
			return -errno;
		r = uevent_wait(events, until_ms);
		if (r < 0)
			return r;
	}
}

static int host_wait(int fd, int64_t until_ms)
{
	struct timespec wait = { 0 };
	sigset_t sigio;

	(void)sigemptyset(&sigio);
	(void)sigaddset(&sigio, SIGIO);
	if (sigprocmask(SIG_BLOCK, &sigio, NULL) < 0 ||
	    fcntl(fd, F_SETOWN, getpid()) < 0 ||
	    fcntl(fd, F_SETFL, O_NONBLOCK | O_ASYNC) < 0)
		return -errno;
	for (;;) {
		struct pollfd pfd = { .fd = fd };
		int64_t left = until_ms - clock_ms();

		if (poll(&pfd, 1, 0) == 0)
			break;
		if (left <= 0)
			return -ETIMEDOUT;
		wait.tv_sec = left / 1000;
		wait.tv_nsec = left % 1000 * 1'000'000;
		(void)sigtimedwait(&sigio, NULL, &wait);
	}
	return fcntl(fd, F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

int port_open(struct port *p)
{
	int64_t until_ms = clock_ms() + GUEST_PORT_WAIT_MS;
	CLEAN_FD int fd = node_open(until_ms);
	int r;

	if (fd < 0)
		return fd;
	r = host_wait(fd, until_ms);
	if (r < 0)
		return r;
	port_init(p, take_fd(&fd));
	return 0;
}

void port_init(struct port *p, int fd)
{
	p->fd = fd;
	p->rest = span_of(p->chunk, 0);
}

void port_done(struct port *p)
{
	explicit_bzero(p->chunk, sizeof(p->chunk));
	p->rest = span_of(p->chunk, 0);
	fd_close(&p->fd);
}

int port_read(struct port *p)
{
	ssize_t n;

	if (p->rest.n)
		return 1;
	n = read(p->fd, p->chunk, sizeof(p->chunk));
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0)
		return -EPIPE;
	p->rest = span_of(p->chunk, (size_t)n);
	return 1;
}

int port_flush(struct port *p, struct buf *b)
{
	ssize_t n;

	if (!buf_ok(b))
		return -ENOMEM;
	if (!b->n)
		return 0;
	n = write(p->fd, b->p, b->n);
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	buf_drop(b, (size_t)n);
	return 0;
}

int port_send(struct port *p, struct buf *b)
{
	for (;;) {
		struct pollfd pfd = { .fd = p->fd, .events = POLLOUT };
		int r = port_flush(p, b);

		if (r < 0 || !b->n)
			return r;
		(void)poll(&pfd, 1, -1);
		if (pfd.revents & (POLLHUP | POLLERR | POLLNVAL))
			return -EPIPE;
	}
}
