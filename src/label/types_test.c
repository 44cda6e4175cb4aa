/*
 * types: canonical forms, and what has none.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "label/types.h"

#define A16  "aaaaaaaaaaaaaaaa"
#define HASH "sha256:" A16 A16 A16 A16
#define A63  A16 A16 A16 "aaaaaaaaaaaaaaa"

static const struct {
	enum arg_type type;
	bool lines;
	const char *in;
	const char *want; /* NULL: refused */
} rows[] = {
	{ TYPE_TEXT, false, "", "" },
	{ TYPE_TEXT, false, "a b", "a b" },
	{ TYPE_TEXT, false, "\xc3\xa9\xf0\x9f\x98\x80",
	  "\xc3\xa9\xf0\x9f\x98\x80" },
	{ TYPE_TEXT, false, "a\nb", NULL },
	{ TYPE_TEXT, false, "a\rb", NULL },
	{ TYPE_TEXT, false, "a\tb", NULL },
	{ TYPE_TEXT, false, "a\x7f", NULL },
	{ TYPE_TEXT, false, "a\x1b[31m", NULL },
	{ TYPE_TEXT, false,
	  "a\xc2\x85"
	  "b",
	  NULL },
	{ TYPE_TEXT, false,
	  "a\xc2\xa0"
	  "b",
	  "a\xc2\xa0"
	  "b" },
	{ TYPE_TEXT, false,
	  "a\xe2\x80\xa8"
	  "b",
	  NULL },
	{ TYPE_TEXT, false, "\xe2\x80\xa9", NULL },
	{ TYPE_TEXT, false, "\xc3", NULL },
	{ TYPE_TEXT, false, "\xc0\x8a", NULL },
	{ TYPE_TEXT, false, "\xed\xa0\x80", NULL },
	{ TYPE_TEXT, true, "a\nb\tc", "a\nb\tc" },
	{ TYPE_TEXT, true, "a\r\nb", NULL },
	{ TYPE_TEXT, true, "a\x08", NULL },
	{ TYPE_TEXT, true,
	  "a\xe2\x80\xa8"
	  "b",
	  "a\xe2\x80\xa8"
	  "b" },

	{ TYPE_EMAIL, false, "lea@example.org", "lea@example.org" },
	{ TYPE_EMAIL, false, "Lea@EXAMPLE.Org", "Lea@example.org" },
	{ TYPE_EMAIL, false, "a.b+c@x-y.example", "a.b+c@x-y.example" },
	{ TYPE_EMAIL, false, "a@xn--bcher-kva.example",
	  "a@xn--bcher-kva.example" },
	{ TYPE_EMAIL, false, "a@localhost", "a@localhost" },
	{ TYPE_EMAIL, false,
	  "a@b\xc3\xbc"
	  "cher.example",
	  NULL },
	{ TYPE_EMAIL, false, "", NULL },
	{ TYPE_EMAIL, false, "lea", NULL },
	{ TYPE_EMAIL, false, "@example.org", NULL },
	{ TYPE_EMAIL, false, "lea@", NULL },
	{ TYPE_EMAIL, false, "lea@@example.org", NULL },
	{ TYPE_EMAIL, false, "a@b@example.org", NULL },
	{ TYPE_EMAIL, false, ".a@example.org", NULL },
	{ TYPE_EMAIL, false, "a.@example.org", NULL },
	{ TYPE_EMAIL, false, "a..b@example.org", NULL },
	{ TYPE_EMAIL, false, "\"a b\"@example.org", NULL },
	{ TYPE_EMAIL, false, "a b@example.org", NULL },
	{ TYPE_EMAIL, false, " a@example.org", NULL },
	{ TYPE_EMAIL, false, "a@example.org ", NULL },
	{ TYPE_EMAIL, false, "a@example.org\n", NULL },
	{ TYPE_EMAIL, false, "a@example.org\r\nBcc: e@evil.example", NULL },
	{ TYPE_EMAIL, false, "Lea <lea@example.org>", NULL },
	{ TYPE_EMAIL, false, "a@[192.0.2.1]", NULL },
	{ TYPE_EMAIL, false, "a@.example.org", NULL },
	{ TYPE_EMAIL, false, "a@example..org", NULL },
	{ TYPE_EMAIL, false, "a@example.org.", NULL },
	{ TYPE_EMAIL, false, "a@-example.org", NULL },
	{ TYPE_EMAIL, false, "a@example-.org", NULL },
	{ TYPE_EMAIL, false, "a@example.org-", NULL },
	{ TYPE_EMAIL, false, "a@exa_mple.org", NULL },
	{ TYPE_EMAIL, false, "a@x.com,b@y.com", NULL },
	{ TYPE_EMAIL, false, A63 "a@x.org", A63 "a@x.org" },
	{ TYPE_EMAIL, false, A63 "aa@x.org", NULL },
	{ TYPE_EMAIL, false, "a@" A63 ".org", "a@" A63 ".org" },
	{ TYPE_EMAIL, false, "a@" A63 "a.org", NULL },

	{ TYPE_ID, false, "slack:C0ENG", "slack:C0ENG" },
	{ TYPE_ID, false, "", NULL },
	{ TYPE_ID, false, "a b", NULL },
	{ TYPE_ID, false, "a\n", NULL },
	{ TYPE_ID, false, "\xc3\xa9", NULL },
	{ TYPE_ENUM, false, "on", "on" },
	{ TYPE_ENUM, false, "", NULL },

	{ TYPE_INT, false, "0", "0" },
	{ TYPE_INT, false, "-7", "-7" },
	{ TYPE_INT, false, "999999999999999", "999999999999999" },
	{ TYPE_INT, false, "-999999999999999", "-999999999999999" },
	{ TYPE_INT, false, "1000000000000000", NULL },
	{ TYPE_INT, false, "99999999999999999999999", NULL },
	{ TYPE_INT, false, "-0", NULL },
	{ TYPE_INT, false, "+1", NULL },
	{ TYPE_INT, false, "01", NULL },
	{ TYPE_INT, false, "1.0", NULL },
	{ TYPE_INT, false, "1e3", NULL },
	{ TYPE_INT, false, "", NULL },
	{ TYPE_INT, false, "-", NULL },
	{ TYPE_INT, false, "0x10", NULL },
	{ TYPE_INT, false, " 1", NULL },

	{ TYPE_NUMBER, false, "23.5", "23.5" },
	{ TYPE_NUMBER, false, "23.50", "23.5" },
	{ TYPE_NUMBER, false, "23.0", "23" },
	{ TYPE_NUMBER, false, "-0", "0" },
	{ TYPE_NUMBER, false, "-0.0", "0" },
	{ TYPE_NUMBER, false, "-0.5", "-0.5" },
	{ TYPE_NUMBER, false, "999999999.999999999", "999999999.999999999" },
	{ TYPE_NUMBER, false, "1000000000", NULL },
	{ TYPE_NUMBER, false, "0.0000000001", NULL },
	{ TYPE_NUMBER, false, "1e2", NULL },
	{ TYPE_NUMBER, false, "1.", NULL },
	{ TYPE_NUMBER, false, ".5", NULL },
	{ TYPE_NUMBER, false, "00.5", NULL },
	{ TYPE_NUMBER, false, "1.2.3", NULL },
	{ TYPE_NUMBER, false, "NaN", NULL },
	{ TYPE_NUMBER, false, "", NULL },

	{ TYPE_BOOL, false, "true", "true" },
	{ TYPE_BOOL, false, "false", "false" },
	{ TYPE_BOOL, false, "yes", NULL },
	{ TYPE_BOOL, false, "", NULL },

	{ TYPE_HANDLE, false, "@1", "@1" },
	{ TYPE_HANDLE, false, "@999999999", "@999999999" },
	{ TYPE_HANDLE, false, "@12.name", "@12.name" },
	{ TYPE_HANDLE, false, "@12.from_name", "@12.from_name" },
	{ TYPE_HANDLE, false, "@1000000000", NULL },
	{ TYPE_HANDLE, false, "@0", NULL },
	{ TYPE_HANDLE, false, "@01", NULL },
	{ TYPE_HANDLE, false, "@", NULL },
	{ TYPE_HANDLE, false, "12", NULL },
	{ TYPE_HANDLE, false, "@12.", NULL },
	{ TYPE_HANDLE, false, "@12.Name", NULL },
	{ TYPE_HANDLE, false, "@12.a.b", NULL },
	{ TYPE_HANDLE, false, "@12 ", NULL },
	{ TYPE_HANDLE, false, "", NULL },

	{ TYPE_URL, false, "https://example.org", "https://example.org/" },
	{ TYPE_URL, false, "HTTPS://Example.ORG:443/A",
	  "https://example.org/A" },
	{ TYPE_URL, false, "http://example.org:80/", "http://example.org/" },
	{ TYPE_URL, false, "http://example.org:443/",
	  "http://example.org:443/" },
	{ TYPE_URL, false, "https://x.org/a/./b/../c", "https://x.org/a/c" },
	{ TYPE_URL, false, "https://x.org/../../a/..", "https://x.org/" },
	{ TYPE_URL, false, "https://x.org/a/%2e%2E/b", "https://x.org/b" },
	{ TYPE_URL, false, "https://x.org/a/.%2e/", "https://x.org/" },
	{ TYPE_URL, false, "https://x.org/%41%7e%3a", "https://x.org/A~%3A" },
	{ TYPE_URL, false, "https://x.org//a//", "https://x.org//a//" },
	{ TYPE_URL, false, "https://x.org/\xc3\xa9", "https://x.org/%C3%A9" },
	{ TYPE_URL, false, "https://x.org/[a]", "https://x.org/%5Ba%5D" },
	{ TYPE_URL, false, "https://x.org?q=/../a#/..",
	  "https://x.org/?q=/../a#/.." },
	{ TYPE_URL, false, "https://x.org/#a#b", "https://x.org/#a%23b" },
	{ TYPE_URL, false, "https://192.0.2.1/", "https://192.0.2.1/" },
	{ TYPE_URL, false, "https://xn--bcher-kva.example/",
	  "https://xn--bcher-kva.example/" },
	{ TYPE_URL, false, "https://user@x.org/", NULL },
	{ TYPE_URL, false, "https://x.org@evil.example/", NULL },
	{ TYPE_URL, false, "https://x.org:pw@evil.example/", NULL },
	{ TYPE_URL, false, "https:\\\\x.org/", NULL },
	{ TYPE_URL, false, "https://x.org\\@evil.example/", NULL },
	{ TYPE_URL, false, "https:/x.org/", NULL },
	{ TYPE_URL, false, "https:x.org", NULL },
	{ TYPE_URL, false, "//x.org/", NULL },
	{ TYPE_URL, false, "ftp://x.org/", NULL },
	{ TYPE_URL, false, "javascript://x.org/%0aalert(1)", NULL },
	{ TYPE_URL, false, "https://x.org/a%2fb", NULL },
	{ TYPE_URL, false, "https://x.org/a%5Cb", NULL },
	{ TYPE_URL, false, "https://x.org/a%00", NULL },
	{ TYPE_URL, false, "https://x.org/?a=%0d%0aHost:", NULL },
	{ TYPE_URL, false, "https://x.org/a%", NULL },
	{ TYPE_URL, false, "https://x.org/a%4", NULL },
	{ TYPE_URL, false, "https://x.org/a%zz", NULL },
	{ TYPE_URL, false, "https://x.org/a%41", "https://x.org/aA" },
	{ TYPE_URL, false, "https://x.org/a b", NULL },
	{ TYPE_URL, false, "https://x.org/a\tb", NULL },
	{ TYPE_URL, false, " https://x.org/", NULL },
	{ TYPE_URL, false, "https://x.org/\xff", NULL },
	{ TYPE_URL, false,
	  "https://x.org\xe3\x80\x82"
	  "evil.example/",
	  NULL },
	{ TYPE_URL, false, "https://[::1]/", NULL },
	{ TYPE_URL, false, "https://0x7f.1/", NULL },
	{ TYPE_URL, false, "https://2130706433/", NULL },
	{ TYPE_URL, false, "https://127.0.0.01/", NULL },
	{ TYPE_URL, false, "https://127.0.0.256/", NULL },
	{ TYPE_URL, false, "https://1.2.3/", NULL },
	{ TYPE_URL, false, "https://1.2.3.4.5/", NULL },
	{ TYPE_URL, false, "https://a.0x10/", NULL },
	{ TYPE_URL, false, "https://x.org./", NULL },
	{ TYPE_URL, false, "https://x%2eorg/", NULL },
	{ TYPE_URL, false, "https:///a", NULL },
	{ TYPE_URL, false, "https://", NULL },
	{ TYPE_URL, false, "https://x.org:/", NULL },
	{ TYPE_URL, false, "https://x.org:0/", NULL },
	{ TYPE_URL, false, "https://x.org:65536/", NULL },
	{ TYPE_URL, false, "https://x.org:0443/", NULL },
	{ TYPE_URL, false, "https://x.org:1:2/", NULL },
	{ TYPE_URL, false, "", NULL },

	{ TYPE_REPO, false, "Raoul/API", "raoul/api" },
	{ TYPE_REPO, false, "a-b/c.d_e-f", "a-b/c.d_e-f" },
	{ TYPE_REPO, false, "raoul", NULL },
	{ TYPE_REPO, false, "raoul/", NULL },
	{ TYPE_REPO, false, "/api", NULL },
	{ TYPE_REPO, false, "raoul/api/x", NULL },
	{ TYPE_REPO, false, "raoul/..", NULL },
	{ TYPE_REPO, false, "raoul/api.git", NULL },
	{ TYPE_REPO, false, "raoul/api.GIT", NULL },
	{ TYPE_REPO, false, "-a/b", NULL },
	{ TYPE_REPO, false, "a--b/c", NULL },
	{ TYPE_REPO, false, "a/b c", NULL },
	{ TYPE_REPO, false, "https://github.com/a/b", NULL },

	{ TYPE_REF, false, "main", "main" },
	{ TYPE_REF, false, "agent/fix-1", "agent/fix-1" },
	{ TYPE_REF, false, "v1.2", "v1.2" },
	{ TYPE_REF, false, "", NULL },
	{ TYPE_REF, false, "@", NULL },
	{ TYPE_REF, false, "HEAD", NULL },
	{ TYPE_REF, false, "refs/heads/main", NULL },
	{ TYPE_REF, false, "0123456789abcdef0123456789ABCDEF01234567", NULL },
	{ TYPE_REF, false, "-x", NULL },
	{ TYPE_REF, false, "/x", NULL },
	{ TYPE_REF, false, "x/", NULL },
	{ TYPE_REF, false, "a//b", NULL },
	{ TYPE_REF, false, "a..b", NULL },
	{ TYPE_REF, false, "agent/../main", NULL },
	{ TYPE_REF, false, ".a", NULL },
	{ TYPE_REF, false, "a/.b", NULL },
	{ TYPE_REF, false, "a.", NULL },
	{ TYPE_REF, false, "a.lock", NULL },
	{ TYPE_REF, false, "a.lock/b", NULL },
	{ TYPE_REF, false, "a@{1}", NULL },
	{ TYPE_REF, false, "a b", NULL },
	{ TYPE_REF, false, "a:b", NULL },
	{ TYPE_REF, false, "+a:b", NULL },
	{ TYPE_REF, false, "a~1", NULL },
	{ TYPE_REF, false, "a^", NULL },
	{ TYPE_REF, false, "a*", NULL },
	{ TYPE_REF, false, "a?", NULL },
	{ TYPE_REF, false, "a[", NULL },
	{ TYPE_REF, false, "a\\b", NULL },
	{ TYPE_REF, false, "\xc3\xa9", NULL },

	{ TYPE_FILE, false, HASH ":12:a b.txt", HASH ":12:a b.txt" },
	{ TYPE_FILE, false, HASH ":0:x", HASH ":0:x" },
	{ TYPE_FILE, false, HASH ":4294967295:x", HASH ":4294967295:x" },
	{ TYPE_FILE, false, HASH ":4294967296:x", NULL },
	{ TYPE_FILE, false, HASH ":012:x", NULL },
	{ TYPE_FILE, false, HASH ":12:", NULL },
	{ TYPE_FILE, false, HASH ":12", NULL },
	{ TYPE_FILE, false, HASH ":12:a/b", NULL },
	{ TYPE_FILE, false, HASH ":12:..", NULL },
	{ TYPE_FILE, false, HASH ":12:a\\b", NULL },
	{ TYPE_FILE, false, HASH ":12:a\nb", NULL },
	{ TYPE_FILE, false, "sha256:" A63 ":12:x", NULL },
	{ TYPE_FILE, false, "sha256:" A63 "A:12:x", NULL },
	{ TYPE_FILE, false, "report.pdf", NULL },

	{ TYPE_DATETIME, false, "2026-11-20T09:14:00Z",
	  "2026-11-20T09:14:00Z" },
	{ TYPE_DATETIME, false, "2026-11-20t09:14:00z",
	  "2026-11-20T09:14:00Z" },
	{ TYPE_DATETIME, false, "2026-11-20T00:14:00+01:00",
	  "2026-11-19T23:14:00Z" },
	{ TYPE_DATETIME, false, "2026-12-31T23:30:00-00:30",
	  "2027-01-01T00:00:00Z" },
	{ TYPE_DATETIME, false, "2024-02-29T12:00:00.500Z",
	  "2024-02-29T12:00:00.5Z" },
	{ TYPE_DATETIME, false, "2024-03-01T00:00:00.000+00:01",
	  "2024-02-29T23:59:00Z" },
	{ TYPE_DATETIME, false, "1969-12-31T23:59:59Z",
	  "1969-12-31T23:59:59Z" },
	{ TYPE_DATETIME, false, "0001-01-01T00:00:00Z",
	  "0001-01-01T00:00:00Z" },
	{ TYPE_DATETIME, false, "9999-12-31T23:59:59Z",
	  "9999-12-31T23:59:59Z" },
	{ TYPE_DATETIME, false, "1900-02-28T24:00:00Z", NULL },
	{ TYPE_DATETIME, false, "1900-02-29T00:00:00Z", NULL },
	{ TYPE_DATETIME, false, "0001-01-01T00:00:00+00:01", NULL },
	{ TYPE_DATETIME, false, "9999-12-31T23:59:59-00:01", NULL },
	{ TYPE_DATETIME, false, "2026-11-20T09:14:60Z", NULL },
	{ TYPE_DATETIME, false, "2026-11-20T09:14:00", NULL },
	{ TYPE_DATETIME, false, "2026-11-20 09:14:00Z", NULL },
	{ TYPE_DATETIME, false, "2026-11-20T09:14Z", NULL },
	{ TYPE_DATETIME, false, "2026-13-20T09:14:00Z", NULL },
	{ TYPE_DATETIME, false, "2026-00-20T09:14:00Z", NULL },
	{ TYPE_DATETIME, false, "2026-11-31T09:14:00Z", NULL },
	{ TYPE_DATETIME, false, "2026-11-20T09:14:00.Z", NULL },
	{ TYPE_DATETIME, false, "2026-11-20T09:14:00.0000000001Z", NULL },
	{ TYPE_DATETIME, false, "2026-11-20T09:14:00+24:00", NULL },
	{ TYPE_DATETIME, false, "2026-11-20T09:14:00+0100", NULL },
	{ TYPE_DATETIME, false, "2026-11-20T09:14:00ZZ", NULL },
	{ TYPE_DATETIME, false, "tomorrow", NULL },

	{ TYPE_MONEY, false, "EUR 12.50", "EUR 12.50" },
	{ TYPE_MONEY, false, "EUR 12.5", "EUR 12.50" },
	{ TYPE_MONEY, false, "EUR 12", "EUR 12.00" },
	{ TYPE_MONEY, false, "JPY 500", "JPY 500" },
	{ TYPE_MONEY, false, "KWD 0.5", "KWD 0.500" },
	{ TYPE_MONEY, false, "USD 999999999999.99", "USD 999999999999.99" },
	{ TYPE_MONEY, false, "USD 1000000000000", NULL },
	{ TYPE_MONEY, false, "EUR 12.505", NULL },
	{ TYPE_MONEY, false, "JPY 5.0", NULL },
	{ TYPE_MONEY, false, "EUR -1", NULL },
	{ TYPE_MONEY, false, "EUR 01", NULL },
	{ TYPE_MONEY, false, "EUR 1,000", NULL },
	{ TYPE_MONEY, false, "EUR 1.", NULL },
	{ TYPE_MONEY, false, "eur 1", NULL },
	{ TYPE_MONEY, false, "ABC 1", NULL },
	{ TYPE_MONEY, false, "EUR1", NULL },
	{ TYPE_MONEY, false, "EUR ", NULL },
	{ TYPE_MONEY, false, "12.50", NULL },
};

static void canonical_forms(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf out;
		const char *why;

		buf_init(&out, 1 << 12);
		why = type_canon(rows[i].type, rows[i].lines,
				 span_str(rows[i].in), &out);
		if (!rows[i].want && !why)
			fail_msg("%s \"%s\" passed", type_name(rows[i].type),
				 rows[i].in);
		if (!rows[i].want)
			continue;
		if (why)
			fail_msg("%s \"%s\" %s", type_name(rows[i].type),
				 rows[i].in, why);
		assert_string_equal(buf_cstr(&out), rows[i].want);
	}
}

/* A canonical form is its own canonical form. */
static void canonical_twice(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf out;

		buf_init(&out, 1 << 12);
		if (!rows[i].want)
			continue;
		assert_null(type_canon(rows[i].type, rows[i].lines,
				       span_str(rows[i].want), &out));
		assert_string_equal(buf_cstr(&out), rows[i].want);
	}
}

static void text_with_a_nul(void **)
{
	CLEAN_BUF struct buf out;

	buf_init(&out, 64);
	assert_non_null(type_canon(TYPE_TEXT, true, SPAN_LIT("a\0b"), &out));
	assert_non_null(
		type_canon(TYPE_EMAIL, true, SPAN_LIT("a\0@x.org"), &out));
	assert_non_null(type_canon(TYPE_ID, true, SPAN_LIT("a\0"), &out));
}

/* n bytes 'a' as an id, or as a domain of 60-letter labels. */
static bool id_passes(size_t n)
{
	CLEAN_BUF struct buf out;
	uint8_t text[ID_MAX + 2];

	buf_init(&out, 1 << 12);
	memset(text, 'a', sizeof(text));
	return !type_canon(TYPE_ID, false, span_of(text, n), &out);
}

static bool address_passes(size_t n)
{
	CLEAN_BUF struct buf out;
	uint8_t text[EMAIL_MAX + 2];
	size_t i;

	buf_init(&out, 1 << 12);
	for (i = 0; i < n; i++)
		text[i] = i % 60 == 59 && i + 1 < n ? '.' : 'a';
	text[1] = '@';
	return !type_canon(TYPE_EMAIL, false, span_of(text, n), &out);
}

static void lengths(void **)
{
	assert_true(id_passes(ID_MAX - 1));
	assert_true(id_passes(ID_MAX));
	assert_false(id_passes(ID_MAX + 1));
	assert_true(address_passes(EMAIL_MAX - 1));
	assert_true(address_passes(EMAIL_MAX));
	assert_false(address_passes(EMAIL_MAX + 1));
}

static void numbers(void **)
{
	static const struct {
		enum arg_type type;
		const char *text;
		int64_t want;
	} n[] = {
		{ TYPE_INT, "0", 0 },
		{ TYPE_INT, "-999999999999999", -INT_LIMIT },
		{ TYPE_NUMBER, "23.5", 23500000000 },
		{ TYPE_NUMBER, "-0.5", -500000000 },
		{ TYPE_NUMBER, "7", 7000000000 },
		{ TYPE_NUMBER, "999999999.999999999", 999999999999999999 },
		{ TYPE_MONEY, "EUR 12.50", 1250 },
		{ TYPE_MONEY, "JPY 500", 500 },
		{ TYPE_MONEY, "KWD 0.500", 500 },
		{ TYPE_DATETIME, "1970-01-01T00:00:00Z", 0 },
		{ TYPE_DATETIME, "2026-11-20T09:14:00.5Z", 1795166040 },
		{ TYPE_DATETIME, "1969-12-31T23:59:59Z", -1 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(n); i++)
		assert_int_equal(type_number(n[i].type, span_str(n[i].text)),
				 n[i].want);
}

/* A list has a value, or one of its trees does. */
static void matching(void **)
{
	static const struct {
		enum arg_type type;
		const char *entry, *value;
		bool want;
	} m[] = {
		{ TYPE_EMAIL, "a@x.org", "a@x.org", true },
		{ TYPE_EMAIL, "a@x.org", "a@x.org.evil.io", false },
		{ TYPE_REPO, "a/b", "a/bc", false },
		{ TYPE_URL, "https://x.org/", "https://x.org/a?b", true },
		{ TYPE_URL, "https://x.org/a/", "https://x.org/a/", true },
		{ TYPE_URL, "https://x.org/a/", "https://x.org/a/b/c", true },
		{ TYPE_URL, "https://x.org/a/", "https://x.org/a", false },
		{ TYPE_URL, "https://x.org/a/", "https://x.org/ab/", false },
		{ TYPE_URL, "https://x.org/a", "https://x.org/a/b", false },
		{ TYPE_URL, "https://x.org/a", "https://x.org/a", true },
		{ TYPE_URL, "https://x.org/", "https://x.org.evil.io/", false },
		{ TYPE_URL, "https://x.org/", "https://x.org:8443/", false },
		{ TYPE_URL, "https://x.org/", "http://x.org/", false },
		{ TYPE_URL, "https://x.org/?a=/", "https://x.org/?a=/b",
		  false },
		{ TYPE_ID, "a/", "a/b", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(m); i++)
		if (type_matches(m[i].type, span_str(m[i].entry),
				 span_str(m[i].value)) != m[i].want)
			fail_msg("%s, %s", m[i].entry, m[i].value);
}

static void refs_under(void **)
{
	static const struct {
		const char *glob, *ref;
		bool good, want;
	} m[] = {
		{ "agent/*", "agent/x", true, true },
		{ "agent/*", "agent/x/y", true, true },
		{ "agent/*", "agent", true, false },
		{ "agent/*", "agent2/x", true, false },
		{ "agent/*", "main", true, false },
		{ "a/b/*", "a/b/c", true, true },
		{ "agent*", "agent", false, false },
		{ "*", "x", false, false },
		{ "/*", "x", false, false },
		{ "a/*/*", "a/b/c", false, false },
		{ "../*", "../c", false, false },
		{ "refs/heads/*", "main", false, false },
		{ "agent/", "agent/x", false, false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(m); i++) {
		struct span glob = span_str(m[i].glob);
		bool good = !ref_glob_bad(glob);

		if (good != m[i].good ||
		    (good && ref_under(glob, span_str(m[i].ref)) != m[i].want))
			fail_msg("%s, %s", m[i].glob, m[i].ref);
	}
}

static void paths(void **)
{
	static const struct {
		const char *glob, *path;
		bool want;
	} m[] = {
		{ ".github/workflows/*", ".github/workflows/ci.yml", true },
		{ ".github/workflows/*", ".github/workflows/a/b.yml", true },
		{ ".github/workflows/*", ".GitHub/Workflows/ci.yml", true },
		{ ".github/workflows/*", ".github/workflows", false },
		{ ".github/workflows/*", "x/.github/workflows/ci.yml", false },
		{ ".github/workflows/*", ".github/other/ci.yml", false },
		{ "CODEOWNERS", "CODEOWNERS", true },
		{ "CODEOWNERS", "docs/codeowners", true },
		{ "CODEOWNERS", "CODEOWNERS/x", true },
		{ "CODEOWNERS", "CODEOWNERS2", false },
		{ "**/.env*", ".env", true },
		{ "**/.env*", ".env.local", true },
		{ "**/.env*", "a/b/.env", true },
		{ "**/.env*", "a/.envrc/b", true },
		{ "**/.env*", "a/env", false },
		{ "a/**", "a/b", true },
		{ "a/**", "a/b/c", true },
		{ "a/**/z", "a/z", true },
		{ "a/**/z", "a/b/c/z", true },
		{ "a/**/z", "a/b/c/y", false },
		{ "a/**/b/**/z", "a/x/b/y/b/z", true },
		{ "**/b/c", "b/b/c", true },
		{ "**/b/c", "b/x/b/b/c", true },
		{ "a*c/x", "abbc/x", true },
		{ "a*b*c/x", "aXbYbZc/x", true },
		{ "a*c/x", "ab/x", false },
		{ "*", "anything", true },
		{ "*.pem", "a/b/key.pem", true },
		{ "*.pem", "a/b/key.pem.txt", false },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(m); i++)
		if (path_matches(span_str(m[i].glob), span_str(m[i].path)) !=
		    m[i].want)
			fail_msg("%s, %s", m[i].glob, m[i].path);
	assert_true(path_ok(SPAN_LIT("a/b c/.x")));
	assert_false(path_ok(SPAN_LIT("")));
	assert_false(path_ok(SPAN_LIT("/a")));
	assert_false(path_ok(SPAN_LIT("a/")));
	assert_false(path_ok(SPAN_LIT("a//b")));
	assert_false(path_ok(SPAN_LIT("a/../b")));
	assert_false(path_ok(SPAN_LIT("./a")));
	assert_false(path_ok(SPAN_LIT("a\\b")));
	assert_false(path_ok(SPAN_LIT("a\nb")));
	assert_false(path_ok(SPAN_LIT("a\xff")));
}

static void parts_of_a_file(void **)
{
	struct type_file f;

	assert_true(type_file(SPAN_LIT(HASH ":12:a:b.txt"), &f));
	assert_true(span_is(f.hash, A16 A16 A16 A16));
	assert_int_equal(f.size, 12);
	assert_true(span_is(f.name, "a:b.txt"));
	assert_true(span_is(type_currency(SPAN_LIT("EUR 12.50")), "EUR"));
}

/* A URL of n bytes; and one that grows when it is encoded. */
static bool url_passes(size_t n, char with)
{
	CLEAN_BUF struct buf in;
	CLEAN_BUF struct buf out;

	buf_init(&in, 1 << 13);
	buf_init(&out, 1 << 14);
	buf_str(&in, "https://x.org/");
	while (in.n < n)
		buf_u8(&in, (uint8_t)with);
	return !type_canon(TYPE_URL, false, buf_view(&in), &out);
}

static void longer_lengths(void **)
{
	assert_true(url_passes(URL_MAX - 1, 'a'));
	assert_true(url_passes(URL_MAX, 'a'));
	assert_false(url_passes(URL_MAX + 1, 'a'));
	assert_true(url_passes(14 + (URL_MAX - 14) / 3, '"'));
	assert_false(url_passes(15 + (URL_MAX - 14) / 3, '"'));
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(canonical_forms),
		cmocka_unit_test(canonical_twice),
		cmocka_unit_test(text_with_a_nul),
		cmocka_unit_test(lengths),
		cmocka_unit_test(numbers),
		cmocka_unit_test(matching),
		cmocka_unit_test(refs_under),
		cmocka_unit_test(paths),
		cmocka_unit_test(parts_of_a_file),
		cmocka_unit_test(longer_lengths),
	};

	return cmocka_run_group_tests_name("label/types", tests, NULL, NULL);
}
