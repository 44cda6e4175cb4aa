/*
 * compose: one outbound mail, made from typed arguments. Every header is
 * written here; the planner's words reach a header only encoded, and an address
 * only as one plain addr-spec.
 */
#ifndef MAILOUT_COMPOSE_H
#define MAILOUT_COMPOSE_H

#include "base/buf.h"
#include "proto/msg.h"

enum {
	COMPOSE_MAX = 256 << 10,    /* a whole mail */
	COMPOSE_SUBJECT_MAX = 1000, /* bytes */
	COMPOSE_ADDR_MAX = 254,
	COMPOSE_REFS = 20,	/* ids in References, the last ones */
	COMPOSE_ID_MAX = 250,	/* bytes of each */
};

struct compose {
	struct span from; /* addr-spec, from the configuration */
	struct span id;	  /* left half of the Message-ID: [a-z0-9.-] */
	uint64_t date_s;  /* seconds since the epoch */
	/* What it answers, of the facts of that mail's envelope, or empty:
	 * foreign text, of which nothing but what is well-formed is used. */
	struct span reply_id;	   /* its Message-ID */
	struct span reply_refs;	   /* its References */
	struct span reply_subject; /* of a mail that has no `subject` */
};

/* One addr-spec without quotes, comments or blanks, in printable ASCII. */
bool compose_addr_ok(struct span addr);

/*
 * Appends the mail with LF line ends, as a Maildir holds it. The arguments are
 * `to` (e-mail addresses), `thread` (it is an answer, and has a `to`),
 * `subject`, and `body` or `text`; others are refused.
 * Without `to` it is a note to the owner: it goes to the account's own address.
 * NULL, or why not, a static text.
 */
[[nodiscard]] const char *compose_mail(struct buf *b, const struct compose *c,
				       const struct m_arg *args, size_t n);

/* The values of `to`, of arguments that compose_mail has taken; borrowed.
 * Returns how many: 0, it is a note to the owner. */
size_t compose_recipients(const struct m_arg *args, size_t n,
			  struct span ret[LIMIT_ARGS]);

#endif
