/*
 * approval: a request that waits: for the owner's word, or for its undo window
 * to be over. No I/O, no clock of its own: the broker keeps it in the store and
 * feeds it the time.
 *
 * The call that asked is answered at once with the ticket; what it asked for is
 * kept here with everything that decided it (frozen.h), so that it is decided
 * again when it fires, whatever has ended since. What the owner says yes to is
 * bound to the bytes that he saw: `bind` (policy/decide.h) must come out the
 * same then.
 *
 * States. Each change is one row of one table:
 *
 *	pending		waits for the owner
 *	approved	may fire: at once, or when its undo window is over, or
 *			again, as often as he said
 *	refused		by him, or by the policy when it came due
 *	expired		nobody answered in time
 *	superseded	the policy is another one now
 *	fired		it was carried out for the last time
 */
#ifndef APPROVAL_APPROVAL_H
#define APPROVAL_APPROVAL_H

#include "policy/decide.h"
#include "proto/aside.h"

enum {
	APPROVAL_CODE = 6,   /* digits */
	APPROVAL_TRIES = 5,  /* wrong ones, and it is refused */
	APPROVAL_TIMES = 20, /* most times that one word counts for */
	APPROVAL_WHY = 200,
	APPROVAL_BATCH_S = 20, /* one card for what is asked in these */
	APPROVAL_HASH = 32,
	APPROVAL_CLAUSE_S = 30 * 86400, /* how long one is remembered */
};

/* Whom an answer goes to, where no argument of the call says so: shown as one,
 * by a name that no argument can have. */
#define APPROVAL_TO "answer to"

enum approval_state {
	APPROVAL_PENDING = 1,
	APPROVAL_APPROVED,
	APPROVAL_REFUSED,
	APPROVAL_EXPIRED,
	APPROVAL_SUPERSEDED,
	APPROVAL_FIRED,
	APPROVAL_STATE_MAX
};

enum approval_event {
	APPROVAL_APPROVE, /* enough have said yes */
	APPROVAL_REFUSE,
	APPROVAL_EXPIRE,
	APPROVAL_SUPERSEDE,
	APPROVAL_FIRE, /* for the last time */
	APPROVAL_EVENT_MAX
};

/* One argument as the owner sees it; the spans borrow from the approval. */
struct approval_arg {
	struct span name, value; /* canonical */
	struct span chip;	 /* printable */
	uint8_t type, role;	 /* enum arg_type, enum arg_role */
	uint8_t permitted;	 /* its origin is one that the policy takes */
	uint32_t edits;
};

struct approval {
	uint64_t ticket; /* from 1, never given twice */
	uint64_t task, item;
	uint8_t state; /* enum approval_state */
	/* It was the owner who had to be asked; else it only waits for its
	 * undo window, and a policy that asks when it is due refuses it. */
	bool asked;
	char capability[LIMIT_NAME + 1];
	char clause[sizeof(((struct decision *)0)->clause)];
	uint8_t policy[APPROVAL_HASH];
	uint8_t request[APPROVAL_HASH]; /* the binding without its expiry */
	uint8_t bind[APPROVAL_HASH];
	uint8_t card[APPROVAL_HASH]; /* of the text that is shown */
	uint64_t created_s, expires_s;
	uint64_t ready_s; /* no word counts before */
	uint64_t due_s;	  /* fires then; 0: it is not held */
	uint64_t ended_s;
	/* How often its task has asked the same and nobody has answered. */
	uint32_t again;
	uint32_t who, votes; /* bits of principals */
	uint32_t quorum;
	uint32_t via; /* VIA_ bits */
	uint8_t remember, show, undo;
	uint32_t times;		      /* in this task, that he gave */
	char code[APPROVAL_CODE + 1]; /* "": none is asked for */
	uint32_t tries;		      /* with a wrong one */
	uint64_t index;		      /* of its record in the log */
	uint64_t log_size;	      /* the log when it was asked: entries, */
	uint32_t log_root;	      /* and how its root begins */
	uint64_t effect;	      /* that came of it last; 0: none */
	char why[APPROVAL_WHY];	      /* what ended it, in our words */
	uint8_t outcome; /* of its effect: enum effect_state; 0: none yet */
	uint8_t aside[ASIDE_ID]; /* where the bytes of its decision lie */
	/* A latch was set that is for it; not in its row: what ends it is. */
	bool killed;
	struct buf args; /* struct approval_arg, encoded */
	struct buf frozen;
};

void approval_init(struct approval *a);
void approval_done(struct approval *a);

const char *approval_state_name(unsigned state);

/* Which state an event leads to; 0: it cannot come then. */
unsigned approval_next(unsigned state, enum approval_event e);

/* Makes it so. -EINVAL: it cannot come now, and nothing has changed. */
[[nodiscard]] int approval_event(struct approval *a, enum approval_event e,
				 uint64_t now_s, const char *why);

/* True for a state that nothing leads out of. */
bool approval_over(unsigned state);

/* What has to happen at that time: the event, or -1 for none. A held one whose
 * time has come is no event: it fires, see approval_may_fire, or, where it
 * cannot for as long as expires_s says, expires. */
int approval_timely(const struct approval *a, uint64_t now_s);

/* Approved, not over, and its undo window, if any, too. */
bool approval_may_fire(const struct approval *a, uint64_t now_s);

/* What it asks for, and what it was decided on, are to be known no more. */
void approval_forget(struct approval *a);

/* The next time at which something happens by itself; UINT64_MAX: never. */
uint64_t approval_next_s(const struct approval *a);

enum approval_answer {
	ANSWER_APPROVED, /* it may fire now */
	ANSWER_MORE,	 /* counted; others are needed, too */
	ANSWER_NOT_YET,	 /* its delay is not over */
	ANSWER_CODE,	 /* without the code, or not with this one */
	ANSWER_NOT_YOURS,
	ANSWER_NOT_HERE, /* the policy asks on another way */
	ANSWER_TWICE,	 /* that principal has said yes already */
	ANSWER_TIMES,	 /* more often than may be asked for */
	ANSWER_NOT_NOW,	 /* it is not pending */
	ANSWER_MAX
};

const char *approval_answer_text(enum approval_answer r);

/*
 * The word of one principal (a bit of `who`): yes, for so many times in this
 * task. A quorum is of different principals; the least number of times that one
 * of them gave counts.
 */
struct approval_yes {
	uint32_t principal;
	uint32_t via; /* the VIA_ bit of the way that it came */
	uint32_t times;
	struct span code; /* empty: none */
};

enum approval_answer approval_say_yes(struct approval *a,
				      const struct approval_yes *y,
				      uint64_t now_s);

/* One more argument, as the decision has it. */
void approval_add_arg(struct approval *a, const struct decide_arg *d);

/* Walks the arguments: *at from 0 on. False: there are no more. */
bool approval_arg(const struct approval *a, size_t *at,
		  struct approval_arg *ret);

/* As a row of the store, without what is frozen, which is a row of its own. */
void approval_encode(struct buf *b, const struct approval *a);

/* Reads it again into an initialised one. 0, or -EPROTO for bytes that
 * approval_encode does not write. */
[[nodiscard]] int approval_decode(struct span bytes, struct approval *ret);

/*
 * Cards. What one task asks within APPROVAL_BATCH_S of the first is one card
 * with a line each; v is ascending by ticket, and ret[i] is the index of the
 * first on the card of v[i]. What is not pending is a card of its own.
 */
void approval_cards(const struct approval *const *v, size_t n, size_t *ret);

/* Whether one word may count for both: the same task, capability and, byte for
 * byte, everything but content. */
bool approval_one_button(const struct approval *a, const struct approval *b);

#endif
