/* domain_fuzz: any bytes as a name. */
#include <stdlib.h>

#include "render/domain.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	CLEAN_BUF struct buf out;

	buf_init(&out, 1 << 20);
	if (size > 4096)
		return 0;
	(void)domain_letters(&out, span_of(data, size));
	if (!buf_ok(&out) || domain_registered(span_of(data, size)) > size)
		abort();
	return 0;
}
