/* skeleton_fuzz: a skeleton of any text is text, and its own skeleton. */
#include <stdlib.h>

#include "base/str.h"
#include "render/skeleton.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_BUF struct buf out;
	struct span text = span_of(data, size);

	buf_init(&out, 1 << 20);
	(void)skeleton_mixed(text);
	if (!skeleton_put(&out, text, size & 1))
		return 0;
	if (!buf_ok(&out) || !utf8_valid(buf_view(&out)) ||
	    skeleton_alike(text, text))
		abort();
	return 0;
}
