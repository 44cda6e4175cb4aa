/*
 * copy: the files of a log as its last signed checkpoint has them, and in their
 * wal the records that are durable beyond that.
 */
#ifndef TLOG_COPY_H
#define TLOG_COPY_H

#include "base/err.h"
#include "base/span.h"

/* Takes one file of the copy; bytes are borrowed. 0 or -errno, which ends. */
typedef int (*tlog_copy_fn)(void *arg, const char *path, struct span bytes);

/*
 * Gives every file of the log in dirfd to emit, as of its last checkpoint; its
 * wal has all that is acknowledged by now, and whoever opens the copy publishes
 * that. The log may be appended to meanwhile; nothing of it is changed. The
 * signing key is among the files. Returns 0 and the number of records, or
 * -errno with err (what emit returned: without).
 */
[[nodiscard]] int tlog_copy(int dirfd, tlog_copy_fn emit, void *arg,
			    uint64_t *ret_size, struct err *err);

#endif
