/*
 * cores: the processes that live as long as bulkhead, and the channels between
 * them: the process graph as code.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"
#include "policy/policy.h"
#include "privsep/spawn.h"

enum { POLICY_MAX = 1 << 20, STOP_MS = 2000 };

void core_send(struct monitor *m, struct core *c, const int *fds, size_t n)
{
	int r = c->pid ? chan_send(&c->chan, &m->out, fds, n) : -EPIPE;

	if (r < 0 && !m->stopping && !(m->killed && c->proc == PROC_CONNECTOR))
		monitor_fatal(m, "a core process does not take its messages");
}

static void answer_ok(struct monitor *m, struct core *c)
{
	m->out.type = MSG_C_OK;
	m->out.ids = m->ids;
	m->out.empty = (struct m_empty){ 0 };
	core_send(m, c, NULL, 0);
}

static void on_put(struct monitor *m, struct core *c)
{
	item_from_connector(m, c);
}

static void on_kept(struct monitor *m, struct core *)
{
	item_kept(m);
}

static void on_item(struct monitor *m, struct core *)
{
	item_take(m);
}

static void on_count(struct monitor *m, struct core *)
{
	item_count(m);
}

static void on_task_start(struct monitor *m, struct core *)
{
	if (m->conf.planner == PLANNER_NONE)
		monitor_fatal(m, "a task without a planner");
	else
		vm_request(m, VM_PLANNER, m->in.task_start.item,
			   m->in.task_start.task);
}

static void on_task_end(struct monitor *m, struct core *)
{
	vms_of_task_end(m, m->in.ids.task);
}

static void on_verdict(struct monitor *m, struct core *)
{
	item_verdict(m, &m->in.item_verdict);
}

static void on_status(struct monitor *m, struct core *)
{
	status_answer(m);
}

static void on_wire(struct monitor *m, struct core *)
{
	watch_request(m);
}

static void on_kill(struct monitor *m, struct core *c)
{
	char reason[512];
	struct span s = m->in.text.text;

	if (s.n >= sizeof(reason))
		s.n = sizeof(reason) - 1;
	if (str_copy(reason, sizeof(reason), s) < 0 ||
	    !utf8_valid(span_str(reason)))
		(void)str_printf(reason, sizeof(reason), "no reason");
	latch_kill(m, "control", span_str(reason));
	answer_ok(m, c);
}

static void on_down(struct monitor *m, struct core *c)
{
	answer_ok(m, c);
	monitor_stop(m);
}

typedef void (*handler)(struct monitor *m, struct core *c);

/* Who may say what; anything else ends everything. */
static const handler handlers[PROC_MAX][MSG_TYPE_MAX] = {
	[PROC_CONNECTOR] = {
		[MSG_ITEM] = on_put,
	},
	[PROC_STORE] = {
		[MSG_Q_KEPT] = on_kept,
		[MSG_Q_ITEM] = on_item,
		[MSG_Q_COUNT] = on_count,
	},
	[PROC_BROKER] = {
		[MSG_TASK_START] = on_task_start,
		[MSG_TASK_END] = on_task_end,
		[MSG_ITEM_VERDICT] = on_verdict,
	},
	[PROC_CONTROL] = {
		[MSG_C_STATUS] = on_status,
		[MSG_C_WIRE] = on_wire,
		[MSG_C_KILL] = on_kill,
		[MSG_C_DOWN] = on_down,
	},
};

static void core_message(struct monitor *m, struct core *c)
{
	handler fn = handlers[c->proc][m->in.type];

	if (fn) {
		fn(m, c);
		return;
	}
	log_error("core-message", "from=%s type=%s", c->name,
		  msg_type_name(m->in.type));
	monitor_fatal(m, "a message that its sender may not send");
}

static void core_event(void *arg, int fd, short revents)
{
	struct core *c = arg;
	struct monitor *m = c->m;
	const char *why;
	int r;

	(void)fd;
	(void)revents;
	r = chan_recv(&c->chan, &m->in, &why);
	if (r == -EAGAIN)
		return;
	if (r > 0) {
		core_message(m, c);
		return;
	}
	if (m->killed && c->proc == PROC_CONNECTOR) {
		loop_del(&m->loop, c->chan.fd);
		return;
	}
	log_error("process-gone", "name=%s why=\"%s\"", c->name,
		  r < 0 && why ? why : "");
	monitor_fatal(m, "a core process is gone");
}

/* Starts the core process that s describes; s.fds[0], its channel to us, is
 * made here. */
static int core_start(struct monitor *m, struct core *c, const char *name,
		      struct spawn s, struct err *err)
{
	const struct timeval limit = { .tv_sec = MONITOR_SEND_MS / 1000 };
	CLEAN_FD int ours = -1;
	CLEAN_FD int theirs = -1;
	int pair[2];
	int r = chan_pair(pair);

	if (r < 0)
		return err_set(err, r, "socketpair: %s", strerror(-r));
	ours = pair[0];
	theirs = pair[1];
	s.fds[0] = theirs;
	s.libexec = m->libexec;
	c->m = m;
	c->proc = s.proc;
	(void)str_printf(c->name, sizeof(c->name), "%s", name);
	c->pid = spawn_process(&s, &c->pidfd, err);
	if (c->pid < 0) {
		r = c->pid;
		c->pid = 0;
		return r;
	}
	(void)setsockopt(ours, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
	r = chan_init(&c->chan, take_fd(&ours));
	return r < 0 ? err_set(err, r, "out of memory") : 0;
}

static int core_hello(struct monitor *m, struct core *c, const char *name,
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

static int core_watch(struct monitor *m, struct core *c, struct err *err)
{
	c->chan.no_wait = true;
	if (loop_add(&m->loop, c->chan.fd, POLLIN, core_event, c) < 0)
		return err_set(err, -ENFILE, "no room in the loop");
	return 0;
}

/* What auditd says beside its answers, which are read where they are waited
 * for, and may have been since it was seen to say something. */
static void on_auditd(void *arg, int fd, short revents)
{
	struct monitor *m = arg;
	char c;

	(void)revents;
	if (recv(fd, &c, sizeof(c), MSG_PEEK | MSG_DONTWAIT) < 0)
		return;
	loop_del(&m->loop, fd);
	monitor_fatal(m, "the audit log cannot be written");
}

/* A directory below another, made 0700 if it is not there. */
static int sub_dir(int at, const char *name, struct err *err)
{
	int fd;

	if (mkdirat(at, name, 0700) < 0 && errno != EEXIST)
		return err_set(err, -errno, "%s: cannot be made: %s", name,
			       strerror(errno));
	fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NOFOLLOW);
	return fd < 0 ? err_set(err, -errno, "%s: cannot be opened: %s", name,
				strerror(errno))
		      : fd;
}

static int start_auditd(struct monitor *m, struct err *err)
{
	CLEAN_FD int dir = sub_dir(m->state_fd, "audit", err);
	CLEAN_FD int tip = sub_dir(m->state_fd, "tip", err);
	CLEAN_FD int theirs = -1;
	CLEAN_FD int boot_fd = -1;
	const struct timeval limit = { .tv_sec = MONITOR_AUDIT_MS / 1000 };
	char boot[64] = "unknown";
	ssize_t n;
	int pair[2];
	int r;

	if (dir < 0 || tip < 0)
		return dir < 0 ? dir : tip;
	r = chan_pair(pair);
	if (r < 0)
		return err_set(err, r, "socketpair: %s", strerror(-r));
	m->broker_audit_fd = pair[0];
	theirs = pair[1];
	boot_fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	n = boot_fd < 0 ? 0 : fd_read_all(boot_fd, boot, 36);
	boot[n > 0 ? n : 0] = 0;
	r = core_start(m, &m->auditd, "auditd",
		       (struct spawn){ .proc = PROC_AUDITD,
				       .fds = { -1, theirs, dir, tip } },
		       err);
	/* A log that hangs, as on a dead disk, may not hold up a kill. */
	if (r == 0 && setsockopt(m->auditd.chan.fd, SOL_SOCKET, SO_RCVTIMEO,
				 &limit, sizeof(limit)) < 0)
		r = err_set(err, -errno, "auditd: %s", strerror(errno));
	if (r == 0 &&
	    loop_add(&m->loop, m->auditd.chan.fd, POLLIN, on_auditd, m) < 0)
		r = err_set(err, -ENFILE, "no room in the loop");
	if (r == 0)
		r = core_hello(m, &m->auditd, "auditd", boot, err);
	return r;
}

/* What it has opened, or why not. */
static int store_opened(struct monitor *m, struct err *err)
{
	const char *why;

	if (chan_recv(&m->store.chan, &m->in, &why) != 1)
		return err_set(err, -EIO,
			       "the store ended while it started: see the log");
	if (m->in.type == MSG_S_FAIL)
		return err_set(err, -EBADMSG, "%.*s", (int)m->in.text.text.n,
			       (const char *)m->in.text.text.p);
	m->store_state = m->in.s_state;
	if (m->in.type != MSG_S_STATE ||
	    chan_recv(&m->store.chan, &m->in, &why) != 1 ||
	    m->in.type != MSG_READY)
		return err_set(err, -EPROTO, "the store does not start");
	return last_write(m->state_fd, &m->store_state, err);
}

static int start_store(struct monitor *m, struct err *err)
{
	const struct timeval limit = { .tv_sec = MONITOR_STORE_MS / 1000 };
	const struct conf_queue *q = &m->conf.queue;
	CLEAN_FD int dir = sub_dir(m->state_fd, "store", err);
	CLEAN_FD int theirs = -1;
	char last[LAST_TEXT];
	char arg[256];
	int pair[2];
	int r;

	if (dir < 0)
		return dir;
	r = last_read(m->state_fd, last, err);
	if (r < 0)
		return r;
	r = chan_pair(pair);
	if (r < 0)
		return err_set(err, r, "socketpair: %s", strerror(-r));
	m->broker_store_fd = pair[0];
	theirs = pair[1];
	r = core_start(m, &m->store, "store",
		       (struct spawn){ .proc = PROC_STORE,
				       .fds = { -1, theirs, dir } },
		       err);
	if (r == 0 && setsockopt(m->store.chan.fd, SOL_SOCKET, SO_RCVTIMEO,
				 &limit, sizeof(limit)) < 0)
		r = err_set(err, -errno, "store: %s", strerror(errno));
	(void)str_printf(arg, sizeof(arg),
			 "items=%u bytes=%llu per_source=%u reserve=%llu "
			 "history=%u last=%s",
			 q->items, (unsigned long long)q->bytes, q->per_source,
			 (unsigned long long)q->reserve, q->history, last);
	if (r == 0)
		r = core_hello(m, &m->store, "store", arg, err);
	if (r == 0)
		r = store_opened(m, err);
	return r == 0 ? core_watch(m, &m->store, err) : r;
}

/* The owner's policy, or the embedded one, as a sealed memfd. */
static int policy_memfd(const struct monitor *m, struct err *err)
{
	CLEAN_FD int file = -1;
	int fd;

	if (!m->conf.policy[0])
		return memfd_sealed("policy", span_str(policy_default_text()));
	file = open(m->conf.policy, O_RDONLY | O_CLOEXEC);
	if (file < 0)
		return err_set(err, -errno,
			       "%s: the policy cannot be read: 'bulkhead init' "
			       "writes one",
			       m->conf.policy);
	fd = memfd_from_fd("policy", file, POLICY_MAX);
	if (fd < 0)
		return err_set(err, fd, "%s: over %d bytes or unreadable",
			       m->conf.policy, POLICY_MAX);
	return fd;
}

static const char *policy_name(const struct monitor *m)
{
	const char *base = strrchr(m->conf.policy, '/');

	if (!m->conf.policy[0])
		return "assistant.yaml";
	return base ? base + 1 : m->conf.policy;
}

/*
 * Loads the policy here first, for the owner's sake: what is wrong with it, and
 * with it beside the configuration, is told at once. The broker loads the same
 * sealed bytes again and trusts nobody's word for them.
 */
static int check_policy(const struct monitor *m, int fd, struct err *err)
{
	CLEAN_FREE uint8_t *text = NULL;
	struct policy *p = NULL;
	CLEAN_BUF struct buf errs;
	ssize_t n = memfd_sealed_size(fd, POLICY_MAX);
	int r;

	buf_init(&errs, 64 << 10);
	if (n >= 0)
		text = malloc((size_t)n + 1);
	if (!text || fd_pread_all(fd, text, (size_t)n, 0) != n)
		return err_set(err, -EIO, "the policy cannot be read");
	r = policy_load(policy_name(m), span_of(text, (size_t)n), NULL, &p,
			&errs);
	if (r == 0)
		r = policy_check_conf(p, &m->conf, &errs);
	policy_free(p);
	return r == 0 ? 0 : err_set(err, r, "%s", buf_cstr(&errs));
}

static int start_broker(struct monitor *m, struct err *err)
{
	CLEAN_FD int theirs = -1;
	CLEAN_FD int policy = policy_memfd(m, err);
	char arg[1200];
	const char *why;
	int pair[2];
	int r;

	if (policy < 0)
		return policy;
	r = check_policy(m, policy, err);
	if (r < 0)
		return r;
	r = chan_pair(pair);
	if (r < 0)
		return err_set(err, r, "socketpair: %s", strerror(-r));
	m->broker_control_fd = pair[0];
	theirs = pair[1];
	r = core_start(m, &m->broker, "broker",
		       (struct spawn){ .proc = PROC_BROKER,
				       .fds = { -1, m->broker_audit_fd, theirs,
						policy, m->broker_store_fd } },
		       err);
	fd_close(&m->broker_audit_fd);
	fd_close(&m->broker_store_fd);
	if (r < 0)
		return r;
	(void)str_printf(arg, sizeof(arg), "%s\n%s",
			 conf_planner_name(m->conf.planner), m->conf.say);
	r = core_hello(m, &m->broker, policy_name(m), arg, err);
	/* First it ends what a crash has left, and tells the verdicts. */
	m->in.type = MSG_NONE;
	while (r == 0 && m->in.type != MSG_READY) {
		if (chan_recv(&m->broker.chan, &m->in, &why) != 1)
			r = err_set(err, -EINVAL,
				    "the broker ended while it started: see "
				    "the log");
		else if (m->in.type == MSG_ITEM_VERDICT)
			item_verdict(m, &m->in.item_verdict);
	}
	return r == 0 ? core_watch(m, &m->broker, err) : r;
}

/* The owner's socket: 0600, a stale one is replaced (we hold the lock). */
static int listen_control(struct monitor *m, struct err *err)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	CLEAN_FD int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
	struct stat st;
	mode_t old;
	int r;

	if (str_copy(a.sun_path, sizeof(a.sun_path), span_str(m->conf.socket)) <
	    0)
		return err_set(err, -ENAMETOOLONG,
			       "%s: a socket's path holds "
			       "at most 107 bytes: set control.socket",
			       m->conf.socket);
	if (lstat(a.sun_path, &st) == 0 && S_ISSOCK(st.st_mode))
		(void)unlink(a.sun_path);
	old = umask(0177);
	r = fd < 0 ? -1 : bind(fd, (struct sockaddr *)&a, sizeof(a));
	umask(old);
	m->own_socket = r == 0;
	if (r < 0 || listen(fd, 16) < 0)
		return err_set(err, -errno, "%s: cannot listen: %s", a.sun_path,
			       strerror(errno));
	return take_fd(&fd);
}

static int start_control(struct monitor *m, struct err *err)
{
	CLEAN_FD int listening = listen_control(m, err);
	char users[16 * 12] = "";
	uint32_t i;
	int r;

	if (listening < 0)
		return listening;
	for (i = 0; i < m->conf.n_users; i++)
		(void)str_printf(users + strlen(users),
				 sizeof(users) - strlen(users), "%s%u",
				 i ? "," : "", m->conf.users[i]);
	r = core_start(m, &m->control, "control",
		       (struct spawn){
			       .proc = PROC_CONTROL,
			       .fds = { -1, m->broker_control_fd, listening } },
		       err);
	fd_close(&m->broker_control_fd);
	if (r == 0)
		r = core_hello(m, &m->control, "control", users, err);
	return r == 0 ? core_watch(m, &m->control, err) : r;
}

static int start_connector(struct monitor *m, const struct conf_connector *cc,
			   struct err *err)
{
	struct core *c = &m->connectors[m->n_connectors];
	CLEAN_FD int states = sub_dir(m->state_fd, "connectors", err);
	CLEAN_FD int state = states < 0 ? -1 : sub_dir(states, cc->name, err);
	CLEAN_FD int dir = -1;
	CLEAN_FD int ours = -1;
	CLEAN_FD int theirs = -1;
	bool outbound = cc->kind == CONNECTOR_OUTBOX;
	char name[CONF_NAME_MAX + 16];
	int pair[2];
	int r;

	if (state < 0)
		return state;
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
	r = chan_pair(pair);
	if (r < 0)
		return err_set(err, r, "socketpair: %s", strerror(-r));
	ours = pair[0];
	theirs = pair[1];
	(void)str_printf(name, sizeof(name), "connector:%s", cc->name);
	r = core_start(m, c, name,
		       (struct spawn){ .proc = PROC_CONNECTOR,
				       .fds = { -1, theirs, dir, state } },
		       err);
	if (r < 0)
		return r;
	m->n_connectors++;
	r = core_hello(m, c, cc->name,
		       outbound ? "kind=outbox from=bulkhead@localhost"
				: "kind=maildir",
		       err);
	if (r < 0)
		return r;
	m->out.type = MSG_CONNECTOR;
	m->out.connector =
		(struct m_connector){ span_str(cc->name), outbound ? 2 : 1 };
	r = chan_send(&m->broker.chan, &m->out, &ours, 1);
	if (r < 0)
		return err_set(err, r, "the broker does not answer");
	return core_watch(m, c, err);
}

int cores_start(struct monitor *m, struct err *err)
{
	uint32_t i;
	int r = start_auditd(m, err);

	if (r == 0)
		r = start_store(m, err);
	if (r == 0)
		r = start_broker(m, err);
	if (r == 0)
		r = start_control(m, err);
	for (i = 0; r == 0 && i < m->conf.n_connectors; i++)
		r = start_connector(m, &m->conf.connectors[i], err);
	return r;
}

static void core_kill(struct monitor *m, struct core *c)
{
	if (!c->pid)
		return;
	(void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL, 0);
	(void)waitpid(c->pid, NULL, 0);
	c->pid = 0;
	fd_close(&c->pidfd);
	loop_del(&m->loop, c->chan.fd);
	chan_done(&c->chan);
}

void connectors_kill(struct monitor *m)
{
	int i;

	/* All of them first, then wait for each. */
	for (i = 0; i < m->n_connectors; i++)
		if (m->connectors[i].pid)
			(void)syscall(SYS_pidfd_send_signal,
				      m->connectors[i].pidfd, SIGKILL, NULL, 0);
	for (i = 0; i < m->n_connectors; i++)
		core_kill(m, &m->connectors[i]);
}

/* Asks, waits a moment, then kills. */
static void core_end(struct monitor *m, struct core *c)
{
	struct pollfd p = { c->pidfd, POLLIN, 0 };

	if (!c->pid)
		return;
	m->out.type = MSG_STOP;
	m->out.ids = m->ids;
	m->out.empty = (struct m_empty){ 0 };
	if (chan_send(&c->chan, &m->out, NULL, 0) == 0)
		(void)poll(&p, 1, STOP_MS);
	core_kill(m, c);
}

/* The log's end, so that an older log is known for what it is. */
static void keep_tip(struct monitor *m)
{
	if (!m->store.pid || !m->audit_state.size)
		return;
	m->out.type = MSG_S_TIP;
	m->out.ids = m->ids;
	m->out.s_tip = (struct m_s_tip){ .size = m->audit_state.size };
	memcpy(m->out.s_tip.root, m->audit_state.root, 32);
	(void)chan_send(&m->store.chan, &m->out, NULL, 0);
}

/* Connectors first, so that nothing acts; the log last. */
void cores_end(struct monitor *m)
{
	int i;

	m->stopping = true;
	for (i = 0; i < m->n_connectors; i++)
		core_end(m, &m->connectors[i]);
	core_end(m, &m->control);
	core_end(m, &m->broker);
	keep_tip(m);
	core_end(m, &m->store);
	core_end(m, &m->auditd);
	/* Not that of another monitor, which is why this one did not start. */
	if (m->own_socket)
		(void)unlink(m->conf.socket);
}
