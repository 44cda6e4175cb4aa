/*
 * diff: one change of a policy at a time, and what it is said to mean; what is
 * no change; the sign of everything that is exchanged.
 */
#include "policy/diff.h"

#include "policy/load_sample.h"

static struct policy *load(const char *name, const char *text)
{
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	if (policy_load(name, span_str(text), NULL, &p, &errs) < 0)
		fail_msg("\n%s\n%s", text, buf_cstr(&errs));
	return p;
}

/* The lines of a difference, both ways: what is added one way is removed the
 * other. */
static void expect_diff(const char *was, const char *is, const char *lines)
{
	struct policy *a = load("a", was), *b = load("b", is);
	struct policy_diff there, back;
	CLEAN_BUF struct buf out;

	buf_init(&out, 1 << 16);
	policy_diff(a, b, &out, &there);
	if (strcmp(buf_cstr(&out), lines) != 0)
		fail_msg("\n%s  want\n%s", buf_cstr(&out), lines);
	buf_reset(&out);
	policy_diff(b, a, &out, &back);
	assert_int_equal(there.added, back.removed);
	assert_int_equal(there.removed, back.added);
	assert_int_equal(there.unclear, back.unclear);
	buf_reset(&out);
	policy_diff(b, b, &out, &back);
	assert_int_equal(out.n + back.added + back.removed + back.unclear, 0);
	policy_free(a);
	policy_free(b);
}

struct cap_change {
	const char *args, *rows, *limits, *extra; /* NULL: as before */
	const char *lines;
};

#define OR(x, y) ((x) ? (x) : (y))

static void expect_cap(const struct cap_change *base,
		       const struct cap_change *c)
{
	CLEAN_BUF struct buf was;
	CLEAN_BUF struct buf is;

	expect_diff(
		file_of(&was, base->args, base->rows, base->limits,
			base->extra),
		file_of(&is, OR(c->args, base->args), OR(c->rows, base->rows),
			OR(c->limits, base->limits), OR(c->extra, base->extra)),
		c->lines);
}

static const struct cap_change cap_base = {
	.args = "to: {type: email, role: target, many: 2, from: [owner], else: "
		"ask}, " BODY
		", n: {type: money, role: control, min: EUR 0, max: EUR 5}",
	.rows = "deny: {session: {tripped: true}}}, {allow: {to: {in: fam}}}, "
		"{ask: {}",
	.limits = "{rate: 6/hour, total: 20/day, per: {to: 4/day}}",
	.extra = "approve: {who: owner, via: [cli], ttl: 1h, delay: 10s}",
};

static void capabilities(void **)
{
	static const struct cap_change changes[] = {
		{ .args = "to: {type: email, role: target, many: 2, from: "
			  "[owner, config], else: ask}, " BODY
			  ", n: {type: money, role: control, min: EUR 0, max: "
			  "EUR 5}",
		  .lines = "+ b:10:12: c.to: also comes from config\n" },
		{ .args = "to: {type: email, role: target, many: 3, from: "
			  "[owner], else: deny}, body: {type: text, max: 9, "
			  "role: content, links: any}, n: {type: money, role: "
			  "control, min: EUR 1, max: EUR 7.5}",
		  .lines = "- a:10:12: c.to: another origin is deny, was ask\n"
			   "+ b:10:12: c.to: 3 at once, was 2\n"
			   "- a:10:80: c.body: max is 9 bytes, was 10\n"
			   "+ b:10:81: c.body: links is any, was strip\n"
			   "+ b:10:136: c.n: max is EUR 7.50, was EUR 5.00\n"
			   "- a:10:124: c.n: min is EUR 1.00, was EUR 0.00\n" },
		{ .args = "to: {type: email, role: target, many: 2, from: "
			  "[owner], else: ask}, " BODY ", cc: {type: email, "
			  "role: target, optional: true, else: deny}",
		  .lines = "+ b:10:124: c.cc: a new argument, a target\n"
			   "~ b:6:3: c.n: the argument is gone\n" },
		{ .rows = "allow: {to: {in: fam}}}, {ask: {}",
		  .lines = "+ b:6:3: c: no longer deny: tripped\n" },
		{ .rows = "deny: {session: {tripped: true}}}, {allow: {}",
		  .lines = "+ b:11:51: c: allow: always\n"
			   "- a:11:51: c: no longer allow: to in set fam (2)\n"
			   "- a:11:77: c: no longer ask: always\n" },
		{ .rows = "deny: {session: {tripped: true}}}, {ask: {to: {is: "
			  "a@x.org}}}, {allow: {to: {in: fam}}}, {ask: {}",
		  .lines = "~ b:11:51: c: ask: to is a@x.org\n" },
		{ .rows = "allow: {to: {in: fam}}}, {deny: {session: {tripped: "
			  "true}}}, {ask: {}",
		  .lines = "~ b:6:3: c: the rows are in another order\n" },
		{ .limits = "{rate: 7/hour, total: 10/day, per: {to: 4/day}}",
		  .lines = "+ b:12:20: c: rate is 7/hour, was 6/hour\n"
			   "- a:12:35: c: total is 10/day, was 20/day\n" },
		{ .limits = "{rate: 1/minute, bytes: 1KiB/day, concurrent: 1}",
		  .lines = "~ b:12:20: c: rate is 1/minute, was 6/hour\n"
			   "+ b:6:3: c: total is without limit, was 20/day\n"
			   "- a:6:3: c: bytes is 1KiB/day, was without limit\n"
			   "- a:6:3: c: at the same time is 1, was without "
			   "limit\n"
			   "+ b:6:3: c: per to is without limit, was 4/day\n" },
		{ .extra = "approve: {who: owner, via: [cli, telegram], ttl: "
			   "2h, remember: task, confirm: code}",
		  .lines = "+ b:13:14: c: also approved via telegram\n"
			   "+ b:13:14: c: ttl is 2h, was 1h\n"
			   "+ b:13:14: c: delay is 0s, was 10s\n"
			   "+ b:13:14: c: remember is task, was never\n"
			   "- a:13:14: c: a code is needed, was not needed\n" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(changes); i++)
		expect_cap(&cap_base, &changes[i]);
}

#define FILE_OF(top, members, source, caps)                                    \
	"bulkhead: 1\nmode: enforce\n" top "sets: {fam: [" members "]}\n"      \
	"sources: {mail: {reader: email, connector: i, " source "}}\n"         \
	"capabilities: {" caps "}\n"
#define CAP(name, effect)                                                      \
	name ": {connector: o, effect: " effect ", undo: none, args: {to: "    \
	     "{type: email, role: target, in: fam}}, decide: [allow: {}], "    \
	     "limits: {rate: 1/hour}}"
#define SOURCE "integrity: external, audience: owner, reveal: handles"
#define KNOWN  "integrity: known, audience: owner, reveal: handles"
#define PLAIN  FILE_OF("", "a@x.org", SOURCE, CAP("c", "internal"))

static void the_rest(void **)
{
	static const struct {
		const char *was, *is, *lines;
	} rows[] = {
		{ PLAIN, "# a comment\n" PLAIN, "" },
		{ PLAIN,
		  FILE_OF("", "a@x.org, b@x.org", SOURCE, CAP("c", "internal")),
		  "+ b:3:23: set fam: has b@x.org\n" },
		/* named nowhere, and yet its members are known senders */
		{ FILE_OF("", "a@x.org", KNOWN, CAP("c", "internal")),
		  FILE_OF("", "a@x.org], odd: [b@x.org", KNOWN,
			  CAP("c", "internal")),
		  "+ b:3:30: set odd: has b@x.org\n" },
		{ PLAIN,
		  FILE_OF("", "a@x.org], odd: [b@x.org", SOURCE,
			  CAP("c", "internal")),
		  "" },
		{ PLAIN, FILE_OF("", "a@x.org", SOURCE, CAP("c", "external")),
		  "+ b:5:16: c: effect is external, was internal\n" },
		{ PLAIN,
		  FILE_OF("", "a@x.org", SOURCE,
			  CAP("c", "internal") ", " CAP("d", "external")),
		  "+ b:5:160: d: a new capability, external, at most 1/hour\n"
		  "+ b:5:267: d: allow: always\n" },
		{ PLAIN,
		  FILE_OF("", "a@x.org",
			  "integrity: known, audience: public, reveal: text",
			  CAP("c", "internal")),
		  "+ b:4:44: mail: integrity is known, was external\n"
		  "+ b:4:44: mail: audience is public, was owner\n"
		  "~ b:4:44: mail: reveal is text, was handles\n" },
		{ PLAIN,
		  FILE_OF("decoys: [vault]\nbudgets: {calls: 5/task, wall: "
			  "1h}\nlease: {autonomy: 1h, on_expiry: deny}\ntrip: "
			  "{limits: freeze, decoy: freeze}\n",
			  "a@x.org", SOURCE, CAP("c", "internal")),
		  "- a:1:1: vault: is a decoy now\n"
		  "- a:1:1: budgets: calls is 5/task, was without limit\n"
		  "- a:1:1: budgets: wall is 1h, was without limit\n"
		  "- a:1:1: lease: autonomy is 1h, was without end\n"
		  "+ b:1:1: trip: decoy is freeze, was kill\n"
		  "- a:1:1: trip: limits is freeze, was refuse\n" },
		{ PLAIN,
		  FILE_OF("owner: {telegram: 5}\nprincipals: {mei: {telegram: "
			  "6}}\n",
			  "a@x.org", SOURCE, CAP("c", "internal")),
		  "+ b:3:8: owner: telegram 5 speaks for them\n"
		  "+ b:4:14: mei: may be named as an approver\n" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		expect_diff(rows[i].was, rows[i].is, rows[i].lines);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(capabilities),
		cmocka_unit_test(the_rest),
	};

	return cmocka_run_group_tests_name("policy/diff", tests, NULL, NULL);
}
