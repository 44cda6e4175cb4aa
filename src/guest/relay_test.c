/*
 * relay_test: the relay on this host: a socket pair stands for the port, and a
 * child process for the workload. Every case says what the child does with its
 * fd, which bytes the host sends, and what comes of it.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "guest/guest.h"

enum { TEST_BIG = 3 << 20, TEST_DEADLINE_S = 20 };

struct bench {
	struct port port;
	struct relay relay;
	int host;	 /* our end of the port */
	struct buf said; /* what came out of it */
};

typedef void (*work_fn)(int sock, int log);

/* A child with the workload's descriptors, and a relay that has the rest. */
static void bench_start(struct bench *b, work_fn fn)
{
	int wire[2], sock[2], log[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wire), 0);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sock), 0);
	assert_int_equal(pipe2(log, O_CLOEXEC), 0);
	b->relay.pid = fork();
	if (b->relay.pid == 0) {
		(void)close(wire[0]);
		(void)close(wire[1]);
		(void)close(sock[0]);
		(void)close(log[0]);
		(void)alarm(TEST_DEADLINE_S);
		fn(sock[1], log[1]);
		_exit(5);
	}
	assert_true(b->relay.pid > 0);
	(void)close(sock[1]);
	(void)close(log[1]);
	b->host = wire[0];
	b->relay.port = &b->port;
	b->relay.sock = sock[0];
	b->relay.log = log[0];
	b->relay.service = WIRE_READER;
	b->relay.pidfd = (int)syscall(SYS_pidfd_open, b->relay.pid, 0);
	assert_true(b->relay.pidfd >= 0);
	assert_int_equal(fd_nonblock(sock[0], true), 0);
	assert_int_equal(fd_nonblock(log[0], true), 0);
	assert_int_equal(fd_nonblock(wire[1], true), 0);
	assert_int_equal(port_init(&b->port, wire[1]), 0);
	buf_init(&b->said, 8 << 20);
}

static void bench_end(struct bench *b)
{
	(void)kill(b->relay.pid, SIGKILL);
	(void)waitpid(b->relay.pid, NULL, 0);
	port_done(&b->port);
	fd_close(&b->host);
	buf_done(&b->said);
}

/*
 * The host, in a process of its own: sends, reads all there is, and leaves it
 * in a memfd for the test.
 */
static pid_t host_start(const struct bench *b, const struct buf *send_first,
			int out)
{
	pid_t pid = fork(), writer;
	uint8_t chunk[65536];
	ssize_t n;

	if (pid != 0)
		return pid;
	(void)close(b->port.fd);
	(void)alarm(TEST_DEADLINE_S);
	writer = fork();
	if (writer == 0)
		_exit(fd_write_all(b->host, buf_view(send_first)) < 0);
	while ((n = read(b->host, chunk, sizeof(chunk))) > 0) {
		if (fd_write_all(out, span_of(chunk, (size_t)n)) < 0)
			_exit(1);
	}
	(void)kill(writer, SIGKILL);
	_exit(0);
}

/* Runs one case to its end; what the relay returned. */
static int bench_run(struct bench *b, work_fn fn, const struct buf *first)
{
	CLEAN_FD int out = memfd_create("said", MFD_CLOEXEC);
	uint8_t *room;
	pid_t host;
	off_t n;
	int r;

	*b = (struct bench){ 0 };
	bench_start(b, fn);
	host = host_start(b, first, out);
	fd_close(&b->host);
	(void)alarm(TEST_DEADLINE_S);
	r = relay_run(&b->relay);
	(void)alarm(0);
	fd_close(&b->port.fd);
	assert_int_equal(waitpid(host, NULL, 0), host);
	n = lseek(out, 0, SEEK_END);
	if (n > 0) {
		room = buf_extend(&b->said, (size_t)n);
		assert_non_null(room);
		assert_int_equal(fd_pread_all(out, room, (size_t)n, 0), n);
	}
	return r;
}

/* What was said: bytes of DATA, of LOG, and "E" END, "X0.5" EXIT. */
struct told {
	struct buf data, log, order;
};

static void tell(const struct buf *said, struct told *t)
{
	struct span rest = buf_view(said);
	struct wire_frame f;
	struct wire_exit e;
	struct wire_in in;
	int r;

	buf_init(&t->data, 8 << 20);
	buf_init(&t->log, 8 << 20);
	buf_init(&t->order, 64);
	assert_int_equal(wire_in_init(&in), 0);
	while ((r = wire_in_next(&in, &rest, &f)) == 1) {
		if (f.type == WIRE_DATA && f.service == WIRE_READER) {
			buf_span(&t->data, f.payload);
		} else if (f.type == WIRE_LOG) {
			buf_span(&t->log, f.payload);
		} else if (f.type == WIRE_END && f.service == WIRE_READER) {
			buf_str(&t->order, "E");
		} else if (f.type == WIRE_EXIT) {
			assert_int_equal(wire_exit_get(f.payload, &e), WIRE_OK);
			buf_printf(&t->order, "X%u.%u", e.kind, e.status);
		} else {
			fail_msg("frame of type %d", (int)f.type);
		}
	}
	assert_int_equal(r, 0);
	assert_int_equal(in.head_n, 0);
	wire_in_done(&in);
}

static void told_done(struct told *t)
{
	buf_done(&t->data);
	buf_done(&t->log);
	buf_done(&t->order);
}

static void work_echo(int sock, int)
{
	uint8_t chunk[10000];
	ssize_t n;

	while ((n = read(sock, chunk, sizeof(chunk))) > 0) {
		if (fd_write_all(sock, span_of(chunk, (size_t)n)) < 0)
			_exit(1);
	}
	_exit(0);
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

static void work_logs(int, int log)
{
	char line[100];
	int i;

	memset(line, 'l', sizeof(line));
	for (i = 0; i < 3000; i++) {
		if (fd_write_all(log, span_of(line, sizeof(line))) < 0)
			_exit(1);
	}
	_exit(0);
}

static const struct {
	const char *name;
	work_fn fn;
	const char *first; /* of the host: D data, E end, and what is wrong */
	int want;
	const char *order, *data;
} rows[] = {
	{ "echo", work_echo, "DDE", 0, "EX0.0", "abcabc" },
	{ "nothing", work_echo, "E", 0, "EX0.0", "" },
	{ "leaves", work_leave, "", 0, "EX0.7", "" },
	{ "leaves, host talks on", work_leave, "DDDDDE", 0, "EX0.7", "" },
	{ "killed", work_killed, "D", 0, "EX1.9", "" },
	{ "deaf", work_deaf, "DDDE", 0, "EX0.0", "deaf" },
	{ "closes", work_closes, "D", 0, "EX0.3", "" },
	{ "data after end", work_idle, "ED", -EPROTO, "", "" },
	{ "second end", work_idle, "EE", -EPROTO, "", "" },
	{ "wrong service", work_idle, "m", -EPROTO, "", "" },
	{ "hello again", work_idle, "h", -EPROTO, "", "" },
	{ "log from the host", work_idle, "l", -EPROTO, "", "" },
	{ "ready from the host", work_idle, "r", -EPROTO, "", "" },
	{ "no frame at all", work_idle, "?", -EPROTO, "", "" },
};

static void first_put(struct buf *b, char c)
{
	switch (c) {
	case 'D':
		wire_put(b, WIRE_DATA, WIRE_READER, SPAN_LIT("abc"));
		break;
	case 'E':
		wire_put(b, WIRE_END, WIRE_READER, span_of(NULL, 0));
		break;
	case 'm':
		wire_put(b, WIRE_DATA, WIRE_MCP, SPAN_LIT("abc"));
		break;
	case 'h':
		wire_put(b, WIRE_HELLO, WIRE_CONTROL, SPAN_LIT("abc"));
		break;
	case 'l':
		wire_put(b, WIRE_LOG, WIRE_LOGS, SPAN_LIT("abc"));
		break;
	case 'r':
		wire_put(b, WIRE_READY, WIRE_CONTROL, span_of(NULL, 0));
		break;
	default:
		buf_str(b, "garbage!");
		break;
	}
}

static void test_rows(void **)
{
	size_t i, j;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct bench b;
		struct told t;
		struct buf first;
		int got;

		buf_init(&first, 4096);
		for (j = 0; rows[i].first[j]; j++)
			first_put(&first, rows[i].first[j]);
		got = bench_run(&b, rows[i].fn, &first);
		if (got != rows[i].want)
			fail_msg("%s: got %d, want %d", rows[i].name, got,
				 rows[i].want);
		tell(&b.said, &t);
		assert_string_equal(buf_cstr(&t.order), rows[i].order);
		if (rows[i].want == 0)
			assert_string_equal(buf_cstr(&t.data), rows[i].data);
		told_done(&t);
		buf_done(&first);
		bench_end(&b);
	}
}

/* Far more than all buffers hold, in both directions at once. */
static void test_much(void **)
{
	uint8_t piece[LIMIT_WIRE_FRAME];
	struct buf first, want;
	struct bench b;
	struct told t;
	size_t i, n;

	buf_init(&first, 8 << 20);
	buf_init(&want, 8 << 20);
	for (i = 0; i < sizeof(piece); i++)
		piece[i] = (uint8_t)(i * 31 + i / 256);
	for (n = 1; want.n < TEST_BIG; n = n * 7 % sizeof(piece) + 1) {
		wire_put(&first, WIRE_DATA, WIRE_READER, span_of(piece, n));
		buf_put(&want, piece, n);
	}
	wire_put(&first, WIRE_DATA, WIRE_READER, span_of(piece, sizeof(piece)));
	buf_put(&want, piece, sizeof(piece));
	first_put(&first, 'E');
	assert_true(buf_ok(&first) && buf_ok(&want));
	assert_int_equal(bench_run(&b, work_echo, &first), 0);
	tell(&b.said, &t);
	assert_string_equal(buf_cstr(&t.order), "EX0.0");
	assert_true(span_eq(buf_view(&t.data), buf_view(&want)));
	told_done(&t);
	buf_done(&first);
	buf_done(&want);
	bench_end(&b);
}

static void test_log_is_bounded(void **)
{
	struct buf none;
	struct bench b;
	struct told t;

	buf_init(&none, 64);
	assert_int_equal(bench_run(&b, work_logs, &none), 0);
	tell(&b.said, &t);
	assert_string_equal(buf_cstr(&t.order), "EX0.0");
	assert_true(t.log.n <= GUEST_LOG_TOTAL);
	assert_true(t.log.n > GUEST_LOG_TOTAL - WIRE_LOG_MAX);
	told_done(&t);
	bench_end(&b);
}

/* The host's end closes while the workload just sits there. */
static void test_hangup(void **)
{
	struct bench b = { 0 };

	bench_start(&b, work_idle);
	fd_close(&b.host);
	assert_int_equal(relay_run(&b.relay), -EPIPE);
	bench_end(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_much),
		cmocka_unit_test(test_log_is_bounded),
		cmocka_unit_test(test_hangup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
