/*
 * load_limits: how much and how often: limits of a capability, budgets of the
 * whole, the lease, tripwires and decoys. Every amount has a window, and every
 * window slides: at no time has more than that happened in its last stretch.
 */
#include "base/str.h"
#include "conf/value.h"
#include "policy/loader.h"

enum unit {
	PER_MINUTE = 1,
	PER_HOUR = 2,
	PER_DAY = 4,
	PER_WEEK = 8,
	PER_TASK = 16
};

enum amount { AMOUNT_COUNT, AMOUNT_BYTES, AMOUNT_TOKENS, AMOUNT_USD };

struct quantity {
	enum amount amount;
	unsigned units;
	const char *want; /* what belongs here, for errors */
};

enum {
	TOKENS_MAX = 1000000000,
	USD_MAX = 1000000,
	USD_ONE = 1000000, /* dollars are kept in millionths */
	USD_DIGITS = 6,
};

/* "3M", "500K", "9000" */
static int parse_tokens(struct span s, uint64_t *ret)
{
	uint64_t factor = 1;

	if (s.n && s.p[s.n - 1] == 'K')
		factor = 1000;
	else if (s.n && s.p[s.n - 1] == 'M')
		factor = 1000000;
	s.n -= factor > 1;
	if (num_parse(s, 1, TOKENS_MAX / factor, ret) < 0)
		return -1;
	*ret *= factor;
	return 0;
}

/* "0.75" in millionths */
static int parse_usd(struct span s, uint64_t *ret)
{
	CLEAN_BUF struct buf canon;
	int64_t v;

	buf_init(&canon, 64);
	if (type_canon(TYPE_NUMBER, false, s, &canon))
		return -1;
	v = type_number(TYPE_NUMBER, buf_view(&canon));
	if (v <= 0 || v % (NUMBER_ONE / USD_ONE) ||
	    v > (int64_t)USD_MAX * NUMBER_ONE)
		return -1;
	*ret = (uint64_t)(v / (NUMBER_ONE / USD_ONE));
	return 0;
}

static int parse_amount(enum amount kind, struct span s, uint64_t *ret)
{
	char text[32];

	switch (kind) {
	case AMOUNT_COUNT:
		return num_parse(s, 1, POLICY_RATE, ret);
	case AMOUNT_BYTES:
		if (str_copy(text, sizeof(text), s) < 0 ||
		    value_size(text, ret) < 0 || !*ret || *ret > 1ull << 40)
			return -1;
		return 0;
	case AMOUNT_TOKENS:
		return parse_tokens(s, ret);
	case AMOUNT_USD:
		return parse_usd(s, ret);
	}
	return -1;
}

/* The window of a unit, or WINDOW_NONE if the unit is not one of them. */
static enum window window_of(const char *unit, unsigned units,
			     uint32_t *seconds)
{
	static const struct {
		const char *name;
		unsigned unit;
		uint32_t seconds;
	} rows[] = {
		{ "minute", PER_MINUTE, 60 }, { "hour", PER_HOUR, 3600 },
		{ "day", PER_DAY, 86400 },    { "week", PER_WEEK, 7 * 86400 },
		{ "task", PER_TASK, 0 },
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(rows); i++) {
		if (!(rows[i].unit & units) || strcmp(rows[i].name, unit) != 0)
			continue;
		*seconds = rows[i].seconds;
		return *seconds ? WINDOW_SECONDS : WINDOW_TASK;
	}
	return WINDOW_NONE;
}

static void limit_of(struct loader *l, const struct yaml_node *n,
		     const struct quantity *q, struct limit *ret)
{
	const char *text = load_scalar(&l->l, n), *slash;
	struct limit v = { 0 };

	if (!text)
		return;
	slash = strchr(text, '/');
	if (slash)
		v.window = window_of(slash + 1, q->units, &v.window_s);
	if (!v.window ||
	    parse_amount(q->amount, span_of(text, (size_t)(slash - text)),
			 &v.most) < 0) {
		fault(l, n, "%s", q->want);
		return;
	}
	v.text = text;
	v.at = yaml_place(n);
	*ret = v;
}

/* limits of a capability */

static void set_rate(void *ctx, const struct yaml_node *n)
{
	static const struct quantity q = {
		AMOUNT_COUNT, PER_MINUTE | PER_HOUR | PER_DAY,
		"a rate is 1 to 10000/minute, /hour or /day"
	};
	struct loader *l = ctx;

	limit_of(l, n, &q, &l->cap->limits.rate);
}

static void set_total(void *ctx, const struct yaml_node *n)
{
	static const struct quantity q = {
		AMOUNT_COUNT, PER_HOUR | PER_DAY | PER_WEEK | PER_TASK,
		"a total is 1 to 10000/hour, /day, /week or /task"
	};
	struct loader *l = ctx;

	limit_of(l, n, &q, &l->cap->limits.total);
}

static void set_bytes(void *ctx, const struct yaml_node *n)
{
	static const struct quantity q = {
		AMOUNT_BYTES, PER_HOUR | PER_DAY | PER_WEEK | PER_TASK,
		"bytes are a size up to 1024GiB /hour, /day, /week or /task"
	};
	struct loader *l = ctx;

	limit_of(l, n, &q, &l->cap->limits.bytes);
}

static void set_per(void *ctx, const struct yaml_node *n)
{
	static const struct quantity q = {
		AMOUNT_COUNT, PER_MINUTE | PER_HOUR | PER_DAY | PER_TASK,
		"a rate is 1 to 10000/minute, /hour, /day or /task"
	};
	struct loader *l = ctx;
	struct limits *to = &l->cap->limits;
	size_t i;

	if (!is_map(l, n, "rates by argument"))
		return;
	if (yaml_count(n) > POLICY_PER) {
		fault(l, n, "more than %d arguments: use fewer", POLICY_PER);
		return;
	}
	for (i = 0; i < yaml_count(n); i++) {
		const struct arg *a = cap_arg(l->cap, span_str(yaml_key(n, i)));

		if (!a || a->role == ROLE_CONTENT) {
			load_fault(&l->l, yaml_key_place(n, i),
				   "there is no argument \"%.64s\" to count "
				   "by: name one that is not content",
				   yaml_key(n, i));
			continue;
		}
		to->per[to->n_per].arg = a;
		limit_of(l, yaml_at(n, i), &q, &to->per[to->n_per++].limit);
	}
}

static void set_concurrent(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	(void)count_of(l, n, POLICY_RATE, "calls", &l->cap->limits.concurrent);
}

static const struct load_rule limits_rules[] = {
	{ { "rate", true, false,
	    "most calls in every window of that length, e.g. 6/hour",
	    "1 to 10000/minute, /hour or /day", NULL },
	  set_rate },
	{ { "total", false, false, "the same over a longer time, or of a task",
	    "1 to 10000/hour, /day, /week or /task", NULL },
	  set_total },
	{ { "per", false, false, "rates for each value of an argument",
	    "{ARG: rate}, /task too", NULL },
	  set_per },
	{ { "bytes", false, false, "most bytes of arguments",
	    "a size /hour, /day, /week or /task", NULL },
	  set_bytes },
	{ { "concurrent", false, false,
	    "most calls that are under way at once, parked ones too",
	    "a number", NULL },
	  set_concurrent },
};
const struct load_schema limits_schema = { "capabilities.NAME.limits.",
					   LOAD_TABLE(limits_rules) };

void set_limits(void *ctx, const struct yaml_node *n)
{
	load_section(ctx, n, &limits_schema);
}

/* budgets */

/* One amount, or a list of some with different windows. */
static void set_windows(struct loader *l, const struct yaml_node *n,
			const struct quantity *q, struct limit *to)
{
	static const uint32_t seconds[BUDGET_WINDOWS] = {
		[BUDGET_HOUR] = 3600,
		[BUDGET_DAY] = 86400,
		[BUDGET_WEEK] = 7 * 86400,
	};
	struct limit v = { 0 };
	size_t i;

	if (yaml_kind(n) == YAML_LIST) {
		if (is_list(l, n, BUDGET_WINDOWS, "amounts"))
			for (i = 0; i < yaml_count(n); i++)
				set_windows(l, yaml_at(n, i), q, to);
		return;
	}
	limit_of(l, n, q, &v);
	for (i = 0; v.window && i < BUDGET_WINDOWS; i++) {
		if (seconds[i] != v.window_s)
			continue;
		if (to[i].window)
			fault(l, n,
			      "this window is listed twice: remove one");
		to[i] = v;
	}
}

static void set_llm_usd(void *ctx, const struct yaml_node *n)
{
	static const struct quantity q = {
		AMOUNT_USD, PER_HOUR | PER_DAY | PER_WEEK,
		"dollars /hour, /day or /week, e.g. 5/day"
	};
	struct loader *l = ctx;

	set_windows(l, n, &q, l->p->budgets.llm_usd);
}

static void set_llm_tokens(void *ctx, const struct yaml_node *n)
{
	static const struct quantity q = {
		AMOUNT_TOKENS, PER_HOUR | PER_DAY | PER_WEEK,
		"tokens /hour, /day or /week, e.g. 3M/day"
	};
	struct loader *l = ctx;

	set_windows(l, n, &q, l->p->budgets.llm_tokens);
}

/* "0.75", "500K": of one task or one request. */
static void set_amount(void *ctx, const struct yaml_node *n, bool usd,
		       struct limit *to)
{
	struct loader *l = ctx;
	const char *text = load_scalar(&l->l, n);

	if (!text)
		return;
	if ((usd ? parse_usd : parse_tokens)(span_str(text), &to->most) < 0) {
		fault(l, n,
		      usd ? "dollars, e.g. 0.75" : "tokens, e.g. 500K");
		return;
	}
	to->text = text;
	to->at = yaml_place(n);
	to->window = WINDOW_TASK;
}

static void set_task_usd(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	set_amount(l, n, true, &l->p->budgets.task_usd);
}

static void set_task_tokens(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	set_amount(l, n, false, &l->p->budgets.task_tokens);
}

static void set_call_usd(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	set_amount(l, n, true, &l->p->budgets.call_usd);
}

static void set_call_tokens(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	set_amount(l, n, false, &l->p->budgets.call_tokens);
}

static const struct quantity a_task = { AMOUNT_COUNT, PER_TASK,
					"1 to 10000/task" };

static void set_denials(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	limit_of(l, n, &a_task, &l->p->budgets.denials);
}

static void set_calls(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	limit_of(l, n, &a_task, &l->p->budgets.calls);
}

static void set_wall(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->p->budgets.wall_at = yaml_place(n);
	(void)duration_of(l, n, POLICY_LEASE_S, &l->p->budgets.wall_s);
}

/* One of "5/task" and "20/day". */
static void set_ask(struct loader *l, const struct yaml_node *n)
{
	static const struct quantity q = { AMOUNT_COUNT, PER_TASK | PER_DAY,
					   "1 to 10000/task or /day" };
	struct limit v = { 0 };
	struct limit *to;

	limit_of(l, n, &q, &v);
	if (!v.window)
		return;
	to = v.window == WINDOW_TASK ? &l->p->budgets.asks_task
				     : &l->p->budgets.asks_day;
	if (to->window)
		fault(l, n, "this window is listed twice: remove one");
	*to = v;
}

static void set_asks(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_LIST)
		set_ask(l, n);
	else if (is_list(l, n, 2, "amounts"))
		for (i = 0; i < yaml_count(n); i++)
			set_ask(l, yaml_at(n, i));
}

static void set_targets(void *ctx, const struct yaml_node *n)
{
	static const struct quantity q = { AMOUNT_COUNT, PER_DAY,
					   "1 to 10000/day" };
	struct loader *l = ctx;

	limit_of(l, n, &q, &l->p->budgets.targets);
}

static const struct load_rule budgets_rules[] = {
	{ { "llm_usd", false, false, "money for models",
	    "dollars /hour, /day or /week, or a list of these", NULL },
	  set_llm_usd },
	{ { "llm_tokens", false, false, "tokens of models",
	    "e.g. 3M /hour, /day or /week, or a list of these", NULL },
	  set_llm_tokens },
	{ { "task_usd", false, false, "money for the models of one task",
	    "dollars", NULL },
	  set_task_usd },
	{ { "task_tokens", false, false, "tokens of the models of one task",
	    "e.g. 500K", NULL },
	  set_task_tokens },
	{ { "call_usd", false, false, "money for one request to a model",
	    "dollars", NULL },
	  set_call_usd },
	{ { "call_tokens", false, false, "tokens of one request to a model",
	    "e.g. 100K", NULL },
	  set_call_tokens },
	{ { "denials", false, false, "refusals until the task trips",
	    "1 to 10000/task", NULL },
	  set_denials },
	{ { "calls", false, false, "calls of a task", "1 to 10000/task", NULL },
	  set_calls },
	{ { "wall", false, false, "how long a task may take", "a duration",
	    NULL },
	  set_wall },
	{ { "asks", false, false, "approvals that are asked for",
	    "1 to 10000/task or /day, or a list of both",
	    "10/task and 50/day" },
	  set_asks },
	{ { "targets", false, false, "targets that no call has had before",
	    "1 to 10000/day", NULL },
	  set_targets },
};
const struct load_schema budgets_schema = { "budgets.",
					    LOAD_TABLE(budgets_rules) };

void set_budgets(void *ctx, const struct yaml_node *n)
{
	load_section(ctx, n, &budgets_schema);
}

/* lease */

static void set_autonomy(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	(void)duration_of(l, n, POLICY_LEASE_S, &l->p->lease.autonomy_s);
}

static const struct load_word expiry_words[] = {
	{ "ask", OUTCOME_ASK, false },
	{ "deny", OUTCOME_DENY, false },
};

static void set_on_expiry(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, LOAD_TABLE(expiry_words));

	if (v > 0)
		l->p->lease.on_expiry = (enum outcome)v;
}

static const struct load_rule lease_rules[] = {
	{ { "autonomy", true, false,
	    "how long it acts without a sign of the owner", "a duration",
	    NULL },
	  set_autonomy },
	{ { "on_expiry", true, false, "what becomes of effects then" },
	  set_on_expiry,
	  LOAD_TABLE(expiry_words) },
};
const struct load_schema lease_schema = { "lease.", LOAD_TABLE(lease_rules) };

void set_lease(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->p->lease.at = yaml_place(n);
	load_section(l, n, &lease_schema);
}

/* tripwires */

static const struct load_word trip_words[] = {
	{ "kill", TRIP_KILL, false },
	{ "freeze", TRIP_FREEZE, false },
};

static const struct load_word limits_words[] = {
	{ "kill", TRIP_KILL, false },
	{ "freeze", TRIP_FREEZE, false },
	{ "refuse", TRIP_REFUSE, false },
};

static void trip_of(struct loader *l, const struct yaml_node *n,
		    enum trip_action *ret)
{
	int v = load_choose(&l->l, n, LOAD_TABLE(trip_words));

	if (v > 0)
		*ret = (enum trip_action)v;
}

static void set_trip_canary(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	trip_of(l, n, &l->p->trip.canary);
}

static void set_trip_decoy(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	trip_of(l, n, &l->p->trip.decoy);
}

static void set_trip_denials(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	trip_of(l, n, &l->p->trip.denials);
}

static void set_trip_audit(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	trip_of(l, n, &l->p->trip.audit);
}

static void set_trip_limits(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, LOAD_TABLE(limits_words));

	if (v >= 0)
		l->p->trip.limits = (enum trip_action)v;
}

static const struct load_rule trip_rules[] = {
	{ { "canary", false, false, "a canary is seen on its way out", NULL,
	    "kill" },
	  set_trip_canary,
	  LOAD_TABLE(trip_words) },
	{ { "decoy", false, false, "a decoy is called", NULL, "kill" },
	  set_trip_decoy,
	  LOAD_TABLE(trip_words) },
	{ { "denials", false, false, "a task has used up its denials", NULL,
	    "freeze" },
	  set_trip_denials,
	  LOAD_TABLE(trip_words) },
	{ { "audit", false, false, "the log cannot be written", NULL, "kill" },
	  set_trip_audit,
	  LOAD_TABLE(trip_words) },
	{ { "limits", false, false, "a limit is used up", NULL, "refuse" },
	  set_trip_limits,
	  LOAD_TABLE(limits_words) },
};
const struct load_schema trip_schema = { "trip.", LOAD_TABLE(trip_rules) };

void set_trip(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->p->trip.written = true;
	load_section(ctx, n, &trip_schema);
}

void set_decoys(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i, k;

	if (!is_list(l, n, POLICY_DECOYS, "names"))
		return;
	for (i = 0; i < yaml_count(n); i++) {
		const char *name = name_of(l, yaml_at(n, i));
		struct decoy *d = &l->p->decoys[l->p->n_decoys];

		if (!name)
			continue;
		for (k = 0; k < l->p->n_caps; k++)
			if (!strcmp(l->p->caps[k]->name, name))
				fault(l, yaml_at(n, i),
				      "a capability has this name: a decoy "
				      "does nothing");
		for (k = 0; k < l->p->n_decoys; k++)
			if (!strcmp(l->p->decoys[k].name, name))
				fault(l, yaml_at(n, i),
				      "this decoy is listed twice: remove "
				      "one");
		d->name = name;
		l->p->n_decoys++;
		if (tool_make_decoy(d) < 0)
			l->oom = true;
	}
}
