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
	[EFFECT_STARTED] =
		1 << EFFECT_DONE | 1 << EFFECT_FAILED | 1 << EFFECT_UNKNOWN,
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

int db_effect_plan(struct db *d, const struct m_e_plan *m, uint64_t *ret)
{
	static struct msg plan; /* large */
	CLEAN_BUF struct buf b;
	sqlite3_stmt *s;
	int r = may_plan(d, m);

	buf_init(&b, LIMIT_MSG);
	if (r < 0)
		return r;
	plan.type = MSG_E_PLAN;
	plan.e_plan = *m;
	msg_encode(&b, &plan);
	if (!buf_ok(&b))
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
	static struct msg plan;
	const char *why;
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
	if (msg_decode(sql_span(s, 10), &plan, &why) < 0 ||
	    plan.type != MSG_E_PLAN)
		return sql_fail(d, -EBADMSG,
				"%s: what effect %" PRIu64 " was to do cannot "
				"be read",
				DB_FILE, sql_u64(s, 0));
	*ret = (struct m_e_row){
		.effect = sql_u64(s, 0),
		.item = sql_u64(s, 1),
		.task = sql_u64(s, 2),
		.repeats = sql_u64(s, 3),
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
