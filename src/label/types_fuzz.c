/*
 * types_fuzz: any bytes as a value of any type; what has a canonical form is
 * its own canonical form, and a bundle's path meets a glob without harm.
 */
#include "label/types.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	enum arg_type t = n ? p[0] % TYPE_MAX : TYPE_TEXT;
	struct span v = n ? span_of(p + 1, n - 1) : SPAN_LIT("");
	CLEAN_BUF struct buf once;
	CLEAN_BUF struct buf twice;

	buf_init(&once, 1 << 20);
	buf_init(&twice, 1 << 20);
	if (n && n > p[0] && p[0])
		(void)path_matches(span_of(p, p[0]),
				   span_of(p + p[0], n - p[0]));
	if (v.n && !ref_glob_bad(v) && !ref_under(v, v))
		__builtin_trap();
	if (type_canon(t, true, v, &once))
		return 0;
	if (type_canon(t, true, buf_view(&once), &twice) ||
	    !span_eq(buf_view(&once), buf_view(&twice)))
		__builtin_trap();
	if (type_is_number(t) &&
	    type_number(t, buf_view(&once)) < -INT_LIMIT * 1001)
		__builtin_trap();
	return 0;
}
