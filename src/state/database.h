/*
 * database: how a database of the store comes into a backup.
 */
#ifndef STATE_DATABASE_H
#define STATE_DATABASE_H

#include "base/err.h"
#include "state/archive.h"

/*
 * Adds the database DIR/name to the archive as of one moment, also while it is
 * written to. 0 or -errno with err.
 */
[[nodiscard]] int database_copy(struct archive *a, int dir, const char *name,
				const char *path, struct err *err);

#endif
