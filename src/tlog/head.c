/* head: see head.h. */
#include "tlog/head.h"

#include <errno.h>

#include "tlog/layout.h"

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

int head_checkpoint(int dir, struct head *h, struct err *err)
{
	CLEAN_BUF struct buf b;
	struct checkpoint c;
	enum note_fault f;
	struct span text;
	int r;

	buf_init(&b, LAYOUT_SMALL_MAX + 1);
	r = layout_need(dir, "checkpoint", LAYOUT_SMALL_MAX, &b, err);
	if (r < 0)
		return r;
	f = note_open(buf_view(&b), &h->vkey, 1, &text);
	if (f != NOTE_OK)
		return err_set(err, -EBADMSG,
			       "checkpoint: offset 0: signed note is %s",
			       note_fault_name(f));
	if (checkpoint_parse(text, &c) < 0 || !span_is(c.origin, h->vkey.name))
		return err_set(err, -EBADMSG,
			       "checkpoint: offset 0: not a "
			       "checkpoint of this log");
	h->size = c.size;
	memcpy(h->root, c.root, TLOG_HASH);
	return 0;
}
