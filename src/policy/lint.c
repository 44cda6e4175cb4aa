/*
 * lint: arguments that cannot work. A rule that never matches is worse than
 * none: its author believes in it. So each is a load error at its own place.
 */
#include "policy/loader.h"

static bool fits_number(const struct arg *a, struct span v, const char **why)
{
	int64_t number = type_number(a->type, v);

	if (a->type == TYPE_MONEY && !span_eq(type_currency(v), a->currency)) {
		*why = "is of another currency than min and max";
		return false;
	}
	if (number >= a->min && number <= a->max)
		return true;
	*why = "is outside min and max";
	return false;
}

bool arg_fits(const struct arg *a, struct span v, const char **why)
{
	struct type_file f = { 0 };

	if (a->type == TYPE_TEXT && v.n > a->max_bytes) {
		*why = "is longer than max";
		return false;
	}
	if (a->type == TYPE_FILE &&
	    (!type_file(v, &f) || f.size > a->max_bytes)) {
		*why = "is larger than max";
		return false;
	}
	if (a->prefix.n &&
	    (v.n < a->prefix.n || memcmp(v.p, a->prefix.p, a->prefix.n) != 0)) {
		*why = "does not begin with the prefix";
		return false;
	}
	if (a->under.n && !ref_under(a->under, v)) {
		*why = "is not under the glob";
		return false;
	}
	return !type_is_number(a->type) || fits_number(a, v, why);
}

static void lint_closed(struct loader *l, const struct arg *a)
{
	const char *why = NULL;
	size_t i;

	for (i = 0; a->closed && i < a->closed->n; i++)
		if (!arg_fits(a, a->closed->v[i], &why))
			load_fault(&l->l, a->at,
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
		for (k = 0; k < c->rows[i].n; k++) {
			const struct cond *o = &c->rows[i].conds[k];

			if (o->arg == a && c->rows[i].outcome != OUTCOME_DENY &&
			    (o->kind == COND_IN || o->kind == COND_OWNER))
				return true;
		}
	return false;
}

/* The planner picks one of infinitely many values. */
static bool is_open(const struct arg *a)
{
	return !a->closed && !a->under.n && a->from & FROM_PLANNER &&
	       a->type != TYPE_BOOL;
}

static bool needs_closed(const struct arg *a)
{
	if (!is_open(a))
		return false;
	if (a->role == ROLE_TARGET || a->role == ROLE_COMMAND)
		return true;
	/* numbers have min and max, the bounds of a control; times have none
	 * that a file could know */
	return a->role == ROLE_CONTROL && !type_is_number(a->type) &&
	       a->type != TYPE_DATETIME;
}

static const char *role_name(enum arg_role r)
{
	static const char *const names[ROLE_MAX] = {
		[ROLE_TARGET] = "target",	  [ROLE_COMMAND] = "command",
		[ROLE_CREDENTIAL] = "credential", [ROLE_CONTENT] = "content",
		[ROLE_SELECTOR] = "selector",	  [ROLE_CONTROL] = "control",
	};

	return names[r];
}

/* A handle is made out of what was read, or is what the owner names. */
static void lint_handle(struct loader *l, const struct arg *a)
{
	unsigned can = FROM_HANDLE | FROM_OWNER | FROM_ENVELOPE;

	if (a->type == TYPE_HANDLE && a->role != ROLE_CREDENTIAL &&
	    !(a->from & can))
		load_fault(&l->l, a->at,
			   "this can never match: a handle comes from handle, "
			   "owner or envelope: write one of them in from");
}

static void lint_origin(struct loader *l, const struct cap *c,
			const struct arg *a)
{
	unsigned all = FROM_PLANNER | FROM_HANDLE;

	if (needs_closed(a))
		load_fault(&l->l, a->at,
			   "\"%s\" is a %s the planner chooses freely: give it "
			   "a closed list (in: SET), or from: [config]",
			   a->name, role_name(a->role));
	if (a->from == FROM_CONFIG && !a->closed && !a->under.n &&
	    a->type != TYPE_HANDLE && !named_in_rows(c, a))
		load_fault(&l->l, a->at,
			   "this can never match: \"%s\" comes from config, "
			   "but nothing here names a value: add in: SET",
			   a->name);
	if (a->floor_written && !a->closed && (a->from & all) == all)
		load_fault(&l->l, a->floor_at,
			   "this can never match: every value is of a "
			   "permitted origin, so else is never reached: remove "
			   "it");
}

void lint_cap(struct loader *l, const struct cap *c)
{
	size_t i;

	for (i = 0; i < c->n_args; i++) {
		lint_closed(l, &c->args[i]);
		lint_handle(l, &c->args[i]);
		lint_origin(l, c, &c->args[i]);
	}
	lint_rows(l, c);
	lint_memory(l, c);
}
