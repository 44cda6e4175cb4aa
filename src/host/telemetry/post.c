/* post: see post.h. */
#include "post.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"

enum { READ_CHUNK = 4096, READS = 16 };

void post_init(struct post *p)
{
	p->state = POST_IDLE;
	p->fd = -1;
	p->timer = -1;
	buf_init(&p->out, POST_BODY + 1024);
}

/* Whoever is told may begin the next, so all is as it was before that. */
static void finish(struct post *p, bool answered)
{
	loop_timer_del(p->loop, p->timer);
	loop_del(p->loop, p->fd);
	fd_close(&p->fd);
	p->timer = -1;
	p->state = POST_IDLE;
	if (!answered)
		reply_init(&p->reply);
	p->ended(p->arg, &p->reply);
}

static void on_late(void *arg)
{
	struct post *p = arg;

	p->timer = -1;
	finish(p, false);
}

void post_begin(struct post *p, const char *path, struct span body)
{
	buf_reset(&p->out);
	buf_printf(&p->out,
		   "POST %s HTTP/1.1\r\nHost: %s\r\n"
		   "User-Agent: bulkhead/" BULKHEAD_VERSION "\r\n"
		   "Content-Type: application/json\r\n"
		   "Content-Length: %zu\r\nConnection: close\r\n\r\n",
		   path, p->host, body.n);
	buf_span(&p->out, body);
	p->sent = 0;
	reply_init(&p->reply);
	p->state = POST_ASKED;
	p->timer = loop_timer(p->loop, POST_MS, on_late, p);
	if (!buf_ok(&p->out) || p->timer < 0) {
		finish(p, false);
		return;
	}
	p->ask(p->arg);
}

/* #syscalls:telemetry getsockopt int1=SOL_SOCKET int2=SO_ERROR */
static int connect_error(int fd)
{
	socklen_t n = sizeof(int);
	int e = 0;

	return getsockopt(fd, SOL_SOCKET, SO_ERROR, &e, &n) < 0 ? errno : e;
}

/* True: it goes on. */
static bool send_some(struct post *p)
{
	ssize_t n = write(p->fd, p->out.p + p->sent, p->out.n - p->sent);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	p->sent += (size_t)n;
	if (p->sent == p->out.n) {
		p->state = POST_READING;
		loop_events(p->loop, p->fd, POLLIN);
	}
	return true;
}

/* A bounded number of pieces at once: others have their turn. */
static void read_some(struct post *p)
{
	uint8_t chunk[READ_CHUNK];
	enum reply_state s = REPLY_MORE;
	int i;

	for (i = 0; i < READS && s == REPLY_MORE; i++) {
		ssize_t n = read(p->fd, chunk, sizeof(chunk));

		if (n < 0 && (errno == EAGAIN || errno == EINTR))
			return;
		s = n > 0 ? reply_feed(&p->reply, span_of(chunk, (size_t)n))
			  : reply_eof(&p->reply);
	}
	if (s != REPLY_MORE)
		finish(p, s == REPLY_DONE);
}

static void on_event(void *arg, int, short revents)
{
	struct post *p = arg;

	if (p->state == POST_SENDING && revents & POLLERR &&
	    connect_error(p->fd)) {
		finish(p, false);
		return;
	}
	if (p->state == POST_READING || revents & (POLLIN | POLLHUP)) {
		/* It may answer, and close, before it has read all of it. */
		read_some(p);
		return;
	}
	if (!send_some(p))
		finish(p, false);
}

void post_socket(struct post *p, int fd)
{
	CLEAN_FD int owned = fd;

	/* For one that did not come in time: the next has its own. */
	if (p->state != POST_ASKED)
		return;
	if (owned < 0 ||
	    loop_add(p->loop, owned, POLLIN | POLLOUT, on_event, p) < 0) {
		finish(p, false);
		return;
	}
	p->fd = take_fd(&owned);
	p->state = POST_SENDING;
}
