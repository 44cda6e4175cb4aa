/* mcp_reply: what the server says, see mcp.h. */
#include "base/log.h"
#include "base/str.h"
#include "mcp_parts.h"
#include "proto/message_json.h"

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

static json_t *span_json(struct span s)
{
	json_t *v = json_stringn((const char *)s.p, s.n);

	return v ? v : json_string("");
}

/* Takes data over, which may be NULL. */
static void put_error(struct buf *reply, json_t *id, enum mcp_error code,
		      struct span text, json_t *data)
{
	/* One whose id could not be read has none: MCP knows no null. */
	put_line(reply, json_pack("{s:s, s:O*, s:{s:i, s:o, s:o*}}", "jsonrpc",
				  "2.0", "id", id, "error", "code", (int)code,
				  "message", span_json(text), "data", data));
}

void mcp_put_error(struct buf *reply, json_t *id, enum mcp_error code,
		   const char *text, json_t *data)
{
	put_error(reply, id, code, span_str(text), data);
}

/* What a result of the revision has beside its own members. */
static bool stamp(json_t *result, enum mcp_version version)
{
	json_t *meta;

	if (version < MCP_2026_07_28)
		return true;
	meta = json_pack("{s:{s:s, s:s}}", "io.modelcontextprotocol/serverInfo",
			 "name", "bulkhead", "version", BULKHEAD_VERSION);
	if (!json_object_get(result, "resultType") &&
	    json_object_set_new(result, "resultType", json_string("complete")) <
		    0) {
		json_decref(meta);
		return false;
	}
	return json_object_set_new(result, "_meta", meta) == 0;
}

void mcp_put_result(struct buf *reply, const struct mcp_request *r,
		    json_t *result)
{
	if (!result || !stamp(result, r->version)) {
		json_decref(result);
		reply->bad = true;
		return;
	}
	put_line(reply, json_pack("{s:s, s:O, s:o}", "jsonrpc", "2.0", "id",
				  r->id, "result", result));
}

/* Appends a text to content; false when out of memory. */
static bool add_text(json_t *content, struct span text)
{
	return json_array_append_new(content,
				     json_pack("{s:s, s:o}", "type", "text",
					       "text", span_json(text))) == 0;
}

/* A text (n 0: none), and a structured form (taken over, may be NULL), which is
 * a text as well for those who know of no other. */
static json_t *tool_result(struct span text, json_t *structured, bool is_error)
{
	json_t *content = json_array();
	CLEAN_BUF struct buf b;
	bool ok = content;

	buf_init(&b, MCP_REPLY_MAX / 2);
	if (text.n)
		ok = ok && add_text(content, text);
	if (structured)
		ok = ok &&
		     json_dump_callback(structured, dump_to_buf, &b,
					JSON_COMPACT) == 0 &&
		     add_text(content, buf_view(&b));
	if (!ok) {
		json_decref(content);
		json_decref(structured);
		return NULL;
	}
	return json_pack("{s:o, s:o*, s:b}", "content", content,
			 "structuredContent", structured, "isError",
			 (int)is_error);
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
	json_t *tools = own_tools();
	json_t *result;

	if (!tools || json_array_extend(tools, capabilities) < 0) {
		json_decref(tools);
		reply->bad = true;
		return;
	}
	/* Nobody but this planner may be shown what it can do. */
	if (r->version >= MCP_2026_07_28)
		result = json_pack("{s:o, s:i, s:s}", "tools", tools, "ttlMs",
				   (int)MCP_TTL_MS, "cacheScope", "private");
	else
		result = json_pack("{s:o}", "tools", tools);
	mcp_put_result(reply, r, result);
}

void mcp_reply_task(struct buf *reply, const struct mcp_request *r,
		    const struct m_task *task, const struct message *m)
{
	json_t *items = json_loadb((const char *)task->items.p, task->items.n,
				   JSON_REJECT_DUPLICATES, NULL);
	json_t *v = json_pack(
		"{s:o, s:o, s:o*, s:o*, s:o}", "instruction",
		span_json(task->instruction), "confidential",
		span_json(task->canaries), "documents",
		task->documents.n ? span_json(task->documents) : NULL,
		"message", m ? message_to_json(m, true) : NULL, "items", items);

	if (!v || !json_is_array(items) ||
	    (m && !json_object_get(v, "message"))) {
		json_decref(v);
		reply->bad = true;
		return;
	}
	mcp_put_result(reply, r, tool_result(span_of(NULL, 0), v, false));
}

void mcp_reply_answer(struct buf *reply, const struct mcp_request *r)
{
	mcp_put_result(reply, r,
		       tool_result(SPAN_LIT("The owner has your answer."), NULL,
				   false));
}

static const char *verdict_name(unsigned verdict)
{
	if (verdict == VERDICT_ALLOW)
		return "allow";
	return verdict == VERDICT_ASK ? "ask" : "deny";
}

/* It is still to be decided or done. */
static bool waits(const struct m_call_result *result)
{
	return result->ticket && !result->executed;
}

static json_t *call_result(const struct m_call_result *result)
{
	const bool allow = result->verdict == VERDICT_ALLOW;
	json_t *v = json_pack("{s:s, s:o, s:b}", "verdict",
			      verdict_name(result->verdict), "reason",
			      span_json(result->reason), "executed",
			      (int)(result->executed != 0));
	char ticket[TICKET_TEXT];

	if (v && waits(result)) {
		ticket_text(ticket, result->ticket);
		(void)json_object_set_new(v, "ticket", json_string(ticket));
		(void)json_object_set_new(
			v, "status", json_string(allow ? "held" : "pending"));
	}
	if (v && result->clause.n)
		(void)json_object_set_new(v, "clause",
					  span_json(result->clause));
	if (v && result->text.n)
		(void)json_object_set_new(v, "text", span_json(result->text));
	if (!v)
		return NULL;
	return tool_result(result->reason, v,
			   !waits(result) && (!allow || !result->executed));
}

/* --- requests that wait, as tasks of MCP --------------------------------- */

struct mcp_ticket *mcp_ticket_find(struct mcp *m, uint64_t ticket)
{
	size_t i;

	for (i = 0; i < m->n_tickets; i++)
		if (m->tickets[i].ticket == ticket)
			return &m->tickets[i];
	return NULL;
}

/* NULL if there are too many: then it is a ticket and no task. */
static struct mcp_ticket *ticket_keep(struct mcp *m, uint64_t ticket,
				      uint64_t now_s)
{
	struct mcp_ticket *t = mcp_ticket_find(m, ticket);

	if (t || m->n_tickets == ARRAY_SIZE(m->tickets))
		return t;
	t = &m->tickets[m->n_tickets++];
	*t = (struct mcp_ticket){ .ticket = ticket,
				  .made_s = now_s,
				  .changed_s = now_s };
	return t;
}

static json_t *ticket_json(const struct mcp_ticket *t, const char *status,
			   struct span message)
{
	const struct timespec made = { .tv_sec = (time_t)t->made_s };
	const struct timespec changed = { .tv_sec = (time_t)t->changed_s };
	char name[TICKET_TEXT], from[LOG_TIME], to[LOG_TIME];

	ticket_text(name, t->ticket);
	log_time(from, &made);
	log_time(to, &changed);
	return json_pack("{s:s, s:s, s:o, s:s, s:s, s:n, s:i}", "taskId", name,
			 "status", status, "statusMessage", span_json(message),
			 "createdAt", from, "lastUpdatedAt", to, "ttlMs",
			 "pollIntervalMs", (int)MCP_POLL_MS);
}

/* tasks/get: how things are; what is over has the result of the call in it. */
static void reply_ticket(struct buf *reply, struct mcp_ticket *t,
			 const struct mcp_request *r,
			 const struct m_call_result *result, uint64_t now_s)
{
	json_t *v, *inner;

	if (!t->over && !waits(result)) {
		t->over = true;
		t->changed_s = now_s;
	}
	v = ticket_json(t, t->over ? "completed" : "working", result->reason);
	if (t->over) {
		inner = call_result(result);
		if (!v || !inner || !stamp(inner, r->version) ||
		    json_object_set(v, "result", inner) < 0)
			reply->bad = true;
		json_decref(inner);
	}
	mcp_put_result(reply, r, v);
}

/* --- what comes of calls -------------------------------------------------- */

/* No such tool: an error of the protocol, unlike one that is there. */
static bool is_unknown(const struct m_call_result *result)
{
	static const char clause[] = CLAUSE_NO_CAPABILITY;
	const size_t n = sizeof(clause) - 1;

	return result->verdict == VERDICT_DENY && result->clause.n >= n &&
	       memcmp(result->clause.p, clause, n) == 0;
}

void mcp_reply_call(struct buf *reply, struct mcp *m,
		    const struct mcp_request *r,
		    const struct m_call_result *result, uint64_t now_s)
{
	struct mcp_ticket *t = NULL;
	json_t *v;

	if (r->kind == MCP_TICKET) {
		t = mcp_ticket_find(m, r->wait.ticket);
		if (t)
			reply_ticket(reply, t, r, result, now_s);
		else
			reply->bad = true;
		return;
	}
	if (r->kind == MCP_CALL && is_unknown(result)) {
		put_error(reply, r->id, MCP_ERR_PARAMS, result->reason, NULL);
		return;
	}
	if (waits(result))
		t = ticket_keep(m, result->ticket, now_s);
	if (t && r->tasks && r->kind == MCP_CALL) {
		v = ticket_json(t, "working", result->reason);
		if (v)
			(void)json_object_set_new(v, "resultType",
						  json_string("task"));
	} else {
		v = call_result(result);
	}
	mcp_put_result(reply, r, v);
}

void mcp_reply_refusal(struct buf *reply, const struct mcp_request *r,
		       const char *why)
{
	if (r->kind == MCP_TICKET)
		mcp_put_error(reply, r->id, MCP_ERR_PARAMS, why, NULL);
	else
		mcp_put_result(reply, r,
			       tool_result(span_str(why), NULL, true));
}
