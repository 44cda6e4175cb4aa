/* obey: see obey.h. */
#include "obey.h"

#include "base/buf.h"
#include "base/str.h"
#include "mcp_client.h"

/* Names that arguments go by, by what they hold. */
static const char *const target_names[] = {
	"to",	   "recipient", "recipients", "target",	     "url",  "channel",
	"address", "addresses", "dest",	      "destination", "chat", NULL
};
static const char *const title_names[] = { "subject", "title", "name", NULL };
static const char *const content_names[] = { "body",	"text",	   "data",
					     "content", "message", "query",
					     "note",	NULL };

static bool one_of(const char *s, const char *const *list)
{
	for (; *list; list++)
		if (span_same(span_str(s), *list))
			return true;
	return false;
}

static const char *name_of(const json_t *tool)
{
	const char *name = json_string_value(json_object_get(tool, "name"));

	return name ? name : "";
}

static json_t *properties_of(const json_t *tool)
{
	return json_object_get(json_object_get(tool, "inputSchema"),
			       "properties");
}

/* One line of valid JSON text. */
static json_t *text_json(struct span s, size_t max)
{
	struct span cut = utf8_cut(s, max);
	CLEAN_BUF struct buf b;
	bool space = false;
	size_t i;

	buf_init(&b, LIMIT_ARG_BYTES);
	for (i = 0; i < cut.n; i++) {
		if (cut.p[i] > ' ' && cut.p[i] != 0x7f) {
			if (space && b.n)
				buf_u8(&b, ' ');
			buf_u8(&b, cut.p[i]);
			space = false;
		} else {
			space = true;
		}
	}
	return json_stringn(b.p ? (const char *)b.p : "", b.n);
}

/* value as the schema's type wants it; NULL: it cannot be made into that. */
static json_t *typed(const json_t *schema, struct span value, size_t max)
{
	const char *type = json_string_value(json_object_get(schema, "type"));
	uint64_t number;

	if (!type || strcmp(type, "string") == 0)
		return text_json(value, max);
	if (strcmp(type, "array") == 0)
		return json_pack("[o]", text_json(value, max));
	if (strcmp(type, "boolean") == 0)
		return json_boolean(span_same(value, "true") ||
				    span_same(value, "yes"));
	if (num_parse(value, 0, INT32_MAX, &number) < 0)
		return NULL;
	return json_integer((json_int_t)number);
}

static bool has_sub(const char *name, struct span part)
{
	size_t n = strlen(name);
	size_t i;
	char word[32];

	if (part.n == 0 || str_copy(word, sizeof(word), part) < 0)
		return false;
	for (i = 0; i + part.n <= n; i++)
		if (span_same(span_of(name + i, part.n), word))
			return true;
	return false;
}

static bool has_argument(const json_t *tool, const char *const *names)
{
	const char *key;
	json_t *v;

	json_object_foreach(properties_of(tool), key, v)
	{
		if (one_of(key, names))
			return true;
	}
	return false;
}

const json_t *obey_find(const json_t *tools, struct span name)
{
	json_t *tool;
	size_t i;

	json_array_foreach(tools, i, tool)
	{
		if (span_same(name, name_of(tool)))
			return tool;
	}
	return NULL;
}

static bool is_task_tool(const char *name)
{
	return strncmp(name, "task.", 5) == 0;
}

static int score(const json_t *tool, const struct imperative *o, bool reply)
{
	const char *name = name_of(tool);
	bool target = o->target.n || reply;
	int points = 0;

	if (is_task_tool(name) || (target && !has_argument(tool, target_names)))
		return 0;
	if (has_sub(name, o->verb))
		points += 2;
	if ((reply || (o->target.n && memchr(o->target.p, '@', o->target.n))) &&
	    has_sub(name, SPAN_LIT("mail")))
		points += 2;
	return points;
}

const json_t *obey_pick(const json_t *tools, const struct imperative *o)
{
	bool reply = !o->target.n && (span_same(o->verb, "reply") ||
				      span_same(o->verb, "respond") ||
				      span_same(o->verb, "answer"));
	const json_t *best = NULL;
	int most = 0;
	json_t *tool;
	size_t i;

	json_array_foreach(tools, i, tool)
	{
		int points = score(tool, o, reply);

		if (points > most) {
			most = points;
			best = tool;
		}
	}
	return best;
}

static json_t *unknown_arguments(const struct imperative *o)
{
	return json_pack("{s:o, s:o}", "target",
			 text_json(o->target, LIMIT_ARG_BYTES), "data",
			 text_json(o->what, LIMIT_ARG_BYTES));
}

static json_t *pair_arguments(const json_t *tool, const struct imperative *o)
{
	json_t *arguments = json_object();
	size_t i;

	for (i = 0; arguments && i < o->n_pairs; i++) {
		char name[LIMIT_NAME + 1];
		json_t *schema;

		if (str_copy(name, sizeof(name), o->pairs[i].name) < 0)
			continue;
		schema = json_object_get(properties_of(tool), name);
		(void)json_object_set_new(
			arguments, name,
			typed(schema, o->pairs[i].value, LIMIT_ARG_BYTES));
	}
	return arguments;
}

json_t *obey_arguments(const json_t *tool, const struct imperative *o,
		       struct span sender)
{
	json_t *arguments;
	const char *key;
	json_t *schema;

	if (o->n_pairs)
		return pair_arguments(tool, o);
	if (!tool)
		return unknown_arguments(o);
	arguments = json_object();
	json_object_foreach(properties_of(tool), key, schema)
	{
		json_t *v = NULL;

		if (one_of(key, target_names))
			v = typed(schema, o->target.n ? o->target : sender,
				  LIMIT_ARG_BYTES);
		else if (one_of(key, title_names))
			v = typed(schema, o->what, OBEY_SUBJECT_MAX);
		else if (one_of(key, content_names))
			v = typed(schema, o->what, LIMIT_ARG_BYTES);
		if (v)
			(void)json_object_set_new(arguments, key, v);
	}
	return arguments;
}
