/* batch: see batch.h. */
#include "batch.h"

#include <errno.h>
#include <poll.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "privsep/rpc.h"

enum { MONITOR, BROKER };

enum {
	/* A batch waits for what is on its way, at most half as long as the
	 * sync takes that it saves, and at least and at most: */
	GATHER_LEAST_US = 50,
	GATHER_MOST_US = 1000,
	/* Readers get to see a record when nothing was asked for so long, */
	QUIET_MS = 2,
	/* or at the latest after: */
	BEHIND_MS = 250,
};

void auditd_fail(struct auditd *a, const char *step, int r)
{
	if (!a->failed) {
		log_error("log-failed", "step=%s error=%s", step,
			  strerrorname_np(-r));
		(void)str_printf(a->why, sizeof(a->why),
				 "the audit log cannot be written: %s: %s",
				 step, strerrorname_np(-r));
	}
	a->failed = true;
}

static void lose_peer(struct auditd *a, size_t peer)
{
	loop_del(&a->loop, a->peers[peer].fd);
	fd_close(&a->peers[peer].fd);
}

/* To the monitor: that it can work, or no more; or what it was asked. */
static void say(struct auditd *a, enum msg_type t)
{
	const uint64_t number = a->in.type == MSG_PING ? a->in.ping.number : 0;

	a->out = (struct msg){ .type = t, .ids = a->in.ids };
	if (t == MSG_PONG)
		a->out.ping.number = number;
	if (t == MSG_AUDIT_FAIL)
		a->out.text.text = span_str(a->why);
	if (a->peers[MONITOR].fd >= 0 &&
	    chan_send(&a->peers[MONITOR], &a->out, NULL, 0) < 0)
		lose_peer(a, MONITOR);
}

/*
 * Tells both what has become of the reserve: before the answers of the batch
 * that found the disk full, so that nothing is begun on one of them.
 */
static void tell_reserve(struct auditd *a)
{
	const struct reserve *r = a->reserve;
	size_t i;

	if (!r || !r->changed)
		return;
	a->reserve->changed = false;
	log_event(r->open || r->why[0] ? LOG_LV_WARN : LOG_LV_INFO, "reserve",
		  "bytes=%llu of=%llu why=\"%s\"", (unsigned long long)r->have,
		  (unsigned long long)r->want, r->why[0] ? r->why : "whole");
	for (i = 0; i < AUDITD_PEERS; i++) {
		struct chan *c = &a->peers[i];

		a->out.type = MSG_AUDIT_ROOM;
		a->out.ids = a->ids;
		a->out.audit_room =
			(struct m_audit_room){ .full = r->open,
					       .reserve = r->want,
					       .left = r->have,
					       .why = span_str(r->why) };
		if (c->fd >= 0 && chan_send(c, &a->out, NULL, 0) < 0)
			lose_peer(a, i);
	}
}

static void on_reserve(void *arg);

static void watch_reserve(struct auditd *a)
{
	tell_reserve(a);
	if (a->reserve && a->reserve->open && a->reserve_timer < 0)
		a->reserve_timer =
			loop_timer(&a->loop, RESERVE_RETRY_MS, on_reserve, a);
}

static void on_reserve(void *arg)
{
	struct auditd *a = arg;

	a->reserve_timer = -1;
	(void)reserve_fill(a->reserve);
	watch_reserve(a);
}

static void publish(struct auditd *a, bool rest)
{
	int r = 0;

	if (!a->failed)
		r = rest ? tlog_rest(a->log) : tlog_publish(a->log);
	a->behind_us = 0;
	watch_reserve(a);
	if (r == 0)
		return;
	auditd_fail(a, "publish", r);
	/* Nobody has asked, so nobody else would be told. */
	say(a, MSG_AUDIT_FAIL);
}

void auditd_publish(struct auditd *a)
{
	if (a->failed)
		say(a, MSG_AUDIT_FAIL);
	else
		publish(a, true);
}

/* Whoever asks whether it works is told of the whole of it. */
static void pong(struct auditd *a)
{
	if (a->behind_us)
		publish(a, true);
	if (!a->failed)
		say(a, MSG_PONG);
}

static void add_record(struct auditd *a, size_t peer)
{
	const struct record_stamp stamp = {
		.seq = tlog_size(a->log) + a->n - a->first,
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
	for (i = a->first; i < a->n; i++)
		s.seq -= a->rows[i].why != NULL;
	buf_reset(&a->text);
	if (a->failed)
		why = a->why;
	else
		why = record_write(&a->text, &s, &a->in.ids, &a->in.audit);
	if (!why) {
		r = tlog_add(a->log, buf_view(&a->text), &index);
		if (r < 0) {
			auditd_fail(a, "add", r);
			why = a->why;
		}
	}
	a->rows[a->n].ids = a->in.ids;
	a->rows[a->n].peer = (uint8_t)peer;
	a->rows[a->n].later = a->in.type == MSG_AUDIT_LATER;
	a->rows[a->n].asks = why || !a->rows[a->n].later;
	a->asking += a->rows[a->n].asks;
	a->rows[a->n].why = why;
	a->rows[a->n++].index = index;
}

/*
 * What the store knows of the log, as it was at a stop in order: a log that
 * does not go on from there takes nothing. This is the monitor's, so it comes
 * before whatever the broker asks.
 */
static void compare_tip(struct auditd *a)
{
	const struct m_s_tip *tip = &a->in.s_tip;
	struct err err = { 0 };
	int r = a->failed ? 0
			  : tlog_goes_on(a->log, tip->size, tip->root,
					 "the store's tip", &err);

	if (r == 0)
		return;
	auditd_fail(a, "tip", r);
	if (err.code)
		(void)str_printf(a->why, sizeof(a->why),
				 "audit log: %s; docs/audit.md says what to do "
				 "next",
				 err.msg);
	say(a, MSG_AUDIT_FAIL);
}

/* One message of a peer; false if there is none, or the peer is done. */
static bool take_message(struct auditd *a, size_t peer)
{
	const char *why;
	int r;

	if (a->peers[peer].fd < 0)
		return false;
	r = chan_recv(&a->peers[peer], &a->in, &why);
	if (r == -EAGAIN)
		return false;
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
	} else if (peer == MONITOR && a->in.type == MSG_PING) {
		pong(a);
	} else if (peer == MONITOR && a->in.type == MSG_AUDIT_KEY) {
		a->key_due = true;
	} else if (peer == MONITOR && a->in.type == MSG_S_TIP) {
		compare_tip(a);
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
		why = a->why;
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

static bool may_take(const struct auditd *a)
{
	return a->n - a->first < TLOG_BATCH && !a->loop.stop;
}

/* Whatever is readable now, of both peers in turn. */
static void take_all(struct auditd *a)
{
	bool more[AUDITD_PEERS] = { true, true };

	while (more[MONITOR] || more[BROKER]) {
		size_t i;

		for (i = 0; i < AUDITD_PEERS; i++)
			more[i] = more[i] && may_take(a) && take_message(a, i);
	}
}

/*
 * Waits for requests that are on their way, if the last batch says that there
 * are any: whoever waits for one answer at a time is never kept waiting.
 */
static void gather(struct auditd *a)
{
	uint64_t most = a->sync_us / 2;
	uint64_t end;

	take_all(a);
	if (most < GATHER_LEAST_US)
		most = GATHER_LEAST_US;
	if (most > GATHER_MOST_US)
		most = GATHER_MOST_US;
	end = now_us() + most;
	while (a->asking && a->asking < a->expect && may_take(a)) {
		uint64_t now = now_us();
		struct timespec left = { 0 };
		struct pollfd p[AUDITD_PEERS];
		size_t i;

		for (i = 0; i < AUDITD_PEERS; i++)
			p[i] = (struct pollfd){ .fd = a->peers[i].fd,
						.events = POLLIN };
		left.tv_nsec = now < end ? (long)(end - now) * 1000 : 0;
		if (now >= end || ppoll(p, AUDITD_PEERS, &left, NULL) <= 0)
			break;
		take_all(a);
	}
}

static void on_quiet(void *arg);

static void watch_quiet(struct auditd *a)
{
	if (!a->watching && loop_timer(&a->loop, QUIET_MS, on_quiet, a) < 0)
		publish(a, false);
	else
		a->watching = true;
}

static void on_quiet(void *arg)
{
	struct auditd *a = arg;

	a->watching = false;
	if (now_us() - a->heard_us >= QUIET_MS * UINT64_C(1000))
		publish(a, true);
	else
		watch_quiet(a);
}

/* Readers lack the last batch: for how long may they? */
static void publish_soon(struct auditd *a)
{
	uint64_t now = now_us();

	a->heard_us = now;
	if (!a->behind_us)
		a->behind_us = now;
	if (now - a->behind_us >= BEHIND_MS * UINT64_C(1000) ||
	    tlog_is_long(a->log))
		publish(a, false);
	watch_quiet(a);
}

/*
 * Makes the batch durable. Then what has come meanwhile is taken, and only then
 * are the senders told: so it is known how many requests there are at a time.
 */
void auditd_commit(struct auditd *a)
{
	uint64_t start = now_us();
	size_t done = a->n;
	size_t asked = a->asking;
	size_t i;
	int r = 0;

	if (!a->failed)
		r = tlog_commit(a->log);
	if (r < 0)
		auditd_fail(a, "commit", r);
	a->sync_us = now_us() - start;
	own_due(a);
	a->first = done;
	take_all(a);
	a->expect = a->asking;
	watch_reserve(a);
	for (i = 0; i < done; i++)
		answer(a, i);
	a->first = 0;
	a->n -= done;
	a->asking -= asked;
	memmove(a->rows, a->rows + done, a->n * sizeof(a->rows[0]));
	loop_timer_del(&a->loop, a->timer);
	a->timer = -1;
}

static void on_readable(void *arg, int fd, short events);

static void on_later(void *arg)
{
	struct auditd *a = arg;

	a->timer = -1;
	if (a->n)
		auditd_commit(a);
	on_readable(a, -1, 0);
}

/* Nobody waits for what is there; without a timer, nobody needs to. */
static bool may_wait(struct auditd *a)
{
	if (a->asking || a->loop.stop || a->n == TLOG_BATCH)
		return false;
	if (a->timer < 0)
		a->timer = loop_timer(&a->loop, AUDIT_LATER_MS, on_later, a);
	return a->timer >= 0;
}

/* All requests that are waiting, or on their way, share one sync; while it
 * runs the next gather, and a new key may be asked for. At the end nothing is
 * left for later. */
static void on_readable(void *arg, int, short)
{
	struct auditd *a = arg;

	do {
		gather(a);
		if (a->n && may_wait(a))
			break;
		if (!a->n && a->key_due)
			own_due(a);
		if (a->n)
			auditd_commit(a);
		publish_soon(a);
	} while (a->n || (a->key_due && !a->failed));
}

int auditd_init(struct auditd *a, struct tlog *log, struct reserve *reserve,
		int monitor, int broker)
{
	const int fds[AUDITD_PEERS] = { monitor, broker };
	size_t i;

	*a = (struct auditd){
		.log = log, .reserve = reserve, .timer = -1, .reserve_timer = -1
	};
	loop_init(&a->loop);
	own_init(a);
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

/* "BOOT", or "BOOT reserve=BYTES" */
static int take_arg(struct auditd *a, struct span arg)
{
	const struct span key = SPAN_LIT(" reserve=");
	const uint8_t *at = arg.n ? memmem(arg.p, arg.n, key.p, key.n) : NULL;
	struct span boot = arg;
	uint64_t bytes = 0;

	if (at) {
		boot.n = (size_t)(at - arg.p);
		if (num_parse(span_of(at + key.n, arg.n - boot.n - key.n), 0,
			      INT64_MAX, &bytes) < 0)
			return -EPROTO;
	}
	if (!utf8_valid(boot) || str_copy(a->boot, sizeof(a->boot), boot) < 0)
		return -EPROTO;
	if (a->reserve)
		reserve_want(a->reserve, bytes);
	return 0;
}

/* The first message of the monitor says which boot this is, and how much is to
 * be set aside. */
static int take_hello(struct auditd *a)
{
	const char *why = NULL;
	int r = chan_recv(&a->peers[MONITOR], &a->in, &why);

	if (r <= 0)
		return r < 0 ? r : -EPIPE;
	a->ids = a->in.ids;
	if (a->in.type != MSG_HELLO)
		return -EPROTO;
	r = take_arg(a, a->in.hello.arg);
	if (r == 0)
		say(a, MSG_READY);
	return r;
}

int auditd_run(struct auditd *a)
{
	int r = take_hello(a);
	size_t i;

	for (i = 0; i < AUDITD_PEERS && r == 0; i++)
		r = fd_nonblock(a->peers[i].fd, true);
	if (r == 0) {
		watch_reserve(a);
		own_start(a);
		r = loop_run(&a->loop);
	}
	publish(a, true);
	return r;
}
