/*
 * tool: a capability as the planner sees it: a sentence or two in words and a
 * JSON Schema. Made once, at load, from the owner's policy alone. The schema
 * is advice to a model; the decision checks everything again.
 */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "label/template.h"
#include "policy/model.h"

enum {
	TOOL_ENUM_VALUES = 64,	/* longer lists are checked, not shown */
	TOOL_ENUM_BYTES = 2048, /* of one list */
	TOOL_TEXT_MAX = 512,
};

static bool shown(const struct values *in)
{
	return in && in->n <= TOOL_ENUM_VALUES && in->mem.n <= TOOL_ENUM_BYTES;
}

static void describe_type(struct buf *out, const struct arg *a)
{
	switch (a->type) {
	case TYPE_TEXT:
		buf_printf(out, "Text of at most %u bytes, %s.", a->max_bytes,
			   a->lines ? "line breaks allowed" : "one line");
		break;
	case TYPE_EMAIL:
		buf_str(out, "A mail address, as name@domain.");
		break;
	case TYPE_ID:
		buf_str(out, "An identifier, exactly as it is written.");
		break;
	case TYPE_ENUM:
		buf_str(out, "One of the values listed.");
		break;
	case TYPE_INT:
		buf_str(out, "A whole number.");
		break;
	case TYPE_NUMBER:
		buf_str(out, "A decimal number without exponent.");
		break;
	case TYPE_BOOL:
		buf_str(out, "true or false.");
		break;
	case TYPE_HANDLE:
		buf_printf(out, "A handle of %s.%s, as @12.", a->of->row.name,
			   a->of_kind);
		break;
	case TYPE_URL:
		buf_str(out, "A whole https or http URL.");
		break;
	case TYPE_REPO:
		buf_str(out, "A repository, as owner/name.");
		break;
	case TYPE_REF:
		buf_str(out, "A short branch or tag name.");
		break;
	case TYPE_FILE:
		buf_printf(out, "A file of at most %u bytes.", a->max_bytes);
		break;
	case TYPE_DATETIME:
		buf_str(out, "A time, as 2026-11-20T09:14:00Z.");
		break;
	case TYPE_MONEY:
		buf_printf(out, "An amount of money, as %.*s 12.",
			   (int)a->currency.n, (const char *)a->currency.p);
		break;
	case TYPE_MAX:
		break;
	}
}

static char *describe_arg(const struct arg *a)
{
	CLEAN_BUF struct buf out;

	buf_init(&out, LIMIT_ARG_BYTES + TOOL_TEXT_MAX);
	describe_type(&out, a);
	if (a->prefix.n) {
		buf_str(&out, " Begins with \"");
		buf_span(&out, a->prefix);
		buf_str(&out, "\".");
	}
	if (a->under.n)
		buf_printf(&out, " Begins with %.*s.", (int)a->under.n - 1,
			   (const char *)a->under.p);
	if (a->closed && !shown(a->closed))
		buf_printf(&out, " One of a closed list of %zu.", a->closed->n);
	else if (a->closed)
		buf_str(&out, " Only the values listed are allowed.");
	else if (a->from == FROM_CONFIG)
		buf_str(&out, " Only values the owner's policy names are "
			      "allowed.");
	return buf_ok(&out) ? strdup(buf_cstr(&out)) : NULL;
}

/* A number in units of 1e-9, or an int, as JSON. */
static json_t *number_json(enum arg_type t, int64_t v)
{
	if (t == TYPE_INT)
		return json_integer(v);
	if (v % NUMBER_ONE == 0)
		return json_integer(v / NUMBER_ONE);
	return json_real((double)v / NUMBER_ONE);
}

static json_t *value_json(const struct values *in, size_t i)
{
	if (in->type == TYPE_INT || in->type == TYPE_NUMBER)
		return number_json(in->type, type_number(in->type, in->v[i]));
	return json_stringn((const char *)in->v[i].p, in->v[i].n);
}

static int put_enum(json_t *to, const struct values *in)
{
	json_t *list = json_array();
	size_t i;

	if (!list)
		return -1;
	for (i = 0; i < in->n; i++) {
		if (json_array_append_new(list, value_json(in, i)) < 0) {
			json_decref(list);
			return -1;
		}
	}
	return json_object_set_new(to, "enum", list);
}

static const char *type_word(enum arg_type t)
{
	switch (t) {
	case TYPE_INT:
		return "integer";
	case TYPE_NUMBER:
		return "number";
	case TYPE_BOOL:
		return "boolean";
	case TYPE_TEXT:
	case TYPE_EMAIL:
	case TYPE_ID:
	case TYPE_ENUM:
	case TYPE_HANDLE:
	case TYPE_URL:
	case TYPE_REPO:
	case TYPE_REF:
	case TYPE_FILE:
	case TYPE_DATETIME:
	case TYPE_MONEY:
	case TYPE_MAX:
		break;
	}
	return "string";
}

static json_int_t max_length(const struct arg *a)
{
	static const uint16_t most[TYPE_MAX] = {
		[TYPE_EMAIL] = EMAIL_MAX,
		[TYPE_ID] = ID_MAX,
		[TYPE_ENUM] = ID_MAX,
		[TYPE_HANDLE] = HANDLE_DIGITS + HANDLE_FIELD_MAX + 2,
		[TYPE_URL] = URL_MAX,
		[TYPE_REPO] = REPO_OWNER_MAX + REPO_NAME_MAX + 1,
		[TYPE_REF] = REF_MAX,
		[TYPE_FILE] = 7 + FILE_HASH_HEX + FILE_NAME_MAX + 12,
		[TYPE_DATETIME] = 40,
		[TYPE_MONEY] = 4 + MONEY_DIGITS + 4,
	};

	if (a->type == TYPE_TEXT)
		return a->max_bytes;
	return a->type < TYPE_MAX ? most[a->type] : 0;
}

/* The schema of one value, without description. NULL: out of memory. */
static json_t *scalar_schema(const struct arg *a)
{
	json_t *s = json_pack("{s:s}", "type", type_word(a->type));
	int bad = 0;

	if (!s)
		return NULL;
	if (a->type == TYPE_INT || a->type == TYPE_NUMBER) {
		bad |= json_object_set_new(s, "minimum",
					   number_json(a->type, a->min));
		bad |= json_object_set_new(s, "maximum",
					   number_json(a->type, a->max));
	} else if (a->type != TYPE_BOOL) {
		bad |= json_object_set_new(s, "maxLength",
					   json_integer(max_length(a)));
	}
	if (shown(a->closed))
		bad |= put_enum(s, a->closed);
	if (bad) {
		json_decref(s);
		return NULL;
	}
	return s;
}

static json_t *ref_schema(void)
{
	return json_pack("{s:s, s:{s:{s:s}}, s:[s], s:b}", "type", "object",
			 "properties", "$ref", "type", "string", "required",
			 "$ref", "additionalProperties", 0);
}

/* A text with places for handles. */
static json_t *template_schema(void)
{
	return json_pack("{s:s, s:{s:{s:s}, s:{s:s, s:i, s:o}}, s:[s, s], s:b}",
			 "type", "object", "properties", "$tmpl", "type",
			 "string", "args", "type", "array", "maxItems",
			 TEMPLATE_ARGS, "items", ref_schema(), "required",
			 "$tmpl", "args", "additionalProperties", 0);
}

/* Where the policy takes a handle, it may stand for the value. */
static json_t *or_handle(const struct arg *a, json_t *literal)
{
	if (!literal || !(a->from & FROM_HANDLE))
		return literal;
	if (a->type == TYPE_TEXT)
		return json_pack("{s:[o, o, o]}", "anyOf", literal,
				 ref_schema(), template_schema());
	return json_pack("{s:[o, o]}", "anyOf", literal, ref_schema());
}

static json_t *arg_schema(const struct arg *a)
{
	json_t *s = or_handle(a, scalar_schema(a));
	char *text = describe_arg(a);
	int r;

	if (s && a->many)
		s = json_pack("{s:s, s:o, s:i, s:i, s:b}", "type", "array",
			      "items", s, "minItems", 1, "maxItems",
			      (int)a->many, "uniqueItems", 1);
	/* without memory there is no text, hence no string, hence -1 */
	r = json_object_set_new(s, "description", json_string(text));
	free(text);
	if (r == 0)
		return s;
	json_decref(s);
	return NULL;
}

static json_t *cap_schema(const struct cap *c)
{
	json_t *properties = json_object(), *required = json_array();
	int bad = 0;
	size_t i;

	for (i = 0; i < c->n_args; i++) {
		const struct arg *a = &c->args[i];

		if (a->role == ROLE_CREDENTIAL)
			continue; /* not the planner's to name */
		bad |= json_object_set_new(properties, a->name, arg_schema(a));
		if (!a->optional)
			bad |= json_array_append_new(required,
						     json_string(a->name));
	}
	if (bad) {
		json_decref(properties);
		json_decref(required);
		return NULL;
	}
	return json_pack("{s:s, s:b, s:o, s:o}", "type", "object",
			 "additionalProperties", 0, "properties", properties,
			 "required", required);
}

/* The strictest and the most generous row, in words. */
static void describe_rows(struct buf *out, const struct cap *c)
{
	bool allow = false, ask = false;
	size_t i;

	for (i = 0; i < c->n_rows; i++) {
		allow |= c->rows[i].outcome == OUTCOME_ALLOW;
		ask |= c->rows[i].outcome == OUTCOME_ASK;
	}
	if (ask && allow)
		buf_str(out, " Some calls need the owner's approval.");
	else if (ask)
		buf_str(out, " Every call needs the owner's approval.");
	else if (!allow)
		buf_str(out, " The policy refuses every call.");
	if (ask)
		buf_str(out, " Approvals are not built yet: such a call is "
			     "refused.");
}

static char *describe_cap(const struct cap *c)
{
	const struct limit *rate = &c->limits.rate;
	CLEAN_BUF struct buf out;

	buf_init(&out, TOOL_TEXT_MAX);
	if (c->effect == EFFECT_READ)
		buf_str(&out, "Only reads.");
	else if (c->effect == EFFECT_INTERNAL)
		buf_str(&out, "Changes something of the owner's own.");
	else
		buf_printf(&out, "Reaches others%s.",
			   c->undo == UNDO_NONE ? " and cannot be undone" : "");
	if (c->undo == UNDO_WINDOW)
		buf_printf(&out, " It is held for %llu seconds first.",
			   (unsigned long long)c->undo_s);
	describe_rows(&out, c);
	buf_printf(&out, " At most %llu call%s %s.",
		   (unsigned long long)rate->most, rate->most == 1 ? "" : "s",
		   rate->window_s == 60	    ? "a minute"
		   : rate->window_s == 3600 ? "an hour"
					    : "a day");
	return buf_ok(&out) ? strdup(buf_cstr(&out)) : NULL;
}

int tool_make(struct cap *c)
{
	json_t *schema = cap_schema(c);

	if (schema)
		c->schema = json_dumps(schema, JSON_COMPACT);
	json_decref(schema);
	c->description = describe_cap(c);
	return c->schema && c->description ? 0 : -ENOMEM;
}

/* A decoy has to look like any other: its name is all there is to tell. */
int tool_make_decoy(struct decoy *d)
{
	size_t i;

	d->description = strdup(d->name);
	if (!d->description)
		return -ENOMEM;
	for (i = 0; d->description[i]; i++)
		if (strchr("._-", d->description[i]))
			d->description[i] = ' ';
	d->description[0] = (char)(d->description[0] - 'a' + 'A');
	return 0;
}
