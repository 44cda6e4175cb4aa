/*
 * supervise: the rules by which a process, or the generation of auditd, store
 * and broker, is ended and started again. Pure: it is told what happens and
 * when, in milliseconds of one clock, and says what is due. cores.c and
 * generation.c do it.
 *
 *	            up                 failed
 *	STARTING ------> UP        any ------> DOWN --(retry_ms)--> STARTING
 *
 * Failures in a row double the wait. Who was up for long enough before it
 * failed had no failures before that.
 */
#ifndef HOST_MONITOR_SUPERVISE_H
#define HOST_MONITOR_SUPERVISE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	SUP_CAUSE = 300,
	SUP_WINDOW_MS = 10 * 60 * 1000,
	SUP_RESTARTS_MAX = 100, /* that sup_rules may allow within it */
	SUP_PING_MS = 5000,	/* between signs of life, at most */
	/* Who waits for a disk may be silent so many times as long. */
	SUP_DISK = 4,
};

struct sup_rules {
	uint64_t backoff_ms; /* the longest */
	uint64_t healthy_ms; /* up for so long: what was before is forgotten */
	uint32_t restarts;   /* of what was up, at most, in SUP_WINDOW_MS */
};

enum sup_state {
	SUP_OFF = 0, /* was never started */
	SUP_STARTING,
	SUP_UP,
	SUP_DOWN, /* to be started again */
	SUP_STATE_MAX
};

/* "starting"; as `status` says it. */
const char *sup_state_name(enum sup_state s);

struct sup {
	enum sup_state state;
	uint64_t since_ms;     /* in this state */
	uint64_t retry_ms;     /* SUP_DOWN: not before */
	uint32_t failures;     /* in a row */
	uint64_t restarts;     /* starts after the first */
	bool was_up;	       /* ever */
	char cause[SUP_CAUSE]; /* of the last end; "": none */
	/* When it failed after it had been up; a ring. */
	uint64_t ends[SUP_RESTARTS_MAX + 1];
	size_t n_ends;
};

void sup_starting(struct sup *s, uint64_t now);
void sup_up(struct sup *s, uint64_t now);
void sup_failed(struct sup *s, const struct sup_rules *r, uint64_t now,
		const char *cause);

/* It was ended with something else, and may be started whenever that is. */
void sup_ended(struct sup *s, uint64_t now, const char *cause);

bool sup_due(const struct sup *s, uint64_t now);

/* It was up and failed once more often than it may be started again. */
bool sup_hopeless(const struct sup *s, const struct sup_rules *r, uint64_t now);

/* The signs of life of one process that is up. */
struct sup_watch {
	uint64_t number;   /* of the last ping */
	uint64_t asked_ms; /* when it went, if it is not answered; 0: it is */
	uint64_t next_ms;  /* when the next is due */
};

enum sup_watch_says { WATCH_WAIT = 0, WATCH_ASK, WATCH_DEAD };

/* limit_ms: how long it may be silent. */
enum sup_watch_says sup_watch(const struct sup_watch *w, uint64_t now,
			      uint64_t limit_ms);
/* The number that the ping takes along. */
uint64_t sup_asked(struct sup_watch *w, uint64_t now);
/* An answer; false: to what was not asked. */
bool sup_heard(struct sup_watch *w, uint64_t now, uint64_t number,
	       uint64_t limit_ms);
/* It is up, and is asked from now on; or it has shown otherwise that it is. */
void sup_alive(struct sup_watch *w, uint64_t now, uint64_t limit_ms);
/* When something is due next. */
uint64_t sup_watch_next(const struct sup_watch *w, uint64_t limit_ms);

#endif
