/* domain_test: names in their letters, and what of them is registered. */
#include "base/str.h"
#include "base/testing.h"
#include "render/domain.h"

static void test_letters(void **)
{
	static const struct {
		const char *ascii, *letters;
	} rows[] = {
		{ "", "" },
		{ "example.org", "example.org" },
		{ "xn--bcher-kva.example", "b\xc3\xbc"
					   "cher.example" },
		{ "a.xn--bcher-kva.xn--p1ai", "a.b\xc3\xbc"
					      "cher.\xd1\x80\xd1\x84" },
		{ "xn--e1afmkfd.com",
		  "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80.com" },
		{ "xn--ihqwcrb4cv8a8dqg056pqjye.cn",
		  "\xe4\xbb\x96\xe4\xbb\xac\xe4\xb8\xba\xe4\xbb\x80\xe4\xb9\x88"
		  "\xe4\xb8\x8d\xe8\xaf\xb4\xe4\xb8\xad\xe6\x96\x87.cn" },
		/* what is none stays */
		{ "xn--", "xn--" },
		{ "xn--99999999", "xn--99999999" },
		{ "xn--a-9999999999999", "xn--a-9999999999999" },
		{ "xn--_.org", "xn--_.org" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf b;

		buf_init(&b, 4096);
		assert_int_equal(domain_letters(&b, span_str(rows[i].ascii)),
				 strcmp(rows[i].ascii, rows[i].letters) != 0);
		assert_string_equal(buf_cstr(&b), rows[i].letters);
	}
}

static void test_registered(void **)
{
	static const struct {
		const char *name, *part; /* NULL: none */
	} rows[] = {
		{ "example.org", "example.org" },
		{ "a.b.example.org", "example.org" },
		{ "a.example.co.uk", "example.co.uk" },
		{ "co.uk", NULL },
		{ "org", NULL },
		{ "me.github.io", "me.github.io" },
		{ "x.me.github.io", "me.github.io" },
		/* "*.ck", but "!www.ck" */
		{ "a.b.c.ck", "b.c.ck" },
		{ "c.ck", NULL },
		{ "www.ck", "www.ck" },
		{ "a.www.ck", "www.ck" },
		/* in no list: the last label is the suffix */
		{ "host.internal-zone", "host.internal-zone" },
		{ "a.b.internal-zone", "b.internal-zone" },
		{ "localhost", NULL },
		{ "192.0.2.7", NULL },
		{ "[2001:db8::1]", NULL },
		{ "a..b", NULL },
		{ ".org", NULL },
		{ "org.", NULL },
		{ "", NULL },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct span name = span_str(rows[i].name);
		size_t at = domain_registered(name);

		if (at > name.n || (at == name.n) != !rows[i].part)
			fail_msg("%s: at %zu", rows[i].name, at);
		if (rows[i].part)
			assert_string_equal(rows[i].name + at, rows[i].part);
	}
}

static void test_longest(void **)
{
	const struct span middle = SPAN_LIT(".example.org");
	const struct span end = SPAN_LIT(".org");
	char name[DOMAIN_MAX + 2];
	size_t n;

	memset(name, 'a', sizeof(name));
	memcpy(name + 100, middle.p, middle.n);
	for (n = DOMAIN_MAX - 1; n <= DOMAIN_MAX + 1; n++) {
		memcpy(name + n - end.n, end.p, end.n);
		assert_int_equal(domain_registered(span_of(name, n)) < n,
				 n <= DOMAIN_MAX);
		memset(name + n - end.n, 'a', end.n);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_letters),
		cmocka_unit_test(test_registered),
		cmocka_unit_test(test_longest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
