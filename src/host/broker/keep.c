/*
 * keep: what the broker has the store keep, so that a restart finds it: the
 * state of each effect, the verdict of each item; and what a restart does with
 * what it finds.
 *
 * Each call waits until it is durable. A store that does not answer ends the
 * broker, as a log that cannot be written does: nothing executes that would not
 * be known afterwards. That the store refuses is told to the caller, who then
 * does not act either.
 */
#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/log.h"
#include "base/str.h"
#include "host/broker/broker.h"

enum { STORE_SECONDS = 60 };

/* #syscalls:broker setsockopt int1=SOL_SOCKET int2=SO_RCVTIMEO */
void keep_init(struct broker *b, int fd)
{
	const struct timeval limit = { .tv_sec = STORE_SECONDS };

	if (chan_init(&b->store, fd) < 0 ||
	    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit)) <
		    0 ||
	    setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit)) < 0)
		die("the store's channel cannot be used");
}

/* Sends b->ask. */
static void say(struct broker *b, enum msg_type t)
{
	int r;

	b->ask.type = t;
	b->ask.ids = b->ids;
	r = chan_send(&b->store, &b->ask, NULL, 0);
	if (r < 0)
		die("the store does not take a message: errno %d", -r);
}

/* Sends b->ask and waits for the answer, in b->kept. */
static enum msg_type ask(struct broker *b, enum msg_type t)
{
	const char *why = NULL;
	int r;

	say(b, t);
	r = chan_recv(&b->store, &b->kept, &why);
	if (r != 1)
		die("the store does not answer: %s",
		    why ? why : strerrorname_np(r < 0 ? -r : EPIPE));
	return b->kept.type;
}

/* True: it is kept. False: the store's words are in b->keep_why. */
static bool ask_ok(struct broker *b, enum msg_type t)
{
	struct span why;

	if (ask(b, t) == MSG_S_OK)
		return true;
	if (b->kept.type != MSG_S_FAIL)
		die("the store answers %s with %s", msg_type_name(t),
		    msg_type_name(b->kept.type));
	why = b->kept.text.text;
	if (why.n >= sizeof(b->keep_why))
		why.n = sizeof(b->keep_why) - 1;
	if (str_copy(b->keep_why, sizeof(b->keep_why), why) < 0)
		(void)str_printf(b->keep_why, sizeof(b->keep_why), "refused");
	log_warn("store-refused", "what=%s %s", msg_type_name(t), b->keep_why);
	return false;
}

uint64_t keep_task_number(struct broker *b)
{
	b->ask.empty = (struct m_empty){ 0 };
	return ask_ok(b, MSG_T_NUMBER) ? b->kept.s_ok.id : 0;
}

uint64_t keep_plan(struct broker *b, const struct m_e_plan *m)
{
	b->ask.e_plan = *m;
	return ask_ok(b, MSG_E_PLAN) ? b->kept.s_ok.id : 0;
}

bool keep_started(struct broker *b, uint64_t effect, uint64_t index)
{
	b->ask.e_started = (struct m_e_started){ effect, index };
	return ask_ok(b, MSG_E_STARTED);
}

bool keep_outcome(struct broker *b, uint64_t effect, enum effect_state s,
		  struct span detail)
{
	b->ask.e_outcome = (struct m_e_outcome){ effect, (uint8_t)s, detail };
	return ask_ok(b, MSG_E_OUTCOME);
}

void keep_recorded(struct broker *b, enum msg_type t, uint64_t id)
{
	b->ask.s_ref.id = id;
	say(b, t);
}

bool keep_verdict(struct broker *b, const struct m_i_done *m)
{
	b->ask.i_done = *m;
	if (ask_ok(b, MSG_I_DONE))
		return true;
	if (!span_is(SPAN_LIT(STORE_FULL), b->keep_why))
		/* It is run again by the next broker: better than a verdict
		 * that nobody keeps. */
		die("a verdict cannot be kept: %s", b->keep_why);
	return false;
}

static bool row(struct broker *b, enum msg_type t, const struct m_s_get *m)
{
	const enum msg_type want = t == MSG_I_GET ? MSG_I_ROW : MSG_E_ROW;
	enum msg_type got;

	b->ask.s_get = *m;
	got = ask(b, t);
	if (got != want && got != MSG_S_NONE)
		die("the store answers %s with %s", msg_type_name(t),
		    msg_type_name(got));
	return got == want;
}

const struct m_i_row *keep_item(struct broker *b, const struct m_s_get *m)
{
	return row(b, MSG_I_GET, m) ? &b->kept.i_row : NULL;
}

const struct m_e_row *keep_effect(struct broker *b, const struct m_s_get *m)
{
	return row(b, MSG_E_GET, m) ? &b->kept.e_row : NULL;
}

/* --- rows of our own ----------------------------------------------------- */

static void rows_drop(struct broker *b)
{
	buf_done(&b->rows);
	b->put.n = 0;
	b->rows_bad = false;
}

static void gather(struct broker *b, enum row_kind kind, struct span key,
		   struct span value)
{
	struct m_r_row *r = &b->put.rows[b->put.n];

	if (b->put.n == 0)
		buf_init(&b->rows, LIMIT_MSG);
	if (b->put.n == LIMIT_ROWS) {
		b->rows_bad = true;
		return;
	}
	buf_span(&b->rows, key);
	buf_span(&b->rows, value);
	*r = (struct m_r_row){ .kind = (uint8_t)kind,
			       .key = { NULL, key.n },
			       .value = { NULL, value.n } };
	b->put.n++;
}

/* What was gathered, as b->ask. False: it is more than one message takes. */
static bool rows_ask(struct broker *b)
{
	CLEAN_BUF struct buf size = { 0 };
	size_t at = 0;
	uint32_t i;

	if (b->rows_bad || !buf_ok(&b->rows))
		return false;
	for (i = 0; i < b->put.n; i++) {
		struct m_r_row *r = &b->put.rows[i];

		r->key = buf_part(&b->rows, at, r->key.n);
		at += r->key.n;
		r->value = buf_part(&b->rows, at, r->value.n);
		at += r->value.n;
	}
	b->ask.type = MSG_R_PUT;
	b->ask.r_put = b->put;
	buf_init(&size, LIMIT_MSG);
	msg_encode(&size, &b->ask);
	return buf_ok(&size);
}

bool keep_row(struct broker *b, enum row_kind kind, struct span key,
	      struct span value, bool more)
{
	bool ok;

	gather(b, kind, key, value);
	if (more)
		return true;
	ok = rows_ask(b);
	if (!ok)
		(void)str_printf(b->keep_why, sizeof(b->keep_why),
				 "more than the store takes at once");
	if (ok)
		ok = ask_ok(b, MSG_R_PUT);
	rows_drop(b);
	return ok;
}

bool keep_row_forget(struct broker *b, enum row_kind kind, struct span key)
{
	return keep_row(b, kind, key, (struct span){ NULL, 0 }, false);
}

const struct m_r_row *keep_row_after(struct broker *b, enum row_kind kind,
				     struct span key)
{
	enum msg_type got;

	b->ask.r_next = (struct m_r_next){ (uint8_t)kind, key };
	got = ask(b, MSG_R_NEXT);
	if (got == MSG_S_NONE)
		return NULL;
	if (got != MSG_R_ROW || b->kept.r_row.key.n == 0)
		die("the store answers %s with %s", msg_type_name(MSG_R_NEXT),
		    msg_type_name(got));
	return &b->kept.r_row;
}

bool keep_rows(struct broker *b, enum row_kind kind,
	       bool (*fn)(void *arg, struct span key, struct span value),
	       void *arg)
{
	uint8_t after[LIMIT_ROW_KEY];
	const struct m_r_row *row;
	size_t n = 0;

	while ((row = keep_row_after(b, kind, span_of(after, n)))) {
		n = row->key.n; /* at most LIMIT_ROW_KEY: decoded */
		memcpy(after, row->key.p, n);
		if (!fn(arg, row->key, row->value))
			return false;
	}
	return true;
}

/* --- after a restart ----------------------------------------------------- */

struct effect_outcome outcome_of(const struct broker *b,
				 const struct m_e_row *e)
{
	struct effect_outcome o = { .effect = e->effect,
				    .index = e->have_index ? e->index
							   : OUTCOME_NO_INDEX,
				    .ids = b->ids };

	o.ids.task = e->task;
	o.ids.span = e->item;
	if (str_copy(o.connector, sizeof(o.connector), e->connector) < 0)
		o.connector[0] = 0;
	return o;
}

static void recover_effect(struct broker *b, const struct m_e_row *e)
{
	struct effect_outcome o = outcome_of(b, e);

	o.state = (enum effect_state)e->state;
	o.detail = e->detail;
	o.again = true;
	if (e->state <= EFFECT_STARTED) {
		o.again = false;
		o.state = e->state == EFFECT_PLANNED ? EFFECT_NOT_EXECUTED
						     : EFFECT_UNKNOWN;
		o.detail = e->state == EFFECT_PLANNED
				   ? SPAN_LIT("bulkhead ended before it was "
					      "started")
				   : SPAN_LIT("bulkhead ended while it was "
					      "under way");
		log_warn("effect-open", "effect=%llu %s",
			 (unsigned long long)o.effect,
			 effect_state_name(o.state));
	}
	/* That answer takes the place of the row. */
	if (!o.again && !keep_outcome(b, o.effect, o.state, o.detail))
		die("an outcome cannot be kept: %s", b->keep_why);
	outcome_audit(b, &o);
	keep_recorded(b, MSG_E_RECORDED, o.effect);
}

/* "effects 12 done, 13 unknown" */
static void name_effects(struct broker *b, uint64_t item, char *ret, size_t cap)
{
	struct m_s_get get = { .item = item };
	const struct m_e_row *e;
	size_t n = 0;

	ret[0] = 0;
	while ((e = keep_effect(b, &get))) {
		int more = str_printf(ret + n, cap - n, "%s%llu %s",
				      n ? ", " : "effects ",
				      (unsigned long long)e->effect,
				      effect_state_name(e->state));

		get.after = e->effect;
		if (more < 0)
			return;
		n += (size_t)more;
	}
}

static void recover_item(struct broker *b, const struct m_i_row *i)
{
	const bool again = i->state == ITEM_ENDED;
	const uint64_t item = i->item, task = i->task;
	const enum item_verdict v = (enum item_verdict)i->verdict;
	struct m_i_done done = { .item = item,
				 .task = i->task,
				 .verdict = i->verdict };
	struct msg_ids ids = b->ids;
	char fault[400], effects[256];

	ids.task = i->task;
	ids.span = item;
	if (again) {
		if (str_copy(fault, sizeof(fault), i->fault) < 0)
			fault[0] = 0;
	} else if (v == ITEM_INTERRUPTED) {
		name_effects(b, item, effects, sizeof(effects));
		(void)str_printf(fault, sizeof(fault),
				 "bulkhead ended in the middle of its task, "
				 "which had had %s",
				 effects);
	} else {
		(void)str_printf(fault, sizeof(fault),
				 "bulkhead ended at each of %u attempts to "
				 "read it",
				 i->attempts);
	}
	utf8_trim(fault);
	done.fault = span_str(fault);
	/* Before anything is at work: the next broker tries again. */
	if (!again && !keep_verdict(b, &done))
		die("a verdict cannot be kept: %s", b->keep_why);
	verdict_record(b, &ids, item, v, fault);
	if (again)
		audit_bool(&b->record, "again", true);
	(void)broker_audit(b, NULL);
	keep_recorded(b, MSG_I_RECORDED, item);
	limits_end_task(b, task);
	if (again)
		return;
	b->out.type = MSG_ITEM_VERDICT;
	b->out.ids = ids;
	b->out.item_verdict = (struct m_item_verdict){ item, (uint8_t)v };
	peer_send(b, peer_of_kind(b, PEER_MONITOR), NULL, 0);
}

void keep_recover(struct broker *b)
{
	struct m_s_get get = { .which = S_OPEN };
	const struct m_e_row *e;
	const struct m_i_row *i;

	while ((e = keep_effect(b, &get))) {
		get.after = e->effect;
		recover_effect(b, e);
	}
	get.after = 0;
	while ((i = keep_item(b, &get))) {
		get.after = i->item;
		/* None is at work yet: one that waits for nothing but a reader
		 * is not ours to end. */
		if (i->state == ITEM_ENDED || i->verdict != ITEM_PENDING)
			recover_item(b, i);
	}
}
