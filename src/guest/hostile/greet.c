/* greet: what can be wrong about a handshake; the host's HELLO is there. */
#include "guest/hostile/hostile.h"

/* A head by hand, for what wire_put refuses. */
static void head_put(struct hostile *g, uint32_t len, uint8_t type,
		     uint8_t zero)
{
	buf_u32(&g->out, len);
	buf_u8(&g->out, type);
	buf_u8(&g->out, zero);
	buf_u16(&g->out, 0);
}

static void bad_mac(struct hostile *g)
{
	g->hello.key[0] ^= 1;
	ack_put(g);
}

/* What this guest would have answered in another handshake. */
static void replay(struct hostile *g)
{
	memset(g->hello.key, 0x55, sizeof(g->hello.key));
	wire_ack_put(&g->out, g->hello.key, SPAN_LIT("an earlier HELLO"));
}

static void bad_version(struct hostile *g)
{
	ack_put(g);
	g->out.p[WIRE_HEAD] ^= 1;
}

static void short_ack(struct hostile *g)
{
	static const uint8_t version[2] = { WIRE_VERSION & 0xff,
					    WIRE_VERSION >> 8 };

	wire_put(&g->out, WIRE_ACK, span_of(version, sizeof(version)));
}

static void long_ack(struct hostile *g)
{
	uint8_t zeroes[WIRE_ACK_LEN + 1] = { WIRE_VERSION };

	wire_put(&g->out, WIRE_ACK, span_of(zeroes, sizeof(zeroes)));
}

static void oversized_ack(struct hostile *g)
{
	head_put(g, WIRE_MSG_MAX + 1, WIRE_ACK, 0);
}

static void huge_ack(struct hostile *g)
{
	head_put(g, UINT32_MAX, WIRE_ACK, 0);
}

static void unknown_message(struct hostile *g)
{
	head_put(g, 0, WIRE_TYPE_MAX, 0);
}

static void reserved_bits(struct hostile *g)
{
	head_put(g, WIRE_ACK_LEN, WIRE_ACK, 1);
}

/* The host's own word. */
static void hello_back(struct hostile *g)
{
	wire_put(&g->out, WIRE_HELLO, span_of(g->payload, g->payload_n));
}

static void early_ready(struct hostile *g)
{
	wire_put(&g->out, WIRE_READY, span_of(NULL, 0));
}

static void early_frame(struct hostile *g)
{
	buf_init(&g->mux.out, MUX_OUT_MAX);
	frame_with(g, MUX_SYN, ID_CONTROL, SPAN_LIT("\1"));
}

/* A frame is expected behind the first. */
static void second_ack(struct hostile *g)
{
	ack_put(g);
	ack_put(g);
}

static void no_ready(struct hostile *g)
{
	ack_put(g);
	flush(g);
	buf_init(&g->mux.out, MUX_OUT_MAX);
	frame_with(g, MUX_SYN, ID_CONTROL,
		   SPAN_LIT("\1\5\0\0\0\4\0\0\0\0\0"
			    "\0\0\0"));
}

static void second_ready(struct hostile *g)
{
	ack_put(g);
	ready_put(g);
	frame_with(g, 0, ID_CONTROL, SPAN_LIT("\0\0\0\0\3\0\0\0"));
}

static void half_ack(struct hostile *g)
{
	ack_put(g);
	buf_cut(&g->out, g->out.n - 1);
	flush(g);
	off();
}

static void silence(struct hostile *)
{
}

/* Shakes hands, and then not a word. */
static void mute(struct hostile *g)
{
	ack_put(g);
}

static void first_word(struct hostile *g)
{
	wire_put(&g->out, WIRE_ACK, SPAN_LIT("me first"));
}

static const struct mode rows[] = {
	{ "bad-mac", bad_mac, WHEN_GREETED },
	{ "replay", replay, WHEN_GREETED },
	{ "bad-version", bad_version, WHEN_GREETED },
	{ "short-ack", short_ack, WHEN_GREETED },
	{ "long-ack", long_ack, WHEN_GREETED },
	{ "oversized-ack", oversized_ack, WHEN_GREETED },
	{ "huge-ack", huge_ack, WHEN_GREETED },
	{ "unknown-message", unknown_message, WHEN_GREETED },
	{ "reserved-bits", reserved_bits, WHEN_GREETED },
	{ "hello-back", hello_back, WHEN_GREETED },
	{ "early-ready", early_ready, WHEN_GREETED },
	{ "early-frame", early_frame, WHEN_GREETED },
	{ "second-ack", second_ack, WHEN_GREETED },
	{ "no-ready", no_ready, WHEN_GREETED },
	{ "second-ready", second_ready, WHEN_GREETED },
	{ "half-ack", half_ack, WHEN_GREETED },
	{ "silence", silence, WHEN_GREETED },
	{ "mute", mute, WHEN_GREETED },
	{ "first-word", first_word, WHEN_BOOTED },
	{ "template-silence", silence, WHEN_GREETED, IN_TEMPLATE },
	{ "template-mute", mute, WHEN_GREETED, IN_TEMPLATE },
};

const struct modes modes_greet = { rows, ARRAY_SIZE(rows) };
