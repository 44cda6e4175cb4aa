/*
 * slack: the Web API, the Events API and Socket Mode (api.slack.com). Requests
 * are bodies of POST with "Content-Type: application/json; charset=utf-8"; the
 * token is a header of its caller's.
 */
#ifndef CHATNET_SLACK_H
#define CHATNET_SLACK_H

#include "chatnet/chatnet.h"

enum {
	SLACK_TEXT = 12000, /* UTF-16 units of a message; Slack cuts at 40,000
			       characters, escaped ones counted as they are */
	SLACK_URL = 1024,
	SLACK_HOST = 254,
};

/* What each method answers. */
struct slack_answer {
	bool ok;
	char error[CHATNET_DETAIL];   /* its word, [a-z0-9_]; or "" */
	char ts[LIMIT_CHAT_ID + 1];   /* of a message; or "" */
	char url[SLACK_URL + 1];      /* of apps.connections.open; or "" */
	char team[LIMIT_CHAT_ID + 1]; /* of auth.test; or "" */
	char user[LIMIT_CHAT_ID + 1]; /* the bot as a user, likewise */
	char bot[LIMIT_CHAT_ID + 1];
};

/* False: it is not what the API answers. */
[[nodiscard]] bool slack_answer(struct span body, struct slack_answer *ret);

/* "xapp-1-... xoxb-...": the app's token, for Socket Mode, and the bot's.
 * Either may be missing: the one to hear, the other to speak; *app or *bot is
 * then empty. Borrows. False: it is no such secret. */
[[nodiscard]] bool slack_tokens(struct span secret, struct span *app,
				struct span *bot);

/* "wss://HOST[:PORT]/PATH" of apps.connections.open. Borrows url. */
struct slack_url {
	char host[SLACK_HOST];
	uint32_t port;
	struct span path; /* with its query */
};
[[nodiscard]] bool slack_url(struct span url, struct slack_url *ret);

/* One message of Socket Mode. */
enum slack_kind {
	SLACK_HELLO = 1,
	SLACK_DISCONNECT, /* it will close, open another */
	SLACK_EVENT,	  /* payload is of the Events API */
	SLACK_PRESS,	  /* payload is of interactivity */
	SLACK_OTHER,	  /* to be acknowledged, if it has an id */
};

struct slack_envelope {
	enum slack_kind kind;
	char id[LIMIT_CHAT_ID + 1]; /* to be acknowledged by; or "" */
	struct span payload;	    /* of SLACK_EVENT and SLACK_PRESS */
};

[[nodiscard]] bool slack_envelope(struct span text, struct slack_envelope *ret);

/* The text that acknowledges it. */
void slack_ack(struct buf *b, const char *id);

/* What a message is known by, however often and by whatever event it comes:
 * team, channel, time, and of a change its own time. FACTS_NO_MESSAGE: the
 * event is nobody's message, and there is nothing to be read. */
enum facts_fault slack_key(struct span event, char *dst, size_t cap);

enum facts_fault slack_facts(struct span event, struct chat_facts *ret);

/* A text or a press in a chat of approvals: payload of SLACK_EVENT or of
 * SLACK_PRESS. */
enum facts_fault slack_heard(struct span payload, struct chat_heard *ret);

/*
 * Requests, appended to b. False: an id is none, or the text is empty, too long
 * or no UTF-8; buf_ok says whether there was room.
 */
[[nodiscard]] bool slack_post(struct buf *b, const struct chat_send *s);
[[nodiscard]] bool slack_update(struct buf *b, struct span message,
				const struct chat_send *s);
[[nodiscard]] bool slack_tell(struct buf *b, struct span user,
			      const struct chat_send *s);

#endif
