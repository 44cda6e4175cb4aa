/* frozen: see frozen.h. */
#include "approval/frozen.h"

#include <stdlib.h>

#include "base/rd.h"
#include "base/str.h"
#include "label/links.h"
#include "policy/model.h"

enum {
	FROZEN_VERSION = 1,
	LABEL_BYTES = 64 << 10,
	SESSION_AT = 1 + 8 + 8, /* behind the version and two numbers */
};

/* --- writing ------------------------------------------------------------- */

static void put_label(struct buf *b, const struct label *l,
		      const struct atoms *a)
{
	CLEAN_BUF struct buf text;

	buf_init(&text, LABEL_BYTES);
	if (l)
		label_encode(&text, l, a);
	if (!buf_ok(&text))
		b->bad = true;
	buf_blob(b, buf_view(&text));
}

static void put_call(struct buf *b, const struct m_call *c)
{
	uint32_t i;

	buf_blob(b, c->capability);
	buf_u32(b, c->n);
	for (i = 0; i < c->n; i++) {
		buf_blob(b, c->args[i].name);
		buf_u8(b, c->args[i].json);
		buf_u8(b, c->args[i].shape);
		buf_blob(b, c->args[i].value);
	}
}

/* A number that the call names, and whether its own value is needed. */
struct named {
	size_t n;
	struct {
		const struct handle *base, *field; /* field: NULL, or of base */
		bool own;
	} v[FROZEN_HANDLES];
};

static int by_number(const void *a, const void *b)
{
	const struct handle *const *x = a, *const *y = b;

	return (*x)->id < (*y)->id ? -1 : (*x)->id > (*y)->id;
}

static bool name_handle(struct named *n, const struct handles *h,
			struct span ref)
{
	const struct handle *k = handles_find(h, ref);
	const uint8_t *dot = ref.n ? memchr(ref.p, '.', ref.n) : NULL;

	/* A call with one that there is not is refused again as it was. */
	if (!k)
		return true;
	if (n->n == FROZEN_HANDLES)
		return false;
	n->v[n->n].base =
		dot ? handles_find(h, span_of(ref.p, (size_t)(dot - ref.p)))
		    : k;
	n->v[n->n].field = dot ? k : NULL;
	n->v[n->n].own = !dot;
	n->n++;
	return true;
}

static bool name_all(struct named *n, const struct decide_in *in)
{
	const struct m_call *c = in->call;
	uint32_t i;

	for (i = 0; i < c->n && in->context->handles; i++) {
		/* A handle argument may be written as a plain string, too. */
		const struct span v = c->args[i].value;

		if (v.n && v.p[0] == '@' &&
		    !name_handle(n, in->context->handles, v))
			return false;
	}
	qsort(n->v, n->n, sizeof(n->v[0]), by_number);
	return true;
}

static void put_handle(struct buf *b, const struct handle *k, bool value,
		       const struct atoms *a)
{
	buf_u32(b, k->id);
	buf_blob(b, span_str(k->field));
	buf_blob(b, span_str(k->kind));
	buf_u8(b, (uint8_t)(value ? k->type : TYPE_TEXT));
	buf_u8(b, (uint8_t)k->origin);
	buf_u64(b, k->item);
	buf_blob(b, value ? k->value : (struct span){ NULL, 0 });
	put_label(b, &k->label, a);
}

/* Each once: a number before its fields. */
static void put_handles(struct buf *b, const struct named *n,
			const struct atoms *a)
{
	CLEAN_BUF struct buf rows;
	uint32_t count = 0;
	size_t i, k;

	buf_init(&rows, LIMIT_MSG);
	for (i = 0; i < n->n; i++) {
		bool first = i == 0 || n->v[i - 1].base != n->v[i].base;
		bool own = false, again = false;

		for (k = 0; k < n->n; k++) {
			own |= n->v[k].base == n->v[i].base && n->v[k].own;
			again |= k < i && n->v[k].field == n->v[i].field &&
				 n->v[i].field != NULL;
		}
		if (first) {
			put_handle(&rows, n->v[i].base, own, a);
			count++;
		}
		if (n->v[i].field && !again) {
			put_handle(&rows, n->v[i].field, true, a);
			count++;
		}
	}
	if (!buf_ok(&rows))
		b->bad = true;
	buf_u32(b, count);
	buf_span(b, buf_view(&rows));
}

/* What an argument is compared as: a handle as what it stands for. */
static struct span compared(const struct decision *d, uint32_t i,
			    enum arg_type *type)
{
	const struct decide_arg *a = &d->args[i];
	const struct arg_value *v =
		a->value_index < d->resolved.n
			? &d->resolved.values[a->value_index]
			: NULL;

	*type = (enum arg_type)a->type;
	if (a->type == TYPE_HANDLE && v && v->handle) {
		*type = v->handle->type;
		return v->handle->value;
	}
	return v ? arg_bytes(&d->resolved, v) : a->value;
}

static void put_tokens(struct buf *b, const struct decide_in *in,
		       const struct decision *d)
{
	CLEAN_BUF struct buf rows;
	uint32_t count = 0, i;

	buf_init(&rows, LIMIT_MSG);
	for (i = 0; i < d->n && in->context->owner; i++) {
		enum arg_type t;
		struct span v = compared(d, i, &t);

		if (!tokens_has(in->context->owner, t, v, TOKEN_VALUE))
			continue;
		buf_u8(&rows, (uint8_t)t);
		buf_blob(&rows, v);
		count++;
	}
	if (!buf_ok(&rows) || count > FROZEN_TOKENS)
		b->bad = true;
	buf_u8(b, in->context->owner != NULL);
	buf_u32(b, count);
	buf_span(b, buf_view(&rows));
}

static bool fact_matters(const struct decide_in *in, const struct decision *d,
			 const struct arg_fact *f)
{
	uint32_t i;

	if (in->task_item && f->item == in->task_item)
		return true;
	for (i = 0; i < d->n; i++) {
		enum arg_type t;
		struct span v = compared(d, i, &t);

		if (t == f->type && span_eq(v, f->value))
			return true;
	}
	return false;
}

static void put_facts(struct buf *b, const struct decide_in *in,
		      const struct decision *d)
{
	CLEAN_BUF struct buf rows;
	uint32_t count = 0;
	size_t i;

	buf_init(&rows, LIMIT_MSG);
	for (i = 0; i < in->context->n_facts; i++) {
		const struct arg_fact *f = &in->context->facts[i];

		if (!fact_matters(in, d, f))
			continue;
		buf_u8(&rows, (uint8_t)f->type);
		buf_blob(&rows, f->value);
		buf_u64(&rows, f->item);
		put_label(&rows, f->label, in->atoms);
		count++;
	}
	if (!buf_ok(&rows) || count > FROZEN_FACTS)
		b->bad = true;
	buf_u32(b, count);
	buf_span(b, buf_view(&rows));
}

static bool item_matters(const struct decide_in *in, const struct named *n,
			 const struct decision *d, uint64_t item)
{
	size_t i;

	if (item == in->task_item)
		return true;
	for (i = 0; i < n->n; i++)
		if (n->v[i].base->item == item ||
		    (n->v[i].field && n->v[i].field->item == item))
			return true;
	for (i = 0; i < in->context->n_facts; i++)
		if (in->context->facts[i].item == item &&
		    fact_matters(in, d, &in->context->facts[i]))
			return true;
	return false;
}

static void put_items(struct buf *b, const struct decide_in *in,
		      const struct named *n, const struct decision *d)
{
	CLEAN_BUF struct buf rows;
	uint32_t count = 0;
	size_t i;

	buf_init(&rows, LIMIT_MSG);
	for (i = 0; i < in->n_items; i++) {
		const struct decide_item *it = &in->items[i];

		if (!item_matters(in, n, d, it->item))
			continue;
		buf_u64(&rows, it->item);
		buf_blob(&rows, it->source ? span_str(it->source->name)
					   : SPAN_LIT(""));
		buf_blob(&rows, it->sender);
		buf_blob(&rows, it->chat);
		buf_blob(&rows, atoms_name(in->atoms, it->sender_who));
		buf_blob(&rows, atoms_name(in->atoms, it->atom));
		count++;
	}
	if (!buf_ok(&rows) || count > FROZEN_ITEMS)
		b->bad = true;
	buf_u32(b, count);
	buf_span(b, buf_view(&rows));
}

/* A link that stayed in a text, and whose it is. */
static void put_link(struct buf *rows, uint32_t *count,
		     const struct decide_in *in, struct span link)
{
	size_t i;

	if (in->owner_links && link_set_has(in->owner_links, link)) {
		buf_u64(rows, 0);
		buf_blob(rows, link);
		++*count;
	}
	for (i = 0; i < in->n_items; i++) {
		if (!in->items[i].links ||
		    !link_set_has(in->items[i].links, link))
			continue;
		buf_u64(rows, in->items[i].item);
		buf_blob(rows, link);
		++*count;
	}
}

/* What was broken up is broken up again, being in no set. */
static void put_links(struct buf *b, const struct decide_in *in,
		      const struct decision *d)
{
	static struct link links[LINKS_MAX];
	CLEAN_BUF struct buf rows;
	uint32_t count = 0, i;
	int n, k;

	buf_init(&rows, LIMIT_MSG);
	for (i = 0; i < d->n; i++) {
		const struct span v = d->args[i].value;

		n = d->args[i].type == TYPE_TEXT
			    ? links_find(v, links, LINKS_MAX)
			    : 0;
		for (k = 0; k < n; k++)
			put_link(&rows, &count, in,
				 span_of(v.p + links[k].at, links[k].n));
	}
	if (!buf_ok(&rows) || count > FROZEN_LINKS)
		b->bad = true;
	buf_u32(b, count);
	buf_span(b, buf_view(&rows));
}

void frozen_encode(struct buf *b, const struct decide_in *in,
		   const struct decision *d)
{
	struct named n = { 0 };

	if (!name_all(&n, in))
		b->bad = true;
	buf_u8(b, FROZEN_VERSION);
	buf_u64(b, in->task);
	buf_u64(b, in->task_item);
	buf_u32(b, in->session);
	buf_u64(b, in->wall_s);
	put_call(b, in->call);
	put_label(b, in->context->pc, in->atoms);
	put_label(b, in->context->owner_label, in->atoms);
	put_handles(b, &n, in->atoms);
	put_tokens(b, in, d);
	put_facts(b, in, d);
	put_items(b, in, &n, d);
	put_links(b, in, d);
}

void frozen_session(struct buf *b, unsigned bits)
{
	CLEAN_BUF struct buf word;
	struct rd rd;

	rd_init(&rd, buf_view(b));
	(void)rd_bytes(&rd, SESSION_AT);
	buf_init(&word, sizeof(uint32_t));
	buf_u32(&word, rd_u32(&rd) | bits);
	if (!rd.bad && buf_ok(&word))
		memcpy(b->p + SESSION_AT, word.p, word.n);
	else
		b->bad = true;
}

/* --- reading ------------------------------------------------------------- */

static bool get_label(struct rd *rd, struct frozen *f, struct label *ret)
{
	struct span s = rd_blob(rd, LABEL_BYTES);

	*ret = label_empty();
	return !rd->bad && (s.n == 0 || label_decode(s, f->atoms, ret) == 0);
}

static bool get_call(struct rd *rd, struct m_call *c)
{
	uint32_t i;

	c->capability = rd_blob(rd, LIMIT_NAME);
	c->n = rd_count(rd, LIMIT_ARGS);
	for (i = 0; i < c->n; i++) {
		struct m_arg *a = &c->args[i];

		a->name = rd_blob(rd, LIMIT_NAME);
		a->json = rd_u8(rd);
		a->shape = rd_u8(rd);
		a->value = rd_blob(rd, LIMIT_ARG_BYTES);
	}
	return !rd->bad;
}

static bool get_type(struct rd *rd, enum arg_type *ret)
{
	uint8_t t = rd_u8(rd);

	*ret = (enum arg_type)t;
	return t > 0 && t < TYPE_MAX;
}

static bool get_handle(struct rd *rd, struct frozen *f,
		       const struct handle **base)
{
	struct handle_value v;
	struct label label;
	uint32_t id = rd_u32(rd);
	struct span field = rd_blob(rd, HANDLE_FIELD_MAX);
	char name[HANDLE_FIELD_MAX + 1];
	const struct handle *k;
	int r;

	v.kind = rd_blob(rd, HANDLE_KIND_MAX);
	if (!get_type(rd, &v.type))
		return false;
	v.origin = (enum origin)rd_u8(rd);
	v.item = rd_u64(rd);
	v.bytes = rd_blob(rd, LIMIT_ROW);
	v.label = &label;
	if (!get_label(rd, f, &label) ||
	    (v.origin != ORIGIN_HANDLE && v.origin != ORIGIN_ENVELOPE))
		return false;
	if (!f->handles)
		f->handles = handles_new(id);
	if (!f->handles)
		return false;
	if (field.n == 0) {
		r = handles_add_at(f->handles, id, &v, base);
		return r == 0;
	}
	if (!*base || (*base)->id != id ||
	    str_copy(name, sizeof(name), field) < 0)
		return false;
	return handles_add_field(f->handles, *base, name, &v, &k) == 0;
}

static bool get_handles(struct rd *rd, struct frozen *f)
{
	uint32_t n = rd_count(rd, 2 * FROZEN_HANDLES), i;
	const struct handle *base = NULL;

	for (i = 0; i < n; i++)
		if (!get_handle(rd, f, &base))
			return false;
	return !rd->bad;
}

static bool get_tokens(struct rd *rd, struct frozen *f)
{
	uint8_t has = rd_u8(rd);
	uint32_t n = rd_count(rd, FROZEN_TOKENS), i;
	enum arg_type t;

	for (i = 0; i < n; i++) {
		struct span v;

		if (!get_type(rd, &t))
			return false;
		v = rd_blob(rd, LIMIT_ARG_BYTES);
		if (rd->bad || tokens_add(&f->owner, t, v) < 0)
			return false;
	}
	f->context.owner = has ? &f->owner : NULL;
	return !rd->bad && has <= 1;
}

static bool get_facts(struct rd *rd, struct frozen *f)
{
	uint32_t n = rd_count(rd, FROZEN_FACTS), i;

	for (i = 0; i < n; i++) {
		struct arg_fact *fact = &f->facts[i];

		if (!get_type(rd, &fact->type))
			return false;
		fact->value = rd_blob(rd, LIMIT_ARG_BYTES);
		fact->item = rd_u64(rd);
		fact->label = &f->labels[i];
		if (!get_label(rd, f, &f->labels[i]))
			return false;
	}
	f->context.facts = f->facts;
	f->context.n_facts = n;
	return !rd->bad;
}

static const struct policy_source *source_named(const struct policy *p,
						struct span name)
{
	size_t i;

	for (i = 0; i < p->n_sources; i++)
		if (span_is(name, p->sources[i].row.name))
			return &p->sources[i].row;
	return NULL;
}

static uint32_t get_atom(struct rd *rd, struct frozen *f)
{
	struct span name = rd_blob(rd, ATOM_NAME_MAX);

	return name.n ? atoms_named(f->atoms, name) : ATOM_NONE;
}

static bool get_items(struct rd *rd, struct frozen *f, const struct policy *p)
{
	uint32_t n = rd_count(rd, FROZEN_ITEMS), i;

	for (i = 0; i < n; i++) {
		struct decide_item *it = &f->items[i];
		struct span source;

		it->item = rd_u64(rd);
		source = rd_blob(rd, LIMIT_NAME);
		it->source = source_named(p, source);
		it->sender = rd_blob(rd, LIMIT_ARG_BYTES);
		it->chat = rd_blob(rd, LIMIT_ARG_BYTES);
		it->sender_who = get_atom(rd, f);
		it->atom = get_atom(rd, f);
		if ((source.n && !it->source) ||
		    (i && it->item <= f->items[i - 1].item))
			return false;
	}
	f->in.n_items = n;
	return !rd->bad;
}

/* Of an item that is not there: of nobody. */
static bool get_links(struct rd *rd, struct frozen *f)
{
	uint32_t n = rd_count(rd, FROZEN_LINKS), i;
	size_t k;

	for (i = 0; i < n; i++) {
		uint64_t item = rd_u64(rd);
		struct span link = rd_blob(rd, LIMIT_ARG_BYTES);

		if (rd->bad)
			return false;
		if (!item)
			link_set_add(&f->owner_links, link);
		for (k = 0; item && k < f->in.n_items; k++)
			if (f->items[k].item == item)
				link_set_add(&f->item_links[k], link);
	}
	for (k = 0; k < f->in.n_items; k++)
		f->items[k].links = &f->item_links[k];
	f->in.owner_links = &f->owner_links;
	return !rd->bad;
}

static bool thaw(struct frozen *f, const struct policy *p)
{
	struct rd rd;
	uint8_t version;

	rd_init(&rd, buf_view(&f->mem));
	version = rd_u8(&rd);
	f->in = (struct decide_in){ .call = &f->call,
				    .context = &f->context,
				    .atoms = f->atoms,
				    .items = f->items };
	f->in.task = rd_u64(&rd);
	f->in.task_item = rd_u64(&rd);
	f->in.session = rd_u32(&rd);
	f->in.wall_s = rd_u64(&rd);
	if (version != FROZEN_VERSION || !get_call(&rd, &f->call) ||
	    !get_label(&rd, f, &f->pc) || !get_label(&rd, f, &f->owner_label) ||
	    !get_handles(&rd, f) || !get_tokens(&rd, f) || !get_facts(&rd, f) ||
	    !get_items(&rd, f, p) || !get_links(&rd, f))
		return false;
	f->context.handles = f->handles;
	f->context.pc = &f->pc;
	f->context.owner_label = &f->owner_label;
	return rd_end(&rd);
}

struct frozen *frozen_decode(struct span bytes, const struct policy *p)
{
	struct frozen *f = calloc(1, sizeof(*f));
	size_t i;

	if (!f)
		return NULL;
	buf_init(&f->mem, LIMIT_ROW);
	link_set_init(&f->owner_links);
	for (i = 0; i < FROZEN_ITEMS; i++)
		link_set_init(&f->item_links[i]);
	buf_span(&f->mem, bytes);
	/* The numbers of one call: nobody else chooses their names. */
	f->atoms = atoms_new(1);
	if (f->atoms && buf_ok(&f->mem) && thaw(f, p))
		return f;
	frozen_free(f);
	return NULL;
}

void frozen_free(struct frozen *f)
{
	size_t i;

	if (!f)
		return;
	for (i = 0; i < FROZEN_ITEMS; i++)
		link_set_done(&f->item_links[i]);
	link_set_done(&f->owner_links);
	handles_free(f->handles);
	tokens_done(&f->owner);
	atoms_free(f->atoms);
	buf_done(&f->mem);
	free(f);
}
