/*
 * css: see css.h. A sheet is read once: escapes and comments are resolved
 * into a copy, then a flat scan finds rules; what they hold is a stack, not
 * a recursion, and a nested rule's selectors are spelled out. Rules hang in
 * buckets by the name that their last compound needs (id, class or tag), so an
 * element meets few of them.
 */
#include "reader/html/css.h"

#include <stddef.h>
#include <strings.h>

#include "base/buf.h"
#include "reader/html/css_value.h"

enum {
	BUCKETS = 512,
	DECLS_BLOCK_MAX = 256, /* in one block or attribute */
	/* what stands for an escaped character that is no letter or digit */
	ESCAPED = 0x7f,
};

enum combinator { C_DESCENDANT, C_CHILD, C_NEXT, C_LATER };

struct compound {
	struct span tag;
	struct span id;
	struct span cls[CSS_NAMES_MAX];
	struct span attr;
	struct span attr_value;
	uint8_t n_cls;
	uint8_t has_attr;
	uint8_t attr_op; /* 0, '=', '~', '^', '$', '*', '|' */
	uint8_t first_child;
	uint8_t comb; /* to the compound on its left */
};

struct decl {
	struct css_value value; /* weight: only 1 << IMPORTANT_BIT or 0 */
	enum css_prop prop;
};

struct rule {
	struct rule *next; /* in its bucket */
	const struct decl *decls;
	uint64_t weight;
	uint32_t n_parts;
	uint32_t n_decls;
	bool uncertain;
	struct compound part[CSS_COMPOUNDS_MAX]; /* 0 is the rightmost */
};

struct css_sheet {
	struct arena *arena;
	css_attr_fn *attr;
	struct rule *bucket[BUCKETS];
	struct rule *any;
	uint32_t n_rules;
	uint32_t n_decls;
	uint64_t work;
	struct rule rule;		    /* scratch */
	struct decl decls[DECLS_BLOCK_MAX]; /* scratch */
};

#define WEIGHT_IMPORTANT ((uint64_t)1 << 62)
#define WEIGHT_INLINE	 ((uint64_t)1 << 61)
#define WEIGHT_ATTRIBUTE ((uint64_t)1)

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

static bool is_name(uint8_t c)
{
	return (c >= '0' && c <= '9') || ((c | 32) >= 'a' && (c | 32) <= 'z') ||
	       c == '-' || c == '_' || c >= 0x7f;
}

static bool same(struct span a, struct span b)
{
	return a.n == b.n &&
	       (a.n == 0 ||
		strncasecmp((const char *)a.p, (const char *)b.p, a.n) == 0);
}

static uint32_t name_hash(char kind, struct span s)
{
	uint32_t h = 2166136261u ^ (uint8_t)kind;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];

		if (c >= 'A' && c <= 'Z')
			c |= 32;
		h = (h ^ c) * 16777619u;
	}
	return h % BUCKETS;
}

struct css_sheet *css_sheet_new(struct arena *a, css_attr_fn *attr)
{
	struct css_sheet *s = arena_raw(a, sizeof(*s));

	if (s) {
		memset((void *)s, 0, offsetof(struct css_sheet, rule));
		s->arena = a;
		s->attr = attr;
	}
	return s;
}

/* Copying without comments and escapes */

static int hex_value(uint8_t c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c |= 32;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The escape at s.p[i] (a backslash); returns the bytes it took. */
static size_t unescape(struct span s, size_t i, uint8_t *ret)
{
	uint32_t v = 0;
	size_t n = 1;

	while (n <= 6 && i + n < s.n && hex_value(s.p[i + n]) >= 0) {
		v = v << 4 | (uint32_t)hex_value(s.p[i + n]);
		n++;
	}
	if (n == 1) {
		*ret = i + 1 < s.n ? s.p[i + 1] : ESCAPED;
		n = i + 1 < s.n ? 2 : 1;
	} else {
		*ret = v < 0x7f ? (uint8_t)v : ESCAPED;
		if (i + n < s.n && is_space(s.p[i + n]))
			n++;
	}
	if (!is_name(*ret))
		*ret = ESCAPED;
	return n;
}

static size_t comment_end(struct span s, size_t i)
{
	for (i += 2; i + 1 < s.n; i++) {
		if (s.p[i] == '*' && s.p[i + 1] == '/')
			return i + 2;
	}
	return s.n;
}

/* url( without a quote: what follows is no syntax up to the ). */
static bool is_raw_url(struct span s, size_t i)
{
	if (s.n - i < 4 || strncasecmp((const char *)s.p + i, "url(", 4) != 0 ||
	    (i && is_name(s.p[i - 1])))
		return false;
	for (i += 4; i < s.n && is_space(s.p[i]); i++)
		;
	return i < s.n && s.p[i] != '"' && s.p[i] != '\'';
}

/* What stands for it; no longer than the shortest of them. */
static size_t raw_url_copy(uint8_t *out)
{
	static const uint8_t url[] = { 'u', 'r', 'l', '(' };

	memcpy(out, url, sizeof(url));
	return sizeof(url);
}

/* Strings are kept, but for what could be taken for syntax inside them. */
static struct span sheet_copy(struct css_sheet *s, struct span text)
{
	uint8_t *out = arena_raw(s->arena, text.n + 1);
	uint8_t quote = 0;
	size_t n = 0;
	size_t i = 0;

	if (!out)
		return span_of(NULL, 0);
	while (i < text.n) {
		uint8_t c = text.p[i];

		if (c == '\\') {
			i += unescape(text, i, &out[n++]);
			continue;
		}
		if (!quote && c == '/' && i + 1 < text.n &&
		    text.p[i + 1] == '*') {
			i = comment_end(text, i);
			continue;
		}
		if (!quote && is_raw_url(text, i)) {
			while (i < text.n && text.p[i] != ')')
				i++;
			n += raw_url_copy(out + n);
			continue;
		}
		if (quote && (c == quote || c == '\n')) {
			quote = 0;
		} else if (!quote && (c == '"' || c == '\'')) {
			quote = c;
		} else if (quote && (c == '{' || c == '}' || c == ';')) {
			c = ESCAPED;
		}
		out[n++] = c;
		i++;
	}
	return span_of(out, n);
}

/* Declarations */

static bool important(struct span *value)
{
	const uint8_t *mark =
		value->n ? memrchr(value->p, '!', value->n) : NULL;
	size_t at = mark ? (size_t)(mark - value->p) + 1 : 0;

	if (!at || !css_word_is(css_trim(span_of(value->p + at, value->n - at)),
				"important"))
		return false;
	value->n = at - 1;
	*value = css_trim(*value);
	return true;
}

/* Where the declaration that begins at i ends, and its colon or that end. */
static size_t decl_end(struct span block, size_t i, size_t *colon)
{
	int depth = 0;

	*colon = SIZE_MAX;
	for (; i < block.n; i++) {
		uint8_t c = block.p[i];

		if (c > ';')
			continue;
		if (c == ';' && depth <= 0)
			break;
		if (c == ':' && *colon == SIZE_MAX)
			*colon = i;
		depth += (c == '(') - (c == ')');
	}
	return i;
}

/* The values of the declaration at *i, behind which that is moved. */
static void decl_take(struct span block, size_t *i, struct css_set *set,
		      uint64_t *weight)
{
	size_t from = *i;
	size_t colon;
	size_t end = decl_end(block, from, &colon);
	struct span value;

	*i = end + 1;
	set->n = 0;
	if (colon == SIZE_MAX)
		return;
	value = css_trim(span_of(block.p + colon + 1, end - colon - 1));
	*weight = important(&value) ? WEIGHT_IMPORTANT : 0;
	css_declaration(css_trim(span_of(block.p + from, colon - from)), value,
			set);
}

/*
 * Each name: value of a block; returns the number of declarations put, or -1
 * when there are more than fit: then nobody knows what the last ones say.
 */
static int decls_parse(struct span block, struct decl *out, size_t max)
{
	size_t n = 0;
	size_t i = 0;

	while (i < block.n) {
		struct css_set set;
		uint64_t weight = 0;

		decl_take(block, &i, &set, &weight);
		if (set.n > max - n)
			return -1;
		for (size_t k = 0; k < set.n; k++) {
			out[n].prop = set.prop[k];
			out[n].value = set.value[k];
			out[n++].value.weight = weight;
		}
	}
	return (int)n;
}

/* Selectors */

static struct span name_take(struct span s, size_t *i)
{
	size_t from = *i;

	while (*i < s.n && is_name(s.p[*i]))
		(*i)++;
	return span_of(s.p + from, *i - from);
}

static struct span unquote(struct span s)
{
	s = css_trim(s);
	if (s.n >= 2 && (s.p[0] == '"' || s.p[0] == '\''))
		s = span_of(s.p + 1, s.n - 2);
	return s;
}

/* [name], [name=value] and the other operators. */
static void attr_take(struct span s, size_t *i, struct compound *c)
{
	struct span in;
	size_t from = *i + 1;
	size_t n = 0;

	while (from + n < s.n && s.p[from + n] != ']')
		n++;
	*i = from + n < s.n ? from + n + 1 : s.n;
	in = css_trim(span_of(s.p + from, n));
	n = 0;
	c->attr = name_take(in, &n);
	c->has_attr = 1;
	while (n < in.n && is_space(in.p[n]))
		n++;
	if (n == in.n)
		return;
	c->attr_op = in.p[n];
	while (n < in.n && in.p[n] != '=')
		n++;
	if (n < in.n)
		c->attr_value = unquote(span_of(in.p + n + 1, in.n - n - 1));
}

/* What a mail at rest never is: these rules cannot hide text. */
static bool pseudo_never(struct span name)
{
	static const char *const never[] = {
		"hover",	"active",	 "focus",      "visited",
		"target",	"checked",	 "before",     "after",
		"focus-within", "focus-visible", "first-line", "first-letter",
		"selection",	"placeholder",
	};

	for (size_t i = 0; i < ARRAY_SIZE(never); i++) {
		if (css_word_is(name, never[i]))
			return true;
	}
	return false;
}

enum pseudo { PSEUDO_OK, PSEUDO_NEVER, PSEUDO_UNCERTAIN };

static enum pseudo pseudo_take(struct span s, size_t *i, struct compound *c)
{
	struct span name;
	int depth = 0;

	while (*i < s.n && s.p[*i] == ':')
		(*i)++;
	name = name_take(s, i);
	if (*i < s.n && s.p[*i] == '(') {
		for (; *i < s.n; (*i)++) {
			depth += (s.p[*i] == '(') - (s.p[*i] == ')');
			if (!depth)
				break;
		}
		if (*i < s.n)
			(*i)++;
		return PSEUDO_UNCERTAIN;
	}
	if (pseudo_never(name))
		return PSEUDO_NEVER;
	if (css_word_is(name, "first-child")) {
		c->first_child = 1;
		return PSEUDO_OK;
	}
	if (css_word_is(name, "link") || css_word_is(name, "root"))
		return PSEUDO_OK;
	return PSEUDO_UNCERTAIN;
}

/* A class too many is left out, so the rule may match where it does not. */
static void class_take(struct span s, size_t *i, struct compound *c,
		       struct rule *r)
{
	struct span name;

	(*i)++;
	name = name_take(s, i);
	if (c->n_cls < CSS_NAMES_MAX)
		c->cls[c->n_cls++] = name;
	else
		r->uncertain = true;
}

/* One compound from s.p[*i] on. Returns -1 if the rule can never match. */
static int compound_take(struct span s, size_t *i, struct compound *c,
			 struct rule *r)
{
	size_t from = *i;
	size_t junk = 0;

	while (*i < s.n) {
		uint8_t ch = s.p[*i];

		if (ch == '*') {
			(*i)++;
		} else if (ch == '.') {
			class_take(s, i, c, r);
			r->weight += (uint64_t)1 << 44;
		} else if (ch == '#') {
			(*i)++;
			c->id = name_take(s, i);
			r->weight += (uint64_t)1 << 52;
		} else if (ch == '[') {
			r->uncertain |= c->has_attr;
			attr_take(s, i, c);
			if (c->attr_value.n > CSS_TEXT_MAX) {
				c->attr_op = 0;
				r->uncertain = true;
			}
			r->weight += (uint64_t)1 << 44;
		} else if (ch == ':') {
			enum pseudo p = pseudo_take(s, i, c);

			if (p == PSEUDO_NEVER)
				return -1;
			r->uncertain |= p == PSEUDO_UNCERTAIN;
			r->weight += (uint64_t)1 << 44;
		} else if (is_name(ch)) {
			c->tag = name_take(s, i);
			r->weight += (uint64_t)1 << 36;
		} else if (is_space(ch) || strchr(">+~", ch)) {
			break;
		} else {
			/* unknown: the rest of the compound is what we know */
			r->uncertain = true;
			junk += 1;
			(*i)++;
		}
	}
	return *i - from == junk ? -1 : 0;
}

static enum combinator combinator_take(struct span s, size_t *i)
{
	enum combinator comb = C_DESCENDANT;

	while (*i < s.n) {
		uint8_t c = s.p[*i];

		if (c == '>')
			comb = C_CHILD;
		else if (c == '+')
			comb = C_NEXT;
		else if (c == '~')
			comb = C_LATER;
		else if (!is_space(c))
			break;
		(*i)++;
	}
	return comb;
}

/* One selector into r->part, rightmost first. */
static int selector_parse(struct span s, struct rule *r)
{
	struct compound *part = r->part;
	size_t n = 0;
	size_t i = 0;

	s = css_trim(s);
	while (i < s.n) {
		if (n == CSS_COMPOUNDS_MAX) {
			/* the leftmost go: it may match where it does not */
			memmove(part, part + 1,
				(CSS_COMPOUNDS_MAX - 1) * sizeof(*part));
			n--;
			r->uncertain = true;
		}
		part[n] = (struct compound){ 0 };
		if (n)
			part[n].comb = combinator_take(s, &i) & 3;
		if (compound_take(s, &i, &part[n], r))
			return -1;
		n++;
	}
	if (!n)
		return -1;
	for (size_t k = 0; k < n / 2; k++) {
		struct compound other = part[k];

		part[k] = part[n - 1 - k];
		part[n - 1 - k] = other;
	}
	r->n_parts = (uint32_t)n;
	return 0;
}

static void rule_hang(struct css_sheet *s, struct rule *r)
{
	const struct compound *c = &r->part[0];
	struct rule **list = &s->any;

	if (c->id.n)
		list = &s->bucket[name_hash('#', c->id)];
	else if (c->n_cls)
		list = &s->bucket[name_hash('.', c->cls[0])];
	else if (c->tag.n)
		list = &s->bucket[name_hash('t', c->tag)];
	r->next = *list;
	*list = r;
}

/* A rule of the parts that it has, from the scratch one. */
static int rule_add(struct css_sheet *s, struct rule *from)
{
	size_t n = offsetof(struct rule, part) +
		   from->n_parts * sizeof(from->part[0]);
	struct rule *r;

	if (s->n_rules == CSS_RULES_MAX)
		return -1;
	r = arena_raw(s->arena, n);
	if (!r)
		return -1;
	/* above attributes, later above earlier */
	from->weight += 2 + s->n_rules++;
	memcpy((void *)r, from, n);
	rule_hang(s, r);
	return 0;
}

/* The next selector of a list, from s.p[*i] on; commas in () do not count. */
static struct span selector_next(struct span s, size_t *i)
{
	size_t from = *i;
	size_t n;
	int depth = 0;

	for (; *i < s.n && (s.p[*i] != ',' || depth > 0); (*i)++)
		depth += (s.p[*i] == '(') - (s.p[*i] == ')');
	n = *i - from;
	(*i)++;
	return span_of(s.p + from, n);
}

static int selector_scratch(struct css_sheet *s, struct span selector)
{
	s->rule.weight = 0;
	s->rule.uncertain = false;
	return selector_parse(selector, &s->rule);
}

/* What a browser does not know in one selector voids the whole list. */
static bool list_uncertain(struct css_sheet *s, struct span selectors)
{
	size_t i = 0;

	while (i < selectors.n) {
		(void)selector_scratch(s, selector_next(selectors, &i));
		if (s->rule.uncertain)
			return true;
	}
	return false;
}

/* A block's declarations, then a rule for each selector of the list. */
static int rules_add(struct css_sheet *s, struct span selectors,
		     struct span block, bool uncertain)
{
	int got = decls_parse(block, s->decls, ARRAY_SIZE(s->decls));
	size_t n = got < 0 ? 0 : (size_t)got;
	struct decl *decls;
	size_t i = 0;

	if (got <= 0)
		return got;
	s->n_decls += (uint32_t)n;
	decls = arena_raw(s->arena, n * sizeof(*decls));
	if (!decls || s->n_decls > CSS_DECLS_MAX)
		return -1;
	memcpy(decls, s->decls, n * sizeof(*decls));
	/* a list of one says it by itself */
	if (memchr(selectors.p, ',', selectors.n))
		uncertain |= list_uncertain(s, selectors);
	while (i < selectors.n) {
		if (selector_scratch(s, selector_next(selectors, &i)))
			continue;
		s->rule.decls = decls;
		s->rule.n_decls = (uint32_t)n;
		s->rule.uncertain |= uncertain;
		if (rule_add(s, &s->rule))
			return -1;
	}
	return 0;
}

/* Media queries, for a window of 1024 by 768 with light colours. */

enum media { MEDIA_NO, MEDIA_YES, MEDIA_UNCERTAIN };

/* (feature: value) */
static enum media feature_judge(struct span s)
{
	struct css_value v = { 0 };
	struct span name;
	struct span value;
	size_t i = 0;

	while (i < s.n && s.p[i] != ':')
		i++;
	name = css_trim(span_of(s.p, i));
	value = i < s.n ? css_trim(span_of(s.p + i + 1, s.n - i - 1))
			: span_of(s.p, 0);
	if (css_word_is(name, "prefers-color-scheme"))
		return css_word_is(value, "light") ? MEDIA_YES : MEDIA_NO;
	if (!css_value_parse(CSS_WIDTH, value, &v) || v.unit == CSS_KEYWORD)
		return MEDIA_UNCERTAIN;
	if (v.unit != CSS_PX)
		v.num *= 16;
	if (css_word_is(name, "max-width") ||
	    css_word_is(name, "max-device-width"))
		return v.num >= 1024 ? MEDIA_YES : MEDIA_NO;
	if (css_word_is(name, "min-width") ||
	    css_word_is(name, "min-device-width"))
		return v.num <= 1024 ? MEDIA_YES : MEDIA_NO;
	return MEDIA_UNCERTAIN;
}

/* One query of the list: words and features joined by `and`. */
static enum media query_judge(struct span s)
{
	enum media all = MEDIA_YES;
	bool negated = false;
	size_t i = 0;

	while (i < s.n) {
		enum media one = MEDIA_YES;
		size_t from;
		struct span word;

		if (s.p[i] == '(') {
			from = ++i;
			while (i < s.n && s.p[i] != ')')
				i++;
			one = feature_judge(span_of(s.p + from, i - from));
			i += i < s.n;
		} else if (is_name(s.p[i])) {
			word = name_take(s, &i);
			if (css_word_is(word, "not"))
				negated = true;
			else if (css_word_is(word, "print") ||
				 css_word_is(word, "speech"))
				one = MEDIA_NO;
		} else {
			i++;
		}
		if (one == MEDIA_NO || (one == MEDIA_UNCERTAIN && all))
			all = one;
	}
	if (negated && all != MEDIA_UNCERTAIN)
		all = all == MEDIA_YES ? MEDIA_NO : MEDIA_YES;
	return all;
}

static enum media media_judge(struct span s)
{
	enum media any = MEDIA_NO;
	size_t i = 0;

	if (!css_trim(s).n)
		return MEDIA_YES;
	while (i < s.n) {
		size_t from = i;
		enum media one;

		while (i < s.n && s.p[i] != ',')
			i++;
		one = query_judge(span_of(s.p + from, i - from));
		if (one == MEDIA_YES)
			return MEDIA_YES;
		if (one == MEDIA_UNCERTAIN)
			any = one;
		i++;
	}
	return any;
}

/* What an at-rule's prelude means for the rules in its block. */
static enum media at_rule_judge(struct span prelude)
{
	struct span name;
	size_t i = 1;

	name = name_take(prelude, &i);
	if (css_word_is(name, "media"))
		return media_judge(span_of(prelude.p + i, prelude.n - i));
	/* layers are weaker than their selectors say */
	if (css_word_is(name, "supports") || css_word_is(name, "container") ||
	    css_word_is(name, "layer") || css_word_is(name, "scope"))
		return MEDIA_UNCERTAIN;
	return MEDIA_NO; /* font-face, keyframes, page */
}

/* One open block of the scan. */
struct block {
	enum media judged;
	/* whom declarations in it concern: nested rules are spelled out */
	struct span selectors;
};

struct scan {
	struct css_sheet *sheet;
	struct span s;
	struct block open[CSS_NEST_MAX];
	size_t n;
	size_t decls; /* where the declarations not yet added begin */
};

static enum media blocks_all(const struct scan *sc)
{
	enum media all = MEDIA_YES;

	for (size_t i = 0; i < sc->n; i++) {
		if (sc->open[i].judged == MEDIA_NO)
			return MEDIA_NO;
		if (sc->open[i].judged == MEDIA_UNCERTAIN)
			all = MEDIA_UNCERTAIN;
	}
	return all;
}

/* child inside of parent: each & is the parent, else it is an ancestor. */
static void selector_nest(struct buf *out, struct span parent,
			  struct span child)
{
	child = css_trim(child);
	if (out->n)
		buf_u8(out, ',');
	if (!child.n || !memchr(child.p, '&', child.n)) {
		buf_span(out, parent);
		buf_u8(out, ' ');
		buf_span(out, child);
		return;
	}
	for (size_t i = 0; i < child.n; i++) {
		if (child.p[i] == '&')
			buf_span(out, parent);
		else
			buf_u8(out, child.p[i]);
	}
}

/* Each of children below each of parents; empty over a limit. */
static struct span selectors_nest(struct css_sheet *s, struct span parents,
				  struct span children)
{
	CLEAN_BUF struct buf out = { .max = CSS_NESTED_MAX };
	size_t p = 0;

	while (p < parents.n && buf_ok(&out)) {
		struct span parent = css_trim(selector_next(parents, &p));
		size_t c = 0;

		while (c < children.n && buf_ok(&out))
			selector_nest(&out, parent,
				      selector_next(children, &c));
	}
	if (!buf_ok(&out))
		return span_of(NULL, 0);
	return arena_copy(s->arena, buf_view(&out));
}

/* Adds the declarations that end before `end` for the innermost block. */
static int scan_flush(struct scan *sc, size_t end)
{
	const struct block *b = &sc->open[sc->n - 1];
	enum media m = blocks_all(sc);
	struct span decls = span_of(sc->s.p + sc->decls, end - sc->decls);

	if (!b->selectors.n || m == MEDIA_NO)
		return 0;
	return rules_add(sc->sheet, b->selectors, decls, m == MEDIA_UNCERTAIN);
}

static int scan_open(struct scan *sc, struct span prelude)
{
	struct block b = sc->open[sc->n - 1];

	if (sc->n == CSS_NEST_MAX)
		return -1;
	if (prelude.n && prelude.p[0] == '@') {
		b.judged = at_rule_judge(prelude);
	} else if (!prelude.n) {
		b.judged = MEDIA_NO;
	} else if (b.selectors.n) {
		b.judged = MEDIA_YES;
		b.selectors = selectors_nest(sc->sheet, b.selectors, prelude);
		if (!b.selectors.n)
			return -1;
	} else {
		b.judged = MEDIA_YES;
		b.selectors = prelude;
	}
	sc->open[sc->n++] = b;
	return 0;
}

/* A prelude without the <!-- and --> that a sheet may have around it. */
static struct span prelude_of(struct span s)
{
	s = css_trim(s);
	for (;;) {
		size_t n = s.n >= 4 && memcmp(s.p, "<!--", 4) == 0  ? 4
			   : s.n >= 3 && memcmp(s.p, "-->", 3) == 0 ? 3
								    : 0;

		if (!n)
			return s;
		s = css_trim(span_of(s.p + n, s.n - n));
	}
}

static int scan_run(struct scan *sc)
{
	struct span s = sc->s;
	size_t from = 0;

	for (size_t i = 0; i < s.n; i++) {
		uint8_t c = s.p[i];
		struct span prelude;

		if (c != ';' && c != '{' && c != '}')
			continue;
		prelude = prelude_of(span_of(s.p + from, i - from));
		if (c == ';') {
			/* outside of rules only @import and the like end so */
			if (sc->open[sc->n - 1].selectors.n ||
			    (prelude.n && prelude.p[0] == '@'))
				from = i + 1;
			continue;
		}
		if (scan_flush(sc, c == '{' ? from : i))
			return -1;
		if (c == '{' && scan_open(sc, prelude))
			return -1;
		if (c == '}')
			sc->n -= sc->n > 1;
		from = sc->decls = i + 1;
	}
	return scan_flush(sc, s.n);
}

int css_sheet_add(struct css_sheet *sheet, struct span text, struct span media)
{
	struct scan sc = {
		.sheet = sheet,
		.open = { { .judged = media_judge(media) } },
		.n = 1,
	};

	if (text.n > CSS_SHEET_MAX)
		return -1;
	sc.s = sheet_copy(sheet, text);
	if (text.n && !sc.s.p)
		return -1;
	return scan_run(&sc);
}

/* Matching */

/* v holds a as a whole (=), at its start (^), end ($), anywhere (*, ~, |). */
static bool attr_value_ok(struct span v, struct span a, uint8_t op)
{
	if (!op)
		return true;
	if (op == '=')
		return same(v, a);
	if (!a.n || a.n > v.n)
		return false;
	if (op == '^' || op == '|')
		return same(span_of(v.p, a.n), a);
	if (op == '$')
		return same(span_of(v.p + v.n - a.n, a.n), a);
	/* white space in the value does not change what matters here */
	for (size_t i = 0; i + a.n <= v.n && i < 4096; i++) {
		if (same(span_of(v.p + i, a.n), a))
			return true;
	}
	return false;
}

/*
 * Whether names are compared with regard to case depends on the page's mode:
 * where only the case differs, *sure becomes false.
 */
static bool name_ok(struct span a, struct span b, bool *sure)
{
	if (!same(a, b))
		return false;
	*sure = *sure && span_eq(a, b);
	return true;
}

static bool compound_ok(struct css_sheet *s, const struct compound *c,
			const struct css_elem *e, bool *sure)
{
	struct span v;

	s->work += 1 + (uint64_t)c->n_cls * e->n_cls;
	if (c->has_attr)
		s->work += e->n_attrs;
	if (c->tag.n && !same(c->tag, e->tag))
		return false;
	if (c->id.n && !name_ok(c->id, e->id, sure))
		return false;
	for (size_t i = 0; i < c->n_cls; i++) {
		bool found = false;

		for (size_t k = 0; k < e->n_cls && !found; k++)
			found = name_ok(c->cls[i], e->cls[k], sure);
		if (!found)
			return false;
	}
	if (c->first_child && e->prev)
		return false;
	if (c->has_attr && (!s->attr(e->node, c->attr, &v) ||
			    !attr_value_ok(v, c->attr_value, c->attr_op)))
		return false;
	return true;
}

static bool goes_up(const struct rule *r, uint32_t i)
{
	/* the combinator stands with the compound on its right */
	return r->part[i - 1].comb == C_DESCENDANT ||
	       r->part[i - 1].comb == C_CHILD;
}

static bool goes_once(const struct rule *r, uint32_t i)
{
	return r->part[i - 1].comb == C_CHILD || r->part[i - 1].comb == C_NEXT;
}

static const struct css_elem *step(const struct rule *r, uint32_t i,
				   const struct css_elem *e)
{
	return goes_up(r, i) ? e->parent : e->prev;
}

/*
 * From the right; where a compound is not found, the one before it that may
 * stand further away is looked for again, from behind its place on. The work
 * limit bounds what selectors made for this could cost.
 */
static bool rule_ok(struct css_sheet *s, const struct rule *r,
		    const struct css_elem *e, bool *sure)
{
	const struct css_elem *place[CSS_COMPOUNDS_MAX] = { e };
	const struct css_elem *at;
	uint32_t i = 1;

	if (!compound_ok(s, &r->part[0], e, sure))
		return false;
	at = r->n_parts > 1 ? step(r, 1, e) : NULL;
	while (i < r->n_parts && s->work < CSS_WORK_MAX) {
		while (at && !compound_ok(s, &r->part[i], at, sure))
			at = goes_once(r, i) ? NULL : step(r, i, at);
		if (at) {
			s->work++;
			place[i++] = at;
			at = i < r->n_parts ? step(r, i, at) : NULL;
			continue;
		}
		do {
			if (--i == 0)
				return false;
		} while (goes_once(r, i));
		at = step(r, i, place[i]);
	}
	return i == r->n_parts;
}

static void value_put(struct css_value *at, const struct css_value *v,
		      uint64_t weight)
{
	if (weight < at->weight)
		return;
	*at = *v;
	at->weight = weight;
}

/* A value that alone, or with what is usual beside it, hides text. */
static bool value_hides(enum css_prop p, const struct css_value *v)
{
	if (v->unit == CSS_INITIAL || v->unit == CSS_INHERIT ||
	    v->unit == CSS_RGBA)
		return false;
	if (v->unit != CSS_KEYWORD)
		return v->num < 1;
	if ((int)v->num == CSS_K_HIDDEN)
		return p == CSS_VISIBILITY || p == CSS_OVERFLOW;
	return (int)v->num == CSS_K_NONE || (int)v->num == CSS_K_UNKNOWN ||
	       (int)v->num == CSS_K_ZERO || (int)v->num == CSS_K_AWAY;
}

/* Of two guesses the one that hides stands, whichever is the heavier. */
static void guess_put(struct css_values *v, enum css_prop p,
		      const struct css_value *val, uint64_t weight)
{
	struct css_value *at = &v->maybe[p];
	bool guess = at->weight && at->weight != v->sure[p].weight;

	if (!guess || weight < v->sure[p].weight ||
	    value_hides(p, val) == value_hides(p, at)) {
		value_put(at, val, weight);
	} else if (value_hides(p, val)) {
		*at = *val;
		at->weight = weight;
	}
}

static void decl_apply(struct css_values *v, enum css_prop p,
		       const struct css_value *val, uint64_t weight,
		       bool uncertain)
{
	v->set |= 1u << p;
	if (uncertain) {
		guess_put(v, p, val, weight);
	} else {
		value_put(&v->maybe[p], val, weight);
		value_put(&v->sure[p], val, weight);
	}
}

static void decls_apply(struct css_values *v, const struct decl *d, size_t n,
			uint64_t weight, bool uncertain)
{
	v->any_maybe |= uncertain;
	for (size_t i = 0; i < n; i++)
		decl_apply(v, d[i].prop, &d[i].value,
			   weight | d[i].value.weight, uncertain);
}

static void list_match(struct css_sheet *s, const struct rule *r,
		       const struct css_elem *e, struct css_values *v)
{
	for (; r && s->work < CSS_WORK_MAX; r = r->next) {
		bool sure = !r->uncertain;

		if (rule_ok(s, r, e, &sure))
			decls_apply(v, r->decls, r->n_decls, r->weight, !sure);
	}
}

void css_values_reset(struct css_values *v)
{
	for (uint32_t set = v->set; set; set &= set - 1) {
		unsigned int p = (unsigned int)__builtin_ctz(set);

		v->sure[p].weight = 0;
		v->maybe[p].weight = 0;
	}
	v->set = 0;
	v->any_maybe = false;
}

void css_init(void)
{
	css_value_init();
}

bool css_sheet_has_rules(const struct css_sheet *s)
{
	return s->n_rules > 0;
}

int css_match(struct css_sheet *s, const struct css_elem *e,
	      struct css_values *v)
{
	list_match(s, s->any, e, v);
	list_match(s, s->bucket[name_hash('t', e->tag)], e, v);
	if (e->id.n)
		list_match(s, s->bucket[name_hash('#', e->id)], e, v);
	for (uint32_t i = 0; i < e->n_cls; i++)
		list_match(s, s->bucket[name_hash('.', e->cls[i])], e, v);
	return s->work < CSS_WORK_MAX ? 0 : -1;
}

int css_inline(struct css_sheet *s, struct span text, struct css_values *v)
{
	size_t n = 0;
	size_t i = 0;

	if (!text.n)
		return 0;
	if (memchr(text.p, '\\', text.n) || memchr(text.p, '*', text.n)) {
		text = sheet_copy(s, text);
		if (!text.p)
			return -1;
	}
	while (i < text.n) {
		struct css_set set;
		uint64_t weight = 0;

		decl_take(text, &i, &set, &weight);
		n += set.n;
		if (n > DECLS_BLOCK_MAX)
			return -1;
		for (size_t k = 0; k < set.n; k++)
			decl_apply(v, set.prop[k], &set.value[k],
				   WEIGHT_INLINE | weight, false);
	}
	return 0;
}

void css_attribute(struct css_values *v, enum css_prop p, struct span text)
{
	struct css_value val = { 0 };

	text = css_trim(text);
	if (p == CSS_COLOR || p == CSS_BACKGROUND) {
		if (!css_color_parse(text, true, &val.rgba))
			return;
		val.unit = CSS_RGBA;
	} else if (!css_value_parse(p, text, &val)) {
		return;
	}
	decl_apply(v, p, &val, WEIGHT_ATTRIBUTE, false);
}
