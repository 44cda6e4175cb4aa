/*
 * mime: the parts of a mail (RFC 2046), found in one pass over its lines.
 *
 * Nothing is copied: a part is two spans of the mail. What is open at a line
 * is a stack of parts, one for each level, so depth and number are bounded and
 * nothing recurses. A boundary line closes all that is inside of its
 * multipart, whether that has ended or not. Where two readings are possible,
 * the one that shows more text is taken, and a flaw noted.
 */
#ifndef READER_MAIL_MIME_H
#define READER_MAIL_MIME_H

#include "reader/arena.h"
#include "reader/mail/head.h"

enum {
	MIME_PARTS_MAX = 256, /* of all kinds */
	MIME_DEPTH_MAX = 16,  /* multiparts and messages in each other */
	MIME_BOUNDARY_MAX = 1000,
};

enum part_kind {
	PART_LEAF,
	PART_MULTIPART,
	PART_MESSAGE, /* one child: the mail inside */
};

struct part {
	enum part_kind kind;
	struct span head; /* fields of the part; for a mail, the mail's */
	struct span body; /* encoded; of a container, all that is in it */
	struct span type; /* value of Content-Type, with parameters, or empty */
	struct span encoding;
	struct span disposition;
	struct span content_id;
	struct span main; /* "text" of text/plain, as written or by default */
	struct span sub;
	uint32_t child; /* the first; 0: none, for the root is nobody's child */
	uint32_t last;
	uint32_t next;	/* with the same parent; 0: none */
	uint32_t depth; /* the root has 1 */
};

struct mime {
	struct part parts[MIME_PARTS_MAX]; /* in the order of the mail */
	uint32_t n;
	uint32_t lost; /* parts over a limit; what is in them was not read */
};

/*
 * Every span borrows from raw or from the arena. Returns 0, or -1 if the first
 * line belongs to no header: then this is no mail. flaws: see flaw.h.
 */
[[nodiscard]] int mime_parse(struct span raw, struct arena *arena,
			     struct mime *ret, uint32_t *flaws);

/* Whether the part is main/sub; NULL stands for any. */
bool part_is(const struct part *p, const char *main, const char *sub);

#endif
