/* zone_fuzz: any bytes as a time zone; whatever loads has a minute for every
 * time. */
#include "policy/zone.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static const int64_t times[] = {
		INT64_MIN / 2, -1,	     0, 1795392000, 4102444800,
		253402300799,  INT64_MAX / 2
	};
	struct zone *z = NULL;
	size_t i;

	if (zone_parse(span_of(p, n), &z) < 0)
		return 0;
	for (i = 0; i < ARRAY_SIZE(times); i++)
		if (zone_week_minute(z, times[i]) >= 7 * 1440)
			__builtin_trap();
	zone_free(z);
	return 0;
}
