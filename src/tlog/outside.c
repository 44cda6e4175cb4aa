/*
 * outside: what a log has to do with things kept elsewhere: an older checkpoint
 * that it must go on from, and proofs for somebody who has no log.
 */
#include <errno.h>

#include "base/fd.h"
#include "base/b64.h"
#include "tlog/head.h"
#include "tlog/layout.h"
#include "tlog/prove.h"
#include "tlog/tlog.h"
#include "tlog/verify.h"
#include "tlog/wal.h"

/* Longer than a writer keeps readers waiting who has no quiet moment. */
enum { SETTLE_TRIES = 2 * VERIFY_TRIES };

/* Records that the wal says there are; 0 if it cannot be read just now. */
static uint64_t wal_end(int dir)
{
	enum wal_result res;
	CLEAN_BUF struct buf b;
	struct wal_walk w;

	buf_init(&b, WAL_FILE_MAX + 1);
	if (layout_read(dir, "wal", WAL_FILE_MAX, &b) < 0)
		return 0;
	res = wal_open(&w, buf_view(&b));
	while (res == WAL_OK)
		res = wal_next(&w);
	return res == WAL_BAD ? 0 : w.next;
}

bool tlog_settle(int dirfd)
{
	uint64_t end = verify_live(dirfd) ? wal_end(dirfd) : 0;
	CLEAN_HEAD struct head h = { 0 };
	struct err ignored;
	int try;

	for (try = 0; end && try < SETTLE_TRIES; try++) {
		if (head_checkpoint(dirfd, &h, NULL, &ignored) == 0 &&
		    h.size >= end)
			break;
		(void)verify_moved(dirfd, &h);
	}
	return end != 0;
}

/* The log as it is now against what the note says. */
static int note_once(int dir, struct span note, const char *name,
		     struct head *old, struct head *now, struct err *err)
{
	int e = head_checkpoint(dir, now, NULL, err);

	if (e == 0) {
		/* By the keys that the log has now; its own they stay. */
		old->chain = now->chain;
		e = head_note(note, name, old, err);
	}
	if (e == 0)
		e = head_continues(dir, old, now->size, now->root, name, err);
	return e;
}

int tlog_verify_note(int dirfd, struct span note, const char *name,
		     struct tlog_state *ret, struct err *err)
{
	CLEAN_HEAD struct head now = { 0 };
	struct head old = { 0 };
	int try;
	int e = -EBADMSG;

	for (try = 0; try < VERIFY_TRIES; try++) {
		e = note_once(dirfd, note, name, &old, &now, err);
		if (e == 0 || !verify_moved(dirfd, &now))
			break;
	}
	if (e < 0)
		return e;
	*ret = (struct tlog_state){ .size = old.size,
				    .epoch = now.chain.n - 1 };
	memcpy(ret->root, old.root, TLOG_HASH);
	note_vkey_format(&chain_last(&now.chain)->key, ret->vkey);
	return 0;
}

int tlog_verify_tip(int dirfd, int tipfd, struct tlog_state *ret,
		    struct err *err)
{
	CLEAN_BUF struct buf b;
	int e;

	buf_init(&b, LAYOUT_SMALL_MAX + 1);
	e = layout_read(tipfd, "checkpoint", LAYOUT_SMALL_MAX, &b);
	if (e == -ENOENT)
		return e;
	if (e < 0)
		return err_set(err, -EBADMSG, "tip: offset 0: cannot be read");
	return tlog_verify_note(dirfd, buf_view(&b), "tip", ret, err);
}

static void put_b64(struct buf *b, struct span s)
{
	size_t n = B64_LEN(s.n);
	uint8_t *p = buf_extend(b, n + 1);

	if (!p)
		return;
	b64_encode((char *)p, s);
	p[n] = '\n';
}

static void put_hashes(struct buf *b, const struct proof *p)
{
	size_t i;

	for (i = 0; i < p->n; i++)
		put_b64(b, span_of(p->hash[i], TLOG_HASH));
	buf_str(b, "\n");
}

static int prove_once(int dir, uint64_t index, struct head *h, struct buf *ret,
		      struct err *err)
{
	CLEAN_FREE uint8_t *record = NULL;
	CLEAN_BUF struct buf note;
	uint8_t leaf[TLOG_HASH];
	struct proof p = { 0 };
	size_t n;
	int e;

	buf_init(&note, LAYOUT_SMALL_MAX + 1);
	e = tlog_read(dir, index, &record, &n, err);
	if (e == 0)
		e = hash_leaf(leaf, span_of(record, n));
	if (e == 0)
		e = head_checkpoint(dir, h, &note, err);
	if (e == 0)
		e = prove_inclusion(dir, index, h->size, &p, err);
	if (e < 0)
		return e;
	if (!proof_inclusion(&p, index, h->size, leaf, h->root))
		return err_set(err, -EBADMSG,
			       "record %llu: the tiles do not prove it: "
			       "'bulkhead audit verify' says which",
			       (unsigned long long)index);
	buf_reset(ret);
	buf_str(ret, "c2sp.org/tlog-proof@v1\nextra ");
	put_b64(ret, span_of(record, n));
	buf_printf(ret, "index %llu\n", (unsigned long long)index);
	put_hashes(ret, &p);
	buf_span(ret, buf_view(&note));
	return buf_ok(ret) ? 0 : -ENOMEM;
}

int tlog_prove(int dirfd, uint64_t index, struct buf *ret, struct err *err)
{
	int try;
	int e = -EBADMSG;

	for (try = 0; try < VERIFY_TRIES; try++) {
		CLEAN_HEAD struct head h = { 0 };

		e = prove_once(dirfd, index, &h, ret, err);
		if (e != -EBADMSG || !verify_moved(dirfd, &h))
			break;
	}
	return e;
}

static int growth_once(int dir, uint64_t size, struct head *h, struct buf *ret,
		       struct err *err)
{
	CLEAN_BUF struct buf note;
	uint8_t root[TLOG_HASH];
	struct proof p = { 0 };
	int e;

	buf_init(&note, LAYOUT_SMALL_MAX + 1);
	e = head_checkpoint(dir, h, &note, err);
	if (e == 0 && size > h->size)
		return err_set(err, -ENOENT, "the log has %llu records",
			       (unsigned long long)h->size);
	if (e == 0)
		e = prove_consistency(dir, size, h->size, &p, err);
	if (e == 0 && size > 0)
		e = prove_root(dir, size, h->size, root, err);
	if (e < 0)
		return e;
	if (size > 0 && !proof_consistency(&p, size, h->size, root, h->root))
		return err_set(err, -EBADMSG,
			       "records before %llu: the tiles do not prove "
			       "them: 'bulkhead audit verify' says which",
			       (unsigned long long)size);
	buf_reset(ret);
	buf_printf(ret, "old %llu\n", (unsigned long long)size);
	put_hashes(ret, &p);
	buf_span(ret, buf_view(&note));
	return buf_ok(ret) ? 0 : -ENOMEM;
}

int tlog_prove_growth(int dirfd, uint64_t size, struct buf *ret,
		      struct err *err)
{
	int try;
	int e = -EBADMSG;

	for (try = 0; try < VERIFY_TRIES; try++) {
		CLEAN_HEAD struct head h = { 0 };

		e = growth_once(dirfd, size, &h, ret, err);
		if (e != -EBADMSG || !verify_moved(dirfd, &h))
			break;
	}
	return e;
}
