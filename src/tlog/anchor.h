/*
 * anchor: a root key that is kept away from the machine, and its word that the
 * first key of a log is this log's. Who has only the root's verifier key can
 * follow the chain of keys from there, whatever was done to the host since.
 *
 * The word is the file `root` of the log, a signed note:
 *
 *	bulkhead audit root
 *	NAME+ID+BASE64		the first verifier key, as in `vkey`
 */
#ifndef TLOG_ANCHOR_H
#define TLOG_ANCHOR_H

#include "base/err.h"
#include "tlog/note.h"

/* Signs the first key of the log in dir with a root key, the text of a signing
 * key. 0 and the root's verifier key, or -errno with err. */
[[nodiscard]] int anchor_sign(int dir, struct span key,
			      char vkey[NOTE_VKEY_MAX], struct err *err);

/* That the root whose verifier key is given has signed the log's first key. 0,
 * or -EBADMSG with err. */
[[nodiscard]] int anchor_check(int dir, struct span vkey, struct err *err);

#endif
