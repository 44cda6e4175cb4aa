/*
 * mcp_rig: for tests: an MCP server on stdin and stdout, which is the porter of
 * a planner VM (the real one in its sandbox with BULKHEAD_LIBEXEC): lines go
 * over the wire as a guest's would, and only the broker is played, by a script.
 *
 * The argument is that script, an array of tools:
 *
 *	{"name": "greet", "description": "...", "schema": {...},
 *	 "reason": "Hello, {name}!", "verdict": "allow", "executed": true,
 *	 "wait": 1, "wait_for": "seconds"}
 *
 * "{name}" is an argument of the call. wait and wait_for (an argument), both in
 * seconds and at most WAIT_MOST, make it a request that waits for the owner;
 * it comes to verdict and executed then.
 */
#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/fd.h"
#include "base/str.h"
#include "mcp.h"
#include "porter_rig.h"

enum {
	TICKETS = 256,
	WAIT_MOST = 3,
	REASON_MAX = 1024,
};

static struct script {
	struct rig rig;
	json_t *tools;
	size_t n_tickets;
	struct {
		const json_t *tool;
		uint64_t due_ms;
		char reason[REASON_MAX];
	} tickets[TICKETS]; /* q1 is the first */
	struct m_wait wait; /* ticket 0: nobody waits */
	uint64_t wait_until_ms;
} script;

static struct span text_of(const json_t *v, const char *key)
{
	const json_t *s = json_object_get(v, key);

	return span_of(json_string_value(s), json_string_length(s));
}

static void tell(const struct msg *m)
{
	assert_int_equal(chan_send(&script.rig.broker, m, NULL, 0), 0);
}

static const struct m_arg *arg_of(const struct m_call *c, struct span name)
{
	size_t i;

	for (i = 0; i < c->n; i++)
		if (span_eq(c->args[i].name, name))
			return &c->args[i];
	return NULL;
}

/* The reason, with the argument that it names. */
static void put_reason(char ret[REASON_MAX], const json_t *tool,
		       const struct m_call *c)
{
	struct span s = text_of(tool, "reason");
	const uint8_t *open = s.n ? memchr(s.p, '{', s.n) : NULL;
	const uint8_t *close = s.n ? memchr(s.p, '}', s.n) : NULL;
	const struct m_arg *a = NULL;

	if (open && close > open)
		a = arg_of(c, span_of(open + 1, (size_t)(close - open - 1)));
	if (a)
		(void)str_printf(ret, REASON_MAX, "%.*s%.*s%.*s",
				 (int)(open - s.p), (const char *)s.p,
				 (int)a->value.n, (const char *)a->value.p,
				 (int)(s.p + s.n - close - 1), close + 1);
	else
		(void)str_printf(ret, REASON_MAX, "%.*s", (int)s.n,
				 (const char *)s.p);
}

static uint64_t wait_of(const json_t *tool, const struct m_call *c)
{
	const json_t *wait = json_object_get(tool, "wait");
	struct span name = text_of(tool, "wait_for");
	const struct m_arg *a = name.n ? arg_of(c, name) : NULL;
	uint64_t s = (uint64_t)json_integer_value(wait);

	if (a && num_parse(a->value, 0, 3600, &s) < 0)
		s = 0;
	return s > WAIT_MOST ? WAIT_MOST : s;
}

static void tell_over(uint64_t call, const json_t *tool, const char *reason,
		      uint64_t ticket)
{
	struct msg m = { .type = MSG_CALL_RESULT };

	m.call_result.call = call;
	m.call_result.ticket = ticket;
	m.call_result.verdict = span_is(text_of(tool, "verdict"), "deny")
					? VERDICT_DENY
					: VERDICT_ALLOW;
	m.call_result.executed =
		json_is_true(json_object_get(tool, "executed"));
	m.call_result.clause = SPAN_LIT("script.json:1:1");
	m.call_result.reason = span_str(reason);
	tell(&m);
}

static void tell_waits(uint64_t call, uint64_t ticket)
{
	struct msg m = { .type = MSG_CALL_RESULT };

	m.call_result.call = call;
	m.call_result.ticket = ticket;
	m.call_result.verdict = VERDICT_ASK;
	m.call_result.reason = SPAN_LIT("the owner has been asked");
	tell(&m);
}

/* As the broker says it of what no policy has. */
static void tell_unknown(const struct m_call *c)
{
	struct msg m = { .type = MSG_CALL_RESULT };
	char reason[REASON_MAX];

	(void)str_printf(reason, sizeof(reason),
			 "the policy has no capability \"%.*s\"",
			 (int)c->capability.n, (const char *)c->capability.p);
	m.call_result.call = c->call;
	m.call_result.verdict = VERDICT_DENY;
	m.call_result.clause = SPAN_LIT(CLAUSE_NO_CAPABILITY "so called");
	m.call_result.reason = span_str(reason);
	tell(&m);
}

static void on_call(const struct m_call *c)
{
	const json_t *tool = NULL, *v;
	char reason[REASON_MAX];
	uint64_t s;
	size_t i;

	json_array_foreach(script.tools, i, v)
	{
		if (span_eq(text_of(v, "name"), c->capability))
			tool = v;
	}
	if (!tool) {
		tell_unknown(c);
		return;
	}
	put_reason(reason, tool, c);
	s = wait_of(tool, c);
	if (!s || script.n_tickets == TICKETS) {
		tell_over(c->call, tool, reason, 0);
		return;
	}
	i = script.n_tickets++;
	script.tickets[i].tool = tool;
	script.tickets[i].due_ms = now_ms() + s * 1000;
	memcpy(script.tickets[i].reason, reason, sizeof(reason));
	tell_waits(c->call, i + 1);
}

/* To whoever waits, when it is time to. */
static void tell_waiting(void)
{
	const struct m_wait *w = &script.wait;
	uint64_t now = now_ms();

	if (!w->ticket)
		return;
	if (w->ticket > script.n_tickets)
		tell_over(w->call, NULL, "this task has no such ticket", 0);
	else if (now >= script.tickets[w->ticket - 1].due_ms)
		tell_over(w->call, script.tickets[w->ticket - 1].tool,
			  script.tickets[w->ticket - 1].reason, 0);
	else if (now >= script.wait_until_ms)
		tell_waits(w->call, w->ticket);
	else
		return;
	script.wait.ticket = 0;
}

static void on_tools(void)
{
	struct msg end = { .type = MSG_TOOLS_END };
	const json_t *v;
	size_t i;

	json_array_foreach(script.tools, i, v)
	{
		struct msg m = { .type = MSG_TOOL };
		char *schema = json_dumps(json_object_get(v, "schema"), 0);

		assert_non_null(schema);
		m.tool.name = text_of(v, "name");
		m.tool.description = text_of(v, "description");
		m.tool.schema = span_str(schema);
		tell(&m);
		free(schema);
	}
	tell(&end);
}

static void on_broker(void)
{
	struct msg out = { 0 };
	const char *why = "";
	struct msg m;

	if (chan_recv(&script.rig.broker, &m, &why) != 1)
		exit(1);
	if (m.type == MSG_TOOLS_GET) {
		on_tools();
	} else if (m.type == MSG_CALL) {
		on_call(&m.call);
	} else if (m.type == MSG_WAIT) {
		script.wait = m.wait;
		script.wait_until_ms =
			now_ms() + (uint64_t)m.wait.seconds * 1000;
	} else if (m.type == MSG_TASK_GET) {
		out.type = MSG_TASK;
		out.task.instruction = SPAN_LIT("Try each of your tools.");
		out.task.items = SPAN_LIT("[]");
		tell(&out);
	} else if (m.type == MSG_ANSWER) {
		out.type = MSG_ANSWER_OK;
		tell(&out);
	} else {
		fail_msg("the broker is sent %s", msg_type_name(m.type));
	}
	tell_waiting();
}

/* False at its end. */
static bool on_stdin(void)
{
	uint8_t chunk[32 << 10];
	ssize_t n = read(STDIN_FILENO, chunk, sizeof(chunk));

	if (n > 0)
		guest_say(&script.rig, span_of(chunk, (size_t)n));
	return n > 0 || (n < 0 && errno == EINTR);
}

static void work(void)
{
	struct rig *r = &script.rig;
	struct pollfd p[] = { { STDIN_FILENO, POLLIN, 0 },
			      { r->wire, POLLIN, 0 },
			      { r->broker.fd, POLLIN, 0 } };

	for (;;) {
		assert_true(poll(p, ARRAY_SIZE(p), 20) >= 0 || errno == EINTR);
		if (p[2].revents)
			on_broker();
		tell_waiting();
		if (p[1].revents && !guest_pump(r))
			exit(1);
		assert_int_equal(fd_write_all(STDOUT_FILENO, buf_view(&r->got)),
				 0);
		buf_reset(&r->got);
		if (p[0].revents && !on_stdin())
			return;
	}
}

int main(int argc, char **argv)
{
	json_error_t e;

	if (argc != 2)
		return 2;
	script.tools = json_load_file(argv[1], JSON_REJECT_DUPLICATES, &e);
	if (!json_is_array(script.tools)) {
		(void)fprintf(stderr, "%s:%d: %s\n", argv[1], e.line, e.text);
		return 2;
	}
	rig_start(&script.rig, "workload=planner-triage deadline_ms=3600000",
		  -1);
	rig_work(&script.rig, -1, 0);
	guest_open(&script.rig);
	work();
	json_decref(script.tools);
	return rig_stop(&script.rig);
}
