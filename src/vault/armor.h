/*
 * armor: age's ASCII armor (https://age-encryption.org/v1, "ASCII armor"):
 * strict PEM with the label AGE ENCRYPTED FILE, 64 columns, canonical.
 */
#ifndef VAULT_ARMOR_H
#define VAULT_ARMOR_H

#include "base/buf.h"

/* Whether an armor begins near the head of the file: at its first byte, behind
 * blanks, or behind what does not belong there. */
bool armor_is(struct span file);

/* Appends the bytes in it. 0, or -1: it is not strictly one. */
[[nodiscard]] int armor_decode(struct buf *ret, struct span file);

void armor_encode(struct buf *ret, struct span bytes);

#endif
