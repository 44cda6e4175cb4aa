/* tap: see tap.h. */
#include "tap.h"

#include <errno.h>
#include <poll.h>

#include "base/fd.h"

void tap_init(struct tap *t, struct loop *loop)
{
	size_t i;

	*t = (struct tap){ .loop = loop, .start_us = now_us() };
	for (i = 0; i < TAP_WATCHERS; i++)
		t->watchers[i].chan.fd = -1;
}

static void drop(struct tap *t, size_t i)
{
	if (t->watchers[i].chan.fd < 0)
		return;
	loop_del(t->loop, t->watchers[i].chan.fd);
	chan_done(&t->watchers[i].chan);
}

void tap_done(struct tap *t)
{
	size_t i;

	for (i = 0; i < TAP_WATCHERS; i++)
		drop(t, i);
}

/* A watcher has nothing to say: whatever comes is its end. */
static void on_watcher(void *arg, int fd, short revents)
{
	struct tap *t = arg;
	size_t i;

	(void)revents;
	for (i = 0; i < TAP_WATCHERS; i++)
		if (t->watchers[i].chan.fd == fd)
			drop(t, i);
}

void tap_add(struct tap *t, int fd)
{
	CLEAN_FD int owned = fd;
	struct chan c;
	size_t i = 0;

	while (i < TAP_WATCHERS && t->watchers[i].chan.fd >= 0)
		i++;
	if (i == TAP_WATCHERS || fd_nonblock(owned, true) < 0 ||
	    loop_add(t->loop, owned, POLLIN, on_watcher, t) < 0)
		return;
	if (chan_init(&c, take_fd(&owned)) < 0) {
		loop_del(t->loop, c.fd);
		chan_done(&c);
		return;
	}
	t->watchers[i].chan = c;
	t->watchers[i].missed = 0;
}

static void send_frame(struct tap *t, size_t i, struct msg *m)
{
	uint32_t *missed = &t->watchers[i].missed;
	int r;

	m->frame.missed = *missed;
	r = chan_send(&t->watchers[i].chan, m, NULL, 0);
	if (r == 0)
		*missed = 0;
	else if (r == -EAGAIN)
		*missed += *missed < UINT32_MAX;
	else
		drop(t, i);
}

void tap_frame(struct tap *t, const struct msg_ids *ids,
	       const struct m_frame *f)
{
	size_t i;

	for (i = 0; i < TAP_WATCHERS; i++) {
		struct msg m;

		if (t->watchers[i].chan.fd < 0)
			continue;
		m.type = MSG_FRAME;
		m.ids = *ids;
		m.frame = *f;
		m.frame.at_us = now_us() - t->start_us;
		send_frame(t, i, &m);
	}
}
