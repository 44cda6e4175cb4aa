/*
 * lease: when the owner was heard of last. Whatever he does that changes
 * something is a sign of him, and so is a latch that he takes away; to look is
 * none. It is kept in the store, so no restart begins it anew.
 */
#include <string.h>

#include "base/log.h"
#include "base/str.h"
#include "host/broker/broker.h"
#include "policy/lease.h"

static const char key[] = "lease";

static bool take_row(void *arg, struct span name, struct span value)
{
	struct broker *b = arg;

	/* What nobody has written is a lease that is over. */
	if (span_is(name, key) && lease_decode(value, &b->owner_heard) < 0)
		b->owner_heard = (struct state_clock){ .wall_s = UINT64_MAX };
	b->owner_known |= span_is(name, key);
	return true;
}

static uint64_t left_ms(struct broker *b, struct state_clock *now)
{
	*now = limits_clock(b);
	return lease_left_ms(&b->owner_heard, now, policy_lease_s(b->policy));
}

static void tell_monitor(struct broker *b, const struct state_clock *now,
			 uint64_t left)
{
	struct peer *monitor = peer_of_kind(b, PEER_MONITOR);

	b->out.type = MSG_LEASE;
	b->out.ids = b->ids;
	b->out.lease = (struct m_lease){
		.autonomy_s = policy_lease_s(b->policy),
		.until_ms = left ? now->boot_ms + left : 0,
	};
	if (monitor)
		peer_send(b, monitor, NULL, 0);
}

static void record(struct broker *b, const char *kind)
{
	audit_begin(&b->record, kind, &b->ids);
	audit_int(&b->record, "autonomy_s", policy_lease_s(b->policy));
	(void)broker_audit(b, NULL);
}

static void on_due(void *arg);

/* Wakes up when it is over: that is on record, whether anybody asks or not. */
static void look(struct broker *b)
{
	struct state_clock now;
	uint64_t left = left_ms(b, &now);

	loop_timer_del(&b->loop, b->lease_timer);
	b->lease_timer = -1;
	if (left)
		b->lease_timer = loop_timer(&b->loop, left + 1, on_due, b);
	if (!left && !b->lease_over) {
		log_warn("lease-over", "autonomy_s=%llu",
			 (unsigned long long)policy_lease_s(b->policy));
		record(b, "lease.over");
	}
	b->lease_over = !left;
	tell_monitor(b, &now, left);
}

static void on_due(void *arg)
{
	struct broker *b = arg;

	b->lease_timer = -1;
	look(b);
}

bool lease_is_over(struct broker *b)
{
	struct state_clock now;

	if (!policy_lease_s(b->policy))
		return false;
	if (!b->lease_over && !left_ms(b, &now))
		look(b);
	return b->lease_over;
}

void lease_renew(struct broker *b)
{
	const struct state_clock before = b->owner_heard;
	const bool was_over = b->lease_over;
	uint8_t row[LEASE_ROW];

	if (!policy_lease_s(b->policy))
		return;
	b->owner_heard = limits_clock(b);
	lease_encode(&b->owner_heard, row);
	if (!keep_row(b, ROW_KILL, SPAN_LIT("lease"), span_of(row, sizeof(row)),
		      false)) {
		/* Not kept: it was not so. */
		b->owner_heard = before;
		log_warn("lease-not-kept", "why=\"%s\"", b->keep_why);
		return;
	}
	if (was_over)
		record(b, "lease.renewed");
	look(b);
}

void lease_init(struct broker *b)
{
	b->lease_timer = -1;
	if (!policy_lease_s(b->policy))
		return;
	if (!keep_rows(b, ROW_KILL, take_row, b))
		b->owner_heard = (struct state_clock){ .wall_s = UINT64_MAX };
	else if (!b->owner_known)
		/* Who has begun to use it is there. */
		lease_renew(b);
	look(b);
}
