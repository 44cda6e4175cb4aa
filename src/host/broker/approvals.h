/*
 * approvals: the requests that wait, within the broker: the table and its rows
 * in the store, what happens to them by time, and their firing. What the owner
 * says about them comes in approvals_owner.c.
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
	uint64_t firing; /* the ticket whose effect is under way */
};

/* The time that they go by, since 1970. */
uint64_t approvals_now(const struct broker *b);

struct approval *approvals_find(struct broker *b, uint64_t ticket);

/* Whatever is to be kept of it, into the store; false: b->keep_why. */
[[nodiscard]] bool approvals_keep(struct broker *b, const struct approval *a);

/* An event, durable, in the log, told to whoever waits. False: it cannot come
 * now, or could not be kept (b->keep_why). */
bool approvals_event(struct broker *b, struct approval *a,
		     enum approval_event e, const char *why);

/* Remembers a clause, durable. False: b->keep_why. */
[[nodiscard]] bool approvals_remember(struct broker *b,
				      const struct kept_clause *c);

struct card_opts approvals_card(const struct broker *b);

#endif
