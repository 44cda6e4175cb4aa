/*
 * decide_text: what of a text leaves: links that its rule does not allow and
 * calls of people by name are broken up, so that they stay readable and nothing
 * follows them.
 */
#include <ctype.h>

#include "policy/decide_inner.h"

#define TEXT_ROOM ((size_t)ARG_VALUE_MAX)

/* Links that are byte for byte one of the texts of an item. */
static bool in_items(const struct deciding *d, uint64_t item, struct span link)
{
	const struct decide_item *it = item_of(d, item);

	return it && it->links && link_set_has(it->links, link);
}

/* Of an item that the call is about, or that a part of the text is from. */
static bool in_source(const struct deciding *d, const struct given *g,
		      struct span link)
{
	const struct arg_value *v = value_of(d, g);
	size_t i;

	for (i = 0; i < d->n; i++)
		if (d->given[i].arg->type == TYPE_HANDLE &&
		    in_items(d, value_of(d, &d->given[i])->handle->item, link))
			return true;
	for (i = 0; i < v->n_parts; i++) {
		const struct handle *h =
			d->d->resolved.parts[v->first + i].handle;

		if (h && in_items(d, h->item, link))
			return true;
	}
	return false;
}

static bool in_policy(const struct policy *p, struct span link)
{
	size_t i, k;

	for (i = 0; i < p->n_sets; i++)
		for (k = 0; k < yaml_count(p->sets[i].list); k++)
			if (span_is(link,
				    yaml_text(yaml_at(p->sets[i].list, k))))
				return true;
	return false;
}

static bool link_allowed(const struct deciding *d, const struct given *g,
			 struct span link)
{
	const struct link_set *own = d->in->owner_links;

	if (g->arg->links == LINKS_SOURCE)
		return in_source(d, g, link);
	return (own && link_set_has(own, link)) || in_policy(d->p, link);
}

/* The links of the text that may stay; -E2BIG for too many links. */
static int find_allowed(struct deciding *d, const struct given *g,
			struct link_set *ret)
{
	struct link links[LINKS_MAX];
	int i, n = links_find(g->v, links, LINKS_MAX);

	for (i = 0; i < n; i++) {
		struct span link = span_of(g->v.p + links[i].at, links[i].n);

		if (!link_allowed(d, g, link))
			continue;
		link_set_add(ret, link);
		d->failed |= !link_set_has(ret, link);
	}
	return n;
}

static bool is_word(uint8_t c)
{
	return isalnum(c) || c == '_';
}

/* "@name" where a word begins, or emphasis: _@name_; "<!here>" as Slack has
 * it. */
static bool calls_at(struct span text, size_t i)
{
	if (i + 1 >= text.n)
		return false;
	if (text.p[i] == '!')
		return i && text.p[i - 1] == '<';
	return text.p[i] == '@' && is_word(text.p[i + 1]) &&
	       (!i || !isalnum(text.p[i - 1]));
}

static int break_mentions(struct span text, struct buf *out,
			  struct link_edits *edits)
{
	size_t i;

	edits->n = 0;
	for (i = 0; i < text.n; i++) {
		if (!calls_at(text, i)) {
			buf_u8(out, text.p[i]);
			continue;
		}
		if (edits->n == LINKS_MAX)
			return -1;
		edits->v[edits->n++] =
			(struct link_edit){ .at = i, .n = 1, .new_n = 3 };
		buf_printf(out, "[%c]", text.p[i]);
	}
	return 0;
}

static void move_parts(struct deciding *d, const struct given *g,
		       const struct link_edits *e)
{
	const struct arg_value *v = value_of(d, g);
	size_t i;

	for (i = 0; i < v->n_parts; i++) {
		struct arg_part *p = &d->d->resolved.parts[v->first + i];
		size_t end = link_edits_map(e, p->at + p->n);

		p->at = link_edits_map(e, p->at);
		p->n = end - p->at;
	}
}

static void too_many(struct deciding *d, const struct given *g,
		     const char *what)
{
	d->d->hidden |= value_of(d, g)->hidden;
	refuse_arg(d, g->arg, "%s: has too many %s", g->arg->name, what);
}

static void too_long(struct deciding *d, const struct given *g)
{
	d->d->hidden |= value_of(d, g)->hidden;
	refuse_arg(d, g->arg,
		   "%s: is longer than max once its links and names are broken "
		   "up",
		   g->arg->name);
}

/* The text behind the rule of its links; unchanged ones are not copied. */
static void edit_links(struct deciding *d, struct given *g, struct buf *out)
{
	struct link_edits edits = { 0 };
	struct link_set allowed;
	int r = 0;

	link_set_init(&allowed);
	if (g->arg->links == LINKS_SOURCE || g->arg->links == LINKS_OWNER)
		r = find_allowed(d, g, &allowed);
	if (!d->failed && (r < 0 || links_apply(g->v, g->arg->links, &allowed,
						out, &edits) < 0))
		too_many(d, g, "links");
	link_set_done(&allowed);
	move_parts(d, g, &edits);
	g->edits += (uint32_t)edits.n;
}

static void edit_text(struct deciding *d, struct given *g)
{
	CLEAN_BUF struct buf links = { .max = 2 * TEXT_ROOM };
	CLEAN_BUF struct buf text = { .max = 4 * TEXT_ROOM };
	struct link_edits edits = { 0 };

	if (g->arg->links == LINKS_ANY)
		buf_span(&links, g->v);
	else
		edit_links(d, g, &links);
	if (is_refused(d))
		return;
	if (g->arg->mentions == MENTIONS_KEEP)
		buf_span(&text, buf_view(&links));
	else if (break_mentions(buf_view(&links), &text, &edits) < 0)
		too_many(d, g, "names");
	move_parts(d, g, &edits);
	g->edits += (uint32_t)edits.n;
	d->failed |= !buf_ok(&links) || !buf_ok(&text);
	if (is_refused(d) || !g->edits)
		return;
	if (text.n > g->arg->max_bytes)
		too_long(d, g);
	g->edited = true;
	g->at = d->d->mem.n;
	g->n = text.n;
	buf_span(&d->d->mem, buf_view(&text));
	d->failed |= !buf_ok(&d->d->mem);
}

void edit_texts(struct deciding *d)
{
	size_t i;

	for (i = 0; i < d->n && !is_refused(d); i++) {
		const struct arg *a = d->given[i].arg;

		if (a->type == TYPE_TEXT && a->role == ROLE_CONTENT &&
		    (a->links != LINKS_ANY || a->mentions != MENTIONS_KEEP))
			edit_text(d, &d->given[i]);
	}
}
