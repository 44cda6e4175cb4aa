/* telegram_fuzz: any bytes as an answer of the Bot API, and as an update. */
#include "chatnet/telegram.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct telegram_update updates[TELEGRAM_UPDATES];
	struct telegram_answer answer;
	struct chat_facts facts;
	struct chat_heard heard;

	if (telegram_answer(span_of(p, n), &answer) && answer.ok)
		(void)telegram_updates(answer.result, updates);
	/* Whoever speaks has an id, and is somewhere. */
	if (telegram_facts(span_of(p, n), &facts) == FACTS_OK &&
	    (!facts.sender[0] || !facts.chat[0] || !facts.ref[0]))
		__builtin_trap();
	if (telegram_heard(span_of(p, n), &heard) == FACTS_OK &&
	    (!heard.sender[0] || !heard.chat[0] || !heard.id[0]))
		__builtin_trap();
	return 0;
}
