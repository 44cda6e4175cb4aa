/*
 * decide_origin: where a value comes from, and whether the policy takes it from
 * there. A value of another origin sets a floor: `else`.
 */
#include <stdio.h>

#include "base/str.h"
#include "policy/decide_inner.h"
#include "policy/stamp.h"

/* Origins that a value has because its bytes are equal to something. */
enum { BY_BYTES = ORIGIN_CONFIG | ORIGIN_OWNER | ORIGIN_ENVELOPE };

const struct decide_item *item_of(const struct deciding *d, uint64_t item)
{
	size_t i;

	for (i = 0; item && i < d->in->n_items; i++)
		if (d->in->items[i].item == item)
			return &d->in->items[i];
	return NULL;
}

/* A row of this capability names the value: what a row refuses is named, but
 * not trusted. */
static bool in_rows(const struct deciding *d, const struct arg *a,
		    struct span v)
{
	size_t i, k;

	for (i = 0; i < d->cap->n_rows; i++) {
		const struct row *r = &d->cap->rows[i];

		for (k = 0; k < r->n && r->outcome != OUTCOME_DENY; k++) {
			const struct cond *c = &r->conds[k];

			if (c->arg != a)
				continue;
			if (c->kind == COND_IN && values_has(c->in, v))
				return true;
			if (c->kind == COND_OWNER && names_owner(d, a, v))
				return true;
		}
	}
	return false;
}

bool policy_names(const void *want, enum arg_type t, struct span v)
{
	const struct named *n = want;
	const struct arg *a = n->arg;

	if (t != a->type)
		return false;
	if (a->closed)
		return values_has(a->closed, v);
	return a->under.n ? ref_under(a->under, v) : in_rows(n->d, a, v);
}

const struct handle *answered(const struct deciding *d)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->given[i].arg->type == TYPE_HANDLE &&
		    d->given[i].arg->role == ROLE_SELECTOR)
			return value_of(d, &d->given[i])->handle;
	return NULL;
}

/* The call is about that item: a handle of it is more than content. */
static bool is_about(const struct deciding *d, uint64_t item)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->given[i].arg->type == TYPE_HANDLE &&
		    d->given[i].arg->role != ROLE_CONTENT &&
		    value_of(d, &d->given[i])->handle->item == item)
			return true;
	return false;
}

/* The value is where an answer to the task's item goes, and nothing else. */
static bool is_answer(const struct deciding *d, const struct given *g,
		      uint64_t item)
{
	const struct decide_item *it = item_of(d, item);
	size_t i, n = 0;

	for (i = 0; i < d->n; i++)
		n += d->given[i].arg->role == ROLE_TARGET;
	return it && item == d->in->task_item && n == 1 && it->chat.n &&
	       span_eq(it->chat, g->v);
}

/* An id is one of the provider that it is of, and of no other. */
static bool same_provider(const struct deciding *d, const struct given *g,
			  uint64_t item)
{
	const struct decide_item *it = item_of(d, item);
	const struct source *s = it ? source_of(d->p, it->source) : NULL;
	const char *space = cap_space(d);

	return g->arg->type != TYPE_ID || !s || !space ||
	       !strcmp(space, source_space(s));
}

bool may_answer(const struct deciding *d, const struct given *g,
		const struct label *l, uint64_t item)
{
	if (!same_provider(d, g, item))
		return false;
	return l->integrity >= INTEGRITY_KNOWN || is_about(d, item) ||
	       is_answer(d, g, item);
}

/* One of the facts has this value, and it may be used here. */
static bool from_fact(const struct deciding *d, const struct given *g)
{
	const struct arg_context *c = d->in->context;
	size_t i;

	for (i = 0; i < c->n_facts; i++)
		if (c->facts[i].type == g->arg->type &&
		    span_eq(c->facts[i].value, g->v) &&
		    may_answer(d, g, c->facts[i].label, c->facts[i].item))
			return true;
	return false;
}

/* What the part can be taken for here. */
static unsigned part_origins(const struct deciding *d, const struct given *g,
			     const struct arg_part *p)
{
	unsigned o = p->origins;

	if (!(o & ORIGIN_ENVELOPE))
		return o;
	if (p->handle ? may_answer(d, g, &p->handle->label, p->handle->item)
		      : from_fact(d, g))
		return o;
	return o & ~(unsigned)ORIGIN_ENVELOPE;
}

unsigned origins_of(const struct deciding *d, const struct given *g)
{
	const struct arg_value *v = value_of(d, g);
	unsigned o = v->member;

	if (o & ORIGIN_ENVELOPE && !from_fact(d, g))
		o &= ~(unsigned)ORIGIN_ENVELOPE;
	if (v->n_parts == 1)
		o |= part_origins(d, g, &d->d->resolved.parts[v->first]);
	return o;
}

/* Every part comes from there, whatever its bytes are. But for texts, parts in
 * a row are another value, which the planner made. */
static bool parts_permitted(const struct deciding *d, const struct given *g)
{
	const struct arg_value *v = value_of(d, g);
	size_t i;

	if (v->n_parts > 1 && g->arg->type != TYPE_TEXT &&
	    !(g->arg->from & FROM_PLANNER))
		return false;
	for (i = 0; i < v->n_parts; i++)
		if (!(part_origins(d, g, &d->d->resolved.parts[v->first + i]) &
		      g->arg->from))
			return false;
	return v->n_parts > 0;
}

static bool origin_permitted(struct deciding *d, const struct given *g)
{
	if (g->arg->role == ROLE_CREDENTIAL)
		return false;
	if (parts_permitted(d, g))
		return true;
	/* Whether hidden bytes are a word of the owner's, or of the policy's,
	 * is told either way. */
	d->d->hidden |= value_of(d, g)->hidden && g->arg->type != TYPE_HANDLE &&
			g->arg->from & BY_BYTES;
	return origins_of(d, g) & g->arg->from;
}

bool content_permitted(struct deciding *d)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->given[i].arg->role == ROLE_CONTENT &&
		    !origin_permitted(d, &d->given[i]))
			return false;
	return true;
}

static void write_origins(char *dst, size_t cap, unsigned from)
{
	unsigned o;
	int n = 0;

	dst[0] = 0;
	for (o = ORIGIN_CONFIG; o <= ORIGIN_PLANNER && n >= 0; o <<= 1)
		if (from & o)
			n += str_printf(dst + n, cap - (size_t)n, "%s%s",
					n ? " or " : "",
					origin_name((enum origin)o));
}

static void apply_floor(struct deciding *d, const struct given *g)
{
	const struct arg *a = g->arg;
	const bool outside = a->closed && !values_has(a->closed, g->v);
	struct standing s = { .outcome = a->floor,
			      .by = DECIDED_ARG,
			      .what = a->name,
			      .at = a->at };
	char text[QUOTE_MAX], origins[64];

	if (a->closed && a->type != TYPE_HANDLE)
		d->d->hidden |= value_of(d, g)->hidden;
	if (!outside && origin_permitted(d, g))
		return;
	write_origins(origins, sizeof(origins), a->from);
	if (outside && a->closed->set)
		stand(d, s, "%s: %s is not in the set %s", a->name,
		      quote_given(text, d, g), a->closed->set);
	else if (outside || a->from == FROM_CONFIG)
		stand(d, s, "%s: %s is not one of the values the policy names",
		      a->name, quote_given(text, d, g));
	else
		stand(d, s, "%s: %s does not come from %s", a->name,
		      quote_given(text, d, g), origins);
}

void apply_floors(struct deciding *d)
{
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->given[i].arg->floor != OUTCOME_ALLOW)
			apply_floor(d, &d->given[i]);
}
