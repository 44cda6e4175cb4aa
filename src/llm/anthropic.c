/*
 * anthropic: the requests of Anthropic's Messages API, and of its count_tokens.
 *
 * Tools that have a type of their own work at the provider, or are ones whose
 * use bulkhead does not see; a client's own have none, or "custom".
 */
#include "common.h"

/* What is kept for an hour costs more than a price table says. */
static const struct llm_field ephemeral_fields[] = { DROP("ttl"), END_FIELDS };
static const struct llm_object ephemeral = { .fields = ephemeral_fields };
static const struct llm_case cache_cases[] = { CASE("ephemeral", ephemeral),
					       END_CASES };
static const struct llm_object cache_object = { .by = "type",
						.cases = cache_cases };
static const struct llm_shape cache = OBJECT(cache_object);

/* --- blocks -------------------------------------------------------------- */

static const struct llm_field text_fields[] = {
	NEED("text", llm_string),
	KEEP("cache_control", cache),
	DROP("citations"),
	END_FIELDS,
};
static const struct llm_object text = { .fields = text_fields };

static const struct llm_shape image_type =
	WORDS("image/png image/jpeg image/gif image/webp");
static const struct llm_field base64_fields[] = {
	NEED("media_type", image_type),
	NEED("data", llm_string),
	END_FIELDS,
};
static const struct llm_object base64 = { .fields = base64_fields,
					  .check = CHECK_IMAGE };
static const struct llm_case image_sources[] = {
	CASE("base64", base64),
	CASE_NOT("url"),
	CASE_NOT("file"),
	END_CASES,
};
static const struct llm_object image_source = { .by = "type",
						.cases = image_sources };
static const struct llm_shape image_from = OBJECT(image_source);
static const struct llm_shape oversized = WORDS("downsize error");
static const struct llm_field transformation_fields[] = {
	KEEP("oversized_image", oversized),
	END_FIELDS,
};
static const struct llm_object transformation = {
	.fields = transformation_fields
};
static const struct llm_shape transformations = OBJECT(transformation);
static const struct llm_field image_fields[] = {
	NEED("source", image_from),
	KEEP("cache_control", cache),
	KEEP("transformations", transformations),
	END_FIELDS,
};
static const struct llm_object image = { .fields = image_fields };

static const struct llm_case text_cases[] = { CASE("text", text), END_CASES };
static const struct llm_object text_block = { .by = "type",
					      .cases = text_cases };
static const struct llm_shape text_each = OBJECT(text_block);
static const struct llm_shape texts = LIST(text_each);
static const struct llm_shape words_or_texts = STRING_OR_LIST(text_each);

static const struct llm_shape pdf_type = WORDS("application/pdf");
static const struct llm_field pdf_fields[] = {
	NEED("media_type", pdf_type),
	NEED("data", llm_string),
	END_FIELDS,
};
static const struct llm_object pdf = { .fields = pdf_fields,
				       .check = CHECK_IMAGE };
static const struct llm_shape plain_type = WORDS("text/plain");
static const struct llm_field plain_fields[] = {
	NEED("media_type", plain_type),
	NEED("data", llm_string),
	END_FIELDS,
};
static const struct llm_object plain = { .fields = plain_fields };
static const struct llm_case shown_cases[] = {
	CASE("text", text),
	CASE("image", image),
	END_CASES,
};
static const struct llm_object shown = { .by = "type", .cases = shown_cases };
static const struct llm_shape shown_each = OBJECT(shown);
static const struct llm_shape shown_list = STRING_OR_LIST(shown_each);
static const struct llm_field content_fields[] = {
	NEED("content", shown_list),
	END_FIELDS,
};
static const struct llm_object content_source = { .fields = content_fields };
static const struct llm_case document_sources[] = {
	CASE("base64", pdf),
	CASE("text", plain),
	CASE("content", content_source),
	CASE_NOT("url"),
	CASE_NOT("file"),
	END_CASES,
};
static const struct llm_object document_source = { .by = "type",
						   .cases = document_sources };
static const struct llm_shape document_from = OBJECT(document_source);
static const struct llm_field cited_fields[] = { KEEP("enabled", llm_bool),
						 END_FIELDS };
static const struct llm_object cited = { .fields = cited_fields };
static const struct llm_shape citations = OBJECT(cited);
static const struct llm_field document_fields[] = {
	NEED("source", document_from), KEEP("cache_control", cache),
	KEEP("citations", citations),  KEEP("context", llm_string),
	KEEP("title", llm_string),     END_FIELDS,
};
static const struct llm_object document = { .fields = document_fields };

/* Its source is a text that is cited, which nobody fetches. */
static const struct llm_field found_fields[] = {
	NEED("content", texts),	      NEED("source", llm_string),
	NEED("title", llm_string),    KEEP("cache_control", cache),
	KEEP("citations", citations), END_FIELDS,
};
static const struct llm_object found = { .fields = found_fields };

static const struct llm_field thinking_fields[] = {
	NEED("thinking", llm_string),
	NEED("signature", llm_string),
	END_FIELDS,
};
static const struct llm_object thinking = { .fields = thinking_fields };
static const struct llm_field redacted_fields[] = { NEED("data", llm_string),
						    END_FIELDS };
static const struct llm_object redacted = { .fields = redacted_fields };

static const struct llm_field use_fields[] = {
	NEED("id", llm_string),
	NEED("name", llm_string),
	NEED("input", llm_json),
	KEEP("cache_control", cache),
	DROP("caller"),
	DROP("toolset_name"),
	END_FIELDS,
};
static const struct llm_object use = { .fields = use_fields };

static const struct llm_field reference_fields[] = {
	NEED("tool_name", llm_string),
	KEEP("cache_control", cache),
	END_FIELDS,
};
static const struct llm_object reference = { .fields = reference_fields };
static const struct llm_case result_cases[] = {
	CASE("text", text),
	CASE("image", image),
	CASE("search_result", found),
	CASE("document", document),
	CASE("tool_reference", reference),
	CASE_NOT("browser_state"),
	END_CASES,
};
static const struct llm_object result_block = { .by = "type",
						.cases = result_cases };
static const struct llm_shape result_each = OBJECT(result_block);
static const struct llm_shape result_content = STRING_OR_LIST(result_each);
static const struct llm_field result_fields[] = {
	NEED("tool_use_id", llm_string),
	KEEP("content", result_content),
	KEEP("is_error", llm_bool),
	KEEP("cache_control", cache),
	DROP("toolset_name"),
	END_FIELDS,
};
static const struct llm_object result = { .fields = result_fields };

static const struct llm_case block_cases[] = {
	CASE("text", text),
	CASE("image", image),
	CASE("document", document),
	CASE("search_result", found),
	CASE("thinking", thinking),
	CASE("redacted_thinking", redacted),
	CASE("tool_use", use),
	CASE("tool_result", result),
	CASE_NOT("server_tool_use"),
	CASE_NOT("web_search_tool_result"),
	CASE_NOT("web_fetch_tool_result"),
	CASE_NOT("code_execution_tool_result"),
	CASE_NOT("bash_code_execution_tool_result"),
	CASE_NOT("text_editor_code_execution_tool_result"),
	CASE_NOT("tool_search_tool_result"),
	CASE_NOT("advisor_tool_result"),
	CASE_NOT("mcp_tool_use"),
	CASE_NOT("mcp_tool_result"),
	CASE_NOT("mcp_tool_listing"),
	CASE_NOT("container_upload"),
	CASE_NOT("compaction"),
	CASE_NOT("fallback"),
	CASE_NOT("tool_addition"),
	CASE_NOT("tool_removal"),
	END_CASES,
};
static const struct llm_object block = { .by = "type", .cases = block_cases };
static const struct llm_shape block_each = OBJECT(block);
static const struct llm_shape blocks = STRING_OR_LIST(block_each);

static const struct llm_field turn_fields[] = { NEED("content", blocks),
						END_FIELDS };
static const struct llm_object turn = { .fields = turn_fields };
static const struct llm_case told_cases[] = {
	CASE("text", text),
	CASE_NOT("tool_addition"),
	CASE_NOT("tool_removal"),
	END_CASES,
};
static const struct llm_object told = { .by = "type", .cases = told_cases };
static const struct llm_shape told_each = OBJECT(told);
static const struct llm_shape told_parts = STRING_OR_LIST(told_each);
static const struct llm_field system_fields[] = {
	NEED("content", told_parts),
	DROP("clear_at"),
	DROP("output_config"),
	END_FIELDS,
};
static const struct llm_object system_turn = { .fields = system_fields };
static const struct llm_case roles[] = {
	CASE("user", turn),
	CASE("assistant", turn),
	CASE("system", system_turn),
	END_CASES,
};
static const struct llm_object message = { .by = "role", .cases = roles };
static const struct llm_shape message_each = OBJECT(message);
static const struct llm_shape messages = LIST(message_each);

/* --- tools --------------------------------------------------------------- */

static const struct llm_field custom_fields[] = {
	NEED("name", llm_string),
	NEED("input_schema", llm_json),
	KEEP("description", llm_string),
	KEEP("input_examples", llm_jsons),
	KEEP("strict", llm_bool),
	KEEP("eager_input_streaming", llm_bool),
	KEEP("cache_control", cache),
	DROP("allowed_callers"),
	DROP("defer_loading"),
	END_FIELDS,
};
static const struct llm_object custom = { .fields = custom_fields };
static const struct llm_case tool_cases[] = {
	CASE("custom", custom),
	CASE_NOT("advisor_20260301"),
	CASE_NOT("bash_20241022"),
	CASE_NOT("bash_20250124"),
	CASE_NOT("browser_toolset_20260801"),
	CASE_NOT("code_execution_20250522"),
	CASE_NOT("code_execution_20250825"),
	CASE_NOT("code_execution_20260120"),
	CASE_NOT("code_execution_20260521"),
	CASE_NOT("computer_20241022"),
	CASE_NOT("computer_20250124"),
	CASE_NOT("computer_20251124"),
	CASE_NOT("computer_toolset_20260801"),
	CASE_NOT("mcp_toolset"),
	CASE_NOT("memory_20250818"),
	CASE_NOT("text_editor_20241022"),
	CASE_NOT("text_editor_20250124"),
	CASE_NOT("text_editor_20250429"),
	CASE_NOT("text_editor_20250728"),
	CASE_NOT("tool_search_tool_bm25"),
	CASE_NOT("tool_search_tool_bm25_20251119"),
	CASE_NOT("tool_search_tool_regex"),
	CASE_NOT("tool_search_tool_regex_20251119"),
	CASE_NOT("web_fetch_20250910"),
	CASE_NOT("web_fetch_20260209"),
	CASE_NOT("web_fetch_20260309"),
	CASE_NOT("web_fetch_20260318"),
	CASE_NOT("web_search_20250305"),
	CASE_NOT("web_search_20260209"),
	CASE_NOT("web_search_20260318"),
	END_CASES,
};
static const struct llm_object tool = { .by = "type",
					.otherwise = "custom",
					.cases = tool_cases };
static const struct llm_shape tool_each = OBJECT(tool);
static const struct llm_shape tools = LIST(tool_each);

static const struct llm_field choice_fields[] = {
	KEEP("disable_parallel_tool_use", llm_bool),
	END_FIELDS,
};
static const struct llm_object choice = { .fields = choice_fields };
static const struct llm_field named_fields[] = {
	NEED("name", llm_string),
	KEEP("disable_parallel_tool_use", llm_bool),
	END_FIELDS,
};
static const struct llm_object named = { .fields = named_fields };
static const struct llm_field no_fields[] = { END_FIELDS };
static const struct llm_object nothing = { .fields = no_fields };
static const struct llm_case choice_cases[] = {
	CASE("auto", choice),  CASE("any", choice), CASE("tool", named),
	CASE("none", nothing), END_CASES,
};
static const struct llm_object choices = { .by = "type",
					   .cases = choice_cases };
static const struct llm_shape tool_choice = OBJECT(choices);

/* --- the rest ------------------------------------------------------------ */

static const struct llm_shape display = WORDS("summarized omitted");
static const struct llm_shape budget = WHOLE(1, LLM_TOKENS_MAX);
static const struct llm_field enabled_fields[] = {
	NEED("budget_tokens", budget),
	KEEP("display", display),
	DROP("block_binding"),
	END_FIELDS,
};
static const struct llm_object enabled = { .fields = enabled_fields };
static const struct llm_field adaptive_fields[] = {
	KEEP("display", display),
	DROP("block_binding"),
	END_FIELDS,
};
static const struct llm_object adaptive = { .fields = adaptive_fields };
static const struct llm_case thinking_cases[] = {
	CASE("enabled", enabled),
	CASE("disabled", nothing),
	CASE("between_tools", nothing),
	CASE("adaptive", adaptive),
	END_CASES,
};
static const struct llm_object thinking_config = { .by = "type",
						   .cases = thinking_cases };
static const struct llm_shape think = OBJECT(thinking_config);

static const struct llm_field schema_fields[] = { NEED("schema", llm_json),
						  END_FIELDS };
static const struct llm_object schema = { .fields = schema_fields };
static const struct llm_case format_cases[] = { CASE("json_schema", schema),
						END_CASES };
static const struct llm_object format_object = { .by = "type",
						 .cases = format_cases };
static const struct llm_shape format = OBJECT(format_object);
static const struct llm_shape effort = WORDS("low medium high xhigh max");
static const struct llm_field output_fields[] = {
	KEEP("effort", effort),
	KEEP("format", format),
	DROP("task_budget"),
	END_FIELDS,
};
static const struct llm_object output = { .fields = output_fields };
static const struct llm_shape output_config = OBJECT(output);
static const struct llm_shape unit = REAL(0, 1);
static const struct llm_shape top_k = WHOLE(0, 100000);

#define OF_BOTH                                                                \
	{ "model", RULE_MODEL, NULL }, NEED("messages", messages),             \
		KEEP("system", words_or_texts), KEEP("tools", tools),          \
		KEEP("tool_choice", tool_choice), KEEP("thinking", think),     \
		KEEP("output_config", output_config),                          \
		KEEP("output_format", format), KEEP("cache_control", cache),   \
		REFUSE("mcp_servers"), REFUSE("container"), REFUSE("thread"),  \
		REFUSE("compaction"), REFUSE("fallbacks"),                     \
		REFUSE("fallback_credit_token"), REFUSE("workspace_id"),       \
		REFUSE("user_profile_id"), REFUSE("billing_policy"),           \
		DROP("betas"), DROP("context_management"),                     \
		DROP("diagnostics"), DROP("inference_geo"), DROP("metadata"),  \
		DROP("service_tier"), DROP("speed")

static const struct llm_field create_fields[] = {
	OF_BOTH,
	{ "max_tokens", RULE_TOKENS, NULL },
	{ "stream", RULE_STREAM, NULL },
	KEEP("stop_sequences", llm_strings),
	KEEP("temperature", unit),
	KEEP("top_p", unit),
	KEEP("top_k", top_k),
	END_FIELDS,
};
static const struct llm_object create = { .fields = create_fields };

static const struct llm_field count_fields[] = { OF_BOTH, END_FIELDS };
static const struct llm_object count = { .fields = count_fields };

const struct llm_format llm_messages = {
	.path = "/v1/messages",
	.body = &create,
	.tokens = "max_tokens",
	.always = "",
	.streaming = "",
};

const struct llm_format llm_count = {
	.path = "/v1/messages/count_tokens",
	.body = &count,
	.always = "",
	.streaming = "",
};
