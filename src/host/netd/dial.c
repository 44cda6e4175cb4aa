/*
 * dial: see dial.h.
 *
 * #syscalls:netd socket int0=AF_INET,AF_INET6
 * #syscalls:netd connect getsockname
 * #syscalls:netd getsockopt int1=SOL_SOCKET int2=SO_ERROR
 * #syscalls:netd sendto arg4=0
 * #syscalls:netd recvfrom arg4=0
 */
#include "dial.h"

#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"

int dial_servers_parse(struct dial_servers *s, struct span text)
{
	*s = (struct dial_servers){ .port = 53 };
	while (text.n) {
		const uint8_t *blank = memchr(text.p, ' ', text.n);
		size_t n = blank ? (size_t)(blank - text.p) : text.n;
		char one[NETADDR_TEXT];
		struct netaddr a;

		if (str_copy(one, sizeof(one), span_of(text.p, n)) < 0 ||
		    netaddr_parse(one, &a) < 0)
			return -1;
		if (s->n < DIAL_SERVERS)
			s->at[s->n++] = a;
		n += blank ? 1 : 0;
		text = span_of(text.p + n, text.n - n);
	}
	return 0;
}

union address {
	struct sockaddr any;
	struct sockaddr_in v4;
	struct sockaddr_in6 v6;
};

static socklen_t address_of(const struct netaddr *a, uint16_t port,
			    union address *ret)
{
	*ret = (union address){ 0 };
	if (a->v6) {
		ret->v6.sin6_family = AF_INET6;
		ret->v6.sin6_port = htons(port);
		memcpy(&ret->v6.sin6_addr, a->ip, 16);
		return sizeof(ret->v6);
	}
	ret->v4.sin_family = AF_INET;
	ret->v4.sin_port = htons(port);
	memcpy(&ret->v4.sin_addr, a->ip, 4);
	return sizeof(ret->v4);
}

/* A socket that is connected, or being connected; or -errno. */
static int socket_to(const struct netaddr *a, uint16_t port, int type)
{
	union address to;
	socklen_t n = address_of(a, port, &to);
	CLEAN_FD int fd = socket(a->v6 ? AF_INET6 : AF_INET,
				 type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd < 0)
		return -errno;
	if (connect(fd, &to.any, n) < 0 && errno != EINPROGRESS)
		return -errno;
	return take_fd(&fd);
}

/*
 * Whether it is an address of this machine, which has many beside those of
 * loopback: what is sent there is sent from there. A datagram's socket sends
 * nothing when it is connected. 1, 0, or -errno: there is no way to it.
 */
static int is_own(const struct netaddr *a)
{
	CLEAN_FD int fd = socket_to(a, 9, SOCK_DGRAM);
	union address from = { 0 };
	socklen_t n = sizeof(from);

	if (fd < 0)
		return fd;
	if (getsockname(fd, &from.any, &n) < 0)
		return -errno;
	return a->v6 ? memcmp(&from.v6.sin6_addr, a->ip, 16) == 0
		     : memcmp(&from.v4.sin_addr, a->ip, 4) == 0;
}

/* --- its end ------------------------------------------------------------- */

static void ask_close(struct dial *d, struct dial_ask *q)
{
	if (q->fd < 0)
		return;
	loop_del(d->loop, q->fd);
	fd_close(&q->fd);
}

static void timer_end(struct dial *d, int *id)
{
	loop_timer_del(d->loop, *id);
	*id = -1;
}

static void connect_close(struct dial *d)
{
	timer_end(d, &d->timer);
	if (d->fd < 0)
		return;
	loop_del(d->loop, d->fd);
	fd_close(&d->fd);
}

void dial_stop(struct dial *d)
{
	if (!d->busy)
		return;
	ask_close(d, &d->ask[0]);
	ask_close(d, &d->ask[1]);
	connect_close(d);
	timer_end(d, &d->limit);
	d->busy = false;
}

static void end(struct dial *d, enum dial_end how, int fd, const char *text)
{
	char kept[DIAL_TEXT];

	/* The text may be of what is given up. */
	(void)str_printf(kept, sizeof(kept), "%s", text);
	dial_stop(d);
	d->ended(d->arg, how, fd, kept);
}

static void on_limit(void *arg)
{
	struct dial *d = arg;

	d->limit = -1;
	end(d, DIAL_FAILED, -1, "it took too long");
}

/* --- connecting ---------------------------------------------------------- */

static void try_next(struct dial *d);

static void failed(struct dial *d, const struct netaddr *a, int code)
{
	char text[NETADDR_TEXT];

	netaddr_print(a, text);
	(void)str_printf(d->why, sizeof(d->why), "%s port %u: %s", text,
			 d->row->port, strerror(code));
}

static void connected(struct dial *d)
{
	char text[NETADDR_TEXT];
	CLEAN_FD int fd = -1;

	netaddr_print(&d->addrs[d->next - 1], text);
	loop_del(d->loop, d->fd);
	fd = take_fd(&d->fd);
	end(d, DIAL_DONE, take_fd(&fd), text);
}

static void on_connect(void *arg, int fd, short)
{
	struct dial *d = arg;
	int code = 0;
	socklen_t n = sizeof(code);

	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &code, &n) < 0)
		code = errno;
	if (code == 0) {
		connected(d);
		return;
	}
	failed(d, &d->addrs[d->next - 1], code);
	connect_close(d);
	try_next(d);
}

static void on_connect_late(void *arg)
{
	struct dial *d = arg;

	d->timer = -1;
	failed(d, &d->addrs[d->next - 1], ETIMEDOUT);
	connect_close(d);
	try_next(d);
}

static void try_next(struct dial *d)
{
	while (d->next < d->n && d->next < DIAL_TRIES) {
		const struct netaddr *a = &d->addrs[d->next++];
		int fd = socket_to(a, d->row->port, SOCK_STREAM);

		if (fd < 0) {
			failed(d, a, -fd);
			continue;
		}
		d->fd = fd;
		d->timer = loop_timer(d->loop, DIAL_CONNECT_MS, on_connect_late,
				      d);
		if (d->timer < 0 ||
		    loop_add(d->loop, fd, POLLOUT, on_connect, d) < 0)
			end(d, DIAL_FAILED, -1, "too much at once");
		return;
	}
	end(d, DIAL_FAILED, -1, d->why);
}

/* --- what it leads to ---------------------------------------------------- */

/* Every address is judged before the first is tried. False: it is over. */
static bool judge(struct dial *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		enum netaddr_range r = netaddr_range(&d->addrs[i]);
		char text[NETADDR_TEXT], why[DIAL_TEXT];

		if (netaddr_allowed(r, d->private) &&
		    (d->private || is_own(&d->addrs[i]) != 1))
			continue;
		if (netaddr_allowed(r, d->private))
			r = NETADDR_LOOPBACK;
		netaddr_print(&d->addrs[i], text);
		(void)str_printf(why, sizeof(why), "it leads to %s, %s", text,
				 netaddr_range_name(r));
		end(d, DIAL_REFUSED, -1, why);
		return false;
	}
	return true;
}

static void go(struct dial *d)
{
	if (judge(d))
		try_next(d);
}

/* --- asking -------------------------------------------------------------- */

static void ask_round(struct dial *d);

/* Alternating, so that one kind that leads nowhere does not hide the other. */
static void take_answers(struct dial *d)
{
	size_t i, k;

	for (i = 0; i < DNS_ADDRS; i++)
		for (k = 0; k < 2; k++)
			if (i < d->ask[k].n)
				d->addrs[d->n++] = d->ask[k].addrs[i];
}

/* Both have been answered, or will not be. */
static void answered(struct dial *d)
{
	const struct dial_ask *q = d->ask;

	take_answers(d);
	if (d->n) {
		go(d);
		return;
	}
	if ((q[0].done && q[0].result == DNS_NO_NAME) ||
	    (q[1].done && q[1].result == DNS_NO_NAME))
		end(d, DIAL_FAILED, -1, "there is no such name");
	else if (q[0].done && q[1].done)
		end(d, DIAL_FAILED, -1, "the name has no address");
	else
		end(d, DIAL_FAILED, -1, "no name server answers well");
}

static void on_answer_late(void *arg)
{
	struct dial *d = arg;

	d->timer = -1;
	ask_close(d, &d->ask[0]);
	ask_close(d, &d->ask[1]);
	/* One of them is enough, when the other was asked often enough. */
	if (++d->asked >= d->servers->n * DIAL_ROUNDS &&
	    (d->ask[0].done || d->ask[1].done))
		answered(d);
	else
		ask_round(d);
}

static void next_server(struct dial *d)
{
	timer_end(d, &d->timer);
	on_answer_late(d);
}

static void on_answer(void *arg, int fd, short)
{
	struct dial_ask *q = arg;
	struct dial *d = q->dial;
	/* One more than we said: what fills it was cut. */
	uint8_t packet[DNS_PACKET + 1];
	ssize_t n = recv(fd, packet, sizeof(packet), 0);
	enum dns_result r = DNS_FAILED;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n >= 0 && (size_t)n <= DNS_PACKET)
		r = dns_answer(&q->q, span_of(packet, (size_t)n), q->addrs,
			       &q->n);
	/* Whoever guesses ids at us does not guess for long. */
	if (r == DNS_NOT_OURS && ++q->stray < DIAL_STRAY)
		return;
	ask_close(d, q);
	q->done = r == DNS_OK || r == DNS_NO_NAME;
	q->result = r;
	if (d->ask[0].fd >= 0 || d->ask[1].fd >= 0)
		return;
	if (d->ask[0].done && d->ask[1].done) {
		timer_end(d, &d->timer);
		answered(d);
		return;
	}
	next_server(d);
}

/* #syscalls:netd getrandom */
static int ask_one(struct dial *d, struct dial_ask *q, enum dns_type type)
{
	const struct dial_servers *s = d->servers;
	uint16_t id;

	if (q->done)
		return 0;
	if (getrandom(&id, sizeof(id), 0) != sizeof(id) ||
	    dns_ask(&q->q, d->row->host, type, id) < 0)
		return -1;
	q->stray = 0;
	q->fd = socket_to(&s->at[d->asked % s->n], s->port, SOCK_DGRAM);
	if (q->fd < 0) {
		q->fd = -1;
		return -1;
	}
	if (loop_add(d->loop, q->fd, POLLIN, on_answer, q) < 0 ||
	    send(q->fd, q->q.packet, q->q.n_packet, MSG_NOSIGNAL) < 0) {
		ask_close(d, q);
		return -1;
	}
	return 0;
}

static void ask_round(struct dial *d)
{
	int v4, v6;

	for (; d->asked < d->servers->n * DIAL_ROUNDS; d->asked++) {
		v4 = ask_one(d, &d->ask[0], DNS_A);
		v6 = ask_one(d, &d->ask[1], DNS_AAAA);
		if (v4 < 0 || v6 < 0) {
			ask_close(d, &d->ask[0]);
			ask_close(d, &d->ask[1]);
			continue;
		}
		d->timer = loop_timer(d->loop, DIAL_ASK_MS, on_answer_late, d);
		if (d->timer < 0)
			end(d, DIAL_FAILED, -1, "too much at once");
		return;
	}
	end(d, DIAL_FAILED, -1,
	    d->servers->n ? "no name server answers"
			  : "there is no name server in /etc/resolv.conf");
}

void dial_init(struct dial *d)
{
	d->busy = false;
	d->fd = d->timer = d->limit = -1;
	d->ask[0].fd = d->ask[1].fd = -1;
}

void dial_begin(struct dial *d, const struct table_row *row, bool private)
{
	size_t i;

	d->busy = true;
	d->row = row;
	d->private = private;
	d->asked = 0;
	d->n = d->next = 0;
	(void)str_printf(d->why, sizeof(d->why), "there is no way to it");
	for (i = 0; i < 2; i++)
		d->ask[i] = (struct dial_ask){ .dial = d, .fd = -1 };
	d->limit = loop_timer(d->loop, DIAL_ALL_MS, on_limit, d);
	if (d->limit < 0) {
		end(d, DIAL_FAILED, -1, "too much at once");
	} else if (row->literal) {
		d->addrs[d->n++] = row->addr;
		go(d);
	} else {
		ask_round(d);
	}
}
