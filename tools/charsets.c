/*
 * charsets: the tables of src/reader/mail/charset_tables.h, as C, on standard
 * output. It asks this host's iconv what each sequence of bytes means, so
 * nothing has to be copied from anywhere, and one test can ask again.
 */
#include <errno.h>
#include <iconv.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "reader/mail/charset_list.h"

enum {
	FOUR_BYTES = 39420, /* pointers of GB18030 below U+10000 */
	CELLS_MAX = 126 * 190,
};

static iconv_t from(const char *name)
{
	iconv_t cd = iconv_open("UTF-32LE", name);

	if ((intptr_t)cd == -1) {
		(void)fprintf(stderr, "charsets: no converter for %s\n", name);
		exit(1);
	}
	return cd;
}

/* The one character that n bytes are, 0 if they are none, or two. */
static uint32_t ask(iconv_t cd, const uint8_t *p, size_t n)
{
	char in[4];
	uint8_t out[8];
	char *src = in;
	char *dst = (char *)out;
	size_t room = sizeof(out);
	size_t left = n;

	for (size_t i = 0; i < n; i++)
		in[i] = (char)p[i];
	(void)iconv(cd, NULL, NULL, NULL, NULL);
	if (iconv(cd, &src, &left, &dst, &room) == (size_t)-1 || left)
		return 0;
	(void)iconv(cd, NULL, NULL, &dst, &room);
	if (room != 4)
		return 0;
	return (uint32_t)out[0] | (uint32_t)out[1] << 8 |
	       (uint32_t)out[2] << 16 | (uint32_t)out[3] << 24;
}

static void put(uint32_t c)
{
	static unsigned int column;

	(void)printf("%u,%c", (unsigned int)(c & 0xffff),
		     ++column % 16 ? ' ' : '\n');
}

/* One that a table of 16 bits cannot hold, where none is expected. */
static uint32_t narrow(uint32_t c, const char *what)
{
	if (c > 0xffff) {
		(void)fprintf(stderr, "charsets: %s has U+%X\n", what,
			      (unsigned int)c);
		exit(1);
	}
	return c;
}

static void one_byte(void)
{
#define NAME(name, iconv) iconv,
	static const char *const names[] = { CHARSETS_OF_ONE_BYTE(NAME) };

	(void)printf("const uint16_t charset_one[CHARSET_ONE_MAX][128] = {\n");
	for (size_t i = 0; i < CHARSET_ONE_MAX; i++) {
		iconv_t cd = from(names[i]);

		(void)printf("{\n");
		for (unsigned int b = 0x80; b < 0x100; b++) {
			uint8_t c = (uint8_t)b;

			put(narrow(ask(cd, &c, 1), names[i]));
		}
		(void)printf("},\n");
		(void)iconv_close(cd);
	}
	(void)printf("};\n");
}

/* A table of two bytes: both of a list of ranges. */
struct pairs {
	const char *name;
	const char *iconv;
	const char *size;
	const char *high;	   /* the table of bits, if there is one */
	uint8_t prefix;		   /* before them, if not 0 */
	uint8_t lead[4], trail[4]; /* two ranges each; the second may be 0 */
};

/* Of the table that is being written. */
static uint8_t high[CELLS_MAX / 8 + 1];

static uint32_t pair(iconv_t cd, const struct pairs *t, unsigned int lead,
		     unsigned int trail)
{
	uint8_t p[3] = { t->prefix, (uint8_t)lead, (uint8_t)trail };

	return t->prefix ? ask(cd, p, 3) : ask(cd, p + 1, 2);
}

static unsigned int next_byte(const uint8_t *ranges, unsigned int b)
{
	return b == ranges[1] && ranges[2] ? ranges[2] : b + 1;
}

static unsigned int last_byte(const uint8_t *ranges)
{
	return ranges[3] ? ranges[3] : ranges[1];
}

/* A character of plane 2 is told from one of plane 0 by its bit in high. */
static void cell(const struct pairs *t, uint32_t c, size_t i)
{
	if (t->high && c >> 16 == 2)
		high[i / 8] |= (uint8_t)(1 << i % 8);
	else
		(void)narrow(c, t->iconv);
	put(c);
}

static void high_bits(const struct pairs *t, size_t n)
{
	(void)printf("const uint8_t %s[%s / 8 + 1] = {\n", t->high, t->size);
	for (size_t i = 0; i <= n / 8; i++)
		put(high[i]);
	(void)printf("};\n");
	memset(high, 0, sizeof(high));
}

static void two_bytes(const struct pairs *t)
{
	iconv_t cd = from(t->iconv);
	size_t n = 0;

	(void)printf("const uint16_t %s[%s] = {\n", t->name, t->size);
	for (unsigned int l = t->lead[0]; l <= last_byte(t->lead);
	     l = next_byte(t->lead, l)) {
		for (unsigned int b = t->trail[0]; b <= last_byte(t->trail);
		     b = next_byte(t->trail, b))
			cell(t, pair(cd, t, l, b), n++);
	}
	(void)printf("};\n");
	(void)iconv_close(cd);
	if (t->high)
		high_bits(t, n);
}

static void gb_ranges(void)
{
	iconv_t cd = from("GB18030");
	uint32_t before = 0;

	(void)printf("const struct charset_range charset_gb_ranges[] = {\n");
	for (uint32_t i = 0; i <= FOUR_BYTES; i++) {
		uint8_t p[4] = { (uint8_t)(0x81 + i / 12600),
				 (uint8_t)(0x30 + i / 1260 % 10),
				 (uint8_t)(0x81 + i / 10 % 126),
				 (uint8_t)(0x30 + i % 10) };
		uint32_t c = i < FOUR_BYTES ? ask(cd, p, 4) : 0;

		if (i == 0 || (c ? c != before + 1 : before != 0))
			(void)printf("{ %u, %u },\n", (unsigned int)i,
				     (unsigned int)c);
		before = c;
	}
	(void)printf("};\nconst size_t charset_gb_ranges_n = "
		     "sizeof(charset_gb_ranges) / "
		     "sizeof(charset_gb_ranges[0]);\n");
	(void)iconv_close(cd);
}

int main(void)
{
	static const struct pairs tables[] = {
		{ "charset_gb",
		  "GB18030",
		  "GB_LEADS * GB_TRAILS",
		  "charset_gb_high",
		  0,
		  { 0x81, 0xfe },
		  { 0x40, 0x7e, 0x80, 0xfe } },
		{ "charset_big5",
		  "BIG5-HKSCS",
		  "BIG5_LEADS * BIG5_TRAILS",
		  "charset_big5_high",
		  0,
		  { 0x81, 0xfe },
		  { 0x40, 0x7e, 0xa1, 0xfe } },
		{ "charset_kr",
		  "CP949",
		  "KR_LEADS * KR_TRAILS",
		  NULL,
		  0,
		  { 0x81, 0xfe },
		  { 0x41, 0xfe } },
		{ "charset_jis",
		  "CP932",
		  "JIS_LEADS * JIS_TRAILS",
		  NULL,
		  0,
		  { 0x81, 0x9f, 0xe0, 0xfc },
		  { 0x40, 0x7e, 0x80, 0xfc } },
		{ "charset_jis2",
		  "EUC-JP",
		  "JIS_ROW * JIS_ROW",
		  NULL,
		  0x8f,
		  { 0xa1, 0xfe },
		  { 0xa1, 0xfe } },
	};

	(void)printf("/* Made by tools/charsets.c. */\n"
		     "#include \"reader/mail/charset_tables.h\"\n");
	one_byte();
	for (size_t i = 0; i < sizeof(tables) / sizeof(tables[0]); i++)
		two_bytes(&tables[i]);
	gb_ranges();
	return fflush(stdout) || ferror(stdout) ? 1 : 0;
}
