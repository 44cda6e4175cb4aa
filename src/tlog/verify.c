/*
 * verify: the reading half of tlog.h. It believes nothing but the signature
 * of the checkpoint, and checks every byte it returns against it.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/file.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "tlog/head.h"
#include "tlog/layout.h"
#include "tlog/tlog.h"
#include "tlog/verify.h"
#include "tlog/wal.h"

enum { TRY_MS = 25 };

static void head_state(const struct head *h, struct tlog_state *ret)
{
	*ret = (struct tlog_state){ .size = h->size, .epoch = h->chain.n - 1 };
	memcpy(ret->root, h->root, TLOG_HASH);
	note_vkey_format(&chain_last(&h->chain)->key, ret->vkey);
}

struct reader {
	int dir;
	bool live; /* somebody writes while this one reads */
	struct head head;
	struct err *err;
	struct tree tree;
	struct tree edge;  /* unfinished tiles as they are on disk */
	struct buf last;   /* the unfinished bundle as it is on disk */
	struct buf bundle; /* the entry bundle at hand */
	struct buf tile;   /* the tile at hand */
	struct buf wal;
	struct span pending; /* the wal's rows from w.base on */
	uint64_t base;
	tlog_record_fn fn; /* told each record; may be NULL */
	void *arg;
	size_t epoch; /* of the next record that announces a key */
};

static void reader_done(struct reader *r)
{
	head_done(&r->head);
	buf_done(&r->last);
	buf_done(&r->bundle);
	buf_done(&r->tile);
	buf_done(&r->wal);
}

#define CLEAN_READER __attribute__((cleanup(reader_done)))

static void reader_init(struct reader *r, int dir, struct err *err)
{
	*r = (struct reader){ .dir = dir, .err = err, .epoch = 1 };
	buf_init(&r->last, LAYOUT_BUNDLE_MAX + 1);
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

static int read_bundle(struct reader *r, uint64_t n, struct buf *b)
{
	char path[LAYOUT_PATH];

	path_of(r->head.size, LAYOUT_ENTRIES, n, path);
	return layout_need(r->dir, path, LAYOUT_BUNDLE_MAX, b, r->err);
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

/* That the records so far are those that the key before has signed last. */
static int check_signed(struct reader *r, const struct chain_link *l)
{
	uint8_t root[TLOG_HASH];
	int e = tree_root(&r->tree, root);

	if (e == 0 && memcmp(root, l->root, TLOG_HASH) != 0)
		e = err_set(r->err, -EBADMSG,
			    "keys: offset 0: the records before %llu are not "
			    "those that the key of epoch %zu has signed: some "
			    "of them were changed",
			    (unsigned long long)l->index, r->epoch - 1);
	return e;
}

/* What announces a key says so, where `keys` has it. */
static int check_announced(struct reader *r, struct span record)
{
	const struct chain *c = &r->head.chain;
	uint64_t index = r->tree.size;

	while (r->epoch < c->n && c->v[r->epoch].index < index)
		r->epoch++;
	if (r->epoch >= c->n || c->v[r->epoch].index > index)
		return 0;
	if (chain_announced(&c->v[r->epoch], record))
		return check_signed(r, &c->v[r->epoch]);
	return err_set(r->err, -EBADMSG,
		       "keys: offset 0: the key of epoch %zu is not what "
		       "record %llu announces",
		       r->epoch, (unsigned long long)index);
}

/* Hashes the records of bundle n into the tree. */
static int add_bundle(struct reader *r, uint64_t n, const struct buf *bundle)
{
	uint32_t want = rows_of(r->head.size, LAYOUT_ENTRIES, n);
	struct span rows = buf_view(bundle);
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
			e = check_announced(r, record);
		if (e == 0 && r->fn)
			e = r->fn(r->arg, r->tree.size, record);
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
		       bundle->n - rows.n, want);
}

/*
 * Where the wal ends, beside the checkpoint. A log that nobody writes has all
 * of it under its checkpoint; one that is written may have more, and a batch
 * that is half there.
 */
static int check_end(struct reader *r, enum wal_result res,
		     const struct wal_walk *w, bool met)
{
	unsigned long long size = r->head.size;
	unsigned long long next = w->next;

	if (res == WAL_BAD)
		return err_set(r->err, -EBADMSG,
			       "wal: offset %zu: not what was written, from "
			       "record %llu on",
			       w->off, next);
	if (w->base > r->head.size || w->next < r->head.size)
		return err_set(r->err, -EBADMSG,
			       "wal: offset %zu: has records %llu to %llu, the "
			       "checkpoint %llu: one of them was put back",
			       w->off, (unsigned long long)w->base, next, size);
	if (!met)
		return err_set(r->err, -EBADMSG,
			       "checkpoint: offset 0: size %llu is in the "
			       "middle of a batch",
			       size);
	if (r->live)
		return 0;
	if (res == WAL_TORN)
		return err_set(r->err, -EBADMSG,
			       "wal: offset %zu: a torn batch of %zu bytes "
			       "behind record %llu: a crash leaves that, and "
			       "the next start cuts it off",
			       w->off, w->bytes.n - w->off, next);
	if (w->next > r->head.size)
		return err_set(r->err, -EBADMSG,
			       "checkpoint: offset 0: has %llu records, the "
			       "wal %llu: a crash leaves that, and the next "
			       "start publishes the rest",
			       size, next);
	return 0;
}

/* Reads the wal whole and gathers its rows in front of the file's bytes. */
static int load_wal(struct reader *r)
{
	struct wal_walk w;
	enum wal_result res;
	size_t n = 0;
	bool met;
	int e;

	e = layout_need(r->dir, "wal", WAL_FILE_MAX, &r->wal, r->err);
	if (e < 0)
		return e;
	res = wal_open(&w, buf_view(&r->wal));
	met = w.base == r->head.size;
	while (res == WAL_OK) {
		res = wal_next(&w);
		if (res != WAL_OK)
			break;
		met = met || w.next == r->head.size;
		if (w.next > r->head.size)
			continue;
		/* UNSAFE: rows lie behind all that was gathered so far. */
		memmove(r->wal.p + n, w.rows.p, w.rows.n);
		n += w.rows.n;
	}
	e = check_end(r, res, &w, met);
	if (e < 0)
		return e;
	r->base = w.base;
	r->pending = span_of(r->wal.p, n);
	return 0;
}

/* The unfinished tile of a level, as it was read, against what it must be. */
static int check_edge_tile(struct reader *r, unsigned level)
{
	const uint8_t *have = r->edge.tile[level];
	const uint8_t *want = r->tree.tile[level];
	size_t n = (size_t)r->tree.width[level] * TLOG_HASH;
	char path[LAYOUT_PATH];
	size_t i;

	for (i = 0; i < n && have[i] == want[i]; i++)
		;
	if (i == n)
		return 0;
	path_of(r->head.size, level, layout_full(r->head.size, level), path);
	(void)err_set(r->err, -EBADMSG,
		      "%s: offset %zu: is not what the log says", path, i);
	return level == 0 ? name_both(r, layout_full(r->head.size, 0))
			  : -EBADMSG;
}

static int check_edge(struct reader *r)
{
	unsigned level;
	int e = 0;

	for (level = 0; level < TREE_LEVELS && e == 0; level++)
		e = check_edge_tile(r, level);
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

/* The signing key, where this reader may read it, is the one in force. */
static int check_key(struct reader *r)
{
	CLEAN_BUF struct buf b;
	struct note_key k;
	int e;

	buf_init(&b, LAYOUT_SMALL_MAX + 1);
	e = chain_private(r->dir, &r->head.chain, &b, &k, r->err);
	if (b.p)
		OPENSSL_cleanse(b.p, b.n);
	if (e == 0)
		note_key_done(&k);
	if (e == -ENOENT)
		return err_set(r->err, -EBADMSG,
			       "key: offset 0: the file is missing");
	return e == -EACCES ? 0 : e;
}

/* The unfinished tiles as they are on disk. */
static int read_edge(struct reader *r)
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
		memcpy(r->edge.tile[level], r->tile.p,
		       (size_t)width * TLOG_HASH);
		r->edge.width[level] = width;
	}
	r->edge.size = r->head.size;
	return 0;
}

/*
 * All of the log that changes when it grows: once this is read, the rest is
 * files that stay as they are.
 */
static int take_snapshot(struct reader *r)
{
	uint64_t size;
	int e = head_checkpoint(r->dir, &r->head, NULL, r->err);

	if (e == 0)
		e = check_key(r);
	if (e == 0)
		e = load_wal(r);
	if (e == 0)
		e = read_edge(r);
	size = r->head.size;
	if (e == 0 && layout_width(size, LAYOUT_ENTRIES))
		e = read_bundle(r, layout_full(size, LAYOUT_ENTRIES), &r->last);
	return e;
}

/* Everything from bundle `first` on. */
static int verify_rest(struct reader *r, uint64_t first)
{
	uint64_t full = layout_full(r->head.size, LAYOUT_ENTRIES);
	uint64_t n;
	int e;

	e = layout_edge(r->dir, first * TREE_TILE, &r->tree, r->err);
	for (n = first; n < full && e == 0; n++) {
		e = read_bundle(r, n, &r->bundle);
		if (e == 0)
			e = add_bundle(r, n, &r->bundle);
	}
	if (e == 0 && r->last.n)
		e = add_bundle(r, full, &r->last);
	if (e == 0)
		e = check_edge(r);
	if (e == 0)
		e = check_root(r);
	if (e == 0 && !r->live)
		e = layout_beyond(r->dir, r->head.size, false, r->err);
	return e;
}

bool verify_moved(int dir, const struct head *old)
{
	const struct timespec pause = { .tv_nsec = TRY_MS * 1000000L };
	CLEAN_HEAD struct head now = { 0 };
	struct err ignored;

	(void)nanosleep(&pause, NULL);
	return old->chain.n &&
	       head_checkpoint(dir, &now, NULL, &ignored) == 0 &&
	       (now.size > old->size || now.chain.n > old->chain.n);
}

bool verify_live(int dir)
{
	CLEAN_FD int fd = openat(dir, "key", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);

	return fd >= 0 && flock(fd, LOCK_SH | LOCK_NB) < 0 &&
	       errno == EWOULDBLOCK;
}

int tlog_walk(int dirfd, tlog_record_fn fn, void *arg, struct tlog_state *ret,
	      struct err *err)
{
	int try;
	int e = -EBADMSG;

	for (try = 0; try < VERIFY_TRIES; try++) {
		CLEAN_READER struct reader r;

		reader_init(&r, dirfd, err);
		r.live = verify_live(dirfd);
		r.fn = fn;
		r.arg = arg;
		e = take_snapshot(&r);
		if (e < 0 && verify_moved(dirfd, &r.head))
			continue;
		if (e == 0)
			e = verify_rest(&r, 0);
		if (e == 0) {
			head_state(&r.head, ret);
		}
		break;
	}
	if (e == -EBADMSG)
		layout_name_records(err);
	return e;
}

int tlog_verify(int dirfd, struct tlog_state *ret, struct err *err)
{
	return tlog_walk(dirfd, NULL, NULL, ret, err);
}

int verify_end(int dirfd, uint64_t first, struct err *err)
{
	CLEAN_READER struct reader r;
	int e;

	reader_init(&r, dirfd, err);
	e = take_snapshot(&r);
	return e < 0 ? e : verify_rest(&r, first);
}

/* The edge as the tiles on disk have it: its root must be the signed one. */
static int load_edge(struct reader *r)
{
	int e = read_edge(r);

	r->tree = r->edge;
	return e < 0 ? e : check_root(r);
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
	int e = read_bundle(r, index / TREE_TILE, &r->bundle);

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

	e = head_checkpoint(r->dir, &r->head, NULL, r->err);
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

	for (try = 0; try < VERIFY_TRIES; try++) {
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
		if (e != -EBADMSG || !verify_moved(dirfd, &r.head))
			break;
	}
	if (e == -EBADMSG)
		layout_name_records(err);
	return e;
}

int tlog_head(int dirfd, struct tlog_state *ret, struct err *err)
{
	CLEAN_HEAD struct head h = { 0 };
	int e = head_checkpoint(dirfd, &h, NULL, err);

	if (e == 0)
		head_state(&h, ret);
	return e;
}

int tlog_keys(int dirfd, tlog_key_fn fn, void *arg, struct err *err)
{
	struct tlog_key k = { 0 };
	CLEAN_HEAD struct head h = { 0 };
	int e = head_checkpoint(dirfd, &h, NULL, err);

	for (; e == 0 && k.epoch < h.chain.n; k.epoch++) {
		const struct chain_link *l = &h.chain.v[k.epoch];

		k.index = l->index;
		note_vkey_format(&l->key, k.vkey);
		(void)str_printf(k.sig, sizeof(k.sig), "%s", l->sig);
		e = fn(arg, &k);
	}
	return e;
}
