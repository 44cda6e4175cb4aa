/* param_fuzz: a parameter is found or not, and is text. */
#include "reader/mail/param.h"

#include <stdlib.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEAN_BUF struct buf out = { .max = 3 * n + 64 };
	struct span s = span_of(p, n);
	uint32_t flaws = 0;

	if (param_get(s, "name", true, &out, &flaws) &&
	    (!buf_ok(&out) || !utf8_valid(buf_view(&out))))
		abort();
	buf_reset(&out);
	(void)param_get(s, "boundary", false, &out, &flaws);
	if (!buf_ok(&out) || param_value(s).n > n)
		abort();
	params_check(s, &flaws);
	return 0;
}
