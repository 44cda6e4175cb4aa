/*
 * approvals: the requests that wait, within the broker: the table and its rows
 * in the store, what happens to them by time, and their firing. What the owner
 * says about them comes in approvals_owner.c, what he lets be remembered stays
 * in approvals_clauses.c.
 *
 * A row is durable before anybody hears of what it says. When one fires, its
 * effect is planned first, then the approval is fired, both durable, and only
 * then the effect is started: whatever ends us, it fires once at most.
 */
#ifndef HOST_BROKER_APPROVALS_H
#define HOST_BROKER_APPROVALS_H

#include "approval/card.h"
#include "approval/clause.h"
#include "host/broker/broker.h"

enum {
	APPROVALS = 512,	 /* with those that are over */
	APPROVALS_OVER = 200,	 /* of these, told of later */
	APPROVALS_WAITING = 128, /* and those that are not */
	APPROVALS_OF_TASK = 16,
	APPROVALS_RETRY_S = 5, /* while its connector is not there */
};

struct approvals {
	size_t n;
	struct approval *v[APPROVALS]; /* ascending by ticket; owned */
	size_t n_clauses;
	struct kept_clause clauses[DECIDE_CLAUSES];
	uint64_t next; /* ticket */
	/* The time of these: the wall clock at the start, or the latest that is
	 * in a row, and from there on the boot's. */
	uint64_t wall_s, boot_s;
	char words[CARD_WORDS];
	int timer;
};

/* The time that they go by, since 1970. */
uint64_t approvals_now(const struct broker *b);

struct approval *approvals_find(struct broker *b, uint64_t ticket);

/* How many of a capability wait for the owner or for their undo window. */
size_t approvals_under_way(const struct broker *b, struct span capability);

/* Whatever is to be kept of it, into the store, and with it, or neither, a
 * clause to be remembered (NULL: none); false: b->keep_why. */
[[nodiscard]] bool approvals_keep(struct broker *b, const struct approval *a,
				  const struct kept_clause *with);

/* "0000000000000007", the key of a row; behind what is frozen of it "/f" */
enum { APPROVALS_KEY = 24, APPROVALS_KEY_HEAD = 16, APPROVALS_KEY_FROZEN = 18 };
struct span approvals_key(char text[APPROVALS_KEY], uint64_t ticket,
			  bool frozen);

/* An event, durable, in the log, told to whoever waits. False: it cannot come
 * now, or could not be kept (b->keep_why). */
bool approvals_event(struct broker *b, struct approval *a,
		     enum approval_event e, const char *why);

/* approvals_clauses.c: what is remembered. Reads the rows. */
[[nodiscard]] bool clauses_init(struct broker *b);
/* Makes room for one more; false: b->keep_why. */
[[nodiscard]] bool clauses_room(struct broker *b);
/* One that has just become durable. */
void clauses_add(struct approvals *s, const struct kept_clause *c);
/* Forgets the one that came of a ticket, if there is one. False: b->keep_why.
 */
[[nodiscard]] bool clauses_forget(struct broker *b, uint64_t ticket);

struct card_opts approvals_card(const struct broker *b);

/* The control socket is the owner's: policy's first principal. */
enum { OWNER = 1 };

/* The word of a principal on a ticket, whichever way it has come. */
struct owner_word {
	uint32_t principal; /* its bit */
	uint32_t via;	    /* VIA_ bit */
	uint32_t uid;	    /* of VIA_CLI */
	struct span id;	    /* of the others: whose word, by the provider */
	uint64_t ticket;
	uint32_t times;
	bool always;
	struct span code;
	const uint8_t *hash; /* of the card that he saw */
};

/* approvals_owner.c. True: it counts, and is on record; *say is what he is told
 * either way. */
bool approvals_yes(struct broker *b, const struct owner_word *w,
		   const char **say);
/* stop: and freeze its task. */
bool approvals_no(struct broker *b, const struct owner_word *w, bool stop,
		  const char **say);

/* The card, as much of it as a message takes. */
void approvals_put_card(const struct broker *b, const struct approval *a,
			bool full, struct buf *out);

#endif
