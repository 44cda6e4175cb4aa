/* chain: see chain.h. */
#include "tlog/chain.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdlib.h>

#include "base/rd.h"
#include "base/str.h"
#include "tlog/head.h"
#include "tlog/layout.h"

static const char title[] = "bulkhead audit key\n";

enum { LINK_LINES = 8, LINK_KEYS = 64 };

void chain_done(struct chain *c)
{
	free(c->v);
	*c = (struct chain){ 0 };
}

const struct chain_link *chain_last(const struct chain *c)
{
	return &c->v[c->n - 1];
}

/* A place behind the last; they are made some at a time. */
static struct chain_link *add(struct chain *c)
{
	struct chain_link *more = c->v;

	if (c->n == CHAIN_MAX)
		return NULL;
	if (c->n % LINK_KEYS == 0)
		more = reallocarray(c->v, c->n + LINK_KEYS, sizeof(*more));
	if (!more)
		return NULL;
	c->v = more;
	c->v[c->n] = (struct chain_link){ 0 };
	return &c->v[c->n++];
}

/* The next line of *rest, with its newline; empty if there is none. */
static struct span line_of(struct span *rest)
{
	const uint8_t *end = rest->n ? memchr(rest->p, '\n', rest->n) : NULL;
	size_t n = end ? (size_t)(end - rest->p) + 1 : 0;
	struct span line = span_of(rest->p, n);

	*rest = span_of(rest->p + n, rest->n - n);
	return line;
}

/* The note of one link: so many lines. Empty if there are not. */
static struct span note_of(struct span *rest)
{
	struct span note = *rest;
	int i;

	for (i = 0; i < LINK_LINES; i++)
		if (!line_of(rest).n)
			return span_of(NULL, 0);
	note.n -= rest->n;
	return note;
}

static void put_text(struct buf *b, const char *name, size_t epoch,
		     const struct chain_link *l)
{
	char root[B64_LEN(TLOG_HASH) + 1];
	char vkey[NOTE_VKEY_MAX];

	b64_encode(root, span_of(l->root, TLOG_HASH));
	note_vkey_format(&l->key, vkey);
	buf_printf(b, "%s%s\n%zu\n%llu\n%s\n%s\n", title, name, epoch,
		   (unsigned long long)l->index, root, vkey);
}

/* The line without its newline. */
static struct span bare(struct span line)
{
	return span_of(line.p, line.n ? line.n - 1 : 0);
}

/* The signature at the end of a note that was opened: what its last line has
 * behind the last blank. */
static int take_sig(struct chain_link *l, struct span note)
{
	struct span line = span_of(note.p, note.n - 1);
	const uint8_t *at = memrchr(line.p, ' ', line.n);

	if (!at)
		return -1;
	at++;
	return str_copy(l->sig, sizeof(l->sig),
			span_of(at, (size_t)(line.p + line.n - at)));
}

/* Reads what the text of a link says, and that it says nothing else. */
static int take_text(struct chain_link *l, struct span text, const char *name,
		     size_t epoch)
{
	CLEAN_BUF struct buf want = { 0 };
	struct span rest = text;
	struct span index;

	(void)line_of(&rest);
	(void)line_of(&rest);
	(void)line_of(&rest);
	index = bare(line_of(&rest));
	if (num_parse(index, 0, INT64_MAX, &l->index) < 0 ||
	    b64_decode(l->root, TLOG_HASH, bare(line_of(&rest))) != TLOG_HASH ||
	    note_vkey_parse(bare(line_of(&rest)), &l->key) < 0)
		return -1;
	buf_init(&want, LAYOUT_SMALL_MAX);
	put_text(&want, name, epoch, l);
	return span_eq(buf_view(&want), text) ? 0 : -1;
}

static int bad_link(const char *name, size_t epoch, const char *why,
		    struct err *err)
{
	return err_set(err, -EBADMSG, "%s: offset 0: the key of epoch %zu %s",
		       name, epoch, why);
}

static int parse_link(struct chain *c, struct span note, const char *name,
		      struct err *err)
{
	const size_t epoch = c->n;
	struct chain_link l = { 0 };
	const struct chain_link *old = chain_last(c);
	struct chain_link *new;
	enum note_fault f;
	struct span text;

	f = note_open(note, &old->key, 1, &text);
	if (f != NOTE_OK)
		return bad_link(name, epoch,
				f == NOTE_UNVERIFIED ? "is not signed by the "
						       "one before"
						     : note_fault_name(f),
				err);
	if (take_text(&l, text, c->v[0].key.name, epoch) < 0 ||
	    take_sig(&l, note) < 0 || strcmp(l.key.name, c->v[0].key.name) != 0)
		return bad_link(name, epoch, "is not a link of this log", err);
	if (epoch > 1 && l.index <= old->index)
		return bad_link(name, epoch, "is older than the one before",
				err);
	if (!chain_is_new(c, &l.key))
		return bad_link(name, epoch, "is there twice", err);
	new = add(c);
	if (!new)
		return err_set(err, -ENOMEM, "%s: too many keys", name);
	*new = l;
	return 0;
}

int chain_parse(const struct note_vkey *first, struct span keys,
		const char *name, struct chain *ret, struct err *err)
{
	struct chain c = { 0 };
	struct chain_link *l = add(&c);
	int r = 0;

	if (!l)
		return err_set(err, -ENOMEM, "out of memory");
	l->key = *first;
	while (r == 0 && keys.n) {
		struct span note = note_of(&keys);

		r = note.n ? parse_link(&c, note, name, err)
			   : bad_link(name, c.n, "is not whole", err);
	}
	if (r < 0) {
		chain_done(&c);
		return r;
	}
	*ret = c;
	return 0;
}

int chain_load(int dir, struct chain *ret, struct err *err)
{
	CLEAN_BUF struct buf b;
	struct note_vkey first;
	int r = head_vkey(dir, &first, err);

	buf_init(&b, CHAIN_FILE_MAX + 1);
	if (r == 0 && layout_exists(dir, "keys") != 0)
		r = layout_need(dir, "keys", CHAIN_FILE_MAX, &b, err);
	return r < 0 ? r : chain_parse(&first, buf_view(&b), "keys", ret, err);
}

int chain_sign(struct buf *b, const struct chain *c,
	       const struct chain_link *next, const struct note_key *by)
{
	CLEAN_BUF struct buf text;

	buf_init(&text, LAYOUT_SMALL_MAX);
	put_text(&text, c->v[0].key.name, c->n, next);
	return buf_ok(&text) ? note_sign(b, buf_view(&text), by) : -EIO;
}

void chain_put(struct buf *b, const struct chain *c, size_t epoch)
{
	const struct chain_link *l = &c->v[epoch];

	put_text(b, c->v[0].key.name, epoch, l);
	buf_printf(b, "\n\u2014 %s %s\n", c->v[0].key.name, l->sig);
}

bool chain_is_new(const struct chain *c, const struct note_vkey *k)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (!memcmp(c->v[i].key.id, k->id, sizeof(k->id)))
			return false;
	return true;
}

static bool holds(struct span s, const char *text)
{
	return memmem(s.p, s.n, text, strlen(text)) != NULL;
}

bool chain_announced(const struct chain_link *l, struct span record)
{
	char vkey[NOTE_VKEY_MAX];

	note_vkey_format(&l->key, vkey);
	return holds(record, vkey) && holds(record, l->sig);
}

/* Between the record that announces a key and that of the next, this one
 * included: there it signs. */
static bool in_force(const struct chain *c, size_t epoch, uint64_t size)
{
	if (epoch > 0 && size <= c->v[epoch].index)
		return false;
	return epoch + 1 == c->n || size <= c->v[epoch + 1].index + 1;
}

int chain_open(const struct chain *c, struct span note, const char *name,
	       struct checkpoint *ret, struct err *err)
{
	enum note_fault f = NOTE_UNVERIFIED;
	size_t i = c->n;
	struct span text;

	while (i > 0 && f == NOTE_UNVERIFIED)
		f = note_open(note, &c->v[--i].key, 1, &text);
	if (f == NOTE_UNVERIFIED)
		return err_set(err, -EBADMSG,
			       "%s: offset 0: is not signed by this log's key "
			       "%s: one of them is of another log",
			       name, c->v[0].key.name);
	if (f != NOTE_OK)
		return err_set(err, -EBADMSG, "%s: offset 0: signed note is %s",
			       name, note_fault_name(f));
	if (checkpoint_parse(text, ret) < 0 ||
	    !span_is(ret->origin, c->v[0].key.name))
		return err_set(err, -EBADMSG,
			       "%s: offset 0: not a checkpoint of this log",
			       name);
	if (!in_force(c, i, ret->size))
		return err_set(err, -EBADMSG,
			       "%s: offset 0: has %llu records, and is signed "
			       "by the key of epoch %zu, which was not in "
			       "force then",
			       name, (unsigned long long)ret->size, i);
	return 0;
}

/* A file with a private key. 0, -EBADMSG if it has none, or what kept it from
 * being read. */
static int read_private(int dir, const char *path, struct buf *b,
			struct note_key *ret)
{
	int r;

	if (b->p)
		OPENSSL_cleanse(b->p, b->n);
	buf_reset(b);
	r = layout_read(dir, path, LAYOUT_SMALL_MAX, b);
	if (r < 0)
		return r;
	return note_key_parse(buf_view(b), ret) < 0 ? -EBADMSG : 0;
}

int chain_private(int dir, const struct chain *c, struct buf *b,
		  struct note_key *ret, struct err *err)
{
	/* The last for one that is renamed in this moment. */
	static const char *const files[] = { "key", "key.next", "key" };
	const struct note_vkey *want = &chain_last(c)->key;
	int first = 0;
	size_t i;
	int r = 0;

	for (i = 0; i < ARRAY_SIZE(files); i++) {
		r = read_private(dir, files[i], b, ret);
		if (r == 0 && !memcmp(ret->vkey.pub, want->pub, NOTE_PUBLIC))
			return 0;
		if (r == 0)
			note_key_done(ret);
		if (i == 0)
			first = r;
		if (r < 0 && r != -EBADMSG && r != -ENOENT)
			break;
	}
	if (r < 0 && r != -EBADMSG && r != -ENOENT && r != -EACCES)
		return err_set(err, -EBADMSG, "key: offset 0: cannot be read");
	if (first == -EACCES || first == -ENOENT)
		return first;
	return err_set(err, -EBADMSG, "key: offset 0: %s",
		       first ? "not an Ed25519 signing key"
			     : "is not the key of vkey and keys");
}
