/*
 * asked: what is new in a planner's request to its model. A conversation grows
 * at its end, and each request has all of it: what was in the request before,
 * at its beginning and at its end, was looked at then.
 *
 * A hostile planner can ask for much to be looked at: what may be is bounded by
 * what it may be at once and by what comes back with time.
 */
#ifndef HOST_BROKER_ASKED_H
#define HOST_BROKER_ASKED_H

#include "base/buf.h"
#include "llm/llm.h"

enum {
	ASKED_ROOM = LLM_BODY, /* bytes looked at, at once */
	ASKED_MORE = 1 << 10,  /* that come back each millisecond */
	ASKED_MARGIN = 512,    /* looked at again beside what is new */
};

struct asked {
	struct buf last;
	uint64_t room, room_ms; /* left at that time */
};

void asked_init(struct asked *a);
void asked_done(struct asked *a);

/* What was in requests until now is looked at again. */
void asked_forget(struct asked *a);

/*
 * True: ret is what is new in the request, with its margins, a part of a->last,
 * which has the bytes of `request` from here on, and that those of the one
 * before. False: there is no room for that much now; the request is not kept,
 * and what it adds is new again in the next.
 */
[[nodiscard]] bool asked_new(struct asked *a, struct buf *request,
			     uint64_t now_ms, struct span *ret);

#endif
