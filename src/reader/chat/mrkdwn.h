/*
 * mrkdwn: the markup of Slack's texts: `<URL|text>`, `<@USER>`, `<#CHANNEL>`,
 * `<!COMMAND>`, and &amp; &lt; &gt;. Stars and the like stay as they are.
 */
#ifndef READER_CHAT_MRKDWN_H
#define READER_CHAT_MRKDWN_H

#include "reader/chat/chat.h"

/* Appends such a text, with what its markup says in words, and its links. */
void mrkdwn_put(struct chat *c, struct span text);

#endif
