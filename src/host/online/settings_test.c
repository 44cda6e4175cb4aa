/* settings_test: what an account takes as its settings, and what it does not.
 */
#include "settings.h"

#include <stdio.h>

#include "base/testing.h"

#define LEAST "kind=imap\nhosts=a.example:993\n"

static void all_of_it(void **)
{
	static const char text[] =
		"kind=smtp\nhosts=a.example:465 [::1]:2 10.0.0.1:65535\n"
		"secret=yes\nuser=me\nauth=xoauth2\ntoken=https://t.example/x\n"
		"folder=B\xc3\xbc\nfirst=all\npoll=5\nfrom=me@a.example\n"
		"role=approvals\nca=fd\nrequests=fd\nprivate=yes\nrevoke=yes\n";
	struct settings s;
	const char *why;

	assert_int_equal(settings_parse(span_str(text), &s, &why), 0);
	assert_string_equal(s.kind, "smtp");
	assert_int_equal(s.n_hosts, 3);
	assert_string_equal(s.hosts[1].name, "::1");
	assert_int_equal(s.hosts[2].port, 65535);
	assert_int_equal(s.auth, AUTH_XOAUTH2);
	assert_int_equal(s.poll_s, 5);
	assert_true(s.secret && s.all && s.approvals && s.ca && s.requests &&
		    s.private && s.revoke);
}

static void defaults(void **)
{
	struct settings s;
	const char *why;

	assert_int_equal(settings_parse(SPAN_LIT(LEAST), &s, &why), 0);
	assert_string_equal(s.folder, "INBOX");
	assert_int_equal(s.poll_s, SETTINGS_POLL_S);
	assert_int_equal(s.auth, AUTH_PASSWORD);
	assert_false(s.secret || s.all || s.approvals || s.private || s.revoke);
}

static void refused(void **)
{
	static const char *const rows[] = {
		"",
		"kind=imap\n",
		"hosts=a:1\n",
		LEAST "kind=imap\n",
		LEAST "user=me",
		LEAST "user=\n",
		LEAST "user\n",
		LEAST "user=a\tb\n",
		LEAST "user=\xff\n",
		LEAST "unknown=1\n",
		LEAST "\n",
		LEAST "secret=no\n",
		LEAST "auth=none\n",
		LEAST "auth=xoauth2\n",
		LEAST "token=https://a/b\n",
		LEAST "first=some\n",
		LEAST "poll=0\n",
		LEAST "poll=86401\n",
		LEAST "role=admin\n",
		LEAST "private=no\n",
		"kind=imap\nhosts=\n",
		"kind=imap\nhosts=a\n",
		"kind=imap\nhosts=a:0\n",
		"kind=imap\nhosts=a:65536\n",
		"kind=imap\nhosts=a:1 \n",
		"kind=imap\nhosts=a:1  b:2\n",
		"kind=imap\nhosts=a/b:1\n",
		"kind=imap\nhosts=a@b:1\n",
		"kind=imap\nhosts=::1:2\n",
		"kind=imap\nhosts=[]:2\n",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct settings s = { .poll_s = 99 };
		const char *why = NULL;

		if (settings_parse(span_str(rows[i]), &s, &why) == 0)
			fail_msg("taken: %s", rows[i]);
		assert_non_null(why);
		assert_int_equal(s.poll_s, 99);
	}
}

static void limits(void **)
{
	char text[SETTINGS_TEXT + 128];
	struct settings s;
	const char *why;
	int n;

	for (n = SETTINGS_TEXT - 2; n <= SETTINGS_TEXT; n++) {
		(void)snprintf(text, sizeof(text), LEAST "user=%0*d\n", n, 1);
		assert_int_equal(settings_parse(span_str(text), &s, &why),
				 n < SETTINGS_TEXT ? 0 : -1);
	}
	for (n = SETTINGS_HOSTS; n <= SETTINGS_HOSTS + 1; n++) {
		int at = snprintf(text, sizeof(text), "kind=x\nhosts=a:1");
		int i;

		for (i = 1; i < n; i++)
			at += snprintf(text + at, sizeof(text) - (size_t)at,
				       " a:1");
		(void)snprintf(text + at, sizeof(text) - (size_t)at, "\n");
		assert_int_equal(settings_parse(span_str(text), &s, &why),
				 n == SETTINGS_HOSTS ? 0 : -1);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_of_it),
		cmocka_unit_test(defaults),
		cmocka_unit_test(refused),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
