/* message_test: the record codec and the checks of message.h. */
#include "proto/message.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/fd.h"
#include "proto/limits.h"
#include "proto/message_sample.h"

static void test_round_trip(void **)
{
	struct message m = message_sample();
	CLEAN_BUF struct buf one = { .max = LIMIT_RECORD };
	CLEAN_BUF struct buf two = { .max = LIMIT_RECORD };
	struct message got;
	const char *why = NULL;

	message_encode(&one, &m);
	assert_true(buf_ok(&one));
	assert_int_equal(message_decode(buf_view(&one), &got, &why), 0);
	assert_true(span_eq(got.subject, m.subject));
	assert_true(span_eq(got.references[1], m.references[1]));
	assert_true(got.links[0].mismatch);
	assert_int_equal(got.attachments[0].size, 1234567890123);
	assert_int_equal(got.attachments[0].sha256[0], 0xab);
	assert_int_equal(got.findings[0].end, 7);
	message_encode(&two, &got);
	assert_true(span_eq(buf_view(&one), buf_view(&two)));
}

/* Every proper prefix is refused, and so is a byte too many. */
static void test_every_split(void **)
{
	struct message m = message_sample();
	CLEAN_BUF struct buf b = { .max = LIMIT_RECORD };
	struct message got;
	const char *why = NULL;

	message_encode(&b, &m);
	for (size_t n = 0; n < b.n; n++)
		assert_int_equal(message_decode(span_of(b.p, n), &got, &why),
				 -1);
	buf_u8(&b, 0);
	assert_int_equal(message_decode(buf_view(&b), &got, &why), -1);
	assert_string_equal(why, "malformed record");
	b.p[0] = 9;
	assert_int_equal(message_decode(buf_view(&b), &got, &why), -1);
	assert_string_equal(why, "another record version");
}

/* The texts that carry a bound, each at it and one above. */
static void test_text_limits(void **)
{
	struct message m = message_sample();
	const struct {
		struct span *s;
		size_t max;
	} rows[] = {
		{ &m.subject, MESSAGE_SUBJECT_MAX },
		{ &m.body, MESSAGE_BODY_MAX },
		{ &m.from.name, MESSAGE_NAME_MAX },
		{ &m.from.addr, MESSAGE_ADDR_MAX },
		{ &m.message_id, MESSAGE_ID_MAX },
		{ &m.in_reply_to, MESSAGE_ID_MAX },
		{ &m.references[1], MESSAGE_ID_MAX },
		{ &m.to[0].addr, MESSAGE_ADDR_MAX },
		{ &m.cc[0].name, MESSAGE_NAME_MAX },
		{ &m.links[0].text, MESSAGE_LINK_TEXT_MAX },
		{ &m.links[0].url, MESSAGE_URL_MAX },
		{ &m.attachments[0].name, MESSAGE_NAME_MAX },
		{ &m.attachments[0].type, MESSAGE_TYPE_MAX },
		{ &m.removed[0].text, MESSAGE_EVIDENCE_MAX },
		{ &m.findings[0].rule, MESSAGE_RULE_MAX },
		{ &m.findings[0].text, MESSAGE_SPAN_TEXT_MAX },
	};
	CLEAN_FREE char *text = malloc(MESSAGE_BODY_MAX + 1);
	const char *why = NULL;

	memset(text, 'x', MESSAGE_BODY_MAX + 1);
	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct span was = *rows[i].s;

		for (size_t n = rows[i].max - 1; n <= rows[i].max; n++) {
			*rows[i].s = span_of(text, n);
			assert_int_equal(message_check(&m, &why), 0);
		}
		*rows[i].s = span_of(text, rows[i].max + 1);
		assert_int_equal(message_check(&m, &why), -1);
		assert_string_equal(why, "text too long");
		*rows[i].s = span_of("a\0b", 3);
		assert_int_equal(message_check(&m, &why), -1);
		*rows[i].s = SPAN_LIT("bad\xed\xa0\x80");
		assert_int_equal(message_check(&m, &why), -1);
		*rows[i].s = was;
	}
}

static void test_list_limits(void **)
{
	struct message m = message_sample();
	const struct {
		uint32_t *n;
		uint32_t max;
	} rows[] = {
		{ &m.n_references, MESSAGE_REFS },
		{ &m.n_to, MESSAGE_ADDRS },
		{ &m.n_cc, MESSAGE_ADDRS },
		{ &m.n_links, MESSAGE_LINKS },
		{ &m.n_attachments, MESSAGE_ATTACHMENTS },
	};
	const char *why = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf b = { .max = LIMIT_RECORD };
		struct message got;

		*rows[i].n = rows[i].max;
		assert_int_equal(message_check(&m, &why), 0);
		message_encode(&b, &m);
		assert_int_equal(message_decode(buf_view(&b), &got, &why), 0);
		*rows[i].n = rows[i].max + 1;
		assert_int_equal(message_check(&m, &why), -1);
		message_encode(&b, &m);
		assert_false(buf_ok(&b));
		*rows[i].n = 1;
	}
}

static void test_dates(void **)
{
	static const struct {
		const char *date;
		bool ok;
	} rows[] = {
		{ "", true },
		{ "2026-11-22T00:00:00Z", true },
		{ "2026-11-22T00:00:00+00:00", true },
		{ "0000-01-01T00:00:00-23:59", true },
		{ "2026-11-22T00:00:00", false },
		{ "2026-11-22 00:00:00Z", false },
		{ "2026-13-22T00:00:00Z", false },
		{ "2026-00-22T00:00:00Z", false },
		{ "2026-11-32T00:00:00Z", false },
		{ "2026-11-22T24:00:00Z", false },
		{ "2026-11-22T00:60:00Z", false },
		{ "2026-11-22T00:00:61Z", false },
		{ "2026-11-22T00:00:00+24:00", false },
		{ "2026-11-22T00:00:00+0000", false },
		{ "2026-11-22T00:00:00*00:00", false },
		{ "yesterday", false },
	};
	struct message m = message_sample();
	const char *why = NULL;

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		m.date = span_str(rows[i].date);
		assert_int_equal(message_check(&m, &why), rows[i].ok ? 0 : -1);
	}
}

static void test_values(void **)
{
	struct message m = message_sample();
	struct message bad;
	const char *why = NULL;

#define REFUSED(change)                                                        \
	do {                                                                   \
		bad = m;                                                       \
		bad.change;                                                    \
		assert_int_equal(message_check(&bad, &why), -1);               \
	} while (0)
	REFUSED(kind = SPAN_LIT("fax"));
	REFUSED(removed[0].kind = 0);
	REFUSED(removed[0].kind = REMOVED_KIND_MAX);
	REFUSED(removed[0].count = 0);
	REFUSED(findings[0].where = 0);
	REFUSED(findings[0].where = WHERE_MAX);
	REFUSED(findings[0].score = 101);
	REFUSED(findings[0].start = 8);
	REFUSED(findings[0].end = (uint32_t)m.body.n + 1);
	REFUSED(findings[0].rule = SPAN_LIT(""));
	REFUSED(attachments[0].size = UINT64_MAX);
#undef REFUSED
	m.findings[0].end = (uint32_t)m.body.n;
	m.findings[0].score = 100;
	assert_int_equal(message_check(&m, &why), 0);
}

static void test_names(void **)
{
	for (int k = 1; k < REMOVED_KIND_MAX; k++)
		assert_non_null(
			message_removed_name((enum message_removed_kind)k));
	assert_string_equal(message_removed_name(REMOVED_DISPLAY_NONE),
			    "display-none");
	assert_null(message_removed_name(0));
	assert_null(message_removed_name(REMOVED_KIND_MAX));
	assert_string_equal(message_where_name(WHERE_BODY), "body");
	assert_null(message_where_name(WHERE_MAX));
}

static void test_without_evidence(void **)
{
	struct message m = message_sample();
	const char *why = NULL;

	message_without_evidence(&m);
	assert_int_equal(m.removed[0].text.n, 0);
	assert_int_equal(m.removed[0].count, 7);
	assert_int_equal(m.findings[0].text.n, 0);
	assert_int_equal(m.findings[0].score, 90);
	assert_int_equal(message_check(&m, &why), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round_trip),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_text_limits),
		cmocka_unit_test(test_list_limits),
		cmocka_unit_test(test_dates),
		cmocka_unit_test(test_values),
		cmocka_unit_test(test_names),
		cmocka_unit_test(test_without_evidence),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
