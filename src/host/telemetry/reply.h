/*
 * reply: the collector's answer, read a piece at a time: the status, how long
 * to wait, how much was rejected, and nothing else. Written by whoever answers
 * on that port, so every length in it has a limit, and what is beyond ends the
 * reading, not the process.
 */
#ifndef TELEMETRY_REPLY_H
#define TELEMETRY_REPLY_H

#include "base/span.h"

enum {
	REPLY_LINE = 1024,	/* of the head that is looked at */
	REPLY_HEAD = 16 << 10,	/* all of the head */
	REPLY_BODY = 4096,	/* of the body that is looked at */
	REPLY_TOTAL = 64 << 10, /* all of the body */
	REPLY_INTERIM = 4,	/* answers of 1xx before the one */
};

enum reply_state {
	REPLY_MORE,
	REPLY_DONE, /* status and all of the body that is read */
	REPLY_BAD,  /* no HTTP, or over a limit before its end */
};

struct reply {
	/* For the caller, once it is REPLY_DONE. */
	int status;
	uint64_t retry_after_s; /* 0: it does not say */
	uint64_t rejected;	/* partial success */
	/* Its own. */
	enum reply_state state;
	bool in_body;
	bool status_seen;
	bool has_length;
	uint64_t length; /* of the body, with has_length */
	size_t head;	 /* bytes so far */
	size_t interim;
	size_t line_n;
	bool line_long;
	uint64_t body_n; /* bytes so far; kept of them: */
	size_t kept;
	char line[REPLY_LINE];
	char body[REPLY_BODY + 1];
};

void reply_init(struct reply *r);

/* What came. */
enum reply_state reply_feed(struct reply *r, struct span s);

/* No more will come. */
enum reply_state reply_eof(struct reply *r);

#endif
