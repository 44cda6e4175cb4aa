/* Fuzzes mcp: lines of a planner, one session of them an input. */
#include "mcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* The one waits, and so is a task of MCP; it is over when asked for. */
	static const struct m_call_result results[] = {
		{ .verdict = VERDICT_DENY },
		{ .verdict = VERDICT_ASK, .ticket = 7 },
	};
	struct mcp m = { 0 };
	struct buf reply;
	size_t pos = 0;

	buf_init(&reply, MCP_REPLY_MAX);
	while (pos < size && size <= LIMIT_MCP_LINE) {
		const uint8_t *end = memchr(data + pos, '\n', size - pos);
		size_t n = end ? (size_t)(end - data) - pos : size - pos;
		struct mcp_request r;

		mcp_read(&m, span_of(data + pos, n), &r, &reply);
		if (r.kind == MCP_CALL || r.kind == MCP_TICKET)
			mcp_reply_call(&reply, &m, &r,
				       &results[r.kind == MCP_CALL],
				       1785196800);
		mcp_request_done(&r);
		buf_reset(&reply);
		pos += n + 1;
	}
	buf_done(&reply);
	return 0;
}
