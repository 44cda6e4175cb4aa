/*
 * latch: a kill as it is kept, a file each, in the state directory. A latch is
 * set by being there: what is in the file are words for the owner, and on a
 * full disk they may be missing. The monitor sets and reads them; `bulkhead
 * kill` sets one by itself where no monitor answers.
 *
 *	STATE/latch                        all
 *	STATE/latches/revoke               beside it: credentials are given up
 *	STATE/latches/agent
 *	STATE/latches/task.17
 *	STATE/latches/capability.email.send
 *	STATE/latches/rearmed.00.task.17   was taken away while no monitor ran
 */
#ifndef STATE_LATCH_H
#define STATE_LATCH_H

#include "proto/msg.h"

enum {
	LATCH_FILE = 32 + LIMIT_NAME, /* a name, with its folder */
	LATCH_WORDS = 640,	      /* "by: reason" */
	LATCHES_MAX = 8192,	      /* that are read; more, and all is shut */
	LATCH_REARMED = 100,	      /* that wait to be put on record */
};

struct latch {
	enum latch_level level;
	char capability[LIMIT_NAME + 1]; /* LATCH_CAPABILITY */
	uint64_t task;			 /* LATCH_TASK, not 0 */
};

/* The two directories that latches are in. */
struct latches {
	int state; /* borrowed */
	int sub;   /* owned; -1: not open */
};

/* What a message says. -1: there is no such latch. */
[[nodiscard]] int latch_of(const struct m_latch *m, struct latch *ret);

/* "task 17", "capability email.send", "agent", "all"; fits in LATCH_FILE. */
void latch_name(const struct latch *l, char ret[LATCH_FILE]);

/* Makes STATE/latches, if it is not there. 0 or -errno. */
[[nodiscard]] int latches_open(int state, struct latches *ret);
void latches_close(struct latches *d);

/* Anything but a certain "it is not there" counts as set. LATCH_REVOKE: all. */
bool latch_is_set(const struct latches *d, const struct latch *l);

/*
 * Sets it, durable when this returns. 0; 1: it is set, but lacks its words; or
 * -errno: it may not outlive us. by may be empty. One that is set gets the new
 * words.
 */
[[nodiscard]] int latch_set(const struct latches *d, const struct latch *l,
			    struct span by, struct span reason);

/* Takes it away, durable likewise. 0 (also where there was none) or -errno. */
[[nodiscard]] int latch_clear(const struct latches *d, const struct latch *l);

/* The same while no monitor runs: what it was stays in a file beside, for the
 * next one to put on record. */
[[nodiscard]] int latch_clear_aside(const struct latches *d,
				    const struct latch *l);

/* Calls fn for each of those, with its words. How many there were. */
typedef void (*latch_told_fn)(void *arg, const struct latch *l,
			      const char *words);

size_t latches_rearmed(const struct latches *d, latch_told_fn fn, void *arg);

/* They are on record. */
void latches_rearmed_forget(const struct latches *d);

/* Its words without the line's end, "" if it has none. */
void latch_words(const struct latches *d, const struct latch *l,
		 char ret[LATCH_WORDS]);

/*
 * Calls fn for each latch that is set, the widest first. A name that is none of
 * ours, or a directory that cannot be read, is a latch of the agent: nobody
 * knows what it was to stop. How many there were.
 */
size_t latches_each(const struct latches *d,
		    void (*fn)(void *arg, const struct latch *l), void *arg);

#endif
