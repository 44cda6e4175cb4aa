/*
 * decide: the verdict on one call. Pure: a policy, a state, a call and what the
 * broker knows.
 *
 * Closed world: what the capability does not declare is refused. Every argument
 * is brought into canonical form and looked at before anything is combined,
 * then each rule may only make the verdict stricter. It is deny from the first
 * line on, and one statement alone changes it: whatever goes wrong on the way
 * leaves a refusal.
 */
#include <stdarg.h>
#include <stdio.h>

#include "base/sha256.h"
#include "base/str.h"
#include "policy/decide_inner.h"
#include "policy/memory.h"

void decision_init(struct decision *d)
{
	memset(d, 0, sizeof(*d));
	args_init(&d->resolved);
	buf_init(&d->mem, ARGS_BYTES);
}

void decision_done(struct decision *d)
{
	args_done(&d->resolved);
	buf_done(&d->mem);
}

const char *quote(char dst[QUOTE_MAX], struct span s)
{
	size_t n = 0, i;

	dst[n++] = '"';
	for (i = 0; i < s.n && n < QUOTE_MAX - 12; i++) {
		uint8_t c = s.p[i];

		if (c >= 0x20 && c < 0x7f)
			dst[n++] = (char)c;
		else
			n += (size_t)snprintf(dst + n, 5, "\\x%02x", c);
	}
	(void)snprintf(dst + n, 8, i < s.n ? "...\"" : "\"");
	return dst;
}

const char *quote_given(char dst[QUOTE_MAX], const struct deciding *d,
			const struct given *g)
{
	struct decision *out = d->d;

	if (g->raw->json != ARG_REF && g->raw->json != ARG_TEMPLATE)
		return quote(dst, g->v);
	out->hidden |= value_of(d, g)->hidden && g->arg->type != TYPE_HANDLE;
	(void)snprintf(dst, QUOTE_MAX, "what it refers to");
	return dst;
}

void explain(const struct deciding *d, const char *fmt, ...)
{
	char line[512];
	va_list ap;

	if (!d->in->trace)
		return;
	va_start(ap, fmt);
	(void)vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	buf_str(d->in->trace, line);
	buf_u8(d->in->trace, '\n');
}

static const char *outcome_word(enum outcome o)
{
	static const char *const words[] = {
		[OUTCOME_ALLOW] = "allow",
		[OUTCOME_ASK] = "ask",
		[OUTCOME_DENY] = "deny",
	};

	return words[o];
}

void stand(struct deciding *d, struct standing s, const char *fmt, ...)
{
	va_list ap;

	if (s.outcome <= d->stands.outcome)
		return;
	if (!s.word)
		s.word = outcome_word(s.outcome);
	d->stands = s;
	va_start(ap, fmt);
	(void)vsnprintf(d->d->reason, sizeof(d->d->reason), fmt, ap);
	va_end(ap);
	utf8_trim(d->d->reason);
	explain(d, "%s: %s", outcome_word(s.outcome), d->d->reason);
}

static void write_clause(struct deciding *d)
{
	const struct standing *s = &d->stands;

	if (s->at.line)
		(void)str_printf(d->d->clause, sizeof(d->d->clause),
				 "%.120s:%u:%u %.40s", yaml_name(d->p->y),
				 s->at.line, s->at.column, s->word);
	else
		(void)str_printf(d->d->clause, sizeof(d->d->clause),
				 "built-in %.40s %.40s", s->what, s->word);
	d->d->by = s->by;
	d->d->row = s->row;
	d->d->what = s->what;
}

static bool is_past_lease(const struct deciding *d)
{
	return d->p->lease.autonomy_s && d->in->lease_over &&
	       d->cap->effect != EFFECT_READ &&
	       memory_op(span_str(d->cap->name)) == MEMORY_NONE;
}

/* Past its lease nothing that reaches out is done without the owner; memory
 * does not. */
static void apply_lease(struct deciding *d)
{
	const struct lease *l = &d->p->lease;

	if (!is_past_lease(d))
		return;
	stand(d,
	      (struct standing){ .outcome = l->on_expiry,
				 .by = DECIDED_LEASE,
				 .at = l->at },
	      "the owner has not been heard of for too long");
}

/* What the owner has said yes to is not asked again. What he had remembered
 * lets the agent act without him, and so not past its lease. */
static void apply_grants(struct deciding *d)
{
	const struct decide_grant *g = d->in->grant;

	if (is_refused(d) || d->stands.outcome != OUTCOME_ASK)
		return;
	if (is_past_lease(d) && !(g && g->seen))
		return;
	if (!(g && g->floors) && !apply_clauses(d))
		return;
	d->stands.outcome = OUTCOME_ALLOW;
	d->stands.word = "approved";
	explain(d, "allow: the owner has agreed");
}

static void evaluate(struct deciding *d)
{
	count_call(d);
	if (!is_refused(d))
		take_args(d);
	if (is_refused(d))
		return;
	apply_deny_rows(d);
	apply_floors(d);
	apply_rows(d);
	apply_lease(d);
	if (!is_refused(d))
		apply_flows(d);
	apply_grants(d);
	if (!is_refused(d))
		edit_texts(d);
	if (!is_refused(d))
		apply_limits(d);
	if (!is_refused(d))
		hand_out(d);
}

static void set_verdict(struct deciding *d)
{
	struct decision *out = d->d;

	if (d->failed || !d->stands.outcome) {
		(void)str_printf(out->clause, sizeof(out->clause),
				 "default deny");
		(void)str_printf(out->reason, sizeof(out->reason),
				 "internal error");
		out->by = DECIDED_ERROR;
		return;
	}
	write_clause(d);
	if (d->stands.outcome == OUTCOME_ASK)
		out->verdict = VERDICT_ASK;
	if (d->stands.outcome != OUTCOME_ALLOW)
		return;
	out->reason[0] = 0;
	out->verdict = VERDICT_ALLOW;
}

static const struct cap *find_cap(const struct policy *p, struct span name)
{
	size_t i;

	for (i = 0; i < p->n_caps; i++)
		if (span_is(name, p->caps[i]->name))
			return p->caps[i];
	return NULL;
}

/* A decoy looks like what is not there: nothing tells that it is one. */
static void no_capability(struct deciding *d)
{
	struct span name = d->in->call->capability;
	struct decision *out = d->d;
	char text[QUOTE_MAX];
	size_t i;

	out->by = DECIDED_DEFAULT;
	for (i = 0; i < d->p->n_decoys; i++)
		if (span_is(name, d->p->decoys[i].name)) {
			out->by = DECIDED_DECOY;
			out->trip = TRIP_DECOY;
		}
	quote(text, name);
	(void)str_printf(out->clause, sizeof(out->clause),
			 CLAUSE_NO_CAPABILITY "%.150s", text);
	(void)str_printf(out->reason, sizeof(out->reason),
			 "the policy has no capability %s", text);
}

/* Everything of the last decision is gone. */
static void reset(struct decision *d)
{
	args_reset(&d->resolved);
	buf_reset(&d->mem);
	d->verdict = VERDICT_DENY;
	d->rehearsed = d->limited = d->hidden = false;
	d->trip = TRIP_NONE;
	d->by = DECIDED_ERROR;
	d->row = 0;
	d->what = NULL;
	d->clause_id = 0;
	(void)str_printf(d->clause, sizeof(d->clause), "default deny");
	(void)str_printf(d->reason, sizeof(d->reason), "internal error");
	d->connector = NULL;
	d->hold_s = 0;
	d->ask = (struct decide_ask){ 0 };
	d->n = 0;
	d->recipient = (struct span){ 0 };
	d->answers = 0;
	d->taken.n = 0;
}

void policy_decide(const struct policy *p, struct policy_state *s,
		   const struct decide_in *in, struct decision *ret)
{
	struct deciding d = { .p = p, .s = s, .in = in, .d = ret };

	reset(ret);
	d.cap = find_cap(p, in->call->capability);
	if (d.cap) {
		evaluate(&d);
		if (is_refused(&d)) {
			policy_state_give_back(s, &ret->taken);
			ret->n = 0;
			ret->connector = NULL;
		}
		set_verdict(&d);
	} else {
		no_capability(&d);
	}
	if (ret->verdict == VERDICT_DENY)
		count_refusal(&d);
	if (ret->verdict == VERDICT_ALLOW)
		count_allowed(&d);
}

static void bind_span(struct sha256 *h, struct span s)
{
	const uint64_t n = s.n;
	uint8_t bytes[8];
	size_t i;

	for (i = 0; i < sizeof(bytes); i++)
		bytes[i] = (uint8_t)(n >> 8 * i);
	sha256_add(h, span_of(bytes, sizeof(bytes)));
	sha256_add(h, s);
}

void decision_bind(const struct decision *d, struct span capability,
		   const uint8_t policy[32], uint64_t expires_s,
		   uint8_t ret[32])
{
	struct sha256 h;
	uint32_t i;

	sha256_init(&h);
	bind_span(&h, SPAN_LIT("bulkhead request 1"));
	bind_span(&h, span_of(policy, SHA256_LEN));
	bind_span(&h, span_of(&expires_s, sizeof(expires_s)));
	bind_span(&h, capability);
	bind_span(&h, span_str(d->connector));
	bind_span(&h, d->recipient);
	for (i = 0; i < d->n; i++) {
		bind_span(&h, d->rows[i].name);
		bind_span(&h, span_of(&d->rows[i].json, 1));
		bind_span(&h, span_of(&d->rows[i].shape, 1));
		bind_span(&h, d->rows[i].value);
	}
	sha256_final(&h, ret);
}
