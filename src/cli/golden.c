/* golden: see golden.h. */
#include "cli/golden.h"

#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "base/testing.h"

void compare_golden(const char *name, const char *text)
{
	static char want[1 << 16];
	char path[4096];
	size_t n;
	FILE *f;

	assert_true(str_printf(path, sizeof(path), "%s/%s",
			       getenv("BULKHEAD_DATA"), name) > 0);
	f = fopen(path, getenv("BULKHEAD_REGEN") ? "w" : "r");
	assert_non_null(f);
	if (getenv("BULKHEAD_REGEN")) {
		assert_true(fputs(text, f) >= 0);
		assert_int_equal(fclose(f), 0);
		return;
	}
	n = fread(want, 1, sizeof(want) - 1, f);
	(void)fclose(f);
	want[n] = 0;
	assert_string_equal(text, want);
}
