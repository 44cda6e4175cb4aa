/*
 * handshake: the first exchange on the wire, before anything else happens in
 * this guest, and again in each copy of a template. The host's random bytes
 * come first of all: a guest that started as a copy of another has that one's
 * random generator.
 */
#include "guest/guest.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <time.h>

static int reseed(const struct wire_hello *h, int fd)
{
	struct random_add add = { .entropy_bits = 8 * WIRE_RANDOM,
				  .bytes = WIRE_RANDOM };
	int r = 0;

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

/*
 * The whole HELLO: 0, or -errno. No deadline: a template and its parked copies
 * wait here, asleep, and a host that has given up closes its end.
 */
static int hello_wait(struct port *p, struct wire_in *in, struct wire_msg *ret)
{
	struct pollfd pfd = { .fd = p->fd, .events = POLLIN };

	for (;;) {
		int r = port_read(p);

		if (r < 0)
			return r;
		r = wire_in_next(in, &p->rest, ret);
		if (r != 0)
			return r < 0 ? -EPROTO : 0;
		if (poll(&pfd, 1, -1) < 0 && errno != EINTR)
			return -errno;
	}
}

static int hello_check(const struct wire_msg *m, struct wire_hello *ret)
{
	if (m->type != WIRE_HELLO || wire_hello_get(m->payload, ret) != WIRE_OK)
		return -EPROTO;
	return 0;
}

static int answer(struct port *p, const struct wire_msg *m,
		  const struct wire_hello *h)
{
	p->answer.max = WIRE_HEAD + WIRE_ACK_LEN;
	buf_reset(&p->answer);
	wire_ack_put(&p->answer, h->key, m->payload);
	return port_send(p, &p->answer);
}

/*
 * All that the key has passed through; the host waits for the ACK. Of a HELLO
 * that came in pieces the longer one may lie behind the last.
 */
static void forget(struct port *p, struct wire_in *in, struct wire_hello *h)
{
	size_t used = (size_t)(p->rest.p - p->chunk);
	size_t kept = used + p->rest.n;

	explicit_bzero(h, sizeof(*h));
	explicit_bzero(in, sizeof(*in));
	explicit_bzero(p->chunk, used);
	explicit_bzero(p->chunk + kept, sizeof(p->chunk) - kept);
}

int handshake(struct port *p, int random_fd, struct order *ret)
{
	struct wire_hello h = { 0 };
	struct wire_in in = { 0 };
	struct wire_msg m;
	int r = hello_wait(p, &in, &m);

	if (r == 0)
		r = hello_check(&m, &h);
	if (r == 0)
		r = reseed(&h, random_fd);
	if (r == 0)
		r = set_clock(&h);
	if (r == 0)
		r = answer(p, &m, &h);
	if (r == 0)
		*ret = (struct order){
			.workload = (enum wire_workload)h.workload,
			.template = h.flags & WIRE_HELLO_TEMPLATE,
		};
	forget(p, &in, &h);
	return r;
}
