/*
 * mail: RFC 822 bytes to a draft. MIME and headers by GMime, text by charset
 * and html. Of alternatives the body is what a mail program shows: the last
 * part it can display; what another one says beyond it is evidence.
 */
#ifndef READER_MAIL_MAIL_H
#define READER_MAIL_MAIL_H

#include "reader/draft.h"

enum {
	MAIL_PARTS_MAX = 256,	 /* looked at, of all kinds */
	MAIL_DEPTH_MAX = 16,	 /* multiparts and messages in each other */
	MAIL_TEXT_MAX = 4 << 20, /* decoded bytes of one text part */
	MAIL_NEST_MAX = 100,	 /* boundaries a parser may have open */
};

/* Once, before the first mail. */
void mail_init(void);

/* Fills the draft. Returns 0, or -EBADMSG if this is no mail at all. */
[[nodiscard]] int mail_read(struct span raw, struct draft *d);

#endif
