/*
 * link_fuzz: bytes from a guest, after a handshake that was right, with READY
 * or without, and an owner that has a mail to read.
 */
#include <stdlib.h>

#include "exchange.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { BYTES = 1 << 16, FRAMES = 256, OPENS = 4 };

struct owner {
	struct link l;
	struct exchange x;
};

static void on_ready(void *arg)
{
	struct owner *o = arg;

	(void)exchange_start(&o->x, WIRE_ITEM_EMAIL,
			     SPAN_LIT("From: a@example.org\n\nhi"));
}

static void on_log(void *arg, struct span line)
{
	(void)arg;
	if (line.n == 0 || line.n > LINK_LINE_MAX)
		abort();
}

static void on_exited(void *arg, const struct wire_exit *e)
{
	(void)arg;
	if (e->status > 255)
		abort();
}

static void on_gone(void *arg)
{
	struct owner *o = arg;

	if (link_hello(&o->l, false) < 0)
		abort();
}

/* No other stream is a reader's. */
static void on_opened(void *arg, struct mux_stream *s)
{
	(void)arg;
	(void)s;
	abort();
}

static void on_data(void *arg, struct mux_stream *s, struct span bytes)
{
	(void)arg;
	exchange_on_data(s, bytes);
}

static void on_end(void *arg, struct mux_stream *s)
{
	(void)arg;
	exchange_on_end(s);
}

static void on_closed(void *arg, struct mux_stream *s, bool reset)
{
	(void)arg;
	(void)reset;
	exchange_on_closed(s);
}

static void on_room(void *arg, struct mux_stream *s)
{
	(void)arg;
	exchange_on_room(s);
}

static void on_fault(void *arg, enum wire_fault f, const char *detail)
{
	(void)arg;
	if (f == WIRE_OK || !*detail)
		abort();
}

static const struct link_ops ops = { .ready = on_ready,
				     .log = on_log,
				     .exited = on_exited,
				     .gone = on_gone,
				     .opened = on_opened,
				     .data = on_data,
				     .end = on_end,
				     .closed = on_closed,
				     .room = on_room,
				     .fault = on_fault };

/* After the first mail another, then that is enough. */
static void on_read(void *arg, struct exchange *x, enum exchange_end how)
{
	struct owner *o = arg;

	if (how == EXCHANGE_ANSWERED && x->size)
		(void)exchange_start(x, WIRE_ITEM_SLACK, SPAN_LIT(""));
	else
		link_go_away(&o->l);
}

static void shake_hands(struct link *l, bool ready)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, 4096);
	wire_ack_put(&b, l->key, buf_view(&l->hello));
	if (ready) {
		mux_head_put(&b, &(struct mux_head){ MUX_DATA, MUX_SYN, 2,
						     WIRE_HEAD + 1 });
		buf_u8(&b, WIRE_CONTROL);
		wire_put(&b, WIRE_READY, span_of(NULL, 0));
	}
	link_feed(l, buf_view(&b));
	if (l->fault != WIRE_OK)
		abort();
}

/* The first byte says in which pieces the rest comes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct owner o;
	const struct link_config c = { .workload = WIRE_READER_EMAIL,
				       .limits = { BYTES, FRAMES, OPENS },
				       .ops = &ops,
				       .arg = &o };
	size_t step, pos;

	if (!size || link_init(&o.l, &c) < 0)
		return 0;
	exchange_init(&o.x, &o.l, on_read, &o);
	if (link_hello(&o.l, data[0] & 2) < 0)
		abort();
	shake_hands(&o.l, data[0] & 1);
	step = (size_t)(data[0] >> 2) + 1;
	for (pos = 1; pos < size; pos += step)
		link_feed(&o.l, span_of(data + pos,
					size - pos < step ? size - pos : step));
	exchange_done(&o.x);
	link_done(&o.l);
	return 0;
}
