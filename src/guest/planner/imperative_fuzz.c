/* Fuzzes imperative: every span it gives lies inside the text. */
#include <stdlib.h>

#include "imperative.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void inside(struct span s, struct span text)
{
	if (s.n && (s.p < text.p || s.p + s.n > text.p + text.n))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct imperative o[IMPERATIVE_MAX];
	struct span text = span_of(data, size);
	size_t n = imperative_find(text, o);
	size_t i, k;

	for (i = 0; i < n; i++) {
		inside(o[i].verb, text);
		inside(o[i].capability, text);
		inside(o[i].what, text);
		inside(o[i].target, text);
		for (k = 0; k < o[i].n_pairs; k++)
			inside(o[i].pairs[k].value, text);
	}
	return 0;
}
