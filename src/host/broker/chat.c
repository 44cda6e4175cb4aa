/* chat: see chat.h. */
#include "host/broker/chat.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>

#include "base/log.h"
#include "base/rd.h"
#include "base/str.h"
#include "policy/model.h"
#include "render/render.h"

#define KEY_NAME "chat.buttons"

enum { ROW_VERSION = 1, ROW_NEW = 0, ROW_SENT };

void chat_put_foreign(struct buf *out, struct span text)
{
	const struct render_opts opts = { .newline = RENDER_BREAK,
					  .indent = "" };

	render_text(out, text, &opts, NULL);
}

size_t chat_most(const struct broker *b, const struct place *to)
{
	size_t i;

	for (i = 0; i < BROKER_PEERS; i++)
		if (b->peers[i].kind == PEER_CONNECTOR &&
		    !strcmp(b->peers[i].name, to->connector))
			return b->peers[i].via == VIA_SLACK ? CARDS_SLACK
							    : CARDS_TELEGRAM;
	return CARDS_SLACK;
}

/* --- what is to be said -------------------------------------------------- */

static void drop(struct chats *c, size_t i)
{
	buf_done(&c->v[i]->text);
	free(c->v[i]);
	for (c->n--; i < c->n; i++)
		c->v[i] = c->v[i + 1];
}

struct saying *chat_add(struct broker *b, enum said_for why, uint8_t kind,
			const struct place *to, struct span text)
{
	struct chats *c = b->chats;
	struct saying *s = c->n < CHAT_SAYINGS ? calloc(1, sizeof(*s)) : NULL;

	if (!s)
		return NULL;
	s->number = ++c->next;
	s->why = why;
	s->kind = kind;
	s->to = *to;
	buf_init(&s->text, LIMIT_SAY);
	buf_span(&s->text, text);
	if (!buf_ok(&s->text)) {
		buf_done(&s->text);
		free(s);
		return NULL;
	}
	c->v[c->n++] = s;
	return s;
}

void chat_say(struct broker *b, const struct place *to, struct span text)
{
	struct span parts[CARDS_PARTS];
	size_t n = cards_split(text, chat_most(b, to), parts), i;

	for (i = 0; i < n; i++)
		if (!chat_add(b, SAID_ALONE, SAY_TEXT, to, parts[i]))
			log_warn("chat-full", "connector=%s", to->connector);
	chat_pump(b);
}

/* --- rows ---------------------------------------------------------------- */

static struct span row_key(char text[32], uint64_t n)
{
	(void)str_printf(text, 32, "o/%016" PRIx64, n);
	return span_str(text);
}

static void row_encode(struct buf *b, const struct saying *s, uint8_t state)
{
	buf_u8(b, ROW_VERSION);
	buf_u8(b, state);
	buf_blob(b, span_str(s->to.connector));
	buf_blob(b, span_str(s->to.chat));
	buf_blob(b, span_str(s->to.thread));
	buf_blob(b, buf_view(&s->text));
}

static bool put_row(struct broker *b, const struct saying *s, uint8_t state,
		    bool more)
{
	CLEAN_BUF struct buf value;
	char key[32];

	buf_init(&value, LIMIT_ROW);
	row_encode(&value, s, state);
	return buf_ok(&value) && keep_row(b, ROW_CHAT, row_key(key, s->of),
					  buf_view(&value), more);
}

void chat_gather(struct broker *b, const struct place *to, struct span text)
{
	struct chats *c = b->chats;
	struct span parts[CARDS_PARTS];
	size_t n = cards_split(text, CARDS_SLACK, parts), i;

	for (i = 0; i < n; i++) {
		struct saying *s =
			chat_add(b, SAID_ROW, SAY_TEXT, to, parts[i]);

		if (!s)
			return;
		s->of = c->next_row++;
		s->not_before_ms = UINT64_MAX; /* until it is durable */
		(void)put_row(b, s, ROW_NEW, true);
	}
}

void chat_gathered(struct broker *b, bool kept)
{
	struct chats *c = b->chats;
	size_t i;

	for (i = c->n; i-- > 0;) {
		if (c->v[i]->not_before_ms != UINT64_MAX)
			continue;
		c->v[i]->not_before_ms = 0;
		if (!kept)
			drop(c, i);
	}
	chat_pump(b);
}

static void audit_said(struct broker *b, const struct saying *s,
		       enum effect_state state)
{
	audit_begin(&b->record, "chat.said", &b->ids);
	audit_str(&b->record, "connector", span_str(s->to.connector));
	audit_str(&b->record, "chat", span_str(s->to.chat));
	audit_int(&b->record, "bytes", s->text.n);
	audit_str(&b->record, "state", span_str(effect_state_name(state)));
	broker_audit_later(b);
}

static void row_over(struct broker *b, const struct saying *s,
		     enum effect_state state)
{
	char key[32];

	audit_said(b, s, state);
	if (!keep_row_forget(b, ROW_CHAT, row_key(key, s->of)))
		log_warn("chat-row-stays", "%s", b->keep_why);
}

/* --- saying it ----------------------------------------------------------- */

static void on_timer(void *arg)
{
	struct broker *b = arg;

	b->chats->timer = -1;
	chat_cards(b);
	chat_pump(b);
}

static void send_one(struct broker *b, struct peer *p, struct saying *s)
{
	struct m_say *m = &b->out.say;
	size_t i;

	/* From here on it may have been said: it is not said again. */
	if (s->why == SAID_ROW && !put_row(b, s, ROW_SENT, false)) {
		s->not_before_ms = now_ms() + CHAT_RETRY_MS;
		return;
	}
	s->sent = true;
	s->tries++;
	b->out.type = MSG_SAY;
	b->out.ids = b->ids;
	*m = (struct m_say){
		.number = s->number,
		.kind = s->kind,
		.chat = span_str(s->to.chat),
		.thread = span_str(s->to.thread),
		.message = span_str(s->message),
		.text = buf_view(&s->text),
		.n = (uint32_t)s->n_buttons,
	};
	for (i = 0; i < s->n_buttons; i++)
		m->buttons[i] =
			(struct m_button){ span_str(s->buttons[i].label),
					   span_str(s->buttons[i].data) };
	peer_send(b, p, NULL, 0);
}

/* The first of that connector's that is not over; NULL: there is none. */
static struct saying *first_of(struct chats *c, const char *connector,
			       uint64_t now)
{
	size_t i;

	for (i = 0; i < c->n; i++) {
		struct saying *s = c->v[i];

		if (strcmp(s->to.connector, connector) != 0)
			continue;
		if (s->sent || s->not_before_ms <= now)
			return s;
	}
	return NULL;
}

void chat_pump(struct broker *b)
{
	struct chats *c = b->chats;
	const uint64_t now = now_ms();
	size_t i;

	for (i = 0; i < BROKER_PEERS; i++) {
		struct peer *p = &b->peers[i];
		struct saying *s;

		if (p->kind != PEER_CONNECTOR ||
		    !(p->ways & (WAY_APPROVALS | WAY_CHAT)))
			continue;
		s = first_of(c, p->name, now);
		if (s && !s->sent)
			send_one(b, p, s);
	}
	for (i = 0; i < c->n && c->timer < 0; i++)
		if (!c->v[i]->sent && c->v[i]->not_before_ms > now &&
		    c->v[i]->not_before_ms != UINT64_MAX)
			c->timer = loop_timer(&b->loop, CHAT_RETRY_MS, on_timer,
					      b);
	for (i = 0; i < c->n_shown && c->timer < 0; i++)
		if (c->shown[i].state == SHOWN_WAITS)
			c->timer = loop_timer(&b->loop, CHAT_RETRY_MS, on_timer,
					      b);
}

/* The parts of a card behind one that was not said. */
static void drop_card(struct chats *c, const struct saying *s)
{
	const uint64_t of = s->of;
	const uint32_t principal = s->principal, via = s->via;
	size_t i;

	for (i = c->n; i-- > 0;)
		if (c->v[i]->why == SAID_SHOWN && c->v[i]->of == of &&
		    c->v[i]->principal == principal && c->v[i]->via == via)
			drop(c, i);
}

static void over(struct broker *b, size_t i, const struct m_said *m)
{
	struct chats *c = b->chats;
	struct saying *s = c->v[i];
	const bool again = m->state == EFFECT_FAILED && s->tries < CHAT_TRIES;

	s->sent = false;
	if (s->why == SAID_ROW && again) {
		s->not_before_ms = now_ms() + CHAT_RETRY_MS;
		return;
	}
	if (s->why == SAID_ROW)
		row_over(b, s, (enum effect_state)m->state);
	if (s->why == SAID_SHOWN) {
		shown_said(b, s, m);
		if (m->state != EFFECT_DONE) {
			drop_card(c, s);
			return;
		}
	}
	drop(c, i);
}

void chat_said(struct broker *b, struct peer *p)
{
	const struct m_said m = b->in.said;
	struct chats *c = b->chats;
	size_t i;

	for (i = 0; i < c->n; i++)
		if (c->v[i]->sent && c->v[i]->number == m.number &&
		    !strcmp(c->v[i]->to.connector, p->name)) {
			over(b, i, &m);
			break;
		}
	chat_pump(b);
}

void chat_lost(struct broker *b, struct peer *p)
{
	static const struct m_said unknown = { .state = EFFECT_UNKNOWN };
	struct chats *c = b->chats;
	size_t i;

	for (i = 0; c && i < c->n; i++)
		if (c->v[i]->sent && !strcmp(c->v[i]->to.connector, p->name)) {
			over(b, i, &unknown);
			return;
		}
}

void chat_connected(struct broker *b, struct peer *p)
{
	if (p->ways & (WAY_APPROVALS | WAY_CHAT))
		chat_pump(b);
}

/* --- out of the store ---------------------------------------------------- */

static bool take_text(char *ret, size_t cap, struct span s)
{
	return str_copy(ret, cap, s) >= 0;
}

static bool take_row(struct broker *b, struct span key, struct span value)
{
	struct chats *c = b->chats;
	struct place to = { 0 };
	struct span text;
	uint8_t number[8], version, state;
	struct saying *s;
	struct rd rd;
	size_t i;
	bool ok;

	rd_init(&rd, value);
	version = rd_u8(&rd);
	state = rd_u8(&rd);
	ok = take_text(to.connector, sizeof(to.connector),
		       rd_blob(&rd, LIMIT_NAME)) &&
	     take_text(to.chat, sizeof(to.chat), rd_blob(&rd, LIMIT_CHAT_ID)) &&
	     take_text(to.thread, sizeof(to.thread),
		       rd_blob(&rd, LIMIT_CHAT_ID));
	text = rd_blob(&rd, LIMIT_SAY);
	if (!ok || !rd_end(&rd) || version != ROW_VERSION || key.n != 18 ||
	    hex_decode(number, 8, span_of(key.p + 2, 16)) < 0)
		return false;
	s = chat_add(b, SAID_ROW, SAY_TEXT, &to, text);
	if (!s)
		return false;
	for (i = 0; i < 8; i++)
		s->of = s->of << 8 | number[i];
	c->next_row = s->of + 1;
	/* It was being said when we ended: over(), once all rows are read. */
	s->sent = state == ROW_SENT;
	return true;
}

static bool take_ring(struct broker *b, struct span key, struct span value)
{
	struct chats *c = b->chats;
	struct heard_ring *r;
	struct rd rd;
	size_t i;

	for (i = 0; i < BROKER_CONNECTORS && c->rings[i].connector[0]; i++)
		;
	if (i == BROKER_CONNECTORS)
		return true; /* of connectors that were */
	r = &c->rings[i];
	rd_init(&rd, value);
	r->at = rd_u32(&rd) % CHAT_HEARD;
	for (i = 0; i < CHAT_HEARD; i++)
		r->ids[i] = rd_u64(&rd);
	return rd_end(&rd) && str_copy(r->connector, sizeof(r->connector),
				       span_of(key.p + 2, key.n - 2)) >= 0;
}

static bool take_any(void *arg, struct span key, struct span value)
{
	struct broker *b = arg;

	if (key.n < 3 || key.p[1] != '/')
		return false;
	switch (key.p[0]) {
	case 'c':
		return shown_take(b, key, value);
	case 'h':
		return take_ring(b, key, value);
	case 'o':
		return take_row(b, key, value);
	default:
		return true; /* asked for when it is needed */
	}
}

static bool take_key(void *arg, struct span key, struct span value)
{
	struct chats *c = arg;

	if (!span_is(key, KEY_NAME))
		return true;
	if (value.n == CARDS_KEY)
		memcpy(c->key, value.p, CARDS_KEY);
	c->next = 1;
	return value.n == CARDS_KEY;
}

static void make_key(struct broker *b)
{
	struct chats *c = b->chats;

	if (getrandom(c->key, CARDS_KEY, 0) != CARDS_KEY)
		die("no random bytes for the key of the buttons");
	if (!keep_row(b, ROW_SECRET, SPAN_LIT(KEY_NAME),
		      span_of(c->key, CARDS_KEY), false))
		die("the key of the buttons cannot be kept: %s", b->keep_why);
}

void chat_init(struct broker *b)
{
	struct chats *c = calloc(1, sizeof(*c));
	size_t i;

	if (!c)
		die("out of memory");
	b->chats = c;
	c->timer = c->clock_timer = -1;
	c->next_row = 1;
	if (!keep_rows(b, ROW_SECRET, take_key, c) ||
	    !keep_rows(b, ROW_CHAT, take_any, b))
		die("what is to be said in chats cannot be read: the store is "
		    "damaged, or of another version");
	if (!c->next)
		make_key(b);
	for (i = c->n; i-- > 0;)
		if (c->v[i]->sent) {
			row_over(b, c->v[i], EFFECT_UNKNOWN);
			drop(c, i);
		}
}
