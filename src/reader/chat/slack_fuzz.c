/* slack_fuzz: any item gives a message that passes its own checks, or none. */
#include <errno.h>
#include <stdlib.h>

#include "proto/limits.h"
#include "reader/read.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEAN_BUF struct buf json = { .max = LIMIT_READER_JSON };
	int r = read_item_json(WIRE_ITEM_SLACK, span_of(p, n), &json);

	if (r == 0 ? !json.n : r != -EBADMSG && r != -EFBIG)
		abort();
	return 0;
}
