/* forward: see forward.h. */
#include "guest/agent/forward.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"

static void way_init(struct way *w, int from, int to)
{
	w->from = from;
	w->to = to;
	w->n = w->at = 0;
	w->ended = w->over = false;
}

int pair_open(struct pair *p, int in, int out, int server)
{
	int r = fd_nonblock(in, true);

	p->in = in;
	p->out = out;
	p->server = server;
	p->used = true;
	way_init(&p->up, in, server);
	way_init(&p->down, server, out);
	if (r == 0)
		r = fd_nonblock(out, true);
	if (r == 0)
		r = fd_nonblock(server, true);
	if (r < 0)
		pair_close(p);
	return r;
}

void pair_close(struct pair *p)
{
	if (p->out != p->in)
		fd_close(&p->out);
	fd_close(&p->in);
	fd_close(&p->server);
	p->used = false;
}

static void way_wants(const struct way *w, struct pollfd set[2])
{
	const bool full = w->at < w->n;

	set[0] = (struct pollfd){ .fd = w->ended || full ? -1 : w->from,
				  .events = POLLIN };
	set[1] = (struct pollfd){ .fd = full ? w->to : -1, .events = POLLOUT };
}

void pair_wants(const struct pair *p, struct pollfd set[FORWARD_FDS])
{
	way_wants(&p->up, set);
	way_wants(&p->down, set + 2);
}

/* False: nobody takes what is to go there. */
static bool way_write(struct way *w)
{
	ssize_t n = write(w->to, w->bytes + w->at, w->n - w->at);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR;
	w->at += (size_t)n;
	return true;
}

static void way_read(struct way *w)
{
	ssize_t n = read(w->from, w->bytes, sizeof(w->bytes));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	w->ended = n <= 0;
	w->n = n > 0 ? (size_t)n : 0;
	w->at = 0;
}

/* Whoever reads there learns that it was all. */
static void way_end(struct pair *p, struct way *w)
{
	if (w->over || !w->ended || w->at < w->n)
		return;
	w->over = true;
	if (w->to == p->out && p->out != p->in)
		fd_close(&p->out);
	else
		(void)shutdown(w->to, SHUT_WR);
}

static bool way_serve(struct pair *p, struct way *w, const struct pollfd set[2])
{
	if (set[0].fd >= 0 && set[0].revents)
		way_read(w);
	if (w->at < w->n && !way_write(w))
		return false;
	way_end(p, w);
	return true;
}

bool pair_serve(struct pair *p, const struct pollfd set[FORWARD_FDS])
{
	if (way_serve(p, &p->up, set) && way_serve(p, &p->down, set + 2) &&
	    !(p->up.over && p->down.over))
		return true;
	pair_close(p);
	return false;
}

int forward_connect(const char *path)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	const size_t n = strlen(path);

	if (fd < 0)
		return -errno;
	if (n >= sizeof(at.sun_path))
		return -ENAMETOOLONG;
	memcpy(at.sun_path, path, n);
	if (connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		return -errno;
	return take_fd(&fd);
}
