/*
 * mux_test: the frames against golden bytes (put together by hand from the
 * specification of yamux), each offence of a peer and the last thing that is
 * none, every split, callbacks that end what they are told of, and two muxes
 * that talk to each other.
 */
#include <stdlib.h>

#include "base/str.h"
#include "base/testing.h"
#include "proto/mux.h"

/* One side, and what it was told. Bytes in a row on a stream are one event. */
struct side {
	struct mux m;
	struct buf events;
	uint32_t talking; /* the stream of the last event, if that was data */
	bool consume;	  /* at once */
	/* what to do where */
	bool reset_opened, reset_data, end_end, open_closed;
	struct mux_stream *last; /* opened or told of */
};

static void event(struct side *s, const char *what, uint32_t id)
{
	s->talking = 0;
	buf_printf(&s->events, "%s%u ", what, id);
}

static void on_opened(void *arg, struct mux_stream *st)
{
	struct side *s = arg;

	buf_printf(&s->events, "open%u:%s ", st->id,
		   wire_service_name(st->service));
	st->user = (void *)(uintptr_t)st->id;
	s->last = st;
	if (s->reset_opened)
		mux_reset(&s->m, st);
}

static void on_data(void *arg, struct mux_stream *st, struct span bytes)
{
	struct side *s = arg;

	assert_true(bytes.n > 0);
	if (s->talking != st->id)
		event(s, "data", st->id);
	s->talking = st->id;
	buf_span(&s->events, bytes);
	if (s->consume)
		mux_consumed(&s->m, st, bytes.n);
	if (s->reset_data)
		mux_reset(&s->m, st);
}

static void on_end(void *arg, struct mux_stream *st)
{
	struct side *s = arg;

	event(s, "end", st->id);
	if (s->end_end)
		mux_end(&s->m, st);
}

static void on_closed(void *arg, struct mux_stream *st, bool reset)
{
	struct side *s = arg;

	assert_int_equal(st->id, 0);
	event(s, reset ? "reset" : "closed", (uint32_t)(uintptr_t)st->user);
	/* All of these are nothing any more. */
	mux_reset(&s->m, st);
	mux_end(&s->m, st);
	mux_consumed(&s->m, st, 1);
	assert_int_equal(mux_send(&s->m, st, SPAN_LIT("x")), 0);
	if (s->open_closed) {
		s->last = mux_open(&s->m, st->service);
		assert_non_null(s->last);
		s->last->user = (void *)(uintptr_t)s->last->id;
	}
}

static void on_room(void *arg, struct mux_stream *st)
{
	event(arg, "room", st->id);
}

static void on_gone(void *arg, uint32_t why)
{
	event(arg, "gone", why);
}

static const struct mux_ops ops = { .opened = on_opened,
				    .data = on_data,
				    .end = on_end,
				    .closed = on_closed,
				    .room = on_room,
				    .gone = on_gone };

enum { BYTES = 1 << 20, FRAMES = 64, OPENS = 8 };

static void side_init(struct side *s, bool host, enum wire_workload w)
{
	const struct mux_config c = { .host = host,
				      .workload = w,
				      .bytes = BYTES,
				      .frames = FRAMES,
				      .opens = OPENS,
				      .ops = &ops,
				      .arg = s };

	*s = (struct side){ .consume = true };
	mux_init(&s->m, &c);
	buf_init(&s->events, 8 << 20);
}

static void side_done(struct side *s)
{
	mux_done(&s->m);
	buf_done(&s->events);
}

static void check_events(struct side *s, const char *want)
{
	assert_string_equal(buf_cstr(&s->events), want);
	buf_reset(&s->events);
	s->talking = 0;
}

/* What it has for the wire, in hexadecimal; takes it away. */
static void check_out(struct side *s, const char *want)
{
	CLEAN_BUF struct buf hex;

	buf_init(&hex, 1 << 20);
	hex_encode((char *)buf_extend(&hex, 2 * s->m.out.n + 1), s->m.out.p,
		   s->m.out.n);
	assert_string_equal((const char *)hex.p, want);
	buf_reset(&s->m.out);
}

struct frame {
	enum mux_type t;
	uint16_t flags;
	uint32_t stream, length;
	const char *payload; /* length bytes of it; NULL: none are sent */
};

static void put_frame(struct buf *b, const struct frame *f)
{
	const struct mux_head h = { f->t, f->flags, f->stream, f->length };

	mux_head_put(b, &h);
	if (f->payload)
		buf_put(b, f->payload, f->length);
}

static enum wire_fault feed(struct side *s, struct frame f)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, MUX_HEAD + MUX_WINDOW);
	put_frame(&b, &f);
	return mux_feed(&s->m, buf_view(&b));
}

static enum wire_fault feed_bytes(struct side *s, uint32_t id, size_t n)
{
	static char zeroes[MUX_WINDOW];

	return feed(s, (struct frame){ MUX_DATA, 0, id, (uint32_t)n, zeroes });
}

/* --- bytes ------------------------------------------------------------- */

static void test_golden(void **)
{
	struct mux_stream *st;
	struct side s;

	side_init(&s, true, WIRE_READER_EMAIL);
	st = mux_open(&s.m, WIRE_READER);
	check_out(&s, "000000010000000100000001"
		      "02");
	assert_int_equal(mux_send(&s.m, st, SPAN_LIT("hi")), 2);
	check_out(&s, "000000000000000100000002"
		      "6869");
	mux_end(&s.m, st);
	check_out(&s, "000000040000000100000000");
	mux_reset(&s.m, st);
	check_out(&s, "000100080000000100000000");
	assert_non_null(mux_open(&s.m, WIRE_READER));
	check_out(&s, "000000010000000300000001"
		      "02");
	assert_int_equal(
		feed(&s, (struct frame){ MUX_DATA, MUX_SYN, 2, 1, "\6" }),
		WIRE_OK);
	check_out(&s, "000100020000000200000000");
	/* Half a window, the byte of the service included, is given back. */
	assert_int_equal(feed_bytes(&s, 2, MUX_WINDOW / 2 - 1), WIRE_OK);
	check_out(&s, "000100000000000200020000");
	assert_int_equal(feed(&s, (struct frame){ MUX_PING, MUX_SYN, 0,
						  0xfedcba98, NULL }),
			 WIRE_OK);
	check_out(&s, "0002000200000000fedcba98");
	mux_go_away(&s.m, 2);
	check_out(&s, "000300000000000000000002");
	side_done(&s);
}

static void test_heads(void **)
{
	static const struct {
		const char *bytes;
		enum wire_fault want;
	} rows[] = {
		{ "\0\0\0\0\0\0\0\1\0\4\0\0", WIRE_OK },
		{ "\0\0\0\0\0\0\0\1\0\4\0\1", WIRE_BAD_LENGTH },
		{ "\0\0\0\0\0\0\0\1\377\377\377\377", WIRE_BAD_LENGTH },
		{ "\0\1\0\0\0\0\0\1\377\377\377\377", WIRE_OK },
		{ "\1\0\0\0\0\0\0\1\0\0\0\0", WIRE_BAD_VERSION },
		{ "\0\3\0\0\0\0\0\0\0\0\0\0", WIRE_OK },
		{ "\0\4\0\0\0\0\0\0\0\0\0\0", WIRE_BAD_TYPE },
		{ "\0\377\0\0\0\0\0\0\0\0\0\0", WIRE_BAD_TYPE },
		/* flags: each, none that is unknown, some that exclude */
		{ "\0\0\0\1\0\0\0\1\0\0\0\0", WIRE_OK },
		{ "\0\0\0\2\0\0\0\1\0\0\0\0", WIRE_OK },
		{ "\0\0\0\4\0\0\0\1\0\0\0\0", WIRE_OK },
		{ "\0\0\0\10\0\0\0\1\0\0\0\0", WIRE_OK },
		{ "\0\0\0\20\0\0\0\1\0\0\0\0", WIRE_BAD_TYPE },
		{ "\0\0\1\0\0\0\0\1\0\0\0\0", WIRE_BAD_TYPE },
		{ "\0\0\200\0\0\0\0\1\0\0\0\0", WIRE_BAD_TYPE },
		{ "\0\0\0\5\0\0\0\1\0\0\0\0", WIRE_OK },
		{ "\0\0\0\6\0\0\0\1\0\0\0\0", WIRE_OK },
		{ "\0\1\0\12\0\0\0\1\0\0\0\0", WIRE_OK },
		{ "\0\0\0\3\0\0\0\1\0\0\0\0", WIRE_BAD_TYPE },
		{ "\0\0\0\11\0\0\0\1\0\0\0\0", WIRE_BAD_TYPE },
		{ "\0\0\0\14\0\0\0\1\0\0\0\0", WIRE_BAD_TYPE },
		/* the session's and the streams' */
		{ "\0\0\0\0\0\0\0\0\0\0\0\0", WIRE_BAD_STREAM },
		{ "\0\1\0\0\0\0\0\0\0\0\0\0", WIRE_BAD_STREAM },
		{ "\0\2\0\1\0\0\0\0\0\0\0\0", WIRE_OK },
		{ "\0\2\0\2\0\0\0\0\0\0\0\0", WIRE_OK },
		{ "\0\2\0\0\0\0\0\0\0\0\0\0", WIRE_BAD_TYPE },
		{ "\0\2\0\3\0\0\0\0\0\0\0\0", WIRE_BAD_TYPE },
		{ "\0\2\0\5\0\0\0\0\0\0\0\0", WIRE_BAD_TYPE },
		{ "\0\2\0\1\0\0\0\1\0\0\0\0", WIRE_BAD_STREAM },
		{ "\0\3\0\1\0\0\0\0\0\0\0\0", WIRE_BAD_TYPE },
		{ "\0\3\0\0\0\0\0\1\0\0\0\0", WIRE_BAD_STREAM },
	};
	struct mux_head h;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		const uint8_t *p = (const uint8_t *)rows[i].bytes;
		CLEAN_BUF struct buf b;

		buf_init(&b, MUX_HEAD);
		assert_int_equal(mux_head_get(p, &h), rows[i].want);
		if (rows[i].want != WIRE_OK)
			continue;
		mux_head_put(&b, &h);
		assert_memory_equal(b.p, p, MUX_HEAD);
	}
}

/* --- offences ---------------------------------------------------------- */

enum { ROW_FRAMES = 4 };

#define SYN_LOG(id)                                                            \
	{                                                                      \
		MUX_DATA, MUX_SYN, id, 1, "\6"                                 \
	}

/*
 * What a guest says to the host of a reader, which has opened stream 1. Only
 * the last frame may be the offence.
 */
static const struct {
	const char *name;
	struct frame f[ROW_FRAMES];
	enum wire_fault want;
} offences[] = {
	{ "SYN", { SYN_LOG(2) }, WIRE_OK },
	{ "SYN of a high number", { SYN_LOG(UINT32_MAX - 1) }, WIRE_OK },
	{ "SYN of an odd one", { SYN_LOG(3) }, WIRE_BAD_STREAM },
	{ "SYN of ours", { SYN_LOG(1) }, WIRE_BAD_STREAM },
	{ "SYN twice", { SYN_LOG(2), SYN_LOG(2) }, WIRE_BAD_STREAM },
	{ "SYN of a lower one", { SYN_LOG(4), SYN_LOG(2) }, WIRE_BAD_STREAM },
	{ "SYN with an update", { { MUX_UPDATE, MUX_SYN, 2, 0 } }, WIRE_OK },
	{ "and a window that grows",
	  { { MUX_UPDATE, MUX_SYN, 2, 1 } },
	  WIRE_BAD_WINDOW },
	{ "service later",
	  { { MUX_UPDATE, MUX_SYN, 2, 0 }, { MUX_DATA, 0, 2, 1, "\6" } },
	  WIRE_OK },
	{ "SYN after GO AWAY",
	  { { MUX_GO_AWAY, 0, 0, 0 }, SYN_LOG(2) },
	  WIRE_BAD_ORDER },
	{ "GO AWAY twice",
	  { { MUX_GO_AWAY, 0, 0, 0 }, { MUX_GO_AWAY, 0, 0, 0 } },
	  WIRE_BAD_ORDER },
	{ "data after GO AWAY",
	  { SYN_LOG(2), { MUX_GO_AWAY, 0, 0, 0 }, { MUX_DATA, 0, 2, 1, "x" } },
	  WIRE_OK },
	{ "no such service",
	  { { MUX_DATA, MUX_SYN, 2, 1, "\7" } },
	  WIRE_BAD_TYPE },
	{ "service 0", { { MUX_DATA, MUX_SYN, 2, 1, "\0" } }, WIRE_BAD_TYPE },
	{ "service 255",
	  { { MUX_DATA, MUX_SYN, 2, 1, "\377" } },
	  WIRE_BAD_TYPE },
	{ "a planner's service",
	  { { MUX_DATA, MUX_SYN, 2, 1, "\3" } },
	  WIRE_BAD_TYPE },
	{ "the host's service",
	  { { MUX_DATA, MUX_SYN, 2, 1, "\2" } },
	  WIRE_BAD_STREAM },
	{ "two logs", { SYN_LOG(2), SYN_LOG(4) }, WIRE_TOO_MUCH },
	{ "a log after a log",
	  { SYN_LOG(2), { MUX_UPDATE, MUX_RST, 2, 0 }, SYN_LOG(4) },
	  WIRE_OK },
	{ "data on no stream",
	  { { MUX_DATA, 0, 2, 1, "x" } },
	  WIRE_BAD_STREAM },
	{ "RST on no stream",
	  { { MUX_UPDATE, MUX_RST, 2, 0 } },
	  WIRE_BAD_STREAM },
	{ "our next stream", { { MUX_DATA, 0, 3, 1, "x" } }, WIRE_BAD_STREAM },
	{ "acceptance", { { MUX_UPDATE, MUX_ACK, 1, 0 } }, WIRE_OK },
	{ "accepts twice",
	  { { MUX_UPDATE, MUX_ACK, 1, 0 }, { MUX_DATA, MUX_ACK, 1, 0, "" } },
	  WIRE_BAD_STREAM },
	{ "accepts its own",
	  { SYN_LOG(2), { MUX_UPDATE, MUX_ACK, 2, 0 } },
	  WIRE_BAD_STREAM },
	{ "refusal", { { MUX_UPDATE, MUX_ACK | MUX_RST, 1, 0 } }, WIRE_OK },
	{ "late after a refusal",
	  { { MUX_DATA, MUX_RST, 1, 0, "" }, { MUX_DATA, 0, 1, 1, "x" } },
	  WIRE_OK },
	{ "data, FIN", { { MUX_DATA, MUX_FIN, 1, 1, "x" } }, WIRE_OK },
	{ "data after FIN",
	  { { MUX_DATA, MUX_FIN, 1, 0, "" }, { MUX_DATA, 0, 1, 1, "x" } },
	  WIRE_BAD_STREAM },
	{ "FIN twice",
	  { { MUX_DATA, MUX_FIN, 1, 0, "" }, { MUX_UPDATE, MUX_FIN, 1, 0 } },
	  WIRE_BAD_STREAM },
	{ "update after FIN",
	  { { MUX_DATA, MUX_FIN, 1, 0, "" }, { MUX_UPDATE, 0, 1, 1 } },
	  WIRE_OK },
	{ "RST after FIN",
	  { { MUX_DATA, MUX_FIN, 1, 0, "" }, { MUX_UPDATE, MUX_RST, 1, 0 } },
	  WIRE_OK },
	{ "SYN and FIN",
	  { { MUX_DATA, MUX_SYN | MUX_FIN, 2, 2, "\6x" } },
	  WIRE_OK },
	{ "FIN before the service",
	  { { MUX_DATA, MUX_SYN | MUX_FIN, 2, 0, "" } },
	  WIRE_BAD_STREAM },
	{ "RST before the service",
	  { { MUX_DATA, MUX_SYN, 2, 0, "" }, { MUX_UPDATE, MUX_RST, 2, 0 } },
	  WIRE_OK },
	/* The service of stream 1 has taken one byte of its window. */
	{ "a window that is whole", { { MUX_UPDATE, 0, 1, 1 } }, WIRE_OK },
	{ "a window one above", { { MUX_UPDATE, 0, 1, 2 } }, WIRE_BAD_WINDOW },
	{ "a wild window",
	  { { MUX_UPDATE, 0, 1, UINT32_MAX } },
	  WIRE_BAD_WINDOW },
	{ "a window of no stream",
	  { { MUX_UPDATE, 0, 2, 1 } },
	  WIRE_BAD_STREAM },
	{ "a whole window of bytes",
	  { { MUX_DATA, 0, 1, MUX_WINDOW } },
	  WIRE_OK },
	{ "more than its window",
	  { SYN_LOG(2), { MUX_DATA, 0, 2, MUX_WINDOW } },
	  WIRE_BAD_WINDOW },
	{ "ping", { { MUX_PING, MUX_SYN, 0, 1 } }, WIRE_OK },
	{ "pong", { { MUX_PING, MUX_ACK, 0, 1 } }, WIRE_BAD_ORDER },
	{ "a head that cannot be", { { MUX_PING, 0, 0, 1 } }, WIRE_BAD_TYPE },
};

/* Flags or a number mark a frame that is there. */
static bool is_frame(const struct frame *f)
{
	return f->flags || f->stream || f->t;
}

static void offend(size_t i)
{
	enum wire_fault got = WIRE_OK;
	struct side s;
	size_t k;

	side_init(&s, true, WIRE_READER_EMAIL);
	assert_non_null(mux_open(&s.m, WIRE_READER));
	for (k = 0; k < ROW_FRAMES && is_frame(&offences[i].f[k]); k++) {
		if (got != WIRE_OK)
			fail_msg("%s: too early", offences[i].name);
		got = feed(&s, offences[i].f[k]);
	}
	if (got != offences[i].want)
		fail_msg("%s: got %s, want %s", offences[i].name,
			 wire_fault_name(got),
			 wire_fault_name(offences[i].want));
	assert_true((got == WIRE_OK) == !s.m.detail);
	/* It sticks, and nothing is called back or taken any more. */
	buf_reset(&s.events);
	if (got != WIRE_OK) {
		assert_int_equal(feed(&s, (struct frame)SYN_LOG(100)), got);
		assert_null(mux_open(&s.m, WIRE_READER));
		assert_int_equal(s.events.n, 0);
	}
	side_done(&s);
}

static void test_offences(void **)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(offences); i++)
		offend(i);
}

/* A guest's mux looks at its host in the same way. */
static void test_hostile_host(void **)
{
	static const struct {
		struct frame f;
		enum wire_fault want;
	} rows[] = {
		{ { MUX_DATA, MUX_SYN, 1, 1, "\2" }, WIRE_OK },
		{ { MUX_DATA, MUX_SYN, 2, 1, "\2" }, WIRE_BAD_STREAM },
		{ { MUX_DATA, MUX_SYN, 1, 1, "\6" }, WIRE_BAD_STREAM },
		{ { MUX_DATA, MUX_SYN, 1, 1, "\3" }, WIRE_BAD_TYPE },
	};
	struct side s;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		side_init(&s, false, WIRE_READER_EMAIL);
		assert_int_equal(feed(&s, rows[i].f), rows[i].want);
		side_done(&s);
	}
}

/*
 * What an implementation that is not ours sent (libp2p's, npm
 * @chainsafe/libp2p-yamux 7.0.4, as the server): it opened a log and said two
 * things, and sent what came on our stream back on it. It took all of ours.
 */
static void test_foreign(void **)
{
	static const char hex[] = "000200010000000000000000"
				  "000100010000000200000000"
				  "000000000000000200000001"
				  "06"
				  "000000000000000200000007"
				  "61206c696e650a"
				  "00000000000000020000000a"
				  "78787878787878787878"
				  "000100040000000200000000"
				  "000100020000000100000001"
				  "000100000000000100000005"
				  "000000000000000100000005"
				  "6162636465"
				  "000100040000000100000000"
				  "000300000000000000000000";
	uint8_t bytes[sizeof(hex) / 2];
	struct side s;

	side_init(&s, true, WIRE_READER_EMAIL);
	s.end_end = true;
	assert_non_null(mux_open(&s.m, WIRE_READER));
	s.m.streams[0].user = (void *)1;
	buf_reset(&s.m.out);
	assert_int_equal(mux_send(&s.m, &s.m.streams[0], SPAN_LIT("abcde")), 5);
	assert_int_equal(hex_decode(bytes, sizeof(bytes), span_str(hex)), 0);
	assert_int_equal(mux_feed(&s.m, span_of(bytes, sizeof(bytes))),
			 WIRE_OK);
	check_events(&s, "open2:log data2 a line\nxxxxxxxxxxend2 closed2 "
			 "room1 room1 data1 abcdeend1 closed1 gone0 ");
	side_done(&s);
}

/* --- limits in all ----------------------------------------------------- */

static void test_bytes(void **)
{
	struct side s;
	size_t i;

	side_init(&s, true, WIRE_READER_EMAIL);
	assert_int_equal(feed(&s, (struct frame)SYN_LOG(2)), WIRE_OK);
	for (i = 0; i < BYTES - 1; i += BYTES / 16)
		assert_int_equal(feed_bytes(&s, 2, BYTES / 16 - !i), WIRE_OK);
	assert_int_equal(s.m.bytes, BYTES);
	assert_int_equal(feed_bytes(&s, 2, 0), WIRE_OK);
	assert_int_equal(feed_bytes(&s, 2, 1), WIRE_TOO_MUCH);
	side_done(&s);
}

/* Bytes earn frames: a frame each MUX_EARN. */
static void test_frames(void **)
{
	struct side s;
	size_t i;

	side_init(&s, true, WIRE_READER_EMAIL);
	assert_int_equal(feed(&s, (struct frame)SYN_LOG(2)), WIRE_OK);
	for (i = 1; i < FRAMES; i++)
		assert_int_equal(feed_bytes(&s, 2, 0), WIRE_OK);
	assert_int_equal(feed_bytes(&s, 2, MUX_EARN - 1), WIRE_OK);
	assert_int_equal(feed_bytes(&s, 2, 0), WIRE_TOO_MUCH);
	side_done(&s);
}

static void test_opens(void **)
{
	struct side s;
	uint32_t i;

	side_init(&s, true, WIRE_READER_EMAIL);
	for (i = 1; i <= OPENS; i++) {
		assert_int_equal(feed(&s, (struct frame)SYN_LOG(2 * i)),
				 WIRE_OK);
		assert_int_equal(feed(&s, (struct frame){ MUX_UPDATE, MUX_RST,
							  2 * i, 0, NULL }),
				 WIRE_OK);
	}
	assert_int_equal(feed(&s, (struct frame)SYN_LOG(2 * i)), WIRE_TOO_MUCH);
	side_done(&s);
}

static void test_rows(void **)
{
	struct side s;
	uint32_t i;

	side_init(&s, true, WIRE_READER_EMAIL);
	s.m.c.opens = UINT32_MAX;
	s.m.c.frames = UINT32_MAX;
	for (i = 1; i <= MUX_STREAMS; i++)
		assert_int_equal(feed(&s, (struct frame){ MUX_UPDATE, MUX_SYN,
							  2 * i, 0, NULL }),
				 WIRE_OK);
	assert_null(mux_open(&s.m, WIRE_READER));
	assert_int_equal(
		feed(&s, (struct frame){ MUX_UPDATE, MUX_SYN, 2 * i, 0, NULL }),
		WIRE_TOO_MUCH);
	side_done(&s);
}

/* Whoever asks and does not read the answers. */
static void test_unread(void **)
{
	enum wire_fault got = WIRE_OK;
	struct side s;
	size_t i;

	side_init(&s, true, WIRE_READER_EMAIL);
	s.m.c.frames = UINT32_MAX;
	for (i = 0; got == WIRE_OK; i++)
		got = feed(&s, (struct frame){ MUX_PING, MUX_SYN, 0, 0, NULL });
	assert_int_equal(got, WIRE_TOO_MUCH);
	assert_int_equal(i, MUX_OUT_MAX / MUX_HEAD + 1);
	assert_true(s.m.out.n <= MUX_OUT_MAX);
	side_done(&s);
}

/* --- windows ----------------------------------------------------------- */

/* Nothing is given back: a window, and not a byte more, either way. */
static void test_window_out(void **)
{
	static uint8_t all[MUX_WINDOW + 1];
	struct mux_stream *st;
	struct side s;
	size_t n = 0;

	side_init(&s, true, WIRE_READER_EMAIL);
	st = mux_open(&s.m, WIRE_READER);
	st->user = (void *)1;
	/* More than MUX_OUT_LOW waits for the wire only by heads. */
	n = mux_send(&s.m, st, span_of(all, sizeof(all)));
	assert_in_range(n, MUX_OUT_LOW - MUX_WINDOW / 1024, MUX_OUT_LOW);
	assert_int_equal(mux_room(&s.m, st), 0);
	while (s.m.out.n) {
		buf_reset(&s.m.out);
		n += mux_send(&s.m, st, span_of(all, sizeof(all)));
	}
	assert_int_equal(n, MUX_WINDOW - 1);
	mux_drained(&s.m);
	check_events(&s, "");
	assert_int_equal(feed(&s, (struct frame){ MUX_UPDATE, 0, 1, 3, NULL }),
			 WIRE_OK);
	check_events(&s, "room1 ");
	assert_int_equal(mux_room(&s.m, st), 3);
	assert_int_equal(mux_send(&s.m, st, span_of(all, 4)), 3);
	mux_end(&s.m, st);
	assert_int_equal(mux_room(&s.m, st), 0);
	assert_int_equal(mux_send(&s.m, st, span_of(all, 4)), 0);
	side_done(&s);
}

static void test_window_in(void **)
{
	struct mux_stream *st;
	struct side s;

	side_init(&s, true, WIRE_READER_EMAIL);
	s.consume = false;
	st = mux_open(&s.m, WIRE_READER);
	buf_reset(&s.m.out);
	assert_int_equal(feed_bytes(&s, 1, MUX_WINDOW), WIRE_OK);
	assert_int_equal(st->may_come, 0);
	mux_consumed(&s.m, st, MUX_WINDOW / 2 - 1);
	check_out(&s, "");
	mux_consumed(&s.m, st, 1);
	check_out(&s, "000100000000000100020000");
	assert_int_equal(feed_bytes(&s, 1, MUX_WINDOW / 2), WIRE_OK);
	assert_int_equal(feed_bytes(&s, 1, 1), WIRE_BAD_WINDOW);
	side_done(&s);
}

/* What has ended needs no window. */
static void test_window_ended(void **)
{
	struct mux_stream *st;
	struct side s;

	side_init(&s, true, WIRE_READER_EMAIL);
	s.consume = false;
	st = mux_open(&s.m, WIRE_READER);
	buf_reset(&s.m.out);
	assert_int_equal(feed_bytes(&s, 1, MUX_WINDOW), WIRE_OK);
	assert_int_equal(
		feed(&s, (struct frame){ MUX_DATA, MUX_FIN, 1, 0, "" }),
		WIRE_OK);
	mux_consumed(&s.m, st, MUX_WINDOW);
	check_out(&s, "");
	side_done(&s);
}

/* --- the life of streams ----------------------------------------------- */

static const struct frame life[] = {
	{ MUX_UPDATE, MUX_ACK, 1, 0, NULL },
	{ MUX_DATA, MUX_SYN, 2, 1, "\1" },
	{ MUX_DATA, 0, 2, 5, "ready" },
	{ MUX_DATA, MUX_SYN, 4, 4, "\6one" },
	{ MUX_DATA, 0, 1, 6, "{json}" },
	{ MUX_DATA, 0, 4, 4, "two\n" },
	{ MUX_DATA, 0, 4, 0, "" },
	{ MUX_UPDATE, 0, 1, 1, NULL },
	{ MUX_PING, MUX_SYN, 0, 77, NULL },
	{ MUX_DATA, MUX_FIN, 1, 4, "tail" },
	{ MUX_UPDATE, MUX_FIN, 4, 0, NULL },
	{ MUX_UPDATE, MUX_RST, 2, 0, NULL },
	{ MUX_DATA, 0, 2, 4, "late" },
	{ MUX_DATA, MUX_SYN | MUX_FIN, 6, 4, "\6all" },
	{ MUX_GO_AWAY, 0, 0, 9, NULL },
};

/* Fed up to a cut, then in steps; step 0: all the rest. */
static void live(struct span all, size_t cut, size_t step)
{
	struct side s;

	side_init(&s, true, WIRE_READER_EMAIL);
	assert_non_null(mux_open(&s.m, WIRE_READER));
	s.m.streams[0].user = (void *)1;
	/* So that the second log is not one too many. */
	s.end_end = true;
	while (all.n) {
		size_t n = cut && cut < all.n ? cut : all.n;

		assert_int_equal(mux_feed(&s.m, span_of(all.p, n)), WIRE_OK);
		all = span_of(all.p + n, all.n - n);
		cut = step;
	}
	check_events(&s, "open2:control data2 ready"
			 "open4:log data4 onedata1 {json}data4 two\nroom1 "
			 "data1 tailend1 closed1 end4 closed4 reset2 "
			 "open6:log data6 allend6 closed6 gone9 ");
	side_done(&s);
}

static void test_every_split(void **)
{
	CLEAN_BUF struct buf b;
	size_t i;

	buf_init(&b, 4096);
	for (i = 0; i < ARRAY_SIZE(life); i++)
		put_frame(&b, &life[i]);
	for (i = 0; i <= b.n; i++)
		live(buf_view(&b), i, 0);
	for (i = 1; i < 30; i++)
		live(buf_view(&b), i, i);
}

/* Without an end of ours, streams are half closed, and half is no close. */
static void test_half_closed(void **)
{
	struct mux_stream *st;
	struct side s;
	size_t i;

	side_init(&s, true, WIRE_READER_EMAIL);
	st = mux_open(&s.m, WIRE_READER);
	st->user = (void *)1;
	for (i = 0; i < 10; i++)
		assert_int_equal(feed(&s, life[i]), WIRE_OK);
	buf_reset(&s.events);
	assert_true(st->peer_ended);
	assert_int_equal(mux_send(&s.m, st, SPAN_LIT("more")), 4);
	check_events(&s, "");
	mux_end(&s.m, st);
	check_events(&s, "closed1 ");
	assert_null(mux_find(&s.m, 1));
	side_done(&s);
}

/* What was on its way when a stream was reset is dropped, but counts. */
static void test_late(void **)
{
	struct mux_stream *st;
	struct side s;

	side_init(&s, true, WIRE_READER_EMAIL);
	st = mux_open(&s.m, WIRE_READER);
	st->user = (void *)1;
	mux_reset(&s.m, st);
	check_events(&s, "reset1 ");
	assert_int_equal(
		feed(&s, (struct frame){ MUX_UPDATE, MUX_ACK, 1, 0, NULL }),
		WIRE_OK);
	assert_int_equal(feed_bytes(&s, 1, 1000), WIRE_OK);
	assert_int_equal(feed(&s, (struct frame){ MUX_UPDATE, MUX_FIN, 1,
						  UINT32_MAX, NULL }),
			 WIRE_OK);
	check_events(&s, "");
	assert_int_equal(s.m.bytes, 1000);
	assert_int_equal(s.m.frames, 3);
	side_done(&s);
}

static void test_reset_opened(void **)
{
	struct side s;

	side_init(&s, true, WIRE_READER_EMAIL);
	s.reset_opened = true;
	assert_int_equal(feed(&s, (struct frame){ MUX_DATA, MUX_SYN | MUX_FIN,
						  2, 5, "\6rest" }),
			 WIRE_OK);
	check_events(&s, "open2:log reset2 ");
	check_out(&s, "000100020000000200000000"
		      "000100080000000200000000");
	side_done(&s);
}

static void test_reset_data(void **)
{
	CLEAN_BUF struct buf b;
	struct side s;
	size_t i;

	side_init(&s, true, WIRE_READER_EMAIL);
	s.reset_data = true;
	buf_init(&b, 4096);
	put_frame(&b, &(struct frame){ MUX_DATA, MUX_SYN | MUX_FIN, 2, 5,
				       "\6rest" });
	put_frame(&b, &(struct frame)SYN_LOG(4));
	for (i = 0; i < b.n; i++)
		assert_int_equal(mux_feed(&s.m, span_of(b.p + i, 1)), WIRE_OK);
	check_events(&s, "open2:log data2 rreset2 open4:log ");
	side_done(&s);
}

/* The next is opened where the last one ends, in its row. */
static void test_open_closed(void **)
{
	struct mux_stream *st;
	struct side s;

	side_init(&s, true, WIRE_READER_EMAIL);
	st = mux_open(&s.m, WIRE_READER);
	st->user = (void *)1;
	assert_null(mux_open(&s.m, WIRE_READER));
	s.open_closed = true;
	mux_end(&s.m, st);
	assert_int_equal(
		feed(&s, (struct frame){ MUX_DATA, MUX_FIN, 1, 1, "x" }),
		WIRE_OK);
	check_events(&s, "data1 xend1 closed1 ");
	assert_int_equal(s.last->id, 3);
	assert_true(s.last == st);
	assert_int_equal(s.last->may_send, MUX_WINDOW - 1);
	assert_false(s.last->ended || s.last->peer_ended);
	assert_int_equal(
		feed(&s, (struct frame){ MUX_UPDATE, MUX_RST, 3, 0, NULL }),
		WIRE_OK);
	check_events(&s, "reset3 ");
	assert_int_equal(s.last->id, 5);
	/* Late on the first, which is nobody's now. */
	assert_int_equal(feed_bytes(&s, 1, 7), WIRE_OK);
	check_events(&s, "");
	side_done(&s);
}

/* After its GO AWAY the peer wants no more streams. */
static void test_gone(void **)
{
	struct side s;

	side_init(&s, true, WIRE_READER_EMAIL);
	assert_int_equal(feed(&s, (struct frame){ MUX_GO_AWAY, 0, 0, 0, NULL }),
			 WIRE_OK);
	assert_null(mux_open(&s.m, WIRE_READER));
	side_done(&s);
}

static void test_ids_end(void **)
{
	struct side s;

	side_init(&s, true, WIRE_READER_EMAIL);
	s.m.next_id = UINT32_MAX - 2;
	assert_non_null(mux_open(&s.m, WIRE_READER));
	mux_reset(&s.m, mux_of(&s.m, WIRE_READER));
	assert_null(mux_open(&s.m, WIRE_READER));
	side_done(&s);
}

/* --- two of them ------------------------------------------------------- */

enum { TALK_BYTES = 700 * 1000, TALK_STEP = 90 * 1000, TALK_ROUNDS = 20 };

struct talker {
	struct mux m;
	struct mux_stream *s; /* of the conversation */
	size_t sent, got, held;
	uint8_t salt;
	bool end, closed;
	uint32_t *rand;
};

static uint32_t next_rand(uint32_t *x)
{
	*x ^= *x << 13;
	*x ^= *x >> 17;
	*x ^= *x << 5;
	return *x;
}

static uint8_t byte_at(size_t at, uint8_t salt)
{
	return (uint8_t)(at * 7 + (at >> 8) + salt);
}

static void talk_send(struct talker *t)
{
	static uint8_t chunk[TALK_STEP];
	size_t n = next_rand(t->rand) % TALK_STEP, i;

	if (!t->s || t->s->ended)
		return;
	if (n > TALK_BYTES - t->sent)
		n = TALK_BYTES - t->sent;
	for (i = 0; i < n; i++)
		chunk[i] = byte_at(t->sent + i, t->salt);
	t->sent += mux_send(&t->m, t->s, span_of(chunk, n));
	assert_true(t->m.out.n <= MUX_OUT_LOW + 4 * MUX_HEAD);
	if (t->sent == TALK_BYTES)
		mux_end(&t->m, t->s);
}

static void talk_opened(void *arg, struct mux_stream *s)
{
	struct talker *t = arg;

	t->s = s;
}

static void talk_data(void *arg, struct mux_stream *s, struct span bytes)
{
	struct talker *t = arg;
	size_t i;

	assert_true(s == t->s);
	for (i = 0; i < bytes.n; i++)
		assert_int_equal(bytes.p[i],
				 byte_at(t->got + i, (uint8_t)~t->salt));
	t->got += bytes.n;
	t->held += bytes.n;
	assert_true(t->held <= MUX_WINDOW);
}

static void talk_end(void *arg, struct mux_stream *)
{
	struct talker *t = arg;

	t->end = true;
}

static void talk_closed(void *arg, struct mux_stream *, bool reset)
{
	struct talker *t = arg;

	assert_false(reset);
	t->closed = true;
	t->s = NULL;
}

static const struct mux_ops talk_ops = { .opened = talk_opened,
					 .data = talk_data,
					 .end = talk_end,
					 .closed = talk_closed };

/* Some of what from has for the wire comes to to, in a piece of its own. */
static void talk_move(struct talker *from, struct talker *to)
{
	size_t n = next_rand(from->rand) % (3 * MUX_CHUNK);

	if (next_rand(from->rand) % 2)
		n %= 20;
	if (n > from->m.out.n)
		n = from->m.out.n;
	assert_int_equal(mux_feed(&to->m, span_of(from->m.out.p, n)), WIRE_OK);
	buf_drop(&from->m.out, n);
	mux_drained(&from->m);
	n = next_rand(to->rand) % (to->held + 1);
	if (to->s)
		mux_consumed(&to->m, to->s, n);
	to->held -= n;
}

static void talker_init(struct talker *t, bool host, uint32_t *seed)
{
	const struct mux_config c = { .host = host,
				      .workload = WIRE_READER_EMAIL,
				      .bytes = TALK_BYTES + 1,
				      .frames = 4096,
				      .opens = 1,
				      .ops = &talk_ops,
				      .arg = t };

	*t = (struct talker){ .salt = host ? 5 : (uint8_t)~5, .rand = seed };
	mux_init(&t->m, &c);
}

static void talk(uint32_t seed)
{
	struct talker host, guest;
	size_t i;

	talker_init(&host, true, &seed);
	talker_init(&guest, false, &seed);
	host.s = mux_open(&host.m, WIRE_READER);
	for (i = 0; i < 100000 && !(host.closed && guest.closed); i++) {
		talk_send(&host);
		talk_send(&guest);
		talk_move(&host, &guest);
		talk_move(&guest, &host);
	}
	assert_true(host.closed && guest.closed && host.end && guest.end);
	assert_int_equal(host.got, TALK_BYTES);
	assert_int_equal(guest.got, TALK_BYTES);
	mux_done(&host.m);
	mux_done(&guest.m);
}

static void test_talk(void **)
{
	uint32_t seed;

	for (seed = 1; seed <= TALK_ROUNDS; seed++)
		talk(seed * 2654435761U);
}

/* --- those who watch --------------------------------------------------- */

static void tap(void *arg, bool out, const struct mux_head *h,
		enum wire_service service, struct span first)
{
	struct buf *b = arg;

	buf_printf(b, "%c%d/%x/%u/%u/%d:%.*s ", out ? '>' : '<', (int)h->type,
		   (unsigned int)h->flags, h->stream, h->length, (int)service,
		   (int)first.n, (const char *)first.p);
}

/* All frames both ways, also the one that is the fault. */
static void test_tap(void **)
{
	static const struct mux_ops tap_ops = { .tap = tap };
	const struct mux_config c = { .workload = WIRE_PROBE,
				      .bytes = BYTES,
				      .frames = FRAMES,
				      .opens = OPENS,
				      .ops = &tap_ops };
	CLEAN_BUF struct buf seen;
	struct mux_stream *st;
	struct side s;

	side_init(&s, false, WIRE_PROBE);
	mux_done(&s.m);
	mux_init(&s.m, &c);
	s.m.c.arg = &seen;
	buf_init(&seen, 4096);
	st = mux_open(&s.m, WIRE_LOG);
	(void)mux_send(&s.m, st, SPAN_LIT("hi"));
	assert_int_equal(
		feed(&s, (struct frame){ MUX_UPDATE, MUX_ACK, 2, 0, NULL }),
		WIRE_OK);
	assert_int_equal(
		feed(&s, (struct frame){ MUX_DATA, MUX_SYN, 1, 3, "\2ab" }),
		WIRE_OK);
	assert_int_equal(
		feed(&s, (struct frame){ MUX_DATA, MUX_FIN, 1, 2, "cd" }),
		WIRE_OK);
	assert_int_equal(feed(&s, (struct frame){ MUX_DATA, 0, 1, 1, "e" }),
			 WIRE_BAD_STREAM);
	assert_string_equal(buf_cstr(&seen),
			    ">0/1/2/1/6:\6 >0/0/2/2/6:hi <1/2/2/0/6: "
			    "<0/1/1/3/0:\2ab >1/2/1/0/2: <0/4/1/2/2:cd "
			    "<0/0/1/1/2:e ");
	side_done(&s);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_golden),
		cmocka_unit_test(test_heads),
		cmocka_unit_test(test_offences),
		cmocka_unit_test(test_hostile_host),
		cmocka_unit_test(test_foreign),
		cmocka_unit_test(test_bytes),
		cmocka_unit_test(test_frames),
		cmocka_unit_test(test_opens),
		cmocka_unit_test(test_rows),
		cmocka_unit_test(test_unread),
		cmocka_unit_test(test_window_out),
		cmocka_unit_test(test_window_in),
		cmocka_unit_test(test_window_ended),
		cmocka_unit_test(test_every_split),
		cmocka_unit_test(test_half_closed),
		cmocka_unit_test(test_late),
		cmocka_unit_test(test_reset_opened),
		cmocka_unit_test(test_reset_data),
		cmocka_unit_test(test_open_closed),
		cmocka_unit_test(test_gone),
		cmocka_unit_test(test_ids_end),
		cmocka_unit_test(test_talk),
		cmocka_unit_test(test_tap),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
