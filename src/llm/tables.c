/* tables: what the formats' tables say, as JSON: see llm_tables. */
#include "base/jcur.h"
#include "shape.h"

static void put_object(struct buf *b, const struct llm_object *o);

static void put_name(struct buf *b, const char *name)
{
	json_quote(b, span_str(name));
	buf_u8(b, ':');
}

static void put_shape(struct buf *b, const struct llm_shape *s)
{
	static const char *const names[] = { "bool",   "int",  "number",
					     "string", "list", "object",
					     "json" };
	size_t i;

	buf_str(b, "{\"kinds\":[");
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (s->kinds & 1U << i)
			buf_printf(b, "%s\"%s\"",
				   s->kinds & ((1U << i) - 1) ? "," : "",
				   names[i]);
	buf_printf(b, "],\"low\":%.0f,\"check\":%d", s->low, (int)s->check);
	if (s->words) {
		buf_str(b, ",\"words\":");
		json_quote(b, span_str(s->words));
	}
	if (s->each) {
		buf_str(b, ",\"each\":");
		put_shape(b, s->each);
	}
	if (s->object) {
		buf_str(b, ",\"object\":");
		put_object(b, s->object);
	}
	buf_u8(b, '}');
}

static void put_fields(struct buf *b, const struct llm_field *f)
{
	static const char *const names[] = {
		[RULE_KEEP] = "keep",	  [RULE_NEED] = "need",
		[RULE_DROP] = "drop",	  [RULE_REFUSE] = "refuse",
		[RULE_FALSE] = "false",	  [RULE_MODEL] = "model",
		[RULE_STREAM] = "stream", [RULE_TOKENS] = "tokens",
	};
	bool first = true;

	buf_str(b, "{\"fields\":{");
	for (; f->name; f++, first = false) {
		if (!first)
			buf_u8(b, ',');
		put_name(b, f->name);
		buf_printf(b, "{\"rule\":\"%s\"", names[f->rule]);
		if (f->shape) {
			buf_str(b, ",\"value\":");
			put_shape(b, f->shape);
		}
		buf_u8(b, '}');
	}
	buf_str(b, "}}");
}

static void put_object(struct buf *b, const struct llm_object *o)
{
	const struct llm_case *c;

	if (!o->cases) {
		put_fields(b, o->fields);
		return;
	}
	buf_str(b, "{\"by\":");
	json_quote(b, span_str(o->by));
	if (o->otherwise) {
		buf_str(b, ",\"otherwise\":");
		json_quote(b, span_str(o->otherwise));
	}
	buf_str(b, ",\"cases\":{");
	for (c = o->cases; c->value; c++) {
		if (c != o->cases)
			buf_u8(b, ',');
		put_name(b, c->value);
		if (c->object)
			put_object(b, c->object);
		else
			buf_str(b, "null");
	}
	buf_str(b, "}}");
}

void llm_tables(enum llm_api api, struct buf *out)
{
	put_object(out, llm_format(api)->body);
}
