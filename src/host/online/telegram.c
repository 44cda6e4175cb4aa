/*
 * telegram: one bot of the Bot API. It asks for updates by getUpdates, waiting
 * at the server, and gives each away whole: as an item; of a bot of approvals
 * as what was heard. The server forgets an update when it is asked for later
 * ones, so that is done only when all of an answer's are durable here. Their
 * keys hold the bot's number and the update's: what comes again is known.
 *
 * After a week without updates the server may begin anew with lower numbers;
 * the place is then not held against it.
 */
#include <errno.h>
#include <stdlib.h>
#include <time.h>

#include "base/log.h"
#include "base/str.h"
#include "chat.h"
#include "chatnet/telegram.h"
#include "place.h"
#include "run.h"

enum {
	POLL_S = 50,
	POLL_SLACK_MS = 15000,
	PLACE_LIFE_S = 6 * 86400,
	BOT_MAX = 24,
	PATH_MAX_BYTES = 512,
};

static const char place_name[] = "telegram";
static const char no_token[] = "its secret is no token of a bot, 123456:ABC...";

struct update {
	uint64_t id;
	size_t at, n; /* in the batch */
	bool given, kept;
};

struct telegram {
	struct online *o;
	char bot[BOT_MAX];
	uint64_t offset; /* of the next update; 0: any */
	int64_t since;	 /* when that was learnt */
	struct retry retry;
	bool up;   /* the last poll worked */
	int timer; /* the next poll, or the next look at the batch; -1 */
	struct buf batch;
	struct update updates[TELEGRAM_UPDATES];
	size_t n, n_kept, n_out;
	struct chat_work work;
	int work_timer;
};

static void poll_now(void *arg);
static void give(void *arg);
static void send_part(void *arg);

/* A method's path holds the token, in memory that is wiped. */
static int call(struct telegram *t, const char *method, struct net_call *c)
{
	struct online *o = t->o;
	struct span token = secret_view(&o->secret);
	struct secret path = { 0 };
	int r = secret_room(&path, PATH_MAX_BYTES);

	if (r < 0)
		return r;
	if (str_printf((char *)path.p, path.room, "/bot%.*s/%s", (int)token.n,
		       (const char *)token.p, method) < 0)
		r = -ENAMETOOLONG;
	c->scheme = "https";
	c->host = o->set.hosts[0].name;
	c->port = o->set.hosts[0].port;
	c->method = "POST";
	c->path = (const char *)path.p;
	c->headers[0] = "Content-Type: application/json";
	c->n_headers = 1;
	c->arg = t;
	if (r == 0)
		r = net_call(&o->net, c, NULL);
	secret_wipe(&path);
	c->path = NULL;
	return r;
}

static void later(struct telegram *t, uint64_t ms, loop_timer_fn fn)
{
	loop_timer_del(&t->o->loop, t->timer);
	t->timer = loop_timer(&t->o->loop, ms, fn, t);
	if (t->timer < 0)
		online_end(t->o, t->timer);
}

/* A number up to the next blank or the end of the line. */
static bool take_number(struct span *s, uint64_t *ret)
{
	size_t n = 0;

	while (n < s->n && s->p[n] != ' ' && s->p[n] != '\n')
		n++;
	if (n == s->n || num_parse(span_of(s->p, n), 0, INT64_MAX, ret) < 0)
		return false;
	*s = span_of(s->p + n + 1, s->n - n - 1);
	return true;
}

/* place: "BOT OFFSET SECONDS\n"; that of another bot is none. */
static int load_place(struct telegram *t)
{
	CLEAN_BUF struct buf b;
	uint64_t bot, offset, since;
	struct span s;
	char name[BOT_MAX];
	int r;

	buf_init(&b, PLACE_MAX);
	r = place_load(t->o->state, place_name, &b);
	if (r < 0)
		return r == -ENOENT ? 0 : r;
	s = buf_view(&b);
	if (!take_number(&s, &bot) || !take_number(&s, &offset) ||
	    !take_number(&s, &since) || s.n)
		return -EBADMSG;
	(void)str_printf(name, sizeof(name), "%llu", (unsigned long long)bot);
	if (strcmp(name, t->bot) == 0) {
		t->offset = offset;
		t->since = (int64_t)since;
	}
	return 0;
}

static int save_place(struct telegram *t)
{
	char text[96];
	int n = str_printf(text, sizeof(text), "%s %llu %lld\n", t->bot,
			   (unsigned long long)t->offset, (long long)t->since);

	return n < 0 ? -ENAMETOOLONG
		     : place_save(t->o->state, place_name,
				  span_of(text, (size_t)n));
}

static void failed(struct telegram *t, enum account_state s, const char *why,
		   uint64_t least_ms)
{
	uint64_t ms = retry_failed(&t->retry, least_ms);

	t->up = false;
	online_link(t->o, s, why, ms);
	later(t, ms, poll_now);
}

/* The server's no to a call that should work. */
static void refused(struct telegram *t, const struct telegram_answer *a)
{
	char why[CHATNET_DETAIL + 64];

	(void)str_printf(why, sizeof(why), "the server says: %lld %s",
			 (long long)a->error, a->description);
	if (a->error == 401 || a->error == 404)
		failed(t, ACCOUNT_REFUSED, why, RETRY_LONGEST_MS);
	else
		failed(t, ACCOUNT_WAITING, why, a->retry_after_s * 1000);
}

static int keep_batch(struct telegram *t, struct jval result)
{
	struct telegram_update u[TELEGRAM_UPDATES];
	int i, n = telegram_updates(result, u);

	if (n < 0)
		return n;
	buf_reset(&t->batch);
	for (i = 0; i < n; i++) {
		t->updates[i] = (struct update){ .id = u[i].id,
						 .at = t->batch.n,
						 .n = u[i].raw.n };
		buf_span(&t->batch, u[i].raw);
	}
	if (!buf_ok(&t->batch))
		return -ENOMEM;
	t->n = (size_t)n;
	t->n_kept = t->n_out = 0;
	return 0;
}

static void on_updates(void *arg, const struct net_answer *n)
{
	struct telegram *t = arg;
	struct telegram_answer a;

	if (n->why) {
		failed(t, ACCOUNT_WAITING, n->why, 0);
		return;
	}
	if (!telegram_answer(n->body, &a)) {
		failed(t, ACCOUNT_WAITING, "the answer is none of the Bot API",
		       n->retry_after_s * 1000);
		return;
	}
	if (!a.ok) {
		refused(t, &a);
		return;
	}
	if (keep_batch(t, a.result) < 0) {
		failed(t, ACCOUNT_WAITING, "its updates are not as documented",
		       0);
		return;
	}
	if (!t->up)
		online_link(t->o, ACCOUNT_UP, "", 0);
	t->up = true;
	retry_worked(&t->retry);
	give(t);
}

/* At most so long that the server's numbers cannot have begun anew. */
static uint64_t offset_now(const struct telegram *t)
{
	return (int64_t)time(NULL) - t->since > PLACE_LIFE_S ? 0 : t->offset;
}

static void poll_now(void *arg)
{
	struct telegram *t = arg;
	struct net_call c = { .limit_ms = POLL_S * 1000 + POLL_SLACK_MS,
			      .limit_bytes = CHATNET_BODY,
			      .done = on_updates };
	CLEAN_BUF struct buf body;
	int r;

	t->timer = -1;
	buf_init(&body, CHATNET_REQUEST);
	/* The first is not waited for, so that one knows whether it is up. */
	telegram_get_updates(&body, offset_now(t), t->up ? POLL_S : 0,
			     t->o->set.approvals);
	c.body = buf_view(&body);
	r = buf_ok(&body) ? call(t, "getUpdates", &c) : -ENOMEM;
	if (r < 0)
		failed(t, ACCOUNT_WAITING, strerrorname_np(-r), 0);
}

/* All of an answer's updates are durable: the server may forget them. */
static void batch_done(struct telegram *t)
{
	int r = 0;

	if (t->n) {
		t->offset = t->updates[t->n - 1].id + 1;
		t->since = (int64_t)time(NULL);
		t->n = 0;
		r = save_place(t);
	}
	/* Without a place they come again, and are known. */
	if (r < 0)
		log_warn("place", "account=%s error=%s", t->o->name,
			 strerrorname_np(-r));
	later(t, 0, poll_now);
}

static void kept(struct telegram *t, struct update *u)
{
	u->kept = true;
	t->n_kept++;
	if (u->given)
		t->n_out--;
}

static void key_of(const struct telegram *t, const struct update *u, char *dst,
		   size_t cap)
{
	(void)str_printf(dst, cap, "%s/%llu", t->bot,
			 (unsigned long long)u->id);
}

/* To the broker, what a person says to a bot of approvals; what is nobody's
 * word goes nowhere. */
static void give_heard(struct telegram *t, struct update *u)
{
	struct chat_heard h;
	struct span s = buf_part(&t->batch, u->at, u->n);

	if (telegram_heard(s, &h) != FACTS_OK) {
		kept(t, u);
		return;
	}
	u->given = true;
	t->n_out++;
	chat_tell_heard(t->o, &h, u->id);
}

static int give_item(struct telegram *t, struct update *u)
{
	char key[BOT_MAX + 24];
	int r;

	key_of(t, u, key, sizeof(key));
	r = online_item(t->o, key, buf_part(&t->batch, u->at, u->n));
	if (r == 0) {
		u->given = true;
		t->n_out++;
	}
	return r;
}

/* As many as may be on their way; when there are none left, the next. */
static void give(void *arg)
{
	struct telegram *t = arg;
	const size_t most = t->o->set.approvals ? 1 : CHAT_OUTSTANDING;
	size_t i;

	t->timer = -1;
	for (i = 0; i < t->n && t->n_out < most; i++) {
		struct update *u = &t->updates[i];

		if (u->given || u->kept)
			continue;
		if (t->o->set.approvals) {
			give_heard(t, u);
		} else if (give_item(t, u) < 0) {
			later(t, CHAT_SHORT_MS, give);
			return;
		}
	}
	if (t->n_kept == t->n)
		batch_done(t);
}

static void tg_item_kept(struct online *o, struct span key)
{
	struct telegram *t = o->own;
	char mine[BOT_MAX + 24];
	size_t i;

	for (i = 0; i < t->n; i++) {
		struct update *u = &t->updates[i];

		key_of(t, u, mine, sizeof(mine));
		if (u->given && !u->kept && span_is(key, mine)) {
			kept(t, u);
			give(t);
			return;
		}
	}
}

/* Its verdict is nothing to the server. */
static void tg_item_done(struct online *, struct span)
{
}

static void tg_heard_ok(struct online *o)
{
	struct telegram *t = o->own;
	size_t i;

	for (i = 0; i < t->n; i++) {
		struct update *u = &t->updates[i];

		if (u->given && !u->kept && u->id == o->in.heard_ok.number) {
			kept(t, u);
			give(t);
			return;
		}
	}
	online_end(o, -EPROTO);
}

static bool may_go(void *arg)
{
	struct telegram *t = arg;

	return !chat_killed(t->o, &t->work);
}

/* The server will take it later. */
static bool put_off(struct telegram *t, const struct telegram_answer *a)
{
	if (a->error != 429 || a->retry_after_s > CHAT_PUT_OFF_S ||
	    ++t->work.tries >= CHAT_TRIES)
		return false;
	t->work_timer = loop_timer(&t->o->loop, (a->retry_after_s + 1) * 1000,
				   send_part, t);
	return t->work_timer >= 0;
}

static void said(struct telegram *t, const struct telegram_answer *a)
{
	char id[LIMIT_CHAT_ID + 1] = "";

	if ((t->work.kind == SAY_TEXT || t->work.kind == SAY_CARD) &&
	    !telegram_sent(a->result, id, sizeof(id)))
		chat_end(t->o, &t->work, EFFECT_UNKNOWN,
			 "the answer names no message");
	else if (chat_sent(&t->work, id))
		send_part(t);
	else
		chat_end(t->o, &t->work, EFFECT_DONE, "");
}

static void on_sent(void *arg, const struct net_answer *n)
{
	struct telegram *t = arg;
	struct telegram_answer a;
	char why[CHATNET_DETAIL + 64];

	if (n->why) {
		chat_end(t->o, &t->work,
			 n->sent ? EFFECT_UNKNOWN : EFFECT_FAILED,
			 chat_killed(t->o, &t->work) && !n->sent
				 ? "killed before it was done"
				 : n->why);
		return;
	}
	/* An error of a server's own may be one behind which it is done. */
	if (!telegram_answer(n->body, &a) || (!a.ok && n->status >= 500)) {
		chat_end(t->o, &t->work, EFFECT_UNKNOWN,
			 "the answer is none of the Bot API");
		return;
	}
	if (a.ok) {
		said(t, &a);
		return;
	}
	if (put_off(t, &a))
		return;
	(void)str_printf(why, sizeof(why), "the server says: %lld %s",
			 (long long)a.error, a.description);
	chat_end(t->o, &t->work, EFFECT_FAILED, why);
}

/* The method and its body; NULL: it is not to be said. */
static const char *build(struct telegram *t, struct buf *body)
{
	struct chat_work *w = &t->work;
	struct chat_send s;

	chat_next(w, TELEGRAM_TEXT, &s);
	switch (w->kind) {
	case SAY_TEXT:
	case SAY_CARD:
		return telegram_send_message(body, &s) ? "sendMessage" : NULL;
	case SAY_CHANGE:
		return telegram_edit_message(body, span_str(w->message), &s)
			       ? "editMessageText"
			       : NULL;
	case SAY_TOAST:
		return telegram_answer_press(body, span_str(w->message), s.text)
			       ? "answerCallbackQuery"
			       : NULL;
	case SAY_KIND_MAX:
		break;
	}
	return NULL;
}

static void send_part(void *arg)
{
	struct telegram *t = arg;
	struct net_call c = { .go = may_go, .done = on_sent };
	CLEAN_BUF struct buf body;
	const char *method;
	int r;

	t->work_timer = -1;
	buf_init(&body, CHATNET_REQUEST);
	if (!t->bot[0]) {
		chat_end(t->o, &t->work, EFFECT_FAILED, no_token);
		return;
	}
	method = build(t, &body);
	if (!method || !buf_ok(&body)) {
		chat_end(t->o, &t->work, EFFECT_FAILED,
			 "it is no message of Telegram's");
		return;
	}
	c.body = buf_view(&body);
	r = call(t, method, &c);
	if (r < 0)
		chat_end(t->o, &t->work, EFFECT_FAILED, strerrorname_np(-r));
}

static void tg_effect(struct online *o)
{
	struct telegram *t = o->own;
	const char *why;

	why = chat_take_effect(o, &t->work, "telegram:", TELEGRAM_TEXT);
	if (why)
		chat_end(o, &t->work, EFFECT_FAILED, why);
	else
		send_part(t);
}

static void tg_say(struct online *o)
{
	struct telegram *t = o->own;
	const char *why = chat_take_say(o, &t->work);

	if (why)
		chat_end(o, &t->work, EFFECT_FAILED, why);
	else
		send_part(t);
}

static int tg_start(struct online *o)
{
	struct telegram *t = calloc(1, sizeof(*t));
	int r;

	if (!t)
		return -ENOMEM;
	o->own = t;
	t->o = o;
	t->timer = t->work_timer = -1;
	buf_init(&t->batch, CHATNET_BODY);
	chat_init(&t->work);
	if (!telegram_token_ok(secret_view(&o->secret), t->bot,
			       sizeof(t->bot))) {
		online_link(o, ACCOUNT_REFUSED,
			    "its secret is no token of a bot, 123456:ABC...",
			    0);
		return 0;
	}
	if (o->set.revoke)
		return 0;
	r = load_place(t);
	if (r < 0)
		return r;
	online_link(o, ACCOUNT_CONNECTING, "", 0);
	later(t, 0, poll_now);
	return 0;
}

static void tg_stop(struct online *o)
{
	struct telegram *t = o->own;

	if (!t)
		return;
	buf_done(&t->batch);
	chat_done(&t->work);
	free(t);
	o->own = NULL;
}

const struct online_kind telegram_kind = {
	.name = "telegram",
	.start = tg_start,
	.stop = tg_stop,
	.effect = tg_effect,
	.say = tg_say,
	.heard_ok = tg_heard_ok,
	.item_kept = tg_item_kept,
	.item_done = tg_item_done,
};
