/*
 * zone: local time, out of the bytes of a TZif file (RFC 8536). The C library's
 * time zone is one for the whole process and reads files when it likes; this
 * one is a value, made of bytes that somebody else has read.
 */
#ifndef POLICY_ZONE_H
#define POLICY_ZONE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

enum {
	ZONE_BYTES = 64 << 10, /* of a file */
	ZONE_TRANSITIONS = 4096,
	ZONE_TYPES = 256,
	ZONE_RULE_MAX = 128, /* bytes of the rule behind the last transition */
	ZONE_NAME_MAX = 64,
};

struct zone;

/* "Europe/Paris": one to three words that cannot leave the directory. */
bool zone_name_ok(const char *name);

/* 0, -EINVAL (no TZif of version 2 or later) or -ENOMEM. */
[[nodiscard]] int zone_parse(struct span tzif, struct zone **ret);
[[nodiscard]] int zone_utc(struct zone **ret);
void zone_free(struct zone *z);

/* Seconds east of UTC at that time (seconds since 1970). */
int32_t zone_offset(const struct zone *z, int64_t utc_s);

/* The minute of the local week, 0 at midnight before Monday. */
uint32_t zone_week_minute(const struct zone *z, int64_t utc_s);

/* The local day at that time, counted from 1970-01-01. */
int64_t zone_day(const struct zone *z, int64_t utc_s);

/*
 * When it is that minute (0 to 1439) of that local day: the first time, where
 * the clock is put back and it comes twice; as much later as the clock is put
 * forward, where it does not come at all. So it is once on each day.
 */
int64_t zone_at(const struct zone *z, int64_t day, uint32_t minute);

#endif
