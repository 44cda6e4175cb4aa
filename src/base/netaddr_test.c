/* netaddr: each edge of each range, and every spelling that is none. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/netaddr.h"
#include "base/span.h"

static const struct {
	const char *text;
	enum netaddr_range range;
} edges[] = {
	{ "0.0.0.0", NETADDR_NONE },
	{ "0.255.255.255", NETADDR_NONE },
	{ "1.0.0.0", NETADDR_PUBLIC },
	{ "9.255.255.255", NETADDR_PUBLIC },
	{ "10.0.0.0", NETADDR_PRIVATE },
	{ "10.255.255.255", NETADDR_PRIVATE },
	{ "11.0.0.0", NETADDR_PUBLIC },
	{ "100.63.255.255", NETADDR_PUBLIC },
	{ "100.64.0.0", NETADDR_PRIVATE },
	{ "100.100.100.200", NETADDR_METADATA },
	{ "100.127.255.255", NETADDR_PRIVATE },
	{ "100.128.0.0", NETADDR_PUBLIC },
	{ "126.255.255.255", NETADDR_PUBLIC },
	{ "127.0.0.0", NETADDR_LOOPBACK },
	{ "127.255.255.255", NETADDR_LOOPBACK },
	{ "128.0.0.0", NETADDR_PUBLIC },
	{ "168.63.129.16", NETADDR_METADATA },
	{ "168.63.129.17", NETADDR_PUBLIC },
	{ "169.253.255.255", NETADDR_PUBLIC },
	{ "169.254.0.0", NETADDR_LINK_LOCAL },
	{ "169.254.169.254", NETADDR_METADATA },
	{ "169.254.255.255", NETADDR_LINK_LOCAL },
	{ "169.255.0.0", NETADDR_PUBLIC },
	{ "172.15.255.255", NETADDR_PUBLIC },
	{ "172.16.0.0", NETADDR_PRIVATE },
	{ "172.31.255.255", NETADDR_PRIVATE },
	{ "172.32.0.0", NETADDR_PUBLIC },
	{ "191.255.255.255", NETADDR_PUBLIC },
	{ "192.0.0.0", NETADDR_RESERVED },
	{ "192.0.0.192", NETADDR_METADATA },
	{ "192.0.1.0", NETADDR_PUBLIC },
	{ "192.0.2.1", NETADDR_RESERVED },
	{ "192.88.99.1", NETADDR_RESERVED },
	{ "192.167.255.255", NETADDR_PUBLIC },
	{ "192.168.0.0", NETADDR_PRIVATE },
	{ "192.168.255.255", NETADDR_PRIVATE },
	{ "192.169.0.0", NETADDR_PUBLIC },
	{ "198.17.255.255", NETADDR_PUBLIC },
	{ "198.18.0.0", NETADDR_RESERVED },
	{ "198.19.255.255", NETADDR_RESERVED },
	{ "198.20.0.0", NETADDR_PUBLIC },
	{ "198.51.100.1", NETADDR_RESERVED },
	{ "203.0.113.255", NETADDR_RESERVED },
	{ "203.0.114.0", NETADDR_PUBLIC },
	{ "223.255.255.255", NETADDR_PUBLIC },
	{ "224.0.0.0", NETADDR_MULTICAST },
	{ "239.255.255.255", NETADDR_MULTICAST },
	{ "240.0.0.0", NETADDR_RESERVED },
	{ "255.255.255.254", NETADDR_RESERVED },
	{ "255.255.255.255", NETADDR_BROADCAST },
	{ "::", NETADDR_NONE },
	{ "::1", NETADDR_LOOPBACK },
	{ "::2", NETADDR_EMBEDDED },
	{ "::8.8.8.8", NETADDR_EMBEDDED },
	{ "::ffff:8.8.8.8", NETADDR_EMBEDDED },
	{ "::ffff:127.0.0.1", NETADDR_EMBEDDED },
	{ "::ffff:0:127.0.0.1", NETADDR_EMBEDDED },
	{ "64:ff9b::8.8.8.8", NETADDR_PUBLIC },
	{ "64:ff9b::10.0.0.1", NETADDR_EMBEDDED },
	{ "64:ff9b::169.254.169.254", NETADDR_EMBEDDED },
	{ "64:ff9b::1:808:808", NETADDR_RESERVED },
	{ "64:ff9b:1::808:808", NETADDR_EMBEDDED },
	{ "100::1", NETADDR_RESERVED },
	{ "1fff:ffff::", NETADDR_RESERVED },
	{ "2000::", NETADDR_PUBLIC },
	{ "2001::1", NETADDR_EMBEDDED },
	{ "2001:1::1", NETADDR_RESERVED },
	{ "2001:1ff:ffff::", NETADDR_RESERVED },
	{ "2001:200::", NETADDR_PUBLIC },
	{ "2001:db8::1", NETADDR_RESERVED },
	{ "2001:db9::1", NETADDR_PUBLIC },
	{ "2002:7f00:1::", NETADDR_EMBEDDED },
	{ "2002:808:808::", NETADDR_EMBEDDED },
	{ "2003::1", NETADDR_PUBLIC },
	{ "2600::5efe:7f00:1", NETADDR_EMBEDDED },
	{ "2600::200:5efe:7f00:1", NETADDR_EMBEDDED },
	{ "2600::5eff:7f00:1", NETADDR_PUBLIC },
	{ "3ffe::1", NETADDR_RESERVED },
	{ "3fff:fff::1", NETADDR_RESERVED },
	{ "3fff:1000::1", NETADDR_PUBLIC },
	{ "4000::", NETADDR_RESERVED },
	{ "5f00::1", NETADDR_RESERVED },
	{ "fbff::1", NETADDR_RESERVED },
	{ "fc00::1", NETADDR_PRIVATE },
	{ "fd00::1", NETADDR_PRIVATE },
	{ "fd00:ec2::254", NETADDR_METADATA },
	{ "fd20:ce::254", NETADDR_METADATA },
	{ "fe00::1", NETADDR_RESERVED },
	{ "fe80::1", NETADDR_LINK_LOCAL },
	{ "febf::1", NETADDR_LINK_LOCAL },
	{ "fec0::1", NETADDR_RESERVED },
	{ "ff02::1", NETADDR_MULTICAST },
};

static void ranges(void **)
{
	struct netaddr a;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(edges); i++) {
		enum netaddr_range r;

		if (netaddr_parse(edges[i].text, &a) < 0)
			fail_msg("%s: is not read", edges[i].text);
		r = netaddr_range(&a);
		if (r != edges[i].range)
			fail_msg("%s: %s, not %s", edges[i].text,
				 netaddr_range_name(r),
				 netaddr_range_name(edges[i].range));
	}
}

static void allowed(void **)
{
	static const bool with[NETADDR_RANGE_MAX] = {
		[NETADDR_PUBLIC] = true,
		[NETADDR_PRIVATE] = true,
		[NETADDR_LOOPBACK] = true,
	};
	unsigned r;

	for (r = 0; r < NETADDR_RANGE_MAX; r++) {
		assert_int_equal(netaddr_allowed(r, false),
				 r == NETADDR_PUBLIC);
		assert_int_equal(netaddr_allowed(r, true), with[r]);
		assert_string_not_equal(netaddr_range_name(r), "unknown");
	}
	assert_string_equal(netaddr_range_name(r), "unknown");
	assert_false(netaddr_allowed(r, true));
}

static void spellings(void **)
{
	static const char *const none[] = {
		"",
		"127.1",
		"0177.0.0.1",
		"0x7f.0.0.1",
		"2130706433",
		"127.0.0.1.",
		"127.0.0.01",
		" 127.0.0.1",
		"127.0.0.1 ",
		"256.0.0.1",
		"1.2.3.4.5",
		"[::1]",
		"::1%lo",
		"::1/128",
		"1::2::3",
		":::",
		"12345::",
		"::ffff:1.2.3",
		"localhost",
		"1.2.3.-4",
		"0000000000000000000000000000000000000000000000000000001",
	};
	struct netaddr a = { .v6 = true };
	char text[NETADDR_TEXT];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(none); i++)
		if (netaddr_parse(none[i], &a) == 0)
			fail_msg("\"%s\" is read", none[i]);
	assert_true(a.v6); /* untouched */
	assert_int_equal(netaddr_parse("192.0.2.1", &a), 0);
	assert_false(a.v6);
	netaddr_print(&a, text);
	assert_string_equal(text, "192.0.2.1");
	assert_int_equal(netaddr_parse("2001:DB8:0::1", &a), 0);
	netaddr_print(&a, text);
	assert_string_equal(text, "2001:db8::1");
}

static void names(void **)
{
	static const char *const good[] = { "a", "imap.example.org",
					    "A-1.b_2.c3", "1.2.3.com",
					    "xn--bcher-kva.example" };
	static const char *const bad[] = {
		"",	      ".",
		"a.",	      ".a",
		"a..b",	      "-a",
		"a b",	      "a:b",
		"a@b",	      "b\xc3\xbc.de",
		"127.0.0.1",  "127.1",
		"0x7f000001", "2130706433",
		"a.0x1",      "a.1",
		"a/b",	      "a%b",
		"[::1]",      "a\n",
	};
	char name[NETADDR_NAME_MAX + 3];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(good); i++)
		if (!netaddr_name_ok(good[i]))
			fail_msg("\"%s\" is a name", good[i]);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (netaddr_name_ok(bad[i]))
			fail_msg("\"%s\" is no name", bad[i]);
	/* Labels of one byte up to the limit; and one label. */
	for (i = 0; i < sizeof(name) - 1; i++)
		name[i] = i % 2 ? '.' : 'a';
	name[NETADDR_NAME_MAX] = 0;
	assert_true(netaddr_name_ok(name));
	name[NETADDR_NAME_MAX] = '.';
	name[NETADDR_NAME_MAX + 1] = 'a';
	name[NETADDR_NAME_MAX + 2] = 0;
	assert_false(netaddr_name_ok(name));
	memset(name, 'a', 64);
	name[63] = 0;
	assert_true(netaddr_name_ok(name));
	name[63] = 'a';
	name[64] = 0;
	assert_false(netaddr_name_ok(name));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(ranges),
		cmocka_unit_test(allowed),
		cmocka_unit_test(spellings),
		cmocka_unit_test(names),
	};

	return cmocka_run_group_tests_name("base/netaddr", tests, NULL, NULL);
}
