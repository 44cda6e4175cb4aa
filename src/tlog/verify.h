/*
 * verify: what the readers of a log share.
 */
#ifndef TLOG_VERIFY_H
#define TLOG_VERIFY_H

#include "tlog/head.h"

enum { VERIFY_TRIES = 8 }; /* a log that grows under the reader is read again */

/* True, after a pause, if the checkpoint is no longer the one that was read:
 * somebody writes, and what did not agree may do so now. */
bool verify_moved(int dir, const struct head *old);

/*
 * True if somebody has the log open for writing. Who may not read the key
 * cannot tell, and takes the log as it is.
 */
bool verify_live(int dir);

/*
 * A part of what tlog_verify does, for whoever opens a log to write: everything
 * from entry bundle `first` on, of a log that nobody else writes and that is
 * published. 0 or -EBADMSG.
 */
[[nodiscard]] int verify_end(int dirfd, uint64_t first, struct err *err);

#endif
