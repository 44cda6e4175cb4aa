/*
 * room: what the host has to have before something is begun: memory for a VM,
 * descriptors for its channels, disk for its records. While one of them is
 * short work waits, where it is: requests here, items in the store, mails in
 * their Maildir. What is at work goes on. The log and `bulkhead status` say so,
 * and it is looked at again every half second.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <sys/resource.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

enum {
	/* Channels and pidfds of a VM; while it is started also pipes, pairs,
	 * memfds, cgroups, taps, and its item's envelope. */
	FDS_EACH = 8,
	FDS_BEGIN = 48,
	/* A child places its descriptors above the first 64 before they get
	 * their numbers (privsep/spawn.c). */
	FDS_LEAST = 64 + FDS_BEGIN,
	MARGIN_MIB = 64, /* beside what a VM has */
	HOLD_MS = 1000,	 /* after a start failed for want of anything */
};

void room_start(struct monitor *m)
{
	struct rlimit l;

	m->room.spare = -1;
	memory_find(&m->room.memory, "/proc/meminfo", &cgroup_proc);
	/* As many as we may have; processes that parse have limits of their
	 * own. */
	if (getrlimit(RLIMIT_NOFILE, &l) == 0 && l.rlim_cur < l.rlim_max) {
		l.rlim_cur = l.rlim_max < ROOM_FDS ? l.rlim_max : ROOM_FDS;
		(void)setrlimit(RLIMIT_NOFILE, &l);
	}
}

bool room_is_short(int code)
{
	return code == -EMFILE || code == -ENFILE || code == -ENOMEM ||
	       code == -EAGAIN || code == -ENOBUFS;
}

static void count_fds(struct room *r)
{
	struct rlimit l = { 0 };
	DIR *d = opendir("/proc/self/fd");

	(void)getrlimit(RLIMIT_NOFILE, &l);
	r->fds_most = l.rlim_cur;
	r->fds = 0;
	/* Without even one for this there is none. */
	if (!d)
		r->fds = r->fds_most;
	while (d && readdir(d))
		r->fds++;
	if (d)
		(void)closedir(d);
}

static bool has_fds(struct monitor *m)
{
	struct room *r = &m->room;
	size_t at_work = vms_count(m, VM_WORKING, VM_READER) +
			 vms_count(m, VM_WORKING, VM_PLANNER);
	uint64_t left;

	count_fds(r);
	left = r->fds_most > r->fds ? r->fds_most - r->fds : 0;
	left = left > FDS_BEGIN ? (left - FDS_BEGIN) / FDS_EACH + 1 : 0;
	if (r->fds_most < FDS_LEAST)
		left = 0;
	r->vms = at_work + left;
	return left > 0;
}

/* Memory that VMs were promised which have not come to use it yet. */
static uint64_t promised_mib(const struct monitor *m)
{
	uint64_t mib = 0;
	size_t i;

	for (i = 0; i < MONITOR_VMS; i++) {
		const struct mvm *v = &m->vms[i];

		if (v->role == VM_BUILDING || v->role == VM_PARKING ||
		    (v->role == VM_WORKING && !v->ready))
			mib += vm_spec_of(m, v->kind).memory_mib;
	}
	return mib;
}

static bool has_memory(struct monitor *m, enum vm_kind kind)
{
	struct room *r = &m->room;

	r->need_mib =
		vm_spec_of(m, kind).memory_mib + promised_mib(m) + MARGIN_MIB;
	r->mib = memory_left(&r->memory) >> 20;
	return r->mib >= r->need_mib;
}

/* Says why there is none; "": there is. */
static void say(struct monitor *m, const char *why)
{
	struct room *r = &m->room;
	bool was = r->why[0] != 0;

	(void)str_printf(r->why, sizeof(r->why), "%s", why);
	if (why[0] && !was) {
		r->waits++;
		log_warn("work-waits", "why=\"%s\"", why);
	} else if (was && !why[0]) {
		log_info("work-goes-on", "why=\"there is room again\"");
		items_resume(m);
	}
}

void room_failed(struct monitor *m, const char *why)
{
	m->room.hold_ms = now_ms() + HOLD_MS;
	say(m, why);
}

/* For another item: descriptors, and disk for what it will be recorded by. */
bool room_for_item(struct monitor *m)
{
	struct room *r = &m->room;
	char why[sizeof(r->why)];

	if (now_ms() < r->hold_ms)
		return false;
	if (m->record.room.full)
		(void)str_printf(
			why, sizeof(why),
			"the audit log's reserve is not whole, %" PRIu64
			" of %" PRIu64
			" MiB are left: make room on the disk: %s",
			m->record.room.left >> 20, m->record.room.reserve >> 20,
			m->record.room.why);
	else if (!has_fds(m))
		(void)str_printf(why, sizeof(why),
				 "%" PRIu64 " of %" PRIu64
				 " descriptors are open: raise the limit of "
				 "open files (ulimit -n, LimitNOFILE=)",
				 r->fds, r->fds_most);
	else
		return true;
	say(m, why);
	return false;
}

bool room_for(struct monitor *m, enum vm_kind kind)
{
	struct room *r = &m->room;
	char why[sizeof(r->why)];

	if (!room_for_item(m))
		return false;
	if (!has_memory(m, kind)) {
		(void)str_printf(why, sizeof(why),
				 "the host has %" PRIu64
				 " MiB of memory left, a %s VM needs %" PRIu64,
				 r->mib, vm_zone(kind), r->need_mib);
		say(m, why);
		return false;
	}
	return true;
}

void room_look(struct monitor *m)
{
	int k;

	if (m->room.why[0]) {
		for (k = VM_READER; k < VM_KIND_MAX; k++)
			if (m->templates[k].rules.wanted &&
			    !room_for(m, (enum vm_kind)k))
				return;
		say(m, "");
	} else {
		(void)room_for_item(m);
	}
}

uint64_t room_next_ms(const struct monitor *m, uint64_t now)
{
	return m->room.why[0] ? now + ROOM_RETRY_MS : UINT64_MAX;
}
