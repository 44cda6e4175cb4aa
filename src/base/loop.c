/* loop: see loop.h. */
#include "base/loop.h"

#include <errno.h>
#include <poll.h>
#include <time.h>

uint64_t clock_ns(clockid_t clock)
{
	struct timespec t = { 0 };

	(void)clock_gettime(clock, &t);
	return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

uint64_t now_us(void)
{
	return clock_ns(CLOCK_MONOTONIC) / 1000;
}

uint64_t now_ms(void)
{
	return now_us() / 1000;
}

void loop_init(struct loop *l)
{
	int i;

	*l = (struct loop){ 0 };
	for (i = 0; i < LOOP_FDS; i++)
		l->fds[i].fd = -1;
}

int loop_add(struct loop *l, int fd, short events, loop_fd_fn fn, void *arg)
{
	int i;

	for (i = 0; i < LOOP_FDS; i++) {
		if (l->fds[i].fd >= 0)
			continue;
		l->fds[i].fd = fd;
		l->fds[i].events = events;
		l->fds[i].fn = fn;
		l->fds[i].arg = arg;
		l->fds[i].round = l->round;
		l->fds[i].rest_ms = 0;
		return 0;
	}
	return -ENFILE;
}

void loop_events(struct loop *l, int fd, short events)
{
	int i;

	for (i = 0; i < LOOP_FDS; i++)
		if (l->fds[i].fd == fd)
			l->fds[i].events = events;
}

void loop_rest(struct loop *l, int fd, uint64_t ms)
{
	int i;

	for (i = 0; i < LOOP_FDS; i++)
		if (l->fds[i].fd == fd)
			l->fds[i].rest_ms = now_ms() + ms + 1;
}

void loop_del(struct loop *l, int fd)
{
	int i;

	if (fd < 0)
		return;
	for (i = 0; i < LOOP_FDS; i++)
		if (l->fds[i].fd == fd)
			l->fds[i].fd = -1;
}

static int timer_at(struct loop *l, uint64_t at_ms, loop_timer_fn fn, void *arg)
{
	int i;

	for (i = 0; i < LOOP_TIMERS; i++) {
		if (l->timers[i].at_ms)
			continue;
		l->timers[i].at_ms = at_ms;
		l->timers[i].fn = fn;
		l->timers[i].arg = arg;
		return i;
	}
	return -ENFILE;
}

/* Of the clock's last millisecond a part is over. */
int loop_timer(struct loop *l, uint64_t delay_ms, loop_timer_fn fn, void *arg)
{
	return timer_at(l, now_ms() + delay_ms + 1, fn, arg);
}

int loop_soon(struct loop *l, loop_timer_fn fn, void *arg)
{
	return timer_at(l, now_ms(), fn, arg);
}

void loop_timer_del(struct loop *l, int id)
{
	if (id >= 0 && id < LOOP_TIMERS)
		l->timers[id].at_ms = 0;
}

static int run_timers(struct loop *l)
{
	uint64_t now = now_ms();
	uint64_t next = UINT64_MAX;
	int i;

	for (i = 0; i < LOOP_TIMERS && !l->stop; i++) {
		if (l->timers[i].at_ms && l->timers[i].at_ms <= now) {
			l->timers[i].at_ms = 0;
			l->timers[i].fn(l->timers[i].arg);
		}
	}
	for (i = 0; i < LOOP_TIMERS; i++)
		if (l->timers[i].at_ms && l->timers[i].at_ms < next)
			next = l->timers[i].at_ms;
	if (next == UINT64_MAX)
		return -1;
	now = now_ms();
	if (next <= now)
		return 0;
	return next - now > 60000 ? 60000 : (int)(next - now);
}

/* The rows that poll looks at now; *timeout ends with the first that rests. */
static nfds_t look_at(struct loop *l, struct pollfd *p, int *row, int *timeout)
{
	nfds_t n = 0;
	int i;

	for (i = 0; i < LOOP_FDS; i++) {
		uint64_t now;

		if (l->fds[i].fd < 0)
			continue;
		now = l->fds[i].rest_ms ? now_ms() : 0;
		if (l->fds[i].rest_ms > now) {
			uint64_t left = l->fds[i].rest_ms - now;

			if (*timeout < 0 || left < (uint64_t)*timeout)
				*timeout = (int)left;
			continue;
		}
		l->fds[i].rest_ms = 0;
		p[n] = (struct pollfd){ l->fds[i].fd, l->fds[i].events, 0 };
		row[n++] = i;
	}
	return n;
}

int loop_run(struct loop *l)
{
	struct pollfd p[LOOP_FDS];
	int row[LOOP_FDS];

	while (!l->stop) {
		int timeout = run_timers(l);
		nfds_t n;
		nfds_t k;

		if (l->stop)
			break;
		n = look_at(l, p, row, &timeout);
		l->round++;
		if (poll(p, n, timeout) < 0 && errno != EINTR)
			return -errno;
		for (k = 0; k < n && !l->stop; k++) {
			/* An earlier callback may have removed this row, and
			 * another put a new file of the same number there. */
			if (p[k].revents && l->fds[row[k]].fd == p[k].fd &&
			    l->fds[row[k]].round != l->round)
				l->fds[row[k]].fn(l->fds[row[k]].arg, p[k].fd,
						  p[k].revents);
		}
	}
	return 0;
}

void loop_stop(struct loop *l)
{
	l->stop = true;
}
