/* message_json_fuzz: what is accepted as JSON is a message that encodes. */
#include <stdlib.h>

#include "proto/limits.h"
#include "proto/message_json.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEAN_BUF struct buf b = { .max = LIMIT_RECORD };
	struct message m;
	struct err err;
	json_t *keep;
	const char *why;

	if (message_from_json(span_of(p, n), &m, &keep, &err))
		return 0;
	if (message_check(&m, &why))
		abort();
	message_encode(&b, &m);
	if (!buf_ok(&b))
		abort();
	json_decref(keep);
	return 0;
}
