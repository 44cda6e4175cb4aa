/* run: see run.h. */
#include "run.h"

#include <errno.h>
#include <poll.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "mailout/compose.h"

void connector_end(struct connector *c, int result)
{
	c->result = result;
	loop_stop(&c->loop);
}

/* To the monitor: that it can work, or what the ping at hand said. */
static void say(struct connector *c, enum msg_type t)
{
	c->msg.type = t;
	if (t == MSG_PONG)
		c->msg.ping = c->in.ping;
	else
		c->msg.empty = (struct m_empty){ 0 };
	if (chan_send(&c->monitor, &c->msg, NULL, 0) < 0)
		connector_end(c, -EPIPE);
}

/* A folder is no account: there is nothing that could be taken back, and it is
 * not said that something was. */
static void say_revoked(struct connector *c)
{
	c->msg.type = MSG_REVOKED;
	c->msg.revoked = (struct m_revoked){
		.result = REVOKED_NOTHING,
		.detail = SPAN_LIT("a folder of this host, by no credential"),
	};
	if (chan_send(&c->monitor, &c->msg, NULL, 0) < 0)
		connector_end(c, -EPIPE);
}

static void on_monitor(void *arg, int, short)
{
	struct connector *c = arg;
	const char *why;
	int r = chan_recv(&c->monitor, &c->in, &why);

	if (r <= 0)
		connector_end(c, r);
	else if (c->in.type == MSG_STOP || c->in.type == MSG_KILL)
		connector_end(c, 0);
	else if (c->in.type == MSG_PING)
		say(c, MSG_PONG);
	else if (c->in.type == MSG_REVOKE && c->revoker)
		say_revoked(c);
	else if (c->in.type == MSG_ITEM_KEPT && !c->outbound)
		maildir_item_kept(c, c->in.item_done.key);
	else if (c->in.type == MSG_ITEM_DONE && !c->outbound)
		maildir_item_done(c, c->in.item_done.key);
	else
		connector_end(c, -EPROTO);
}

/* A stop or a kill that is already here goes before any effect. */
static void on_broker(void *arg, int, short)
{
	struct connector *c = arg;
	struct pollfd first = { .fd = c->monitor.fd, .events = POLLIN };
	const char *why;
	int r;

	while (!c->loop.stop && poll(&first, 1, 0) > 0)
		on_monitor(c, first.fd, first.revents);
	if (c->loop.stop)
		return;
	r = chan_recv(&c->broker, &c->in, &why);
	if (r <= 0)
		connector_end(c, r);
	else if (c->in.type == MSG_EFFECT && c->outbound)
		outbox_effect(c);
	else
		connector_end(c, -EPROTO);
}

/* "kind=outbox from=ADDRESS" */
static int parse_arg(struct connector *c, struct span arg)
{
	static const char outbox[] = "kind=outbox from=";
	const size_t skip = sizeof(outbox) - 1;

	if (span_is(arg, "kind=maildir"))
		return 0;
	c->revoker = span_is(arg, "revoke");
	if (c->revoker)
		return 0;
	if (arg.n <= skip || memcmp(arg.p, outbox, skip) != 0)
		return -EPROTO;
	arg = span_of(arg.p + skip, arg.n - skip);
	if (!compose_addr_ok(arg) ||
	    str_copy(c->outbox.from, sizeof(c->outbox.from), arg) < 0)
		return -EPROTO;
	c->outbound = true;
	return 0;
}

static int take_hello(struct connector *c)
{
	const char *why = NULL;
	int r = chan_recv(&c->monitor, &c->in, &why);

	if (r <= 0)
		return r < 0 ? r : -EPIPE;
	if (c->in.type != MSG_HELLO || c->in.hello.name.n == 0 ||
	    str_copy(c->name, sizeof(c->name), c->in.hello.name) < 0)
		return -EPROTO;
	c->msg.ids = c->in.ids;
	return parse_arg(c, c->in.hello.arg);
}

static int start(struct connector *c)
{
	int r = take_hello(c);

	if (r == 0)
		r = loop_add(&c->loop, c->monitor.fd, POLLIN, on_monitor, c);
	if (r == 0 && !c->revoker)
		r = loop_add(&c->loop, c->broker.fd, POLLIN, on_broker, c);
	if (r == 0 && !c->revoker)
		r = c->outbound ? outbox_start(c) : maildir_start(c);
	if (r == 0)
		say(c, MSG_READY);
	return r;
}

int connector_run(struct connector *c, int monitor, int broker, int dir,
		  int state, int gate)
{
	int r;

	*c = (struct connector){
		.dir = dir,
		.state = state,
		.monitor.fd = -1,
		.broker.fd = -1,
		.maildir = { .folders = { -1, -1 },
			     .inotify = -1,
			     .timer = -1,
			     .seen.fd = -1 },
		.outbox = { .tmp = -1, .new = -1, .cur = -1 },
	};
	loop_init(&c->loop);
	r = chan_init(&c->monitor, monitor);
	if (r == 0)
		r = chan_init(&c->broker, broker);
	if (r == 0)
		r = gate_map(gate, &c->gate);
	if (r == 0)
		r = start(c);
	if (r == 0)
		r = loop_run(&c->loop);
	if (r == 0)
		r = c->result;
	maildir_stop(c);
	outbox_stop(c);
	chan_done(&c->monitor);
	chan_done(&c->broker);
	return r;
}
