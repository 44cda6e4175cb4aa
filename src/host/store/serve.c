/*
 * serve: see serve.h.
 *
 * Theory of operation. Whatever both peers have sent becomes one transaction:
 * the broker's requests, then the items that came, then those that are handed
 * out; its commit is the one wait for the disk, and the answers go out after
 * it. Where the disk is full, the same is done again in parts, for a verdict
 * fits where a mail does not. Any other error of the disk ends the process: a
 * page that could not be written may look as if it had been, and only reading
 * anew what is there tells.
 */
#include "serve.h"

#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <time.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "store.h"

enum { MONITOR, BROKER };

static void end(struct serve *s, int result)
{
	s->result = result;
	loop_stop(&s->loop);
}

static void lose_peer(struct serve *s, size_t peer)
{
	loop_del(&s->loop, s->peers[peer].fd);
	fd_close(&s->peers[peer].fd);
	if (peer == MONITOR)
		loop_stop(&s->loop);
}

static void request_free(struct serve_request *q)
{
	free(q->bytes);
	fd_close(&q->fd);
	*q = (struct serve_request){ .fd = -1 };
}

/* Never waits: a peer that does not take its answers is lost. */
static void send_bytes(struct serve *s, size_t peer, struct span bytes, int fd)
{
	struct chan *c = &s->peers[peer];

	if (c->fd >= 0 && chan_send_bytes(c, bytes, &fd, fd >= 0 ? 1 : 0) < 0) {
		log_warn("peer-lost", "peer=%zu", peer);
		lose_peer(s, peer);
	}
}

/* Says s->out at once. */
static void say(struct serve *s, size_t peer, enum msg_type t)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, LIMIT_MSG);
	s->out.type = t;
	s->out.ids = s->ids;
	msg_encode(&b, &s->out);
	if (buf_ok(&b))
		send_bytes(s, peer, buf_view(&b), -1);
}

/* Says s->out once the transaction is durable; takes fd over. */
static int say_later(struct serve *s, size_t peer, enum msg_type t, int fd)
{
	struct serve_answer *a = &s->answers[s->n_answers];

	buf_init(&a->bytes, LIMIT_MSG);
	a->peer = peer;
	a->fd = fd;
	s->n_answers++;
	s->out.type = t;
	s->out.ids = s->ids;
	msg_encode(&a->bytes, &s->out);
	return buf_ok(&a->bytes) ? 0 : -ENOMEM;
}

static int say_fail(struct serve *s, const char *why)
{
	s->out.text.text = span_str(why);
	return say_later(s, BROKER, MSG_S_FAIL, -1);
}

static void drop_answers(struct serve *s, bool send)
{
	size_t i;

	for (i = 0; i < s->n_answers; i++) {
		struct serve_answer *a = &s->answers[i];

		if (send)
			send_bytes(s, a->peer, buf_view(&a->bytes), a->fd);
		buf_done(&a->bytes);
		fd_close(&a->fd);
	}
	s->n_answers = 0;
}

/* --- what is asked ------------------------------------------------------- */

static int item_done(struct serve *s, uint64_t *id)
{
	*id = s->in.i_done.item;
	/* There may be room now for what waits. */
	s->try_puts = true;
	return db_item_done(&s->db, &s->in.i_done);
}

static int item_recorded(struct serve *s, uint64_t *id)
{
	*id = s->in.s_ref.id;
	return db_item_recorded(&s->db, *id);
}

static int effect_plan(struct serve *s, uint64_t *id)
{
	return db_effect_plan(&s->db, &s->in.e_plan, id);
}

static int effect_started(struct serve *s, uint64_t *id)
{
	*id = s->in.e_started.effect;
	return db_effect_started(&s->db, &s->in.e_started);
}

static int task_number(struct serve *s, uint64_t *id)
{
	return db_task_number(&s->db, id);
}

static int effect_outcome(struct serve *s, uint64_t *id)
{
	*id = s->in.e_outcome.effect;
	return db_effect_outcome(&s->db, &s->in.e_outcome);
}

static int effect_recorded(struct serve *s, uint64_t *id)
{
	*id = s->in.s_ref.id;
	return db_effect_recorded(&s->db, *id);
}

static int rows_put(struct serve *s, uint64_t *id)
{
	*id = s->in.r_put.n;
	return db_rows_put(&s->db, &s->in.r_put);
}

static int rows_next(struct serve *s, uint64_t *)
{
	return db_rows_next(&s->db, &s->in.r_next, &s->out.r_row);
}

static int item_get(struct serve *s, uint64_t *)
{
	return db_item_get(&s->db, &s->in.s_get, &s->out.i_row);
}

static int effect_get(struct serve *s, uint64_t *)
{
	return db_effect_get(&s->db, &s->in.s_get, &s->out.e_row);
}

/* What the broker may ask, and what it is answered. */
static const struct ask {
	int (*fn)(struct serve *s, uint64_t *id);
	enum msg_type answer; /* MSG_NONE: none */
	bool reads;	      /* nothing changes */
} asks[MSG_TYPE_MAX] = {
	[MSG_I_DONE] = { item_done, MSG_S_OK, false },
	[MSG_I_RECORDED] = { item_recorded, MSG_NONE, false },
	[MSG_I_GET] = { item_get, MSG_I_ROW, true },
	[MSG_T_NUMBER] = { task_number, MSG_S_OK, false },
	[MSG_E_PLAN] = { effect_plan, MSG_S_OK, false },
	[MSG_E_STARTED] = { effect_started, MSG_S_OK, false },
	[MSG_E_OUTCOME] = { effect_outcome, MSG_S_OK, false },
	[MSG_E_RECORDED] = { effect_recorded, MSG_NONE, false },
	[MSG_E_GET] = { effect_get, MSG_E_ROW, true },
	[MSG_R_PUT] = { rows_put, MSG_S_OK, false },
	[MSG_R_NEXT] = { rows_next, MSG_R_ROW, true },
};

/* One request of the broker; negative where the transaction is lost. */
static int do_ask(struct serve *s, const struct serve_request *q)
{
	const struct ask *a;
	const char *why;
	uint64_t id = 0;
	int r;

	if (msg_decode(span_of(q->bytes, q->n), &s->in, &why) < 0)
		return -EPROTO;
	a = &asks[s->in.type];
	r = a->fn(s, &id);
	if (r < 0 && r != -EINVAL && r != -ENOENT)
		return r;
	if (a->answer == MSG_NONE)
		return 0;
	s->sync |= !a->reads;
	if (r == 0 && a->answer == MSG_S_OK)
		s->out.s_ok.id = id;
	if (r == 0)
		return say_later(s, BROKER, a->answer, -1);
	if (r == -EINVAL)
		return say_fail(s, s->db.err.msg);
	s->out.empty = (struct m_empty){ 0 };
	return say_later(s, BROKER, MSG_S_NONE, -1);
}

static void block(struct serve *s, const char *why)
{
	struct db_source *t = db_source(&s->db, s->in.q_put.source);

	if (!t)
		return;
	if (t->blocked++ == 0)
		(void)str_printf(t->why, sizeof(t->why), "%s", why);
	t->changed = true;
}

/* One item that came; where there is no room it stays, and those of its source
 * behind it, too, so that the oldest is the first. */
static int do_put(struct serve *s, struct serve_request *q)
{
	struct m_q_kept kept;
	struct db_source *t;
	const char *why;
	int r;

	if (msg_decode(span_of(q->bytes, q->n), &s->in, &why) < 0)
		return -EPROTO;
	t = db_source(&s->db, s->in.q_put.source);
	r = t && t->blocked ? -EAGAIN
			    : db_put(&s->db, &s->in.q_put, q->fd, &kept);
	if (r == -EAGAIN) {
		block(s, s->db.err.msg);
		return 0;
	}
	if (r < 0)
		return r == -EINVAL ? -EPROTO : r;
	q->done = true;
	s->sync = true;
	s->out.q_kept = kept;
	return say_later(s, MONITOR, MSG_Q_KEPT, -1);
}

/* 1: an item for a place; 0: none waits. */
static int do_take(struct serve *s)
{
	struct db_item it;
	int r = db_take(&s->db, &it);

	if (r == -ENOENT)
		return 0;
	if (r == -EMFILE || r == -ENFILE || r == -ENOMEM) {
		/* Nothing is taken yet; there may be in a moment. */
		s->short_of = true;
		return 0;
	}
	if (r < 0)
		return r;
	s->sync = true;
	s->places--;
	s->out.q_item = it.m;
	r = say_later(s, MONITOR, MSG_Q_ITEM, it.fd);
	return r < 0 ? r : 1;
}

static int do_tip(struct serve *s)
{
	return s->tip ? db_tip(&s->db, &s->tip_is) : 0;
}

/* --- transactions -------------------------------------------------------- */

static void forget_blocks(struct serve *s)
{
	size_t i;

	for (i = 0; i < DB_SOURCES; i++) {
		struct db_source *t = &s->db.sources[i];

		t->changed |= t->blocked != 0;
		t->blocked = 0;
	}
}

static int do_all(struct serve *s)
{
	int r = db_begin(&s->db);
	size_t i;

	for (i = 0; i < s->n_batch && r == 0; i++)
		r = do_ask(s, &s->batch[i]);
	if (r == 0)
		r = do_tip(s);
	if (s->try_puts && r == 0) {
		forget_blocks(s);
		for (i = 0; i < s->n_puts && r == 0; i++)
			r = do_put(s, &s->puts[i]);
	}
	while (s->places && r == 0) {
		r = do_take(s);
		if (r == 0)
			break;
		r = r > 0 ? 0 : r;
	}
	if (r == 0 && s->sync)
		r = db_commit(&s->db);
	return r;
}

/* Nothing of it has happened. */
static void undo(struct serve *s, uint64_t places)
{
	size_t i;

	db_rollback(&s->db);
	drop_answers(s, false);
	for (i = 0; i < s->n_puts; i++)
		s->puts[i].done = false;
	s->places = places;
	s->sync = false;
}

enum part { PART_ASK, PART_PUT, PART_TAKE };

/* One part in a transaction of its own. True: done, or refused for the disk is
 * full; false: the end. */
static bool do_part(struct serve *s, enum part part, struct serve_request *q)
{
	uint64_t places = s->places;
	int r = db_begin(&s->db);

	if (r == 0)
		r = part == PART_ASK   ? do_ask(s, q)
		    : part == PART_PUT ? do_put(s, q)
				       : do_take(s);
	if (r >= 0)
		r = db_commit(&s->db);
	if (r == 0) {
		drop_answers(s, true);
		return true;
	}
	db_rollback(&s->db);
	drop_answers(s, false);
	s->places = places;
	if (q)
		q->done = false;
	if (r != -ENOSPC) {
		end(s, r);
		return false;
	}
	if (part == PART_PUT)
		block(s, STORE_FULL);
	else if (part == PART_ASK && asks[s->in.type].answer != MSG_NONE)
		(void)say_fail(s, STORE_FULL);
	drop_answers(s, true);
	return true;
}

static void do_parts(struct serve *s)
{
	uint64_t places = s->places;
	size_t i;

	log_warn("disk-full", "%s", s->db.err.msg);
	for (i = 0; i < s->n_batch; i++)
		if (!do_part(s, PART_ASK, &s->batch[i]))
			return;
	forget_blocks(s);
	for (i = 0; i < s->n_puts; i++)
		if (!do_part(s, PART_PUT, &s->puts[i]))
			return;
	while (places-- && s->places && do_part(s, PART_TAKE, NULL))
		;
}

/* --- after it ------------------------------------------------------------ */

static void work(struct serve *s);

static void on_lazy(void *arg)
{
	struct serve *s = arg;

	s->lazy_timer = -1;
	s->sync = true;
	work(s);
}

static void on_retry(void *arg)
{
	struct serve *s = arg;

	s->retry_timer = -1;
	s->try_puts = true;
	work(s);
}

static void set_timer(struct serve *s, int *timer, bool on, uint64_t ms,
		      loop_timer_fn fn)
{
	if (on && *timer < 0) {
		*timer = loop_timer(&s->loop, ms, fn, s);
	} else if (!on) {
		loop_timer_del(&s->loop, *timer);
		*timer = -1;
	}
}

static void tell_counts(struct serve *s)
{
	size_t i;

	for (i = 0; i < DB_SOURCES; i++) {
		struct db_source *t = &s->db.sources[i];

		if (!t->name[0] || !t->changed)
			continue;
		t->changed = false;
		s->out.q_count = (struct m_q_count){
			.source = span_str(t->name),
			.waiting = t->waiting,
			.taken = t->taken,
			.bytes = t->bytes,
			.blocked = t->blocked,
			.why = span_str(t->blocked ? t->why : ""),
		};
		say(s, MONITOR, MSG_Q_COUNT);
	}
}

static void tidy(struct serve *s)
{
	size_t i, kept = 0;

	for (i = 0; i < s->n_batch; i++)
		request_free(&s->batch[i]);
	s->n_batch = 0;
	for (i = 0; i < s->n_puts; i++) {
		if (s->puts[i].done)
			request_free(&s->puts[i]);
		else
			s->puts[kept++] = s->puts[i];
	}
	s->n_puts = kept;
	s->tip = s->try_puts = s->sync = false;
}

static bool idle(const struct serve *s)
{
	size_t i;

	for (i = 0; i < DB_SOURCES && s->places; i++)
		if (s->db.sources[i].waiting)
			return false;
	return !s->n_batch && !s->tip && !s->sync &&
	       !(s->try_puts && s->n_puts);
}

static void work(struct serve *s)
{
	uint64_t places = s->places;
	int r;

	if (idle(s))
		return;
	s->db.now_s = (uint64_t)time(NULL);
	r = do_all(s);
	if (r == 0) {
		drop_answers(s, true);
	} else {
		undo(s, places);
		if (r == -ENOSPC)
			do_parts(s);
		else
			end(s, r);
	}
	tidy(s);
	tell_counts(s);
	set_timer(s, &s->lazy_timer, s->db.begun, STORE_LAZY_MS, on_lazy);
	set_timer(s, &s->retry_timer, s->n_puts || s->short_of || r == -ENOSPC,
		  STORE_RETRY_MS, on_retry);
	s->short_of = false;
}

/* --- what comes in ------------------------------------------------------- */

/* Keeps the message at hand, and its descriptor, in a row. */
static int keep(struct serve *s, size_t peer, struct serve_request *q)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, LIMIT_MSG);
	msg_encode(&b, &s->in);
	if (!buf_ok(&b))
		return -ENOMEM;
	*q = (struct serve_request){ .bytes = b.p,
				     .n = b.n,
				     .fd = chan_take_fd(&s->peers[peer], 0) };
	b.p = NULL; /* handed over */
	return 0;
}

/* False: a message that it may not send. */
static bool from_monitor(struct serve *s)
{
	switch ((int)s->in.type) {
	case MSG_Q_PUT:
		if (s->n_puts == SERVE_PUTS ||
		    keep(s, MONITOR, &s->puts[s->n_puts]) < 0)
			return false;
		s->n_puts++;
		s->try_puts = true;
		return true;
	case MSG_Q_NEXT:
		return ++s->places <= SERVE_PLACES;
	case MSG_S_TIP:
		s->tip_is = s->in.s_tip;
		s->tip = true;
		return true;
	case MSG_PING:
		s->out.ping = s->in.ping;
		say(s, MONITOR, MSG_PONG);
		return true;
	case MSG_STOP:
		loop_stop(&s->loop);
		return true;
	case MSG_KILL:
		return true;
	default:
		return false;
	}
}

static bool from_broker(struct serve *s)
{
	if (!asks[s->in.type].fn || keep(s, BROKER, &s->batch[s->n_batch]) < 0)
		return false;
	s->n_batch++;
	return true;
}

/* One message of a peer; false if there is none, or the peer is gone. */
static bool take_message(struct serve *s, size_t peer)
{
	const char *why = NULL;
	int r;

	if (s->peers[peer].fd < 0 || s->loop.stop || s->n_batch == SERVE_BATCH)
		return false;
	r = chan_recv(&s->peers[peer], &s->in, &why);
	if (r == -EAGAIN)
		return false;
	if (r == -EMFILE) {
		loop_rest(&s->loop, s->peers[peer].fd, STORE_REST_MS);
		return false;
	}
	if (r <= 0) {
		if (r < 0)
			log_warn("peer-lost", "peer=%zu error=%s why=%s", peer,
				 strerrorname_np(-r), why ? why : "-");
		lose_peer(s, peer);
		return false;
	}
	if (peer == MONITOR ? from_monitor(s) : from_broker(s))
		return true;
	log_error("bad-message", "peer=%zu type=%s", peer,
		  msg_type_name(s->in.type));
	end(s, -EPROTO);
	return false;
}

/* Whatever is readable now, of both peers in turn: while one transaction is on
 * its way to the disk the next gathers. */
static void on_readable(void *arg, int, short)
{
	struct serve *s = arg;
	bool more = true;

	while (more) {
		more = take_message(s, MONITOR);
		more = take_message(s, BROKER) || more;
	}
	work(s);
}

/* --- start and end ------------------------------------------------------- */

/* "ID/OPENED", or "none" */
static int take_last(struct span text, struct db_bounds *b)
{
	const size_t n = sizeof(b->last_id) - 1;
	uint8_t id[16];

	if (span_is(text, "last=none"))
		return 0;
	if (text.n < 5 + n + 2 || memcmp(text.p, "last=", 5) != 0 ||
	    text.p[5 + n] != '/' ||
	    hex_decode(id, sizeof(id), span_of(text.p + 5, n)) < 0)
		return -EPROTO;
	(void)str_copy(b->last_id, sizeof(b->last_id), span_of(text.p + 5, n));
	return num_parse(span_of(text.p + 6 + n, text.n - 6 - n), 1, INT64_MAX,
			 &b->last_opened) < 0
		       ? -EPROTO
		       : 0;
}

/* "items=N bytes=N ...", and perhaps "spare" */
static int take_bounds(struct span arg, struct db_bounds *b)
{
	static const char spare[] = "spare ";
	const size_t k = strlen(spare);
	const struct {
		const char *name;
		uint64_t *at;
	} rows[] = {
		{ "items=", &b->items },	   { "bytes=", &b->bytes },
		{ "per_source=", &b->per_source }, { "reserve=", &b->reserve },
		{ "history=", &b->history },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		size_t name = strlen(rows[i].name);
		const uint8_t *blank = arg.n ? memchr(arg.p, ' ', arg.n) : NULL;
		size_t n = blank ? (size_t)(blank - arg.p) : arg.n;

		if (n <= name || memcmp(arg.p, rows[i].name, name) != 0 ||
		    num_parse(span_of(arg.p + name, n - name), 0, INT64_MAX,
			      rows[i].at) < 0)
			return -EPROTO;
		n += blank ? 1 : 0;
		arg = span_of(arg.p + n, arg.n - n);
	}
	b->spare = arg.n > k && !memcmp(arg.p, spare, k);
	if (b->spare)
		arg = span_of(arg.p + k, arg.n - k);
	return !b->items || !b->per_source ? -EPROTO : take_last(arg, b);
}

static int take_hello(struct serve *s, struct db_bounds *b)
{
	const char *why = NULL;
	int r = chan_recv(&s->peers[MONITOR], &s->in, &why);

	if (r <= 0)
		return r < 0 ? r : -EPIPE;
	if (s->in.type != MSG_HELLO)
		return -EPROTO;
	s->ids = s->in.ids;
	return take_bounds(s->in.hello.arg, b);
}

static int start(struct serve *s, int dir)
{
	struct db_bounds b = { 0 };
	struct err err = { 0 };
	size_t i;
	int r = take_hello(s, &b);

	if (r < 0)
		return r;
	r = db_open(&s->db, dir, &b, &err);
	if (r < 0) {
		log_error("database", "%s", err.msg);
		s->out.text.text = span_str(err.msg);
		say(s, MONITOR, MSG_S_FAIL);
		return r;
	}
	if (s->db.state.recovered)
		log_info("recovered", "items=%llu",
			 (unsigned long long)s->db.state.recovered);
	s->out.s_state = s->db.state;
	say(s, MONITOR, MSG_S_STATE);
	s->out.empty = (struct m_empty){ 0 };
	say(s, MONITOR, MSG_READY);
	for (i = 0; i < SERVE_PEERS && r == 0; i++) {
		r = fd_nonblock(s->peers[i].fd, true);
		if (r == 0)
			r = loop_add(&s->loop, s->peers[i].fd, POLLIN,
				     on_readable, s);
	}
	return r;
}

/* Asked to stop, not left alone: what is at work was not at fault. */
static int finish(struct serve *s)
{
	int r = s->result;

	if (r == 0)
		r = db_begin(&s->db);
	if (r == 0 && s->peers[MONITOR].fd >= 0)
		r = db_release(&s->db);
	if (r == 0)
		r = db_commit(&s->db);
	return r;
}

int serve_run(struct serve *s, int monitor, int broker, int dir)
{
	const int fds[SERVE_PEERS] = { monitor, broker };
	size_t i;
	int r = 0;

	*s = (struct serve){ .lazy_timer = -1,
			     .retry_timer = -1,
			     .peers = { { .fd = -1 }, { .fd = -1 } } };
	loop_init(&s->loop);
	for (i = 0; i < SERVE_PEERS && r == 0; i++)
		r = chan_init(&s->peers[i], fds[i]);
	/* Items come with a descriptor. */
	s->spare = -1;
	s->peers[MONITOR].spare = &s->spare;
	if (r == 0)
		r = start(s, dir);
	if (r == 0) {
		tell_counts(s);
		r = loop_run(&s->loop);
		if (r == 0)
			r = finish(s);
		if (r < 0)
			log_error("failed", "%s", s->db.err.msg);
	}
	drop_answers(s, false);
	s->try_puts = false;
	for (i = 0; i < s->n_puts; i++)
		request_free(&s->puts[i]);
	for (i = 0; i < s->n_batch; i++)
		request_free(&s->batch[i]);
	db_close(&s->db);
	for (i = 0; i < SERVE_PEERS; i++)
		chan_done(&s->peers[i]);
	return r;
}
