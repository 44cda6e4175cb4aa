/* note_test: notes come back as they went, and nothing else is one. */
#include "base/testing.h"

#include <stdlib.h>

#include "host/broker/note.h"
#include "proto/limits.h"

static const struct note sample = { .kept_s = 0x0102030405060708,
				    .task = 9,
				    .integrity = INTEGRITY_OWNER,
				    .bits = 12,
				    .label = { (const uint8_t *)"label", 5 },
				    .text = { (const uint8_t *)"t\u00e9xt",
					      5 } };

static void test_round(void **)
{
	struct note n;
	CLEAN_BUF struct buf b;
	size_t i;

	buf_init(&b, NOTE_MAX);
	note_encode(&b, &sample);
	assert_int_equal(note_decode(buf_view(&b), &n), 0);
	assert_int_equal(n.kept_s, sample.kept_s);
	assert_int_equal(n.task, 9);
	assert_int_equal(n.integrity, INTEGRITY_OWNER);
	assert_int_equal(n.bits, 12);
	assert_true(span_eq(n.label, sample.label));
	assert_true(span_eq(n.text, sample.text));
	for (i = 0; i < b.n; i++)
		assert_int_equal(note_decode(span_of(b.p, i), &n), -1);
	buf_u8(&b, 0);
	assert_int_equal(note_decode(buf_view(&b), &n), -1);
}

static void test_refused(void **)
{
	struct note n = sample, got;
	CLEAN_BUF struct buf b;

	buf_init(&b, NOTE_MAX);
	note_encode(&b, &n);
	b.p[0]++;
	assert_int_equal(note_decode(buf_view(&b), &got), -1);
	b.p[0]--;
	b.p[1] = INTEGRITY_MAX;
	assert_int_equal(note_decode(buf_view(&b), &got), -1);
	b.p[1] = INTEGRITY_CONFIG;
	assert_int_equal(note_decode(buf_view(&b), &got), 0);
	b.p[b.n - 1] = 0xff;
	assert_int_equal(note_decode(buf_view(&b), &got), -1);
}

/* The longest that a row has room for. */
static void test_largest(void **)
{
	struct note n = sample, got;
	uint8_t *big = calloc(1, NOTE_LABEL_MAX + 1);
	CLEAN_BUF struct buf b, more;

	buf_init(&b, NOTE_MAX);
	buf_init(&more, LIMIT_ROW + LIMIT_ROW);
	assert_non_null(big);
	memset(big, 'x', NOTE_LABEL_MAX + 1);
	n.label = span_of(big, NOTE_LABEL_MAX);
	n.text = span_of(big, MEMORY_TEXT_MAX);
	note_encode(&b, &n);
	assert_true(buf_ok(&b) && b.n <= LIMIT_ROW);
	assert_int_equal(note_decode(buf_view(&b), &got), 0);
	n.text.n++;
	note_encode(&more, &n);
	assert_int_equal(note_decode(buf_view(&more), &got), -1);
	n.text.n--;
	n.label.n++;
	buf_cut(&more, 0);
	note_encode(&more, &n);
	assert_int_equal(note_decode(buf_view(&more), &got), -1);
	free(big);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_round),
		cmocka_unit_test(test_refused),
		cmocka_unit_test(test_largest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
