/* canary_fuzz: a value is looked at whatever it is; a canary that is put into
 * the middle of it as it is, is found. */
#include "label/canary.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char canary[] = "bcdfghjk01234567lmnp";
	const struct canary_tag tag = { CANARY_TASK, 1, 0 };
	static struct canaries *c;
	struct canary_match m;
	CLEAN_BUF struct buf b = { 0 };

	if (!c) {
		c = canaries_new();
		if (!c)
			return 0;
		canary_add(c, canary, &tag);
	}
	(void)canary_scan(c, span_of(data, size), &m);
	buf_init(&b, size + CANARY_LEN);
	buf_put(&b, data, size / 2);
	buf_str(&b, canary);
	buf_put(&b, data + size / 2, size - size / 2);
	if (!buf_ok(&b) || size > GRAM_VALUE_MAX / 2)
		return 0;
	if (!canary_scan(c, buf_view(&b), &m) || m.tag.zone != CANARY_TASK)
		abort();
	return 0;
}
