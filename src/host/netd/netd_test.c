/*
 * netd: questions and answers of name servers, byte for byte, each cut at every
 * place; and the table that is dialed by.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/str.h"
#include "dial.h"
#include "dns.h"
#include "table.h"

#define Q_AB		"\1a\2bc\0" /* a.bc */
#define HEAD(n)		"\x12\x34\x81\x80\0\1\0" n "\0\0\0\0" Q_AB "\0\1\0\1"
#define REC_A(name, ip) name "\0\1\0\1\0\0\0\1\0\4" ip
#define SELF		"\xc0\x0c"

struct answer {
	const char *what;
	const char *bytes;
	size_t n;
	enum dns_result result;
	size_t addrs;
};

#define ROW(what, bytes, result, addrs)                                        \
	{                                                                      \
		what, bytes, sizeof(bytes) - 1, result, addrs                  \
	}

static const struct answer answers[] = {
	ROW("one address", HEAD("\1") REC_A(SELF, "\1\2\3\4"), DNS_OK, 1),
	ROW("its name in full", HEAD("\1") REC_A(Q_AB, "\1\2\3\4"), DNS_OK, 1),
	ROW("in capitals", HEAD("\1") REC_A("\1A\2bC\0", "\1\2\3\4"), DNS_OK,
	    1),
	ROW("none", HEAD("\0"), DNS_OK, 0),
	ROW("another's", HEAD("\1") REC_A("\1b\2bc\0", "\1\2\3\4"), DNS_OK, 0),
	ROW("an alias",
	    HEAD("\2") SELF "\0\5\0\1\0\0\0\1\0\3\1d\0"
			    "\1d\0\0\1\0\1\0\0\0\1\0\4\1\2\3\4",
	    DNS_OK, 1),
	ROW("an alias after its address",
	    HEAD("\2") "\1d\0\0\1\0\1\0\0\0\1\0\4\1\2\3\4" SELF
		       "\0\5\0\1\0\0\0\1\0\3\1d\0",
	    DNS_OK, 0),
	ROW("of the other type",
	    HEAD("\1") SELF "\0\x1c\0\1\0\0\0\1\0\x10"
			    "0123456789abcdef",
	    DNS_OK, 0),
	ROW("of another class", HEAD("\1") SELF "\0\1\0\3\0\0\0\1\0\4\1\2\3\4",
	    DNS_OK, 0),
	ROW("three bytes", HEAD("\1") SELF "\0\1\0\1\0\0\0\1\0\3\1\2\3",
	    DNS_BAD, 0),
	ROW("a name that leads to itself",
	    HEAD("\1") REC_A("\xc0\x16", "\1\2\3\4"), DNS_BAD, 0),
	ROW("a name that leads forward",
	    HEAD("\1") REC_A("\xc0\x40", "\1\2\3\4"), DNS_BAD, 0),
	ROW("a label of no kind", HEAD("\1") REC_A("\x80\0", "\1\2\3\4"),
	    DNS_BAD, 0),
	ROW("an alias longer than it says",
	    HEAD("\1") SELF "\0\5\0\1\0\0\0\1\0\2\1d\0", DNS_BAD, 0),
	ROW("65 records", HEAD("\x41"), DNS_BAD, 0),
	ROW("no such name", "\x12\x34\x81\x83\0\1\0\0\0\0\0\0" Q_AB "\0\1\0\1",
	    DNS_NO_NAME, 0),
	ROW("a failure", "\x12\x34\x81\x82\0\1\0\0\0\0\0\0" Q_AB "\0\1\0\1",
	    DNS_FAILED, 0),
	ROW("cut", "\x12\x34\x83\x80\0\1\0\0\0\0\0\0" Q_AB "\0\1\0\1",
	    DNS_FAILED, 0),
	ROW("another id", "\x12\x35\x81\x80\0\1\0\0\0\0\0\0" Q_AB "\0\1\0\1",
	    DNS_NOT_OURS, 0),
	ROW("a question", "\x12\x34\x01\x80\0\1\0\0\0\0\0\0" Q_AB "\0\1\0\1",
	    DNS_NOT_OURS, 0),
	ROW("of another question",
	    "\x12\x34\x81\x80\0\1\0\0\0\0\0\0"
	    "\1b\2bc\0\0\1\0\1",
	    DNS_NOT_OURS, 0),
	ROW("of another type",
	    "\x12\x34\x81\x80\0\1\0\0\0\0\0\0" Q_AB "\0\x1c\0\1", DNS_NOT_OURS,
	    0),
	ROW("without its question", "\x12\x34\x81\x80\0\0\0\0\0\0\0\0",
	    DNS_NOT_OURS, 0),
};

static void reads_answers(void **)
{
	struct netaddr addrs[DNS_ADDRS];
	struct dns_query q;
	size_t i, k, n;

	assert_int_equal(dns_ask(&q, "A.bc", DNS_A, 0x1234), 0);
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		const struct answer *a = &answers[i];
		enum dns_result r =
			dns_answer(&q, span_of(a->bytes, a->n), addrs, &n);

		if (r != a->result || n != a->addrs)
			fail_msg("%s: %d, %zu addresses", a->what, (int)r, n);
		if (n && memcmp(addrs[0].ip, "\1\2\3\4", 4) != 0)
			fail_msg("%s: another address", a->what);
		/* A part of an answer is none. */
		for (k = 0; k < a->n && a->result == DNS_OK; k++) {
			r = dns_answer(&q, span_of(a->bytes, k), addrs, &n);
			if (r != DNS_BAD && r != DNS_NOT_OURS)
				fail_msg("%s: %zu bytes of it are one", a->what,
					 k);
			assert_int_equal(n, 0);
		}
	}
}

static void put_answer(struct buf *b, unsigned records, unsigned aliases)
{
	unsigned i;

	buf_put(b, "\x12\x34\x81\x80\0\1\0", 7);
	buf_u8(b, (uint8_t)(records + aliases));
	buf_put(b, "\0\0\0\0" Q_AB "\0\1\0\1", 14);
	/* Each alias to the name itself. */
	for (i = 0; i < aliases; i++)
		buf_put(b, SELF "\0\5\0\1\0\0\0\1\0\2" SELF, 14);
	for (i = 0; i < records; i++)
		buf_put(b, REC_A(SELF, "\1\2\3\4"), 16);
}

static void limits(void **)
{
	static const struct {
		unsigned records, aliases;
		enum dns_result want;
	} rows[] = {
		{ DNS_ADDRS - 1, 0, DNS_OK },	 { DNS_ADDRS, 0, DNS_OK },
		{ DNS_ADDRS + 1, 0, DNS_BAD },	 { 1, DNS_ALIASES, DNS_OK },
		{ 1, DNS_ALIASES + 1, DNS_BAD },
	};
	struct netaddr addrs[DNS_ADDRS];
	struct dns_query q;
	size_t i, n;

	assert_int_equal(dns_ask(&q, "a.bc", DNS_A, 0x1234), 0);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf b;

		buf_init(&b, 4096);
		put_answer(&b, rows[i].records, rows[i].aliases);
		assert_int_equal(dns_answer(&q, buf_view(&b), addrs, &n),
				 rows[i].want);
		assert_int_equal(n,
				 rows[i].want == DNS_OK ? rows[i].records : 0);
	}
}

static void asks(void **)
{
	static const char want[] = "\x12\x34\x01\0\0\1\0\0\0\0\0\1" Q_AB
				   "\0\x1c\0\1\0\0\x29\x04\xd0\0\0\0\0\0\0";
	struct dns_query q;
	char name[300];
	size_t i;

	assert_int_equal(dns_ask(&q, "a.BC", DNS_AAAA, 0x1234), 0);
	assert_int_equal(q.n_packet, sizeof(want) - 1);
	assert_memory_equal(q.packet, want, sizeof(want) - 1);
	assert_int_equal(dns_ask(&q, "", DNS_A, 1), -1);
	assert_int_equal(dns_ask(&q, "a..b", DNS_A, 1), -1);
	for (i = 0; i < sizeof(name); i++)
		name[i] = i % 2 ? '.' : 'a';
	name[NETADDR_NAME_MAX] = 0;
	assert_int_equal(dns_ask(&q, name, DNS_A, 1), 0);
	name[NETADDR_NAME_MAX] = '.';
	name[NETADDR_NAME_MAX + 2] = 0;
	assert_int_equal(dns_ask(&q, name, DNS_A, 1), -1);
}

static void tables(void **)
{
	struct table t;

	assert_int_equal(table_parse(&t,
				     SPAN_LIT("a.test:1 [2600::1]:65535 "
					      "192.0.2.1:25 2600::2:3"),
				     true),
			 0);
	assert_int_equal(t.n, 4);
	assert_true(t.private);
	assert_ptr_equal(table_find(&t, SPAN_LIT("a.test"), 1), &t.rows[0]);
	assert_ptr_equal(table_find(&t, SPAN_LIT("2600::1"), 65535),
			 &t.rows[1]);
	assert_true(t.rows[1].literal && t.rows[1].addr.v6);
	assert_false(t.rows[0].literal);
	assert_null(table_find(&t, SPAN_LIT("a.test"), 2));
	assert_null(table_find(&t, SPAN_LIT("a.test"), 65537));
	assert_null(table_find(&t, SPAN_LIT("A.test"), 1));
	assert_null(table_find(&t, SPAN_LIT("a.test."), 1));
	assert_null(table_find(&t, SPAN_LIT("a.test\0"), 1));
	assert_null(table_find(&t, SPAN_LIT(""), 1));
	assert_null(table_find(&t, SPAN_LIT("[2600::1]"), 65535));
}

static void bad_tables(void **)
{
	static const char *const bad[] = {
		"",
		"a",
		"a:0",
		"a:65536",
		":1",
		"a:1 ",
		" a:1",
		"a:1  b:1",
		"0x7f.1:1",
		"127.1:1",
		"2130706433:1",
		"a.:1",
		"[::1%lo]:1",
		"[a]:1 b",
		"a b:1",
		"a:1 b:1 c:1 d:1 e:1 f:1 g:1 h:1 i:1",
	};
	struct table t;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (table_parse(&t, span_str(bad[i]), false) == 0)
			fail_msg("\"%s\" is taken", bad[i]);
	assert_int_equal(table_parse(&t,
				     SPAN_LIT("a:1 b:1 c:1 d:1 e:1 f:1 g:1 "
					      "h:1"),
				     false),
			 0);
}

static void servers(void **)
{
	struct dial_servers s;

	assert_int_equal(dial_servers_parse(&s, SPAN_LIT("")), 0);
	assert_int_equal(s.n, 0);
	assert_int_equal(dial_servers_parse(&s, SPAN_LIT("127.0.0.53 ::1 "
							 "10.0.0.1 10.0.0.2")),
			 0);
	assert_int_equal(s.n, DIAL_SERVERS);
	assert_true(s.at[1].v6);
	assert_int_equal(s.port, 53);
	assert_int_equal(dial_servers_parse(&s, SPAN_LIT("ns.test")), -1);
	assert_int_equal(dial_servers_parse(&s, SPAN_LIT("127.1")), -1);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(reads_answers), cmocka_unit_test(limits),
		cmocka_unit_test(asks),		 cmocka_unit_test(tables),
		cmocka_unit_test(bad_tables),	 cmocka_unit_test(servers),
	};

	return cmocka_run_group_tests_name("netd/netd", tests, NULL, NULL);
}
