/* word_fuzz: any field becomes UTF-8 of at most three times its size. */
#include "reader/mail/word.h"

#include <stdlib.h>

#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEAN_BUF struct buf out = { .max = 3 * n + 64 };
	uint32_t flaws = 0;

	words_decode(span_of(p, n), &out, &flaws);
	if (!buf_ok(&out) || !utf8_valid(buf_view(&out)))
		abort();
	return 0;
}
