/*
 * table: where an account may be connected to, as MSG_N_ACCOUNT has it:
 * "name:port name:port", names in lower case or addresses, IPv6 in brackets or
 * not. What is dialed is looked up as it is, byte for byte.
 */
#ifndef NETD_TABLE_H
#define NETD_TABLE_H

#include <stdint.h>

#include "base/netaddr.h"
#include "base/span.h"

enum { TABLE_ROWS = 8 };

struct table_row {
	char host[NETADDR_NAME_MAX + 1];
	uint16_t port;
	bool literal; /* it is an address, this one: */
	struct netaddr addr;
};

struct table {
	struct table_row rows[TABLE_ROWS];
	size_t n;
	bool private; /* private addresses and this machine are allowed */
};

/* 0, or -1: what is no name and no address, or too many. */
[[nodiscard]] int table_parse(struct table *t, struct span hosts, bool private);

/* The row of that host and port; NULL: it is not there. */
const struct table_row *table_find(const struct table *t, struct span host,
				   uint32_t port);

#endif
