/*
 * link_test: what of a link a whole session does not show well: lines of the
 * log, going away and another handshake, bytes when there is nothing to say.
 */
#include "base/testing.h"
#include "link.h"

struct told {
	uint32_t ready, gone, exited;
	uint32_t lines;
	size_t longest;
	struct buf log;
	enum wire_fault fault;
	uint32_t messages;
};

static void on_ready(void *arg)
{
	struct told *t = arg;

	t->ready++;
}

static void on_gone(void *arg)
{
	struct told *t = arg;

	t->gone++;
}

static void on_exited(void *arg, const struct wire_exit *e)
{
	struct told *t = arg;

	(void)e;
	t->exited++;
}

static void on_log(void *arg, struct span line)
{
	struct told *t = arg;

	t->lines++;
	if (line.n > t->longest)
		t->longest = line.n;
	buf_span(&t->log, line);
	buf_str(&t->log, "|");
}

static void on_fault(void *arg, enum wire_fault f, const char *detail)
{
	struct told *t = arg;

	(void)detail;
	assert_int_equal(t->fault, WIRE_OK);
	t->fault = f;
}

static void on_tap(void *arg, const struct m_frame *f)
{
	struct told *t = arg;

	assert_true(f->first.n <= FRAME_FIRST_MAX);
	if (f->kind != FRAME_MESSAGE)
		return;
	t->messages++;
	assert_int_equal(f->first.n, 0);
	assert_int_equal(f->length,
			 f->out ? (int)WIRE_HELLO_LEN : (int)WIRE_ACK_LEN);
}

static const struct link_ops ops = { .ready = on_ready,
				     .log = on_log,
				     .exited = on_exited,
				     .gone = on_gone,
				     .fault = on_fault,
				     .tap = on_tap };

static void start(struct link *l, struct told *t)
{
	const struct link_config c = { .workload = WIRE_READER_EMAIL,
				       .limits = { 1 << 20, 1024, 8 },
				       .ops = &ops,
				       .arg = t };

	*t = (struct told){ 0 };
	buf_init(&t->log, 1 << 20);
	assert_int_equal(link_init(l, &c), 0);
}

static void stop(struct link *l, struct told *t)
{
	link_done(l);
	buf_done(&t->log);
}

static void frame(struct link *l, enum mux_type t, uint16_t flags,
		  uint32_t stream, struct span payload)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, MUX_HEAD + payload.n);
	mux_head_put(&b, &(struct mux_head){ t, flags, stream,
					     (uint32_t)payload.n });
	buf_span(&b, payload);
	link_feed(l, buf_view(&b));
}

/* HELLO is taken from the link as a VM would, then ACK and READY. */
static void shake_hands(struct link *l, bool template)
{
	struct wire_hello h;
	CLEAN_BUF struct buf ack;
	struct span hello;

	buf_init(&ack, 256);
	assert_int_equal(link_hello(l, template), 0);
	assert_int_equal(l->mux.out.n, WIRE_HEAD + WIRE_HELLO_LEN);
	hello = span_of(l->mux.out.p + WIRE_HEAD, WIRE_HELLO_LEN);
	assert_int_equal(wire_hello_get(hello, &h), WIRE_OK);
	assert_int_equal(h.flags, template ? WIRE_HELLO_TEMPLATE : 0);
	wire_ack_put(&ack, h.key, hello);
	buf_drop(&l->mux.out, l->mux.out.n);
	link_feed(l, buf_view(&ack));
	frame(l, MUX_DATA, MUX_SYN, 2,
	      SPAN_LIT("\1\0\0\0\0\3\0\0\0")); /* control, READY */
}

/* Not a byte of key or random bytes stays anywhere once ACK was right. */
static void test_wiped(void **state)
{
	static const uint8_t zeroes[WIRE_KEY];
	struct told t;
	struct link l;
	size_t i;

	(void)state;
	start(&l, &t);
	shake_hands(&l, false);
	assert_int_equal(t.ready, 1);
	assert_int_equal(t.messages, 2);
	assert_memory_equal(l.key, zeroes, sizeof(zeroes));
	assert_null(l.hello.p);
	/* What was queued since then is our acceptance of control. */
	for (i = MUX_HEAD; i < l.mux.out.cap; i++)
		assert_int_equal(l.mux.out.p[i], 0);
	stop(&l, &t);
}

static void test_lines(void **state)
{
	static const struct {
		const char *text, *want;
	} rows[] = { { "\6one\n", "one|" },
		     { "two", "" },
		     { "\nthr", "two|" },
		     { "ee\n\n\nfour\nfi", "three|four|" },
		     { "ve", "" } };
	struct told t;
	struct link l;
	size_t i;

	(void)state;
	start(&l, &t);
	shake_hands(&l, false);
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		buf_reset(&t.log);
		frame(&l, MUX_DATA, i ? 0 : MUX_SYN, 4, span_str(rows[i].text));
		assert_string_equal(buf_cstr(&t.log), rows[i].want);
	}
	/* What has no newline is told at the end. */
	buf_reset(&t.log);
	frame(&l, MUX_DATA, MUX_FIN, 4, SPAN_LIT(""));
	assert_string_equal(buf_cstr(&t.log), "five|");
	assert_int_equal(t.fault, WIRE_OK);
	stop(&l, &t);
}

/* Or before EXIT. */
static void test_line_exit(void **state)
{
	struct told t;
	struct link l;

	(void)state;
	start(&l, &t);
	shake_hands(&l, false);
	frame(&l, MUX_DATA, MUX_SYN, 4, SPAN_LIT("\6why"));
	frame(&l, MUX_DATA, 0, 2, SPAN_LIT("\5\0\0\0\4\0\0\0\1\13\0\0\0"));
	assert_string_equal(buf_cstr(&t.log), "why|");
	assert_int_equal(t.exited, 1);
	/* And that was that. */
	frame(&l, MUX_UPDATE, MUX_RST, 2, SPAN_LIT(""));
	frame(&l, MUX_TYPES, 0, 2, SPAN_LIT(""));
	assert_int_equal(t.fault, WIRE_OK);
	stop(&l, &t);
}

static void test_line_limits(void **state)
{
	static uint8_t text[LINK_LINE_MAX + 2];
	struct told t;
	struct link l;
	size_t i;

	(void)state;
	start(&l, &t);
	shake_hands(&l, false);
	memset(text, 'x', sizeof(text));
	text[LINK_LINE_MAX + 1] = '\n';
	frame(&l, MUX_DATA, MUX_SYN, 4, SPAN_LIT("\6"));
	frame(&l, MUX_DATA, 0, 4, span_of(text, sizeof(text)));
	assert_int_equal(t.lines, 2);
	assert_int_equal(t.longest, LINK_LINE_MAX);
	for (i = 2; i < LINK_LINES_MAX; i++)
		frame(&l, MUX_DATA, 0, 4, SPAN_LIT("y\n"));
	assert_int_equal(t.lines, LINK_LINES_MAX);
	frame(&l, MUX_DATA, 0, 4, SPAN_LIT("y\n"));
	assert_int_equal(t.lines, LINK_LINES_MAX);
	assert_int_equal(t.fault, WIRE_OK);
	stop(&l, &t);
}

/* A template's guest goes away as asked, and shakes hands once more. */
static void test_go_away(void **state)
{
	struct told t;
	struct link l;

	(void)state;
	start(&l, &t);
	shake_hands(&l, true);
	link_go_away(&l);
	assert_int_equal(t.gone, 0);
	/* On its way since before. */
	frame(&l, MUX_DATA, MUX_SYN, 4, SPAN_LIT("\6late\n"));
	frame(&l, MUX_GO_AWAY, 0, 0, SPAN_LIT(""));
	assert_int_equal(t.gone, 1);
	assert_int_equal(l.state, LINK_GONE);
	assert_null(link_open(&l, WIRE_READER));
	shake_hands(&l, false);
	assert_int_equal(t.ready, 2);
	assert_non_null(link_open(&l, WIRE_READER));
	assert_int_equal(t.fault, WIRE_OK);
	stop(&l, &t);
}

/* GO AWAY is the last that it may say: in one piece with it, or later. */
static void test_after_gone(void **state)
{
	const struct {
		struct span more;
		bool apart;
	} rows[] = { { SPAN_LIT("\0"), false },
		     { SPAN_LIT("\0\2\0\1\0\0\0\0\0\0\0\0"), false },
		     { SPAN_LIT("\0"), true } };
	size_t i;

	(void)state;
	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		CLEAN_BUF struct buf b;
		struct told t;
		struct link l;

		start(&l, &t);
		shake_hands(&l, true);
		link_go_away(&l);
		buf_init(&b, 64);
		mux_head_put(&b, &(struct mux_head){ MUX_GO_AWAY, 0, 0, 0 });
		if (!rows[i].apart)
			buf_span(&b, rows[i].more);
		link_feed(&l, buf_view(&b));
		assert_int_equal(t.gone, rows[i].apart);
		if (rows[i].apart)
			link_feed(&l, rows[i].more);
		assert_int_equal(t.fault, WIRE_BAD_ORDER);
		stop(&l, &t);
	}
}

/* A clone that waits is not running: it has nothing to say. */
static void test_idle(void **state)
{
	struct told t;
	struct link l;

	(void)state;
	start(&l, &t);
	link_feed(&l, SPAN_LIT("x"));
	assert_int_equal(t.fault, WIRE_BAD_ORDER);
	assert_true(link_hello(&l, false) < 0);
	stop(&l, &t);

	start(&l, &t);
	link_hangup(&l);
	assert_int_equal(t.fault, WIRE_HANGUP);
	stop(&l, &t);

	start(&l, &t);
	assert_int_equal(link_hello(&l, false), 0);
	assert_true(link_hello(&l, false) < 0);
	stop(&l, &t);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_wiped),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_line_exit),
		cmocka_unit_test(test_line_limits),
		cmocka_unit_test(test_go_away),
		cmocka_unit_test(test_after_gone),
		cmocka_unit_test(test_idle),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
