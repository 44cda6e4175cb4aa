/*
 * newfile: the files of a first configuration, which are written once and never
 * over another.
 */
#ifndef CLI_NEWFILE_H
#define CLI_NEWFILE_H

#include "base/buf.h"

/* The directory for them, absolute: given, or where cli_conf looks. 0 or -1:
 * the path is too long. */
[[nodiscard]] int newfile_dir(const char *given, char *dst, size_t cap);

/* Writes dir/name, mode 0600, and says so. 0; 1: it was there already, and is
 * left as it is, which is said, too; or -errno, and there is none of it. */
[[nodiscard]] int newfile_write(const char *dir, const char *name,
				const struct buf *text);

#endif
