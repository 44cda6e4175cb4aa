/*
 * telemetry: what is measured: the stages of an item's way, and the metrics.
 * Numbers of enums travel between processes (msg.h); names go outside, and are
 * listed in docs/telemetry.md.
 */
#ifndef PROTO_TELEMETRY_H
#define PROTO_TELEMETRY_H

#include <stddef.h>

/* Who tells of something. */
enum observer { OBSERVER_MONITOR = 1, OBSERVER_BROKER, OBSERVER_MAX };

/* "monitor", "broker"; "unknown" for what is none. */
const char *observer_name(unsigned o);

/*
 * A span is one stage of one item in one run. The item's own is the root, the
 * others hang below it, but an effect below its decision, and a decision below
 * the planner's machine in which it was asked for.
 */
enum stage {
	STAGE_NONE = 0,
	STAGE_ITEM,	/* from its connector's hand to its verdict */
	STAGE_FETCH,	/* to the disk of the queue */
	STAGE_QUEUE,	/* until it is taken to be worked on */
	STAGE_PLACE,	/* until there is a place for its reader's machine */
	STAGE_READER,	/* a reader's machine at work; its number is the VM */
	STAGE_PLANNER,	/* a planner's, likewise */
	STAGE_DECISION, /* a request; its number is the record in the log */
	STAGE_EFFECT,	/* at its connector; its number is the effect's */
	STAGE_MAX
};

/* "item", "fetch", ... */
const char *stage_name(unsigned s);

enum span_outcome { SPAN_OK = 1, SPAN_REFUSED, SPAN_FAILED, SPAN_OUTCOME_MAX };

/* "ok", "refused", "failed". */
const char *span_outcome_name(unsigned o);

/* How a machine came to life, as in records of the log. */
enum vm_origin {
	VM_ORIGIN_NONE = 0,
	VM_ORIGIN_COLD,
	VM_ORIGIN_CLONE,
	VM_ORIGIN_POOL,
	VM_ORIGIN_MAX
};

const char *vm_origin_name(unsigned o);

enum metric_type { METRIC_COUNTER = 1, METRIC_GAUGE };

enum metric {
	METRIC_NONE = 0,
	/* the monitor's */
	METRIC_BUILD,
	METRIC_START_TIME,
	METRIC_LATCH,
	METRIC_ITEMS,
	METRIC_QUEUE_ITEMS,
	METRIC_QUEUE_BYTES,
	METRIC_VMS,
	METRIC_VMS_WAITING,
	METRIC_VM_LAUNCHES,
	METRIC_VM_STARTS,
	METRIC_VM_FAILURES,
	METRIC_TEMPLATES_BUILT,
	METRIC_TEMPLATES_RETIRED,
	METRIC_UP,
	METRIC_RESTARTS,
	METRIC_GENERATIONS,
	METRIC_AUDIT_RECORDS,
	/* the broker's */
	METRIC_DECISIONS,
	METRIC_EFFECTS,
	METRIC_MAX
};

struct metric_row {
	const char *name; /* as Prometheus has it, with its unit */
	const char *help;
	enum metric_type type;
	const char *first, *second; /* its labels; NULL: has none */
};

/* The row of a metric; NULL for what is none. */
const struct metric_row *metric_row(unsigned m);

#endif
