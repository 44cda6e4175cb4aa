/*
 * zone_sample: the file of a time zone for tests of whatever loads a policy.
 */
#ifndef POLICY_ZONE_SAMPLE_H
#define POLICY_ZONE_SAMPLE_H

#include <errno.h>

#include "base/buf.h"

/* A zone's file as the system has it: no transitions, and the rule. */
static inline int sample_zone(void *ctx, const char *name, struct buf *out)
{
	static const uint8_t types[] = { 0, 0, 0, 1, 0, 0, 0, 4 };
	int block;

	(void)ctx;
	if (strncmp(name, "Europe/", 7) != 0)
		return -ENOENT;
	for (block = 0; block < 2; block++) {
		static const uint8_t none[15];

		buf_str(out, "TZif2");
		buf_put(out, none, 15);
		buf_put(out, none, 12);
		buf_put(out, none, 4);
		buf_put(out, types, sizeof(types));
		buf_put(out, "\0\0\x0e\x10\0\0CET", 10);
	}
	buf_str(out, "\nCET-1CEST,M3.5.0,M10.5.0/3\n");
	return 0;
}

#endif
