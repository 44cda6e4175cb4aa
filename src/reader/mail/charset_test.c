/*
 * charset_test: every table against this host's iconv, the decoders without a
 * table, and the names.
 */
#include "reader/mail/charset.h"

#include <iconv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"
#include "reader/mail/charset_list.h"
#include "reader/mail/flaw.h"

#define BAD "\xef\xbf\xbd"
#define S(s)                                                                   \
	{                                                                      \
		(const uint8_t *)("" s), sizeof(s) - 1                         \
	}

/* What iconv says; empty if these bytes are no character. */
static size_t ask(iconv_t cd, const uint8_t *p, size_t n, char *dst, size_t cap)
{
	char in[8];
	char *src = in;
	char *to = dst;
	size_t left = n;
	size_t room = cap;

	memcpy(in, p, n);
	(void)iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &src, &left, &to, &room) == (size_t)-1 || left ||
	    iconv(cd, NULL, NULL, &to, &room) == (size_t)-1)
		return 0;
	return cap - room;
}

/* Ours is iconv's, or begins with U+FFFD where iconv has nothing. */
static void same(iconv_t cd, struct span charset, const uint8_t *p, size_t n)
{
	CLEAN_BUF struct buf got = { .max = 100 };
	uint32_t flaws = 0;
	char want[16];
	size_t len = ask(cd, p, n, want, sizeof(want));

	charset_to_utf8(span_of(p, n), charset, &got, &flaws);
	assert_int_equal(flaws, 0);
	assert_true(utf8_valid(buf_view(&got)));
	if (len ? !span_eq(buf_view(&got), span_of(want, len))
		: got.n < 3 || memcmp(got.p, "\xef\xbf\xbd", 3) != 0)
		fail_msg("%.*s: %02x %02x %02x %02x: %s", (int)charset.n,
			 (const char *)charset.p, p[0], n > 1 ? p[1] : 0,
			 n > 2 ? p[2] : 0, n > 3 ? p[3] : 0, buf_cstr(&got));
}

static void test_one_byte(void **)
{
#define NAME(name, iconv) { #name, iconv },
	static const char *const rows[][2] = { CHARSETS_OF_ONE_BYTE(NAME) };

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		iconv_t cd = iconv_open("UTF-8", rows[i][1]);

		assert_int_not_equal((intptr_t)cd, -1);
		for (unsigned int b = 0; b < 0x100; b++) {
			uint8_t c = (uint8_t)b;
			struct span name = span_str(rows[i][0]);

			/* the only name that nobody writes like this */
			if (strcmp(rows[i][0], "MAC_CYRILLIC") == 0)
				name = SPAN_LIT("x-mac-cyrillic");
			same(cd, name, &c, 1);
		}
		(void)iconv_close(cd);
	}
}

/* All pairs with a lead that is none by itself. */
static void test_two_bytes(void **)
{
	static const struct {
		const char *name;
		const char *iconv;
		uint8_t prefix;
		uint8_t from, to; /* leads */
		uint8_t but_from, but_to;
	} rows[] = {
		{ "gbk", "GB18030", 0, 0x81, 0xfe, 0, 0 },
		{ "big5", "BIG5-HKSCS", 0, 0x81, 0xfe, 0, 0 },
		{ "euc-kr", "CP949", 0, 0x81, 0xfe, 0, 0 },
		{ "shift_jis", "CP932", 0, 0x81, 0xfc, 0xa0, 0xdf },
		{ "euc-jp", "EUC-JP", 0x8f, 0xa1, 0xfe, 0, 0 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		iconv_t cd = iconv_open("UTF-8", rows[i].iconv);

		assert_int_not_equal((intptr_t)cd, -1);
		for (unsigned int l = rows[i].from; l <= rows[i].to; l++) {
			if (l >= rows[i].but_from && l <= rows[i].but_to)
				continue;
			for (unsigned int t = 0x40; t < 0x100; t++) {
				uint8_t p[3] = { rows[i].prefix, (uint8_t)l,
						 (uint8_t)t };
				size_t skip = !rows[i].prefix;

				if (rows[i].prefix && t < 0xa1)
					continue;
				same(cd, span_str(rows[i].name), p + skip,
				     3 - skip);
			}
		}
		(void)iconv_close(cd);
	}
}

static void test_four_bytes(void **)
{
	iconv_t cd = iconv_open("UTF-8", "GB18030");

	assert_int_not_equal((intptr_t)cd, -1);
	for (unsigned int i = 0; i < 126 * 12600; i++) {
		uint8_t p[4] = { (uint8_t)(0x81 + i / 12600),
				 (uint8_t)(0x30 + i / 1260 % 10),
				 (uint8_t)(0x81 + i / 10 % 126),
				 (uint8_t)(0x30 + i % 10) };

		/* all of plane 0, and some of the others */
		if (i >= 39420 + 10 && i % 97)
			continue;
		same(cd, SPAN_LIT("gb18030"), p, 4);
	}
	(void)iconv_close(cd);
}

/* The three encodings of JIS X 0208 are one table. */
static void test_jis(void **)
{
	for (unsigned int l = 0x21; l < 0x7f; l++) {
		for (unsigned int t = 0x21; t < 0x7f; t++) {
			CLEAN_BUF struct buf a = { .max = 100 };
			CLEAN_BUF struct buf b = { .max = 100 };
			CLEAN_BUF struct buf c = { .max = 100 };
			uint8_t euc[] = { (uint8_t)(l | 0x80),
					  (uint8_t)(t | 0x80) };
			uint8_t iso[] = { 0x1b, '$', 'B', (uint8_t)l,
					  (uint8_t)t };
			unsigned int cell = t - 0x21 + (l - 0x21) % 2 * 94;
			unsigned int row = (l - 0x21) / 2;
			uint8_t sjis[] = {
				(uint8_t)(row + (row < 31 ? 0x81 : 0xc1)),
				(uint8_t)(cell + (cell < 63 ? 0x40 : 0x41))
			};
			uint32_t flaws = 0;

			charset_to_utf8(span_of(euc, 2), SPAN_LIT("euc-jp"), &a,
					&flaws);
			charset_to_utf8(span_of(iso, 5),
					SPAN_LIT("iso-2022-jp"), &b, &flaws);
			charset_to_utf8(span_of(sjis, 2), SPAN_LIT("sjis"), &c,
					&flaws);
			assert_string_equal(buf_cstr(&a), buf_cstr(&b));
			/* of no character a byte may be left, here and there */
			if (a.n < 3 || memcmp(a.p, BAD, 3) != 0)
				assert_string_equal(buf_cstr(&a), buf_cstr(&c));
			else
				assert_memory_equal(buf_cstr(&c), BAD, 3);
		}
	}
}

static void test_texts(void **)
{
	static const struct {
		const char *charset;
		struct span in;
		const char *want;
	} rows[] = {
		{ "utf-8",
		  S("a\xff\xc3"
		    "b\xc3\xa9\xed\xa0\x80"),
		  "a" BAD BAD "b\xc3\xa9" BAD BAD BAD },
		{ "", S("caf\xe9"), "caf\xc3\xa9" },
		{ "us-ascii", S("caf\xc3\xa9"), "caf\xc3\xa9" },
		{ "unknown-8bit", S("\x80"), "\xe2\x82\xac" },
		{ "iso-8859-1", S("\x93\xe9"), "\xe2\x80\x9c\xc3\xa9" },
		{ "utf-16", S("\xfe\xff\0a"), "a" },
		{ "utf-16",
		  S("\xff\xfe"
		    "a\0"),
		  "a" },
		{ "utf-16", S("a\0"), "a" },
		{ "utf-16le", S("\x3d\xd8\0\xde"), "\xf0\x9f\x98\x80" },
		{ "utf-16be", S("\xd8\x3d\xde\0"), "\xf0\x9f\x98\x80" },
		{ "utf-16be", S("\xd8\x3d\0a"), BAD "a" },
		{ "utf-16be", S("\xde\0\xd8\x3d"), BAD BAD },
		{ "utf-16be", S("\0a\0"), "a" BAD },
		{ "utf-7", S("a+AOk-b+-+2D3eAA-"),
		  "a\xc3\xa9"
		  "b+\xf0\x9f\x98\x80" },
		{ "utf-7", S("+AOk b\xe9"), "\xc3\xa9 b" BAD },
		{ "utf-7", S("+"), "" },
		{ "utf-7", S("+2D0-x"), BAD "x" },
		{ "iso-2022-jp", S("a\x1b$B$3\x1b(Bb"),
		  "a\xe3\x81\x93"
		  "b" },
		{ "iso-2022-jp", S("\x1b(I1\x1b(J\\~\x1b(B\\"),
		  "\xef\xbd\xb1\xc2\xa5\xe2\x80\xbe\\" },
		{ "iso-2022-jp", S("\x1b$B$"), BAD },
		{ "iso-2022-jp", S("\x1b$B\n$3"), "\n\xe3\x81\x93" },
		{ "iso-2022-jp", S("\x1b[\xe9"), BAD "[" BAD },
		/* markup survives a broken character before it */
		{ "gbk", S("\x81<b>"), BAD "<b>" },
		{ "big5", S("\x81<b>"), BAD "<b>" },
		{ "euc-kr", S("\x81<b>"), BAD "<b>" },
		{ "shift_jis", S("\x81<b>"), BAD "<b>" },
		{ "euc-jp", S("\xa4<b>"), BAD "<b>" },
		{ "gbk", S("\x80\xff"), "\xe2\x82\xac" BAD },
		{ "big5", S("\x88\x62\x88\xa5"),
		  "\xc3\x8a\xcc\x84\xc3\xaa\xcc\x8c" },
		{ "shift_jis", S("\xb1\xa0\xfd"), "\xef\xbd\xb1" BAD BAD },
		{ "euc-jp", S("\x8e\xb1\x8f\xa1"), "\xef\xbd\xb1" BAD BAD },
		{ "x-none", S("caf\xc3\xa9"), "caf\xc3\xa9" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf out = { .max = 1000 };
		uint32_t flaws = 0;

		charset_to_utf8(rows[i].in, span_str(rows[i].charset), &out,
				&flaws);
		if (strcmp(buf_cstr(&out), rows[i].want) != 0)
			fail_msg("row %zu: %s for %s", i, buf_cstr(&out),
				 rows[i].want);
		assert_int_equal(flaws, strcmp(rows[i].charset, "x-none") == 0
						? 1u << FLAW_UNKNOWN_CHARSET
						: 0);
	}
}

/* Every beginning of every encoding's worst text has room, and is UTF-8. */
static void test_room(void **)
{
	static const char *const names[] = {
		"utf-8",  "",	    "gb18030", "big5",	      "euc-kr", "sjis",
		"euc-jp", "utf-16", "utf-7",   "iso-2022-jp", "koi8-r",
	};
	uint8_t in[256];
	uint32_t noise = 1;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		for (unsigned int n = 0; n < 2000; n++) {
			CLEAN_BUF struct buf out = { .max = 1000 };
			uint32_t flaws = 0;
			size_t len = n % 100;

			for (size_t k = 0; k < len; k++) {
				noise = noise * 1664525 + 1013904223;
				in[k] = (uint8_t)(noise >> 24);
			}
			charset_to_utf8(span_of(in, len), span_str(names[i]),
					&out, &flaws);
			assert_true(buf_ok(&out) && out.n <= 3 * len + 3);
			assert_true(utf8_valid(buf_view(&out)));
		}
	}
}

/* What is as it should be is not copied. */
static void test_no_copy(void **)
{
	static const char *const names[] = { "utf-8", "", "us-ascii",
					     "iso-8859-1", "gbk" };

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		CLEAN_BUF struct buf out = { .max = 0 };
		struct span s = SPAN_LIT("plain text, nothing else");
		uint32_t flaws = 0;

		assert_ptr_equal(
			charset_text(s, span_str(names[i]), &out, &flaws).p,
			s.p);
	}
}

static void test_names(void **)
{
	static const char *const known[] = {
		"UTF-8",
		"Windows-1252",
		"ISO_8859-1:1987",
		"KOI8-R",
		"Shift_JIS",
		"GB2312",
		"csGB2312",
		"Big5-HKSCS",
		"ks_c_5601-1987",
		"x-sjis",
		"TIS-620",
		"cp866",
		"unicode-1-1-utf-7",
		"ISO-8859-8-I",
		"x-mac-roman",
		"latin1",
	};
	char longest[CHARSET_NAME_MAX + 2];

	for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
		CLEAN_BUF struct buf out = { .max = 1000 };
		uint32_t flaws = 0;

		charset_to_utf8(SPAN_LIT("x"), span_str(known[i]), &out,
				&flaws);
		if (flaws)
			fail_msg("%s is not known", known[i]);
	}
	memset(longest, 'x', sizeof(longest));
	for (size_t n = CHARSET_NAME_MAX; n <= sizeof(longest); n++) {
		CLEAN_BUF struct buf out = { .max = 1000 };
		uint32_t flaws = 0;

		charset_to_utf8(SPAN_LIT("x"), span_of(longest, n), &out,
				&flaws);
		assert_int_equal(flaws, 1u << FLAW_UNKNOWN_CHARSET);
	}
}

static void test_html(void **)
{
	static const char *const rows[][2] = {
		{ "<meta charset=utf-8>", "utf-8" },
		{ "<meta content='text/html; charset=koi8-r'>", "koi8-r" },
		{ "<META CHARSET=\"big5\">", "big5" },
		{ "\xef\xbb\xbf<p>", "utf-8" },
		{ "\xff\xfe<", "utf-16le" },
		{ "\xfe\xff<", "utf-16be" },
		{ "<p>", "" },
		{ "charset=", "" },
		{ "", "" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
		assert_true(span_is(charset_of_html(span_str(rows[i][0])),
				    rows[i][1]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_one_byte),
		cmocka_unit_test(test_two_bytes),
		cmocka_unit_test(test_four_bytes),
		cmocka_unit_test(test_jis),
		cmocka_unit_test(test_texts),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_no_copy),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_html),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
