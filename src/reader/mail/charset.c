/* charset: see charset.h. */
#include "reader/mail/charset.h"

#include <errno.h>
#include <iconv.h>
#include <strings.h>

#include "base/str.h"

enum {
	CHUNK = 4096,
	META_LOOK_MAX = 2048,
};

static const char replacement[] = "\xef\xbf\xbd";

/*
 * What mail programs write and what they mean by it: the larger set of which
 * the named one is a part, as browsers read it.
 */
static const struct {
	const char *name;
	const char *iconv;
} aliases[] = {
	{ "iso-8859-1", "CP1252" },
	{ "latin1", "CP1252" },
	{ "iso8859-1", "CP1252" },
	{ "iso-8859-9", "CP1254" },
	{ "windows-1252", "CP1252" },
	{ "gb2312", "GB18030" },
	{ "gbk", "GB18030" },
	{ "x-gbk", "GB18030" },
	{ "gb_2312-80", "GB18030" },
	{ "ks_c_5601-1987", "CP949" },
	{ "ks_c_5601", "CP949" },
	{ "euc-kr", "CP949" },
	{ "shift_jis", "CP932" },
	{ "shift-jis", "CP932" },
	{ "x-sjis", "CP932" },
	{ "windows-31j", "CP932" },
	{ "x-euc-jp", "EUC-JP" },
	{ "big5", "BIG5-HKSCS" },
	{ "x-big5", "BIG5-HKSCS" },
	{ "tis-620", "CP874" },
	{ "windows-874", "CP874" },
	{ "unicode-1-1-utf-7", "UTF-7" },
	{ "x-unicode-2-0-utf-7", "UTF-7" },
};

/* No charset at all, or a name that says nothing. */
static const char *const meaningless[] = {
	"",	     "us-ascii", "ascii",   "ansi_x3.4-1968",  "unknown-8bit",
	"x-unknown", "unknown",	 "default", "default_charset", "8bit",
	"iso-10646", "utf-8",	 "utf8",    "x-user-defined",  "_autodetect",
};

static bool name_is(struct span s, const char *name)
{
	/* An empty span may be a null pointer, which strncasecmp() must not
	 * see. */
	return s.n == strlen(name) &&
	       (s.n == 0 || strncasecmp((const char *)s.p, name, s.n) == 0);
}

/* The length of the well-formed character at s.p[i], 0 if there is none. */
static size_t character(struct span s, size_t i)
{
	size_t left = s.n - i;

	for (size_t n = 1; n <= 4 && n <= left; n++) {
		if (utf8_valid(span_of(s.p + i, n)))
			return n;
	}
	return 0;
}

static void utf8_repair(struct span s, struct buf *out)
{
	size_t i = 0;

	while (i < s.n) {
		size_t from = i;
		size_t n;

		while (i < s.n && s.p[i] < 0x80)
			i++;
		buf_put(out, s.p + from, i - from);
		if (i == s.n)
			return;
		n = character(s, i);
		if (n)
			buf_put(out, s.p + i, n);
		else
			buf_str(out, replacement);
		i += n ? n : 1;
	}
}

/*
 * Names reach iconv_open only as letters, digits and the marks that real
 * names have, so that none carries options of glibc's.
 */
static bool name_copy(struct span s, char *dst)
{
	for (size_t i = 0; i < ARRAY_SIZE(aliases); i++) {
		if (name_is(s, aliases[i].name))
			return str_copy(dst, CHARSET_NAME_MAX + 1,
					span_str(aliases[i].iconv)) == 0;
	}
	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (!((c | 32) >= 'a' && (c | 32) <= 'z') &&
		    !(c >= '0' && c <= '9') && c != '-' && c != '_')
			return false;
	}
	return str_copy(dst, CHARSET_NAME_MAX + 1, s) == 0;
}

static void convert(iconv_t cd, struct span s, struct buf *out)
{
	/* iconv takes char **, but does not write through it */
	union {
		const uint8_t *in;
		char *p;
	} src = { .in = s.p };
	size_t left = s.n;
	bool flush = false;

	while (left || !flush) {
		char chunk[CHUNK];
		char *dst = chunk;
		size_t room = sizeof(chunk);
		size_t r;

		flush = left == 0;
		r = iconv(cd, flush ? NULL : &src.p, flush ? NULL : &left, &dst,
			  &room);
		buf_put(out, chunk, sizeof(chunk) - room);
		if (r != (size_t)-1 || errno == E2BIG || !left)
			continue;
		buf_str(out, replacement);
		src.p++;
		left--;
		(void)iconv(cd, NULL, NULL, NULL, NULL);
	}
}

static bool is_meaningless(struct span charset)
{
	for (size_t i = 0; i < ARRAY_SIZE(meaningless); i++) {
		if (name_is(charset, meaningless[i]))
			return true;
	}
	return false;
}

static bool is_utf8_name(struct span s)
{
	return name_is(s, "utf-8") || name_is(s, "utf8");
}

/*
 * Converters stay open: glibc unloads the library of one that is not used for
 * a while, also under GMime, which opens one for each encoded word.
 */
struct kept {
	char name[CHARSET_NAME_MAX + 1];
	iconv_t cd; /* NULL: there is none of this name */
};

static struct kept kept[CHARSET_KEPT_MAX];
static size_t n_kept;

static struct kept *kept_new(void)
{
	if (n_kept < CHARSET_KEPT_MAX)
		return &kept[n_kept++];
	/* the last place is the one that changes hands */
	if (kept[n_kept - 1].cd)
		(void)iconv_close(kept[n_kept - 1].cd);
	return &kept[n_kept - 1];
}

/* At its initial state; NULL where there is no such converter. */
static iconv_t open_from(const char *name)
{
	struct kept *k;

	for (size_t i = 0; i < n_kept; i++) {
		if (strcasecmp(kept[i].name, name) != 0)
			continue;
		if (kept[i].cd)
			(void)iconv(kept[i].cd, NULL, NULL, NULL, NULL);
		return kept[i].cd;
	}
	k = kept_new();
	k->cd = iconv_open("UTF-8", name);
	/* iconv_open's nothing is another one */
	if ((intptr_t)k->cd == -1)
		k->cd = NULL;
	(void)str_printf(k->name, sizeof(k->name), "%s", name);
	return k->cd;
}

/* What charset_to_utf8() opens for common names, and what GMime does. */
void charset_init(void)
{
	static const char *const common[] = {
		"CP1252",      "ISO-8859-1",  "ISO-8859-2", "ISO-8859-9",
		"ISO-8859-15", "CP1250",      "CP1251",	    "CP1254",
		"KOI8-R",      "GB18030",     "GBK",	    "EUC-CN",
		"BIG5",	       "BIG5-HKSCS",  "CP932",	    "SHIFT_JIS",
		"EUC-JP",      "ISO-2022-JP", "CP949",	    "EUC-KR",
	};

	for (size_t i = 0; i < ARRAY_SIZE(common); i++)
		(void)open_from(common[i]);
}

void charset_to_utf8(struct span s, struct span charset, struct buf *out)
{
	char name[CHARSET_NAME_MAX + 1];
	iconv_t cd = NULL;

	if (!is_meaningless(charset) && name_copy(charset, name))
		cd = open_from(name);
	if (!cd && !is_utf8_name(charset) && !utf8_valid(s))
		cd = open_from("CP1252");
	if (!cd) {
		/* UTF-8, or an image without the converter */
		utf8_repair(s, out);
		return;
	}
	convert(cd, s, out);
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
