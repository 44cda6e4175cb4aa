/*
 * db: see db.h. Opening, checking, transactions.
 *
 * Theory of operation. One database in WAL mode, synchronous=FULL, so that a
 * commit is one fdatasync of the log beside it and whatever was acknowledged is
 * there after a loss of power. It is locked for as long as it is open, so that
 * no shared memory is needed and no second process can write to it. Freed
 * pages are overwritten with zeros (secure_delete), and used again, so that a
 * full disk still has room for verdicts. Nothing in it is code: no triggers, no
 * views, and each statement of this program stands in the table below.
 */
#include "db.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/str.h"
#include "files.h"
#include "sql.h"
#include "store.h"

/* "BHST", so that file(1) and we can tell it from other databases. */
enum { APPLICATION = 0x42485354 };

static_assert((int)ST_MAX <= (int)DB_STMTS, "a row per statement");

/* The broker's own rows, of version 2 on. */
#define ROWS_TABLE                                                             \
	"CREATE TABLE rows(kind INTEGER NOT NULL, key BLOB NOT NULL,"          \
	" value BLOB NOT NULL, UNIQUE(kind, key)) STRICT;"

/* States are those of enum item_state and enum effect_state. */
static const char schema[] =
	"CREATE TABLE meta(key TEXT PRIMARY KEY, value ANY) STRICT;"
	"CREATE TABLE items("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" source TEXT NOT NULL, key BLOB NOT NULL, sha256 BLOB NOT NULL,"
	" size INTEGER NOT NULL, state INTEGER NOT NULL,"
	" attempts INTEGER NOT NULL DEFAULT 0, task INTEGER NOT NULL DEFAULT 0,"
	" verdict INTEGER NOT NULL DEFAULT 0,"
	" recorded INTEGER NOT NULL DEFAULT 1, fault BLOB,"
	" reader_us INTEGER NOT NULL DEFAULT 0, envelope_from BLOB,"
	" came INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0,"
	" UNIQUE(source, key)) STRICT;"
	"CREATE INDEX items_waiting ON items(source, id) WHERE state = 1;"
	"CREATE INDEX items_open ON items(id) WHERE state < 3 OR recorded = 0;"
	"CREATE TABLE bodies(item INTEGER PRIMARY KEY, bytes BLOB NOT NULL)"
	" STRICT;"
	"CREATE TABLE effects("
	" id INTEGER PRIMARY KEY AUTOINCREMENT,"
	" item INTEGER NOT NULL, task INTEGER NOT NULL,"
	" repeats INTEGER NOT NULL, state INTEGER NOT NULL,"
	" recorded INTEGER NOT NULL DEFAULT 0, log_index INTEGER,"
	" plan BLOB NOT NULL, detail BLOB,"
	" planned INTEGER NOT NULL, ended INTEGER NOT NULL DEFAULT 0) STRICT;"
	"CREATE INDEX effects_item ON effects(item);"
	"CREATE INDEX effects_open ON effects(id)"
	" WHERE state < 3 OR recorded = 0;" ROWS_TABLE;

/* What makes a database of each version one of the next. */
static const struct {
	const char *sql;
	int (*fn)(struct db *d);
} upgrades[DB_VERSION] = {
	[1] = { ROWS_TABLE, effects_upgrade_1 },
};

/* An effect of the item that may have happened: beyond planned, and not known
 * never to have been started. */
#define HAD_EFFECT                                                             \
	"EXISTS(SELECT 1 FROM effects WHERE effects.item = items.id"           \
	" AND effects.state > 1 AND effects.state <> 6)"

#define ITEM_COLUMNS                                                           \
	"SELECT id, task, source, key, size, state, attempts, verdict, fault," \
	" reader_us, envelope_from, came, ended, " HAD_EFFECT " FROM items "

#define EFFECT_COLUMNS                                                         \
	"SELECT id, item, task, repeats, state, recorded, log_index, planned," \
	" ended, detail, plan FROM effects "

static const char *const texts[] = {
	[ST_BEGIN] = "BEGIN IMMEDIATE",
	[ST_COMMIT] = "COMMIT",
	[ST_ROLLBACK] = "ROLLBACK",
	[ST_EMPTY_LOG] = "PRAGMA wal_checkpoint(TRUNCATE)",
	[ST_META_GET] = "SELECT value FROM meta WHERE key = ?1",
	[ST_META_SET] = "INSERT INTO meta VALUES(?1, ?2)"
			" ON CONFLICT(key) DO UPDATE SET value = ?2",
	[ST_SOURCES] = "SELECT source, state, count(*), sum(size) FROM items"
		       " WHERE (state < 3 OR recorded = 0) AND state < 3"
		       " GROUP BY source, state",
	[ST_ENDED] = "SELECT count(*) FROM items WHERE state = 3",
	[ST_ITEM_FIND] = "SELECT id, state, verdict FROM items"
			 " WHERE source = ?1 AND key = ?2",
	[ST_ITEM_ADD] = "INSERT INTO items(source, key, sha256, size, state,"
			" came) VALUES(?1, ?2, ?3, ?4, 1, ?5)",
	[ST_BODY_ADD] = "INSERT INTO bodies VALUES(?1, ?2)",
	[ST_ITEM_NEXT] = "SELECT id, key, sha256, size, attempts FROM items"
			 " WHERE state = 1 AND source = ?1 ORDER BY id LIMIT 1",
	[ST_BODY_GET] = "SELECT bytes FROM bodies WHERE item = ?1",
	[ST_ITEM_TAKE] = "UPDATE items SET state = 2, attempts = attempts + 1,"
			 " task = ?2 WHERE id = ?1 AND state = 1",
	[ST_ITEM_SOURCE] = "SELECT source, size, state, task FROM items"
			   " WHERE id = ?1",
	[ST_ITEM_DONE] = "UPDATE items SET state = 3, verdict = ?2, fault = ?3,"
			 " reader_us = ?4, envelope_from = ?5, ended = ?6,"
			 " task = ?7, recorded = 0 WHERE id = ?1",
	[ST_BODY_DROP] = "DELETE FROM bodies WHERE item = ?1",
	[ST_ITEM_RECORDED] = "UPDATE items SET recorded = 1"
			     " WHERE id = ?1 AND state = 3",
	[ST_ITEM_GET] = ITEM_COLUMNS "WHERE id > ?1 ORDER BY id LIMIT 1",
	[ST_ITEM_OPEN] =
		ITEM_COLUMNS "WHERE id > ?1 AND (state < 3 OR recorded = 0)"
			     " AND state <> 1 ORDER BY id LIMIT 1",
	[ST_ITEM_SKIP] = "SELECT id FROM items ORDER BY id DESC"
			 " LIMIT 1 OFFSET ?1",
	[ST_ITEM_OLDEST] = "SELECT id FROM items WHERE state = 3"
			   " AND recorded = 1 ORDER BY id LIMIT 1",
	[ST_ITEM_DROP] = "DELETE FROM items WHERE id = ?1",
	/* What the owner has not settled is never dropped. */
	[ST_EFFECTS_DROP] = "DELETE FROM effects WHERE item = ?1"
			    " AND recorded = 1 AND state <> 5",
	/* Of items that are forgotten, or of none. */
	[ST_EFFECTS_OLD] = "DELETE FROM effects WHERE recorded = 1"
			   " AND state <> 5 AND id + ?1 <"
			   " (SELECT max(id) FROM effects)"
			   " AND item NOT IN (SELECT id FROM items)",
	[ST_RECOVER] = "UPDATE items SET state = 1 WHERE state = 2"
		       " AND attempts < ?1 AND NOT " HAD_EFFECT,
	[ST_RELEASE] = "UPDATE items SET state = 1, attempts = attempts - 1"
		       " WHERE state = 2 AND NOT " HAD_EFFECT,
	[ST_EFFECT_ADD] = "INSERT INTO effects(item, task, repeats, state,"
			  " plan, planned) VALUES(?1, ?2, ?3, 1, ?4, ?5)",
	[ST_EFFECT_STATE] = "SELECT state, item FROM effects WHERE id = ?1",
	[ST_EFFECT_START] = "UPDATE effects SET state = 2, log_index = ?2"
			    " WHERE id = ?1",
	[ST_EFFECT_END] = "UPDATE effects SET state = ?2, detail = ?3,"
			  " ended = ?4, recorded = 0 WHERE id = ?1",
	[ST_EFFECT_SETTLE] = "UPDATE effects SET state = 7, detail = ?2"
			     " WHERE id = ?1",
	[ST_EFFECT_RECORDED] = "UPDATE effects SET recorded = 1"
			       " WHERE id = ?1 AND state > 2",
	/* What is unknown is never too old to be shown. */
	[ST_EFFECT_GET] =
		EFFECT_COLUMNS "WHERE id > ?3 AND (id > ?1 OR state = 5)"
			       " AND (?2 = 0 OR item = ?2) ORDER BY id LIMIT 1",
	[ST_EFFECT_OPEN] = EFFECT_COLUMNS
	"WHERE id > ?1 AND (?2 = 0 OR item = ?2)"
	" AND (state < 3 OR recorded = 0) ORDER BY id LIMIT 1",
	[ST_EFFECT_SKIP] = "SELECT id FROM effects ORDER BY id DESC"
			   " LIMIT 1 OFFSET ?1",
	[ST_ROW_COUNT] = "SELECT kind, count(*) FROM rows GROUP BY kind",
	[ST_ROW_FIND] = "SELECT 1 FROM rows WHERE kind = ?1 AND key = ?2",
	[ST_ROW_PUT] = "INSERT INTO rows VALUES(?1, ?2, ?3)"
		       " ON CONFLICT(kind, key) DO UPDATE SET value = ?3",
	[ST_ROW_DROP] = "DELETE FROM rows WHERE kind = ?1 AND key = ?2",
	[ST_ROW_NEXT] = "SELECT key, value FROM rows WHERE kind = ?1"
			" AND key > ?2 ORDER BY key LIMIT 1",
};

static_assert(ARRAY_SIZE(texts) == ST_MAX, "a text per statement");
static_assert(ITEM_WAITING == 1 && ITEM_TAKEN == 2 && ITEM_ENDED == 3,
	      "the states of items in the statements");
static_assert(EFFECT_PLANNED == 1 && EFFECT_STARTED == 2 &&
		      EFFECT_UNKNOWN == 5 && EFFECT_NOT_EXECUTED == 6 &&
		      EFFECT_SETTLED == 7,
	      "the states of effects in the statements");

static const char what_to_do[] =
	"to start with an empty queue, move the directory state/store away: "
	"mails without a verdict are read again, effects are in the audit log";

int sql_fail(struct db *d, int code, const char *fmt, ...)
{
	char text[sizeof(d->err.msg)];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	return err_set(&d->err, code, "%s", text);
}

/* What a result code of SQLite means to us; d->err holds its words. */
static int result(struct db *d, int rc)
{
	int code = -EIO;

	switch (rc & 0xff) {
	case SQLITE_OK:
	case SQLITE_ROW:
	case SQLITE_DONE:
		return 0;
	case SQLITE_FULL:
		code = -ENOSPC;
		break;
	case SQLITE_CORRUPT:
	case SQLITE_NOTADB:
	case SQLITE_SCHEMA:
		code = -EBADMSG;
		break;
	case SQLITE_NOMEM:
		code = -ENOMEM;
		break;
	default:
		break;
	}
	return sql_fail(d, code, "%s: %s (%d)", DB_FILE,
			d->sql ? sqlite3_errmsg(d->sql) : sqlite3_errstr(rc),
			rc);
}

sqlite3_stmt *sql_use(struct db *d, enum stmt which)
{
	sqlite3_stmt *s = d->stmts[which];

	(void)sqlite3_reset(s);
	(void)sqlite3_clear_bindings(s);
	return s;
}

int sql_row(struct db *d, sqlite3_stmt *s)
{
	int rc = sqlite3_step(s);

	if (rc == SQLITE_ROW)
		return 1;
	/* The words of the error are gone with the reset. */
	rc = result(d, rc);
	(void)sqlite3_reset(s);
	return rc;
}

int sql_run(struct db *d, sqlite3_stmt *s)
{
	int r;

	do
		r = sql_row(d, s);
	while (r > 0);
	return r;
}

struct span sql_span(sqlite3_stmt *s, int column)
{
	const void *p = sqlite3_column_blob(s, column);

	return span_of(p, (size_t)sqlite3_column_bytes(s, column));
}

uint64_t sql_u64(sqlite3_stmt *s, int column)
{
	sqlite3_int64 v = sqlite3_column_int64(s, column);

	return v > 0 ? (uint64_t)v : 0;
}

void sql_bind(sqlite3_stmt *s, int at, struct span bytes)
{
	/* A NULL pointer would bind NULL. */
	(void)sqlite3_bind_blob64(s, at, bytes.n ? bytes.p : (const void *)"",
				  bytes.n, SQLITE_STATIC);
}

void sql_bind_u64(sqlite3_stmt *s, int at, uint64_t v)
{
	(void)sqlite3_bind_int64(s, at,
				 v > INT64_MAX ? INT64_MAX : (sqlite3_int64)v);
}

int sql_meta(struct db *d, const char *key, uint64_t *ret)
{
	sqlite3_stmt *s = sql_use(d, ST_META_GET);
	int r;

	(void)sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	r = sql_row(d, s);
	if (r < 0)
		return r;
	*ret = r ? sql_u64(s, 0) : 0;
	(void)sqlite3_reset(s);
	return 0;
}

int sql_meta_set(struct db *d, const char *key, uint64_t v)
{
	sqlite3_stmt *s = sql_use(d, ST_META_SET);

	(void)sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	sql_bind_u64(s, 2, v);
	return sql_run(d, s);
}

/* Never forgotten, as the items are. */
static const char *const ended_keys[] = {
	[ITEM_READ] = "ended.read",
	[ITEM_REFUSED] = "ended.refused",
	[ITEM_TASK_FAILED] = "ended.task-failed",
	[ITEM_INTERRUPTED] = "ended.interrupted",
	[ITEM_GIVEN_UP] = "ended.given-up",
};

static_assert(ARRAY_SIZE(ended_keys) == ITEM_VERDICT_MAX, "a key each");

int sql_ended(struct db *d, unsigned verdict)
{
	uint64_t n = 0;
	int r = sql_meta(d, ended_keys[verdict], &n);

	return r < 0 ? r : sql_meta_set(d, ended_keys[verdict], n + 1);
}

static int ended_get(struct db *d)
{
	unsigned v;
	int r = 0;

	for (v = ITEM_READ; v < ITEM_VERDICT_MAX && r == 0; v++)
		r = sql_meta(d, ended_keys[v], &d->state.ended[v]);
	return r;
}

static int meta_bytes(struct db *d, const char *key, uint8_t *ret, size_t n)
{
	sqlite3_stmt *s = sql_use(d, ST_META_GET);
	struct span got;
	int r;

	(void)sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	r = sql_row(d, s);
	if (r <= 0)
		return r < 0 ? r : -ENOENT;
	got = sql_span(s, 0);
	if (got.n == n)
		memcpy(ret, got.p, n);
	(void)sqlite3_reset(s);
	return got.n == n ? 0
			  : sql_fail(d, -EBADMSG, "%s: its %s is no such thing",
				     DB_FILE, key);
}

static int meta_set_bytes(struct db *d, const char *key, struct span bytes)
{
	sqlite3_stmt *s = sql_use(d, ST_META_SET);

	(void)sqlite3_bind_text(s, 1, key, -1, SQLITE_STATIC);
	sql_bind(s, 2, bytes);
	return sql_run(d, s);
}

int sql_after(struct db *d, enum stmt which, const struct m_s_get *m,
	      uint64_t *ret)
{
	sqlite3_stmt *s = sql_use(d, which);
	uint64_t id = 0;
	int r;

	*ret = m->after;
	if (m->which != S_NEWEST)
		return 0;
	sql_bind_u64(s, 1, m->newest);
	r = sql_row(d, s);
	if (r < 0)
		return r;
	if (r)
		id = sql_u64(s, 0);
	(void)sqlite3_reset(s);
	if (id > *ret)
		*ret = id;
	return 0;
}

/* --- transactions -------------------------------------------------------- */

int db_begin(struct db *d)
{
	int r = d->begun ? 0 : sql_run(d, sql_use(d, ST_BEGIN));

	if (r == 0 && !d->begun)
		d->ended_before = d->ended;
	if (r == 0)
		d->begun = true;
	return r;
}

/* The log beside the database still has what was erased in the database. That
 * it was is durable; what keeps this from being done is met again elsewhere. */
static void empty_log(struct db *d)
{
	const struct err kept = d->err;
	sqlite3_stmt *s = sql_use(d, ST_EMPTY_LOG);

	(void)sql_row(d, s);
	(void)sqlite3_reset(s);
	d->err = kept;
}

int db_commit(struct db *d)
{
	int r = sql_run(d, sql_use(d, ST_COMMIT));

	if (r < 0)
		return r;
	d->begun = false;
	if (d->erased)
		empty_log(d);
	d->erased = false;
	return 0;
}

void db_rollback(struct db *d)
{
	struct err kept = d->err;
	size_t i;

	for (i = 0; i < ST_MAX; i++)
		(void)sqlite3_reset(d->stmts[i]);
	/* Some errors have rolled it back already. */
	if (!sqlite3_get_autocommit(d->sql))
		(void)sql_run(d, sql_use(d, ST_ROLLBACK));
	if (d->begun)
		d->ended = d->ended_before;
	d->begun = false;
	d->erased = false;
	/* Where even that fails, the next change does, too, and says so. */
	if (queue_count(d) == 0 && rows_count(d) == 0)
		d->err = kept;
}

/* --- opening ------------------------------------------------------------- */

/* A file of ours, or none; *there says which. */
static int look(struct db *d, const char *name, bool *there)
{
	struct stat st;

	*there = false;
	if (fstatat(d->dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
		return errno == ENOENT ? 0
				       : sql_fail(d, -errno, "%s: errno %d",
						  name, errno);
	*there = true;
	if (!S_ISREG(st.st_mode) || st.st_nlink != 1)
		return sql_fail(d, -EBADMSG,
				"state/store/%s: not a plain file with one "
				"name: somebody put it there; %s",
				name, what_to_do);
	return 0;
}

static int look_at_files(struct db *d)
{
	bool there, log;
	int r = look(d, DB_FILE, &there);

	if (r == 0)
		r = look(d, DB_FILE "-wal", &log);
	if (r == 0 && log && !there)
		return sql_fail(d, -EBADMSG,
				"state/store/%s: is gone, while %s-wal, which "
				"belongs to it, is there: put it back, or, %s",
				DB_FILE, DB_FILE, what_to_do);
	return r;
}

/* One number that a pragma answers. */
static int pragma(struct db *d, const char *text, uint64_t *ret)
{
	sqlite3_stmt *s = NULL;
	int r = result(d, sqlite3_prepare_v2(d->sql, text, -1, &s, NULL));

	if (r == 0)
		r = sql_row(d, s);
	if (r == 1)
		*ret = sql_u64(s, 0);
	(void)sqlite3_finalize(s);
	return r < 0 ? r : 0;
}

static int configure(struct db *d)
{
	static const struct {
		int option, on;
	} switches[] = {
		{ SQLITE_DBCONFIG_DEFENSIVE, 1 },
		{ SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0 },
		{ SQLITE_DBCONFIG_ENABLE_TRIGGER, 0 },
		{ SQLITE_DBCONFIG_ENABLE_VIEW, 0 },
		{ SQLITE_DBCONFIG_DQS_DDL, 0 },
		{ SQLITE_DBCONFIG_DQS_DML, 0 },
	};
	size_t i;
	int rc = SQLITE_OK;

	for (i = 0; i < ARRAY_SIZE(switches) && rc == SQLITE_OK; i++)
		rc = sqlite3_db_config(d->sql, switches[i].option,
				       switches[i].on, NULL);
	(void)sqlite3_limit(d->sql, SQLITE_LIMIT_LENGTH,
			    LIMIT_ITEM + (1 << 20));
	(void)sqlite3_limit(d->sql, SQLITE_LIMIT_ATTACHED, 0);
	/* Locked before it is read for the first time. */
	if (rc == SQLITE_OK)
		rc = sqlite3_exec(d->sql,
				  "PRAGMA locking_mode = EXCLUSIVE;"
				  "PRAGMA cell_size_check = ON;"
				  "PRAGMA temp_store = MEMORY;"
				  "PRAGMA mmap_size = 0;",
				  NULL, NULL, NULL);
	return result(d, rc);
}

/* Whose it is, before anything is written to it. */
static int identify(struct db *d, bool *fresh, uint64_t *version)
{
	uint64_t application = 0, pages = 0;
	int r = pragma(d, "PRAGMA application_id", &application);

	if (r == 0)
		r = pragma(d, "PRAGMA user_version", version);
	if (r == 0)
		r = pragma(d, "PRAGMA page_count", &pages);
	if (r < 0)
		return r;
	*fresh =
		pages == 0 || (application == 0 && *version == 0 && pages == 1);
	if (*fresh)
		return 0;
	if (application != APPLICATION || *version == 0)
		return sql_fail(d, -EBADMSG,
				"state/store/%s: a database, but not one of "
				"bulkhead; %s",
				DB_FILE, what_to_do);
	if (*version > DB_VERSION)
		return sql_fail(d, -EBADMSG,
				"state/store/%s: version %" PRIu64
				" of its format, this bulkhead knows %d: start "
				"the newer one that made it",
				DB_FILE, *version, DB_VERSION);
	return 0;
}

/* Of an older version: made one of this, altogether or not at all. */
static int upgrade(struct db *d, uint64_t version)
{
	char text[48];
	int r;

	if (version == DB_VERSION)
		return 0;
	(void)str_printf(text, sizeof(text), "PRAGMA user_version = %d",
			 DB_VERSION);
	r = result(d,
		   sqlite3_exec(d->sql, "BEGIN IMMEDIATE", NULL, NULL, NULL));
	for (; version < DB_VERSION && r == 0; version++) {
		r = result(d, sqlite3_exec(d->sql, upgrades[version].sql, NULL,
					   NULL, NULL));
		if (r == 0)
			r = upgrades[version].fn(d);
	}
	if (r == 0)
		r = result(d, sqlite3_exec(d->sql, text, NULL, NULL, NULL));
	if (r == 0)
		r = result(d, sqlite3_exec(d->sql, "COMMIT", NULL, NULL, NULL));
	return r;
}

static int make(struct db *d)
{
	char text[96];
	uint8_t id[16];
	int r;

	(void)str_printf(text, sizeof(text),
			 "PRAGMA application_id = %d; PRAGMA user_version = %d",
			 APPLICATION, DB_VERSION);
	if (getrandom(id, sizeof(id), 0) != (ssize_t)sizeof(id))
		return sql_fail(d, -EIO, "no random bytes");
	r = result(d,
		   sqlite3_exec(d->sql, "BEGIN IMMEDIATE", NULL, NULL, NULL));
	if (r == 0)
		r = result(d, sqlite3_exec(d->sql, schema, NULL, NULL, NULL));
	if (r == 0)
		r = result(d, sqlite3_exec(d->sql, text, NULL, NULL, NULL));
	if (r == 0)
		r = result(d, sqlite3_prepare_v3(d->sql, texts[ST_META_SET], -1,
						 SQLITE_PREPARE_PERSISTENT,
						 &d->stmts[ST_META_SET], NULL));
	if (r == 0)
		r = meta_set_bytes(d, "id", span_of(id, sizeof(id)));
	if (r == 0)
		r = result(d, sqlite3_exec(d->sql, "COMMIT", NULL, NULL, NULL));
	(void)sqlite3_finalize(d->stmts[ST_META_SET]);
	d->stmts[ST_META_SET] = NULL;
	return r;
}

/* Every page, and every index against its table. */
static int check(struct db *d)
{
	sqlite3_stmt *s = NULL;
	int r = result(d,
		       sqlite3_prepare_v2(d->sql, "PRAGMA integrity_check(1)",
					  -1, &s, NULL));

	if (r == 0)
		r = sql_row(d, s);
	if (r == 1 && !span_is(sql_span(s, 0), "ok"))
		r = sql_fail(d, -EBADMSG, "state/store/%s: damaged: %.200s; %s",
			     DB_FILE, (const char *)sqlite3_column_text(s, 0),
			     what_to_do);
	(void)sqlite3_finalize(s);
	return r < 0 ? r : 0;
}

static int prepare(struct db *d)
{
	size_t i;

	for (i = 0; i < ST_MAX; i++) {
		if (sqlite3_prepare_v3(d->sql, texts[i], -1,
				       SQLITE_PREPARE_PERSISTENT, &d->stmts[i],
				       NULL) == SQLITE_OK)
			continue;
		return sql_fail(d, -EBADMSG,
				"state/store/%s: its tables are not those of "
				"version %d: %s; %s",
				DB_FILE, DB_VERSION, sqlite3_errmsg(d->sql),
				what_to_do);
	}
	return 0;
}

/* Before anything is changed: trying again does not make it younger. */
static int compare_last(struct db *d)
{
	char id[2 * sizeof(d->state.id) + 1];

	hex_encode(id, d->state.id, sizeof(d->state.id));
	/* One that was made just now, in the place of one moved away. */
	if (!d->bounds.last_id[0] || d->state.opened == 0)
		return 0;
	if (strcmp(id, d->bounds.last_id) != 0)
		return sql_fail(d, -EEXIST,
				"state/store/%s: not the one that was here "
				"last: put that one back; or, to go on with "
				"this one, delete state/store.last",
				DB_FILE);
	if (d->state.opened < d->bounds.last_opened)
		return sql_fail(d, -EEXIST,
				"state/store/%s: an older copy of the one that "
				"was here last: put the newer one back; or, to "
				"go on with this one, delete state/store.last: "
				"what came since is lost to it, or read again",
				DB_FILE);
	return 0;
}

/* What a crash left at work waits again, as far as it may. */
static int recover(struct db *d)
{
	sqlite3_stmt *s;
	int r = db_begin(d);

	if (r == 0)
		r = meta_bytes(d, "id", d->state.id, sizeof(d->state.id));
	if (r == -ENOENT)
		return sql_fail(d, -EBADMSG,
				"state/store/%s: without an id; %s", DB_FILE,
				what_to_do);
	if (r == 0)
		r = sql_meta(d, "opened", &d->state.opened);
	if (r == 0)
		r = compare_last(d);
	if (r == 0)
		r = sql_meta_set(d, "opened", ++d->state.opened);
	if (r == 0)
		r = ended_get(d);
	if (r == 0)
		r = sql_meta(d, "tip_size", &d->state.tip_size);
	if (r == 0)
		r = meta_bytes(d, "tip_root", d->state.tip_root, 32);
	if (r == -ENOENT)
		r = 0;
	if (r == 0 && d->bounds.spare)
		r = db_release(d);
	if (r < 0)
		return r;
	s = sql_use(d, ST_RECOVER);
	sql_bind_u64(s, 1, STORE_ATTEMPTS);
	r = sql_run(d, s);
	d->state.recovered = (uint64_t)sqlite3_changes(d->sql);
	if (r == 0)
		r = effects_trim(d);
	if (r == 0)
		r = db_commit(d);
	return r;
}

static int start_count(struct db *d)
{
	sqlite3_stmt *s = sql_use(d, ST_ENDED);
	int r = sql_row(d, s);
	size_t i;

	if (r < 0)
		return r;
	d->ended = r ? sql_u64(s, 0) : 0;
	(void)sqlite3_reset(s);
	r = queue_count(d);
	if (r == 0)
		r = rows_count(d);
	for (i = 0; i < DB_SOURCES; i++)
		d->state.waiting += d->sources[i].waiting;
	return r;
}

static int open_all(struct db *d)
{
	const int flags = SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
			  SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_PRIVATECACHE |
			  SQLITE_OPEN_EXRESCODE | SQLITE_OPEN_NOFOLLOW;
	bool fresh = false;
	uint64_t version = 0;
	int r = look_at_files(d);

	if (r == 0)
		r = result(d, sqlite3_open_v2("/" DB_FILE, &d->sql, flags,
					      FILES_VFS));
	if (r == 0)
		r = configure(d);
	if (r == 0)
		r = identify(d, &fresh, &version);
	if (r == 0)
		r = result(d, sqlite3_exec(d->sql,
					   "PRAGMA journal_mode = WAL;"
					   "PRAGMA synchronous = FULL;"
					   "PRAGMA secure_delete = ON;"
					   "PRAGMA journal_size_limit = "
					   "67108864;",
					   NULL, NULL, NULL));
	if (r == 0)
		r = fresh ? make(d) : check(d);
	if (r == 0 && !fresh)
		r = upgrade(d, version);
	if (r == 0)
		r = prepare(d);
	if (r == 0)
		r = recover(d);
	return r == 0 ? start_count(d) : r;
}

int db_open(struct db *d, int dir, const struct db_bounds *b, struct err *err)
{
	int r;

	*d = (struct db){ .dir = dir, .bounds = *b };
	r = files_init(dir);
	if (r < 0)
		return err_set(err, r, "this SQLite cannot be confined");
	r = open_all(d);
	if (r == 0)
		return 0;
	if (r == -EBADMSG && !strstr(d->err.msg, what_to_do) &&
	    !strstr(d->err.msg, "newer"))
		r = err_set(err, r, "state/store/%.200s; %s", d->err.msg,
			    what_to_do);
	else if (r == -ENOSPC || r == -EIO || r == -EACCES || r == -EROFS)
		r = err_set(err, r,
			    "state/store/%.200s: make room, or look after the "
			    "disk and the directory's owner",
			    d->err.msg);
	else
		*err = d->err;
	db_close(d);
	return r;
}

void db_close(struct db *d)
{
	size_t i;

	for (i = 0; i < ST_MAX; i++)
		(void)sqlite3_finalize(d->stmts[i]);
	(void)sqlite3_close(d->sql);
	*d = (struct db){ .dir = -1 };
}

int db_tip(struct db *d, const struct m_s_tip *m)
{
	int r = sql_meta_set(d, "tip_size", m->size);

	return r == 0 ? meta_set_bytes(d, "tip_root", span_of(m->root, 32)) : r;
}
