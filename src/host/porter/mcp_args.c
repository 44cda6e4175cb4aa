/* mcp_args: what a tool is called with, see mcp.h. */
#include "base/str.h"
#include "mcp_parts.h"

/* A name: 1 to LIMIT_NAME bytes without control characters (C0, DEL, C1). */
static bool name_ok(struct span s)
{
	size_t i;

	if (s.n == 0 || s.n > LIMIT_NAME)
		return false;
	for (i = 0; i < s.n; i++) {
		if (s.p[i] < 0x20 || s.p[i] == 0x7f)
			return false;
		if (s.p[i] == 0xc2 && i + 1 < s.n && s.p[i + 1] < 0xa0)
			return false;
	}
	return true;
}

static struct m_arg *add_named(struct mcp_request *r, struct span name,
			       uint8_t shape)
{
	struct m_arg *a = &r->call.args[r->call.n];

	if (r->call.n >= LIMIT_ARGS)
		return NULL;
	r->call.n++;
	*a = (struct m_arg){ .name = name, .shape = shape };
	return a;
}

/* A string as a row of that kind. */
static bool add_string(struct mcp_request *r, const struct m_arg *like,
		       const json_t *v, enum arg_json kind)
{
	struct m_arg *a;

	if (!json_is_string(v) || json_string_length(v) > LIMIT_ARG_BYTES)
		return false;
	a = add_named(r, like->name, like->shape);
	if (!a)
		return false;
	a->json = (uint8_t)kind;
	a->value = mcp_string(v);
	return true;
}

/* {"$ref": "@15"} */
static bool add_ref(struct mcp_request *r, const struct m_arg *like, json_t *v,
		    enum arg_json kind)
{
	return json_is_object(v) && json_object_size(v) == 1 &&
	       add_string(r, like, json_object_get(v, "$ref"), kind);
}

/* {"$tmpl": "Hi {0}", "args": [{"$ref": "@13.name"}]} */
static bool add_template(struct mcp_request *r, const struct m_arg *like,
			 json_t *v)
{
	json_t *args = json_object_get(v, "args"), *ref;
	size_t i;

	if (json_object_size(v) != 2 || !json_is_array(args) ||
	    !add_string(r, like, json_object_get(v, "$tmpl"), ARG_TEMPLATE))
		return false;
	json_array_foreach(args, i, ref)
	{
		if (!add_ref(r, like, ref, ARG_FILL))
			return false;
	}
	return true;
}

static bool add_number(struct mcp_request *r, const struct m_arg *like,
		       const json_t *v)
{
	char *number = r->call.n < LIMIT_ARGS ? r->numbers[r->call.n] : NULL;
	struct m_arg *a = add_named(r, like->name, like->shape);
	size_t n;

	if (!a)
		return false;
	n = json_dumpb(v, number, MCP_NUMBER_MAX, JSON_ENCODE_ANY);
	a->json = json_is_integer(v) ? ARG_INTEGER : ARG_NUMBER;
	a->value = span_of(number, n);
	return n > 0 && n <= MCP_NUMBER_MAX;
}

/* One value as a row, a template as several; false if its type or size is not
 * allowed. */
static bool add_value(struct mcp_request *r, const struct m_arg *like,
		      json_t *v)
{
	struct m_arg *a;

	if (json_is_string(v))
		return add_string(r, like, v, ARG_STRING);
	if (json_is_object(v))
		return json_object_size(v) == 1 ? add_ref(r, like, v, ARG_REF)
						: add_template(r, like, v);
	if (json_is_number(v))
		return add_number(r, like, v);
	a = json_is_boolean(v) ? add_named(r, like->name, like->shape) : NULL;
	if (!a)
		return false;
	a->json = ARG_BOOL;
	a->value = json_is_true(v) ? SPAN_LIT("true") : SPAN_LIT("false");
	return true;
}

static bool add_list(struct mcp_request *r, struct span name, json_t *list)
{
	const struct m_arg like = { .name = name, .shape = ARG_ELEMENT };
	struct m_arg *a;
	json_t *v;
	size_t i;

	if (json_array_size(list) == 0) {
		a = add_named(r, name, ARG_EMPTY_LIST);
		if (a)
			a->json = ARG_STRING;
		return a;
	}
	json_array_foreach(list, i, v)
	{
		if ((!json_is_string(v) && !json_is_object(v)) ||
		    !add_value(r, &like, v))
			return false;
	}
	return true;
}

/*
 * Arguments that are not right. A model can mend them, so that since 2025-11-25
 * it hears of them as of any result; before, they were errors of the protocol.
 */
static struct refusal bad_input(const struct mcp_request *r, const char *text)
{
	struct refusal no = mcp_refuse(MCP_ERR_PARAMS, text);

	no.by_tool = r->version >= MCP_2025_11_25;
	return no;
}

struct refusal mcp_read_arguments(struct mcp_request *r, json_t *arguments)
{
	const char *key;
	json_t *v;

	json_object_foreach(arguments, key, v)
	{
		struct m_arg like = { .name = span_str(key),
				      .shape = ARG_SCALAR };
		bool ok;

		if (!name_ok(like.name))
			return bad_input(r, "bad argument name");
		if (json_is_array(v))
			ok = add_list(r, like.name, v);
		else
			ok = add_value(r, &like, v);
		if (!ok)
			return bad_input(
				r, "an argument is a string, a number, a "
				   "boolean, a reference, a template or a "
				   "list of strings and these, within the "
				   "limits");
	}
	return mcp_accept();
}

static struct refusal read_answer(struct mcp_request *r, json_t *arguments)
{
	static const char *const members[] = { "text", NULL };
	json_t *text = json_object_get(arguments, "text");

	if (!json_is_string(text) || !mcp_only_members(arguments, members))
		return bad_input(r, "task.answer takes {text}");
	r->answer = mcp_string(text);
	if (r->answer.n > LIMIT_ANSWER)
		return bad_input(r, "the answer is too long");
	r->kind = MCP_ANSWER;
	return mcp_accept();
}

static struct refusal read_wait(struct mcp_request *r, json_t *arguments)
{
	static const char *const members[] = { "ticket", "seconds", NULL };
	json_t *ticket = json_object_get(arguments, "ticket");
	json_t *seconds = json_object_get(arguments, "seconds");
	json_int_t s = seconds ? json_integer_value(seconds) : WAIT_SECONDS;

	if (!json_is_string(ticket) || !mcp_only_members(arguments, members) ||
	    (seconds && !json_is_integer(seconds)))
		return bad_input(r, "bulkhead.wait takes {ticket, seconds}");
	r->wait.ticket = ticket_read(mcp_string(ticket));
	if (!r->wait.ticket || s < 0 || s > WAIT_SECONDS)
		return bad_input(r, "no ticket, or not 0 to 60 seconds");
	r->wait.seconds = (uint32_t)s;
	r->kind = MCP_WAIT;
	return mcp_accept();
}

/* The parts of params that have no meaning here, where they are well-formed:
 * what was asked of a client, which we never do, and tasks of 2025-11-25. */
static bool others_ok(json_t *params)
{
	json_t *task = json_object_get(params, "task");
	json_t *responses = json_object_get(params, "inputResponses");
	json_t *state = json_object_get(params, "requestState");

	return (!task || json_is_object(task)) &&
	       (!responses || json_is_object(responses)) &&
	       (!state || json_is_string(state));
}

struct refusal mcp_read_call(struct mcp_request *r, json_t *params)
{
	static const char *const members[] = {
		"name",		  "arguments",	  "_meta", "task",
		"inputResponses", "requestState", NULL
	};
	json_t *name = json_object_get(params, "name");
	json_t *arguments = json_object_get(params, "arguments");

	if (!mcp_only_members(params, members) || !others_ok(params))
		return mcp_refuse(MCP_ERR_PARAMS, "unknown member in params");
	if (!json_is_string(name) || !name_ok(mcp_string(name)))
		return mcp_refuse(MCP_ERR_PARAMS, "bad tool name");
	if (arguments && !json_is_object(arguments))
		return mcp_refuse(MCP_ERR_PARAMS,
				  "arguments must be an object");
	r->call.capability = mcp_string(name);
	if (span_is(r->call.capability, MCP_TOOL_ANSWER))
		return read_answer(r, arguments);
	if (span_is(r->call.capability, MCP_TOOL_WAIT))
		return read_wait(r, arguments);
	if (span_is(r->call.capability, MCP_TOOL_TASK)) {
		r->kind = MCP_TASK;
		return json_object_size(arguments) == 0
			       ? mcp_accept()
			       : bad_input(r, "task.get takes no arguments");
	}
	r->kind = MCP_CALL;
	return arguments ? mcp_read_arguments(r, arguments) : mcp_accept();
}
