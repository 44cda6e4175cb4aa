/*
 * triage: the planner that is useful without any model. It tells the owner
 * what is new, and never requests a capability.
 *
 * SECURITY. Runs in the planner VM as an unprivileged process; reads what the
 * host says over one stream, of which the message is written by strangers.
 * Holds nothing; whatever it did, the host would take it for a request.
 */
#include "digest.h"
#include "mcp_client.h"

static enum client_status run(struct client *c, struct buf *out)
{
	json_t *task = NULL;
	enum client_status st = client_task(c, &task);
	json_t *message;

	if (st != CLIENT_OK)
		return st;
	message = json_object_get(task, "message");
	if (json_is_object(message))
		digest_message(out, message);
	else
		buf_str(out, "There is no message in this task.\n");
	json_decref(task);
	return client_answer(c, buf_view(out));
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
