/* value: see value.h. */
#include "conf/value.h"

#include "base/span.h"
#include "base/str.h"

struct unit {
	const char *name;
	uint64_t factor;
};

static const struct unit sizes[] = {
	{ "KiB", 1ull << 10 },
	{ "MiB", 1ull << 20 },
	{ "GiB", 1ull << 30 },
	{ "", 1 },
};

static const struct unit durations[] = {
	{ "s", 1 },
	{ "m", 60 },
	{ "h", 3600 },
	{ "d", 86400 },
};

static int parse(const char *text, const struct unit *units, size_t n,
		 uint64_t *ret)
{
	size_t digits = strspn(text, "0123456789"), i;
	uint64_t v;

	if (num_parse(span_of(text, digits), 0, UINT64_MAX, &v) < 0)
		return -1;
	for (i = 0; i < n; i++) {
		if (strcmp(text + digits, units[i].name) != 0)
			continue;
		if (__builtin_mul_overflow(v, units[i].factor, &v))
			return -1;
		*ret = v;
		return 0;
	}
	return -1;
}

int value_size(const char *text, uint64_t *ret)
{
	return parse(text, sizes, ARRAY_SIZE(sizes), ret);
}

int value_duration(const char *text, uint64_t *ret)
{
	return parse(text, durations, ARRAY_SIZE(durations), ret);
}
