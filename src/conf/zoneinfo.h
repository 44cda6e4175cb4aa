/*
 * zoneinfo: the system's time zones as files, for programs that may read some.
 */
#ifndef CONF_ZONEINFO_H
#define CONF_ZONEINFO_H

#include "base/buf.h"

/* Appends the file of a zone as "Europe/Paris" to tzif; the caller has checked
 * the name. 0 or -errno; ctx is not used. */
[[nodiscard]] int conf_zone_read(void *ctx, const char *name, struct buf *tzif);

#endif
