/* mcp: see mcp.h. */
#include "mcp.h"

#include <assert.h>

#include "base/str.h"
#include "mcp_parts.h"

#define META_VERSION	  "io.modelcontextprotocol/protocolVersion"
#define META_CLIENT	  "io.modelcontextprotocol/clientInfo"
#define META_CAPABILITIES "io.modelcontextprotocol/clientCapabilities"

static const char *const versions[] = {
	[MCP_NONE] = "",
	[MCP_2025_06_18] = "2025-06-18",
	[MCP_2025_11_25] = "2025-11-25",
	[MCP_2026_07_28] = "2026-07-28",
};

static_assert(ARRAY_SIZE(versions) == MCP_VERSIONS, "a name each");

static const char instructions[] =
	"Start with task.get, end with task.answer. Every other tool is a "
	"request that the owner's policy decides.";

struct refusal mcp_accept(void)
{
	return (struct refusal){ 0 };
}

struct refusal mcp_refuse(enum mcp_error code, const char *text)
{
	return (struct refusal){ .code = code, .text = text };
}

bool mcp_only_members(json_t *v, const char *const *names)
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

struct span mcp_string(const json_t *v)
{
	return span_of(json_string_value(v), json_string_length(v));
}

/* --- methods ----------------------------------------------------------- */

typedef struct refusal (*method_fn)(struct mcp *m, struct mcp_request *r,
				    json_t *params, struct buf *reply);

static struct refusal on_call(struct mcp *, struct mcp_request *r,
			      json_t *params, struct buf *)
{
	return mcp_read_call(r, params);
}

static struct refusal on_list(struct mcp *, struct mcp_request *r,
			      json_t *params, struct buf *)
{
	static const char *const members[] = { "_meta", NULL };

	/* We gave no cursor, so none is right. */
	if (!mcp_only_members(params, members))
		return mcp_refuse(MCP_ERR_PARAMS, "the list has one page");
	r->kind = MCP_TOOLS;
	return mcp_accept();
}

static struct refusal on_ping(struct mcp *, struct mcp_request *r, json_t *,
			      struct buf *reply)
{
	mcp_put_result(reply, r, json_object());
	r->kind = MCP_REPLY;
	return mcp_accept();
}

/* An unknown version is answered with the newest that begins like this. */
static struct refusal on_initialize(struct mcp *m, struct mcp_request *r,
				    json_t *params, struct buf *reply)
{
	json_t *wanted = json_object_get(params, "protocolVersion");
	enum mcp_version version = MCP_2025_11_25;

	if (m->version)
		return mcp_refuse(MCP_ERR_REQUEST, "initialized already");
	if (!json_is_string(wanted))
		return mcp_refuse(MCP_ERR_PARAMS, "protocolVersion is missing");
	if (span_is(mcp_string(wanted), versions[MCP_2025_06_18]))
		version = MCP_2025_06_18;
	mcp_put_result(reply, r,
		       json_pack("{s:s, s:{s:{}}, s:{s:s, s:s}, s:s}",
				 "protocolVersion", versions[version],
				 "capabilities", "tools", "serverInfo", "name",
				 "bulkhead", "version", BULKHEAD_VERSION,
				 "instructions", instructions));
	m->version = version;
	r->kind = MCP_REPLY;
	return mcp_accept();
}

static struct refusal on_discover(struct mcp *, struct mcp_request *r, json_t *,
				  struct buf *reply)
{
	mcp_put_result(reply, r,
		       json_pack("{s:[s], s:{s:{}, s:{s:{}}}, s:s, s:i, s:s}",
				 "supportedVersions", versions[MCP_2026_07_28],
				 "capabilities", "tools", "extensions",
				 MCP_TASKS, "instructions", instructions,
				 "ttlMs", (int)MCP_TTL_MS, "cacheScope",
				 "private"));
	r->kind = MCP_REPLY;
	return mcp_accept();
}

/* --- requests that wait, as tasks of MCP --------------------------------- */

/* The ticket that params are about; 0 if it is none that we gave. */
static uint64_t ticket_of(struct mcp *m, json_t *params)
{
	json_t *id = json_object_get(params, "taskId");
	uint64_t ticket = json_is_string(id) ? ticket_read(mcp_string(id)) : 0;

	return mcp_ticket_find(m, ticket) ? ticket : 0;
}

static struct refusal may_ask(struct mcp *m, const struct mcp_request *r,
			      json_t *params, uint64_t *ret)
{
	struct refusal no =
		mcp_refuse(MCP_ERR_CAPABILITY, "the client has no " MCP_TASKS);

	if (!r->tasks) {
		no.data = json_pack("{s:{s:{s:{}}}}", "requiredCapabilities",
				    "extensions", MCP_TASKS);
		return no;
	}
	*ret = ticket_of(m, params);
	return *ret ? mcp_accept() : mcp_refuse(MCP_ERR_PARAMS, "no such task");
}

static struct refusal on_tasks_get(struct mcp *m, struct mcp_request *r,
				   json_t *params, struct buf *)
{
	struct refusal no = may_ask(m, r, params, &r->wait.ticket);

	if (!no.code)
		r->kind = MCP_TICKET;
	return no;
}

/*
 * To be cancelled or told more is a task's own affair: what waits for the owner
 * is not taken back by the agent, and asks it nothing.
 */
static struct refusal on_tasks_other(struct mcp *m, struct mcp_request *r,
				     json_t *params, struct buf *reply)
{
	uint64_t ticket;
	struct refusal no = may_ask(m, r, params, &ticket);

	if (no.code)
		return no;
	mcp_put_result(reply, r, json_object());
	r->kind = MCP_REPLY;
	return mcp_accept();
}

static struct refusal on_tasks_update(struct mcp *m, struct mcp_request *r,
				      json_t *params, struct buf *reply)
{
	if (r->tasks &&
	    !json_is_object(json_object_get(params, "inputResponses")))
		return mcp_refuse(MCP_ERR_PARAMS, "inputResponses is missing");
	return on_tasks_other(m, r, params, reply);
}

/* --- requests ---------------------------------------------------------- */

enum { OLD = 1, NEW = 2 };

static const struct {
	const char *name;
	unsigned eras; /* OLD: after initialize; NEW: by its _meta */
	bool early;    /* may come before initialize */
	method_fn fn;
} methods[] = {
	{ "initialize", OLD, true, on_initialize },
	{ "ping", OLD, true, on_ping },
	{ "server/discover", NEW, true, on_discover },
	{ "tools/list", OLD | NEW, false, on_list },
	{ "tools/call", OLD | NEW, false, on_call },
	{ "tasks/get", NEW, true, on_tasks_get },
	{ "tasks/update", NEW, true, on_tasks_update },
	{ "tasks/cancel", NEW, true, on_tasks_other },
};

static const char *const notifications[] = {
	"notifications/initialized", "notifications/cancelled",
	"notifications/progress", "notifications/roots/list_changed"
};

/* Whose revision and capabilities these are; into *r. */
static struct refusal read_meta(struct mcp_request *r, json_t *meta)
{
	json_t *version = json_object_get(meta, META_VERSION);
	json_t *client = json_object_get(meta, META_CLIENT);
	json_t *can = json_object_get(meta, META_CAPABILITIES);
	struct refusal no;

	if (!json_is_string(version) || !json_is_object(can) ||
	    (client && !json_is_object(client)))
		return mcp_refuse(MCP_ERR_PARAMS, "_meta lacks " META_VERSION
						  " or " META_CAPABILITIES);
	if (!span_is(mcp_string(version), versions[MCP_2026_07_28])) {
		no = mcp_refuse(MCP_ERR_VERSION, "unsupported version");
		no.data = json_pack("{s:[s], s:O}", "supported",
				    versions[MCP_2026_07_28], "requested",
				    version);
		return no;
	}
	r->version = MCP_2026_07_28;
	r->tasks = json_is_object(
		json_object_get(json_object_get(can, "extensions"), MCP_TASKS));
	return mcp_accept();
}

/* A token is taken, and nothing comes of it: no request has progress. */
static bool meta_ok(const json_t *meta)
{
	const json_t *token = json_object_get(meta, "progressToken");

	return !meta ||
	       (json_is_object(meta) &&
		(!token || json_is_string(token) || json_is_integer(token)));
}

static struct refusal dispatch(struct mcp *m, struct mcp_request *r,
			       const char *method, json_t *params,
			       struct buf *reply)
{
	json_t *meta = json_object_get(params, "_meta");
	bool now = json_object_get(meta, META_VERSION) ||
		   json_object_get(meta, META_CAPABILITIES);
	struct refusal no;
	size_t i;

	if (!meta_ok(meta))
		return mcp_refuse(MCP_ERR_PARAMS, "bad _meta");
	for (i = 0; i < ARRAY_SIZE(methods); i++)
		if (strcmp(method, methods[i].name) == 0)
			break;
	/* One of the new era, of which no older client can know. */
	if (!m->version && i < ARRAY_SIZE(methods) && methods[i].eras == NEW)
		now = true;
	r->version = m->version;
	no = now ? read_meta(r, meta) : mcp_accept();
	if (no.code)
		return no;
	if (i == ARRAY_SIZE(methods) || !(methods[i].eras & (now ? NEW : OLD)))
		return mcp_refuse(MCP_ERR_METHOD, "unknown method");
	if (!now && !m->version && !methods[i].early)
		return mcp_refuse(MCP_ERR_REQUEST, "initialize first");
	return methods[i].fn(m, r, params, reply);
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

	if (!json_is_object(r->doc))
		return mcp_refuse(MCP_ERR_REQUEST,
				  "one object a line, no batches");
	if (id && !id_ok(id))
		return mcp_refuse(MCP_ERR_REQUEST, "bad id");
	r->id = id;
	if (!json_is_string(version) || !span_is(mcp_string(version), "2.0") ||
	    !json_is_string(method) || !mcp_only_members(r->doc, members) ||
	    (params && !json_is_object(params)))
		return mcp_refuse(MCP_ERR_REQUEST, "no JSON-RPC 2.0 request");
	if (id)
		return dispatch(m, r, json_string_value(method), params, reply);
	for (size_t i = 0; i < ARRAY_SIZE(notifications); i++)
		if (span_is(mcp_string(method), notifications[i]))
			return mcp_accept();
	/* No reply to a notification, but it counts as an error. */
	m->errors++;
	return mcp_accept();
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
		no = mcp_refuse(MCP_ERR_PARSE, "no JSON within the limits");
	if (!no.code)
		return;
	m->errors++;
	ret->kind = MCP_REPLY;
	if (no.by_tool)
		mcp_reply_refusal(reply, ret, no.text);
	else
		mcp_put_error(reply, ret->id, no.code, no.text, no.data);
}

bool mcp_arguments(struct span json, struct mcp_request *ret)
{
	memset(ret, 0, sizeof(*ret));
	if (!json.n)
		return true;
	if (!too_deep(json))
		ret->doc = json_loadb((const char *)json.p, json.n,
				      JSON_REJECT_DUPLICATES, NULL);
	return json_is_object(ret->doc) &&
	       !mcp_read_arguments(ret, ret->doc).text;
}

void mcp_request_done(struct mcp_request *r)
{
	json_decref(r->doc);
	r->doc = NULL;
	r->id = NULL;
}
