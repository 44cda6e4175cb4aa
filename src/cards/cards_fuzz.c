/* cards_fuzz: any bytes as what comes back of a button, and as a long card:
 * what is read is never ours, and no byte of a card is lost. */
#include <stdlib.h>

#include "cards/cards.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	static const uint8_t key[CARDS_KEY] = { 1 }, card[APPROVAL_HASH];
	struct span parts[CARDS_PARTS];
	struct cards_press p;
	size_t i, k, sum = 0;

	if (cards_read(span_of(data, n), &p) && cards_is_ours(&p, key, card))
		abort();
	k = cards_split(span_of(data, n), 64, parts);
	for (i = 0; i < k; i++) {
		if (!parts[i].n || parts[i].n > 64 || parts[i].p != data + sum)
			abort();
		sum += parts[i].n;
	}
	if (k && sum != n)
		abort();
	return 0;
}
