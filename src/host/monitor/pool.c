/*
 * pool: VMs kept ready: clones of the template that wait for their work. They
 * have seen no foreign byte. Where no pool is configured, what is kept ready is
 * the jail and the porter of the next clone, without a QEMU: the clone itself
 * is made on demand, and counts as such. When one is taken is queue.c's to say;
 * when there is to be another is decided in places.h.
 */
#include <poll.h>

#include "base/log.h"
#include "base/str.h"
#include "host/monitor/monitor.h"

static const struct conf_vm *conf_of(const struct monitor *m, int kind)
{
	return kind == VM_READER ? &m->conf.reader : &m->conf.planner_vm;
}

static enum vm_park park_of(const struct monitor *m, int kind)
{
	const struct conf_vm *cv = conf_of(m, kind);

	return cv->pool ? (enum vm_park)cv->parked : VM_PARK_JAILED;
}

static uint32_t depth_of(const struct monitor *m, int kind)
{
	const struct conf_vm *cv = conf_of(m, kind);

	if (!m->templates[kind].rules.wanted)
		return 0;
	return cv->pool ? cv->pool : POOL_JAILS;
}

void pools_start(struct monitor *m)
{
	int k;

	for (k = VM_READER; k < VM_KIND_MAX; k++)
		m->pools[k].want = depth_of(m, k);
}

static struct pool_need need_of(const struct monitor *m, enum vm_kind kind)
{
	const struct mtemplate *t = &m->templates[kind];
	size_t parking = vms_count(m, VM_PARKING, kind);

	return (struct pool_need){
		.have = (uint32_t)(parking + vms_count(m, VM_PARKED, kind)),
		.parking = parking > 0,
		.waiting = requests_count(m, VM_READER) ||
			   requests_count(m, VM_PLANNER),
		.place = place_is_free(m, kind),
		.template = t->rules.ready,
		.worked_ms = m->worked_ms,
	};
}

/* The machine lives as long as it may be parked, and then for its work; that of
 * a jail begins to live with its work. */
static void park(struct monitor *m, enum vm_kind kind)
{
	struct mtemplate *t = &m->templates[kind];
	uint64_t limit =
		(uint64_t)((double)MONITOR_PARK_MS / TEMPLATE_BUILD_MS *
			   (double)template_deadline_ms(vm_load(m)));
	uint64_t deadline = vm_deadline_ms(m, kind);
	uint64_t parked = POOL_PARKED_S * UINT64_C(1000) + limit;
	bool jailed = park_of(m, kind) == VM_PARK_JAILED;
	const struct vm_want w = {
		.role = VM_PARKING,
		.kind = kind,
		.start = VM_CLONE,
		.park = park_of(m, kind),
		.from = &t->ready,
		.deadline_ms = deadline,
		.held_ms = jailed ? parked : 0,
		.life_ms = (jailed ? 0 : parked) + 2 * deadline + 5000,
	};
	struct err err = { 0 };
	struct mvm *v = vm_start(m, &w, &err);

	if (!v && room_is_short(err.code)) {
		room_failed(m, err.msg);
		return;
	}
	if (!v) {
		log_warn("pool", "zone=%s why=\"%s\"", vm_zone(kind), err.msg);
		if (pool_failed(&m->pools[kind], now_ms()))
			template_clone_died(m, kind, t->rules.number, err.msg);
		return;
	}
	v->number = t->rules.number;
	template_cloned(&t->rules);
	vm_timer(v, limit);
}

void pools_refill(struct monitor *m)
{
	int k;

	for (k = VM_READER; k < VM_KIND_MAX && !m->stopping; k++) {
		const struct pool_need n = need_of(m, (enum vm_kind)k);

		if (pool_due(&m->pools[k], &n, now_ms()) &&
		    room_for(m, (enum vm_kind)k))
			park(m, (enum vm_kind)k);
	}
}

uint64_t pools_next_ms(const struct monitor *m, uint64_t now)
{
	uint64_t next = UINT64_MAX;
	int k;

	for (k = VM_READER; k < VM_KIND_MAX; k++) {
		const struct pool_need n = need_of(m, (enum vm_kind)k);
		uint64_t at = pool_next_ms(&m->pools[k], &n, now);

		if (at < next)
			next = at;
	}
	return next;
}

/*
 * Nothing of it has ended, and its porter has said nothing: what it says while
 * it is parked is that it dies. The loop may not have come to it yet, and what
 * was running can be given work only once.
 */
static bool stands(const struct mvm *v)
{
	struct pollfd p[] = {
		{ .fd = v->chan.fd, .events = POLLIN },
		{ .fd = v->procs.porter_pidfd, .events = POLLIN },
		{ .fd = v->procs.vmm_pidfd, .events = POLLIN },
	};

	return poll(p, ARRAY_SIZE(p), 0) == 0;
}

/* The oldest goes first: the others are the fresher for it. */
struct mvm *pool_take(struct monitor *m, enum vm_kind kind)
{
	struct mvm *v = NULL;
	size_t i;

	for (i = 0; i < MONITOR_VMS; i++)
		if (m->vms[i].role == VM_PARKED && m->vms[i].kind == kind &&
		    (!v || m->vms[i].id < v->id) && stands(&m->vms[i]))
			v = &m->vms[i];
	if (v && v->park != VM_PARK_JAILED)
		m->pools[kind].served++;
	return v;
}

void pool_drop(struct monitor *m, enum vm_kind kind, const char *why)
{
	size_t i;

	for (i = 0; i < MONITOR_VMS; i++) {
		struct mvm *v = &m->vms[i];

		if (v->kind != kind ||
		    (v->role != VM_PARKING && v->role != VM_PARKED))
			continue;
		m->pools[kind].recycled++;
		vm_stop(m, v, why);
	}
}

void pool_is_parked(struct monitor *m, struct mvm *v)
{
	v->role = VM_PARKED;
	pool_parked(&m->pools[v->kind]);
	vm_timer(v, POOL_PARKED_S * UINT64_C(1000));
}

void pool_too_old(struct monitor *m, struct mvm *v)
{
	m->pools[v->kind].recycled++;
	vm_stop(m, v, "parked for long");
}

void pool_broke(struct monitor *m, struct mvm *v, const char *reason)
{
	log_warn("pool-died", "vm=%llu zone=%s why=\"%s\"",
		 (unsigned long long)v->id, vm_zone(v->kind), reason);
	vm_stop(m, v, reason);
	/* No foreign byte was in it, so that its death tells nobody anything:
	 * the template goes only if it looks as if it were no good. */
	if (pool_failed(&m->pools[v->kind], now_ms()))
		template_clone_died(m, v->kind, v->number, reason);
}
