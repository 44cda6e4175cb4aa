/*
 * charset: bytes of a mail to valid UTF-8, whatever they claim to be.
 *
 * The sets are those of browsers (the Encoding Standard's list and most of its
 * names, where the larger set is meant by the smaller one's name), and UTF-7
 * and three of DOS, which are met in mail. The tables come from iconv when
 * bulkhead is built (charset_tables.h); the decoders are these.
 */
#ifndef READER_MAIL_CHARSET_H
#define READER_MAIL_CHARSET_H

#include "base/buf.h"

enum { CHARSET_NAME_MAX = 40 };

/*
 * Appends s, said to be in the set of that name (may be empty or nonsense), as
 * UTF-8. A byte that means nothing becomes U+FFFD. Without a usable name: UTF-8
 * if it is that, else windows-1252. flaws: see flaw.h.
 */
void charset_to_utf8(struct span s, struct span name, struct buf *out,
		     uint32_t *flaws);

/* The same, without a copy where s is what it should be: s, or out's bytes. */
struct span charset_text(struct span s, struct span name, struct buf *out,
			 uint32_t *flaws);

/* The charset an HTML text names itself, by BOM or meta; empty if none. */
struct span charset_of_html(struct span s);

#endif
