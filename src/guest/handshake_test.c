/*
 * handshake_test: the guest's side of the handshake on this host. The random
 * generator, the clock and the wire are told in which order they are used:
 * nothing is answered before the generator and the clock have been set, and
 * the key stays nowhere, however the bytes of HELLO come.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "guest/guest.h"

enum { RANDOM_FD = 77, HELLO = WIRE_HEAD + WIRE_HELLO_LEN };

static struct port port;
static struct wire_hello hello;
static char did[16]; /* what happened, a letter each */
static size_t n_did;
static char fails; /* this one does */

static int step(char what)
{
	if (n_did < sizeof(did) - 1)
		did[n_did++] = what;
	errno = EPERM;
	return what == fails ? -1 : 0;
}

int __wrap_ioctl(int fd, int request, const struct random_add *add);
int __wrap_clock_settime(clockid_t clock, const struct timespec *ts);
ssize_t __wrap_write(int fd, const void *p, size_t n);
ssize_t __real_write(int fd, const void *p, size_t n);

/* The third is there, or not, like ioctl's own. */
int __wrap_ioctl(int fd, int request, const struct random_add *add)
{
	assert_int_equal(fd, RANDOM_FD);
	if (request == (int)SYS_RNDRESEEDCRNG)
		return step('r');
	assert_int_equal(request, (int)SYS_RNDADDENTROPY);
	assert_int_equal(add->entropy_bits, 8 * WIRE_RANDOM);
	assert_int_equal(add->bytes, WIRE_RANDOM);
	assert_memory_equal(add->random, hello.random, WIRE_RANDOM);
	return step('a');
}

int __wrap_clock_settime(clockid_t clock, const struct timespec *ts)
{
	assert_int_equal(clock, CLOCK_REALTIME);
	assert_int_equal(ts->tv_sec, 1'234'567'890);
	assert_int_equal(ts->tv_nsec, 12345);
	return step('c');
}

ssize_t __wrap_write(int fd, const void *p, size_t n)
{
	if (fd == port.fd && step('w') < 0)
		return -1;
	return __real_write(fd, p, n);
}

/* The port, with our end; and a HELLO with the bytes of this key in it. */
static int begin(struct buf *b)
{
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET, 0, pair), 0);
	assert_int_equal(fd_nonblock(pair[0], true), 0);
	port_init(&port, pair[0]);
	memset(did, 0, sizeof(did));
	n_did = 0;
	fails = 0;
	hello = (struct wire_hello){ .version = WIRE_VERSION,
				     .workload = WIRE_READER_EMAIL,
				     .wall_ns = 1'234'567'890'000'012'345 };
	memset(hello.random, 0xa5, sizeof(hello.random));
	memset(hello.key, 0xc3, sizeof(hello.key));
	buf_init(b, HELLO);
	wire_hello_put(b, &hello);
	assert_int_equal(b->n, HELLO);
	return pair[1];
}

/* Each packet is a read of its own. */
static void say(int fd, struct span bytes)
{
	if (bytes.n)
		assert_int_equal(__real_write(fd, bytes.p, bytes.n), bytes.n);
}

static bool holds(const uint8_t *p, size_t n, uint8_t c)
{
	const uint8_t four[] = { c, c, c, c };

	return memmem(p, n, four, sizeof(four)) != NULL;
}

static void end(struct buf *b, int fd)
{
	port_done(&port);
	(void)close(fd);
	buf_done(b);
	buf_done(&port.answer);
}

/* The answer is the last; and of the key nothing is left at any split. */
static void test_every_split(void **)
{
	struct order o;
	struct buf b;
	size_t cut;

	for (cut = 0; cut < HELLO; cut++) {
		struct wire_in in = { 0 };
		struct wire_msg m;
		uint8_t got[64];
		struct span answer;
		int fd = begin(&b);

		hello.flags = cut % 2 ? WIRE_HELLO_TEMPLATE : 0;
		buf_reset(&b);
		wire_hello_put(&b, &hello);
		say(fd, buf_part(&b, 0, cut));
		say(fd, buf_part(&b, cut, HELLO));
		assert_int_equal(handshake(&port, RANDOM_FD, &o), 0);
		assert_string_equal(did, "arcw");
		assert_int_equal(o.workload, WIRE_READER_EMAIL);
		assert_int_equal(o.template, cut % 2);
		assert_false(holds(port.chunk, sizeof(port.chunk), 0xc3));
		assert_false(holds(port.chunk, sizeof(port.chunk), 0xa5));
		answer = span_of(got, (size_t)read(fd, got, sizeof(got)));
		assert_int_equal(wire_in_next(&in, &answer, &m), 1);
		assert_int_equal(m.type, WIRE_ACK);
		assert_int_equal(
			wire_ack_check(m.payload, hello.key,
				       buf_part(&b, WIRE_HEAD, WIRE_HELLO_LEN)),
			WIRE_OK);
		end(&b, fd);
	}
}

/* What comes right behind HELLO is for the multiplexer. */
static void test_rest_stays(void **)
{
	struct order o;
	struct buf b;
	int fd = begin(&b);

	b.max = HELLO + 5;
	buf_str(&b, "frame");
	say(fd, buf_view(&b));
	assert_int_equal(handshake(&port, RANDOM_FD, &o), 0);
	assert_int_equal(port.rest.n, 5);
	assert_memory_equal(port.rest.p, "frame", 5);
	assert_false(holds(port.chunk, sizeof(port.chunk), 0xc3));
	end(&b, fd);
}

/* A generator or a clock that cannot be set is no start. */
static void test_steps_that_fail(void **)
{
	static const char *const rows[] = { "a", "ar", "arc", "arcw" };
	struct order o;
	struct buf b;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int fd = begin(&b);

		fails = rows[i][i];
		say(fd, buf_view(&b));
		assert_int_equal(handshake(&port, RANDOM_FD, &o), -EPERM);
		assert_string_equal(did, rows[i]);
		assert_false(holds(port.chunk, sizeof(port.chunk), 0xc3));
		end(&b, fd);
	}
}

/* Nothing is done for what is no HELLO of this version. */
static void test_refused(void **)
{
	static const struct {
		size_t at;
		uint8_t value;
	} rows[] = {
		{ 4, WIRE_ACK },
		{ 4, 0 },
		{ 5, 1 },
		{ 0, 1 },
		{ WIRE_HEAD, 1 },
		{ WIRE_HEAD + 2, 0 },
		{ 2, 1 },
		{ WIRE_HEAD + 2, WIRE_WORKLOAD_MAX },
		{ WIRE_HEAD + 3, WIRE_HELLO_TEMPLATE + 1 },
	};
	struct order o;
	struct buf b;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		int fd = begin(&b);

		b.p[rows[i].at] = rows[i].value;
		say(fd, buf_view(&b));
		(void)close(fd);
		assert_in_range(-handshake(&port, RANDOM_FD, &o), 1, 200);
		assert_string_equal(did, "");
		end(&b, -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_rest_stays),
		cmocka_unit_test(test_steps_that_fail),
		cmocka_unit_test(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
