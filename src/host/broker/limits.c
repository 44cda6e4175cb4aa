/*
 * limits: what is used up of the policy's limits outlives the broker: it is
 * read from the store at the start, and whatever a decision takes is there
 * before its effect is planned. So no restart refills anything.
 */
#include <inttypes.h>
#include <time.h>

#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "host/broker/broker.h"

enum { ROWS_AT_ONCE = 48 }; /* in one transaction; they fit one message */

static bool take_row(void *arg, struct span key, struct span value)
{
	struct broker *b = arg;

	return policy_state_load(b->limits, key, value) == 0;
}

/* The word behind the planner's kind, off it. */
static void take_boot(struct broker *b)
{
	char *blank = strchr(b->planner, ' ');
	uint8_t sum[SHA256_LEN];
	struct sha256 h;

	sha256_init(&h);
	if (blank)
		sha256_add(&h, span_str(blank + 1));
	sha256_final(&h, sum);
	memcpy(b->boot_id, sum, sizeof(b->boot_id));
	if (blank)
		*blank = 0;
}

void limits_init(struct broker *b)
{
	take_boot(b);
	b->limits = policy_state_new();
	if (!b->limits)
		die("out of memory");
	decision_init(&b->decision);
	if (!keep_rows(b, ROW_STATE, take_row, b))
		die("what is used up of the limits cannot be read: the store "
		    "is damaged, or of another version");
}

static uint64_t clock_s(clockid_t id, uint64_t unit_ns)
{
	struct timespec t = { 0 };

	(void)clock_gettime(id, &t);
	return ((uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec) /
	       unit_ns;
}

struct state_clock limits_clock(const struct broker *b)
{
	struct state_clock c = {
		.boot_ms = clock_s(CLOCK_BOOTTIME, 1000000),
		.wall_s = clock_s(CLOCK_REALTIME, 1000000000),
	};

	memcpy(c.boot_id, b->boot_id, sizeof(c.boot_id));
	return c;
}

uint64_t limits_now(struct broker *b)
{
	const struct state_clock c = limits_clock(b);

	(void)policy_state_now(b->limits, &c);
	return c.wall_s;
}

/* One row behind: whether another one follows has to be known. */
bool limits_keep(struct broker *b)
{
	struct buf keys[2], rows[2];
	uint32_t n = 0;
	bool ok = true;
	size_t i;

	for (i = 0; i < 2; i++) {
		buf_init(&keys[i], STATE_KEY_MAX);
		buf_init(&rows[i], STATE_ROW_MAX);
	}
	i = 0;
	while (ok && policy_state_dirty(b->limits, &keys[i], &rows[i])) {
		if (!buf_ok(&keys[i]) || !buf_ok(&rows[i]))
			die("out of memory");
		if (n)
			ok = keep_row(b, ROW_STATE, buf_view(&keys[!i]),
				      buf_view(&rows[!i]), n % ROWS_AT_ONCE);
		n++;
		i = !i;
	}
	if (ok && n)
		ok = keep_row(b, ROW_STATE, buf_view(&keys[!i]),
			      buf_view(&rows[!i]), false);
	if (!ok)
		policy_state_again(b->limits);
	for (i = 0; i < 2; i++) {
		buf_done(&keys[i]);
		buf_done(&rows[i]);
	}
	return ok;
}

/* What the store has no room for now it is told with the next change; until
 * then it has more used up than there is. */
void limits_give_back(struct broker *b)
{
	policy_state_give_back(b->limits, &b->decision.taken);
	if (!limits_keep(b))
		log_warn("limits-not-kept", "why=\"%s\"", b->keep_why);
}

void limits_end_task(struct broker *b, uint64_t task)
{
	const struct task *t = task_find(b, task);
	char prefix[32];

	/* What waits is of that task, too, when it is done. */
	if ((t && t->state <= TASK_RUNNING) || approvals_wait(b, task))
		return;
	(void)str_printf(prefix, sizeof(prefix), "task %" PRIu64 " ", task);
	policy_state_forget(b->limits, span_str(prefix));
	if (!limits_keep(b))
		log_warn("limits-not-kept", "why=\"%s\"", b->keep_why);
}
