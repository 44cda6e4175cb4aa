/*
 * request_fuzz: any bytes as a file of requests; what loads is built with
 * values made of the same bytes. Whatever they are, host, number of parts of
 * the path and number of values of the query stay those of the file.
 */
#include "http/request.h"

const char *__asan_default_options(void);

/* As yaml_fuzz.c. */
const char *__asan_default_options(void)
{
	return "fast_unwind_on_malloc=0";
}

static const char file[] =
	"bulkhead: 1\n"
	"requests:\n"
	"  a.b:\n"
	"    method: POST\n"
	"    url: \"https://h.example/x/{a}/y-{b}?q={c}&k=1\"\n"
	"    params:\n"
	"      a: {type: text, max: 1KiB}\n"
	"      b: {type: id}\n"
	"      c: {type: text, lines: true}\n"
	"    body: {c: \"{c}\", d: [\"{a} and {b}\", 1, true]}\n"
	"    response:\n"
	"      id: {at: /a/0, type: id}\n"
	"      n: {at: /n, type: int, min: 0, max: 9, optional: true}\n";

static size_t count(struct span s, uint8_t c)
{
	size_t i, n = 0;

	for (i = 0; i < s.n; i++)
		n += s.p[i] == c;
	return n;
}

static void build(const struct http_request *q, struct span v)
{
	static const char head[] = "https://h.example/x/";
	const struct m_arg args[] = {
		{ SPAN_LIT("a"), ARG_STRING, ARG_SCALAR, v },
		{ SPAN_LIT("b"), ARG_STRING, ARG_SCALAR, v },
		{ SPAN_LIT("c"), ARG_STRING, ARG_SCALAR, v },
	};
	CLEAN_BUF struct buf url, body;
	struct err e = { 0 };

	buf_init(&url, HTTP_URL_MAX);
	buf_init(&body, HTTP_BODY_MAX);
	if (http_build(q, args, 3, &url, &body, &e) < 0)
		return;
	if (url.n < sizeof(head) ||
	    memcmp(url.p, head, sizeof(head) - 1) != 0 ||
	    count(buf_view(&url), '/') != 5 ||
	    count(buf_view(&url), '?') != 1 ||
	    count(buf_view(&url), '&') != 1 ||
	    count(buf_view(&url), '=') != 2 || count(buf_view(&url), '#'))
		__builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n);

int LLVMFuzzerTestOneInput(const uint8_t *p, size_t n)
{
	static struct http_requests *known;
	CLEAN_HTTP struct http_requests *r = NULL;
	struct http_fields f;
	CLEAN_BUF struct buf errs;
	struct err e = { 0 };

	buf_init(&errs, 1 << 16);
	if (!known && http_load("f", span_str(file), false, &known, &errs) < 0)
		__builtin_trap();
	build(http_at(known, 0), span_of(p, n));
	http_fields_init(&f);
	if (http_answer(http_at(known, 0), span_of(p, n), &f, &e) < 0 &&
	    !e.msg[0])
		__builtin_trap();
	http_fields_done(&f);
	if (http_load("f", span_of(p, n), true, &r, &errs) < 0 && !errs.n)
		__builtin_trap();
	if (r && !http_count(r))
		__builtin_trap();
	return 0;
}
