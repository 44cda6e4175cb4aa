/* words: see words.h. Open addressing; less than half of the slots is used. */
#include "reader/html/words.h"

static uint8_t lower(uint8_t c)
{
	return c >= 'A' && c <= 'Z' ? c | 32 : c;
}

static uint32_t hash(struct span s)
{
	uint32_t h = (uint32_t)s.n;

	/* bit 32 is for case; what it makes alike is compared */
	for (size_t i = 0; i < s.n; i++)
		h = (h ^ (s.p[i] | 32u)) * 0x01000193;
	return (h ^ h >> 15) % WORDS_SLOTS;
}

static const char *name_of(const struct words *w, unsigned int row)
{
	const char *name;

	memcpy(&name, w->rows + row * w->step, sizeof(name));
	return name;
}

static bool is_name(struct span s, const char *name)
{
	size_t i = 0;

	while (i < s.n && name[i] && lower(s.p[i]) == (uint8_t)name[i])
		i++;
	return i == s.n && !name[i];
}

void words_index(struct words *w, const void *rows, size_t step, size_t n)
{
	memset(w, 0, sizeof(*w));
	w->rows = rows;
	w->step = step;
	for (unsigned int i = 0; i < n && i < WORDS_ROWS_MAX; i++) {
		uint32_t h = hash(span_str(name_of(w, i)));

		while (w->slot[h])
			h = (h + 1) % WORDS_SLOTS;
		w->slot[h] = (uint8_t)(i + 1);
	}
}

int words_find(const struct words *w, struct span s)
{
	for (uint32_t h = hash(s); w->slot[h]; h = (h + 1) % WORDS_SLOTS) {
		if (is_name(s, name_of(w, w->slot[h] - 1u)))
			return w->slot[h] - 1;
	}
	return -1;
}
