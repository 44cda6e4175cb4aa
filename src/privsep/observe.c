/* observe: see observe.h. */
#include "privsep/observe.h"

#include <errno.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/loop.h"

void observe_init(struct observe *o, enum observer from)
{
	*o = (struct observe){ .from = (uint8_t)from };
	o->chan.fd = -1;
}

int observe_to(struct observe *o, int fd)
{
	CLEAN_FD int owned = fd;
	int r;

	chan_done(&o->chan);
	o->chan.fd = -1;
	if (owned < 0)
		return 0;
	r = chan_init(&o->chan, owned);
	if (r < 0) {
		o->chan.fd = -1;
		return r;
	}
	(void)take_fd(&owned);
	o->chan.send_no_wait = true;
	o->told = true;
	return 0;
}

struct observe_time observe_now(void)
{
	return (struct observe_time){ clock_ns(CLOCK_REALTIME),
				      clock_ns(CLOCK_MONOTONIC) };
}

/* True: it is on its way. Who has gone is not asked again. */
static bool send_it(struct observe *o)
{
	int r = o->chan.fd < 0 ? -EPIPE : chan_send(&o->chan, &o->msg, NULL, 0);

	if (r < 0 && r != -EAGAIN)
		(void)observe_to(o, -1);
	return r == 0;
}

void observe_span(struct observe *o, const struct msg_ids *ids,
		  struct observe_time t, struct m_span s)
{
	uint64_t now = clock_ns(CLOCK_MONOTONIC);

	if (!o->told || !t.wall_ns)
		return;
	s.from = o->from;
	s.dropped = o->dropped;
	s.start_ns = t.wall_ns;
	s.took_ns = now > t.mono_ns ? now - t.mono_ns : 0;
	if (s.name.n > LIMIT_NAME)
		s.name = SPAN_LIT("(long)");
	if (s.what.n > LIMIT_LABEL)
		s.what = SPAN_LIT("(long)");
	o->msg.type = MSG_SPAN;
	o->msg.ids = *ids;
	o->msg.span = s;
	if (!send_it(o))
		o->dropped++;
}

void observe_samples(struct observe *o, const struct msg_ids *ids)
{
	o->msg.type = MSG_SAMPLES;
	o->msg.ids = *ids;
	o->msg.samples.from = o->from;
	o->msg.samples.dropped = o->dropped;
	o->msg.samples.n = 0;
}

void observe_sample(struct observe *o, enum metric m, const char *first,
		    const char *second, uint64_t value)
{
	struct m_samples *s = &o->msg.samples;
	struct m_sample row = { .metric = (uint8_t)m,
				.first = span_str(first),
				.second = span_str(second),
				.value = value };

	/* Names of connectors are the longest labels, and fit. */
	if (s->n == LIMIT_SAMPLES || row.first.n > LIMIT_LABEL ||
	    row.second.n > LIMIT_LABEL)
		return;
	s->rows[s->n++] = row;
}

bool observe_samples_end(struct observe *o)
{
	return send_it(o);
}
