/* spend: see spend.h. */
#include "policy/spend.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/str.h"
#include "policy/model.h"

enum { MILLION = 1000000 };

struct spend_amount spend_of(const struct spend_used *u,
			     const struct spend_price *price)
{
	/* Four products below 2^62, by the bounds of both. */
	const uint64_t parts =
		u->input * price->input + u->cache_read * price->cache_read +
		u->cache_write * price->cache_write + u->output * price->output;

	return (struct spend_amount){
		.tokens = u->input + u->cache_read + u->cache_write + u->output,
		.usd = parts / MILLION + (parts % MILLION != 0),
		.unpriced = !price->known,
	};
}

struct spend_amount spend_most(uint64_t bytes, uint64_t tokens,
			       const struct spend_price *price)
{
	const uint64_t input = bytes / SPEND_TOKEN_BYTES + 1;
	struct spend_price most = *price;
	const struct spend_used used = {
		.input = input < SPEND_TOKENS ? input : SPEND_TOKENS,
		.output = tokens < SPEND_TOKENS ? tokens : SPEND_TOKENS,
	};

	if (most.input < most.cache_write)
		most.input = most.cache_write;
	return spend_of(&used, &most);
}

/* --- places -------------------------------------------------------------- */

enum { PLACES = 2 * (BUDGET_WINDOWS + 1), KEY = 64 };

struct place {
	const char *name;
	const struct limit *limit;
	struct state_place p;
	char key[KEY];
};

static void add(struct place *to, size_t *n, const struct limit *l,
		const char *name, uint64_t task, uint64_t amount)
{
	const bool tokens = strstr(name, "tokens") != NULL;
	struct place *at = &to[*n];

	if (!l->window || (l->window == WINDOW_TASK && !task))
		return;
	*at = (struct place){ .name = name, .limit = l };
	if (l->window == WINDOW_TASK)
		(void)str_printf(at->key, KEY, "task %" PRIu64 " llm %s", task,
				 tokens ? "tokens" : "usd");
	else
		(void)str_printf(at->key, KEY, "%u llm %s", l->window_s,
				 tokens ? "tokens" : "usd");
	at->p = (struct state_place){ .key = span_str(at->key),
				      .amount = amount,
				      .most = l->most,
				      .window_s = l->window_s };
	(*n)++;
}

static size_t places(const struct budgets *b, uint64_t task,
		     const struct spend_amount *a, struct place ret[PLACES])
{
	size_t n = 0, i;

	for (i = 0; i < BUDGET_WINDOWS; i++) {
		add(ret, &n, &b->llm_usd[i], "llm_usd", task, a->usd);
		add(ret, &n, &b->llm_tokens[i], "llm_tokens", task, a->tokens);
	}
	add(ret, &n, &b->task_usd, "task_usd", task, a->usd);
	add(ret, &n, &b->task_tokens, "task_tokens", task, a->tokens);
	return n;
}

bool policy_has_usd(const struct policy *p)
{
	const struct budgets *b = &p->budgets;
	bool has = b->task_usd.window || b->call_usd.window;
	size_t i;

	for (i = 0; i < BUDGET_WINDOWS; i++)
		has = has || b->llm_usd[i].window;
	return has;
}

static bool used_up(const char *name, const struct limit *l,
		    char why[SPEND_WHY])
{
	(void)str_printf(
		why, SPEND_WHY, "the budget %s of %.60s %s", name, l->text,
		l->window == WINDOW_SECONDS ? "has no room for this request now"
					    : "has no room for this request");
	return false;
}

/* True, or which one is smaller than the request by itself. */
static bool call_fits(const struct budgets *b, const struct spend_amount *a,
		      char why[SPEND_WHY])
{
	if (b->call_tokens.window && a->tokens > b->call_tokens.most)
		return used_up("call_tokens", &b->call_tokens, why);
	if (b->call_usd.window && a->usd > b->call_usd.most)
		return used_up("call_usd", &b->call_usd, why);
	return true;
}

static bool take(struct policy_state *s, const struct place *all, size_t n,
		 struct state_taken *t)
{
	size_t i;

	for (i = 0; i < n; i++)
		if (all[i].p.amount && policy_state_take(s, &all[i].p, t) < 0) {
			policy_state_give_back(s, t);
			return false;
		}
	return true;
}

bool spend_reserve(const struct policy *p, struct policy_state *s,
		   uint64_t task, const struct spend_amount *a,
		   struct state_taken *t, char why[SPEND_WHY])
{
	struct place all[PLACES];
	size_t n = places(&p->budgets, task, a, all), i;

	if (a->unpriced && policy_has_usd(p)) {
		(void)str_printf(
			why, SPEND_WHY,
			"there is a budget of money, and the model has "
			"no price");
		return false;
	}
	if (!call_fits(&p->budgets, a, why))
		return false;
	for (i = 0; i < n; i++)
		if (all[i].p.amount && !policy_state_open(s, &all[i].p))
			return used_up(all[i].name, all[i].limit, why);
	if (take(s, all, n, t))
		return true;
	(void)str_printf(why, SPEND_WHY,
			 "more budgets are used than there is "
			 "room for");
	return false;
}

bool spend_settle(const struct policy *p, struct policy_state *s, uint64_t task,
		  const struct spend_amount *a, struct state_taken *t)
{
	struct place all[PLACES];
	const size_t n = places(&p->budgets, task, a, all);
	struct state_taken kept = { 0 };

	if (!take(s, all, n, &kept))
		return false;
	policy_state_give_back(s, t);
	return true;
}
