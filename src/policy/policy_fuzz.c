/* policy_fuzz: any bytes as a policy; whatever loads offers whole tools. */
#include "policy/policy.h"

/* See yaml_fuzz.c. */
const char *__asan_default_options(void);

const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	struct policy *policy = NULL;
	CLEAN_BUF struct buf errs;
	struct m_tool t;
	size_t i;

	buf_init(&errs, 1 << 16);
	if (policy_load("f", span_of(p, n), NULL, &policy, &errs) < 0) {
		if (!errs.n)
			__builtin_trap(); /* refused without a word */
		return 0;
	}
	for (i = 0; policy_tool(policy, i, &t); i++)
		if (!t.name.n || !t.description.n || !t.schema.n)
			__builtin_trap();
	policy_free(policy);
	return 0;
}
