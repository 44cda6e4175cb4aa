/* approvals: see approvals.h. */
#include "host/broker/approvals.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>
#include <time.h>

#include "approval/frozen.h"
#include "base/log.h"
#include "base/str.h"
#include "policy/model.h"

enum { LATEST_S = 24 * 3600 }; /* how late what was held may come */

#define WORDS_KEY "card.words"

/* --- time ---------------------------------------------------------------- */

static uint64_t clock_s(clockid_t id)
{
	struct timespec t = { 0 };

	(void)clock_gettime(id, &t);
	return (uint64_t)t.tv_sec;
}

uint64_t approvals_now(const struct broker *b)
{
	const struct approvals *s = b->approvals;

	return s->wall_s + clock_s(CLOCK_BOOTTIME) - s->boot_s;
}

static void seen(struct approvals *s, uint64_t at)
{
	if (at > s->wall_s)
		s->wall_s = at;
}

/* --- the table ----------------------------------------------------------- */

struct approval *approvals_find(struct broker *b, uint64_t ticket)
{
	struct approvals *s = b->approvals;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->v[i]->ticket == ticket)
			return s->v[i];
	return NULL;
}

static void drop(struct approvals *s, size_t i)
{
	approval_done(s->v[i]);
	free(s->v[i]);
	for (s->n--; i < s->n; i++)
		s->v[i] = s->v[i + 1];
}

static struct approval *add(struct approvals *s)
{
	struct approval *a = s->n < APPROVALS ? malloc(sizeof(*a)) : NULL;

	if (!a)
		return NULL;
	approval_init(a);
	s->v[s->n++] = a;
	return a;
}

struct span approvals_key(char text[APPROVALS_KEY], uint64_t ticket,
			  bool frozen)
{
	(void)str_printf(text, APPROVALS_KEY, "%016" PRIx64 "%s", ticket,
			 frozen ? "/f" : "");
	return span_str(text);
}

bool approvals_keep(struct broker *b, const struct approval *a,
		    const struct kept_clause *with)
{
	const bool over = approval_over(a->state);
	CLEAN_BUF struct buf row;
	CLEAN_BUF struct buf clause;
	char key[3][APPROVALS_KEY];
	bool ok;

	buf_init(&row, LIMIT_ROW);
	buf_init(&clause, LIMIT_ROW);
	approval_encode(&row, a);
	if (with)
		clause_encode(&clause, with);
	/* Nothing is gathered before it is sure that all of it is. */
	if (!buf_ok(&row) || !buf_ok(&a->frozen) || !buf_ok(&clause)) {
		(void)str_printf(b->keep_why, sizeof(b->keep_why),
				 "it is too large to be asked about");
		return false;
	}
	if (with && !clauses_room(b))
		return false;
	if (with)
		(void)keep_row(b, ROW_CLAUSE,
			       approvals_key(key[2], with->id, false),
			       buf_view(&clause), true);
	(void)keep_row(b, ROW_APPROVAL, approvals_key(key[0], a->ticket, true),
		       over ? (struct span){ NULL, 0 } : buf_view(&a->frozen),
		       true);
	ok = keep_row(b, ROW_APPROVAL, approvals_key(key[1], a->ticket, false),
		      buf_view(&row), false);
	if (ok && with)
		clauses_add(b->approvals, with);
	return ok;
}

/* A task at work is not to come back with what was refused to it. */
static bool is_needed(struct broker *b, const struct approval *a)
{
	const struct task *t = task_find(b, a->task);

	return a->asked && a->state == APPROVAL_REFUSED && t &&
	       t->state <= TASK_RUNNING;
}

/* Those that are over are a history, and it has an end. */
static void forget_oldest(struct broker *b)
{
	struct approvals *s = b->approvals;
	size_t i, over = 0, oldest = APPROVALS;
	char key[APPROVALS_KEY];

	for (i = s->n; i-- > 0;) {
		if (!approval_over(s->v[i]->state))
			continue;
		over++;
		if (!is_needed(b, s->v[i]))
			oldest = i;
	}
	if (over <= APPROVALS_OVER || oldest == APPROVALS)
		return;
	if (!keep_row_forget(b, ROW_APPROVAL,
			     approvals_key(key, s->v[oldest]->ticket, false)))
		log_warn("approval-not-forgotten", "%s", b->keep_why);
	drop(s, oldest);
}

/* --- records ------------------------------------------------------------- */

static void begin(struct broker *b, const char *kind, const struct approval *a)
{
	struct msg_ids ids = b->ids;

	ids.task = a->task;
	ids.span = a->item;
	audit_begin(&b->record, kind, &ids);
	audit_int(&b->record, "ticket", a->ticket);
	audit_str(&b->record, "capability", span_str(a->capability));
}

static void audit_new(struct broker *b, struct approval *a)
{
	char card[65], bind[65];
	struct m_audit_ok ok;

	hex_encode(card, a->card, 32);
	hex_encode(bind, a->bind, 32);
	begin(b, "approval.new", a);
	audit_str(&b->record, "clause", span_str(a->clause));
	audit_bool(&b->record, "asked", a->asked);
	audit_str(&b->record, "card", span_str(card));
	audit_str(&b->record, "bind", span_str(bind));
	audit_int(&b->record, "expires_s", a->expires_s);
	audit_int(&b->record, "due_s", a->due_s);
	audit_int(&b->record, "quorum", a->quorum);
	if (a->again)
		audit_int(&b->record, "again", a->again);
	(void)broker_audit(b, &ok);
	a->index = ok.index;
	if (!approvals_keep(b, a, NULL))
		log_warn("approval-not-kept", "%s", b->keep_why);
}

/* A card says what the log was: of that we know what a record of ours was
 * answered with, and the first that is asked has none before it. */
static void know_log(struct broker *b, uint64_t task)
{
	struct msg_ids ids = b->ids;

	if (b->record.head.size)
		return;
	ids.task = task;
	audit_begin(&b->record, "approval.first", &ids);
	(void)broker_audit(b, NULL);
}

static void audit_end(struct broker *b, const struct approval *a)
{
	char why[ASIDE_REASON];

	begin(b, "approval.state", a);
	audit_str(&b->record, "state", span_str(approval_state_name(a->state)));
	audit_str(&b->record, "why", span_str(aside_reason(why, a->why)));
	if (a->effect)
		audit_int(&b->record, "effect", a->effect);
	(void)broker_audit(b, NULL);
}

/* --- those who wait ------------------------------------------------------ */

/* What a planner is told of a ticket. */
static void result_of(const struct approval *a, struct m_call_result *r)
{
	const bool acts = a->state == APPROVAL_FIRED && !a->outcome;

	r->clause = span_str(a->clause);
	r->audit_index = a->index;
	r->verdict = VERDICT_DENY;
	if (a->state == APPROVAL_PENDING) {
		r->verdict = VERDICT_ASK;
		r->reason = SPAN_LIT("the owner has been asked");
	} else if (a->state == APPROVAL_APPROVED || acts) {
		r->verdict = VERDICT_ALLOW;
		r->reason = SPAN_LIT("allowed; it has not been done yet");
	} else if (a->state == APPROVAL_FIRED) {
		r->verdict = VERDICT_ALLOW;
		r->executed = a->outcome == EFFECT_DONE;
		r->reason = span_str(effect_state_name(a->outcome));
	} else {
		r->reason = span_str(a->why);
	}
	if (!approval_over(a->state) || acts)
		r->ticket = a->ticket;
}

static void answer(struct broker *b, struct peer *p, const struct approval *a)
{
	b->out.type = MSG_CALL_RESULT;
	b->out.ids = b->ids;
	b->out.call_result = (struct m_call_result){ .call = p->wait_call };
	if (a)
		result_of(a, &b->out.call_result);
	else
		b->out.call_result = (struct m_call_result){
			.call = p->wait_call,
			.verdict = VERDICT_DENY,
			.reason = SPAN_LIT("this task has no such ticket"),
		};
	p->wait_ticket = 0;
	peer_send(b, p, NULL, 0);
}

/* Nothing more will come of it. */
static bool is_final(const struct approval *a)
{
	return approval_over(a->state) &&
	       (a->state != APPROVAL_FIRED || a->outcome);
}

static void tell_waiting(struct broker *b)
{
	size_t i;

	for (i = 0; i < BROKER_PEERS; i++) {
		struct peer *p = &b->peers[i];
		const struct approval *a;

		if (p->kind != PEER_PLANNER || !p->wait_ticket)
			continue;
		a = approvals_find(b, p->wait_ticket);
		if (!a || is_final(a) || now_ms() >= p->wait_until_ms)
			answer(b, p, a);
	}
}

void call_wait(struct broker *b, struct peer *p)
{
	const struct m_wait m = b->in.wait;
	const struct approval *a = approvals_find(b, m.ticket);

	p->wait_call = m.call;
	if (!a || a->task != p->task || m.seconds > WAIT_SECONDS) {
		answer(b, p, NULL);
		return;
	}
	p->wait_ticket = m.ticket;
	p->wait_until_ms = now_ms() + (uint64_t)m.seconds * 1000;
	approvals_soon(b);
}

/* --- events -------------------------------------------------------------- */

bool approvals_event(struct broker *b, struct approval *a,
		     enum approval_event e, const char *why)
{
	const uint8_t state = a->state;
	const uint64_t ended_s = a->ended_s;

	if (approval_event(a, e, approvals_now(b), why) < 0) {
		(void)str_printf(b->keep_why, sizeof(b->keep_why), "it is %s",
				 approval_state_name(state));
		return false;
	}
	if (!approvals_keep(b, a, NULL)) {
		a->state = state;
		a->ended_s = ended_s;
		return false;
	}
	audit_end(b, a);
	if (approval_over(a->state)) {
		buf_reset(&a->frozen);
		limits_end_task(b, a->task);
	}
	tell_waiting(b);
	return true;
}

/* --- a new one ----------------------------------------------------------- */

struct card_opts approvals_card(const struct broker *b)
{
	return (struct card_opts){ .words = b->approvals->words,
				   .policy = b->policy };
}

static void draw_code(char ret[APPROVAL_CODE + 1])
{
	uint32_t r;

	if (getrandom(&r, sizeof(r), 0) != (ssize_t)sizeof(r))
		die("no random bytes: errno %d", errno);
	(void)str_printf(ret, APPROVAL_CODE + 1, "%06" PRIu32, r % 1000000);
}

static void put_args(struct approval *a, const struct decision *d)
{
	struct decide_arg to = { .name = SPAN_LIT(APPROVAL_TO),
				 .value = d->recipient,
				 .role = ROLE_TARGET,
				 .type = TYPE_TEXT,
				 .permitted = true };
	uint32_t i;

	for (i = 0; i < d->n; i++)
		approval_add_arg(a, &d->args[i]);
	if (!d->recipient.n)
		return;
	(void)str_printf(to.chip, sizeof(to.chip),
			 "the sender of what it answers");
	if (memchr(d->recipient.p, '@', d->recipient.n))
		to.type = TYPE_EMAIL;
	approval_add_arg(a, &to);
}

static void put_terms(struct approval *a, const struct decision *d,
		      uint64_t now, bool asks)
{
	/* Where he had it remembered, he has been asked. */
	a->asked = asks || d->by == DECIDED_CLAUSE;
	a->created_s = now;
	a->expires_s = now + (asks ? d->ask.ttl_s : d->hold_s + LATEST_S);
	a->ready_s = now + (asks ? d->ask.delay_s : 0);
	a->due_s = asks ? 0 : now + d->hold_s;
	a->state = asks ? APPROVAL_PENDING : APPROVAL_APPROVED;
	a->who = d->ask.who;
	a->quorum = d->ask.quorum ? d->ask.quorum : 1;
	a->via = d->ask.via;
	a->remember = d->ask.remember ? d->ask.remember : REMEMBER_NEVER;
	a->show = d->ask.show ? d->ask.show : SHOW_SUMMARY;
	a->undo = asks ? d->ask.undo : UNDO_WINDOW;
	a->times = 1;
	if (asks && d->ask.confirm)
		draw_code(a->code);
}

static bool is_same(const struct approval *a, uint64_t task,
		    const uint8_t request[32])
{
	return a->asked && a->task == task &&
	       memcmp(a->request, request, APPROVAL_HASH) == 0;
}

/* One that waits for the same, or was refused to this task. */
static struct approval *same(struct broker *b, uint64_t task,
			     const uint8_t request[32])
{
	struct approvals *s = b->approvals;
	size_t i;

	for (i = s->n; i-- > 0;) {
		struct approval *a = s->v[i];

		if (is_same(a, task, request) &&
		    (a->state == APPROVAL_PENDING ||
		     (a->state == APPROVAL_REFUSED && !a->effect)))
			return a;
	}
	return NULL;
}

/* How often it has been asked, and nobody answered. */
static uint32_t asked_before(const struct broker *b, uint64_t task,
			     const uint8_t request[32])
{
	const struct approvals *s = b->approvals;
	uint32_t n = 0;
	size_t i;

	for (i = 0; i < s->n; i++)
		n += s->v[i]->state == APPROVAL_EXPIRED &&
		     is_same(s->v[i], task, request);
	return n;
}

static bool has_room(struct broker *b, uint64_t task)
{
	const struct approvals *s = b->approvals;
	size_t i, all = 0, own = 0;

	for (i = 0; i < s->n; i++) {
		if (approval_over(s->v[i]->state))
			continue;
		all++;
		own += s->v[i]->task == task;
	}
	return all < APPROVALS_WAITING && own < APPROVALS_OF_TASK;
}

size_t approvals_under_way(const struct broker *b, struct span capability)
{
	const struct approvals *s = b->approvals;
	size_t i, n = 0;

	for (i = 0; i < s->n; i++)
		n += !approval_over(s->v[i]->state) &&
		     span_is(capability, s->v[i]->capability);
	return n;
}

bool approvals_wait(const struct broker *b, uint64_t task)
{
	const struct approvals *s = b->approvals;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (s->v[i]->task == task && !approval_over(s->v[i]->state))
			return true;
	return false;
}

static struct approval *make(struct broker *b, const struct request_of *q,
			     const struct decide_in *in, bool asks)
{
	const struct decision *d = &b->decision;
	const struct span capability = in->call->capability;
	struct approvals *s = b->approvals;
	struct approval *a = add(s);

	if (!a)
		return NULL;
	a->ticket = s->next;
	a->task = q->task;
	a->item = q->item;
	put_terms(a, d, approvals_now(b), asks);
	put_args(a, d);
	(void)str_printf(a->clause, sizeof(a->clause), "%s", d->clause);
	memcpy(a->policy, policy_hash(b->policy), 32);
	decision_bind(d, capability, a->policy, 0, a->request);
	decision_bind(d, capability, a->policy, a->expires_s, a->bind);
	a->again = asked_before(b, q->task, a->request);
	memcpy(a->aside, b->aside.id, sizeof(a->aside));
	frozen_encode(&a->frozen, in, d);
	a->log_size = b->record.head.size;
	a->log_root = b->record.head.root;
	if (str_copy(a->capability, sizeof(a->capability), capability) < 0)
		a->frozen.bad = true;
	return a;
}

static uint64_t no_ticket(struct broker *b, const char *why)
{
	(void)str_printf(b->keep_why, sizeof(b->keep_why), "%s", why);
	return 0;
}

/* All of it can be shown: nobody says yes to what he cannot see. */
static bool can_be_shown(struct broker *b, const struct approval *a)
{
	struct card_opts opts = approvals_card(b);
	CLEAN_BUF struct buf card;

	opts.full = true;
	buf_init(&card, CARD_BYTES);
	card_text(&card, a, &opts);
	if (buf_ok(&card) && card.n <= LIMIT_CARD)
		return true;
	(void)str_printf(b->keep_why, sizeof(b->keep_why),
			 "it is too large to be shown to the owner");
	return false;
}

uint64_t approval_park(struct broker *b, const struct request_of *q,
		       const struct decide_in *in)
{
	const bool asks = b->decision.verdict == VERDICT_ASK;
	struct approvals *s = b->approvals;
	uint8_t request[32];
	struct card_opts card = approvals_card(b);
	struct approval *a;

	decision_bind(&b->decision, in->call->capability,
		      policy_hash(b->policy), 0, request);
	a = asks ? same(b, q->task, request) : NULL;
	if (a && a->state == APPROVAL_PENDING) {
		limits_give_back(b); /* no question more */
		return a->ticket;
	}
	if (a)
		return no_ticket(b, "this was refused before");
	if (!has_room(b, q->task))
		return no_ticket(b, "too many requests wait for the owner");
	/* Where its bytes lie has to be known, so that they can be erased. */
	if (!aside_keep(b))
		return 0;
	know_log(b, q->task);
	a = make(b, q, in, asks);
	if (!a)
		return no_ticket(b, "out of memory");
	card_hash(a, &card, a->card);
	if ((asks && !can_be_shown(b, a)) || !approvals_keep(b, a, NULL)) {
		drop(s, s->n - 1);
		return 0;
	}
	s->next++;
	audit_new(b, a);
	forget_oldest(b);
	approvals_soon(b);
	return a->ticket;
}

/* --- firing -------------------------------------------------------------- */

/* Its connector could take it now; the rest comes with the decision. */
static bool can_try(struct broker *b, const struct approval *a)
{
	const struct policy *p = b->policy;
	const struct peer *c = NULL;
	size_t i;

	for (i = 0; i < p->n_caps && !c; i++)
		if (!strcmp(p->caps[i]->name, a->capability))
			c = peer_of_connector(b, p->caps[i]->connector);
	return !b->acting && !b->record.room.full && c && c->outbound &&
	       !c->effect;
}

/* The call in b->in, with memory that f has. */
static void fire(struct broker *b, struct approval *a)
{
	struct frozen *f = frozen_decode(buf_view(&a->frozen), b->policy);
	/* What he had remembered, or only lies in its undo window, he has not
	 * seen. */
	const struct decide_grant grant = { .floors = a->asked,
					    .seen = a->votes != 0 };
	struct request_of q = { .item = a->item, .task = a->task, .fires = a };

	if (!f) {
		(void)approvals_event(b, a, APPROVAL_SUPERSEDE,
				      "what it was asked with cannot be read");
		return;
	}
	b->in.type = MSG_CALL;
	b->in.call = f->call;
	f->in.call = &b->in.call;
	f->in.grant = &grant;
	q.again = &f->in;
	if (!call_fire(b, &q)) {
		if (a->state == APPROVAL_APPROVED && !a->due_s)
			log_warn("approval-not-fired", "ticket=%llu %s",
				 (unsigned long long)a->ticket, b->keep_why);
		if (a->state == APPROVAL_APPROVED && q.refused)
			(void)approvals_event(b, a, APPROVAL_REFUSE,
					      b->keep_why);
	}
	frozen_free(f);
}

bool approval_fired(struct broker *b, struct approval *a, uint64_t effect)
{
	a->effect = effect;
	if (approvals_event(b, a, APPROVAL_FIRE, ""))
		return true;
	a->effect = 0;
	return false;
}

bool approval_held(struct broker *b, struct approval *a, uint64_t hold_s)
{
	const uint64_t expires_s = a->expires_s;

	a->due_s = approvals_now(b) + hold_s;
	a->expires_s = a->due_s + LATEST_S;
	if (approvals_keep(b, a, NULL))
		return true;
	a->due_s = 0;
	a->expires_s = expires_s;
	return false;
}

void approval_outcome(struct broker *b, uint64_t ticket, enum effect_state s)
{
	struct approval *a = approvals_find(b, ticket);

	if (!a)
		return;
	a->outcome = (uint8_t)s;
	if (!approvals_keep(b, a, NULL))
		log_warn("approval-not-kept", "%s", b->keep_why);
	tell_waiting(b);
}

/* --- by time ------------------------------------------------------------- */

static void step(struct broker *b);

static void on_timer(void *arg)
{
	struct broker *b = arg;

	b->approvals->timer = -1;
	step(b);
}

static uint64_t sooner(uint64_t a, uint64_t b)
{
	return a < b ? a : b;
}

/* In milliseconds; UINT64_MAX: nothing comes by itself. */
static uint64_t next_ms(struct broker *b)
{
	const struct approvals *s = b->approvals;
	const uint64_t now = approvals_now(b);
	uint64_t ms = UINT64_MAX;
	size_t i;

	for (i = 0; i < s->n; i++) {
		const uint64_t at = approval_next_s(s->v[i]);

		if (approval_may_fire(s->v[i], now))
			ms = sooner(ms, UINT64_C(1000) * APPROVALS_RETRY_S);
		else if (at != UINT64_MAX)
			ms = sooner(ms, at > now ? (at - now) * 1000 : 1000);
	}
	for (i = 0; i < BROKER_PEERS; i++) {
		const struct peer *p = &b->peers[i];
		const uint64_t at = now_ms();

		if (p->kind == PEER_PLANNER && p->wait_ticket)
			ms = sooner(ms, p->wait_until_ms > at
						? p->wait_until_ms - at
						: 1);
	}
	return ms;
}

static void set_timer(struct broker *b)
{
	struct approvals *s = b->approvals;
	uint64_t ms = next_ms(b);

	loop_timer_del(&b->loop, s->timer);
	s->timer = -1;
	/* A clock that is far ahead is looked at again. */
	if (ms != UINT64_MAX)
		s->timer =
			loop_timer(&b->loop, sooner(ms, UINT64_C(3600) * 1000),
				   on_timer, b);
	if (ms != UINT64_MAX && s->timer < 0)
		die("no room for a timer");
}

void approvals_soon(struct broker *b)
{
	struct approvals *s = b->approvals;

	loop_timer_del(&b->loop, s->timer);
	s->timer = loop_timer(&b->loop, 0, on_timer, b);
	if (s->timer < 0)
		die("no room for a timer");
}

void approvals_killed(struct broker *b)
{
	struct approvals *s = b->approvals;
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct approval *a = s->v[i];

		if (a->state == APPROVAL_APPROVED &&
		    (a->killed ||
		     latch_why(b, span_str(a->capability), a->task)))
			(void)approvals_event(b, a, APPROVAL_REFUSE,
					      "killed before it was done");
	}
}

void approvals_latched(struct broker *b, const struct m_latch *l)
{
	struct approvals *s = b->approvals;
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct approval *a = s->v[i];

		if (a->state == APPROVAL_APPROVED &&
		    (l->level >= LATCH_AGENT ||
		     (l->level == LATCH_TASK && l->task == a->task) ||
		     (l->level == LATCH_CAPABILITY &&
		      span_is(l->capability, a->capability))))
			a->killed = true;
	}
	approvals_killed(b);
}

void approvals_tripped(struct broker *b, uint64_t task)
{
	struct approvals *s = b->approvals;
	size_t i;

	approvals_killed(b);
	for (i = 0; i < s->n; i++) {
		struct approval *a = s->v[i];

		if (a->task != task || approval_over(a->state))
			continue;
		frozen_session(&a->frozen, SESSION_TRIPPED);
		if (!approvals_keep(b, a, NULL))
			log_warn("approval-not-kept", "%s", b->keep_why);
	}
}

/* Whatever can happen now does; the timer is set for what comes later. */
static void step(struct broker *b)
{
	struct approvals *s = b->approvals;
	uint64_t now;
	size_t i;

	now = approvals_now(b);
	approvals_killed(b);
	for (i = 0; i < s->n; i++) {
		struct approval *a = s->v[i];

		if (approval_timely(a, now) == APPROVAL_EXPIRE)
			(void)approvals_event(
				b, a, APPROVAL_EXPIRE,
				a->state == APPROVAL_PENDING
					? "nobody said yes in time"
					: "it could not be done in time");
		else if (approval_may_fire(a, now) && !a->killed &&
			 can_try(b, a))
			fire(b, a);
	}
	tell_waiting(b);
	chat_cards(b);
	set_timer(b);
}

/* --- out of the store ---------------------------------------------------- */

static bool take_row(void *arg, struct span key, struct span value)
{
	struct approvals *s = arg;
	struct approval *a = s->n ? s->v[s->n - 1] : NULL;

	/* What is frozen comes right behind its own. */
	if (key.n == APPROVALS_KEY_FROZEN && a) {
		buf_span(&a->frozen, value);
		return true;
	}
	a = add(s);
	if (!a || key.n != APPROVALS_KEY_HEAD || approval_decode(value, a) < 0)
		return false;
	s->next = a->ticket + 1;
	seen(s, a->created_s);
	seen(s, a->ended_s);
	return true;
}

static bool take_words(void *arg, struct span key, struct span value)
{
	struct approvals *s = arg;

	if (!span_is(key, WORDS_KEY))
		return true;
	if (value.n == CARD_SEED)
		card_words(value.p, s->words);
	return value.n == CARD_SEED;
}

/* #syscalls:broker getrandom */
static void make_words(struct broker *b)
{
	uint8_t seed[CARD_SEED];

	if (getrandom(seed, sizeof(seed), 0) != (ssize_t)sizeof(seed))
		die("no random bytes: errno %d", errno);
	if (!keep_row(b, ROW_SECRET, SPAN_LIT(WORDS_KEY),
		      span_of(seed, sizeof(seed)), false))
		die("the words of the cards cannot be kept: %s", b->keep_why);
	card_words(seed, b->approvals->words);
}

/* An effect that a crash left open has had its end by now. */
static void take_outcome(struct broker *b, struct approval *a)
{
	const struct m_s_get get = { .after = a->effect - 1 };
	const struct m_e_row *e;

	if (a->state != APPROVAL_FIRED || a->outcome || !a->effect)
		return;
	e = keep_effect(b, &get);
	a->outcome = e && e->effect == a->effect ? e->state : EFFECT_UNKNOWN;
	if (!approvals_keep(b, a, NULL))
		log_warn("approval-not-kept", "%s", b->keep_why);
}

void approvals_init(struct broker *b)
{
	struct approvals *s = calloc(1, sizeof(*s));

	if (!s)
		die("out of memory");
	b->approvals = s;
	s->timer = -1;
	s->next = 1;
	s->wall_s = clock_s(CLOCK_REALTIME);
	s->boot_s = clock_s(CLOCK_BOOTTIME);
	if (!keep_rows(b, ROW_APPROVAL, take_row, s) || !clauses_init(b) ||
	    !keep_rows(b, ROW_SECRET, take_words, s))
		die("the approvals cannot be read: the store is damaged, or of "
		    "another version");
	if (!s->words[0])
		make_words(b);
}

void approvals_recover(struct broker *b)
{
	struct approvals *s = b->approvals;
	size_t i;

	for (i = 0; i < s->n; i++) {
		struct approval *a = s->v[i];

		take_outcome(b, a);
		if (!approval_over(a->state) &&
		    memcmp(a->policy, policy_hash(b->policy), 32) != 0)
			(void)approvals_event(b, a, APPROVAL_SUPERSEDE,
					      "the policy is another one now");
	}
	step(b);
}
