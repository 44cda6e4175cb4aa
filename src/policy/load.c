/*
 * load: a policy file into struct policy.
 *
 * The tables name every key of version 1 of the schema (docs/policy.md). What
 * this program does not enforce is in them with `later`, and refused: a rule
 * that is read and ignored would be a promise that nobody keeps.
 */
#include "conf/load.h"

#include <errno.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/sha256.h"
#include "base/str.h"
#include "conf/value.h"
#include "policy/model.h"

struct loader {
	struct load l;
	struct policy *p;
	struct cap *cap;
	struct arg *arg;
	struct source *source;
	bool oom;
};

static const uint8_t default_text[] = {
#include "default_policy.h"
};

const char *policy_default_text(void)
{
	return (const char *)default_text;
}

#define fault(l, n, ...) load_fault(&(l)->l, yaml_place(n), __VA_ARGS__)

static bool is_map(struct loader *l, const struct yaml_node *n,
		   const char *what)
{
	if (yaml_kind(n) == YAML_MAP)
		return true;
	fault(l, n, "a map of %s belongs here", what);
	return false;
}

/* Names meet models, logs and file names: a narrow alphabet. */
static bool name_ok(const char *s)
{
	size_t n = strlen(s);

	return n > 0 && n <= POLICY_NAME_MAX && s[0] >= 'a' && s[0] <= 'z' &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static void check_name(struct loader *l, struct yaml_place at, const char *name)
{
	if (!name_ok(name))
		load_fault(&l->l, at,
			   "a name has 1 to %d of a-z 0-9 . _ - and begins "
			   "with a letter",
			   POLICY_NAME_MAX);
}

/* A scalar that is the name of something. */
static const char *name_of(struct loader *l, const struct yaml_node *n)
{
	const char *text = load_scalar(&l->l, n);

	if (text)
		check_name(l, yaml_place(n), text);
	return text;
}

/* closed lists */

static int span_cmp(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int r = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return r ? r : (x->n > y->n) - (x->n < y->n);
}

bool values_has(const struct values *in, struct span canonical)
{
	return in->n && canonical.n &&
	       bsearch(&canonical, in->v, in->n, sizeof(*in->v), span_cmp);
}

static struct values *values_new(struct loader *l, const struct yaml_node *from,
				 size_t n)
{
	struct values *v = calloc(1, sizeof(*v));
	struct span *spans = calloc(n + 1, sizeof(*spans));

	if (!v || !spans) {
		free(v);
		free(spans);
		l->oom = true;
		return NULL;
	}
	buf_init(&v->mem, YAML_FILE_MAX);
	v->from = from;
	v->v = spans;
	v->next = l->p->lists;
	l->p->lists = v;
	return v;
}

/* Adds the canonical form of one scalar; its span is set by values_seal. */
static void values_add(struct loader *l, struct values *v,
		       const struct yaml_node *n)
{
	const char *text = load_scalar(&l->l, n), *why;
	size_t from = v->mem.n;

	if (!text)
		return;
	why = type_canon(v->type, v->lines, span_str(text), &v->mem);
	if (why) {
		buf_cut(&v->mem, from);
		fault(l, n, "\"%.80s\" %s; mend or remove it", text, why);
		return;
	}
	v->v[v->n++].n = v->mem.n - from;
}

/* Sets the spans, now that mem stays where it is, and sorts. */
static void values_seal(struct loader *l, struct values *v)
{
	size_t i, off = 0;

	if (!buf_ok(&v->mem)) {
		l->oom = true;
		v->n = 0;
	}
	for (i = 0; i < v->n; i++) {
		v->v[i].p = v->mem.p + off;
		off += v->v[i].n;
	}
	if (v->n > 1)
		qsort(v->v, v->n, sizeof(*v->v), span_cmp);
	for (i = 1; i < v->n; i++)
		if (span_eq(v->v[i - 1], v->v[i]))
			fault(l, v->from,
			      "\"%.*s\" is in the list twice: remove one",
			      (int)v->v[i].n, (const char *)v->v[i].p);
}

/* The canonical values of a list, or of one scalar; NULL after a fault. */
static const struct values *values_of(struct loader *l, const struct arg *a,
				      const struct yaml_node *from,
				      const char *set)
{
	size_t n = yaml_kind(from) == YAML_LIST ? yaml_count(from) : 1, i;
	struct values *v;

	for (v = l->p->lists; v; v = v->next)
		if (v->from == from && v->type == a->type &&
		    v->lines == a->lines)
			return v;
	v = values_new(l, from, n);
	if (!v)
		return NULL;
	v->set = set;
	v->type = a->type;
	v->lines = a->lines;
	if (yaml_kind(from) != YAML_LIST)
		values_add(l, v, from);
	for (i = 0; yaml_kind(from) == YAML_LIST && i < n; i++)
		values_add(l, v, yaml_at(from, i));
	values_seal(l, v);
	return v;
}

static const struct set *find_set(const struct policy *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n_sets; i++)
		if (!strcmp(p->sets[i].name, name))
			return &p->sets[i];
	return NULL;
}

static void undefined_set(struct loader *l, const struct yaml_node *n)
{
	const char *words[POLICY_SETS], *near;
	size_t i;

	for (i = 0; i < l->p->n_sets; i++)
		words[i] = l->p->sets[i].name;
	near = yaml_nearest(yaml_text(n), words, i);
	if (near)
		fault(l, n, "there is no set \"%.64s\": did you mean \"%s\"?",
		      yaml_text(n), near);
	else
		fault(l, n, "there is no set \"%.64s\": add it to sets",
		      yaml_text(n));
}

/* What `in:` names: a set, or a list written in place; NULL after a fault. */
static const struct values *values_in(struct loader *l, const struct arg *a,
				      const struct yaml_node *n)
{
	const struct values *v = NULL;
	const struct set *s;
	size_t before = l->l.errors;

	if (yaml_kind(n) == YAML_LIST) {
		v = values_of(l, a, n, NULL);
	} else if (load_scalar(&l->l, n)) {
		s = find_set(l->p, yaml_text(n));
		if (s)
			v = values_of(l, a, s->list, s->name);
		else
			undefined_set(l, n);
	}
	if (v && !v->n && l->l.errors == before) {
		fault(l, n,
		      "this can never match: the set is empty: add values to "
		      "it");
		return NULL;
	}
	return v && v->n ? v : NULL;
}

/* arguments */

static const struct load_word type_words[] = {
	{ "text", TYPE_TEXT, false }, { "email", TYPE_EMAIL, false },
	{ "id", TYPE_ID, false },     { "enum", TYPE_ENUM, false },
	{ "int", TYPE_INT, false },   { "number", TYPE_NUMBER, false },
	{ "bool", TYPE_BOOL, false }, { "handle", 0, true },
	{ "url", 0, true },	      { "repo", 0, true },
	{ "ref", 0, true },	      { "file", 0, true },
	{ "datetime", 0, true },      { "money", 0, true },
};

static void set_type(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, type_words, ARRAY_SIZE(type_words));

	if (v > 0)
		l->arg->type = (enum arg_type)v;
}

static const struct load_word role_words[] = {
	{ "target", ROLE_TARGET, false },
	{ "command", ROLE_COMMAND, false },
	{ "content", ROLE_CONTENT, false },
	{ "selector", ROLE_SELECTOR, false },
	{ "control", ROLE_CONTROL, false },
	{ "credential", 0, true },
};

static void set_role(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, role_words, ARRAY_SIZE(role_words));

	if (v > 0)
		l->arg->role = (enum arg_role)v;
}

static const struct load_word origin_words[] = {
	{ "config", FROM_CONFIG, false },
	{ "planner", FROM_PLANNER, false },
	{ "owner", 0, true },
	{ "envelope", 0, true },
	{ "handle", 0, true },
};

static void set_from(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_LIST || !yaml_count(n)) {
		fault(l, n, "a list of origins, e.g. [config] or [planner]");
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		int v = load_choose(&l->l, yaml_at(n, i), origin_words,
				    ARRAY_SIZE(origin_words));

		if (v <= 0)
			continue;
		if (l->arg->from & (unsigned)v)
			fault(l, yaml_at(n, i),
			      "this origin is listed twice: remove one");
		l->arg->from |= (unsigned)v;
	}
}

static const struct load_word else_words[] = {
	{ "deny", OUTCOME_DENY, false },
	{ "ask", OUTCOME_ASK, false },
};

static void set_else(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, else_words, ARRAY_SIZE(else_words));

	l->arg->n_else = n;
	if (v > 0)
		l->arg->floor = (enum outcome)v;
}

static const struct load_word optional_words[] = {
	{ "true", 1, false },
	{ "false", 0, false },
};

static void set_optional(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->arg->optional = load_choose(&l->l, n, optional_words,
				       ARRAY_SIZE(optional_words)) == 1;
}

/* These depend on the type, which may stand behind them: kept for later. */
static void set_in(void *ctx, const struct yaml_node *n)
{
	((struct loader *)ctx)->arg->n_in = n;
}

static void set_values(void *ctx, const struct yaml_node *n)
{
	((struct loader *)ctx)->arg->n_values = n;
}

static void set_max(void *ctx, const struct yaml_node *n)
{
	((struct loader *)ctx)->arg->n_max = n;
}

static void set_min(void *ctx, const struct yaml_node *n)
{
	((struct loader *)ctx)->arg->n_min = n;
}

static void set_prefix(void *ctx, const struct yaml_node *n)
{
	((struct loader *)ctx)->arg->n_prefix = n;
}

static void set_many(void *ctx, const struct yaml_node *n)
{
	((struct loader *)ctx)->arg->n_many = n;
}

static const struct load_rule arg_rules[] = {
	{ { "type", true, false, "what its values are" },
	  set_type,
	  LOAD_TABLE(type_words) },
	{ { "role", true, false, "what it decides about the call" },
	  set_role,
	  LOAD_TABLE(role_words) },
	{ { "from", false, false,
	    "permitted origins: config is a value that this capability names",
	    "a list of config, planner", "by role" },
	  set_from },
	{ { "in", false, false,
	    "the closed list of its values: a set, or a list in place; not for "
	    "bool",
	    "a set or a list", NULL },
	  set_in },
	{ { "values", false, false, "the values of an enum, written in place",
	    "a list", NULL },
	  set_values },
	{ { "many", false, false,
	    "a list of 1 to that many different values, for email, id and enum",
	    "1 to 32", NULL },
	  set_many },
	{ { "max", false, false,
	    "most bytes of a text, or the largest number; required there",
	    "up to 32KiB, or a number", NULL },
	  set_max },
	{ { "min", false, false, "the smallest number; required there",
	    "a number", NULL },
	  set_min },
	{ { "prefix", false, false, "what a text begins with", "a text", NULL },
	  set_prefix },
	{ { "optional", false, false, "true: it may be left out", NULL,
	    "false" },
	  set_optional,
	  LOAD_TABLE(optional_words) },
	{ { "else", false, false, "for values of other origin", NULL, "deny" },
	  set_else,
	  LOAD_TABLE(else_words) },
	{ { "of", false, true, "what a handle refers to" }, NULL },
	{ { "under", false, true, "glob of a ref" }, NULL },
	{ { "links", false, true, "which links a text may carry" }, NULL },
	{ { "mentions", false, true, "what becomes of mentions" }, NULL },
	{ { "step", false, true, "largest change" }, NULL },
	{ { "deny_paths", false, true, "paths a bundle may not touch" }, NULL },
	{ { "flow", false, true, "who may receive it" }, NULL },
};

static void refuse_key(struct loader *l, const struct yaml_node *n,
		       const char *key)
{
	if (n)
		fault(l, n, "\"%s\" has no meaning for type %s: remove it", key,
		      type_name(l->arg->type));
}

static void finish_text(struct loader *l, const struct yaml_node *n)
{
	CLEAN_BUF struct buf unused;
	struct arg *a = l->arg;
	const char *why;
	uint64_t v;

	buf_init(&unused, YAML_FILE_MAX);

	if (!a->n_max) {
		fault(l, n, "\"max\" is missing: the most bytes of this text");
		return;
	}
	if (!load_scalar(&l->l, a->n_max))
		return;
	if (value_size(yaml_text(a->n_max), &v) < 0 || v < 1 ||
	    v > LIMIT_ARG_BYTES) {
		fault(l, a->n_max, "a size, 1 to %dKiB",
		      LIMIT_ARG_BYTES / 1024);
		return;
	}
	a->max_bytes = (uint32_t)v;
	a->lines = v > TEXT_LINE_MAX;
	if (!a->n_prefix || !load_scalar(&l->l, a->n_prefix))
		return;
	a->prefix = span_str(yaml_text(a->n_prefix));
	if (a->prefix.n >= v)
		fault(l, a->n_prefix,
		      "this can never match: the prefix is as long as max: "
		      "raise max");
	why = type_canon(TYPE_TEXT, a->lines, a->prefix, &unused);
	if (why)
		fault(l, a->n_prefix,
		      "this can never match: the prefix %s; mend it", why);
}

/* min or max of a number; 0 after a fault. */
static int64_t bound_of(struct loader *l, const struct yaml_node *arg,
			const struct yaml_node *n, const char *key)
{
	CLEAN_BUF struct buf canon;
	const char *why;

	buf_init(&canon, 64);
	if (!n) {
		fault(l, arg, "\"%s\" is missing: numbers have bounds", key);
		return 0;
	}
	if (!load_scalar(&l->l, n))
		return 0;
	why = type_canon(l->arg->type, false, span_str(yaml_text(n)), &canon);
	if (why) {
		fault(l, n, "\"%.80s\" %s; mend or remove it", yaml_text(n),
		      why);
		return 0;
	}
	return type_number(l->arg->type, buf_view(&canon));
}

static void finish_number(struct loader *l, const struct yaml_node *n)
{
	struct arg *a = l->arg;
	size_t before = l->l.errors;

	a->min = bound_of(l, n, a->n_min, "min");
	a->max = bound_of(l, n, a->n_max, "max");
	if (l->l.errors == before && a->min > a->max)
		fault(l, a->n_min,
		      "this can never match: min is over max: swap them");
}

static void finish_many(struct loader *l)
{
	struct arg *a = l->arg;
	uint64_t v;

	if (!a->n_many || !load_scalar(&l->l, a->n_many))
		return;
	if (num_parse(span_str(yaml_text(a->n_many)), 1, POLICY_MANY, &v) < 0)
		fault(l, a->n_many, "a number of elements, 1 to %d",
		      POLICY_MANY);
	else
		a->many = (uint32_t)v;
}

/* Which properties each type knows. */
static void finish_type(struct loader *l, const struct yaml_node *n)
{
	struct arg *a = l->arg;
	bool number = a->type == TYPE_INT || a->type == TYPE_NUMBER;
	bool listable = a->type == TYPE_EMAIL || a->type == TYPE_ID ||
			a->type == TYPE_ENUM;

	if (a->type == TYPE_TEXT)
		finish_text(l, n);
	else
		refuse_key(l, a->n_prefix, "prefix");
	if (number)
		finish_number(l, n);
	else
		refuse_key(l, a->n_min, "min");
	if (!number && a->type != TYPE_TEXT)
		refuse_key(l, a->n_max, "max");
	if (listable)
		finish_many(l);
	else
		refuse_key(l, a->n_many, "many");
	if (a->type != TYPE_ENUM)
		refuse_key(l, a->n_values, "values");
	if (a->type == TYPE_BOOL)
		refuse_key(l, a->n_in, "in");
}

/* The closed list: `in`, or `values` of an enum. */
static void finish_closed(struct loader *l, const struct yaml_node *n)
{
	struct arg *a = l->arg;

	if (a->type == TYPE_BOOL)
		return;
	if (a->type == TYPE_ENUM && !a->n_in == !a->n_values) {
		fault(l, n, "an enum has either \"values\" or \"in\"");
		return;
	}
	if (a->type == TYPE_ENUM && a->n_values) {
		if (yaml_kind(a->n_values) != YAML_LIST)
			fault(l, a->n_values, "a list of values");
		else
			a->closed = values_in(l, a, a->n_values);
	} else if (a->n_in) {
		a->closed = values_in(l, a, a->n_in);
	}
}

/*
 * What each role takes when nothing is written. The schema's defaults name
 * origins that come later too; leaving those out only ever refuses more.
 */
static void finish_from(struct loader *l, const struct yaml_node *n)
{
	struct arg *a = l->arg;

	if (a->from || yaml_get(n, "from"))
		return;
	switch (a->role) {
	case ROLE_TARGET:
	case ROLE_COMMAND:
		a->from = FROM_CONFIG;
		break;
	case ROLE_CONTENT:
		a->from = FROM_PLANNER;
		break;
	case ROLE_CONTROL:
		a->from = FROM_CONFIG | FROM_PLANNER;
		break;
	case ROLE_SELECTOR:
		fault(l, n,
		      "\"from\" is missing: the origins of a selector that "
		      "this "
		      "version enforces are config and planner");
		break;
	}
}

static void load_arg(struct loader *l, const struct yaml_node *n)
{
	size_t before = l->l.errors;

	load_map(&l->l, n, arg_rules, ARRAY_SIZE(arg_rules), l);
	if (l->l.errors > before)
		return; /* the rest would only repeat it */
	finish_type(l, n);
	finish_closed(l, n);
	finish_from(l, n);
}

static void set_args(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	struct cap *c = l->cap;
	size_t i, elements = 0;

	if (!is_map(l, n, "arguments"))
		return;
	if (yaml_count(n) > POLICY_ARGS) {
		fault(l, n, "more than %d arguments: use fewer", POLICY_ARGS);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		const char *name = yaml_key(n, i);
		struct yaml_place at = yaml_key_place(n, i);

		l->arg = &c->args[c->n_args++];
		l->arg->name = name;
		l->arg->at = at;
		l->arg->floor = OUTCOME_DENY;
		check_name(l, at, name);
		if (!strcmp(name, "session") || !strcmp(name, "time"))
			load_fault(&l->l, at,
				   "\"%s\" is a condition: choose another name",
				   name);
		load_arg(l, yaml_at(n, i));
		elements += l->arg->many ? l->arg->many : 1;
	}
	if (elements > LIMIT_ARGS)
		fault(l, n, "one call has at most %d values in all: lower many",
		      LIMIT_ARGS);
}

const struct arg *cap_arg(const struct cap *c, struct span name)
{
	size_t i;

	for (i = 0; i < c->n_args; i++)
		if (span_is(name, c->args[i].name))
			return &c->args[i];
	return NULL;
}

/* decide */

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

/* owner, envelope and task are words of the schema, unless quoted. */
static bool is_later_word(struct loader *l, const struct yaml_node *n)
{
	static const char *const words[] = { "owner", "envelope", "task" };
	size_t i;

	for (i = 0; !yaml_quoted(n) && i < ARRAY_SIZE(words); i++) {
		if (strcmp(yaml_text(n), words[i]) != 0)
			continue;
		fault(l, n,
		      "\"%s\" is known, but not enforced by this version: "
		      "remove it, or quote it if it is a value",
		      words[i]);
		return true;
	}
	return false;
}

/* {in: SET} or {is: VALUE}; NULL after a fault. */
static const struct values *load_test(struct loader *l, const struct arg *a,
				      const struct yaml_node *n)
{
	static const struct yaml_field fields[] = {
		{ "in", false, false, "a set" },
		{ "is", false, false, "a value" },
		{ "sender_in", false, true, "a set of senders" },
	};
	const struct yaml_node *v;

	if (yaml_kind(n) == YAML_MAP && yaml_count(n) != 1) {
		fault(l, n, "one of {in: SET} and {is: VALUE}");
		return NULL;
	}
	l->l.errors += yaml_check_map(l->l.y, n, fields, ARRAY_SIZE(fields),
				      l->l.errs);
	if (yaml_kind(n) != YAML_MAP || !a->type)
		return NULL;
	v = yaml_get(n, "in");
	if (v)
		return values_in(l, a, v);
	v = yaml_get(n, "is");
	if (!v || !load_scalar(&l->l, v) || is_later_word(l, v))
		return NULL;
	return values_of(l, a, v, NULL);
}

static void load_conds(struct loader *l, const struct yaml_node *n,
		       struct row *r)
{
	size_t i;

	for (i = 0; i < yaml_count(n); i++) {
		const char *key = yaml_key(n, i);
		struct yaml_place at = yaml_key_place(n, i);
		const struct arg *a = cap_arg(l->cap, span_str(key));
		const struct values *in;

		if (!strcmp(key, "session") || !strcmp(key, "time")) {
			load_fault(&l->l, at,
				   "\"%s\" is known, but not enforced by this "
				   "version: remove the row",
				   key);
			continue;
		}
		if (!a) {
			unknown_arg(l, at, key);
			continue;
		}
		in = load_test(l, a, yaml_at(n, i));
		if (in && r->n < POLICY_ARGS)
			r->conds[r->n++] = (struct cond){ a, in, at };
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

static void set_decide(void *ctx, const struct yaml_node *n)
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

/* limits */

static void set_rate(void *ctx, const struct yaml_node *n)
{
	static const struct {
		const char *name;
		uint32_t seconds;
	} units[] = { { "/minute", 60 }, { "/hour", 3600 }, { "/day", 86400 } };
	struct loader *l = ctx;
	struct rate *r = &l->cap->rate;
	const char *text = load_scalar(&l->l, n);
	size_t digits, i;
	uint64_t v;

	if (!text)
		return;
	digits = strspn(text, "0123456789");
	for (i = 0; i < ARRAY_SIZE(units); i++)
		if (!strcmp(text + digits, units[i].name))
			r->window_s = units[i].seconds;
	if (!r->window_s ||
	    num_parse(span_of(text, digits), 1, POLICY_RATE, &v) < 0) {
		fault(l, n, "a rate is 1 to %d/minute, /hour or /day",
		      POLICY_RATE);
		return;
	}
	r->text = text;
	r->at = yaml_place(n);
	r->most = (uint32_t)v;
	r->ring = calloc(r->most, sizeof(*r->ring));
	l->oom |= !r->ring;
}

static const struct load_rule limit_rules[] = {
	{ { "rate", true, false,
	    "most calls in every window of that length, e.g. 6/hour",
	    "1 to 10000/minute, /hour or /day", NULL },
	  set_rate },
	{ { "total", false, true, "most calls in all" }, NULL },
	{ { "per", false, true, "rates per value of an argument" }, NULL },
	{ { "bytes", false, true, "most bytes out" }, NULL },
	{ { "concurrent", false, true, "most calls at once" }, NULL },
	{ { "calls", false, true, "most calls of a task" }, NULL },
	{ { "wall", false, true, "most seconds of a task" }, NULL },
	{ { "asks", false, true, "most approvals" }, NULL },
	{ { "targets", false, true, "most new targets" }, NULL },
};

static void set_limits(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	load_map(&l->l, n, limit_rules, ARRAY_SIZE(limit_rules), l);
}

/* capabilities */

static void set_cap_connector(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->cap->connector = name_of(l, n);
	l->cap->connector_at = yaml_place(n);
}

static const struct load_word effect_words[] = {
	{ "read", 1, false },
	{ "internal", 2, false },
	{ "external", 3, false },
};

static void set_effect(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	if (load_choose(&l->l, n, effect_words, ARRAY_SIZE(effect_words)) > 0)
		l->cap->effect = yaml_text(n);
}

static const struct load_word undo_words[] = {
	{ "none", 1, false },
	{ "reversible", 0, true },
};

static void set_undo(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	if (yaml_kind(n) == YAML_MAP)
		fault(l, n,
		      "an undo window is known, but not enforced by this "
		      "version: use none");
	else
		(void)load_choose(&l->l, n, undo_words, ARRAY_SIZE(undo_words));
}

static const struct load_rule cap_rules[] = {
	{ { "connector", true, false, "which connector carries it out",
	    "an outbound connector", NULL },
	  set_cap_connector },
	{ { "effect", true, false, "how far it reaches" },
	  set_effect,
	  LOAD_TABLE(effect_words) },
	{ { "undo", true, false, "whether it can be taken back" },
	  set_undo,
	  LOAD_TABLE(undo_words) },
	{ { "args", true, false, "the arguments, by name",
	    "a map of at most 24 maps", NULL },
	  set_args },
	{ { "decide", true, false, "rows of allow, deny, ask, in order",
	    "a list of 1 to 64 rows", NULL },
	  set_decide },
	{ { "limits", true, false, "at least a rate, e.g. {rate: 6/hour}",
	    "a map", NULL },
	  set_limits },
	{ { "approve", false, true, "who approves, and how" }, NULL },
	{ { "flow", false, true, "who may receive which argument" }, NULL },
	{ { "mode", false, true, "rehearse" }, NULL },
};

static void load_cap(struct loader *l, const struct yaml_node *n,
		     const char *name, struct yaml_place at)
{
	size_t before = l->l.errors;

	check_name(l, at, name);
	if (!strncmp(name, "task.", 5) || !strncmp(name, "bulkhead", 8))
		load_fault(&l->l, at,
			   "names that begin with \"task.\" or \"bulkhead\" "
			   "are the program's own: choose another");
	l->cap->name = name;
	l->cap->at = at;
	load_map(&l->l, n, cap_rules, ARRAY_SIZE(cap_rules), l);
	if (l->l.errors == before && !l->oom)
		lint_cap(&l->l, l->cap);
	if (l->l.errors == before && !l->oom && tool_make(l->cap) < 0)
		l->oom = true;
}

static void set_capabilities(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (!is_map(l, n, "capabilities"))
		return;
	if (yaml_count(n) > POLICY_CAPS) {
		fault(l, n, "more than %d capabilities: use fewer",
		      POLICY_CAPS);
		return;
	}
	for (i = 0; i < yaml_count(n) && !l->oom; i++) {
		l->cap = calloc(1, sizeof(*l->cap));
		if (!l->cap) {
			l->oom = true;
			return;
		}
		l->p->caps[l->p->n_caps++] = l->cap;
		load_cap(l, yaml_at(n, i), yaml_key(n, i),
			 yaml_key_place(n, i));
	}
}

/* sources */

static void choose_only(void *ctx, const struct yaml_node *n,
			const struct load_word *words, size_t count)
{
	struct loader *l = ctx;

	(void)load_choose(&l->l, n, words, count);
}

static const struct load_word reader_words[] = {
	{ "email", 1, false },	   { "telegram", 0, true },
	{ "slack", 0, true },	   { "github-issues", 0, true },
	{ "git-bundle", 0, true }, { "pkg-proxy", 0, true },
	{ "ha-states", 0, true },  { "ha-camera-events", 0, true },
};

static void set_reader(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	choose_only(ctx, n, reader_words, ARRAY_SIZE(reader_words));
	l->source->row.reader = yaml_text(n);
}

static const struct load_word integrity_words[] = {
	{ "external", 1, false },
	{ "known", 0, true },
};

static void set_integrity(void *ctx, const struct yaml_node *n)
{
	choose_only(ctx, n, integrity_words, ARRAY_SIZE(integrity_words));
}

static const struct load_word audience_words[] = {
	{ "thread", 1, false }, { "owner", 2, false }, { "public", 0, true },
	{ "repo", 0, true },	{ "secret", 0, true },
};

static void set_audience(void *ctx, const struct yaml_node *n)
{
	choose_only(ctx, n, audience_words, ARRAY_SIZE(audience_words));
}

static const struct load_word reveal_words[] = {
	{ "text", 1, false },
	{ "handles", 0, true },
	{ "typed", 0, true },
};

static void set_reveal(void *ctx, const struct yaml_node *n)
{
	choose_only(ctx, n, reveal_words, ARRAY_SIZE(reveal_words));
}

static void set_source_connector(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *name = name_of(l, n);
	size_t i;

	for (i = 0; name && i + 1 < l->p->n_sources; i++)
		if (l->p->sources[i].row.connector &&
		    !strcmp(l->p->sources[i].row.connector, name))
			fault(l, n,
			      "\"%s\" reads this connector already: one source "
			      "each",
			      l->p->sources[i].row.name);
	l->source->row.connector = name;
	l->source->connector_at = yaml_place(n);
}

static const struct load_rule source_rules[] = {
	{ { "reader", true, false, "what reads its items" },
	  set_reader,
	  LOAD_TABLE(reader_words) },
	{ { "connector", true, false,
	    "where its items come from; one source each",
	    "an inbound connector", NULL },
	  set_source_connector },
	{ { "integrity", true, false, "who may have written it" },
	  set_integrity,
	  LOAD_TABLE(integrity_words) },
	{ { "audience", true, false,
	    "a label, which no rule of this version reads" },
	  set_audience,
	  LOAD_TABLE(audience_words) },
	{ { "reveal", true, false, "what of it the planner sees" },
	  set_reveal,
	  LOAD_TABLE(reveal_words) },
	{ { "answer_bits", false, true, "most bits an answer carries" }, NULL },
	{ { "only", false, true, "which items" }, NULL },
};

static void set_sources(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (!is_map(l, n, "sources"))
		return;
	if (yaml_count(n) > POLICY_SOURCES) {
		fault(l, n, "more than %d sources: use fewer", POLICY_SOURCES);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		l->source = &l->p->sources[l->p->n_sources++];
		l->source->row.name = yaml_key(n, i);
		check_name(l, yaml_key_place(n, i), yaml_key(n, i));
		load_map(&l->l, yaml_at(n, i), source_rules,
			 ARRAY_SIZE(source_rules), l);
	}
}

/* the top level */

static void set_version(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const char *text = load_scalar(&l->l, n);

	if (text && strcmp(text, "1") != 0)
		fault(l, n,
		      "this program reads version 1 of the schema: write "
		      "bulkhead: 1");
}

static void set_profile(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->p->profile = name_of(l, n);
}

static const struct load_word mode_words[] = {
	{ "enforce", 1, false },
	{ "rehearse", 0, true },
};

static void set_mode(void *ctx, const struct yaml_node *n)
{
	choose_only(ctx, n, mode_words, ARRAY_SIZE(mode_words));
}

static void set_sets(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (!is_map(l, n, "sets"))
		return;
	if (yaml_count(n) > POLICY_SETS) {
		fault(l, n, "more than %d sets: use fewer", POLICY_SETS);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		const struct yaml_node *list = yaml_at(n, i);

		check_name(l, yaml_key_place(n, i), yaml_key(n, i));
		if (yaml_kind(list) != YAML_LIST) {
			fault(l, list, "a list of values, e.g. [a, b]");
			continue;
		}
		l->p->sets[l->p->n_sets++] =
			(struct set){ yaml_key(n, i), list };
	}
}

/* In this order: sets are there before the rules that name them. */
static const struct load_rule top_rules[] = {
	{ { "bulkhead", true, false, "the version of the schema", "1", NULL },
	  set_version },
	{ { "profile", false, false,
	    "a name for this policy, shown and recorded", "a name", NULL },
	  set_profile },
	{ { "mode", true, false, "whether its verdicts hold" },
	  set_mode,
	  LOAD_TABLE(mode_words) },
	{ { "sets", false, false,
	    "closed lists, by name; only the file extends them",
	    "a map of lists", NULL },
	  set_sets },
	{ { "sources", true, false, "what is read, and how", "a map of maps",
	    NULL },
	  set_sources },
	{ { "capabilities", true, false, "what may be asked for",
	    "a map of maps", NULL },
	  set_capabilities },
	{ { "timezone", false, true, "for times of day" }, NULL },
	{ { "owner", false, true, "the owner's identities" }, NULL },
	{ { "principals", false, true, "further approvers" }, NULL },
	{ { "decoys", false, true, "capabilities that trip" }, NULL },
	{ { "budgets", false, true, "money, tokens, denials" }, NULL },
	{ { "lease", false, true, "how long it acts alone" }, NULL },
	{ { "trip", false, true, "what a tripwire does" }, NULL },
};

/* The tables once more, as the manual lists them. */
static const struct load_schema schema[] = {
	{ "", LOAD_TABLE(top_rules) },
	{ "sources.NAME.", LOAD_TABLE(source_rules) },
	{ "capabilities.NAME.", LOAD_TABLE(cap_rules) },
	{ "capabilities.NAME.args.NAME.", LOAD_TABLE(arg_rules) },
	{ "capabilities.NAME.limits.", LOAD_TABLE(limit_rules) },
};

const struct load_schema *policy_schema(size_t *n)
{
	*n = ARRAY_SIZE(schema);
	return schema;
}

static int load_file(struct loader *l, const char *name, struct span yaml,
		     struct buf *errs)
{
	int r = yaml_parse(name, yaml, &l->p->y, errs);
	struct sha256 hash;

	if (r < 0)
		return r;
	l->l.y = l->p->y;
	l->l.errs = errs;
	load_map(&l->l, yaml_root(l->p->y), top_rules, ARRAY_SIZE(top_rules),
		 l);
	if (l->oom)
		return -ENOMEM;
	if (l->l.errors)
		return -EINVAL;
	sha256_init(&hash);
	sha256_add(&hash, yaml);
	sha256_final(&hash, l->p->hash);
	return 0;
}

int policy_load(const char *name, struct span yaml, struct policy **ret,
		struct buf *errs)
{
	struct loader l = { 0 };
	int r;

	l.p = calloc(1, sizeof(*l.p));
	if (!l.p)
		return -ENOMEM;
	r = load_file(&l, name, yaml, errs);
	if (r < 0) {
		if (r != -EINVAL)
			buf_printf(errs, "%s: %s\n", name, strerror(-r));
		policy_free(l.p);
		return r;
	}
	*ret = l.p;
	return 0;
}

void policy_free(struct policy *p)
{
	struct values *v, *next;
	size_t i;

	if (!p)
		return;
	for (i = 0; i < p->n_caps; i++) {
		struct cap *c = p->caps[i];

		free(c->rows);
		free(c->rate.ring);
		free(c->description);
		free(c->schema);
		free(c);
	}
	for (v = p->lists; v; v = next) {
		next = v->next;
		free(v->v);
		buf_done(&v->mem);
		free(v);
	}
	yaml_free(p->y);
	free(p);
}

const uint8_t *policy_hash(const struct policy *p)
{
	return p->hash;
}

const char *policy_profile(const struct policy *p)
{
	return p->profile ? p->profile : "";
}

bool policy_tool(const struct policy *p, size_t i, struct m_tool *ret)
{
	if (i >= p->n_caps)
		return false;
	ret->name = span_str(p->caps[i]->name);
	ret->description = span_str(p->caps[i]->description);
	ret->schema = span_str(p->caps[i]->schema);
	return true;
}

const struct policy_source *policy_source(const struct policy *p,
					  struct span connector)
{
	size_t i;

	for (i = 0; i < p->n_sources; i++)
		if (span_is(connector, p->sources[i].row.connector))
			return &p->sources[i].row;
	return NULL;
}
