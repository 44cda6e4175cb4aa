/*
 * queue: the items of the store, from accepted to their verdict. What waits
 * and what is at work is counted for each source in memory, so that bounds and
 * turns cost no look at the tables.
 */
#include <errno.h>
#include <inttypes.h>
#include <sys/mman.h>
#include <sys/statvfs.h>

#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "db.h"
#include "sql.h"
#include "store.h"

struct db_source *db_source(struct db *d, struct span name)
{
	size_t i;

	for (i = 0; i < DB_SOURCES; i++)
		if (d->sources[i].name[0] && span_is(name, d->sources[i].name))
			return &d->sources[i];
	return NULL;
}

/* Its row, or a free one, or that of a source with nothing in the queue. */
static struct db_source *source_row(struct db *d, struct span name)
{
	struct db_source *s = db_source(d, name);
	size_t i;

	for (i = 0; i < DB_SOURCES && !s; i++) {
		struct db_source *t = &d->sources[i];

		if (t->waiting || t->taken || t->blocked ||
		    (t->name[0] && t->changed))
			continue;
		*t = (struct db_source){ .turn = d->turn };
		if (str_copy(t->name, sizeof(t->name), name) == 0)
			s = t;
		else
			break;
	}
	return s;
}

int queue_count(struct db *d)
{
	sqlite3_stmt *s = sql_use(d, ST_SOURCES);
	size_t i;
	int r;

	for (i = 0; i < DB_SOURCES; i++) {
		struct db_source *t = &d->sources[i];

		t->changed |= t->waiting || t->taken;
		t->waiting = t->taken = t->bytes = 0;
	}
	while ((r = sql_row(d, s)) > 0) {
		struct db_source *t = source_row(d, sql_span(s, 0));

		if (!t)
			return sql_fail(d, -EBADMSG,
					"%s: more than %d sources wait",
					DB_FILE, DB_SOURCES);
		if (sql_u64(s, 1) == ITEM_WAITING)
			t->waiting = sql_u64(s, 2);
		else
			t->taken = sql_u64(s, 2);
		t->bytes += sql_u64(s, 3);
		t->changed = true;
	}
	return r;
}

/* #syscalls:store fstatfs */
static int disk_room(struct db *d, uint64_t size)
{
	struct statvfs st;
	uint64_t left;

	if (d->bounds.reserve == 0 || fstatvfs(d->dir, &st) < 0)
		return 0;
	left = (uint64_t)st.f_bavail * st.f_frsize;
	if (left >= d->bounds.reserve && left - d->bounds.reserve >= size)
		return 0;
	return sql_fail(d, -EAGAIN,
			"the disk has %" PRIu64 " MiB left, of which %" PRIu64
			" are kept for verdicts and the log",
			left >> 20, d->bounds.reserve >> 20);
}

/* A source's share of the bytes is its share of the items. */
static int room(struct db *d, const struct db_source *s, uint64_t size)
{
	const struct db_bounds *b = &d->bounds;
	uint64_t share = b->bytes / b->items * b->per_source;
	uint64_t items = 0, bytes = 0;
	size_t i;

	for (i = 0; i < DB_SOURCES; i++) {
		items += d->sources[i].waiting + d->sources[i].taken;
		bytes += d->sources[i].bytes;
	}
	/* One is always taken, or the bound would stop it for ever. */
	if (s->waiting + s->taken == 0 && items < b->items)
		return disk_room(d, size);
	if (s->waiting + s->taken >= b->per_source)
		return sql_fail(d, -EAGAIN,
				"%" PRIu64 " items of this source wait",
				s->waiting + s->taken);
	if (items >= b->items)
		return sql_fail(d, -EAGAIN, "%" PRIu64 " items wait", items);
	if (s->bytes + size > share || bytes + size > b->bytes)
		return sql_fail(d, -EAGAIN, "items of %" PRIu64 " MiB wait",
				(s->bytes + size > share ? s->bytes : bytes) >>
					20);
	return disk_room(d, size);
}

static int put_body(struct db *d, uint64_t item, int fd, uint64_t size)
{
	sqlite3_stmt *s = sql_use(d, ST_BODY_ADD);
	void *p = NULL;
	int r;

	if (size) {
		p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
		if (p == MAP_FAILED)
			return sql_fail(d, -errno, "an item cannot be read");
	}
	sql_bind_u64(s, 1, item);
	sql_bind(s, 2, span_of(p, size));
	r = sql_run(d, s);
	(void)sqlite3_clear_bindings(s);
	if (p)
		(void)munmap(p, size);
	return r;
}

/* #syscalls:store fcntl int1=F_GET_SEALS */
static int add(struct db *d, const struct m_q_put *m, int fd, uint64_t *item)
{
	ssize_t size = memfd_sealed_size(fd, LIMIT_ITEM);
	sqlite3_stmt *s;
	int r;

	if (size < 0 || (uint64_t)size != m->size)
		return sql_fail(d, -EINVAL, "not a sealed item of its size");
	s = sql_use(d, ST_ITEM_ADD);
	(void)sqlite3_bind_text64(s, 1, (const char *)m->source.p, m->source.n,
				  SQLITE_STATIC, SQLITE_UTF8);
	sql_bind(s, 2, m->key);
	sql_bind(s, 3, span_of(m->sha256, SHA256_LEN));
	sql_bind_u64(s, 4, m->size);
	sql_bind_u64(s, 5, d->now_s);
	r = sql_run(d, s);
	if (r < 0)
		return r;
	*item = (uint64_t)sqlite3_last_insert_rowid(d->sql);
	return put_body(d, *item, fd, m->size);
}

/* 1 and what is known of it, or 0. */
static int known(struct db *d, const struct m_q_put *m, struct m_q_kept *ret)
{
	sqlite3_stmt *s = sql_use(d, ST_ITEM_FIND);
	int r;

	(void)sqlite3_bind_text64(s, 1, (const char *)m->source.p, m->source.n,
				  SQLITE_STATIC, SQLITE_UTF8);
	sql_bind(s, 2, m->key);
	r = sql_row(d, s);
	if (r <= 0)
		return r;
	ret->item = sql_u64(s, 0);
	ret->kept = sql_u64(s, 1) == ITEM_ENDED ? KEPT_DONE : KEPT_KNOWN;
	ret->verdict = (uint8_t)sql_u64(s, 2);
	(void)sqlite3_reset(s);
	return 1;
}

int db_put(struct db *d, const struct m_q_put *m, int fd, struct m_q_kept *ret)
{
	struct m_q_kept kept = { m->source, m->key, 0, KEPT_NEW, ITEM_PENDING };
	struct db_source *s;
	int r;

	if (!m->source.n || !m->key.n || m->key.n > DB_KEY_MAX)
		return sql_fail(d, -EINVAL, "an item without source or key");
	r = known(d, m, &kept);
	if (r < 0)
		return r;
	if (r == 0) {
		s = source_row(d, m->source);
		if (!s)
			return sql_fail(d, -EAGAIN, "too many sources wait");
		r = room(d, s, m->size);
		if (r == 0)
			r = add(d, m, fd, &kept.item);
		if (r < 0)
			return r;
		s->waiting++;
		s->bytes += m->size;
		s->changed = true;
	}
	*ret = kept;
	return 0;
}

/* The source whose turn it is: that which was served the longest time ago. */
static struct db_source *next_source(struct db *d)
{
	struct db_source *next = NULL;
	size_t i;

	for (i = 0; i < DB_SOURCES; i++) {
		struct db_source *s = &d->sources[i];

		if (s->waiting && (!next || s->turn < next->turn))
			next = s;
	}
	return next;
}

/* #syscalls:store memfd_create ftruncate fcntl int1=F_ADD_SEALS */
static int body_memfd(struct db *d, const struct m_q_item *m)
{
	sqlite3_stmt *s = sql_use(d, ST_BODY_GET);
	uint8_t sum[SHA256_LEN];
	struct sha256 h;
	struct span bytes = { 0 };
	int r;

	sql_bind_u64(s, 1, m->item);
	r = sql_row(d, s);
	if (r < 0)
		return r;
	if (r)
		bytes = sql_span(s, 0);
	sha256_init(&h);
	sha256_add(&h, bytes);
	sha256_final(&h, sum);
	if (!r || bytes.n != m->size || memcmp(sum, m->sha256, SHA256_LEN) != 0)
		return sql_fail(d, -EBADMSG,
				"%s: the bytes of item %" PRIu64
				" are not those that came",
				DB_FILE, m->item);
	r = memfd_sealed("item", bytes);
	(void)sqlite3_reset(s);
	return r < 0 ? sql_fail(d, r, "no memory for an item") : r;
}

/* The oldest of a source, as it stands in its row. */
static int look_at_next(struct db *d, const struct db_source *from,
			struct db_item *ret)
{
	sqlite3_stmt *s = sql_use(d, ST_ITEM_NEXT);
	struct span key, sum;
	int r;

	(void)sqlite3_bind_text(s, 1, from->name, -1, SQLITE_STATIC);
	r = sql_row(d, s);
	if (r < 0)
		return r;
	key = r ? sql_span(s, 1) : (struct span){ 0 };
	sum = r ? sql_span(s, 2) : (struct span){ 0 };
	if (!r || key.n > sizeof(ret->key) || sum.n != SHA256_LEN)
		return sql_fail(d, -EBADMSG, "%s: its items do not add up",
				DB_FILE);
	ret->m = (struct m_q_item){ .item = sql_u64(s, 0),
				    .attempt = (uint32_t)sql_u64(s, 4) + 1,
				    .size = sql_u64(s, 3) };
	memcpy(ret->key, key.p, key.n);
	memcpy(ret->m.sha256, sum.p, sum.n);
	ret->m.key = span_of(ret->key, key.n);
	(void)str_printf(ret->source, sizeof(ret->source), "%s", from->name);
	ret->m.source = span_str(ret->source);
	(void)sqlite3_reset(s);
	return 0;
}

int db_task_number(struct db *d, uint64_t *ret)
{
	int r = sql_meta(d, "tasks", ret);

	return r < 0 ? r : sql_meta_set(d, "tasks", ++*ret);
}

int db_take(struct db *d, struct db_item *ret)
{
	struct db_source *from = next_source(d);
	sqlite3_stmt *s;
	uint64_t task = 0;
	int r;

	if (!from)
		return -ENOENT;
	r = look_at_next(d, from, ret);
	if (r < 0)
		return r;
	/* Before anything is changed: there may be no memory for it now. */
	ret->fd = body_memfd(d, &ret->m);
	if (ret->fd < 0)
		return ret->fd;
	r = db_task_number(d, &task);
	ret->m.task = task;
	if (r == 0) {
		s = sql_use(d, ST_ITEM_TAKE);
		sql_bind_u64(s, 1, ret->m.item);
		sql_bind_u64(s, 2, task);
		r = sql_run(d, s);
	}
	if (r < 0) {
		fd_close(&ret->fd);
		return r;
	}
	from->waiting--;
	from->taken++;
	from->turn = ++d->turn;
	from->changed = true;
	return 0;
}

/* Which source a live item counts for. */
static int item_source(struct db *d, uint64_t item, struct db_source **ret,
		       uint64_t *size)
{
	sqlite3_stmt *s = sql_use(d, ST_ITEM_SOURCE);
	struct db_source *from;
	uint64_t state;
	int r;

	sql_bind_u64(s, 1, item);
	r = sql_row(d, s);
	if (r < 0)
		return r;
	if (r == 0)
		return sql_fail(d, -EINVAL, "there is no item %" PRIu64, item);
	from = db_source(d, sql_span(s, 0));
	*size = sql_u64(s, 1);
	state = sql_u64(s, 2);
	(void)sqlite3_reset(s);
	*ret = from;
	if (state != ITEM_TAKEN || !from)
		return sql_fail(d, -EINVAL, "item %" PRIu64 " is not at work",
				item);
	return 0;
}

/* The oldest of those that ended, once there are more than are kept. */
static int forget_oldest(struct db *d)
{
	sqlite3_stmt *s = sql_use(d, ST_ITEM_OLDEST);
	uint64_t item;
	int r;

	if (d->ended <= d->bounds.history)
		return 0;
	r = sql_row(d, s);
	if (r <= 0)
		return r;
	item = sql_u64(s, 0);
	(void)sqlite3_reset(s);
	s = sql_use(d, ST_EFFECTS_DROP);
	sql_bind_u64(s, 1, item);
	r = sql_run(d, s);
	if (r < 0)
		return r;
	s = sql_use(d, ST_ITEM_DROP);
	sql_bind_u64(s, 1, item);
	r = sql_run(d, s);
	if (r == 0)
		d->ended--;
	return r;
}

int db_item_done(struct db *d, const struct m_i_done *m)
{
	struct db_source *from = NULL;
	uint64_t size = 0;
	sqlite3_stmt *s;
	int r;

	if (m->verdict == ITEM_PENDING || m->verdict >= ITEM_VERDICT_MAX)
		return sql_fail(d, -EINVAL, "no verdict");
	r = item_source(d, m->item, &from, &size);
	if (r < 0 || !from)
		return r < 0 ? r : -EINVAL;
	s = sql_use(d, ST_ITEM_DONE);
	sql_bind_u64(s, 1, m->item);
	sql_bind_u64(s, 2, m->verdict);
	sql_bind(s, 3, m->fault);
	sql_bind_u64(s, 4, m->reader_us);
	sql_bind(s, 5, m->envelope_from);
	sql_bind_u64(s, 6, d->now_s);
	sql_bind_u64(s, 7, m->task);
	r = sql_run(d, s);
	if (r < 0)
		return r;
	s = sql_use(d, ST_BODY_DROP);
	sql_bind_u64(s, 1, m->item);
	r = sql_run(d, s);
	if (r < 0)
		return r;
	d->ended++;
	r = sql_ended(d, m->verdict);
	if (r < 0)
		return r;
	r = forget_oldest(d);
	if (r < 0)
		return r;
	from->taken--;
	from->bytes -= size;
	from->changed = true;
	return 0;
}

int db_item_recorded(struct db *d, uint64_t item)
{
	sqlite3_stmt *s = sql_use(d, ST_ITEM_RECORDED);

	sql_bind_u64(s, 1, item);
	return sql_run(d, s);
}

int db_release(struct db *d)
{
	return sql_run(d, sql_use(d, ST_RELEASE));
}

/* What a restart has to say of an item that was at work. */
static uint8_t verdict_due(const struct m_i_row *row, bool had_effect)
{
	if (row->state != ITEM_TAKEN)
		return row->verdict;
	if (had_effect)
		return ITEM_INTERRUPTED;
	return row->attempts >= STORE_ATTEMPTS ? ITEM_GIVEN_UP : ITEM_PENDING;
}

int db_item_get(struct db *d, const struct m_s_get *m, struct m_i_row *ret)
{
	enum stmt which = m->which == S_OPEN ? ST_ITEM_OPEN : ST_ITEM_GET;
	uint64_t after = 0;
	int r = sql_after(d, ST_ITEM_SKIP, m, &after);
	sqlite3_stmt *s;

	if (r < 0)
		return r;
	s = sql_use(d, which);
	sql_bind_u64(s, 1, after);
	r = sql_row(d, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	*ret = (struct m_i_row){
		.item = sql_u64(s, 0),
		.task = sql_u64(s, 1),
		.source = sql_span(s, 2),
		.key = sql_span(s, 3),
		.size = sql_u64(s, 4),
		.state = (uint8_t)sql_u64(s, 5),
		.attempts = (uint32_t)sql_u64(s, 6),
		.verdict = (uint8_t)sql_u64(s, 7),
		.fault = sql_span(s, 8),
		.reader_us = sql_u64(s, 9),
		.envelope_from = sql_span(s, 10),
		.came_s = sql_u64(s, 11),
		.ended_s = sql_u64(s, 12),
	};
	ret->verdict = verdict_due(ret, sql_u64(s, 13) != 0);
	return 0;
}
