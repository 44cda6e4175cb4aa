/* auth_test: whom a mail server vouches for, and what does not count. */
#include "base/testing.h"

#include <stdlib.h>
#include <string.h>

#include "auth.h"

#define PASS "dmarc=pass header.from=lea.example"

static const struct {
	const char *value, *id, *domain;
} rows[] = {
	{ " mx.example.org; " PASS, "mx.example.org", "lea.example" },
	{ "MX.example.ORG;DMARC=Pass Header.From=LEA.example", "mx.example.org",
	  "lea.example" },
	{ " mx.example.org 1;\r\n\tspf=pass smtp.mailfrom=a@b;\r\n\tdkim=fail "
	  "(no key) header.d=x;\r\n\t" PASS " (p=reject; dis=none)",
	  "mx.example.org", "lea.example" },
	{ "mx; dmarc = pass policy.x=1 header.from = lea.example", "mx",
	  "lea.example" },
	{ "(c (d)) mx (e\\)) ; dmarc=pass reason=\"; dmarc=fail\" "
	  "header.from=lea.example",
	  "mx", "lea.example" },
	{ "mx; dmarc/1=pass header.from=lea.example", "mx", "lea.example" },
	{ "mx; none", "mx", "" },
	{ "mx", "mx", "" },
	{ "mx;", "mx", "" },
	{ "", "", "" },
	{ ";" PASS, "", "" },
	/* no pass, or not of DMARC */
	{ "mx; dmarc=fail header.from=lea.example", "mx", "" },
	{ "mx; dmarc=passed header.from=lea.example", "mx", "" },
	{ "mx; xdmarc=pass header.from=lea.example", "mx", "" },
	{ "mx; dkim=pass header.from=lea.example", "mx", "" },
	{ "mx; spf=pass dmarc=pass header.from=lea.example", "mx", "" },
	{ "mx; dmarc=pass", "mx", "" },
	{ "mx; dmarc=pass header.from=", "mx", "" },
	{ "mx; dmarc=pass header.from=\"lea.example\"", "mx", "" },
	{ "mx; dmarc=pass header.from=a@lea.example", "mx", "" },
	{ "mx; dmarc=pass smtp.mailfrom=lea.example", "mx", "" },
	/* two results, two domains */
	{ "mx; " PASS "; " PASS, "mx", "" },
	{ "mx; " PASS "; dmarc=fail header.from=lea.example", "mx", "" },
	{ "mx; dmarc=fail header.from=evil.example; " PASS, "mx", "" },
	{ "mx; " PASS " header.from=evil.example", "mx", "" },
	/* in a comment or a string it is nobody's word */
	{ "mx; (" PASS ")", "mx", "" },
	{ "mx; dkim=pass (; " PASS ")", "mx", "" },
	{ "mx; dkim=pass reason=\"; " PASS "\"", "mx", "" },
	{ "mx (; " PASS, "", "" },
	{ "mx; \"" PASS, "", "" },
	{ "mx two; " PASS, "", "lea.example" },
	{ "mx 1 2; " PASS, "", "lea.example" },
	{ "\"mx\"; " PASS, "", "" },
	{ "m\xc3\xa4; " PASS, "", "" },
};

static void test_rows(void **)
{
	struct auth_results r;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		auth_read(span_str(rows[i].value), &r);
		if (strcmp(r.id, rows[i].id) != 0 ||
		    strcmp(r.domain, rows[i].domain) != 0)
			fail_msg("%s: \"%s\" \"%s\"", rows[i].value, r.id,
				 r.domain);
	}
}

static void test_long(void **)
{
	char *s = calloc(1, AUTH_FIELD_MAX + 2);
	struct auth_results r;
	const struct span head = SPAN_LIT("mx; " PASS);

	assert_non_null(s);
	memset(s, ' ', AUTH_FIELD_MAX + 1);
	memcpy(s, head.p, head.n);
	auth_read(span_of((uint8_t *)s, AUTH_FIELD_MAX), &r);
	assert_string_equal(r.domain, "lea.example");
	auth_read(span_of((uint8_t *)s, AUTH_FIELD_MAX + 1), &r);
	assert_string_equal(r.id, "");
	assert_string_equal(r.domain, "");
	memset(s, 'a', 400);
	auth_read(span_of((uint8_t *)s, AUTH_NAME_MAX), &r);
	assert_int_equal(strlen(r.id), AUTH_NAME_MAX);
	auth_read(span_of((uint8_t *)s, AUTH_NAME_MAX + 1), &r);
	assert_string_equal(r.id, "");
	free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_long),
	};

	return cmocka_run_group_tests_name("envelope/auth", tests, NULL, NULL);
}
