/* supervise: see supervise.h. */
#include "host/monitor/supervise.h"

#include <assert.h>

#include "base/backoff.h"
#include "base/span.h"
#include "base/str.h"

const char *sup_state_name(enum sup_state s)
{
	static const char *const names[] = {
		[SUP_OFF] = "off",
		[SUP_STARTING] = "starting",
		[SUP_UP] = "up",
		[SUP_DOWN] = "down",
	};

	static_assert(ARRAY_SIZE(names) == SUP_STATE_MAX, "a name per state");
	return s < SUP_STATE_MAX ? names[s] : "unknown";
}

static void enter(struct sup *s, enum sup_state state, uint64_t now)
{
	s->state = state;
	s->since_ms = now;
}

void sup_starting(struct sup *s, uint64_t now)
{
	s->restarts += s->state == SUP_DOWN;
	enter(s, SUP_STARTING, now);
}

void sup_up(struct sup *s, uint64_t now)
{
	s->was_up = true;
	enter(s, SUP_UP, now);
}

static void set_cause(struct sup *s, const char *cause)
{
	/* It may be a peer's words, cut between bytes. */
	(void)str_printf(s->cause, sizeof(s->cause), "%s", cause);
	utf8_trim(s->cause);
}

void sup_ended(struct sup *s, uint64_t now, const char *cause)
{
	set_cause(s, cause);
	enter(s, SUP_DOWN, now);
	s->retry_ms = now;
}

void sup_failed(struct sup *s, const struct sup_rules *r, uint64_t now,
		const char *cause)
{
	if (s->state == SUP_UP) {
		if (now - s->since_ms >= r->healthy_ms)
			s->failures = 0;
		s->ends[s->n_ends++ % ARRAY_SIZE(s->ends)] = now;
	}
	if (s->failures < UINT32_MAX)
		s->failures++;
	sup_ended(s, now, cause);
	s->retry_ms = now + backoff_ms(s->failures, r->backoff_ms);
}

bool sup_due(const struct sup *s, uint64_t now)
{
	return s->state == SUP_OFF ||
	       (s->state == SUP_DOWN && now >= s->retry_ms);
}

bool sup_hopeless(const struct sup *s, const struct sup_rules *r, uint64_t now)
{
	uint64_t oldest;

	if (s->n_ends <= r->restarts)
		return false;
	oldest = s->ends[(s->n_ends - r->restarts - 1) % ARRAY_SIZE(s->ends)];
	return now - oldest < SUP_WINDOW_MS;
}

/* --- signs of life ------------------------------------------------------- */

static uint64_t period(uint64_t limit_ms)
{
	return limit_ms / 3 < SUP_PING_MS ? limit_ms / 3 : SUP_PING_MS;
}

enum sup_watch_says sup_watch(const struct sup_watch *w, uint64_t now,
			      uint64_t limit_ms)
{
	if (w->asked_ms)
		return now - w->asked_ms >= limit_ms ? WATCH_DEAD : WATCH_WAIT;
	return now >= w->next_ms ? WATCH_ASK : WATCH_WAIT;
}

uint64_t sup_asked(struct sup_watch *w, uint64_t now)
{
	w->asked_ms = now;
	return ++w->number;
}

bool sup_heard(struct sup_watch *w, uint64_t now, uint64_t number,
	       uint64_t limit_ms)
{
	if (number == 0 || number > w->number)
		return false;
	if (number == w->number && w->asked_ms)
		sup_alive(w, now, limit_ms);
	return true;
}

void sup_alive(struct sup_watch *w, uint64_t now, uint64_t limit_ms)
{
	w->asked_ms = 0;
	w->next_ms = now + period(limit_ms);
}

uint64_t sup_watch_next(const struct sup_watch *w, uint64_t limit_ms)
{
	return w->asked_ms ? w->asked_ms + limit_ms : w->next_ms;
}
