/*
 * tap: those who watch a VM's wire: each gets a copy of every frame as
 * MSG_FRAME, and is never waited for. What one is too slow for is counted, and
 * the count goes with the next frame it takes. Who hangs up is forgotten.
 */
#ifndef PORTER_TAP_H
#define PORTER_TAP_H

#include "base/loop.h"
#include "privsep/chan.h"

enum { TAP_WATCHERS = 4 };

struct tap {
	struct loop *loop;
	uint64_t start_us;
	struct {
		struct chan chan; /* fd -1: a free row */
		uint32_t missed;
	} watchers[TAP_WATCHERS];
};

void tap_init(struct tap *t, struct loop *loop);
void tap_done(struct tap *t);

/* Takes fd over; closes it when there are too many watchers already. */
void tap_add(struct tap *t, int fd);

/* One frame; its at_us and missed are filled in here. */
void tap_frame(struct tap *t, const struct msg_ids *ids,
	       const struct m_frame *f);

#endif
