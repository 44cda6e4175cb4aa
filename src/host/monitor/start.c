/*
 * start: each process that lives as long as bulkhead: its channels, its
 * directories, its first message. When it is started is decided in
 * generation.c; that it can work it says itself (MSG_READY).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"
#include "llm/llm.h"

int start_pair(int *one, int *other, struct err *err)
{
	int pair[2];
	int r = chan_pair(pair);

	if (r < 0)
		return err_set(err, r, "socketpair: %s", strerror(-r));
	*one = pair[0];
	*other = pair[1];
	return 0;
}

int start_spawn(struct monitor *m, struct core *c, struct spawn s,
		struct err *err)
{
	const struct timeval limit = { .tv_sec = MONITOR_SEND_MS / 1000 };
	CLEAN_FD int ours = -1;
	CLEAN_FD int theirs = -1;
	int r = start_pair(&ours, &theirs, err);

	if (r < 0)
		return r;
	s.fds[0] = theirs;
	s.libexec = m->libexec;
	s.proc = c->proc;
	c->pid = spawn_process(&s, &c->pidfd, err);
	if (c->pid < 0) {
		r = c->pid;
		c->pid = 0;
		return r;
	}
	(void)setsockopt(ours, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	r = chan_init(&c->chan, take_fd(&ours));
	if (r < 0)
		return err_set(err, r, "out of memory");
	/* These bring descriptors. */
	if (core_is_connector(c) || c->proc == PROC_STORE)
		c->chan.spare = &m->room.spare;
	/* Of auditd answers are waited for. */
	c->chan.no_wait = c->proc != PROC_AUDITD;
	r = loop_add(&m->loop, c->chan.fd, POLLIN, core_event, c);
	return r < 0 ? err_set(err, r, "no room in the loop") : 0;
}

int start_hello(struct monitor *m, struct core *c, const char *name,
		const char *arg, struct err *err)
{
	int r;

	m->out.type = MSG_HELLO;
	m->out.ids = m->ids;
	m->out.hello = (struct m_hello){ span_str(name), span_str(arg) };
	r = chan_send(&c->chan, &m->out, NULL, 0);
	if (r < 0)
		return err_set(err, r, "%s did not start: see the log",
			       c->name);
	return 0;
}

int start_dir(int at, const char *name, struct err *err)
{
	int fd;

	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno,
			       "state/%s: cannot be made: %s: make room, or "
			       "look after the directory's owner",
			       name, strerror(errno));
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? err_set(err, -errno,
				"state/%s: cannot be opened: %s: move it away, "
				"or look after its owner",
				name, strerror(errno))
		      : fd;
}

/* --- the generation ------------------------------------------------------ */

static void boot_id(char ret[64])
{
	CLEAN_FD int fd =
		open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? 0 : fd_read_all(fd, ret, 36);

	ret[n > 0 ? n : 0] = 0;
	if (n <= 0)
		(void)str_printf(ret, 64, "unknown");
}

int start_auditd(struct monitor *m, struct err *err)
{
	const struct timeval limit = { .tv_sec = MONITOR_AUDIT_MS / 1000 };
	CLEAN_FD int dir = start_dir(m->state_fd, "audit", err);
	CLEAN_FD int tip = start_dir(m->state_fd, "tip", err);
	CLEAN_FD int theirs = -1;
	char boot[64];
	char arg[128];
	int r;

	if (dir < 0 || tip < 0)
		return dir < 0 ? dir : tip;
	r = start_pair(&m->broker_audit_fd, &theirs, err);
	if (r == 0)
		r = start_spawn(
			m, &m->auditd,
			(struct spawn){ .fds = { -1, theirs, dir, tip } }, err);
	/* A log that hangs, as on a dead disk, may not hold up a kill. */
	if (r == 0 && setsockopt(m->auditd.chan.fd, SOL_SOCKET, SO_RCVTIMEO,
				 &limit, sizeof(limit)) < 0)
		r = err_set(err, -errno, "auditd: %s", strerror(errno));
	boot_id(boot);
	(void)str_printf(arg, sizeof(arg), "%s reserve=%llu", boot,
			 (unsigned long long)m->conf.audit_reserve);
	/* It says itself how it is, if there is to be one. */
	m->record.room = (struct audit_room){ 0 };
	return r == 0 ? start_hello(m, &m->auditd, "auditd", arg, err) : r;
}

int start_store(struct monitor *m, struct err *err)
{
	const struct conf_queue *q = &m->conf.queue;
	CLEAN_FD int dir = start_dir(m->state_fd, "store", err);
	CLEAN_FD int theirs = -1;
	char last[LAST_TEXT];
	char arg[256];
	int r;

	if (dir < 0)
		return dir;
	r = last_read(m->state_fd, last, err);
	if (r == 0)
		r = start_pair(&m->broker_store_fd, &theirs, err);
	if (r == 0)
		r = start_spawn(m, &m->store,
				(struct spawn){ .fds = { -1, theirs, dir } },
				err);
	(void)str_printf(arg, sizeof(arg),
			 "items=%u bytes=%llu per_source=%u reserve=%llu "
			 "history=%u%s last=%s",
			 q->items, (unsigned long long)q->bytes, q->per_source,
			 (unsigned long long)q->reserve, q->history,
			 m->gen.spare ? " spare" : "", last);
	if (r == 0)
		r = start_hello(m, &m->store, "store", arg, err);
	if (r == 0)
		m->gen.spare = false;
	return r;
}

/* Control's channel to the broker of before hangs up; here is the next. */
static void tell_peer(struct monitor *m, struct core *c, const int *fd)
{
	m->out.type = MSG_PEER;
	m->out.ids = m->ids;
	m->out.empty = (struct m_empty){ 0 };
	core_send(m, c, fd, 1);
}

/* The planner, the boot, and what is to be done; the configuration takes no
 * such bytes. A task by the clock has "@" and the minute of its day. */
static void put_tasks(const struct conf *c, const char *boot, struct buf *arg)
{
	uint32_t i;

	buf_init(arg, 16 << 10);
	buf_printf(arg, "%s %s\n", conf_planner_name(c->planner), boot);
	for (i = 0; i < c->n_tasks; i++) {
		const struct conf_task *t = &c->tasks[i];

		if (t->timed)
			buf_printf(arg, "@%u\x1f%s\x1e", t->minute, t->say);
		else
			buf_printf(arg, "%s\x1f%s\x1e", t->on, t->say);
	}
	if (c->digest)
		buf_printf(arg, "#%u\x1f\x1e", c->digest_minute);
}

static void tell_documents(struct monitor *m)
{
	m->out.type = MSG_DOCUMENTS;
	m->out.ids = m->ids;
	m->out.documents.text = buf_view(&m->documents);
	core_send(m, &m->broker, NULL, 0);
}

int start_broker(struct monitor *m, struct err *err)
{
	CLEAN_FD int control = -1;
	CLEAN_FD int theirs = -1;
	CLEAN_BUF struct buf arg = { 0 };
	char boot[64];
	int r = start_pair(&control, &theirs, err);

	if (r < 0)
		return r;
	r = start_spawn(
		m, &m->broker,
		(struct spawn){ .fds = { -1, m->broker_audit_fd, theirs,
					 m->policy_fd, m->broker_store_fd,
					 m->gate_fd } },
		err);
	fd_close(&m->broker_audit_fd);
	fd_close(&m->broker_store_fd);
	boot_id(boot);
	put_tasks(&m->conf, boot, &arg);
	if (r == 0)
		r = start_hello(m, &m->broker, policy_name(m), buf_cstr(&arg),
				err);
	if (r == 0 && m->documents.n)
		tell_documents(m);
	/* Before it has a connector: what they stopped is not done. */
	if (r == 0)
		latch_tell_rearmed(m);
	if (r == 0)
		tell_peer(m, &m->control, &control);
	return r;
}

/* --- restarted alone ----------------------------------------------------- */

/*
 * A socket for the owner: 0600, a stale one is replaced (we hold the lock). key
 * of bulkhead.yaml names it, and may name other.
 */
static int listen_at(const char *path, int type, const char *key,
		     const char *other, struct err *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	CLEAN_FD int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	struct stat st;
	mode_t old;
	int r;

	if (str_copy(a.sun_path, sizeof(a.sun_path), span_str(path)) < 0)
		return err_set(err, -ENAMETOOLONG,
			       "%s: a socket's path holds "
			       "at most 107 bytes: set %s",
			       path, key);
	if (lstat(a.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(a.sun_path);
	old = umask(0177);
	r = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&a, sizeof(a));
	umask(old);
	if (r < 0 || listen(fd, 16) < 0)
		return err_set(err, -errno,
			       "%s: cannot listen: %s: name %s in %s of "
			       "bulkhead.yaml",
			       a.sun_path, strerror(errno), other, key);
	return take_fd(&fd);
}

enum { USERS_TEXT = 12 * CONF_USERS };

/* Who may give orders: "0,1000". */
static void users_text(const struct monitor *m, char ret[USERS_TEXT])
{
	size_t n = 0;
	uint32_t i;

	ret[0] = 0;
	for (i = 0; i < m->conf.n_users; i++) {
		int more = str_printf(ret + n, USERS_TEXT - n, "%s%u",
				      i ? "," : "", m->conf.users[i]);

		n += more > 0 ? (size_t)more : 0;
	}
}

/* The socket stays ours: who calls while control is started again is heard by
 * the next. */
static int start_control(struct monitor *m, struct core *c, struct err *err)
{
	CLEAN_FD int broker = -1;
	CLEAN_FD int theirs = -1;
	char users[USERS_TEXT];
	int r;

	if (m->listen_fd < 0)
		m->listen_fd =
			listen_at(m->conf.socket, SOCK_SEQPACKET,
				  "control.socket", "another socket", err);
	if (m->listen_fd < 0)
		return m->listen_fd;
	m->own_socket = true;
	users_text(m, users);
	r = start_pair(&broker, &theirs, err);
	if (r == 0)
		r = start_spawn(
			m, c,
			(struct spawn){ .fds = { -1, theirs, m->listen_fd } },
			err);
	if (r == 0)
		r = start_hello(m, c, "control", users, err);
	if (r == 0)
		tell_peer(m, &m->broker, &broker);
	return r;
}

/* The folder of the log's bundles, which are all that telemetry gets of it. */
static int open_bundles(const struct monitor *m, struct err *err)
{
	CLEAN_FD int audit = start_dir(m->state_fd, "audit", err);
	CLEAN_FD int tile = audit < 0 ? -1 : start_dir(audit, "tile", err);

	return tile < 0 ? -1 : start_dir(tile, "entries", err);
}

/* What it reads of the log, and how far it has got; without logs, a folder and
 * a file that are empty. */
static int telemetry_files(struct monitor *m, int *dir, int *cursor,
			   struct err *err)
{
	CLEAN_FD int state = start_dir(m->state_fd, "telemetry", err);

	if (state < 0)
		return err->code;
	if (m->conf.telemetry.logs == LOGS_NONE) {
		*cursor = open("/dev/null", O_RDWR | O_CLOEXEC);
		*dir = take_fd(&state);
		return *cursor < 0 ? err_set(err, -errno, "%s", strerror(errno))
				   : 0;
	}
	*dir = open_bundles(m, err);
	if (*dir < 0)
		return err->code;
	*cursor = openat(state, "cursor",
			 O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK,
			 0600);
	return *cursor < 0
		       ? err_set(err, -errno,
				 "state/telemetry/cursor: cannot be opened: "
				 "%s: make room, or look after its owner",
				 strerror(errno))
		       : 0;
}

static int telemetry_hello(struct monitor *m, struct core *c, struct err *err)
{
	const struct conf_telemetry *t = &m->conf.telemetry;
	char users[USERS_TEXT], arg[USERS_TEXT + 256];

	users_text(m, users);
	(void)str_printf(arg, sizeof(arg),
			 "users=%s logs=%d queue=%u start_ns=%llu%s%s", users,
			 (int)t->logs, t->queue,
			 (unsigned long long)m->begun.wall_ns,
			 t->otlp.port ? " otlp=" : "", t->otlp.text);
	return start_hello(m, c, "telemetry", arg, err);
}

/* Like control's, the socket of the metrics stays ours. */
static int start_telemetry(struct monitor *m, struct core *c, struct err *err)
{
	const char *metrics = m->conf.telemetry.metrics;
	CLEAN_FD int out = -1;
	CLEAN_FD int in = -1;
	CLEAN_FD int dir = -1;
	CLEAN_FD int cursor = -1;
	CLEAN_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	int r = telemetry_files(m, &dir, &cursor, err);

	if (r == 0 && metrics[0] && m->metrics_fd < 0) {
		m->metrics_fd = listen_at(metrics, SOCK_STREAM | SOCK_NONBLOCK,
					  "telemetry.metrics",
					  "another path, or none,", err);
		r = m->metrics_fd < 0 ? m->metrics_fd : 0;
	}
	if (r == 0)
		r = start_pair(&out, &in, err);
	if (r < 0)
		return r;
	/* Nothing comes back on it: two hold this end, and neither reads. */
	(void)shutdown(out, SHUT_RD);
	r = start_spawn(
		m, c,
		(struct spawn){
			.fds = { -1, in,
				 m->metrics_fd >= 0 ? m->metrics_fd : null, dir,
				 cursor } },
		err);
	if (r == 0)
		r = telemetry_hello(m, c, err);
	if (r == 0 && observe_begin(m, take_fd(&out)) < 0)
		r = err_set(err, -ENOMEM, "out of memory");
	return r;
}

/* The directory it works in. */
static int connector_dir(const struct conf_connector *cc, struct err *err)
{
	int dir;

	if (mkdir(cc->path, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno,
			       "connector %s: %s cannot be made: %s: make "
			       "it, or name another path in bulkhead.yaml",
			       cc->name, cc->path, strerror(errno));
	dir = open(cc->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir < 0)
		return err_set(err, -errno,
			       "connector %s: %s cannot be opened: %s: name "
			       "a Maildir of yours in bulkhead.yaml",
			       cc->name, cc->path, strerror(errno));
	return dir;
}

void start_tell_broker(struct monitor *m, const struct conf_connector *cc,
		       const int *fd)
{
	m->out.type = MSG_CONNECTOR;
	m->out.ids = m->ids;
	m->out.connector = (struct m_connector){
		.name = span_str(cc->name),
		.ways = account_ways(cc),
		.authserv = span_str(cc->authserv),
		.kind = span_str(conf_connector_name(cc->kind)),
		.sort = account_sort(cc),
		.priced = cc->price.known,
		.input = cc->price.input,
		.output = cc->price.output,
		.cache_read = cc->price.cache_read,
		.cache_write = cc->price.cache_write,
		.model = span_str(cc->chosen ? m->conf.model : ""),
		.api = cc->anthropic ? LLM_MESSAGES : LLM_CHAT,
	};
	core_send(m, &m->broker, fd, 1);
}

static int start_connector(struct monitor *m, struct core *c, struct err *err)
{
	const struct conf_connector *cc = c->conf;
	CLEAN_FD int states = start_dir(m->state_fd, "connectors", err);
	CLEAN_FD int state = states < 0 ? -1 : start_dir(states, cc->name, err);
	CLEAN_FD int dir = state < 0 ? -1 : connector_dir(cc, err);
	CLEAN_FD int broker = -1;
	CLEAN_FD int theirs = -1;
	bool outbound = cc->kind == CONNECTOR_OUTBOX;
	int r = dir < 0 ? err->code : start_pair(&broker, &theirs, err);

	if (r == 0)
		r = start_spawn(m, c,
				(struct spawn){ .fds = { -1, theirs, dir, state,
							 m->gate_fd } },
				err);
	if (r == 0)
		r = start_hello(m, c, cc->name,
				outbound ? "kind=outbox from=bulkhead@localhost"
					 : "kind=maildir",
				err);
	if (r < 0)
		return r;
	start_tell_broker(m, cc, &broker);
	return 0;
}

int start_revoker(struct monitor *m, struct core *c, struct err *err)
{
	const struct conf_connector *cc = c->conf;
	CLEAN_FD int null = open("/dev/null", O_RDWR | O_CLOEXEC);
	CLEAN_FD int states = start_dir(m->state_fd, "connectors", err);
	CLEAN_FD int state = states < 0 ? -1 : start_dir(states, cc->name, err);
	CLEAN_FD int dir = state < 0 ? -1 : connector_dir(cc, err);
	int r = dir < 0 ? err->code
		: null < 0
			? err_set(err, -errno, "/dev/null: %s", strerror(errno))
			: 0;

	if (r == 0)
		r = start_spawn(m, c,
				(struct spawn){ .fds = { -1, null, dir, state,
							 m->gate_fd } },
				err);
	if (r == 0)
		r = start_hello(m, c, cc->name, "revoke", err);
	if (r < 0)
		return r;
	m->out.type = MSG_REVOKE;
	m->out.empty = (struct m_empty){ 0 };
	core_send(m, c, NULL, 0);
	return 0;
}

int start_alone(struct monitor *m, struct core *c, struct err *err)
{
	if (c->proc == PROC_TELEMETRY)
		return start_telemetry(m, c, err);
	if (c->proc == PROC_VAULT)
		return start_vault(m, c, err);
	if (c->proc == PROC_NETD)
		return start_netd(m, c, err);
	if (c->proc == PROC_ONLINE)
		return start_online(m, c, err);
	return c->proc == PROC_CONTROL ? start_control(m, c, err)
				       : start_connector(m, c, err);
}
