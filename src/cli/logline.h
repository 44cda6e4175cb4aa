/*
 * logline: a line of the log (base/log.h) taken apart, and the choice of lines.
 */
#ifndef CLI_LOGLINE_H
#define CLI_LOGLINE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/log.h"
#include "base/span.h"

/* The next key=value off a line; false at the end, or at a word without `=`.
 * A value in quotes comes without them; `text` takes the rest. */
bool logline_next(struct span *rest, struct span *key, struct span *value);

/* The first value of that key; an empty span if there is none. */
struct span logline_get(struct span line, const char *key);

struct logline_filter {
	char since[LOG_TIME];  /* "": from the beginning */
	const char *vm, *item; /* "17", or NULL */
	enum log_level level;  /* this or worse */
};

/*
 * Whether the line is chosen. One that is none of ours (what a library says)
 * has the fate of the line before it, which *last keeps; true to begin with.
 */
bool logline_chosen(const struct logline_filter *f, struct span line,
		    bool *last);

/*
 * "10s", "5m", "2h", "7d" before now_s, or a time in UTC as far as it goes:
 * 2026-11-22, 2026-11-22T07:30, 2026-11-22T07:30:00Z. 0 or -1.
 */
[[nodiscard]] int logline_since(const char *text, int64_t now_s,
				char dst[LOG_TIME]);

/* "17" of "17" or "vm-17"; NULL for what is no number. */
const char *logline_number(const char *text, const char *prefix);

/* The level of that name, -1 if there is none. */
int logline_level(const char *name);

#endif
