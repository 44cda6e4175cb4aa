/*
 * html: see html.h. Two walks over the tree, both without recursion: the first
 * collects style sheets, which count wherever they stand, the second writes.
 */
#include "reader/html/html.h"

#include <strings.h>

#include "reader/html/css.h"
#include "reader/html/css_value.h"
#include "reader/html/parse.h"
#include "reader/html/style.h"
#include "reader/html/writer.h"
#include "reader/utf8.h"

typedef myhtml_tree_node_t node_t;

enum {
	EVIDENCE_STYLE_MAX = 400,
	TRACKER_PX_MAX = 2,
	OPTION_DEPTH_MAX = 4,	    /* of nodes in a select */
	OPTION_LOOKS_MAX = 1 << 20, /* nodes looked at in all selects */
};

/* One open element of the walk. */
struct frame {
	const node_t *node;
	const node_t *next; /* child to look at */
	struct style style;
	struct css_elem *elem;
	struct css_elem *last; /* the child element visited before */
	unsigned int item;     /* of an ordered list */
	size_t link_from;      /* where an a's text begins in out */
	struct span href;      /* of an a that can be seen, else empty */
};

struct walk {
	struct draft *d;
	myhtml_tree_t *tree;
	struct css_sheet *sheet;
	struct css_values values; /* of the element that is entered */
	struct arena *arena;
	struct writer w;
	struct buf clean;  /* scratch */
	struct buf hidden; /* hidden text not yet accounted for */
	enum message_removed_kind hidden_kind;
	struct span alt; /* of the last image inside a link */
	struct frame *frames;
	size_t depth;
	const node_t *list;   /* the select that was looked at last */
	const node_t *option; /* the one it shows */
	uint32_t looks;	      /* nodes looked at for it, in all */
	bool blind; /* styles are over a limit: nothing can be judged */
};

/* What each tag is, as bits. */
enum {
	T_BLOCK = 1,
	T_PARAGRAPH = 2, /* a block with an empty line around it */
	T_TABLE = 4,	 /* a table, or a part of one */
	T_NEVER = 8,
	T_SCRIPT = 16,
	T_PRE = 32,
};

/*
 * T_NEVER: what a browser does not render by its own style sheet, and drawings:
 * mail programs leave SVG out, and what can be seen in it is not computed here.
 */
static const uint8_t tags[MyHTML_TAG_LAST_ENTRY] = {
	[MyHTML_TAG_P] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_H1] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_H2] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_H3] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_H4] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_H5] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_H6] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_BLOCKQUOTE] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_PRE] = T_BLOCK | T_PARAGRAPH | T_PRE,
	[MyHTML_TAG_UL] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_OL] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_DL] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_HR] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_FIGURE] = T_BLOCK | T_PARAGRAPH,
	[MyHTML_TAG_DIV] = T_BLOCK,
	[MyHTML_TAG_LI] = T_BLOCK,
	[MyHTML_TAG_DT] = T_BLOCK,
	[MyHTML_TAG_DD] = T_BLOCK,
	[MyHTML_TAG_SECTION] = T_BLOCK,
	[MyHTML_TAG_ARTICLE] = T_BLOCK,
	[MyHTML_TAG_HEADER] = T_BLOCK,
	[MyHTML_TAG_FOOTER] = T_BLOCK,
	[MyHTML_TAG_NAV] = T_BLOCK,
	[MyHTML_TAG_ASIDE] = T_BLOCK,
	[MyHTML_TAG_MAIN] = T_BLOCK,
	[MyHTML_TAG_ADDRESS] = T_BLOCK,
	[MyHTML_TAG_CENTER] = T_BLOCK,
	[MyHTML_TAG_FORM] = T_BLOCK,
	[MyHTML_TAG_BODY] = T_BLOCK,
	[MyHTML_TAG_CAPTION] = T_BLOCK,
	[MyHTML_TAG_OPTION] = T_BLOCK,
	[MyHTML_TAG_FIELDSET] = T_BLOCK,
	[MyHTML_TAG_LEGEND] = T_BLOCK,
	[MyHTML_TAG_DETAILS] = T_BLOCK,
	[MyHTML_TAG_SUMMARY] = T_BLOCK,
	[MyHTML_TAG_HTML] = T_BLOCK,
	[MyHTML_TAG_TABLE] = T_TABLE,
	[MyHTML_TAG_TD] = T_TABLE,
	[MyHTML_TAG_TH] = T_TABLE,
	[MyHTML_TAG_TR] = T_TABLE,
	[MyHTML_TAG_TBODY] = T_TABLE,
	[MyHTML_TAG_THEAD] = T_TABLE,
	[MyHTML_TAG_TFOOT] = T_TABLE,
	[MyHTML_TAG_TITLE] = T_BLOCK | T_NEVER,
	[MyHTML_TAG_TEMPLATE] = T_NEVER,
	[MyHTML_TAG_DATALIST] = T_NEVER,
	[MyHTML_TAG_PARAM] = T_NEVER,
	[MyHTML_TAG_RP] = T_NEVER,
	[MyHTML_TAG_CANVAS] = T_NEVER,
	[MyHTML_TAG_AUDIO] = T_NEVER,
	[MyHTML_TAG_VIDEO] = T_NEVER,
	[MyHTML_TAG_PROGRESS] = T_NEVER,
	[MyHTML_TAG_METER] = T_NEVER,
	[MyHTML_TAG_SVG] = T_NEVER,
	[MyHTML_TAG_ANNOTATION_XML] = T_NEVER,
	[MyHTML_TAG_SCRIPT] = T_SCRIPT,
	[MyHTML_TAG_IFRAME] = T_SCRIPT,
	[MyHTML_TAG_NOEMBED] = T_SCRIPT,
	[MyHTML_TAG_NOFRAMES] = T_SCRIPT,
	[MyHTML_TAG_OBJECT] = T_SCRIPT,
	[MyHTML_TAG_APPLET] = T_SCRIPT,
	[MyHTML_TAG_EMBED] = T_SCRIPT,
	[MyHTML_TAG_TEXTAREA] = T_PRE,
	[MyHTML_TAG_PLAINTEXT] = T_PRE,
	[MyHTML_TAG_XMP] = T_PRE,
	[MyHTML_TAG_LISTING] = T_PRE,
};

static unsigned int tag_bits(const node_t *n)
{
	return n->tag_id < ARRAY_SIZE(tags) ? tags[n->tag_id] : 0;
}

static bool tag_is(const node_t *n, myhtml_tag_id_t tag)
{
	return n->tag_id == tag;
}

static struct span string_of(const mycore_string_t *s)
{
	return span_of(s->data, s->data ? s->length : 0);
}

/* The first of the name, which is lower case; NULL if there is none. */
static const myhtml_token_attr_t *attr_look(const node_t *n, struct span name)
{
	const myhtml_token_attr_t *a = n->token ? n->token->attr_first : NULL;

	while (a && !(a->key.length == name.n && a->key.data &&
		      memcmp(a->key.data, name.p, name.n) == 0))
		a = a->next;
	return a;
}

static struct span attr_get(const node_t *n, struct span name)
{
	const myhtml_token_attr_t *a = attr_look(n, name);

	return a ? string_of(&a->value) : span_of(NULL, 0);
}

static uint32_t attrs_count(const node_t *n)
{
	const myhtml_token_attr_t *a = n->token ? n->token->attr_first : NULL;
	uint32_t count = 0;

	for (; a; a = a->next)
		count++;
	return count;
}

static bool attr_has(const node_t *n, struct span name)
{
	return attr_look(n, name) != NULL;
}

/* css_attr_fn */
static bool attr_find(const void *node, struct span name, struct span *ret)
{
	const node_t *n = node;
	const myhtml_token_attr_t *a = n->token ? n->token->attr_first : NULL;

	for (; a; a = a->next) {
		if (a->key.length == name.n && a->key.data &&
		    strncasecmp(a->key.data, (const char *)name.p, name.n) ==
			    0) {
			*ret = string_of(&a->value);
			return true;
		}
	}
	return false;
}

static struct span tag_of(myhtml_tree_t *tree, const node_t *n)
{
	size_t len = 0;
	const char *name = myhtml_tag_name_by_id(tree, n->tag_id, &len);

	return span_of(name, name ? len : 0);
}

static bool is_element(const node_t *n)
{
	return n->tag_id > MyHTML_TAG__DOCTYPE &&
	       n->tag_id != MyHTML_TAG__END_OF_FILE;
}

static bool is_text(const node_t *n)
{
	return tag_is(n, MyHTML_TAG__TEXT);
}

/* The node behind n in document order, without a stack. */
static const node_t *node_after(const node_t *n)
{
	if (n->child)
		return n->child;
	while (n && !n->next)
		n = n->parent;
	return n ? n->next : NULL;
}

/* Of a text or comment. */
static struct span text_of(const node_t *n)
{
	return n->token ? string_of(&n->token->str) : span_of(NULL, 0);
}

static void sheets_collect(struct walk *w)
{
	const node_t *n = myhtml_tree_get_document(w->tree);

	for (; n; n = node_after(n)) {
		if (!tag_is(n, MyHTML_TAG_STYLE))
			continue;
		for (const node_t *c = n->child; c; c = c->next) {
			if (is_text(c) &&
			    css_sheet_add(w->sheet, text_of(c),
					  attr_get(n, SPAN_LIT("media"))))
				w->blind = true;
		}
	}
}

static bool is_within(const node_t *n, const node_t *list)
{
	for (unsigned int i = 0; n && i < OPTION_DEPTH_MAX; i++) {
		n = n->parent;
		if (n == list)
			return true;
	}
	return false;
}

/* The option that a closed list shows: the first selected one, or the first. */
static const node_t *option_shown(struct walk *w, const node_t *list)
{
	const node_t *n = list;

	if (w->list == list)
		return w->option;
	w->list = list;
	w->option = NULL;
	while ((n = node_after(n)) && is_within(n, list)) {
		bool selected;

		/* in MathML selects stand in each other, and take turns */
		if (w->looks == OPTION_LOOKS_MAX) {
			w->blind = true;
			break;
		}
		w->looks++;
		if (!tag_is(n, MyHTML_TAG_OPTION))
			continue;
		selected = attr_has(n, SPAN_LIT("selected"));
		if (!w->option || selected)
			w->option = n;
		if (selected)
			break;
	}
	return w->option;
}

/* What stands in a list or details that a person has not opened. */
static bool is_folded(struct walk *w, const node_t *n)
{
	const node_t *up = n->parent;

	if (!up)
		return false;
	if (tag_is(n, MyHTML_TAG_OPTION)) {
		if (tag_is(up, MyHTML_TAG_OPTGROUP) && up->parent)
			up = up->parent;
		return tag_is(up, MyHTML_TAG_SELECT) &&
		       !attr_has(up, SPAN_LIT("multiple")) &&
		       option_shown(w, up) != n;
	}
	return tag_is(up, MyHTML_TAG_DETAILS) &&
	       !attr_has(up, SPAN_LIT("open")) &&
	       !tag_is(n, MyHTML_TAG_SUMMARY);
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

static void text_node(struct walk *w, const node_t *n)
{
	const struct style *st = &w->frames[w->depth - 1].style;
	enum message_removed_kind kind = style_hides(st);
	struct span text = text_of(n);

	if (w->blind)
		kind = REMOVED_TRUNCATED;
	else if (!kind && is_folded(w, n))
		kind = REMOVED_DISPLAY_NONE;
	if (kind) {
		hidden_text(w, kind, text);
		return;
	}
	if (!clean_is_plain(text)) {
		buf_reset(&w->clean);
		clean_text(text, &w->clean, w->d);
		text = buf_view(&w->clean);
	}
	if (w->hidden_kind && !is_blank(text))
		hidden_flush(w);
	writer_text(&w->w, text, st->pre);
}

/* Elements */

static bool never_shown(struct walk *w, const node_t *n)
{
	return (tag_bits(n) & T_NEVER) ||
	       (n->tag_id >= MyHTML_TAG_LAST_ENTRY &&
		css_word_is(tag_of(w->tree, n), "annotation")) ||
	       (tag_is(n, MyHTML_TAG_DIALOG) && !attr_has(n, SPAN_LIT("open")));
}

/*
 * The title in a head names the page and is no hidden part of its text: nearly
 * every mail of HTML has one. It is not written either.
 */
static bool is_name_of_page(const node_t *n)
{
	return tag_is(n, MyHTML_TAG_TITLE) && n->parent &&
	       tag_is(n->parent, MyHTML_TAG_HEAD);
}

static enum style_box default_box(unsigned int bits)
{
	if (bits & T_TABLE)
		return BOX_OTHER;
	return bits & T_BLOCK ? BOX_BLOCK : BOX_INLINE;
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

static struct css_elem *elem_new(struct walk *w, const node_t *n,
				 const struct frame *parent)
{
	struct css_elem *e = arena_raw(w->arena, sizeof(*e));

	if (!e)
		return NULL;
	e->cls = NULL;
	e->n_cls = 0;
	if (!classes_split(w, e, attr_get(n, SPAN_LIT("class"))))
		return NULL;
	e->parent = parent ? parent->elem : NULL;
	e->prev = parent ? parent->last : NULL;
	e->tag = tag_of(w->tree, n);
	e->id = attr_get(n, SPAN_LIT("id"));
	e->n_attrs = attrs_count(n);
	e->node = n;
	return e;
}

/* text colours a body, color a font */
static void attributes_apply(const node_t *n, struct css_values *v)
{
	static const struct {
		const char *name;
		enum css_prop prop;
		myhtml_tag_id_t only;
	} rows[] = {
		{ "bgcolor", CSS_BACKGROUND, 0 },
		{ "text", CSS_COLOR, MyHTML_TAG_BODY },
		{ "width", CSS_WIDTH, 0 },
		{ "height", CSS_HEIGHT, 0 },
		{ "color", CSS_COLOR, MyHTML_TAG_FONT },
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		struct span s;

		if (rows[i].only && rows[i].only != n->tag_id)
			continue;
		s = attr_get(n, span_str(rows[i].name));
		if (s.n)
			css_attribute(v, rows[i].prop, s);
	}
}

/* What rules, attributes and the element's own style say about it. */
static void values_gather(struct walk *w, const node_t *n,
			  const struct css_elem *elem)
{
	struct css_values *v = &w->values;

	css_values_reset(v);
	if (n->token && n->token->attr_first)
		attributes_apply(n, v);
	if (elem && css_match(w->sheet, elem, v))
		w->blind = true;
	if (css_inline(w->sheet, attr_get(n, SPAN_LIT("style")), v))
		w->blind = true;
}

/* Style by what the rules say, and by what they perhaps say. */
static struct style elem_style(struct walk *w, const struct style *parent,
			       const node_t *n, const struct css_elem *elem)
{
	unsigned int bits = tag_bits(n);
	enum style_box box = default_box(bits);
	bool shrinks = !(bits & T_TABLE);
	const struct css_values *v = &w->values;
	struct style s;

	values_gather(w, n, elem);
	s = style_compute(parent, box, shrinks, v->set ? v->sure : NULL);
	if (v->any_maybe && !style_hides(&s)) {
		struct style maybe =
			style_compute(parent, box, shrinks, v->maybe);

		if (style_hides(&maybe))
			s.hide = style_hides(&maybe);
	}
	if (bits & T_PRE)
		s.pre = true;
	if (!s.hide && attr_has(n, SPAN_LIT("hidden")) &&
	    !v->sure[CSS_DISPLAY].weight)
		s.hide = REMOVED_HIDDEN_ATTRIBUTE;
	if (!s.hide && (never_shown(w, n) || is_folded(w, n)))
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

/* A length of the element, by its rules or its style, that nobody sees. */
static bool tiny_value(const struct css_value *v)
{
	return v->weight && v->unit == CSS_PX && v->num <= TRACKER_PX_MAX;
}

/* w->values are this element's. */
static void image(struct walk *w, const struct frame *f)
{
	const node_t *n = f->node;
	struct span src = attr_get(n, SPAN_LIT("src"));
	const struct css_value *v = w->values.sure;
	bool tiny = tiny_value(&v[CSS_WIDTH]) || tiny_value(&v[CSS_HEIGHT]) ||
		    is_tiny(attr_get(n, SPAN_LIT("width"))) ||
		    is_tiny(attr_get(n, SPAN_LIT("height")));

	if (is_remote(src) && (tiny || style_hides(&f->style)))
		draft_remove(w->d, REMOVED_TRACKER, 1, src);
	else if (!tiny && !style_hides(&f->style))
		w->alt = attr_get(n, SPAN_LIT("alt"));
}

/* Everything below a script or style, as evidence. */
static void raw_element(struct walk *w, const node_t *n,
			enum message_removed_kind kind)
{
	struct span s;

	if (n->child && !is_element(n->child))
		s = text_of(n->child);
	else
		s = attr_get(n, SPAN_LIT("src"));
	if (kind == REMOVED_STYLE)
		s.n = utf8_cut(s, EVIDENCE_STYLE_MAX);
	draft_remove(w->d, kind, 1, s);
}

/* "12. " into a mark; no list has more items than a document has bytes. */
static void number_mark(char *mark, unsigned int n)
{
	char digits[8];
	size_t i = sizeof(digits);

	do {
		digits[--i] = (char)('0' + n % 10);
		n /= 10;
	} while (n && i);
	memcpy(mark, digits + i, sizeof(digits) - i);
	memcpy(mark + sizeof(digits) - i, ". ", sizeof(". "));
}

static void list_item(struct walk *w)
{
	struct frame *list = w->depth > 1 ? &w->frames[w->depth - 2] : NULL;

	if (list && tag_is(list->node, MyHTML_TAG_OL))
		number_mark(w->w.mark, ++list->item);
	else
		memcpy(w->w.mark, "- ", sizeof("- "));
}

/* The empty lines, line ends and tabs before an element, and behind it. */
static void box_edge(struct walk *w, const struct frame *f)
{
	const node_t *n = f->node;

	if (f->style.box == BOX_BLOCK)
		writer_block(&w->w, tag_bits(n) & T_PARAGRAPH ? 2 : 1);
	else if (tag_is(n, MyHTML_TAG_TABLE))
		writer_block(&w->w, 1);
}

/* What an element writes before its children, when it is seen. */
static void open_shown(struct walk *w, struct frame *f)
{
	const node_t *n = f->node;

	if (tag_is(n, MyHTML_TAG_TD) || tag_is(n, MyHTML_TAG_TH))
		writer_cell(&w->w);
	else if (tag_is(n, MyHTML_TAG_TR))
		writer_block(&w->w, 1);
	else
		box_edge(w, f);
	if (tag_is(n, MyHTML_TAG_LI))
		list_item(w);
	else if (tag_is(n, MyHTML_TAG_BLOCKQUOTE) &&
		 w->w.quote < WRITER_QUOTE_MAX)
		w->w.quote++;
	else if (tag_is(n, MyHTML_TAG_BR))
		writer_break(&w->w);
	else if (tag_is(n, MyHTML_TAG_HR))
		writer_text(&w->w, SPAN_LIT("---"), false);
	else if (tag_is(n, MyHTML_TAG_A) || tag_is(n, MyHTML_TAG_AREA))
		f->href = css_trim(attr_get(n, SPAN_LIT("href")));
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
	if (f->href.n)
		link_close(w, f);
	box_edge(w, f);
	if (tag_is(f->node, MyHTML_TAG_BLOCKQUOTE) && w->w.quote)
		w->w.quote--;
}

/*
 * The element for selectors, if there are any. Style and script write nothing,
 * but are counted as siblings.
 */
static struct css_elem *elem_enter(struct walk *w, const node_t *n,
				   struct frame *parent)
{
	struct css_elem *e;

	if (!css_sheet_has_rules(w->sheet))
		return NULL;
	e = elem_new(w, n, parent);
	if (!e)
		w->blind = true;
	else if (parent)
		parent->last = e;
	return e;
}

static void element_open(struct walk *w, const node_t *n, struct css_elem *elem)
{
	struct frame *f = &w->frames[w->depth];

	f->node = n;
	f->next = n->child;
	f->elem = elem;
	f->last = NULL;
	f->item = 0;
	f->href.n = 0;
	f->style = elem_style(w, w->depth ? &f[-1].style : &style_initial, n,
			      elem);
	w->depth++;
	/* hidden paragraphs are words of their own, too */
	if (f->style.hide && f->style.box != BOX_INLINE && w->hidden.n &&
	    w->hidden.n < w->hidden.max)
		buf_u8(&w->hidden, ' ');
	if (tag_is(n, MyHTML_TAG_IMG))
		image(w, f);
	if (!f->style.hide)
		open_shown(w, f);
}

static void element_enter(struct walk *w, const node_t *n)
{
	struct frame *parent = w->depth ? &w->frames[w->depth - 1] : NULL;
	struct css_elem *elem = elem_enter(w, n, parent);

	if (is_name_of_page(n))
		return;
	if (tag_is(n, MyHTML_TAG_STYLE))
		raw_element(w, n, REMOVED_STYLE);
	else if (tag_bits(n) & T_SCRIPT)
		raw_element(w, n, REMOVED_SCRIPT);
	else if (w->depth == HTML_FRAMES_MAX)
		draft_remove(w->d, REMOVED_TRUNCATED, 1, span_of(NULL, 0));
	else
		element_open(w, n, elem);
}

static void element_leave(struct walk *w)
{
	struct frame *f = &w->frames[w->depth - 1];

	if (!f->style.hide)
		close_shown(w, f);
	w->depth--;
}

static void node_visit(struct walk *w, const node_t *n)
{
	if (is_text(n))
		text_node(w, n);
	else if (tag_is(n, MyHTML_TAG__COMMENT))
		draft_remove(w->d, REMOVED_COMMENT, 1, text_of(n));
	else if (is_element(n))
		element_enter(w, n);
}

/* Comments stand before and behind the root element, too. */
static void walk_tree(struct walk *w)
{
	const node_t *outer = myhtml_tree_get_document(w->tree)->child;

	for (; outer; outer = outer->next) {
		if (!is_text(outer))
			node_visit(w, outer);
		while (w->depth) {
			struct frame *f = &w->frames[w->depth - 1];
			const node_t *n = f->next;

			if (n) {
				f->next = n->next;
				node_visit(w, n);
			} else {
				element_leave(w);
			}
		}
	}
	hidden_flush(w);
}

static void tree_to_text(struct arena *a, myhtml_tree_t *tree, struct draft *d,
			 struct buf *out)
{
	struct walk *w = arena_alloc(a, sizeof(*w));

	if (w) {
		w->sheet = css_sheet_new(a, attr_find);
		w->frames = arena_raw(a, HTML_FRAMES_MAX * sizeof(*w->frames));
	}
	if (!w || !w->sheet || !w->frames) {
		draft_remove(d, REMOVED_TRUNCATED, 1, span_of(NULL, 0));
		return;
	}
	w->d = d;
	w->arena = a;
	w->tree = tree;
	w->w.out = out;
	buf_init(&w->clean, PARSE_INPUT_MAX);
	buf_init(&w->hidden, MESSAGE_EVIDENCE_MAX);
	sheets_collect(w);
	walk_tree(w);
	buf_done(&w->clean);
	buf_done(&w->hidden);
}

void html_init(void)
{
	parse_init();
	css_init();
}

/*
 * Of NUL the parser makes texts that are no UTF-8. So it gets U+FFFF, which is
 * no character either: no name, style or tag has it, and from a text it is
 * taken out like all that nobody sees, so that "ig\0nore" is one word, as in a
 * browser. Dropped here, it could join what stands around it to markup.
 */
static size_t copy_without_nul(struct span s, uint8_t *p)
{
	static const uint8_t none[] = { 0xef, 0xbf, 0xbf };
	size_t n = 0;

	for (size_t i = 0; i < s.n; i++) {
		if (s.p[i]) {
			p[n++] = s.p[i];
		} else {
			memcpy(p + n, none, sizeof(none));
			n += sizeof(none);
		}
	}
	return n;
}

/* A copy, for the parser looks one byte behind the text; NULL for no room. */
static struct span text_copy(struct arena *a, struct span html)
{
	bool nul = memchr(html.p, 0, html.n);
	size_t room = nul ? 3 * html.n : html.n;
	uint8_t *p = arena_raw(a, room + 1);
	size_t n = html.n;

	if (!p)
		return span_of(NULL, 0);
	if (nul)
		n = copy_without_nul(html, p);
	else
		memcpy(p, html.p, n);
	p[n] = 0;
	return span_of(p, n);
}

static void text_to_text(struct arena *a, struct span html, struct draft *d,
			 struct buf *out)
{
	struct parsed tree = { 0 };
	struct span text = text_copy(a, html);

	if (text.p)
		parse_html(text, &tree);
	else
		text = html;
	if (tree.tree)
		tree_to_text(a, tree.tree, d, out);
	if (tree.end < text.n)
		draft_remove(d, REMOVED_TRUNCATED, 1,
			     span_of(text.p + tree.end, text.n - tree.end));
}

void html_to_text(struct span html, struct draft *d, struct buf *out)
{
	size_t n = utf8_cut(html, PARSE_INPUT_MAX);
	struct arena arena;

	if (!html.n)
		return;
	arena_init(&arena, HTML_MEMORY_MAX);
	css_init();
	text_to_text(&arena, span_of(html.p, n), d, out);
	if (n < html.n)
		draft_remove(d, REMOVED_TRUNCATED, 1,
			     span_of(html.p + n, html.n - n));
	arena_done(&arena);
}
