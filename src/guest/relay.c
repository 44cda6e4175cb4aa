/*
 * relay: moves bytes between the wire and the workload's socket.
 *
 * Back-pressure is the absence of reading: the port is not read while the
 * workload has not taken the last frame (to_work), and neither the workload
 * nor its log is read while a frame is on its way out (to_host). So init holds
 * at most one frame each way. A descriptor stands in the poll set only while
 * something is wanted of it: a closed end is otherwise reported for ever.
 */
#include "guest/guest.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

enum { SLOT_PORT, SLOT_SOCK, SLOT_LOG, SLOT_PID, SLOTS };

struct flow {
	struct relay *r;
	struct buf to_host; /* at most one frame */
	struct buf to_work; /* the payload of at most one frame */
	size_t logged;
	bool host_end; /* the host has sent END */
	bool work_end; /* and we have */
	bool deaf;     /* the workload takes no more bytes */
	bool dead;     /* it has ended, with: */
	struct wire_exit exit;
};

static void work_write(struct flow *f)
{
	ssize_t n;

	if (f->deaf)
		buf_reset(&f->to_work);
	if (!f->to_work.n)
		return;
	n = send(f->r->sock, f->to_work.p, f->to_work.n, MSG_NOSIGNAL);
	if (n >= 0) {
		buf_drop(&f->to_work, (size_t)n);
	} else if (errno != EAGAIN && errno != EINTR) {
		f->deaf = true;
		buf_reset(&f->to_work);
	}
}

static int host_frame(struct flow *f, const struct wire_frame *in)
{
	if (in->service != f->r->service || f->host_end)
		return -EPROTO;
	if (in->type == WIRE_END) {
		f->host_end = true;
		if (!f->deaf)
			(void)shutdown(f->r->sock, SHUT_WR);
		return 0;
	}
	if (in->type != WIRE_DATA)
		return -EPROTO;
	buf_span(&f->to_work, in->payload);
	if (!buf_ok(&f->to_work))
		return -ENOMEM;
	work_write(f);
	return 0;
}

/* Frames until one is not taken whole, or no more bytes are there. */
static int host_read(struct flow *f)
{
	while (!f->to_work.n) {
		struct wire_frame in;
		int r = port_next(f->r->port, &in);

		if (r <= 0)
			return r;
		r = host_frame(f, &in);
		if (r < 0)
			return r;
	}
	return 0;
}

static void work_read(struct flow *f)
{
	static uint8_t chunk[LIMIT_WIRE_FRAME];
	ssize_t n = read(f->r->sock, chunk, sizeof(chunk));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0) {
		wire_put(&f->to_host, WIRE_DATA, f->r->service,
			 span_of(chunk, (size_t)n));
		return;
	}
	f->work_end = true;
	wire_put(&f->to_host, WIRE_END, f->r->service, span_of(NULL, 0));
}

static void log_read(struct flow *f)
{
	uint8_t line[WIRE_LOG_MAX];
	ssize_t n = read(f->r->log, line, sizeof(line));

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		fd_close(&f->r->log);
		return;
	}
	if ((size_t)n > GUEST_LOG_TOTAL - f->logged)
		return;
	f->logged += (size_t)n;
	wire_put(&f->to_host, WIRE_LOG, WIRE_LOGS, span_of(line, (size_t)n));
}

/*
 * The workload is gone. Whatever it may have left behind holds its socket
 * open and goes too; as PID 1, this reaches all but ourselves.
 */
static void reap(struct flow *f)
{
	int status;

	if (waitpid(f->r->pid, &status, 0) != f->r->pid)
		return;
	if (getpid() == 1)
		(void)kill(-1, SIGKILL);
	fd_close(&f->r->pidfd);
	f->dead = true;
	f->exit.kind =
		WIFSIGNALED(status) ? WIRE_EXIT_SIGNALLED : WIRE_EXIT_CODE;
	f->exit.status = (uint32_t)(WIFSIGNALED(status) ? WTERMSIG(status)
							: WEXITSTATUS(status));
}

static void want(struct pollfd *slot, int fd, short events)
{
	slot->fd = events ? fd : -1;
	slot->events = events;
	slot->revents = 0;
}

static void slots_fill(struct flow *f, struct pollfd slots[SLOTS])
{
	short sock = 0;

	if (f->to_work.n)
		sock |= POLLOUT;
	if (!f->to_host.n && !f->work_end)
		sock |= POLLIN;
	want(&slots[SLOT_SOCK], f->r->sock, sock);
	want(&slots[SLOT_LOG], f->r->log, f->to_host.n ? 0 : POLLIN);
	want(&slots[SLOT_PID], f->r->pidfd, POLLIN);
	/* always there, since its hang-up ends everything */
	slots[SLOT_PORT] = (struct pollfd){ .fd = f->r->port->fd };
	if (!f->to_work.n)
		slots[SLOT_PORT].events |= POLLIN;
	if (f->to_host.n)
		slots[SLOT_PORT].events |= POLLOUT;
}

/* From the host to the workload; frames may have been read with others. */
static int serve_down(struct flow *f, const struct pollfd slots[SLOTS])
{
	short port = slots[SLOT_PORT].revents;

	if (slots[SLOT_SOCK].revents && f->to_work.n)
		work_write(f);
	if (port & POLLIN || (f->r->port->rest.n && !f->to_work.n))
		return host_read(f);
	return port & (POLLHUP | POLLERR | POLLNVAL) ? -EPIPE : 0;
}

/* And back; one frame at a time, the log first: it is bounded. */
static int serve_up(struct flow *f, const struct pollfd slots[SLOTS])
{
	if (slots[SLOT_LOG].revents && !f->to_host.n)
		log_read(f);
	if (slots[SLOT_SOCK].revents && !f->to_host.n && !f->work_end)
		work_read(f);
	return port_flush(f->r->port, &f->to_host);
}

static int slots_serve(struct flow *f, const struct pollfd slots[SLOTS])
{
	int r = serve_down(f, slots);

	if (slots[SLOT_PID].revents)
		reap(f);
	return r < 0 ? r : serve_up(f, slots);
}

/* Nothing left to say but how it ended. */
static bool flow_over(const struct flow *f)
{
	return f->dead && f->work_end && f->r->log < 0 && !f->to_host.n;
}

static int flow_run(struct flow *f)
{
	struct pollfd slots[SLOTS];
	int r = 0;

	/* HELLO may have had company in the same read */
	r = host_read(f);
	while (r == 0 && !flow_over(f)) {
		slots_fill(f, slots);
		if (poll(slots, SLOTS, -1) < 0 && errno != EINTR)
			return -errno;
		r = slots_serve(f, slots);
	}
	if (r < 0)
		return r;
	wire_exit_put(&f->to_host, &f->exit);
	return port_send(f->r->port, &f->to_host);
}

int relay_run(struct relay *r)
{
	struct flow f = { .r = r };
	int ret;

	buf_init(&f.to_host, WIRE_HEAD + LIMIT_WIRE_FRAME);
	buf_init(&f.to_work, LIMIT_WIRE_FRAME);
	ret = flow_run(&f);
	buf_done(&f.to_host);
	buf_done(&f.to_work);
	fd_close(&r->sock);
	fd_close(&r->log);
	fd_close(&r->pidfd);
	return ret;
}
