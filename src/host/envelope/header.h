/*
 * header: the few facts of a raw mail's header that the host wants to know
 * before any reader VM has spoken: who it says it is from, its id, its date.
 *
 * Strict where mail programs disagree: an attacker chooses what a lenient
 * parser makes of two From fields or of a name that looks like an address. What
 * is not clear is a fault, and the item then has no sender. All of it is the
 * sender's claim, but for what a mail server that the owner trusts has put on
 * top of it (auth.h).
 */
#ifndef ENVELOPE_HEADER_H
#define ENVELOPE_HEADER_H

#include "auth.h"
#include "base/span.h"

enum {
	HEADER_MAX = 256 << 10, /* the header block, empty line included */
	HEADER_FROM_MAX = 320,
	HEADER_LOCAL_MAX = 64,
	HEADER_ID_MAX = 512,
	HEADER_DATE_MAX = 128,
	HEADER_REFS_MAX = 2048,
	HEADER_SUBJECT_MAX = 1024,
	HEADER_COMMENT_DEPTH = 16,
};

enum header_fault {
	HEADER_OK,
	HEADER_TOO_LONG, /* no end of the header within HEADER_MAX */
	HEADER_BAD_LINE, /* a line that is no field */
	HEADER_BAD_BYTE, /* NUL, or CR without LF */
	HEADER_NO_FROM,
	HEADER_TWO_FROM,
	HEADER_BAD_FROM,  /* not one mailbox as RFC 5322 has it */
	HEADER_MANY_FROM, /* a list or a group */
	HEADER_LONG_FROM,
	HEADER_TWO_ID,
	HEADER_BAD_ID, /* too long, or not printable ASCII */
	HEADER_TWO_DATE,
	HEADER_BAD_DATE,
	HEADER_FAULT_MAX
};

/* Why, in words for the owner. */
const char *header_fault_text(enum header_fault f);

struct header_facts {
	char from[HEADER_FROM_MAX + 1]; /* addr-spec of the one From */
	char id[HEADER_ID_MAX + 1];	/* "" if there is none */
	char date[HEADER_DATE_MAX + 1]; /* as written, "" if there is none */
	struct auth_results auth;	/* of the topmost such field */
	/* For the header of an answer, on one line; what is not there once and
	 * printable is "". */
	char refs[HEADER_REFS_MAX + 1];	      /* ids, the last ones at most */
	char subject[HEADER_SUBJECT_MAX + 1]; /* as written, its beginning */
};

/*
 * Parses the beginning of a raw mail: at least its first HEADER_MAX + 1 bytes,
 * or all of it. *ret is set on HEADER_OK alone.
 */
enum header_fault header_parse(struct span mail, struct header_facts *ret);

#endif
