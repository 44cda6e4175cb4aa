/* observe_test: nothing waits, whatever is at the other end, and what is not
 * told is counted. */
#include <poll.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"
#include "base/testing.h"
#include "privsep/observe.h"

static struct observe o;
static struct msg in;
static const struct msg_ids ids = { .run = { 1 }, .task = 2, .span = 3 };
static const struct m_span span = { .stage = STAGE_ITEM, .number = 4 };

static bool readable(int fd)
{
	struct pollfd p = { fd, POLLIN, 0 };

	return poll(&p, 1, 0) == 1;
}

static void nobody(void **)
{
	observe_init(&o, OBSERVER_MONITOR);
	observe_span(&o, &ids, observe_now(), span);
	observe_samples(&o, &ids);
	observe_sample(&o, METRIC_LATCH, NULL, NULL, 1);
	assert_false(observe_samples_end(&o));
	/* Who was never told anything has missed nothing. */
	assert_int_equal(o.dropped, 0);
}

static void told(void **)
{
	struct observe_time t = observe_now();
	struct chan c;
	const char *why;
	int pair[2];

	assert_int_equal(chan_pair(pair), 0);
	assert_int_equal(chan_init(&c, pair[1]), 0);
	observe_init(&o, OBSERVER_BROKER);
	assert_int_equal(observe_to(&o, pair[0]), 0);
	/* Without a beginning there is nothing to tell. */
	observe_span(&o, &ids, (struct observe_time){ 0 }, span);
	assert_false(readable(pair[1]));
	observe_span(&o, &ids, t, span);
	assert_int_equal(chan_recv(&c, &in, &why), 1);
	assert_int_equal(in.type, MSG_SPAN);
	assert_int_equal(in.ids.span, 3);
	assert_int_equal(in.span.from, OBSERVER_BROKER);
	assert_int_equal(in.span.number, 4);
	assert_int_equal(in.span.start_ns, t.wall_ns);
	assert_true(in.span.took_ns < UINT64_C(60000000000));
	observe_samples(&o, &ids);
	observe_sample(&o, METRIC_ITEMS, "read", NULL, 9);
	assert_true(observe_samples_end(&o));
	assert_int_equal(chan_recv(&c, &in, &why), 1);
	assert_int_equal(in.samples.n, 1);
	assert_int_equal(in.samples.rows[0].value, 9);
	/* The other end goes: that is noticed once, and counted from then on.
	 */
	chan_done(&c);
	observe_span(&o, &ids, t, span);
	assert_int_equal(o.chan.fd, -1);
	observe_span(&o, &ids, t, span);
	assert_int_equal(o.dropped, 2);
}

static void full(void **)
{
	uint64_t begin = now_ms();
	struct chan c;
	const char *why;
	int pair[2], i;

	assert_int_equal(chan_pair(pair), 0);
	assert_int_equal(chan_init(&c, pair[1]), 0);
	observe_init(&o, OBSERVER_MONITOR);
	assert_int_equal(observe_to(&o, pair[0]), 0);
	for (i = 0; i < 10000; i++)
		observe_span(&o, &ids, observe_now(), span);
	assert_true(now_ms() - begin < 5000);
	assert_in_range(o.dropped, 1, 9999);
	observe_samples(&o, &ids);
	assert_false(observe_samples_end(&o));
	/* There is room again: the next says how much was lost. */
	c.no_wait = true;
	for (i = 0; chan_recv(&c, &in, &why) == 1; i++)
		assert_int_equal(in.span.dropped, 0);
	assert_int_equal(i + (int)o.dropped, 10000);
	observe_span(&o, &ids, observe_now(), span);
	assert_int_equal(chan_recv(&c, &in, &why), 1);
	assert_int_equal(in.span.dropped, o.dropped);
	chan_done(&c);
	assert_int_equal(observe_to(&o, -1), 0);
}

static void limits(void **)
{
	static char name[LIMIT_NAME + 2];
	char label[LIMIT_LABEL + 2] = "";
	struct m_span s = span;
	struct chan c;
	const char *why;
	int pair[2];
	size_t i;

	assert_int_equal(chan_pair(pair), 0);
	assert_int_equal(chan_init(&c, pair[1]), 0);
	observe_init(&o, OBSERVER_MONITOR);
	assert_int_equal(observe_to(&o, pair[0]), 0);
	memset(name, 'x', sizeof(name));
	s.name = span_of(name, LIMIT_NAME + 1);
	observe_span(&o, &ids, observe_now(), s);
	assert_int_equal(chan_recv(&c, &in, &why), 1);
	assert_true(span_is(in.span.name, "(long)"));
	observe_samples(&o, &ids);
	memset(label, 'y', LIMIT_LABEL + 1);
	observe_sample(&o, METRIC_ITEMS, label, NULL, 1);
	assert_int_equal(o.msg.samples.n, 0);
	label[LIMIT_LABEL] = 0;
	for (i = 0; i <= LIMIT_SAMPLES; i++)
		observe_sample(&o, METRIC_ITEMS, label, NULL, 1);
	assert_int_equal(o.msg.samples.n, LIMIT_SAMPLES);
	assert_true(observe_samples_end(&o));
	assert_int_equal(chan_recv(&c, &in, &why), 1);
	chan_done(&c);
	assert_int_equal(observe_to(&o, -1), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(nobody),
		cmocka_unit_test(told),
		cmocka_unit_test(full),
		cmocka_unit_test(limits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
