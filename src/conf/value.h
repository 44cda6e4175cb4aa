/*
 * value: sizes and durations as bulkhead's files write them.
 */
#ifndef CONF_VALUE_H
#define CONF_VALUE_H

#include <stdint.h>

/* "512", "8KiB", "128MiB", "4GiB" in bytes. Returns 0 or -1. */
[[nodiscard]] int value_size(const char *text, uint64_t *ret);

/* "10s", "30m", "12h", "7d" in seconds. Returns 0 or -1. */
[[nodiscard]] int value_duration(const char *text, uint64_t *ret);

#endif
