/*
 * auditd: keeps the audit log.
 *
 * SECURITY. Reads: records of the monitor and the broker, both trusted, as
 * typed messages; and its own log, which somebody may have written to while it
 * was not running: anything that does not fit is refused with its place, and
 * bulkhead does not start. Texts inside records may be an attacker's: they are
 * carried as JSON strings and never interpreted. Trusts: monitor, broker.
 * Keeps: the log's directory and that of its tip, and nothing else; holds the
 * key that signs checkpoints. When the disk is full it gives its
 * reserve to the log, and says so; when the log cannot be written it refuses
 * everything from then on, so that nothing is executed that would not be on
 * record.
 */
#include <errno.h>

#include "base/log.h"
#include "base/str.h"
#include "batch.h"
#include "privsep/sandbox.h"

static struct auditd state;
static struct reserve reserve;

/* The monitor shows it to the owner; without it there is the log. */
static _Noreturn void refuse(const char *why)
{
	static struct msg m = { .type = MSG_AUDIT_FAIL };
	struct chan monitor;

	m.text.text = span_str(why);
	if (chan_init(&monitor, graph_fd(PROC_AUDITD, FD_MONITOR)) == 0)
		(void)chan_send(&monitor, &m, NULL, 0);
	die("%s", why);
}

int main(void)
{
	const struct tlog_room room = { reserve_give, &reserve };
	struct tlog_counts counts;
	struct tlog *log = NULL;
	char why[sizeof(struct err) + 64];
	struct err err;
	int r;

	process_start(PROC_AUDITD);
	reserve_init(&reserve, graph_fd(PROC_AUDITD, FD_DIR));
	if (tlog_open_tip(graph_fd(PROC_AUDITD, FD_DIR),
			  graph_fd(PROC_AUDITD, FD_STATE), &room, &log,
			  &err) < 0) {
		(void)str_printf(why, sizeof(why),
				 "audit log: %s; docs/audit.md says what to do "
				 "next",
				 err.msg);
		refuse(why);
	}
	if (tlog_recovery(log)[0])
		log_warn("recovered", "what=\"%s\"", tlog_recovery(log));
	if (auditd_init(&state, log, &reserve,
			graph_fd(PROC_AUDITD, FD_MONITOR),
			graph_fd(PROC_AUDITD, FD_BROKER)) < 0)
		die("out of memory");
	r = auditd_run(&state);
	if (r < 0)
		log_error("stopped", "error=%s", strerrorname_np(-r));
	counts = tlog_counts(log);
	log_info("done", "records=%llu batches=%llu syncs=%llu",
		 (unsigned long long)counts.records,
		 (unsigned long long)counts.batches,
		 (unsigned long long)counts.syncs);
	auditd_done(&state);
	return r < 0 || state.failed ? 1 : 0;
}
