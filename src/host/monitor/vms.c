/*
 * vms: the queue for the machine's places, and each VM from launch to end.
 * Planners go before readers: what was begun is finished first.
 */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

/* What a porter may claim, once: the log holds numbers up to 2^53. */
#define BOOT_US_MAX (UINT64_C(3600) * 1000000)

size_t vms_count(const struct monitor *m, enum vm_state s)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < MONITOR_VMQUEUE; i++)
		n += m->vms[i].state == s;
	return n;
}

void vm_request(struct monitor *m, enum vm_kind kind, uint64_t item,
		uint64_t task)
{
	struct mvm *v = NULL;
	size_t i;

	for (i = 0; i < MONITOR_VMQUEUE && !v; i++)
		if (m->vms[i].state == VM_FREE)
			v = &m->vms[i];
	if (!v) {
		monitor_fatal(m, "more virtual machines wait than items exist");
		return;
	}
	*v = (struct mvm){ .state = VM_WAITING,
			   .id = ++m->next_vm,
			   .kind = kind,
			   .item = item,
			   .task = task,
			   .order = m->next_vm,
			   .timer = -1,
			   .m = m };
	vms_schedule(m);
}

static void tell_gone(struct monitor *m, const struct mvm *v,
		      const char *reason)
{
	m->out.type = MSG_VM_GONE;
	m->out.ids = m->ids;
	m->out.ids.task = v->task;
	m->out.vm_gone = (struct m_vm_gone){ v->id, span_str(reason) };
	core_send(m, &m->broker, NULL, 0);
}

static void audit_vm(struct monitor *m, const struct mvm *v, const char *kind)
{
	struct msg_ids ids = m->ids;

	ids.task = v->task;
	ids.span = v->item;
	audit_begin(&m->record, kind, &ids);
	audit_int(&m->record, "vm", v->id);
	audit_int(&m->record, "item", v->item);
	audit_str(&m->record, "zone",
		  v->kind == VM_READER ? SPAN_LIT("reader")
				       : SPAN_LIT("planner"));
}

void vm_stop(struct monitor *m, struct mvm *v, const char *reason)
{
	char name[32];

	if (v->state == VM_FREE)
		return;
	if (v->state == VM_RUNNING) {
		loop_timer_del(&m->loop, v->timer);
		loop_del(&m->loop, v->chan.fd);
		vm_end(&v->procs);
		(void)str_printf(name, sizeof(name), "vm-%llu",
				 (unsigned long long)v->id);
		groups_leave(m, name);
		chan_done(&v->chan);
		audit_vm(m, v, "vm.end");
		audit_str(&m->record, "reason", span_str(reason));
		monitor_audit(m);
		if (!m->stopping)
			tell_gone(m, v, reason);
	}
	v->state = VM_FREE;
}

void vms_end(struct monitor *m, const char *reason)
{
	size_t i;

	for (i = 0; i < MONITOR_VMQUEUE; i++)
		vm_stop(m, &m->vms[i], reason);
}

void vms_of_task_end(struct monitor *m, uint64_t task)
{
	size_t i;

	for (i = 0; task && i < MONITOR_VMQUEUE; i++)
		if (m->vms[i].state != VM_FREE && m->vms[i].task == task)
			vm_stop(m, &m->vms[i], "task done");
	vms_schedule(m);
}

/* The item has its verdict: a machine that still waits would find nothing. One
 * that runs has its own words to say, and a deadline. */
void vms_of_item_drop(struct monitor *m, uint64_t item)
{
	size_t i;

	for (i = 0; i < MONITOR_VMQUEUE; i++)
		if (m->vms[i].state == VM_WAITING && m->vms[i].item == item)
			m->vms[i].state = VM_FREE;
}

void vms_kill(struct monitor *m)
{
	size_t i;

	for (i = 0; i < MONITOR_VMQUEUE; i++) {
		const struct vm_procs *p = &m->vms[i].procs;

		if (m->vms[i].state != VM_RUNNING)
			continue;
		(void)syscall(SYS_pidfd_send_signal, p->vmm_pidfd, SIGKILL,
			      NULL, 0);
		(void)syscall(SYS_pidfd_send_signal, p->porter_pidfd, SIGKILL,
			      NULL, 0);
	}
}

static void on_deadline(void *arg)
{
	struct mvm *v = arg;
	struct monitor *m = v->m;

	v->timer = -1;
	m->vms_failed++;
	vm_stop(m, v, "deadline: its porter did not end it in time");
	vms_schedule(m);
}

static void on_fail(struct monitor *m, struct mvm *v)
{
	const struct m_vm_fail *f = &m->in.vm_fail;
	char reason[400];
	const char *name = wire_fault_name((enum wire_fault)f->fault);

	m->vms_failed++;
	if (str_printf(reason, sizeof(reason), "%s: %.*s", name,
		       (int)(f->detail.n < 300 ? f->detail.n : 300),
		       (const char *)f->detail.p) < 0 ||
	    !utf8_valid(span_str(reason)))
		(void)str_printf(reason, sizeof(reason), "%s", name);
	audit_vm(m, v, "vm.fault");
	audit_str(&m->record, "fault", span_str(name));
	audit_str(&m->record, "detail", span_str(reason));
	monitor_audit(m);
	vm_stop(m, v, reason);
	vms_schedule(m);
}

static void on_porter(void *arg, int fd, short revents)
{
	struct mvm *v = arg;
	struct monitor *m = v->m;
	const char *why;
	int r = chan_recv(&v->chan, &m->in, &why);

	(void)fd;
	(void)revents;
	if (r == -EAGAIN)
		return;
	if (r <= 0) {
		m->vms_failed++;
		vm_stop(m, v, "its porter died");
		vms_schedule(m);
	} else if (m->in.type == MSG_VM_READY && !v->ready &&
		   m->in.vm_ready.boot_us <= BOOT_US_MAX) {
		uint64_t boot_us = m->in.vm_ready.boot_us;

		v->ready = true;
		audit_vm(m, v, "vm.ready");
		audit_int(&m->record, "boot_us", boot_us);
		monitor_audit(m);
	} else if (m->in.type == MSG_VM_FAIL) {
		on_fail(m, v);
	} else if (m->in.type == MSG_VM_DONE) {
		vm_stop(m, v, "done");
		vms_schedule(m);
	} else {
		/* Owned by what it parsed: its VM ends, nobody else's. */
		m->vms_failed++;
		vm_stop(m, v, "its porter sent what it may not");
		vms_schedule(m);
	}
}

static enum wire_workload workload_of(const struct monitor *m,
				      const struct mvm *v)
{
	if (v->kind == VM_READER)
		return WIRE_READER_EMAIL;
	return m->conf.planner == PLANNER_GULLIBLE ? WIRE_PLANNER_GULLIBLE
						   : WIRE_PLANNER_TRIAGE;
}

static int launch(struct monitor *m, struct mvm *v, struct err *err)
{
	const struct conf_vm *cv =
		v->kind == VM_READER ? &m->conf.reader : &m->conf.planner_vm;
	struct mitem *it = mitem_find(m, v->item);
	char name[32];
	struct vm_launch l = {
		.libexec = m->libexec,
		.spec = { .backend = m->probe.backend,
			  .memory_mib = cv->memory_mib,
			  .cpus = cv->cpus,
			  .deadline_s = 2 * cv->deadline_s + 5,
			  .tsc_khz = m->probe.tsc_khz },
		.workload = workload_of(m, v),
		.images = &m->images,
		.name = name,
		.ids = m->ids,
		.item_fd = -1,
		.console_fd = -1,
		.deadline_ms = (uint64_t)cv->deadline_s * 1000,
	};

	if (!it)
		return err_set(err, -ENOENT, "its item is gone");
	l.ids.task = v->task;
	l.ids.span = v->item;
	(void)str_printf(name, sizeof(name), "vm-%llu",
			 (unsigned long long)v->id);
	if (v->kind == VM_READER)
		l.item_fd = it->fd;
	return groups_launch(m, &l, &v->procs, err);
}

static void vm_start(struct monitor *m, struct mvm *v)
{
	struct err err = { 0 };
	uint64_t deadline;

	audit_vm(m, v, "vm.start");
	monitor_audit(m);
	if (launch(m, v, &err) < 0) {
		log_error("vm-start", "vm=%llu %s", (unsigned long long)v->id,
			  err.msg);
		/* No machine, no zone: nothing is read without one. */
		monitor_fatal(m, err.msg);
		v->state = VM_FREE;
		return;
	}
	m->vms_started++;
	v->state = VM_RUNNING;
	deadline = (uint64_t)(v->kind == VM_READER
				      ? m->conf.reader.deadline_s
				      : m->conf.planner_vm.deadline_s);
	v->timer = loop_timer(&m->loop, 2000 * deadline + MONITOR_GRACE_MS,
			      on_deadline, v);
	m->out.type = MSG_VM_NEW;
	m->out.ids = m->ids;
	m->out.ids.task = v->task;
	m->out.vm_new = (struct m_vm_new){ v->id, (uint8_t)v->kind, v->item };
	core_send(m, &m->broker, &v->procs.broker_fd, 1);
	fd_close(&v->procs.broker_fd);
	if (v->timer < 0 ||
	    chan_init(&v->chan, take_fd(&v->procs.monitor_fd)) < 0 ||
	    loop_add(&m->loop, v->chan.fd, POLLIN, on_porter, v) < 0)
		monitor_fatal(m, "no room for a virtual machine");
	v->chan.no_wait = true;
}

void vms_schedule(struct monitor *m)
{
	while (!m->stopping && !m->killed &&
	       vms_count(m, VM_RUNNING) < MONITOR_VMS) {
		struct mvm *next = NULL;
		size_t i;

		for (i = 0; i < MONITOR_VMQUEUE; i++) {
			struct mvm *v = &m->vms[i];

			if (v->state != VM_WAITING)
				continue;
			if (!next ||
			    (v->kind == VM_PLANNER &&
			     next->kind == VM_READER) ||
			    (v->kind == next->kind && v->order < next->order))
				next = v;
		}
		if (!next)
			return;
		vm_start(m, next);
	}
}
