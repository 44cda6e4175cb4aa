/*
 * chain: the keys of a log, one an epoch. The first is the file `vkey` and
 * names the log. Each later one was announced by a record, and is a link in
 * the file `keys`: a signed note of eight lines,
 *
 *	bulkhead audit key
 *	NAME			of the log, and of all its keys
 *	EPOCH			1 for the second key
 *	INDEX			of the record that announces it
 *	BASE64			root of the log of all records before that
 *	NAME+ID+BASE64		the verifier key
 *	(empty line)
 *	— NAME BASE64		signature by the key before it
 *
 * The private half of a key is erased when the next one takes its place, so
 * who takes over a host can sign what comes, and nothing that was: the last
 * thing that a key signs is the root of the log as it left it.
 *
 * A change of keys, each step durable before the next:
 *
 *	1 key.next, the new private half; keys.next, `keys` with the new link
 *	2 the record
 *	3 keys.next becomes keys
 *	4 key is overwritten; key.next becomes key
 *
 * Whatever ends it, the log is opened with one key that belongs to `keys`:
 * without the record the change never was, with it the rest is done.
 */
#ifndef TLOG_CHAIN_H
#define TLOG_CHAIN_H

#include "base/err.h"
#include "base/b64.h"
#include "tlog/note.h"

enum {
	CHAIN_MAX = 8192,	  /* epochs: more than 20 years of days */
	CHAIN_FILE_MAX = 8 << 20, /* keys, keys.next */
	CHAIN_SIG = 4 + 64,	  /* key id, signature */
};

struct chain_link {
	struct note_vkey key;
	uint64_t index; /* of the record that announces it; 0 for the first */
	uint8_t root[TLOG_HASH];	  /* of the records before that */
	char sig[B64_LEN(CHAIN_SIG) + 1]; /* as in the note; "" for the first */
};

struct chain {
	struct chain_link *v; /* owned */
	size_t n;	      /* at least 1 once loaded */
};

void chain_done(struct chain *c);

/* The files `vkey` and `keys` of a log. 0, or -EBADMSG with err. */
[[nodiscard]] int chain_load(int dir, struct chain *ret, struct err *err);

/* A chain that begins with this key, and the links of `keys`, which is called
 * `name` in err. 0, or -EBADMSG with err. */
[[nodiscard]] int chain_parse(const struct note_vkey *first, struct span keys,
			      const char *name, struct chain *ret,
			      struct err *err);

/* The key in force. */
const struct chain_link *chain_last(const struct chain *c);

/* Appends the link to a further key, signed by the one in force: key, index and
 * root of `next` count. 0 or -EIO. */
[[nodiscard]] int chain_sign(struct buf *b, const struct chain *c,
			     const struct chain_link *next,
			     const struct note_key *by);

/* Appends the link to the key of this epoch, from 1 on, as it is. */
void chain_put(struct buf *b, const struct chain *c, size_t epoch);

/* True if no key of the chain has this one's id. */
bool chain_is_new(const struct chain *c, const struct note_vkey *k);

/* That the record announces the key of this link: it has the verifier key and
 * its signature in it. */
bool chain_announced(const struct chain_link *l, struct span record);

/*
 * Opens a checkpoint that any key of the chain has signed: the newest that
 * has. A key signs no log that is larger, or smaller, than it was in force for.
 * 0, or -EBADMSG with err, where it is called `name`.
 */
[[nodiscard]] int chain_open(const struct chain *c, struct span note,
			     const char *name, struct checkpoint *ret,
			     struct err *err);

/*
 * The private half of the key in force, as its file has it: `key`, or where a
 * change of keys was cut short `key.next`. 0, -ENOENT, -EACCES, or -EBADMSG
 * with err. To be wiped from b.
 */
[[nodiscard]] int chain_private(int dir, const struct chain *c, struct buf *b,
				struct note_key *ret, struct err *err);

#endif
