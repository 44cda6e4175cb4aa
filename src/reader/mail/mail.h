/*
 * mail: RFC 822 bytes to a draft. MIME and headers by GMime, text by charset
 * and html. Of alternatives the body is what a mail program shows: the last
 * part it can display; what another one says beyond it is evidence.
 */
#ifndef READER_MAIL_MAIL_H
#define READER_MAIL_MAIL_H

#include "reader/draft.h"

enum {
	MAIL_PARTS_MAX = 256,	     /* looked at, of all kinds */
	MAIL_DEPTH_MAX = 16,	     /* multiparts and messages in each other */
	MAIL_TEXT_MAX = 4 << 20,     /* decoded bytes of one text part */
	MAIL_COLONS_MAX = 100,	     /* in one field of addresses */
	MAIL_BOUNDARIES_MAX = 20000, /* lines that begin with -- */
	MAIL_WARNING_SCORE = 20,     /* of a finding about the form */
};

/* Once, before the first mail. */
void mail_init(void);

/* Fills the draft. Returns 0, or -EBADMSG if this is no mail at all. */
[[nodiscard]] int mail_read(struct span raw, struct draft *d);

/*
 * Adds a finding for each flaw in the mail's form by which it may read
 * differently elsewhere: low scores, an empty span at the subject's start.
 */
void mail_findings(struct draft *d);

#endif
