/*
 * note: C2SP signed notes and checkpoints, with Ed25519 keys.
 *
 * A note is text that ends in a newline, an empty line, and lines "— NAME
 * BASE64(key id, signature)". A checkpoint is a note whose text is the log's
 * origin, the tree's size and its root, a line each. The parsers take bytes
 * from a disk that somebody may have written to: nothing is believed before
 * the signature holds.
 */
#ifndef TLOG_NOTE_H
#define TLOG_NOTE_H

#include <openssl/types.h>

#include "base/buf.h"
#include "tlog/tlog.h"

enum {
	NOTE_MAX = 1 << 20,
	NOTE_SIGNATURES = 100,
	NOTE_NAME_MAX = 80,
	NOTE_PUBLIC = 32,
	NOTE_VKEY_MAX = 160, /* a verifier key as text, with its NUL */
	NOTE_KEY_MAX = 200,  /* a signing key as text, with its NUL */
};

struct note_vkey {
	char name[NOTE_NAME_MAX + 1];
	uint8_t id[4];
	uint8_t pub[NOTE_PUBLIC];
};

/* A key that signs; note_key_done wipes it. */
struct note_key {
	struct note_vkey vkey;
	EVP_PKEY *pkey; /* owned */
};

enum note_fault {
	NOTE_OK,
	NOTE_MALFORMED,	    /* not a signed note */
	NOTE_UNVERIFIED,    /* no signature of a known key */
	NOTE_BAD_SIGNATURE, /* a known key's signature does not hold */
	NOTE_AMBIGUOUS,	    /* two known keys share name and id */
	NOTE_FAULT_MAX
};

/* A stable lower-case name, e.g. "bad-signature". */
const char *note_fault_name(enum note_fault f);

/* "NAME+ID+BASE64" to a verifier key: Ed25519 only, the id must fit. 0 or -1.
 */
[[nodiscard]] int note_vkey_parse(struct span text, struct note_vkey *ret);
void note_vkey_format(const struct note_vkey *k, char dst[NOTE_VKEY_MAX]);

/* A new key; prefix and eight hex digits of its public half are its name. */
[[nodiscard]] int note_key_new(const char *prefix, struct note_key *ret,
			       char text[NOTE_KEY_MAX]);
/* A new key of this very name. */
[[nodiscard]] int note_key_named(const char *name, struct note_key *ret,
				 char text[NOTE_KEY_MAX]);
/* "PRIVATE+KEY+NAME+ID+BASE64". Returns 0 or -1. */
[[nodiscard]] int note_key_parse(struct span text, struct note_key *ret);
void note_key_done(struct note_key *k);

/* Appends text, which ends in a newline, and its signature. 0 or -EIO. */
[[nodiscard]] int note_sign(struct buf *b, struct span text,
			    const struct note_key *k);

/*
 * Opens a note: well-formed, at least one signature of a known key, each of
 * them holds. *text borrows from note and is set on NOTE_OK alone.
 */
enum note_fault note_open(struct span note, const struct note_vkey *keys,
			  size_t n_keys, struct span *text);

struct checkpoint {
	struct span origin; /* borrowed */
	uint64_t size;
	uint8_t root[TLOG_HASH];
};

/* The text of a checkpoint, not yet signed. */
void checkpoint_format(struct buf *b, const struct checkpoint *c);

/* The text of an opened note to a checkpoint. 0 or -1. */
[[nodiscard]] int checkpoint_parse(struct span text, struct checkpoint *ret);

#endif
