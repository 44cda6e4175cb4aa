/*
 * place: the small durable state of an account, a file in the directory of its
 * own. What place_save has returned 0 for is there after a power cut, whole;
 * before that the file is what it was.
 */
#ifndef ONLINE_PLACE_H
#define ONLINE_PLACE_H

#include "base/buf.h"

enum { PLACE_MAX = 128 << 10 };

/* Appends the file's bytes to ret, at most PLACE_MAX. 0; -ENOENT, there is
 * none; or -errno. */
[[nodiscard]] int place_load(int dir, const char *name, struct buf *ret);

/* Writes it anew. 0 or -errno. */
[[nodiscard]] int place_save(int dir, const char *name, struct span bytes);

#endif
