/* Fuzzes link: bytes from a guest, after a handshake that was right. */
#include <stdlib.h>

#include "link.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void on_bytes(void *arg, struct span bytes)
{
	size_t *n = arg;

	if (bytes.n == 0 || bytes.n > LIMIT_WIRE_FRAME)
		abort();
	*n += bytes.n;
}

static void on_nothing(void *arg)
{
	(void)arg;
}

static void on_exited(void *arg, const struct wire_exit *e)
{
	(void)arg;
	if (e->status > 255)
		abort();
}

static void on_fault(void *arg, enum wire_fault f, const char *detail)
{
	(void)arg;
	if (f == WIRE_OK || !*detail)
		abort();
}

static const struct link_ops ops = { .ready = on_nothing,
				     .data = on_bytes,
				     .log = on_bytes,
				     .exited = on_exited,
				     .room = on_nothing,
				     .fault = on_fault };

/* The first byte says in which pieces the rest comes. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t got = 0;
	const struct link_config c = { .workload = WIRE_PLANNER_TRIAGE,
				       .service = WIRE_MCP,
				       .max_data = 4096,
				       .ops = &ops,
				       .arg = &got };
	CLEAN_BUF struct buf ack;
	struct link l;
	size_t step, pos;

	buf_init(&ack, 4096);
	if (!size || link_init(&l, &c) < 0)
		return 0;
	wire_ack_put(&ack, l.key, buf_view(&l.hello));
	wire_put(&ack, WIRE_READY, WIRE_CONTROL, SPAN_LIT(""));
	link_feed(&l, buf_view(&ack));
	step = (size_t)data[0] + 1;
	for (pos = 1; pos < size; pos += step)
		link_feed(&l, span_of(data + pos,
				      size - pos < step ? size - pos : step));
	link_done(&l);
	return 0;
}
