/*
 * mux_fuzz: bytes of a hostile peer into a mux, in pieces that the input
 * chooses, with an owner that opens, sends, ends and resets as it is told.
 * Whatever comes, no stream holds more than its window, and what waits for the
 * wire stays below its limit.
 */
#include <stdlib.h>

#include "proto/mux.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES = 1 << 20, FRAMES = 512, OPENS = 16 };

static void on_stream(void *arg, struct mux_stream *s)
{
	struct mux *m = arg;

	if (!s->id || !s->service || s->may_come > MUX_WINDOW ||
	    s->may_send > MUX_WINDOW)
		abort();
	/* Each row is another owner. */
	if (s->id % 8 == 6)
		mux_reset(m, s);
	else if (s->id % 8 == 3)
		mux_end(m, s);
	else
		(void)mux_send(m, s, SPAN_LIT("answer"));
}

static void on_data(void *arg, struct mux_stream *s, struct span bytes)
{
	if (bytes.n == 0 || bytes.n > MUX_WINDOW - s->may_come)
		abort();
	if (s->id % 8 != 4)
		mux_consumed(arg, s, bytes.n);
	on_stream(arg, s);
}

static void on_closed(void *arg, struct mux_stream *s, bool reset)
{
	if (s->id)
		abort();
	if (!reset)
		(void)mux_open(arg, WIRE_READER);
}

static void on_gone(void *arg, uint32_t why)
{
	mux_go_away(arg, why);
}

static const struct mux_ops ops = { .opened = on_stream,
				    .data = on_data,
				    .end = on_stream,
				    .closed = on_closed,
				    .room = on_stream,
				    .gone = on_gone };

/* The first byte says who we are and in which pieces the rest comes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct mux m;
	const struct mux_config c = {
		.host = size && data[0] & 1,
		.workload = size && data[0] & 2 ? WIRE_PLANNER_TRIAGE
						: WIRE_READER_EMAIL,
		.bytes = BYTES,
		.frames = FRAMES,
		.opens = OPENS,
		.ops = &ops,
		.arg = &m,
	};
	size_t step = size ? (size_t)(data[0] >> 2) + 1 : 1, pos;

	mux_init(&m, &c);
	(void)mux_open(&m, WIRE_READER);
	for (pos = 1; pos < size; pos += step) {
		(void)mux_feed(&m,
			       span_of(data + pos,
				       size - pos < step ? size - pos : step));
		if (m.out.n > MUX_OUT_MAX || m.opens > OPENS + 1)
			abort();
		if (pos % 3 == 0)
			buf_drop(&m.out, m.out.n);
		mux_drained(&m);
	}
	mux_done(&m);
	return 0;
}
