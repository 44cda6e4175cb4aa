/* otlp_test: each body to the byte for a small case, and as JSON for the rest:
 * keys and types as opentelemetry-proto's own examples have them. */
#include <jansson.h>

#include "base/testing.h"
#include "otlp.h"

static const struct otlp_resource resource = { .run = { 0xab, 1 },
					       .start_ns = 1000 };
static struct spans spans;
static struct metrics metrics;

#define RESOURCE                                                               \
	"{\"resource\":{\"attributes\":["                                      \
	"{\"key\":\"service.name\",\"value\":{\"stringValue\":\"bulkhead\"}}," \
	"{\"key\":\"service.version\",\"value\":{\"stringValue\":"             \
	"\"" BULKHEAD_VERSION "\"}},"                                          \
	"{\"key\":\"service.instance.id\",\"value\":{\"stringValue\":"         \
	"\"ab010000000000000000000000000000\"}}]},"
#define SCOPE                                                                  \
	"[{\"scope\":{\"name\":\"bulkhead\",\"version\":\"" BULKHEAD_VERSION   \
	"\"},"

static void put_span(struct m_span s, uint64_t task, uint64_t item)
{
	struct msg m = { .type = MSG_SPAN };

	memcpy(m.ids.run, resource.run, MSG_RUN);
	m.ids.task = task;
	m.ids.span = item;
	m.span = s;
	spans_put(&spans, &m);
}

static void traces(void **)
{
	static const char want[] =
		"{\"resourceSpans\":[" RESOURCE "\"scopeSpans\":" SCOPE
		"\"spans\":["
		"{\"traceId\":\"b76cc38f0c13829c2a224ed1cc99b81c\","
		"\"spanId\":\"6fd27b2d214c0d57\","
		"\"name\":\"item\",\"kind\":1,"
		"\"startTimeUnixNano\":\"18446744073709551000\","
		"\"endTimeUnixNano\":\"18446744073709551001\","
		"\"attributes\":["
		"{\"key\":\"bulkhead.item\",\"value\":{\"intValue\":\"7\"}},"
		"{\"key\":\"bulkhead.outcome\",\"value\":"
		"{\"stringValue\":\"ok\"}},"
		"{\"key\":\"bulkhead.source\",\"value\":"
		"{\"stringValue\":\"in\\\"\\\\\\u000a?!\"}},"
		"{\"key\":\"bulkhead.verdict\",\"value\":"
		"{\"stringValue\":\"read\"}}],"
		"\"status\":{\"code\":1}}"
		"]}]}]}";
	CLEAN_BUF struct buf b;

	buf_init(&b, 1 << 20);
	assert_int_equal(spans_init(&spans, 4), 0);
	put_span((struct m_span){ .stage = STAGE_ITEM,
				  .start_ns = UINT64_C(18446744073709551000),
				  .took_ns = 1,
				  .outcome = SPAN_OK,
				  .name = SPAN_LIT("in\"\\\n\xff!"),
				  .what = SPAN_LIT("read") },
		 0, 7);
	otlp_traces(&b, &resource, &spans, 1);
	assert_string_equal(buf_cstr(&b), want);
	spans_done(&spans);
}

static const json_t *at(const json_t *j, const char *a, const char *b,
			const char *c)
{
	j = json_array_get(json_object_get(j, a), 0);
	j = json_array_get(json_object_get(j, b), 0);
	return json_object_get(j, c);
}

static json_t *parse(struct buf *b)
{
	json_t *j = json_loadb((const char *)b->p, b->n, JSON_REJECT_DUPLICATES,
			       NULL);

	assert_true(buf_ok(b));
	assert_non_null(j);
	return j;
}

static const char *str(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s ? s : "";
}

/* The value of an attribute, whatever its type. */
static const json_t *attribute(const json_t *row, const char *key)
{
	const json_t *list = json_object_get(row, "attributes"), *a;
	size_t i;

	json_array_foreach(list, i, a) if (!strcmp(str(a, "key"), key)) return json_object_iter_value(
		json_object_iter(json_object_get(a, "value")));
	return NULL;
}

static const char *text(const json_t *row, const char *key)
{
	const char *s = json_string_value(attribute(row, key));

	return s ? s : "";
}

static void parents(void **)
{
	const json_t *rows, *planner, *decision, *effect;
	CLEAN_BUF struct buf b;
	json_t *j;

	buf_init(&b, 1 << 20);
	assert_int_equal(spans_init(&spans, 4), 0);
	put_span((struct m_span){ .stage = STAGE_PLANNER,
				  .number = 17,
				  .parent_stage = STAGE_ITEM,
				  .outcome = SPAN_FAILED,
				  .start = VM_ORIGIN_POOL,
				  .what = SPAN_LIT("bad-mac") },
		 3, 7);
	put_span((struct m_span){ .stage = STAGE_DECISION,
				  .number = 40,
				  .parent_stage = STAGE_PLANNER,
				  .parent_number = 17,
				  .outcome = SPAN_REFUSED,
				  .name = SPAN_LIT("email.send"),
				  .what = SPAN_LIT("rate") },
		 3, 7);
	put_span((struct m_span){ .stage = STAGE_EFFECT,
				  .number = 9,
				  .parent_stage = STAGE_DECISION,
				  .parent_number = 40,
				  .outcome = SPAN_OK },
		 3, 7);
	otlp_traces(&b, &resource, &spans, 99);
	j = parse(&b);
	rows = at(j, "resourceSpans", "scopeSpans", "spans");
	assert_int_equal(json_array_size(rows), 3);
	planner = json_array_get(rows, 0);
	decision = json_array_get(rows, 1);
	effect = json_array_get(rows, 2);
	assert_string_equal(str(decision, "parentSpanId"),
			    str(planner, "spanId"));
	assert_string_equal(str(effect, "parentSpanId"),
			    str(decision, "spanId"));
	assert_string_equal(str(effect, "traceId"), str(planner, "traceId"));
	assert_string_equal(text(planner, "bulkhead.vm.start"), "pool");
	assert_string_equal(text(planner, "bulkhead.vm"), "17");
	assert_string_equal(text(decision, "bulkhead.audit.index"), "40");
	assert_string_equal(text(decision, "bulkhead.refused_by"), "rate");
	assert_int_equal(json_integer_value(json_object_get(
				 json_object_get(planner, "status"), "code")),
			 2);
	assert_string_equal(str(json_object_get(planner, "status"), "message"),
			    "bad-mac");
	assert_null(json_object_get(decision, "status"));
	json_decref(j);
	spans_done(&spans);
}

static void metrics_body(void **)
{
	static struct m_samples in = { .from = OBSERVER_MONITOR, .n = 3 };
	const json_t *rows, *row, *point;
	size_t i, sums = 0, gauges = 0, histograms = 0;
	CLEAN_BUF struct buf b;
	json_t *j;

	buf_init(&b, 1 << 20);
	in.rows[0] = (struct m_sample){
		METRIC_ITEMS, SPAN_LIT("read"), { 0 }, UINT64_MAX / 2
	};
	in.rows[1] = (struct m_sample){
		METRIC_ITEMS, SPAN_LIT("refused"), { 0 }, 1
	};
	in.rows[2] = (struct m_sample){ METRIC_LATCH, { 0 }, { 0 }, 1 };
	metrics_samples(&metrics, &in);
	otlp_metrics(&b, &resource, &metrics, 2000);
	j = parse(&b);
	rows = at(j, "resourceMetrics", "scopeMetrics", "metrics");
	json_array_foreach(rows, i, row)
	{
		const json_t *sum = json_object_get(row, "sum");
		const json_t *gauge = json_object_get(row, "gauge");
		const json_t *histogram = json_object_get(row, "histogram");

		assert_int_equal(!!sum + !!gauge + !!histogram, 1);
		assert_true(*str(row, "name") && *str(row, "unit"));
		sums += !!sum;
		gauges += !!gauge;
		if (!histogram)
			continue;
		histograms++;
		point = json_array_get(json_object_get(histogram, "dataPoints"),
				       0);
		assert_int_equal(
			json_array_size(json_object_get(point, "bucketCounts")),
			HISTOGRAM_BUCKETS);
		assert_int_equal(json_array_size(json_object_get(
					 point, "explicitBounds")),
				 HISTOGRAM_BUCKETS - 1);
		assert_string_equal(str(point, "count"), "0");
		assert_true(json_is_number(json_object_get(point, "sum")));
	}
	assert_true(sums && gauges && histograms == 1);
	row = json_object_get(json_array_get(rows, 1), "sum");
	assert_true(json_is_true(json_object_get(row, "isMonotonic")));
	assert_int_equal(json_integer_value(json_object_get(
				 row, "aggregationTemporality")),
			 2);
	row = json_object_get(row, "dataPoints");
	assert_int_equal(json_array_size(row), 2);
	point = json_array_get(row, 0);
	assert_string_equal(str(point, "asInt"), "9223372036854775807");
	assert_string_equal(str(point, "startTimeUnixNano"), "1000");
	assert_string_equal(str(point, "timeUnixNano"), "2000");
	assert_string_equal(text(point, "verdict"), "read");
	json_decref(j);
}

static const char decision[] =
	"{\"arg.0.to\":\"lea@example.org\",\"args\":1,\"boot\":\"b\","
	"\"capability\":\"words of a mail\",\"item\":7,\"kind\":\"decision\","
	"\"mono_ns\":\"5\",\"reason\":\"why\","
	"\"run\":\"ab010000000000000000000000000000\",\"seq\":3,\"span\":7,"
	"\"task\":2,\"time\":\"2026-11-22T07:30:00.125000001Z\","
	"\"verdict\":\"deny\",\"zone\":\"Not A Word\",\"yes\":true}";

static json_t *log_of(const char *record, enum conf_logs how,
		      const json_t **row)
{
	CLEAN_BUF struct buf b;
	json_t *j;

	buf_init(&b, 1 << 20);
	otlp_logs_begin(&b, &resource);
	otlp_logs_add(&b, true, 3, span_str(record), how, 9);
	otlp_logs_add(&b, false, 4, span_str(record), how, 9);
	otlp_logs_end(&b);
	j = parse(&b);
	*row = json_array_get(at(j, "resourceLogs", "scopeLogs", "logRecords"),
			      1);
	return j;
}

static void logs(void **)
{
	const json_t *row;
	json_t *j = log_of(decision, LOGS_KINDS, &row);

	assert_string_equal(str(row, "timeUnixNano"), "1795332600125000001");
	assert_string_equal(str(row, "observedTimeUnixNano"), "9");
	assert_int_equal(
		json_integer_value(json_object_get(row, "severityNumber")), 13);
	assert_string_equal(str(row, "severityText"), "WARN");
	/* The item's own span, as traces have it. */
	assert_string_equal(str(row, "traceId"),
			    "b76cc38f0c13829c2a224ed1cc99b81c");
	assert_string_equal(str(row, "spanId"), "6fd27b2d214c0d57");
	assert_string_equal(str(json_object_get(row, "body"), "stringValue"),
			    "decision");
	assert_string_equal(text(row, "bulkhead.audit.index"), "4");
	assert_string_equal(text(row, "bulkhead.task"), "2");
	assert_string_equal(text(row, "bulkhead.span"), "7");
	assert_string_equal(text(row, "bulkhead.verdict"), "deny");
	assert_string_equal(text(row, "bulkhead.args"), "1");
	assert_true(json_is_true(attribute(row, "bulkhead.yes")));
	assert_null(attribute(row, "bulkhead.capability"));
	assert_null(attribute(row, "bulkhead.reason"));
	assert_null(attribute(row, "bulkhead.arg.0.to"));
	assert_null(attribute(row, "bulkhead.zone"));
	json_decref(j);
	j = log_of(decision, LOGS_FULL, &row);
	assert_string_equal(text(row, "bulkhead.capability"),
			    "words of a mail");
	assert_string_equal(text(row, "bulkhead.arg.0.to"), "lea@example.org");
	assert_string_equal(text(row, "bulkhead.zone"), "Not A Word");
	assert_null(attribute(row, "bulkhead.boot"));
	json_decref(j);
}

/* What is no record of ours is told of, and is no reason to stop. */
static void odd_logs(void **)
{
	static const char *const rows[] = {
		"",
		"[]",
		"{",
		"\xff",
		"{\"kind\":1,\"span\":-1,\"run\":2}",
		"{\"span\":9,\"run\":\"zz\",\"time\":\"then\"}",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const json_t *row;
		json_t *j = log_of(rows[i], LOGS_FULL, &row);

		assert_string_equal(str(row, "timeUnixNano"), "0");
		assert_null(json_object_get(row, "traceId"));
		json_decref(j);
	}
}

static void times(void **)
{
	static const struct {
		const char *text;
		uint64_t ns;
	} rows[] = {
		{ "1970-01-01T00:00:00.000000000Z", 0 },
		{ "1970-01-01T00:00:01.000000002Z", 1000000002 },
		{ "2026-11-22T07:30:00.5Z", UINT64_C(1795332600500000000) },
		{ "2026-11-22T07:30:00Z", 0 },
		{ "2026-11-22T07:30:00.1", 0 },
		{ "2026-11-22T07:30:00.1Zx", 0 },
		{ "2026-11-22T07:30:00.1234567890Z", 0 },
		{ "", 0 },
		{ "soon", 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(otlp_time_ns(rows[i].text), rows[i].ns);
}

static void severities(void **)
{
	static const struct {
		const char *record, *severity;
	} rows[] = {
		{ "{\"kind\":\"start\"}", "INFO" },
		{ "{\"kind\":\"kill\"}", "ERROR" },
		{ "{\"kind\":\"trip\"}", "ERROR" },
		{ "{\"kind\":\"rearm\"}", "WARN" },
		{ "{\"kind\":\"stop\",\"clean\":true}", "INFO" },
		{ "{\"kind\":\"stop\",\"clean\":false}", "ERROR" },
		{ "{\"kind\":\"decision\",\"verdict\":\"allow\"}", "INFO" },
		{ "{\"kind\":\"outcome\",\"outcome\":\"done\"}", "INFO" },
		{ "{\"kind\":\"outcome\",\"outcome\":\"unknown\"}", "ERROR" },
		{ "{\"kind\":\"item.done\",\"verdict\":\"read\"}", "INFO" },
		{ "{\"kind\":\"item.done\",\"verdict\":\"refused\"}", "WARN" },
		{ "{\"kind\":\"vm.fault\"}", "WARN" },
		{ "{\"kind\":\"core.restart\"}", "ERROR" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const json_t *row;
		json_t *j = log_of(rows[i].record, LOGS_KINDS, &row);

		assert_string_equal(str(row, "severityText"), rows[i].severity);
		json_decref(j);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(traces),	cmocka_unit_test(parents),
		cmocka_unit_test(metrics_body), cmocka_unit_test(logs),
		cmocka_unit_test(odd_logs),	cmocka_unit_test(times),
		cmocka_unit_test(severities),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
