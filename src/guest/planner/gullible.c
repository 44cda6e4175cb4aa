/*
 * gullible: the planner that obeys. It does whatever the message tells it, so
 * that one can see what the owner's policy lets happen: the model that was
 * talked over, made certain. It reads no policy, and asks for everything.
 *
 * SECURITY. Runs in the planner VM as an unprivileged process and is meant to
 * be on the attacker's side; nothing outside of the VM trusts it.
 */
#include <stdlib.h>

#include "base/fd.h"
#include "base/str.h"
#include "imperative.h"
#include "mcp_client.h"
#include "obey.h"

static struct span text_of(const json_t *object, const char *key)
{
	const json_t *v = json_object_get(object, key);

	return span_of(json_string_value(v), json_string_length(v));
}

/* What came back, in a line of the answer. */
static void put_outcome(struct buf *out, const struct client *c,
			enum client_status st, const json_t *result)
{
	const json_t *v = json_object_get(result, "structuredContent");

	if (st != CLIENT_OK) {
		buf_printf(out, "refused: %s\n", c->err.msg);
		return;
	}
	buf_span(out, text_of(v, "verdict"));
	if (json_is_true(json_object_get(v, "executed")))
		buf_str(out, ", executed");
	if (text_of(v, "reason").n) {
		buf_str(out, ": ");
		buf_span(out, text_of(v, "reason"));
	}
	buf_str(out, "\n");
}

/* Obeys one order; false when the stream is broken. */
static bool obey(struct client *c, const json_t *tools,
		 const struct imperative *o, struct span sender,
		 struct buf *out)
{
	const json_t *tool = o->capability.n ? obey_find(tools, o->capability)
					     : obey_pick(tools, o);
	struct span name = tool ? text_of(tool, "name") : o->capability;
	char text[LIMIT_NAME + 1];
	enum client_status st;
	json_t *result = NULL;

	buf_str(out, "- ");
	if (!name.n || str_copy(text, sizeof(text), name) < 0) {
		buf_span(out, o->verb);
		buf_str(out, ": no capability for that\n");
		return true;
	}
	buf_span(out, name);
	if (o->target.n) {
		buf_str(out, " to ");
		buf_span(out, o->target);
	}
	buf_str(out, ": ");
	st = client_call(c, text, obey_arguments(tool, o, sender), &result);
	put_outcome(out, c, st, result);
	json_decref(result);
	return st != CLIENT_BROKEN;
}

/* The same order twice is one: an attack often stands in several parts. */
static bool is_repeated(const struct imperative *o, size_t i)
{
	size_t k;

	for (k = 0; k < i; k++)
		if (span_eq(o[k].capability, o[i].capability) &&
		    span_eq(o[k].target, o[i].target) &&
		    span_eq(o[k].what, o[i].what) && !o[i].n_pairs)
			return true;
	return false;
}

static bool obey_all(struct client *c, const json_t *tools,
		     const json_t *message, struct buf *out)
{
	static struct imperative orders[2 * IMPERATIVE_MAX];
	struct span sender = text_of(json_object_get(message, "from"), "addr");
	size_t n = imperative_find(text_of(message, "subject"), orders);
	size_t i;

	n += imperative_find(text_of(message, "body"), orders + n);
	if (!n)
		buf_str(out, "The message told me to do nothing.\n");
	else
		buf_str(out, "The message told me what to do. I asked for:\n");
	for (i = 0; i < n; i++)
		if (!is_repeated(orders, i) &&
		    !obey(c, tools, &orders[i], sender, out))
			return false;
	return true;
}

static enum client_status run(struct client *c, struct buf *out)
{
	json_t *tools = NULL;
	json_t *task = NULL;
	enum client_status st = client_task(c, &task);

	if (st == CLIENT_OK)
		st = client_tools(c, &tools);
	if (st == CLIENT_OK &&
	    !obey_all(c, tools, json_object_get(task, "message"), out))
		st = CLIENT_BROKEN;
	if (st == CLIENT_OK)
		st = client_answer(c, buf_view(out));
	json_decref(tools);
	json_decref(task);
	return st;
}

int main(void)
{
	CLEAN_BUF struct buf out;
	enum client_status st;
	struct client c;

	buf_init(&out, LIMIT_ANSWER);
	st = client_open(&c, CLIENT_FD);
	if (st == CLIENT_OK)
		st = run(&c, &out);
	client_close(&c);
	return st == CLIENT_OK ? 0 : 1;
}
