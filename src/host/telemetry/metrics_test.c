/* metrics_test: buckets, the two texts, what a sender replaces, every bound;
 * and that docs/telemetry.md knows each name. */
#include <jansson.h>
#include <stdlib.h>

#include "base/fd.h"
#include "base/str.h"
#include "base/testing.h"
#include "metrics.h"

static struct metrics m;
static struct m_samples in;

static void histogram_bounds(void **)
{
	size_t i;

	for (i = 0; i + 1 < HISTOGRAM_BUCKETS; i++) {
		struct histogram h = { 0 };
		uint64_t at = histogram_bound_ns(i);

		histogram_add(&h, at - 1);
		histogram_add(&h, at);
		histogram_add(&h, at + 1);
		assert_int_equal(h.buckets[i], 2);
		assert_int_equal(h.buckets[i + 1], 1);
		assert_int_equal(h.count, 3);
		assert_int_equal(h.sum_ns, 3 * at);
		/* Its text is that number of seconds. */
		assert_true(strtod(histogram_bound_text(i), NULL) * 1e9 ==
			    (double)at);
	}
}

static void sample(enum metric metric, const char *first, const char *second,
		   uint64_t value)
{
	in.rows[in.n++] = (struct m_sample){ (uint8_t)metric, span_str(first),
					     span_str(second), value };
}

static const char *text_of(const char *name)
{
	static char part[16384];
	char line[128];
	CLEAN_BUF struct buf b;
	const char *at;
	size_t n;

	buf_init(&b, 1 << 20);
	metrics_text(&m, &b);
	assert_true(buf_ok(&b));
	(void)str_printf(line, sizeof(line), "\n%s", name);
	at = strstr(buf_cstr(&b), line);
	part[0] = 0;
	if (!at)
		return part;
	n = strcspn(++at, "#");
	assert_true(n < sizeof(part));
	(void)str_copy(part, sizeof(part), span_of(at, n));
	return part;
}

static void text(void **)
{
	memset(&m, 0, sizeof(m));
	in = (struct m_samples){ .from = OBSERVER_MONITOR, .dropped = 5 };
	sample(METRIC_QUEUE_ITEMS, "a\"b\\c\nd", "waiting", 3);
	sample(METRIC_ITEMS, "read", NULL, UINT64_MAX);
	sample(METRIC_QUEUE_ITEMS, "\xff", "\xc3\xa9", 0);
	sample(METRIC_LATCH, NULL, NULL, 1);
	sample(METRIC_MAX, NULL, NULL, 1);
	sample(METRIC_NONE, NULL, NULL, 1);
	metrics_samples(&m, &in);
	assert_int_equal(m.n, 4);
	assert_string_equal(
		text_of("bulkhead_queue_items{"),
		"bulkhead_queue_items{source=\"a\\\"b\\\\c\\nd\","
		"state=\"waiting\"} 3\n"
		"bulkhead_queue_items{source=\"?\",state=\"\xc3\xa9\"} 0\n");
	assert_string_equal(text_of("bulkhead_items_total{"),
			    "bulkhead_items_total{verdict=\"read\"} "
			    "18446744073709551615\n");
	assert_string_equal(text_of("bulkhead_kill_latch 1"),
			    "bulkhead_kill_latch 1\n");
	assert_string_equal(
		text_of("bulkhead_telemetry_dropped_total{"),
		"bulkhead_telemetry_dropped_total{by=\"monitor\"} 5\n"
		"bulkhead_telemetry_dropped_total{by=\"broker\"} 0\n"
		"bulkhead_telemetry_dropped_total{by=\"queue\"} 0\n"
		"bulkhead_telemetry_dropped_total{by=\"collector\"} 0\n");
}

static void text_of_histogram(void **)
{
	struct m_span s = { .from = OBSERVER_BROKER,
			    .stage = STAGE_EFFECT,
			    .took_ns = 1500000 };

	memset(&m, 0, sizeof(m));
	metrics_span(&m, &s);
	s.took_ns = UINT64_C(301000000000);
	metrics_span(&m, &s);
	s.stage = STAGE_MAX;
	metrics_span(&m, &s);
	assert_int_equal(m.spans, 2);
	assert_non_null(
		strstr(text_of("bulkhead_stage_duration_seconds_bucket{"),
		       "{stage=\"effect\",le=\"0.001\"} 0\n"));
	assert_non_null(
		strstr(text_of("bulkhead_stage_duration_seconds_bucket{"),
		       "{stage=\"effect\",le=\"0.005\"} 1\n"));
	assert_non_null(
		strstr(text_of("bulkhead_stage_duration_seconds_bucket{"),
		       "{stage=\"effect\",le=\"+Inf\"} 2\n"
		       "bulkhead_stage_duration_seconds_sum{stage=\"effect\"} "
		       "301.001500000\n"
		       "bulkhead_stage_duration_seconds_count{stage=\"effect\"}"
		       " 2\n"));
}

/* All of a sender's are replaced, and nobody else's. */
static void replaced(void **)
{
	memset(&m, 0, sizeof(m));
	in = (struct m_samples){ .from = OBSERVER_MONITOR };
	sample(METRIC_LATCH, NULL, NULL, 0);
	sample(METRIC_ITEMS, "read", NULL, 1);
	metrics_samples(&m, &in);
	in = (struct m_samples){ .from = OBSERVER_BROKER };
	sample(METRIC_EFFECTS, "done", NULL, 1);
	metrics_samples(&m, &in);
	assert_int_equal(m.n, 3);
	in = (struct m_samples){ .from = OBSERVER_MONITOR };
	sample(METRIC_LATCH, NULL, NULL, 1);
	metrics_samples(&m, &in);
	assert_int_equal(m.n, 2);
	assert_string_equal(text_of("bulkhead_kill_latch 1"),
			    "bulkhead_kill_latch 1\n");
	assert_string_equal(text_of("bulkhead_effects_total{"),
			    "bulkhead_effects_total{state=\"done\"} 1\n");
	in = (struct m_samples){ .from = OBSERVER_MAX };
	sample(METRIC_LATCH, NULL, NULL, 1);
	metrics_samples(&m, &in);
	assert_int_equal(m.n, 2);
}

static void bounded(void **)
{
	unsigned from;

	memset(&m, 0, sizeof(m));
	for (from = OBSERVER_MONITOR; from < OBSERVER_MAX; from++) {
		in = (struct m_samples){ .from = (uint8_t)from };
		while (in.n < LIMIT_SAMPLES)
			sample(METRIC_ITEMS, "x", NULL, 1);
		metrics_samples(&m, &in);
	}
	assert_int_equal(m.n, METRICS_ROWS);
	m.rows[METRICS_ROWS - 1].from = OBSERVER_MONITOR;
	in.from = OBSERVER_BROKER;
	metrics_samples(&m, &in);
	assert_int_equal(m.n, METRICS_ROWS);
}

static void json(void **)
{
	const json_t *list, *family;
	CLEAN_BUF struct buf b;
	json_t *all;
	size_t i;

	buf_init(&b, 1 << 20);
	memset(&m, 0, sizeof(m));
	in = (struct m_samples){ .from = OBSERVER_MONITOR };
	sample(METRIC_QUEUE_ITEMS, "a\"\n\x01\xff", "waiting", 3);
	sample(METRIC_QUEUE_ITEMS, "b", "waiting", 4);
	metrics_samples(&m, &in);
	metrics_json(&m, &b);
	assert_true(buf_ok(&b));
	all = json_loadb((const char *)b.p, b.n, JSON_REJECT_DUPLICATES, NULL);
	assert_non_null(all);
	list = json_object_get(all, "metrics");
	family = json_array_get(list, 0);
	assert_string_equal(json_string_value(json_object_get(family, "name")),
			    "bulkhead_queue_items");
	assert_int_equal(json_array_size(json_object_get(family, "samples")),
			 2);
	json_array_foreach(list, i, family)
	{
		assert_true(
			json_string_length(json_object_get(family, "help")));
		assert_true(
			json_array_size(json_object_get(family, "samples")));
	}
	json_decref(all);
}

static void check_name(void *arg, const struct point *p)
{
	char want[128];

	(void)str_printf(want, sizeof(want), "`%s`", p->name);
	if (!strstr(arg, want))
		fail_msg("docs/telemetry.md does not have %s", p->name);
}

static void documented(void **)
{
	const char *path = getenv("BULKHEAD_TELEMETRY_MD");
	static char doc[64 << 10];
	unsigned i;
	FILE *f;

	assert_non_null(path);
	f = fopen(path, "r");
	assert_non_null(f);
	assert_true(fread(doc, 1, sizeof(doc) - 1, f) > 0);
	(void)fclose(f);
	memset(&m, 0, sizeof(m));
	metrics_each(&m, check_name, doc);
	for (i = METRIC_NONE + 1; i < METRIC_MAX; i++)
		check_name(doc, &(struct point){ .name = metric_row(i)->name });
	for (i = STAGE_NONE + 1; i < STAGE_MAX; i++)
		check_name(doc, &(struct point){ .name = stage_name(i) });
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(histogram_bounds),  cmocka_unit_test(text),
		cmocka_unit_test(text_of_histogram), cmocka_unit_test(replaced),
		cmocka_unit_test(bounded),	     cmocka_unit_test(json),
		cmocka_unit_test(documented),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
