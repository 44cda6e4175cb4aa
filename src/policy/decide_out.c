/*
 * decide_out: what the caller gets of a call that is allowed or asks: the
 * values as they leave, how each came about, who executes it and who is asked.
 */
#include <stdio.h>

#include "base/str.h"
#include "policy/decide_inner.h"

static uint8_t json_of(const struct given *g)
{
	static const uint8_t json[TYPE_MAX] = { [TYPE_INT] = ARG_INTEGER,
						[TYPE_NUMBER] = ARG_NUMBER,
						[TYPE_BOOL] = ARG_BOOL };

	if (g->arg->type == TYPE_NUMBER && g->raw->json == ARG_INTEGER)
		return ARG_INTEGER;
	return json[g->arg->type] ? json[g->arg->type] : ARG_STRING;
}

/* chips */

/* Bytes of a text by where they are from. */
struct share {
	size_t own, read, all;
	const struct handle *from; /* the first */
	bool several;
};

static struct share share_of(const struct deciding *d,
			     const struct arg_value *v)
{
	struct share s = { 0 };
	size_t i;

	for (i = 0; i < v->n_parts; i++) {
		const struct arg_part *p = &d->d->resolved.parts[v->first + i];

		s.all += p->n;
		if (!p->handle) {
			s.own += p->n;
			continue;
		}
		s.read += p->n;
		s.several |= s.from && s.from != p->handle;
		if (!s.from)
			s.from = p->handle;
	}
	return s;
}

static unsigned percent(size_t part, size_t all)
{
	return all ? (unsigned)((part * 100 + all / 2) / all) : 0;
}

enum { SOURCE = HANDLE_KIND_MAX + 32 };

/* What the owner knows it by: a number of ours, not the planner's. */
static void source_of(const struct handle *h, char dst[SOURCE])
{
	if (h->item)
		(void)str_printf(dst, SOURCE, "%s of item %llu", h->kind,
				 (unsigned long long)h->item);
	else
		(void)str_printf(dst, SOURCE, "%s @%u", h->kind, h->id);
}

static void chip_text(const struct deciding *d, const struct arg_value *v,
		      char dst[DECIDE_CHIP])
{
	const struct arg_part *first = &d->d->resolved.parts[v->first];
	struct share s = share_of(d, v);
	char source[SOURCE] = "";

	if (s.from)
		source_of(s.from, source);
	if (!s.from && first->copied >= GRAM_COVER)
		(void)str_printf(dst, DECIDE_CHIP,
				 "your agent, %u %% of it copied from what it "
				 "read (%s)",
				 first->copied / 10,
				 gram_form_name(first->form));
	else if (!s.from)
		(void)str_printf(dst, DECIDE_CHIP, "your agent");
	else
		(void)str_printf(dst, DECIDE_CHIP,
				 "%u %% your agent, %u %% from %s%s",
				 percent(s.own, s.all), percent(s.read, s.all),
				 source, s.several ? " and others" : "");
}

static void chip(const struct deciding *d, const struct given *g,
		 char dst[DECIDE_CHIP])
{
	const struct arg_value *v = value_of(d, g);
	const struct handle *h = v->handle;
	unsigned o = origins_of(d, g);

	if (g->arg->closed && g->arg->closed->set)
		(void)str_printf(dst, DECIDE_CHIP, "set %s",
				 g->arg->closed->set);
	else if (o & ORIGIN_CONFIG)
		(void)str_printf(dst, DECIDE_CHIP, "policy");
	else if (o & ORIGIN_OWNER)
		(void)str_printf(dst, DECIDE_CHIP, "owner");
	else if (o & ORIGIN_ENVELOPE)
		(void)str_printf(dst, DECIDE_CHIP, "envelope");
	else if (h)
		source_of(h, dst);
	else
		chip_text(d, v, dst);
}

/* A value outside of its closed list has no right to its name. */
static void write_chip(const struct deciding *d, const struct given *g,
		       char dst[DECIDE_CHIP])
{
	if (g->arg->closed && !values_has(g->arg->closed, g->v))
		chip_text(d, value_of(d, g), dst);
	else
		chip(d, g, dst);
}

/* values */

static void put_value(struct deciding *d, const struct given *g, uint32_t i)
{
	struct decision *out = d->d;
	struct decide_arg *a = &out->args[i];

	*a = (struct decide_arg){
		.name = span_str(g->arg->name),
		.value = g->edited ? buf_part(&out->mem, g->at, g->n) : g->v,
		.role = (uint8_t)g->arg->role,
		.type = (uint8_t)g->arg->type,
		.origins = origins_of(d, g),
		.value_index = g->index,
		.edits = (uint16_t)(g->edits < UINT16_MAX ? g->edits
							  : UINT16_MAX),
	};
	a->permitted = a->origins & g->arg->from;
	write_chip(d, g, a->chip);
	out->rows[i] = (struct m_arg){ .name = a->name,
				       .json = json_of(g),
				       .shape = g->raw->shape,
				       .value = a->value };
	explain(d, "%s: %s", g->arg->name, a->chip);
}

static void set_recipient(struct deciding *d)
{
	const struct handle *h = answered(d);
	const struct decide_item *it = h ? item_of(d, h->item) : NULL;
	size_t i;

	d->d->answers = it ? it->item : 0;
	for (i = 0; i < d->n; i++)
		if (d->given[i].arg->role == ROLE_TARGET)
			return;
	if (!it)
		return;
	d->d->recipient = it->sender;
	/* It goes with the values, as one of them. */
	if (it->sender.n && d->n == LIMIT_ARGS)
		refuse_call(d, "too many values for an answer");
}

void hand_out(struct deciding *d)
{
	const struct approve *a = &d->cap->approve;
	struct decision *out = d->d;
	size_t i;

	d->failed |= !buf_ok(&out->mem) || !buf_ok(&out->resolved.bytes);
	if (d->failed)
		return;
	for (i = 0; i < d->n; i++)
		put_value(d, &d->given[i], (uint32_t)i);
	out->n = (uint32_t)d->n;
	set_recipient(d);
	out->connector = d->cap->connector;
	out->hold_s = d->cap->undo == UNDO_WINDOW ? d->cap->undo_s : 0;
	out->rehearsed = d->p->rehearse || d->cap->rehearse;
	out->ask = (struct decide_ask){ .who = a->who,
					.quorum = a->quorum,
					.via = a->via,
					.ttl_s = a->ttl_s,
					.delay_s = a->delay_s,
					.remember = (uint8_t)a->remember,
					.show = (uint8_t)a->show,
					.confirm = a->confirm,
					.undo = (uint8_t)d->cap->undo };
}

/* what the owner has remembered */

static bool is_named(const struct decide_clause *c, const struct given *g)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (span_is(c->v[i].name, g->arg->name) &&
		    span_eq(c->v[i].value, g->v))
			return true;
	return false;
}

/* Values of one argument differ, so with equal numbers the sets are equal. */
static bool clause_fits(const struct deciding *d, const struct decide_clause *c)
{
	size_t i, n = 0;

	if (strcmp(c->capability, d->cap->name) != 0 ||
	    d->in->wall_s >= c->expires_s || c->n > LIMIT_ARGS)
		return false;
	for (i = 0; i < d->n; i++) {
		if (d->given[i].arg->role == ROLE_CONTENT)
			continue;
		if (!is_named(c, &d->given[i]))
			return false;
		n++;
	}
	return n == c->n;
}

bool apply_clauses(struct deciding *d)
{
	size_t i;

	/* Content is not what he remembered, nor that it may be of any origin.
	 */
	if (d->cap->approve.remember < REMEMBER_TASK || !content_permitted(d))
		return false;
	for (i = 0; i < d->in->n_clauses && i < DECIDE_CLAUSES; i++) {
		if (!clause_fits(d, &d->in->clauses[i]))
			continue;
		d->stands.by = DECIDED_CLAUSE;
		d->d->clause_id = d->in->clauses[i].id;
		return true;
	}
	return false;
}

void decision_clause(const struct decision *d, const char *capability,
		     struct decide_clause *ret)
{
	uint32_t i;

	*ret = (struct decide_clause){ .capability = capability };
	for (i = 0; i < d->n; i++) {
		if (d->args[i].role == ROLE_CONTENT)
			continue;
		ret->v[ret->n].name = d->args[i].name;
		ret->v[ret->n++].value = d->args[i].value;
	}
}
