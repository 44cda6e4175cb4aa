/*
 * chat_heard: words in chats of approvals. All of them are foreign bytes from
 * whoever has found the bot; what counts is the provider's id of the sender, in
 * the very chat that the policy names for that principal. Everything else is on
 * record, and nothing comes of it, not even an answer.
 *
 * A button counts where its MAC is right for the card as it is, and all of that
 * card has been said in that chat. The owner may also stop things, and ask how
 * they are; an approver who is not the owner can only answer what he is asked.
 */
#include <inttypes.h>

#include "base/log.h"
#include "base/sha256.h"
#include "base/str.h"
#include "host/broker/chat.h"
#include "policy/model.h"

enum { IGNORED_AN_HOUR = 32 }; /* records of it */

static const char help_text[] =
	"/status - how things are\n"
	"/tasks - your tasks, and what became of them\n"
	"/kill - stop everything, at once\n"
	"/kill agent, /kill task 7, /kill capability NAME, /kill all+revoke\n"
	"/yes q7 123456 - approve what asks for a code\n"
	"/help - this\n"
	"What was stopped goes on again only after `bulkhead rearm`.\n";

/* Somebody who may say something here. */
struct speaker {
	uint32_t principal; /* bit */
	unsigned via;
	struct span id;
	struct place at;
};

/* --- once only ----------------------------------------------------------- */

static uint64_t id_of(const struct m_heard *m)
{
	uint8_t hash[SHA256_LEN];
	struct sha256 h;
	uint64_t v = 0;
	size_t i;

	sha256_init(&h);
	sha256_add(&h, m->id);
	sha256_final(&h, hash);
	for (i = 0; i < 8; i++)
		v = v << 8 | hash[i];
	return v;
}

static struct heard_ring *ring_of(struct broker *b, const struct peer *p)
{
	struct chats *c = b->chats;
	size_t i;

	for (i = 0; i < BROKER_CONNECTORS; i++) {
		struct heard_ring *r = &c->rings[i];

		if (!r->connector[0])
			memcpy(r->connector, p->name, sizeof(r->connector));
		if (!strcmp(r->connector, p->name))
			return r;
	}
	/* More than may be configured: names of before. */
	c->rings[0] = (struct heard_ring){ 0 };
	memcpy(c->rings[0].connector, p->name, sizeof(p->name));
	return &c->rings[0];
}

static bool was_heard(const struct heard_ring *r, uint64_t id)
{
	size_t i;

	for (i = 0; i < CHAT_HEARD; i++)
		if (r->ids[i] == id)
			return true;
	return false;
}

/* False: its connector has to say it again. */
static bool keep_heard(struct broker *b, struct heard_ring *r, uint64_t id)
{
	CLEAN_BUF struct buf value;
	char key[LIMIT_NAME + 3];
	size_t i;

	r->ids[r->at] = id;
	r->at = (r->at + 1) % CHAT_HEARD;
	buf_init(&value, LIMIT_ROW);
	buf_u32(&value, r->at);
	for (i = 0; i < CHAT_HEARD; i++)
		buf_u64(&value, r->ids[i]);
	(void)str_printf(key, sizeof(key), "h/%s", r->connector);
	return buf_ok(&value) &&
	       keep_row(b, ROW_CHAT, span_str(key), buf_view(&value), false);
}

/* --- who ----------------------------------------------------------------- */

static bool find_speaker(struct broker *b, const struct peer *p,
			 const struct m_heard *m, struct speaker *ret)
{
	size_t i;

	if (m->flags & (CHAT_BOT | CHAT_EDITED | CHAT_FORWARD))
		return false;
	for (i = 0; p->via && i < b->policy->n_principals; i++) {
		const struct principal *who = &b->policy->principals[i];
		struct span chat, id = principal_id(who, p->via);
		const char *name = principal_asked(who, p->via, &chat);

		if (!name || strcmp(name, p->name) != 0 || !id.n ||
		    !span_eq(id, m->sender) || !span_eq(chat, m->chat))
			continue;
		*ret = (struct speaker){ .principal = UINT32_C(1) << i,
					 .via = p->via,
					 .id = id };
		(void)str_copy(ret->at.connector, sizeof(ret->at.connector),
			       span_str(name));
		return str_copy(ret->at.chat, sizeof(ret->at.chat), chat) >= 0;
	}
	return false;
}

/* Whoever has found the bot cannot fill the log. */
static void ignore(struct broker *b, const struct peer *p,
		   const struct m_heard *m, const char *why)
{
	struct chats *c = b->chats;
	const uint64_t hour = wall_s() / 3600;

	if (hour != c->hour) {
		c->hour = hour;
		c->ignored = 0;
	}
	if (c->ignored++ >= IGNORED_AN_HOUR)
		return;
	audit_begin(&b->record, "chat.ignored", &b->ids);
	audit_str(&b->record, "connector", span_str(p->name));
	audit_str(&b->record, "what",
		  m->kind == HEARD_BUTTON ? SPAN_LIT("button")
					  : SPAN_LIT("text"));
	if (utf8_valid(m->sender))
		audit_str(&b->record, "sender", m->sender);
	if (utf8_valid(m->chat))
		audit_str(&b->record, "chat", m->chat);
	audit_int(&b->record, "bytes", m->text.n);
	audit_str(&b->record, "why", span_str(why));
	if (c->ignored == IGNORED_AN_HOUR)
		audit_bool(&b->record, "no_more_this_hour", true);
	broker_audit_later(b);
}

/* --- buttons ------------------------------------------------------------- */

static void toast(struct broker *b, const struct speaker *who,
		  const struct m_heard *m, const char *text)
{
	struct saying *s;

	if (!m->press.n)
		return;
	s = chat_add(b, SAID_ALONE, SAY_TOAST, &who->at, span_str(text));
	if (s && str_copy(s->message, sizeof(s->message), m->press) < 0)
		s->message[0] = 0;
	chat_pump(b);
}

static struct owner_word word_of(const struct speaker *who, uint64_t ticket)
{
	return (struct owner_word){ .principal = who->principal,
				    .via = who->via,
				    .id = who->id,
				    .ticket = ticket,
				    .times = 1 };
}

static const char *press(struct broker *b, const struct speaker *who,
			 const struct m_heard *m, const struct cards_press *p)
{
	const struct approval *a = approvals_find(b, p->ticket);
	const struct shown *w =
		shown_find(b, p->ticket, who->principal, who->via);
	struct owner_word word = word_of(who, p->ticket);
	const char *say = "";

	if (!a || !cards_is_ours(p, b->chats->key, a->card))
		return "that is not a button of mine";
	/* A card of ours of which somebody made another message is none. */
	if (!w || w->state != SHOWN_THERE || !span_is(m->message, w->message))
		return "that card is not up to date";
	word.hash = a->card;
	word.times = p->times;
	word.always = p->word == CARDS_ALWAYS;
	if (p->word == CARDS_NO || p->word == CARDS_FREEZE)
		(void)approvals_no(b, &word, p->word == CARDS_FREEZE, &say);
	else if (!w->whole)
		say = "all of it is to be seen first: `bulkhead approvals`";
	else
		(void)approvals_yes(b, &word, &say);
	return say;
}

static void on_button(struct broker *b, const struct peer *from,
		      const struct speaker *who, const struct m_heard *m)
{
	struct cards_press p;
	const struct approval *a;

	if (!cards_read(m->data, &p) || !(a = approvals_find(b, p.ticket)) ||
	    !cards_is_ours(&p, b->chats->key, a->card)) {
		ignore(b, from, m, "not a button of ours");
		toast(b, who, m, "that is not a button of mine");
		return;
	}
	if (who->principal == OWNER)
		lease_renew(b);
	toast(b, who, m, press(b, who, m, &p));
}

/* --- words --------------------------------------------------------------- */

/* The next word of a line; empty: there is none. */
static struct span next_word(struct span *rest)
{
	struct span w;
	size_t n = 0;

	while (rest->n && rest->p[0] == ' ')
		*rest = span_of(rest->p + 1, rest->n - 1);
	while (n < rest->n && rest->p[n] != ' ' && rest->p[n] != '\n')
		n++;
	w = span_of(rest->p, n);
	*rest = span_of(rest->p + n, rest->n - n);
	return w;
}

static const char *say_yes(struct broker *b, const struct speaker *who,
			   struct span rest)
{
	const uint64_t ticket = ticket_read(next_word(&rest));
	const struct approval *a = approvals_find(b, ticket);
	const struct shown *w = shown_find(b, ticket, who->principal, who->via);
	struct owner_word word = word_of(who, ticket);
	const char *say = "";

	word.code = next_word(&rest);
	if (!a)
		return "there is no such ticket";
	if (!w || w->state != SHOWN_THERE || !w->whole)
		return "all of its card is to be seen here first";
	word.hash = a->card;
	(void)approvals_yes(b, &word, &say);
	return say;
}

static const char *say_kill(struct broker *b, const struct speaker *who,
			    struct span rest)
{
	struct span level = next_word(&rest), of = next_word(&rest);
	const char *reason = who->via == VIA_TELEGRAM ? "/kill by Telegram"
						      : "/kill by Slack";
	enum latch_level l = LATCH_ALL;
	uint64_t task = 0;

	if (span_is(level, "task"))
		l = LATCH_TASK;
	else if (span_is(level, "capability"))
		l = LATCH_CAPABILITY;
	else if (span_is(level, "agent"))
		l = LATCH_AGENT;
	else if (span_is(level, "all+revoke"))
		l = LATCH_REVOKE;
	/* What is not understood stops everything, rather than nothing. */
	if (l == LATCH_TASK && num_parse(of, 1, INT64_MAX, &task) < 0)
		l = LATCH_ALL;
	if (l == LATCH_CAPABILITY && (!of.n || of.n > LIMIT_NAME))
		l = LATCH_ALL;
	audit_begin(&b->record, "chat.kill", &b->ids);
	audit_str(&b->record, "level", span_str(latch_level_name(l)));
	audit_str(&b->record, "by", who->id);
	(void)broker_audit(b, NULL);
	latch_ask_of(b, l, task,
		     l == LATCH_CAPABILITY ? of : (struct span){ NULL, 0 },
		     "owner", reason);
	if (l == LATCH_TASK)
		return "stopped: that task";
	if (l == LATCH_CAPABILITY)
		return "stopped: that capability";
	return l == LATCH_AGENT ? "stopped: the agent" : "stopped: everything";
}

static bool has(struct span word, const char *command)
{
	const size_t n = strlen(command);

	/* In groups Telegram adds the bot's name: /kill@my_bot */
	return word.n >= n && !memcmp(word.p, command, n) &&
	       (word.n == n || word.p[n] == '@');
}

static void on_text(struct broker *b, const struct peer *from,
		    const struct speaker *who, const struct m_heard *m)
{
	CLEAN_BUF struct buf text;
	struct span rest = m->text, word = next_word(&rest);
	const bool owner = who->principal == OWNER;

	buf_init(&text, CHAT_TEXT);
	if (owner && has(word, "/kill")) {
		buf_str(&text, say_kill(b, who, rest));
	} else if (has(word, "/yes")) {
		buf_str(&text, say_yes(b, who, rest));
	} else if (owner && has(word, "/status")) {
		talk_status(b, &text);
	} else if (owner && has(word, "/tasks")) {
		talk_tasks(b, &text);
	} else if (owner) {
		buf_str(&text, help_text);
	} else {
		ignore(b, from, m, "not a word for an approver");
		return;
	}
	if (owner && (has(word, "/kill") || has(word, "/yes")))
		lease_renew(b);
	chat_say(b, &who->at, buf_view(&text));
}

void chat_heard(struct broker *b, struct peer *p)
{
	/* What it borrows from lives until the next message. */
	const struct m_heard m = b->in.heard;
	struct heard_ring *r;
	struct speaker who;
	const uint64_t id = id_of(&m);

	if (!(p->ways & WAY_APPROVALS)) {
		log_warn("chat-unasked", "connector=%s", p->name);
		return;
	}
	r = ring_of(b, p);
	if (!was_heard(r, id)) {
		if (!find_speaker(b, p, &m, &who))
			ignore(b, p, &m,
			       "not of a principal who is asked here");
		else if (m.kind == HEARD_BUTTON)
			on_button(b, p, &who, &m);
		else
			on_text(b, p, &who, &m);
		if (!keep_heard(b, r, id))
			log_warn("chat-heard-not-kept", "%s", b->keep_why);
	}
	b->out.type = MSG_HEARD_OK;
	b->out.ids = b->ids;
	b->out.heard_ok = (struct m_heard_ok){ m.number };
	peer_send(b, p, NULL, 0);
}
