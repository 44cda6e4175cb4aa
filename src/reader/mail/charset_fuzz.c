/* charset_fuzz: "name\n" and bytes: valid UTF-8 that fits, whatever they are.
 */
#include "reader/mail/charset.h"

#include <stdlib.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	const uint8_t *lf = n ? memchr(p, '\n', n) : NULL;
	size_t at = lf ? (size_t)(lf - p) + 1 : 0;
	CLEAN_BUF struct buf out = { .max = 3 * n + 3 };
	uint32_t flaws = 0;

	charset_to_utf8(span_of(p + at, n - at), span_of(p, lf ? at - 1 : 0),
			&out, &flaws);
	if (!buf_ok(&out) || !utf8_valid(buf_view(&out)))
		abort();
	(void)charset_of_html(span_of(p, n));
	return 0;
}
