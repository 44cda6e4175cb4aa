/*
 * charset: see charset.h. Each encoding is a function that decodes the
 * character at one place; what it cannot decode it replaces, and an ASCII byte
 * that was taken for the end of a broken character is read again, as browsers
 * do it, so that no broken character swallows markup.
 *
 * UNSAFE: a sink is as large as the worst case of its input.
 */
#include "reader/mail/charset.h"

#include <strings.h>

#include "base/str.h"
#include "reader/mail/charset_tables.h"
#include "reader/mail/flaw.h"
#include "reader/mail/lex.h"

enum {
	META_LOOK_MAX = 2048,
	OUT_PER_BYTE = 3,   /* UTF-8 for one byte of any encoding, at most */
	GB_PLANES = 189000, /* pointer of U+10000 in GB18030 */
	REPLACEMENT = 0xfffd,
};

/* Behind those of one byte. PLAIN: UTF-8, or a name that says nothing. */
enum charset {
	CHARSET_GB18030 = CHARSET_ONE_MAX,
	CHARSET_BIG5,
	CHARSET_EUC_KR,
	CHARSET_SHIFT_JIS,
	CHARSET_EUC_JP,
	CHARSET_ISO_2022_JP,
	CHARSET_UTF_16,
	CHARSET_UTF_16BE,
	CHARSET_UTF_7,
	CHARSET_PLAIN,
	CHARSET_UNKNOWN,
};

struct sink {
	uint8_t *p;
	size_t n;
};

static void put(struct sink *k, uint32_t c)
{
	uint8_t *p = k->p + k->n;

	if (c < 0x80) {
		p[0] = (uint8_t)c;
		k->n += 1;
	} else if (c < 0x800) {
		p[0] = (uint8_t)(0xc0 | c >> 6);
		p[1] = (uint8_t)(0x80 | (c & 0x3f));
		k->n += 2;
	} else if (c < 0x10000) {
		p[0] = (uint8_t)(0xe0 | c >> 12);
		p[1] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		p[2] = (uint8_t)(0x80 | (c & 0x3f));
		k->n += 3;
	} else {
		p[0] = (uint8_t)(0xf0 | c >> 18);
		p[1] = (uint8_t)(0x80 | (c >> 12 & 0x3f));
		p[2] = (uint8_t)(0x80 | (c >> 6 & 0x3f));
		p[3] = (uint8_t)(0x80 | (c & 0x3f));
		k->n += 4;
	}
}

/* Bytes from i on that are ASCII. */
static size_t ascii_run(struct span s, size_t i)
{
	size_t from = i;
	uint64_t eight;

	while (s.n - i >= sizeof(eight)) {
		memcpy(&eight, s.p + i, sizeof(eight));
		if (eight & 0x8080808080808080)
			break;
		i += sizeof(eight);
	}
	while (i < s.n && s.p[i] < 0x80)
		i++;
	return i - from;
}

static bool within(uint8_t c, uint8_t from, uint8_t to)
{
	return c >= from && c <= to;
}

/* A character of two bytes, or what stands for a broken one: then a second
 * byte of ASCII is left for the next. */
static size_t put_pair(struct sink *k, uint32_t c, uint8_t trail)
{
	put(k, c ? c : REPLACEMENT);
	return c || trail >= 0x80 ? 2 : 1;
}

static uint32_t cell(const uint16_t *table, const uint8_t *high, size_t i)
{
	return table[i] | (high[i / 8] >> i % 8 & 1 ? 0x20000u : 0);
}

/* The encodings of several bytes, at a byte that is not ASCII. Each returns
 * how many bytes it took, one at least. */

/* The last range that does not begin behind the pointer; one begins at 0. */
static const struct charset_range *gb_range(uint32_t pointer)
{
	size_t lo = 0;
	size_t hi = charset_gb_ranges_n;

	while (hi - lo > 1) {
		size_t mid = lo + (hi - lo) / 2;

		if (charset_gb_ranges[mid].pointer > pointer)
			hi = mid;
		else
			lo = mid;
	}
	return &charset_gb_ranges[lo];
}

static size_t gb_four(struct span s, size_t i, struct sink *k)
{
	const struct charset_range *r;
	uint32_t pointer;

	if (s.n - i < 4 || !within(s.p[i + 2], 0x81, 0xfe) ||
	    !within(s.p[i + 3], '0', '9')) {
		put(k, REPLACEMENT);
		return 1;
	}
	pointer = ((s.p[i] - 0x81u) * 10 + (s.p[i + 1] - 0x30u)) * 1260 +
		  (s.p[i + 2] - 0x81u) * 10 + (s.p[i + 3] - 0x30u);
	if (pointer >= GB_PLANES && pointer < GB_PLANES + 0x100000) {
		put(k, pointer - GB_PLANES + 0x10000);
		return 4;
	}
	r = gb_range(pointer);
	put(k, r->code ? r->code + pointer - r->pointer : REPLACEMENT);
	return 4;
}

static size_t gb18030(struct span s, size_t i, struct sink *k)
{
	uint8_t trail = s.n - i > 1 ? s.p[i + 1] : 0;
	uint32_t c = 0;

	if (s.p[i] == 0x80 || s.p[i] == 0xff) {
		put(k, s.p[i] == 0x80 ? 0x20ac : REPLACEMENT);
		return 1;
	}
	if (lex_is_digit(trail))
		return gb_four(s, i, k);
	if (within(trail, 0x40, 0x7e) || within(trail, 0x80, 0xfe))
		c = cell(charset_gb, charset_gb_high,
			 (s.p[i] - 0x81u) * GB_TRAILS + trail -
				 (trail < 0x7f ? 0x40u : 0x41u));
	return put_pair(k, c, trail);
}

/* Four characters of Big5-HKSCS are a letter and an accent above it. */
static bool big5_letters(uint8_t lead, uint8_t trail, struct sink *k)
{
	if (lead != 0x88 ||
	    (trail != 0x62 && trail != 0x64 && trail != 0xa3 && trail != 0xa5))
		return false;
	put(k, trail < 0x80 ? 0xca : 0xea);
	put(k, trail == 0x62 || trail == 0xa3 ? 0x304 : 0x30c);
	return true;
}

static size_t big5(struct span s, size_t i, struct sink *k)
{
	uint8_t lead = s.p[i];
	uint8_t trail = s.n - i > 1 ? s.p[i + 1] : 0;
	uint32_t c = 0;

	if (big5_letters(lead, trail, k))
		return 2;
	if (within(lead, 0x81, 0xfe) &&
	    (within(trail, 0x40, 0x7e) || within(trail, 0xa1, 0xfe)))
		c = cell(charset_big5, charset_big5_high,
			 (lead - 0x81u) * BIG5_TRAILS + trail -
				 (trail < 0x7f ? 0x40u : 0x62u));
	return put_pair(k, c, within(lead, 0x81, 0xfe) ? trail : 0);
}

static size_t euc_kr(struct span s, size_t i, struct sink *k)
{
	uint8_t lead = s.p[i];
	uint8_t trail = s.n - i > 1 ? s.p[i + 1] : 0;
	uint32_t c = 0;

	if (within(lead, 0x81, 0xfe) && within(trail, 0x41, 0xfe))
		c = charset_kr[(lead - 0x81u) * KR_TRAILS + trail - 0x41u];
	return put_pair(k, c, within(lead, 0x81, 0xfe) ? trail : 0);
}

static size_t shift_jis(struct span s, size_t i, struct sink *k)
{
	uint8_t lead = s.p[i];
	uint8_t trail = s.n - i > 1 ? s.p[i + 1] : 0;
	uint32_t c = 0;

	if (within(lead, 0xa1, 0xdf)) {
		put(k, 0xff61u + lead - 0xa1u);
		return 1;
	}
	if (lead == 0x80 || lead == 0xa0 || lead > 0xfc) {
		put(k, REPLACEMENT);
		return 1;
	}
	if (within(trail, 0x40, 0x7e) || within(trail, 0x80, 0xfc))
		c = charset_jis[(lead - (lead < 0xa0 ? 0x81u : 0xc1u)) *
					JIS_TRAILS +
				trail - (trail < 0x7f ? 0x40u : 0x41u)];
	return put_pair(k, c, trail);
}

static size_t euc_jp(struct span s, size_t i, struct sink *k)
{
	uint8_t lead = s.p[i];
	uint8_t trail = s.n - i > 1 ? s.p[i + 1] : 0;
	uint8_t third = s.n - i > 2 ? s.p[i + 2] : 0;
	uint32_t c = 0;

	if (lead == 0x8e && within(trail, 0xa1, 0xdf)) {
		put(k, 0xff61u + trail - 0xa1u);
		return 2;
	}
	if (lead == 0x8f && within(trail, 0xa1, 0xfe) &&
	    within(third, 0xa1, 0xfe)) {
		c = charset_jis2[(trail - 0xa1u) * JIS_ROW + third - 0xa1u];
		put(k, c ? c : REPLACEMENT);
		return 3;
	}
	if (within(lead, 0xa1, 0xfe) && within(trail, 0xa1, 0xfe))
		c = charset_jis[(lead - 0xa1u) * JIS_ROW + trail - 0xa1u];
	return put_pair(k, c, within(lead, 0xa1, 0xfe) ? trail : 0);
}

/* Length of the well-formed character at s.p[i], 0 if there is none. */
static size_t utf8_length(struct span s, size_t i)
{
	size_t left = s.n - i;

	for (size_t n = 1; n <= 4 && n <= left; n++) {
		if (utf8_valid(span_of(s.p + i, n)))
			return n;
	}
	return 0;
}

static size_t utf8(struct span s, size_t i, struct sink *k)
{
	size_t n = utf8_length(s, i);

	if (!n) {
		put(k, REPLACEMENT);
		return 1;
	}
	memcpy(k->p + k->n, s.p + i, n);
	k->n += n;
	return n;
}

typedef size_t step_fn(struct span s, size_t i, struct sink *k);

static void steps(struct span s, step_fn *step, struct sink *k)
{
	size_t i = 0;

	while (i < s.n) {
		size_t run = ascii_run(s, i);

		memcpy(k->p + k->n, s.p + i, run);
		k->n += run;
		i += run;
		if (i < s.n)
			i += step(s, i, k);
	}
}

static void one_byte(struct span s, const uint16_t *table, struct sink *k)
{
	for (size_t i = 0; i < s.n; i++) {
		uint8_t b = s.p[i];
		uint32_t c = b < 0x80 ? b : table[b - 0x80];

		put(k, c || b < 0x80 ? c : REPLACEMENT);
	}
}

/* ISO-2022-JP: an escape sequence says what the bytes behind it are. */
enum jis {
	JIS_ASCII,
	JIS_ROMAN,
	JIS_KATAKANA,
	JIS_0208,
	JIS_0212,
};

static size_t jis_escape(struct span s, size_t i, enum jis *state)
{
	static const struct {
		const char *seq;
		enum jis state;
	} rows[] = {
		{ "(B", JIS_ASCII },	{ "(J", JIS_ROMAN },
		{ "(I", JIS_KATAKANA }, { "$@", JIS_0208 },
		{ "$B", JIS_0208 },	{ "$(D", JIS_0212 },
	};

	for (size_t r = 0; r < ARRAY_SIZE(rows); r++) {
		size_t n = strlen(rows[r].seq);

		if (s.n - i > n && memcmp(s.p + i + 1, rows[r].seq, n) == 0) {
			*state = rows[r].state;
			return n + 1;
		}
	}
	return 0;
}

/* A character of two bytes in one of the two tables. */
static size_t jis_pair(struct span s, size_t i, enum jis state, struct sink *k)
{
	uint8_t lead = s.p[i];
	uint8_t trail = s.n - i > 1 ? s.p[i + 1] : 0;
	size_t at = (lead - 0x21u) * JIS_ROW + trail - 0x21u;
	uint32_t c;

	if (!within(lead, 0x21, 0x7e) || !within(trail, 0x21, 0x7e)) {
		/* line ends and blanks stand for themselves */
		put(k, lead <= ' ' ? lead : REPLACEMENT);
		return 1;
	}
	c = state == JIS_0208 ? charset_jis[at] : charset_jis2[at];
	put(k, c ? c : REPLACEMENT);
	return 2;
}

static uint32_t jis_single(uint8_t b, enum jis state)
{
	if (state == JIS_KATAKANA && within(b, 0x21, 0x5f))
		return 0xff61u + b - 0x21u;
	if (state == JIS_ROMAN && b == 0x5c)
		return 0xa5;
	if (state == JIS_ROMAN && b == 0x7e)
		return 0x203e;
	return b < 0x80 ? b : REPLACEMENT;
}

static void iso_2022_jp(struct span s, struct sink *k)
{
	enum jis state = JIS_ASCII;
	size_t i = 0;

	while (i < s.n) {
		size_t n = s.p[i] == 0x1b ? jis_escape(s, i, &state) : 0;

		if (!n && s.p[i] != 0x1b && state >= JIS_0208) {
			n = jis_pair(s, i, state, k);
		} else if (!n) {
			put(k, s.p[i] == 0x1b ? REPLACEMENT
					      : jis_single(s.p[i], state));
			n = 1;
		}
		i += n;
	}
}

/* Halves of a character beyond U+FFFF, which UTF-16 and UTF-7 share. */
static void unit_put(struct sink *k, uint32_t unit, uint32_t *half)
{
	if (*half && unit >= 0xdc00 && unit < 0xe000) {
		put(k, 0x10000 + ((*half - 0xd800) << 10) + unit - 0xdc00);
		*half = 0;
		return;
	}
	if (*half)
		put(k, REPLACEMENT);
	*half = 0;
	if (unit >= 0xd800 && unit < 0xdc00)
		*half = unit;
	else
		put(k, unit >= 0xdc00 && unit < 0xe000 ? REPLACEMENT : unit);
}

static void utf_16(struct span s, bool big, struct sink *k)
{
	uint32_t half = 0;
	size_t i = 0;

	if (s.n >= 2 && s.p[0] + s.p[1] == 0xfe + 0xff) {
		if (s.p[0] == 0xfe || s.p[0] == 0xff) {
			big = s.p[0] == 0xfe;
			i = 2;
		}
	}
	for (; i + 1 < s.n; i += 2)
		unit_put(k, (uint32_t)s.p[i + !big] << 8 | s.p[i + big], &half);
	if (half || i < s.n)
		put(k, REPLACEMENT);
}

static int utf_7_value(uint8_t c)
{
	if (lex_is_alpha(c))
		return c >= 'a' ? c - 'a' + 26 : c - 'A';
	if (lex_is_digit(c))
		return c - '0' + 52;
	return c == '+' ? 62 : c == '/' ? 63 : -1;
}

/* Behind a plus: base64 of UTF-16 up to a byte that is none. */
static size_t utf_7_units(struct span s, size_t i, struct sink *k)
{
	size_t from = i;
	uint32_t half = 0;
	uint32_t bits = 0;
	unsigned int have = 0;

	for (; i < s.n && utf_7_value(s.p[i]) >= 0; i++) {
		bits = bits << 6 | (uint32_t)utf_7_value(s.p[i]);
		have += 6;
		if (have < 16)
			continue;
		have -= 16;
		unit_put(k, bits >> have & 0xffff, &half);
	}
	if (half)
		put(k, REPLACEMENT);
	if (i < s.n && s.p[i] == '-') {
		if (i == from)
			put(k, '+');
		i++;
	}
	return i;
}

static void utf_7(struct span s, struct sink *k)
{
	size_t i = 0;

	while (i < s.n) {
		uint8_t c = s.p[i++];

		if (c == '+')
			i = utf_7_units(s, i, k);
		else
			put(k, c < 0x80 ? c : REPLACEMENT);
	}
}

/* Names */

struct label {
	const char *name;
	uint8_t charset;
};

/* Letters and digits of the names, in their order. */
static const struct label labels[] = {
	{ "437", CHARSET_IBM437 },
	{ "646", CHARSET_PLAIN },
	{ "7bit", CHARSET_PLAIN },
	{ "850", CHARSET_IBM850 },
	{ "852", CHARSET_IBM852 },
	{ "866", CHARSET_IBM866 },
	{ "88591", CHARSET_WINDOWS_1252 },
	{ "885910", CHARSET_ISO_8859_10 },
	{ "885911", CHARSET_WINDOWS_874 },
	{ "885913", CHARSET_ISO_8859_13 },
	{ "885914", CHARSET_ISO_8859_14 },
	{ "885915", CHARSET_ISO_8859_15 },
	{ "885916", CHARSET_ISO_8859_16 },
	{ "88592", CHARSET_ISO_8859_2 },
	{ "88593", CHARSET_ISO_8859_3 },
	{ "88594", CHARSET_ISO_8859_4 },
	{ "88595", CHARSET_ISO_8859_5 },
	{ "88596", CHARSET_ISO_8859_6 },
	{ "88597", CHARSET_ISO_8859_7 },
	{ "88598", CHARSET_ISO_8859_8 },
	{ "88599", CHARSET_WINDOWS_1254 },
	{ "8bit", CHARSET_PLAIN },
	{ "ansi1252", CHARSET_WINDOWS_1252 },
	{ "ansix341968", CHARSET_PLAIN },
	{ "ansix341986", CHARSET_PLAIN },
	{ "arabic", CHARSET_ISO_8859_6 },
	{ "ascii", CHARSET_PLAIN },
	{ "asmo708", CHARSET_ISO_8859_6 },
	{ "autodetect", CHARSET_PLAIN },
	{ "big5", CHARSET_BIG5 },
	{ "big5eten", CHARSET_BIG5 },
	{ "big5hkscs", CHARSET_BIG5 },
	{ "chinese", CHARSET_GB18030 },
	{ "cnbig5", CHARSET_BIG5 },
	{ "cp1250", CHARSET_WINDOWS_1250 },
	{ "cp1251", CHARSET_WINDOWS_1251 },
	{ "cp1252", CHARSET_WINDOWS_1252 },
	{ "cp1253", CHARSET_WINDOWS_1253 },
	{ "cp1254", CHARSET_WINDOWS_1254 },
	{ "cp1255", CHARSET_WINDOWS_1255 },
	{ "cp1256", CHARSET_WINDOWS_1256 },
	{ "cp1257", CHARSET_WINDOWS_1257 },
	{ "cp1258", CHARSET_WINDOWS_1258 },
	{ "cp437", CHARSET_IBM437 },
	{ "cp50220", CHARSET_ISO_2022_JP },
	{ "cp50221", CHARSET_ISO_2022_JP },
	{ "cp50222", CHARSET_ISO_2022_JP },
	{ "cp819", CHARSET_WINDOWS_1252 },
	{ "cp850", CHARSET_IBM850 },
	{ "cp852", CHARSET_IBM852 },
	{ "cp866", CHARSET_IBM866 },
	{ "cp874", CHARSET_WINDOWS_874 },
	{ "cp932", CHARSET_SHIFT_JIS },
	{ "cp936", CHARSET_GB18030 },
	{ "cp949", CHARSET_EUC_KR },
	{ "cp950", CHARSET_BIG5 },
	{ "csbig5", CHARSET_BIG5 },
	{ "cseuckr", CHARSET_EUC_KR },
	{ "cseucpkdfmtjapanese", CHARSET_EUC_JP },
	{ "csgb2312", CHARSET_GB18030 },
	{ "csibm866", CHARSET_IBM866 },
	{ "csiso2022jp", CHARSET_ISO_2022_JP },
	{ "csiso58gb231280", CHARSET_GB18030 },
	{ "csiso88596e", CHARSET_ISO_8859_6 },
	{ "csiso88596i", CHARSET_ISO_8859_6 },
	{ "csiso88598e", CHARSET_ISO_8859_8 },
	{ "csiso88598i", CHARSET_ISO_8859_8 },
	{ "csisolatin1", CHARSET_WINDOWS_1252 },
	{ "csisolatin2", CHARSET_ISO_8859_2 },
	{ "csisolatin3", CHARSET_ISO_8859_3 },
	{ "csisolatin4", CHARSET_ISO_8859_4 },
	{ "csisolatin5", CHARSET_WINDOWS_1254 },
	{ "csisolatin6", CHARSET_ISO_8859_10 },
	{ "csisolatin9", CHARSET_ISO_8859_15 },
	{ "csisolatinarabic", CHARSET_ISO_8859_6 },
	{ "csisolatincyrillic", CHARSET_ISO_8859_5 },
	{ "csisolatingreek", CHARSET_ISO_8859_7 },
	{ "csisolatinhebrew", CHARSET_ISO_8859_8 },
	{ "cskoi8r", CHARSET_KOI8_R },
	{ "csksc56011987", CHARSET_EUC_KR },
	{ "csmacintosh", CHARSET_MACINTOSH },
	{ "cspc850multilingual", CHARSET_IBM850 },
	{ "cspc8codepage437", CHARSET_IBM437 },
	{ "cspcp852", CHARSET_IBM852 },
	{ "csshiftjis", CHARSET_SHIFT_JIS },
	{ "csunicode", CHARSET_UTF_16 },
	{ "csunicode11utf7", CHARSET_UTF_7 },
	{ "cswindows31j", CHARSET_SHIFT_JIS },
	{ "cyrillic", CHARSET_ISO_8859_5 },
	{ "default", CHARSET_PLAIN },
	{ "defaultcharset", CHARSET_PLAIN },
	{ "dos874", CHARSET_WINDOWS_874 },
	{ "ecma114", CHARSET_ISO_8859_6 },
	{ "ecma118", CHARSET_ISO_8859_7 },
	{ "elot928", CHARSET_ISO_8859_7 },
	{ "euccn", CHARSET_GB18030 },
	{ "eucjp", CHARSET_EUC_JP },
	{ "eucjpms", CHARSET_EUC_JP },
	{ "euckr", CHARSET_EUC_KR },
	{ "gb18030", CHARSET_GB18030 },
	{ "gb2312", CHARSET_GB18030 },
	{ "gb231280", CHARSET_GB18030 },
	{ "gbk", CHARSET_GB18030 },
	{ "greek", CHARSET_ISO_8859_7 },
	{ "greek8", CHARSET_ISO_8859_7 },
	{ "hebrew", CHARSET_ISO_8859_8 },
	{ "ibm437", CHARSET_IBM437 },
	{ "ibm819", CHARSET_WINDOWS_1252 },
	{ "ibm850", CHARSET_IBM850 },
	{ "ibm852", CHARSET_IBM852 },
	{ "ibm866", CHARSET_IBM866 },
	{ "iso10646", CHARSET_PLAIN },
	{ "iso10646ucs2", CHARSET_UTF_16 },
	{ "iso2022jp", CHARSET_ISO_2022_JP },
	{ "iso2022jp1", CHARSET_ISO_2022_JP },
	{ "iso2022jp2", CHARSET_ISO_2022_JP },
	{ "iso2022jpms", CHARSET_ISO_2022_JP },
	{ "iso646us", CHARSET_PLAIN },
	{ "iso88591", CHARSET_WINDOWS_1252 },
	{ "iso885910", CHARSET_ISO_8859_10 },
	{ "iso885911", CHARSET_WINDOWS_874 },
	{ "iso885911987", CHARSET_WINDOWS_1252 },
	{ "iso885913", CHARSET_ISO_8859_13 },
	{ "iso885914", CHARSET_ISO_8859_14 },
	{ "iso885915", CHARSET_ISO_8859_15 },
	{ "iso885916", CHARSET_ISO_8859_16 },
	{ "iso88591windows31latin1", CHARSET_WINDOWS_1252 },
	{ "iso88592", CHARSET_ISO_8859_2 },
	{ "iso885921987", CHARSET_ISO_8859_2 },
	{ "iso88593", CHARSET_ISO_8859_3 },
	{ "iso885931988", CHARSET_ISO_8859_3 },
	{ "iso88594", CHARSET_ISO_8859_4 },
	{ "iso885941988", CHARSET_ISO_8859_4 },
	{ "iso88595", CHARSET_ISO_8859_5 },
	{ "iso885951988", CHARSET_ISO_8859_5 },
	{ "iso88596", CHARSET_ISO_8859_6 },
	{ "iso885961987", CHARSET_ISO_8859_6 },
	{ "iso88596e", CHARSET_ISO_8859_6 },
	{ "iso88596i", CHARSET_ISO_8859_6 },
	{ "iso88597", CHARSET_ISO_8859_7 },
	{ "iso885971987", CHARSET_ISO_8859_7 },
	{ "iso88598", CHARSET_ISO_8859_8 },
	{ "iso885981988", CHARSET_ISO_8859_8 },
	{ "iso88598e", CHARSET_ISO_8859_8 },
	{ "iso88598i", CHARSET_ISO_8859_8 },
	{ "iso88599", CHARSET_WINDOWS_1254 },
	{ "iso885991989", CHARSET_WINDOWS_1254 },
	{ "isoir100", CHARSET_WINDOWS_1252 },
	{ "isoir101", CHARSET_ISO_8859_2 },
	{ "isoir109", CHARSET_ISO_8859_3 },
	{ "isoir110", CHARSET_ISO_8859_4 },
	{ "isoir126", CHARSET_ISO_8859_7 },
	{ "isoir127", CHARSET_ISO_8859_6 },
	{ "isoir138", CHARSET_ISO_8859_8 },
	{ "isoir144", CHARSET_ISO_8859_5 },
	{ "isoir148", CHARSET_WINDOWS_1254 },
	{ "isoir149", CHARSET_EUC_KR },
	{ "isoir157", CHARSET_ISO_8859_10 },
	{ "isoir58", CHARSET_GB18030 },
	{ "isoir6", CHARSET_PLAIN },
	{ "jis", CHARSET_ISO_2022_JP },
	{ "koi", CHARSET_KOI8_R },
	{ "koi8", CHARSET_KOI8_R },
	{ "koi8r", CHARSET_KOI8_R },
	{ "koi8ru", CHARSET_KOI8_U },
	{ "koi8u", CHARSET_KOI8_U },
	{ "korean", CHARSET_EUC_KR },
	{ "ksc", CHARSET_EUC_KR },
	{ "ksc5601", CHARSET_EUC_KR },
	{ "ksc56011987", CHARSET_EUC_KR },
	{ "ksc56011989", CHARSET_EUC_KR },
	{ "l1", CHARSET_WINDOWS_1252 },
	{ "l10", CHARSET_ISO_8859_16 },
	{ "l2", CHARSET_ISO_8859_2 },
	{ "l3", CHARSET_ISO_8859_3 },
	{ "l4", CHARSET_ISO_8859_4 },
	{ "l5", CHARSET_WINDOWS_1254 },
	{ "l6", CHARSET_ISO_8859_10 },
	{ "l7", CHARSET_ISO_8859_13 },
	{ "l8", CHARSET_ISO_8859_14 },
	{ "l9", CHARSET_ISO_8859_15 },
	{ "latin0", CHARSET_ISO_8859_15 },
	{ "latin1", CHARSET_WINDOWS_1252 },
	{ "latin10", CHARSET_ISO_8859_16 },
	{ "latin2", CHARSET_ISO_8859_2 },
	{ "latin3", CHARSET_ISO_8859_3 },
	{ "latin4", CHARSET_ISO_8859_4 },
	{ "latin5", CHARSET_WINDOWS_1254 },
	{ "latin6", CHARSET_ISO_8859_10 },
	{ "latin7", CHARSET_ISO_8859_13 },
	{ "latin8", CHARSET_ISO_8859_14 },
	{ "latin9", CHARSET_ISO_8859_15 },
	{ "logical", CHARSET_ISO_8859_8 },
	{ "mac", CHARSET_MACINTOSH },
	{ "maccyrillic", CHARSET_MAC_CYRILLIC },
	{ "macintosh", CHARSET_MACINTOSH },
	{ "macroman", CHARSET_MACINTOSH },
	{ "ms932", CHARSET_SHIFT_JIS },
	{ "ms936", CHARSET_GB18030 },
	{ "ms949", CHARSET_EUC_KR },
	{ "ms950", CHARSET_BIG5 },
	{ "mskanji", CHARSET_SHIFT_JIS },
	{ "shiftjis", CHARSET_SHIFT_JIS },
	{ "sjis", CHARSET_SHIFT_JIS },
	{ "suneugreek", CHARSET_ISO_8859_7 },
	{ "tis620", CHARSET_WINDOWS_874 },
	{ "ucs2", CHARSET_UTF_16 },
	{ "ucs2be", CHARSET_UTF_16BE },
	{ "ucs2le", CHARSET_UTF_16 },
	{ "uhc", CHARSET_EUC_KR },
	{ "ujis", CHARSET_EUC_JP },
	{ "unicode", CHARSET_UTF_16 },
	{ "unicode11utf7", CHARSET_UTF_7 },
	{ "unicode11utf8", CHARSET_PLAIN },
	{ "unicode20utf8", CHARSET_PLAIN },
	{ "unicodefeff", CHARSET_UTF_16 },
	{ "unicodefffe", CHARSET_UTF_16BE },
	{ "unknown", CHARSET_PLAIN },
	{ "unknown8bit", CHARSET_PLAIN },
	{ "us", CHARSET_PLAIN },
	{ "usascii", CHARSET_PLAIN },
	{ "utf16", CHARSET_UTF_16 },
	{ "utf16be", CHARSET_UTF_16BE },
	{ "utf16le", CHARSET_UTF_16 },
	{ "utf7", CHARSET_UTF_7 },
	{ "utf8", CHARSET_PLAIN },
	{ "visual", CHARSET_ISO_8859_8 },
	{ "win1250", CHARSET_WINDOWS_1250 },
	{ "win1251", CHARSET_WINDOWS_1251 },
	{ "win1252", CHARSET_WINDOWS_1252 },
	{ "windows1250", CHARSET_WINDOWS_1250 },
	{ "windows1251", CHARSET_WINDOWS_1251 },
	{ "windows1252", CHARSET_WINDOWS_1252 },
	{ "windows1253", CHARSET_WINDOWS_1253 },
	{ "windows1254", CHARSET_WINDOWS_1254 },
	{ "windows1255", CHARSET_WINDOWS_1255 },
	{ "windows1256", CHARSET_WINDOWS_1256 },
	{ "windows1257", CHARSET_WINDOWS_1257 },
	{ "windows1258", CHARSET_WINDOWS_1258 },
	{ "windows31j", CHARSET_SHIFT_JIS },
	{ "windows874", CHARSET_WINDOWS_874 },
	{ "windows932", CHARSET_SHIFT_JIS },
	{ "windows936", CHARSET_GB18030 },
	{ "windows949", CHARSET_EUC_KR },
	{ "windows950", CHARSET_BIG5 },
	{ "xbig5", CHARSET_BIG5 },
	{ "xcp1250", CHARSET_WINDOWS_1250 },
	{ "xcp1251", CHARSET_WINDOWS_1251 },
	{ "xcp1252", CHARSET_WINDOWS_1252 },
	{ "xcp1253", CHARSET_WINDOWS_1253 },
	{ "xcp1254", CHARSET_WINDOWS_1254 },
	{ "xcp1255", CHARSET_WINDOWS_1255 },
	{ "xcp1256", CHARSET_WINDOWS_1256 },
	{ "xcp1257", CHARSET_WINDOWS_1257 },
	{ "xcp1258", CHARSET_WINDOWS_1258 },
	{ "xeuc", CHARSET_EUC_JP },
	{ "xeucjp", CHARSET_EUC_JP },
	{ "xgbk", CHARSET_GB18030 },
	{ "xmaccyrillic", CHARSET_MAC_CYRILLIC },
	{ "xmacroman", CHARSET_MACINTOSH },
	{ "xmacukrainian", CHARSET_MAC_CYRILLIC },
	{ "xsjis", CHARSET_SHIFT_JIS },
	{ "xunicode20utf7", CHARSET_UTF_7 },
	{ "xunicode20utf8", CHARSET_PLAIN },
	{ "xunknown", CHARSET_PLAIN },
	{ "xuserdefined", CHARSET_PLAIN },
	{ "xwindows874", CHARSET_WINDOWS_874 },
	{ "xwindows949", CHARSET_EUC_KR },
	{ "xxbig5", CHARSET_BIG5 },
};

/* Letters and digits only, small; a name that is too long is none. */
static bool squeeze(struct span s, char *dst)
{
	size_t n = 0;

	for (size_t i = 0; i < s.n && n <= CHARSET_NAME_MAX; i++) {
		uint8_t c = lex_lower(s.p[i]);

		if (lex_is_alpha(c) || lex_is_digit(c))
			dst[n++] = (char)c;
	}
	if (n > CHARSET_NAME_MAX)
		return false;
	dst[n] = 0;
	return true;
}

static unsigned int charset_find(struct span name)
{
	char squeezed[CHARSET_NAME_MAX + 2];
	size_t lo = 0;
	size_t hi = ARRAY_SIZE(labels);

	if (!squeeze(name, squeezed))
		return CHARSET_UNKNOWN;
	if (!squeezed[0])
		return CHARSET_PLAIN;
	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;
		int order = strcmp(squeezed, labels[mid].name);

		if (!order)
			return labels[mid].charset;
		if (order < 0)
			hi = mid;
		else
			lo = mid + 1;
	}
	return CHARSET_UNKNOWN;
}

static void decode(struct span s, unsigned int charset, struct sink *k)
{
	static step_fn *const by_step[] = {
		[CHARSET_GB18030 - CHARSET_ONE_MAX] = gb18030,
		[CHARSET_BIG5 - CHARSET_ONE_MAX] = big5,
		[CHARSET_EUC_KR - CHARSET_ONE_MAX] = euc_kr,
		[CHARSET_SHIFT_JIS - CHARSET_ONE_MAX] = shift_jis,
		[CHARSET_EUC_JP - CHARSET_ONE_MAX] = euc_jp,
	};

	if (charset < CHARSET_ONE_MAX)
		one_byte(s, charset_one[charset], k);
	else if (charset <= CHARSET_EUC_JP)
		steps(s, by_step[charset - CHARSET_ONE_MAX], k);
	else if (charset == CHARSET_ISO_2022_JP)
		iso_2022_jp(s, k);
	else if (charset == CHARSET_UTF_7)
		utf_7(s, k);
	else if (charset == CHARSET_PLAIN)
		steps(s, utf8, k);
	else
		utf_16(s, charset == CHARSET_UTF_16BE, k);
}

static bool is_utf8_name(struct span s)
{
	return lex_same(s, "utf-8") || lex_same(s, "utf8");
}

/* Whether a set is ASCII where the bytes are. */
static bool keeps_ascii(unsigned int charset)
{
	return charset != CHARSET_ISO_2022_JP && charset != CHARSET_UTF_7 &&
	       charset != CHARSET_UTF_16 && charset != CHARSET_UTF_16BE;
}

struct span charset_text(struct span s, struct span name, struct buf *out,
			 uint32_t *flaws)
{
	unsigned int charset = charset_find(name);
	size_t from = out->n;
	struct sink k = { 0 };

	if (charset == CHARSET_UNKNOWN) {
		flaw_add(flaws, FLAW_UNKNOWN_CHARSET);
		charset = CHARSET_PLAIN;
	}
	if (keeps_ascii(charset) && ascii_run(s, 0) == s.n)
		return s;
	if (charset == CHARSET_PLAIN && utf8_valid(s))
		return s;
	if (charset == CHARSET_PLAIN && !is_utf8_name(name))
		charset = CHARSET_WINDOWS_1252;
	k.p = buf_extend(out, OUT_PER_BYTE * s.n + OUT_PER_BYTE);
	if (!k.p)
		return span_of(NULL, 0);
	decode(s, charset, &k);
	buf_cut(out, from + k.n);
	return span_of(k.p, k.n);
}

void charset_to_utf8(struct span s, struct span name, struct buf *out,
		     uint32_t *flaws)
{
	size_t from = out->n;
	struct span text = charset_text(s, name, out, flaws);

	if (out->n == from)
		buf_span(out, text);
}

struct span charset_of_html(struct span s)
{
	static const char word[] = "charset=";
	size_t n = s.n < META_LOOK_MAX ? s.n : META_LOOK_MAX;

	if (s.n >= 3 && memcmp(s.p, "\xef\xbb\xbf", 3) == 0)
		return SPAN_LIT("utf-8");
	if (s.n >= 2 && memcmp(s.p, "\xff\xfe", 2) == 0)
		return SPAN_LIT("utf-16le");
	if (s.n >= 2 && memcmp(s.p, "\xfe\xff", 2) == 0)
		return SPAN_LIT("utf-16be");
	for (size_t i = 0; i + sizeof(word) < n; i++) {
		size_t from = i + sizeof(word) - 1;
		size_t to;

		if (strncasecmp((const char *)s.p + i, word,
				sizeof(word) - 1) != 0)
			continue;
		from += s.p[from] == '"' || s.p[from] == '\'';
		for (to = from;
		     to < n && s.p[to] > ' ' && s.p[to] != '"' &&
		     s.p[to] != '\'' && s.p[to] != '>' && s.p[to] != ';';
		     to++)
			;
		return span_of(s.p + from, to - from);
	}
	return span_of(NULL, 0);
}
