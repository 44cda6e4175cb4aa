/*
 * mcp: the Model Context Protocol as the porter serves it to a planner VM.
 * Pure: one line of JSON-RPC 2.0 in, a typed request or a reply line out, and
 * typed results to reply lines. No I/O, so that it can be tested and fuzzed
 * by itself.
 *
 * Closed world: protocol versions 2025-11-25, 2025-06-18 and 2025-03-26 (without
 * batches), with the methods initialize, ping, tools/list and tools/call; and
 * 2026-07-28, in which each request names its version and there is
 * server/discover in the place of initialize; known members only. Everything
 * else gets the error code of JSON-RPC, and is counted.
 *
 * A call of a tool that nobody declared is no error here: it is a request
 * that the broker refuses, and audits by its name.
 */
#ifndef PORTER_MCP_H
#define PORTER_MCP_H

#include <jansson.h>

#include "base/buf.h"
#include "proto/message.h"
#include "proto/msg.h"

enum {
	MCP_ERRORS_MAX = 64,	  /* malformed lines before the VM is ended */
	MCP_DEPTH_MAX = 16,	  /* nesting of brackets in one line */
	MCP_ID_MAX = 128,	  /* bytes of a request id that is a string */
	MCP_TOOLS_MAX = 256,	  /* tools of one policy */
	MCP_NUMBER_MAX = 40,	  /* bytes of a number's spelling */
	MCP_REPLY_MAX = 16 << 20, /* one reply line, a whole mail twice */
};

/* The tools that are not capabilities. */
#define MCP_TOOL_TASK	"task.get"
#define MCP_TOOL_ANSWER "task.answer"
#define MCP_TOOL_WAIT	"bulkhead.wait"

enum mcp_error {
	MCP_ERR_PARSE = -32700,
	MCP_ERR_REQUEST = -32600,
	MCP_ERR_METHOD = -32601,
	MCP_ERR_PARAMS = -32602,
	MCP_ERR_INTERNAL = -32603,
	MCP_ERR_VERSION = -32022, /* of 2026-07-28 */
};

enum mcp_kind {
	MCP_NOTHING, /* a notification: no reply */
	MCP_REPLY,   /* answered already, the reply was appended */
	MCP_TOOLS,   /* wants the list of tools */
	MCP_TASK,    /* wants the task */
	MCP_ANSWER,  /* gives its answer: answer */
	MCP_WAIT,    /* asks what became of a ticket: wait */
	MCP_CALL,    /* requests a capability: call */
};

/* One connection. Start with zeroes. */
struct mcp {
	bool initialized;
	uint32_t errors; /* lines refused so far, see MCP_ERRORS_MAX */
};

struct mcp_request {
	enum mcp_kind kind;
	bool stateless; /* of 2026-07-28: without initialize */
	json_t *id;  /* borrowed from doc; NULL in notifications */
	json_t *doc; /* owned: what all spans here borrow from */
	struct span answer;
	struct m_wait wait;
	struct m_call call;
	char numbers[LIMIT_ARGS][MCP_NUMBER_MAX];
};

/*
 * Reads one line (without its newline). Replies that need nobody else are
 * appended to reply with their newline. *ret is filled in every case and is
 * given back with mcp_request_done; do not copy it.
 */
void mcp_read(struct mcp *m, struct span line, struct mcp_request *ret,
	      struct buf *reply);
void mcp_request_done(struct mcp_request *r);

/*
 * The arguments of a call as JSON, into ret->call, as mcp_read has them of a
 * line. False: no call has such. ret is given back as above.
 */
[[nodiscard]] bool mcp_arguments(struct span json, struct mcp_request *ret);

/* One tool of the list; NULL when out of memory or its schema is no object. */
json_t *mcp_tool(const struct m_tool *t);

/*
 * The replies, a line each. On failure reply->bad is set. mcp_reply_tools
 * puts the tools of every task before those in capabilities (an array,
 * borrowed). m is NULL when the task has no message.
 */
void mcp_reply_tools(struct buf *reply, const struct mcp_request *r,
		     json_t *capabilities);
void mcp_reply_task(struct buf *reply, const struct mcp_request *r,
		    const struct m_task *task, const struct message *m);
void mcp_reply_answer(struct buf *reply, const struct mcp_request *r);
void mcp_reply_call(struct buf *reply, const struct mcp_request *r,
		    const struct m_call_result *result);

/* A tool result that says why not, for what the porter itself refuses. */
void mcp_reply_refusal(struct buf *reply, const struct mcp_request *r,
		       const char *why);

#endif
