/*
 * secrets_test: both shapes of a vault's content are read, everything else is
 * refused; what is written reads back; a secret is for whom it says.
 */
#include "base/testing.h"
#include "secrets.h"

#define OURS                                                                   \
	"{\"bulkhead_vault\": 1, \"secrets\": {\"imap\": {\"value\": "         \
	"\"a\\\"b\\u00e4\", \"connector\": \"inbox\", \"hosts\": "             \
	"[\"imap.example.org:993\", \"10.0.0.1:143\"]}, \"smtp\": "            \
	"{\"value\": \"x\"}}}"

#define MOVED(rest)                                                            \
	("{\"bulkhead_vault\": 1, \"secrets\": {\"a\": {\"value\": \"x\"}" rest)

static struct secret_row find(struct span text, const char *name)
{
	struct secret_row row;
	struct secrets s;

	assert_null(secrets_parse(&s, text));
	assert_true(secrets_find(&s, name, &row));
	return row;
}

static void test_read(void **)
{
	struct secret_row row = find(SPAN_LIT(OURS), "imap");
	char value[32];

	assert_true(jval_cstr(row.value, value, sizeof(value)));
	assert_string_equal(value, "a\"b\xc3\xa4");
	assert_string_equal(row.connector, "inbox");
	assert_int_equal(row.n_hosts, 2);
	row = find(SPAN_LIT("{\"tg_bot\": \"1:A\"}"), "tg_bot");
	assert_string_equal(row.connector, "");
	assert_true(jval_is(row.value, "1:A"));
}

static void test_refused(void **)
{
	static const char *const bad[] = {
		"",
		"[]",
		"{\"a\": 1}",
		"{\"a b\": \"x\"}",
		"{\"-a\": \"x\"}",
		"{\"a\": {}}",
		"{\"a\": {\"value\": 1}}",
		"{\"a\": {\"value\": \"x\", \"host\": []}}",
		"{\"a\": {\"value\": \"x\", \"hosts\": \"h:1\"}}",
		"{\"a\": {\"value\": \"x\", \"hosts\": [\"h:1 g:1\"]}}",
		"{\"a\": \"x\", \"a\": \"y\"}",
		"{\"a\": \"x\"} ,",
		"{\"bulkhead_vault\": 2, \"secrets\": {}}",
		"{\"bulkhead_vault\": 1}",
		/* of sops, the same to its MAC as a row that says for whom */
		MOVED("}, \"secrets:a:connector\": \"inbox\"}"),
		MOVED(", \"a:connector\": \"inbox\"}}"),
		"{\"a\": {\"value\": \"x\"}, \"a:connector\": \"inbox\"}",
	};
	struct secrets s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_non_null(secrets_parse(&s, span_str(bad[i])));
}

static void test_bound(void **)
{
	struct secret_row row = find(SPAN_LIT(OURS), "imap");

	assert_null(secret_not_for(&row, "inbox",
				   SPAN_LIT("imap.example.org:993")));
	assert_null(secret_not_for(
		&row, "inbox", SPAN_LIT("10.0.0.1:143 imap.example.org:993")));
	assert_non_null(secret_not_for(&row, "other",
				       SPAN_LIT("imap.example.org:993")));
	assert_non_null(secret_not_for(&row, "inbox",
				       SPAN_LIT("imap.example.org:994")));
	assert_non_null(secret_not_for(
		&row, "inbox",
		SPAN_LIT("imap.example.org:993 evil.example:993")));
	assert_non_null(secret_not_for(&row, "inbox", SPAN_LIT("")));
	row = find(SPAN_LIT(OURS), "smtp");
	assert_null(secret_not_for(&row, "any", SPAN_LIT("h:1")));
}

/* Put, put anew, and taken away: the others stay as they are. */
static void test_write(void **)
{
	struct secret_row row = { .name = "tg",
				  .connector = "bot",
				  .n_hosts = 1,
				  .hosts = { "api.telegram.org:443" } };
	CLEAN_BUF struct buf one;
	CLEAN_BUF struct buf two;
	struct secret_row back;
	struct secrets s;
	char value[64];

	buf_init(&one, SECRETS_TEXT_MAX);
	buf_init(&two, SECRETS_TEXT_MAX);
	assert_null(secrets_parse(&s, SPAN_LIT(OURS)));
	assert_int_equal(secrets_write(&one, &s, "tg", &row,
				       SPAN_LIT("a\n\"\\\x01\xc3\xa4")),
			 0);
	assert_null(secrets_parse(&s, buf_view(&one)));
	assert_true(secrets_find(&s, "tg", &back));
	assert_true(jval_cstr(back.value, value, sizeof(value)));
	assert_string_equal(value, "a\n\"\\\x01\xc3\xa4");
	assert_string_equal(back.connector, "bot");
	assert_string_equal(back.hosts[0], "api.telegram.org:443");
	back = find(buf_view(&one), "imap");
	assert_true(jval_cstr(back.value, value, sizeof(value)));
	assert_string_equal(value, "a\"b\xc3\xa4");
	assert_int_equal(secrets_write(&two, &s, "imap", NULL, SPAN_LIT("")),
			 0);
	assert_null(secrets_parse(&s, buf_view(&two)));
	assert_false(secrets_find(&s, "imap", &back));
	assert_true(secrets_find(&s, "smtp", &back));
	assert_int_equal(secrets_write(&one, &s, "x", &row, SPAN_LIT("\xff")),
			 -22);
	assert_int_equal(secrets_write(&one, &s, "x", &row, SPAN_LIT("a\0b")),
			 -22);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_read),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bound),
		cmocka_unit_test(test_write),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
