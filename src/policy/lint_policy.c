/*
 * lint_policy: what can never work, or must never be, between the parts of a
 * policy: each part by itself was in order.
 */
#include "policy/loader.h"
#include "policy/memory.h"

/* The planner must not be able to write where approvals are shown: the bot
 * that shows the cards carries out nothing and is no source. */
static bool shows_cards(const struct policy *p, const char *connector)
{
	size_t i;

	for (i = 0; i < p->n_principals; i++)
		if ((p->principals[i].approvals_bot &&
		     !strcmp(p->principals[i].approvals_bot, connector)) ||
		    (p->principals[i].slack_bot &&
		     !strcmp(p->principals[i].slack_bot, connector)))
			return true;
	return false;
}

static void lint_chat_value(struct loader *l, const struct arg *a,
			    const struct values *in)
{
	size_t i;

	for (i = 0; in && a->role == ROLE_TARGET && i < in->n; i++)
		if (policy_is_approval_chat(l->p, in->v[i]))
			load_fault(&l->l, a->at,
				   "the approval chat \"%.*s\" can be reached "
				   "as \"%s\": nothing else may be written "
				   "there; remove it from the list",
				   (int)in->v[i].n, (const char *)in->v[i].p,
				   a->name);
}

static void lint_chats(struct loader *l, const struct cap *c)
{
	size_t i, k;

	if (shows_cards(l->p, c->connector))
		load_fault(&l->l, c->connector_at,
			   "\"%s\" shows approvals: the approval chat must not "
			   "be reachable: use another connector",
			   c->connector);
	for (i = 0; i < c->n_args; i++)
		lint_chat_value(l, &c->args[i], c->args[i].closed);
	for (i = 0; i < c->n_rows; i++)
		for (k = 0; k < c->rows[i].n; k++) {
			const struct cond *o = &c->rows[i].conds[k];

			if (o->arg && o->kind == COND_IN &&
			    c->rows[i].outcome != OUTCOME_DENY)
				lint_chat_value(l, o->arg, o->in);
		}
}

/* secrets */

static const struct source *secret_source(const struct policy *p)
{
	size_t i;

	for (i = 0; i < p->n_sources; i++)
		if (p->sources[i].audience == AUDIENCE_SECRET)
			return &p->sources[i];
	return NULL;
}

/* Whether what was read, or what the planner makes of it, may stand here. */
static bool carries(const struct arg *a)
{
	return a->role == ROLE_CONTENT &&
	       (a->from & (FROM_HANDLE | FROM_PLANNER));
}

static void lint_secret(struct loader *l, const struct cap *c)
{
	const struct source *secret = secret_source(l->p);
	size_t i;

	if (!secret || c->effect != EFFECT_EXTERNAL)
		return;
	for (i = 0; i < c->n_args; i++) {
		const struct arg *a = &c->args[i];

		if (carries(a) && a->flow == FLOW_PUBLIC)
			load_fault(&l->l, a->flow_at,
				   "source \"%s\" is secret, and what it says "
				   "could leave here: use audience or "
				   "owner-only",
				   secret->row.name);
		if (a->type == TYPE_HANDLE && a->of &&
		    a->of->audience == AUDIENCE_SECRET)
			load_fault(&l->l, a->at,
				   "source \"%s\" is secret, and this would "
				   "send about its items: make the effect "
				   "internal, or remove the argument",
				   a->of->row.name);
	}
}

static void lint_lease(struct loader *l)
{
	size_t i;

	for (i = 0; i < l->p->n_caps; i++) {
		const struct cap *c = l->p->caps[i];

		if (c->effect != EFFECT_READ && !c->approve.at.line &&
		    memory_op(span_str(c->name)) == MEMORY_NONE)
			load_fault(&l->l, c->at,
				   "this asks when the lease of line %u has "
				   "expired, but has no \"approve\": add it, "
				   "or let on_expiry deny",
				   l->p->lease.at.line);
	}
}

static void lint_idle_approve(struct loader *l)
{
	size_t i;

	for (i = 0; i < l->p->n_caps; i++) {
		const struct cap *c = l->p->caps[i];

		if (c->approve.at.line && !cap_asks(c))
			load_fault(&l->l, c->approve.at,
				   "this can never match: nothing of this "
				   "capability asks: remove it");
	}
}

/* The name of a tool as models may write it: without what stands before "__",
 * a sign for all signs. */
static const char *tool_of(const char *name)
{
	const char *at = name;

	while ((at = strstr(at, "__"))) {
		while (*at == '_')
			at++;
		name = at;
	}
	return name;
}

static bool same_tool(const char *a, const char *b)
{
	for (a = tool_of(a), b = tool_of(b); *a && *b; a++, b++)
		if (*a != *b && !(strchr("._", *a) && strchr("._", *b)))
			return false;
	return *a == *b;
}

/* Models' providers take no dots in names: what the model asked for has to be
 * one capability. */
static void lint_names(struct loader *l)
{
	size_t i, k;

	for (i = 0; i < l->p->n_caps; i++)
		for (k = 0; k < i; k++)
			if (same_tool(l->p->caps[i]->name, l->p->caps[k]->name))
				load_fault(&l->l, l->p->caps[i]->at,
					   "to a model this is the same name "
					   "as \"%s\": rename one of them",
					   l->p->caps[k]->name);
}

void lint_policy(struct loader *l)
{
	size_t i;

	check_twins(l);
	lint_names(l);
	for (i = 0; i < l->p->n_sources; i++)
		if (shows_cards(l->p, l->p->sources[i].row.connector))
			load_fault(&l->l, l->p->sources[i].connector_at,
				   "\"%s\" shows approvals: answers to them "
				   "are read by nobody else: use another "
				   "connector",
				   l->p->sources[i].row.connector);
	for (i = 0; i < l->p->n_caps; i++) {
		lint_chats(l, l->p->caps[i]);
		lint_secret(l, l->p->caps[i]);
	}
	if (l->p->lease.on_expiry == OUTCOME_ASK)
		lint_lease(l);
	else
		lint_idle_approve(l);
}
