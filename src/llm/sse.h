/*
 * sse: the events of a stream (Server-Sent Events, WHATWG HTML section 9.2), as
 * its bytes come: what stands in `event` and `data` of each. Ids, retries and
 * comments are passed over. One event is bounded; a longer one ends the stream.
 */
#ifndef LLM_SSE_H
#define LLM_SSE_H

#include "base/buf.h"

enum {
	SSE_EVENT = 1 << 20, /* bytes of one event's data */
	SSE_LINE = SSE_EVENT + 16,
	SSE_NAME = 64, /* bytes of the name of an event; longer: none */
};

struct sse {
	struct buf line, data;
	char name[SSE_NAME + 1];
	bool cr;  /* the last byte was one: a newline behind it is its */
	bool any; /* data was there */
	uint64_t events;
};

void sse_init(struct sse *s);
void sse_done(struct sse *s);

/* One whole event. False ends the stream. */
typedef bool (*sse_fn)(void *arg, const char *name, struct span data);

/* Bytes of the stream. False: an event is too long, or fn said so; nothing more
 * may be fed. */
[[nodiscard]] bool sse_feed(struct sse *s, struct span bytes, sse_fn fn,
			    void *arg);

#endif
