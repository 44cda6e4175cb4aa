/*
 * decide_args: the arguments of a call against those of its capability: none
 * that is not declared, none missing, each a value of its type and within its
 * bounds.
 */
#include <stdio.h>

#include "policy/decide_inner.h"

/* The rows of the call that carry this argument, in their order. */
static uint32_t rows_of(const struct deciding *d, const struct arg *a,
			struct m_arg *rows)
{
	const struct m_call *c = d->in->call;
	uint32_t i, n = 0;

	for (i = 0; i < c->n; i++)
		if (span_is(c->args[i].name, a->name))
			rows[n++] = c->args[i];
	return n;
}

static void check_shape(struct deciding *d, const struct arg *a, uint8_t shape)
{
	if (a->many && shape != ARG_ELEMENT)
		refuse_arg(d, a, "%s: a list of 1 to %u values belongs here",
			   a->name, a->many);
	if (!a->many && shape != ARG_SCALAR)
		refuse_arg(d, a, "%s: one value belongs here, not a list",
			   a->name);
}

/* True if the rows have the shape of the argument: one value, or a list. */
static bool shape_ok(struct deciding *d, const struct arg *a,
		     const struct m_arg *rows, uint32_t n)
{
	uint32_t i, count = 0;

	for (i = 0; i < n; i++) {
		check_shape(d, a, rows[i].shape);
		count += rows[i].json != ARG_FILL;
	}
	if (a->many && count > a->many)
		refuse_arg(d, a, "%s: more than %u values", a->name, a->many);
	if (!a->many && count > 1)
		refuse_arg(d, a, "%s: given more than once", a->name);
	return !is_refused(d);
}

static void refuse_fault(struct deciding *d, const struct arg *a,
			 const struct m_arg *row, const struct arg_fault *f)
{
	char text[QUOTE_MAX];

	d->d->hidden |= f->hidden;
	if (row->json == ARG_REF || row->json == ARG_TEMPLATE)
		refuse_arg(d, a, "%s: %s", a->name, f->why);
	else
		refuse_arg(d, a, "%s: %s %s", a->name, quote(text, row->value),
			   f->why);
}

/* The values that were just resolved, each with the row it was made of. */
static void note_values(struct deciding *d, const struct arg *a,
			const struct m_arg *call_rows, size_t first)
{
	const struct args *resolved = &d->d->resolved;
	uint32_t i, k = 0;

	for (i = 0; k < d->in->call->n && first < resolved->n; i++, first++) {
		struct given *g = &d->given[d->n++];

		while (!span_is(call_rows[k].name, a->name) ||
		       call_rows[k].json == ARG_FILL)
			k++;
		*g = (struct given){ .arg = a,
				     .raw = &call_rows[k++],
				     .index = first };
	}
}

static void take_arg(struct deciding *d, const struct arg *a)
{
	const struct named named = { d, a };
	struct arg_context c = *d->in->context;
	struct arg_want want = {
		.type = a->type,
		.lines = a->lines,
		.names = a->role == ROLE_TARGET || a->role == ROLE_COMMAND ||
			 a->role == ROLE_SELECTOR,
		.in_config = policy_names,
		.config = &named,
	};
	struct args *resolved = &d->d->resolved;
	struct m_arg rows[LIMIT_ARGS];
	uint32_t n = rows_of(d, a, rows);
	size_t first = resolved->n;
	struct arg_fault f;
	char kind[2 * POLICY_NAME_MAX + 2];

	if (!n && !a->optional)
		refuse_arg(d, a, "%s: this argument is missing", a->name);
	if (n && a->role == ROLE_CREDENTIAL)
		refuse_arg(d, a, "%s: no call names a credential", a->name);
	if (!n || is_refused(d) || !shape_ok(d, a, rows, n))
		return;
	c.gram = NULL; /* decide_flow.c compares what has to be */
	if (a->of) {
		(void)snprintf(kind, sizeof(kind), "%s.%s", a->of->row.name,
			       a->of_kind);
		want.of = span_str(kind);
	}
	if (args_resolve(resolved, &c, &want, rows, n, &f) < 0)
		refuse_fault(d, a, &rows[f.row], &f);
	else
		note_values(d, a, d->in->call->args, first);
}

static void set_values(struct deciding *d)
{
	size_t i;

	for (i = 0; i < d->n; i++) {
		struct given *g = &d->given[i];
		const struct arg_value *v = value_of(d, g);

		g->v = g->arg->type == TYPE_HANDLE
			       ? v->handle->value
			       : arg_bytes(&d->d->resolved, v);
	}
}

static void check_bounds(struct deciding *d, const struct given *g)
{
	char text[QUOTE_MAX];
	const char *why = NULL;
	struct type_file f;

	if (g->arg->role == ROLE_TARGET && policy_is_approval_chat(d->p, g->v))
		refuse_arg(d, g->arg, "%s: %s is where approvals are asked for",
			   g->arg->name, quote_given(text, d, g));
	else if (g->arg->type == TYPE_HANDLE)
		return;
	else if (!arg_fits(g->arg, g->v, &why))
		refuse_arg(d, g->arg, "%s: %s %s", g->arg->name,
			   quote_given(text, d, g), why);
	else if (g->arg->type == TYPE_FILE && g->arg->deny_paths &&
		 (!type_file(g->v, &f) || arg_path_denied(g->arg, f.name)))
		refuse_arg(d, g->arg,
			   "%s: %s is a file that may not be touched",
			   g->arg->name, quote_given(text, d, g));
}

/* Two values of one list. A guess beside a reference is answered whether they
 * are equal or not, and which of many guesses was right is not said. */
static void refuse_twin(struct deciding *d, const struct given *a,
			const struct given *b)
{
	const bool hides_a = value_of(d, a)->hidden;
	const bool hides_b = value_of(d, b)->hidden;
	const bool equal = span_eq(a->v, b->v);
	char text[QUOTE_MAX];

	d->d->hidden |= hides_a != hides_b || (equal && hides_a);
	if (equal)
		refuse_arg(d, a->arg, "%s: %s is in the list twice",
			   a->arg->name,
			   hides_a || hides_b ? "what it refers to"
					      : quote(text, a->v));
}

static void refuse_twins(struct deciding *d)
{
	size_t i, k;

	for (i = 0; i < d->n; i++)
		for (k = 0; k < i; k++)
			if (d->given[i].arg == d->given[k].arg)
				refuse_twin(d, &d->given[i], &d->given[k]);
}

void take_args(struct deciding *d)
{
	const struct m_call *c = d->in->call;
	char text[QUOTE_MAX];
	uint32_t i;
	size_t k;

	if (c->n > LIMIT_ARGS) {
		refuse_call(d, "more than %d arguments", LIMIT_ARGS);
		return;
	}
	for (i = 0; i < c->n; i++)
		if (!cap_arg(d->cap, c->args[i].name))
			refuse_call(d, "unknown argument %s",
				    quote(text, c->args[i].name));
	for (k = 0; k < d->cap->n_args && !is_refused(d); k++)
		take_arg(d, &d->cap->args[k]);
	if (is_refused(d))
		return;
	set_values(d);
	for (k = 0; k < d->n; k++)
		check_bounds(d, &d->given[k]);
	refuse_twins(d);
}
