/* header_test: what counts as the one sender, and what is refused. */
#include "header.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/buf.h"

static const struct {
	const char *from; /* value of the From field */
	enum header_fault want;
	const char *addr;
} mailboxes[] = {
	{ "a@b.org", HEADER_OK, "a@b.org" },
	{ " a@b.org ", HEADER_OK, "a@b.org" },
	{ "A B <a@b.org>", HEADER_OK, "a@b.org" },
	{ "\"A, B\" <a@b.org>", HEADER_OK, "a@b.org" },
	{ "\"x@evil.example\" <a@b.org>", HEADER_OK, "a@b.org" },
	{ "\"\\\"<x@y>\" <a@b.org>", HEADER_OK, "a@b.org" },
	{ "<a@b.org>", HEADER_OK, "a@b.org" },
	{ "< a@b.org >", HEADER_OK, "a@b.org" },
	{ "=?utf-8?q?J=C3=B6rg?= <a@b.org>", HEADER_OK, "a@b.org" },
	{ "J\xc3\xb6rg X. <a@b.org>", HEADER_OK, "a@b.org" },
	{ "(c) a@b.org (d (e) \\) f)", HEADER_OK, "a@b.org" },
	{ "A (x <c@d>) <a@b.org>", HEADER_OK, "a@b.org" },
	{ "A\r\n <a@b.org>", HEADER_OK, "a@b.org" },
	{ "A\n\t<a@b.org>", HEADER_OK, "a@b.org" },
	{ "\"a b\"@c.org", HEADER_OK, "\"a b\"@c.org" },
	{ "a.b+c=d@[192.0.2.1]", HEADER_OK, "a.b+c=d@[192.0.2.1]" },
	{ "a@b", HEADER_OK, "a@b" },
	{ "", HEADER_BAD_FROM, NULL },
	{ "a", HEADER_BAD_FROM, NULL },
	{ "A B", HEADER_BAD_FROM, NULL },
	{ "<>", HEADER_BAD_FROM, NULL },
	{ "a@b.org x", HEADER_BAD_FROM, NULL },
	{ "a@b.org <c@d.org>", HEADER_BAD_FROM, NULL },
	{ "a@@b.org", HEADER_BAD_FROM, NULL },
	{ "a@b@c", HEADER_BAD_FROM, NULL },
	{ ".a@b.org", HEADER_BAD_FROM, NULL },
	{ "a.@b.org", HEADER_BAD_FROM, NULL },
	{ "a..b@c.org", HEADER_BAD_FROM, NULL },
	{ "a@b..org", HEADER_BAD_FROM, NULL },
	{ "a@.org", HEADER_BAD_FROM, NULL },
	{ "a @b.org", HEADER_BAD_FROM, NULL },
	{ "<a@b.org", HEADER_BAD_FROM, NULL },
	{ "a@b.org>", HEADER_BAD_FROM, NULL },
	{ "<a@b.org><c@d.org>", HEADER_BAD_FROM, NULL },
	{ "X <a@b.org> Y", HEADER_BAD_FROM, NULL },
	{ "\"a <a@b.org>", HEADER_BAD_FROM, NULL },
	{ "(a <a@b.org>", HEADER_BAD_FROM, NULL },
	{ "\xc3\xb6@b.org", HEADER_BAD_FROM, NULL },
	{ "a@b\xc3\xb6.org", HEADER_BAD_FROM, NULL },
	{ "\"a\r\n b\"@c.org", HEADER_BAD_FROM, NULL },
	{ "a@[1\\2]", HEADER_BAD_FROM, NULL },
	{ "a@[1", HEADER_BAD_FROM, NULL },
	{ "<@relay:a@b.org>", HEADER_BAD_FROM, NULL },
	{ "a@b.org, c@d.org", HEADER_MANY_FROM, NULL },
	{ "A <a@b.org>, c@d.org", HEADER_MANY_FROM, NULL },
	{ "A <a@b.org>,", HEADER_MANY_FROM, NULL },
	{ "group: a@b.org;", HEADER_MANY_FROM, NULL },
	{ "undisclosed:;", HEADER_MANY_FROM, NULL },
};

static void from(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(mailboxes); i++) {
		struct header_facts h = { 0 };
		enum header_fault f;
		char mail[512];

		(void)snprintf(mail, sizeof(mail),
			       "Subject: x\r\nFrom: %s\r\n\r\nFrom: b@b\r\n",
			       mailboxes[i].from);
		f = header_parse(span_str(mail), &h);
		if (f != mailboxes[i].want)
			print_error("%s: got %s\n", mailboxes[i].from,
				    header_fault_text(f));
		assert_int_equal(f, mailboxes[i].want);
		if (f == HEADER_OK)
			assert_string_equal(h.from, mailboxes[i].addr);
	}
}

static const struct {
	const char *mail;
	enum header_fault want;
} mails[] = {
	{ "From: a@b\n\n", HEADER_OK },
	{ "From: a@b", HEADER_OK },
	{ "FROM:a@b\n\nFrom: c@d\n", HEADER_OK },
	{ "From x Mon Jan  1 00:00:00 2024\nFrom: a@b\n\n", HEADER_OK },
	{ "From: a@b\nFrom x Mon Jan\n\n", HEADER_BAD_LINE },
	{ "From x 1\nFrom y 2\nFrom: a@b\n\n", HEADER_BAD_LINE },
	{ "From: a@b\nfrom: c@d\n\n", HEADER_TWO_FROM },
	{ "From: a@b\nFrom: a@b\n\n", HEADER_TWO_FROM },
	{ "From : a@b\n\n", HEADER_BAD_LINE },
	{ "Subject: x\n\nFrom: a@b\n", HEADER_NO_FROM },
	{ "Subject: x\r\n\r\nFrom: a@b\n", HEADER_NO_FROM },
	{ "", HEADER_NO_FROM },
	{ "\nFrom: a@b\n", HEADER_NO_FROM },
	{ "From: a@b\nno field\n\n", HEADER_BAD_LINE },
	{ ": x\nFrom: a@b\n\n", HEADER_BAD_LINE },
	{ " folded first\nFrom: a@b\n\n", HEADER_BAD_LINE },
	{ "X\x01: y\nFrom: a@b\n\n", HEADER_BAD_LINE },
	{ "From: a@b\rX: y\n\n", HEADER_BAD_BYTE },
	{ "From: a@b\nSubject: x\r", HEADER_BAD_BYTE },
	{ "From: a@b\nMessage-ID: <1>\nMessage-Id: <2>\n\n", HEADER_TWO_ID },
	{ "From: a@b\nMessage-ID: <\x80>\n\n", HEADER_BAD_ID },
	{ "From: a@b\nMessage-ID: <1\n 2>\n\n", HEADER_BAD_ID },
	{ "From: a@b\nMessage-ID:\n <1@x>\n\n", HEADER_OK },
	{ "From: a@b\nDate: 1\nDate: 2\n\n", HEADER_TWO_DATE },
	{ "From: a@b\nDate: \x07\n\n", HEADER_BAD_DATE },
	{ "Resent-From: c@d\nX-From: e@f\nFrom: a@b\n\n", HEADER_OK },
};

static void blocks(void **state)
{
	struct header_facts h;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(mails); i++) {
		enum header_fault f = header_parse(span_str(mails[i].mail), &h);

		if (f != mails[i].want)
			print_error("row %zu: got %s\n", i,
				    header_fault_text(f));
		assert_int_equal(f, mails[i].want);
		if (f == HEADER_OK)
			assert_string_equal(h.from, "a@b");
	}
	assert_int_equal(header_parse(SPAN_LIT("From: a@b\nX: \0\n\n"), &h),
			 HEADER_BAD_BYTE);
}

static void facts(void **state)
{
	struct header_facts h;

	(void)state;
	assert_int_equal(
		header_parse(SPAN_LIT("Received: by x\r\n\tfor y\r\n"
				      "Date: Mon, 1 Jan 2024 00:00:00 +0000\r\n"
				      "Message-ID:\r\n <1@x>\r\n"
				      "From: A <a@b>\r\n\r\nbody"),
			     &h),
		HEADER_OK);
	assert_string_equal(h.from, "a@b");
	assert_string_equal(h.id, "<1@x>");
	assert_string_equal(h.date, "Mon, 1 Jan 2024 00:00:00 +0000");
}

static const struct {
	const char *fields;
	const char *refs, *subject;
} answers[] = {
	{ "Subject: Re: a\r\nReferences: <1@x>\r\n <2@x>\r\n", "<1@x> <2@x>",
	  "Re: a" },
	{ "subject:\r\n =?utf-8?q?J=C3=B6?=\r\n\tb\r\n", "",
	  "=?utf-8?q?J=C3=B6?= b" },
	{ "Subject: a\r\nSubject: b\r\n", "", "" },
	{ "References: <1@x>\r\nReferences: <2@x>\r\nReferences: <3@x>\r\n", "",
	  "" },
	{ "Subject: \xc3\xb6\r\nReferences: <\x07@x>\r\n", "", "" },
	{ "Subject:\r\n", "", "" },
};

static void for_an_answer(void **state)
{
	struct header_facts h;
	char mail[HEADER_REFS_MAX + 64];
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(answers); i++) {
		(void)snprintf(mail, sizeof(mail), "From: a@b\r\n%s\r\n",
			       answers[i].fields);
		assert_int_equal(header_parse(span_str(mail), &h), HEADER_OK);
		assert_string_equal(h.refs, answers[i].refs);
		assert_string_equal(h.subject, answers[i].subject);
	}
	/* Of too many ids the last stay, whole; at the limit all. */
	for (n = HEADER_REFS_MAX - 1; n <= HEADER_REFS_MAX + 1; n++) {
		char id[HEADER_REFS_MAX];

		memset(id, 'x', n - 5);
		id[n - 5] = 0;
		(void)snprintf(mail, sizeof(mail),
			       "From: a@b\nReferences: <%s><2>\n\n", id);
		assert_int_equal(header_parse(span_str(mail), &h), HEADER_OK);
		assert_int_equal(strlen(h.refs), n > HEADER_REFS_MAX ? 3 : n);
	}
}

/* A header with one field filled up by n bytes x between two texts. */
static enum header_fault filled(const char *before, size_t n, const char *after)
{
	struct header_facts h;
	enum header_fault f;
	struct buf b;

	buf_init(&b, HEADER_MAX + 4096);
	buf_str(&b, before);
	while (n--)
		buf_u8(&b, 'x');
	buf_str(&b, after);
	f = header_parse(buf_view(&b), &h);
	buf_done(&b);
	return f;
}

static void limits(void **state)
{
	static const char head[] = "From: a@b\nX: ";
	const size_t room = HEADER_MAX - (sizeof(head) - 1) - 2;
	size_t d;

	(void)state;
	/* One below the limit, at it, one above. */
	for (d = 0; d <= 2; d++) {
		assert_int_equal(filled(head, room - 1 + d, "\n\nbody"),
				 d > 1 ? HEADER_TOO_LONG : HEADER_OK);
		assert_int_equal(
			filled("From: ", HEADER_LOCAL_MAX - 1 + d, "@b\n\n"),
			d > 1 ? HEADER_LONG_FROM : HEADER_OK);
		assert_int_equal(
			filled("From: a@", HEADER_FROM_MAX - 3 + d, "\n\n"),
			d > 1 ? HEADER_LONG_FROM : HEADER_OK);
		assert_int_equal(filled("From: a@b\nMessage-ID: ",
					HEADER_ID_MAX - 1 + d, "\n\n"),
				 d > 1 ? HEADER_BAD_ID : HEADER_OK);
		assert_int_equal(filled("From: a@b\nDate: ",
					HEADER_DATE_MAX - 1 + d, "\n\n"),
				 d > 1 ? HEADER_BAD_DATE : HEADER_OK);
	}
}

static void comment_depth(void **state)
{
	struct header_facts h;
	size_t depth;

	(void)state;
	for (depth = HEADER_COMMENT_DEPTH - 1;
	     depth <= HEADER_COMMENT_DEPTH + 1; depth++) {
		char mail[128] = "From: ";
		size_t i, n = 6;

		for (i = 0; i < depth; i++)
			mail[n++] = '(';
		for (i = 0; i < depth; i++)
			mail[n++] = ')';
		memcpy(mail + n, "a@b\n\n", 6);
		assert_int_equal(header_parse(span_str(mail), &h),
				 depth > HEADER_COMMENT_DEPTH ? HEADER_BAD_FROM
							      : HEADER_OK);
	}
}

/* Every prefix is parsed without a fault of memory; sanitizers watch. */
static void prefixes(void **state)
{
	struct header_facts h;
	size_t i, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(mails); i++) {
		for (n = 0; n <= strlen(mails[i].mail); n++) {
			uint8_t *copy = malloc(n ? n : 1);

			assert_non_null(copy);
			memcpy(copy, mails[i].mail, n);
			(void)header_parse(span_of(copy, n), &h);
			free(copy);
		}
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(from),
		cmocka_unit_test(blocks),
		cmocka_unit_test(facts),
		cmocka_unit_test(limits),
		cmocka_unit_test(for_an_answer),
		cmocka_unit_test(comment_depth),
		cmocka_unit_test(prefixes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
