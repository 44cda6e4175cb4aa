/*
 * imap_talk_test: a whole conversation, at once and byte by byte: what is said,
 * what is given, what is left out; servers that do not keep to it.
 */
#include <stdio.h>

#include "base/str.h"
#include "base/testing.h"
#include "imap_talk.h"

static struct {
	struct imap_talk talk;
	struct secret password;
	char said[4096];
	size_t n;
	char mails[1024];
	char skipped[512];
	uint32_t after, scanned;
	bool ready, full;
} w;

static void do_send(void *, struct span s)
{
	assert_true(w.n + s.n < sizeof(w.said));
	memcpy(w.said + w.n, s.p, s.n);
	w.n += s.n;
	w.said[w.n] = 0;
}

static uint32_t do_selected(void *, uint32_t, uint32_t)
{
	return w.after;
}

static void do_scanned(void *, uint32_t uid)
{
	w.scanned = uid;
}

static bool do_wants(void *, uint32_t uid)
{
	return uid != 3;
}

static bool do_room(void *)
{
	return !w.full;
}

static bool do_mail(void *, uint32_t uid, struct span s)
{
	size_t n = strlen(w.mails);

	(void)snprintf(w.mails + n, sizeof(w.mails) - n, "[%u %.*s]", uid,
		       (int)s.n, (const char *)s.p);
	return true;
}

static void do_skip(void *, uint32_t uid, const char *why)
{
	size_t n = strlen(w.skipped);

	(void)snprintf(w.skipped + n, sizeof(w.skipped) - n, "[%u %s]", uid,
		       why ? why : "gone");
}

static bool do_failed(void *, uint32_t)
{
	return true;
}

static void do_ready(void *)
{
	w.ready = true;
}

static void begin(void)
{
	static const struct imap_hooks hooks = {
		.send = do_send,
		.selected = do_selected,
		.scanned = do_scanned,
		.wants = do_wants,
		.room = do_room,
		.mail = do_mail,
		.skip = do_skip,
		.failed = do_failed,
		.ready = do_ready,
	};

	memset(&w, 0, sizeof(w));
	assert_int_equal(secret_set(&w.password, SPAN_LIT("pa\"ss")), 0);
	assert_int_equal(
		imap_talk_init(&w.talk, &hooks, "me", &w.password, "INBOX"), 0);
	imap_talk_start(&w.talk);
}

static void end(void)
{
	imap_talk_done(&w.talk);
	secret_wipe(&w.password);
}

static const char whole[] =
	"* CAPABILITY IMAP4rev1 AUTH=PLAIN SASL-IR IDLE\r\nA1 OK\r\n"
	"A2 OK in\r\n"
	"* CAPABILITY IMAP4rev1 IDLE\r\nA3 OK\r\n"
	"* 4 EXISTS\r\n* OK [UIDVALIDITY 7] x\r\n* OK [UIDNEXT 6] x\r\n"
	"A4 OK [READ-ONLY]\r\n"
	"* 1 FETCH (UID 2 RFC822.SIZE 5)\r\n"
	"* 2 FETCH (UID 3 RFC822.SIZE 5)\r\n"
	"* 3 FETCH (UID 4 RFC822.SIZE 99999999)\r\n"
	"* 4 FETCH (UID 5 RFC822.SIZE 2)\r\n"
	"A5 OK\r\n"
	"* 1 FETCH (UID 2 BODY[] {5}\r\nhe\r\no)\r\n"
	"A6 OK\r\n"
	"* 4 FETCH (BODY[] \"h\\\"\" UID 5)\r\n"
	"A7 OK\r\n"
	"+ idling\r\n";

static void check_whole(void)
{
	assert_string_equal(w.mails, "[2 he\r\no][5 h\"]");
	assert_non_null(strstr(w.skipped, "[4 it is larger"));
	assert_true(w.ready);
	assert_int_equal(w.scanned, 5);
	assert_int_equal(imap_talk_waits(&w.talk), IMAP_WAITS_IDLE);
	/* "\0me\0pa\"ss" */
	assert_non_null(strstr(w.said, "AUTHENTICATE PLAIN AG1lAHBhInNz\r\n"));
	assert_non_null(strstr(w.said, "EXAMINE \"INBOX\"\r\n"));
	assert_non_null(strstr(w.said, "UID FETCH 2 (UID BODY.PEEK[])\r\n"));
	/* Nothing that changes a folder is ever said. */
	assert_null(strstr(w.said, "SELECT"));
	assert_null(strstr(w.said, "STORE"));
	assert_null(strstr(w.said, " BODY["));
}

static void test_whole(void **)
{
	size_t step, at;

	for (step = 1; step < sizeof(whole); step += step < 9 ? 1 : 97) {
		begin();
		w.after = 1;
		for (at = 0; at < sizeof(whole) - 1; at += step) {
			size_t n = sizeof(whole) - 1 - at;

			assert_int_equal(
				imap_talk_bytes(&w.talk,
						span_of(whole + at,
							n < step ? n : step)),
				0);
		}
		check_whole();
		/* What comes while it waits is fetched. */
		assert_int_equal(
			imap_talk_bytes(&w.talk, SPAN_LIT("* 5 EXISTS\r\n")),
			0);
		assert_non_null(strstr(w.said, "DONE\r\n"));
		end();
	}
}

static void test_room(void **)
{
	begin();
	w.after = 1;
	w.full = true;
	assert_int_equal(
		imap_talk_bytes(
			&w.talk,
			span_of(whole, (size_t)(strstr(whole, "* 1 FETCH "
							      "(UID 2 BODY") -
						whole))),
		0);
	assert_int_equal(imap_talk_waits(&w.talk), IMAP_WAITS_ROOM);
	assert_null(strstr(w.said, "PEEK"));
	w.full = false;
	imap_talk_room(&w.talk);
	assert_non_null(strstr(w.said, "PEEK"));
	end();
}

static void test_refused(void **)
{
	begin();
	assert_int_equal(
		imap_talk_bytes(&w.talk,
				SPAN_LIT("* CAPABILITY AUTH=PLAIN\r\nA1 OK\r\n"
					 "+ \r\nA2 NO bad\r\n")),
		-1);
	assert_true(w.talk.refused);
	end();
	begin();
	assert_int_equal(
		imap_talk_bytes(&w.talk, SPAN_LIT("* CAPABILITY AUTH=PLAIN "
						  "SASL-IR\r\nA1 OK\r\n"
						  "A2 NO [UNAVAILABLE] x\r\n")),
		-1);
	assert_false(w.talk.refused);
	end();
}

static void test_bad(void **)
{
	static const char *const rows[] = {
		"nonsense\r\n",
		"A9 OK\r\n",
		"* BYE\r\n",
		"A1 NO\r\n",
		"+ go on\r\n",
		"* CAPABILITY LOGINDISABLED\r\nA1 OK\r\n",
		("* CAPABILITY AUTH=PLAIN SASL-IR\r\nA1 OK\r\nA2 OK\r\n"
		 "A3 OK\r\nA4 OK no numbers\r\n"),
		"* 1 FETCH (UID 1 BODY[] {99999999999}\r\n",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin();
		assert_int_equal(imap_talk_bytes(&w.talk, span_str(rows[i])),
				 -1);
		assert_string_equal(w.mails, "");
		end();
	}
}

/* What is too large is passed, once and for the mail that was asked for. */
static void test_too_large(void **)
{
	const char *first = strstr(whole, "* 1 FETCH (UID 2 BODY");
	const char *last = strstr(whole, "A7 OK");

	begin();
	w.after = 1;
	assert_int_equal(
		imap_talk_bytes(&w.talk,
				span_of(whole, (size_t)(first - whole))),
		0);
	assert_int_equal(
		imap_talk_bytes(
			&w.talk,
			SPAN_LIT("* 1 FETCH (UID 2 BODY[] {16777217}\r\n")),
		-1);
	assert_non_null(strstr(w.skipped, "[2 it is larger"));
	end();
	begin();
	w.after = 1;
	assert_int_equal(
		imap_talk_bytes(&w.talk,
				span_of(whole, (size_t)(last - whole))),
		0);
	w.skipped[0] = 0;
	assert_int_equal(
		imap_talk_bytes(
			&w.talk,
			SPAN_LIT("* 4 FETCH (UID 5 BODY[] {16777217}\r\n")),
		-1);
	assert_string_equal(w.skipped, "");
	end();
}

static void test_folder(void **)
{
	char name[IMAP_FOLDER];

	assert_int_equal(imap_folder("A&B \"x\\", name), 0);
	assert_string_equal(name, "\"A&-B \\\"x\\\\\"");
	assert_int_equal(imap_folder("Entw\xc3\xbcrfe", name), 0);
	assert_string_equal(name, "\"Entw&APw-rfe\"");
	assert_int_equal(imap_folder("a\r\nA1 DELETE x", name), -1);
	assert_int_equal(imap_folder("", name), -1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_whole),
		cmocka_unit_test(test_room),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_bad),
		cmocka_unit_test(test_folder),
		cmocka_unit_test(test_too_large),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
