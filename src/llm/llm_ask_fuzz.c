/* llm_ask_fuzz: any bytes as the arguments of the call that answers: what is
 * taken of them fits, is well-formed, and is the same however much room there
 * is. */
#include "ask.h"
#include "base/str.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static char small[8], large[4096];
	struct span one = { NULL, 0 }, two = { NULL, 0 };
	const struct span args = span_of(p, n);

	if (!llm_ask_read(args, large, sizeof(large), &two)) {
		if (llm_ask_read(args, small, sizeof(small), &one))
			__builtin_trap();
		return 0;
	}
	if (two.n > sizeof(large) || !utf8_valid(two))
		__builtin_trap();
	if (llm_ask_read(args, small, sizeof(small), &one) &&
	    !span_eq(one, two))
		__builtin_trap();
	return 0;
}
