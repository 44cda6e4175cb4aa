/*
 * blast: the sum over limits, by hand for small policies; what has no bound;
 * what needs the owner.
 */
#include "policy/blast.h"

#include "policy/decide.h"
#include "policy/load_sample.h"

static struct policy *p;

static void use(const char *args, const char *rows, const char *limits,
		const char *extra)
{
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf errs;

	policy_free(p);
	p = NULL;
	buf_init(&errs, 1 << 16);
	(void)file_of(&text, args, rows, limits, extra);
	if (policy_load("p", buf_view(&text), NULL, &p, &errs) < 0)
		fail_msg("\n%s", buf_cstr(&errs));
}

struct want {
	const char *args, *limits;
	uint64_t calls[2], targets[2], bytes[2];
};

static void sums(void **)
{
	static const struct want rows[] = {
		{ "to: {type: email, role: target, in: fam, many: 2}, body: "
		  "{type: text, max: 1000, role: content}",
		  "{rate: 6/hour, total: 20/day}",
		  { 6, 20 },
		  { 2, 2 },
		  { 6000, 20000 } },
		{ "to: {type: email, role: target, from: [owner], else: deny, "
		  "many: 5}",
		  "{rate: 6/hour}",
		  { 6, 144 },
		  { 30, 720 },
		  { 0, 0 } },
		{ TO ", " BODY,
		  "{rate: 2/minute, bytes: 100/day}",
		  { 120, 2880 },
		  { 2, 2 },
		  { 100, 100 } },
		{ TO,
		  "{rate: 9/day, per: {to: 2/hour}}",
		  { 4, 9 },
		  { 2, 2 },
		  { 0, 0 } },
		{ TO,
		  "{rate: 9/hour, per: {to: 1/task}, total: 3/task}",
		  { 9, 216 },
		  { 2, 2 },
		  { 0, 0 } },
		{ "f: {type: handle, of: mail.attachment, role: content, from: "
		  "[handle]}",
		  "{rate: 1/day}",
		  { 1, 1 },
		  { 0, 0 },
		  { BLAST_NO_BOUND, BLAST_NO_BOUND } },
	};
	struct blast b, all;
	size_t i, w;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		use(rows[i].args, "allow: {}", rows[i].limits, "");
		assert_true(policy_blast(p, 0, &b));
		assert_false(policy_blast(p, 1, &all));
		policy_blast_sum(p, &all);
		assert_true(b.alone && !b.asks);
		for (w = 0; w < BLAST_WINDOWS; w++) {
			assert_int_equal(b.calls[w], rows[i].calls[w]);
			assert_int_equal(b.targets[w], rows[i].targets[w]);
			assert_int_equal(b.bytes[w], rows[i].bytes[w]);
			assert_int_equal(all.calls[w], b.calls[w]);
			assert_int_equal(all.bytes[w], b.bytes[w]);
		}
	}
}

static void money(void **)
{
	struct blast b;

	use("m: {type: money, role: control, min: EUR 0, max: EUR 12.50}, n: "
	    "{type: money, role: control, min: JPY 0, max: JPY 7}",
	    "allow: {}", "{rate: 2/hour, total: 3/day}", "");
	policy_blast_sum(p, &b);
	assert_int_equal(b.n_money, 2);
	assert_true(span_is(b.money[0].currency, "EUR"));
	assert_int_equal(b.money[0].most[BLAST_HOUR], 2500);
	assert_int_equal(b.money[0].most[BLAST_DAY], 3750);
	assert_int_equal(b.money[1].most[BLAST_DAY], 21);
	assert_false(b.more_money);
}

/* What only goes with the owner's yes is no worst case but his patience. */
static void asked(void **)
{
	struct blast b;

	use(TO, "ask: {}", "{rate: 9/hour}", APPROVE);
	assert_true(policy_blast(p, 0, &b));
	assert_true(!b.alone && b.asks);
	assert_int_equal(b.calls[BLAST_DAY], 0);
	assert_int_equal(b.asked[BLAST_DAY], ASKS_A_DAY);
	use(TO, "ask: {}", "{rate: 9/hour}",
	    APPROVE "\nbudgets: {asks: 4/day}");
	policy_blast_sum(p, &b);
	assert_int_equal(b.asked[BLAST_HOUR], 4);
	assert_int_equal(b.asked[BLAST_DAY], 4);
	use(TO, "allow: {}", "{rate: 9/hour}", "mode: rehearse");
	assert_true(policy_blast(p, 0, &b));
	assert_false(b.alone);
	use(TO, "deny: {}", "{rate: 9/hour}", "");
	assert_true(policy_blast(p, 0, &b));
	assert_false(b.alone || b.asks);
	policy_free(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(sums),
		cmocka_unit_test(money),
		cmocka_unit_test(asked),
	};

	return cmocka_run_group_tests_name("policy/blast", tests, NULL, NULL);
}
