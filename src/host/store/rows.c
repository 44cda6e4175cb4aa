/*
 * rows: what the broker keeps for itself, as keys and values that mean nothing
 * here. Each kind has its bounds, so that none takes the room of the others;
 * how many there are of each is counted in memory.
 */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>

#include "base/str.h"
#include "db.h"
#include "sql.h"

static const struct {
	uint32_t rows;	/* at most */
	uint32_t bytes; /* of a value */
} bounds[] = {
	[ROW_STATE] = { 16384, 4 << 10 },
	[ROW_APPROVAL] = { 2048, LIMIT_ROW },
	[ROW_TASK] = { 4096, LIMIT_ROW },
	[ROW_CLAUSE] = { 512, 16 << 10 },
	[ROW_SECRET] = { 65536, 4 << 10 },
	[ROW_KILL] = { 256, 4 << 10 },
	[ROW_ASIDE] = { 32768, LIMIT_ROW },
	[ROW_CHAT] = { 4096, 16 << 10 },
	[ROW_MEMORY] = { 256, LIMIT_ROW },
};

static_assert(ARRAY_SIZE(bounds) == ROW_KIND_MAX, "bounds each");

int rows_count(struct db *d)
{
	sqlite3_stmt *s = sql_use(d, ST_ROW_COUNT);
	int r;

	memset(d->rows, 0, sizeof(d->rows));
	while ((r = sql_row(d, s)) == 1) {
		uint64_t kind = sql_u64(s, 0);

		if (kind == 0 || kind >= ROW_KIND_MAX)
			return sql_fail(d, -EBADMSG,
					"%s: rows of no kind that is known",
					DB_FILE);
		d->rows[kind] = sql_u64(s, 1);
	}
	return r;
}

static bool kind_known(unsigned kind)
{
	return kind > 0 && kind < ROW_KIND_MAX;
}

/* 1: there is such a row. */
static int find(struct db *d, const struct m_r_row *m)
{
	sqlite3_stmt *s = sql_use(d, ST_ROW_FIND);
	int r;

	sql_bind_u64(s, 1, m->kind);
	sql_bind(s, 2, m->key);
	r = sql_row(d, s);
	(void)sqlite3_reset(s);
	return r;
}

/* Whether there is room for all, before any is changed: one that is put twice
 * counts twice, one that goes leaves no room yet. */
static int may_put(struct db *d, const struct m_r_put *m)
{
	uint64_t more[ROW_KIND_MAX] = { 0 };
	uint32_t i;
	int r;

	for (i = 0; i < m->n; i++) {
		const struct m_r_row *row = &m->rows[i];

		if (!kind_known(row->kind) || row->key.n == 0)
			return sql_fail(d, -EINVAL,
					"a row without kind or key");
		if (row->value.n > bounds[row->kind].bytes)
			return sql_fail(d, -EINVAL,
					"a row of %zu bytes: at most %" PRIu32
					" of its kind",
					row->value.n, bounds[row->kind].bytes);
		r = row->value.n ? find(d, row) : 1;
		if (r < 0)
			return r;
		more[row->kind] += r ? 0 : 1;
		if (more[row->kind] && d->rows[row->kind] + more[row->kind] >
					       bounds[row->kind].rows)
			return sql_fail(d, -EINVAL,
					"there are %" PRIu64
					" rows of the kind: no room for more",
					d->rows[row->kind]);
	}
	return 0;
}

static int put(struct db *d, const struct m_r_row *m)
{
	int r = find(d, m);
	const bool there = r == 1;
	sqlite3_stmt *s;

	if (r < 0 || (!there && m->value.n == 0))
		return r;
	s = sql_use(d, m->value.n ? ST_ROW_PUT : ST_ROW_DROP);
	sql_bind_u64(s, 1, m->kind);
	sql_bind(s, 2, m->key);
	if (m->value.n)
		sql_bind(s, 3, m->value);
	r = sql_run(d, s);
	(void)sqlite3_clear_bindings(s);
	if (r < 0)
		return r;
	/* A note that gives way to another is gone, too. */
	d->erased |= (m->value.n == 0 && m->kind == ROW_ASIDE) ||
		     (there && m->kind == ROW_MEMORY);
	if (m->value.n == 0)
		d->rows[m->kind]--;
	else if (!there)
		d->rows[m->kind]++;
	return 0;
}

int db_rows_put(struct db *d, const struct m_r_put *m)
{
	int r = may_put(d, m);
	uint32_t i;

	for (i = 0; i < m->n && r == 0; i++)
		r = put(d, &m->rows[i]);
	return r;
}

int db_rows_next(struct db *d, const struct m_r_next *m, struct m_r_row *ret)
{
	sqlite3_stmt *s = sql_use(d, ST_ROW_NEXT);
	int r;

	sql_bind_u64(s, 1, m->kind);
	sql_bind(s, 2, m->after);
	r = sql_row(d, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret = (struct m_r_row){ .kind = m->kind,
				 .key = sql_span(s, 0),
				 .value = sql_span(s, 1) };
	if (ret->key.n > LIMIT_ROW_KEY || ret->value.n > LIMIT_ROW)
		return sql_fail(d, -EBADMSG, "%s: a row over its limits",
				DB_FILE);
	return 0;
}
