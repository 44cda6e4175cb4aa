/*
 * mcp_stdio: the porter's MCP (porter/mcp.h) on stdin and stdout, with a script in
 * the place of the broker: tools that the conformance suite calls, of which one
 * is allowed and one refused. What speaks is the real one; what it is told is
 * not.
 */
#include <stdio.h>
#include <stdlib.h>

#include "base/str.h"
#include "host/porter/mcp.h"

static const struct {
	const char *name, *description, *schema;
} tools[] = {
	{ "test_simple_text", "Says something.",
	  "{\"type\":\"object\",\"properties\":{}}" },
	{ "test_error_handling", "Is refused.",
	  "{\"type\":\"object\",\"properties\":{}}" },
	{ "json_schema_2020_12_tool",
	  "Has a schema of many words.",
	  "{\"$schema\":\"https://json-schema.org/draft/2020-12/"
		   "schema\",\"type\":\"object\",\"$defs\":{\"address\":{"
		   "\"type\":\"object\",\"properties\":{\"street\":{\"type\":"
		   "\"string\"},\"city\":{\"type\":\"string\"}}}},"
		   "\"properties\":{\"name\":{\"type\":\"string\"},"
		   "\"address\":{\"$ref\":\"#/$defs/address\"}},"
		   "\"additionalProperties\":false}" },
};

static void reply_tools(struct buf *out, const struct mcp_request *r)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < ARRAY_SIZE(tools); i++)
		(void)json_array_append_new(
			list,
			mcp_tool(&(struct m_tool){
				span_str(tools[i].name),
				span_str(tools[i].description),
				span_str(tools[i].schema) }));
	mcp_reply_tools(out, r, list);
	json_decref(list);
}

static void reply_call(struct buf *out, const struct mcp_request *r)
{
	const bool allow = span_is(r->call.capability, "test_simple_text");
	const struct m_call_result result = {
		.verdict = allow ? VERDICT_ALLOW : VERDICT_DENY,
		.executed = allow,
		.reason = allow ? SPAN_LIT("It was done.")
				: SPAN_LIT("The policy refuses this call."),
	};

	mcp_reply_call(out, r, &result);
}

static void reply(struct buf *out, const struct mcp_request *r)
{
	const struct m_task task = { .instruction = SPAN_LIT("Do it."),
				     .items = SPAN_LIT("[]") };

	switch (r->kind) {
	case MCP_NOTHING:
	case MCP_REPLY:
		break;
	case MCP_TOOLS:
		reply_tools(out, r);
		break;
	case MCP_TASK:
		mcp_reply_task(out, r, &task, NULL);
		break;
	case MCP_ANSWER:
		mcp_reply_answer(out, r);
		break;
	case MCP_WAIT:
		mcp_reply_refusal(out, r, "no such ticket");
		break;
	case MCP_CALL:
		reply_call(out, r);
		break;
	}
}

int main(void)
{
	struct mcp_request r;
	struct mcp m = { 0 };
	char *line = NULL;
	size_t cap = 0;
	ssize_t n;

	while ((n = getline(&line, &cap, stdin)) > 0) {
		CLEAN_BUF struct buf out;

		buf_init(&out, MCP_REPLY_MAX);
		mcp_read(&m, span_of(line, (size_t)n - (line[n - 1] == '\n')),
			 &r, &out);
		reply(&out, &r);
		mcp_request_done(&r);
		if (!buf_ok(&out) || fwrite(out.p, 1, out.n, stdout) != out.n ||
		    fflush(stdout) != 0)
			return 1;
	}
	free(line);
	return 0;
}
