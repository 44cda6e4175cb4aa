/*
 * clone_test: goal of this test: clones of one template, on demand, waiting
 * and resumed, read a mail exactly as a machine that boots for it does; the
 * template cannot be changed; no two clones share a random number, their
 * secrets or a wrong clock; and what does not load is a fault of its own.
 * Needs the images of $BULKHEAD_IMAGES and the binaries of $BULKHEAD_BUILD.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/str.h"
#include "host/porter/qmp.h"
#include "privsep/chan.h"
#include "privsep/spawn.h"
#include "proto/mux.h"
#include "vm/launch.h"
#include "vm/template.h"
#include "vm/tsc.h"

enum {
	PATIENCE_MS = 60000,
	SEAL_TRIES = 1000,
	MEMORY_MIB = 128,
	CLOCK_SLACK_S = 20,
};

static const char mail[] = "From: Ann <ann@example.org>\r\n"
			   "To: owner@example.net\r\n"
			   "Subject: =?utf-8?q?Gr=C3=BC=C3=9Fe?=\r\n"
			   "Message-ID: <1@example.org>\r\n"
			   "Date: Mon, 1 Sep 2025 10:00:00 +0200\r\n"
			   "Content-Type: text/html; charset=iso-8859-1\r\n"
			   "\r\n"
			   "<p>Caf\xe9 at <a href='http://x.example/'>ten</a>"
			   "</p>\r\n";

static struct vm_images images;
static struct vm_template reader = { .memory_fd = -1, .saved_fd = -1 };
static struct vm_template planner = { .memory_fd = -1, .saved_fd = -1 };

static int setup(void **)
{
	const char *dir = getenv("BULKHEAD_IMAGES");
	struct err err = { 0 };

	if (vm_images_load(dir ? dir : "build/images", &images, &err) == 0)
		return 0;
	(void)fprintf(stderr, "%s\n", err.msg);
	return -1;
}

static int teardown(void **)
{
	vm_template_done(&reader);
	vm_template_done(&planner);
	vm_images_done(&images);
	return 0;
}

static struct vm_spec spec_of(enum vm_start start)
{
	return (struct vm_spec){ .backend = VM_QEMU_TCG,
				 .start = start,
				 .memory_mib = MEMORY_MIB,
				 .cpus = 1,
				 .own_qemu = images.qemu_fd >= 0,
				 .deadline_s = 2 * PATIENCE_MS / 1000,
				 .tsc_khz = vm_tsc_khz() };
}

/* --- through a porter ---------------------------------------------------- */

struct vm {
	struct vm_procs procs;
	struct chan monitor, broker;
	uint64_t start_us;
};

static void vm_start(struct vm *v, enum vm_start start, enum vm_park park,
		     enum wire_workload w, const struct vm_template *t)
{
	const struct vm_launch l = { .libexec = getenv("BULKHEAD_BUILD"),
				     .spec = spec_of(start),
				     .workload = w,
				     .images = &images,
				     .name = "vm-1",
				     .console_fd = -1,
				     .park = park,
				     .memory_fd = t ? t->memory_fd : -1,
				     .saved_fd = t ? t->saved_fd : -1,
				     .deadline_ms = PATIENCE_MS };
	struct err err = { 0 };

	v->start_us = now_us();
	if (vm_launch(&l, &v->procs, &err) < 0)
		fail_msg("%s", err.msg);
	assert_int_equal(chan_init(&v->monitor, take_fd(&v->procs.monitor_fd)),
			 0);
	assert_int_equal(chan_init(&v->broker, take_fd(&v->procs.broker_fd)),
			 0);
}

static void vm_stop(struct vm *v)
{
	vm_end(&v->procs);
	chan_done(&v->monitor);
	chan_done(&v->broker);
}

static void next_of(struct chan *c, struct msg *m)
{
	struct pollfd p = { .fd = c->fd, .events = POLLIN };
	const char *why = "";

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	if (chan_recv(c, m, &why) != 1)
		fail_msg("the porter is gone %s", why);
}

static void expect(struct vm *v, enum msg_type type, struct msg *m)
{
	next_of(&v->monitor, m);
	if (m->type == MSG_VM_FAIL)
		fail_msg("%s: %.*s",
			 wire_fault_name((enum wire_fault)m->vm_fail.fault),
			 (int)m->vm_fail.detail.n,
			 (const char *)m->vm_fail.detail.p);
	assert_int_equal(m->type, type);
}

static void make_template(struct vm_template *t, enum wire_workload w)
{
	const struct vm_spec spec = spec_of(VM_TEMPLATE);
	struct msg m = { .type = MSG_SAVE };
	struct err err = { 0 };
	uint64_t start;
	int i, r = -EBUSY;
	struct vm v;

	assert_int_equal(vm_template_init(t, &spec, &images, w, &err), 0);
	vm_start(&v, VM_TEMPLATE, VM_PARK_NONE, w, t);
	assert_int_equal(chan_send(&v.monitor, &m, &t->saved_fd, 1), 0);
	expect(&v, MSG_VM_READY, &m);
	print_message("template ready after %llu ms, ",
		      (unsigned long long)m.vm_ready.boot_us / 1000);
	expect(&v, MSG_VM_SAVED, &m);
	print_message("warmed and saved after %llu ms, ",
		      (unsigned long long)(now_us() - v.start_us) / 1000);
	/* A machine that lives on may not be sealed in. */
	assert_int_equal(vm_template_seal(t), -EBUSY);
	vm_stop(&v);
	start = now_us();
	for (i = 0; i < SEAL_TRIES && r == -EBUSY; i++) {
		r = vm_template_seal(t);
		if (r == -EBUSY)
			(void)poll(NULL, 0, 1);
	}
	assert_int_equal(r, 0);
	print_message("sealed %llu us after its end\n",
		      (unsigned long long)(now_us() - start));
}

static const char update[] =
	"{\"update_id\":1,\"message\":{\"message_id\":2,\"date\":3,\"chat\":{"
	"\"id\":4},\"from\":{\"id\":5,\"first_name\":\"Lea\"},\"text\":\"hi\"}"
	"}";
static const char event[] = "{\"type\":\"message\",\"user\":\"U1\",\"channel\":"
			    "\"C1\",\"text\":\"hi\"}";

/* The record that a machine makes of an item; *ret_us from MSG_WORK on. */
static size_t read_item(struct vm *v, uint8_t sort, uint8_t *dst, size_t cap,
			uint64_t *ret_us)
{
	static const char *const items[] = { [SORT_EMAIL] = mail,
					     [SORT_TELEGRAM] = update,
					     [SORT_SLACK] = event };
	CLEAN_FD int item = memfd_sealed("item", span_str(items[sort]));
	struct msg m = { .type = MSG_WORK };
	uint64_t start = now_us();
	CLEAN_FD int fd = -1;
	ssize_t n;

	m.work.deadline_ms = PATIENCE_MS;
	m.work.sort = sort;
	assert_int_equal(chan_send(&v->monitor, &m, &item, 1), 0);
	next_of(&v->broker, &m);
	*ret_us = now_us() - start;
	assert_int_equal(m.type, MSG_RECORD);
	fd = chan_take_fd(&v->broker, 0);
	n = memfd_sealed_size(fd, cap);
	assert_true(n > 0);
	assert_int_equal(fd_pread_all(fd, dst, (size_t)n, 0), n);
	return (size_t)n;
}

static void templates(void **)
{
	make_template(&reader, WIRE_READER_EMAIL);
	make_template(&planner, WIRE_PLANNER_TRIAGE);
}

static void same_as_cold(uint8_t sort)
{
	static const struct {
		enum vm_start start;
		enum vm_park park;
	} rows[] = {
		{ VM_COLD, VM_PARK_NONE },     { VM_CLONE, VM_PARK_NONE },
		{ VM_CLONE, VM_PARK_WAITING }, { VM_CLONE, VM_PARK_RESUMED },
		{ VM_CLONE, VM_PARK_NONE },    { VM_CLONE, VM_PARK_WAITING },
		{ VM_CLONE, VM_PARK_RESUMED },
	};
	static uint8_t want[64 << 10], got[64 << 10];
	size_t want_n = 0, n, i;
	uint64_t us;
	struct msg m;
	struct vm v;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		vm_start(&v, rows[i].start, rows[i].park, WIRE_READER_EMAIL,
			 rows[i].start == VM_CLONE ? &reader : NULL);
		if (rows[i].park == VM_PARK_RESUMED)
			expect(&v, MSG_VM_READY, &m);
		if (rows[i].park != VM_PARK_NONE)
			expect(&v, MSG_VM_PARKED, &m);
		n = read_item(&v, sort, i ? got : want, sizeof(got), &us);
		print_message("%s %s: record %llu us after its work\n",
			      vm_start_name(rows[i].start),
			      vm_park_name(rows[i].park),
			      (unsigned long long)us);
		if (rows[i].park != VM_PARK_RESUMED)
			expect(&v, MSG_VM_READY, &m);
		expect(&v, MSG_VM_DONE, &m);
		vm_stop(&v);
		if (i == 0)
			want_n = n;
		assert_int_equal(n, want_n);
		assert_memory_equal(i ? got : want, want, n);
	}
}

static void mail_as_cold(void **)
{
	same_as_cold(SORT_EMAIL);
}

/* Templates are warmed with mails: their copies read the others, too. */
static void update_as_cold(void **)
{
	same_as_cold(SORT_TELEGRAM);
}

static void event_as_cold(void **)
{
	same_as_cold(SORT_SLACK);
}

/* Started in the clone, not in the template: it introduces itself here. */
static void planner_starts_in_its_clone(void **)
{
	struct msg m = { .type = MSG_WORK };
	struct vm v;

	vm_start(&v, VM_CLONE, VM_PARK_NONE, WIRE_PLANNER_TRIAGE, &planner);
	assert_int_equal(chan_send(&v.monitor, &m, NULL, 0), 0);
	expect(&v, MSG_VM_READY, &m);
	next_of(&v.broker, &m);
	assert_true(m.type == MSG_TOOLS_GET || m.type == MSG_TASK_GET);
	vm_stop(&v);
}

/* Clones have written to their memory by now: not to this one. */
static void template_is_unchanged(void **)
{
	uint8_t byte = 1;

	assert_int_equal(
		memfd_sealed_size(reader.memory_fd, (size_t)MEMORY_MIB << 20),
		MEMORY_MIB << 20);
	assert_int_equal(pwrite(reader.memory_fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EPERM);
	assert_int_equal(pwrite(reader.saved_fd, &byte, 1, 0), -1);
	assert_int_equal(errno, EPERM);
}

/* A state that is none, one that is cut, and a memory of another size. */
static void what_does_not_load(void **)
{
	static const size_t cuts[] = { 0, 100, 20000 };
	static uint8_t state[1 << 20];
	ssize_t all = fd_pread_all(reader.saved_fd, state, sizeof(state), 0);
	size_t i;

	assert_true(all > 20000 && all < (ssize_t)sizeof(state));
	for (i = 0; i < ARRAY_SIZE(cuts) + 1; i++) {
		bool small = i == ARRAY_SIZE(cuts);
		struct vm_template t = reader;
		struct msg m;
		struct vm v;

		if (small)
			t.memory_fd = memfd_sealed("small", span_str("small"));
		else
			t.saved_fd = memfd_sealed(
				"state", cuts[i] ? span_of(state, cuts[i])
						 : SPAN_LIT("no state"));
		vm_start(&v, VM_CLONE, VM_PARK_NONE, WIRE_READER_EMAIL, &t);
		next_of(&v.monitor, &m);
		assert_int_equal(m.type, MSG_VM_FAIL);
		print_message("%s: %.*s\n",
			      wire_fault_name((enum wire_fault)m.vm_fail.fault),
			      (int)m.vm_fail.detail.n,
			      (const char *)m.vm_fail.detail.p);
		assert_int_equal(m.vm_fail.fault, WIRE_BAD_MONITOR);
		vm_stop(&v);
		(void)close(small ? t.memory_fd : t.saved_fd);
	}
}

/* --- without one: what a probe says of itself ---------------------------- */

struct host {
	pid_t pid;
	int pidfd;
	int wire, qmp; /* owned */
	struct qmp monitor;
	struct wire_in in, control;
	struct wire_hello hello;
	struct buf payload;
	struct mux mux;
	struct buf json;
	bool answered, ready;
};

static void on_data(void *arg, struct mux_stream *s, struct span bytes)
{
	struct host *h = arg;
	struct wire_msg m;

	if (s->service == WIRE_READER)
		buf_span(&h->json, bytes);
	mux_consumed(&h->mux, s, bytes.n);
	while (s->service == WIRE_CONTROL &&
	       wire_in_next(&h->control, &bytes, &m) > 0)
		h->ready = h->ready || m.type == WIRE_READY;
}

static void on_end(void *arg, struct mux_stream *s)
{
	struct host *h = arg;

	if (s->service == WIRE_READER)
		h->answered = true;
}

static const struct mux_ops ops = { .data = on_data, .end = on_end };

static void host_start(struct host *h, enum vm_start start,
		       struct vm_template *t)
{
	const struct vm_spec spec = spec_of(start);
	CLEAN_FD int null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEAN_FD int saved = -1;
	char text[VM_SPEC_TEXT], path[64];
	const char *const args[] = { text, NULL };
	struct err err = { 0 };
	int wire[2], qmp[2];

	*h = (struct host){ 0 };
	buf_init(&h->json, 1 << 20);
	buf_init(&h->payload, 1 << 10);
	(void)str_printf(path, sizeof(path), "/proc/self/fd/%d", t->saved_fd);
	saved = open(path, O_RDONLY | O_CLOEXEC);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, wire), 0);
	assert_int_equal(
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, qmp), 0);
	assert_int_equal(vm_spec_format(text, sizeof(text), &spec), 0);
	h->pid = spawn_process(
		&(struct spawn){
			.proc = PROC_VMM,
			.libexec = getenv("BULKHEAD_BUILD"),
			.fds = { wire[1], null_fd, images.kernel_fd,
				 images.initrd_fd[WIRE_PROBE], qmp[1],
				 t->memory_fd, saved,
				 spec.own_qemu ? images.qemu_fd : null_fd },
			.args = args },
		&h->pidfd, &err);
	assert_true(h->pid > 0);
	(void)close(wire[1]);
	(void)close(qmp[1]);
	h->wire = wire[0];
	h->qmp = qmp[0];
}

static void host_stop(struct host *h)
{
	(void)kill(h->pid, SIGKILL);
	(void)waitpid(h->pid, NULL, 0);
	fd_close(&h->pidfd);
	fd_close(&h->wire);
	fd_close(&h->qmp);
	mux_done(&h->mux);
	buf_done(&h->json);
	buf_done(&h->payload);
}

static size_t take(int fd, uint8_t *dst, size_t cap)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	ssize_t n;

	assert_int_equal(poll(&p, 1, PATIENCE_MS), 1);
	n = read(fd, dst, cap);
	assert_true(n > 0);
	return (size_t)n;
}

static void flush(struct host *h)
{
	assert_int_equal(fd_write_all(h->wire, buf_view(&h->mux.out)), 0);
	buf_reset(&h->mux.out);
}

static uint64_t wall_ns(void)
{
	struct timespec t;

	(void)clock_gettime(CLOCK_REALTIME, &t);
	return (uint64_t)t.tv_sec * 1'000'000'000u + (uint64_t)t.tv_nsec;
}

static void say_hello(struct host *h, uint8_t flags, uint64_t wall)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, 1 << 10);
	h->hello = (struct wire_hello){ .version = WIRE_VERSION,
					.workload = WIRE_PROBE,
					.flags = flags,
					.wall_ns = wall };
	assert_int_equal(getrandom(h->hello.random, WIRE_RANDOM, 0),
			 WIRE_RANDOM);
	assert_int_equal(getrandom(h->hello.key, WIRE_KEY, 0), WIRE_KEY);
	wire_hello_put(&b, &h->hello);
	buf_put(&h->payload, b.p + WIRE_HEAD, b.n - WIRE_HEAD);
	assert_int_equal(fd_write_all(h->wire, buf_view(&b)), 0);
}

/* Until READY. */
static void shake_hands(struct host *h)
{
	const struct mux_config c = { .host = true,
				      .workload = WIRE_PROBE,
				      .bytes = 1 << 20,
				      .frames = 1000,
				      .opens = 10,
				      .ops = &ops,
				      .arg = h };
	uint8_t chunk[4096];
	struct wire_msg m;
	struct span rest;
	int r = 0;

	while (r == 0) {
		rest = span_of(chunk, take(h->wire, chunk, sizeof(chunk)));
		r = wire_in_next(&h->in, &rest, &m);
	}
	assert_int_equal(r, 1);
	assert_int_equal(m.type, WIRE_ACK);
	assert_int_equal(
		wire_ack_check(m.payload, h->hello.key, buf_view(&h->payload)),
		WIRE_OK);
	mux_init(&h->mux, &c);
	assert_int_equal(mux_feed(&h->mux, rest), WIRE_OK);
	while (!h->ready) {
		rest = span_of(chunk, take(h->wire, chunk, sizeof(chunk)));
		assert_int_equal(mux_feed(&h->mux, rest), WIRE_OK);
	}
}

static json_t *ask(struct host *h)
{
	struct mux_stream *s = mux_open(&h->mux, WIRE_READER);
	uint8_t chunk[4096];
	json_t *v;

	assert_non_null(s);
	assert_int_equal(mux_send(&h->mux, s, SPAN_LIT("brief")), 5);
	mux_end(&h->mux, s);
	flush(h);
	while (!h->answered) {
		size_t n = take(h->wire, chunk, sizeof(chunk));

		assert_int_equal(mux_feed(&h->mux, span_of(chunk, n)), WIRE_OK);
		flush(h);
	}
	v = json_loadb((const char *)h->json.p, h->json.n, 0, NULL);
	assert_non_null(v);
	return v;
}

static void go_away(struct host *h)
{
	uint8_t chunk[4096];

	mux_go_away(&h->mux, 0);
	flush(h);
	while (!h->mux.peer_gone) {
		size_t n = take(h->wire, chunk, sizeof(chunk));

		assert_int_equal(mux_feed(&h->mux, span_of(chunk, n)), WIRE_OK);
	}
}

/* Commands without waiting, then answers until the task is done. */
static void tell_qemu(struct host *h, enum qmp_task task, int fd)
{
	CLEAN_BUF struct buf b;
	uint8_t chunk[4096];

	buf_init(&b, 1 << 10);
	qmp_init(&h->monitor, task);
	buf_str(&b, qmp_begin_text);
	qmp_began(&h->monitor);
	if (task == QMP_SAVE)
		buf_str(&b, qmp_getfd_text);
	else
		qmp_put_load(&b, graph_fd(PROC_VMM, FD_SAVED));
	qmp_went(&h->monitor);
	if (fd >= 0) {
		char room[CMSG_SPACE(sizeof(int))] = { 0 };
		struct iovec iov = { b.p, b.n };
		struct msghdr m = { .msg_iov = &iov,
				    .msg_iovlen = 1,
				    .msg_control = room,
				    .msg_controllen = sizeof(room) };
		struct cmsghdr *c = CMSG_FIRSTHDR(&m);

		c->cmsg_level = SOL_SOCKET;
		c->cmsg_type = SCM_RIGHTS;
		c->cmsg_len = CMSG_LEN(sizeof(int));
		memcpy(CMSG_DATA(c), &fd, sizeof(fd));
		assert_int_equal(sendmsg(h->qmp, &m, 0), b.n);
		buf_reset(&b);
		buf_str(&b, qmp_save_text);
	}
	assert_int_equal(fd_write_all(h->qmp, buf_view(&b)), 0);
	while (!qmp_done(&h->monitor)) {
		size_t n = take(h->qmp, chunk, sizeof(chunk));

		if (qmp_feed(&h->monitor, span_of(chunk, n)) < 0)
			fail_msg("%s", h->monitor.detail);
	}
}

static void probe_template(struct vm_template *t)
{
	const struct vm_spec spec = spec_of(VM_TEMPLATE);
	struct err err = { 0 };
	int i, r = -EBUSY;
	struct host h;

	assert_int_equal(vm_template_init(t, &spec, &images, WIRE_PROBE, &err),
			 0);
	host_start(&h, VM_TEMPLATE, t);
	say_hello(&h, WIRE_HELLO_TEMPLATE, wall_ns());
	shake_hands(&h);
	json_decref(ask(&h));
	go_away(&h);
	tell_qemu(&h, QMP_SAVE, t->saved_fd);
	host_stop(&h);
	for (i = 0; i < SEAL_TRIES && r == -EBUSY; i++) {
		r = vm_template_seal(t);
		(void)poll(NULL, 0, 1);
	}
	assert_int_equal(r, 0);
}

static void differ(const json_t *a, const json_t *b, const char *key)
{
	const char *x = json_string_value(json_object_get(a, key));
	const char *y = json_string_value(json_object_get(b, key));

	assert_true(x && y && strlen(x) >= 16);
	assert_string_not_equal(x, y);
}

static void right_clock(const json_t *v, uint64_t wall)
{
	json_int_t ns = json_integer_value(json_object_get(v, "clock_ns"));

	assert_true((uint64_t)ns >= wall);
	assert_true((uint64_t)ns - wall < CLOCK_SLACK_S * 1'000'000'000ull);
}

/*
 * A clone that does not reseed would say what the first one says: that is why
 * the second gets another wall clock and both are asked first thing.
 */
static void nothing_in_common(void **)
{
	struct vm_template t;
	uint64_t wall[2] = { wall_ns(), 1'000'000'000'000'000'000u };
	json_t *said[2];
	struct host h;
	size_t i;

	probe_template(&t);
	for (i = 0; i < 2; i++) {
		host_start(&h, VM_CLONE, &t);
		say_hello(&h, 0, wall[i]);
		tell_qemu(&h, QMP_LOAD, -1);
		shake_hands(&h);
		said[i] = ask(&h);
		host_stop(&h);
		right_clock(said[i], wall[i]);
	}
	differ(said[0], said[1], "random");
	differ(said[0], said[1], "at_random");
	differ(said[0], said[1], "canary");
	json_decref(said[0]);
	json_decref(said[1]);
	vm_template_done(&t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nothing_in_common),
		cmocka_unit_test(templates),
		cmocka_unit_test(mail_as_cold),
		cmocka_unit_test(update_as_cold),
		cmocka_unit_test(event_as_cold),
		cmocka_unit_test(planner_starts_in_its_clone),
		cmocka_unit_test(template_is_unchanged),
		cmocka_unit_test(what_does_not_load),
	};

	return cmocka_run_group_tests(tests, setup, teardown);
}
