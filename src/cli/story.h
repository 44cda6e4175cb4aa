/*
 * story: what happened to each item, collected from the messages that answer
 * MSG_C_ITEMS (in any order), told to a person or as JSON.
 */
#ifndef CLI_STORY_H
#define CLI_STORY_H

#include "cli/show.h"
#include "privsep/chan.h"
#include "proto/message.h"

enum { STORY_PARTS = 16384 };

struct story_part; /* a message, owned, with the record beside it */

struct story {
	struct story_part *parts; /* owned */
	size_t n, cap;
};

void story_done(struct story *s);

#define CLEAN_STORY __attribute__((cleanup(story_done)))

/*
 * Takes one message in; a record beside it is read and checked. Returns 0, or
 * -1 for a message that does not belong here, is too much, or without memory.
 * Fits client_fn with arg = struct story *.
 */
int story_add(void *arg, struct chan *ch, const struct msg *m);

size_t story_items(const struct story *s);
size_t story_pending(const struct story *s);

/* Lines of at most SHOW_WIDTH columns. */
void story_print(struct buf *b, const struct show *how, const struct story *s);

/* A new reference: {"items": [...]}; NULL without memory. */
json_t *story_json(const struct story *s);

/* Foreign text, and a request's arguments, as JSON: new references. */
json_t *story_foreign(struct span s);
json_t *story_args(const struct m_arg *args, uint32_t n);

/* What a planner asked for, and what it was told. */
void story_request(struct buf *b, const struct show *how,
		   const struct m_c_request *r);
json_t *story_request_json(const struct m_c_request *r);

/* One message of a reader, laid out as in a story; also for `read`. */
void story_message(struct buf *b, const struct show *how,
		   const struct message *m);

#endif
