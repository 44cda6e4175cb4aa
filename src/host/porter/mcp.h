/*
 * mcp: the Model Context Protocol as the porter serves it to a planner VM.
 * Pure: one line of JSON-RPC 2.0 in, a typed request or a reply line out, and
 * typed results to reply lines. No I/O, so that it can be tested and fuzzed
 * by itself.
 *
 * Closed world: the revisions of enum mcp_version, tools and nothing else of
 * what a server may offer; known members only, no batches. Everything else gets
 * the error code of JSON-RPC, and is counted. docs/mcp.md has the list.
 *
 * Both eras at once: a request whose _meta says its revision is served by it
 * (2026-07-28, where nothing is kept between requests); initialize begins one
 * of the older kind, for those that say none.
 *
 * A call of a tool that nobody declared goes to the broker like any other,
 * which refuses it and audits it by its name.
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
	MCP_TICKETS_MAX = 256,	  /* that can be asked for as tasks of MCP */
	MCP_POLL_MS = 15 * 1000,  /* between two tasks/get, as we advise */
	MCP_TTL_MS = 24 * 3600 * 1000, /* the list of tools stays as it is */
};

/* In their order; MCP_NONE: not initialized. */
enum mcp_version {
	MCP_NONE,
	MCP_2025_06_18,
	MCP_2025_11_25,
	MCP_2026_07_28, /* by _meta of each request alone */
	MCP_VERSIONS
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
	MCP_ERR_CAPABILITY = -32021, /* of the client: it has none */
	MCP_ERR_VERSION = -32022,
};

enum mcp_kind {
	MCP_NOTHING, /* a notification: no reply */
	MCP_REPLY,   /* answered already, the reply was appended */
	MCP_TOOLS,   /* wants the list of tools */
	MCP_TASK,    /* wants the task */
	MCP_ANSWER,  /* gives its answer: answer */
	MCP_WAIT,    /* asks what became of a ticket: wait */
	MCP_CALL,    /* requests a capability: call */
	MCP_TICKET,  /* the same as MCP_WAIT, as a task of MCP: wait */
};

/* A request that was answered by a ticket: the task of that name. */
struct mcp_ticket {
	uint64_t ticket;
	uint64_t made_s, changed_s; /* since 1970, as far as we saw */
	bool over;
};

/* One connection. Start with zeroes. */
struct mcp {
	enum mcp_version version; /* of initialize */
	uint32_t errors;	  /* lines refused so far, see MCP_ERRORS_MAX */
	size_t n_tickets;
	struct mcp_ticket tickets[MCP_TICKETS_MAX];
};

struct mcp_request {
	enum mcp_kind kind;
	json_t *id;  /* borrowed from doc; NULL in notifications */
	json_t *doc; /* owned: what all spans here borrow from */
	enum mcp_version version;
	bool tasks; /* the client knows what a task of MCP is */
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
/* For MCP_CALL, MCP_WAIT and MCP_TICKET, at now_s since 1970. */
void mcp_reply_call(struct buf *reply, struct mcp *m,
		    const struct mcp_request *r,
		    const struct m_call_result *result, uint64_t now_s);

/* Says why not, for what the porter itself refuses. */
void mcp_reply_refusal(struct buf *reply, const struct mcp_request *r,
		       const char *why);

#endif
