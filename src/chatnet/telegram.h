/*
 * telegram: the Bot API, as of version 9.2 (core.telegram.org/bots/api).
 * Requests are bodies of POST with "Content-Type: application/json"; the path
 * "/bot<token>/METHOD" is its caller's.
 */
#ifndef CHATNET_TELEGRAM_H
#define CHATNET_TELEGRAM_H

#include "chatnet/chatnet.h"

enum {
	TELEGRAM_TEXT = 4096,  /* UTF-16 units of a message */
	TELEGRAM_TOAST = 200,  /* of an answer to a press */
	TELEGRAM_UPDATES = 32, /* of one answer */
};

/* What each method answers. */
struct telegram_answer {
	bool ok;
	struct jval result;		  /* of ok */
	int64_t error;			  /* else: 0 if there is no word */
	uint64_t retry_after_s;		  /* 0: no word */
	char description[CHATNET_DETAIL]; /* printable ASCII, or "" */
};

/* False: it is not what the API answers. Borrows body. */
[[nodiscard]] bool telegram_answer(struct span body,
				   struct telegram_answer *ret);

struct telegram_update {
	uint64_t id;
	struct span raw; /* the bytes as they came */
};

/* The updates of getUpdates' result, at most TELEGRAM_UPDATES, in the order of
 * their ids, which rise. Returns how many, or -1: it is no such result. */
[[nodiscard]] int telegram_updates(struct jval result,
				   struct telegram_update *ret);

/* The number of a bot by its token, "123456:ABC...". False: it is none. */
[[nodiscard]] bool telegram_token_ok(struct span token, char *bot, size_t cap);

/* The message id, in digits, of sendMessage's result. */
[[nodiscard]] bool telegram_sent(struct jval result, char *id, size_t cap);

enum facts_fault telegram_facts(struct span update, struct chat_facts *ret);

/* A text or a press in a chat of approvals. */
enum facts_fault telegram_heard(struct span update, struct chat_heard *ret);

/*
 * Requests, appended to b. False: ids are not digits, or the text is empty, too
 * long or no UTF-8; buf_ok says whether there was room.
 */
void telegram_get_updates(struct buf *b, uint64_t offset, uint32_t wait_s,
			  bool approvals);
[[nodiscard]] bool telegram_send_message(struct buf *b,
					 const struct chat_send *s);
[[nodiscard]] bool telegram_edit_message(struct buf *b, struct span message,
					 const struct chat_send *s);
[[nodiscard]] bool telegram_answer_press(struct buf *b, struct span press,
					 struct span text);

#endif
