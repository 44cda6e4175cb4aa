/* html_fuzz: any text to html_to_text; what comes out is valid UTF-8. */
#include <stdlib.h>

#include "base/str.h"
#include "reader/html/html.h"
#include "reader/mail/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint32_t flaws = 0;
	CLEAN_BUF struct buf text = { .max = 4 << 20 };
	CLEAN_BUF struct buf out = { .max = 4 << 20 };
	struct draft d;

	draft_init(&d);
	charset_to_utf8(span_of(p, n), SPAN_LIT("utf-8"), &text, &flaws);
	html_to_text(buf_view(&text), &d, &out);
	if (!utf8_valid(buf_view(&out)))
		abort();
	draft_done(&d);
	return 0;
}
