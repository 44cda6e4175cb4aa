/*
 * decide: the verdict on one call. Pure: a policy, a call, a time.
 *
 * Closed world: what the capability does not declare is refused. Every
 * argument is brought into canonical form and checked, then origins set a
 * floor, then the rows are read; the strictest stands. The verdict is deny
 * from the first line on, and one statement alone changes it: whatever goes
 * wrong on the way leaves a refusal.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"
#include "policy/model.h"

enum { QUOTE_MAX = 200 };

/* One value of the call, in canonical form. */
struct given {
	const struct arg *arg;
	const struct m_arg *raw;
	size_t off, n; /* in canon */
	struct span v; /* set once canon stays where it is */
};

struct decision {
	struct policy *p;
	const struct cap *cap;
	const struct m_call *call;
	struct buf *canon;
	struct policy_decision *ret;
	size_t n;
	struct given given[LIMIT_ARGS];
	bool refused;
};

/* A planner's word inside our sentence: visible ASCII, quoted and cut. */
static const char *quote(char dst[QUOTE_MAX], struct span s)
{
	size_t n = 0, i;

	dst[n++] = '"';
	for (i = 0; i < s.n && n < QUOTE_MAX - 12; i++) {
		uint8_t c = s.p[i];

		if (c >= 0x20 && c < 0x7f)
			dst[n++] = (char)c;
		else
			n += (size_t)snprintf(dst + n, 5, "\\x%02x", c);
	}
	(void)snprintf(dst + n, 8, i < s.n ? "...\"" : "\"");
	return dst;
}

static void clause_at(struct decision *d, struct yaml_place at,
		      const char *what)
{
	(void)str_printf(d->ret->clause, sizeof(d->ret->clause),
			 "%.120s:%u:%u %.40s", yaml_name(d->p->y), at.line,
			 at.column, what);
}

/* The first refusal stands; later ones change nothing. */
static void refuse(struct decision *d, struct yaml_place at, const char *fmt,
		   ...) __attribute__((format(printf, 3, 4)));

static void refuse(struct decision *d, struct yaml_place at, const char *fmt,
		   ...)
{
	va_list ap;

	if (d->refused)
		return;
	d->refused = true;
	clause_at(d, at, "deny");
	va_start(ap, fmt);
	(void)vsnprintf(d->ret->reason, sizeof(d->ret->reason), fmt, ap);
	va_end(ap);
}

static struct cap *find_cap(const struct policy *p, struct span name)
{
	size_t i;

	for (i = 0; i < p->n_caps; i++)
		if (span_is(name, p->caps[i]->name))
			return p->caps[i];
	return NULL;
}

static bool json_fits(enum arg_type t, uint8_t json)
{
	switch (t) {
	case TYPE_TEXT:
	case TYPE_EMAIL:
	case TYPE_ID:
	case TYPE_ENUM:
	case TYPE_HANDLE:
	case TYPE_URL:
	case TYPE_REPO:
	case TYPE_REF:
	case TYPE_FILE:
	case TYPE_DATETIME:
	case TYPE_MONEY:
		return json == ARG_STRING;
	case TYPE_INT:
		return json == ARG_INTEGER;
	case TYPE_NUMBER:
		return json == ARG_INTEGER || json == ARG_NUMBER;
	case TYPE_BOOL:
		return json == ARG_BOOL;
	case TYPE_MAX:
		break;
	}
	return false;
}

static struct span canon_at(const struct decision *d, const struct given *g)
{
	return buf_part(d->canon, g->off, g->n);
}

/* Type, canonical form and bounds of one value. */
static void take_value(struct decision *d, const struct arg *a,
		       const struct m_arg *raw)
{
	struct given *g = &d->given[d->n];
	char text[QUOTE_MAX];
	const char *why;

	if (!json_fits(a->type, raw->json)) {
		refuse(d, a->at, "%s: a value of type %s belongs here", a->name,
		       type_name(a->type));
		return;
	}
	*g = (struct given){ .arg = a, .raw = raw, .off = d->canon->n };
	why = type_canon(a->type, a->lines, raw->value, d->canon);
	if (why) {
		refuse(d, a->at, "%s: %s %s", a->name, quote(text, raw->value),
		       why);
		return;
	}
	g->n = d->canon->n - g->off;
	if (!buf_ok(d->canon)) {
		refuse(d, a->at, "internal error: no room for the arguments");
		return;
	}
	if (!arg_fits(a, canon_at(d, g), &why)) {
		refuse(d, a->at, "%s: %s %s", a->name, quote(text, raw->value),
		       why);
		return;
	}
	d->n++;
}

/* All rows of the call that carry this argument. */
static void take_arg(struct decision *d, const struct arg *a)
{
	const struct m_call *c = d->call;
	uint32_t i, count = 0;

	for (i = 0; i < c->n; i++) {
		const struct m_arg *raw = &c->args[i];

		if (!span_is(raw->name, a->name))
			continue;
		count++;
		if (a->many && raw->shape != ARG_ELEMENT)
			refuse(d, a->at,
			       "%s: a list of 1 to %u values belongs here",
			       a->name, a->many);
		else if (!a->many && raw->shape != ARG_SCALAR)
			refuse(d, a->at,
			       "%s: one value belongs here, not a "
			       "list",
			       a->name);
		else if (count > (a->many ? a->many : 1))
			refuse(d, a->at,
			       a->many ? "%s: more than %u values"
				       : "%s: given more than once",
			       a->name, a->many);
		else
			take_value(d, a, raw);
		if (d->refused)
			return;
	}
	if (!count && !a->optional)
		refuse(d, a->at, "%s: this argument is missing", a->name);
}

static void take_args(struct decision *d)
{
	char text[QUOTE_MAX];
	uint32_t i;
	size_t k;

	if (d->call->n > LIMIT_ARGS) {
		refuse(d, d->cap->at, "more than %d arguments", LIMIT_ARGS);
		return;
	}
	for (i = 0; i < d->call->n; i++)
		if (!cap_arg(d->cap, d->call->args[i].name))
			refuse(d, d->cap->at, "unknown argument %s",
			       quote(text, d->call->args[i].name));
	for (k = 0; k < d->cap->n_args && !d->refused; k++)
		take_arg(d, &d->cap->args[k]);
	for (k = 0; k < d->n; k++)
		d->given[k].v = canon_at(d, &d->given[k]);
}

static void refuse_twins(struct decision *d)
{
	char text[QUOTE_MAX];
	size_t i, k;

	for (i = 0; i < d->n; i++)
		for (k = 0; k < i; k++)
			if (d->given[i].arg == d->given[k].arg &&
			    span_eq(d->given[i].v, d->given[k].v))
				refuse(d, d->given[i].arg->at,
				       "%s: %s is in the list twice",
				       d->given[i].arg->name,
				       quote(text, d->given[i].v));
}

/* The value is one that a row of this capability names. */
static bool in_rows(const struct decision *d, const struct given *g)
{
	size_t i, k;

	for (i = 0; i < d->cap->n_rows; i++) {
		const struct row *r = &d->cap->rows[i];

		/* what a row refuses is named, but not trusted */
		for (k = 0; k < r->n && r->outcome != OUTCOME_DENY; k++)
			if (r->conds[k].arg == g->arg &&
			    r->conds[k].kind == COND_IN &&
			    values_has(r->conds[k].in, g->v))
				return true;
	}
	return false;
}

static bool origin_permitted(const struct decision *d, const struct given *g)
{
	if (g->arg->role == ROLE_CREDENTIAL)
		return false;
	if (g->arg->closed)
		return values_has(g->arg->closed, g->v);
	if (g->arg->from & FROM_PLANNER)
		return true;
	return g->arg->from & FROM_CONFIG && in_rows(d, g);
}

/* What needs more than the value is refused before a broker runs on it. */
static bool value_meets(const struct cond *c, struct span v)
{
	if (c->kind == COND_UNDER)
		return ref_under(c->under, v);
	return c->kind == COND_IN && values_has(c->in, v);
}

static bool cond_holds(const struct decision *d, const struct cond *c, bool all)
{
	size_t i, seen = 0, hits = 0;

	for (i = 0; i < d->n; i++) {
		if (d->given[i].arg != c->arg)
			continue;
		seen++;
		hits += value_meets(c, d->given[i].v);
	}
	return seen && (all ? hits == seen : hits > 0);
}

/* An allow needs every element of a list to match; deny and ask need one. */
static bool row_matches(const struct decision *d, const struct row *r)
{
	bool all = r->outcome == OUTCOME_ALLOW;
	size_t i;

	for (i = 0; i < r->n; i++)
		if (!cond_holds(d, &r->conds[i], all))
			return false;
	return true;
}

static void refuse_ask(struct decision *d, struct yaml_place at)
{
	if (d->refused)
		return;
	refuse(d, at, "approvals are not built yet");
	clause_at(d, at, "ask");
}

/* A value of another origin: the strictest floor of all values decides. */
static void apply_floors(struct decision *d)
{
	const struct given *worst = NULL;
	char text[QUOTE_MAX];
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct given *g = &d->given[i];

		if (g->arg->floor != OUTCOME_ALLOW && !origin_permitted(d, g) &&
		    (!worst || g->arg->floor > worst->arg->floor))
			worst = g;
	}
	if (!worst)
		return;
	if (worst->arg->floor == OUTCOME_ASK) {
		refuse_ask(d, worst->arg->at);
		return;
	}
	if (worst->arg->closed && worst->arg->closed->set)
		refuse(d, worst->arg->at, "%s: %s is not in the set %s",
		       worst->arg->name, quote(text, worst->v),
		       worst->arg->closed->set);
	else
		refuse(d, worst->arg->at,
		       "%s: %s is not one of the values the policy names",
		       worst->arg->name, quote(text, worst->v));
}

/* Any deny, else the first row that matches, else deny. */
static const struct row *find_row(const struct decision *d)
{
	const struct row *first = NULL;
	size_t i;

	for (i = 0; i < d->cap->n_rows; i++) {
		const struct row *r = &d->cap->rows[i];

		if (!row_matches(d, r))
			continue;
		if (r->outcome == OUTCOME_DENY)
			return r;
		if (!first)
			first = r;
	}
	return first;
}

static bool rate_open(const struct cap *c, uint64_t now_s)
{
	return c->rate.n < c->limits.rate.most ||
	       now_s - c->rate.ring[c->rate.oldest] >= c->limits.rate.window_s;
}

static void rate_take(struct policy *p, struct cap *c, uint64_t now_s)
{
	uint32_t most = (uint32_t)c->limits.rate.most;
	struct rate *r = &c->rate;

	p->taken = c;
	p->taken_grew = r->n < most;
	if (p->taken_grew) {
		r->ring[(r->oldest + r->n++) % most] = now_s;
		return;
	}
	p->taken_over = r->ring[r->oldest];
	r->ring[r->oldest] = now_s;
	r->oldest = (r->oldest + 1) % most;
}

void policy_give_back(struct policy *p)
{
	struct cap *c = p->taken;
	uint32_t most;

	p->taken = NULL;
	if (!c)
		return;
	if (p->taken_grew) {
		c->rate.n--;
		return;
	}
	most = (uint32_t)c->limits.rate.most;
	c->rate.oldest = (c->rate.oldest + most - 1) % most;
	c->rate.ring[c->rate.oldest] = p->taken_over;
}

/* The canonical arguments, in the order of the schema. */
static void hand_out(struct decision *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		struct m_arg *a = &d->ret->args[i];

		*a = *d->given[i].raw;
		a->name = span_str(d->given[i].arg->name);
		a->value = d->given[i].v;
	}
	d->ret->n = (uint32_t)d->n;
}

static void evaluate(struct decision *d, struct cap *c, uint64_t now_s)
{
	const struct row *row;

	take_args(d);
	if (d->refused)
		return;
	refuse_twins(d);
	row = find_row(d);
	if (row && row->outcome == OUTCOME_DENY)
		refuse(d, row->at, "the policy refuses this call");
	apply_floors(d);
	if (!row)
		refuse(d, c->at, "no row of the policy allows this call");
	else if (!d->refused && row->outcome == OUTCOME_ASK)
		refuse_ask(d, row->at);
	if (!d->refused && !rate_open(c, now_s)) {
		refuse(d, c->limits.rate.at, "the limit of %s is used up",
		       c->limits.rate.text);
		clause_at(d, c->limits.rate.at, "limit");
	}
	if (d->refused || !row || row->outcome != OUTCOME_ALLOW)
		return;
	rate_take(d->p, c, now_s);
	hand_out(d);
	clause_at(d, row->at, "allow");
	d->ret->connector = c->connector;
	d->ret->reason[0] = 0;
	d->ret->verdict = VERDICT_ALLOW;
}

void policy_decide(struct policy *p, const struct m_call *call, uint64_t now_s,
		   struct buf *canon, struct policy_decision *ret)
{
	struct decision d = {
		.p = p, .call = call, .canon = canon, .ret = ret
	};
	char text[QUOTE_MAX];
	struct cap *c;

	*ret = (struct policy_decision){ .verdict = VERDICT_DENY };
	(void)str_printf(ret->clause, sizeof(ret->clause), "default deny");
	(void)str_printf(ret->reason, sizeof(ret->reason), "internal error");
	buf_reset(canon);
	p->taken = NULL;
	if (now_s > p->last_s)
		p->last_s = now_s;
	c = find_cap(p, call->capability);
	if (!c) {
		quote(text, call->capability);
		(void)str_printf(ret->clause, sizeof(ret->clause),
				 "default deny: no capability %.150s", text);
		(void)str_printf(ret->reason, sizeof(ret->reason),
				 "the policy has no capability %s", text);
		return;
	}
	d.cap = c;
	evaluate(&d, c, p->last_s);
}
