/* Tests of aside: there and back, its limits, its hash. */
#include "proto/aside.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "base/str.h"

static struct aside_arg in[LIMIT_ARGS + 1], out[LIMIT_ARGS];

static void fill(uint32_t n)
{
	uint32_t i;

	for (i = 0; i < n; i++) {
		memset(in[i].salt, (int)i, ASIDE_SALT);
		in[i].name = SPAN_LIT("body");
		in[i].value = i % 2 ? SPAN_LIT("") : SPAN_LIT("a\0b");
	}
}

static void there_and_back(void **)
{
	uint32_t n, i;

	for (n = 0; n <= LIMIT_ARGS; n += n < 2 ? 1 : LIMIT_ARGS / 2 - 1) {
		CLEAN_BUF struct buf b;

		fill(n);
		buf_init(&b, ASIDE_MAX);
		aside_encode(&b, in, n);
		assert_true(buf_ok(&b));
		assert_int_equal(aside_decode(buf_view(&b), out), (int)n);
		for (i = 0; i < n; i++) {
			assert_memory_equal(in[i].salt, out[i].salt,
					    ASIDE_SALT);
			assert_true(span_eq(in[i].name, out[i].name));
			assert_true(span_eq(in[i].value, out[i].value));
		}
	}
}

/* Cut anywhere, longer, of another version, one too many. */
static void refused(void **)
{
	CLEAN_BUF struct buf b;
	size_t i;

	fill(3);
	buf_init(&b, ASIDE_MAX);
	aside_encode(&b, in, 3);
	for (i = 0; i < b.n; i++)
		assert_int_equal(aside_decode(span_of(b.p, i), out), -1);
	buf_u8(&b, 0);
	assert_int_equal(aside_decode(buf_view(&b), out), -1);
	buf_cut(&b, b.n - 1);
	b.p[0] = 2;
	assert_int_equal(aside_decode(buf_view(&b), out), -1);
	buf_reset(&b);
	fill(LIMIT_ARGS + 1);
	aside_encode(&b, in, LIMIT_ARGS + 1);
	assert_int_equal(aside_decode(buf_view(&b), out), -1);
}

static void largest(void **)
{
	static uint8_t bytes[ASIDE_MAX];
	const size_t head = 1 + 4 + ASIDE_SALT + 4 + 4;
	CLEAN_BUF struct buf b;

	in[0] = (struct aside_arg){ .value = { bytes, ASIDE_MAX - head } };
	buf_init(&b, (size_t)2 * ASIDE_MAX);
	aside_encode(&b, in, 1);
	assert_true(buf_ok(&b));
	assert_int_equal(aside_decode(buf_view(&b), out), 1);
	buf_reset(&b);
	in[0].value.n++;
	aside_encode(&b, in, 1);
	assert_false(buf_ok(&b));
}

/* printf 'SSSSSSSSSSSSSSSSbytes' | sha256sum */
static void hashed(void **)
{
	struct aside_arg a = { .value = SPAN_LIT("bytes") };
	uint8_t sum[SHA256_LEN];
	char hex[2 * SHA256_LEN + 1];

	memset(a.salt, 'S', ASIDE_SALT);
	aside_hash(&a, sum);
	hex_encode(hex, sum, sizeof(sum));
	assert_string_equal(hex, "d6d4e5fb2d44495c5c7833fab95285de86f2b077274f7"
				 "d57d61357e62b8d0a00");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(there_and_back),
		cmocka_unit_test(refused),
		cmocka_unit_test(largest),
		cmocka_unit_test(hashed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
