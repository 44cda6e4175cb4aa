/* templates: see templates.h. */
#include "host/monitor/templates.h"

#include "base/backoff.h"
#include "base/str.h"

uint64_t template_deadline_ms(double load1)
{
	if (!(load1 > 1))
		return TEMPLATE_BUILD_MS;
	if (load1 > TEMPLATE_BUILD_LOAD)
		load1 = TEMPLATE_BUILD_LOAD;
	return (uint64_t)(TEMPLATE_BUILD_MS * load1);
}

/* Time for a successor. */
static bool aging(const struct template *t, uint64_t now)
{
	return t->clones >= TEMPLATE_RENEW_CLONES ||
	       now - t->ready_ms >= TEMPLATE_RENEW_MS;
}

bool template_due(const struct template *t, uint64_t now)
{
	return t->wanted && !t->building && now >= t->retry_ms &&
	       (!t->ready || aging(t, now));
}

/* A build is under way that is worth to be waited for. */
static bool promising(const struct template *t, uint64_t now)
{
	return t->building && !t->failures &&
	       now - t->begun_ms < TEMPLATE_WAIT_MS;
}

uint64_t template_next_ms(const struct template *t, uint64_t now)
{
	uint64_t next = UINT64_MAX;

	if (!t->wanted)
		return next;
	if (t->ready)
		next = t->ready_ms + (now - t->ready_ms < TEMPLATE_RENEW_MS
					      ? TEMPLATE_RENEW_MS
					      : TEMPLATE_AGE_MS);
	if (!t->building && (!t->ready || aging(t, now)) && t->retry_ms > now &&
	    t->retry_ms < next)
		next = t->retry_ms;
	if (promising(t, now) && t->begun_ms + TEMPLATE_WAIT_MS < next)
		next = t->begun_ms + TEMPLATE_WAIT_MS;
	return next;
}

void template_begin(struct template *t, uint64_t now)
{
	t->building = true;
	t->begun_ms = now;
}

/* It may be a porter's words, and goes into records, which are text. */
static void set_why(struct template *t, const char *why)
{
	(void)str_printf(t->why, sizeof(t->why), "%s", why);
	utf8_trim(t->why);
}

void template_built(struct template *t, uint64_t now)
{
	if (t->ready)
		template_retire(t, "its successor is there");
	t->building = false;
	t->ready = true;
	t->number++;
	t->built++;
	t->clones = 0;
	t->failures = 0;
	t->ready_ms = now;
	t->build_ms = now - t->begun_ms;
}

void template_failed(struct template *t, uint64_t now, const char *why)
{
	t->building = false;
	if (t->failures < UINT32_MAX)
		t->failures++;
	t->retry_ms = now + backoff_ms(t->failures, BACKOFF_MAX_MS);
	set_why(t, why);
}

void template_cloned(struct template *t)
{
	t->clones++;
}

const char *template_expired(const struct template *t, uint64_t now)
{
	if (!t->ready)
		return NULL;
	if (t->clones >= TEMPLATE_CLONES)
		return "it had its 1,000 clones";
	if (now - t->ready_ms >= TEMPLATE_AGE_MS)
		return "it was a day old";
	return NULL;
}

void template_retire(struct template *t, const char *why)
{
	t->ready = false;
	t->retired++;
	t->crashes = 0;
	set_why(t, why);
}

bool template_crashed(struct template *t, uint64_t number, uint64_t now,
		      const char *why)
{
	uint32_t crashes = t->crashes;

	if (!t->ready || number != t->number)
		return false;
	if (now - t->ready_ms >= TEMPLATE_CALM_MS)
		crashes = 0;
	template_retire(t, why);
	t->retry_ms = now + backoff_ms(crashes, BACKOFF_MAX_MS);
	t->crashes = crashes < UINT32_MAX ? crashes + 1 : crashes;
	return true;
}

enum template_way template_way(const struct template *t, uint64_t now)
{
	if (t->ready && !template_expired(t, now))
		return TEMPLATE_CLONE;
	if (promising(t, now) || (!t->failures && template_due(t, now)))
		return TEMPLATE_WAIT;
	return TEMPLATE_COLD;
}

const char *template_state(const struct template *t, uint64_t now)
{
	if (!t->wanted)
		return "off";
	if (t->ready)
		return t->building ? "renewing" : "ready";
	if (t->failures)
		return "broken";
	if (t->building)
		return "building";
	return now < t->retry_ms ? "resting" : "none";
}
