/*
 * mistakes: what went wrong in published policy engines for agents, each as a
 * test that it does not here. Which engine it was stands over the test.
 */
#include "policy/decide_sample.h"

#include <errno.h>
#include <stdio.h>

#define FAMILY "lea@example.org"

static const char text[] =
	"bulkhead: 1\n"
	"mode: enforce\n"
	"sets: {family: [lea@example.org]}\n"
	"sources: {mail: {reader: email, connector: imap, integrity: "
	"external,\n"
	"    audience: thread, reveal: handles}}\n"
	"capabilities:\n"
	"  delete: {connector: imap-rw, effect: internal, undo: none, args: {\n"
	"      mail: {type: handle, of: mail.message, role: selector,\n"
	"             from: [owner], else: deny}},\n"
	"    decide: [{allow: {}}], limits: {rate: 100/hour}}\n"
	"  send: {connector: smtp, effect: external, undo: none, args: {\n"
	"      to: {type: email, many: 3, role: target, in: family},\n"
	"      cc: {type: email, many: 3, role: target, in: family,\n"
	"           optional: true},\n"
	"      body: {type: text, max: 2KiB, role: content}},\n"
	"    decide: [{allow: {}}], limits: {rate: 100/hour}}\n"
	"  pick: {connector: smtp, effect: external, undo: none, args: {\n"
	"      to: {type: email, role: target, else: deny, optional: true},\n"
	"      n: {type: int, role: control, min: 0, max: 9,\n"
	"          optional: true}},\n"
	"    decide: [{deny: {n: {is: 5}}},\n"
	"             {allow: {to: {in: family}, n: {in: [1, 5]}}}],\n"
	"    limits: {rate: 100/hour}}\n"
	"  clocked: {connector: smtp, effect: internal, undo: none, args: {},\n"
	"    decide: [{deny: {time: {between: '00:00-01:00'}}}, {allow: {}}],\n"
	"    limits: {rate: 100/hour}}\n"
	"timezone: UTC\n";

static enum verdict verdict(struct sample *s, const char *call,
			    const char *const args[SAMPLE_ARGS])
{
	return sample_decide(s, call, args)->verdict;
}

#define CALL(s, name, ...)                                                     \
	verdict(s, name, (const char *const[SAMPLE_ARGS]){ __VA_ARGS__ })

/* CaMeL, delete_email_policy: the condition was the wrong way round. */
static void condition_the_wrong_way_round(void **)
{
	struct sample *s = sample_new(text);
	uint64_t item = sample_item(s, "mail", FAMILY);

	sample_handle(s, item, "mail.message", TYPE_ID, "invoice-2026-17");
	sample_handle(s, item, "mail.message", TYPE_ID, "invoice-2026-18");
	sample_owner(s, "Delete invoice-2026-17, please.");
	assert_int_equal(CALL(s, "delete", "mail@=@1"), VERDICT_ALLOW);
	assert_int_equal(CALL(s, "delete", "mail@=@2"), VERDICT_DENY);
	sample_free(s);
}

/* CaMeL, get_all_sources: the set of what was seen never grew, so sources went
 * missing. Origins are flat: each part of a value brings its own. */
static void sources_that_go_missing(void **)
{
	struct sample *s = sample_new(text);
	const struct arg_value *v;
	size_t i;

	for (i = 0; i < 4; i++) {
		char name[32];

		(void)snprintf(name, sizeof(name), "p%zu@example.org", i);
		s->labels[i] = (struct label){ 0 };
		sample_handle(s, sample_item(s, "mail", i ? "" : FAMILY),
			      "mail.text", TYPE_TEXT, name);
	}
	s->call = (struct m_call){ .capability = SPAN_LIT("send"), .n = 6 };
	s->call.args[0] = arg_of("to[]=" FAMILY);
	s->call.args[1] =
		(struct m_arg){ SPAN_LIT("body"), ARG_TEMPLATE, ARG_SCALAR,
				SPAN_LIT("{0} {1} {2} {3}") };
	for (i = 0; i < 4; i++)
		s->call.args[2 + i] =
			(struct m_arg){ SPAN_LIT("body"), ARG_FILL, ARG_SCALAR,
					i == 0	 ? SPAN_LIT("@1")
					: i == 1 ? SPAN_LIT("@2")
					: i == 2 ? SPAN_LIT("@3")
						 : SPAN_LIT("@4") };
	assert_int_equal(sample_again(s)->verdict, VERDICT_DENY);
	assert_int_equal(s->d.by, DECIDED_FLOW);
	v = &s->d.resolved.values[1];
	assert_int_equal(v->n_parts, 7);
	for (i = 0; i < 4; i++)
		assert_true(label_has_atom(&v->label, s->items[i].atom));
	sample_free(s);
}

/* CaMeL, send_email_policy: a trusted recipient, and nobody looked at the body.
 */
static void recipient_in_order_so_body_not_looked_at(void **)
{
	struct sample *s = sample_new(text);

	sample_handle(s, sample_item(s, "mail", "bank@bank.example"),
		      "mail.text", TYPE_TEXT, "the code is 4711");
	assert_int_equal(CALL(s, "send", "to[]=" FAMILY, "body=Hi"),
			 VERDICT_ALLOW);
	assert_int_equal(CALL(s, "send", "to[]=" FAMILY, "body@=@1"),
			 VERDICT_DENY);
	assert_int_equal(s->d.by, DECIDED_FLOW);
	sample_free(s);
}

/* Progent, _check_tool_call: what the policy does not name is not constrained
 * (cc, bcc), and constraints are skipped where the argument is left out. */
static void arguments_that_are_not_named(void **)
{
	struct sample *s = sample_new(text);

	assert_int_equal(CALL(s, "send", "to[]=" FAMILY, "body=Hi",
			      "bcc[]=eve@evil.example"),
			 VERDICT_DENY);
	assert_int_equal(CALL(s, "send", "to[]=" FAMILY, "body=Hi",
			      "cc[]=eve@evil.example"),
			 VERDICT_DENY);
	assert_int_equal(CALL(s, "send", "body=Hi"), VERDICT_DENY);
	/* an optional one that is left out meets no condition of an allow */
	assert_int_equal(CALL(s, "pick", "n#=1"), VERDICT_DENY);
	assert_int_equal(CALL(s, "pick", "to=" FAMILY), VERDICT_DENY);
	assert_int_equal(CALL(s, "pick", "to=" FAMILY, "n#=1"), VERDICT_ALLOW);
	sample_free(s);
}

/* Progent, check_arg: re.match is a match of the beginning. */
static void beginning_of_an_address(void **)
{
	static const char *const near[] = {
		"to[]=lea@example.org.evil.io", "to[]=lea@example.orgx",
		"to[]=xlea@example.org",	"to[]=lea@example.org\n",
		"to[]=lea@example.org,e@e.io",	"to[]=<lea@example.org>",
		"to[]=lea@example.o",		"to[]=lea@exampl\xc3\xa9.org",
	};
	struct sample *s = sample_new(text);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(near); i++)
		assert_int_equal(CALL(s, "send", near[i], "body=Hi"),
				 VERDICT_DENY);
	sample_free(s);
}

/* Progent, forbid rules: an exception while checking skips the forbid. Here
 * whatever fails while a deny row is looked at refuses. */
static void error_in_a_deny(void **)
{
	struct sample *s = sample_new(text);
	struct zone *zone = s->policy->zone;

	s->in.wall_s = 1767614400;
	assert_int_equal(CALL(s, "clocked", 0), VERDICT_ALLOW);
	s->in.wall_s = 1767571200 + 60; /* a minute past midnight */
	assert_int_equal(CALL(s, "clocked", 0), VERDICT_DENY);
	s->policy->zone = NULL;
	s->in.wall_s = 1767614400;
	assert_int_equal(CALL(s, "clocked", 0), VERDICT_DENY);
	assert_int_equal(s->d.by, DECIDED_ERROR);
	s->policy->zone = zone;
	/* the deny row of pick sees what the allow would take */
	assert_int_equal(CALL(s, "pick", "to=" FAMILY, "n#=5"), VERDICT_DENY);
	assert_int_equal(s->d.by, DECIDED_ROW);
	sample_free(s);
}

/* Progent, check_tool_call: no policy, and everything is allowed. Gemini CLI,
 * Conseca: no tool name, a reply that is empty or cannot be read: allow. */
static void nothing_means_no(void **)
{
	struct sample *s = sample_new("bulkhead: 1\nmode: enforce\n"
				      "sources: {}\ncapabilities: {}\n");
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 4096);
	assert_int_equal(CALL(s, "send", "to[]=" FAMILY), VERDICT_DENY);
	assert_int_equal(CALL(s, "", 0), VERDICT_DENY);
	s->call.capability = (struct span){ 0 };
	assert_int_equal(sample_again(s)->verdict, VERDICT_DENY);
	assert_true(policy_load("p", SPAN_LIT(""), NULL, &p, &errs) < 0);
	assert_true(policy_load("p", SPAN_LIT("{}"), NULL, &p, &errs) < 0);
	assert_null(p);
	sample_free(s);
}

/* OpenClaw, exec approvals: they are there, and off by default. The policy that
 * comes with the program asks, and no mode of it switches that off. */
static void safe_by_default(void **)
{
	struct sample *s = sample_new(policy_default_text());

	assert_int_equal(CALL(s, "email.announce", "subject=Hi", "body=Hi"),
			 VERDICT_ASK);
	assert_int_equal(CALL(s, "email.send", "to[]=eve@evil.example",
			      "subject=Hi", "body=Hi"),
			 VERDICT_DENY);
	assert_false(s->policy->rehearse);
	sample_free(s);
}

/* Claude Code, permission rules: some parse and never match. Here they do not
 * load; refuse_test.c has each kind of them. */
static void rules_that_never_match(void **)
{
	static const char *const rows[] = {
		"[{allow: {}}, {deny: {to: {is: a@b.cd}}}, {allow: {}}]",
		"[{allow: {too: {in: family}}}]",
		"[{allow: {to: {in: famly}}}]",
		"[{allow: {to: {in: []}}}]",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct policy *p = NULL;
		CLEAN_BUF struct buf errs;
		CLEAN_BUF struct buf yaml;

		buf_init(&errs, 1 << 16);
		buf_init(&yaml, 1 << 16);
		buf_printf(&yaml,
			   "bulkhead: 1\nmode: enforce\n"
			   "sets: {family: [a@b.cd]}\nsources: {}\n"
			   "capabilities: {c: {connector: o, effect: read, "
			   "undo: none, args: {to: {type: email, role: target, "
			   "in: family}}, decide: %s, limits: {rate: 1/day}}}",
			   rows[i]);
		if (policy_load("p", buf_view(&yaml), NULL, &p, &errs) !=
		    -EINVAL)
			fail_msg("row %zu loads", i);
	}
}

/* Gemini CLI, a boundary of reading: an allowed tool contains the power of a
 * denied one. An effect is granted by the capability alone, whatever else the
 * policy grants; no argument names another one. */
static void power_of_another_tool(void **)
{
	struct sample *s = sample_new(text);

	assert_int_equal(CALL(s, "send", "to[]=" FAMILY, "body=delete @1"),
			 VERDICT_ALLOW);
	assert_string_equal(s->d.connector, "smtp");
	assert_int_equal(s->d.n, 2);
	assert_int_equal(CALL(s, "delete", "mail=@1"), VERDICT_DENY);
	assert_int_equal(CALL(s, "send delete", "mail=@1"), VERDICT_DENY);
	sample_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(condition_the_wrong_way_round),
		cmocka_unit_test(sources_that_go_missing),
		cmocka_unit_test(recipient_in_order_so_body_not_looked_at),
		cmocka_unit_test(arguments_that_are_not_named),
		cmocka_unit_test(beginning_of_an_address),
		cmocka_unit_test(error_in_a_deny),
		cmocka_unit_test(nothing_means_no),
		cmocka_unit_test(safe_by_default),
		cmocka_unit_test(rules_that_never_match),
		cmocka_unit_test(power_of_another_tool),
	};

	return cmocka_run_group_tests_name("policy/mistakes", tests, NULL,
					   NULL);
}
