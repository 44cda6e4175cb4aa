/*
 * entities: see entities.h. Offsets count UTF-16 units. The text is walked
 * once, from one boundary of an entity to the next; those that are open are a
 * stack, from which one may be taken out of its middle, since ranges of a
 * hostile list need not nest.
 */
#include "reader/chat/entities.h"

#include "reader/links.h"
#include "reader/utf8.h"

enum kind {
	KIND_SPOILER, /* first: what begins with a spoiler is in it */
	KIND_QUOTE,
	KIND_CODE,
	KIND_PRE,
	KIND_STRIKE,
	KIND_LINK,
	KIND_URL,
	KIND_MENTION,
	KIND_NONE
};

struct entity {
	int64_t from, to; /* UTF-16 units */
	enum kind kind;
	struct jval v;
	size_t text; /* where it began in c->plain */
	bool marked; /* its beginning is in the body */
};

struct walk {
	struct chat *c;
	struct span text;
	size_t pos;   /* bytes */
	int64_t unit; /* UTF-16 units before pos */
	struct entity all[ENTITIES_MAX];
	size_t n, next;
	size_t open[ENTITIES_MAX]; /* indices, the last one innermost */
	size_t n_open;
	unsigned hidden; /* spoilers that are open */
};

static enum kind kind_of(struct jval type)
{
	static const struct {
		const char *name;
		enum kind kind;
	} rows[] = {
		{ "spoiler", KIND_SPOILER },
		{ "blockquote", KIND_QUOTE },
		{ "expandable_blockquote", KIND_QUOTE },
		{ "code", KIND_CODE },
		{ "pre", KIND_PRE },
		{ "strikethrough", KIND_STRIKE },
		{ "text_link", KIND_LINK },
		{ "url", KIND_URL },
		{ "text_mention", KIND_MENTION },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (jval_is(type, rows[i].name))
			return rows[i].kind;
	}
	return KIND_NONE;
}

static int64_t units_of(struct span text)
{
	int64_t n = 0;
	size_t pos = 0;

	while (pos < text.n)
		n += utf8_next(text, &pos) > 0xffff ? 2 : 1;
	return n;
}

static bool before(const struct entity *a, const struct entity *b)
{
	if (a->from != b->from)
		return a->from < b->from;
	if (a->to != b->to)
		return a->to > b->to;
	return a->kind < b->kind;
}

static void entity_add(struct walk *w, struct entity e)
{
	size_t i = w->n++;

	for (; i && before(&e, &w->all[i - 1]); i--)
		w->all[i] = w->all[i - 1];
	w->all[i] = e;
}

/* One of the list; what is no range of the text hides all, or nothing. */
static void entity_read(struct walk *w, struct jval v, int64_t units)
{
	struct entity e = { .v = v };
	int64_t n = 0;

	e.kind = kind_of(chat_get(w->c, v, "type"));
	if (e.kind == KIND_NONE)
		return;
	if (!jval_int(chat_get(w->c, v, "offset"), &e.from) ||
	    !jval_int(chat_get(w->c, v, "length"), &n) || e.from < 0 ||
	    n <= 0 || n > units || e.from > units - n ||
	    w->n == ENTITIES_MAX - 1) {
		chat_flaw(w->c, CHAT_FLAW_ENTITY);
		if (e.kind != KIND_SPOILER || w->n == ENTITIES_MAX)
			return;
		e.from = 0;
		n = units;
	}
	e.to = e.from + n;
	if (units)
		entity_add(w, e);
}

/* Begin and end */

static void entity_begin(struct walk *w, struct entity *e)
{
	struct chat *c = w->c;

	e->text = c->plain.n;
	if (e->kind == KIND_SPOILER) {
		if (w->hidden++ == 0)
			buf_reset(&c->hidden);
		return;
	}
	if (w->hidden || c->quote == CHAT_QUOTES_MAX)
		return;
	e->marked = true;
	if (e->kind == KIND_QUOTE) {
		chat_quote(c);
	} else if (e->kind == KIND_CODE) {
		chat_puts(c, "`");
	} else if (e->kind == KIND_PRE) {
		chat_fresh_line(c);
		chat_puts(c, "```");
		chat_put(c, chat_line(c, e->v, "language", MESSAGE_NAME_MAX));
		chat_puts(c, "\n");
	} else if (e->kind == KIND_STRIKE) {
		chat_puts(c, "~~");
	}
}

static void spoiler_end(struct walk *w)
{
	struct chat *c = w->c;

	if (--w->hidden)
		return;
	draft_remove(c->d, REMOVED_SPOILER, 1, buf_view(&c->hidden));
	chat_puts(c, "[spoiler]");
	buf_u8(&c->plain, ' ');
}

static void link_end(struct walk *w, const struct entity *e)
{
	struct chat *c = w->c;
	struct span text = buf_part(&c->plain, e->text, c->plain.n);
	struct span url = text;

	if (e->kind == KIND_LINK)
		url = chat_string(c, chat_get(c, e->v, "url"));
	if (!w->hidden) {
		chat_link(c, text, url);
	} else if (e->kind == KIND_LINK) {
		buf_str(&c->hidden, " <");
		buf_span(&c->hidden, url);
		buf_str(&c->hidden, ">");
	}
}

static void mention_end(struct walk *w, const struct entity *e)
{
	struct chat *c = w->c;
	struct jval id = chat_get(c, chat_get(c, e->v, "user"), "id");
	struct span line = chat_id(c, id, MESSAGE_ADDR_MAX);

	if (w->hidden || !line.n)
		return;
	chat_puts(c, " [user ");
	chat_put(c, line);
	chat_puts(c, "]");
}

static void entity_end(struct walk *w, const struct entity *e)
{
	struct chat *c = w->c;

	if (e->kind == KIND_SPOILER)
		spoiler_end(w);
	else if (e->kind == KIND_LINK || e->kind == KIND_URL)
		link_end(w, e);
	else if (e->kind == KIND_MENTION)
		mention_end(w, e);
	else if (!e->marked)
		return;
	else if (e->kind == KIND_QUOTE)
		chat_unquote(c);
	else if (e->kind == KIND_CODE)
		chat_puts(c, "`");
	else if (e->kind == KIND_STRIKE)
		chat_puts(c, "~~");
	else if (e->kind == KIND_PRE) {
		chat_fresh_line(c);
		chat_puts(c, "```\n");
	}
}

/* The walk */

static void close_those(struct walk *w)
{
	for (size_t i = w->n_open; i > 0; i--) {
		const struct entity *e = &w->all[w->open[i - 1]];

		if (e->to > w->unit)
			continue;
		entity_end(w, e);
		w->n_open--;
		for (size_t k = i - 1; k < w->n_open; k++)
			w->open[k] = w->open[k + 1];
	}
}

static void open_those(struct walk *w)
{
	while (w->next < w->n && w->all[w->next].from <= w->unit) {
		w->open[w->n_open++] = w->next;
		entity_begin(w, &w->all[w->next++]);
	}
}

/* The bytes up to where the next entity begins or ends. */
static struct span take_run(struct walk *w)
{
	int64_t stop = w->next < w->n ? w->all[w->next].from : INT64_MAX;
	size_t from = w->pos;

	for (size_t i = 0; i < w->n_open; i++) {
		if (w->all[w->open[i]].to < stop)
			stop = w->all[w->open[i]].to;
	}
	while (w->pos < w->text.n && w->unit < stop)
		w->unit += utf8_next(w->text, &w->pos) > 0xffff ? 2 : 1;
	return span_of(w->text.p + from, w->pos - from);
}

void entities_put(struct chat *c, struct span text, struct jval list)
{
	struct walk *w = arena_raw(&c->d->arena, sizeof(*w));
	bool none = list.kind != JVAL_ARRAY;
	struct jiter it = jiter_of(none ? (struct jval){ 0 } : list);
	int64_t units = units_of(text);
	struct jval v;

	if (!w) {
		c->bad = true;
		return;
	}
	*w = (struct walk){ .c = c, .text = text };
	while (jiter_next(&it, NULL, &v))
		entity_read(w, v, units);
	buf_reset(&c->plain);
	while (w->pos < text.n) {
		struct span run;

		close_those(w);
		open_those(w);
		run = take_run(w);
		if (w->hidden)
			buf_span(&c->hidden, run);
		else
			chat_text(c, run);
	}
	close_those(w);
	links_from_text(c->d, buf_view(&c->plain));
}
