/*
 * effects: each effect from planned to its outcome. A row says what was to be
 * done in the words of the message that planned it, kept as it came.
 */
#include <errno.h>
#include <inttypes.h>

#include "base/str.h"
#include "db.h"
#include "sql.h"

/* Which states may follow each. */
static const uint16_t follows[EFFECT_STATE_MAX] = {
	[EFFECT_PLANNED] = 1 << EFFECT_STARTED | 1 << EFFECT_NOT_EXECUTED,
	/* Not executed: a kill came before it was sent, as the broker knows. */
	[EFFECT_STARTED] = 1 << EFFECT_DONE | 1 << EFFECT_FAILED |
			   1 << EFFECT_UNKNOWN | 1 << EFFECT_NOT_EXECUTED,
	[EFFECT_UNKNOWN] = 1 << EFFECT_SETTLED,
};

/* What the owner may have done once more. */
static const uint16_t repeatable =
	1 << EFFECT_UNKNOWN | 1 << EFFECT_FAILED | 1 << EFFECT_NOT_EXECUTED;

static int state_of(struct db *d, uint64_t effect, enum effect_state *ret)
{
	sqlite3_stmt *s = sql_use(d, ST_EFFECT_STATE);
	uint64_t state;
	int r;

	sql_bind_u64(s, 1, effect);
	r = sql_row(d, s);
	if (r < 0)
		return r;
	if (r == 0)
		return sql_fail(d, -EINVAL, "there is no effect %" PRIu64,
				effect);
	state = sql_u64(s, 0);
	(void)sqlite3_reset(s);
	if (state == 0 || state >= EFFECT_STATE_MAX)
		return sql_fail(d, -EBADMSG,
				"%s: effect %" PRIu64 " is in no "
				"state",
				DB_FILE, effect);
	*ret = (enum effect_state)state;
	return 0;
}

static int may_follow(struct db *d, uint64_t effect, unsigned next)
{
	enum effect_state now = EFFECT_PLANNED;
	int r = state_of(d, effect, &now);

	if (r < 0)
		return r;
	if (next >= EFFECT_STATE_MAX || !(follows[now] & 1u << next))
		return sql_fail(d, -EINVAL,
				"effect %" PRIu64 " is %s: it cannot become %s",
				effect, effect_state_name(now),
				effect_state_name(next));
	return 0;
}

/* The old one is settled by the new: it is repeated once at most. */
static int settle_old(struct db *d, uint64_t old, uint64_t by)
{
	sqlite3_stmt *s;
	char text[64];

	(void)str_printf(text, sizeof(text), "repeated as effect %" PRIu64, by);
	s = sql_use(d, ST_EFFECT_SETTLE);
	sql_bind_u64(s, 1, old);
	sql_bind(s, 2, span_str(text));
	return sql_run(d, s);
}

/* An item's own task ends with it; what the owner wants done about one that has
 * been read is a task of its own. */
static bool item_at_work(sqlite3_stmt *item, uint64_t task)
{
	uint64_t state = sql_u64(item, 2);

	return state == ITEM_TAKEN ||
	       (state == ITEM_ENDED && task && sql_u64(item, 3) != task);
}

static int may_plan(struct db *d, const struct m_e_plan *m)
{
	enum effect_state old = EFFECT_PLANNED;
	sqlite3_stmt *s;
	bool taken;
	int r;

	/* One that was approved, or is nobody's item's, waits for none. */
	if (!m->repeats && (m->ticket || !m->item))
		return 0;
	if (m->repeats) {
		r = state_of(d, m->repeats, &old);
		if (r == 0 && !(repeatable & 1u << old))
			r = sql_fail(d, -EINVAL,
				     "effect %" PRIu64
				     " is %s: only one that is unknown, failed "
				     "or not-executed can be repeated",
				     m->repeats, effect_state_name(old));
		return r;
	}
	s = sql_use(d, ST_ITEM_SOURCE);
	sql_bind_u64(s, 1, m->item);
	r = sql_row(d, s);
	if (r < 0)
		return r;
	taken = r && item_at_work(s, m->task);
	(void)sqlite3_reset(s);
	return taken ? 0
		     : sql_fail(d, -EINVAL, "item %" PRIu64 " is not at work",
				m->item);
}

/* A plan as it lies on disk: the fields of the message behind a version of
 * their own, for messages change with every release and this must not. */
enum { PLAN_VERSION = 2 };

static struct msg plan; /* large */

static bool plan_encode(struct buf *b, const struct m_e_plan *m)
{
	CLEAN_BUF struct buf message;

	buf_init(&message, LIMIT_MSG);
	plan = (struct msg){ .type = MSG_E_PLAN };
	plan.e_plan = *m;
	msg_encode(&message, &plan);
	buf_u8(b, PLAN_VERSION);
	buf_span(b, buf_part(&message, MSG_HEAD, message.n));
	return buf_ok(&message) && buf_ok(b);
}

/* What it borrows lies in b. */
static bool plan_decode(struct buf *b, struct span bytes, struct msg *ret)
{
	const struct m_empty none = { 0 };
	const char *why;

	*ret = (struct msg){ .type = MSG_STOP, .empty = none };
	buf_reset(b);
	msg_encode(b, ret);
	buf_cut(b, MSG_HEAD);
	if (bytes.n < 1 || bytes.p[0] != PLAN_VERSION || !buf_ok(b))
		return false;
	b->p[2] = MSG_E_PLAN & 0xff;
	b->p[3] = MSG_E_PLAN >> 8;
	buf_span(b, span_of(bytes.p + 1, bytes.n - 1));
	return buf_ok(b) && msg_decode(buf_view(b), ret, &why) == 0;
}

/* Version 1 kept the whole message, of version 4, which knew no ticket. */
static bool plan_of_1(struct buf *b, struct span old)
{
	enum { VERSION = 4, HEAD = 36, NUMBERS = 24 };

	buf_reset(b);
	if (old.n < HEAD + NUMBERS || old.p[0] != VERSION || old.p[1] != 0)
		return false;
	buf_u8(b, PLAN_VERSION);
	buf_put(b, old.p + HEAD, NUMBERS);
	buf_u64(b, 0);
	buf_put(b, old.p + HEAD + NUMBERS, old.n - HEAD - NUMBERS);
	return buf_ok(b);
}

int effects_upgrade_1(struct db *d)
{
	sqlite3_stmt *get = NULL, *set = NULL;
	CLEAN_BUF struct buf b;
	int rc, r = 0;

	buf_init(&b, LIMIT_MSG);
	if (sqlite3_prepare_v2(d->sql, "SELECT id, plan FROM effects", -1, &get,
			       NULL) != SQLITE_OK ||
	    sqlite3_prepare_v2(d->sql,
			       "UPDATE effects SET plan = ?2 WHERE id = ?1", -1,
			       &set, NULL) != SQLITE_OK)
		r = sql_fail(d, -EBADMSG, "%s: %s", DB_FILE,
			     sqlite3_errmsg(d->sql));
	while (r == 0 && (rc = sql_row(d, get)) != 0) {
		r = rc < 0 ? rc : 0;
		if (r == 0 && !plan_of_1(&b, sql_span(get, 1)))
			r = sql_fail(d, -EBADMSG,
				     "%s: what effect %" PRIu64
				     " was to do cannot be read",
				     DB_FILE, sql_u64(get, 0));
		if (r < 0)
			break;
		sql_bind_u64(set, 1, sql_u64(get, 0));
		sql_bind(set, 2, buf_view(&b));
		r = sql_run(d, set);
		(void)sqlite3_reset(set);
	}
	(void)sqlite3_finalize(get);
	(void)sqlite3_finalize(set);
	return r;
}

int db_effect_plan(struct db *d, const struct m_e_plan *m, uint64_t *ret)
{
	CLEAN_BUF struct buf b;
	sqlite3_stmt *s;
	int r = may_plan(d, m);

	buf_init(&b, LIMIT_MSG);
	if (r < 0)
		return r;
	if (!plan_encode(&b, m))
		return sql_fail(d, -EINVAL, "an effect over the size limit");
	s = sql_use(d, ST_EFFECT_ADD);
	sql_bind_u64(s, 1, m->item);
	sql_bind_u64(s, 2, m->task);
	sql_bind_u64(s, 3, m->repeats);
	sql_bind(s, 4, buf_view(&b));
	sql_bind_u64(s, 5, d->now_s);
	r = sql_run(d, s);
	(void)sqlite3_clear_bindings(s);
	if (r < 0)
		return r;
	*ret = (uint64_t)sqlite3_last_insert_rowid(d->sql);
	return m->repeats ? settle_old(d, m->repeats, *ret) : 0;
}

int db_effect_started(struct db *d, const struct m_e_started *m)
{
	int r = may_follow(d, m->effect, EFFECT_STARTED);
	sqlite3_stmt *s;

	if (r < 0)
		return r;
	s = sql_use(d, ST_EFFECT_START);
	sql_bind_u64(s, 1, m->effect);
	sql_bind_u64(s, 2, m->index);
	return sql_run(d, s);
}

int db_effect_outcome(struct db *d, const struct m_e_outcome *m)
{
	int r = m->state == EFFECT_STARTED ? sql_fail(d, -EINVAL, "no outcome")
					   : may_follow(d, m->effect, m->state);
	sqlite3_stmt *s;

	if (r < 0)
		return r;
	s = sql_use(d, ST_EFFECT_END);
	sql_bind_u64(s, 1, m->effect);
	sql_bind_u64(s, 2, m->state);
	sql_bind(s, 3, m->detail);
	sql_bind_u64(s, 4, d->now_s);
	return sql_run(d, s);
}

int db_effect_recorded(struct db *d, uint64_t effect)
{
	sqlite3_stmt *s = sql_use(d, ST_EFFECT_RECORDED);

	sql_bind_u64(s, 1, effect);
	return sql_run(d, s);
}

int db_effect_get(struct db *d, const struct m_s_get *m, struct m_e_row *ret)
{
	enum stmt which = m->which == S_OPEN ? ST_EFFECT_OPEN : ST_EFFECT_GET;
	static struct buf bytes = { .max = LIMIT_MSG };
	uint64_t from = 0;
	int r = sql_after(d, ST_EFFECT_SKIP, m, &from);
	sqlite3_stmt *s;

	if (r < 0)
		return r;
	s = sql_use(d, which);
	sql_bind_u64(s, 1, from);
	sql_bind_u64(s, 2, m->item);
	if (which == ST_EFFECT_GET)
		sql_bind_u64(s, 3, m->after);
	r = sql_row(d, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	if (!plan_decode(&bytes, sql_span(s, 10), &plan))
		return sql_fail(d, -EBADMSG,
				"%s: what effect %" PRIu64 " was to do cannot "
				"be read",
				DB_FILE, sql_u64(s, 0));
	*ret = (struct m_e_row){
		.effect = sql_u64(s, 0),
		.item = sql_u64(s, 1),
		.task = sql_u64(s, 2),
		.repeats = sql_u64(s, 3),
		.ticket = plan.e_plan.ticket,
		.state = (uint8_t)sql_u64(s, 4),
		.recorded = sql_u64(s, 5) != 0,
		.have_index = sqlite3_column_type(s, 6) != SQLITE_NULL,
		.index = sql_u64(s, 6),
		.planned_s = sql_u64(s, 7),
		.ended_s = sql_u64(s, 8),
		.detail = sql_span(s, 9),
		.capability = plan.e_plan.capability,
		.connector = plan.e_plan.connector,
		.n = plan.e_plan.n,
	};
	memcpy(ret->args, plan.e_plan.args, sizeof(ret->args));
	return 0;
}

int effects_trim(struct db *d)
{
	sqlite3_stmt *s = sql_use(d, ST_EFFECTS_OLD);

	sql_bind_u64(s, 1, d->bounds.history);
	return sql_run(d, s);
}
