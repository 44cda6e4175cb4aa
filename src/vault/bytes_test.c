/* bytes_test: base64 and bech32 in their one spelling, and the armor. */
#include "armor.h"
#include "base/b64.h"
#include "base/testing.h"
#include "bech32.h"

static void test_b64(void **)
{
	static const struct {
		const char *bytes, *padded;
	} rows[] = {
		{ "", "" },
		{ "f", "Zg==" },
		{ "fo", "Zm8=" },
		{ "foo", "Zm9v" },
		{ "foob", "Zm9vYg==" },
		{ "foobar", "Zm9vYmFy" },
	};
	static const char *const bad[] = {
		"Zh==",	 "Zm9=",  "Zg=",    "Zg",  "Z",
		"Zm9v=", "Zm 8=", "Zm8=\n", "===="
	};
	uint8_t out[16];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf b;
		size_t n = strlen(rows[i].bytes);

		buf_init(&b, 64);
		b64_put(&b, span_str(rows[i].bytes), false);
		assert_string_equal(buf_cstr(&b), rows[i].padded);
		assert_int_equal(b64_decode(out, sizeof(out), buf_view(&b)), n);
		assert_memory_equal(out, rows[i].bytes, n);
		/* One byte less has no room. */
		if (n)
			assert_int_equal(b64_decode(out, n - 1, buf_view(&b)),
					 -1);
		buf_reset(&b);
		b64_put(&b, span_str(rows[i].bytes), true);
		assert_int_equal(
			b64_decode_bare(out, sizeof(out), buf_view(&b)), n);
	}
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(b64_decode(out, sizeof(out), span_str(bad[i])),
				 -1);
	assert_int_equal(b64_decode_bare(out, sizeof(out), SPAN_LIT("Zg==")),
			 -1);
}

/* The first of BIP 173's own, and one of ours with each character changed. */
static void test_bech32(void **)
{
	char text[BECH32_TEXT_MAX], other[BECH32_TEXT_MAX];
	uint8_t data[32], back[BECH32_DATA_MAX];
	size_t i;

	assert_int_equal(bech32_decode(back, "a", SPAN_LIT("A12UEL5L")), 0);
	assert_int_equal(bech32_decode(back, "a", SPAN_LIT("a12uel5l")), 0);
	assert_int_equal(bech32_decode(back, "a", SPAN_LIT("A12uEL5L")), -1);
	memset(data, 0xa5, sizeof(data));
	assert_int_equal(bech32_encode(text, "age", data, sizeof(data)), 0);
	assert_int_equal(bech32_decode(back, "age", span_str(text)), 32);
	assert_memory_equal(back, data, 32);
	for (i = 0; text[i]; i++) {
		memcpy(other, text, sizeof(other));
		other[i] = other[i] == 'q' ? 'p' : 'q';
		assert_int_equal(bech32_decode(back, "age", span_str(other)),
				 -1);
	}
	for (i = 0; i < strlen(text); i++)
		assert_int_equal(bech32_decode(back, "age", span_of(text, i)),
				 -1);
}

/* Every length around a line, and every cut of one. */
static void test_armor(void **)
{
	uint8_t bytes[200];
	size_t n, cut;

	memset(bytes, 0x5a, sizeof(bytes));
	for (n = 1; n <= sizeof(bytes); n++) {
		CLEAN_BUF struct buf text;
		CLEAN_BUF struct buf back;

		buf_init(&text, 4096);
		buf_init(&back, 4096);
		armor_encode(&text, span_of(bytes, n));
		assert_true(armor_is(buf_view(&text)));
		assert_int_equal(armor_decode(&back, buf_view(&text)), 0);
		assert_int_equal(back.n, n);
		assert_memory_equal(back.p, bytes, n);
		if (n != 49)
			continue;
		/* But for its last line end it is whole or nothing. */
		for (cut = 0; cut + 1 < text.n; cut++) {
			buf_reset(&back);
			assert_int_equal(
				armor_decode(&back, span_of(text.p, cut)), -1);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_b64),
		cmocka_unit_test(test_bech32),
		cmocka_unit_test(test_armor),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
