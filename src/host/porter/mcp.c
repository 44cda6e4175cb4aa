/* mcp: see mcp.h. */
#include "mcp.h"

#include <assert.h>

#include "base/str.h"
#include "proto/message_json.h"

/* Of those that begin with initialize, the newest first; and the one in which
 * each request names its version. */
static const char *const versions[] = { "2025-11-25", "2025-06-18",
					"2025-03-26" };
#define STATELESS "2026-07-28"
#define META	  "io.modelcontextprotocol/"

/* The list of tools is the same as long as its session lasts. */
enum { LIST_MS = 3600 * 1000 };

static const char instructions[] =
	"Start with task.get, end with task.answer. Every other tool is a "
	"request that the owner's policy decides.";

/* --- writing ----------------------------------------------------------- */

static int dump_to_buf(const char *text, size_t n, void *arg)
{
	struct buf *b = arg;

	buf_put(b, text, n);
	return buf_ok(b) ? 0 : -1;
}

/* Takes line over. NULL stands for an allocation that failed. */
static void put_line(struct buf *reply, json_t *line)
{
	if (!line ||
	    json_dump_callback(line, dump_to_buf, reply, JSON_COMPACT) < 0)
		reply->bad = true;
	buf_u8(reply, '\n');
	json_decref(line);
}

static void put_error(struct buf *reply, json_t *id, enum mcp_error code,
		      const char *text)
{
	put_line(reply, json_pack("{s:s, s:O, s:{s:i, s:s}}", "jsonrpc", "2.0",
				  "id", id ? id : json_null(), "error", "code",
				  (int)code, "message", text));
}

/* Takes result over. */
static void put_result(struct buf *reply, const struct mcp_request *r,
		       json_t *result)
{
	json_t *id = r->id;

	if (!result) {
		reply->bad = true;
		return;
	}
	if (r->stateless &&
	    (json_object_set_new(result, "resultType",
				 json_string("complete")) < 0 ||
	     json_object_set_new(result, "_meta",
				 json_pack("{s:{s:s, s:s}}", META "serverInfo",
					   "name", "bulkhead", "version",
					   BULKHEAD_VERSION)) < 0))
		reply->bad = true;
	put_line(reply, json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id", id,
				  "result", result));
}

/* A tool result: text for people, and a structured form (taken over). */
static json_t *tool_result(const char *text, size_t n, json_t *structured,
			   bool is_error)
{
	json_t *content = json_stringn(text, n);

	if (!content)
		content = json_string("");
	return json_pack("{s:[{s:s, s:o}], s:o*, s:b}", "content", "type",
			 "text", "text", content, "structuredContent",
			 structured, "isError", (int)is_error);
}

static json_t *span_json(struct span s)
{
	json_t *v = json_stringn((const char *)s.p, s.n);

	return v ? v : json_string("");
}

/* --- reading ----------------------------------------------------------- */

/* What one handler decides; code 0 means that ret or reply is filled. */
struct refusal {
	enum mcp_error code;
	const char *text;
};

static const struct refusal accepted = { 0, NULL };

static struct refusal refuse(enum mcp_error code, const char *text)
{
	return (struct refusal){ code, text };
}

/* True if v has no members but the named ones (NULL-terminated). */
static bool only_members(json_t *v, const char *const *names)
{
	const char *key;
	json_t *value;

	json_object_foreach(v, key, value)
	{
		size_t i;

		for (i = 0; names[i]; i++)
			if (strcmp(key, names[i]) == 0)
				break;
		if (!names[i])
			return false;
	}
	return true;
}

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

static struct span string_span(const json_t *v)
{
	return span_of(json_string_value(v), json_string_length(v));
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
	a->value = string_span(v);
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

static struct refusal read_arguments(struct mcp_request *r, json_t *arguments)
{
	const char *key;
	json_t *v;

	json_object_foreach(arguments, key, v)
	{
		struct m_arg like = { .name = span_str(key),
				      .shape = ARG_SCALAR };
		bool ok;

		if (!name_ok(like.name))
			return refuse(MCP_ERR_PARAMS, "bad argument name");
		if (json_is_array(v))
			ok = add_list(r, like.name, v);
		else
			ok = add_value(r, &like, v);
		if (!ok)
			return refuse(MCP_ERR_PARAMS,
				      "an argument is a string, a number, a "
				      "boolean, a reference, a template or a "
				      "list of strings and these, within the "
				      "limits");
	}
	return accepted;
}

static struct refusal read_answer(struct mcp_request *r, json_t *arguments)
{
	static const char *const members[] = { "text", NULL };
	json_t *text = json_object_get(arguments, "text");

	if (!json_is_string(text) || !only_members(arguments, members))
		return refuse(MCP_ERR_PARAMS, "task.answer takes {text}");
	r->answer = string_span(text);
	if (r->answer.n > LIMIT_ANSWER)
		return refuse(MCP_ERR_PARAMS, "the answer is too long");
	r->kind = MCP_ANSWER;
	return accepted;
}

static struct refusal read_wait(struct mcp_request *r, json_t *arguments)
{
	static const char *const members[] = { "ticket", "seconds", NULL };
	json_t *ticket = json_object_get(arguments, "ticket");
	json_t *seconds = json_object_get(arguments, "seconds");
	json_int_t s = seconds ? json_integer_value(seconds) : WAIT_SECONDS;

	if (!json_is_string(ticket) || !only_members(arguments, members) ||
	    (seconds && !json_is_integer(seconds)))
		return refuse(MCP_ERR_PARAMS,
			      "bulkhead.wait takes {ticket, seconds}");
	r->wait.ticket = ticket_read(string_span(ticket));
	if (!r->wait.ticket || s < 0 || s > WAIT_SECONDS)
		return refuse(MCP_ERR_PARAMS,
			      "no ticket, or not 0 to 60 seconds");
	r->wait.seconds = (uint32_t)s;
	r->kind = MCP_WAIT;
	return accepted;
}

static struct refusal on_call(struct mcp *m, struct mcp_request *r,
			      json_t *params, struct buf *reply)
{
	static const char *const members[] = { "name", "arguments", "_meta",
					       NULL };
	json_t *name = json_object_get(params, "name");
	json_t *arguments = json_object_get(params, "arguments");
	struct refusal no;

	if (!only_members(params, members))
		return refuse(MCP_ERR_PARAMS, "unknown member in params");
	if (!json_is_string(name) || !name_ok(string_span(name)))
		return refuse(MCP_ERR_PARAMS, "bad tool name");
	if (arguments && !json_is_object(arguments))
		return refuse(MCP_ERR_PARAMS, "arguments must be an object");
	r->call.capability = string_span(name);
	if (span_is(r->call.capability, MCP_TOOL_ANSWER))
		return read_answer(r, arguments);
	if (span_is(r->call.capability, MCP_TOOL_WAIT))
		return read_wait(r, arguments);
	if (span_is(r->call.capability, MCP_TOOL_TASK)) {
		r->kind = MCP_TASK;
		return json_object_size(arguments) == 0
			       ? accepted
			       : refuse(MCP_ERR_PARAMS,
					"task.get takes no arguments");
	}
	r->kind = MCP_CALL;
	if (!arguments)
		return accepted;
	no = read_arguments(r, arguments);
	if (!no.text)
		return accepted;
	/* An error of the tool, which the model hears of (SEP-1303). */
	m->errors++;
	r->kind = MCP_REPLY;
	mcp_reply_refusal(reply, r, no.text);
	return accepted;
}

static struct refusal on_list(struct mcp *m, struct mcp_request *r,
			      json_t *params, struct buf *reply)
{
	static const char *const members[] = { "_meta", NULL };

	(void)m;
	(void)reply;
	if (!only_members(params, members))
		return refuse(MCP_ERR_PARAMS, "the list has one page");
	r->kind = MCP_TOOLS;
	return accepted;
}

static struct refusal on_ping(struct mcp *m, struct mcp_request *r,
			      json_t *params, struct buf *reply)
{
	(void)m;
	(void)params;
	put_result(reply, r, json_object());
	r->kind = MCP_REPLY;
	return accepted;
}

/* An unknown version is answered with ours, as the protocol has it. */
static struct refusal on_initialize(struct mcp *m, struct mcp_request *r,
				    json_t *params, struct buf *reply)
{
	json_t *wanted = json_object_get(params, "protocolVersion");
	const char *version = versions[0];
	size_t i;

	if (m->initialized)
		return refuse(MCP_ERR_REQUEST, "initialized already");
	if (!json_is_string(wanted))
		return refuse(MCP_ERR_PARAMS, "protocolVersion is missing");
	for (i = 0; i < ARRAY_SIZE(versions); i++)
		if (span_is(string_span(wanted), versions[i]))
			version = versions[i];
	put_result(reply, r,
		   json_pack("{s:s, s:{s:{}}, s:{s:s, s:s}, s:s}",
			     "protocolVersion", version, "capabilities",
			     "tools", "serverInfo", "name", "bulkhead",
			     "version", BULKHEAD_VERSION, "instructions",
			     instructions));
	m->initialized = true;
	r->kind = MCP_REPLY;
	return accepted;
}

/* May be kept by who asked, and by nobody else. Takes result over. */
static json_t *cacheable(json_t *result, int ms)
{
	if (json_object_set_new(result, "ttlMs", json_integer(ms)) == 0 &&
	    json_object_set_new(result, "cacheScope", json_string("private")) ==
		    0)
		return result;
	json_decref(result);
	return NULL;
}

static struct refusal on_discover(struct mcp *m, struct mcp_request *r,
				  json_t *params, struct buf *reply)
{
	(void)m;
	(void)params;
	put_result(reply, r,
		   cacheable(json_pack("{s:[s,s,s,s], s:{s:{}}, s:s}",
				       "supportedVersions", STATELESS,
				       versions[0], versions[1], versions[2],
				       "capabilities", "tools", "instructions",
				       instructions),
			     LIST_MS));
	r->kind = MCP_REPLY;
	return accepted;
}

typedef struct refusal (*method_fn)(struct mcp *m, struct mcp_request *r,
				    json_t *params, struct buf *reply);

/* Where a method is known: without initialize, behind it, and before it. */
enum { IN_STATELESS = 1, BEHIND = 2, BEFORE = 4 };

static const struct {
	const char *name;
	unsigned where;
	method_fn fn;
} methods[] = {
	{ "initialize", BEFORE | BEHIND, on_initialize },
	{ "ping", BEFORE | BEHIND, on_ping },
	{ "server/discover", IN_STATELESS, on_discover },
	{ "tools/list", IN_STATELESS | BEHIND, on_list },
	{ "tools/call", IN_STATELESS | BEHIND, on_call },
};

static const char *const notifications[] = { "notifications/initialized",
					     "notifications/cancelled" };

static struct refusal dispatch(struct mcp *m, struct mcp_request *r,
			       const char *method, json_t *params,
			       struct buf *reply)
{
	const unsigned where = r->stateless	? IN_STATELESS
			       : m->initialized ? BEHIND
						: BEFORE;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(methods); i++) {
		if (strcmp(method, methods[i].name) != 0)
			continue;
		if (methods[i].where & where)
			return methods[i].fn(m, r, params, reply);
		if (where == BEFORE)
			return refuse(MCP_ERR_REQUEST, "initialize first");
	}
	return refuse(MCP_ERR_METHOD, "unknown method");
}

/* A request that names its version needs no initialize, but has to name what
 * its client can do, too. False: it was answered. */
static bool read_version(struct mcp_request *r, json_t *params,
			 struct refusal *no, struct buf *reply)
{
	json_t *meta = json_object_get(params, "_meta");
	json_t *version = json_object_get(meta, META "protocolVersion");

	*no = accepted;
	if (!version)
		return true;
	if (!json_is_string(version) ||
	    !json_is_object(json_object_get(meta, META "clientCapabilities"))) {
		*no = refuse(MCP_ERR_PARAMS,
			     "_meta has a version and clientCapabilities");
		return false;
	}
	r->stateless = true;
	if (span_is(string_span(version), STATELESS))
		return true;
	put_line(reply,
		 json_pack("{s:s, s:O, s:{s:i, s:s, s:{s:O, s:[s]}}}",
			   "jsonrpc", "2.0", "id", r->id, "error", "code",
			   (int)MCP_ERR_VERSION, "message",
			   "unsupported protocol version", "data", "requested",
			   version, "supported", STATELESS));
	r->kind = MCP_REPLY;
	return false;
}

/* Brackets open at the deepest place, so that no parser goes deeper. */
static bool too_deep(struct span line)
{
	bool in_string = false;
	size_t depth = 0;
	size_t i;

	for (i = 0; i < line.n; i++) {
		uint8_t c = line.p[i];

		if (in_string && c == '\\')
			i++;
		else if (c == '"')
			in_string = !in_string;
		else if (!in_string && (c == '{' || c == '['))
			depth++;
		else if (!in_string && (c == '}' || c == ']') && depth)
			depth--;
		if (depth > MCP_DEPTH_MAX)
			return true;
	}
	return false;
}

static bool id_ok(const json_t *id)
{
	return json_is_integer(id) ||
	       (json_is_string(id) && json_string_length(id) <= MCP_ID_MAX);
}

static struct refusal read_request(struct mcp *m, struct mcp_request *r,
				   struct buf *reply)
{
	static const char *const members[] = { "jsonrpc", "id", "method",
					       "params", NULL };
	json_t *id = json_object_get(r->doc, "id");
	json_t *version = json_object_get(r->doc, "jsonrpc");
	json_t *method = json_object_get(r->doc, "method");
	json_t *params = json_object_get(r->doc, "params");
	struct refusal no;

	if (!json_is_object(r->doc))
		return refuse(MCP_ERR_REQUEST, "one object a line, no batches");
	if (id && !id_ok(id))
		return refuse(MCP_ERR_REQUEST, "bad id");
	r->id = id;
	if (!json_is_string(version) || !span_is(string_span(version), "2.0") ||
	    !json_is_string(method) || !only_members(r->doc, members) ||
	    (params && !json_is_object(params)))
		return refuse(MCP_ERR_REQUEST, "no JSON-RPC 2.0 request");
	if (id && !read_version(r, params, &no, reply)) {
		m->errors += !no.text;
		return no;
	}
	if (id)
		return dispatch(m, r, json_string_value(method), params, reply);
	for (size_t i = 0; i < ARRAY_SIZE(notifications); i++)
		if (span_is(string_span(method), notifications[i]))
			return accepted;
	/* No reply to a notification, but it counts as an error. */
	m->errors++;
	return accepted;
}

void mcp_read(struct mcp *m, struct span line, struct mcp_request *ret,
	      struct buf *reply)
{
	struct refusal no;
	json_error_t e;

	memset(ret, 0, sizeof(*ret));
	if (!too_deep(line))
		ret->doc = json_loadb((const char *)line.p, line.n,
				      JSON_REJECT_DUPLICATES, &e);
	if (ret->doc)
		no = read_request(m, ret, reply);
	else
		no = refuse(MCP_ERR_PARSE, "no JSON within the limits");
	if (!no.text)
		return;
	m->errors++;
	ret->kind = MCP_REPLY;
	put_error(reply, ret->id, no.code, no.text);
}

bool mcp_arguments(struct span json, struct mcp_request *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!json.n)
		return true;
	if (!too_deep(json))
		ret->doc = json_loadb((const char *)json.p, json.n,
				      JSON_REJECT_DUPLICATES, NULL);
	return json_is_object(ret->doc) && !read_arguments(ret, ret->doc).text;
}

void mcp_request_done(struct mcp_request *r)
{
	json_decref(r->doc);
	r->doc = NULL;
	r->id = NULL;
}

/* --- results ----------------------------------------------------------- */

json_t *mcp_tool(const struct m_tool *t)
{
	json_t *schema = json_loadb((const char *)t->schema.p, t->schema.n,
				    JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(schema)) {
		json_decref(schema);
		return NULL;
	}
	return json_pack("{s:o, s:o, s:o}", "name", span_json(t->name),
			 "description", span_json(t->description),
			 "inputSchema", schema);
}

static json_t *own_tools(void)
{
	return json_pack(
		"[{s:s, s:s, s:{s:s, s:{}, s:b}},"
		" {s:s, s:s, s:{s:s, s:{s:{s:s, s:i}}, s:[s], s:b}},"
		" {s:s, s:s, s:{s:s, s:{s:{s:s}, s:{s:s, s:i, s:i}}, s:[s],"
		" s:b}}]",
		"name", MCP_TOOL_TASK, "description",
		"The owner's instruction, the message it is about where you "
		"may read it, and items: handles as @12 that stand for its "
		"parts in the arguments of calls, {\"$ref\":\"@12\"}.",
		"inputSchema", "type", "object", "properties",
		"additionalProperties", 0, "name", MCP_TOOL_ANSWER,
		"description",
		"The final answer to the owner, plain text; ends the task.",
		"inputSchema", "type", "object", "properties", "text", "type",
		"string", "maxLength", (int)LIMIT_ANSWER, "required", "text",
		"additionalProperties", 0, "name", MCP_TOOL_WAIT, "description",
		"Waits for what became of a request that is pending or held; "
		"its status stays so if that takes longer.",
		"inputSchema", "type", "object", "properties", "ticket", "type",
		"string", "seconds", "type", "integer", "minimum", 0, "maximum",
		(int)WAIT_SECONDS, "required", "ticket", "additionalProperties",
		0);
}

void mcp_reply_tools(struct buf *reply, const struct mcp_request *r,
		     json_t *capabilities)
{
	json_t *tools = own_tools(), *list;

	if (!tools || json_array_extend(tools, capabilities) < 0) {
		json_decref(tools);
		reply->bad = true;
		return;
	}
	list = json_pack("{s:o}", "tools", tools);
	put_result(reply, r, r->stateless && list ? cacheable(list, LIST_MS)
						  : list);
}

void mcp_reply_task(struct buf *reply, const struct mcp_request *r,
		    const struct m_task *task, const struct message *m)
{
	json_t *items = json_loadb((const char *)task->items.p, task->items.n,
				   JSON_REJECT_DUPLICATES, NULL);
	json_t *v =
		json_pack("{s:o, s:o, s:o*, s:o}", "instruction",
			  span_json(task->instruction), "confidential",
			  span_json(task->canaries), "message",
			  m ? message_to_json(m, true) : NULL, "items", items);
	CLEAN_BUF struct buf text;

	buf_init(&text, MCP_REPLY_MAX / 2);
	if (!v || !json_is_array(items) ||
	    json_dump_callback(v, dump_to_buf, &text, JSON_COMPACT) < 0 ||
	    (m && !json_object_get(v, "message"))) {
		json_decref(v);
		reply->bad = true;
		return;
	}
	put_result(reply, r,
		   tool_result((const char *)text.p, text.n, v, false));
}

void mcp_reply_answer(struct buf *reply, const struct mcp_request *r)
{
	static const char text[] = "The owner has your answer.";

	put_result(reply, r,
		   tool_result(text, sizeof(text) - 1, NULL, false));
}

static const char *verdict_name(unsigned verdict)
{
	if (verdict == VERDICT_ALLOW)
		return "allow";
	return verdict == VERDICT_ASK ? "ask" : "deny";
}

void mcp_reply_call(struct buf *reply, const struct mcp_request *r,
		    const struct m_call_result *result)
{
	const bool allow = result->verdict == VERDICT_ALLOW;
	const bool waits = result->ticket && !result->executed;
	json_t *v = json_pack("{s:s, s:o, s:b}", "verdict",
			      verdict_name(result->verdict), "reason",
			      span_json(result->reason), "executed",
			      (int)(result->executed != 0));
	char ticket[TICKET_TEXT];

	if (v && waits) {
		ticket_text(ticket, result->ticket);
		(void)json_object_set_new(v, "ticket", json_string(ticket));
		(void)json_object_set_new(
			v, "status", json_string(allow ? "held" : "pending"));
	}

	if (v && result->clause.n)
		(void)json_object_set_new(v, "clause",
					  span_json(result->clause));
	put_result(reply, r,
		   tool_result((const char *)result->reason.p, result->reason.n,
			       v, !waits && (!allow || !result->executed)));
}

void mcp_reply_refusal(struct buf *reply, const struct mcp_request *r,
		       const char *why)
{
	put_result(reply, r, tool_result(why, strlen(why), NULL, true));
}
