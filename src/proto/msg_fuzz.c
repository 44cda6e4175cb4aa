/* msg_fuzz: what decodes encodes to the very same bytes again. */
#include <stdlib.h>

#include "proto/msg.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct msg m;
	CLEAN_BUF struct buf b;
	const char *why;

	buf_init(&b, LIMIT_MSG);
	if (msg_decode(span_of(p, n), &m, &why) < 0)
		return 0;
	msg_encode(&b, &m);
	if (!buf_ok(&b) || !span_eq(buf_view(&b), span_of(p, n)))
		abort();
	return 0;
}
