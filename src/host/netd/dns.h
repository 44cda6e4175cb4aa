/*
 * dns: questions to a name server and its answers (RFC 1035, 6891), as pure
 * functions over bytes. The answers are foreign: one packet, read once by a
 * cursor, in which no name leads forward or more than DNS_JUMPS times back, and
 * of which nothing is taken but the addresses of the name that was asked for,
 * at the end of at most DNS_ALIASES aliases.
 */
#ifndef NETD_DNS_H
#define NETD_DNS_H

#include <stddef.h>
#include <stdint.h>

#include "base/netaddr.h"
#include "base/span.h"

enum {
	DNS_PACKET = 1232, /* no fragment anywhere; what we say we take */
	DNS_QUERY = 300,
	DNS_NAME = 255, /* in wire form */
	DNS_JUMPS = 32,
	DNS_RECORDS = 64, /* of an answer that are looked at */
	DNS_ALIASES = 8,
	DNS_ADDRS = 16, /* taken of one answer; more are a bad one */
};

enum dns_type { DNS_A = 1, DNS_AAAA = 28 };

/* What was asked; an answer has to be one to it. */
struct dns_query {
	uint16_t id;
	enum dns_type type;
	uint8_t name[DNS_NAME]; /* wire form, lower case */
	size_t n_name;
	uint8_t packet[DNS_QUERY];
	size_t n_packet;
};

/* name: one that netaddr_name_ok takes. 0 or -1. */
[[nodiscard]] int dns_ask(struct dns_query *q, const char *name,
			  enum dns_type type, uint16_t id);

enum dns_result {
	DNS_OK = 0, /* with as many addresses as there are, 0 among them */
	DNS_NO_NAME,
	DNS_FAILED,   /* the server cannot tell, or its answer was cut */
	DNS_NOT_OURS, /* an answer to something else: wait for another */
	DNS_BAD,      /* no well-formed answer */
	DNS_RESULT_MAX
};

/* Reads one packet; addrs has room for DNS_ADDRS. */
enum dns_result dns_answer(const struct dns_query *q, struct span packet,
			   struct netaddr *addrs, size_t *ret_n);

#endif
