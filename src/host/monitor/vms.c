/*
 * vms: each VM from launch to end, and what its porter says. What a message or
 * a death means depends on the VM's role; that is in queue.c, pool.c, build.c.
 */
#include <assert.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

enum { NAME_MAX_VM = 32, SEND_S = 1 };

/* What a porter may claim, once: the log holds numbers up to 2^53. */
#define BOOT_US_MAX (UINT64_C(1000000) * 2 * POOL_PARKED_S)

size_t vms_count(const struct monitor *m, enum vm_role r, enum vm_kind kind)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < MONITOR_VMS; i++)
		n += m->vms[i].role == r && m->vms[i].kind == kind;
	return n;
}

struct mvm *vm_find(struct monitor *m, uint64_t id)
{
	size_t i;

	for (i = 0; id && i < MONITOR_VMS; i++)
		if (m->vms[i].role != VM_FREE && m->vms[i].id == id)
			return &m->vms[i];
	return NULL;
}

const char *vm_zone(enum vm_kind kind)
{
	return kind == VM_READER ? "reader" : "planner";
}

static const struct conf_vm *conf_of(const struct monitor *m, enum vm_kind k)
{
	return k == VM_READER ? &m->conf.reader : &m->conf.planner_vm;
}

struct vm_spec vm_spec_of(const struct monitor *m, enum vm_kind kind)
{
	const struct conf_vm *cv = conf_of(m, kind);

	return (struct vm_spec){ .backend = m->probe.backend,
				 .memory_mib = cv->memory_mib,
				 .cpus = cv->cpus,
				 .deadline_s = cv->deadline_s,
				 .tsc_khz = m->probe.tsc_khz };
}

enum wire_workload vm_workload_of(const struct monitor *m, enum vm_kind kind)
{
	if (kind == VM_READER)
		return WIRE_READER_EMAIL;
	if (m->conf.planner == PLANNER_LLM)
		return WIRE_PLANNER_LLM;
	if (m->conf.planner == PLANNER_LOCAL)
		return WIRE_PLANNER_LOCAL;
	return m->conf.planner == PLANNER_GULLIBLE ? WIRE_PLANNER_GULLIBLE
						   : WIRE_PLANNER_TRIAGE;
}

uint64_t vm_deadline_ms(const struct monitor *m, enum vm_kind kind)
{
	return (uint64_t)conf_of(m, kind)->deadline_s * 1000;
}

double vm_load(const struct monitor *m)
{
	double load;

	return getloadavg(&load, 1) == 1 ? load / (double)m->cores : 1;
}

static void name_of(char dst[NAME_MAX_VM], uint64_t id)
{
	(void)str_printf(dst, NAME_MAX_VM, "vm-%llu", (unsigned long long)id);
}

void vm_audit(struct monitor *m, const struct mvm *v, const char *kind)
{
	struct msg_ids ids = m->ids;

	ids.task = v->task;
	ids.span = v->item;
	audit_begin(&m->record, kind, &ids);
	audit_int(&m->record, "vm", v->id);
	audit_int(&m->record, "item", v->item);
	audit_str(&m->record, "zone", span_str(vm_zone(v->kind)));
}

/* --- start --------------------------------------------------------------- */

static int launch(struct monitor *m, struct mvm *v, const struct vm_want *w,
		  struct err *err)
{
	char name[NAME_MAX_VM];
	int taps[MONITOR_TAPS];
	struct vm_launch l = {
		.libexec = m->libexec,
		.spec = vm_spec_of(m, w->kind),
		.workload = vm_workload_of(m, w->kind),
		.images = &m->images,
		.name = name,
		.ids = m->ids,
		.console_fd = -1,
		.park = w->park,
		.memory_fd = w->from ? w->from->memory_fd : -1,
		.saved_fd = w->from ? w->from->saved_fd : -1,
		.deadline_ms = w->deadline_ms,
	};

	if (l.workload == WIRE_PLANNER_LLM)
		l.model = m->model_words;
	if (l.workload == WIRE_PLANNER_LOCAL)
		l.disk_fd = m->disk_fd;
	name_of(name, v->id);
	l.ids.task = w->task;
	l.ids.span = w->item;
	l.spec.start = w->start;
	l.spec.deadline_s = (uint32_t)(w->life_ms / 1000);
	l.spec.held_s = (uint32_t)(w->held_ms / 1000);
	if (w->role == VM_WORKING) {
		l.tap_fds = taps;
		l.n_tap_fds = watch_next(m, v, taps);
	}
	return groups_launch(m, &l, &v->procs, err);
}

static void on_porter(void *arg, int fd, short revents);

/* Its porter is heard; what we send to one that an attacker may own by now may
 * not hold us up. */
static int listen_to(struct monitor *m, struct mvm *v)
{
	const struct timeval limit = { .tv_sec = SEND_S };
	int r = chan_init(&v->chan, take_fd(&v->procs.monitor_fd));

	if (r < 0)
		return r;
	v->chan.no_wait = true;
	(void)setsockopt(v->chan.fd, SOL_SOCKET, SO_SNDTIMEO, &limit,
			 sizeof(limit));
	return loop_add(&m->loop, v->chan.fd, POLLIN, on_porter, v);
}

static struct mvm *vm_row(struct monitor *m)
{
	size_t i;

	for (i = 0; i < MONITOR_VMS; i++)
		if (m->vms[i].role == VM_FREE)
			return &m->vms[i];
	return NULL;
}

struct mvm *vm_start(struct monitor *m, const struct vm_want *w,
		     struct err *err)
{
	struct mvm *v = vm_row(m);

	if (!v) {
		(void)err_set(err, -ENFILE, "more machines than were planned");
		return NULL;
	}
	*v = (struct mvm){ .id = ++m->next_vm,
			   .kind = w->kind,
			   .start = w->start,
			   .park = w->park,
			   .item = w->item,
			   .task = w->task,
			   .timer = -1,
			   .slow_timer = -1,
			   .m = m };
	if (launch(m, v, w, err) < 0) {
		watch_end(m, v->id, err->msg);
		return NULL;
	}
	v->role = w->role;
	m->vms_started++;
	if (listen_to(m, v) < 0)
		monitor_fatal(m, "no room for a virtual machine");
	return v;
}

/* --- while it lives ------------------------------------------------------ */

void vm_send(struct monitor *m, struct mvm *v, const int *fds, size_t n)
{
	int r = chan_send(&v->chan, &m->out, fds, n);

	if (r < 0)
		log_warn("vm-send", "vm=%llu type=%s errno=%d",
			 (unsigned long long)v->id, msg_type_name(m->out.type),
			 -r);
}

void vm_tell_new(struct monitor *m, struct mvm *v)
{
	v->told = true;
	m->out.type = MSG_VM_NEW;
	m->out.ids = m->ids;
	m->out.ids.task = v->task;
	m->out.vm_new = (struct m_vm_new){ v->id, (uint8_t)v->kind, v->item };
	core_send(m, &m->broker, &v->procs.broker_fd, 1);
	fd_close(&v->procs.broker_fd);
}

/* The guest's doing, or its machine's: no refusal, and no exit by itself. */
static void broke(struct monitor *m, struct mvm *v, const char *reason)
{
	switch (v->role) {
	case VM_BUILDING:
		build_broke(m, v, reason);
		break;
	case VM_PARKING:
	case VM_PARKED:
		pool_broke(m, v, reason);
		break;
	case VM_WORKING:
		work_broke(m, v, reason);
		break;
	case VM_FREE:
		break;
	}
}

static void on_timer(void *arg)
{
	struct mvm *v = arg;
	struct monitor *m = v->m;

	v->timer = -1;
	if (v->role == VM_PARKED)
		pool_too_old(m, v);
	else
		broke(m, v, "deadline: its porter did not end it in time");
	vms_plan(m);
}

void vm_timer(struct mvm *v, uint64_t ms)
{
	loop_timer_del(&v->m->loop, v->timer);
	v->timer = loop_timer(&v->m->loop, ms, on_timer, v);
	if (v->timer < 0)
		monitor_fatal(v->m, "no room for a virtual machine's deadline");
}

static void on_fail(struct monitor *m, struct mvm *v)
{
	const struct m_vm_fail *f = &m->in.vm_fail;
	char reason[400];
	const char *name = wire_fault_name((enum wire_fault)f->fault);

	v->fault = f->fault;
	if (str_printf(reason, sizeof(reason), "%s: %.*s", name,
		       (int)(f->detail.n < 300 ? f->detail.n : 300),
		       (const char *)f->detail.p) < 0 ||
	    !utf8_valid(span_str(reason)))
		(void)str_printf(reason, sizeof(reason), "%s", name);
	vm_audit(m, v, "vm.fault");
	audit_str(&m->record, "fault", span_str(name));
	audit_str(&m->record, "detail", span_str(reason));
	monitor_audit(m);
	broke(m, v, reason);
}

/* One that is parked before its state is loaded gets ready with its work. */
static bool may_get_ready(const struct mvm *v)
{
	return !v->ready && v->role != VM_PARKED &&
	       (v->role != VM_PARKING || v->park == VM_PARK_RESUMED);
}

/* False: not from one in its role, or out of turn. */
static bool on_message(struct monitor *m, struct mvm *v)
{
	enum msg_type t = m->in.type;
	bool ready = t == MSG_VM_READY && may_get_ready(v) &&
		     m->in.vm_ready.boot_us <= BOOT_US_MAX;

	v->ready |= ready;
	if (ready && v->role == VM_BUILDING)
		build_ready(m, v);
	else if (ready && v->role == VM_WORKING)
		work_ready(m, v);
	else if (t == MSG_VM_SAVED && v->role == VM_BUILDING && v->ready)
		build_saved(m, v);
	else if (t == MSG_VM_PARKED && v->role == VM_PARKING &&
		 v->ready == (v->park == VM_PARK_RESUMED))
		pool_is_parked(m, v);
	else if (t == MSG_VM_DONE && v->role == VM_WORKING && v->ready)
		vm_stop(m, v, "done");
	else if (t == MSG_VM_FAIL)
		on_fail(m, v);
	else
		return ready;
	return true;
}

static void on_porter(void *arg, int fd, short revents)
{
	struct mvm *v = arg;
	struct monitor *m = v->m;
	const char *why;
	int r = chan_recv(&v->chan, &m->in, &why);

	(void)fd;
	(void)revents;
	/* That the broker is gone it tells, too; it ends with it. */
	if (r == -EAGAIN || (m->gen.failing && v->role == VM_WORKING))
		return;
	if (r <= 0)
		broke(m, v, "its porter died");
	else if (!on_message(m, v))
		/* Owned by what it parsed: its VM ends, nobody else's. */
		broke(m, v, "its porter sent what it may not");
	vms_plan(m);
}

/* --- end ----------------------------------------------------------------- */

static void tell_gone(struct monitor *m, const struct mvm *v,
		      const char *reason)
{
	m->out.type = MSG_VM_GONE;
	m->out.ids = m->ids;
	m->out.ids.task = v->task;
	m->out.vm_gone = (struct m_vm_gone){ v->id, span_str(reason) };
	core_send(m, &m->broker, NULL, 0);
}

/* No words of a porter's leave by this: a fault has a name, or is one of the
 * machine. */
static void tell_span(struct monitor *m, const struct mvm *v,
		      const char *reason)
{
	const bool done =
		!strcmp(reason, "done") || !strcmp(reason, "task done");
	struct msg_ids ids = m->ids;
	struct m_span s = {
		.stage = v->kind == VM_READER ? STAGE_READER : STAGE_PLANNER,
		.number = v->id,
		/* A task of the owner's own is about no item. */
		.parent_stage = v->item ? STAGE_ITEM : STAGE_NONE,
		.outcome = done ? SPAN_OK : SPAN_FAILED,
		.vm = v->id,
		.start = (uint8_t)(v->origin + VM_ORIGIN_COLD),
		.what = done	   ? SPAN_LIT("")
			: v->fault ? span_str(wire_fault_name(
					     (enum wire_fault)v->fault))
				   : SPAN_LIT("ended"),
	};

	static_assert((int)VM_ORIGIN_CLONE == VM_ORIGIN_COLD + ORIGIN_CLONE &&
			      (int)VM_ORIGIN_POOL ==
				      VM_ORIGIN_COLD + ORIGIN_POOL,
		      "the same order");
	ids.task = v->task;
	ids.span = v->item;
	observe_span(&m->observe, &ids, v->since, s);
}

static void frozen_drop(struct monitor *m, struct frozen *f)
{
	char name[NAME_MAX_VM];

	if (!f->vm)
		return;
	vm_end(&f->procs);
	name_of(name, f->vm);
	groups_leave(m, name);
	*f = (struct frozen){ 0 };
}

void frozen_end(struct monitor *m)
{
	size_t i;

	for (i = 0; i < CONF_FROZEN_MAX; i++)
		frozen_drop(m, &m->frozen[i]);
}

size_t vms_frozen(const struct monitor *m)
{
	size_t n = 0, i;

	for (i = 0; i < CONF_FROZEN_MAX; i++)
		n += m->frozen[i].vm != 0;
	return n;
}

/* As it was stopped; for it the oldest of those that were kept goes. */
static void frozen_keep(struct monitor *m, struct mvm *v)
{
	struct frozen *f = &m->frozen[0];
	size_t i;

	for (i = 1; i < m->conf.kill.keep; i++)
		if (m->frozen[i].vm < f->vm)
			f = &m->frozen[i];
	frozen_drop(m, f);
	fd_close(&v->procs.broker_fd);
	fd_close(&v->procs.monitor_fd);
	*f = (struct frozen){ v->id, v->task, v->procs };
	log_warn("vm-frozen", "vm=%llu pid=%d task=%llu",
		 (unsigned long long)v->id, (int)v->procs.vmm,
		 (unsigned long long)v->task);
}

void vm_stop(struct monitor *m, struct mvm *v, const char *reason)
{
	char name[NAME_MAX_VM];
	bool worked = v->role == VM_WORKING;

	if (v->role == VM_FREE)
		return;
	loop_timer_del(&m->loop, v->timer);
	loop_timer_del(&m->loop, v->slow_timer);
	loop_del(&m->loop, v->chan.fd);
	chan_done(&v->chan);
	name_of(name, v->id);
	if (v->frozen) {
		frozen_keep(m, v);
	} else {
		vm_end(&v->procs);
		groups_leave(m, name);
	}
	watch_end(m, v->id, reason);
	v->role = VM_FREE;
	if (!worked)
		return;
	vm_audit(m, v, "vm.end");
	audit_str(&m->record, "reason", span_str(reason));
	monitor_audit_later(m);
	tell_span(m, v, reason);
	if (v->told && !m->stopping)
		tell_gone(m, v, reason);
}

void vms_end(struct monitor *m, const char *reason)
{
	size_t i;

	requests_end(m);
	for (i = 0; i < MONITOR_VMS; i++)
		vm_stop(m, &m->vms[i], reason);
	templates_end(m);
}

void vms_of_task_end(struct monitor *m, uint64_t task)
{
	size_t i;

	requests_drop_task(m, task);
	for (i = 0; task && i < MONITOR_VMS; i++)
		if (m->vms[i].role == VM_WORKING && m->vms[i].task == task)
			vm_stop(m, &m->vms[i], "task done");
	vms_plan(m);
}

/* What cannot be frozen is ended. */
static void halt(struct monitor *m, struct mvm *v)
{
	const struct vm_procs *p = &v->procs;

	if (v->role == VM_FREE || v->frozen)
		return;
	v->frozen = m->conf.kill.freeze && v->role == VM_WORKING &&
		    vm_freeze(p) == 0;
	if (v->frozen)
		return;
	(void)syscall(SYS_pidfd_send_signal, p->vmm_pidfd, SIGKILL, NULL, 0);
	(void)syscall(SYS_pidfd_send_signal, p->porter_pidfd, SIGKILL, NULL, 0);
}

void vms_kill(struct monitor *m)
{
	size_t i;

	for (i = 0; i < MONITOR_VMS; i++)
		halt(m, &m->vms[i]);
}

static bool is_planner_of(const struct mvm *v, uint64_t task)
{
	return v->role == VM_WORKING && v->kind == VM_PLANNER &&
	       (!task || v->task == task);
}

void planners_kill(struct monitor *m, uint64_t task)
{
	size_t i;

	for (i = 0; i < MONITOR_VMS; i++)
		if (is_planner_of(&m->vms[i], task))
			halt(m, &m->vms[i]);
}

void planners_end(struct monitor *m, uint64_t task)
{
	size_t i;

	requests_drop_task(m, task);
	for (i = 0; i < MONITOR_VMS; i++)
		if (is_planner_of(&m->vms[i], task))
			vm_stop(m, &m->vms[i], "killed");
	vms_plan(m);
}
