/*
 * ring_test: a secret goes to the connector and for the hosts that it names,
 * and to nobody else; one that names nobody is its first connector's.
 */
#include <unistd.h>

#include "base/fd.h"
#include "base/testing.h"
#include "ring.h"

static struct ring r;
static struct age_identity id;

static int file_of(struct span s)
{
	int fd = memfd_sealed("test", s);

	assert_true(fd >= 0);
	return fd;
}

static const char *give_secrets(const char *text)
{
	struct age_recipient to;
	CLEAN_BUF struct buf b;
	CLEAN_FD int fd = -1;

	memcpy(to.public, id.public, sizeof(to.public));
	buf_init(&b, RING_FILE_MAX);
	assert_int_equal(
		age_seal(&b, &to, 1, SPAN_LIT(""), true, span_str(text)), 0);
	fd = file_of(buf_view(&b));
	return ring_secrets(&r, fd);
}

static int set_up(void **)
{
	char key[AGE_KEY_TEXT];
	CLEAN_FD int fd = -1;

	if (age_generate(&id) < 0)
		return -1;
	age_identity_text(key, &id);
	fd = file_of(span_str(key));
	return ring_identity(&r, fd) ? -1 : 0;
}

static int tear_down(void **)
{
	ring_wipe(&r);
	return 0;
}

static const char *take(const char *connector, const char *secret,
			const char *hosts, const char *want)
{
	struct ring_value v;
	const char *why = ring_take(&r, span_str(connector), span_str(secret),
				    span_str(hosts), &v);

	if (!why)
		assert_true(span_is(v.text, want));
	else
		assert_null(v.p);
	ring_give_back(&v);
	return why;
}

static void test_named(void **)
{
	assert_null(give_secrets(
		"{\"bulkhead_vault\": 1, \"secrets\": {\"imap\": {\"value\": "
		"\"p\\u0061ss\", \"connector\": \"inbox\", \"hosts\": "
		"[\"h:993\"]}}}"));
	assert_null(take("inbox", "imap", "h:993", "pass"));
	assert_null(take("inbox", "imap", "h:993", "pass"));
	assert_non_null(take("other", "imap", "h:993", ""));
	assert_non_null(take("inbox", "imap", "h:994", ""));
	assert_non_null(take("inbox", "smtp", "h:993", ""));
	assert_non_null(take("inbox", "", "h:993", ""));
}

static void test_unnamed(void **)
{
	assert_null(give_secrets("{\"tg\": \"1:A\", \"empty\": \"\"}"));
	assert_null(take("bot", "tg", "api:443", "1:A"));
	assert_null(take("bot", "tg", "api:443", "1:A"));
	assert_non_null(take("inbox", "tg", "api:443", ""));
	assert_non_null(take("bot", "tg", "evil:443", ""));
	assert_non_null(take("bot", "empty", "api:443", ""));
}

/* Two files of one name: which one would be a guess. */
static void test_twice(void **)
{
	assert_null(give_secrets("{\"tg\": \"1:A\"}"));
	assert_null(give_secrets("{\"tg\": \"2:B\"}"));
	assert_non_null(take("bot", "tg", "api:443", ""));
}

static void test_not_ours(void **)
{
	struct age_identity other;
	struct age_recipient to;
	CLEAN_BUF struct buf b;
	CLEAN_FD int fd = -1;

	assert_int_equal(age_generate(&other), 0);
	memcpy(to.public, other.public, sizeof(to.public));
	buf_init(&b, RING_FILE_MAX);
	assert_int_equal(
		age_seal(&b, &to, 1, SPAN_LIT(""), false, SPAN_LIT("{}")), 0);
	fd = file_of(buf_view(&b));
	assert_non_null(ring_secrets(&r, fd));
	assert_non_null(give_secrets("[]"));
	assert_int_equal(r.n_files, 0);
	assert_non_null(take("bot", "tg", "api:443", ""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_named, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_unnamed, set_up,
						tear_down),
		cmocka_unit_test_setup_teardown(test_twice, set_up, tear_down),
		cmocka_unit_test_setup_teardown(test_not_ours, set_up,
						tear_down),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
