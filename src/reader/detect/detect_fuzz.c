/* detect_fuzz: hits of any text lie inside it and are scored 50 to 100. */
#include <stdlib.h>

#include "reader/detect/detect.h"
#include "reader/mail/charset.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	uint32_t flaws = 0;
	CLEAN_BUF struct buf text = { .max = 4 << 20 };
	struct detect_hit hits[64];
	size_t found;

	charset_to_utf8(span_of(p, n), SPAN_LIT("utf-8"), &text, &flaws);
	found = detect_text(buf_view(&text), hits, ARRAY_SIZE(hits));
	for (size_t i = 0; i < found; i++) {
		if (hits[i].start >= hits[i].end || hits[i].end > text.n ||
		    hits[i].score < DETECT_REPORT_MIN || hits[i].score > 100)
			abort();
	}
	return 0;
}
