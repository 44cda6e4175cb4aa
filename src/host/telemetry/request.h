/*
 * request: the head of an HTTP request for the metrics, GET and nothing else.
 */
#ifndef TELEMETRY_REQUEST_H
#define TELEMETRY_REQUEST_H

#include "base/span.h"

enum { REQUEST_MAX = 8 << 10 };

enum request_target { TARGET_NONE, TARGET_TEXT, TARGET_JSON };

/*
 * All that has come so far: 0, the head is not whole yet; or the status of the
 * answer, 200 with what is wanted in *ret, or an error's. More than REQUEST_MAX
 * bytes without an end are 431.
 */
int request_read(struct span s, enum request_target *ret);

/* "OK", "Not Found". */
const char *request_reason(int status);

#endif
