/* vectors_world: see vectors_world.h. */
#include "policy/vectors_world.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "policy/stamp.h"

/* 2026-01-05T12:00:00Z, a Monday. */
#define NOON INT64_C(1767614400)

void world_fault(struct world *w, const struct yaml_node *n, const char *fmt,
		 ...)
{
	char text[256];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	w->bad = true;
	yaml_error(w->y, w->errs, yaml_place(n), "%s", text);
}

/* A scalar below a map, or NULL; a map or a list is a fault. */
static const char *text_of(struct world *w, const struct yaml_node *map,
			   const char *key, bool required)
{
	const struct yaml_node *v = yaml_get(map, key);

	if (v && yaml_kind(v) == YAML_SCALAR)
		return yaml_text(v);
	if (v || required)
		world_fault(w, v ? v : map,
			    "\"%s\" is a text, and belongs here", key);
	return NULL;
}

static bool keys_ok(struct world *w, const struct yaml_node *n,
		    const struct yaml_field *fields, size_t count)
{
	if (yaml_kind(n) != YAML_MAP) {
		world_fault(w, n, "a map belongs here");
		return false;
	}
	if (!yaml_check_map(w->y, n, fields, count, w->errs))
		return true;
	w->bad = true;
	return false;
}

/* arguments */

static bool digits(const char **s)
{
	const char *from = *s;

	while (**s >= '0' && **s <= '9')
		++*s;
	return *s > from;
}

/* What JSON would make of it, if it is not quoted. */
static uint8_t json_of(const struct yaml_node *n)
{
	const char *s = yaml_text(n), *first;

	if (yaml_quoted(n))
		return ARG_STRING;
	if (!strcmp(s, "true") || !strcmp(s, "false"))
		return ARG_BOOL;
	s += *s == '-';
	first = s;
	if (!digits(&s) || (*first == '0' && s > first + 1))
		return ARG_STRING;
	if (!*s)
		return ARG_INTEGER;
	if (*s++ != '.' || !digits(&s) || *s)
		return ARG_STRING;
	return ARG_NUMBER;
}

static struct m_arg *add_arg(struct world *w, const struct yaml_node *n,
			     const char *name, uint8_t json, uint8_t shape,
			     const char *value)
{
	struct m_arg *a = &w->call.args[w->call.n];

	if (w->call.n == LIMIT_ARGS) {
		world_fault(w, n, "more than %d values", LIMIT_ARGS);
		return NULL;
	}
	w->call.n++;
	*a = (struct m_arg){ span_str(name), json, shape, span_str(value) };
	return a;
}

/* {ref: ...}, or as JSON has it: {"$ref": ...}. */
static const struct yaml_node *get_form(const struct yaml_node *n,
					const char *key, const char *json)
{
	const struct yaml_node *v = NULL;

	if (yaml_kind(n) == YAML_MAP)
		v = yaml_get(n, key);
	if (yaml_kind(n) == YAML_MAP && !v)
		v = yaml_get(n, json);
	return v;
}

static void add_template(struct world *w, const struct yaml_node *n,
			 const char *name, uint8_t shape,
			 const struct yaml_node *text)
{
	const struct yaml_node *args = yaml_get(n, "args");
	size_t i;

	if (yaml_kind(text) != YAML_SCALAR) {
		world_fault(w, text, "a template is a text");
		return;
	}
	(void)add_arg(w, n, name, ARG_TEMPLATE, shape, yaml_text(text));
	for (i = 0;
	     args && yaml_kind(args) == YAML_LIST && i < yaml_count(args);
	     i++) {
		const struct yaml_node *v = yaml_at(args, i);
		const struct yaml_node *ref = get_form(v, "ref", "$ref");

		if (!ref || yaml_kind(ref) != YAML_SCALAR)
			world_fault(w, v, "{ref: \"@12\"} belongs here");
		else
			(void)add_arg(w, v, name, ARG_FILL, shape,
				      yaml_text(ref));
	}
}

static void add_value(struct world *w, const struct yaml_node *n,
		      const char *name, uint8_t shape)
{
	const struct yaml_node *ref, *text;

	if (yaml_kind(n) == YAML_SCALAR) {
		(void)add_arg(w, n, name, json_of(n), shape, yaml_text(n));
		return;
	}
	ref = get_form(n, "ref", "$ref");
	text = get_form(n, "tmpl", "$tmpl");
	if (ref && yaml_kind(ref) == YAML_SCALAR)
		(void)add_arg(w, n, name, ARG_REF, shape, yaml_text(ref));
	else if (text)
		add_template(w, n, name, shape, text);
	else
		world_fault(w, n,
			    "a value, a list, {ref: \"@12\"} or {tmpl: "
			    "TEXT, args: [...]} belongs here");
}

static void read_call(struct world *w, const struct yaml_node *n)
{
	const char *name = text_of(w, n, "call", true);
	const struct yaml_node *args = yaml_get(n, "args");
	size_t i, k;

	if (!name || !args || yaml_kind(args) != YAML_MAP) {
		world_fault(w, n, "\"call\" and a map \"args\" belong here");
		return;
	}
	w->call.capability = span_str(name);
	for (i = 0; i < yaml_count(args); i++) {
		const struct yaml_node *v = yaml_at(args, i);
		const char *key = yaml_key(args, i);

		if (yaml_kind(v) != YAML_LIST)
			add_value(w, v, key, ARG_SCALAR);
		else if (!yaml_count(v))
			(void)add_arg(w, v, key, ARG_STRING, ARG_EMPTY_LIST,
				      "");
		for (k = 0; yaml_kind(v) == YAML_LIST && k < yaml_count(v); k++)
			add_value(w, yaml_at(v, k), key, ARG_ELEMENT);
	}
}

/* items */

static const struct source *find_source(const struct policy *p,
					const char *name, size_t n)
{
	size_t i;

	for (i = 0; i < p->n_sources; i++)
		if (span_is(span_of(name, n), p->sources[i].row.name))
			return &p->sources[i];
	return NULL;
}

/* The canonical form, in mem; empty and a fault for what has none. */
static struct span keep(struct world *w, const struct yaml_node *n,
			enum arg_type t, const char *text)
{
	size_t at = w->mem.n;
	const char *why = type_canon(t, false, span_str(text), &w->mem);

	if (why || !buf_ok(&w->mem)) {
		world_fault(w, n, "\"%.80s\" %s", text,
			    why ? why : "is too much");
		return (struct span){ 0 };
	}
	return buf_part(&w->mem, at, w->mem.n - at);
}

static void add_fact(struct world *w, enum arg_type t, struct span value,
		     const struct world_item *r, uint64_t item)
{
	if (w->context.n_facts == WORLD_FACTS || !value.n)
		return;
	w->facts[w->context.n_facts++] = (struct arg_fact){
		.type = t, .value = value, .label = &r->fact, .item = item
	};
}

/* An item by source and id, made if it is a new one; its number, 0 after a
 * fault. */
static uint64_t item_of(struct world *w, const struct yaml_node *n,
			const struct source *s, const char *from,
			const char *id)
{
	struct world_item *r = &w->rows[w->in.n_items];
	uint64_t number = w->in.n_items + 1;
	struct span who;
	size_t i;

	for (i = 0; i < w->in.n_items; i++)
		if (w->rows[i].source == s && !strcmp(w->rows[i].id, id))
			return i + 1;
	if (w->in.n_items == WORLD_ITEMS) {
		world_fault(w, n, "more than %d items", WORLD_ITEMS);
		return 0;
	}
	who = *from ? keep(w, n, source_sender_type(s), from)
		    : (struct span){ 0 };
	*r = (struct world_item){ .id = id, .source = s };
	r->label = stamp_item(w->policy, s, who, number, w->atoms);
	r->fact = stamp_field(&r->label, s, number, "sender", w->atoms);
	w->items[w->in.n_items++] = (struct decide_item){
		.item = number,
		.source = &s->row,
		.sender = who,
		.chat = who,
		.sender_who = stamp_sender(s, who, w->atoms),
		.atom = r->label.n_atoms ? r->label.atoms[0] : ATOM_NONE,
	};
	add_fact(w, source_sender_type(s), who, r, number);
	return number;
}

static void read_envelope(struct world *w, const struct yaml_node *n,
			  uint64_t item)
{
	const struct world_item *r = &w->rows[item - 1];
	const enum arg_type t = source_sender_type(r->source);
	size_t i;

	for (i = 0; n && yaml_kind(n) == YAML_MAP && i < yaml_count(n); i++) {
		const struct yaml_node *v = yaml_at(n, i);
		struct span value;

		if (yaml_kind(v) != YAML_SCALAR) {
			world_fault(w, v, "a text belongs here");
			continue;
		}
		value = keep(w, v, t, yaml_text(v));
		add_fact(w, t, value, r, item);
		if (!strcmp(yaml_key(n, i), "chat"))
			w->items[item - 1].chat = value;
	}
}

static void read_item(struct world *w, const struct yaml_node *n)
{
	static const struct yaml_field fields[] = {
		{ "source", true, false, "" },
		{ "from", true, false, "" },
		{ "id", true, false, "" },
		{ "envelope", false, false, "" },
	};
	const char *source, *from, *id;
	const struct source *s;

	if (!n || !keys_ok(w, n, fields, ARRAY_SIZE(fields)))
		return;
	source = text_of(w, n, "source", true);
	from = text_of(w, n, "from", true);
	id = text_of(w, n, "id", true);
	if (!source || !from || !id)
		return;
	s = find_source(w->policy, source, strlen(source));
	if (!s) {
		world_fault(w, n, "the policy has no source \"%.64s\"", source);
		return;
	}
	w->in.task_item = item_of(w, n, s, from, id);
	if (w->in.task_item)
		read_envelope(w, yaml_get(n, "envelope"), w->in.task_item);
}

/* handles */

static enum arg_type type_of_kind(const struct source *s, const char *kind)
{
	static const struct {
		const char *kind;
		enum arg_type type;
	} rows[] = { { "text", TYPE_TEXT },
		     { "link", TYPE_URL },
		     { "attachment", TYPE_FILE },
		     { "file", TYPE_FILE } };
	size_t i;

	if (!strcmp(kind, "address") || !strcmp(kind, "user"))
		return source_sender_type(s);
	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if (!strcmp(rows[i].kind, kind))
			return rows[i].type;
	return TYPE_ID;
}

/* Numbers that the vector does not use, up to one that it does. */
static void skip_to(struct world *w, const struct yaml_node *n, uint64_t number)
{
	const struct label l = label_empty();
	const struct handle_value none = { .kind = SPAN_LIT("none"),
					   .type = TYPE_TEXT,
					   .origin = ORIGIN_HANDLE,
					   .label = &l };
	const struct handle *h;

	if (handles_next(w->handles) > number)
		world_fault(w, n,
			    "handles stand in ascending order, once each");
	while (!w->bad && handles_next(w->handles) < number)
		if (handles_add(w->handles, &none, &h) < 0)
			world_fault(w, n,
				    "the number of a handle is at most "
				    "%d here",
				    HANDLES_MAX);
}

static void read_handle(struct world *w, const struct yaml_node *n,
			const char *name)
{
	static const struct yaml_field fields[] = {
		{ "of", true, false, "" },
		{ "value", true, false, "" },
		{ "from", true, false, "" },
		{ "id", true, false, "" },
	};
	struct handle_value v = { .origin = ORIGIN_HANDLE };
	const char *of, *value, *from, *id, *dot;
	const struct source *s;
	const struct handle *h;
	uint64_t number;

	if (!keys_ok(w, n, fields, ARRAY_SIZE(fields)))
		return;
	of = text_of(w, n, "of", true);
	value = text_of(w, n, "value", true);
	from = text_of(w, n, "from", true);
	id = text_of(w, n, "id", true);
	if (!of || !value || !from || !id)
		return;
	dot = strrchr(of, '.');
	s = dot ? find_source(w->policy, of, (size_t)(dot - of)) : NULL;
	if (!s || *name != '@' ||
	    num_parse(span_str(name + 1), 1, HANDLES_MAX, &number) < 0) {
		world_fault(w, n,
			    "\"@12\": {of: SOURCE.KIND, ...} belongs "
			    "here");
		return;
	}
	skip_to(w, n, number);
	v.kind = span_str(of);
	v.type = type_of_kind(s, dot + 1);
	v.bytes = span_str(value);
	v.item = item_of(w, n, s, from, id);
	if (w->bad || !v.item)
		return;
	v.label = &w->rows[v.item - 1].label;
	if (handles_add(w->handles, &v, &h) < 0)
		world_fault(w, n, "\"%.80s\" is no value of %s", value, of);
}

/* the rest */

static void read_time(struct world *w, const struct yaml_node *given)
{
	const char *text = text_of(w, given, "time", false);
	CLEAN_BUF struct buf canon;
	int64_t t = NOON;

	buf_init(&canon, 64);
	if (text && type_canon(TYPE_DATETIME, false, span_str(text), &canon))
		world_fault(w, given, "\"%.64s\" is no time", text);
	else if (text)
		t = type_number(TYPE_DATETIME, buf_view(&canon));
	w->in.wall_s = (uint64_t)t;
}

static void read_owner(struct world *w, const struct yaml_node *given)
{
	const char *text = text_of(w, given, "owner", false);

	if (!text)
		return;
	if (tokens_read(&w->owner, span_str(text)) < 0)
		world_fault(w, given, "the owner's text cannot be read");
	link_set_read(&w->links, span_str(text));
	w->in.owner_links = &w->links;
}

/* What the planner has been shown, as far as the vector says. */
static void read_session(struct world *w, const struct yaml_node *n)
{
	static const struct yaml_field fields[] = {
		{ "tainted", false, false, "" },
		{ "private", false, false, "" },
		{ "tripped", false, false, "" },
	};
	static const unsigned bits[] = { SESSION_TAINTED, SESSION_PRIVATE,
					 SESSION_TRIPPED };
	uint32_t who[WORLD_ITEMS];
	size_t i;

	if (!n || !keys_ok(w, n, fields, ARRAY_SIZE(fields)))
		return;
	for (i = 0; i < ARRAY_SIZE(fields); i++) {
		const char *text = text_of(w, n, fields[i].name, false);

		if (text && !strcmp(text, "true"))
			w->in.session |= bits[i];
		else if (text && strcmp(text, "false") != 0)
			world_fault(w, n, "true or false belong here");
	}
	for (i = 0; i < w->in.n_items; i++)
		who[i] = w->items[i].sender_who;
	if (w->in.session & SESSION_TAINTED)
		w->pc.integrity = INTEGRITY_EXTERNAL;
	if (w->in.session & SESSION_PRIVATE)
		label_restrict(&w->pc, who, w->in.n_items);
}

static void read_given(struct world *w, const struct yaml_node *n)
{
	static const struct yaml_field fields[] = {
		{ "time", false, false, "" },
		{ "owner", false, false, "" },
		{ "item", false, false, "" },
		{ "session", false, false, "" },
		{ "handles", false, false, "" },
		{ "before", false, false, "" },
	};
	const struct yaml_node *handles;
	size_t i;

	w->in.wall_s = (uint64_t)NOON;
	if (!n || !keys_ok(w, n, fields, ARRAY_SIZE(fields)))
		return;
	read_time(w, n);
	read_owner(w, n);
	read_item(w, yaml_get(n, "item"));
	handles = yaml_get(n, "handles");
	if (handles && yaml_kind(handles) != YAML_MAP)
		world_fault(w, handles, "a map belongs here");
	for (i = 0; handles && !w->bad && i < yaml_count(handles); i++)
		read_handle(w, yaml_at(handles, i), yaml_key(handles, i));
	read_session(w, yaml_get(n, "session"));
}

/* The same call as often before, in tasks of their own: it was allowed. */
static void read_before(struct world *w, const struct yaml_node *given)
{
	static const struct decide_grant grant = { .floors = true,
						   .seen = true };
	const char *text = given ? text_of(w, given, "before", false) : NULL;
	uint64_t n, i;

	if (!text || w->bad)
		return;
	if (num_parse(span_str(text), 1, POLICY_RATE, &n) < 0) {
		world_fault(w, given, "before: 1 to %d", POLICY_RATE);
		return;
	}
	w->in.grant = &grant;
	for (i = 0; i < n && !w->bad; i++) {
		w->in.task = i + 2;
		policy_decide(w->policy, w->state, &w->in, &w->d);
		if (w->d.verdict != VERDICT_ALLOW)
			world_fault(w, given,
				    "before: of these calls number %u is "
				    "refused: %s",
				    (unsigned)(i + 1), w->d.reason);
	}
	w->in.grant = NULL;
	w->in.task = 1;
}

static bool make_parts(struct world *w)
{
	static const struct state_clock clock = { .boot_ms = 1 };

	w->state = policy_state_new();
	w->atoms = atoms_new(1);
	w->handles = handles_new(1);
	if (!w->state || !w->atoms || !w->handles)
		return false;
	(void)policy_state_now(w->state, &clock);
	w->owner_label = label_of(ATOM_OWNER, INTEGRITY_OWNER);
	w->pc = w->owner_label;
	w->context = (struct arg_context){ .handles = w->handles,
					   .owner = &w->owner,
					   .owner_label = &w->owner_label,
					   .pc = &w->pc,
					   .facts = w->facts };
	w->in = (struct decide_in){ .call = &w->call,
				    .context = &w->context,
				    .atoms = w->atoms,
				    .items = w->items,
				    .task = 1 };
	return true;
}

struct world *world_new(const struct policy *p, const struct yaml *y,
			const struct yaml_node *n, struct buf *errs)
{
	struct world *w = calloc(1, sizeof(*w));

	if (!w)
		return NULL;
	w->policy = p;
	w->y = y;
	w->errs = errs;
	buf_init(&w->mem, 64 << 10);
	link_set_init(&w->links);
	decision_init(&w->d);
	/* so that spans into it stay good */
	if (!buf_extend(&w->mem, 64 << 10) || !make_parts(w)) {
		world_free(w);
		return NULL;
	}
	buf_reset(&w->mem);
	read_call(w, n);
	read_given(w, yaml_get(n, "given"));
	read_before(w, yaml_get(n, "given"));
	return w;
}

void world_free(struct world *w)
{
	if (!w)
		return;
	decision_done(&w->d);
	link_set_done(&w->links);
	tokens_done(&w->owner);
	handles_free(w->handles);
	atoms_free(w->atoms);
	policy_state_free(w->state);
	buf_done(&w->mem);
	free(w);
}
