/*
 * netaddr: what an IP address is: parsed as it is usually written and in no
 * other way, and judged by the range that it is in. The table is that of IANA's
 * special-purpose registries (RFC 6890 and its updates), read strictly: what is
 * not plainly an address of one host on the Internet is not public.
 */
#ifndef BASE_NETADDR_H
#define BASE_NETADDR_H

#include <stdbool.h>
#include <stdint.h>

enum { NETADDR_TEXT = 46, NETADDR_NAME_MAX = 253 };

struct netaddr {
	bool v6;
	uint8_t ip[16]; /* the first four of IPv4 */
};

enum netaddr_range {
	NETADDR_PUBLIC = 0,
	NETADDR_PRIVATE, /* RFC 1918, RFC 4193, shared space of RFC 6598 */
	NETADDR_LOOPBACK,
	NETADDR_METADATA, /* where clouds tell machines their secrets */
	NETADDR_LINK_LOCAL,
	NETADDR_MULTICAST,
	NETADDR_NONE, /* 0.0.0.0 and all of 0/8, :: */
	NETADDR_BROADCAST,
	NETADDR_EMBEDDED, /* an IPv4 address in an IPv6 one */
	NETADDR_RESERVED, /* documentation, tests, protocols, not assigned */
	NETADDR_RANGE_MAX
};

/*
 * Four decimal numbers without leading zeros; or IPv6 as in RFC 4291, without
 * brackets and zone. 0 or -1: other spellings (octal, hex, short, one number)
 * are not read.
 */
[[nodiscard]] int netaddr_parse(const char *text, struct netaddr *ret);

/*
 * Whether it is a host name: letters, digits, - and _ in labels of 1 to 63
 * bytes, at most NETADDR_NAME_MAX in all, no dot at its end, and a last label
 * that no resolver could take for a number: "127.1", "0x7f000001" and
 * "2130706433" are none.
 */
bool netaddr_name_ok(const char *name);

enum netaddr_range netaddr_range(const struct netaddr *a);

/* "a private address", "this machine", ... */
const char *netaddr_range_name(enum netaddr_range r);

/* Whether something may be connected to it; private: the owner says that its
 * names lead to private addresses or this machine. */
bool netaddr_allowed(enum netaddr_range r, bool private);

/* "192.0.2.1", "2001:db8::1". */
void netaddr_print(const struct netaddr *a, char ret[NETADDR_TEXT]);

#endif
