/* gaps: see gaps.h. */
#include "cli/gaps.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/str.h"

static const struct {
	const char *name;
	const char *what;
} rows[] = {
	[GAP_NOT_A_RECORD] = { "not-a-record", "is no record of auditd's" },
	[GAP_INDEX] = { "index", "says that it is another record" },
	[GAP_NO_OUTCOME] = { "no-outcome",
			     "an effect was allowed, and no outcome of it is "
			     "recorded: it may have happened or not" },
	[GAP_NO_INTENT] = { "no-intent",
			    "an outcome of an effect that was not allowed" },
	[GAP_TWO_OUTCOMES] = { "two-outcomes",
			       "another outcome of the same effect" },
	[GAP_RUN_WITHOUT_END] = { "run-without-end",
				  "this run did not record its end" },
	[GAP_CLOCK_BACK] = { "clock-back",
			     "the monotonic clock went back within a boot" },
	[GAP_NOTE_UNKNOWN] = { "unknown",
			       "the outcome was recorded as unknown: the "
			       "effect may have happened or not" },
	[GAP_NOTE_OPEN] = { "open", "an effect is under way" },
	[GAP_NOTE_WALL_BACK] = { "wall-back", "the wall clock was set back" },
};

static_assert(ARRAY_SIZE(rows) == GAP_MAX, "a row per gap");

const char *gap_name(enum gap g)
{
	return g < GAP_MAX ? rows[g].name : "unknown";
}

void gaps_init(struct gaps *g)
{
	*g = (struct gaps){ .found = json_array() };
}

void gaps_done(struct gaps *g)
{
	json_decref(g->found);
	g->found = NULL;
	free(g->intents);
	g->intents = NULL;
	g->n = g->cap = 0;
}

uint64_t gaps_count(const struct gaps *g)
{
	uint64_t n = 0;
	int i;

	for (i = 0; i < GAP_NOTE_UNKNOWN; i++)
		n += g->counts[i];
	return n;
}

/* also: the other record that it is about, or -1. */
static int tell(struct gaps *g, enum gap what, uint64_t index, int64_t also)
{
	json_t *row =
		json_pack("{s:I, s:s, s:s, s:b}", "index", (json_int_t)index,
			  "gap", rows[what].name, "what", rows[what].what,
			  "note", what >= GAP_NOTE_UNKNOWN);

	if (row && also >= 0 &&
	    json_object_set_new(row, "also", json_integer(also)) < 0) {
		json_decref(row);
		row = NULL;
	}
	g->counts[what]++;
	return json_array_append_new(g->found, row) < 0 ? -ENOMEM : 0;
}

/* The number of an effect: 0 where a record names none. */
static uint64_t effect_of(const json_t *o)
{
	json_int_t n = json_integer_value(json_object_get(o, "effect"));

	return n > 0 ? (uint64_t)n : 0;
}

static int add_intent(struct gaps *g, uint64_t index, uint64_t effect)
{
	if (g->n == g->cap) {
		size_t cap = g->cap ? 2 * g->cap : 64;
		void *p = realloc(g->intents, cap * sizeof(g->intents[0]));

		if (!p)
			return -ENOMEM;
		g->intents = p;
		g->cap = cap;
	}
	g->intents[g->n++] =
		(struct gaps_intent){ .index = index, .effect = effect };
	return 0;
}

static struct gaps_intent *find_intent(struct gaps *g, uint64_t index)
{
	size_t from = 0;
	size_t to = g->n;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (g->intents[middle].index == index)
			return &g->intents[middle];
		if (g->intents[middle].index < index)
			from = middle + 1;
		else
			to = middle;
	}
	return NULL;
}

static const char *text(const json_t *o, const char *key)
{
	const char *s = json_string_value(json_object_get(o, key));

	return s ? s : "";
}

/*
 * Which decision an outcome is of. One that a restart gave to an effect that
 * was never started names the effect alone: the store had it before the log
 * had its decision.
 */
static struct gaps_intent *intent_of(struct gaps *g, const json_t *o,
				     int64_t *ret_index)
{
	const json_t *decision = json_object_get(o, "decision");
	uint64_t effect = effect_of(o);
	size_t i = decision || !effect ? 0 : g->n;

	*ret_index = json_integer_value(decision);
	if (json_is_integer(decision) && *ret_index >= 0)
		return find_intent(g, (uint64_t)*ret_index);
	while (i-- > 0) {
		if (g->intents[i].effect != effect)
			continue;
		*ret_index = (int64_t)g->intents[i].index;
		return &g->intents[i];
	}
	return NULL;
}

static enum effect_state outcome_of(const json_t *o)
{
	enum effect_state s = EFFECT_PLANNED;

	while (s < EFFECT_STATE_MAX &&
	       strcmp(text(o, "outcome"), effect_state_name(s)) != 0)
		s++;
	return s;
}

/* What may follow an outcome: the same, said again after a crash that may have
 * come before it was said, and the owner's word about one that is unknown. */
static bool may_follow(const struct gaps_intent *i, const json_t *o,
		       enum effect_state s)
{
	if (i->outcome == EFFECT_UNKNOWN && s == EFFECT_SETTLED)
		return true;
	return i->outcome == s && json_is_true(json_object_get(o, "again"));
}

static int take_outcome(struct gaps *g, uint64_t index, const json_t *o)
{
	enum effect_state s = outcome_of(o);
	int64_t of;
	struct gaps_intent *i = intent_of(g, o, &of);
	bool follows = i && i->outcome && may_follow(i, o, s);

	/* The crash came before its decision was in the log: nothing is lost,
	 * for it was never started. */
	if (!i && s == EFFECT_NOT_EXECUTED && !json_object_get(o, "decision"))
		return 0;
	if (!i)
		return tell(g, GAP_NO_INTENT, index, of);
	if (i->outcome && !follows)
		return tell(g, GAP_TWO_OUTCOMES, index, of);
	i->outcome = s;
	if (s == EFFECT_UNKNOWN && !follows)
		return tell(g, GAP_NOTE_UNKNOWN, index, of);
	return 0;
}

static int take_run(struct gaps *g, uint64_t index, bool start)
{
	int r = 0;

	if (start && g->running)
		r = tell(g, GAP_RUN_WITHOUT_END, g->start, (int64_t)index);
	if (start)
		g->start = index;
	g->running = start;
	return r;
}

static int take_clocks(struct gaps *g, uint64_t index, const json_t *o)
{
	const char *wall = text(o, "time");
	const char *boot = text(o, "boot");
	bool same = !strcmp(boot, g->boot);
	uint64_t mono = 0;
	int r = 0;

	if (num_parse(span_str(text(o, "mono_ns")), 0, UINT64_MAX, &mono) < 0)
		return tell(g, GAP_NOT_A_RECORD, index, -1);
	if (index > 0 && same && mono < g->mono)
		r = tell(g, GAP_CLOCK_BACK, index, (int64_t)g->last);
	/* Both are of one form, in UTC: the order of texts is that of times. */
	if (r == 0 && index > 0 && strcmp(wall, g->wall) < 0)
		r = tell(g, GAP_NOTE_WALL_BACK, index, (int64_t)g->last);
	g->mono = mono;
	g->last = index;
	(void)str_printf(g->boot, sizeof(g->boot), "%s", boot);
	(void)str_printf(g->wall, sizeof(g->wall), "%s", wall);
	return r;
}

static int take_record(struct gaps *g, uint64_t index, const json_t *o)
{
	const json_t *seq = json_object_get(o, "seq");
	const char *kind = text(o, "kind");
	int r = 0;

	if (!json_is_integer(seq) || !kind[0])
		return tell(g, GAP_NOT_A_RECORD, index, -1);
	if (json_integer_value(seq) != (json_int_t)index)
		r = tell(g, GAP_INDEX, index, json_integer_value(seq));
	if (r == 0)
		r = take_clocks(g, index, o);
	if (r < 0)
		return r;
	if (!strcmp(kind, "decision") && !strcmp(text(o, "verdict"), "allow"))
		return add_intent(g, index, effect_of(o));
	if (!strcmp(kind, "outcome"))
		return take_outcome(g, index, o);
	if (!strcmp(kind, "start") || !strcmp(kind, "stop"))
		return take_run(g, index, kind[2] == 'a');
	return 0;
}

int gaps_record(struct gaps *g, uint64_t index, struct span record)
{
	json_t *o = json_loadb((const char *)record.p, record.n,
			       JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, NULL);
	int r;

	/* The log is walked from its beginning once more: it had grown. */
	if (index == 0) {
		(void)json_array_clear(g->found);
		*g = (struct gaps){ .found = g->found,
				    .intents = g->intents,
				    .cap = g->cap };
	}
	r = g->found ? 0 : -ENOMEM;
	if (r == 0 && json_is_object(o))
		r = take_record(g, index, o);
	else if (r == 0)
		r = tell(g, GAP_NOT_A_RECORD, index, -1);
	json_decref(o);
	return r;
}

int gaps_end(struct gaps *g, bool live)
{
	bool open;
	int r = 0;
	size_t i;

	for (i = 0; i < g->n && r == 0; i++) {
		/* What the run that goes on has allowed may yet come. */
		open = live && g->running && g->intents[i].index > g->start;
		if (!g->intents[i].outcome)
			r = tell(g, open ? GAP_NOTE_OPEN : GAP_NO_OUTCOME,
				 g->intents[i].index, -1);
	}
	if (r == 0 && g->running && !live)
		r = tell(g, GAP_RUN_WITHOUT_END, g->start, -1);
	return r;
}
