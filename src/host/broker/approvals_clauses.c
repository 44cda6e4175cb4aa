/*
 * approvals_clauses: what the owner has said yes to for more than once: for so
 * many times in one task, or always. Each is a row, and ends by itself.
 */
#include "approval/clause.h"
#include "base/log.h"
#include "base/str.h"
#include "host/broker/approvals.h"
#include "policy/model.h"

static bool take_clause(void *arg, struct span, struct span value)
{
	struct approvals *s = arg;
	struct kept_clause *c = &s->clauses[s->n_clauses];

	if (s->n_clauses == DECIDE_CLAUSES)
		return false;
	clause_init(c);
	s->n_clauses++;
	return clause_decode(value, c) == 0;
}

bool clauses_init(struct broker *b)
{
	return keep_rows(b, ROW_CLAUSE, take_clause, b->approvals);
}

/* False: it is still there, b->keep_why. */
static bool forget(struct broker *b, size_t i)
{
	struct approvals *s = b->approvals;
	char key[APPROVALS_KEY];

	if (!keep_row_forget(b, ROW_CLAUSE,
			     approvals_key(key, s->clauses[i].id, false)))
		return false;
	clause_done(&s->clauses[i]);
	s->clauses[i] = s->clauses[--s->n_clauses];
	return true;
}

static void drop(struct broker *b, size_t i)
{
	if (!forget(b, i))
		die("a clause that is over cannot be forgotten: %s",
		    b->keep_why);
}

/* Of a task that has ended: nobody can call for it. */
static bool is_left_over(struct broker *b, const struct kept_clause *c)
{
	const struct task *t = c->task ? task_find(b, c->task) : NULL;

	return c->task && (!t || t->state > TASK_RUNNING);
}

bool clauses_room(struct broker *b)
{
	struct approvals *s = b->approvals;
	size_t i;

	for (i = s->n_clauses; s->n_clauses == DECIDE_CLAUSES && i-- > 0;)
		if (is_left_over(b, &s->clauses[i]))
			drop(b, i);
	if (s->n_clauses < DECIDE_CLAUSES)
		return true;
	(void)str_printf(b->keep_why, sizeof(b->keep_why),
			 "%d clauses are remembered: no room for more",
			 DECIDE_CLAUSES);
	return false;
}

void clauses_add(struct approvals *s, const struct kept_clause *c)
{
	struct kept_clause *to = &s->clauses[s->n_clauses++];
	const struct buf args = c->args;

	*to = *c;
	buf_init(&to->args, args.max);
	buf_span(&to->args, buf_view(&args));
	if (!buf_ok(&to->args))
		die("out of memory");
}

bool clauses_forget(struct broker *b, uint64_t ticket)
{
	struct approvals *s = b->approvals;
	size_t i;

	for (i = 0; i < s->n_clauses; i++)
		if (s->clauses[i].id == ticket)
			return forget(b, i);
	return true;
}

/* Today's policy lets such an answer be remembered. */
static bool may_remember(const struct broker *b, const struct kept_clause *c)
{
	const struct policy *p = b->policy;
	const enum remember least =
		c->task ? REMEMBER_TASK : REMEMBER_CONSTRAINED;
	size_t i;

	for (i = 0; i < p->n_caps; i++)
		if (!strcmp(p->caps[i]->name, c->capability))
			return p->caps[i]->approve.at.line &&
			       p->caps[i]->approve.remember >= least;
	return false;
}

size_t approval_clauses(struct broker *b, uint64_t task,
			struct decide_clause *ret)
{
	struct approvals *s = b->approvals;
	const uint64_t now = approvals_now(b);
	size_t i, n = 0;

	for (i = s->n_clauses; i-- > 0;) {
		struct kept_clause *c = &s->clauses[i];

		if (now >= c->expires_s)
			drop(b, i);
		else if ((!c->task || c->task == task) && may_remember(b, c) &&
			 clause_view(c, &ret[n]))
			n++;
	}
	return n;
}

bool approval_clause_used(struct broker *b, uint64_t id)
{
	struct approvals *s = b->approvals;
	CLEAN_BUF struct buf row;
	char key[APPROVALS_KEY];
	size_t i;

	buf_init(&row, LIMIT_ROW);
	for (i = 0; i < s->n_clauses && s->clauses[i].id != id; i++)
		;
	if (i == s->n_clauses || !s->clauses[i].left)
		return true;
	if (s->clauses[i].left == 1)
		return forget(b, i);
	s->clauses[i].left--;
	clause_encode(&row, &s->clauses[i]);
	if (keep_row(b, ROW_CLAUSE, approvals_key(key, id, false),
		     buf_view(&row), false))
		return true;
	s->clauses[i].left++;
	return false;
}
