/*
 * head: what a log says about itself: its keys and its last signed checkpoint.
 */
#ifndef TLOG_HEAD_H
#define TLOG_HEAD_H

#include "tlog/chain.h"

struct head {
	struct chain chain; /* owned */
	uint64_t size;
	uint8_t root[TLOG_HASH];
};

void head_done(struct head *h);

#define CLEAN_HEAD __attribute__((cleanup(head_done)))

/* The file `vkey`: 0, or -EBADMSG with err. */
[[nodiscard]] int head_vkey(int dir, struct note_vkey *ret, struct err *err);

/*
 * The file `checkpoint`, and then the keys, one of which has signed it, into
 * *h; in this order, so that they go together while auditd changes its key. Its
 * bytes into note, if that is not NULL. 0, or -EBADMSG with err.
 */
[[nodiscard]] int head_checkpoint(int dir, struct head *h, struct buf *note,
				  struct err *err);

/* Size and root from a directory where the tip of a log is kept, by the keys
 * in h->chain. */
[[nodiscard]] int head_tip(int dir, struct head *h, struct err *err);

/* The same of a signed checkpoint from elsewhere, called `name` in err. */
[[nodiscard]] int head_note(struct span note, const char *name, struct head *h,
			    struct err *err);

/*
 * That the log in dir, of this size and root, goes on from an older head: 0, or
 * -EBADMSG with err, where the older one is called `name`.
 */
[[nodiscard]] int head_continues(int dir, const struct head *old, uint64_t size,
				 const uint8_t root[TLOG_HASH],
				 const char *name, struct err *err);

/* The bytes of the file `vkey` for a key. */
void head_vkey_text(struct buf *b, const struct note_vkey *k);

#endif
