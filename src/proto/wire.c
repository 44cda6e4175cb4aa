/* wire: see wire.h. */
#include "proto/wire.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>

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
};
static_assert(ARRAY_SIZE(fault_names) == WIRE_FAULT_MAX);

const char *wire_fault_name(enum wire_fault f)
{
	if ((unsigned int)f >= WIRE_FAULT_MAX)
		return "unknown";
	return fault_names[f];
}

#define ON(service) (1U << (service))

/*
 * What each type may look like, checked on the head, before a byte of the
 * payload is stored. HELLO and ACK have the full range here: another version
 * may have another size, and is to be reported as another version.
 */
static const struct {
	unsigned int services;
	uint32_t least, most;
} type_rows[] = {
	[WIRE_HELLO] = { ON(WIRE_CONTROL), 0, LIMIT_WIRE_FRAME },
	[WIRE_ACK] = { ON(WIRE_CONTROL), 0, LIMIT_WIRE_FRAME },
	[WIRE_READY] = { ON(WIRE_CONTROL), 0, 0 },
	[WIRE_DATA] = { ON(WIRE_READER) | ON(WIRE_MCP), 1, LIMIT_WIRE_FRAME },
	[WIRE_END] = { ON(WIRE_READER) | ON(WIRE_MCP), 0, 0 },
	[WIRE_LOG] = { ON(WIRE_LOGS), 1, WIRE_LOG_MAX },
	[WIRE_EXIT] = { ON(WIRE_CONTROL), WIRE_EXIT_LEN, WIRE_EXIT_LEN },
};
static_assert(ARRAY_SIZE(type_rows) == WIRE_TYPE_MAX);

void wire_put(struct buf *b, enum wire_type t, enum wire_service s,
	      struct span payload)
{
	if (payload.n > LIMIT_WIRE_FRAME) {
		b->bad = true;
		return;
	}
	buf_u32(b, (uint32_t)payload.n);
	buf_u8(b, (uint8_t)t);
	buf_u8(b, (uint8_t)s);
	buf_u16(b, 0);
	buf_span(b, payload);
}

void wire_hello_put(struct buf *b, const struct wire_hello *h)
{
	buf_u32(b, WIRE_HELLO_LEN);
	buf_u8(b, WIRE_HELLO);
	buf_u8(b, WIRE_CONTROL);
	buf_u16(b, 0);
	buf_u16(b, h->version);
	buf_u8(b, h->workload);
	buf_u8(b, h->zero);
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
	h.zero = rd_u8(&rd);
	h.wall_ns = rd_u64(&rd);
	rd_copy(&rd, h.random, sizeof(h.random));
	rd_copy(&rd, h.key, sizeof(h.key));
	if (!rd_end(&rd) || h.zero || h.workload < WIRE_READER_EMAIL ||
	    h.workload >= WIRE_WORKLOAD_MAX) {
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
	buf_u32(b, WIRE_ACK_LEN);
	buf_u8(b, WIRE_ACK);
	buf_u8(b, WIRE_CONTROL);
	buf_u16(b, 0);
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
	buf_u32(b, WIRE_EXIT_LEN);
	buf_u8(b, WIRE_EXIT);
	buf_u8(b, WIRE_CONTROL);
	buf_u16(b, 0);
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

int wire_in_init(struct wire_in *in)
{
	*in = (struct wire_in){ .payload = malloc(LIMIT_WIRE_FRAME) };
	return in->payload ? 0 : -ENOMEM;
}

void wire_in_done(struct wire_in *in)
{
	if (in->payload)
		explicit_bzero(in->payload, LIMIT_WIRE_FRAME);
	free(in->payload);
	*in = (struct wire_in){ 0 };
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

static enum wire_fault head_check(struct wire_in *in, struct wire_frame *ret)
{
	struct rd rd;
	uint32_t len;
	uint8_t type, service;
	uint16_t zero;

	rd_init(&rd, span_of(in->head, WIRE_HEAD));
	len = rd_u32(&rd);
	type = rd_u8(&rd);
	service = rd_u8(&rd);
	zero = rd_u16(&rd);
	if (len > LIMIT_WIRE_FRAME)
		return WIRE_BAD_LENGTH;
	if (zero || type == 0 || type >= WIRE_TYPE_MAX ||
	    service >= WIRE_SERVICE_MAX ||
	    !(type_rows[type].services & ON(service)))
		return WIRE_BAD_TYPE;
	if (len < type_rows[type].least || len > type_rows[type].most)
		return WIRE_BAD_PAYLOAD;
	in->payload_len = len;
	ret->type = type;
	ret->service = service;
	return WIRE_OK;
}

int wire_in_next(struct wire_in *in, struct span *bytes, struct wire_frame *ret)
{
	struct wire_frame f = { 0 };

	if (in->fault != WIRE_OK)
		return -1;
	if (!gather(in->head, &in->head_n, WIRE_HEAD, bytes))
		return 0;
	in->fault = head_check(in, &f);
	if (in->fault != WIRE_OK)
		return -1;
	if (!gather(in->payload, &in->payload_n, in->payload_len, bytes))
		return 0;
	f.payload = span_of(in->payload, in->payload_len);
	in->head_n = 0;
	in->payload_n = 0;
	*ret = f;
	return 1;
}
