/*
 * load_sets: closed lists. A set has no type of its own: it is brought into
 * the canonical form of each argument that names it, once for each type.
 */
#include <stdlib.h>

#include "policy/loader.h"

static int span_cmp(const void *a, const void *b)
{
	const struct span *x = a, *y = b;
	int r = memcmp(x->p, y->p, x->n < y->n ? x->n : y->n);

	return r ? r : (x->n > y->n) - (x->n < y->n);
}

static bool find_value(const struct values *in, struct span v)
{
	return bsearch(&v, in->v, in->n, sizeof(*in->v), span_cmp);
}

bool values_has(const struct values *in, struct span v)
{
	size_t i;

	if (!in->n || !v.n)
		return false;
	if (find_value(in, v))
		return true;
	/* A tree of the list is the value up to one of its slashes. */
	for (i = 0; in->type == TYPE_URL && i < v.n; i++)
		if (v.p[i] == '/' && url_is_tree(span_of(v.p, i + 1)) &&
		    find_value(in, span_of(v.p, i + 1)))
			return true;
	return false;
}

bool literal_ok(struct loader *l, enum arg_type t, const struct yaml_node *n)
{
	if (t != TYPE_HANDLE && t != TYPE_FILE)
		return true;
	fault(l, n,
	      "this can never match: a %s is made in a task, no policy can "
	      "name it: remove it",
	      type_name(t));
	return false;
}

static struct values *values_new(struct loader *l, const struct yaml_node *from,
				 size_t n)
{
	struct values *v = calloc(1, sizeof(*v));
	struct span *spans = calloc(n + 1, sizeof(*spans));

	if (!v || !spans) {
		free(v);
		free(spans);
		l->oom = true;
		return NULL;
	}
	buf_init(&v->mem, YAML_FILE_MAX);
	v->from = from;
	v->v = spans;
	v->next = l->p->lists;
	l->p->lists = v;
	return v;
}

/* Adds the canonical form of one scalar; its span is set by values_seal. */
static void values_add(struct loader *l, struct values *v,
		       const struct yaml_node *n)
{
	const char *text = load_scalar(&l->l, n), *why;
	size_t from = v->mem.n;

	if (!text)
		return;
	why = type_canon(v->type, v->lines, span_str(text), &v->mem);
	if (why) {
		buf_cut(&v->mem, from);
		fault(l, n, "\"%.80s\" %s; mend or remove it", text, why);
		return;
	}
	v->v[v->n++].n = v->mem.n - from;
}

/* Sets the spans, now that mem stays where it is, and sorts. */
static void values_seal(struct loader *l, struct values *v)
{
	size_t i, off = 0;

	if (!buf_ok(&v->mem)) {
		l->oom = true;
		v->n = 0;
	}
	for (i = 0; i < v->n; i++) {
		v->v[i].p = v->mem.p + off;
		off += v->v[i].n;
	}
	if (v->n > 1)
		qsort(v->v, v->n, sizeof(*v->v), span_cmp);
	for (i = 1; i < v->n; i++)
		if (span_eq(v->v[i - 1], v->v[i]))
			fault(l, v->from,
			      "\"%.*s\" is in the list twice: remove one",
			      (int)v->v[i].n, (const char *)v->v[i].p);
}

const struct values *values_of(struct loader *l, struct wanted w,
			       const struct yaml_node *from, const char *set)
{
	size_t n = yaml_kind(from) == YAML_LIST ? yaml_count(from) : 1, i;
	struct values *v;

	for (v = l->p->lists; v; v = v->next)
		if (v->from == from && v->type == w.type && v->lines == w.lines)
			return v;
	v = values_new(l, from, n);
	if (!v)
		return NULL;
	v->set = set;
	v->type = w.type;
	v->lines = w.lines;
	if (yaml_kind(from) != YAML_LIST)
		values_add(l, v, from);
	for (i = 0; yaml_kind(from) == YAML_LIST && i < n; i++)
		values_add(l, v, yaml_at(from, i));
	values_seal(l, v);
	return v;
}

static const struct set *find_set(const struct policy *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n_sets; i++)
		if (!strcmp(p->sets[i].name, name))
			return &p->sets[i];
	return NULL;
}

static void undefined_set(struct loader *l, const struct yaml_node *n)
{
	const char *words[POLICY_SETS], *near;
	size_t i;

	for (i = 0; i < l->p->n_sets; i++)
		words[i] = l->p->sets[i].name;
	near = yaml_nearest(yaml_text(n), words, i);
	if (near)
		fault(l, n, "there is no set \"%.64s\": did you mean \"%s\"?",
		      yaml_text(n), near);
	else
		fault(l, n, "there is no set \"%.64s\": add it to sets",
		      yaml_text(n));
}

const struct values *values_in(struct loader *l, struct wanted w,
			       const struct yaml_node *n)
{
	const struct values *v = NULL;
	const struct set *s;
	size_t before = l->l.errors;

	if (!literal_ok(l, w.type, n))
		return NULL;
	if (yaml_kind(n) == YAML_LIST) {
		v = values_of(l, w, n, NULL);
	} else if (load_scalar(&l->l, n)) {
		s = find_set(l->p, yaml_text(n));
		if (s)
			v = values_of(l, w, s->list, s->name);
		else
			undefined_set(l, n);
	}
	if (v && !v->n && l->l.errors == before) {
		fault(l, n,
		      "this can never match: the set is empty: add values to "
		      "it");
		return NULL;
	}
	return v && v->n ? v : NULL;
}

void set_sets(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (!is_map(l, n, "sets"))
		return;
	if (yaml_count(n) > POLICY_SETS) {
		fault(l, n, "more than %d sets: use fewer", POLICY_SETS);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		const struct yaml_node *list = yaml_at(n, i);

		(void)check_name(l, yaml_key_place(n, i), yaml_key(n, i));
		if (yaml_kind(list) != YAML_LIST) {
			fault(l, list, "a list of values, e.g. [a, b]");
			continue;
		}
		l->p->sets[l->p->n_sets++] =
			(struct set){ yaml_key(n, i), list };
	}
}
