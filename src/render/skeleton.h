/*
 * skeleton: what a name looks like to a person, after UTS 39: two names with
 * one skeleton are easily taken for each other. Names are short; what is longer
 * than SKELETON_MAX has none.
 */
#ifndef RENDER_SKELETON_H
#define RENDER_SKELETON_H

#include <stdbool.h>

#include "base/buf.h"

enum { SKELETON_MAX = 1024 };

/* Appends the skeleton of text as UTF-8; of letters of either case, if fold.
 * False: it has none, being too long or not UTF-8. */
[[nodiscard]] bool skeleton_put(struct buf *out, struct span text, bool fold);

/* True if the two differ and look alike, their case put aside. */
bool skeleton_alike(struct span a, struct span b);

/* True if its letters are of scripts that no language writes together. */
bool skeleton_mixed(struct span text);

#endif
