/*
 * fold: a text as the matcher compares it. One byte a character: ASCII letters
 * (of one case) and digits as they are, every other letter or digit as a byte
 * from 0x80 on. Nothing else is left; two texts that a person reads alike are
 * mostly alike then, and that is all it is for.
 */
#ifndef LABEL_FOLD_H
#define LABEL_FOLD_H

#include "base/buf.h"

/* Appends the folded form. Bytes that are not UTF-8 are passed over. */
void fold_text(struct buf *out, struct span text);

/*
 * Appends what reads like text in decoded bytes: runs of at least `least`
 * folded characters without a control character or a byte that is not UTF-8
 * between them, each with a 0 behind it.
 */
void fold_runs(struct buf *out, struct span bytes, size_t least);

#endif
