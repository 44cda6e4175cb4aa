/*
 * bulkhead-control: the owner's Unix socket.
 *
 * SECURITY. Reads typed requests of local processes that the socket's mode
 * (0600) and SO_PEERCRED let through: only the uids that the configuration
 * lists. It passes them on to the monitor (status, down, kill, wire) or the
 * broker (items, effects), one at a time, and their answers back. It holds no
 * policy, no key, no file and no network; the listening socket was made by the
 * monitor. A client that breaks the protocol or does not read is closed.
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

enum { CLIENTS = 16, USERS = 16, SEND_SECONDS = 2, REST_MS = 200 };

struct client {
	struct chan chan;
	bool used;
	bool waiting; /* its request is the one being answered */
};

struct control {
	struct loop loop;
	struct chan monitor;
	struct chan broker;
	int listen_fd;
	uint32_t users[USERS];
	size_t n_users;
	struct msg_ids ids;
	struct client clients[CLIENTS];
	bool busy; /* a request is on its way, others wait in their sockets */
	struct msg msg;
	int spare; /* descriptor, for what an answer brings */
};

static void watch_clients(struct control *c, bool on)
{
	size_t i;

	for (i = 0; i < CLIENTS; i++)
		if (c->clients[i].used)
			loop_events(&c->loop, c->clients[i].chan.fd,
				    on ? POLLIN : 0);
	c->busy = !on;
}

static void client_close(struct control *c, struct client *cl)
{
	loop_del(&c->loop, cl->chan.fd);
	chan_done(&cl->chan);
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

/* Where a request goes; NULL: clients may not send it. */
static struct chan *route(struct control *c, enum msg_type t)
{
	if (t == MSG_C_STATUS || t == MSG_C_DOWN || t == MSG_C_KILL ||
	    t == MSG_C_WIRE)
		return &c->monitor;
	if (t == MSG_C_ITEMS || t == MSG_C_EFFECTS || t == MSG_C_SETTLE ||
	    t == MSG_C_REPEAT)
		return &c->broker;
	return NULL;
}

static void client_event(void *arg, int fd, short revents)
{
	struct control *c = arg;
	struct client *cl = NULL;
	struct chan *to;
	const char *why;
	size_t i;
	int r;

	for (i = 0; i < CLIENTS && !cl; i++)
		if (c->clients[i].used && c->clients[i].chan.fd == fd)
			cl = &c->clients[i];
	if (!cl)
		return;
	if (c->busy) {
		/* Its request came in the same moment as another's: later. */
		if (!(revents & (POLLHUP | POLLERR)))
			return;
		/* Only a hang-up wakes us now; whose request is on its way
		 * stays until the answer came, then it is found closed. */
		if (!cl->waiting)
			client_close(c, cl);
		else
			loop_del(&c->loop, fd);
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
	to = route(c, c->msg.type);
	if (!to) {
		client_fail(c, cl, "a request that clients may not make");
		return;
	}
	c->msg.ids = c->ids;
	if (chan_send(to, &c->msg, NULL, 0) < 0)
		die("the monitor or the broker does not take a request");
	cl->waiting = true;
	watch_clients(c, false);
}

static bool user_listed(const struct control *c, uid_t uid)
{
	size_t i;

	for (i = 0; i < c->n_users; i++)
		if (c->users[i] == uid)
			return true;
	return false;
}

/* #syscalls:control accept4 getsockopt int1=SOL_SOCKET int2=SO_PEERCRED */
/* #syscalls:control fcntl int1=F_DUPFD_CLOEXEC */
/* #syscalls:control setsockopt int1=SOL_SOCKET int2=SO_SNDTIMEO */
static void listen_event(void *arg, int fd, short revents)
{
	const struct timeval limit = { .tv_sec = SEND_SECONDS };
	struct control *c = arg;
	struct client *cl = NULL;
	struct ucred cred = { 0 };
	socklen_t n = sizeof(cred);
	CLEAN_FD int s = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
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
	if (getsockopt(s, SOL_SOCKET, SO_PEERCRED, &cred, &n) < 0 ||
	    !user_listed(c, cred.uid)) {
		log_warn("client-refused", "uid=%u", cred.uid);
		return;
	}
	for (i = 0; i < CLIENTS && !cl; i++)
		if (!c->clients[i].used)
			cl = &c->clients[i];
	if (!cl ||
	    setsockopt(s, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		return;
	if (loop_add(&c->loop, s, c->busy ? 0 : POLLIN, client_event, c) < 0)
		return;
	if (chan_init(&cl->chan, s) < 0) {
		loop_del(&c->loop, s);
		return;
	}
	(void)take_fd(&s);
	cl->chan.no_wait = true;
	cl->used = true;
}

/* An answer goes to the client that waits; the last one frees the line. */
static void answer(struct control *c, const struct chan *from)
{
	struct client *cl = NULL;
	enum msg_type t = c->msg.type;
	size_t i;

	for (i = 0; i < CLIENTS && !cl; i++)
		if (c->clients[i].used && c->clients[i].waiting)
			cl = &c->clients[i];
	if (cl && chan_send(&cl->chan, &c->msg, from->fds, from->n_fds) < 0) {
		client_close(c, cl);
		cl = NULL;
	}
	if (t != MSG_C_OK && t != MSG_C_FAIL)
		return;
	if (cl)
		cl->waiting = false;
	watch_clients(c, true);
}

static bool is_answer(enum msg_type t)
{
	return t == MSG_C_ITEM || t == MSG_C_REQUEST || t == MSG_C_TEXT ||
	       t == MSG_C_EFFECT || t == MSG_C_OK || t == MSG_C_FAIL;
}

static void server_event(void *arg, int fd, short revents)
{
	struct control *c = arg;
	struct chan *from = fd == c->monitor.fd ? &c->monitor : &c->broker;
	const char *why;
	int r = chan_recv(from, &c->msg, &why);

	(void)revents;
	if (r == -EAGAIN)
		return;
	if (r == -EMFILE) {
		loop_rest(&c->loop, fd, REST_MS);
		return;
	}
	if (r <= 0) {
		/* At a stop they end in some order; otherwise the monitor sees
		 * us go and ends the rest. */
		log_info("ending", "why=\"the %s is gone\"",
			 from == &c->monitor ? "monitor" : "broker");
		loop_stop(&c->loop);
		return;
	}
	if (c->msg.type == MSG_STOP && from == &c->monitor)
		loop_stop(&c->loop);
	else if (is_answer(c->msg.type))
		answer(c, from);
	else
		die("an answer of the wrong type: %s",
		    msg_type_name(c->msg.type));
}

/* m_hello.arg: the uids, decimal, a comma between. */
static void take_users(struct control *c, struct span list)
{
	while (list.n) {
		const uint8_t *comma = memchr(list.p, ',', list.n);
		size_t n = comma ? (size_t)(comma - list.p) : list.n;
		uint64_t uid;

		if (c->n_users == USERS ||
		    num_parse(span_of(list.p, n), 0, UINT32_MAX - 1, &uid) < 0)
			die("hello: bad list of users");
		c->users[c->n_users++] = (uint32_t)uid;
		n += comma ? 1 : 0;
		list = span_of(list.p + n, list.n - n);
	}
}

int main(void)
{
	static struct control c;
	const char *why;

	process_start(PROC_CONTROL);
	loop_init(&c.loop);
	c.listen_fd = graph_fd(PROC_CONTROL, FD_LISTEN);
	if (chan_init(&c.monitor, graph_fd(PROC_CONTROL, FD_MONITOR)) < 0 ||
	    chan_init(&c.broker, graph_fd(PROC_CONTROL, FD_BROKER)) < 0)
		die("out of memory");
	if (chan_recv(&c.monitor, &c.msg, &why) != 1 || c.msg.type != MSG_HELLO)
		die("no hello from the monitor");
	c.ids = c.msg.ids;
	take_users(&c, c.msg.hello.arg);
	c.spare = -1;
	c.monitor.spare = &c.spare;
	c.broker.spare = &c.spare;
	c.monitor.no_wait = true;
	c.broker.no_wait = true;
	if (loop_add(&c.loop, c.monitor.fd, POLLIN, server_event, &c) < 0 ||
	    loop_add(&c.loop, c.broker.fd, POLLIN, server_event, &c) < 0 ||
	    loop_add(&c.loop, c.listen_fd, POLLIN, listen_event, &c) < 0)
		die("no room in the loop");
	return loop_run(&c.loop) < 0 ? 1 : 0;
}
