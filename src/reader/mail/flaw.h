/*
 * flaw: the ways in which a mail may read differently in two programs. Whoever
 * hides something from a filter and shows it to a person needs one of them, so
 * each that the parser meets is a finding (mail_findings).
 */
#ifndef READER_MAIL_FLAW_H
#define READER_MAIL_FLAW_H

#include <stdint.h>

enum flaw {
	FLAW_DUPLICATE_HEADER,	    /* the same field twice, alike */
	FLAW_CONFLICTING_HEADER,    /* and not alike */
	FLAW_INVALID_HEADER,	    /* a line in the header that is no field */
	FLAW_DUPLICATE_PARAMETER,   /* of a field, alike */
	FLAW_CONFLICTING_PARAMETER, /* and not alike */
	FLAW_BAD_TYPE,		    /* a content type that is none */
	FLAW_NO_BOUNDARY,	    /* a multipart that names none */
	FLAW_NO_PARTS,		    /* or in which it never occurs */
	FLAW_NO_END,		    /* parts that end with what holds them */
	FLAW_AFTER_END,		/* parts behind the end of their multipart */
	FLAW_SAME_BOUNDARY,	/* a multipart in another of its boundary */
	FLAW_ENCODED_CONTAINER, /* parts or a mail in base64 and the like */
	FLAW_UNKNOWN_ENCODING,	/* no transfer encoding of this name */
	FLAW_BASE64,		/* what is no base64, or behind its end */
	FLAW_UNKNOWN_CHARSET,
	FLAW_NESTING, /* too deep, or too many parts */
	FLAW_MAX
};

static inline void flaw_add(uint32_t *flaws, enum flaw f)
{
	*flaws |= (uint32_t)1 << f;
}

#endif
