/*
 * dial: one way from a row of the table to a connected socket: its name is
 * resolved, every address that it leads to is judged, and one after the other
 * is tried. An address that nothing may be connected to refuses the whole name:
 * whoever answers with one is not to be trusted with the rest.
 *
 *	idle --begin--> [asking] --> connecting --> done (idle)
 */
#ifndef NETD_DIAL_H
#define NETD_DIAL_H

#include "base/loop.h"
#include "dns.h"
#include "table.h"

enum {
	DIAL_SERVERS = 3,
	DIAL_ASK_MS = 2000,	/* for one name server's answer */
	DIAL_ROUNDS = 2,	/* each is asked so often */
	DIAL_CONNECT_MS = 8000, /* for one address */
	DIAL_ALL_MS = 30000,	/* in all */
	DIAL_TRIES = 6,		/* addresses that are tried */
	DIAL_STRAY = 32,	/* packets that are no answer, of one try */
	DIAL_TEXT = 300,
};

/* The name servers of this machine. */
struct dial_servers {
	struct netaddr at[DIAL_SERVERS];
	size_t n;
	uint16_t port; /* 53 */
};

/* "192.0.2.53 2001:db8::53": at most DIAL_SERVERS of them, others are left out.
 * 0 or -1. */
[[nodiscard]] int dial_servers_parse(struct dial_servers *s, struct span text);

enum dial_end { DIAL_DONE = 0, DIAL_FAILED, DIAL_REFUSED };

struct dial {
	struct loop *loop; /* borrowed, as are these */
	const struct dial_servers *servers;
	/* Once, when it is over: fd is the caller's if DIAL_DONE, and text its
	 * address; else text says why not, and fd is -1. */
	void (*ended)(void *arg, enum dial_end end, int fd, const char *text);
	void *arg;

	bool busy;
	const struct table_row *row;
	bool private;
	struct dial_ask {
		struct dial *dial;
		int fd; /* -1: not asked, or answered */
		unsigned stray;
		struct dns_query q;
		bool done;
		enum dns_result result;
		struct netaddr addrs[DNS_ADDRS];
		size_t n;
	} ask[2];	/* of IPv4, of IPv6 */
	unsigned asked; /* tries so far */
	struct netaddr addrs[2 * DNS_ADDRS];
	size_t n, next;
	int fd; /* being connected; -1: none */
	int timer, limit;
	char why[DIAL_TEXT]; /* of the last address that did not work */
};

void dial_init(struct dial *d);

/* row is borrowed until it is over, which may be before this returns. */
void dial_begin(struct dial *d, const struct table_row *row, bool private);

/* Gives it up, and tells nobody. */
void dial_stop(struct dial *d);

#endif
