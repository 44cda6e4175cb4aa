/*
 * links: addresses in texts, and whether what a link shows is where it goes.
 */
#ifndef READER_LINKS_H
#define READER_LINKS_H

#include "base/span.h"

struct draft;

/*
 * True if the visible text itself looks like an address (URL, host name,
 * mail address) and names another host than url does.
 */
bool link_mismatch(struct span text, struct span url);

/* Adds each http, https and mailto address in a plain text to the draft. */
void links_from_text(struct draft *d, struct span text);

#endif
