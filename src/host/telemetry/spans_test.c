/* spans_test: the ring at its bounds, ids, and when the collector is asked
 * again. */
#include "base/testing.h"
#include "retry.h"
#include "spans.h"

static void put(struct spans *s, uint64_t number)
{
	static struct msg m = { .type = MSG_SPAN };

	m.span = (struct m_span){ .stage = STAGE_ITEM,
				  .number = number,
				  .name = SPAN_LIT("inbox") };
	spans_put(s, &m);
}

static void ring(void **)
{
	struct spans s;
	uint64_t i;

	assert_int_equal(spans_init(&s, 4), 0);
	for (i = 1; i <= 4; i++)
		put(&s, i);
	assert_int_equal(s.n, 4);
	assert_int_equal(s.dropped, 0);
	put(&s, 5);
	assert_int_equal(s.n, 4);
	assert_int_equal(s.dropped, 1);
	assert_int_equal(spans_at(&s, 0)->m.number, 1);
	assert_int_equal(spans_at(&s, 3)->m.number, 4);
	spans_drop(&s, 3);
	for (i = 6; i <= 8; i++)
		put(&s, i);
	assert_int_equal(s.n, 4);
	assert_int_equal(spans_at(&s, 0)->m.number, 4);
	assert_int_equal(spans_at(&s, 3)->m.number, 8);
	assert_string_equal(spans_at(&s, 3)->name, "inbox");
	spans_drop(&s, 99);
	assert_int_equal(s.n, 0);
	spans_done(&s);
}

static void texts_are_cut(void **)
{
	static struct msg m = { .type = MSG_SPAN };
	static char name[SPAN_TEXT + 2];
	struct spans s;
	size_t n;

	memset(name, 'x', sizeof(name));
	assert_int_equal(spans_init(&s, 3), 0);
	for (n = SPAN_TEXT - 2; n <= SPAN_TEXT; n++) {
		m.span.name = span_of(name, n);
		m.span.what = SPAN_LIT("a\0b");
		spans_put(&s, &m);
	}
	assert_int_equal(strlen(spans_at(&s, 0)->name), SPAN_TEXT - 2);
	assert_int_equal(strlen(spans_at(&s, 1)->name), SPAN_TEXT - 1);
	assert_int_equal(strlen(spans_at(&s, 2)->name), SPAN_TEXT - 1);
	assert_string_equal(spans_at(&s, 0)->what, "");
	spans_done(&s);
}

/* Each part of what an id stands for makes another id. */
static void ids(void **)
{
	static const uint8_t run[MSG_RUN] = { 1 }, other[MSG_RUN] = { 2 };
	uint8_t a[SPAN_ID], b[SPAN_ID], t[TRACE_ID], u[TRACE_ID];

	span_id(a, run, 7, STAGE_READER, 1);
	span_id(b, run, 7, STAGE_READER, 1);
	assert_memory_equal(a, b, SPAN_ID);
	span_id(b, other, 7, STAGE_READER, 1);
	assert_memory_not_equal(a, b, SPAN_ID);
	span_id(b, run, 8, STAGE_READER, 1);
	assert_memory_not_equal(a, b, SPAN_ID);
	span_id(b, run, 7, STAGE_PLANNER, 1);
	assert_memory_not_equal(a, b, SPAN_ID);
	span_id(b, run, 7, STAGE_READER, 2);
	assert_memory_not_equal(a, b, SPAN_ID);
	span_trace_id(t, run, 7);
	span_trace_id(u, run, 8);
	assert_memory_not_equal(t, u, TRACE_ID);
	span_trace_id(u, other, 7);
	assert_memory_not_equal(t, u, TRACE_ID);
}

static void judged(void **)
{
	static const struct {
		int status;
		enum post_result result;
	} rows[] = {
		{ 0, POST_RETRY },     { 199, POST_REFUSED },
		{ 200, POST_OK },      { 202, POST_OK },
		{ 299, POST_OK },      { 300, POST_REFUSED },
		{ 400, POST_REFUSED }, { 401, POST_REFUSED },
		{ 404, POST_REFUSED }, { 428, POST_REFUSED },
		{ 429, POST_RETRY },   { 430, POST_REFUSED },
		{ 500, POST_REFUSED }, { 501, POST_REFUSED },
		{ 502, POST_RETRY },   { 503, POST_RETRY },
		{ 504, POST_RETRY },   { 505, POST_REFUSED },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(retry_judge(rows[i].status), rows[i].result);
}

static void pauses(void **)
{
	struct retry r = { 0 };
	uint64_t want = RETRY_FIRST_MS;
	int i;

	for (i = 0; i < 20; i++) {
		struct retry least = r, most = r;

		retry_more(&least, 5, 0, 0);
		retry_more(&most, 5, 0, (uint32_t)(want / 2));
		assert_int_equal(least.until_ms, 5 + want / 2);
		assert_int_equal(most.until_ms, 5 + want / 2 + want / 2);
		retry_more(&r, 5, 0, UINT32_MAX);
		assert_in_range(r.until_ms, 5 + want / 2, 5 + want);
		want = 2 * want > RETRY_MOST_MS ? RETRY_MOST_MS : 2 * want;
	}
	assert_int_equal(r.failures, 20);
	retry_clear(&r);
	assert_int_equal(r.failures, 0);
	assert_int_equal(r.until_ms, 0);
}

static void asked_for(void **)
{
	static const struct {
		uint64_t asked_s, pause_ms;
	} rows[] = {
		{ 0, RETRY_FIRST_MS / 2 },
		{ 1, 1000 },
		{ 7, 7000 },
		{ RETRY_ASKED_MOST_S - 1,
		  (RETRY_ASKED_MOST_S - 1) * UINT64_C(1000) },
		{ RETRY_ASKED_MOST_S, RETRY_ASKED_MOST_S * UINT64_C(1000) },
		{ RETRY_ASKED_MOST_S + 1, RETRY_ASKED_MOST_S * UINT64_C(1000) },
		{ UINT32_MAX, RETRY_ASKED_MOST_S * UINT64_C(1000) },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct retry r = { 0 };

		retry_more(&r, 100, rows[i].asked_s, 0);
		assert_int_equal(r.until_ms, 100 + rows[i].pause_ms);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(ring),	  cmocka_unit_test(texts_are_cut),
		cmocka_unit_test(ids),	  cmocka_unit_test(judged),
		cmocka_unit_test(pauses), cmocka_unit_test(asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
