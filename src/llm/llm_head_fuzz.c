/* llm_head_fuzz: any bytes as the head of a request; what comes after a head
 * changes nothing of what was read. */
#include "head.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct llm_head one, two;
	int r = llm_head_read(span_of(p, n), &one);

	if (r > 0 && ((size_t)r > n || r > HEAD_MAX || one.length > LLM_BODY ||
		      one.path[0] != '/' ||
		      llm_head_read(span_of(p, (size_t)r), &two) != r ||
		      llm_head_read(span_of(p, (size_t)r - 1), &two) > 0))
		__builtin_trap();
	if (r < 0 && (r < -505 || r > -400))
		__builtin_trap();
	return 0;
}
