/* approval: see approval.h. */
#include "approval/approval.h"

#include <assert.h>
#include <errno.h>

#include "base/rd.h"
#include "base/str.h"
#include "policy/model.h"

enum { ROW_VERSION = 1 };

void approval_init(struct approval *a)
{
	*a = (struct approval){ 0 };
	buf_init(&a->args, LIMIT_ROW);
	buf_init(&a->frozen, LIMIT_ROW);
}

void approval_done(struct approval *a)
{
	buf_done(&a->args);
	buf_done(&a->frozen);
	*a = (struct approval){ 0 };
}

/* --- states -------------------------------------------------------------- */

const char *approval_state_name(unsigned state)
{
	static const char *const names[] = {
		[0] = "none",
		[APPROVAL_PENDING] = "pending",
		[APPROVAL_APPROVED] = "approved",
		[APPROVAL_REFUSED] = "refused",
		[APPROVAL_EXPIRED] = "expired",
		[APPROVAL_SUPERSEDED] = "superseded",
		[APPROVAL_FIRED] = "fired",
	};

	static_assert(ARRAY_SIZE(names) == APPROVAL_STATE_MAX, "a name each");
	return names[state < APPROVAL_STATE_MAX ? state : 0];
}

static const uint8_t table[APPROVAL_STATE_MAX][APPROVAL_EVENT_MAX] = {
	[APPROVAL_PENDING] = {
		[APPROVAL_APPROVE] = APPROVAL_APPROVED,
		[APPROVAL_REFUSE] = APPROVAL_REFUSED,
		[APPROVAL_EXPIRE] = APPROVAL_EXPIRED,
		[APPROVAL_SUPERSEDE] = APPROVAL_SUPERSEDED,
	},
	[APPROVAL_APPROVED] = {
		[APPROVAL_REFUSE] = APPROVAL_REFUSED,
		[APPROVAL_EXPIRE] = APPROVAL_EXPIRED,
		[APPROVAL_SUPERSEDE] = APPROVAL_SUPERSEDED,
		[APPROVAL_FIRE] = APPROVAL_FIRED,
	},
};

unsigned approval_next(unsigned state, enum approval_event e)
{
	return state < APPROVAL_STATE_MAX && e < APPROVAL_EVENT_MAX
		       ? table[state][e]
		       : 0;
}

int approval_event(struct approval *a, enum approval_event e, uint64_t now_s,
		   const char *why)
{
	unsigned next = approval_next(a->state, e);

	if (!next)
		return -EINVAL;
	a->state = (uint8_t)next;
	(void)str_printf(a->why, sizeof(a->why), "%s", why);
	utf8_trim(a->why);
	if (approval_over(next))
		a->ended_s = now_s;
	return 0;
}

bool approval_over(unsigned state)
{
	return state != APPROVAL_PENDING && state != APPROVAL_APPROVED;
}

int approval_timely(const struct approval *a, uint64_t now_s)
{
	if (approval_over(a->state) || now_s < a->expires_s)
		return -1;
	return APPROVAL_EXPIRE;
}

bool approval_may_fire(const struct approval *a, uint64_t now_s)
{
	return a->state == APPROVAL_APPROVED && now_s >= a->due_s;
}

void approval_forget(struct approval *a)
{
	buf_reset(&a->args);
	buf_reset(&a->frozen);
	memset(a->aside, 0, sizeof(a->aside));
}

uint64_t approval_next_s(const struct approval *a)
{
	if (approval_over(a->state))
		return UINT64_MAX;
	return a->due_s ? a->due_s : a->expires_s;
}

/* --- the owner's word ---------------------------------------------------- */

const char *approval_answer_text(enum approval_answer r)
{
	static const char *const texts[] = {
		[ANSWER_APPROVED] = "approved",
		[ANSWER_MORE] = "counted: others have to say so, too",
		[ANSWER_NOT_YET] = "not yet: look at it for as long as the "
				   "policy says",
		[ANSWER_CODE] = "it needs the code that stands on its card at "
				"the console",
		[ANSWER_NOT_YOURS] = "the policy asks somebody else",
		[ANSWER_NOT_HERE] = "the policy asks on another way",
		[ANSWER_TWICE] = "you have said so: another principal has to",
		[ANSWER_TIMES] = "the policy does not let it be remembered so",
		[ANSWER_NOT_NOW] = "it is not pending",
	};

	static_assert(ARRAY_SIZE(texts) == ANSWER_MAX, "a text each");
	return texts[r];
}

/* In a time that does not tell how many digits were right. */
static bool same_code(const char *code, struct span given)
{
	unsigned differ = 0;
	size_t i;

	if (given.n != APPROVAL_CODE)
		return false;
	for (i = 0; i < APPROVAL_CODE; i++)
		differ |= (unsigned)(uint8_t)code[i] ^ given.p[i];
	return differ == 0;
}

static unsigned count(uint32_t bits)
{
	return (unsigned)__builtin_popcount(bits);
}

enum approval_answer approval_say_yes(struct approval *a,
				      const struct approval_yes *y,
				      uint64_t now_s)
{
	if (a->state != APPROVAL_PENDING || now_s >= a->expires_s)
		return ANSWER_NOT_NOW;
	if (count(y->principal) != 1 || !(a->who & y->principal))
		return ANSWER_NOT_YOURS;
	if (!(a->via & y->via))
		return ANSWER_NOT_HERE;
	if (now_s < a->ready_s)
		return ANSWER_NOT_YET;
	if (a->code[0] && !same_code(a->code, y->code)) {
		a->tries++;
		return ANSWER_CODE;
	}
	if (y->times == 0 || y->times > APPROVAL_TIMES ||
	    (y->times > 1 && a->remember < REMEMBER_TASK))
		return ANSWER_TIMES;
	if (a->votes & y->principal)
		return ANSWER_TWICE;
	if (!a->votes || y->times < a->times)
		a->times = y->times;
	a->votes |= y->principal;
	if (count(a->votes) < a->quorum)
		return ANSWER_MORE;
	return approval_event(a, APPROVAL_APPROVE, now_s, "") < 0
		       ? ANSWER_NOT_NOW
		       : ANSWER_APPROVED;
}

/* --- rows ---------------------------------------------------------------- */

void approval_add_arg(struct approval *a, const struct decide_arg *d)
{
	buf_blob(&a->args, d->name);
	buf_blob(&a->args, d->value);
	buf_blob(&a->args, span_str(d->chip));
	buf_u8(&a->args, d->type);
	buf_u8(&a->args, d->role);
	buf_u8(&a->args, d->permitted);
	buf_u32(&a->args, d->edits);
}

bool approval_arg(const struct approval *a, size_t *at,
		  struct approval_arg *ret)
{
	struct rd rd;

	rd_init(&rd, buf_view(&a->args));
	(void)rd_bytes(&rd, *at);
	if (!rd_left(&rd))
		return false;
	*ret = (struct approval_arg){ .name = rd_blob(&rd, LIMIT_NAME),
				      .value = rd_blob(&rd, LIMIT_ROW),
				      .chip = rd_blob(&rd, DECIDE_CHIP),
				      .type = rd_u8(&rd),
				      .role = rd_u8(&rd),
				      .permitted = rd_u8(&rd),
				      .edits = rd_u32(&rd) };
	if (!rd.bad)
		*at = rd.pos;
	return !rd.bad;
}

/* Whether what was read are arguments from the first byte to the last. */
static bool args_whole(const struct approval *a)
{
	struct approval_arg arg;
	size_t at = 0, n = 0;

	while (approval_arg(a, &at, &arg)) {
		if (arg.type == 0 || arg.type >= TYPE_MAX || arg.role == 0 ||
		    arg.role >= ROLE_MAX || arg.permitted > 1 ||
		    ++n > LIMIT_ARGS)
			return false;
	}
	return at == a->args.n;
}

static void put_text(struct buf *b, const char *text)
{
	buf_blob(b, span_str(text));
}

void approval_encode(struct buf *b, const struct approval *a)
{
	const uint64_t numbers[] = { a->ticket,	   a->task,	 a->item,
				     a->created_s, a->expires_s, a->ready_s,
				     a->due_s,	   a->ended_s,	 a->index,
				     a->effect,	   a->log_size };
	const uint32_t words[] = { a->who,   a->votes,	  a->quorum, a->via,
				   a->times, a->log_root, a->again,  a->tries };
	size_t i;

	buf_u8(b, ROW_VERSION);
	buf_u8(b, a->state);
	buf_u8(b, a->asked);
	buf_u8(b, a->remember);
	buf_u8(b, a->show);
	buf_u8(b, a->undo);
	buf_u8(b, a->outcome);
	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		buf_u64(b, numbers[i]);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		buf_u32(b, words[i]);
	buf_put(b, a->policy, APPROVAL_HASH);
	buf_put(b, a->request, APPROVAL_HASH);
	buf_put(b, a->bind, APPROVAL_HASH);
	buf_put(b, a->card, APPROVAL_HASH);
	buf_put(b, a->aside, ASIDE_ID);
	put_text(b, a->capability);
	put_text(b, a->clause);
	put_text(b, a->code);
	put_text(b, a->why);
	buf_blob(b, buf_view(&a->args));
	if (!buf_ok(&a->args) || b->n > LIMIT_ROW)
		b->bad = true;
}

static bool get_text(struct rd *rd, char *ret, size_t cap)
{
	struct span s = rd_blob(rd, cap - 1);

	return !rd->bad && str_copy(ret, cap, s) >= 0 && utf8_valid(s) &&
	       strlen(ret) == s.n;
}

static void get_numbers(struct rd *rd, struct approval *a)
{
	uint64_t *const numbers[] = { &a->ticket,    &a->task,	    &a->item,
				      &a->created_s, &a->expires_s, &a->ready_s,
				      &a->due_s,     &a->ended_s,   &a->index,
				      &a->effect,    &a->log_size };
	uint32_t *const words[] = { &a->who,   &a->votes, &a->quorum,
				    &a->via,   &a->times, &a->log_root,
				    &a->again, &a->tries };
	size_t i;

	for (i = 0; i < ARRAY_SIZE(numbers); i++)
		*numbers[i] = rd_u64(rd);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		*words[i] = rd_u32(rd);
	rd_copy(rd, a->policy, APPROVAL_HASH);
	rd_copy(rd, a->request, APPROVAL_HASH);
	rd_copy(rd, a->bind, APPROVAL_HASH);
	rd_copy(rd, a->card, APPROVAL_HASH);
	rd_copy(rd, a->aside, ASIDE_ID);
}

static bool sound(const struct approval *a)
{
	return a->ticket && a->state && a->state < APPROVAL_STATE_MAX &&
	       (!a->code[0] || strlen(a->code) == APPROVAL_CODE) &&
	       a->outcome < EFFECT_STATE_MAX && a->times <= APPROVAL_TIMES &&
	       args_whole(a);
}

int approval_decode(struct span bytes, struct approval *ret)
{
	struct rd rd;
	uint8_t version, asked;
	bool ok;

	rd_init(&rd, bytes);
	version = rd_u8(&rd);
	ret->state = rd_u8(&rd);
	asked = rd_u8(&rd);
	ret->asked = asked != 0;
	ret->remember = rd_u8(&rd);
	ret->show = rd_u8(&rd);
	ret->undo = rd_u8(&rd);
	ret->outcome = rd_u8(&rd);
	get_numbers(&rd, ret);
	ok = get_text(&rd, ret->capability, sizeof(ret->capability)) &&
	     get_text(&rd, ret->clause, sizeof(ret->clause)) &&
	     get_text(&rd, ret->code, sizeof(ret->code)) &&
	     get_text(&rd, ret->why, sizeof(ret->why));
	buf_reset(&ret->args);
	buf_span(&ret->args, rd_blob(&rd, LIMIT_ROW));
	if (!ok || version != ROW_VERSION || asked > 1 || !rd_end(&rd) ||
	    !buf_ok(&ret->args) || !sound(ret))
		return -EPROTO;
	return 0;
}

/* --- cards --------------------------------------------------------------- */

static bool same_card(const struct approval *first, const struct approval *a)
{
	return first->state == APPROVAL_PENDING &&
	       a->state == APPROVAL_PENDING && first->task == a->task &&
	       a->created_s >= first->created_s &&
	       a->created_s - first->created_s <= APPROVAL_BATCH_S;
}

void approval_cards(const struct approval *const *v, size_t n, size_t *ret)
{
	size_t i, k;

	for (i = 0; i < n; i++) {
		ret[i] = i;
		for (k = 0; k < i; k++) {
			if (ret[k] == k && same_card(v[k], v[i])) {
				ret[i] = k;
				break;
			}
		}
	}
}

bool approval_one_button(const struct approval *a, const struct approval *b)
{
	struct approval_arg x, y;
	size_t at_x = 0, at_y = 0;
	bool more_x, more_y;

	if (a->task != b->task || strcmp(a->capability, b->capability) != 0 ||
	    a->code[0] || b->code[0])
		return false;
	for (;;) {
		do
			more_x = approval_arg(a, &at_x, &x);
		while (more_x && x.role == ROLE_CONTENT);
		do
			more_y = approval_arg(b, &at_y, &y);
		while (more_y && y.role == ROLE_CONTENT);
		if (!more_x || !more_y)
			return more_x == more_y;
		if (!span_eq(x.name, y.name) || !span_eq(x.value, y.value))
			return false;
	}
}
