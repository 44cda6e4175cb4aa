/* batch: see batch.h. */
#include "batch.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "privsep/rpc.h"

enum { MONITOR, BROKER };

static uint64_t clock_ns(clockid_t clock)
{
	struct timespec t = { 0 };

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

/* The log cannot be written: all is refused from here on. */
static void fail(struct auditd *a, const char *step, int r)
{
	if (!a->failed)
		log_error("log-failed", "step=%s error=%s", step,
			  strerrorname_np(-r));
	a->failed = true;
}

static void lose_peer(struct auditd *a, size_t peer)
{
	loop_del(&a->loop, a->peers[peer].fd);
	fd_close(&a->peers[peer].fd);
}

static void add_record(struct auditd *a, size_t peer)
{
	const struct record_stamp stamp = {
		.seq = tlog_size(a->log) + a->n,
		.wall_ns = clock_ns(CLOCK_REALTIME),
		.mono_ns = clock_ns(CLOCK_MONOTONIC),
		.boot = span_str(a->boot),
	};
	struct record_stamp s = stamp;
	const char *why = NULL;
	uint64_t index = 0;
	size_t i;
	int r;

	/* Refused rows of this batch take no place in the log. */
	for (i = 0; i < a->n; i++)
		s.seq -= a->rows[i].why != NULL;
	buf_reset(&a->text);
	if (a->failed)
		why = "the audit log cannot be written";
	else
		why = record_write(&a->text, &s, &a->in.ids, &a->in.audit);
	if (!why) {
		r = tlog_add(a->log, buf_view(&a->text), &index);
		if (r < 0) {
			fail(a, "add", r);
			why = "the audit log cannot be written";
		}
	}
	a->rows[a->n].ids = a->in.ids;
	a->rows[a->n].peer = (uint8_t)peer;
	a->rows[a->n].later = a->in.type == MSG_AUDIT_LATER;
	a->urgent |= why || !a->rows[a->n].later;
	a->rows[a->n].why = why;
	a->rows[a->n++].index = index;
}

/* One message of a peer; false if there is none, or the peer is done. */
static bool take_message(struct auditd *a, size_t peer)
{
	struct pollfd p = { .fd = a->peers[peer].fd, .events = POLLIN };
	const char *why;
	int r;

	if (p.fd < 0 || poll(&p, 1, 0) <= 0)
		return false;
	r = chan_recv(&a->peers[peer], &a->in, &why);
	if (r <= 0) {
		if (r < 0)
			log_warn("peer-lost", "peer=%zu error=%s why=%s", peer,
				 strerrorname_np(-r), why ? why : "-");
		lose_peer(a, peer);
		if (peer == MONITOR)
			loop_stop(&a->loop);
		return false;
	}
	if (a->in.type == MSG_AUDIT || a->in.type == MSG_AUDIT_LATER) {
		add_record(a, peer);
	} else if (peer == MONITOR && a->in.type == MSG_STOP) {
		loop_stop(&a->loop);
		return false;
	} else if (peer != MONITOR || a->in.type != MSG_KILL) {
		log_warn("bad-message", "peer=%zu type=%s", peer,
			 msg_type_name(a->in.type));
		lose_peer(a, peer);
		return false;
	}
	return true;
}

static void answer(struct auditd *a, size_t i)
{
	struct chan *c = &a->peers[a->rows[i].peer];
	const char *why = a->rows[i].why;

	if (!why && a->failed)
		why = "the audit log cannot be written";
	if (!why && a->rows[i].later)
		return;
	a->out = (struct msg){ .type = why ? MSG_AUDIT_FAIL : MSG_AUDIT_OK,
			       .ids = a->rows[i].ids };
	if (why) {
		a->out.text.text = span_str(why);
	} else {
		a->out.audit_ok.index = a->rows[i].index;
		a->out.audit_ok.size = tlog_size(a->log);
		tlog_root(a->log, a->out.audit_ok.root);
	}
	/* Not blocking: a peer that does not take its answers is lost, and does
	 * not hold up the other. */
	if (c->fd >= 0 && chan_send(c, &a->out, NULL, 0) < 0)
		lose_peer(a, a->rows[i].peer);
}

static void commit_batch(struct auditd *a)
{
	size_t i;
	int r = 0;

	if (!a->failed)
		r = tlog_commit(a->log);
	if (r < 0)
		fail(a, "commit", r);
	for (i = 0; i < a->n; i++)
		answer(a, i);
	a->n = 0;
	a->urgent = false;
	loop_timer_del(&a->loop, a->timer);
	a->timer = -1;
}

static void on_later(void *arg)
{
	struct auditd *a = arg;

	a->timer = -1;
	commit_batch(a);
}

/* Nobody waits; without a timer, nobody needs to. */
static void commit_later(struct auditd *a)
{
	if (a->timer < 0)
		a->timer = loop_timer(&a->loop, AUDIT_LATER_MS, on_later, a);
	if (a->timer < 0)
		commit_batch(a);
}

/*
 * Whatever is readable now, of both peers in turn, becomes one batch: while
 * one is being synced the next gathers, and shares the next sync. At the end
 * nothing is left for later.
 */
static void on_readable(void *arg, int, short)
{
	struct auditd *a = arg;
	bool more = true;

	while (more && a->n < TLOG_BATCH && !a->loop.stop) {
		more = take_message(a, MONITOR);
		if (a->n < TLOG_BATCH && !a->loop.stop)
			more = take_message(a, BROKER) || more;
	}
	if (a->urgent || a->loop.stop || a->n == TLOG_BATCH)
		commit_batch(a);
	else if (a->n)
		commit_later(a);
}

int auditd_init(struct auditd *a, struct tlog *log, int monitor, int broker)
{
	const int fds[AUDITD_PEERS] = { monitor, broker };
	size_t i;

	*a = (struct auditd){ .log = log, .timer = -1 };
	loop_init(&a->loop);
	buf_init(&a->text, (size_t)2 * LIMIT_MSG);
	for (i = 0; i < AUDITD_PEERS; i++) {
		int r = chan_init(&a->peers[i], fds[i]);

		if (r == 0)
			r = loop_add(&a->loop, fds[i], POLLIN, on_readable, a);
		if (r < 0)
			return r;
	}
	return 0;
}

void auditd_done(struct auditd *a)
{
	size_t i;

	for (i = 0; i < AUDITD_PEERS; i++)
		chan_done(&a->peers[i]);
	buf_done(&a->text);
	tlog_close(a->log);
}

/* The first message of the monitor says which boot this is. */
static int take_hello(struct auditd *a)
{
	const char *why = NULL;
	int r = chan_recv(&a->peers[MONITOR], &a->in, &why);

	if (r <= 0)
		return r < 0 ? r : -EPIPE;
	if (a->in.type != MSG_HELLO ||
	    str_copy(a->boot, sizeof(a->boot), a->in.hello.arg) < 0 ||
	    !utf8_valid(a->in.hello.arg))
		return -EPROTO;
	return 0;
}

int auditd_run(struct auditd *a)
{
	int r = take_hello(a);
	size_t i;

	for (i = 0; i < AUDITD_PEERS && r == 0; i++)
		r = fd_nonblock(a->peers[i].fd, true);
	return r < 0 ? r : loop_run(&a->loop);
}
