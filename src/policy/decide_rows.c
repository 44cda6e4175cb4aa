/*
 * decide_rows: the rows of decide. Any deny that matches wins; else the first
 * row that matches decides; no row is a no.
 */
#include <stdio.h>
#include <strings.h>

#include "policy/decide_inner.h"

static bool is_envelope(const struct deciding *d, const struct given *g)
{
	const struct arg_context *c = d->in->context;
	const struct arg_value *v = value_of(d, g);
	const struct arg_part *p = &d->d->resolved.parts[v->first];
	size_t i;

	if (!d->in->task_item || !(origins_of(d, g) & ORIGIN_ENVELOPE))
		return false;
	/* a handle of a reader's is what the item says, not its envelope */
	if (p->handle && v->n_parts == 1 && p->origins & ORIGIN_ENVELOPE)
		return p->handle->item == d->in->task_item;
	for (i = 0; i < c->n_facts; i++)
		if (c->facts[i].item == d->in->task_item &&
		    c->facts[i].type == g->arg->type &&
		    span_eq(c->facts[i].value, g->v) &&
		    may_answer(d, g, c->facts[i].label, c->facts[i].item))
			return true;
	return false;
}

/* The list has the value. A row that refuses or asks takes an address however
 * it is spelled: most providers deliver Eve@ and eve@ to one box, and which of
 * them it is the other side chooses. */
static bool listed(const struct values *in, struct span v, bool exact)
{
	size_t i;

	if (exact || in->type != TYPE_EMAIL)
		return values_has(in, v);
	for (i = 0; i < in->n; i++)
		if (in->v[i].n == v.n && !strncasecmp((const char *)in->v[i].p,
						      (const char *)v.p, v.n))
			return true;
	return false;
}

/* The provider vouches for a sender of what the handle refers to, and he is in
 * the list. */
static bool sender_in(const struct deciding *d, const struct cond *c,
		      const struct given *g, bool exact)
{
	const struct handle *h = value_of(d, g)->handle;
	const struct decide_item *it = h ? item_of(d, h->item) : NULL;

	return it && it->sender.n && it->source == &c->arg->of->row &&
	       listed(c->in, it->sender, exact);
}

static bool value_meets(const struct deciding *d, const struct cond *c,
			const struct given *g, bool exact)
{
	const struct handle *h;

	switch (c->kind) {
	case COND_IN:
		return listed(c->in, g->v, exact);
	case COND_UNDER:
		return ref_under(c->under, g->v);
	case COND_OWNER:
		return names_owner(d, g->arg, g->v);
	case COND_ENVELOPE:
		return is_envelope(d, g);
	case COND_TASK:
		h = value_of(d, g)->handle;
		return h && h->item && h->item == d->in->task_item;
	case COND_SENDER_IN:
		return sender_in(d, c, g, exact);
	case COND_SESSION:
	case COND_TIME:
		break;
	}
	return false;
}

/* What compares bytes tells of them; of a sender by his handle it is known. */
static bool tells(const struct deciding *d, const struct cond *c,
		  const struct given *g)
{
	const struct arg_value *v = value_of(d, g);
	const struct handle *h = d->d->resolved.parts[v->first].handle;

	if (!v->hidden)
		return false;
	if (c->kind == COND_ENVELOPE)
		return !h || h->origin != ORIGIN_ENVELOPE;
	return c->kind == COND_IN || c->kind == COND_UNDER ||
	       c->kind == COND_OWNER;
}

static bool arg_holds(struct deciding *d, const struct cond *c, bool all)
{
	size_t i, seen = 0, hits = 0;

	for (i = 0; i < d->n; i++) {
		const struct given *g = &d->given[i];

		if (g->arg != c->arg)
			continue;
		seen++;
		hits += value_meets(d, c, g, all);
		d->d->hidden |= tells(d, c, g);
	}
	return seen && (all ? hits == seen : hits > 0);
}

static bool cond_holds(struct deciding *d, const struct cond *c, bool all)
{
	if (c->kind == COND_SESSION)
		return (d->in->session & c->session) == c->want;
	if (c->kind != COND_TIME)
		return arg_holds(d, c, all);
	if (!d->p->zone) {
		d->failed = true;
		return false;
	}
	return cond_time_holds(
		c, zone_week_minute(d->p->zone, (int64_t)d->in->wall_s));
}

static const char *cond_name(const struct cond *c)
{
	if (c->arg)
		return c->arg->name;
	return c->kind == COND_TIME ? "time" : "session";
}

static const char *row_word(const struct row *r)
{
	if (r->outcome == OUTCOME_ALLOW)
		return "allow";
	return r->outcome == OUTCOME_ASK ? "ask" : "deny";
}

/* An allow needs every element of a list to match; deny and ask need one. All
 * conditions are looked at: which one failed shall not show. */
static bool row_matches(struct deciding *d, const struct row *r)
{
	bool all = r->outcome == OUTCOME_ALLOW, matches = true;
	size_t i, number = (size_t)(r - d->cap->rows) + 1;

	for (i = 0; i < r->n; i++) {
		if (cond_holds(d, &r->conds[i], all))
			continue;
		explain(d, "row %zu (%s, line %u) does not match: %s", number,
			row_word(r), r->at.line, cond_name(&r->conds[i]));
		matches = false;
	}
	if (matches)
		explain(d, "row %zu (%s, line %u) matches", number, row_word(r),
			r->at.line);
	return matches;
}

static struct standing at_row(const struct deciding *d, const struct row *r)
{
	return (struct standing){ .outcome = r->outcome,
				  .by = DECIDED_ROW,
				  .row = (uint32_t)(r - d->cap->rows),
				  .at = r->at };
}

void apply_deny_rows(struct deciding *d)
{
	size_t i;

	for (i = 0; i < d->cap->n_rows; i++) {
		const struct row *r = &d->cap->rows[i];

		if (r->outcome == OUTCOME_DENY && row_matches(d, r))
			stand(d, at_row(d, r), "the policy refuses this call");
	}
}

void apply_rows(struct deciding *d)
{
	size_t i;

	for (i = 0; i < d->cap->n_rows; i++) {
		const struct row *r = &d->cap->rows[i];

		if (r->outcome == OUTCOME_DENY || !row_matches(d, r))
			continue;
		stand(d, at_row(d, r), "%s",
		      r->outcome == OUTCOME_ASK ? "the owner is asked" : "");
		return;
	}
	stand(d,
	      (struct standing){ .outcome = OUTCOME_DENY,
				 .by = DECIDED_DEFAULT,
				 .at = d->cap->at },
	      "no row of the policy allows this call");
}
