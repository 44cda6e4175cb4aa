/* record_test: canonical form, what is refused, limits; jansson agrees. */
#include "record.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <jansson.h>
#include <stdlib.h>

static const struct record_stamp stamp = {
	.seq = 7,
	.wall_ns = UINT64_C(1700000000123456789),
	.mono_ns = UINT64_C(9007199254740993),
	.boot = { (const uint8_t *)"b-1", 3 },
};

static const struct msg_ids ids = { .run = { 0xab, 1 }, .task = 3, .span = 4 };

static const char *write_it(struct buf *b, const struct m_audit *a)
{
	return record_write(b, &stamp, &ids, a);
}

static void golden(void **state)
{
	static const char want[] =
		"{\"a\":\"\\b\\t\\n\\f\\r\\u0001\\u000b\\u001f\\\"\\\\/"
		"\x7f\xc3\xa9\","
		"\"boot\":\"b-1\",\"kind\":\"decision\","
		"\"mono_ns\":\"9007199254740993\",\"n\":9007199254740991,"
		"\"run\":\"ab010000000000000000000000000000\",\"seq\":7,"
		"\"span\":4,\"task\":3,"
		"\"time\":\"2023-11-14T22:13:20.123456789Z\",\"yes\":true,"
		"\"z\":false}";
	static struct m_audit a;
	struct buf b;

	(void)state;
	a = (struct m_audit){ .kind = SPAN_LIT("decision"), .n = 4 };
	a.fields[0] = (struct m_audit_field){ .key = SPAN_LIT("z"),
					      .type = AUDIT_BOOL };
	a.fields[1] = (struct m_audit_field){
		.key = SPAN_LIT("a"),
		.type = AUDIT_STR,
		.text = SPAN_LIT("\b\t\n\f\r\1\v\x1f\"\\/\x7f\xc3\xa9")
	};
	a.fields[2] = (struct m_audit_field){ .key = SPAN_LIT("n"),
					      .type = AUDIT_INT,
					      .number = (1ULL << 53) - 1 };
	a.fields[3] = (struct m_audit_field){ .key = SPAN_LIT("yes"),
					      .type = AUDIT_BOOL,
					      .number = 1 };
	buf_init(&b, 1 << 20);
	assert_null(write_it(&b, &a));
	assert_string_equal(buf_cstr(&b), want);
	buf_done(&b);
}

static void refused(void **state)
{
	const struct {
		const char *kind;
		struct m_audit_field f[2];
		uint32_t n;
		bool ok;
	} rows[] = {
		{ "start", { { { 0 } } }, 0, true },
		{ "", { { { 0 } } }, 0, false },
		{ "Start", { { { 0 } } }, 0, false },
		{ "a b", { { { 0 } } }, 0, false },
		{ "k", { { SPAN_LIT("a"), AUDIT_INT, 1, { 0 } } }, 1, true },
		{ "k", { { SPAN_LIT(""), AUDIT_INT, 1, { 0 } } }, 1, false },
		{ "k", { { SPAN_LIT("A"), AUDIT_INT, 1, { 0 } } }, 1, false },
		{ "k", { { SPAN_LIT("a"), 0, 1, { 0 } } }, 1, false },
		{ "k", { { SPAN_LIT("a"), 4, 1, { 0 } } }, 1, false },
		{ "k", { { SPAN_LIT("a"), AUDIT_BOOL, 2, { 0 } } }, 1, false },
		{ "k",
		  { { SPAN_LIT("a"), AUDIT_INT, 1ULL << 53, { 0 } } },
		  1,
		  false },
		{ "k",
		  { { SPAN_LIT("a"), AUDIT_STR, 0, SPAN_LIT("\xff") } },
		  1,
		  false },
		{ "k",
		  { { SPAN_LIT("a"), AUDIT_STR, 0, SPAN_LIT("\xed\xa0\x80") } },
		  1,
		  false },
		{ "k",
		  { { SPAN_LIT("a"), AUDIT_INT, 1, { 0 } },
		    { SPAN_LIT("a"), AUDIT_INT, 2, { 0 } } },
		  2,
		  false },
		{ "k",
		  { { SPAN_LIT("a"), AUDIT_INT, 1, { 0 } },
		    { SPAN_LIT("ab"), AUDIT_INT, 2, { 0 } } },
		  2,
		  true },
		{ "k", { { SPAN_LIT("seq"), AUDIT_INT, 1, { 0 } } }, 1, false },
		{ "k",
		  { { SPAN_LIT("time"), AUDIT_INT, 1, { 0 } } },
		  1,
		  false },
		{ "k",
		  { { SPAN_LIT("kind"), AUDIT_INT, 1, { 0 } } },
		  1,
		  false },
	};
	static struct m_audit a;
	struct buf b;
	size_t i;

	(void)state;
	buf_init(&b, 1 << 20);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		a.kind = span_str(rows[i].kind);
		a.n = rows[i].n;
		memcpy(a.fields, rows[i].f, sizeof(rows[i].f));
		buf_reset(&b);
		assert_int_equal(write_it(&b, &a) == NULL, rows[i].ok);
		assert_int_equal(b.n > 0, rows[i].ok);
	}
	buf_done(&b);
}

/* As many fields as allowed; a record at, below and over the size limit. */
static void limits(void **state)
{
	static char keys[LIMIT_AUDIT_FIELDS][8];
	static uint8_t text[LIMIT_AUDIT_RECORD];
	static struct m_audit a;
	struct buf b;
	size_t base;
	uint32_t i;

	(void)state;
	buf_init(&b, 1 << 20);
	a.kind = SPAN_LIT("k");
	a.n = LIMIT_AUDIT_FIELDS;
	for (i = 0; i < a.n; i++) {
		keys[i][0] = (char)('a' + i / 26);
		keys[i][1] = (char)('a' + i % 26);
		a.fields[i] = (struct m_audit_field){ .key = span_str(keys[i]),
						      .type = AUDIT_INT };
	}
	assert_null(write_it(&b, &a));
	a.n++;
	assert_non_null(write_it(&b, &a));
	a.n = 1;
	a.fields[0].type = AUDIT_STR;
	memset(text, 'x', sizeof(text));
	buf_reset(&b);
	assert_null(write_it(&b, &a));
	base = b.n;
	for (i = 0; i < 3; i++) {
		a.fields[0].text =
			span_of(text, LIMIT_AUDIT_RECORD - base + i - 1);
		buf_reset(&b);
		assert_int_equal(write_it(&b, &a) == NULL, i < 2);
		if (i < 2)
			assert_int_equal(b.n, LIMIT_AUDIT_RECORD + i - 1);
	}
	buf_done(&b);
}

/* Whatever the texts hold, another reader reads the same. */
static void round_trip(void **state)
{
	static struct m_audit a;
	uint32_t seed = 12345;
	struct buf b;
	int round;

	(void)state;
	buf_init(&b, 1 << 20);
	for (round = 0; round < 2000; round++) {
		uint8_t text[12];
		json_t *json;
		size_t i;

		for (i = 0; i < sizeof(text); i++) {
			seed = seed * 1664525 + 1013904223;
			text[i] = (uint8_t)(seed >> 24) & 0x7f;
		}
		text[3] = 0xc3;
		text[4] = 0x80 | (text[4] & 0x3f);
		a = (struct m_audit){ .kind = SPAN_LIT("k"), .n = 1 };
		a.fields[0] =
			(struct m_audit_field){ .key = SPAN_LIT("t"),
						.type = AUDIT_STR,
						.text = span_of(text,
								sizeof(text)) };
		buf_reset(&b);
		assert_null(write_it(&b, &a));
		json = json_loadb((const char *)b.p, b.n,
				  JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL,
				  NULL);
		assert_non_null(json);
		assert_int_equal(json_object_size(json), 9);
		assert_int_equal(json_string_length(json_object_get(json, "t")),
				 sizeof(text));
		assert_memory_equal(
			json_string_value(json_object_get(json, "t")), text,
			sizeof(text));
		json_decref(json);
	}
	buf_done(&b);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(golden),
		cmocka_unit_test(refused),
		cmocka_unit_test(limits),
		cmocka_unit_test(round_trip),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
