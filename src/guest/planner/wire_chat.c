/* wire_chat: turns in the format of OpenAI's Chat Completions API. */
#include "turns.h"

#include <string.h>

#include <stdlib.h>

static json_t *calls_of(const json_t *turn)
{
	json_t *list = json_array(), *call;
	size_t i;

	json_array_foreach(json_object_get(turn, "calls"), i, call)
	{
		char *args = json_dumps(json_object_get(call, "arguments"),
					JSON_COMPACT);

		(void)json_array_append_new(
			list, json_pack("{s:O, s:s, s:{s:O, s:s}}", "id",
					json_object_get(call, "id"), "type",
					"function", "function", "name",
					json_object_get(call, "name"),
					"arguments", args ? args : "{}"));
		free(args);
	}
	return list;
}

static void put_results(json_t *list, const json_t *turn)
{
	json_t *r;
	size_t i;

	json_array_foreach(json_object_get(turn, "results"), i, r)
	{
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:O, s:O}", "role", "tool",
				  "tool_call_id", json_object_get(r, "id"),
				  "content", json_object_get(r, "text")));
	}
}

static void put_turn(json_t *list, const json_t *turn)
{
	const char *say = json_string_value(json_object_get(turn, "say"));
	json_t *m;

	if (json_object_get(turn, "results")) {
		put_results(list, turn);
		return;
	}
	if (say) {
		m = json_pack("{s:s, s:s}", "role", "user", "content", say);
	} else {
		m = json_pack("{s:s, s:O}", "role", "assistant", "content",
			      json_object_get(turn, "text"));
		if (json_array_size(json_object_get(turn, "calls")))
			(void)json_object_set_new(m, "tool_calls",
						  calls_of(turn));
	}
	(void)json_array_append_new(list, m);
}

static json_t *tools_of(const json_t *tools)
{
	json_t *list = json_array(), *t;
	size_t i;

	json_array_foreach(tools, i, t)
	{
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:{s:O, s:O, s:O}}", "type",
				  "function", "function", "name",
				  json_object_get(t, "name"), "description",
				  json_object_get(t, "description"),
				  "parameters",
				  json_object_get(t, "inputSchema")));
	}
	return list;
}

static json_t *request(const char *model, const char *system,
		       const json_t *turns, const json_t *tools)
{
	json_t *list = json_array(), *turn;
	size_t i;

	(void)json_array_append_new(
		list,
		json_pack("{s:s, s:s}", "role", "system", "content", system));
	json_array_foreach(turns, i, turn)
	{
		put_turn(list, turn);
	}
	return json_pack("{s:s, s:i, s:o, s:o}", "model", model, "max_tokens",
			 (int)TURNS_TOKENS, "messages", list, "tools",
			 tools_of(tools));
}

static json_t *answer(const json_t *body)
{
	json_t *m = json_object_get(
		json_array_get(json_object_get(body, "choices"), 0), "message");
	const char *text = json_string_value(json_object_get(m, "content"));
	json_t *calls = json_array(), *call;
	size_t i;

	json_array_foreach(json_object_get(m, "tool_calls"), i, call)
	{
		json_t *f = json_object_get(call, "function");
		const char *args =
			json_string_value(json_object_get(f, "arguments"));
		json_t *v = json_loads(args && *args ? args : "{}",
				       JSON_REJECT_DUPLICATES, NULL);
		const bool bad = !json_is_object(v);

		/* It stands in the conversation as an object without members;
		 * nobody makes that call. */
		if (bad) {
			json_decref(v);
			v = json_object();
		}
		(void)json_array_append_new(
			calls, json_pack("{s:O, s:O, s:o, s:b}", "id",
					 json_object_get(call, "id"), "name",
					 json_object_get(f, "name"),
					 "arguments", v, "bad", (int)bad));
	}
	if (!json_is_object(m)) {
		json_decref(calls);
		return NULL;
	}
	return json_pack("{s:s, s:o}", "text", text ? text : "", "calls",
			 calls);
}

const struct adapter chat_adapter = { "/v1/chat/completions", request, answer };
