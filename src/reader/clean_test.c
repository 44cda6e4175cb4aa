/*
 * clean_test: invisible characters by class, over every code point, and the
 * bounds of what a draft keeps.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "base/str.h"
#include "reader/draft.h"
#include "reader/utf8.h"

static size_t encode(uint32_t c, uint8_t *p)
{
	return (size_t)utf8proc_encode_char((utf8proc_int32_t)c, p);
}

/* No control, format or non-character is left; letters always are. */
static void test_every_code_point(void **)
{
	for (uint32_t c = 0; c <= 0x10ffff; c++) {
		utf8proc_category_t cat =
			utf8proc_category((utf8proc_int32_t)c);
		CLEAN_BUF struct buf out = { .max = 16 };
		uint8_t p[4];
		struct span s;

		if (c >= 0xd800 && c <= 0xdfff)
			continue;
		s = span_of(p, encode(c, p));
		clean_text(s, &out, NULL);
		if (c == '\n' || c == '\t' || c == '\r' || c == 0x2028 ||
		    c == 0x2029) {
			assert_int_equal(out.n, 1);
		} else if (cat == UTF8PROC_CATEGORY_CC ||
			   (c & 0xfffe) == 0xfffe) {
			assert_int_equal(out.n, 0);
		} else if (cat == UTF8PROC_CATEGORY_LL ||
			   cat == UTF8PROC_CATEGORY_LU ||
			   cat == UTF8PROC_CATEGORY_ND ||
			   cat == UTF8PROC_CATEGORY_PO) {
			assert_true(span_eq(buf_view(&out), s));
		}
	}
}

/* Each byte at each place of a text that is longer than a machine word. */
static void test_plain(void **)
{
	for (unsigned int c = 0; c < 256; c++) {
		bool plain = (c >= 0x20 && c < 0x7f) || c == '\n' || c == '\t';

		for (size_t at = 0; at < 20; at++) {
			uint8_t text[20];

			memset(text, at % 2 ? '~' : ' ', sizeof(text));
			text[at] = (uint8_t)c;
			assert_int_equal(
				clean_is_plain(span_of(text, sizeof(text))),
				plain);
			assert_true(clean_is_plain(span_of(text, at)));
		}
	}
}

static void test_kinds(void **)
{
	static const struct {
		const char *text;
		enum message_removed_kind kind;
		uint32_t count;
		const char *left;
		const char *evidence;
	} rows[] = {
		{ "a\xe2\x80\x8b"
		  "b",
		  REMOVED_ZERO_WIDTH, 1, "ab", "U+200B" },
		{ "\xef\xbb\xbfx", REMOVED_ZERO_WIDTH, 1, "x", "U+FEFF" },
		{ "\xe2\x80\xaex\xe2\x80\xac", REMOVED_BIDI, 2, "x",
		  "U+202E U+202C" },
		{ "\xf3\xa0\x81\xa8\xf3\xa0\x81\xa9", REMOVED_TAG_CHARS, 2, "",
		  "hi" },
		{ "a\x1b[0m", REMOVED_CONTROL, 1, "a[0m", "U+001B" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf out = { .max = 100 };
		struct draft_removed *row;
		struct draft d;

		draft_init(&d);
		clean_text(span_str(rows[i].text), &out, &d);
		assert_string_equal(buf_cstr(&out), rows[i].left);
		row = &d.removed[rows[i].kind];
		assert_int_equal(row->count, rows[i].count);
		assert_string_equal(buf_cstr(&row->text), rows[i].evidence);
		draft_done(&d);
	}
}

static void test_line_ends(void **)
{
	CLEAN_BUF struct buf out = { .max = 100 };

	clean_text(SPAN_LIT("a\r\nb\rc\n\r\nd\r"), &out, NULL);
	assert_string_equal(buf_cstr(&out), "a\nb\nc\n\nd\n");
}

/* The body at its limit, one below, one above; no character is halved. */
static void test_body_limit(void **)
{
	uint8_t *text = malloc(MESSAGE_BODY_MAX + 2);
	struct draft d;

	memset(text, 'x', MESSAGE_BODY_MAX + 2);
	for (size_t n = MESSAGE_BODY_MAX - 1; n <= MESSAGE_BODY_MAX + 1; n++) {
		draft_init(&d);
		draft_body(&d, span_of(text, n));
		assert_int_equal(d.m.body_cut, n > MESSAGE_BODY_MAX);
		assert_int_equal(d.m.body.n,
				 n > MESSAGE_BODY_MAX ? MESSAGE_BODY_MAX : n);
		draft_done(&d);
	}
	text[MESSAGE_BODY_MAX - 1] = 0xc3;
	text[MESSAGE_BODY_MAX] = 0xa9;
	draft_init(&d);
	draft_body(&d, span_of(text, MESSAGE_BODY_MAX + 1));
	assert_int_equal(d.m.body.n, MESSAGE_BODY_MAX - 1);
	draft_done(&d);
	free(text);
}

/* More links than there is room for are counted, not written. */
static void test_link_limit(void **)
{
	struct draft d;

	draft_init(&d);
	for (int i = 0; i < MESSAGE_LINKS + 1; i++) {
		char url[64];

		(void)str_printf(url, sizeof(url), "https://a.example/%d", i);
		draft_link(&d, span_str(url), span_str(url));
		draft_link(&d, span_str(url), span_str(url));
	}
	assert_int_equal(d.m.n_links, MESSAGE_LINKS);
	assert_true(d.removed[REMOVED_TRUNCATED].count > 0);
	draft_done(&d);
}

/* However much evidence there is, a draft passes its own checks. */
static void test_evidence_limit(void **)
{
	struct draft d;
	const char *why = "";

	draft_init(&d);
	for (int i = 0; i < 5000; i++)
		draft_remove(&d, REMOVED_COMMENT, 1, SPAN_LIT("caf\xc3\xa9 x"));
	draft_finish(&d);
	assert_int_equal(d.m.removed[0].count, 5000);
	assert_int_equal(message_check(&d.m, &why), 0);
	draft_done(&d);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_code_point),
		cmocka_unit_test(test_plain),
		cmocka_unit_test(test_kinds),
		cmocka_unit_test(test_line_ends),
		cmocka_unit_test(test_body_limit),
		cmocka_unit_test(test_link_limit),
		cmocka_unit_test(test_evidence_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
