/*
 * age_test: what is sealed opens, with the keys that it is for and with no
 * other; a changed bit anywhere, or a byte less or more, gives nothing.
 */
#include <stdio.h>

#include "age.h"
#include "base/testing.h"

static struct age_identity ours[3];

static int make_keys(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ours); i++)
		if (age_generate(&ours[i]) < 0)
			return -1;
	return 0;
}

static struct age_recipient recipient(size_t i)
{
	struct age_recipient to;

	memcpy(to.public, ours[i].public, sizeof(to.public));
	return to;
}

static enum age_result open_with(struct span file, size_t key)
{
	const struct age_keys keys = { &ours[key], 1, { NULL, 0 } };
	uint8_t *content;
	enum age_result r;
	size_t n;

	r = age_open(file, &keys, &content, &n);
	if (r != AGE_OK) {
		assert_null(content);
		assert_int_equal(n, 0);
	}
	age_free(content, n);
	return r;
}

/* Around the size of a chunk, with and without armor. */
static void test_sizes(void **)
{
	static const size_t sizes[] = { 0,     1,      65535,  65536,
					65537, 131072, 131073, 200000 };
	const struct age_recipient to = recipient(0);
	const struct age_keys keys = { ours, 1, { NULL, 0 } };
	static uint8_t bytes[200000];
	size_t i, n;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(i * 7);
	for (i = 0; i < 2 * ARRAY_SIZE(sizes); i++) {
		size_t size = sizes[i / 2];
		CLEAN_BUF struct buf file;
		uint8_t *content;

		buf_init(&file, AGE_FILE_MAX);
		assert_int_equal(age_seal(&file, &to, 1, SPAN_LIT(""), i % 2,
					  span_of(bytes, size)),
				 0);
		assert_int_equal(age_open(buf_view(&file), &keys, &content, &n),
				 AGE_OK);
		assert_int_equal(n, size);
		assert_memory_equal(content, bytes, n);
		age_free(content, n);
	}
}

static void test_recipients(void **)
{
	const struct age_recipient to[] = { recipient(0), recipient(1) };
	CLEAN_BUF struct buf file;

	buf_init(&file, AGE_FILE_MAX);
	assert_int_equal(
		age_seal(&file, to, 2, SPAN_LIT(""), false, SPAN_LIT("secret")),
		0);
	assert_int_equal(open_with(buf_view(&file), 0), AGE_OK);
	assert_int_equal(open_with(buf_view(&file), 1), AGE_OK);
	assert_int_equal(open_with(buf_view(&file), 2), AGE_NO_MATCH);
}

static void test_changes(void **)
{
	const struct age_recipient to = recipient(0);
	CLEAN_BUF struct buf file;
	size_t i, bit;

	buf_init(&file, AGE_FILE_MAX);
	assert_int_equal(age_seal(&file, &to, 1, SPAN_LIT(""), false,
				  SPAN_LIT("secret")),
			 0);
	for (i = 0; i < file.n; i++) {
		for (bit = 0; bit < 8; bit++) {
			file.p[i] ^= (uint8_t)(1 << bit);
			assert_int_not_equal(open_with(buf_view(&file), 0),
					     AGE_OK);
			file.p[i] ^= (uint8_t)(1 << bit);
		}
		assert_int_not_equal(open_with(span_of(file.p, i), 0), AGE_OK);
	}
	buf_u8(&file, 0);
	assert_int_equal(open_with(buf_view(&file), 0), AGE_PAYLOAD);
}

static void test_passphrase(void **)
{
	const struct age_keys right = { NULL, 0, SPAN_LIT("horse") };
	const struct age_keys wrong = { NULL, 0, SPAN_LIT("house") };
	CLEAN_BUF struct buf file;
	uint8_t *content;
	size_t n;

	buf_init(&file, AGE_FILE_MAX);
	assert_int_equal(age_seal(&file, NULL, 0, right.passphrase, true,
				  SPAN_LIT("secret")),
			 0);
	assert_int_equal(age_open(buf_view(&file), &right, &content, &n),
			 AGE_OK);
	assert_int_equal(n, 6);
	assert_memory_equal(content, "secret", 6);
	age_free(content, n);
	assert_int_equal(age_open(buf_view(&file), &wrong, &content, &n),
			 AGE_NO_MATCH);
	assert_int_equal(open_with(buf_view(&file), 0), AGE_NO_MATCH);
	/* Nobody's: no recipient, no passphrase; or both. */
	assert_int_equal(age_seal(&file, NULL, 0, SPAN_LIT(""), false,
				  SPAN_LIT("secret")),
			 -22);
}

static void test_keys(void **)
{
	char text[AGE_KEY_TEXT], public[AGE_KEY_TEXT], lines[512];
	struct age_identity back, many[AGE_KEYS];
	struct age_recipient to;
	size_t line;

	age_identity_text(text, &ours[0]);
	age_recipient_text(public, ours[0].public);
	assert_int_equal(strlen(text), 74);
	assert_int_equal(strlen(public), 62);
	assert_int_equal(age_identity_parse(&back, span_str(text)), 0);
	assert_memory_equal(back.secret, ours[0].secret, 32);
	assert_memory_equal(back.public, ours[0].public, 32);
	assert_int_equal(age_recipient_parse(&to, span_str(public)), 0);
	assert_memory_equal(to.public, ours[0].public, 32);
	assert_int_equal(age_identity_parse(&back, span_str(public)), -1);
	assert_int_equal(age_recipient_parse(&to, span_str(text)), -1);

	(void)snprintf(lines, sizeof(lines), "# ours\r\n\n%s\r\n%s\n", text,
		       text);
	assert_int_equal(age_identities(many, span_str(lines), &line), 2);
	(void)snprintf(lines, sizeof(lines), "# ours\n%s\n%s x\n", text, text);
	assert_int_equal(age_identities(many, span_str(lines), &line), -1);
	assert_int_equal(line, 3);
	assert_int_equal(age_identities(many, SPAN_LIT("# none\n"), &line), -1);
	assert_int_equal(line, 0);
	assert_non_null(strstr(age_key_why(SPAN_LIT("age1pq1qq")), "hybrid"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_sizes),
		cmocka_unit_test(test_recipients),
		cmocka_unit_test(test_changes),
		cmocka_unit_test(test_passphrase),
		cmocka_unit_test(test_keys),
	};

	return cmocka_run_group_tests(tests, make_keys, NULL);
}
