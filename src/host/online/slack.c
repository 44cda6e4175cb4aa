/*
 * slack: one app of Slack's. Its secret is "xapp-... xoxb-...": the app's
 * token, for Socket Mode, by which events come, and the bot's, for the Web API,
 * by which it speaks; either may be missing.
 *
 * An event is acknowledged when it is durable here; what is not acknowledged
 * Slack sends again, by this connection or the next. A message that comes as
 * two events, or twice, has one key and is one item. What the bot says itself
 * is none.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/str.h"
#include "chat.h"
#include "chatnet/slack.h"
#include "run.h"
#include "ws.h"

enum {
	PENDING = 32, /* envelopes that are not acknowledged yet */
	PENDING_BYTES = 4 << 20,
	AGAIN_MS = 250, /* a new connection, when the old one is to end */
	HEADER_ROOM = LIMIT_SECRET + 64,
};

/* An envelope on its way: free while id is "". */
struct envelope {
	char id[LIMIT_CHAT_ID + 1];
	char key[CHAT_KEY];
	uint64_t number; /* of what was heard */
	bool given;
	struct buf payload; /* owned; of an item */
	struct chat_heard heard;
};

struct slack {
	struct online *o;
	struct span app, bot; /* into the secret */
	char user_id[LIMIT_CHAT_ID + 1], bot_id[LIMIT_CHAT_ID + 1];
	struct ws ws;
	struct retry retry;
	int timer; /* the next connection, or -1 */
	int give_timer;
	uint64_t next_number;
	struct envelope *rows; /* PENDING of them, owned */
	size_t bytes, n_out;
	struct chat_work work;
	int work_timer;
};

static void connect_now(void *arg);
static void give(void *arg);
static void send_part(void *arg);

/* A method's header holds a token, in memory that is wiped. */
static int call(struct slack *s, const char *method, struct span token,
		struct net_call *c)
{
	struct online *o = s->o;
	struct secret header = { 0 };
	char path[64];
	int r = secret_room(&header, HEADER_ROOM);

	if (r < 0)
		return r;
	if (str_printf((char *)header.p, header.room,
		       "Authorization: Bearer %.*s", (int)token.n,
		       (const char *)token.p) < 0 ||
	    str_printf(path, sizeof(path), "/api/%s", method) < 0)
		r = -ENAMETOOLONG;
	c->scheme = "https";
	c->host = o->set.hosts[0].name;
	c->port = o->set.hosts[0].port;
	c->method = "POST";
	c->path = path;
	c->headers[0] = "Content-Type: application/json; charset=utf-8";
	c->headers[1] = (const char *)header.p;
	c->n_headers = 2;
	c->arg = s;
	if (!c->body.n)
		c->body = SPAN_LIT("{}");
	if (r == 0)
		r = net_call(&o->net, c, NULL);
	secret_wipe(&header);
	c->path = c->headers[1] = NULL;
	return r;
}

static void connect_later(struct slack *s, uint64_t ms)
{
	if (s->timer >= 0)
		loop_timer_del(&s->o->loop, s->timer);
	s->timer = loop_timer(&s->o->loop, ms, connect_now, s);
	if (s->timer < 0)
		online_end(s->o, s->timer);
}

static void failed(struct slack *s, enum account_state state, const char *why,
		   uint64_t least_ms)
{
	uint64_t ms = retry_failed(&s->retry, least_ms);

	online_link(s->o, state, why, ms);
	connect_later(s, ms);
}

/* Slack's words for a credential that it does not take. */
static bool is_denied(const char *error)
{
	static const char *const words[] = {
		"invalid_auth",	      "not_authed",
		"account_inactive",   "token_revoked",
		"token_expired",      "no_permission",
		"missing_scope",      "not_allowed_token_type",
		"org_login_required",
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (strcmp(error, words[i]) == 0)
			return true;
	return false;
}

/* An answer to a call that the connection needs. False: it was a no, and what
 * follows from it has begun. */
static bool take_answer(struct slack *s, const struct net_answer *n,
			struct slack_answer *a)
{
	char why[CHATNET_DETAIL + 64];

	if (n->why) {
		failed(s, ACCOUNT_WAITING, n->why, 0);
		return false;
	}
	if (!slack_answer(n->body, a)) {
		failed(s, ACCOUNT_WAITING, "the answer is none of Slack's",
		       n->retry_after_s * 1000);
		return false;
	}
	if (a->ok)
		return true;
	(void)str_printf(why, sizeof(why), "Slack says: %s", a->error);
	if (is_denied(a->error))
		failed(s, ACCOUNT_REFUSED, why, RETRY_LONGEST_MS);
	else
		failed(s, ACCOUNT_WAITING, why, n->retry_after_s * 1000);
	return false;
}

static void on_opened(void *arg, const struct net_answer *n)
{
	struct slack *s = arg;
	struct slack_answer a;
	struct slack_url u;
	int r;

	if (!take_answer(s, n, &a))
		return;
	if (!slack_url(span_str(a.url), &u)) {
		failed(s, ACCOUNT_WAITING, "it names no address for events", 0);
		return;
	}
	r = ws_open(&s->ws, &s->o->net, u.host, u.port, u.path);
	if (r < 0)
		failed(s, ACCOUNT_WAITING, strerrorname_np(-r), 0);
}

static void open_socket(struct slack *s)
{
	struct net_call c = { .done = on_opened };
	int r = call(s, "apps.connections.open", s->app, &c);

	if (r < 0)
		failed(s, ACCOUNT_WAITING, strerrorname_np(-r), 0);
}

/* Who the bot is: its own messages are no items. */
static void on_tested(void *arg, const struct net_answer *n)
{
	struct slack *s = arg;
	struct slack_answer a;

	if (!take_answer(s, n, &a))
		return;
	memcpy(s->user_id, a.user, sizeof(s->user_id));
	memcpy(s->bot_id, a.bot, sizeof(s->bot_id));
	if (s->app.n) {
		open_socket(s);
		return;
	}
	retry_worked(&s->retry);
	online_link(s->o, ACCOUNT_UP, "", 0);
}

static void connect_now(void *arg)
{
	struct slack *s = arg;
	struct net_call c = { .done = on_tested };
	int r;

	s->timer = -1;
	ws_close(&s->ws);
	if (!s->bot.n || s->user_id[0]) {
		open_socket(s);
		return;
	}
	r = call(s, "auth.test", s->bot, &c);
	if (r < 0)
		failed(s, ACCOUNT_WAITING, strerrorname_np(-r), 0);
}

static void on_ws_down(void *arg, const char *why)
{
	struct slack *s = arg;

	failed(s, ACCOUNT_WAITING, why, 0);
}

static void acknowledge(struct slack *s, const char *id)
{
	CLEAN_BUF struct buf b;

	buf_init(&b, 512);
	slack_ack(&b, id);
	/* Where there is no connection, it comes again by the next. */
	if (id[0] && ws_send(&s->ws, buf_view(&b)) < 0)
		log_info("not-acknowledged", "account=%s", s->o->name);
}

static void row_free(struct slack *s, struct envelope *e)
{
	if (e->given)
		s->n_out--;
	s->bytes -= e->payload.n;
	buf_done(&e->payload);
	*e = (struct envelope){ 0 };
}

/* It is durable: its envelopes, be they several, are acknowledged. */
static void kept(struct slack *s, struct span key)
{
	size_t i;

	for (i = 0; i < PENDING; i++) {
		struct envelope *e = &s->rows[i];

		if (e->id[0] && span_is(key, e->key)) {
			acknowledge(s, e->id);
			row_free(s, e);
		}
	}
	give(s);
}

static bool is_out(const struct slack *s, const char *key)
{
	size_t i;

	for (i = 0; i < PENDING; i++)
		if (s->rows[i].given && strcmp(s->rows[i].key, key) == 0)
			return true;
	return false;
}

/* Gives one away; 0, or -errno and it waits. */
static int give_one(struct slack *s, struct envelope *e)
{
	int r = 0;

	/* The same message by another event: kept with the first. */
	if (is_out(s, e->key))
		return 0;
	if (s->o->set.approvals)
		chat_tell_heard(s->o, &e->heard, e->number);
	else
		r = online_item(s->o, e->key, buf_view(&e->payload));
	if (r == 0) {
		e->given = true;
		s->n_out++;
	}
	return r;
}

static void give(void *arg)
{
	struct slack *s = arg;
	size_t i;

	if (s->give_timer >= 0)
		loop_timer_del(&s->o->loop, s->give_timer);
	s->give_timer = -1;
	for (i = 0; i < PENDING && s->n_out < CHAT_OUTSTANDING; i++) {
		struct envelope *e = &s->rows[i];

		if (!e->id[0] || e->given || give_one(s, e) == 0)
			continue;
		s->give_timer = loop_timer(&s->o->loop, CHAT_SHORT_MS, give, s);
		return;
	}
}

/* A row for an envelope; NULL: there is no room, or it is there already. Slack
 * sends it again. */
static struct envelope *row_for(struct slack *s, const struct slack_envelope *e)
{
	struct envelope *row = NULL;
	size_t i;

	if (e->payload.n > PENDING_BYTES - s->bytes)
		return NULL;
	for (i = 0; i < PENDING; i++) {
		if (strcmp(s->rows[i].id, e->id) == 0)
			return NULL;
		if (!row && !s->rows[i].id[0])
			row = &s->rows[i];
	}
	return row;
}

static bool is_own(const struct slack *s, const char *sender)
{
	return sender[0] && (strcmp(sender, s->user_id) == 0 ||
			     strcmp(sender, s->bot_id) == 0);
}

/* What is to be given of it; false: nothing, and it is acknowledged. A message
 * that has no name is nothing, too, and that is put on record. */
static bool is_wanted(struct slack *s, const struct slack_envelope *e,
		      struct envelope *row)
{
	enum facts_fault fault;
	struct chat_facts f;

	if (s->o->set.approvals)
		return slack_heard(e->payload, &row->heard) == FACTS_OK &&
		       !is_own(s, row->heard.sender) &&
		       str_copy(row->key, sizeof(row->key),
				span_str(row->heard.id)) == 0;
	if (e->kind != SLACK_EVENT)
		return false;
	fault = slack_key(e->payload, row->key, sizeof(row->key));
	if (fault != FACTS_OK && fault != FACTS_NO_MESSAGE)
		online_skipped(s->o, e->id, facts_fault_text(fault));
	if (fault != FACTS_OK)
		return false;
	return slack_facts(e->payload, &f) != FACTS_OK || !is_own(s, f.sender);
}

static void take(struct slack *s, const struct slack_envelope *e)
{
	struct envelope *row = row_for(s, e);

	if (!row)
		return;
	if (!is_wanted(s, e, row)) {
		*row = (struct envelope){ 0 };
		acknowledge(s, e->id);
		return;
	}
	buf_init(&row->payload, PENDING_BYTES);
	if (!s->o->set.approvals)
		buf_span(&row->payload, e->payload);
	if (!buf_ok(&row->payload)) {
		buf_done(&row->payload);
		*row = (struct envelope){ 0 };
		return;
	}
	memcpy(row->id, e->id, sizeof(row->id));
	row->number = ++s->next_number;
	s->bytes += row->payload.n;
	give(s);
}

static void on_ws_text(void *arg, struct span text)
{
	struct slack *s = arg;
	struct slack_envelope e;

	if (!slack_envelope(text, &e)) {
		log_warn("envelope-unread", "account=%s", s->o->name);
		return;
	}
	switch (e.kind) {
	case SLACK_HELLO:
		retry_worked(&s->retry);
		online_link(s->o, ACCOUNT_UP, "", 0);
		break;
	case SLACK_DISCONNECT:
		connect_later(s, AGAIN_MS);
		break;
	case SLACK_EVENT:
	case SLACK_PRESS:
		take(s, &e);
		break;
	case SLACK_OTHER:
		acknowledge(s, e.id);
		break;
	}
}

static void slack_item_kept(struct online *o, struct span key)
{
	kept(o->own, key);
}

/* Its verdict is nothing to Slack. */
static void slack_item_done(struct online *, struct span)
{
}

static void slack_heard_ok(struct online *o)
{
	struct slack *s = o->own;
	size_t i;

	for (i = 0; i < PENDING; i++)
		if (s->rows[i].given &&
		    s->rows[i].number == o->in.heard_ok.number) {
			char key[CHAT_KEY];

			memcpy(key, s->rows[i].key, sizeof(key));
			kept(s, span_str(key));
			return;
		}
	online_end(o, -EPROTO);
}

static bool may_go(void *arg)
{
	struct slack *s = arg;

	return !chat_killed(s->o, &s->work);
}

/* Slack will take it later. */
static bool put_off(struct slack *s, const struct net_answer *n)
{
	if (n->status != 429 || n->retry_after_s > CHAT_PUT_OFF_S ||
	    ++s->work.tries >= CHAT_TRIES)
		return false;
	s->work_timer = loop_timer(&s->o->loop, (n->retry_after_s + 1) * 1000,
				   send_part, s);
	return s->work_timer >= 0;
}

/* Its words for "something went wrong behind it", done or not. */
static bool is_vague(const char *error)
{
	return !error[0] || strcmp(error, "internal_error") == 0 ||
	       strcmp(error, "fatal_error") == 0 ||
	       strcmp(error, "request_timeout") == 0 ||
	       strcmp(error, "service_unavailable") == 0;
}

static void on_sent(void *arg, const struct net_answer *n)
{
	struct slack *s = arg;
	struct slack_answer a;
	char why[CHATNET_DETAIL + 64];

	if (n->why) {
		chat_end(s->o, &s->work,
			 n->sent ? EFFECT_UNKNOWN : EFFECT_FAILED,
			 chat_killed(s->o, &s->work) && !n->sent
				 ? "killed before it was done"
				 : n->why);
		return;
	}
	if (put_off(s, n))
		return;
	if (n->status == 429) {
		chat_end(s->o, &s->work, EFFECT_FAILED,
			 "Slack says: too many requests");
		return;
	}
	if (!slack_answer(n->body, &a)) {
		chat_end(s->o, &s->work, EFFECT_UNKNOWN,
			 "the answer is none of Slack's");
		return;
	}
	(void)str_printf(why, sizeof(why), "Slack says: %s", a.error);
	if (!a.ok)
		chat_end(s->o, &s->work,
			 is_vague(a.error) ? EFFECT_UNKNOWN : EFFECT_FAILED,
			 why);
	else if (chat_sent(&s->work, a.ts))
		send_part(s);
	else
		chat_end(s->o, &s->work, EFFECT_DONE, "");
}

/* The method and its body; NULL: it is not to be said. */
static const char *build(struct slack *s, struct buf *body)
{
	struct chat_work *w = &s->work;
	struct chat_send m;

	chat_next(w, SLACK_TEXT, &m);
	switch (w->kind) {
	case SAY_TEXT:
	case SAY_CARD:
		return slack_post(body, &m) ? "chat.postMessage" : NULL;
	case SAY_CHANGE:
		return slack_update(body, span_str(w->message), &m)
			       ? "chat.update"
			       : NULL;
	case SAY_TOAST:
		return slack_tell(body, span_str(w->message), &m)
			       ? "chat.postEphemeral"
			       : NULL;
	case SAY_KIND_MAX:
		break;
	}
	return NULL;
}

static void send_part(void *arg)
{
	struct slack *s = arg;
	struct net_call c = { .go = may_go, .done = on_sent };
	CLEAN_BUF struct buf body;
	const char *method;
	int r;

	s->work_timer = -1;
	buf_init(&body, CHATNET_REQUEST);
	if (!s->bot.n) {
		chat_end(s->o, &s->work, EFFECT_FAILED,
			 "its secret has no token of a bot, xoxb-...");
		return;
	}
	method = build(s, &body);
	if (!method || !buf_ok(&body)) {
		chat_end(s->o, &s->work, EFFECT_FAILED,
			 "it is no message of Slack's");
		return;
	}
	c.body = buf_view(&body);
	r = call(s, method, s->bot, &c);
	if (r < 0)
		chat_end(s->o, &s->work, EFFECT_FAILED, strerrorname_np(-r));
}

static void slack_effect(struct online *o)
{
	struct slack *s = o->own;
	const char *why = chat_take_effect(o, &s->work, "slack:", SLACK_TEXT);

	if (why)
		chat_end(o, &s->work, EFFECT_FAILED, why);
	else
		send_part(s);
}

static void slack_say(struct online *o)
{
	struct slack *s = o->own;
	const char *why = chat_take_say(o, &s->work);

	if (why)
		chat_end(o, &s->work, EFFECT_FAILED, why);
	else
		send_part(s);
}

static void on_revoked(void *arg, const struct net_answer *n)
{
	struct slack *s = arg;
	struct slack_answer a = { 0 };
	const bool done = !n->why && slack_answer(n->body, &a) && a.ok;

	online_revoked(s->o, done ? REVOKED_DONE : REVOKED_FAILED,
		       done && s->app.n ? "the bot's token; the app's is taken "
					  "back by hand"
		       : done		? "the bot's token"
		       : n->why		? n->why
					: a.error);
}

/* Slack takes the bot's token back for who has it. */
static void slack_revoke(struct online *o)
{
	struct slack *s = o->own;
	struct net_call c = { .done = on_revoked };
	int r;

	if (!s->bot.n) {
		online_revoked(o, REVOKED_NOTHING,
			       "the app's token is taken back by hand");
		return;
	}
	r = call(s, "auth.revoke", s->bot, &c);
	if (r < 0)
		online_revoked(o, REVOKED_FAILED, strerrorname_np(-r));
}

static int slack_start(struct online *o)
{
	struct slack *s = calloc(1, sizeof(*s));

	if (!s)
		return -ENOMEM;
	o->own = s;
	s->o = o;
	s->timer = s->give_timer = s->work_timer = -1;
	ws_init(&s->ws);
	s->ws.text = on_ws_text;
	s->ws.down = on_ws_down;
	s->ws.arg = s;
	chat_init(&s->work);
	s->rows = calloc(PENDING, sizeof(*s->rows));
	if (!s->rows)
		return -ENOMEM;
	if (!slack_tokens(secret_view(&o->secret), &s->app, &s->bot)) {
		online_link(o, ACCOUNT_REFUSED,
			    "its secret is not \"xapp-... xoxb-...\"", 0);
		return 0;
	}
	if (o->set.revoke)
		return 0;
	online_link(o, ACCOUNT_CONNECTING, "", 0);
	connect_later(s, 0);
	return 0;
}

static void slack_stop(struct online *o)
{
	struct slack *s = o->own;
	size_t i;

	if (!s)
		return;
	ws_close(&s->ws);
	for (i = 0; s->rows && i < PENDING; i++)
		buf_done(&s->rows[i].payload);
	free(s->rows);
	chat_done(&s->work);
	free(s);
	o->own = NULL;
}

const struct online_kind slack_kind = {
	.name = "slack",
	.start = slack_start,
	.stop = slack_stop,
	.effect = slack_effect,
	.say = slack_say,
	.heard_ok = slack_heard_ok,
	.item_kept = slack_item_kept,
	.item_done = slack_item_done,
	.revoke = slack_revoke,
};
