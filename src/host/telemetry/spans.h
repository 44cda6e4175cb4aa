/*
 * spans: the stages that have ended and that the collector has not yet; a ring
 * with a fixed number of rows. Who comes when it is full is dropped: what
 * happened first explains more.
 */
#ifndef TELEMETRY_SPANS_H
#define TELEMETRY_SPANS_H

#include "proto/msg.h"

enum { TRACE_ID = 16, SPAN_ID = 8, SPAN_TEXT = 65 };

struct span_row {
	struct msg_ids ids; /* run, task; span is the item */
	struct m_span m;    /* its spans point nowhere: see below */
	char name[SPAN_TEXT];
	char what[SPAN_TEXT];
};

struct spans {
	struct span_row *rows; /* owned */
	size_t cap, first, n;
	uint64_t dropped;
};

/* 0 or -ENOMEM. */
[[nodiscard]] int spans_init(struct spans *s, size_t cap);
void spans_done(struct spans *s);

/* Takes a MSG_SPAN whose stage is one; what does not fit is cut. */
void spans_put(struct spans *s, const struct msg *m);

/* The i-th from the oldest on; i < s->n. */
const struct span_row *spans_at(const struct spans *s, size_t i);

/* The n oldest have been sent. */
void spans_drop(struct spans *s, size_t n);

/*
 * Ids follow from what they stand for, so that each process can name the parent
 * of what it tells: of an item in a run, and of a stage in it.
 */
void span_trace_id(uint8_t ret[TRACE_ID], const uint8_t run[MSG_RUN],
		   uint64_t item);
void span_id(uint8_t ret[SPAN_ID], const uint8_t run[MSG_RUN], uint64_t item,
	     uint8_t stage, uint64_t number);

#endif
