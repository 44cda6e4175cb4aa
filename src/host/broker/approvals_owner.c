/*
 * approvals_owner: what the owner asks about requests that wait, and his word
 * on one: yes, for this once, for some times or from now on; or no, which also
 * takes back what is held, and can freeze the task that asked.
 */
#include <inttypes.h>

#include "base/log.h"
#include "base/str.h"
#include "host/broker/approvals.h"
#include "policy/model.h"

static void say_ok(struct broker *b, struct peer *control)
{
	b->out.type = MSG_C_OK;
	b->out.ids = b->ids;
	b->out.empty = (struct m_empty){ 0 };
	peer_send(b, control, NULL, 0);
}

static void say_fail(struct broker *b, struct peer *control, const char *why)
{
	b->out.type = MSG_C_FAIL;
	b->out.ids = b->ids;
	b->out.text.text = span_str(why);
	peer_send(b, control, NULL, 0);
}

/* The card, as much of it as a message takes. */
void approvals_put_card(const struct broker *b, const struct approval *a,
			bool full, struct buf *out)
{
	struct card_opts opts = approvals_card(b);

	opts.full = full;
	card_text(out, a, &opts);
	if (buf_ok(out) && out->n <= LIMIT_CARD)
		return;
	buf_reset(out);
	opts.full = false;
	card_text(out, a, &opts);
	if (!buf_ok(out) || out->n > LIMIT_CARD)
		buf_reset(out);
}

/* The first ticket on its card, and under its button. */
static void find_card(struct broker *b, const struct approval *a,
		      struct m_c_approval *m)
{
	const struct approvals *s = b->approvals;
	const struct approval *v[APPROVALS] = { NULL };
	size_t first[APPROVALS], i, at = 0;

	for (i = 0; i < s->n; i++) {
		v[i] = s->v[i];
		if (v[i] == a)
			at = i;
	}
	approval_cards(v, s->n, first);
	m->card = v[first[at]]->ticket;
	m->button = a->ticket;
	for (i = first[at]; i < at; i++)
		if (first[i] == first[at] && approval_one_button(v[i], a)) {
			m->button = v[i]->ticket;
			return;
		}
}

static void tell(struct broker *b, struct peer *control,
		 const struct approval *a, const struct m_c_approvals *q)
{
	CLEAN_BUF struct buf card;
	struct m_c_approval *m = &b->out.c_approval;

	buf_init(&card, CARD_BYTES);
	if (q->ticket)
		approvals_put_card(b, a, q->full, &card);
	b->out.type = MSG_C_APPROVAL;
	b->out.ids = b->ids;
	*m = (struct m_c_approval){
		.ticket = a->ticket,
		.task = a->task,
		.item = a->item,
		.created_s = a->created_s,
		.expires_s = a->expires_s,
		.ready_s = a->ready_s,
		.due_s = a->due_s,
		.ended_s = a->ended_s,
		.effect = a->effect,
		.audit_index = a->index,
		.state = a->state,
		.undo = a->undo,
		.remember = a->remember,
		.show = a->undo == UNDO_NONE || a->show > SHOW_SUMMARY,
		.quorum = a->quorum,
		.votes = (uint32_t)__builtin_popcount(a->votes),
		.times = a->times,
		.capability = span_str(a->capability),
		.clause = span_str(a->clause),
		.why = span_str(a->why),
		.code = span_str(q->code ? a->code : ""),
		.text = buf_view(&card),
	};
	memcpy(m->hash, a->card, sizeof(m->hash));
	find_card(b, a, m);
	peer_send(b, control, NULL, 0);
}

static bool is_wanted(const struct approval *a, const struct m_c_approvals *q)
{
	if (q->ticket)
		return a->ticket == q->ticket;
	if (q->history)
		return true;
	if (q->held)
		return a->state == APPROVAL_APPROVED;
	return a->state == APPROVAL_PENDING;
}

void approvals_tell(struct broker *b, struct peer *control)
{
	const struct m_c_approvals q = b->in.c_approvals;
	const struct approvals *s = b->approvals;
	size_t i, n = 0;

	for (i = 0; i < s->n; i++) {
		if (!is_wanted(s->v[i], &q))
			continue;
		tell(b, control, s->v[i], &q);
		n++;
	}
	if (q.ticket && !n)
		say_fail(b, control,
			 "there is no such ticket: `bulkhead approvals` lists "
			 "those that wait");
	else
		say_ok(b, control);
}

/* --- what is on record --------------------------------------------------- */

static const char *via_name(unsigned via)
{
	switch (via) {
	case VIA_CLI:
		return "cli";
	case VIA_TELEGRAM:
		return "telegram";
	default:
		return "slack";
	}
}

static struct span principal_name(const struct broker *b,
				  const struct owner_word *w)
{
	const int i = __builtin_ctz(w->principal);

	return span_str(i ? b->policy->principals[i].name : "owner");
}

/* --- yes ----------------------------------------------------------------- */

static void audit_word(struct broker *b, const struct approval *a,
		       const struct owner_word *w, const char *word)
{
	struct msg_ids ids = b->ids;
	char card[65], bind[65];

	hex_encode(card, a->card, 32);
	hex_encode(bind, a->bind, 32);
	ids.task = a->task;
	ids.span = a->item;
	audit_begin(&b->record, "approval.word", &ids);
	audit_int(&b->record, "ticket", a->ticket);
	audit_str(&b->record, "word", span_str(word));
	audit_str(&b->record, "via", span_str(via_name(w->via)));
	if (w->via == VIA_CLI)
		audit_int(&b->record, "uid", w->uid);
	else
		audit_str(&b->record, "by", w->id);
	audit_str(&b->record, "principal", principal_name(b, w));
	audit_str(&b->record, "card", span_str(card));
	audit_str(&b->record, "bind", span_str(bind));
	audit_int(&b->record, "times", a->times);
	(void)broker_audit(b, NULL);
}

/* What the same word lets happen again without asking, once enough have said
 * it. False: nothing. */
static bool clause_asked(struct broker *b, const struct approval *a,
			 const struct owner_word *m, struct kept_clause *ret)
{
	if (a->state != APPROVAL_APPROVED || (!m->always && a->times <= 1))
		return false;
	clause_of(ret, a, approvals_now(b));
	if (!m->always) {
		ret->task = a->task;
		ret->left = a->times - 1;
	}
	return true;
}

/* Only what he saw: the card that he was shown is this one. */
static const char *may_say_yes(const struct broker *b, const struct approval *a,
			       const struct owner_word *m)
{
	if (!a)
		return "there is no such ticket";
	if (memcmp(a->card, m->hash, APPROVAL_HASH) != 0)
		return "that is not the card that you were shown: look at it "
		       "again";
	if (m->always && !clause_may_be(a))
		return "the policy does not let it be remembered";
	if (latch_why(b, span_str(a->capability), a->task))
		return "the kill latch is set: `bulkhead rearm` first";
	return NULL;
}

static void say_text(struct broker *b, struct peer *control, const char *text)
{
	b->out.type = MSG_C_TEXT;
	b->out.ids = b->ids;
	b->out.text.text = span_str(text);
	peer_send(b, control, NULL, 0);
	say_ok(b, control);
}

/* Everything of it that a word changes. */
struct before {
	uint8_t state;
	uint32_t votes, times;
};

/* On record first, so that nothing comes of a word that the log has not; then
 * durable, with what it lets be remembered, or it has not been said. */
static bool keep_word(struct broker *b, struct approval *a,
		      const struct owner_word *m, const struct before *before)
{
	struct kept_clause c;
	bool ok;

	clause_init(&c);
	audit_word(b, a, m, m->always ? "always" : "yes");
	ok = approvals_keep(b, a, clause_asked(b, a, m, &c) ? &c : NULL);
	clause_done(&c);
	if (ok)
		return true;
	a->state = before->state;
	a->votes = before->votes;
	a->times = before->times;
	audit_word(b, a, m, "not kept");
	return false;
}

/* A code is not to be tried until it is found. */
static void wrong_code(struct broker *b, struct approval *a)
{
	const bool ok = a->tries < APPROVAL_TRIES
				? approvals_keep(b, a, NULL)
				: approvals_event(b, a, APPROVAL_REFUSE,
						  "its code was wrong too "
						  "often");

	if (!ok)
		log_warn("approval-not-kept", "%s", b->keep_why);
}

bool approvals_yes(struct broker *b, const struct owner_word *w,
		   const char **say)
{
	struct approval *a = approvals_find(b, w->ticket);
	const struct approval_yes y = { w->principal, w->via, w->times,
					w->code };
	enum approval_answer r;
	struct before before;

	*say = may_say_yes(b, a, w);
	if (*say)
		return false;
	before = (struct before){ a->state, a->votes, a->times };
	r = approval_say_yes(a, &y, approvals_now(b));
	if (r == ANSWER_CODE)
		wrong_code(b, a);
	*say = approval_answer_text(r);
	if (r != ANSWER_APPROVED && r != ANSWER_MORE)
		return false;
	if (!keep_word(b, a, w, &before)) {
		*say = b->keep_why;
		return false;
	}
	approvals_soon(b);
	return true;
}

void approval_yes(struct broker *b, struct peer *control)
{
	const struct m_c_approve m = b->in.c_approve;
	const struct owner_word w = { .principal = OWNER,
				      .via = VIA_CLI,
				      .uid = m.uid,
				      .ticket = m.ticket,
				      .times = m.times,
				      .always = m.always,
				      .code = m.code,
				      .hash = m.hash };
	const char *say;

	if (approvals_yes(b, &w, &say))
		say_text(b, control, say);
	else
		say_fail(b, control, say);
}

/* --- no ------------------------------------------------------------------ */

/* The latch first: it holds whatever becomes of the rest. */
static void freeze(struct broker *b, uint64_t task)
{
	struct approvals *s = b->approvals;
	size_t i;

	latch_ask(b, LATCH_TASK, task, "owner", "frozen with a refusal");
	for (i = 0; i < s->n; i++)
		if (s->v[i]->task == task && !approval_over(s->v[i]->state))
			(void)approvals_event(b, s->v[i], APPROVAL_REFUSE,
					      "the owner froze its task");
}

/* A no takes no authority, so it counts on every way; but it is the word of one
 * who is asked, or the owner's. */
bool approvals_no(struct broker *b, const struct owner_word *w, bool stop,
		  const char **say)
{
	struct approval *a = approvals_find(b, w->ticket);

	*say = stop ? "refused, and its task is frozen" : "refused";
	if (!a)
		*say = "there is no such ticket";
	else if (!((a->who | OWNER) & w->principal))
		*say = approval_answer_text(ANSWER_NOT_YOURS);
	if (!a || !((a->who | OWNER) & w->principal))
		return false;
	if (stop || approval_next(a->state, APPROVAL_REFUSE))
		audit_word(b, a, w, stop ? "freeze" : "no");
	if (stop) {
		freeze(b, a->task);
	} else if (!approvals_event(b, a, APPROVAL_REFUSE,
				    w->principal == OWNER
					    ? "the owner refused it"
					    : "an approver refused it")) {
		*say = b->keep_why;
		return false;
	}
	approvals_soon(b);
	return true;
}

void approval_no(struct broker *b, struct peer *control)
{
	const struct m_c_decline m = b->in.c_decline;
	const struct owner_word w = { .principal = OWNER,
				      .via = VIA_CLI,
				      .uid = m.uid,
				      .ticket = m.ticket };
	const char *say;

	if (approvals_no(b, &w, m.freeze, &say))
		say_ok(b, control);
	else
		say_fail(b, control, say);
}

/* --- what is to be known no more ----------------------------------------- */

static bool is_among(const struct approval *a, struct span ids)
{
	static const uint8_t none[ASIDE_ID];
	size_t at;

	if (memcmp(a->aside, none, ASIDE_ID) == 0)
		return false;
	for (at = 0; at + ASIDE_ID <= ids.n; at += ASIDE_ID)
		if (memcmp(a->aside, ids.p + at, ASIDE_ID) == 0)
			return true;
	return false;
}

static bool erase(struct broker *b, struct approval *a)
{
	if (!approval_over(a->state) &&
	    !approvals_event(b, a, APPROVAL_REFUSE, "its data was erased"))
		return false;
	approval_forget(a);
	return approvals_keep(b, a, NULL) && clauses_forget(b, a->ticket);
}

bool approvals_erase(struct broker *b, struct span ids)
{
	struct approvals *s = b->approvals;
	size_t i;

	for (i = 0; i < s->n; i++)
		if (is_among(s->v[i], ids) && !erase(b, s->v[i]))
			return false;
	return true;
}
