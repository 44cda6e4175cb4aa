/* llm_answer_fuzz: any bytes as an answer of each format, in two pieces; what
 * is known of it does not depend on where it is cut. */
#include "answer.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool read_in_two(struct llm_answer *a, struct span s, size_t at)
{
	return llm_answer_feed(a, span_of(s.p, at)) &&
	       llm_answer_feed(a, span_of(s.p + at, s.n - at)) &&
	       llm_answer_end(a);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct llm_answer one, two;
	enum llm_api api;
	struct span s;
	bool ok;

	if (n < 2)
		return 0;
	api = (enum llm_api)(p[0] % LLM_API_MAX);
	s = span_of(p + 2, n - 2);
	llm_answer_init(&one, api, p[0] & 0x80);
	llm_answer_init(&two, api, p[0] & 0x80);
	ok = read_in_two(&one, s, 0);
	if (ok != read_in_two(&two, s, p[1] % (s.n + 1)) || (!ok && !one.why) ||
	    one.n_calls != two.n_calls || one.said != two.said ||
	    one.used.output != two.used.output ||
	    one.used.input != two.used.input || one.ended != two.ended)
		__builtin_trap();
	llm_answer_done(&one);
	llm_answer_done(&two);
	return 0;
}
