/*
 * mail: RFC 822 bytes to a draft. Of alternatives the body is what a mail
 * program shows: the last part it can display; what another one says beyond it
 * is evidence.
 */
#ifndef READER_MAIL_MAIL_H
#define READER_MAIL_MAIL_H

#include "reader/draft.h"

enum {
	MAIL_TEXT_MAX = 4 << 20, /* decoded bytes of one text part */
	MAIL_FLAW_SCORE = 20,	 /* of a finding about the form */
};

/* Fills the draft. Returns 0, or -EBADMSG if this is no mail at all. */
[[nodiscard]] int mail_read(struct span raw, struct draft *d);

/*
 * Adds a finding for each flaw in the mail's form by which it may read
 * differently elsewhere: low scores, an empty span at the subject's start.
 */
void mail_findings(struct draft *d);

#endif
