/* canary_test: a canary is found in every form and place, any eight characters
 * of it are enough and seven are not, and other texts have none. */
#include "label/canary.h"

#include <stdlib.h>

#include "base/str.h"
#include "base/testing.h"

static struct canaries *c;
static char text[CANARY_LEN + 1];
static const struct canary_tag tag = { CANARY_ITEM, 17, 5 };

static int start(void **)
{
	uint8_t random[CANARY_RANDOM];
	size_t i;

	c = canaries_new();
	assert_non_null(c);
	for (i = 0; i < sizeof(random); i++)
		random[i] = (uint8_t)(i * 37 + 11);
	canary_make(random, text);
	canary_add(c, text, &tag);
	return 0;
}

static int end(void **)
{
	canaries_free(c);
	return 0;
}

static bool finds(struct span s, struct canary_match *m)
{
	return canary_scan(c, s, m);
}

static void encode_base64(struct buf *out, struct span s, const char *alphabet)
{
	size_t i, bits = 0;
	uint32_t acc = 0;

	for (i = 0; i < s.n; i++) {
		acc = acc << 8 | s.p[i];
		for (bits += 8; bits >= 6; bits -= 6)
			buf_u8(out, (uint8_t)alphabet[acc >> (bits - 6) & 63]);
	}
	if (bits)
		buf_u8(out, (uint8_t)alphabet[acc << (6 - bits) & 63]);
}

static void encode_base32(struct buf *out, struct span s, char first)
{
	size_t i, bits = 0;
	uint32_t acc = 0, v;

	for (i = 0; i < s.n; i++) {
		acc = acc << 8 | s.p[i];
		for (bits += 8; bits >= 5; bits -= 5) {
			v = acc >> (bits - 5) & 31;
			buf_u8(out, (uint8_t)(v < 26 ? (uint32_t)first + v
						     : '2' + v - 26));
		}
	}
}

static void reverse(char *s)
{
	size_t n = strlen(s), i;

	for (i = 0; i < n / 2; i++) {
		char k = s[i];

		s[i] = s[n - 1 - i];
		s[n - 1 - i] = k;
	}
}

/* How the words around it go in: as they are, or encoded with it. */
enum how {
	PLAIN,
	UPPER,
	SPACED,
	WIDE,
	HIDDEN,
	BACK,
	PERCENT,
	TWICE,
	HEX,
	HEX_ESCAPED,
	B64,
	B64_URL,
	B64_BACK,
	B32,
	B32_SMALL,
	HOWS
};

static const enum gram_form forms[HOWS] = {
	GRAM_PLAIN,    GRAM_PLAIN,  GRAM_PLAIN,	 GRAM_PLAIN,  GRAM_PLAIN,
	GRAM_REVERSED, GRAM_URL,    GRAM_URL,	 GRAM_HEX,    GRAM_HEX,
	GRAM_BASE64,   GRAM_BASE64, GRAM_BASE64, GRAM_BASE32, GRAM_BASE32,
};

/* Each character as it is, something behind it. */
static void put_each(struct buf *out, const char *s, const char *behind)
{
	for (; *s; s++) {
		buf_u8(out, (uint8_t)*s);
		buf_str(out, behind);
	}
}

/* Each as two digits, something before them. */
static void put_hex(struct buf *out, const char *before, const char *s)
{
	for (; *s; s++) {
		buf_str(out, before);
		buf_printf(out, "%02X", (unsigned)(uint8_t)*s);
	}
}

static void put(struct buf *out, enum how how, const char *s)
{
	static const char b64[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
				  "stuvwxyz0123456789+/";
	static const char url[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqr"
				  "stuvwxyz0123456789-_";
	char back[64];
	const char *p;

	(void)str_printf(back, sizeof(back), "%s", s);
	reverse(back);
	switch (how) {
	case UPPER:
		for (p = s; *p; p++)
			buf_u8(out, (uint8_t)(*p >= 'a' ? *p - 32 : *p));
		break;
	case SPACED:
		put_each(out, s, "-. ");
		break;
	case WIDE: /* U+FF01 and on */
		for (p = s; *p; p++) {
			unsigned k = 0xff00u + (uint8_t)*p - 0x20;

			buf_u8(out, (uint8_t)(0xe0 | k >> 12));
			buf_u8(out, (uint8_t)(0x80 | (k >> 6 & 63)));
			buf_u8(out, (uint8_t)(0x80 | (k & 63)));
		}
		break;
	case HIDDEN:
		put_each(out, s, "\xe2\x80\x8b");
		break;
	case BACK:
		buf_str(out, back);
		break;
	case PERCENT:
		put_hex(out, "%", s);
		break;
	case TWICE:
		put_hex(out, "%25", s);
		break;
	case HEX:
		put_hex(out, "", s);
		break;
	case HEX_ESCAPED:
		put_hex(out, "\\x", s);
		break;
	case B64:
		encode_base64(out, span_str(s), b64);
		break;
	case B64_URL:
		encode_base64(out, span_str(s), url);
		break;
	case B64_BACK:
		encode_base64(out, span_str(back), b64);
		break;
	case B32:
		encode_base32(out, span_str(s), 'A');
		break;
	case B32_SMALL:
		encode_base32(out, span_str(s), 'a');
		break;
	case PLAIN:
	case HOWS:
		buf_str(out, s);
		break;
	}
}

/* Whole, behind words of every length that shifts an encoding. */
static void test_forms(void **)
{
	CLEAN_BUF struct buf b;
	struct canary_match m;
	int how;
	size_t i;

	buf_init(&b, 4096);
	for (how = 0; how < HOWS; how++)
		for (i = 0; i < 9; i++) {
			static const char before[] = "QXyzQQyzk";

			buf_reset(&b);
			buf_put(&b, before, i);
			buf_str(&b, how == B32_SMALL ? " " : ":");
			put(&b, (enum how)how, text);
			if (how != B32_SMALL)
				buf_str(&b, ". And so on.");
			if (how >= B64 && i % 4 == 1)
				continue; /* one symbol is no byte */
			if (!finds(buf_view(&b), &m))
				fail_msg("form %d behind %zu: %s", how, i,
					 buf_cstr(&b));
			assert_int_equal(m.form, forms[how]);
			assert_int_equal(m.tag.zone, CANARY_ITEM);
			assert_int_equal(m.tag.task, 17);
			assert_int_equal(m.tag.item, 5);
		}
}

/* Any eight in a row; seven are nothing. */
static void test_parts(void **)
{
	struct canary_match m;
	char part[64];
	size_t i;

	for (i = 0; i + 8 <= CANARY_LEN; i++) {
		(void)str_printf(part, sizeof(part), "see %.8s.", text + i);
		part[4 + 8] = '.';
		assert_true(finds(span_str(part), &m));
	}
	for (i = 0; i + 7 <= CANARY_LEN; i++) {
		(void)str_printf(part, sizeof(part), "%.7s", text + i);
		assert_false(finds(span_str(part), &m));
		/* what follows is another text */
		(void)str_printf(part, sizeof(part), "%.7sa", text + i);
		assert_false(finds(span_str(part), &m));
	}
	/* cut in two between two values: each half is enough */
	assert_true(finds(span_of(text, 10), &m));
	assert_true(finds(span_of(text + 10, 10), &m));
}

static void test_nothing(void **)
{
	static const char *const texts[] = {
		"",
		"A",
		"Dear Lea, the invoice 4471 of 12 March is paid. Yours, Max",
		"https://example.org/a/b?c=d&e=%41%42%43",
		"QmFzZTY0IG9mIHNvbWV0aGluZyBlbHNlIGFsdG9nZXRoZXI=",
		"bcdfghjkbcdfghjkbcdfghjk01234567890123456789",
	};
	struct canaries *empty = canaries_new();
	struct canary_match m;
	uint8_t noise[4096];
	uint32_t x = 1;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		assert_false(finds(span_str(texts[i]), &m));
	for (i = 0; i < sizeof(noise); i++) {
		x = x * 1664525 + 1013904223;
		noise[i] = (uint8_t)(x >> 24);
	}
	assert_false(finds(span_of(noise, sizeof(noise)), &m));
	assert_non_null(empty);
	assert_false(canary_scan(empty, span_str(text), &m));
	canaries_free(empty);
}

/* The oldest goes, but none of the run. */
static void test_many(void **)
{
	char other[CANARY_LIVE + 2][CANARY_LEN + 1];
	const struct canary_tag run = { .zone = CANARY_RUN };
	uint8_t random[CANARY_RANDOM] = { 0 };
	struct canary_match m;
	uint64_t x = 7;
	size_t i;

	/* As often as one asks for the same: it takes one place. */
	for (i = 0; i < (size_t)2 * CANARY_LIVE; i++)
		canary_add(c, text, &tag);
	for (i = 0; i < CANARY_LIVE + 2; i++) {
		struct canary_tag t = { CANARY_TASK, i + 1, 0 };
		size_t k;

		for (k = 0; k < sizeof(random); k++) {
			x = x * UINT64_C(6364136223846793005) + 1;
			random[k] = (uint8_t)(x >> 56);
		}
		canary_make(random, other[i]);
		canary_add(c, other[i], i ? &t : &run);
	}
	assert_false(finds(span_str(text), &m)); /* the first */
	assert_true(finds(span_str(other[0]), &m));
	assert_int_equal(m.tag.zone, CANARY_RUN);
	assert_true(finds(span_str(other[CANARY_LIVE + 1]), &m));
	assert_int_equal(m.tag.zone, CANARY_TASK);
}

/* What is too long to be looked at is not passed by. */
static void test_too_long(void **)
{
	struct canary_match m;
	size_t n = 17 * (size_t)GRAM_VALUE_MAX;
	char *s = malloc(n);

	assert_non_null(s);
	memset(s, 'a', n);
	assert_true(finds(span_of(s, n), &m));
	assert_int_equal(m.tag.zone, 0);
	assert_false(finds(span_of(s, 4 * (size_t)GRAM_VALUE_MAX), &m));
	free(s);
}

static void test_make(void **)
{
	uint8_t random[CANARY_RANDOM];
	char one[CANARY_LEN + 1];
	unsigned seen[256] = { 0 };
	int i, k;

	for (i = 0; i < 256; i++) {
		memset(random, i, sizeof(random));
		canary_make(random, one);
		assert_int_equal(strlen(one), CANARY_LEN);
		for (k = 1; k < CANARY_LEN; k++)
			assert_int_equal(one[k], one[0]);
		seen[(uint8_t)one[0]]++;
	}
	for (i = 0; i < 256; i++)
		assert_true(seen[i] == 0 || seen[i] == 8);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(test_forms, start, end),
		cmocka_unit_test_setup_teardown(test_parts, start, end),
		cmocka_unit_test_setup_teardown(test_nothing, start, end),
		cmocka_unit_test_setup_teardown(test_many, start, end),
		cmocka_unit_test_setup_teardown(test_too_long, start, end),
		cmocka_unit_test(test_make),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
