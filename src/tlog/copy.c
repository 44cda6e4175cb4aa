/*
 * copy: a log as its last checkpoint has it, file by file, while auditd may be
 * appending to it.
 *
 * Full tiles never change. The unfinished ones of a checkpoint stay for one
 * more checkpoint, so they are taken first, all of them, or the newer
 * checkpoint is looked at. The wal of the copy is made anew: it begins with the
 * unfinished bundle, as one that auditd begins anew (tlog.c); behind it come
 * the batches that the checkpoint does not have. Where auditd was killed, those
 * records are in the wal alone, and somebody was told that they are kept.
 */
#include "tlog/copy.h"

#include <errno.h>
#include <openssl/crypto.h>

#include "tlog/head.h"
#include "tlog/layout.h"
#include "tlog/wal.h"

enum { COPY_TRIES = 16 };

struct edge {
	struct head head;
	struct buf checkpoint;
	struct buf key;		     /* the private one; wiped again */
	struct buf set[LAYOUT_SETS]; /* the unfinished tile of each */
	struct buf wal;		     /* the log's */
	uint64_t end;		     /* records, with those of the wal alone */
};

static void edge_init(struct edge *e)
{
	unsigned set;

	buf_init(&e->checkpoint, LAYOUT_SMALL_MAX + 1);
	buf_init(&e->key, LAYOUT_SMALL_MAX + 1);
	buf_init(&e->wal, WAL_FILE_MAX + 1);
	for (set = 0; set < LAYOUT_SETS; set++)
		buf_init(&e->set[set], LAYOUT_BUNDLE_MAX + 1);
}

static void edge_done(struct edge *e)
{
	unsigned set;

	head_done(&e->head);
	buf_done(&e->checkpoint);
	if (e->key.p)
		OPENSSL_cleanse(e->key.p, e->key.n);
	buf_done(&e->key);
	buf_done(&e->wal);
	for (set = 0; set < LAYOUT_SETS; set++)
		buf_done(&e->set[set]);
}

/* The unfinished tiles of e->head.size. 0, or -ENOENT: it is an older one. */
static int read_tiles(int dir, struct edge *e)
{
	char path[LAYOUT_PATH];
	unsigned set;
	int r = 0;

	for (set = 0; set < LAYOUT_SETS && r == 0; set++) {
		uint32_t width = layout_width(e->head.size, set);

		buf_reset(&e->set[set]);
		if (!width)
			continue;
		layout_path(path, set, layout_full(e->head.size, set), width);
		r = layout_read(dir, path, LAYOUT_BUNDLE_MAX, &e->set[set]);
	}
	return r;
}

/*
 * The wal as it is now. 0, or -ENOENT: it has begun behind this checkpoint, a
 * newer one is there. What a writer, or a crash, has left of a last batch is
 * nobody's record yet.
 */
static int read_wal(int dir, struct edge *e, struct err *err)
{
	enum wal_result res;
	struct wal_walk w;
	int r;

	buf_reset(&e->wal);
	r = layout_need(dir, "wal", WAL_FILE_MAX, &e->wal, err);
	if (r < 0)
		return r;
	res = wal_open(&w, buf_view(&e->wal));
	while (res == WAL_OK)
		res = wal_next(&w);
	if (res == WAL_BAD)
		return err_set(err, -EBADMSG,
			       "wal: offset %zu: not what was written, from "
			       "record %llu on: `bulkhead audit verify` tells "
			       "more",
			       w.off, (unsigned long long)w.next);
	if (w.next < e->head.size)
		return err_set(err, -EBADMSG,
			       "wal: offset %zu: ends with record %llu, the "
			       "checkpoint has %llu: `bulkhead audit verify` "
			       "tells more",
			       w.off, (unsigned long long)w.next,
			       (unsigned long long)e->head.size);
	e->end = w.next;
	return w.base > e->head.size ? -ENOENT : 0;
}

/* The key that signs, as the keys of this checkpoint have it. 0, or -ENOENT:
 * it has changed since. */
static int read_key(int dir, struct edge *e)
{
	struct err ignored;
	struct note_key k;
	int r = chain_private(dir, &e->head.chain, &e->key, &k, &ignored);

	if (r == 0)
		note_key_done(&k);
	return r == -EBADMSG ? -ENOENT : r;
}

/* One checkpoint and what belongs to it, read once. 0, or -ENOENT: there is a
 * newer one. */
static int try_edge(int dir, struct edge *e, struct err *err)
{
	CLEAN_HEAD struct head again = { 0 };
	int r = head_checkpoint(dir, &e->head, &e->checkpoint, err);

	if (r < 0)
		return r;
	r = read_key(dir, e);
	if (r == 0)
		r = read_tiles(dir, e);
	if (r == 0)
		r = read_wal(dir, e, err);
	if (r == 0)
		r = head_checkpoint(dir, &again, NULL, err);
	if (r == 0 &&
	    (again.size != e->head.size || again.chain.n != e->head.chain.n))
		r = -ENOENT;
	return r;
}

static int read_edge(int dir, struct edge *e, struct err *err)
{
	int tries;
	int r = -ENOENT;

	for (tries = 0; r == -ENOENT && tries < COPY_TRIES; tries++)
		r = try_edge(dir, e, err);
	if (r == -ENOENT)
		return err_set(err, -EAGAIN,
			       "checkpoint: names tiles or a key that are not "
			       "there, or the log grows too fast to be copied: "
			       "try again");
	if (r < 0 && !err->code)
		return err_set(err, r,
			       "tile: cannot be read; `bulkhead audit verify` "
			       "tells more");
	return r;
}

/* The batches behind the checkpoint, as they are, on another chain. */
static int put_rest(struct buf *wal, const struct edge *e,
		    uint8_t chain[TLOG_HASH])
{
	enum wal_result res;
	struct wal_walk w;
	int r = 0;

	res = wal_open(&w, buf_view(&e->wal));
	while (r == 0 && res == WAL_OK) {
		res = wal_next(&w);
		if (res == WAL_OK && w.next > e->head.size)
			r = wal_batch(wal, w.next - w.n, w.n, w.rows, chain);
	}
	return r;
}

/* As new_wal in tlog.c: the unfinished bundle, in one batch. */
static int emit_wal(const struct edge *e, tlog_copy_fn emit, void *arg)
{
	uint32_t n = layout_width(e->head.size, LAYOUT_ENTRIES);
	uint8_t chain[TLOG_HASH];
	CLEAN_BUF struct buf wal;
	int r;

	buf_init(&wal, WAL_FILE_MAX);
	r = wal_begin(&wal, e->head.size - n, chain);
	if (r == 0 && n)
		r = wal_batch(&wal, e->head.size - n, n,
			      buf_view(&e->set[LAYOUT_ENTRIES]), chain);
	if (r == 0)
		r = put_rest(&wal, e, chain);
	if (r == 0 && !buf_ok(&wal))
		r = -ENOMEM;
	return r < 0 ? r : emit(arg, "wal", buf_view(&wal));
}

static int emit_file(int dir, const char *path, size_t max, tlog_copy_fn emit,
		     void *arg, struct err *err)
{
	CLEAN_BUF struct buf b;
	int r;

	buf_init(&b, max + 1);
	r = layout_need(dir, path, max, &b, err);
	return r < 0 ? r : emit(arg, path, buf_view(&b));
}

/* The keys of the checkpoint: what is appended to `keys` meanwhile is not
 * taken. The root's word about the first, where there is one. */
static int emit_keys(int dir, const struct edge *e, tlog_copy_fn emit,
		     void *arg, struct err *err)
{
	CLEAN_BUF struct buf keys;
	size_t i;
	int r = emit(arg, "key", buf_view(&e->key));

	if (r == 0)
		r = emit_file(dir, "vkey", LAYOUT_SMALL_MAX, emit, arg, err);
	buf_init(&keys, CHAIN_FILE_MAX);
	for (i = 1; i < e->head.chain.n; i++)
		chain_put(&keys, &e->head.chain, i);
	if (r == 0 && keys.n)
		r = buf_ok(&keys) ? emit(arg, "keys", buf_view(&keys))
				  : -ENOMEM;
	if (r == 0 && layout_exists(dir, "root") == 1)
		r = emit_file(dir, "root", LAYOUT_SMALL_MAX, emit, arg, err);
	return r;
}

static int emit_full(int dir, uint64_t size, tlog_copy_fn emit, void *arg,
		     struct err *err)
{
	char path[LAYOUT_PATH];
	unsigned set;
	uint64_t n;
	int r = 0;

	for (set = 0; set < LAYOUT_SETS; set++) {
		for (n = 0; r == 0 && n < layout_full(size, set); n++) {
			layout_path(path, set, n, 0);
			r = emit_file(dir, path, LAYOUT_BUNDLE_MAX, emit, arg,
				      err);
		}
	}
	return r;
}

static int emit_edge(const struct edge *e, tlog_copy_fn emit, void *arg)
{
	char path[LAYOUT_PATH];
	unsigned set;
	int r = 0;

	for (set = 0; set < LAYOUT_SETS && r == 0; set++) {
		uint32_t width = layout_width(e->head.size, set);

		if (!width)
			continue;
		layout_path(path, set, layout_full(e->head.size, set), width);
		r = emit(arg, path, buf_view(&e->set[set]));
	}
	return r < 0 ? r : emit(arg, "checkpoint", buf_view(&e->checkpoint));
}

int tlog_copy(int dirfd, tlog_copy_fn emit, void *arg, uint64_t *ret_size,
	      struct err *err)
{
	struct edge e = { 0 };
	int r;

	edge_init(&e);
	r = read_edge(dirfd, &e, err);
	if (r == 0)
		r = emit_keys(dirfd, &e, emit, arg, err);
	if (r == 0)
		r = emit_full(dirfd, e.head.size, emit, arg, err);
	if (r == 0)
		r = emit_edge(&e, emit, arg);
	if (r == 0)
		r = emit_wal(&e, emit, arg);
	if (r == 0)
		*ret_size = e.end;
	edge_done(&e);
	return r;
}
