/*
 * blocks: Slack's Block Kit, made flat: every text that a person sees, in
 * order, blocks on lines of their own. What does not show (ids, values, styles)
 * is not read; a block of an unknown type shows what a known one would.
 */
#ifndef READER_CHAT_BLOCKS_H
#define READER_CHAT_BLOCKS_H

#include "reader/chat/chat.h"

enum { BLOCKS_DEPTH = 24 };

/* A list of blocks, or one; nothing for what is neither. */
void blocks_put(struct chat *c, struct jval list);

#endif
