/*
 * owner: what the owner asks about effects, and the two words that are only
 * the owner's: what became of an effect whose outcome nobody knows, and that
 * one is to be carried out once more.
 */
#include <string.h>

#include "host/broker/broker.h"
#include "policy/model.h"

void answer_ok(struct broker *b, struct peer *control)
{
	b->out.type = MSG_C_OK;
	b->out.ids = b->ids;
	b->out.empty = (struct m_empty){ 0 };
	peer_send(b, control, NULL, 0);
}

void answer_fail(struct broker *b, struct peer *control, const char *why)
{
	b->out.type = MSG_C_FAIL;
	b->out.ids = b->ids;
	b->out.text.text = span_str(why);
	peer_send(b, control, NULL, 0);
}

static void tell(struct broker *b, struct peer *control,
		 const struct m_e_row *e)
{
	b->out.type = MSG_C_EFFECT;
	b->out.ids = b->ids;
	b->out.e_row = *e;
	peer_send(b, control, NULL, 0);
}

/* The row of one effect; NULL, and the owner is told. */
static const struct m_e_row *find(struct broker *b, struct peer *control,
				  uint64_t effect)
{
	const struct m_s_get get = { .after = effect ? effect - 1 : 0 };
	const struct m_e_row *e = effect ? keep_effect(b, &get) : NULL;

	if (e && e->effect == effect)
		return e;
	answer_fail(b, control,
		    "there is no effect of that number: `bulkhead effects` "
		    "lists them");
	return NULL;
}

void effects_tell(struct broker *b, struct peer *control)
{
	struct m_s_get get = b->in.s_get;
	const struct m_e_row *e;
	uint32_t n = 0;

	if (get.newest == 0 || get.newest > BROKER_EFFECTS)
		get.newest = BROKER_EFFECTS;
	get.item = 0;
	while (n++ < get.newest && (e = keep_effect(b, &get))) {
		tell(b, control, e);
		get.after = e->effect;
	}
	answer_ok(b, control);
}

void effect_settle(struct broker *b, struct peer *control)
{
	const struct m_e_outcome m = b->in.e_outcome;
	const bool done = m.state == EFFECT_DONE;
	const struct m_e_row *e = find(b, control, m.effect);
	struct effect_outcome o;

	if (!e)
		return;
	if (!done && m.state != EFFECT_FAILED) {
		answer_fail(b, control,
			    "an effect is settled as done or as "
			    "failed");
		return;
	}
	o = outcome_of(b, e);
	o.state = EFFECT_SETTLED;
	o.detail = done ? SPAN_LIT("done, the owner says")
			: SPAN_LIT("failed, the owner says");
	if (!keep_outcome(b, o.effect, o.state, o.detail)) {
		answer_fail(b, control, b->keep_why);
		return;
	}
	outcome_audit(b, &o);
	keep_recorded(b, MSG_E_RECORDED, o.effect);
	answer_ok(b, control);
}

/* The request of an effect, as a planner's call in b->in, in memory of ours:
 * the row lives only until the store is asked again. */
static bool copy_call(struct broker *b, const struct m_e_row *e)
{
	const char *why;

	b->out.type = MSG_CALL;
	b->out.call = (struct m_call){ .capability = e->capability, .n = e->n };
	memcpy(b->out.call.args, e->args, e->n * sizeof(e->args[0]));
	buf_init(&b->repeat, LIMIT_MSG);
	msg_encode(&b->repeat, &b->out);
	return buf_ok(&b->repeat) &&
	       msg_decode(buf_view(&b->repeat), &b->in, &why) == 0;
}

static const char of_its_task[] =
	"refused: it answers an item by a handle of its task, and that is "
	"over. "
	"Ask for it anew: `bulkhead task run TEXT --on ITEM`";

/* It has a handle, which is of its task alone: what stands in its place on
 * record is no argument that a call can have. */
static bool has_handle(const struct broker *b, const struct m_e_row *e)
{
	size_t i, k;
	uint32_t n;

	for (i = 0; i < b->policy->n_caps; i++) {
		const struct cap *c = b->policy->caps[i];

		for (k = 0; k < c->n_args && span_is(e->capability, c->name);
		     k++)
			for (n = 0; n < e->n; n++)
				if (c->args[k].type == TYPE_HANDLE &&
				    span_is(e->args[n].name, c->args[k].name))
					return true;
	}
	return false;
}

/*
 * The same request once more, to the policy of today and as a new effect: the
 * old one stays on record, as repeated by it. One with a handle is refused, on
 * record like all others.
 */
void effect_repeat(struct broker *b, struct peer *control)
{
	const struct m_e_row *e = find(b, control, b->in.s_ref.id);
	struct request_of q;
	uint64_t effect = 0;
	bool handle;

	if (!e)
		return;
	handle = has_handle(b, e);
	q = (struct request_of){ .item = e->item,
				 .task = e->task,
				 .repeats = e->effect };
	if (copy_call(b, e))
		effect = call_repeat(b, &q);
	buf_done(&b->repeat);
	if (!effect) {
		answer_fail(b, control, handle ? of_its_task : b->keep_why);
		return;
	}
	e = find(b, control, effect);
	if (!e)
		return;
	tell(b, control, e);
	answer_ok(b, control);
}
