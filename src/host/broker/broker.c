/*
 * bulkhead-broker: decides what happens.
 *
 * SECURITY. Reads typed messages only: from the monitor and from control
 * (trusted), from auditd and the store, and from porters, envelopes and
 * connectors, which may each be owned by an attacker; every message is bounded
 * and checked by its layout, and a peer that breaks its row is closed. It holds
 * the policy and the items' records, no key, no network, no file: an empty
 * root, no capability, no socket of its own. It never sees raw mail or JSON.
 */
#include "host/broker/broker.h"

#include <errno.h>
#include <jansson.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "policy/bundle.h"
#include "privsep/sandbox.h"

bool broker_audit(struct broker *b, struct m_audit_ok *ret)
{
	int r = audit_append(&b->audit, &b->record, ret);

	if (r == 0)
		return true;
	/* A record that cannot be written stops every effect. */
	die("audit record not durable: errno %d; nothing executes", -r);
}

void broker_audit_later(struct broker *b)
{
	int r = audit_append_later(&b->audit, &b->record);

	if (r < 0)
		die("audit record not taken: errno %d; nothing executes", -r);
}

/* #syscalls:broker fcntl int1=F_DUPFD_CLOEXEC */
/* #syscalls:broker pread64 memfd_create fcntl int1=F_ADD_SEALS */
/* #syscalls:broker setsockopt int1=SOL_SOCKET int2=SO_SNDTIMEO */
static void load_policy(struct broker *b, struct span name)
{
	int fd = graph_fd(PROC_BROKER, FD_POLICY);
	CLEAN_FREE uint8_t *bundle = NULL;
	char file[LIMIT_NAME + 1];
	CLEAN_BUF struct buf errs;
	ssize_t n = memfd_sealed_size(fd, POLICY_BUNDLE_MAX);

	buf_init(&errs, 64 << 10);
	if (n < 0 || str_copy(file, sizeof(file), name) < 0)
		die("policy: not a sealed memfd of at most %d bytes",
		    POLICY_BUNDLE_MAX);
	bundle = malloc((size_t)n + 1);
	if (!bundle || fd_pread_all(fd, bundle, (size_t)n, 0) != n)
		die("policy: cannot be read");
	if (policy_unpack(file, span_of(bundle, (size_t)n), &b->policy, &errs) <
		    0 ||
	    policy_enforced(b->policy, &errs) < 0)
		die("policy refused: %s", buf_cstr(&errs));
	fd_close(&fd);
}

/* Takes what stands before that byte, and it, off *rest. */
static struct span take_until(struct span *rest, char end)
{
	const uint8_t *at = rest->n ? memchr(rest->p, end, rest->n) : NULL;
	struct span ret;

	if (!at)
		die("hello: no planner, or half a task");
	ret = span_of(rest->p, (size_t)(at - rest->p));
	*rest = span_of(at + 1, rest->n - ret.n - 1);
	return ret;
}

/* m_hello.arg is the planner's kind, a blank and the id of the machine's boot,
 * a line feed, and for each standing task its source, a unit separator, what is
 * to be done, a record separator; and for each time of the day likewise
 * "@<minute>", and "#<minute>" for the digest. */
static void take_hello(struct broker *b, const struct m_hello *m)
{
	struct span rest = m->arg;

	if (str_copy(b->planner, sizeof(b->planner), take_until(&rest, '\n')) <
	    0)
		die("hello: no planner");
	while (rest.n) {
		struct standing *s = &b->standing[b->n_standing++];

		if (b->n_standing > BROKER_STANDING ||
		    str_copy(s->on, sizeof(s->on), take_until(&rest, '\x1f')) <
			    0 ||
		    str_copy(s->text, sizeof(s->text),
			     take_until(&rest, '\x1e')) < 0)
			die("hello: bad tasks");
	}
}

int main(void)
{
	static struct broker b;
	struct peer *monitor;
	const char *why;
	int r;

	process_start(PROC_BROKER);
	b.spare = b.owed_timer = b.refusals_timer = -1;
	/* jansson, which writes the tools' schemas, would open /dev/urandom
	 * for its hash seed; our own keys are no attacker's. */
	json_object_seed(1);
	loop_init(&b.loop);
	observed_start(&b);
	if (chan_init(&b.audit, graph_fd(PROC_BROKER, FD_AUDIT)) < 0)
		die("out of memory");
	keep_init(&b, graph_fd(PROC_BROKER, FD_STORE));
	monitor = peer_add(&b, PEER_MONITOR, graph_fd(PROC_BROKER, FD_MONITOR));
	if (!monitor ||
	    !peer_add(&b, PEER_CONTROL, graph_fd(PROC_BROKER, FD_CONTROL)))
		die("out of memory");
	monitor->chan.no_wait = false;
	if (chan_recv(&monitor->chan, &b.in, &why) != 1 ||
	    b.in.type != MSG_HELLO)
		die("no hello from the monitor");
	monitor->chan.no_wait = true;
	b.ids = b.in.ids;
	take_hello(&b, &b.in.hello);
	load_policy(&b, b.in.hello.name);
	latch_map(&b);
	tasks_init(&b);
	limits_init(&b);
	trips_init(&b);
	lease_init(&b);
	approvals_init(&b);
	chat_init(&b);
	keep_recover(&b);
	approvals_recover(&b);
	tasks_recover(&b);
	b.out.type = MSG_READY;
	b.out.ids = b.ids;
	b.out.empty = (struct m_empty){ 0 };
	peer_send(&b, monitor, NULL, 0);
	b.up = true;
	tasks_plan(&b);
	clock_init(&b);
	r = loop_run(&b.loop);
	return r < 0 ? 1 : 0;
}
