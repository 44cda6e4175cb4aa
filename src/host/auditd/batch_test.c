/* batch_test: auditd's loop over real channels and a real log. */
#include "batch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"

static char path[] = "/tmp/auditd-XXXXXX";
static int dir;
static struct chan monitor, broker;
static pid_t child;
static struct msg m;
static uint64_t key_ms, idle_ms; /* 0: as they are */

static int remove_one(const char *p, const struct stat *st, int kind,
		      struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(p);
}

/* The child: auditd without its sandbox. file_max limits what it writes. */
static _Noreturn void serve(int to_monitor, int to_broker, rlim_t file_max)
{
	static struct auditd a;
	struct rlimit limit = { file_max, file_max };
	struct tlog *log;
	struct err err;

	if (file_max && setrlimit(RLIMIT_FSIZE, &limit) < 0)
		_exit(3);
	(void)signal(SIGXFSZ, SIG_IGN);
	if (tlog_open(dir, &log, &err) < 0 ||
	    auditd_init(&a, log, NULL, to_monitor, to_broker) < 0)
		_exit(2);
	a.key_ms = key_ms ? key_ms : a.key_ms;
	a.idle_ms = idle_ms ? idle_ms : a.idle_ms;
	if (auditd_run(&a) < 0)
		_exit(1);
	auditd_done(&a);
	_exit(0);
}

static void start(rlim_t file_max)
{
	int to_monitor[2], to_broker[2];
	const char *why;

	assert_int_equal(chan_pair(to_monitor), 0);
	assert_int_equal(chan_pair(to_broker), 0);
	child = fork();
	assert_true(child >= 0);
	if (child == 0) {
		(void)close(to_monitor[0]);
		(void)close(to_broker[0]);
		serve(to_monitor[1], to_broker[1], file_max);
	}
	(void)close(to_monitor[1]);
	(void)close(to_broker[1]);
	assert_int_equal(chan_init(&monitor, to_monitor[0]), 0);
	assert_int_equal(chan_init(&broker, to_broker[0]), 0);
	m = (struct msg){ .type = MSG_HELLO };
	m.hello.name = SPAN_LIT("auditd");
	m.hello.arg = SPAN_LIT("boot-1");
	/* It may be gone already, where the log is not in order. */
	(void)chan_send(&monitor, &m, NULL, 0);
	if (chan_recv(&monitor, &m, &why) == 1)
		assert_int_equal(m.type, MSG_READY);
}

static int stop(void)
{
	int status = 0;

	m = (struct msg){ .type = MSG_STOP };
	(void)chan_send(&monitor, &m, NULL, 0);
	assert_int_equal(waitpid(child, &status, 0), child);
	chan_done(&monitor);
	chan_done(&broker);
	return status;
}

static void send_as(enum msg_type t, struct chan *c, const char *kind,
		    uint64_t task)
{
	m = (struct msg){ .type = t, .ids.task = task };
	m.audit.kind = span_str(kind);
	assert_int_equal(chan_send(c, &m, NULL, 0), 0);
}

static void send_audit(struct chan *c, const char *kind, uint64_t task)
{
	send_as(MSG_AUDIT, c, kind, task);
}

static enum msg_type get(struct chan *c)
{
	const char *why;

	assert_int_equal(chan_recv(c, &m, &why), 1);
	return m.type;
}

/* Each sender gets its answers in its order; a bad record harms no other. */
static void batches(void **state)
{
	struct tlog_state s;
	struct err err;
	uint64_t i;

	(void)state;
	start(0);
	for (i = 0; i < 40; i++) {
		send_audit(&monitor, "vm.start", i);
		send_audit(&broker, i == 20 ? "Bad" : "decision", i);
	}
	for (i = 0; i < 40; i++) {
		assert_int_equal(get(&monitor), MSG_AUDIT_OK);
		assert_int_equal(m.ids.task, i);
		assert_true(m.audit_ok.size > m.audit_ok.index);
		assert_int_equal(get(&broker),
				 i == 20 ? MSG_AUDIT_FAIL : MSG_AUDIT_OK);
		assert_int_equal(m.ids.task, i);
	}
	assert_int_equal(stop(), 0);
	assert_int_equal(tlog_verify(dir, &s, &err), 0);
	assert_int_equal(s.size, 79);
	/* seq is the index, also behind a refused record of its batch. */
	for (i = 0; i < s.size; i++) {
		char want[32];
		uint8_t *p;
		size_t n;

		assert_int_equal(tlog_read(dir, i, &p, &n, &err), 0);
		(void)snprintf(want, sizeof(want), "\"seq\":%llu,",
			       (unsigned long long)i);
		assert_non_null(memmem(p, n, want, strlen(want)));
		free(p);
	}
}

static bool silent(struct chan *c)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };

	return poll(&p, 1, 0) == 0;
}

static uint64_t durable(void)
{
	struct tlog_state s;
	struct err err;

	assert_int_equal(tlog_verify(dir, &s, &err), 0);
	return s.size;
}

/* Until the log has that many records, or 20 seconds are over. */
static uint64_t durable_soon(uint64_t n)
{
	int i;

	for (i = 0; i < 2000 && durable() < n; i++)
		(void)poll(NULL, 0, 10);
	return durable();
}

/* What nobody waits for: alone after a moment, with what somebody waits for at
 * once and in its order, with the stop at the latest; only a bad one is
 * answered. */
static void later(void **state)
{
	uint64_t n = durable();
	uint64_t i;

	(void)state;
	start(0);
	send_as(MSG_AUDIT_LATER, &monitor, "vm.start", 1);
	assert_int_equal(durable_soon(n + 1), n + 1);
	assert_true(silent(&monitor));
	for (i = 0; i < 3; i++)
		send_as(MSG_AUDIT_LATER, &broker, "item.new", i);
	send_audit(&broker, "decision", 4);
	assert_int_equal(get(&broker), MSG_AUDIT_OK);
	assert_int_equal(m.audit_ok.index, n + 4);
	assert_int_equal(m.audit_ok.size, n + 5);
	assert_int_equal(durable_soon(n + 5), n + 5);
	for (i = 0; i < TLOG_BATCH + 1; i++)
		send_as(MSG_AUDIT_LATER, &monitor, "vm.end", i);
	send_as(MSG_AUDIT_LATER, &broker, "Bad", 9);
	assert_int_equal(get(&broker), MSG_AUDIT_FAIL);
	assert_int_equal(m.ids.task, 9);
	assert_true(silent(&monitor));
	send_as(MSG_AUDIT_LATER, &monitor, "vm.end", 10);
	assert_int_equal(stop(), 0);
	assert_int_equal(durable(), n + 5 + TLOG_BATCH + 2);
}

/* The broker sends what it may not: it is dropped, the monitor is served. */
static void bad_peer(void **state)
{
	const char *why;

	(void)state;
	start(0);
	m = (struct msg){ .type = MSG_STOP };
	assert_int_equal(chan_send(&broker, &m, NULL, 0), 0);
	assert_int_equal(chan_recv(&broker, &m, &why), 0);
	send_audit(&monitor, "stop", 1);
	assert_int_equal(get(&monitor), MSG_AUDIT_OK);
	assert_int_equal(stop(), 0);
}

/* The disk is full: this record and all after it are refused, for everyone. */
static void full_disk(void **state)
{
	struct tlog_state s;
	struct err err;

	(void)state;
	start(60000);
	for (;;) {
		send_audit(&broker, "decision", 1);
		if (get(&broker) == MSG_AUDIT_FAIL)
			break;
		assert_true(m.audit_ok.index < 5000);
	}
	send_audit(&monitor, "kill", 1);
	assert_int_equal(get(&monitor), MSG_AUDIT_FAIL);
	send_audit(&broker, "decision", 1);
	assert_int_equal(get(&broker), MSG_AUDIT_FAIL);
	send_as(MSG_AUDIT_LATER, &broker, "item.new", 1);
	assert_int_equal(get(&broker), MSG_AUDIT_FAIL);
	assert_int_equal(stop(), 0);
	start(0);
	send_audit(&monitor, "start", 1);
	assert_int_equal(get(&monitor), MSG_AUDIT_OK);
	assert_int_equal(stop(), 0);
	assert_int_equal(tlog_verify(dir, &s, &err), 0);
}

/* Whether it works: it says so, with the number it was asked with; once the log
 * cannot be written, that it does not, though nobody asked. */
static void signs_of_life(void **state)
{
	(void)state;
	start(70000);
	m = (struct msg){ .type = MSG_PING, .ping = { 7 } };
	assert_int_equal(chan_send(&monitor, &m, NULL, 0), 0);
	assert_int_equal(get(&monitor), MSG_PONG);
	assert_int_equal(m.ping.number, 7);
	for (;;) {
		send_audit(&broker, "decision", 1);
		if (get(&broker) == MSG_AUDIT_FAIL)
			break;
		m = (struct msg){ .type = MSG_PING, .ping = { 8 } };
		assert_int_equal(chan_send(&monitor, &m, NULL, 0), 0);
		if (get(&monitor) == MSG_AUDIT_FAIL)
			break;
	}
	m = (struct msg){ .type = MSG_PING, .ping = { 9 } };
	(void)chan_send(&monitor, &m, NULL, 0);
	assert_true(silent(&monitor));
	(void)stop();
}

/* Makes the key so old. */
static void age_key(long seconds)
{
	struct timespec t[2];

	(void)clock_gettime(CLOCK_REALTIME, &t[0]);
	t[0].tv_sec -= seconds;
	t[1] = t[0];
	assert_int_equal(utimensat(dir, "key", t, 0), 0);
}

static uint64_t epoch(void)
{
	struct tlog_state s;
	struct err err;

	assert_int_equal(tlog_verify(dir, &s, &err), 0);
	return s.epoch;
}

static void has(uint64_t index, const char *want)
{
	uint8_t *p = NULL;
	struct err err;
	size_t n;

	assert_int_equal(tlog_read(dir, index, &p, &n, &err), 0);
	assert_non_null(memmem(p, n, want, strlen(want)));
	free(p);
}

static void ask_key(struct chan *c)
{
	m = (struct msg){ .type = MSG_AUDIT_KEY };
	assert_int_equal(chan_send(c, &m, NULL, 0), 0);
}

/* When it is asked for, when it is old, when its clock was set back; and what
 * is recorded meanwhile has its place behind or before that. */
static void new_keys(void **)
{
	uint64_t n, i;

	/* What the last test left is put in order. */
	start(0);
	assert_int_equal(stop(), 0);
	n = durable();
	start(0);
	ask_key(&monitor);
	assert_int_equal(durable_soon(n + 1), n + 1);
	has(n, "\"kind\":\"log.key\"");
	has(n, "\"epoch\":1,");
	for (i = 0; i < 20; i++) {
		send_audit(&broker, "decision", i);
		if (i == 10)
			ask_key(&monitor);
	}
	for (i = 0; i < 20; i++)
		assert_int_equal(get(&broker), MSG_AUDIT_OK);
	assert_int_equal(durable_soon(n + 22), n + 22);
	assert_int_equal(stop(), 0);
	assert_int_equal(epoch(), 2);
	age_key(80000);
	start(0);
	assert_int_equal(stop(), 0);
	assert_int_equal(epoch(), 2);
	age_key(90000);
	start(0);
	assert_int_equal(stop(), 0);
	assert_int_equal(epoch(), 3);
	age_key(-90000);
	start(0);
	assert_int_equal(stop(), 0);
	assert_int_equal(epoch(), 4);
	/* The broker has no word in it. */
	start(0);
	ask_key(&broker);
	send_audit(&monitor, "stop", 1);
	assert_int_equal(get(&monitor), MSG_AUDIT_OK);
	assert_int_equal(stop(), 0);
	assert_int_equal(epoch(), 4);
}

static void days_and_hours(void **)
{
	uint64_t n = durable();

	key_ms = 20;
	start(0);
	while (durable_soon(n + 3) < n + 3)
		;
	assert_int_equal(stop(), 0);
	assert_true(epoch() >= 7);
	key_ms = 0;
	idle_ms = 20;
	n = durable();
	start(0);
	while (durable_soon(n + 2) < n + 2)
		;
	assert_int_equal(stop(), 0);
	has(n + 1, "\"kind\":\"log.idle\"");
	has(n + 1, "\"root\":\"");
	idle_ms = 0;
}

/* A log that was tampered with: the process does not come up. */
static void tampered(void **state)
{
	struct tlog_state s;
	struct err err;
	int status;
	int fd;

	(void)state;
	fd = openat(dir, "wal", O_RDWR | O_CLOEXEC);
	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, "x", 1, 60), 1);
	(void)close(fd);
	start(0);
	assert_int_equal(waitpid(child, &status, 0), child);
	assert_int_equal(WEXITSTATUS(status), 2);
	assert_true(tlog_verify(dir, &s, &err) < 0);
	chan_done(&monitor);
	chan_done(&broker);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(batches),	  cmocka_unit_test(later),
		cmocka_unit_test(bad_peer),	  cmocka_unit_test(full_disk),
		cmocka_unit_test(signs_of_life),  cmocka_unit_test(new_keys),
		cmocka_unit_test(days_and_hours), cmocka_unit_test(tampered),
	};
	int r;

	(void)signal(SIGPIPE, SIG_IGN);
	if (!mkdtemp(path))
		return 1;
	dir = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	r = cmocka_run_group_tests(tests, NULL, NULL);
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
	return r;
}
