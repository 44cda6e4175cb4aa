/* json5_fuzz: any bytes as a JSON5 text; then every node of the tree. */
#include "json5/json5.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

/* Down to the first child, else on to the next; the depth is bounded, so what
 * is left of each level fits. */
static size_t walk(const struct json5 *j)
{
	const struct json5_node *todo[JSON5_DEPTH + 1] = { json5_root(j) };
	size_t depth = 1, seen = 0;
	int64_t v;

	while (depth) {
		const struct json5_node *at = todo[depth - 1], *down;

		seen++;
		if (json5_text(j, at).n > JSON5_TEXT + 4 ||
		    json5_key(j, at).n > JSON5_TEXT + 4)
			__builtin_trap();
		(void)json5_int(j, at, &v);
		down = json5_first(j, at);
		todo[depth - 1] = json5_next(j, at);
		if (down) {
			if (depth > JSON5_DEPTH)
				__builtin_trap();
			todo[depth++] = down;
		}
		while (depth && !todo[depth - 1])
			depth--;
	}
	return seen;
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	CLEAN_JSON5 struct json5 *j = NULL;
	struct err e = { 0 };

	if (json5_parse("f", span_of(p, n), &j, &e) == 0) {
		if (!walk(j) || walk(j) > JSON5_NODES)
			__builtin_trap();
	} else if (!e.msg[0]) {
		__builtin_trap();
	}
	return 0;
}
