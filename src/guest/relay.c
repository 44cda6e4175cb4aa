/*
 * relay: one session of the multiplexer, between the wire and the workload.
 *
 * Each stream that is the workload's is a link: the stream, init's end of a
 * socket pair, and what came from the host and the workload has not taken yet.
 * Back-pressure downwards is the stream's window: bytes weigh on it until the
 * workload has them, so a link never holds more than one window. Upwards it is
 * the absence of reading: a link and the log are read only while the mux has
 * room for what is read. A descriptor stands in the poll set only while
 * something is wanted of it: a closed end is otherwise reported for ever.
 *
 * A reader gets its connections over its door. It ends its answer with a zero
 * byte, which is not passed on. Only then is the stream ended: a connection
 * that just ends may be one whose process is about to be found dead, and FIN
 * would make half an answer look whole.
 *
 * A template hands one connection through the door before it is copied, so
 * that a copy need not: in an emulated machine each way into the kernel that
 * is new to the copy costs more than the work done there.
 */
#include "guest/guest.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/door.h"
#include "base/fd.h"

enum {
	SLOT_PORT,
	SLOT_PID,
	SLOT_LOG,
	SLOT_DOOR,
	SLOT_LINK = SLOT_DOOR + GUEST_DOORS,
	SLOTS = SLOT_LINK + GUEST_LINKS,
	LOG_CHUNK = 1024,
};

struct link {
	int fd;		      /* -1: a free row */
	struct mux_stream *s; /* NULL: over, but for the bytes in down */
	struct buf down;      /* not yet taken by the workload */
	bool by_door;
	bool said;     /* by the door, and the zero byte came */
	bool host_end; /* the host says no more */
	bool work_end; /* nor does the workload */
	bool deaf;     /* the workload takes no more bytes */
};

struct session {
	const struct relay *r;
	struct work *k;
	struct mux mux;
	struct mux_stream *control, *log;
	struct link links[GUEST_LINKS];
	size_t logged;
	bool log_over; /* nobody listens */
	bool away;     /* the host went */
	int error;
};

static void fail(struct session *ss, int error)
{
	if (ss->error == 0)
		ss->error = error;
}

/* ---- links */

/* Answered, taken, and still open: see on_closed. */
static bool link_over(const struct link *l)
{
	return l->fd >= 0 && !l->s && !l->down.n;
}

static struct link *link_new(struct session *ss, struct mux_stream *s, int fd)
{
	size_t i;

	for (i = 0; i < GUEST_LINKS; i++) {
		struct link *l = &ss->links[i];

		if (link_over(l))
			fd_close(&l->fd);
		if (l->fd >= 0)
			continue;
		*l = (struct link){ .fd = fd, .s = s, .down = l->down };
		s->user = l;
		return l;
	}
	return NULL;
}

static void link_free(struct link *l)
{
	fd_close(&l->fd);
	buf_reset(&l->down);
	l->s = NULL;
}

/* n bytes of down have a home, or need none any more. */
static void link_drop(struct session *ss, struct link *l, size_t n)
{
	buf_drop(&l->down, n);
	if (l->s)
		mux_consumed(&ss->mux, l->s, n);
	if (l->down.n)
		return;
	if (!l->s)
		link_free(l);
	else if (l->host_end && !l->deaf)
		(void)shutdown(l->fd, SHUT_WR);
}

/* To the workload, what it takes now; all of it where it takes no more. */
static void link_write(struct session *ss, struct link *l)
{
	ssize_t n = 0;

	if (!l->down.n)
		return;
	if (!l->deaf) {
		n = send(l->fd, l->down.p, l->down.n, MSG_NOSIGNAL);
		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		l->deaf = n < 0;
	}
	link_drop(ss, l, l->deaf ? l->down.n : (size_t)n);
}

/* Nothing more comes from the workload, and FIN goes up unless the answer has
 * no end; may free the link. */
static void link_end(struct session *ss, struct link *l)
{
	l->work_end = true;
	if (!l->by_door || l->said)
		mux_end(&ss->mux, l->s);
}

/* Bytes of the workload, for which there is room. */
static void link_pass(struct session *ss, struct link *l, struct span bytes)
{
	const uint8_t *end = l->by_door ? memchr(bytes.p, 0, bytes.n) : NULL;

	if (end)
		bytes.n = (size_t)(end - bytes.p);
	(void)mux_send(&ss->mux, l->s, bytes);
	if (!end)
		return;
	l->said = true;
	link_end(ss, l);
}

/* From the workload, as much as the host takes. */
static void link_read(struct session *ss, struct link *l)
{
	static uint8_t chunk[MUX_CHUNK];
	size_t room = mux_room(&ss->mux, l->s);
	ssize_t n =
		read(l->fd, chunk, room < sizeof(chunk) ? room : sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		link_pass(ss, l, span_of(chunk, (size_t)n));
	else
		link_end(ss, l);
}

/* ---- the door */

/* Our end of a connection whose other went through the door; -errno. */
static int door_connect(const struct work *k)
{
	CLEAN_FD int ours = -1;
	CLEAN_FD int theirs = -1;
	int pair[2], r;

	if (k->dead || k->sock < 0)
		return -ECHILD;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
		return -errno;
	ours = pair[0];
	theirs = pair[1];
	r = fd_nonblock(ours, true);
	if (r == 0)
		r = door_give(k->sock, theirs);
	return r < 0 ? r : take_fd(&ours);
}

/* A connection through the door for this stream; -errno if it has none. */
static int door_open(struct session *ss, struct mux_stream *s)
{
	CLEAN_FD int fd = ss->k->spare >= 0 ? take_fd(&ss->k->spare)
					    : door_connect(ss->k);
	struct link *l;

	if (fd < 0)
		return fd;
	l = link_new(ss, s, fd);
	if (!l)
		return -EMFILE;
	(void)take_fd(&fd);
	l->by_door = true;
	return 0;
}

static bool has_door(const struct session *ss)
{
	return ss->k->w->service == WIRE_READER;
}

/* ---- doors: connections of a packaged agent's machine */

static bool has_room(const struct session *ss)
{
	size_t i;

	for (i = 0; i < GUEST_LINKS; i++)
		if (ss->links[i].fd < 0 || link_over(&ss->links[i]))
			return true;
	return false;
}

/* How many streams of that service there are. */
static size_t links_of(const struct session *ss, enum wire_service service)
{
	size_t i, n = 0;

	for (i = 0; i < GUEST_LINKS; i++)
		n += ss->links[i].fd >= 0 && ss->links[i].s &&
		     ss->links[i].s->service == service;
	return n;
}

/* Who connects waits until there may be one more stream. */
static bool door_takes(const struct session *ss, size_t i)
{
	const struct wire_rule *rule =
		wire_rule(ss->r->which, doors_service(i));

	return rule && links_of(ss, doors_service(i)) < rule->streams &&
	       has_room(ss) && ss->mux.out.n < MUX_OUT_LOW;
}

static void door_accept(struct session *ss, size_t i)
{
	CLEAN_FD int fd = accept4(ss->k->doors[i], NULL, NULL,
				  SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct mux_stream *s;

	if (fd < 0)
		return;
	s = mux_open(&ss->mux, doors_service(i));
	if (s && link_new(ss, s, fd))
		(void)take_fd(&fd);
	else if (s)
		mux_reset(&ss->mux, s);
}

/* ---- what the mux tells */

static void on_opened(void *arg, struct mux_stream *s)
{
	struct session *ss = arg;

	if (door_open(ss, s) < 0)
		mux_reset(&ss->mux, s);
}

/* Control and log are ours alone to speak on. */
static void on_data(void *arg, struct mux_stream *s, struct span bytes)
{
	struct session *ss = arg;
	struct link *l = s->user;

	if (!l) {
		fail(ss, -EPROTO);
		return;
	}
	buf_span(&l->down, bytes);
	if (!buf_ok(&l->down))
		fail(ss, -ENOMEM);
	else
		link_write(ss, l);
}

static void on_end(void *, struct mux_stream *s)
{
	struct link *l = s->user;

	if (!l)
		return;
	l->host_end = true;
	if (!l->down.n && !l->deaf)
		(void)shutdown(l->fd, SHUT_WR);
}

/*
 * Over on the wire; what is still on its way down goes there, unless the host
 * has thrown it away. Where all is said the connection stays open until its
 * row is needed: nobody waits for its end, and the host for what comes after.
 */
static void on_closed(void *arg, struct mux_stream *s, bool reset)
{
	struct session *ss = arg;
	struct link *l = s->user;

	if (s == ss->control) {
		ss->control = NULL;
		fail(ss, -EPROTO);
	} else if (s == ss->log) {
		ss->log = NULL;
		ss->log_over = true;
	} else if (l) {
		l->s = NULL;
		if (reset || l->deaf || (!l->down.n && !l->said))
			link_free(l);
	}
}

static void on_gone(void *arg, uint32_t)
{
	struct session *ss = arg;

	if (ss->r->template)
		ss->away = true;
	else
		fail(ss, -EPROTO);
}

static const struct mux_ops ops = {
	.opened = on_opened,
	.data = on_data,
	.end = on_end,
	.closed = on_closed,
	.gone = on_gone,
};

/* ---- the log and the end of the workload */

/* The log's stream is there once there is something to log. */
static void log_send(struct session *ss, struct span line)
{
	if (line.n > GUEST_LOG_TOTAL - ss->logged)
		ss->log_over = true;
	if (!ss->log && !ss->log_over)
		ss->log = mux_open(&ss->mux, WIRE_LOG);
	if (!ss->log || ss->log_over)
		return;
	ss->logged += line.n;
	(void)mux_send(&ss->mux, ss->log, line);
}

static void log_read(struct session *ss)
{
	uint8_t line[LOG_CHUNK];
	ssize_t n = read(ss->k->log, line, sizeof(line));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		log_send(ss, span_of(line, (size_t)n));
	else
		fd_close(&ss->k->log);
}

/* Whether a chunk of the log would find its way now, if only to nowhere. */
static bool log_goes(const struct session *ss)
{
	if (ss->log && !ss->log_over)
		return mux_room(&ss->mux, ss->log) >= LOG_CHUNK;
	return ss->log_over || ss->mux.out.n < MUX_OUT_LOW - LOG_CHUNK;
}

/*
 * The workload is gone. Whatever it may have left behind holds its sockets
 * open and goes too; as PID 1, this reaches all but ourselves.
 */
static void reap(struct work *k)
{
	int status;

	if (waitpid(k->pid, &status, 0) != k->pid)
		return;
	if (getpid() == 1)
		(void)kill(-1, SIGKILL);
	fd_close(&k->pidfd);
	k->dead = true;
	k->exit.kind =
		WIFSIGNALED(status) ? WIRE_EXIT_SIGNALLED : WIRE_EXIT_CODE;
	k->exit.status = (uint32_t)(WIFSIGNALED(status) ? WTERMSIG(status)
							: WEXITSTATUS(status));
}

/* ---- the loop */

static void want(struct pollfd *slot, int fd, short events)
{
	slot->fd = events ? fd : -1;
	slot->events = events;
	slot->revents = 0;
}

static short link_wants(const struct session *ss, const struct link *l)
{
	short events = 0;

	if (l->down.n)
		events |= POLLOUT;
	if (l->s && !l->work_end && mux_room(&ss->mux, l->s))
		events |= POLLIN;
	return events;
}

static void slots_fill(const struct session *ss, struct pollfd slots[SLOTS])
{
	const struct work *k = ss->k;
	size_t i;

	/* always there, since its hang-up ends everything */
	slots[SLOT_PORT] =
		(struct pollfd){ .fd = ss->r->port->fd, .events = POLLIN };
	if (ss->mux.out.n)
		slots[SLOT_PORT].events |= POLLOUT;
	want(&slots[SLOT_PID], k->pidfd, POLLIN);
	want(&slots[SLOT_LOG], k->log, log_goes(ss) ? POLLIN : 0);
	for (i = 0; i < GUEST_DOORS; i++)
		want(&slots[SLOT_DOOR + i], k->doors[i],
		     k->doors[i] >= 0 && door_takes(ss, i) ? POLLIN : 0);
	for (i = 0; i < GUEST_LINKS; i++)
		want(&slots[SLOT_LINK + i], ss->links[i].fd,
		     link_wants(ss, &ss->links[i]));
}

static void host_read(struct session *ss, short revents)
{
	struct port *p = ss->r->port;
	int r = revents & POLLIN || p->rest.n ? port_read(p) : 0;

	if (r > 0) {
		if (mux_feed(&ss->mux, p->rest) != WIRE_OK)
			fail(ss, -EPROTO);
		p->rest = span_of(p->chunk, 0);
	} else if (r < 0) {
		fail(ss, r);
	} else if (!(revents & POLLIN) &&
		   revents & (POLLHUP | POLLERR | POLLNVAL)) {
		fail(ss, -EPIPE);
	}
}

/* The link may end in the first half, and its row be another's in theory. */
static void link_serve(struct session *ss, size_t i, short revents)
{
	struct link *l = &ss->links[i];

	if (revents && l->fd >= 0 && l->down.n)
		link_write(ss, l);
	if (revents && l->fd >= 0 && l->s && !l->work_end &&
	    mux_room(&ss->mux, l->s))
		link_read(ss, l);
}

/* The log before the links: it says why, and it is bounded. */
static void slots_serve(struct session *ss, const struct pollfd slots[SLOTS])
{
	size_t i;
	int r;

	host_read(ss, slots[SLOT_PORT].revents);
	if (slots[SLOT_LOG].revents && log_goes(ss))
		log_read(ss);
	for (i = 0; i < GUEST_LINKS; i++)
		link_serve(ss, i, slots[SLOT_LINK + i].revents);
	for (i = 0; i < GUEST_DOORS; i++)
		if (slots[SLOT_DOOR + i].revents && door_takes(ss, i))
			door_accept(ss, i);
	if (slots[SLOT_PID].revents)
		reap(ss->k);
	r = port_flush(ss->r->port, &ss->mux.out);
	if (r < 0)
		fail(ss, r);
	if (ss->mux.fault != WIRE_OK)
		fail(ss, -EPROTO);
}

/* The workload is dead, and all that it has said is on its way. */
static bool all_said(const struct session *ss)
{
	size_t i;

	if (!ss->k->dead || ss->k->log >= 0)
		return false;
	for (i = 0; i < GUEST_LINKS; i++)
		if (ss->links[i].fd >= 0 && ss->links[i].s &&
		    !ss->links[i].work_end)
			return false;
	return true;
}

static int session_run(struct session *ss)
{
	struct pollfd slots[SLOTS];
	/* READY leaves before anybody but us sees what came with HELLO. */
	int r = port_flush(ss->r->port, &ss->mux.out);

	if (r < 0)
		return r;
	while (ss->error == 0 && !ss->away && !all_said(ss)) {
		slots_fill(ss, slots);
		if (poll(slots, SLOTS, ss->r->port->rest.n ? 0 : -1) < 0 &&
		    errno != EINTR)
			return -errno;
		slots_serve(ss, slots);
	}
	return ss->error;
}

/* How it ended comes before the end of what it left open, so that the host
 * learns the cause first. */
static int exit_send(struct session *ss)
{
	CLEAN_BUF struct buf b = { 0 };
	int r = port_send(ss->r->port, &ss->mux.out);
	size_t i;

	if (r < 0)
		return r;
	buf_init(&b, WIRE_HEAD + WIRE_EXIT_LEN);
	wire_exit_put(&b, &ss->k->exit);
	if (mux_send(&ss->mux, ss->control, buf_view(&b)) != b.n)
		return -EPROTO;
	for (i = 0; i < GUEST_LINKS; i++)
		if (ss->links[i].fd >= 0 && ss->links[i].s)
			mux_reset(&ss->mux, ss->links[i].s);
	return port_send(ss->r->port, &ss->mux.out);
}

static int session_end(struct session *ss)
{
	int r = session_run(ss);

	if (r < 0)
		return r;
	if (!ss->away)
		return exit_send(ss);
	if (has_door(ss) && ss->k->spare < 0)
		ss->k->spare = door_connect(ss->k);
	mux_go_away(&ss->mux, 0);
	r = port_send(ss->r->port, &ss->mux.out);
	return r < 0 ? r : RELAY_AWAY;
}

/* The word that the workload stands, and then the workload's own streams. */
static int session_start(struct session *ss)
{
	CLEAN_BUF struct buf ready = { 0 };
	struct mux_stream *s;

	ss->control = mux_open(&ss->mux, WIRE_CONTROL);
	if (!ss->control)
		return -EINVAL;
	buf_init(&ready, WIRE_HEAD);
	wire_put(&ready, WIRE_READY, span_of(NULL, 0));
	(void)mux_send(&ss->mux, ss->control, buf_view(&ready));
	if (!ss->k->pid || has_door(ss) || ss->k->w->doors)
		return 0;
	s = mux_open(&ss->mux, ss->k->w->service);
	if (!s || !link_new(ss, s, take_fd(&ss->k->sock)))
		return -EINVAL;
	if (ss->k->model < 0)
		return 0;
	s = mux_open(&ss->mux, WIRE_LLM);
	return s && link_new(ss, s, take_fd(&ss->k->model)) ? 0 : -EINVAL;
}

/*
 * The memory of the session before stays: in the copy of a template, to ask
 * the kernel for some would be a long and cold way.
 */
static void session_init(struct session *ss, const struct relay *r,
			 const struct mux_config *c)
{
	struct buf down[GUEST_LINKS], out = ss->mux.out;
	size_t i;

	for (i = 0; i < GUEST_LINKS; i++)
		down[i] = ss->links[i].down;
	*ss = (struct session){ .r = r, .k = r->work };
	for (i = 0; i < GUEST_LINKS; i++) {
		ss->links[i] = (struct link){ .fd = -1, .down = down[i] };
		ss->links[i].down.max = MUX_WINDOW;
		buf_reset(&ss->links[i].down);
	}
	mux_init(&ss->mux, c);
	ss->mux.c.arg = ss;
	out.max = ss->mux.out.max;
	ss->mux.out = out;
	buf_reset(&ss->mux.out);
}

int relay_run(const struct relay *r)
{
	/* what the host does costs only its own guest */
	const struct mux_config config = {
		.workload = r->which,
		.bytes = UINT64_MAX,
		.frames = UINT32_MAX,
		.opens = UINT32_MAX,
		.ops = &ops,
	};
	static struct session ss;
	size_t i;
	int ret;

	session_init(&ss, r, &config);
	ret = session_start(&ss);
	if (ret == 0)
		ret = session_end(&ss);
	for (i = 0; i < GUEST_LINKS; i++)
		link_free(&ss.links[i]);
	return ret;
}
