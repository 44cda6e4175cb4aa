/*
 * backup_test: goal of this test: a backup that is taken while the store
 * commits as fast as it can is of one moment: it opens, nothing in it is torn,
 * and what one transaction has changed is there altogether or not at all.
 */
#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/sha256.h"
#include "base/str.h"
#include "db.h"
#include "files.h"
#include "state/state.h"

enum {
	LEAST = 1000,	 /* backups, */
	MOST_MS = 10000, /* if they take no longer than that */
	ENOUGH = 20,	 /* and at least so many */
	ITEM = 9000,	 /* bytes: more than a page */
	BEGUN = 100000,	 /* bytes of the database's wal: it has tables, items */
	KEPT = 50, /* items after their verdict: rows go as well as come */
};

static char path[40];

static void make_file(int dir, const char *name, const char *text)
{
	CLEAN_FD int fd =
		openat(dir, name, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0 || fd_write_all(fd, span_str(text)) < 0)
		abort();
}

static int sub(int dir, const char *name)
{
	int fd;

	(void)mkdirat(dir, name, 0700);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		abort();
	return fd;
}

static int put(struct db *db, unsigned i)
{
	static uint8_t bytes[ITEM];
	struct m_q_put m = { .source = SPAN_LIT("inbox"),
			     .key = span_of(&i, sizeof(i)),
			     .size = sizeof(bytes) };
	CLEAN_FD int fd = -1;
	struct m_q_kept kept;
	struct sha256 h;

	memset(bytes, (int)(i & 0xff), sizeof(bytes));
	fd = memfd_sealed("item", span_of(bytes, sizeof(bytes)));
	sha256_init(&h);
	sha256_add(&h, span_of(bytes, sizeof(bytes)));
	sha256_final(&h, m.sha256);
	return db_put(db, &m, fd, &kept);
}

/* An item is taken, has an effect, and ends: in one transaction. */
static int work_one(struct db *db)
{
	const struct m_i_done done = { .verdict = ITEM_READ };
	struct m_e_plan plan = { .capability = SPAN_LIT("c"),
				 .connector = SPAN_LIT("d") };
	struct m_e_started started = { .index = 5 };
	struct m_i_done end = done;
	struct db_item it;
	int r = db_take(db, &it);

	if (r < 0)
		return r;
	fd_close(&it.fd);
	plan.item = it.m.item;
	r = db_effect_plan(db, &plan, &started.effect);
	if (r == 0)
		r = db_effect_started(db, &started);
	end.item = it.m.item;
	return r < 0 ? r : db_item_done(db, &end);
}

/* One comes; one ends, but for every seventh, which ends with the next. */
static int turn(struct db *db, unsigned i)
{
	unsigned n = i % 7 == 0 ? 0 : i % 7 == 1 ? 2 : 1;
	int r = db_begin(db);

	if (r == 0)
		r = put(db, i);
	if (r == 0)
		r = db_commit(db);
	while (r == 0 && n--) {
		r = db_begin(db);
		if (r == 0)
			r = work_one(db);
		if (r == 0)
			r = db_commit(db);
	}
	return r;
}

/* The store, until it is killed. */
static _Noreturn void commit_on(int dir)
{
	static const struct db_bounds bounds = { .items = 1 << 20,
						 .bytes = UINT64_C(1) << 34,
						 .per_source = 1 << 20,
						 .history = KEPT };
	static struct db db;
	struct err err = { 0 };
	unsigned i;

	(void)prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (files_init(dir) < 0 || db_open(&db, dir, &bounds, &err) < 0)
		_exit(1);
	for (i = 0; turn(&db, i) == 0; i++)
		db.now_s = i;
	_exit(2);
}

static int64_t ask(sqlite3 *db, const char *sql)
{
	sqlite3_stmt *s = NULL;
	int64_t v;

	assert_int_equal(sqlite3_prepare_v2(db, sql, -1, &s, NULL), SQLITE_OK);
	assert_int_equal(sqlite3_step(s), SQLITE_ROW);
	v = sqlite3_column_int64(s, 0);
	assert_int_equal(sqlite3_finalize(s), SQLITE_OK);
	return v;
}

static off_t size_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, 0) < 0 ? 0 : st.st_size;
}

/* Returns how many items it has ever had. */
static int64_t look(const char *file)
{
	sqlite3 *db = NULL;
	int64_t n;

	assert_int_equal(sqlite3_open(file, &db), SQLITE_OK);
	assert_int_equal(ask(db, "SELECT count(*) FROM pragma_integrity_check"
				 " WHERE integrity_check <> 'ok'"),
			 0);
	assert_int_equal(ask(db, "SELECT count(*) FROM items LEFT JOIN bodies"
				 " ON item = id WHERE (state < 3) <>"
				 " (bytes IS NOT NULL)"),
			 0);
	assert_int_equal(ask(db, "SELECT count(*) FROM items WHERE state = 2"),
			 0);
	assert_int_equal(ask(db, "SELECT count(*) FROM items WHERE state = 3"
				 " AND NOT EXISTS(SELECT 1 FROM effects WHERE"
				 " item = items.id AND effects.state = 2)"),
			 0);
	n = ask(db, "SELECT coalesce(max(id), 0) FROM items");
	assert_int_equal(sqlite3_close(db), SQLITE_OK);
	return n;
}

/* A backup, unpacked; false: the store was too fast for it, which it says. */
static bool backup(int state, int aside, int64_t *ret)
{
	CLEAN_FD int out = openat(aside, "tar",
				  O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CLEAN_FD int to = sub(aside, "to");
	struct state_sum sum;
	struct err err = { 0 };
	char file[64];
	int r = state_backup(state, out, &sum, &err);

	if (r == -EAGAIN && strstr(err.msg, "try again"))
		return false;
	if (r < 0)
		(void)fprintf(stderr, "%s\n", err.msg);
	assert_int_equal(r, 0);
	assert_int_equal(lseek(out, 0, SEEK_SET), 0);
	assert_int_equal(state_restore(out, to, &sum, &err), 0);
	(void)str_printf(file, sizeof(file), "%s/aside/to/store/" DB_FILE,
			 path);
	*ret = look(file);
	assert_int_equal(state_clear(to), 0);
	return true;
}

static void under_commits(void **)
{
	CLEAN_FD int top = -1, state = -1, store = -1, aside = -1;
	unsigned whole = 0, again = 0;
	int64_t last = 0, n = 0, first = 0;
	uint64_t end = now_ms() + MOST_MS;
	int status;
	pid_t pid;

	/* In memory, where there is such a place: commits do not wait for a
	 * disk then, and more of them fall into one backup. */
	(void)str_printf(path, sizeof(path), "%s/bulkhead-backup-XXXXXX",
			 access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
	assert_non_null(mkdtemp(path));
	top = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	state = sub(top, "state");
	store = sub(state, "store");
	aside = sub(top, "aside");
	make_file(state, "version", "2\n");
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0)
		commit_on(store);
	while (size_of(store, DB_FILE "-wal") < BEGUN && now_ms() < end)
		(void)usleep(1000);
	while (whole < LEAST && (whole < ENOUGH || now_ms() < end)) {
		assert_int_equal(waitpid(pid, &status, WNOHANG), 0);
		if (!backup(state, aside, &n)) {
			again++;
			assert_true(again < 10 * LEAST);
			continue;
		}
		assert_true(n >= last);
		first = whole++ ? first : n;
		last = n;
	}
	(void)kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, &status, 0), pid);
	print_message("%u backups, %u told to try again, items %lld to %lld\n",
		      whole, again, (long long)first, (long long)last);
	assert_true(last > first);
	assert_int_equal(state_clear(top), 0);
	assert_int_equal(rmdir(path), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(under_commits) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
