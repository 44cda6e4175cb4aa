/*
 * observe: what the monitor tells telemetry, and what it does for it.
 *
 * It is started again alone when it ends or hangs; nothing else notices. All
 * that goes to it goes without waiting. One thing it asks for: a socket
 * that is being connected to the collector. The address is the configuration's,
 * so a telemetry that somebody owns reaches that, and nothing else.
 */
#include <errno.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

enum {
	SAMPLES_MS = 2000,
	STOP_MS = 1200,	  /* it has for what it has not sent yet */
	CONNECTS_S = 100, /* sockets in a second */
};

bool observe_wanted(const struct monitor *m)
{
	return m->conf.telemetry.metrics[0] || m->conf.telemetry.otlp.port;
}

/* --- what it is told ----------------------------------------------------- */

static void zone_samples(struct monitor *m, enum vm_kind k)
{
	static const struct {
		enum vm_role role;
		const char *state;
	} roles[] = { { VM_WORKING, "working" },
		      { VM_PARKED, "parked" },
		      { VM_PARKING, "parking" },
		      { VM_BUILDING, "building" } };
	struct observe *o = &m->observe;
	const char *zone = vm_zone(k);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(roles); i++)
		observe_sample(o, METRIC_VMS, zone, roles[i].state,
			       vms_count(m, roles[i].role, k));
	observe_sample(o, METRIC_VMS_WAITING, zone, NULL, requests_count(m, k));
	observe_sample(o, METRIC_TEMPLATES_BUILT, zone, NULL,
		       m->templates[k].rules.built);
	observe_sample(o, METRIC_TEMPLATES_RETIRED, zone, NULL,
		       m->templates[k].rules.retired);
}

static void process_samples(struct monitor *m)
{
	struct observe *o = &m->observe;
	struct core *c;
	size_t i;

	observe_sample(o, METRIC_GENERATIONS, NULL, NULL, m->gen.sup.restarts);
	for (i = 0; (c = core_at(m, i)); i++) {
		observe_sample(o, METRIC_UP, c->name, NULL,
			       core_hears(c) && c->sup.state == SUP_UP);
		observe_sample(o, METRIC_RESTARTS, c->name, NULL,
			       c->sup.restarts);
	}
}

static void queue_samples(struct monitor *m)
{
	struct observe *o = &m->observe;
	size_t i;

	for (i = 0; i < MONITOR_QUEUES; i++) {
		const struct mqueue *q = &m->queues[i];

		if (!q->source[0])
			continue;
		observe_sample(o, METRIC_QUEUE_ITEMS, q->source, "waiting",
			       q->waiting);
		observe_sample(o, METRIC_QUEUE_ITEMS, q->source, "at_work",
			       q->taken);
		observe_sample(o, METRIC_QUEUE_ITEMS, q->source, "blocked",
			       q->blocked);
		observe_sample(o, METRIC_QUEUE_BYTES, q->source, NULL,
			       q->bytes);
	}
}

static void samples(struct monitor *m)
{
	struct observe *o = &m->observe;
	unsigned i;

	observe_samples(o, &m->ids);
	observe_sample(o, METRIC_BUILD, BULKHEAD_VERSION,
		       vm_backend_name(m->probe.backend), 1);
	observe_sample(o, METRIC_START_TIME, NULL, NULL,
		       m->begun.wall_ns / 1000000000);
	observe_sample(o, METRIC_LATCH, NULL, NULL, m->killed);
	for (i = ITEM_PENDING + 1; i < ITEM_VERDICT_MAX; i++)
		observe_sample(o, METRIC_ITEMS, item_verdict_name(i), NULL,
			       m->counts[i]);
	for (i = VM_READER; i < VM_KIND_MAX; i++)
		zone_samples(m, (enum vm_kind)i);
	for (i = 0; i < ORIGIN_MAX; i++)
		observe_sample(o, METRIC_VM_STARTS, origin_name((enum origin)i),
			       NULL, m->starts[i]);
	observe_sample(o, METRIC_VM_LAUNCHES, NULL, NULL, m->vms_started);
	observe_sample(o, METRIC_VM_FAILURES, NULL, NULL, m->vms_failed);
	process_samples(m);
	observe_sample(o, METRIC_AUDIT_RECORDS, NULL, NULL,
		       m->audit_state.size);
	/* Last: where there are more than fit, these are cut. */
	queue_samples(m);
	(void)observe_samples_end(o);
}

void observe_broker(struct monitor *m)
{
	if (m->observe.chan.fd < 0 || !core_hears(&m->broker))
		return;
	m->out.type = MSG_TELEMETRY;
	m->out.ids = m->ids;
	m->out.empty = (struct m_empty){ 0 };
	core_send(m, &m->broker, &m->observe.chan.fd, 1);
}

/* --- what it asks for ---------------------------------------------------- */

/* A socket that is being connected, or -1: it will be asked for again. */
static int connecting(const struct conf_address *a)
{
	struct sockaddr_in v4 = { .sin_family = AF_INET,
				  .sin_port = htons(a->port) };
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
				   .sin6_port = htons(a->port) };
	CLEAN_FD int fd = socket(a->v6 ? AF_INET6 : AF_INET,
				 SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int r;

	if (fd < 0)
		return -1;
	memcpy(&v4.sin_addr, a->ip, sizeof(v4.sin_addr));
	memcpy(&v6.sin6_addr, a->ip, sizeof(v6.sin6_addr));
	r = a->v6 ? connect(fd, (struct sockaddr *)&v6, sizeof(v6))
		  : connect(fd, (struct sockaddr *)&v4, sizeof(v4));
	return r < 0 && errno != EINPROGRESS ? -1 : take_fd(&fd);
}

void observe_connect(struct monitor *m)
{
	uint64_t second = now_ms() / 1000;
	CLEAN_FD int fd = -1;

	if (m->connect_s != second)
		m->connects = 0;
	m->connect_s = second;
	if (m->conf.telemetry.otlp.port && m->connects++ < CONNECTS_S)
		fd = connecting(&m->conf.telemetry.otlp);
	m->out.type = MSG_CONNECT;
	m->out.ids = m->ids;
	m->out.empty = (struct m_empty){ 0 };
	core_send(m, &m->telemetry, &fd, fd >= 0 ? 1 : 0);
}

/* --- its life ------------------------------------------------------------ */

static void on_tick(void *arg)
{
	struct monitor *m = arg;

	m->observe_timer = loop_timer(&m->loop, SAMPLES_MS, on_tick, m);
	samples(m);
}

int observe_begin(struct monitor *m, int fd)
{
	int r = observe_to(&m->observe, fd);

	if (r < 0)
		return r;
	/* What it is told it never answers, and need not take. */
	m->telemetry.chan.send_no_wait = true;
	observe_broker(m);
	loop_timer_del(&m->loop, m->observe_timer);
	on_tick(m);
	return 0;
}

void observe_lost(struct monitor *m)
{
	(void)observe_to(&m->observe, -1);
	loop_timer_del(&m->loop, m->observe_timer);
	m->observe_timer = -1;
}

/* Asks it to send what it has not sent yet, and hands it the sockets for that,
 * for a moment. */
static void drain(struct monitor *m)
{
	struct core *c = &m->telemetry;
	uint64_t until = now_ms() + STOP_MS;

	samples(m);
	m->out.type = MSG_STOP;
	m->out.ids = m->ids;
	m->out.empty = (struct m_empty){ 0 };
	if (chan_send(&c->chan, &m->out, NULL, 0) < 0)
		return;
	for (;;) {
		struct pollfd p[] = { { c->chan.fd, POLLIN, 0 },
				      { c->pidfd, POLLIN, 0 } };
		uint64_t now = now_ms();
		const char *why;

		if (now >= until ||
		    poll(p, ARRAY_SIZE(p), (int)(until - now)) <= 0 ||
		    p[1].revents || chan_recv(&c->chan, &m->in, &why) <= 0)
			return;
		if (m->in.type == MSG_CONNECT)
			observe_connect(m);
	}
}

void observe_close(struct monitor *m)
{
	if (core_hears(&m->telemetry))
		drain(m);
	observe_lost(m);
	core_kill(m, &m->telemetry);
	if (m->metrics_fd >= 0)
		(void)unlink(m->conf.telemetry.metrics);
	fd_close(&m->metrics_fd);
}
