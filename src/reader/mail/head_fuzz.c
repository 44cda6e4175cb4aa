/* head_fuzz: fields lie in their header; a date of one of them is a date. */
#include "reader/mail/head.h"

#include <stdlib.h>

#include "reader/mail/date.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct span s = span_of(p, n);
	uint8_t text[DATE_TEXT];
	struct head_field f;
	uint32_t flaws = 0;
	struct head h;
	size_t pos = 0;

	while (head_next(s, &pos, &f)) {
		if (f.value.n > HEAD_VALUE_MAX ||
		    (f.value.n &&
		     (f.value.p < p || f.value.p + f.value.n > p + n)))
			abort();
		if (date_rfc3339(f.value, text) &&
		    (text[4] != '-' || text[10] != 'T' || text[22] != ':'))
			abort();
	}
	head_read(s, &h, &flaws);
	return 0;
}
