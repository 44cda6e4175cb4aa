/*
 * skeleton_test: names that look alike are told, names that do not are not.
 * Where BULKHEAD_CORPORA names a folder with unicode/confusables.txt, each pair
 * in it as well.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "base/testing.h"
#include "render/skeleton.h"

static void test_alike(void **)
{
	static const struct {
		const char *a, *b;
		bool alike;
	} rows[] = {
		{ "lea@example.org", "lea@example.org", false },
		{ "Iea@example.org", "lea@example.org", true },
		{ "1ea@example.org", "lea@example.org", true },
		/* Cyrillic e and a */
		{ "l\xd0\xb5"
		  "a@example.org",
		  "lea@example.org", true },
		{ "l\xd0\xb5\xd0\xb0@example.org", "lea@example.org", true },
		{ "lea@exarnple.org", "lea@example.org", true },
		{ "LEA@example.org", "lea@example.org", true },
		/* a zero width space is not seen */
		{ "le\xe2\x80\x8b"
		  "a@example.org",
		  "lea@example.org", true },
		/* one letter, or a letter and a mark */
		{ "le\xc3\xa1", "lea\xcc\x81", true },
		/* fullwidth letters */
		{ "\xef\xbd\x8c\xef\xbd\x85\xef\xbd\x81", "lea", true },
		{ "max@example.org", "lea@example.org", false },
		{ "lea@example.com", "lea@example.org", false },
		{ "le\xff", "lea", false },
		{ "", "", false },
		{ "", "a", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct span a = span_str(rows[i].a), b = span_str(rows[i].b);

		if (skeleton_alike(a, b) != rows[i].alike ||
		    skeleton_alike(b, a) != rows[i].alike)
			fail_msg("%s and %s", rows[i].a, rows[i].b);
	}
}

static void test_mixed(void **)
{
	static const struct {
		const char *text;
		bool mixed;
	} rows[] = {
		{ "", false },
		{ "lea@example.org", false },
		{ "123", false },
		{ "b\xc3\xbc"
		  "cher",
		  false },
		{ "\xd0\xbf\xd1\x80\xd0\xb8\xd0\xbc\xd0\xb5\xd1\x80", false },
		{ "l\xd0\xb5"
		  "a",
		  true },
		/* Greek and Latin */
		{ "\xce\xb1lpha", true },
		/* Han, Hiragana and Katakana are Japanese together */
		{ "\xe6\xbc\xa2\xe3\x81\xb2\xe3\x82\xab", false },
		/* Han and Hangul are Korean */
		{ "\xe6\xbc\xa2\xed\x95\x9c", false },
		/* Katakana and Hangul are nobody's */
		{ "\xe3\x82\xab\xed\x95\x9c", true },
		{ "a\xff", true },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (skeleton_mixed(span_str(rows[i].text)) != rows[i].mixed)
			fail_msg("%s", rows[i].text);
}

static void test_longest(void **)
{
	static char text[SKELETON_MAX + 1];
	size_t n;

	memset(text, 'a', sizeof(text));
	for (n = SKELETON_MAX - 1; n <= SKELETON_MAX + 1; n++) {
		CLEAN_BUF struct buf out;

		buf_init(&out, 1 << 20);
		assert_int_equal(skeleton_put(&out, span_of(text, n), false),
				 n <= SKELETON_MAX);
	}
}

static void put_point(struct buf *b, uint32_t c)
{
	if (c < 0x80) {
		buf_u8(b, (uint8_t)c);
	} else if (c < 0x800) {
		buf_u8(b, (uint8_t)(0xc0 | c >> 6));
		buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	} else {
		if (c < 0x10000) {
			buf_u8(b, (uint8_t)(0xe0 | c >> 12));
		} else {
			buf_u8(b, (uint8_t)(0xf0 | c >> 18));
			buf_u8(b, (uint8_t)(0x80 | (c >> 12 & 0x3f)));
		}
		buf_u8(b, (uint8_t)(0x80 | (c >> 6 & 0x3f)));
		buf_u8(b, (uint8_t)(0x80 | (c & 0x3f)));
	}
}

/* "05AD ;	0596 0301 ;..." */
static bool read_pair(char *line, struct buf *from, struct buf *to)
{
	struct buf *at = from;
	char *p = line, *end;

	while (*p && at) {
		unsigned long c = strtoul(p, &end, 16);

		if (end == p)
			return false;
		put_point(at, (uint32_t)c);
		for (p = end; *p == ' ' || *p == '\t'; p++)
			;
		if (*p == ';')
			at = at == from ? to : NULL;
		while (*p == ';' || *p == ' ' || *p == '\t')
			p++;
	}
	return to->n > 0;
}

/* A few rows are of letters that are taken apart before they are looked up, and
 * the list is of another version than our table. */
static void test_every_pair(void **)
{
	const char *base = getenv("BULKHEAD_CORPORA");
	char path[4096], line[1024];
	size_t pairs = 0, differ = 0;
	FILE *f;

	if (!base || str_printf(path, sizeof(path), "%s/unicode/%s", base,
				"confusables.txt") < 0)
		skip();
	f = fopen(path, "re");
	if (!f)
		skip();
	while (fgets(line, sizeof(line), f)) {
		CLEAN_BUF struct buf from;
		CLEAN_BUF struct buf to;

		buf_init(&from, 256);
		buf_init(&to, 256);
		if (!read_pair(line, &from, &to))
			continue;
		pairs++;
		differ += !skeleton_alike(buf_view(&from), buf_view(&to));
	}
	(void)fclose(f);
	assert_true(pairs > 6000);
	if (differ > 40)
		fail_msg("%zu of %zu pairs differ", differ, pairs);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_alike),
		cmocka_unit_test(test_mixed),
		cmocka_unit_test(test_longest),
		cmocka_unit_test(test_every_pair),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
