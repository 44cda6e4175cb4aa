/*
 * bulkhead-control: the owner's Unix socket.
 *
 * SECURITY. Reads typed requests of local processes that the socket's mode
 * (0600) and SO_PEERCRED let through: only the uids that the configuration
 * lists. It passes them on to the monitor (status, down, kill, rearm, wire) or
 * the broker (items, effects, tasks, approvals), to each one at a time, and
 * their answers back. It holds no policy, no key, no file and no network; the
 * listening socket was made by the monitor. A client that breaks the protocol
 * or does not read is closed. Where there is no broker, what is for the monitor
 * works all the same.
 */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/types.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/str.h"
#include "privsep/chan.h"
#include "privsep/sandbox.h"
#include "privsep/users.h"

enum { CLIENTS = 16, SEND_SECONDS = 2, REST_MS = 200 };

#define BROKER_GONE                                                            \
	"the broker is not there: it is being started again; "                 \
	"`bulkhead status` says why"

/* Whom a request can be for. The monitor is there as long as we are; the broker
 * may end and be started again, and then the monitor brings a new channel. */
enum { MONITOR, BROKER, SERVERS };

struct client {
	struct chan chan;
	bool used;
	uid_t uid; /* as the kernel says */
	/* Its request, encoded, while others' go before it; empty: none. */
	struct buf later;
	int later_for;
};

struct control {
	struct loop loop;
	struct server {
		struct chan chan;      /* fd -1: it is not there */
		struct client *asking; /* whose request is being answered */
		bool busy; /* likewise, though who asked may have gone */
	} servers[SERVERS];
	int listen_fd;
	struct users users;
	struct msg_ids ids;
	struct client clients[CLIENTS];
	struct msg msg;
	int spare; /* descriptor, for what an answer brings */
};

static bool is_waiting(const struct control *c, const struct client *cl)
{
	return cl->later.n || c->servers[MONITOR].asking == cl ||
	       c->servers[BROKER].asking == cl;
}

static void client_close(struct control *c, struct client *cl)
{
	size_t i;

	for (i = 0; i < SERVERS; i++)
		if (c->servers[i].asking == cl)
			c->servers[i].asking = NULL;
	loop_del(&c->loop, cl->chan.fd);
	chan_done(&cl->chan);
	buf_done(&cl->later);
	*cl = (struct client){ 0 };
}

static void client_fail(struct control *c, struct client *cl, const char *text)
{
	c->msg.type = MSG_C_FAIL;
	c->msg.ids = c->ids;
	c->msg.text.text = span_str(text);
	if (chan_send(&cl->chan, &c->msg, NULL, 0) < 0)
		client_close(c, cl);
}

/* Which server a request goes to; -1: clients may not send it. */
static int route(enum msg_type t)
{
	if (t == MSG_C_STATUS || t == MSG_C_DOWN || t == MSG_C_KILL ||
	    t == MSG_C_REARM || t == MSG_C_WIRE || t == MSG_C_KEY)
		return MONITOR;
	if (t == MSG_C_ITEMS || t == MSG_C_LEASE || t == MSG_C_EFFECTS ||
	    t == MSG_C_SETTLE || t == MSG_C_REPEAT || t == MSG_C_TASK_RUN ||
	    t == MSG_C_TASKS || t == MSG_C_TASK_CANCEL ||
	    t == MSG_C_APPROVALS || t == MSG_C_APPROVE || t == MSG_C_DECLINE ||
	    t == MSG_C_ASIDE || t == MSG_C_ERASE || t == MSG_C_MEMORY ||
	    t == MSG_C_FORGET)
		return BROKER;
	return -1;
}

static void next_request(struct control *c, struct server *s);

/* Whoever asked is told, and those who wait for it, too. */
static void lose_broker(struct control *c)
{
	struct server *s = &c->servers[BROKER];

	loop_del(&c->loop, s->chan.fd);
	chan_done(&s->chan);
	s->chan.fd = -1;
	if (s->asking) {
		struct client *cl = s->asking;

		s->asking = NULL;
		loop_events(&c->loop, cl->chan.fd, POLLIN);
		client_fail(c, cl, BROKER_GONE);
	}
	s->busy = false;
	next_request(c, s);
}

/* Sends the request of cl, encoded, and remembers who waits for the answer. */
static void ask(struct control *c, struct server *s, struct client *cl,
		struct span request)
{
	int r = s->chan.fd < 0 ? -EPIPE
			       : chan_send_bytes(&s->chan, request, NULL, 0);

	if (r == 0) {
		s->asking = cl;
		s->busy = true;
		loop_events(&c->loop, cl->chan.fd, 0);
		return;
	}
	if (s == &c->servers[MONITOR])
		die("the monitor does not take a request");
	/* If it hangs, or is gone, its hang-up will be seen. */
	client_fail(c, cl, BROKER_GONE);
}

static void ask_now(struct control *c, struct client *cl)
{
	CLEAN_BUF struct buf request = cl->later;

	cl->later = (struct buf){ 0 };
	loop_events(&c->loop, cl->chan.fd, POLLIN);
	ask(c, &c->servers[cl->later_for], cl, buf_view(&request));
}

/* The next of those who wait for that server. */
static void next_request(struct control *c, struct server *s)
{
	size_t i;

	for (i = 0; i < CLIENTS && !s->busy; i++) {
		struct client *cl = &c->clients[i];

		if (cl->used && cl->later.n && &c->servers[cl->later_for] == s)
			ask_now(c, cl);
	}
}

/* Whose word it is, not he says but the kernel. */
static void put_uid(struct msg *m, uid_t uid)
{
	if (m->type == MSG_C_APPROVE)
		m->c_approve.uid = uid;
	if (m->type == MSG_C_DECLINE)
		m->c_decline.uid = uid;
}

/* The request at hand: sent, or kept until its server is free. */
static void client_request(struct control *c, struct client *cl)
{
	int to = route(c->msg.type);
	struct server *s;

	if (to < 0) {
		client_fail(c, cl, "a request that clients may not make");
		return;
	}
	s = &c->servers[to];
	c->msg.ids = c->ids;
	put_uid(&c->msg, cl->uid);
	buf_init(&cl->later, LIMIT_MSG);
	msg_encode(&cl->later, &c->msg);
	if (!buf_ok(&cl->later)) {
		client_close(c, cl);
		return;
	}
	cl->later_for = to;
	loop_events(&c->loop, cl->chan.fd, 0);
	next_request(c, s);
}

static void client_event(void *arg, int fd, short revents)
{
	struct control *c = arg;
	struct client *cl = NULL;
	const char *why;
	size_t i;
	int r;

	for (i = 0; i < CLIENTS && !cl; i++)
		if (c->clients[i].used && c->clients[i].chan.fd == fd)
			cl = &c->clients[i];
	if (!cl)
		return;
	if (is_waiting(c, cl)) {
		/* Only a hang-up wakes us while it waits. */
		if (revents & (POLLHUP | POLLERR))
			client_close(c, cl);
		return;
	}
	r = chan_recv(&cl->chan, &c->msg, &why);
	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		if (r == -EPROTO)
			log_warn("client-bad", "why=\"%s\"", why);
		client_close(c, cl);
		return;
	}
	client_request(c, cl);
}

/* #syscalls:control accept4 */
/* #syscalls:control fcntl int1=F_DUPFD_CLOEXEC */
/* #syscalls:control setsockopt int1=SOL_SOCKET int2=SO_SNDTIMEO */
static void listen_event(void *arg, int fd, short revents)
{
	const struct timeval limit = { .tv_sec = SEND_SECONDS };
	struct control *c = arg;
	struct client *cl = NULL;
	CLEAN_FD int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
	uid_t uid;
	size_t i;

	(void)revents;
	if (s < 0) {
		/* Whoever could not be taken in still waits there: to look at
		 * once again would be to spin. */
		if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS ||
		    errno == ENOMEM)
			loop_rest(&c->loop, fd, REST_MS);
		return;
	}
	if (!users_have_peer(&c->users, s, &uid)) {
		log_warn("client-refused", "uid=%u", uid);
		return;
	}
	for (i = 0; i < CLIENTS && !cl; i++)
		if (!c->clients[i].used)
			cl = &c->clients[i];
	if (!cl ||
	    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return;
	if (loop_add(&c->loop, s, POLLIN, client_event, c) < 0)
		return;
	if (chan_init(&cl->chan, s) < 0) {
		loop_del(&c->loop, s);
		return;
	}
	(void)take_fd(&s);
	cl->chan.no_wait = true;
	cl->used = true;
	cl->uid = uid;
}

/* An answer goes to the client that waits; the last one frees the line. */
static void answer(struct control *c, struct server *from)
{
	struct client *cl = from->asking;
	enum msg_type t = c->msg.type;

	if (cl && chan_send(&cl->chan, &c->msg, from->chan.fds,
			    from->chan.n_fds) < 0) {
		client_close(c, cl);
		cl = NULL;
	}
	if (t != MSG_C_OK && t != MSG_C_FAIL)
		return;
	if (cl)
		loop_events(&c->loop, cl->chan.fd, POLLIN);
	from->asking = NULL;
	from->busy = false;
	next_request(c, from);
}

static bool is_answer(enum msg_type t)
{
	return t == MSG_C_ITEM || t == MSG_C_REQUEST || t == MSG_C_TEXT ||
	       t == MSG_C_EFFECT || t == MSG_C_TASK || t == MSG_C_APPROVAL ||
	       t == MSG_C_ASIDE_ROW || t == MSG_C_NOTE || t == MSG_C_OK ||
	       t == MSG_C_FAIL;
}

static void server_event(void *arg, int fd, short revents);

/* A broker that was started again. */
static void new_broker(struct control *c, int fd)
{
	struct server *s = &c->servers[BROKER];

	if (s->chan.fd >= 0)
		lose_broker(c);
	if (fd < 0 || chan_init(&s->chan, fd) < 0 ||
	    loop_add(&c->loop, fd, POLLIN, server_event, c) < 0)
		die("no room for the broker");
	s->chan.no_wait = true;
	s->chan.spare = &c->spare;
}

static void say(struct control *c, enum msg_type t)
{
	const struct m_ping ping = c->msg.ping;

	c->msg.type = t;
	c->msg.ids = c->ids;
	if (t == MSG_PONG)
		c->msg.ping = ping;
	else
		c->msg.empty = (struct m_empty){ 0 };
	if (chan_send(&c->servers[MONITOR].chan, &c->msg, NULL, 0) < 0)
		die("the monitor does not take a message");
}

/* What only the monitor says, and what is no answer. */
static void from_monitor(struct control *c)
{
	switch ((int)c->msg.type) {
	case MSG_STOP:
		loop_stop(&c->loop);
		break;
	case MSG_PING:
		say(c, MSG_PONG);
		break;
	case MSG_PEER:
		new_broker(c, chan_take_fd(&c->servers[MONITOR].chan, 0));
		break;
	default:
		die("an answer of the wrong type: %s",
		    msg_type_name(c->msg.type));
	}
}

static void server_event(void *arg, int fd, short revents)
{
	struct control *c = arg;
	bool monitor = fd == c->servers[MONITOR].chan.fd;
	struct server *s = &c->servers[monitor ? MONITOR : BROKER];
	const char *why;
	int r = chan_recv(&s->chan, &c->msg, &why);

	(void)revents;
	if (r == -EAGAIN)
		return;
	if (r == -EMFILE) {
		loop_rest(&c->loop, fd, REST_MS);
		return;
	}
	if (r <= 0 && monitor) {
		log_info("ending", "why=\"the monitor is gone\"");
		loop_stop(&c->loop);
	} else if (r <= 0) {
		lose_broker(c);
	} else if (is_answer(c->msg.type)) {
		answer(c, s);
	} else if (monitor) {
		from_monitor(c);
	} else {
		/* Not ours to end; it is heard no more. */
		log_error("broker-bad", "type=%s", msg_type_name(c->msg.type));
		lose_broker(c);
	}
}

int main(void)
{
	static struct control c;
	struct chan *monitor = &c.servers[MONITOR].chan;
	const char *why;

	process_start(PROC_CONTROL);
	loop_init(&c.loop);
	c.servers[BROKER].chan.fd = -1;
	c.spare = -1;
	c.listen_fd = graph_fd(PROC_CONTROL, FD_LISTEN);
	if (chan_init(monitor, graph_fd(PROC_CONTROL, FD_MONITOR)) < 0)
		die("out of memory");
	if (chan_recv(monitor, &c.msg, &why) != 1 || c.msg.type != MSG_HELLO)
		die("no hello from the monitor");
	c.ids = c.msg.ids;
	if (users_take(&c.users, c.msg.hello.arg) < 0)
		die("hello: bad list of users");
	monitor->no_wait = true;
	monitor->spare = &c.spare;
	new_broker(&c, graph_fd(PROC_CONTROL, FD_BROKER));
	if (loop_add(&c.loop, monitor->fd, POLLIN, server_event, &c) < 0 ||
	    loop_add(&c.loop, c.listen_fd, POLLIN, listen_event, &c) < 0)
		die("no room in the loop");
	say(&c, MSG_READY);
	return loop_run(&c.loop) < 0 ? 1 : 0;
}
