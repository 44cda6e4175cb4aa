/*
 * state: the state directory as a whole: which version its layout is of, how an
 * older one is brought up to this program's, and its backup.
 *
 *	1	without a file `version`
 *	2	with one; the log is in three files at most
 */
#ifndef STATE_STATE_H
#define STATE_STATE_H

#include <stdint.h>

#include "base/err.h"

enum { STATE_VERSION = 2 };

/* How a monitor ends that nobody is to start again before its owner has looked:
 * what he wrote does not hold, or a latch cannot be written. Units know it. */
enum { MONITOR_EXIT_OWNER = 2 };

/*
 * The version of the directory: its file `version`, 1 for one with a log and
 * without that file, 0 for a new one. 0 or -errno with err.
 */
[[nodiscard]] int state_version(int dir, unsigned *ret, struct err *err);

/*
 * Makes sure that the directory is of this program's version: a new one becomes
 * so; a newer one is -ENOTSUP. An older one is brought up step by step after a
 * copy of it was kept in upgrade/version-N.tar; each step can be repeated, and
 * the version is written after it, so that a crash loses nothing. The caller
 * holds the lock. Returns 0 and what it was before in *from, or -errno.
 */
[[nodiscard]] int state_upgrade(int dir, unsigned *from, struct err *err);

/* What a backup held, or a restore found. */
struct state_sum {
	unsigned version;
	uint64_t files, bytes;
	uint64_t records; /* of the audit log */
};

/*
 * Writes the state of directory dir to out as an archive (archive.h), also
 * while bulkhead runs. 0, or -errno with err.
 */
[[nodiscard]] int state_backup(int dir, int out, struct state_sum *ret,
			       struct err *err);

/*
 * Unpacks a backup into the empty directory dir, everything 0700 and 0600,
 * durable, and verifies it: sums, version, audit log. 0, or -errno with err,
 * after which what was unpacked is worth nothing.
 */
[[nodiscard]] int state_restore(int in, int dir, struct state_sum *ret,
				struct err *err);

/* Removes all that is in a directory; follows no link. 0 or -errno. */
[[nodiscard]] int state_clear(int dir);

#endif
