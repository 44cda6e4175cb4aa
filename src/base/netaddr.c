/* netaddr: see netaddr.h. */
#include "base/netaddr.h"

#include <arpa/inet.h>
#include <assert.h>
#include <string.h>

#include "base/span.h"

struct prefix {
	uint8_t ip[16];
	uint8_t bits;
	enum netaddr_range range;
};

/* The first that matches counts: what is narrower stands first. */
static const struct prefix v4[] = {
	{ { 169, 254, 169, 254 }, 32, NETADDR_METADATA }, /* most clouds */
	{ { 169, 254, 170, 2 }, 32, NETADDR_METADATA },	  /* ECS */
	{ { 169, 254, 170, 23 }, 32, NETADDR_METADATA },  /* EKS */
	{ { 100, 100, 100, 200 }, 32, NETADDR_METADATA }, /* Alibaba */
	{ { 192, 0, 0, 192 }, 32, NETADDR_METADATA },	  /* Oracle */
	{ { 168, 63, 129, 16 }, 32, NETADDR_METADATA },	  /* Azure */
	{ { 0 }, 8, NETADDR_NONE },
	{ { 10 }, 8, NETADDR_PRIVATE },
	{ { 100, 64 }, 10, NETADDR_PRIVATE },
	{ { 127 }, 8, NETADDR_LOOPBACK },
	{ { 169, 254 }, 16, NETADDR_LINK_LOCAL },
	{ { 172, 16 }, 12, NETADDR_PRIVATE },
	{ { 192, 0, 0 }, 24, NETADDR_RESERVED },
	{ { 192, 0, 2 }, 24, NETADDR_RESERVED },
	{ { 192, 31, 196 }, 24, NETADDR_RESERVED },
	{ { 192, 52, 193 }, 24, NETADDR_RESERVED },
	{ { 192, 88, 99 }, 24, NETADDR_RESERVED },
	{ { 192, 168 }, 16, NETADDR_PRIVATE },
	{ { 192, 175, 48 }, 24, NETADDR_RESERVED },
	{ { 198, 18 }, 15, NETADDR_RESERVED },
	{ { 198, 51, 100 }, 24, NETADDR_RESERVED },
	{ { 203, 0, 113 }, 24, NETADDR_RESERVED },
	{ { 224 }, 4, NETADDR_MULTICAST },
	{ { 255, 255, 255, 255 }, 32, NETADDR_BROADCAST },
	{ { 240 }, 4, NETADDR_RESERVED },
	{ { 0 }, 0, NETADDR_PUBLIC },
};

/* Of what is assigned (2000::/3) all that is no single host's is taken out;
 * whatever is not assigned is reserved by the last row. */
static const struct prefix v6[] = {
	/* fd00:ec2::254 and ::23, fd20:ce::254 */
	{ { 0xfd, 0, 0x0e, 0xc2 }, 32, NETADDR_METADATA },
	{ { 0xfd, 0x20, 0, 0xce }, 32, NETADDR_METADATA },
	{ { 0 }, 128, NETADDR_NONE },
	{ { [15] = 1 }, 128, NETADDR_LOOPBACK },
	/* IPv4: compatible, mapped, translated, NAT64 of a site, 6to4, and
	 * Teredo, of which 2001::/23 has the rest for protocols. */
	{ { 0 }, 96, NETADDR_EMBEDDED },
	{ { [10] = 0xff, 0xff }, 96, NETADDR_EMBEDDED },
	{ { [8] = 0xff, 0xff }, 96, NETADDR_EMBEDDED },
	{ { 0, 0x64, 0xff, 0x9b, 0, 1 }, 48, NETADDR_EMBEDDED },
	{ { 0x20, 0x02 }, 16, NETADDR_EMBEDDED },
	{ { 0x20, 0x01, 0, 0 }, 32, NETADDR_EMBEDDED },
	{ { 0x20, 0x01 }, 23, NETADDR_RESERVED },
	{ { 0x20, 0x01, 0x0d, 0xb8 }, 32, NETADDR_RESERVED },
	{ { 0x26, 0x20, 0, 0x4f, 0x80 }, 48, NETADDR_RESERVED },
	{ { 0x3f, 0xfe }, 16, NETADDR_RESERVED },
	{ { 0x3f, 0xff }, 20, NETADDR_RESERVED },
	{ { 0xfc }, 7, NETADDR_PRIVATE },
	{ { 0xfe, 0x80 }, 10, NETADDR_LINK_LOCAL },
	{ { 0xfe, 0xc0 }, 10, NETADDR_RESERVED },
	{ { 0xff }, 8, NETADDR_MULTICAST },
	{ { 0x20 }, 3, NETADDR_PUBLIC },
	{ { 0 }, 0, NETADDR_RESERVED },
};

static bool within(const struct prefix *p, const uint8_t *ip)
{
	unsigned whole = p->bits / 8, rest = p->bits % 8;
	uint8_t mask = (uint8_t)(0xff << (8 - rest));

	return memcmp(p->ip, ip, whole) == 0 &&
	       (!rest || ((p->ip[whole] ^ ip[whole]) & mask) == 0);
}

static enum netaddr_range look(const struct prefix *rows, const uint8_t *ip)
{
	while (!within(rows, ip))
		rows++; /* the last has no bits and matches */
	return rows->range;
}

/* NAT64 of RFC 6052, 64:ff9b::/96, is how a network without IPv4 reaches an
 * IPv4 host: what is public there is public here, and nothing else. */
static bool nat64(const uint8_t *ip)
{
	static const struct prefix p = { { 0, 0x64, 0xff, 0x9b },
					 96,
					 NETADDR_EMBEDDED };

	return within(&p, ip);
}

/* ISATAP (RFC 5214): the last half is 0000:5efe or 0200:5efe and an address. */
static bool isatap(const uint8_t *ip)
{
	return (ip[8] & ~2U) == 0 && ip[9] == 0 && ip[10] == 0x5e &&
	       ip[11] == 0xfe;
}

enum netaddr_range netaddr_range(const struct netaddr *a)
{
	enum netaddr_range r;

	if (!a->v6)
		return look(v4, a->ip);
	if (nat64(a->ip))
		return look(v4, a->ip + 12) == NETADDR_PUBLIC
			       ? NETADDR_PUBLIC
			       : NETADDR_EMBEDDED;
	r = look(v6, a->ip);
	return r == NETADDR_PUBLIC && isatap(a->ip) ? NETADDR_EMBEDDED : r;
}

static const char *const range_names[] = {
	[NETADDR_PUBLIC] = "a public address",
	[NETADDR_PRIVATE] = "a private address",
	[NETADDR_LOOPBACK] = "an address of this machine",
	[NETADDR_METADATA] = "a cloud's metadata service",
	[NETADDR_LINK_LOCAL] = "a link-local address",
	[NETADDR_MULTICAST] = "a multicast address",
	[NETADDR_NONE] = "no address",
	[NETADDR_BROADCAST] = "a broadcast address",
	[NETADDR_EMBEDDED] = "an IPv4 address in an IPv6 one",
	[NETADDR_RESERVED] = "a reserved address",
};

static_assert(ARRAY_SIZE(range_names) == NETADDR_RANGE_MAX, "a name each");

const char *netaddr_range_name(enum netaddr_range r)
{
	return (unsigned)r < NETADDR_RANGE_MAX ? range_names[r] : "unknown";
}

bool netaddr_allowed(enum netaddr_range r, bool private)
{
	return r == NETADDR_PUBLIC ||
	       (private && (r == NETADDR_PRIVATE || r == NETADDR_LOOPBACK));
}

int netaddr_parse(const char *text, struct netaddr *ret)
{
	struct netaddr a = { .v6 = strchr(text, ':') != NULL };

	if (strlen(text) >= NETADDR_TEXT ||
	    inet_pton(a.v6 ? AF_INET6 : AF_INET, text, a.ip) != 1)
		return -1;
	*ret = a;
	return 0;
}

static bool is_label_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c >= '0' && c <= '9') || c == '-' || c == '_';
}

bool netaddr_name_ok(const char *name)
{
	size_t n = strlen(name), i, label = 0;
	const char *last;

	if (n == 0 || n > NETADDR_NAME_MAX || name[0] == '-')
		return false;
	for (i = 0; i < n; i++) {
		if (name[i] == '.') {
			if (label == 0)
				return false;
			label = 0;
		} else if (!is_label_char(name[i]) || ++label > 63) {
			return false;
		}
	}
	last = strrchr(name, '.');
	last = last ? last + 1 : name;
	/* A number of any base begins with a digit, and no top-level domain
	 * does. */
	return label > 0 && (*last < '0' || *last > '9');
}

void netaddr_print(const struct netaddr *a, char ret[NETADDR_TEXT])
{
	if (!inet_ntop(a->v6 ? AF_INET6 : AF_INET, a->ip, ret, NETADDR_TEXT))
		ret[0] = 0;
}
