/*
 * load_rows: the rows of decide and their conditions.
 */
#include <stdlib.h>

#include "base/str.h"
#include "policy/loader.h"

/* tests of one argument; the words owner, envelope and task are of the schema
 * unless they are quoted */

static struct wanted wanted_of(const struct arg *a)
{
	return (struct wanted){ a->type, a->lines };
}

static void test_in(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->cond->kind = COND_IN;
	l->cond->in = values_in(l, wanted_of(l->cond->arg), n);
}

static bool owner_has(const struct loader *l, enum arg_type t)
{
	const struct principal *o = &l->p->principals[0];

	if (t == TYPE_EMAIL)
		return o->email.n > 0;
	return t == TYPE_ID && (o->telegram.n || o->slack.n || o->github.n);
}

static void test_word(struct loader *l, const struct yaml_node *n,
		      enum cond_kind kind)
{
	const struct arg *a = l->cond->arg;

	l->cond->kind = kind;
	if (kind == COND_OWNER && !owner_has(l, a->type))
		fault(l, n,
		      "this can never match: the policy has no %s of the "
		      "owner: add it to owner, or quote the word if it is a "
		      "value",
		      a->type == TYPE_EMAIL ? "email" : "id");
	if (kind == COND_ENVELOPE && !(a->from & FROM_ENVELOPE))
		fault(l, n,
		      "this can never match: envelope is not among the origins "
		      "of \"%s\": add it to from, or quote the word if it is a "
		      "value",
		      a->name);
	if (kind == COND_TASK && a->type != TYPE_HANDLE)
		fault(l, n,
		      "this can never match: only a handle is what a task was "
		      "started for: quote the word if it is a value");
}

static void test_is(void *ctx, const struct yaml_node *n)
{
	static const struct {
		const char *word;
		enum cond_kind kind;
	} words[] = {
		{ "owner", COND_OWNER },
		{ "envelope", COND_ENVELOPE },
		{ "task", COND_TASK },
	};
	struct loader *l = ctx;
	size_t i;

	if (!load_scalar(&l->l, n))
		return;
	for (i = 0; !yaml_quoted(n) && i < ARRAY_SIZE(words); i++) {
		if (strcmp(yaml_text(n), words[i].word) != 0)
			continue;
		test_word(l, n, words[i].kind);
		return;
	}
	l->cond->kind = COND_IN;
	if (literal_ok(l, l->cond->arg->type, n))
		l->cond->in = values_of(l, wanted_of(l->cond->arg), n, NULL);
}

static void test_sender_in(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const struct arg *a = l->cond->arg;

	l->cond->kind = COND_SENDER_IN;
	if (a->type != TYPE_HANDLE || !a->of)
		fault(l, n,
		      "this can never match: only what a handle refers to has "
		      "a sender: use in");
	else
		l->cond->in = values_in(
			l, (struct wanted){ .type = source_sender_type(a->of) },
			n);
}

static void test_under(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = load_scalar(&l->l, n), *why = NULL;

	l->cond->kind = COND_UNDER;
	if (!text)
		return;
	if (l->cond->arg->type != TYPE_REF)
		why = "is for type ref alone";
	else
		why = ref_glob_bad(span_str(text));
	if (why)
		fault(l, n,
		      "this can never match: the glob %s; write it as "
		      "agent/*",
		      why);
	l->cond->under = span_str(text);
}

static const struct load_rule test_rules[] = {
	{ { "in", false, false, "it is one of these values", "a set or a list",
	    NULL },
	  test_in },
	{ { "is", false, false,
	    "it is this value; owner: an identity of the owner; envelope: what "
	    "the provider says about the task's item; task: the item that the "
	    "task was started for",
	    "a value, or owner, envelope, task", NULL },
	  test_is },
	{ { "sender_in", false, false,
	    "the authenticated sender of what the handle refers to is one of "
	    "these",
	    "a set or a list", NULL },
	  test_sender_in },
	{ { "under", false, false, "it is a ref under this glob",
	    "a glob that ends in /*", NULL },
	  test_under },
};
const struct load_schema test_schema = { "capabilities.NAME.decide[].ROW.ARG.",
					 LOAD_TABLE(test_rules) };

/* session */

static const struct load_word truth_words[] = {
	{ "true", 1, false },
	{ "false", 0, false },
};

static void session_bit(struct loader *l, const struct yaml_node *n,
			unsigned bit)
{
	int v = load_choose(&l->l, n, LOAD_TABLE(truth_words));

	l->cond->session |= bit;
	if (v == 1)
		l->cond->want |= bit;
}

static void set_tainted(void *ctx, const struct yaml_node *n)
{
	session_bit(ctx, n, SESSION_TAINTED);
}

static void set_private(void *ctx, const struct yaml_node *n)
{
	session_bit(ctx, n, SESSION_PRIVATE);
}

static void set_tripped(void *ctx, const struct yaml_node *n)
{
	session_bit(ctx, n, SESSION_TRIPPED);
}

static const struct load_rule session_rules[] = {
	{ { "tainted", false, false,
	    "whether text of a stranger has been revealed in this task" },
	  set_tainted,
	  LOAD_TABLE(truth_words) },
	{ { "private", false, false,
	    "whether anything that is not public has been revealed" },
	  set_private,
	  LOAD_TABLE(truth_words) },
	{ { "tripped", false, false, "whether a tripwire has fired" },
	  set_tripped,
	  LOAD_TABLE(truth_words) },
};
const struct load_schema session_schema = {
	"capabilities.NAME.decide[].ROW.session.", LOAD_TABLE(session_rules)
};

/* time */

static bool clock_of(const char *s, uint32_t *ret)
{
	uint32_t h = 0, m = 0;
	size_t i;

	for (i = 0; i < 5; i++)
		if (i == 2 ? s[i] != ':' : s[i] < '0' || s[i] > '9')
			return false;
	h = (uint32_t)((s[0] - '0') * 10 + (s[1] - '0'));
	m = (uint32_t)((s[3] - '0') * 10 + (s[4] - '0'));
	*ret = h * 60 + m;
	return m < 60 && *ret <= DAY_MINUTES;
}

static void set_between(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	struct cond *c = l->cond;
	const char *s = load_scalar(&l->l, n);

	if (!s)
		return;
	if (strlen(s) != 11 || s[5] != '-' || !clock_of(s, &c->from) ||
	    !clock_of(s + 6, &c->to) || c->from == DAY_MINUTES)
		fault(l, n, "times of day as \"07:00-23:00\" belong here");
	else if (c->from == c->to)
		fault(l, n, "this can never match: it ends when it begins");
}

static bool day_of(const char *s, size_t n, uint32_t *ret)
{
	static const char days[] = "montuewedthufrisatsun";

	if (n != 3)
		return false;
	for (*ret = 0; *ret < 7; ++*ret)
		if (!memcmp(days + (size_t)*ret * 3, s, 3))
			return true;
	return false;
}

/* "mon", or "fri-mon" over the end of the week. */
static void add_days(struct loader *l, const struct yaml_node *n)
{
	const char *s = load_scalar(&l->l, n);
	size_t k = s ? strcspn(s, "-") : 0;
	uint32_t from, to, mask = 0;

	if (!s)
		return;
	if (!day_of(s, k, &from) ||
	    (s[k] && !day_of(s + k + 1, strlen(s + k + 1), &to))) {
		fault(l, n, "days as mon, or mon-fri, belong here");
		return;
	}
	if (!s[k])
		to = from;
	for (mask = 1u << from; from != to; mask |= 1u << from)
		from = (from + 1) % 7;
	if (l->cond->days & mask)
		fault(l, n, "a day is listed twice: remove one");
	l->cond->days |= mask;
}

static void set_days(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_LIST)
		add_days(l, n);
	else if (is_list(l, n, 7, "days"))
		for (i = 0; i < yaml_count(n); i++)
			add_days(l, yaml_at(n, i));
}

static const struct load_rule time_rules[] = {
	{ { "between", false, false,
	    "times of day, the second one excluded; over midnight if it is the "
	    "smaller one",
	    "\"07:00-23:00\"", "the whole day" },
	  set_between },
	{ { "days", false, false, "days of the week", "mon-fri, or a list",
	    "every day" },
	  set_days },
};
const struct load_schema time_schema = { "capabilities.NAME.decide[].ROW.time.",
					 LOAD_TABLE(time_rules) };

bool cond_time_holds(const struct cond *c, uint32_t minute)
{
	uint32_t day = minute / DAY_MINUTES, m = minute % DAY_MINUTES;

	if (!(c->days >> day & 1))
		return false;
	if (c->from < c->to)
		return m >= c->from && m < c->to;
	return m >= c->from || m < c->to;
}

/* rows */

static void unknown_arg(struct loader *l, struct yaml_place at,
			const char *name)
{
	const char *words[POLICY_ARGS], *near;
	size_t i;

	for (i = 0; i < l->cap->n_args; i++)
		words[i] = l->cap->args[i].name;
	near = yaml_nearest(name, words, i);
	if (near)
		load_fault(&l->l, at,
			   "there is no argument \"%.64s\": did you mean "
			   "\"%s\"?",
			   name, near);
	else
		load_fault(&l->l, at,
			   "there is no argument \"%.64s\": add it to args",
			   name);
}

static bool has_keys(struct loader *l, const struct yaml_node *n,
		     const char *words)
{
	if (yaml_kind(n) != YAML_MAP || yaml_count(n))
		return true;
	fault(l, n, "this decides nothing: add %s", words);
	return false;
}

static void load_session(struct loader *l, const struct yaml_node *n)
{
	l->cond->kind = COND_SESSION;
	if (has_keys(l, n, "tainted, private or tripped"))
		load_section(l, n, &session_schema);
}

static void load_time(struct loader *l, const struct yaml_node *n)
{
	struct cond *c = l->cond;

	c->kind = COND_TIME;
	c->to = DAY_MINUTES;
	if (has_keys(l, n, "between or days"))
		load_section(l, n, &time_schema);
	if (!c->days)
		c->days = 0x7f;
	if (!l->p->zone_name)
		load_fault(&l->l, c->at,
			   "times of day need a \"timezone\" at the top: add "
			   "it, e.g. timezone: Europe/Paris");
}

static void load_test(struct loader *l, const struct yaml_node *n)
{
	if (yaml_kind(n) == YAML_MAP && yaml_count(n) != 1)
		fault(l, n, "one of {in: SET} and {is: VALUE}");
	else if (l->cond->arg->type && l->cond->arg->role)
		load_section(l, n, &test_schema);
}

static void load_conds(struct loader *l, const struct yaml_node *n,
		       struct row *r)
{
	size_t i;

	for (i = 0; i < yaml_count(n) && r->n < ROW_CONDS; i++) {
		const char *key = yaml_key(n, i);
		struct cond c = {
			.arg = cap_arg(l->cap, span_str(key)),
			.at = yaml_key_place(n, i),
		};
		size_t before = l->l.errors;

		l->cond = &c;
		if (!strcmp(key, "session"))
			load_session(l, yaml_at(n, i));
		else if (!strcmp(key, "time"))
			load_time(l, yaml_at(n, i));
		else if (!c.arg)
			unknown_arg(l, c.at, key);
		else
			load_test(l, yaml_at(n, i));
		if (c.kind && l->l.errors == before)
			r->conds[r->n++] = c;
	}
}

static void load_row(struct loader *l, const struct yaml_node *n)
{
	static const struct yaml_field fields[] = {
		{ "allow", false, false, "allows the call" },
		{ "deny", false, false, "refuses the call" },
		{ "ask", false, false, "asks the owner" },
	};
	static const enum outcome outcomes[] = { OUTCOME_ALLOW, OUTCOME_DENY,
						 OUTCOME_ASK };
	struct row *r = &l->cap->rows[l->cap->n_rows];
	size_t i;

	if (yaml_kind(n) != YAML_MAP || yaml_count(n) != 1) {
		fault(l, n, "a row is one of allow, deny, ask: {CONDITIONS}");
		return;
	}
	l->l.errors += yaml_check_map(l->l.y, n, fields, ARRAY_SIZE(fields),
				      l->l.errs);
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		if (!strcmp(yaml_key(n, 0), fields[i].name))
			r->outcome = outcomes[i];
	r->at = yaml_key_place(n, 0);
	if (!r->outcome || !is_map(l, yaml_at(n, 0), "conditions, or {},"))
		return;
	load_conds(l, yaml_at(n, 0), r);
	l->cap->n_rows++;
}

void set_decide(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_LIST || !yaml_count(n) ||
	    yaml_count(n) > POLICY_ROWS) {
		fault(l, n, "a list of 1 to %d rows, e.g. - allow: {}",
		      POLICY_ROWS);
		return;
	}
	l->cap->rows = calloc(yaml_count(n), sizeof(*l->cap->rows));
	if (!l->cap->rows) {
		l->oom = true;
		return;
	}
	for (i = 0; i < yaml_count(n); i++)
		load_row(l, yaml_at(n, i));
}
