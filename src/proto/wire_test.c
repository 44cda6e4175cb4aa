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

/* The MAC was made by Python's hmac over label, 0300 and the payload. */
static void test_golden(void **)
{
	static const char hello_hex[] = "4c00000001000000"
					"03000100"
					"0807060504030201"
					"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
					"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
					"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb"
					"bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";
	static const char ack_hex[] = "2200000002000000"
				      "0300"
				      "323e002edb5e4ac0263bfa513ad2ba73"
				      "16fc4e8bcfad9161b3a932f3e020cb01";
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
		uint8_t workload, flags;
		enum wire_fault want;
	} rows[] = {
		{ WIRE_VERSION, WIRE_READER_EMAIL, 0, WIRE_OK },
		{ WIRE_VERSION, WIRE_WORKLOAD_MAX - 1, 0, WIRE_OK },
		{ WIRE_VERSION, WIRE_WORKLOAD_MAX, 0, WIRE_BAD_PAYLOAD },
		{ WIRE_VERSION, 0, 0, WIRE_BAD_PAYLOAD },
		{ WIRE_VERSION, 255, 0, WIRE_BAD_PAYLOAD },
		{ WIRE_VERSION, WIRE_PROBE, WIRE_HELLO_TEMPLATE, WIRE_OK },
		{ WIRE_VERSION, WIRE_PROBE, 2, WIRE_BAD_PAYLOAD },
		{ WIRE_VERSION, WIRE_PROBE, 0x80, WIRE_BAD_PAYLOAD },
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
		h.flags = rows[i].flags;
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

/* Feeds one piece and appends "type/length:sum " of each message. */
static void feed(struct wire_in *in, struct span piece, struct buf *events)
{
	struct wire_msg f;
	int r;

	while ((r = wire_in_next(in, &piece, &f)) == 1) {
		unsigned int sum = 0;
		size_t i;

		for (i = 0; i < f.payload.n; i++)
			sum = sum * 31 + f.payload.p[i];
		buf_printf(events, "%d/%zu:%u ", (int)f.type, f.payload.n, sum);
	}
	if (r == 0)
		assert_int_equal(piece.n, 0);
	else
		buf_printf(events, "%s", wire_fault_name(in->fault));
}

static void parse_cut(struct span s, size_t cut, struct buf *events)
{
	struct wire_in in = { 0 };

	feed(&in, span_of(s.p, cut), events);
	if (in.fault == WIRE_OK)
		feed(&in, span_of(s.p + cut, s.n - cut), events);
}

static void parse_bytewise(struct span s, struct buf *events)
{
	struct wire_in in = { 0 };
	size_t i;

	for (i = 0; i < s.n && in.fault == WIRE_OK; i++)
		feed(&in, span_of(s.p + i, 1), events);
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
	wire_put(&b, WIRE_READY, span_of(NULL, 0));
	wire_put(&b, WIRE_ACK, SPAN_LIT("abc"));
	wire_put(&b, WIRE_HELLO, span_of(NULL, 0));
	wire_exit_put(&b, &(struct wire_exit){ WIRE_EXIT_CODE, 1 });
	assert_true(buf_ok(&b));
	check_all_splits(buf_view(&b), "3/0:0 2/3:96354 1/0:0 4/5:29791 ");
	/* a fault ends it, whatever comes behind */
	buf_put(&b, "\0\0\0\0\x63\0\0\0", 8);
	wire_put(&b, WIRE_ACK, SPAN_LIT("abc"));
	check_all_splits(buf_view(&b), "3/0:0 2/3:96354 1/0:0 4/5:29791 "
				       "bad-type");
	buf_done(&b);
}

/* Not a byte behind the message is touched: the mux has them. */
static void test_rest(void **)
{
	struct wire_in in = { 0 };
	struct wire_msg m;
	struct span s;
	struct buf b;

	buf_init(&b, 64);
	wire_put(&b, WIRE_ACK, SPAN_LIT("abc"));
	buf_str(&b, "more");
	s = buf_view(&b);
	assert_int_equal(wire_in_next(&in, &s, &m), 1);
	assert_true(span_is(m.payload, "abc"));
	assert_true(span_is(s, "more"));
	buf_done(&b);
}

/* One head alone; 1: the message, 0: wants the payload, else -fault. */
static int head_result(uint32_t len, uint8_t type, uint8_t zero8,
		       uint16_t zero16)
{
	struct wire_in in = { 0 };
	struct wire_msg m;
	struct span s;
	struct buf b;
	int r;

	buf_init(&b, 64);
	buf_u32(&b, len);
	buf_u8(&b, type);
	buf_u8(&b, zero8);
	buf_u16(&b, zero16);
	s = buf_view(&b);
	r = wire_in_next(&in, &s, &m);
	if (r < 0) {
		r = -(int)in.fault;
		/* it sticks */
		s = buf_view(&b);
		assert_int_equal(wire_in_next(&in, &s, &m), -1);
		assert_int_equal(-(int)in.fault, r);
	}
	buf_done(&b);
	return r;
}

static void test_heads(void **)
{
	static const struct {
		uint32_t len;
		uint8_t type, zero8;
		uint16_t zero16;
		int want;
	} rows[] = {
		{ WIRE_MSG_MAX - 1, WIRE_ACK, 0, 0, 0 },
		{ WIRE_MSG_MAX, WIRE_ACK, 0, 0, 0 },
		{ WIRE_MSG_MAX + 1, WIRE_ACK, 0, 0, -WIRE_BAD_LENGTH },
		{ WIRE_MSG_MAX, WIRE_HELLO, 0, 0, 0 },
		{ WIRE_MSG_MAX + 1, WIRE_HELLO, 0, 0, -WIRE_BAD_LENGTH },
		{ UINT32_MAX, WIRE_ACK, 0, 0, -WIRE_BAD_LENGTH },
		{ 0, WIRE_ACK, 0, 0, 1 },
		{ 0, WIRE_ACK, 1, 0, -WIRE_BAD_TYPE },
		{ 0, WIRE_ACK, 0, 1, -WIRE_BAD_TYPE },
		{ 0, WIRE_ACK, 0, 0x8000, -WIRE_BAD_TYPE },
		{ 0, 0, 0, 0, -WIRE_BAD_TYPE },
		{ 0, WIRE_TYPE_MAX, 0, 0, -WIRE_BAD_TYPE },
		{ 0, 255, 0, 0, -WIRE_BAD_TYPE },
		{ 0, WIRE_READY, 0, 0, 1 },
		{ 1, WIRE_READY, 0, 0, -WIRE_BAD_PAYLOAD },
		{ WIRE_EXIT_LEN - 1, WIRE_EXIT, 0, 0, -WIRE_BAD_PAYLOAD },
		{ WIRE_EXIT_LEN, WIRE_EXIT, 0, 0, 0 },
		{ WIRE_EXIT_LEN + 1, WIRE_EXIT, 0, 0, -WIRE_BAD_PAYLOAD },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++)
		assert_int_equal(head_result(rows[i].len, rows[i].type,
					     rows[i].zero8, rows[i].zero16),
				 rows[i].want);
}

static void test_largest(void **)
{
	uint8_t big[WIRE_MSG_MAX + 1];
	struct wire_in in = { 0 };
	struct wire_msg m;
	struct span s;
	struct buf b;
	size_t i;

	for (i = 0; i < sizeof(big); i++)
		big[i] = (uint8_t)(i * 13);
	buf_init(&b, 4 * sizeof(big));
	wire_put(&b, WIRE_ACK, span_of(big, WIRE_MSG_MAX));
	assert_true(buf_ok(&b));
	s = buf_view(&b);
	assert_int_equal(wire_in_next(&in, &s, &m), 1);
	assert_true(span_eq(m.payload, span_of(big, WIRE_MSG_MAX)));
	assert_int_equal(s.n, 0);
	wire_put(&b, WIRE_ACK, span_of(big, sizeof(big)));
	assert_false(buf_ok(&b));
	buf_done(&b);
}

/* Every workload has control and log, which are the guest's, and one service
 * more; the host opens readers alone. */
static void test_rules(void **)
{
	static const struct {
		enum wire_workload w;
		enum wire_service more;
		bool host, llm;
	} rows[] = {
		{ WIRE_READER_EMAIL, WIRE_READER, true },
		{ WIRE_PLANNER_TRIAGE, WIRE_MCP, false },
		{ WIRE_PLANNER_GULLIBLE, WIRE_MCP, false },
		{ WIRE_PROBE, WIRE_READER, true },
		{ WIRE_PLANNER_LLM, WIRE_MCP, false, true },
		/* No stream to a provider. */
		{ WIRE_PLANNER_LOCAL, WIRE_MCP, false, false },
	};
	unsigned int s;
	size_t i;

	assert_int_equal(ARRAY_SIZE(rows), WIRE_WORKLOAD_MAX - 1);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		for (s = 0; s <= WIRE_SERVICE_MAX; s++) {
			const struct wire_rule *r =
				wire_rule(rows[i].w, (enum wire_service)s);

			if (s != WIRE_CONTROL && s != WIRE_LOG &&
			    s != rows[i].more &&
			    !(rows[i].llm && s == WIRE_LLM)) {
				assert_null(r);
				continue;
			}
			assert_non_null(r);
			assert_int_equal(r->streams, s == WIRE_LLM ? 8 : 1);
			assert_int_equal(r->host,
					 s == rows[i].more && rows[i].host);
		}
	}
	assert_null(wire_rule((enum wire_workload)0, WIRE_CONTROL));
	assert_null(wire_rule(WIRE_WORKLOAD_MAX, WIRE_CONTROL));
	assert_string_equal(wire_service_name(WIRE_LOG), "log");
	assert_null(wire_service_name((enum wire_service)0));
	assert_null(wire_service_name(WIRE_SERVICE_MAX));
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
		cmocka_unit_test(test_rest),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_largest),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
