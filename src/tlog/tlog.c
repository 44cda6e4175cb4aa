/*
 * tlog: see tlog.h; on disk, layout.h and wal.h.
 *
 * One batch: its records go to the wal with one fdatasync, and are durable.
 * Then the tree grows by them, in memory. Full tiles and bundles, what is
 * unfinished, and the checkpoint, are published when there is time: after a
 * crash the tiles follow from the wal, so none is synced. The bytes of the
 * checkpoint are, before they take the place of the last one: it may be an
 *older one after a power cut, but not an empty one. From time to time, at rest
 *where there is rest, the wal begins anew; only then is what it no longer holds
 *synced.
 *
 * The tip is a copy of the checkpoint in a directory outside of the log, which
 * a rolled-back or deleted copy of the log does not take along. It is written
 * behind the checkpoint, hence never ahead of what is durable.
 *
 * The key that signs changes from time to time (rekey.c); which one it is
 *stands in `keys`, and a log is opened with that one or not at all.
 *
 * So, at any moment and after any crash:
 *	first of wal <= size of checkpoint <= end of wal,
 * all full tiles before the first record of the wal are durable, and nothing
 * on disk lies beyond the end of the wal. Whatever breaks this was done to the
 * log, and opening it fails.
 */
#include "tlog/tlog.h"

#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdlib.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/rd.h"
#include "base/str.h"
#include "proto/limits.h"
#include "tlog/head.h"
#include "tlog/tlog_inner.h"
#include "tlog/verify.h"
#include "tlog/wal.h"

enum {
	OPEN_BUNDLES = 256,  /* entry bundles looked at when a log is opened */
	LOCK_TRIES = 10,     /* a reader that asks who writes holds the lock */
	LOCK_MS = 10,	     /* for a moment */
	LATE_MOST = 4 << 20, /* bytes of full tiles that wait to be written */
};

/* Whether to try again what found the disk full. */
static bool made_room(const struct tlog *t, int r)
{
	return (r == -ENOSPC || r == -EDQUOT) && t->room.make &&
	       t->room.make(t->room.arg);
}

/* Ends when it is written, or nobody makes room any more. */
int tlog_put_file(struct tlog *t, int dir, const char *path, struct span bytes,
		  enum layout_when sync)
{
	int r;

	do
		r = layout_publish(dir, path, bytes, sync);
	while (made_room(t, r));
	return r;
}

/* Publishes a file; while replaying only what a crash left out. */
static int put_file(struct tlog *t, const char *path, struct span bytes)
{
	int r;

	if (t->replaying) {
		r = layout_compare(t->dir, path, bytes, true, t->err);
		if (r <= 0)
			return r;
	}
	return tlog_put_file(t, t->dir, path, bytes, LAYOUT_LATER);
}

/* What put_full kept becomes files. */
static int put_late(struct tlog *t)
{
	char path[LAYOUT_PATH];
	struct rd rd;
	int r = 0;

	rd_init(&rd, buf_view(&t->late));
	while (r == 0 && rd_left(&rd)) {
		unsigned set = rd_u8(&rd);
		uint64_t n = rd_u64(&rd);

		layout_path(path, set, n, 0);
		r = put_file(t, path, rd_blob(&rd, LAYOUT_BUNDLE_MAX));
	}
	buf_done(&t->late);
	return r;
}

/*
 * A full tile or bundle. It follows from the wal, and no reader looks for it
 * before the checkpoint names it, so it is written with that: to make files
 * takes longer than all else that is done for a record, and whoever waits for
 * an answer need not wait for them.
 */
static int put_full(struct tlog *t, unsigned set, uint64_t n, struct span bytes)
{
	buf_u8(&t->late, (uint8_t)set);
	buf_u64(&t->late, n);
	buf_blob(&t->late, bytes);
	if (!buf_ok(&t->late))
		return -ENOMEM;
	return t->replaying || t->late.n > LATE_MOST ? put_late(t) : 0;
}

static int put_tile(void *arg, unsigned level, uint64_t n, const uint8_t *tile)
{
	return put_full(arg, level, n, span_of(tile, TREE_TILE_BYTES));
}

/* Lets tree and bundle grow by a record that is durable. */
static int apply_record(struct tlog *t, struct span record)
{
	uint8_t leaf[TLOG_HASH];
	int r;

	wal_put_row(&t->bundle, record);
	if (!buf_ok(&t->bundle))
		return -ENOMEM;
	r = hash_leaf(leaf, record);
	if (r == 0)
		r = tree_add(&t->tree, leaf, put_tile, t);
	if (r < 0 || t->tree.size % TREE_TILE)
		return r;
	r = put_full(t, LAYOUT_ENTRIES, t->tree.size / TREE_TILE - 1,
		     buf_view(&t->bundle));
	buf_reset(&t->bundle);
	return r;
}

static int apply_rows(struct tlog *t, struct span rows)
{
	struct span record;
	int r = 0;

	while (r == 0 && wal_row(&rows, &record))
		r = apply_record(t, record);
	return r;
}

/* The unfinished tiles of every level, and the unfinished bundle. */
static int put_edge(struct tlog *t)
{
	uint64_t size = t->tree.size;
	char path[LAYOUT_PATH];
	unsigned set;
	int r = 0;

	for (set = 0; set < LAYOUT_SETS && r == 0; set++) {
		uint32_t width = layout_width(size, set);
		struct span bytes = buf_view(&t->bundle);

		if (!width)
			continue;
		if (set != LAYOUT_ENTRIES)
			bytes = span_of(t->tree.tile[set],
					(size_t)width * TLOG_HASH);
		layout_path(path, set, layout_full(size, set), width);
		r = put_file(t, path, bytes);
	}
	return r;
}

int tlog_put_checkpoint(struct tlog *t, enum layout_when sync)
{
	struct checkpoint c = { .origin = span_str(t->key.vkey.name),
				.size = t->tree.size };
	CLEAN_BUF struct buf text;
	int r;

	buf_init(&text, LAYOUT_SMALL_MAX);
	memcpy(c.root, t->root, TLOG_HASH);
	checkpoint_format(&text, &c);
	buf_reset(&t->out);
	r = note_sign(&t->out, buf_view(&text), &t->key);
	if (r == 0)
		r = tlog_put_file(t, t->dir, "checkpoint", buf_view(&t->out),
				  sync);
	if (r == 0 && t->tip >= 0)
		r = tlog_put_file(t, t->tip, "checkpoint", buf_view(&t->out),
				  sync);
	if (r == 0)
		t->published = t->tree.size;
	return r;
}

/*
 * Removes the unfinished tiles of the checkpoint before the last one. A reader
 * who has just read the last checkpoint still finds all that it names.
 */
static void drop_old(struct tlog *t)
{
	uint64_t old = t->before[0];
	char path[LAYOUT_PATH];
	unsigned set;

	for (set = 0; set < LAYOUT_SETS; set++) {
		uint64_t n = layout_full(old, set);
		uint32_t width = layout_width(old, set);

		if (!width || (n == layout_full(t->before[1], set) &&
			       width == layout_width(t->before[1], set)))
			continue;
		layout_path(path, set, n, width);
		(void)unlinkat(t->dir, path, 0);
		if (n == layout_full(t->before[1], set))
			continue;
		*strrchr(path, '/') = 0;
		(void)unlinkat(t->dir, path, AT_REMOVEDIR);
	}
	t->before[0] = t->before[1];
	t->before[1] = t->tree.size;
}

int tlog_put_all(struct tlog *t)
{
	int r = 0;

	if (t->published == t->tree.size)
		return 0;
	r = put_late(t);
	if (r == 0)
		r = put_edge(t);
	if (r == 0)
		r = tlog_put_checkpoint(t, LAYOUT_WHOLE);
	if (r == 0)
		drop_old(t);
	return r;
}

/* Makes the full tiles since the wal's first record durable: the files, and
 * each folder with the last of its files. */
static int sync_full(struct tlog *t)
{
	char path[LAYOUT_PATH];
	unsigned set;
	int r = 0;

	for (set = 0; set < LAYOUT_SETS && r == 0; set++) {
		uint64_t n = layout_full(t->base, set);
		uint64_t end = layout_full(t->tree.size, set);

		for (; n < end && r == 0; n++) {
			layout_path(path, set, n, 0);
			r = layout_sync(t->dir, path,
					n + 1 == end || n % 1000 == 999);
		}
	}
	return r;
}

static int open_wal(struct tlog *t)
{
	fd_close(&t->wal);
	t->wal = openat(t->dir, "wal",
			O_WRONLY | O_APPEND | O_CLOEXEC | O_NOFOLLOW);
	return t->wal < 0 ? -errno : 0;
}

/* Writes a wal that begins with the unfinished bundle, and takes it. */
static int new_wal(struct tlog *t)
{
	uint64_t base = t->tree.size - t->tree.size % TREE_TILE;
	uint32_t n = (uint32_t)(t->tree.size - base);
	int r;

	buf_reset(&t->out);
	r = wal_begin(&t->out, base, t->chain);
	if (r == 0 && n)
		r = wal_batch(&t->out, base, n, buf_view(&t->bundle), t->chain);
	if (r == 0)
		r = tlog_put_file(t, t->dir, "wal", buf_view(&t->out),
				  LAYOUT_DURABLE);
	if (r < 0)
		return r;
	t->base = base;
	t->wal_bytes = t->out.n;
	return open_wal(t);
}

/*
 * Begins the wal anew. What leaves it is synced file by file, so this takes as
 * long as many batches.
 */
static int reset_wal(struct tlog *t)
{
	/* The checkpoint must not be before the new wal's first record. */
	int r = tlog_put_all(t);

	if (r == 0)
		r = sync_full(t);
	if (r == 0)
		r = layout_sync(t->dir, "checkpoint", true);
	return r < 0 ? r : new_wal(t);
}

/* True if the wal has so many records or bytes, and a full bundle can leave. */
static bool is_over(const struct tlog *t, uint64_t records, uint64_t bytes)
{
	uint64_t n = t->tree.size - t->base;

	return n >= TREE_TILE && (n >= records || t->wal_bytes >= bytes);
}

int tlog_add(struct tlog *t, struct span record, uint64_t *index)
{
	if (t->dead)
		return -EIO;
	if (record.n < 1 || record.n > LIMIT_AUDIT_RECORD)
		return -EINVAL;
	if (t->batch_n == WAL_BATCH)
		return -ENOBUFS;
	wal_put_row(&t->batch, record);
	if (!buf_ok(&t->batch)) {
		t->dead = true;
		return -ENOMEM;
	}
	*index = t->tree.size + t->batch_n++;
	return 0;
}

/*
 * An error means that what was written since the last sync may be on disk or
 * not, and asking again would not tell: the kernel forgets. The log is dead
 * then; whoever opens it anew reads what is there.
 * #syscalls:auditd fdatasync
 */
static int sync_wal(struct tlog *t)
{
	int r;

	do
		r = fdatasync(t->wal) < 0 ? -errno : 0;
	while (r == -EINTR);
	t->counts.syncs++;
	return r;
}

/*
 * Behind the wal's end. What a full disk took of it is cut off again, so that
 * it is known not to be there, and tried again as long as somebody makes room.
 * #syscalls:auditd ftruncate
 */
static int append_wal(struct tlog *t, struct span bytes)
{
	int r;

	do {
		r = fd_write_all(t->wal, bytes);
		if ((r == -ENOSPC || r == -EDQUOT) &&
		    ftruncate(t->wal, (off_t)t->wal_bytes) < 0)
			return -errno;
	} while (made_room(t, r));
	return r;
}

static int write_batch(struct tlog *t)
{
	int r;

	buf_reset(&t->out);
	r = wal_batch(&t->out, t->tree.size, t->batch_n, buf_view(&t->batch),
		      t->chain);
	if (r == 0)
		r = append_wal(t, buf_view(&t->out));
	if (r < 0)
		return r;
	t->wal_bytes += t->out.n;
	t->counts.batches++;
	t->counts.records += t->batch_n;
	return sync_wal(t);
}

static int commit(struct tlog *t)
{
	int r = write_batch(t);

	if (r == 0)
		r = apply_rows(t, buf_view(&t->batch));
	if (r == 0)
		r = tree_root(&t->tree, t->root);
	return r;
}

int tlog_commit(struct tlog *t)
{
	int r;

	if (t->dead)
		return -EIO;
	if (!t->batch_n)
		return 0;
	r = commit(t);
	t->dead = r < 0;
	t->batch_n = 0;
	buf_reset(&t->batch);
	return r;
}

int tlog_publish(struct tlog *t)
{
	int r;

	if (t->dead)
		return -EIO;
	r = tlog_is_long(t) ? reset_wal(t) : tlog_put_all(t);
	t->dead = r < 0;
	return r;
}

int tlog_rest(struct tlog *t)
{
	int r = tlog_publish(t);

	if (r == 0 && is_over(t, WAL_LONG_RECORDS, WAL_LONG_BYTES))
		r = reset_wal(t);
	t->dead = r < 0;
	return r;
}

int tlog_goes_on(struct tlog *t, uint64_t size, const uint8_t root[TLOG_HASH],
		 const char *name, struct err *err)
{
	struct head old = { .size = size };
	/* The proof is made of published tiles. */
	int r = tlog_publish(t);

	if (r < 0)
		return r;
	memcpy(old.root, root, TLOG_HASH);
	return head_continues(t->dir, &old, t->tree.size, t->root, name, err);
}

bool tlog_is_long(const struct tlog *t)
{
	return is_over(t, WAL_MOST_RECORDS, WAL_MOST_BYTES);
}

struct tlog_counts tlog_counts(const struct tlog *t)
{
	return t->counts;
}

uint64_t tlog_size(const struct tlog *t)
{
	return t->tree.size;
}

void tlog_root(const struct tlog *t, uint8_t ret[TLOG_HASH])
{
	memcpy(ret, t->root, TLOG_HASH);
}

const char *tlog_recovery(const struct tlog *t)
{
	return t->recovery;
}

static int tip_exists(const struct tlog *t)
{
	return t->tip < 0 ? 0 : layout_exists(t->tip, "checkpoint");
}

/*
 * The log must go on from the tip: an older copy of it has less records, one
 * that was begun anew another key, a forged one another tree.
 */
static int check_tip(struct tlog *t)
{
	struct head tip = { .chain = t->keys };
	int r = tip_exists(t);

	if (r <= 0)
		return r;
	r = head_tip(t->tip, &tip, t->err);
	if (r == 0)
		r = head_continues(t->dir, &tip, t->tree.size, t->root, "tip",
				   t->err);
	return r;
}

/* A directory without a key must be without a log. */
static int create_key(struct tlog *t)
{
	static const char *const parts[] = { "vkey", "keys", "checkpoint",
					     "wal", "tile" };
	char text[NOTE_KEY_MAX];
	struct note_key key;
	size_t i;
	int r;

	for (i = 0; i < ARRAY_SIZE(parts); i++)
		if (layout_exists(t->dir, parts[i]) != 0)
			return err_set(t->err, -EBADMSG,
				       "key: offset 0: the file is missing, "
				       "%s is there",
				       parts[i]);
	if (tip_exists(t) != 0)
		return err_set(t->err, -EBADMSG,
			       "key: offset 0: the log is gone, its tip is "
			       "there: all records are missing");
	r = note_key_new("bulkhead", &key, text);
	if (r < 0)
		return err_set(t->err, r, "cannot make a key");
	note_key_done(&key);
	r = tlog_put_file(t, t->dir, "key", span_str(text), LAYOUT_DURABLE);
	OPENSSL_cleanse(text, sizeof(text));
	return r < 0 ? err_set(t->err, r, "cannot write the key") : 0;
}

/* Of a log that is being made. */
static int load_first_key(struct tlog *t)
{
	char text[NOTE_KEY_MAX];
	ssize_t n = fd_pread_all(t->lock, text, sizeof(text), 0);
	int r = -1;

	if (n > 0)
		r = note_key_parse(span_of(text, (size_t)n), &t->key);
	OPENSSL_cleanse(text, sizeof(text));
	if (r < 0)
		return err_set(t->err, -EBADMSG,
			       "key: offset 0: not an Ed25519 signing key");
	return 0;
}

/* The key, locked: two writers would fork the log. */
static int open_key(struct tlog *t)
{
	const struct timespec pause = { .tv_nsec = LOCK_MS * 1000000L };
	const int flags = O_RDONLY | O_CLOEXEC | O_NOFOLLOW;
	int r, i;

	t->lock = openat(t->dir, "key", flags);
	if (t->lock < 0 && errno == ENOENT) {
		r = create_key(t);
		if (r < 0)
			return r;
		t->lock = openat(t->dir, "key", flags);
	}
	if (t->lock < 0)
		return err_set(t->err, -errno, "key: cannot be opened");
	for (i = 0; flock(t->lock, LOCK_EX | LOCK_NB) < 0; i++) {
		if (i == LOCK_TRIES)
			return err_set(t->err, -EBUSY, "the log is in use");
		(void)nanosleep(&pause, NULL);
	}
	return 0;
}

/* The key in force: in key, or in key.next, where a change was cut short. */
static int load_key(struct tlog *t)
{
	CLEAN_BUF struct buf b;
	int r = chain_load(t->dir, &t->keys, t->err);

	buf_init(&b, LAYOUT_SMALL_MAX + 1);
	if (r == 0)
		r = chain_private(t->dir, &t->keys, &b, &t->key, t->err);
	if (b.p)
		OPENSSL_cleanse(b.p, b.n);
	return r;
}

/* Whether the wal is absent or as new: a log whose making was cut short. */
static bool wal_is_new(struct tlog *t)
{
	CLEAN_BUF struct buf have, want;
	uint8_t chain[TLOG_HASH];
	int r;

	buf_init(&have, WAL_HEAD);
	buf_init(&want, WAL_HEAD);
	r = layout_read(t->dir, "wal", WAL_HEAD, &have);
	if (r == -ENOENT)
		return true;
	return r == 0 && wal_begin(&want, 0, chain) == 0 &&
	       span_eq(buf_view(&have), buf_view(&want));
}

/* The checkpoint is made last, so a log without one has no records yet. */
static int create_rest(struct tlog *t)
{
	CLEAN_BUF struct buf vkey = { 0 };
	int r;

	if (layout_exists(t->dir, "tile") != 0 || !wal_is_new(t))
		return err_set(t->err, -EBADMSG,
			       "checkpoint: offset 0: the file is missing");
	r = load_first_key(t);
	if (r == 0)
		r = chain_parse(&t->key.vkey, span_of(NULL, 0), "keys",
				&t->keys, t->err);
	if (r == 0)
		r = tree_root(&t->tree, t->root);
	if (r == 0)
		r = check_tip(t);
	if (r < 0)
		return r;
	buf_init(&vkey, LAYOUT_SMALL_MAX);
	head_vkey_text(&vkey, &t->key.vkey);
	r = layout_compare(t->dir, "vkey", buf_view(&vkey), true, t->err);
	if (r == 1)
		r = tlog_put_file(t, t->dir, "vkey", buf_view(&vkey),
				  LAYOUT_DURABLE);
	if (r == 0)
		r = new_wal(t);
	if (r == 0)
		r = tlog_put_checkpoint(t, LAYOUT_DURABLE);
	/* It is opened like any other from here on. */
	chain_done(&t->keys);
	note_key_done(&t->key);
	return r;
}

/* At the size of the checkpoint the root must be the one that was signed. */
static int check_root(struct tlog *t, const struct head *h)
{
	int r = tree_root(&t->tree, t->root);

	if (r < 0 || t->tree.size != h->size ||
	    memcmp(t->root, h->root, TLOG_HASH) == 0)
		return r;
	return err_set(t->err, -EBADMSG,
		       "checkpoint: offset 0: its root is not that of the "
		       "records and tiles (size %llu)",
		       (unsigned long long)h->size);
}

/* Walks to the end of the wal: where is it, and may it end there? */
static int scan_wal(struct tlog *t, const struct head *h, struct span bytes,
		    struct wal_walk *w)
{
	enum wal_result res = wal_open(w, bytes);

	while (res == WAL_OK)
		res = wal_next(w);
	if (res == WAL_BAD)
		return err_set(t->err, -EBADMSG,
			       "wal: offset %zu: not what was written, from "
			       "record %llu on",
			       w->off, (unsigned long long)w->next);
	if (w->base > h->size)
		return err_set(t->err, -EBADMSG,
			       "checkpoint: offset 0: size %llu is before the "
			       "wal's first record %llu",
			       (unsigned long long)h->size,
			       (unsigned long long)w->base);
	if (w->next < h->size)
		return err_set(t->err, -EBADMSG,
			       "wal: offset %zu: ends with record %llu, the "
			       "checkpoint has %llu: records from %llu on are "
			       "missing",
			       w->off, (unsigned long long)w->next,
			       (unsigned long long)h->size,
			       (unsigned long long)w->next);
	t->base = w->base;
	t->wal_bytes = w->off;
	memcpy(t->chain, w->chain, TLOG_HASH);
	if (res == WAL_TORN)
		(void)str_printf(t->recovery, sizeof(t->recovery),
				 "wal: cut %zu bytes of an unfinished batch "
				 "at offset %zu",
				 bytes.n - w->off, w->off);
	return 0;
}

/* Lets the tree grow by the wal's records, past the checkpoint's root. */
static int replay_wal(struct tlog *t, const struct head *h, struct span bytes)
{
	bool met = t->base == h->size;
	struct wal_walk w;
	int r;

	r = check_root(t, h);
	if (r < 0 || wal_open(&w, bytes) != WAL_OK)
		return r < 0 ? r : -EBADMSG;
	while (wal_next(&w) == WAL_OK) {
		r = apply_rows(t, w.rows);
		if (r == 0)
			r = check_root(t, h);
		if (r < 0)
			return r;
		met = met || t->tree.size == h->size;
	}
	if (!met)
		return err_set(t->err, -EBADMSG,
			       "checkpoint: offset 0: size %llu is in the "
			       "middle of a batch",
			       (unsigned long long)h->size);
	return 0;
}

/*
 * What was read of the wal is written anew: without what a crash left of a
 * batch, and, where a sync has failed before, known to be on disk again and not
 * in the kernel's memory alone.
 */
static int renew_wal(struct tlog *t, struct span bytes)
{
	int r = tlog_put_file(t, t->dir, "wal", bytes, LAYOUT_DURABLE);

	return r < 0 ? r : open_wal(t);
}

static int recover_wal(struct tlog *t, const struct head *h)
{
	CLEAN_BUF struct buf b;
	struct wal_walk w;
	int r;

	buf_init(&b, WAL_FILE_MAX + 1);
	r = layout_need(t->dir, "wal", WAL_FILE_MAX, &b, t->err);
	if (r == 0)
		r = scan_wal(t, h, buf_view(&b), &w);
	if (r == 0)
		r = layout_beyond(t->dir, w.next, true, t->err);
	if (r == 0)
		r = layout_edge(t->dir, t->base, &t->tree, t->err);
	t->replaying = true;
	if (r == 0)
		r = replay_wal(t, h, span_of(b.p, (size_t)t->wal_bytes));
	if (r == 0)
		r = put_edge(t);
	t->replaying = false;
	if (r < 0)
		return r;
	return renew_wal(t, span_of(b.p, (size_t)t->wal_bytes));
}

/* What the wal does not hold any more: all of it is there, and the last of it
 * is what the checkpoint says. `audit verify` looks at every byte. */
static int check_files(struct tlog *t)
{
	uint64_t full = layout_full(t->tree.size, LAYOUT_ENTRIES);
	int r = layout_whole(t->dir, t->tree.size, t->err);

	if (r < 0)
		return r;
	return verify_end(t->dir, full > OPEN_BUNDLES ? full - OPEN_BUNDLES : 0,
			  t->err);
}

/* A key signs nothing that is older than the record that announces it, and the
 * records before that are those that the key before it has signed last. */
static int check_last_key(struct tlog *t)
{
	const struct chain_link *l = chain_last(&t->keys);
	struct head old = { .size = l->index };

	memcpy(old.root, l->root, TLOG_HASH);
	if (t->keys.n == 1)
		return 0;
	if (t->tree.size > l->index)
		return head_continues(t->dir, &old, t->tree.size, t->root,
				      "keys", t->err);
	return err_set(t->err, -EBADMSG,
		       "keys: offset 0: the last key is announced by record "
		       "%llu, the log has only %llu: the log was rolled back, "
		       "records from %llu on are missing",
		       (unsigned long long)l->index,
		       (unsigned long long)t->tree.size,
		       (unsigned long long)t->tree.size);
}

static int recover(struct tlog *t)
{
	CLEAN_HEAD struct head h = { 0 };
	int r;

	r = open_key(t);
	if (r == 0 && layout_exists(t->dir, "checkpoint") == 0)
		r = create_rest(t);
	if (r == 0)
		r = load_key(t);
	if (r == 0)
		r = head_checkpoint(t->dir, &h, NULL, t->err);
	if (r == 0)
		r = recover_wal(t, &h);
	t->before[0] = t->before[1] = t->tree.size;
	if (r == 0)
		r = check_last_key(t);
	if (r == 0)
		r = check_tip(t);
	if (r < 0)
		return r;
	/* Also where no tip was kept until now, or it fell behind. */
	r = tlog_put_checkpoint(t, LAYOUT_WHOLE);
	if (r == 0)
		r = check_files(t);
	return r < 0 ? r : rekey_settle(t);
}

int tlog_open(int dirfd, struct tlog **ret, struct err *err)
{
	return tlog_open_tip(dirfd, -1, NULL, ret, err);
}

int tlog_open_tip(int dirfd, int tipfd, const struct tlog_room *room,
		  struct tlog **ret, struct err *err)
{
	struct tlog *t = calloc(1, sizeof(*t));
	int r;

	/* No configuration file: the log must not depend on one. */
	if (!t || OPENSSL_init_crypto(OPENSSL_INIT_NO_LOAD_CONFIG, NULL) != 1) {
		free(t);
		return err_set(err, -ENOMEM, "out of memory");
	}
	*err = (struct err){ 0 };
	t->dir = dirfd;
	t->tip = tipfd;
	t->lock = t->wal = -1;
	if (room)
		t->room = *room;
	t->err = err;
	buf_init(&t->bundle, LAYOUT_BUNDLE_MAX);
	buf_init(&t->batch, LAYOUT_BUNDLE_MAX);
	buf_init(&t->late, LATE_MOST + 2 * LAYOUT_BUNDLE_MAX);
	buf_init(&t->out, WAL_FILE_MAX);
	r = recover(t);
	t->err = NULL;
	if (r < 0) {
		if (err->code == -EBADMSG)
			layout_name_records(err);
		if (!err->code)
			(void)err_set(err, r, "the log cannot be opened: %s",
				      strerrorname_np(-r));
		tlog_close(t);
		return r;
	}
	*ret = t;
	return 0;
}

void tlog_close(struct tlog *t)
{
	if (!t)
		return;
	fd_close(&t->lock);
	fd_close(&t->wal);
	note_key_done(&t->key);
	chain_done(&t->keys);
	rekey_forget(t);
	buf_done(&t->bundle);
	buf_done(&t->batch);
	buf_done(&t->late);
	buf_done(&t->out);
	free(t);
}
