/*
 * service: the monitor towards whoever manages it: sd_notify's READY, STATUS,
 * STOPPING and WATCHDOG, and the size of its log.
 *
 * The watchdog's sign of life comes from a timer of the one loop that does
 * everything: a monitor that hangs in anything gives none.
 */
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"
#include "state/rotate.h"

#include <unistd.h>

enum { LOG_CHECK_MS = 2000 };

/* At work, or in the queue. */
static size_t without_verdict(const struct monitor *m)
{
	size_t n = items_count(m);
	size_t i;

	for (i = 0; i < ARRAY_SIZE(m->queues); i++)
		n += m->queues[i].waiting;
	return n;
}

static void say_status(struct monitor *m)
{
	char now[sizeof(m->status)];

	(void)str_printf(
		now, sizeof(now),
		"%s%s%s, %zu items wait for their verdict, %zu VMs at work",
		m->killed ? "KILLED, " : "",
		generation_works(m) ? "" : "CORE DOWN, ",
		vm_backend_name(m->probe.backend), without_verdict(m),
		vms_count(m, VM_WORKING, VM_READER) +
			vms_count(m, VM_WORKING, VM_PLANNER));
	if (!strcmp(now, m->status))
		return;
	(void)str_copy(m->status, sizeof(m->status), span_str(now));
	notify_status(&m->notify, "%s", now);
}

static void set_timer(struct monitor *m, int *id, uint64_t ms, loop_timer_fn fn)
{
	*id = loop_timer(&m->loop, ms, fn, m);
	if (*id < 0)
		log_warn("service", "why=\"no timer is free\"");
}

static void on_watchdog(void *arg)
{
	struct monitor *m = arg;

	notify_say(&m->notify, "WATCHDOG=1");
	set_timer(m, &m->watchdog_timer, m->notify.watchdog_ms / 3,
		  on_watchdog);
}

/* Nothing that we do depends on the wall clock, but records carry it. */
static void look_at_clock(struct monitor *m)
{
	int64_t by = jump_now(&m->jump);
	uint64_t ms = by < 0 ? (uint64_t)-by : (uint64_t)by;

	if (!by)
		return;
	m->jumps++;
	log_warn("clock-jump", "direction=%s ms=%llu",
		 by < 0 ? "back" : "forward", (unsigned long long)ms);
	audit_begin(&m->record, "clock.jump", &m->ids);
	audit_str(&m->record, "direction",
		  by < 0 ? SPAN_LIT("back") : SPAN_LIT("forward"));
	audit_int(&m->record, "ms", ms);
	monitor_audit_later(m);
}

static void on_check(void *arg)
{
	struct monitor *m = arg;
	int r = rotate_log(m->state_fd, STDERR_FILENO);

	if (r < 0)
		log_warn("log-rotation", "error=%s", strerrorname_np(-r));
	look_at_clock(m);
	/* Also where no event tells of it. */
	latch_look(m);
	room_look(m);
	if (m->notify.fd >= 0)
		say_status(m);
	set_timer(m, &m->check_timer, LOG_CHECK_MS, on_check);
}

void service_open(struct monitor *m)
{
	int r = notify_open(&m->notify);

	m->watchdog_timer = -1;
	m->check_timer = -1;
	if (r < 0)
		log_warn("service",
			 "error=%s why=\"NOTIFY_SOCKET cannot be "
			 "used\"",
			 strerrorname_np(-r));
	notify_status(&m->notify, "starting");
}

void service_ready(struct monitor *m)
{
	notify_say(&m->notify, "READY=1");
	on_check(m);
	if (m->notify.watchdog_ms)
		on_watchdog(m);
}

void service_stopping(struct monitor *m, const char *why)
{
	loop_timer_del(&m->loop, m->watchdog_timer);
	loop_timer_del(&m->loop, m->check_timer);
	notify_say(&m->notify, "STOPPING=1");
	notify_status(&m->notify, "%s", why);
	notify_close(&m->notify);
}
