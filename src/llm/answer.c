/* answer: see answer.h. One function for each event that a format has. */
#include "answer.h"

#include "base/jcur.h"

void llm_answer_init(struct llm_answer *a, enum llm_api api, bool stream)
{
	size_t i;

	*a = (struct llm_answer){ .api = api, .stream = stream };
	sse_init(&a->sse);
	buf_init(&a->whole, LLM_ANSWER);
	for (i = 0; i < LLM_CALLS; i++)
		buf_init(&a->calls[i].args, LLM_CALL_ARGS);
}

void llm_answer_done(struct llm_answer *a)
{
	size_t i;

	sse_done(&a->sse);
	buf_done(&a->whole);
	for (i = 0; i < LLM_CALLS; i++)
		buf_done(&a->calls[i].args);
}

static bool fail(struct llm_answer *a, const char *why)
{
	if (!a->why)
		a->why = why;
	return false;
}

/* --- what is common ------------------------------------------------------ */

/* A number that is there, if it is more than is known, as far as it fits. */
static bool take_number(struct jval object, const char *name, uint32_t *ret)
{
	int64_t n;

	if (!jval_int(jval_get(object, name), &n) || n < 0)
		return false;
	if (n > LLM_USED_MAX)
		n = LLM_USED_MAX;
	if (n > *ret)
		*ret = (uint32_t)n;
	return true;
}

/* Of formats that count what was read from a cache among all. True: the number
 * for the output is there. */
static bool take_usage(struct llm_answer *a, struct jval usage, const char *all,
		       const char *cached, const char *out)
{
	uint32_t in = 0, old = 0;

	(void)take_number(usage, all, &in);
	(void)take_number(jval_get(usage, cached), "cached_tokens", &old);
	if (old > in)
		old = in;
	in -= old;
	if (in > a->used.input)
		a->used.input = in;
	if (old > a->used.cache_read)
		a->used.cache_read = old;
	return take_number(usage, out, &a->used.output);
}

/* The characters of a string into b; nothing of what is none. */
static bool take_text(struct jval v, struct buf *b)
{
	struct span text;
	size_t before = b->n;
	char *p;

	if (v.kind != JVAL_STRING)
		return true;
	p = (char *)buf_extend(b, v.raw.n);
	if (!p || !jval_text(v, p, v.raw.n, &text))
		return false;
	buf_cut(b, before + text.n);
	return true;
}

/* Words that are to be looked at, whatever they are. */
static bool shows(struct llm_answer *a, struct jval v)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, SSE_EVENT + LLM_ANSWER);
	if (!take_text(v, &b))
		return fail(a, "a text of it is none");
	a->shown = b.n;
	if (a->text && b.n)
		a->text(a->arg, buf_view(&b));
	return true;
}

static bool says(struct llm_answer *a, struct jval v)
{
	if (!shows(a, v))
		return false;
	a->said += a->shown;
	return true;
}

/* The call of that index, the last that began. */
static struct llm_call *call_at(struct llm_answer *a, int64_t index)
{
	size_t i;

	for (i = a->n_calls; i-- > 0;)
		if (a->calls[i].index == index && !a->calls[i].done)
			return &a->calls[i];
	return NULL;
}

static struct llm_call *new_call(struct llm_answer *a, int64_t index,
				 struct jval id, struct jval name)
{
	struct llm_call *c;

	if (a->n_calls == LLM_CALLS) {
		(void)fail(a, "it asks for too many tools");
		return NULL;
	}
	c = &a->calls[a->n_calls];
	c->index = index;
	if (!jval_cstr(name, c->name, sizeof(c->name)) ||
	    (id.kind == JVAL_STRING && !jval_cstr(id, c->id, sizeof(c->id)))) {
		(void)fail(a, "a tool that it asks for has no name");
		return NULL;
	}
	a->n_calls++;
	return c;
}

static bool more_args(struct llm_answer *a, struct llm_call *c, struct jval v)
{
	size_t before = c->args.n, all = 0, i;

	if (!take_text(v, &c->args))
		return fail(a, "the arguments of a tool are too long");
	a->said += c->args.n - before;
	for (i = 0; i < a->n_calls; i++)
		all += a->calls[i].args.n;
	return all <= LLM_CALL_ARGS ||
	       fail(a, "the arguments of its tools are too long");
}

static bool is_type(struct jval v, const char *type)
{
	return jval_is(jval_get(v, "type"), type);
}

/* --- Messages ------------------------------------------------------------ */

/* True: the number for the output is there. */
static bool messages_used(struct llm_answer *a, struct jval usage)
{
	(void)take_number(usage, "input_tokens", &a->used.input);
	(void)take_number(usage, "cache_read_input_tokens",
			  &a->used.cache_read);
	(void)take_number(usage, "cache_creation_input_tokens",
			  &a->used.cache_write);
	return take_number(usage, "output_tokens", &a->used.output);
}

static bool messages_block(struct llm_answer *a, struct jval block,
			   int64_t index, bool whole)
{
	struct jval input = jval_get(block, "input");
	struct llm_call *c;

	if (!is_type(block, "tool_use"))
		return says(a, jval_get(block, "text")) &&
		       says(a, jval_get(block, "thinking"));
	c = new_call(a, index, jval_get(block, "id"), jval_get(block, "name"));
	if (!c)
		return false;
	/* In a stream its arguments come behind it. */
	if (whole) {
		buf_span(&c->args, input.raw);
		a->said += c->args.n;
		c->done = true;
	}
	return buf_ok(&c->args) ||
	       fail(a, "the arguments of a tool are too long");
}

static bool messages_delta(struct llm_answer *a, struct jval delta,
			   int64_t index)
{
	struct llm_call *c = call_at(a, index);

	if (!is_type(delta, "input_json_delta"))
		return says(a, jval_get(delta, "text")) &&
		       says(a, jval_get(delta, "thinking"));
	if (!c)
		return fail(a, "arguments of no tool");
	return more_args(a, c, jval_get(delta, "partial_json"));
}

static bool messages_event(struct llm_answer *a, struct jval v)
{
	int64_t index = -1;
	struct llm_call *c;

	(void)jval_int(jval_get(v, "index"), &index);
	if (is_type(v, "message_start")) {
		(void)messages_used(a,
				    jval_get(jval_get(v, "message"), "usage"));
	} else if (is_type(v, "content_block_start")) {
		return messages_block(a, jval_get(v, "content_block"), index,
				      false);
	} else if (is_type(v, "content_block_delta")) {
		return messages_delta(a, jval_get(v, "delta"), index);
	} else if (is_type(v, "content_block_stop")) {
		c = call_at(a, index);
		if (c)
			c->done = true;
	} else if (is_type(v, "message_delta")) {
		/* The last of them has them all. */
		a->used.told |= messages_used(a, jval_get(v, "usage"));
	} else if (is_type(v, "message_stop")) {
		a->ended = true;
	} else if (is_type(v, "error")) {
		a->failed = a->ended = true;
	}
	return true;
}

static bool messages_whole(struct llm_answer *a, struct jval v)
{
	struct jiter it = jiter_of(jval_get(v, "content"));
	struct jval block;
	bool ok = true;

	a->used.told = messages_used(a, jval_get(v, "usage"));
	a->failed = is_type(v, "error");
	while (ok && jiter_next(&it, NULL, &block))
		ok = messages_block(a, block, -1, true);
	return ok;
}

/* --- Chat Completions ---------------------------------------------------- */

/* True: the number for the output is there. */
static bool chat_used(struct llm_answer *a, struct jval v)
{
	return take_usage(a, jval_get(v, "usage"), "prompt_tokens",
			  "prompt_tokens_details", "completion_tokens");
}

static bool chat_failed(struct jval v)
{
	return jval_get(v, "error").kind == JVAL_OBJECT;
}

/* A tool call, whole or a piece of one: then only the first has its name. */
static bool chat_tool(struct llm_answer *a, struct jval tool, int64_t index,
		      bool whole)
{
	struct jval f = jval_get(tool, "function");
	struct llm_call *c = whole ? NULL : call_at(a, index);
	const char *args = "arguments";

	if (f.kind != JVAL_OBJECT) {
		f = jval_get(tool, "custom");
		args = "input";
	}
	if (!c)
		c = new_call(a, index, jval_get(tool, "id"),
			     jval_get(f, "name"));
	if (!c || !more_args(a, c, jval_get(f, args)))
		return false;
	c->done = whole;
	return true;
}

/* The one call of a message, as it was before there were several. */
static bool chat_old(struct llm_answer *a, struct jval f, bool whole)
{
	enum { OLD = -2 };
	const struct jval none = { 0 };
	struct llm_call *c;

	if (f.kind != JVAL_OBJECT)
		return true;
	c = whole ? NULL : call_at(a, OLD);
	if (!c)
		c = new_call(a, OLD, none, jval_get(f, "name"));
	if (!c || !more_args(a, c, jval_get(f, "arguments")))
		return false;
	c->done = whole;
	return true;
}

static bool chat_message(struct llm_answer *a, struct jval m, bool whole)
{
	struct jiter it = jiter_of(jval_get(m, "tool_calls"));
	struct jval tool;
	int64_t index;

	if (!says(a, jval_get(m, "content")) ||
	    !says(a, jval_get(m, "refusal")) ||
	    !says(a, jval_get(m, "reasoning_content")) ||
	    !says(a, jval_get(m, "reasoning")) ||
	    !chat_old(a, jval_get(m, "function_call"), whole))
		return false;
	while (jiter_next(&it, NULL, &tool)) {
		index = 0;
		(void)jval_int(jval_get(tool, "index"), &index);
		if (!chat_tool(a, tool, index, whole))
			return false;
	}
	return true;
}

static void all_done(struct llm_answer *a)
{
	size_t i;

	for (i = 0; i < a->n_calls; i++)
		a->calls[i].done = true;
}

static bool chat_choices(struct llm_answer *a, struct jval v,
			 const char *member, bool whole)
{
	struct jiter it = jiter_of(jval_get(v, "choices"));
	struct jval choice;

	while (jiter_next(&it, NULL, &choice)) {
		if (!chat_message(a, jval_get(choice, member), whole))
			return false;
		if (jval_get(choice, "finish_reason").kind == JVAL_STRING)
			all_done(a);
	}
	return true;
}

static bool chat_event(struct llm_answer *a, struct jval v)
{
	struct jiter it = jiter_of(jval_get(v, "choices"));
	struct jval choice;

	/* Some servers count as they go: the last count is the one of an event
	 * without choices, or the last before the end. */
	a->counted |= chat_used(a, v);
	a->used.told |= a->counted && !jiter_next(&it, NULL, &choice);
	a->failed |= chat_failed(v);
	return chat_choices(a, v, "delta", false);
}

static bool chat_whole(struct llm_answer *a, struct jval v)
{
	a->used.told = chat_used(a, v);
	a->failed = chat_failed(v);
	return chat_choices(a, v, "message", true);
}

/* --- Responses ----------------------------------------------------------- */

static void responses_used(struct llm_answer *a, struct jval v)
{
	a->used.told |= take_usage(a, jval_get(v, "usage"), "input_tokens",
				   "input_tokens_details", "output_tokens");
}

/* What a message or a thought of an item says. */
static bool responses_says(struct llm_answer *a, struct jval list)
{
	struct jiter it = jiter_of(list);
	struct jval part;
	bool ok = true;

	while (ok && jiter_next(&it, NULL, &part))
		ok = says(a, jval_get(part, "text")) &&
		     says(a, jval_get(part, "refusal"));
	return ok;
}

/* An item that is there whole; what it says was told before in a stream. */
static bool responses_item(struct llm_answer *a, struct jval item, bool told)
{
	const bool custom = is_type(item, "custom_tool_call");
	struct llm_call *c;

	if (!custom && !is_type(item, "function_call"))
		return told || (responses_says(a, jval_get(item, "content")) &&
				responses_says(a, jval_get(item, "summary")));
	c = new_call(a, -1, jval_get(item, "call_id"), jval_get(item, "name"));
	if (!c ||
	    !more_args(a, c, jval_get(item, custom ? "input" : "arguments")))
		return false;
	c->done = true;
	return true;
}

static bool responses_event(struct llm_answer *a, struct jval v)
{
	struct jval response = jval_get(v, "response");

	if (is_type(v, "response.output_item.done"))
		return responses_item(a, jval_get(v, "item"), true);
	if (is_type(v, "response.output_text.delta") ||
	    is_type(v, "response.refusal.delta") ||
	    is_type(v, "response.reasoning_text.delta") ||
	    is_type(v, "response.reasoning_summary_text.delta"))
		return says(a, jval_get(v, "delta"));
	/* Told again with the item, if that comes. */
	if (is_type(v, "response.function_call_arguments.delta") ||
	    is_type(v, "response.custom_tool_call_input.delta"))
		return shows(a, jval_get(v, "delta"));
	if (is_type(v, "error"))
		a->failed = a->ended = true;
	if (is_type(v, "response.completed") ||
	    is_type(v, "response.incomplete") ||
	    is_type(v, "response.failed")) {
		responses_used(a, response);
		a->failed = is_type(v, "response.failed");
		a->ended = true;
	}
	return true;
}

static bool responses_whole(struct llm_answer *a, struct jval v)
{
	struct jiter it = jiter_of(jval_get(v, "output"));
	struct jval item;
	bool ok = true;

	responses_used(a, v);
	a->failed = jval_is(jval_get(v, "status"), "failed");
	while (ok && jiter_next(&it, NULL, &item))
		ok = responses_item(a, item, false);
	return ok;
}

/* --- all of them --------------------------------------------------------- */

static bool on_event(void *arg, const char *, struct span data)
{
	struct llm_answer *a = arg;
	struct jval v;

	if (a->ended)
		return fail(a, "more came behind its end");
	if (a->api == LLM_CHAT && span_is(data, "[DONE]")) {
		a->ended = true;
		a->used.told |= a->counted;
		return true;
	}
	if (!jval_parse(data, &v) || v.kind != JVAL_OBJECT)
		return fail(a, "an event is no JSON object");
	switch (a->api) {
	case LLM_MESSAGES:
		return messages_event(a, v);
	case LLM_CHAT:
		return chat_event(a, v);
	case LLM_RESPONSES:
		return responses_event(a, v);
	case LLM_COUNT:
	case LLM_API_MAX:
		break;
	}
	return fail(a, "a stream was not asked for");
}

bool llm_answer_feed(struct llm_answer *a, struct span bytes)
{
	a->bytes += bytes.n;
	if (a->bytes > LLM_ANSWER)
		return fail(a, "it is too long");
	if (a->stream)
		return sse_feed(&a->sse, bytes, on_event, a) ||
		       fail(a, "an event is too long");
	buf_span(&a->whole, bytes);
	return buf_ok(&a->whole) || fail(a, "it is too long");
}

bool llm_answer_end(struct llm_answer *a)
{
	struct jval v;

	if (a->why)
		return false;
	if (a->stream)
		return a->ended || fail(a, "the stream was cut short");
	if (!jval_parse(buf_view(&a->whole), &v) || v.kind != JVAL_OBJECT)
		return fail(a, "it is no JSON object");
	a->ended = true;
	switch (a->api) {
	case LLM_MESSAGES:
		return messages_whole(a, v);
	case LLM_CHAT:
		return chat_whole(a, v);
	case LLM_RESPONSES:
		return responses_whole(a, v);
	case LLM_COUNT:
		(void)take_number(v, "input_tokens", &a->used.input);
		return true;
	case LLM_API_MAX:
		break;
	}
	return fail(a, "it was not asked for");
}
