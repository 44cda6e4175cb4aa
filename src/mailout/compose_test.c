/* compose_test: what a mail looks like, and what never reaches a header. */
#include "compose.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>

static const struct compose how = {
	.from = { (const uint8_t *)"me@example.org", 14 },
	.id = { (const uint8_t *)"effect-7.ab", 11 },
	.date_s = 1700000000,
};

static struct m_arg text_arg(const char *name, struct span value)
{
	return (struct m_arg){ .name = span_str(name),
			       .json = ARG_STRING,
			       .value = value };
}

/* The mail of one recipient, a subject and a body. */
static const char *mail(struct buf *b, struct span to, struct span subject,
			struct span body)
{
	const struct m_arg args[] = { text_arg("to", to),
				      text_arg("subject", subject),
				      text_arg("body", body) };

	buf_init(b, COMPOSE_MAX);
	return compose_mail(b, &how, args, ARRAY_SIZE(args));
}

#define TO SPAN_LIT("lea@example.org")

static void golden(void **state)
{
	static const char want[] =
		"Date: Tue, 14 Nov 2023 22:13:20 +0000\n"
		"From: me@example.org\n"
		"To: lea@example.org,\n max@example.org\n"
		"Subject: plain\n"
		"Message-ID: <effect-7.ab@example.org>\n"
		"MIME-Version: 1.0\n"
		"Content-Type: text/plain; charset=utf-8\n"
		"Content-Transfer-Encoding: quoted-printable\n"
		"Auto-Submitted: auto-generated\n"
		"\n"
		"a=3Db\n"
		"=2E\n"
		"=46rom x\n"
		"end=20\n"
		"=C3=A9=1B\n";
	struct m_arg args[] = {
		text_arg("to", TO),
		text_arg("to", SPAN_LIT("max@example.org")),
		text_arg("subject", SPAN_LIT("plain")),
		text_arg("text",
			 SPAN_LIT("a=b\r\n.\nFrom x\nend \n\xc3\xa9\x1b")),
	};
	struct buf b;

	(void)state;
	args[0].shape = args[1].shape = ARG_ELEMENT;
	buf_init(&b, COMPOSE_MAX);
	assert_null(compose_mail(&b, &how, args, ARRAY_SIZE(args)));
	assert_string_equal(buf_cstr(&b), want);
	buf_done(&b);
}

/* Without a recipient it is a note to the owner. */
static void note(void **state)
{
	const struct m_arg arg = text_arg("text", SPAN_LIT("milk"));
	struct buf b;

	(void)state;
	buf_init(&b, COMPOSE_MAX);
	assert_null(compose_mail(&b, &how, &arg, 1));
	assert_non_null(strstr(buf_cstr(&b), "\nTo: me@example.org\n"));
	buf_done(&b);
}

/* The header block holds exactly the fields that are ours. */
static void header_lines(const struct buf *b)
{
	static const char *const fields[] = {
		"Date: ",
		"From: ",
		"To: ",
		"Subject: ",
		"Message-ID: ",
		"MIME-Version: ",
		"Content-Type: ",
		"Content-Transfer-Encoding: ",
		"Auto-Submitted: ",
	};
	const char *p = (const char *)b->p;
	size_t i = 0;

	while (*p != '\n') {
		if (*p != ' ') {
			assert_true(i < ARRAY_SIZE(fields));
			assert_memory_equal(p, fields[i], strlen(fields[i]));
			i++;
		}
		assert_true((size_t)(strchr(p, '\n') - p) <= 998);
		p = strchr(p, '\n') + 1;
	}
	assert_int_equal(i, ARRAY_SIZE(fields));
}

/* What an answer's header has of the mail that it answers. */
static void threads(void **state)
{
	static const struct {
		const char *id, *refs, *subject;
		const char *want; /* between To and Message-ID, and MIME */
		const char *thread;
	} rows[] = {
		{ "<a@b>", "", "Lunch", "Subject: Re: Lunch\n",
		  "In-Reply-To: <a@b>\nReferences: <a@b>\n" },
		{ "<a@b>", "<1@x> junk <2@x>", "re: Lunch",
		  "Subject: re: Lunch\n",
		  "In-Reply-To: <a@b>\nReferences: <1@x>\n <2@x>\n <a@b>\n" },
		{ "<a@b>", "<1 @x> <2@x\r\nBcc: e@e> <3@x>",
		  "=?UTF-8?Q?=C3=A9?=", "Subject: Re: =?UTF-8?Q?=C3=A9?=\n",
		  "In-Reply-To: <a@b>\nReferences: <3@x>\n <a@b>\n" },
		{ "a@b", "<1@x>", "x\r\nBcc: e@e", "Subject: Re: \n", "" },
		{ "<>", "<1@x>", "\xc3\xa9", "Subject: Re: \n", "" },
		{ "<a@b", "<1@x>", "", "Subject: \n", "" },
	};
	const struct m_arg args[] = { text_arg("to", TO),
				      text_arg("thread", SPAN_LIT("t")),
				      text_arg("body", SPAN_LIT("ok")) };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct compose answer = how;
		char want[512];
		struct buf b;

		answer.reply_id = span_str(rows[i].id);
		answer.reply_refs = span_str(rows[i].refs);
		answer.reply_subject = span_str(rows[i].subject);
		(void)snprintf(want, sizeof(want),
			       "\nTo: lea@example.org\n%sMessage-ID: "
			       "<effect-7.ab@example.org>\n%sMIME-Version:",
			       rows[i].want, rows[i].thread);
		buf_init(&b, COMPOSE_MAX);
		assert_null(compose_mail(&b, &answer, args, ARRAY_SIZE(args)));
		if (!strstr(buf_cstr(&b), want))
			fail_msg("row %zu: %s", i, buf_cstr(&b));
		buf_done(&b);
		/* A mail that is no answer has nothing of it. */
		buf_init(&b, COMPOSE_MAX);
		assert_null(compose_mail(&b, &answer, &args[2], 1));
		assert_null(strstr(buf_cstr(&b), "References"));
		buf_done(&b);
	}
}

/* The last ids of a long list; a subject of one long word stays a line. */
static void long_threads(void **state)
{
	const struct m_arg args[] = { text_arg("to", TO),
				      text_arg("thread", SPAN_LIT("t")),
				      text_arg("body", SPAN_LIT("ok")) };
	struct compose answer = how;
	static char word[1001];
	char refs[1024];
	size_t n = 0, lines = 0;
	const char *p;
	struct buf b;
	int i;

	(void)state;
	for (i = 0; i < 2 * COMPOSE_REFS; i++)
		n += (size_t)snprintf(refs + n, sizeof(refs) - n, "<%d@x> ", i);
	answer.reply_id = SPAN_LIT("<a@b>");
	answer.reply_refs = span_of(refs, n);
	memset(word, 'w', sizeof(word) - 1);
	answer.reply_subject = span_str(word);
	buf_init(&b, COMPOSE_MAX);
	assert_null(compose_mail(&b, &answer, args, ARRAY_SIZE(args)));
	for (p = buf_cstr(&b); *p; p = strchr(p, '\n') + 1) {
		assert_true((size_t)(strchr(p, '\n') - p) <= 998);
		lines += p[0] == ' ' && p[1] == '<';
	}
	assert_int_equal(lines, COMPOSE_REFS - 1);
	assert_non_null(strstr(buf_cstr(&b), "References: <21@x>\n <22@x>"));
	assert_null(strstr(buf_cstr(&b), "www"));
	buf_done(&b);
}

static void subjects(void **state)
{
	static const struct {
		struct span text;
		const char *want; /* NULL: refused */
	} rows[] = {
		{ { (const uint8_t *)"x", 1 }, "Subject: x\n" },
		{ { NULL, 0 }, "Subject: \n" },
		{ { (const uint8_t *)"h\xc3\xa9", 3 },
		  "Subject: =?UTF-8?B?aMOp?=\n" },
		{ { (const uint8_t *)"=?x", 3 },
		  "Subject: =?UTF-8?B?PT94?=\n" },
		{ { (const uint8_t *)" x", 2 }, "Subject: =?UTF-8?B?IHg=?=\n" },
		{ { (const uint8_t *)"a\nBcc: e@e", 10 }, NULL },
		{ { (const uint8_t *)"a\rBcc: e@e", 10 }, NULL },
		{ { (const uint8_t *)"a\0b", 3 }, NULL },
		{ { (const uint8_t *)"a\tb", 3 }, NULL },
		{ { (const uint8_t *)"a\x7f", 2 }, NULL },
		{ { (const uint8_t *)"a\xc2\x85", 3 }, NULL },
		{ { (const uint8_t *)"a\xe2\x80\xa8", 4 }, NULL },
		{ { (const uint8_t *)"a\xff", 2 }, NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf b;
		const char *why = mail(&b, TO, rows[i].text, SPAN_LIT("body"));

		assert_int_equal(why == NULL, rows[i].want != NULL);
		if (rows[i].want) {
			assert_non_null(strstr(buf_cstr(&b), rows[i].want));
			header_lines(&b);
		} else {
			assert_int_equal(b.n, 0);
		}
		buf_done(&b);
	}
}

/* At, below and over the limit, in characters that must not be cut. */
static void long_subject(void **state)
{
	static uint8_t text[COMPOSE_SUBJECT_MAX + 2];
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(text); n++)
		text[n] = n % 2 ? 0xa9 : 0xc3;
	for (n = COMPOSE_SUBJECT_MAX - 2; n <= COMPOSE_SUBJECT_MAX + 2;
	     n += 2) {
		struct buf b;
		const char *why =
			mail(&b, TO, span_of(text, n), SPAN_LIT("body"));

		assert_int_equal(why == NULL, n <= COMPOSE_SUBJECT_MAX);
		if (!why) {
			header_lines(&b);
			/* 22 characters of two bytes fit into 45 bytes. */
			assert_non_null(strstr(buf_cstr(&b), "w6k=?=\n"));
		}
		buf_done(&b);
	}
}

static void addresses(void **state)
{
	static const struct {
		const char *text;
		bool ok;
	} rows[] = {
		{ "a@b", true },	 { "a.b+c@d.example", true },
		{ "", false },		 { "a", false },
		{ "@b", false },	 { "a@", false },
		{ "a@b@c", false },	 { "a b@c", false },
		{ "<a@b>", false },	 { "a@b,c@d", false },
		{ "a@b\n", false },	 { "a@b\r\nBcc: c@d", false },
		{ "\"a\"@b", false },	 { "a@[1.2.3.4]", false },
		{ "a(x)@b", false },	 { ".a@b", false },
		{ "a.@b", false },	 { "a..b@c", false },
		{ "a@b..c", false },	 { "a@b.", false },
		{ "\xc3\xa9@b", false }, { "a@b;", false },
	};
	char longest[COMPOSE_ADDR_MAX + 2];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct buf b;
		const char *why = mail(&b, span_str(rows[i].text),
				       SPAN_LIT("s"), SPAN_LIT("b"));

		assert_int_equal(why == NULL, rows[i].ok);
		buf_done(&b);
	}
	memset(longest, 'x', sizeof(longest));
	longest[1] = '@';
	for (i = COMPOSE_ADDR_MAX - 1; i <= COMPOSE_ADDR_MAX + 1; i++)
		assert_int_equal(compose_addr_ok(span_of(longest, i)),
				 i <= COMPOSE_ADDR_MAX);
}

static void arguments(void **state)
{
	const struct m_arg to = text_arg("to", TO);
	const struct m_arg body = text_arg("body", SPAN_LIT("b"));
	struct m_arg other = text_arg("cc", TO);
	struct m_arg number = body;
	struct m_arg list = body;
	struct m_arg empty = to;
	const struct {
		struct m_arg args[3];
		size_t n;
		bool ok;
	} rows[] = {
		{ { to, body }, 2, true },
		{ { body }, 1, true }, /* a note to the owner */
		{ { to }, 1, false },
		{ { to, body, body }, 3, false },
		{ { to, body, other }, 3, false },
		{ { to }, 0, false },
	};
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, COMPOSE_MAX);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_reset(&b);
		assert_int_equal(
			compose_mail(&b, &how, rows[i].args, rows[i].n) == NULL,
			rows[i].ok);
	}
	number.json = ARG_INTEGER;
	list.shape = ARG_ELEMENT;
	empty.shape = ARG_EMPTY_LIST;
	assert_non_null(
		compose_mail(&b, &how, (struct m_arg[]){ to, number }, 2));
	assert_non_null(
		compose_mail(&b, &how, (struct m_arg[]){ to, list }, 2));
	assert_non_null(
		compose_mail(&b, &how, (struct m_arg[]){ empty, body }, 2));
	buf_done(&b);
	assert_non_null(mail(&b, TO, SPAN_LIT("s"), SPAN_LIT("a\0b")));
	assert_non_null(mail(&b, TO, SPAN_LIT("s"), SPAN_LIT("\xff")));
	buf_done(&b);
}

/* Lines of a body: none longer than 76, nothing lost in the folding. */
static void long_lines(void **state)
{
	static uint8_t text[LIMIT_ARG_BYTES];
	const char *p, *body;
	size_t i, count = 0;
	struct buf b;

	(void)state;
	for (i = 0; i < sizeof(text); i++)
		text[i] = i % 7 ? 'x' : '=';
	assert_null(mail(&b, TO, SPAN_LIT("s"), span_of(text, sizeof(text))));
	body = strstr(buf_cstr(&b), "\n\n") + 2;
	for (p = body; *p; p = strchr(p, '\n') + 1)
		assert_true(strchr(p, '\n') - p <= 76);
	for (p = body; *p; p++)
		count += *p == 'x' || !strncmp(p, "=3D", 3);
	assert_int_equal(count, sizeof(text));
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),	cmocka_unit_test(note),
		cmocka_unit_test(subjects),	cmocka_unit_test(threads),
		cmocka_unit_test(long_threads), cmocka_unit_test(long_subject),
		cmocka_unit_test(addresses),	cmocka_unit_test(arguments),
		cmocka_unit_test(long_lines),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
