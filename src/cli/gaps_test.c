/* Tests of gaps: a log as short lines, and what is found in it. */
#include "cli/gaps.h"

#include "base/buf.h"
#include "base/str.h"
#include "base/testing.h"

/*
 * A letter a record: S start, E stop, A an allowed decision, D a refused one, x
 * another; and with the number of a record behind: o its outcome, u an unknown
 * one, s the owner's word about it, O and U the same said again; with that of
 * an effect (which is that of the record that allowed it): n it was never
 * started. Then what may be wrong: J no JSON, K no kind, I a wrong index, M a
 * monotonic clock that goes back, B another boot (its clock begins anew), W a
 * wall clock that goes back.
 */
struct row {
	const char *log;
	bool live;
	const char *found;
};

static const struct row table[] = {
	{ "", false, "" },
	{ "SxAo2E", false, "" },
	{ "SDE", false, "" },
	{ "SAE", false, "no-outcome 1" },
	{ "SA", true, "open 1" },
	{ "SAESx", true, "no-outcome 1" },
	{ "SAEB", true, "no-outcome 1" },
	{ "SAo1o1E", false, "two-outcomes 3>1" },
	{ "SDo1E", false, "no-intent 2>1" },
	{ "So9E", false, "no-intent 1>9" },
	{ "Su1E", false, "no-intent 1>1" },
	{ "SAu1E", false, "unknown 2>1" },
	{ "SAo1O1E", false, "" },
	{ "SAO1E", false, "" },
	{ "SAO1O1E", false, "" },
	{ "SAO1o1E", false, "two-outcomes 3>1" },
	{ "SAo1U1E", false, "two-outcomes 3>1" },
	{ "SAu1U1E", false, "unknown 2>1" },
	{ "SAu1s1E", false, "unknown 2>1" },
	{ "SAu1s1s1E", false, "unknown 2>1, two-outcomes 4>1" },
	{ "SAo1s1E", false, "two-outcomes 3>1" },
	{ "SAn1E", false, "" },
	{ "SAn1o1E", false, "two-outcomes 3>1" },
	{ "SAAn1E", false, "no-outcome 2" },
	{ "Sn9E", false, "" },
	{ "SAAo2E", false, "no-outcome 1" },
	{ "SAAo2o1E", false, "" },
	{ "SxSE", false, "run-without-end 0>2" },
	{ "SxSx", false, "run-without-end 0>2, run-without-end 2" },
	{ "SxSx", true, "run-without-end 0>2" },
	{ "SIE", false, "index 1>7" },
	{ "SJKE", false, "not-a-record 1, not-a-record 2" },
	{ "SxMxE", false, "clock-back 2>1" },
	{ "SxBxE", false, "" },
	{ "SxWxE", false, "wall-back 2>1" },
};

static const char *kind_of(char c, bool outcome)
{
	return c == 'S'		      ? "start"
	       : c == 'E'	      ? "stop"
	       : c == 'A' || c == 'D' ? "decision"
	       : outcome	      ? "outcome"
				      : "x";
}

static const char *outcome_of(char c)
{
	return c == 'u' || c == 'U' ? "unknown"
	       : c == 's'	    ? "settled"
	       : c == 'n'	    ? "not-executed"
				    : "done";
}

/* When it was, and by which boot's clock. */
static void put_times(struct buf *b, char c, uint64_t index)
{
	buf_printf(b,
		   "\"time\":\"2026-01-01T00:00:%02lluZ\","
		   "\"mono_ns\":\"%llu\",\"boot\":\"%d\"",
		   (unsigned long long)(c == 'W' ? 0 : index + 10),
		   (unsigned long long)(c == 'M' || c == 'B' ? 1 : index + 10),
		   c == 'B');
}

static void put_record(struct buf *b, const char **at, uint64_t index)
{
	char c = *(*at)++;
	bool outcome = c && strchr("ouOUsn", c);
	unsigned of = outcome ? (unsigned)(*(*at)++ - '0') : 0;

	buf_reset(b);
	if (c == 'J') {
		buf_str(b, "words");
		return;
	}
	buf_printf(b, "{\"seq\":%llu,",
		   (unsigned long long)(c == 'I' ? 7 : index));
	put_times(b, c, index);
	buf_printf(b, ",\"verdict\":\"%s\",\"outcome\":\"%s\"",
		   c == 'A' ? "allow" : "deny", outcome_of(c));
	if (c == 'A' || c == 'n')
		buf_printf(b, ",\"effect\":%llu",
			   (unsigned long long)(c == 'A' ? index : of));
	else
		buf_printf(b, ",\"decision\":%u", of);
	if (c == 'O' || c == 'U')
		buf_str(b, ",\"again\":true");
	if (c != 'K')
		buf_printf(b, ",\"kind\":\"%s\"", kind_of(c, outcome));
	buf_str(b, "}");
}

static void put_found(struct buf *b, const struct gaps *g)
{
	const json_t *row, *also;
	size_t i;

	json_array_foreach(g->found, i, row)
	{
		also = json_object_get(row, "also");
		buf_printf(b, "%s%s %lld", i ? ", " : "",
			   json_string_value(json_object_get(row, "gap")),
			   (long long)json_integer_value(
				   json_object_get(row, "index")));
		if (also)
			buf_printf(b, ">%lld",
				   (long long)json_integer_value(also));
	}
}

static void rows(void **)
{
	CLEAN_BUF struct buf b, found;
	size_t i;

	buf_init(&b, 4096);
	buf_init(&found, 4096);
	for (i = 0; i < ARRAY_SIZE(table); i++) {
		const char *at = table[i].log;
		uint64_t index = 0;
		struct gaps g;

		gaps_init(&g);
		while (*at) {
			put_record(&b, &at, index);
			assert_int_equal(gaps_record(&g, index, buf_view(&b)),
					 0);
			index++;
		}
		assert_int_equal(gaps_end(&g, table[i].live), 0);
		buf_reset(&found);
		put_found(&found, &g);
		assert_string_equal(buf_cstr(&found), table[i].found);
		gaps_done(&g);
	}
}

/* Notes are no gaps; a walk that begins anew forgets the first one. */
static void counts(void **)
{
	static const char *const log = "SAu1E";
	CLEAN_BUF struct buf b;
	struct gaps g;
	int turn;

	buf_init(&b, 4096);
	gaps_init(&g);
	for (turn = 0; turn < 2; turn++) {
		const char *at = log;
		uint64_t index = 0;

		for (; *at; index++) {
			put_record(&b, &at, index);
			assert_int_equal(gaps_record(&g, index, buf_view(&b)),
					 0);
		}
	}
	assert_int_equal(gaps_end(&g, false), 0);
	assert_int_equal(json_array_size(g.found), 1);
	assert_int_equal(gaps_count(&g), 0);
	assert_int_equal(g.counts[GAP_NOTE_UNKNOWN], 1);
	gaps_done(&g);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(rows),
		cmocka_unit_test(counts),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
