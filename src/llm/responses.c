/*
 * responses: the requests of OpenAI's Responses API.
 *
 * The provider keeps each answer unless it is told not to, so every
 * request says store: false. Of a conversation all is sent with each request;
 * what only names an item that the provider has is refused.
 */
#include "common.h"

#define HINTS DROP("prompt_cache_breakpoint")

static const struct llm_field text_fields[] = { NEED("text", llm_string), HINTS,
						END_FIELDS };
static const struct llm_object text = { .fields = text_fields };
static const struct llm_shape data_url = { .kinds = SHAPE_STRING,
					   .check = CHECK_IMAGE_URL };
static const struct llm_shape detail = WORDS("low high auto original");
static const struct llm_field image_fields[] = {
	NEED("image_url", data_url),
	KEEP("detail", detail),
	REFUSE("file_id"),
	HINTS,
	END_FIELDS,
};
static const struct llm_object image = { .fields = image_fields };
static const struct llm_shape file_url = { .kinds = SHAPE_STRING,
					   .check = CHECK_FILE_URL };
static const struct llm_field file_fields[] = {
	NEED("file_data", file_url),
	KEEP("filename", llm_string),
	KEEP("detail", detail),
	REFUSE("file_id"),
	REFUSE("file_url"),
	HINTS,
	END_FIELDS,
};
static const struct llm_object file = { .fields = file_fields };
static const struct llm_field said_fields[] = {
	NEED("text", llm_string),
	DROP("annotations"),
	DROP("logprobs"),
	END_FIELDS,
};
static const struct llm_object said = { .fields = said_fields };
static const struct llm_field refusal_fields[] = { NEED("refusal", llm_string),
						   END_FIELDS };
static const struct llm_object refusal = { .fields = refusal_fields };
static const struct llm_case part_cases[] = {
	CASE("input_text", text), CASE("input_image", image),
	CASE("input_file", file), CASE("output_text", said),
	CASE("refusal", refusal), END_CASES,
};
static const struct llm_object part = { .by = "type", .cases = part_cases };
static const struct llm_shape part_each = OBJECT(part);
static const struct llm_shape parts = STRING_OR_LIST(part_each);

/* --- items --------------------------------------------------------------- */

/* What an item has of the provider's own bookkeeping. */
#define BOOKKEEPING DROP("id"), DROP("status")

static const struct llm_shape role = WORDS("user assistant system developer");
static const struct llm_shape phase = WORDS("commentary final_answer");
static const struct llm_field message_fields[] = {
	NEED("role", role),   NEED("content", parts),
	KEEP("phase", phase), BOOKKEEPING,
	END_FIELDS,
};
static const struct llm_object message = { .fields = message_fields };
static const struct llm_field call_fields[] = {
	NEED("call_id", llm_string),
	NEED("name", llm_string),
	NEED("arguments", llm_string),
	DROP("caller"),
	DROP("namespace"),
	BOOKKEEPING,
	END_FIELDS,
};
static const struct llm_object call = { .fields = call_fields };
static const struct llm_field output_fields[] = {
	NEED("call_id", llm_string),
	NEED("output", parts),
	DROP("caller"),
	BOOKKEEPING,
	END_FIELDS,
};
static const struct llm_object output = { .fields = output_fields };
static const struct llm_field custom_call_fields[] = {
	NEED("call_id", llm_string),
	NEED("name", llm_string),
	NEED("input", llm_string),
	DROP("caller"),
	DROP("namespace"),
	BOOKKEEPING,
	END_FIELDS,
};
static const struct llm_object custom_call = { .fields = custom_call_fields };
static const struct llm_field words_fields[] = { NEED("text", llm_string),
						 END_FIELDS };
static const struct llm_object words = { .fields = words_fields };
static const struct llm_case summary_cases[] = {
	CASE("summary_text", words),
	END_CASES,
};
static const struct llm_object summary = { .by = "type",
					   .cases = summary_cases };
static const struct llm_shape summary_each = OBJECT(summary);
static const struct llm_shape summaries = LIST(summary_each);
static const struct llm_case thought_cases[] = {
	CASE("reasoning_text", words),
	END_CASES,
};
static const struct llm_object thought = { .by = "type",
					   .cases = thought_cases };
static const struct llm_shape thought_each = OBJECT(thought);
static const struct llm_shape thoughts = LIST(thought_each);
static const struct llm_field reasoning_fields[] = {
	NEED("summary", summaries),
	KEEP("content", thoughts),
	KEEP("encrypted_content", llm_string),
	/* It would stand for what the provider keeps. */
	DROP("id"),
	DROP("status"),
	END_FIELDS,
};
static const struct llm_object reasoning_item = { .fields = reasoning_fields };
static const struct llm_case item_cases[] = {
	CASE("message", message),
	CASE("function_call", call),
	CASE("function_call_output", output),
	CASE("custom_tool_call", custom_call),
	CASE("custom_tool_call_output", output),
	CASE("reasoning", reasoning_item),
	CASE_NOT("additional_tools"),
	CASE_NOT("apply_patch_call"),
	CASE_NOT("apply_patch_call_output"),
	CASE_NOT("code_interpreter_call"),
	CASE_NOT("compaction"),
	CASE_NOT("compaction_trigger"),
	CASE_NOT("computer_call"),
	CASE_NOT("computer_call_output"),
	CASE_NOT("file_search_call"),
	CASE_NOT("image_generation_call"),
	CASE_NOT("item_reference"),
	CASE_NOT("local_shell_call"),
	CASE_NOT("local_shell_call_output"),
	CASE_NOT("mcp_approval_request"),
	CASE_NOT("mcp_approval_response"),
	CASE_NOT("mcp_call"),
	CASE_NOT("mcp_list_tools"),
	CASE_NOT("program"),
	CASE_NOT("program_output"),
	CASE_NOT("shell_call"),
	CASE_NOT("shell_call_output"),
	CASE_NOT("tool_search_call"),
	CASE_NOT("tool_search_output"),
	CASE_NOT("web_search_call"),
	END_CASES,
};
static const struct llm_object item = { .by = "type",
					.otherwise = "message",
					.cases = item_cases };
static const struct llm_shape item_each = OBJECT(item);
static const struct llm_shape items = STRING_OR_LIST(item_each);

/* --- tools --------------------------------------------------------------- */

static const struct llm_field function_fields[] = {
	NEED("name", llm_string),     KEEP("description", llm_string),
	KEEP("parameters", llm_json), KEEP("strict", llm_bool),
	DROP("allowed_callers"),      DROP("defer_loading"),
	DROP("output_schema"),	      END_FIELDS,
};
static const struct llm_object function = { .fields = function_fields };
static const struct llm_shape syntax = WORDS("lark regex");
static const struct llm_field grammar_fields[] = {
	NEED("definition", llm_string),
	NEED("syntax", syntax),
	END_FIELDS,
};
static const struct llm_object grammar = { .fields = grammar_fields };
static const struct llm_field no_fields[] = { END_FIELDS };
static const struct llm_object nothing = { .fields = no_fields };
static const struct llm_case input_cases[] = {
	CASE("text", nothing),
	CASE("grammar", grammar),
	END_CASES,
};
static const struct llm_object input = { .by = "type", .cases = input_cases };
static const struct llm_shape input_form = OBJECT(input);
static const struct llm_field custom_fields[] = {
	NEED("name", llm_string),   KEEP("description", llm_string),
	KEEP("format", input_form), DROP("allowed_callers"),
	DROP("defer_loading"),	    END_FIELDS,
};
static const struct llm_object custom = { .fields = custom_fields };

/* The provider's own, in tools and in tool_choice. */
#define PROVIDERS_TOOLS                                                        \
	CASE_NOT("apply_patch"), CASE_NOT("code_interpreter"),                 \
		CASE_NOT("computer"), CASE_NOT("computer_use"),                \
		CASE_NOT("computer_use_preview"), CASE_NOT("file_search"),     \
		CASE_NOT("image_generation"), CASE_NOT("local_shell"),         \
		CASE_NOT("mcp"), CASE_NOT("namespace"),                        \
		CASE_NOT("programmatic_tool_calling"), CASE_NOT("shell"),      \
		CASE_NOT("tool_search"), CASE_NOT("web_search"),               \
		CASE_NOT("web_search_2025_08_26"),                             \
		CASE_NOT("web_search_preview"),                                \
		CASE_NOT("web_search_preview_2025_03_11")

static const struct llm_case tool_cases[] = {
	CASE("function", function),
	CASE("custom", custom),
	PROVIDERS_TOOLS,
	END_CASES,
};
static const struct llm_object tool = { .by = "type", .cases = tool_cases };
static const struct llm_shape tool_each = OBJECT(tool);
static const struct llm_shape tools = LIST(tool_each);

static const struct llm_field name_fields[] = { NEED("name", llm_string),
						END_FIELDS };
static const struct llm_object named = { .fields = name_fields };
static const struct llm_case allowed_cases[] = {
	CASE("function", named),
	CASE("custom", named),
	PROVIDERS_TOOLS,
	END_CASES,
};
static const struct llm_object allowed_tool = { .by = "type",
						.cases = allowed_cases };
static const struct llm_shape allowed_each = OBJECT(allowed_tool);
static const struct llm_shape allowed_list = LIST(allowed_each);
static const struct llm_shape allowed_mode = WORDS("auto required");
static const struct llm_field allowed_fields[] = {
	NEED("mode", allowed_mode),
	NEED("tools", allowed_list),
	END_FIELDS,
};
static const struct llm_object allowed = { .fields = allowed_fields };
static const struct llm_case choice_cases[] = {
	CASE("function", named),
	CASE("custom", named),
	CASE("allowed_tools", allowed),
	PROVIDERS_TOOLS,
	END_CASES,
};
static const struct llm_object choices = { .by = "type",
					   .cases = choice_cases };
static const struct llm_shape tool_choice = {
	.kinds = SHAPE_STRING | SHAPE_OBJECT,
	.words = " auto none required ",
	.object = &choices,
};

/* --- the rest ------------------------------------------------------------ */

static const struct llm_field schema_fields[] = {
	NEED("name", llm_string),
	NEED("schema", llm_json),
	KEEP("description", llm_string),
	KEEP("strict", llm_bool),
	END_FIELDS,
};
static const struct llm_object schema = { .fields = schema_fields };
static const struct llm_case format_cases[] = {
	CASE("text", nothing),
	CASE("json_object", nothing),
	CASE("json_schema", schema),
	END_CASES,
};
static const struct llm_object format_object = { .by = "type",
						 .cases = format_cases };
static const struct llm_shape format = OBJECT(format_object);
static const struct llm_shape verbosity = WORDS("low medium high");
static const struct llm_field text_config_fields[] = {
	KEEP("format", format),
	KEEP("verbosity", verbosity),
	END_FIELDS,
};
static const struct llm_object text_config = { .fields = text_config_fields };
static const struct llm_shape text_shape = OBJECT(text_config);

static const struct llm_shape effort =
	WORDS("none minimal low medium high xhigh max");
static const struct llm_shape how_short = WORDS("auto concise detailed");
static const struct llm_field reason_fields[] = {
	KEEP("effort", effort),
	KEEP("summary", how_short),
	KEEP("generate_summary", how_short),
	DROP("context"),
	DROP("mode"),
	END_FIELDS,
};
static const struct llm_object reason = { .fields = reason_fields };
static const struct llm_shape reasoning = OBJECT(reason);

/* Of what an answer may bring along, what comes from the model alone. */
static const struct llm_shape included =
	WORDS("reasoning.encrypted_content message.output_text.logprobs");
static const struct llm_shape include = LIST(included);
static const struct llm_shape truncation = WORDS("auto disabled");
static const struct llm_shape temperature = REAL(0, 2);
static const struct llm_shape unit = REAL(0, 1);
static const struct llm_shape top = WHOLE(0, 20);

static const struct llm_field create_fields[] = {
	{ "model", RULE_MODEL, NULL },
	{ "max_output_tokens", RULE_TOKENS, NULL },
	{ "stream", RULE_STREAM, NULL },
	NEED("input", items),
	KEEP("instructions", llm_string),
	KEEP("tools", tools),
	KEEP("tool_choice", tool_choice),
	KEEP("parallel_tool_calls", llm_bool),
	KEEP("reasoning", reasoning),
	KEEP("text", text_shape),
	KEEP("include", include),
	KEEP("truncation", truncation),
	KEEP("temperature", temperature),
	KEEP("top_p", unit),
	KEEP("top_logprobs", top),
	KEEP("prompt_cache_key", llm_string),
	FALSE_ONLY("store"),
	FALSE_ONLY("background"),
	REFUSE("conversation"),
	REFUSE("metadata"),
	REFUSE("previous_response_id"),
	REFUSE("prompt"),
	DROP("context_management"),
	DROP("max_tool_calls"),
	DROP("moderation"),
	DROP("prompt_cache_options"),
	DROP("prompt_cache_retention"),
	DROP("safety_identifier"),
	DROP("service_tier"),
	DROP("stream_options"),
	DROP("user"),
	END_FIELDS,
};
static const struct llm_object create = { .fields = create_fields };

const struct llm_format llm_responses = {
	.path = "/v1/responses",
	.body = &create,
	.tokens = "max_output_tokens",
	.always = ",\"store\":false",
	.streaming = "",
};
