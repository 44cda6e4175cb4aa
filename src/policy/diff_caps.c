/* diff_caps: two capabilities of one name. */
#include "base/str.h"
#include "policy/diff_inner.h"
#include "policy/words.h"

/* rows */

static bool same_list(const struct values *a, const struct values *b)
{
	size_t i;

	if (!a || !b || !a->set != !b->set)
		return !a && !b;
	if (a->set)
		return !strcmp(a->set, b->set); /* its members: diff_sets */
	for (i = 0; a->n == b->n && i < a->n; i++)
		if (!span_eq(a->v[i], b->v[i]))
			return false;
	return a->n == b->n;
}

static bool same_cond(const struct cond *a, const struct cond *b)
{
	return a->kind == b->kind && !a->arg == !b->arg &&
	       (!a->arg || !strcmp(a->arg->name, b->arg->name)) &&
	       same_list(a->in, b->in) && span_eq(a->under, b->under) &&
	       a->session == b->session && a->want == b->want &&
	       a->from == b->from && a->to == b->to && a->days == b->days;
}

/* Whatever the order of the conditions is. */
static bool same_row(const struct row *a, const struct row *b)
{
	size_t i, k;

	if (a->outcome != b->outcome || a->n != b->n)
		return false;
	for (i = 0; i < a->n; i++) {
		for (k = 0; k < b->n; k++)
			if (same_cond(&a->conds[i], &b->conds[k]))
				break;
		if (k == b->n)
			return false;
	}
	return true;
}

/* The row of c that is the same, from a place on; c->n_rows: none. */
static size_t find_row(const struct cap *c, const struct row *r, size_t from)
{
	size_t i;

	for (i = from; i < c->n_rows; i++)
		if (same_row(&c->rows[i], r))
			break;
	return i;
}

static bool allows_after(const struct cap *c, const struct row *r)
{
	const struct row *o;

	for (o = r + 1; o < c->rows + c->n_rows; o++)
		if (o->outcome == OUTCOME_ALLOW)
			return true;
	return false;
}

/* What it means that a row is there. An ask in front of rows that allow both
 * takes from them and gives. */
static enum change gain_of(const struct cap *c, const struct row *r)
{
	if (r->outcome == OUTCOME_DENY)
		return CHANGE_REMOVED;
	if (r->outcome == OUTCOME_ASK && allows_after(c, r))
		return CHANGE_UNCLEAR;
	return CHANGE_ADDED;
}

static enum change opposite(enum change c)
{
	static const enum change of[] = { [CHANGE_ADDED] = CHANGE_REMOVED,
					  [CHANGE_REMOVED] = CHANGE_ADDED,
					  [CHANGE_UNCLEAR] = CHANGE_UNCLEAR };

	return of[c];
}

static void row_line(struct diff *d, enum change c, const char *lead,
		     const struct row *r)
{
	CLEAN_BUF struct buf text;

	buf_init(&text, 4096);
	row_words(&text, r);
	diff_line(d, c, "%s%s: %s", lead, outcome_word(r->outcome),
		  buf_cstr(&text));
}

void diff_rows(struct diff *d, const struct cap *was, const struct cap *is)
{
	size_t i, k, last = 0;
	bool moved = false;

	for (i = 0; i < is->n_rows; i++) {
		const struct row *r = &is->rows[i];

		k = find_row(was, r, 0);
		d->at_is = r->at;
		d->at_was = was->at;
		if (k == was->n_rows) {
			row_line(d, gain_of(is, r), "", r);
			continue;
		}
		moved |= k < last;
		last = k;
	}
	for (i = 0; i < was->n_rows; i++) {
		const struct row *r = &was->rows[i];

		d->at_was = r->at;
		d->at_is = is->at;
		if (find_row(is, r, 0) == is->n_rows)
			row_line(d, opposite(gain_of(was, r)), "no longer ", r);
	}
	d->at_is = is->at;
	if (moved)
		diff_line(d, CHANGE_UNCLEAR, "the rows are in another order");
}

/* arguments */

static unsigned floor_rank(enum outcome o)
{
	return o == OUTCOME_DENY ? 0 : o == OUTCOME_ASK ? 1 : 2;
}

static const char *floor_word(enum outcome o)
{
	return o == OUTCOME_ALLOW ? "for the rows" : outcome_word(o);
}

static unsigned flow_rank(enum flow f)
{
	static const uint8_t ranks[FLOW_MAX] = {
		[FLOW_OWNER] = 0,  [FLOW_THREAD] = 1, [FLOW_AUDIENCE] = 2,
		[FLOW_PUBLIC] = 2, [FLOW_NONE] = 3,
	};

	return ranks[f];
}

static unsigned links_rank(enum links l)
{
	static const uint8_t ranks[] = { [LINKS_STRIP] = 0,
					 [LINKS_OWNER] = 1,
					 [LINKS_SOURCE] = 1,
					 [LINKS_ANY] = 2 };

	return ranks[l];
}

/* A bound, and whether a higher one permits more. */
struct bound {
	int64_t was, is;
	bool up;
};

static void diff_number(struct diff *d, const char *what, const struct arg *was,
			const struct arg *is, struct bound v)
{
	CLEAN_BUF struct buf x = { 0 };
	CLEAN_BUF struct buf y = { 0 };

	if (v.was == v.is)
		return;
	buf_init(&x, 64);
	buf_init(&y, 64);
	number_words(&x, was, v.was);
	number_words(&y, is, v.is);
	diff_line(d, (v.is > v.was) == v.up ? CHANGE_ADDED : CHANGE_REMOVED,
		  "%s is %s, was %s", what, buf_cstr(&y), buf_cstr(&x));
}

static void diff_bounds(struct diff *d, const struct arg *was,
			const struct arg *is)
{
	uint64_t was_many = was->many ? was->many : 1;
	uint64_t is_many = is->many ? is->many : 1;

	if (was_many != is_many)
		diff_line(d, is_many > was_many ? CHANGE_ADDED : CHANGE_REMOVED,
			  "%llu at once, was %llu", (unsigned long long)is_many,
			  (unsigned long long)was_many);
	if (was->max_bytes != is->max_bytes)
		diff_line(d,
			  is->max_bytes > was->max_bytes ? CHANGE_ADDED
							 : CHANGE_REMOVED,
			  "max is %u bytes, was %u", is->max_bytes,
			  was->max_bytes);
	if (!type_is_number(is->type))
		return;
	diff_number(d, "max", was, is,
		    (struct bound){ was->max, is->max, true });
	diff_number(d, "min", was, is,
		    (struct bound){ was->min, is->min, false });
	if (!was->step != !is->step)
		diff_line(d, is->step ? CHANGE_REMOVED : CHANGE_ADDED,
			  is->step ? "has a step now" : "has no step any more");
	else
		diff_number(d, "step", was, is,
			    (struct bound){ was->step, is->step, true });
}

static bool has_glob(const struct yaml_node *list, const char *glob)
{
	size_t i;

	for (i = 0; list && i < yaml_count(list); i++)
		if (!strcmp(yaml_text(yaml_at(list, i)), glob))
			return true;
	return false;
}

static void diff_paths(struct diff *d, const struct arg *was,
		       const struct arg *is)
{
	size_t i;

	for (i = 0; was->deny_paths && i < yaml_count(was->deny_paths); i++) {
		const char *g = yaml_text(yaml_at(was->deny_paths, i));

		if (!has_glob(is->deny_paths, g))
			diff_line(d, CHANGE_ADDED, "may touch %s", g);
	}
	for (i = 0; is->deny_paths && i < yaml_count(is->deny_paths); i++) {
		const char *g = yaml_text(yaml_at(is->deny_paths, i));

		if (!has_glob(was->deny_paths, g))
			diff_line(d, CHANGE_REMOVED, "may not touch %s", g);
	}
}

static void diff_content(struct diff *d, const struct arg *was,
			 const struct arg *is)
{
	const char *a = was->flow ? flow_name(was->flow) : "none";
	const char *b = is->flow ? flow_name(is->flow) : "none";

	if (flow_rank(was->flow) == flow_rank(is->flow))
		diff_words(d, "flow", a, b);
	diff_rank(d, "flow", flow_rank(was->flow), flow_rank(is->flow), a, b);
	if (is->type != TYPE_TEXT || is->role != ROLE_CONTENT)
		return;
	if (links_rank(was->links) == links_rank(is->links))
		diff_words(d, "links", links_word(was->links),
			   links_word(is->links));
	diff_rank(d, "links", links_rank(was->links), links_rank(is->links),
		  links_word(was->links), links_word(is->links));
	diff_rank(d, "mentions", was->mentions == MENTIONS_KEEP,
		  is->mentions == MENTIONS_KEEP,
		  was->mentions == MENTIONS_KEEP ? "keep" : "escape",
		  is->mentions == MENTIONS_KEEP ? "keep" : "escape");
}

static void span_words(struct diff *d, const char *what, struct span was,
		       struct span is)
{
	char a[256], b[256];

	(void)str_printf(a, sizeof(a), "%.*s", (int)was.n, (const char *)was.p);
	(void)str_printf(b, sizeof(b), "%.*s", (int)is.n, (const char *)is.p);
	diff_words(d, what, a, b);
}

static const char *source_name(const struct arg *a)
{
	return a->of ? a->of->row.name : "";
}

static void diff_arg(struct diff *d, const struct arg *was,
		     const struct arg *is)
{
	d->at_was = was->at;
	d->at_is = is->at;
	diff_words(d, "type", type_name(was->type), type_name(is->type));
	diff_words(d, "role", role_word(was->role), role_word(is->role));
	if (was->type != is->type)
		return;
	diff_bits(d, "comes from", was->from, is->from, origins_words);
	diff_rank(d, "another origin", floor_rank(was->floor),
		  floor_rank(is->floor), floor_word(was->floor),
		  floor_word(is->floor));
	diff_values(d, "it", was->closed, is->closed);
	if (!was->closed == !is->closed)
		span_words(d, "under", was->under, is->under);
	diff_words(d, "of", source_name(was), source_name(is));
	if (is->of_kind && was->of_kind)
		diff_words(d, "kind", was->of_kind, is->of_kind);
	span_words(d, "prefix", was->prefix, is->prefix);
	diff_bounds(d, was, is);
	diff_paths(d, was, is);
	diff_content(d, was, is);
	diff_rank(d, "may be left out", was->optional, is->optional,
		  was->optional ? "true" : "false",
		  is->optional ? "true" : "false");
}

static void diff_args(struct diff *d, const struct cap *was,
		      const struct cap *is)
{
	char subject[2 * POLICY_NAME_MAX + 2];
	const struct arg *other;
	size_t i;

	d->subject = subject;
	for (i = 0; i < is->n_args; i++) {
		const struct arg *a = &is->args[i];

		(void)str_printf(subject, sizeof(subject), "%s.%s", is->name,
				 a->name);
		other = cap_arg(was, span_str(a->name));
		if (other) {
			diff_arg(d, other, a);
			continue;
		}
		d->at_is = a->at;
		diff_line(d, a->optional ? CHANGE_ADDED : CHANGE_UNCLEAR,
			  "a new argument, a %s", role_word(a->role));
	}
	for (i = 0; i < was->n_args; i++) {
		const struct arg *a = &was->args[i];

		(void)str_printf(subject, sizeof(subject), "%s.%s", was->name,
				 a->name);
		d->at_was = a->at;
		d->at_is = is->at;
		if (!cap_arg(is, span_str(a->name)))
			diff_line(d,
				  a->optional ? CHANGE_REMOVED : CHANGE_UNCLEAR,
				  "the argument is gone");
	}
	d->subject = is->name;
}

/* limits */

static const struct limit *per_of(const struct cap *c, const char *arg)
{
	static const struct limit none;
	size_t i;

	for (i = 0; i < c->limits.n_per; i++)
		if (!strcmp(c->limits.per[i].arg->name, arg))
			return &c->limits.per[i].limit;
	return &none;
}

/* Those that one of them has not have no place of their own there. */
static void diff_own_limit(struct diff *d, const char *what,
			   const struct cap *was, const struct limit *a,
			   const struct cap *is, const struct limit *b)
{
	d->at_was = was->at;
	d->at_is = is->at;
	diff_limit(d, what, a, b);
	d->at_was = was->at;
	d->at_is = is->at;
}

static void diff_per(struct diff *d, const struct cap *was,
		     const struct cap *is)
{
	char what[POLICY_NAME_MAX + 5];
	size_t i;

	for (i = 0; i < is->n_args + was->n_args; i++) {
		const char *arg = i < is->n_args
					  ? is->args[i].name
					  : was->args[i - is->n_args].name;

		if (i >= is->n_args && cap_arg(is, span_str(arg)))
			continue; /* it was told of */
		(void)str_printf(what, sizeof(what), "per %s", arg);
		diff_own_limit(d, what, was, per_of(was, arg), is,
			       per_of(is, arg));
	}
}

static void diff_limits(struct diff *d, const struct cap *was,
			const struct cap *is)
{
	const struct limits *a = &was->limits, *b = &is->limits;
	char x[16], y[16];

	diff_own_limit(d, "rate", was, &a->rate, is, &b->rate);
	diff_own_limit(d, "total", was, &a->total, is, &b->total);
	diff_own_limit(d, "bytes", was, &a->bytes, is, &b->bytes);
	(void)str_printf(x, sizeof(x), "%u", a->concurrent);
	(void)str_printf(y, sizeof(y), "%u", b->concurrent);
	/* none is the most */
	diff_rank(d, "at the same time", a->concurrent - UINT64_C(1),
		  b->concurrent - UINT64_C(1),
		  a->concurrent ? x : "without limit",
		  b->concurrent ? y : "without limit");
	diff_per(d, was, is);
}

/* approvals */

static void via_words(struct buf *out, unsigned via)
{
	if (via & VIA_CLI)
		buf_str(out, "cli");
	if (via & VIA_TELEGRAM)
		buf_str(out, via & VIA_CLI ? ", telegram" : "telegram");
	if (via & VIA_SLACK)
		buf_str(out, via & (VIA_CLI | VIA_TELEGRAM) ? ", slack"
							    : "slack");
}

/* The approvers of one by name, whom the other has not. */
static void diff_who(struct diff *d, enum change c, const struct policy *p,
		     uint32_t who, const struct policy *q, uint32_t other)
{
	size_t i, k;

	for (i = 0; i < p->n_principals; i++) {
		if (!(who >> i & 1))
			continue;
		for (k = 0; k < q->n_principals; k++)
			if (other >> k & 1 && !strcmp(p->principals[i].name,
						      q->principals[k].name))
				break;
		if (k == q->n_principals)
			diff_line(d, c, "%s %s", p->principals[i].name,
				  c == CHANGE_ADDED ? "may approve"
						    : "may no longer approve");
	}
}

static void diff_wait(struct diff *d, const char *what, uint64_t was,
		      uint64_t is, bool longer_is_more)
{
	CLEAN_BUF struct buf a = { 0 };
	CLEAN_BUF struct buf b = { 0 };

	if (was == is)
		return;
	buf_init(&a, 64);
	buf_init(&b, 64);
	duration_words(&a, was);
	duration_words(&b, is);
	diff_line(d,
		  (is > was) == longer_is_more ? CHANGE_ADDED : CHANGE_REMOVED,
		  "%s is %s, was %s", what, buf_cstr(&b), buf_cstr(&a));
}

static void diff_approve(struct diff *d, const struct approve *was,
			 const struct approve *is)
{
	if (!was->at.line || !is->at.line)
		return; /* what asks is told of row by row */
	d->at_was = was->at;
	d->at_is = is->at;
	diff_who(d, CHANGE_ADDED, d->is, is->who, d->was, was->who);
	diff_who(d, CHANGE_REMOVED, d->was, was->who, d->is, is->who);
	if (was->quorum != is->quorum)
		diff_line(d,
			  is->quorum < was->quorum ? CHANGE_ADDED
						   : CHANGE_REMOVED,
			  "%u have to approve, were %u", is->quorum,
			  was->quorum);
	diff_bits(d, "approved via", was->via, is->via, via_words);
	diff_wait(d, "ttl", was->ttl_s, is->ttl_s, true);
	diff_wait(d, "delay", was->delay_s, is->delay_s, false);
	diff_rank(d, "remember", was->remember, is->remember,
		  remember_word(was->remember), remember_word(is->remember));
	diff_rank(d, "a code", !was->confirm, !is->confirm,
		  was->confirm ? "needed" : "not needed",
		  is->confirm ? "needed" : "not needed");
	diff_words(d, "show", show_word(was->show), show_word(is->show));
}

/* the whole */

static void diff_undo(struct diff *d, const struct cap *was,
		      const struct cap *is)
{
	static const char *const words[] = {
		[UNDO_NONE] = "impossible",
		[UNDO_REVERSIBLE] = "possible",
		[UNDO_WINDOW] = "possible for a time",
	};

	diff_words(d, "undo", words[was->undo], words[is->undo]);
	if (was->undo == UNDO_WINDOW && is->undo == UNDO_WINDOW)
		diff_wait(d, "the undo window", was->undo_s, is->undo_s, false);
}

void diff_cap(struct diff *d, const struct cap *was, const struct cap *is)
{
	d->subject = is->name;
	d->at_was = was->connector_at;
	d->at_is = is->connector_at;
	diff_words(d, "connector", was->connector, is->connector);
	d->at_was = was->at;
	d->at_is = is->at;
	diff_rank(d, "effect", was->effect, is->effect,
		  effect_word(was->effect), effect_word(is->effect));
	diff_undo(d, was, is);
	diff_rank(d, "mode", !was->rehearse, !is->rehearse,
		  was->rehearse ? "rehearse" : "enforce",
		  is->rehearse ? "rehearse" : "enforce");
	diff_args(d, was, is);
	diff_rows(d, was, is);
	diff_limits(d, was, is);
	diff_approve(d, &was->approve, &is->approve);
}

void diff_whole_cap(struct diff *d, enum change c, const struct cap *cap)
{
	size_t i;

	d->subject = cap->name;
	d->at_was = d->at_is = cap->at;
	diff_line(d, c, "%s capability, %s, at most %s",
		  c == CHANGE_ADDED ? "a new" : "no longer a",
		  effect_word(cap->effect), cap->limits.rate.text);
	for (i = 0; i < cap->n_rows; i++) {
		d->at_was = d->at_is = cap->rows[i].at;
		if (cap->rows[i].outcome != OUTCOME_DENY)
			row_line(d, c, c == CHANGE_ADDED ? "" : "no longer ",
				 &cap->rows[i]);
	}
}
