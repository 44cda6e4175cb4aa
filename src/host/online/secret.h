/*
 * secret: memory for a credential: locked, in no core, wiped before it is given
 * back. What is made of a credential (a line of a login) lives in such memory,
 * too, for as long as it takes to send it.
 */
#ifndef ONLINE_SECRET_H
#define ONLINE_SECRET_H

#include "base/buf.h"
#include "proto/limits.h"

struct secret {
	uint8_t *p; /* owned; NULL: there is none */
	size_t n, room;
};

/* Copies s, at most LIMIT_SECRET bytes. What was there is wiped. 0 or -errno;
 * memory that cannot be locked (its limit) is used all the same. */
[[nodiscard]] int secret_set(struct secret *k, struct span s);

/* Room for n bytes at most 2 * LIMIT_SECRET, zeroed, k->n = 0. 0 or -errno. */
[[nodiscard]] int secret_room(struct secret *k, size_t n);

void secret_wipe(struct secret *k);
struct span secret_view(const struct secret *k);

/* Wipes a buffer that a credential went through; it is then empty. */
void secret_wipe_buf(struct buf *b);

#endif
