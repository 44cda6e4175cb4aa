/*
 * start_test: goal of this test: a template, a clone and a parked clone come
 * to the point where they work in exactly the order of start.h, with the test
 * as QEMU, guest and monitor; and whatever QEMU or the warmed reader says
 * wrongly ends that VM.
 */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"
#include "porter_rig.h"
#include "proto/message_json.h"
#include "proto/message_sample.h"
#include "warm.h"

#define READER	"workload=reader-email deadline_ms=20000 "
#define PLANNER "workload=planner-triage deadline_ms=20000 "
#define LOAD                                                                   \
	"{\"execute\":\"migrate-incoming\",\"arguments\":"                     \
	"{\"uri\":\"fd:9\"}}\n"

#define STAMP	 "{\"timestamp\": {\"seconds\": 1, \"microseconds\": 2}, "
#define EVENT(e) STAMP "\"event\": \"" e "\"}\r\n"
#define STATUS(s)                                                              \
	STAMP "\"event\": \"MIGRATION\", \"data\": {\"status\": \"" s "\"}}"   \
	      "\r\n"
#define RETURN "{\"return\": {}}\r\n"
#define BEGUN  "{\"QMP\": {}}\r\n" RETURN RETURN
#define LOADED                                                                 \
	STATUS("setup")                                                        \
	RETURN STATUS("active") EVENT("RESUME") STATUS("completed")
#define SAVED                                                                  \
	RETURN STATUS("setup") RETURN STATUS("active") EVENT("STOP")           \
		STATUS("completed")

enum { QUIET_MS = 100 };

static int qemu; /* our end of QMP */

static void start(struct rig *r, const char *words)
{
	const struct timeval t = { RIG_PATIENCE_S, 0 };
	int pair[2];

	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	qemu = pair[0];
	assert_int_equal(
		setsockopt(qemu, SOL_SOCKET, SO_RCVTIMEO, &t, sizeof(t)), 0);
	rig_start(r, words, pair[1]);
	(void)close(pair[1]);
}

static void stop(struct rig *r)
{
	fd_close(&qemu);
	assert_int_equal(rig_stop(r), 0);
}

static void qemu_hears(const char *text)
{
	char got[1024];
	size_t n = strlen(text);

	assert_true(n < sizeof(got));
	assert_int_equal(fd_read_all(qemu, got, n), n);
	assert_memory_equal(got, text, n);
}

static void qemu_says(const char *text)
{
	assert_int_equal(fd_write_all(qemu, span_str(text)), 0);
}

/* Whoever else holds our end, too. */
static void hang_up(void)
{
	assert_int_equal(shutdown(qemu, SHUT_RDWR), 0);
}

static bool quiet(int fd)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	return poll(&p, 1, QUIET_MS) == 0;
}

/* What the monitor hears, with whichever ids. */
static void told(struct rig *r, enum msg_type want)
{
	const char *why = "";
	struct msg m;

	assert_int_equal(chan_recv(&r->monitor, &m, &why), 1);
	if (m.type != want)
		fail_msg("wanted %s, got %s", msg_type_name(want),
			 msg_type_name(m.type));
}

static void answer(struct rig *r)
{
	const struct message m = message_sample();
	json_t *v = message_to_json(&m, false);
	char *text = json_dumps(v, JSON_COMPACT);

	assert_non_null(text);
	guest_send(r, r->reader, span_str(text));
	guest_end(r, r->reader);
	free(text);
	json_decref(v);
}

static void takes(struct rig *r, struct span mail)
{
	guest_take_item(r);
	assert_int_equal(r->got.n, 1 + mail.n);
	assert_int_equal(r->got.p[0], WIRE_ITEM_EMAIL);
	assert_memory_equal(r->got.p + 1, mail.p, mail.n);
}

static void give_work(struct rig *r)
{
	CLEAN_FD int item = memfd_sealed("item", SPAN_LIT("item"));

	rig_work(r, item, 0);
}

static void does_its_work(struct rig *r)
{
	struct msg m;

	takes(r, SPAN_LIT("item"));
	answer(r);
	rig_hear(&r->broker, MSG_RECORD, &m);
	told(r, MSG_VM_DONE);
}

static void stop_done(struct rig *r)
{
	struct msg m;

	rig_hear(&r->broker, MSG_RECORD, &m);
	told(r, MSG_VM_DONE);
	stop(r);
}

/* Nothing was ever said there; it may be closed by now. */
static bool quiet_or_gone(int fd)
{
	char c;

	return quiet(fd) || recv(fd, &c, 1, MSG_DONTWAIT) == 0;
}

/* --- clones -------------------------------------------------------------- */

/* Its work may be there from the first moment on. */
static void clone_on_demand(void **)
{
	struct rig r;

	start(&r, READER "start=clone");
	give_work(&r);
	guest_hello(&r);
	assert_int_equal(r.hello.flags, 0);
	qemu_hears(qmp_begin_text);
	qemu_hears(LOAD);
	qemu_says(BEGUN LOADED);
	guest_ack(&r);
	guest_ready(&r);
	told(&r, MSG_VM_READY);
	does_its_work(&r);
	stop(&r);
}

/* Ready is what runs what it was told to load, and nothing before. */
static void not_before_it_is_loaded(void **)
{
	struct rig r;
	char c;

	start(&r, READER "start=clone park=none");
	give_work(&r);
	guest_open(&r);
	assert_true(quiet(r.monitor.fd));
	qemu_says(BEGUN STATUS("setup") RETURN STATUS("active"));
	assert_true(quiet(r.monitor.fd));
	qemu_says(EVENT("RESUME") STATUS("completed"));
	told(&r, MSG_VM_READY);
	/* from now on nobody commands QEMU */
	qemu_hears(qmp_begin_text);
	qemu_hears(LOAD);
	assert_int_equal(read(qemu, &c, 1), 0);
	does_its_work(&r);
	stop(&r);
}

/* The porter is held up until all has been said: it hears QEMU before what the
 * guest said after it was ready. */
static void all_at_once(void **)
{
	struct msg m;
	struct rig r;

	start(&r, READER "start=clone park=waiting");
	qemu_says(BEGUN);
	told(&r, MSG_VM_PARKED);
	give_work(&r);
	guest_hello(&r);
	guest_ack(&r);
	takes(&r, SPAN_LIT("item"));
	assert_int_equal(kill(r.pid, SIGSTOP), 0);
	qemu_says(LOADED);
	guest_ready(&r);
	answer(&r);
	assert_int_equal(kill(r.pid, SIGCONT), 0);
	told(&r, MSG_VM_READY);
	rig_hear(&r.broker, MSG_RECORD, &m);
	told(&r, MSG_VM_DONE);
	stop(&r);
}

/* It answers though QEMU never said that it runs: no record comes of it. */
static void answers_unloaded(void **)
{
	struct rig r;

	start(&r, READER "start=clone park=waiting");
	qemu_says(BEGUN);
	told(&r, MSG_VM_PARKED);
	give_work(&r);
	guest_open(&r);
	takes(&r, SPAN_LIT("item"));
	answer(&r);
	hear_fault(&r, "unloaded", WIRE_BAD_MONITOR);
	stop(&r);
}

static void waiting(void **)
{
	struct rig r;

	start(&r, READER "start=clone park=waiting");
	qemu_hears(qmp_begin_text);
	assert_true(quiet(r.monitor.fd));
	qemu_says(BEGUN);
	told(&r, MSG_VM_PARKED);
	assert_true(quiet(qemu) && quiet(r.wire));
	give_work(&r);
	qemu_hears(LOAD);
	guest_hello(&r);
	qemu_says(LOADED);
	guest_ack(&r);
	guest_ready(&r);
	told(&r, MSG_VM_READY);
	does_its_work(&r);
	stop(&r);
}

/* Its deadline of the handshake is over long before there is work. */
static void waiting_has_time(void **)
{
	struct rig r;

	start(&r, READER "handshake_ms=50 start=clone park=waiting");
	qemu_says(BEGUN);
	told(&r, MSG_VM_PARKED);
	assert_true(quiet(r.monitor.fd));
	give_work(&r);
	hear_fault(&r, "handshake", WIRE_DEADLINE);
	stop(&r);
}

/* Nothing is said to anybody before its work is there; then all at once. */
static void jailed(void **)
{
	struct rig r;

	start(&r, READER "handshake_ms=2000 start=clone park=jailed");
	told(&r, MSG_VM_PARKED);
	/* Its handshake has its time from the work on. */
	(void)poll(NULL, 0, 2100);
	assert_true(quiet(qemu) && quiet(r.wire) && quiet(r.monitor.fd));
	give_work(&r);
	qemu_hears(qmp_begin_text);
	qemu_hears(LOAD);
	guest_hello(&r);
	qemu_says(BEGUN LOADED);
	guest_ack(&r);
	guest_take_item(&r); /* which is there before anybody is ready */
	guest_ready(&r);
	told(&r, MSG_VM_READY);
	answer(&r);
	stop_done(&r);
}

static void jailed_is_late(void **)
{
	struct rig r;

	start(&r, READER "handshake_ms=50 start=clone park=jailed");
	told(&r, MSG_VM_PARKED);
	give_work(&r);
	hear_fault(&r, "handshake", WIRE_DEADLINE);
	stop(&r);
}

/* The state loads itself: not a word on QMP, and ready is who says so. */
static void alone(void **)
{
	struct rig r;

	start(&r, READER "start=clone park=jailed alone=1");
	told(&r, MSG_VM_PARKED);
	give_work(&r);
	guest_open(&r);
	told(&r, MSG_VM_READY);
	does_its_work(&r);
	assert_true(quiet_or_gone(qemu));
	stop(&r);
}

static void alone_does_not_load(void **)
{
	struct rig r;

	start(&r, READER "start=clone alone=1");
	give_work(&r);
	guest_hello(&r);
	assert_int_equal(shutdown(r.wire, SHUT_RDWR), 0);
	hear_fault(&r, "alone", WIRE_BAD_MONITOR);
	stop(&r);
}

/* The item may go down before READY, but nothing comes up. */
static void answers_too_early(void **)
{
	struct rig r;

	start(&r, READER "start=clone park=jailed alone=1");
	told(&r, MSG_VM_PARKED);
	give_work(&r);
	guest_hello(&r);
	guest_ack(&r);
	guest_take_item(&r);
	answer(&r);
	hear_fault(&r, "too early", WIRE_BAD_ORDER);
	stop(&r);
}

static void resumed(void **)
{
	struct rig r;
	size_t i;

	start(&r, READER "start=clone park=resumed");
	qemu_says(BEGUN LOADED);
	guest_open(&r);
	told(&r, MSG_VM_READY);
	for (i = 0; i < WARM_CLONE_MAILS; i++) {
		takes(&r, warm_clone_mail(i));
		assert_true(quiet(r.monitor.fd));
		answer(&r);
	}
	told(&r, MSG_VM_PARKED);
	assert_true(quiet(r.wire));
	give_work(&r);
	does_its_work(&r);
	stop(&r);
}

/* Work that comes while it is warmed waits for that, and has its own deadline
 * then: that of the handshake is over. */
static void resumed_in_a_hurry(void **)
{
	struct msg m;
	struct rig r;

	start(&r, READER "handshake_ms=3000 start=clone park=resumed");
	qemu_says(BEGUN LOADED);
	guest_open(&r);
	told(&r, MSG_VM_READY);
	takes(&r, warm_clone_mail(0));
	give_work(&r);
	answer(&r);
	takes(&r, SPAN_LIT("item"));
	(void)poll(NULL, 0, 3500);
	answer(&r);
	rig_hear(&r.broker, MSG_RECORD, &m);
	told(&r, MSG_VM_DONE);
	stop(&r);
}

static void resumed_planner(void **)
{
	struct msg m;
	struct rig r;

	start(&r, PLANNER "start=clone park=resumed");
	qemu_says(BEGUN LOADED);
	guest_open(&r);
	told(&r, MSG_VM_READY);
	told(&r, MSG_VM_PARKED);
	rig_work(&r, -1, 0);
	guest_say(&r, SPAN_LIT("{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":"
			       "\"initialize\",\"params\":{"
			       "\"protocolVersion\":\"2025-06-18\","
			       "\"capabilities\":{},\"clientInfo\":"
			       "{\"name\":\"t\",\"version\":\"1\"}}}\n"
			       "{\"jsonrpc\":\"2.0\",\"method\":"
			       "\"notifications/initialized\"}\n"
			       "{\"jsonrpc\":\"2.0\",\"id\":2,\"method\":"
			       "\"tools/call\",\"params\":{\"name\":"
			       "\"task.get\",\"arguments\":{}}}\n"));
	rig_hear(&r.broker, MSG_TASK_GET, &m);
	stop(&r);
}

/* --- templates ----------------------------------------------------------- */

/* getfd, and with it the very memfd of MSG_SAVE. */
static void qemu_gets(int memfd)
{
	char got[256], room[CMSG_SPACE(sizeof(int))];
	struct iovec iov = { got, strlen(qmp_getfd_text) };
	struct msghdr m = { .msg_iov = &iov,
			    .msg_iovlen = 1,
			    .msg_control = room,
			    .msg_controllen = sizeof(room) };
	CLEAN_FD int fd = -1;
	struct stat want, have;
	struct cmsghdr *c;

	assert_int_equal(recvmsg(qemu, &m, MSG_CMSG_CLOEXEC), iov.iov_len);
	assert_memory_equal(got, qmp_getfd_text, iov.iov_len);
	c = CMSG_FIRSTHDR(&m);
	if (!c)
		fail_msg("no descriptor");
	assert_true(c && c->cmsg_type == SCM_RIGHTS);
	assert_int_equal(c ? c->cmsg_len : 0, CMSG_LEN(sizeof(int)));
	if (c)
		memcpy(&fd, CMSG_DATA(c), sizeof(fd));
	assert_int_equal(fstat(memfd, &want), 0);
	assert_int_equal(fstat(fd, &have), 0);
	assert_int_equal(have.st_ino, want.st_ino);
}

static void save(struct rig *r, int memfd)
{
	const struct msg m = { .type = MSG_SAVE };

	assert_int_equal(chan_send(&r->monitor, &m, &memfd, 1), 0);
}

static void is_left_and_saved(struct rig *r, int memfd)
{
	while (!r->gone)
		assert_true(guest_pump(r));
	assert_true(quiet(qemu));
	mux_go_away(&r->mux, 0);
	guest_flush(r);
	qemu_gets(memfd);
	qemu_hears(qmp_save_text);
	assert_true(quiet(r->monitor.fd));
	qemu_says(SAVED);
	told(r, MSG_VM_SAVED);
	/* The monitor ends it, in whichever order. */
	hang_up();
	fd_close(&r->wire);
	assert_true(quiet(r->monitor.fd));
}

static void template_of_reader(void **)
{
	CLEAN_FD int memfd = memfd_sealed("state", SPAN_LIT("x"));
	struct rig r;
	size_t i;

	start(&r, READER "start=template");
	save(&r, memfd);
	qemu_hears(qmp_begin_text);
	qemu_says(BEGUN);
	guest_hello(&r);
	assert_int_equal(r.hello.flags, WIRE_HELLO_TEMPLATE);
	guest_ack(&r);
	guest_ready(&r);
	told(&r, MSG_VM_READY);
	for (i = 0; i < WARM_MAILS; i++) {
		takes(&r, warm_mail(i));
		answer(&r);
	}
	is_left_and_saved(&r, memfd);
	stop(&r);
}

/* There is nothing to warm, and the order to save it comes late. */
static void template_of_planner(void **)
{
	CLEAN_FD int memfd = memfd_sealed("state", SPAN_LIT("x"));
	struct rig r;

	start(&r, PLANNER "start=template");
	qemu_hears(qmp_begin_text);
	qemu_says(BEGUN);
	guest_open(&r);
	told(&r, MSG_VM_READY);
	save(&r, memfd);
	is_left_and_saved(&r, memfd);
	stop(&r);
}

/* --- faults -------------------------------------------------------------- */

static void wrong_answers_of_qemu(void **)
{
	static const char *const rows[] = {
		"nonsense\n",
		"{\"error\": {\"class\": \"GenericError\"}}\n",
		BEGUN STATUS("failed"),
		BEGUN EVENT("SHUTDOWN"),
		BEGUN LOADED EVENT("STOP"),
		BEGUN LOADED RETURN,
		NULL, /* hangs up */
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct rig r;

		start(&r, READER "start=clone");
		qemu_hears(qmp_begin_text);
		qemu_hears(LOAD);
		if (rows[i])
			qemu_says(rows[i]);
		else
			hang_up();
		hear_fault(&r, "qemu", WIRE_BAD_MONITOR);
		stop(&r);
	}
}

/* The wire ends while it is loaded: there never was a machine. */
static void ends_while_it_loads(void **)
{
	struct rig r;

	start(&r, READER "start=clone");
	guest_hello(&r);
	fd_close(&r.wire);
	hear_fault(&r, "hang-up", WIRE_BAD_MONITOR);
	stop(&r);
}

static void wrong_answers_to_our_mail(void **)
{
	static const char *const rows[] = { "", "{}", "no json", NULL };
	static const char *const words[] = { READER "start=template", READER
					     "start=clone park=resumed" };
	size_t i, j;

	for (j = 0; j < ARRAY_SIZE(words); j++)
		for (i = 0; i < ARRAY_SIZE(rows); i++) {
			struct rig r;

			start(&r, words[j]);
			qemu_says(j ? BEGUN LOADED : BEGUN);
			guest_open(&r);
			guest_take_item(&r);
			if (rows[i]) {
				guest_send(&r, r.reader, span_str(rows[i]));
				guest_end(&r, r.reader);
			} else {
				mux_reset(&r.mux, r.reader);
				guest_flush(&r);
			}
			hear_fault(&r, "our mail", WIRE_BAD_PAYLOAD);
			stop(&r);
		}
}

/* A template that stays, or says something behind its GO AWAY. */
static void does_not_go(void **)
{
	struct rig r;

	start(&r, PLANNER "handshake_ms=2000 start=template");
	qemu_says(BEGUN);
	guest_open(&r);
	hear_fault(&r, "stays", WIRE_DEADLINE);
	stop(&r);
	start(&r, PLANNER "start=template");
	qemu_says(BEGUN);
	guest_open(&r);
	while (!r.gone)
		assert_true(guest_pump(&r));
	mux_go_away(&r.mux, 0);
	guest_flush(&r);
	guest_frame(&r, MUX_PING, MUX_SYN, 0, 1, SPAN_LIT(""));
	hear_fault(&r, "speaks on", WIRE_BAD_ORDER);
	stop(&r);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(clone_on_demand),
		cmocka_unit_test(not_before_it_is_loaded),
		cmocka_unit_test(all_at_once),
		cmocka_unit_test(answers_unloaded),
		cmocka_unit_test(jailed),
		cmocka_unit_test(jailed_is_late),
		cmocka_unit_test(alone),
		cmocka_unit_test(alone_does_not_load),
		cmocka_unit_test(answers_too_early),
		cmocka_unit_test(waiting),
		cmocka_unit_test(waiting_has_time),
		cmocka_unit_test(resumed),
		cmocka_unit_test(resumed_in_a_hurry),
		cmocka_unit_test(resumed_planner),
		cmocka_unit_test(template_of_reader),
		cmocka_unit_test(template_of_planner),
		cmocka_unit_test(wrong_answers_of_qemu),
		cmocka_unit_test(ends_while_it_loads),
		cmocka_unit_test(wrong_answers_to_our_mail),
		cmocka_unit_test(does_not_go),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
