/*
 * sha256_test: FIPS 180-4 and RFC 4231 vectors, every split, every padding
 * length (the reference for those being one call against byte by byte).
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/sha256.h"
#include "base/str.h"

static void digest(struct span s, uint8_t ret[SHA256_LEN])
{
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, s);
	sha256_final(&h, ret);
}

static void check_hex(const uint8_t got[SHA256_LEN], const char *want)
{
	char hex[2 * SHA256_LEN + 1];

	hex_encode(hex, got, SHA256_LEN);
	assert_string_equal(hex, want);
}

static const struct {
	const char *text, *want;
} hash_rows[] = {
	{ "", "e3b0c44298fc1c149afbf4c8996fb924"
	      "27ae41e4649b934ca495991b7852b855" },
	{ "abc", "ba7816bf8f01cfea414140de5dae2223"
		 "b00361a396177a9cb410ff61f20015ad" },
	{ "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	  "248d6a61d20638b8e5c026930c3e6039"
	  "a33ce45964ff2167f6ecedd419db06c1" },
	{ "abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmn"
	  "hijklmnoijklmnopjklmnopqklmnopqrlmnopqrsmnopqrstnopqrstu",
	  "cf5b16a778af8380036ce59e7b049237"
	  "0b249b11e8f07a51afac45037afee9d1" },
};

static void test_vectors(void **)
{
	uint8_t got[SHA256_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hash_rows); i++) {
		digest(span_str(hash_rows[i].text), got);
		check_hex(got, hash_rows[i].want);
	}
}

static void test_million(void **)
{
	uint8_t a[1000], got[SHA256_LEN];
	struct sha256 h;
	size_t i;

	memset(a, 'a', sizeof(a));
	sha256_init(&h);
	for (i = 0; i < 1000; i++)
		sha256_add(&h, span_of(a, sizeof(a)));
	sha256_final(&h, got);
	check_hex(got, "cdc76e5c9914fb9281a1c7e284d73e67"
		       "f1809a48a497200e046d39ccc7112cd0");
}

static void test_every_split(void **)
{
	uint8_t text[200], want[SHA256_LEN], got[SHA256_LEN];
	size_t n, cut;

	for (n = 0; n < sizeof(text); n++)
		text[n] = (uint8_t)(n * 7 + 3);
	for (n = 0; n <= sizeof(text); n++) {
		digest(span_of(text, n), want);
		for (cut = 0; cut <= n; cut++) {
			struct sha256 h;

			sha256_init(&h);
			sha256_add(&h, span_of(text, cut));
			sha256_add(&h, span_of(text + cut, n - cut));
			sha256_final(&h, got);
			assert_memory_equal(got, want, sizeof(got));
		}
	}
}

/* RFC 4231, cases 1 to 4, 6 and 7; rep: the byte of a repeated key or text. */
static const struct {
	const char *key;
	size_t key_n;
	uint8_t key_rep;
	const char *text;
	size_t text_n;
	uint8_t text_rep;
	const char *want;
} mac_rows[] = {
	{ .key_n = 20,
	  .key_rep = 0x0b,
	  .text = "Hi There",
	  .want = "b0344c61d8db38535ca8afceaf0bf12b"
		  "881dc200c9833da726e9376c2e32cff7" },
	{ .key = "Jefe",
	  .text = "what do ya want for nothing?",
	  .want = "5bdcc146bf60754e6a042426089575c7"
		  "5a003f089d2739839dec58b964ec3843" },
	{ .key_n = 20,
	  .key_rep = 0xaa,
	  .text_n = 50,
	  .text_rep = 0xdd,
	  .want = "773ea91e36800e46854db8ebd09181a7"
		  "2959098b3ef8c122d9635514ced565fe" },
	{ .key = "\x01\x02\x03\x04\x05\x06\x07\x08\x09\x0a\x0b\x0c\x0d\x0e\x0f"
		 "\x10\x11\x12\x13\x14\x15\x16\x17\x18\x19",
	  .text_n = 50,
	  .text_rep = 0xcd,
	  .want = "82558a389a443c0ea4cc819899f2083a"
		  "85f0faa3e578f8077a2e3ff46729665b" },
	{ .key_n = 131,
	  .key_rep = 0xaa,
	  .text = "Test Using Larger Than Block-Size Key - Hash Key First",
	  .want = "60e431591ee0b67f0d8a26aacbf5b77f"
		  "8e0bc6213728c5140546040f0ee37f54" },
	{ .key_n = 131,
	  .key_rep = 0xaa,
	  .text = "This is a test using a larger than block-size key and a "
		  "larger than block-size data. The key needs to be hashed "
		  "before being used by the HMAC algorithm.",
	  .want = "9b09ffa71b942fcb27635fbcd5b0e944"
		  "bfdc63644f0713938a7f51535c3a35e2" },
};

static struct span fill(uint8_t *dst, const char *s, size_t n, uint8_t rep)
{
	if (s)
		return span_str(s);
	memset(dst, rep, n);
	return span_of(dst, n);
}

static void test_hmac(void **)
{
	uint8_t key[256], text[256], got[SHA256_LEN];
	size_t i;

	for (i = 0; i < ARRAY_SIZE(mac_rows); i++) {
		struct hmac_sha256 m;

		hmac_sha256_init(&m,
				 fill(key, mac_rows[i].key, mac_rows[i].key_n,
				      mac_rows[i].key_rep));
		hmac_sha256_add(&m,
				fill(text, mac_rows[i].text, mac_rows[i].text_n,
				     mac_rows[i].text_rep));
		hmac_sha256_final(&m, got);
		check_hex(got, mac_rows[i].want);
	}
}

static void test_equal(void **)
{
	uint8_t a[33] = { 1, 2, 3 }, b[33] = { 1, 2, 3 };
	size_t i;

	assert_true(mem_equal_ct(a, b, sizeof(a)));
	assert_true(mem_equal_ct(a, b, 0));
	for (i = 0; i < sizeof(a); i++) {
		b[i] ^= 0x80;
		assert_false(mem_equal_ct(a, b, sizeof(a)));
		assert_true(mem_equal_ct(a, b, i));
		b[i] ^= 0x80;
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_vectors),
		cmocka_unit_test(test_million),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_hmac),
		cmocka_unit_test(test_equal),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
