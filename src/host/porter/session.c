/* session: see session.h. #syscalls:porter poll */
#include "session.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdarg.h>
#include <stdio.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "llm/llm.h"
#include "privsep/groups.h"

/* --- towards the monitor ----------------------------------------------- */

/* Its few small messages always fit the channel, so it never waits. */
void session_tell(struct session *s, struct msg *m)
{
	int r;

	m->ids = s->ids;
	r = chan_send(&s->monitor, m, NULL, 0);
	if (r < 0)
		log_error("monitor-gone", "errno=%d", -r);
}

static void finish(struct session *s)
{
	s->over = true;
	link_end(&s->link);
	loop_stop(&s->loop);
}

void session_fail(struct session *s, enum wire_fault f, const char *fmt, ...)
{
	char detail[SESSION_REASON_MAX];
	struct msg m = { .type = MSG_VM_FAIL };
	va_list ap;

	if (s->over)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(detail, sizeof(detail), fmt, ap);
	va_end(ap);
	log_warn("vm-fail", "fault=%s detail=\"%s\"", wire_fault_name(f),
		 detail);
	m.vm_fail = (struct m_vm_fail){ (uint8_t)f, span_str(detail) };
	session_tell(s, &m);
	finish(s);
}

void session_done(struct session *s)
{
	struct msg m = { .type = MSG_VM_DONE };

	if (s->over)
		return;
	session_tell(s, &m);
	finish(s);
}

static void on_deadline(void *arg);

/*
 * The work: its ids are from now on those of all that is said, and its
 * deadline counts from here.
 */
static void take_work(struct session *s, const struct msg *m)
{
	ssize_t size = 0;

	s->item = chan_take_fd(&s->monitor, 0);
	if (s->mode->has_item)
		size = memfd_sealed_size(s->item, LIMIT_ITEM);
	if (s->has_work || size < 0 ||
	    (s->mode->has_item &&
	     (!m->work.sort || m->work.sort >= SORT_MAX)) ||
	    m->work.deadline_ms > SESSION_DEADLINE_MAX_MS)
		die("vm=%s no work within the limits", s->name);
	s->item_size = (size_t)size;
	s->sort = m->work.sort;
	s->ids = m->ids;
	if (m->work.deadline_ms)
		s->deadline_ms = m->work.deadline_ms;
	s->has_work = true;
	session_timer(s, s->deadline_ms, on_deadline);
}

static void hear_monitor(struct session *s)
{
	const char *why;
	struct msg m;
	int r = chan_recv(&s->monitor, &m, &why);

	if (r == -EAGAIN)
		return;
	if (r == 1 && m.type == MSG_WORK) {
		take_work(s, &m);
		start_work(s);
	} else if (r == 1 && m.type == MSG_SAVE) {
		start_save(s, chan_take_fd(&s->monitor, 0));
	} else if (r == 1 && m.type == MSG_TAP) {
		tap_add(&s->tap, chan_take_fd(&s->monitor, 0));
	} else {
		/* STOP, KILL and the end of the monitor are all the same. */
		if (r < 1)
			log_info("stop", "why=\"the monitor is gone\"");
		finish(s);
	}
}

static void on_monitor(void *arg, int fd, short revents)
{
	(void)fd;
	(void)revents;
	hear_monitor(arg);
}

/* --- towards the broker ------------------------------------------------ */

static void try_ask(struct session *s)
{
	const size_t n = s->ask_fds[0] < 0 ? 0 : s->ask_fds[1] < 0 ? 1 : 2;
	int r = chan_send(&s->broker, &s->ask, s->ask_fds, n);

	if (r == -EAGAIN) {
		loop_events(&s->loop, s->broker.fd, POLLIN | POLLOUT);
		return;
	}
	fd_close(&s->ask_fds[0]);
	fd_close(&s->ask_fds[1]);
	s->asking = false;
	loop_events(&s->loop, s->broker.fd, POLLIN);
	if (r < 0)
		session_fail(s, WIRE_BROKER_GONE,
			     "no answer from the broker: %d", -r);
	else
		s->mode->sent(s);
}

void session_ask(struct session *s, const struct msg *m, const int *fds,
		 size_t n)
{
	assert(!s->asking && n <= ARRAY_SIZE(s->ask_fds));
	s->ask = *m;
	s->ask.ids = s->ids;
	s->ask_fds[0] = n > 0 ? fds[0] : -1;
	s->ask_fds[1] = n > 1 ? fds[1] : -1;
	s->asking = true;
	try_ask(s);
}

static void on_broker(void *arg, int fd, short revents)
{
	struct session *s = arg;
	const char *why;
	struct msg m;
	int r;

	(void)fd;
	if (s->asking && (revents & POLLOUT))
		try_ask(s);
	if (s->over || !(revents & (POLLIN | POLLHUP | POLLERR)))
		return;
	r = chan_recv(&s->broker, &m, &why);
	if (r == -EAGAIN)
		return;
	if (r < 1)
		session_fail(s, WIRE_BROKER_GONE, "the broker is gone%s%s",
			     r == -EPROTO ? ": " : "", r == -EPROTO ? why : "");
	else
		s->mode->broker(s, &m);
}

/* --- the VM ------------------------------------------------------------ */

static void on_deadline(void *arg)
{
	struct session *s = arg;

	s->timer = -1;
	session_fail(s, WIRE_DEADLINE, "not done within %llu ms",
		     (unsigned long long)s->deadline_ms);
}

static void on_handshake_deadline(void *arg)
{
	struct session *s = arg;

	s->handshake_timer = -1;
	session_fail(s, WIRE_DEADLINE, "not ready within %llu ms",
		     (unsigned long long)s->handshake_ms);
}

void session_timer(struct session *s, uint64_t ms, loop_timer_fn fn)
{
	loop_timer_del(&s->loop, s->timer);
	s->timer = loop_timer(&s->loop, ms, fn, s);
	if (s->timer < 0)
		die("no timer left");
}

void session_handshake_timer(struct session *s)
{
	loop_timer_del(&s->loop, s->handshake_timer);
	s->handshake_timer =
		loop_timer(&s->loop, s->handshake_ms, on_handshake_deadline, s);
	if (s->handshake_timer < 0)
		die("no timer left");
}

void session_ready(struct session *s)
{
	struct msg m = { .type = MSG_VM_READY };

	loop_timer_del(&s->loop, s->handshake_timer);
	s->handshake_timer = -1;
	m.vm_ready.boot_us = now_us() - s->start_us;
	session_tell(s, &m);
}

void session_work_early(struct session *s)
{
	if (!s->has_work || !s->mode->has_item || s->over)
		return;
	s->begun = true;
	s->mode->work(s);
}

void session_may_work(struct session *s)
{
	s->ready = true;
	if (!s->has_work || s->begun || s->over)
		return;
	s->begun = true;
	s->mode->work(s);
}

static void on_ready(void *arg)
{
	start_ready(arg);
}

static void on_gone(void *arg)
{
	start_gone(arg);
}

static void on_log(void *, struct span text)
{
	log_info("guest", "text=%.*s", (int)text.n, (const char *)text.p);
}

/*
 * What gives up has done nothing wrong; what is ended by a signal may have been
 * somebody's attempt, of which its template is the poorer: a fault.
 */
static void on_exited(void *arg, const struct wire_exit *e)
{
	struct session *s = arg;

	if (e->kind == WIRE_EXIT_SIGNALLED)
		session_fail(s, WIRE_HANGUP,
			     "the workload was ended by signal %u", e->status);
	else if (s->ready && s->has_work)
		s->mode->exited(s, e);
	else
		session_fail(s, WIRE_HANGUP,
			     "the workload ended before its work: code %u",
			     e->status);
}

/* A guest that speaks runs, which its QEMU would have said before. */
static bool unheard_of(struct session *s)
{
	if (!start_is_loading(s))
		return false;
	session_fail(s, WIRE_BAD_MONITOR, "it works, but was not loaded");
	return true;
}

/* Reader streams are those of exchanges, the others of the mode. */
static void on_opened(void *arg, struct mux_stream *m)
{
	struct session *s = arg;

	s->mode->opened(s, m);
}

static void on_data(void *arg, struct mux_stream *m, struct span bytes)
{
	struct session *s = arg;

	if (unheard_of(s))
		return;
	if (m->service == WIRE_READER)
		exchange_on_data(m, bytes);
	else
		s->mode->data(s, m, bytes);
}

static void on_end(void *arg, struct mux_stream *m)
{
	struct session *s = arg;

	if (unheard_of(s))
		return;
	if (m->service == WIRE_READER)
		exchange_on_end(m);
	else
		s->mode->end(s, m);
}

static void on_closed(void *arg, struct mux_stream *m, bool reset)
{
	struct session *s = arg;

	(void)reset;
	if (m->service == WIRE_READER)
		exchange_on_closed(m);
	else
		s->mode->closed(s, m);
}

static void on_room(void *arg, struct mux_stream *m)
{
	struct session *s = arg;

	if (m->service == WIRE_READER)
		exchange_on_room(m);
	else
		s->mode->room(s, m);
}

static void on_tap(void *arg, const struct m_frame *f)
{
	struct session *s = arg;

	tap_frame(&s->tap, &s->ids, f);
}

static void on_fault(void *arg, enum wire_fault f, const char *detail)
{
	struct session *s = arg;

	if (f == WIRE_HANGUP && start_is_loading(s))
		session_fail(s, WIRE_BAD_MONITOR, "QEMU did not load it: %s",
			     detail);
	else
		session_fail(s, f, "%s", detail);
}

static const struct link_ops ops = { .ready = on_ready,
				     .log = on_log,
				     .exited = on_exited,
				     .gone = on_gone,
				     .opened = on_opened,
				     .data = on_data,
				     .end = on_end,
				     .closed = on_closed,
				     .room = on_room,
				     .fault = on_fault,
				     .tap = on_tap };

/* --- start ------------------------------------------------------------- */

static const struct {
	const char *name;
	enum wire_workload workload;
	const struct mode *mode;
} workloads[] = {
	{ "reader-email", WIRE_READER_EMAIL, &reader_mode },
	{ "planner-triage", WIRE_PLANNER_TRIAGE, &planner_mode },
	{ "planner-gullible", WIRE_PLANNER_GULLIBLE, &planner_mode },
	{ "planner-llm", WIRE_PLANNER_LLM, &thinker_mode },
	{ "planner-local", WIRE_PLANNER_LOCAL, &planner_mode },
};

static int set_workload(struct session *s, struct span name)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(workloads); i++) {
		if (!span_is(name, workloads[i].name))
			continue;
		s->workload = workloads[i].workload;
		s->mode = workloads[i].mode;
		return 0;
	}
	return -1;
}

/* True if word starts with key; *value is then the rest. */
static bool word_is(struct span word, const char *key, struct span *value)
{
	size_t n = strlen(key);

	if (word.n < n || memcmp(word.p, key, n) != 0)
		return false;
	*value = span_of(word.p + n, word.n - n);
	return true;
}

/* The number of a name in a table of n; -1 if it is none of them. */
static int named(struct span name, const char *const *names, int n)
{
	int i;

	for (i = 0; i < n; i++)
		if (span_is(name, names[i]))
			return i;
	return -1;
}

static int set_start(struct session *s, struct span name)
{
	static const char *const names[] = {
		[VM_COLD] = "cold",
		[VM_TEMPLATE] = "template",
		[VM_CLONE] = "clone",
	};
	int i = named(name, names, VM_START_MAX);

	static_assert(ARRAY_SIZE(names) == VM_START_MAX, "a name each");
	if (i < 0)
		return -1;
	s->begin = (enum vm_start)i;
	return 0;
}

static int set_park(struct session *s, struct span name)
{
	static const char *const names[] = {
		[VM_PARK_NONE] = "none",
		[VM_PARK_JAILED] = "jailed",
		[VM_PARK_WAITING] = "waiting",
		[VM_PARK_RESUMED] = "resumed",
	};
	int i = named(name, names, VM_PARK_MAX);

	static_assert(ARRAY_SIZE(names) == VM_PARK_MAX, "a name each");
	if (i < 0)
		return -1;
	s->park = (enum vm_park)i;
	return 0;
}

static int read_word(struct session *s, struct span word)
{
	struct span v;

	if (word_is(word, "workload=", &v))
		return set_workload(s, v);
	if (word_is(word, "deadline_ms=", &v))
		return num_parse(v, 1, SESSION_DEADLINE_MAX_MS,
				 &s->deadline_ms);
	if (word_is(word, "handshake_ms=", &v))
		return num_parse(v, 1, SESSION_DEADLINE_MAX_MS,
				 &s->handshake_ms);
	if (word_is(word, "start_us=", &v))
		return num_parse(v, 0, now_us(), &s->start_us);
	if (word_is(word, "model=", &v))
		return str_copy(s->model, sizeof(s->model), v);
	if (word_is(word, "tokens=", &v))
		return num_parse(v, 1, LLM_TOKENS_MAX, &s->tokens);
	if (word_is(word, "api=", &v)) {
		s->messages = span_is(v, "messages");
		return s->messages || span_is(v, "chat") ? 0 : -1;
	}
	if (word_is(word, "binding=", &v)) {
		s->binding = span_is(v, "observe") ? CALL_UNBOUND_LOG
						   : CALL_UNBOUND;
		return 0;
	}
	if (word_is(word, "alone=", &v))
		return num_parse(v, 0, 1, &s->alone);
	if (word_is(word, "groups=", &v))
		return num_parse(v, 0, GROUPS_MAX, &s->groups);
	if (word_is(word, "start=", &v))
		return set_start(s, v);
	if (word_is(word, "park=", &v))
		return set_park(s, v);
	return -1;
}

/*
 * workload=NAME deadline_ms=N [groups=N] [handshake_ms=N] [start_us=N]
 * [start=cold|template|clone] [park=none|jailed|waiting|resumed]
 * [alone=0|1] [model=NAME tokens=N api=messages|chat binding=observe|enforce]
 */
static int read_words(struct session *s, struct span arg)
{
	size_t i = 0;

	while (i < arg.n) {
		size_t start = i;

		while (i < arg.n && arg.p[i] != ' ')
			i++;
		if (i > start &&
		    read_word(s, span_of(arg.p + start, i - start)) < 0)
			return -1;
		i++;
	}
	return s->mode && s->deadline_ms ? 0 : -1;
}

/* False if the monitor ended before it said anything. */
static bool wait_for_hello(struct session *s)
{
	const char *why;
	struct msg m;
	int i, r = chan_recv(&s->monitor, &m, &why);

	for (i = 0; i < TAP_WATCHERS && r == 1 && m.type == MSG_TAP; i++) {
		tap_add(&s->tap, chan_take_fd(&s->monitor, 0));
		r = chan_recv(&s->monitor, &m, &why);
	}
	if (r == 0)
		return false;
	if (r < 0 || m.type != MSG_HELLO ||
	    str_copy(s->name, sizeof(s->name), m.hello.name) < 0 ||
	    read_words(s, m.hello.arg) < 0)
		die("the monitor's first message is no hello for a porter");
	s->ids = m.ids;
	return true;
}

static void start(struct session *s)
{
	struct link_config c = { .workload = s->workload,
				 .limits = s->begin == VM_TEMPLATE
						   ? s->mode->template_limits
						   : s->mode->limits,
				 .ops = &ops,
				 .arg = s };
	struct err err = { 0 };

	if (link_init(&s->link, &c) < 0 || fd_nonblock(s->fds.wire, true) < 0 ||
	    fd_nonblock(s->monitor.fd, true) < 0 ||
	    fd_nonblock(s->broker.fd, true) < 0)
		die("vm=%s cannot prepare its wire", s->name);
	s->state = s->mode->start(s);
	if (loop_add(&s->loop, s->monitor.fd, POLLIN, on_monitor, s) < 0 ||
	    loop_add(&s->loop, s->broker.fd, POLLIN, on_broker, s) < 0 ||
	    link_attach(&s->link, &s->loop, s->fds.wire) < 0)
		die("vm=%s too many descriptors", s->name);
	/* Mostly it is there already, and can go out with HELLO. */
	if (s->begin == VM_CLONE && s->park == VM_PARK_NONE)
		hear_monitor(s);
	if (s->over)
		return;
	start_begin(s);
	/* The machine takes its time to start: nothing was read from it. */
	if (groups_join(PROC_PORTER, (unsigned)s->groups, 0, &err) < 0)
		die("vm=%s %s", s->name, err.msg);
	start_joined(s);
}

static void stop(struct session *s)
{
	start_done(s);
	link_done(&s->link);
	s->mode->done(s->state);
	tap_done(&s->tap);
	fd_close(&s->item);
	fd_close(&s->ask_fds[0]);
	fd_close(&s->ask_fds[1]);
	chan_done(&s->monitor);
	chan_done(&s->broker);
}

void session_run(const struct session_fds *fds)
{
	static struct session s;
	int r = 0;

	s = (struct session){ .fds = *fds,
			      .timer = -1,
			      .handshake_timer = -1,
			      .item = -1,
			      .ask_fds = { -1, -1 },
			      .start_us = now_us(),
			      .handshake_ms = SESSION_HANDSHAKE_MS };
	loop_init(&s.loop);
	tap_init(&s.tap, &s.loop);
	if (chan_init(&s.monitor, fds->monitor) < 0 ||
	    chan_init(&s.broker, fds->broker) < 0)
		die("out of memory");
	if (!wait_for_hello(&s))
		return;
	start(&s);
	if (!s.over)
		r = loop_run(&s.loop);
	if (r < 0)
		session_fail(&s, WIRE_HANGUP, "poll: errno %d", -r);
	stop(&s);
}
