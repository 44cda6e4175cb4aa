/*
 * decide: decision tables over fixed policies, the mistakes of published
 * policy engines as rows, rates under a jumping clock, and failures inside.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "base/fd.h"
#include "policy/policy.h"

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

/* Arguments as "name=text", "name[]=element", "name#=integer", "name.=number",
 * "name?=bool", "name[0]" for the empty list. */
static struct m_arg arg_of(const char *s)
{
	static const struct {
		const char *mark;
		uint8_t json, shape;
	} marks[] = {
		{ "[]=", ARG_STRING, ARG_ELEMENT },
		{ "#=", ARG_INTEGER, ARG_SCALAR },
		{ ".=", ARG_NUMBER, ARG_SCALAR },
		{ "?=", ARG_BOOL, ARG_SCALAR },
		{ "[0]", ARG_STRING, ARG_EMPTY_LIST },
		{ "=", ARG_STRING, ARG_SCALAR },
	};
	struct m_arg a = { 0 };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(marks); i++) {
		const char *at = strstr(s, marks[i].mark);

		if (!at || (marks[i].shape != ARG_EMPTY_LIST &&
			    at + strlen(marks[i].mark) > strchr(s, '=') + 1))
			continue;
		a.name = span_of(s, (size_t)(at - s));
		a.value = span_str(at + strlen(marks[i].mark));
		a.json = marks[i].json;
		a.shape = marks[i].shape;
		return a;
	}
	fail_msg("bad argument in a row: %s", s);
	return a;
}

static struct policy *load(void)
{
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	if (policy_load("p", span_str(text), NULL, &p, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
	return p;
}

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
	  "subject: a value of type text belongs here" },
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
	  "level: a value of type int belongs here" },
	{ "light",
	  { "entity=light.porch", "state=on", "level.=5.0" },
	  "p:30:7 deny",
	  "level: a value of type int belongs here" },
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
	  "slow: a value of type bool belongs here" },
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
	  "approvals are not built yet" },
	{ "light",
	  { "entity=light.porch", "state=off", "slow?=false" },
	  "p:26:3 deny",
	  "no row of the policy allows this call" },
	{ "ask", { 0 }, "p:44:15 ask", "approvals are not built yet" },

	{ "mix", { "to[]=lea@example.org" }, "p:54:15 allow", "" },
	{ "mix",
	  { "to[]=lea@example.org", "to[]=boss@work.example" },
	  "p:50:3 deny",
	  "no row of the policy allows this call" },
	{ "trap",
	  { "to=eve@evil.example", "x?=false" },
	  "p:58:7 deny",
	  "to: \"eve@evil.example\" is not one of the values the policy "
	  "names" },
	{ "trap", { "to=boss@work.example", "x?=false" }, "p:63:8 allow", "" },

	/* lists: allow wants every element, deny and ask any */
	{ "mail",
	  { "to[]=lea@example.org", "to[]=max@example.org" },
	  "p:24:8 allow",
	  "" },
	{ "mail",
	  { "to[]=lea@example.org", "to[]=boss@work.example" },
	  "p:23:8 ask",
	  "approvals are not built yet" },
	{ "mail",
	  { "to[]=boss@work.example" },
	  "p:23:8 ask",
	  "approvals are not built yet" },
	/* origins: what only a deny row names is not of config */
	{ "mail",
	  { "to[]=lea@example.org", "to[]=eve@evil.example" },
	  "p:22:8 deny",
	  "the policy refuses this call" },
	{ "mail",
	  { "to[]=lea@example.org", "to[]=bob@evil.example" },
	  "p:20:7 ask",
	  "approvals are not built yet" },
	{ "mail",
	  { "to[]=bob@evil.example" },
	  "p:20:7 ask",
	  "approvals are not built yet" },
};

static void make_call(struct m_call *c, const char *capability,
		      const char *const *args)
{
	*c = (struct m_call){ .capability = span_str(capability) };
	for (; c->n < 6 && args[c->n]; c->n++)
		c->args[c->n] = arg_of(args[c->n]);
}

static void table(void **)
{
	CLEAN_FREE struct m_call *c = calloc(1, sizeof(*c));
	CLEAN_FREE struct policy_decision *d = calloc(1, sizeof(*d));
	struct policy *p = load();
	CLEAN_BUF struct buf canon;
	size_t i;

	buf_init(&canon, LIMIT_MSG);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		bool allow = !*rows[i].reason;

		make_call(c, rows[i].capability, rows[i].args);
		policy_decide(p, c, 100, &canon, d);
		if (strcmp(d->clause, rows[i].clause) != 0 ||
		    strcmp(d->reason, rows[i].reason) != 0)
			fail_msg("row %zu: got %s (%s), want %s (%s)", i,
				 d->clause, d->reason, rows[i].clause,
				 rows[i].reason);
		assert_int_equal(d->verdict,
				 allow ? VERDICT_ALLOW : VERDICT_DENY);
		assert_int_equal(d->n, allow ? c->n : 0);
		if (allow)
			assert_non_null(d->connector);
		else
			assert_null(d->connector);
	}
	policy_free(p);
}

/* A call that leaves nothing at all in the buffer of canonical values. */
static void nothing_said(void **)
{
	static const char *const args[6] = { "text=" };
	static struct m_call c;
	CLEAN_FREE struct policy_decision *d = calloc(1, sizeof(*d));
	struct policy *p = load();
	CLEAN_BUF struct buf canon;

	assert_non_null(d);
	buf_init(&canon, LIMIT_MSG);
	make_call(&c, "say", args);
	policy_decide(p, &c, 100, &canon, d);
	assert_int_equal(d->verdict, VERDICT_ALLOW);
	assert_int_equal(d->n, 1);
	assert_int_equal(d->args[0].value.n, 0);
	policy_free(p);
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
	CLEAN_FREE struct m_call *c = calloc(1, sizeof(*c));
	CLEAN_FREE struct policy_decision *d = calloc(1, sizeof(*d));
	struct policy *p = load();
	CLEAN_BUF struct buf canon;
	size_t i;

	buf_init(&canon, LIMIT_MSG);
	make_call(c, "send", args);
	policy_decide(p, c, 0, &canon, d);
	assert_int_equal(d->verdict, VERDICT_ALLOW);
	assert_string_equal(d->connector, "out");
	assert_int_equal(d->n, 4);
	for (i = 0; i < 4; i++) {
		assert_true(span_is(d->args[i].name, want[i][0]));
		assert_true(span_is(d->args[i].value, want[i][1]));
		assert_int_equal(d->args[i].shape,
				 i < 2 ? ARG_ELEMENT : ARG_SCALAR);
	}
	policy_free(p);
}

static bool few(struct policy *p, uint64_t now_s, const char *x)
{
	CLEAN_FREE struct policy_decision *d = calloc(1, sizeof(*d));
	const char *const args[6] = { x };
	CLEAN_FREE struct m_call *c = calloc(1, sizeof(*c));
	CLEAN_BUF struct buf canon;

	buf_init(&canon, LIMIT_MSG);
	make_call(c, "few", args);
	policy_decide(p, c, now_s, &canon, d);
	if (d->verdict != VERDICT_ALLOW && !strcmp(x, "x?=true")) {
		assert_string_equal(d->clause, "p:49:20 limit");
		assert_string_equal(d->reason,
				    "the limit of 3/minute is used up");
	}
	return d->verdict == VERDICT_ALLOW;
}

/* A call that was allowed and then did not take place counts for nothing. */
static void given_back(void **)
{
	static const uint64_t at[] = { 0, 1, 2, 60, 61, 62, 200 };
	struct policy *p = load();
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(at); i++) {
		for (k = 0; k < 5; k++) {
			assert_true(few(p, at[i], "x?=true"));
			policy_give_back(p);
			policy_give_back(p);
		}
		assert_true(few(p, at[i], "x?=true"));
		if (i == 2 || i == 5) {
			assert_false(few(p, at[i], "x?=true"));
			policy_give_back(p);
			assert_false(few(p, at[i], "x?=true"));
		}
	}
	policy_free(p);
}

/* Three a minute, in every window, whatever the clock does. */
static void rates(void **)
{
	static const struct {
		uint64_t at;
		bool want;
	} calls[] = {
		{ 100, true },
		{ 110, true },
		{ 120, true },
		{ 120, false },
		{ 159, false },
		{ 160, true },
		{ 160, false },
		{ 169, false },
		{ 170, true },
		/* back in time: stands at 170 */
		{ 0, false },
		{ 100, false },
		{ 179, false },
		{ 180, true },
		{ 0, false },
		/* far ahead, and back again */
		{ 100000, true },
		{ 100000, true },
		{ 100000, true },
		{ 100000, false },
		{ 5, false },
		{ 100059, false },
		{ 100060, true },
		{ UINT64_MAX, true },
		{ 0, true },
		{ 0, true },
		{ 0, false },
	};
	struct policy *p = load();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(calls); i++)
		if (few(p, calls[i].at, "x?=true") != calls[i].want)
			fail_msg("call %zu at %lu", i, calls[i].at);
	policy_free(p);
}

/* What is refused for another reason takes no place. */
static void refusals_take_no_place(void **)
{
	struct policy *p = load();
	int i;

	for (i = 0; i < 10; i++)
		assert_false(few(p, 7, "x?=false"));
	for (i = 0; i < 3; i++)
		assert_true(few(p, 7, "x?=true"));
	assert_false(few(p, 7, "x?=true"));
	policy_free(p);
}

/* No room for the canonical forms, at every size: never an allow. */
static void no_room(void **)
{
	static const char *const args[6] = { "to[]=lea@example.org",
					     "subject=s" };
	CLEAN_FREE struct m_call *c = calloc(1, sizeof(*c));
	CLEAN_FREE struct policy_decision *d = calloc(1, sizeof(*d));
	struct policy *p = load();
	size_t max;

	make_call(c, "send", args);
	for (max = 0; max <= 16; max++) {
		CLEAN_BUF struct buf canon;

		buf_init(&canon, max);
		policy_decide(p, c, 0, &canon, d);
		assert_int_equal(d->verdict,
				 max < 16 ? VERDICT_DENY : VERDICT_ALLOW);
		if (max < 16)
			assert_string_equal(d->reason,
					    "internal error: no room for the "
					    "arguments");
	}
	policy_free(p);
}

/* Counts and enums out of range come from no porter, and are refused. */
static void malformed(void **)
{
	static struct m_call c;
	CLEAN_FREE struct policy_decision *d = calloc(1, sizeof(*d));
	static const char *const args[6] = { "to[]=lea@example.org",
					     "subject=s" };
	struct policy *p = load();
	CLEAN_BUF struct buf canon;

	buf_init(&canon, LIMIT_MSG);
	make_call(&c, "send", args);
	c.n = LIMIT_ARGS + 1;
	policy_decide(p, &c, 0, &canon, d);
	assert_int_equal(d->verdict, VERDICT_DENY);
	make_call(&c, "send", args);
	c.args[1].json = 99;
	policy_decide(p, &c, 0, &canon, d);
	assert_int_equal(d->verdict, VERDICT_DENY);
	make_call(&c, "send", args);
	c.args[1].shape = 99;
	policy_decide(p, &c, 0, &canon, d);
	assert_int_equal(d->verdict, VERDICT_DENY);
	make_call(&c, "send", args);
	c.args[1].value = (struct span){ 0 };
	policy_decide(p, &c, 0, &canon, d);
	assert_int_equal(d->verdict, VERDICT_ALLOW);
	policy_free(p);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(table),
		cmocka_unit_test(nothing_said),
		cmocka_unit_test(hands_out),
		cmocka_unit_test(rates),
		cmocka_unit_test(given_back),
		cmocka_unit_test(refusals_take_no_place),
		cmocka_unit_test(no_room),
		cmocka_unit_test(malformed),
	};

	return cmocka_run_group_tests_name("policy/decide", tests, NULL, NULL);
}
