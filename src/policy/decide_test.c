/*
 * decide: the table of what one call comes to over a fixed policy: its closed
 * world, canonical forms, closed lists, rows; rates, and calls that no porter
 * sends.
 */
#include "base/testing.h"

#include <stdlib.h>

#include "base/fd.h"
#include "policy/decide_sample.h"
#include "policy/model.h"

#define APPROVE "{who: owner, via: [cli], ttl: 1h}"

static const char text[] =
	"bulkhead: 1\n"
	"mode: enforce\n"
	"sets:\n"
	"  family: [lea@example.org, max@example.org]\n"
	"  work: [boss@work.example]\n"
	"  lights: [light.kitchen, light.porch]\n"
	"sources: {}\n"
	"capabilities:\n"
	"  send:\n" /* line 9 */
	"    {connector: out, effect: external, undo: none, args: {\n"
	"      to: {type: email, many: 3, role: target, in: family},\n"
	"      subject: {type: text, max: 20, role: content},\n"
	"      body: {type: text, max: 2KiB, role: content, optional: true}},\n"
	"    decide: [\n"
	"      {deny: {subject: {is: boom}}},\n"
	"      {allow: {}}],\n"
	"    limits: {rate: 1000/hour}}\n"
	"  mail:\n" /* line 18 */
	"    {connector: out, effect: external, undo: none, args: {\n"
	"      to: {type: email, many: 3, role: target, else: ask}},\n"
	"    decide: [\n"
	"      {deny: {to: {is: eve@evil.example}}},\n"
	"      {ask: {to: {in: work}}},\n"
	"      {allow: {to: {in: family}}}],\n"
	"    limits: {rate: 1000/hour}, approve: " APPROVE "}\n"
	"  light:\n" /* line 26 */
	"    {connector: home, effect: internal, undo: none, args: {\n"
	"      entity: {type: id, role: target, from: [planner], in: lights},\n"
	"      state: {type: enum, role: control, values: [on, off]},\n"
	"      level: {type: int, role: control, min: 0, max: 100,\n"
	"              optional: true},\n"
	"      warm: {type: number, role: control, min: -1.5, max: 23.5,\n"
	"             optional: true},\n"
	"      slow: {type: bool, role: control, optional: true},\n"
	"      note: {type: text, max: 9, prefix: '[a] ', role: content,\n"
	"             optional: true}},\n"
	"    decide: [\n"
	"      {deny: {level: {is: 13}}},\n"
	"      {ask: {slow: {is: true}, state: {is: 'off'}}},\n"
	"      {allow: {state: {is: 'on'}}}],\n"
	"    limits: {rate: 1000/hour}, approve: " APPROVE "}\n"
	"  ask:\n" /* line 42 */
	"    {connector: out, effect: external, undo: none, args: {},\n"
	"    decide: [{ask: {}}], limits: {rate: 1/day}, approve: " APPROVE
	"}\n"
	"  few:\n" /* line 45 */
	"    {connector: out, effect: external, undo: none, args: {\n"
	"      x: {type: bool, role: control}},\n"
	"    decide: [{deny: {x: {is: false}}}, {allow: {}}],\n"
	"    limits: {rate: 3/minute}}\n"
	"  mix:\n" /* line 50 */
	"    {connector: out, effect: external, undo: none, args: {\n"
	"      to: {type: email, many: 3, role: target,\n"
	"           in: [lea@example.org, boss@work.example]}},\n"
	"    decide: [{allow: {to: {in: family}}}],\n"
	"    limits: {rate: 1000/hour}}\n"
	"  trap:\n" /* line 56 */
	"    {connector: out, effect: external, undo: none, args: {\n"
	"      to: {type: email, role: target, else: deny},\n"
	"      x: {type: bool, role: control}},\n"
	"    decide: [\n"
	"      {deny: {to: {is: eve@evil.example}, x: {is: true}}},\n"
	"      {ask: {to: {in: work}, x: {is: true}}},\n"
	"      {allow: {}}],\n"
	"    limits: {rate: 1000/hour}, approve: " APPROVE "}\n"
	"  say:\n" /* line 65 */
	"    {connector: out, effect: internal, undo: none, args: {\n"
	"      text: {type: text, max: 9, role: content}},\n"
	"    decide: [{allow: {}}],\n"
	"    limits: {rate: 1000/hour}}\n";

static const struct {
	const char *capability;
	const char *args[6];
	const char *clause;
	const char *reason; /* "" for allow */
} rows[] = {
	/* closed world */
	{ "send_data",
	  { "to=x" },
	  "default deny: no capability \"send_data\"",
	  "the policy has no capability \"send_data\"" },
	{ "sen",
	  { 0 },
	  "default deny: no capability \"sen\"",
	  "the policy has no capability \"sen\"" },
	{ "send ",
	  { 0 },
	  "default deny: no capability \"send \"",
	  "the policy has no capability \"send \"" },
	{ "Send",
	  { 0 },
	  "default deny: no capability \"Send\"",
	  "the policy has no capability \"Send\"" },
	{ "",
	  { 0 },
	  "default deny: no capability \"\"",
	  "the policy has no capability \"\"" },
	{ "a\x1b[0m\n\xe2\x80\xae\xe2\x80\xac",
	  { 0 },
	  "default deny: no capability "
	  "\"a\\x1b[0m\\x0a\\xe2\\x80\\xae\\xe2\\x80\\xac\"",
	  "the policy has no capability "
	  "\"a\\x1b[0m\\x0a\\xe2\\x80\\xae\\xe2\\x80\\xac\"" },

	/* arguments: an unknown one, one too few, the wrong kind */
	{ "send",
	  { "to[]=lea@example.org", "subject=s", "bcc[]=eve@evil.example" },
	  "p:9:3 deny",
	  "unknown argument \"bcc\"" },
	{ "send",
	  { "to[]=lea@example.org", "subject=s", "subjec=s" },
	  "p:9:3 deny",
	  "unknown argument \"subjec\"" },
	{ "send",
	  { "subject=s" },
	  "p:11:7 deny",
	  "to: this argument is missing" },
	{ "send",
	  { "to[]=lea@example.org" },
	  "p:12:7 deny",
	  "subject: this argument is missing" },
	{ "send",
	  { "to=lea@example.org", "subject=s" },
	  "p:11:7 deny",
	  "to: a list of 1 to 3 values belongs here" },
	{ "send",
	  { "to[0]", "subject=s" },
	  "p:11:7 deny",
	  "to: a list of 1 to 3 values belongs here" },
	{ "send",
	  { "to[]=lea@example.org", "subject[]=s" },
	  "p:12:7 deny",
	  "subject: one value belongs here, not a list" },
	{ "send",
	  { "to[]=lea@example.org", "subject=s", "subject=t" },
	  "p:12:7 deny",
	  "subject: given more than once" },
	{ "send",
	  { "to[]=lea@example.org", "subject#=1" },
	  "p:12:7 deny",
	  "subject: \"1\" has the wrong type" },
	{ "send",
	  { "to[]=lea@example.org", "to[]=lea@EXAMPLE.org", "subject=s" },
	  "p:11:7 deny",
	  "to: \"lea@example.org\" is in the list twice" },
	{ "send",
	  { "to[]=lea@example.org", "to[]=max@example.org", "to[]=a@b.c",
	    "to[]=d@e.f", "subject=s" },
	  "p:11:7 deny",
	  "to: more than 3 values" },

	/* canonical forms and bounds */
	{ "send",
	  { "to[]=lea@example.org", "subject=a\r\nBcc: eve@evil.example" },
	  "p:12:7 deny",
	  "subject: \"a\\x0d\\x0aBcc: eve@evil.example\" has line breaks or "
	  "control characters" },
	{ "send",
	  { "to[]=lea@example.org", "subject=12345678901234567890" },
	  "p:16:8 allow",
	  "" },
	{ "send",
	  { "to[]=lea@example.org", "subject=123456789012345678901" },
	  "p:12:7 deny",
	  "subject: \"123456789012345678901\" is longer than max" },
	{ "send",
	  { "to[]=lea@example.org", "subject=s", "body=a\nb" },
	  "p:16:8 allow",
	  "" },
	{ "light",
	  { "entity=light.porch", "state=on", "level#=100" },
	  "p:40:8 allow",
	  "" },
	{ "light",
	  { "entity=light.porch", "state=on", "level#=101" },
	  "p:30:7 deny",
	  "level: \"101\" is outside min and max" },
	{ "light",
	  { "entity=light.porch", "state=on", "level#=-1" },
	  "p:30:7 deny",
	  "level: \"-1\" is outside min and max" },
	{ "light",
	  { "entity=light.porch", "state=on", "level=5" },
	  "p:30:7 deny",
	  "level: \"5\" has the wrong type" },
	{ "light",
	  { "entity=light.porch", "state=on", "level.=5.0" },
	  "p:30:7 deny",
	  "level: \"5.0\" has the wrong type" },
	{ "light",
	  { "entity=light.porch", "state=on", "warm.=23.50" },
	  "p:40:8 allow",
	  "" },
	{ "light",
	  { "entity=light.porch", "state=on", "warm.=23.500000001" },
	  "p:32:7 deny",
	  "warm: \"23.500000001\" is outside min and max" },
	{ "light",
	  { "entity=light.porch", "state=on", "warm.=2e1" },
	  "p:32:7 deny",
	  "warm: \"2e1\" is not a decimal number of at most 9 digits before "
	  "and behind the point" },
	{ "light",
	  { "entity=light.porch", "state=on", "warm#=-1" },
	  "p:40:8 allow",
	  "" },
	{ "light",
	  { "entity=light.porch", "state=on", "slow=true" },
	  "p:34:7 deny",
	  "slow: \"true\" has the wrong type" },
	{ "light",
	  { "entity=light.porch", "state=on", "note=[a] x" },
	  "p:40:8 allow",
	  "" },
	{ "light",
	  { "entity=light.porch", "state=on", "note=x [a] " },
	  "p:35:7 deny",
	  "note: \"x [a] \" does not begin with the prefix" },

	/* closed lists: exact members, no prefixes, no patterns */
	{ "send", { "to[]=lea@example.org", "subject=s" }, "p:16:8 allow", "" },
	{ "send",
	  { "to[]=max@example.org", "to[]=lea@EXAMPLE.ORG", "subject=s" },
	  "p:16:8 allow",
	  "" },
	{ "send",
	  { "to[]=lea@example.org.evil.io", "subject=s" },
	  "p:11:7 deny",
	  "to: \"lea@example.org.evil.io\" is not in the set family" },
	{ "send",
	  { "to[]=xlea@example.org", "subject=s" },
	  "p:11:7 deny",
	  "to: \"xlea@example.org\" is not in the set family" },
	{ "send",
	  { "to[]=LEA@example.org", "subject=s" },
	  "p:11:7 deny",
	  "to: \"LEA@example.org\" is not in the set family" },
	{ "send",
	  { "to[]=lea@example.org", "to[]=eve@evil.example", "subject=s" },
	  "p:11:7 deny",
	  "to: \"eve@evil.example\" is not in the set family" },
	{ "send",
	  { "to[]=lea@example.org,eve@evil.example", "subject=s" },
	  "p:11:7 deny",
	  "to: \"lea@example.org,eve@evil.example\" is not a mail address" },
	{ "light",
	  { "entity=light.kitche", "state=on" },
	  "p:28:7 deny",
	  "entity: \"light.kitche\" is not in the set lights" },
	{ "light",
	  { "entity=light.porch", "state=of" },
	  "p:29:7 deny",
	  "state: \"of\" is not one of the values the policy names" },

	/* rows: any deny wins, the first match decides, no match is a no */
	{ "send",
	  { "to[]=lea@example.org", "subject=boom" },
	  "p:15:8 deny",
	  "the policy refuses this call" },
	{ "send",
	  { "to[]=lea@example.org", "subject=boom " },
	  "p:16:8 allow",
	  "" },
	{ "light",
	  { "entity=light.porch", "state=on", "level#=13" },
	  "p:38:8 deny",
	  "the policy refuses this call" },
	{ "light",
	  { "entity=light.porch", "state=off" },
	  "p:26:3 deny",
	  "no row of the policy allows this call" },
	{ "light",
	  { "entity=light.porch", "state=off", "slow?=true" },
	  "p:39:8 ask",
	  "the owner is asked" },
	{ "light",
	  { "entity=light.porch", "state=off", "slow?=false" },
	  "p:26:3 deny",
	  "no row of the policy allows this call" },
	{ "ask", { 0 }, "p:44:15 ask", "the owner is asked" },

	{ "mix", { "to[]=lea@example.org" }, "p:54:15 allow", "" },
	{ "mix",
	  { "to[]=lea@example.org", "to[]=boss@work.example" },
	  "p:50:3 deny",
	  "no row of the policy allows this call" },
	{ "trap",
	  { "to=eve@evil.example", "x?=false" },
	  "p:58:7 deny",
	  "to: \"eve@evil.example\" does not come from config or owner or "
	  "envelope" },
	{ "trap", { "to=boss@work.example", "x?=false" }, "p:63:8 allow", "" },

	/* lists: allow wants every element, deny and ask any */
	{ "mail",
	  { "to[]=lea@example.org", "to[]=max@example.org" },
	  "p:24:8 allow",
	  "" },
	{ "mail",
	  { "to[]=lea@example.org", "to[]=boss@work.example" },
	  "p:23:8 ask",
	  "the owner is asked" },
	{ "mail",
	  { "to[]=boss@work.example" },
	  "p:23:8 ask",
	  "the owner is asked" },
	/* origins: what only a deny row names is not of config; what would
	 * be asked for its origin, but no row matches, is refused */
	{ "mail",
	  { "to[]=lea@example.org", "to[]=eve@evil.example" },
	  "p:22:8 deny",
	  "the policy refuses this call" },
	{ "mail",
	  { "to[]=lea@example.org", "to[]=bob@evil.example" },
	  "p:18:3 deny",
	  "no row of the policy allows this call" },
	{ "mail",
	  { "to[]=bob@evil.example" },
	  "p:18:3 deny",
	  "no row of the policy allows this call" },
};

static void table(void **)
{
	struct sample *s = sample_new(text);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		bool allow = !*rows[i].reason, ask;
		const struct decision *d;

		s->in.task = i; /* none has a history */
		d = sample_decide(s, rows[i].capability, rows[i].args);
		if (strcmp(d->clause, rows[i].clause) != 0 ||
		    strcmp(d->reason, rows[i].reason) != 0)
			fail_msg("row %zu: got %s (%s), want %s (%s)", i,
				 d->clause, d->reason, rows[i].clause,
				 rows[i].reason);
		ask = strstr(d->clause, " ask") != NULL;
		assert_int_equal(d->verdict, allow ? VERDICT_ALLOW
					     : ask ? VERDICT_ASK
						   : VERDICT_DENY);
		assert_int_equal(d->n, allow || ask ? s->call.n : 0);
		if (allow || ask)
			assert_non_null(d->connector);
		else
			assert_null(d->connector);
	}
	sample_free(s);
}

/* An allowed call is handed out in the schema's order, canonical. */
static void hands_out(void **)
{
	static const char *const args[6] = { "body=b",
					     "subject=", "to[]=max@EXAMPLE.org",
					     "to[]=lea@example.org" };
	static const char *const want[][2] = { { "to", "max@example.org" },
					       { "to", "lea@example.org" },
					       { "subject", "" },
					       { "body", "b" } };
	struct sample *s = sample_new(text);
	const struct decision *d = sample_decide(s, "send", args);
	size_t i;

	assert_int_equal(d->verdict, VERDICT_ALLOW);
	assert_string_equal(d->connector, "out");
	assert_int_equal(d->n, 4);
	for (i = 0; i < 4; i++) {
		assert_true(span_is(d->rows[i].name, want[i][0]));
		assert_true(span_is(d->rows[i].value, want[i][1]));
		assert_true(span_is(d->args[i].value, want[i][1]));
		assert_int_equal(d->rows[i].shape,
				 i < 2 ? ARG_ELEMENT : ARG_SCALAR);
	}
	assert_string_equal(d->args[0].chip, "set family");
	assert_string_equal(d->args[3].chip, "your agent");
	sample_free(s);
}

static bool few(struct sample *s, uint64_t now_s, const char *x)
{
	const char *const args[6] = { x };
	const struct decision *d;

	sample_at(s, now_s);
	d = sample_decide(s, "few", args);
	if (d->verdict != VERDICT_ALLOW && !strcmp(x, "x?=true")) {
		assert_string_equal(d->clause, "p:49:20 limit");
		assert_string_equal(d->reason,
				    "the limit of 3/minute is used up");
		assert_true(d->limited);
	}
	return d->verdict == VERDICT_ALLOW;
}

/* A call that was allowed and then did not take place counts for nothing. */
static void given_back(void **)
{
	struct sample *s = sample_new(text);
	size_t k;

	for (k = 0; k < 8; k++) {
		assert_true(few(s, 1, "x?=true"));
		policy_state_give_back(s->state, &s->d.taken);
		policy_state_give_back(s->state, &s->d.taken);
	}
	for (k = 0; k < 3; k++)
		assert_true(few(s, 2, "x?=true"));
	assert_false(few(s, 2, "x?=true"));
	policy_state_give_back(s->state, &s->d.taken);
	assert_false(few(s, 2, "x?=true"));
	sample_free(s);
}

/* Three a minute, in every window. */
static void rates(void **)
{
	static const struct {
		uint64_t at;
		bool want;
	} calls[] = {
		{ 100, true },	   { 110, true },    { 120, true },
		{ 120, false },	   { 159, false },   { 160, true },
		{ 160, false },	   { 169, false },   { 170, true },
		{ 179, false },	   { 180, true },    { 100000, true },
		{ 100000, true },  { 100000, true }, { 100000, false },
		{ 100059, false }, { 100060, true },
	};
	struct sample *s = sample_new(text);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++) {
		s->in.task = i;
		if (few(s, calls[i].at, "x?=true") != calls[i].want)
			fail_msg("call %zu at %lu", i, calls[i].at);
	}
	sample_free(s);
}

/* What is refused for another reason, or only tried, takes no place. */
static void refusals_take_no_place(void **)
{
	struct sample *s = sample_new(text);
	int i;

	for (i = 0; i < 10; i++)
		assert_false(few(s, 7, "x?=false"));
	s->in.dry = true;
	for (i = 0; i < 10; i++)
		assert_true(few(s, 7, "x?=true"));
	s->in.dry = false;
	for (i = 0; i < 3; i++)
		assert_true(few(s, 7, "x?=true"));
	assert_false(few(s, 7, "x?=true"));
	s->in.dry = true;
	assert_false(few(s, 7, "x?=true"));
	sample_free(s);
}

/* Counts and enums out of range come from no porter, and are refused. */
static void malformed(void **)
{
	static const char *const args[6] = { "to[]=lea@example.org",
					     "subject=s" };
	struct sample *s = sample_new(text);

	sample_call(s, "send", args);
	s->call.n = LIMIT_ARGS + 1;
	assert_int_equal(sample_again(s)->verdict, VERDICT_DENY);
	sample_call(s, "send", args);
	s->call.args[1].json = 99;
	assert_int_equal(sample_again(s)->verdict, VERDICT_DENY);
	sample_call(s, "send", args);
	s->call.args[1].json = ARG_FILL;
	assert_int_equal(sample_again(s)->verdict, VERDICT_DENY);
	sample_call(s, "send", args);
	s->call.args[1].shape = 99;
	assert_int_equal(sample_again(s)->verdict, VERDICT_DENY);
	sample_call(s, "send", args);
	s->call.args[1].value = (struct span){ 0 };
	assert_int_equal(sample_again(s)->verdict, VERDICT_ALLOW);
	sample_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(hands_out),
		cmocka_unit_test(rates),
		cmocka_unit_test(given_back),
		cmocka_unit_test(refusals_take_no_place),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests_name("policy/decide", tests, NULL, NULL);
}
