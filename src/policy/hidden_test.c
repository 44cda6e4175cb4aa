/*
 * hidden: what a decision tells of bytes that the planner has not seen. Where
 * it depends on them it says so, whichever way it comes out, so that the
 * session counts it and is tainted by them; and it never says which.
 */
#include "policy/decide_sample.h"

#define HIDDEN	"eve@stranger.example"
#define APPROVE "approve: {who: owner, via: [cli], ttl: 1h}"

static const char text[] =
	"bulkhead: 1\n"
	"mode: enforce\n"
	"owner: {email: raoul@example.org}\n"
	"sets: {family: [lea@example.org]}\n"
	"sources:\n"
	"  mail: {reader: email, connector: imap, integrity: external,\n"
	"    audience: public, reveal: handles}\n"
	"capabilities:\n"
	"  any: {connector: o, effect: external, undo: none, args: {\n"
	"      to: {type: email, many: 4, role: selector,\n"
	"           from: [planner, handle]}},\n"
	"    decide: [{ask: {}}],\n"
	"    limits: {rate: 100/hour, per: {to: 1/day}}, " APPROVE "}\n"
	"  named: {connector: o, effect: external, undo: none, args: {\n"
	"      to: {type: email, role: target, from: [owner], else: ask}},\n"
	"    decide: [{ask: {}}], limits: {rate: 100/hour}, " APPROVE "}\n"
	"  answer: {connector: o, effect: external, undo: none, args: {\n"
	"      to: {type: email, role: target, from: [handle, envelope],\n"
	"           else: ask}},\n"
	"    decide: [{allow: {to: {is: envelope}}}, {ask: {}}],\n"
	"    limits: {rate: 100/hour}, " APPROVE "}\n"
	"  once: {connector: o, effect: external, undo: none, args: {\n"
	"      to: {type: email, role: selector,\n"
	"           from: [planner, handle]}},\n"
	"    decide: [{allow: {}}],\n"
	"    limits: {rate: 2/hour, per: {to: 1/day}}, " APPROVE "}\n"
	"  tell: {connector: o, effect: external, undo: none, args: {\n"
	"      text: {type: text, max: 30, role: content, links: strip,\n"
	"             from: [planner, handle]}},\n"
	"    decide: [{ask: {}}], limits: {rate: 100/hour}, " APPROVE "}\n"
	"  attach: {connector: o, effect: external, undo: none, args: {\n"
	"      to: {type: email, role: target, else: ask},\n"
	"      of: {type: handle, of: mail.thread, role: content,\n"
	"           from: [handle], optional: true},\n"
	"      on: {type: handle, of: mail.thread, role: selector,\n"
	"           from: [handle], optional: true}},\n"
	"    decide: [{ask: {}}], limits: {rate: 100/hour}, " APPROVE "}\n";

/* A mail of a stranger whom his provider vouches for: @1 is what it names as
 * somebody's address, @2 its thread. The task is about another one. */
static struct sample *begin(const char *claim)
{
	struct sample *s = sample_new(text);
	uint64_t his = sample_item(s, "mail", HIDDEN);

	sample_handle(s, his, "mail.address", TYPE_EMAIL, claim);
	sample_handle(s, his, "mail.thread", TYPE_ID, "mail-1");
	return s;
}

static struct m_arg to(const char *v, uint8_t shape)
{
	return (struct m_arg){ SPAN_LIT("to"), *v == '@' ? ARG_REF : ARG_STRING,
			       shape, span_str(v) };
}

static void decide_list(struct sample *s, const char *const *v, uint32_t n)
{
	uint32_t i;

	s->call = (struct m_call){ .capability = SPAN_LIT("any"), .n = n };
	for (i = 0; i < n; i++)
		s->call.args[i] = to(v[i], ARG_ELEMENT);
	(void)sample_again(s);
}

/* Three guesses at once: whether one is right is a bit, which one is not
 * said. */
static void guesses_beside_a_reference(void **)
{
	static const char *const right[] = { "a@b.example", "@1", HIDDEN,
					     "c@d.example" },
				 *const wrong[] = { "@1", "a@b.example" },
				 *const open[] = { "a@b.example",
						   "c@d.example" },
				 *const twins[] = { "a@b.example",
						    "a@b.example" };
	struct sample *s = begin(HIDDEN);

	decide_list(s, right, 4);
	assert_int_equal(s->d.verdict, VERDICT_DENY);
	assert_true(s->d.hidden);
	assert_null(strstr(s->d.reason, "stranger"));
	assert_null(strstr(s->d.clause, "stranger"));
	decide_list(s, wrong, 2);
	assert_int_equal(s->d.verdict, VERDICT_ASK);
	assert_true(s->d.hidden);
	decide_list(s, open, 2);
	assert_int_equal(s->d.verdict, VERDICT_ASK);
	assert_false(s->d.hidden);
	decide_list(s, twins, 2);
	assert_int_equal(s->d.verdict, VERDICT_DENY);
	assert_false(s->d.hidden);
	assert_non_null(strstr(s->d.reason, "a@b.example"));
	sample_free(s);
}

static void decide_one(struct sample *s, const char *capability, const char *v)
{
	s->call = (struct m_call){ .capability = span_str(capability), .n = 1 };
	s->call.args[0] = to(v, ARG_SCALAR);
	(void)sample_again(s);
}

/* What it refers to is a word of the owner's, or is not: told either way. */
static void a_reference_to_a_word_of_the_owner(void **)
{
	static const char *const words[] = { "Write to " HIDDEN ".",
					     "Write to lea@example.org." };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++) {
		struct sample *s = begin(HIDDEN);

		sample_owner(s, words[i]);
		decide_one(s, "named", "@1");
		assert_true(s->d.hidden);
		decide_one(s, "named", "lea@example.org");
		assert_false(s->d.hidden);
		sample_free(s);
	}
}

/* A claim that is compared with the proved sender; his own handle is not. */
static void a_claim_beside_the_envelope(void **)
{
	static const char *const claims[] = { HIDDEN, "x@stranger.example" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(claims); i++) {
		struct sample *s = begin(claims[i]);
		struct handle_value v = { .kind = SPAN_LIT("mail.address"),
					  .type = TYPE_EMAIL,
					  .origin = ORIGIN_ENVELOPE,
					  .bytes = SPAN_LIT(HIDDEN),
					  .item = 1,
					  .label = &s->fact_labels[0] };
		const struct handle *h;

		s->in.task_item = 1;
		decide_one(s, "answer", "@1");
		assert_int_equal(s->d.verdict,
				 i == 0 ? VERDICT_ALLOW : VERDICT_ASK);
		assert_true(s->d.hidden);
		assert_int_equal(handles_add(s->handles, &v, &h), 0);
		decide_one(s, "answer", "@3");
		assert_int_equal(s->d.verdict, VERDICT_ALLOW);
		assert_false(s->d.hidden);
		sample_free(s);
	}
}

/* A limit by target that is used up tells whose it was; the rate does not. */
static void a_limit_by_target(void **)
{
	struct sample *s = begin(HIDDEN);

	decide_one(s, "once", HIDDEN);
	assert_int_equal(s->d.verdict, VERDICT_ALLOW);
	decide_one(s, "once", "@1");
	assert_int_equal(s->d.verdict, VERDICT_DENY);
	assert_true(s->d.limited && s->d.hidden);
	decide_one(s, "once", "a@b.example");
	assert_int_equal(s->d.verdict, VERDICT_ALLOW);
	decide_one(s, "once", "@1");
	assert_true(s->d.limited);
	assert_false(s->d.hidden);
	sample_free(s);
}

/* How long a text is its planner knows; not how many links are in it. */
static void links_in_a_text(void **)
{
	static const char link[] = "see www.a.example/x www.b.e/y";
	static const char *const args[SAMPLE_ARGS] = { "text@=@3" };
	struct sample *s = begin(HIDDEN);

	sample_handle(s, 1, "mail.text", TYPE_TEXT, link);
	(void)sample_decide(s, "tell", args);
	assert_int_equal(s->d.verdict, VERDICT_DENY);
	assert_non_null(strstr(s->d.reason, "longer than max"));
	assert_true(s->d.hidden);
	sample_free(s);
}

/* Rule 3: a reply to that very item. What is only carried along does not make
 * a call one. */
static void content_of_an_item_is_no_reply(void **)
{
	static const char *const carried[SAMPLE_ARGS] = { "to=" HIDDEN,
							  "of@=@2" },
				 *const reply[SAMPLE_ARGS] = { "to=" HIDDEN,
							       "on@=@2" };
	struct sample *s = begin(HIDDEN);

	(void)sample_decide(s, "attach", carried);
	assert_int_equal(s->d.by, DECIDED_ARG);
	assert_int_equal(s->d.verdict, VERDICT_ASK);
	(void)sample_decide(s, "attach", reply);
	assert_int_equal(s->d.by, DECIDED_ROW);
	sample_free(s);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(guesses_beside_a_reference),
		cmocka_unit_test(a_reference_to_a_word_of_the_owner),
		cmocka_unit_test(a_claim_beside_the_envelope),
		cmocka_unit_test(a_limit_by_target),
		cmocka_unit_test(links_in_a_text),
		cmocka_unit_test(content_of_an_item_is_no_reply),
	};

	return cmocka_run_group_tests_name("policy/hidden", tests, NULL, NULL);
}
