/* Fuzzes mcp: lines of a planner, one session of them an input. */
#include "mcp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct m_call_result denied = { .verdict = VERDICT_DENY };
	struct mcp m = { 0 };
	struct buf reply;
	size_t pos = 0;

	buf_init(&reply, MCP_REPLY_MAX);
	while (pos < size && size <= LIMIT_MCP_LINE) {
		const uint8_t *end = memchr(data + pos, '\n', size - pos);
		size_t n = end ? (size_t)(end - data) - pos : size - pos;
		struct mcp_request r;

		mcp_read(&m, span_of(data + pos, n), &r, &reply);
		if (r.kind == MCP_CALL)
			mcp_reply_call(&reply, &r, &denied);
		mcp_request_done(&r);
		buf_reset(&reply);
		pos += n + 1;
	}
	buf_done(&reply);
	return 0;
}
