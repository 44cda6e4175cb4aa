/* address_fuzz: a field of addresses ends, and what it gives is text. */
#include "reader/mail/address.h"

#include <stdlib.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEAN_BUF struct buf name = { .max = 4 * n + 64 };
	CLEAN_BUF struct buf addr = { .max = n + 1 };
	struct address_rd r;
	uint32_t flaws = 0;
	size_t found = 0;

	address_init(&r, span_of(p, n));
	while (address_next(&r, &name, &addr, &flaws)) {
		/* each takes a byte, at least */
		if (found++ > n || !buf_ok(&name) || !buf_ok(&addr) ||
		    !utf8_valid(buf_view(&name)))
			abort();
	}
	address_done(&r);
	return 0;
}
