/* yaml_fuzz: any bytes as a file; every node that comes out is touched. */
#include "conf/yaml.h"

static size_t touch(const struct yaml_node *n)
{
	size_t sum = yaml_count(n), i;

	if (yaml_kind(n) == YAML_SCALAR)
		return strlen(yaml_text(n));
	for (i = 0; i < yaml_count(n); i++)
		sum += strlen(yaml_key(n, i)) + touch(yaml_at(n, i));
	return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEAN_YAML struct yaml *y = NULL;
	CLEAN_BUF struct buf errs;

	buf_init(&errs, 1 << 16);
	if (yaml_parse("f", span_of(p, n), &y, &errs) == 0)
		(void)touch(yaml_root(y));
	else if (!errs.n)
		__builtin_trap(); /* refused without a word */
	return 0;
}
