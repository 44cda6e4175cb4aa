/*
 * rules: the rules of the model that stand over everything, each by its name,
 * as what a stranger, a hostile planner or a restart would try.
 */
#include "base/str.h"
#include "policy/decide_sample.h"

#include <stdio.h>

#define FAMILY "lea@example.org"

static const char text[] =
	"bulkhead: 1\n"
	"mode: enforce\n"
	"owner: {email: raoul@example.org, telegram: 11122233}\n"
	"sets: {family: [lea@example.org, max@example.org], friends: ['777']}\n"
	"sources:\n"
	"  mail: {reader: email, connector: imap, integrity: external,\n"
	"    audience: thread, reveal: handles}\n"
	"  chat: {reader: telegram, connector: tg, integrity: known,\n"
	"    audience: thread, reveal: text}\n"
	"capabilities:\n"
	"  reply: {connector: smtp, effect: external, undo: none, args: {\n"
	"      thread: {type: handle, of: mail.thread, role: selector,\n"
	"               from: [handle]},\n"
	"      body: {type: text, max: 2KiB, role: content,\n"
	"             from: [planner, handle], links: source}},\n"
	"    flow: {body: same-thread},\n"
	"    decide: [{allow: {thread: {sender_in: family}}}, {ask: {}}],\n"
	"    limits: {rate: 100/hour}, approve: {who: owner, via: [cli],\n"
	"      ttl: 1h, remember: constrained}}\n"
	"  send: {connector: smtp, effect: external, undo: none, args: {\n"
	"      to: {type: email, many: 3, role: target, else: ask},\n"
	"      subject: {type: text, max: 100, role: content},\n"
	"      body: {type: text, max: 2KiB, role: content, links: owner}},\n"
	"    decide: [{deny: {to: {is: boss@work.example}}},\n"
	"             {allow: {to: {in: family}}}, {ask: {}}],\n"
	"    limits: {rate: 3/hour}, approve: {who: owner, via: [cli],\n"
	"      ttl: 1h, remember: constrained}}\n"
	"  tell: {connector: tg, effect: external, undo: none, args: {\n"
	"      chat: {type: id, role: target, else: deny},\n"
	"      text: {type: text, max: 2KiB, role: content, links: strip}},\n"
	"    decide: [{allow: {chat: {is: owner}}},\n"
	"             {allow: {chat: {is: envelope},\n"
	"                      session: {tainted: false}}}, {ask: {}}],\n"
	"    limits: {rate: 100/hour, concurrent: 2},\n"
	"    approve: {who: owner, via: [cli], ttl: 1h}}\n";

static const char *const to_family[SAMPLE_ARGS] = { "to[]=" FAMILY,
						    "subject=Hi", "body=Hi" };

static void is(const struct decision *d, enum verdict v, enum decided_by by)
{
	if (d->verdict != v || d->by != by)
		fail_msg("got %d by %d: %s (%s)", d->verdict, d->by, d->clause,
			 d->reason);
}

/* Rule 3: authenticated is not trusted. His provider vouches for him, and still
 * he is written to in answer to his very message only. */
static void stranger_with_valid_dmarc(void **)
{
	static const char *const to_him[SAMPLE_ARGS] = {
		"to[]=eve@evil.example", "subject=Hi", "body=Hi"
	};
	static const char *const both[SAMPLE_ARGS] = {
		"to[]=" FAMILY, "to[]=eve@evil.example", "subject=Hi", "body=Hi"
	};
	static const char *const reply[SAMPLE_ARGS] = { "thread@=@1",
							"body=Hi" };
	struct sample *s = sample_new(text);
	uint64_t his = sample_item(s, "mail", "eve@evil.example"), hers;

	assert_int_equal(s->labels[0].integrity, INTEGRITY_EXTERNAL);
	sample_handle(s, his, "mail.thread", TYPE_ID, "mail-1");
	/* a task about something else: his address is no one's to write to */
	is(sample_decide(s, "send", to_him), VERDICT_ASK, DECIDED_ARG);
	hers = sample_item(s, "mail", FAMILY);
	s->in.task_item = hers;
	is(sample_decide(s, "send", to_him), VERDICT_ASK, DECIDED_ARG);
	/* a task about his message: whoever is permitted is still asked for */
	s->in.task_item = his;
	is(sample_decide(s, "send", to_him), VERDICT_ASK, DECIDED_ROW);
	is(sample_decide(s, "send", both), VERDICT_ASK, DECIDED_ARG);
	is(sample_decide(s, "reply", reply), VERDICT_ASK, DECIDED_ROW);
	assert_true(span_is(s->d.recipient, "eve@evil.example"));
	sample_free(s);
}

/* Whom an answer goes to is one value more: where there is no room for it, it
 * is refused, not asked about and kept. */
static void crowded_answer(void **)
{
	static const char crowd[] =
		"bulkhead: 1\n"
		"mode: enforce\n"
		"sources:\n"
		"  mail: {reader: email, connector: imap, integrity: "
		"external,\n"
		"    audience: thread, reveal: handles}\n"
		"capabilities:\n"
		"  reply: {connector: smtp, effect: external, undo: none, "
		"args: {\n"
		"      thread: {type: handle, of: mail.thread, role: "
		"selector,\n"
		"               from: [handle]},\n"
		"      a: {type: id, many: 32, role: content},\n"
		"      b: {type: id, many: 31, role: content}},\n"
		"    flow: {a: same-thread, b: same-thread},\n"
		"    decide: [{ask: {}}], limits: {rate: 100/hour},\n"
		"    approve: {who: owner, via: [cli], ttl: 1h}}\n";
	static const char *const reply[SAMPLE_ARGS] = { "thread@=@1" };
	char values[LIMIT_ARGS - 1][8];
	struct sample *s = sample_new(crowd);
	uint32_t i;

	s->in.task_item = sample_item(s, "mail", "eve@evil.example");
	sample_handle(s, s->in.task_item, "mail.thread", TYPE_ID, "mail-1");
	sample_call(s, "reply", reply);
	for (i = 0; i < ARRAY_SIZE(values); i++) {
		(void)snprintf(values[i], sizeof(values[i]), "v%06u", i);
		s->call.args[s->call.n++] =
			(struct m_arg){ .name = i < 32 ? SPAN_LIT("a")
						       : SPAN_LIT("b"),
					.json = ARG_STRING,
					.shape = ARG_ELEMENT,
					.value = span_str(values[i]) };
	}
	assert_int_equal(s->call.n, LIMIT_ARGS);
	assert_int_equal(sample_again(s)->verdict, VERDICT_DENY);
	assert_non_null(strstr(s->d.reason, "too many values"));
	s->call.n--;
	assert_int_equal(sample_again(s)->verdict, VERDICT_ASK);
	assert_true(span_is(s->d.recipient, "eve@evil.example"));
	sample_free(s);
}

/* Rule 4: References and In-Reply-To are his claims. A message that says it
 * belongs to a thread of the family has a thread of its own. */
static void forged_references(void **)
{
	static const char *const reply[SAMPLE_ARGS] = { "thread@=@1",
							"body@=@2" };
	static const char *const own[SAMPLE_ARGS] = { "thread@=@1",
						      "body@=@3" };
	struct sample *s = sample_new(text);
	uint64_t hers = sample_item(s, "mail", FAMILY);
	uint64_t forged = sample_item(s, "mail", "eve@evil.example");
	char chip[DECIDE_CHIP];

	sample_handle(s, hers, "mail.thread", TYPE_ID, "mail-1");
	sample_handle(s, forged, "mail.text", TYPE_TEXT, "Re: your thread");
	sample_handle(s, hers, "mail.text", TYPE_TEXT, "my own words");
	is(sample_decide(s, "reply", reply), VERDICT_DENY, DECIDED_FLOW);
	is(sample_decide(s, "reply", own), VERDICT_ALLOW, DECIDED_ROW);
	/* the owner is told of which item each is */
	(void)str_printf(chip, sizeof(chip), "mail.thread of item %llu",
			 (unsigned long long)hers);
	assert_string_equal(s->d.args[0].chip, chip);
	(void)str_printf(chip, sizeof(chip), "mail.text of item %llu",
			 (unsigned long long)hers);
	assert_string_equal(s->d.args[1].chip, chip);
	/* not even two of the same sender: mail has no ids of a provider */
	sample_handle(s, sample_item(s, "mail", FAMILY), "mail.text", TYPE_TEXT,
		      "another thread of hers");
	is(sample_decide(s, "reply",
			 (const char *const[SAMPLE_ARGS]){ "thread@=@1",
							   "body@=@4" }),
	   VERDICT_DENY, DECIDED_FLOW);
	sample_free(s);
}

/* Rule 4: Reply-To is ignored: whom an answer goes to is whom the provider
 * vouches for, and a header's address proves nothing about itself. */
static void reply_to(void **)
{
	static const char *const reply[SAMPLE_ARGS] = { "thread@=@1",
							"body=Hi" };
	static const char *const named[SAMPLE_ARGS] = {
		"to[]=reply@evil.example", "subject=Hi", "body=Hi"
	};
	struct sample *s = sample_new(text);
	uint64_t hers = sample_item(s, "mail", FAMILY);

	sample_handle(s, hers, "mail.thread", TYPE_ID, "mail-1");
	sample_handle(s, hers, "mail.address", TYPE_EMAIL,
		      "reply@evil.example");
	s->in.task_item = hers;
	is(sample_decide(s, "reply", reply), VERDICT_ALLOW, DECIDED_ROW);
	assert_true(span_is(s->d.recipient, FAMILY));
	is(sample_decide(s, "send", named), VERDICT_ASK, DECIDED_ARG);
	sample_call(s, "send", named);
	s->call.args[0] = (struct m_arg){ SPAN_LIT("to"), ARG_REF, ARG_ELEMENT,
					  SPAN_LIT("@2") };
	is(sample_again(s), VERDICT_ASK, DECIDED_ARG);
	sample_free(s);
}

/* Rule 3: `known` is the most that a source gives, and to members of the
 * owner's sets alone: a stranger's chat message taints like a stranger's mail.
 */
static void stranger_on_a_known_source(void **)
{
	static const char *const to_him[SAMPLE_ARGS] = { "chat=31337",
							 "text=Hi" };
	static const char *const to_friend[SAMPLE_ARGS] = { "chat=777",
							    "text=Hi" };
	struct sample *s = sample_new(text);
	uint64_t his = sample_item(s, "chat", "31337");
	uint64_t friends = sample_item(s, "chat", "777");

	assert_int_equal(s->labels[0].integrity, INTEGRITY_EXTERNAL);
	assert_int_equal(s->labels[1].integrity, INTEGRITY_KNOWN);
	s->in.task_item = friends;
	is(sample_decide(s, "tell", to_him), VERDICT_DENY, DECIDED_ARG);
	is(sample_decide(s, "tell", to_friend), VERDICT_ALLOW, DECIDED_ROW);
	sample_shown(s, his);
	assert_true(s->in.session & SESSION_TAINTED);
	/* what he said is in it now: it is for him and the owner alone */
	is(sample_decide(s, "tell", to_friend), VERDICT_DENY, DECIDED_FLOW);
	s->in.task_item = his;
	is(sample_decide(s, "tell", to_him), VERDICT_ASK, DECIDED_ROW);
	sample_free(s);
}

/* Rule 6: no line break gets into a header, by whichever way. */
static void line_breaks_in_a_subject(void **)
{
	static const char *const breaks[] = {
		"subject=a\r\nBcc: eve@evil.example",
		"subject=a\nb",
		"subject=a\rb",
		"subject=a\x0b"
		"b",
		"subject=a\xc2\x85"
		"b",
	};
	struct sample *s = sample_new(text);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(breaks); i++) {
		const char *const args[SAMPLE_ARGS] = { "to[]=" FAMILY,
							breaks[i], "body=b" };

		s->in.task = i;
		is(sample_decide(s, "send", args), VERDICT_DENY, DECIDED_ARG);
	}
	/* nor by a handle: a text of a reader with breaks is no subject */
	sample_handle(s, sample_item(s, "mail", FAMILY), "mail.text", TYPE_TEXT,
		      "two\nlines");
	is(sample_decide(s, "send",
			 (const char *const[SAMPLE_ARGS]){
				 "to[]=" FAMILY, "subject@=@1", "body=b" }),
	   VERDICT_DENY, DECIDED_ARG);
	assert_true(s->d.hidden);
	sample_free(s);
}

/* Rules 1 and 8: what the owner approved is decided again when it fires, and a
 * deny row wins over his yes. */
static void deny_after_approval(void **)
{
	static const struct decide_grant grant = { .floors = true,
						   .seen = true };
	static const char *const stranger[SAMPLE_ARGS] = {
		"to[]=bob@example.net", "subject=Hi", "body=Hi"
	};
	static const char *const boss[SAMPLE_ARGS] = { "to[]=boss@work.example",
						       "subject=Hi",
						       "body=Hi" };
	struct sample *s = sample_new(text);
	int i;

	is(sample_decide(s, "send", stranger), VERDICT_ASK, DECIDED_ARG);
	s->in.grant = &grant;
	is(sample_decide(s, "send", stranger), VERDICT_ALLOW, DECIDED_ARG);
	is(sample_decide(s, "send", boss), VERDICT_DENY, DECIDED_ROW);
	/* a flow that does not hold any more; a limit that was used up since */
	sample_shown(s, sample_item(s, "mail", "eve@evil.example"));
	is(sample_decide(s, "send", stranger), VERDICT_DENY, DECIDED_FLOW);
	s->pc = s->owner_label;
	for (i = 0; i < 2; i++)
		is(sample_decide(s, "send", stranger), VERDICT_ALLOW,
		   DECIDED_ARG);
	is(sample_decide(s, "send", stranger), VERDICT_DENY, DECIDED_LIMIT);
	sample_free(s);
}

/* Rule 9: a planner must not wear the owner down, in one task or in many. */
static void ask_flooding(void **)
{
	struct sample *s = sample_new(text);
	char to[64];
	const char *const args[SAMPLE_ARGS] = { to, "subject=Hi", "body=Hi" };
	uint64_t asked = 0;
	int i;

	for (i = 0; i < 200; i++) {
		(void)snprintf(to, sizeof(to), "to[]=p%d@example.net", i);
		asked += sample_decide(s, "send", args)->verdict == VERDICT_ASK;
	}
	assert_int_equal(asked, ASKS_A_TASK);
	for (i = 0; i < 200; i++) {
		s->in.task = (uint64_t)i + 10;
		(void)snprintf(to, sizeof(to), "to[]=q%d@example.net", i);
		asked += sample_decide(s, "send", args)->verdict == VERDICT_ASK;
	}
	assert_int_equal(asked, ASKS_A_DAY);
	is(&s->d, VERDICT_DENY, DECIDED_LIMIT);
	sample_free(s);
}

static void keep_row(struct policy_state *to, struct buf *key, struct buf *row)
{
	assert_true(buf_ok(key) && buf_ok(row) && row->n);
	assert_int_equal(policy_state_load(to, buf_view(key), buf_view(row)),
			 0);
}

/* The state is all that a restart has; the clock of the new boot is far ahead.
 */
static void restart_refilling_a_bucket(void **)
{
	CLEAN_BUF struct buf key = { .max = STATE_KEY_MAX };
	CLEAN_BUF struct buf row = { .max = STATE_ROW_MAX };
	struct sample *s = sample_new(text);
	struct policy_state *next = policy_state_new();
	int i;

	for (i = 0; i < 3; i++)
		is(sample_decide(s, "send", to_family), VERDICT_ALLOW,
		   DECIDED_ROW);
	is(sample_decide(s, "send", to_family), VERDICT_DENY, DECIDED_LIMIT);
	while (policy_state_dirty(s->state, &key, &row))
		keep_row(next, &key, &row);
	policy_state_free(s->state);
	s->state = next;
	s->in.task = 2;
	sample_at(s, 3000); /* the same boot, within the hour */
	is(sample_decide(s, "send", to_family), VERDICT_DENY, DECIDED_LIMIT);
	sample_at(s, 3700);
	is(sample_decide(s, "send", to_family), VERDICT_ALLOW, DECIDED_ROW);
	sample_free(s);
}

/* Section 6: trips. A task that is refused again and again is over; a decoy
 * has no other use. */
static void trips(void **)
{
	static const char *const none[SAMPLE_ARGS] = { 0 };
	struct sample *s = sample_new(text);
	int i;

	for (i = 1; i < BREAK_DENIALS; i++) {
		is(sample_decide(s, "nothing", none), VERDICT_DENY,
		   DECIDED_DEFAULT);
		assert_int_equal(s->d.trip, TRIP_NONE);
	}
	is(sample_decide(s, "nothing", none), VERDICT_DENY, DECIDED_DEFAULT);
	assert_int_equal(s->d.trip, TRIP_DENIALS);
	/* from here on nothing of this task is allowed, of another it is */
	is(sample_decide(s, "send", to_family), VERDICT_DENY, DECIDED_LIMIT);
	s->in.task = 2;
	is(sample_decide(s, "send", to_family), VERDICT_ALLOW, DECIDED_ROW);
	sample_free(s);
}

/* Those that wait are under way; one that fires is one of them. */
static void so_many_at_once(void **)
{
	static const struct decide_grant grant = { .floors = true,
						   .seen = true };
	static const char *const args[SAMPLE_ARGS] = { "chat=11122233",
						       "text=Hi" };
	struct sample *s = sample_new(text);

	s->in.under_way = 1;
	is(sample_decide(s, "tell", args), VERDICT_ALLOW, DECIDED_ROW);
	s->in.under_way = 2;
	is(sample_decide(s, "tell", args), VERDICT_DENY, DECIDED_LIMIT);
	assert_string_equal(s->d.what, "concurrent");
	is(sample_decide(s, "send", to_family), VERDICT_ALLOW, DECIDED_ROW);
	s->in.grant = &grant;
	is(sample_decide(s, "tell", args), VERDICT_ALLOW, DECIDED_ROW);
	sample_free(s);
}

/* What only lies in its undo window the owner has not seen: when it is due it
 * is one more of the same. */
static void the_same_call_held(void **)
{
	static const struct decide_grant due = { .floors = true },
					 seen = { .floors = true,
						  .seen = true };
	static const char *const args[SAMPLE_ARGS] = { "chat=11122233",
						       "text=Hi" };
	struct sample *s = sample_new(text);
	int i;

	s->in.grant = &due;
	for (i = 0; i < BREAK_REPEATS; i++)
		is(sample_decide(s, "tell", args), VERDICT_ALLOW, DECIDED_ROW);
	is(sample_decide(s, "tell", args), VERDICT_DENY, DECIDED_LIMIT);
	assert_string_equal(s->d.what, "repeats");
	s->in.grant = &seen;
	is(sample_decide(s, "tell", args), VERDICT_ALLOW, DECIDED_ROW);
	sample_free(s);
}

static void the_same_call_again(void **)
{
	static const char *const args[SAMPLE_ARGS] = { "chat=11122233",
						       "text=Hi" };
	struct sample *s = sample_new(text);
	int i;

	for (i = 0; i < BREAK_REPEATS; i++)
		is(sample_decide(s, "tell", args), VERDICT_ALLOW, DECIDED_ROW);
	is(sample_decide(s, "tell", args), VERDICT_DENY, DECIDED_LIMIT);
	assert_string_equal(s->d.what, "repeats");
	is(sample_decide(s, "tell",
			 (const char *const[SAMPLE_ARGS]){ "chat=11122233",
							   "text=Ho" }),
	   VERDICT_ALLOW, DECIDED_ROW);
	sample_free(s);
}

/* What is always allowed is that very call, whatever is written in it; not
 * another recipient, not one more, not past its day, not over a deny row. */
static void remembered(void **)
{
	static const char *const bob[SAMPLE_ARGS] = { "to[]=bob@example.net",
						      "subject=Hi", "body=Hi" };
	static const char *const two[SAMPLE_ARGS] = { "to[]=bob@example.net",
						      "to[]=eve@evil.example",
						      "subject=Hi", "body=Hi" };
	static const char *const other[SAMPLE_ARGS] = { "to[]=bob@example.com",
							"subject=Hi",
							"body=Hi" };
	struct sample *s = sample_new(text);
	struct decide_clause c = { 0 };
	char name[32], value[64];

	is(sample_decide(s, "send", bob), VERDICT_ASK, DECIDED_ARG);
	decision_clause(&s->d, "send", &c);
	assert_int_equal(c.n, 1);
	(void)snprintf(name, sizeof(name), "%.*s", (int)c.v[0].name.n,
		       (const char *)c.v[0].name.p);
	(void)snprintf(value, sizeof(value), "%.*s", (int)c.v[0].value.n,
		       (const char *)c.v[0].value.p);
	c.v[0].name = span_str(name);
	c.v[0].value = span_str(value);
	c.id = 7;
	c.expires_s = s->in.wall_s + 10;
	s->in.clauses = &c;
	s->in.n_clauses = 1;
	is(sample_decide(s, "send", bob), VERDICT_ALLOW, DECIDED_CLAUSE);
	assert_int_equal(s->d.clause_id, 7);
	is(sample_decide(s, "send", two), VERDICT_ASK, DECIDED_ARG);
	is(sample_decide(s, "send", other), VERDICT_ASK, DECIDED_ARG);
	/* a list that names one recipient twice does not stand for two */
	c.n = 2;
	c.v[1] = c.v[0];
	is(sample_decide(s, "send", two), VERDICT_ASK, DECIDED_ARG);
	/* nor does one for both stand for one of them */
	c.v[1].value = SPAN_LIT("eve@evil.example");
	is(sample_decide(s, "send", two), VERDICT_ALLOW, DECIDED_CLAUSE);
	is(sample_decide(s, "send", bob), VERDICT_ASK, DECIDED_ARG);
	c.n = 1;
	s->in.wall_s += 10;
	is(sample_decide(s, "send", bob), VERDICT_ASK, DECIDED_ARG);
	sample_free(s);
}

/* Whom the owner has not been heard of for too long asks him, or does nothing:
 * what a row allows, and what he had remembered. His yes to this very call is a
 * word of his. */
static void past_the_lease(void **)
{
	static const struct decide_grant grant = { .floors = true,
						   .seen = true };
	/* Held since he had it remembered, and due now. */
	static const struct decide_grant due = { .floors = true };
	static const char *const ends[] = {
		"lease: {autonomy: 1h, on_expiry: ask}\n",
		"lease: {autonomy: 1h, on_expiry: deny}\n",
	};
	const enum verdict verdicts[] = { VERDICT_ASK, VERDICT_DENY };
	struct decide_clause c;
	char leased[sizeof(text) + 64];
	struct sample *s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(ends); i++) {
		(void)snprintf(leased, sizeof(leased), "%s%s", text, ends[i]);
		s = sample_new(leased);
		is(sample_decide(s, "send", to_family), VERDICT_ALLOW,
		   DECIDED_ROW);
		s->in.lease_over = true;
		is(sample_decide(s, "send", to_family), verdicts[i],
		   DECIDED_LEASE);
		c = (struct decide_clause){
			.id = 7,
			.capability = "send",
			.expires_s = s->in.wall_s + 10,
			.n = 1,
			.v = { { .name = SPAN_LIT("to"),
				 .value = SPAN_LIT(FAMILY) } },
		};
		s->in.clauses = &c;
		s->in.n_clauses = 1;
		is(sample_decide(s, "send", to_family), verdicts[i],
		   DECIDED_LEASE);
		s->in.grant = &due;
		is(sample_decide(s, "send", to_family), verdicts[i],
		   DECIDED_LEASE);
		s->in.grant = &grant;
		assert_int_equal(sample_decide(s, "send", to_family)->verdict,
				 i ? VERDICT_DENY : VERDICT_ALLOW);
		sample_free(s);
	}
}

/* A link that is shown is fetched: none leaves that its rule does not allow. */
static void links_are_broken(void **)
{
	static const char *const args[SAMPLE_ARGS] = {
		"chat=11122233", "text=see https://evil.example/?q=1 @bob"
	};
	struct sample *s = sample_new(text);
	struct link_set owner;

	is(sample_decide(s, "tell", args), VERDICT_ALLOW, DECIDED_ROW);
	assert_true(span_is(s->d.rows[1].value,
			    "see https[:]//evil[.]example/?q=1 [@]bob"));
	assert_int_equal(s->d.args[1].edits, 2);
	/* of the owner's own text they may stand */
	link_set_init(&owner);
	link_set_read(&owner, SPAN_LIT("send her https://good.example/a"));
	s->in.owner_links = &owner;
	is(sample_decide(s, "send",
			 (const char *const[SAMPLE_ARGS]){
				 "to[]=" FAMILY, "subject=Hi",
				 "body=https://good.example/a "
				 "https://good.example/ab" }),
	   VERDICT_ALLOW, DECIDED_ROW);
	assert_true(span_is(s->d.rows[2].value, "https://good.example/a "
						"https[:]//good[.]example/ab"));
	link_set_done(&owner);
	sample_free(s);
}

static const char more[] =
	"bulkhead: 1\n"
	"mode: enforce\n"
	"owner: {telegram: 11122233, github: raoul-on-github,\n"
	"  approvals: {telegram_bot: cards, chat: '-100123456'}}\n"
	"sets: {friends: ['777', '888'], blocked: [eve@evil.example]}\n"
	"sources:\n"
	"  mail: {reader: email, connector: imap, integrity: external,\n"
	"    audience: thread, reveal: handles}\n"
	"  chat: {reader: telegram, connector: tg, integrity: known,\n"
	"    audience: thread, reveal: text}\n"
	"  slack: {reader: slack, connector: sl, integrity: known,\n"
	"    audience: thread, reveal: text}\n"
	"capabilities:\n"
	"  tell: {connector: tg, effect: external, undo: none, args: {\n"
	"      chat: {type: id, role: target, else: deny},\n"
	"      text: {type: text, max: 2KiB, role: content, links: strip}},\n"
	"    decide: [{allow: {chat: {is: owner}}},\n"
	"             {allow: {chat: {is: envelope}}}, {ask: {}}],\n"
	"    limits: {rate: 100/hour},\n"
	"    approve: {who: owner, via: [cli], ttl: 1h}}\n"
	"  reply: {connector: smtp, effect: external, undo: reversible, args: "
	"{\n"
	"      quote: {type: handle, of: mail.text, role: content,\n"
	"              optional: true, from: [handle]},\n"
	"      thread: {type: handle, of: mail.thread, role: selector,\n"
	"               from: [handle]},\n"
	"      other: {type: handle, of: mail.thread, role: selector,\n"
	"              optional: true, from: [handle]},\n"
	"      body: {type: text, max: 2KiB, role: content}},\n"
	"    flow: {quote: same-thread, body: same-thread},\n"
	"    decide: [{deny: {thread: {sender_in: blocked}}}, {allow: {}}],\n"
	"    limits: {rate: 100/hour}}\n"
	"  copy: {connector: smtp, effect: external, undo: reversible, args: "
	"{\n"
	"      thread: {type: handle, of: mail.thread, role: selector},\n"
	"      cc: {type: email, role: target, from: [owner], else: deny},\n"
	"      body: {type: text, max: 2KiB, role: content}},\n"
	"    flow: {body: same-thread},\n"
	"    decide: [{allow: {}}], limits: {rate: 100/hour}}\n"
	"  mail: {connector: smtp, effect: external, undo: none, args: {\n"
	"      to: {type: email, role: target}},\n"
	"    decide: [{deny: {to: {in: blocked}}}, {allow: {}}],\n"
	"    limits: {rate: 100/hour},\n"
	"    approve: {who: owner, via: [cli], ttl: 1h}}\n"
	"  call: {connector: sms, effect: external, undo: reversible, args: {\n"
	"      number: {type: int, role: target, min: 0, max: 999999999,\n"
	"               from: [owner], else: deny},\n"
	"      about: {type: handle, of: mail.thread, role: selector,\n"
	"              from: [handle]},\n"
	"      text: {type: text, max: 2KiB, role: content}},\n"
	"    decide: [{allow: {}}], limits: {rate: 100/hour}}\n"
	"  post: {connector: tg, effect: external, undo: reversible, args: {\n"
	"      room: {type: handle, of: chat.chat, role: target,\n"
	"             from: [handle], else: deny}},\n"
	"    decide: [{allow: {}}], limits: {rate: 100/hour}}\n"
	"  find: {connector: web, effect: external, undo: reversible, args: {\n"
	"      query: {type: text, max: 2KiB, role: selector}},\n"
	"    decide: [{allow: {}}], limits: {rate: 100/hour}}\n"
	"  note: {connector: smtp, effect: external, undo: none, args: {\n"
	"      to: {type: email, role: target, from: [owner]},\n"
	"      body: {type: text, max: 2KiB, role: content,\n"
	"             from: [planner], else: ask}},\n"
	"    flow: {body: public},\n"
	"    decide: [{ask: {}}], limits: {rate: 100/hour},\n"
	"    approve: {who: owner, via: [cli], ttl: 1h,\n"
	"      remember: constrained}}\n"
	"  warm: {connector: home, effect: internal, undo: reversible, args: "
	"{\n"
	"      room: {type: id, many: 3, role: target, from: [planner],\n"
	"             in: [living, office]},\n"
	"      to: {type: number, role: control, min: 16, max: 23.5,\n"
	"           step: 2}},\n"
	"    decide: [{allow: {}}], limits: {rate: 100/hour}}\n";

/* What a message says is not what the provider says about it, though another
 * message of the task may be from him. */
static void envelope_named_in_a_message(void **)
{
	static const char *const by_handle[SAMPLE_ARGS] = { "chat@=@1",
							    "text=Hi" };
	struct sample *s = sample_new(more);
	uint64_t his = sample_item(s, "chat", "777");

	(void)sample_item(s, "chat", "888");
	sample_handle(s, his, "chat.id", TYPE_ID, "888");
	s->in.task_item = his;
	is(sample_decide(s, "tell", by_handle), VERDICT_ASK, DECIDED_ROW);
	is(sample_decide(
		   s, "tell",
		   (const char *const[SAMPLE_ARGS]){ "chat=777", "text=Hi" }),
	   VERDICT_ALLOW, DECIDED_ROW);
	sample_free(s);
}

/* Cards are believed where they are shown: nothing else is written there, not
 * even if the owner has named the chat. */
static void written_among_the_cards(void **)
{
	static const struct {
		const char *capability;
		const char *args[SAMPLE_ARGS];
		enum verdict verdict;
	} rows[] = {
		{ "tell", { "chat=-100123456", "text=Hi" }, VERDICT_DENY },
		{ "tell",
		  { "chat=telegram:-100123456", "text=Hi" },
		  VERDICT_DENY },
		{ "tell", { "chat=telegram:cards", "text=Hi" }, VERDICT_DENY },
		/* What somebody said there is no way to it. */
		{ "post", { "room=@1" }, VERDICT_DENY },
		{ "post", { "room=@2" }, VERDICT_ALLOW },
	};
	struct sample *s = sample_new(more);
	uint64_t his = sample_item(s, "chat", "777");
	size_t i;

	sample_owner(s, "my cards are in -100123456, telegram:-100123456 and "
			"telegram:cards");
	sample_handle(s, his, "chat.chat", TYPE_ID, "-100123456");
	sample_handle(s, his, "chat.chat", TYPE_ID, "-100777");
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		is(sample_decide(s, rows[i].capability, rows[i].args),
		   rows[i].verdict,
		   rows[i].verdict == VERDICT_DENY ? DECIDED_ARG : DECIDED_ROW);
	sample_free(s);
}

/* Two envelopes in a row are nobody's. */
static void target_put_together(void **)
{
	static const char *const args[SAMPLE_ARGS] = { "chat=x", "text=Hi" };
	struct sample *s = sample_new(more);
	uint64_t his = sample_item(s, "chat", "777");
	struct handle_value v = { .kind = SPAN_LIT("chat.sender"),
				  .type = TYPE_ID,
				  .origin = ORIGIN_ENVELOPE,
				  .bytes = SPAN_LIT("777"),
				  .item = his,
				  .label = &s->labels[0] };
	const struct handle *h;

	assert_int_equal(handles_add(s->handles, &v, &h), 0);
	s->in.task_item = his;
	sample_call(s, "tell", args);
	s->call.args[2] = s->call.args[1];
	s->call.args[0] = (struct m_arg){ SPAN_LIT("chat"), ARG_TEMPLATE,
					  ARG_SCALAR, SPAN_LIT("{0}{0}") };
	s->call.args[1] = (struct m_arg){ SPAN_LIT("chat"), ARG_FILL,
					  ARG_SCALAR, SPAN_LIT("@1") };
	s->call.n = 3;
	is(sample_again(s), VERDICT_DENY, DECIDED_ARG);
	s->call.args[0].value = SPAN_LIT("{0}");
	is(sample_again(s), VERDICT_ALLOW, DECIDED_ROW);
	sample_free(s);
}

/* An id is its provider's: the same bytes elsewhere are somebody else. */
static void id_of_another_provider(void **)
{
	static const char *const login[SAMPLE_ARGS] = { "chat=raoul-on-github",
							"text=Hi" };
	static const char *const number[SAMPLE_ARGS] = { "chat=31337",
							 "text=Hi" };
	struct sample *s = sample_new(more);

	is(sample_decide(s, "tell", login), VERDICT_DENY, DECIDED_ARG);
	s->in.task_item = sample_item(s, "slack", "31337");
	is(sample_decide(s, "tell", number), VERDICT_DENY, DECIDED_ARG);
	s->in.task_item = sample_item(s, "chat", "31337");
	is(sample_decide(s, "tell", number), VERDICT_ALLOW, DECIDED_ROW);
	sample_free(s);
}

/* An answer goes to whom the selector is of, and has the bytes of that thread
 * alone, whatever else is handed along. */
static void answer_with_other_handles(void **)
{
	struct sample *s = sample_new(more);
	uint64_t hers = sample_item(s, "mail", FAMILY);
	uint64_t his = sample_item(s, "mail", "bob@example.net");

	sample_handle(s, hers, "mail.thread", TYPE_ID, "mail-1");
	sample_handle(s, his, "mail.thread", TYPE_ID, "mail-2");
	sample_handle(s, his, "mail.text", TYPE_TEXT, "his own words");
	is(sample_decide(s, "reply",
			 (const char *const[SAMPLE_ARGS]){
				 "quote@=@3", "thread@=@1", "body=Hi" }),
	   VERDICT_DENY, DECIDED_FLOW);
	is(sample_decide(s, "reply",
			 (const char *const[SAMPLE_ARGS]){
				 "thread@=@1", "other@=@2", "body@=@3" }),
	   VERDICT_DENY, DECIDED_FLOW);
	is(sample_decide(s, "reply",
			 (const char *const[SAMPLE_ARGS]){
				 "thread@=@2", "quote@=@3", "body=Hi" }),
	   VERDICT_ALLOW, DECIDED_ROW);
	assert_true(span_is(s->d.recipient, "bob@example.net"));
	sample_free(s);
}

/* The recipient is the first selector's, not that of content before it. */
static void recipient_is_the_selectors(void **)
{
	struct sample *s = sample_new(more);
	uint64_t hers = sample_item(s, "mail", FAMILY);
	uint64_t his = sample_item(s, "mail", "");

	s->labels[his - 1] = s->owner_label; /* may go anywhere */
	sample_handle(s, hers, "mail.thread", TYPE_ID, "mail-1");
	sample_handle(s, his, "mail.text", TYPE_TEXT, "words for all");
	is(sample_decide(s, "reply",
			 (const char *const[SAMPLE_ARGS]){
				 "quote@=@2", "thread@=@1", "body=Hi" }),
	   VERDICT_ALLOW, DECIDED_ROW);
	assert_true(span_is(s->d.recipient, FAMILY));
	sample_free(s);
}

/* Who is written to beside the thread is not of it. */
static void copy_of_an_answer(void **)
{
	struct sample *s = sample_new(more);
	uint64_t hers = sample_item(s, "mail", FAMILY);

	sample_owner(s, "copies to bob@example.net");
	sample_handle(s, hers, "mail.thread", TYPE_ID, "mail-1");
	sample_handle(s, hers, "mail.text", TYPE_TEXT, "her own words");
	is(sample_decide(s, "copy",
			 (const char *const[SAMPLE_ARGS]){ "thread@=@1",
							   "cc=bob@example.net",
							   "body@=@2" }),
	   VERDICT_DENY, DECIDED_FLOW);
	is(sample_decide(s, "copy",
			 (const char *const[SAMPLE_ARGS]){ "thread@=@1",
							   "cc=bob@example.net",
							   "body=Hi" }),
	   VERDICT_ALLOW, DECIDED_ROW);
	sample_free(s);
}

/* A target that says nothing of whom is not who the handle is about. */
static void target_without_a_reader(void **)
{
	struct sample *s = sample_new(more);
	uint64_t hers = sample_item(s, "mail", FAMILY);

	sample_owner(s, "call 151234567");
	sample_handle(s, hers, "mail.thread", TYPE_ID, "mail-1");
	sample_handle(s, hers, "mail.text", TYPE_TEXT, "her own words");
	is(sample_decide(s, "call",
			 (const char *const[SAMPLE_ARGS]){ "number#=151234567",
							   "about@=@1",
							   "text@=@2" }),
	   VERDICT_DENY, DECIDED_FLOW);
	sample_free(s);
}

/* Whom a row refuses it refuses however he spells himself. */
static void refused_address_in_capitals(void **)
{
	static const char *const to_her[SAMPLE_ARGS] = {
		"to=EVE@evil.example"
	};
	static const char *const reply[SAMPLE_ARGS] = { "thread@=@1",
							"body=Hi" };
	struct sample *s = sample_new(more);

	sample_owner(s, "write to EVE@evil.example");
	is(sample_decide(s, "mail", to_her), VERDICT_DENY, DECIDED_ROW);
	sample_handle(s, sample_item(s, "mail", "Eve@evil.example"),
		      "mail.thread", TYPE_ID, "mail-1");
	is(sample_decide(s, "reply", reply), VERDICT_DENY, DECIDED_ROW);
	sample_free(s);
}

/* A target in another company is the same target: no step is jumped over. */
static void step_in_another_list(void **)
{
	struct sample *s = sample_new(more);

	is(sample_decide(s, "warm",
			 (const char *const[SAMPLE_ARGS]){ "room[]=living",
							   "to#=16" }),
	   VERDICT_ALLOW, DECIDED_ROW);
	is(sample_decide(s, "warm",
			 (const char *const[SAMPLE_ARGS]){
				 "room[]=living", "room[]=office", "to#=23" }),
	   VERDICT_DENY, DECIDED_ARG);
	is(sample_decide(s, "warm",
			 (const char *const[SAMPLE_ARGS]){ "room[]=office",
							   "to#=23" }),
	   VERDICT_ALLOW, DECIDED_ROW);
	sample_free(s);
}

/* A search is sent to somebody, too: a free text is looked at in any role. */
static void secret_in_a_selector(void **)
{
	static const char *const args[SAMPLE_ARGS] = { "query=her secret" };
	struct sample *s = sample_new(more);

	is(sample_decide(s, "find", args), VERDICT_ALLOW, DECIDED_ROW);
	sample_shown(s, sample_item(s, "mail", FAMILY));
	is(sample_decide(s, "find", args), VERDICT_DENY, DECIDED_FLOW);
	sample_free(s);
}

/* "Always to her" was not said of what others have written. */
static void remembered_with_other_content(void **)
{
	struct decide_clause c = { .id = 7,
				   .capability = "note",
				   .expires_s = UINT64_MAX,
				   .n = 1,
				   .v = { { .name = SPAN_LIT("to"),
					    .value = SPAN_LIT(FAMILY) } } };
	struct sample *s = sample_new(more);

	s->in.clauses = &c;
	s->in.n_clauses = 1;
	is(sample_decide(
		   s, "note",
		   (const char *const[SAMPLE_ARGS]){ "to=" FAMILY, "body=Hi" }),
	   VERDICT_ALLOW, DECIDED_CLAUSE);
	(void)sample_item(s, "mail", "");
	s->labels[0] = s->owner_label; /* may go anywhere */
	sample_handle(s, 1, "mail.text", TYPE_TEXT, "words of a reader");
	is(sample_decide(s, "note",
			 (const char *const[SAMPLE_ARGS]){ "to=" FAMILY,
							   "body@=@1" }),
	   VERDICT_ASK, DECIDED_ARG);
	sample_free(s);
}

/* Emphasis around a name hides it from nobody. */
static void mention_in_emphasis(void **)
{
	static const char *const args[SAMPLE_ARGS] = { "chat=11122233",
						       "text=_@bob_ a@b" };
	struct sample *s = sample_new(text);

	is(sample_decide(s, "tell", args), VERDICT_ALLOW, DECIDED_ROW);
	assert_true(span_is(s->d.rows[1].value, "_[@]bob_ a@b"));
	sample_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(stranger_with_valid_dmarc),
		cmocka_unit_test(forged_references),
		cmocka_unit_test(reply_to),
		cmocka_unit_test(stranger_on_a_known_source),
		cmocka_unit_test(line_breaks_in_a_subject),
		cmocka_unit_test(deny_after_approval),
		cmocka_unit_test(ask_flooding),
		cmocka_unit_test(restart_refilling_a_bucket),
		cmocka_unit_test(trips),
		cmocka_unit_test(so_many_at_once),
		cmocka_unit_test(crowded_answer),
		cmocka_unit_test(the_same_call_held),
		cmocka_unit_test(the_same_call_again),
		cmocka_unit_test(remembered),
		cmocka_unit_test(past_the_lease),
		cmocka_unit_test(links_are_broken),
		cmocka_unit_test(envelope_named_in_a_message),
		cmocka_unit_test(written_among_the_cards),
		cmocka_unit_test(target_put_together),
		cmocka_unit_test(id_of_another_provider),
		cmocka_unit_test(answer_with_other_handles),
		cmocka_unit_test(recipient_is_the_selectors),
		cmocka_unit_test(copy_of_an_answer),
		cmocka_unit_test(target_without_a_reader),
		cmocka_unit_test(refused_address_in_capitals),
		cmocka_unit_test(step_in_another_list),
		cmocka_unit_test(mention_in_emphasis),
		cmocka_unit_test(secret_in_a_selector),
		cmocka_unit_test(remembered_with_other_content),
	};

	return cmocka_run_group_tests_name("policy/rules", tests, NULL, NULL);
}
