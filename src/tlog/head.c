/* head: see head.h. */
#include "tlog/head.h"

#include <errno.h>

#include "tlog/layout.h"
#include "tlog/prove.h"

void head_vkey_text(struct buf *b, const struct note_vkey *k)
{
	char text[NOTE_VKEY_MAX];

	note_vkey_format(k, text);
	buf_printf(b, "%s\n", text);
}

int head_vkey(int dir, struct note_vkey *ret, struct err *err)
{
	CLEAN_BUF struct buf b;
	int r;

	buf_init(&b, LAYOUT_SMALL_MAX + 1);
	r = layout_need(dir, "vkey", LAYOUT_SMALL_MAX, &b, err);
	if (r < 0)
		return r;
	if (b.n < 1 || b.p[b.n - 1] != '\n' ||
	    note_vkey_parse(span_of(b.p, b.n - 1), ret) < 0)
		return err_set(err, -EBADMSG,
			       "vkey: offset 0: not an Ed25519 verifier key");
	return 0;
}

void head_done(struct head *h)
{
	chain_done(&h->chain);
}

int head_note(struct span note, const char *name, struct head *h,
	      struct err *err)
{
	struct checkpoint c;
	int r = chain_open(&h->chain, note, name, &c, err);

	if (r < 0)
		return r;
	h->size = c.size;
	memcpy(h->root, c.root, TLOG_HASH);
	return 0;
}

int head_checkpoint(int dir, struct head *h, struct buf *note, struct err *err)
{
	CLEAN_BUF struct buf own;
	struct buf *b = note ? note : &own;
	int r;

	buf_init(&own, LAYOUT_SMALL_MAX + 1);
	buf_reset(b);
	r = layout_need(dir, "checkpoint", LAYOUT_SMALL_MAX, b, err);
	chain_done(&h->chain);
	if (r == 0)
		r = chain_load(dir, &h->chain, err);
	return r < 0 ? r : head_note(buf_view(b), "checkpoint", h, err);
}

int head_tip(int dir, struct head *h, struct err *err)
{
	CLEAN_BUF struct buf b;
	int r;

	buf_init(&b, LAYOUT_SMALL_MAX + 1);
	r = layout_need(dir, "checkpoint", LAYOUT_SMALL_MAX, &b, err);
	return r < 0 ? r : head_note(buf_view(&b), "tip", h, err);
}

int head_continues(int dir, const struct head *old, uint64_t size,
		   const uint8_t root[TLOG_HASH], const char *name,
		   struct err *err)
{
	struct proof p;
	int r;

	if (size < old->size)
		return err_set(err, -EBADMSG,
			       "%s: offset 0: has %llu records, the log only "
			       "%llu: the log was rolled back, records from "
			       "%llu on are missing",
			       name, (unsigned long long)old->size,
			       (unsigned long long)size,
			       (unsigned long long)size);
	if (old->size == 0)
		return 0;
	r = prove_consistency(dir, old->size, size, &p, err);
	if (r < 0 || proof_consistency(&p, old->size, size, old->root, root))
		return r;
	return err_set(err, -EBADMSG,
		       "%s: offset 0: the log does not go on from its %llu "
		       "records: some of them, before record %llu, were "
		       "changed",
		       name, (unsigned long long)old->size,
		       (unsigned long long)old->size);
}
