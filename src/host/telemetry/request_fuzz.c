/* Fuzzes request: what comes to the socket of the metrics. */
#include "request.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	enum request_target t;
	int status = request_read(span_of(data, size), &t);

	if ((status == 200) != (t != TARGET_NONE) || !request_reason(status))
		__builtin_trap();
	return 0;
}
