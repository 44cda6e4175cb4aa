/*
 * sops_write: a tree of sops_tree.h in the format of its file, as sops' own
 * program lays it out, or nearly so; what sops keeps for itself comes last.
 */
#include "base/jcur.h"
#include "sops_tree.h"

enum { STEP = 4 }; /* of YAML's indentation */

struct out {
	const struct sops_tree *t;
	struct buf *b;
};

/* The next child to be written: sops' own behind all others. */
static uint32_t next_child(const struct sops_tree *t, uint32_t up,
			   uint32_t after)
{
	uint32_t i;

	if (after != SOPS_ROOT && after == t->meta)
		return SOPS_ROOT;
	i = sops_next(t, up, after);
	if (i != SOPS_ROOT && i == t->meta)
		i = sops_next(t, up, i);
	if (i == SOPS_ROOT && t->meta != SOPS_ROOT &&
	    t->nodes[t->meta].up == up && !t->nodes[t->meta].gone)
		i = t->meta;
	return i;
}

static void blanks(struct buf *b, unsigned n, char c)
{
	while (n--)
		buf_u8(b, (uint8_t)c);
}

static const char *bool_word(struct span s)
{
	return span_is(s, "True") ? "true" : "false";
}

/* --- JSON ----------------------------------------------------------------- */

static void json_node(const struct out *o, uint32_t i, unsigned depth);

static void json_children(const struct out *o, uint32_t up, unsigned depth)
{
	const bool map = o->t->nodes[up].kind == SOPS_MAP;
	uint32_t i = next_child(o->t, up, SOPS_ROOT);
	const bool any = i != SOPS_ROOT;

	buf_u8(o->b, map ? '{' : '[');
	while (i != SOPS_ROOT) {
		buf_u8(o->b, '\n');
		blanks(o->b, depth + 1, '\t');
		if (map) {
			json_quote(o->b, sops_key(o->t, i));
			buf_str(o->b, ": ");
		}
		json_node(o, i, depth + 1);
		i = next_child(o->t, up, i);
		if (i != SOPS_ROOT)
			buf_u8(o->b, ',');
	}
	if (any) {
		buf_u8(o->b, '\n');
		blanks(o->b, depth, '\t');
	}
	buf_u8(o->b, map ? '}' : ']');
}

static void json_node(const struct out *o, uint32_t i, unsigned depth)
{
	const enum sops_kind kind = o->t->nodes[i].kind;
	const struct span text = sops_node_text(o->t, i);

	if (kind == SOPS_MAP || kind == SOPS_LIST)
		json_children(o, i, depth);
	else if (kind == SOPS_INT || kind == SOPS_FLOAT)
		buf_span(o->b, text);
	else if (kind == SOPS_BOOL)
		buf_str(o->b, bool_word(text));
	else if (kind == SOPS_NULL)
		buf_str(o->b, "null");
	else
		json_quote(o->b, text);
}

/* --- YAML ----------------------------------------------------------------- */

static bool is_letter(uint8_t c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}

/* Whether it says the same without quotes, to every reader of YAML. */
static bool plain_ok(struct span s)
{
	static const char *const words[] = {
		"null", "true", "false", "yes", "no", "on", "off", "y", "n",
	};
	size_t i;

	if (!s.n || !is_letter(s.p[0]) || s.p[s.n - 1] == ':')
		return false;
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (s.n == strlen(words[i]) &&
		    !strncasecmp((const char *)s.p, words[i], s.n))
			return false;
	for (i = 0; i < s.n; i++)
		if (!is_letter(s.p[i]) && !(s.p[i] >= '0' && s.p[i] <= '9') &&
		    !sops_among(s.p[i], "-./+=,@[]:"))
			return false;
	return true;
}

static void yaml_string(struct buf *b, struct span s)
{
	if (plain_ok(s))
		buf_span(b, s);
	else
		json_quote(b, s);
}

/* Lines of printable ASCII, none of which begins with a blank, all of them
 * ended: a block says them as they are. */
static bool block_ok(struct span s)
{
	size_t i;

	if (!s.n || s.p[s.n - 1] != '\n')
		return false;
	for (i = 0; i < s.n; i++) {
		const bool head = i == 0 || s.p[i - 1] == '\n';

		if (head ? s.p[i] <= ' ' || s.p[i] > '~'
			 : s.p[i] != '\n' && (s.p[i] < ' ' || s.p[i] > '~'))
			return false;
	}
	return true;
}

static void yaml_block(struct buf *b, struct span s, unsigned indent)
{
	size_t i;

	buf_u8(b, '|');
	for (i = 0; i < s.n; i++) {
		if (i == 0 || s.p[i - 1] == '\n') {
			if (i == 0)
				buf_u8(b, '\n');
			blanks(b, indent, ' ');
		}
		if (i + 1 < s.n || s.p[i] != '\n')
			buf_u8(b, s.p[i]);
	}
}

static void yaml_children(const struct out *o, uint32_t up, unsigned indent,
			  bool first_is_placed);

/* Behind "key:" or "-". */
static void yaml_value(const struct out *o, uint32_t i, unsigned indent)
{
	const struct sops_node *n = &o->t->nodes[i];
	const struct span text = sops_node_text(o->t, i);
	const bool in_list = o->t->nodes[n->up].kind == SOPS_LIST;

	if (n->kind == SOPS_MAP || n->kind == SOPS_LIST) {
		if (next_child(o->t, i, SOPS_ROOT) == SOPS_ROOT) {
			buf_str(o->b, n->kind == SOPS_MAP ? " {}\n" : " []\n");
			return;
		}
		buf_u8(o->b, in_list && n->kind == SOPS_MAP ? ' ' : '\n');
		yaml_children(o, i,
			      in_list && n->kind == SOPS_MAP ? indent + 2
							     : indent + STEP,
			      in_list && n->kind == SOPS_MAP);
		return;
	}
	buf_u8(o->b, ' ');
	if (n->kind == SOPS_NULL)
		buf_str(o->b, "null");
	else if (n->kind == SOPS_BOOL)
		buf_str(o->b, bool_word(text));
	else if (n->kind != SOPS_STR)
		buf_span(o->b, text);
	else if (block_ok(text))
		yaml_block(o->b, text, indent + STEP);
	else
		yaml_string(o->b, text);
	buf_u8(o->b, '\n');
}

static void yaml_children(const struct out *o, uint32_t up, unsigned indent,
			  bool first_is_placed)
{
	const bool map = o->t->nodes[up].kind == SOPS_MAP;
	uint32_t i = next_child(o->t, up, SOPS_ROOT);

	for (; i != SOPS_ROOT; i = next_child(o->t, up, i)) {
		if (!first_is_placed)
			blanks(o->b, indent, ' ');
		first_is_placed = false;
		if (map) {
			yaml_string(o->b, sops_key(o->t, i));
			buf_u8(o->b, ':');
		} else {
			buf_u8(o->b, '-');
		}
		yaml_value(o, i, indent);
	}
}

static void yaml_documents(const struct out *o)
{
	uint32_t i = sops_next(o->t, SOPS_ROOT, SOPS_ROOT);
	bool first = true;

	for (; i != SOPS_ROOT; i = sops_next(o->t, SOPS_ROOT, i)) {
		if (!first)
			buf_str(o->b, "---\n");
		first = false;
		yaml_children(o, i, 0, false);
	}
}

/* --- lines ---------------------------------------------------------------- */

static void escaped(struct buf *b, struct span s)
{
	size_t i;

	for (i = 0; i < s.n; i++) {
		if (s.p[i] == '\n')
			buf_str(b, "\\n");
		else
			buf_u8(b, s.p[i]);
	}
}

static void env_map(const struct out *o, uint32_t up, const char *prefix)
{
	uint32_t i = next_child(o->t, up, SOPS_ROOT);

	for (; i != SOPS_ROOT; i = next_child(o->t, up, i)) {
		if (i == o->t->meta) {
			env_map(o, i, "sops_");
			continue;
		}
		if (o->t->nodes[i].kind == SOPS_COMMENT) {
			buf_span(o->b, sops_node_text(o->t, i));
		} else {
			buf_str(o->b, prefix);
			buf_span(o->b, sops_key(o->t, i));
			buf_u8(o->b, '=');
			escaped(o->b, sops_node_text(o->t, i));
		}
		buf_u8(o->b, '\n');
	}
}

/* Whether a value reads back as it is without quotes. */
static bool ini_bare(struct span s)
{
	size_t i;

	if (s.n && (sops_among(s.p[0], " \t\"'`") ||
		    sops_among(s.p[s.n - 1], " \t\\")))
		return false;
	for (i = 0; i < s.n; i++)
		if (s.p[i] == '#' || s.p[i] == ';' || s.p[i] == '\n')
			return false;
	return true;
}

static void ini_value(struct buf *b, struct span s)
{
	const char *quote = ini_bare(s) ? "" : "\"\"\"";

	buf_str(b, quote);
	buf_span(b, s);
	buf_str(b, quote);
}

static void ini_section(const struct out *o, uint32_t section)
{
	uint32_t i = next_child(o->t, section, SOPS_ROOT);

	if (!span_is(sops_key(o->t, section), "DEFAULT")) {
		buf_u8(o->b, '[');
		buf_span(o->b, sops_key(o->t, section));
		buf_str(o->b, "]\n");
	}
	for (; i != SOPS_ROOT; i = next_child(o->t, section, i)) {
		const struct span text = sops_node_text(o->t, i);

		if (o->t->nodes[i].kind == SOPS_COMMENT) {
			buf_span(o->b, text);
		} else {
			buf_span(o->b, sops_key(o->t, i));
			buf_str(o->b, " = ");
			if (section == o->t->meta)
				escaped(o->b, text);
			else
				ini_value(o->b, text);
		}
		buf_u8(o->b, '\n');
	}
	buf_u8(o->b, '\n');
}

static void ini_sections(const struct out *o)
{
	uint32_t i = next_child(o->t, 0, SOPS_ROOT);

	for (; i != SOPS_ROOT; i = next_child(o->t, 0, i)) {
		if (o->t->nodes[i].kind == SOPS_MAP) {
			ini_section(o, i);
			continue;
		}
		buf_span(o->b, sops_node_text(o->t, i));
		buf_u8(o->b, '\n');
	}
}

void sops_write_nodes(const struct sops_tree *t, struct buf *ret)
{
	const struct out o = { t, ret };

	switch (t->format) {
	case SOPS_JSON:
		json_children(&o, 0, 0);
		buf_u8(ret, '\n');
		break;
	case SOPS_YAML:
		yaml_documents(&o);
		break;
	case SOPS_ENV:
		env_map(&o, 0, "");
		break;
	case SOPS_INI:
		ini_sections(&o);
		break;
	case SOPS_NONE:
		break;
	}
}
