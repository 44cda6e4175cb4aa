/*
 * lint_rows: rows that can never decide anything, and paths that ask without
 * anybody to ask.
 *
 * A row is dead if in each of the eight states of a session another row that
 * comes first matches whatever it matches. Conditions are compared one by one:
 * this finds rows that a reader would find, not every row that logic could.
 */
#include "policy/loader.h"

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

static void lint_in(struct loader *l, const struct cond *c)
{
	const char *why = never(c->arg, c->in);

	if (why && c->in->n == 1)
		load_fault(&l->l, c->at,
			   "this can never match: \"%.*s\" %s; remove it",
			   (int)c->in->v[0].n, (const char *)c->in->v[0].p,
			   why);
	else if (why)
		load_fault(&l->l, c->at,
			   "this can never match: every value %s; remove it",
			   why);
}

/* One glob within the other. */
static bool glob_within(struct span inner, struct span outer)
{
	return inner.n >= outer.n && !memcmp(inner.p, outer.p, outer.n - 1);
}

static void lint_under(struct loader *l, const struct cond *c)
{
	const struct values *closed = c->arg->closed;
	bool any = !closed &&
		   (!c->arg->under.n || glob_within(c->under, c->arg->under) ||
		    glob_within(c->arg->under, c->under));
	size_t i;

	for (i = 0; closed && i < closed->n; i++)
		any |= ref_under(c->under, closed->v[i]);
	if (!any)
		load_fault(&l->l, c->at,
			   "this can never match: no value of this argument is "
			   "under the glob; remove it");
}

static void lint_row(struct loader *l, const struct row *r)
{
	size_t i;

	for (i = 0; i < r->n; i++) {
		const struct cond *c = &r->conds[i];

		if (!c->arg)
			continue;
		if (c->arg->role == ROLE_CREDENTIAL)
			load_fault(&l->l, c->at,
				   "this can never match: the planner never "
				   "names a credential: remove it");
		else if (c->kind == COND_IN)
			lint_in(l, c);
		else if (c->kind == COND_UNDER)
			lint_under(l, c);
	}
}

/* one row within another */

/* Every value of a is in b. */
static bool subset(const struct values *a, const struct values *b)
{
	size_t i;

	if (a == b)
		return true;
	for (i = 0; i < a->n; i++)
		if (!values_has(b, a->v[i]))
			return false;
	return true;
}

static bool all_under(const struct values *in, struct span glob)
{
	size_t i;

	for (i = 0; i < in->n; i++)
		if (!ref_under(glob, in->v[i]))
			return false;
	return true;
}

static bool time_within(const struct cond *inner, const struct cond *outer)
{
	uint32_t t;

	for (t = 0; t < WEEK_MINUTES; t++)
		if (cond_time_holds(inner, t) && !cond_time_holds(outer, t))
			return false;
	return true;
}

/* Where b holds, a does. Sessions are not compared here. */
static bool implies(const struct cond *b, const struct cond *a)
{
	if (a->arg != b->arg)
		return false;
	switch (a->kind) {
	case COND_IN:
		return b->kind == COND_IN && subset(b->in, a->in);
	case COND_SENDER_IN:
		return b->kind == COND_SENDER_IN && subset(b->in, a->in);
	case COND_UNDER:
		return (b->kind == COND_UNDER &&
			glob_within(b->under, a->under)) ||
		       (b->kind == COND_IN && all_under(b->in, a->under));
	case COND_OWNER:
	case COND_ENVELOPE:
	case COND_TASK:
		return a->kind == b->kind;
	case COND_TIME:
		return b->kind == COND_TIME && time_within(b, a);
	case COND_SESSION:
		break;
	}
	return false;
}

/* Lists: allow wants every element to match, deny and ask any. */
static bool wants_all(const struct row *r)
{
	return r->outcome == OUTCOME_ALLOW;
}

static bool state_fits(const struct row *r, unsigned state)
{
	size_t i;

	for (i = 0; i < r->n; i++)
		if (r->conds[i].kind == COND_SESSION &&
		    (state & r->conds[i].session) != r->conds[i].want)
			return false;
	return true;
}

/* True if b is only looked at where a has matched already, in that state. */
static bool covers(const struct row *a, const struct row *b, unsigned state)
{
	size_t i, k;

	if (!state_fits(a, state))
		return false;
	for (i = 0; i < a->n; i++) {
		const struct cond *x = &a->conds[i];

		if (x->kind == COND_SESSION)
			continue;
		if (x->arg && x->arg->many && wants_all(a) && !wants_all(b))
			return false;
		for (k = 0; k < b->n; k++)
			if (implies(&b->conds[k], x))
				break;
		if (k == b->n)
			return false;
	}
	return true;
}

/* The row that decides before row `at` in that state, NULL if none does. */
static const struct row *covering(const struct cap *c, size_t at,
				  unsigned state)
{
	const struct row *r = &c->rows[at];
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		const struct row *o = &c->rows[i];
		/* a deny wins wherever it stands: it is covered by another
		 * deny only, and covers what stands before it */
		bool first = i < at && (r->outcome != OUTCOME_DENY ||
					o->outcome == OUTCOME_DENY || !o->n);

		first |= o->outcome == OUTCOME_DENY &&
			 r->outcome != OUTCOME_DENY;
		if (i != at && first && covers(o, r, state))
			return o;
	}
	return NULL;
}

static void lint_covered(struct loader *l, const struct cap *c, size_t at)
{
	const struct row *r = &c->rows[at], *over = NULL, *o;
	bool several = false;
	unsigned state;

	for (state = 0; state < 1u << SESSION_BITS; state++) {
		if (!state_fits(r, state))
			continue;
		o = covering(c, at, state);
		if (!o)
			return;
		several |= over && over != o;
		over = over ? over : o;
	}
	if (!over)
		return;
	if (over->n == 0 && over < r)
		load_fault(&l->l, r->at,
			   "a row after the unconditional row of line %u: put "
			   "it before that row, or remove it",
			   over->at.line);
	else
		load_fault(&l->l, r->at,
			   "this can never match: the row%s of line %u%s "
			   "decide%s all of it; remove it",
			   several ? "s" : "", over->at.line,
			   several ? " and others" : "", several ? "" : "s");
}

/* who is asked */

static void needs_approve(struct loader *l, struct yaml_place at)
{
	load_fault(&l->l, at,
		   "this asks, but the capability has no \"approve\": add it, "
		   "e.g. approve: {who: owner, via: [cli], ttl: 12h}");
}

bool cap_asks(const struct cap *c)
{
	bool any = false;
	size_t i;

	for (i = 0; i < c->n_args; i++)
		any |= c->args[i].floor == OUTCOME_ASK;
	for (i = 0; i < c->n_rows; i++)
		any |= c->rows[i].outcome == OUTCOME_ASK;
	return any;
}

/* Each place that can ask needs somebody to ask. */
static void lint_asks(struct loader *l, const struct cap *c)
{
	size_t i;

	for (i = 0; i < c->n_args; i++)
		if (c->args[i].floor == OUTCOME_ASK)
			needs_approve(l, c->args[i].floor_written
						 ? c->args[i].floor_at
						 : c->args[i].at);
	for (i = 0; i < c->n_rows; i++)
		if (c->rows[i].outcome == OUTCOME_ASK)
			needs_approve(l, c->rows[i].at);
}

void lint_rows(struct loader *l, const struct cap *c)
{
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		lint_row(l, &c->rows[i]);
		lint_covered(l, c, i);
	}
	if (!c->approve.at.line)
		lint_asks(l, c);
}
