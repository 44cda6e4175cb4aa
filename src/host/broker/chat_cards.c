/*
 * chat_cards: what waits for a word, in the chats of those who are asked. Each
 * look makes the chats what the table of approvals says: a card for each that
 * waits and is not there, and no buttons under one that waits no more. What has
 * been said has a row, so a restart says nothing twice.
 */
#include <inttypes.h>

#include "base/log.h"
#include "base/rd.h"
#include "base/str.h"
#include "host/broker/chat.h"
#include "policy/model.h"

enum { SHOWN_VERSION = 1 };

static const unsigned ways[] = { VIA_TELEGRAM, VIA_SLACK };

struct shown *shown_find(struct broker *b, uint64_t ticket, uint32_t principal,
			 uint32_t via)
{
	struct chats *c = b->chats;
	size_t i;

	for (i = 0; i < c->n_shown; i++)
		if (c->shown[i].ticket == ticket &&
		    c->shown[i].principal == principal &&
		    c->shown[i].via == via)
			return &c->shown[i];
	return NULL;
}

static struct span shown_key(char text[64], const struct shown *s)
{
	(void)str_printf(text, 64, "c/%016" PRIx64 "/%08" PRIx32 "/%02" PRIx32,
			 s->ticket, s->principal, s->via);
	return span_str(text);
}

static bool keep_shown(struct broker *b, const struct shown *s)
{
	CLEAN_BUF struct buf value;
	char key[64];

	buf_init(&value, LIMIT_ROW);
	buf_u8(&value, SHOWN_VERSION);
	buf_u64(&value, s->ticket);
	buf_u32(&value, s->principal);
	buf_u32(&value, s->via);
	buf_u8(&value, s->whole);
	buf_blob(&value, span_str(s->at.connector));
	buf_blob(&value, span_str(s->at.chat));
	buf_blob(&value, span_str(s->message));
	return buf_ok(&value) && keep_row(b, ROW_CHAT, shown_key(key, s),
					  buf_view(&value), false);
}

bool shown_take(struct broker *b, struct span key, struct span value)
{
	struct chats *c = b->chats;
	struct shown *s = &c->shown[c->n_shown];
	struct rd rd;
	uint8_t version;

	(void)key;
	if (c->n_shown == CHAT_SHOWN)
		return false;
	*s = (struct shown){ .state = SHOWN_THERE };
	rd_init(&rd, value);
	version = rd_u8(&rd);
	s->ticket = rd_u64(&rd);
	s->principal = rd_u32(&rd);
	s->via = rd_u32(&rd);
	s->whole = rd_u8(&rd) == 1;
	if (str_copy(s->at.connector, sizeof(s->at.connector),
		     rd_blob(&rd, LIMIT_NAME)) < 0 ||
	    str_copy(s->at.chat, sizeof(s->at.chat),
		     rd_blob(&rd, LIMIT_CHAT_ID)) < 0 ||
	    str_copy(s->message, sizeof(s->message),
		     rd_blob(&rd, LIMIT_CHAT_ID)) < 0 ||
	    !rd_end(&rd) || version != SHOWN_VERSION)
		return false;
	c->n_shown++;
	return true;
}

static void forget(struct broker *b, struct shown *s)
{
	struct chats *c = b->chats;
	char key[64];

	if (s->state == SHOWN_THERE &&
	    !keep_row_forget(b, ROW_CHAT, shown_key(key, s)))
		log_warn("chat-row-stays", "%s", b->keep_why);
	*s = c->shown[--c->n_shown];
}

void shown_said(struct broker *b, const struct saying *s,
		const struct m_said *m)
{
	struct shown *w = shown_find(b, s->of, s->principal, s->via);

	if (!w)
		return;
	if (m->state != EFFECT_DONE) {
		w->state = SHOWN_WAITS;
		w->not_before_ms = now_ms() + CHAT_RETRY_MS;
		return;
	}
	if (!s->last)
		return;
	if (str_copy(w->message, sizeof(w->message), m->message) < 0)
		w->message[0] = 0;
	w->state = SHOWN_THERE;
	if (!keep_shown(b, w))
		log_warn("card-not-kept", "%s", b->keep_why);
	/* It may have been answered elsewhere while it was being said. */
	approvals_soon(b);
}

/* --- showing ------------------------------------------------------------- */

/* What nobody can be shown all of in a chat cannot be approved there. */
static void put_short(struct broker *b, const struct approval *a,
		      struct buf *text)
{
	buf_reset(text);
	approvals_put_card(b, a, false, text);
	buf_str(text, "! all of it does not fit into a chat: `bulkhead "
		      "approvals` shows it, and takes the yes\n");
}

static void show_parts(struct broker *b, const struct approval *a,
		       struct shown *w, const struct span *parts, size_t n)
{
	struct saying *s;
	size_t i, k, left = 0;

	for (i = 0; i < n; i++) {
		s = chat_add(b, SAID_SHOWN, SAY_CARD, &w->at, parts[i]);
		if (!s) {
			w->state = SHOWN_WAITS;
			w->not_before_ms = now_ms() + CHAT_RETRY_MS;
			return;
		}
		s->of = a->ticket;
		s->principal = w->principal;
		s->via = w->via;
		s->last = i + 1 == n;
		if (!s->last)
			continue;
		s->n_buttons = cards_buttons(a, b->chats->key, s->buttons);
		for (k = 0; k < s->n_buttons; k++) {
			struct cards_press p;

			if (w->whole ||
			    (cards_read(span_str(s->buttons[k].data), &p) &&
			     p.word >= CARDS_NO))
				s->buttons[left++] = s->buttons[k];
		}
		s->n_buttons = left;
	}
}

static void show(struct broker *b, const struct approval *a, struct shown *w)
{
	const bool full = a->undo == UNDO_NONE || a->show > SHOW_SUMMARY;
	struct span parts[CARDS_PARTS];
	CLEAN_BUF struct buf text;
	size_t n;

	buf_init(&text, CARD_BYTES);
	approvals_put_card(b, a, full, &text);
	if (a->code[0])
		buf_printf(&text,
			   "to say yes, send: /yes q%" PRIu64
			   " and the code that the console shows\n",
			   a->ticket);
	w->state = SHOWN_UNDER_WAY;
	w->whole = true;
	n = cards_split(buf_view(&text), chat_most(b, &w->at), parts);
	if (!n) {
		w->whole = false;
		put_short(b, a, &text);
		n = cards_split(buf_view(&text), chat_most(b, &w->at), parts);
	}
	show_parts(b, a, w, parts, n);
}

/* The chat of a principal, if it can be reached now. */
static bool place_of(struct broker *b, const struct principal *p, unsigned via,
		     struct place *ret)
{
	struct span chat;
	const char *name = principal_asked(p, via, &chat);
	const struct peer *c = name ? peer_of_connector(b, name) : NULL;

	*ret = (struct place){ 0 };
	return c && c->ways & WAY_APPROVALS && c->via == via &&
	       str_copy(ret->connector, sizeof(ret->connector),
			span_str(name)) >= 0 &&
	       str_copy(ret->chat, sizeof(ret->chat), chat) >= 0;
}

static void show_to(struct broker *b, const struct approval *a,
		    uint32_t principal, unsigned via)
{
	struct chats *c = b->chats;
	struct shown *w = shown_find(b, a->ticket, principal, via);
	struct place at;

	if ((w && (w->state != SHOWN_WAITS || w->not_before_ms > now_ms())) ||
	    !place_of(b, &b->policy->principals[__builtin_ctz(principal)], via,
		      &at))
		return;
	if (!w) {
		if (c->n_shown == CHAT_SHOWN)
			return;
		w = &c->shown[c->n_shown++];
		*w = (struct shown){ .ticket = a->ticket,
				     .principal = principal,
				     .via = via };
	}
	w->at = at;
	show(b, a, w);
}

static void show_one(struct broker *b, const struct approval *a)
{
	size_t i, k;

	for (i = 0; i < b->policy->n_principals; i++) {
		const uint32_t bit = UINT32_C(1) << i;

		for (k = 0; k < ARRAY_SIZE(ways); k++)
			if (a->who & ~a->votes & bit && a->via & ways[k])
				show_to(b, a, bit, ways[k]);
	}
}

/* --- no buttons any more ------------------------------------------------- */

static void change(struct broker *b, const struct shown *w,
		   const struct approval *a)
{
	CLEAN_BUF struct buf text;
	struct saying *s;

	buf_init(&text, LIMIT_SAY);
	buf_printf(&text, "q%" PRIu64 ": ", w->ticket);
	if (!a)
		buf_str(&text, "over");
	else if (a->state == APPROVAL_PENDING)
		buf_str(&text, "your word is counted; others have to say so, "
			       "too");
	else
		buf_str(&text, approval_state_name(a->state));
	if (a && a->why[0]) {
		buf_str(&text, ": ");
		chat_put_foreign(&text, span_str(a->why));
	}
	buf_u8(&text, '\n');
	if (a)
		approvals_put_card(b, a, false, &text);
	if (text.n > chat_most(b, &w->at)) {
		text.n = chat_most(b, &w->at);
		while (text.n && (text.p[text.n] & 0xc0) == 0x80)
			text.n--;
	}
	s = chat_add(b, SAID_ALONE, SAY_CHANGE, &w->at, buf_view(&text));
	if (s)
		memcpy(s->message, w->message, sizeof(s->message));
}

static bool is_answered(const struct approval *a, const struct shown *w)
{
	return !a || a->state != APPROVAL_PENDING || a->votes & w->principal;
}

void chat_cards(struct broker *b)
{
	struct chats *c = b->chats;
	const struct approvals *s = b->approvals;
	size_t i;

	if (!c || !b->up)
		return;
	for (i = c->n_shown; i-- > 0;) {
		struct shown *w = &c->shown[i];
		const struct approval *a = approvals_find(b, w->ticket);

		/* One that is under way is looked at when it has been said. */
		if (w->state == SHOWN_UNDER_WAY || !is_answered(a, w))
			continue;
		if (w->state == SHOWN_THERE)
			change(b, w, a);
		forget(b, w);
	}
	for (i = 0; i < s->n; i++)
		if (s->v[i]->asked && s->v[i]->state == APPROVAL_PENDING)
			show_one(b, s->v[i]);
	chat_pump(b);
}
