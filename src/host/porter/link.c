/*
 * link: see link.h.
 * #syscalls:porter read sendto getrandom clock_gettime
 */
#include "link.h"

#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <unistd.h>

/* Data stops at the mark; the frame that reaches it, and a few of others. */
enum { OUT_ROOM = MUX_OUT_LOW + MUX_CHUNK };

static void unwatch(struct link *l)
{
	if (l->watched)
		loop_del(l->loop, l->fd);
	l->watched = false;
}

void link_end(struct link *l)
{
	l->over = true;
	unwatch(l);
}

void link_cut(struct link *l, enum wire_fault f, const char *fmt, ...)
{
	char detail[LINK_DETAIL_MAX];
	va_list ap;

	if (l->over)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	l->fault = f;
	link_end(l);
	l->c.ops->fault(l->c.arg, f, detail);
}

/* --- the handshake ----------------------------------------------------- */

static int random_bytes(void *p, size_t n)
{
	return getrandom(p, n, 0) == (ssize_t)n ? 0 : -EIO;
}

/* What it carried is nobody's business, nor a watcher's. */
static void tap_message(struct link *l, bool out, enum wire_type type, size_t n)
{
	const struct m_frame f = { .out = out,
				   .kind = FRAME_MESSAGE,
				   .type = (uint8_t)type,
				   .length = (uint32_t)n };

	if (l->c.ops->tap)
		l->c.ops->tap(l->c.arg, &f);
}

static int make_hello(struct link *l, bool template)
{
	struct wire_hello h = { .version = WIRE_VERSION,
				.workload = (uint8_t)l->c.workload,
				.flags = template ? WIRE_HELLO_TEMPLATE : 0,
				.wall_ns = clock_ns(CLOCK_REALTIME) };
	struct buf *out = &l->mux.out;
	int r = random_bytes(h.random, sizeof(h.random));

	if (r == 0)
		r = random_bytes(h.key, sizeof(h.key));
	if (r == 0) {
		memcpy(l->key, h.key, sizeof(l->key));
		wire_hello_put(out, &h);
		buf_put(&l->hello, out->p + WIRE_HEAD, out->n - WIRE_HEAD);
	}
	explicit_bzero(&h, sizeof(h));
	if (r == 0 && (!buf_ok(out) || !buf_ok(&l->hello)))
		r = -ENOMEM;
	return r;
}

/* After the check nobody needs the key: neither copy of it stays. Of what goes
 * out HELLO was the first, so that it lay where there is nothing now, or
 * something else. */
static void wipe_key(struct link *l)
{
	struct buf *out = &l->mux.out;

	explicit_bzero(l->key, sizeof(l->key));
	if (l->hello.p)
		explicit_bzero(l->hello.p, l->hello.cap);
	buf_done(&l->hello);
	if (out->p)
		explicit_bzero(out->p + out->n, out->cap - out->n);
}

static void start_mux(struct link *l);
static void watch(struct link *l);

int link_hello(struct link *l, bool template)
{
	int r;

	if (l->over || (l->state != LINK_IDLE && l->state != LINK_GONE))
		return -EINVAL;
	start_mux(l);
	/* What may follow HELLO at once has room beside it: a buffer that grew
	 * would leave a copy of the key behind. */
	(void)buf_extend(&l->mux.out, OUT_ROOM);
	buf_cut(&l->mux.out, 0);
	l->in = (struct wire_in){ 0 };
	l->control = (struct wire_in){ 0 };
	l->line_n = 0;
	l->asked_to_go = false;
	l->gone_at = 0;
	r = make_hello(l, template);
	if (r < 0)
		return r;
	l->state = LINK_ACK;
	tap_message(l, true, WIRE_HELLO, WIRE_HELLO_LEN);
	watch(l);
	return 0;
}

static void on_ack(struct link *l, struct span payload)
{
	enum wire_fault f =
		wire_ack_check(payload, l->key, buf_view(&l->hello));

	tap_message(l, false, WIRE_ACK, payload.n);
	wipe_key(l);
	if (f != WIRE_OK)
		link_cut(l, f, "the guest's answer to the handshake: %s",
			 wire_fault_name(f));
	else
		l->state = LINK_START;
}

/* What of bytes is behind the answer to the handshake. */
static struct span feed_handshake(struct link *l, struct span bytes)
{
	struct wire_msg m;
	int r = wire_in_next(&l->in, &bytes, &m);

	if (r < 0)
		link_cut(l, l->in.fault, "a handshake that cannot be: %s",
			 wire_fault_name(l->in.fault));
	else if (r > 0 && m.type != WIRE_ACK)
		link_cut(l, WIRE_BAD_ORDER,
			 "another message than the answer to the handshake");
	else if (r > 0)
		on_ack(l, m.payload);
	return bytes;
}

/* --- control ----------------------------------------------------------- */

static void on_ready(struct link *l)
{
	if (l->state != LINK_START) {
		link_cut(l, WIRE_BAD_ORDER, "ready twice");
		return;
	}
	l->state = LINK_OPEN;
	l->c.ops->ready(l->c.arg);
}

static void flush_line(struct link *l);

static void on_exit_message(struct link *l, struct span payload)
{
	struct wire_exit how;
	enum wire_fault f = wire_exit_get(payload, &how);

	if (f != WIRE_OK) {
		link_cut(l, f, "an exit status that cannot be");
	} else if (l->state == LINK_START) {
		link_cut(l, WIRE_HANGUP, "the workload did not start: %s %u",
			 how.kind == WIRE_EXIT_CODE ? "code" : "signal",
			 how.status);
	} else {
		flush_line(l);
		link_end(l);
		l->c.ops->exited(l->c.arg, &how);
	}
}

static void on_control(struct link *l, struct mux_stream *s, struct span bytes)
{
	size_t n = bytes.n;
	struct wire_msg m;
	int r = 1;

	while (!l->over) {
		r = wire_in_next(&l->control, &bytes, &m);
		if (r <= 0)
			break;
		if (m.type == WIRE_READY)
			on_ready(l);
		else if (m.type == WIRE_EXIT)
			on_exit_message(l, m.payload);
		else
			link_cut(l, WIRE_BAD_ORDER, "a handshake on control");
	}
	if (r < 0)
		link_cut(l, l->control.fault, "a message that cannot be: %s",
			 wire_fault_name(l->control.fault));
	link_consumed(l, s, n);
}

/* --- the log ----------------------------------------------------------- */

/* A talkative workload is no attack: what is too much is not passed on. */
static void flush_line(struct link *l)
{
	size_t n = l->line_n;

	l->line_n = 0;
	if (n == 0 || l->lines >= LINK_LINES_MAX)
		return;
	l->lines++;
	l->c.ops->log(l->c.arg, span_of(l->line, n));
}

static void on_log(struct link *l, struct mux_stream *s, struct span bytes)
{
	size_t i;

	for (i = 0; i < bytes.n; i++) {
		if (bytes.p[i] == '\n') {
			flush_line(l);
			continue;
		}
		l->line[l->line_n++] = bytes.p[i];
		if (l->line_n == sizeof(l->line))
			flush_line(l);
	}
	link_consumed(l, s, bytes.n);
}

/* --- streams ----------------------------------------------------------- */

/* The first on control may come unready, as may what is logged. */
static void mux_opened(void *arg, struct mux_stream *s)
{
	struct link *l = arg;

	if (l->over || s->service == WIRE_LOG || s->service == WIRE_CONTROL)
		return;
	if (l->state < LINK_OPEN)
		link_cut(l, WIRE_BAD_ORDER, "%s before it was ready",
			 wire_service_name(s->service));
	else
		l->c.ops->opened(l->c.arg, s);
}

/* A stream of ours may be open before READY, but nobody is there yet. */
static bool too_early(struct link *l, const struct mux_stream *s)
{
	if (l->state >= LINK_OPEN || s->service == WIRE_CONTROL ||
	    s->service == WIRE_LOG)
		return false;
	link_cut(l, WIRE_BAD_ORDER, "%s before it was ready",
		 wire_service_name(s->service));
	return true;
}

static void mux_data(void *arg, struct mux_stream *s, struct span bytes)
{
	struct link *l = arg;

	if (l->over || too_early(l, s))
		return;
	if (s->service == WIRE_CONTROL)
		on_control(l, s, bytes);
	else if (s->service == WIRE_LOG)
		on_log(l, s, bytes);
	else
		l->c.ops->data(l->c.arg, s, bytes);
}

static void mux_ended(void *arg, struct mux_stream *s)
{
	struct link *l = arg;

	if (l->over || too_early(l, s))
		return;
	if (s->service == WIRE_CONTROL)
		link_cut(l, WIRE_BAD_ORDER, "control closed before its exit");
	else if (s->service == WIRE_LOG)
		link_fin(l, s);
	else
		l->c.ops->end(l->c.arg, s);
}

static void mux_closed(void *arg, struct mux_stream *s, bool reset)
{
	struct link *l = arg;

	if (l->over || too_early(l, s))
		return;
	if (s->service == WIRE_CONTROL)
		link_cut(l, WIRE_BAD_ORDER, "control closed before its exit");
	else if (s->service == WIRE_LOG)
		flush_line(l);
	else
		l->c.ops->closed(l->c.arg, s, reset);
}

static void mux_has_room(void *arg, struct mux_stream *s)
{
	struct link *l = arg;

	if (!l->over && s->service != WIRE_CONTROL && s->service != WIRE_LOG)
		l->c.ops->room(l->c.arg, s);
}

static void mux_gone(void *arg, uint32_t why)
{
	struct link *l = arg;

	(void)why;
	if (!l->asked_to_go)
		link_cut(l, WIRE_BAD_ORDER, "it goes away unasked");
	l->gone_at = l->mux.frames;
}

static void mux_tap(void *arg, bool out, const struct mux_head *h,
		    enum wire_service service, struct span first)
{
	struct link *l = arg;
	const struct m_frame f = {
		.out = out,
		.kind = FRAME_MUX,
		.type = (uint8_t)h->type,
		.flags = h->flags,
		.stream = h->stream,
		.service = (uint8_t)service,
		.length = h->length,
		.first = span_of(first.p, first.n < FRAME_FIRST_MAX
						  ? first.n
						  : FRAME_FIRST_MAX),
	};

	if (l->c.ops->tap)
		l->c.ops->tap(l->c.arg, &f);
}

static const struct mux_ops mux_callbacks = { .opened = mux_opened,
					      .data = mux_data,
					      .end = mux_ended,
					      .closed = mux_closed,
					      .room = mux_has_room,
					      .gone = mux_gone,
					      .tap = mux_tap };

static void start_mux(struct link *l)
{
	const struct mux_config c = { .host = true,
				      .workload = l->c.workload,
				      .bytes = l->c.limits.bytes,
				      .frames = l->c.limits.frames,
				      .opens = l->c.limits.opens,
				      .ops = &mux_callbacks,
				      .arg = l };

	mux_done(&l->mux);
	mux_init(&l->mux, &c);
}

int link_init(struct link *l, const struct link_config *c)
{
	*l = (struct link){ .c = *c, .fd = -1 };
	start_mux(l);
	buf_init(&l->hello, WIRE_HELLO_LEN);
	l->chunk = malloc(LINK_READ);
	return l->chunk ? 0 : -ENOMEM;
}

void link_done(struct link *l)
{
	unwatch(l);
	buf_reset(&l->mux.out);
	wipe_key(l);
	mux_done(&l->mux);
	free(l->chunk);
	l->chunk = NULL;
}

/* Whatever was queued: the fault it made, or its way out. */
static void settle(struct link *l)
{
	if (l->mux.fault != WIRE_OK)
		link_cut(l, l->mux.fault, "%s", l->mux.detail);
	if (l->deaf)
		buf_reset(&l->mux.out);
	watch(l);
}

/* GO AWAY is the last that the guest of a template may have said. */
static void check_gone(struct link *l)
{
	if (l->over || !l->gone_at || l->state == LINK_GONE)
		return;
	if (l->mux.frames != l->gone_at || l->mux.head_n) {
		link_cut(l, WIRE_BAD_ORDER, "frames after it went away");
		return;
	}
	l->state = LINK_GONE;
	l->c.ops->gone(l->c.arg);
}

void link_feed(struct link *l, struct span bytes)
{
	if (!l->over && l->state == LINK_ACK)
		bytes = feed_handshake(l, bytes);
	if (l->over || bytes.n == 0)
		return;
	if (l->state == LINK_IDLE || l->state == LINK_GONE) {
		link_cut(l, WIRE_BAD_ORDER, "bytes before the handshake");
		return;
	}
	(void)mux_feed(&l->mux, bytes);
	settle(l);
	check_gone(l);
}

void link_hangup(struct link *l)
{
	static const char *const when[] = {
		[LINK_IDLE] = "before the handshake",
		[LINK_ACK] = "before its answer to the handshake",
		[LINK_START] = "before it was ready",
		[LINK_OPEN] = "while it works",
		[LINK_GONE] = "before another handshake",
	};

	link_cut(l, WIRE_HANGUP, "the port closed %s", when[l->state]);
}

/* --- output and the descriptor ----------------------------------------- */

struct mux_stream *link_open(struct link *l, enum wire_service service)
{
	struct mux_stream *s = NULL;

	if (!l->over && l->state >= LINK_ACK && l->state <= LINK_OPEN)
		s = mux_open(&l->mux, service);
	settle(l);
	return s;
}

size_t link_room(const struct link *l, const struct mux_stream *s)
{
	return l->over ? 0 : mux_room(&l->mux, s);
}

size_t link_send(struct link *l, struct mux_stream *s, struct span bytes)
{
	size_t n = l->over ? 0 : mux_send(&l->mux, s, bytes);

	settle(l);
	return n;
}

void link_fin(struct link *l, struct mux_stream *s)
{
	if (!l->over)
		mux_end(&l->mux, s);
	settle(l);
}

void link_reset(struct link *l, struct mux_stream *s)
{
	if (!l->over)
		mux_reset(&l->mux, s);
	settle(l);
}

void link_consumed(struct link *l, struct mux_stream *s, size_t n)
{
	if (!l->over)
		mux_consumed(&l->mux, s, n);
	settle(l);
}

void link_go_away(struct link *l)
{
	l->asked_to_go = true;
	if (!l->over)
		mux_go_away(&l->mux, 0);
	settle(l);
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
	struct buf *out = &l->mux.out;
	ssize_t n = 0;

	if (out->n)
		n = send(l->fd, out->p, out->n, MSG_NOSIGNAL | MSG_DONTWAIT);
	if (n >= 0)
		buf_drop(out, (size_t)n);
	else if (errno != EAGAIN && errno != EINTR)
		l->deaf = true;
	mux_drained(&l->mux);
	settle(l);
}

static void on_wire(void *arg, int fd, short revents)
{
	struct link *l = arg;

	(void)fd;
	if (revents & POLLOUT)
		on_writable(l);
	if (!l->over && (revents & (POLLIN | POLLHUP | POLLERR)))
		on_readable(l);
}

static void watch(struct link *l)
{
	short events = (short)(POLLIN | (l->mux.out.n ? POLLOUT : 0));

	if (l->fd < 0 || l->over)
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
