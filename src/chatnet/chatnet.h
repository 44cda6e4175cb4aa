/*
 * chatnet: the Bot API of Telegram and Slack's Web API, Events API and Socket
 * Mode, as pure bytes <-> struct functions: what is asked, what is answered,
 * and the few facts of an update or event that the host wants to know before
 * any reader VM has spoken.
 *
 * The ids among the facts are what the provider says of who wrote; the rest is
 * that person's. What is not as the provider documents it is a fault, and the
 * item then has no sender. What a message has beside its own words is
 * CHAT_MORE, by a list of what is known to add nothing: a new field of the
 * provider's is more, not overlooked.
 */
#ifndef CHATNET_CHATNET_H
#define CHATNET_CHATNET_H

#include "base/buf.h"
#include "base/jcur.h"
#include "base/span.h"
#include "proto/limits.h"
#include "proto/msg.h"

enum {
	CHATNET_ITEM = 1 << 20, /* one update or event */
	CHATNET_BODY = 2 << 20, /* one answer of a provider */
	CHATNET_REQUEST = 512 << 10,
	CHATNET_DETAIL = 256, /* a provider's words for an error, cut */
};

enum facts_fault {
	FACTS_OK,
	FACTS_BIG, /* more than CHATNET_ITEM */
	FACTS_BAD_JSON,
	FACTS_BAD_FIELD,  /* a field that must be there is not as documented */
	FACTS_TWO,	  /* it is two things at once */
	FACTS_NO_MESSAGE, /* nobody says anything in it */
	FACTS_FAULT_MAX
};

/* Why, in words for the owner. */
const char *facts_fault_text(enum facts_fault f);

/* Texts end with a NUL and have none in them. */
struct chat_facts {
	uint8_t flags; /* enum chat_flag */
	char sender[LIMIT_CHAT_ID + 1];
	char chat[LIMIT_CHAT_ID + 1];
	char ref[LIMIT_CHAT_ID + 1];
	char thread[LIMIT_CHAT_ID + 1]; /* or "" */
	char date[32]; /* RFC 3339, of the provider's seconds; or "" */
	char text[LIMIT_CHAT_TEXT + 1]; /* or "", with CHAT_MORE if there is
					   one that has no room */
};

/* A word in a chat of approvals: m_heard as texts. */
struct chat_heard {
	uint8_t kind; /* enum heard_kind */
	uint8_t flags;
	char id[LIMIT_CHAT_ID + 1];
	char sender[LIMIT_CHAT_ID + 1];
	char chat[LIMIT_CHAT_ID + 1];
	char message[LIMIT_CHAT_ID + 1];
	char press[LIMIT_CHAT_ID + 1];
	char data[64 + 1];
	char text[LIMIT_CHAT_TEXT + 1];
};

/* What was heard in the plain words that these facts are of; all but its id. */
void chat_heard_words(struct chat_heard *ret, const struct chat_facts *f);

/* A message that goes out. */
struct chat_send {
	struct span chat;
	struct span thread; /* or empty */
	struct span reply;  /* to this message; or empty */
	struct span text;   /* UTF-8, not empty */
	bool fixed;	    /* as preformatted text */
	const struct m_button *buttons;
	size_t n_buttons;
};

/* "2026-01-31T12:00:00Z" of seconds since 1970; "" where it is no such time. */
void chat_date(char *dst, size_t cap, int64_t s);

/* A JSON string of UTF-8 text, with its quotes. */
void chat_string(struct buf *b, struct span text);

/* The first bytes of the text that have at most n UTF-16 units, and do not end
 * within a character; broken after a line or a blank where there is one in the
 * last quarter. *units: how many they have. */
struct span chat_part(struct span text, size_t n, size_t *units);

#endif
