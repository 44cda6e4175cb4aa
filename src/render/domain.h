/*
 * domain: a host name as a person should see it: in the letters that it stands
 * for (its U-label), and which part of it somebody has registered. Names are in
 * ASCII and lower case, as the argument types have them (label/types.h).
 */
#ifndef RENDER_DOMAIN_H
#define RENDER_DOMAIN_H

#include <stdbool.h>

#include "base/buf.h"

enum { DOMAIN_MAX = 253 };

/* Appends the name with each xn-- label as its letters; a label that is none
 * stays as it is. True: it looks another way than it is written. */
bool domain_letters(struct buf *out, struct span ascii);

/*
 * Where the registered part begins: "example.co.uk" of "a.b.example.co.uk" by
 * the public suffix list. ascii.n: nobody has registered it; it is a suffix
 * itself, an address, or no name.
 */
size_t domain_registered(struct span ascii);

#endif
