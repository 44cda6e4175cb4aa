/* approval_test: every pair of state and event, the owner's word, rows, and
 * what one card and one button are. */
#include <errno.h>

#include "approval/approval.h"
#include "approval/clause.h"
#include "base/str.h"
#include "base/testing.h"
#include "policy/model.h"

static struct approval a, b;

static int setup(void **)
{
	approval_init(&a);
	approval_init(&b);
	a.ticket = 7;
	a.task = 3;
	a.item = 4;
	a.state = APPROVAL_PENDING;
	a.asked = true;
	a.created_s = 1000;
	a.expires_s = 2000;
	a.who = 1;
	a.quorum = 1;
	a.via = VIA_CLI;
	a.remember = REMEMBER_TASK;
	a.show = SHOW_SUMMARY;
	a.undo = UNDO_NONE;
	(void)str_printf(a.capability, sizeof(a.capability), "email.send");
	(void)str_printf(a.clause, sizeof(a.clause), "p.yaml:1:1 ask");
	return 0;
}

static int teardown(void **)
{
	approval_done(&a);
	approval_done(&b);
	return 0;
}

static void add(struct approval *to, const char *name, const char *value,
		enum arg_role role)
{
	struct decide_arg d = { .name = span_str(name),
				.value = span_str(value),
				.role = (uint8_t)role,
				.type = role == ROLE_CONTENT ? TYPE_TEXT
							     : TYPE_EMAIL,
				.permitted = true };

	(void)str_printf(d.chip, sizeof(d.chip), "set family");
	approval_add_arg(to, &d);
}

static void test_every_transition(void **)
{
	/* A row a state; a column an event: approve, refuse, expire, supersede,
	 * fire. 0: it cannot come. */
	static const uint8_t want[APPROVAL_STATE_MAX][APPROVAL_EVENT_MAX] = {
		{ 0 },
		{ APPROVAL_APPROVED, APPROVAL_REFUSED, APPROVAL_EXPIRED,
		  APPROVAL_SUPERSEDED, 0 },
		{ 0, APPROVAL_REFUSED, APPROVAL_EXPIRED, APPROVAL_SUPERSEDED,
		  APPROVAL_FIRED },
		{ 0 },
		{ 0 },
		{ 0 },
		{ 0 },
	};
	unsigned s, e;

	for (s = 0; s < APPROVAL_STATE_MAX; s++) {
		for (e = 0; e < APPROVAL_EVENT_MAX; e++) {
			a.state = (uint8_t)s;
			a.ended_s = 0;
			assert_int_equal(
				approval_next(s, (enum approval_event)e),
				want[s][e]);
			assert_int_equal(approval_event(&a,
							(enum approval_event)e,
							1500, "why"),
					 want[s][e] ? 0 : -EINVAL);
			assert_int_equal(a.state, want[s][e] ? want[s][e] : s);
			assert_int_equal(a.ended_s,
					 want[s][e] && approval_over(want[s][e])
						 ? 1500
						 : 0);
		}
		assert_string_not_equal(approval_state_name(s), "");
	}
	assert_int_equal(approval_next(APPROVAL_STATE_MAX, APPROVAL_FIRE), 0);
	assert_int_equal(approval_next(APPROVAL_PENDING, APPROVAL_EVENT_MAX),
			 0);
	assert_string_equal(approval_state_name(99), "none");
}

static void test_expiry(void **)
{
	assert_int_equal(approval_timely(&a, 1999), -1);
	assert_int_equal(approval_timely(&a, 2000), APPROVAL_EXPIRE);
	assert_int_equal(approval_next_s(&a), 2000);
	/* An approved one that never found its moment expires as well, */
	a.state = APPROVAL_APPROVED;
	assert_true(approval_may_fire(&a, 1000));
	assert_int_equal(approval_timely(&a, 2000), APPROVAL_EXPIRE);
	/* one that is held comes due. */
	a.due_s = 1800;
	assert_int_equal(approval_timely(&a, 1999), -1);
	assert_false(approval_may_fire(&a, 1799));
	assert_true(approval_may_fire(&a, 1800));
	assert_int_equal(approval_next_s(&a), 1800);
	/* but not at any time later. */
	assert_int_equal(approval_timely(&a, 2000), APPROVAL_EXPIRE);
	a.state = APPROVAL_FIRED;
	assert_int_equal(approval_timely(&a, 3000), -1);
	assert_false(approval_may_fire(&a, 3000));
	assert_true(approval_next_s(&a) == UINT64_MAX);
}

static enum approval_answer yes(uint32_t who, uint32_t times, const char *code,
				uint64_t now)
{
	return approval_say_yes(
		&a,
		&(struct approval_yes){ who, VIA_CLI, times, span_str(code) },
		now);
}

static void test_yes(void **)
{
	a.ready_s = 1010;
	assert_int_equal(yes(2, 1, "", 1500), ANSWER_NOT_YOURS);
	assert_int_equal(yes(0, 1, "", 1500), ANSWER_NOT_YOURS);
	assert_int_equal(yes(3, 1, "", 1500), ANSWER_NOT_YOURS);
	assert_int_equal(yes(1, 1, "", 1009), ANSWER_NOT_YET);
	assert_int_equal(yes(1, 1, "", 2000), ANSWER_NOT_NOW);
	assert_int_equal(yes(1, 0, "", 1010), ANSWER_TIMES);
	assert_int_equal(yes(1, APPROVAL_TIMES + 1, "", 1010), ANSWER_TIMES);
	assert_int_equal(yes(1, APPROVAL_TIMES, "", 1010), ANSWER_APPROVED);
	assert_int_equal(a.times, APPROVAL_TIMES);
	assert_int_equal(a.state, APPROVAL_APPROVED);
	assert_int_equal(yes(1, 1, "", 1010), ANSWER_NOT_NOW);
}

static void test_way(void **)
{
	a.via = VIA_TELEGRAM;
	assert_int_equal(yes(1, 1, "", 1500), ANSWER_NOT_HERE);
	a.via |= VIA_CLI;
	assert_int_equal(yes(1, 1, "", 1500), ANSWER_APPROVED);
}

static void test_times_by_policy(void **)
{
	a.remember = REMEMBER_NEVER;
	assert_int_equal(yes(1, 2, "", 1500), ANSWER_TIMES);
	assert_int_equal(yes(1, 1, "", 1500), ANSWER_APPROVED);
}

static void test_code(void **)
{
	(void)str_printf(a.code, sizeof(a.code), "042917");
	assert_int_equal(yes(1, 1, "", 1500), ANSWER_CODE);
	assert_int_equal(yes(1, 1, "042918", 1500), ANSWER_CODE);
	assert_int_equal(yes(1, 1, "04291", 1500), ANSWER_CODE);
	assert_int_equal(yes(1, 1, "0429170", 1500), ANSWER_CODE);
	assert_int_equal(a.state, APPROVAL_PENDING);
	assert_int_equal(a.tries, 4);
	assert_int_equal(yes(1, 1, "042917", 1500), ANSWER_APPROVED);
	assert_int_equal(a.tries, 4);
}

/* Two different ones; the least number of times counts. */
static void test_quorum(void **)
{
	a.who = 7;
	a.quorum = 2;
	assert_int_equal(yes(2, 5, "", 1500), ANSWER_MORE);
	assert_int_equal(yes(2, 5, "", 1500), ANSWER_TWICE);
	assert_int_equal(a.state, APPROVAL_PENDING);
	assert_int_equal(yes(4, 3, "", 1500), ANSWER_APPROVED);
	assert_int_equal(a.times, 3);
}

static void test_row(void **)
{
	CLEAN_BUF struct buf row;
	CLEAN_BUF struct buf again;
	struct approval_arg arg;
	size_t at = 0, n;

	buf_init(&row, LIMIT_ROW);
	buf_init(&again, LIMIT_ROW);
	add(&a, "to", "lea@example.org", ROLE_TARGET);
	add(&a, "body", "hi", ROLE_CONTENT);
	a.index = 9;
	a.due_s = 1;
	a.log_size = 481;
	a.log_root = 0x1a2b3c4d;
	a.again = 2;
	a.tries = 3;
	memset(a.aside, 0xa5, sizeof(a.aside));
	memset(a.bind, 0xb1, sizeof(a.bind));
	(void)str_printf(a.why, sizeof(a.why), "because");
	approval_encode(&row, &a);
	assert_true(buf_ok(&row));
	assert_int_equal(approval_decode(buf_view(&row), &b), 0);
	approval_encode(&again, &b);
	assert_true(span_eq(buf_view(&row), buf_view(&again)));
	assert_string_equal(b.capability, "email.send");
	assert_int_equal(b.log_root, 0x1a2b3c4d);
	assert_int_equal(b.again, 2);
	assert_int_equal(b.tries, 3);
	assert_memory_equal(b.aside, a.aside, sizeof(a.aside));
	assert_true(approval_arg(&b, &at, &arg));
	assert_true(span_is(arg.value, "lea@example.org"));
	assert_true(span_is(arg.chip, "set family"));
	assert_true(approval_arg(&b, &at, &arg));
	assert_true(span_is(arg.name, "body"));
	assert_false(approval_arg(&b, &at, &arg));
	for (n = 0; n < row.n; n++)
		assert_int_equal(approval_decode(span_of(row.p, n), &b),
				 -EPROTO);
	buf_u8(&row, 0);
	assert_int_equal(approval_decode(buf_view(&row), &b), -EPROTO);
}

static void test_bad_rows(void **)
{
	size_t i;

	for (i = 0; i < 5; i++) {
		CLEAN_BUF struct buf row;

		(void)teardown(NULL);
		(void)setup(NULL);
		buf_init(&row, LIMIT_ROW);
		if (i == 0)
			a.ticket = 0;
		if (i == 1)
			a.state = 0;
		if (i == 2)
			a.state = APPROVAL_STATE_MAX;
		if (i == 3)
			(void)str_printf(a.code, sizeof(a.code), "12345");
		if (i == 4)
			add(&a, "x", "y", ROLE_MAX);
		approval_encode(&row, &a);
		assert_true(buf_ok(&row));
		assert_int_equal(approval_decode(buf_view(&row), &b), -EPROTO);
	}
}

/* More than a row takes is no row. */
static void test_too_long(void **)
{
	static char text[LIMIT_ROW];
	CLEAN_BUF struct buf row;

	buf_init(&row, (size_t)4 * LIMIT_ROW);
	memset(text, 'x', sizeof(text) - 1);
	add(&a, "body", text, ROLE_CONTENT);
	approval_encode(&row, &a);
	assert_false(buf_ok(&row));
}

static void test_cards(void **)
{
	/* task, created, state; the card it is on */
	static const struct {
		uint64_t task, created;
		uint8_t state;
		size_t card;
	} rows[] = {
		{ 1, 100, APPROVAL_PENDING, 0 },
		{ 1, 110, APPROVAL_PENDING, 0 },
		{ 2, 110, APPROVAL_PENDING, 2 },
		{ 1, 120, APPROVAL_PENDING, 0 },
		{ 1, 121, APPROVAL_PENDING, 4 },
		{ 1, 122, APPROVAL_APPROVED, 5 },
		{ 2, 130, APPROVAL_PENDING, 2 },
		{ 2, 131, APPROVAL_PENDING, 7 },
		{ 1, 141, APPROVAL_PENDING, 4 },
		{ 1, 99, APPROVAL_PENDING, 9 },
	};
	struct approval v[ARRAY_SIZE(rows)] = { 0 };
	const struct approval *p[ARRAY_SIZE(rows)];
	size_t ret[ARRAY_SIZE(rows)], i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		v[i].task = rows[i].task;
		v[i].created_s = rows[i].created;
		v[i].state = rows[i].state;
		p[i] = &v[i];
	}
	approval_cards(p, ARRAY_SIZE(rows), ret);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(ret[i], rows[i].card);
	approval_cards(p, 0, ret);
}

static void test_one_button(void **)
{
	b.task = a.task;
	(void)str_printf(b.capability, sizeof(b.capability), "email.send");
	add(&a, "to", "lea@example.org", ROLE_TARGET);
	add(&a, "body", "one", ROLE_CONTENT);
	add(&b, "to", "lea@example.org", ROLE_TARGET);
	assert_true(approval_one_button(&a, &b));
	add(&b, "body", "two", ROLE_CONTENT);
	assert_true(approval_one_button(&a, &b));
	add(&b, "to", "max@example.org", ROLE_TARGET);
	assert_false(approval_one_button(&a, &b));
	buf_reset(&b.args);
	add(&b, "to", "max@example.org", ROLE_TARGET);
	assert_false(approval_one_button(&a, &b));
	buf_reset(&b.args);
	add(&b, "to", "lea@example.org", ROLE_TARGET);
	b.task++;
	assert_false(approval_one_button(&a, &b));
	b.task = a.task;
	(void)str_printf(b.code, sizeof(b.code), "123456");
	assert_false(approval_one_button(&a, &b));
	b.code[0] = 0;
	(void)str_printf(b.capability, sizeof(b.capability), "email.reply");
	assert_false(approval_one_button(&a, &b));
}

/* One word remembers what one word lets happen, and the policy says so. */
static void test_clause_may_be(void **)
{
	a.remember = REMEMBER_CONSTRAINED;
	assert_true(clause_may_be(&a));
	a.quorum = 2;
	assert_false(clause_may_be(&a));
	a.quorum = 1;
	a.remember = REMEMBER_TASK;
	assert_false(clause_may_be(&a));
}

static void test_clause(void **)
{
	struct kept_clause c, again;
	struct decide_clause v;
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf row;
	size_t n;

	buf_init(&text, 4096);
	buf_init(&row, LIMIT_ROW);
	clause_init(&c);
	clause_init(&again);
	add(&a, "to", "lea@example.org", ROLE_TARGET);
	add(&a, "subject", "a \"b\"", ROLE_CONTROL);
	add(&a, "body", "one", ROLE_CONTENT);
	clause_of(&c, &a, 1500);
	clause_text(&text, &c);
	assert_string_equal(buf_cstr(&text),
			    "email.send: allow: {to: {is: \"lea@example.org\"},"
			    " subject: {is: \"a \\\"b\\\"\"}}");
	clause_encode(&row, &c);
	assert_int_equal(clause_decode(buf_view(&row), &again), 0);
	assert_true(clause_view(&again, &v));
	assert_int_equal(v.n, 2);
	assert_int_equal(v.id, 7);
	assert_int_equal(v.expires_s, 1500 + 30 * 86400);
	assert_true(span_is(v.v[0].name, "to"));
	assert_true(span_is(v.v[0].value, "lea@example.org"));
	for (n = 0; n < row.n; n++)
		assert_int_equal(clause_decode(span_of(row.p, n), &again),
				 -EPROTO);
	clause_done(&c);
	clause_done(&again);
}

#define T(name) cmocka_unit_test_setup_teardown(test_##name, setup, teardown)

int main(void)
{
	const struct CMUnitTest tests[] = {
		T(every_transition), T(expiry),	       T(yes),	  T(way),
		T(times_by_policy),  T(code),	       T(quorum), T(row),
		T(bad_rows),	     T(too_long),      T(cards),  T(one_button),
		T(clause),	     T(clause_may_be),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
