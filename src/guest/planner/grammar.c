/*
 * grammar: see grammar.h. Each value of a schema becomes a rule, "v" and a
 * number; those that a rule mentions wait in a list until their turn comes, so
 * however deep a schema is, nothing here calls itself.
 */
#include "grammar.h"

#include <errno.h>
#include <stdlib.h>

#include "base/span.h"

/* What all grammars share. Ranges, not what they leave out: a model's bytes may
 * be no character at all. */
static const char common[] =
	"text ::= \"\\\"\" char* \"\\\"\"\n"
	"char ::= [ !#-\\[\\]-~\\u00A0-\\uD7FF\\uE000-\\uFFFD"
	"\\U00010000-\\U0010FFFF] | \"\\\\\" [\"\\\\/bfnrt]\n"
	"digits ::= \"0\" | [1-9] [0-9]{0,17}\n"
	"decimal ::= \"-\"? digits (\".\" [0-9]{1,9})?\n"
	"truth ::= \"true\" | \"false\"\n"
	"list ::= \"[\" (any (\", \" any)*)? \"]\"\n"
	"member ::= text \": \" any\n"
	"object ::= \"{\" (member (\", \" member)*)? \"}\"\n"
	"any ::= text | decimal | truth | \"null\" | list | object\n";

struct maker {
	struct buf *out;
	const json_t *wait[GRAMMAR_RULES]; /* schema of each rule, borrowed */
	size_t n;
	int bad; /* the first failure */
};

static void fail(struct maker *m, int why)
{
	if (!m->bad)
		m->bad = why;
}

/* A rule to be written later: its number. */
static size_t rule_for(struct maker *m, const json_t *schema)
{
	if (m->n == GRAMMAR_RULES) {
		fail(m, -E2BIG);
		return 0;
	}
	m->wait[m->n] = schema;
	return m->n++;
}

/* Exactly these bytes, as a literal of the grammar without its quotes. */
static void put_quoted(struct buf *out, const char *s)
{
	for (; *s; s++) {
		if (*s == '"' || *s == '\\')
			buf_u8(out, '\\');
		buf_u8(out, (uint8_t)*s);
	}
}

/* A value as JSON writes it, likewise. */
static void put_json(struct maker *m, const json_t *value)
{
	char *text = json_dumps(value, JSON_ENCODE_ANY | JSON_COMPACT |
					       JSON_REAL_PRECISION(15));

	if (text)
		put_quoted(m->out, text);
	else
		fail(m, -ENOMEM);
	free(text);
}

static void put_key(struct maker *m, const char *key)
{
	json_t *name = strlen(key) <= GRAMMAR_NAME ? json_string(key) : NULL;

	if (!name)
		fail(m, -E2BIG);
	put_json(m, name);
	json_decref(name);
}

/* --- values ----------------------------------------------------------------
 */

static void put_words(struct maker *m, const json_t *words)
{
	const json_t *word;
	size_t i;

	if (!json_array_size(words) || json_array_size(words) > GRAMMAR_MEMBERS)
		fail(m, json_array_size(words) ? -E2BIG : -EINVAL);
	json_array_foreach(words, i, word)
	{
		buf_str(m->out, i ? " | \"" : "\"");
		put_json(m, word);
		buf_str(m->out, "\"");
	}
}

static void put_text(struct maker *m, const json_t *schema)
{
	const json_t *most = json_object_get(schema, "maxLength");
	json_int_t n = json_integer_value(most);

	if (json_is_integer(most) && n >= 0 && n <= GRAMMAR_REPEATED)
		buf_printf(m->out, "\"\\\"\" char{0,%d} \"\\\"\"", (int)n);
	else
		buf_str(m->out, "text");
}

/* Of a range its sign; where in it a number lies is the host's to see. */
static void put_number(struct maker *m, const json_t *schema, const char *tail)
{
	const json_t *least = json_object_get(schema, "minimum");
	const json_t *most = json_object_get(schema, "maximum");

	if (json_is_number(most) && json_number_value(most) < 0)
		buf_str(m->out, "\"-\" ");
	else if (!json_is_number(least) || json_number_value(least) < 0)
		buf_str(m->out, "\"-\"? ");
	buf_printf(m->out, "digits%s", tail);
}

/* What of a list comes behind its first: as many as the schema says, where that
 * can be counted; most < 0: any number. */
static void put_rest(struct maker *m, size_t rule, json_int_t least,
		     json_int_t most)
{
	if (most == 1 && least <= 1)
		return;
	buf_printf(m->out, " (\", \" v%zu){%d,", rule,
		   least ? (int)least - 1 : 0);
	if (most >= least && most <= GRAMMAR_REPEATED)
		buf_printf(m->out, "%d", (int)most - 1);
	buf_str(m->out, "}");
}

static void put_list(struct maker *m, const json_t *schema)
{
	const json_t *items = json_object_get(schema, "items");
	const json_t *most = json_object_get(schema, "maxItems");
	json_int_t least =
		json_integer_value(json_object_get(schema, "minItems"));
	json_int_t n = json_integer_value(most);
	size_t rule;

	if (!json_is_object(items)) {
		buf_str(m->out, "list");
		return;
	}
	if (json_is_integer(most) && n < 1) {
		buf_str(m->out, "\"[]\"");
		return;
	}
	rule = rule_for(m, items);
	if (least < 0 || least > GRAMMAR_REPEATED)
		least = 1;
	buf_printf(m->out, "\"[\" %sv%zu", least ? "" : "(", rule);
	put_rest(m, rule, least, json_is_integer(most) ? n : -1);
	buf_printf(m->out, "%s \"]\"", least ? "" : ")?");
}

static bool is_required(const json_t *schema, const char *key)
{
	const json_t *list = json_object_get(schema, "required"), *one;
	size_t i;

	json_array_foreach(list, i, one)
	{
		if (json_is_string(one) && !strcmp(json_string_value(one), key))
			return true;
	}
	return false;
}

struct members {
	const char *key[GRAMMAR_MEMBERS];
	size_t rule[GRAMMAR_MEMBERS];
	size_t n, needed; /* those that are come first */
};

static void members_add(struct maker *m, struct members *s,
			const json_t *schema, bool needed)
{
	json_t *properties = json_object_get(schema, "properties"), *v;
	const char *key;

	json_object_foreach(properties, key, v)
	{
		if (is_required(schema, key) != needed)
			continue;
		if (s->n == GRAMMAR_MEMBERS) {
			fail(m, -E2BIG);
			return;
		}
		s->key[s->n] = key;
		s->rule[s->n++] = rule_for(m, v);
	}
	if (needed)
		s->needed = s->n;
}

static void put_member(struct maker *m, const struct members *s, size_t i)
{
	buf_str(m->out, "\"");
	put_key(m, s->key[i]);
	buf_printf(m->out, ": \" v%zu", s->rule[i]);
}

/* Those from there on, each of them said or not, behind one that is. */
static void put_others(struct maker *m, const struct members *s, size_t i)
{
	for (; i < s->n; i++) {
		buf_str(m->out, " (\", \" ");
		put_member(m, s, i);
		buf_str(m->out, ")?");
	}
}

/* What is needed, then what need not be; where nothing is needed, any one of
 * the others may be the first. */
static void put_members(struct maker *m, const struct members *s)
{
	size_t i;

	for (i = 0; i < s->needed; i++) {
		if (i)
			buf_str(m->out, " \", \" ");
		put_member(m, s, i);
	}
	if (s->needed) {
		put_others(m, s, s->needed);
		return;
	}
	buf_str(m->out, "(");
	for (i = 0; i < s->n; i++) {
		if (i)
			buf_str(m->out, " | ");
		put_member(m, s, i);
		put_others(m, s, i + 1);
	}
	buf_str(m->out, ")?");
}

static void put_object(struct maker *m, const json_t *schema)
{
	struct members s = { .n = 0 };

	members_add(m, &s, schema, true);
	members_add(m, &s, schema, false);
	if (s.n) {
		buf_str(m->out, "\"{\" ");
		put_members(m, &s);
		buf_str(m->out, " \"}\"");
	} else if (json_is_false(
			   json_object_get(schema, "additionalProperties"))) {
		buf_str(m->out, "\"{}\"");
	} else {
		buf_str(m->out, "object");
	}
}

static void put_choice(struct maker *m, const json_t *of)
{
	const json_t *one;
	size_t i;

	if (!json_array_size(of) || json_array_size(of) > GRAMMAR_MEMBERS)
		fail(m, json_array_size(of) ? -E2BIG : -EINVAL);
	json_array_foreach(of, i, one)
	{
		buf_printf(m->out, "%sv%zu", i ? " | " : "", rule_for(m, one));
	}
}

static void put_typed(struct maker *m, const json_t *schema)
{
	const char *type = json_string_value(json_object_get(schema, "type"));

	if (!type)
		type = "";
	if (json_is_object(json_object_get(schema, "properties")) ||
	    !strcmp(type, "object"))
		put_object(m, schema);
	else if (!strcmp(type, "string"))
		put_text(m, schema);
	else if (!strcmp(type, "integer"))
		put_number(m, schema, "");
	else if (!strcmp(type, "number"))
		put_number(m, schema, " (\".\" [0-9]{1,9})?");
	else if (!strcmp(type, "boolean"))
		buf_str(m->out, "truth");
	else if (!strcmp(type, "array"))
		put_list(m, schema);
	else
		buf_str(m->out, "any");
}

static void put_value(struct maker *m, const json_t *schema)
{
	if (!json_is_object(schema))
		fail(m, -EINVAL);
	else if (json_object_get(schema, "enum"))
		put_words(m, json_object_get(schema, "enum"));
	else if (json_object_get(schema, "anyOf"))
		put_choice(m, json_object_get(schema, "anyOf"));
	else
		put_typed(m, schema);
}

/* --- tools -----------------------------------------------------------------
 */

/* A tool's arguments are an object, whatever its schema says. */
static void put_call(struct maker *m, const json_t *tool)
{
	const char *name = json_string_value(json_object_get(tool, "name"));
	const json_t *schema = json_object_get(tool, "inputSchema");

	if (!name || !*name) {
		fail(m, -EINVAL);
		return;
	}
	buf_str(m->out, " |\n\t\"{\\\"call\\\": ");
	put_key(m, name);
	buf_str(m->out, ", \\\"arguments\\\": \" ");
	if (json_is_object(json_object_get(schema, "properties")))
		buf_printf(m->out, "v%zu", rule_for(m, schema));
	else
		buf_str(m->out, "object");
	buf_str(m->out, " \"}\"");
}

static int make(struct maker *m, const json_t *tools)
{
	const json_t *tool;
	size_t i;

	buf_str(m->out, "root ::= \"{\\\"answer\\\": \" text \"}\"");
	json_array_foreach(tools, i, tool)
	{
		put_call(m, tool);
	}
	buf_str(m->out, "\n");
	for (i = 0; i < m->n && !m->bad && buf_ok(m->out); i++) {
		buf_printf(m->out, "v%zu ::= ", i);
		put_value(m, m->wait[i]);
		buf_str(m->out, "\n");
	}
	buf_str(m->out, common);
	if (m->bad)
		return m->bad;
	return buf_ok(m->out) ? 0 : -E2BIG;
}

int grammar_make(const json_t *tools, struct buf *out)
{
	struct maker *m = calloc(1, sizeof(*m));
	int r;

	if (!m)
		return -ENOMEM;
	m->out = out;
	r = make(m, tools);
	free(m);
	return r;
}
