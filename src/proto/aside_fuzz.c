/* Fuzzes what lies aside of a record, as the owner's command reads it. */
#include "proto/aside.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* What is decoded encodes to the same bytes. */
int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct aside_arg args[LIMIT_ARGS];
	int k = aside_decode(span_of(p, n), args);
	CLEAN_BUF struct buf b;

	buf_init(&b, ASIDE_MAX);
	if (k < 0)
		return 0;
	aside_encode(&b, args, (uint32_t)k);
	if (!buf_ok(&b) || !span_eq(buf_view(&b), span_of(p, n)))
		__builtin_trap();
	return 0;
}
