/* llm_fuzz: any bytes as a request of each format. What is rebuilt is rebuilt
 * to itself, keeps its bounds, and says nothing of what is refused. */
#include "base/jcur.h"
#include "llm.h"

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

static bool is_in(struct span s, const char *text)
{
	return memmem(s.p, s.n, text, strlen(text)) != NULL;
}

static void look(enum llm_api api, struct span body, uint32_t most)
{
	struct llm_request r, again;
	struct jval v;

	llm_request_init(&r);
	llm_request_init(&again);
	if (!llm_rebuild(api, body, most, &r)) {
		if (!r.why[0] || r.body.n)
			__builtin_trap();
	} else if (!jval_parse(buf_view(&r.body), &v) ||
		   v.kind != JVAL_OBJECT || r.tokens > most ||
		   !llm_rebuild(api, buf_view(&r.body), most, &again) ||
		   !span_eq(buf_view(&r.body), buf_view(&again.body)) ||
		   is_in(buf_view(&r.body), "\"type\":\"web_search") ||
		   is_in(buf_view(&r.body), "{\"type\":\"url\"")) {
		__builtin_trap();
	}
	llm_request_done(&r);
	llm_request_done(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	if (n < 2)
		return 0;
	look((enum llm_api)(p[0] % LLM_API_MAX), span_of(p + 2, n - 2),
	     p[1] + 1U);
	return 0;
}
