/*
 * latch: the kill. It belongs to the monitor and depends on no other process:
 * whatever could act is ended by SIGKILL first, then the latch is written, then
 * the record; only the owner takes it away again (`bulkhead rearm`).
 */
#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
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

void latch_kill(struct monitor *m, const char *by, struct span reason)
{
	uint64_t t0 = now_us();
	uint64_t took;

	m->killed = true;
	vms_kill(m);
	connectors_kill(m);
	took = now_us() - t0;
	write_latch(m, by, reason);
	/* Records only now: the log may be slow, or not there at all. */
	vms_end(m, "killed");
	log_warn("kill", "by=%s took_us=%llu", by, (unsigned long long)took);
	audit_begin(&m->record, "kill", &m->ids);
	audit_str(&m->record, "by", span_str(by));
	audit_str(&m->record, "reason", reason);
	audit_int(&m->record, "took_us", took);
	monitor_audit(m);
	m->out.type = MSG_KILL;
	m->out.ids = m->ids;
	m->out.text.text = reason;
	core_send(m, &m->broker, NULL, 0);
}
