/* anchor: see anchor.h. */
#include "tlog/anchor.h"

#include <errno.h>

#include "tlog/head.h"
#include "tlog/layout.h"

static int text_of(int dir, struct buf *text, struct err *err)
{
	struct note_vkey first;
	int r = head_vkey(dir, &first, err);

	if (r < 0)
		return r;
	buf_str(text, "bulkhead audit root\n");
	head_vkey_text(text, &first);
	return buf_ok(text) ? 0 : -ENOMEM;
}

int anchor_sign(int dir, struct span key, char vkey[NOTE_VKEY_MAX],
		struct err *err)
{
	CLEAN_BUF struct buf text, note;
	struct note_key k;
	int r;

	buf_init(&text, LAYOUT_SMALL_MAX);
	buf_init(&note, LAYOUT_SMALL_MAX);
	r = text_of(dir, &text, err);
	if (r < 0)
		return r;
	if (note_key_parse(key, &k) < 0)
		return err_set(err, -EINVAL, "it is not an Ed25519 root key");
	note_vkey_format(&k.vkey, vkey);
	r = note_sign(&note, buf_view(&text), &k);
	note_key_done(&k);
	if (r == 0)
		r = layout_publish(dir, "root", buf_view(&note),
				   LAYOUT_DURABLE);
	return r < 0 ? err_set(err, r, "root: cannot be written") : 0;
}

int anchor_check(int dir, struct span vkey, struct err *err)
{
	CLEAN_BUF struct buf want, note;
	struct note_vkey root;
	enum note_fault f;
	struct span text;
	int r;

	buf_init(&want, LAYOUT_SMALL_MAX);
	buf_init(&note, LAYOUT_SMALL_MAX + 1);
	if (note_vkey_parse(vkey, &root) < 0)
		return err_set(
			err, -EBADMSG,
			"the root's verifier key is none: NAME+ID+BASE64");
	r = text_of(dir, &want, err);
	if (r == 0)
		r = layout_need(dir, "root", LAYOUT_SMALL_MAX, &note, err);
	if (r < 0)
		return r;
	f = note_open(buf_view(&note), &root, 1, &text);
	if (f != NOTE_OK)
		return err_set(err, -EBADMSG,
			       "root: offset 0: its signature by %s is %s",
			       root.name, note_fault_name(f));
	if (!span_eq(text, buf_view(&want)))
		return err_set(err, -EBADMSG,
			       "root: offset 0: is of another log's first key");
	return 0;
}
