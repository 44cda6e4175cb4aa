/* start: see start.h. #syscalls:porter read sendmsg */
#include <errno.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "privsep/graph.h"
#include "session.h"
#include "warm.h"

enum { QMP_READ = 4096, COMMAND_MAX = 256 };

static void advance(struct session *s);

static void no_deadline(struct session *s)
{
	loop_timer_del(&s->loop, s->handshake_timer);
	s->handshake_timer = -1;
}

/* --- QEMU's monitor ------------------------------------------------------ */

static void unwatch(struct session *s)
{
	if (s->start.watched)
		loop_del(&s->loop, s->fds.qmp);
	s->start.watched = false;
}

/*
 * Commands, with a descriptor unless fd is -1. They are few and small and fit
 * the socket, however long QEMU takes to read them.
 */
static void command(struct session *s, struct span text, int fd)
{
	union {
		struct cmsghdr head;
		char room[CMSG_SPACE(sizeof(int))];
	} control = { 0 };
	struct iovec iov = { (void *)(uintptr_t)text.p, text.n };
	struct msghdr m = { .msg_iov = &iov, .msg_iovlen = 1 };

	if (fd >= 0) {
		m.msg_control = control.room;
		m.msg_controllen = sizeof(control.room);
		control.head = (struct cmsghdr){
			.cmsg_len = CMSG_LEN(sizeof(int)),
			.cmsg_level = SOL_SOCKET,
			.cmsg_type = SCM_RIGHTS,
		};
		memcpy(CMSG_DATA(&control.head), &fd, sizeof(fd));
	}
	if (sendmsg(s->fds.qmp, &m, MSG_NOSIGNAL | MSG_DONTWAIT) !=
	    (ssize_t)text.n)
		session_fail(s, WIRE_BAD_MONITOR, "QEMU takes no commands");
}

/* After its task QEMU may hang up at any time: the wire tells the rest. */
static void on_qmp(void *arg, int fd, short revents)
{
	struct session *s = arg;
	struct qmp *q = &s->start.qmp;
	uint8_t chunk[QMP_READ];
	ssize_t n = read(fd, chunk, sizeof(chunk));

	(void)revents;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0 && qmp_feed(q, span_of(chunk, (size_t)n)) < 0)
		session_fail(s, WIRE_BAD_MONITOR, "%s", q->detail);
	else if (n > 0)
		advance(s);
	else if (qmp_done(q))
		unwatch(s);
	else
		session_fail(s, WIRE_BAD_MONITOR, "QEMU hung up");
}

static void open_monitor(struct session *s)
{
	if (s->begin == VM_COLD || s->alone)
		return;
	qmp_init(&s->start.qmp, s->begin == VM_TEMPLATE ? QMP_SAVE : QMP_LOAD);
	if (fd_nonblock(s->fds.qmp, true) < 0 ||
	    loop_add(&s->loop, s->fds.qmp, POLLIN, on_qmp, s) < 0)
		die("vm=%s cannot watch its monitor", s->name);
	s->start.watched = true;
	qmp_began(&s->start.qmp);
	command(s, span_str(qmp_begin_text), -1);
}

/* --- booting and loading ------------------------------------------------- */

static void say_hello(struct session *s)
{
	s->start.phase = START_BOOTING;
	if (!s->over && link_hello(&s->link, s->begin == VM_TEMPLATE) < 0)
		die("vm=%s cannot begin its handshake", s->name);
}

/* The guest finds HELLO on its port when it wakes up. */
static void load(struct session *s)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, COMMAND_MAX);
	if (!s->alone) {
		qmp_put_load(&b, graph_fd(PROC_VMM, FD_SAVED));
		if (!buf_ok(&b))
			die("vm=%s out of memory", s->name);
		qmp_went(&s->start.qmp);
		command(s, buf_view(&b), -1);
	}
	say_hello(s);
}

/* --- warming ------------------------------------------------------------- */

static bool reads_mail(const struct session *s)
{
	return wire_rule(s->workload, WIRE_READER) != NULL;
}

static void warm_with(struct session *s, struct span mail)
{
	if (exchange_start(&s->start.warm, WIRE_ITEM_EMAIL, mail) < 0)
		session_fail(s, WIRE_BAD_STREAM, "no stream for a mail");
}

static void park(struct session *s)
{
	struct msg m = { .type = MSG_VM_PARKED };

	s->start.parked = true;
	session_tell(s, &m);
}

/* A template reads all mails and is left; a clone reads a few and is parked. */
static void warm_next(struct session *s)
{
	struct start *st = &s->start;
	bool template = s->begin == VM_TEMPLATE;
	/* Work that is there already need not wait for more than one. */
	size_t mails = template	     ? WARM_MAILS
		       : s->has_work ? 1
				     : WARM_CLONE_MAILS;

	st->phase = START_WARMING;
	if (reads_mail(s) && st->warmed < mails) {
		warm_with(s, template ? warm_mail(st->warmed)
				      : warm_clone_mail(st->warmed));
	} else if (template) {
		st->phase = START_LEAVING;
		link_go_away(&s->link);
	} else {
		st->phase = START_OVER;
		no_deadline(s);
		if (!s->has_work)
			park(s);
		session_may_work(s);
	}
}

static void on_warmed(void *arg, struct exchange *x, enum exchange_end how)
{
	struct session *s = arg;
	struct err err = { 0 };

	if (how != EXCHANGE_ANSWERED)
		session_fail(s, WIRE_BAD_PAYLOAD,
			     "no answer to a mail of ours");
	else if (warm_check(buf_view(&x->json), &err) < 0)
		session_fail(s, WIRE_BAD_PAYLOAD, "a mail of ours: %s",
			     err.msg);
	else {
		s->start.warmed++;
		warm_next(s);
	}
}

/* --- saving -------------------------------------------------------------- */

static void try_save(struct session *s)
{
	struct start *st = &s->start;

	if (st->phase != START_SAVING || st->save_fd < 0)
		return;
	command(s, span_str(qmp_getfd_text), st->save_fd);
	fd_close(&st->save_fd);
	if (s->over)
		return;
	qmp_went(&st->qmp);
	command(s, span_str(qmp_save_text), -1);
}

/* Nothing more is wanted of this machine, which the monitor ends now. */
static void saved(struct session *s)
{
	struct msg m = { .type = MSG_VM_SAVED };

	s->start.phase = START_OVER;
	no_deadline(s);
	unwatch(s);
	link_end(&s->link);
	session_tell(s, &m);
}

/* --- phases -------------------------------------------------------------- */

/* A guest that comes to own us is not to command its QEMU, too. */
static void let_qemu_go(struct session *s)
{
	unwatch(s);
	fd_close(&s->fds.qmp);
}

/* The guest is ready, and QEMU has loaded what it had to load. */
static void stand(struct session *s)
{
	if (s->begin == VM_CLONE)
		let_qemu_go(s);
	session_ready(s);
	if (s->begin == VM_TEMPLATE || s->park == VM_PARK_RESUMED) {
		session_handshake_timer(s);
		warm_next(s);
	} else {
		s->start.phase = START_OVER;
		session_may_work(s);
	}
}

static void advance(struct session *s)
{
	struct start *st = &s->start;

	switch (st->phase) {
	case START_WAITING:
		if (!st->parked && st->qmp.greeted && st->qmp.returns == 0) {
			no_deadline(s);
			park(s);
		}
		break;
	case START_BOOTING:
		if (st->ready && !start_is_loading(s))
			stand(s);
		break;
	case START_SAVING:
		if (qmp_done(&st->qmp))
			saved(s);
		break;
	case START_IDLE:
	case START_HELD:
	case START_WARMING:
	case START_LEAVING:
	case START_OVER:
		break;
	}
}

void start_begin(struct session *s)
{
	struct start *st = &s->start;

	*st = (struct start){ .phase = START_WAITING, .save_fd = -1 };
	exchange_init(&st->warm, &s->link, on_warmed, s);
	if (s->begin != VM_CLONE && (s->park != VM_PARK_NONE || s->alone))
		die("vm=%s only clones are parked, or alone", s->name);
	if (s->alone && s->park == VM_PARK_WAITING)
		die("vm=%s who is alone does not wait", s->name);
	if (s->park == VM_PARK_JAILED) {
		st->phase = START_HELD;
		return;
	}
	session_handshake_timer(s);
	open_monitor(s);
	if (s->begin == VM_CLONE && s->park != VM_PARK_WAITING)
		load(s);
	else if (s->begin != VM_CLONE)
		say_hello(s);
}

/* The guest finds its item behind HELLO: to answer and only then be asked costs
 * it a sleep and a cold awakening. */
void start_joined(struct session *s)
{
	if (s->start.phase == START_HELD)
		park(s);
	else if (s->begin == VM_CLONE && s->park == VM_PARK_NONE)
		session_work_early(s);
}

/* QEMU says that it runs the guest before that can say anything: who hears the
 * guest first hears QEMU out, and lets it go, before the guest's next words. */
void start_ready(struct session *s)
{
	s->start.ready = true;
	if (s->start.watched && start_is_loading(s))
		on_qmp(s, s->fds.qmp, POLLIN);
	advance(s);
}

void start_work(struct session *s)
{
	struct start *st = &s->start;

	if (s->begin == VM_TEMPLATE)
		die("vm=%s a template has no work", s->name);
	if (st->phase == START_WAITING || st->phase == START_HELD) {
		s->start_us = now_us();
		session_handshake_timer(s);
		if (st->phase == START_HELD)
			open_monitor(s);
		load(s);
		session_work_early(s);
	} else if (st->phase == START_OVER) {
		session_may_work(s);
	}
}

void start_save(struct session *s, int fd)
{
	struct start *st = &s->start;

	if (s->begin != VM_TEMPLATE || st->save_fd >= 0 || st->qmp.going ||
	    fd < 0)
		die("vm=%s there is nothing to save", s->name);
	st->save_fd = fd;
	try_save(s);
}

void start_gone(struct session *s)
{
	s->start.phase = START_SAVING;
	try_save(s);
}

/* Who is alone has loaded it when its guest speaks. */
bool start_is_loading(const struct session *s)
{
	if (s->begin != VM_CLONE)
		return false;
	return s->alone ? !s->start.ready : !qmp_done(&s->start.qmp);
}

void start_done(struct session *s)
{
	unwatch(s);
	fd_close(&s->start.save_fd);
	exchange_done(&s->start.warm);
}
