/* pace: see pace.h. */
#include "host/broker/pace.h"

#include "base/str.h"

enum { SECOND_US = 1000000, TOKEN_US = SECOND_US / PACE_RATE };

#define FULL_US ((uint64_t)TOKEN_US * PACE_BURST)

uint64_t pace_wait_ms(struct pace *p, uint64_t now_us)
{
	if (!p->at_us)
		p->tokens_us = FULL_US;
	else if (now_us > p->at_us)
		p->tokens_us += now_us - p->at_us;
	if (p->tokens_us > FULL_US)
		p->tokens_us = FULL_US;
	p->at_us = now_us;
	if (p->since_us) {
		p->held_ms += (now_us - p->since_us) / 1000;
		p->since_us = 0;
	}
	if (p->tokens_us >= TOKEN_US) {
		p->tokens_us -= TOKEN_US;
		return 0;
	}
	p->since_us = now_us;
	return (TOKEN_US - p->tokens_us) / 1000 + 1;
}

bool pace_is_over(const struct pace *p)
{
	return p->held_ms >= PACE_HELD_MS;
}

bool refusals_more(struct refusals *r, struct span capability,
		   const struct decision *d, uint64_t now_us)
{
	if (!r->any || !span_is(capability, r->capability) ||
	    !span_is(span_str(d->clause), r->clause) ||
	    !span_is(span_str(d->reason), r->reason))
		return false;
	if (!r->more++)
		r->first_us = now_us;
	r->last_us = now_us;
	return true;
}

void refusals_begin(struct refusals *r, struct span capability,
		    const struct decision *d, uint64_t index)
{
	*r = (struct refusals){ .index = index };
	/* A name that does not fit is no capability's: each has its record. */
	r->any = str_copy(r->capability, sizeof(r->capability), capability) >=
			 0 &&
		 utf8_valid(capability);
	(void)str_printf(r->clause, sizeof(r->clause), "%s", d->clause);
	(void)str_printf(r->reason, sizeof(r->reason), "%s", d->reason);
}
