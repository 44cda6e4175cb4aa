/* gram_fuzz: a text and a value, a 0xff byte between them. What is found is
 * within bounds, and has the label of the text; as a request of JSON, too. */
#include "label/gram.h"

#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct label l = label_of(ATOM_FIRST, INTEGRITY_EXTERNAL),
		     none = label_empty();
	const uint8_t *cut = size ? memchr(data, 0xff, size) : NULL;
	size_t n = cut ? (size_t)(cut - data) : size;
	struct gram *g = gram_new(1);
	struct gram_match m;

	if (!g)
		return 0;
	(void)gram_add(g, span_of(data, n), &l);
	gram_match(g, cut ? span_of(cut + 1, size - n - 1) : span_of(data, n),
		   &m);
	if (m.cover > 1000 || !label_eq(&m.label, m.cover ? &l : &none))
		abort();
	none = label_empty();
	if (!gram_quotes(
		    g, cut ? span_of(cut + 1, size - n - 1) : span_of(data, n),
		    &none) ||
	    (none.n_atoms && !label_eq(&none, &l)))
		abort();
	gram_free(g);
	return 0;
}
