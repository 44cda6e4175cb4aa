/*
 * chat: what the broker is told of an update of Telegram's or an event of
 * Slack's (chatnet/chatnet.h).
 */
#ifndef ENVELOPE_CHAT_H
#define ENVELOPE_CHAT_H

#include "chatnet/chatnet.h"

/*
 * Fills m of an item of that sort, SORT_TELEGRAM or SORT_SLACK; its texts
 * borrow *facts. What is no message is told as a fault, with no sender.
 */
void chat_envelope(enum item_sort sort, struct span item,
		   struct chat_facts *facts, struct m_envelope *m);

#endif
