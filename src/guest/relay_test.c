/*
 * relay_test: the relay on this host. A child is init: it has the relay and a
 * child of its own, the workload; a socket pair stands for the port, and the
 * test speaks the host's side of the multiplexer on the other end. Every case
 * says what the workload does with its fd 3, what the host does, and what
 * comes of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/door.h"
#include "base/fd.h"
#include "guest/guest.h"

enum {
	TEST_BIG = 3 << 20,
	TEST_DEADLINE_S = 20,
	TEST_TEMPLATE = 1,
	TEST_DOORS = 2
};

/* Exit statuses of the child: what the relay said. */
enum { SAID_ENDED = 10, SAID_AWAY, SAID_EPIPE, SAID_EPROTO, SAID_ELSE };

typedef void (*work_fn)(int sock, int log);

/* The host, and what it has heard. */
struct host {
	int fd;
	pid_t init;
	struct mux mux;
	struct mux_stream *work; /* the stream to the workload */
	struct buf todo;	 /* for it, with FIN behind it if end */
	bool end;
	bool stalls;  /* takes nothing off the workload's stream */
	bool answers; /* each stream with what it says and its service */
	bool hung_up;
	struct buf control, log, data, order;
};

/* ---- init and the workload */

static int pidfd_of(pid_t pid)
{
	return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void work_start(struct work *k, work_fn fn)
{
	int type = k->w->service == WIRE_READER ? SOCK_SEQPACKET : SOCK_STREAM;
	int sock[2], log[2];

	if (socketpair(AF_UNIX, type | SOCK_CLOEXEC, 0, sock) < 0 ||
	    pipe2(log, O_CLOEXEC) < 0)
		_exit(1);
	k->pid = fork();
	if (k->pid == 0) {
		(void)close(sock[0]);
		(void)close(log[0]);
		(void)alarm(TEST_DEADLINE_S);
		fn(sock[1], log[1]);
		_exit(5);
	}
	(void)close(sock[1]);
	(void)close(log[1]);
	k->sock = sock[0];
	k->log = log[0];
	k->pidfd = pidfd_of(k->pid);
	if (k->pidfd < 0 || fd_nonblock(k->sock, true) < 0 ||
	    fd_nonblock(k->log, true) < 0)
		_exit(1);
}

static int said(int r)
{
	switch (r) {
	case RELAY_ENDED:
		return SAID_ENDED;
	case RELAY_AWAY:
		return SAID_AWAY;
	case -EPIPE:
		return SAID_EPIPE;
	case -EPROTO:
		return SAID_EPROTO;
	default:
		return SAID_ELSE;
	}
}

static char doors_dir[] = "/tmp/relay_test.XXXXXX";

static enum wire_workload which_of(enum wire_service s, int flags)
{
	if (flags & TEST_DOORS)
		return WIRE_PLANNER_LLM;
	return s == WIRE_MCP ? WIRE_PLANNER_TRIAGE : WIRE_PROBE;
}

/* As init does it, but for the handshake; a template has sessions until one
 * ends otherwise. */
static _Noreturn void init_main(int wire, enum wire_service s, work_fn fn,
				int flags)
{
	static struct port port;
	struct workload w = { .service = s };
	struct work k = { .w = &w,
			  .pidfd = -1,
			  .log = -1,
			  .sock = -1,
			  .spare = -1,
			  .model = -1,
			  .doors = { -1, -1 } };
	struct relay relay = { .port = &port,
			       .work = &k,
			       .which = which_of(s, flags),
			       .template = flags & TEST_TEMPLATE };
	int r;

	(void)alarm(TEST_DEADLINE_S);
	port_init(&port, wire);
	if (fd_nonblock(wire, true) < 0)
		_exit(1);
	w.doors = flags & TEST_DOORS;
	if (w.doors && doors_open(doors_dir, k.doors) < 0)
		_exit(1);
	if (fn)
		work_start(&k, fn);
	r = relay_run(&relay);
	if (r == RELAY_AWAY && fn) {
		/* the byte between two sessions, in place of a handshake */
		struct pollfd pfd = { .fd = wire, .events = POLLIN };

		(void)poll(&pfd, 1, -1);
		if (port_read(&port) != 1 || port.rest.p[0] != 'H')
			_exit(1);
		port.rest = span_of(port.rest.p + 1, port.rest.n - 1);
		relay.template = false;
		r = relay_run(&relay);
	}
	if (k.pid && !k.dead)
		(void)kill(k.pid, SIGKILL);
	_exit(said(r));
}

/* ---- the host's end of the multiplexer */

/* READY and EXIT, as they come. */
static void host_control(struct host *h)
{
	struct span rest = buf_view(&h->control);
	struct wire_in in = { 0 };
	struct wire_msg m;
	struct wire_exit e;
	size_t taken = 0;

	while (wire_in_next(&in, &rest, &m) == 1) {
		taken = h->control.n - rest.n;
		if (m.type == WIRE_READY) {
			buf_str(&h->order, "r");
		} else {
			assert_int_equal(m.type, WIRE_EXIT);
			assert_int_equal(wire_exit_get(m.payload, &e), WIRE_OK);
			buf_printf(&h->order, "X%u.%u", e.kind, e.status);
		}
	}
	assert_int_equal(in.fault, WIRE_OK);
	buf_drop(&h->control, taken);
}

static void host_data(void *arg, struct mux_stream *s, struct span bytes)
{
	struct host *h = arg;

	if (s->service == WIRE_CONTROL) {
		buf_span(&h->control, bytes);
		host_control(h);
	} else if (s->service == WIRE_LOG) {
		buf_span(&h->log, bytes);
	} else {
		buf_span(&h->data, bytes);
	}
	if (h->answers && (s->service == WIRE_MCP || s->service == WIRE_LLM)) {
		(void)mux_send(&h->mux, s, bytes);
		(void)mux_send(
			&h->mux, s,
			span_str(s->service == WIRE_MCP ? " mcp" : " llm"));
	}
	if (s->service != WIRE_CONTROL && s->service != WIRE_LOG && h->stalls)
		return;
	mux_consumed(&h->mux, s, bytes.n);
}

static void host_opened(void *arg, struct mux_stream *s)
{
	struct host *h = arg;

	if (s->service == WIRE_MCP)
		h->work = s;
}

static void host_end(void *arg, struct mux_stream *s)
{
	struct host *h = arg;

	if (h->answers)
		mux_end(&h->mux, s);
	else if (s == h->work)
		buf_str(&h->order, "F");
}

static void host_closed(void *arg, struct mux_stream *s, bool reset)
{
	struct host *h = arg;

	if (s != h->work)
		return;
	h->work = NULL;
	buf_str(&h->order, reset ? "R" : "C");
}

static void host_gone(void *arg, uint32_t)
{
	struct host *h = arg;

	buf_str(&h->order, "G");
}

static const struct mux_ops host_ops = {
	.opened = host_opened,
	.data = host_data,
	.end = host_end,
	.closed = host_closed,
	.gone = host_gone,
};

static void host_mux(struct host *h, enum wire_workload which)
{
	const struct mux_config config = {
		.host = true,
		.workload = which,
		.bytes = UINT32_MAX,
		.frames = UINT32_MAX,
		.opens = 64,
		.ops = &host_ops,
		.arg = h,
	};

	mux_init(&h->mux, &config);
	h->work = NULL;
}

static void host_start(struct host *h, enum wire_service s, work_fn fn,
		       int flags)
{
	int wire[2];

	*h = (struct host){ 0 };
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wire), 0);
	h->init = fork();
	if (h->init == 0) {
		(void)close(wire[0]);
		init_main(wire[1], s, fn, flags);
	}
	assert_true(h->init > 0);
	(void)close(wire[1]);
	h->fd = wire[0];
	assert_int_equal(fd_nonblock(h->fd, true), 0);
	host_mux(h, which_of(s, flags));
	buf_init(&h->todo, 8 << 20);
	buf_init(&h->control, 4096);
	buf_init(&h->log, 8 << 20);
	buf_init(&h->data, 8 << 20);
	buf_init(&h->order, 64);
}

/* What the relay made of it. */
static int host_done(struct host *h)
{
	int status;

	fd_close(&h->fd);
	assert_int_equal(waitpid(h->init, &status, 0), h->init);
	mux_done(&h->mux);
	buf_done(&h->todo);
	buf_done(&h->control);
	buf_done(&h->log);
	buf_done(&h->data);
	buf_done(&h->order);
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void host_send(struct host *h)
{
	if (h->work && h->todo.n)
		buf_drop(&h->todo,
			 mux_send(&h->mux, h->work, buf_view(&h->todo)));
	if (h->work && h->end && !h->todo.n)
		mux_end(&h->mux, h->work);
	if (h->mux.out.n) {
		ssize_t n =
			send(h->fd, h->mux.out.p, h->mux.out.n, MSG_NOSIGNAL);

		if (n > 0)
			buf_drop(&h->mux.out, (size_t)n);
	}
}

/* A step: up to wait_ms for bytes; false when there were none. */
static bool host_step(struct host *h, int wait_ms)
{
	struct pollfd pfd = { .fd = h->fd, .events = POLLIN };
	uint8_t chunk[65536];
	ssize_t n;

	host_send(h);
	if (h->mux.out.n ||
	    (h->work && h->todo.n && mux_room(&h->mux, h->work)))
		pfd.events |= POLLOUT;
	if (poll(&pfd, 1, wait_ms) <= 0)
		return false;
	n = read(h->fd, chunk, sizeof(chunk));
	if (n == 0 || (n < 0 && errno != EAGAIN))
		h->hung_up = true;
	if (n <= 0)
		return !h->hung_up;
	assert_int_equal(mux_feed(&h->mux, span_of(chunk, (size_t)n)), WIRE_OK);
	return true;
}

static void host_run(struct host *h)
{
	(void)alarm(TEST_DEADLINE_S);
	while (!h->hung_up)
		(void)host_step(h, -1);
	(void)alarm(0);
}

static void host_until(struct host *h, const char *order)
{
	(void)alarm(TEST_DEADLINE_S);
	while (!h->hung_up && strcmp(buf_cstr(&h->order), order) != 0)
		(void)host_step(h, -1);
	(void)alarm(0);
	assert_string_equal(buf_cstr(&h->order), order);
}

/* ---- workloads */

static int echo(int fd)
{
	uint8_t chunk[10000];
	ssize_t n;

	while ((n = read(fd, chunk, sizeof(chunk))) > 0)
		if (fd_write_all(fd, span_of(chunk, (size_t)n)) < 0)
			return 1;
	return 0;
}

static void work_echo(int sock, int)
{
	_exit(echo(sock));
}

static void work_leave(int, int)
{
	_exit(7);
}

static void work_killed(int, int)
{
	(void)kill(getpid(), SIGKILL);
}

static void work_idle(int, int)
{
	for (;;)
		(void)pause();
}

/* Says something behind its own closed ear. */
static void work_deaf(int sock, int)
{
	(void)shutdown(sock, SHUT_RD);
	(void)usleep(50'000);
	_exit(fd_write_all(sock, SPAN_LIT("deaf")) < 0);
}

/* Closes everything long before it ends; no spinning meanwhile. */
static void work_closes(int sock, int log)
{
	(void)close(sock);
	(void)close(log);
	(void)usleep(200'000);
	_exit(3);
}

/* Says all it has, and listens on. */
static void work_half(int sock, int log)
{
	char line[64];
	ssize_t n;

	if (fd_write_all(sock, SPAN_LIT("half")) < 0)
		_exit(1);
	(void)shutdown(sock, SHUT_WR);
	(void)usleep(50'000);
	n = fd_read_all(sock, line, sizeof(line));
	_exit(n < 0 || fd_write_all(log, span_of(line, (size_t)n)) < 0);
}

static void work_logs(int, int log)
{
	char line[100];
	int i;

	memset(line, 'l', sizeof(line));
	for (i = 0; i < 3000; i++)
		if (fd_write_all(log, span_of(line, sizeof(line))) < 0)
			_exit(1);
	_exit(0);
}

/* Echoes as many connections as come through its door, and says more than it
 * has to: all of it behind the end of the answer. */
static void door_echo(int door, int)
{
	int fd;

	(void)signal(SIGPIPE, SIG_IGN);
	while ((fd = door_take(door)) >= 0) {
		if (echo(fd) != 0 || fd_write_all(fd, SPAN_LIT("\0more")) < 0)
			_exit(1);
		(void)usleep(20'000);
		(void)fd_write_all(fd, SPAN_LIT("more"));
		(void)close(fd);
	}
	_exit(fd == -EPIPE ? 0 : 1);
}

/* Half an answer, and death. */
static void door_dies(int door, int)
{
	int fd = door_take(door);

	(void)!fd_write_all(fd, SPAN_LIT("half"));
	_exit(9);
}

/* Closes a connection without an end of its answer; noise on the door is not
 * one either. */
static void door_stops(int door, int)
{
	int fd = door_take(door);

	(void)!fd_write_all(fd, SPAN_LIT("stop"));
	(void)close(fd);
	(void)!fd_write_all(door, SPAN_LIT("\0"));
	(void)usleep(50'000);
	_exit(4);
}

static void door_shut(int door, int)
{
	(void)close(door);
	/* Long after the stream for it was opened. */
	(void)usleep(1'000'000);
	_exit(2);
}

/* ---- tests of a planner's one stream */

static const struct {
	const char *name;
	work_fn fn;
	const char *send; /* of the host, then FIN; NULL: nothing, no FIN */
	const char *order, *data, *log;
} rows[] = {
	{ "echo", work_echo, "abcabc", "rFCX0.0", "abcabc", "" },
	{ "nothing", work_echo, "", "rFCX0.0", "", "" },
	{ "leaves", work_leave, NULL, "rFX0.7R", "", "" },
	{ "killed", work_killed, NULL, "rFX1.9R", "", "" },
	{ "deaf", work_deaf, "abc", "rFCX0.0", "deaf", "" },
	{ "closes", work_closes, NULL, "rFX0.3R", "", "" },
	{ "half", work_half, "the rest", "rFCX0.0", "half", "the rest" },
};

static void test_rows(void **)
{
	struct host h;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		host_start(&h, WIRE_MCP, rows[i].fn, 0);
		if (rows[i].send)
			buf_str(&h.todo, rows[i].send);
		h.end = rows[i].send != NULL;
		host_run(&h);
		if (strcmp(buf_cstr(&h.order), rows[i].order) != 0)
			fail_msg("%s: got %s, want %s", rows[i].name,
				 buf_cstr(&h.order), rows[i].order);
		assert_string_equal(buf_cstr(&h.data), rows[i].data);
		assert_string_equal(buf_cstr(&h.log), rows[i].log);
		assert_int_equal(host_done(&h), SAID_ENDED);
	}
}

static void big_put(struct buf *b)
{
	size_t i;

	for (i = 0; i < TEST_BIG / 4; i++)
		buf_u32(b, (uint32_t)(i * 2654435761U));
	assert_true(buf_ok(b));
}

/* Far more than all buffers hold, in both directions at once. */
static void test_much(void **)
{
	CLEAN_BUF struct buf want;
	struct host h;

	buf_init(&want, 8 << 20);
	big_put(&want);
	host_start(&h, WIRE_MCP, work_echo, 0);
	big_put(&h.todo);
	h.end = true;
	host_run(&h);
	assert_string_equal(buf_cstr(&h.order), "rFCX0.0");
	assert_true(span_eq(buf_view(&h.data), buf_view(&want)));
	assert_int_equal(host_done(&h), SAID_ENDED);
}

/* What the workload does not take weighs on the window: with what its socket
 * holds, and no more, the host is stuck. */
static void test_window_down(void **)
{
	struct host h;
	size_t sent;

	host_start(&h, WIRE_MCP, work_idle, 0);
	big_put(&h.todo);
	while (host_step(&h, 300))
		;
	sent = TEST_BIG - h.todo.n;
	assert_true(sent >= MUX_WINDOW);
	assert_true(sent <= 4UL * MUX_WINDOW);
	assert_int_equal(h.work->may_send, 0);
	assert_int_equal(host_done(&h), SAID_EPIPE);
}

/* And what the host does not take stays with the workload. */
static void test_window_up(void **)
{
	struct host h;

	host_start(&h, WIRE_MCP, work_echo, 0);
	h.stalls = true;
	big_put(&h.todo);
	while (host_step(&h, 300))
		;
	assert_int_equal(h.data.n, MUX_WINDOW - 1);
	assert_true(h.todo.n > 0);
	assert_int_equal(host_done(&h), SAID_EPIPE);
}

static void test_log_is_bounded(void **)
{
	struct host h;

	host_start(&h, WIRE_MCP, work_logs, 0);
	host_run(&h);
	assert_string_equal(buf_cstr(&h.order), "rFX0.0R");
	assert_true(h.log.n <= GUEST_LOG_TOTAL);
	assert_true(h.log.n > GUEST_LOG_TOTAL - 1024);
	assert_int_equal(host_done(&h), SAID_ENDED);
}

/* ---- tests of the door */

static void test_door(void **)
{
	const char *const mails[] = { "one", "", "three" };
	struct host h;
	size_t i;

	host_start(&h, WIRE_READER, door_echo, 0);
	host_until(&h, "r");
	for (i = 0; i < ARRAY_SIZE(mails); i++) {
		buf_reset(&h.order);
		buf_reset(&h.data);
		h.work = mux_open(&h.mux, WIRE_READER);
		assert_non_null(h.work);
		h.end = true;
		buf_str(&h.todo, mails[i]);
		host_until(&h, "FC");
		assert_string_equal(buf_cstr(&h.data), mails[i]);
	}
	assert_int_equal(host_done(&h), SAID_EPIPE);
}

static const struct {
	work_fn fn;
	const char *order, *data;
} door_rows[] = {
	{ door_dies, "rX0.9R", "half" },
	{ door_stops, "rX0.4R", "stop" },
	{ work_killed, "rX1.9", "" },
	{ work_leave, "rX0.7", "" },
};

static void test_door_fails(void **)
{
	struct host h;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(door_rows); i++) {
		bool opens = door_rows[i].data[0];

		host_start(&h, WIRE_READER, door_rows[i].fn, 0);
		if (opens) {
			host_until(&h, "r");
			h.work = mux_open(&h.mux, WIRE_READER);
		}
		host_run(&h);
		assert_string_equal(buf_cstr(&h.order), door_rows[i].order);
		assert_string_equal(buf_cstr(&h.data), door_rows[i].data);
		assert_int_equal(host_done(&h), SAID_ENDED);
	}
}

/* A stream that no door is open for is reset, and that is not the end. */
static void test_door_shut(void **)
{
	struct host h;

	host_start(&h, WIRE_READER, door_shut, 0);
	host_until(&h, "r");
	(void)usleep(50'000);
	h.work = mux_open(&h.mux, WIRE_READER);
	host_until(&h, "rR");
	host_until(&h, "rRX0.2");
	assert_int_equal(host_done(&h), SAID_ENDED);
}

/* ---- tests of a template */

/* The same workload serves before the host went away, and after. */
static void test_template(void **)
{
	struct host h;
	int round;

	host_start(&h, WIRE_READER, door_echo, TEST_TEMPLATE);
	for (round = 0; round < 2; round++) {
		host_until(&h, "r");
		h.work = mux_open(&h.mux, WIRE_READER);
		h.end = true;
		buf_str(&h.todo, "mail");
		host_until(&h, "rFC");
		mux_go_away(&h.mux, 0);
		if (round)
			break;
		host_until(&h, "rFCG");
		mux_done(&h.mux);
		buf_reset(&h.order);
		host_mux(&h, WIRE_PROBE);
		assert_int_equal(write(h.fd, "H", 1), 1);
	}
	/* the second was no template, which nobody leaves */
	host_run(&h);
	assert_string_equal(buf_cstr(&h.data), "mailmail");
	assert_int_equal(host_done(&h), SAID_EPROTO);
}

/* A planner's: nothing runs in it yet. */
static void test_template_without_workload(void **)
{
	struct host h;

	host_start(&h, WIRE_MCP, NULL, TEST_TEMPLATE);
	host_until(&h, "r");
	mux_go_away(&h.mux, 0);
	host_until(&h, "rG");
	assert_int_equal(host_done(&h), SAID_AWAY);
}

/* ---- tests of a host that breaks the protocol */

static void frame_put(struct buf *b, enum mux_type t, uint16_t flags,
		      uint32_t stream, struct span payload)
{
	const struct mux_head h = { t, flags, stream, (uint32_t)payload.n };

	mux_head_put(b, &h);
	buf_span(b, payload);
}

static void bad_rubbish(struct buf *b)
{
	buf_str(b, "twelve bytes");
}

static void bad_data_on_control(struct buf *b)
{
	frame_put(b, MUX_DATA, 0, 2, SPAN_LIT("x"));
}

static void bad_end_of_control(struct buf *b)
{
	frame_put(b, MUX_UPDATE, MUX_RST, 2, span_of(NULL, 0));
}

static void bad_service(struct buf *b)
{
	frame_put(b, MUX_DATA, MUX_SYN, 1, SPAN_LIT("\2"));
}

static void bad_go_away(struct buf *b)
{
	frame_put(b, MUX_GO_AWAY, 0, 0, span_of(NULL, 0));
}

static void bad_hello(struct buf *b)
{
	wire_put(b, WIRE_READY, span_of(NULL, 0));
	buf_u32(b, 0);
}

static void (*const bad_rows[])(struct buf *b) = {
	bad_rubbish, bad_data_on_control, bad_end_of_control,
	bad_service, bad_go_away,	  bad_hello,
};

static void test_bad_host(void **)
{
	struct host h;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad_rows); i++) {
		host_start(&h, WIRE_MCP, work_idle, 0);
		host_until(&h, "r");
		bad_rows[i](&h.mux.out);
		host_run(&h);
		assert_string_equal(buf_cstr(&h.order), "r");
		assert_int_equal(host_done(&h), SAID_EPROTO);
	}
}

/* The host's end closes while the workload just sits there. */
static void test_hangup(void **)
{
	struct host h;

	host_start(&h, WIRE_MCP, work_idle, 0);
	host_until(&h, "r");
	assert_int_equal(host_done(&h), SAID_EPIPE);
}

/* Connects there. A descriptor, or it ends the process. */
static int connect_to(const char *name)
{
	struct sockaddr_un at = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM, 0);

	(void)snprintf(at.sun_path, sizeof(at.sun_path), "%s/%s", doors_dir,
		       name);
	if (fd < 0 || connect(fd, (struct sockaddr *)&at, sizeof(at)) < 0)
		_exit(6);
	return fd;
}

static void say_and_hear(int fd, const char *say, const char *hear)
{
	char got[64];
	size_t n = 0;

	if (write(fd, say, strlen(say)) != (ssize_t)strlen(say))
		_exit(7);
	while (n < strlen(hear)) {
		ssize_t more = read(fd, got + n, sizeof(got) - 1 - n);

		if (more <= 0)
			_exit(8);
		n += (size_t)more;
	}
	got[n] = 0;
	if (strcmp(got, hear) != 0)
		_exit(9);
}

/* More connections than there may be streams: those that are too many wait
 * until others end. */
static void doors_many(int, int)
{
	enum { MANY = 20 };
	int fds[MANY], mcp = connect_to("mcp.sock"), i;

	for (i = 0; i < MANY; i++)
		fds[i] = connect_to("llm.sock");
	say_and_hear(mcp, "tools", "tools mcp");
	for (i = 0; i < MANY; i++) {
		say_and_hear(fds[i], "ask", "ask llm");
		(void)close(fds[i]);
	}
	(void)close(mcp);
	say_and_hear(connect_to("mcp.sock"), "again", "again mcp");
	_exit(0);
}

static void test_doors(void **)
{
	char path[64];
	struct host h;

	assert_non_null(mkdtemp(doors_dir));
	host_start(&h, WIRE_MCP, doors_many, TEST_DOORS);
	h.answers = true;
	(void)alarm(TEST_DEADLINE_S);
	while (!h.hung_up)
		(void)host_step(&h, -1);
	(void)alarm(0);
	assert_non_null(strstr(buf_cstr(&h.order), "X0.0"));
	assert_int_equal(host_done(&h), SAID_ENDED);
	(void)snprintf(path, sizeof(path), "%s/mcp.sock", doors_dir);
	(void)unlink(path);
	(void)snprintf(path, sizeof(path), "%s/llm.sock", doors_dir);
	(void)unlink(path);
	(void)rmdir(doors_dir);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_doors),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_much),
		cmocka_unit_test(test_window_down),
		cmocka_unit_test(test_window_up),
		cmocka_unit_test(test_log_is_bounded),
		cmocka_unit_test(test_door),
		cmocka_unit_test(test_door_fails),
		cmocka_unit_test(test_door_shut),
		cmocka_unit_test(test_template),
		cmocka_unit_test(test_template_without_workload),
		cmocka_unit_test(test_bad_host),
		cmocka_unit_test(test_hangup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
