/*
 * html: see html.h. Two walks over the tree, both with a stack of their own:
 * the first collects style sheets, which count wherever they stand, the
 * second writes. The parser's memory is an arena; when that is used up or
 * time is over, the allocator leaves the parser by longjmp, which is safe
 * because nothing but the arena has to be given back.
 */
#include "reader/html/html.h"

#include <gumbo.h>
#include <setjmp.h>
#include <strings.h>
#include <time.h>

#include "base/str.h"
#include "reader/html/cap.h"
#include "reader/html/css.h"
#include "reader/html/css_value.h"
#include "reader/html/style.h"
#include "reader/html/writer.h"
#include "reader/utf8.h"

enum {
	EVIDENCE_STYLE_MAX = 400,
	TRACKER_PX_MAX = 2,
	ALLOCS_A_CLOCK = 4096,
	OPTION_DEPTH_MAX = 4, /* of nodes in a select */
};

struct parse {
	struct arena arena;
	jmp_buf out;
	unsigned int allocs;
	struct timespec start;
};

/* One open element of the walk. */
struct frame {
	const GumboNode *node;
	unsigned int next; /* child to look at */
	struct style style;
	struct css_elem *elem;
	struct css_elem *last; /* the child element visited before */
	unsigned int item;     /* of an ordered list */
	size_t link_from;      /* where an a's text begins in out */
	struct span href;      /* of an a that can be seen, else empty */
	bool skip;	       /* children are not walked */
};

struct walk {
	struct draft *d;
	struct css_sheet *sheet;
	struct arena *arena;
	struct writer w;
	struct buf clean;  /* scratch */
	struct buf hidden; /* hidden text not yet accounted for */
	enum message_removed_kind hidden_kind;
	struct span alt; /* of the last image inside a link */
	struct frame *frames;
	size_t depth;
	const GumboNode *list;	 /* the select that was looked at last */
	const GumboNode *option; /* the one it shows */
	bool blind; /* styles are over a limit: nothing can be judged */
};

static struct span attr_get(const GumboElement *e, const char *name)
{
	const GumboAttribute *a = gumbo_get_attribute(&e->attributes, name);

	return a ? span_str(a->value) : span_of(NULL, 0);
}

static bool attr_has(const GumboElement *e, const char *name)
{
	return gumbo_get_attribute(&e->attributes, name) != NULL;
}

/* css_attr_fn */
static bool attr_find(const void *node, struct span name, struct span *ret)
{
	const GumboElement *e = &((const GumboNode *)node)->v.element;

	for (unsigned int i = 0; i < e->attributes.length; i++) {
		const GumboAttribute *a = e->attributes.data[i];

		if (strlen(a->name) == name.n &&
		    strncasecmp(a->name, (const char *)name.p, name.n) == 0) {
			*ret = span_str(a->value);
			return true;
		}
	}
	return false;
}

static struct span tag_of(const GumboElement *e)
{
	GumboStringPiece piece = e->original_tag;

	if (e->tag != GUMBO_TAG_UNKNOWN)
		return span_str(gumbo_normalized_tagname(e->tag));
	gumbo_tag_from_original_text(&piece);
	return span_of(piece.data, piece.length);
}

/* Parsing */

static bool time_over(const struct parse *p)
{
	struct timespec now;

	(void)clock_gettime(CLOCK_MONOTONIC, &now);
	return (now.tv_sec - p->start.tv_sec) * 1000 +
		       (now.tv_nsec - p->start.tv_nsec) / 1000000 >
	       HTML_PARSE_MS_MAX;
}

static void *parse_alloc(void *user, size_t n)
{
	struct parse *p = user;
	void *mem = arena_raw(&p->arena, n);

	if (!mem || (++p->allocs % ALLOCS_A_CLOCK == 0 && time_over(p)))
		longjmp(p->out, 1);
	return mem;
}

static void parse_free(void *, void *)
{
}

/* The tree, in p's arena; NULL over a limit. */
static GumboOutput *parse(struct parse *p, struct span html)
{
	GumboOptions options = kGumboDefaultOptions;

	options.allocator = parse_alloc;
	options.deallocator = parse_free;
	options.userdata = p;
	options.max_errors = 0;
	(void)clock_gettime(CLOCK_MONOTONIC, &p->start);
	if (setjmp(p->out))
		return NULL;
	return gumbo_parse_with_options(&options, (const char *)html.p, html.n);
}

static bool is_element(const GumboNode *n)
{
	return n->type == GUMBO_NODE_ELEMENT || n->type == GUMBO_NODE_TEMPLATE;
}

/* The node behind n in document order, without a stack. */
static const GumboNode *node_after(const GumboNode *n)
{
	if (is_element(n) && n->v.element.children.length)
		return n->v.element.children.data[0];
	while (n->parent && is_element(n->parent)) {
		const GumboVector *v = &n->parent->v.element.children;

		if (n->index_within_parent + 1 < v->length)
			return v->data[n->index_within_parent + 1];
		n = n->parent;
	}
	return NULL;
}

static struct span text_of(const GumboNode *n)
{
	return span_str(n->v.text.text);
}

static void sheets_collect(struct walk *w, const GumboNode *root)
{
	for (const GumboNode *n = root; n; n = node_after(n)) {
		const GumboElement *e = &n->v.element;

		if (n->type != GUMBO_NODE_ELEMENT || e->tag != GUMBO_TAG_STYLE)
			continue;
		for (unsigned int i = 0; i < e->children.length; i++) {
			if (css_sheet_add(w->sheet,
					  text_of(e->children.data[i]),
					  attr_get(e, "media")))
				w->blind = true;
		}
	}
}

static bool is_within(const GumboNode *n, const GumboNode *list)
{
	for (unsigned int i = 0; n && i < OPTION_DEPTH_MAX; i++) {
		n = n->parent;
		if (n == list)
			return true;
	}
	return false;
}

/* The option that a closed list shows: the first selected one, or the first. */
static const GumboNode *option_shown(struct walk *w, const GumboNode *list)
{
	const GumboNode *n = list;

	if (w->list == list)
		return w->option;
	w->list = list;
	w->option = NULL;
	while ((n = node_after(n)) && is_within(n, list)) {
		if (n->type != GUMBO_NODE_ELEMENT ||
		    n->v.element.tag != GUMBO_TAG_OPTION)
			continue;
		if (!w->option || attr_has(&n->v.element, "selected"))
			w->option = n;
		if (attr_has(&n->v.element, "selected"))
			break;
	}
	return w->option;
}

/* What stands in a list or details that a person has not opened. */
static bool is_folded(struct walk *w, const GumboNode *n)
{
	const GumboNode *up = n->parent;

	if (!up || !is_element(up))
		return false;
	if (is_element(n) && n->v.element.tag == GUMBO_TAG_OPTION) {
		if (up->v.element.tag == GUMBO_TAG_OPTGROUP && up->parent)
			up = up->parent;
		return is_element(up) &&
		       up->v.element.tag == GUMBO_TAG_SELECT &&
		       !attr_has(&up->v.element, "multiple") &&
		       option_shown(w, up) != n;
	}
	return up->v.element.tag == GUMBO_TAG_DETAILS &&
	       !attr_has(&up->v.element, "open") &&
	       !(is_element(n) && n->v.element.tag == GUMBO_TAG_SUMMARY);
}

/* Hidden text is gathered over its nodes and counted once. */

static void hidden_flush(struct walk *w)
{
	if (!w->hidden_kind)
		return;
	draft_remove(w->d, w->hidden_kind, 1, buf_view(&w->hidden));
	w->hidden_kind = 0;
	buf_reset(&w->hidden);
}

static bool is_blank(struct span s)
{
	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i] > ' ' && s.p[i] != 0xc2 && s.p[i] != 0xa0)
			return false;
	}
	return true;
}

static void hidden_text(struct walk *w, enum message_removed_kind kind,
			struct span s)
{
	size_t room;

	buf_reset(&w->clean);
	clean_text(s, &w->clean, NULL);
	if (is_blank(buf_view(&w->clean)))
		return;
	if (kind != w->hidden_kind)
		hidden_flush(w);
	w->hidden_kind = kind;
	room = w->hidden.max - w->hidden.n;
	buf_put(&w->hidden, w->clean.p, utf8_cut(buf_view(&w->clean), room));
}

static void text_node(struct walk *w, const GumboNode *n)
{
	const struct style *st = &w->frames[w->depth - 1].style;
	enum message_removed_kind kind = style_hides(st);

	if (w->blind)
		kind = REMOVED_TRUNCATED;
	else if (!kind && is_folded(w, n))
		kind = REMOVED_DISPLAY_NONE;
	if (kind) {
		hidden_text(w, kind, text_of(n));
		return;
	}
	buf_reset(&w->clean);
	clean_text(text_of(n), &w->clean, w->d);
	if (!is_blank(buf_view(&w->clean)))
		hidden_flush(w);
	writer_text(&w->w, buf_view(&w->clean), st->pre);
}

/* Elements */

/*
 * What a browser does not render by its own style sheet, and drawings: mail
 * programs leave SVG out, and what can be seen in it is not computed here.
 */
static bool never_shown(const GumboElement *e)
{
	GumboTag t = e->tag;

	return t == GUMBO_TAG_TITLE || t == GUMBO_TAG_TEMPLATE ||
	       t == GUMBO_TAG_DATALIST || t == GUMBO_TAG_PARAM ||
	       t == GUMBO_TAG_RP || t == GUMBO_TAG_CANVAS ||
	       t == GUMBO_TAG_AUDIO || t == GUMBO_TAG_VIDEO ||
	       t == GUMBO_TAG_PROGRESS || t == GUMBO_TAG_METER ||
	       t == GUMBO_TAG_SVG || t == GUMBO_TAG_ANNOTATION_XML ||
	       css_word_is(tag_of(e), "annotation") ||
	       (css_word_is(tag_of(e), "dialog") && !attr_has(e, "open"));
}

/*
 * The title in a head names the page and is no hidden part of its text: nearly
 * every mail of HTML has one. It is not written either.
 */
static bool is_name_of_page(const GumboNode *n)
{
	return n->v.element.tag == GUMBO_TAG_TITLE && n->parent &&
	       is_element(n->parent) &&
	       n->parent->v.element.tag == GUMBO_TAG_HEAD;
}

static bool is_script(GumboTag t)
{
	return t == GUMBO_TAG_SCRIPT || t == GUMBO_TAG_IFRAME ||
	       t == GUMBO_TAG_NOEMBED || t == GUMBO_TAG_NOFRAMES ||
	       t == GUMBO_TAG_OBJECT || t == GUMBO_TAG_APPLET ||
	       t == GUMBO_TAG_EMBED;
}

static bool is_table_part(GumboTag t)
{
	return t == GUMBO_TAG_TABLE || t == GUMBO_TAG_TD || t == GUMBO_TAG_TH ||
	       t == GUMBO_TAG_TR || t == GUMBO_TAG_TBODY ||
	       t == GUMBO_TAG_THEAD || t == GUMBO_TAG_TFOOT;
}

static const GumboTag paragraphs[] = {
	GUMBO_TAG_P,   GUMBO_TAG_H1,	 GUMBO_TAG_H2, GUMBO_TAG_H3,
	GUMBO_TAG_H4,  GUMBO_TAG_H5,	 GUMBO_TAG_H6, GUMBO_TAG_BLOCKQUOTE,
	GUMBO_TAG_PRE, GUMBO_TAG_UL,	 GUMBO_TAG_OL, GUMBO_TAG_DL,
	GUMBO_TAG_HR,  GUMBO_TAG_FIGURE,
};

static const GumboTag blocks[] = {
	GUMBO_TAG_DIV,	   GUMBO_TAG_TABLE,    GUMBO_TAG_TR,
	GUMBO_TAG_LI,	   GUMBO_TAG_DT,       GUMBO_TAG_DD,
	GUMBO_TAG_SECTION, GUMBO_TAG_ARTICLE,  GUMBO_TAG_HEADER,
	GUMBO_TAG_FOOTER,  GUMBO_TAG_NAV,      GUMBO_TAG_ASIDE,
	GUMBO_TAG_MAIN,	   GUMBO_TAG_ADDRESS,  GUMBO_TAG_CENTER,
	GUMBO_TAG_FORM,	   GUMBO_TAG_BODY,     GUMBO_TAG_CAPTION,
	GUMBO_TAG_OPTION,  GUMBO_TAG_FIELDSET, GUMBO_TAG_LEGEND,
	GUMBO_TAG_DETAILS, GUMBO_TAG_SUMMARY,  GUMBO_TAG_HTML,
	GUMBO_TAG_TITLE,
};

static bool tag_in(GumboTag t, const GumboTag *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		if (list[i] == t)
			return true;
	}
	return false;
}

static bool is_paragraph(GumboTag t)
{
	return tag_in(t, paragraphs, ARRAY_SIZE(paragraphs));
}

static enum style_box default_box(GumboTag t)
{
	if (is_table_part(t))
		return BOX_OTHER;
	return is_paragraph(t) || tag_in(t, blocks, ARRAY_SIZE(blocks))
		       ? BOX_BLOCK
		       : BOX_INLINE;
}

/* The class attribute, split; false over a limit. */
static bool classes_split(struct walk *w, struct css_elem *e, struct span s)
{
	struct span *cls;
	size_t n = 0;
	size_t i = 0;

	if (!s.n)
		return true;
	/* n bytes hold (n + 1) / 2 names at most */
	cls = arena_alloc(w->arena, (s.n + 1) / 2 * sizeof(*cls));
	if (!cls)
		return false;
	while (i < s.n) {
		size_t from = i;

		while (i < s.n && s.p[i] > ' ')
			i++;
		if (i > from)
			cls[n++] = span_of(s.p + from, i - from);
		else
			i++;
	}
	if (n > CSS_CLASSES_MAX)
		return false;
	e->cls = cls;
	e->n_cls = (uint32_t)n;
	return true;
}

static struct css_elem *elem_new(struct walk *w, const GumboNode *n,
				 const struct frame *parent)
{
	struct css_elem *e = arena_alloc(w->arena, sizeof(*e));

	if (!e || !classes_split(w, e, attr_get(&n->v.element, "class")))
		return NULL;
	e->parent = parent ? parent->elem : NULL;
	e->prev = parent ? parent->last : NULL;
	e->tag = tag_of(&n->v.element);
	e->id = attr_get(&n->v.element, "id");
	e->node = n;
	return e;
}

static void attributes_apply(const GumboElement *e, struct css_values *v)
{
	static const struct {
		const char *name;
		enum css_prop prop;
	} rows[] = {
		{ "bgcolor", CSS_BACKGROUND }, { "text", CSS_COLOR },
		{ "width", CSS_WIDTH },	       { "height", CSS_HEIGHT },
		{ "color", CSS_COLOR },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct span s = attr_get(e, rows[i].name);

		/* text colours a body, color a font */
		if (!s.n ||
		    (rows[i].name[0] == 't' && e->tag != GUMBO_TAG_BODY) ||
		    (rows[i].name[0] == 'c' && e->tag != GUMBO_TAG_FONT))
			continue;
		css_attribute(v, rows[i].prop, s);
	}
}

/* Style by what the rules say, and by what they perhaps say. */
static struct style elem_style(struct walk *w, const struct style *parent,
			       struct css_elem *elem, const GumboElement *e)
{
	struct css_values v = { 0 };
	struct span inline_css = attr_get(e, "style");
	enum style_box box = default_box(e->tag);
	bool shrinks = !is_table_part(e->tag);
	struct style s;
	struct style maybe;

	attributes_apply(e, &v);
	if (css_match(w->sheet, elem, &v))
		w->blind = true;
	if (inline_css.n && css_inline(w->sheet, inline_css, &v))
		w->blind = true;
	s = style_compute(parent, box, shrinks, v.sure);
	if (v.any_maybe && !style_hides(&s)) {
		maybe = style_compute(parent, box, shrinks, v.maybe);
		if (style_hides(&maybe))
			s.hide = style_hides(&maybe);
	}
	if (e->tag == GUMBO_TAG_PRE || e->tag == GUMBO_TAG_TEXTAREA ||
	    e->tag == GUMBO_TAG_PLAINTEXT || e->tag == GUMBO_TAG_XMP ||
	    e->tag == GUMBO_TAG_LISTING)
		s.pre = true;
	if (!s.hide && attr_has(e, "hidden") && !v.sure[CSS_DISPLAY].weight)
		s.hide = REMOVED_HIDDEN_ATTRIBUTE;
	if (!s.hide && (never_shown(e) || is_folded(w, elem->node)))
		s.hide = REMOVED_DISPLAY_NONE;
	return s;
}

static bool is_remote(struct span url)
{
	return url.n > 4 && (strncasecmp((const char *)url.p, "http", 4) == 0 ||
			     memcmp(url.p, "//", 2) == 0);
}

static bool is_tiny(struct span s)
{
	struct css_value v = { 0 };

	return s.n && css_value_parse(CSS_WIDTH, css_trim(s), &v) &&
	       v.unit == CSS_PX && v.num <= TRACKER_PX_MAX;
}

static void image(struct walk *w, const struct frame *f)
{
	const GumboElement *e = &f->node->v.element;
	struct span src = attr_get(e, "src");
	struct css_values v = { 0 };
	bool tiny =
		is_tiny(attr_get(e, "width")) || is_tiny(attr_get(e, "height"));

	if (css_inline(w->sheet, attr_get(e, "style"), &v) == 0) {
		const struct css_value *size[] = { &v.sure[CSS_WIDTH],
						   &v.sure[CSS_HEIGHT] };

		for (size_t i = 0; i < ARRAY_SIZE(size); i++)
			tiny |= size[i]->weight && size[i]->unit == CSS_PX &&
				size[i]->num <= TRACKER_PX_MAX;
	}
	if (is_remote(src) && (tiny || style_hides(&f->style)))
		draft_remove(w->d, REMOVED_TRACKER, 1, src);
	else
		w->alt = attr_get(e, "alt");
}

/* Everything below a script or style, as evidence. */
static void raw_element(struct walk *w, const GumboNode *n,
			enum message_removed_kind kind)
{
	const GumboVector *v = &n->v.element.children;
	struct span s = span_of(NULL, 0);

	if (v->length && !is_element(v->data[0]))
		s = text_of(v->data[0]);
	else if (attr_has(&n->v.element, "src"))
		s = attr_get(&n->v.element, "src");
	if (kind == REMOVED_STYLE && s.n > EVIDENCE_STYLE_MAX) {
		s.n = EVIDENCE_STYLE_MAX;
		while (s.n && (s.p[s.n] & 0xc0) == 0x80)
			s.n--;
	}
	draft_remove(w->d, kind, 1, s);
}

static void list_item(struct walk *w, struct frame *f)
{
	struct frame *list = w->depth > 1 ? &w->frames[w->depth - 2] : NULL;

	if (list && list->node->v.element.tag == GUMBO_TAG_OL)
		(void)str_printf(w->w.mark, sizeof(w->w.mark), "%u. ",
				 ++list->item);
	else
		(void)str_printf(w->w.mark, sizeof(w->w.mark), "- ");
	(void)f;
}

/* What an element writes before its children, when it is seen. */
static void open_shown(struct walk *w, struct frame *f)
{
	GumboTag t = f->node->v.element.tag;

	if (t == GUMBO_TAG_TD || t == GUMBO_TAG_TH)
		writer_cell(&w->w);
	else if (is_paragraph(t) && f->style.box == BOX_BLOCK)
		writer_block(&w->w, 2);
	else if (f->style.box == BOX_BLOCK || t == GUMBO_TAG_TR ||
		 t == GUMBO_TAG_TABLE)
		writer_block(&w->w, 1);
	if (t == GUMBO_TAG_LI)
		list_item(w, f);
	else if (t == GUMBO_TAG_BLOCKQUOTE && w->w.quote < WRITER_QUOTE_MAX)
		w->w.quote++;
	else if (t == GUMBO_TAG_BR)
		writer_break(&w->w);
	else if (t == GUMBO_TAG_HR)
		writer_text(&w->w, SPAN_LIT("---"), false);
	else if (t == GUMBO_TAG_A || t == GUMBO_TAG_AREA)
		f->href = css_trim(attr_get(&f->node->v.element, "href"));
	f->link_from = w->w.out->n;
	if (f->href.n)
		w->alt = span_of(NULL, 0);
}

static void link_close(struct walk *w, const struct frame *f)
{
	const struct buf *out = w->w.out;
	struct span text = css_trim(buf_part(out, f->link_from, out->n));

	/* only places outside: #top and the like go nowhere */
	if (f->href.p[0] == '#')
		return;
	draft_link(w->d, text.n ? text : w->alt, f->href);
}

static void close_shown(struct walk *w, const struct frame *f)
{
	GumboTag t = f->node->v.element.tag;

	if (f->href.n)
		link_close(w, f);
	if (is_paragraph(t) && f->style.box == BOX_BLOCK)
		writer_block(&w->w, 2);
	else if (f->style.box == BOX_BLOCK || t == GUMBO_TAG_TABLE)
		writer_block(&w->w, 1);
	if (t == GUMBO_TAG_BLOCKQUOTE && w->w.quote)
		w->w.quote--;
}

/* Style and script write nothing, but selectors count them as siblings. */
static struct css_elem *elem_enter(struct walk *w, const GumboNode *n,
				   struct frame *parent)
{
	struct css_elem *e = elem_new(w, n, parent);

	if (!e)
		w->blind = true;
	else if (parent)
		parent->last = e;
	return e;
}

static void element_enter(struct walk *w, const GumboNode *n)
{
	struct frame *parent = w->depth ? &w->frames[w->depth - 1] : NULL;
	struct style initial = style_initial();
	struct css_elem *elem = elem_enter(w, n, parent);
	struct frame *f;
	GumboTag t = n->v.element.tag;

	if (is_name_of_page(n))
		return;
	if (t == GUMBO_TAG_STYLE || is_script(t)) {
		raw_element(w, n,
			    t == GUMBO_TAG_STYLE ? REMOVED_STYLE
						 : REMOVED_SCRIPT);
		return;
	}
	if (!elem || w->depth == HTML_FRAMES_MAX) {
		draft_remove(w->d, REMOVED_TRUNCATED, 1, span_of(NULL, 0));
		return;
	}
	f = &w->frames[w->depth];
	*f = (struct frame){ .node = n, .elem = elem };
	f->style = elem_style(w, parent ? &parent->style : &initial, elem,
			      &n->v.element);
	w->depth++;
	/* hidden paragraphs are words of their own, too */
	if (f->style.hide && f->style.box != BOX_INLINE && w->hidden.n &&
	    w->hidden.n < w->hidden.max)
		buf_u8(&w->hidden, ' ');
	if (t == GUMBO_TAG_IMG)
		image(w, f);
	if (!f->style.hide)
		open_shown(w, f);
}

static void element_leave(struct walk *w)
{
	struct frame *f = &w->frames[w->depth - 1];

	if (!f->style.hide)
		close_shown(w, f);
	w->depth--;
}

static void node_visit(struct walk *w, const GumboNode *n)
{
	switch (n->type) {
	case GUMBO_NODE_ELEMENT:
	case GUMBO_NODE_TEMPLATE:
		element_enter(w, n);
		return;
	case GUMBO_NODE_TEXT:
	case GUMBO_NODE_CDATA:
	case GUMBO_NODE_WHITESPACE:
		text_node(w, n);
		return;
	case GUMBO_NODE_COMMENT:
		draft_remove(w->d, REMOVED_COMMENT, 1, text_of(n));
		return;
	case GUMBO_NODE_DOCUMENT:
		return;
	}
}

static void walk_tree(struct walk *w, const GumboNode *root)
{
	element_enter(w, root);
	while (w->depth) {
		struct frame *f = &w->frames[w->depth - 1];
		const GumboVector *v = &f->node->v.element.children;

		if (f->next == v->length)
			element_leave(w);
		else
			node_visit(w, v->data[f->next++]);
	}
	hidden_flush(w);
}

/* Comments before and behind the root element count, too. */
static void outer_comments(struct walk *w, const GumboNode *document)
{
	const GumboVector *v = &document->v.document.children;

	for (unsigned int i = 0; i < v->length; i++) {
		const GumboNode *n = v->data[i];

		if (n->type == GUMBO_NODE_COMMENT)
			draft_remove(w->d, REMOVED_COMMENT, 1, text_of(n));
	}
}

static void tree_to_text(struct parse *p, const GumboOutput *tree,
			 struct draft *d, struct buf *out)
{
	struct walk w = {
		.d = d,
		.arena = &p->arena,
		.sheet = css_sheet_new(&p->arena, attr_find),
		.w.out = out,
		.frames = arena_raw(&p->arena,
				    HTML_FRAMES_MAX * sizeof(struct frame)),
	};

	if (!w.sheet || !w.frames) {
		draft_remove(d, REMOVED_TRUNCATED, 1, span_of(NULL, 0));
		return;
	}
	buf_init(&w.clean, HTML_INPUT_MAX);
	buf_init(&w.hidden, MESSAGE_EVIDENCE_MAX);
	sheets_collect(&w, tree->root);
	outer_comments(&w, tree->document);
	walk_tree(&w, tree->root);
	buf_done(&w.clean);
	buf_done(&w.hidden);
}

void html_to_text(struct span html, struct draft *d, struct buf *out)
{
	CLEAN_BUF struct buf capped = { .max = HTML_INPUT_MAX };
	CLEAN_BUF struct buf cut = { .max = MESSAGE_EVIDENCE_MAX };
	struct parse *p;
	GumboOutput *tree;
	uint32_t cuts = html_cap(html, &capped, &cut);

	if (cuts)
		draft_remove(
			d, REMOVED_TRUNCATED, cuts,
			span_of(cut.p, utf8_valid(buf_view(&cut)) ? cut.n : 0));
	p = arena_alloc(&d->arena, sizeof(*p));
	if (!p || !capped.n)
		return;
	arena_init(&p->arena, HTML_MEMORY_MAX);
	tree = parse(p, buf_view(&capped));
	if (tree)
		tree_to_text(p, tree, d, out);
	else
		draft_remove(d, REMOVED_TRUNCATED, 1, buf_view(&capped));
	arena_done(&p->arena);
}
