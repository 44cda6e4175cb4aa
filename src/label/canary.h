/*
 * canary: words that nobody has a reason to say. Random ones stand in what a
 * planner is shown; one that is seen on its way out says that whatever it stood
 * beside has been copied, and which zone it came from.
 *
 * A value is looked at folded (fold.h: case, separators, what is not seen and
 * compatibility forms do not count), backwards, and decoded: %XX again and
 * again, hex, base64, base32. Eight characters in a row of the twenty are
 * enough, so a canary that is cut in two shows itself all the same. Encryption,
 * other words for it and fewer than eight characters a call pass it by: best
 * effort, and only ever a reason to stop.
 */
#ifndef LABEL_CANARY_H
#define LABEL_CANARY_H

#include "label/gram.h"

enum {
	CANARY_LEN = 20,
	CANARY_TRIP = 8,    /* characters in a row */
	CANARY_LIVE = 1024, /* that are looked for; then the oldest goes */
	CANARY_RANDOM = 32, /* bytes that one is made of */
};

enum canary_zone {
	CANARY_RUN = 1, /* stands in every task of a run */
	CANARY_TASK,	/* beside the instruction of one */
	CANARY_ITEM,	/* beside what a reader made of an item */
	CANARY_ZONE_MAX
};

/* "run", "task", "item". */
const char *canary_zone_name(unsigned z);

/* Where one was put. */
struct canary_tag {
	enum canary_zone zone;
	uint64_t task, item; /* 0: of none */
};

struct canary_match {
	struct canary_tag tag;
	enum gram_form form; /* that it had */
};

struct canaries;

/* NULL when out of memory. */
struct canaries *canaries_new(void);
void canaries_free(struct canaries *c);

/* Of random bytes: small letters that make no words, and digits. */
void canary_make(const uint8_t random[CANARY_RANDOM], char ret[CANARY_LEN + 1]);

/* Looks for it from now on, if there is none of that tag yet; text has
 * CANARY_LEN such characters. The oldest goes for it, but none of CANARY_RUN.
 */
void canary_add(struct canaries *c, const char *text,
		const struct canary_tag *tag);

/* Whether one is in the value, of some hundred KiB; the first that is met. A
 * value that cannot be looked at, too long or for want of memory, is one that
 * has one: of zone 0. */
bool canary_scan(struct canaries *c, struct span value,
		 struct canary_match *ret);

#endif
