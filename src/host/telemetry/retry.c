/* retry: see retry.h. */
#include "retry.h"

enum post_result retry_judge(int status)
{
	if (status >= 200 && status <= 299)
		return POST_OK;
	if (status == 0 || status == 429 || status == 502 || status == 503 ||
	    status == 504)
		return POST_RETRY;
	return POST_REFUSED;
}

void retry_clear(struct retry *b)
{
	*b = (struct retry){ 0 };
}

void retry_more(struct retry *b, uint64_t now_ms, uint64_t asked_s,
		uint32_t random)
{
	uint64_t pause;

	if (b->failures < UINT32_MAX)
		b->failures++;
	pause = backoff_ms(b->failures, RETRY_MOST_MS);
	pause = pause / 2 + random % (pause / 2 + 1);
	if (asked_s > RETRY_ASKED_MOST_S)
		asked_s = RETRY_ASKED_MOST_S;
	if (asked_s * 1000 > pause)
		pause = asked_s * 1000;
	b->until_ms = now_ms + pause;
}
