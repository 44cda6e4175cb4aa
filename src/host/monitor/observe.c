/*
 * observe: telemetry's process, and what the monitor tells it.
 *
 * It is started again by itself when it ends or hangs; nothing else notices.
 * All that goes to it goes without waiting. One thing it asks for: a socket
 * that is being connected to the collector. The address is the configuration's,
 * so a telemetry that somebody owns reaches that, and nothing else.
 */
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"
#include "privsep/spawn.h"

enum {
	SAMPLES_MS = 2000,
	SILENT_MS = 30000, /* without a sign of life it is ended */
	BACKOFF_FIRST_MS = 1000,
	BACKOFF_MOST_MS = 60000,
	HEALTHY_MS = 60000, /* up so long: what was before is forgotten */
	STOP_MS = 1200,	    /* it has for what it has not sent yet */
	CONNECTS_S = 100,   /* sockets in a second */
};

static void start(struct monitor *m);

static bool wanted(const struct monitor *m)
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
		       m->telemetry.start.wall_ns / 1000000000);
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
	observe_sample(o, METRIC_RESTARTS, "telemetry", NULL,
		       m->telemetry.restarts);
	observe_sample(o, METRIC_AUDIT_RECORDS, NULL, NULL,
		       m->audit_state.size);
	/* Last: where there are more than fit, these are cut. */
	queue_samples(m);
	(void)observe_samples_end(o);
}

void observe_broker(struct monitor *m)
{
	if (m->observe.chan.fd < 0)
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

static void tell(struct monitor *m, enum msg_type t, const int *fd)
{
	m->out.type = t;
	m->out.ids = m->ids;
	if (t == MSG_PING)
		m->out.ping = (struct m_ping){ now_ms() };
	else
		m->out.empty = (struct m_empty){ 0 };
	(void)chan_send(&m->telemetry.chan, &m->out, fd, fd ? 1 : 0);
}

static void on_connect(struct monitor *m)
{
	struct mtelemetry *t = &m->telemetry;
	uint64_t second = now_ms() / 1000;
	CLEAN_FD int fd = -1;

	if (t->connect_s != second)
		t->connects = 0;
	t->connect_s = second;
	if (m->conf.telemetry.otlp.port && t->connects++ < CONNECTS_S)
		fd = connecting(&m->conf.telemetry.otlp);
	tell(m, MSG_CONNECT, fd >= 0 ? &fd : NULL);
}

/* --- its life ------------------------------------------------------------ */

static void end(struct monitor *m)
{
	struct mtelemetry *t = &m->telemetry;

	loop_timer_del(&m->loop, t->timer);
	t->timer = -1;
	(void)observe_to(&m->observe, -1);
	if (!t->pid)
		return;
	(void)syscall(SYS_pidfd_send_signal, t->pidfd, SIGKILL, NULL, 0);
	(void)waitpid(t->pid, NULL, 0);
	t->pid = 0;
	fd_close(&t->pidfd);
	loop_del(&m->loop, t->chan.fd);
	chan_done(&t->chan);
}

static void on_again(void *arg)
{
	struct monitor *m = arg;

	m->telemetry.timer = -1;
	m->telemetry.restarts++;
	start(m);
}

/* It has ended, or has to: once more, later and later. */
static void again(struct monitor *m, const char *why)
{
	struct mtelemetry *t = &m->telemetry;

	end(m);
	if (m->stopping)
		return;
	if (now_ms() - t->up_ms > HEALTHY_MS || !t->pause_ms)
		t->pause_ms = BACKOFF_FIRST_MS;
	log_warn("process-gone", "name=telemetry why=\"%s\" again_ms=%llu", why,
		 (unsigned long long)t->pause_ms);
	t->timer = loop_timer(&m->loop, t->pause_ms, on_again, m);
	t->pause_ms = t->pause_ms * 2 > BACKOFF_MOST_MS ? BACKOFF_MOST_MS
							: t->pause_ms * 2;
}

static void on_tick(void *arg)
{
	struct monitor *m = arg;
	struct mtelemetry *t = &m->telemetry;

	t->timer = -1;
	if (now_ms() - t->alive_ms > SILENT_MS) {
		again(m, "it gives no sign of life");
		return;
	}
	samples(m);
	tell(m, MSG_PING, NULL);
	t->timer = loop_timer(&m->loop, SAMPLES_MS, on_tick, m);
}

static void on_message(struct monitor *m)
{
	m->telemetry.alive_ms = now_ms();
	if (m->in.type == MSG_CONNECT)
		on_connect(m);
	else if (m->in.type != MSG_READY && m->in.type != MSG_PONG)
		again(m, "a message that it may not send");
}

static void on_event(void *arg, int, short)
{
	struct monitor *m = arg;
	const char *why;
	int r = chan_recv(&m->telemetry.chan, &m->in, &why);

	if (r == -EAGAIN)
		return;
	if (r > 0)
		on_message(m);
	else
		again(m, r == -EPROTO ? why : "it ended");
}

/* A directory below another, made 0700 if it is not there; -1 and errno. */
static int below(int at, const char *name)
{
	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return -1;
	return openat(at, name,
		      O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
}

/* The folder of the log's bundles, which are all that it gets of it. */
static int open_bundles(const struct monitor *m)
{
	CLEAN_FD int audit = below(m->state_fd, "audit");
	CLEAN_FD int tile = audit < 0 ? -1 : below(audit, "tile");

	return tile < 0 ? -1 : below(tile, "entries");
}

static int spawn_it(struct monitor *m, int theirs, int observe, struct err *err)
{
	const struct conf_telemetry *c = &m->conf.telemetry;
	CLEAN_FD int state = below(m->state_fd, "telemetry");
	CLEAN_FD int bundles = c->logs == LOGS_NONE ? -1 : open_bundles(m);
	CLEAN_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEAN_FD int cursor = -1;
	struct spawn s = { .proc = PROC_TELEMETRY, .libexec = m->libexec };
	int r;

	if (state >= 0 && c->logs != LOGS_NONE)
		cursor = openat(state, "cursor",
				O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW |
					O_NONBLOCK,
				0600);
	if (state < 0 || null < 0 ||
	    (c->logs != LOGS_NONE && (bundles < 0 || cursor < 0)))
		return err_set(err, -EIO, "telemetry: its files: %s",
			       strerror(errno));
	s.fds[0] = theirs;
	s.fds[1] = observe;
	s.fds[2] = m->telemetry.listen_fd >= 0 ? m->telemetry.listen_fd : null;
	s.fds[3] = bundles >= 0 ? bundles : state;
	s.fds[4] = cursor >= 0 ? cursor : null;
	r = spawn_process(&s, &m->telemetry.pidfd, err);
	if (r < 0)
		return r;
	m->telemetry.pid = r;
	return 0;
}

static void hello(struct monitor *m)
{
	const struct conf_telemetry *c = &m->conf.telemetry;
	char users[CONF_USERS * 12] = "", arg[CONF_USERS * 12 + 256];
	uint32_t i;

	for (i = 0; i < m->conf.n_users; i++)
		(void)str_printf(users + strlen(users),
				 sizeof(users) - strlen(users), "%s%u",
				 i ? "," : "", m->conf.users[i]);
	(void)str_printf(arg, sizeof(arg),
			 "users=%s logs=%d queue=%u start_ns=%llu%s%s", users,
			 (int)c->logs, c->queue,
			 (unsigned long long)m->telemetry.start.wall_ns,
			 c->otlp.port ? " otlp=" : "", c->otlp.text);
	m->out.type = MSG_HELLO;
	m->out.ids = m->ids;
	m->out.hello = (struct m_hello){ SPAN_LIT("telemetry"), span_str(arg) };
	(void)chan_send(&m->telemetry.chan, &m->out, NULL, 0);
}

static int try_start(struct monitor *m, struct err *err)
{
	struct mtelemetry *t = &m->telemetry;
	CLEAN_FD int ours = -1, theirs = -1, out = -1, in = -1;
	int pair[2], told[2];
	int r = chan_pair(pair);

	if (r < 0)
		return err_set(err, r, "socketpair: %s", strerror(-r));
	ours = pair[0];
	theirs = pair[1];
	r = chan_pair(told);
	if (r < 0)
		return err_set(err, r, "socketpair: %s", strerror(-r));
	out = told[0];
	in = told[1];
	/* Nothing comes back on it: two hold this end, and neither reads. */
	(void)shutdown(out, SHUT_RD);
	r = spawn_it(m, theirs, in, err);
	if (r == 0)
		r = chan_init(&t->chan, take_fd(&ours));
	if (r < 0)
		return r;
	t->chan.no_wait = true;
	t->chan.send_no_wait = true;
	if (loop_add(&m->loop, t->chan.fd, POLLIN, on_event, m) < 0 ||
	    observe_to(&m->observe, take_fd(&out)) < 0)
		return err_set(err, -ENFILE, "telemetry: no room");
	return 0;
}

static void start(struct monitor *m)
{
	struct mtelemetry *t = &m->telemetry;
	struct err err = { 0 };

	t->up_ms = t->alive_ms = now_ms();
	if (try_start(m, &err) < 0) {
		again(m, err.msg);
		return;
	}
	hello(m);
	observe_broker(m);
	on_tick(m);
}

/* 0600, a stale one is replaced: we hold the lock. It outlives the process that
 * serves it. */
static int listen_metrics(const char *path, struct err *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	CLEAN_FD int fd =
		socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct stat st;
	mode_t old;
	int r;

	if (str_copy(a.sun_path, sizeof(a.sun_path), span_str(path)) < 0)
		return err_set(err, -ENAMETOOLONG,
			       "%s: a socket's path holds at most 107 bytes: "
			       "set telemetry.metrics",
			       path);
	if (lstat(a.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(a.sun_path);
	old = umask(0177);
	r = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&a, sizeof(a));
	umask(old);
	if (r < 0 || listen(fd, 16) < 0)
		return err_set(err, -errno,
			       "%s: cannot listen: %s: name another path, or "
			       "none, in telemetry.metrics",
			       path, strerror(errno));
	return take_fd(&fd);
}

int observe_open(struct monitor *m, struct err *err)
{
	struct mtelemetry *t = &m->telemetry;

	t->start = observe_now();
	if (!wanted(m))
		return 0;
	if (m->conf.telemetry.metrics[0]) {
		t->listen_fd = listen_metrics(m->conf.telemetry.metrics, err);
		if (t->listen_fd < 0)
			return t->listen_fd;
	}
	start(m);
	return 0;
}

/* Asks it to send what it has not sent yet, and hands it the sockets for that,
 * for a moment. */
static void drain(struct monitor *m)
{
	struct mtelemetry *t = &m->telemetry;
	uint64_t until = now_ms() + STOP_MS;

	samples(m);
	tell(m, MSG_STOP, NULL);
	for (;;) {
		struct pollfd p[] = { { t->chan.fd, POLLIN, 0 },
				      { t->pidfd, POLLIN, 0 } };
		uint64_t now = now_ms();
		const char *why;

		if (now >= until ||
		    poll(p, ARRAY_SIZE(p), (int)(until - now)) <= 0 ||
		    p[1].revents)
			return;
		if (chan_recv(&t->chan, &m->in, &why) <= 0)
			return;
		if (m->in.type == MSG_CONNECT)
			on_connect(m);
	}
}

void observe_close(struct monitor *m)
{
	struct mtelemetry *t = &m->telemetry;

	if (t->pid)
		drain(m);
	end(m);
	if (t->listen_fd >= 0)
		(void)unlink(m->conf.telemetry.metrics);
	fd_close(&t->listen_fd);
}
