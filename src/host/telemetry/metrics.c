/* metrics: see metrics.h. */
#include "metrics.h"

#include <assert.h>

#include "base/str.h"
#include "jput.h"

#define MS 1000000ULL

static const struct {
	uint64_t ns;
	const char *text; /* in seconds */
} bounds[] = {
	{ 1 * MS, "0.001" },  { 5 * MS, "0.005" },  { 10 * MS, "0.01" },
	{ 25 * MS, "0.025" }, { 50 * MS, "0.05" },  { 100 * MS, "0.1" },
	{ 250 * MS, "0.25" }, { 500 * MS, "0.5" },  { 1000 * MS, "1" },
	{ 2500 * MS, "2.5" }, { 5000 * MS, "5" },   { 10000 * MS, "10" },
	{ 30000 * MS, "30" }, { 60000 * MS, "60" }, { 300000 * MS, "300" },
};

static_assert(ARRAY_SIZE(bounds) == HISTOGRAM_BUCKETS - 1, "but the last");

uint64_t histogram_bound_ns(size_t i)
{
	return bounds[i].ns;
}

const char *histogram_bound_text(size_t i)
{
	return bounds[i].text;
}

void histogram_add(struct histogram *h, uint64_t ns)
{
	size_t i = 0;

	while (i < ARRAY_SIZE(bounds) && ns > bounds[i].ns)
		i++;
	h->buckets[i]++;
	h->count++;
	h->sum_ns += ns;
}

const char *signal_name(enum signal s)
{
	static const char *const names[] = {
		[SIGNAL_TRACES] = "traces",
		[SIGNAL_METRICS] = "metrics",
		[SIGNAL_LOGS] = "logs",
	};

	static_assert(ARRAY_SIZE(names) == SIGNAL_MAX, "a name each");
	return (unsigned)s < SIGNAL_MAX ? names[s] : "unknown";
}

static void add_sample(struct metrics *m, uint8_t from,
		       const struct m_sample *s)
{
	struct metrics_sample *row = &m->rows[m->n];

	if (m->n == METRICS_ROWS || !metric_row(s->metric) ||
	    str_copy(row->first, sizeof(row->first), s->first) < 0 ||
	    str_copy(row->second, sizeof(row->second), s->second) < 0)
		return;
	row->from = from;
	row->metric = s->metric;
	row->value = s->value;
	m->n++;
}

void metrics_samples(struct metrics *m, const struct m_samples *s)
{
	size_t i, n = 0;

	if (!s->from || s->from >= OBSERVER_MAX)
		return;
	m->dropped[s->from] = s->dropped;
	for (i = 0; i < m->n; i++)
		if (m->rows[i].from != s->from)
			m->rows[n++] = m->rows[i];
	m->n = n;
	for (i = 0; i < s->n; i++)
		add_sample(m, s->from, &s->rows[i]);
}

void metrics_span(struct metrics *m, const struct m_span *s)
{
	if (!s->from || s->from >= OBSERVER_MAX || s->stage >= STAGE_MAX)
		return;
	m->dropped[s->from] = s->dropped;
	m->spans++;
	histogram_add(&m->stages[s->stage], s->took_ns);
}

/* --- all of them --------------------------------------------------------- */

static void each_sample(const struct metrics *m, enum metric metric,
			point_fn fn, void *arg)
{
	const struct metric_row *row = metric_row(metric);
	struct point p = {
		.name = row->name,
		.help = row->help,
		.type = row->type == METRIC_COUNTER ? POINT_COUNTER
						    : POINT_GAUGE,
		.keys = { row->first, row->second },
		.first = true,
	};
	size_t i;

	for (i = 0; i < m->n; i++) {
		if (m->rows[i].metric != metric)
			continue;
		p.values[0] = m->rows[i].first;
		p.values[1] = m->rows[i].second;
		p.value = m->rows[i].value;
		fn(arg, &p);
		p.first = false;
	}
}

static void each_stage(const struct metrics *m, point_fn fn, void *arg)
{
	struct point p = {
		.name = "bulkhead_stage_duration_seconds",
		.help = "how long the stages of items took that have ended",
		.type = POINT_HISTOGRAM,
		.keys = { "stage", NULL },
		.first = true,
	};
	unsigned i;

	for (i = STAGE_NONE + 1; i < STAGE_MAX; i++) {
		p.values[0] = stage_name(i);
		p.histogram = &m->stages[i];
		fn(arg, &p);
		p.first = false;
	}
}

/* What telemetry counts of itself; no more than two labels each. */
struct own {
	const char *name, *help;
	enum point_type type;
	const char *keys[2];
};

/* One of them on its way out. */
struct own_out {
	const struct own *own;
	point_fn fn;
	void *arg;
	bool begun;
};

static void one(struct own_out *out, const char *first, const char *second,
		uint64_t value)
{
	const struct own *o = out->own;
	const struct point p = {
		.name = o->name,
		.help = o->help,
		.type = o->type,
		.keys = { o->keys[0], o->keys[1] },
		.values = { first, second },
		.value = value,
		.first = !out->begun,
	};

	out->begun = true;
	out->fn(out->arg, &p);
}

static void each_dropped(const struct metrics *m, point_fn fn, void *arg)
{
	static const struct own o = {
		"bulkhead_telemetry_dropped_total",
		"what was not told: by a process whose channel was full, for "
		"want of room in the queue, or refused by the collector",
		POINT_COUNTER,
		{ "by", NULL },
	};
	struct own_out out = { &o, fn, arg, false };
	unsigned i;

	for (i = 1; i < OBSERVER_MAX; i++)
		one(&out, observer_name(i), NULL, m->dropped[i]);
	one(&out, "queue", NULL, m->queue_dropped);
	one(&out, "collector", NULL, m->refused_spans + m->log_dropped);
}

static void each_post(const struct metrics *m, point_fn fn, void *arg)
{
	static const struct own o = {
		"bulkhead_otlp_requests_total",
		"requests to the collector by signal and result",
		POINT_COUNTER,
		{ "signal", "result" },
	};
	static const struct own rejected = {
		"bulkhead_otlp_rejected_total",
		"spans, points and records that the collector did not take "
		"out of a request that it took",
		POINT_COUNTER,
		{ "signal", NULL },
	};
	static const char *const results[] = {
		[POST_OK] = "ok",
		[POST_RETRY] = "retried",
		[POST_REFUSED] = "refused",
	};
	struct own_out out = { &o, fn, arg, false };
	unsigned s, r;

	static_assert(ARRAY_SIZE(results) == POST_RESULT_MAX, "a name each");
	for (s = 0; s < SIGNAL_MAX; s++)
		for (r = 0; r < POST_RESULT_MAX; r++)
			one(&out, signal_name(s), results[r], m->posts[s][r]);
	out = (struct own_out){ &rejected, fn, arg, false };
	for (s = 0; s < SIGNAL_MAX; s++)
		one(&out, signal_name(s), NULL, m->rejected[s]);
}

static void each_own(const struct metrics *m, point_fn fn, void *arg)
{
	static const struct own spans = { "bulkhead_telemetry_spans_total",
					  "stages that telemetry was told of",
					  POINT_COUNTER,
					  { NULL, NULL } };
	static const struct own queue = {
		"bulkhead_telemetry_queue_spans",
		"stages that wait for the collector",
		POINT_GAUGE,
		{ NULL, NULL },
	};
	static const struct own next = {
		"bulkhead_otlp_log_position",
		"first record of the audit log that the collector has not",
		POINT_GAUGE,
		{ NULL, NULL },
	};
	const struct {
		const struct own *own;
		uint64_t value;
	} all[] = { { &spans, m->spans },
		    { &queue, m->queue },
		    { &next, m->log_next } };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(all); i++) {
		struct own_out out = { all[i].own, fn, arg, false };

		one(&out, NULL, NULL, all[i].value);
	}
}

void metrics_each(const struct metrics *m, point_fn fn, void *arg)
{
	unsigned i;

	for (i = METRIC_NONE + 1; i < METRIC_MAX; i++)
		each_sample(m, i, fn, arg);
	each_stage(m, fn, arg);
	each_dropped(m, fn, arg);
	each_post(m, fn, arg);
	each_own(m, fn, arg);
}

/* --- Prometheus ---------------------------------------------------------- */

/* The text format escapes three bytes; all others stand for themselves. */
static void text_label(struct buf *b, const char *s)
{
	const bool utf8 = utf8_valid(span_str(s));

	for (; *s; s++) {
		if (*s == '\\' || *s == '"')
			buf_printf(b, "\\%c", *s);
		else if (*s == '\n')
			buf_str(b, "\\n");
		else
			buf_u8(b, (uint8_t)*s >= 0x80 && !utf8 ? '?'
							       : (uint8_t)*s);
	}
}

/* {a="b",c="d",le="0.1"}, or nothing. */
static void text_labels(struct buf *b, const struct point *p, const char *le)
{
	char sep = '{';
	int i;

	for (i = 0; i < 2; i++) {
		if (!p->keys[i])
			continue;
		buf_printf(b, "%c%s=\"", sep, p->keys[i]);
		text_label(b, p->values[i]);
		buf_u8(b, '"');
		sep = ',';
	}
	if (le) {
		buf_printf(b, "%cle=\"%s\"", sep, le);
		sep = ',';
	}
	if (sep == ',')
		buf_u8(b, '}');
}

static void text_histogram(struct buf *b, const struct point *p)
{
	const struct histogram *h = p->histogram;
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		n += h->buckets[i];
		buf_printf(b, "%s_bucket", p->name);
		text_labels(b, p,
			    i < ARRAY_SIZE(bounds) ? bounds[i].text : "+Inf");
		buf_printf(b, " %llu\n", (unsigned long long)n);
	}
	buf_printf(b, "%s_sum", p->name);
	text_labels(b, p, NULL);
	buf_u8(b, ' ');
	jput_seconds(b, h->sum_ns);
	buf_printf(b, "\n%s_count", p->name);
	text_labels(b, p, NULL);
	buf_printf(b, " %llu\n", (unsigned long long)h->count);
}

static const char *type_text(enum point_type t)
{
	return t == POINT_COUNTER ? "counter"
	       : t == POINT_GAUGE ? "gauge"
				  : "histogram";
}

static void text_point(void *arg, const struct point *p)
{
	struct buf *b = arg;

	if (p->first)
		buf_printf(b, "# HELP %s %s\n# TYPE %s %s\n", p->name, p->help,
			   p->name, type_text(p->type));
	if (p->type == POINT_HISTOGRAM) {
		text_histogram(b, p);
		return;
	}
	buf_str(b, p->name);
	text_labels(b, p, NULL);
	buf_printf(b, " %llu\n", (unsigned long long)p->value);
}

void metrics_text(const struct metrics *m, struct buf *b)
{
	metrics_each(m, text_point, b);
}

/* --- JSON ---------------------------------------------------------------- */

static void json_histogram(struct buf *b, const struct histogram *h)
{
	uint64_t n = 0;
	size_t i;

	buf_printf(b, "\"count\":%llu,\"sum\":", (unsigned long long)h->count);
	jput_seconds(b, h->sum_ns);
	buf_str(b, ",\"buckets\":{");
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		n += h->buckets[i];
		buf_printf(b, "%s\"%s\":%llu", i ? "," : "",
			   i < ARRAY_SIZE(bounds) ? bounds[i].text : "+Inf",
			   (unsigned long long)n);
	}
	buf_u8(b, '}');
}

static void json_point(void *arg, const struct point *p)
{
	struct buf *b = arg;
	int i, n = 0;

	if (p->first) {
		/* Each but the first is behind another. */
		buf_printf(b, "%s{\"name\":\"%s\",\"type\":\"%s\",\"help\":",
			   !b->n || b->p[b->n - 1] == '[' ? "" : "]},", p->name,
			   type_text(p->type));
		jput_text(b, span_str(p->help));
		buf_str(b, ",\"samples\":[");
	} else {
		buf_u8(b, ',');
	}
	buf_str(b, "{\"labels\":{");
	for (i = 0; i < 2; i++) {
		if (!p->keys[i])
			continue;
		buf_printf(b, "%s\"%s\":", n++ ? "," : "", p->keys[i]);
		jput_text(b, span_str(p->values[i]));
	}
	buf_str(b, "},");
	if (p->type == POINT_HISTOGRAM)
		json_histogram(b, p->histogram);
	else
		buf_printf(b, "\"value\":%llu", (unsigned long long)p->value);
	buf_u8(b, '}');
}

void metrics_json(const struct metrics *m, struct buf *b)
{
	buf_str(b, "{\"metrics\":[");
	metrics_each(m, json_point, b);
	buf_str(b, "]}]}");
}
