/*
 * fault_test: what is left of the database when a system call that writes it
 * fails, writes a part, is the last before or after the process is killed, or
 * before the power is cut. The same work is done again and again, with the
 * fault at each call in turn; then it is opened without faults. It must open,
 * everything that was acknowledged must be there, and nothing by half.
 *
 * A fault is at the n-th of the calls that SQLite does, by what files.c put in
 * their place; and at fdatasync, which it does not let be replaced, and which
 * therefore is ours here. It does not reach the disk, for a killed process
 * loses nothing of what the kernel has: a power cut is what takes back the
 * writes since the last one, all or some of them.
 *
 * usage: store_fault_test [all]: each call in turn; without, every STRIDE-th
 */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "base/testing.h"
#include "db.h"
#include "files.h"
#include "sql.h"

enum fault {
	FAULT_NONE,
	FAULT_EIO,
	FAULT_ENOSPC,	   /* once */
	FAULT_FULL,	   /* from then on */
	FAULT_SHORT,	   /* a part is written, then the disk is full */
	FAULT_KILL_BEFORE, /* the process is gone */
	FAULT_KILL_AFTER,
	FAULT_POWER_ALL,  /* nothing since the last sync is there */
	FAULT_POWER_SOME, /* some of it */
	FAULT_MAX
};

static const char *const fault_names[] = {
	"none",
	"EIO",
	"ENOSPC",
	"disk full",
	"short write",
	"kill before",
	"kill after",
	"power cut, all lost",
	"power cut, some lost",
};

enum { WRITES = 4096, STEPS = 20, CALLS_MAX = 2000, STRIDE = 11 };

/* Shared with the child that is killed. */
static struct seen {
	unsigned calls;
	bool acked[STEPS];
	int error;
	bool miscounted; /* those that ended */
	uint64_t effects[2];
} * seen;

static enum fault fault;
static unsigned at; /* the call that it is at, from 1 */
static bool armed;
static char dir_path[32];
static int dir = -1;
static bool full;
static bool all; /* calls, not a sample */

/* --- the disk ------------------------------------------------------------ */

/* A write since the last sync of its file, and what was there before. */
static struct lost {
	dev_t dev;
	ino_t ino;
	int fd; /* a duplicate */
	off_t off, size;
	size_t n, old_n;
	uint8_t *old;
} writes[WRITES];
static size_t n_writes;

static void note_write(int fd, size_t n, off_t off)
{
	struct lost *w = &writes[n_writes];
	struct stat st;
	ssize_t got;

	if (fault < FAULT_POWER_ALL || n_writes == WRITES || fstat(fd, &st) < 0)
		return;
	*w = (struct lost){ .dev = st.st_dev,
			    .ino = st.st_ino,
			    .fd = dup(fd),
			    .off = off,
			    .size = st.st_size,
			    .n = n,
			    .old = malloc(n + 1) };
	got = w->old ? pread(fd, w->old, n, off) : 0;
	w->old_n = got > 0 ? (size_t)got : 0;
	n_writes++;
}

static void note_sync(int fd)
{
	struct stat st;
	size_t i, kept = 0;

	if (fstat(fd, &st) < 0)
		return;
	for (i = 0; i < n_writes; i++) {
		if (writes[i].dev == st.st_dev && writes[i].ino == st.st_ino) {
			(void)close(writes[i].fd);
			free(writes[i].old);
		} else {
			writes[kept++] = writes[i];
		}
	}
	n_writes = kept;
}

static bool overlaps_kept(size_t i, const bool *kept)
{
	size_t k;

	for (k = i + 1; k < n_writes; k++)
		if (kept[k] && writes[k].ino == writes[i].ino &&
		    writes[k].off < writes[i].off + (off_t)writes[i].n &&
		    writes[i].off < writes[k].off + (off_t)writes[k].n)
			return true;
	return false;
}

/* The same in each run: a multiplicative hash of both. */
static bool coin(unsigned call, size_t i)
{
	uint32_t v = (call * 2654435761u) ^ ((uint32_t)i * 2246822519u);

	return (v ^ v >> 15) & 1;
}

/* What was not synced may be there or not, in any order. */
static void cut_power(void)
{
	static bool kept[WRITES];
	size_t i;

	for (i = 0; i < n_writes; i++)
		kept[i] = fault == FAULT_POWER_SOME && coin(at, i);
	for (i = n_writes; i-- > 0;) {
		const struct lost *w = &writes[i];

		if (kept[i] || overlaps_kept(i, kept))
			continue;
		if (pwrite(w->fd, w->old, w->old_n, w->off) < 0)
			_exit(9);
		if (fault == FAULT_POWER_ALL && ftruncate(w->fd, w->size) < 0)
			_exit(9);
	}
	_exit(0);
}

/* --- the calls ----------------------------------------------------------- */

/* Before a call. True: it fails with errno. */
static bool fails(bool writes_bytes)
{
	if (!armed)
		return false;
	seen->calls++;
	if (full && writes_bytes) {
		errno = ENOSPC;
		return true;
	}
	if (seen->calls != at)
		return false;
	switch (fault) {
	case FAULT_EIO:
		errno = EIO;
		return true;
	case FAULT_FULL:
	case FAULT_ENOSPC:
		full = fault == FAULT_FULL;
		errno = ENOSPC;
		return true;
	case FAULT_SHORT:
		full = !writes_bytes;
		errno = ENOSPC;
		return !writes_bytes;
	case FAULT_KILL_BEFORE:
		(void)raise(SIGKILL);
		return true;
	case FAULT_POWER_ALL:
	case FAULT_POWER_SOME:
		cut_power();
		return true;
	case FAULT_NONE:
	case FAULT_KILL_AFTER:
	case FAULT_MAX:
		return false;
	}
	return false;
}

static void after(void)
{
	if (armed && seen->calls == at && fault == FAULT_KILL_AFTER)
		(void)raise(SIGKILL);
}

static ssize_t put(int fd, const void *p, size_t n, off_t off)
{
	ssize_t r;

	if (fails(true))
		return -1;
	note_write(fd, n, off);
	if (armed && seen->calls == at && fault == FAULT_SHORT) {
		n = (n + 1) / 2;
		full = true;
	}
	r = pwrite(fd, p, n, off);
	after();
	return r;
}

static int cut(int fd, off_t size)
{
	int r;

	if (fails(false))
		return -1;
	r = ftruncate(fd, size);
	after();
	return r;
}

int fdatasync(int fildes)
{
	if (fails(false))
		return -1;
	note_sync(fildes);
	after();
	return 0;
}

int fsync(int fd)
{
	return fdatasync(fd);
}

static int (*real_open)(const char *, int, int);
static int (*real_unlink)(const char *);

static int open_it(const char *path, int flags, int mode)
{
	int r;

	if (flags & O_CREAT && fails(true))
		return -1;
	r = real_open(path, flags, mode);
	if (flags & O_CREAT)
		after();
	return r;
}

static int unlink_it(const char *path)
{
	int r;

	if (fails(false))
		return -1;
	r = real_unlink(path);
	after();
	return r;
}

static void replace_calls(void)
{
	sqlite3_vfs *v = sqlite3_vfs_find("unix");

	assert_int_equal(files_init(dir), 0);
	if (real_open)
		return;
	real_open =
		(int (*)(const char *, int, int))v->xGetSystemCall(v, "open");
	real_unlink = (int (*)(const char *))v->xGetSystemCall(v, "unlink");
	(void)v->xSetSystemCall(v, "open", (sqlite3_syscall_ptr)open_it);
	(void)v->xSetSystemCall(v, "unlink", (sqlite3_syscall_ptr)unlink_it);
	(void)v->xSetSystemCall(v, "pwrite", (sqlite3_syscall_ptr)put);
	(void)v->xSetSystemCall(v, "pwrite64", (sqlite3_syscall_ptr)put);
	(void)v->xSetSystemCall(v, "ftruncate", (sqlite3_syscall_ptr)cut);
}

/* --- the work ------------------------------------------------------------ */

static const struct db_bounds bounds = {
	.items = 100, .bytes = 1 << 24, .per_source = 100, .history = 100
};
static struct db db;

static size_t size_of(char key)
{
	return key == 'b' ? 30000 : 100;
}

static int do_put(char key)
{
	CLEAN_FREE uint8_t *bytes = malloc(size_of(key));
	CLEAN_FD int fd = -1;
	struct m_q_put m = { .source = SPAN_LIT("inbox"),
			     .key = span_of(&key, 1),
			     .size = size_of(key) };
	struct m_q_kept kept;
	struct sha256 h;

	assert_non_null(bytes);
	memset(bytes, key, size_of(key));
	fd = memfd_sealed("item", span_of(bytes, size_of(key)));
	sha256_init(&h);
	sha256_add(&h, span_of(bytes, size_of(key)));
	sha256_final(&h, m.sha256);
	return db_put(&db, &m, fd, &kept);
}

static int do_take(void)
{
	struct db_item it;
	int r = db_take(&db, &it);

	if (r == 0)
		fd_close(&it.fd);
	return r;
}

static int do_plan(size_t i, uint64_t item)
{
	static struct m_e_plan m;

	m = (struct m_e_plan){ .item = item,
			       .capability = SPAN_LIT("c"),
			       .connector = SPAN_LIT("d") };
	return db_effect_plan(&db, &m, &seen->effects[i]);
}

/* Two rows that must be of one age. */
static int do_rows(const char *value)
{
	static struct m_r_put m;

	m.n = 2;
	m.rows[0] =
		(struct m_r_row){ ROW_STATE, SPAN_LIT("a"), span_str(value) };
	m.rows[1] = (struct m_r_row){ ROW_APPROVAL, SPAN_LIT("b"),
				      span_str(value) };
	return db_rows_put(&db, &m);
}

/* One transaction. */
static int do_step(unsigned i)
{
	const struct m_e_outcome done = { seen->effects[0], EFFECT_DONE,
					  SPAN_LIT("x") };

	switch (i) {
	case 0:
		return do_put('a');
	case 1:
		return do_put('b');
	case 2:
		return do_take();
	case 3:
		return do_plan(0, 1);
	case 4:
		return db_effect_started(
			&db, &(struct m_e_started){ seen->effects[0], 5 });
	case 5:
		return db_effect_outcome(&db, &done);
	case 6:
		return db_item_done(
			&db,
			&(struct m_i_done){ .item = 1, .verdict = ITEM_READ });
	case 7:
		return do_take();
	case 8:
		return do_put('c');
	case 9:
		return do_plan(1, 2);
	case 10:
		return db_effect_started(
			&db, &(struct m_e_started){ seen->effects[1], 6 });
	case 11:
		return db_tip(&db, &(struct m_s_tip){ .size = 9 });
	case 12:
		return do_put('d');
	case 13:
		return db_item_done(
			&db,
			&(struct m_i_done){ .item = 2, .verdict = ITEM_READ });
	case 14:
		return do_take();
	case 15:
		return do_put('e');
	case 16:
		return db_release(&db);
	case 17:
		return do_put('f');
	case 18:
		return do_rows("1");
	case 19:
		return do_rows("22");
	default:
		return -EINVAL;
	}
}

static uint64_t ended_rows(void)
{
	sqlite3_stmt *s = sql_use(&db, ST_ENDED);
	uint64_t n = sql_row(&db, s) == 1 ? sql_u64(s, 0) : UINT64_MAX;

	(void)sqlite3_reset(s);
	return n;
}

/* Until an error that the store does not outlive. */
static int work(void)
{
	struct err err;
	unsigned i;
	int r = db_open(&db, dir, &bounds, &err);

	for (i = 0; i < STEPS && r == 0; i++) {
		r = db_begin(&db);
		if (r == 0)
			r = do_step(i);
		if (r == 0)
			r = db_commit(&db);
		seen->acked[i] = r == 0;
		if (r < 0)
			db_rollback(&db);
		/* Refused, for a step before it was not done. */
		if (r == -ENOSPC || r == -EINVAL || r == -ENOENT)
			r = 0;
		/* The log is carried over, and begins anew. */
		if (r == 0 && i % 5 == 4)
			(void)sqlite3_exec(db.sql,
					   "PRAGMA wal_checkpoint(RESTART)",
					   NULL, NULL, NULL);
	}
	if (r == 0) {
		seen->miscounted = db.ended != ended_rows();
		db_close(&db);
	}
	return r;
}

/* --- what is left -------------------------------------------------------- */

static const char *now; /* what is tried, for the message of a failure */

static void must(bool ok, const char *what)
{
	if (!ok)
		fail_msg("%s at call %u: %s: %s", now, at, what,
			 db.sql ? db.err.msg : "");
}

static int64_t number(const char *sql)
{
	sqlite3_stmt *s = NULL;
	int64_t v;

	must(sqlite3_prepare_v2(db.sql, sql, -1, &s, NULL) == SQLITE_OK, sql);
	must(sqlite3_step(s) == SQLITE_ROW, sql);
	v = sqlite3_column_int64(s, 0);
	(void)sqlite3_finalize(s);
	return v;
}

static void check_items(void)
{
	static const struct {
		unsigned step;
		char key;
	} puts[] = { { 0, 'a' },  { 1, 'b' },  { 8, 'c' },
		     { 12, 'd' }, { 15, 'e' }, { 17, 'f' } };
	char sql[128];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(puts); i++) {
		(void)str_printf(sql, sizeof(sql),
				 "SELECT count(*) FROM items WHERE key = "
				 "x'%02x'",
				 (unsigned)puts[i].key);
		if (seen->acked[puts[i].step])
			must(number(sql) == 1, "an accepted item is lost");
	}
	must(number("SELECT count(*) FROM items WHERE (state < 3) <> EXISTS"
		    "(SELECT 1 FROM bodies WHERE item = items.id)") == 0,
	     "an item without its bytes, or bytes without item");
	if (seen->acked[2])
		must(number("SELECT attempts FROM items WHERE id = 1") == 1,
		     "an attempt is not counted");
	if (seen->acked[6])
		must(number("SELECT verdict FROM items WHERE id = 1") ==
			     ITEM_READ,
		     "a verdict is lost");
	if (seen->acked[13])
		must(number("SELECT verdict FROM items WHERE id = 2") ==
			     ITEM_READ,
		     "a verdict is lost");
	if (seen->acked[11])
		must(number("SELECT value FROM meta WHERE key = 'tip_size'") ==
			     9,
		     "the tip is lost");
}

static void check_effects(void)
{
	static struct m_e_row row;
	struct m_s_get get = { 0 };
	unsigned least = seen->acked[5]	  ? EFFECT_DONE
			 : seen->acked[4] ? EFFECT_STARTED
			 : seen->acked[3] ? EFFECT_PLANNED
					  : 0;

	if (least) {
		get.after = seen->effects[0] - 1;
		must(db_effect_get(&db, &get, &row) == 0, "an effect is lost");
		must(row.state >= least, "the state of an effect is lost");
	}
	if (seen->acked[9]) {
		get.after = seen->effects[1] - 1;
		must(db_effect_get(&db, &get, &row) == 0, "an effect is lost");
		must(row.state == EFFECT_STARTED || !seen->acked[10],
		     "the start of an effect is lost");
	}
	/* What is started is never at work again. */
	must(number("SELECT count(*) FROM items JOIN effects ON item = items.id"
		    " WHERE items.state = 1 AND effects.state = 2") == 0,
	     "an item with an effect waits again");
}

static void check_rows(void)
{
	const int64_t n =
		number("SELECT ifnull(sum(length(value)), 0) FROM rows");

	must(n == 0 || n == 2 || n == 4, "rows that were put together differ");
	if (seen->acked[19])
		must(n == 4, "rows are lost");
	else if (seen->acked[18])
		must(n >= 2, "rows are lost");
}

/* Everything that waits comes out as it went in: db_take looks at the hash. */
static void check_bytes(void)
{
	int r;

	must(db_begin(&db) == 0, "no transaction");
	while ((r = do_take()) == 0)
		;
	must(r == -ENOENT, "an item cannot be taken");
	must(db_commit(&db) == 0, "no commit");
}

static int remove_one(const char *p, const struct stat *, int, struct FTW *)
{
	return remove(p);
}

static void begin(void)
{
	(void)str_printf(dir_path, sizeof(dir_path), "/tmp/bhfault-XXXXXX");
	assert_non_null(mkdtemp(dir_path));
	dir = open(dir_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(dir >= 0);
	memset(seen, 0, sizeof(*seen));
	replace_calls();
}

static void finish(void)
{
	fd_close(&dir);
	(void)nftw(dir_path, remove_one, 4, FTW_DEPTH | FTW_PHYS);
}

/* True: the fault was met. */
static bool try_at(enum fault f, unsigned n)
{
	struct err err = { 0 };
	int status;
	bool met;
	pid_t pid;

	fault = f;
	at = n;
	now = fault_names[f];
	begin();
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		armed = true;
		seen->error = work();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	met = seen->calls >= n;
	must(WIFEXITED(status) || WTERMSIG(status) == SIGKILL, "it crashed");
	must(!WIFEXITED(status) || WEXITSTATUS(status) == 0, "the rig");
	must(!seen->miscounted, "what is forgotten goes by a wrong count");
	if (db_open(&db, dir, &bounds, &err) < 0)
		fail_msg("%s at call %u: does not open: %s", now, n, err.msg);
	check_items();
	check_effects();
	check_rows();
	check_bytes();
	db_close(&db);
	finish();
	return met;
}

static void each_call(enum fault f)
{
	unsigned n;

	/* Another part of them for each kind. */
	for (n = all ? 1 : 1 + f % STRIDE; try_at(f, n); n += all ? 1 : STRIDE)
		must(n < CALLS_MAX, "no end");
	/* What was tried is what there is: far more than one call a step. */
	assert_true(n > 3 * STEPS);
}

static void test_no_fault(void **)
{
	size_t i;

	assert_false(try_at(FAULT_NONE, UINT32_MAX));
	assert_int_equal(seen->error, 0);
	for (i = 0; i < STEPS; i++)
		assert_true(seen->acked[i]);
}

static void test_eio(void **)
{
	each_call(FAULT_EIO);
}

static void test_enospc(void **)
{
	each_call(FAULT_ENOSPC);
}

static void test_full(void **)
{
	each_call(FAULT_FULL);
}

static void test_short(void **)
{
	each_call(FAULT_SHORT);
}

static void test_kill_before(void **)
{
	each_call(FAULT_KILL_BEFORE);
}

static void test_kill_after(void **)
{
	each_call(FAULT_KILL_AFTER);
}

static void test_power_all(void **)
{
	each_call(FAULT_POWER_ALL);
}

static void test_power_some(void **)
{
	each_call(FAULT_POWER_SOME);
}

int main(int argc, char **argv)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_no_fault),
		cmocka_unit_test(test_eio),
		cmocka_unit_test(test_enospc),
		cmocka_unit_test(test_full),
		cmocka_unit_test(test_short),
		cmocka_unit_test(test_kill_before),
		cmocka_unit_test(test_kill_after),
		cmocka_unit_test(test_power_all),
		cmocka_unit_test(test_power_some),
	};

	static_assert(ARRAY_SIZE(fault_names) == FAULT_MAX, "a name each");
	all = argc > 1 && !strcmp(argv[1], "all");
	seen = mmap(NULL, sizeof(*seen), PROT_READ | PROT_WRITE,
		    MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (seen == MAP_FAILED)
		return 1;
	return cmocka_run_group_tests(tests, NULL, NULL);
}
