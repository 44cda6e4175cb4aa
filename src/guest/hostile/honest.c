/* honest: see hostile.h. */
#include "guest/hostile/hostile.h"

#include <errno.h>
#include <poll.h>
#include <sys/ioctl.h>
#include <sys/reboot.h>
#include <unistd.h>

#include "base/fd.h"

_Noreturn void off(void)
{
	(void)reboot(RB_AUTOBOOT);
	for (;;)
		(void)pause();
}

_Noreturn void silent(void)
{
	for (;;)
		(void)pause();
}

void note(const char *, int)
{
}

void flush(struct hostile *g)
{
	if (port_send(&g->port, &g->out) < 0 ||
	    port_send(&g->port, &g->mux.out) < 0)
		off();
}

void hello_take(struct hostile *g)
{
	struct pollfd pfd = { .fd = g->port.fd, .events = POLLIN };
	struct wire_in in = { 0 };
	struct wire_msg m;
	int r;

	do {
		if (port_read(&g->port) < 0)
			off();
		r = wire_in_next(&in, &g->port.rest, &m);
		if (r == 0)
			(void)poll(&pfd, 1, -1);
	} while (r == 0);
	if (r < 0 || wire_hello_get(m.payload, &g->hello) != WIRE_OK)
		off();
	memcpy(g->payload, m.payload.p, m.payload.n);
	g->payload_n = m.payload.n;
}

void ack_put(struct hostile *g)
{
	wire_ack_put(&g->out, g->hello.key, span_of(g->payload, g->payload_n));
}

/* ---- the multiplexer */

static bool is_planner(const struct hostile *g)
{
	return g->hello.workload == WIRE_PLANNER_TRIAGE ||
	       g->hello.workload == WIRE_PLANNER_GULLIBLE;
}

static void on_opened(void *arg, struct mux_stream *s)
{
	struct hostile *g = arg;

	g->work = s;
	g->mail_whole = false;
	buf_reset(&g->mail);
}

static void on_data(void *arg, struct mux_stream *s, struct span bytes)
{
	struct hostile *g = arg;

	/* of a giant the beginning has to do */
	if (bytes.n <= g->mail.max - g->mail.n)
		buf_span(&g->mail, bytes);
	mux_consumed(&g->mux, s, bytes.n);
}

static void on_end(void *arg, struct mux_stream *s)
{
	struct hostile *g = arg;

	if (s == g->work)
		g->mail_whole = true;
}

static void on_closed(void *arg, struct mux_stream *s, bool)
{
	struct hostile *g = arg;

	if (s == g->work)
		g->work = NULL;
}

static void on_gone(void *arg, uint32_t)
{
	struct hostile *g = arg;

	g->away = true;
}

static const struct mux_ops ops = {
	.opened = on_opened,
	.data = on_data,
	.end = on_end,
	.closed = on_closed,
	.gone = on_gone,
};

void ready_put(struct hostile *g)
{
	const struct mux_config config = {
		.workload = (enum wire_workload)g->hello.workload,
		.bytes = UINT64_MAX,
		.frames = UINT32_MAX,
		.opens = UINT32_MAX,
		.ops = &ops,
		.arg = g,
	};
	CLEAN_BUF struct buf b;

	mux_done(&g->mux);
	mux_init(&g->mux, &config);
	g->work = NULL;
	g->away = false;
	g->control = mux_open(&g->mux, WIRE_CONTROL);
	buf_init(&b, WIRE_HEAD);
	wire_put(&b, WIRE_READY, span_of(NULL, 0));
	(void)mux_send(&g->mux, g->control, buf_view(&b));
}

void pump(struct hostile *g, int wait_ms)
{
	struct pollfd pfd = { .fd = g->port.fd, .events = POLLIN };

	if (port_flush(&g->port, &g->mux.out) < 0)
		off();
	if (g->mux.out.n)
		pfd.events |= POLLOUT;
	if (!g->port.rest.n && poll(&pfd, 1, wait_ms) == 0)
		return;
	/* a hang-up that is there with nothing to read would be polled */
	if (pfd.revents & POLLHUP && !(pfd.revents & POLLIN))
		off();
	if (port_read(&g->port) < 0)
		off();
	(void)mux_feed(&g->mux, g->port.rest);
	g->port.rest = span_of(g->port.chunk, 0);
}

void send_all(struct hostile *g, struct mux_stream *s, struct span bytes)
{
	while (bytes.n) {
		size_t n = mux_send(&g->mux, s, bytes);

		bytes = span_of(bytes.p + n, bytes.n - n);
		pump(g, n ? 0 : -1);
	}
}

void work_take(struct hostile *g)
{
	if (is_planner(g)) {
		g->work = mux_open(&g->mux, WIRE_MCP);
		flush(g);
		return;
	}
	while (!g->away && (!g->work || !g->mail_whole))
		pump(g, -1);
}

void work_answer(struct hostile *g)
{
	static const char json[] =
		"{\"schema\":\"bulkhead.message/1\",\"kind\":\"email\","
		"\"subject\":\"honest\",\"body\":\"\",\"body_cut\":false,"
		"\"from\":{\"name\":\"\",\"addr\":\"a@example.org\"},"
		"\"date\":\"\",\"message_id\":\"\",\"in_reply_to\":\"\","
		"\"references\":[],\"to\":[],\"cc\":[],\"links\":[],"
		"\"attachments\":[],\"removed\":[],\"findings\":[]}";

	send_all(g, g->work, span_str(json));
	mux_end(&g->mux, g->work);
	flush(g);
}

void exit_put(struct hostile *g, uint8_t kind, uint32_t status)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, WIRE_HEAD + WIRE_EXIT_LEN);
	wire_exit_put(&b, &(struct wire_exit){ kind, status });
	(void)mux_send(&g->mux, g->control, buf_view(&b));
}

/* ---- frames by hand */

void frame(struct hostile *g, uint8_t type, uint16_t flags, uint32_t stream,
	   uint32_t length)
{
	const struct mux_head h = { (enum mux_type)type, flags, stream,
				    length };

	mux_head_put(&g->mux.out, &h);
}

void frame_with(struct hostile *g, uint16_t flags, uint32_t stream,
		struct span payload)
{
	frame(g, MUX_DATA, flags, stream, (uint32_t)payload.n);
	buf_span(&g->mux.out, payload);
}

uint32_t log_open(struct hostile *g)
{
	uint8_t service = WIRE_LOG;

	frame_with(g, MUX_SYN, ID_NEXT, span_of(&service, 1));
	return ID_NEXT;
}
