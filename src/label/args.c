/* args: see args.h. */
#include "label/args.h"

#include <errno.h>

#include "label/template.h"

/* One argument on its way. */
struct work {
	struct args *a;
	const struct arg_context *c;
	const struct arg_want *w;
	struct arg_fault *fault;
	struct buf raw; /* the value behind substitution, not yet canonical */
	bool hidden;	/* raw has bytes that the planner has not seen */
};

static int fail(struct work *k, bool hidden, const char *why)
{
	k->fault->why = why;
	k->fault->hidden = hidden;
	return -1;
}

void args_init(struct args *a)
{
	buf_init(&a->bytes, ARGS_BYTES);
	a->n = 0;
	a->n_parts = 0;
}

void args_done(struct args *a)
{
	buf_done(&a->bytes);
	a->n = 0;
	a->n_parts = 0;
}

void args_reset(struct args *a)
{
	buf_reset(&a->bytes);
	a->n = 0;
	a->n_parts = 0;
}

struct span arg_bytes(const struct args *a, const struct arg_value *v)
{
	return buf_part(&a->bytes, v->at, v->n);
}

/* --- parts ------------------------------------------------------------- */

static struct arg_part *add_part(struct work *k, struct arg_value *v,
				 struct span bytes)
{
	struct arg_part *p;

	if (k->a->n_parts == ARGS_PARTS)
		return NULL;
	p = &k->a->parts[k->a->n_parts++];
	*p = (struct arg_part){ .at = k->raw.n, .n = bytes.n };
	buf_span(&k->raw, bytes);
	v->n_parts++;
	return p;
}

static int add_text(struct work *k, struct arg_value *v, struct span text)
{
	struct arg_part *p = &k->a->parts[v->first + v->n_parts];

	/* a brace is a piece of its own, but no part */
	if (v->n_parts && !p[-1].handle) {
		p[-1].n += text.n;
		buf_span(&k->raw, text);
		return 0;
	}
	p = add_part(k, v, text);
	if (!p)
		return fail(k, false, "has too many parts");
	p->origins = ORIGIN_PLANNER;
	p->label = *k->c->pc;
	return 0;
}

static const struct handle *find(const struct work *k, struct span ref)
{
	return k->c->handles ? handles_find(k->c->handles, ref) : NULL;
}

static int add_ref(struct work *k, struct arg_value *v, struct span ref)
{
	const struct handle *h = find(k, ref);
	struct arg_part *p;

	if (!h)
		return fail(k, false, "refers to a handle that there is not");
	if (h->type == TYPE_HANDLE ||
	    (k->w->type != TYPE_TEXT && h->type != k->w->type))
		return fail(k, false, "refers to a value of another type");
	p = add_part(k, v, h->value);
	if (!p)
		return fail(k, false, "has too many parts");
	p->handle = h;
	p->origins = ORIGIN_HANDLE | h->origin;
	p->label = h->label;
	k->hidden = true;
	return 0;
}

/* --- the three forms --------------------------------------------------- */

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

static int from_template(struct work *k, struct arg_value *v,
			 const struct m_arg *rows, size_t n)
{
	struct span rest = rows->value;
	size_t pieces = 0;
	uint32_t used = 0;

	if (n - 1 > TEMPLATE_ARGS)
		return fail(k, false, "has too many parts");
	for (;;) {
		struct template_piece p = template_next(&rest);
		int r = 0;

		if (p.kind == TEMPLATE_END)
			break;
		if (p.kind == TEMPLATE_BAD ||
		    (p.kind == TEMPLATE_ARG && p.arg >= n - 1))
			return fail(k, false,
				    "is no template: {0} to {15} stand for its "
				    "args, {{ and }} for braces");
		if (++pieces > TEMPLATE_PIECES)
			return fail(k, false, "has too many parts");
		if (p.kind == TEMPLATE_TEXT) {
			r = add_text(k, v, p.text);
		} else {
			used |= 1u << p.arg;
			r = add_ref(k, v, rows[1 + p.arg].value);
		}
		if (r < 0)
			return r;
	}
	/* what is not used would be resolved by nobody */
	if (used != (1u << (n - 1)) - 1)
		return fail(k, false,
			    "has args that its template does not use");
	return v->n_parts ? 0 : add_text(k, v, SPAN_LIT(""));
}

/* A handle itself: what it stands for is not read, only whose it is. */
static int from_handle(struct work *k, struct arg_value *v, struct span ref)
{
	const struct handle *h = find(k, ref);
	struct arg_part *p;

	if (!h)
		return fail(k, false, "refers to a handle that there is not");
	if (k->w->of.n && !span_is(k->w->of, h->kind))
		return fail(k, false, "refers to a handle of another kind");
	p = add_part(k, v, ref);
	if (!p)
		return fail(k, false, "has too many parts");
	p->handle = h;
	p->origins = ORIGIN_HANDLE | h->origin;
	p->label = h->label;
	v->handle = h;
	return 0;
}

static int from_row(struct work *k, struct arg_value *v,
		    const struct m_arg *row, size_t n)
{
	if (row->json == ARG_TEMPLATE && k->w->type != TYPE_HANDLE)
		return from_template(k, v, row, n);
	if (n > 1)
		return fail(k, false, "has args without a template");
	if (k->w->type == TYPE_HANDLE &&
	    (row->json == ARG_REF || row->json == ARG_STRING))
		return from_handle(k, v, row->value);
	if (row->json == ARG_REF) {
		v->handle = find(k, row->value);
		return add_ref(k, v, row->value);
	}
	if (!json_fits(k->w->type, row->json))
		return fail(k, false, "has the wrong type");
	return add_text(k, v, row->value);
}

/* --- origins and labels ------------------------------------------------ */

static const struct arg_fact *fact_of(const struct arg_context *c,
				      enum arg_type t, struct span value)
{
	size_t i;

	for (i = 0; i < c->n_facts; i++)
		if (c->facts[i].type == t && span_eq(c->facts[i].value, value))
			return &c->facts[i];
	return NULL;
}

/* Of which closed sets the value is a member. A handle is what it stands for:
 * the owner names the issue, not its number in a table. */
static void find_member(struct work *k, struct arg_value *v)
{
	const struct arg_want *w = k->w;
	bool is_handle = w->type == TYPE_HANDLE;
	enum arg_type t = is_handle ? v->handle->type : w->type;
	struct span value = is_handle ? v->handle->value : arg_bytes(k->a, v);

	if (w->in_config && w->in_config(w->config, t, value))
		v->member |= ORIGIN_CONFIG;
	if (k->c->owner && tokens_has(k->c->owner, t, value,
				      w->names ? TOKEN_NAME : TOKEN_VALUE))
		v->member |= ORIGIN_OWNER;
	v->fact = fact_of(k->c, t, value);
	if (v->fact)
		v->member |= ORIGIN_ENVELOPE;
}

/* A literal that is a member needs no more: its bytes are the member's. */
static void label_member(struct work *k, struct arg_value *v,
			 struct arg_part *p)
{
	p->origins |= v->member;
	if (v->member & ORIGIN_CONFIG)
		p->label = label_of(ATOM_CONFIG, INTEGRITY_CONFIG);
	else if (v->member & ORIGIN_OWNER)
		p->label = *k->c->owner_label;
	else
		p->label = *v->fact->label;
}

static void join_parts(const struct args *a, struct arg_value *v)
{
	size_t i;

	v->label = label_empty();
	for (i = 0; i < v->n_parts; i++) {
		label_join(&v->label, &a->parts[v->first + i].label);
		v->hidden |= a->parts[v->first + i].handle != NULL;
	}
}

static bool is_member(const struct args *a, const struct arg_value *v)
{
	return v->n_parts == 1 && !a->parts[v->first].handle && v->member;
}

/* The planner's own words, all of them together: a copy that is cut in pieces
 * by places of a template is one copy. */
int args_copied(struct args *a, struct arg_value *v, struct gram *g)
{
	struct arg_part *parts = &a->parts[v->first];
	struct buf own CLEAN_BUF = { .max = ARG_VALUE_MAX };
	struct gram_match m;
	size_t i;

	if (is_member(a, v))
		return 0;
	for (i = 0; i < v->n_parts; i++)
		if (!parts[i].handle)
			buf_span(&own, buf_part(&a->bytes, v->at + parts[i].at,
						parts[i].n));
	if (!buf_ok(&own))
		return -ENOMEM;
	if (!own.n)
		return 0;
	gram_match(g, buf_view(&own), &m);
	for (i = 0; i < v->n_parts; i++) {
		if (parts[i].handle)
			continue;
		parts[i].copied = m.cover;
		parts[i].form = m.form;
		if (m.cover >= GRAM_COVER)
			label_join(&parts[i].label, &m.label);
	}
	join_parts(a, v);
	return m.failed ? -ENOMEM : 0;
}

static int set_labels(struct work *k, struct arg_value *v)
{
	if (is_member(k->a, v))
		label_member(k, v, &k->a->parts[v->first]);
	join_parts(k->a, v);
	if (k->c->gram && args_copied(k->a, v, k->c->gram) < 0)
		return fail(k, false, "cannot be compared: out of memory");
	return 0;
}

/* The value as its type has it. The canonical form of a text is the text. */
static int finish(struct work *k, struct arg_value *v)
{
	struct arg_part *parts = &k->a->parts[v->first];
	struct buf *out = &k->a->bytes;
	const char *why;
	size_t i;

	if (!buf_ok(&k->raw))
		return fail(k, k->hidden, "is too long");
	v->at = out->n;
	why = type_canon(k->w->type, k->w->lines, buf_view(&k->raw), out);
	if (why)
		return fail(k, k->hidden,
			    k->hidden ? "has not the form of its type" : why);
	if (!buf_ok(out))
		return fail(k, k->hidden, "is too long");
	v->n = out->n - v->at;
	for (i = 0; k->w->type != TYPE_TEXT && i < v->n_parts; i++) {
		parts[i].at = 0;
		parts[i].n = v->n;
	}
	find_member(k, v);
	return set_labels(k, v);
}

/* --- rows -------------------------------------------------------------- */

/* The rows of the value at rows[0]: itself and its fills. */
static size_t rows_of_value(const struct m_arg *rows, size_t n)
{
	size_t i = 1;

	while (i < n && rows[i].json == ARG_FILL)
		i++;
	return i;
}

static int resolve_value(struct work *k, const struct m_arg *rows, size_t n)
{
	struct arg_value *v;
	int r;

	if (k->a->n == LIMIT_ARGS)
		return fail(k, false, "has too many values");
	v = &k->a->values[k->a->n];
	*v = (struct arg_value){ .first = k->a->n_parts };
	buf_reset(&k->raw);
	k->hidden = false;
	r = from_row(k, v, rows, n);
	if (r == 0)
		r = finish(k, v);
	if (r == 0)
		k->a->n++;
	return r;
}

int args_resolve(struct args *a, const struct arg_context *c,
		 const struct arg_want *w, const struct m_arg *rows, size_t n,
		 struct arg_fault *fault)
{
	struct work k = {
		.a = a, .c = c, .w = w, .fault = fault, .raw.max = ARG_VALUE_MAX
	};
	size_t values = a->n, parts = a->n_parts, bytes = a->bytes.n, i, count;
	int r = 0;

	*fault = (struct arg_fault){ 0 };
	if (n == 1 && rows->shape == ARG_EMPTY_LIST)
		n = 0;
	for (i = 0; i < n && r == 0; i += count) {
		count = rows_of_value(rows + i, n - i);
		fault->row = i;
		if (rows[i].json == ARG_FILL)
			r = fail(&k, false, "has args without a template");
		else
			r = resolve_value(&k, rows + i, count);
	}
	buf_done(&k.raw);
	if (r < 0) {
		a->n = values;
		a->n_parts = parts;
		buf_cut(&a->bytes, bytes);
		a->bytes.bad = false;
	}
	return r;
}
