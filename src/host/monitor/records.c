/*
 * records: what the monitor has to say to the audit log. While there is no
 * auditd its records are held, in order and within bounds, and given to the
 * next one: that a machine has ended, or that there was a kill, is not less
 * true because the log had to be opened anew.
 */
#include <errno.h>
#include <poll.h>

#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

enum {
	HELD_MAX = 256 << 10,
	LOOK_MS = 20, /* for a kill by a file, while the log is waited for */
};

static void hold(struct monitor *m)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, LIMIT_MSG);
	m->record.msg.type = MSG_AUDIT_LATER;
	msg_encode(&b, &m->record.msg);
	if (!m->held.max)
		buf_init(&m->held, HELD_MAX);
	if (!buf_ok(&b) || b.n + 4 > HELD_MAX - m->held.n) {
		if (m->held_lost++ == 0)
			log_warn("records-lost",
				 "why=\"more than the monitor can hold while "
				 "there is no log\"");
		return;
	}
	m->held_n++;
	buf_u32(&m->held, (uint32_t)b.n);
	buf_span(&m->held, buf_view(&b));
}

/* What auditd did instead of its answer. */
static void lost(struct monitor *m, int r)
{
	const struct msg *a = &m->record.answer;
	char why[SUP_CAUSE];

	if (r == -EIO && a->type == MSG_AUDIT_FAIL)
		(void)str_printf(why, sizeof(why), "%.*s", (int)a->text.text.n,
				 (const char *)a->text.text.p);
	else if (r == -EAGAIN)
		(void)str_printf(why, sizeof(why),
				 "hangs: a record is not durable after %d s",
				 MONITOR_AUDIT_MS / 1000);
	else if (!core_exit(&m->auditd, why, sizeof(why), NULL))
		(void)str_printf(why, sizeof(why), "cannot be asked: %s",
				 strerrorname_np(-r));
	core_lost(m, &m->auditd, why);
	if (r == -EIO && a->type == MSG_AUDIT_FAIL)
		latch_log_failed(m, why);
}

/* The log may be slow or hang, and a kill does not wait for it: what acts is
 * ended here, the rest of the kill comes when we are back in the loop. */
static bool wait_answer(void *arg, int fd)
{
	struct monitor *m = arg;
	struct pollfd p[] = { { fd, POLLIN, 0 }, { m->signal_fd, POLLIN, 0 } };
	const uint64_t end = now_ms() + MONITOR_AUDIT_MS;

	while (now_ms() < end) {
		if (poll(p, ARRAY_SIZE(p), LOOK_MS) < 0 && errno != EINTR)
			return false;
		if (p[0].revents)
			return true;
		latch_at_once(m);
		/* It stays readable, and is asked no more. */
		if (p[1].revents)
			p[1].fd = -1;
	}
	return false;
}

static bool usable(struct monitor *m)
{
	if (m->record.bad)
		monitor_fatal(m, "a record with more fields than it may have");
	else if (m->gen.log)
		return true;
	else
		hold(m);
	return false;
}

void monitor_audit(struct monitor *m)
{
	int r;

	if (!usable(m))
		return;
	m->record.wait = wait_answer;
	m->record.wait_arg = m;
	r = audit_append(&m->auditd.chan, &m->record, &m->audit_state);
	if (m->record.pong)
		core_pong(m, &m->auditd, m->record.pong);
	if (r == 0)
		return;
	lost(m, r);
	/* Nobody can say whether that one is there. */
	audit_bool(&m->record, "again", true);
	hold(m);
}

void monitor_audit_later(struct monitor *m)
{
	int r;

	if (!usable(m))
		return;
	r = audit_append_later(&m->auditd.chan, &m->record);
	if (r == 0)
		return;
	lost(m, r);
	hold(m);
}

/* They stay until the generation is up: a log that fails again is told them
 * again. */
void records_release(struct monitor *m)
{
	struct span rest = buf_view(&m->held);
	int r = 0;

	while (rest.n >= 4 && r == 0 && m->gen.log) {
		uint32_t n = (uint32_t)rest.p[0] | (uint32_t)rest.p[1] << 8 |
			     (uint32_t)rest.p[2] << 16 |
			     (uint32_t)rest.p[3] << 24;

		r = chan_send_bytes(&m->auditd.chan, span_of(rest.p + 4, n),
				    NULL, 0);
		rest = span_of(rest.p + 4 + n, rest.n - 4 - n);
	}
	if (r < 0)
		lost(m, r);
	if (!m->held_lost || !m->gen.log)
		return;
	audit_begin(&m->record, "records.lost", &m->ids);
	audit_int(&m->record, "count", m->held_lost);
	monitor_audit_later(m);
}

void records_forget(struct monitor *m)
{
	buf_reset(&m->held);
	m->held_n = m->held_lost = 0;
}
