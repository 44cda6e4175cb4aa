/*
 * charset: bytes of a mail to valid UTF-8, whatever they claim to be.
 */
#ifndef READER_MAIL_CHARSET_H
#define READER_MAIL_CHARSET_H

#include "base/buf.h"

enum {
	CHARSET_NAME_MAX = 40,
	CHARSET_KEPT_MAX = 48, /* converters that stay open */
};

/* Loads the converters of common mail, so that no message waits for them. */
void charset_init(void);

/*
 * Appends s, said to be in charset (may be empty or nonsense), as UTF-8. A
 * byte that means nothing becomes U+FFFD. Without a usable name: UTF-8 if it
 * is that, else windows-1252.
 */
void charset_to_utf8(struct span s, struct span charset, struct buf *out);

/* The charset an HTML text names itself, by BOM or meta; empty if none. */
struct span charset_of_html(struct span s);

#endif
