/* rebuild_test: what of a request goes on, what is left out, what is refused.
 */
#include "llm.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/b64.h"
#include "base/jcur.h"

enum { MOST = 1000 };

static struct llm_request r;

static void is(enum llm_api api, const char *in, const char *out)
{
	CLEAN_BUF struct buf first;

	buf_init(&first, LLM_BODY);
	if (!llm_rebuild(api, span_str(in), MOST, &r))
		print_error("%s: %s\n", r.path, r.why);
	assert_string_equal(buf_cstr(&r.body), out);
	assert_string_equal(r.why, "");
	buf_span(&first, buf_view(&r.body));
	/* A rebuilt one is what it is. */
	assert_true(llm_rebuild(api, buf_view(&first), MOST, &r));
	assert_string_equal(buf_cstr(&r.body), buf_cstr(&first));
	assert_true(llm_rebuild(api, span_str(in), MOST, &r));
}

static void drops(const char *names)
{
	assert_string_equal(buf_cstr(&r.dropped), names);
}

static void not(enum llm_api api, const char *in, const char *path,
		const char *why)
{
	assert_false(llm_rebuild(api, span_str(in), MOST, &r));
	if (strcmp(r.path, path) != 0 || !strstr(r.why, why))
		print_error("%s: %s\n", r.path, r.why);
	assert_string_equal(r.path, path);
	assert_non_null(strstr(r.why, why));
	assert_int_equal(r.body.n, 0);
}

#define HI   "\"messages\":[{\"role\":\"user\",\"content\":\"hi\"}]"
#define HEAD "{\"model\":\"m\",\"max_tokens\":5,"

static void messages(void **state)
{
	(void)state;
	is(LLM_MESSAGES, " {" HI ", \"max_tokens\":5 ,\"model\":\"m\"}",
	   HEAD HI "}");
	drops("");
	assert_string_equal(r.model, "m");
	assert_int_equal(r.tokens, 5);
	assert_false(r.stream);
	is(LLM_MESSAGES,
	   "{" HI ",\"max_tokens\":5000,\"model\":\"m\",\"stream\":true}",
	   "{\"model\":\"m\",\"max_tokens\":1000,\"stream\":true," HI "}");
	assert_true(r.stream);
	assert_int_equal(r.tokens, 1000);
	is(LLM_MESSAGES, "{" HI ",\"model\":\"m\",\"stream\":null}",
	   "{\"model\":\"m\",\"max_tokens\":1000," HI "}");
	is(LLM_MESSAGES,
	   HEAD HI ",\"metadata\":{\"user_id\":\"u\"},\"x y\":1,"
		   "\"speed\":\"fast\",\"temperature\":0.5,\"top_k\":3}",
	   HEAD HI ",\"temperature\":0.5,\"top_k\":3}");
	drops("x?y metadata speed");
	/* Each kind of block, in and out of a result. */
	is(LLM_MESSAGES,
	   HEAD
	   "\"messages\":[{\"role\":\"assistant\",\"content\":["
	   "{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"s\"},"
	   "{\"name\":\"n\",\"type\":\"tool_use\",\"id\":\"1\",\"caller\":"
	   "{\"type\":\"direct\"},\"input\":{ \"b\\u0061\" : [1, null, "
	   "{}] }}]},{\"role\":\"user\",\"content\":[{\"type\":"
	   "\"tool_result\",\"tool_use_id\":\"1\",\"content\":[{\"type\":"
	   "\"text\",\"text\":\"\\\"x\\u00e9\\n\"}]}]}]}",
	   HEAD
	   "\"messages\":[{\"role\":\"assistant\",\"content\":["
	   "{\"type\":\"thinking\",\"thinking\":\"t\",\"signature\":\"s\"},"
	   "{\"type\":\"tool_use\",\"id\":\"1\",\"name\":\"n\",\"input\":"
	   "{\"ba\":[1,null,{}]}}]},{\"role\":\"user\",\"content\":["
	   "{\"type\":\"tool_result\",\"tool_use_id\":\"1\",\"content\":["
	   "{\"type\":\"text\",\"text\":\"\\\"xé\\n\"}]}]}]}");
	drops("messages[0].content[1].caller");
	is(LLM_MESSAGES,
	   HEAD HI ",\"tools\":[{\"name\":\"a\",\"input_schema\":{}},{\"type\":"
		   "\"custom\",\"name\":\"b\",\"input_schema\":{}},{\"type\":"
		   "null,\"name\":\"c\",\"input_schema\":{}}],\"tool_choice\":"
		   "{\"type\":\"any\"}}",
	   HEAD HI ",\"tools\":[{\"name\":\"a\",\"input_schema\":{}},{\"type\":"
		   "\"custom\",\"name\":\"b\",\"input_schema\":{}},{\"name\":"
		   "\"c\",\"input_schema\":{}}],\"tool_choice\":{\"type\":"
		   "\"any\"}}");
	is(LLM_COUNT, "{\"model\":\"m\"," HI ",\"max_tokens\":5}",
	   "{\"model\":\"m\"," HI "}");
	drops("max_tokens");
}

static void messages_refused(void **state)
{
	static const struct {
		const char *member, *path, *why;
	} rows[] = {
		{ "\"tools\":[{\"type\":\"web_search_20250305\",\"name\":\"w\"}"
		  "]",
		  "tools[0].type", "works at the provider" },
		{ "\"tools\":[{\"type\":\"new_20270101\",\"name\":\"w\"}]",
		  "tools[0].type", "does not know" },
		{ "\"mcp_servers\":[]", "mcp_servers", "reaches out" },
		{ "\"container\":\"c\"", "container", "reaches out" },
		{ "\"max_tokens\":6", "max_tokens", "twice" },
		{ "\"temperature\":2", "temperature", "bounds" },
		{ "\"temperature\":1e999", "temperature", "bounds" },
		{ "\"top_k\":1.5", "top_k", "whole" },
		{ "\"thinking\":{\"type\":\"odd\"}", "thinking.type",
		  "does not know" },
		{ "\"system\":7", "system", "type" },
		{ "\"stop_sequences\":[\"a\",1]", "stop_sequences[1]", "type" },
		{ "\"tools\":[{\"name\":\"a\",\"input_schema\":{\"a\":1,"
		  "\"\\u0061\":2}}]",
		  "tools[0].input_schema", "twice" },
		{ "\"tool_choice\":{\"type\":\"tool\"}", "tool_choice.name",
		  "missing" },
		{ "\"stream\":1", "stream", "true or false" },
	};
	char text[512];
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		(void)snprintf(text, sizeof(text), HEAD HI ",%s}",
			       rows[i].member);
		not(LLM_MESSAGES, text, rows[i].path, rows[i].why);
	}
	not(LLM_MESSAGES,
	    HEAD "\"messages\":[{\"role\":\"user\",\"content\":[{"
		 "\"type\":\"image\",\"source\":{\"type\":\"url\","
		 "\"url\":\"https://a\"}}]}]}",
	    "messages[0].content[0].source.type", "\"url\" is refused");
	not(LLM_MESSAGES, "{" HI "}", "model", "missing");
	not(LLM_MESSAGES, "{\"model\":\"a b\"," HI "}", "model", "name");
	not(LLM_MESSAGES, "{\"model\":\"m\",\"model\":\"n\"," HI "}", "model",
	    "twice");
	not(LLM_MESSAGES, "{\"model\":\"m\"}", "messages", "missing");
	not(LLM_MESSAGES, "[]", "", "no JSON object");
	not(LLM_MESSAGES, "{", "", "no JSON object");
	not(LLM_API_MAX, "{}", "", "nobody");
}

static void chat(void **state)
{
	(void)state;
	is(LLM_CHAT, "{\"model\":\"m\",\"stream\":true," HI ",\"user\":\"u\"}",
	   "{\"model\":\"m\",\"max_completion_tokens\":1000,\"stream\":true,"
	   "\"stream_options\":{\"include_usage\":true}," HI "}");
	drops("user");
	is(LLM_CHAT, "{\"model\":\"m\",\"max_tokens\":9," HI "}",
	   "{\"model\":\"m\",\"max_tokens\":9," HI "}");
	is(LLM_CHAT,
	   "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":"
	   "\"assistant\",\"content\":null,\"tool_calls\":[{\"id\":\"1\","
	   "\"type\":\"function\",\"function\":{\"name\":\"f\",\"arguments\":"
	   "\"{}\"}}]},{\"role\":\"tool\",\"content\":\"r\",\"tool_call_id\":"
	   "\"1\"}],\"store\":false}",
	   "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":"
	   "\"assistant\",\"tool_calls\":[{\"type\":\"function\",\"id\":\"1\","
	   "\"function\":{\"name\":\"f\",\"arguments\":\"{}\"}}]},{\"role\":"
	   "\"tool\",\"content\":\"r\",\"tool_call_id\":\"1\"}]}");
	not(LLM_CHAT,
	    "{\"model\":\"m\",\"max_tokens\":9,\"max_completion_tokens\":9," HI
	    "}",
	    "max_completion_tokens", "two members");
	not(LLM_CHAT, "{\"model\":\"m\"," HI ",\"store\":true}", "store",
	    "keep");
	not(LLM_CHAT, "{\"model\":\"m\"," HI ",\"web_search_options\":{}}",
	    "web_search_options", "reaches out");
	not(LLM_CHAT, "{\"model\":\"m\"," HI ",\"n\":2}", "n", "bounds");
	not(LLM_CHAT,
	    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{"
	    "\"type\":\"image_url\",\"image_url\":{\"url\":"
	    "\"https://a/b.png\"}}]}]}",
	    "messages[0].content[0].image_url.url", "would fetch");
}

#define INPUT "\"input\":\"hi\""

static void responses(void **state)
{
	(void)state;
	is(LLM_RESPONSES, "{\"model\":\"m\"," INPUT "}",
	   "{\"model\":\"m\",\"max_output_tokens\":1000,\"store\":false," INPUT
	   "}");
	is(LLM_RESPONSES,
	   "{\"model\":\"m\",\"max_output_tokens\":7,\"input\":[{\"role\":"
	   "\"user\",\"content\":\"a\"},{\"type\":\"message\",\"id\":\"x\","
	   "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\","
	   "\"text\":\"b\",\"annotations\":[]}]},{\"type\":"
	   "\"function_call_output\",\"call_id\":\"1\",\"output\":\"c\"}]}",
	   "{\"model\":\"m\",\"max_output_tokens\":7,\"store\":false,\"input\":"
	   "[{\"role\":\"user\",\"content\":\"a\"},{\"type\":\"message\","
	   "\"role\":\"assistant\",\"content\":[{\"type\":\"output_text\","
	   "\"text\":\"b\"}]},{\"type\":\"function_call_output\",\"call_id\":"
	   "\"1\",\"output\":\"c\"}]}");
	drops("input[1].content[0].annotations input[1].id");
	not(LLM_RESPONSES, "{\"model\":\"m\",\"input\":[{\"id\":\"x\"}]}",
	    "input[0].role", "missing");
	not(LLM_RESPONSES,
	    "{\"model\":\"m\",\"input\":[{\"type\":\"item_reference\","
	    "\"id\":\"x\"}]}",
	    "input[0].type", "\"item_reference\" is refused");
	not(LLM_RESPONSES,
	    "{\"model\":\"m\"," INPUT ",\"previous_response_id\":\"r\"}",
	    "previous_response_id", "kept there");
	not(LLM_RESPONSES, "{\"model\":\"m\"," INPUT ",\"background\":true}",
	    "background", "provider");
	not(LLM_RESPONSES,
	    "{\"model\":\"m\"," INPUT
	    ",\"tools\":[{\"type\":\"mcp\",\"server_label\":\"l\","
	    "\"server_url\":\"https://a\"}]}",
	    "tools[0].type", "\"mcp\" is refused");
	not(LLM_RESPONSES,
	    "{\"model\":\"m\"," INPUT
	    ",\"include\":[\"web_search_call.results\"]}",
	    "include[0]", "does not know");
}

/* A request of that type and bytes as an image of Messages. */
static bool image(const char *type, const uint8_t *p, size_t n)
{
	CLEAN_BUF struct buf b;
	bool ok;

	buf_init(&b, (size_t)LLM_BODY * 2);
	buf_printf(&b,
		   HEAD "\"messages\":[{\"role\":\"user\",\"content\":[{"
			"\"type\":\"image\",\"source\":{\"type\":\"base64\","
			"\"media_type\":\"%s\",\"data\":\"",
		   type);
	b64_put(&b, span_of(p, n), false);
	buf_str(&b, "\"}}]}]}");
	ok = llm_rebuild(LLM_MESSAGES, buf_view(&b), MOST, &r);
	return ok;
}

static void media(void **state)
{
	static const uint8_t head[] = "\x89PNG\r\n\x1a\n\0\0\0\rIHDR";
	uint8_t *p = calloc(1, LLM_IMAGE + 1);

	(void)state;
	assert_non_null(p);
	memcpy(p, head, sizeof(head));
	assert_true(image("image/png", p, 100));
	assert_true(image("image/png", p, LLM_IMAGE));
	assert_false(image("image/png", p, LLM_IMAGE + 1));
	assert_non_null(strstr(r.why, "larger"));
	assert_false(image("image/jpeg", p, 100));
	assert_non_null(strstr(r.why, "not of the type"));
	assert_false(image("image/png", p, 5));
	assert_false(image("image/svg+xml", p, 100));
	assert_non_null(strstr(r.why, "does not know"));
	not(LLM_MESSAGES,
	    HEAD "\"messages\":[{\"role\":\"user\",\"content\":[{\"type\":"
		 "\"image\",\"source\":{\"type\":\"base64\",\"media_type\":"
		 "\"image/png\",\"data\":\"iVBORw0KGgo*AAAANSUhEUg==\"}}]}]}",
	    "messages[0].content[0].source", "base64");
	is(LLM_CHAT,
	   "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","
	   "\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
	   "\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==\"}}]}]}",
	   "{\"model\":\"m\",\"max_tokens\":9,\"messages\":[{\"role\":\"user\","
	   "\"content\":[{\"type\":\"image_url\",\"image_url\":{\"url\":"
	   "\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==\"}}]}]}");
	not(LLM_CHAT,
	    "{\"model\":\"m\",\"messages\":[{\"role\":\"user\",\"content\":[{"
	    "\"type\":\"file\",\"file\":{\"file_data\":"
	    "\"data:image/png;base64,iVBORw0KGgoAAAANSUhEUg==\"}}]}]}",
	    "messages[0].content[0].file.file_data", "application/pdf");
	free(p);
}

/* Limits: at one, and one above. */
static void limits(void **state)
{
	CLEAN_BUF struct buf b;
	int i, n;

	(void)state;
	buf_init(&b, (size_t)LLM_BODY * 2);
	for (n = LLM_LIST; n <= LLM_LIST + 1; n++) {
		buf_reset(&b);
		buf_str(&b, HEAD HI ",\"stop_sequences\":[");
		for (i = 0; i < n; i++)
			buf_str(&b, i ? ",\"s\"" : "\"s\"");
		buf_str(&b, "]}");
		assert_int_equal(
			llm_rebuild(LLM_MESSAGES, buf_view(&b), MOST, &r),
			n == LLM_LIST);
	}
	for (n = LLM_JSON_MEMBERS; n <= LLM_JSON_MEMBERS + 1; n++) {
		buf_reset(&b);
		buf_str(&b, HEAD HI ",\"tools\":[{\"name\":\"a\","
				    "\"input_schema\":{");
		for (i = 0; i < n; i++)
			buf_printf(&b, "%s\"%d\":1", i ? "," : "", i);
		buf_str(&b, "}}]}");
		assert_int_equal(
			llm_rebuild(LLM_MESSAGES, buf_view(&b), MOST, &r),
			n == LLM_JSON_MEMBERS);
	}
	buf_reset(&b);
	buf_str(&b, HEAD "\"messages\":[{\"role\":\"user\",\"content\":\"");
	while (b.n < LLM_BODY - 4)
		buf_u8(&b, 'x');
	buf_str(&b, "\"}]}");
	assert_int_equal(b.n, LLM_BODY);
	assert_true(llm_rebuild(LLM_MESSAGES, buf_view(&b), MOST, &r));
	buf_u8(&b, ' ');
	assert_false(llm_rebuild(LLM_MESSAGES, buf_view(&b), MOST, &r));
	/* Names of what is left out are cut at their limit, and say so. */
	buf_reset(&b);
	buf_str(&b, HEAD HI);
	for (i = 0; i < 1000; i++)
		buf_printf(&b, ",\"unknown-%d\":1", i);
	buf_u8(&b, '}');
	assert_true(llm_rebuild(LLM_MESSAGES, buf_view(&b), MOST, &r));
	assert_true(r.dropped.n <= LLM_DROPPED && r.dropped.n > 1900);
	assert_string_equal(buf_cstr(&r.dropped) + r.dropped.n - 4, " ...");
}

static void tables(void **state)
{
	CLEAN_BUF struct buf b;
	struct jval v;
	int i;

	(void)state;
	buf_init(&b, 1 << 20);
	for (i = 1; i < LLM_API_MAX; i++) {
		buf_reset(&b);
		llm_tables((enum llm_api)i, &b);
		assert_true(jval_parse(buf_view(&b), &v));
		assert_true(jval_get(v, "fields").kind == JVAL_OBJECT);
	}
	assert_string_equal(llm_path(LLM_COUNT), "/v1/messages/count_tokens");
	assert_string_equal(llm_path(LLM_API_MAX), "");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages), cmocka_unit_test(messages_refused),
		cmocka_unit_test(chat),	    cmocka_unit_test(responses),
		cmocka_unit_test(media),    cmocka_unit_test(limits),
		cmocka_unit_test(tables),
	};
	int rc;

	llm_request_init(&r);
	rc = cmocka_run_group_tests_name("llm/rebuild", tests, NULL, NULL);
	llm_request_done(&r);
	return rc;
}
