/*
 * chat: what accounts of chats have in common: a message of the broker's that
 * is being sent, an effect or a MSG_SAY, one at a time.
 *
 * At most once: a part is sent again only where the server said that it did not
 * take it. What may have arrived, and has no answer, is unknown.
 */
#ifndef ONLINE_CHAT_H
#define ONLINE_CHAT_H

#include "chatnet/chatnet.h"
#include "run.h"

enum {
	CHAT_TRIES = 4,	      /* of a part that the server put off */
	CHAT_PUT_OFF_S = 60,  /* longer is waited for nowhere */
	CHAT_OUTSTANDING = 4, /* items given and not yet in the queue */
	CHAT_SHORT_MS = 1000, /* after the host had no room for an item */
	CHAT_KEY = 4 * LIMIT_CHAT_ID,
};

struct chat_work {
	bool busy;
	bool effect; /* else a MSG_SAY */
	struct msg_ids ids;
	uint64_t number;
	enum say_kind kind;
	char capability[LIMIT_NAME + 1]; /* of an effect */
	char chat[LIMIT_CHAT_ID + 1];
	char thread[LIMIT_CHAT_ID + 1];
	char reply[LIMIT_CHAT_ID + 1];
	char message[LIMIT_CHAT_ID + 1]; /* SAY_CHANGE, SAY_TOAST */
	char sent[LIMIT_CHAT_ID + 1];	 /* the id of its last part */
	struct buf text;		 /* owned */
	size_t at;			 /* of it, has been sent */
	size_t part;			 /* of it, is being sent */
	unsigned tries;
	size_t n_buttons;
	struct m_button buttons[LIMIT_BUTTONS]; /* into `labels` */
	struct buf labels;			/* owned */
};

void chat_init(struct chat_work *w);
void chat_done(struct chat_work *w);

/* Takes o->in over, and holds the broker until chat_end. NULL, or why it cannot
 * be sent, which chat_end is then to say. `prefix` may stand before a chat's
 * id: "telegram:". An effect has the arguments chat or channel, and text, of at
 * most `limit` UTF-16 units. */
const char *chat_take_effect(struct online *o, struct chat_work *w,
			     const char *prefix, size_t limit);
const char *chat_take_say(struct online *o, struct chat_work *w);

/* The next part, of at most that many UTF-16 units; buttons are under the last.
 */
void chat_next(struct chat_work *w, size_t limit, struct chat_send *ret);

/* The part has arrived; true: there is another. */
bool chat_sent(struct chat_work *w, const char *id);

/* Whether a latch stops it: asked right before it goes. */
bool chat_killed(const struct online *o, const struct chat_work *w);

/* Answers, and lets the broker's next one come. What failed with a part of it
 * sent already is unknown. */
void chat_end(struct online *o, struct chat_work *w, enum effect_state state,
	      const char *detail);

/* Says to the broker what was heard; number is the caller's. */
void chat_tell_heard(struct online *o, const struct chat_heard *h,
		     uint64_t number);

#endif
