/* conf_fuzz: any bytes as bulkhead.yaml. */
#include "conf/conf.h"

/* See yaml_fuzz.c. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEAN_BUF struct buf errs;
	struct conf c;

	buf_init(&errs, 1 << 16);
	if (conf_parse("f", span_of(p, n), "/b", "/h", &c, &errs) == 0) {
		if (c.state[0] != '/' || c.socket[0] != '/' || !c.agent[0])
			__builtin_trap();
	} else if (!errs.n) {
		__builtin_trap();
	}
	return 0;
}
