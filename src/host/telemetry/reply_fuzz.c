/* Fuzzes reply: what answers on the collector's port, in two pieces. */
#include "reply.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct reply r;
	size_t cut;

	if (size < 1)
		return 0;
	reply_init(&r);
	cut = 1 + data[0] % size;
	if (reply_feed(&r, span_of(data + 1, cut - 1)) == REPLY_MORE)
		(void)reply_feed(&r, span_of(data + cut, size - cut));
	if (reply_eof(&r) == REPLY_DONE && (r.status < 200 || r.status > 599))
		__builtin_trap();
	return 0;
}
