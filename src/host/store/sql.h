/*
 * sql: what the files about tables share: the statements, each prepared once
 * and used with bound values alone, and what their results mean.
 */
#ifndef HOST_STORE_SQL_H
#define HOST_STORE_SQL_H

#include <sqlite3.h>

#include "db.h"

enum stmt {
	ST_BEGIN,
	ST_COMMIT,
	ST_ROLLBACK,
	ST_EMPTY_LOG,
	ST_META_GET,
	ST_META_SET,
	ST_SOURCES,
	ST_ENDED,
	ST_ITEM_FIND,
	ST_ITEM_ADD,
	ST_BODY_ADD,
	ST_ITEM_NEXT,
	ST_BODY_GET,
	ST_ITEM_TAKE,
	ST_ITEM_SOURCE,
	ST_ITEM_DONE,
	ST_BODY_DROP,
	ST_ITEM_RECORDED,
	ST_ITEM_GET,
	ST_ITEM_OPEN,
	ST_ITEM_SKIP,
	ST_ITEM_OLDEST,
	ST_ITEM_DROP,
	ST_EFFECTS_DROP,
	ST_EFFECTS_OLD,
	ST_RECOVER,
	ST_RELEASE,
	ST_EFFECT_ADD,
	ST_EFFECT_STATE,
	ST_EFFECT_START,
	ST_EFFECT_END,
	ST_EFFECT_SETTLE,
	ST_EFFECT_RECORDED,
	ST_EFFECT_GET,
	ST_EFFECT_OPEN,
	ST_EFFECT_SKIP,
	ST_ROW_COUNT,
	ST_ROW_FIND,
	ST_ROW_PUT,
	ST_ROW_DROP,
	ST_ROW_NEXT,
	ST_MAX
};

/* Ready to be bound; values go in with sqlite3_bind_*, from 1. */
sqlite3_stmt *sql_use(struct db *d, enum stmt which);

/* Runs it to its end. 0, or what db.h says. */
[[nodiscard]] int sql_run(struct db *d, sqlite3_stmt *s);

/* The next row: 1, or 0 for none. */
[[nodiscard]] int sql_row(struct db *d, sqlite3_stmt *s);

/* Borrows s until it is stepped or used again. */
struct span sql_span(sqlite3_stmt *s, int column);
uint64_t sql_u64(sqlite3_stmt *s, int column);
void sql_bind(sqlite3_stmt *s, int at, struct span bytes);
void sql_bind_u64(sqlite3_stmt *s, int at, uint64_t v);

/* Sets d->err and returns the code. */
int sql_fail(struct db *d, int code, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* A number of the table `meta`; 0 if it is not there. */
[[nodiscard]] int sql_meta(struct db *d, const char *key, uint64_t *ret);
[[nodiscard]] int sql_meta_set(struct db *d, const char *key, uint64_t v);

/* Counts one more item that ended so. */
[[nodiscard]] int sql_ended(struct db *d, unsigned verdict);

/* Behind which number the rows that m asks for begin; which is one of the
 * statements that skip the newest. */
[[nodiscard]] int sql_after(struct db *d, enum stmt which,
			    const struct m_s_get *m, uint64_t *ret);

/* queue.c: counts the sources anew. */
[[nodiscard]] int queue_count(struct db *d);

/* effects.c: what version 1 kept, as this one does. */
[[nodiscard]] int effects_upgrade_1(struct db *d);

/* effects.c: forgets old ones that no item of the history has. */
[[nodiscard]] int effects_trim(struct db *d);

/* rows.c: counts the broker's rows anew. */
[[nodiscard]] int rows_count(struct db *d);

#endif
