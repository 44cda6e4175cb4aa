/*
 * link: see link.h.
 * #syscalls:porter read sendto getrandom clock_gettime
 */
#include "link.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

static bool dead(const struct link *l)
{
	return l->fault != WIRE_OK || l->told;
}

static void unwatch(struct link *l)
{
	if (l->watched)
		loop_del(l->loop, l->fd);
	l->watched = false;
}

void link_end(struct link *l)
{
	l->told = true;
	unwatch(l);
}

void link_cut(struct link *l, enum wire_fault f, const char *fmt, ...)
{
	char detail[LINK_DETAIL_MAX];
	va_list ap;

	if (dead(l))
		return;
	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	l->fault = f;
	unwatch(l);
	l->c.ops->fault(l->c.arg, f, detail);
}

/* --- the handshake ----------------------------------------------------- */

static int random_bytes(void *p, size_t n)
{
	return getrandom(p, n, 0) == (ssize_t)n ? 0 : -EIO;
}

static uint64_t wall_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static int make_hello(struct link *l)
{
	struct wire_hello h = { .version = WIRE_VERSION,
				.workload = (uint8_t)l->c.workload,
				.wall_ns = wall_ns() };
	int r = random_bytes(h.random, sizeof(h.random));

	if (r == 0)
		r = random_bytes(h.key, sizeof(h.key));
	if (r == 0) {
		memcpy(l->key, h.key, sizeof(l->key));
		wire_hello_put(&l->out, &h);
		buf_put(&l->hello, l->out.p + WIRE_HEAD, l->out.n - WIRE_HEAD);
	}
	explicit_bzero(&h, sizeof(h));
	if (r == 0 && (!buf_ok(&l->out) || !buf_ok(&l->hello)))
		r = -ENOMEM;
	return r;
}

/* After the check nobody needs the key: neither copy of it stays. */
static void wipe_key(struct link *l)
{
	explicit_bzero(l->key, sizeof(l->key));
	if (l->hello.p)
		explicit_bzero(l->hello.p, l->hello.cap);
	buf_done(&l->hello);
	if (l->out.p && l->out.n == 0)
		explicit_bzero(l->out.p, l->out.cap);
}

int link_init(struct link *l, const struct link_config *c)
{
	int r;

	*l = (struct link){ .c = *c, .fd = -1 };
	buf_init(&l->out, LINK_OUT_MAX);
	buf_init(&l->hello, WIRE_HELLO_LEN);
	l->chunk = malloc(LINK_READ);
	r = wire_in_init(&l->in);
	if (r < 0 || !l->chunk)
		return -ENOMEM;
	return make_hello(l);
}

void link_done(struct link *l)
{
	unwatch(l);
	buf_reset(&l->out);
	wipe_key(l);
	wire_in_done(&l->in);
	buf_done(&l->out);
	free(l->chunk);
	l->chunk = NULL;
}

/* --- frames from the VM ------------------------------------------------ */

static void on_ack(struct link *l, struct span payload)
{
	enum wire_fault f =
		wire_ack_check(payload, l->key, buf_view(&l->hello));

	wipe_key(l);
	if (f != WIRE_OK)
		link_cut(l, f, "the guest's answer to the handshake: %s",
			 wire_fault_name(f));
	else
		l->state = LINK_START;
}

static void on_ready(struct link *l, struct span payload)
{
	(void)payload;
	l->state = LINK_OPEN;
	l->c.ops->ready(l->c.arg);
	if (!dead(l))
		l->c.ops->room(l->c.arg);
}

static void on_data(struct link *l, struct span payload)
{
	if (payload.n > l->c.max_data - l->data) {
		link_cut(l, WIRE_TOO_MUCH, "more than %zu bytes in all",
			 l->c.max_data);
		return;
	}
	l->data += payload.n;
	l->c.ops->data(l->c.arg, payload);
}

static void on_end(struct link *l, struct span payload)
{
	(void)payload;
	l->state = LINK_ENDED;
}

/* A talkative workload is no attack: what is too much is not passed on. */
static void on_log(struct link *l, struct span payload)
{
	if (l->logs >= LINK_LOGS_MAX)
		return;
	l->logs++;
	l->c.ops->log(l->c.arg, payload);
}

static void on_exit_frame(struct link *l, struct span payload)
{
	enum wire_fault f = wire_exit_get(payload, &l->how);

	if (f != WIRE_OK)
		link_cut(l, f, "an exit status that cannot be");
	else if (l->state == LINK_START)
		link_cut(l, WIRE_HANGUP, "the workload did not start: %s %u",
			 l->how.kind == WIRE_EXIT_CODE ? "code" : "signal",
			 l->how.status);
	else
		l->state = LINK_EXITED;
}

#define IN(state) (1U << (state))

/* Which frame may come in which state; no row: never from a guest. */
static const struct {
	const char *name;
	unsigned int states;
	void (*fn)(struct link *l, struct span payload);
} rows[] = {
	[WIRE_HELLO] = { "hello", 0, NULL },
	[WIRE_ACK] = { "ack", IN(LINK_ACK), on_ack },
	[WIRE_READY] = { "ready", IN(LINK_START), on_ready },
	[WIRE_DATA] = { "data", IN(LINK_OPEN), on_data },
	[WIRE_END] = { "end", IN(LINK_OPEN), on_end },
	[WIRE_LOG] = { "log", IN(LINK_START) | IN(LINK_OPEN) | IN(LINK_ENDED),
		       on_log },
	[WIRE_EXIT] = { "exit", IN(LINK_START) | IN(LINK_OPEN) | IN(LINK_ENDED),
			on_exit_frame },
};

static_assert(ARRAY_SIZE(rows) == WIRE_TYPE_MAX, "a row per type");

static const char *const state_names[] = {
	[LINK_ACK] = "before its answer to the handshake",
	[LINK_START] = "before it was ready",
	[LINK_OPEN] = "while it works",
	[LINK_ENDED] = "after its end",
	[LINK_EXITED] = "after its exit",
};

static void on_frame(struct link *l, const struct wire_frame *f)
{
	bool has_service = f->type == WIRE_DATA || f->type == WIRE_END;

	if (++l->frames > LINK_FRAMES_MAX)
		link_cut(l, WIRE_TOO_MUCH, "more than %d frames",
			 LINK_FRAMES_MAX);
	else if (!(rows[f->type].states & IN(l->state)))
		link_cut(l, WIRE_BAD_ORDER, "%s %s", rows[f->type].name,
			 state_names[l->state]);
	else if (has_service && f->service != l->c.service)
		link_cut(l, WIRE_BAD_ORDER, "%s on a service that is not its",
			 rows[f->type].name);
	else
		rows[f->type].fn(l, f->payload);
}

void link_feed(struct link *l, struct span bytes)
{
	struct wire_frame f;
	int r = 1;

	while (r > 0 && !dead(l)) {
		r = wire_in_next(&l->in, &bytes, &f);
		if (r > 0)
			on_frame(l, &f);
		else if (r < 0)
			link_cut(l, l->in.fault, "a frame that cannot be: %s",
				 wire_fault_name(l->in.fault));
	}
	if (dead(l) || l->state != LINK_EXITED)
		return;
	if (l->in.head_n) {
		link_cut(l, WIRE_BAD_ORDER, "bytes after its exit");
		return;
	}
	l->told = true;
	unwatch(l);
	l->c.ops->exited(l->c.arg, &l->how);
}

void link_hangup(struct link *l)
{
	link_cut(l, WIRE_HANGUP, "the port closed %s", state_names[l->state]);
}

/* --- output and the descriptor ----------------------------------------- */

static void watch(struct link *l);

bool link_room(const struct link *l)
{
	return !dead(l) && l->state >= LINK_OPEN && l->out.n < LINK_OUT_LOW;
}

void link_data(struct link *l, struct span payload)
{
	if (!l->deaf)
		wire_put(&l->out, WIRE_DATA, l->c.service, payload);
	watch(l);
}

void link_data_end(struct link *l)
{
	if (!l->deaf)
		wire_put(&l->out, WIRE_END, l->c.service, SPAN_LIT(""));
	watch(l);
}

static void on_readable(struct link *l)
{
	ssize_t n = read(l->fd, l->chunk, LINK_READ);

	if (n > 0)
		link_feed(l, span_of(l->chunk, (size_t)n));
	else if (n == 0 || (errno != EAGAIN && errno != EINTR))
		link_hangup(l);
}

/*
 * A VM that takes no more bytes may still have sent something: what it said is
 * judged by reading on, which ends with the hang-up.
 */
static void on_writable(struct link *l)
{
	ssize_t n;

	if (l->out.n) {
		n = send(l->fd, l->out.p, l->out.n,
			 MSG_NOSIGNAL | MSG_DONTWAIT);
		if (n >= 0) {
			buf_drop(&l->out, (size_t)n);
		} else if (errno != EAGAIN && errno != EINTR) {
			l->deaf = true;
			buf_reset(&l->out);
		}
	}
	if (link_room(l))
		l->c.ops->room(l->c.arg);
}

/* Gone while we are busy: what it still said is read once we are not. */
static void on_gone(struct link *l)
{
	l->deaf = true;
	buf_reset(&l->out);
	unwatch(l);
	if (link_room(l))
		l->c.ops->room(l->c.arg);
}

static void on_wire(void *arg, int fd, short revents)
{
	struct link *l = arg;

	(void)fd;
	if (revents & POLLOUT)
		on_writable(l);
	if (!dead(l) && !l->paused && (revents & (POLLIN | POLLHUP | POLLERR)))
		on_readable(l);
	else if (!dead(l) && (revents & (POLLHUP | POLLERR)))
		on_gone(l);
	else if (!dead(l))
		watch(l);
}

static void watch(struct link *l)
{
	short events =
		(short)((l->paused ? 0 : POLLIN) | (l->out.n ? POLLOUT : 0));

	if (l->fd < 0 || dead(l))
		return;
	if (l->watched)
		loop_events(l->loop, l->fd, events);
	else if (loop_add(l->loop, l->fd, events, on_wire, l) == 0)
		l->watched = true;
}

int link_attach(struct link *l, struct loop *loop, int fd)
{
	l->loop = loop;
	l->fd = fd;
	watch(l);
	return l->watched ? 0 : -ENFILE;
}

void link_pause(struct link *l, bool paused)
{
	l->paused = paused;
	watch(l);
}
