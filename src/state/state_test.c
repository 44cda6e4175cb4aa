/*
 * Tests of the state directory: its version and upgrade, a backup that is made
 * while the log grows, and what a restore refuses.
 */
#include "state/state.h"

#include <errno.h>
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "state/archive.h"
#include "state/rotate.h"
#include "tlog/copy.h"
#include "tlog/tlog.h"

struct world {
	char path[64];
	int dir;
};

static int setup(void **state)
{
	static struct world w;

	(void)str_printf(w.path, sizeof(w.path), "/tmp/bulkhead-state-XXXXXX");
	if (!mkdtemp(w.path))
		return -1;
	w.dir = open(w.path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	*state = &w;
	return w.dir < 0 ? -1 : 0;
}

static int teardown(void **state)
{
	struct world *w = *state;

	if (state_clear(w->dir) < 0)
		return -1;
	(void)close(w->dir);
	return rmdir(w->path);
}

static void put(int dir, const char *path, const char *text)
{
	CLEAN_FD int fd = openat(
		dir, path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	assert_true(fd >= 0);
	assert_int_equal(fd_write_all(fd, span_str(text)), 0);
}

static void need_text(int dir, const char *path, const char *want)
{
	CLEAN_FD int fd = openat(dir, path, O_RDONLY | O_CLOEXEC);
	char got[256];
	ssize_t n;

	assert_true(fd >= 0);
	n = fd_read_all(fd, got, sizeof(got) - 1);
	assert_true(n >= 0);
	got[n] = 0;
	assert_string_equal(got, want);
}

static int sub(int dir, const char *name)
{
	int fd;

	assert_int_equal(mkdirat(dir, name, 0700), 0);
	fd = openat(dir, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(fd >= 0);
	return fd;
}

/* n more records, in batches of seven, each published. */
static void grow(struct tlog *t, unsigned n)
{
	char text[64];
	uint64_t index;
	unsigned i;

	for (i = 0; i < n; i++) {
		(void)str_printf(text, sizeof(text), "{\"n\":%llu}",
				 (unsigned long long)tlog_size(t) + i % 7);
		assert_int_equal(tlog_add(t, span_str(text), &index), 0);
		if (i % 7 != 6 && i + 1 != n)
			continue;
		assert_int_equal(tlog_commit(t), 0);
		assert_int_equal(tlog_publish(t), 0);
	}
}

static void need_version(int dir, unsigned want)
{
	struct err err = { 0 };
	unsigned v = 99;

	assert_int_equal(state_version(dir, &v, &err), 0);
	assert_int_equal(v, want);
}

static void test_version(void **state)
{
	static const char *const bad[] = {
		"", "2", "\n", "0\n", "-1\n", "x\n", "2\n2\n", "99999999\n"
	};
	struct world *w = *state;
	struct err err = { 0 };
	unsigned v;
	size_t i;

	need_version(w->dir, 0);
	assert_int_equal(state_upgrade(w->dir, &v, &err), 0);
	assert_int_equal(v, 0);
	need_text(w->dir, "version", "2\n");
	need_version(w->dir, 2);
	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		put(w->dir, "version", bad[i]);
		assert_int_equal(state_version(w->dir, &v, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, "version:1:1: "));
	}
	put(w->dir, "version", "3\n");
	assert_int_equal(state_upgrade(w->dir, &v, &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "install the newer bulkhead"));
	need_text(w->dir, "version", "3\n");
}

/* A directory of version 1 becomes 2, and a copy of it can be restored. */
static void test_upgrade(void **state)
{
	struct world *w = *state;
	CLEAN_FD int audit = sub(w->dir, "audit"), aside = -1, copy = -1;
	struct state_sum sum;
	struct err err = { 0 };
	struct tlog *t;
	unsigned v;

	put(w->dir, "latch", "why");
	assert_int_equal(tlog_open(audit, &t, &err), 0);
	grow(t, 300);
	tlog_close(t);
	need_version(w->dir, 1);
	assert_int_equal(state_upgrade(w->dir, &v, &err), 0);
	assert_int_equal(v, 1);
	need_version(w->dir, STATE_VERSION);
	copy = openat(w->dir, "upgrade/version-1.tar", O_RDONLY | O_CLOEXEC);
	assert_true(copy >= 0);
	aside = sub(w->dir, "log");
	assert_int_equal(state_restore(copy, aside, &sum, &err), 0);
	assert_int_equal(sum.version, 1);
	assert_int_equal(sum.records, 300);
	need_text(aside, "latch", "why");
	/* Again: nothing to do, and the copy is left alone. */
	assert_int_equal(state_upgrade(w->dir, &v, &err), 0);
	assert_int_equal(v, STATE_VERSION);
}

/* What test_moving does to the log while it is copied. */
struct moving {
	struct tlog *t;
	struct archive a;
	unsigned files;
};

static int emit_and_grow(void *arg, const char *path, struct span bytes)
{
	struct moving *m = arg;
	char full[ARCHIVE_PATH];

	if (++m->files % 2 == 0)
		grow(m->t, 40);
	(void)str_printf(full, sizeof(full), "audit/%s", path);
	return archive_add(&m->a, full, bytes);
}

/* The copy is the log at one checkpoint, whatever is appended meanwhile, and
 * a log that can be gone on with: at every size around the ends of a tile. */
static void copy_at(struct world *w, unsigned size)
{
	CLEAN_FD int audit = sub(w->dir, "audit"), in = -1, to = -1, log = -1;
	struct moving m = { 0 };
	struct state_sum sum;
	struct err err = { 0 };
	uint64_t records = 0;

	assert_int_equal(tlog_open(audit, &m.t, &err), 0);
	grow(m.t, size);
	in = openat(w->dir, "copy.tmp", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	archive_init(&m.a, in);
	assert_int_equal(tlog_copy(audit, emit_and_grow, &m, &records, &err),
			 0);
	assert_int_equal(records, size);
	assert_int_equal(archive_end(&m.a), 0);
	archive_done(&m.a);
	tlog_close(m.t);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	to = sub(w->dir, "log");
	assert_int_equal(state_restore(in, to, &sum, &err), 0);
	assert_int_equal(sum.records, size);
	log = openat(to, "audit", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_int_equal(tlog_open(log, &m.t, &err), 0);
	assert_int_equal(tlog_size(m.t), size);
	assert_string_equal(tlog_recovery(m.t), "");
	grow(m.t, 10);
	tlog_close(m.t);
	assert_int_equal(state_clear(w->dir), 0);
}

static void test_moving(void **state)
{
	static const unsigned sizes[] = { 0,   1,   255, 256,  257,
					  511, 512, 513, 1500, 2048 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		copy_at(*state, sizes[i]);
}

static int backup_fails(struct world *w, struct err *err)
{
	CLEAN_FD int out = open("/dev/null", O_WRONLY | O_CLOEXEC);
	struct state_sum sum;

	*err = (struct err){ 0 };
	return state_backup(w->dir, out, &sum, err);
}

/* As auditd leaves its log when it is killed: `rest` records are durable that
 * no checkpoint has, and a batch is half written. */
static void kill_log(int audit, unsigned size, unsigned rest)
{
	CLEAN_FD int wal = -1;
	struct err err = { 0 };
	char text[64];
	uint64_t index;
	struct tlog *t;
	unsigned i;

	assert_int_equal(tlog_open(audit, &t, &err), 0);
	grow(t, size);
	for (i = 0; i < rest; i++) {
		(void)str_printf(text, sizeof(text), "{\"rest\":%u}", i);
		assert_int_equal(tlog_add(t, span_str(text), &index), 0);
		if (i % 100 == 99 || i + 1 == rest)
			assert_int_equal(tlog_commit(t), 0);
	}
	tlog_close(t);
	wal = openat(audit, "wal", O_WRONLY | O_APPEND | O_CLOEXEC);
	assert_true(wal >= 0);
	assert_int_equal(fd_write_all(wal, SPAN_LIT("btch\1")), 0);
}

/* Goal: a backup of a bulkhead that was killed has every record that was
 * acknowledged; restored, the log verifies and goes on. */
static void killed_at(struct world *w, unsigned size, unsigned rest)
{
	CLEAN_FD int audit = sub(w->dir, "audit");
	CLEAN_FD int in = -1, to = -1, log = -1;
	struct state_sum made, got;
	struct err err = { 0 };
	uint8_t *record = NULL;
	struct tlog *t;
	char want[64];
	size_t n;

	put(w->dir, "version", "2\n");
	kill_log(audit, size, rest);
	in = openat(w->dir, "copy.tmp", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(state_backup(w->dir, in, &made, &err), 0);
	assert_int_equal(made.records, size + rest);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	to = sub(w->dir, "log");
	assert_int_equal(state_restore(in, to, &got, &err), 0);
	assert_int_equal(got.records, size + rest);
	log = openat(to, "audit", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	(void)str_printf(want, sizeof(want), "{\"rest\":%u}", rest - 1);
	assert_int_equal(tlog_read(log, size + rest - 1, &record, &n, &err), 0);
	assert_int_equal(n, strlen(want));
	assert_memory_equal(record, want, n);
	free(record);
	assert_int_equal(tlog_open(log, &t, &err), 0);
	assert_string_equal(tlog_recovery(t), "");
	grow(t, 10);
	tlog_close(t);
	assert_int_equal(state_clear(w->dir), 0);
}

static void test_killed(void **state)
{
	static const unsigned sizes[] = { 0, 1, 255, 256, 700 };
	static const unsigned rests[] = { 1, 100, 256, 513 };
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(sizes); i++)
		for (k = 0; k < ARRAY_SIZE(rests); k++)
			killed_at(*state, sizes[i], rests[k]);
}

/* A wal in which something was changed is no reason to leave its records out
 * without a word. */
static void test_changed_wal(void **state)
{
	struct world *w = *state;
	CLEAN_FD int audit = sub(w->dir, "audit"), wal = -1;
	struct err err;

	put(w->dir, "version", "2\n");
	kill_log(audit, 300, 40);
	wal = openat(audit, "wal", O_WRONLY | O_CLOEXEC);
	assert_int_equal(pwrite(wal, "x", 1, 300), 1);
	assert_int_equal(backup_fails(w, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "wal: offset "));
	assert_non_null(strstr(err.msg, "audit verify"));
}

static void test_round_trip(void **state)
{
	struct world *w = *state;
	CLEAN_FD int connectors = sub(w->dir, "connectors"), in = -1, to = -1;
	CLEAN_FD int inbox = sub(connectors, "inbox"), log = sub(w->dir, "log");
	struct state_sum made, got;
	struct err err = { 0 };
	struct stat st;
	unsigned v;

	assert_int_equal(state_upgrade(w->dir, &v, &err), 0);
	put(inbox, "inbox.seen", "a\nb\n");
	put(inbox, "half.tmp", "never");
	put(w->dir, "lock", "");
	put(w->dir, "probe", "of this machine");
	put(log, "bulkhead.log", "a line\n");
	in = openat(w->dir, "copy.tmp", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	assert_int_equal(state_backup(w->dir, in, &made, &err), 0);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	to = sub(w->dir, "upgrade");
	(void)umask(0);
	assert_int_equal(state_restore(in, to, &got, &err), 0);
	(void)umask(022);
	assert_int_equal(got.version, STATE_VERSION);
	assert_int_equal(made.files, got.files + 1);
	need_text(to, "connectors/inbox/inbox.seen", "a\nb\n");
	assert_int_equal(fstatat(to, "connectors/inbox/inbox.seen", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0600);
	assert_int_equal(fstatat(to, "connectors", &st, 0), 0);
	assert_int_equal(st.st_mode & 0777, 0700);
	assert_int_equal(fstatat(to, "lock", &st, 0), -1);
	assert_int_equal(fstatat(to, "probe", &st, 0), -1);
	assert_int_equal(fstatat(to, "log", &st, 0), -1);
	assert_int_equal(fstatat(to, "connectors/inbox/half.tmp", &st, 0), -1);
	/* What is there already is never overwritten. */
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	assert_int_equal(state_restore(in, to, &got, &err), -EEXIST);
}

/* Goal: what a backup would lose or follow is said, not left out. */
static void test_backup_refuses(void **state)
{
	struct world *w = *state;
	CLEAN_FD int connectors = sub(w->dir, "connectors"), full = -1;
	struct state_sum sum;
	struct err err;

	put(w->dir, "notes.txt", "mine");
	assert_int_equal(backup_fails(w, &err), -EINVAL);
	assert_non_null(strstr(err.msg, "notes.txt: not bulkhead's: move it"));
	assert_int_equal(unlinkat(w->dir, "notes.txt", 0), 0);
	assert_int_equal(symlinkat("/etc/passwd", connectors, "x"), 0);
	assert_int_equal(backup_fails(w, &err), -ELOOP);
	assert_string_equal(err.msg, "connectors/x: a link: remove it");
	assert_int_equal(unlinkat(connectors, "x", 0), 0);
	assert_int_equal(mkfifoat(connectors, "x", 0600), 0);
	assert_int_equal(backup_fails(w, &err), -ENOTSUP);
	assert_int_equal(unlinkat(connectors, "x", 0), 0);
	put(connectors, "a b", "");
	assert_int_equal(backup_fails(w, &err), -EINVAL);
	assert_int_equal(unlinkat(connectors, "a b", 0), 0);
	full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	err = (struct err){ 0 };
	put(w->dir, "version", "2\n");
	assert_int_equal(state_backup(w->dir, full, &sum, &err), -ENOSPC);
	assert_int_equal(backup_fails(w, &err), 0);
}

/* Backs up and restores: what was restored, as a directory of that name. */
static int through(struct world *w, const char *name)
{
	CLEAN_FD int file =
		openat(w->dir, "copy.tmp",
		       O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	struct state_sum sum;
	struct err err = { 0 };
	int to = sub(w->dir, name);

	assert_int_equal(state_backup(w->dir, file, &sum, &err), 0);
	assert_int_equal(lseek(file, 0, SEEK_SET), 0);
	assert_int_equal(state_restore(file, to, &sum, &err), 0);
	return to;
}

/* A database with what is newer than it, its mark, and the tip of the log. */
static void test_databases(void **state)
{
	struct world *w = *state;
	CLEAN_FD int store = sub(w->dir, "store"), tip = sub(w->dir, "tip");
	CLEAN_FD int alone = -1, both = -1;
	struct err err;

	put(w->dir, "version", "2\n");
	put(w->dir, "store.last", "0/1\n");
	put(tip, "checkpoint", "a note\n");
	put(store, "queue.db", "SQLite format 3");
	alone = through(w, "log");
	need_text(alone, "store/queue.db", "SQLite format 3");
	assert_int_equal(faccessat(alone, "store/queue.db-wal", F_OK, 0), -1);
	need_text(alone, "store.last", "0/1\n");
	need_text(alone, "tip/checkpoint", "a note\n");
	put(store, "queue.db-wal", "frames");
	both = through(w, "upgrade");
	need_text(both, "store/queue.db", "SQLite format 3");
	need_text(both, "store/queue.db-wal", "frames");
	put(store, "queue.db-journal", "");
	assert_int_equal(backup_fails(w, &err), 0);
	put(store, "queue.db-journal", "pages");
	assert_int_equal(backup_fails(w, &err), -EBUSY);
	assert_non_null(strstr(err.msg, "store/queue.db: "));
}

/* One member with this name and text; the archive is whole. */
static int restore_one(struct world *w, const char *path, const char *text,
		       struct err *err)
{
	CLEAN_FD int in = openat(w->dir, "in.tmp",
				 O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	CLEAN_FD int to = sub(w->dir, "log");
	struct state_sum sum;
	struct archive a;
	int r;

	archive_init(&a, in);
	assert_int_equal(archive_add(&a, path, span_str(text)), 0);
	assert_int_equal(archive_end(&a), 0);
	archive_done(&a);
	assert_int_equal(lseek(in, 0, SEEK_SET), 0);
	*err = (struct err){ 0 };
	r = state_restore(in, to, &sum, err);
	assert_int_equal(state_clear(to), 0);
	assert_int_equal(unlinkat(w->dir, "log", AT_REMOVEDIR), 0);
	return r;
}

static void test_restore_refuses(void **state)
{
	struct err err;

	assert_int_equal(restore_one(*state, "version", "2\n", &err), 0);
	assert_int_equal(restore_one(*state, "version", "3\n", &err), -ENOTSUP);
	assert_non_null(strstr(err.msg, "install the newer bulkhead"));
	assert_int_equal(restore_one(*state, "lock", "", &err), -EBADMSG);
	assert_int_equal(restore_one(*state, "log/x", "", &err), -EBADMSG);
	assert_int_equal(restore_one(*state, "auditor", "", &err), -EBADMSG);
	assert_int_equal(restore_one(*state, "audit/vkey", "no key\n", &err),
			 -EBADMSG);
	assert_non_null(strstr(err.msg, "audit/key: offset 0: "));
}

static off_t size_of(int dir, const char *name)
{
	struct stat st;

	return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) < 0 ? -1
								: st.st_size;
}

static void write_log(int fd, size_t bytes, char c)
{
	char line[1024];

	memset(line, c, sizeof(line));
	line[sizeof(line) - 1] = '\n';
	for (; bytes >= sizeof(line); bytes -= sizeof(line))
		assert_int_equal(fd_write_all(fd, span_of(line, sizeof(line))),
				 0);
}

static void test_rotate(void **state)
{
	struct world *w = *state;
	CLEAN_FD int log = sub(w->dir, "log"), fd = -1, other = -1;

	fd = openat(log, "bulkhead.log",
		    O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	other = openat(log, "other", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	write_log(fd, ROTATE_BYTES, 'a');
	assert_int_equal(rotate_log(w->dir, fd), 0);
	write_log(fd, 1024, 'b');
	assert_int_equal(rotate_log(w->dir, other), 0);
	assert_int_equal(rotate_log(w->dir, fd), 1);
	assert_int_equal(size_of(log, "bulkhead.log"), 0);
	assert_int_equal(size_of(log, "bulkhead.log.1"), ROTATE_BYTES + 1024);
	/* The same descriptor goes on, at the beginning. */
	write_log(fd, ROTATE_BYTES + 2048, 'c');
	assert_int_equal(size_of(log, "bulkhead.log"), ROTATE_BYTES + 2048);
	assert_int_equal(rotate_log(w->dir, fd), 1);
	assert_int_equal(size_of(log, "bulkhead.log.1"), ROTATE_BYTES + 2048);
	assert_int_equal(size_of(log, "bulkhead.log.2"), ROTATE_BYTES + 1024);
	/* What is large, but not the log, is left alone. */
	write_log(other, ROTATE_BYTES + 1024, 'x');
	assert_int_equal(rotate_log(w->dir, other), 0);
	write_log(fd, ROTATE_BYTES + 3072, 'd');
	assert_int_equal(rotate_log(w->dir, fd), 1);
	assert_int_equal(size_of(log, "bulkhead.log.2"), ROTATE_BYTES + 2048);
	assert_int_equal(size_of(log, "bulkhead.log.3"), -1);
	assert_int_equal(size_of(log, "bulkhead.log.tmp"), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_version, setup, teardown),
		cmocka_unit_test_setup_teardown(test_upgrade, setup, teardown),
		cmocka_unit_test_setup_teardown(test_moving, setup, teardown),
		cmocka_unit_test_setup_teardown(test_killed, setup, teardown),
		cmocka_unit_test_setup_teardown(test_changed_wal, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_round_trip, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_backup_refuses, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_databases, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_restore_refuses, setup,
						teardown),
		cmocka_unit_test_setup_teardown(test_rotate, setup, teardown),
	};

	return cmocka_run_group_tests_name("state/state", tests, NULL, NULL);
}
