/* status: what `bulkhead status` is told, as one JSON object of our own. */
#include <stdlib.h>

#include <jansson.h>

#include "base/str.h"
#include "host/monitor/monitor.h"

/* How one stands, and how it came to that. A wait of 0: none, or for something
 * else than time. */
static json_t *standing(const struct sup *s, const char *state, uint64_t now)
{
	bool waits = s->state == SUP_DOWN && s->retry_ms > now;

	return json_pack(
		"{s:s, s:I, s:I, s:I, s:I, s:s}", "state", state, "restarts",
		(json_int_t)s->restarts, "failures", (json_int_t)s->failures,
		"since_ms", (json_int_t)(s->since_ms ? now - s->since_ms : 0),
		"again_ms", (json_int_t)(waits ? s->retry_ms - now : 0),
		"cause", s->cause);
}

static const char *state_of(const struct core *c)
{
	if (c->dying || !core_hears(c))
		return c->pid ? "ending" : sup_state_name(c->sup.state);
	return sup_state_name(c->sup.state);
}

static json_t *processes(struct monitor *m)
{
	json_t *list = json_array();
	uint64_t now = now_ms();
	struct core *c;
	size_t i;

	for (i = 0; (c = core_at(m, i)); i++) {
		json_t *row = standing(&c->sup, state_of(c), now);

		(void)json_object_set_new(row, "name", json_string(c->name));
		(void)json_object_set_new(row, "pid", json_integer(c->pid));
		(void)json_object_set_new(
			row, "running",
			json_boolean(core_hears(c) && c->sup.state == SUP_UP));
		(void)json_array_append_new(list, row);
	}
	return list;
}

/* What the owner can do about it, where waiting may not help. */
static const char *advice(const struct core *c)
{
	switch ((int)c->proc) {
	case PROC_AUDITD:
		return "nothing executes until the log can be written: make "
		       "room on its disk, or see docs/audit.md";
	case PROC_STORE:
		return "nothing is accepted until the queue can be used: make "
		       "room on its disk, or see `bulkhead logs`";
	default:
		return "`bulkhead logs` says more";
	}
}

static json_t *generation(const struct monitor *m)
{
	const struct generation *g = &m->gen;
	json_t *j = standing(
		&g->sup, g->failing ? "ending" : sup_state_name(g->sup.state),
		now_ms());

	(void)json_object_set_new(j, "records_held",
				  json_integer((json_int_t)m->held_n));
	if (g->sup.state != SUP_UP && g->blamed)
		(void)json_object_set_new(j, "advice",
					  json_string(advice(g->blamed)));
	return j;
}

static json_t *templates(const struct monitor *m)
{
	json_t *list = json_array();
	uint64_t now = now_ms();
	int k;

	for (k = VM_READER; k < VM_KIND_MAX; k++) {
		const struct mtemplate *t = &m->templates[k];
		const struct template *r = &t->rules;
		uint64_t since = r->ready ? r->ready_ms : r->begun_ms;

		if (!r->wanted)
			continue;
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:I, s:I, s:I, s:I, s:I, s:I, "
				  "s:s}",
				  "kind", vm_zone(t->kind), "state",
				  template_state(r, now), "age_ms",
				  (json_int_t)(since ? now - since : 0),
				  "clones", (json_int_t)r->clones, "build_ms",
				  (json_int_t)r->build_ms, "mib",
				  (json_int_t)t->mib, "built",
				  (json_int_t)r->built, "retired",
				  (json_int_t)r->retired, "why", r->why));
	}
	return list;
}

static json_t *pools(const struct monitor *m)
{
	json_t *list = json_array();
	int k;

	for (k = VM_READER; k < VM_KIND_MAX; k++) {
		const struct pool *p = &m->pools[k];
		const struct conf_vm *cv =
			k == VM_READER ? &m->conf.reader : &m->conf.planner_vm;
		size_t parked = vms_count(m, VM_PARKED, (enum vm_kind)k);
		size_t jails = cv->pool ? 0 : parked;

		if (!m->templates[k].rules.wanted)
			continue;
		(void)json_array_append_new(
			list, json_pack("{s:s, s:I, s:I, s:I, s:s, s:I, s:I, "
					"s:I}",
					"kind", vm_zone((enum vm_kind)k),
					"depth", (json_int_t)cv->pool, "parked",
					(json_int_t)(parked - jails), "jails",
					(json_int_t)jails, "how",
					vm_park_name((enum vm_park)cv->parked),
					"served", (json_int_t)p->served, "died",
					(json_int_t)p->died, "recycled",
					(json_int_t)p->recycled));
	}
	return list;
}

/* What waits, by source; bytes are those of what is at work, too. */
static json_t *queue(const struct monitor *m)
{
	json_t *list = json_array();
	size_t i;

	for (i = 0; i < MONITOR_QUEUES; i++) {
		const struct mqueue *q = &m->queues[i];

		if (q->source[0])
			(void)json_array_append_new(
				list,
				json_pack("{s:s, s:I, s:I, s:I, s:I, s:s}",
					  "source", q->source, "waiting",
					  (json_int_t)q->waiting, "at_work",
					  (json_int_t)q->taken, "bytes",
					  (json_int_t)q->bytes, "blocked",
					  (json_int_t)q->blocked, "why",
					  q->why));
	}
	return list;
}

static json_t *items(const struct monitor *m)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "pending",
			 (json_int_t)items_count(m), "read",
			 (json_int_t)m->counts[ITEM_READ], "refused",
			 (json_int_t)m->counts[ITEM_REFUSED], "task_failed",
			 (json_int_t)m->counts[ITEM_TASK_FAILED], "interrupted",
			 (json_int_t)m->counts[ITEM_INTERRUPTED], "given_up",
			 (json_int_t)m->counts[ITEM_GIVEN_UP]);
}

static json_t *vms(const struct monitor *m)
{
	size_t working = vms_count(m, VM_WORKING, VM_READER) +
			 vms_count(m, VM_WORKING, VM_PLANNER);
	size_t waiting =
		requests_count(m, VM_READER) + requests_count(m, VM_PLANNER);
	size_t slow = 0, i;

	for (i = 0; i < MONITOR_VMS; i++)
		slow += m->vms[i].role == VM_WORKING && m->vms[i].slow;
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "places",
			 (json_int_t)places_of(m->cores), "running",
			 (json_int_t)working, "slow", (json_int_t)slow,
			 "waiting", (json_int_t)waiting, "started",
			 (json_int_t)m->vms_started, "failed",
			 (json_int_t)m->vms_failed);
}

/* What the host has for what is to be begun; "why" is "" while it is enough. */
static json_t *room(const struct monitor *m)
{
	const struct room *r = &m->room;

	return json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "why", r->why,
			 "waits", (json_int_t)r->waits, "fds",
			 (json_int_t)r->fds, "fds_most",
			 (json_int_t)r->fds_most, "vms", (json_int_t)r->vms,
			 "clock_jumps", (json_int_t)m->jumps);
}

static json_t *audit(const struct monitor *m)
{
	const struct audit_room *r = &m->record.room;
	char root[65];

	hex_encode(root, m->audit_state.root, 32);
	return json_pack("{s:I, s:s, s:I, s:I, s:b, s:s}", "size",
			 (json_int_t)m->audit_state.size, "root", root,
			 "reserve", (json_int_t)r->reserve, "reserve_left",
			 (json_int_t)r->left, "full", r->full, "reserve_why",
			 r->why);
}

enum { STATUS_LATCHES = 64 };

struct latch_list {
	const struct monitor *m;
	json_t *list;
};

/* The words in a latch are the owner's, or a tripwire's: foreign text. */
static void add_latch(void *arg, const struct latch *l)
{
	struct latch_list *ll = arg;
	char words[LATCH_WORDS];
	json_t *row;

	if (json_array_size(ll->list) == STATUS_LATCHES)
		return;
	latch_words(&ll->m->latches, l, words);
	row = json_pack("{s:s, s:s}", "level", latch_level_name(l->level),
			"reason", utf8_valid(span_str(words)) ? words : "");
	if (l->level == LATCH_CAPABILITY)
		(void)json_object_set_new(row, "capability",
					  json_string(l->capability));
	if (l->level == LATCH_TASK)
		(void)json_object_set_new(row, "task",
					  json_integer((json_int_t)l->task));
	(void)json_array_append_new(ll->list, row);
}

static json_t *revoked(const struct monitor *m)
{
	json_t *list = json_array();
	int i;

	for (i = 0; i < m->n_connectors; i++) {
		const struct core *c = &m->connectors[i];

		if (c->revoke)
			(void)json_array_append_new(
				list,
				json_pack("{s:s, s:s, s:s}", "connector",
					  c->conf->name, "result",
					  c->revoke != REVOKE_SAID ? "asked"
					  : c->revoked
						  ? revoked_name(c->revoked)
						  : "unknown",
					  "detail", c->revoke_detail));
	}
	return list;
}

/* How each account stands with its server. */
static json_t *accounts(const struct monitor *m)
{
	json_t *list = json_array();
	uint64_t now = now_ms();
	int i;

	for (i = 0; i < m->n_connectors; i++) {
		const struct core *c = &m->connectors[i];
		const struct link *l = &c->link;
		bool up = core_hears(c);
		bool waits = up && l->again_ms > now;

		if (c->proc != PROC_ONLINE)
			continue;
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:s, s:s, s:s, s:I, s:I, s:I}", "name",
				  c->conf->name, "kind",
				  conf_connector_name(c->conf->kind), "state",
				  up ? account_state_name(l->state) : "none",
				  "detail", up ? l->detail : "", "since_ms",
				  (json_int_t)(l->since_ms ? now - l->since_ms
							   : 0),
				  "again_ms",
				  (json_int_t)(waits ? l->again_ms - now : 0),
				  "skipped", (json_int_t)l->skipped));
	}
	return list;
}

/* All that is stopped, and what stopped it; the first of many. */
static json_t *kills(const struct monitor *m)
{
	const uint64_t boot = clock_ns(CLOCK_BOOTTIME) / 1000000;
	struct latch_list ll = { m, json_array() };
	size_t n = ll.list ? latches_each(&m->latches, add_latch, &ll) : 0;

	return json_pack(
		"{s:I, s:o, s:I, s:I, s:o, s:{s:I, s:I}}", "set", (json_int_t)n,
		"latches", ll.list, "trips", (json_int_t)m->trips, "frozen",
		(json_int_t)vms_frozen(m), "revoked", revoked(m), "lease",
		"autonomy_s", (json_int_t)m->lease.autonomy_s, "left_s",
		(json_int_t)(m->lease.until_ms > boot
				     ? (m->lease.until_ms - boot) / 1000
				     : 0));
}

static json_t *status_json(struct monitor *m)
{
	char run[2 * MSG_RUN + 1];

	hex_encode(run, m->ids.run, MSG_RUN);
	return json_pack(
		"{s:s, s:s, s:i, s:s, s:s, s:b, s:b, s:s, s:s, s:b, s:s, s:o, "
		"s:o,"
		" s:o, s:o, s:o, s:{s:I, s:I, s:I, s:s}, s:o, s:o, s:o, s:o, "
		"s:o, s:o}",
		"version", BULKHEAD_VERSION, "run", run, "uptime_s",
		(int)((now_ms() - m->start_ms) / 1000), "backend",
		vm_backend_name(m->probe.backend), "backend_why", m->probe.why,
		"emulated", m->probe.backend == VM_QEMU_TCG, "own_qemu",
		m->images.qemu_fd >= 0, "cgroups",
		cgroup_kind_name(m->groups.kind), "limits", m->groups.why,
		"killed", m->killed, "planner",
		conf_planner_name(m->conf.planner), "core", generation(m),
		"processes", processes(m), "vms", vms(m), "templates",
		templates(m), "pools", pools(m), "starts", "cold",
		(json_int_t)m->starts[ORIGIN_COLD], "clone",
		(json_int_t)m->starts[ORIGIN_CLONE], "pool",
		(json_int_t)m->starts[ORIGIN_POOL], "cold_why", m->cold_why,
		"items", items(m), "queue", queue(m), "room", room(m), "audit",
		audit(m), "kills", kills(m), "accounts", accounts(m));
}

void status_answer(struct monitor *m)
{
	json_t *j = status_json(m);
	char *text = j ? json_dumps(j, JSON_COMPACT) : NULL;

	json_decref(j);
	m->out.ids = m->ids;
	if (text) {
		m->out.type = MSG_C_TEXT;
		m->out.text.text = span_str(text);
		core_send(m, &m->control, NULL, 0);
		m->out.type = MSG_C_OK;
		m->out.empty = (struct m_empty){ 0 };
	} else {
		m->out.type = MSG_C_FAIL;
		m->out.text.text = SPAN_LIT("out of memory");
	}
	core_send(m, &m->control, NULL, 0);
	free(text);
}
