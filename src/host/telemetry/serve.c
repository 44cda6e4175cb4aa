/* serve: see serve.h. */
#include "serve.h"

#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "request.h"

enum { READ_CHUNK = 1024 };

static void client_close(struct serve_client *c)
{
	loop_timer_del(c->serve->loop, c->timer);
	loop_del(c->serve->loop, c->fd);
	fd_close(&c->fd);
	buf_done(&c->in);
	buf_done(&c->out);
	c->timer = -1;
}

static void on_late(void *arg)
{
	struct serve_client *c = arg;

	c->timer = -1;
	client_close(c);
}

static void body_of(const struct serve *s, struct buf *b, int status,
		    enum request_target t)
{
	if (s->refresh)
		s->refresh(s->arg);
	if (t == TARGET_TEXT)
		metrics_text(s->metrics, b);
	else if (t == TARGET_JSON)
		metrics_json(s->metrics, b);
	else
		buf_printf(b, "%d %s: GET /metrics is what there is\n", status,
			   request_reason(status));
}

static void write_answer(struct serve_client *c, int status,
			 enum request_target t)
{
	CLEAN_BUF struct buf body;

	buf_init(&body, SERVE_TEXT);
	body_of(c->serve, &body, status, t);
	if (!buf_ok(&body)) {
		status = 500;
		buf_reset(&body);
	}
	buf_printf(&c->out,
		   "HTTP/1.1 %d %s\r\nContent-Type: %s\r\n"
		   "Content-Length: %zu\r\nConnection: close\r\n%s\r\n",
		   status, request_reason(status),
		   t == TARGET_TEXT   ? "text/plain; version=0.0.4; "
					"charset=utf-8"
		   : t == TARGET_JSON ? "application/json"
				      : "text/plain; charset=utf-8",
		   body.n, status == 405 ? "Allow: GET\r\n" : "");
	buf_span(&c->out, buf_view(&body));
	loop_events(c->serve->loop, c->fd, POLLOUT);
}

static void client_read(struct serve_client *c)
{
	enum request_target t;
	uint8_t chunk[READ_CHUNK];
	ssize_t n = read(c->fd, chunk, sizeof(chunk));
	int status;

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		client_close(c);
		return;
	}
	buf_put(&c->in, chunk, (size_t)n);
	status = buf_ok(&c->in) ? request_read(buf_view(&c->in), &t) : 431;
	if (status == 431)
		t = TARGET_NONE;
	if (status)
		write_answer(c, status, t);
}

static void client_event(void *arg, int, short revents)
{
	struct serve_client *c = arg;
	ssize_t n;

	if (!c->out.n) {
		client_read(c);
		return;
	}
	n = revents & (POLLERR | POLLHUP)
		    ? -1
		    : write(c->fd, c->out.p + c->sent, c->out.n - c->sent);
	if (n < 0 && (errno == EAGAIN || errno == EINTR) &&
	    !(revents & (POLLERR | POLLHUP)))
		return;
	c->sent += n > 0 ? (size_t)n : 0;
	if (n < 0 || c->sent == c->out.n)
		client_close(c);
}

/* #syscalls:telemetry accept4 */
static void listen_event(void *arg, int fd, short)
{
	struct serve *s = arg;
	CLEAN_FD int peer =
		accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	struct serve_client *c = NULL;
	uid_t uid;
	size_t i;

	if (peer < 0)
		return;
	if (!users_have_peer(&s->users, peer, &uid)) {
		log_warn("client-refused", "uid=%u", uid);
		return;
	}
	for (i = 0; i < SERVE_CLIENTS && !c; i++)
		if (s->clients[i].fd < 0)
			c = &s->clients[i];
	if (!c || loop_add(s->loop, peer, POLLIN, client_event, c) < 0)
		return;
	*c = (struct serve_client){ .fd = take_fd(&peer), .serve = s };
	buf_init(&c->in, REQUEST_MAX + 1);
	buf_init(&c->out, SERVE_TEXT + 1024);
	c->timer = loop_timer(s->loop, SERVE_MS, on_late, c);
	if (c->timer < 0)
		client_close(c);
}

int serve_init(struct serve *s, int listen_fd)
{
	size_t i;

	for (i = 0; i < SERVE_CLIENTS; i++)
		s->clients[i] = (struct serve_client){ .fd = -1,
						       .timer = -1,
						       .serve = s };
	return loop_add(s->loop, listen_fd, POLLIN, listen_event, s);
}
