/*
 * yaml: see yaml.h.
 *
 * libfyaml's event parser reads the file; the tree is our own, so that what
 * it may hold is decided here: no event outside the subset becomes a node.
 * Building is a loop over events with a fixed stack of open lists and maps.
 * The text itself is checked first, because the reader of a policy must see
 * what the program sees: no control, direction or zero-width characters.
 */
#include "conf/yaml.h"

#include <errno.h>
#include <libfyaml.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/str.h"

struct yaml_item {
	char *key; /* maps only */
	struct yaml_place key_place;
	struct yaml_node *node;
};

struct yaml_node {
	enum yaml_kind kind;
	bool quoted;
	struct yaml_place place;
	char *text; /* scalars */
	size_t n;
	size_t cap;
	struct yaml_item *items;
	struct yaml_node *next; /* every node of the file, newest first */
};

struct yaml {
	char *name;
	struct yaml_node *root;
	struct yaml_node *all;
	size_t n_nodes;
};

struct builder {
	struct yaml *y;
	struct buf *errs;
	size_t errors;
	bool stop; /* an error that leaves nothing sensible to go on with */
	struct yaml_node *stack[YAML_DEPTH_MAX];
	size_t depth;
	char *key; /* owned: read, its value not yet */
	struct yaml_place key_place;
	unsigned documents;
};

/* One row a character that hides what a file says. */
static const struct {
	uint32_t from, to;
} hidden_chars[] = {
	{ 0x00, 0x08 },	    { 0x0b, 0x0c },	{ 0x0e, 0x1f },
	{ 0x7f, 0x9f },	    { 0xad, 0xad },	{ 0x61c, 0x61c },
	{ 0x200b, 0x200f }, { 0x2028, 0x202e }, { 0x2060, 0x206f },
	{ 0xfeff, 0xfeff }, { 0xfff9, 0xfffb }, { 0xe0000, 0xe0fff },
};

static bool char_is_hidden(uint32_t c)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(hidden_chars); i++)
		if (c >= hidden_chars[i].from && c <= hidden_chars[i].to)
			return true;
	return false;
}

/* The code point at *i of well-formed UTF-8; moves *i past it. */
static uint32_t next_char(struct span s, size_t *i)
{
	uint32_t c = s.p[(*i)++];

	if (c < 0x80)
		return c;
	c &= c >= 0xf0 ? 0x07u : c >= 0xe0 ? 0x0fu : 0x1fu;
	while (*i < s.n && (s.p[*i] & 0xc0) == 0x80)
		c = c << 6 | (s.p[(*i)++] & 0x3fu);
	return c;
}

bool yaml_hides(struct span s)
{
	size_t i = 0;

	while (i < s.n)
		if (char_is_hidden(next_char(s, &i)))
			return true;
	return false;
}

static void error_v(const struct yaml *y, struct buf *errs,
		    struct yaml_place at, const char *fmt, va_list ap)
	__attribute__((format(printf, 4, 0)));

static void error_v(const struct yaml *y, struct buf *errs,
		    struct yaml_place at, const char *fmt, va_list ap)
{
	char text[512];
	size_t i;

	(void)vsnprintf(text, sizeof(text), fmt, ap);
	buf_printf(errs, "%s:%u:%u: ", y->name, at.line, at.column);
	/* A value that is quoted may have line breaks: one error, one line. */
	for (i = 0; text[i]; i++) {
		if (text[i] == '\n')
			buf_str(errs, "\\n");
		else if (text[i] == '\t')
			buf_str(errs, "\\t");
		else
			buf_u8(errs, (uint8_t)text[i]);
	}
	buf_u8(errs, '\n');
}

void yaml_error(const struct yaml *y, struct buf *errs, struct yaml_place at,
		const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	error_v(y, errs, at, fmt, ap);
	va_end(ap);
}

static void fault(struct builder *b, struct yaml_place at, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

static void fault(struct builder *b, struct yaml_place at, const char *fmt, ...)
{
	va_list ap;

	b->errors++;
	va_start(ap, fmt);
	error_v(b->y, b->errs, at, fmt, ap);
	va_end(ap);
}

static void out_of_memory(struct builder *b)
{
	fault(b, (struct yaml_place){ 1, 1 }, "out of memory");
	b->stop = true;
}

/* Size, encoding and hidden characters; the first of each is enough. */
static void check_text(struct builder *b, struct span s)
{
	struct yaml_place at = { 1, 1 };
	size_t i = 0;

	if (s.n > YAML_FILE_MAX) {
		fault(b, at, "the file is larger than %d bytes: shorten it",
		      YAML_FILE_MAX);
		return;
	}
	while (i < s.n) {
		size_t len = 1, from = i;
		uint32_t c;

		while (from + len < s.n && (s.p[from + len] & 0xc0) == 0x80)
			len++;
		if (!utf8_valid(span_of(s.p + from, len))) {
			fault(b, at,
			      "not UTF-8: byte 0x%02x: save the file as UTF-8",
			      s.p[from]);
			return;
		}
		c = next_char(s, &i);
		if (char_is_hidden(c)) {
			fault(b, at,
			      "hidden character U+%04X: remove it, what the "
			      "file says must be visible",
			      c);
			return;
		}
		at.column++;
		if (c == '\n')
			at = (struct yaml_place){ at.line + 1, 1 };
	}
}

static struct yaml_place mark_place(const struct fy_mark *m)
{
	if (!m || m->line < 0 || m->column < 0)
		return (struct yaml_place){ 1, 1 };
	return (struct yaml_place){ (uint32_t)m->line + 1,
				    (uint32_t)m->column + 1 };
}

static struct yaml_place token_place(struct fy_token *t)
{
	return mark_place(t ? fy_token_start_mark(t) : NULL);
}

/* A scalar's place; libfyaml marks what is inside the quotes. */
static struct yaml_place scalar_place(struct fy_token *t)
{
	enum fy_scalar_style style = t ? fy_token_scalar_style(t) : FYSS_PLAIN;
	struct yaml_place at = token_place(t);

	if ((style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED) &&
	    at.column > 1)
		at.column--;
	return at;
}

static struct yaml_node *node_new(struct builder *b, enum yaml_kind kind,
				  struct yaml_place at)
{
	struct yaml_node *n;

	if (b->y->n_nodes >= YAML_NODES_MAX) {
		fault(b, at, "more than %d values in one file: shorten it",
		      YAML_NODES_MAX);
		b->stop = true;
		return NULL;
	}
	n = calloc(1, sizeof(*n));
	if (!n) {
		out_of_memory(b);
		return NULL;
	}
	n->kind = kind;
	n->place = at;
	n->next = b->y->all;
	b->y->all = n;
	b->y->n_nodes++;
	return n;
}

static struct yaml_item *item_new(struct builder *b, struct yaml_node *in)
{
	if (in->n == in->cap) {
		size_t cap = in->cap ? in->cap * 2 : 8;
		void *p = reallocarray(in->items, cap, sizeof(*in->items));

		if (!p) {
			out_of_memory(b);
			return NULL;
		}
		in->items = p;
		in->cap = cap;
	}
	in->items[in->n] = (struct yaml_item){ 0 };
	return &in->items[in->n++];
}

/* Puts a node where it belongs: root, list element or value of the key. */
static void attach(struct builder *b, struct yaml_node *n)
{
	struct yaml_node *in = b->depth ? b->stack[b->depth - 1] : NULL;
	struct yaml_item *item;

	if (!in) {
		b->y->root = n;
		return;
	}
	item = item_new(b, in);
	if (!item)
		return;
	item->node = n;
	if (in->kind == YAML_MAP) {
		item->key = b->key;
		item->key_place = b->key_place;
		b->key = NULL;
	}
}

/* True if the next node of the innermost collection is a map's key. */
static bool key_is_next(const struct builder *b)
{
	return b->depth && b->stack[b->depth - 1]->kind == YAML_MAP && !b->key;
}

/* A token's text as an owned string; NULL after a fault. */
static char *token_text(struct builder *b, struct fy_token *t)
{
	struct yaml_place at = scalar_place(t);
	size_t n = 0;
	const char *p = t ? fy_token_get_text(t, &n) : "";
	struct span s = span_of(p, n);
	char *copy;

	if (!p) {
		out_of_memory(b);
		return NULL;
	}
	if (yaml_hides(s)) {
		fault(b, at,
		      "an escaped control or hidden character: remove it");
		n = 0;
	}
	copy = calloc(1, n + 1);
	if (!copy) {
		out_of_memory(b);
		return NULL;
	}
	if (n)
		memcpy(copy, p, n);
	return copy;
}

static void check_props(struct builder *b, struct fy_token *anchor,
			struct fy_token *tag)
{
	if (anchor)
		fault(b, token_place(anchor),
		      "anchors are not allowed: write the value out");
	if (tag)
		fault(b, token_place(tag),
		      "tags are not allowed: remove it, the schema knows each "
		      "type");
}

static void check_key(struct builder *b, struct yaml_place at, bool plain)
{
	const struct yaml_node *in = b->stack[b->depth - 1];
	size_t i;

	if (plain && !strcmp(b->key, "<<"))
		fault(b, at, "merge keys are not allowed: write the keys out");
	if (in->n >= YAML_KEYS_MAX) {
		fault(b, at, "more than %d keys in one map: shorten it",
		      YAML_KEYS_MAX);
		b->stop = true;
	}
	for (i = 0; i < in->n; i++) {
		if (strcmp(in->items[i].key, b->key) != 0)
			continue;
		fault(b, at,
		      "duplicate key \"%s\", first at line %u: remove one",
		      b->key, in->items[i].key_place.line);
		return;
	}
}

static void on_scalar(struct builder *b, const struct fy_event *e)
{
	struct fy_token *t = e->scalar.value;
	bool plain = !t || fy_token_scalar_style(t) == FYSS_PLAIN;
	struct yaml_place at = scalar_place(t);
	struct yaml_node *n;

	check_props(b, e->scalar.anchor, e->scalar.tag);
	if (key_is_next(b)) {
		b->key = token_text(b, t);
		b->key_place = at;
		if (b->key)
			check_key(b, at, plain);
		return;
	}
	/* an empty value has no place of its own: its key's */
	if (b->key && (!t || fy_token_get_text_length(t) == 0) && plain)
		at = b->key_place;
	n = node_new(b, YAML_SCALAR, at);
	if (!n)
		return;
	n->quoted = !plain;
	n->text = token_text(b, t);
	attach(b, n);
}

static void on_alias(struct builder *b, const struct fy_event *e)
{
	struct yaml_place at = token_place(e->alias.anchor);
	struct yaml_node *n;

	fault(b, at, "aliases are not allowed: write the value out");
	if (key_is_next(b)) {
		b->stop = true;
		return;
	}
	n = node_new(b, YAML_SCALAR, at);
	if (!n)
		return;
	n->text = calloc(1, 1);
	if (!n->text)
		out_of_memory(b);
	attach(b, n);
}

static void on_open(struct builder *b, struct fy_event *e, enum yaml_kind kind)
{
	struct yaml_place at = mark_place(fy_event_start_mark(e));
	struct yaml_node *n;

	if (kind == YAML_MAP)
		check_props(b, e->mapping_start.anchor, e->mapping_start.tag);
	else
		check_props(b, e->sequence_start.anchor, e->sequence_start.tag);
	if (key_is_next(b)) {
		fault(b, at, "a key must be a plain word: write it so");
		b->stop = true;
		return;
	}
	if (b->depth == YAML_DEPTH_MAX) {
		fault(b, at, "nested deeper than %d levels: flatten it",
		      YAML_DEPTH_MAX);
		b->stop = true;
		return;
	}
	n = node_new(b, kind, at);
	if (!n)
		return;
	attach(b, n);
	b->stack[b->depth++] = n;
}

static void on_document(struct builder *b, struct fy_event *e)
{
	struct fy_document_state *s = e->document_start.document_state;

	if (++b->documents > 1) {
		fault(b, mark_place(fy_event_start_mark(e)),
		      "a second document: one document a file; remove it");
		b->stop = true;
	}
	if (s && (fy_document_state_version_explicit(s) ||
		  fy_document_state_tags_explicit(s)))
		fault(b, (struct yaml_place){ 1, 1 },
		      "%% directives are not allowed: remove them");
}

static void on_event(struct builder *b, struct fy_event *e)
{
	switch (e->type) {
	case FYET_SCALAR:
		on_scalar(b, e);
		break;
	case FYET_ALIAS:
		on_alias(b, e);
		break;
	case FYET_MAPPING_START:
		on_open(b, e, YAML_MAP);
		break;
	case FYET_SEQUENCE_START:
		on_open(b, e, YAML_LIST);
		break;
	case FYET_MAPPING_END:
	case FYET_SEQUENCE_END:
		if (b->depth)
			b->depth--;
		break;
	case FYET_DOCUMENT_START:
		on_document(b, e);
		break;
	case FYET_NONE:
	case FYET_STREAM_START:
	case FYET_STREAM_END:
	case FYET_DOCUMENT_END:
		break;
	}
}

/* What the parser itself found wrong, in its words. */
static void report_syntax(struct builder *b, struct fy_diag *diag)
{
	struct fy_diag_error *e;
	void *iter = NULL;
	size_t n = 0;

	while ((e = fy_diag_errors_iterate(diag, &iter)) && n < 8) {
		struct yaml_place at = { 1, 1 };

		if (e->type != FYET_ERROR)
			continue;
		if (e->line > 0)
			at.line = (uint32_t)e->line;
		if (e->column > 0)
			at.column = (uint32_t)e->column;
		fault(b, at, "not YAML: %s: mend it there",
		      e->msg ? e->msg : "syntax error");
		n++;
	}
	if (!n)
		fault(b, (struct yaml_place){ 1, 1 }, "not YAML: mend it");
}

static void build(struct builder *b, struct fy_parser *fyp,
		  struct fy_diag *diag)
{
	struct fy_event *e;

	while (!b->stop && (e = fy_parser_parse(fyp))) {
		bool end = e->type == FYET_STREAM_END;

		on_event(b, e);
		fy_parser_event_free(fyp, e);
		if (end)
			return;
	}
	if (!b->stop)
		report_syntax(b, diag);
}

static void read_events(struct builder *b, struct span text)
{
	/* Not fy_diag_cfg_default, which asks whether stderr is a terminal:
	 * a system call that a sandboxed process does not keep. */
	const struct fy_diag_cfg diag_cfg = {
		.level = FYET_INFO,
		.module_mask = (1u << FYEM_MAX) - 1,
	};
	struct fy_parse_cfg cfg = {
		.search_path = "",
		.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG | FYPCF_JSON_NONE |
			 FYPCF_DEFAULT_VERSION_1_2 | FYPCF_DISABLE_MMAP_OPT,
	};
	struct fy_parser *fyp = NULL;
	struct fy_diag *diag;

	diag = fy_diag_create(&diag_cfg);
	if (diag) {
		fy_diag_set_collect_errors(diag, true);
		cfg.diag = diag;
		fyp = fy_parser_create(&cfg);
	}
	if (fyp && fy_parser_set_string(fyp, (const char *)text.p, text.n) == 0)
		build(b, fyp, diag);
	else
		out_of_memory(b);
	if (fyp)
		fy_parser_destroy(fyp);
	if (diag)
		fy_diag_destroy(diag);
}

static struct yaml *yaml_new(const char *name)
{
	struct yaml *y = calloc(1, sizeof(*y));

	if (!y)
		return NULL;
	y->name = strdup(name);
	if (!y->name) {
		yaml_free(y);
		return NULL;
	}
	return y;
}

int yaml_parse(const char *name, struct span text, struct yaml **ret,
	       struct buf *errs)
{
	struct builder b = { .errs = errs };

	b.y = yaml_new(name);
	if (!b.y)
		return -ENOMEM;
	check_text(&b, text);
	if (!b.errors && text.n)
		read_events(&b, text);
	if (!b.errors && !b.y->root)
		fault(&b, (struct yaml_place){ 1, 1 },
		      "the file is empty: `bulkhead init` writes one");
	free(b.key);
	if (b.errors) {
		yaml_free(b.y);
		return -EINVAL;
	}
	*ret = b.y;
	return 0;
}

void yaml_free(struct yaml *y)
{
	struct yaml_node *n, *next;
	size_t i;

	if (!y)
		return;
	for (n = y->all; n; n = next) {
		next = n->next;
		for (i = 0; i < n->n; i++)
			free(n->items[i].key);
		free(n->items);
		free(n->text);
		free(n);
	}
	free(y->name);
	free(y);
}

void yaml_freep(struct yaml **y)
{
	yaml_free(*y);
	*y = NULL;
}

const char *yaml_name(const struct yaml *y)
{
	return y->name;
}

const struct yaml_node *yaml_root(const struct yaml *y)
{
	return y->root;
}

enum yaml_kind yaml_kind(const struct yaml_node *n)
{
	return n->kind;
}

struct yaml_place yaml_place(const struct yaml_node *n)
{
	return n->place;
}

const char *yaml_text(const struct yaml_node *n)
{
	return n->text ? n->text : "";
}

bool yaml_quoted(const struct yaml_node *n)
{
	return n->quoted;
}

size_t yaml_count(const struct yaml_node *n)
{
	return n->n;
}

const struct yaml_node *yaml_at(const struct yaml_node *n, size_t i)
{
	return i < n->n ? n->items[i].node : NULL;
}

const char *yaml_key(const struct yaml_node *n, size_t i)
{
	return i < n->n && n->items[i].key ? n->items[i].key : "";
}

struct yaml_place yaml_key_place(const struct yaml_node *n, size_t i)
{
	return i < n->n ? n->items[i].key_place : n->place;
}

const struct yaml_node *yaml_get(const struct yaml_node *n, const char *key)
{
	size_t i;

	for (i = 0; n->kind == YAML_MAP && i < n->n; i++)
		if (!strcmp(n->items[i].key, key))
			return n->items[i].node;
	return NULL;
}
