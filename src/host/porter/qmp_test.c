/*
 * qmp_test: goal of this test: what QEMU 7.2 really says while a template is
 * saved and a clone is loaded is taken at every split, and every other answer,
 * event, order, length and number is a fault.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

#include "base/str.h"
#include "qmp.h"

#define STAMP "{\"timestamp\": {\"seconds\": 17, \"microseconds\": 6}, "
#define GREETING                                                               \
	"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, "    \
	"\"major\": 7}, \"package\": \"Debian\"}, \"capabilities\": "          \
	"[\"oob\"]}}\r\n"
#define RETURN	 "{\"return\": {}}\r\n"
#define EVENT(e) STAMP "\"event\": \"" e "\"}\r\n"
#define STATUS(s)                                                              \
	STAMP "\"event\": \"MIGRATION\", \"data\": {\"status\": \"" s "\"}}"   \
	      "\r\n"
#define PASS STAMP "\"event\": \"MIGRATION_PASS\", \"data\": {\"pass\": 1}}\r\n"

#define BEGUN GREETING RETURN RETURN

static const char saving[] = BEGUN RETURN STATUS("setup")
	RETURN PASS STATUS("active") EVENT("STOP") PASS STATUS("completed");
static const char loading[] = BEGUN STATUS("setup") RETURN STATUS("active")
	EVENT("RESUME") STATUS("completed");

static struct qmp q;

static void begin(enum qmp_task task)
{
	qmp_init(&q, task);
	qmp_began(&q);
	qmp_went(&q);
}

static int feed(const char *text)
{
	return qmp_feed(&q, span_str(text));
}

static void at_every_split(enum qmp_task task, const char *text)
{
	size_t n = strlen(text);
	size_t i;

	for (i = 0; i < n; i++) {
		begin(task);
		assert_int_equal(qmp_feed(&q, span_of(text, i)), 0);
		assert_false(qmp_done(&q));
		assert_int_equal(qmp_feed(&q, span_of(text + i, n - i)), 0);
		assert_true(qmp_done(&q));
	}
	begin(task);
	for (i = 0; i < n; i++)
		assert_int_equal(qmp_feed(&q, span_of(text + i, 1)), 0);
	assert_true(qmp_done(&q));
}

static void saves(void **)
{
	at_every_split(QMP_SAVE, saving);
}

static void loads(void **)
{
	at_every_split(QMP_LOAD, loading);
	assert_int_equal(feed(EVENT("SHUTDOWN")), 0);
	assert_true(qmp_done(&q));
}

/* A clone that waits: nothing but the first answers may come. */
static void waits(void **)
{
	qmp_init(&q, QMP_LOAD);
	qmp_began(&q);
	assert_int_equal(feed(BEGUN), 0);
	assert_int_equal(feed(STATUS("setup")), -1);
	qmp_init(&q, QMP_LOAD);
	qmp_began(&q);
	assert_int_equal(feed(BEGUN), 0);
	assert_int_equal(feed(RETURN), -1);
}

static void refuses(void **)
{
	static const struct {
		enum qmp_task task;
		const char *text;
		const char *detail;
	} rows[] = {
		{ QMP_LOAD, "\n", "not JSON" },
		{ QMP_LOAD, "[]\n", "not JSON" },
		{ QMP_LOAD, "{} {}\n", "not JSON" },
		{ QMP_LOAD, "{\"return\": 1, \"return\": 2}\n", "not JSON" },
		{ QMP_LOAD, "{}\n", "no answer" },
		{ QMP_LOAD, "{\"QMP\": 1}\n", "no answer" },
		{ QMP_LOAD, RETURN, "not asked" },
		{ QMP_LOAD, GREETING GREETING, "twice" },
		{ QMP_LOAD, BEGUN RETURN RETURN, "not asked" },
		{ QMP_SAVE, BEGUN RETURN RETURN RETURN, "not asked" },
		{ QMP_LOAD,
		  GREETING "{\"error\": {\"class\": \"GenericError\", "
			   "\"desc\": \"no \\u0007 such\"}}\r\n",
		  "QEMU refuses: no ? such" },
		{ QMP_LOAD, "{\"error\": {}}\n", "no reason" },
		{ QMP_LOAD, BEGUN STATUS("failed"), "loaded: failed" },
		{ QMP_SAVE, BEGUN STATUS("cancelled"), "saved: cancelled" },
		{ QMP_SAVE, BEGUN STATUS("active") STATUS("setup"),
		  "saved: setup" },
		{ QMP_SAVE, BEGUN STATUS("active") STATUS("active"),
		  "saved: active" },
		{ QMP_SAVE, BEGUN EVENT("MIGRATION"), "no status" },
		{ QMP_LOAD, BEGUN PASS, "saves a clone" },
		{ QMP_LOAD, BEGUN EVENT("STOP"), "stops the machine" },
		{ QMP_SAVE, BEGUN EVENT("RESUME"), "resumes the machine" },
		{ QMP_SAVE, BEGUN EVENT("STOP") EVENT("STOP"), "unasked" },
		{ QMP_LOAD, BEGUN EVENT("SHUTDOWN"), "out of turn: SHUTDOWN" },
		{ QMP_LOAD, BEGUN EVENT("RTC_CHANGE"), "out of turn: RTC" },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(rows[i].task);
		if (feed(rows[i].text) != -1 ||
		    !strstr(q.detail, rows[i].detail))
			fail_msg("row %zu: \"%s\"", i, q.detail);
		assert_false(qmp_done(&q));
		/* It sticks. */
		assert_int_equal(feed(loading), -1);
	}
}

static void nothing_after_the_end(void **)
{
	static const char *const rows[] = { RETURN,
					    PASS,
					    EVENT("STOP"),
					    EVENT("RESUME"),
					    STATUS("completed"),
					    GREETING };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		begin(QMP_LOAD);
		assert_int_equal(feed(loading), 0);
		assert_int_equal(feed(rows[i]), -1);
	}
}

/* Completed without STOP or RESUME, or with an answer missing: not done. */
static void incomplete(void **)
{
	begin(QMP_LOAD);
	assert_int_equal(feed(BEGUN RETURN STATUS("completed")), 0);
	assert_false(qmp_done(&q));
	begin(QMP_LOAD);
	assert_int_equal(feed(BEGUN EVENT("RESUME") STATUS("completed")), 0);
	assert_false(qmp_done(&q));
}

static void line_length(void **)
{
	static char line[QMP_LINE_MAX + 2];
	int n;

	for (n = QMP_LINE_MAX - 1; n <= QMP_LINE_MAX + 1; n++) {
		memset(line, ' ', (size_t)n);
		(void)str_copy(line, sizeof(line), SPAN_LIT("{\"QMP\":{}}"));
		line[10] = ' ';
		line[n] = '\n';
		begin(QMP_LOAD);
		assert_int_equal(qmp_feed(&q, span_of(line, (size_t)n + 1)),
				 n <= QMP_LINE_MAX ? 0 : -1);
	}
}

static void number_of_lines(void **)
{
	int i;

	begin(QMP_SAVE);
	assert_int_equal(feed(GREETING), 0);
	for (i = 1; i < QMP_LINES_MAX; i++)
		assert_int_equal(feed(PASS), 0);
	assert_int_equal(feed(PASS), -1);
	assert_non_null(strstr(q.detail, "lines"));
}

static void nesting(void **)
{
	char line[256];
	int depth;

	for (depth = QMP_DEPTH_MAX - 1; depth <= QMP_DEPTH_MAX + 1; depth++) {
		int inner = depth - 1;

		begin(QMP_LOAD);
		assert_int_equal(feed(GREETING), 0);
		(void)str_printf(line, sizeof(line),
				 "{\"return\":%.*s\"[[[[[[[[[[\\\"\"%.*s}\n",
				 inner, "[[[[[[[[[[", inner, "]]]]]]]]]]");
		assert_int_equal(feed(line), depth <= QMP_DEPTH_MAX ? 0 : -1);
	}
}

/* The commands, byte for byte: they are half of the protocol. */
static void commands(void **)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, 256);
	qmp_put_load(&b, 9);
	assert_string_equal(buf_cstr(&b),
			    "{\"execute\":\"migrate-incoming\","
			    "\"arguments\":{\"uri\":\"fd:9\"}}\n");
	assert_string_equal(qmp_save_text,
			    "{\"execute\":\"migrate\",\"arguments\":"
			    "{\"uri\":\"fd:saved\"}}\n");
	assert_string_equal(qmp_getfd_text,
			    "{\"execute\":\"getfd\",\"arguments\":"
			    "{\"fdname\":\"saved\"}}\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(saves),
		cmocka_unit_test(loads),
		cmocka_unit_test(waits),
		cmocka_unit_test(refuses),
		cmocka_unit_test(nothing_after_the_end),
		cmocka_unit_test(incomplete),
		cmocka_unit_test(line_length),
		cmocka_unit_test(number_of_lines),
		cmocka_unit_test(nesting),
		cmocka_unit_test(commands),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
