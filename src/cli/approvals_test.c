/* approvals_test: lines and cards of requests that wait, whatever their words
 * hold. */
#include "approval/approval.h"
#include "base/str.h"
#include "base/testing.h"
#include "cli/approvals.h"

static const struct show plain;

static struct m_c_approval sample(void)
{
	return (struct m_c_approval){ .ticket = 7,
				      .card = 7,
				      .button = 7,
				      .task = 3,
				      .item = 4,
				      .created_s = 1000,
				      .expires_s = 1000 + 3900,
				      .state = APPROVAL_PENDING,
				      .quorum = 1,
				      .capability = SPAN_LIT("email.send"),
				      .text = SPAN_LIT("words\nq7\n") };
}

static const char *line(const struct m_c_approval *a, uint64_t before)
{
	static struct buf b;

	buf_done(&b);
	buf_init(&b, 1 << 16);
	approvals_line(&b, &plain, a, before, 1000);
	return buf_cstr(&b);
}

static const char *full(const struct m_c_approval *a)
{
	static struct buf b;

	buf_done(&b);
	buf_init(&b, 1 << 16);
	approvals_full(&b, &plain, a, 1000);
	return buf_cstr(&b);
}

static void test_lines(void **)
{
	struct m_c_approval a = sample();

	assert_string_equal(line(&a, 0),
			    "Task 3, item 4\n"
			    "    q7  email.send  pending, ends in 1 h 5 min\n");
	a.quorum = 2;
	a.votes = 1;
	a.expires_s = 1090;
	assert_string_equal(
		line(&a, 7),
		"    q7  email.send  pending, ends in 1 min, 1 of 2 "
		"have said yes\n");
	a.state = APPROVAL_APPROVED;
	a.due_s = 1059;
	assert_string_equal(line(&a, 7),
			    "    q7  email.send  held, done in 59 s\n");
	a.due_s = 0;
	a.state = APPROVAL_FIRED;
	a.effect = 12;
	assert_string_equal(line(&a, 7),
			    "    q7  email.send  fired, effect 12\n");
	a.effect = 0;
	a.state = APPROVAL_REFUSED;
	a.why = SPAN_LIT("no\x1b[2J");
	assert_string_equal(line(&a, 7),
			    "    q7  email.send  refused: no\\u{1B}[2J\n");
}

static void test_card(void **)
{
	struct m_c_approval a = sample();

	a.audit_index = 9;
	a.code = SPAN_LIT("123456");
	assert_string_equal(full(&a),
			    "q7: pending, ends in 1 h 5 min\n\n"
			    "words\nq7\n"
			    "  card 0000000000000000, audit record 9\n"
			    "  code 123456\n");
	a.text = SPAN_LIT("\xe2\x81\xa8\xd7\xa9\xe2\x81\xa9\n");
	assert_non_null(strstr(full(&a), "\xd7\xa9"));
}

/* What the renderer would not have let through is not shown. */
static void test_bad_card(void **)
{
	static const char turn[] = { 'a', '\xe2', '\x80', '\xae', 0 };
	static const char isolate[] = { '\xe2', '\x81', '\xa8', 0 };
	const char *const bad[] = { "a\x1b[2J", turn, "a\xff", isolate,
				    "\xe2\x81\xa9" };
	struct m_c_approval a = sample();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		a.text = span_str(bad[i]);
		assert_non_null(strstr(full(&a), "(a card that cannot be "
						 "shown)"));
		assert_null(strstr(full(&a), bad[i]));
	}
}

static void test_json(void **)
{
	struct m_c_approval a = sample();
	json_t *j = approvals_json(&a);

	assert_string_equal(json_string_value(json_object_get(j, "ticket")),
			    "q7");
	assert_string_equal(json_string_value(json_object_get(j, "state")),
			    "pending");
	/* Neither the card's words nor its code. */
	assert_null(json_object_get(j, "code"));
	assert_null(json_object_get(j, "text"));
	json_decref(j);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_card),
		cmocka_unit_test(test_bad_card),
		cmocka_unit_test(test_json),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
