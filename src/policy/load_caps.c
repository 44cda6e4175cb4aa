/*
 * load_caps: capabilities: what may be asked for, how far it reaches, and who
 * is asked.
 */
#include <stdlib.h>

#include "policy/loader.h"

static void set_connector(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->cap->connector = name_of(l, n);
	l->cap->connector_at = yaml_place(n);
}

static const struct load_word effect_words[] = {
	{ "read", EFFECT_READ, false },
	{ "internal", EFFECT_INTERNAL, false },
	{ "external", EFFECT_EXTERNAL, false },
};

static void set_effect(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, LOAD_TABLE(effect_words));

	if (v > 0)
		l->cap->effect = (enum effect)v;
}

static const struct load_word undo_words[] = {
	{ "none", UNDO_NONE, false },
	{ "reversible", UNDO_REVERSIBLE, false },
};

static void set_undo(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	const struct yaml_node *window;
	int v;

	if (yaml_kind(n) != YAML_MAP) {
		v = load_choose(&l->l, n, LOAD_TABLE(undo_words));
		if (v > 0)
			l->cap->undo = (enum undo)v;
		return;
	}
	window = yaml_get(n, "window");
	l->cap->undo = UNDO_WINDOW;
	if (!window || yaml_count(n) != 1)
		fault(l, n, "none, reversible or {window: 60s} belongs here");
	else
		(void)duration_of(l, window, POLICY_HOLD_S, &l->cap->undo_s);
}

static const struct load_word mode_words[] = {
	{ "enforce", 0, false },
	{ "rehearse", 1, false },
};

static void set_mode(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->cap->rehearse = load_choose(&l->l, n, LOAD_TABLE(mode_words)) == 1;
}

/* approve */

static void add_who(struct loader *l, const struct yaml_node *n)
{
	const char *text = load_scalar(&l->l, n);
	size_t i;

	if (!text)
		return;
	for (i = 0; i < l->p->n_principals; i++) {
		if (strcmp(l->p->principals[i].name, text) != 0)
			continue;
		if (l->cap->approve.who >> i & 1)
			fault(l, n, "\"%s\" is listed twice: remove one", text);
		l->cap->approve.who |= 1u << i;
		return;
	}
	fault(l, n, "there is no principal \"%.64s\": add it to principals",
	      text);
}

static void set_who(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (yaml_kind(n) != YAML_LIST)
		add_who(l, n);
	else if (is_list(l, n, POLICY_PRINCIPALS, "principals"))
		for (i = 0; i < yaml_count(n); i++)
			add_who(l, yaml_at(n, i));
}

static void set_quorum(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	(void)count_of(l, n, POLICY_PRINCIPALS, "approvers",
		       &l->cap->approve.quorum);
}

static const struct load_word via_words[] = {
	{ "cli", VIA_CLI, false },
	{ "telegram", VIA_TELEGRAM, false },
	{ "slack", VIA_SLACK, false },
};

static void set_via(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (!is_list(l, n, ARRAY_SIZE(via_words), "ways to ask"))
		return;
	for (i = 0; i < yaml_count(n); i++) {
		int v = load_choose(&l->l, yaml_at(n, i),
				    LOAD_TABLE(via_words));

		if (v <= 0)
			continue;
		if (l->cap->approve.via & (unsigned)v)
			fault(l, yaml_at(n, i),
			      "this way is listed twice: remove one");
		l->cap->approve.via |= (unsigned)v;
	}
}

static void set_ttl(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	(void)duration_of(l, n, POLICY_TTL_S, &l->cap->approve.ttl_s);
}

static void set_delay(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	(void)duration_of(l, n, POLICY_HOLD_S, &l->cap->approve.delay_s);
}

static const struct load_word remember_words[] = {
	{ "never", REMEMBER_NEVER, false },
	{ "task", REMEMBER_TASK, false },
	{ "constrained", REMEMBER_CONSTRAINED, false },
};

static void set_remember(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, LOAD_TABLE(remember_words));

	if (v > 0)
		l->cap->approve.remember = (enum remember)v;
}

static const struct load_word confirm_words[] = { { "code", 1, false } };

static void set_confirm(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;

	l->cap->approve.confirm =
		load_choose(&l->l, n, LOAD_TABLE(confirm_words)) == 1;
}

static const struct load_word show_words[] = {
	{ "summary", SHOW_SUMMARY, false },
	{ "full", SHOW_FULL, false },
	{ "diff", SHOW_DIFF, false },
};

static void set_show(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	int v = load_choose(&l->l, n, LOAD_TABLE(show_words));

	if (v > 0)
		l->cap->approve.show = (enum show)v;
}

static const struct load_rule approve_rules[] = {
	{ { "who", true, false, "who may approve",
	    "owner, or a list of principals", NULL },
	  set_who },
	{ { "quorum", false, false, "how many of them have to", "a number",
	    "1" },
	  set_quorum },
	{ { "via", true, false, "how they are asked", "a list of cli, telegram, slack",
	    NULL },
	  set_via },
	{ { "ttl", true, false, "how long the request waits", "a duration",
	    NULL },
	  set_ttl },
	{ { "remember", false, false,
	    "whether an approval may stand for more: for calls of the task, or "
	    "as a narrow row that expires",
	    NULL, "never" },
	  set_remember,
	  LOAD_TABLE(remember_words) },
	{ { "confirm", false, false,
	    "a code that only the local console shows has to be typed", NULL,
	    NULL },
	  set_confirm,
	  LOAD_TABLE(confirm_words) },
	{ { "delay", false, false, "how long nobody can approve yet",
	    "a duration", "0s" },
	  set_delay },
	{ { "show", false, false, "what the card has of long values", NULL,
	    "summary" },
	  set_show,
	  LOAD_TABLE(show_words) },
};
const struct load_schema approve_schema = { "capabilities.NAME.approve.",
					    LOAD_TABLE(approve_rules) };

/* True if this person can be asked that way. */
static bool reaches(const struct principal *p, unsigned via)
{
	struct span chat;

	return via == VIA_CLI ? p->cli : principal_asked(p, via, &chat) != NULL;
}

static void check_ways(struct loader *l, const struct yaml_node *n)
{
	const struct approve *a = &l->cap->approve;
	size_t i, k;

	for (i = 0; i < ARRAY_SIZE(via_words); i++) {
		unsigned via = (unsigned)via_words[i].value;
		bool any = !(a->via & via);

		for (k = 0; k < l->p->n_principals; k++)
			if (a->who >> k & 1)
				any |= reaches(&l->p->principals[k], via);
		if (!any)
			fault(l, n,
			      "this can never match: nobody here can be asked "
			      "via %s: add it to their approvals",
			      via_words[i].name);
	}
}

/* Whoever is named but cannot be asked would only look like an approver. */
static void check_people(struct loader *l, const struct yaml_node *n)
{
	const struct approve *a = &l->cap->approve;
	size_t k;

	for (k = 0; k < l->p->n_principals; k++) {
		const struct principal *p = &l->p->principals[k];

		if (!(a->who >> k & 1) || (a->via & VIA_CLI && p->cli) ||
		    (a->via & VIA_TELEGRAM && p->approvals_bot) ||
		    (a->via & VIA_SLACK && p->slack_bot))
			continue;
		fault(l, n,
		      "this can never match: \"%s\" can be asked in none of "
		      "these ways: add one to via, or to their approvals",
		      p->name);
	}
}

void set_approve(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	struct approve *a = &l->cap->approve;
	size_t before = l->l.errors;

	*a = (struct approve){ .at = yaml_place(n),
			       .quorum = 1,
			       .remember = REMEMBER_NEVER,
			       .show = SHOW_SUMMARY };
	load_section(l, n, &approve_schema);
	if (l->l.errors > before)
		return;
	if (a->quorum > (uint32_t)__builtin_popcount(a->who))
		fault(l, n,
		      "this can never match: the quorum is over the number of "
		      "approvers: name more, or lower it");
	if (a->delay_s >= a->ttl_s)
		fault(l, n,
		      "this can never match: the request expires before delay "
		      "is over: raise ttl");
	check_ways(l, yaml_get(n, "via"));
	check_people(l, yaml_get(n, "who"));
}

/* In this order: undo and effect give arguments their defaults, and rows name
 * arguments. */
static const struct load_rule cap_rules[] = {
	{ { "connector", true, false, "which connector carries it out",
	    "an outbound connector", NULL },
	  set_connector },
	{ { "effect", true, false, "how far it reaches" },
	  set_effect,
	  LOAD_TABLE(effect_words) },
	{ { "undo", true, false,
	    "whether it can be taken back; {window: 60s} holds it so long",
	    "none, reversible or {window: DURATION}", NULL },
	  set_undo },
	{ { "mode", false, false,
	    "rehearse: decided and recorded, but not carried out", NULL,
	    "that of the top" },
	  set_mode,
	  LOAD_TABLE(mode_words) },
	{ { "args", true, false, "the arguments, by name",
	    "a map of at most 24 maps", NULL },
	  set_args },
	{ { "flow", false, false,
	    "who may come to read a content argument: who is in the thread, in "
	    "the audience of every byte, the owner alone, everybody",
	    "{ARG: same-thread, audience, owner-only or public}",
	    "audience if the effect is external" },
	  set_flow },
	{ { "decide", true, false, "rows of allow, deny, ask, in order",
	    "a list of 1 to 64 rows", NULL },
	  set_decide },
	{ { "limits", true, false, "at least a rate, e.g. {rate: 6/hour}",
	    "a map", NULL },
	  set_limits },
	{ { "approve", false, false,
	    "who approves, and how; required where anything asks", "a map",
	    NULL },
	  set_approve },
};
const struct load_schema cap_schema = { "capabilities.NAME.",
					LOAD_TABLE(cap_rules) };

static void load_cap(struct loader *l, const struct yaml_node *n,
		     const char *name, struct yaml_place at)
{
	size_t before = l->l.errors;
	struct cap *c = l->cap;

	(void)check_name(l, at, name);
	if (!strncmp(name, "task.", 5) || !strncmp(name, "reader.", 7) ||
	    !strncmp(name, "bulkhead", 8))
		load_fault(&l->l, at,
			   "names that begin with \"task.\", \"reader.\" or "
			   "\"bulkhead\" "
			   "are the program's own: choose another");
	c->name = name;
	c->at = at;
	load_section(l, n, &cap_schema);
	if (l->l.errors > before || l->oom)
		return;
	lint_cap(l, c);
	if (l->l.errors == before && !l->oom && tool_make(c) < 0)
		l->oom = true;
}

void set_capabilities(void *ctx, const struct yaml_node *n)
{
	struct loader *l = ctx;
	size_t i;

	if (!is_map(l, n, "capabilities"))
		return;
	if (yaml_count(n) > POLICY_CAPS) {
		fault(l, n, "more than %d capabilities: use fewer",
		      POLICY_CAPS);
		return;
	}
	for (i = 0; i < yaml_count(n) && !l->oom; i++) {
		l->cap = calloc(1, sizeof(*l->cap));
		if (!l->cap) {
			l->oom = true;
			return;
		}
		l->p->caps[l->p->n_caps++] = l->cap;
		load_cap(l, yaml_at(n, i), yaml_key(n, i),
			 yaml_key_place(n, i));
	}
}
