/* chat: see chat.h. */
#include "chat.h"

#include "chatnet/slack.h"
#include "chatnet/telegram.h"

void chat_envelope(enum item_sort sort, struct span item,
		   struct chat_facts *facts, struct m_envelope *m)
{
	enum facts_fault fault = sort == SORT_TELEGRAM
					 ? telegram_facts(item, facts)
					 : slack_facts(item, facts);

	*m = (struct m_envelope){
		.ok = fault == FACTS_OK,
		.fault = span_str(facts_fault_text(fault)),
		.date = span_str(facts->date),
		.chat_flags = facts->flags,
		.sender = span_str(facts->sender),
		.chat = span_str(facts->chat),
		.chat_ref = span_str(facts->ref),
		.thread = span_str(facts->thread),
		.text = span_str(facts->text),
	};
}
