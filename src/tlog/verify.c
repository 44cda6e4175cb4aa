/*
 * verify: the reading half of tlog.h. It believes nothing but the signature
 * of the checkpoint, and checks every byte it returns against it.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "tlog/head.h"
#include "tlog/layout.h"
#include "tlog/tlog.h"
#include "tlog/wal.h"

/* A log that grows under the reader is read again, so many times. */
enum { TRIES = 8, TRY_MS = 25 };

struct reader {
	int dir;
	struct head head;
	struct err *err;
	struct tree tree;
	struct buf bundle; /* the entry bundle at hand */
	struct buf tile;   /* the tile at hand */
	struct buf wal;
	struct span pending; /* the wal's rows from w.base on */
	uint64_t base;
};

static void reader_done(struct reader *r)
{
	buf_done(&r->bundle);
	buf_done(&r->tile);
	buf_done(&r->wal);
}

#define CLEAN_READER __attribute__((cleanup(reader_done)))

static void reader_init(struct reader *r, int dir, struct err *err)
{
	*r = (struct reader){ .dir = dir, .err = err };
	buf_init(&r->bundle, LAYOUT_BUNDLE_MAX + 1);
	buf_init(&r->tile, TREE_TILE_BYTES + 1);
	buf_init(&r->wal, WAL_FILE_MAX + 1);
}

/* Rows of tile n of a set: all, or those of the unfinished one. */
static uint32_t rows_of(uint64_t size, unsigned set, uint64_t n)
{
	return n < layout_full(size, set) ? TREE_TILE : layout_width(size, set);
}

static void path_of(uint64_t size, unsigned set, uint64_t n,
		    char path[LAYOUT_PATH])
{
	bool full = n < layout_full(size, set);

	layout_path(path, set, n, full ? 0 : layout_width(size, set));
}

static int read_tile(struct reader *r, unsigned level, uint64_t n)
{
	uint32_t rows = rows_of(r->head.size, level, n);
	char path[LAYOUT_PATH];
	int e;

	path_of(r->head.size, level, n, path);
	e = layout_need(r->dir, path, (size_t)rows * TLOG_HASH, &r->tile,
			r->err);
	if (e == 0 && r->tile.n != (size_t)rows * TLOG_HASH)
		e = err_set(r->err, -EBADMSG, "%s: offset %zu: ends too early",
			    path, r->tile.n);
	return e;
}

static int read_bundle(struct reader *r, uint64_t n)
{
	char path[LAYOUT_PATH];

	path_of(r->head.size, LAYOUT_ENTRIES, n, path);
	return layout_need(r->dir, path, LAYOUT_BUNDLE_MAX, &r->bundle, r->err);
}

/* That a tile on disk is this one. */
static int same_tile(struct reader *r, unsigned set, uint64_t n,
		     struct span want)
{
	char path[LAYOUT_PATH];

	path_of(r->head.size, set, n, path);
	return layout_compare(r->dir, path, want, false, r->err);
}

/* Leaves and records contradict each other: either may have been changed. */
static int name_both(struct reader *r, uint64_t n)
{
	const struct err was = *r->err;
	char path[LAYOUT_PATH];

	path_of(r->head.size, LAYOUT_ENTRIES, n, path);
	return err_set(r->err, -EBADMSG, "%.300s, or %s was changed", was.msg,
		       path);
}

static int full_tile(void *arg, unsigned level, uint64_t n, const uint8_t *tile)
{
	int e = same_tile(arg, level, n, span_of(tile, TREE_TILE_BYTES));

	return e == -EBADMSG && level == 0 ? name_both(arg, n) : e;
}

/* A record of the wal's range must be the wal's record. */
static int check_pending(struct reader *r, struct span record)
{
	uint64_t index = r->tree.size;
	char path[LAYOUT_PATH];
	struct span have;

	if (index < r->base ||
	    (wal_row(&r->pending, &have) && span_eq(have, record)))
		return 0;
	path_of(r->head.size, LAYOUT_ENTRIES, index / TREE_TILE, path);
	return err_set(r->err, -EBADMSG, "wal: record %llu is not that of %s",
		       (unsigned long long)index, path);
}

/* Hashes the records of bundle n into the tree. */
static int add_bundle(struct reader *r, uint64_t n)
{
	uint32_t want = rows_of(r->head.size, LAYOUT_ENTRIES, n);
	struct span rows = buf_view(&r->bundle);
	uint8_t leaf[TLOG_HASH];
	struct span record;
	char path[LAYOUT_PATH];
	uint32_t i;
	int e;

	path_of(r->head.size, LAYOUT_ENTRIES, n, path);
	for (i = 0; i < want; i++) {
		if (!wal_row(&rows, &record))
			break;
		e = check_pending(r, record);
		if (e == 0)
			e = hash_leaf(leaf, record);
		if (e == 0)
			e = tree_add(&r->tree, leaf, full_tile, r);
		if (e < 0)
			return e;
	}
	if (i == want && rows.n == 0)
		return 0;
	return err_set(r->err, -EBADMSG,
		       "%s: offset %zu: does not hold %u whole records", path,
		       r->bundle.n - rows.n, want);
}

/* Reads the wal whole and gathers its rows in front of the file's bytes. */
static int load_wal(struct reader *r)
{
	struct wal_walk w;
	enum wal_result res;
	size_t n = 0;
	int e;

	e = layout_need(r->dir, "wal", WAL_FILE_MAX, &r->wal, r->err);
	if (e < 0)
		return e;
	res = wal_open(&w, buf_view(&r->wal));
	while (res == WAL_OK) {
		res = wal_next(&w);
		if (res != WAL_OK)
			break;
		/* UNSAFE: rows lie behind all that was gathered so far. */
		memmove(r->wal.p + n, w.rows.p, w.rows.n);
		n += w.rows.n;
	}
	if (res != WAL_END)
		return err_set(r->err, -EBADMSG,
			       "wal: offset %zu: not what was written", w.off);
	if (w.next != r->head.size || w.base > r->head.size)
		return err_set(r->err, -EBADMSG,
			       "wal: offset %zu: ends with record %llu, the "
			       "checkpoint has %llu",
			       w.off, (unsigned long long)w.next,
			       (unsigned long long)r->head.size);
	r->base = w.base;
	r->pending = span_of(r->wal.p, n);
	return 0;
}

static int check_edge(struct reader *r)
{
	unsigned level;
	int e = 0;

	for (level = 0; level < TREE_LEVELS && e == 0; level++) {
		uint32_t width = r->tree.width[level];

		if (width)
			e = same_tile(r, level,
				      layout_full(r->head.size, level),
				      span_of(r->tree.tile[level],
					      (size_t)width * TLOG_HASH));
		if (e == -EBADMSG && level == 0)
			e = name_both(r, layout_full(r->head.size, 0));
	}
	return e;
}

static int check_root(struct reader *r)
{
	uint8_t root[TLOG_HASH];
	int e = tree_root(&r->tree, root);

	if (e == 0 && memcmp(root, r->head.root, TLOG_HASH) != 0)
		e = err_set(r->err, -EBADMSG,
			    "checkpoint: offset 0: its root is not that of "
			    "the records (size %llu)",
			    (unsigned long long)r->head.size);
	return e;
}

/* The signing key, where this reader may read it, belongs to vkey. */
static int check_key(struct reader *r)
{
	CLEAN_BUF struct buf b;
	struct note_key k;
	int e;

	buf_init(&b, LAYOUT_SMALL_MAX + 1);
	e = layout_read(r->dir, "key", LAYOUT_SMALL_MAX, &b);
	if (e == -EACCES)
		return 0;
	if (e < 0)
		return layout_need(r->dir, "key", LAYOUT_SMALL_MAX, &b, r->err);
	e = note_key_parse(buf_view(&b), &k);
	memset(b.p, 0, b.n);
	if (e == 0) {
		e = memcmp(k.vkey.pub, r->head.vkey.pub, NOTE_PUBLIC) ? -1 : 0;
		note_key_done(&k);
	}
	if (e < 0)
		return err_set(r->err, -EBADMSG,
			       "key: offset 0: is not the key of vkey");
	return 0;
}

static int verify_once(struct reader *r)
{
	uint64_t n;
	int e;

	e = head_vkey(r->dir, &r->head.vkey, r->err);
	if (e == 0)
		e = check_key(r);
	if (e == 0)
		e = head_checkpoint(r->dir, &r->head, r->err);
	if (e == 0)
		e = load_wal(r);
	for (n = 0; e == 0 && r->tree.size < r->head.size; n++) {
		e = read_bundle(r, n);
		if (e == 0)
			e = add_bundle(r, n);
	}
	if (e == 0)
		e = check_edge(r);
	if (e == 0)
		e = check_root(r);
	return e < 0 ? e : layout_beyond(r->dir, r->head.size, false, r->err);
}

/* True, after a pause, if the checkpoint is no longer the one that was read:
 * somebody writes, and what did not agree may do so now. */
static bool has_moved(int dir, const struct head *old)
{
	const struct timespec pause = { .tv_nsec = TRY_MS * 1000000L };
	struct head now = *old;
	struct err ignored;

	(void)nanosleep(&pause, NULL);
	return old->vkey.name[0] && head_checkpoint(dir, &now, &ignored) == 0 &&
	       now.size > old->size;
}

int tlog_verify(int dirfd, struct tlog_state *ret, struct err *err)
{
	int try;
	int e = -EBADMSG;

	for (try = 0; try < TRIES; try++) {
		CLEAN_READER struct reader r;

		reader_init(&r, dirfd, err);
		e = verify_once(&r);
		if (e == 0) {
			*ret = (struct tlog_state){ .size = r.head.size };
			memcpy(ret->root, r.head.root, TLOG_HASH);
			note_vkey_format(&r.head.vkey, ret->vkey);
			break;
		}
		if (!has_moved(dirfd, &r.head))
			break;
	}
	return e;
}

/* The edge as the tiles on disk have it: its root must be the signed one. */
static int load_edge(struct reader *r)
{
	unsigned level;
	int e;

	for (level = 0; level < TREE_LEVELS; level++) {
		uint32_t width = tree_width(r->head.size, level);

		if (!width)
			continue;
		e = read_tile(r, level, tree_full_tiles(r->head.size, level));
		if (e < 0)
			return e;
		memcpy(r->tree.tile[level], r->tile.p,
		       (size_t)width * TLOG_HASH);
		r->tree.width[level] = width;
	}
	return check_root(r);
}

/*
 * From a leaf up: each tile must hold the hash at its place, and its own root
 * is the hash for the level above, until the edge, which the root vouches for.
 */
static int check_path(struct reader *r, uint64_t index, uint8_t hash[TLOG_HASH])
{
	unsigned level;
	int e;

	for (level = 0; level < TREE_LEVELS; level++) {
		uint64_t n = index / TREE_TILE;
		size_t at = (size_t)(index % TREE_TILE) * TLOG_HASH;
		bool full = n < tree_full_tiles(r->head.size, level);
		const uint8_t *tile = r->tree.tile[level];
		char path[LAYOUT_PATH];

		if (full) {
			e = read_tile(r, level, n);
			if (e < 0)
				return e;
			tile = r->tile.p;
		}
		path_of(r->head.size, level, n, path);
		if (memcmp(tile + at, hash, TLOG_HASH) != 0)
			return err_set(r->err, -EBADMSG,
				       "%s: offset %zu: is not the hash of "
				       "what it stands for",
				       path, at);
		if (!full)
			return 0;
		e = tree_tile_root(tile, hash);
		if (e < 0)
			return e;
		index = n;
	}
	return -EBADMSG;
}

/* Finds record `index` in its bundle. */
static int find_record(struct reader *r, uint64_t index, struct span *ret)
{
	struct span rows;
	uint64_t i;
	int e = read_bundle(r, index / TREE_TILE);

	if (e < 0)
		return e;
	rows = buf_view(&r->bundle);
	for (i = 0; i <= index % TREE_TILE; i++)
		if (!wal_row(&rows, ret))
			return err_set(r->err, -EBADMSG,
				       "tile/entries: record %llu: its bundle "
				       "ends too early",
				       (unsigned long long)index);
	return 0;
}

static int read_once(struct reader *r, uint64_t index, struct span *ret)
{
	uint8_t hash[TLOG_HASH] = { 0 };
	int e;

	e = head_vkey(r->dir, &r->head.vkey, r->err);
	if (e == 0)
		e = head_checkpoint(r->dir, &r->head, r->err);
	if (e < 0)
		return e;
	if (index >= r->head.size)
		return err_set(r->err, -ENOENT, "the log has %llu records",
			       (unsigned long long)r->head.size);
	e = load_edge(r);
	if (e == 0)
		e = find_record(r, index, ret);
	if (e == 0)
		e = hash_leaf(hash, *ret);
	return e < 0 ? e : check_path(r, index, hash);
}

int tlog_read(int dirfd, uint64_t index, uint8_t **ret, size_t *n,
	      struct err *err)
{
	int try;
	int e = -EBADMSG;

	for (try = 0; try < TRIES; try++) {
		struct span record = { NULL, 0 };
		CLEAN_READER struct reader r;

		reader_init(&r, dirfd, err);
		e = read_once(&r, index, &record);
		if (e == 0 && !record.p)
			e = -EBADMSG;
		if (e == 0) {
			uint8_t *p = malloc(record.n + 1);

			if (!p)
				return err_set(err, -ENOMEM, "out of memory");
			memcpy(p, record.p, record.n);
			*ret = p;
			*n = record.n;
			break;
		}
		if (e != -EBADMSG || !has_moved(dirfd, &r.head))
			break;
	}
	return e;
}

int tlog_head(int dirfd, struct tlog_state *ret, struct err *err)
{
	struct head h = { 0 };
	int e = head_vkey(dirfd, &h.vkey, err);

	if (e == 0)
		e = head_checkpoint(dirfd, &h, err);
	if (e < 0)
		return e;
	*ret = (struct tlog_state){ .size = h.size };
	memcpy(ret->root, h.root, TLOG_HASH);
	note_vkey_format(&h.vkey, ret->vkey);
	return 0;
}
