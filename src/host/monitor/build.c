/*
 * build: makes templates and ends them; when, is decided in templates.h. One is
 * built at a time, readers' first. A build is a VM of our own from start to
 * end: its porter warms it with our mails and saves it, we end it and seal what
 * is left.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

static const struct vm_template no_template = { .memory_fd = -1,
						.saved_fd = -1 };

void templates_start(struct monitor *m)
{
	int k;

	for (k = VM_READER; k < VM_KIND_MAX; k++)
		m->templates[k] = (struct mtemplate){
			/* A model's machine has a disk, and is too large for
			 * copies to stand by. */
			.rules.wanted = k == VM_READER ||
					(m->conf.planner != PLANNER_NONE &&
					 m->conf.planner != PLANNER_LOCAL),
			.ready = no_template,
			.next = no_template,
			.kind = (enum vm_kind)k,
			.seal_timer = -1,
			.m = m,
		};
}

void templates_end(struct monitor *m)
{
	int k;

	for (k = VM_READER; k < VM_KIND_MAX; k++) {
		struct mtemplate *t = &m->templates[k];

		loop_timer_del(&m->loop, t->seal_timer);
		t->seal_timer = -1;
		vm_template_done(&t->ready);
		vm_template_done(&t->next);
		t->rules.ready = false;
		t->rules.building = false;
	}
}

static void record(struct mtemplate *t, const char *event, const char *why)
{
	struct monitor *m = t->m;

	audit_begin(&m->record, "vm.template", &m->ids);
	audit_str(&m->record, "zone", span_str(vm_zone(t->kind)));
	audit_str(&m->record, "event", span_str(event));
	audit_int(&m->record, "template", t->rules.number);
	if (why)
		audit_str(&m->record, "why", span_str(why));
}

/* --- retirement ---------------------------------------------------------- */

/* The rules have retired it: what is left of it goes. */
static void retired(struct mtemplate *t, const char *why)
{
	struct monitor *m = t->m;

	log_info("template-retired", "zone=%s clones=%llu why=\"%s\"",
		 vm_zone(t->kind), (unsigned long long)t->rules.clones, why);
	pool_drop(m, t->kind, why);
	vm_template_done(&t->ready);
	record(t, "retired", why);
	audit_int(&m->record, "clones", t->rules.clones);
	monitor_audit(m);
}

void template_clone_died(struct monitor *m, enum vm_kind kind, uint64_t number,
			 const char *reason)
{
	struct mtemplate *t = &m->templates[kind];
	char why[TEMPLATE_WHY];

	/* The reason is cut between bytes, and a record must be text. */
	(void)str_printf(why, sizeof(why), "a clone died: %s", reason);
	utf8_trim(why);
	if (template_crashed(&t->rules, number, now_ms(), why))
		retired(t, why);
}

/* Another QEMU than that which made it would not understand it. */
static bool same_key(const struct mtemplate *t)
{
	const struct vm_spec spec = vm_spec_of(t->m, t->kind);
	uint8_t key[VM_SUM];

	return vm_template_key(&spec, &t->m->images,
			       vm_workload_of(t->m, t->kind), key) == 0 &&
	       !memcmp(key, t->ready.key, VM_SUM);
}

void templates_check(struct monitor *m)
{
	int k;

	for (k = VM_READER; k < VM_KIND_MAX; k++) {
		struct mtemplate *t = &m->templates[k];
		const char *why = template_expired(&t->rules, now_ms());

		if (t->rules.ready && !why && !same_key(t))
			why = "QEMU is another than the one it was made with";
		if (!why)
			continue;
		template_retire(&t->rules, why);
		retired(t, why);
	}
}

/* --- building ------------------------------------------------------------ */

static void failed(struct mtemplate *t, const char *why)
{
	struct monitor *m = t->m;
	uint64_t now = now_ms();

	vm_template_done(&t->next);
	template_failed(&t->rules, now, why);
	log_warn("template-failed",
		 "zone=%s again_in_ms=%llu until_then=cold why=\"%s\"",
		 vm_zone(t->kind),
		 (unsigned long long)(t->rules.retry_ms - now), why);
	record(t, "failed", why);
	audit_int(&m->record, "again_ms", t->rules.retry_ms - now);
	monitor_audit(m);
}

static void begin(struct mtemplate *t)
{
	struct monitor *m = t->m;
	const struct vm_spec spec = vm_spec_of(m, t->kind);
	uint64_t deadline = template_deadline_ms(vm_load(m));
	const struct vm_want w = {
		.role = VM_BUILDING,
		.kind = t->kind,
		.start = VM_TEMPLATE,
		.from = &t->next,
		.deadline_ms = deadline,
		.life_ms = 2 * deadline + 5000,
	};
	struct err err = { 0 };
	struct mvm *v = NULL;

	template_begin(&t->rules, now_ms());
	if (vm_template_init(&t->next, &spec, &m->images,
			     vm_workload_of(m, t->kind), &err) == 0)
		v = vm_start(m, &w, &err);
	if (v)
		vm_timer(v, deadline + MONITOR_GRACE_MS);
	else
		failed(t, err.msg);
}

void templates_build(struct monitor *m)
{
	int k;

	for (k = VM_READER; k < VM_KIND_MAX; k++)
		if (m->templates[k].rules.building)
			return;
	for (k = VM_READER; k < VM_KIND_MAX && !m->stopping; k++) {
		struct mtemplate *t = &m->templates[k];

		if (!template_due(&t->rules, now_ms()) || !room_for(m, t->kind))
			continue;
		begin(t);
		if (t->rules.building)
			return;
	}
}

void build_ready(struct monitor *m, struct mvm *v)
{
	m->out.type = MSG_SAVE;
	m->out.ids = m->ids;
	m->out.empty = (struct m_empty){ 0 };
	vm_send(m, v, &m->templates[v->kind].next.saved_fd, 1);
}

static void built(struct mtemplate *t)
{
	struct monitor *m = t->m;
	struct stat st = { 0 };

	if (t->rules.ready) {
		template_retire(&t->rules, "its successor is there");
		retired(t, "its successor is there");
	}
	t->ready = t->next;
	t->next = no_template;
	template_built(&t->rules, now_ms());
	(void)fstat(t->ready.memory_fd, &st);
	t->mib = (uint64_t)st.st_blocks * 512 >> 20;
	log_info("template-built", "zone=%s ms=%llu mib=%llu", vm_zone(t->kind),
		 (unsigned long long)t->rules.build_ms,
		 (unsigned long long)t->mib);
	record(t, "built", NULL);
	audit_int(&m->record, "ms", t->rules.build_ms);
	audit_int(&m->record, "mib", t->mib);
	monitor_audit(m);
}

/* The mapping of a QEMU that was killed lives a moment longer than it. */
static void try_seal(void *arg)
{
	struct mtemplate *t = arg;
	struct monitor *m = t->m;
	char why[TEMPLATE_WHY];
	int r = vm_template_seal(&t->next);

	t->seal_timer = -1;
	if (r == 0) {
		built(t);
	} else if (r == -EBUSY && ++t->seals < MONITOR_SEALS_MAX) {
		t->seal_timer =
			loop_timer(&m->loop, MONITOR_SEAL_MS, try_seal, t);
		if (t->seal_timer >= 0)
			return;
		failed(t, "no timer left");
	} else {
		(void)str_printf(why, sizeof(why), "it cannot be sealed: %s",
				 strerror(-r));
		failed(t, why);
	}
	vms_plan(m);
}

void build_saved(struct monitor *m, struct mvm *v)
{
	struct mtemplate *t = &m->templates[v->kind];

	vm_stop(m, v, "saved");
	t->seals = 0;
	t->seal_timer = loop_timer(&m->loop, 0, try_seal, t);
	if (t->seal_timer < 0)
		failed(t, "no timer left");
}

void build_broke(struct monitor *m, struct mvm *v, const char *reason)
{
	struct mtemplate *t = &m->templates[v->kind];

	vm_stop(m, v, reason);
	failed(t, reason);
}
