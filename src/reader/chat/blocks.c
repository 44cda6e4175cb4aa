/*
 * blocks: see blocks.h. The tree is walked with a stack of its own: a frame is
 * a list at one of its elements, or an object at one of the members that may
 * show something.
 */
#include "reader/chat/blocks.h"

#include "reader/chat/mrkdwn.h"

enum form {
	FORM_INLINE, /* part of a line */
	FORM_BLOCK,  /* begins and ends a line */
	FORM_ITEM,   /* the same, behind a dash */
	FORM_QUOTE,
	FORM_CODE,
};

/* Members that show something, in the order in which they are read. */
static const char *const shown[] = {
	"title",    "subtitle",	      "label",		 "text",
	"body",	    "hint",	      "description",	 "fields",
	"elements", "element",	      "accessory",	 "placeholder",
	"options",  "initial_option", "initial_options", "rows",
	"alt_text", "author_name",
};

struct frame {
	struct jval v;
	struct jiter it;
	size_t next; /* of shown, for an object */
	enum form form;
	enum form inner; /* of a list's elements */
	bool list;
};

struct walk {
	struct chat *c;
	struct frame stack[BLOCKS_DEPTH];
	size_t n;
};

static enum form form_of(struct jval type)
{
	static const struct {
		const char *name;
		enum form form;
	} rows[] = {
		{ "mrkdwn", FORM_INLINE },
		{ "plain_text", FORM_INLINE },
		{ "rich_text_quote", FORM_QUOTE },
		{ "rich_text_preformatted", FORM_CODE },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		if (jval_is(type, rows[i].name))
			return rows[i].form;
	}
	return FORM_BLOCK;
}

static void frame_begin(struct walk *w, struct frame f)
{
	struct chat *c = w->c;

	if (w->n == BLOCKS_DEPTH) {
		chat_flaw(c, CHAT_FLAW_NESTING);
		draft_remove(c->d, REMOVED_TRUNCATED, 1, f.v.raw);
		return;
	}
	if (f.form == FORM_QUOTE && c->quote < CHAT_QUOTES_MAX)
		chat_quote(c);
	else if (f.form == FORM_QUOTE)
		f.form = FORM_BLOCK;
	if (f.form != FORM_INLINE)
		chat_fresh_line(c);
	if (f.form == FORM_ITEM)
		chat_puts(c, "- ");
	else if (f.form == FORM_CODE)
		chat_puts(c, "```\n");
	w->stack[w->n++] = f;
}

static void frame_end(struct walk *w)
{
	struct chat *c = w->c;
	enum form form = w->stack[--w->n].form;

	if (form == FORM_QUOTE)
		chat_unquote(c);
	else if (form != FORM_INLINE)
		chat_fresh_line(c);
	if (form == FORM_CODE)
		chat_puts(c, "```\n");
}

/* Leaves */

static void rich_link(struct chat *c, struct jval v)
{
	struct span url = chat_string(c, chat_get(c, v, "url"));
	struct span text = chat_string(c, chat_get(c, v, "text"));

	buf_reset(&c->plain);
	chat_text(c, text.n ? text : url);
	chat_link(c, buf_view(&c->plain), url);
}

static void rich_named(struct chat *c, struct jval v, const char *before,
		       const char *member, const char *behind)
{
	chat_puts(c, before);
	chat_text(c, chat_string(c, chat_get(c, v, member)));
	chat_puts(c, behind);
}

static void rich_date(struct chat *c, struct jval v)
{
	struct span words = chat_string(c, chat_get(c, v, "fallback"));
	struct span url = chat_string(c, chat_get(c, v, "url"));

	chat_text(c, words.n ? words : chat_get(c, v, "timestamp").raw);
	if (url.n)
		chat_link(c, words, url);
}

/* A leaf is put down at once. False: it is no leaf. */
static bool leaf_put(struct chat *c, struct jval v, struct jval type)
{
	struct jval text = chat_get(c, v, "text");

	if (jval_is(type, "mrkdwn") || jval_is(type, "markdown"))
		mrkdwn_put(c, chat_string(c, text));
	else if (jval_is(type, "plain_text") || jval_is(type, "text") ||
		 jval_is(type, "raw_text"))
		chat_words(c, chat_string(c, text));
	else if (jval_is(type, "link"))
		rich_link(c, v);
	else if (jval_is(type, "user"))
		rich_named(c, v, "@", "user_id", "");
	else if (jval_is(type, "usergroup"))
		rich_named(c, v, "@", "usergroup_id", "");
	else if (jval_is(type, "team"))
		rich_named(c, v, "@", "team_id", "");
	else if (jval_is(type, "channel"))
		rich_named(c, v, "#", "channel_id", "");
	else if (jval_is(type, "broadcast"))
		rich_named(c, v, "@", "range", "");
	else if (jval_is(type, "emoji"))
		rich_named(c, v, ":", "name", ":");
	else if (jval_is(type, "color"))
		rich_named(c, v, "", "value", "");
	else if (jval_is(type, "date"))
		rich_date(c, v);
	else
		return false;
	return true;
}

/* What of a block is no text: its kind, where it leads, its picture. */
static void block_marks(struct chat *c, struct jval v, struct jval type)
{
	static const char *const urls[] = { "url", "title_url", "video_url",
					    "author_link" };
	static const char *const kinds[] = { "button", "image", "video", "file",
					     "checkboxes" };
	struct span image = chat_string(c, chat_get(c, v, "image_url"));

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		if (jval_is(type, kinds[i]))
			rich_named(c, v, "[", "type", "] ");
	}
	for (size_t i = 0; i < ARRAY_SIZE(urls); i++) {
		struct span url = chat_string(c, chat_get(c, v, urls[i]));

		if (!url.n)
			continue;
		chat_link(c, span_of(NULL, 0), url);
		chat_puts(c, " ");
	}
	if (image.n)
		chat_file(c, chat_string(c, chat_get(c, v, "alt_text")),
			  SPAN_LIT("image"), -1);
}

/* The walk */

static void value_put(struct walk *w, struct jval v, enum form form)
{
	struct chat *c = w->c;
	struct jval type;

	if (v.kind == JVAL_STRING) {
		chat_words(c, chat_string(c, v));
	} else if (v.kind == JVAL_ARRAY) {
		frame_begin(w, (struct frame){ .v = v,
					       .it = jiter_of(v),
					       .list = true,
					       .form = FORM_INLINE,
					       .inner = form });
	} else if (v.kind == JVAL_OBJECT) {
		type = chat_get(c, v, "type");
		if (leaf_put(c, v, type))
			return;
		if (form == FORM_BLOCK)
			form = form_of(type);
		frame_begin(w, (struct frame){ .v = v, .form = form });
		block_marks(c, v, type);
	}
}

/* Which form the elements of this object's lists have. */
static enum form inner_of(struct chat *c, struct jval object)
{
	struct jval type = chat_get(c, object, "type");

	if (jval_is(type, "rich_text_list"))
		return FORM_ITEM;
	if (jval_is(type, "button") || jval_is(type, "image") ||
	    jval_is(type, "rich_text_section") ||
	    jval_is(type, "rich_text_quote") ||
	    jval_is(type, "rich_text_preformatted"))
		return FORM_INLINE;
	return FORM_BLOCK;
}

static void step(struct walk *w)
{
	struct frame *f = &w->stack[w->n - 1];
	enum form inner = f->inner;
	struct jval v;

	if (f->list) {
		if (!jiter_next(&f->it, NULL, &v)) {
			frame_end(w);
			return;
		}
		if (inner == FORM_BLOCK)
			chat_fresh_line(w->c);
		value_put(w, v, inner);
		return;
	}
	if (f->next == ARRAY_SIZE(shown)) {
		frame_end(w);
		return;
	}
	v = chat_get(w->c, f->v, shown[f->next++]);
	inner = inner_of(w->c, f->v);
	if (v.kind != JVAL_NONE && inner != FORM_INLINE)
		chat_fresh_line(w->c);
	value_put(w, v, inner);
}

void blocks_put(struct chat *c, struct jval list)
{
	struct walk *w = arena_raw(&c->d->arena, sizeof(*w));

	if (!w) {
		c->bad = true;
		return;
	}
	*w = (struct walk){ .c = c };
	if (list.kind == JVAL_ARRAY || list.kind == JVAL_OBJECT)
		value_put(w, list, FORM_BLOCK);
	while (w->n)
		step(w);
	chat_fresh_line(c);
}
