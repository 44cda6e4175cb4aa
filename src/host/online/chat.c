/* chat: see chat.h. */
#include "chat.h"

#include "base/str.h"

void chat_init(struct chat_work *w)
{
	*w = (struct chat_work){ 0 };
	buf_init(&w->text, LIMIT_SAY);
	buf_init(&w->labels, LIMIT_MSG);
}

void chat_done(struct chat_work *w)
{
	buf_done(&w->text);
	buf_done(&w->labels);
}

static void begin(struct online *o, struct chat_work *w, bool effect,
		  uint64_t number)
{
	chat_done(w);
	chat_init(w);
	w->busy = true;
	w->effect = effect;
	w->ids = o->in.ids;
	w->number = number;
	online_hold(o, true);
}

static struct span without(struct span s, const char *prefix)
{
	const size_t n = strlen(prefix);

	if (s.n > n && memcmp(s.p, prefix, n) == 0)
		return span_of(s.p + n, s.n - n);
	return s;
}

static const char *take_arg(struct chat_work *w, const struct m_arg *a,
			    const char *prefix)
{
	if (a->shape != ARG_SCALAR)
		return "an argument is a list";
	if (span_is(a->name, "chat") || span_is(a->name, "channel")) {
		if (w->chat[0])
			return "there are two chats";
		return str_copy(w->chat, sizeof(w->chat),
				without(a->value, prefix)) < 0
			       ? "the chat is no id"
			       : NULL;
	}
	if (!span_is(a->name, "text"))
		return "an argument is none of chat, channel and text";
	if (w->text.n)
		return "there are two texts";
	buf_span(&w->text, a->value);
	return buf_ok(&w->text) ? NULL : "the text is too long";
}

const char *chat_take_effect(struct online *o, struct chat_work *w,
			     const char *prefix, size_t limit)
{
	const struct m_effect *e = &o->in.effect;
	const char *why = NULL;
	size_t units;
	uint32_t i;

	begin(o, w, true, e->effect);
	w->kind = SAY_TEXT;
	if (str_copy(w->capability, sizeof(w->capability), e->capability) < 0 ||
	    str_copy(w->reply, sizeof(w->reply), e->reply_id) < 0 ||
	    str_copy(w->thread, sizeof(w->thread), e->reply_thread) < 0)
		return "what it answers has no id of a chat's";
	for (i = 0; i < e->n && !why; i++)
		why = take_arg(w, &e->args[i], prefix);
	if (why)
		return why;
	if (!w->chat[0] || !w->text.n)
		return "there is no chat, or no text";
	if (chat_part(buf_view(&w->text), limit, &units).n != w->text.n)
		return "the text is longer than one message may be";
	return NULL;
}

/* The labels live in one buffer, whose memory moves as it grows: spans into it
 * are made at the end. */
static bool take_buttons(struct chat_work *w, const struct m_say *s)
{
	const uint8_t *p;
	size_t i;

	for (i = 0; i < s->n && i < LIMIT_BUTTONS; i++) {
		buf_span(&w->labels, s->buttons[i].label);
		buf_span(&w->labels, s->buttons[i].data);
	}
	if (!buf_ok(&w->labels))
		return false;
	p = w->labels.p;
	for (i = 0; i < s->n && i < LIMIT_BUTTONS; i++) {
		const size_t label = s->buttons[i].label.n;
		const size_t data = s->buttons[i].data.n;

		w->buttons[i] = (struct m_button){ span_of(p, label),
						   span_of(p + label, data) };
		p += label + data;
	}
	w->n_buttons = i;
	return true;
}

const char *chat_take_say(struct online *o, struct chat_work *w)
{
	const struct m_say *s = &o->in.say;

	begin(o, w, false, s->number);
	w->kind = (enum say_kind)s->kind;
	buf_span(&w->text, s->text);
	if (s->kind < SAY_TEXT || s->kind >= SAY_KIND_MAX || !s->text.n ||
	    !buf_ok(&w->text) || !take_buttons(w, s) ||
	    str_copy(w->chat, sizeof(w->chat), s->chat) < 0 ||
	    str_copy(w->thread, sizeof(w->thread), s->thread) < 0 ||
	    str_copy(w->message, sizeof(w->message), s->message) < 0)
		return "it is no message of a chat's";
	return NULL;
}

void chat_next(struct chat_work *w, size_t limit, struct chat_send *ret)
{
	struct span left = span_of(w->text.p + w->at, w->text.n - w->at);
	size_t units;

	left = chat_part(left, limit, &units);
	w->part = left.n;
	*ret = (struct chat_send){
		.chat = span_str(w->chat),
		.thread = span_str(w->thread),
		.reply = span_str(w->at ? "" : w->reply),
		.text = left,
		.fixed = w->kind == SAY_CARD || w->kind == SAY_CHANGE,
	};
	/* Only a card has any, and under all of it. */
	if (w->kind == SAY_CARD && w->at + w->part == w->text.n) {
		ret->buttons = w->buttons;
		ret->n_buttons = w->n_buttons;
	}
}

bool chat_sent(struct chat_work *w, const char *id)
{
	(void)str_copy(w->sent, sizeof(w->sent), span_str(id));
	w->at += w->part;
	w->tries = 0;
	/* What changes a message has no second one to go on in. */
	return w->at < w->text.n &&
	       (w->kind == SAY_TEXT || w->kind == SAY_CARD);
}

bool chat_killed(const struct online *o, const struct chat_work *w)
{
	return w->effect &&
	       online_killed(o, span_str(w->capability), w->ids.task);
}

void chat_end(struct online *o, struct chat_work *w, enum effect_state state,
	      const char *detail)
{
	w->busy = false;
	if (state == EFFECT_FAILED && w->at)
		state = EFFECT_UNKNOWN;
	if (w->effect) {
		online_effect_done(o, &w->ids, w->number, state,
				   state == EFFECT_DONE ? w->sent : detail);
	} else {
		o->msg.type = MSG_SAID;
		o->msg.said = (struct m_said){
			.number = w->number,
			.state = (uint8_t)state,
			.message = span_str(w->sent),
			.detail = span_str(state == EFFECT_DONE ? "" : detail),
		};
		online_tell(o, &o->broker, -1);
	}
	online_hold(o, false);
}

void chat_tell_heard(struct online *o, const struct chat_heard *h,
		     uint64_t number)
{
	o->msg.type = MSG_HEARD;
	o->msg.heard = (struct m_heard){
		.number = number,
		.kind = h->kind,
		.flags = h->flags,
		.id = span_str(h->id),
		.sender = span_str(h->sender),
		.chat = span_str(h->chat),
		.message = span_str(h->message),
		.press = span_str(h->press),
		.data = span_str(h->data),
		.text = span_str(h->text),
	};
	online_tell(o, &o->broker, -1);
}
