/*
 * db: the store's tables, and each change that may be made to them. Nothing in
 * here waits for anybody or sends anything: serve.h does.
 *
 * Changes are made inside of db_begin and db_commit and are durable when the
 * latter has returned 0. A negative result of a change:
 *
 *	-EAGAIN   the queue has no room for that now
 *	-EINVAL   refused; nothing was changed
 *	-ENOENT   there is no such row
 *	-ENOSPC   the disk is full: db_rollback, and try less
 *	others    what is on disk must be read anew: db_rollback, and end
 *
 * In each case db->err says more.
 */
#ifndef HOST_STORE_DB_H
#define HOST_STORE_DB_H

#include "base/err.h"
#include "proto/msg.h"

enum {
	DB_VERSION = 2,
	DB_SOURCES = 64, /* with something in the queue */
	DB_KEY_MAX = 512,
};

#define DB_FILE "state.db"

struct sqlite3;
struct sqlite3_stmt;

/* Of what is in the queue: waits or is at work. */
struct db_bounds {
	uint64_t items;
	uint64_t bytes;
	uint64_t per_source; /* items; of the bytes, the same share */
	uint64_t reserve;    /* bytes left free on the disk for others */
	uint64_t history;    /* items kept after their verdict */
	bool spare;	     /* what is at work was not at fault */
	/* Which database was here last, "" for none, and how often it had been
	 * opened: an older copy of it is refused. */
	char last_id[33];
	uint64_t last_opened;
};

struct db_source {
	char name[LIMIT_NAME + 1]; /* "": free row */
	uint64_t waiting;
	uint64_t taken;
	uint64_t bytes;
	uint64_t turn; /* when it was served last */
	bool changed;  /* since somebody looked */
	/* The caller's: items that found no room, and why. */
	uint64_t blocked;
	char why[160];
};

enum db_stmt { DB_STMTS = 48 };

struct db {
	struct sqlite3 *sql;
	struct sqlite3_stmt *stmts[DB_STMTS];
	int dir; /* borrowed */
	bool begun;
	struct db_bounds bounds;
	struct db_source sources[DB_SOURCES];
	uint64_t turn;
	uint64_t ended;		     /* items with a verdict */
	uint64_t ended_before;	     /* the transaction that is begun */
	uint64_t rows[ROW_KIND_MAX]; /* of the broker's own, by kind */
	bool erased;	/* one of them that nothing may be left of */
	uint64_t now_s; /* of what is changed now; set by the caller */
	struct m_s_state state;
	struct err err;
};

/*
 * Opens or makes DB_FILE in dir, checks all of it, brings back what was at
 * work when it was left. -EBADMSG for one that is damaged, swapped or newer;
 * *err names it and says what to do.
 */
[[nodiscard]] int db_open(struct db *d, int dir, const struct db_bounds *b,
			  struct err *err);
void db_close(struct db *d);

[[nodiscard]] int db_begin(struct db *d); /* nothing, if it is begun */
[[nodiscard]] int db_commit(struct db *d);
void db_rollback(struct db *d);

/* Takes an item in: a sealed memfd of m->size bytes. *ret borrows from m. */
[[nodiscard]] int db_put(struct db *d, const struct m_q_put *m, int fd,
			 struct m_q_kept *ret);

/* The next to be worked on. */
struct db_item {
	struct m_q_item m; /* its spans are those below */
	char source[LIMIT_NAME + 1];
	uint8_t key[DB_KEY_MAX];
	int fd; /* sealed memfd, the caller's */
};

/* A task's number, of those that no other task is given. */
[[nodiscard]] int db_task_number(struct db *d, uint64_t *ret);

[[nodiscard]] int db_take(struct db *d, struct db_item *ret);

[[nodiscard]] int db_item_done(struct db *d, const struct m_i_done *m);
[[nodiscard]] int db_item_recorded(struct db *d, uint64_t item);
[[nodiscard]] int db_effect_plan(struct db *d, const struct m_e_plan *m,
				 uint64_t *ret);
[[nodiscard]] int db_effect_started(struct db *d, const struct m_e_started *m);
[[nodiscard]] int db_effect_outcome(struct db *d, const struct m_e_outcome *m);
[[nodiscard]] int db_effect_recorded(struct db *d, uint64_t effect);
/* All of them, or, with -EINVAL, none. */
[[nodiscard]] int db_rows_put(struct db *d, const struct m_r_put *m);
[[nodiscard]] int db_tip(struct db *d, const struct m_s_tip *m);

/* At a stop that is in order: what is at work was not at fault. */
[[nodiscard]] int db_release(struct db *d);

/* Rows; the spans live until the next call. */
[[nodiscard]] int db_item_get(struct db *d, const struct m_s_get *m,
			      struct m_i_row *ret);
[[nodiscard]] int db_effect_get(struct db *d, const struct m_s_get *m,
				struct m_e_row *ret);

[[nodiscard]] int db_rows_next(struct db *d, const struct m_r_next *m,
			       struct m_r_row *ret);

struct db_source *db_source(struct db *d, struct span name);

#endif
