/*
 * entities: a text of Telegram's and the list of what its ranges mean.
 */
#ifndef READER_CHAT_ENTITIES_H
#define READER_CHAT_ENTITIES_H

#include "reader/chat/chat.h"

enum { ENTITIES_MAX = 256 };

/*
 * Appends a text, with what its entities (a list, or nothing) say in words.
 * What is a spoiler is evidence and not in the body, nor are its links. What is
 * over ENTITIES_MAX, or no range of the text, is a flaw; where such a one may
 * hide something, all of the text is taken for hidden.
 */
void entities_put(struct chat *c, struct span text, struct jval list);

#endif
