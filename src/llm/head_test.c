/* head_test: requests as clients write them, as they must not, and answers. */
#include "head.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct llm_head h;

static int read_head(const char *text)
{
	return llm_head_read(span_str(text), &h);
}

#define POST "POST /v1/messages HTTP/1.1\r\n"

static void good(void **state)
{
	static const char text[] =
		"POST /v1/messages?beta=true HTTP/1.1\r\nHost: "
		"127.0.0.1:8787\r\n"
		"Content-Type: application/json\r\nX-Api-Key: x\r\n"
		"content-length:  12 \r\nExpect: 100-Continue\r\n\r\n";
	size_t i;

	(void)state;
	assert_int_equal(read_head(text), strlen(text));
	assert_string_equal(h.path, "/v1/messages");
	assert_int_equal(h.length, 12);
	assert_true(h.expects && !h.closes && !h.get);
	for (i = 0; i < strlen(text); i++)
		assert_int_equal(llm_head_read(span_of(text, i), &h), 0);
	assert_true(read_head("GET /v1/models HTTP/1.1\r\n\r\n") > 0);
	assert_true(h.get && h.length == 0);
	assert_true(read_head(POST "Content-Length: 0\r\nConnection: Close"
				   "\r\n\r\nrest") > 0);
	assert_true(h.closes);
	assert_int_equal(llm_api_of("/v1/responses"), LLM_RESPONSES);
	assert_int_equal(llm_api_of("/v1/files"), 0);
	assert_int_equal(llm_api_of(""), 0);
}

static const struct {
	const char *text;
	int status;
} bad[] = {
	{ POST "\r\n", 411 },
	{ POST "Transfer-Encoding: chunked\r\n\r\n", 411 },
	{ POST "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n", 411 },
	{ POST "Content-Length: 1\r\nContent-Length: 1\r\n\r\n", 400 },
	{ POST "Content-Length: +1\r\n\r\n", 400 },
	{ POST "Content-Length: 1,1\r\n\r\n", 400 },
	{ POST "Content-Length : 1\r\n\r\n", 400 },
	{ POST "Content-Length: 1\r\n folded: x\r\n\r\n", 400 },
	{ POST "A: b\nContent-Length: 1\r\n\r\n", 400 },
	{ POST "A: b\rContent-Length: 1\r\n\r\n", 400 },
	{ POST "no colon\r\n\r\n", 400 },
	{ POST ": x\r\n\r\n", 400 },
	{ POST "Content-Length: 8388609\r\n\r\n", 413 },
	{ "POST /v1/messages HTTP/1.0\r\n\r\n", 505 },
	{ "POST /v1/messages\r\n\r\n", 505 },
	{ "GET /v1/models HTTP/1.1\r\nContent-Length: 9\r\n\r\n", 400 },
	{ "GET /v1/models HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n",
	  411 },
	{ "PUT /v1/messages HTTP/1.1\r\n\r\n", 405 },
	{ "POST v1 HTTP/1.1\r\n\r\n", 400 },
	{ "POST /a b HTTP/1.1\r\n\r\n", 400 },
	{ "POST http://a/ HTTP/1.1\r\n\r\n", 400 },
	{ "\r\n\r\n", 505 },
};

static void refused(void **state)
{
	CLEAN_BUF struct buf b;
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(bad); i++)
		assert_int_equal(read_head(bad[i].text), -bad[i].status);
	buf_init(&b, (size_t)HEAD_MAX * 2);
	buf_str(&b, POST);
	for (i = 0; i <= HEAD_FIELDS; i++)
		buf_str(&b, "A: b\r\n");
	buf_str(&b, "\r\n");
	assert_int_equal(llm_head_read(buf_view(&b), &h), -431);
	buf_reset(&b);
	buf_str(&b, POST "Content-Length: 1\r\nA: ");
	while (b.n < HEAD_MAX - 4)
		buf_u8(&b, 'x');
	buf_str(&b, "\r\n\r\n");
	assert_int_equal(llm_head_read(buf_view(&b), &h), HEAD_MAX);
	buf_cut(&b, HEAD_MAX - 4);
	buf_str(&b, "x\r\n\r\n");
	assert_int_equal(llm_head_read(buf_view(&b), &h), -431);
}

static void answers(void **state)
{
	CLEAN_BUF struct buf b;

	(void)state;
	buf_init(&b, 8192);
	llm_head_error(&b, LLM_MESSAGES, 429, 7, "", "the budget of \"day\"");
	assert_string_equal(
		buf_cstr(&b),
		"HTTP/1.1 429 Too Many Requests\r\nContent-Type: "
		"application/json\r\nRetry-After: 7\r\nContent-Length: 96\r\n"
		"\r\n{\"type\":\"error\",\"error\":{\"message\":\"bulkhead: "
		"the "
		"budget of \\\"day\\\"\",\"type\":\"rate_limit_error\"}}");
	buf_reset(&b);
	llm_head_error(&b, LLM_CHAT, 400, 0, "tools[0].type", "is refused");
	assert_non_null(
		strstr(buf_cstr(&b),
		       "{\"error\":{\"param\":null,\"code\":null,"
		       "\"message\":\"bulkhead: tools[0].type is "
		       "refused\",\"type\":\"invalid_request_error\"}}"));
	buf_reset(&b);
	llm_head_error(&b, LLM_MESSAGES, 402, 0, "", "used up");
	assert_string_equal(
		buf_cstr(&b),
		"HTTP/1.1 402 Payment Required\r\nContent-Type: "
		"application/json\r\nx-should-retry: false\r\n"
		"Content-Length: 79\r\n\r\n{\"type\":\"error\",\"error\":"
		"{\"message\":\"bulkhead: used up\",\"type\":"
		"\"billing_error\"}}");
	buf_reset(&b);
	llm_head_error(&b, LLM_RESPONSES, 402, 0, "", "used up");
	assert_string_equal(
		buf_cstr(&b),
		"HTTP/1.1 429 Too Many Requests\r\nContent-Type: "
		"application/json\r\nx-should-retry: false\r\n"
		"Content-Length: 110\r\n\r\n{\"error\":{\"param\":null,"
		"\"code\":\"insufficient_quota\",\"message\":\"bulkhead: used "
		"up\",\"type\":\"insufficient_quota\"}}");
	buf_reset(&b);
	llm_head_chunked(&b, 200, true);
	llm_head_chunk(&b, SPAN_LIT("0123456789abcdef"));
	llm_head_chunk(&b, span_of(NULL, 0));
	llm_head_last(&b);
	assert_string_equal(
		buf_cstr(&b),
		"HTTP/1.1 200 OK\r\nContent-Type: "
		"text/event-stream; charset=utf-8\r\nCache-Control: "
		"no-cache\r\nTransfer-Encoding: chunked\r\n\r\n"
		"10\r\n0123456789abcdef\r\n0\r\n\r\n");
	buf_reset(&b);
	llm_head_models(&b, "m", true);
	assert_non_null(strstr(buf_cstr(&b), "\"first_id\":\"m\""));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(refused),
		cmocka_unit_test(answers),
	};

	return cmocka_run_group_tests_name("llm/head", tests, NULL, NULL);
}
