/* Tests of render: nothing but printable text leaves, and nothing is lost. */
#include "render/render.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>
#include <utf8proc.h>

#include "base/str.h"

enum { POINTS = 0x110000 };

static char *render(struct span text, const struct render_opts *opts,
		    struct render_count *count)
{
	struct buf b;

	buf_init(&b, 64 << 20);
	render_text(&b, text, opts, count);
	assert_true(buf_ok(&b));
	buf_u8(&b, 0);
	return (char *)b.p;
}

/*
 * The test's own reading of what is printable, apart from the code under test:
 * category by utf8proc's two-letter name, Default_Ignorable from the ranges of
 * DerivedCoreProperties.txt (Unicode 15), decoding by hand.
 */
static const struct {
	uint32_t first, last;
} ignorable[] = {
	{ 0xad, 0xad },	      { 0x34f, 0x34f },	    { 0x61c, 0x61c },
	{ 0x115f, 0x1160 },   { 0x17b4, 0x17b5 },   { 0x180b, 0x180f },
	{ 0x200b, 0x200f },   { 0x202a, 0x202e },   { 0x2060, 0x206f },
	{ 0x3164, 0x3164 },   { 0xfe00, 0xfe0f },   { 0xfeff, 0xfeff },
	{ 0xffa0, 0xffa0 },   { 0xfff0, 0xfff8 },   { 0x1bca0, 0x1bca3 },
	{ 0x1d173, 0x1d17a }, { 0xe0000, 0xe0fff },
};

static bool printable(uint32_t c)
{
	static const char *const bad[] = { "Cc", "Cf", "Cs", "Co",
					   "Cn", "Zl", "Zp", "Zs" };
	const char *name;
	size_t i;

	if (c < 0x80)
		return c >= 0x20 && c < 0x7f;
	if (c == 0x2800)
		return false;
	for (i = 0; i < ARRAY_SIZE(ignorable); i++)
		if (c >= ignorable[i].first && c <= ignorable[i].last)
			return false;
	name = utf8proc_category_string((utf8proc_int32_t)c);
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		if (!strcmp(name, bad[i]))
			return false;
	return true;
}

static size_t encode(uint8_t *p, uint32_t c)
{
	if (c < 0x80) {
		p[0] = (uint8_t)c;
		return 1;
	}
	if (c < 0x800) {
		p[0] = (uint8_t)(0xc0 | c >> 6);
		p[1] = (uint8_t)(0x80 | (c & 63));
		return 2;
	}
	if (c < 0x10000) {
		p[0] = (uint8_t)(0xe0 | c >> 12);
		p[1] = (uint8_t)(0x80 | (c >> 6 & 63));
		p[2] = (uint8_t)(0x80 | (c & 63));
		return 3;
	}
	p[0] = (uint8_t)(0xf0 | c >> 18);
	p[1] = (uint8_t)(0x80 | (c >> 12 & 63));
	p[2] = (uint8_t)(0x80 | (c >> 6 & 63));
	p[3] = (uint8_t)(0x80 | (c & 63));
	return 4;
}

/* One code point of text that is known to be valid UTF-8. */
static size_t decode(const uint8_t *p, uint32_t *c)
{
	size_t n = p[0] < 0x80 ? 1 : p[0] < 0xe0 ? 2 : p[0] < 0xf0 ? 3 : 4;
	size_t i;

	*c = n == 1 ? p[0] : p[0] & (0xffu >> (n + 1));
	for (i = 1; i < n; i++)
		*c = *c << 6 | (p[i] & 63u);
	return n;
}

static void assert_printable(struct span out, uint32_t from)
{
	size_t i = 0;

	assert_true(utf8_valid(out));
	while (i < out.n) {
		uint32_t c;

		i += decode(out.p + i, &c);
		if (!printable(c))
			fail_msg("U+%04X let U+%04X through", from, c);
	}
}

/* Goal: every one of the 1,114,112 code points, alone and after a letter,
 * surrogates encoded raw among them, gives printable text only. */
static void test_all_points(void **)
{
	CLEAN_BUF struct buf out;
	size_t shown = 0, fed = 0;
	uint32_t c;

	buf_init(&out, 4096);
	for (c = 0; c < POINTS; c++) {
		uint8_t raw[12] = { 'a' };
		size_t n = encode(raw + 1, c);

		buf_reset(&out);
		render_text(&out, span_of(raw + 1, n), NULL, NULL);
		assert_true(buf_ok(&out) && out.n > 0);
		assert_printable(buf_view(&out), c);
		buf_reset(&out);
		render_text(&out, span_of(raw, n + 1), NULL, NULL);
		assert_printable(buf_view(&out), c);
		shown += out.n == n + 1 && !memcmp(out.p, raw, n + 1);
		fed++;
	}
	assert_int_equal(fed, 1114112);
	/* Not everything may be escaped either: Unicode 15 has 149,186
	 * characters, 137,468 private ones and others not counted. */
	assert_in_range(shown, 140000, 149186);
}

/* Goal: what is printable by the rules and no mark passes unchanged. */
static void test_letters_pass(void **)
{
	CLEAN_BUF struct buf out;
	uint32_t c;

	buf_init(&out, 4096);
	for (c = 0; c < POINTS; c++) {
		uint8_t raw[5];
		size_t n = encode(raw, c);

		if (!printable(c) || c == '\\' || c == 0x21b5 ||
		    utf8proc_category_string((int32_t)c)[0] == 'M')
			continue;
		buf_reset(&out);
		render_text(&out, span_of(raw, n), NULL, NULL);
		if (!span_eq(buf_view(&out), span_of(raw, n)))
			fail_msg("U+%04X was changed", c);
	}
}

/* Goal: every byte and every pair of bytes, valid or not. */
static void test_all_bytes(void **)
{
	CLEAN_BUF struct buf out;
	unsigned a, b;

	buf_init(&out, 4096);
	for (a = 0; a < 256; a++)
		for (b = 0; b < 256; b++) {
			uint8_t raw[2] = { (uint8_t)a, (uint8_t)b };

			buf_reset(&out);
			render_text(&out, span_of(raw, 2), NULL, NULL);
			assert_printable(buf_view(&out), a << 8 | b);
		}
}

/* Goal: all of Unicode as one text, in the eight ways it can be shown. */
static void test_one_text(void **)
{
	CLEAN_BUF struct buf in;
	uint32_t c;
	int way;

	buf_init(&in, 8 << 20);
	for (c = 0; c < POINTS; c++) {
		uint8_t raw[4];

		buf_put(&in, raw, encode(raw, c));
	}
	for (way = 0; way < 8; way++) {
		struct render_opts opts = { .ascii = way & 1,
					    .max = way & 2 ? 100001 : 0,
					    .json = way & 4 };
		CLEAN_BUF struct buf out;

		buf_init(&out, 64 << 20);
		render_text(&out, buf_view(&in), &opts, NULL);
		assert_true(buf_ok(&out));
		assert_printable(buf_view(&out), 0);
	}
}

static const struct row {
	const char *in;
	const char *want;
	size_t hidden, invalid;
} rows[] = {
	{ "", "", 0, 0 },
	{ "plain text", "plain text", 0, 0 },
	{ "gr\xc3\xbc\xc3\x9f", "gr\xc3\xbc\xc3\x9f", 0, 0 },
	{ "a\\b", "a\\\\b", 0, 0 },
	{ "\\u{202E}", "\\\\u{202E}", 0, 0 },
	{ "a\xe2\x80\xae"
	  "b\xe2\x80\xac",
	  "a\\u{202E}b\\u{202C}", 2, 0 },
	{ "a\xe2\x80\x8b\xef\xbb\xbf", "a\\u{200B}\\u{FEFF}", 2, 0 },
	{ "\xf3\xa0\x81\x81", "\\u{E0041}", 1, 0 },
	{ "\x1b[2J", "\\u{1B}[2J", 1, 0 },
	{ "a\tb\r", "a\\u{9}b\\u{D}", 2, 0 },
	{ "a\nb",
	  "a\xe2\x86\xb5"
	  "b",
	  0, 0 },
	{ "a\xe2\x86\xb5"
	  "b",
	  "a\\u{21B5}b", 0, 0 },
	{ "a\xc2\xa0"
	  "b",
	  "a\\u{A0}b", 1, 0 },
	{ "\xe2\xa0\x80", "\\u{2800}", 1, 0 },
	{ "\xe3\x85\xa4", "\\u{3164}", 1, 0 },
	{ "\xff", "\\x{FF}", 0, 1 },
	{ "\xed\xa0\x80", "\\x{ED}\\x{A0}\\x{80}", 0, 3 },
	{ "\xc0\xaf", "\\x{C0}\\x{AF}", 0, 2 },
	{ "a\xe2\x82", "a\\x{E2}\\x{82}", 0, 2 },
	{ "a   b", "a   b", 0, 0 },	      /* at the limit */
	{ "a    b", "a\\{4 spaces}b", 0, 0 }, /* one above */
	{ "a  b", "a  b", 0, 0 },	      /* one below */
	{ "     ", "\\{5 spaces}", 0, 0 },
	{ "   \n   ", "   \xe2\x86\xb5   ", 0, 0 },
	{ "a\\{4 spaces}b", "a\\\\{4 spaces}b", 0, 0 },
	{ "e\xcc\x81", "e\xcc\x81", 0, 0 },
	{ "\xcc\x81", "\\u{301}", 1, 0 },
	{ " \xcc\x81", " \\u{301}", 1, 0 },
};

static void test_rows(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct render_count n;
		char *got = render(span_str(rows[i].in), NULL, &n);

		assert_string_equal(got, rows[i].want);
		assert_int_equal(n.hidden, rows[i].hidden);
		assert_int_equal(n.invalid, rows[i].invalid);
		free(got);
	}
}

/* Goal: the eighth mark on a letter is drawn, the ninth is not. */
static void test_marks(void **)
{
	char in[64] = "a";
	size_t i;

	for (i = 1; i <= 10; i++) {
		struct render_count n;
		char *got;

		memcpy(in + 1 + 2 * (i - 1), "\xcc\x81", 3);
		got = render(span_str(in), NULL, &n);
		assert_int_equal(n.hidden, i > 8 ? i - 8 : 0);
		free(got);
	}
}

static void test_break(void **)
{
	struct render_opts opts = { .newline = RENDER_BREAK, .indent = "> " };
	char *got = render(SPAN_LIT("a\n\nb\n"), &opts, NULL);

	assert_string_equal(got, "a\n> \n> b\n> ");
	free(got);
	opts.indent = NULL;
	got = render(SPAN_LIT("a\nb"), &opts, NULL);
	assert_string_equal(got, "a\nb");
	free(got);
}

static void test_ascii(void **)
{
	struct render_opts opts = { .ascii = true };
	struct render_count n;
	char *got = render(SPAN_LIT("gr\xc3\xbc\nx\\"), &opts, &n);

	assert_string_equal(got, "gr\\u{FC}\\nx\\\\");
	assert_int_equal(n.hidden, 0);
	free(got);
}

/* Goal: the inside of a JSON string, that JSON readers read back. */
static void test_json(void **)
{
	struct render_opts opts = { .json = true };
	char *got = render(
		SPAN_LIT("a\"b\\c\n    \x1b\x7f\xe2\x80\xae\xe2\x80\xac\xf3\xa0"
			 "\x81\x81\xe2\x86\xb5\xff"),
		&opts, NULL);

	assert_string_equal(got,
			    "a\\\"b\\\\c\\n    \\u001b\\u007f\\u202e\\u202c"
			    "\\udb40\\udc41\xe2\x86\xb5\\ufffd");
	free(got);
}

static const struct {
	const char *in;
	size_t max;
	const char *want;
	size_t cut;
} cuts[] = {
	{ "abcdef", 6, "abcdef", 0 },
	{ "abcdef", 7, "abcdef", 0 },
	{ "abcdef", 5, "abc\\{1 bytes left out}ef", 1 },
	{ "abcdef", 4, "ab\\{2 bytes left out}ef", 2 },
	{ "abcdef", 1, "a\\{5 bytes left out}", 5 },
	/* U+20AC three times: never cut inside one */
	{ "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 8,
	  "\xe2\x82\xac\\{3 bytes left out}\xe2\x82\xac", 3 },
	{ "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", 4, "\\{9 bytes left out}",
	  9 },
	/* bytes that continue nothing do not make the cut run away */
	{ "\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 8,
	  "\\x{80}\\{8 bytes left out}\\x{80}", 8 },
};

static void test_cut(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(cuts); i++) {
		struct render_opts opts = { .max = cuts[i].max };
		struct render_count n;
		char *got = render(span_str(cuts[i].in), &opts, &n);

		assert_string_equal(got, cuts[i].want);
		assert_int_equal(n.cut, cuts[i].cut);
		free(got);
	}
}

/* Reads an output of render_text back; the proof that nothing is lost. */
static void unrender(struct buf *b, const char *p)
{
	while (*p) {
		char *end;
		unsigned long v;
		uint8_t raw[4];

		if (!strncmp(p, "\xe2\x86\xb5", 3)) {
			buf_u8(b, '\n');
			p += 3;
		} else if (*p != '\\') {
			buf_u8(b, (uint8_t)*p++);
		} else if (p[1] == '\\') {
			buf_u8(b, '\\');
			p += 2;
		} else if (p[1] == '{') {
			for (v = strtoul(p + 2, &end, 10); v; v--)
				buf_u8(b, ' ');
			p = end + strlen(" spaces}");
		} else {
			v = strtoul(p + 3, &end, 16);
			if (p[1] == 'x')
				buf_u8(b, (uint8_t)v);
			else
				buf_put(b, raw, encode(raw, (uint32_t)v));
			p = end + 1;
		}
	}
}

/* Goal: rendering can be undone, so no two inputs look the same. The inputs
 * are all words of five letters over an alphabet made to collide. */
static void test_injective(void **)
{
	static const char *const alphabet[] = {
		"\\",	     "{",
		"u",	     "x",
		" ",	     "  ",
		"\n",	     "\xe2\x86\xb5",
		"4 spaces}", "\xe2\x80\x8b",
		"\xff",	     "20}",
		"\xcc\x81",
	};
	size_t n = ARRAY_SIZE(alphabet), word, k;
	CLEAN_BUF struct buf in, out;

	buf_init(&in, 4096);
	buf_init(&out, 4096);
	for (word = 0; word < n * n * n * n * n; word++) {
		size_t rest = word;
		char *shown;

		buf_reset(&in);
		buf_reset(&out);
		for (k = 0; k < 5; k++, rest /= n)
			buf_str(&in, alphabet[rest % n]);
		shown = render(buf_view(&in), NULL, NULL);
		unrender(&out, shown);
		if (!span_eq(buf_view(&in), buf_view(&out)))
			fail_msg("word %zu does not come back: %s", word,
				 shown);
		free(shown);
	}
}

static void test_rtl(void **)
{
	assert_false(render_is_rtl(SPAN_LIT("abc 123 \xff")));
	assert_true(render_is_rtl(SPAN_LIT("abc \xd7\x90")));
	assert_true(render_is_rtl(SPAN_LIT("\xd8\xa7")));
}

static void test_wrap(void **)
{
	static const struct {
		const char *text, *want;
	} wraps[] = {
		{ "", "" },
		{ "12345678", "12345678" },
		{ "123456789", "12345678\n| 9" },
		{ "12345678abcdefg", "12345678\n| abcdef\n| g" },
		{ "1234\n56789\n", "1234\n56789\n" },
		/* as wide as it is drawn */
		{ "1234567\xe4\xb8\xad", "1234567\n| \xe4\xb8\xad" },
		{ "12345678\xcc\x81x", "12345678\xcc\x81\n| x" },
		/* an escape stays whole */
		{ "123456\\u{1}x", "123456\n| \\u{1}x" },
		{ "1234567\\\\x", "1234567\n| \\\\x" },
		{ "\\{300 bytes left out}", "\n| \\{300 bytes left out}" },
		/* so does a word */
		{ "123 45678", "123 \n| 45678" },
		{ "123 456789abc", "123 \n| 456789\n| abc" },
		/* and the direction of each line */
		{ "\xe2\x81\xa8\xd7\xa9\n| \xd7\xa9\xe2\x81\xa9",
		  "\xe2\x81\xa8\xd7\xa9\xe2\x81\xa9\n| "
		  "\xe2\x81\xa8\xd7\xa9\xe2\x81\xa9" },
		{ "\xe2\x81\xa8"
		  "123456789\xe2\x81\xa9",
		  "\xe2\x81\xa8"
		  "12345678\xe2\x81\xa9\n| \xe2\x81\xa8"
		  "9\xe2\x81\xa9" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(wraps); i++) {
		CLEAN_BUF struct buf out;

		buf_init(&out, 4096);
		render_wrap(&out, span_str(wraps[i].text), 8, "| ");
		assert_string_equal(buf_cstr(&out), wraps[i].want);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_all_points),
		cmocka_unit_test(test_letters_pass),
		cmocka_unit_test(test_all_bytes),
		cmocka_unit_test(test_one_text),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_marks),
		cmocka_unit_test(test_break),
		cmocka_unit_test(test_ascii),
		cmocka_unit_test(test_json),
		cmocka_unit_test(test_cut),
		cmocka_unit_test(test_injective),
		cmocka_unit_test(test_rtl),
		cmocka_unit_test(test_wrap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
