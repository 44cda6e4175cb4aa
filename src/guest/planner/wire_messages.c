/* wire_messages: turns in the format of Anthropic's Messages API. */
#include "turns.h"

#include <string.h>

static json_t *blocks_of(const json_t *turn)
{
	const char *text = json_string_value(json_object_get(turn, "text"));
	json_t *list = json_array(), *call;
	size_t i;

	if (text && *text)
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s}", "type", "text", "text", text));
	json_array_foreach(json_object_get(turn, "calls"), i, call)
	{
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:O, s:O, s:O}", "type", "tool_use",
				  "id", json_object_get(call, "id"), "name",
				  json_object_get(call, "name"), "input",
				  json_object_get(call, "arguments")));
	}
	return list;
}

static json_t *results_of(const json_t *turn)
{
	json_t *list = json_array(), *r;
	size_t i;

	json_array_foreach(json_object_get(turn, "results"), i, r)
	{
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:O, s:O, s:O}", "type", "tool_result",
				  "tool_use_id", json_object_get(r, "id"),
				  "content", json_object_get(r, "text"),
				  "is_error", json_object_get(r, "error")));
	}
	return list;
}

static json_t *message_of(const json_t *turn)
{
	const char *say = json_string_value(json_object_get(turn, "say"));

	if (say)
		return json_pack("{s:s, s:s}", "role", "user", "content", say);
	if (json_object_get(turn, "results"))
		return json_pack("{s:s, s:o}", "role", "user", "content",
				 results_of(turn));
	return json_pack("{s:s, s:o}", "role", "assistant", "content",
			 blocks_of(turn));
}

static json_t *tools_of(const json_t *tools)
{
	json_t *list = json_array(), *t;
	size_t i;

	json_array_foreach(tools, i, t)
	{
		(void)json_array_append_new(
			list,
			json_pack("{s:O, s:O, s:O}", "name",
				  json_object_get(t, "name"), "description",
				  json_object_get(t, "description"),
				  "input_schema",
				  json_object_get(t, "inputSchema")));
	}
	return list;
}

static json_t *request(const char *model, const char *system,
		       const json_t *turns, const json_t *tools)
{
	json_t *list = json_array(), *turn;
	size_t i;

	json_array_foreach(turns, i, turn)
	{
		(void)json_array_append_new(list, message_of(turn));
	}
	return json_pack("{s:s, s:i, s:s, s:o, s:o}", "model", model,
			 "max_tokens", (int)TURNS_TOKENS, "system", system,
			 "messages", list, "tools", tools_of(tools));
}

static json_t *answer(const json_t *body)
{
	json_t *content = json_object_get(body, "content"), *block;
	json_t *calls = json_array();
	const char *text = "";
	size_t i;

	json_array_foreach(content, i, block)
	{
		const char *type =
			json_string_value(json_object_get(block, "type"));

		if (type && !strcmp(type, "text"))
			text = json_string_value(
				json_object_get(block, "text"));
		else if (type && !strcmp(type, "tool_use"))
			(void)json_array_append_new(
				calls,
				json_pack("{s:O, s:O, s:O}", "id",
					  json_object_get(block, "id"), "name",
					  json_object_get(block, "name"),
					  "arguments",
					  json_object_get(block, "input")));
	}
	if (!json_is_array(content)) {
		json_decref(calls);
		return NULL;
	}
	return json_pack("{s:s, s:o}", "text", text ? text : "", "calls",
			 calls);
}

const struct adapter messages_adapter = { "/v1/messages", request, answer };
