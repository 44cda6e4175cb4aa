/* wire: see wire.h. */
#include "proto/wire.h"

#include <assert.h>

#include "base/rd.h"
#include "base/sha256.h"

static const char *const fault_names[] = {
	[WIRE_OK] = "ok",
	[WIRE_BAD_LENGTH] = "bad-length",
	[WIRE_BAD_TYPE] = "bad-type",
	[WIRE_BAD_ORDER] = "bad-order",
	[WIRE_BAD_PAYLOAD] = "bad-payload",
	[WIRE_BAD_VERSION] = "bad-version",
	[WIRE_BAD_MAC] = "bad-mac",
	[WIRE_TOO_MUCH] = "too-much",
	[WIRE_HANGUP] = "hangup",
	[WIRE_DEADLINE] = "deadline",
	[WIRE_BAD_WINDOW] = "bad-window",
	[WIRE_BAD_STREAM] = "bad-stream",
	[WIRE_BAD_MONITOR] = "bad-monitor",
	[WIRE_BROKER_GONE] = "broker-gone",
};
static_assert(ARRAY_SIZE(fault_names) == WIRE_FAULT_MAX);

const char *wire_fault_name(enum wire_fault f)
{
	if ((unsigned int)f >= WIRE_FAULT_MAX)
		return "unknown";
	return fault_names[f];
}

static const char *const service_names[] = {
	[WIRE_CONTROL] = "control", [WIRE_READER] = "reader",
	[WIRE_MCP] = "mcp",	    [WIRE_LLM] = "llm",
	[WIRE_EGRESS] = "egress",   [WIRE_LOG] = "log",
};
static_assert(ARRAY_SIZE(service_names) == WIRE_SERVICE_MAX);

const char *wire_service_name(enum wire_service s)
{
	return (unsigned int)s < WIRE_SERVICE_MAX ? service_names[s] : NULL;
}

const struct wire_rule *wire_rule(enum wire_workload w, enum wire_service s)
{
	static const struct wire_rule reader[WIRE_SERVICE_MAX] = {
		[WIRE_CONTROL] = { .streams = 1 },
		[WIRE_READER] = { .host = true, .streams = 1 },
		[WIRE_LOG] = { .streams = 1 },
	};
	static const struct wire_rule planner[WIRE_SERVICE_MAX] = {
		[WIRE_CONTROL] = { .streams = 1 },
		[WIRE_MCP] = { .streams = 1 },
		[WIRE_LOG] = { .streams = 1 },
	};
	static const struct wire_rule thinker[WIRE_SERVICE_MAX] = {
		[WIRE_CONTROL] = { .streams = 1 },
		[WIRE_MCP] = { .streams = 1 },
		[WIRE_LLM] = { .streams = 8 },
		[WIRE_LOG] = { .streams = 1 },
	};
	static const struct wire_rule *const rules[] = {
		[WIRE_READER_EMAIL] = reader,
		[WIRE_PLANNER_TRIAGE] = planner,
		[WIRE_PLANNER_GULLIBLE] = planner,
		[WIRE_PROBE] = reader,
		[WIRE_PLANNER_LLM] = thinker,
		[WIRE_PLANNER_LOCAL] = planner,
	};

	static_assert(ARRAY_SIZE(rules) == WIRE_WORKLOAD_MAX);
	if ((unsigned int)w >= WIRE_WORKLOAD_MAX || !rules[w] ||
	    (unsigned int)s >= WIRE_SERVICE_MAX || !rules[w][s].streams)
		return NULL;
	return &rules[w][s];
}

/*
 * What each type may look like, checked on the head, before a byte of the
 * payload is stored. HELLO and ACK have the full range here: another version
 * may have another size, and is to be reported as another version.
 */
static const struct {
	uint32_t least, most;
} type_rows[] = {
	[WIRE_HELLO] = { 0, WIRE_MSG_MAX },
	[WIRE_ACK] = { 0, WIRE_MSG_MAX },
	[WIRE_READY] = { 0, 0 },
	[WIRE_EXIT] = { WIRE_EXIT_LEN, WIRE_EXIT_LEN },
};
static_assert(ARRAY_SIZE(type_rows) == WIRE_TYPE_MAX);

static void head_put(struct buf *b, enum wire_type t, size_t n)
{
	buf_u32(b, (uint32_t)n);
	buf_u8(b, (uint8_t)t);
	buf_u8(b, 0);
	buf_u16(b, 0);
}

void wire_put(struct buf *b, enum wire_type t, struct span payload)
{
	if (payload.n > WIRE_MSG_MAX) {
		b->bad = true;
		return;
	}
	head_put(b, t, payload.n);
	buf_span(b, payload);
}

void wire_hello_put(struct buf *b, const struct wire_hello *h)
{
	head_put(b, WIRE_HELLO, WIRE_HELLO_LEN);
	buf_u16(b, h->version);
	buf_u8(b, h->workload);
	buf_u8(b, h->flags);
	buf_u64(b, h->wall_ns);
	buf_put(b, h->random, sizeof(h->random));
	buf_put(b, h->key, sizeof(h->key));
}

enum wire_fault wire_hello_get(struct span payload, struct wire_hello *ret)
{
	struct wire_hello h = { 0 };
	struct rd rd;

	rd_init(&rd, payload);
	h.version = rd_u16(&rd);
	if (!rd.bad && h.version != WIRE_VERSION)
		return WIRE_BAD_VERSION;
	h.workload = rd_u8(&rd);
	h.flags = rd_u8(&rd);
	h.wall_ns = rd_u64(&rd);
	rd_copy(&rd, h.random, sizeof(h.random));
	rd_copy(&rd, h.key, sizeof(h.key));
	if (!rd_end(&rd) || h.flags > WIRE_HELLO_TEMPLATE ||
	    h.workload < WIRE_READER_EMAIL || h.workload >= WIRE_WORKLOAD_MAX) {
		explicit_bzero(&h, sizeof(h));
		return WIRE_BAD_PAYLOAD;
	}
	*ret = h;
	explicit_bzero(&h, sizeof(h));
	return WIRE_OK;
}

static void ack_mac(uint8_t ret[WIRE_MAC], const uint8_t key[WIRE_KEY],
		    struct span hello_payload)
{
	static const uint8_t version[2] = { WIRE_VERSION & 0xff,
					    WIRE_VERSION >> 8 };
	struct hmac_sha256 m;

	static_assert(WIRE_MAC == (int)SHA256_LEN);
	hmac_sha256_init(&m, span_of(key, WIRE_KEY));
	hmac_sha256_add(&m, SPAN_LIT("bulkhead wire ack"));
	hmac_sha256_add(&m, span_of(version, sizeof(version)));
	hmac_sha256_add(&m, hello_payload);
	hmac_sha256_final(&m, ret);
}

void wire_ack_put(struct buf *b, const uint8_t key[WIRE_KEY],
		  struct span hello_payload)
{
	uint8_t mac[WIRE_MAC];

	ack_mac(mac, key, hello_payload);
	head_put(b, WIRE_ACK, WIRE_ACK_LEN);
	buf_u16(b, WIRE_VERSION);
	buf_put(b, mac, sizeof(mac));
}

enum wire_fault wire_ack_check(struct span ack_payload,
			       const uint8_t key[WIRE_KEY],
			       struct span hello_payload)
{
	uint8_t want[WIRE_MAC];
	struct span got;
	uint16_t version;
	struct rd rd;

	rd_init(&rd, ack_payload);
	version = rd_u16(&rd);
	if (!rd.bad && version != WIRE_VERSION)
		return WIRE_BAD_VERSION;
	got = rd_bytes(&rd, WIRE_MAC);
	if (!rd_end(&rd))
		return WIRE_BAD_PAYLOAD;
	ack_mac(want, key, hello_payload);
	return mem_equal_ct(got.p, want, WIRE_MAC) ? WIRE_OK : WIRE_BAD_MAC;
}

void wire_exit_put(struct buf *b, const struct wire_exit *e)
{
	head_put(b, WIRE_EXIT, WIRE_EXIT_LEN);
	buf_u8(b, e->kind);
	buf_u32(b, e->status);
}

enum wire_fault wire_exit_get(struct span payload, struct wire_exit *ret)
{
	struct wire_exit e;
	struct rd rd;

	rd_init(&rd, payload);
	e.kind = rd_u8(&rd);
	e.status = rd_u32(&rd);
	if (!rd_end(&rd) || e.kind > WIRE_EXIT_SIGNALLED || e.status > 255)
		return WIRE_BAD_PAYLOAD;
	*ret = e;
	return WIRE_OK;
}

/* Moves what is missing of want from *bytes to dst; true once it is whole. */
static bool gather(uint8_t *dst, size_t *have, size_t want, struct span *bytes)
{
	size_t n = want - *have;

	if (n > bytes->n)
		n = bytes->n;
	if (n)
		memcpy(dst + *have, bytes->p, n);
	*have += n;
	*bytes = span_of(bytes->n ? bytes->p + n : bytes->p, bytes->n - n);
	return *have == want;
}

static enum wire_fault head_check(struct wire_in *in, struct wire_msg *ret)
{
	struct rd rd;
	uint32_t len, zero;
	uint8_t type;

	rd_init(&rd, span_of(in->head, WIRE_HEAD));
	len = rd_u32(&rd);
	type = rd_u8(&rd);
	zero = rd_u8(&rd);
	zero |= rd_u16(&rd);
	if (len > WIRE_MSG_MAX)
		return WIRE_BAD_LENGTH;
	if (zero || type == 0 || type >= WIRE_TYPE_MAX)
		return WIRE_BAD_TYPE;
	if (len < type_rows[type].least || len > type_rows[type].most)
		return WIRE_BAD_PAYLOAD;
	in->payload_len = len;
	ret->type = type;
	return WIRE_OK;
}

int wire_in_next(struct wire_in *in, struct span *bytes, struct wire_msg *ret)
{
	struct wire_msg m = { 0 };

	if (in->fault != WIRE_OK)
		return -1;
	if (!gather(in->head, &in->head_n, WIRE_HEAD, bytes))
		return 0;
	in->fault = head_check(in, &m);
	if (in->fault != WIRE_OK)
		return -1;
	if (!gather(in->payload, &in->payload_n, in->payload_len, bytes))
		return 0;
	m.payload = span_of(in->payload, in->payload_len);
	in->head_n = 0;
	in->payload_n = 0;
	*ret = m;
	return 1;
}
