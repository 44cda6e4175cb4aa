/*
 * chat_rig: an account of a chat without a network, for tests. What it asks of
 * the network and of its core becomes lines of a log; answers are given by the
 * test, and timers run when it says so.
 */
#ifndef ONLINE_CHAT_RIG_H
#define ONLINE_CHAT_RIG_H

#include "run.h"

struct rig {
	struct online o;
	char dir[64];
	struct buf log;
	bool killed; /* a latch stops every effect */
	int no_room; /* what online_item returns */
	bool held;   /* nothing is read of the broker */
	struct {
		struct net_call c; /* its strings are not kept */
		bool waits;
	} calls[4];
	struct net_link link; /* scheme NULL: there is none */
	struct buf sent;      /* on the link */
};

extern struct rig rig;

/* Starts the kind with that secret; `again` keeps its places. */
void rig_start(const struct online_kind *k, const char *secret, bool approvals,
	       bool again);
void rig_stop(void);
void rig_done(void); /* and removes its places */

/* Runs each timer that is set, once; or those that are due in so long. */
void rig_timers(void);
void rig_timers_in(uint64_t ms);

/* Answers the call that has waited longest. Without `body` it fails; `sent`:
 * with its request gone. */
void rig_answer(long status, uint64_t retry_after, const char *body);
void rig_fail(bool sent);

/* The log is this, and empty then. */
void rig_is(const char *want);

/* From the broker: an effect, a message; the next word is taken. */
void rig_effect(uint64_t number, const char *name, const char *chat,
		const char *text);
void rig_say(uint64_t number, enum say_kind kind, const char *message,
	     const char *text);

#endif
