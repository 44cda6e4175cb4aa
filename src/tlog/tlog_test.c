/* tlog_test: the log as a whole: growth, crashes, tampering. */
#include "tlog/tlog.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "tlog/layout.h"
#include "tlog/prove.h"
#include "tlog/tree.h"
#include "tlog/wal.h"

struct dir {
	char path[64];
	int fd;
};

static int remove_one(const char *path, const struct stat *st, int kind,
		      struct FTW *at)
{
	(void)st;
	(void)kind;
	(void)at;
	return remove(path);
}

static void dir_make(struct dir *d)
{
	/* In memory where possible: these tests sync thousands of times. */
	const char *base = access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";

	(void)str_printf(d->path, sizeof(d->path), "%s/tlog-XXXXXX", base);
	assert_non_null(mkdtemp(d->path));
	d->fd = open(d->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	assert_true(d->fd >= 0);
}

static void dir_done(struct dir *d)
{
	fd_close(&d->fd);
	(void)nftw(d->path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

static struct span record_of(uint64_t i, char text[64])
{
	int n = str_printf(text, 64, "{\"seq\":%llu,\"kind\":\"test\"}",
			   (unsigned long long)i);

	return span_of(text, (size_t)n);
}

/* Lets the log grow to size in batches of at most step. */
static void grow(struct tlog *t, uint64_t size, uint32_t step)
{
	uint64_t i = tlog_size(t);
	char text[64];

	while (i < size) {
		uint64_t index;
		uint32_t k;

		for (k = 0; k < step && i < size; k++, i++) {
			assert_int_equal(
				tlog_add(t, record_of(i, text), &index), 0);
			assert_int_equal(index, i);
		}
		assert_int_equal(tlog_commit(t), 0);
		assert_int_equal(tlog_rest(t), 0);
		assert_int_equal(tlog_size(t), i);
	}
}

static struct tlog *open_ok(int dir)
{
	struct tlog *t = NULL;
	struct err err;
	int r = tlog_open(dir, &t, &err);

	if (r < 0)
		print_error("tlog_open: %s\n", err.msg);
	assert_int_equal(r, 0);
	return t;
}

static void verify_ok(int dir, uint64_t size)
{
	struct tlog_state s;
	struct err err;
	int r = tlog_verify(dir, &s, &err);

	if (r < 0)
		print_error("tlog_verify: %s\n", err.msg);
	assert_int_equal(r, 0);
	assert_int_equal(s.size, size);
}

/* The root by the words of RFC 6962, not by tiles. */
static void plain_root(uint64_t first, uint64_t n, uint8_t ret[TLOG_HASH])
{
	uint8_t left[TLOG_HASH];
	uint8_t right[TLOG_HASH];
	uint64_t k = 1;
	char text[64];

	if (n == 1) {
		assert_int_equal(hash_leaf(ret, record_of(first, text)), 0);
		return;
	}
	while (k * 2 < n)
		k *= 2;
	plain_root(first, k, left);
	plain_root(first + k, n - k, right);
	assert_int_equal(hash_node(ret, left, right), 0);
}

static void read_ok(int dir, uint64_t index)
{
	uint8_t *p = NULL;
	struct err err;
	char text[64];
	size_t n;
	int r = tlog_read(dir, index, &p, &n, &err);

	if (r < 0)
		print_error("tlog_read: %s\n", err.msg);
	assert_int_equal(r, 0);
	assert_true(span_eq(span_of(p, n), record_of(index, text)));
	free(p);
}

static void sizes(void **state)
{
	static const struct {
		uint64_t size;
		uint32_t step;
	} rows[] = {
		{ 1, 1 },     { 2, 1 },	     { 3, 2 },	    { 255, 255 },
		{ 256, 256 }, { 257, 256 },  { 511, 100 },  { 512, 256 },
		{ 513, 7 },   { 1023, 256 }, { 1024, 256 }, { 1025, 256 },
		{ 2100, 37 }, { 8191, 256 }, { 8192, 256 }, { 8193, 256 }
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint8_t want[TLOG_HASH];
		uint8_t got[TLOG_HASH];
		struct tlog *t;
		struct dir d;

		dir_make(&d);
		t = open_ok(d.fd);
		verify_ok(d.fd, 0);
		grow(t, rows[i].size, rows[i].step);
		tlog_root(t, got);
		plain_root(0, rows[i].size, want);
		assert_memory_equal(got, want, TLOG_HASH);
		verify_ok(d.fd, rows[i].size);
		tlog_close(t);
		t = open_ok(d.fd);
		assert_string_equal(tlog_recovery(t), "");
		assert_int_equal(tlog_size(t), rows[i].size);
		tlog_root(t, got);
		assert_memory_equal(got, want, TLOG_HASH);
		grow(t, rows[i].size + 3, 2);
		verify_ok(d.fd, rows[i].size + 3);
		read_ok(d.fd, 0);
		read_ok(d.fd, rows[i].size / 2);
		read_ok(d.fd, rows[i].size + 2);
		tlog_close(t);
		dir_done(&d);
	}
}

/* Over 65536: a full tile of level 1, an edge of three levels. */
static void large(void **state)
{
	struct tlog *t;
	struct dir d;

	(void)state;
	dir_make(&d);
	t = open_ok(d.fd);
	grow(t, 65537 + 300, 256);
	verify_ok(d.fd, 65837);
	tlog_close(t);
	t = open_ok(d.fd);
	grow(t, 66000, 256);
	verify_ok(d.fd, 66000);
	read_ok(d.fd, 0);
	read_ok(d.fd, 65535);
	read_ok(d.fd, 65536);
	read_ok(d.fd, 65999);
	tlog_close(t);
	dir_done(&d);
}

static void limits(void **state)
{
	static uint8_t record[65536];
	uint64_t index;
	struct tlog *t;
	struct tlog *other;
	struct err err;
	uint8_t *p = NULL;
	struct dir d;
	size_t n;
	int i;

	(void)state;
	dir_make(&d);
	t = open_ok(d.fd);
	assert_int_equal(tlog_open(d.fd, &other, &err), -EBUSY);
	assert_int_equal(tlog_add(t, span_of(record, 0), &index), -EINVAL);
	assert_int_equal(tlog_add(t, span_of(record, 65536), &index), -EINVAL);
	for (i = 0; i < TLOG_BATCH; i++)
		assert_int_equal(
			tlog_add(t, span_of(record, 65535 - i % 3), &index), 0);
	assert_int_equal(tlog_add(t, span_of(record, 1), &index), -ENOBUFS);
	assert_int_equal(tlog_commit(t), 0);
	assert_false(tlog_is_long(t));
	assert_int_equal(tlog_publish(t), 0);
	assert_int_equal(tlog_add(t, span_of(record, 1), &index), 0);
	assert_int_equal(index, TLOG_BATCH);
	assert_int_equal(tlog_commit(t), 0);
	assert_int_equal(tlog_publish(t), 0);
	verify_ok(d.fd, TLOG_BATCH + 1);
	for (i = 1; i < TLOG_BATCH; i++)
		assert_int_equal(tlog_add(t, span_of(record, 65535), &index),
				 0);
	assert_int_equal(tlog_commit(t), 0);
	assert_true(tlog_is_long(t));
	assert_int_equal(tlog_publish(t), 0);
	assert_false(tlog_is_long(t));
	verify_ok(d.fd, (uint64_t)2 * TLOG_BATCH);
	assert_int_equal(tlog_read(d.fd, 0, &p, &n, &err), 0);
	assert_int_equal(n, 65535);
	free(p);
	assert_int_equal(
		tlog_read(d.fd, (uint64_t)2 * TLOG_BATCH, &p, &n, &err),
		-ENOENT);
	tlog_close(t);
	dir_done(&d);
}

/* The whole of a file, by path. */
static void slurp(int dir, const char *path, struct buf *b)
{
	buf_init(b, WAL_FILE_MAX);
	assert_int_equal(layout_read(dir, path, WAL_FILE_MAX, b), 0);
}

static void spill(int dir, const char *path, struct span s)
{
	assert_int_equal(layout_publish(dir, path, s, LAYOUT_LATER), 0);
}

static void remove_tree(struct dir *d, const char *name)
{
	char path[128];

	(void)str_printf(path, sizeof(path), "%s/%s", d->path, name);
	(void)nftw(path, remove_one, 16, FTW_DEPTH | FTW_PHYS);
}

/*
 * A crash in the middle of the third batch: the checkpoint is that of the
 * second, the wal ends at any byte. What is whole is kept, the rest is cut.
 */
static void crash_everywhere(void **state)
{
	struct buf two, three, old;
	struct tlog *t;
	struct dir d;
	size_t n;

	(void)state;
	dir_make(&d);
	t = open_ok(d.fd);
	grow(t, 5, 3);
	slurp(d.fd, "wal", &two);
	slurp(d.fd, "checkpoint", &old);
	grow(t, 8, 3);
	slurp(d.fd, "wal", &three);
	tlog_close(t);
	for (n = two.n; n <= three.n; n++) {
		remove_tree(&d, "tile");
		spill(d.fd, "wal", span_of(three.p, n));
		spill(d.fd, "checkpoint", buf_view(&old));
		t = open_ok(d.fd);
		assert_int_equal(tlog_size(t), n == three.n ? 8 : 5);
		assert_int_equal(tlog_recovery(t)[0] != 0,
				 n != two.n && n != three.n);
		verify_ok(d.fd, tlog_size(t));
		grow(t, 9, 1);
		verify_ok(d.fd, 9);
		tlog_close(t);
	}
	buf_done(&two);
	buf_done(&three);
	buf_done(&old);
	dir_done(&d);
}

/* Before the checkpoint's size nothing may be missing, wherever it ends. */
static void cut_below_checkpoint(void **state)
{
	struct tlog *t;
	struct err err;
	struct buf wal;
	struct dir d;
	size_t n;

	(void)state;
	dir_make(&d);
	t = open_ok(d.fd);
	grow(t, 8, 3);
	slurp(d.fd, "wal", &wal);
	tlog_close(t);
	for (n = 0; n < wal.n; n++) {
		spill(d.fd, "wal", span_of(wal.p, n));
		assert_int_equal(tlog_open(d.fd, &t, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, "wal: offset "));
	}
	buf_done(&wal);
	dir_done(&d);
}

/* A flipped bit anywhere in the wal but in a torn last batch. */
static void flip_wal(void **state)
{
	struct buf two, three, old;
	struct tlog *t;
	struct err err;
	struct dir d;
	size_t i;

	(void)state;
	dir_make(&d);
	t = open_ok(d.fd);
	grow(t, 2, 2);
	slurp(d.fd, "checkpoint", &old);
	grow(t, 4, 2);
	slurp(d.fd, "wal", &two);
	grow(t, 6, 2);
	slurp(d.fd, "wal", &three);
	tlog_close(t);
	remove_tree(&d, "tile");
	/* The checkpoint is old, but bytes follow: the second batch was whole
	 * once, so this is no crash. */
	spill(d.fd, "checkpoint", buf_view(&old));
	for (i = 0; i < two.n; i++) {
		three.p[i] ^= (uint8_t)(1 << i % 8);
		spill(d.fd, "wal", buf_view(&three));
		assert_int_equal(tlog_open(d.fd, &t, &err), -EBADMSG);
		three.p[i] ^= (uint8_t)(1 << i % 8);
	}
	buf_done(&two);
	buf_done(&three);
	buf_done(&old);
	dir_done(&d);
}

/* A torn last batch whose later blocks were never written. */
static void zero_blocks(void **state)
{
	struct buf one, two, old;
	struct tlog *t;
	struct dir d;
	size_t n;

	(void)state;
	dir_make(&d);
	t = open_ok(d.fd);
	grow(t, 3, 3);
	slurp(d.fd, "wal", &one);
	slurp(d.fd, "checkpoint", &old);
	grow(t, 6, 3);
	slurp(d.fd, "wal", &two);
	tlog_close(t);
	for (n = one.n; n < two.n; n++) {
		struct buf cut;

		slurp(d.fd, "wal", &cut);
		buf_reset(&cut);
		buf_span(&cut, buf_view(&two));
		memset(cut.p + n, 0, cut.n - n);
		remove_tree(&d, "tile");
		spill(d.fd, "wal", buf_view(&cut));
		spill(d.fd, "checkpoint", buf_view(&old));
		/* Inside a head no sector ends here: see wal_test. */
		if (n == one.n || n >= one.n + WAL_BATCH_HEAD) {
			t = open_ok(d.fd);
			assert_int_equal(tlog_size(t), 3);
			tlog_close(t);
		}
		buf_done(&cut);
	}
	buf_done(&one);
	buf_done(&two);
	buf_done(&old);
	dir_done(&d);
}

/* Every file that a log of this size consists of. */
static const char *const files_300[] = {
	"key",
	"vkey",
	"checkpoint",
	"wal",
	"tile/entries/000",
	"tile/entries/001.p/44",
	"tile/0/000",
	"tile/0/001.p/44",
	"tile/1/000.p/1",
};

static int verify_quick(int dir, struct err *err)
{
	struct tlog_state s;

	return tlog_verify(dir, &s, err);
}

/* Each file flipped at many places, cut, made longer, removed: found. */
static void tamper(void **state)
{
	struct tlog *t;
	struct err err;
	struct dir d;
	size_t i, k;

	(void)state;
	dir_make(&d);
	t = open_ok(d.fd);
	grow(t, 300, 150);
	tlog_close(t);
	for (i = 0; i < ARRAY_SIZE(files_300); i++) {
		const char *path = files_300[i];
		size_t step;
		struct buf b;

		slurp(d.fd, path, &b);
		step = b.n > 64 ? b.n / 16 : 3;
		for (k = 0; k < b.n; k += step) {
			b.p[k] ^= 1;
			spill(d.fd, path, buf_view(&b));
			assert_int_equal(verify_quick(d.fd, &err), -EBADMSG);
			if (k > 0 && i >= 4)
				assert_non_null(strstr(err.msg, path));
			b.p[k] ^= 1;
		}
		spill(d.fd, path, span_of(b.p, b.n - 1));
		assert_int_equal(verify_quick(d.fd, &err), -EBADMSG);
		buf_u8(&b, 'x');
		spill(d.fd, path, buf_view(&b));
		assert_int_equal(verify_quick(d.fd, &err), -EBADMSG);
		assert_int_equal(unlinkat(d.fd, path, 0), 0);
		assert_int_equal(verify_quick(d.fd, &err), -EBADMSG);
		spill(d.fd, path, span_of(b.p, b.n - 1));
		verify_ok(d.fd, 300);
		buf_done(&b);
	}
	dir_done(&d);
}

/* An older checkpoint, an older wal, tiles of another log, tiles beyond. */
static void swapped(void **state)
{
	struct buf checkpoint, wal, other;
	struct dir d, e;
	struct tlog *t;
	struct err err;

	(void)state;
	dir_make(&d);
	dir_make(&e);
	t = open_ok(e.fd);
	grow(t, 10, 10);
	tlog_close(t);
	slurp(e.fd, "checkpoint", &other);
	t = open_ok(d.fd);
	grow(t, 5, 5);
	slurp(d.fd, "checkpoint", &checkpoint);
	slurp(d.fd, "wal", &wal);
	grow(t, 10, 5);
	tlog_close(t);

	/* Another log's checkpoint. */
	buf_done(&wal);
	slurp(d.fd, "checkpoint", &wal);
	spill(d.fd, "checkpoint", buf_view(&other));
	assert_int_equal(tlog_open(d.fd, &t, &err), -EBADMSG);
	assert_int_equal(verify_quick(d.fd, &err), -EBADMSG);

	/* An older checkpoint is a crash for the writer, not for a reader. */
	spill(d.fd, "checkpoint", buf_view(&checkpoint));
	assert_int_equal(verify_quick(d.fd, &err), -EBADMSG);
	t = open_ok(d.fd);
	assert_int_equal(tlog_size(t), 10);
	tlog_close(t);
	verify_ok(d.fd, 10);

	/* Checkpoint and wal rolled back together: the tiles tell. */
	spill(d.fd, "checkpoint", buf_view(&checkpoint));
	buf_done(&other);
	slurp(d.fd, "wal", &other);
	buf_cut(&other, 56 + (other.n - 56) / 2);
	spill(d.fd, "wal", buf_view(&other));
	assert_int_equal(tlog_open(d.fd, &t, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "tile/"));
	buf_done(&checkpoint);
	buf_done(&wal);
	buf_done(&other);
	dir_done(&d);
	dir_done(&e);
}

/* A flipped tile that has its full length is no crash either. */
static void flip_tiles_open(void **state)
{
	size_t i;

	(void)state;
	for (i = 4; i < ARRAY_SIZE(files_300); i++) {
		struct tlog *t;
		struct err err;
		struct dir d;
		struct buf b;

		dir_make(&d);
		t = open_ok(d.fd);
		grow(t, 300, 150);
		tlog_close(t);
		slurp(d.fd, files_300[i], &b);
		b.p[b.n / 2] ^= 4;
		spill(d.fd, files_300[i], buf_view(&b));
		assert_int_equal(tlog_open(d.fd, &t, &err), -EBADMSG);
		assert_non_null(strstr(err.msg, files_300[i]));
		/* Missing or short, as a crash leaves it: made again. */
		spill(d.fd, files_300[i], span_of(b.p, 0));
		t = open_ok(d.fd);
		verify_ok(d.fd, 300);
		tlog_close(t);
		buf_done(&b);
		dir_done(&d);
	}
}

/* A making that was cut short is finished; a log without its key is not. */
static void creation(void **state)
{
	static const char *const gone[] = { "checkpoint", "wal", "vkey" };
	struct tlog *t;
	struct err err;
	struct stat st;
	struct dir d;
	size_t i;

	(void)state;
	dir_make(&d);
	tlog_close(open_ok(d.fd));
	assert_int_equal(fstatat(d.fd, "key", &st, 0), 0);
	assert_int_equal(st.st_mode & 07777, 0600);
	for (i = 0; i < ARRAY_SIZE(gone); i++) {
		assert_int_equal(unlinkat(d.fd, gone[i], 0), 0);
		if (i > 0)
			assert_int_equal(unlinkat(d.fd, gone[0], 0), 0);
		tlog_close(open_ok(d.fd));
		verify_ok(d.fd, 0);
	}
	t = open_ok(d.fd);
	grow(t, 1, 1);
	tlog_close(t);
	for (i = 0; i < ARRAY_SIZE(gone); i++) {
		struct buf b;

		slurp(d.fd, gone[i], &b);
		assert_int_equal(unlinkat(d.fd, gone[i], 0), 0);
		assert_int_equal(tlog_open(d.fd, &t, &err), -EBADMSG);
		spill(d.fd, gone[i], buf_view(&b));
		buf_done(&b);
	}
	assert_int_equal(unlinkat(d.fd, "key", 0), 0);
	assert_int_equal(tlog_open(d.fd, &t, &err), -EBADMSG);
	dir_done(&d);
}

/* No write, no log: after a failure it takes nothing more. */
static void dead(void **state)
{
	uint64_t index;
	struct tlog *t;
	struct dir d;

	(void)state;
	dir_make(&d);
	t = open_ok(d.fd);
	grow(t, 3, 3);
	/* The place of the checkpoint is taken by a folder. */
	assert_int_equal(unlinkat(d.fd, "checkpoint", 0), 0);
	assert_int_equal(mkdirat(d.fd, "checkpoint", 0700), 0);
	assert_int_equal(tlog_add(t, SPAN_LIT("x"), &index), 0);
	assert_int_equal(tlog_commit(t), 0);
	assert_true(tlog_publish(t) < 0);
	assert_int_equal(tlog_add(t, SPAN_LIT("x"), &index), -EIO);
	assert_int_equal(tlog_commit(t), -EIO);
	tlog_close(t);
	dir_done(&d);
}

/* What prove.c makes, proof.c finds good, for every record and older size. */
static void proofs(void **)
{
	static const uint64_t sizes[] = { 1, 2, 3, 7, 8, 255, 256, 257, 600 };
	size_t k;

	for (k = 0; k < ARRAY_SIZE(sizes); k++) {
		uint8_t leaf[TLOG_HASH], root[TLOG_HASH], old[TLOG_HASH];
		uint64_t n = sizes[k];
		uint8_t again[TLOG_HASH];
		struct proof p;
		struct tlog *t;
		struct err err;
		struct dir d;
		uint64_t i;
		char text[64];

		dir_make(&d);
		t = open_ok(d.fd);
		grow(t, n, 256);
		tlog_root(t, root);
		for (i = 0; i < n; i++) {
			assert_int_equal(hash_leaf(leaf, record_of(i, text)),
					 0);
			assert_int_equal(prove_inclusion(d.fd, i, n, &p, &err),
					 0);
			assert_true(proof_inclusion(&p, i, n, leaf, root));
			plain_root(0, i + 1, old);
			assert_int_equal(
				prove_root(d.fd, i + 1, n, again, &err), 0);
			assert_memory_equal(old, again, TLOG_HASH);
			assert_int_equal(
				prove_consistency(d.fd, i + 1, n, &p, &err), 0);
			assert_true(proof_consistency(&p, i + 1, n, old, root));
		}
		assert_int_equal(prove_inclusion(d.fd, n, n, &p, &err),
				 -EINVAL);
		assert_int_equal(prove_consistency(d.fd, n + 1, n, &p, &err),
				 -EINVAL);
		assert_int_equal(prove_root(d.fd, 0, n, again, &err), -EINVAL);
		tlog_close(t);
		dir_done(&d);
	}
}

static struct tlog *open_tip(struct dir *d, struct dir *tip, const char *says)
{
	struct tlog *t = NULL;
	struct err err = { 0 };
	int r = tlog_open_tip(d->fd, tip->fd, NULL, &t, &err);

	assert_int_equal(r, says ? -EBADMSG : 0);
	if (says && !strstr(err.msg, says))
		fail_msg("%s, wanted %s", err.msg, says);
	return t;
}

/* Goal: a log knows whether it goes on from what somebody remembers of it, at
 * any moment, published or not. */
static void remembered(void **)
{
	static const uint64_t sizes[] = { 1, 5, 255, 256, 257, 600 };
	uint8_t root[ARRAY_SIZE(sizes)][TLOG_HASH];
	struct err err = { 0 };
	struct dir d, other;
	struct tlog *t, *o;
	size_t i;

	dir_make(&d);
	dir_make(&other);
	t = open_ok(d.fd);
	o = open_ok(other.fd);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		grow(t, sizes[i], 100);
		tlog_root(t, root[i]);
	}
	assert_int_equal(tlog_goes_on(t, 0, root[0], "x", &err), 0);
	for (i = 0; i < ARRAY_SIZE(sizes); i++) {
		assert_int_equal(tlog_goes_on(t, sizes[i], root[i], "x", &err),
				 0);
		root[i][7] ^= 1;
		assert_int_equal(tlog_goes_on(t, sizes[i], root[i], "x", &err),
				 -EBADMSG);
		assert_non_null(strstr(err.msg, "x: offset 0: the log does not "
						"go on"));
	}
	assert_int_equal(tlog_goes_on(t, 601, root[0], "x", &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "rolled back, records from 600 on"));
	assert_int_equal(tlog_goes_on(o, 1, root[0], "x", &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "rolled back, records from 0 on"));
	tlog_close(t);
	tlog_close(o);
	dir_done(&d);
	dir_done(&other);
}

/* A log goes on from its tip, or not at all. */
static void tips(void **)
{
	struct dir d, e, tip;
	struct buf kept;
	struct tlog *t;

	dir_make(&d);
	dir_make(&e);
	dir_make(&tip);
	t = open_tip(&d, &tip, NULL);
	grow(t, 5, 5);
	tlog_close(t);
	slurp(tip.fd, "checkpoint", &kept);
	t = open_tip(&d, &tip, NULL);
	grow(t, 300, 50);
	tlog_close(t);
	/* Behind, or without one: it is brought up. */
	spill(tip.fd, "checkpoint", buf_view(&kept));
	tlog_close(open_tip(&d, &tip, NULL));
	assert_int_equal(unlinkat(tip.fd, "checkpoint", 0), 0);
	tlog_close(open_tip(&d, &tip, NULL));
	buf_done(&kept);
	slurp(tip.fd, "checkpoint", &kept);
	/* Changed, of another log, of a longer one. */
	kept.p[kept.n - 9] ^= 1;
	spill(tip.fd, "checkpoint", buf_view(&kept));
	(void)open_tip(&d, &tip, "tip: offset 0: ");
	kept.p[kept.n - 9] ^= 1;
	spill(tip.fd, "checkpoint", buf_view(&kept));
	tlog_close(open_tip(&d, &tip, NULL));
	(void)open_tip(&e, &tip, "all records are missing");
	t = open_ok(e.fd);
	grow(t, 400, 100);
	tlog_close(t);
	(void)open_tip(&e, &tip, "is not signed by this log's key");
	buf_done(&kept);
	dir_done(&d);
	dir_done(&e);
	dir_done(&tip);
}

/* Committed and not yet published: readers wait for it, a crash keeps it. */
static void unpublished(void **)
{
	struct tlog_state s;
	struct tlog *t;
	struct err err;
	uint64_t index;
	struct dir d;

	dir_make(&d);
	t = open_ok(d.fd);
	grow(t, 3, 3);
	assert_int_equal(tlog_add(t, SPAN_LIT("x"), &index), 0);
	assert_int_equal(tlog_commit(t), 0);
	assert_true(tlog_settle(d.fd));
	verify_ok(d.fd, 3);
	tlog_close(t);
	assert_false(tlog_settle(d.fd));
	assert_int_equal(tlog_verify(d.fd, &s, &err), -EBADMSG);
	assert_non_null(strstr(err.msg, "has 3 records, the wal 4"));
	t = open_ok(d.fd);
	tlog_close(t);
	verify_ok(d.fd, 4);
	dir_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes),
		cmocka_unit_test(large),
		cmocka_unit_test(limits),
		cmocka_unit_test(crash_everywhere),
		cmocka_unit_test(cut_below_checkpoint),
		cmocka_unit_test(flip_wal),
		cmocka_unit_test(zero_blocks),
		cmocka_unit_test(tamper),
		cmocka_unit_test(swapped),
		cmocka_unit_test(flip_tiles_open),
		cmocka_unit_test(creation),
		cmocka_unit_test(dead),
		cmocka_unit_test(proofs),
		cmocka_unit_test(tips),
		cmocka_unit_test(remembered),
		cmocka_unit_test(unpublished),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
