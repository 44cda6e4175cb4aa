/*
 * digest: a message, as task.get gives it, told in a few plain lines to its
 * owner: from whom, about what, whether it wants an answer, what in it is
 * doubtful. Rules only, no model; it repeats what the message says and obeys
 * nothing of it.
 */
#ifndef PLANNER_DIGEST_H
#define PLANNER_DIGEST_H

#include <jansson.h>

#include "base/buf.h"

enum {
	DIGEST_LINES = 4,	    /* lines of the body that are quoted */
	DIGEST_LINE_MAX = 160,	    /* bytes of each */
	DIGEST_LIST = 8,	    /* entries named of any list */
	DIGEST_BODY_MAX = 64 << 10, /* bytes of the body looked at */
};

/* Appends the digest of message (an object, as in the schema). */
void digest_message(struct buf *out, const json_t *message);

/* Why this text seems to want an answer, or NULL. */
const char *digest_wants_answer(struct span subject, struct span body);

#endif
