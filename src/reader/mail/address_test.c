/* address_test: what people and spammers write. */
#include "reader/mail/address.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void check(const char *field, const char *want)
{
	CLEAN_BUF struct buf got = { .max = 10000 };
	CLEAN_BUF struct buf name = { .max = 1000 };
	CLEAN_BUF struct buf addr = { .max = 1000 };
	struct address_rd r;
	uint32_t flaws = 0;

	address_init(&r, span_str(field));
	while (address_next(&r, &name, &addr, &flaws))
		buf_printf(&got, "%s[%s]", buf_cstr(&name), buf_cstr(&addr));
	assert_false(address_next(&r, &name, &addr, &flaws));
	address_done(&r);
	if (strcmp(buf_cstr(&got), want) != 0)
		fail_msg("%s: %s for %s", field, buf_cstr(&got), want);
}

static void test_addresses(void **)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "a@b", "[a@b]" },
		{ "<a@b>", "[a@b]" },
		{ "Ann <a@b>", "Ann[a@b]" },
		{ "\"Doe, J\" <a@b>", "Doe, J[a@b]" },
		{ "\"a\\\"b\" <a@b>", "a\"b[a@b]" },
		{ "a@b (Ann)", "Ann[a@b]" },
		{ "a@b (Ann (x)), c@d", "Ann (x)[a@b][c@d]" },
		{ "<a@b> (Ann)", "Ann[a@b]" },
		{ "a@b, c@d", "[a@b][c@d]" },
		{ "a@b; c@d", "[a@b][c@d]" },
		{ ",, a@b,,", "[a@b]" },
		{ "g: a@b, C <c@d>;, e@f", "[a@b]C[c@d][e@f]" },
		{ "g:;", "" },
		{ "g: h: i: a@b;;", "[a@b]" },
		{ "Undisclosed: ;", "" },
		{ "<Undisclosed-Recipient:;>", "" },
		{ "root", "[root]" },
		{ "root, a@b", "[root][a@b]" },
		{ "Doe, John <j@b>", "Doe, John[j@b]" },
		{ "a@b, John <j@b>", "[a@b]John[j@b]" },
		{ "a@b via list <l@b>", "a@b via list[l@b]" },
		{ "a@b <c@d>", "a@b[c@d]" },
		{ "a@b c@d", "[a@b][c@d]" },
		{ "Big Bug bb@c", "Big Bug[bb@c]" },
		{ "john . doe @ x . y", "[john.doe@x.y]" },
		{ "\"j d\"@x", "[\"j d\"@x]" },
		{ "<\"j d\"@x>", "[\"j d\"@x]" },
		{ "a@[1.2.3.4]", "[a@[1.2.3.4]]" },
		{ "a@[IPv6:1::2], b@c", "[a@[IPv6:1::2]][b@c]" },
		{ "<@r,@s:a@b>", "[a@b]" },
		{ "<a@b, c@d>", "[a@b][c@d]" },
		{ "<a@b", "[a@b]" },
		{ "<<a@b>>", "[a@b]" },
		{ "Ann <>", "Ann[]" },
		{ "<>", "" },
		{ "=?utf-8?q?=C3=A9?= <a@b>", "\xc3\xa9[a@b]" },
		{ "\"=?utf-8?q?=C3=A9?=\" <a@b>", "\xc3\xa9[a@b]" },
		{ "A\r\n B\r\n\t<a@b>", "A B[a@b]" },
		{ "Pete(A \\) chap) <pete(his)@x.y(host)>", "Pete[pete@x.y]" },
		{ "> a@b )", "[a@b]" },
		{ "\"unclosed <a@b>", "[\"unclosed <a@b>]" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(rows[i][0], rows[i][1]);
}

/* Looks ahead do not add up: a field of one kind each, as long as one gets. */
static void test_long(void **)
{
	static const char *const units[] = { "a, ", "a@b ", "a ", "(",	  "\"",
					     "g: ", "<",    "[",  "a@b <" };

	for (size_t i = 0; i < ARRAY_SIZE(units); i++) {
		CLEAN_BUF struct buf b = { .max = 1 << 20 };
		CLEAN_BUF struct buf name = { .max = 1 << 20 };
		CLEAN_BUF struct buf addr = { .max = 1 << 20 };
		struct address_rd r;
		uint32_t flaws = 0;
		size_t n = 0;

		while (b.n < 32 << 10)
			buf_str(&b, units[i]);
		buf_str(&b, "<x@y>");
		address_init(&r, buf_view(&b));
		while (n < 64 && address_next(&r, &name, &addr, &flaws))
			n++;
		address_done(&r);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_addresses),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
