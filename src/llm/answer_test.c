/* answer_test: what is read of answers, whole, byte by byte and cut anywhere.
 */
#include "answer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

static struct llm_answer a;
static struct buf said;

static void on_text(void *arg, struct span text)
{
	(void)arg;
	buf_span(&said, text);
}

static void begin(enum llm_api api, bool stream)
{
	llm_answer_done(&a);
	llm_answer_init(&a, api, stream);
	a.text = on_text;
	buf_reset(&said);
}

static const char messages[] =
	"event: message_start\r\n"
	"data: "
	"{\"type\":\"message_start\",\"message\":{\"id\":\"m\",\"usage\":{"
	"\"input_tokens\":10,\"cache_read_input_tokens\":4,"
	"\"cache_creation_input_tokens\":3,\"output_tokens\":1}}}\r\n\r\n"
	": a comment\n"
	"event: ping\ndata: {\"type\":\"ping\"}\n\n"
	"data: {\"type\":\"content_block_start\",\"index\":0,\"content_block\":"
	"{\"type\":\"text\",\"text\":\"\"}}\n\n"
	"data: "
	"{\"type\":\"content_block_delta\",\"index\":0,\"delta\":{\"type\":"
	"\"text_delta\",\"text\":\"Hi \\u00e9\"}}\n\n"
	"data: {\"type\":\"content_block_stop\",\"index\":0}\n\n"
	"data: {\"type\":\"content_block_start\",\"index\":1,\"content_block\":"
	"{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"send\",\"input\":{}}}"
	"\n\n"
	"data: "
	"{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
	"\"input_json_delta\",\"partial_json\":\"{\\\"a\\\":\"}}\n\n"
	"data: "
	"{\"type\":\"content_block_delta\",\"index\":1,\"delta\":{\"type\":"
	"\"input_json_delta\",\"partial_json\":\"1}\"}}\n\n"
	"data: {\"type\":\"content_block_stop\",\"index\":1}\n\n"
	"data: {\"type\":\"message_delta\",\"delta\":{\"stop_reason\":"
	"\"tool_use\"},\"usage\":{\"output_tokens\":20}}\n\n"
	"data: {\"type\":\"message_stop\"}\n\n";

static const char chat[] =
	"data: {\"choices\":[{\"index\":0,\"delta\":{\"role\":\"assistant\","
	"\"content\":\"Hi é\"}}],\"usage\":null}\n\n"
	"data: "
	"{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":"
	"0,\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\"send\","
	"\"arguments\":\"\"}}]}}]}\n\n"
	"data: "
	"{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":"
	"0,\"function\":{\"arguments\":\"{\\\"a\\\":\"}}]}}]}\n\n"
	"data: "
	"{\"choices\":[{\"index\":0,\"delta\":{\"tool_calls\":[{\"index\":"
	"0,\"function\":{\"arguments\":\"1}\"}}]}}]}\n\n"
	"data: {\"choices\":[{\"index\":0,\"delta\":{},\"finish_reason\":"
	"\"tool_calls\"}]}\n\n"
	"data: {\"choices\":[],\"usage\":{\"prompt_tokens\":14,"
	"\"prompt_tokens_details\":{\"cached_tokens\":4},"
	"\"completion_tokens\":20}}\n\n"
	"data: [DONE]\n\n";

static const char responses[] =
	"event: response.created\n"
	"data: "
	"{\"type\":\"response.created\",\"response\":{\"usage\":null}}\n\n"
	"data: {\"type\":\"response.output_text.delta\",\"delta\":\"Hi \"}\n\n"
	"data: {\"type\":\"response.output_text.delta\",\"delta\":\"é\"}\n\n"
	"data: {\"type\":\"response.output_item.done\",\"item\":{\"type\":"
	"\"message\",\"content\":[{\"type\":\"output_text\",\"text\":"
	"\"Hi é\"}]}}\n\n"
	"data: {\"type\":\"response.output_item.done\",\"item\":{\"type\":"
	"\"function_call\",\"call_id\":\"t1\",\"name\":\"send\",\"arguments\":"
	"\"{\\\"a\\\":1}\"}}\n\n"
	"data: {\"type\":\"response.completed\",\"response\":{\"usage\":{"
	"\"input_tokens\":14,\"input_tokens_details\":{\"cached_tokens\":4},"
	"\"output_tokens\":20}}}\n\n";

static const char messages_whole[] =
	"{\"type\":\"message\",\"content\":[{\"type\":\"text\",\"text\":"
	"\"Hi é\"},{\"type\":\"tool_use\",\"id\":\"t1\",\"name\":\"send\","
	"\"input\":{\"a\":1}}],\"usage\":{\"input_tokens\":10,"
	"\"cache_read_input_tokens\":4,\"output_tokens\":20}}";

static const char chat_whole[] =
	"{\"choices\":[{\"message\":{\"content\":\"Hi é\",\"tool_calls\":[{"
	"\"id\":\"t1\",\"type\":\"function\",\"function\":{\"name\":\"send\","
	"\"arguments\":\"{\\\"a\\\":1}\"}}]},\"finish_reason\":\"tool_calls\"}]"
	","
	"\"usage\":{\"prompt_tokens\":14,\"prompt_tokens_details\":{"
	"\"cached_tokens\":4},\"completion_tokens\":20}}";

static const char responses_whole[] =
	"{\"output\":[{\"type\":\"message\",\"content\":[{\"type\":"
	"\"output_text\",\"text\":\"Hi é\"}]},{\"type\":\"function_call\","
	"\"call_id\":\"t1\",\"name\":\"send\",\"arguments\":\"{\\\"a\\\":1}\"}]"
	","
	"\"usage\":{\"input_tokens\":14,\"input_tokens_details\":{"
	"\"cached_tokens\":4},\"output_tokens\":20}}";

static const struct {
	enum llm_api api;
	bool stream;
	const char *text;
} rows[] = {
	{ LLM_MESSAGES, true, messages },
	{ LLM_CHAT, true, chat },
	{ LLM_RESPONSES, true, responses },
	{ LLM_MESSAGES, false, messages_whole },
	{ LLM_CHAT, false, chat_whole },
	{ LLM_RESPONSES, false, responses_whole },
};

static void is_known(void)
{
	assert_true(a.ended && a.used.told && !a.failed);
	assert_int_equal(a.used.input, 10);
	assert_int_equal(a.used.cache_read, 4);
	assert_int_equal(a.used.output, 20);
	assert_string_equal(buf_cstr(&said), "Hi é");
	assert_int_equal(a.n_calls, 1);
	assert_string_equal(a.calls[0].id, "t1");
	assert_string_equal(a.calls[0].name, "send");
	assert_string_equal(buf_cstr(&a.calls[0].args), "{\"a\":1}");
	assert_true(a.calls[0].done);
	assert_int_equal(a.said, 5 + 7);
}

/* In two pieces, cut at each place; and byte by byte. */
static void splits(void **state)
{
	size_t i, at, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		n = strlen(rows[i].text);
		for (at = 0; at <= n; at++) {
			begin(rows[i].api, rows[i].stream);
			assert_true(
				llm_answer_feed(&a, span_of(rows[i].text, at)));
			assert_true(llm_answer_feed(
				&a, span_of(rows[i].text + at, n - at)));
			assert_true(llm_answer_end(&a));
			is_known();
		}
		begin(rows[i].api, rows[i].stream);
		for (at = 0; at < n; at++)
			assert_true(llm_answer_feed(
				&a, span_of(rows[i].text + at, 1)));
		assert_true(llm_answer_end(&a));
		is_known();
	}
}

/* What is cut short says so, wherever; what was told before it is known. */
static void cut(void **state)
{
	size_t i, at, n;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		n = strlen(rows[i].text);
		for (at = 0; at + 1 < n; at++) {
			begin(rows[i].api, rows[i].stream);
			assert_true(
				llm_answer_feed(&a, span_of(rows[i].text, at)));
			assert_false(llm_answer_end(&a));
		}
	}
	begin(LLM_MESSAGES, true);
	assert_true(llm_answer_feed(&a, span_of(messages, 900)));
	assert_false(llm_answer_end(&a));
	assert_string_equal(a.why, "the stream was cut short");
	assert_int_equal(a.used.input, 10);
	assert_int_equal(a.used.cache_write, 3);
	assert_false(a.used.told);
	assert_true(a.said > 0);
}

static void not(enum llm_api api, bool stream, const char *text,
		const char *why)
{
	begin(api, stream);
	assert_false(llm_answer_feed(&a, span_str(text)) && llm_answer_end(&a));
	assert_string_equal(a.why, why);
	/* It stays so. */
	assert_false(llm_answer_end(&a));
}

static void no_answers(void **state)
{
	(void)state;
	not(LLM_MESSAGES, true, "data: x\n\n", "an event is no JSON object");
	not(LLM_MESSAGES, true, "data: [DONE]\n\n",
	    "an event is no JSON object");
	not(LLM_MESSAGES, true,
	    "data: {\"type\":\"message_stop\"}\n\ndata: {}\n\n",
	    "more came behind its end");
	not(LLM_MESSAGES, true,
	    "data: {\"type\":\"content_block_delta\",\"index\":1,\"delta\":{"
	    "\"type\":\"input_json_delta\",\"partial_json\":\"1\"}}\n\n",
	    "arguments of no tool");
	not(LLM_CHAT, true,
	    "data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"index\":0,"
	    "\"function\":{\"arguments\":\"1\"}}]}}]}\n\n",
	    "a tool that it asks for has no name");
	not(LLM_COUNT, true, "data: {}\n\n", "a stream was not asked for");
	not(LLM_CHAT, false, "<html>", "it is no JSON object");
	not(LLM_CHAT, false, "", "it is no JSON object");
	begin(LLM_MESSAGES, true);
	assert_true(llm_answer_feed(
		&a, SPAN_LIT("data: {\"type\":\"error\"}\n\n")));
	assert_true(llm_answer_end(&a) && a.failed && !a.used.told);
	begin(LLM_COUNT, false);
	assert_true(llm_answer_feed(&a, SPAN_LIT("{\"input_tokens\":7}")));
	assert_true(llm_answer_end(&a));
	assert_int_equal(a.used.input, 7);
	/* Numbers out of bounds are none. */
	begin(LLM_COUNT, false);
	assert_true(llm_answer_feed(&a, SPAN_LIT("{\"input_tokens\":-7}")));
	assert_true(llm_answer_end(&a));
	assert_int_equal(a.used.input, 0);
}

#define DATA(json) "data: " json "\n\n"

/* What counts as told, and which numbers. */
static const struct {
	enum llm_api api;
	bool stream;
	const char *text;
	bool told, failed;
	uint32_t input, output;
} usages[] = {
	{ LLM_MESSAGES, false, "{\"content\":[]}", false, false, 0, 0 },
	{ LLM_MESSAGES, false, "{\"usage\":{}}", false, false, 0, 0 },
	{ LLM_MESSAGES, false, "{\"usage\":{\"output_tokens\":\"9\"}}", false,
	  false, 0, 0 },
	{ LLM_MESSAGES, false, "{\"usage\":{\"output_tokens\":99999999999}}",
	  true, false, 0, LLM_USED_MAX },
	{ LLM_MESSAGES, false, "{\"type\":\"error\",\"error\":{}}", false, true,
	  0, 0 },
	{ LLM_MESSAGES, true, DATA("{\"type\":\"message_delta\"}"), false,
	  false, 0, 0 },
	{ LLM_MESSAGES, true,
	  DATA("{\"type\":\"message_delta\",\"usage\":{\"output_tokens\":9}}")
		  DATA("{\"type\":\"message_delta\",\"usage\":{\"output_"
		       "tokens\":"
		       "4}}"),
	  true, false, 0, 9 },
	{ LLM_CHAT, false, "{\"usage\":{\"prompt_tokens\":3}}", false, false, 3,
	  0 },
	{ LLM_CHAT, false, "{\"error\":{}}", false, true, 0, 0 },
	/* a count that goes on is not the last one */
	{ LLM_CHAT, true,
	  DATA("{\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":3,"
	       "\"completion_tokens\":1}}"),
	  false, false, 3, 1 },
	{ LLM_CHAT, true,
	  DATA("{\"choices\":[{\"delta\":{}}],\"usage\":{\"prompt_tokens\":3,"
	       "\"completion_tokens\":1}}") DATA("[DONE]"),
	  true, false, 3, 1 },
	{ LLM_CHAT, true,
	  DATA("{\"choices\":[],\"usage\":{\"prompt_tokens\":3,"
	       "\"completion_tokens\":1}}"),
	  true, false, 3, 1 },
	{ LLM_CHAT, true, DATA("{\"choices\":[],\"usage\":{}}"), false, false,
	  0, 0 },
	{ LLM_RESPONSES, false, "{\"usage\":{},\"status\":\"failed\"}", false,
	  true, 0, 0 },
	{ LLM_RESPONSES, true,
	  DATA("{\"type\":\"response.completed\",\"response\":{\"usage\":{}}}"),
	  false, false, 0, 0 },
};

static void used(void **state)
{
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(usages); i++) {
		begin(usages[i].api, usages[i].stream);
		assert_true(llm_answer_feed(&a, span_str(usages[i].text)));
		(void)llm_answer_end(&a);
		if (a.used.told != usages[i].told ||
		    a.failed != usages[i].failed ||
		    a.used.input != usages[i].input ||
		    a.used.output != usages[i].output)
			fail_msg("%s: %d %d %u %u", usages[i].text, a.used.told,
				 a.failed, a.used.input, a.used.output);
	}
}

/* A call as they were before there were several, whole and in pieces. */
static void old_call(void **state)
{
	static const char pieces[] = DATA(
		"{\"choices\":[{\"delta\":{\"function_call\":{\"name\":"
		"\"send\",\"arguments\":\"\"}}}]}")
		DATA("{\"choices\":[{\"delta\":{\"function_call\":{"
		     "\"arguments\":\"{}\"}}}]}")
			DATA("{\"choices\":[{\"delta\":{},\"finish_reason\":"
			     "\"function_call\"}]}");
	static const char all[] =
		"{\"choices\":[{\"message\":{\"content\":null,"
		"\"function_call\":{\"name\":\"send\",\"arguments\":\"{}\"}}}]"
		"}";
	int i;

	(void)state;
	for (i = 0; i < 2; i++) {
		begin(LLM_CHAT, i == 0);
		assert_true(llm_answer_feed(&a, i == 0 ? span_str(pieces)
						       : span_str(all)));
		(void)llm_answer_end(&a);
		assert_int_equal(a.n_calls, 1);
		assert_string_equal(a.calls[0].name, "send");
		assert_string_equal(buf_cstr(&a.calls[0].args), "{}");
		assert_true(a.calls[0].done);
	}
}

/* All that a model can write is shown to who looks for canaries, of streams
 * that are cut, too. */
static void shown(void **state)
{
	static const struct {
		enum llm_api api;
		const char *text;
	} words[] = {
		{ LLM_CHAT, DATA("{\"choices\":[{\"delta\":{\"reasoning\":"
				 "\"word\"}}]}") },
		{ LLM_CHAT,
		  DATA("{\"choices\":[{\"delta\":{\"reasoning_content\":"
		       "\"word\"}}]}") },
		{ LLM_RESPONSES,
		  DATA("{\"type\":\"response.function_call_arguments.delta\","
		       "\"delta\":\"word\"}") },
		{ LLM_RESPONSES,
		  DATA("{\"type\":\"response.custom_tool_call_input.delta\","
		       "\"delta\":\"word\"}") },
	};
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(words); i++) {
		begin(words[i].api, true);
		assert_true(llm_answer_feed(&a, span_str(words[i].text)));
		assert_string_equal(buf_cstr(&said), "word");
	}
}

static void limits(void **state)
{
	CLEAN_BUF struct buf b;
	size_t n;

	(void)state;
	buf_init(&b, LLM_ANSWER + 1);
	for (n = SSE_EVENT; n <= SSE_EVENT + 1; n++) {
		buf_reset(&b);
		buf_str(&b, "data: {\"type\":\"ping\",\"x\":\"");
		while (b.n < n + 6 - 2)
			buf_u8(&b, 'x');
		buf_str(&b, "\"}\n\n");
		begin(LLM_MESSAGES, true);
		assert_int_equal(llm_answer_feed(&a, buf_view(&b)),
				 n == SSE_EVENT);
	}
	begin(LLM_RESPONSES, true);
	for (n = 0; n <= LLM_CALLS; n++)
		assert_int_equal(
			llm_answer_feed(&a,
					SPAN_LIT("data: {\"type\":\"response."
						 "output_item.done\",\"item\":{"
						 "\"type\":\"function_call\","
						 "\"name\":\"f\",\"arguments\":"
						 "\"{}\"}}\n\n")),
			n < LLM_CALLS);
	assert_string_equal(a.why, "it asks for too many tools");
	begin(LLM_CHAT, true);
	buf_reset(&b);
	while (b.n < LLM_ANSWER)
		buf_str(&b, ": comment, no more than that...\n");
	assert_int_equal(b.n, LLM_ANSWER);
	assert_true(llm_answer_feed(&a, buf_view(&b)));
	assert_false(llm_answer_feed(&a, SPAN_LIT(":")));
	assert_string_equal(a.why, "it is too long");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(splits),     cmocka_unit_test(cut),
		cmocka_unit_test(no_answers), cmocka_unit_test(used),
		cmocka_unit_test(old_call),   cmocka_unit_test(shown),
		cmocka_unit_test(limits),
	};
	int rc;

	llm_answer_init(&a, LLM_CHAT, true);
	buf_init(&said, 1 << 20);
	rc = cmocka_run_group_tests_name("llm/answer", tests, NULL, NULL);
	llm_answer_done(&a);
	buf_done(&said);
	return rc;
}
