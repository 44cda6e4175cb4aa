/*
 * latch: the kill. It belongs to the monitor and depends on no other process.
 * What a latch stops is stopped first: the broker's gate is shut by a store to
 * shared memory, whatever could act is ended by SIGKILL. Then the latch is
 * written, then the record; only the owner takes it away again (`bulkhead
 * rearm`).
 *
 * All stops everything that acts, connectors too. The narrower ones leave them
 * running: an effect of what is killed is refused by the broker, right before
 * it would be sent, and the planner's machines of a killed task or agent end.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/inotify.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"
#include "policy/policy.h"
#include "state/state.h"

static struct gate_row row_of(const struct latch *l)
{
	struct gate_row r = { 0 };

	if (l->level == LATCH_CAPABILITY)
		r.capability = span_str(l->capability);
	r.task = l->level == LATCH_TASK ? l->task : 0;
	r.agent = l->level == LATCH_AGENT;
	r.all = l->level >= LATCH_ALL;
	return r;
}

bool latch_agent(const struct monitor *m)
{
	return gate_is_shut(m->gate, &(struct gate_row){ .agent = true });
}

/* Of all the gate says nothing: it may be shut, and the kill yet to come. */
static bool is_known(const struct monitor *m, const struct latch *l)
{
	const struct gate_row row = row_of(l);

	return row.all ? m->killed : gate_is_shut(m->gate, &row);
}

/* --- what it does -------------------------------------------------------- */

/* Nothing that acts is left when this returns, or it ends with the system call
 * that it is in. */
static void end_all(struct monitor *m)
{
	int i;

	m->killed = true;
	/* Who acts goes before who asks. */
	connectors_kill(m);
	vms_kill(m);
	helpers_kill(m);
	for (i = 0; i < m->n_connectors; i++)
		sup_ended(&m->connectors[i].sup, now_ms(), "ended by the kill");
	if (accounts_wanted(m))
		sup_ended(&m->netd.sup, now_ms(), "ended by the kill");
	if (vault_wanted(m))
		sup_ended(&m->vault.sup, now_ms(), "ended by the kill");
}

/* Stops what the latch is for. How long it took, in us. */
static uint64_t stop(struct monitor *m, const struct latch *l)
{
	const struct gate_row row = row_of(l);
	uint64_t t0 = now_us();

	if (gate_shut(m->gate, &row) < 0)
		log_warn("latch-wide",
			 "why=\"more latches than there is room for: the agent "
			 "is stopped\"");
	if (row.all)
		end_all(m);
	else if (l->level != LATCH_CAPABILITY)
		planners_kill(m, l->task);
	return now_us() - t0;
}

/* Not persisted: then nothing may go on in memory either, nor be begun anew
 * by whoever would start us again. */
static void write_latch(struct monitor *m, const struct latch *l,
			const char *by, struct span reason)
{
	int r;

	/* The one descriptor that is held back. */
	fd_close(&m->room.spare);
	r = latch_set(&m->latches, l, span_str(by), reason);
	if (r > 0)
		log_warn("latch", "why=\"set, without its reason\"");
	if (r >= 0)
		return;
	monitor_fatal(m, "the latch cannot be written");
	m->exit_code = MONITOR_EXIT_OWNER;
}

static void tell_broker(struct monitor *m, const struct latch *l, bool set,
			const char *by, struct span reason)
{
	m->out.ids = m->ids;
	if (set && l->level >= LATCH_ALL) {
		m->out.type = MSG_KILL;
		m->out.text.text = reason;
	} else {
		m->out.type = MSG_LATCH;
		m->out.latch = (struct m_latch){
			.level = (uint8_t)l->level,
			.set = set,
			.capability = span_str(l->capability),
			.task = l->task,
			.by = span_str(by),
			.reason = reason,
		};
	}
	core_send(m, &m->broker, NULL, 0);
}

static void begin_record(struct monitor *m, const char *kind,
			 const struct latch *l, const char *by,
			 struct span reason)
{
	struct msg_ids ids = m->ids;

	ids.task = l->level == LATCH_TASK ? l->task : 0;
	audit_begin(&m->record, kind, &ids);
	audit_str(&m->record, "level", span_str(latch_level_name(l->level)));
	if (l->level == LATCH_CAPABILITY)
		audit_str(&m->record, "capability", span_str(l->capability));
	audit_str(&m->record, "by", span_str(by));
	audit_str(&m->record, "reason", reason);
}

static void record(struct monitor *m, const struct latch *l, const char *by,
		   struct span reason, uint64_t took)
{
	char name[LATCH_FILE];

	/* Before the broker hears that a VM is gone, and looks at what its
	 * planner had asked for: that is refused, not begun and then unknown.
	 */
	tell_broker(m, l, true, by, reason);
	if (l->level >= LATCH_ALL)
		vms_end(m, "killed");
	else if (l->level != LATCH_CAPABILITY)
		planners_end(m, l->task);
	latch_name(l, name);
	log_warn("kill", "what=\"%s\" by=%s took_us=%llu", name, by,
		 (unsigned long long)took);
	begin_record(m, "kill", l, by, reason);
	audit_int(&m->record, "took_us", took);
	monitor_audit(m);
	if (l->level == LATCH_REVOKE)
		revoke_start(m);
}

void latch_kill(struct monitor *m, const struct latch *l, const char *by,
		struct span reason)
{
	uint64_t took = stop(m, l);

	write_latch(m, l, by, reason);
	/* Records only now: the log may be slow, or not there at all. */
	record(m, l, by, reason, took);
}

void latch_kill_all(struct monitor *m, const char *by, struct span reason)
{
	const struct latch all = { .level = LATCH_ALL };

	latch_kill(m, &all, by, reason);
}

void latch_log_failed(struct monitor *m, const char *why)
{
	const struct latch l = { .level = m->trip_audit == TRIP_KILL
						  ? LATCH_ALL
						  : LATCH_AGENT };

	if (m->trip_audit != TRIP_REFUSE && !m->killed && !m->stopping &&
	    !is_known(m, &l))
		latch_kill(m, &l, "audit", span_str(why));
}

const char *latch_rearm(struct monitor *m, const struct latch *l)
{
	const struct gate_row row = row_of(l);
	char words[LATCH_WORDS];

	if (row.all)
		return "bulkhead is running: `bulkhead down` first, then "
		       "rearm, then `bulkhead up`";
	if (!latch_is_set(&m->latches, l))
		return "that latch is not set";
	latch_words(&m->latches, l, words);
	/* On record before it is true: what goes wrong leaves it set. */
	begin_record(m, "rearm", l, "control", span_str(words));
	monitor_audit(m);
	if (latch_clear(&m->latches, l) < 0)
		return "the latch cannot be removed: look after the owner of "
		       "the state directory";
	gate_open(m->gate, &row);
	tell_broker(m, l, false, "control", span_str(words));
	vms_plan(m);
	return NULL;
}

static void was_rearmed(void *arg, const struct latch *l, const char *words)
{
	struct monitor *m = arg;

	begin_record(m, "rearm", l, "rearm", span_str(words));
	monitor_audit(m);
}

static void tell_rearmed(void *arg, const struct latch *l, const char *words)
{
	struct monitor *m = arg;

	m->out.type = MSG_LATCH;
	m->out.ids = m->ids;
	m->out.latch = (struct m_latch){
		.level = (uint8_t)l->level,
		.set = 1,
		.capability = span_str(l->capability),
		.task = l->task,
		.by = SPAN_LIT("rearm"),
		.reason = span_str(words),
	};
	core_send(m, &m->broker, NULL, 0);
}

void latch_tell_rearmed(struct monitor *m)
{
	(void)latches_rearmed(&m->latches, tell_rearmed, m);
}

void latch_record_rearmed(struct monitor *m)
{
	/* They stay until they are on disk in the log. */
	if (latches_rearmed(&m->latches, was_rearmed, m) && m->gen.log)
		latches_rearmed_forget(&m->latches);
}

/* --- what is there already ----------------------------------------------- */

/* Whatever sets it, a file that is there is a kill. */
static void found(void *arg, const struct latch *l)
{
	struct monitor *m = arg;
	const struct gate_row row = row_of(l);

	if (is_known(m, l))
		return;
	/* One that there is no room for: that it stops the agent is on record
	 * once, not whenever we look. */
	if (latch_agent(m) && gate_shut(m->gate, &row) < 0)
		return;
	record(m, l, "latch", SPAN_LIT("the latch is there"), stop(m, l));
}

static bool kill_file_is_there(const struct monitor *m)
{
	struct stat st;

	return m->conf.kill.file[0] &&
	       (lstat(m->conf.kill.file, &st) == 0 || errno != ENOENT);
}

/* Nothing is read of it: the loop has yet to. */
static bool signal_waits(void)
{
	sigset_t set;

	return sigpending(&set) == 0 && sigismember(&set, SIGUSR1) == 1;
}

/* What control says next is left where it is, too. */
static bool owner_waits(const struct monitor *m)
{
	static uint8_t datagram[LIMIT_MSG];
	static struct msg next;
	const char *why;
	ssize_t n = core_hears(&m->control)
			    ? recv(m->control.chan.fd, datagram,
				   sizeof(datagram), MSG_PEEK | MSG_DONTWAIT)
			    : 0;

	return n > 0 &&
	       msg_decode(span_of(datagram, (size_t)n), &next, &why) == 0 &&
	       next.type == MSG_C_KILL && next.latch.level >= LATCH_ALL;
}

void latch_at_once(struct monitor *m)
{
	const struct latch all = { .level = LATCH_ALL };
	int i;

	if (!signal_waits() && !owner_waits(m) &&
	    !latch_is_set(&m->latches, &all) && !kill_file_is_there(m))
		return;
	(void)gate_shut(m->gate, &(struct gate_row){ .all = true });
	for (i = 0; i < m->n_connectors; i++)
		core_strike(&m->connectors[i]);
	core_strike(&m->netd);
	core_strike(&m->vault);
}

/* The directory that the kill file would be in; "" where there is none. */
static void kill_folder(const struct monitor *m, char ret[CONF_PATH_MAX])
{
	const char *file = m->conf.kill.file;
	const char *slash = strrchr(file, '/');
	size_t n = slash == file ? 1 : slash ? (size_t)(slash - file) : 0;

	if (str_copy(ret, CONF_PATH_MAX, span_of(file, n)) < 0)
		ret[0] = 0;
}

/* Then nobody could leave the file there any more. */
static bool kill_folder_is_gone(const struct monitor *m)
{
	char dir[CONF_PATH_MAX];
	struct stat st;

	kill_folder(m, dir);
	return dir[0] && stat(dir, &st) < 0;
}

void latch_look(struct monitor *m)
{
	if (m->killed || m->stopping)
		return;
	if (kill_file_is_there(m))
		latch_kill_all(m, "kill-file", span_str(m->conf.kill.file));
	else if (kill_folder_is_gone(m))
		latch_kill_all(m, "kill-file",
			       SPAN_LIT("the folder of kill.file is gone"));
	else
		(void)latches_each(&m->latches, found, m);
}

static void shut(void *arg, const struct latch *l)
{
	struct monitor *m = arg;
	const struct gate_row row = row_of(l);

	(void)gate_shut(m->gate, &row);
}

int latch_start(struct monitor *m, struct err *err)
{
	const struct latch all = { .level = LATCH_ALL };
	int r = latches_open(m->state_fd, &m->latches);

	if (r == 0)
		r = gate_make(&m->gate, &m->gate_fd);
	if (r < 0)
		return err_set(err, r,
			       "state/latches: cannot be used: %s: make room, "
			       "or look after the directory's owner",
			       strerror(-r));
	if (latch_is_set(&m->latches, &all))
		return err_set(err, -EPERM,
			       "the kill latch is set: see "
			       "'bulkhead audit tail', then 'bulkhead rearm'");
	if (kill_file_is_there(m))
		return err_set(err, -EPERM,
			       "%s: the kill file is there: remove it, then "
			       "start again",
			       m->conf.kill.file);
	(void)latches_each(&m->latches, shut, m);
	return 0;
}

/* Something was made in a directory that is watched, or that is gone. */
static void on_made(void *arg, int fd, short)
{
	struct monitor *m = arg;
	uint8_t events[4096];

	if (read(fd, events, sizeof(events)) > 0)
		latch_look(m);
}

static bool watch(int fd, const char *path)
{
	return inotify_add_watch(fd, path,
				 IN_CREATE | IN_MOVED_TO | IN_DELETE_SELF |
					 IN_MOVE_SELF | IN_ONLYDIR) >= 0;
}

static bool watch_fd(int fd, int dir)
{
	char path[64];

	(void)str_printf(path, sizeof(path), "/proc/self/fd/%d", dir);
	return watch(fd, path);
}

static bool watch_kill_file(const struct monitor *m, int fd)
{
	char dir[CONF_PATH_MAX];

	kill_folder(m, dir);
	return !dir[0] || watch(fd, dir);
}

void latch_watch(struct monitor *m)
{
	CLEAN_FD int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char why[SUP_CAUSE];

	if (!watch_kill_file(m, fd)) {
		(void)str_printf(why, sizeof(why),
				 "kill.file: its folder cannot be watched: %s: "
				 "make it, or name another path in "
				 "bulkhead.yaml",
				 strerror(errno));
		monitor_no_start(m, why);
		return;
	}
	if (fd >= 0 && watch_fd(fd, m->latches.state) &&
	    watch_fd(fd, m->latches.sub) &&
	    loop_add(&m->loop, fd, POLLIN, on_made, m) == 0)
		(void)take_fd(&fd);
	else
		log_warn("latch-watch",
			 "error=%s why=\"a latch that `kill` "
			 "writes itself is seen only two seconds "
			 "later\"",
			 strerrorname_np(errno));
}
