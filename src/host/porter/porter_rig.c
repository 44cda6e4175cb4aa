/* porter_rig: see porter_rig.h. */
#include "porter_rig.h"

#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "privsep/spawn.h"

int rig_log = -1;

/* --- the child --------------------------------------------------------- */

static void set_patience(int fd)
{
	const struct timeval t = { RIG_PATIENCE_S, 0 };

	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)),
			 0);
	assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &t, sizeof(t)),
			 0);
}

static void send_hello(struct rig *r, const char *words)
{
	struct msg m = { .type = MSG_HELLO, .ids = { .task = RIG_TASK - 1 } };

	m.hello.name = SPAN_LIT("vm-1");
	m.hello.arg = span_str(words);
	assert_int_equal(chan_send(&r->monitor, &m, NULL, 0), 0);
}

static pid_t spawn_porter(const struct session_fds *f)
{
	const struct spawn s = { .proc = PROC_PORTER,
				 .libexec = getenv("BULKHEAD_LIBEXEC"),
				 .fds = { f->monitor, f->broker, f->wire,
					  f->qmp } };
	struct err err = { 0 };
	int pidfd = -1;
	CLEAN_FD int own = dup(STDERR_FILENO);
	pid_t pid;

	if (rig_log >= 0)
		(void)dup2(rig_log, STDERR_FILENO);
	pid = spawn_process(&s, &pidfd, &err);
	(void)dup2(own, STDERR_FILENO);
	if (pid < 0)
		print_error("%s\n", err.msg);
	fd_close(&pidfd);
	return pid;
}

static const struct mux_ops guest_ops;

static void init_mux(struct rig *r)
{
	const struct mux_config c = { .workload = r->hello.workload,
				      .bytes = UINT64_MAX,
				      .frames = UINT32_MAX,
				      .opens = UINT32_MAX,
				      .ops = &guest_ops,
				      .arg = r };

	mux_init(&r->mux, &c);
}

void rig_start(struct rig *r, const char *words, int qmp)
{
	int broker[2];

	assert_int_equal(chan_pair(broker), 0);
	rig_start_between(r, words, qmp, broker);
}

void rig_start_between(struct rig *r, const char *words, int qmp, int broker[2])
{
	int monitor[2], wire[2];
	CLEAN_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	struct session_fds f;

	*r = (struct rig){ 0 };
	buf_init(&r->got, 64 << 20);
	init_mux(r);
	assert_int_equal(chan_pair(monitor), 0);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wire), 0);
	f = (struct session_fds){ monitor[1], broker[1], wire[1],
				  qmp < 0 ? null : qmp };
	r->pid = getenv("BULKHEAD_LIBEXEC") ? spawn_porter(&f) : fork();
	assert_true(r->pid >= 0);
	if (r->pid == 0) {
		(void)close(monitor[0]);
		(void)close(broker[0]);
		(void)close(wire[0]);
		(void)dup2(rig_log < 0 ? open("/dev/null", O_WRONLY) : rig_log,
			   STDERR_FILENO);
		session_run(&f);
		_exit(0);
	}
	(void)close(monitor[1]);
	(void)close(broker[1]);
	(void)close(wire[1]);
	assert_int_equal(chan_init(&r->monitor, monitor[0]), 0);
	assert_int_equal(chan_init(&r->broker, broker[0]), 0);
	r->wire = wire[0];
	set_patience(monitor[0]);
	set_patience(broker[0]);
	set_patience(wire[0]);
	send_hello(r, words);
}

void rig_work_sort(struct rig *r, int item, uint64_t deadline_ms, uint8_t sort)
{
	struct msg m = { .type = MSG_WORK, .ids = { .task = RIG_TASK } };

	m.work = (struct m_work){ 9, deadline_ms, sort };
	assert_int_equal(chan_send(&r->monitor, &m, &item, item >= 0), 0);
}

void rig_work(struct rig *r, int item, uint64_t deadline_ms)
{
	rig_work_sort(r, item, deadline_ms, item >= 0 ? SORT_EMAIL : 0);
}

void rig_start_item(struct rig *r, const char *words, struct span item)
{
	CLEAN_FD int fd = memfd_sealed("item", item);

	assert_true(fd >= 0);
	rig_start(r, words, -1);
	rig_work(r, fd, 0);
}

int rig_stop(struct rig *r)
{
	int status = 0;

	chan_done(&r->monitor);
	chan_done(&r->broker);
	fd_close(&r->wire);
	mux_done(&r->mux);
	buf_done(&r->got);
	assert_int_equal(waitpid(r->pid, &status, 0), r->pid);
	assert_true(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* --- the guest's mux --------------------------------------------------- */

static void guest_opened(void *arg, struct mux_stream *s)
{
	struct rig *r = arg;

	r->reader = s;
	r->got_end = false;
	buf_reset(&r->got);
}

static void guest_data(void *arg, struct mux_stream *s, struct span bytes)
{
	struct rig *r = arg;

	buf_span(&r->got, bytes);
	if (!r->hold)
		mux_consumed(&r->mux, s, bytes.n);
}

static void guest_ended(void *arg, struct mux_stream *s)
{
	struct rig *r = arg;

	(void)s;
	r->got_end = true;
}

static void guest_closed(void *arg, struct mux_stream *s, bool reset)
{
	struct rig *r = arg;

	r->got_reset = reset;
	if (s == r->reader)
		r->reader = NULL;
	if (s == r->mcp)
		r->mcp = NULL;
}

static void guest_gone(void *arg, uint32_t why)
{
	struct rig *r = arg;

	(void)why;
	r->gone = true;
}

static const struct mux_ops guest_ops = { .opened = guest_opened,
					  .data = guest_data,
					  .end = guest_ended,
					  .closed = guest_closed,
					  .gone = guest_gone };

void guest_write(struct rig *r, struct span raw)
{
	while (raw.n) {
		ssize_t n = send(r->wire, raw.p, raw.n, MSG_NOSIGNAL);

		if (n <= 0)
			return;
		raw = span_of(raw.p + n, raw.n - (size_t)n);
	}
}

void guest_flush(struct rig *r)
{
	guest_write(r, buf_view(&r->mux.out));
	buf_reset(&r->mux.out);
}

bool guest_pump(struct rig *r)
{
	uint8_t chunk[65536];
	ssize_t n;

	guest_flush(r);
	n = read(r->wire, chunk, sizeof(chunk));
	if (n <= 0)
		return false;
	assert_int_equal(mux_feed(&r->mux, span_of(chunk, (size_t)n)), WIRE_OK);
	guest_flush(r);
	return true;
}

void guest_sync(struct rig *r)
{
	static const uint8_t pong[MUX_HEAD] = { 0, MUX_PING, 0, MUX_ACK, 0, 0,
						0, 0,	     9, 9,	 9, 9 };
	uint8_t chunk[65536];
	size_t n = 0;

	guest_flush(r);
	guest_frame(r, MUX_PING, MUX_SYN, 0, 0x09090909, SPAN_LIT(""));
	while (n < MUX_HEAD ||
	       memcmp(chunk + n - MUX_HEAD, pong, MUX_HEAD) != 0) {
		ssize_t got = read(r->wire, chunk + n, sizeof(chunk) - n);

		assert_true(got > 0);
		n += (size_t)got;
	}
	assert_int_equal(mux_feed(&r->mux, span_of(chunk, n - MUX_HEAD)),
			 WIRE_OK);
}

void guest_send(struct rig *r, struct mux_stream *s, struct span bytes)
{
	guest_flush(r);
	while (bytes.n) {
		size_t n = mux_send(&r->mux, s, bytes);

		bytes = span_of(bytes.p + n, bytes.n - n);
		guest_flush(r);
		if (bytes.n && !s->may_send && !guest_pump(r))
			return;
	}
}

void guest_end(struct rig *r, struct mux_stream *s)
{
	mux_end(&r->mux, s);
	guest_flush(r);
}

void guest_frame(struct rig *r, enum mux_type t, uint16_t flags,
		 uint32_t stream, uint32_t length, struct span payload)
{
	const struct mux_head h = { t, flags, stream, length };
	CLEAN_BUF struct buf b;

	buf_init(&b, MUX_HEAD + payload.n);
	mux_head_put(&b, &h);
	buf_span(&b, payload);
	guest_write(r, buf_view(&b));
}

void guest_message(struct rig *r, enum wire_type t, struct span payload)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, WIRE_HEAD + WIRE_MSG_MAX);
	wire_put(&b, t, payload);
	guest_write(r, buf_view(&b));
}

void guest_hello(struct rig *r)
{
	uint8_t raw[WIRE_HEAD + WIRE_HELLO_LEN];
	struct span s = span_of(raw, sizeof(raw));
	struct wire_msg m;

	assert_int_equal(fd_read_all(r->wire, raw, sizeof(raw)), sizeof(raw));
	r->in = (struct wire_in){ 0 };
	assert_int_equal(wire_in_next(&r->in, &s, &m), 1);
	assert_int_equal(m.type, WIRE_HELLO);
	assert_int_equal(m.payload.n, WIRE_HELLO_LEN);
	memcpy(r->hello_raw, m.payload.p, WIRE_HELLO_LEN);
	assert_int_equal(wire_hello_get(m.payload, &r->hello), WIRE_OK);
	mux_done(&r->mux);
	init_mux(r);
	r->control = r->log = r->mcp = r->reader = NULL;
}

void guest_ack(struct rig *r)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, 256);
	wire_ack_put(&b, r->hello.key,
		     span_of(r->hello_raw, sizeof(r->hello_raw)));
	guest_write(r, buf_view(&b));
}

static void control_send(struct rig *r, const struct buf *b)
{
	if (!r->control)
		r->control = mux_open(&r->mux, WIRE_CONTROL);
	assert_non_null(r->control);
	assert_int_equal(mux_send(&r->mux, r->control, buf_view(b)), b->n);
	guest_flush(r);
}

void guest_ready(struct rig *r)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, 64);
	wire_put(&b, WIRE_READY, span_of(NULL, 0));
	control_send(r, &b);
}

void guest_open(struct rig *r)
{
	guest_hello(r);
	guest_ack(r);
	guest_ready(r);
}

void guest_exit(struct rig *r, uint8_t kind, uint32_t status)
{
	const struct wire_exit e = { kind, status };
	CLEAN_BUF struct buf b;

	buf_init(&b, 64);
	wire_exit_put(&b, &e);
	control_send(r, &b);
}

void guest_log(struct rig *r, struct span text)
{
	if (!r->log)
		r->log = mux_open(&r->mux, WIRE_LOG);
	assert_non_null(r->log);
	guest_send(r, r->log, text);
}

void guest_say(struct rig *r, struct span text)
{
	if (!r->mcp)
		r->mcp = mux_open(&r->mux, WIRE_MCP);
	assert_non_null(r->mcp);
	guest_send(r, r->mcp, text);
}

void guest_take_item(struct rig *r)
{
	while (!r->reader || !r->got_end)
		assert_true(guest_pump(r));
}

/* --- what monitor and broker hear -------------------------------------- */

void rig_hear(struct chan *c, enum msg_type want, struct msg *ret)
{
	const char *why = "";
	int r = chan_recv(c, ret, &why);

	if (r != 1)
		fail_msg("wanted %s, got %d %s", msg_type_name(want), r,
			 why ? why : "");
	if (ret->type != want)
		fail_msg("wanted %s, got %s", msg_type_name(want),
			 msg_type_name(ret->type));
	if (want != MSG_VM_READY && want != MSG_VM_PARKED)
		assert_int_equal(ret->ids.task, RIG_TASK);
}

void hear_end(struct chan *c)
{
	const char *why;
	struct msg m;

	assert_int_equal(chan_recv(c, &m, &why), 0);
}

void hear_fault(struct rig *r, const char *name, enum wire_fault want)
{
	const char *why;
	struct msg m;
	int got = chan_recv(&r->monitor, &m, &why);

	if (got == 1 && m.type == MSG_VM_READY)
		got = chan_recv(&r->monitor, &m, &why);
	if (got != 1 || m.type != MSG_VM_FAIL)
		fail_msg("%s: no fault, got %d %s", name, got,
			 got == 1 ? msg_type_name(m.type) : "");
	if (m.vm_fail.fault != want)
		fail_msg("%s: got %s (%.*s), want %s", name,
			 wire_fault_name(m.vm_fail.fault),
			 (int)m.vm_fail.detail.n,
			 (const char *)m.vm_fail.detail.p,
			 wire_fault_name(want));
	assert_true(m.vm_fail.detail.n > 0);
	hear_end(&r->monitor);
	hear_end(&r->broker);
}
