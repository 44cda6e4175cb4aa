/* prompt: see prompt.h. */
#include "prompt.h"

#include <stdlib.h>

#include "base/str.h"

static const char how[] =
	"\n\nYou say one line of JSON and nothing else. To call a tool: "
	"{\"call\": NAME, \"arguments\": {...}}; you are told what came of it "
	"then. When the task is done: {\"answer\": TEXT}.\n\nThe tools, each "
	"with the JSON Schema of its arguments:\n";

static void put_json(struct buf *b, const json_t *v)
{
	char *text = json_dumps(v, JSON_COMPACT);

	buf_str(b, text ? text : "{}");
	free(text);
}

static const char *text_of(const json_t *object, const char *key)
{
	const char *s = json_string_value(json_object_get(object, key));

	return s ? s : "";
}

static void put_tools(struct buf *b, const json_t *tools)
{
	const json_t *t;
	size_t i;

	json_array_foreach(tools, i, t)
	{
		buf_printf(b, "\n%s: %s\n", text_of(t, "name"),
			   text_of(t, "description"));
		put_json(b, json_object_get(t, "inputSchema"));
		buf_str(b, "\n");
	}
}

static void put_results(struct buf *b, const json_t *results)
{
	const json_t *r;
	size_t i;

	json_array_foreach(results, i, r)
	{
		buf_str(b, json_is_true(json_object_get(r, "error"))
				   ? "The call failed:\n"
				   : "What came of the call:\n");
		buf_str(b, text_of(r, "text"));
		buf_str(b, "\n");
	}
}

/* As the model has said it. */
static void put_said(struct buf *b, const json_t *turn)
{
	const json_t *call = json_array_get(json_object_get(turn, "calls"), 0);
	json_t *v = call ? json_pack("{s:O, s:O}", "call",
				     json_object_get(call, "name"), "arguments",
				     json_object_get(call, "arguments"))
			 : json_pack("{s:O}", "answer",
				     json_object_get(turn, "text"));
	char *text = json_dumps(v, 0);

	buf_str(b, text ? text : "{}");
	free(text);
	json_decref(v);
}

static bool add(json_t *list, const char *role, struct buf *b)
{
	const bool ok =
		buf_ok(b) && json_array_append_new(
				     list, json_pack("{s:s, s:s}", "role", role,
						     "text", buf_cstr(b))) == 0;

	buf_reset(b);
	return ok;
}

static bool add_turn(json_t *list, const json_t *turn, struct buf *b)
{
	if (json_object_get(turn, "say")) {
		buf_str(b, text_of(turn, "say"));
		return add(list, "user", b);
	}
	if (json_object_get(turn, "results")) {
		put_results(b, json_object_get(turn, "results"));
		return add(list, "user", b);
	}
	put_said(b, turn);
	return add(list, "assistant", b);
}

json_t *prompt_messages(const char *system, const json_t *turns,
			const json_t *tools)
{
	json_t *list = json_array();
	CLEAN_BUF struct buf b;
	const json_t *turn;
	bool ok;
	size_t i;

	buf_init(&b, PROMPT_BYTES);
	buf_str(&b, system);
	buf_str(&b, how);
	put_tools(&b, tools);
	ok = add(list, "system", &b);
	json_array_foreach(turns, i, turn)
	{
		ok = ok && add_turn(list, turn, &b);
	}
	if (ok)
		return list;
	json_decref(list);
	return NULL;
}

/* A character that begins there: its bytes, or 0. */
static size_t character(struct span s)
{
	size_t n;

	for (n = 1; n <= 4 && n <= s.n; n++)
		if (utf8_valid(span_of(s.p, n)))
			return n;
	return 0;
}

static void put_clean(struct buf *b, struct span said)
{
	while (said.n) {
		size_t n = character(said);

		if (n)
			buf_put(b, said.p, n);
		else
			buf_u8(b, '?');
		n += n == 0;
		said = span_of(said.p + n, said.n - n);
	}
}

json_t *prompt_turn(struct span said, unsigned int number)
{
	CLEAN_BUF struct buf b;
	json_t *v, *turn = NULL, *arguments;
	const char *answer, *call;
	char id[16];

	buf_init(&b, PROMPT_BYTES);
	put_clean(&b, said);
	v = json_loadb(buf_cstr(&b), b.n, 0, NULL);
	answer = json_string_value(json_object_get(v, "answer"));
	call = json_string_value(json_object_get(v, "call"));
	arguments = json_object_get(v, "arguments");
	(void)str_printf(id, sizeof(id), "%u", number);
	if (call && json_is_object(arguments))
		turn = json_pack("{s:s, s:[{s:s, s:s, s:O}]}", "text", "",
				 "calls", "id", id, "name", call, "arguments",
				 arguments);
	else if (answer)
		turn = json_pack("{s:s, s:[]}", "text", answer, "calls");
	json_decref(v);
	return turn;
}
