/*
 * observe: how a process tells telemetry what it did: stages that ended, and
 * values of metrics. Nothing ever waits for telemetry: what finds no room in
 * the channel is dropped and counted, and the count goes with the next that is
 * sent. Nobody listening is no error either.
 *
 * Several processes may hold the same end of the channel; nothing ever comes
 * back on it.
 */
#ifndef PRIVSEP_OBSERVE_H
#define PRIVSEP_OBSERVE_H

#include "privsep/chan.h"
#include "proto/telemetry.h"

struct observe {
	struct chan chan; /* fd -1: nobody listens */
	uint8_t from;	  /* enum observer */
	bool told;	  /* there was somebody once */
	uint64_t dropped; /* stages; samples are made good by the next */
	struct msg msg;	  /* being built */
};

void observe_init(struct observe *o, enum observer from);

/* From now on to fd, taken over; -1: to nobody. 0 or -ENOMEM. */
[[nodiscard]] int observe_to(struct observe *o, int fd);

/* When a stage began. */
struct observe_time {
	uint64_t wall_ns; /* 0: not known */
	uint64_t mono_ns;
};

struct observe_time observe_now(void);

/*
 * A stage that began at t and ends now. from, dropped and the times of s are
 * filled in here; one that does not know its start is not sent.
 */
void observe_span(struct observe *o, const struct msg_ids *ids,
		  struct observe_time t, struct m_span s);

/* Samples: begun, added, sent. Spans are borrowed until observe_samples_end.
 * False: not sent, and it should be tried again. */
void observe_samples(struct observe *o, const struct msg_ids *ids);
void observe_sample(struct observe *o, enum metric m, const char *first,
		    const char *second, uint64_t value);
bool observe_samples_end(struct observe *o);

#endif
