/* tokens_fuzz: any text; every token is in the table, and in canonical form. */
#include "label/tokens.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf canon CLEAN_BUF = { .max = TOKENS_BYTES };
	struct tokens t;
	size_t i;

	if (tokens_read(&t, span_of(data, size)) == 0)
		for (i = 0; i < t.n; i++) {
			struct span v = buf_part(&t.mem, t.v[i].at, t.v[i].n);

			buf_reset(&canon);
			if (type_canon(t.v[i].type, true, v, &canon) ||
			    !span_eq(buf_view(&canon), v) ||
			    !tokens_has(&t, t.v[i].type, v, TOKEN_VALUE))
				abort();
		}
	tokens_done(&t);
	return 0;
}
