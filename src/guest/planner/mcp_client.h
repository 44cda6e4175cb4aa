/*
 * mcp_client: as much of the Model Context Protocol as the embedded planners
 * need, over one stream: initialize, tools/list, tools/call. Blocking, one
 * request at a time, every line bounded.
 */
#ifndef PLANNER_MCP_CLIENT_H
#define PLANNER_MCP_CLIENT_H

#include <jansson.h>

#include "base/buf.h"
#include "base/err.h"
#include "proto/limits.h"

enum {
	CLIENT_FD = 3,		    /* the stream that init gives a planner */
	CLIENT_LINE_MAX = 16 << 20, /* one line from the host */
};

struct client {
	int fd; /* borrowed */
	struct buf in;
	json_int_t next_id;
	struct err err; /* why the last call failed */
};

/* The result of one request. */
enum client_status {
	CLIENT_OK,
	CLIENT_REFUSED, /* a JSON-RPC error, its words in err; go on */
	CLIENT_BROKEN,	/* the stream is of no more use */
};

/* Connects: initialize and its notification. */
[[nodiscard]] enum client_status client_open(struct client *c, int fd);
void client_close(struct client *c);

/* *ret: the array of tools, a new reference. */
[[nodiscard]] enum client_status client_tools(struct client *c, json_t **ret);

/* Takes arguments over (NULL: out of memory). *ret: the tool result. */
[[nodiscard]] enum client_status client_call(struct client *c, const char *tool,
					     json_t *arguments, json_t **ret);

/* task.get: *ret is {"instruction", "message"}. */
[[nodiscard]] enum client_status client_task(struct client *c, json_t **ret);

/* task.answer, cut to LIMIT_ANSWER at a character. */
[[nodiscard]] enum client_status client_answer(struct client *c,
					       struct span text);

/* s, or its longest beginning of at most max bytes that is whole UTF-8. */
struct span utf8_cut(struct span s, size_t max);

#endif
