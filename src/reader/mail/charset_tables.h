/*
 * charset_tables: what bytes mean, made when bulkhead is built, by
 * tools/charsets.c, out of the host's iconv. 0 is no character.
 */
#ifndef READER_MAIL_CHARSET_TABLES_H
#define READER_MAIL_CHARSET_TABLES_H

#include <stddef.h>
#include <stdint.h>

#include "reader/mail/charset_list.h"

/* Bytes 80 to ff. */
extern const uint16_t charset_one[CHARSET_ONE_MAX][128];

extern const uint16_t charset_gb[GB_LEADS * GB_TRAILS];
extern const uint16_t charset_big5[BIG5_LEADS * BIG5_TRAILS];
extern const uint16_t charset_kr[KR_LEADS * KR_TRAILS];
extern const uint16_t charset_jis[JIS_LEADS * JIS_TRAILS];
extern const uint16_t charset_jis2[JIS_ROW * JIS_ROW]; /* JIS X 0212 */

/* Bits: the character is in plane 2, not in plane 0. */
extern const uint8_t charset_gb_high[GB_LEADS * GB_TRAILS / 8 + 1];
extern const uint8_t charset_big5_high[BIG5_LEADS * BIG5_TRAILS / 8 + 1];

/* Sorted. */
extern const struct charset_range charset_gb_ranges[];
extern const size_t charset_gb_ranges_n;

#endif
