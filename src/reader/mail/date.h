/*
 * date: a date of a mail (RFC 5322, 3.3, and its obsolete and broken forms) to
 * RFC 3339.
 */
#ifndef READER_MAIL_DATE_H
#define READER_MAIL_DATE_H

#include "base/span.h"

enum {
	DATE_TEXT = 25, /* bytes of 2026-11-21T23:59:59-03:30 */
	DATE_TOKENS_MAX = 32,
};

/* Writes the date and returns true; false if the field is none. */
[[nodiscard]] bool date_rfc3339(struct span field, uint8_t ret[DATE_TEXT]);

#endif
