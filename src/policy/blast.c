/* blast: see blast.h. */
#include "policy/blast.h"

#include "policy/decide.h"
#include "policy/loader.h"

static const uint32_t seconds_of[BLAST_WINDOWS] = {
	[BLAST_HOUR] = 3600, [BLAST_DAY] = 86400
};

static uint64_t least(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

static uint64_t times(uint64_t a, uint64_t b)
{
	uint64_t r;

	return __builtin_mul_overflow(a, b, &r) ? BLAST_NO_BOUND : r;
}

static uint64_t plus(uint64_t a, uint64_t b)
{
	uint64_t r;

	return __builtin_add_overflow(a, b, &r) ? BLAST_NO_BOUND : r;
}

/* The most in any stretch of a window, however it lies to those of the limit.
 */
static uint64_t most_of(const struct limit *l, unsigned window)
{
	uint32_t s = seconds_of[window];

	if (l->window != WINDOW_SECONDS)
		return BLAST_NO_BOUND;
	return times(l->most, (s + l->window_s - 1) / l->window_s);
}

/* How many values an argument can have; BLAST_NO_BOUND: nobody can say. */
static uint64_t values_of_arg(const struct arg *a)
{
	return a->closed && a->floor != OUTCOME_ASK && a->type != TYPE_URL
		       ? a->closed->n
		       : BLAST_NO_BOUND;
}

static uint64_t calls_of(const struct cap *c, unsigned window)
{
	uint64_t most = least(most_of(&c->limits.rate, window),
			      most_of(&c->limits.total, window));
	size_t i;

	for (i = 0; i < c->limits.n_per; i++) {
		const struct per_limit *per = &c->limits.per[i];

		if (!per->arg->optional)
			most = least(most, times(values_of_arg(per->arg),
						 most_of(&per->limit, window)));
	}
	return most;
}

/* Whom one call reaches; several targets of it add up. */
static uint64_t targets_of(const struct cap *c, uint64_t calls)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < c->n_args; i++) {
		const struct arg *a = &c->args[i];

		if (a->role != ROLE_TARGET)
			continue;
		sum = plus(sum, least(times(calls, a->many ? a->many : 1),
				      values_of_arg(a)));
	}
	return sum;
}

/* The bytes that one call can carry: texts and files, and names of any length.
 */
static uint64_t bytes_of_call(const struct cap *c)
{
	uint64_t sum = 0;
	size_t i;

	for (i = 0; i < c->n_args; i++) {
		const struct arg *a = &c->args[i];

		if (a->role == ROLE_CONTENT && a->max_bytes)
			sum = plus(sum, a->max_bytes);
		else if (a->role == ROLE_CONTENT && a->type == TYPE_HANDLE)
			return BLAST_NO_BOUND; /* what it stands for */
	}
	return sum;
}

static struct blast_money *purse(struct blast *b, struct span currency)
{
	size_t i;

	for (i = 0; i < b->n_money; i++)
		if (span_eq(b->money[i].currency, currency))
			return &b->money[i];
	if (i == BLAST_CURRENCIES)
		return NULL;
	b->n_money++;
	b->money[i].currency = currency;
	return &b->money[i];
}

static void add_money(struct blast *b, const struct arg *a)
{
	struct blast_money *m;
	unsigned w;

	if (a->type != TYPE_MONEY || a->max <= 0)
		return;
	m = purse(b, a->currency);
	b->more_money |= !m;
	for (w = 0; m && w < BLAST_WINDOWS; w++)
		m->most[w] =
			plus(m->most[w], times(b->calls[w], (uint64_t)a->max));
}

static bool has_row(const struct cap *c, enum outcome o)
{
	size_t i;

	for (i = 0; i < c->n_rows; i++)
		if (c->rows[i].outcome == o)
			return true;
	return false;
}

/* Asks take no place in the limits: only budgets bound them. */
static uint64_t asks_of(const struct policy *p, unsigned window)
{
	return p->budgets.asks_day.window
		       ? most_of(&p->budgets.asks_day, window)
		       : ASKS_A_DAY;
}

static void worst(const struct cap *c, struct blast *b)
{
	unsigned w;
	size_t i;

	for (w = 0; w < BLAST_WINDOWS; w++) {
		b->calls[w] = calls_of(c, w);
		if (c->effect == EFFECT_READ)
			continue;
		b->targets[w] = targets_of(c, b->calls[w]);
		if (c->effect == EFFECT_EXTERNAL)
			b->bytes[w] =
				least(times(b->calls[w], bytes_of_call(c)),
				      most_of(&c->limits.bytes, w));
	}
	for (i = 0; c->effect != EFFECT_READ && i < c->n_args; i++)
		add_money(b, &c->args[i]);
}

bool policy_blast(const struct policy *p, size_t i, struct blast *ret)
{
	static const char *const effects[] = { [EFFECT_READ] = "read",
					       [EFFECT_INTERNAL] = "internal",
					       [EFFECT_EXTERNAL] = "external" };
	const struct cap *c;
	unsigned w;

	if (i >= p->n_caps)
		return false;
	c = p->caps[i];
	*ret = (struct blast){
		.name = c->name,
		.effect = effects[c->effect],
		.alone = has_row(c, OUTCOME_ALLOW) && !c->rehearse &&
			 !p->rehearse,
		.asks = cap_asks(c),
	};
	if (ret->alone)
		worst(c, ret);
	for (w = 0; ret->asks && w < BLAST_WINDOWS; w++)
		ret->asked[w] = asks_of(p, w);
	return true;
}

static void add_purses(struct blast *sum, const struct blast *b)
{
	unsigned w;
	size_t i;

	for (i = 0; i < b->n_money; i++) {
		struct blast_money *m = purse(sum, b->money[i].currency);

		sum->more_money |= !m;
		for (w = 0; m && w < BLAST_WINDOWS; w++)
			m->most[w] = plus(m->most[w], b->money[i].most[w]);
	}
	sum->more_money |= b->more_money;
}

void policy_blast_sum(const struct policy *p, struct blast *ret)
{
	struct blast b;
	unsigned w;
	size_t i;

	*ret = (struct blast){ 0 };
	for (i = 0; policy_blast(p, i, &b); i++) {
		ret->asks |= b.asks;
		if (!strcmp(b.effect, "read"))
			continue;
		ret->alone |= b.alone;
		add_purses(ret, &b);
		for (w = 0; w < BLAST_WINDOWS; w++) {
			ret->calls[w] = plus(ret->calls[w], b.calls[w]);
			ret->targets[w] = plus(ret->targets[w], b.targets[w]);
			ret->bytes[w] = plus(ret->bytes[w], b.bytes[w]);
		}
	}
	for (w = 0; ret->asks && w < BLAST_WINDOWS; w++)
		ret->asked[w] = asks_of(p, w);
}
