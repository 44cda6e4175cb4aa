/*
 * wire_test: the wire's bytes against a golden dump, the parser at every
 * split, every limit at, one below and one above, and the handshake with each
 * thing wrong that can be wrong.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include "base/str.h"
#include "proto/wire.h"

static void make_hello(struct wire_hello *h)
{
	*h = (struct wire_hello){
		.version = WIRE_VERSION,
		.workload = WIRE_READER_EMAIL,
		.wall_ns = 0x0102030405060708,
	};
	memset(h->random, 0xaa, sizeof(h->random));
	memset(h->key, 0xbb, sizeof(h->key));
}

static struct span payload_of(const struct buf *b)
{
	return span_of(b->p + WIRE_HEAD, b->n - WIRE_HEAD);
}

/* The MAC was made by Python's hmac over label, 0100 and the payload. */
static void test_golden(void **)
{
	static const char hello_hex[] = "4c00000001000000"
					"01000100"
					"0807060504030201"
					"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
					"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
					"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
					"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
	static const char ack_hex[] = "2200000002000000"
				      "0100"
				      "fffff0258609a57b62859cbd5b6584a1"
				      "7b29f4c0b73ab7ebff599958fba31a93";
	char hex[400];
	struct wire_hello h;
	struct buf b, a;

	make_hello(&h);
	buf_init(&b, 1024);
	buf_init(&a, 1024);
	wire_hello_put(&b, &h);
	assert_int_equal(b.n, WIRE_HEAD + WIRE_HELLO_LEN);
	hex_encode(hex, b.p, b.n);
	assert_string_equal(hex, hello_hex);
	wire_ack_put(&a, h.key, payload_of(&b));
	assert_int_equal(a.n, WIRE_HEAD + WIRE_ACK_LEN);
	hex_encode(hex, a.p, a.n);
	assert_string_equal(hex, ack_hex);
	buf_done(&a);
	buf_done(&b);
}

static void test_hello(void **)
{
	struct wire_hello h, got;
	struct buf b;
	size_t n;

	make_hello(&h);
	buf_init(&b, 1024);
	wire_hello_put(&b, &h);
	assert_int_equal(wire_hello_get(payload_of(&b), &got), WIRE_OK);
	assert_memory_equal(&got, &h, sizeof(h));
	for (n = 0; n < WIRE_HELLO_LEN; n++)
		assert_int_equal(wire_hello_get(span_of(b.p + 8, n), &got),
				 WIRE_BAD_PAYLOAD);
	buf_u8(&b, 0);
	assert_int_equal(wire_hello_get(payload_of(&b), &got),
			 WIRE_BAD_PAYLOAD);
	buf_done(&b);
}

static void test_hello_fields(void **)
{
	static const struct {
		uint16_t version;
		uint8_t workload, zero;
		enum wire_fault want;
	} rows[] = {
		{ WIRE_VERSION, WIRE_READER_EMAIL, 0, WIRE_OK },
		{ WIRE_VERSION, WIRE_WORKLOAD_MAX - 1, 0, WIRE_OK },
		{ WIRE_VERSION, WIRE_WORKLOAD_MAX, 0, WIRE_BAD_PAYLOAD },
		{ WIRE_VERSION, 0, 0, WIRE_BAD_PAYLOAD },
		{ WIRE_VERSION, 255, 0, WIRE_BAD_PAYLOAD },
		{ WIRE_VERSION, WIRE_PROBE, 1, WIRE_BAD_PAYLOAD },
		{ WIRE_VERSION - 1, WIRE_PROBE, 0, WIRE_BAD_VERSION },
		{ WIRE_VERSION + 1, WIRE_PROBE, 0, WIRE_BAD_VERSION },
		{ WIRE_VERSION | 0x100, WIRE_PROBE, 0, WIRE_BAD_VERSION },
	};
	struct wire_hello h, got;
	struct buf b;
	size_t i;

	buf_init(&b, 1024);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		make_hello(&h);
		h.version = rows[i].version;
		h.workload = rows[i].workload;
		h.zero = rows[i].zero;
		buf_reset(&b);
		wire_hello_put(&b, &h);
		assert_int_equal(wire_hello_get(payload_of(&b), &got),
				 rows[i].want);
	}
	buf_done(&b);
}

/* Every single bit of key, HELLO or ACK that differs is noticed. */
static void test_ack_bits(void **)
{
	struct wire_hello h;
	struct buf b, a;
	uint8_t key[WIRE_KEY];
	size_t i;

	make_hello(&h);
	memcpy(key, h.key, sizeof(key));
	buf_init(&b, 1024);
	buf_init(&a, 1024);
	wire_hello_put(&b, &h);
	wire_ack_put(&a, key, payload_of(&b));
	assert_int_equal(wire_ack_check(payload_of(&a), key, payload_of(&b)),
			 WIRE_OK);
	for (i = 0; i < 8 * sizeof(key); i++) {
		key[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(
			wire_ack_check(payload_of(&a), key, payload_of(&b)),
			WIRE_BAD_MAC);
		key[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = (size_t)8 * WIRE_HEAD; i < 8 * b.n; i++) {
		b.p[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(
			wire_ack_check(payload_of(&a), key, payload_of(&b)),
			WIRE_BAD_MAC);
		b.p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	for (i = (size_t)8 * WIRE_HEAD; i < 8 * a.n; i++) {
		enum wire_fault want =
			i / 8 < WIRE_HEAD + 2 ? WIRE_BAD_VERSION : WIRE_BAD_MAC;

		a.p[i / 8] ^= (uint8_t)(1 << i % 8);
		assert_int_equal(
			wire_ack_check(payload_of(&a), key, payload_of(&b)),
			want);
		a.p[i / 8] ^= (uint8_t)(1 << i % 8);
	}
	buf_done(&a);
	buf_done(&b);
}

static void test_ack_length(void **)
{
	uint8_t key[WIRE_KEY] = { 0 };
	struct buf a;
	size_t n;

	buf_init(&a, 1024);
	wire_ack_put(&a, key, SPAN_LIT("hello"));
	for (n = 0; n < WIRE_ACK_LEN; n++)
		assert_int_equal(wire_ack_check(span_of(a.p + WIRE_HEAD, n),
						key, SPAN_LIT("hello")),
				 WIRE_BAD_PAYLOAD);
	buf_u8(&a, 0);
	assert_int_equal(wire_ack_check(payload_of(&a), key, SPAN_LIT("hello")),
			 WIRE_BAD_PAYLOAD);
	buf_done(&a);
}

static void test_exit(void **)
{
	static const struct {
		uint8_t kind;
		uint32_t status;
		enum wire_fault want;
	} rows[] = {
		{ WIRE_EXIT_CODE, 0, WIRE_OK },
		{ WIRE_EXIT_CODE, 255, WIRE_OK },
		{ WIRE_EXIT_CODE, 256, WIRE_BAD_PAYLOAD },
		{ WIRE_EXIT_SIGNALLED, 31, WIRE_OK },
		{ 2, 0, WIRE_BAD_PAYLOAD },
		{ 255, 0, WIRE_BAD_PAYLOAD },
	};
	struct buf b;
	size_t i;

	buf_init(&b, 64);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		struct wire_exit e = { rows[i].kind, rows[i].status }, got;

		buf_reset(&b);
		wire_exit_put(&b, &e);
		assert_int_equal(wire_exit_get(payload_of(&b), &got),
				 rows[i].want);
		if (rows[i].want != WIRE_OK)
			continue;
		assert_int_equal(got.kind, e.kind);
		assert_int_equal(got.status, e.status);
	}
	assert_int_equal(
		wire_exit_get(span_of(b.p + 8, 4), &(struct wire_exit){ 0 }),
		WIRE_BAD_PAYLOAD);
	buf_done(&b);
}

/* Feeds one piece and appends "type/service/length:sum " of each frame. */
static void feed(struct wire_in *in, struct span piece, struct buf *events)
{
	struct wire_frame f;
	int r;

	while ((r = wire_in_next(in, &piece, &f)) == 1) {
		unsigned int sum = 0;
		size_t i;

		for (i = 0; i < f.payload.n; i++)
			sum = sum * 31 + f.payload.p[i];
		buf_printf(events, "%d/%d/%zu:%u ", (int)f.type, (int)f.service,
			   f.payload.n, sum);
	}
	if (r == 0)
		assert_int_equal(piece.n, 0);
	else
		buf_printf(events, "%s", wire_fault_name(in->fault));
}

static void parse_cut(struct span s, size_t cut, struct buf *events)
{
	struct wire_in in;

	assert_int_equal(wire_in_init(&in), 0);
	feed(&in, span_of(s.p, cut), events);
	if (in.fault == WIRE_OK)
		feed(&in, span_of(s.p + cut, s.n - cut), events);
	wire_in_done(&in);
}

static void parse_bytewise(struct span s, struct buf *events)
{
	struct wire_in in;
	size_t i;

	assert_int_equal(wire_in_init(&in), 0);
	for (i = 0; i < s.n && in.fault == WIRE_OK; i++)
		feed(&in, span_of(s.p + i, 1), events);
	wire_in_done(&in);
}

static void check_all_splits(struct span s, const char *want)
{
	struct buf events;
	size_t cut;

	buf_init(&events, 4096);
	for (cut = 0; cut <= s.n; cut++) {
		buf_reset(&events);
		parse_cut(s, cut, &events);
		assert_string_equal(buf_cstr(&events), want);
	}
	buf_reset(&events);
	parse_bytewise(s, &events);
	assert_string_equal(buf_cstr(&events), want);
	buf_done(&events);
}

static void test_every_split(void **)
{
	struct buf b;

	buf_init(&b, 4096);
	wire_put(&b, WIRE_READY, WIRE_CONTROL, span_of(NULL, 0));
	wire_put(&b, WIRE_DATA, WIRE_READER, SPAN_LIT("abc"));
	wire_put(&b, WIRE_LOG, WIRE_LOGS, SPAN_LIT("x"));
	wire_put(&b, WIRE_DATA, WIRE_MCP, SPAN_LIT("{}\n"));
	wire_put(&b, WIRE_END, WIRE_READER, span_of(NULL, 0));
	wire_exit_put(&b, &(struct wire_exit){ WIRE_EXIT_CODE, 1 });
	assert_true(buf_ok(&b));
	check_all_splits(buf_view(&b), "3/0/0:0 4/1/3:96354 6/3/1:120 "
				       "4/2/3:122088 5/1/0:0 7/0/5:29791 ");
	/* a fault ends it, whatever comes behind */
	buf_put(&b, "\0\0\0\0\x63\0\0\0", 8);
	wire_put(&b, WIRE_DATA, WIRE_READER, SPAN_LIT("abc"));
	check_all_splits(buf_view(&b), "3/0/0:0 4/1/3:96354 6/3/1:120 "
				       "4/2/3:122088 5/1/0:0 7/0/5:29791 "
				       "bad-type");
	buf_done(&b);
}

/* One head alone; 1: the frame, 0: wants the payload, else -fault. */
static int head_result(uint32_t len, uint8_t type, uint8_t service,
		       uint16_t zero)
{
	struct wire_frame f;
	struct wire_in in;
	struct span s;
	struct buf b;
	int r;

	assert_int_equal(wire_in_init(&in), 0);
	buf_init(&b, 64);
	buf_u32(&b, len);
	buf_u8(&b, type);
	buf_u8(&b, service);
	buf_u16(&b, zero);
	s = buf_view(&b);
	r = wire_in_next(&in, &s, &f);
	if (r < 0) {
		r = -(int)in.fault;
		/* it sticks */
		s = buf_view(&b);
		assert_int_equal(wire_in_next(&in, &s, &f), -1);
		assert_int_equal(-(int)in.fault, r);
	}
	buf_done(&b);
	wire_in_done(&in);
	return r;
}

static void test_heads(void **)
{
	static const struct {
		uint32_t len;
		uint8_t type, service;
		uint16_t zero;
		int want;
	} rows[] = {
		{ LIMIT_WIRE_FRAME - 1, WIRE_DATA, WIRE_MCP, 0, 0 },
		{ LIMIT_WIRE_FRAME, WIRE_DATA, WIRE_MCP, 0, 0 },
		{ LIMIT_WIRE_FRAME + 1, WIRE_DATA, WIRE_MCP, 0,
		  -WIRE_BAD_LENGTH },
		{ UINT32_MAX, WIRE_DATA, WIRE_READER, 0, -WIRE_BAD_LENGTH },
		{ 0, WIRE_DATA, WIRE_READER, 0, -WIRE_BAD_PAYLOAD },
		{ 1, WIRE_DATA, WIRE_READER, 0, 0 },
		{ 1, WIRE_DATA, WIRE_CONTROL, 0, -WIRE_BAD_TYPE },
		{ 1, WIRE_DATA, WIRE_LOGS, 0, -WIRE_BAD_TYPE },
		{ 1, WIRE_DATA, WIRE_SERVICE_MAX, 0, -WIRE_BAD_TYPE },
		{ 1, WIRE_DATA, 255, 0, -WIRE_BAD_TYPE },
		{ 1, WIRE_DATA, WIRE_READER, 1, -WIRE_BAD_TYPE },
		{ 1, WIRE_DATA, WIRE_READER, 0x8000, -WIRE_BAD_TYPE },
		{ 0, 0, WIRE_CONTROL, 0, -WIRE_BAD_TYPE },
		{ 0, WIRE_TYPE_MAX, WIRE_CONTROL, 0, -WIRE_BAD_TYPE },
		{ 0, 255, WIRE_CONTROL, 0, -WIRE_BAD_TYPE },
		{ 0, WIRE_END, WIRE_MCP, 0, 1 },
		{ 1, WIRE_END, WIRE_MCP, 0, -WIRE_BAD_PAYLOAD },
		{ 0, WIRE_END, WIRE_CONTROL, 0, -WIRE_BAD_TYPE },
		{ 0, WIRE_READY, WIRE_CONTROL, 0, 1 },
		{ 1, WIRE_READY, WIRE_CONTROL, 0, -WIRE_BAD_PAYLOAD },
		{ 0, WIRE_READY, WIRE_MCP, 0, -WIRE_BAD_TYPE },
		{ 0, WIRE_LOG, WIRE_LOGS, 0, -WIRE_BAD_PAYLOAD },
		{ WIRE_LOG_MAX, WIRE_LOG, WIRE_LOGS, 0, 0 },
		{ WIRE_LOG_MAX + 1, WIRE_LOG, WIRE_LOGS, 0, -WIRE_BAD_PAYLOAD },
		{ WIRE_EXIT_LEN - 1, WIRE_EXIT, WIRE_CONTROL, 0,
		  -WIRE_BAD_PAYLOAD },
		{ WIRE_EXIT_LEN, WIRE_EXIT, WIRE_CONTROL, 0, 0 },
		{ WIRE_EXIT_LEN + 1, WIRE_EXIT, WIRE_CONTROL, 0,
		  -WIRE_BAD_PAYLOAD },
		{ WIRE_ACK_LEN, WIRE_ACK, WIRE_CONTROL, 0, 0 },
		{ WIRE_ACK_LEN, WIRE_ACK, WIRE_READER, 0, -WIRE_BAD_TYPE },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(head_result(rows[i].len, rows[i].type,
					     rows[i].service, rows[i].zero),
				 rows[i].want);
}

static void test_largest(void **)
{
	static uint8_t big[LIMIT_WIRE_FRAME + 1];
	struct wire_frame f;
	struct wire_in in;
	struct span s;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 13);
	buf_init(&b, 2 * sizeof(big));
	wire_put(&b, WIRE_DATA, WIRE_READER, span_of(big, LIMIT_WIRE_FRAME));
	assert_true(buf_ok(&b));
	assert_int_equal(wire_in_init(&in), 0);
	s = buf_view(&b);
	assert_int_equal(wire_in_next(&in, &s, &f), 1);
	assert_true(span_eq(f.payload, span_of(big, LIMIT_WIRE_FRAME)));
	assert_int_equal(s.n, 0);
	wire_in_done(&in);
	wire_put(&b, WIRE_DATA, WIRE_READER, span_of(big, sizeof(big)));
	assert_false(buf_ok(&b));
	buf_done(&b);
}

static void test_names(void **)
{
	unsigned int i, j;

	for (i = 0; i < WIRE_FAULT_MAX; i++)
		for (j = 0; j < i; j++)
			assert_string_not_equal(
				wire_fault_name((enum wire_fault)i),
				wire_fault_name((enum wire_fault)j));
	assert_string_equal(wire_fault_name(WIRE_BAD_MAC), "bad-mac");
	assert_string_equal(wire_fault_name(WIRE_FAULT_MAX), "unknown");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_hello),
		cmocka_unit_test(test_hello_fields),
		cmocka_unit_test(test_ack_bits),
		cmocka_unit_test(test_ack_length),
		cmocka_unit_test(test_exit),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
