/* otlp: see otlp.h. */
#include "otlp.h"

#include <jansson.h>
#include <time.h>

#include "base/str.h"
#include "jput.h"
#include "proto/telemetry.h"

/* Numbers of opentelemetry-proto. */
enum {
	SPAN_KIND_INTERNAL = 1,
	STATUS_OK = 1,
	STATUS_ERROR = 2,
	TEMPORALITY_CUMULATIVE = 2,
	SEVERITY_INFO = 9,
	SEVERITY_WARN = 13,
	SEVERITY_ERROR = 17,
};

static void key(struct buf *b, const char *name, int *n)
{
	buf_printf(b, "%s{\"key\":\"%s\",\"value\":", (*n)++ ? "," : "", name);
}

static void put_text(struct buf *b, const char *name, struct span v, int *n)
{
	key(b, name, n);
	buf_str(b, "{\"stringValue\":");
	jput_text(b, v);
	buf_str(b, "}}");
}

static void put_int(struct buf *b, const char *name, uint64_t v, int *n)
{
	key(b, name, n);
	buf_str(b, "{\"intValue\":");
	jput_u64(b, v);
	buf_str(b, "}}");
}

static void put_bool(struct buf *b, const char *name, bool v, int *n)
{
	key(b, name, n);
	buf_printf(b, "{\"boolValue\":%s}}", v ? "true" : "false");
}

/* {"resource":...,"SCOPES":[{"scope":{...},"ROWS":[ */
static void begin(struct buf *b, const struct otlp_resource *r,
		  const char *resources, const char *scopes, const char *rows)
{
	char run[2 * MSG_RUN + 1];
	int n = 0;

	hex_encode(run, r->run, MSG_RUN);
	buf_printf(b, "{\"%s\":[{\"resource\":{\"attributes\":[", resources);
	put_text(b, "service.name", SPAN_LIT("bulkhead"), &n);
	put_text(b, "service.version", SPAN_LIT(BULKHEAD_VERSION), &n);
	put_text(b, "service.instance.id", span_str(run), &n);
	buf_printf(b,
		   "]},\"%s\":[{\"scope\":{\"name\":\"bulkhead\","
		   "\"version\":\"" BULKHEAD_VERSION "\"},\"%s\":[",
		   scopes, rows);
}

static void end(struct buf *b)
{
	buf_str(b, "]}]}]}");
}

static void put_trace(struct buf *b, const uint8_t run[MSG_RUN], uint64_t item)
{
	uint8_t id[TRACE_ID];
	char hex[2 * TRACE_ID + 1];

	span_trace_id(id, run, item);
	hex_encode(hex, id, TRACE_ID);
	buf_printf(b, "\"traceId\":\"%s\"", hex);
}

static void put_span_id(struct buf *b, const char *name,
			const uint8_t run[MSG_RUN], uint64_t item,
			uint8_t stage, uint64_t number)
{
	uint8_t id[SPAN_ID];
	char hex[2 * SPAN_ID + 1];

	span_id(id, run, item, stage, number);
	hex_encode(hex, id, SPAN_ID);
	buf_printf(b, ",\"%s\":\"%s\"", name, hex);
}

/* --- traces -------------------------------------------------------------- */

/* What the name and the word of a stage are, and its number. */
static const struct {
	const char *name, *what, *number;
} words[] = {
	[STAGE_ITEM] = { "bulkhead.source", "bulkhead.verdict", NULL },
	[STAGE_FETCH] = { "bulkhead.source", "bulkhead.kept", NULL },
	[STAGE_QUEUE] = { "bulkhead.source", NULL, NULL },
	[STAGE_PLACE] = { "bulkhead.source", NULL, NULL },
	[STAGE_READER] = { NULL, "bulkhead.fault", "bulkhead.vm" },
	[STAGE_PLANNER] = { NULL, "bulkhead.fault", "bulkhead.vm" },
	[STAGE_DECISION] = { "bulkhead.capability", "bulkhead.refused_by",
			     "bulkhead.audit.index" },
	[STAGE_EFFECT] = { "bulkhead.capability", "bulkhead.effect.state",
			   "bulkhead.effect" },
};

static void span_attributes(struct buf *b, const struct span_row *s)
{
	int n = 0;

	buf_str(b, ",\"attributes\":[");
	put_int(b, "bulkhead.item", s->ids.span, &n);
	if (s->ids.task)
		put_int(b, "bulkhead.task", s->ids.task, &n);
	put_text(b, "bulkhead.outcome",
		 span_str(span_outcome_name(s->m.outcome)), &n);
	if (s->m.start)
		put_text(b, "bulkhead.vm.start",
			 span_str(vm_origin_name(s->m.start)), &n);
	if (words[s->m.stage].number)
		put_int(b, words[s->m.stage].number, s->m.number, &n);
	if (words[s->m.stage].name && s->name[0])
		put_text(b, words[s->m.stage].name, span_str(s->name), &n);
	if (words[s->m.stage].what && s->what[0])
		put_text(b, words[s->m.stage].what, span_str(s->what), &n);
	buf_u8(b, ']');
}

static void put_status(struct buf *b, const struct span_row *s)
{
	/* A refusal is bulkhead at its work, and no error. */
	if (s->m.outcome == SPAN_OK)
		buf_printf(b, ",\"status\":{\"code\":%d}", STATUS_OK);
	if (s->m.outcome != SPAN_FAILED)
		return;
	buf_printf(b, ",\"status\":{\"code\":%d,\"message\":", STATUS_ERROR);
	jput_text(b, span_str(s->what));
	buf_u8(b, '}');
}

static void put_row(struct buf *b, const struct span_row *s)
{
	uint64_t item = s->ids.span;

	buf_u8(b, '{');
	put_trace(b, s->ids.run, item);
	put_span_id(b, "spanId", s->ids.run, item, s->m.stage, s->m.number);
	if (s->m.parent_stage != STAGE_NONE)
		put_span_id(b, "parentSpanId", s->ids.run, item,
			    s->m.parent_stage, s->m.parent_number);
	buf_printf(b, ",\"name\":\"%s\",\"kind\":%d,\"startTimeUnixNano\":",
		   stage_name(s->m.stage), SPAN_KIND_INTERNAL);
	jput_u64(b, s->m.start_ns);
	buf_str(b, ",\"endTimeUnixNano\":");
	jput_u64(b, s->m.start_ns + s->m.took_ns);
	span_attributes(b, s);
	put_status(b, s);
	buf_u8(b, '}');
}

void otlp_traces(struct buf *b, const struct otlp_resource *r,
		 const struct spans *s, size_t n)
{
	size_t i;

	begin(b, r, "resourceSpans", "scopeSpans", "spans");
	for (i = 0; i < n && i < s->n; i++) {
		if (i)
			buf_u8(b, ',');
		put_row(b, spans_at(s, i));
	}
	end(b);
}

/* --- metrics ------------------------------------------------------------- */

struct metrics_out {
	struct buf *b;
	const struct otlp_resource *r;
	uint64_t now_ns;
	int type; /* of the one that is open; 0: none is */
};

static void close_metric(struct metrics_out *o)
{
	if (!o->type)
		return;
	buf_str(o->b, o->type == POINT_GAUGE ? "]}}" : "]");
	if (o->type != POINT_GAUGE)
		buf_printf(o->b, ",\"aggregationTemporality\":%d%s}}",
			   TEMPORALITY_CUMULATIVE,
			   o->type == POINT_COUNTER ? ",\"isMonotonic\":true"
						    : "");
	o->type = 0;
}

static void open_metric(struct metrics_out *o, const struct point *p)
{
	const bool more = o->type != 0;
	const char *unit = strstr(p->name, "_seconds") ? "s"
			   : strstr(p->name, "_bytes") ? "By"
						       : "1";

	close_metric(o);
	buf_printf(o->b, "%s{\"name\":\"%s\",\"unit\":\"%s\",\"description\":",
		   more ? "," : "", p->name, unit);
	jput_text(o->b, span_str(p->help));
	buf_printf(o->b, ",\"%s\":{\"dataPoints\":[",
		   p->type == POINT_COUNTER ? "sum"
		   : p->type == POINT_GAUGE ? "gauge"
					    : "histogram");
	o->type = (int)p->type;
}

static void put_histogram(struct buf *b, const struct histogram *h)
{
	size_t i;

	buf_str(b, ",\"count\":");
	jput_u64(b, h->count);
	buf_str(b, ",\"sum\":");
	jput_seconds(b, h->sum_ns);
	buf_str(b, ",\"bucketCounts\":[");
	for (i = 0; i < HISTOGRAM_BUCKETS; i++) {
		if (i)
			buf_u8(b, ',');
		jput_u64(b, h->buckets[i]);
	}
	buf_str(b, "],\"explicitBounds\":[");
	for (i = 0; i + 1 < HISTOGRAM_BUCKETS; i++)
		buf_printf(b, "%s%s", i ? "," : "", histogram_bound_text(i));
	buf_u8(b, ']');
}

static void put_point(void *arg, const struct point *p)
{
	struct metrics_out *o = arg;
	struct buf *b = o->b;
	int i, n = 0;

	if (p->first)
		open_metric(o, p);
	buf_str(b, p->first ? "{" : ",{");
	if (p->type != POINT_GAUGE) {
		buf_str(b, "\"startTimeUnixNano\":");
		jput_u64(b, o->r->start_ns);
		buf_u8(b, ',');
	}
	buf_str(b, "\"timeUnixNano\":");
	jput_u64(b, o->now_ns);
	if (p->type == POINT_HISTOGRAM) {
		put_histogram(b, p->histogram);
	} else {
		buf_str(b, ",\"asInt\":");
		jput_u64(b, p->value);
	}
	/* A list that is empty is left out, as all defaults are. */
	if (p->keys[0])
		buf_str(b, ",\"attributes\":[");
	for (i = 0; i < 2; i++)
		if (p->keys[i])
			put_text(b, p->keys[i], span_str(p->values[i]), &n);
	buf_str(b, p->keys[0] ? "]}" : "}");
}

void otlp_metrics(struct buf *b, const struct otlp_resource *r,
		  const struct metrics *m, uint64_t now_ns)
{
	struct metrics_out o = { .b = b, .r = r, .now_ns = now_ns };

	begin(b, r, "resourceMetrics", "scopeMetrics", "metrics");
	metrics_each(m, put_point, &o);
	close_metric(&o);
	end(b);
}

/* --- logs ---------------------------------------------------------------- */

uint64_t otlp_time_ns(const char *text)
{
	struct tm tm = { 0 };
	const char *rest = strptime(text, "%Y-%m-%dT%H:%M:%S", &tm);
	uint64_t ns = 0, unit = 100000000;
	time_t s;

	if (!rest || *rest != '.')
		return 0;
	for (rest++; *rest >= '0' && *rest <= '9' && unit; rest++) {
		ns += (uint64_t)(*rest - '0') * unit;
		unit /= 10;
	}
	s = timegm(&tm);
	if (*rest != 'Z' || rest[1] || s < 0)
		return 0;
	return (uint64_t)s * 1000000000 + ns;
}

/* What every record has, and has its own place in a log record. */
static bool is_own(const char *name)
{
	static const char *const own[] = { "time", "kind", "run",  "seq",
					   "boot", "task", "span", "mono_ns" };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(own); i++)
		if (!strcmp(own[i], name))
			return true;
	return false;
}

/*
 * Texts that are one of a few words of ours or a name of the owner's, in
 * records of any kind, or of one. All others may hold what a mail or a planner
 * says.
 */
static bool is_word(const char *kind, const char *name)
{
	static const struct {
		const char *kind, *name;
	} rows[] = {
		{ NULL, "zone" },	    { NULL, "verdict" },
		{ NULL, "start" },	    { "outcome", "outcome" },
		{ "outcome", "connector" }, { "vm.fault", "fault" },
		{ "item.new", "source" },   { "task.start", "planner" },
		{ "start", "version" },	    { "start", "backend" },
		{ "kill", "by" },	    { "peer.bad", "peer" },
		{ "core.restart", "name" }, { "kill", "level" },
		{ "rearm", "level" },	    { "trip", "by" },
		{ "trip", "action" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		if ((!rows[i].kind || !strcmp(rows[i].kind, kind)) &&
		    !strcmp(rows[i].name, name))
			return true;
	return false;
}

/* Even then it has to look like one. */
static bool looks_like_word(const json_t *v)
{
	const char *s = json_string_value(v);
	size_t n = json_string_length(v);

	return n && n <= LIMIT_LABEL &&
	       strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789._-") == n;
}

static const char *text_of(const json_t *record, const char *name)
{
	const char *s = json_string_value(json_object_get(record, name));

	return s ? s : "";
}

static uint64_t number_of(const json_t *record, const char *name)
{
	json_int_t v = json_integer_value(json_object_get(record, name));

	return v > 0 ? (uint64_t)v : 0;
}

struct severity {
	int number;
	const char *text;
};

static struct severity severity_of(const json_t *record, const char *kind)
{
	static const struct severity info = { SEVERITY_INFO, "INFO" },
				     warn = { SEVERITY_WARN, "WARN" },
				     error = { SEVERITY_ERROR, "ERROR" };
	const char *verdict = text_of(record, "verdict");
	const char *outcome = text_of(record, "outcome");

	if (!strcmp(kind, "kill") || !strcmp(kind, "trip") ||
	    !strcmp(kind, "core.restart") || !strcmp(kind, "records.lost") ||
	    (!strcmp(kind, "stop") &&
	     json_is_false(json_object_get(record, "clean"))) ||
	    (!strcmp(kind, "outcome") &&
	     (!strcmp(outcome, "unknown") || !strcmp(outcome, "failed"))))
		return error;
	if (!strcmp(kind, "decision.repeated") || !strcmp(kind, "clock.jump") ||
	    !strcmp(kind, "vm.fault") || !strcmp(kind, "peer.bad") ||
	    !strcmp(kind, "lease.over") || !strcmp(kind, "rearm") ||
	    (!strcmp(kind, "decision") && strcmp(verdict, "allow") != 0) ||
	    (!strcmp(kind, "item.done") && strcmp(verdict, "read") != 0))
		return warn;
	return info;
}

static void put_field(struct buf *b, const char *kind, const char *name,
		      const json_t *v, enum conf_logs how, int *n)
{
	char full[LIMIT_NAME + 16];

	if (is_own(name) ||
	    str_printf(full, sizeof(full), "bulkhead.%s", name) < 0)
		return;
	if (json_is_integer(v) && json_integer_value(v) >= 0)
		put_int(b, full, (uint64_t)json_integer_value(v), n);
	else if (json_is_boolean(v))
		put_bool(b, full, json_is_true(v), n);
	else if (json_is_string(v) &&
		 (how == LOGS_FULL ||
		  (is_word(kind, name) && looks_like_word(v))))
		put_text(b, full,
			 span_of(json_string_value(v), json_string_length(v)),
			 n);
}

static void put_record(struct buf *b, uint64_t index, json_t *record,
		       enum conf_logs how)
{
	const char *kind = text_of(record, "kind");
	const struct severity s = severity_of(record, kind);
	uint8_t run[MSG_RUN];
	const char *name;
	json_t *v;
	int n = 0;

	buf_printf(b, ",\"severityNumber\":%d,\"severityText\":\"%s\"",
		   s.number, s.text);
	if (number_of(record, "span") &&
	    hex_decode(run, MSG_RUN, span_str(text_of(record, "run"))) == 0) {
		buf_u8(b, ',');
		put_trace(b, run, number_of(record, "span"));
		put_span_id(b, "spanId", run, number_of(record, "span"),
			    STAGE_ITEM, 0);
	}
	buf_str(b, ",\"body\":{\"stringValue\":");
	jput_text(b, span_str(kind));
	buf_str(b, "},\"attributes\":[");
	put_int(b, "bulkhead.audit.index", index, &n);
	put_text(b, "bulkhead.kind", span_str(kind), &n);
	put_text(b, "bulkhead.run", span_str(text_of(record, "run")), &n);
	put_int(b, "bulkhead.task", number_of(record, "task"), &n);
	put_int(b, "bulkhead.span", number_of(record, "span"), &n);
	json_object_foreach(record, name, v)
		put_field(b, kind, name, v, how, &n);
	buf_u8(b, ']');
}

void otlp_logs_begin(struct buf *b, const struct otlp_resource *r)
{
	begin(b, r, "resourceLogs", "scopeLogs", "logRecords");
}

void otlp_logs_add(struct buf *b, bool first, uint64_t index,
		   struct span record, enum conf_logs how, uint64_t now_ns)
{
	json_t *j = json_loadb((const char *)record.p, record.n,
			       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);

	buf_str(b, first ? "{\"timeUnixNano\":" : ",{\"timeUnixNano\":");
	jput_u64(b, otlp_time_ns(text_of(j, "time")));
	buf_str(b, ",\"observedTimeUnixNano\":");
	jput_u64(b, now_ns);
	/* What is no object has no field: it is told of all the same. */
	put_record(b, index, j, how);
	buf_u8(b, '}');
	json_decref(j);
}

void otlp_logs_end(struct buf *b)
{
	end(b);
}
