/*
 * rekey: a change of the key that signs a log; chain.h has its steps, and what
 * a crash can leave of them. The caller's record comes between two of them, so
 * it is the caller who takes them one by one.
 */
#include <errno.h>
#include <fcntl.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/str.h"
#include "tlog/tlog_inner.h"

/* Overwrites what is private in a file, and knows it to be on disk. What else
 * a disk or a file system keeps of it is not in our hands. */
static int overwrite(int dir, const char *path)
{
	static const uint8_t zeros[LAYOUT_SMALL_MAX];
	CLEAN_FD int fd = openat(dir, path, O_WRONLY | O_CLOEXEC | O_NOFOLLOW);
	struct stat st;
	size_t n;
	int r;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -errno;
	n = st.st_size < LAYOUT_SMALL_MAX ? (size_t)st.st_size
					  : LAYOUT_SMALL_MAX;
	r = fd_write_all(fd, span_of(zeros, n));
	return r < 0 ? r : layout_sync(dir, path, false);
}

static int sync_dir(const struct tlog *t)
{
	return layout_sync(t->dir, ".", false);
}

/* Step 4. The new file is locked before it has its name. */
static int install_key(struct tlog *t)
{
	CLEAN_FD int fd =
		openat(t->dir, "key.next", O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
	int r;

	if (fd < 0 || flock(fd, LOCK_EX | LOCK_NB) < 0)
		return -errno;
	r = overwrite(t->dir, "key");
	if (r == 0 && renameat(t->dir, "key.next", t->dir, "key") < 0)
		r = -errno;
	if (r == 0)
		r = sync_dir(t);
	if (r < 0)
		return r;
	fd_close(&t->lock);
	t->lock = take_fd(&fd);
	return 0;
}

void rekey_forget(struct tlog *t)
{
	note_key_done(&t->next);
	chain_done(&t->after);
}

/* Steps 3 and 4; the record is durable, and under a checkpoint. */
static int take_key(struct tlog *t)
{
	int r = 0;

	if (renameat(t->dir, "keys.next", t->dir, "keys") < 0)
		r = -errno;
	if (r == 0)
		r = sync_dir(t);
	if (r < 0)
		return r;
	note_key_done(&t->key);
	chain_done(&t->keys);
	t->key = t->next;
	t->keys = t->after;
	t->next = (struct note_key){ 0 };
	t->after = (struct chain){ 0 };
	r = install_key(t);
	return r < 0 ? r : tlog_put_checkpoint(t, LAYOUT_WHOLE);
}

/* Whether the last record announces the key of keys.next: 1, 0 or -errno. */
static int is_announced(struct tlog *t)
{
	CLEAN_FREE uint8_t *record = NULL;
	CLEAN_BUF struct buf b;
	const struct chain_link *l;
	size_t n = 0;
	int r;

	buf_init(&b, CHAIN_FILE_MAX + 1);
	r = layout_need(t->dir, "keys.next", CHAIN_FILE_MAX, &b, t->err);
	if (r == 0)
		r = chain_parse(&t->keys.v[0].key, buf_view(&b), "keys.next",
				&t->after, t->err);
	if (r < 0)
		return r;
	l = chain_last(&t->after);
	if (t->after.n != t->keys.n + 1 || l->index + 1 != t->tree.size)
		return 0;
	r = tlog_read(t->dir, l->index, &record, &n, t->err);
	return r < 0 ? r : chain_announced(l, span_of(record, n));
}

static int load_next_key(struct tlog *t)
{
	CLEAN_BUF struct buf b;
	int r;

	buf_init(&b, LAYOUT_SMALL_MAX + 1);
	r = chain_private(t->dir, &t->after, &b, &t->next, t->err);
	if (b.p)
		OPENSSL_cleanse(b.p, b.n);
	return r;
}

static int drop_file(struct tlog *t, const char *path)
{
	if (unlinkat(t->dir, path, 0) < 0)
		return -errno;
	return sync_dir(t);
}

/* 1 if the key in force is in this file, 0 if not, or -errno. */
static int key_is_in(struct tlog *t, const char *path)
{
	CLEAN_BUF struct buf b;
	struct note_key k;
	int r;

	buf_init(&b, LAYOUT_SMALL_MAX + 1);
	r = layout_read(t->dir, path, LAYOUT_SMALL_MAX, &b);
	if (r == 0 && note_key_parse(buf_view(&b), &k) == 0) {
		r = !memcmp(k.vkey.pub, t->key.vkey.pub, NOTE_PUBLIC);
		note_key_done(&k);
	}
	if (b.p)
		OPENSSL_cleanse(b.p, b.n);
	return r;
}

/* What a crash left of a change: done, or as if it had never been begun. */
int rekey_settle(struct tlog *t)
{
	int announced = 0;
	int r = 0;

	if (layout_exists(t->dir, "key.next") == 0)
		return 0;
	(void)str_printf(t->recovery + strlen(t->recovery),
			 sizeof(t->recovery) - strlen(t->recovery),
			 "%skeys: a change of keys was cut short",
			 t->recovery[0] ? "; " : "");
	if (layout_exists(t->dir, "keys.next") != 0) {
		announced = is_announced(t);
		r = announced < 0 ? announced : 0;
		if (announced == 1)
			r = load_next_key(t);
		if (announced == 1 && r == 0)
			r = take_key(t);
		if (announced == 0)
			r = drop_file(t, "keys.next");
		rekey_forget(t);
		if (r < 0 || announced == 1)
			return r;
	}
	r = key_is_in(t, "key");
	if (r == 0)
		return install_key(t);
	if (r == 1)
		r = overwrite(t->dir, "key.next");
	return r < 0 ? r : drop_file(t, "key.next");
}

int64_t tlog_key_age(const struct tlog *t)
{
	struct timespec now;
	struct stat st;

	if (fstat(t->lock, &st) < 0 || clock_gettime(CLOCK_REALTIME, &now) < 0)
		return INT64_MAX;
	return now.tv_sec - st.st_mtim.tv_sec;
}

static int make_key(struct tlog *t)
{
	const char *name = t->keys.v[0].key.name;
	char text[NOTE_KEY_MAX];
	int r;

	do {
		note_key_done(&t->next);
		r = note_key_named(name, &t->next, text);
	} while (r == 0 && !chain_is_new(&t->keys, &t->next.vkey));
	if (r == 0)
		r = tlog_put_file(t, t->dir, "key.next", span_str(text),
				  LAYOUT_DURABLE);
	OPENSSL_cleanse(text, sizeof(text));
	return r;
}

static int make_link(struct tlog *t, struct tlog_key *ret)
{
	CLEAN_BUF struct buf keys;
	struct chain_link next = { .key = t->next.vkey, .index = t->tree.size };
	const struct chain_link *l;
	struct err err;
	size_t i;
	int r;

	memcpy(next.root, t->root, TLOG_HASH);
	buf_init(&keys, CHAIN_FILE_MAX);
	for (i = 1; i < t->keys.n; i++)
		chain_put(&keys, &t->keys, i);
	r = chain_sign(&keys, &t->keys, &next, &t->key);
	if (r == 0)
		r = chain_parse(&t->keys.v[0].key, buf_view(&keys), "keys.next",
				&t->after, &err);
	if (r == 0)
		r = tlog_put_file(t, t->dir, "keys.next", buf_view(&keys),
				  LAYOUT_DURABLE);
	if (r < 0)
		return r;
	l = chain_last(&t->after);
	*ret = (struct tlog_key){ .epoch = t->keys.n, .index = l->index };
	note_vkey_format(&l->key, ret->vkey);
	(void)str_printf(ret->sig, sizeof(ret->sig), "%s", l->sig);
	return 0;
}

int tlog_key_new(struct tlog *t, struct tlog_key *ret)
{
	int r;

	if (t->dead)
		return -EIO;
	if (t->batch_n)
		return -EBUSY;
	if (t->keys.n == CHAIN_MAX)
		return -ENOSPC;
	rekey_forget(t);
	r = make_key(t);
	if (r == 0)
		r = make_link(t, ret);
	t->dead = r < 0;
	return r;
}

int tlog_key_take(struct tlog *t)
{
	int r = -EINVAL;

	if (t->dead)
		return -EIO;
	if (t->after.n && !t->batch_n &&
	    t->tree.size == chain_last(&t->after)->index + 1)
		r = tlog_put_all(t);
	if (r == 0)
		r = take_key(t);
	rekey_forget(t);
	t->dead = r < 0;
	return r;
}
