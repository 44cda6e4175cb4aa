/*
 * mail_test: limits of a whole mail; what mails mean is in tests/data/mail.
 */
#include "reader/mail/mail.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fd.h"
#include "reader/mail/mime.h"
#include "reader/mail/unseen.h"
#include "reader/read.h"

static bool has(struct span s, const char *what)
{
	return s.n && memmem(s.p, s.n, what, strlen(what)) != NULL;
}

/* A multipart of n parts: the last one is read, or counted as cut. */
static void parts(size_t n, bool cut)
{
	CLEAN_BUF struct buf b = { .max = 1 << 20 };
	struct draft d;

	buf_str(&b, "From: a@b.example\n"
		    "Content-Type: multipart/mixed; boundary=b\n\n");
	for (size_t i = 0; i < n; i++)
		buf_printf(&b, "--b\n\npart%zu.\n", i);
	buf_str(&b, "--b--\n");
	draft_init(&d);
	assert_int_equal(read_item(WIRE_ITEM_EMAIL, buf_view(&b), &d), 0);
	assert_int_equal(d.removed[REMOVED_TRUNCATED].count > 0, cut);
	assert_true(has(d.m.body, "part0."));
	assert_true(has(d.m.body, "part254."));
	assert_false(has(d.m.body, "part255."));
	draft_done(&d);
}

/* The multipart itself is one of the parts. */
static void test_parts(void **)
{
	parts(MIME_PARTS_MAX - 1, false);
	parts(MIME_PARTS_MAX, true);
}

static void depth(size_t n, bool cut)
{
	CLEAN_BUF struct buf b = { .max = 1 << 20 };
	struct draft d;

	buf_str(&b, "From: a@b.example\n");
	for (size_t i = 0; i < n; i++)
		buf_printf(&b,
			   "Content-Type: multipart/mixed; boundary=b%zu\n\n"
			   "--b%zu\n",
			   i, i);
	buf_str(&b, "Content-Type: text/plain\n\nbottom\n");
	draft_init(&d);
	assert_int_equal(read_item(WIRE_ITEM_EMAIL, buf_view(&b), &d), 0);
	assert_int_equal(has(d.m.body, "bottom"), !cut);
	assert_int_equal(d.removed[REMOVED_TRUNCATED].count > 0, cut);
	draft_done(&d);
}

/* The text below is a level, too. */
static void test_depth(void **)
{
	depth(MIME_DEPTH_MAX - 2, false);
	depth(MIME_DEPTH_MAX - 1, false);
	depth(MIME_DEPTH_MAX, true);
	depth(500, true);
}

/* Groups in groups are no depth of anything. */
static void test_groups(void **)
{
	CLEAN_BUF struct buf b = { .max = 4 << 20 };
	struct draft d;

	buf_str(&b, "To: ");
	for (size_t i = 0; i < 300000; i++)
		buf_str(&b, "g: ");
	buf_str(&b, "\nSubject: s\nCc: team: a@b.example, c@d.example;, "
		    "e@f.example\n\nx\n");
	draft_init(&d);
	assert_int_equal(read_item(WIRE_ITEM_EMAIL, buf_view(&b), &d), 0);
	assert_true(span_is(d.m.subject, "s"));
	assert_int_equal(d.m.n_cc, 3);
	assert_true(span_is(d.m.cc[1].addr, "c@d.example"));
	draft_done(&d);
}

/* Many recipients and references: the first and the last are kept. */
static void test_lists(void **)
{
	CLEAN_BUF struct buf b = { .max = 1 << 20 };
	struct draft d;

	buf_str(&b, "To: a0@b.example");
	for (int i = 1; i < MESSAGE_ADDRS + 10; i++)
		buf_printf(&b, ", a%d@b.example", i);
	buf_str(&b, "\nReferences:");
	for (int i = 0; i < MESSAGE_REFS + 10; i++)
		buf_printf(&b, " <r%d@b.example>", i);
	buf_str(&b, "\n\nx\n");
	draft_init(&d);
	assert_int_equal(read_item(WIRE_ITEM_EMAIL, buf_view(&b), &d), 0);
	assert_int_equal(d.m.n_to, MESSAGE_ADDRS);
	assert_true(span_is(d.m.to[1].addr, "a1@b.example"));
	assert_int_equal(d.m.n_references, MESSAGE_REFS);
	assert_true(span_is(d.m.references[0], "r10@b.example"));
	draft_done(&d);
}

/* A subject over every limit is cut, not lost. */
static void test_long_field(void **)
{
	CLEAN_BUF struct buf b = { .max = 4 << 20 };
	struct draft d;

	buf_str(&b, "Subject: ");
	for (size_t i = 0; i < 200000; i++)
		buf_str(&b, "\xc3\xa9x");
	buf_str(&b, "\n\nbody\n");
	draft_init(&d);
	assert_int_equal(read_item(WIRE_ITEM_EMAIL, buf_view(&b), &d), 0);
	assert_true(d.m.subject.n > MESSAGE_SUBJECT_MAX - 4);
	assert_true(span_is(d.m.body, "body\n"));
	draft_done(&d);
}

/* Each way to read differently elsewhere is named, and nothing else is. */
static void test_flaws(void **)
{
#define MULTI "Content-Type: multipart/mixed; boundary=b\n\n"
	static const struct {
		const char *mail;
		const char *rule;
	} rows[] = {
		{ "Subject: a\nSubject: a\n\nx\n", "duplicate-header" },
		{ "Subject: a\nSubject: b\n\nx\n", "conflicting-header" },
		{ "To: a@b\nTo: c@d\n\nx\n", "conflicting-header" },
		{ "Subject: a\nno field\n\nx\n", "invalid-header-name" },
		{ "Subject: a\n \nTo: b@c\n\nx\n", "invalid-header-name" },
		{ "no header\n", "invalid-header-name" },
		{ "Content-Type: text/plain; a=b; a=b\n\nx\n",
		  "duplicate-parameter" },
		{ "Content-Type: text/plain; a=b; A=c\n\nx\n",
		  "conflicting-parameter" },
		{ "Content-Type: a/b; name=c\nContent-Disposition: "
		  "attachment; filename=d\n\nx\n",
		  "conflicting-parameter" },
		{ "Content-Type: a/b; name=c; name*=''d\n\nx\n",
		  "conflicting-parameter" },
		{ "Content-Type: text\n\nx\n", "bad-type" },
		{ "Content-Type: multipart/mixed\n\nx\n", "no-boundary" },
		{ MULTI "x\n", "no-parts" },
		{ MULTI "--b\n\nx\n", "no-end" },
		{ MULTI "--b\n\nx\n--b--\n--b\n\ny\n", "after-end" },
		{ "Content-Transfer-Encoding: base64\n" MULTI
		  "--b\n\nx\n--b--\n",
		  "encoded-container" },
		{ "Content-Transfer-Encoding: rot13\n\nx\n",
		  "unknown-encoding" },
		{ "Content-Transfer-Encoding: base64\n\neHg=eHg=\n", "base64" },
		{ "Content-Transfer-Encoding: base64\n\ne*Hg=\n", "base64" },
		{ "Content-Transfer-Encoding: base64\n\neHg\n", "base64" },
		{ "Content-Type: text/plain; charset=x-none\n\nx\n",
		  "unknown-charset" },
		{ "Subject: =?x-none?q?a?=\n\nx\n", "unknown-charset" },
		{ "Subject: a\n\nx\n", NULL },
		{ MULTI "--b\n\nx\n--b--\n", NULL },
		{ "Content-Transfer-Encoding: base64\n\neHg=\n\n", NULL },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct draft d;

		draft_init(&d);
		assert_int_equal(
			read_item(WIRE_ITEM_EMAIL, span_str(rows[i].mail), &d),
			0);
		if (d.m.n_findings != (rows[i].rule ? 1u : 0u))
			fail_msg("%s: %u findings", rows[i].mail,
				 d.m.n_findings);
		if (rows[i].rule && !has(d.m.findings[0].rule, rows[i].rule))
			fail_msg("%s: not %s", rows[i].mail, rows[i].rule);
		draft_done(&d);
	}
}

/* Of an alternative that is not shown no link is, nor what a link says. */
static void test_unseen_links(void **)
{
	static const char mail[] =
		"Content-Type: multipart/alternative; boundary=b\n\n"
		"--b\nContent-Type: text/html\n\n"
		"<a href=https://hidden.example/>hidden words</a>\n"
		"--b\n\nhello https://shown.example/\n--b--\n";
	struct draft d;

	draft_init(&d);
	assert_int_equal(read_item(WIRE_ITEM_EMAIL, span_str(mail), &d), 0);
	assert_int_equal(d.m.n_links, 1);
	assert_true(span_is(d.m.links[0].url, "https://shown.example/"));
	assert_int_equal(d.removed[REMOVED_ALTERNATIVE].count, 1);
	draft_done(&d);
}

/* What few programs show, or list, is not what the planner reads. */
static void test_alternative(void **)
{
	static const char *const last[] = {
		"Content-Type: text/x-amp-html",
		"Content-Disposition: attachment",
		"Content-Type: text/html\nContent-Disposition: attachment",
	};

	for (size_t i = 0; i < ARRAY_SIZE(last); i++) {
		CLEAN_BUF struct buf b = { .max = 1000 };
		struct draft d;

		buf_printf(&b,
			   "Content-Type: multipart/alternative; boundary=b\n"
			   "\n--b\nContent-Type: text/html\n\nshown\n"
			   "--b\n%s\n\nsome hidden words\n--b--\n",
			   last[i]);
		draft_init(&d);
		assert_int_equal(read_item(WIRE_ITEM_EMAIL, buf_view(&b), &d),
				 0);
		assert_true(span_is(d.m.body, "shown"));
		assert_int_equal(d.removed[REMOVED_ALTERNATIVE].count, i == 0);
		draft_done(&d);
	}
}

/* A text without a header has the limit of any text. */
static void test_headless(void **)
{
	for (size_t n = MAIL_TEXT_MAX - 1; n <= MAIL_TEXT_MAX + 1; n++) {
		CLEAN_BUF struct buf b = { .max = MAIL_TEXT_MAX + 1 };
		uint8_t *p = buf_extend(&b, n);
		struct draft d;

		assert_non_null(p);
		memset(p, 'x', n);
		draft_init(&d);
		assert_int_equal(read_item(WIRE_ITEM_EMAIL, buf_view(&b), &d),
				 0);
		assert_int_equal(d.removed[REMOVED_TRUNCATED].count,
				 n > MAIL_TEXT_MAX ? 2 : 1);
		draft_done(&d);
	}
}

static void test_no_mail(void **)
{
	struct draft d;

	draft_init(&d);
	assert_int_not_equal(read_item(WIRE_ITEM_EMAIL, SPAN_LIT(""), &d), 0);
	draft_done(&d);
	draft_init(&d);
	assert_int_not_equal(read_item(WIRE_ITEM_EMAIL,
				       SPAN_LIT("\x7f"
						"ELF\0\1\2"),
				       &d),
			     0);
	draft_done(&d);
}

static void test_unseen(void **)
{
	static const struct {
		const char *shown;
		const char *other;
		uint32_t lines;
	} rows[] = {
		{ "hello world", "Hello,\nWORLD!", 0 },
		{ "hello", "see https://a.example/b/c/d/e\n", 0 },
		{ "hello", "one\n", 0 },
		{ "hello", "two words\n", 1 },
		{ "a long line of many words here", "of many words but new",
		  0 },
		{ "a long line of many words here",
		  "a long line of words with three new ones", 1 },
		{ "", "one two\nthree four\n", 2 },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf out = { .max = 1000 };

		assert_int_equal(unseen_lines(span_str(rows[i].shown),
					      span_str(rows[i].other), &out),
				 rows[i].lines);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_parts),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_groups),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_long_field),
		cmocka_unit_test(test_flaws),
		cmocka_unit_test(test_unseen_links),
		cmocka_unit_test(test_alternative),
		cmocka_unit_test(test_headless),
		cmocka_unit_test(test_no_mail),
		cmocka_unit_test(test_unseen),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
