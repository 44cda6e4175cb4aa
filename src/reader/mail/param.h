/*
 * param: a structured MIME field, "value; name=value; ..." (RFC 2045, 5.1),
 * with parameters in pieces and of other charsets (RFC 2231).
 */
#ifndef READER_MAIL_PARAM_H
#define READER_MAIL_PARAM_H

#include "base/buf.h"

enum {
	PARAM_MAX = 64,	       /* looked at in one field */
	PARAM_PIECES_MAX = 32, /* of one parameter */
};

/* What stands before the parameters, without comments; empty if nothing. */
struct span param_value(struct span field);

/*
 * Notes parameters that occur twice, with the same value or another one. More
 * than PARAM_MAX are taken for such.
 */
void params_check(struct span field, uint32_t *flaws);

/*
 * Appends the parameter's value as UTF-8, and returns whether there is one. Of
 * several the first counts, but for the form of RFC 2231, which goes before
 * the other one. With words set, encoded words in it are decoded: nobody may
 * write them there, and everybody does. flaws: see flaw.h.
 */
bool param_get(struct span field, const char *name, bool words, struct buf *out,
	       uint32_t *flaws);

#endif
