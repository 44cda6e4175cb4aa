/*
 * queue: what waits for a VM, how each is started, and what comes next.
 * Planners go before readers: what was begun is finished first.
 */
#include <errno.h>

#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

static const char *const origins[] = {
	[ORIGIN_COLD] = "cold",
	[ORIGIN_CLONE] = "clone",
	[ORIGIN_POOL] = "pool",
};

const char *origin_name(enum origin o)
{
	return origins[o];
}

size_t requests_count(const struct monitor *m, enum vm_kind kind)
{
	size_t n = 0;
	size_t i;

	for (i = 0; i < MONITOR_REQUESTS; i++)
		n += m->requests[i].kind == kind;
	return n;
}

static bool request_add(struct monitor *m, struct request r)
{
	size_t i;

	for (i = 0; i < MONITOR_REQUESTS; i++) {
		if (m->requests[i].kind)
			continue;
		m->requests[i] = r;
		return true;
	}
	return false;
}

bool vm_request(struct monitor *m, enum vm_kind kind, uint64_t item,
		uint64_t task)
{
	if (!request_add(m, (struct request){ .kind = kind,
					      .item = item,
					      .task = task,
					      .order = ++m->next_request }))
		return false;
	vms_plan(m);
	return true;
}

/* The item has its verdict: a machine that it still waits for would find
 * nothing. One that runs has its own words to say, and a deadline. */
void requests_drop_item(struct monitor *m, uint64_t item)
{
	size_t i;

	for (i = 0; i < MONITOR_REQUESTS; i++)
		if (m->requests[i].item == item)
			m->requests[i] = (struct request){ 0 };
}

void requests_drop_task(struct monitor *m, uint64_t task)
{
	size_t i;

	for (i = 0; task && i < MONITOR_REQUESTS; i++)
		if (m->requests[i].task == task)
			m->requests[i] = (struct request){ 0 };
}

void requests_end(struct monitor *m)
{
	size_t i;

	loop_timer_del(&m->loop, m->plan_timer);
	m->plan_timer = -1;
	for (i = 0; i < MONITOR_REQUESTS; i++)
		m->requests[i] = (struct request){ 0 };
}

/* --- places -------------------------------------------------------------- */

bool place_is_free(const struct monitor *m, enum vm_kind kind)
{
	struct places p = { .all = places_of(m->cores),
			    .planners = m->conf.planner != PLANNER_NONE };
	size_t i;

	for (i = 0; i < MONITOR_VMS; i++) {
		const struct mvm *v = &m->vms[i];

		if (v->role != VM_WORKING)
			continue;
		p.working[v->kind]++;
		p.slow[v->kind] += v->slow;
	}
	return place_free(&p, kind);
}

static void on_slow(void *arg)
{
	struct mvm *v = arg;

	v->slow_timer = -1;
	v->slow = true;
	groups_slow(v->m, v);
	vms_plan(v->m);
}

/* --- work ---------------------------------------------------------------- */

/*
 * Work for a VM, whose deadline starts now. The broker learns of a VM that may
 * still be replaced only once it is ready; of one that shows itself to be no
 * good before, it never hears.
 */
static void give(struct monitor *m, struct mvm *v, const struct request *r,
		 enum origin origin, const char *why)
{
	const struct mitem *it = mitem_find(m, r->item);
	uint64_t deadline = vm_deadline_ms(m, v->kind);
	bool reader = v->kind == VM_READER && it;
	int taps[MONITOR_TAPS];

	v->role = VM_WORKING;
	v->item = r->item;
	v->task = r->task;
	v->order = r->order;
	v->origin = (uint8_t)origin;
	v->since = observe_now();
	m->worked_ms = now_ms();
	m->starts[origin]++;
	vm_timer(v, 2 * deadline + MONITOR_GRACE_MS);
	if (v->park != VM_PARK_NONE)
		watch_send(m, v, taps, watch_next(m, v, taps));
	if (reader)
		item_placed(m, it, v->id);
	m->out.type = MSG_WORK;
	m->out.ids = m->ids;
	m->out.ids.task = v->task;
	m->out.ids.span = v->item;
	m->out.work =
		(struct m_work){ v->item, deadline, it ? item_sort(it) : 0 };
	vm_send(m, v, reader ? &it->fd : NULL, reader ? 1 : 0);
	if (v->start == VM_COLD || v->park == VM_PARK_RESUMED)
		vm_tell_new(m, v);
	if (v->ready)
		work_ready(m, v);
	vm_audit(m, v, "vm.start");
	audit_str(&m->record, "start", span_str(origins[origin]));
	if (origin == ORIGIN_COLD)
		audit_str(&m->record, "why", span_str(why));
	monitor_audit_later(m);
}

void work_ready(struct monitor *m, struct mvm *v)
{
	uint64_t boot_us = m->in.vm_ready.boot_us;

	if (!v->told)
		vm_tell_new(m, v);
	v->slow_timer = loop_timer(&m->loop, PLACE_SLOW_MS, on_slow, v);
	/* Of one that was parked running, nobody waited for that. */
	if (v->park == VM_PARK_RESUMED)
		return;
	vm_audit(m, v, "vm.ready");
	audit_int(&m->record, "boot_us", boot_us);
	monitor_audit_later(m);
}

/*
 * A clone that is no good before it was ready has not had its guest read a
 * byte, though its item may lie in its port: that is the template's fault, or
 * the host's, and not that of the item, which gets one more VM, a cold one,
 * unless it has its verdict already.
 */
void work_broke(struct monitor *m, struct mvm *v, const char *reason)
{
	struct request again = { .kind = v->kind,
				 .item = v->item,
				 .task = v->task,
				 .order = v->order,
				 .cold = true };
	bool clone = v->start == VM_CLONE;
	bool wanted = v->kind != VM_READER || mitem_find(m, v->item);
	bool retry = clone && !v->told && wanted && generation_works(m);

	m->vms_failed++;
	vm_stop(m, v, reason);
	if (retry && !request_add(m, again))
		monitor_fatal(m, "more virtual machines wait than items exist");
	/* Without a broker any clone ends, whatever it was made of. */
	if (clone && v->fault != WIRE_BROKER_GONE)
		template_clone_died(m, v->kind, v->number, reason);
}

static struct mvm *start_cold(struct monitor *m, const struct request *r)
{
	const struct vm_want w = {
		.role = VM_WORKING,
		.kind = r->kind,
		.start = VM_COLD,
		.item = r->item,
		.task = r->task,
		.deadline_ms = vm_deadline_ms(m, r->kind),
		.life_ms = 2 * vm_deadline_ms(m, r->kind) + 5000,
	};
	struct err err = { 0 };
	struct mvm *v = vm_start(m, &w, &err);

	if (!v && room_is_short(err.code)) {
		room_failed(m, err.msg);
	} else if (!v) {
		log_error("vm-start", "item=%llu why=\"%s\"",
			  (unsigned long long)r->item, err.msg);
		/* No machine, no zone: nothing is read without one. */
		monitor_fatal(m, err.msg);
	}
	return v;
}

static struct mvm *start_clone(struct monitor *m, const struct request *r)
{
	struct mtemplate *t = &m->templates[r->kind];
	const struct vm_want w = {
		.role = VM_WORKING,
		.kind = r->kind,
		.start = VM_CLONE,
		.from = &t->ready,
		.item = r->item,
		.task = r->task,
		.deadline_ms = vm_deadline_ms(m, r->kind),
		.life_ms = 2 * vm_deadline_ms(m, r->kind) + 5000,
	};
	uint64_t number = t->rules.number;
	struct err err = { 0 };
	struct mvm *v = vm_start(m, &w, &err);

	if (!v && room_is_short(err.code))
		room_failed(m, err.msg);
	else if (!v)
		template_clone_died(m, r->kind, number, err.msg);
	if (!v)
		return NULL;
	v->number = number;
	template_cloned(&t->rules);
	return v;
}

static void cold_why(struct monitor *m, const struct request *r)
{
	const struct template *t = &m->templates[r->kind].rules;

	(void)str_printf(m->cold_why, sizeof(m->cold_why), "%s %s: %s",
			 vm_zone(r->kind),
			 r->cold       ? "after a clone that failed"
			 : t->failures ? "while no template can be built"
				       : "while its template rests",
			 t->why[0] ? t->why : "no template yet");
	/* A porter's words may be in it, cut between bytes. */
	utf8_trim(m->cold_why);
}

/* True: r has its VM; false: the way it was to go is closed. */
static bool start(struct monitor *m, struct request *r)
{
	const struct template *t = &m->templates[r->kind].rules;
	struct mvm *v = NULL;
	enum origin origin = ORIGIN_COLD;

	if (!r->cold && template_way(t, now_ms()) == TEMPLATE_CLONE) {
		v = pool_take(m, r->kind);
		origin = v && v->park != VM_PARK_JAILED ? ORIGIN_POOL
							: ORIGIN_CLONE;
		if (!v)
			v = start_clone(m, r);
		/* What the host lacks is not the clone's fault. */
		r->cold = !v && !m->room.why[0];
	} else {
		cold_why(m, r);
		v = start_cold(m, r);
	}
	if (!v)
		return false;
	give(m, v, r, origin, m->cold_why);
	*r = (struct request){ 0 };
	return true;
}

/* The one that goes next, of those that need not wait. */
static struct request *next_request(struct monitor *m)
{
	struct request *next = NULL;
	bool may[VM_KIND_MAX], waits[VM_KIND_MAX];
	size_t i;

	for (i = VM_READER; i < VM_KIND_MAX; i++) {
		may[i] = place_is_free(m, (enum vm_kind)i) &&
			 (i != VM_PLANNER || !latch_agent(m));
		waits[i] = template_way(&m->templates[i].rules, now_ms()) ==
			   TEMPLATE_WAIT;
	}
	for (i = 0; i < MONITOR_REQUESTS; i++) {
		struct request *r = &m->requests[i];

		if (!r->kind || !may[r->kind] || (waits[r->kind] && !r->cold))
			continue;
		if (!next || r->kind > next->kind ||
		    (r->kind == next->kind && r->order < next->order))
			next = r;
	}
	return next && room_for(m, next->kind) ? next : NULL;
}

static void on_plan(void *arg)
{
	struct monitor *m = arg;

	m->plan_timer = -1;
	vms_plan(m);
}

/* When something is due next that no event will tell of. */
static void plan_later(struct monitor *m)
{
	uint64_t now = now_ms();
	uint64_t at = pools_next_ms(m, now);
	uint64_t room = room_next_ms(m, now);
	int k;

	if (room < at)
		at = room;

	for (k = VM_READER; k < VM_KIND_MAX; k++) {
		uint64_t t = template_next_ms(&m->templates[k].rules, now);

		if (t < at)
			at = t;
	}
	loop_timer_del(&m->loop, m->plan_timer);
	m->plan_timer = -1;
	if (at == UINT64_MAX)
		return;
	m->plan_timer =
		loop_timer(&m->loop, at > now ? at - now : 1, on_plan, m);
	if (m->plan_timer < 0)
		monitor_fatal(m, "no timer left");
}

void vms_plan(struct monitor *m)
{
	struct request *r;

	/* Where there is no core nothing is recorded, and nothing begins. */
	if (!generation_works(m) || m->killed)
		return;
	if (m->room.why[0])
		room_look(m);
	templates_check(m);
	/* One that cannot go the way it was to go is tried again, cold. */
	while (generation_works(m) && (r = next_request(m)))
		(void)start(m, r);
	templates_build(m);
	pools_refill(m);
	if (generation_works(m))
		plan_later(m);
}
