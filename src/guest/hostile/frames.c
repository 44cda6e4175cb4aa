/*
 * frames: what can be wrong about streams, with a good handshake behind and
 * the work at hand.
 */
#include "guest/hostile/hostile.h"

#include <unistd.h>

static const uint8_t filler[MUX_CHUNK];

/* ---- floods of frames that carry next to nothing */

static void tiny_flood(struct hostile *g)
{
	uint32_t log = log_open(g);

	for (;;) {
		frame_with(g, 0, log, SPAN_LIT("x"));
		flush(g);
	}
}

static void empty_flood(struct hostile *g)
{
	for (;;) {
		frame_with(g, 0, g->work->id, span_of(NULL, 0));
		flush(g);
	}
}

static void ping_flood(struct hostile *g)
{
	for (;;) {
		frame(g, MUX_PING, MUX_SYN, 0, 1);
		flush(g);
	}
}

static void update_flood(struct hostile *g)
{
	for (;;) {
		frame(g, MUX_UPDATE, 0, ID_CONTROL, 0);
		flush(g);
	}
}

/* Streams without a word about what they are for. */
static void syn_flood(struct hostile *g)
{
	uint32_t id;

	for (id = ID_NEXT;; id += 2) {
		frame(g, MUX_UPDATE, MUX_SYN, id, 0);
		flush(g);
	}
}

/* One at a time, each thrown away again. */
static void open_flood(struct hostile *g)
{
	uint32_t id;

	for (id = ID_NEXT;; id += 2) {
		frame_with(g, MUX_SYN, id, SPAN_LIT("\6"));
		frame(g, MUX_UPDATE, MUX_RST, id, 0);
		flush(g);
	}
}

static void second_log(struct hostile *g)
{
	frame_with(g, MUX_SYN, log_open(g) + 2, SPAN_LIT("\6"));
}

/* ---- windows */

static void over_window(struct hostile *g)
{
	uint32_t log = log_open(g);
	size_t n;

	frame(g, MUX_DATA, 0, log, MUX_WINDOW);
	for (n = 0; n < MUX_WINDOW; n += sizeof(filler)) {
		buf_put(&g->mux.out, filler, sizeof(filler));
		flush(g);
	}
}

static void window_overflow(struct hostile *g)
{
	frame(g, MUX_UPDATE, 0, g->work->id, UINT32_MAX);
}

static void window_too_wide(struct hostile *g)
{
	frame(g, MUX_UPDATE, 0, g->work->id, MUX_WINDOW + 1);
}

static void oversized_frame(struct hostile *g)
{
	frame(g, MUX_DATA, 0, g->work->id, MUX_WINDOW + 1);
}

static void huge_frame(struct hostile *g)
{
	frame(g, MUX_DATA, 0, g->work->id, UINT32_MAX);
}

/* ---- frames and streams that cannot be */

static void unknown_frame(struct hostile *g)
{
	frame(g, MUX_TYPES, 0, ID_CONTROL, 0);
}

static void unknown_flag(struct hostile *g)
{
	frame(g, MUX_DATA, 0x10, ID_CONTROL, 0);
}

static void bad_flags(struct hostile *g)
{
	frame(g, MUX_DATA, MUX_FIN | MUX_RST, ID_CONTROL, 0);
}

static void frame_version(struct hostile *g)
{
	frame(g, MUX_DATA, 0, ID_CONTROL, 0);
	g->mux.out.p[g->mux.out.n - MUX_HEAD] = 1;
}

static void unknown_service(struct hostile *g)
{
	uint8_t service = WIRE_SERVICE_MAX;

	frame_with(g, MUX_SYN, ID_NEXT, span_of(&service, 1));
}

static void wrong_service(struct hostile *g)
{
	uint8_t service = WIRE_EGRESS;

	frame_with(g, MUX_SYN, ID_NEXT, span_of(&service, 1));
}

/* A reader stream is the host's to open. */
static void own_reader(struct hostile *g)
{
	uint8_t service = WIRE_READER;

	frame_with(g, MUX_SYN, ID_NEXT, span_of(&service, 1));
}

static void odd_stream(struct hostile *g)
{
	frame_with(g, MUX_SYN, 1001, SPAN_LIT("\6"));
}

static void stream_again(struct hostile *g)
{
	frame_with(g, MUX_SYN, ID_CONTROL, SPAN_LIT("\6"));
}

static void stream_unopened(struct hostile *g)
{
	frame_with(g, 0, 4000, SPAN_LIT("x"));
}

static void stream_zero(struct hostile *g)
{
	frame_with(g, 0, 0, SPAN_LIT("x"));
}

static void after_fin(struct hostile *g)
{
	uint32_t log = log_open(g);

	frame_with(g, MUX_FIN, log, SPAN_LIT("x"));
	frame_with(g, 0, log, SPAN_LIT("x"));
}

static void second_fin(struct hostile *g)
{
	uint32_t log = log_open(g);

	frame_with(g, MUX_FIN, log, SPAN_LIT("x"));
	frame(g, MUX_UPDATE, MUX_FIN, log, 0);
}

static void pong(struct hostile *g)
{
	frame(g, MUX_PING, MUX_ACK, 0, 1);
}

static void second_go_away(struct hostile *g)
{
	frame(g, MUX_GO_AWAY, 0, 0, 0);
	frame(g, MUX_GO_AWAY, 0, 0, 0);
}

static void hello_again(struct hostile *g)
{
	wire_put(&g->out, WIRE_HELLO, span_of(g->payload, g->payload_n));
}

/* ---- giant and endless streams, by all rules of the multiplexer */

static void giant_answer(struct hostile *g)
{
	for (;;)
		send_all(g, g->work, span_of(filler, sizeof(filler)));
}

static void giant_log(struct hostile *g)
{
	struct mux_stream *log = mux_open(&g->mux, WIRE_LOG);

	for (;;)
		send_all(g, log, span_of(filler, sizeof(filler)));
}

static void drip(struct hostile *g)
{
	for (;;) {
		send_all(g, g->work, SPAN_LIT(" "));
		pump(g, 200);
	}
}

static void half_answer(struct hostile *g)
{
	send_all(g, g->work, SPAN_LIT("{\"schema\":"));
}

/* All is said, but for the end. */
static void no_end(struct hostile *g)
{
	send_all(g, g->work, SPAN_LIT("{}"));
}

/* ---- ends and answers */

static void half_frame(struct hostile *g)
{
	frame(g, MUX_DATA, 0, g->work->id, 1000);
	buf_put(&g->mux.out, filler, 999);
	flush(g);
	off();
}

static void early_exit(struct hostile *g)
{
	exit_put(g, WIRE_EXIT_CODE, 0);
}

static void bad_exit(struct hostile *g)
{
	exit_put(g, 77, 0);
}

static void second_exit(struct hostile *g)
{
	exit_put(g, WIRE_EXIT_CODE, 0);
	exit_put(g, WIRE_EXIT_CODE, 0);
}

static void empty_answer(struct hostile *g)
{
	mux_end(&g->mux, g->work);
}

static void reset_answer(struct hostile *g)
{
	mux_reset(&g->mux, g->work);
}

/* A flawless wire, and rubbish on it. */
static void rubbish(struct hostile *g)
{
	send_all(g, g->work, SPAN_LIT("\x1b[2J{\"subject\":\xff"));
	mux_end(&g->mux, g->work);
}

static const struct mode rows[] = {
	{ "tiny-flood", tiny_flood, WHEN_WORKING },
	{ "empty-flood", empty_flood, WHEN_WORKING },
	{ "ping-flood", ping_flood, WHEN_WORKING },
	{ "update-flood", update_flood, WHEN_WORKING },
	{ "syn-flood", syn_flood, WHEN_WORKING },
	{ "open-flood", open_flood, WHEN_WORKING },
	{ "second-log", second_log, WHEN_WORKING },
	{ "over-window", over_window, WHEN_WORKING },
	{ "window-overflow", window_overflow, WHEN_WORKING },
	{ "window-too-wide", window_too_wide, WHEN_WORKING },
	{ "oversized-frame", oversized_frame, WHEN_WORKING },
	{ "huge-frame", huge_frame, WHEN_WORKING },
	{ "unknown-frame", unknown_frame, WHEN_WORKING },
	{ "unknown-flag", unknown_flag, WHEN_WORKING },
	{ "bad-flags", bad_flags, WHEN_WORKING },
	{ "frame-version", frame_version, WHEN_WORKING },
	{ "unknown-service", unknown_service, WHEN_WORKING },
	{ "wrong-service", wrong_service, WHEN_WORKING },
	{ "own-reader", own_reader, WHEN_WORKING },
	{ "odd-stream", odd_stream, WHEN_WORKING },
	{ "stream-again", stream_again, WHEN_WORKING },
	{ "stream-unopened", stream_unopened, WHEN_WORKING },
	{ "stream-zero", stream_zero, WHEN_WORKING },
	{ "after-fin", after_fin, WHEN_WORKING },
	{ "second-fin", second_fin, WHEN_WORKING },
	{ "pong", pong, WHEN_WORKING },
	{ "second-go-away", second_go_away, WHEN_WORKING },
	{ "hello-again", hello_again, WHEN_WORKING },
	{ "giant-answer", giant_answer, WHEN_WORKING },
	{ "giant-log", giant_log, WHEN_WORKING },
	{ "drip", drip, WHEN_WORKING },
	{ "half-answer", half_answer, WHEN_WORKING },
	{ "no-end", no_end, WHEN_WORKING },
	{ "half-frame", half_frame, WHEN_WORKING },
	{ "early-exit", early_exit, WHEN_WORKING },
	{ "bad-exit", bad_exit, WHEN_WORKING },
	{ "second-exit", second_exit, WHEN_WORKING },
	{ "empty-answer", empty_answer, WHEN_WORKING },
	{ "reset-answer", reset_answer, WHEN_WORKING },
	{ "rubbish", rubbish, WHEN_WORKING },
	{ "template-flood", tiny_flood, WHEN_WORKING, IN_TEMPLATE },
};

const struct modes modes_frames = { rows, ARRAY_SIZE(rows) };
