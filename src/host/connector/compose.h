/*
 * compose: one outbound mail, made from typed arguments. Every header is
 * written here; the planner's words reach a header only encoded, and an address
 * only as one plain addr-spec.
 */
#ifndef CONNECTOR_COMPOSE_H
#define CONNECTOR_COMPOSE_H

#include "base/buf.h"
#include "proto/msg.h"

enum {
	COMPOSE_MAX = 256 << 10,    /* a whole mail */
	COMPOSE_SUBJECT_MAX = 1000, /* bytes */
	COMPOSE_ADDR_MAX = 254,
};

struct compose {
	struct span from; /* addr-spec, from the configuration */
	struct span id;	  /* left half of the Message-ID: [a-z0-9.-] */
	uint64_t date_s;  /* seconds since the epoch */
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

#endif
