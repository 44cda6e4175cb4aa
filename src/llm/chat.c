/*
 * chat: the requests of OpenAI's Chat Completions API, which local servers
 * speak as well.
 *
 * A stream always tells its usage at its end: budgets are settled by it.
 */
#include "common.h"

/* Where a cache may end: no more than a hint. */
#define TEXT_HINTS DROP("prompt_cache_breakpoint")

static const struct llm_field text_fields[] = { NEED("text", llm_string),
						TEXT_HINTS, END_FIELDS };
static const struct llm_object text = { .fields = text_fields };
static const struct llm_case text_cases[] = { CASE("text", text), END_CASES };
static const struct llm_object text_part = { .by = "type",
					     .cases = text_cases };
static const struct llm_shape text_each = OBJECT(text_part);
static const struct llm_shape texts = STRING_OR_LIST(text_each);

static const struct llm_shape data_url = { .kinds = SHAPE_STRING,
					   .check = CHECK_IMAGE_URL };
static const struct llm_shape detail = WORDS("low high auto");
static const struct llm_field url_fields[] = { NEED("url", data_url),
					       KEEP("detail", detail),
					       END_FIELDS };
static const struct llm_object url = { .fields = url_fields };
static const struct llm_shape image_url = OBJECT(url);
static const struct llm_field image_fields[] = { NEED("image_url", image_url),
						 TEXT_HINTS, END_FIELDS };
static const struct llm_object image = { .fields = image_fields };

static const struct llm_shape audio_format = WORDS("wav mp3");
static const struct llm_field audio_data_fields[] = {
	NEED("data", llm_string),
	NEED("format", audio_format),
	END_FIELDS,
};
static const struct llm_object audio_data = { .fields = audio_data_fields,
					      .check = CHECK_AUDIO };
static const struct llm_shape input_audio = OBJECT(audio_data);
static const struct llm_field audio_fields[] = {
	NEED("input_audio", input_audio),
	TEXT_HINTS,
	END_FIELDS,
};
static const struct llm_object audio = { .fields = audio_fields };

static const struct llm_shape file_url = { .kinds = SHAPE_STRING,
					   .check = CHECK_FILE_URL };
static const struct llm_field file_data_fields[] = {
	NEED("file_data", file_url),
	KEEP("filename", llm_string),
	REFUSE("file_id"),
	END_FIELDS,
};
static const struct llm_object file_data = { .fields = file_data_fields };
static const struct llm_shape file_from = OBJECT(file_data);
static const struct llm_field file_fields[] = { NEED("file", file_from),
						TEXT_HINTS, END_FIELDS };
static const struct llm_object file = { .fields = file_fields };

static const struct llm_case part_cases[] = {
	CASE("text", text),
	CASE("image_url", image),
	CASE("input_audio", audio),
	CASE("file", file),
	END_CASES,
};
static const struct llm_object part = { .by = "type", .cases = part_cases };
static const struct llm_shape part_each = OBJECT(part);
static const struct llm_shape parts = STRING_OR_LIST(part_each);

static const struct llm_field refusal_fields[] = { NEED("refusal", llm_string),
						   END_FIELDS };
static const struct llm_object refusal = { .fields = refusal_fields };
static const struct llm_case said_cases[] = {
	CASE("text", text),
	CASE("refusal", refusal),
	END_CASES,
};
static const struct llm_object said = { .by = "type", .cases = said_cases };
static const struct llm_shape said_each = OBJECT(said);
static const struct llm_shape said_parts = STRING_OR_LIST(said_each);

static const struct llm_field function_fields[] = {
	NEED("name", llm_string),
	NEED("arguments", llm_string),
	END_FIELDS,
};
static const struct llm_object function = { .fields = function_fields };
static const struct llm_shape function_call = OBJECT(function);
static const struct llm_field function_use_fields[] = {
	NEED("id", llm_string),
	NEED("function", function_call),
	END_FIELDS,
};
static const struct llm_object function_use = { .fields = function_use_fields };
static const struct llm_field custom_fields[] = {
	NEED("name", llm_string),
	NEED("input", llm_string),
	END_FIELDS,
};
static const struct llm_object custom = { .fields = custom_fields };
static const struct llm_shape custom_call = OBJECT(custom);
static const struct llm_field custom_use_fields[] = {
	NEED("id", llm_string),
	NEED("custom", custom_call),
	END_FIELDS,
};
static const struct llm_object custom_use = { .fields = custom_use_fields };
static const struct llm_case use_cases[] = {
	CASE("function", function_use),
	CASE("custom", custom_use),
	END_CASES,
};
static const struct llm_object use = { .by = "type",
				       .otherwise = "function",
				       .cases = use_cases };
static const struct llm_shape use_each = OBJECT(use);
static const struct llm_shape uses = LIST(use_each);

/* --- messages ------------------------------------------------------------ */

static const struct llm_field system_fields[] = { NEED("content", texts),
						  KEEP("name", llm_string),
						  END_FIELDS };
static const struct llm_object system_turn = { .fields = system_fields };
static const struct llm_field user_fields[] = { NEED("content", parts),
						KEEP("name", llm_string),
						END_FIELDS };
static const struct llm_object user = { .fields = user_fields };
static const struct llm_field assistant_fields[] = {
	KEEP("content", said_parts),
	KEEP("refusal", llm_string),
	KEEP("name", llm_string),
	KEEP("tool_calls", uses),
	KEEP("function_call", function_call),
	KEEP("reasoning_content", llm_string), /* of local servers */
	REFUSE("audio"),
	END_FIELDS,
};
static const struct llm_object assistant = { .fields = assistant_fields };
static const struct llm_field tool_fields[] = {
	NEED("content", texts),
	NEED("tool_call_id", llm_string),
	END_FIELDS,
};
static const struct llm_object tool_turn = { .fields = tool_fields };
static const struct llm_field old_fields[] = {
	NEED("content", llm_string),
	NEED("name", llm_string),
	END_FIELDS,
};
static const struct llm_object old = { .fields = old_fields };
static const struct llm_case roles[] = {
	CASE("developer", system_turn),
	CASE("system", system_turn),
	CASE("user", user),
	CASE("assistant", assistant),
	CASE("tool", tool_turn),
	CASE("function", old),
	END_CASES,
};
static const struct llm_object message = { .by = "role", .cases = roles };
static const struct llm_shape message_each = OBJECT(message);
static const struct llm_shape messages = LIST(message_each);

/* --- tools --------------------------------------------------------------- */

static const struct llm_field declared_fields[] = {
	NEED("name", llm_string),
	KEEP("description", llm_string),
	KEEP("parameters", llm_json),
	KEEP("strict", llm_bool),
	END_FIELDS,
};
static const struct llm_object declared = { .fields = declared_fields };
static const struct llm_shape declaration = OBJECT(declared);
static const struct llm_shape declarations = LIST(declaration);
static const struct llm_field function_tool_fields[] = {
	NEED("function", declaration),
	END_FIELDS,
};
static const struct llm_object function_tool = { .fields =
							 function_tool_fields };
static const struct llm_shape syntax = WORDS("lark regex");
static const struct llm_field grammar_fields[] = {
	NEED("definition", llm_string),
	NEED("syntax", syntax),
	END_FIELDS,
};
static const struct llm_object grammar = { .fields = grammar_fields };
static const struct llm_shape grammar_shape = OBJECT(grammar);
static const struct llm_field grammar_form_fields[] = {
	NEED("grammar", grammar_shape),
	END_FIELDS,
};
static const struct llm_object grammar_form = { .fields = grammar_form_fields };
static const struct llm_field no_fields[] = { END_FIELDS };
static const struct llm_object nothing = { .fields = no_fields };
static const struct llm_case input_cases[] = {
	CASE("text", nothing),
	CASE("grammar", grammar_form),
	END_CASES,
};
static const struct llm_object input = { .by = "type", .cases = input_cases };
static const struct llm_shape input_form = OBJECT(input);
static const struct llm_field free_fields[] = {
	NEED("name", llm_string),
	KEEP("description", llm_string),
	KEEP("format", input_form),
	END_FIELDS,
};
static const struct llm_object free_form = { .fields = free_fields };
static const struct llm_shape free_shape = OBJECT(free_form);
static const struct llm_field custom_tool_fields[] = {
	NEED("custom", free_shape),
	END_FIELDS,
};
static const struct llm_object custom_tool = { .fields = custom_tool_fields };
static const struct llm_case tool_cases[] = {
	CASE("function", function_tool),
	CASE("custom", custom_tool),
	END_CASES,
};
static const struct llm_object tool = { .by = "type", .cases = tool_cases };
static const struct llm_shape tool_each = OBJECT(tool);
static const struct llm_shape tools = LIST(tool_each);

static const struct llm_field name_fields[] = { NEED("name", llm_string),
						END_FIELDS };
static const struct llm_object name_object = { .fields = name_fields };
static const struct llm_shape named = OBJECT(name_object);
static const struct llm_field choose_function_fields[] = {
	NEED("function", named),
	END_FIELDS,
};
static const struct llm_object choose_function = {
	.fields = choose_function_fields
};
static const struct llm_field choose_custom_fields[] = {
	NEED("custom", named),
	END_FIELDS,
};
static const struct llm_object choose_custom = { .fields =
							 choose_custom_fields };
static const struct llm_case allowed_cases[] = {
	CASE("function", choose_function),
	CASE("custom", choose_custom),
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
static const struct llm_shape allowed_shape = OBJECT(allowed);
static const struct llm_field choose_allowed_fields[] = {
	NEED("allowed_tools", allowed_shape),
	END_FIELDS,
};
static const struct llm_object choose_allowed = {
	.fields = choose_allowed_fields
};
static const struct llm_case choice_cases[] = {
	CASE("function", choose_function),
	CASE("custom", choose_custom),
	CASE("allowed_tools", choose_allowed),
	END_CASES,
};
static const struct llm_object choices = { .by = "type",
					   .cases = choice_cases };
static const struct llm_shape tool_choice = {
	.kinds = SHAPE_STRING | SHAPE_OBJECT,
	.words = " auto none required ",
	.object = &choices,
};
static const struct llm_shape old_choice = {
	.kinds = SHAPE_STRING | SHAPE_OBJECT,
	.words = " auto none ",
	.object = &name_object,
};

/* --- the rest ------------------------------------------------------------ */

static const struct llm_field schema_fields[] = {
	NEED("name", llm_string),
	KEEP("description", llm_string),
	KEEP("schema", llm_json),
	KEEP("strict", llm_bool),
	END_FIELDS,
};
static const struct llm_object schema = { .fields = schema_fields };
static const struct llm_shape schema_shape = OBJECT(schema);
static const struct llm_field schema_form_fields[] = {
	NEED("json_schema", schema_shape),
	END_FIELDS,
};
static const struct llm_object schema_form = { .fields = schema_form_fields };
static const struct llm_case answer_cases[] = {
	CASE("text", nothing),
	CASE("json_object", nothing),
	CASE("json_schema", schema_form),
	END_CASES,
};
static const struct llm_object answer = { .by = "type", .cases = answer_cases };
static const struct llm_shape response_format = OBJECT(answer);

static const struct llm_shape effort =
	WORDS("none minimal low medium high xhigh max");
static const struct llm_shape verbosity = WORDS("low medium high");
static const struct llm_shape text_word = WORDS("text");
static const struct llm_shape text_alone = LIST(text_word);
static const struct llm_shape penalty = REAL(-2, 2);
static const struct llm_shape temperature = REAL(0, 2);
static const struct llm_shape unit = REAL(0, 1);
static const struct llm_shape one = WHOLE(1, 1);
static const struct llm_shape any_seed =
	WHOLE(-9007199254740991.0, 9007199254740991.0);
static const struct llm_shape top = WHOLE(0, 20);
static const struct llm_shape stops = STRING_OR_LIST(llm_string);

static const struct llm_field create_fields[] = {
	{ "model", RULE_MODEL, NULL },
	{ "max_tokens", RULE_TOKENS, NULL },
	{ "max_completion_tokens", RULE_TOKENS, NULL },
	{ "stream", RULE_STREAM, NULL },
	NEED("messages", messages),
	KEEP("tools", tools),
	KEEP("tool_choice", tool_choice),
	KEEP("parallel_tool_calls", llm_bool),
	KEEP("functions", declarations),
	KEEP("function_call", old_choice),
	KEEP("response_format", response_format),
	KEEP("reasoning_effort", effort),
	KEEP("verbosity", verbosity),
	KEEP("modalities", text_alone),
	KEEP("temperature", temperature),
	KEEP("top_p", unit),
	KEEP("frequency_penalty", penalty),
	KEEP("presence_penalty", penalty),
	KEEP("logit_bias", llm_json),
	KEEP("logprobs", llm_bool),
	KEEP("top_logprobs", top),
	KEEP("n", one),
	KEEP("seed", any_seed),
	KEEP("stop", stops),
	KEEP("prompt_cache_key", llm_string),
	FALSE_ONLY("store"),
	REFUSE("web_search_options"),
	REFUSE("metadata"),
	DROP("audio"),
	DROP("moderation"),
	/* What it foretold wrongly is billed. */
	DROP("prediction"),
	DROP("prompt_cache_options"),
	DROP("prompt_cache_retention"),
	DROP("safety_identifier"),
	DROP("service_tier"),
	DROP("stream_options"),
	DROP("user"),
	END_FIELDS,
};
static const struct llm_object create = { .fields = create_fields };

const struct llm_format llm_chat = {
	.path = "/v1/chat/completions",
	.body = &create,
	.tokens = "max_completion_tokens",
	.always = "",
	.streaming = ",\"stream_options\":{\"include_usage\":true}",
};
