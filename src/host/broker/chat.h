/*
 * chat: what the broker says in chats and hears of them. chat.c is the way out:
 * one message at a time to each connector, in order; what has to outlive us is
 * a row first. chat_cards.c shows what waits for a word, chat_heard.c hears the
 * words, talk.c is the owner's talk with his agent, clock.c what is done every
 * day at a time.
 *
 * Rows of ROW_CHAT, by how their key begins:
 *
 *	c/	a card that has been said, with its last message
 *	d/	what was done last on which day
 *	h/	what was heard last from a connector
 *	o/	a text that is to be said, once
 *	t/	which chat the answer of a task goes to
 */
#ifndef HOST_BROKER_CHAT_H
#define HOST_BROKER_CHAT_H

#include "cards/cards.h"
#include "host/broker/approvals.h"

enum {
	CHAT_SAYINGS = 512,
	CHAT_SHOWN = 512,
	CHAT_HEARD = 64, /* ids of a connector that are remembered */
	CHAT_TRIES = 5,
	CHAT_RETRY_MS = 30000,
	CHAT_ROWS = 512, /* of texts that are to be said */
	CHAT_TEXT = 12 << 10,
	CHAT_KEY = 2 * LIMIT_NAME,
};

/* Where something is said. */
struct place {
	char connector[LIMIT_NAME + 1];
	char chat[LIMIT_CHAT_ID + 1];
	char thread[LIMIT_CHAT_ID + 1];
};

enum said_for {
	SAID_ALONE = 1, /* nobody minds what becomes of it */
	SAID_ROW,	/* a text with a row, whose number is `of` */
	SAID_SHOWN,	/* a part of a card, whose ticket is `of` */
};

struct saying {
	uint64_t number;
	enum said_for why;
	uint64_t of;
	uint32_t principal, via; /* SAID_SHOWN: bits */
	bool last, sent;
	unsigned tries;
	uint64_t not_before_ms;
	uint8_t kind; /* enum say_kind */
	struct place to;
	char message[LIMIT_CHAT_ID + 1];
	struct buf text;
	size_t n_buttons;
	struct cards_button buttons[CARDS_BUTTONS];
};

enum shown_state { SHOWN_UNDER_WAY = 1, SHOWN_WAITS, SHOWN_THERE };

/* A card in one principal's chat. */
struct shown {
	uint64_t ticket;
	uint32_t principal, via;
	uint8_t state;		/* enum shown_state */
	bool whole;		/* all of it was said */
	uint64_t not_before_ms; /* SHOWN_WAITS: to be tried again */
	struct place at;
	char message[LIMIT_CHAT_ID + 1]; /* SHOWN_THERE: with the buttons */
};

struct heard_ring {
	char connector[LIMIT_NAME + 1];
	uint64_t ids[CHAT_HEARD];
	uint32_t at;
};

struct chats {
	uint8_t key[CARDS_KEY];
	uint64_t next, next_row;
	size_t n;
	struct saying *v[CHAT_SAYINGS]; /* in order; owned */
	size_t n_shown;
	struct shown shown[CHAT_SHOWN];
	struct heard_ring rings[BROKER_CONNECTORS];
	uint64_t hour, ignored; /* records of what was ignored in that hour */
	int timer, clock_timer;
};

/* Says something, or, when there is no room for it, nothing: NULL. The caller
 * may change the returned one until chat_pump. */
struct saying *chat_add(struct broker *b, enum said_for why, uint8_t kind,
			const struct place *to, struct span text);
/* Says a text to a chat; where it is too long, in several messages. */
void chat_say(struct broker *b, const struct place *to, struct span text);
/*
 * The same, durable: gathers the rows of it, which the caller's next row
 * without `more` makes durable, and says them once chat_rows has been called.
 */
void chat_gather(struct broker *b, const struct place *to, struct span text);
/* What was gathered is durable (or is not): it is said, (or dropped). */
void chat_gathered(struct broker *b, bool kept);
void chat_pump(struct broker *b);

/* Bytes of one message there. */
size_t chat_most(const struct broker *b, const struct place *to);

/* chat_cards.c */
bool shown_take(struct broker *b, struct span key, struct span value);
struct shown *shown_find(struct broker *b, uint64_t ticket, uint32_t principal,
			 uint32_t via);
void shown_said(struct broker *b, const struct saying *s,
		const struct m_said *m);

/* What has happened, a line each: for /status and the digest. */
void talk_status(struct broker *b, struct buf *out);
void talk_tasks(struct broker *b, struct buf *out);

/* Which chat the answer of a task goes to: gathers a row, see chat_gather. The
 * item that it came with, 0: none. */
bool talk_gather(struct broker *b, uint64_t task, uint64_t item,
		 const struct place *at);
/* The owner's own chat with his agent. False: there is none. */
bool talk_home(const struct broker *b, struct place *ret);

/* Texts of others, as they may be shown. */
void chat_put_foreign(struct buf *out, struct span text);

#endif
