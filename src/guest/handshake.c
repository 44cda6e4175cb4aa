/*
 * handshake: the first exchange on the wire, before anything else happens in
 * this guest. The host's random bytes come first of all, since a guest that
 * started as a copy of another has that one's random generator.
 */
#include "guest/guest.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"

static int reseed(const struct wire_hello *h)
{
	struct random_add add = { .entropy_bits = 8 * WIRE_RANDOM,
				  .bytes = WIRE_RANDOM };
	CLEAN_FD int fd = open("/dev/urandom", O_RDONLY | O_CLOEXEC);
	int r = 0;

	if (fd < 0)
		return -errno;
	memcpy(add.random, h->random, sizeof(add.random));
	if (ioctl(fd, (int)SYS_RNDADDENTROPY, &add) < 0 ||
	    ioctl(fd, (int)SYS_RNDRESEEDCRNG, 0) < 0)
		r = -errno;
	explicit_bzero(&add, sizeof(add));
	return r;
}

static int set_clock(const struct wire_hello *h)
{
	struct timespec ts = {
		.tv_sec = (time_t)(h->wall_ns / 1'000'000'000),
		.tv_nsec = (long)(h->wall_ns % 1'000'000'000),
	};

	return clock_settime(CLOCK_REALTIME, &ts) < 0 ? -errno : 0;
}

/* The whole HELLO frame: 0, or -errno. */
static int hello_wait(struct port *p, struct wire_frame *ret)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	for (;;) {
		int r = port_next(p, ret);

		if (r != 0)
			return r < 0 ? r : 0;
		r = poll(&pfd, 1, GUEST_HELLO_WAIT_MS);
		if (r == 0)
			return -ETIMEDOUT;
	}
}

static int hello_check(const struct wire_frame *f, struct wire_hello *ret)
{
	if (f->type != WIRE_HELLO || f->service != WIRE_CONTROL ||
	    wire_hello_get(f->payload, ret) != WIRE_OK)
		return -EPROTO;
	return 0;
}

static int answer(struct port *p, const struct wire_frame *f,
		  const struct wire_hello *h)
{
	CLEAN_BUF struct buf out;

	buf_init(&out, WIRE_HEAD + WIRE_ACK_LEN);
	wire_ack_put(&out, h->key, f->payload);
	return port_send(p, &out);
}

/* All that the key has passed through; the host waits for the ACK. */
static void forget(struct port *p, struct wire_hello *h)
{
	size_t used = (size_t)(p->rest.p - p->chunk);

	explicit_bzero(h, sizeof(*h));
	explicit_bzero(p->in.payload, LIMIT_WIRE_FRAME);
	explicit_bzero(p->chunk, used);
}

int handshake(struct port *p, uint8_t *ret_workload)
{
	struct wire_hello h = { 0 };
	struct wire_frame f;
	int r = hello_wait(p, &f);

	if (r == 0)
		r = hello_check(&f, &h);
	if (r == 0)
		r = reseed(&h);
	if (r == 0)
		r = set_clock(&h);
	if (r == 0)
		r = answer(p, &f, &h);
	if (r == 0)
		*ret_workload = h.workload;
	forget(p, &h);
	return r;
}
