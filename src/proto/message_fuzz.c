/* message_fuzz: whatever decodes must encode to the very same bytes. */
#include <stdlib.h>

#include "proto/limits.h"
#include "proto/message.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEAN_BUF struct buf b = { .max = LIMIT_RECORD };
	struct message m;
	const char *why = NULL;

	if (message_decode(span_of(p, n), &m, &why))
		return 0;
	message_encode(&b, &m);
	if (!buf_ok(&b) || !span_eq(buf_view(&b), span_of(p, n)))
		abort();
	return 0;
}
