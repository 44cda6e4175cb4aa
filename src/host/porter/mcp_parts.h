/*
 * mcp_parts: what the files of mcp have between them: mcp.c reads lines,
 * mcp_args.c what a tool is called with, mcp_reply.c writes.
 */
#ifndef PORTER_MCP_PARTS_H
#define PORTER_MCP_PARTS_H

#include "mcp.h"

#define MCP_TASKS "io.modelcontextprotocol/tasks"

/* What one handler decides; code 0 means that ret or reply is filled. */
struct refusal {
	enum mcp_error code;
	const char *text;
	json_t *data; /* owned by who is given it; mostly NULL */
	bool by_tool; /* a result that says so, which a model can mend */
};

struct refusal mcp_accept(void);
struct refusal mcp_refuse(enum mcp_error code, const char *text);

/* True if v has no members but the named ones (NULL-terminated). */
bool mcp_only_members(json_t *v, const char *const *names);

struct span mcp_string(const json_t *v);

/* params of tools/call, into *r. */
struct refusal mcp_read_call(struct mcp_request *r, json_t *params);

/* Arguments of a call, into *r. */
struct refusal mcp_read_arguments(struct mcp_request *r, json_t *arguments);

/* The ticket of that name, NULL if none of ours. */
struct mcp_ticket *mcp_ticket_find(struct mcp *m, uint64_t ticket);

/* id may be NULL. Both take what comes last over. */
void mcp_put_error(struct buf *reply, json_t *id, enum mcp_error code,
		   const char *text, json_t *data);
/* Adds what every result of r's revision has; result NULL: out of memory. */
void mcp_put_result(struct buf *reply, const struct mcp_request *r,
		    json_t *result);

#endif
