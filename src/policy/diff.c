/* diff: see diff.h. Here what stands around the capabilities. */
#include "policy/diff_inner.h"

#include <stdarg.h>
#include <stdio.h>

#include "base/str.h"
#include "policy/words.h"

enum { LINE_MAX_BYTES = 1024 };

void diff_line(struct diff *d, enum change c, const char *fmt, ...)
{
	static const char signs[] = { [CHANGE_ADDED] = '+',
				      [CHANGE_REMOVED] = '-',
				      [CHANGE_UNCLEAR] = '~' };
	const struct policy *p = c == CHANGE_REMOVED ? d->was : d->is;
	char text[LINE_MAX_BYTES];
	va_list ap;

	va_start(ap, fmt);
	(void)vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	buf_printf(d->out, "%c ", signs[c]);
	yaml_error(p->y, d->out, c == CHANGE_REMOVED ? d->at_was : d->at_is,
		   "%s%s%s", d->subject, *d->subject ? ": " : "", text);
	d->count->added += c == CHANGE_ADDED;
	d->count->removed += c == CHANGE_REMOVED;
	d->count->unclear += c == CHANGE_UNCLEAR;
}

void diff_rank(struct diff *d, const char *what, uint64_t was, uint64_t is,
	       const char *was_word, const char *is_word)
{
	if (was != is)
		diff_line(d, is > was ? CHANGE_ADDED : CHANGE_REMOVED,
			  "%s is %s, was %s", what, is_word, was_word);
}

void diff_words(struct diff *d, const char *what, const char *was,
		const char *is)
{
	if (strcmp(was, is) != 0)
		diff_line(d, CHANGE_UNCLEAR, "%s is %s, was %s", what,
			  *is ? is : "none", *was ? was : "none");
}

void diff_bits(struct diff *d, const char *what, unsigned was, unsigned is,
	       void (*words)(struct buf *out, unsigned bits))
{
	CLEAN_BUF struct buf text;

	buf_init(&text, 256);
	if (is & ~was) {
		words(&text, is & ~was);
		diff_line(d, CHANGE_ADDED, "also %s %s", what, buf_cstr(&text));
	}
	buf_reset(&text);
	if (was & ~is) {
		words(&text, was & ~is);
		diff_line(d, CHANGE_REMOVED, "no longer %s %s", what,
			  buf_cstr(&text));
	}
}

/* limits */

/* Most in any stretch of so many seconds; UINT64_MAX: no bound. */
static uint64_t most_in(const struct limit *l, uint64_t seconds)
{
	uint64_t windows, most;

	if (l->window != WINDOW_SECONDS)
		return UINT64_MAX;
	windows = (seconds + l->window_s - 1) / l->window_s;
	return __builtin_mul_overflow(l->most, windows, &most) ? UINT64_MAX
							       : most;
}

/* Whether `a` permits more than b in some stretch of time. */
static bool permits_more(const struct limit *a, const struct limit *b)
{
	static const uint32_t stretches[] = { 60, 3600, 86400, 7 * 86400 };
	size_t i;

	if (a->window == WINDOW_NONE || b->window == WINDOW_NONE)
		return a->window == WINDOW_NONE && b->window != WINDOW_NONE;
	if (a->window == WINDOW_TASK && b->window == WINDOW_TASK)
		return a->most > b->most;
	for (i = 0; i < ARRAY_SIZE(stretches); i++)
		if (most_in(a, stretches[i]) > most_in(b, stretches[i]))
			return true;
	return false;
}

void diff_limit(struct diff *d, const char *what, const struct limit *was,
		const struct limit *is)
{
	bool more = permits_more(is, was), less = permits_more(was, is);
	const char *was_word = was->window ? was->text : "without limit";
	const char *is_word = is->window ? is->text : "without limit";

	if (was->window)
		d->at_was = was->at;
	if (is->window)
		d->at_is = is->at;
	if (more || less || was->window != is->window)
		diff_line(d,
			  more == less ? CHANGE_UNCLEAR
			  : more       ? CHANGE_ADDED
				       : CHANGE_REMOVED,
			  "%s is %s, was %s", what, is_word, was_word);
}

/* closed lists */

static void one_sided(struct diff *d, enum change c, const char *what,
		      const struct values *has, const struct values *other)
{
	size_t i;

	for (i = 0; i < has->n; i++)
		if (!values_has(other, has->v[i]))
			diff_line(d, c, "%s %s %.*s", what,
				  c == CHANGE_ADDED ? "may be" : "may not be",
				  (int)has->v[i].n, (const char *)has->v[i].p);
}

void diff_values(struct diff *d, const char *what, const struct values *was,
		 const struct values *is)
{
	if (was && is && was->set && is->set && !strcmp(was->set, is->set))
		return; /* diff_sets tells of it */
	if (was && is) {
		one_sided(d, CHANGE_ADDED, what, is, was);
		one_sided(d, CHANGE_REMOVED, what, was, is);
	} else if (was) {
		diff_line(d, CHANGE_ADDED, "%s has no closed list any more",
			  what);
	} else if (is) {
		diff_line(d, CHANGE_REMOVED, "%s is of a closed list now",
			  what);
	}
}

/* people */

static void diff_identity(struct diff *d, const char *space, struct span was,
			  struct span is)
{
	if (span_eq(was, is))
		return;
	if (is.n)
		diff_line(d, CHANGE_ADDED, "%s %.*s speaks for them", space,
			  (int)is.n, (const char *)is.p);
	if (was.n)
		diff_line(d, CHANGE_REMOVED, "%s %.*s speaks for them", space,
			  (int)was.n, (const char *)was.p);
}

static const char *bot_of(const struct principal *p)
{
	return p->approvals_bot ? p->approvals_bot : "";
}

static const char *slack_bot_of(const struct principal *p)
{
	return p->slack_bot ? p->slack_bot : "";
}

static void diff_person(struct diff *d, const struct principal *was,
			const struct principal *is)
{
	d->subject = is->name;
	d->at_was = was->at;
	d->at_is = is->at;
	diff_identity(d, "telegram", was->telegram, is->telegram);
	diff_identity(d, "slack", was->slack, is->slack);
	diff_identity(d, "github", was->github, is->github);
	diff_identity(d, "email", was->email, is->email);
	diff_rank(d, "approving at the console", was->cli, is->cli,
		  was->cli ? "possible" : "not possible",
		  is->cli ? "possible" : "not possible");
	diff_words(d, "the bot that asks", bot_of(was), bot_of(is));
	diff_words(d, "the Slack bot that asks", slack_bot_of(was),
		   slack_bot_of(is));
	if (!span_eq(was->approvals_chat, is->approvals_chat) ||
	    !span_eq(was->slack_channel, is->slack_channel))
		diff_line(d, CHANGE_UNCLEAR, "is asked in another chat");
}

static const struct principal *person(const struct policy *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n_principals; i++)
		if (!strcmp(p->principals[i].name, name))
			return &p->principals[i];
	return NULL;
}

static void diff_people(struct diff *d)
{
	const struct principal *other;
	size_t i;

	for (i = 0; i < d->is->n_principals; i++) {
		const struct principal *p = &d->is->principals[i];

		other = person(d->was, p->name);
		if (other) {
			diff_person(d, other, p);
			continue;
		}
		d->subject = p->name;
		d->at_is = p->at;
		diff_line(d, CHANGE_ADDED, "may be named as an approver");
	}
	for (i = 0; i < d->was->n_principals; i++) {
		d->subject = d->was->principals[i].name;
		d->at_was = d->was->principals[i].at;
		if (!person(d->is, d->subject))
			diff_line(d, CHANGE_REMOVED,
				  "may be named as an approver");
	}
}

/* sets: what a new member means depends on where the set is used */

enum { USE_PERMITS = 1, USE_RESTRICTS = 2 };

static unsigned use_in_rows(const struct cap *c, const char *set)
{
	unsigned use = 0;
	size_t i, k;

	for (i = 0; i < c->n_rows; i++)
		for (k = 0; k < c->rows[i].n; k++) {
			const struct values *in = c->rows[i].conds[k].in;

			if (in && in->set && !strcmp(in->set, set))
				use |= c->rows[i].outcome == OUTCOME_ALLOW
					       ? USE_PERMITS
					       : USE_RESTRICTS;
		}
	return use;
}

static unsigned use_of(const struct policy *p, const char *set)
{
	unsigned use = 0;
	size_t i, k;

	for (i = 0; i < p->n_sources; i++)
		/* its members are known senders there */
		if (p->sources[i].known ||
		    (p->sources[i].only && p->sources[i].only->set &&
		     !strcmp(p->sources[i].only->set, set)))
			use |= USE_PERMITS;
	for (i = 0; i < p->n_caps; i++) {
		use |= use_in_rows(p->caps[i], set);
		for (k = 0; k < p->caps[i]->n_args; k++) {
			const struct values *in = p->caps[i]->args[k].closed;

			if (in && in->set && !strcmp(in->set, set))
				use |= USE_PERMITS;
		}
	}
	return use;
}

static bool lists(const struct yaml_node *list, const char *text)
{
	size_t i;

	for (i = 0; i < yaml_count(list); i++)
		if (!strcmp(yaml_text(yaml_at(list, i)), text))
			return true;
	return false;
}

/* The members that one list has and the other has not. */
static void diff_members(struct diff *d, const struct yaml_node *has,
			 const struct yaml_node *other, unsigned use,
			 bool gained)
{
	enum change c = !use || use == (USE_PERMITS | USE_RESTRICTS)
				? CHANGE_UNCLEAR
			: (use == USE_PERMITS) == gained ? CHANGE_ADDED
							 : CHANGE_REMOVED;
	size_t i;

	if (!use)
		return; /* names without any meaning */
	for (i = 0; i < yaml_count(has); i++) {
		const struct yaml_node *n = yaml_at(has, i);

		d->at_was = yaml_place(gained ? other : n);
		d->at_is = yaml_place(gained ? n : other);
		if (!lists(other, yaml_text(n)))
			diff_line(d, c, "%s %s", gained ? "has" : "has not",
				  yaml_text(n));
	}
}

static const struct set *set_named(const struct policy *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n_sets; i++)
		if (!strcmp(p->sets[i].name, name))
			return &p->sets[i];
	return NULL;
}

static bool has_known(const struct policy *p)
{
	size_t i;

	for (i = 0; i < p->n_sources; i++)
		if (p->sources[i].known)
			return true;
	return false;
}

/* A set that the other policy has not: where it is named is told there; but
 * wherever it is, mail of its members counts as known. */
static void diff_alone(struct diff *d, const struct policy *has,
		       const struct policy *other, bool gained)
{
	char subject[POLICY_NAME_MAX + 5];
	size_t i, k;

	if (!has_known(has))
		return;
	d->subject = subject;
	for (i = 0; i < has->n_sets; i++) {
		const struct set *s = &has->sets[i];

		if (set_named(other, s->name))
			continue;
		(void)str_printf(subject, sizeof(subject), "set %s", s->name);
		for (k = 0; k < yaml_count(s->list); k++) {
			d->at_was = d->at_is = yaml_place(yaml_at(s->list, k));
			diff_line(d, gained ? CHANGE_ADDED : CHANGE_REMOVED,
				  "%s %s", gained ? "has" : "has not",
				  yaml_text(yaml_at(s->list, k)));
		}
	}
	d->subject = "";
}

static void diff_sets(struct diff *d)
{
	char subject[POLICY_NAME_MAX + 5];
	size_t i, k;

	diff_alone(d, d->is, d->was, true);
	diff_alone(d, d->was, d->is, false);
	d->subject = subject;
	for (i = 0; i < d->is->n_sets; i++)
		for (k = 0; k < d->was->n_sets; k++) {
			const struct set *is = &d->is->sets[i];
			const struct set *was = &d->was->sets[k];
			unsigned use;

			if (strcmp(is->name, was->name) != 0)
				continue;
			use = use_of(d->is, is->name) |
			      use_of(d->was, was->name);
			(void)str_printf(subject, sizeof(subject), "set %s",
					 is->name);
			diff_members(d, is->list, was->list, use, true);
			diff_members(d, was->list, is->list, use, false);
		}
	d->subject = "";
}

/* sources */

static unsigned audience_rank(enum audience a)
{
	static const uint8_t ranks[] = {
		[AUDIENCE_SECRET] = 0, [AUDIENCE_OWNER] = 1,
		[AUDIENCE_THREAD] = 2, [AUDIENCE_REPO] = 2,
		[AUDIENCE_PUBLIC] = 3,
	};

	return ranks[a];
}

static void diff_source(struct diff *d, const struct source *was,
			const struct source *is)
{
	d->subject = is->row.name;
	d->at_was = was->connector_at;
	d->at_is = is->connector_at;
	diff_words(d, "its reader", was->row.reader, is->row.reader);
	diff_words(d, "its connector", was->row.connector, is->row.connector);
	diff_rank(d, "integrity", was->known, is->known,
		  was->known ? "known" : "external",
		  is->known ? "known" : "external");
	if (audience_rank(was->audience) == audience_rank(is->audience))
		diff_words(d, "audience", audience_word(was->audience),
			   audience_word(is->audience));
	diff_rank(d, "audience", audience_rank(was->audience),
		  audience_rank(is->audience), audience_word(was->audience),
		  audience_word(is->audience));
	diff_words(d, "reveal", reveal_word(was->reveal),
		   reveal_word(is->reveal));
	if (was->answer_bits != is->answer_bits)
		diff_line(d,
			  is->answer_bits > was->answer_bits ? CHANGE_ADDED
							     : CHANGE_REMOVED,
			  "answers carry %u bits a task, were %u",
			  is->answer_bits, was->answer_bits);
	diff_values(d, "where its items come from", was->only, is->only);
}

static const struct source *source_named(const struct policy *p,
					 const char *name)
{
	size_t i;

	for (i = 0; i < p->n_sources; i++)
		if (!strcmp(p->sources[i].row.name, name))
			return &p->sources[i];
	return NULL;
}

static void diff_sources(struct diff *d)
{
	const struct source *s, *other;
	size_t i;

	for (i = 0; i < d->is->n_sources; i++) {
		s = &d->is->sources[i];
		other = source_named(d->was, s->row.name);
		if (other) {
			diff_source(d, other, s);
			continue;
		}
		d->subject = s->row.name;
		d->at_is = s->connector_at;
		diff_line(d, CHANGE_ADDED, "is read, from %s",
			  s->row.connector);
	}
	for (i = 0; i < d->was->n_sources; i++) {
		s = &d->was->sources[i];
		d->subject = s->row.name;
		d->at_was = s->connector_at;
		if (!source_named(d->is, s->row.name))
			diff_line(d, CHANGE_REMOVED, "is read, from %s",
				  s->row.connector);
	}
}

/* capabilities, decoys */

static const struct cap *cap_named(const struct policy *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n_caps; i++)
		if (!strcmp(p->caps[i]->name, name))
			return p->caps[i];
	return NULL;
}

static void diff_caps(struct diff *d)
{
	const struct cap *other;
	size_t i;

	for (i = 0; i < d->is->n_caps; i++) {
		const struct cap *c = d->is->caps[i];

		other = cap_named(d->was, c->name);
		if (other)
			diff_cap(d, other, c);
		else
			diff_whole_cap(d, CHANGE_ADDED, c);
	}
	for (i = 0; i < d->was->n_caps; i++)
		if (!cap_named(d->is, d->was->caps[i]->name))
			diff_whole_cap(d, CHANGE_REMOVED, d->was->caps[i]);
}

static bool is_decoy(const struct policy *p, const char *name)
{
	size_t i;

	for (i = 0; i < p->n_decoys; i++)
		if (!strcmp(p->decoys[i].name, name))
			return true;
	return false;
}

static void diff_decoys(struct diff *d)
{
	const struct yaml_place top = { 1, 1 };
	size_t i;

	d->at_was = d->at_is = top;
	for (i = 0; i < d->was->n_decoys; i++) {
		d->subject = d->was->decoys[i].name;
		if (!is_decoy(d->is, d->subject))
			diff_line(d, CHANGE_ADDED, "is no decoy any more");
	}
	for (i = 0; i < d->is->n_decoys; i++) {
		d->subject = d->is->decoys[i].name;
		if (!is_decoy(d->was, d->subject))
			diff_line(d, CHANGE_REMOVED, "is a decoy now");
	}
}

/* the whole */

static void diff_wall(struct diff *d, uint64_t was, uint64_t is)
{
	CLEAN_BUF struct buf a;
	CLEAN_BUF struct buf b;

	buf_init(&a, 64);
	buf_init(&b, 64);
	duration_words(&a, was);
	duration_words(&b, is);
	/* none is the most */
	diff_rank(d, "wall", was - 1, is - 1,
		  was ? buf_cstr(&a) : "without limit",
		  is ? buf_cstr(&b) : "without limit");
}

static void diff_budgets(struct diff *d)
{
	const struct budgets *was = &d->was->budgets, *is = &d->is->budgets;
	static const char *const usd[] = { "llm_usd an hour", "llm_usd a day",
					   "llm_usd a week" },
			  *const tokens[] = { "llm_tokens an hour",
					      "llm_tokens a day",
					      "llm_tokens a week" };
	const struct yaml_place top = { 1, 1 };
	size_t i;

	d->subject = "budgets";
	d->at_was = d->at_is = top;
	for (i = 0; i < BUDGET_WINDOWS; i++) {
		diff_limit(d, usd[i], &was->llm_usd[i], &is->llm_usd[i]);
		diff_limit(d, tokens[i], &was->llm_tokens[i],
			   &is->llm_tokens[i]);
	}
	diff_limit(d, "task_usd", &was->task_usd, &is->task_usd);
	diff_limit(d, "task_tokens", &was->task_tokens, &is->task_tokens);
	diff_limit(d, "call_usd", &was->call_usd, &is->call_usd);
	diff_limit(d, "call_tokens", &was->call_tokens, &is->call_tokens);
	diff_limit(d, "denials", &was->denials, &is->denials);
	diff_limit(d, "calls", &was->calls, &is->calls);
	diff_limit(d, "asks of a task", &was->asks_task, &is->asks_task);
	diff_limit(d, "asks of a day", &was->asks_day, &is->asks_day);
	diff_limit(d, "targets", &was->targets, &is->targets);
	diff_wall(d, was->wall_s, is->wall_s);
}

static void diff_lease(struct diff *d)
{
	const struct lease *was = &d->was->lease, *is = &d->is->lease;
	CLEAN_BUF struct buf a;
	CLEAN_BUF struct buf b;

	d->subject = "lease";
	d->at_was = was->at.line ? was->at : (struct yaml_place){ 1, 1 };
	d->at_is = is->at.line ? is->at : (struct yaml_place){ 1, 1 };
	buf_init(&a, 64);
	buf_init(&b, 64);
	duration_words(&a, was->autonomy_s);
	duration_words(&b, is->autonomy_s);
	diff_rank(d, "autonomy", was->autonomy_s - 1, is->autonomy_s - 1,
		  was->autonomy_s ? buf_cstr(&a) : "without end",
		  is->autonomy_s ? buf_cstr(&b) : "without end");
	if (was->autonomy_s && is->autonomy_s)
		diff_rank(d, "on expiry", was->on_expiry == OUTCOME_ASK,
			  is->on_expiry == OUTCOME_ASK,
			  outcome_word(was->on_expiry),
			  outcome_word(is->on_expiry));
}

static void diff_trip(struct diff *d, const char *what, enum trip_action was,
		      enum trip_action is)
{
	diff_rank(d, what, TRIP_KILL - was, TRIP_KILL - is, trip_word(was),
		  trip_word(is));
}

static void diff_trips(struct diff *d)
{
	const struct trip *was = &d->was->trip, *is = &d->is->trip;

	d->subject = "trip";
	d->at_was = d->at_is = (struct yaml_place){ 1, 1 };
	diff_trip(d, "canary", was->canary, is->canary);
	diff_trip(d, "decoy", was->decoy, is->decoy);
	diff_trip(d, "denials", was->denials, is->denials);
	diff_trip(d, "audit", was->audit, is->audit);
	diff_trip(d, "limits", was->limits, is->limits);
}

static void diff_top(struct diff *d)
{
	d->subject = "";
	d->at_was = d->at_is = (struct yaml_place){ 1, 1 };
	diff_rank(d, "mode", !d->was->rehearse, !d->is->rehearse,
		  d->was->rehearse ? "rehearse" : "enforce",
		  d->is->rehearse ? "rehearse" : "enforce");
	diff_words(d, "timezone", d->was->zone_name ? d->was->zone_name : "",
		   d->is->zone_name ? d->is->zone_name : "");
}

void policy_diff(const struct policy *was, const struct policy *is,
		 struct buf *out, struct policy_diff *ret)
{
	struct diff d = { .was = was, .is = is, .out = out, .count = ret };

	*ret = (struct policy_diff){ 0 };
	diff_top(&d);
	diff_people(&d);
	diff_sets(&d);
	diff_sources(&d);
	diff_caps(&d);
	diff_decoys(&d);
	diff_budgets(&d);
	diff_lease(&d);
	diff_trips(&d);
}
