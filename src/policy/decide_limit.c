/*
 * decide_limit: how much and how often: the limits of the capability, the
 * budgets of the whole, and breakers that no policy turns off.
 *
 * Every place that a call would take is looked at before the first is taken, so
 * a call that is refused takes none. What counts calls and refusals of a task
 * counts whatever becomes of the call.
 */
#include <inttypes.h>
#include <stdio.h>

#include "base/sha256.h"
#include "base/str.h"
#include "policy/decide_inner.h"

enum {
	KEY_VALUE_MAX = 160,   /* of a value; a longer one is its hash */
	TARGET_S = 90 * 86400, /* a target is known so long */
};

struct place {
	struct state_place p;
	const char *name; /* "rate" */
	const char *text; /* "6/hour" */
	struct yaml_place at;
};

typedef bool place_fn(struct deciding *d, const struct place *p);

static void refuse_limit(struct deciding *d, const char *name, const char *text,
			 struct yaml_place at)
{
	d->d->limited = true;
	stand(d,
	      (struct standing){ .outcome = OUTCOME_DENY,
				 .by = DECIDED_LIMIT,
				 .what = name,
				 .at = at,
				 .word = "limit" },
	      "the limit of %s is used up", text);
}

/* keys */

struct key {
	char text[STATE_KEY_MAX + 1];
};

static void key_hash(struct span v, char hex[2 * SHA256_LEN + 1])
{
	uint8_t sum[SHA256_LEN];
	struct sha256 h;

	sha256_init(&h);
	sha256_add(&h, v);
	sha256_final(&h, sum);
	hex_encode(hex, sum, sizeof(sum));
}

static bool is_plain(struct span v)
{
	size_t i;

	for (i = 0; i < v.n; i++)
		if (v.p[i] <= 0x20 || v.p[i] >= 0x7f)
			return false;
	return v.n <= KEY_VALUE_MAX;
}

/* The value as a part of a key; different ones never look the same. */
static void key_value(struct span v, char dst[KEY_VALUE_MAX + 2])
{
	if (is_plain(v)) {
		(void)str_printf(dst, KEY_VALUE_MAX + 2, "=%.*s", (int)v.n,
				 v.n ? (const char *)v.p : "");
		return;
	}
	dst[0] = '#';
	key_hash(v, dst + 1);
}

static struct span key_of(const struct deciding *d, const struct limit *l,
			  const char *rest, struct key *k)
{
	if (l->window == WINDOW_TASK)
		(void)str_printf(k->text, sizeof(k->text),
				 "task %" PRIu64 " %s", d->in->task, rest);
	else
		(void)str_printf(k->text, sizeof(k->text), "%u %s", l->window_s,
				 rest);
	return span_str(k->text);
}

static struct span task_key(const struct deciding *d, const char *rest,
			    struct key *k)
{
	static const struct limit task = { .window = WINDOW_TASK };

	return key_of(d, &task, rest, k);
}

/* places of the capability */

static bool one_limit(struct deciding *d, const struct limit *l,
		      const char *name, uint64_t amount, const char *of,
		      place_fn *fn)
{
	struct key k;
	struct place p = { .name = name, .text = l->text, .at = l->at };

	if (!l->window)
		return true;
	p.p = (struct state_place){ .key = key_of(d, l, of, &k),
				    .amount = amount,
				    .most = l->most,
				    .window_s = l->window_s };
	return fn(d, &p);
}

static bool cap_limit(struct deciding *d, const struct limit *l,
		      const char *name, uint64_t amount, place_fn *fn)
{
	char of[2 * POLICY_NAME_MAX];

	(void)str_printf(of, sizeof(of), "%s %s", name, d->cap->name);
	return one_limit(d, l, name, amount, of, fn);
}

static bool per_limit(struct deciding *d, const struct per_limit *per,
		      const struct given *g, place_fn *fn)
{
	char of[STATE_KEY_MAX], value[KEY_VALUE_MAX + 2];

	key_value(g->v, value);
	(void)str_printf(of, sizeof(of), "per %s %s %s", d->cap->name,
			 per->arg->name, value);
	return one_limit(d, &per->limit, "per", 1, of, fn);
}

/* The bytes that would leave: of a file those that it stands for. */
static uint64_t bytes_of(const struct deciding *d)
{
	uint64_t n = 0;
	size_t i;

	for (i = 0; i < d->n; i++) {
		const struct given *g = &d->given[i];
		struct type_file f;

		if (g->arg->type == TYPE_FILE && type_file(g->v, &f))
			n += f.size;
		else
			n += g->edited ? g->n : g->v.n;
	}
	return n;
}

static bool cap_places(struct deciding *d, place_fn *fn)
{
	const struct limits *l = &d->cap->limits;
	size_t i, k;

	if (!cap_limit(d, &l->rate, "rate", 1, fn) ||
	    !cap_limit(d, &l->total, "total", 1, fn) ||
	    !cap_limit(d, &l->bytes, "bytes", bytes_of(d), fn))
		return false;
	for (i = 0; i < l->n_per; i++)
		for (k = 0; k < d->n; k++)
			if (d->given[k].arg == l->per[i].arg &&
			    !per_limit(d, &l->per[i], &d->given[k], fn))
				return false;
	return true;
}

/* targets */

/* How far a target is new: in this task, or anywhere. */
static bool target_place(struct deciding *d, const struct given *g, bool task,
			 struct key *k, struct place *ret)
{
	static const struct limit known = { .window = WINDOW_SECONDS,
					    .window_s = TARGET_S };
	char of[STATE_KEY_MAX], value[KEY_VALUE_MAX + 2];

	if (g->arg->role != ROLE_TARGET)
		return false;
	key_value(g->v, value);
	(void)str_printf(of, sizeof(of), "to %s %s", d->cap->connector, value);
	*ret = (struct place){ .name = "targets", .text = "targets" };
	ret->p = (struct state_place){
		.key = task ? task_key(d, of, k) : key_of(d, &known, of, k),
		.amount = 1,
		.most = UINT64_MAX,
		.window_s = task ? 0 : TARGET_S,
	};
	return !policy_state_used(d->s, ret->p.key, ret->p.window_s);
}

static uint64_t count_new(struct deciding *d, bool task)
{
	struct place p;
	uint64_t n = 0;
	struct key k;
	size_t i;

	for (i = 0; i < d->n; i++)
		n += target_place(d, &d->given[i], task, &k, &p);
	return n;
}

/* Of so many new ones at most `most`; each is known from then on. */
static bool new_targets(struct deciding *d, const struct limit *l, bool task,
			const char *name, place_fn *fn)
{
	uint64_t n = count_new(d, task);
	struct place p;
	struct key k;
	size_t i;

	if (n && !one_limit(d, l, name, n, name, fn))
		return false;
	for (i = 0; i < d->n; i++)
		if (target_place(d, &d->given[i], task, &k, &p) && !fn(d, &p))
			return false;
	return true;
}

/* breakers */

static void call_key(const struct deciding *d, char dst[80])
{
	uint8_t sum[SHA256_LEN];
	struct sha256 h;
	size_t i;

	sha256_init(&h);
	sha256_add(&h, span_of(d->cap->name, strlen(d->cap->name) + 1));
	for (i = 0; i < d->n; i++) {
		const uint64_t n = d->given[i].v.n;

		sha256_add(&h, span_of(d->given[i].arg->name,
				       strlen(d->given[i].arg->name) + 1));
		sha256_add(&h, span_of(&n, sizeof(n)));
		sha256_add(&h, d->given[i].v);
	}
	sha256_final(&h, sum);
	(void)str_printf(dst, 80, "call ");
	hex_encode(dst + 5, sum, sizeof(sum));
}

static bool breakers(struct deciding *d, place_fn *fn)
{
	static const struct limit same = { .window = WINDOW_TASK,
					   .text = "equal calls in one task",
					   .most = BREAK_REPEATS },
				  spread = { .window = WINDOW_TASK,
					     .text = "targets in one task",
					     .most = BREAK_TARGETS };
	char of[80];

	if (d->in->grant && d->in->grant->seen)
		return true;
	call_key(d, of);
	return one_limit(d, &same, "repeats", 1, of, fn) &&
	       new_targets(d, &spread, true, "fan-out", fn);
}

static bool all_places(struct deciding *d, place_fn *fn)
{
	const struct limit *targets = &d->p->budgets.targets;

	return cap_places(d, fn) &&
	       (!targets->window ||
		new_targets(d, targets, false, "targets", fn)) &&
	       breakers(d, fn);
}

/* steps */

/* "last climate.set celsius HASH": by the targets of the call, of a list by
 * one of its elements. */
static void step_key(const struct deciding *d, const struct arg *a,
		     const struct given *element, struct key *k)
{
	char hex[2 * SHA256_LEN + 1];
	uint8_t sum[SHA256_LEN];
	struct sha256 h;
	size_t i;

	sha256_init(&h);
	for (i = 0; i < d->n; i++) {
		const struct given *g = &d->given[i];
		const uint64_t n = g->v.n;

		if (g->arg->role != ROLE_TARGET ||
		    (g->arg->many && g != element))
			continue;
		sha256_add(&h, span_of(&n, sizeof(n)));
		sha256_add(&h, g->v);
	}
	sha256_final(&h, sum);
	hex_encode(hex, sum, sizeof(sum));
	(void)str_printf(k->text, sizeof(k->text), "last %s %s %s",
			 d->cap->name, a->name, hex);
}

typedef void step_fn(struct deciding *d, const struct given *g, struct span k);

/* For each element of a list by itself: in another company it is the same
 * target. */
static void each_step(struct deciding *d, const struct given *g, step_fn *fn)
{
	bool any = false;
	struct key k;
	size_t i;

	if (!g->arg->step)
		return;
	for (i = 0; i < d->n; i++) {
		const struct given *e = &d->given[i];

		if (e->arg->role != ROLE_TARGET || !e->arg->many)
			continue;
		step_key(d, g->arg, e, &k);
		fn(d, g, span_str(k.text));
		any = true;
	}
	if (any)
		return;
	step_key(d, g->arg, NULL, &k);
	fn(d, g, span_str(k.text));
}

static void check_step(struct deciding *d, const struct given *g, struct span k)
{
	const struct arg *a = g->arg;
	char text[QUOTE_MAX];
	int64_t last, v = type_number(a->type, g->v);

	if (!policy_state_number(d->s, k, &last) ||
	    (v <= last ? last - v : v - last) <= a->step)
		return;
	refuse_arg(d, a, "%s: %s is more than a step from the last value",
		   a->name, quote_given(text, d, g));
}

static void take_step(struct deciding *d, const struct given *g, struct span k)
{
	d->failed |= policy_state_set(d->s, k, type_number(g->arg->type, g->v),
				      &d->d->taken) < 0;
}

/* all together */

/* What is counted by the values of calls, or by their size. */
static bool is_of_values(const struct place *p)
{
	return strcmp(p->name, "rate") != 0 && strcmp(p->name, "total") != 0 &&
	       strcmp(p->name, "asks") != 0;
}

static bool check(struct deciding *d, const struct place *p)
{
	size_t i;

	if (policy_state_open(d->s, &p->p))
		return true;
	for (i = 0; i < d->n && is_of_values(p); i++)
		d->d->hidden |= value_of(d, &d->given[i])->hidden &&
				d->given[i].arg->type != TYPE_HANDLE;
	refuse_limit(d, p->name, p->text, p->at);
	return false;
}

static bool take(struct deciding *d, const struct place *p)
{
	if (policy_state_take(d->s, &p->p, &d->d->taken) < 0)
		d->failed = true;
	return !d->failed;
}

static bool ask_places(struct deciding *d, place_fn *fn)
{
	static const struct limit a_task = { .window = WINDOW_TASK,
					     .text = "10 questions in one task",
					     .most = ASKS_A_TASK },
				  a_day = { .window = WINDOW_SECONDS,
					    .window_s = 86400,
					    .text = "50 questions in one day",
					    .most = ASKS_A_DAY };
	const struct budgets *b = &d->p->budgets;

	return one_limit(d, b->asks_task.window ? &b->asks_task : &a_task,
			 "asks", 1, "asks", fn) &&
	       one_limit(d, b->asks_day.window ? &b->asks_day : &a_day, "asks",
			 1, "asks", fn);
}

/* What the owner has said yes to is one of those under way itself. */
static void check_under_way(struct deciding *d)
{
	const uint32_t most = d->cap->limits.concurrent;

	if (most && !d->in->grant && d->in->under_way >= most)
		refuse_limit(d, "concurrent", "calls under way at once",
			     d->cap->at);
}

void apply_limits(struct deciding *d)
{
	const struct budgets *b = &d->p->budgets;
	const bool asks = d->stands.outcome == OUTCOME_ASK;
	size_t i;

	for (i = 0; i < d->n; i++)
		each_step(d, &d->given[i], check_step);
	if (b->wall_s && d->in->task_s >= b->wall_s)
		refuse_limit(d, "wall", "the time of one task", b->wall_at);
	check_under_way(d);
	if (is_refused(d) || !all_places(d, check) ||
	    (asks && !ask_places(d, check)) || d->in->dry)
		return;
	if (asks) {
		(void)ask_places(d, take);
		return;
	}
	if (!all_places(d, take))
		return;
	for (i = 0; i < d->n; i++)
		each_step(d, &d->given[i], take_step);
}

/* the task */

static bool counts(const struct deciding *d)
{
	return !d->in->dry && !d->in->grant;
}

static uint64_t task_used(const struct deciding *d, const char *what)
{
	struct key k;

	return policy_state_used(d->s, task_key(d, what, &k), 0);
}

static void task_count(struct deciding *d, const char *what)
{
	struct state_taken kept = { 0 }; /* is not given back */
	struct key k;
	const struct state_place p = { .key = task_key(d, what, &k),
				       .amount = 1 };

	d->failed |= policy_state_take(d->s, &p, &kept) < 0;
}

static void check_refusals(struct deciding *d)
{
	const struct limit *denials = &d->p->budgets.denials;

	if (denials->window && task_used(d, "denials") >= denials->most)
		refuse_limit(d, "denials", denials->text, denials->at);
	else if (task_used(d, "streak") >= BREAK_DENIALS)
		refuse_limit(d, "streak", "refusals without an allowed call",
			     (struct yaml_place){ 0 });
}

void count_call(struct deciding *d)
{
	const struct limit *calls = &d->p->budgets.calls;

	if (!counts(d))
		return;
	check_refusals(d);
	if (calls->window && task_used(d, "calls") >= calls->most)
		refuse_limit(d, "calls", calls->text, calls->at);
	if (!is_refused(d) && calls->window)
		task_count(d, "calls");
}

void count_allowed(struct deciding *d)
{
	struct key k;

	if (counts(d))
		policy_state_forget(d->s, task_key(d, "streak", &k));
}

void count_refusal(struct deciding *d)
{
	const struct limit *denials = &d->p->budgets.denials;

	if (!counts(d))
		return;
	task_count(d, "denials");
	task_count(d, "streak");
	if (d->d->trip != TRIP_NONE)
		return;
	if ((denials->window && task_used(d, "denials") >= denials->most) ||
	    task_used(d, "streak") >= BREAK_DENIALS)
		d->d->trip = TRIP_DENIALS;
	else if (d->d->limited && d->p->trip.limits != TRIP_REFUSE)
		d->d->trip = TRIP_LIMITS;
}
