/* telemetry: see telemetry.h. */
#include "proto/telemetry.h"

#include <assert.h>

#include "base/span.h"

const char *observer_name(unsigned o)
{
	static const char *const names[] = {
		[0] = "unknown",
		[OBSERVER_MONITOR] = "monitor",
		[OBSERVER_BROKER] = "broker",
	};

	static_assert(ARRAY_SIZE(names) == OBSERVER_MAX, "a name each");
	return names[o < OBSERVER_MAX ? o : 0];
}

const char *stage_name(unsigned s)
{
	static const char *const names[] = {
		[STAGE_NONE] = "none",	     [STAGE_ITEM] = "item",
		[STAGE_FETCH] = "fetch",     [STAGE_QUEUE] = "queue",
		[STAGE_PLACE] = "place",     [STAGE_READER] = "reader",
		[STAGE_PLANNER] = "planner", [STAGE_DECISION] = "decision",
		[STAGE_EFFECT] = "effect",
	};

	static_assert(ARRAY_SIZE(names) == STAGE_MAX, "a name each");
	return names[s < STAGE_MAX ? s : 0];
}

const char *span_outcome_name(unsigned o)
{
	static const char *const names[] = {
		[0] = "unknown",
		[SPAN_OK] = "ok",
		[SPAN_REFUSED] = "refused",
		[SPAN_FAILED] = "failed",
	};

	static_assert(ARRAY_SIZE(names) == SPAN_OUTCOME_MAX, "a name each");
	return names[o < SPAN_OUTCOME_MAX ? o : 0];
}

const char *vm_origin_name(unsigned o)
{
	static const char *const names[] = {
		[VM_ORIGIN_NONE] = "none",
		[VM_ORIGIN_COLD] = "cold",
		[VM_ORIGIN_CLONE] = "clone",
		[VM_ORIGIN_POOL] = "pool",
	};

	static_assert(ARRAY_SIZE(names) == VM_ORIGIN_MAX, "a name each");
	return names[o < VM_ORIGIN_MAX ? o : 0];
}

static const struct metric_row rows[] = {
	[METRIC_BUILD] = { "bulkhead_build_info", "1; its labels say what runs",
			   METRIC_GAUGE, "version", "backend" },
	[METRIC_START_TIME] = { "bulkhead_start_time_seconds",
				"when this run began, since 1970", METRIC_GAUGE,
				NULL, NULL },
	[METRIC_LATCH] = { "bulkhead_kill_latch", "1: the kill latch is set",
			   METRIC_GAUGE, NULL, NULL },
	[METRIC_ITEMS] = { "bulkhead_items_total", "items by their verdict",
			   METRIC_COUNTER, "verdict", NULL },
	[METRIC_QUEUE_ITEMS] = { "bulkhead_queue_items",
				 "items without a verdict: waiting, at work, "
				 "or blocked for want of room",
				 METRIC_GAUGE, "source", "state" },
	[METRIC_QUEUE_BYTES] = { "bulkhead_queue_bytes",
				 "bytes of the items in the queue",
				 METRIC_GAUGE, "source", NULL },
	[METRIC_VMS] = { "bulkhead_vms", "virtual machines that there are",
			 METRIC_GAUGE, "zone", "state" },
	[METRIC_VMS_WAITING] = { "bulkhead_vms_waiting",
				 "items and tasks that wait for a machine",
				 METRIC_GAUGE, "zone", NULL },
	[METRIC_VM_LAUNCHES] = { "bulkhead_vm_launches_total",
				 "machines started, those for templates and "
				 "pools included",
				 METRIC_COUNTER, NULL, NULL },
	[METRIC_VM_STARTS] = { "bulkhead_vm_starts_total",
			       "machines that were given work, by how they "
			       "came to life",
			       METRIC_COUNTER, "start", NULL },
	[METRIC_VM_FAILURES] = { "bulkhead_vm_failures_total",
				 "machines that ended abnormally at work",
				 METRIC_COUNTER, NULL, NULL },
	[METRIC_TEMPLATES_BUILT] = { "bulkhead_templates_built_total",
				     "templates built", METRIC_COUNTER, "zone",
				     NULL },
	[METRIC_TEMPLATES_RETIRED] = { "bulkhead_templates_retired_total",
				       "templates retired", METRIC_COUNTER,
				       "zone", NULL },
	[METRIC_UP] = { "bulkhead_process_up",
			"1: the process runs and has said that it can work",
			METRIC_GAUGE, "process", NULL },
	[METRIC_RESTARTS] = { "bulkhead_process_restarts_total",
			      "processes that were started again",
			      METRIC_COUNTER, "process", NULL },
	[METRIC_GENERATIONS] = { "bulkhead_core_restarts_total",
				 "times that auditd, store and broker were "
				 "started again",
				 METRIC_COUNTER, NULL, NULL },
	[METRIC_AUDIT_RECORDS] = { "bulkhead_audit_records",
				   "records in the audit log, as last "
				   "acknowledged to the monitor",
				   METRIC_GAUGE, NULL, NULL },
	[METRIC_DECISIONS] = { "bulkhead_decisions_total",
			       "requests by verdict, and by what refused them",
			       METRIC_COUNTER, "verdict", "by" },
	[METRIC_EFFECTS] = { "bulkhead_effects_total",
			     "effects by what became of them", METRIC_COUNTER,
			     "state", NULL },
};

static_assert(ARRAY_SIZE(rows) == METRIC_MAX, "a row each");

const struct metric_row *metric_row(unsigned m)
{
	return m > METRIC_NONE && m < METRIC_MAX ? &rows[m] : NULL;
}
