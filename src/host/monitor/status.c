/* status: what `bulkhead status` is told, as one JSON object of our own. */
#include <stdlib.h>

#include <jansson.h>

#include "base/str.h"
#include "host/monitor/monitor.h"

static void add_core(json_t *list, const struct core *c)
{
	if (c->name[0])
		(void)json_array_append_new(
			list,
			json_pack("{s:s, s:i, s:b}", "name", c->name, "pid",
				  (int)c->pid, "running", c->pid != 0));
}

static json_t *processes(const struct monitor *m)
{
	json_t *list = json_array();
	int i;

	add_core(list, &m->auditd);
	add_core(list, &m->broker);
	add_core(list, &m->control);
	for (i = 0; i < m->n_connectors; i++)
		add_core(list, &m->connectors[i]);
	return list;
}

static json_t *status_json(const struct monitor *m)
{
	char run[2 * MSG_RUN + 1];
	char root[65];

	hex_encode(run, m->ids.run, MSG_RUN);
	hex_encode(root, m->audit_state.root, 32);
	return json_pack(
		"{s:s, s:s, s:i, s:s, s:s, s:b, s:s, s:s, s:b, s:s, s:o,"
		" s:{s:I, s:I, s:I, s:I}, s:{s:I, s:I, s:I, s:I},"
		" s:{s:I, s:s}}",
		"version", BULKHEAD_VERSION, "run", run, "uptime_s",
		(int)((now_ms() - m->start_ms) / 1000), "backend",
		vm_backend_name(m->probe.backend), "backend_why", m->probe.why,
		"emulated", m->probe.backend == VM_QEMU_TCG, "cgroups",
		cgroup_kind_name(m->groups.kind), "limits", m->groups.why,
		"killed", m->killed, "planner",
		m->conf.planner == PLANNER_GULLIBLE ? "gullible" : "triage",
		"processes", processes(m), "items", "pending",
		(json_int_t)items_count(m), "read",
		(json_int_t)m->counts[ITEM_READ], "refused",
		(json_int_t)m->counts[ITEM_REFUSED], "task_failed",
		(json_int_t)m->counts[ITEM_TASK_FAILED], "vms", "running",
		(json_int_t)vms_count(m, VM_RUNNING), "waiting",
		(json_int_t)vms_count(m, VM_WAITING), "started",
		(json_int_t)m->vms_started, "failed", (json_int_t)m->vms_failed,
		"audit", "size", (json_int_t)m->audit_state.size, "root", root);
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
