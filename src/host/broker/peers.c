/*
 * peers: who may say what to the broker. The table is the state machine's
 * outer wall: handlers never see a message that its sender may not send.
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/time.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/broker/broker.h"
#include "host/broker/memory.h"
#include "policy/model.h"

static const char *const kind_names[] = {
	[PEER_NONE] = "none",		[PEER_MONITOR] = "monitor",
	[PEER_CONTROL] = "control",	[PEER_ENVELOPE] = "envelope",
	[PEER_READER] = "reader",	[PEER_PLANNER] = "planner",
	[PEER_CONNECTOR] = "connector",
};

/* One that was started again: what the one before it said is heard first, and
 * what that was doing then is unknown. */
static void forget_connector(struct broker *b, const char *name)
{
	struct peer *p = peer_of_connector(b, name);

	if (p)
		peer_drain(b, p);
	p = peer_of_connector(b, name);
	if (p)
		peer_close(b, p);
}

static void on_connector(struct broker *b, struct peer *from)
{
	CLEAN_FD int fd = chan_take_fd(&from->chan, 0);
	bool outbound = b->in.connector.ways & WAY_OUT;
	char name[LIMIT_NAME + 1];
	struct peer *p;

	if (str_copy(name, sizeof(name), b->in.connector.name) < 0)
		die("connector: its name is too long");
	items_trust(b, &b->in.connector);
	forget_connector(b, name);
	p = peer_add(b, PEER_CONNECTOR, take_fd(&fd));
	if (!p)
		die("connector: no room");
	(void)str_copy(p->name, sizeof(p->name), span_str(name));
	p->outbound = outbound;
	p->ways = b->in.connector.ways;
	p->via = span_is(b->in.connector.kind, "telegram") ? VIA_TELEGRAM
		 : span_is(b->in.connector.kind, "slack")  ? VIA_SLACK
							   : 0;
	if (p->ways & WAY_MODEL)
		model_connected(b);
	/* What has been approved may have waited for it. */
	if (outbound || p->ways & WAY_APPROVALS)
		approvals_soon(b);
	chat_connected(b, p);
}

/* Control was started again. */
static void on_peer(struct broker *b, struct peer *from)
{
	struct peer *p = peer_of_kind(b, PEER_CONTROL);

	if (p)
		peer_close(b, p);
	if (!peer_add(b, PEER_CONTROL, chan_take_fd(&from->chan, 0)))
		die("control: no room");
}

static void on_ping(struct broker *b, struct peer *from)
{
	b->out.type = MSG_PONG;
	b->out.ids = b->ids;
	b->out.ping = b->in.ping;
	peer_send(b, from, NULL, 0);
}

/* Telemetry was started, or started again. */
static void on_telemetry(struct broker *b, struct peer *from)
{
	observed_to(b, chan_take_fd(&from->chan, 0));
}

static void on_item_new(struct broker *b, struct peer *from)
{
	item_new(b, &b->in.item_new, chan_take_fd(&from->chan, 0));
}

static void on_vm_new(struct broker *b, struct peer *from)
{
	const struct m_vm_new *m = &b->in.vm_new;
	struct peer *p;

	p = peer_add(b, m->kind == VM_READER ? PEER_READER : PEER_PLANNER,
		     chan_take_fd(&from->chan, 0));
	if (!p)
		die("no room for a virtual machine's channel");
	p->vm = m->vm;
	p->item = m->item;
	p->task = p->kind == PEER_PLANNER ? b->in.ids.task : 0;
	if (b->acting && p->kind == PEER_PLANNER)
		loop_del(&b->loop, p->chan.fd);
}

static void on_vm_gone(struct broker *b, struct peer *from)
{
	uint64_t vm = b->in.vm_gone.vm;
	struct peer *p = peer_of_vm(b, vm);
	char reason[513];
	struct task *t;
	struct item *it;

	(void)from;
	if (!p || str_copy(reason, sizeof(reason), b->in.vm_gone.reason) < 0)
		return;
	/* What its porter said before it ended may still be in the channel. */
	peer_drain(b, p);
	p = peer_of_vm(b, vm);
	if (!p)
		return;
	t = task_at_work(b, p);
	it = p->kind == PEER_READER ? item_find(b, p->item) : NULL;
	peer_close(b, p);
	if (t)
		task_failed(b, t, reason);
	else if (it && it->verdict == ITEM_PENDING && it->record_fd < 0)
		item_finish(b, it, ITEM_REFUSED, reason);
}

static void on_kill(struct broker *b, struct peer *from)
{
	const struct m_latch all = { .level = LATCH_ALL };

	(void)from;
	b->killed = true;
	log_warn("killed", "why=\"every further request is refused\"");
	approvals_latched(b, &all);
}

static void on_latch(struct broker *b, struct peer *from)
{
	(void)from;
	latch_told(b);
}

static void on_documents(struct broker *b, struct peer *from)
{
	(void)from;
	buf_done(&b->documents);
	buf_init(&b->documents, LIMIT_DOCUMENTS);
	buf_span(&b->documents, b->in.documents.text);
	if (!buf_ok(&b->documents))
		die("out of memory");
}

/* Connectors have ended before us: what one said of its effect is here. */
static void on_stop(struct broker *b, struct peer *from)
{
	size_t i;

	(void)from;
	for (i = 0; i < BROKER_PEERS; i++)
		if (b->peers[i].kind == PEER_CONNECTOR && b->peers[i].effect)
			peer_drain(b, &b->peers[i]);
	for (i = 0; i < BROKER_PEERS; i++)
		refusals_flush(b, &b->peers[i]);
	loop_stop(&b->loop);
}

static void on_envelope(struct broker *b, struct peer *p)
{
	struct item *it = item_find(b, p->item);

	if (it && !it->have_envelope)
		item_envelope(b, it, &b->in.envelope);
	peer_close(b, p);
}

static void on_record(struct broker *b, struct peer *p)
{
	CLEAN_FD int fd = chan_take_fd(&p->chan, 0);
	struct item *it = item_find(b, p->item);

	if (it && it->verdict == ITEM_PENDING && it->record_fd < 0)
		item_record(b, it, fd);
}

static void on_refused(struct broker *b, struct peer *p)
{
	struct item *it = item_find(b, p->item);
	char why[513];
	struct span s = b->in.text.text;

	if (s.n > sizeof(why) - 1)
		s.n = sizeof(why) - 1;
	if (it && it->verdict == ITEM_PENDING && it->record_fd < 0)
		item_finish(b, it, ITEM_REFUSED,
			    str_copy(why, sizeof(why), s) < 0 ? "no reason"
							      : why);
}

static void on_effect_done(struct broker *b, struct peer *p)
{
	effect_done(b, p, &b->in.effect_done);
}

/* The owner is there: somebody who may give orders has asked for it. */
static void on_lease(struct broker *b, struct peer *p)
{
	lease_renew(b);
	b->out.type = MSG_C_OK;
	b->out.ids = b->ids;
	b->out.empty = (struct m_empty){ 0 };
	peer_send(b, p, NULL, 0);
}

static void on_items(struct broker *b, struct peer *p)
{
	items_tell(b, p);
}

/* What of the owner's changes something: then he is there. */
static const bool owner_acts[MSG_TYPE_MAX] = {
	[MSG_C_SETTLE] = true,	    [MSG_C_REPEAT] = true,
	[MSG_C_ERASE] = true,	    [MSG_C_APPROVE] = true,
	[MSG_C_DECLINE] = true,	    [MSG_C_TASK_RUN] = true,
	[MSG_C_TASK_CANCEL] = true,
};

typedef void (*handler)(struct broker *b, struct peer *p);

static const handler handlers[PEER_KIND_MAX][MSG_TYPE_MAX] = {
	[PEER_MONITOR] = {
		[MSG_CONNECTOR] = on_connector,
		[MSG_ITEM_NEW] = on_item_new,
		[MSG_VM_NEW] = on_vm_new,
		[MSG_VM_GONE] = on_vm_gone,
		[MSG_KILL] = on_kill,
		[MSG_LATCH] = on_latch,
		[MSG_DOCUMENTS] = on_documents,
		[MSG_STOP] = on_stop,
		[MSG_PEER] = on_peer,
		[MSG_PING] = on_ping,
		[MSG_TELEMETRY] = on_telemetry,
	},
	[PEER_CONTROL] = {
		[MSG_C_ITEMS] = on_items,
		[MSG_C_EFFECTS] = effects_tell,
		[MSG_C_LEASE] = on_lease,
		[MSG_C_SETTLE] = effect_settle,
		[MSG_C_REPEAT] = effect_repeat,
		[MSG_C_APPROVALS] = approvals_tell,
		[MSG_C_APPROVE] = approval_yes,
		[MSG_C_DECLINE] = approval_no,
		[MSG_C_TASK_RUN] = task_run,
		[MSG_C_TASKS] = tasks_tell,
		[MSG_C_TASK_CANCEL] = task_cancel,
		[MSG_C_ASIDE] = aside_tell,
		[MSG_C_ERASE] = aside_erase,
		[MSG_C_MEMORY] = memory_tell,
		[MSG_C_FORGET] = memory_erase,
	},
	[PEER_ENVELOPE] = {
		[MSG_ENVELOPE] = on_envelope,
	},
	[PEER_READER] = {
		[MSG_RECORD] = on_record,
		[MSG_REFUSED] = on_refused,
	},
	[PEER_PLANNER] = {
		[MSG_TASK_GET] = call_task_get,
		[MSG_TOOLS_GET] = call_tools_get,
		[MSG_CALL] = call_capability,
		[MSG_WAIT] = call_wait,
		[MSG_ANSWER] = call_answer,
		[MSG_L_CALL] = model_call,
	},
	[PEER_CONNECTOR] = {
		[MSG_EFFECT_DONE] = on_effect_done,
		[MSG_SAID] = chat_said,
		[MSG_L_DONE] = model_done,
		[MSG_HEARD] = chat_heard,
	},
};

/*
 * The peer is heard no more. The row of a VM stays until the monitor says that
 * the VM is gone and why, for only then its item can have a verdict.
 */
static void peer_hangup(struct broker *b, struct peer *p)
{
	static const struct m_envelope died = {
		.fault = { (const uint8_t *)"the envelope process died", 25 },
	};
	struct item *it = item_find(b, p->item);

	if (p->kind != PEER_READER && p->kind != PEER_PLANNER) {
		if (p->kind == PEER_ENVELOPE && it && !it->have_envelope)
			item_envelope(b, it, &died);
		peer_close(b, p);
		return;
	}
	refusals_flush(b, p);
	loop_del(&b->loop, p->chan.fd);
	chan_done(&p->chan);
}

/* The sender broke its row: recorded, and never heard again. */
static void bad_peer(struct broker *b, struct peer *p, const char *why)
{
	const struct task *t = task_find(b, p->task);
	struct item *it = item_find(b, p->item);
	struct msg_ids ids = t ? task_ids(b, t) : it ? item_ids(b, it) : b->ids;

	if (p->kind == PEER_MONITOR || p->kind == PEER_CONTROL)
		die("%s: %s", kind_names[p->kind], why);
	audit_begin(&b->record, "peer.bad", &ids);
	audit_str(&b->record, "peer", span_str(kind_names[p->kind]));
	audit_int(&b->record, "vm", p->vm);
	audit_int(&b->record, "item", p->item);
	audit_str(&b->record, "reason", span_str(why));
	(void)broker_audit(b, NULL);
	peer_hangup(b, p);
}

/* One message; false when there is none, or the peer is no more. */
static bool peer_one(struct broker *b, struct peer *p)
{
	const char *why;
	handler fn;
	int r;

	if (p->chan.fd < 0)
		return false;
	r = chan_recv(&p->chan, &b->in, &why);
	if (r == -EAGAIN)
		return false;
	if (r == -EMFILE) {
		/* Nothing is lost: it stays in its channel. What ended is told
		 * of from the store as well. */
		(void)item_forget(b);
		loop_rest(&b->loop, p->chan.fd, BROKER_REST_MS);
		return false;
	}
	if (r <= 0 && p->kind == PEER_MONITOR) {
		log_info("ending", "why=\"the monitor is gone\"");
		loop_stop(&b->loop);
		return false;
	}
	if (r == -EPROTO) {
		bad_peer(b, p, why);
		return false;
	}
	if (r <= 0) {
		peer_hangup(b, p);
		return false;
	}
	fn = handlers[p->kind][b->in.type];
	if (!fn) {
		bad_peer(b, p, "a message it may not send");
		return false;
	}
	if (p->kind == PEER_CONTROL && owner_acts[b->in.type])
		lease_renew(b);
	fn(b, p);
	return p->kind != PEER_NONE;
}

void peer_drain(struct broker *b, struct peer *p)
{
	uint64_t vm = p->vm;

	/* Receiving never waits, so this ends when the channel is empty. */
	while (p->kind != PEER_NONE && p->vm == vm && peer_one(b, p))
		;
}

/* A planner that asks too often is not listened to for a while: its porter
 * waits, and so does its guest. One that goes on so is ended. */
static bool may_ask(struct broker *b, struct peer *p)
{
	uint64_t wait = pace_wait_ms(&p->pace, now_us());

	if (!wait)
		return true;
	if (pace_is_over(&p->pace))
		bad_peer(b, p, "it asks too often, and does not stop");
	else
		loop_rest(&b->loop, p->chan.fd, wait);
	return false;
}

static void peer_event(void *arg, int fd, short revents)
{
	struct broker *b = arg;
	size_t i;

	(void)revents;
	for (i = 0; i < BROKER_PEERS; i++) {
		struct peer *p = &b->peers[i];

		if (p->kind == PEER_NONE || p->chan.fd != fd)
			continue;
		if (p->kind != PEER_PLANNER || may_ask(b, p))
			(void)peer_one(b, p);
		return;
	}
}

struct peer *peer_add(struct broker *b, enum peer_kind kind, int fd)
{
	const struct timeval limit = { .tv_sec = BROKER_SEND_MS / 1000 };
	CLEAN_FD int owned = fd;
	struct peer *p = NULL;
	size_t i;

	for (i = 0; i < BROKER_PEERS && !p; i++)
		if (b->peers[i].kind == PEER_NONE)
			p = &b->peers[i];
	if (!p || owned < 0)
		return NULL;
	*p = (struct peer){ 0 };
	if (kind == PEER_ENVELOPE || kind == PEER_READER ||
	    kind == PEER_PLANNER) {
		p->patience_ms = BROKER_PATIENCE_MS;
		if (fd_nonblock(owned, true) < 0)
			return NULL;
	}
	(void)setsockopt(owned, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	if (loop_add(&b->loop, owned, POLLIN, peer_event, b) < 0 ||
	    chan_init(&p->chan, owned) < 0) {
		loop_del(&b->loop, owned);
		return NULL;
	}
	(void)take_fd(&owned);
	p->chan.no_wait = true;
	p->chan.spare = &b->spare;
	p->kind = kind;
	return p;
}

/*
 * While an effect is under way no planner is listened to: its next request
 * waits in its channel instead of being refused for a busy connector.
 */
void planners_listen(struct broker *b, bool on)
{
	size_t i;

	for (i = 0; i < BROKER_PEERS; i++) {
		struct peer *p = &b->peers[i];

		if (p->kind != PEER_PLANNER || p->chan.fd < 0)
			continue;
		loop_del(&b->loop, p->chan.fd);
		if (on &&
		    loop_add(&b->loop, p->chan.fd, POLLIN, peer_event, b) < 0)
			die("no room in the loop");
	}
}

void peer_close(struct broker *b, struct peer *p)
{
	if (p->kind == PEER_CONNECTOR && p->effect)
		effect_lost(b, p);
	if (p->kind == PEER_CONNECTOR)
		chat_lost(b, p);
	if (p->kind == PEER_CONNECTOR && p->ways & WAY_MODEL)
		model_lost(b);
	refusals_flush(b, p);
	loop_del(&b->loop, p->chan.fd);
	chan_done(&p->chan);
	*p = (struct peer){ 0 };
}

struct peer *peer_of_vm(struct broker *b, uint64_t vm)
{
	size_t i;

	for (i = 0; i < BROKER_PEERS; i++)
		if ((b->peers[i].kind == PEER_READER ||
		     b->peers[i].kind == PEER_PLANNER) &&
		    b->peers[i].vm == vm)
			return &b->peers[i];
	return NULL;
}

struct peer *peer_of_connector(struct broker *b, const char *name)
{
	size_t i;

	for (i = 0; i < BROKER_PEERS; i++)
		if (b->peers[i].kind == PEER_CONNECTOR &&
		    span_eq(span_str(b->peers[i].name), span_str(name)))
			return &b->peers[i];
	return NULL;
}

struct peer *peer_of_task(struct broker *b, uint64_t task)
{
	size_t i;

	for (i = 0; i < BROKER_PEERS; i++)
		if (b->peers[i].kind == PEER_PLANNER &&
		    b->peers[i].task == task)
			return &b->peers[i];
	return NULL;
}

struct peer *peer_of_kind(struct broker *b, enum peer_kind kind)
{
	size_t i;

	for (i = 0; i < BROKER_PEERS; i++)
		if (b->peers[i].kind == kind)
			return &b->peers[i];
	return NULL;
}

/* False when the peer's patience is used up. */
static bool wait_room(struct peer *p)
{
	struct pollfd pf = { .fd = p->chan.fd, .events = POLLOUT };
	uint64_t start = now_ms();
	uint64_t took;

	if (p->patience_ms == 0)
		return false;
	(void)poll(&pf, 1, (int)p->patience_ms);
	took = now_ms() - start + 1;
	p->patience_ms = took < p->patience_ms ? p->patience_ms - took : 0;
	return true;
}

void peer_send(struct broker *b, struct peer *p, const int *fds, size_t n)
{
	int r;

	/* Hung up already; a VM's row waits for the monitor. */
	if (p->kind == PEER_NONE || p->chan.fd < 0)
		return;
	do
		r = chan_send(&p->chan, &b->out, fds, n);
	while (r == -EAGAIN && wait_room(p));
	if (r == 0)
		return;
	if (p->kind == PEER_MONITOR)
		die("the monitor does not take a message: errno %d", -r);
	log_warn("peer-lost", "kind=%s errno=%d", kind_names[p->kind], -r);
	peer_hangup(b, p);
}
