/*
 * metrics: what is known now: samples, which the monitor and the broker send
 * whole, each time all of theirs, so that a lost message is made good by the
 * next; and what telemetry counts itself: the durations of stages, and what
 * became of what it was told.
 */
#ifndef TELEMETRY_METRICS_H
#define TELEMETRY_METRICS_H

#include "proto/msg.h"
#include "proto/telemetry.h"

enum { METRICS_ROWS = 2 * LIMIT_SAMPLES, HISTOGRAM_BUCKETS = 16 };

/* Durations; bucket i counts those up to bound i, the last one all others. */
struct histogram {
	uint64_t buckets[HISTOGRAM_BUCKETS];
	uint64_t count;
	uint64_t sum_ns;
};

/* The bound of a bucket in nanoseconds and as text; not of the last one. */
uint64_t histogram_bound_ns(size_t i);
const char *histogram_bound_text(size_t i);

void histogram_add(struct histogram *h, uint64_t ns);

enum signal { SIGNAL_TRACES, SIGNAL_METRICS, SIGNAL_LOGS, SIGNAL_MAX };

/* "traces", "metrics", "logs". */
const char *signal_name(enum signal s);

enum post_result { POST_OK, POST_RETRY, POST_REFUSED, POST_RESULT_MAX };

struct metrics_sample {
	uint8_t from; /* enum observer; 0: free row */
	uint8_t metric;
	char first[LIMIT_LABEL + 1];
	char second[LIMIT_LABEL + 1];
	uint64_t value;
};

struct metrics {
	struct metrics_sample rows[METRICS_ROWS];
	size_t n;
	struct histogram stages[STAGE_MAX];
	/* what its senders could not send */
	uint64_t dropped[OBSERVER_MAX];
	uint64_t spans; /* received */
	/* the collector */
	uint64_t queue, queue_dropped, refused_spans;
	uint64_t posts[SIGNAL_MAX][POST_RESULT_MAX];
	uint64_t rejected[SIGNAL_MAX]; /* partial success */
	uint64_t log_next;	       /* of the audit log: first not sent */
	uint64_t log_dropped;
	uint64_t start_ns; /* of the run */
};

/* MSG_SAMPLES and MSG_SPAN. */
void metrics_samples(struct metrics *m, const struct m_samples *s);
void metrics_span(struct metrics *m, const struct m_span *s);

/* One value, or one histogram, on the way through all of them; those of one
 * name come together. */
enum point_type { POINT_COUNTER = 1, POINT_GAUGE, POINT_HISTOGRAM };

struct point {
	const char *name, *help;
	enum point_type type;
	const char *keys[2]; /* of its labels; NULL: none */
	const char *values[2];
	uint64_t value;
	const struct histogram *histogram;
	bool first; /* of its name */
};

typedef void (*point_fn)(void *arg, const struct point *p);
void metrics_each(const struct metrics *m, point_fn fn, void *arg);

/* All of it as Prometheus's text, version 0.0.4, and as JSON of our own. */
void metrics_text(const struct metrics *m, struct buf *b);
void metrics_json(const struct metrics *m, struct buf *b);

#endif
