/*
 * decide_flow: whom the content of a call would come to, and whether each byte
 * of it may go there. It is looked at by itself: a recipient who is in order
 * does not make the content so.
 */
#include "policy/decide_inner.h"
#include "policy/stamp.h"

struct recipients {
	size_t n, n_items;
	/* one more than the rule takes: then it refuses */
	uint32_t who[FLOW_RECIPIENTS + 1];
	uint32_t items[FLOW_THREAD_ITEMS + 1];
};

static void add_who(struct recipients *r, uint32_t who)
{
	if (r->n <= FLOW_RECIPIENTS)
		r->who[r->n++] = who;
}

/* A principal by name; where there is no room for it, nothing is decided. */
static uint32_t principal(struct deciding *d, const char *space, struct span id)
{
	uint32_t who = d->in->atoms ? atoms_principal(d->in->atoms,
						      span_str(space), id)
				    : ATOM_NONE;

	d->failed |= who == ATOM_NONE;
	return who;
}

const char *cap_space(const struct deciding *d)
{
	size_t i;

	for (i = 0; i < d->p->n_sources; i++)
		if (!strcmp(d->p->sources[i].row.connector, d->cap->connector))
			return source_space(&d->p->sources[i]);
	return NULL;
}

/* A row says that values of this argument can be the owner. */
static bool rows_know_owner(const struct cap *c, const struct arg *a)
{
	size_t i, k;

	for (i = 0; i < c->n_rows; i++)
		for (k = 0; k < c->rows[i].n; k++)
			if (c->rows[i].conds[k].arg == a &&
			    c->rows[i].conds[k].kind == COND_OWNER)
				return true;
	return false;
}

bool names_owner(const struct deciding *d, const struct arg *a, struct span v)
{
	const struct principal *o = &d->p->principals[0];
	const char *space = cap_space(d);
	struct span own = { 0 };

	if (a->type == TYPE_EMAIL || !space)
		return principal_is(o, a->type, v);
	if (!strcmp(space, "telegram"))
		own = o->telegram;
	else if (!strcmp(space, "slack"))
		own = o->slack;
	else if (!strcmp(space, "github"))
		own = o->github;
	return own.n && span_eq(own, v);
}

/* Of a provider that is not known the policy has to say so. */
static bool is_owner(const struct deciding *d, const struct given *g)
{
	return names_owner(d, g->arg, g->v) &&
	       (g->arg->type == TYPE_EMAIL || cap_space(d) ||
		rows_know_owner(d->cap, g->arg));
}

/* Who reads what is written to the item that a handle is of. */
static void add_readers(const struct deciding *d, struct recipients *r,
			const struct handle *h)
{
	const struct decide_item *it = item_of(d, h->item);
	const struct source *s = it ? source_of(d->p, it->source) : NULL;
	uint8_t i;

	if (!s)
		add_who(r, ATOM_NONE);
	else if (s->audience == AUDIENCE_PUBLIC)
		add_who(r, PRINCIPAL_EVERYONE);
	else if (s->audience == AUDIENCE_REPO &&
		 h->label.audience == READ_BY_SOME)
		for (i = 0; i < h->label.n_readers; i++)
			add_who(r, h->label.readers[i]);
	else
		add_who(r, it->sender_who);
}

/* Values of other types are not whom, only where within. */
static void add_target(struct deciding *d, struct recipients *r,
		       const struct given *g)
{
	static const char *const spaces[TYPE_MAX] = {
		[TYPE_EMAIL] = "email", [TYPE_REPO] = "repo", [TYPE_URL] = "url"
	};
	const enum arg_type t = g->arg->type;
	const char *space = t == TYPE_ID ? cap_space(d) : spaces[t];

	if (t == TYPE_HANDLE)
		add_readers(d, r, value_of(d, g)->handle);
	else if ((t == TYPE_EMAIL || t == TYPE_ID) && is_owner(d, g))
		add_who(r, PRINCIPAL_OWNER);
	else if (t == TYPE_ID && !space)
		/* of a provider that is not known: in nobody's audience */
		add_who(r, principal(d, d->cap->connector, g->v));
	else if (space)
		add_who(r, principal(d, space, g->v));
}

/* Provider-side ids of one authenticated sender. Mail has none: what says
 * there to what a message belongs is its sender's claim. */
static bool same_thread(const struct deciding *d, const struct decide_item *a,
			const struct decide_item *b)
{
	const struct source *s = source_of(d->p, a->source);

	return a == b ||
	       (s && source_sender_type(s) != TYPE_EMAIL &&
		a->source == b->source && a->sender_who != ATOM_NONE &&
		a->sender_who == b->sender_who && a->chat.n &&
		span_eq(a->chat, b->chat));
}

static void add_thread(const struct deciding *d, struct recipients *r,
		       const struct handle *h)
{
	const struct decide_item *it = item_of(d, h->item);
	size_t i;

	for (i = 0; it && i < d->in->n_items; i++)
		if (same_thread(d, it, &d->in->items[i]) &&
		    r->n_items <= FLOW_THREAD_ITEMS)
			r->items[r->n_items++] = d->in->items[i].atom;
}

/* Targets; without any, whoever the handles are about; without those, and with
 * targets that say nothing of whom, the place is one that everybody may come
 * by. */
static void find_recipients(struct deciding *d, struct recipients *r)
{
	const struct handle *h = answered(d);
	bool targets = false;
	size_t i;

	for (i = 0; i < d->n; i++) {
		if (d->given[i].arg->role != ROLE_TARGET)
			continue;
		add_target(d, r, &d->given[i]);
		targets = true;
	}
	if (h)
		add_thread(d, r, h);
	for (i = 0; !targets && i < d->n; i++)
		if (d->given[i].arg->type == TYPE_HANDLE &&
		    d->given[i].arg->role == ROLE_SELECTOR)
			add_readers(d, r, value_of(d, &d->given[i])->handle);
	if (!r->n)
		add_who(r, PRINCIPAL_EVERYONE);
}

static void apply_flow(struct deciding *d, const struct given *g,
		       const struct flow_to *to)
{
	struct arg_value *v = value_of(d, g);
	const struct arg *a = g->arg;
	const char *why = NULL;
	size_t i;

	if (a->type == TYPE_TEXT && d->cap->effect == EFFECT_EXTERNAL &&
	    d->in->context->gram &&
	    args_copied(&d->d->resolved, v, d->in->context->gram) < 0) {
		d->failed = true;
		return;
	}
	for (i = 0; i < v->n_parts && !why; i++)
		why = flow_refuses(
			a->flow, &d->d->resolved.parts[v->first + i].label, to);
	if (!why) {
		explain(d, "%s: %s holds", a->name, flow_name(a->flow));
		return;
	}
	stand(d,
	      (struct standing){ .outcome = OUTCOME_DENY,
				 .by = DECIDED_FLOW,
				 .what = a->name,
				 .at = a->flow_at.line ? a->flow_at : a->at },
	      "%s: %s", a->name, why);
}

void apply_flows(struct deciding *d)
{
	struct recipients r = { 0 };
	struct flow_to to = { .who = r.who,
			      .items = r.items,
			      .atoms = d->in->atoms };
	bool any = false;
	size_t i;

	for (i = 0; i < d->n; i++)
		any |= d->given[i].arg->flow != FLOW_NONE;
	if (!any)
		return;
	find_recipients(d, &r);
	to.n = r.n;
	to.n_items = r.n_items;
	for (i = 0; i < d->n && !d->failed; i++)
		if (d->given[i].arg->flow != FLOW_NONE)
			apply_flow(d, &d->given[i], &to);
}
