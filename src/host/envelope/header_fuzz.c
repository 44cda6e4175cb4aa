/* header_fuzz: any bytes as the header of a mail. */
#include <stddef.h>
#include <stdint.h>

#include "header.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct header_facts facts;

	/* An accepted From is an address, and nothing else. */
	if (header_parse(span_of(p, n), &facts) == HEADER_OK &&
	    (!strchr(facts.from, '@') || strchr(facts.from, '\n')))
		__builtin_trap();
	return 0;
}
