/*
 * cores: the processes that live as long as bulkhead: who may say what to us,
 * what we say to them, and their end. A process that says what it may not, or
 * does not take what it is told, is lost (generation.c); nobody else is harmed.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

enum {
	STOP_MS = 2000, /* what it has to end by itself */
	REAP_MS = 5000, /* and at our own end, when killed */
	GONE_MS = 100,	/* from its hang-up to its end */
};

void cores_init(struct monitor *m)
{
	struct core *c;
	uint32_t i;

	m->auditd = (struct core){ .proc = PROC_AUDITD, .name = "auditd" };
	m->store = (struct core){ .proc = PROC_STORE, .name = "store" };
	m->broker = (struct core){ .proc = PROC_BROKER, .name = "broker" };
	m->control = (struct core){ .proc = PROC_CONTROL, .name = "control" };
	m->telemetry =
		(struct core){ .proc = PROC_TELEMETRY, .name = "telemetry" };
	for (i = 0; i < m->conf.n_connectors; i++) {
		c = &m->connectors[i];
		*c = (struct core){ .conf = &m->conf.connectors[i] };
		c->proc =
			conf_is_account(c->conf) ? PROC_ONLINE : PROC_CONNECTOR;
		(void)str_printf(c->name, sizeof(c->name), "connector:%s",
				 c->conf->name);
	}
	m->n_connectors = (int)m->conf.n_connectors;
	m->vault = (struct core){ .proc = PROC_VAULT, .name = "vault" };
	m->netd = (struct core){ .proc = PROC_NETD, .name = "netd" };
	m->passphrase_fd = -1;
	m->telemetry.m = m->vault.m = m->netd.m = m;
	m->telemetry.pidfd = m->telemetry.chan.fd = -1;
	m->vault.pidfd = m->vault.chan.fd = -1;
	m->netd.pidfd = m->netd.chan.fd = -1;
	for (i = 0; (c = core_at(m, i)); i++) {
		c->m = m;
		c->pidfd = -1;
		c->chan.fd = -1;
	}
}

struct core *core_at(struct monitor *m, size_t i)
{
	struct core *const fixed[] = { &m->auditd, &m->store, &m->broker,
				       &m->control };

	if (i < ARRAY_SIZE(fixed))
		return fixed[i];
	i -= ARRAY_SIZE(fixed);
	/* Before those who need them. */
	if (vault_wanted(m) && i-- == 0)
		return &m->vault;
	if (accounts_wanted(m) && i-- == 0)
		return &m->netd;
	if (i < (size_t)m->n_connectors)
		return &m->connectors[i];
	return i == (size_t)m->n_connectors && observe_wanted(m) ? &m->telemetry
								 : NULL;
}

bool core_hears(const struct core *c)
{
	return c->pid && !c->dying && !c->failing &&
	       !(core_of_generation(c) && c->m->gen.failing);
}

void core_send(struct monitor *m, struct core *c, const int *fds, size_t n)
{
	char why[80];
	int r;

	if (!core_hears(c))
		return;
	r = chan_send(&c->chan, &m->out, fds, n);
	if (r == 0)
		return;
	if (!core_exit(c, why, sizeof(why), NULL))
		(void)str_printf(
			why, sizeof(why), "does not take a message: %s",
			r == -EPIPE ? "it is gone" : strerrorname_np(-r));
	core_lost(m, c, why);
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
		core_lost(m, &m->broker, "begins a task without a planner");
	else if (!vm_request(m, VM_PLANNER, m->in.task_start.item,
			     m->in.task_start.task))
		core_lost(m, &m->broker, "begins more tasks than items exist");
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

static void answer_fail(struct monitor *m, struct core *c, const char *why)
{
	m->out.type = MSG_C_FAIL;
	m->out.ids = m->ids;
	m->out.text.text = span_str(why);
	core_send(m, c, NULL, 0);
}

/* Of the message at hand; words that are no text are left out. */
static void take_text(char *ret, size_t cap, struct span s, const char *other)
{
	if (s.n >= cap)
		s.n = cap - 1;
	if (str_copy(ret, cap, s) < 0 || !ret[0] || !utf8_valid(span_str(ret)))
		(void)str_printf(ret, cap, "%s", other);
}

static const char no_latch[] = "there is no such latch";

static void on_kill(struct monitor *m, struct core *c)
{
	char reason[512];
	struct latch l;

	if (latch_of(&m->in.latch, &l) < 0) {
		answer_fail(m, c, no_latch);
		return;
	}
	take_text(reason, sizeof(reason), m->in.latch.reason, "no reason");
	latch_kill(m, &l, "control", span_str(reason));
	answer_ok(m, c);
}

static void on_rearm(struct monitor *m, struct core *c)
{
	const char *why = no_latch;
	struct latch l;

	if (latch_of(&m->in.latch, &l) == 0)
		why = latch_rearm(m, &l);
	if (why)
		answer_fail(m, c, why);
	else
		answer_ok(m, c);
}

/* The broker's tripwires; what is none of ours to set is the widest. */
static void on_trip(struct monitor *m, struct core *)
{
	const struct m_latch *in = &m->in.latch;
	char by[LIMIT_NAME + 1], reason[512];
	struct latch l = { .level = LATCH_ALL };

	/* The owner's own word, where he freezes a task, is none. */
	m->trips += !span_is(in->by, "owner");
	if (!in->level)
		return;
	(void)latch_of(in, &l);
	take_text(by, sizeof(by), in->by, "broker");
	take_text(reason, sizeof(reason), in->reason, "no reason");
	latch_kill(m, &l, by, span_str(reason));
}

static void on_lease(struct monitor *m, struct core *)
{
	m->lease = m->in.lease;
}

static void on_revoked(struct monitor *m, struct core *c)
{
	revoke_said(m, c);
}

/* Whether there is one by now the log itself says. */
static void on_key(struct monitor *m, struct core *c)
{
	m->out.type = MSG_AUDIT_KEY;
	m->out.ids = m->ids;
	m->out.empty = (struct m_empty){ 0 };
	if (core_hears(&m->auditd))
		(void)chan_send(&m->auditd.chan, &m->out, NULL, 0);
	answer_ok(m, c);
}

static void on_down(struct monitor *m, struct core *c)
{
	answer_ok(m, c);
	monitor_stop(m);
}

static void on_ready(struct monitor *m, struct core *c)
{
	core_ready(m, c);
}

static void on_pong(struct monitor *m, struct core *c)
{
	core_pong(m, c, m->in.ping.number);
}

static void on_state(struct monitor *m, struct core *)
{
	store_opened(m, &m->in.s_state);
}

/* Of the log that it is dead, of the database that it cannot be used. */
static void on_refusal(struct monitor *m, struct core *c)
{
	char why[SUP_CAUSE];

	if (str_copy(why, sizeof(why), m->in.text.text) < 0 ||
	    !utf8_valid(span_str(why)))
		(void)str_printf(why, sizeof(why), "it refuses; see the log");
	core_lost(m, c, why);
	if (c != &m->auditd)
		return;
	m->gen.spare = true;
	latch_log_failed(m, why);
}

static void on_room(struct monitor *m, struct core *)
{
	audit_room_take(&m->record.room, &m->in.audit_room);
	room_look(m);
}

static void on_given(struct monitor *m, struct core *)
{
	vault_given(m);
}

static void on_refused(struct monitor *m, struct core *)
{
	net_refused(m);
}

static void on_connect(struct monitor *m, struct core *)
{
	observe_connect(m);
}

typedef void (*handler)(struct monitor *m, struct core *c);

/* Who may say what. */
static const handler handlers[PROC_MAX][MSG_TYPE_MAX] = {
	[PROC_AUDITD] = {
		[MSG_READY] = on_ready,
		[MSG_PONG] = on_pong,
		[MSG_AUDIT_FAIL] = on_refusal,
		[MSG_AUDIT_ROOM] = on_room,
	},
	[PROC_STORE] = {
		[MSG_S_STATE] = on_state,
		[MSG_S_FAIL] = on_refusal,
		[MSG_READY] = on_ready,
		[MSG_PONG] = on_pong,
		[MSG_Q_KEPT] = on_kept,
		[MSG_Q_ITEM] = on_item,
		[MSG_Q_COUNT] = on_count,
	},
	[PROC_BROKER] = {
		[MSG_READY] = on_ready,
		[MSG_PONG] = on_pong,
		[MSG_LATCH] = on_trip,
		[MSG_LEASE] = on_lease,
		[MSG_TASK_START] = on_task_start,
		[MSG_TASK_END] = on_task_end,
		[MSG_ITEM_VERDICT] = on_verdict,
	},
	[PROC_CONNECTOR] = {
		[MSG_READY] = on_ready,
		[MSG_PONG] = on_pong,
		[MSG_ITEM] = on_put,
		[MSG_REVOKED] = on_revoked,
	},
	[PROC_ONLINE] = {
		[MSG_READY] = on_ready,
		[MSG_PONG] = on_pong,
		[MSG_ITEM] = on_put,
		[MSG_LINK] = account_link,
		[MSG_SKIPPED] = account_skipped,
	},
	[PROC_VAULT] = {
		[MSG_READY] = on_ready,
		[MSG_PONG] = on_pong,
		[MSG_V_GIVEN] = on_given,
	},
	[PROC_NETD] = {
		[MSG_READY] = on_ready,
		[MSG_PONG] = on_pong,
		[MSG_N_REFUSED] = on_refused,
	},
	[PROC_TELEMETRY] = {
		[MSG_READY] = on_ready,
		[MSG_PONG] = on_pong,
		[MSG_CONNECT] = on_connect,
	},
	[PROC_CONTROL] = {
		[MSG_READY] = on_ready,
		[MSG_PONG] = on_pong,
		[MSG_C_STATUS] = on_status,
		[MSG_C_WIRE] = on_wire,
		[MSG_C_KILL] = on_kill,
		[MSG_C_REARM] = on_rearm,
		[MSG_C_DOWN] = on_down,
		[MSG_C_KEY] = on_key,
	},
};

static void core_message(struct monitor *m, struct core *c)
{
	handler fn = handlers[c->proc][m->in.type];
	char why[80];

	if (fn) {
		fn(m, c);
		return;
	}
	(void)str_printf(why, sizeof(why), "sent what it may not: %s",
			 msg_type_name(m->in.type));
	core_lost(m, c, why);
}

void core_event(void *arg, int fd, short revents)
{
	struct core *c = arg;
	struct monitor *m = c->m;
	const char *why;
	char gone[SUP_CAUSE];
	int r;

	(void)fd;
	(void)revents;
	if (!core_hears(c))
		return;
	c->chan.no_wait = true;
	r = chan_recv(&c->chan, &m->in, &why);
	/* Of auditd answers are waited for. */
	c->chan.no_wait = c != &m->auditd;
	if (r == -EAGAIN)
		return;
	if (r == -EMFILE) {
		/* What it brings has no place yet: it stays where it is. */
		loop_rest(&m->loop, c->chan.fd, ROOM_RETRY_MS);
		room_look(m);
		return;
	}
	if (r > 0) {
		core_message(m, c);
		return;
	}
	if (r == -EPROTO)
		(void)str_printf(gone, sizeof(gone),
				 "sent what is no message: %s", why ? why : "");
	else if (!core_exit(c, gone, sizeof(gone), NULL))
		(void)str_printf(gone, sizeof(gone), "closed its channel");
	core_lost(m, c, gone);
}

/* --- end ----------------------------------------------------------------- */

/* Of one that ends the channel goes first: whoever sees that may see the end of
 * others before its own. */
static int until_gone(const struct core *c)
{
	struct pollfd p = { .fd = c->chan.fd };

	return poll(&p, 1, 0) > 0 && p.revents & (POLLHUP | POLLERR) ? GONE_MS
								     : 0;
}

bool core_exit(const struct core *c, char *ret, size_t cap, bool *ret_signal)
{
	struct pollfd p = { c->pidfd, POLLIN, 0 };
	siginfo_t si = { 0 };
	const char *name;

	if (!c->pid || poll(&p, 1, until_gone(c)) <= 0 ||
	    waitid(P_PIDFD, (id_t)c->pidfd, &si, WEXITED | WNOHANG | WNOWAIT) <
		    0 ||
	    !si.si_pid)
		return false;
	name = si.si_code == CLD_EXITED ? NULL : sigabbrev_np(si.si_status);
	if (si.si_code == CLD_EXITED)
		(void)str_printf(ret, cap, "ended with code %d: see the log",
				 si.si_status);
	else
		(void)str_printf(ret, cap, "was ended by signal %d (%s)",
				 si.si_status, name ? name : "?");
	if (ret_signal)
		*ret_signal = si.si_code != CLD_EXITED;
	return true;
}

static void reaped(struct core *c)
{
	loop_del(&c->m->loop, c->pidfd);
	fd_close(&c->pidfd);
	c->pid = 0;
	c->dying = false;
}

static void on_exit_of(void *arg, int, short)
{
	struct core *c = arg;

	if (waitpid(c->pid, NULL, WNOHANG) == 0)
		return;
	reaped(c);
	supervise_soon(c->m);
}

void core_strike(const struct core *c)
{
	if (c->pid && !c->dying)
		(void)syscall(SYS_pidfd_send_signal, c->pidfd, SIGKILL, NULL,
			      0);
}

/* Not waited for: what hangs in a system call of a dead disk ends with it. */
void core_kill(struct monitor *m, struct core *c)
{
	c->failing = false;
	if (!c->pid || c->dying)
		return;
	core_strike(c);
	loop_del(&m->loop, c->chan.fd);
	chan_done(&c->chan);
	c->dying = true;
	if (loop_add(&m->loop, c->pidfd, POLLIN, on_exit_of, c) < 0)
		monitor_fatal(m, "no room in the loop");
}

void connectors_kill(struct monitor *m)
{
	int i;

	for (i = 0; i < m->n_connectors; i++)
		core_kill(m, &m->connectors[i]);
}

void helpers_kill(struct monitor *m)
{
	core_kill(m, &m->netd);
	core_kill(m, &m->vault);
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
	if (!c->dying && chan_send(&c->chan, &m->out, NULL, 0) == 0)
		(void)poll(&p, 1, STOP_MS);
	core_kill(m, c);
	if (poll(&p, 1, REAP_MS) > 0 && waitpid(c->pid, NULL, WNOHANG) != 0)
		reaped(c);
	else
		log_error("process-stays", "name=%s pid=%d", c->name,
			  (int)c->pid);
}

/* The log's end, so that an older log is known for what it is. */
static void keep_tip(struct monitor *m)
{
	if (!core_hears(&m->store) || !m->audit_state.size)
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
	loop_timer_del(&m->loop, m->sup_timer);
	for (i = 0; i < m->n_connectors; i++)
		core_end(m, &m->connectors[i]);
	core_end(m, &m->netd);
	core_end(m, &m->vault);
	fd_close(&m->passphrase_fd);
	core_end(m, &m->telemetry);
	core_end(m, &m->control);
	core_end(m, &m->broker);
	keep_tip(m);
	core_end(m, &m->store);
	core_end(m, &m->auditd);
	fd_close(&m->listen_fd);
	/* Not that of another monitor, which is why this one did not start. */
	if (m->own_socket)
		(void)unlink(m->conf.socket);
}
