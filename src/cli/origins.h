/*
 * origins: which decisions were about data of one origin, an item or all items
 * of a sender, by what the records say: the item of the task, and of each
 * argument the label it had. Whoever asks wants to miss nothing: a label that
 * names not all that it stands for may be of that origin.
 */
#ifndef CLI_ORIGINS_H
#define CLI_ORIGINS_H

#include <jansson.h>
#include <stdint.h>

#include "base/span.h"

enum { ORIGINS_SENDER = 400, ORIGINS_SINCE = 40 };

struct origins {
	uint64_t item;		     /* 0: of a sender */
	char sender[ORIGINS_SENDER]; /* "": of an item */
	char since[ORIGINS_SINCE];   /* "": from the beginning */
	uint64_t *items;	     /* of the sender, ascending */
	size_t n, cap;
	json_t *found; /* array of decisions, each with its outcome */
};

/* What is asked for: "item:N" or a sender's address; since: RFC 3339 in UTC, or
 * the beginning of it, or NULL. 0, or -1: it is neither, or out of memory. */
[[nodiscard]] int origins_init(struct origins *o, const char *what,
			       const char *since);
void origins_done(struct origins *o);

/* The next record of the log. 0 or -ENOMEM. */
[[nodiscard]] int origins_record(struct origins *o, uint64_t index,
				 struct span record);

#endif
