/* chan_test: messages and descriptors over a channel; bad peers are refused. */
#include <errno.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/testing.h"
#include "base/fd.h"
#include "privsep/rpc.h"

static struct msg m;

static void pair(struct chan *a, struct chan *b)
{
	int fds[2];

	assert_int_equal(chan_pair(fds), 0);
	assert_int_equal(chan_init(a, fds[0]), 0);
	assert_int_equal(chan_init(b, fds[1]), 0);
	b->no_wait = true;
}

static void test_message_and_fds(void **state)
{
	struct chan a, b;
	const char *why;
	int fd = memfd_sealed("x", SPAN_LIT("abc"));
	int got;

	(void)state;
	pair(&a, &b);
	assert_int_equal(chan_recv(&b, &m, &why), -EAGAIN);
	m.type = MSG_ANSWER;
	m.text.text = SPAN_LIT("hello");
	assert_int_equal(chan_send(&a, &m, &fd, 1), 0);
	assert_int_equal(chan_recv(&b, &m, &why), 1);
	assert_true(span_is(m.text.text, "hello"));
	got = chan_take_fd(&b, 0);
	assert_int_equal(memfd_sealed_size(got, 3), 3);
	assert_int_equal(fcntl(got, F_GETFD), FD_CLOEXEC);
	assert_int_equal(chan_take_fd(&b, 0), -1);
	assert_int_equal(chan_take_fd(&b, 1), -1);
	fd_close(&got);
	fd_close(&fd);
	chan_done(&a);
	assert_int_equal(chan_recv(&b, &m, &why), 0);
	chan_done(&b);
}

/* Descriptors that nobody takes are closed with the next message. */
static void test_fds_do_not_leak(void **state)
{
	struct chan a, b;
	const char *why;
	int fd = memfd_sealed("x", SPAN_LIT("abc"));
	int before, after, i;

	(void)state;
	pair(&a, &b);
	before = dup(fd);
	(void)close(before);
	for (i = 0; i < 100; i++) {
		m.type = MSG_STOP;
		assert_int_equal(chan_send(&a, &m, (int[]){ fd, fd }, 2), 0);
		assert_int_equal(chan_recv(&b, &m, &why), 1);
	}
	chan_done(&a);
	chan_done(&b);
	after = dup(fd);
	assert_true(after <= before);
	(void)close(after);
	fd_close(&fd);
}

static void test_bad_bytes(void **state)
{
	static uint8_t big[LIMIT_MSG + 1];
	struct chan a, b;
	const char *why;

	(void)state;
	pair(&a, &b);
	assert_int_equal(send(a.fd, "nonsense", 8, 0), 8);
	assert_int_equal(chan_recv(&b, &m, &why), -EPROTO);
	assert_non_null(why);
	assert_int_equal(send(a.fd, big, sizeof(big), 0), sizeof(big));
	assert_int_equal(chan_recv(&b, &m, &why), -EPROTO);
	m.type = MSG_STOP;
	assert_int_equal(chan_send(&a, &m, (int[5]){ 0 }, 5), -EINVAL);
	chan_done(&a);
	chan_done(&b);
}

/* Its last words are heard, whatever it has not read itself. */
static void test_last_words(void **state)
{
	struct chan a, b;
	const char *why;

	(void)state;
	pair(&a, &b);
	m.type = MSG_STOP;
	assert_int_equal(chan_send(&b, &m, NULL, 0), 0);
	assert_int_equal(chan_send(&a, &m, NULL, 0), 0);
	m.type = MSG_VM_DONE;
	assert_int_equal(chan_send(&a, &m, NULL, 0), 0);
	chan_done(&a);
	assert_int_equal(chan_recv(&b, &m, &why), 1);
	assert_int_equal(m.type, MSG_STOP);
	assert_int_equal(chan_recv(&b, &m, &why), 1);
	assert_int_equal(m.type, MSG_VM_DONE);
	assert_int_equal(chan_recv(&b, &m, &why), 0);
	assert_int_equal(chan_recv(&b, &m, &why), 0);
	chan_done(&b);
}

/* A duplicate of the end cannot make it one that waits. */
static void test_send_no_wait(void **state)
{
	struct chan a, b;
	int dup_fd, r, i = 0;

	(void)state;
	pair(&a, &b);
	a.send_no_wait = true;
	dup_fd = dup(a.fd);
	assert_int_equal(fd_nonblock(dup_fd, false), 0);
	(void)alarm(20); /* it would wait for ever */
	do {
		m.type = MSG_ANSWER;
		m.text.text = SPAN_LIT("hello");
		r = chan_send(&a, &m, NULL, 0);
	} while (r == 0 && ++i < 1000000);
	(void)alarm(0);
	assert_int_equal(r, -EAGAIN);
	fd_close(&dup_fd);
	chan_done(&a);
	chan_done(&b);
}

static void test_audit_record_bound(void **state)
{
	static struct audit_record r;
	struct msg_ids ids = { 0 };
	int i;

	(void)state;
	audit_begin(&r, "x", &ids);
	for (i = 0; i < LIMIT_AUDIT_FIELDS; i++)
		audit_int(&r, "k", 1);
	assert_false(r.bad);
	audit_bool(&r, "k", true);
	assert_true(r.bad);
	assert_int_equal(audit_append(NULL, &r, NULL), -E2BIG);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_message_and_fds),
		cmocka_unit_test(test_fds_do_not_leak),
		cmocka_unit_test(test_bad_bytes),
		cmocka_unit_test(test_last_words),
		cmocka_unit_test(test_send_no_wait),
		cmocka_unit_test(test_audit_record_bound),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
