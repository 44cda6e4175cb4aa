/*
 * seen: what no record met, and rows that cover what was seen and nothing else.
 */
#include "policy/seen.h"

#include "policy/load_sample.h"
#include "policy/model.h"

#define FILE_TEXT                                                              \
	"bulkhead: 1\n"                                                        \
	"mode: rehearse\n"                                                     \
	"sets: {fam: [a@x.org, b@X.org]}\n"                                    \
	"sources: {mail: {reader: email, connector: i, integrity: external, "  \
	"audience: thread, reveal: text}}\n"                                   \
	"capabilities:\n"                                                      \
	"  send:\n"                                                            \
	"    connector: o\n"                                                   \
	"    effect: external\n"                                               \
	"    undo: none\n"                                                     \
	"    args:\n"                                                          \
	"      to: {type: email, role: target, many: 3, else: deny}\n"         \
	"      n: {type: int, role: control, min: 0, max: 9, optional: "       \
	"true}\n"                                                              \
	"      body: {type: text, max: 99, role: content}\n"                   \
	"    decide:\n"                                                        \
	"      - allow: {to: {in: fam}}\n"                                     \
	"      - ask: {}\n"                                                    \
	"    limits: {rate: 9/hour}\n"                                         \
	"    approve: {who: owner, via: [cli], ttl: 1h}\n"                     \
	"  reply:\n"                                                           \
	"    connector: o\n"                                                   \
	"    effect: external\n"                                               \
	"    undo: none\n"                                                     \
	"    args: {t: {type: handle, of: mail.thread, role: selector, else: " \
	"deny}}\n"                                                             \
	"    decide: [allow: {}]\n"                                            \
	"    limits: {rate: 9/hour}\n"

static struct policy *p;
static struct seen *s;

static int setup(void **)
{
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	if (policy_load("p", SPAN_LIT(FILE_TEXT), NULL, &p, &errs) < 0)
		fail_msg("%s", buf_cstr(&errs));
	s = seen_new(p);
	assert_non_null(s);
	return 0;
}

static int teardown(void **)
{
	seen_free(s);
	policy_free(p);
	return 0;
}

/* A call; names and values follow, NULL at the end. */
static struct seen_call call(const char *capability, const char *clause,
			     const char *const *args)
{
	struct seen_call c = { .capability = span_str(capability),
			       .clause = span_str(clause),
			       .policy = policy_hash(p),
			       .rehearsed = true,
			       .has_session = true,
			       .has_args = true };

	for (; args && args[0]; args += 2, c.n++) {
		c.args[c.n].name = span_str(args[0]);
		c.args[c.n].value = span_str(args[1]);
	}
	return c;
}

static void add(struct seen_call c)
{
	assert_int_equal(seen_add(s, &c), 0);
}

static void expect_text(size_t (*fn)(const struct seen *s, struct buf *out),
			size_t n, const char *want)
{
	CLEAN_BUF struct buf out;
	size_t got;

	buf_init(&out, 1 << 16);
	got = fn(s, &out);
	if (strcmp(buf_cstr(&out), want) != 0)
		fail_msg("\n%s  want\n%s", buf_cstr(&out), want);
	assert_int_equal(got, n);
}

static void unused(void **)
{
	static const char *const to_b[] = { "to", "b@x.org", "body", "hi",
					    NULL };
	struct seen_call c;

	expect_text(seen_unused, 4,
		    "p:6:3: send: nothing called it\n"
		    "p:19:3: reply: nothing called it\n"
		    "p:3:14: set fam: no call named a@x.org\n"
		    "p:3:23: set fam: no call named b@X.org\n"
		    "0 decisions\n");
	add(call("send", "p:15:9 allow", to_b));
	add(call("nothing", "default deny: no capability \"nothing\"", NULL));
	c = call("reply", "p:99:9 allow", NULL);
	c.policy = NULL;
	c.has_args = false;
	add(c);
	expect_text(seen_unused, 3,
		    "p:16:9: send: this row decided nothing: ask: always\n"
		    "p:24:14: reply: this row decided nothing: allow: always\n"
		    "p:3:14: set fam: no call named a@x.org\n"
		    "3 decisions\n"
		    "1 of them by another policy: its rows are not counted\n"
		    "1 of them without arguments to be had: members they named "
		    "are not counted\n");
}

static void suggest(void **)
{
	static const char *const plain[] = { "to", "a@x.org", "body", "hi",
					     NULL };
	static const char *const two[] = { "to",      "eve@Y.org", "to",
					   "a@x.org", "n",	   "3",
					   "body",    "hi",	   NULL };
	static const char *const five[] = { "to",   "a@x.org", "n", "5",
					    "body", "\"",      NULL };
	static const char *const bad[] = { "to", "no address", "n", "7", NULL };
	static const char *const thread[] = { "t", "@12", NULL };
	struct seen_call c;

	expect_text(seen_suggest, 0, "");
	add(call("send", "p:15:9 allow", two));
	c = call("send", "p:15:9 allow", five);
	c.session = SESSION_PRIVATE;
	add(c);
	add(call("send", "p:15:9 allow", plain));
	add(call("reply", "p:24:14 allow", thread));
	c = call("send", "p:16:9 deny", bad);
	c.refused = true; /* not what anybody wants allowed */
	add(c);
	c = call("send", "p:15:9 allow", bad);
	c.rehearsed = false; /* nor what was allowed anyway */
	add(c);
	expect_text(
		seen_suggest, 1,
		"  send:\n    decide:\n"
		"      # seen 2 times\n"
		"      - allow: {to: {in: [\"eve@y.org\", \"a@x.org\"]}, n: "
		"{in: [3, 5]}, session: {tainted: false}}\n"
		"      # seen 1 times\n"
		"      # no row: n was never there, and no row can say so: "
		"remove it from args first\n"
		"  reply:\n    decide:\n"
		"      # seen 1 times\n"
		"      # no row: t is a handle: no row can name those seen\n");
}

/* At the limit of a list, and one over it. */
static void too_many(void **)
{
	char to[32];
	const char *args[] = { "to", to, "n", "1", NULL };
	CLEAN_BUF struct buf out;
	int i;

	buf_init(&out, 1 << 16);
	for (i = 0; i < SEEN_VALUES; i++) {
		(void)snprintf(to, sizeof(to), "x%d@x.org", i);
		add(call("send", "p:16:9 ask", args));
	}
	assert_int_equal(seen_suggest(s, &out), 1);
	(void)snprintf(to, sizeof(to), "one@more.org");
	add(call("send", "p:16:9 ask", args));
	assert_int_equal(seen_suggest(s, &out), 0);
}

/* The policy with what is suggested in front of the row that asked. */
static struct policy *suggested(void)
{
	const char *at = strstr(FILE_TEXT, "      - allow: {to");
	const char *end = strstr(FILE_TEXT, "    limits");
	CLEAN_BUF struct buf text;
	CLEAN_BUF struct buf rows;
	CLEAN_BUF struct buf errs;
	struct policy *q = NULL;

	buf_init(&text, 1 << 16);
	buf_init(&rows, 1 << 16);
	buf_init(&errs, 1 << 16);
	assert_int_equal(seen_suggest(s, &rows), 1);
	buf_put(&text, FILE_TEXT, (size_t)(at - FILE_TEXT));
	buf_str(&text, strstr(buf_cstr(&rows), "      #"));
	buf_str(&text, "      - ask: {}\n");
	buf_str(&text, end);
	if (policy_load("q", buf_view(&text), NULL, &q, &errs) < 0)
		fail_msg("%s\n%s", buf_cstr(&text), buf_cstr(&errs));
	return q;
}

/* The values that an argument has in a row are these, and no others. */
static void exactly(const struct row *row, const char *arg,
		    const char *const *want, size_t n)
{
	const struct values *in = NULL;
	size_t i, k;

	for (i = 0; i < row->n; i++)
		if (row->conds[i].arg && !strcmp(row->conds[i].arg->name, arg))
			in = row->conds[i].in;
	if (!in) {
		fail_msg("%s is not limited", arg);
		return;
	}
	assert_int_equal(in->n, n);
	for (i = 0; i < n; i++) {
		for (k = 0; k < n && !span_is(in->v[k], want[i]); k++)
			;
		assert_in_range(k, 0, n - 1);
	}
}

/* What is suggested, loaded in the place of the rows there were, names what was
 * seen and nothing else: each argument but the content, and the session. */
static void no_wider(void **)
{
	static const char *const one[] = { "to", "eve@y.org", "n", "3", NULL };
	static const char *const two[] = { "to", "eve@y.org", "to", "a@x.org",
					   "n",	 "5",	      NULL };
	static const char *const refused[] = { "to", "c@x.org", "n", "7",
					       NULL };
	struct seen_call c = call("send", "p:16:9 ask", refused);
	struct policy *q;
	const struct row *row;
	unsigned bits = 0;
	size_t i;

	c.refused = true;
	add(c);
	add(call("send", "p:16:9 ask", one));
	add(call("send", "p:16:9 ask", two));
	q = suggested();
	row = &q->caps[0]->rows[0];
	assert_int_equal(row->outcome, OUTCOME_ALLOW);
	exactly(row, "to", (const char *[]){ "eve@y.org", "a@x.org" }, 2);
	exactly(row, "n", (const char *[]){ "3", "5" }, 2);
	for (i = 0; i < row->n; i++) {
		bits |= row->conds[i].session;
		assert_int_equal(row->conds[i].want, 0);
	}
	assert_int_equal(bits, SESSION_TAINTED | SESSION_PRIVATE);
	policy_free(q);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(unused, setup, teardown),
		cmocka_unit_test_setup_teardown(suggest, setup, teardown),
		cmocka_unit_test_setup_teardown(too_many, setup, teardown),
		cmocka_unit_test_setup_teardown(no_wider, setup, teardown),
	};

	return cmocka_run_group_tests_name("policy/seen", tests, NULL, NULL);
}
