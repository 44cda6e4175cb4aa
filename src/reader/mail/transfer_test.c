/* transfer_test: each encoding, and what is broken in it. */
#include "reader/mail/transfer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "reader/mail/flaw.h"

static void check(enum transfer t, const char *in, const char *want, bool flaw)
{
	CLEAN_BUF struct buf out = { .max = 1000 };
	uint32_t flaws = 0;
	struct span got = transfer_decode(t, span_str(in), &out, &flaws);

	if (!span_is(got, want))
		fail_msg("%s: %.*s for %s", in, (int)got.n, (const char *)got.p,
			 want);
	if ((flaws != 0) != flaw)
		fail_msg("%s: flaws %x", in, flaws);
}

static void test_base64(void **)
{
	static const struct {
		const char *in;
		const char *want;
		bool flaw;
	} rows[] = {
		{ "", "", false },
		{ "Zg==", "f", false },
		{ "Zm8=", "fo", false },
		{ "Zm9v", "foo", false },
		{ "Zm9v\r\nYg==\r\n", "foob", false },
		{ "Z m\t9\nv", "foo", false },
		{ "Z*m9v", "foo", true },
		{ "Zg==Zg==", "f", true },
		{ "Zg==\n\n", "f", false },
		{ "Zg=\n=", "f", false },
		{ "Zg", "f", true },
		{ "Zm8", "fo", true },
		{ "Z", "", true },
		{ "=Zm9v", "foo", true },
		{ "Zg-_", "f", true },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(TRANSFER_BASE64, rows[i].in, rows[i].want, rows[i].flaw);
}

static void test_quoted(void **)
{
	static const char *const rows[][2] = {
		{ "a=20b=3D=3d", "a b==" },
		{ "a=\nb", "ab" },
		{ "a=\r\nb", "ab" },
		{ "a= \t\nb", "ab" },
		{ "a=", "a" },
		{ "a=  ", "a" },
		{ "a=4", "a=4" },
		{ "a=zz", "a=zz" },
		{ "==\nb", "=b" },
		{ "a_b", "a_b" },
		{ "=C3=A9", "\xc3\xa9" },
		{ "a  \nb", "a  \nb" },
		{ "a=\rb", "a=\rb" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(TRANSFER_QUOTED, rows[i][0], rows[i][1], false);
}

static void test_uu(void **)
{
	static const char *const rows[][2] = {
		{ "begin 644 f\n#0V%T\n`\nend\n", "Cat" },
		{ "x\r\nbegin 644 f\r\n#0V%T\r\n`\r\nend\r\nM", "Cat" },
		{ "begin 644 f\n#0V%T", "Cat" },
		{ "begin 644 f\n#0V", "C" },
		{ "begin 644 f\nM0V\nend", "C" },
		{ "#0V%T\n", "" },
		{ "begin 644 f", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		check(TRANSFER_UU, rows[i][0], rows[i][1], false);
}

/* No decoder writes more than it has read: the room is exactly that. */
static void test_room(void **)
{
	static const enum transfer all[] = { TRANSFER_BASE64, TRANSFER_QUOTED,
					     TRANSFER_UU };
	char in[64] = "begin 644 f\nMMMMMMMMMMMMMMMMMMMM\nMMMMMMMMMMMMM";

	for (size_t n = 0; n < strlen(in); n++) {
		for (size_t i = 0; i < ARRAY_SIZE(all); i++) {
			CLEAN_BUF struct buf out = { .max = n };
			uint32_t flaws = 0;

			(void)transfer_decode(all[i], span_of(in, n), &out,
					      &flaws);
			assert_true(buf_ok(&out) && out.n <= n);
		}
	}
}

static void test_names(void **)
{
	uint32_t flaws = 0;

	assert_int_equal(transfer_of(SPAN_LIT("BASE64"), &flaws),
			 TRANSFER_BASE64);
	assert_int_equal(transfer_of(SPAN_LIT("Quoted-Printable"), &flaws),
			 TRANSFER_QUOTED);
	assert_int_equal(transfer_of(SPAN_LIT("x-uuencode"), &flaws),
			 TRANSFER_UU);
	assert_int_equal(transfer_of(SPAN_LIT("8bit"), &flaws), TRANSFER_NONE);
	assert_int_equal(transfer_of(SPAN_LIT(""), &flaws), TRANSFER_NONE);
	assert_int_equal(flaws, 0);
	assert_int_equal(transfer_of(SPAN_LIT("base-64"), &flaws),
			 TRANSFER_NONE);
	assert_int_equal(flaws, 1u << FLAW_UNKNOWN_ENCODING);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_base64), cmocka_unit_test(test_quoted),
		cmocka_unit_test(test_uu),     cmocka_unit_test(test_room),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
