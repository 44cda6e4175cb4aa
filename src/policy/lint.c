/*
 * lint: rules that cannot work. A rule that never matches is worse than none:
 * its author believes in it. So each is a load error at its own place.
 */
#include "conf/load.h"
#include "policy/model.h"

bool arg_fits(const struct arg *a, struct span v, const char **why)
{
	int64_t number;

	if (a->type == TYPE_TEXT && v.n > a->max_bytes) {
		*why = "is longer than max";
		return false;
	}
	if (a->prefix.n &&
	    (v.n < a->prefix.n || memcmp(v.p, a->prefix.p, a->prefix.n) != 0)) {
		*why = "does not begin with the prefix";
		return false;
	}
	if (a->type != TYPE_INT && a->type != TYPE_NUMBER)
		return true;
	number = type_number(a->type, v);
	if (number < a->min || number > a->max) {
		*why = "is outside min and max";
		return false;
	}
	return true;
}

/* Why no value of the list can ever be given for the argument; else NULL. */
static const char *never(const struct arg *a, const struct values *in)
{
	const char *why = NULL;
	size_t i;

	for (i = 0; i < in->n; i++) {
		if (!arg_fits(a, in->v[i], &why))
			continue;
		if (!a->closed || values_has(a->closed, in->v[i]))
			return NULL;
		why = "is not in the closed list of this argument";
	}
	return why;
}

static void lint_closed(struct load *l, const struct arg *a)
{
	const char *why = NULL;
	size_t i;

	for (i = 0; a->closed && i < a->closed->n; i++)
		if (!arg_fits(a, a->closed->v[i], &why))
			load_fault(l, a->at,
				   "this can never match: \"%.*s\" of its "
				   "closed list %s; remove it",
				   (int)a->closed->v[i].n,
				   (const char *)a->closed->v[i].p, why);
}

/* True if a row names values for the argument: those come from config too. */
static bool named_in_rows(const struct cap *c, const struct arg *a)
{
	size_t i, k;

	for (i = 0; i < c->n_rows; i++)
		for (k = 0; k < c->rows[i].n; k++)
			if (c->rows[i].conds[k].arg == a &&
			    c->rows[i].outcome != OUTCOME_DENY)
				return true;
	return false;
}

static bool needs_closed(const struct arg *a)
{
	if (a->closed || !(a->from & FROM_PLANNER))
		return false;
	if (a->type == TYPE_BOOL)
		return false;
	if (a->role == ROLE_TARGET || a->role == ROLE_COMMAND)
		return true;
	/* numbers have min and max: the bounds of a control */
	return a->role == ROLE_CONTROL && a->type != TYPE_INT &&
	       a->type != TYPE_NUMBER;
}

static const char *role_name(enum arg_role r)
{
	switch (r) {
	case ROLE_TARGET:
		return "target";
	case ROLE_COMMAND:
		return "command";
	case ROLE_CONTENT:
		return "content";
	case ROLE_SELECTOR:
		return "selector";
	case ROLE_CONTROL:
		return "control";
	}
	return "?";
}

static void lint_origin(struct load *l, const struct cap *c,
			const struct arg *a)
{
	if (needs_closed(a))
		load_fault(l, a->at,
			   "\"%s\" is a %s the planner chooses freely: give it "
			   "a closed list (in: SET), or from: [config]",
			   a->name, role_name(a->role));
	if (a->from == FROM_CONFIG && !a->closed && !named_in_rows(c, a))
		load_fault(
			l, a->at,
			"this can never match: \"%s\" comes from config, but "
			"nothing here names a value: add in: SET",
			a->name);
	if (a->n_else && a->from & FROM_PLANNER && !a->closed)
		load_fault(l, yaml_place(a->n_else),
			   "this can never match: every value is of a "
			   "permitted origin, so else is never reached: remove "
			   "it");
}

/* Every value of a is in b. */
static bool subset(const struct values *a, const struct values *b)
{
	size_t i;

	if (a == b)
		return true;
	if (a->n > b->n)
		return false;
	for (i = 0; i < a->n; i++)
		if (!values_has(b, a->v[i]))
			return false;
	return true;
}

/* Lists: allow wants every element to match, deny and ask any. */
static bool wants_all(const struct row *r)
{
	return r->outcome == OUTCOME_ALLOW;
}

/* True if b is only looked at where a has matched already. */
static bool covers(const struct row *a, const struct row *b)
{
	size_t i, k;

	for (i = 0; i < a->n; i++) {
		const struct cond *x = &a->conds[i];

		if (x->arg->many && wants_all(a) && !wants_all(b))
			return false;
		for (k = 0; k < b->n; k++)
			if (b->conds[k].arg == x->arg &&
			    subset(b->conds[k].in, x->in))
				break;
		if (k == b->n)
			return false;
	}
	return true;
}

static void lint_covered(struct load *l, const struct cap *c, size_t at)
{
	const struct row *r = &c->rows[at], *over = NULL;
	size_t i;

	for (i = 0; i < c->n_rows && !over; i++) {
		const struct row *o = &c->rows[i];
		/* a deny wins wherever it stands: it is covered by another
		 * deny only, and covers what stands before it */
		bool first = i < at && (r->outcome != OUTCOME_DENY ||
					o->outcome == OUTCOME_DENY || !o->n);

		first |= o->outcome == OUTCOME_DENY &&
			 r->outcome != OUTCOME_DENY;
		if (i != at && first && covers(o, r))
			over = o;
	}
	if (!over)
		return;
	if (over->n == 0 && over < r)
		load_fault(l, r->at,
			   "a row after the unconditional row of line %u: put "
			   "it before that row, or remove it",
			   over->at.line);
	else
		load_fault(l, r->at,
			   "this can never match: the row of line %u decides "
			   "all of it; remove it",
			   over->at.line);
}

static void lint_row(struct load *l, const struct row *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		const struct cond *c = &r->conds[i];
		const char *why = never(c->arg, c->in);

		if (why && c->in->n == 1)
			load_fault(l, c->at,
				   "this can never match: \"%.*s\" %s; "
				   "remove it",
				   (int)c->in->v[0].n,
				   (const char *)c->in->v[0].p, why);
		else if (why)
			load_fault(l, c->at,
				   "this can never match: every value %s; "
				   "remove it",
				   why);
	}
}

void lint_cap(struct load *l, const struct cap *c)
{
	size_t i;

	for (i = 0; i < c->n_args; i++) {
		lint_closed(l, &c->args[i]);
		lint_origin(l, c, &c->args[i]);
	}
	for (i = 0; i < c->n_rows; i++) {
		lint_row(l, &c->rows[i]);
		lint_covered(l, c, i);
	}
}
