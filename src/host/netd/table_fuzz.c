/* table_fuzz: any text as a table, and what is asked of one. */
#include <stdlib.h>

#include "table.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct table t;
	size_t i;

	if (table_parse(&t, span_of(p, n), false) < 0)
		return 0;
	for (i = 0; i < t.n; i++)
		if (!table_find(&t,
				span_of(t.rows[i].host, strlen(t.rows[i].host)),
				t.rows[i].port))
			abort();
	if (table_find(&t, span_of(p, n), t.rows[0].port))
		abort();
	return 0;
}
