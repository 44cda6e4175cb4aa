/* slack_fuzz: any bytes as what Slack answers and sends. */
#include "chatnet/slack.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static void look(struct span s)
{
	struct chat_facts facts;
	struct chat_heard heard;
	char key[4 * LIMIT_CHAT_ID + 4];

	(void)slack_key(s, key, sizeof(key));
	if (slack_facts(s, &facts) == FACTS_OK &&
	    (!facts.sender[0] || !facts.chat[0] || !facts.ref[0]))
		__builtin_trap();
	if (slack_heard(s, &heard) == FACTS_OK &&
	    (!heard.sender[0] || !heard.chat[0] || !heard.id[0]))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct slack_envelope envelope;
	struct slack_answer answer;
	struct slack_url url;
	struct span s = span_of(p, n), app, bot;

	(void)slack_answer(s, &answer);
	(void)slack_tokens(s, &app, &bot);
	if (slack_url(s, &url) && (!url.host[0] || url.path.p[0] != '/'))
		__builtin_trap();
	if (slack_envelope(s, &envelope) && envelope.payload.n)
		look(envelope.payload);
	look(s);
	return 0;
}
