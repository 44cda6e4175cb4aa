/*
 * latch: the kill. It belongs to the monitor and depends on no other process:
 * whatever could act is ended by SIGKILL first, then the latch is written, then
 * the record; only the owner takes it away again (`bulkhead rearm`).
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

bool latch_is_set(int state_fd)
{
	struct stat st;

	/* Anything but a certain "not there" counts as set. */
	return fstatat(state_fd, "latch", &st, AT_SYMLINK_NOFOLLOW) == 0 ||
	       errno != ENOENT;
}

static void write_latch(struct monitor *m, const char *by, struct span reason)
{
	CLEAN_FD int fd = -1;

	/* The one descriptor that is held back. */
	fd_close(&m->room.spare);
	fd = openat(m->state_fd, "latch",
		    O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC | O_NOFOLLOW,
		    0600);
	/* It is set by being there: on a full disk it may lack its words. */
	if (fd >= 0 && (fd_write_all(fd, span_str(by)) < 0 ||
			fd_write_all(fd, SPAN_LIT(": ")) < 0 ||
			fd_write_all(fd, reason) < 0 ||
			fd_write_all(fd, SPAN_LIT("\n")) < 0))
		log_warn("latch", "why=\"set, without its reason\"");
	if (fd < 0 || fsync(fd) < 0 || fsync(m->state_fd) < 0)
		/* Not persisted: then nothing may go on in memory either. */
		monitor_fatal(m, "the latch cannot be written");
}

/* Whatever could act has ended when this returns, or ends with the system call
 * that it is in. How long it took, in us. */
static uint64_t end_all(struct monitor *m)
{
	uint64_t t0 = now_us();
	int i;

	m->killed = true;
	vms_kill(m);
	connectors_kill(m);
	for (i = 0; i < m->n_connectors; i++)
		sup_ended(&m->connectors[i].sup, now_ms(), "ended by the kill");
	return now_us() - t0;
}

static void record(struct monitor *m, const char *by, struct span reason,
		   uint64_t took)
{
	/* Before the broker hears that a VM is gone, and looks at what its
	 * planner had asked for: that is refused, not begun and then unknown.
	 */
	m->out.type = MSG_KILL;
	m->out.ids = m->ids;
	m->out.text.text = reason;
	core_send(m, &m->broker, NULL, 0);
	vms_end(m, "killed");
	log_warn("kill", "by=%s took_us=%llu", by, (unsigned long long)took);
	audit_begin(&m->record, "kill", &m->ids);
	audit_str(&m->record, "by", span_str(by));
	audit_str(&m->record, "reason", reason);
	audit_int(&m->record, "took_us", took);
	monitor_audit(m);
}

void latch_kill(struct monitor *m, const char *by, struct span reason)
{
	uint64_t took = end_all(m);

	write_latch(m, by, reason);
	/* Records only now: the log may be slow, or not there at all. */
	record(m, by, reason, took);
}

void latch_look(struct monitor *m)
{
	if (!m->killed && latch_is_set(m->state_fd))
		record(m, "latch", SPAN_LIT("the latch is there"), end_all(m));
}

/* Something was made in the state directory. */
static void on_state(void *arg, int fd, short)
{
	struct monitor *m = arg;
	uint8_t events[4096];

	if (read(fd, events, sizeof(events)) > 0 && !m->stopping)
		latch_look(m);
}

void latch_watch(struct monitor *m)
{
	CLEAN_FD int fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	char path[64];

	(void)str_printf(path, sizeof(path), "/proc/self/fd/%d", m->state_fd);
	if (fd >= 0 &&
	    inotify_add_watch(fd, path, IN_CREATE | IN_MOVED_TO | IN_ONLYDIR) >=
		    0 &&
	    loop_add(&m->loop, fd, POLLIN, on_state, m) == 0)
		(void)take_fd(&fd);
	else
		log_warn("latch-watch",
			 "error=%s why=\"a latch that `kill` "
			 "writes itself is seen only at the "
			 "next start of a process\"",
			 strerrorname_np(errno));
}
